/*
 * bridge.c - /sys/class/net: what bridges (bridge, brif, brforward) and their ports (brport) have
 * in their directories, as brctl(8) reads and writes it. Times are hundredths of a second.
 *
 * Of the spanning tree, which our bridges do not take part in, there is what a bridge alone in its
 * network would say, with the default times of IEEE 802.1D; it cannot be changed.
 */
#include "sysfs.h"
#include <netbridge.h>
#include <netctl.h>
#include "compat.h"

#define NS_HUNDREDTH 10000000ull

enum { STATE_DISABLED = 0, STATE_FORWARDING = 3, PORT_PRIORITY = 0x8000 };

/* ---- of a bridge ---- */

static int show_constant(struct text *t, const struct proc_node *n)
{
	text_add(t, "%u\n", n->entry->index);
	return 0;
}

static void add_id(struct text *t, const struct netdev *br)
{
	const uint8_t *a = br->addr;

	text_add(t, "8000.%02x%02x%02x%02x%02x%02x\n", a[0], a[1], a[2], a[3], a[4], a[5]);
}

static int show_id(struct text *t, const struct proc_node *n)
{
	struct netdev *d = sysfs_dev(n);

	if (!d)
		return -ENODEV;
	add_id(t, d);
	netdev_put(d);
	return 0;
}

SYSFS_DEV_FILE(show_ageing, "%llu\n", (unsigned long long)(bridge_ageing(d) / NS_HUNDREDTH))

static int set_ageing(struct netdev *d, uint64_t v)
{
	bridge_set_ageing(d, MIN(v, UINT64_MAX / NS_HUNDREDTH) * NS_HUNDREDTH);
	return 0;
}

static ssize_t write_ageing(const struct proc_node *n, char *s, size_t len)
{
	return sysfs_set_number(n, s, len, set_ageing);
}

static int only_zero(struct netdev *d, uint64_t v)
{
	if (!v)
		return 0;
	unsupported("spanning tree", (long)d->ifindex);
	return -EOPNOTSUPP;
}

static ssize_t write_zero(const struct proc_node *n, char *s, size_t len)
{
	return sysfs_set_number(n, s, len, only_zero);
}

#define CONSTANT(n, value)                                                                         \
	{                                                                                          \
		.name = n, .mode = S_IFREG | 0444, .show = show_constant, .index = value           \
	}
#define ZERO_RW(n)                                                                                 \
	{                                                                                          \
		.name = n, .mode = S_IFREG | 0644, .show = show_constant, .write = write_zero      \
	}
static const struct proc_entry bridge_entries[] = {
	PROC_FILE_RW("ageing_time", show_ageing, write_ageing),
	PROC_FILE("bridge_id", show_id),
	ZERO_RW("forward_delay"), /* a port forwards at once */
	CONSTANT("gc_timer", 0),
	CONSTANT("hello_time", 200),
	CONSTANT("hello_timer", 0),
	CONSTANT("max_age", 2000),
	CONSTANT("priority", 0x8000),
	PROC_FILE("root_id", show_id),
	CONSTANT("root_path_cost", 0),
	CONSTANT("root_port", 0),
	ZERO_RW("stp_state"),
	CONSTANT("tcn_timer", 0),
	CONSTANT("topology_change", 0),
	CONSTANT("topology_change_detected", 0),
	CONSTANT("topology_change_timer", 0),
	{0},
};

/* ---- its stations ---- */

struct fdb_row { /* linux/if_bridge.h: struct __fdb_entry */
	uint8_t mac[ETH_ALEN];
	uint8_t port, is_local;
	uint32_t age;
	uint8_t port_high, pad;
	uint16_t unused;
};
static_assert(sizeof(struct fdb_row) == 16, "struct __fdb_entry");

static int add_station(const struct bridge_station *s, void *arg)
{
	struct fdb_row row = {.port = (uint8_t)s->port,
		.port_high = (uint8_t)(s->port >> 8),
		.is_local = s->is_local,
		.age = (uint32_t)MIN(s->age_ns / NS_HUNDREDTH, (uint64_t)UINT32_MAX)};

	memcpy(row.mac, s->mac, sizeof(row.mac));
	text_bytes(arg, &row, sizeof(row));
	return 0;
}

static int show_stations(struct text *t, const struct proc_node *n)
{
	struct netdev *d = sysfs_dev(n);

	if (!d)
		return -ENODEV;
	rcu_read_lock();
	t->atomic = true;
	(void)bridge_station_each(d, add_station, t);
	t->atomic = false;
	rcu_read_unlock();
	netdev_put(d);
	return 0;
}

/* ---- of a port ---- */

SYSFS_DEV_FILE(show_port_number, "0x%x\n", bridge_port_number(d))
SYSFS_DEV_FILE(show_port_id, "0x%x\n", PORT_PRIORITY | bridge_port_number(d))
SYSFS_DEV_FILE(show_state, "%d\n",
	d->flags &IFF_UP &&READ_ONCE(d->carrier) ? STATE_FORWARDING : STATE_DISABLED)

static int show_master_id(struct text *t, const struct proc_node *n)
{
	struct netdev *d = sysfs_dev(n);
	int err = 0;

	if (!d)
		return -ENODEV;
	net_config_lock();
	if (d->master)
		add_id(t, d->master);
	else
		err = -ENODEV;
	net_config_unlock();
	netdev_put(d);
	return err;
}

static const struct proc_entry port_entries[] = {
	CONSTANT("change_ack", 0),
	CONSTANT("config_pending", 0),
	PROC_FILE("designated_bridge", show_master_id),
	CONSTANT("designated_cost", 0),
	PROC_FILE("designated_port", show_port_id),
	PROC_FILE("designated_root", show_master_id),
	CONSTANT("forward_delay_timer", 0),
	CONSTANT("hairpin_mode", 0),
	CONSTANT("hold_timer", 0),
	CONSTANT("message_age_timer", 0),
	CONSTANT("path_cost", 100),
	PROC_FILE("port_id", show_port_id),
	PROC_FILE("port_no", show_port_number),
	CONSTANT("priority", 32),
	PROC_FILE("state", show_state),
	{0},
};

/* ---- brif: the ports by name ---- */

static const struct proc_entry brif_port = {
	.name = "PORT", .mode = S_IFDIR | 0555, .children = port_entries, .unsure = true};

static int port_lookup(
	const struct proc_node *dir, const char *name, unsigned len, struct proc_node *out)
{
	const struct netdev *d;
	int err = -ENOENT;

	net_config_lock();
	list_for_each_entry (d, &net_current()->devices, node) {
		if (strlen(d->name) != len || memcmp(d->name, name, len))
			continue;
		if (!d->master || d->master->ifindex != dir->index)
			break;
		*out = (struct proc_node){.entry = &brif_port, .index = d->ifindex};
		err = 0;
		break;
	}
	net_config_unlock();
	return err;
}

static bool port_next(const struct proc_node *dir, uint32_t *key, char name[16], mode_t *mode)
{
	const struct netdev *d;
	bool found = false;

	net_config_lock();
	list_for_each_entry (d, &net_current()->devices, node) {
		if (d->ifindex < *key || !d->master || d->master->ifindex != dir->index)
			continue;
		*key = d->ifindex;
		strlcpy(name, d->name, NETDEV_NAME);
		found = true;
		break;
	}
	net_config_unlock();
	*mode = S_IFDIR;
	return found;
}

/* ---- what stands in an interface's directory ---- */

static const struct proc_dir brif_dir = {.lookup = port_lookup, .next = port_next};
static const struct proc_entry of_bridge[] = {
	{.name = "brforward", .mode = S_IFREG | 0444, .show = show_stations, .unsure = true},
	{.name = "bridge", .mode = S_IFDIR | 0555, .children = bridge_entries, .unsure = true},
	{.name = "brif", .mode = S_IFDIR | 0555, .dir = &brif_dir, .unsure = true},
	{0},
};
static const struct proc_entry of_port[] = {
	{.name = "brport", .mode = S_IFDIR | 0555, .children = port_entries, .unsure = true},
	{0},
};
static const struct proc_entry of_others[] = {{0}};

static const struct proc_entry *entries_of(const struct proc_node *dir)
{
	struct netdev *d = sysfs_dev(dir);
	const struct proc_entry *list = of_others;

	if (!d)
		return list;
	if (bridge_is(d))
		list = of_bridge;
	else if (bridge_port_number(d))
		list = of_port;
	netdev_put(d);
	return list;
}

static int dev_lookup(
	const struct proc_node *dir, const char *name, unsigned len, struct proc_node *out)
{
	const struct proc_entry *e;

	for (e = entries_of(dir); e->name; e++)
		if (strlen(e->name) == len && !memcmp(e->name, name, len)) {
			*out = (struct proc_node){.entry = e, .index = dir->index};
			return 0;
		}
	return -ENOENT;
}

static bool dev_next(const struct proc_node *dir, uint32_t *key, char name[16], mode_t *mode)
{
	const struct proc_entry *e = entries_of(dir);

	for (uint32_t i = 0; i < *key && e->name; i++)
		e++;
	if (!e->name)
		return false;
	strlcpy(name, e->name, 16);
	*mode = e->mode & S_IFMT;
	return true;
}

const struct proc_dir sysfs_bridge_dir = {.lookup = dev_lookup, .next = dev_next};
