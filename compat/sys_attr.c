/*
 * sys_attr.c - changing files: chmod(2), chown(2), utimensat(2), truncate(2), fallocate(2),
 * fsync(2), posix_fadvise(2).
 */
#include "compat.h"
#include <log.h>

static unsigned lookup_of(unsigned at_flags)
{
	return (at_flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
	       (at_flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
}

/* ---- modes and owners ---- */

static long chmod_at(int dfd, const char __user *path, mode_t mode, unsigned at_flags)
{
	struct path p;
	int err = user_path(dfd, path, lookup_of(at_flags), &p);

	if (err)
		return err;
	err = vfs_chmod(&p, mode & 07777);
	path_put(&p);
	return err;
}

long sys_fchmodat2(int dfd, const char __user *path, mode_t mode, unsigned flags)
{
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return chmod_at(dfd, path, mode, flags);
}

long sys_fchmodat(int dfd, const char __user *path, mode_t mode)
{
	return chmod_at(dfd, path, mode, 0);
}

long sys_chmod(const char __user *path, mode_t mode)
{
	return chmod_at(AT_FDCWD, path, mode, 0);
}

long sys_fchmod(int fd, mode_t mode)
{
	struct fd_ref r = fd_begin(fd);
	int err;

	if (!r.file)
		return -EBADF;
	err = vfs_chmod(&r.file->path, mode & 07777);
	fd_end(r);
	return err;
}

long sys_fchownat(int dfd, const char __user *path, uid_t uid, uid_t gid, unsigned flags)
{
	struct path p;
	int err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = user_path(dfd, path, lookup_of(flags), &p);
	if (err)
		return err;
	err = vfs_chown(&p, uid, gid);
	path_put(&p);
	return err;
}

long sys_chown(const char __user *path, uid_t uid, uid_t gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, 0);
}

long sys_lchown(const char __user *path, uid_t uid, uid_t gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

long sys_fchown(int fd, uid_t uid, uid_t gid)
{
	struct fd_ref r = fd_begin(fd);
	int err;

	if (!r.file)
		return -EBADF;
	err = vfs_chown(&r.file->path, uid, gid);
	fd_end(r);
	return err;
}

/* ---- times ---- */

static bool utime_valid(const struct timespec *t)
{
	return t->tv_nsec == UTIME_NOW || t->tv_nsec == UTIME_OMIT ||
	       (t->tv_nsec >= 0 && t->tv_nsec < (int64_t)NSEC_PER_SEC);
}

/* @path NULL: the descriptor's own file. @ts NULL: now. */
static long set_times(int dfd, const char __user *path, const struct timespec *ts, unsigned flags)
{
	struct fd_ref r;
	struct path p;
	int err;

	if (ts && (!utime_valid(&ts[0]) || !utime_valid(&ts[1])))
		return -EINVAL;
	if (!path && dfd != AT_FDCWD) {
		if (flags)
			return -EINVAL;
		r = fd_begin(dfd);
		if (!r.file)
			return -EBADF;
		err = vfs_utimes(&r.file->path, ts);
		fd_end(r);
		return err;
	}
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = user_path(dfd, path, lookup_of(flags), &p);
	if (err)
		return err;
	err = vfs_utimes(&p, ts);
	path_put(&p);
	return err;
}

long sys_utimensat(int dfd, const char __user *path, void __user *times, unsigned flags)
{
	struct timespec ts[2];

	if (times) {
		if (copy_from_user(ts, times, sizeof(ts)))
			return -EFAULT;
		if (ts[0].tv_nsec == UTIME_OMIT && ts[1].tv_nsec == UTIME_OMIT)
			return 0;
	}
	return set_times(dfd, path, times ? ts : NULL, flags);
}

long sys_futimesat(int dfd, const char __user *path, void __user *times)
{
	struct timespec ts[2];
	struct timeval tv[2];
	unsigned i;

	if (times) {
		if (copy_from_user(tv, times, sizeof(tv)))
			return -EFAULT;
		for (i = 0; i < 2; i++) {
			if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
				return -EINVAL;
			ts[i] = (struct timespec){tv[i].tv_sec, tv[i].tv_usec * 1000};
		}
	}
	return set_times(dfd, path, times ? ts : NULL, 0);
}

long sys_utimes(const char __user *path, void __user *times)
{
	return sys_futimesat(AT_FDCWD, path, times);
}

long sys_utime(const char __user *path, void __user *times)
{
	struct timespec ts[2] = {{0}};
	int64_t seconds[2];

	if (times) {
		if (copy_from_user(seconds, times, sizeof(seconds)))
			return -EFAULT;
		ts[0].tv_sec = seconds[0];
		ts[1].tv_sec = seconds[1];
	}
	return set_times(AT_FDCWD, path, times ? ts : NULL, 0);
}

/* ---- size and storage ---- */

long sys_truncate(const char __user *path, int64_t len)
{
	struct path p;
	int err;

	if (len < 0)
		return -EINVAL;
	err = user_path(AT_FDCWD, path, LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	err = vfs_truncate(&p, len);
	path_put(&p);
	return err;
}

long sys_ftruncate(int fd, int64_t len)
{
	struct fd_ref r;
	int err;

	if (len < 0)
		return -EINVAL;
	r = fd_begin(fd);
	if (!r.file)
		return -EBADF;
	err = vfs_ftruncate(r.file, len);
	fd_end(r);
	return err;
}

long sys_fallocate(int fd, int mode, int64_t off, int64_t len)
{
	struct fd_ref r = fd_begin(fd);
	int err = -EINVAL;

	if (!r.file)
		return -EBADF;
	if (off >= 0 && len > 0)
		err = vfs_fallocate(r.file, (unsigned)mode, off, len);
	fd_end(r);
	return err;
}

static long do_fsync(int fd, int64_t start, int64_t end, bool datasync)
{
	struct fd_ref r = fd_begin(fd);
	int err;

	if (!r.file)
		return -EBADF;
	err = vfs_fsync(r.file, start, end, datasync);
	fd_end(r);
	return err;
}

long sys_fsync(int fd)
{
	return do_fsync(fd, 0, INT64_MAX, false);
}

long sys_fdatasync(int fd)
{
	return do_fsync(fd, 0, INT64_MAX, true);
}

/* More than asked: the range is on the medium, not only written. */
long sys_sync_file_range(int fd, int64_t off, int64_t len, unsigned flags)
{
	struct fd_ref r;
	mode_t type;
	int64_t end;
	int err = 0;

	r = fd_begin(fd);
	if (!r.file)
		return -EBADF;
	type = r.file->inode->mode & S_IFMT;
	if (flags & ~7u || off < 0 || len < 0 || __builtin_add_overflow(off, len, &end))
		err = -EINVAL;
	else if (type != S_IFREG && type != S_IFBLK && type != S_IFDIR && type != S_IFLNK)
		err = -ESPIPE;
	else if (flags)
		err = vfs_fsync(r.file, off, len ? end - 1 : INT64_MAX, true);
	fd_end(r);
	return err;
}

long sys_sync(void)
{
	int err = vfs_sync_all();

	/* sync(2) always succeeds: fsync(2) of each file has the errors. */
	if (err)
		log_ratelimited(LOG_WARNING, "sync: error %d", -err);
	return 0;
}

long sys_syncfs(int fd)
{
	struct fd_ref r = fd_begin(fd);
	int err;

	if (!r.file)
		return -EBADF;
	err = vfs_sync_super(r.file->inode->sb);
	fd_end(r);
	return err;
}

/* ---- advice ---- */

enum { FADV_WILLNEED = 3, FADV_DONTNEED = 4, FADV_LAST = 5 };
#define READAHEAD_PAGES_MAX 1024u

static void read_ahead(struct file *f, int64_t off, int64_t len)
{
	int64_t size = i_size_read(f->inode);
	uint64_t pages;

	if (off >= size)
		return;
	if (!len || len > size - off)
		len = size - off;
	pages = DIV_ROUND_UP((uint64_t)(len + (off & (int64_t)(PAGE_SIZE - 1))), PAGE_SIZE);
	pagecache_readahead(
		f->mapping, (uint64_t)off >> PAGE_SHIFT, MIN(pages, (uint64_t)READAHEAD_PAGES_MAX));
}

long sys_fadvise64(int fd, int64_t off, int64_t len, int advice)
{
	struct fd_ref r = fd_begin(fd);
	long err = 0;

	if (!r.file)
		return -EBADF;
	if (S_ISFIFO(r.file->inode->mode))
		err = -ESPIPE;
	else if (len < 0 || advice < 0 || advice > FADV_LAST || !r.file->mapping)
		err = -EINVAL;
	else if (advice == FADV_WILLNEED && off >= 0 && S_ISREG(r.file->inode->mode))
		read_ahead(r.file, off, len);
	else if (advice == FADV_DONTNEED && S_ISREG(r.file->inode->mode))
		pagecache_drop_clean(r.file->mapping);
	fd_end(r);
	return err;
}

long sys_readahead(int fd, int64_t off, size_t count)
{
	struct fd_ref r = fd_begin(fd);
	long err = 0;

	if (!r.file)
		return -EBADF;
	if (!(r.file->mode & FMODE_READ))
		err = -EBADF;
	else if ((ssize_t)count < 0 ||
		 (!S_ISREG(r.file->inode->mode) && !S_ISBLK(r.file->inode->mode)))
		err = -EINVAL;
	else if (off >= 0 && count && S_ISREG(r.file->inode->mode))
		read_ahead(r.file, off, (int64_t)count);
	fd_end(r);
	return err;
}
