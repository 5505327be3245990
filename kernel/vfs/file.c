/*
 * file.c - struct file: its allocation, references, and what the last reference undoes.
 *
 * Does not: look names up (open.c) or number files (fdtable.c).
 * A file is freed after a grace period, as descriptor lookup reads it under RCU and takes its
 * reference from non-zero only.
 */
#include "internal.h"
#include <stat.h>
#include <vm.h>

static struct slab_cache *file_cache;
static atomic64_t nr_files;
static uint64_t max_files;

void (*file_released)(struct file *f);
void (*file_signal)(struct file *f, unsigned events);
uint64_t (*file_size_limit)(void);
void (*file_too_big)(void);

static int no_open(struct inode *i, struct file *f)
{
	return -ENXIO;
}

const struct file_ops no_file_ops = {.open = no_open};
static const struct file_ops path_fops; /* O_PATH: a place, not an open file */

struct file *file_alloc(unsigned flags)
{
	struct file *f;

	if ((uint64_t)atomic64_read(&nr_files) >= max_files && !capable(CAP_SYS_ADMIN)) {
		log_ratelimited(LOG_WARNING, "vfs: limit of %llu open files reached",
			(unsigned long long)max_files);
		return NULL;
	}
	f = slab_alloc(file_cache, GFP_KERNEL);
	if (!f)
		return NULL;
	memset(f, 0, sizeof(*f));
	atomic64_add(&nr_files, 1);
	refcount_set(&f->refs, 1);
	f->flags = flags;
	if (flags & O_PATH)
		f->mode = FMODE_PATH;
	else if ((flags & O_ACCMODE) != O_ACCMODE) /* 0, 1, 2 become read, write, both */
		f->mode = ((flags & O_ACCMODE) + 1) & (FMODE_READ | FMODE_WRITE);
	f->ops = &path_fops;
	mutex_init(&f->pos_lock);
	spin_init(&f->lock);
	list_init(&f->epoll_items);
	f->cred = cred_get(current->cred);
	return f;
}

static int writer_begin(struct file *f)
{
	struct inode *i = f->inode;
	int err = 0;

	spin_lock(&i->spin);
	if (i->write_count < 0)
		err = -ETXTBSY;
	else
		i->write_count++;
	spin_unlock(&i->spin);
	if (err)
		return err;
	f->mode |= FMODE_WRITER;
	/* Pairs with mount_forbid_writers(): one of the two sees the other. */
	atomic_inc(&f->path.mnt->writers);
	smp_mb();
	return path_want_write(&f->path);
}

int file_deny_write(struct file *f)
{
	struct inode *i = f->inode;
	int err = 0;

	if (f->mode & FMODE_DENY_WRITE)
		return 0;
	spin_lock(&i->spin);
	if (i->write_count > 0)
		err = -ETXTBSY;
	else
		i->write_count--;
	spin_unlock(&i->spin);
	if (!err)
		f->mode |= FMODE_DENY_WRITE;
	return err;
}

static void write_count_end(struct file *f)
{
	struct inode *i = f->inode;

	if (!(f->mode & (FMODE_WRITER | FMODE_DENY_WRITE)))
		return;
	if (f->mode & FMODE_WRITER)
		atomic_dec(&f->path.mnt->writers);
	spin_lock(&i->spin);
	i->write_count += f->mode & FMODE_WRITER ? -1 : 1;
	spin_unlock(&i->spin);
}

int file_open_path(struct file *f, struct path *p)
{
	struct inode *i = p->dentry->inode;
	int err = 0;

	f->path = *p;
	f->inode = i;
	f->mapping = i->mapping;
	if (f->mode & FMODE_PATH)
		return 0;
	if ((f->mode & FMODE_WRITE) && S_ISREG(i->mode))
		err = writer_begin(f);
	if (err)
		return err;
	f->ops = i->fops;
	f->wb_seen = f->mapping->wb_seq;
	err = f->ops->open ? f->ops->open(i, f) : 0;
	if (err) {
		f->ops = &path_fops; /* nothing to release */
		return err;
	}
	if (f->ops->seek)
		f->mode |= FMODE_SEEK;
	f->flags &= ~(unsigned)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
	return 0;
}

static void file_free(struct rcu_head *h)
{
	slab_free(file_cache, container_of(h, struct file, rcu));
}

static __noinline void tell_closed(const struct file *f)
{
	if (f->ops != &path_fops)
		notify_file(f, f->mode & FMODE_WRITE ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
}

static __noinline void file_last_put(struct file *f)
{
	if (!list_empty(&f->epoll_items) && file_released)
		file_released(f);
	if (f->inode) {
		if (notify_anybody())
			tell_closed(f);
		if (!list_empty(&f->inode->file_locks))
			locks_release(f);
		if (f->ops->release)
			f->ops->release(f);
		write_count_end(f);
		path_put(&f->path);
	}
	cred_put(f->cred);
	atomic64_add(&nr_files, -1);
	rcu_call(&f->rcu, file_free);
}

void file_put(struct file *f)
{
	if (refcount_dec(&f->refs))
		file_last_put(f);
}

void file_stats(struct file_stats *out)
{
	out->open = (uint64_t)atomic64_read(&nr_files);
	out->max = max_files;
}

void file_change_flags(struct file *f, unsigned clear, unsigned set)
{
	unsigned was;

	spin_lock(&f->lock);
	was = f->flags;
	f->flags = (was & ~clear) | set;
	if (((was ^ f->flags) & O_ASYNC) && f->ops->async)
		f->ops->async(f, f->flags & O_ASYNC);
	spin_unlock(&f->lock);
}

int vfs_fcntl_setfl(struct file *f, unsigned flags)
{
	const unsigned may_change = O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME;

	if (f->mode & FMODE_PATH)
		return -EBADF;
	if ((flags & O_NOATIME & ~f->flags) && !inode_owner_or_capable(f->inode))
		return -EPERM;
	if (((flags ^ f->flags) & O_APPEND) && inode_append_only(f->inode))
		return -EPERM;
	file_change_flags(f, may_change, flags & may_change);
	return 0;
}

void file_cache_init(uint64_t pages)
{
	file_cache = slab_cache_create("file", sizeof(struct file), 64, NULL);
	max_files = pages / 10 * 4; /* a tenth of memory, 1 KiB each with what hangs on it */
	if (max_files < 8192)
		max_files = 8192;
	mm_drop_file = file_put;
}
