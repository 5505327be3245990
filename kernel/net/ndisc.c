/*
 * ndisc.c - Neighbour Discovery (RFC 4861): solicitations and advertisements, duplicate address
 * detection (RFC 4862 5.4, RFC 7527), redirects.
 *
 * The state machine is neigh.c's. Messages count only with hop limit 255: they come from the link.
 * They are handled in a section; what they change of addresses and routes, autoconf.c does later.
 * Does not: proxy advertisements, anycast addresses.
 */
#include "fib.h"
#include "inetdev.h"
#include "neigh.h"
#include <debug.h>
#include <log.h>
#include <random.h>
#include <time.h>

enum { NA_ROUTER = 1u << 31, NA_SOLICITED = 1u << 30, NA_OVERRIDE = 1u << 29 };
enum { DAD_TRANSMITS = 1, MAX_ND = 1500, OPT_LLADDR = 8 };

static const struct ip_addr any6, all_nodes = {.b = {0xff, 2, [15] = 1}};

/* ---- messages ---- */

struct pkt *nd_new(const void *fixed, unsigned bytes)
{
	struct pkt *p = pkt_alloc_tx();

	if (p)
		memcpy(pkt_append(p, bytes), fixed, bytes);
	return p;
}

void nd_option(struct pkt *p, uint8_t type, const void *data, unsigned n)
{
	const unsigned units = DIV_ROUND_UP(n + 2, 8u);
	uint8_t *o;

	if (units * 8 > pkt_tailroom(p))
		return;
	o = pkt_append(p, units * 8);
	memset(o, 0, units * 8);
	o[0] = type;
	o[1] = (uint8_t)units;
	memcpy(o + 2, data, n);
}

void nd_send(struct netdev *d, const struct ip_addr *src, const struct ip_addr *dst, struct pkt *p)
{
	const struct inet_send_args a = {
		.src = *src, .dst = *dst, .proto = IPPROTO_ICMPV6, .ttl = 255, .ttl_is_set = true};
	struct dst to;

	if (dst_for_link(d, src, dst, &to)) {
		pkt_free(p);
		return;
	}
	icmp6_sum(p, src, dst);
	p->l4 = p->off;
	mib_inc(MIB_ICMP6_OUT_MSGS);
	(void)inet_send(d->net, &to, &a, p);
	dst_release(&to);
}

bool nd_options_ok(struct pkt *p, unsigned fixed)
{
	unsigned at = fixed, len;

	if (p->len > MAX_ND)
		return false;
	while (at < p->len) {
		uint8_t o[2];

		if (at + 2 > p->len)
			return false;
		pkt_copy_bytes(p, at, o, 2);
		len = o[1] * 8u;
		if (!len || at + len > p->len)
			return false;
		at += len;
	}
	return true;
}

const uint8_t *nd_find(struct pkt *p, unsigned fixed, uint8_t type, unsigned *len)
{
	unsigned at = fixed;
	uint8_t o[2];

	while (at + 8 <= p->len) {
		pkt_copy_bytes(p, at, o, 2);
		*len = o[1] * 8u;
		if (!*len)
			return NULL;
		if (o[0] == type)
			return pkt_need(p, at + MIN(*len, 32u)) ? pkt_data(p) + at : NULL;
		at += *len;
	}
	return NULL;
}

/* The link address in an option, if it has one of this link's kind. */
static const uint8_t *lladdr_option(struct pkt *p, uint8_t type)
{
	unsigned len;
	const uint8_t *o = nd_find(p, sizeof(struct nd_msg), type, &len);

	return o && p->dev->addr_len == ETH_ALEN && len == OPT_LLADDR && !(o[2] & 1) ? o + 2 : NULL;
}

/* ---- asking and answering ---- */

static void send_solicit(struct netdev *d, const struct ip_addr *src, const struct ip_addr *dst,
	const struct ip_addr *target, const uint8_t *nonce)
{
	struct nd_msg m = {.type = ICMP6_NS};
	struct pkt *p;

	memcpy(m.target, target->b, sizeof(m.target));
	p = nd_new(&m, sizeof(m));
	if (!p)
		return;
	if (!ip_is_any(src) && d->addr_len == ETH_ALEN)
		nd_option(p, ND_OPT_SOURCE, d->addr, ETH_ALEN);
	if (nonce)
		nd_option(p, ND_OPT_NONCE, nonce, 6);
	nd_send(d, src, dst, p);
}

void ndisc_solicit(struct netdev *d, const struct ip_addr *target, const struct ip_addr *src,
	const uint8_t *unicast)
{
	const struct ip_addr group = ip6_solicited_node(target);
	const struct ifaddr *ia = ip_is_any(src) ? NULL : inetdev_find(d, src);
	struct ip_addr from;

	if (ia && !(ia->a.flags & IFA_F_TENTATIVE))
		from = *src;
	else if (!inetdev_link_local(d, &from) && !inetdev_source6(d->net, d, target, &from))
		return;
	send_solicit(d, &from, unicast ? target : &group, target, NULL);
}

static void send_advert(
	struct netdev *d, const struct ip_addr *dst, const struct ip_addr *target, uint32_t flags)
{
	struct nd_msg m = {.type = ICMP6_NA};
	struct pkt *p;

	if (d->net->inet->forward6)
		flags |= NA_ROUTER;
	m.flags = to_be32(flags);
	memcpy(m.target, target->b, sizeof(m.target));
	p = nd_new(&m, sizeof(m));
	if (!p)
		return;
	if (d->addr_len == ETH_ALEN)
		nd_option(p, ND_OPT_TARGET, d->addr, ETH_ALEN);
	nd_send(d, target, dst, p);
}

/* ---- duplicate address detection: RFC 4862, 5.4 ---- */

static void set_flags(struct ifaddr *ia, uint32_t clear, uint32_t set)
{
	__atomic_fetch_and(&ia->a.flags, ~clear, __ATOMIC_RELAXED);
	__atomic_fetch_or(&ia->a.flags, set, __ATOMIC_RELAXED);
}

static void dad_failed(struct ifaddr *ia)
{
	char text[IP_TEXT];

	if (ia->a.flags & IFA_F_DADFAILED)
		return;
	log_ratelimited(LOG_WARNING, "net: %s: another host has the address %s",
		ia->idev->dev->name, ip_text(&ia->a.addr, text));
	set_flags(ia, 0, IFA_F_DADFAILED);
	inetdev_changed(ia, true);
}

/* True: it is ours now. */
static bool dad_step(struct ifaddr *ia, bool *ask)
{
	const struct inet_dev *idev = ia->idev;
	const uint32_t wait_ms = idev->retrans_ms ? idev->retrans_ms : 1000;

	*ask = false;
	if (ia->gone || ia->a.flags & IFA_F_DADFAILED || !(ia->a.flags & IFA_F_TENTATIVE))
		return false;
	if (!ia->dad_left) {
		set_flags(ia, IFA_F_TENTATIVE, 0);
		return true;
	}
	ia->dad_left--;
	*ask = true;
	if (net_timer_arm(&ia->dad, clock_ns() + wait_ms * NSEC_PER_MSEC))
		refcount_inc(&ia->refs);
	return false;
}

static void dad_timer(struct net_timer *t)
{
	struct ifaddr *ia = container_of(t, struct ifaddr, dad);
	struct inet_dev *idev = ia->idev;
	const struct ip_addr group = ip6_solicited_node(&ia->a.addr);
	bool done, ask;

	spin_lock(&idev->lock);
	done = dad_step(ia, &ask);
	spin_unlock(&idev->lock);
	if (ask)
		send_solicit(idev->dev, &any6, &group, &ia->a.addr, ia->dad_nonce);
	if (done) {
		inetdev_changed(ia, true);
		if (ip_is_link_local(&ia->a.addr))
			autoconf_solicit(idev);
	}
	ifaddr_put(ia);
}

void ndisc_dad_start(struct ifaddr *ia)
{
	struct inet_dev *idev = ia->idev;

	if (!ia->dad.fn)
		net_timer_init(&ia->dad, dad_timer);
	if (!(ia->a.flags & IFA_F_TENTATIVE) || ia->a.flags & IFA_F_DADFAILED)
		return;
	if (!(idev->dev->flags & IFF_RUNNING))
		return; /* ndisc_carrier() begins when somebody can hear it */
	random_bytes(ia->dad_nonce, sizeof(ia->dad_nonce));
	spin_lock(&idev->lock);
	ia->dad_left = DAD_TRANSMITS;
	if (net_timer_arm(&ia->dad, clock_ns() + random_below(NSEC_PER_SEC / 2)))
		refcount_inc(&ia->refs);
	spin_unlock(&idev->lock);
}

/* ---- received ---- */

/* RFC 4861, 7.2.3 and RFC 4862, 5.4.3. */
static void solicited(struct pkt *p, const struct nd_msg *m)
{
	struct netdev *d = p->dev;
	const struct ip_addr target = ip6_addr(m->target), src = p->ip.src;
	struct ifaddr *ia = inetdev_find(d, &target);
	const bool probe = ip_is_any(&src);
	struct neigh_news news = {.create = true, .override = true};
	unsigned len;
	const uint8_t *nonce;

	if (!ia)
		return;
	if (ia->a.flags & IFA_F_TENTATIVE) {
		nonce = nd_find(p, sizeof(*m), ND_OPT_NONCE, &len);
		if (probe && !(nonce && len == 8 && !memcmp(nonce + 2, ia->dad_nonce, 6)))
			dad_failed(ia);
		return;
	}
	if (probe) {
		send_advert(d, &all_nodes, &target, NA_OVERRIDE);
		return;
	}
	news.lladdr = lladdr_option(p, ND_OPT_SOURCE);
	if (news.lladdr)
		neigh_update(d, &src, &news);
	send_advert(d, &src, &target, NA_SOLICITED | NA_OVERRIDE);
}

/* RFC 4861, 7.2.5. */
static void advertised(struct pkt *p, const struct nd_msg *m)
{
	const uint32_t flags = be32(m->flags);
	const struct ip_addr target = ip6_addr(m->target);
	struct ifaddr *ia = inetdev_find(p->dev, &target);
	const struct neigh_news news = {
		.lladdr = lladdr_option(p, ND_OPT_TARGET),
		.solicited = flags & NA_SOLICITED && !ip_is_multicast(&p->ip.dst),
		.override = flags & NA_OVERRIDE,
		.has_router = true,
		.is_router = flags & NA_ROUTER,
	};

	if (ia) {
		if (ia->a.flags & IFA_F_TENTATIVE)
			dad_failed(ia);
		return;
	}
	neigh_update(p->dev, &target, &news);
}

struct redirect_msg {
	struct nd_msg m;
	uint8_t dst[16];
} __packed;

/* RFC 4861, 8.1: only from the router that we use for that destination now. */
static void redirected(struct pkt *p)
{
	struct net *net = p->dev->net;
	const struct inet_dev *idev = inet_dev(p->dev);
	struct redirect_msg m;
	struct ip_addr target, dst;
	struct flow f;
	struct dst d;
	struct neigh_news news = {.override = true, .create = true, .has_router = true};

	if (!pkt_need(p, sizeof(m)) || !idev || !idev->accept_redirects || net->inet->forward6 ||
		!ip_is_link_local(&p->ip.src))
		return;
	memcpy(&m, pkt_data(p), sizeof(m));
	target = ip6_addr(m.m.target);
	dst = ip6_addr(m.dst);
	if (m.m.code || ip_is_multicast(&dst) || ip_is_v4(&dst) || !nd_options_ok(p, sizeof(m)) ||
		(!ip_equal(&target, &dst) && !ip_is_link_local(&target)))
		return;
	f = (struct flow){.dst = dst, .ifindex = ip_is_link_local(&dst) ? p->ip.ifindex : 0};
	if (dst_lookup(net, &f, &d))
		return;
	if (d.kind == DST_UNICAST && d.dev == p->dev && ip_equal(&d.hop, &p->ip.src)) {
		unsigned len;
		const uint8_t *o = nd_find(p, sizeof(m), ND_OPT_TARGET, &len);

		fib_redirect(net, &dst, &target, d.dev->ifindex);
		news.is_router = !ip_equal(&target, &dst);
		news.lladdr = o && len == OPT_LLADDR && !(o[2] & 1) ? o + 2 : NULL;
		neigh_update(p->dev, &target, &news);
	}
	dst_release(&d);
}

void ndisc_send_redirect(struct pkt *p, const struct ip_addr *hop)
{
	struct netdev *d = p->dev;
	struct redirect_msg m = {.m = {.type = ICMP6_REDIRECT}};
	struct ip_addr from;
	struct pkt *r;

	if (!ip_is_link_local(hop) && !ip_equal(hop, &p->ip.dst))
		return;
	if (!inetdev_on_link(d, &p->ip.src) && !ip_is_link_local(&p->ip.src))
		return;
	if (!inetdev_link_local(d, &from) || !icmp_rate_allow(d->net, &p->ip.src))
		return;
	memcpy(m.m.target, hop->b, sizeof(m.m.target));
	memcpy(m.dst, p->ip.dst.b, sizeof(m.dst));
	r = nd_new(&m, sizeof(m));
	if (r)
		nd_send(d, &from, &p->ip.src, r);
}

static void router_solicited(struct pkt *p)
{
	unsigned len;
	const uint8_t *o = nd_find(p, 8, ND_OPT_SOURCE, &len);
	const struct neigh_news news = {
		.lladdr = o && len == OPT_LLADDR && p->dev->addr_len == ETH_ALEN && !(o[2] & 1)
				  ? o + 2
				  : NULL,
		.override = true,
		.create = true,
		.has_router = true,
	};

	if (p->dev->net->inet->forward6 && !ip_is_any(&p->ip.src) && news.lladdr)
		neigh_update(p->dev, &p->ip.src, &news);
}

static bool neighbour_message_ok(struct pkt *p, struct nd_msg *m)
{
	struct ip_addr target;

	if (!pkt_need(p, sizeof(*m)))
		return false;
	memcpy(m, pkt_data(p), sizeof(*m));
	target = ip6_addr(m->target);
	if (ip_is_multicast(&target) || ip_is_v4(&target) || !nd_options_ok(p, sizeof(*m)))
		return false;
	if (m->type == ICMP6_NA)
		return !(ip_is_multicast(&p->ip.dst) && be32(m->flags) & NA_SOLICITED);
	if (!ip_is_any(&p->ip.src))
		return true;
	/* A probe: to the solicited-node group, without a source link address. */
	return p->ip.dst.b[0] == 0xff && p->ip.dst.b[11] == 1 && p->ip.dst.b[12] == 0xff &&
	       !lladdr_option(p, ND_OPT_SOURCE);
}

void ndisc_input(struct pkt *p)
{
	const struct icmp_hdr *h = (const struct icmp_hdr *)pkt_data(p);
	const uint8_t type = h->type;
	struct nd_msg m;

	if (p->ip.ttl != 255 || h->code || !inet_dev(p->dev) || p->type == PKT_LOOPED)
		return;
	switch (type) {
	case ICMP6_NS:
		if (neighbour_message_ok(p, &m))
			solicited(p, &m);
		break;
	case ICMP6_NA:
		if (neighbour_message_ok(p, &m))
			advertised(p, &m);
		break;
	case ICMP6_RS:
		if (nd_options_ok(p, 8))
			router_solicited(p);
		break;
	case ICMP6_RA:
		if (ip_is_link_local(&p->ip.src) && p->len >= 16 && nd_options_ok(p, 16))
			autoconf_router_advert(p);
		break;
	case ICMP6_REDIRECT:
		redirected(p);
		break;
	default:
		break;
	}
}

/* ---- interfaces ---- */

static void groups(struct inet_dev *idev, bool join)
{
	static const struct ip_addr wanted[] = {
		{.b = {0xff, 2, [15] = 1}}, {.b = {0xff, 1, [15] = 1}}};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (!join)
			group_leave(idev, &wanted[i]);
		else if (group_join(idev, &wanted[i]))
			log_warn("net: %s: no memory for a group", idev->dev->name);
	}
}

/* All groups are on each link: RFC 4291, 2.7. */
static void multicast_route(struct inet_dev *idev)
{
	const struct rt_entry e = {
		.dst = {.b = {0xff}},
		.prefix = 8,
		.type = RTN_MULTICAST,
		.protocol = 2,
		.table = RT_TABLE_LOCAL,
		.priority = 256,
		.nr_hops = 1,
		.hop = {{.ifindex = idev->dev->ifindex, .weight = 1}},
		.is_v6 = true,
	};

	if (route_add(idev->dev->net, &e, true, false, true, false))
		log_warn("net: %s: no route for multicast", idev->dev->name);
}

static void add_own(struct netdev *d, const struct ip_addr *a, uint8_t prefix, uint8_t scope)
{
	const struct if_addr ia = {
		.addr = *a,
		.prefix = prefix,
		.scope = scope,
		.valid_s = UINT32_MAX,
		.preferred_s = UINT32_MAX,
	};
	const int err = inetdev_add(d, &ia, false);

	if (err && err != -EEXIST)
		log_warn("net: %s: no IPv6 address: error %d", d->name, -err);
}

void ndisc_up(struct inet_dev *idev)
{
	struct netdev *d = idev->dev;
	const struct ip_addr loopback = {.b = {[15] = 1}};
	struct ip_addr local = {.b = {0xfe, 0x80}};
	struct ifaddr *ia;

	if (idev->is_up6)
		return;
	idev->is_up6 = true;
	groups(idev, true);
	if (d->flags & IFF_LOOPBACK) {
		add_own(d, &loopback, 128, 254);
		return;
	}
	multicast_route(idev);
	autoconf_iid(d, local.b + 8);
	add_own(d, &local, 64, 253);
	list_for_each_entry (ia, &idev->addrs, node)
		if (!ia->is_v4 && !ip_equal(&ia->a.addr, &local))
			ndisc_dad_start(ia);
}

void ndisc_carrier(struct inet_dev *idev)
{
	struct ifaddr *ia;

	if (!idev->is_up6)
		return;
	list_for_each_entry (ia, &idev->addrs, node)
		if (!ia->is_v4)
			ndisc_dad_start(ia);
	autoconf_solicit(idev);
}

void ndisc_down(struct inet_dev *idev)
{
	if (!idev->is_up6)
		return;
	idev->is_up6 = false;
	autoconf_stop(idev);
	groups(idev, false);
	idev->mtu6 = 0;
	idev->hop_limit = 0;
	idev->retrans_ms = 0;
	idev->reachable_ns = 0;
}

void ndisc_init(void)
{
	autoconf_init();
}
