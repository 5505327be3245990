/*
 * poll.c - waiting for events on several files: poll(2), select(2).
 *
 * Does not: keep interest between calls (epoll does). In the first pass each file's wait queues get
 * an entry of ours whose wake function notes that something happened and wakes the task; the entry
 * stays on the queue, because later passes only ask for the events again. As soon as a file has an
 * event nothing more is queued. Entries live on the stack for few files and in one allocation for
 * many.
 */
#include "internal.h"
#include <sched.h>

#define FEW 12u

struct poll_ctx;
struct poll_entry {
	struct wait_entry we;
	struct wait_queue *wq;
	struct poll_ctx *ctx;
	unsigned key;
};
struct poll_chunk {
	struct poll_chunk *next;
	unsigned used;
	struct poll_entry e[60];
};
struct poll_ctx {
	struct poll_table pt; /* first: found from it */
	int err;
	int woken;
	unsigned used;
	struct poll_chunk *more;
	struct poll_entry few[FEW];
};

static int poll_wake(struct wait_entry *we, unsigned key)
{
	struct poll_entry *e = container_of(we, struct poll_entry, we);

	if (key && !(key & e->key))
		return 0;
	WRITE_ONCE(e->ctx->woken, 1);
	return task_wake(we->task, TASK_INTERRUPTIBLE);
}

static struct poll_entry *entry_new(struct poll_ctx *c)
{
	struct poll_chunk *k = c->more;

	if (c->used < FEW)
		return &c->few[c->used++];
	if (!k || k->used == ARRAY_SIZE(k->e)) {
		k = kmalloc(sizeof(*k), GFP_KERNEL);
		if (!k)
			return NULL;
		k->next = c->more;
		k->used = 0;
		c->more = k;
	}
	return &k->e[k->used++];
}

static void poll_queue(struct poll_table *pt, struct file *f, struct wait_queue *wq)
{
	struct poll_ctx *c = container_of(pt, struct poll_ctx, pt);
	struct poll_entry *e = entry_new(c);

	if (!e) {
		c->err = -ENOMEM;
		return;
	}
	e->wq = wq;
	e->ctx = c;
	e->key = pt->key;
	e->we.task = current;
	e->we.wake = poll_wake;
	e->we.flags = 0;
	list_init(&e->we.node);
	wait_queue_add(wq, &e->we);
}

static void poll_cleanup(struct poll_ctx *c)
{
	for (unsigned k = 0; k < c->used; k++)
		wait_queue_remove(c->few[k].wq, &c->few[k].we);
	while (c->more) {
		struct poll_chunk *k = c->more;

		for (unsigned n = 0; n < k->used; n++)
			wait_queue_remove(k->e[n].wq, &k->e[n].we);
		c->more = k->next;
		kfree(k);
	}
}

/* Ask all files once; returns how many have events. */
static int poll_pass(struct poll_ctx *c, struct poll_fd *fds, unsigned n)
{
	int count = 0;

	for (unsigned k = 0; k < n; k++) {
		struct poll_fd *p = &fds[k];
		unsigned want = (unsigned short)p->events | POLLERR | POLLHUP;

		if (!p->file)
			continue;
		c->pt.key = want;
		p->revents = (short)(vfs_poll(p->file, &c->pt) & want);
		if (p->revents) {
			count++;
			c->pt.queue = NULL;
		}
	}
	return count;
}

int poll_files(struct poll_fd *fds, unsigned n, uint64_t deadline_ns)
{
	struct poll_ctx c VFS_UNINIT;
	struct wait_queue own = WAIT_QUEUE_INIT(
		own); /* nobody wakes it: the entries wake the task */
	int count;
	int err = 0;

	c.pt.queue = deadline_ns ? poll_queue : NULL;
	c.pt.depth = 0;
	c.err = 0;
	c.woken = 0;
	c.used = 0;
	c.more = NULL;
	for (;;) {
		count = poll_pass(&c, fds, n);
		c.pt.queue = NULL;
		if (count || c.err || err || !deadline_ns)
			break;
		err = wait_event_deadline(&own, READ_ONCE(c.woken), deadline_ns);
		WRITE_ONCE(c.woken, 0);
		smp_mb(); /* a wake from here on is for what the next pass does not see */
	}
	poll_cleanup(&c);
	if (count)
		return count;
	if (c.err)
		return c.err;
	return err == -ERESTARTSYS ? -ERESTARTNOHAND : 0;
}
