/*
 * dgram.c - what udp, raw and ping sockets have in common: connecting, the destination and route of
 * one datagram, receiving, errors that ICMP reports. Does not: ports and lookup tables.
 */
#include "dgram.h"
#include "inetdev.h"
#include "neigh.h"
#include <debug.h>
#include <netctl.h>
#include <policy.h>

enum { SIOCINQ = 0x541b, SIOCOUTQ = 0x5411 };

/* ---- destinations ---- */

/* A v6 socket that is bound to an address of one family cannot send to the other. */
static int check_family(const struct inet_sock *is, const struct ip_addr *dst)
{
	const bool v4 = ip_is_v4(dst);

	if (is->s.family == AF_INET || (ip_is_any(&is->local) && !ip_is_v4(&is->local)))
		return v4 && is->v6only ? -ENETUNREACH : 0;
	if (v4 == ip_is_v4(&is->local))
		return 0;
	return v4 ? -EINVAL : -ENETUNREACH;
}

static int explicit_dest(
	struct inet_sock *is, const struct socket_msg *m, bool wants_port, struct dgram_dest *d)
{
	int err = inet_addr_in(is, m->name, m->name_len, &d->dst, &d->port, &d->ifindex);

	if (!err && wants_port && !d->port)
		err = -EINVAL;
	if (err)
		return err;
	inet_any_to_loopback(&d->dst);
	err = check_family(is, &d->dst);
	return err ? err : inet_policy(is, POLICY_NET_CONNECT, &d->dst, d->port);
}

int dgram_dest(
	struct inet_sock *is, const struct socket_msg *m, bool wants_port, struct dgram_dest *d)
{
	int err = 0;

	*d = (struct dgram_dest){.c = {.ttl = -1, .tos = -1}};
	if (m->name && m->name_len) {
		err = explicit_dest(is, m, wants_port, d);
	} else if (ip_is_any(&is->remote)) {
		err = -EDESTADDRREQ;
	} else {
		d->dst = is->remote;
		d->port = is->rport;
		d->ifindex = is->scope_id;
		d->connected = !(m->flags & MSG_DONTROUTE);
	}
	if (!err && m->control_len) {
		err = inet_get_cmsgs(is, m, &d->c);
		if (d->c.has_src || d->c.ifindex || d->c.tos >= 0 || d->c.ttl >= 0)
			d->connected = false;
	}
	d->confirm = m->flags & MSG_CONFIRM;
	return err;
}

int dgram_route(struct inet_sock *is, const struct dgram_dest *d, struct dst *out)
{
	const bool v4 = ip_is_v4(&d->dst);
	struct flow f = {
		.src = d->c.has_src                          ? d->c.src
		       : !v4 && !ip_is_any(&is->sticky_src6) ? is->sticky_src6
							     : is->local,
		.dst = d->dst,
		.ifindex = is->s.ifindex  ? is->s.ifindex
			   : d->c.ifindex ? d->c.ifindex
					  : d->ifindex,
		.mark = is->s.mark,
		.tos = d->c.tos >= 0 ? (uint8_t)d->c.tos
		       : v4          ? is->tos
				     : is->tclass6,
		.proto = is->proto,
		.sport = is->lport,
		.dport = d->port,
		.dont_route = is->s.opts & SOPT_DONTROUTE,
		.any_src = is->freebind || is->transparent,
	};
	int err;

	if (ip_is_any(&f.src) && v4)
		f.src = ip_from_v4(IP4(0, 0, 0, 0));
	if (!f.ifindex && !v4)
		f.ifindex = is->sticky_ifindex6;
	if (!f.ifindex && !ip_is_multicast(&d->dst))
		f.ifindex = is->unicast_ifindex;
	if (ip_is_multicast(&d->dst)) {
		if (!f.ifindex)
			f.ifindex = v4 ? is->mcast_ifindex : is->mcast_ifindex6;
		if (ip_is_any(&f.src) && v4)
			f.src = is->mcast_src;
	}
	err = dst_lookup(is->s.net, &f, out);
	if (err)
		return err;
	if (out->kind == DST_BROADCAST && !(is->s.opts & SOPT_BROADCAST)) {
		dst_release(out);
		return -EACCES;
	}
	return 0;
}

void dgram_args(struct inet_sock *is, const struct dgram_dest *d, const struct dst *dst,
	struct inet_send_args *a)
{
	const bool v4 = ip_is_v4(&d->dst), group = dst->kind == DST_MULTICAST;
	const uint8_t ttl = group ? (v4 ? is->mcast_ttl : is->mcast_hops6)
				  : (v4 ? is->ttl : is->hops6);

	*a = (struct inet_send_args){
		.src = dst->src,
		.dst = d->dst,
		.proto = is->proto,
		.ttl = d->c.ttl >= 0 ? (uint8_t)d->c.ttl : ttl,
		.tos = d->c.tos >= 0 ? (uint8_t)d->c.tos
		       : v4          ? is->tos
				     : is->tclass6,
		.ttl_is_set = d->c.ttl >= 0 || group || (!v4 && is->hops6_is_set),
		.options = is->ip_options,
		.options_len = is->ip_options_len,
		.flow_label = is->flow_label,
		.dont_fragment = !v4 && (is->dontfrag6 || d->c.dont_fragment),
		.pmtu_mode = v4 ? is->pmtu_mode : is->pmtu_mode6,
		.mcast_loop = v4 ? is->mcast_loop : is->mcast_loop6,
		.sk = is,
	};
}

/* ---- connect ---- */

int dgram_connect(struct inet_sock *is, const struct ip_addr *to, __be16 port, uint32_t ifindex)
{
	struct dgram_dest d = {
		.dst = *to, .port = port, .ifindex = ifindex, .c = {.ttl = -1, .tos = -1}};
	struct dst dst;
	int err;

	inet_any_to_loopback(&d.dst);
	err = check_family(is, &d.dst);
	if (err)
		return err;
	if (!ip_is_v4(&d.dst) && ip_is_link_local(&d.dst) && !ifindex && !is->s.ifindex)
		return -EINVAL;
	net_enter();
	err = dgram_route(is, &d, &dst);
	if (!err) {
		spin_lock(&is->s.lock);
		dst_release(&is->dst);
		is->dst = dst;
		if (ip_is_any(&is->local))
			is->local = dst.src;
		is->remote = d.dst;
		is->rport = port;
		is->scope_id = ifindex;
		spin_unlock(&is->s.lock);
	}
	net_exit();
	return err;
}

void dgram_disconnect(struct inet_sock *is)
{
	static const struct ip_addr any6;
	const struct ip_addr any = is->s.family == AF_INET ? ip_from_v4(IP4(0, 0, 0, 0)) : any6;

	net_enter();
	spin_lock(&is->s.lock);
	is->remote = any;
	is->rport = to_be16(0);
	is->scope_id = 0;
	if (!is->is_bound_addr)
		is->local = any;
	dst_release(&is->dst);
	spin_unlock(&is->s.lock);
	net_exit();
}

/* ---- receiving ---- */

static void put_name(struct inet_sock *is, struct socket_msg *m, struct pkt *p, bool has_port)
{
	__be16 port = to_be16(0);

	if (!m->name)
		return;
	if (has_port)
		memcpy(&port, p->lin + p->l4, sizeof(port));
	m->name_len = inet_addr_out(is, &p->ip.src, port, p->ip.ifindex, m->name);
}

ssize_t dgram_recv(struct inet_sock *is, struct socket_msg *m, size_t n,
	unsigned (*skip)(struct inet_sock *is, const struct pkt *p), bool has_port)
{
	struct pkt *p;
	unsigned at, len;
	size_t part;
	int err;

	if (m->flags & MSG_ERRQUEUE)
		return inet_recv_error(is, m, n);
	err = socket_rcv_begin(&is->s, m->flags, &p);
	if (err || !p)
		return err;
	at = (skip ? skip(is, p) : 0) + (unsigned)is->s.peek_skip;
	len = p->len - at;
	part = MIN(n, (size_t)len);
	err = pkt_copy_iter(p, at, m->iter, part);
	if (!err) {
		put_name(is, m, p, has_port);
		if (part < len)
			m->out_flags |= MSG_TRUNC;
		if (is->cmsg_flags)
			inet_put_cmsgs(is, m, p);
		socket_put_cmsgs(&is->s, m, p);
		if (m->flags & MSG_TRUNC) /* the whole length, wherever a peek began */
			part = len + (unsigned)is->s.peek_skip;
		socket_peek_moved(&is->s, m->flags, (uint32_t)part);
	}
	socket_rcv_done(&is->s, p, m->flags);
	return err ? err : (ssize_t)part;
}

/* ---- errors ---- */

void dgram_error(struct inet_sock *is, struct pkt *p, const struct inet_error *e, unsigned header)
{
	const bool v4 = ip_is_v4(&p->ip.dst);
	const bool queue = v4 ? is->recverr : is->recverr6;
	const uint8_t mode = v4 ? is->pmtu_mode : is->pmtu_mode6;
	bool hard = e->is_hard;

	if (e->err == EMSGSIZE) {
		pmtu_update(is->s.net, &p->ip.dst, e->info);
		if (v4 && mode == IP_PMTUDISC_DONT)
			return;
		hard = true;
	}
	if (queue)
		inet_queue_error(is, p, e, header);
	else if (!hard || ip_is_any(&is->remote))
		return;
	socket_set_error(&is->s, e->err);
}

int dgram_shutdown(struct socket *s, int how)
{
	struct inet_sock *is = inet_sk(s);
	int err = 0;

	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	net_enter();
	spin_lock(&s->lock);
	if (ip_is_any(&is->remote))
		err = -ENOTCONN;
	/* Not connected: the calls end nevertheless, as on Linux. */
	s->shutdown |= (uint8_t)(how + 1);
	spin_unlock(&s->lock);
	net_exit();
	socket_wake_all(s);
	return err;
}

long dgram_ioctl(struct socket *s, unsigned cmd, void *arg)
{
	struct pkt *p;
	int *out = arg;

	switch (cmd) {
	case SIOCINQ:
		spin_lock(&s->lock);
		p = pkt_peek(&s->rcv);
		*out = p ? (int)p->len : 0;
		spin_unlock(&s->lock);
		return 0;
	case SIOCOUTQ:
		*out = atomic_read(&s->wmem);
		return 0;
	default:
		return inet_ioctl(s, cmd, arg);
	}
}

void dgram_info(const struct inet_sock *is, struct inet_sock_info *i)
{
	*i = (struct inet_sock_info){
		.family = (uint8_t)is->s.family,
		.type = (uint8_t)is->s.type,
		.proto = is->proto,
		.state = ip_is_any(&is->remote) ? 7 /* closed */ : 1 /* established */,
		.local = is->local,
		.remote = is->remote,
		.lport = be16(is->lport),
		.rport = be16(is->rport),
		.ifindex = is->s.ifindex,
		.rqueue = (uint32_t)atomic_read(&is->s.rmem),
		.wqueue = (uint32_t)atomic_read(&is->s.wmem),
		.uid = is->s.cred->euid,
		.drops = is->s.drops,
		.refs = (uint32_t)refcount_read(&is->s.refs),
		.v6only = is->v6only,
	};
	inet_sock_identity(&is->s, i);
}

void dgram_heads_init(struct dgram_head *heads, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		spin_init(&heads[i].lock);
}

void dgram_hash(struct inet_sock *is, struct dgram_head *head)
{
	spin_lock(&head->lock);
	hlist_add(&is->hash_node, &head->list);
	spin_unlock(&head->lock);
	is->hash_head = head;
}

void dgram_unhash(struct inet_sock *is)
{
	struct dgram_head *head = is->hash_head;

	if (!head)
		return;
	spin_lock(&head->lock);
	hlist_del(&is->hash_node);
	spin_unlock(&head->lock);
	is->hash_head = NULL;
}

int dgram_each(struct dgram_head *heads, unsigned n, struct net *net,
	int (*fn)(const struct inet_sock_info *i, void *arg), void *arg)
{
	const struct inet_sock *is;
	struct inet_sock_info info;
	int err = 0;

	for (unsigned i = 0; !err && i < n; i++) {
		rcu_read_lock();
		hlist_for_each_entry (is, &heads[i].list, hash_node) {
			if (is->s.net != net)
				continue;
			dgram_info(is, &info);
			err = fn(&info, arg);
			if (err)
				break;
		}
		rcu_read_unlock();
	}
	return err;
}

void dgram_destroy(struct socket *s)
{
	inet_release(inet_sk(s));
}
