/*
 * autoconf.c - what routers say: router solicitation and advertisement (RFC 4861 6.3, RFC 7559,
 * RFC 4191 preference), stateless address autoconfiguration (RFC 4862 5.5).
 *
 * An advertisement is checked in the section that received it (ndisc.c), copied and queued; a work
 * item applies it with the configuration lock. Bounds, as anybody on the link can send them: queued
 * messages, addresses and default routers for each interface.
 * Does not: temporary addresses (RFC 8981), route information options, DNS options (for user
 * space), DHCPv6.
 */
#include "fib.h"
#include "inetdev.h"
#include "neigh.h"
#include <debug.h>
#include <log.h>
#include <random.h>
#include <time.h>
#include <workqueue.h>

enum {
	QUEUE_MAX = 64,
	MAX_ADDRESSES = 16,
	MAX_ROUTERS = 16,
	MAX_PREFIXES = 32,
	RTPROT_RA = 9,
	RTPROT_KERNEL = 2,
	METRIC_RA = 1024,
	METRIC_PREFIX = 256,
	FOREVER = UINT32_MAX,
	TWO_HOURS = 7200,
	RS_FIRST_MS = 4000,
	RS_MAX_MS = 3600000
};
enum { PREFIX_ON_LINK = 0x80, PREFIX_AUTONOMOUS = 0x40 };

struct ra_hdr { /* RFC 4861, 4.2 */
	uint8_t type, code;
	__be16 csum;
	uint8_t hop_limit, flags;
	__be16 lifetime_s;
	__be32 reachable_ms, retrans_ms;
} __packed;
static_assert(sizeof(struct ra_hdr) == 16, "RFC 4861, 4.2");
struct prefix_option { /* RFC 4861, 4.6.2 */
	uint8_t type, len, bits, flags;
	__be32 valid_s, preferred_s, reserved;
	uint8_t prefix[16];
} __packed;
static_assert(sizeof(struct prefix_option) == 32, "RFC 4861, 4.6.2");

static struct spinlock queue_lock = SPINLOCK_INIT("router advertisements");
static struct pkt_queue queue; /* [queue_lock] */
static struct work apply_work;

/* ---- soliciting ---- */

void autoconf_iid(const struct netdev *d, uint8_t *iid)
{
	if (d->addr_len != ETH_ALEN) {
		random_bytes(iid, 8);
		iid[0] &= (uint8_t)~2u;
		return;
	}
	memcpy(iid, d->addr, 3);
	iid[0] ^= 2;
	iid[3] = 0xff;
	iid[4] = 0xfe;
	memcpy(iid + 5, d->addr + 3, 3);
}

static void solicit_timer(struct net_timer *t)
{
	static const struct ip_addr all_routers = {.b = {0xff, 2, [15] = 2}}, any6;
	struct inet_dev *idev = container_of(t, struct inet_dev, rs);
	struct netdev *d = idev->dev;
	const uint8_t rs[8] = {ICMP6_RS};
	struct ip_addr src = any6;
	struct pkt *p;
	bool go;

	spin_lock(&idev->lock);
	go = idev->rs_interval_ms && idev->is_up6;
	if (go) {
		(void)net_timer_arm(
			&idev->rs, clock_ns() + idev->rs_interval_ms * NSEC_PER_MSEC * 9 / 10 +
					   random_below(idev->rs_interval_ms * NSEC_PER_MSEC / 5));
		idev->rs_interval_ms = MIN(idev->rs_interval_ms * 2, (uint32_t)RS_MAX_MS);
	}
	spin_unlock(&idev->lock);
	if (!go || !(d->flags & IFF_RUNNING) || !inetdev_link_local(d, &src))
		return;
	p = nd_new(rs, sizeof(rs));
	if (!p)
		return;
	if (d->addr_len == ETH_ALEN)
		nd_option(p, ND_OPT_SOURCE, d->addr, ETH_ALEN);
	nd_send(d, &src, &all_routers, p);
}

void autoconf_solicit(struct inet_dev *idev)
{
	if (!idev->accept_ra || idev->dev->net->inet->forward6 ||
		idev->dev->flags & (IFF_LOOPBACK | IFF_NOARP))
		return;
	spin_lock(&idev->lock);
	idev->rs_interval_ms = RS_FIRST_MS;
	(void)net_timer_arm(&idev->rs, clock_ns() + random_below(NSEC_PER_SEC));
	spin_unlock(&idev->lock);
}

void autoconf_stop(struct inet_dev *idev)
{
	spin_lock(&idev->lock);
	idev->rs_interval_ms = 0;
	(void)net_timer_cancel(&idev->rs);
	spin_unlock(&idev->lock);
}

void ndisc_dev_init(struct inet_dev *idev)
{
	net_timer_init(&idev->rs, solicit_timer);
}

/* ---- advertisements: routers ---- */

struct count {
	const struct netdev *d;
	unsigned routers, prefixes;
};

static int count_route(const struct rt_entry *e, void *arg)
{
	struct count *c = arg;

	if (!e->is_v6 || !e->nr_hops || e->hop[0].ifindex != c->d->ifindex || !e->expires_s)
		return 0;
	c->routers += e->protocol == RTPROT_RA && !e->prefix;
	c->prefixes += e->protocol == RTPROT_KERNEL;
	return 0;
}

/* RFC 4861, 6.3.4: the default router list. */
static void default_router(struct netdev *d, const struct ip_addr *from, const struct ra_hdr *h)
{
	static const uint8_t pref[] = {0 /* medium */, 1 /* high */, 0, 3 /* low */};
	const struct rt_entry e = {
		.prefix = 0,
		.type = RTN_UNICAST,
		.protocol = RTPROT_RA,
		.table = RT_TABLE_MAIN,
		.priority = METRIC_RA,
		.pref = pref[h->flags >> 3 & 3],
		.expires_s = be16(h->lifetime_s),
		.nr_hops = 1,
		.hop = {{.gateway = *from, .ifindex = d->ifindex, .weight = 1}},
		.is_v6 = true,
	};
	struct count c = {.d = d};

	if (!e.expires_s) {
		(void)!route_del(d->net, &e); /* not there: fine */
		return;
	}
	if (fib_refresh(d->net, &e))
		return;
	(void)route_each(d->net, count_route, &c);
	if (c.routers >= MAX_ROUTERS)
		return;
	if (route_add(d->net, &e, true, false, true, false))
		log_ratelimited(LOG_WARNING, "net: %s: a router could not be noted", d->name);
}

static void link_parameters(struct inet_dev *idev, const struct ra_hdr *h)
{
	const uint32_t reachable = be32(h->reachable_ms), retrans = be32(h->retrans_ms);

	if (h->hop_limit)
		idev->hop_limit = h->hop_limit;
	if (reachable && reachable <= 3600000) /* RFC 4861, 6.3.2: 0.5 to 1.5 of it */
		idev->reachable_ns = (reachable / 2 + random_below(reachable)) * NSEC_PER_MSEC;
	if (retrans && retrans >= 10 && retrans <= 3600000)
		idev->retrans_ms = retrans;
}

/* ---- advertisements: prefixes ---- */

static void on_link(struct netdev *d, const struct prefix_option *o, const struct ip_addr *prefix)
{
	const uint32_t valid = be32(o->valid_s);
	const struct rt_entry e = {
		.dst = *prefix,
		.prefix = o->bits,
		.type = RTN_UNICAST,
		.protocol = RTPROT_KERNEL,
		.table = RT_TABLE_MAIN,
		.priority = METRIC_PREFIX,
		.expires_s = valid == FOREVER ? 0 : valid,
		.nr_hops = 1,
		.hop = {{.ifindex = d->ifindex, .weight = 1}},
		.is_v6 = true,
	};
	struct count c = {.d = d};

	if (!valid)
		(void)!route_del(d->net, &e); /* not there: fine */
	if (!valid || fib_refresh(d->net, &e))
		return;
	(void)route_each(d->net, count_route, &c);
	if (c.prefixes < MAX_PREFIXES && route_add(d->net, &e, true, true, false, false))
		log_ratelimited(LOG_WARNING, "net: %s: a prefix could not be noted", d->name);
}

/* RFC 4862, 5.5.3 (e): a lifetime is not cut below two hours by who knows whom. */
static uint32_t new_valid(const struct ifaddr *ia, uint32_t offered)
{
	const uint64_t gone = (clock_ns() - ia->a.updated_ns) / NSEC_PER_SEC;
	const uint32_t left = ia->a.valid_s == FOREVER ? FOREVER
			      : ia->a.valid_s > gone   ? ia->a.valid_s - (uint32_t)gone
						       : 0;

	if (offered > TWO_HOURS || offered > left)
		return offered;
	return left <= TWO_HOURS ? left : TWO_HOURS;
}

static void autonomous(
	struct inet_dev *idev, const struct prefix_option *o, const struct ip_addr *prefix)
{
	struct if_addr a = {
		.addr = *prefix,
		.prefix = 64,
		.flags = IFA_F_NOPREFIXROUTE,
		.valid_s = be32(o->valid_s),
		.preferred_s = be32(o->preferred_s),
	};
	struct ifaddr *ia;
	unsigned n = 0;

	if (o->bits != 64 || a.preferred_s > a.valid_s)
		return;
	autoconf_iid(idev->dev, a.addr.b + 8);
	list_for_each_entry (ia, &idev->addrs, node)
		n += !ia->is_v4;
	ia = inetdev_find(idev->dev, &a.addr);
	if (ia && ia->a.flags & IFA_F_PERMANENT && !(ia->a.flags & IFA_F_NOPREFIXROUTE))
		return; /* made by hand */
	if (ia)
		a.valid_s = new_valid(ia, a.valid_s);
	a.preferred_s = MIN(a.preferred_s, a.valid_s);
	if (!a.valid_s || (!ia && n >= MAX_ADDRESSES))
		return;
	if (inetdev_add(idev->dev, &a, true))
		log_ratelimited(LOG_WARNING, "net: %s: no address from a prefix", idev->dev->name);
}

static void prefix(struct inet_dev *idev, const uint8_t *bytes, unsigned len)
{
	struct prefix_option o;
	struct ip_addr a;

	if (len != sizeof(o))
		return;
	memcpy(&o, bytes, sizeof(o));
	a = ip6_addr(o.prefix);
	if (o.bits > 128 || be32(o.preferred_s) > be32(o.valid_s) || ip_is_link_local(&a) ||
		ip_is_multicast(&a) || ip_is_v4(&a) || ip_is_any(&a))
		return;
	ip_mask(&a, o.bits);
	if (o.flags & PREFIX_ON_LINK)
		on_link(idev->dev, &o, &a);
	if (o.flags & PREFIX_AUTONOMOUS && idev->autoconf)
		autonomous(idev, &o, &a);
}

static void link_mtu(struct inet_dev *idev, const uint8_t *o, unsigned len)
{
	__be32 wire;

	if (len != 8)
		return;
	memcpy(&wire, o + 4, sizeof(wire));
	if (be32(wire) >= IP6_MIN_MTU && be32(wire) <= idev->dev->mtu)
		idev->mtu6 = be32(wire);
}

static void learn_router(
	struct netdev *d, const struct ip_addr *from, const uint8_t *o, unsigned len)
{
	const struct neigh_news news = {
		.lladdr = o && len == 8 && d->addr_len == ETH_ALEN && !(o[2] & 1) ? o + 2 : NULL,
		.override = true,
		.create = true,
		.has_router = true,
		.is_router = true,
	};

	net_enter();
	neigh_update(d, from, &news);
	net_exit();
}

static void apply(struct inet_dev *idev, struct pkt *p)
{
	const struct ip_addr from = p->ip.src;
	struct ra_hdr h;
	uint8_t o[32];
	const uint8_t *source = NULL;
	uint8_t source_option[8];
	unsigned at, len, source_len = 0;

	pkt_copy_bytes(p, 0, &h, sizeof(h));
	link_parameters(idev, &h);
	if (h.lifetime_s)
		autoconf_stop(idev);
	for (at = sizeof(h); at + 8 <= p->len; at += len) {
		memset(o, 0, sizeof(o));
		pkt_copy_bytes(p, at, o, 8);
		len = o[1] * 8u;
		pkt_copy_bytes(p, at, o, MIN(len, (unsigned)sizeof(o)));
		if (o[0] == ND_OPT_PREFIX) {
			prefix(idev, o, len);
		} else if (o[0] == ND_OPT_MTU) {
			link_mtu(idev, o, len);
		} else if (o[0] == ND_OPT_SOURCE) {
			memcpy(source_option, o, sizeof(source_option));
			source = source_option;
			source_len = len;
		}
	}
	learn_router(idev->dev, &from, source, source_len);
	default_router(idev->dev, &from, &h);
	fib_changed(idev->dev->net);
}

static void apply_all(struct work *w)
{
	struct netdev *d;
	struct pkt *p;

	(void)w;
	net_config_lock();
	for (;;) {
		spin_lock(&queue_lock);
		p = pkt_dequeue(&queue);
		spin_unlock(&queue_lock);
		if (!p)
			break;
		d = netdev_by_index_rcu(&net_initial, p->ip.ifindex);
		if (d && inet_dev(d) && inet_dev(d)->is_up6)
			apply(inet_dev(d), p);
		pkt_free(p);
	}
	net_config_unlock();
}

void autoconf_router_advert(struct pkt *p)
{
	const struct inet_dev *idev = inet_dev(p->dev);
	struct pkt *copy;

	if (!idev->accept_ra || p->dev->net->inet->forward6)
		return;
	copy = pkt_clone(p);
	if (!copy)
		return;
	copy->dev = NULL;
	spin_lock(&queue_lock);
	if (queue.count < QUEUE_MAX) {
		pkt_enqueue(&queue, copy);
		copy = NULL;
	}
	spin_unlock(&queue_lock);
	if (copy)
		pkt_free(copy);
	else
		(void)work_queue(&apply_work);
}

void autoconf_init(void)
{
	pkt_queue_init(&queue);
	work_init(&apply_work, apply_all);
}
