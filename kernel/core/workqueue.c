/*
 * workqueue.c - work queues: a list and a few threads for each CPU.
 *
 * A thread that takes a piece of work and leaves no other waiting starts one more first (up to a
 * limit), so that work which sleeps does not hold up what is queued behind it. Work queued on a CPU
 * that has no threads yet waits on CPU 0's list. Flushing: a marker goes to the tail of each list;
 * once it is taken, all that was before it has been taken too; what is still running then has a
 * smaller start number than the marker. Locks: pool->lock, irq-save, a leaf but for waking.
 */
#include <workqueue.h>
#include <arch/clock.h>
#include <debug.h>
#include <printf.h>
#include <sched.h>
#include <wait.h>
#include "rq.h"

#define MAX_WORKERS 8u

struct pool;
struct worker {
	struct pool *pool;
	uint64_t running; /* start number, 0: none */
};
/* Key: [p] lock */
struct pool {
	struct spinlock lock;
	struct list_head works;       /* [p] */
	struct wait_queue wait;       /* idle workers */
	uint64_t nr_started;          /* [p] pieces of work taken so far */
	unsigned nr_workers, nr_idle; /* [p] */
	unsigned cpu;
	bool is_starting; /* [p] a worker is being made */
	struct worker worker[MAX_WORKERS];
};
struct marker {
	struct work work;
	struct pool *pool;
	uint64_t number;
	bool taken;
};

static struct pool pools[MAX_CPUS];
static bool ready;
static struct wait_queue flush_wait = WAIT_QUEUE_INIT(flush_wait);

void work_pools_init(void)
{
	unsigned i;

	for (i = 0; i < MAX_CPUS; i++) {
		spin_init(&pools[i].lock);
		list_init(&pools[i].works);
		wait_queue_init(&pools[i].wait);
		pools[i].cpu = i;
	}
}

void work_init(struct work *w, void (*fn)(struct work *))
{
	list_init(&w->node);
	w->fn = fn;
	w->pending = 0;
}

static void append(struct pool *p, struct work *w)
{
	unsigned long f = spin_lock_irq(&p->lock);

	list_add_tail(&w->node, &p->works);
	spin_unlock_irq(&p->lock, f);
	wake_up(&p->wait);
}

bool work_queue(struct work *w)
{
	struct pool *p;
	unsigned long f;

	if (READ_ONCE(w->pending) || __atomic_exchange_n(&w->pending, 1, __ATOMIC_SEQ_CST))
		return false;
	f = irq_save();
	p = &pools[cpu_id()];
	if (!READ_ONCE(p->nr_workers))
		p = &pools[0];
	append(p, w);
	irq_restore(f);
	return true;
}

/* ---- workers ---- */

static void work_thread(void *arg);

/* One more thread for @p; the caller has set is_starting. Failing to is not an error: the others go
 * on. */
static void start_worker(struct pool *p)
{
	char name[16];
	unsigned long f;
	unsigned i = p->nr_workers;
	int err;

	p->worker[i].pool = p;
	snprintf(name, sizeof(name), "work/%u.%u", p->cpu, i);
	f = spin_lock_irq(&p->lock);
	p->nr_workers++;
	spin_unlock_irq(&p->lock, f);
	err = kthread_run(work_thread, &p->worker[i], name);
	f = spin_lock_irq(&p->lock);
	if (err)
		p->nr_workers--;
	p->is_starting = false;
	spin_unlock_irq(&p->lock, f);
}

/* Take the next piece of work; *@fn is what to call. The work may be queued again, or gone, from
 * here on. */
static struct work *take(struct worker *me, void (**fn)(struct work *), bool *need_more)
{
	struct pool *p = me->pool;
	unsigned long f = spin_lock_irq(&p->lock);
	struct work *w = NULL;

	if (!list_empty(&p->works)) {
		w = list_first(&p->works, struct work, node);
		list_del(&w->node);
		*fn = w->fn;
		me->running = ++p->nr_started;
		*need_more = !p->nr_idle && !p->is_starting && p->nr_workers < MAX_WORKERS;
		p->is_starting |= *need_more;
		__atomic_store_n(&w->pending, 0, __ATOMIC_SEQ_CST);
	}
	spin_unlock_irq(&p->lock, f);
	return w;
}

static void change_idle(struct pool *p, int by)
{
	unsigned long f = spin_lock_irq(&p->lock);

	p->nr_idle += (unsigned)by;
	spin_unlock_irq(&p->lock, f);
}

static void work_thread(void *arg)
{
	struct worker *me = arg;
	struct pool *p = me->pool;
	int err = sched_set_affinity(current, (struct cpumask){1ull << p->cpu});

	PANIC_ON(err); /* pools are made for CPUs that are online */
	for (;;) {
		void (*fn)(struct work *) = NULL;
		bool need_more = false;
		struct work *w = take(me, &fn, &need_more);

		if (!w) {
			change_idle(p, 1);
			/* interruptible: an idle thread is no load, and nobody signals it */
			(void)wait_event_exclusive(&p->wait, !list_empty(&p->works));
			change_idle(p, -1);
			continue;
		}
		if (need_more)
			start_worker(p);
		fn(w);
		smp_store_release(&me->running, 0);
		if (wait_queue_active(&flush_wait))
			wake_up_all(&flush_wait);
		cond_resched();
	}
}

void workqueue_init(void)
{
	unsigned cpu;

	for_each_cpu_in(cpu, sched_online)
	{
		pools[cpu].is_starting = true;
		start_worker(&pools[cpu]);
		if (!pools[cpu].nr_workers)
			panic("no memory for the workers of cpu %u", cpu);
	}
	ready = true;
}

/* ---- flushing ---- */

static void marker_taken(struct work *w)
{
	struct marker *m = container_of(w, struct marker, work);
	unsigned long f = spin_lock_irq(&m->pool->lock);

	m->number = m->pool->nr_started;
	spin_unlock_irq(&m->pool->lock, f);
	smp_store_release(&m->taken, true);
	wake_up_all(&flush_wait);
}

/* Nothing that was taken before the marker runs any more. */
static bool is_quiet(const struct marker *m)
{
	unsigned i;

	for (i = 0; i < MAX_WORKERS; i++) {
		uint64_t n = smp_load_acquire(&m->pool->worker[i].running);

		if (n && n <= m->number && n != m->number)
			return false;
	}
	return true;
}

void work_flush(void)
{
	unsigned cpu;

	might_sleep();
	if (!ready)
		return;
	for_each_cpu_in(cpu, sched_online)
	{
		struct marker m = {.pool = &pools[cpu]};

		if (!m.pool->nr_workers)
			continue;
		work_init(&m.work, marker_taken);
		m.work.pending = 1;
		append(m.pool, &m.work);
		wait_event(&flush_wait, smp_load_acquire(&m.taken) && is_quiet(&m));
	}
}

/* ---- delayed work ---- */

static void delay_is_over(struct timer *t)
{
	(void)work_queue(&container_of(t, struct delayed_work, timer)->work);
}

void delayed_work_init(struct delayed_work *w, void (*fn)(struct work *))
{
	work_init(&w->work, fn);
	timer_init(&w->timer, delay_is_over);
}

void delayed_work_queue(struct delayed_work *w, uint64_t delay_ns)
{
	timer_arm(&w->timer, clock_ns() + delay_ns);
}
