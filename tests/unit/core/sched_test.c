/*
 * sched_test.c - the real scheduler on a simulated clock: switching does nothing but change
 * `current`, and the test acts as whatever task that is. Shares follow weights, sleepers lose
 * nothing, FIFO and RR come first, woken tasks run soon.
 */
/* LINK: kernel/core/sched.c kernel/core/fair.c kernel/core/rt.c kernel/core/balance.c
 * kernel/core/task.c kernel/core/cputime.c */
/* LINK: kernel/core/timer.c kernel/core/wait.c kernel/lib/rbtree.c kernel/core/workqueue.c */
#include "kernel/core/rq.h"
#include "kernel/core/watchdog.h"
#include <arch/task.h>
#include <core.h>
#include <error.h>
#include <log.h>
#include <slab.h>
#include <unit.h>

#define MS 1000000ull
static uint64_t timer_at;
DEFINE_PER_CPU(uint64_t, rcu_passes);

struct task *arch_switch(struct task *prev, struct task *next)
{
	current_task_ = next;
	return prev;
}
void clock_set_timer(uint64_t deadline_ns)
{
	timer_at = deadline_ns;
}
void arch_task_start_kernel(struct task *t, void (*fn)(void *), void *arg)
{
	(void)t, (void)fn, (void)arg;
}
void rcu_idle_enter(void)
{
}
void rcu_idle_exit(void)
{
}
void rcu_start(void)
{
}
void log_wake_deferred(void)
{
}
void watchdog_cpu_start(void)
{
}
void watchdog_task_add(struct task *t)
{
	(void)t;
}
void watchdog_task_remove(struct task *t)
{
	(void)t;
}

static struct task *alloc(void)
{
	return kzalloc(sizeof(struct task));
}
static void release(struct task *t)
{
	kfree(t);
}

static void start(void)
{
	static const struct task_allocator allocator = {alloc, release};

	run_queue = (struct rq){.cpu = 0};
	core_init();
	task_set_allocator(&allocator);
	sched_init();
	run_queue.in_idle_loop = true;
}

static struct task *spawn(int nice)
{
	struct task *t = NULL;

	if (task_create("hog", &t))
		return NULL;
	t->is_kernel = true;
	sched_set_nice(t, nice);
	task_start(t);
	return t;
}

/*
 * The running task sleeps. (schedule() itself would see "its" task asleep on return, take it for
 * the boot flow and wait; a yield makes the same single pass.)
 */
static void sleep_now(void)
{
	current->state = TASK_UNINTERRUPTIBLE;
	sched_yield();
}

/* Let time pass as the machine would: to the next timer, then a pass through the scheduler if one
 * is due. */
static void run_for(uint64_t ns)
{
	uint64_t end = unit_clock + ns;

	while (unit_clock < end) {
		if (current->work & TASK_WORK_RESCHED)
			schedule();
		if (timer_at > end) {
			unit_clock = end;
			break;
		}
		if (timer_at > unit_clock)
			unit_clock = timer_at;
		timer_at = UINT64_MAX;
		irq_disable();
		timer_interrupt(true);
		irq_enable();
	}
}

static void retire(struct task **t, unsigned n)
{
	unsigned i;

	current_task_ = run_queue.idle;
	for (i = 0; i < n; i++)
		release(t[i]);
}

static int64_t ms_of(struct task *t)
{
	return (int64_t)(t->se.sum_exec_ns / MS);
}

TEST(equal_tasks_get_equal_shares)
{
	struct task *t[5];
	unsigned i;

	start();
	for (i = 0; i < 5; i++)
		t[i] = spawn(0);
	run_for(5000 * MS);
	for (i = 0; i < 5; i++)
		EXPECT(ms_of(t[i]) >= 990 && ms_of(t[i]) <= 1010);
	retire(t, 5);
}

TEST(shares_follow_the_weights_of_nice)
{
	struct task *t[4];
	static const int nice[4] = {-5, 0, 0, 5}; /* weights 3125 1024 1024 336 */
	unsigned i, sum = 0;

	start();
	for (i = 0; i < 4; i++) {
		t[i] = spawn(nice[i]);
		sum += t[i]->se.weight;
	}
	run_for(20000 * MS);
	for (i = 0; i < 4; i++) {
		int64_t fair = 20000ll * t[i]->se.weight / sum;

		EXPECT(ms_of(t[i]) > fair - 30 && ms_of(t[i]) < fair + 30);
	}
	retire(t, 4);
}

TEST(a_sleeper_runs_soon_after_waking_and_gets_its_share)
{
	struct task *t[3];
	unsigned round;
	uint64_t worst = 0;

	start();
	t[0] = spawn(0);
	t[1] = spawn(0);
	t[2] = spawn(0);
	for (round = 0; round < 500; round++) {
		uint64_t woken, ran;

		while (current != t[2])
			run_for(MS / 10);
		run_for(MS); /* one millisecond of work */
		if (current != t[2])
			continue;
		sleep_now();
		run_for(7 * MS);
		woken = unit_clock;
		ran = t[2]->se.sum_exec_ns;
		EXPECT(task_wake(t[2], TASK_UNINTERRUPTIBLE));
		while (t[2]->se.sum_exec_ns == ran && current != t[2])
			run_for(MS / 10);
		worst = MAX(worst, unit_clock - woken);
	}
	EXPECT(worst <= 7 * MS); /* at most two slices of others */
	EXPECT(ms_of(t[0]) - ms_of(t[1]) < 20 && ms_of(t[1]) - ms_of(t[0]) < 20);
	retire(t, 3);
}

TEST(fifo_keeps_the_processor_and_rr_shares_it)
{
	struct task *t[4];
	int64_t before;

	start();
	t[0] = spawn(0);
	t[1] = spawn(0);
	EXPECT_EQ(sched_set(t[1], SCHED_FIFO, 10), 0);
	run_for(100 * MS);
	before = ms_of(t[0]);
	run_for(500 * MS);
	EXPECT(current == t[1]);
	EXPECT_EQ(ms_of(t[0]), before);
	t[2] = spawn(0);
	t[3] = spawn(0);
	EXPECT_EQ(sched_set(t[2], SCHED_RR, 20), 0);
	EXPECT_EQ(sched_set(t[3], SCHED_RR, 20), 0);
	run_for(2000 * MS);
	EXPECT(ms_of(t[2]) >= 890 && ms_of(t[2]) <= 1110);
	EXPECT(ms_of(t[3]) >= 890 && ms_of(t[3]) <= 1110);
	EXPECT_EQ(sched_set(t[1], SCHED_FIFO, 0), -EINVAL);
	EXPECT_EQ(sched_set(t[1], SCHED_OTHER, 3), -EINVAL);
	retire(t, 4);
}

TEST(yield_goes_to_another_task)
{
	struct task *t[2], *who;
	unsigned i;

	start();
	t[0] = spawn(0);
	t[1] = spawn(0);
	schedule();
	for (i = 0; i < 100; i++) {
		who = current;
		unit_clock += 1000 * (1 + unit_below(5));
		sched_yield();
		REQUIRE(current != who && current != run_queue.idle);
	}
	retire(t, 2);
}

TEST(a_lone_task_is_hardly_ticked)
{
	struct task *t;
	unsigned ticks = 0;
	uint64_t end;

	start();
	t = spawn(0);
	schedule();
	EXPECT(current == t);
	end = unit_clock + 2000 * MS;
	while (timer_at < end) {
		unit_clock = timer_at;
		irq_disable();
		timer_interrupt(true);
		irq_enable();
		ticks++;
	}
	EXPECT(ticks > 5 && ticks < 30);
	EXPECT(t->se.user_ns > 1800 * MS);
	sleep_now();
	EXPECT(current == run_queue.idle);
	retire(&t, 1);
}

TEST(random_sleeps_wakes_and_priorities_keep_the_queue_whole)
{
	struct task *t[12];
	unsigned i, step;

	start();
	for (i = 0; i < 12; i++)
		t[i] = spawn((int)unit_below(40) - 20);
	for (step = 0; step < 20000; step++) {
		struct task *r = t[unit_below(12)];
		unsigned runnable = 0;

		unit_clock += unit_below(2 * MS);
		switch (unit_below(6)) {
		case 0:
			if (current != run_queue.idle)
				sleep_now();
			else
				schedule();
			break;
		case 1:
		case 2:
			task_wake(r, TASK_UNINTERRUPTIBLE);
			break;
		case 3:
			sched_set_nice(r, (int)unit_below(40) - 20);
			break;
		case 4:
			if (unit_below(4))
				EXPECT_EQ(sched_set(r, SCHED_OTHER, 0), 0);
			else
				EXPECT_EQ(sched_set(r, SCHED_RR, 5), 0);
			break;
		default:
			run_for(MS);
		}
		for (i = 0; i < 12; i++)
			runnable += t[i]->se.on_queue;
		REQUIRE_EQ(run_queue.nr_running, runnable);
		REQUIRE(runnable == 0 || current != run_queue.idle ||
			run_queue.idle->work & TASK_WORK_RESCHED);
		REQUIRE_EQ(run_queue.nr_uninterruptible, 12 - runnable);
	}
	retire(t, 12);
}
