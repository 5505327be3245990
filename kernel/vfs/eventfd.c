/*
 * eventfd.c - eventfd(2): a 64-bit counter as a file.
 *
 * A write adds, and waits while the sum would not fit below UINT64_MAX; a read takes it all, or 1
 * of a semaphore, and waits while it is 0.
 */
#include "internal.h"
#include <events.h>
#include <sched.h>

/* Key: [l] ->lock */
struct eventfd {
	struct spinlock lock;
	uint64_t count; /* [l] racy reads for readiness */
	struct wait_queue wait;
	bool is_semaphore;
	unsigned id; /* for /proc/PID/fdinfo */
};

/* Take what a read gets: 0: nothing there. */
static uint64_t take(struct eventfd *e)
{
	uint64_t n;

	spin_lock(&e->lock);
	n = e->is_semaphore && e->count ? 1 : e->count;
	WRITE_ONCE(e->count, e->count - n);
	spin_unlock(&e->lock);
	return n;
}

static bool add(struct eventfd *e, uint64_t n)
{
	bool fits;

	spin_lock(&e->lock);
	fits = UINT64_MAX - e->count > n;
	if (fits)
		WRITE_ONCE(e->count, e->count + n);
	spin_unlock(&e->lock);
	return fits;
}

static ssize_t eventfd_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	struct eventfd *e = f->private;
	uint64_t n;
	int err;

	if (to->count < sizeof(n))
		return -EINVAL;
	while (!(n = take(e))) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(&e->wait, READ_ONCE(e->count));
		if (err)
			return err;
	}
	if (wait_queue_active(&e->wait))
		wake_up_nr(&e->wait, ~0u, POLLOUT | POLLWRNORM);
	return copy_to_iter(&n, sizeof(n), to) == sizeof(n) ? (ssize_t)sizeof(n) : -EFAULT;
}

static ssize_t eventfd_write(struct file *f, struct iov_iter *from, int64_t *pos)
{
	struct eventfd *e = f->private;
	uint64_t n;
	int err;

	if (from->count != sizeof(n)) /* exactly, since Linux 6.9 */
		return -EINVAL;
	if (copy_from_iter(&n, sizeof(n), from) != sizeof(n))
		return -EFAULT;
	if (n == UINT64_MAX)
		return -EINVAL;
	while (!add(e, n)) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(&e->wait, UINT64_MAX - READ_ONCE(e->count) > n);
		if (err)
			return err;
	}
	if (wait_queue_active(&e->wait))
		wake_up_nr(&e->wait, ~0u, POLLIN | POLLRDNORM);
	return sizeof(n);
}

static unsigned eventfd_poll(struct file *f, struct poll_table *pt)
{
	struct eventfd *e = f->private;
	uint64_t n;

	poll_wait(pt, f, &e->wait);
	n = READ_ONCE(e->count);
	return (n ? POLLIN | POLLRDNORM : 0) | (n == UINT64_MAX ? POLLERR : 0) |
	       (n < UINT64_MAX - 1 ? POLLOUT | POLLWRNORM : 0);
}

static void eventfd_info(struct file *f, struct file_info *out)
{
	struct eventfd *e = f->private;

	out->print(out, "eventfd-count: %16llx\neventfd-id: %u\neventfd-semaphore: %d\n",
		(unsigned long long)READ_ONCE(e->count), e->id, e->is_semaphore);
}

static void eventfd_release(struct file *f)
{
	kfree(f->private);
}

static const struct file_ops eventfd_fops = {
	.read = eventfd_read,
	.write = eventfd_write,
	.poll = eventfd_poll,
	.info = eventfd_info,
	.seek = seek_ignored,
	.release = eventfd_release,
};

int eventfd_create(uint64_t count, bool is_semaphore, unsigned file_flags, struct file **out)
{
	static unsigned last_id;
	struct eventfd *e = kzalloc(sizeof(*e));
	int err;

	if (!e)
		return -ENOMEM;
	spin_init(&e->lock);
	wait_queue_init(&e->wait);
	e->count = count;
	e->is_semaphore = is_semaphore;
	e->id = __atomic_fetch_add(&last_id, 1, __ATOMIC_RELAXED);
	err = file_create_anon("[eventfd]", &eventfd_fops, e, O_RDWR | file_flags, out);
	if (err)
		kfree(e);
	return err;
}
