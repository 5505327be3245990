/*
 * rw.c - read, write, seek, ioctl, fsync, fallocate on any open file: what holds for all kinds of
 * them.
 *
 * Does not: move data (file->ops does). The position of regular files and directories is locked
 * while another task may use the same struct file; other kinds have none, or their own rules.
 */
#include "internal.h"
#include <stat.h>
#include <vm.h>

enum { /* ioctl_list(2): those that any file knows */
	IOC_FIGETBSZ = 2,
	IOC_FIONREAD = 0x541b,
	IOC_FIONBIO = 0x5421,
	IOC_FIOASYNC = 0x5452,
};

/* True: locked, undone by mutex_unlock(&f->pos_lock). */
static bool pos_begin(struct file *f)
{
	if (!S_ISREG(f->inode->mode) && !S_ISDIR(f->inode->mode))
		return false;
	if (refcount_read(&f->refs) == 1 && current->files &&
		refcount_read(&current->files->refs) == 1)
		return false;
	mutex_lock(&f->pos_lock);
	return true;
}

static ssize_t no_rw(const struct file *f)
{
	return S_ISDIR(f->inode->mode) ? -EISDIR : -EINVAL;
}

static int check_pos(const struct file *f, const int64_t *pos, size_t count)
{
	if (!pos)
		return 0;
	if (!(f->mode & FMODE_SEEK))
		return -ESPIPE;
	return *pos < 0 || (int64_t)MIN(count, MAX_RW) > INT64_MAX - *pos ? -EINVAL : 0;
}

/* Both callers have it inline: a call more would be a hundredth of a read. The same below. */
static inline ssize_t do_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	ssize_t n;
	bool locked;

	if (unlikely(!(f->mode & FMODE_READ)))
		return -EBADF;
	if (unlikely(!f->ops->read))
		return no_rw(f);
	if (unlikely(pos != NULL)) {
		n = check_pos(f, pos, to->count);
		if (n)
			return n;
	}
	if (unlikely(to->count > MAX_RW))
		to->count = MAX_RW;
	if (pos)
		return f->ops->read(f, to, pos);
	locked = pos_begin(f);
	n = f->ops->read(f, to, &f->pos);
	if (locked)
		mutex_unlock(&f->pos_lock);
	return n;
}

ssize_t vfs_read_quiet(struct file *f, struct iov_iter *to, int64_t *pos)
{
	return do_read(f, to, pos);
}

ssize_t vfs_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	ssize_t n = do_read(f, to, pos);

	if (notify_anybody() && n > 0)
		notify_file(f, IN_ACCESS);
	return n;
}

static inline ssize_t do_write(struct file *f, struct iov_iter *from, int64_t *pos)
{
	ssize_t n;
	bool locked;

	if (unlikely(!(f->mode & FMODE_WRITE)))
		return -EBADF;
	if (unlikely(!f->ops->write))
		return no_rw(f);
	if (unlikely(pos != NULL)) {
		n = check_pos(f, pos, from->count);
		if (n)
			return n;
	}
	if (unlikely(from->count > MAX_RW))
		from->count = MAX_RW;
	if (pos)
		return f->ops->write(f, from, pos);
	locked = pos_begin(f);
	n = f->ops->write(f, from, &f->pos);
	if (locked)
		mutex_unlock(&f->pos_lock);
	return n;
}

ssize_t vfs_write_quiet(struct file *f, struct iov_iter *from, int64_t *pos)
{
	return do_write(f, from, pos);
}

ssize_t vfs_write(struct file *f, struct iov_iter *from, int64_t *pos)
{
	ssize_t n = do_write(f, from, pos);

	if (notify_anybody() && n > 0)
		notify_file(f, IN_MODIFY);
	return n;
}

bool vfs_may_nowait(const struct file *f)
{
	static_assert(RW_APPEND == O_APPEND && RW_NOWAIT == O_NONBLOCK && RW_DSYNC == O_DSYNC &&
			      RW_SYNC == O_SYNC,
		"a transfer's flags are or-ed to a file's");
	return f->ops->nowait || f->mode & FMODE_NOWAIT;
}

ssize_t kernel_read(struct file *f, void *buf, size_t n, int64_t pos)
{
	size_t done = 0;

	if (!f->ops->read)
		return no_rw(f);
	while (done < n) {
		struct iov_iter it;
		ssize_t r;

		iov_iter_kernel(&it, (char *)buf + done, n - done);
		r = f->ops->read(f, &it, &pos);
		if (r < 0)
			return done ? (ssize_t)done : r;
		if (r == 0)
			break;
		done += (size_t)r;
		notify_file(f, IN_ACCESS);
	}
	return (ssize_t)done;
}

ssize_t kernel_write(struct file *f, const void *buf, size_t n, int64_t pos)
{
	size_t done = 0;

	if (!f->ops->write)
		return no_rw(f);
	while (done < n) {
		struct iov_iter it;
		ssize_t r;

		iov_iter_kernel(&it, (char *)(uintptr_t)buf + done, n - done);
		r = f->ops->write(f, &it, &pos);
		if (r <= 0)
			return done ? (ssize_t)done : r;
		done += (size_t)r;
		notify_file(f, IN_MODIFY);
	}
	return (ssize_t)done;
}

int64_t vfs_seek(struct file *f, int64_t off, int whence)
{
	int64_t r;
	bool locked;

	if (f->mode & FMODE_PATH)
		return -EBADF;
	if (!f->ops->seek)
		return -ESPIPE;
	if (whence < SEEK_SET || whence > SEEK_HOLE)
		return -EINVAL;
	locked = pos_begin(f);
	r = f->ops->seek(f, off, whence);
	if (locked)
		mutex_unlock(&f->pos_lock);
	return r;
}

static long regular_ioctl(struct file *f, unsigned cmd, int *arg)
{
	int64_t left = i_size_read(f->inode) - f->pos;

	switch (cmd) {
	case IOC_FIONREAD:
		*arg = left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
		return 0;
	case IOC_FIGETBSZ:
		*arg = (int)f->inode->sb->blksize;
		return 0;
	}
	return -ENOTTY;
}

long vfs_ioctl(struct file *f, unsigned cmd, void *arg)
{
	long r = -ENOTTY;

	if (f->mode & FMODE_PATH)
		return -EBADF;
	if (cmd == IOC_FIONBIO || cmd == IOC_FIOASYNC) {
		unsigned flag = cmd == IOC_FIONBIO ? O_NONBLOCK : O_ASYNC;

		file_change_flags(f, flag, *(int *)arg ? flag : 0);
		return 0;
	}
	if (f->ops->ioctl)
		r = f->ops->ioctl(f, cmd, arg);
	if (r == -ENOTTY && S_ISREG(f->inode->mode))
		r = regular_ioctl(f, cmd, arg);
	return r;
}

int vfs_fsync(struct file *f, int64_t start, int64_t end, bool datasync)
{
	if (f->mode & FMODE_PATH)
		return -EBADF;
	if (!f->ops->fsync)
		return -EINVAL;
	return f->ops->fsync(f, start, end, datasync);
}

long vfs_seals(struct file *f)
{
	return f->ops->seal ? f->ops->seal(f, false, 0) : -EINVAL;
}

int vfs_add_seals(struct file *f, unsigned seals)
{
	const unsigned all = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
			     F_SEAL_FUTURE_WRITE | F_SEAL_EXEC;
	int have;

	if (!(f->mode & FMODE_WRITE))
		return -EPERM;
	if (seals & ~all || !f->ops->seal)
		return -EINVAL;
	have = f->ops->seal(f, true, seals);
	return have < 0 ? have : 0;
}

/* One operation at a time; some of them change the size by their nature, punching never does. */
static bool falloc_mode_known(unsigned mode)
{
	switch (mode & ~(unsigned)FALLOC_KEEP_SIZE) {
	case 0:
	case FALLOC_ZERO_RANGE:
	case FALLOC_UNSHARE_RANGE:
		return true;
	case FALLOC_PUNCH_HOLE:
		return mode & FALLOC_KEEP_SIZE;
	case FALLOC_COLLAPSE_RANGE:
	case FALLOC_INSERT_RANGE:
		return !(mode & FALLOC_KEEP_SIZE);
	}
	return false;
}

int vfs_fallocate(struct file *f, unsigned mode, int64_t off, int64_t len)
{
	struct inode *i = f->inode;
	int err;

	if (off < 0 || len <= 0)
		return -EINVAL;
	if (!falloc_mode_known(mode))
		return -EOPNOTSUPP;
	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if (S_ISFIFO(i->mode))
		return -ESPIPE;
	if (S_ISDIR(i->mode))
		return -EISDIR;
	if (!S_ISREG(i->mode))
		return -ENODEV;
	if (off > INT64_MAX - len || (i->sb->max_size && off + len > i->sb->max_size))
		return -EFBIG;
	if (inode_immutable(i) || ((mode & ~(unsigned)FALLOC_KEEP_SIZE) && inode_append_only(i)))
		return -EPERM;
	if (!f->ops->fallocate)
		return -EOPNOTSUPP;
	if (file_size_limit && off + len > i_size_read(i) &&
		(uint64_t)(off + len) > file_size_limit()) {
		if (file_too_big)
			file_too_big();
		return -EFBIG;
	}
	err = f->ops->fallocate(f, mode, off, len);
	if (!err)
		notify_file(f, IN_MODIFY);
	return err;
}
