/*
 * later.c (host) - stand-ins for what happens later: clock, timers, work queues, RCU callbacks; and
 * random numbers.
 */
#include <arch/clock.h>
#include <debug.h>
#include <events.h>
#include <random.h>
#include <rcu.h>
#include <string.h>
#include <time.h>
#include <timer.h>
#include <unit.h>
#include <wait.h>
#include <workqueue.h>
#include "host.h"

uint64_t unit_clock = 1000 * NSEC_PER_SEC;
static struct timer *timers[4096];
static unsigned nr_timers;
static LIST_HEAD(works);
static struct rcu_head *rcu_first, **rcu_last = &rcu_first;
static int rcu_readers;

void unit_time_end(void)
{
	unit_run_work();
	unit_rcu_flush();
	nr_timers = 0;
	list_init(&works);
	if (rcu_readers)
		unit_fail("rcu", 0, "a read section is still open at the end of the test");
	rcu_readers = 0;
}

__weak uint64_t clock_ns(void)
{
	return unit_clock;
}
__weak void clock_set_timer(uint64_t deadline_ns)
{
	(void)deadline_ns;
}
__weak int64_t clock_rtc_seconds(void)
{
	return 1700000000;
}
__weak int64_t realtime_offset_ns(void)
{
	return 1700000000 * (int64_t)NSEC_PER_SEC;
}
__weak uint64_t realtime_deadline(int64_t ns)
{
	int64_t at = ns - realtime_offset_ns();

	return at > 0 ? (uint64_t)at : 0;
}

__weak int wait_sleep_until_realtime(int state, int64_t ns)
{
	return wait_sleep_until(state, realtime_deadline(ns));
}

__weak int32_t realtime_tai_offset(void)
{
	return 0;
}

__weak void realtime_watch(struct realtime_watch *w)
{
	(void)w;
}

__weak int64_t realtime_ns(void)
{
	return realtime_offset_ns() + (int64_t)clock_ns();
}
__weak struct timespec time_now_coarse(void)
{
	return ns_to_timespec(realtime_ns());
}

__weak void timer_init(struct timer *t, void (*fn)(struct timer *))
{
	*t = (struct timer){.fn = fn, .cpu = -1};
}
__weak bool timer_cancel(struct timer *t)
{
	unsigned i;

	for (i = 0; i < nr_timers; i++)
		if (timers[i] == t) {
			timers[i] = timers[--nr_timers];
			t->cpu = -1;
			return true;
		}
	return false;
}
__weak void timer_cancel_sync(struct timer *t)
{
	(void)timer_cancel(t);
}
__weak void timer_arm(struct timer *t, uint64_t deadline_ns)
{
	(void)timer_cancel(t);
	PANIC_ON(nr_timers == ARRAY_SIZE(timers));
	t->deadline_ns = deadline_ns;
	t->cpu = 0;
	timers[nr_timers++] = t;
}

void unit_advance(uint64_t ns)
{
	uint64_t end = unit_clock + ns;

	for (;;) {
		struct timer *due = NULL;
		unsigned i;

		for (i = 0; i < nr_timers; i++)
			if (timers[i]->deadline_ns <= end &&
				(!due || timers[i]->deadline_ns < due->deadline_ns))
				due = timers[i];
		if (!due)
			break;
		if (due->deadline_ns > unit_clock)
			unit_clock = due->deadline_ns;
		(void)timer_cancel(due);
		due->fn(due);
	}
	unit_clock = end;
}

__weak void work_init(struct work *w, void (*fn)(struct work *))
{
	*w = (struct work){.fn = fn, .node = LIST_INIT(w->node)};
}
__weak bool work_queue(struct work *w)
{
	if (w->pending)
		return false;
	w->pending = 1;
	list_add_tail(&w->node, &works);
	return true;
}
__weak void work_flush(void)
{
	unit_run_work();
}
static void delayed_due(struct timer *t)
{
	(void)work_queue(&container_of(t, struct delayed_work, timer)->work);
}
__weak void delayed_work_init(struct delayed_work *w, void (*fn)(struct work *))
{
	work_init(&w->work, fn);
	timer_init(&w->timer, delayed_due);
}
__weak void delayed_work_queue(struct delayed_work *w, uint64_t delay_ns)
{
	timer_arm(&w->timer, unit_clock + delay_ns);
}

unsigned unit_run_work(void)
{
	unsigned n = 0;

	while (!list_empty(&works)) {
		struct work *w = list_first(&works, struct work, node);

		list_del(&w->node);
		w->pending = 0;
		w->fn(w);
		n++;
	}
	return n;
}

__weak void rcu_read_lock(void)
{
	rcu_readers++;
}
__weak void rcu_read_unlock(void)
{
	if (--rcu_readers < 0)
		panic("rcu_read_unlock() without rcu_read_lock()");
}
__weak void rcu_call(struct rcu_head *head, void (*fn)(struct rcu_head *))
{
	head->next = NULL;
	head->fn = fn;
	*rcu_last = head;
	rcu_last = &head->next;
}
void unit_rcu_flush(void)
{
	while (rcu_first) {
		struct rcu_head *h = rcu_first;

		rcu_first = h->next;
		if (!rcu_first)
			rcu_last = &rcu_first;
		h->fn(h);
	}
}
__weak void rcu_synchronize(void)
{
	unit_rcu_flush();
}
__weak void rcu_barrier(void)
{
	unit_rcu_flush();
}
__weak void rcu_quiescent(void)
{
}

__weak uint64_t random_u64(void)
{
	return unit_random();
}
__weak uint64_t random_below(uint64_t bound)
{
	return unit_below(bound);
}
__weak void random_bytes(void *buf, size_t n)
{
	uint8_t *p = buf;

	while (n--)
		*p++ = (uint8_t)unit_random();
}
__weak void random_add(const void *data, size_t n, unsigned bits)
{
	(void)data, (void)n, (void)bits;
}
__weak bool random_ready(void)
{
	return true;
}
__weak int random_wait_ready(void)
{
	return 0;
}

/* vfs: epoll and its kin are left out of programs that do not link them. */
__weak void events_init(void)
{
}
