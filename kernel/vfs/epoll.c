/*
 * epoll.c - epoll(7): interest in many files kept between calls; what is ready is found without
 * asking the others.
 *
 * An item is one file under one descriptor number in one epoll. It hangs entries on the file's wait
 * queues; their wake function puts the item on the epoll's ready list and wakes one waiter.
 * epoll_wait() takes items off that list, asks the file what holds now, and reports it; a
 * level-triggered item goes back to the end of the list, as it may still be ready, and drops out of
 * it when a later look finds nothing. Waiting costs O(ready).
 *
 * Files do not know epolls, but for file->epoll_items: when a file's last reference goes, vfs calls
 * file_released(), which removes its items. An item's memory, and an epoll's, is freed after a
 * grace period, as the walks between nested epolls (epoll_nest.c) read them under RCU.
 *
 * Locks: ep->lock (mutex; of an epoll, then of those it watches) guards items and everything done
 * with them but being ready; file->lock guards file->epoll_items; ep->ready_lock (irq, under any
 * wait queue's lock) guards the ready list and an item's place in it. Whoever removes an item holds
 * ep->lock, so a holder may use any item's file: its file_released() waits.
 *
 * Limits: EPOLL_DEPTH epolls above each other, the number of items (max_items).
 */
#include "epoll.h"
#include <sched.h>

static struct slab_cache *item_cache;
static atomic64_t nr_items;
static uint64_t max_items;

/* ---- becoming ready ---- */

/* Under the file's wait queue's lock, interrupts off. */
static int item_wake(struct wait_entry *we, unsigned key)
{
	struct epoll_item *it = container_of(we, struct epoll_hook, we)->item;
	struct epoll *ep = it->ep;
	uint32_t events = READ_ONCE(it->event.events);
	bool someone = false;

	if (!(events & ~EPOLL_PRIVATE)) /* ONESHOT that fired */
		return 0;
	if (key && !(key & events))
		return 0;
	spin_lock(&ep->ready_lock);
	if (list_empty(&it->ready))
		list_add_tail(&it->ready, &ep->ready);
	if (!list_empty(&ep->wait.entries)) {
		someone = true;
		wake_up(&ep->wait);
	}
	spin_unlock(&ep->ready_lock);
	epoll_wake_pollers(ep);
	return it->is_exclusive ? someone : 1;
}

static void hook_queue(struct poll_table *pt, struct file *f, struct wait_queue *wq)
{
	struct epoll_queueing *q = container_of(pt, struct epoll_queueing, pt);
	struct epoll_item *it = q->item;
	struct epoll_hook *h;

	if (it->nr_hooks < ARRAY_SIZE(it->hooks)) {
		h = &it->hooks[it->nr_hooks++];
	} else {
		h = kmalloc(sizeof(*h), GFP_KERNEL);
		if (!h) {
			q->err = -ENOMEM;
			return;
		}
		h->next = it->more;
		it->more = h;
	}
	h->item = it;
	h->wq = wq;
	h->we.wake = item_wake;
	h->we.flags = it->is_exclusive ? WAIT_EXCLUSIVE : 0;
	h->we.task = NULL;
	list_init(&h->we.node);
	wait_queue_add(wq, &h->we);
}

/* Hang the hooks for what the item is interested in; returns what holds now. ep->lock held. */
static unsigned hooks_add(struct epoll_item *it, int *err)
{
	struct epoll_queueing q = {
		.pt = {.queue = hook_queue, .key = it->event.events & ~EPOLL_PRIVATE, .depth = 1},
		.item = it};
	unsigned now;

	it->hooked = q.pt.key;
	now = vfs_poll(it->file, &q.pt);
	*err = q.err;
	return now & q.pt.key;
}

static void hooks_remove(struct epoll_item *it)
{
	struct epoll_hook *h;

	for (unsigned i = 0; i < it->nr_hooks; i++)
		wait_queue_remove(it->hooks[i].wq, &it->hooks[i].we);
	it->nr_hooks = 0;
	while ((h = it->more)) {
		it->more = h->next;
		wait_queue_remove(h->wq, &h->we);
		kfree(h);
	}
}

/* It is ready: as if it had been woken. */
static void make_ready(struct epoll_item *it)
{
	struct epoll *ep = it->ep;
	unsigned long f = spin_lock_irq(&ep->ready_lock);

	if (list_empty(&it->ready))
		list_add_tail(&it->ready, &ep->ready);
	if (!list_empty(&ep->wait.entries))
		wake_up(&ep->wait);
	spin_unlock_irq(&ep->ready_lock, f);
	epoll_wake_pollers(ep);
}

/* ---- items; ep->lock held ---- */

static int order(const struct epoll_item *it, const struct file *f, int fd)
{
	if (it->file != f)
		return f < it->file ? -1 : 1;
	return fd - it->fd;
}

static struct epoll_item *item_find(struct epoll *ep, const struct file *f, int fd)
{
	struct rb_node *n = ep->items.node;

	while (n) {
		struct epoll_item *it = container_of(n, struct epoll_item, node);
		int o = order(it, f, fd);

		if (!o)
			return it;
		n = o < 0 ? n->left : n->right;
	}
	return NULL;
}

static void item_insert(struct epoll *ep, struct epoll_item *it)
{
	struct rb_node **link = &ep->items.node;
	struct rb_node *parent = NULL;

	while (*link) {
		struct epoll_item *at = container_of(*link, struct epoll_item, node);

		parent = *link;
		link = order(at, it->file, it->fd) < 0 ? &parent->left : &parent->right;
	}
	rb_insert(&ep->items, &it->node, parent, link, NULL);
	spin_lock(&it->file->lock);
	list_add_tail(&it->file_node, &it->file->epoll_items);
	spin_unlock(&it->file->lock);
}

static void item_free(struct rcu_head *h)
{
	slab_free(item_cache, container_of(h, struct epoll_item, rcu));
}

static void item_remove(struct epoll_item *it)
{
	struct epoll *ep = it->ep;
	unsigned long f;

	hooks_remove(it); /* nobody makes it ready any more */
	spin_lock(&it->file->lock);
	list_unlink_(&it->file_node); /* readers under RCU go on from it */
	spin_unlock(&it->file->lock);
	rb_erase(&ep->items, &it->node, NULL);
	f = spin_lock_irq(&ep->ready_lock);
	list_del(&it->ready);
	spin_unlock_irq(&ep->ready_lock, f);
	atomic64_add(&nr_items, -1);
	rcu_call(&it->rcu, item_free);
}

static struct epoll_item *item_alloc(
	struct epoll *ep, struct file *f, int fd, const struct epoll_event *ev)
{
	struct epoll_item *it = slab_alloc(item_cache, GFP_KERNEL);

	if (!it)
		return NULL;
	memset(it, 0, sizeof(*it));
	it->ep = ep;
	it->file = f;
	it->fd = fd;
	it->event = *ev;
	it->is_exclusive = ev->events & EPOLLEXCLUSIVE;
	list_init(&it->ready);
	return it;
}

/* ---- epoll_ctl(2) ---- */

static int add(struct epoll *ep, struct file *f, int fd, const struct epoll_event *ev)
{
	struct epoll_item *it;
	int err = 0;

	if ((uint64_t)atomic64_add(&nr_items, 1) > max_items) {
		atomic64_add(&nr_items, -1);
		return -ENOSPC;
	}
	it = item_alloc(ep, f, fd, ev);
	if (!it) {
		atomic64_add(&nr_items, -1);
		return -ENOMEM;
	}
	item_insert(ep, it);
	if (hooks_add(it, &err) && !err)
		make_ready(it);
	if (err)
		item_remove(it);
	return err;
}

static int modify(struct epoll_item *it, const struct epoll_event *ev)
{
	unsigned want = ev->events & ~EPOLL_PRIVATE, now;
	struct poll_table pt = {.key = want, .depth = 1};
	int err = 0;

	if (it->is_exclusive || (ev->events & EPOLLEXCLUSIVE))
		return -EINVAL;
	WRITE_ONCE(it->event.events, ev->events);
	it->event.data = ev->data;
	smp_mb(); /* a wake-up sees the new events, or the look sees what it was for */
	if (want & ~it->hooked) {
		hooks_remove(it);
		now = hooks_add(it, &err);
	} else {
		now = vfs_poll(it->file, &pt) & want;
	}
	if (now)
		make_ready(it);
	return err;
}

static int check_exclusive(enum epoll_op op, const struct file *target, uint32_t events)
{
	const uint32_t allowed = POLLIN | POLLOUT | POLLERR | POLLHUP | EPOLLWAKEUP | EPOLLET |
				 EPOLLEXCLUSIVE;

	if (op == EPOLL_CTL_DEL || !(events & EPOLLEXCLUSIVE))
		return 0;
	if (op == EPOLL_CTL_MOD || epoll_of(target) || (events & ~allowed))
		return -EINVAL;
	return 0;
}

static int ctl_locked(struct epoll *ep, enum epoll_op op, struct file *target, int fd,
	const struct epoll_event *ev)
{
	struct epoll_item *it = item_find(ep, target, fd);

	if (op == EPOLL_CTL_ADD)
		return it ? -EEXIST : add(ep, target, fd, ev);
	if (!it)
		return -ENOENT;
	if (op == EPOLL_CTL_MOD)
		return modify(it, ev);
	item_remove(it);
	return 0;
}

int epoll_ctl(
	struct file *f, enum epoll_op op, struct file *target, int fd, const struct epoll_event *ev)
{
	struct epoll *ep = epoll_of(f);
	struct epoll_event want = {0};
	bool nests;
	int err;

	if (!target->ops->poll)
		return -EPERM;
	if (op != EPOLL_CTL_DEL) {
		want = *ev;
		want.events = (want.events & ~EPOLLWAKEUP) | POLLERR | POLLHUP;
	}
	if (!ep || f == target || check_exclusive(op, target, ev ? ev->events : 0))
		return -EINVAL;
	if (op < EPOLL_CTL_ADD || op > EPOLL_CTL_MOD)
		return -EINVAL;
	nests = op == EPOLL_CTL_ADD && (epoll_of(target) || !list_empty(&f->epoll_items));
	if (nests)
		epoll_nest_lock();
	err = nests ? epoll_nest_check(ep, target) : 0;
	if (!err) {
		mutex_lock(&ep->lock);
		err = ctl_locked(ep, op, target, fd, &want);
		mutex_unlock(&ep->lock);
	}
	if (nests)
		epoll_nest_unlock();
	return err;
}

/* ---- epoll_wait(2) ---- */

/* The ready list becomes @batch. ep->lock held. */
static void take_batch(struct epoll *ep, struct list_head *batch)
{
	unsigned long f = spin_lock_irq(&ep->ready_lock);

	list_splice_tail(&ep->ready, batch);
	spin_unlock_irq(&ep->ready_lock, f);
}

/* What was not looked at comes first again; another waiter may go on with what there is. */
static void give_back(struct epoll *ep, struct list_head *batch)
{
	unsigned long f = spin_lock_irq(&ep->ready_lock);

	list_splice_tail(&ep->ready, batch);
	list_splice_tail(batch, &ep->ready);
	if (!list_empty(&ep->ready) && !list_empty(&ep->wait.entries))
		wake_up(&ep->wait);
	spin_unlock_irq(&ep->ready_lock, f);
}

static struct epoll_item *next_of(struct epoll *ep, struct list_head *batch)
{
	struct epoll_item *it = NULL;
	unsigned long f = spin_lock_irq(&ep->ready_lock);

	if (!list_empty(batch)) {
		it = list_first(batch, struct epoll_item, ready);
		list_del(&it->ready); /* from here on a wake-up makes it ready anew */
	}
	spin_unlock_irq(&ep->ready_lock, f);
	return it;
}

/* To the end of @list, if it was not made ready meanwhile. */
static void put_back(struct epoll *ep, struct epoll_item *it, struct list_head *list)
{
	unsigned long f = spin_lock_irq(&ep->ready_lock);

	if (list_empty(&it->ready))
		list_add_tail(&it->ready, list);
	spin_unlock_irq(&ep->ready_lock, f);
}

static unsigned item_events(struct epoll_item *it, unsigned depth)
{
	struct poll_table pt = {.key = it->event.events & ~EPOLL_PRIVATE, .depth = depth + 1};

	return pt.key ? vfs_poll(it->file, &pt) & pt.key : 0;
}

static int report(struct epoll *ep, unsigned max,
	bool (*emit)(void *arg, const struct epoll_event *ev), void *arg)
{
	LIST_HEAD(batch);
	struct epoll_item *it;
	unsigned n = 0;
	int err = 0;

	mutex_lock(&ep->lock);
	take_batch(ep, &batch);
	while (n < max && (it = next_of(ep, &batch))) {
		struct epoll_event ev = {item_events(it, 0), it->event.data};

		if (!ev.events)
			continue;
		if (!emit(arg, &ev)) {
			put_back(ep, it, &batch);
			err = -EFAULT;
			break;
		}
		n++;
		if (it->event.events & EPOLLONESHOT)
			WRITE_ONCE(it->event.events, it->event.events & EPOLL_PRIVATE);
		else if (!(it->event.events & EPOLLET))
			put_back(ep, it, &ep->ready);
	}
	give_back(ep, &batch);
	mutex_unlock(&ep->lock);
	return n ? (int)n : err;
}

int epoll_wait(struct file *f, unsigned max, uint64_t deadline_ns,
	bool (*emit)(void *arg, const struct epoll_event *ev), void *arg)
{
	struct epoll *ep = epoll_of(f);

	if (!ep)
		return -EINVAL;
	for (;;) {
		int n = list_empty(&ep->ready) ? 0 : report(ep, max, emit, arg);

		if (n || !deadline_ns)
			return n;
		n = wait_event_full(&ep->wait, !list_empty(&ep->ready), TASK_INTERRUPTIBLE,
			deadline_ns, WAIT_EXCLUSIVE);
		if (n)
			return n == -ETIME ? 0 : -EINTR;
	}
}

/* ---- as a file ---- */

/* Something is ready: also drops from the ready list what is not any more. */
static bool has_events(struct epoll *ep, unsigned depth)
{
	LIST_HEAD(batch);
	struct epoll_item *it;
	bool found = false;

	if (list_empty(&ep->ready))
		return false;
	mutex_lock_nested(&ep->lock, depth);
	take_batch(ep, &batch);
	while (!found && (it = next_of(ep, &batch))) {
		found = item_events(it, depth);
		if (found)
			put_back(ep, it, &batch);
	}
	give_back(ep, &batch);
	mutex_unlock(&ep->lock);
	return found;
}

static unsigned epoll_poll(struct file *f, struct poll_table *pt)
{
	struct epoll *ep = f->private;

	poll_wait(pt, f, &ep->pollers);
	return has_events(ep, pt ? pt->depth : 0) ? POLLIN | POLLRDNORM : 0;
}

static void epoll_info(struct file *f, struct file_info *out)
{
	struct epoll *ep = f->private;
	struct rb_node *n;

	mutex_lock(&ep->lock);
	for (n = rb_first(&ep->items); n; n = rb_next(n)) {
		const struct epoll_item *it = container_of(n, struct epoll_item, node);
		const struct inode *i = it->file->inode;

		out->print(out, "tfd: %8d events: %8x data: %16llx  pos:%lld ino:%llx sdev:%llx\n",
			it->fd, it->event.events, (unsigned long long)it->event.data,
			(long long)it->file->pos, (unsigned long long)i->ino,
			(unsigned long long)i->sb->dev);
	}
	mutex_unlock(&ep->lock);
}

static void epoll_free(struct rcu_head *h)
{
	kfree(container_of(h, struct epoll, rcu));
}

static void epoll_put(struct epoll *ep)
{
	if (refcount_dec(&ep->refs))
		rcu_call(&ep->rcu, epoll_free);
}

static void epoll_release(struct file *f)
{
	struct epoll *ep = f->private;
	struct rb_node *n;

	mutex_lock(&ep->lock);
	while ((n = rb_first(&ep->items)))
		item_remove(container_of(n, struct epoll_item, node));
	mutex_unlock(&ep->lock);
	epoll_put(ep);
}

/*
 * @f's last reference is gone, so it gets no new items; but its epolls may be removing them at the
 * same time. An item that is still on the list when its epoll's lock is held is ours to remove; the
 * epoll has a reference as long as it has items.
 */
static void forget_file(struct file *f)
{
	for (;;) {
		struct epoll_item *it;
		struct epoll *ep = NULL;

		spin_lock(&f->lock);
		if (!list_empty(&f->epoll_items)) {
			ep = list_first(&f->epoll_items, struct epoll_item, file_node)->ep;
			refcount_inc(&ep->refs);
		}
		spin_unlock(&f->lock);
		if (!ep)
			return;
		mutex_lock(&ep->lock);
		it = list_empty(&f->epoll_items)
			     ? NULL
			     : list_first(&f->epoll_items, struct epoll_item, file_node);
		if (it && it->ep == ep)
			item_remove(it);
		mutex_unlock(&ep->lock);
		epoll_put(ep);
	}
}

static const struct file_ops epoll_fops = {
	.poll = epoll_poll,
	.info = epoll_info,
	.release = epoll_release,
};

struct epoll *epoll_of(const struct file *f)
{
	return f->ops == &epoll_fops ? f->private : NULL;
}

int epoll_create(unsigned file_flags, struct file **out)
{
	struct epoll *ep = kzalloc(sizeof(*ep));
	int err;

	if (!ep)
		return -ENOMEM;
	refcount_set(&ep->refs, 1);
	mutex_init(&ep->lock);
	spin_init(&ep->ready_lock);
	list_init(&ep->ready);
	wait_queue_init(&ep->wait);
	wait_queue_init(&ep->pollers);
	err = file_create_anon("[eventpoll]", &epoll_fops, ep, O_RDWR | file_flags, &ep->file);
	if (err) {
		kfree(ep);
		return err;
	}
	*out = ep->file;
	return 0;
}

void events_init(void)
{
	struct file_stats s;

	item_cache = slab_cache_create("epoll_item", sizeof(struct epoll_item), 64, NULL);
	file_stats(&s);
	max_items = s.max * 16; /* a few per cent of memory */
	file_released = forget_file;
	timerfd_init();
}
