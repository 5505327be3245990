/*
 * rcu.c - grace periods and the callbacks that wait for them.
 *
 * The kernel is not preempted, so a CPU that passes schedule(), the idle loop or user mode has no
 * read section open. Each CPU counts such passes (rcu_passes). A grace period: note all counts,
 * wait until each has changed. One kernel thread does it for all: number the period, take all CPUs'
 * callback lists, wait, run the callbacks, announce the number as done. What is queued before a
 * period got its number is in it or in an earlier one; so waiting for number started + 1 waits for
 * all. The thread's own CPU is quiet by definition, so with one CPU a period ends at once. A CPU
 * that does not pass in time is kicked: its task is asked to reschedule, an idle one comes out of
 * its halt. That an idle CPU is not taken as quiet without asking is deliberate: it may be in an
 * interrupt handler that reads. Callbacks gather for BATCH_NS unless there are many or somebody
 * waits. Order: a pass is counted before a full barrier (the run-queue lock, or rcu_quiescent()'s
 * own), so that reads after it cannot have happened before; the thread's noting of counts is behind
 * a full barrier after the lists were taken.
 */
#include <rcu.h>
#include <arch/clock.h>
#include <arch/smp.h>
#include <core.h>
#include <debug.h>
#include <timer.h>
#include <wait.h>
#include "rq.h"

#define BATCH_NS          10000000ull
#define BATCH_MANY        2000u
#define POLL_NS           1000000ull
#define POLLS_BEFORE_KICK 1u /* of a busy CPU */

struct rcu_cpu {
	struct rcu_head
		*first; /* pushed by anyone on this CPU, taken whole by the thread; atomic */
	uint32_t nr;    /* about how many; a hint */
	bool is_idle;
};
DEFINE_PER_CPU(uint64_t, rcu_passes);
static DEFINE_PER_CPU(struct rcu_cpu, rcu_cpu);

static uint64_t started, done, wanted; /* period numbers */
static uint32_t timer_armed;
static bool thread_runs;
static struct timer batch_timer;
static struct wait_queue thread_wait = WAIT_QUEUE_INIT(thread_wait);
static struct wait_queue done_wait = WAIT_QUEUE_INIT(done_wait);

void rcu_quiescent(void)
{
	rcu_note_pass();
	smp_mb();
}

bool rcu_cpu_is_idle(unsigned cpu)
{
	return READ_ONCE(per_cpu_ptr(rcu_cpu, cpu)->is_idle);
}

void rcu_idle_enter(void)
{
	WRITE_ONCE(this_cpu_ptr(rcu_cpu)->is_idle, true);
	rcu_quiescent();
}

void rcu_idle_exit(void)
{
	WRITE_ONCE(this_cpu_ptr(rcu_cpu)->is_idle, false);
	rcu_quiescent();
}

/* ---- queueing ---- */

/* Ask for all periods up to @number. */
static void want(uint64_t number)
{
	uint64_t w = __atomic_load_n(&wanted, __ATOMIC_RELAXED);

	while (w < number)
		if (__atomic_compare_exchange_n(
			    &wanted, &w, number, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
			break;
	wake_up(&thread_wait);
}

static void batch_is_due(struct timer *t)
{
	(void)t;
	WRITE_ONCE(timer_armed, 0);
	want(__atomic_load_n(&started, __ATOMIC_SEQ_CST) + 1);
}

void rcu_call(struct rcu_head *head, void (*fn)(struct rcu_head *))
{
	unsigned long f = irq_save();
	struct rcu_cpu *c = this_cpu_ptr(rcu_cpu);
	struct rcu_head *first = READ_ONCE(c->first);

	head->fn = fn;
	do
		head->next = first;
	while (!__atomic_compare_exchange_n(
		&c->first, &first, head, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	c->nr++;
	if (thread_runs && c->nr == BATCH_MANY)
		want(__atomic_load_n(&started, __ATOMIC_SEQ_CST) + 1);
	else if (thread_runs && !READ_ONCE(timer_armed) &&
		 !__atomic_exchange_n(&timer_armed, 1, __ATOMIC_SEQ_CST))
		timer_arm(&batch_timer, clock_ns() + BATCH_NS);
	irq_restore(f);
}

/* Wait for a period that begins after now. */
static void wait_for_period(void)
{
	uint64_t number;

	might_sleep();
	smp_mb();
	number = __atomic_load_n(&started, __ATOMIC_SEQ_CST) + 1;
	want(number);
	wait_event(&done_wait, __atomic_load_n(&done, __ATOMIC_ACQUIRE) >= number);
}

void rcu_synchronize(void)
{
	if (cpu_count() == 1 || !thread_runs) { /* only we run, and we are in no section */
		might_sleep();
		smp_mb();
		return;
	}
	wait_for_period();
}

void rcu_barrier(void)
{
	PANIC_ON(!thread_runs);
	wait_for_period();
}

/* ---- the thread ---- */

static struct rcu_head *take_all(void)
{
	struct rcu_head *all = NULL;
	unsigned cpu;

	for_each_cpu_in(cpu, sched_online)
	{
		struct rcu_cpu *c = per_cpu_ptr(rcu_cpu, cpu);
		struct rcu_head *h, *next;

		WRITE_ONCE(c->nr, 0);
		for (h = __atomic_exchange_n(&c->first, NULL, __ATOMIC_SEQ_CST); h; h = next) {
			next = h->next;
			h->next = all;
			all = h;
		}
	}
	return all;
}

/* CPUs of @late that have not passed since @seen was noted. */
static uint64_t still_late(uint64_t late, const uint64_t *seen)
{
	struct cpumask mask = {late};
	unsigned cpu;

	for_each_cpu_in(cpu, mask) if (READ_ONCE(per_cpu(rcu_passes, cpu)) != seen[cpu])
		late &= ~(1ull << cpu);
	return late;
}

static void kick(uint64_t late, bool busy_too)
{
	struct cpumask mask = {late};
	unsigned cpu;

	for_each_cpu_in(cpu, mask)
	{
		if (rcu_cpu_is_idle(cpu))
			smp_kick(cpu);
		else if (busy_too)
			sched_force_pass(cpu);
	}
}

static void wait_for_passes(void)
{
	static uint64_t seen[MAX_CPUS];
	uint64_t late = READ_ONCE(sched_online.bits) & ~(1ull << cpu_id());
	struct cpumask mask = {late};
	unsigned cpu, polls;

	for_each_cpu_in(cpu, mask) seen[cpu] = READ_ONCE(per_cpu(rcu_passes, cpu));
	for (polls = 0; (late = still_late(late, seen)); polls++) {
		kick(late, polls >= POLLS_BEFORE_KICK);
		sleep_uninterruptible_ns(POLL_NS);
	}
	smp_mb();
}

static void run_callbacks(struct rcu_head *h)
{
	while (h) {
		struct rcu_head *next = h->next;

		h->fn(h);
		cond_resched();
		h = next;
	}
}

static void rcu_thread(void *arg)
{
	(void)arg;
	for (;;) {
		struct rcu_head *all;

		(void)wait_event_interruptible(
			&thread_wait, READ_ONCE(wanted) > done); /* no load while it waits */
		__atomic_fetch_add(&started, 1, __ATOMIC_SEQ_CST);
		all = take_all();
		if (cpu_count() > 1)
			wait_for_passes();
		run_callbacks(all);
		smp_store_release(&done, started);
		wake_up_all(&done_wait);
	}
}

void rcu_start(void)
{
	int err;

	timer_init(&batch_timer, batch_is_due);
	err = kthread_run(rcu_thread, NULL, "rcu");
	if (err)
		panic("no memory for the RCU thread");
	thread_runs = true;
	want(1); /* what was queued before */
}
