/*
 * net_ioctl_route.c - the older way to change routes and ARP entries: ip(7) SIOCADDRT, arp(7).
 */
#include "net_ioctl.h"
#include "abi/netdev.h"
#include "compat.h"

enum { RTPROT_BOOT = 3, SCOPE_UNIVERSE = 0, SCOPE_LINK = 253 };
enum { ROUTER_METRIC6 = 1024 }; /* what Linux gives a route of IPv6 without a metric */

/* The interface named in user memory; 0 when none was named. */
static long dev_by_user_name(struct net *net, uint64_t user, uint32_t *ifindex)
{
	char name[NETDEV_NAME];
	struct netdev *d;

	*ifindex = 0;
	if (!user)
		return 0;
	if (strncpy_from_user(name, (const char __user *)user, sizeof(name)) < 0)
		return -EFAULT;
	name[NETDEV_NAME - 1] = '\0';
	d = netdev_get_by_name(net, name);
	if (!d)
		return -ENODEV;
	*ifindex = d->ifindex;
	netdev_put(d);
	return 0;
}

static long rtentry_decode(struct net *net, const struct linux_rtentry *r, struct rt_entry *out)
{
	int bits = r->flags & RTF_HOST ? 32 : mask_to_prefix(r->genmask.sin_addr);
	long err;

	if (r->dst.sin_family != AF_INET)
		return -EAFNOSUPPORT;
	if (bits < 0 || (!(r->flags & RTF_HOST) && r->genmask.sin_family != AF_INET &&
				(r->genmask.sin_addr || r->genmask.sin_family)))
		return bits < 0 ? -EINVAL : -EAFNOSUPPORT;
	if (r->dst.sin_addr & ~prefix_to_mask((unsigned)bits))
		return -EINVAL;
	*out = (struct rt_entry){.dst = ip_from_v4(r->dst.sin_addr),
		.prefix = (uint8_t)(96 + bits),
		.type = RTN_UNICAST,
		.protocol = RTPROT_BOOT,
		.table = RT_TABLE_MAIN,
		.priority = r->metric > 0 ? (uint32_t)r->metric - 1 : 0,
		.mtu = r->flags & RTF_MTU ? (uint32_t)r->mtu : 0,
		.window = r->flags & RTF_WINDOW ? (uint32_t)r->window : 0,
		.scope = SCOPE_LINK,
		.nr_hops = 1};
	err = dev_by_user_name(net, r->dev, &out->hop[0].ifindex);
	if (err)
		return err;
	out->hop[0].weight = 1;
	out->hop[0].gateway = ip_from_v4(0);
	if (r->flags & RTF_REJECT) {
		out->type = RTN_UNREACHABLE;
		out->scope = SCOPE_UNIVERSE;
		out->nr_hops = 0;
	} else if (r->gateway.sin_family == AF_INET && r->gateway.sin_addr) {
		out->hop[0].gateway = ip_from_v4(r->gateway.sin_addr);
		if (r->flags & RTF_GATEWAY)
			out->scope = SCOPE_UNIVERSE;
	} else if (r->flags & RTF_GATEWAY) {
		return -EINVAL;
	}
	return 0;
}

static long rtmsg6_decode(const struct linux_in6_rtmsg *r, struct rt_entry *out)
{
	if (r->dst_len > 128 || r->src_len)
		return -EINVAL;
	*out = (struct rt_entry){.dst = r->dst,
		.prefix = (uint8_t)r->dst_len,
		.type = r->flags & RTF_REJECT ? RTN_UNREACHABLE : RTN_UNICAST,
		.protocol = RTPROT_BOOT,
		.table = RT_TABLE_MAIN,
		.priority = r->metric ? r->metric : ROUTER_METRIC6,
		.nr_hops = 1,
		.is_v6 = true};
	out->hop[0] = (struct rt_hop){.ifindex = (uint32_t)r->ifindex, .weight = 1};
	if (r->flags & RTF_GATEWAY)
		out->hop[0].gateway = r->gateway;
	return 0;
}

long net_ioctl_route(struct socket *s, unsigned cmd, void __user *arg)
{
	struct linux_in6_rtmsg r6;
	struct linux_rtentry r4;
	struct rt_entry e;
	long err;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (s->family == AF_INET6) {
		if (copy_from_user(&r6, arg, sizeof(r6)))
			return -EFAULT;
		err = rtmsg6_decode(&r6, &e);
	} else {
		if (copy_from_user(&r4, arg, sizeof(r4)))
			return -EFAULT;
		err = rtentry_decode(s->net, &r4, &e);
	}
	if (err)
		return err;
	if (cmd == SIOCDELRT) {
		e.protocol = 0; /* whoever made it */
		if (s->family == AF_INET6 && !r6.metric)
			e.priority = 0;
	}
	net_config_lock();
	err = cmd == SIOCADDRT ? route_add(s->net, &e, true, false, false, true)
			       : route_del(s->net, &e);
	net_config_unlock();
	return err;
}

/* ---- arp(7) ---- */

static int find_neigh(const struct neigh_entry *e, void *arg)
{
	struct neigh_entry *want = arg;

	if (!ip_equal(&e->addr, &want->addr) || (want->ifindex && e->ifindex != want->ifindex))
		return 0;
	*want = *e;
	return 1;
}

static long arp_get(
	struct net *net, struct linux_arpreq *r, struct neigh_entry *e, void __user *arg)
{
	bool found;

	rcu_read_lock();
	found = neigh_each(net, find_neigh, e);
	rcu_read_unlock();
	if (!found)
		return -ENXIO;
	memset(r->ha.data, 0, sizeof(r->ha.data));
	memcpy(r->ha.data, e->lladdr, MIN((size_t)e->lladdr_len, sizeof(r->ha.data)));
	r->ha.family = ARPHRD_ETHER;
	r->flags = e->state & NUD_PERMANENT ? ATF_PERM | ATF_COM
		   : e->lladdr_len && !(e->state & (NUD_INCOMPLETE | NUD_FAILED)) ? ATF_COM
										  : 0;
	return copy_to_user(arg, r, sizeof(*r));
}

/* On which interface: as named, or where a packet to the address would go. */
static long arp_dev(struct net *net, struct linux_arpreq *r, struct neigh_entry *e)
{
	const struct ip_addr any = ip_any_of(false);
	struct rt_entry route;
	struct netdev *d;
	long err;

	r->dev[NETDEV_NAME - 1] = '\0';
	if (*r->dev) {
		d = netdev_get_by_name(net, r->dev);
		if (!d)
			return -ENODEV;
		e->ifindex = d->ifindex;
		netdev_put(d);
		return 0;
	}
	err = route_get(net, &e->addr, &any, 0, 0, &route);
	if (err)
		return err;
	e->ifindex = route.hop[0].ifindex;
	return 0;
}

long net_ioctl_arp(struct socket *s, unsigned cmd, void __user *arg)
{
	struct neigh_entry e = {0};
	struct linux_arpreq r;
	long err;

	if (cmd != SIOCGARP && !capable(CAP_NET_ADMIN))
		return -EPERM;
	if (copy_from_user(&r, arg, sizeof(r)))
		return -EFAULT;
	if (r.pa.sin_family != AF_INET)
		return -EPFNOSUPPORT;
	if (r.flags & ATF_PUBL)
		return -EINVAL;
	e.addr = ip_from_v4(r.pa.sin_addr);
	err = arp_dev(s->net, &r, &e);
	if (err)
		return err;
	if (cmd == SIOCGARP)
		return arp_get(s->net, &r, &e, arg);
	net_config_lock();
	if (cmd == SIOCDARP) {
		err = neigh_del(s->net, &e.addr, e.ifindex);
		if (err == -ENOENT)
			err = -ENXIO;
	} else if (r.ha.family != ARPHRD_ETHER) {
		err = -EINVAL;
	} else {
		e.lladdr_len = ETH_ALEN;
		memcpy(e.lladdr, r.ha.data, ETH_ALEN);
		e.state = r.flags & ATF_PERM ? NUD_PERMANENT : NUD_STALE;
		err = neigh_set(s->net, &e, true, true, false);
	}
	net_config_unlock();
	return err;
}
