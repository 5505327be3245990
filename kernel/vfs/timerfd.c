/*
 * timerfd.c - timerfd_create(2): timers that are read.
 *
 * A periodic timer rests after it ran out until somebody looks (read, gettime); the periods that
 * passed meanwhile are counted then. So a short period costs nothing while nobody reads.
 *
 * A timer set to a time of day follows the wall clock when that is set; with
 * TFD_TIMER_CANCEL_ON_SET it is told instead: readable, and the read fails once with ECANCELED.
 * Does not: wake a suspended machine (the alarm clocks run like the others).
 */
#include "epoll.h"
#include <events.h>
#include <sched.h>
#include <timer.h>

enum {
	CLK_REALTIME = 0,
	CLK_MONOTONIC = 1,
	CLK_BOOTTIME = 7,
	CLK_REALTIME_ALARM = 8,
	CLK_BOOTTIME_ALARM = 9
};
#define MAX_DRIFT 1000 /* one part in so many: twice what adjtimex(2) can do */
enum { TFD_IOC_SET_TICKS = 0x40085400 };

/* Key: [l] ->lock, irq  [w] watch_lock too */
struct timerfd {
	struct spinlock lock;
	struct timer timer;
	struct wait_queue wait;
	struct list_head node; /* [watch_lock] of those on the wall clock */
	int clock;
	unsigned flags;       /* [l] of the last settime */
	uint64_t deadline_ns; /* [l] clock_ns() scale; 0: not set */
	uint64_t wall_ns;     /* [l] the time of day it is set to; 0: follows no clock */
	uint64_t interval_ns; /* [l] */
	uint64_t ticks;       /* [l] to be read */
	bool resting;         /* [l] ran out, a periodic one waits for somebody to look */
	bool canceled;        /* [l] the clock was set; not told yet */
	int64_t offset_ns;    /* [l] of the wall clock when last looked at, */
	uint64_t offset_at;   /* and when */
};
static LIST_HEAD(on_wall_clock);
static struct spinlock watch_lock = SPINLOCK_INIT("timerfd watch_lock");

static bool is_wall(const struct timerfd *t)
{
	return t->clock == CLK_REALTIME || t->clock == CLK_REALTIME_ALARM;
}

/* Lock held. The timer of the machine may be early for the wall clock. */
static bool is_due(const struct timerfd *t)
{
	if (!t->deadline_ns || t->resting)
		return false;
	return t->wall_ns ? realtime_ns() >= (int64_t)t->wall_ns : clock_ns() >= t->deadline_ns;
}

static void ran_out(struct timer *timer)
{
	struct timerfd *t = container_of(timer, struct timerfd, timer);
	unsigned long f = spin_lock_irq(&t->lock);

	if (is_due(t)) {
		t->ticks++;
		t->resting = true;
		t->wall_ns = 0;
	} else if (t->wall_ns && !t->resting) {
		t->deadline_ns = realtime_deadline((int64_t)t->wall_ns);
		timer_arm(&t->timer, t->deadline_ns);
	}
	spin_unlock_irq(&t->lock, f);
	wake_up_nr(&t->wait, ~0u, POLLIN | POLLRDNORM);
}

/* Lock held. Count the periods that passed while it rested, and set it going again. */
static void go_on(struct timerfd *t)
{
	uint64_t now = clock_ns(), missed;

	if (!t->resting || !t->interval_ns)
		return;
	missed = now > t->deadline_ns ? (now - t->deadline_ns) / t->interval_ns : 0;
	t->ticks += missed;
	t->deadline_ns += (missed + 1) * t->interval_ns;
	t->resting = false;
	timer_arm(&t->timer, t->deadline_ns);
}

/* Lock held. */
static bool take_canceled(struct timerfd *t)
{
	bool was = t->canceled;

	t->canceled = false;
	return was;
}

/* Lock held. 0: nothing to read; the ticks; or -ECANCELED. */
static int64_t take_ticks(struct timerfd *t)
{
	int64_t n;

	if (take_canceled(t)) {
		t->ticks = 0;
		return -ECANCELED;
	}
	if (!t->ticks)
		return 0;
	go_on(t);
	n = (int64_t)t->ticks;
	t->ticks = 0;
	return n;
}

static ssize_t timerfd_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	struct timerfd *t = f->private;
	unsigned long irq;
	int64_t n;
	int err;

	if (to->count < sizeof(n))
		return -EINVAL;
	for (;;) {
		irq = spin_lock_irq(&t->lock);
		n = take_ticks(t);
		spin_unlock_irq(&t->lock, irq);
		if (n)
			break;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(
			&t->wait, READ_ONCE(t->ticks) || READ_ONCE(t->canceled));
		if (err)
			return err;
	}
	if (n < 0)
		return (ssize_t)n;
	return copy_to_iter(&n, sizeof(n), to) == sizeof(n) ? (ssize_t)sizeof(n) : -EFAULT;
}

static unsigned timerfd_poll(struct file *f, struct poll_table *pt)
{
	struct timerfd *t = f->private;

	poll_wait(pt, f, &t->wait);
	return READ_ONCE(t->ticks) || READ_ONCE(t->canceled) ? POLLIN | POLLRDNORM : 0;
}

static long timerfd_ioctl(struct file *f, unsigned cmd, void *arg)
{
	struct timerfd *t = f->private;
	uint64_t ticks = *(uint64_t *)arg;
	unsigned long irq;
	long err = 0;

	if (cmd != TFD_IOC_SET_TICKS)
		return -ENOTTY;
	if (!ticks)
		return -EINVAL;
	irq = spin_lock_irq(&t->lock);
	if (take_canceled(t))
		err = -ECANCELED;
	else
		t->ticks = ticks;
	spin_unlock_irq(&t->lock, irq);
	if (!err)
		wake_up_nr(&t->wait, ~0u, POLLIN | POLLRDNORM);
	return err;
}

/* ---- setting ---- */

static uint64_t saturating_add(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX - 1 : a + b;
}

/* Lock held. */
static void get_locked(struct timerfd *t, struct timer_setting *out)
{
	uint64_t now, left = 0;

	go_on(t);
	now = clock_ns();
	if (t->deadline_ns && !t->resting)
		left = t->deadline_ns > now ? t->deadline_ns - now : 1;
	out->value = ns_to_timespec((int64_t)left);
	out->interval = ns_to_timespec((int64_t)t->interval_ns);
}

/* Lock held. */
static void set_locked(struct timerfd *t, unsigned flags, const struct timer_setting *to)
{
	uint64_t value = timespec_to_ns(&to->value);

	t->flags = flags;
	t->interval_ns = timespec_to_ns(&to->interval);
	t->ticks = 0;
	t->resting = false;
	t->wall_ns = 0;
	t->deadline_ns = 0;
	if (!value)
		return;
	if (!(flags & TFD_TIMER_ABSTIME)) {
		t->deadline_ns = saturating_add(clock_ns(), value);
	} else if (is_wall(t)) {
		t->wall_ns = value;
		t->deadline_ns = realtime_deadline((int64_t)MIN(value, (uint64_t)INT64_MAX));
	} else {
		t->deadline_ns = value;
	}
	timer_arm(&t->timer, t->deadline_ns);
}

static const struct file_ops timerfd_fops;

int timerfd_settime(
	struct file *f, unsigned flags, const struct timer_setting *to, struct timer_setting *old)
{
	struct timerfd *t = f->private;
	unsigned long irq;
	int err = 0;

	if (f->ops != &timerfd_fops || (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) ||
		!timespec_valid(&to->value) || !timespec_valid(&to->interval))
		return -EINVAL;
	if ((t->clock == CLK_REALTIME_ALARM || t->clock == CLK_BOOTTIME_ALARM) &&
		!capable(CAP_WAKE_ALARM))
		return -EPERM;
	irq = spin_lock_irq(&t->lock);
	if (old)
		get_locked(t, old);
	timer_cancel(&t->timer); /* one that runs now finds the new deadline */
	if (flags & TFD_TIMER_CANCEL_ON_SET && take_canceled(t))
		err = -ECANCELED;
	set_locked(t, flags, to);
	spin_unlock_irq(&t->lock, irq);
	return err;
}

int timerfd_gettime(struct file *f, struct timer_setting *out)
{
	struct timerfd *t = f->private;
	unsigned long irq;

	if (f->ops != &timerfd_fops)
		return -EINVAL;
	irq = spin_lock_irq(&t->lock);
	get_locked(t, out);
	spin_unlock_irq(&t->lock, irq);
	return 0;
}

/* ---- the wall clock was set ---- */

/* Lock held. Was the clock set, or does it only run a little faster or slower (adjtimex(2))? */
static bool was_set(struct timerfd *t)
{
	uint64_t now = clock_ns();
	int64_t offset = realtime_offset_ns(), by = offset - t->offset_ns;
	int64_t drift = (int64_t)((now - t->offset_at) / MAX_DRIFT) + 1000;

	t->offset_ns = offset;
	t->offset_at = now;
	return by > drift || by < -drift;
}

static void follow(struct timerfd *t)
{
	const unsigned both = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;
	unsigned long irq = spin_lock_irq(&t->lock);
	bool tell = was_set(t) && (t->flags & both) == both;

	if (tell) {
		t->canceled = true;
		t->ticks++;
	}
	if (t->wall_ns && !t->resting) {
		t->deadline_ns = realtime_deadline((int64_t)t->wall_ns);
		timer_arm(&t->timer, t->deadline_ns);
	}
	spin_unlock_irq(&t->lock, irq);
	if (tell)
		wake_up_nr(&t->wait, ~0u, POLLIN | POLLRDNORM);
}

static void clock_was_set(void)
{
	struct timerfd *t;

	spin_lock(&watch_lock);
	list_for_each_entry (t, &on_wall_clock, node)
		follow(t);
	spin_unlock(&watch_lock);
}

/* ---- the file ---- */

static void timerfd_info(struct file *f, struct file_info *out)
{
	struct timerfd *t = f->private;
	struct timer_setting s;
	uint64_t ticks;
	unsigned long irq = spin_lock_irq(&t->lock);

	ticks = t->ticks;
	get_locked(t, &s);
	spin_unlock_irq(&t->lock, irq);
	out->print(out,
		"clockid: %d\nticks: %llu\nsettime flags: 0%o\nit_value: (%llu, %llu)\n"
		"it_interval: (%llu, %llu)\n",
		t->clock, (unsigned long long)ticks, t->flags, (unsigned long long)s.value.tv_sec,
		(unsigned long long)s.value.tv_nsec, (unsigned long long)s.interval.tv_sec,
		(unsigned long long)s.interval.tv_nsec);
}

static void timerfd_release(struct file *f)
{
	struct timerfd *t = f->private;

	spin_lock(&watch_lock);
	list_del(&t->node);
	spin_unlock(&watch_lock);
	timer_cancel_sync(&t->timer);
	kfree(t);
}

static const struct file_ops timerfd_fops = {
	.read = timerfd_read,
	.poll = timerfd_poll,
	.ioctl = timerfd_ioctl,
	.info = timerfd_info,
	.seek = seek_ignored,
	.release = timerfd_release,
};

static bool clock_allowed(int clock, int *err)
{
	switch (clock) {
	case CLK_REALTIME:
	case CLK_MONOTONIC:
	case CLK_BOOTTIME:
		return true;
	case CLK_REALTIME_ALARM:
	case CLK_BOOTTIME_ALARM:
		*err = -EPERM;
		return capable(CAP_WAKE_ALARM);
	}
	*err = -EINVAL;
	return false;
}

int timerfd_create(int clock, unsigned file_flags, struct file **out)
{
	struct timerfd *t;
	int err;

	if (!clock_allowed(clock, &err))
		return err;
	t = kzalloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	spin_init(&t->lock);
	timer_init(&t->timer, ran_out);
	wait_queue_init(&t->wait);
	list_init(&t->node);
	t->clock = clock;
	t->offset_ns = realtime_offset_ns();
	t->offset_at = clock_ns();
	err = file_create_anon("[timerfd]", &timerfd_fops, t, O_RDWR | file_flags, out);
	if (err) {
		kfree(t);
		return err;
	}
	if (is_wall(t)) {
		spin_lock(&watch_lock);
		list_add(&t->node, &on_wall_clock);
		spin_unlock(&watch_lock);
	}
	return 0;
}

void timerfd_init(void)
{
	static struct realtime_watch watcher = {.changed = clock_was_set};

	realtime_watch(&watcher);
}
