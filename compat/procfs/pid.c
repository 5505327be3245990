/*
 * pid.c - the folders of processes and threads: which there are, what lies in them, their links and
 * small files.
 */
#include "procfs.h"
#include <arch/mmu.h>
#include <printf.h>
#include <vm.h>

struct mm *proc_node_mm(const struct proc_node *n)
{
	struct task *t = proc_node_task(n);
	struct mm *m = t ? task_mm_get(t) : NULL;

	if (t)
		task_put(t);
	return m;
}

/* ---- which processes and threads there are ---- */

static const struct proc_entry pid_entry, tid_entry, fd_link_entry[4], fdinfo_entry;

static int pid_lookup(
	const struct proc_node *dir, const char *name, unsigned len, struct proc_node *out)
{
	uint32_t pid;
	int err = proc_number(name, len, &pid);

	(void)dir;
	if (err)
		return err;
	out->process = process_find((pid_t)pid);
	if (!out->process)
		return -ENOENT;
	out->entry = &pid_entry;
	return 0;
}

static bool pid_next(const struct proc_node *dir, uint32_t *key, char name[16], mode_t *mode)
{
	struct process *p = process_next((pid_t)*key - 1);

	(void)dir;
	if (!p)
		return false;
	*key = (uint32_t)p->pid;
	*mode = S_IFDIR;
	snprintf(name, 16, "%d", p->pid);
	process_put(p);
	return true;
}
const struct proc_dir proc_pid_dir = {.lookup = pid_lookup, .next = pid_next};

static int task_lookup(
	const struct proc_node *dir, const char *name, unsigned len, struct proc_node *out)
{
	struct task *t;
	uint32_t tid;
	int err = proc_number(name, len, &tid);

	if (err)
		return err;
	t = task_find((pid_t)tid);
	if (!t)
		return -ENOENT;
	err = t->process == dir->process ? 0 : -ENOENT;
	task_put(t);
	if (err)
		return err;
	*out = (struct proc_node){
		.entry = &tid_entry, .process = process_get(dir->process), .tid = (pid_t)tid};
	return 0;
}

static bool task_next(const struct proc_node *dir, uint32_t *key, char name[16], mode_t *mode)
{
	struct task *t = thread_next(dir->process, (pid_t)*key - 1);

	if (!t)
		return false;
	*key = (uint32_t)t->tid;
	*mode = S_IFDIR;
	snprintf(name, 16, "%d", t->tid);
	task_put(t);
	return true;
}
const struct proc_dir proc_task_dir = {.lookup = task_lookup, .next = task_next};

/* ---- descriptors ---- */

static struct files *node_files(const struct proc_node *n)
{
	struct task *t = proc_node_task(n);
	struct files *f = t ? task_files_get(t) : NULL;

	if (t)
		task_put(t);
	return f;
}

/* Descriptor @fd itself: referenced file or NULL. */
static struct file *node_file(const struct proc_node *n, int fd)
{
	struct files *fs = node_files(n);
	struct file *f = NULL;

	if (!fs)
		return NULL;
	if (fd_next(fs, (unsigned)fd, &f) != fd && f) {
		file_put(f);
		f = NULL;
	}
	files_put(fs);
	return f;
}

static int fd_entry_lookup(const struct proc_node *dir, const char *name, unsigned len,
	struct proc_node *out, const struct proc_entry *e)
{
	unsigned way;
	struct file *f;
	uint32_t fd;
	int err = proc_number(name, len, &fd);

	if (err)
		return err;
	if (!proc_may_look(dir))
		return -EACCES;
	f = node_file(dir, (int)fd);
	if (!f)
		return -ENOENT;
	way = (f->mode & FMODE_READ ? 1u : 0u) | (f->mode & FMODE_WRITE ? 2u : 0u);
	file_put(f);
	*out = (struct proc_node){.entry = e == fd_link_entry ? &fd_link_entry[way] : e,
		.process = process_get(dir->process),
		.tid = dir->tid,
		.fd = -(int)fd - 1};
	return 0;
}

static int fd_lookup(
	const struct proc_node *dir, const char *name, unsigned len, struct proc_node *out)
{
	return fd_entry_lookup(dir, name, len, out, fd_link_entry);
}

static int fdinfo_lookup(
	const struct proc_node *dir, const char *name, unsigned len, struct proc_node *out)
{
	return fd_entry_lookup(dir, name, len, out, &fdinfo_entry);
}

static bool fd_dir_next(const struct proc_node *dir, uint32_t *key, char name[16], mode_t *mode)
{
	struct files *fs = proc_may_look(dir) ? node_files(dir) : NULL;
	struct file *f = NULL;
	int fd;

	if (!fs)
		return false;
	fd = fd_next(fs, *key, &f);
	files_put(fs);
	if (fd < 0)
		return false;
	file_put(f);
	*key = (uint32_t)fd;
	*mode = dir->entry->dir == &proc_fd_dir ? S_IFLNK : S_IFREG;
	snprintf(name, 16, "%d", fd);
	return true;
}
const struct proc_dir proc_fd_dir = {.lookup = fd_lookup, .next = fd_dir_next};
const struct proc_dir proc_fdinfo_dir = {.lookup = fdinfo_lookup, .next = fd_dir_next};

static int follow_fd(const struct proc_node *n, struct path *out)
{
	struct file *f = node_file(n, -n->fd - 1);

	if (!f)
		return -ENOENT;
	*out = f->path;
	path_get(out);
	file_put(f);
	return 0;
}

struct info_text {
	struct file_info info;
	struct text *text;
};

static void info_print(struct file_info *i, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text_vadd(container_of(i, struct info_text, info)->text, fmt, ap);
	va_end(ap);
}

static int show_fdinfo(struct text *t, const struct proc_node *n)
{
	struct info_text more = {.info = {.print = info_print}, .text = t};
	struct file *f = node_file(n, -n->fd - 1);

	if (!f)
		return -ENOENT;
	text_add(t, "pos:\t%lld\nflags:\t0%o\nmnt_id:\t%d\nino:\t%llu\n", (long long)f->pos,
		READ_ONCE(f->flags), f->path.mnt ? f->path.mnt->id : 0,
		(unsigned long long)f->inode->ino);
	if (f->ops->info)
		f->ops->info(f, &more.info);
	file_put(f);
	return 0;
}

/* ---- links ---- */

static int follow_exe(const struct proc_node *n, struct path *out)
{
	struct mm *m = proc_node_mm(n);
	int err = -ENOENT;

	if (!m)
		return err;
	rwsem_read_lock(&m->lock);
	if (m->exe) {
		*out = m->exe->path;
		path_get(out);
		err = 0;
	}
	rwsem_read_unlock(&m->lock);
	mm_put(m);
	return err;
}

static int follow_fs(const struct proc_node *n, struct path *out, bool root)
{
	struct task *t = proc_node_task(n);
	struct fs_context *fs = t ? task_fs_get(t) : NULL;

	if (t)
		task_put(t);
	if (!fs)
		return -ENOENT;
	spin_lock(&fs->lock);
	*out = root ? fs->root : fs->cwd;
	path_get(out);
	spin_unlock(&fs->lock);
	fs_context_put(fs);
	return 0;
}

/* namespaces(7): equal texts, equal namespaces. They cannot be opened. */
static int link_mount_ns(const struct proc_node *n, char *buf, size_t size)
{
	struct task *t = proc_node_task(n);
	struct fs_context *fs = t ? task_fs_get(t) : NULL;

	if (t)
		task_put(t);
	if (!fs)
		return -ENOENT;
	spin_lock(&fs->lock);
	snprintf(buf, size, "mnt:[%u]", fs->ns->id);
	spin_unlock(&fs->lock);
	fs_context_put(fs);
	return 0;
}

static int follow_cwd(const struct proc_node *n, struct path *out)
{
	return follow_fs(n, out, false);
}

static int follow_root(const struct proc_node *n, struct path *out)
{
	return follow_fs(n, out, true);
}

/* ---- memory of the program ---- */

/* Bytes [from, to) of the address space, at most a few pages of them. */
static int show_memory(struct text *t, const struct proc_node *n, bool env)
{
	struct mm *m = proc_node_mm(n);
	char *buf;
	vaddr_t at, end;

	if (!m)
		return 0; /* a zombie or a kernel thread has none: an empty file */
	buf = kmalloc(PAGE_SIZE, GFP_KERNEL);
	at = env ? m->env_start : m->arg_start;
	end = env ? m->env_end : m->arg_end;
	while (buf && at < end) {
		ssize_t got = mm_access(m, at, buf, MIN(end - at, PAGE_SIZE), false, false);

		if (got <= 0)
			break;
		text_bytes(t, buf, (size_t)got);
		at += (size_t)got;
	}
	mm_put(m);
	if (!buf)
		return -ENOMEM;
	kfree(buf);
	return 0;
}

static int show_cmdline(struct text *t, const struct proc_node *n)
{
	return show_memory(t, n, false);
}

static int show_environ(struct text *t, const struct proc_node *n)
{
	return show_memory(t, n, true);
}

static int show_auxv(struct text *t, const struct proc_node *n)
{
	struct mm *m = proc_node_mm(n);

	if (!m)
		return 0;
	text_bytes(t, m->auxv, m->auxv_words * sizeof(m->auxv[0]));
	mm_put(m);
	return 0;
}

static ssize_t mem_rw(struct file *f, struct iov_iter *it, int64_t *pos, bool write)
{
	struct mm *m = f->private;
	char *buf = kmalloc(PAGE_SIZE, GFP_KERNEL);
	ssize_t done = 0, n = 0;

	if (!m || !buf)
		n = m ? -ENOMEM : 0;
	while (m && buf && it->count) {
		size_t want = MIN(it->count, PAGE_SIZE);

		if (write && copy_from_iter(buf, want, it) != want)
			n = -EFAULT;
		else
			n = mm_access(m, (vaddr_t)*pos, buf, want, write, write);
		if (n == -EFAULT && !done)
			n = -EIO;
		if (n <= 0)
			break;
		if (!write && copy_to_iter(buf, (size_t)n, it) != (size_t)n) {
			n = -EFAULT;
			break;
		}
		*pos += n;
		done += n;
	}
	kfree(buf);
	return done ? done : n;
}

static ssize_t mem_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	return mem_rw(f, to, pos, false);
}

static ssize_t mem_write(struct file *f, struct iov_iter *from, int64_t *pos)
{
	return mem_rw(f, from, pos, true);
}

/*
 * The address space is that of the opening: what the process executes later may have more rights
 * than who holds the file. Taken before the look at the rights: exec withdraws them first.
 */
static int mem_open(struct inode *i, struct file *f)
{
	struct mm *m = proc_node_mm(i->private);

	if (!proc_may_look(i->private)) {
		if (m)
			mm_put(m);
		return -EACCES;
	}
	f->private = m;
	return 0;
}

static void mem_release(struct file *f)
{
	if (f->private)
		mm_put(f->private);
}

static int64_t mem_seek(struct file *f, int64_t off, int whence)
{
	if (whence == SEEK_CUR)
		off = (int64_t)((uint64_t)off + (uint64_t)f->pos);
	else if (whence != SEEK_SET)
		return -EINVAL;
	f->pos = off; /* addresses: any value is a position, and their sum wraps around */
	return off;
}
const struct file_ops proc_mem_fops = {
	.open = mem_open,
	.release = mem_release,
	.read = mem_read,
	.write = mem_write,
	.seek = mem_seek,
};

/* ---- small files ---- */

static int show_comm(struct text *t, const struct proc_node *n)
{
	struct task *task = proc_node_task(n);

	if (!task)
		return -ESRCH;
	text_add(t, "%.15s\n", task->name);
	task_put(task);
	return 0;
}

static ssize_t write_comm(const struct proc_node *n, char *s, size_t len)
{
	struct task *task;

	if (n->process != current->process)
		return -EINVAL;
	task = proc_node_task(n);
	if (!task)
		return -ESRCH;
	strlcpy(task->name, s, sizeof(task->name));
	task_put(task);
	return (ssize_t)len;
}

static int show_limits(struct text *t, const struct proc_node *n)
{
	static const struct {
		const char *name, *unit;
	} row[RLIMIT_COUNT] = {
		{"Max cpu time", "seconds"},
		{"Max file size", "bytes"},
		{"Max data size", "bytes"},
		{"Max stack size", "bytes"},
		{"Max core file size", "bytes"},
		{"Max resident set", "bytes"},
		{"Max processes", "processes"},
		{"Max open files", "files"},
		{"Max locked memory", "bytes"},
		{"Max address space", "bytes"},
		{"Max file locks", "locks"},
		{"Max pending signals", "signals"},
		{"Max msgqueue size", "bytes"},
		{"Max nice priority", ""},
		{"Max realtime priority", ""},
		{"Max realtime timeout", "us"},
	};

	text_add(t, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (unsigned i = 0; i < RLIMIT_COUNT; i++) {
		struct rlimit l = n->process->limits[i];
		char soft[24] = "unlimited", hard[24] = "unlimited";

		if (l.cur != RLIM_INFINITY)
			snprintf(soft, sizeof(soft), "%llu", (unsigned long long)l.cur);
		if (l.max != RLIM_INFINITY)
			snprintf(hard, sizeof(hard), "%llu", (unsigned long long)l.max);
		text_add(t, "%-25s %-20s %-20s %-10s\n", row[i].name, soft, hard, row[i].unit);
	}
	return 0;
}

static int show_statm(struct text *t, const struct proc_node *n)
{
	struct mm *m = proc_node_mm(n);

	if (!m) {
		text_add(t, "0 0 0 0 0 0 0\n");
		return 0;
	}
	text_add(t, "%llu %llu %llu %llu 0 %llu 0\n", (unsigned long long)m->total_pages,
		(unsigned long long)mm_rss(m),
		(unsigned long long)(atomic64_read(&m->file_pages) +
				     atomic64_read(&m->shmem_pages)),
		(unsigned long long)((ALIGN_UP(m->code_end, PAGE_SIZE) -
					     ALIGN_DOWN(m->code_start, PAGE_SIZE)) /
				     PAGE_SIZE),
		(unsigned long long)(m->data_pages + m->stack_pages));
	mm_put(m);
	return 0;
}

static int show_cgroup(struct text *t, const struct proc_node *n)
{
	(void)n;
	text_add(t, "0::/\n");
	return 0;
}

static int show_oom_score_adj(struct text *t, const struct proc_node *n)
{
	text_add(t, "%d\n", n->process->oom_score_adj);
	return 0;
}

static ssize_t write_oom_score_adj(const struct proc_node *n, char *s, size_t len)
{
	bool minus = *s == '-';
	const char *end;
	uint64_t v = strtou64(s + minus, &end, 10);
	int adj = minus ? -(int)MIN(v, 2000ull) : (int)MIN(v, 2000ull);

	if (end == s + minus || (*end && *end != '\n') || adj < -1000 || adj > 1000)
		return -EINVAL;
	if (adj < n->process->oom_score_adj && !capable(CAP_SYS_RESOURCE))
		return -EACCES;
	n->process->oom_score_adj = (int16_t)adj;
	return (ssize_t)len;
}

static int show_io(struct text *t, const struct proc_node *n)
{
	const struct process *p = n->process;

	text_add(t,
		"rchar: %llu\nwchar: %llu\nsyscr: %llu\nsyscw: %llu\nread_bytes: "
		"%llu\nwrite_bytes: %llu\ncancelled_write_bytes: 0\n",
		(unsigned long long)p->io_rchar, (unsigned long long)p->io_wchar,
		(unsigned long long)p->io_syscr, (unsigned long long)p->io_syscw,
		(unsigned long long)p->io_read_bytes, (unsigned long long)p->io_write_bytes);
	return 0;
}

static int show_personality(struct text *t, const struct proc_node *n)
{
	struct task *task = proc_node_task(n);

	if (!task)
		return -ESRCH;
	text_add(t, "%08x\n", task->uthread->personality);
	task_put(task);
	return 0;
}

static const struct proc_entry ns_entries[] = {
	{.name = "mnt", .mode = S_IFLNK | 0777, .link = link_mount_ns}, {0}};

#define THREAD_ENTRIES                                                                             \
	{.name = "auxv", .mode = S_IFREG | 0400, .show = show_auxv, .guarded = true},              \
		PROC_FILE("cgroup", show_cgroup), PROC_FILE("cmdline", show_cmdline),              \
		PROC_FILE_RW("comm", show_comm, write_comm),                                       \
		{.name = "cwd", .mode = S_IFLNK | 0777, .follow = follow_cwd},                     \
		{.name = "environ",                                                                \
			.mode = S_IFREG | 0400,                                                    \
			.show = show_environ,                                                      \
			.guarded = true},                                                          \
		{.name = "exe", .mode = S_IFLNK | 0777, .follow = follow_exe},                     \
		{.name = "fd", .mode = S_IFDIR | 0500, .dir = &proc_fd_dir},                       \
		{.name = "fdinfo", .mode = S_IFDIR | 0555, .dir = &proc_fdinfo_dir},               \
		{.name = "io", .mode = S_IFREG | 0400, .show = show_io, .guarded = true},          \
		PROC_FILE("limits", show_limits),                                                  \
		{.name = "maps", .mode = S_IFREG | 0444, .show = proc_show_maps, .guarded = true}, \
		{.name = "mem", .mode = S_IFREG | 0600, .fops = &proc_mem_fops},                   \
		PROC_FILE("mountinfo", proc_show_mountinfo),                                       \
		PROC_FILE("mounts", proc_show_mounts),                                             \
		{.name = "net", .mode = S_IFDIR | 0555, .children = proc_net_entries},             \
		PROC_FILE_RW("oom_score_adj", show_oom_score_adj, write_oom_score_adj),            \
		{.name = "ns", .mode = S_IFDIR | 0511, .children = ns_entries},                    \
		{.name = "personality",                                                            \
			.mode = S_IFREG | 0400,                                                    \
			.show = show_personality,                                                  \
			.guarded = true},                                                          \
		{.name = "root", .mode = S_IFLNK | 0777, .follow = follow_root},                   \
		{.name = "smaps",                                                                  \
			.mode = S_IFREG | 0444,                                                    \
			.show = proc_show_smaps,                                                   \
			.guarded = true},                                                          \
		{.name = "smaps_rollup",                                                           \
			.mode = S_IFREG | 0444,                                                    \
			.show = proc_show_smaps_rollup,                                            \
			.guarded = true},                                                          \
		PROC_FILE("stat", proc_show_stat), PROC_FILE("statm", show_statm),                 \
		PROC_FILE("status", proc_show_status)

const struct proc_entry proc_pid_entries[] = {
	THREAD_ENTRIES,
	{.name = "task", .mode = S_IFDIR | 0555, .dir = &proc_task_dir},
	{0},
};
const struct proc_entry proc_tid_entries[] = {THREAD_ENTRIES, {0}};
static const struct proc_entry pid_entry = {
	.name = "PID", .mode = S_IFDIR | 0555, .children = proc_pid_entries};
static const struct proc_entry tid_entry = {
	.name = "TID", .mode = S_IFDIR | 0555, .children = proc_tid_entries};
/* By how the file is open: not at all (O_PATH), for reading, writing, both. */
static const struct proc_entry fd_link_entry[4] = {
	{.name = "FD", .mode = S_IFLNK, .follow = follow_fd},
	{.name = "FD", .mode = S_IFLNK | 0500, .follow = follow_fd},
	{.name = "FD", .mode = S_IFLNK | 0300, .follow = follow_fd},
	{.name = "FD", .mode = S_IFLNK | 0700, .follow = follow_fd},
};
static const struct proc_entry fdinfo_entry = {
	.name = "FDINFO", .mode = S_IFREG | 0444, .show = show_fdinfo, .guarded = true};
