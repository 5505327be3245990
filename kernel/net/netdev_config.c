/*
 * netdev_config.c - making, registering and configuring interfaces.
 *
 * Does not: addresses and routes (watchers do, inetdev.c), text and layouts of requests (compat).
 *
 * Everything here runs under one mutex, the configuration lock, but for what packets and drivers
 * need: multicast lists (d->lock, any section), carrier (a flag; the rest is done by a work item).
 * A device that goes down or away: first IFF_UP is cleared, then a grace period lets every section
 * that saw it end, then the driver stops; so neither xmit nor rx runs afterwards.
 */
#include <netdev.h>
#include <arch/clock.h>
#include <debug.h>
#include <error.h>
#include <log.h>
#include <printf.h>
#include <random.h>
#include <slab.h>
#include <string.h>
#include <workqueue.h>
#include "core.h"

#define WATCHDOG_NS  2000000000ull
#define MAX_NUMBERED 1024u /* names that one %d may have */

static struct mutex config_lock;
static LIST_HEAD(watchers); /* [config_lock] */
static LIST_HEAD(kinds);    /* [config_lock] */
static struct work carrier_work;
static void watch(struct net_timer *t);
static void restart(struct work *w);

void net_config_lock(void)
{
	mutex_lock(&config_lock);
}

void net_config_unlock(void)
{
	mutex_unlock(&config_lock);
}

void net_config_assert(void)
{
	ASSERT(lockdep_held(&config_lock));
}

void netdev_watch(struct netdev_watcher *w)
{
	net_config_lock();
	list_add_tail(&w->node, &watchers);
	net_config_unlock();
}

static void notify(struct netdev *d, enum netdev_event e)
{
	struct netdev_watcher *w;

	net_config_assert();
	WRITE_ONCE(d->net->dev_gen, d->net->dev_gen + 1);
	list_for_each_entry (w, &watchers, node)
		w->event(d, e);
}

void netdev_changed(struct netdev *d)
{
	notify(d, NETDEV_CHANGED);
}

/* ---- making ---- */

static bool name_is_valid(const char *name)
{
	size_t n = strnlen(name, NETDEV_NAME);

	if (!n || n == NETDEV_NAME || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (; *name; name++)
		if (*name == '/' || *name == ':' || *name == ' ' ||
			(*name >= '\t' && *name <= '\r'))
			return false;
	return true;
}

struct netdev *netdev_create(const char *name, size_t priv_bytes, unsigned nr_txq)
{
	size_t stats_at = ALIGN_UP(sizeof(struct netdev), 64),
	       txq_at = stats_at + cpu_count() * ALIGN_UP(sizeof(struct netdev_stats), 64),
	       priv_at = ALIGN_UP(txq_at + nr_txq * sizeof(struct netdev_txq), 64);
	struct netdev *d;

	static_assert(sizeof(struct netdev_stats) % 64 == 0, "no two CPUs share a cache line");
	if (!name_is_valid(name))
		return NULL;
	d = kzalloc(priv_at + priv_bytes);
	if (!d)
		return NULL;
	strlcpy(d->name, name, sizeof(d->name));
	refcount_set(&d->refs, 1);
	list_init(&d->node);
	d->net = &net_initial;
	d->type = ARPHRD_ETHER;
	d->hard_header = ETH_HLEN;
	d->flags = IFF_BROADCAST | IFF_MULTICAST;
	d->carrier = true;
	d->mtu = d->max_mtu = 1500;
	d->min_mtu = 68; /* RFC 791: what IPv4 asks of a link */
	d->tx_queue_len = 1000;
	d->gso_max = 65536;
	d->addr_len = ETH_ALEN;
	memset(d->broadcast, 0xff, ETH_ALEN);
	spin_init(&d->lock);
	list_init(&d->mcast);
	list_init(&d->taps);
	list_init(&d->vlans);
	list_init(&d->vlan_node);
	net_timer_init(&d->watchdog, watch);
	work_init(&d->restart, restart);
	d->pcpu = (struct netdev_stats *)((char *)d + stats_at);
	d->txq = (struct netdev_txq *)((char *)d + txq_at);
	d->priv = (char *)d + priv_at;
	d->nr_txq = nr_txq;
	for (unsigned i = 0; i < nr_txq; i++)
		txq_init(d, i);
	return d;
}

static void netdev_free(struct rcu_head *head)
{
	struct netdev *d = container_of(head, struct netdev, rcu);
	struct mcast_addr *m, *next;

	if (d->ops && d->ops->free)
		d->ops->free(d);
	list_for_each_entry_safe (m, next, &d->mcast, node)
		kfree(m);
	kfree(d);
}

void netdev_put(struct netdev *d)
{
	if (refcount_dec(&d->refs))
		rcu_call(&d->rcu, netdev_free);
}

/* A name with %d gets the least number that makes it new. */
static int choose_name(struct net *net, char *name)
{
	const char *at = strchr(name, '%');
	char full[NETDEV_NAME + 8];

	if (!name_is_valid(name))
		return -EINVAL;
	if (!at)
		return netdev_by_name_rcu(net, name) ? -EEXIST : 0;
	if (at[1] != 'd' || strchr(at + 1, '%'))
		return -EINVAL;
	for (unsigned i = 0; i < MAX_NUMBERED; i++) {
		int n = snprintf(full, sizeof(full), "%.*s%u%s", (int)(at - name), name, i, at + 2);

		if (n >= NETDEV_NAME)
			return -EINVAL;
		if (netdev_by_name_rcu(net, full))
			continue;
		strlcpy(name, full, NETDEV_NAME);
		return 0;
	}
	return -ENFILE;
}

int netdev_register(struct net *net, struct netdev *d)
{
	int err;

	net_config_assert();
	err = choose_name(net, d->name);
	if (err)
		return err;
	d->net = net;
	memcpy(d->perm_addr, d->addr, sizeof(d->addr));
	spin_lock(&net->lock);
	d->ifindex = net->next_ifindex++;
	list_add_tail(&d->node, &net->devices);
	spin_unlock(&net->lock);
	d->is_registered = true;
	if (d->driver)
		log_info("%s: %s, %02x:%02x:%02x:%02x:%02x:%02x", d->name, d->driver, d->addr[0],
			d->addr[1], d->addr[2], d->addr[3], d->addr[4], d->addr[5]);
	notify(d, NETDEV_ADDED);
	return 0;
}

void netdev_unregister(struct netdev *d)
{
	net_config_assert();
	netdev_stop(d);
	notify(d, NETDEV_GOING);
	d->is_registered = false;
	spin_lock(&d->net->lock);
	list_del_rcu(&d->node);
	spin_unlock(&d->net->lock);
	rcu_synchronize();
	net_backlog_flush(); /* packets there have no reference */
	netdev_put(d);
}

/* ---- up and down ---- */

static void follow_carrier(struct netdev *d)
{
	bool on = (d->flags & IFF_UP) && __atomic_load_n(&d->carrier, __ATOMIC_ACQUIRE);

	if (on)
		d->flags |= IFF_RUNNING | IFF_LOWER_UP;
	else
		d->flags &= ~(uint32_t)(IFF_RUNNING | IFF_LOWER_UP);
}

static void set_rx_mode(struct netdev *d)
{
	if (!d->ops->set_rx_mode)
		return;
	spin_lock(&d->lock);
	d->ops->set_rx_mode(d);
	spin_unlock(&d->lock);
}

static int start(struct netdev *d)
{
	int err = d->ops->open ? d->ops->open(d) : 0;

	if (err)
		return err;
	WRITE_ONCE(d->flags, d->flags | IFF_UP);
	follow_carrier(d);
	set_rx_mode(d);
	if (d->ops->tx_hangs)
		(void)net_timer_arm(&d->watchdog, clock_ns() + WATCHDOG_NS);
	return 0;
}

static void stop(struct netdev *d)
{
	WRITE_ONCE(d->flags, d->flags & ~(uint32_t)IFF_UP);
	follow_carrier(d);
	rcu_synchronize();
	(void)net_timer_cancel(&d->watchdog); /* it was not armed again by one that saw IFF_UP */
	if (d->ops->stop)
		d->ops->stop(d);
	for (unsigned i = 0; i < d->nr_txq; i++)
		txq_purge(&d->txq[i]);
}

/* A hung transmitter: down and up again, quietly, so that routes and addresses stay. */
static void restart(struct work *w)
{
	struct netdev *d = container_of(w, struct netdev, restart);

	net_config_lock();
	if (d->flags & IFF_UP) {
		log_err("%s: transmitter hangs, starting it anew", d->name);
		stop(d);
		if (start(d)) {
			log_err("%s: cannot be started again", d->name);
			notify(d, NETDEV_DOWN);
		}
	}
	net_config_unlock();
	netdev_put(d);
}

static void watch(struct net_timer *t)
{
	struct netdev *d = container_of(t, struct netdev, watchdog);

	if (d->ops->tx_hangs(d)) {
		d->pcpu[cpu_id()].tx_errors++;
		netdev_hold(d); /* the work's */
		if (!work_queue(&d->restart))
			netdev_put(d);
	}
	if (READ_ONCE(d->flags) & IFF_UP)
		(void)net_timer_arm(t, clock_ns() + WATCHDOG_NS);
}

int netdev_open(struct netdev *d)
{
	int err;

	net_config_assert();
	if (d->flags & IFF_UP)
		return 0;
	if (!d->is_registered)
		return -ENODEV;
	err = start(d);
	if (!err)
		notify(d, NETDEV_UP);
	return err;
}

void netdev_stop(struct netdev *d)
{
	net_config_assert();
	if (!(d->flags & IFF_UP))
		return;
	stop(d);
	notify(d, NETDEV_DOWN);
}

/* The flag @bit is set while a program asked for it by flags, or anybody by count. */
static void follow_users(struct netdev *d, uint32_t bit, uint32_t users)
{
	uint32_t flags = (d->user_flags & bit) || users ? d->flags | bit : d->flags & ~bit;

	if (flags == d->flags)
		return;
	d->flags = flags;
	if (bit == IFF_PROMISC)
		log_debug("net: %s %s promiscuous mode", d->name, flags & bit ? "entered" : "left");
	if (flags & IFF_UP)
		set_rx_mode(d);
	notify(d, NETDEV_CHANGED);
}

void netdev_promisc(struct netdev *d, int delta)
{
	net_config_assert();
	d->promisc_users += (uint32_t)delta;
	follow_users(d, IFF_PROMISC, d->promisc_users);
}

void netdev_allmulti(struct netdev *d, int delta)
{
	net_config_assert();
	d->allmulti_users += (uint32_t)delta;
	follow_users(d, IFF_ALLMULTI, d->allmulti_users);
}

int netdev_set_flags(struct netdev *d, uint32_t flags, uint32_t mask)
{
	const uint32_t plain = (IFF_NOARP | IFF_MULTICAST) & mask,
		       user = (IFF_PROMISC | IFF_ALLMULTI) & mask;

	net_config_assert();
	if ((d->flags ^ flags) & plain) {
		d->flags = (d->flags & ~plain) | (flags & plain);
		notify(d, NETDEV_CHANGED);
	}
	d->user_flags = (d->user_flags & ~user) | (flags & user);
	follow_users(d, IFF_PROMISC, d->promisc_users);
	follow_users(d, IFF_ALLMULTI, d->allmulti_users);
	if (!(mask & IFF_UP))
		return 0;
	if (flags & IFF_UP)
		return netdev_open(d);
	netdev_stop(d);
	return 0;
}

/* ---- properties ---- */

int netdev_set_mtu(struct netdev *d, unsigned mtu)
{
	int err;

	net_config_assert();
	if (mtu == d->mtu)
		return 0;
	if (mtu < d->min_mtu || mtu > d->max_mtu)
		return -EINVAL;
	err = d->ops->set_mtu ? d->ops->set_mtu(d, mtu) : 0;
	if (err)
		return err;
	WRITE_ONCE(d->mtu, mtu);
	notify(d, NETDEV_MTU);
	return 0;
}

static bool is_station(const uint8_t *mac)
{
	static const uint8_t zero[ETH_ALEN];

	return !(mac[0] & 1) && memcmp(mac, zero, ETH_ALEN);
}

void netdev_ensure_mac(struct netdev *d)
{
	if (is_station(d->addr))
		return;
	random_bytes(d->addr, ETH_ALEN);
	d->addr[0] = (d->addr[0] & 0xfc) | 2; /* locally administered, one station */
}

int netdev_mac_any(struct netdev *d, const uint8_t *mac)
{
	(void)d, (void)mac;
	return 0;
}

void netdev_follow_mac(struct netdev *d, const uint8_t *mac)
{
	net_config_assert();
	memcpy(d->addr, mac, ETH_ALEN);
	notify(d, NETDEV_MAC);
}

int netdev_set_mac(struct netdev *d, const uint8_t *mac)
{
	int err;

	net_config_assert();
	if (!d->ops->set_mac || d->addr_len != ETH_ALEN)
		return -EOPNOTSUPP;
	if (d->type == ARPHRD_ETHER && !is_station(mac))
		return -EADDRNOTAVAIL;
	err = d->ops->set_mac(d, mac);
	if (err)
		return err;
	netdev_follow_mac(d, mac);
	return 0;
}

int netdev_rename(struct netdev *d, const char *name)
{
	char to[NETDEV_NAME];
	int err;

	net_config_assert();
	if (strlcpy(to, name, sizeof(to)) >= sizeof(to))
		return -EINVAL;
	if (!strcmp(to, d->name))
		return 0;
	err = choose_name(d->net, to);
	if (err)
		return err;
	memcpy(d->name, to, sizeof(d->name));
	notify(d, NETDEV_RENAMED);
	return 0;
}

void netdev_stats(struct netdev *d, struct netdev_stats *out)
{
	const unsigned words = sizeof(*out) / sizeof(uint64_t);
	uint64_t *sum = (uint64_t *)out;
	unsigned cpu;

	memset(out, 0, sizeof(*out));
	for_each_online_cpu (cpu) {
		const uint64_t *add = (const uint64_t *)&d->pcpu[cpu];

		for (unsigned i = 0; i < words; i++)
			sum[i] += READ_ONCE(add[i]);
	}
	if (d->ops->stats)
		d->ops->stats(d, out);
}

/* ---- link-layer groups ---- */

/* d->lock held. */
static struct mcast_addr *mcast_find(struct netdev *d, const uint8_t *addr)
{
	struct mcast_addr *m;

	list_for_each_entry (m, &d->mcast, node)
		if (!memcmp(m->addr, addr, ETH_ALEN))
			return m;
	return NULL;
}

int netdev_mcast_add(struct netdev *d, const uint8_t *addr)
{
	struct mcast_addr *m, *fresh = kmalloc(sizeof(*fresh), GFP_ATOMIC);

	spin_lock(&d->lock);
	m = mcast_find(d, addr);
	if (m) {
		m->users++;
	} else if (fresh) {
		*fresh = (struct mcast_addr){.users = 1};
		memcpy(fresh->addr, addr, ETH_ALEN);
		list_add_tail(&fresh->node, &d->mcast);
		m = fresh;
		fresh = NULL;
		if (d->flags & IFF_UP && d->ops->set_rx_mode)
			d->ops->set_rx_mode(d);
	}
	spin_unlock(&d->lock);
	kfree(fresh);
	return m ? 0 : -ENOMEM;
}

void netdev_mcast_del(struct netdev *d, const uint8_t *addr)
{
	struct mcast_addr *m;

	spin_lock(&d->lock);
	m = mcast_find(d, addr);
	if (m && --m->users) {
		m = NULL;
	} else if (m) {
		list_del(&m->node);
		if (d->flags & IFF_UP && d->ops->set_rx_mode)
			d->ops->set_rx_mode(d);
	}
	spin_unlock(&d->lock);
	kfree(m);
}

/* ---- carrier ---- */

static void carrier_changed(struct work *w)
{
	struct netdev *d;

	(void)w;
	net_config_lock();
	list_for_each_entry (d, &net_initial.devices, node) {
		if (!__atomic_exchange_n(&d->carrier_event, false, __ATOMIC_SEQ_CST))
			continue;
		follow_carrier(d);
		if (d->flags & IFF_UP && d->kind == NULL)
			log_info("net: %s link %s", d->name, d->carrier ? "up" : "down");
		notify(d, NETDEV_CHANGED);
	}
	net_config_unlock();
}

void netdev_set_carrier(struct netdev *d, bool on)
{
	if (__atomic_exchange_n(&d->carrier, on, __ATOMIC_SEQ_CST) == on)
		return;
	__atomic_fetch_add(&d->carrier_changes, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&d->carrier_event, true, __ATOMIC_SEQ_CST);
	work_queue(&carrier_work);
}

/* ---- kinds ---- */

int netdev_create_kind(const char *kind, const char *name, size_t priv_bytes,
	const struct netdev_ops *ops, struct netdev **out)
{
	struct netdev *d;

	if (!name_is_valid(name))
		return -EINVAL;
	d = netdev_create(name, priv_bytes, 0);
	if (!d)
		return -ENOMEM;
	d->kind = kind;
	d->ops = ops;
	netdev_ensure_mac(d);
	*out = d;
	return 0;
}

void netdev_kind_register(struct netdev_kind *k)
{
	net_config_lock();
	list_add_tail(&k->node, &kinds);
	net_config_unlock();
}

const struct netdev_kind *netdev_kind_find(const char *name)
{
	struct netdev_kind *k;

	net_config_assert();
	list_for_each_entry (k, &kinds, node)
		if (!strcmp(k->name, name))
			return k;
	return NULL;
}

void netdev_config_init(void)
{
	mutex_init(&config_lock);
	work_init(&carrier_work, carrier_changed);
}
