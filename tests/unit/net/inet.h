/*
 * inet.h - for tests of the Internet layer: the real stack over lo and over a device whose ring is
 * the test's, with addresses; programs' calls in short. What it needs from higher rooms is here.
 */
#pragma once
#include "netcore.h"
#include <cred.h>
#include <file.h>
#include <netctl.h>
#include <policy.h>
#include <socket.h>
#include <task.h>
#include "kernel/net/fib.h"
#include "kernel/net/inetdev.h"
#include "kernel/net/ip.h"
#include "kernel/net/neigh.h"

static struct cred test_cred;
bool unit_capable = true;
__weak bool capable(enum capability cap)
{
	(void)cap;
	return unit_capable;
}
__weak void cred_put(const struct cred *c)
{
	if (refcount_dec(&((struct cred *)(uintptr_t)c)->refs))
		panic("credentials freed");
}
__weak int policy_net(const struct cred *c, enum policy_net_op op, const struct policy_net *what)
{
	(void)c, (void)op, (void)what;
	return 0;
}
__weak void (*file_signal)(struct file *f, unsigned events);
__weak void (*pipe_broken)(void);

static inline struct ip_addr v4(unsigned a, unsigned b, unsigned c, unsigned d)
{
	return ip_from_v4(IP4(a, b, c, d));
}
/* "fe80::1" and the like: up to eight groups, one "::". */
static inline struct ip_addr v6(const char *s)
{
	struct ip_addr r = {.q = {0, 0}}, tail = r;
	unsigned n = 0, m = 0;
	bool gap = false;

	while (*s) {
		unsigned v = 0;

		if (*s == ':') {
			s++;
			if (*s == ':') {
				gap = true;
				s++;
			}
			if (!*s)
				break;
		}
		for (; *s && *s != ':'; s++)
			v = v * 16 + (unsigned)(*s <= '9' ? *s - '0' : (*s | 32) - 'a' + 10);
		if (gap)
			tail.h[m++] = to_be16(v);
		else
			r.h[n++] = to_be16(v);
	}
	memcpy(&r.h[8 - m], tail.h, m * 2);
	return r;
}

static inline void address(struct netdev *d, struct ip_addr a, unsigned prefix)
{
	struct if_addr ia = {.addr = a,
		.prefix = (uint8_t)(ip_is_v4(&a) ? prefix + 96 : prefix),
		.ifindex = d->ifindex,
		.flags = IFA_F_NODAD,
		.valid_s = UINT32_MAX,
		.preferred_s = UINT32_MAX};

	net_config_lock();
	PANIC_ON(inet_addr_add(&net_initial, &ia, false));
	net_config_unlock();
}

static inline void route(struct ip_addr dst, unsigned prefix, struct ip_addr gw, struct netdev *d)
{
	struct rt_entry e = {.dst = dst,
		.prefix = (uint8_t)(ip_is_v4(&dst) ? prefix + 96 : prefix),
		.type = RTN_UNICAST,
		.table = RT_TABLE_MAIN,
		.protocol = 3,
		.nr_hops = 1,
		.hop = {{.gateway = gw, .ifindex = d ? d->ifindex : 0, .weight = 1}},
		.is_v6 = !ip_is_v4(&dst)};

	net_config_lock();
	PANIC_ON(route_add(&net_initial, &e, true, false, false, false));
	net_config_unlock();
}

/* lo is up; the stack is there. */
static inline void inet_begin(void)
{
	static bool is_ready;

	refcount_set(&test_cred.refs, 1000000);
	test_cred.effective = ~0ull;
	current->cred = &test_cred;
	unit_capable = true;
	core_begin();
	if (!is_ready)
		inet_init();
	is_ready = true;
	net_config_lock();
	PANIC_ON(netdev_open(net_initial.loopback));
	net_config_unlock();
}
static inline void inet_end(void)
{
	net_config_lock();
	netdev_stop(net_initial.loopback);
	net_config_unlock();
	pkt_queue_purge(&sent);
	unit_rcu_flush();
}
static inline void to_stack(struct pkt *p)
{
	net_enter();
	netdev_rx(p);
	netdev_rx_flush();
	net_exit();
}

/* ---- programs ---- */

static inline struct sockaddr_storage sa(struct ip_addr a, unsigned port, unsigned *len)
{
	struct sockaddr_storage s;

	memset(&s, 0, sizeof(s));
	if (ip_is_v4(&a)) {
		*(struct sockaddr_in *)&s = (struct sockaddr_in){
			.sin_family = AF_INET, .sin_port = to_be16(port), .sin_addr = ip_v4(&a)};
		*len = sizeof(struct sockaddr_in);
	} else {
		struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = to_be16(port)};

		memcpy(in6.sin6_addr, a.b, 16);
		memcpy(&s, &in6, sizeof(in6));
		*len = sizeof(in6);
	}
	return s;
}
static inline struct socket *sock(int family, int type, int protocol)
{
	struct socket *s = NULL;

	if (socket_create(family, type, protocol, &s))
		return NULL;
	return s;
}
static inline int sk_bind(struct socket *s, struct ip_addr a, unsigned port)
{
	unsigned len;
	struct sockaddr_storage name = sa(a, port, &len);

	return socket_bind(s, &name, len);
}
static inline int sk_connect(struct socket *s, struct ip_addr a, unsigned port)
{
	unsigned len;
	struct sockaddr_storage name = sa(a, port, &len);

	return socket_connect(s, &name, len, 0);
}
static inline unsigned sk_port(struct socket *s)
{
	return be16(inet_sk(s)->lport);
}
static inline ssize_t sk_sendto(
	struct socket *s, const void *data, size_t n, const struct ip_addr *to, unsigned port)
{
	struct iov_iter it;
	struct sockaddr_storage name;
	struct socket_msg m = {.iter = &it, .flags = MSG_DONTWAIT};

	iov_iter_kernel(&it, (void *)(uintptr_t)data, n);
	if (to) {
		name = sa(*to, port, &m.name_len);
		m.name = &name;
	}
	return socket_sendmsg(s, &m, n, 0);
}
static inline ssize_t sk_recv(struct socket *s, void *buf, size_t n, struct ip_addr *from)
{
	struct iov_iter it;
	struct sockaddr_storage name;
	struct socket_msg m = {.iter = &it, .name = &name, .flags = MSG_DONTWAIT};
	ssize_t r;

	iov_iter_kernel(&it, buf, n);
	r = socket_recvmsg(s, &m, n, 0);
	if (r >= 0 && from)
		*from = m.name_len == sizeof(struct sockaddr_in)
				? ip_from_v4(((struct sockaddr_in *)&name)->sin_addr)
				: ip6_addr(((struct sockaddr_in6 *)&name)->sin6_addr);
	return r;
}
static inline void sk_close(struct socket *s)
{
	spin_lock(&s->lock);
	s->dead = true;
	spin_unlock(&s->lock);
	s->ops->release(s);
	socket_put(s);
	unit_rcu_flush();
}
static inline int sk_opt(struct socket *s, int level, int name, int v)
{
	return socket_setsockopt(s, level, name, &v, sizeof(v));
}

/* ---- packets of the wire ---- */

static inline void ip4_fill(struct ip4_hdr *h, struct ip_addr src, struct ip_addr dst,
	unsigned proto, unsigned len, unsigned id, unsigned frag)
{
	*h = (struct ip4_hdr){.ver_ihl = 0x45,
		.len = to_be16(len),
		.id = to_be16(id),
		.frag = to_be16(frag),
		.ttl = 64,
		.proto = (uint8_t)proto,
		.src = ip_v4(&src),
		.dst = ip_v4(&dst)};
	h->csum = csum_fold(csum_bytes(h, sizeof(*h), 0));
}
/* An IPv4 packet from the peer, @frag: flags and offset/8. */
static inline void rx4(struct netdev *d, struct ip_addr src, struct ip_addr dst, unsigned proto,
	unsigned id, unsigned frag, const void *data, unsigned n)
{
	uint8_t buf[2048];

	ip4_fill((struct ip4_hdr *)buf, src, dst, proto, n + 20, id, frag);
	memcpy(buf + 20, data, n);
	to_stack(frame(d, fake_mac, ETH_P_IP, buf, n + 20));
}
static inline void rx6(struct netdev *d, const uint8_t *mac, struct ip_addr src, struct ip_addr dst,
	unsigned next, unsigned hops, const void *data, unsigned n)
{
	uint8_t buf[2048];
	struct ip6_hdr h = {.flow = to_be32(6u << 28),
		.plen = to_be16(n),
		.next = (uint8_t)next,
		.hops = (uint8_t)hops};

	memcpy(h.src, src.b, 16);
	memcpy(h.dst, dst.b, 16);
	memcpy(buf, &h, sizeof(h));
	memcpy(buf + 40, data, n);
	to_stack(frame(d, mac, ETH_P_IPV6, buf, n + 40));
}
/* The same with an ICMPv6 message, whose checksum is filled in. */
static inline void rx_icmp6(struct netdev *d, struct ip_addr src, struct ip_addr dst, unsigned hops,
	void *msg, unsigned n)
{
	struct icmp_hdr *h = msg;

	h->csum = to_be16(0);
	h->csum = csum_fold(csum_bytes(msg, n, csum_pseudo(&src, &dst, n, IPPROTO_ICMPV6)));
	rx6(d, fake_mac, src, dst, IPPROTO_ICMPV6, hops, msg, n);
}
/* How many sent packets are of this EtherType; all are dropped. */
static inline unsigned count_sent(unsigned type)
{
	struct pkt *p;
	unsigned n = 0;

	while ((p = pkt_dequeue(&sent))) {
		n += ((struct eth_hdr *)pkt_data(p))->type == to_be16(type);
		pkt_free(p);
	}
	return n;
}
/* The bytes of the next packet sent, from the network header on; its length, 0: none. */
static inline unsigned next_sent(void *buf, unsigned size)
{
	struct pkt *p = pkt_dequeue(&sent);
	unsigned n;

	if (!p)
		return 0;
	if (p->csum == CSUM_PARTIAL)
		pkt_csum_complete(p);
	n = p->len - 14;
	pkt_copy_bytes(p, 14, buf, MIN(n, size));
	pkt_free(p);
	return n;
}
static inline void neighbour(struct netdev *d, struct ip_addr a)
{
	struct neigh_entry e = {
		.addr = a, .ifindex = d->ifindex, .lladdr_len = 6, .state = NUD_PERMANENT};

	memcpy(e.lladdr, peer_mac, 6);
	PANIC_ON(neigh_set(&net_initial, &e, true, true, false));
}
/* What is put off: work items, grace periods, the backlog of timers. */
static inline void settle(uint64_t ns)
{
	unit_advance(ns);
	while (net_round())
		;
	(void)unit_run_work();
	unit_rcu_flush();
}
