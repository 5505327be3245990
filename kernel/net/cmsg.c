/*
 * cmsg.c - ancillary data of datagrams (ip(7), ipv6(7), udp(7)) and the error queue (IP_RECVERR).
 */
#include "inet_opt.h"
#include "inetdev.h"
#include <cred.h>
#include <debug.h>
#include <file.h>
#include <policy.h>

enum { SOL_UDP = 17, UDP_SEGMENT = 103, UDP_GRO = 104 };

/* ---- received ---- */

static void put_origdst(struct inet_sock *is, struct socket_msg *m, const struct pkt *p)
{
	struct sockaddr_storage a;
	__be16 port;

	memcpy(&port, p->lin + p->l4 + 2, sizeof(port));
	if (ip_is_v4(&p->ip.dst)) {
		const struct sockaddr_in in = {
			.sin_family = AF_INET, .sin_port = port, .sin_addr = ip_v4(&p->ip.dst)};

		cmsg_put(m, IPPROTO_IP, IP_RECVORIGDSTADDR, &in, sizeof(in));
	} else {
		cmsg_put(m, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, &a,
			inet_addr_out(is, &p->ip.dst, port, p->ip.ifindex, &a));
	}
}

/* The address of ours that it was for: with broadcast and multicast the one to answer from. */
static __be32 local_address(const struct inet_sock *is, const struct pkt *p)
{
	struct ip_addr a = p->ip.dst;
	struct netdev *d;

	if (!p->ip.is_broadcast)
		return ip_v4(&a);
	a = ip_from_v4(IP4(0, 0, 0, 0));
	net_enter();
	d = netdev_by_index_rcu(is->s.net, p->ip.ifindex);
	if (d)
		(void)inetdev_source4(is->s.net, d, &p->ip.src, 253, &a);
	net_exit();
	return ip_v4(&a);
}

static void put4(struct inet_sock *is, struct socket_msg *m, struct pkt *p)
{
	const uint32_t flags = is->cmsg_flags;
	int v;

	if (flags & INET_RECV_PKTINFO) {
		const struct ip_pktinfo pi = {.ifindex = (int32_t)p->ip.ifindex,
			.spec_dst = local_address(is, p),
			.addr = ip_v4(&p->ip.dst)};

		cmsg_put(m, IPPROTO_IP, IP_PKTINFO, &pi, sizeof(pi));
	}
	if (flags & INET_RECV_TTL) {
		v = p->ip.ttl;
		cmsg_put(m, IPPROTO_IP, IP_TTL, &v, sizeof(v));
	}
	if (flags & INET_RECV_TOS)
		cmsg_put(m, IPPROTO_IP, IP_TOS, &p->ip.tos, sizeof(p->ip.tos));
	if (flags & INET_RECV_OPTS && p->ip.opts_len)
		cmsg_put(m, IPPROTO_IP, IP_RECVOPTS, p->lin + p->l3 + IP4_HLEN, p->ip.opts_len);
	if (flags & INET_RECV_ORIGDST)
		put_origdst(is, m, p);
	if (flags & INET_RECV_FRAGSIZE && p->ip.frag_max) {
		v = p->ip.frag_max;
		cmsg_put(m, IPPROTO_IP, IP_RECVFRAGSIZE, &v, sizeof(v));
	}
}

static void put6(struct inet_sock *is, struct socket_msg *m, struct pkt *p)
{
	const uint32_t flags = is->cmsg_flags;
	int v;

	if (flags & (INET_RECV_PKTINFO6 | INET_RECV_PKTINFO6_OLD)) {
		struct ip6_pktinfo pi = {.ifindex = p->ip.ifindex};

		memcpy(pi.addr, p->ip.dst.b, sizeof(pi.addr));
		if (flags & INET_RECV_PKTINFO6)
			cmsg_put(m, IPPROTO_IPV6, IPV6_PKTINFO, &pi, sizeof(pi));
		if (flags & INET_RECV_PKTINFO6_OLD)
			cmsg_put(m, IPPROTO_IPV6, IPV6_2292PKTINFO, &pi, sizeof(pi));
	}
	if (ip_is_v4(&p->ip.dst))
		return;
	v = p->ip.ttl;
	if (flags & INET_RECV_HOPLIMIT6)
		cmsg_put(m, IPPROTO_IPV6, IPV6_HOPLIMIT, &v, sizeof(v));
	if (flags & INET_RECV_HOPLIMIT6_OLD)
		cmsg_put(m, IPPROTO_IPV6, IPV6_2292HOPLIMIT, &v, sizeof(v));
	if (flags & INET_RECV_TCLASS6) {
		v = p->ip.tos;
		cmsg_put(m, IPPROTO_IPV6, IPV6_TCLASS, &v, sizeof(v));
	}
	if (flags & INET_RECV_ORIGDST6)
		put_origdst(is, m, p);
	if (flags & INET_RECV_FRAGSIZE6 && p->ip.frag_max) {
		v = p->ip.frag_max;
		cmsg_put(m, IPPROTO_IPV6, IPV6_RECVFRAGSIZE, &v, sizeof(v));
	}
}

void inet_put_cmsgs(struct inet_sock *is, struct socket_msg *m, struct pkt *p)
{
	if (p->gso == GSO_UDP) {
		const int size = p->gso_size;

		cmsg_put(m, SOL_UDP, UDP_GRO, &size, sizeof(size));
	}
	if (is->s.family == AF_INET6)
		put6(is, m, p);
	if (ip_is_v4(&p->ip.dst))
		put4(is, m, p);
}

/* ---- to send ---- */

/* An IPv6 source may be named only if it could be bound to; IPv4's is the route's business. */
static int check_source(struct inet_sock *is, const struct inet_cmsg *c)
{
	enum addr_type type;

	if (!c->has_src || ip_is_v4(&c->src) || is->freebind || is->transparent)
		return 0;
	net_enter();
	type = inet_addr_type(is->s.net, &c->src, 0);
	net_exit();
	return type == ADDR_LOCAL ? 0 : -EINVAL;
}

static int get4(struct inet_sock *is, const struct cmsghdr *h, struct inet_cmsg *c)
{
	const size_t n = cmsg_data_len(h);
	struct ip_pktinfo pi;
	int v;

	switch (h->cmsg_type) {
	case IP_PKTINFO:
		if (n != sizeof(pi))
			return -EINVAL;
		memcpy(&pi, cmsg_data(h), sizeof(pi));
		if (pi.ifindex)
			c->ifindex = (uint32_t)pi.ifindex;
		c->src = ip_from_v4(pi.spec_dst);
		c->has_src = pi.spec_dst != to_be32(0);
		return 0;
	case IP_TTL:
		if (n != sizeof(v))
			return -EINVAL;
		memcpy(&v, cmsg_data(h), sizeof(v));
		if (v < 1 || v > 255)
			return -EINVAL;
		c->ttl = v;
		return 0;
	case IP_TOS:
		if (n == sizeof(v))
			memcpy(&v, cmsg_data(h), sizeof(v));
		else if (n == 1)
			v = *(const uint8_t *)cmsg_data(h);
		else
			return -EINVAL;
		if (v < 0 || v > 255)
			return -EINVAL;
		c->tos = v;
		return 0;
	case IP_RETOPTS:
		return n > IP4_MAX_OPTIONS ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

static int get6(struct inet_sock *is, const struct cmsghdr *h, struct inet_cmsg *c)
{
	const size_t n = cmsg_data_len(h);
	struct ip6_pktinfo pi;
	int v;

	switch (h->cmsg_type) {
	case IPV6_PKTINFO:
	case IPV6_2292PKTINFO:
		if (n < sizeof(pi))
			return -EINVAL;
		memcpy(&pi, cmsg_data(h), sizeof(pi));
		if (pi.ifindex && is->s.ifindex && pi.ifindex != is->s.ifindex)
			return -EINVAL;
		c->ifindex = pi.ifindex;
		c->src = ip6_addr(pi.addr);
		c->has_src = !ip_is_any(&c->src);
		return 0;
	case IPV6_HOPLIMIT:
	case IPV6_2292HOPLIMIT:
	case IPV6_TCLASS:
		if (n != sizeof(v))
			return -EINVAL;
		memcpy(&v, cmsg_data(h), sizeof(v));
		if (v < -1 || v > 255)
			return -EINVAL;
		if (h->cmsg_type == IPV6_TCLASS)
			c->tos = v;
		else
			c->ttl = v;
		return 0;
	case IPV6_DONTFRAG:
		if (n != sizeof(v))
			return -EINVAL;
		memcpy(&v, cmsg_data(h), sizeof(v));
		c->dont_fragment = v == 1;
		return v == 0 || v == 1 ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

int inet_get_cmsgs(struct inet_sock *is, const struct socket_msg *m, struct inet_cmsg *c)
{
	const struct cmsghdr *h = NULL;
	int err = 0;

	while (!err && (h = cmsg_next(m, h, &err))) {
		if (h->cmsg_level == IPPROTO_IP)
			err = get4(is, h, c);
		else if (h->cmsg_level == IPPROTO_IPV6 && is->s.family == AF_INET6)
			err = get6(is, h, c);
		else if (h->cmsg_level == SOL_UDP && h->cmsg_type == UDP_SEGMENT) {
			if (cmsg_data_len(h) != sizeof(c->gso_size))
				return -EINVAL;
			memcpy(&c->gso_size, cmsg_data(h), sizeof(c->gso_size));
		} else if (h->cmsg_level == SOL_SOCKET)
			err = -EINVAL;
	}
	return err ? err : check_source(is, c);
}

/* ---- the error queue ---- */

void inet_queue_error(
	struct inet_sock *is, struct pkt *p, const struct inet_error *e, unsigned header)
{
	struct pkt *copy = pkt_clone(p);
	const struct sock_ext_err ee = {
		.ee_errno = (uint32_t)e->err,
		.ee_origin = e->origin,
		.ee_type = e->type,
		.ee_code = e->code,
		.ee_info = e->info,
	};
	struct sockaddr_storage from;

	if (!copy)
		return;
	memset(&from, 0, sizeof(from));
	if (ip_is_v4(&e->from)) {
		*(struct sockaddr_in *)&from = (struct sockaddr_in){
			.sin_family = AF_INET, .sin_addr = ip_v4(&e->from)};
	} else {
		struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

		memcpy(in6.sin6_addr, e->from.b, sizeof(in6.sin6_addr));
		if (ip_is_link_local(&e->from))
			in6.sin6_scope_id = p->ip.ifindex;
		*(struct sockaddr_in6 *)&from = in6;
	}
	copy->l4 = copy->off;
	pkt_pull(copy, MIN(header, copy->len));
	socket_queue_error(&is->s, copy, &ee, &from);
}

void inet_local_error(struct inet_sock *is, const struct ip_addr *dst, __be16 port, uint32_t mtu)
{
	const bool v4 = ip_is_v4(dst);
	const struct sock_ext_err ee = {
		.ee_errno = EMSGSIZE, .ee_origin = SO_EE_ORIGIN_LOCAL, .ee_info = mtu};
	__be16 *ports;
	struct pkt *p;

	if (!(v4 ? is->recverr : is->recverr6))
		return;
	p = pkt_alloc(PKT_HEADROOM);
	if (!p)
		return;
	p->l4 = p->off;
	ports = pkt_append(p, 4);
	ports[0] = is->lport;
	ports[1] = port;
	pkt_pull(p, 4);
	p->ip = (struct pkt_ip){.src = is->local, .dst = *dst};
	socket_queue_error(&is->s, p, &ee, NULL);
}

/* About no packet, and no error. */
static bool is_notice(struct pkt *p)
{
	return socket_err_cb(p)->e.ee_origin == SO_EE_ORIGIN_ZEROCOPY;
}

static void put_ext_err(struct inet_sock *is, struct socket_msg *m, struct pkt *p)
{
	const struct socket_err_cb *cb = socket_err_cb(p);
	const bool v4 = is_notice(p) ? is->s.family == AF_INET : ip_is_v4(&p->ip.dst);
	uint8_t out[sizeof(cb->e) + sizeof(cb->offender)] = {0};
	const unsigned n = v4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);

	memcpy(out, &cb->e, sizeof(cb->e));
	memcpy(out + sizeof(cb->e), cb->offender, n);
	cmsg_put(m, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_RECVERR : IPV6_RECVERR, out,
		sizeof(cb->e) + n);
}

ssize_t inet_recv_error(struct inet_sock *is, struct socket_msg *m, size_t n)
{
	struct pkt *p = socket_dequeue_error(&is->s), *next;
	const size_t part = p ? MIN(n, (size_t)p->len) : 0;
	__be16 port = to_be16(0);
	bool is_error;
	int err;

	if (!p)
		return -EAGAIN;
	err = pkt_copy_iter(p, 0, m->iter, part);
	if (!err) {
		if (is->s.type != SOCK_RAW && !is_notice(p))
			memcpy(&port, p->lin + p->l4 + 2, sizeof(port));
		if (m->name && !is_notice(p))
			m->name_len = inet_addr_out(is, &p->ip.dst, port, p->ip.ifindex, m->name);
		put_ext_err(is, m, p);
		m->out_flags |= MSG_ERRQUEUE | (part < p->len ? MSG_TRUNC : 0);
	}
	is_error = !is_notice(p);
	pkt_free(p);
	if (!is_error)
		return err ? err : (ssize_t)part;
	/* The next one is what SO_ERROR and poll report from now on. */
	spin_lock(&is->s.lock);
	spin_lock(&is->s.errq_lock);
	next = pkt_peek(&is->s.errq);
	if (!next)
		is->s.error = 0;
	else if (socket_err_cb(next)->e.ee_origin != SO_EE_ORIGIN_NONE)
		is->s.error = (int)socket_err_cb(next)->e.ee_errno;
	spin_unlock(&is->s.errq_lock);
	spin_unlock(&is->s.lock);
	return err ? err : (ssize_t)part;
}

void inet_sock_identity(const struct socket *s, struct inet_sock_info *i)
{
	const struct file *f;

	rcu_read_lock();
	f = READ_ONCE(s->file);
	i->ino = f && f->inode ? f->inode->ino : 0;
	rcu_read_unlock();
	i->cookie = s->cookie;
}
