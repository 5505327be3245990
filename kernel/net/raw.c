/*
 * raw.c - raw sockets (raw(7), RFC 3542 3): whole IPv4 packets, or IPv6 payloads, of one protocol.
 *
 * Every packet for this host goes by here before its transport gets it; while no raw socket of its
 * protocol exists that costs one load. Copies are made, one for each socket that matches. A program
 * with IP_HDRINCL writes the IPv4 header itself; lengths and checksums are put right.
 * Does not: IPV6_HDRINCL.
 */
#include "dgram.h"
#include "inet_opt.h"
#include "inetdev.h"
#include <debug.h>
#include <netctl.h>

enum { RAW_HEADS = 256, ICMP_FILTER = 1, SOL_ICMPV6 = 58, SOL_RAW = 255, ICMP6_FILTER = 1 };
struct raw_sock {
	struct inet_sock is;
	uint32_t icmp_filter;     /* bit n: type n is not wanted */
	uint32_t icmp6_filter[8]; /* the same for ICMPv6 */
	int32_t checksum_at;      /* IPV6_CHECKSUM: -1: none */
};
static struct dgram_head heads[RAW_HEADS]; /* by protocol */

static struct raw_sock *raw_sk(struct inet_sock *is)
{
	return container_of(is, struct raw_sock, is);
}

/* ---- receiving ---- */

static bool matches(const struct inet_sock *is, const struct pkt *p, const struct ip_addr *local,
	const struct ip_addr *remote)
{
	const bool v4 = ip_is_v4(local);

	return (is->s.family == AF_INET) == v4 &&
	       (!is->s.ifindex || is->s.ifindex == p->ip.ifindex) &&
	       (ip_is_any(&is->local) || ip_equal(&is->local, local)) &&
	       (ip_is_any(&is->remote) || ip_equal(&is->remote, remote));
}

static bool type_wanted(struct raw_sock *rs, const struct pkt *p)
{
	uint8_t type;

	if (!p->len || (rs->is.proto != IPPROTO_ICMP && rs->is.proto != IPPROTO_ICMPV6))
		return true;
	pkt_copy_bytes(p, 0, &type, 1);
	if (rs->is.proto == IPPROTO_ICMP)
		return type >= 32 || !(rs->icmp_filter >> type & 1);
	return !(rs->icmp6_filter[type / 32] >> (type % 32) & 1);
}

/* RFC 3542, 3.1: a wrong checksum is not handed up. */
static bool checksum_ok(const struct raw_sock *rs, const struct pkt *p)
{
	return ip_is_v4(&p->ip.dst) || rs->checksum_at < 0 || p->csum != CSUM_NONE ||
	       !csum_fold(pkt_csum(
		       p, 0, p->len, csum_pseudo(&p->ip.src, &p->ip.dst, p->len, rs->is.proto)));
}

static void deliver(struct raw_sock *rs, struct pkt *p)
{
	struct pkt *copy = pkt_clone(p);

	if (!copy)
		return;
	if (copy->csum == CSUM_PARTIAL)
		pkt_csum_complete(copy);
	if (rs->is.s.family == AF_INET)
		(void)pkt_push(copy, copy->off - copy->l3);
	(void)socket_queue_rcv(&rs->is.s, copy);
}

bool raw_deliver(struct net *net, struct pkt *p)
{
	struct inet_sock *is;
	bool any = false;

	(void)net;
	if (likely(!READ_ONCE(heads[p->ip.proto].list.first)))
		return false;
	hlist_for_each_entry (is, &heads[p->ip.proto].list, hash_node) {
		struct raw_sock *rs = raw_sk(is);

		if (!matches(is, p, &p->ip.dst, &p->ip.src) ||
			(p->ip.is_broadcast && ip_is_multicast(&p->ip.dst) &&
				!inet_sock_wants(is, &p->ip.dst, &p->ip.src, p->ip.ifindex)))
			continue;
		any = true;
		if (type_wanted(rs, p) && checksum_ok(rs, p))
			deliver(rs, p);
	}
	return any;
}

void raw_error(struct net *net, struct pkt *p, const struct inet_error *e)
{
	struct inet_sock *is;

	(void)net;
	hlist_for_each_entry (is, &heads[p->ip.proto].list, hash_node)
		if (matches(is, p, &p->ip.src, &p->ip.dst))
			dgram_error(is, p, e, 0);
}

/* ---- sending ---- */

/* IP_HDRINCL, raw(7): length and checksum always, source and identification when zero. */
static int own_header(struct inet_sock *is, const struct dst *dst, struct pkt *p)
{
	struct ip4_hdr *h;
	unsigned hlen;

	if (!pkt_need(p, IP4_HLEN))
		return -EINVAL;
	h = (struct ip4_hdr *)pkt_data(p);
	hlen = ip4_hlen(h);
	if (hlen < IP4_HLEN || !pkt_need(p, hlen))
		return -EINVAL;
	if (p->len > dst->mtu)
		return -EMSGSIZE;
	h = (struct ip4_hdr *)pkt_data(p);
	if (h->src == to_be32(0))
		h->src = ip_v4(&dst->src);
	h->len = to_be16(p->len);
	h->csum = to_be16(0);
	h->csum = csum_fold(csum_bytes(h, hlen, 0));
	p->l3 = p->off;
	p->l4 = (uint16_t)(p->off + hlen);
	p->protocol = to_be16(ETH_P_IP);
	p->dev = dst->dev;
	(void)is;
	return 0;
}

static int fill_checksum(const struct raw_sock *rs, struct pkt *p, const struct ip_addr *src,
	const struct ip_addr *dst)
{
	__be16 sum = to_be16(0);
	unsigned at;

	if (rs->checksum_at < 0 || ip_is_v4(dst))
		return 0;
	at = (unsigned)rs->checksum_at;
	if (at + sizeof(sum) > p->len)
		return -EINVAL;
	pkt_store_bytes(p, at, &sum, sizeof(sum));
	sum = csum_fold(pkt_csum(p, 0, p->len, csum_pseudo(src, dst, p->len, rs->is.proto)));
	if (sum == to_be16(0))
		sum = to_be16(0xffff);
	pkt_store_bytes(p, at, &sum, sizeof(sum));
	return 0;
}

static int transmit(struct raw_sock *rs, const struct dgram_dest *d, struct pkt *p)
{
	struct inet_sock *is = &rs->is;
	struct inet_send_args a;
	struct dst dst;
	int err = dgram_route(is, d, &dst);

	if (err) {
		pkt_free(p);
		return err;
	}
	p->mark = is->s.mark;
	p->priority = (uint8_t)is->s.priority;
	if (is->hdrincl && is->s.family == AF_INET) {
		err = own_header(is, &dst, p);
		if (err)
			pkt_free(p);
		else
			err = ip_output(is->s.net, &dst, p, is->mcast_loop);
	} else {
		dgram_args(is, d, &dst, &a);
		p->l4 = p->off;
		err = fill_checksum(rs, p, &dst.src, &d->dst);
		if (err)
			pkt_free(p);
		else
			err = inet_send(is->s.net, &dst, &a, p);
	}
	if (err == -EMSGSIZE)
		inet_local_error(is, &d->dst, to_be16(0), dst.mtu);
	dst_release(&dst);
	return err == -ENOBUFS && !is->recverr ? 0 : err;
}

static ssize_t raw_sendmsg(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags)
{
	struct raw_sock *rs = raw_sk(inet_sk(s));
	struct dgram_dest d;
	struct pkt *p;
	ssize_t done = 0;
	int err;

	(void)file_flags;
	if (n > IP_MAX_LEN)
		return -EMSGSIZE;
	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	err = dgram_dest(&rs->is, m, false, &d);
	if (!err && s->family == AF_INET6 && ip_is_v4(&d.dst))
		err = -EINVAL;
	if (!err)
		err = socket_wait_sndbuf(s, m->flags);
	if (err)
		return err;
	d.connected = false;
	p = pkt_alloc_tx();
	if (!p)
		return -ENOBUFS;
	if (n)
		done = pkt_append_iter(p, m->iter, n);
	if (done < 0 || (size_t)done != n) {
		pkt_free(p);
		return done < 0 ? done : -EFAULT;
	}
	socket_charge_snd(s, p);
	net_enter();
	err = transmit(rs, &d, p);
	net_exit();
	return err ? err : (ssize_t)n;
}

static ssize_t raw_recvmsg(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags)
{
	(void)file_flags;
	return dgram_recv(inet_sk(s), m, n, NULL, false);
}

/* ---- socket operations ---- */

static int raw_bind(struct socket *s, const struct sockaddr_storage *a, unsigned len)
{
	struct inet_sock *is = inet_sk(s);
	struct ip_addr addr;
	uint32_t ifindex;
	__be16 port;
	int err = inet_bind_name(is, a, len);

	if (!err)
		err = inet_addr_in(is, a, len, &addr, &port, &ifindex);
	if (err)
		return err;
	if (s->family == AF_INET6 && ip_is_v4(&addr) && !ip_is_any(&addr))
		return -EADDRNOTAVAIL;
	mutex_lock(&s->snd_mutex);
	err = !ip_is_any(&is->remote) ? -EINVAL : inet_bind_check(is, &addr, &ifindex);
	if (!err) {
		spin_lock(&s->lock);
		is->local = addr;
		is->is_bound_addr = !ip_is_any(&addr);
		spin_unlock(&s->lock);
	}
	mutex_unlock(&s->snd_mutex);
	return err;
}

static int raw_connect(
	struct socket *s, const struct sockaddr_storage *a, unsigned len, unsigned file_flags)
{
	struct inet_sock *is = inet_sk(s);
	struct ip_addr to;
	uint32_t ifindex;
	__be16 port;
	int err = 0;

	(void)file_flags;
	if (len < sizeof(a->ss_family))
		return -EINVAL;
	mutex_lock(&s->snd_mutex);
	if (a->ss_family == AF_UNSPEC)
		dgram_disconnect(is);
	else
		err = inet_addr_in(is, a, len, &to, &port, &ifindex);
	if (!err && a->ss_family != AF_UNSPEC)
		err = dgram_connect(is, &to, port, ifindex);
	mutex_unlock(&s->snd_mutex);
	return err;
}

static int set_filter(void *filter, unsigned size, const void *val, unsigned len)
{
	memcpy(filter, val, MIN(len, size));
	return 0;
}

static int get_filter(const void *filter, unsigned size, void *val, unsigned *len)
{
	*len = MIN(*len, size);
	memcpy(val, filter, *len);
	return 0;
}

static int raw_setsockopt(struct socket *s, int level, int name, const void *val, unsigned len)
{
	struct raw_sock *rs = raw_sk(inet_sk(s));
	int v;

	if (level == SOL_RAW && name == ICMP_FILTER && s->family == AF_INET)
		return s->protocol == IPPROTO_ICMP
			       ? set_filter(&rs->icmp_filter, sizeof(rs->icmp_filter), val, len)
			       : -EOPNOTSUPP;
	if (level == SOL_ICMPV6 && name == ICMP6_FILTER && s->family == AF_INET6)
		return s->protocol == IPPROTO_ICMPV6
			       ? set_filter(rs->icmp6_filter, sizeof(rs->icmp6_filter), val, len)
			       : -EOPNOTSUPP;
	if ((level == SOL_RAW || level == IPPROTO_IPV6) && name == IPV6_CHECKSUM &&
		s->family == AF_INET6) {
		if (len < sizeof(v))
			return -EINVAL;
		memcpy(&v, val, sizeof(v));
		/* RFC 3542, 3.1: ICMPv6's is where it is. */
		if (s->protocol == IPPROTO_ICMPV6 && level == IPPROTO_IPV6)
			return -EINVAL;
		if (v > 0 && v & 1)
			return -EINVAL;
		rs->checksum_at = v < 0 ? -1 : v;
		return 0;
	}
	return level == SOL_RAW ? -ENOPROTOOPT : inet_setsockopt(s, level, name, val, len);
}

static int raw_getsockopt(struct socket *s, int level, int name, void *val, unsigned *len)
{
	struct raw_sock *rs = raw_sk(inet_sk(s));

	if (level == SOL_RAW && name == ICMP_FILTER && s->family == AF_INET)
		return s->protocol == IPPROTO_ICMP
			       ? get_filter(&rs->icmp_filter, sizeof(rs->icmp_filter), val, len)
			       : -EOPNOTSUPP;
	if (level == SOL_ICMPV6 && name == ICMP6_FILTER && s->family == AF_INET6)
		return s->protocol == IPPROTO_ICMPV6
			       ? get_filter(rs->icmp6_filter, sizeof(rs->icmp6_filter), val, len)
			       : -EOPNOTSUPP;
	if ((level == SOL_RAW || level == IPPROTO_IPV6) && name == IPV6_CHECKSUM &&
		s->family == AF_INET6)
		return get_filter(&rs->checksum_at, sizeof(rs->checksum_at), val, len);
	return level == SOL_RAW ? -ENOPROTOOPT : inet_getsockopt(s, level, name, val, len);
}

static int raw_init_sock(struct inet_sock *is)
{
	struct raw_sock *rs = raw_sk(is);

	rs->checksum_at = is->proto == IPPROTO_ICMPV6 && is->s.family == AF_INET6 ? 2 : -1;
	is->lport = to_be16(is->proto); /* what getsockname(2) shows */
	is->hdrincl = is->proto == IPPROTO_RAW;
	if (is->hdrincl)
		is->pmtu_mode = IP_PMTUDISC_WANT;
	dgram_hash(is, &heads[is->proto]);
	return 0;
}

static void raw_release(struct socket *s)
{
	struct inet_sock *is = inet_sk(s);

	dgram_unhash(is);
	group_sock_release(is);
}

static int raw_each(
	struct net *net, int (*fn)(const struct inet_sock_info *i, void *arg), void *arg)
{
	return dgram_each(heads, RAW_HEADS, net, fn, arg);
}

static const struct socket_ops raw_ops = {
	.family = AF_INET,
	.bind = raw_bind,
	.connect = raw_connect,
	.getname = inet_getname,
	.sendmsg = raw_sendmsg,
	.recvmsg = raw_recvmsg,
	.shutdown = dgram_shutdown,
	.poll = socket_poll_datagram,
	.ioctl = dgram_ioctl,
	.setsockopt = raw_setsockopt,
	.getsockopt = raw_getsockopt,
	.release = raw_release,
	.destroy = dgram_destroy,
};

static const struct inet_proto raw_proto = {
	.name = "RAW",
	.proto = IPPROTO_RAW,
	.type = SOCK_RAW,
	.needs_raw = true,
	.size = sizeof(struct raw_sock),
	.ops = &raw_ops,
	.init = raw_init_sock,
	.each = raw_each,
};

void raw_init(void)
{
	unsigned i;

	for (i = 0; i < RAW_HEADS; i++)
		spin_init(&heads[i].lock);
	PANIC_ON(inet_proto_register(&raw_proto));
}
