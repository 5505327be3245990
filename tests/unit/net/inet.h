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
	struct socket_msg m = {.iter = &it};

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
