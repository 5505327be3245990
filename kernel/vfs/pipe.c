/*
 * pipe.c - pipes: a ring of pages between writers and readers.
 *
 * Does not: name pipes (fifo.c) or move pages between files (splice.c). Rules: pipe(7), POSIX
 * write().
 *
 * A slot of the ring is part of one page. Small writes are merged into the last slot while it has
 * room, as long as the whole write fits: so a write of at most PIPE_BUF (4096) bytes lands in one
 * slot under one hold of the mutex and is never mixed with another. A blocking write does not
 * return before all is written, but for a signal or the last reader's end. The page emptied last is
 * kept for the next write: a ping-pong needs no allocator.
 *
 * Wake-ups are only made when someone waits (wait_queue_active has the barrier); the ring is
 * changed before.
 */
#include "internal.h"
#include <page.h>
#include <sched.h>
#include <stat.h>

#define PIPE_SLOTS      16u
#define PIPE_MAX_SLOTS  256u /* 1 MiB: more needs CAP_SYS_RESOURCE */
#define PIPE_HARD_SLOTS (1u << 18)

enum { IOC_FIONREAD = 0x541b };

void (*pipe_broken)(void);

struct pipe *pipe_alloc(void)
{
	struct pipe *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	p->bufs = kcalloc(PIPE_SLOTS, sizeof(*p->bufs));
	if (!p->bufs) {
		kfree(p);
		return NULL;
	}
	p->slots = PIPE_SLOTS;
	mutex_init(&p->lock);
	wait_queue_init(&p->rd);
	wait_queue_init(&p->wr);
	return p;
}

void pipe_free(struct pipe *p)
{
	for (; p->tail != p->head; p->tail++)
		page_put(pipe_at(p, p->tail)->page);
	if (p->spare)
		page_put(p->spare);
	kfree(p->bufs);
	kfree(p);
}

struct pipe *pipe_of(const struct file *f)
{
	return f->ops == &pipe_fops ? f->inode->pipe : NULL;
}

void pipe_buf_drop(struct pipe *p)
{
	struct pipe_buf *b = pipe_at(p, p->tail);

	if (!p->spare && refcount_read(&b->page->refs) == 1)
		p->spare = b->page;
	else
		page_put(b->page);
	p->tail++;
}

static void wake_readers(struct pipe *p)
{
	if (wait_queue_active(&p->rd))
		wake_up_key(&p->rd, POLLIN | POLLRDNORM);
}

static void wake_writers(struct pipe *p)
{
	if (wait_queue_active(&p->wr))
		wake_up_key(&p->wr, POLLOUT | POLLWRNORM);
}

/* ---- reading ---- */

/* Take what is there: bytes, or -EFAULT if none could be stored. */
static ssize_t take(struct pipe *p, struct iov_iter *to)
{
	ssize_t done = 0;

	while (to->count && p->head != p->tail) {
		struct pipe_buf *b = pipe_at(p, p->tail);
		size_t n = MIN((size_t)b->len, to->count);
		size_t got = copy_to_iter((char *)page_address(b->page) + b->off, n, to);

		b->off += (uint32_t)got;
		b->len -= (uint32_t)got;
		done += (ssize_t)got;
		if (!b->len)
			pipe_buf_drop(p);
		if (got < n)
			return done ? done : -EFAULT;
	}
	return done;
}

static ssize_t pipe_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	struct pipe *p = f->inode->pipe;
	bool was_full = false;
	ssize_t n = 0;

	if (!to->count)
		return 0;
	mutex_lock(&p->lock);
	while (p->head == p->tail) {
		if (!p->writers)
			goto out;
		n = -EAGAIN;
		if ((f->flags | to->flags) & O_NONBLOCK)
			goto out;
		mutex_unlock(&p->lock);
		n = wait_event_interruptible(&p->rd, !pipe_empty(p) || !READ_ONCE(p->writers));
		if (n)
			return n;
		mutex_lock(&p->lock);
	}
	was_full = pipe_full(p);
	n = take(p, to);
	was_full = was_full && !pipe_full(p);
out:
	mutex_unlock(&p->lock);
	if (was_full)
		wake_writers(p);
	return n;
}

/* ---- writing ---- */

/* Append to the last slot if the whole rest of the write, or a whole page's tail of it, fits. */
static ssize_t merge(struct pipe *p, struct iov_iter *from)
{
	struct pipe_buf *b = pipe_at(p, p->head - 1);
	size_t n = from->count & (PAGE_SIZE - 1);
	uint32_t end;
	size_t got;

	if (!n || p->head == p->tail || !b->can_merge)
		return 0;
	end = b->off + b->len;
	if (end + n > PAGE_SIZE)
		return 0;
	got = copy_from_iter((char *)page_address(b->page) + end, n, from);
	if (got < n)
		return -EFAULT; /* all or nothing: a part would break what POSIX says of PIPE_BUF */
	b->len += (uint32_t)got;
	return (ssize_t)got;
}

/* One new slot. The ring is not full. */
static ssize_t append(struct pipe *p, struct iov_iter *from)
{
	struct page *pg = p->spare;
	size_t n = MIN(from->count, (size_t)PAGE_SIZE);
	size_t got;

	if (!pg) {
		pg = page_alloc(0, GFP_USER);
		if (!pg)
			return -ENOMEM;
		p->spare = pg;
	}
	got = copy_from_iter(page_address(pg), n, from);
	if (got < n)
		return -EFAULT;
	p->spare = NULL;
	*pipe_at(p, p->head) = (struct pipe_buf){pg, 0, (uint32_t)got, true};
	WRITE_ONCE(p->head, p->head + 1);
	return (ssize_t)got;
}

/* Store what fits now: bytes, 0 when full, or -errno if nothing was stored. */
static ssize_t put(struct pipe *p, struct iov_iter *from)
{
	size_t want = from->count;
	ssize_t done = merge(p, from);

	while (done >= 0 && from->count && !pipe_full(p)) {
		ssize_t n = append(p, from);

		if (n < 0)
			return done ? done : n;
		done += n;
	}
	ASSERT(done < 0 || (size_t)done <= want);
	return done;
}

static ssize_t broken(ssize_t done)
{
	if (pipe_broken)
		pipe_broken();
	return done ? done : -EPIPE;
}

static ssize_t pipe_write(struct file *f, struct iov_iter *from, int64_t *pos)
{
	struct pipe *p = f->inode->pipe;
	ssize_t done = 0;
	ssize_t n;

	if (!from->count)
		return 0;
	for (;;) {
		mutex_lock(&p->lock);
		if (!p->readers) {
			mutex_unlock(&p->lock);
			return broken(done);
		}
		n = put(p, from);
		mutex_unlock(&p->lock);
		if (n > 0) {
			done += n;
			wake_readers(p);
		}
		if (n < 0 || !from->count)
			break;
		if (n > 0 && !pipe_full(p))
			continue;
		n = -EAGAIN;
		if ((f->flags | from->flags) & O_NONBLOCK)
			break;
		n = wait_event_interruptible(&p->wr, !pipe_full(p) || !READ_ONCE(p->readers));
		if (n)
			break;
	}
	if (done && !pipe_full(p))
		wake_writers(p); /* another one may have been woken for the room we left */
	return done ? done : n;
}

/* ---- the rest ---- */

static unsigned pipe_poll(struct file *f, struct poll_table *pt)
{
	struct pipe *p = f->inode->pipe;
	unsigned ev = 0;

	if (f->mode & FMODE_READ) {
		poll_wait(pt, f, &p->rd);
		if (!pipe_empty(p))
			ev |= POLLIN | POLLRDNORM;
		/* a fifo without writers is hung up only after it had one since we opened it */
		if (!READ_ONCE(p->writers) && (uintptr_t)f->private != p->writer_opens)
			ev |= POLLHUP;
	}
	if (f->mode & FMODE_WRITE) {
		poll_wait(pt, f, &p->wr);
		if (!pipe_full(p))
			ev |= POLLOUT | POLLWRNORM;
		if (!READ_ONCE(p->readers))
			ev |= POLLERR;
	}
	return ev;
}

static long pipe_ioctl(struct file *f, unsigned cmd, void *arg)
{
	struct pipe *p = f->inode->pipe;
	int sum = 0;

	if (cmd != IOC_FIONREAD)
		return -ENOTTY;
	mutex_lock(&p->lock);
	for (uint32_t k = p->tail; k != p->head; k++)
		sum += (int)pipe_at(p, k)->len;
	mutex_unlock(&p->lock);
	*(int *)arg = sum;
	return 0;
}

/* One file of the pipe goes; the last one frees it. */
void pipe_detach(struct inode *i, uint32_t mode)
{
	struct pipe *p = i->pipe;
	bool last;

	mutex_lock(&p->lock);
	if (mode & FMODE_READ)
		p->readers--;
	if (mode & FMODE_WRITE)
		p->writers--;
	mutex_unlock(&p->lock);
	if (wait_queue_active(&p->rd))
		wake_up_nr(&p->rd, ~0u, POLLIN | POLLRDNORM | POLLHUP);
	if (wait_queue_active(&p->wr))
		wake_up_nr(&p->wr, ~0u, POLLOUT | POLLWRNORM | POLLERR);
	spin_lock(&i->spin);
	last = --p->users == 0;
	if (last)
		i->pipe = NULL;
	spin_unlock(&i->spin);
	if (last)
		pipe_free(p);
}

static void pipe_release(struct file *f)
{
	pipe_detach(f->inode, f->mode);
}

const struct file_ops pipe_fops = {
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.release = pipe_release,
};

/* ---- pipe(2), F_GETPIPE_SZ, F_SETPIPE_SZ ---- */

int pipe_create(struct file *out[2], unsigned flags)
{
	struct file *r;
	struct file *w;
	struct pipe *p = pipe_alloc();
	struct path path;
	int err;

	if (!p)
		return -ENOMEM;
	err = file_create_anon("pipe", &pipe_fops, NULL, O_RDONLY | (flags & O_NONBLOCK), &r);
	if (err) {
		pipe_free(p);
		return err;
	}
	r->inode->mode = S_IFIFO | 0600;
	r->inode->fops = &fifo_fops; /* for who opens it again */
	r->inode->pipe = p;
	p->readers = p->users = 1;
	w = file_alloc(O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT)));
	if (!w) {
		file_put(r);
		return -ENFILE;
	}
	path = r->path;
	path_get(&path);
	w->path = path;
	w->inode = r->inode;
	w->mapping = r->mapping;
	w->ops = &pipe_fops;
	r->mode |= FMODE_NOWAIT;
	w->mode |= FMODE_NOWAIT;
	p->writers = 1;
	p->users = 2;
	p->writer_opens = p->reader_opens = 1;
	out[0] = r;
	out[1] = w;
	return 0;
}

long pipe_get_size(struct file *f)
{
	struct pipe *p = pipe_of(f);

	return p ? (long)(p->slots * PAGE_SIZE) : -EBADF;
}

static long resize(struct pipe *p, uint32_t slots)
{
	uint32_t used = p->head - p->tail;
	struct pipe_buf *bufs;

	if (used > slots)
		return -EBUSY;
	bufs = kcalloc(slots, sizeof(*bufs));
	if (!bufs)
		return -ENOMEM;
	for (uint32_t k = 0; k < used; k++)
		bufs[k] = *pipe_at(p, p->tail + k);
	kfree(p->bufs);
	p->bufs = bufs;
	p->slots = slots;
	p->tail = 0;
	p->head = used;
	return (long)(slots * PAGE_SIZE);
}

long pipe_set_size(struct file *f, unsigned long bytes)
{
	struct pipe *p = pipe_of(f);
	uint32_t slots = 1;
	long r;

	if (!p)
		return -EBADF;
	if (bytes > PIPE_HARD_SLOTS * PAGE_SIZE)
		return -EINVAL;
	while (slots * PAGE_SIZE < bytes)
		slots *= 2;
	if (slots > PIPE_MAX_SLOTS && slots > p->slots && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	mutex_lock(&p->lock);
	r = resize(p, slots);
	mutex_unlock(&p->lock);
	if (r > 0)
		wake_writers(p);
	return r;
}
