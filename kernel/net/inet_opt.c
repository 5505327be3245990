/*
 * inet_opt.c - options of the levels IPPROTO_IP and IPPROTO_IPV6 (ip(7), ipv6(7)).
 *
 * Most are a number in struct inet_sock: a table says where and which values are allowed. A socket
 * of AF_INET6 has both levels, as it may speak IPv4. Does not: extension headers on request
 * (IPV6_HOPOPTS, RTHDR), flow label management, router alert.
 */
#include "inet_opt.h"
#include "inetdev.h"
#include <cred.h>
#include <debug.h>
#include <slab.h>

enum opt_kind {
	OPT_U8,    /* a byte; -1 is 0 ("default") when min is -1 */
	OPT_BOOL,  /* any number; stored as bool */
	OPT_BIT01, /* a bool that must be 0 or 1 */
	OPT_CMSG,  /* a bit of cmsg_flags */
};
enum opt_limits {
	NO_STREAM = 1,  /* -EINVAL on streams */
	RAW_ONLY = 2,   /* -ENOPROTOOPT elsewhere */
	NET_RAW = 4,    /* setting it wants CAP_NET_RAW or CAP_NET_ADMIN */
	FULL_INT = 8,   /* shorter values are -EINVAL */
	NOT_EMPTY = 16, /* a value of no bytes is -EINVAL, else 0 is meant */
	SHORT_IS_0 = 32 /* less than an int means 0 */
};
#define FIELD(f) offsetof(struct inet_sock, f)
static const struct int_opt {
	uint8_t name, kind, limits;
	uint16_t offset;
	int16_t min, max;
	uint32_t bit;
} opts4[] =
	{
		{IP_TTL, OPT_U8, NOT_EMPTY, FIELD(ttl), -1, 255, 0},
		{IP_HDRINCL, OPT_BOOL, RAW_ONLY, FIELD(hdrincl), 0, 0, 0},
		{IP_RECVOPTS, OPT_CMSG, 0, 0, 0, 0, INET_RECV_OPTS},
		{IP_PKTINFO, OPT_CMSG, 0, 0, 0, 0, INET_RECV_PKTINFO},
		{IP_RECVTTL, OPT_CMSG, 0, 0, 0, 0, INET_RECV_TTL},
		{IP_RECVTOS, OPT_CMSG, 0, 0, 0, 0, INET_RECV_TOS},
		{IP_RECVORIGDSTADDR, OPT_CMSG, 0, 0, 0, 0, INET_RECV_ORIGDST},
		{IP_RECVFRAGSIZE, OPT_CMSG, NO_STREAM, 0, 0, 0, INET_RECV_FRAGSIZE},
		{IP_MTU_DISCOVER, OPT_U8, 0, FIELD(pmtu_mode), 0, IP_PMTUDISC_OMIT, 0},
		{IP_RECVERR, OPT_BOOL, 0, FIELD(recverr), 0, 0, 0},
		{IP_FREEBIND, OPT_BOOL, NOT_EMPTY, FIELD(freebind), 0, 0, 0},
		{IP_TRANSPARENT, OPT_BOOL, NET_RAW | NOT_EMPTY, FIELD(transparent), 0, 0, 0},
		{IP_MINTTL, OPT_U8, NOT_EMPTY, FIELD(min_ttl), 0, 255, 0},
		{IP_NODEFRAG, OPT_BOOL, RAW_ONLY, FIELD(nodefrag), 0, 0, 0},
		{IP_BIND_ADDRESS_NO_PORT, OPT_BOOL, 0, FIELD(bind_no_port), 0, 0, 0},
		{IP_MULTICAST_LOOP, OPT_BOOL, NOT_EMPTY, FIELD(mcast_loop), 0, 0, 0},
		{IP_MULTICAST_ALL, OPT_BIT01, NOT_EMPTY, FIELD(mcast_all), 0, 0, 0},
},
  opts6[] = {
	  {IPV6_MULTICAST_LOOP, OPT_BIT01, FULL_INT, FIELD(mcast_loop6), 0, 0, 0},
	  {IPV6_MULTICAST_ALL, OPT_BIT01, FULL_INT, FIELD(mcast_all6), 0, 0, 0},
	  {IPV6_MTU_DISCOVER, OPT_U8, FULL_INT, FIELD(pmtu_mode6), 0, IP_PMTUDISC_OMIT, 0},
	  {IPV6_RECVERR, OPT_BOOL, FULL_INT, FIELD(recverr6), 0, 0, 0},
	  {IPV6_FLOWINFO_SEND, OPT_BOOL, FULL_INT, FIELD(flowinfo_send), 0, 0, 0},
	  {IPV6_RECVPKTINFO, OPT_CMSG, FULL_INT, 0, 0, 0, INET_RECV_PKTINFO6},
	  {IPV6_2292PKTINFO, OPT_CMSG, FULL_INT, 0, 0, 0, INET_RECV_PKTINFO6_OLD},
	  {IPV6_RECVHOPLIMIT, OPT_CMSG, FULL_INT, 0, 0, 0, INET_RECV_HOPLIMIT6},
	  {IPV6_2292HOPLIMIT, OPT_CMSG, FULL_INT, 0, 0, 0, INET_RECV_HOPLIMIT6_OLD},
	  {IPV6_RECVTCLASS, OPT_CMSG, FULL_INT, 0, 0, 0, INET_RECV_TCLASS6},
	  {IPV6_RECVORIGDSTADDR, OPT_CMSG, FULL_INT, 0, 0, 0, INET_RECV_ORIGDST6},
	  {IPV6_RECVFRAGSIZE, OPT_CMSG, FULL_INT, 0, 0, 0, INET_RECV_FRAGSIZE6},
	  {IPV6_DONTFRAG, OPT_BOOL, SHORT_IS_0, FIELD(dontfrag6), 0, 0, 0},
	  {IPV6_AUTOFLOWLABEL, OPT_BOOL, FULL_INT, FIELD(auto_flowlabel), 0, 0, 0},
	  {IPV6_MINHOPCOUNT, OPT_U8, FULL_INT, FIELD(min_ttl), 0, 255, 0},
	  {IPV6_TRANSPARENT, OPT_BOOL, FULL_INT | NET_RAW, FIELD(transparent), 0, 0, 0},
	  {IPV6_FREEBIND, OPT_BOOL, FULL_INT, FIELD(freebind), 0, 0, 0},
};

static const struct int_opt *find(int level, int name)
{
	const struct int_opt *o = level == IPPROTO_IP ? opts4 : opts6;
	const unsigned n = level == IPPROTO_IP ? ARRAY_SIZE(opts4) : ARRAY_SIZE(opts6);
	unsigned i;

	for (i = 0; i < n; i++)
		if (o[i].name == name)
			return &o[i];
	return NULL;
}

/* Values come as int or, at the IPv4 level, as a byte. */
static int get_int(const void *val, unsigned len, unsigned limits, int *v)
{
	*v = 0;
	if (len >= sizeof(*v))
		memcpy(v, val, sizeof(*v));
	else if (limits & FULL_INT || (limits & NOT_EMPTY && !len))
		return -EINVAL;
	else if (len && !(limits & SHORT_IS_0))
		*v = *(const uint8_t *)val;
	return 0;
}

static int put_int(int v, bool may_be_byte, void *val, unsigned *len)
{
	if (may_be_byte && *len < sizeof(v) && *len > 0 && v >= 0 && v <= 255) {
		*(uint8_t *)val = (uint8_t)v;
		*len = 1;
		return 0;
	}
	*len = MIN(*len, (unsigned)sizeof(v));
	memcpy(val, &v, *len);
	return 0;
}

static int set_table(struct inet_sock *is, const struct int_opt *o, const void *val, unsigned len)
{
	void *field = (char *)is + o->offset;
	int v, err;

	if (o->limits & RAW_ONLY && is->s.type != SOCK_RAW)
		return -ENOPROTOOPT;
	err = get_int(val, len, o->limits, &v);
	if (err)
		return err;
	if (o->limits & NO_STREAM && is->s.type == SOCK_STREAM)
		return -EINVAL;
	if (o->limits & NET_RAW && v && !capable(CAP_NET_RAW) && !capable(CAP_NET_ADMIN))
		return -EPERM;
	if (o->kind == OPT_U8 && (v < o->min || v > o->max || (o->offset == FIELD(ttl) && !v)))
		return -EINVAL;
	if (o->kind == OPT_BIT01 && v != 0 && v != 1)
		return -EINVAL;
	spin_lock(&is->s.lock);
	if (o->kind == OPT_CMSG)
		is->cmsg_flags = v ? is->cmsg_flags | o->bit : is->cmsg_flags & ~o->bit;
	else if (o->kind == OPT_U8)
		*(uint8_t *)field = (uint8_t)MAX(v, 0);
	else
		*(bool *)field = v;
	spin_unlock(&is->s.lock);
	return 0;
}

static int get_table(
	const struct inet_sock *is, const struct int_opt *o, bool v4, void *val, unsigned *len)
{
	const void *field = (const char *)is + o->offset;
	int v;

	if (o->kind == OPT_CMSG)
		v = (is->cmsg_flags & o->bit) != 0;
	else if (o->kind == OPT_U8)
		v = *(const uint8_t *)field;
	else
		v = *(const bool *)field;
	if (!v && o->offset == FIELD(ttl) && o->kind == OPT_U8)
		v = is->s.net->inet->default_ttl;
	return put_int(v, v4, val, len);
}

/* ---- IPv4: those that do more ---- */

enum { ECN_MASK = 3 };

/* tc-prio(8): best effort, bulk, interactive, interactive bulk. */
static uint32_t tos_priority(int tos)
{
	static const uint8_t priority[4] = {0, 2, 6, 4};

	return priority[tos >> 3 & 3];
}

/* A new type of service brings its priority along (ip(7), SO_PRIORITY in socket(7)). */
static int set_tos(struct inet_sock *is, const void *val, unsigned len)
{
	int v, err = get_int(val, len, 0, &v);

	if (err)
		return err;
	if (is->s.type == SOCK_STREAM) /* congestion marks are TCP's own */
		v = (v & ~ECN_MASK) | (is->tos & ECN_MASK);
	spin_lock(&is->s.lock);
	if (is->tos != (uint8_t)v)
		is->s.priority = tos_priority(v);
	is->tos = (uint8_t)v;
	dst_release(&is->dst);
	spin_unlock(&is->s.lock);
	return 0;
}

static int set_mcast_ttl(struct inet_sock *is, const void *val, unsigned len)
{
	int v, err = get_int(val, len, NOT_EMPTY, &v);

	if (is->s.type == SOCK_STREAM || err || v < -1 || v > 255)
		return -EINVAL;
	is->mcast_ttl = v < 0 ? 1 : (uint8_t)v;
	return 0;
}

static int set_options(struct inet_sock *is, const void *val, unsigned len)
{
	uint8_t *fresh = NULL, *old;
	unsigned bad;

	if (len > IP4_MAX_OPTIONS)
		return -EINVAL;
	if (len && !ip4_options_ok(val, len, &bad))
		return -EINVAL;
	if (len) {
		fresh = kmalloc(len, GFP_KERNEL);
		if (!fresh)
			return -ENOMEM;
		memcpy(fresh, val, len);
	}
	spin_lock(&is->s.lock);
	old = is->ip_options;
	is->ip_options = fresh;
	is->ip_options_len = (uint8_t)len;
	spin_unlock(&is->s.lock);
	kfree(old);
	return 0;
}

/* RFC 1122: mreqn, mreq or the address alone names the interface. */
static int set_mcast_if(struct inet_sock *is, const void *val, unsigned len)
{
	struct {
		__be32 group, addr;
		int32_t ifindex;
	} m = {.ifindex = 0};
	struct ip_addr a;
	struct netdev *d;
	int err = 0;

	if (is->s.type == SOCK_STREAM || len < sizeof(__be32))
		return -EINVAL;
	if (len >= sizeof(m))
		memcpy(&m, val, sizeof(m));
	else if (len >= 8)
		memcpy(&m, val, 8);
	else
		memcpy(&m.addr, val, sizeof(m.addr));
	a = ip_from_v4(m.addr);
	net_enter();
	if (m.ifindex) {
		d = netdev_by_index_rcu(is->s.net, (uint32_t)m.ifindex);
		err = d ? 0 : -EADDRNOTAVAIL;
	} else {
		d = ip_is_any(&a) ? NULL : inetdev_owner(is->s.net, &a);
		err = d || ip_is_any(&a) ? 0 : -EADDRNOTAVAIL;
	}
	if (!err && is->s.ifindex && d && d->ifindex != is->s.ifindex)
		err = -EINVAL;
	if (!err) {
		is->mcast_ifindex = d ? d->ifindex : 0;
		is->mcast_src = a;
	}
	net_exit();
	return err;
}

static int set_unicast_if(struct inet_sock *is, const void *val, unsigned len)
{
	struct netdev *d = NULL;
	__be32 wire;
	uint32_t ifindex;

	if (len != sizeof(wire))
		return -EINVAL;
	memcpy(&wire, val, sizeof(wire));
	ifindex = be32(wire);
	net_enter();
	if (ifindex)
		d = netdev_by_index_rcu(is->s.net, ifindex);
	net_exit();
	if (ifindex && !d)
		return -EADDRNOTAVAIL;
	if (is->s.ifindex && ifindex != is->s.ifindex)
		return -EINVAL;
	is->unicast_ifindex = ifindex;
	return 0;
}

static int set4(struct inet_sock *is, int name, const void *val, unsigned len)
{
	switch (name) {
	case IP_TOS:
		return set_tos(is, val, len);
	case IP_OPTIONS:
		return set_options(is, val, len);
	case IP_MULTICAST_TTL:
		return set_mcast_ttl(is, val, len);
	case IP_MULTICAST_IF:
		return set_mcast_if(is, val, len);
	case IP_UNICAST_IF:
		return set_unicast_if(is, val, len);
	case IP_RETOPTS:
		return set_table(is, find(IPPROTO_IP, IP_RECVOPTS), val, len);
	default:
		return group_setsockopt(is, IPPROTO_IP, name, val, len);
	}
}

static int get_mtu(struct inet_sock *is)
{
	int mtu = -ENOTCONN;

	net_enter();
	spin_lock(&is->s.lock);
	if (!ip_is_any(&is->remote) && is->dst.nh && !inet_route(is))
		mtu = (int)is->dst.mtu;
	spin_unlock(&is->s.lock);
	net_exit();
	return mtu;
}

static int get4(struct inet_sock *is, int name, void *val, unsigned *len)
{
	__be32 a;
	int v;

	switch (name) {
	case IP_TOS:
		return put_int(is->tos, true, val, len);
	case IP_MULTICAST_TTL:
		return put_int(is->mcast_ttl, true, val, len);
	case IP_UNICAST_IF:
		return put_int(
			(int)(__force uint32_t)to_be32(is->unicast_ifindex), false, val, len);
	case IP_MULTICAST_IF:
		a = ip_v4(&is->mcast_src);
		*len = MIN(*len, (unsigned)sizeof(a));
		memcpy(val, &a, *len);
		return 0;
	case IP_MTU:
		v = get_mtu(is);
		return v < 0 ? v : put_int(v, false, val, len);
	case IP_OPTIONS:
		spin_lock(&is->s.lock);
		*len = MIN(*len, (unsigned)is->ip_options_len);
		memcpy(val, is->ip_options ? is->ip_options : (const uint8_t *)val, *len);
		spin_unlock(&is->s.lock);
		return 0;
	default:
		return group_getsockopt(is, IPPROTO_IP, name, val, len);
	}
}

/* ---- IPv6 ---- */

static int set_mcast_if6(struct inet_sock *is, const void *val, unsigned len)
{
	struct netdev *d;
	int v, err = get_int(val, len, FULL_INT, &v);

	if (err || is->s.type == SOCK_STREAM)
		return err ? err : -ENOPROTOOPT;
	if (v) {
		net_enter();
		d = netdev_by_index_rcu(is->s.net, (uint32_t)v);
		net_exit();
		if (!d)
			return -ENODEV;
		if (is->s.ifindex && is->s.ifindex != (uint32_t)v)
			return -EINVAL;
	}
	is->mcast_ifindex6 = (uint32_t)v;
	return 0;
}

static int set_pktinfo6(struct inet_sock *is, const void *val, unsigned len)
{
	struct ip6_pktinfo pi;

	if (!len)
		memset(&pi, 0, sizeof(pi));
	else if (len < sizeof(pi))
		return -EINVAL;
	else
		memcpy(&pi, val, sizeof(pi));
	if (is->s.ifindex && pi.ifindex && pi.ifindex != is->s.ifindex)
		return -EINVAL;
	is->sticky_src6 = ip6_addr(pi.addr);
	is->sticky_ifindex6 = pi.ifindex;
	return 0;
}

static int set6_int(struct inet_sock *is, int name, int v)
{
	switch (name) {
	case IPV6_V6ONLY:
		if (is->lport)
			return -EINVAL;
		is->v6only = v;
		return 0;
	case IPV6_UNICAST_HOPS:
		if (v < -1 || v > 255)
			return -EINVAL;
		is->hops6 = (uint8_t)MAX(v, 0);
		is->hops6_is_set = v >= 0;
		return 0;
	case IPV6_MULTICAST_HOPS:
		if (v < -1 || v > 255)
			return -EINVAL;
		is->mcast_hops6 = v < 0 ? 1 : (uint8_t)v;
		return 0;
	case IPV6_TCLASS:
		if (v < -1 || v > 255)
			return -EINVAL;
		v = MAX(v, 0);
		if (is->s.type == SOCK_STREAM) /* the congestion bits are TCP's */
			v = (v & ~ECN_MASK) | (is->tclass6 & ECN_MASK);
		is->tclass6 = (uint8_t)v;
		return 0;
	case IPV6_MTU:
		if (v && v < IP6_MIN_MTU)
			return -EINVAL;
		is->frag_size6 = (uint32_t)v;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int set6(struct inet_sock *is, int name, const void *val, unsigned len)
{
	int v, err;

	switch (name) {
	case IPV6_MULTICAST_IF:
		return set_mcast_if6(is, val, len);
	case IPV6_PKTINFO:
		return set_pktinfo6(is, val, len);
	case IPV6_UNICAST_IF:
		return set_unicast_if(is, val, len);
	case IPV6_MULTICAST_HOPS:
		if (is->s.type == SOCK_STREAM)
			return -ENOPROTOOPT;
		__fallthrough;
	case IPV6_V6ONLY:
	case IPV6_UNICAST_HOPS:
	case IPV6_TCLASS:
	case IPV6_MTU:
		err = get_int(val, len, FULL_INT, &v);
		return err ? err : set6_int(is, name, v);
	default:
		return group_setsockopt(is, IPPROTO_IPV6, name, val, len);
	}
}

static int get6(struct inet_sock *is, int name, void *val, unsigned *len)
{
	struct ip6_pktinfo pi = {.ifindex = is->sticky_ifindex6};
	int v;

	switch (name) {
	case IPV6_MULTICAST_IF:
		return put_int((int)is->mcast_ifindex6, false, val, len);
	case IPV6_UNICAST_HOPS:
		v = is->hops6_is_set ? is->hops6 : is->s.net->inet->default_hop_limit;
		return put_int(v, false, val, len);
	case IPV6_MULTICAST_HOPS:
		return put_int(is->mcast_hops6, false, val, len);
	case IPV6_TCLASS:
		return put_int(is->tclass6, false, val, len);
	case IPV6_UNICAST_IF:
		return put_int(
			(int)(__force uint32_t)to_be32(is->unicast_ifindex), false, val, len);
	case IPV6_V6ONLY:
		return put_int(is->v6only, false, val, len);
	case IPV6_MTU:
		v = get_mtu(is);
		return v < 0 ? v : put_int(v, false, val, len);
	case IPV6_PKTINFO:
		memcpy(pi.addr, is->sticky_src6.b, sizeof(pi.addr));
		*len = MIN(*len, (unsigned)sizeof(pi));
		memcpy(val, &pi, *len);
		return 0;
	default:
		return group_getsockopt(is, IPPROTO_IPV6, name, val, len);
	}
}

/* ---- both ---- */

static bool has_level(const struct inet_sock *is, int level)
{
	return level == IPPROTO_IP || (level == IPPROTO_IPV6 && is->s.family == AF_INET6);
}

int inet_setsockopt(struct socket *s, int level, int name, const void *val, unsigned len)
{
	struct inet_sock *is = inet_sk(s);
	const struct int_opt *o;

	if (!has_level(is, level))
		return -ENOPROTOOPT;
	o = find(level, name);
	if (o)
		return set_table(is, o, val, len);
	return level == IPPROTO_IP ? set4(is, name, val, len) : set6(is, name, val, len);
}

int inet_getsockopt(struct socket *s, int level, int name, void *val, unsigned *len)
{
	struct inet_sock *is = inet_sk(s);
	const struct int_opt *o;

	if (!has_level(is, level))
		return is->s.family == AF_INET && level != SOL_SOCKET ? -EOPNOTSUPP : -ENOPROTOOPT;
	o = find(level, name);
	if (o)
		return get_table(is, o, level == IPPROTO_IP, val, len);
	return level == IPPROTO_IP ? get4(is, name, val, len) : get6(is, name, val, len);
}

long inet_ioctl(struct socket *s, unsigned cmd, void *arg)
{
	(void)s, (void)cmd, (void)arg;
	return -ENOTTY; /* those of interfaces and routes are compat's */
}
