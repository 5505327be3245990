/*
 * splice.c - moving data between files inside the kernel: sendfile, splice, tee, copy_file_range.
 *
 * Pages of the page cache go to a socket by reference, buffers from pipe to pipe too; all else is
 * copied by way of one page.
 *
 * What was taken from a pipe is consumed only as far as the other side accepted it, so nothing is
 * lost when a write comes up short.
 */
#include "internal.h"
#include <page.h>
#include <sched.h>
#include <stat.h>

enum { SPLICE_F_NONBLOCK = 2 };

static ssize_t write_buf(struct file *out, char *buf, size_t n, int64_t *pos)
{
	struct iov_iter it;

	iov_iter_kernel(&it, buf, n);
	return vfs_write_quiet(out, &it, pos);
}

/* @r bytes went from @in to @out, however many steps it took. */
static ssize_t moved(const struct file *in, const struct file *out, ssize_t r)
{
	if (r > 0) {
		notify_file(in, IN_ACCESS);
		notify_file(out, IN_MODIFY);
	}
	return r;
}

/* Where a transfer reads and writes: an explicit position, or a copy of the file's own. */
struct side {
	struct file *f;
	int64_t *pos;
	int64_t own;
	bool seekable;
};

static void side_begin(struct side *s, struct file *f, int64_t *pos)
{
	s->f = f;
	s->seekable = f->mode & FMODE_SEEK;
	s->own = pos ? *pos : f->pos;
	s->pos = pos;
}

static void side_end(struct side *s)
{
	if (s->pos)
		*s->pos = s->own;
	else if (s->seekable)
		s->f->pos = s->own;
}

/*
 * From any file to any file. A seekable source is read at its position and advances by what was
 * written; from another (socket, terminal) what was read must be written, so the write is repeated
 * until it is or fails.
 */
static ssize_t copy_loop(struct side *in, struct side *out, size_t n)
{
	struct page *pg = page_alloc(0, GFP_USER);
	char *buf;
	ssize_t done = 0;
	ssize_t r = 0;

	if (!pg)
		return -ENOMEM;
	buf = page_address(pg);
	while ((size_t)done < n) {
		struct iov_iter it;
		ssize_t got;
		ssize_t put = 0;

		iov_iter_kernel(&it, buf, MIN(n - (size_t)done, (size_t)PAGE_SIZE));
		got = vfs_read_quiet(in->f, &it, in->seekable ? &in->own : NULL);
		r = got;
		if (got <= 0)
			break;
		while (put < got) {
			r = write_buf(out->f, buf + put, (size_t)(got - put),
				out->seekable ? &out->own : NULL);
			if (r <= 0)
				break;
			put += r;
			if (in->seekable)
				break;
		}
		done += put;
		if (put < got && in->seekable)
			in->own -= got - put;
		if (r <= 0 || task_interrupted(current, TASK_INTERRUPTIBLE))
			break;
		cond_resched();
	}
	page_put(pg);
	return done ? done : r;
}

/* Bytes of one page of a cached file, by reference; a hole is copied. */
static ssize_t send_page(struct side *in, struct side *out, size_t n)
{
	struct page *page;
	ssize_t r = generic_file_page(in->f, in->own, n, &page);
	size_t off = (size_t)in->own & (PAGE_SIZE - 1);

	if (r > 0) {
		bool more = (size_t)r < n && in->own + r < i_size_read(in->f->inode);

		r = out->f->ops->write_page(out->f, page, (unsigned)off, (size_t)r, more);
		page_put(page);
		if (r > 0)
			in->own += r;
	}
	if (r == -ENODATA)
		r = copy_loop(in, out, MIN(n, PAGE_SIZE - off));
	return r;
}

/* -EOPNOTSUPP: @out or @in is not of this kind, nothing is done. */
static ssize_t send_pages(struct side *in, struct side *out, size_t n)
{
	size_t done = 0;
	ssize_t r = 0;

	if (!out->f->ops->write_page || in->f->ops->read != generic_file_read)
		return -EOPNOTSUPP;
	while (done < n) {
		r = send_page(in, out, n - done);
		if (r <= 0)
			break;
		done += (size_t)r;
		if (task_interrupted(current, TASK_INTERRUPTIBLE))
			break;
		cond_resched();
	}
	return done ? (ssize_t)done : r;
}

/* Where both file systems' files end at the latest. */
static int64_t size_limit(const struct file *a, const struct file *b)
{
	int64_t m = a->inode->sb->max_size, n = b->inode->sb->max_size;

	m = m ? m : INT64_MAX;
	return n ? MIN(m, n) : m;
}

ssize_t vfs_sendfile(struct file *out, struct file *in, int64_t *in_pos, size_t n)
{
	struct side from;
	struct side to;
	ssize_t r;

	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	/* Not from a terminal or a pipe: their end of file could be seen, and lost, behind other
	 * data. */
	if (!(in->mode & FMODE_SEEK))
		return in_pos ? -ESPIPE : -EINVAL;
	if ((in_pos && *in_pos < 0) || (ssize_t)n < 0 || (out->flags & O_APPEND))
		return -EINVAL;
	if (!n)
		return 0;
	n = MIN(n, MAX_RW);
	if (in_pos && *in_pos >= size_limit(in, out) && *in_pos <= INT64_MAX - (int64_t)n)
		return -EOVERFLOW;
	if (!in->ops->read || !out->ops->write)
		return -EINVAL;
	side_begin(&from, in, in_pos);
	side_begin(&to, out, NULL);
	r = send_pages(&from, &to, n);
	if (r == -EOPNOTSUPP)
		r = copy_loop(&from, &to, n);
	side_end(&from);
	side_end(&to);
	return moved(in, out, r);
}

/* copy_file_range(2): what of @n can be copied, or -EOVERFLOW, -EFBIG, -EINVAL (overlap, position
 * below 0). The bytes behind the source's end are not there to be refused. */
static int copy_range_clip(struct side *from, struct side *to, size_t *n)
{
	int64_t size = i_size_read(from->f->inode);
	int64_t limit = to->f->inode->sb->max_size;
	uint64_t end;

	if (__builtin_add_overflow((uint64_t)from->own, *n, &end) ||
		__builtin_add_overflow((uint64_t)to->own, *n, &end))
		return -EOVERFLOW;
	if (from->own < 0 || to->own < 0)
		return -EINVAL;
	*n = from->own >= size ? 0 : MIN(*n, (size_t)(size - from->own));
	*n = MIN(*n, MAX_RW);
	if (*n && to->own >= (limit ? limit : INT64_MAX))
		return -EFBIG;
	if (from->f->inode == to->f->inode && from->own < to->own + (int64_t)*n &&
		to->own < from->own + (int64_t)*n)
		return -EINVAL;
	return 0;
}

ssize_t vfs_copy_range(
	struct file *in, int64_t *in_pos, struct file *out, int64_t *out_pos, size_t n)
{
	struct side from;
	struct side to;
	ssize_t r;

	if (S_ISDIR(in->inode->mode) || S_ISDIR(out->inode->mode))
		return -EISDIR;
	if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode))
		return -EINVAL;
	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE) || (out->flags & O_APPEND))
		return -EBADF;
	if (in->inode->sb != out->inode->sb)
		return -EXDEV;
	side_begin(&from, in, in_pos);
	side_begin(&to, out, out_pos);
	r = copy_range_clip(&from, &to, &n);
	if (r || !n)
		return r;
	r = copy_loop(&from, &to, n);
	side_end(&from);
	side_end(&to);
	return moved(in, out, r);
}

/* ---- pipes ---- */

/* Wait until the pipe has something to read: 0, 1 at its end, or -errno. */
static int wait_readable(struct pipe *p, bool nonblock)
{
	if (!pipe_empty(p))
		return 0;
	if (!READ_ONCE(p->writers))
		return 1;
	if (nonblock)
		return -EAGAIN;
	return wait_event_interruptible(&p->rd, !pipe_empty(p) || !READ_ONCE(p->writers));
}

static int wait_writable(struct pipe *p, bool nonblock)
{
	if (!READ_ONCE(p->readers)) {
		if (pipe_broken)
			pipe_broken();
		return -EPIPE;
	}
	if (!pipe_full(p))
		return 0;
	if (nonblock)
		return -EAGAIN;
	return wait_event_interruptible(&p->wr, !pipe_full(p) || !READ_ONCE(p->readers));
}

/* Write the oldest buffer of the pipe out, as far as @n and the file allow. */
static ssize_t drain_one(struct pipe *p, struct side *out, size_t n)
{
	struct pipe_buf *b;
	ssize_t r = 0;

	mutex_lock(&p->lock);
	if (p->head != p->tail) {
		b = pipe_at(p, p->tail);
		r = write_buf(out->f, (char *)page_address(b->page) + b->off,
			MIN((size_t)b->len, n), out->seekable ? &out->own : NULL);
		if (r > 0) {
			b->off += (uint32_t)r;
			b->len -= (uint32_t)r;
			if (!b->len)
				pipe_buf_drop(p);
		}
	}
	mutex_unlock(&p->lock);
	if (r > 0 && wait_queue_active(&p->wr))
		wake_up_key(&p->wr, POLLOUT | POLLWRNORM);
	return r;
}

static ssize_t pipe_to_file(struct pipe *p, struct side *out, size_t n, bool nonblock)
{
	ssize_t done = 0;
	ssize_t r = 0;

	while ((size_t)done < n) {
		int w = wait_readable(p, nonblock || done > 0);

		if (w) {
			r = w > 0 ? 0 : w;
			break;
		}
		r = drain_one(p, out, n - (size_t)done);
		if (r < 0)
			break;
		done += r;
	}
	return done ? done : r;
}

/*
 * Move or copy whole buffers between two pipes by sharing their pages. Both are locked, by address.
 * Returns bytes.
 */
static ssize_t share_buffers(struct pipe *from, struct pipe *to, size_t n, bool consume)
{
	struct pipe *first = from < to ? from : to;
	struct pipe *second = from < to ? to : from;
	uint32_t at;
	size_t done = 0;

	mutex_lock(&first->lock);
	mutex_lock_nested(&second->lock, 1);
	for (at = from->tail; at != from->head && done < n && !pipe_full(to);) {
		struct pipe_buf *b = pipe_at(from, at);
		uint32_t len = (uint32_t)MIN((size_t)b->len, n - done);

		*pipe_at(to, to->head) = (struct pipe_buf){page_get(b->page), b->off, len, false};
		WRITE_ONCE(to->head, to->head + 1);
		b->can_merge = false; /* the page is shared now */
		done += len;
		if (!consume) {
			at++;
		} else if (len < b->len) {
			b->off += len;
			b->len -= len;
		} else {
			pipe_buf_drop(from);
			at = from->tail;
		}
	}
	mutex_unlock(&second->lock);
	mutex_unlock(&first->lock);
	if (done && wait_queue_active(&to->rd))
		wake_up_key(&to->rd, POLLIN | POLLRDNORM);
	if (done && consume && wait_queue_active(&from->wr))
		wake_up_key(&from->wr, POLLOUT | POLLWRNORM);
	return (ssize_t)done;
}

static ssize_t pipe_to_pipe(
	struct pipe *from, struct pipe *to, size_t n, bool nonblock, bool consume)
{
	if (from == to)
		return -EINVAL;
	for (;;) {
		int err = wait_readable(from, nonblock);
		ssize_t r;

		if (err)
			return err > 0 ? 0 : err;
		err = wait_writable(to, nonblock);
		if (err)
			return err;
		r = share_buffers(from, to, n, consume);
		if (r)
			return r;
	}
}

/* At most what the pipe has room for now, after waiting for some. */
static ssize_t file_to_pipe(
	struct side *in, struct file *out, struct pipe *p, size_t n, bool nonblock)
{
	struct side to;
	size_t room;
	int err = wait_writable(p, nonblock);

	if (err)
		return err;
	room = (size_t)(READ_ONCE(p->slots) - (READ_ONCE(p->head) - READ_ONCE(p->tail))) *
	       PAGE_SIZE;
	side_begin(&to, out, NULL);
	if (!in->seekable) /* one read of what is there; a second one might block */
		room = PAGE_SIZE;
	return copy_loop(in, &to, MIN(n, room));
}

ssize_t vfs_splice(struct file *in, int64_t *in_pos, struct file *out, int64_t *out_pos, size_t n,
	unsigned flags)
{
	struct pipe *from = pipe_of(in);
	struct pipe *to = pipe_of(out);
	struct side s;
	ssize_t r;

	if ((from && in_pos) || (to && out_pos))
		return -ESPIPE;
	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	if ((!from && !to) || (in_pos && *in_pos < 0) || (out_pos && *out_pos < 0))
		return -EINVAL;
	if (from && to) {
		r = pipe_to_pipe(from, to, n,
			flags & SPLICE_F_NONBLOCK || (in->flags | out->flags) & O_NONBLOCK, true);
		return moved(in, out, r);
	}
	if (from) {
		if (out->flags & O_APPEND || !out->ops->write)
			return -EINVAL;
		if (out_pos && !(out->mode & FMODE_SEEK))
			return -EINVAL;
		side_begin(&s, out, out_pos);
		r = pipe_to_file(from, &s, n, flags & SPLICE_F_NONBLOCK || in->flags & O_NONBLOCK);
	} else {
		if ((in_pos && !(in->mode & FMODE_SEEK)) || !in->ops->read || in->ops->no_splice)
			return -EINVAL;
		side_begin(&s, in, in_pos);
		r = file_to_pipe(
			&s, out, to, n, flags & SPLICE_F_NONBLOCK || out->flags & O_NONBLOCK);
	}
	side_end(&s);
	return moved(in, out, r);
}

ssize_t vfs_tee(struct file *in, struct file *out, size_t n, unsigned flags)
{
	struct pipe *from = pipe_of(in);
	struct pipe *to = pipe_of(out);

	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	if (!from || !to)
		return -EINVAL;
	return moved(in, out,
		pipe_to_pipe(from, to, n,
			flags & SPLICE_F_NONBLOCK || (in->flags | out->flags) & O_NONBLOCK, false));
}

ssize_t vfs_vmsplice(struct file *f, struct iov_iter *it, bool nonblock)
{
	struct pipe *p = pipe_of(f);
	int err;

	if (!p)
		return -EBADF;
	err = f->mode & FMODE_WRITE ? wait_writable(p, nonblock) : wait_readable(p, nonblock);
	if (err)
		return err > 0 ? 0 : err;
	if (!(f->mode & FMODE_WRITE))
		return vfs_read(f, it, NULL);
	it->flags |= RW_NOWAIT;
	return vfs_write(f, it, NULL);
}
