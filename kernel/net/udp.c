/*
 * udp.c - UDP (RFC 768, RFC 1122 4.1, RFC 8200 8.1) over IPv4 and IPv6: sockets, delivery, sending.
 *
 * Theory. A bound socket is in one of two hash tables: not connected, by local address (any counts
 * as one) and port; connected, by the four-tuple. A datagram looks in the second, then in the first
 * with its address, then with "any": three chains, read by RCU; the section keeps the socket's
 * memory. Of equals the one bound to the device, then of the packet's own family, wins;
 * SO_REUSEPORT sockets share by a hash of the flow. Multicast and broadcast go to every socket that
 * matches: all owners of the port, from the bind table.
 *
 * snd_mutex serialises bind, connect, the choice of a port, and the cork. Sending: udp_send.c.
 * Does not: UDP-Lite, encapsulation.
 */
#include "udp.h"
#include "bind.h"
#include "dgram.h"
#include <netctl.h>
#include <debug.h>
#include <hash.h>
#include <slab.h>

enum { UDP_HEADS = 1024 };
static struct dgram_head bound[UDP_HEADS], connected[UDP_HEADS];
static struct bind_table *ports;

/* ---- tables ---- */

static inline uint64_t addr_word(const struct ip_addr *a)
{
	return a->q[0] * 31 + a->q[1];
}

static struct dgram_head *bound_head(const struct ip_addr *local, __be16 port)
{
	const uint64_t word = ip_is_any(local) ? 0 : addr_word(local);

	return &bound[hash64(word + be16(port)) % UDP_HEADS];
}

static struct dgram_head *connected_head(
	const struct ip_addr *local, __be16 lport, const struct ip_addr *remote, __be16 rport)
{
	const uint64_t word = addr_word(local) ^ hash64(addr_word(remote));

	return &connected[hash64(word + ((uint64_t)be16(lport) << 16 | be16(rport))) % UDP_HEADS];
}

static struct dgram_head *head_of(const struct inet_sock *is)
{
	return is->rport ? connected_head(&is->local, is->lport, &is->remote, is->rport)
			 : bound_head(&is->local, is->lport);
}

/* What a datagram is looked up by. */
struct udp_key {
	const struct ip_addr *src, *dst;
	__be16 sport, dport;
	uint32_t ifindex;
};

static bool device_ok(const struct inet_sock *is, uint32_t ifindex)
{
	return !is->s.ifindex || is->s.ifindex == ifindex;
}

static uint32_t flow_hash(const struct udp_key *k)
{
	return (uint32_t)hash64(addr_word(k->src) ^ hash64(addr_word(k->dst)) ^
				((uint64_t)be16(k->sport) << 16 | be16(k->dport)));
}

static struct inet_sock *lookup_connected(const struct udp_key *k)
{
	struct inet_sock *is, *found = NULL;

	hlist_for_each_entry (
		is, &connected_head(k->dst, k->dport, k->src, k->sport)->list, hash_node) {
		if (is->lport != k->dport || is->rport != k->sport ||
			!ip_equal(&is->local, k->dst) || !ip_equal(&is->remote, k->src) ||
			!device_ok(is, k->ifindex))
			continue;
		if (is->s.ifindex)
			return is;
		if (!found)
			found = is;
	}
	return found;
}

/* How well a socket of the chain of @local fits; 0: not. */
static unsigned score(
	const struct inet_sock *is, const struct udp_key *k, const struct ip_addr *local)
{
	const bool v4 = ip_is_v4(k->dst);

	if (is->lport != k->dport || is->rport || !device_ok(is, k->ifindex) ||
		(!ip_is_any(&is->remote) && !ip_equal(&is->remote, k->src)))
		return 0;
	if (!local) {
		if (!ip_is_any(&is->local) || (ip_is_v4(&is->local) && !v4) ||
			(v4 && !ip_is_v4(&is->local) && is->v6only))
			return 0;
	} else if (!ip_equal(&is->local, local)) {
		return 0;
	}
	return 1 + (is->s.ifindex ? 2 : 0) + (v4 == (is->s.family == AF_INET));
}

static struct inet_sock *lookup_bound(const struct udp_key *k, const struct ip_addr *local)
{
	static const struct ip_addr any;
	struct dgram_head *h = bound_head(local ? local : &any, k->dport);
	struct inet_sock *is, *best = NULL;
	unsigned top = 0, n = 0, s;
	uint32_t hash = 0;

	hlist_for_each_entry (is, &h->list, hash_node) {
		s = score(is, k, local);
		if (!s || s < top)
			continue;
		if (s > top) {
			top = s;
			best = is;
			n = 1;
			continue;
		}
		if (!(is->s.opts & best->s.opts & SOPT_REUSEPORT))
			continue;
		/* The n-th of equals replaces the choice with probability 1/n, by the flow. */
		hash = n == 1 ? flow_hash(k) : hash * 1664525 + 1013904223;
		if ((uint64_t)hash * ++n >> 32 == 0)
			best = is;
	}
	return best;
}

static struct inet_sock *lookup(const struct udp_key *k)
{
	struct inet_sock *is = lookup_connected(k);

	if (!is)
		is = lookup_bound(k, k->dst);
	return is ? is : lookup_bound(k, NULL);
}

/* ---- input ---- */

static void count_in(const struct pkt *p, enum net_mib_id v4, enum net_mib_id v6)
{
	mib_inc(ip_is_v4(&p->ip.dst) ? v4 : v6);
}

static const struct udp_hdr *udp_header(const struct pkt *p)
{
	return (const struct udp_hdr *)(p->lin + p->l4);
}

static void deliver(struct inet_sock *is, struct pkt *p)
{
	const bool v4 = ip_is_v4(&p->ip.dst);

	if (unlikely(!v4 && !udp_header(p)->check && !udp_sk(is)->no_check6_rx)) { /* RFC 6936 */
		mib_inc(MIB_UDP_CSUM_ERRORS);
		mib_inc(MIB_UDP6_IN_ERRORS);
		pkt_free(p);
		return;
	}
	if (unlikely(is->min_ttl && p->ip.ttl < is->min_ttl)) {
		pkt_free(p);
		return;
	}
	if (socket_queue_rcv_after(&is->s, p, sizeof(struct udp_hdr))) {
		mib_inc(v4 ? MIB_UDP_IN_DATAGRAMS : MIB_UDP6_IN_DATAGRAMS);
		return;
	}
	if (v4)
		mib_inc(MIB_UDP_RCVBUF_ERRORS);
	mib_inc(v4 ? MIB_UDP_IN_ERRORS : MIB_UDP6_IN_ERRORS);
}

/* Several datagrams in one (UDP_SEGMENT over loopback) for a socket that does not take them so. */
static void deliver_segments(struct inet_sock *is, struct pkt *p)
{
	unsigned at, n;
	struct pkt *q;

	for (at = 0; at < p->len; at += n) {
		n = MIN(p->len - at, (unsigned)p->gso_size);
		q = pkt_alloc(p->off);
		if (!q)
			break;
		memcpy(q->lin, p->lin, p->off);
		q->l2 = p->l2;
		q->l3 = p->l3;
		q->l4 = p->l4;
		q->protocol = p->protocol;
		q->dev = p->dev;
		q->type = p->type;
		q->ip = p->ip;
		q->csum = CSUM_VERIFIED;
		q->tstamp_ns = p->tstamp_ns;
		if (pkt_append_ref(q, p, at, n)) {
			pkt_free(q);
			break;
		}
		deliver(is, q);
	}
	pkt_free(p);
}

static void deliver_any(struct inet_sock *is, struct pkt *p)
{
	if (likely(p->gso == GSO_NONE) || udp_sk(is)->gro)
		deliver(is, p);
	else
		deliver_segments(is, p);
}

static bool wants_group(struct inet_sock *is, const struct pkt *p, const struct udp_key *k)
{
	const bool v4 = ip_is_v4(k->dst);

	if (!device_ok(is, k->ifindex) || (is->rport && is->rport != k->sport) ||
		(!ip_is_any(&is->remote) && !ip_equal(&is->remote, k->src)))
		return false;
	if (ip_is_any(&is->local) ? (v4 && !ip_is_v4(&is->local) && is->v6only) ||
					    (!v4 && ip_is_v4(&is->local))
				  : !ip_equal(&is->local, k->dst))
		return false;
	return !ip_is_multicast(k->dst) || inet_sock_wants(is, k->dst, k->src, k->ifindex);
}

/* Every member of the group; the last one gets the packet itself. */
static void deliver_group(struct pkt *p, const struct udp_key *k)
{
	struct bind_bucket *b = bind_bucket_find(ports, be16(k->dport));
	struct inet_sock *last = NULL;
	struct bind_owner *o;
	struct pkt *copy;

	if (b)
		hlist_for_each_entry (o, &b->owners, node) {
			struct inet_sock *is = READ_ONCE(o->is);

			if (!is || !wants_group(is, p, k))
				continue;
			copy = last ? pkt_clone(p) : NULL;
			if (copy)
				deliver_any(last, copy);
			last = is;
		}
	if (last)
		deliver_any(last, p);
	else
		pkt_free(p);
}

/* Length and checksum. False: drop it (counted). */
static bool check(struct pkt *p)
{
	const bool v4 = ip_is_v4(&p->ip.dst);
	const struct udp_hdr *h;
	unsigned len;

	if (!pkt_need(p, sizeof(*h)))
		return false;
	h = (const struct udp_hdr *)pkt_data(p);
	len = be16(h->len);
	if (p->gso)
		return true; /* made of datagrams that were checked */
	if (!len && !v4)
		len = p->len;
	if (len < sizeof(*h) || len > p->len)
		return false;
	if (len < p->len)
		pkt_trim(p, len);
	if (!h->check) {
		return true; /* none: IPv6 sockets have a say in it */
	} else if (p->csum != CSUM_NONE ||
		   !csum_fold(pkt_csum(
			   p, 0, len, csum_pseudo(&p->ip.src, &p->ip.dst, len, IPPROTO_UDP)))) {
		return true;
	}
	mib_inc(MIB_UDP_CSUM_ERRORS);
	return false;
}

static void udp_input(struct net *net, struct pkt *p)
{
	const struct udp_hdr *h;
	struct udp_key k = {.src = &p->ip.src, .dst = &p->ip.dst, .ifindex = p->ip.ifindex};
	struct inet_sock *is;

	if (unlikely(!check(p))) {
		count_in(p, MIB_UDP_IN_ERRORS, MIB_UDP6_IN_ERRORS);
		pkt_free(p);
		return;
	}
	h = (const struct udp_hdr *)pkt_data(p);
	k.sport = h->sport;
	k.dport = h->dport;
	if (unlikely(p->ip.is_broadcast)) {
		pkt_pull(p, sizeof(*h));
		deliver_group(p, &k);
		return;
	}
	is = lookup(&k);
	if (likely(is)) {
		pkt_pull(p, sizeof(*h));
		deliver_any(is, p);
		return;
	}
	count_in(p, MIB_UDP_NO_PORTS, MIB_UDP6_NO_PORTS);
	icmp_send(net, p, ICMP_PORT_UNREACHABLE, 0);
	pkt_free(p);
}

static void udp_error(struct net *net, struct pkt *p, const struct inet_error *e)
{
	const struct udp_hdr *h;
	struct udp_key k = {.src = &p->ip.dst, .dst = &p->ip.src, .ifindex = p->ip.ifindex};
	struct inet_sock *is;

	if (!pkt_need(p, sizeof(*h)))
		return;
	h = (const struct udp_hdr *)pkt_data(p);
	k.sport = h->dport;
	k.dport = h->sport;
	is = lookup(&k);
	if (is)
		dgram_error(is, p, e, sizeof(*h));
}

/* ---- socket operations ---- */

int udp_autobind(struct udp_sock *us)
{
	struct inet_sock *is = &us->is;
	int err = 0;

	mutex_lock(&is->s.snd_mutex);
	if (!is->lport) {
		err = inet_bind(ports, is, &is->local, to_be16(0), is->s.ifindex);
		if (!err)
			dgram_hash(&us->is, head_of(&us->is));
		else if (err == -EADDRINUSE)
			err = -EAGAIN;
	}
	mutex_unlock(&is->s.snd_mutex);
	return err;
}

static int bind_locked(struct udp_sock *us, const struct ip_addr *a, __be16 port, uint32_t ifindex)
{
	struct inet_sock *is = &us->is;
	int err;

	if (is->lport)
		return -EINVAL;
	err = inet_bind_check(is, a, &ifindex);
	if (!err)
		err = inet_bind(ports, is, a, port, ifindex);
	if (err)
		return err;
	is->is_bound_addr = !ip_is_any(a);
	is->is_bound_port = port != to_be16(0);
	if (!ip_is_v4(a) && ip_is_link_local(a))
		is->s.ifindex = ifindex;
	dgram_hash(&us->is, head_of(&us->is));
	return 0;
}

static int udp_bind(struct socket *s, const struct sockaddr_storage *a, unsigned len)
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
	mutex_lock(&s->snd_mutex);
	err = bind_locked(udp_sk(is), &addr, port, ifindex);
	mutex_unlock(&s->snd_mutex);
	return err;
}

/* connect(AF_UNSPEC): a port that was not asked for is given back. */
static int disconnect(struct udp_sock *us)
{
	struct inet_sock *is = &us->is;

	dgram_unhash(&us->is);
	dgram_disconnect(is);
	if (!is->is_bound_port)
		inet_unbind(ports, is);
	else
		inet_bind_rename(ports, is);
	if (is->lport)
		dgram_hash(&us->is, head_of(&us->is));
	return 0;
}

static int udp_connect(
	struct socket *s, const struct sockaddr_storage *a, unsigned len, unsigned file_flags)
{
	struct inet_sock *is = inet_sk(s);
	struct udp_sock *us = udp_sk(is);
	struct ip_addr to;
	uint32_t ifindex;
	__be16 port;
	int err;

	(void)file_flags;
	if (len < sizeof(a->ss_family))
		return -EINVAL;
	if (a->ss_family == AF_UNSPEC) {
		mutex_lock(&s->snd_mutex);
		err = disconnect(us);
		mutex_unlock(&s->snd_mutex);
		return err;
	}
	err = inet_addr_in(is, a, len, &to, &port, &ifindex);
	if (!err && !is->lport)
		err = udp_autobind(us);
	if (err)
		return err;
	mutex_lock(&s->snd_mutex);
	dgram_unhash(&us->is);
	if (is->rport && !is->is_bound_addr)
		dgram_disconnect(is); /* a new peer may be reached from another address */
	err = dgram_connect(is, &to, port, ifindex);
	inet_bind_rename(ports, is);
	dgram_hash(&us->is, head_of(&us->is));
	mutex_unlock(&s->snd_mutex);
	return err;
}

static ssize_t udp_recvmsg(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags)
{
	(void)file_flags;
	return dgram_recv(inet_sk(s), m, n, NULL, true);
}

static void udp_release(struct socket *s)
{
	struct udp_sock *us = udp_sk(inet_sk(s));

	mutex_lock(&s->snd_mutex);
	dgram_unhash(&us->is);
	inet_unbind(ports, &us->is);
	if (us->cork)
		pkt_free(us->cork);
	us->cork = NULL;
	mutex_unlock(&s->snd_mutex);
	group_sock_release(&us->is);
}

/* ---- for sock_diag and /proc ---- */

static int udp_each(
	struct net *net, int (*fn)(const struct inet_sock_info *i, void *arg), void *arg)
{
	int err = dgram_each(bound, UDP_HEADS, net, fn, arg);

	return err ? err : dgram_each(connected, UDP_HEADS, net, fn, arg);
}

static const struct socket_ops udp_ops = {
	.family = AF_INET,
	.bind = udp_bind,
	.connect = udp_connect,
	.getname = inet_getname,
	.sendmsg = udp_sendmsg,
	.recvmsg = udp_recvmsg,
	.shutdown = dgram_shutdown,
	.poll = socket_poll_datagram,
	.ioctl = dgram_ioctl,
	.setsockopt = udp_setsockopt,
	.getsockopt = udp_getsockopt,
	.has_peek_off = true,
	.has_zerocopy = true,
	.release = udp_release,
	.destroy = dgram_destroy,
};

static const struct inet_proto udp_proto = {
	.name = "UDP",
	.proto = IPPROTO_UDP,
	.type = SOCK_DGRAM,
	.is_default = true,
	.size = sizeof(struct udp_sock),
	.ops = &udp_ops,
	.input = udp_input,
	.error = udp_error,
	.each = udp_each,
};

void udp_init(void)
{
	ports = bind_table_create("UDP");
	dgram_heads_init(bound, UDP_HEADS);
	dgram_heads_init(connected, UDP_HEADS);
	PANIC_ON(inet_proto_register(&udp_proto));
}
