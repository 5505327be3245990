/*
 * fifo.c - opening named pipes, fifo(7): a reader waits for a writer and the other way round.
 *
 * Does not: transfer data: from the open on, the file is a pipe's (pipe.c).
 * pipe(2)'s own pipes come here when they are opened again by /proc/self/fd; nobody waits then.
 * The pipe hangs on the inode while any file of it is open. The opens are counted and never go
 * down, so that one who waits sees a partner that came and went again.
 */
#include "internal.h"
#include <stat.h>

static struct pipe *attach(struct inode *i)
{
	struct pipe *fresh = NULL;
	struct pipe *p;

	for (;;) {
		spin_lock(&i->spin);
		if (!i->pipe && fresh) {
			i->pipe = fresh;
			fresh = NULL;
		}
		p = i->pipe;
		if (p)
			p->users++;
		spin_unlock(&i->spin);
		if (p)
			break;
		fresh = pipe_alloc();
		if (!fresh)
			return NULL;
	}
	if (fresh)
		pipe_free(fresh);
	return p;
}

static int wait_partner(struct wait_queue *wq, const uint32_t *opens, uint32_t seen)
{
	return wait_event_interruptible(wq, READ_ONCE(*opens) != seen);
}

static int fifo_open(struct inode *i, struct file *f)
{
	struct pipe *p = attach(i);
	uint32_t rd_seen;
	uint32_t wr_seen;
	int err = 0;
	bool waits = false;
	bool reads = f->mode & FMODE_READ;
	bool writes = f->mode & FMODE_WRITE;
	bool named = !sb_is_anon(i->sb);

	if (!p)
		return -ENOMEM;
	mutex_lock(&p->lock);
	if (named && writes && !reads && !p->readers && (f->flags & O_NONBLOCK)) {
		mutex_unlock(&p->lock);
		pipe_detach(i, 0);
		return -ENXIO;
	}
	rd_seen = p->reader_opens;
	wr_seen = p->writer_opens;
	if (reads) {
		p->readers++;
		p->reader_opens++;
	}
	if (writes) {
		p->writers++;
		p->writer_opens++;
	}
	if (named && reads && !writes && !p->writers) {
		f->private = (void *)(uintptr_t)
			wr_seen; /* poll: no hang-up before the first writer */
		waits = !(f->flags & O_NONBLOCK);
	} else if (named && writes && !reads && !p->readers) {
		waits = true;
	}
	mutex_unlock(&p->lock);
	f->ops = &pipe_fops;
	wake_up_all(&p->rd);
	wake_up_all(&p->wr);
	if (waits)
		err = writes ? wait_partner(&p->wr, &p->reader_opens, rd_seen)
			     : wait_partner(&p->rd, &p->writer_opens, wr_seen);
	if (err)
		pipe_detach(i, f->mode);
	return err;
}

const struct file_ops fifo_fops = {.open = fifo_open};
