/*
 * sys_rw.c - reading and writing: read(2), write(2), pread(2), readv(2), lseek(2), sendfile(2),
 * splice(2).
 */
#include "compat.h"

enum { /* preadv2(2) */
	RWF_HIPRI = 1,
	RWF_DSYNC = 2,
	RWF_SYNC = 4,
	RWF_NOWAIT = 8,
	RWF_APPEND = 16,
	RWF_NOAPPEND = 32
};

static ssize_t rw(int fd, void __user *buf, size_t count, int64_t *pos, bool write)
{
	struct fd_ref r = fd_begin(fd);
	struct iov_iter it UNCLEARED;
	ssize_t n;

	if (!r.file)
		return -EBADF;
	if (unlikely((ssize_t)count < 0)) { /* longer than user memory */
		n = r.file->mode & (write ? FMODE_WRITE : FMODE_READ) ? -EFAULT : -EBADF;
		fd_end(r);
		return n;
	}
	iov_iter_user(&it, buf, MIN(count, MAX_RW));
	n = write ? vfs_write(r.file, &it, pos) : vfs_read(r.file, &it, pos);
	fd_end(r);
	return n;
}

/* preadv2(2)'s flags as the kernel has them. RWF_HIPRI is a wish, granted to no file here. */
static int decode_rwf(int flags, uint32_t *out)
{
	const int known = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND | RWF_NOAPPEND;

	if (flags & ~known)
		return -EOPNOTSUPP;
	if ((flags & (RWF_APPEND | RWF_NOAPPEND)) == (RWF_APPEND | RWF_NOAPPEND))
		return -EINVAL;
	*out = (flags & RWF_DSYNC ? RW_DSYNC : 0u) | (flags & RWF_SYNC ? RW_SYNC : 0u) |
	       (flags & RWF_NOWAIT ? RW_NOWAIT : 0u) | (flags & RWF_APPEND ? RW_APPEND : 0u) |
	       (flags & RWF_NOAPPEND ? RW_NOAPPEND : 0u);
	return 0;
}

static int rw_flags(struct file *f, struct iov_iter *it, int flags)
{
	int err;

	err = decode_rwf(flags, &it->flags);
	return err ? err : it->flags & RW_NOWAIT && !vfs_may_nowait(f) ? -EOPNOTSUPP : 0;
}

/* What the file alone decides, before the vector is looked at. */
static int rw_possible(const struct file *f, bool write)
{
	if (!(f->mode & (write ? FMODE_WRITE : FMODE_READ)))
		return -EBADF;
	if (!S_ISDIR(f->inode->mode) && !(write ? f->ops->write : f->ops->read))
		return -EINVAL;
	return 0;
}

static ssize_t rwv(int fd, const void __user *iov, long n, int64_t *pos, int flags, bool write)
{
	struct fd_ref r = fd_begin(fd);
	struct iov_copy c UNCLEARED;
	ssize_t done;

	if (!r.file)
		return -EBADF;
	done = rw_possible(r.file, write);
	if (!done)
		done = iov_copy_get(&c, iov, n);
	if (!done) {
		/* Nobody looks at the flags when nothing is to be moved. */
		if (unlikely(flags) && c.iter.count)
			done = rw_flags(r.file, &c.iter, flags);
		if (!done && c.iter.count)
			done = write ? vfs_write(r.file, &c.iter, pos)
				     : vfs_read(r.file, &c.iter, pos);
		iov_copy_put(&c);
	}
	fd_end(r);
	return done;
}

/* A positioned call needs a file that has positions. */
static ssize_t positioned(int fd, int64_t pos)
{
	struct fd_ref r;
	ssize_t err = 0;

	if (pos < 0)
		return -EINVAL;
	r = fd_begin(fd);
	if (!r.file)
		return -EBADF;
	if (!(r.file->mode & FMODE_SEEK))
		err = -ESPIPE;
	fd_end(r);
	return err;
}

long sys_read(int fd, void __user *buf, size_t count)
{
	return rw(fd, buf, count, NULL, false);
}

long sys_write(int fd, void __user *buf, size_t count)
{
	return rw(fd, buf, count, NULL, true);
}

long sys_pread64(int fd, void __user *buf, size_t count, int64_t pos)
{
	ssize_t err = positioned(fd, pos);

	return err ? err : rw(fd, buf, count, &pos, false);
}

long sys_pwrite64(int fd, void __user *buf, size_t count, int64_t pos)
{
	ssize_t err = positioned(fd, pos);

	return err ? err : rw(fd, buf, count, &pos, true);
}

long sys_readv(int fd, void __user *iov, int n)
{
	return rwv(fd, iov, n, NULL, 0, false);
}

long sys_writev(int fd, void __user *iov, int n)
{
	return rwv(fd, iov, n, NULL, 0, true);
}

long sys_preadv(int fd, void __user *iov, int n, unsigned long pos_low, unsigned long pos_high)
{
	int64_t pos = (int64_t)pos_low;
	ssize_t err = positioned(fd, pos);

	(void)pos_high; /* the low word holds it all on 64-bit machines */
	return err ? err : rwv(fd, iov, n, &pos, 0, false);
}

long sys_pwritev(int fd, void __user *iov, int n, unsigned long pos_low, unsigned long pos_high)
{
	int64_t pos = (int64_t)pos_low;
	ssize_t err = positioned(fd, pos);

	(void)pos_high;
	return err ? err : rwv(fd, iov, n, &pos, 0, true);
}

static long rwv2(int fd, void __user *iov, int n, int64_t pos, int flags, bool write)
{
	ssize_t err;

	if (pos == -1)
		return rwv(fd, iov, n, NULL, flags, write);
	err = positioned(fd, pos);
	return err ? err : rwv(fd, iov, n, &pos, flags, write);
}

long sys_preadv2(
	int fd, void __user *iov, int n, unsigned long pos_low, unsigned long pos_high, int flags)
{
	(void)pos_high;
	return rwv2(fd, iov, n, (int64_t)pos_low, flags, false);
}

long sys_pwritev2(
	int fd, void __user *iov, int n, unsigned long pos_low, unsigned long pos_high, int flags)
{
	(void)pos_high;
	return rwv2(fd, iov, n, (int64_t)pos_low, flags, true);
}

long sys_lseek(int fd, int64_t off, int whence)
{
	struct fd_ref r = fd_begin(fd);
	int64_t pos;

	if (!r.file)
		return -EBADF;
	pos = whence < SEEK_SET || whence > SEEK_HOLE ? -EINVAL : vfs_seek(r.file, off, whence);
	fd_end(r);
	return pos;
}

/* An optional position in user memory: fetched before, stored after. */
static int pos_fetch(int64_t __user *p, int64_t *pos, int64_t **use)
{
	*use = NULL;
	if (!p)
		return 0;
	if (get_user(*pos, p))
		return -EFAULT;
	if (*pos < 0)
		return -EINVAL;
	*use = pos;
	return 0;
}

static long pos_store(int64_t __user *p, int64_t pos, long result)
{
	return p && put_user(pos, p) ? -EFAULT : result;
}

struct two_files {
	struct fd_ref in, out;
};

static int two_files_get(struct two_files *t, int in, int out)
{
	t->in = fd_begin(in);
	if (!t->in.file)
		return -EBADF;
	t->out = fd_begin(out);
	if (t->out.file)
		return 0;
	fd_end(t->in);
	return -EBADF;
}

static void two_files_put(struct two_files *t)
{
	fd_end(t->out);
	fd_end(t->in);
}

long sys_sendfile(int out, int in, void __user *off, size_t count)
{
	struct two_files t;
	int64_t pos = 0, *use;
	long n = pos_fetch(off, &pos, &use);

	if (n)
		return n;
	n = two_files_get(&t, in, out);
	if (n)
		return n;
	n = vfs_sendfile(t.out.file, t.in.file, use, count);
	two_files_put(&t);
	return pos_store(off, pos, n);
}

enum { SPLICE_NONBLOCK = 2, SPLICE_FLAGS = 15 /* MOVE NONBLOCK MORE GIFT */ };

/* The positions of splice(2) and copy_file_range(2) in user memory, and their copies. */
struct two_positions {
	int64_t __user *user_in, *user_out;
	int64_t in, out;
	int64_t *use_in, *use_out;
};

/* Whether they make sense is for the call to say. */
static int positions_fetch(struct two_positions *p)
{
	if ((p->user_in && get_user(p->in, p->user_in)) ||
		(p->user_out && get_user(p->out, p->user_out)))
		return -EFAULT;
	p->use_in = p->user_in ? &p->in : NULL;
	p->use_out = p->user_out ? &p->out : NULL;
	return 0;
}

static long positions_store(const struct two_positions *p, long result)
{
	return pos_store(p->user_out, p->out, pos_store(p->user_in, p->in, result));
}

static long splice_files(
	const struct two_files *t, struct two_positions *p, size_t len, unsigned flags)
{
	long n;

	/* A pipe has no position, so the pointer to one is not followed. */
	if ((S_ISFIFO(t->in.file->inode->mode) && p->user_in) ||
		(S_ISFIFO(t->out.file->inode->mode) && p->user_out))
		return -ESPIPE;
	n = positions_fetch(p);
	if (n)
		return n;
	n = vfs_splice(t->in.file, p->use_in, t->out.file, p->use_out, MIN(len, MAX_RW), flags);
	return positions_store(p, n);
}

long sys_splice(
	int in, void __user *off_in, int out, void __user *off_out, size_t len, unsigned flags)
{
	struct two_positions p = {.user_in = off_in, .user_out = off_out};
	struct two_files t;
	long n;

	if (!len)
		return 0;
	if (flags & ~SPLICE_FLAGS)
		return -EINVAL;
	n = two_files_get(&t, in, out);
	if (n)
		return n;
	n = splice_files(&t, &p, len, flags);
	two_files_put(&t);
	return n;
}

long sys_tee(int in, int out, size_t len, unsigned flags)
{
	struct two_files t;
	long n;

	if (flags & ~SPLICE_FLAGS)
		return -EINVAL;
	if (!len)
		return 0;
	n = two_files_get(&t, in, out);
	if (n)
		return n;
	n = vfs_tee(t.in.file, t.out.file, MIN(len, MAX_RW), flags);
	two_files_put(&t);
	return n;
}

/* Segment by segment: one that cannot be read does not undo those before it. */
static ssize_t vmsplice_segments(struct file *f, const struct iov_iter *all, bool nonblock)
{
	ssize_t done = 0;
	ssize_t n = 0;

	for (size_t i = 0; i < all->nr_segs; i++) {
		const struct iovec *v = &all->iov[i];
		struct iov_iter it;

		if (!v->iov_len)
			continue;
		iov_iter_user(&it, (void __user *)v->iov_base, v->iov_len);
		n = vfs_vmsplice(f, &it, nonblock || done);
		if (n <= 0)
			break;
		done += n;
		if ((size_t)n < v->iov_len)
			break;
	}
	return done ? done : n;
}

long sys_vmsplice(int fd, void __user *iov, unsigned long n, unsigned flags)
{
	struct fd_ref r;
	struct iov_copy c UNCLEARED;
	long done;

	if (flags & ~SPLICE_FLAGS)
		return -EINVAL;
	r = fd_begin(fd);
	if (!r.file)
		return -EBADF;
	done = iov_copy_get(&c, iov, (long)MIN(n, (unsigned long)INT64_MAX));
	if (!done) {
		if (c.iter.count)
			done = vmsplice_segments(r.file, &c.iter, flags & SPLICE_NONBLOCK);
		iov_copy_put(&c);
	}
	fd_end(r);
	return done;
}

long sys_copy_file_range(
	int in, void __user *off_in, int out, void __user *off_out, size_t len, unsigned flags)
{
	struct two_positions p = {.user_in = off_in, .user_out = off_out};
	struct two_files t;
	long n = two_files_get(&t, in, out);

	if (n)
		return n;
	n = positions_fetch(&p);
	if (!n)
		n = flags ? -EINVAL
			  : vfs_copy_range(t.in.file, p.use_in, t.out.file, p.use_out, len);
	two_files_put(&t);
	return n < 0 ? n : positions_store(&p, n);
}
