/*
 * nl_route.c - NETLINK_ROUTE: which request is whose, and the notes about changes. rtnetlink(7).
 */
#include "netlink.h"
#include "compat.h"

typedef int (*request_fn)(struct nl_request *r);

/* By message type, four types to an object: new, delete, get, set. */
static request_fn handler(unsigned type)
{
	switch (type & ~3u) {
	case RTM_NEWLINK:
		return nl_link_request;
	case RTM_NEWADDR:
		return nl_addr_request;
	case RTM_NEWROUTE:
		return nl_fib_request;
	case RTM_NEWNEIGH:
		return nl_neigh_request;
	case RTM_NEWRULE:
		return nl_rule_request;
	}
	return NULL;
}

int nl_route_request(struct nl_request *r)
{
	request_fn fn = handler(r->h->type);
	bool is_get = (r->h->type & 3) == 2;
	int err;

	if (!r->body_len)
		return 0; /* Linux: a message without its family is passed over */
	if (!is_get && !capable(CAP_NET_ADMIN))
		return -EPERM;
	if (!fn || ((r->h->type & 3) == 3 && fn != nl_link_request)) {
		unsupported("rtnetlink message", r->h->type);
		return -EOPNOTSUPP;
	}
	net_config_lock();
	err = fn(r);
	net_config_unlock();
	return err;
}

/* ---- notes ---- */

static void note(struct net *net, unsigned group, struct nl_out *o)
{
	nl_multicast(net, NETLINK_ROUTE, group, o);
	nl_out_free(o);
}

static void device_event(struct netdev *d, enum netdev_event e)
{
	struct nl_out o;

	if (!nl_has_listeners(NETLINK_ROUTE, RTNLGRP_LINK))
		return;
	nl_out_init(&o, 0, 0, 0);
	nl_put_link(&o, e == NETDEV_GOING ? RTM_DELLINK : RTM_NEWLINK, d, ~0u);
	note(d->net, RTNLGRP_LINK, &o);
}

static void entry_changed(struct net *net, enum netctl_what what, bool added, const void *entry)
{
	const struct rt_entry *route = entry;
	const struct if_addr *addr = entry;
	const struct rt_rule *rule = entry;
	unsigned group = 0;
	struct nl_out o;

	switch (what) {
	case NETCTL_ADDR:
		group = ip_is_v4(&addr->addr) ? RTNLGRP_IPV4_IFADDR : RTNLGRP_IPV6_IFADDR;
		break;
	case NETCTL_ROUTE:
		group = route->is_v6 ? RTNLGRP_IPV6_ROUTE : RTNLGRP_IPV4_ROUTE;
		break;
	case NETCTL_RULE:
		group = rule->is_v6 ? RTNLGRP_IPV6_RULE : RTNLGRP_IPV4_RULE;
		break;
	case NETCTL_NEIGH:
		group = RTNLGRP_NEIGH;
		break;
	}
	if (!nl_has_listeners(NETLINK_ROUTE, group))
		return;
	nl_out_init(&o, 0, 0, 0);
	if (what == NETCTL_ADDR)
		nl_put_addr(&o, added ? RTM_NEWADDR : RTM_DELADDR, addr);
	else if (what == NETCTL_ROUTE)
		nl_put_route(&o, added ? RTM_NEWROUTE : RTM_DELROUTE, route);
	else if (what == NETCTL_RULE)
		nl_put_rule(&o, added ? RTM_NEWRULE : RTM_DELRULE, rule);
	else
		nl_put_neigh(&o, added ? RTM_NEWNEIGH : RTM_DELNEIGH, entry);
	note(net, group, &o);
}

void nl_notify_init(void)
{
	static struct netdev_watcher watcher = {.event = device_event};

	netdev_watch(&watcher);
	netctl_changed = entry_changed;
}
