/*
 * timer.c - per-CPU timers and the programming of the CPU's one-shot clock event.
 *
 * A base has its pending timers in a tree by deadline. The hardware is programmed for the earlier
 * of the first timer and the scheduler's tick; cancelling leaves it as it is (an early interrupt
 * finds nothing due and programs anew). timer->base says which base's lock guards the timer; it
 * changes only under the lock of the old base. A timer whose callback runs stays on that CPU if
 * armed again, so a callback never runs on two CPUs at once.
 */
#include <timer.h>
#include <arch/clock.h>
#include <arch/percpu.h>
#include <debug.h>
#include <spinlock.h>
#include "rq.h"

struct timer_base {
	struct spinlock lock; /* irq-save */
	struct rb_root tree;
	struct rb_node *first;
	struct timer *running;  /* its callback is being called */
	uint64_t tick_ns;       /* the scheduler's, UINT64_MAX: none; only its own CPU writes */
	uint64_t programmed_ns; /* what the hardware will do */
};
static DEFINE_PER_CPU(struct timer_base, timer_base);

static struct timer *timer_of(struct rb_node *n)
{
	return container_of(n, struct timer, node);
}

void timer_cpu_init(void)
{
	struct timer_base *b = this_cpu_ptr(timer_base);

	spin_init(&b->lock);
	b->tree = (struct rb_root)RB_ROOT;
	b->first = NULL;
	b->tick_ns = b->programmed_ns = UINT64_MAX;
}

void timer_init(struct timer *t, void (*fn)(struct timer *))
{
	t->fn = fn;
	t->cpu = -1;
	t->base = 0;
	t->running = false;
}

/* This CPU's base, interrupts off. */
static void program(struct timer_base *b)
{
	uint64_t next = b->first ? timer_of(b->first)->deadline_ns : UINT64_MAX;

	if (b->tick_ns < next)
		next = b->tick_ns;
	if (next != b->programmed_ns) {
		b->programmed_ns = next;
		clock_set_timer(next);
	}
}

void timer_set_tick(uint64_t deadline_ns)
{
	struct timer_base *b = this_cpu_ptr(timer_base);

	b->tick_ns = deadline_ns;
	if (deadline_ns < b->programmed_ns)
		program(b);
}

static struct timer_base *lock_base(struct timer *t, unsigned long *f)
{
	for (;;) {
		int cpu = READ_ONCE(t->base);
		struct timer_base *b = per_cpu_ptr(timer_base, cpu);

		*f = spin_lock_irq(&b->lock);
		if (likely(cpu == t->base))
			return b;
		spin_unlock_irq(&b->lock, *f);
	}
}

static void insert(struct timer_base *b, struct timer *t)
{
	struct rb_node **link = &b->tree.node, *parent = NULL;
	bool is_first = true;

	while (*link) {
		parent = *link;
		if (t->deadline_ns < timer_of(parent)->deadline_ns) {
			link = &parent->left;
		} else {
			link = &parent->right;
			is_first = false;
		}
	}
	rb_insert(&b->tree, &t->node, parent, link, NULL);
	if (is_first)
		b->first = &t->node;
	t->cpu = t->base;
}

static void remove(struct timer_base *b, struct timer *t)
{
	if (b->first == &t->node)
		b->first = rb_next(&t->node);
	rb_erase(&b->tree, &t->node, NULL);
	WRITE_ONCE(t->cpu, -1);
}

void timer_arm(struct timer *t, uint64_t deadline_ns)
{
	unsigned long f;
	struct timer_base *b = lock_base(t, &f);
	int cpu = (int)cpu_id();

	if (t->cpu >= 0)
		remove(b, t);
	if (t->base != cpu && b->running != t) {
		WRITE_ONCE(t->base, (int16_t)cpu);
		spin_unlock(&b->lock);
		b = per_cpu_ptr(timer_base, cpu);
		spin_lock(&b->lock);
		if (t->base != cpu ||
			t->cpu >=
				0) { /* someone else armed it meanwhile: that is as good as later */
			spin_unlock_irq(&b->lock, f);
			return;
		}
	}
	t->deadline_ns = deadline_ns;
	insert(b, t);
	if (t->base == cpu && b->first == &t->node && deadline_ns < b->programmed_ns)
		program(b);
	spin_unlock_irq(&b->lock, f);
}

bool timer_cancel(struct timer *t)
{
	unsigned long f;
	struct timer_base *b;
	bool was_queued;

	b = lock_base(t, &f);
	was_queued = t->cpu >= 0;
	if (was_queued)
		remove(b, t);
	spin_unlock_irq(&b->lock, f);
	return was_queued;
}

void timer_cancel_sync(struct timer *t)
{
	for (;;) {
		unsigned long f;
		struct timer_base *b = lock_base(t, &f);
		bool is_running = b->running == t;

		if (t->cpu >= 0)
			remove(b, t);
		spin_unlock_irq(&b->lock, f);
		if (!is_running)
			return;
		cpu_relax();
	}
}

uint64_t timer_next_deadline(void)
{
	struct timer_base *b = this_cpu_ptr(timer_base);
	unsigned long f = spin_lock_irq(&b->lock);
	uint64_t d = b->first ? timer_of(b->first)->deadline_ns : UINT64_MAX;

	spin_unlock_irq(&b->lock, f);
	return d;
}

void timer_run_expired(uint64_t now_ns)
{
	struct timer_base *b = this_cpu_ptr(timer_base);

	spin_lock(&b->lock);
	while (b->first && timer_of(b->first)->deadline_ns <= now_ns) {
		struct timer *t = timer_of(b->first);

		remove(b, t);
		b->running = t;
		spin_unlock(&b->lock);
		t->fn(t); /* may free or re-arm it: t is only an address from here on */
		spin_lock(&b->lock);
		b->running = NULL;
	}
	program(b);
	spin_unlock(&b->lock);
}

/* The clock event fired: arch's upcall, interrupts off. */
void timer_interrupt(bool from_user)
{
	struct timer_base *b = this_cpu_ptr(timer_base);
	uint64_t now = clock_ns();

	b->programmed_ns = UINT64_MAX;
	if (from_user)
		rcu_quiescent();
	if (now >= b->tick_ns) {
		b->tick_ns = UINT64_MAX;
		sched_tick(now, from_user);
	}
	timer_run_expired(now);
}
