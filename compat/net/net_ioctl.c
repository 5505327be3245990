/*
 * net_ioctl.c - ioctl(2) on a socket about interfaces and their addresses: netdevice(7).
 *
 * An address is named by its label: "eth0" the first address, "eth0:1" a further one. Changes hold
 * the configuration lock. Routes and neighbours: net_ioctl_route.c,
 * bridges and VLANs: net_ioctl_link.c. Does not: SIOCGIFMAP's I/O
 * addresses (zero), ethtool beyond driver name and link.
 */
#include "net_ioctl.h"
#include "abi/netdev.h"
#include "compat.h"

enum { ETHTOOL_GDRVINFO = 3, ETHTOOL_GLINK = 10 };

int mask_to_prefix(__be32 mask)
{
	uint32_t m = be32(mask), inverse = ~m;

	return inverse & (inverse + 1) ? -1 : m ? 32 - __builtin_ctz(m) : 0;
}

__be32 prefix_to_mask(unsigned bits)
{
	return to_be32(bits ? ~0u << (32 - bits) : 0);
}

/* ---- finding what a request names ---- */

/* The interface of @name, whose alias part (":1") does not count; held, or NULL. */
static struct netdev *find_dev(struct net *net, const char *name)
{
	char base[NETDEV_NAME];

	strlcpy(base, name, sizeof(base));
	if (strchr(base, ':'))
		*strchr(base, ':') = '\0';
	return netdev_get_by_name(net, base);
}

struct label_search {
	const char *label;
	__be32 local; /* or 0: any */
	struct if_addr found;
};

static int match_label(const struct if_addr *a, void *arg)
{
	struct label_search *s = arg;

	if (!ip_is_v4(&a->addr) || strcmp(a->label, s->label) ||
		(s->local && ip_v4(&a->addr) != s->local))
		return 0;
	s->found = *a;
	return 1;
}

static bool find_addr(struct netdev *d, const char *label, struct if_addr *out)
{
	struct label_search s = {.label = label};
	bool found;

	rcu_read_lock();
	found = inet_addr_each(d->net, d, match_label, &s);
	rcu_read_unlock();
	if (found)
		*out = s.found;
	return found;
}

static void put_in(struct linux_ifreq *r, __be32 a)
{
	r->in = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = a};
}

/* ---- reading ---- */

static long get_address(struct netdev *d, unsigned cmd, struct linux_ifreq *r)
{
	struct if_addr a;

	if (!find_addr(d, r->name, &a))
		return -EADDRNOTAVAIL;
	switch (cmd) {
	case SIOCGIFADDR:
		put_in(r, ip_v4(&a.addr));
		break;
	case SIOCGIFDSTADDR:
		put_in(r, ip_v4(&a.peer));
		break;
	case SIOCGIFBRDADDR:
		put_in(r, ip_is_any(&a.broadcast) ? 0 : ip_v4(&a.broadcast));
		break;
	default:
		put_in(r, prefix_to_mask(a.prefix - 96u));
	}
	return 0;
}

static void get_hwaddr(struct netdev *d, struct linux_ifreq *r)
{
	r->addr.family = d->type;
	memset(r->addr.data, 0, sizeof(r->addr.data));
	memcpy(r->addr.data, d->addr, MIN((size_t)d->addr_len, sizeof(r->addr.data)));
}

static long get_attribute(struct netdev *d, unsigned cmd, struct linux_ifreq *r)
{
	switch (cmd) {
	case SIOCGIFFLAGS:
		r->flags = (int16_t)netdev_shown_flags(d);
		return 0;
	case SIOCGIFMETRIC:
		r->value = 0;
		return 0;
	case SIOCGIFMTU:
		r->value = (int32_t)d->mtu;
		return 0;
	case SIOCGIFINDEX:
		r->value = (int32_t)d->ifindex;
		return 0;
	case SIOCGIFTXQLEN:
		r->value = (int32_t)d->tx_queue_len;
		return 0;
	case SIOCGIFHWADDR:
		get_hwaddr(d, r);
		return 0;
	case SIOCGIFMAP:
		memset(r->room, 0, sizeof(r->room));
		return 0;
	}
	return -ENOTTY;
}

static long get_name(struct net *net, struct linux_ifreq *r)
{
	struct netdev *d = netdev_get_by_index(net, (uint32_t)r->value);

	if (!d)
		return -ENODEV;
	strlcpy(r->name, d->name, sizeof(r->name));
	netdev_put(d);
	return 0;
}

struct conf_list {
	struct linux_ifreq *rows;
	unsigned n, room;
};

static int conf_row(const struct if_addr *a, void *arg)
{
	struct conf_list *c = arg;

	if (!ip_is_v4(&a->addr))
		return 0;
	if (c->rows && c->n < c->room) {
		struct linux_ifreq *r = &c->rows[c->n];

		*r = (struct linux_ifreq){0};
		strlcpy(r->name, a->label, sizeof(r->name));
		put_in(r, ip_v4(&a->addr));
	}
	c->n++;
	return 0;
}

/* SIOCGIFCONF: the IPv4 addresses; without a buffer, how many bytes they take. */
static long get_conf(struct net *net, void __user *arg)
{
	struct linux_ifconf conf;
	struct conf_list list = {0};
	long err = 0;

	if (copy_from_user(&conf, arg, sizeof(conf)))
		return -EFAULT;
	if (conf.buf) {
		if (conf.len < 0)
			return -EINVAL;
		list.room = (unsigned)MIN((size_t)conf.len / sizeof(*list.rows), (size_t)1024);
		list.rows = kcalloc(MAX(list.room, 1u), sizeof(*list.rows));
		if (!list.rows)
			return -ENOMEM;
	}
	rcu_read_lock();
	(void)inet_addr_each(net, NULL, conf_row, &list);
	rcu_read_unlock();
	if (list.rows) {
		list.n = MIN(list.n, list.room);
		if (copy_to_user((void __user *)conf.buf, list.rows, list.n * sizeof(*list.rows)))
			err = -EFAULT;
	}
	kfree(list.rows);
	conf.len = (int32_t)(list.n * sizeof(*list.rows));
	return err ? err : copy_to_user(arg, &conf, sizeof(conf));
}

/* ---- changing; configuration lock held ---- */

static void default_broadcast(const struct netdev *d, struct if_addr *a)
{
	unsigned bits = a->prefix - 96u;

	a->broadcast = d->flags & IFF_BROADCAST && bits < 31
			       ? ip_from_v4(ip_v4(&a->addr) | ~prefix_to_mask(bits))
			       : ip_from_v4(0);
}

/* Before there were masks: class A, B, C (RFC 791). */
static unsigned class_prefix(__be32 addr)
{
	uint32_t a = be32(addr);

	return a >> 31 == 0 ? 8 : a >> 30 == 2 ? 16 : 24;
}

static long replace_addr(struct netdev *d, const struct if_addr *old, const struct if_addr *now)
{
	long err = old ? inet_addr_del(d->net, old) : 0;

	if (err || ip_is_any(&now->addr))
		return err;
	return inet_addr_add(d->net, now, false);
}

static long set_local(struct netdev *d, const struct linux_ifreq *r)
{
	struct if_addr old, a = {.ifindex = d->ifindex,
				    .flags = IFA_F_PERMANENT,
				    .valid_s = UINT32_MAX,
				    .preferred_s = UINT32_MAX};
	bool had = find_addr(d, r->name, &old);

	if (r->in.sin_family != AF_INET)
		return -EINVAL;
	if ((be32(r->in.sin_addr) >> 28) == 0xe || (be32(r->in.sin_addr) >> 28) == 0xf)
		return -EINVAL;
	if (had && ip_v4(&old.addr) == r->in.sin_addr)
		return 0;
	a.addr = a.peer = ip_from_v4(r->in.sin_addr);
	a.prefix = (uint8_t)(96 + (d->flags & IFF_POINTOPOINT ? 32 : class_prefix(r->in.sin_addr)));
	a.scope = ip_is_loopback(&a.addr) ? 254 : 0;
	strlcpy(a.label, r->name, sizeof(a.label));
	default_broadcast(d, &a);
	return replace_addr(d, had ? &old : NULL, &a);
}

static long set_mask(struct netdev *d, struct if_addr *now, __be32 mask)
{
	int bits = mask_to_prefix(mask);
	struct if_addr was = *now;
	bool broadcast_is_default;

	if (bits < 0)
		return -EINVAL;
	default_broadcast(d, &was);
	broadcast_is_default = ip_equal(&was.broadcast, &now->broadcast);
	now->prefix = (uint8_t)(96 + bits);
	if (broadcast_is_default)
		default_broadcast(d, now);
	return 0;
}

/* SIOCSIF{DSTADDR,BRDADDR,NETMASK}: a changed copy takes the address's place. */
static long change_addr(struct netdev *d, unsigned cmd, const struct linux_ifreq *r)
{
	struct if_addr old, now;
	long err = 0;

	if (r->in.sin_family != AF_INET && cmd != SIOCSIFNETMASK)
		return -EINVAL;
	if (!find_addr(d, r->name, &old))
		return -EADDRNOTAVAIL;
	now = old;
	if (cmd == SIOCSIFNETMASK)
		err = set_mask(d, &now, r->in.sin_addr);
	else if (cmd == SIOCSIFBRDADDR)
		now.broadcast = ip_from_v4(r->in.sin_addr);
	else
		now.peer = ip_from_v4(r->in.sin_addr);
	return err ? err : replace_addr(d, &old, &now);
}

static long set_flags(struct netdev *d, const struct linux_ifreq *r)
{
	struct if_addr a;

	if (strchr(r->name, ':')) { /* an alias goes down by going away */
		if (!find_addr(d, r->name, &a))
			return -EADDRNOTAVAIL;
		return r->flags & IFF_UP ? 0 : inet_addr_del(d->net, &a);
	}
	return netdev_set_flags(d, (uint16_t)r->flags,
		IFF_UP | IFF_PROMISC | IFF_ALLMULTI | IFF_NOARP | IFF_MULTICAST);
}

static long set_multicast(struct netdev *d, unsigned cmd, const struct linux_ifreq *r)
{
	if (d->addr_len != ETH_ALEN || r->addr.family != AF_UNSPEC)
		return -EINVAL;
	if (cmd == SIOCADDMULTI)
		return netdev_mcast_add(d, (const uint8_t *)r->addr.data);
	netdev_mcast_del(d, (const uint8_t *)r->addr.data);
	return 0;
}

static long set_attribute(struct netdev *d, unsigned cmd, struct linux_ifreq *r)
{
	switch (cmd) {
	case SIOCSIFADDR:
		return set_local(d, r);
	case SIOCSIFDSTADDR:
	case SIOCSIFBRDADDR:
	case SIOCSIFNETMASK:
		return change_addr(d, cmd, r);
	case SIOCSIFFLAGS:
		return set_flags(d, r);
	case SIOCSIFMTU:
		return r->value < 0 ? -EINVAL : netdev_set_mtu(d, (unsigned)r->value);
	case SIOCSIFNAME:
		r->newname[NETDEV_NAME - 1] = '\0';
		return netdev_rename(d, r->newname);
	case SIOCSIFHWADDR:
		if (r->addr.family != d->type)
			return -EINVAL;
		return netdev_set_mac(d, (const uint8_t *)r->addr.data);
	case SIOCSIFTXQLEN:
		if (r->value < 0)
			return -EINVAL;
		d->tx_queue_len = (uint32_t)r->value;
		return 0;
	case SIOCADDMULTI:
	case SIOCDELMULTI:
		return set_multicast(d, cmd, r);
	case SIOCSIFMETRIC:
		return -EOPNOTSUPP;
	}
	return -ENOTTY;
}

/* ---- IPv6 addresses: struct in6_ifreq ---- */

static long set_address6(struct net *net, unsigned cmd, void __user *arg)
{
	struct linux_in6_ifreq r;
	struct if_addr a = {
		.flags = IFA_F_PERMANENT, .valid_s = UINT32_MAX, .preferred_s = UINT32_MAX};
	struct netdev *d;
	long err;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (copy_from_user(&r, arg, sizeof(r)))
		return -EFAULT;
	if (r.prefix > 128 || ip_is_v4(&r.addr))
		return -EINVAL;
	d = netdev_get_by_index(net, (uint32_t)r.ifindex);
	if (!d)
		return -ENODEV;
	a.addr = a.peer = r.addr;
	a.prefix = (uint8_t)r.prefix;
	a.ifindex = d->ifindex;
	strlcpy(a.label, d->name, sizeof(a.label));
	net_config_lock();
	err = cmd == SIOCSIFADDR ? inet_addr_add(net, &a, false) : inet_addr_del(net, &a);
	net_config_unlock();
	netdev_put(d);
	return err;
}

/* ---- ethtool ---- */

static long ethtool(struct netdev *d, const struct linux_ifreq *r)
{
	void __user *to = (void __user *)r->data;
	struct {
		uint32_t cmd;
		char driver[32], version[32], fw[32], bus[32], rest[44];
		uint32_t counts[5];
	} info = {.cmd = ETHTOOL_GDRVINFO};
	static_assert(sizeof(info) == 196, "struct ethtool_drvinfo");
	uint32_t cmd;

	if (copy_from_user(&cmd, to, sizeof(cmd)))
		return -EFAULT;
	switch (cmd) {
	case ETHTOOL_GDRVINFO:
		strlcpy(info.driver, d->kind ? d->kind : d->driver ? d->driver : "loopback", 32);
		return copy_to_user(to, &info, sizeof(info));
	case ETHTOOL_GLINK:
		return put_user((uint32_t)READ_ONCE(d->carrier), (uint32_t __user *)to + 1);
	}
	return -EOPNOTSUPP;
}

/* ---- dispatch ---- */

enum ifreq_kind { NOT_IFREQ, IFREQ_GET, IFREQ_GET_ADDR, IFREQ_SET };

static enum ifreq_kind ifreq_kind(unsigned cmd)
{
	switch (cmd) {
	case SIOCGIFFLAGS:
	case SIOCGIFMETRIC:
	case SIOCGIFMTU:
	case SIOCGIFINDEX:
	case SIOCGIFTXQLEN:
	case SIOCGIFHWADDR:
	case SIOCGIFMAP:
		return IFREQ_GET;
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR:
	case SIOCGIFBRDADDR:
	case SIOCGIFNETMASK:
		return IFREQ_GET_ADDR;
	case SIOCSIFFLAGS:
	case SIOCSIFADDR:
	case SIOCSIFDSTADDR:
	case SIOCSIFBRDADDR:
	case SIOCSIFNETMASK:
	case SIOCSIFMETRIC:
	case SIOCSIFMTU:
	case SIOCSIFNAME:
	case SIOCSIFHWADDR:
	case SIOCSIFTXQLEN:
	case SIOCADDMULTI:
	case SIOCDELMULTI:
		return IFREQ_SET;
	}
	return NOT_IFREQ;
}

static bool is_private(unsigned cmd)
{
	return cmd >= SIOCDEVPRIVATE && cmd < SIOCDEVPRIVATE + 16u;
}

static long set_one(struct netdev *d, unsigned cmd, struct linux_ifreq *r)
{
	long err;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	net_config_lock();
	err = set_attribute(d, cmd, r);
	net_config_unlock();
	return err;
}

static long ifreq_ioctl(struct net *net, unsigned cmd, void __user *arg)
{
	enum ifreq_kind kind = ifreq_kind(cmd);
	struct linux_ifreq r;
	struct netdev *d;
	long err;

	if (copy_from_user(&r, arg, sizeof(r)))
		return -EFAULT;
	r.name[NETDEV_NAME - 1] = '\0';
	if (cmd == SIOCGIFNAME) {
		err = get_name(net, &r);
		return err ? err : copy_to_user(arg, &r, sizeof(r));
	}
	if (kind == IFREQ_SET && !capable(CAP_NET_ADMIN))
		return -EPERM;
	d = find_dev(net, r.name);
	if (!d)
		return -ENODEV;
	if (is_private(cmd))
		err = -EOPNOTSUPP;
	else if (cmd == SIOCETHTOOL)
		err = ethtool(d, &r);
	else if (kind == IFREQ_SET)
		err = set_one(d, cmd, &r);
	else
		err = kind == IFREQ_GET ? get_attribute(d, cmd, &r) : get_address(d, cmd, &r);
	netdev_put(d);
	if (!err && (kind == IFREQ_GET || kind == IFREQ_GET_ADDR))
		err = copy_to_user(arg, &r, sizeof(r));
	return err;
}

bool net_ioctl(struct socket *s, unsigned cmd, void __user *arg, long *result)
{
	bool is_inet = s->family == AF_INET || s->family == AF_INET6;

	switch (cmd) {
	case SIOCGIFCONF:
		*result = get_conf(s->net, arg);
		return true;
	case SIOCADDRT:
	case SIOCDELRT:
		*result = is_inet ? net_ioctl_route(s, cmd, arg) : -ENOTTY;
		return true;
	case SIOCSARP:
	case SIOCGARP:
	case SIOCDARP:
		*result = s->family == AF_INET ? net_ioctl_arp(s, cmd, arg) : -ENOTTY;
		return true;
	case SIOCSIFADDR:
	case SIOCDIFADDR:
		if (s->family == AF_INET6) {
			*result = set_address6(s->net, cmd, arg);
			return true;
		}
		break;
	}
	if (net_ioctl_link(s, cmd, arg, result))
		return true;
	if (cmd != SIOCGIFNAME && cmd != SIOCETHTOOL && !is_private(cmd) &&
		ifreq_kind(cmd) == NOT_IFREQ)
		return false;
	if (ifreq_kind(cmd) == IFREQ_GET_ADDR && s->family != AF_INET)
		*result = -ENOTTY;
	else
		*result = ifreq_ioctl(s->net, cmd, arg);
	return true;
}
