/*
 * watchdog_test.c - what the debug kernel's watchdog reports, and what it leaves in peace.
 */
/* LINK: kernel/core/watchdog.c */
#include "kernel/core/rq.h"
#include "kernel/core/watchdog.h"
#include <arch/task.h>
#include <log.h>
#include <string.h>
#include <time.h>
#include <unit.h>

DEFINE_PER_CPU(struct rq, run_queue);
DEFINE_PER_CPU(uint64_t, rcu_passes);
struct cpumask sched_online = {1};
static bool idle;
static unsigned warnings;
static char last[200];

void log_at(enum log_level level, const char *fmt, ...)
{
	if (strncmp(fmt, "WARNING", 7))
		return;
	warnings++;
	strlcpy(last, fmt, sizeof(last));
	(void)level;
}
bool rcu_cpu_is_idle(unsigned cpu)
{
	(void)cpu;
	return idle;
}
unsigned cpu_trace(unsigned cpu, uint64_t *pc, unsigned max)
{
	(void)cpu, (void)pc, (void)max;
	return 0;
}
unsigned task_trace(const struct task *t, uint64_t *pc, unsigned max)
{
	(void)t, (void)pc, (void)max;
	return 0;
}

static void start(void)
{
	run_queue.curr = current;
	warnings = 0;
	watchdog_cpu_start();
}

TEST(a_processor_that_does_not_pass_is_reported_once)
{
	start();
	idle = false;
	for (int i = 0; i < 60; i++) {
		rcu_passes++;
		unit_advance(NSEC_PER_SEC);
	}
	EXPECT_EQ(warnings, 0);
	unit_advance(9 * NSEC_PER_SEC);
	EXPECT_EQ(warnings, 0);
	unit_advance(30 * NSEC_PER_SEC);
	EXPECT_EQ(warnings, 1);
	EXPECT(strstr(last, "scheduler") != NULL);
	rcu_passes++;
	unit_advance(30 * NSEC_PER_SEC); /* it moved, and is stuck again */
	EXPECT_EQ(warnings, 2);
}

TEST(an_idle_processor_is_left_in_peace)
{
	start();
	idle = true;
	unit_advance(300 * NSEC_PER_SEC);
	EXPECT_EQ(warnings, 0);
}

TEST(a_task_asleep_uninterruptibly_for_minutes_is_reported_once)
{
	struct task t = {.state = TASK_UNINTERRUPTIBLE, .name = "hung"};

	start();
	idle = true;
	watchdog_task_add(&t);
	for (int i = 0; i < 30; i++) { /* it sleeps, but wakes in between */
		unit_advance(20 * NSEC_PER_SEC);
		t.voluntary_switches++;
	}
	EXPECT_EQ(warnings, 0);
	t.state = TASK_INTERRUPTIBLE;
	unit_advance(300 * NSEC_PER_SEC);
	EXPECT_EQ(warnings, 0);
	t.state = TASK_UNINTERRUPTIBLE;
	unit_advance(600 * NSEC_PER_SEC);
	EXPECT_EQ(warnings, 1);
	EXPECT(strstr(last, "uninterruptibly") != NULL);
	watchdog_task_remove(&t);
}

TEST(a_spinlock_is_reported_after_seconds_of_the_waiters_own_time)
{
	struct spinlock l = {.locked = 1};
	struct spin_watch w = {.last_ns = clock_ns()};

	start();
	idle = true;
	for (int i = 0; i < 100; i++) { /* the host ran others: not ours */
		unit_advance(NSEC_PER_SEC);
		watchdog_spin(&w, &l);
	}
	EXPECT_EQ(warnings, 0);
	for (int i = 0; i < 6000; i++) {
		unit_advance(NSEC_PER_MSEC);
		watchdog_spin(&w, &l);
	}
	EXPECT_EQ(warnings, 1);
	EXPECT(strstr(last, "spinlock") != NULL);
}
