/*
 * root.c - the files of /proc that speak of the whole system: memory, processors, load, devices.
 */
#include "procfs.h"
#include <abi/version.h>
#include <arch/boot.h>
#include <arch/irq.h>
#include <block.h>
#include <page.h>
#include <printf.h>
#include <stat.h>
#include <swap.h>
#include <time.h>

static int show_meminfo(struct text *t, const struct proc_node *n)
{
	struct mem_stats m;

	(void)n;
	mem_stats(&m);
	const struct {
		const char *name;
		uint64_t pages;
	} row[] = {
		{"MemTotal", m.total},
		{"MemFree", m.free},
		{"MemAvailable", m.available},
		{"Buffers", m.buffers},
		{"Cached", m.cached},
		{"SwapCached", 0},
		{"Active", m.active_file + m.anon},
		{"Inactive", m.inactive_file},
		{"Active(anon)", m.anon},
		{"Inactive(anon)", 0},
		{"Active(file)", m.active_file},
		{"Inactive(file)", m.inactive_file},
		{"SwapTotal", m.swap_total},
		{"SwapFree", m.swap_free},
		{"Dirty", m.dirty},
		{"Writeback", m.writeback},
		{"AnonPages", m.anon},
		{"Mapped", m.mapped},
		{"Shmem", m.shmem},
		{"KReclaimable", m.slab_reclaimable},
		{"Slab", m.slab_reclaimable + m.slab_unreclaimable},
		{"SReclaimable", m.slab_reclaimable},
		{"SUnreclaim", m.slab_unreclaimable},
		{"KernelStack", m.kernel_stacks},
		{"PageTables", m.page_tables},
		{"CommitLimit", m.commit_limit},
		{"Committed_AS", m.committed},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		text_add(t, "%s:", row[i].name);
		text_add(t, "%*llu kB\n", (int)(24 - strlen(row[i].name) - 1),
			(unsigned long long)row[i].pages * (PAGE_SIZE / 1024));
	}
	return 0;
}

static int show_cpuinfo(struct text *t, const struct proc_node *n)
{
	char *buf = kmalloc(2 * PAGE_SIZE, GFP_KERNEL);
	unsigned cpu;

	(void)n;
	if (!buf)
		return -ENOMEM;
	for_each_online_cpu (cpu) {
		cpu_describe(cpu, buf, 2 * PAGE_SIZE);
		text_add(t, "%s\n", buf);
	}
	kfree(buf);
	return 0;
}

static void stat_cpu(struct text *t, const char *name, const struct cpu_times *c)
{
	text_add(t, "%s %llu 0 %llu %llu %llu %llu 0 0 0 0\n", name,
		(unsigned long long)(c->user_ns / NS_PER_TICK),
		(unsigned long long)(c->system_ns / NS_PER_TICK),
		(unsigned long long)(c->idle_ns / NS_PER_TICK),
		(unsigned long long)(c->iowait_ns / NS_PER_TICK),
		(unsigned long long)(c->irq_ns / NS_PER_TICK));
}

static uint64_t irqs_total(void)
{
	struct irq_stat s;
	uint64_t sum = 0;

	for (unsigned h = 0; irq_stat_get(h, &s); h++)
		sum += s.used ? s.count : 0;
	return sum;
}

static int64_t boot_seconds(void)
{
	return realtime_offset_ns() / (int64_t)NSEC_PER_SEC;
}

static int show_stat(struct text *t, const struct proc_node *n)
{
	struct cpu_times sum = {0}, c;
	char name[16];
	unsigned cpu;

	(void)n;
	for_each_online_cpu (cpu) {
		sched_cpu_times(cpu, &c);
		sum.user_ns += c.user_ns;
		sum.system_ns += c.system_ns;
		sum.idle_ns += c.idle_ns;
		sum.iowait_ns += c.iowait_ns;
		sum.irq_ns += c.irq_ns;
		sum.switches += c.switches;
	}
	stat_cpu(t, "cpu ", &sum);
	for_each_online_cpu (cpu) {
		sched_cpu_times(cpu, &c);
		snprintf(name, sizeof(name), "cpu%u", cpu);
		stat_cpu(t, name, &c);
	}
	text_add(t,
		"intr %llu\nctxt %llu\nbtime %lld\nprocesses %llu\nprocs_running %u\nprocs_blocked "
		"%u\n",
		(unsigned long long)irqs_total(), (unsigned long long)sum.switches,
		(long long)boot_seconds(), (unsigned long long)forks_total(),
		MAX(sched_nr_running(), 1u), sched_nr_iowait());
	return 0;
}

static int show_loadavg(struct text *t, const struct proc_node *n)
{
	unsigned long avg[3];
	struct process *p;
	unsigned tasks = 0;
	pid_t last = 0;

	(void)n;
	sched_load(avg);
	for (pid_t pid = 0; (p = process_next(pid)); process_put(p)) {
		last = pid = p->pid;
		tasks += READ_ONCE(p->nr_threads);
	}
	for (unsigned i = 0; i < 3; i++)
		text_add(t, "%lu.%02lu ", avg[i] >> 11, (avg[i] & 2047) * 100 >> 11);
	text_add(t, "%u/%u %d\n", MAX(sched_nr_running(), 1u), tasks, last);
	return 0;
}

static int show_uptime(struct text *t, const struct proc_node *n)
{
	uint64_t up = clock_ns() / 10000000, idle = 0;
	struct cpu_times c;
	unsigned cpu;

	(void)n;
	for_each_online_cpu (cpu) {
		sched_cpu_times(cpu, &c);
		idle += c.idle_ns / 10000000;
	}
	text_add(t, "%llu.%02llu %llu.%02llu\n", (unsigned long long)up / 100,
		(unsigned long long)up % 100, (unsigned long long)idle / 100,
		(unsigned long long)idle % 100);
	return 0;
}

static int show_version(struct text *t, const struct proc_node *n)
{
	(void)n;
	text_add(t, ABI_SYSNAME " version " ABI_RELEASE " (ambit@build) (C17) " ABI_VERSION "\n");
	return 0;
}

static int show_filesystems(struct text *t, const struct proc_node *n)
{
	struct fs_type *fs = NULL;

	(void)n;
	while ((fs = fs_next(fs)))
		text_add(t, "%s\t%s\n", fs->needs_dev ? "" : "nodev", fs->name);
	return 0;
}

static int show_partitions(struct text *t, const struct proc_node *n)
{
	struct block_device *b = NULL;

	(void)n;
	text_add(t, "major minor  #blocks  name\n\n");
	while ((b = bdev_next(b))) {
		if (!b->nr_sectors)
			continue; /* loop devices that are free */
		text_add(t, "%4u  %7u %10llu %s\n", MAJOR(b->dev), MINOR(b->dev),
			(unsigned long long)b->nr_sectors / 2, b->name);
	}
	return 0;
}

static int show_diskstats(struct text *t, const struct proc_node *n)
{
	struct block_device *b = NULL;

	(void)n;
	while ((b = bdev_next(b))) {
		const struct block_stats *s = &b->stats;

		text_add(t, "%4u %7u %s %llu 0 %llu %llu %llu 0 %llu %llu %llu %llu %llu\n",
			MAJOR(b->dev), MINOR(b->dev), b->name, (unsigned long long)s->ios[0],
			(unsigned long long)s->sectors[0],
			(unsigned long long)(s->ns[0] / NSEC_PER_MSEC),
			(unsigned long long)s->ios[1], (unsigned long long)s->sectors[1],
			(unsigned long long)(s->ns[1] / NSEC_PER_MSEC),
			(unsigned long long)s->in_flight,
			(unsigned long long)((s->ns[0] + s->ns[1]) / NSEC_PER_MSEC),
			(unsigned long long)((s->ns[0] + s->ns[1]) / NSEC_PER_MSEC));
	}
	return 0;
}

static int show_cmdline(struct text *t, const struct proc_node *n)
{
	(void)n;
	text_add(t, "%s\n", boot_info.cmdline);
	return 0;
}

static int show_devices(struct text *t, const struct proc_node *n)
{
	(void)n;
	text_add(t, "Character devices:\n  1 mem\n  4 tty\n  4 ttyS\n  5 /dev/tty\n  5 "
		    "/dev/console\n  5 /dev/ptmx\n 10 misc\n136 pts\n\n"
		    "Block devices:\n  7 loop\n253 virtblk\n259 blkext\n");
	return 0;
}

static int show_interrupts(struct text *t, const struct proc_node *n)
{
	struct irq_stat s;
	unsigned cpu;

	(void)n;
	text_add(t, "    ");
	for_each_online_cpu (cpu)
		text_add(t, "       CPU%-4u", cpu);
	text_add(t, "\n");
	for (unsigned h = 0; irq_stat_get(h, &s); h++) {
		if (!s.used)
			continue;
		text_add(t, "%3u:", h);
		for_each_online_cpu (cpu)
			text_add(t, " %10llu  ", (unsigned long long)(cpu == s.cpu ? s.count : 0));
		text_add(t, " %s\n", s.name);
	}
	return 0;
}

static void show_swap(const struct file *f, const struct swap_area_info *a, void *arg)
{
	struct text *t = arg;
	size_t start = t->len;

	text_path(t, &f->path, true);
	text_add(t, "%*s%s\t%llu\t\t%llu\t\t%d\n", (int)(40 - MIN(t->len - start, (size_t)39)), "",
		S_ISBLK(f->inode->mode) ? "partition" : "file\t",
		(unsigned long long)a->slots * (PAGE_SIZE / 1024),
		(unsigned long long)a->used * (PAGE_SIZE / 1024), a->priority);
}

static int show_swaps(struct text *t, const struct proc_node *n)
{
	(void)n;
	text_add(t, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	vfs_swaps(show_swap, t);
	return 0;
}

static int show_vmstat(struct text *t, const struct proc_node *n)
{
	struct mem_stats m;

	(void)n;
	mem_stats(&m);
	text_add(t,
		"nr_free_pages %llu\nnr_file_pages %llu\nnr_dirty %llu\nnr_writeback "
		"%llu\nnr_mapped %llu\nnr_anon_pages %llu\nnr_shmem %llu\n",
		(unsigned long long)m.free, (unsigned long long)m.cached,
		(unsigned long long)m.dirty, (unsigned long long)m.writeback,
		(unsigned long long)m.mapped, (unsigned long long)m.anon,
		(unsigned long long)m.shmem);
	text_add(t,
		"pgpgin %llu\npgpgout %llu\npswpin %llu\npswpout %llu\npgfault %llu\npgmajfault "
		"%llu\n",
		(unsigned long long)m.page_ins * 4, (unsigned long long)m.page_outs * 4,
		(unsigned long long)m.swap_ins, (unsigned long long)m.swap_outs,
		(unsigned long long)m.faults, (unsigned long long)m.major_faults);
	return 0;
}

static int show_slabinfo(struct text *t, const struct proc_node *n)
{
	struct slab_info s;

	(void)n;
	text_add(t, "slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize> "
		    "<objperslab> <pagesperslab>\n");
	for (unsigned i = 0; slab_info_get(i, &s); i++)
		text_add(t, "%-17s %6llu %6llu %6llu %4llu %4u\n", s.name,
			(unsigned long long)s.active, (unsigned long long)s.total,
			(unsigned long long)s.size,
			(unsigned long long)(s.size ? PAGE_SIZE / s.size : 0), 1u);
	return 0;
}

static int link_self(const struct proc_node *n, char *buf, size_t size)
{
	(void)n;
	snprintf(buf, size, "%d", current_process()->pid);
	return 0;
}

static int link_thread_self(const struct proc_node *n, char *buf, size_t size)
{
	(void)n;
	snprintf(buf, size, "%d/task/%d", current_process()->pid, current->tid);
	return 0;
}

static int link_mounts(const struct proc_node *n, char *buf, size_t size)
{
	(void)n;
	strlcpy(buf, "self/mounts", size);
	return 0;
}

static int link_net(const struct proc_node *n, char *buf, size_t size)
{
	(void)n;
	strlcpy(buf, "self/net", size);
	return 0;
}

const struct proc_entry proc_root_entries[] = {
	PROC_FILE("cmdline", show_cmdline),
	PROC_FILE("cpuinfo", show_cpuinfo),
	PROC_FILE("devices", show_devices),
	PROC_FILE("diskstats", show_diskstats),
	PROC_FILE("filesystems", show_filesystems),
	PROC_FILE("interrupts", show_interrupts),
	PROC_FILE("loadavg", show_loadavg),
	PROC_FILE("meminfo", show_meminfo),
	{.name = "mounts", .mode = S_IFLNK | 0777, .link = link_mounts},
	{.name = "net", .mode = S_IFLNK | 0777, .link = link_net},
	PROC_FILE("partitions", show_partitions),
	{.name = "self", .mode = S_IFLNK | 0777, .link = link_self},
	{.name = "slabinfo", .mode = S_IFREG | 0400, .show = show_slabinfo},
	PROC_FILE("stat", show_stat),
	PROC_FILE("swaps", show_swaps),
	{.name = "sys", .mode = S_IFDIR | 0555, .children = proc_sys_entries},
	{.name = "sysvipc", .mode = S_IFDIR | 0555, .children = proc_sysvipc_entries},
	{.name = "thread-self", .mode = S_IFLNK | 0777, .link = link_thread_self},
	PROC_FILE("uptime", show_uptime),
	PROC_FILE("version", show_version),
	PROC_FILE("vmstat", show_vmstat),
	{0},
};
