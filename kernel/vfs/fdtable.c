/*
 * fdtable.c - descriptor tables: small integers to files.
 *
 * Does not: know what a file is. Descriptor limits come from proc by files_limit().
 *
 * The table is replaced when it grows; the old one is freed after a grace period, so lookup needs
 * no lock: it reads the slot, takes a reference unless that fell to zero, and checks that the slot
 * still holds this file. A slot may be allocated (bit in open) and still NULL: open(2) reserves the
 * number before it has the file. files->lock guards all changes. A task that is its table's only
 * user borrows the slot's reference for the time of its own system call (fd_begin).
 */
#include "internal.h"
#include <bitmap.h>
#include <sched.h>

#define FIRST_FDS    64u
#define FD_MAX_TABLE (1u << 20)

uint64_t (*files_limit)(void);

static inline struct file *slot_load(struct files *fs, int fd)
{
	struct fdtable *t = rcu_dereference(fs->table);

	return (unsigned)fd < t->max ? rcu_dereference(t->file[fd]) : NULL;
}

struct file *fd_get(int fd)
{
	struct files *fs = current->files;
	struct file *f;

	rcu_read_lock();
	for (;;) {
		f = slot_load(fs, fd);
		if (!f)
			break;
		if (refcount_inc_not_zero(&f->refs)) {
			if (likely(slot_load(fs, fd) == f))
				break;
			rcu_read_unlock();
			file_put(f);
			rcu_read_lock();
		}
	}
	rcu_read_unlock();
	return f;
}

struct fd_ref fd_begin_path(int fd)
{
	struct files *fs = current->files;
	struct file *f;

	if (likely(refcount_read(&fs->refs) == 1))
		return (struct fd_ref){slot_load(fs, fd), false};
	f = fd_get(fd);
	return (struct fd_ref){f, f != NULL}; /* so that fd_end() after a failure is harmless */
}

struct fd_ref fd_begin(int fd)
{
	struct fd_ref r = fd_begin_path(fd);

	if (likely(r.file && !(r.file->mode & FMODE_PATH)))
		return r;
	if (r.file && r.put)
		file_put(r.file);
	return (struct fd_ref){NULL, false};
}

/* ---- growing ---- */

static void table_free(struct rcu_head *h)
{
	struct fdtable *t = container_of(h, struct fdtable, rcu);

	kfree(t->file);
	kfree(t->open);
	kfree(t);
}

static struct fdtable *table_alloc(unsigned max)
{
	struct fdtable *t = kzalloc(sizeof(*t));

	if (!t)
		return NULL;
	t->max = max;
	t->file = kcalloc(max, sizeof(*t->file));
	t->open = kcalloc(2 * BITS_TO_LONGS(max), sizeof(long));
	if (!t->file || !t->open) {
		table_free(&t->rcu);
		return NULL;
	}
	t->cloexec = t->open + BITS_TO_LONGS(max);
	return t;
}

static void table_copy(struct fdtable *to, const struct fdtable *from, unsigned n)
{
	memcpy(to->file, from->file, n * sizeof(*to->file));
	memcpy(to->open, from->open, BITS_TO_LONGS(n) * sizeof(long));
	memcpy(to->cloexec, from->cloexec, BITS_TO_LONGS(n) * sizeof(long));
}

/* files->lock held; dropped and taken again. Room for descriptor @fd: 0 or -errno. */
static int table_grow(struct files *fs, unsigned fd)
{
	struct fdtable *old;
	struct fdtable *t;
	unsigned max = fs->table->max;

	if (fd < max)
		return 0;
	if (fd >= FD_MAX_TABLE)
		return -EMFILE;
	while (max <= fd)
		max *= 2;
	spin_unlock(&fs->lock);
	t = table_alloc(max);
	spin_lock(&fs->lock);
	if (!t)
		return -ENOMEM;
	old = fs->table;
	if (old->max >= max) { /* someone else was faster */
		table_free(&t->rcu);
		return 0;
	}
	table_copy(t, old, old->max);
	rcu_assign(fs->table, t);
	if (old != &fs->first)
		rcu_call(&old->rcu, table_free);
	return 0;
}

/* ---- allocating numbers ---- */

static uint64_t limit(void)
{
	uint64_t n = files_limit ? files_limit() : 1024;

	return n < FD_MAX_TABLE ? n : FD_MAX_TABLE;
}

int fd_alloc(unsigned from, bool cloexec)
{
	struct files *fs = current->files;
	uint64_t max = limit();
	uint64_t fd;
	int err = 0;

	spin_lock(&fs->lock);
	do {
		struct fdtable *t = fs->table;

		fd = from < fs->next_fd ? fs->next_fd : from;
		if (fd < t->max)
			fd = bitmap_find_clear(t->open, t->max, fd);
		err = fd >= max ? -EMFILE : table_grow(fs, (unsigned)fd);
	} while (!err && (fd >= fs->table->max || bit_test(fs->table->open, fd)));
	if (!err) {
		struct fdtable *t = fs->table;

		bit_set(t->open, fd);
		if (cloexec)
			bit_set(t->cloexec, fd);
		else
			bit_clear(t->cloexec, fd);
		if (from <= fs->next_fd)
			fs->next_fd = (uint32_t)fd + 1;
	}
	spin_unlock(&fs->lock);
	return err ? err : (int)fd;
}

void fd_install(int fd, struct file *f)
{
	struct files *fs = current->files;

	if (likely(refcount_read(&fs->refs) == 1)) {
		rcu_assign(fs->table->file[fd], f);
		return;
	}
	spin_lock(&fs->lock); /* not into a table that is just being replaced */
	rcu_assign(fs->table->file[fd], f);
	spin_unlock(&fs->lock);
}

/* files->lock held */
static void number_free(struct files *fs, unsigned fd)
{
	bit_clear(fs->table->open, fd);
	bit_clear(fs->table->cloexec, fd);
	if (fd < fs->next_fd)
		fs->next_fd = fd;
}

void fd_cancel(int fd)
{
	struct files *fs = current->files;

	spin_lock(&fs->lock);
	number_free(fs, (unsigned)fd);
	spin_unlock(&fs->lock);
}

int fd_open(struct file *f, bool cloexec)
{
	int fd = fd_alloc(0, cloexec);

	if (fd >= 0)
		fd_install(fd, f);
	return fd;
}

/* ---- closing ---- */

static int file_close(struct file *f, struct files *fs)
{
	int err = 0;

	if (!(f->mode & FMODE_PATH)) {
		if (f->ops->flush)
			err = f->ops->flush(f);
		if (!list_empty(&f->inode->file_locks))
			locks_close(f, fs);
	}
	file_put(f);
	return err;
}

int fd_close(int fd)
{
	struct files *fs = current->files;
	struct file *f;

	spin_lock(&fs->lock);
	f = slot_load(fs, fd);
	if (f) {
		WRITE_ONCE(fs->table->file[fd], NULL);
		number_free(fs, (unsigned)fd);
	}
	spin_unlock(&fs->lock);
	return f ? file_close(f, fs) : -EBADF;
}

int fd_dup_to(int from, int to, bool cloexec)
{
	struct files *fs = current->files;
	struct file *f;
	struct file *old;
	int err;

	if (to < 0 || (uint64_t)to >= limit())
		return -EBADF;
	f = fd_get(from);
	if (!f)
		return -EBADF;
	spin_lock(&fs->lock);
	err = table_grow(fs, (unsigned)to);
	old = err ? NULL : fs->table->file[to];
	if (!err && !old && bit_test(fs->table->open, (unsigned)to))
		err = -EBUSY; /* reserved by an open(2) of another thread */
	if (err) {
		spin_unlock(&fs->lock);
		file_put(f);
		return err == -EMFILE ? -EBADF : err;
	}
	bit_set(fs->table->open, (unsigned)to);
	if (cloexec)
		bit_set(fs->table->cloexec, (unsigned)to);
	else
		bit_clear(fs->table->cloexec, (unsigned)to);
	rcu_assign(fs->table->file[to], f);
	spin_unlock(&fs->lock);
	if (old)
		(void)file_close(old, fs); /* dup2(2): errors of the close are lost */
	return to;
}

/* Close the next open descriptor in [*fd, to]; false: none left. */
static bool close_next(struct files *fs, unsigned *fd, unsigned to)
{
	struct fdtable *t;
	struct file *f = NULL;

	spin_lock(&fs->lock);
	t = fs->table;
	while (*fd <= to && *fd < t->max && !f) {
		unsigned n = (unsigned)bitmap_find_set(t->open, t->max, *fd);

		*fd = n + 1;
		if (n > to || n >= t->max)
			break;
		f = t->file[n];
		if (f) {
			WRITE_ONCE(t->file[n], NULL);
			number_free(fs, n);
		}
	}
	spin_unlock(&fs->lock);
	if (f)
		(void)file_close(f, fs);
	return f != NULL;
}

int fd_close_range(unsigned from, unsigned to, bool cloexec_only)
{
	struct files *fs = current->files;

	if (from > to)
		return -EINVAL;
	if (!cloexec_only) {
		while (close_next(fs, &from, to))
			cond_resched();
		return 0;
	}
	spin_lock(&fs->lock);
	for (unsigned n = from; n <= to && n < fs->table->max; n++)
		if (bit_test(fs->table->open, n))
			bit_set(fs->table->cloexec, n);
	spin_unlock(&fs->lock);
	return 0;
}

int fd_get_flags(int fd)
{
	struct files *fs = current->files;
	int r = -EBADF;

	spin_lock(&fs->lock);
	if (slot_load(fs, fd))
		r = bit_test(fs->table->cloexec, (unsigned)fd);
	spin_unlock(&fs->lock);
	return r;
}

int fd_set_cloexec(int fd, bool on)
{
	struct files *fs = current->files;
	int err = -EBADF;

	spin_lock(&fs->lock);
	if (slot_load(fs, fd)) {
		if (on)
			bit_set(fs->table->cloexec, (unsigned)fd);
		else
			bit_clear(fs->table->cloexec, (unsigned)fd);
		err = 0;
	}
	spin_unlock(&fs->lock);
	return err;
}

int fd_next(struct files *fs, unsigned from, struct file **out)
{
	int fd = -1;

	spin_lock(&fs->lock);
	for (unsigned n = from; n < fs->table->max && fd < 0; n++) {
		n = (unsigned)bitmap_find_set(fs->table->open, fs->table->max, n);
		if (n < fs->table->max && fs->table->file[n]) {
			*out = file_get(fs->table->file[n]);
			fd = (int)n;
		}
	}
	spin_unlock(&fs->lock);
	return fd;
}

/* ---- tables ---- */

struct files *files_create(void)
{
	struct files *fs = kzalloc(sizeof(*fs));

	if (!fs)
		return NULL;
	refcount_set(&fs->refs, 1);
	spin_init(&fs->lock);
	fs->first = (struct fdtable){.max = FIRST_FDS,
		.file = fs->first_file,
		.open = &fs->first_open,
		.cloexec = &fs->first_cloexec};
	fs->table = &fs->first;
	return fs;
}

/* Descriptors up to which a copy must reach: a power of two. from->lock held. */
static unsigned used_size(const struct fdtable *t)
{
	unsigned n = t->max;

	while (n > FIRST_FDS && bitmap_find_set(t->open, n, n / 2) >= n)
		n /= 2;
	return n;
}

struct files *files_copy(struct files *from)
{
	struct files *fs = files_create();
	struct fdtable *t;
	unsigned n;

	if (!fs)
		return NULL;
	spin_lock(&from->lock);
	while ((n = used_size(from->table)) > fs->table->max) {
		spin_unlock(&from->lock);
		t = table_alloc(n);
		if (!t) {
			files_put(fs);
			return NULL;
		}
		if (fs->table != &fs->first)
			table_free(&fs->table->rcu);
		fs->table = t;
		spin_lock(&from->lock);
	}
	t = fs->table;
	table_copy(t, from->table, n);
	for (uint64_t fd = bitmap_find_set(t->open, n, 0); fd < n;
		fd = bitmap_find_set(t->open, n, fd + 1)) {
		if (t->file[fd]) {
			file_get(t->file[fd]);
		} else { /* only reserved: not part of the copy */
			bit_clear(t->open, fd);
			bit_clear(t->cloexec, fd);
		}
	}
	fs->next_fd = 0;
	spin_unlock(&from->lock);
	return fs;
}

/* After a grace period: task_files_get() may be looking at the count. */
static void files_free(struct rcu_head *head)
{
	kfree(container_of(head, struct files, first.rcu));
}

void files_put(struct files *fs)
{
	struct fdtable *t;
	uint64_t fd;

	if (!refcount_dec(&fs->refs))
		return;
	t = fs->table;
	for (fd = bitmap_find_set(t->open, t->max, 0); fd < t->max;
		fd = bitmap_find_set(t->open, t->max, fd + 1))
		if (t->file[fd])
			(void)file_close(t->file[fd], fs);
	if (t != &fs->first)
		table_free(&t->rcu);
	rcu_call(&fs->first.rcu, files_free);
}

void files_close_on_exec(struct files *fs)
{
	struct fdtable *t = fs->table;

	for (uint64_t fd = bitmap_find_set(t->cloexec, t->max, 0); fd < t->max;
		fd = bitmap_find_set(t->cloexec, t->max, fd + 1)) {
		struct file *f;

		spin_lock(&fs->lock);
		f = t->file[fd];
		WRITE_ONCE(t->file[fd], NULL);
		number_free(fs, (unsigned)fd);
		spin_unlock(&fs->lock);
		if (f)
			(void)file_close(f, fs);
	}
}

int files_unshare(void)
{
	struct files *own = current->files;
	struct files *copy;

	if (refcount_read(&own->refs) == 1)
		return 0;
	copy = files_copy(own);
	if (!copy)
		return -ENOMEM;
	smp_store_release(&current->files, copy);
	files_put(own);
	return 0;
}
