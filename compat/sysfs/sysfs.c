/*
 * sysfs.c - the file system "sysfs": what programs look up there, and no more. sysfs(5).
 *
 * Made of the same entries as /proc (procfs/procfs.h). class/net has a directory for each
 * interface; devices/system/cpu says which processors there are; kernel/ambit/unsupported lists
 * what programs asked for in vain. Does not: devices, drivers, buses, uevents of theirs.
 */
#include "sysfs.h"
#include <arch/cpu.h>
#include <cpumask.h>
#include <netctl.h>
#include <printf.h>
#include "unsupported.h"

/* ---- class/net: the node's index is the interface's ---- */

static int net_lookup(
	const struct proc_node *dir, const char *name, unsigned len, struct proc_node *out);
static bool net_next(const struct proc_node *dir, uint32_t *key, char name[16], mode_t *mode);

struct netdev *sysfs_dev(const struct proc_node *n)
{
	return netdev_get_by_index(net_current(), n->index);
}

SYSFS_DEV_FILE(show_addr_len, "%u\n", d->addr_len)
SYSFS_DEV_FILE(show_flags, "0x%x\n", d->flags)
SYSFS_DEV_FILE(show_ifindex, "%u\n", d->ifindex)
SYSFS_DEV_FILE(show_iflink, "%u\n", d->lower ? d->lower->ifindex : d->ifindex)
SYSFS_DEV_FILE(show_mtu, "%u\n", d->mtu)
SYSFS_DEV_FILE(show_queue_len, "%u\n", d->tx_queue_len)
SYSFS_DEV_FILE(show_type, "%u\n", d->type)
SYSFS_DEV_FILE(show_uevent, "INTERFACE=%s\nIFINDEX=%u\n", d->name, d->ifindex)
SYSFS_DEV_FILE(show_operstate, "%s\n",
	d->flags &IFF_LOOPBACK                     ? "unknown"
	: d->flags &IFF_UP &&READ_ONCE(d->carrier) ? "up"
						   : "down")

static int show_mac(struct text *t, const uint8_t *mac, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		text_add(t, "%s%02x", i ? ":" : "", mac[i]);
	text_add(t, "\n");
	return 0;
}

static int show_address(struct text *t, const struct proc_node *n)
{
	struct netdev *d = sysfs_dev(n);

	if (!d)
		return -ENODEV;
	(void)show_mac(t, d->addr, d->addr_len);
	netdev_put(d);
	return 0;
}

static int show_broadcast(struct text *t, const struct proc_node *n)
{
	struct netdev *d = sysfs_dev(n);

	if (!d)
		return -ENODEV;
	(void)show_mac(t, d->broadcast, d->addr_len);
	netdev_put(d);
	return 0;
}

/* Of an interface that is down nobody knows: EINVAL, as Linux says. */
static int show_carrier(struct text *t, const struct proc_node *n)
{
	struct netdev *d = sysfs_dev(n);
	int err = 0;

	if (!d)
		return -ENODEV;
	if (d->flags & IFF_UP)
		text_add(t, "%d\n", READ_ONCE(d->carrier));
	else
		err = -EINVAL;
	netdev_put(d);
	return err;
}

ssize_t sysfs_set_number(const struct proc_node *n, const char *s, size_t len,
	int (*set)(struct netdev *d, uint64_t v))
{
	struct netdev *d;
	const char *end;
	uint64_t v = strtou64(s, &end, 0);
	int err;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (end == s || (*end && *end != '\n') || v > UINT32_MAX)
		return -EINVAL;
	d = sysfs_dev(n);
	if (!d)
		return -ENODEV;
	net_config_lock();
	err = set(d, v);
	net_config_unlock();
	netdev_put(d);
	return err ? err : (ssize_t)len;
}

static int set_mtu(struct netdev *d, uint64_t v)
{
	return netdev_set_mtu(d, (unsigned)v);
}

static int set_queue_len(struct netdev *d, uint64_t v)
{
	d->tx_queue_len = (uint32_t)v;
	return 0;
}

static int set_flags(struct netdev *d, uint64_t v)
{
	return netdev_set_flags(d, (uint32_t)v, IFF_UP | IFF_PROMISC | IFF_ALLMULTI);
}

static ssize_t write_mtu(const struct proc_node *n, char *s, size_t len)
{
	return sysfs_set_number(n, s, len, set_mtu);
}

static ssize_t write_queue_len(const struct proc_node *n, char *s, size_t len)
{
	return sysfs_set_number(n, s, len, set_queue_len);
}

static ssize_t write_flags(const struct proc_node *n, char *s, size_t len)
{
	return sysfs_set_number(n, s, len, set_flags);
}

/* The entry's index is the counter's place in struct netdev_stats. */
static int show_statistic(struct text *t, const struct proc_node *n)
{
	struct netdev *d = sysfs_dev(n);
	struct netdev_stats s;

	if (!d)
		return -ENODEV;
	netdev_stats(d, &s);
	netdev_put(d);
	text_add(t, "%llu\n", (unsigned long long)((const uint64_t *)&s)[n->entry->index]);
	return 0;
}

#define STATISTIC(field)                                                                           \
	{                                                                                          \
		.name = #field, .mode = S_IFREG | 0444, .show = show_statistic,                    \
		.index = offsetof(struct netdev_stats, field) / sizeof(uint64_t)                   \
	}
static const struct proc_entry statistics[] = {
	STATISTIC(collisions),
	STATISTIC(multicast),
	STATISTIC(rx_bytes),
	STATISTIC(rx_crc_errors),
	STATISTIC(rx_dropped),
	STATISTIC(rx_errors),
	STATISTIC(rx_fifo_errors),
	STATISTIC(rx_frame_errors),
	STATISTIC(rx_length_errors),
	STATISTIC(rx_missed_errors),
	STATISTIC(rx_over_errors),
	STATISTIC(rx_packets),
	STATISTIC(tx_bytes),
	STATISTIC(tx_dropped),
	STATISTIC(tx_errors),
	STATISTIC(tx_packets),
	{0},
};
static const struct proc_entry dev_entries[] = {
	PROC_FILE("addr_len", show_addr_len),
	PROC_FILE("address", show_address),
	PROC_FILE("broadcast", show_broadcast),
	PROC_FILE("carrier", show_carrier),
	PROC_FILE_RW("flags", show_flags, write_flags),
	PROC_FILE("ifindex", show_ifindex),
	PROC_FILE("iflink", show_iflink),
	PROC_FILE_RW("mtu", show_mtu, write_mtu),
	PROC_FILE("operstate", show_operstate),
	{.name = "statistics", .mode = S_IFDIR | 0555, .children = statistics},
	PROC_FILE_RW("tx_queue_len", show_queue_len, write_queue_len),
	PROC_FILE("type", show_type),
	PROC_FILE("uevent", show_uevent),
	{0},
};
static const struct proc_entry dev_dir = {.name = "DEV",
	.mode = S_IFDIR | 0555,
	.children = dev_entries,
	.dir = &sysfs_bridge_dir,
	.unsure = true};
static const struct proc_dir net_dir = {.lookup = net_lookup, .next = net_next};

static int net_lookup(
	const struct proc_node *dir, const char *name, unsigned len, struct proc_node *out)
{
	char copy[NETDEV_NAME];
	struct netdev *d;

	(void)dir;
	if (len >= sizeof(copy))
		return -ENOENT;
	memcpy(copy, name, len);
	copy[len] = '\0';
	d = netdev_get_by_name(net_current(), copy);
	if (!d)
		return -ENOENT;
	*out = (struct proc_node){.entry = &dev_dir, .index = d->ifindex};
	netdev_put(d);
	return 0;
}

static bool net_next(const struct proc_node *dir, uint32_t *key, char name[16], mode_t *mode)
{
	struct netdev *d;
	bool found = false;

	(void)dir;
	net_config_lock();
	list_for_each_entry (d, &net_current()->devices, node) {
		if (d->ifindex < *key)
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

/* ---- devices/system/cpu ---- */

static int show_cpus(struct text *t, const struct proc_node *n)
{
	unsigned cpus = cpu_count();

	(void)n;
	text_add(t, cpus > 1 ? "0-%u\n" : "%u\n", cpus - 1);
	return 0;
}

static int show_kernel_max(struct text *t, const struct proc_node *n)
{
	(void)n;
	text_add(t, "%u\n", MAX_CPUS - 1);
	return 0;
}

static const struct proc_entry no_entries[] = {{0}};
static const struct proc_entry one_cpu_entry = {
	.name = "CPU", .mode = S_IFDIR | 0555, .children = no_entries};

static int cpu_lookup(
	const struct proc_node *dir, const char *name, unsigned len, struct proc_node *out)
{
	uint32_t cpu;

	(void)dir;
	if (len < 4 || memcmp(name, "cpu", 3) || proc_number(name + 3, len - 3, &cpu) ||
		cpu >= cpu_count())
		return -ENOENT;
	*out = (struct proc_node){.entry = &one_cpu_entry, .index = cpu};
	return 0;
}

static bool cpu_next(const struct proc_node *dir, uint32_t *key, char name[16], mode_t *mode)
{
	(void)dir;
	*mode = S_IFDIR;
	snprintf(name, 16, "cpu%u", *key);
	return *key < cpu_count();
}

static const struct proc_dir cpu_dir = {.lookup = cpu_lookup, .next = cpu_next};
static const struct proc_entry cpu_entries[] = {
	PROC_FILE("kernel_max", show_kernel_max),
	PROC_FILE("online", show_cpus),
	PROC_FILE("possible", show_cpus),
	PROC_FILE("present", show_cpus),
	{0},
};

/* ---- the tree ---- */

static int show_unsupported(struct text *t, const struct proc_node *n)
{
	struct unsupported_row row;

	(void)n;
	for (unsigned i = 0; unsupported_get(i, &row); i++)
		text_add(t, "%s\t%s\t%lld\t%u\n", row.program, row.what, (long long)row.value,
			row.count);
	return 0;
}

#define DIRECTORY(n, list)                                                                         \
	{                                                                                          \
		.name = n, .mode = S_IFDIR | 0555, .children = list                                \
	}
static const struct proc_entry system_entries[] = {
	{.name = "cpu", .mode = S_IFDIR | 0555, .children = cpu_entries, .dir = &cpu_dir},
	{0},
};
static const struct proc_entry devices_entries[] = {DIRECTORY("system", system_entries), {0}};
static const struct proc_entry class_entries[] = {
	{.name = "net", .mode = S_IFDIR | 0555, .dir = &net_dir},
	{0},
};
static const struct proc_entry ambit_entries[] = {PROC_FILE("unsupported", show_unsupported), {0}};
static const struct proc_entry kernel_entries[] = {DIRECTORY("ambit", ambit_entries), {0}};
static const struct proc_entry fs_entries[] = {DIRECTORY("cgroup", no_entries), {0}};
static const struct proc_entry root_entries[] = {
	DIRECTORY("block", no_entries),
	DIRECTORY("bus", no_entries),
	DIRECTORY("class", class_entries),
	DIRECTORY("dev", no_entries),
	DIRECTORY("devices", devices_entries),
	DIRECTORY("firmware", no_entries),
	DIRECTORY("fs", fs_entries),
	DIRECTORY("kernel", kernel_entries),
	{0},
};
static const struct proc_entry root_entry = {
	.name = "sys", .mode = S_IFDIR | 0555, .children = root_entries};

static int sys_statfs(struct super *sb, struct kstatfs *out)
{
	(void)sb;
	*out = (struct kstatfs){
		.type = 0x62656572, .bsize = PAGE_SIZE, .frsize = PAGE_SIZE, .namelen = NAME_MAX};
	return 0;
}

static const struct super_ops sys_super_ops = {.alloc_inode = entry_alloc_inode,
	.free_inode = entry_free_inode,
	.evict = entry_evict,
	.statfs = sys_statfs};

static int sys_fill_super(struct super *sb, const char *options, bool silent)
{
	(void)options;
	(void)silent;
	return entry_fill_super(sb, &root_entry, &sys_super_ops);
}

static struct fs_type sys_type = {
	.name = "sysfs", .nodev = true, .single = true, .fill_super = sys_fill_super};

void sysfs_init(void)
{
	fs_register(&sys_type);
}
