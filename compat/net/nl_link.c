/*
 * nl_link.c - interfaces by rtnetlink(7): RTM_{GET,NEW,SET,DEL}LINK.
 *
 * Does not: queueing disciplines, alternative names, bonds: EOPNOTSUPP.
 */
#include "netlink.h"
#include "compat.h"
#include <printf.h>

enum { IF_OPER_UNKNOWN = 0, IF_OPER_DOWN = 2, IF_OPER_LOWERLAYERDOWN = 3, IF_OPER_UP = 6 };

static uint8_t oper_state(const struct netdev *d)
{
	if (d->flags & IFF_LOOPBACK)
		return IF_OPER_UNKNOWN;
	if (!(d->flags & IFF_UP))
		return IF_OPER_DOWN;
	if (READ_ONCE(d->carrier))
		return IF_OPER_UP;
	return d->lower && !READ_ONCE(d->lower->carrier) ? IF_OPER_LOWERLAYERDOWN : IF_OPER_DOWN;
}

/* rtnl_link_stats64 goes on for eight more counters that we do not have. */
static void put_stats(struct nl_out *o, struct netdev *d)
{
	struct {
		struct netdev_stats s;
		uint64_t more[8];
	} wide = {0};
	uint32_t narrow[sizeof(wide) / sizeof(uint64_t) - 1];

	netdev_stats(d, &wide.s);
	for (unsigned i = 0; i < ARRAY_SIZE(narrow); i++)
		narrow[i] = (uint32_t)((const uint64_t *)&wide)[i];
	nl_put(o, IFLA_STATS64, &wide, sizeof(wide));
	nl_put(o, IFLA_STATS, narrow, sizeof(narrow));
}

static void put_kind(struct nl_out *o, const struct netdev *d)
{
	uint32_t mark, data;

	if (!d->kind)
		return;
	nl_nest(o, IFLA_LINKINFO, &mark);
	nl_put_str(o, IFLA_INFO_KIND, d->kind);
	if (!strcmp(d->kind, "vlan")) {
		nl_nest(o, IFLA_INFO_DATA, &data);
		nl_put_u16(o, IFLA_VLAN_ID, d->vlan_id);
		nl_put_u16(o, IFLA_VLAN_PROTOCOL, (__force uint16_t)to_be16(ETH_P_8021Q));
		nl_nest_end(o, data);
	}
	nl_nest_end(o, mark);
}

void nl_put_link(struct nl_out *o, uint16_t type, struct netdev *d, uint32_t change)
{
	const uint64_t map[4] = {0};
	struct ifinfomsg *m = nl_begin(o, type, sizeof(*m));

	if (!m)
		return;
	m->type = d->type;
	m->index = (int32_t)d->ifindex;
	m->flags = netdev_shown_flags(d);
	m->change = change;
	nl_put_str(o, IFLA_IFNAME, d->name);
	nl_put_u32(o, IFLA_TXQLEN, d->tx_queue_len);
	nl_put_u8(o, IFLA_OPERSTATE, oper_state(d));
	nl_put_u8(o, IFLA_LINKMODE, 0);
	nl_put_u32(o, IFLA_MTU, d->mtu);
	nl_put_u32(o, IFLA_MIN_MTU, d->min_mtu);
	nl_put_u32(o, IFLA_MAX_MTU, d->max_mtu);
	nl_put_u32(o, IFLA_GROUP, 0);
	nl_put_u32(o, IFLA_PROMISCUITY, d->promisc_users);
	nl_put_u32(o, IFLA_NUM_TX_QUEUES, d->nr_txq);
	nl_put_u8(o, IFLA_CARRIER, READ_ONCE(d->carrier));
	nl_put_str(o, IFLA_QDISC, d->nr_txq ? "pfifo" : "noqueue");
	if (d->lower)
		nl_put_u32(o, IFLA_LINK, d->lower->ifindex);
	if (d->master)
		nl_put_u32(o, IFLA_MASTER, d->master->ifindex);
	nl_put(o, IFLA_MAP, map, sizeof(map));
	if (d->addr_len) {
		nl_put(o, IFLA_ADDRESS, d->addr, d->addr_len);
		nl_put(o, IFLA_BROADCAST, d->broadcast, d->addr_len);
	}
	put_stats(o, d);
	put_kind(o, d);
	nl_end(o);
}

/* ---- asking ---- */

/* By index or by name; held. 0, -ENODEV, -EINVAL. */
static int find_link(const struct nl_request *r, const struct nlattr **attr, struct netdev **out)
{
	const struct ifinfomsg *m = r->body;
	char name[NETDEV_NAME];

	if (m->index > 0) {
		*out = netdev_get_by_index(r->net, (uint32_t)m->index);
	} else if (attr[IFLA_IFNAME]) {
		if (nla_string(attr[IFLA_IFNAME], name, sizeof(name)))
			return -EINVAL;
		*out = netdev_get_by_name(r->net, name);
	} else if (attr[IFLA_ALT_IFNAME]) {
		if (nla_string(attr[IFLA_ALT_IFNAME], name, sizeof(name)))
			return -ENODEV;
		*out = netdev_get_by_name(r->net, name);
	} else {
		return -EINVAL;
	}
	return *out ? 0 : -ENODEV;
}

static int get_link(struct nl_request *r, const struct nlattr **attr)
{
	struct netdev *d;
	int err;

	if (r->is_dump) {
		list_for_each_entry (d, &r->net->devices, node)
			nl_put_link(r->out, RTM_NEWLINK, d, 0);
		return 0;
	}
	err = find_link(r, attr, &d);
	if (err)
		return err;
	nl_put_link(r->out, RTM_NEWLINK, d, 0);
	netdev_put(d);
	return 0;
}

/* ---- changing ---- */

static int set_name(struct netdev *d, const struct nlattr *a)
{
	char name[NETDEV_NAME];

	if (nla_string(a, name, sizeof(name)))
		return -EINVAL;
	return strcmp(name, d->name) ? netdev_rename(d, name) : 0;
}

/* To master @index, from the one before; 0: to none. As Linux does, an unknown one is EINVAL. */
static int set_master(struct netdev *d, uint32_t index)
{
	struct netdev *to = index ? netdev_by_index_rcu(d->net, index) : NULL;
	int err = 0;

	if (d->master == to && (to || !index))
		return 0;
	if (d->master)
		err = d->master->ops->del_port(d->master, d);
	if (err || !index)
		return err;
	if (!to)
		return -EINVAL;
	return to->ops->add_port ? to->ops->add_port(to, d) : -EOPNOTSUPP;
}

/* Each attribute in turn, as `ip link set` sends one or a few. */
static int change_link(
	struct netdev *d, const struct ifinfomsg *m, const struct nlattr **attr, bool by_index)
{
	int err = 0;
	uint32_t master, mask = m->change ? m->change : m->flags ? ~0u : 0;

	if (attr[IFLA_ADDRESS])
		err = nla_len(attr[IFLA_ADDRESS]) < d->addr_len
			      ? -EINVAL
			      : netdev_set_mac(d, nla_data(attr[IFLA_ADDRESS]));
	if (!err && attr[IFLA_MTU])
		err = netdev_set_mtu(d, nla_u32(attr[IFLA_MTU], d->mtu, &err));
	if (!err && attr[IFLA_IFNAME] && by_index)
		err = set_name(d, attr[IFLA_IFNAME]);
	if (!err && attr[IFLA_TXQLEN])
		d->tx_queue_len = nla_u32(attr[IFLA_TXQLEN], d->tx_queue_len, &err);
	if (!err && attr[IFLA_MASTER]) {
		master = nla_u32(attr[IFLA_MASTER], 0, &err);
		if (!err)
			err = set_master(d, master);
	}
	if (!err && mask)
		err = netdev_set_flags(d, m->flags,
			mask & (IFF_UP | IFF_PROMISC | IFF_ALLMULTI | IFF_NOARP | IFF_MULTICAST));
	return err;
}

/* What the new interface's kind wants to know beyond its name. */
struct link_data {
	struct netdev_kind_arg arg;
	char peer_name[NETDEV_NAME];
	const struct ifinfomsg *peer; /* veth: the other end's own header and attributes */
	const struct nlattr *peer_attr[NL_ATTRS];
};

static int parse_vlan(const struct nlattr **info, struct link_data *l)
{
	const struct nlattr *id = info[IFLA_VLAN_ID], *proto = info[IFLA_VLAN_PROTOCOL];
	uint16_t v;

	if (proto) {
		if (nla_len(proto) < sizeof(v))
			return -ERANGE;
		memcpy(&v, nla_data(proto), sizeof(v));
		if (v != (__force uint16_t)to_be16(ETH_P_8021Q)) {
			unsupported("802.1ad VLAN", 0);
			return -EPROTONOSUPPORT;
		}
	}
	if (!id)
		return -EINVAL;
	if (nla_len(id) < sizeof(v))
		return -ERANGE;
	memcpy(&v, nla_data(id), sizeof(v));
	l->arg.vlan_id = v;
	l->arg.has_vlan_id = true;
	return 0;
}

static int parse_data(const struct nlattr *data, const char *kind, struct link_data *l)
{
	const struct nlattr *info[NL_ATTRS];
	const struct nlattr *peer;
	struct nl_request r;
	int err;

	if (!data)
		return 0;
	err = nl_parse_nested(data, info, NL_ATTRS - 1);
	if (!err && !strcmp(kind, "vlan"))
		return parse_vlan(info, l);
	if (strcmp(kind, "veth"))
		return err;
	peer = err ? NULL : info[VETH_INFO_PEER];
	if (!peer)
		return err;
	r = (struct nl_request){.body = nla_data(peer), .body_len = nla_len(peer)};
	err = nl_parse(&r, sizeof(*l->peer), l->peer_attr, NL_ATTRS - 1);
	if (!err && l->peer_attr[IFLA_IFNAME])
		err = nla_string(l->peer_attr[IFLA_IFNAME], l->peer_name, sizeof(l->peer_name));
	l->peer = r.body;
	l->arg.peer_name = l->peer_name;
	return err;
}

/* Made, then told the rest; one that refuses part of it goes again. */
static int make_link(struct nl_request *r, const struct netdev_kind *k, const char *name,
	const struct nlattr **attr, struct link_data *l)
{
	struct netdev *d;
	int err = 0;

	if (attr[IFLA_LINK]) {
		l->arg.lower = netdev_by_index_rcu(r->net, nla_u32(attr[IFLA_LINK], 0, &err));
		if (!err && !l->arg.lower)
			err = -ENODEV;
	}
	if (!err)
		err = k->create(r->net, name, &l->arg, &d);
	if (err)
		return err;
	if (l->peer && d->lower)
		err = change_link(d->lower, l->peer, l->peer_attr, false);
	if (!err)
		err = change_link(d, r->body, attr, false);
	if (err && k->destroy)
		k->destroy(d);
	return err;
}

static int new_link(struct nl_request *r, const struct nlattr **attr)
{
	const struct nlattr *info[NL_ATTRS];
	char kind[16], name[NETDEV_NAME] = "";
	const struct netdev_kind *k;
	struct link_data *l;
	int err;

	if (!attr[IFLA_LINKINFO])
		return -ENODEV;
	err = nl_parse_nested(attr[IFLA_LINKINFO], info, NL_ATTRS - 1);
	if (err || !info[IFLA_INFO_KIND] || nla_string(info[IFLA_INFO_KIND], kind, sizeof(kind)))
		return -EINVAL;
	k = netdev_kind_find(kind);
	if (!k) {
		unsupported("kind of interface", 0);
		return -EOPNOTSUPP;
	}
	if (attr[IFLA_IFNAME] && nla_string(attr[IFLA_IFNAME], name, sizeof(name)))
		return -EINVAL;
	if (!*name)
		snprintf(name, sizeof(name), "%s%%d", kind);
	l = kzalloc(sizeof(*l));
	if (!l)
		return -ENOMEM;
	err = parse_data(info[IFLA_INFO_DATA], kind, l);
	if (!err)
		err = make_link(r, k, name, attr, l);
	kfree(l);
	return err;
}

static int set_link(struct nl_request *r, const struct nlattr **attr)
{
	const struct ifinfomsg *m = r->body;
	struct netdev *d;
	int err = find_link(r, attr, &d);

	if (err == -ENODEV && r->h->type == RTM_NEWLINK && m->index <= 0 &&
		r->h->flags & NLM_F_CREATE)
		return new_link(r, attr);
	if (err == -EINVAL && r->h->type == RTM_NEWLINK && r->h->flags & NLM_F_CREATE)
		return new_link(r, attr);
	if (err)
		return err;
	if (r->h->type == RTM_NEWLINK && r->h->flags & NLM_F_EXCL)
		err = -EEXIST;
	else
		err = change_link(d, m, attr, m->index > 0);
	netdev_put(d);
	return err;
}

static int del_link(struct nl_request *r, const struct nlattr **attr)
{
	const struct netdev_kind *k;
	struct netdev *d;
	int err = find_link(r, attr, &d);

	if (err)
		return err;
	k = d->kind ? netdev_kind_find(d->kind) : NULL;
	if (k && k->destroy)
		k->destroy(d);
	else
		err = -EOPNOTSUPP;
	netdev_put(d);
	return err;
}

int nl_link_request(struct nl_request *r)
{
	const struct nlattr *attr[NL_ATTRS];
	/* Old programs ask for a dump with no more than struct rtgenmsg. */
	size_t fixed = r->is_dump && r->body_len < sizeof(struct ifinfomsg)
			       ? 1
			       : sizeof(struct ifinfomsg);
	int err = nl_parse(r, fixed, attr, NL_ATTRS - 1);

	if (err)
		return err;
	switch (r->h->type) {
	case RTM_GETLINK:
		return get_link(r, attr);
	case RTM_DELLINK:
		return del_link(r, attr);
	}
	return set_link(r, attr);
}
