/*
 * ping.c - ping sockets: echo requests and their answers for programs without CAP_NET_RAW
 * (icmp(7)).
 *
 * The identifier of the ICMP message is the socket's "port", from a bind table of its own; one
 * socket has it for IPv4 and one for IPv6. Who may make one: net.ipv4.ping_group_range.
 */
#include "dgram.h"
#include "inetdev.h"
#include <cred.h>
#include <debug.h>
#include <netctl.h>
#include <task.h>

enum { PING_HEADS = 64 };
static struct dgram_head heads[PING_HEADS]; /* by identifier */
static struct bind_table *ports[2];         /* IPv4, IPv6 */

static struct dgram_head *head_of(__be16 id)
{
	return &heads[be16(id) % PING_HEADS];
}

static struct bind_table *ports_of(const struct inet_sock *is)
{
	return ports[is->s.family == AF_INET6];
}

static struct inet_sock *lookup(const struct pkt *p, const struct ip_addr *local, __be16 id)
{
	struct inet_sock *is;

	hlist_for_each_entry (is, &head_of(id)->list, hash_node)
		if (is->lport == id && (is->s.family == AF_INET) == ip_is_v4(local) &&
			(ip_is_any(&is->local) || ip_equal(&is->local, local)) &&
			(!is->s.ifindex || is->s.ifindex == p->ip.ifindex))
			return is;
	return NULL;
}

/* ---- input ---- */

void ping_input(struct net *net, struct pkt *p)
{
	const struct icmp_hdr *h = (const struct icmp_hdr *)pkt_data(p);
	const __be16 id = to_be16(be32(h->rest) >> 16);
	struct inet_sock *is = lookup(p, &p->ip.dst, id);

	(void)net;
	if (is)
		(void)socket_queue_rcv(&is->s, p);
	else
		pkt_free(p);
}

void ping_error(struct net *net, struct pkt *p, const struct inet_error *e)
{
	const uint8_t echo = ip_is_v4(&p->ip.dst) ? ICMP4_ECHO : ICMP6_ECHO;
	const struct icmp_hdr *h;
	struct inet_sock *is;

	(void)net;
	if (!pkt_need(p, sizeof(*h)))
		return;
	h = (const struct icmp_hdr *)pkt_data(p);
	if (h->type != echo)
		return;
	is = lookup(p, &p->ip.src, to_be16(be32(h->rest) >> 16));
	if (is)
		dgram_error(is, p, e, 0);
}

/* ---- sockets ---- */

static int may_ping(struct net *net)
{
	const struct cred *c = current->cred;
	const uint32_t min = net->inet->ping_group_min, max = net->inet->ping_group_max;
	unsigned i;

	if (c->egid >= min && c->egid <= max)
		return 0;
	for (i = 0; c->groups && i < c->groups->count; i++)
		if (c->groups->gid[i] >= min && c->groups->gid[i] <= max)
			return 0;
	return -EACCES;
}

static int ping_init_sock(struct inet_sock *is)
{
	return may_ping(is->s.net);
}

/* snd_mutex held. */
static int bind_to(struct inet_sock *is, const struct ip_addr *a, __be16 id, uint32_t ifindex)
{
	int err = inet_bind_any(ports_of(is), is, a, id, ifindex);

	if (!err)
		dgram_hash(is, head_of(is->lport));
	return err;
}

static int autobind(struct inet_sock *is)
{
	int err = 0;

	mutex_lock(&is->s.snd_mutex);
	if (!is->lport)
		err = bind_to(is, &is->local, to_be16(0), is->s.ifindex);
	mutex_unlock(&is->s.snd_mutex);
	return err;
}

static int ping_bind(struct socket *s, const struct sockaddr_storage *a, unsigned len)
{
	struct inet_sock *is = inet_sk(s);
	struct ip_addr addr;
	uint32_t ifindex;
	__be16 id;
	int err = inet_bind_name(is, a, len);

	if (!err)
		err = inet_addr_in(is, a, len, &addr, &id, &ifindex);
	if (err)
		return err;
	if (s->family == AF_INET6 && ip_is_v4(&addr))
		return -EADDRNOTAVAIL;
	mutex_lock(&s->snd_mutex);
	err = is->lport ? -EINVAL : inet_bind_check(is, &addr, &ifindex);
	if (!err)
		err = bind_to(is, &addr, id, ifindex);
	if (!err)
		is->is_bound_addr = !ip_is_any(&addr);
	mutex_unlock(&s->snd_mutex);
	return err;
}

static int ping_connect(
	struct socket *s, const struct sockaddr_storage *a, unsigned len, unsigned file_flags)
{
	struct inet_sock *is = inet_sk(s);
	struct ip_addr to;
	uint32_t ifindex;
	__be16 port;
	int err = len < sizeof(a->ss_family) ? -EINVAL : autobind(is);

	(void)file_flags;
	if (err)
		return err;
	mutex_lock(&s->snd_mutex);
	if (a->ss_family == AF_UNSPEC)
		dgram_disconnect(is);
	else
		err = inet_addr_in(is, a, len, &to, &port, &ifindex);
	if (!err && a->ss_family != AF_UNSPEC)
		err = (s->family == AF_INET6) == ip_is_v4(&to)
			      ? -EINVAL
			      : dgram_connect(is, &to, port, ifindex);
	mutex_unlock(&s->snd_mutex);
	return err;
}

/* Only echo requests; identifier and checksum are ours. */
static int complete(
	struct inet_sock *is, struct pkt *p, const struct ip_addr *src, const struct ip_addr *dst)
{
	const bool v4 = is->s.family == AF_INET;
	struct icmp_hdr *h;

	if (p->len < sizeof(*h) || !pkt_need(p, sizeof(*h)))
		return -EINVAL;
	h = (struct icmp_hdr *)pkt_data(p);
	if (h->type != (v4 ? ICMP4_ECHO : ICMP6_ECHO) || h->code)
		return -EINVAL;
	h->rest = to_be32((uint32_t)be16(is->lport) << 16 | (be32(h->rest) & 0xffff));
	if (v4) {
		h->csum = to_be16(0);
		h->csum = csum_fold(pkt_csum(p, 0, p->len, 0));
		mib_inc(MIB_ICMP_OUT_MSGS);
		mib_inc(MIB_ICMP_OUT_ECHOS);
	} else {
		icmp6_sum(p, src, dst);
		mib_inc(MIB_ICMP6_OUT_MSGS);
	}
	p->l4 = p->off;
	return 0;
}

static int transmit(struct inet_sock *is, const struct dgram_dest *d, struct pkt *p)
{
	struct inet_send_args a;
	struct dst dst;
	int err = dgram_route(is, d, &dst);

	if (!err) {
		dgram_args(is, d, &dst, &a);
		err = complete(is, p, &dst.src, &d->dst);
		if (!err) {
			p->mark = is->s.mark;
			err = inet_send(is->s.net, &dst, &a, p);
			p = NULL;
		}
		dst_release(&dst);
	}
	if (p)
		pkt_free(p);
	return err == -ENOBUFS && !is->recverr ? 0 : err;
}

static ssize_t ping_sendmsg(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags)
{
	struct inet_sock *is = inet_sk(s);
	struct dgram_dest d;
	struct pkt *p;
	ssize_t done;
	int err;

	(void)file_flags;
	if (n > IP_MAX_LEN)
		return -EMSGSIZE;
	if (n < sizeof(struct icmp_hdr))
		return -EINVAL;
	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	err = autobind(is);
	if (!err)
		err = dgram_dest(is, m, false, &d);
	if (!err && (s->family == AF_INET6) == ip_is_v4(&d.dst))
		err = -EINVAL;
	if (!err)
		err = socket_wait_sndbuf(s, m->flags);
	if (err)
		return err;
	p = pkt_alloc_tx();
	if (!p)
		return -ENOBUFS;
	done = pkt_append_iter(p, m->iter, n);
	if (done < 0 || (size_t)done != n) {
		pkt_free(p);
		return done < 0 ? done : -EFAULT;
	}
	socket_charge_snd(s, p);
	net_enter();
	err = transmit(is, &d, p);
	net_exit();
	return err ? err : (ssize_t)n;
}

static ssize_t ping_recvmsg(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags)
{
	(void)file_flags;
	return dgram_recv(inet_sk(s), m, n, NULL, false);
}

static void ping_release(struct socket *s)
{
	struct inet_sock *is = inet_sk(s);

	mutex_lock(&s->snd_mutex);
	dgram_unhash(is);
	inet_unbind(ports_of(is), is);
	mutex_unlock(&s->snd_mutex);
	group_sock_release(is);
}

static int ping_each(
	struct net *net, int (*fn)(const struct inet_sock_info *i, void *arg), void *arg)
{
	return dgram_each(heads, PING_HEADS, net, fn, arg);
}

static const struct socket_ops ping_ops = {
	.family = AF_INET,
	.bind = ping_bind,
	.connect = ping_connect,
	.getname = inet_getname,
	.sendmsg = ping_sendmsg,
	.recvmsg = ping_recvmsg,
	.shutdown = dgram_shutdown,
	.poll = socket_poll_datagram,
	.ioctl = dgram_ioctl,
	.setsockopt = inet_setsockopt,
	.getsockopt = inet_getsockopt,
	.release = ping_release,
	.destroy = dgram_destroy,
};

static const struct inet_proto ping4_proto = {
	.name = "PING",
	.proto = IPPROTO_ICMP,
	.type = SOCK_DGRAM,
	.size = sizeof(struct inet_sock),
	.ops = &ping_ops,
	.init = ping_init_sock,
	.each = ping_each,
};
static const struct inet_proto ping6_proto = {
	.name = "PINGv6",
	.proto = IPPROTO_ICMPV6,
	.type = SOCK_DGRAM,
	.size = sizeof(struct inet_sock),
	.ops = &ping_ops,
	.init = ping_init_sock,
};

void ping_init(void)
{
	ports[0] = bind_table_create("PING");
	ports[1] = bind_table_create("PINGv6");
	dgram_heads_init(heads, PING_HEADS);
	PANIC_ON(inet_proto_register(&ping4_proto) || inet_proto_register(&ping6_proto));
}
