/*
 * signalfd.c - signalfd(2): signals that are read.
 *
 * What can be read is what is pending for whoever reads: the thread and its process. So a signalfd
 * belongs to no process; a process that looks at it (read, poll, epoll) is noted as a watcher, and
 * from then on its signals wake those who wait on the signalfd. The wait queue is the signalfd's
 * own: it lives as long as anybody can wait on it.
 *
 * Locks: signalfd->lock -> process->sig_lock -> the wait queue. A watch is on two lists; it keeps
 * its process's structure and goes with the signalfd, or when the process is found dead.
 */
#include <error.h>
#include <file.h>
#include <process.h>
#include <slab.h>
#include <stat.h>
#include <string.h>
#include "signal_queue.h"

struct signalfd {
	struct spinlock lock;
	uint64_t mask; /* [a] signals to read */
	struct wait_queue wait;
	struct list_head watches; /* [lock] */
};
struct watch {
	struct list_head fd_node;      /* [signalfd lock] */
	struct list_head process_node; /* [sig_lock] */
	struct signalfd *fd;
	struct process *process; /* referenced */
};

void (*signalfd_record)(const struct siginfo *in, void *record);

void signalfd_notify_locked(struct process *p, int sig)
{
	struct watch *w;

	list_for_each_entry (w, &p->signalfds, process_node)
		if (READ_ONCE(w->fd->mask) & SIGMASK(sig))
			wake_up_nr(&w->fd->wait, ~0u, POLLIN | POLLRDNORM);
}

/* Lock held. */
static void watch_remove(struct watch *w)
{
	unsigned long f = spin_lock_irq(&w->process->sig_lock);

	list_del(&w->process_node);
	spin_unlock_irq(&w->process->sig_lock, f);
	list_del(&w->fd_node);
	process_put(w->process);
	kfree(w);
}

/* Lock held: is @p noted? Forgets the dead on the way. */
static bool watch_find(struct signalfd *s, const struct process *p)
{
	struct watch *w, *next;

	list_for_each_entry_safe (w, next, &s->watches, fd_node) {
		if (w->process == p)
			return true;
		if (READ_ONCE(w->process->flags) & PROC_ZOMBIE)
			watch_remove(w);
	}
	return false;
}

/* Note the current process as a watcher: 0 or -ENOMEM. */
static int watch_add(struct signalfd *s)
{
	struct process *p = current_process();
	struct watch *w = NULL;
	unsigned long f;
	bool found;

	for (;;) {
		spin_lock(&s->lock);
		found = watch_find(s, p);
		if (!found && w) {
			list_add(&w->fd_node, &s->watches);
			f = spin_lock_irq(&p->sig_lock);
			list_add(&w->process_node, &p->signalfds);
			spin_unlock_irq(&p->sig_lock, f);
			w = NULL;
			found = true;
		}
		spin_unlock(&s->lock);
		if (found)
			break;
		w = kmalloc(sizeof(*w), GFP_KERNEL);
		if (!w)
			return -ENOMEM;
		w->fd = s;
		w->process = process_get(p);
	}
	if (w) { /* another thread was faster */
		process_put(w->process);
		kfree(w);
	}
	return 0;
}

static bool is_pending(const struct signalfd *s)
{
	struct uthread *u = current->uthread;
	unsigned long f = spin_lock_irq(&u->process->sig_lock);
	bool yes = (u->pending.set.bits | u->process->pending.set.bits) & READ_ONCE(s->mask);

	spin_unlock_irq(&u->process->sig_lock, f);
	return yes;
}

static int take(struct signalfd *s, struct siginfo *info)
{
	struct uthread *u = current->uthread;
	unsigned long f = spin_lock_irq(&u->process->sig_lock);
	int sig = signal_dequeue_locked(u, ~READ_ONCE(s->mask), info);

	signal_recalc_locked(u);
	spin_unlock_irq(&u->process->sig_lock, f);
	return sig;
}

static int take_first(struct signalfd *s, bool nonblock, struct siginfo *info)
{
	int err;

	while (!take(s, info)) {
		if (nonblock)
			return -EAGAIN;
		err = watch_add(s);
		if (!err)
			err = wait_event_interruptible(&s->wait, is_pending(s));
		if (err)
			return err;
	}
	return 0;
}

static ssize_t signalfd_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	uint8_t record[SIGNALFD_RECORD];
	struct signalfd *s = f->private;
	struct siginfo info;
	ssize_t done = 0;
	int err;

	if (to->count < sizeof(record))
		return -EINVAL;
	err = take_first(s, f->flags & O_NONBLOCK, &info);
	if (err)
		return err;
	do {
		signalfd_record(&info, record);
		if (copy_to_iter(record, sizeof(record), to) != sizeof(record))
			return done ? done : -EFAULT;
		done += (ssize_t)sizeof(record);
	} while (to->count >= sizeof(record) && take(s, &info));
	return done;
}

static unsigned signalfd_poll(struct file *f, struct poll_table *pt)
{
	struct signalfd *s = f->private;

	if (watch_add(s))
		return POLLERR;
	poll_wait(pt, f, &s->wait);
	return is_pending(s) ? POLLIN | POLLRDNORM : 0;
}

static void signalfd_info(struct file *f, struct file_info *out)
{
	const struct signalfd *s = f->private;

	out->print(out, "sigmask:\t%016llx\n", (unsigned long long)READ_ONCE(s->mask));
}

static void signalfd_release(struct file *f)
{
	struct signalfd *s = f->private;

	spin_lock(&s->lock);
	while (!list_empty(&s->watches))
		watch_remove(list_first(&s->watches, struct watch, fd_node));
	spin_unlock(&s->lock);
	kfree(s);
}

static const struct file_ops signalfd_fops = {
	.read = signalfd_read,
	.poll = signalfd_poll,
	.info = signalfd_info,
	.release = signalfd_release,
};

int signalfd_change(struct file *f, sigset_t mask)
{
	struct signalfd *s = f->private;

	if (f->ops != &signalfd_fops)
		return -EINVAL;
	WRITE_ONCE(s->mask, mask.bits & ~UNBLOCKABLE);
	wake_up_all(&s->wait); /* something else may be wanted now that is pending */
	return 0;
}

int signalfd_create(sigset_t mask, unsigned file_flags, struct file **out)
{
	struct signalfd *s = kzalloc(sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	spin_init(&s->lock);
	wait_queue_init(&s->wait);
	list_init(&s->watches);
	s->mask = mask.bits & ~UNBLOCKABLE;
	err = file_create_anon("[signalfd]", &signalfd_fops, s, O_RDWR | file_flags, out);
	if (err)
		kfree(s);
	return err;
}
