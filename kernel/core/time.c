/*
 * time.c - the wall clock: clock_ns() plus an offset that is set, or grows at a rate.
 *
 * offset(t) = base_offset + (t - base) * rate / 2^40. The rate is what the discipline (ntp.c) makes
 * of adjtimex(2); most of the time it is 0. Readers take a consistent set by seqcount; writers hold
 * time_lock.
 *
 * Whoever waits for a moment of the wall clock has to look again when the clock was set or began to
 * run at another rate: sleepers are woken (wait_sleep_until_realtime()), owners of timers are
 * called (struct realtime_watch). While a phase is slewed the rate changes every second from an
 * interrupt; then realtime_deadline() looks no further than that, instead of waking everybody.
 */
#include <time.h>
#include <debug.h>
#include <sched.h>
#include <seqlock.h>
#include <spinlock.h>
#include <wait.h>
#include "timekeeping.h"

#define RATE_SHIFT 40

/* Key: [t] time_lock, readers seq */
static struct spinlock time_lock = SPINLOCK_INIT("realtime"); /* leaf, irq-save */
static struct seqcount seq;                                   /* [t] */
static uint64_t base;                                         /* [t] on clock_ns()'s scale */
static int64_t base_offset, rate;                             /* [t] */
static int32_t tai_seconds;
static struct wait_queue changes = WAIT_QUEUE_INIT(changes); /* sleepers on the wall clock */
static struct realtime_watch *watches;                       /* only grows, at boot */
void (*realtime_changed)(void);

void realtime_params(struct realtime_params *p)
{
	uint32_t v;

	do {
		v = seq_read_begin(&seq);
		*p = (struct realtime_params){
			.base_ns = base, .offset_ns = base_offset, .rate = rate};
	} while (seq_read_retry(&seq, v));
}

static int64_t offset_at(uint64_t now)
{
	struct realtime_params p;

	realtime_params(&p);
	if (likely(!p.rate))
		return p.offset_ns;
	return p.offset_ns + (int64_t)((__int128)(int64_t)(now - p.base_ns) * p.rate >> RATE_SHIFT);
}

int64_t realtime_offset_ns(void)
{
	return offset_at(clock_ns());
}

int64_t realtime_ns(void)
{
	uint64_t now = clock_ns();

	return (int64_t)now + offset_at(now);
}

int32_t realtime_tai_offset(void)
{
	return READ_ONCE(tai_seconds);
}

void realtime_set_tai_offset(int32_t seconds)
{
	WRITE_ONCE(tai_seconds, seconds);
}

static void set_locked(uint64_t now, int64_t offset, int64_t new_rate)
{
	seq_write_begin(&seq);
	base = now;
	base_offset = offset;
	rate = new_rate;
	seq_write_end(&seq);
}

void realtime_tell(bool stepped)
{
	wake_up_all(&changes);
	for (struct realtime_watch *w = watches; w; w = w->next)
		w->changed(stepped);
}

void realtime_set_ns(int64_t ns)
{
	unsigned long f = spin_lock_irq(&time_lock);
	uint64_t now = clock_ns();

	set_locked(now, ns - (int64_t)now, rate);
	spin_unlock_irq(&time_lock, f);
	if (realtime_changed)
		realtime_changed();
	realtime_tell(true);
}

void realtime_set_rate(int64_t new_rate)
{
	unsigned long f = spin_lock_irq(&time_lock);
	uint64_t now = clock_ns();

	if (new_rate == rate) {
		spin_unlock_irq(&time_lock, f);
		return;
	}
	set_locked(now, offset_at(now), new_rate);
	spin_unlock_irq(&time_lock, f);
	if (realtime_changed)
		realtime_changed();
}

void realtime_watch(struct realtime_watch *w)
{
	w->next = watches;
	watches = w;
}

uint64_t realtime_deadline(int64_t ns)
{
	uint64_t now = clock_ns(), wait;
	struct realtime_params p;
	int64_t left = ns - (int64_t)now - offset_at(now);

	if (left <= 0)
		return now;
	realtime_params(&p);
	/* left / (1 + rate) is a little more than left * (1 - rate). */
	wait = (uint64_t)left;
	if (unlikely(p.rate))
		wait -= (uint64_t)((__int128)left * p.rate >> RATE_SHIFT);
	if (discipline_is_slewing())
		wait = MIN(wait, NSEC_PER_SEC);
	return now + wait < now ? WAIT_NO_DEADLINE - 1 : now + wait;
}

int wait_sleep_until_realtime(int state, int64_t ns)
{
	struct wait_entry we = {.node = LIST_INIT(we.node), .task = current, .wake = wake_default};
	int err;

	/* Queued first: a change after the look at the clock ends the sleep. */
	wait_queue_add(&changes, &we);
	err = realtime_ns() >= ns ? -ETIME : wait_sleep_until(state, realtime_deadline(ns));
	wait_queue_remove(&changes, &we);
	return err == -ETIME && realtime_ns() < ns ? 0 : err;
}

/* Reading the counter is about as cheap as looking up a cached time, and never goes back between
 * CPUs. */
struct timespec time_now_coarse(void)
{
	return ns_to_timespec(realtime_ns());
}

void time_init(void)
{
	realtime_set_ns(clock_rtc_seconds() * (int64_t)NSEC_PER_SEC);
	discipline_init();
}
