/*
 * sched.h - the scheduler: per-CPU queues, fair class by virtual deadline (EEVDF), FIFO and RR
 * above it.
 */
#pragma once
#include <task.h>

/*
 * task_create() - a task in state TASK_NEW with kernel stack, not yet known to anyone. Inherits
 * nice and affinity from current. Owns: the caller holds the one reference. Returns 0 or -ENOMEM.
 */
int __must_check task_create(const char *name, struct task **out);
void task_start(struct task *t); /* TASK_NEW -> runnable, placed on a CPU */
/* A kernel thread running fn(arg); it ends by returning. The task is referenced by itself only. */
int __must_check kthread_run(void (*fn)(void *), void *arg, const char *name);

void schedule(
	void); /* switch away if the state is not RUNNING or someone else is due. Interrupts on. */
void sched_yield(void);
void cond_resched(void); /* switch if due; also a place where RCU may pass */
/* Does the scheduler want to run another task here? For who works in a long loop. */
static inline bool need_resched(void)
{
	return READ_ONCE(current->work) & TASK_WORK_RESCHED;
}
/* Wake @t if its state is in @states; true if it was. Any context. */
bool task_wake(struct task *t, unsigned states);
void __noreturn task_exit_self(
	void); /* state DEAD; the stack is freed by the next task. Drops the self reference. */
/* Make @t pass the user-return path soon (signal): sets no bits itself, only kicks its CPU if
 * running elsewhere. */
void task_kick(struct task *t);

/* Sleep on nothing but time. 0, or -ERESTARTSYS. */
int __must_check sleep_until(uint64_t deadline_ns);
void sleep_uninterruptible_ns(uint64_t ns);
/* Is a signal pending that interrupts @state? Cheap: looks at task->work; fatal ones through a hook
 * of proc. */
bool task_interrupted(const struct task *t, unsigned state);
extern bool (*sched_fatal_signal)(const struct task *t); /* proc sets it */

/* Around a sleep for a device, as /proc/stat counts it: uninterruptible sleeps only. May nest. */
static inline bool io_wait_begin(void)
{
	bool before = current->waits_for_io;

	current->waits_for_io = true;
	return before;
}
static inline void io_wait_end(bool before)
{
	current->waits_for_io = before;
}
unsigned sched_nr_iowait(void); /* tasks that sleep so */

/* sched(7) */
int __must_check sched_set(struct task *t, enum sched_policy policy, unsigned rt_priority);
void sched_set_nice(struct task *t, int nice); /* -20..19 */
/* From its next request on @t of the fair class asks for @ns at a time: the shorter, the sooner it
 * runs when it wakes; its share stays. */
void sched_set_slice(struct task *t, uint64_t ns);
/* @t runs at no less than this realtime priority until the next call; 0: at its own. Any context.
 */
void sched_lend(struct task *t, unsigned rt_priority);
int __must_check sched_set_affinity(
	struct task *t, struct cpumask mask);  /* -EINVAL if no online CPU in it */
void sched_account(struct task *t, bool user); /* tick or mode-change accounting */
/* Total times of @t in ns up to now. */
void task_times(struct task *t, uint64_t *user_ns, uint64_t *system_ns);

struct cpu_times {
	uint64_t user_ns, system_ns, idle_ns, iowait_ns, irq_ns, switches;
};
void sched_cpu_times(unsigned cpu, struct cpu_times *out);
void sched_load(unsigned long avg[3]); /* 1, 5, 15 min, 11-bit fixed point */
unsigned sched_nr_running(void);

/* Set once by a driver: called by a CPU before it halts, again while it says that an answer for
 * this CPU is due soon. */
extern bool (*sched_idle_poll)(void);

void sched_init(void); /* boot CPU: the boot flow becomes its idle task's parent; afterwards tasks
			  can be made */
void __noreturn sched_idle_loop(
	void); /* what a CPU does with nothing to run; entered once per CPU */
uint64_t forks_total(void);
/* proc's part of a task goes: called once, from the RCU thread, before the memory of @t is freed.
 * May be NULL. */
extern void (*task_free_hook)(struct task *t);
/* Memory for struct task, registered by mm at boot; alloc gives zeroed memory or NULL. */
struct task_allocator {
	struct task *(*alloc)(void);
	void (*free)(struct task *t);
};
void task_set_allocator(const struct task_allocator *a);
void task_cache_init(void); /* boot, mm's (task_cache.c): makes the cache and registers it */
/* Called from the timer tick on a task in user or kernel mode (CPU-time limits and timers):
 * interrupts off. May be NULL. */
extern void (*sched_tick_hook)(struct task *t, bool from_user);
