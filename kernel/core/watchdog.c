/*
 * watchdog.c - the debug kernel's eye on what makes no progress: spinlocks that nobody gives back,
 * processors that do not come past the scheduler, tasks that sleep uninterruptibly for minutes.
 *
 * Each processor looks once a second whether the next one has passed a moment without read sections
 * (rcu.c counts them) or idles; so one with its interrupts off is seen by its neighbour, and a lone
 * one that loops with them on by itself. Looks are counted, not time, so a machine that was
 * suspended raises no alarm. Every report says where each processor is (by NMI); a system test
 * takes its WARNING for a failure. All tasks hang in a list for the third check, and for a look at
 * how deep their stacks have been.
 */
#include "watchdog.h"

#if CONFIG_DEBUG
#include <arch/clock.h>
#include <arch/smp.h>
#include <debug.h>
#include <log.h>
#include <timer.h>
#include "rq.h"

#define LOOK_NS          1000000000ull
#define STUCK_LOOKS      10u
#define TASK_LOOKS       10u /* between two walks over the tasks */
#define HUNG_WALKS       12u
#define MAX_FRAMES       24u
#define MAX_TASK_REPORTS 8u

struct watch {
	struct timer timer;
	uint64_t passes; /* of the next processor at the last look */
	unsigned looks;  /* at which it had not moved */
	unsigned walk;
};
static DEFINE_PER_CPU(struct watch, watch);

static struct spinlock tasks_lock = SPINLOCK_INIT("all tasks"); /* irq-save */
static LIST_HEAD(tasks);                                        /* [tasks_lock] */

void watchdog_task_add(struct task *t)
{
	unsigned long f = spin_lock_irq(&tasks_lock);

	list_add_tail(&t->watch_node, &tasks);
	spin_unlock_irq(&tasks_lock, f);
}

/* How deep stacks have been, and a warning before one is too small. */
static void look_at_stack(const struct task *t)
{
	static size_t deepest;
	size_t used = task_stack_used(t);

	if (used <= READ_ONCE(deepest))
		return;
	WRITE_ONCE(deepest, used);
	if (used > KSTACK_BYTES / 4 * 3)
		log_at(LOG_WARNING, "WARNING: task %s (%d) used %zu of %u bytes of its stack",
			t->name, t->tid, used, KSTACK_BYTES);
	else
		log_debug("task %s (%d) used %zu bytes of its stack", t->name, t->tid, used);
}

void watchdog_task_remove(struct task *t)
{
	unsigned long f = spin_lock_irq(&tasks_lock);

	list_del(&t->watch_node);
	spin_unlock_irq(&tasks_lock, f);
	look_at_stack(t);
}

static void print_trace(const uint64_t *pc, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		log_at(LOG_WARNING, "    %pS", (void *)pc[i]);
}

void report_cpus(void)
{
	uint64_t pc[MAX_FRAMES];
	unsigned cpu, n;

	for_each_cpu_in(cpu, sched_online)
	{
		const struct task *t = READ_ONCE(per_cpu_ptr(run_queue, cpu)->curr);

		n = cpu_trace(cpu, pc, MAX_FRAMES);
		log_at(LOG_WARNING, "  cpu %u, task %s (%d)%s", cpu, t->name, t->tid,
			n ? ":" : ": no answer");
		print_trace(pc, n);
	}
}

/* ---- processors ---- */

static unsigned next_cpu(unsigned cpu)
{
	uint64_t online = READ_ONCE(sched_online.bits);
	uint64_t above = cpu == 63 ? 0 : online >> (cpu + 1) << (cpu + 1);

	return (unsigned)__builtin_ctzll(above ? above : online);
}

static void look_at_cpu(struct watch *w, unsigned cpu)
{
	uint64_t passes = READ_ONCE(per_cpu(rcu_passes, cpu));

	if (passes != w->passes || rcu_cpu_is_idle(cpu)) {
		w->passes = passes;
		w->looks = 0;
		return;
	}
	if (++w->looks != STUCK_LOOKS)
		return;
	log_at(LOG_WARNING, "WARNING: cpu %u has not come past the scheduler for %u s", cpu,
		STUCK_LOOKS);
	report_cpus();
}

/* ---- tasks ---- */

/* tasks_lock held. */
static bool is_hung(struct task *t)
{
	uint64_t switches = READ_ONCE(t->voluntary_switches);

	if (READ_ONCE(t->state) != TASK_UNINTERRUPTIBLE || switches != t->watch_switches) {
		t->watch_switches = switches;
		t->watch_walks = 0;
		return false;
	}
	return ++t->watch_walks == HUNG_WALKS;
}

static void look_at_tasks(void)
{
	uint64_t pc[MAX_FRAMES];
	struct task *t;
	unsigned told = 0;
	unsigned long f = spin_lock_irq(&tasks_lock);

	list_for_each_entry (t, &tasks, watch_node) {
		if (t->is_kernel) /* it will not end soon */
			look_at_stack(t);
		if (!is_hung(t) || ++told > MAX_TASK_REPORTS)
			continue;
		log_at(LOG_WARNING, "WARNING: task %s (%d) has slept uninterruptibly for %u s",
			t->name, t->tid, HUNG_WALKS * TASK_LOOKS);
		print_trace(pc, task_trace(t, pc, MAX_FRAMES));
	}
	spin_unlock_irq(&tasks_lock, f);
}

static void look(struct timer *t)
{
	struct watch *w = container_of(t, struct watch, timer);
	unsigned me = cpu_id();

	look_at_cpu(w, next_cpu(me));
	if (me == 0 && ++w->walk % TASK_LOOKS == 0)
		look_at_tasks();
	timer_arm(t, clock_ns() + LOOK_NS);
}

void watchdog_cpu_start(void)
{
	struct watch *w = this_cpu_ptr(watch);

	timer_init(&w->timer, look);
	timer_arm(&w->timer, clock_ns() + LOOK_NS);
}

/* ---- spinlocks ---- */

#define SPIN_STEP_NS  2000000ull
#define SPIN_WARN_NS  5000000000ull
#define SPIN_PANIC_NS 60000000000ull

void watchdog_spin(struct spin_watch *w, const struct spinlock *l)
{
	uint64_t now = clock_ns(), step = now - w->last_ns;
	static uint32_t telling;
	const char *name = l->cls ? l->cls->name : "?";

	/* Time in which the host ran somebody else is not ours. */
	w->spun_ns += MIN(step, SPIN_STEP_NS);
	w->last_ns = now;
	if (w->spun_ns < SPIN_WARN_NS)
		return;
	if (w->spun_ns > SPIN_PANIC_NS)
		panic("spinlock %s is held by cpu %u since %pS", name, l->owner_cpu,
			(void *)l->owner_pc);
	if (w->told || __atomic_exchange_n(&telling, 1, __ATOMIC_SEQ_CST))
		return;
	w->told = true;
	log_at(LOG_WARNING, "WARNING: spinlock %s is held by cpu %u since %pS, cpu %u waits", name,
		l->owner_cpu, (void *)l->owner_pc, cpu_id());
	report_cpus();
	__atomic_store_n(&telling, 0, __ATOMIC_SEQ_CST);
}
#endif
