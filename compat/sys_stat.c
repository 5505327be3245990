/*
 * sys_stat.c - what files are: stat(2), statx(2), statfs(2), ustat(2), access(2), getdents(2).
 */
#include "compat.h"
#include "abi/stat.h"
#include <dev.h>

static int stat_out(const struct kstat *k, void __user *to)
{
	struct linux_stat st = {
		.st_dev = k->dev,
		.st_ino = k->ino,
		.st_nlink = k->nlink,
		.st_mode = k->mode,
		.st_uid = k->uid,
		.st_gid = k->gid,
		.st_rdev = k->rdev,
		.st_size = k->size,
		.st_blksize = k->blksize,
		.st_blocks = (int64_t)k->blocks,
		.atime = k->atime.tv_sec,
		.atime_ns = k->atime.tv_nsec,
		.mtime = k->mtime.tv_sec,
		.mtime_ns = k->mtime.tv_nsec,
		.ctime = k->ctime.tv_sec,
		.ctime_ns = k->ctime.tv_nsec,
	};

	return copy_to_user(to, &st, sizeof(st));
}

/* The *at() family's flags as lookup flags. */
static unsigned lookup_of(unsigned at_flags)
{
	return (at_flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
	       (at_flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
}

static int stat_path(int dfd, const char __user *path, unsigned at_flags, struct kstat *k)
{
	struct path p;
	int err = user_path(dfd, path, lookup_of(at_flags), &p);

	if (err)
		return err;
	err = vfs_stat(&p, k);
	path_put(&p);
	return err;
}

long sys_newfstatat(int dfd, const char __user *path, void __user *st, unsigned flags)
{
	struct kstat k UNCLEARED;
	int err;

	if (unlikely(flags &
		     ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE)))
		return -EINVAL;
	err = stat_path(dfd, path, flags, &k);
	return err ? err : stat_out(&k, st);
}

long sys_stat(const char __user *path, void __user *st)
{
	return sys_newfstatat(AT_FDCWD, path, st, 0);
}

long sys_lstat(const char __user *path, void __user *st)
{
	return sys_newfstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

long sys_fstat(int fd, void __user *st)
{
	struct fd_ref r = fd_begin_path(fd);
	struct kstat k UNCLEARED;
	int err;

	if (!r.file)
		return -EBADF;
	err = vfs_stat(&r.file->path, &k);
	fd_end(r);
	return err ? err : stat_out(&k, st);
}

static struct linux_statx_time statx_time(const struct timespec *t)
{
	return (struct linux_statx_time){.sec = t->tv_sec, .nsec = (uint32_t)t->tv_nsec};
}

long sys_statx(int dfd, const char __user *path, unsigned flags, unsigned mask, void __user *out)
{
	struct kstat k UNCLEARED;
	int err;

	if (mask & (unsigned)STATX_RESERVED ||
		flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH |
				AT_STATX_SYNC_TYPE) ||
		(flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	err = stat_path(dfd, path, flags, &k);
	if (err)
		return err;
	struct linux_statx sx = {
		.mask = STATX_BASIC_STATS | STATX_MNT_ID | (k.btime.tv_sec ? STATX_BTIME : 0),
		.blksize = k.blksize,
		.nlink = k.nlink,
		.uid = k.uid,
		.gid = k.gid,
		.mode = (uint16_t)k.mode,
		.ino = k.ino,
		.size = (uint64_t)k.size,
		.blocks = k.blocks,
		.atime = statx_time(&k.atime),
		.btime = statx_time(&k.btime),
		.ctime = statx_time(&k.ctime),
		.mtime = statx_time(&k.mtime),
		.rdev_major = MAJOR(k.rdev),
		.rdev_minor = MINOR(k.rdev),
		.dev_major = MAJOR(k.dev),
		.dev_minor = MINOR(k.dev),
		.mnt_id = k.mount_id,
		.attributes = (k.iflags & INODE_IMMUTABLE ? STATX_ATTR_IMMUTABLE : 0) |
			      (k.iflags & INODE_APPEND ? STATX_ATTR_APPEND : 0),
		.attributes_mask = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND,
	};
	return copy_to_user(out, &sx, sizeof(sx));
}

static int statfs_out(const struct path *p, void __user *to)
{
	struct kstatfs k;
	int err = vfs_statfs(p, &k);

	if (err)
		return err;
	struct linux_statfs st = {
		.type = (int64_t)k.type,
		.bsize = (int64_t)k.bsize,
		.blocks = k.blocks,
		.bfree = k.bfree,
		.bavail = k.bavail,
		.files = k.files,
		.ffree = k.ffree,
		.fsid = {(int32_t)k.fsid, (int32_t)(k.fsid >> 32)},
		.namelen = (int64_t)k.namelen,
		.frsize = (int64_t)k.frsize,
		.flags = (int64_t)k.flags,
	};
	return copy_to_user(to, &st, sizeof(st));
}

long sys_statfs(const char __user *path, void __user *out)
{
	struct path p;
	int err = user_path(AT_FDCWD, path, LOOKUP_FOLLOW, &p);

	if (err)
		return err;
	err = statfs_out(&p, out);
	path_put(&p);
	return err;
}

long sys_ustat(unsigned dev, void __user *out)
{
	struct linux_ustat u = {0};
	struct kstatfs k;
	int err = vfs_statfs_dev(dev_from_user(dev), &k);

	if (err)
		return err;
	u.free = (int32_t)k.bfree;
	u.inodes = k.ffree;
	return copy_to_user(out, &u, sizeof(u));
}

long sys_fstatfs(int fd, void __user *out)
{
	struct fd_ref r = fd_begin_path(fd);
	int err;

	if (!r.file)
		return -EBADF;
	err = statfs_out(&r.file->path, out);
	fd_end(r);
	return err;
}

/* access(2) judges by the real ids, with the capabilities a real-id program would have (access(2),
 * C library/kernel differences). */
static struct cred *real_id_cred(void)
{
	struct cred *c = cred_prepare(current->cred);

	if (!c)
		return NULL;
	c->fsuid = c->uid;
	c->fsgid = c->gid;
	if (!(c->securebits & SECBIT_NO_SETUID_FIXUP))
		c->effective = c->uid == 0 ? c->permitted : 0;
	return c;
}

long sys_faccessat2(int dfd, const char __user *path, mode_t mode, unsigned flags)
{
	const struct cred *c = current->cred;
	struct cred *real = NULL;
	struct path p;
	int err;

	if (mode & ~7u || flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!(flags & AT_EACCESS) && (c->uid != c->fsuid || c->gid != c->fsgid)) {
		real = real_id_cred();
		if (!real)
			return -ENOMEM;
		c = real;
	}
	err = user_path(dfd, path, lookup_of(flags), &p);
	if (!err) {
		err = vfs_access(&p, mode, c);
		path_put(&p);
	}
	if (real)
		cred_put(real);
	return err;
}

long sys_faccessat(int dfd, const char __user *path, mode_t mode)
{
	return sys_faccessat2(dfd, path, mode, 0);
}

long sys_access(const char __user *path, mode_t mode)
{
	return sys_faccessat2(AT_FDCWD, path, mode, 0);
}

/*
 * Directory records are made in a kernel buffer and copied out in one piece: the directory's lock
 * is held while they are made.
 */
struct dir_buffer {
	struct dir_context ctx;
	uint8_t *buf;
	size_t size, used;
	bool old, overflow;
};

static bool emit(struct dir_context *ctx, const char *name, unsigned len, int64_t next_pos,
	ino_t ino, unsigned type)
{
	struct dir_buffer *b = container_of(ctx, struct dir_buffer, ctx);
	size_t reclen = b->old ? ALIGN_UP(sizeof(struct linux_dirent) + len + 2, 8)
			       : ALIGN_UP(sizeof(struct linux_dirent64) + len + 1, 8);
	uint8_t *rec = b->buf + b->used;

	if (reclen > b->size - b->used) {
		b->overflow = true;
		return false;
	}
	memset(rec, 0, reclen);
	if (b->old) {
		struct linux_dirent *d = (struct linux_dirent *)rec;

		d->ino = ino;
		d->off = (uint64_t)next_pos;
		d->reclen = (uint16_t)reclen;
		memcpy(d->name, name, len);
		rec[reclen - 1] = (uint8_t)type;
	} else {
		struct linux_dirent64 *d = (struct linux_dirent64 *)rec;

		d->ino = ino;
		d->off = next_pos;
		d->reclen = (uint16_t)reclen;
		d->type = (uint8_t)type;
		memcpy(d->name, name, len);
	}
	b->used += reclen;
	return true;
}

#define DIR_BUFFER_MAX 32768u

static long getdents(int fd, void __user *buf, unsigned size, bool old)
{
	struct dir_buffer b = {.ctx.emit = emit, .size = MIN(size, DIR_BUFFER_MAX), .old = old};
	struct fd_ref r = fd_begin(fd);
	int64_t start;
	int err;

	if (!r.file)
		return -EBADF;
	start = READ_ONCE(r.file->pos);
	b.buf = kmalloc(MAX(b.size, (size_t)1), GFP_KERNEL);
	if (!b.buf) {
		fd_end(r);
		return -ENOMEM;
	}
	err = vfs_readdir(r.file, &b.ctx);
	if (!err && !b.used && b.overflow)
		err = -EINVAL;
	if (b.used) {
		err = copy_to_user(buf, b.buf, b.used);
		if (err) /* the entries are for the next call */
			WRITE_ONCE(r.file->pos, start);
	}
	kfree(b.buf);
	fd_end(r);
	return err ? err : (long)b.used;
}

long sys_getdents64(int fd, void __user *buf, unsigned size)
{
	return getdents(fd, buf, size, false);
}

long sys_getdents(int fd, void __user *buf, unsigned size)
{
	return getdents(fd, buf, size, true);
}
