/*
 * config.c - the configuration of the network as it was at boot, again: for targets whose inputs
 * change it.
 */
#include "config.h"
#include <netctl.h>
#include <slab.h>
#include <string.h>
#include "kernel/net/fib.h"
#include "kernel/net/neigh.h"
#include "world.h"

static uint32_t lo_flags, lo_mtu, lo_queue_len;
static uint8_t lo_groups[8][ETH_ALEN];
static unsigned nr_lo_groups;

void config_keep(void)
{
	const struct mcast_addr *m;

	list_for_each_entry (m, &net_initial.loopback->mcast, node)
		if (nr_lo_groups < ARRAY_SIZE(lo_groups))
			memcpy(lo_groups[nr_lo_groups++], m->addr, ETH_ALEN);
	lo_flags = net_initial.loopback->flags;
	lo_mtu = net_initial.loopback->mtu;
	lo_queue_len = net_initial.loopback->tx_queue_len;
}

static int take_addr(const struct if_addr *a, void *arg)
{
	*(struct if_addr *)arg = *a;
	return 1;
}
static int take_route(const struct rt_entry *r, void *arg)
{
	*(struct rt_entry *)arg = *r;
	return 1;
}
static int take_rule(const struct rt_rule *r, void *arg)
{
	*(struct rt_rule *)arg = *r;
	return 1;
}

static bool is_kept(const uint8_t *addr)
{
	for (unsigned i = 0; i < nr_lo_groups; i++)
		if (!memcmp(lo_groups[i], addr, ETH_ALEN))
			return true;
	return false;
}

static void drop_groups(struct netdev *lo)
{
	struct mcast_addr *m, *next;

	list_for_each_entry_safe (m, next, &lo->mcast, node)
		if (!is_kept(m->addr)) {
			list_del(&m->node);
			kfree(m);
		}
}

static void drop_devices(void)
{
	struct netdev *d, *next;

	list_for_each_entry_safe (d, next, &net_initial.devices, node)
		if (d != net_initial.loopback)
			netdev_unregister(d);
}

static void drop_all(struct netdev *lo)
{
	struct if_addr a;
	struct rt_entry e;
	struct rt_rule r;

	while (inet_addr_each(&net_initial, lo, take_addr, &a))
		PANIC_ON(inet_addr_del(&net_initial, &a));
	while (route_each(&net_initial, take_route, &e))
		PANIC_ON(route_del(&net_initial, &e));
	while (rule_each(&net_initial, take_rule, &r))
		PANIC_ON(rule_del(&net_initial, &r));
}

static void drop_tables(struct fib *f)
{
	struct fib_table *t, *next;

	list_for_each_entry_safe (t, next, &f->tables, node)
		if (t != f->local && t != f->main && t != f->deflt) {
			list_del(&t->node);
			kfree(t);
		}
}

void config_restore(void)
{
	struct netdev *lo = net_initial.loopback;

	net_config_lock();
	drop_devices();
	netdev_stop(lo);
	drop_groups(lo);
	drop_all(lo);
	drop_tables(net_initial.inet->fib);
	fib_rules_init(net_initial.inet->fib);
	net_initial.inet->fib->has_rules[0] = net_initial.inet->fib->has_rules[1] = false;
	PANIC_ON(netdev_rename(lo, "lo"));
	PANIC_ON(netdev_set_mtu(lo, lo_mtu));
	lo->tx_queue_len = lo_queue_len;
	PANIC_ON(netdev_set_flags(lo, lo_flags, ~0u));
	neigh_flush_dev(lo, true);
	net_config_unlock();
	unit_rcu_flush();
	(void)unit_run_work();
}
