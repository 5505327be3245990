/*
 * sys.c - /proc/sys: settings and facts that programs look up. Only what the kernel really does is
 * writable.
 */
#include "procfs.h"
#include <abi/version.h>
#include <events.h>
#include <ipc.h>
#include <pagecache.h>
#include <policy.h>
#include <printf.h>
#include <random.h>
#include <vm.h>

#define SHOW_TEXT(fn, ...)                                                                         \
	static int fn(struct text *t, const struct proc_node *n)                                   \
	{                                                                                          \
		(void)n;                                                                           \
		text_add(t, __VA_ARGS__);                                                          \
		return 0;                                                                          \
	}
SHOW_TEXT(show_hostname, "%s\n", uts.hostname)
SHOW_TEXT(show_domainname, "%s\n", *uts.domainname ? uts.domainname : "(none)")
SHOW_TEXT(show_ostype, ABI_SYSNAME "\n")
SHOW_TEXT(show_osrelease, ABI_RELEASE "\n")
SHOW_TEXT(show_version, ABI_VERSION "\n")
SHOW_TEXT(show_pid_max, "32768\n")
SHOW_TEXT(show_cap_last_cap, "%d\n", CAP_COUNT - 1)
SHOW_TEXT(show_ngroups_max, "65536\n")
SHOW_TEXT(show_overflow_id, "65534\n")
SHOW_TEXT(show_randomize, "2\n")
SHOW_TEXT(show_core_pattern, "core\n")
SHOW_TEXT(show_entropy, "256\n")
SHOW_TEXT(show_shmmax, "%llu\n", (unsigned long long)SHM_MAX_BYTES)
SHOW_TEXT(show_shmall, "%llu\n", (unsigned long long)SHM_MAX_PAGES)
SHOW_TEXT(show_shmmni, "%d\n", SHM_MAX_OBJECTS)
SHOW_TEXT(show_sem, "%d\t%d\t%d\t%d\n", SEM_MAX_PER_SET, SEM_MAX_IN_ALL, SEM_MAX_OPS, SEM_MAX_SETS)
SHOW_TEXT(show_msgmax, "%d\n", MSG_MAX_BYTES)
SHOW_TEXT(show_msgmnb, "%d\n", MSG_MAX_QUEUED)
SHOW_TEXT(show_msgmni, "%d\n", MSG_MAX_QUEUES)
SHOW_TEXT(show_nr_open, "1048576\n")
SHOW_TEXT(show_pipe_max, "1048576\n")
SHOW_TEXT(show_max_map_count, "65530\n")
SHOW_TEXT(show_swappiness, "0\n")
SHOW_TEXT(show_overcommit, "%d\n", overcommit_memory)
SHOW_TEXT(show_mmap_min_addr, "%llu\n", (unsigned long long)mmap_min_addr)

static ssize_t write_overcommit(const struct proc_node *n, char *s, size_t len)
{
	(void)n;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (!len || s[0] < '0' || s[0] > '2' || (len > 1 && s[1] != '\n'))
		return -EINVAL;
	overcommit_memory = s[0] - '0';
	return (ssize_t)len;
}

static ssize_t write_mmap_min_addr(const struct proc_node *n, char *s, size_t len)
{
	const char *end;
	uint64_t value;

	(void)n;
	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;
	value = strtou64(s, &end, 10);
	if (end == s || (*end && *end != '\n') || value >= USER_END)
		return -EINVAL;
	mmap_min_addr = value;
	return (ssize_t)len;
}

static ssize_t write_name(char *to, size_t size, char *s, size_t len)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (policy_sys(current->cred, POLICY_HOSTNAME))
		return -EPERM;
	if (len && s[len - 1] == '\n')
		s[len - 1] = '\0';
	strlcpy(to, s, size);
	return (ssize_t)len;
}

static ssize_t write_hostname(const struct proc_node *n, char *s, size_t len)
{
	(void)n;
	return write_name(uts.hostname, sizeof(uts.hostname), s, len);
}

static ssize_t write_domainname(const struct proc_node *n, char *s, size_t len)
{
	(void)n;
	return write_name(uts.domainname, sizeof(uts.domainname), s, len);
}

static void text_uuid(struct text *t, const uint8_t r[16])
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned v = i == 6   ? (r[i] & 0x0fu) | 0x40u
			     : i == 8 ? (r[i] & 0x3fu) | 0x80u
				      : r[i]; /* RFC 9562, version 4 */

		text_add(t, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", v);
	}
	text_add(t, "\n");
}

static int show_uuid(struct text *t, const struct proc_node *n)
{
	uint8_t r[16];

	(void)n;
	random_bytes(r, sizeof(r));
	text_uuid(t, r);
	return 0;
}

static int show_boot_id(struct text *t, const struct proc_node *n)
{
	static uint8_t id[16];
	static uint32_t made; /* 0 not, 1 being made, 2 made */

	(void)n;
	if (READ_ONCE(made) != 2) {
		uint32_t none = 0;

		if (__atomic_compare_exchange_n(
			    &made, &none, 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
			random_bytes(id, sizeof(id));
			smp_store_release(&made, 2);
		}
		while (smp_load_acquire(&made) != 2)
			cpu_relax();
	}
	text_uuid(t, id);
	return 0;
}

static int show_file_nr(struct text *t, const struct proc_node *n)
{
	struct file_stats s;

	(void)n;
	file_stats(&s);
	text_add(t, "%llu\t0\t%llu\n", (unsigned long long)s.open, (unsigned long long)s.max);
	return 0;
}

static int show_file_max(struct text *t, const struct proc_node *n)
{
	struct file_stats s;

	(void)n;
	file_stats(&s);
	text_add(t, "%llu\n", (unsigned long long)s.max);
	return 0;
}

static int show_inotify(struct text *t, const struct proc_node *n)
{
	text_add(t, "%u\n", READ_ONCE(inotify_limits[n->entry->index]));
	return 0;
}

static ssize_t write_inotify(const struct proc_node *n, char *s, size_t len)
{
	const char *end;
	uint64_t value;

	if (!capable(CAP_SYS_RESOURCE))
		return -EPERM;
	value = strtou64(s, &end, 10);
	if (end == s || (*end && *end != '\n') || value > INT32_MAX)
		return -EINVAL;
	WRITE_ONCE(inotify_limits[n->entry->index], (uint32_t)value);
	return (ssize_t)len;
}

#define INOTIFY_LIMIT(n, which)                                                                    \
	{                                                                                          \
		.name = n, .mode = S_IFREG | 0644, .show = show_inotify, .write = write_inotify,   \
		.index = which                                                                     \
	}
static const struct proc_entry inotify_entries[] = {
	INOTIFY_LIMIT("max_queued_events", INOTIFY_MAX_EVENTS),
	INOTIFY_LIMIT("max_user_instances", INOTIFY_MAX_INSTANCES),
	INOTIFY_LIMIT("max_user_watches", INOTIFY_MAX_WATCHES),
	{0},
};
static const struct proc_entry random_entries[] = {
	PROC_FILE("boot_id", show_boot_id),
	PROC_FILE("entropy_avail", show_entropy),
	PROC_FILE("poolsize", show_entropy),
	PROC_FILE("uuid", show_uuid),
	{0},
};
static const struct proc_entry kernel_entries[] = {
	PROC_FILE("cap_last_cap", show_cap_last_cap),
	PROC_FILE("core_pattern", show_core_pattern),
	PROC_FILE_RW("domainname", show_domainname, write_domainname),
	PROC_FILE_RW("hostname", show_hostname, write_hostname),
	PROC_FILE("msgmax", show_msgmax),
	PROC_FILE("msgmnb", show_msgmnb),
	PROC_FILE("msgmni", show_msgmni),
	PROC_FILE("ngroups_max", show_ngroups_max),
	PROC_FILE("osrelease", show_osrelease),
	PROC_FILE("ostype", show_ostype),
	PROC_FILE("overflowgid", show_overflow_id),
	PROC_FILE("overflowuid", show_overflow_id),
	PROC_FILE("pid_max", show_pid_max),
	{.name = "random", .mode = S_IFDIR | 0555, .children = random_entries},
	PROC_FILE("randomize_va_space", show_randomize),
	PROC_FILE("sem", show_sem),
	PROC_FILE("shmall", show_shmall),
	PROC_FILE("shmmax", show_shmmax),
	PROC_FILE("shmmni", show_shmmni),
	PROC_FILE("version", show_version),
	{0},
};
static const struct proc_entry vm_entries[] = {
	PROC_FILE("max_map_count", show_max_map_count),
	PROC_FILE_RW("mmap_min_addr", show_mmap_min_addr, write_mmap_min_addr),
	PROC_FILE_RW("overcommit_memory", show_overcommit, write_overcommit),
	PROC_FILE("swappiness", show_swappiness),
	{0},
};
static const struct proc_entry fs_entries[] = {
	PROC_FILE("file-max", show_file_max),
	PROC_FILE("file-nr", show_file_nr),
	{.name = "inotify", .mode = S_IFDIR | 0555, .children = inotify_entries},
	PROC_FILE("nr_open", show_nr_open),
	PROC_FILE("pipe-max-size", show_pipe_max),
	{0},
};
struct proc_entry proc_sys_entries[] = {
	{.name = "fs", .mode = S_IFDIR | 0555, .children = fs_entries},
	{.name = "kernel", .mode = S_IFDIR | 0555, .children = kernel_entries},
	{.name = "net", .mode = S_IFDIR | 0555},
	{.name = "vm", .mode = S_IFDIR | 0555, .children = vm_entries},
	{0},
};

/* "net" is made from the network room's list. */
void proc_sys_init(void)
{
	for (struct proc_entry *e = proc_sys_entries; e->name; e++)
		if (!strcmp(e->name, "net"))
			proc_net_sysctl_init(e);
}
