/*
 * inetdev.c - the Internet side of interfaces: addresses, and the routes that come with them.
 *
 * Theory. Each netdev that the stack may use has a struct inet_dev from registration to removal.
 * Its address list and everything that follows from addresses (routes, groups, duplicate address
 * detection) change under the configuration lock; packets read the list and a hash of all addresses
 * by RCU. What a timer or a received message wants to change (SLAAC, lifetimes) is done by a work
 * item that takes that lock. An IPv4 address brings, as on Linux: its /32 in table "local", its
 * broadcast addresses there, its subnet in table "main" unless it is secondary; an IPv6 address its
 * /128 in "local" and its prefix in "main". IPv4 addresses stay while the interface is down, IPv6
 * ones go.
 */
#include "fib.h"
#include "inetdev.h"
#include "neigh.h"
#include <debug.h>
#include <hash.h>
#include <log.h>
#include <random.h>
#include <slab.h>
#include <time.h>
#include <workqueue.h>

enum { RTPROT_KERNEL = 2, SCOPE_UNIVERSE = 0, SCOPE_LINK = 253, SCOPE_HOST = 254 };
enum { ADDR_BUCKETS = 256, METRIC_ADDRCONF = 256, FOREVER = UINT32_MAX };

static struct hlist_head addr_hash[ADDR_BUCKETS]; /* [config lock], RCU */
static struct delayed_work lifetime_work;
static struct work settings_work;

static struct hlist_head *bucket_of(const struct ip_addr *a)
{
	return &addr_hash[hash64(a->q[0] ^ a->q[1] * 31) % ADDR_BUCKETS];
}

/* ---- looking ---- */

struct ifaddr *inetdev_find(const struct netdev *d, const struct ip_addr *a)
{
	struct ifaddr *ia;

	hlist_for_each_entry (ia, bucket_of(a), hash)
		if (ia->idev->dev == d && ip_equal(&ia->a.addr, a))
			return ia;
	return NULL;
}

struct ifaddr *inetdev_lookup(struct net *net, const struct ip_addr *a)
{
	struct ifaddr *ia, *found = NULL;

	hlist_for_each_entry (ia, bucket_of(a), hash) {
		if (!ip_equal(&ia->a.addr, a) || ia->idev->dev->net != net)
			continue;
		found = ia;
		if (!(ia->a.flags & IFA_F_TENTATIVE))
			break;
	}
	return found;
}

struct netdev *inetdev_owner(struct net *net, const struct ip_addr *a)
{
	const struct ifaddr *ia = inetdev_lookup(net, a);

	if (ia)
		return ia->a.flags & IFA_F_TENTATIVE ? NULL : ia->idev->dev;
	/* All of 127/8 is this host's, whatever loopback was given. */
	return ip_is_v4(a) && ip_is_loopback(a) ? net->loopback : NULL;
}

bool inetdev_on_link(const struct netdev *d, const struct ip_addr *a)
{
	const struct inet_dev *idev = inet_dev(d);
	const struct ifaddr *ia;

	if (!idev)
		return false;
	list_for_each_entry_rcu(ia, &idev->addrs,
		node) if (ia->is_v4 == ip_is_v4(a) &&
			  ip_prefix_equal(&ia->a.peer, a, ia->a.prefix)) return true;
	return false;
}

/* ---- routes of an address ---- */

static struct rt_entry route_of(
	const struct ifaddr *ia, const struct ip_addr *dst, uint8_t prefix, uint8_t type)
{
	struct rt_entry e = {
		.dst = *dst,
		.prefix = prefix,
		.type = type,
		.scope = type == RTN_LOCAL ? SCOPE_HOST : SCOPE_LINK,
		.protocol = RTPROT_KERNEL,
		.table = type == RTN_UNICAST ? RT_TABLE_MAIN : RT_TABLE_LOCAL,
		.nr_hops = 1,
		.hop = {{.ifindex = ia->idev->dev->ifindex, .weight = 1}},
		.is_v6 = !ia->is_v4,
	};

	if (ia->is_v4)
		e.prefsrc = ia->a.addr;
	else if (type != RTN_LOCAL)
		e.priority = METRIC_ADDRCONF;
	if (!ia->is_v4)
		e.scope = SCOPE_UNIVERSE;
	if (!ia->is_v4 && type == RTN_UNICAST && ia->a.valid_s != FOREVER)
		e.expires_s = ia->a.valid_s;
	return e;
}

static void put_route(
	const struct ifaddr *ia, const struct ip_addr *dst, uint8_t prefix, uint8_t type, bool add)
{
	struct net *net = ia->idev->dev->net;
	struct rt_entry e = route_of(ia, dst, prefix, type);
	int err;

	if (add)
		err = route_add(net, &e, true, !ia->is_v4 && type == RTN_UNICAST,
			ia->is_v4 && type != RTN_LOCAL, false);
	else
		err = route_del(net, &e);
	(void)err; /* there already, or gone already */
}

static struct ip_addr subnet_of(const struct ip_addr *a, unsigned prefix)
{
	struct ip_addr r = *a;

	ip_mask(&r, prefix);
	return r;
}

static struct ip_addr last_of(const struct ip_addr *a, unsigned prefix)
{
	struct ip_addr r = *a;
	uint32_t host = prefix < 128 ? ~0u >> (prefix - 96) : 0;

	r.w[3] = to_be32(be32(a->w[3]) | (prefix == 96 ? ~0u : host));
	return r;
}

static bool shares_broadcast(const struct ifaddr *ia, const struct ip_addr *bcast)
{
	const struct ifaddr *o;
	struct ip_addr last;

	list_for_each_entry (o, &ia->idev->addrs, node) {
		if (o == ia || !o->is_v4)
			continue;
		last = last_of(&o->a.peer, o->a.prefix);
		if (ip_equal(&o->a.broadcast, bcast) || ip_equal(&last, bcast))
			return true;
	}
	return false;
}

static void routes4(struct ifaddr *ia, bool add)
{
	const struct ip_addr net = subnet_of(&ia->a.peer, ia->a.prefix);
	const struct ip_addr last = last_of(&ia->a.peer, ia->a.prefix);
	const struct netdev *d = ia->idev->dev;
	const struct ip_addr *bcast = &ia->a.broadcast;

	put_route(ia, &ia->a.addr, 128, RTN_LOCAL, add);
	if (add && !(d->flags & IFF_UP))
		return;
	if (!ip_is_any(bcast) && ip_v4(bcast) != to_be32(0xffffffff) &&
		(add || !shares_broadcast(ia, bcast)))
		put_route(ia, bcast, 128, RTN_BROADCAST, add);
	if (ia->a.flags & IFA_F_SECONDARY || ip_v4(&net) == to_be32(0) ||
		(ia->a.prefix == 128 && ip_equal(&net, &ia->a.addr)))
		return;
	if (!(ia->a.flags & IFA_F_NOPREFIXROUTE))
		put_route(ia, &net, ia->a.prefix, d->flags & IFF_LOOPBACK ? RTN_LOCAL : RTN_UNICAST,
			add);
	if (ia->a.prefix < 127 && !ip_equal(&last, bcast) && (add || !shares_broadcast(ia, &last)))
		put_route(ia, &last, 128, RTN_BROADCAST, add);
}

static bool prefix_still_used(const struct ifaddr *ia)
{
	const struct ifaddr *o;

	list_for_each_entry (o, &ia->idev->addrs, node)
		if (o != ia && !o->is_v4 && o->a.prefix == ia->a.prefix &&
			!(o->a.flags & IFA_F_NOPREFIXROUTE) &&
			ip_prefix_equal(&o->a.addr, &ia->a.addr, ia->a.prefix))
			return true;
	return false;
}

static void routes6(struct ifaddr *ia, bool add)
{
	const struct ip_addr net = subnet_of(&ia->a.peer, ia->a.prefix);

	if (add && !(ia->idev->dev->flags & IFF_UP))
		return;
	put_route(ia, &ia->a.addr, 128, RTN_LOCAL, add);
	if (ia->a.prefix == 128 && ip_equal(&ia->a.peer, &ia->a.addr))
		return;
	if (!(ia->a.flags & IFA_F_NOPREFIXROUTE) && (add || !prefix_still_used(ia)))
		put_route(ia, &net, ia->a.prefix, RTN_UNICAST, add);
}

static void routes(struct ifaddr *ia, bool add)
{
	if (ia->is_v4)
		routes4(ia, add);
	else
		routes6(ia, add);
}

/* ---- adding and removing ---- */

static void ifaddr_free(struct rcu_head *h)
{
	kfree(container_of(h, struct ifaddr, rcu));
}

void ifaddr_put(struct ifaddr *ia)
{
	if (refcount_dec(&ia->refs))
		rcu_call(&ia->rcu, ifaddr_free);
}

static uint32_t left(uint32_t total_s, uint64_t since_ns)
{
	uint64_t gone = (clock_ns() - since_ns) / NSEC_PER_SEC;

	if (total_s == FOREVER)
		return FOREVER;
	return total_s > gone ? total_s - (uint32_t)gone : 0;
}

/* As netctl.h shows it: with the lifetimes that are left. */
static struct if_addr shown(const struct ifaddr *ia)
{
	struct if_addr a = ia->a;

	a.valid_s = left(a.valid_s, a.updated_ns);
	a.preferred_s = left(a.preferred_s, a.updated_ns);
	return a;
}

void inetdev_changed(struct ifaddr *ia, bool added)
{
	struct if_addr a;

	fib_changed(ia->idev->dev->net);
	if (!netctl_changed)
		return;
	a = shown(ia);
	netctl_changed(ia->idev->dev->net, NETCTL_ADDR, added, &a);
}

static void schedule_lifetimes(const struct ifaddr *ia)
{
	if (ia->a.valid_s != FOREVER || ia->a.preferred_s != FOREVER)
		delayed_work_queue(&lifetime_work, NSEC_PER_SEC);
}

static void list_insert(struct inet_dev *idev, struct ifaddr *ia)
{
	struct ifaddr *at;
	struct list_head *before = &idev->addrs;

	list_for_each_entry (at, &idev->addrs, node) {
		bool later = ia->is_v4 ? !at->is_v4 || (at->a.flags & IFA_F_SECONDARY &&
							       !(ia->a.flags & IFA_F_SECONDARY))
				       : !at->is_v4 && at->a.scope < ia->a.scope;

		if (later) {
			before = &at->node;
			break;
		}
	}
	list_add_tail(&ia->node, before);
	hlist_add(&ia->hash, bucket_of(&ia->a.addr));
}

static struct ifaddr *same_address(struct inet_dev *idev, const struct if_addr *a)
{
	struct ifaddr *ia;

	list_for_each_entry (ia, &idev->addrs, node)
		if (ip_equal(&ia->a.addr, &a->addr) && (!ia->is_v4 || ia->a.prefix == a->prefix))
			return ia;
	return NULL;
}

static bool is_secondary(const struct inet_dev *idev, const struct if_addr *a)
{
	const struct ifaddr *ia;

	list_for_each_entry (ia, &idev->addrs, node)
		if (ia->is_v4 && !(ia->a.flags & IFA_F_SECONDARY) && ia->a.prefix == a->prefix &&
			ip_prefix_equal(&ia->a.peer, &a->peer, a->prefix))
			return true;
	return false;
}

static int update(struct ifaddr *ia, const struct if_addr *a)
{
	const uint32_t keep = IFA_F_SECONDARY | IFA_F_TENTATIVE | IFA_F_DADFAILED;

	if (a->valid_s == 0)
		return -EINVAL;
	routes(ia, false);
	ia->a.flags = (ia->a.flags & keep) | (a->flags & ~keep);
	if (a->valid_s == FOREVER)
		ia->a.flags |= IFA_F_PERMANENT;
	else
		ia->a.flags &= ~(uint32_t)IFA_F_PERMANENT;
	if (a->preferred_s == 0)
		ia->a.flags |= IFA_F_DEPRECATED;
	else
		ia->a.flags &= ~(uint32_t)IFA_F_DEPRECATED;
	ia->a.valid_s = a->valid_s;
	ia->a.preferred_s = a->preferred_s;
	ia->a.updated_ns = clock_ns();
	routes(ia, true);
	schedule_lifetimes(ia);
	inetdev_changed(ia, true);
	return 0;
}

static void fill(struct ifaddr *ia, const struct if_addr *a)
{
	const bool checked = ia->is_v4 || a->flags & IFA_F_NODAD ||
			     ia->idev->dev->flags & (IFF_LOOPBACK | IFF_NOARP);

	ia->a = *a;
	ia->a.ifindex = ia->idev->dev->ifindex;
	ia->a.flags &= ~(uint32_t)(IFA_F_SECONDARY | IFA_F_TENTATIVE | IFA_F_DADFAILED |
				   IFA_F_DEPRECATED | IFA_F_PERMANENT);
	if (ip_is_any(&ia->a.peer))
		ia->a.peer = a->addr;
	if (a->valid_s == FOREVER)
		ia->a.flags |= IFA_F_PERMANENT;
	if (a->preferred_s == 0)
		ia->a.flags |= IFA_F_DEPRECATED;
	if (ia->is_v4 && is_secondary(ia->idev, &ia->a))
		ia->a.flags |= IFA_F_SECONDARY;
	if (!checked)
		ia->a.flags |= IFA_F_TENTATIVE;
	if (ia->is_v4 && !a->label[0])
		strlcpy(ia->a.label, ia->idev->dev->name, sizeof(ia->a.label));
	ia->a.created_ns = ia->a.updated_ns = clock_ns();
}

static int check_address(const struct if_addr *a)
{
	const bool v4 = ip_is_v4(&a->addr);

	if (a->prefix > 128 || (v4 && a->prefix < 96) || a->valid_s == 0 ||
		a->preferred_s > a->valid_s)
		return -EINVAL;
	if (v4)
		return 0;
	return ip_is_multicast(&a->addr) || ip_is_any(&a->addr) ? -EADDRNOTAVAIL : 0;
}

int inetdev_add(struct netdev *d, const struct if_addr *a, bool replace)
{
	struct inet_dev *idev = inet_dev(d);
	struct ifaddr *ia;
	struct ip_addr group;
	int err = check_address(a);

	net_config_assert();
	if (err)
		return err;
	if (!idev)
		return -ENODEV;
	if (!ip_is_v4(&a->addr) && idev->disable_ipv6)
		return -EACCES;
	ia = same_address(idev, a);
	if (ia)
		return replace ? update(ia, a) : -EEXIST;
	ia = kzalloc(sizeof(*ia));
	if (!ia)
		return -ENOBUFS;
	ia->idev = idev;
	ia->is_v4 = ip_is_v4(&a->addr);
	refcount_set(&ia->refs, 1);
	fill(ia, a);
	list_insert(idev, ia);
	if (!ia->is_v4) {
		group = ip6_solicited_node(&a->addr);
		if (group_join(idev, &group))
			log_warn("net: %s: no memory for a group", d->name);
	}
	routes(ia, true);
	schedule_lifetimes(ia);
	inetdev_changed(ia, true);
	if (!ia->is_v4)
		ndisc_dad_start(ia);
	return 0;
}

static void unlist(struct ifaddr *ia)
{
	struct ip_addr group;
	bool armed;

	ia->gone = true;
	list_del_rcu(&ia->node);
	hlist_del(&ia->hash);
	routes(ia, false);
	if (ia->is_v4) {
		fib_flush_source(ia->idev->dev->net, &ia->a.addr);
	} else {
		group = ip6_solicited_node(&ia->a.addr);
		group_leave(ia->idev, &group);
		spin_lock(&ia->idev->lock); /* the timer's function takes it */
		armed = ia->dad.fn && net_timer_cancel(&ia->dad);
		spin_unlock(&ia->idev->lock);
		if (armed)
			ifaddr_put(ia);
	}
	inetdev_changed(ia, false);
}

static bool has_ipv4(const struct inet_dev *idev)
{
	const struct ifaddr *ia;

	list_for_each_entry (ia, &idev->addrs, node)
		if (ia->is_v4)
			return true;
	return false;
}

/*
 * An IPv4 primary takes the secondaries of its subnet along: promote_secondaries 0. With the last
 * address of an interface its routes go: nobody here could be answered over it.
 */
void inetdev_del(struct ifaddr *ia)
{
	struct inet_dev *idev = ia->idev;
	struct ifaddr *o, *next;
	const bool v4 = ia->is_v4;

	net_config_assert();
	if (ia->is_v4 && !(ia->a.flags & IFA_F_SECONDARY))
		list_for_each_entry_safe (o, next, &idev->addrs, node)
			if (o != ia && o->is_v4 && o->a.flags & IFA_F_SECONDARY &&
				o->a.prefix == ia->a.prefix &&
				ip_prefix_equal(&o->a.peer, &ia->a.peer, ia->a.prefix)) {
				unlist(o);
				ifaddr_put(o);
			}
	unlist(ia);
	ifaddr_put(ia);
	if (v4 && !has_ipv4(idev))
		fib_flush_dev4(idev->dev->net, idev->dev);
}

int inet_addr_add(struct net *net, const struct if_addr *a, bool replace)
{
	struct netdev *d = netdev_get_by_index(net, a->ifindex);
	int err = d ? inetdev_add(d, a, replace) : -ENODEV;

	if (d)
		netdev_put(d);
	return err;
}

int inet_addr_del(struct net *net, const struct if_addr *a)
{
	struct netdev *d = netdev_get_by_index(net, a->ifindex);
	struct inet_dev *idev = d ? inet_dev(d) : NULL;
	struct ifaddr *ia;
	int err = d ? -EADDRNOTAVAIL : -ENODEV;

	if (idev)
		list_for_each_entry (ia, &idev->addrs, node)
			if (ip_equal(&ia->a.addr, &a->addr) &&
				(!a->prefix || a->prefix == ia->a.prefix) &&
				(!a->label[0] || !ia->a.label[0] ||
					!strcmp(a->label, ia->a.label))) {
				inetdev_del(ia);
				err = 0;
				break;
			}
	if (d)
		netdev_put(d);
	return err;
}

static int each_of(struct inet_dev *idev, int (*fn)(const struct if_addr *a, void *arg), void *arg)
{
	const struct ifaddr *ia;
	struct if_addr a;
	int err = 0;

	list_for_each_entry_rcu(ia, &idev->addrs, node)
	{
		a = shown(ia);
		err = fn(&a, arg);
		if (err)
			break;
	}
	return err;
}

int inet_addr_each(
	struct net *net, struct netdev *d, int (*fn)(const struct if_addr *a, void *arg), void *arg)
{
	struct netdev *at;
	int err = 0;

	rcu_read_lock();
	if (d) {
		if (inet_dev(d))
			err = each_of(inet_dev(d), fn, arg);
	} else {
		list_for_each_entry_rcu(at, &net->devices, node)
		{
			if (inet_dev(at))
				err = each_of(inet_dev(at), fn, arg);
			if (err)
				break;
		}
	}
	rcu_read_unlock();
	return err;
}

/* ---- lifetimes: RFC 4862, 5.5.4 ---- */

static bool age(struct inet_dev *idev)
{
	struct ifaddr *ia, *next;
	bool more = false;

	list_for_each_entry_safe (ia, next, &idev->addrs, node) {
		if (!left(ia->a.valid_s, ia->a.updated_ns)) {
			inetdev_del(ia);
			return true; /* its secondaries went along: the list is another one */
		}
		more |= ia->a.valid_s != FOREVER || ia->a.preferred_s != FOREVER;
		if (!left(ia->a.preferred_s, ia->a.updated_ns) &&
			!(ia->a.flags & IFA_F_DEPRECATED)) {
			ia->a.flags |= IFA_F_DEPRECATED;
			inetdev_changed(ia, true);
		}
	}
	return more;
}

static void age_all(struct work *w)
{
	struct netdev *d;
	bool more = false;

	(void)w;
	net_config_lock();
	list_for_each_entry (d, &net_initial.devices, node)
		if (inet_dev(d))
			more |= age(inet_dev(d));
	net_config_unlock();
	if (more)
		delayed_work_queue(&lifetime_work, NSEC_PER_SEC);
}

/* ---- interfaces come and go ---- */

static void follow_settings(struct inet_dev *idev)
{
	const struct net_inet *in = idev->dev->net->inet;

	idev->disable_ipv6 = in->disable_ipv6;
	idev->accept_ra = in->accept_ra;
	idev->autoconf = in->autoconf;
}

static void dev_added(struct netdev *d)
{
	struct inet_dev *idev = kzalloc(sizeof(*idev));
	struct nexthop *direct = idev ? nexthop_new(d, NULL) : NULL;

	if (!direct) {
		kfree(idev);
		log_warn("net: no memory for the addresses of %s", d->name);
		return;
	}
	idev->dev = d;
	idev->direct = direct;
	spin_init(&idev->lock);
	list_init(&idev->addrs);
	idev->accept_redirects = true;
	follow_settings(idev);
	ndisc_dev_init(idev);
	group_dev_init(idev);
	rcu_assign(d->inet, idev);
}

static void dev_up(struct netdev *d, struct inet_dev *idev)
{
	static const struct if_addr loopback = {
		.addr = {.w = {0, 0, to_be32(0xffff), to_be32(0x7f000001)}},
		.prefix = 104,
		.scope = SCOPE_HOST,
		.valid_s = FOREVER,
		.preferred_s = FOREVER,
	};
	const struct ip_addr all_hosts = ip_from_v4(IP4(224, 0, 0, 1));
	struct ifaddr *ia;
	bool has4 = false;

	if (!idev->is_up4) {
		idev->is_up4 = true;
		if (group_join(idev, &all_hosts))
			log_warn("net: %s: no memory for a group", d->name);
	}
	list_for_each_entry (ia, &idev->addrs, node)
		if (ia->is_v4) {
			has4 = true;
			routes4(ia, true);
		}
	if (d->flags & IFF_LOOPBACK && !has4 && inetdev_add(d, &loopback, false))
		log_warn("net: loopback has no address");
	if (!idev->disable_ipv6 && d->mtu >= IP6_MIN_MTU)
		ndisc_up(idev);
	group_dev_up(idev);
	fib_changed(d->net);
}

static void drop_addrs(struct inet_dev *idev, bool v4, bool v6)
{
	struct ifaddr *ia;
	bool again;

	do {
		again = false;
		list_for_each_entry (ia, &idev->addrs, node)
			if (ia->is_v4 ? v4 : v6) {
				inetdev_del(ia);
				again = true;
				break;
			}
	} while (again);
}

static void stop6(struct inet_dev *idev)
{
	ndisc_down(idev);
	drop_addrs(idev, false, true);
}

static void dev_down(struct netdev *d, struct inet_dev *idev)
{
	const struct ip_addr all_hosts = ip_from_v4(IP4(224, 0, 0, 1));

	stop6(idev);
	if (idev->is_up4) {
		idev->is_up4 = false;
		group_leave(idev, &all_hosts);
	}
	fib_flush_dev(d->net, d, false);
	neigh_flush_dev(d, false);
}

static void reconfigure(struct inet_dev *idev)
{
	const bool was_off = idev->disable_ipv6;

	follow_settings(idev);
	if (idev->disable_ipv6 && !was_off)
		stop6(idev);
	else if (!idev->disable_ipv6 && was_off && idev->dev->flags & IFF_UP)
		ndisc_up(idev);
}

static void reconfigure_all(struct work *w)
{
	struct netdev *d;

	(void)w;
	net_config_lock();
	list_for_each_entry (d, &net_initial.devices, node)
		if (inet_dev(d))
			reconfigure(inet_dev(d));
	net_config_unlock();
}

void inetdev_reconfigure(void)
{
	(void)work_queue(&settings_work);
}

static void idev_free(struct rcu_head *h)
{
	kfree(container_of(h, struct inet_dev, rcu));
}

static void dev_going(struct netdev *d, struct inet_dev *idev)
{
	struct nexthop *direct = idev->direct;

	dev_down(d, idev);
	drop_addrs(idev, true, true);
	group_dev_gone(idev);
	fib_flush_dev(d->net, d, true);
	rcu_assign(d->inet, NULL);
	rcu_assign(idev->direct, NULL);
	nexthop_put(direct);
	neigh_flush_dev(d, true);
	fib_changed(d->net);
	rcu_call(&idev->rcu, idev_free);
}

static void on_event(struct netdev *d, enum netdev_event e)
{
	struct inet_dev *idev = inet_dev(d);

	if (e == NETDEV_ADDED) {
		if (!idev)
			dev_added(d);
		return;
	}
	if (!idev)
		return;
	switch (e) {
	case NETDEV_UP:
		dev_up(d, idev);
		break;
	case NETDEV_DOWN:
		dev_down(d, idev);
		break;
	case NETDEV_GOING:
		dev_going(d, idev);
		break;
	case NETDEV_MTU: /* RFC 8200, 5: not below 1280 */
		if (d->mtu < IP6_MIN_MTU)
			stop6(idev);
		else if (!idev->disable_ipv6 && d->flags & IFF_UP)
			ndisc_up(idev);
		break;
	case NETDEV_CHANGED:
		if (d->flags & IFF_RUNNING)
			ndisc_carrier(idev);
		break;
	case NETDEV_MAC:
		neigh_flush_dev(d, false);
		break;
	default:
		break;
	}
	fib_changed(d->net);
}

void inetdev_init(struct net *net)
{
	static struct netdev_watcher watcher = {.event = on_event};

	struct netdev *d;

	delayed_work_init(&lifetime_work, age_all);
	work_init(&settings_work, reconfigure_all);
	netdev_watch(&watcher);
	net_config_lock();
	list_for_each_entry (d, &net->devices, node)
		if (!inet_dev(d))
			dev_added(d);
	net_config_unlock();
}
