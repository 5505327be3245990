/*
 * inotify.c - inotify(7): an instance, its watches and its queue of events, as a file.
 *
 * Does not: find out what happened (notify.c), decode programs' arguments (compat/sys_inotify.c).
 *
 * Theory
 * An instance (struct inotify) has at most one watch of an inode. It lives until its file is
 * released and its last watch has been ended by whoever does so; posting sees it under RCU. The
 * queue holds at most as many events as the limit said when the instance was made; what comes then,
 * or when there is no memory, is lost, and one IN_Q_OVERFLOW, which is part of the instance, stands
 * for all of it. An event equal to the last one in the queue is not queued again.
 *
 * Instances and watches are counted for the user who made the instance (<user.h>).
 *
 * Locks: inotify->mutex (one adds at a time) > inotify->lock > inode->spin, wait queue.
 */
#include "inotify.h"
#include <dev.h>
#include <page.h>
#include <sched.h>
#include <user.h>

#define ALL_EVENTS 0xfffu /* those that a program asks for */

enum { IOC_FIONREAD = 0x541b };

struct event {
	struct list_head node;
	struct inotify_record rec; /* len: of the padded name */
	char name[];               /* NUL-terminated, if there is one */
};

/* Key: [m] ->mutex  [q] ->lock  [c] constant */
struct inotify {
	refcount_t refs;    /* the file's, each watch's */
	struct mutex mutex; /* one adds at a time */
	int last_wd;        /* [m] */
	struct spinlock lock;
	struct rb_root watches; /* [q] by wd */
	struct list_head queue; /* [q] racy look whether empty */
	uint32_t count, bytes;  /* [q] of the queue */
	uint32_t max;           /* [c] */
	struct event *overflow; /* [q] node empty: not queued */
	struct wait_queue wait; /* readers */
	struct file *file;      /* not a reference; NULL once released; RCU */
	struct user *user;      /* [c] */
	struct rcu_head rcu;
};

uint32_t inotify_limits[3] = {[INOTIFY_MAX_EVENTS] = 16384, [INOTIFY_MAX_INSTANCES] = 128};

/* ---- the queue; ->lock held ---- */

static void append(struct inotify *g, struct event *e)
{
	list_add_tail(&e->node, &g->queue);
	g->count++;
	g->bytes += (uint32_t)sizeof(e->rec) + e->rec.len;
}

static void unqueue(struct inotify *g, struct event *e)
{
	list_del(&e->node);
	g->count--;
	g->bytes -= (uint32_t)sizeof(e->rec) + e->rec.len;
}

/* Linux compares no cookies. */
static bool equals_last(const struct inotify *g, int wd, const struct notice *n)
{
	const struct event *e;

	if (list_empty(&g->queue))
		return false;
	e = list_last(&g->queue, struct event, node);
	if (e->rec.wd != wd || e->rec.mask != n->mask || !e->rec.len != !n->name)
		return false;
	return !n->name ||
	       (!strncmp(e->name, n->name->name, n->name->len) && !e->name[n->name->len]);
}

static struct event *event_make(int wd, const struct notice *n)
{
	size_t len = n->name ? n->name->len + 1 : 0;
	struct event *e = kmalloc(sizeof(*e) + len, GFP_NOWAIT);

	if (!e)
		return NULL;
	e->rec = (struct inotify_record){.wd = wd, .mask = n->mask, .cookie = n->cookie};
	if (len) {
		memcpy(e->name, n->name->name, len - 1);
		e->name[len - 1] = 0;
		e->rec.len = (uint32_t)ALIGN_UP(len, sizeof(struct inotify_record));
	}
	return e;
}

/* True: there is something new to read. */
static bool post(struct inotify *g, int wd, const struct notice *n)
{
	struct event *e = NULL;

	if (g->count < g->max) {
		if (equals_last(g, wd, n))
			return false;
		e = event_make(wd, n);
	}
	if (!e) {
		e = g->overflow;
		if (!list_empty(&e->node))
			return false;
	}
	append(g, e);
	return true;
}

/* The watch is out of its instance; nothing of it is queued after this. */
static bool kill_locked(struct inotify *g, struct watch *w)
{
	static const struct notice ignored = {.mask = IN_IGNORED};

	w->dead = true;
	rb_erase(&g->watches, &w->node, NULL);
	return post(g, w->wd, &ignored);
}

/* ---- posting, without ->lock; @g stays alive meanwhile ---- */

static void tell_reader(struct inotify *g)
{
	struct file *f;

	if (wait_queue_active(&g->wait))
		wake_up_nr(&g->wait, ~0u, POLLIN | POLLRDNORM);
	rcu_read_lock();
	f = READ_ONCE(g->file);
	if (f && (READ_ONCE(f->flags) & O_ASYNC) && file_signal)
		file_signal(f, POLLIN | POLLRDNORM);
	rcu_read_unlock();
}

bool watch_post(struct watch *w, const struct notice *n)
{
	struct inotify *g = w->group;
	bool posted = false;
	bool ended = false;

	spin_lock(&g->lock);
	if (!w->dead && (w->mask & n->mask) && !(n->unlinked && (w->mask & WATCH_EXCL_UNLINK))) {
		posted = post(g, w->wd, n);
		ended = w->mask & WATCH_ONESHOT;
		if (ended)
			posted |= kill_locked(g, w);
	}
	spin_unlock(&g->lock);
	if (posted)
		tell_reader(g);
	return ended;
}

bool watch_kill(struct watch *w)
{
	struct inotify *g = w->group;
	bool posted = false;
	bool ended;

	spin_lock(&g->lock);
	ended = !w->dead;
	if (ended)
		posted = kill_locked(g, w);
	spin_unlock(&g->lock);
	if (posted)
		tell_reader(g);
	return ended;
}

/* ---- lifetimes ---- */

static void inotify_free(struct rcu_head *h)
{
	struct inotify *g = container_of(h, struct inotify, rcu);

	kfree(g->overflow);
	kfree(g);
}

static void inotify_put(struct inotify *g)
{
	if (!refcount_dec(&g->refs))
		return;
	user_uncharge(g->user, USER_INSTANCES, 1);
	rcu_call(&g->rcu, inotify_free);
}

static void watch_free(struct rcu_head *h)
{
	kfree(container_of(h, struct watch, rcu));
}

void watches_end(struct watch *dead)
{
	while (dead) {
		struct watch *w = dead;

		dead = w->next_dead;
		notify_detach(w);
		user_uncharge(w->group->user, USER_WATCHES, 1);
		inotify_put(w->group);
		rcu_call(&w->rcu, watch_free);
	}
}

/* ---- watches by number ---- */

/* ->lock held */
static void insert_watch(struct inotify *g, struct watch *w)
{
	struct rb_node **link = &g->watches.node;
	struct rb_node *parent = NULL;

	while (*link) {
		parent = *link;
		link = w->wd < rb_entry(parent, struct watch, node)->wd ? &parent->left
									: &parent->right;
	}
	rb_insert(&g->watches, &w->node, parent, link, NULL);
}

/* ->lock held: the watch with the greatest number up to @wd. */
static struct watch *watch_upto(const struct inotify *g, int wd)
{
	struct rb_node *n = g->watches.node;
	struct watch *found = NULL;

	while (n) {
		struct watch *w = rb_entry(n, struct watch, node);

		if (w->wd <= wd)
			found = w;
		if (w->wd == wd)
			break;
		n = w->wd <= wd ? n->right : n->left;
	}
	return found;
}

/* ->mutex held: numbers go round, past those in use. */
static int next_wd(struct inotify *g)
{
	const struct watch *w;

	do {
		g->last_wd = g->last_wd == INT32_MAX ? 1 : g->last_wd + 1;
		spin_lock(&g->lock);
		w = watch_upto(g, g->last_wd);
		spin_unlock(&g->lock);
	} while (w && w->wd == g->last_wd);
	return g->last_wd;
}

static uint32_t stored(uint32_t mask)
{
	return IN_UNMOUNT | (mask & (ALL_EVENTS | WATCH_EXCL_UNLINK | WATCH_ONESHOT));
}

/* The number of the watch that there is already, with its new mask; 0: there is none. */
static int change(struct inotify *g, struct inode *i, uint32_t mask)
{
	struct watch *w;
	int r = 0;

	rcu_read_lock();
	w = notify_find(i, g);
	if (w) {
		spin_lock(&g->lock);
		if (!w->dead && (mask & WATCH_CREATE)) {
			r = -EEXIST;
		} else if (!w->dead) {
			r = w->wd;
			WRITE_ONCE(w->mask, stored(mask) | (mask & WATCH_ADD ? w->mask : 0));
		}
		spin_unlock(&g->lock);
	}
	rcu_read_unlock();
	if (r > 0)
		notify_mask_changed(i);
	return r;
}

/* ->mutex held */
static int create(struct inotify *g, struct inode *i, uint32_t mask)
{
	int wd = next_wd(g);
	struct watch *w;

	if (user_charge_more(
		    g->user, USER_WATCHES, 1, READ_ONCE(inotify_limits[INOTIFY_MAX_WATCHES])))
		return -ENOSPC;
	w = kzalloc(sizeof(*w));
	if (!w) {
		user_uncharge(g->user, USER_WATCHES, 1);
		return -ENOMEM;
	}
	w->group = g;
	refcount_inc(&g->refs);
	w->inode = i;
	w->mask = stored(mask);
	w->wd = wd;
	spin_lock(&g->lock);
	insert_watch(g, w);
	notify_attach(w);
	spin_unlock(&g->lock);
	return wd;
}

int inotify_add(struct inotify *g, const struct path *p, uint32_t mask)
{
	struct inode *i = p->dentry->inode;
	int r = inode_permission(i, MAY_READ, false);

	if (!r)
		r = policy_file(current->cred, p, POLICY_READ);
	if (r)
		return r;
	mutex_lock(&g->mutex);
	r = change(g, i, mask);
	if (!r)
		r = create(g, i, mask);
	mutex_unlock(&g->mutex);
	return r;
}

int inotify_remove(struct inotify *g, int wd)
{
	struct watch *w;
	bool posted = false;

	spin_lock(&g->lock);
	w = watch_upto(g, wd);
	if (w && w->wd == wd)
		posted = kill_locked(g, w);
	else
		w = NULL;
	spin_unlock(&g->lock);
	if (!w)
		return -EINVAL;
	if (posted)
		tell_reader(g);
	watches_end(w);
	return 0;
}

/* ---- the file ---- */

/* The first event, if @room bytes hold it: -EAGAIN (none), -EINVAL. */
static int take(struct inotify *g, size_t room, struct event **out)
{
	struct event *e;
	int err = -EAGAIN;

	spin_lock(&g->lock);
	if (!list_empty(&g->queue)) {
		e = list_first(&g->queue, struct event, node);
		err = sizeof(e->rec) + e->rec.len > room ? -EINVAL : 0;
		if (!err) {
			unqueue(g, e);
			*out = e;
		}
	}
	spin_unlock(&g->lock);
	return err;
}

static ssize_t give(const struct event *e, struct iov_iter *to)
{
	const size_t n = e->rec.len ? strlen(e->name) : 0;

	if (copy_to_iter(&e->rec, sizeof(e->rec), to) != sizeof(e->rec) ||
		copy_to_iter(e->name, n, to) != n ||
		iov_iter_zero(e->rec.len - n, to) != e->rec.len - n)
		return -EFAULT;
	return (ssize_t)(sizeof(e->rec) + e->rec.len);
}

/* As many whole events as there are and as fit; an event that could not be stored is lost. */
static ssize_t inotify_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	struct inotify *g = f->private;
	ssize_t done = 0;

	for (;;) {
		struct event *e;
		ssize_t n = take(g, to->count, &e);

		if (!n) {
			n = give(e, to);
			if (e != g->overflow)
				kfree(e);
			if (n < 0)
				return n;
			done += n;
			continue;
		}
		if (done || n != -EAGAIN || (f->flags & O_NONBLOCK))
			return done ? done : n;
		n = wait_event_interruptible(&g->wait, !list_empty(&g->queue));
		if (n)
			return n;
	}
}

static unsigned inotify_poll(struct file *f, struct poll_table *pt)
{
	struct inotify *g = f->private;

	poll_wait(pt, f, &g->wait);
	return list_empty(&g->queue) ? 0 : POLLIN | POLLRDNORM;
}

static long inotify_ioctl(struct file *f, unsigned cmd, void *arg)
{
	struct inotify *g = f->private;

	if (cmd != IOC_FIONREAD)
		return -ENOTTY;
	*(int *)arg = (int)READ_ONCE(g->bytes);
	return 0;
}

/* proc(5), the newest first. File handles do not exist here. */
static void inotify_info(struct file *f, struct file_info *out)
{
	struct inotify *g = f->private;
	int wd = INT32_MAX;

	while (wd > 0) {
		uint32_t mask;
		uint64_t ino;
		dev_t dev;
		struct watch *w;

		spin_lock(&g->lock);
		w = watch_upto(g, wd);
		if (w) {
			wd = w->wd;
			mask = w->mask & ~(uint32_t)IN_UNMOUNT;
			ino = w->inode->ino;
			dev = w->inode->sb->dev;
		}
		spin_unlock(&g->lock);
		if (!w)
			break;
		out->print(out, "inotify wd:%x ino:%llx sdev:%x mask:%x ignored_mask:0 \n", wd--,
			(unsigned long long)ino, MAJOR(dev) << 20 | MINOR(dev), mask);
	}
}

static void inotify_release(struct file *f)
{
	struct inotify *g = f->private;
	struct watch *w;

	WRITE_ONCE(g->file, NULL);
	do {
		spin_lock(&g->lock);
		w = rb_entry(rb_first(&g->watches), struct watch, node);
		if (w) {
			w->dead = true;
			rb_erase(&g->watches, &w->node, NULL);
		}
		spin_unlock(&g->lock);
		watches_end(w);
		cond_resched();
	} while (w);
	while (!list_empty(&g->queue)) { /* nothing is added any more */
		struct event *e = list_first(&g->queue, struct event, node);

		list_del(&e->node);
		if (e != g->overflow)
			kfree(e);
	}
	inotify_put(g);
}

static const struct file_ops inotify_fops = {
	.read = inotify_read,
	.poll = inotify_poll,
	.ioctl = inotify_ioctl,
	.info = inotify_info,
	.seek = seek_ignored,
	.release = inotify_release,
	.no_splice = true,
};

struct inotify *inotify_of(const struct file *f)
{
	return f->ops == &inotify_fops ? f->private : NULL;
}

static struct inotify *instance_alloc(void)
{
	struct inotify *g = kzalloc(sizeof(*g));

	if (!g)
		return NULL;
	g->overflow = kzalloc(sizeof(*g->overflow));
	if (!g->overflow) {
		kfree(g);
		return NULL;
	}
	list_init(&g->overflow->node);
	g->overflow->rec = (struct inotify_record){.wd = -1, .mask = IN_Q_OVERFLOW};
	refcount_set(&g->refs, 1);
	mutex_init(&g->mutex);
	spin_init(&g->lock);
	list_init(&g->queue);
	wait_queue_init(&g->wait);
	g->max = READ_ONCE(inotify_limits[INOTIFY_MAX_EVENTS]);
	return g;
}

int inotify_create(unsigned file_flags, struct file **out)
{
	struct inotify *g = instance_alloc();
	int err;

	if (!g)
		return -ENOMEM;
	err = user_charge(current->cred->euid, USER_INSTANCES, 1,
		READ_ONCE(inotify_limits[INOTIFY_MAX_INSTANCES]), &g->user);
	if (err) {
		err = err == -EAGAIN ? -EMFILE : err;
		goto free;
	}
	err = file_create_anon("anon_inode:inotify", &inotify_fops, g, O_RDONLY | file_flags, out);
	if (err)
		goto uncharge;
	WRITE_ONCE(g->file, *out);
	return 0;
uncharge:
	user_uncharge(g->user, USER_INSTANCES, 1);
free:
	inotify_free(&g->rcu);
	return err;
}

/* Watches pin inodes, so a hundredth of memory in what they hold is their limit for each user. */
void inotify_init(uint64_t pages)
{
	const uint64_t each = sizeof(struct watch) + 2 * sizeof(struct inode);
	uint64_t n = pages * (PAGE_SIZE / 100) / each;

	n = n < 8192 ? 8192 : n > 1048576 ? 1048576 : n;
	inotify_limits[INOTIFY_MAX_WATCHES] = (uint32_t)n;
}
