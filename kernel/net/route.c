/*
 * route.c - where packets go: destinations looked up in the tables, addresses classified.
 *
 * Theory. A routing table (fib.c) maps prefixes to routes, a route has next hops. Tables, rules,
 * addresses and what ICMP taught (pmtu.c) are changed under the configuration lock or the table's
 * own, and read by RCU. A lookup's answer, struct dst, is a value: next hop (referenced), device,
 * source address, MTU, and the generation of the namespace's routing when it was looked up. Every
 * change of anything a lookup depends on bumps the generation; a holder compares it at each send
 * and looks again when it differs. So nobody keeps lists of users, and a connected socket routes
 * with one compare. The generation is read before the tables are: a change in between makes the
 * answer stale at once, never wrong for long.
 *
 * The table "local" holds this host's addresses and broadcast addresses and is asked first, as
 * Linux's rules have it: so the type of an address is a lookup there. Routes that no table holds
 * (a socket bound to a device, limited broadcast) lead over the device's own next hop, "direct".
 *
 * Does not: routing of multicast between interfaces; IPv6 source routing.
 */
#include "fib.h"
#include "inetdev.h"
#include "neigh.h"
#include <debug.h>
#include <time.h>

static const struct ip_addr lbcast = {.w = {0, 0, to_be32(0xffff), to_be32(0xffffffff)}};

enum { SCOPE_UNIVERSE = 0, SCOPE_LINK = 253, SCOPE_HOST = 254 };

/* ---- destinations ---- */

bool dst_check(const struct net *net, const struct dst *d)
{
	return d->nh && d->gen == __atomic_load_n(&net->inet->gen, __ATOMIC_ACQUIRE);
}

void dst_release(struct dst *d)
{
	if (d->neigh)
		neigh_put(d->neigh);
	if (d->nh)
		nexthop_put(d->nh);
	d->neigh = NULL;
	d->nh = NULL;
	d->dev = NULL;
}

void dst_copy(struct dst *to, const struct dst *from)
{
	*to = *from;
	if (to->nh)
		refcount_inc(&to->nh->refs);
	if (to->neigh)
		neigh_get(to->neigh);
}

void dst_confirm(struct dst *d)
{
	if (d->neigh)
		neigh_confirm(d->neigh);
}

/* The answer "over @d's own next hop". */
static int dst_direct(struct netdev *d, struct dst *out)
{
	struct inet_dev *idev = inet_dev(d);
	struct nexthop *nh = idev ? rcu_dereference(idev->direct) : NULL;

	if (!nh || !refcount_inc_not_zero(&nh->refs))
		return -ENETUNREACH;
	out->nh = nh;
	out->dev = d;
	return 0;
}

static uint32_t link_mtu(const struct netdev *d, bool v6)
{
	const struct inet_dev *idev;
	uint32_t mtu = READ_ONCE(d->mtu);

	if (!v6)
		return MIN(mtu, (uint32_t)IP_MAX_LEN);
	idev = inet_dev(d);
	return idev && idev->mtu6 ? MIN(idev->mtu6, mtu) : mtu;
}

/* MTU, hop limit and metrics, once device and next hop stand. */
static void dst_finish(
	struct net *net, const struct flow *f, const struct route *rt, struct dst *out)
{
	bool v6 = !ip_is_v4(&f->dst);
	const struct inet_dev *idev = inet_dev(out->dev);
	const struct fib_exception *x = NULL;
	uint64_t now;

	out->mtu = link_mtu(out->dev, v6);
	out->hop_limit = v6 ? net->inet->default_hop_limit : net->inet->default_ttl;
	if (v6 && idev && idev->hop_limit)
		out->hop_limit = idev->hop_limit;
	if (rt) {
		if (rt->mtu)
			out->mtu = MIN(out->mtu, rt->mtu);
		if (rt->hop_limit)
			out->hop_limit = (uint8_t)rt->hop_limit;
		out->advmss = rt->advmss;
		out->window = rt->window;
		out->rtt_ms = rt->rtt_ms;
	}
	if (out->kind == DST_UNICAST)
		x = fib_exception_find(net->inet->fib, &f->dst);
	if (!x)
		return;
	now = clock_ns();
	if (x->mtu && x->mtu < out->mtu && x->mtu_expires_ns > now)
		out->mtu = x->mtu;
	if (x->ifindex == out->dev->ifindex && x->gateway_expires_ns > now)
		out->hop = x->gateway;
}

/* To this host: over loopback, whatever interface has the address. */
static int dst_local(struct net *net, const struct flow *f, const struct route *rt, struct dst *out)
{
	int err = dst_direct(net->loopback, out);

	if (err)
		return err;
	out->kind = DST_LOCAL;
	out->hop = f->dst;
	if (ip_is_any(&f->src))
		out->src = rt && !ip_is_any(&rt->prefsrc) ? rt->prefsrc : f->dst;
	dst_finish(net, f, NULL, out);
	return 0;
}

static bool choose_source(struct net *net, const struct flow *f, const struct route *rt,
	const struct ip_addr *hop, struct dst *out)
{
	if (!ip_is_any(&f->src))
		return true;
	if (rt && !ip_is_any(&rt->prefsrc)) {
		out->src = rt->prefsrc;
		return true;
	}
	if (!ip_is_v4(&f->dst))
		return inetdev_source6(net, out->dev, &f->dst, &out->src);
	/* None is fine: DHCP sends before it has an address. */
	if (!inetdev_source4(net, out->dev, hop, rt ? rt->scope : SCOPE_LINK, &out->src))
		out->src = ip_from_v4(IP4(0, 0, 0, 0));
	return true;
}

/* On the link of @d without asking a table. */
static int dst_on_link(struct net *net, const struct flow *f, struct netdev *d, struct dst *out)
{
	int err = dst_direct(d, out);

	if (err)
		return err;
	out->hop = f->dst;
	if (ip_is_multicast(&f->dst))
		out->kind = DST_MULTICAST;
	else if (ip_equal(&f->dst, &lbcast))
		out->kind = DST_BROADCAST;
	if (!choose_source(net, f, NULL, &f->dst, out)) {
		dst_release(out);
		return -EADDRNOTAVAIL;
	}
	dst_finish(net, f, NULL, out);
	return 0;
}

int dst_for_link(
	struct netdev *d, const struct ip_addr *src, const struct ip_addr *to, struct dst *out)
{
	const struct flow f = {.dst = *to};
	int err;

	memset(out, 0, sizeof(*out));
	err = dst_direct(d, out);
	if (err)
		return err;
	out->src = *src;
	out->hop = *to;
	out->kind = ip_is_multicast(to) ? DST_MULTICAST : DST_UNICAST;
	dst_finish(d->net, &f, NULL, out);
	return 0;
}

static int dst_from_route(
	struct net *net, const struct flow *f, const struct fib_result *r, struct dst *out)
{
	struct nexthop *nh = r->nh;

	if (r->rt->type == RTN_LOCAL)
		return dst_local(net, f, r->rt, out);
	if (!refcount_inc_not_zero(&nh->refs))
		return -ENETUNREACH;
	out->nh = nh;
	out->dev = nh->dev;
	out->hop = nh->has_gateway ? nh->gateway : f->dst;
	if (ip_is_multicast(&f->dst))
		out->kind = DST_MULTICAST;
	else if (r->rt->type == RTN_BROADCAST || ip_equal(&f->dst, &lbcast))
		out->kind = DST_BROADCAST;
	if (out->kind != DST_UNICAST)
		out->hop = f->dst;
	if (!choose_source(net, f, r->rt, &out->hop, out)) {
		dst_release(out);
		return -EADDRNOTAVAIL;
	}
	dst_finish(net, f, r->rt, out);
	return 0;
}

static void query_of(const struct flow *f, struct fib_query *q)
{
	*q = (struct fib_query){
		.dst = f->dst,
		.src = f->src,
		.oif = f->ifindex,
		.mark = f->mark,
		.tos = f->tos & 0x1c,
		.on_link = f->dont_route,
		.is_v6 = !ip_is_v4(&f->dst),
	};
}

/* A source must be an address of ours. */
static int check_source4(struct net *net, const struct flow *f)
{
	if (ip_is_any(&f->src) || f->any_src)
		return 0;
	if (ip_is_multicast(&f->src) || ip_equal(&f->src, &lbcast) || !f->src.b[12])
		return -EINVAL;
	return inetdev_owner(net, &f->src) ? 0 : -ENETUNREACH;
}

/* RFC 1122, 3.3.1; the special cases of limited broadcast and multicast as Linux has them: they
 * need no route when the interface is known. */
static int lookup4(struct net *net, const struct flow *f, struct dst *out)
{
	bool group = ip_is_multicast(&f->dst), all = ip_equal(&f->dst, &lbcast);
	struct netdev *d = NULL;
	struct fib_query q;
	struct fib_result r;
	int err;

	err = check_source4(net, f);
	if (err)
		return err;
	if (f->ifindex) {
		d = netdev_by_index_rcu(net, f->ifindex);
		if (!d)
			return -ENODEV;
		if (!(d->flags & IFF_UP) || !inet_dev(d))
			return -ENETUNREACH;
		if (all || f->proto == IPPROTO_IGMP ||
			(group && !((be32(ip_v4(&f->dst)) ^ 0xe0000000) >> 8)))
			return dst_on_link(net, f, d, out);
	} else if ((all || group) && !ip_is_any(&f->src)) {
		d = inetdev_owner(net, &f->src);
		if (d)
			return dst_on_link(net, f, d, out);
	}
	query_of(f, &q);
	err = fib_lookup(net, &q, &r);
	if (!err)
		return dst_from_route(net, f, &r, out);
	/* A socket tied to a device may send by it although no route says so. */
	if (d && err == -ENETUNREACH)
		return dst_on_link(net, f, d, out);
	return err;
}

static int lookup6(struct net *net, const struct flow *f, struct dst *out)
{
	struct fib_query q;
	struct fib_result r;
	int err;

	if (f->ifindex && !netdev_by_index_rcu(net, f->ifindex))
		return -ENODEV;
	query_of(f, &q);
	err = fib_lookup(net, &q, &r);
	return err ? err : dst_from_route(net, f, &r, out);
}

int dst_lookup(struct net *net, const struct flow *f, struct dst *out)
{
	uint32_t gen = __atomic_load_n(&net->inet->gen, __ATOMIC_ACQUIRE);
	int err;

	memset(out, 0, sizeof(*out));
	out->gen = gen;
	out->src = f->src;
	err = ip_is_v4(&f->dst) ? lookup4(net, f, out) : lookup6(net, f, out);
	if (err)
		mib_inc(ip_is_v4(&f->dst) ? MIB_IP_OUT_NO_ROUTES : MIB_IP6_OUT_NO_ROUTES);
	return err;
}

int route_forward(struct net *net, const struct netdev *in, const struct flow *f, struct dst *out)
{
	struct fib_query q;
	struct fib_result r;
	int err;

	memset(out, 0, sizeof(*out));
	out->gen = __atomic_load_n(&net->inet->gen, __ATOMIC_ACQUIRE);
	out->src = f->src;
	query_of(f, &q);
	q.iif = in->ifindex;
	err = fib_lookup(net, &q, &r);
	if (err)
		return err;
	if (r.rt->type != RTN_UNICAST)
		return -EINVAL;
	return dst_from_route(net, f, &r, out);
}

bool route_source_ok(struct net *net, const struct netdev *in, const struct ip_addr *src)
{
	const struct fib_query q = {.dst = *src};
	struct fib_result r;

	if (fib_lookup(net, &q, &r) || r.rt->type != RTN_UNICAST)
		return false;
	return net->inet->rp_filter == 2 || r.nh->dev == in;
}

/* ---- kinds of addresses ---- */

static enum addr_type classify(struct net *net, const struct ip_addr *a)
{
	const struct fib *f = net->inet->fib;
	struct fib_query q = {.dst = *a, .is_v6 = !ip_is_v4(a)};
	struct fib_result r;

	if (fib_table_lookup(f->local, &q, &r))
		return ADDR_NONE;
	if (r.rt->type == RTN_LOCAL)
		return ADDR_LOCAL;
	return r.rt->type == RTN_BROADCAST ? ADDR_BROADCAST : ADDR_NONE;
}

enum addr_type inet_addr_type(struct net *net, const struct ip_addr *a, uint32_t ifindex)
{
	const struct netdev *d;
	const struct ifaddr *ia;

	if (ip_is_any(a))
		return ADDR_ANY;
	if (ip_is_multicast(a))
		return ADDR_MULTICAST;
	if (ip_equal(a, &lbcast))
		return ADDR_BROADCAST;
	if (ip_is_v4(a))
		return classify(net, a);
	if (!ifindex)
		return inetdev_owner(net, a) ? ADDR_LOCAL : ADDR_NONE;
	d = netdev_by_index_rcu(net, ifindex);
	ia = d ? inetdev_find(d, a) : NULL;
	return ia && !(ia->a.flags & IFA_F_TENTATIVE) ? ADDR_LOCAL : ADDR_NONE;
}

uint32_t route_zone(struct net *net, const struct ip_addr *a, uint32_t other)
{
	struct fib_query q = {.dst = *a, .is_v6 = true};
	struct fib_result r;

	return fib_table_lookup(net->inet->fib->local, &q, &r) ? other : r.nh->dev->ifindex;
}

/* One address of the last packets that came in to this CPU and what it was: nearly always right. */
struct in_cache {
	struct ip_addr dst;
	const struct net *net;
	uint32_t gen, ifindex;
	enum addr_type type;
};
static DEFINE_PER_CPU(struct in_cache, in_cache);

/* An IPv6 address counts where it is, and only after duplicate address detection (RFC 4862, 5.4);
 * the packets of this host to itself come in by loopback. */
static enum addr_type input6(struct net *net, const struct netdev *in, const struct ip_addr *dst)
{
	bool here = ip_is_link_local(dst) && !(in->flags & IFF_LOOPBACK);
	const struct ifaddr *ia = here ? inetdev_find(in, dst) : inetdev_lookup(net, dst);

	if (ia || here)
		return ia && !(ia->a.flags & IFA_F_TENTATIVE) ? ADDR_LOCAL : ADDR_NONE;
	return classify(net, dst);
}

enum addr_type route_input(struct net *net, const struct netdev *in, const struct ip_addr *dst)
{
	struct in_cache *c = this_cpu_ptr(in_cache);
	uint32_t gen = __atomic_load_n(&net->inet->gen, __ATOMIC_ACQUIRE);
	const struct inet_dev *idev;

	if (c->gen == gen && ip_equal(&c->dst, dst) && c->ifindex == in->ifindex && c->net == net)
		return c->type;
	if (ip_is_multicast(dst)) {
		idev = inet_dev(in);
		return idev && group_joined(idev, dst) ? ADDR_MULTICAST : ADDR_NONE;
	}
	*c = (struct in_cache){.dst = *dst, .net = net, .gen = gen, .ifindex = in->ifindex};
	if (ip_equal(dst, &lbcast))
		c->type = ADDR_BROADCAST;
	else if (ip_is_v4(dst))
		c->type = classify(net, dst);
	else
		c->type = input6(net, in, dst);
	return c->type;
}

int route_get(struct net *net, const struct ip_addr *dst, const struct ip_addr *src,
	uint32_t ifindex, uint32_t mark, struct rt_entry *out)
{
	const struct flow f = {.dst = *dst, .src = *src, .ifindex = ifindex, .mark = mark};
	const bool v6 = !ip_is_v4(dst);
	struct fib_result r;
	struct fib_query q;
	struct dst d;
	int err;

	net_enter();
	err = dst_lookup(net, &f, &d);
	if (!err) {
		query_of(&f, &q);
		*out = (struct rt_entry){
			.prefix = 128, .type = RTN_UNICAST, .table = RT_TABLE_MAIN};
		if (!fib_lookup(net, &q, &r))
			fib_fill_entry(r.rt, out);
		out->dst = *dst;
		out->prefix = 128;
		out->is_v6 = v6;
		out->prefsrc = d.src;
		out->nr_hops = 1;
		out->hop[0] = (struct rt_hop){.ifindex = d.dev->ifindex, .weight = 1};
		if (!ip_equal(&d.hop, dst))
			out->hop[0].gateway = d.hop;
		dst_release(&d);
	}
	net_exit();
	return err;
}
