/*
 * af_inet.c - the families AF_INET and AF_INET6: making sockets, transports, addresses of programs,
 * routes of connected sockets, boot.
 *
 * Theory. A transport registers a struct inet_proto; socket(2) finds it by type and protocol, input
 * by protocol. Both families share everything: a socket of AF_INET6 may hold mapped addresses and
 * then speaks IPv4, unless IPV6_V6ONLY. "Any" tells the families apart: :: or ::ffff:0.0.0.0.
 * Options: inet_opt.c; group memberships: group_sock.c; ancillary data: cmsg.c.
 */
#include "fib.h"
#include "inetdev.h"
#include "neigh.h"
#include <cred.h>
#include <debug.h>
#include <policy.h>
#include <slab.h>
#include <task.h>

enum { MAX_PROTOS = 16 };
static const struct inet_proto *protos[MAX_PROTOS]; /* written at boot */
static const struct inet_proto *by_proto[IPPROTO_MAX];
static unsigned nr_protos;

void (*netctl_changed)(struct net *net, enum netctl_what what, bool added, const void *entry);

/* ---- transports ---- */

int inet_proto_register(const struct inet_proto *p)
{
	unsigned i;

	if (nr_protos == MAX_PROTOS || (p->input && by_proto[p->proto]))
		return -EBUSY;
	for (i = 0; p->size && i < nr_protos; i++)
		if (protos[i]->size && protos[i]->type == p->type && protos[i]->proto == p->proto)
			return -EEXIST;
	protos[nr_protos++] = p;
	if (p->input)
		by_proto[p->proto] = p;
	return 0;
}

const struct inet_proto *inet_proto_input(uint8_t proto)
{
	return by_proto[proto];
}

int inet_sock_each(struct net *net, uint8_t proto,
	int (*fn)(const struct inet_sock_info *i, void *arg), void *arg)
{
	unsigned i;
	int err;

	for (i = 0; i < nr_protos; i++)
		if (protos[i]->proto == proto && protos[i]->each) {
			err = protos[i]->each(net, fn, arg);
			if (err)
				return err;
		}
	return 0;
}

/* ICMP for IPv6 is another number: a transport of the other family's is no match. */
static bool is_for(const struct inet_proto *p, uint16_t family)
{
	if (p->proto == IPPROTO_ICMP)
		return family == AF_INET;
	return p->proto != IPPROTO_ICMPV6 || family == AF_INET6;
}

/* SOCK_RAW takes any protocol; others their own, or 0 for the type's usual one. */
static const struct inet_proto *find_proto(uint16_t family, int type, int protocol, int *err)
{
	unsigned i;

	*err = -ESOCKTNOSUPPORT;
	for (i = 0; i < nr_protos; i++) {
		const struct inet_proto *p = protos[i];

		if (!p->size || p->type != type)
			continue;
		*err = -EPROTONOSUPPORT;
		if (type == SOCK_RAW) {
			if (protocol)
				return p;
		} else if (protocol ? p->proto == protocol && is_for(p, family) : p->is_default) {
			return p;
		}
	}
	return NULL;
}

void inet_inherit(struct inet_sock *child, const struct inet_sock *l)
{
	child->proto = l->proto;
	child->ttl = l->ttl;
	child->min_ttl = l->min_ttl;
	child->tos = l->tos;
	child->hops6 = l->hops6;
	child->tclass6 = l->tclass6;
	child->mcast_ttl = l->mcast_ttl;
	child->mcast_hops6 = l->mcast_hops6;
	child->mcast_loop = l->mcast_loop;
	child->mcast_loop6 = l->mcast_loop6;
	child->mcast_all = l->mcast_all;
	child->mcast_all6 = l->mcast_all6;
	child->mcast_src = l->mcast_src;
	child->v6only = l->v6only;
	child->freebind = l->freebind;
	child->transparent = l->transparent;
	child->recverr = l->recverr;
	child->recverr6 = l->recverr6;
	child->pmtu_mode = l->pmtu_mode;
	child->pmtu_mode6 = l->pmtu_mode6;
	child->cmsg_flags = l->cmsg_flags;
	child->auto_flowlabel = l->auto_flowlabel;
	list_init(&child->groups);
}

static void init_common(struct inet_sock *is, uint16_t family, uint8_t proto)
{
	const struct ip_addr any4 = ip_from_v4(IP4(0, 0, 0, 0));

	is->s.family = family;
	is->proto = proto;
	if (family == AF_INET)
		is->local = is->remote = any4;
	is->mcast_src = any4;
	is->mcast_ttl = 1;
	is->mcast_hops6 = 1;
	is->mcast_loop = is->mcast_loop6 = is->mcast_all6 = true;
	is->mcast_all = family == AF_INET;
	is->pmtu_mode = is->pmtu_mode6 = IP_PMTUDISC_WANT;
	is->v6only = family == AF_INET6 && is->s.net->inet->bindv6only;
	list_init(&is->groups);
}

static int create(struct net *net, uint16_t family, int type, int protocol, struct socket **out)
{
	const struct inet_proto *p;
	struct socket *s;
	int err;

	if (protocol < 0 || protocol >= IPPROTO_LIMIT)
		return -EINVAL;
	p = find_proto(family, type, protocol, &err);
	if (!p)
		return err;
	if (protocol >= IPPROTO_MAX)
		return -EPROTONOSUPPORT;
	if (p->needs_raw && !capable(CAP_NET_RAW))
		return -EPERM;
	s = socket_alloc(p->size, net, p->ops, type, protocol ? protocol : p->proto);
	if (!s)
		return -ENOBUFS;
	init_common(inet_sk(s), family, (uint8_t)(protocol ? protocol : p->proto));
	err = p->init ? p->init(inet_sk(s)) : 0;
	if (err) {
		socket_put(s);
		return err;
	}
	*out = s;
	return 0;
}

static int create4(struct net *net, int type, int protocol, struct socket **out)
{
	return create(net, AF_INET, type, protocol, out);
}

static int create6(struct net *net, int type, int protocol, struct socket **out)
{
	return create(net, AF_INET6, type, protocol, out);
}

void inet_release(struct inet_sock *is)
{
	kfree(is->ip_options);
	is->ip_options = NULL;
	is->ip_options_len = 0;
	dst_release(&is->dst);
}

/* ---- addresses of programs ---- */

static int addr_in4(struct inet_sock *is, const struct sockaddr_in *a, unsigned len,
	struct ip_addr *ip, __be16 *port)
{
	if (len < sizeof(*a))
		return -EINVAL;
	*ip = ip_from_v4(a->sin_addr);
	*port = a->sin_port;
	return is->s.family == AF_INET6 && is->v6only ? -ENETUNREACH : 0;
}

static int addr_in6(const struct sockaddr_in6 *a, unsigned len, struct ip_addr *ip, __be16 *port,
	uint32_t *ifindex)
{
	if (len < offsetof(struct sockaddr_in6, sin6_scope_id))
		return -EINVAL;
	*ip = ip6_addr(a->sin6_addr);
	*port = a->sin6_port;
	if (!ip_is_v4(ip) &&
		(ip_is_link_local(ip) || (ip_is_multicast(ip) && (ip->b[1] & 15) <= 2)))
		*ifindex = len >= sizeof(*a) ? a->sin6_scope_id : 0;
	return 0;
}

int inet_addr_in(struct inet_sock *is, const struct sockaddr_storage *a, unsigned len,
	struct ip_addr *ip, __be16 *port, uint32_t *ifindex)
{
	*ifindex = 0;
	if (len < sizeof(a->ss_family))
		return -EINVAL;
	if (is->s.family == AF_INET) {
		if (len < sizeof(struct sockaddr_in))
			return -EINVAL;
		/* AF_UNSPEC with a zero address is an old way to say "any". */
		if (a->ss_family != AF_INET && a->ss_family != AF_UNSPEC)
			return -EAFNOSUPPORT;
		return addr_in4(is, (const struct sockaddr_in *)a, len, ip, port);
	}
	if (a->ss_family == AF_INET)
		return addr_in4(is, (const struct sockaddr_in *)a, len, ip, port);
	if (a->ss_family != AF_INET6)
		return len < offsetof(struct sockaddr_in6, sin6_scope_id) ? -EINVAL : -EAFNOSUPPORT;
	return addr_in6((const struct sockaddr_in6 *)a, len, ip, port, ifindex);
}

/* bind(2) wants the socket's own family; AF_UNSPEC with a zero address is an old way to say "any".
 */
int inet_bind_name(const struct inet_sock *is, const struct sockaddr_storage *a, unsigned len)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)a;

	if (is->s.family == AF_INET6) {
		if (len < offsetof(struct sockaddr_in6, sin6_scope_id))
			return -EINVAL;
		return a->ss_family == AF_INET6 ? 0 : -EAFNOSUPPORT;
	}
	if (len < sizeof(*in))
		return -EINVAL;
	if (a->ss_family == AF_INET)
		return 0;
	return a->ss_family == AF_UNSPEC && in->sin_addr == to_be32(0) ? 0 : -EAFNOSUPPORT;
}

unsigned inet_addr_out(struct inet_sock *is, const struct ip_addr *ip, __be16 port,
	uint32_t ifindex, struct sockaddr_storage *a)
{
	struct sockaddr_in *in = (struct sockaddr_in *)a;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)a;

	if (is->s.family == AF_INET) {
		*in = (struct sockaddr_in){
			.sin_family = AF_INET, .sin_port = port, .sin_addr = ip_v4(ip)};
		return sizeof(*in);
	}
	*in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port};
	memcpy(in6->sin6_addr, ip->b, sizeof(in6->sin6_addr));
	if (!ip_is_v4(ip) && ip_is_link_local(ip))
		in6->sin6_scope_id = ifindex;
	return sizeof(*in6);
}

int inet_getname(struct socket *s, bool peer, struct sockaddr_storage *a)
{
	struct inet_sock *is = inet_sk(s);
	int len;

	spin_lock(&s->lock);
	if (peer && !is->rport) {
		spin_unlock(&s->lock);
		return -ENOTCONN;
	}
	if (peer)
		len = (int)inet_addr_out(is, &is->remote, is->rport, is->scope_id, a);
	else
		len = (int)inet_addr_out(is, &is->local, is->lport, is->scope_id, a);
	spin_unlock(&s->lock);
	return len;
}

void inet_any_to_loopback(struct ip_addr *a)
{
	static const struct ip_addr loopback6 = {.b = {[15] = 1}};

	if (!ip_is_any(a))
		return;
	*a = ip_is_v4(a) ? ip_from_v4(IP4(127, 0, 0, 1)) : loopback6;
}

/* What bind(2) must know of an address: ip(7), ipv6(7). */
int inet_bind_check(struct inet_sock *is, const struct ip_addr *a, uint32_t *ifindex)
{
	struct net *net = is->s.net;
	const bool v4 = ip_is_v4(a);
	enum addr_type type;
	bool there;

	if (is->s.family == AF_INET6 && v4 && is->v6only)
		return -EINVAL;
	if (!v4 && (ip_is_link_local(a) || ip_is_multicast(a))) {
		if (is->s.ifindex && *ifindex && *ifindex != is->s.ifindex)
			return -EINVAL;
		if (!*ifindex)
			*ifindex = is->s.ifindex;
		if (!*ifindex && ip_is_link_local(a))
			return -EINVAL;
	} else {
		*ifindex = is->s.ifindex;
	}
	if (is->freebind || is->transparent || (v4 && net->inet->nonlocal_bind))
		return 0;
	net_enter();
	there = !*ifindex || netdev_by_index_rcu(net, *ifindex);
	type = there ? inet_addr_type(net, a, *ifindex) : ADDR_NONE;
	net_exit();
	if (!there && !v4)
		return -ENODEV;
	return type == ADDR_NONE ? -EADDRNOTAVAIL : 0;
}

int inet_policy(struct inet_sock *is, unsigned op, const struct ip_addr *a, __be16 port)
{
	const struct policy_net what = {
		.family = is->s.family,
		.type = is->s.type,
		.protocol = is->s.protocol,
		.addr = a,
		.port = be16(port),
	};

	return policy_net(current->cred, op, &what);
}

/* ---- routes of sockets ---- */

void inet_flow(const struct inet_sock *is, struct flow *f)
{
	*f = (struct flow){
		.src = is->local,
		.dst = is->remote,
		.ifindex = is->s.ifindex ? is->s.ifindex : is->scope_id,
		.mark = is->s.mark,
		.tos = is->tos,
		.proto = is->proto,
		.sport = is->lport,
		.dport = is->rport,
		.dont_route = is->s.opts & SOPT_DONTROUTE,
		.any_src = is->freebind || is->transparent,
	};
	if (ip_is_any(&f->src) && ip_is_v4(&f->dst))
		f->src = ip_from_v4(IP4(0, 0, 0, 0));
	if (f->ifindex || !ip_is_multicast(&f->dst))
		return;
	f->ifindex = ip_is_v4(&f->dst) ? is->mcast_ifindex : is->mcast_ifindex6;
	if (ip_is_any(&f->src) && ip_is_v4(&f->dst))
		f->src = is->mcast_src;
}

int inet_route(struct inet_sock *is)
{
	struct flow f;

	ASSERT_LOCKED(&is->s.lock);
	if (likely(dst_check(is->s.net, &is->dst)))
		return 0;
	dst_release(&is->dst);
	inet_flow(is, &f);
	return dst_lookup(is->s.net, &f, &is->dst);
}

/* ---- boot ---- */

struct net_inet net_inet_initial = {
	.gen = 1,
	.default_ttl = 64,
	.default_hop_limit = 64,
	.port_min = 32768,
	.port_max = 60999,
	.unprivileged_port = 1024,
	.tcp_rmem = {4096, 131072, 6291456},
	.tcp_wmem = {4096, 16384, 4194304},
	.tcp_sack = true,
	.tcp_timestamps = true,
	.tcp_window_scaling = true,
	.tcp_syncookies = true,
	.tcp_ecn = false,
	.tcp_tw_reuse = 2,
	.tcp_fin_timeout_s = 60,
	.tcp_keepalive_time_s = 7200,
	.tcp_keepalive_intvl_s = 75,
	.tcp_keepalive_probes = 9,
	.tcp_syn_retries = 6,
	.tcp_synack_retries = 5,
	.tcp_retries2 = 15,
	.tcp_max_syn_backlog = 1024,
	.tcp_max_tw_buckets = 32768,
	.somaxconn = 4096,
	.udp_rmem_min = 4096,
	.udp_wmem_min = 4096,
	.icmp_ratelimit_ms = 1000,
	.icmp_echo_ignore_broadcasts = true,
	.accept_ra = true,
	.autoconf = true,
	.ping_group_min = 1,
	.ping_group_max = 0,
	.frag_high_bytes = 4 << 20,
	.frag_low_bytes = 3 << 20,
	.frag_time_s = 30,
};

void inet_init(void)
{
	static struct socket_family family4 = {.family = AF_INET, .create = create4};
	static struct socket_family family6 = {.family = AF_INET6, .create = create6};
	struct net *net = &net_initial;

	net->inet = &net_inet_initial;
	fib_init(net);
	neigh_init();
	inetdev_init(net);
	group_init();
	arp_init();
	ndisc_init();
	ip_frag_init();
	ip4_init();
	ip6_init();
	icmp_init();
	icmp6_init();
	udp_init();
	raw_init();
	ping_init();
	socket_family_register(&family4);
	socket_family_register(&family6);
}
