/*
 * task.c - making, starting and ending tasks.
 *
 * References: a new task has one, its own ("self"), which ends with it: the task that runs next
 * frees the stack of the dead one and drops that reference. Whoever else keeps a pointer holds a
 * reference or is in an RCU section: the memory goes a grace period after the last reference, from
 * the RCU thread.
 */
#include <arch/clock.h>
#include <arch/task.h>
#include <debug.h>
#include <error.h>
#include <string.h>
#include "rq.h"
#include "watchdog.h"

static struct task_allocator allocator;
static uint64_t nr_started;
void (*task_free_hook)(struct task *t);
const struct cred *__weak task_kernel_cred; /* policy has the real one */

void task_set_allocator(const struct task_allocator *a)
{
	allocator = *a;
}

void sched_init(void)
{
	PANIC_ON(!allocator.alloc || !current);
}

void task_init_fields(struct task *t, const char *name)
{
	refcount_set(&t->refs, 1);
	strlcpy(t->name, name, sizeof(t->name));
	list_init(&t->se.rt_node);
	t->se.slice_ns = SLICE_NS;
	t->se.io_cpu = -1;
	fair_set_weight(&t->se);
}

/* sched(7), Resetting scheduling policy for child processes. */
static void inherit_scheduling(struct sched_entity *se, const struct sched_entity *from)
{
	bool was_rt = from->policy == SCHED_FIFO || from->policy == SCHED_RR;

	se->nice = from->nice;
	if (from->reset_on_fork && (was_rt || from->nice < 0))
		se->nice = 0;
	if (from->reset_on_fork && was_rt)
		return;
	se->policy = from->policy;
	se->rt_priority = se->own_rt_priority = from->own_rt_priority;
}

int task_create(const char *name, struct task **out)
{
	struct task *t = allocator.alloc(), *parent = current;
	int err;

	if (!t)
		return -ENOMEM;
	t->state = TASK_NEW;
	inherit_scheduling(&t->se, &parent->se);
	t->affinity = parent->is_kernel ? CPUMASK_ALL : parent->affinity;
	t->cpu = parent->cpu;
	t->cred = task_kernel_cred;
	task_init_fields(t, name);
	err = arch_task_init(t);
	if (err) {
		allocator.free(t);
		return err;
	}
	watchdog_task_add(t);
	*out = t;
	return 0;
}

void task_start(struct task *t)
{
	ASSERT(t->state == TASK_NEW);
	t->start_ns = clock_ns();
	t->se.last_user = !t->is_kernel; /* until a tick knows better */
	__atomic_fetch_add(&nr_started, 1, __ATOMIC_RELAXED);
	smp_store_release(&t->state, TASK_RUNNING);
	sched_activate(t);
}

uint64_t forks_total(void)
{
	return __atomic_load_n(&nr_started, __ATOMIC_RELAXED);
}

/* A kernel thread never restarts a call: its function and argument are kept there. */
static void kthread_main(void *arg)
{
	struct task *t = arg;
	void (*fn)(void *) = (void (*)(void *))t->restart.arg[0];

	fn((void *)t->restart.arg[1]);
	task_exit_self();
}

int kthread_run(void (*fn)(void *), void *arg, const char *name)
{
	struct task *t = NULL;
	int err = task_create(name, &t);

	if (err)
		return err;
	t->is_kernel = true;
	t->restart.arg[0] = (uint64_t)fn;
	t->restart.arg[1] = (uint64_t)arg;
	arch_task_start_kernel(t, kthread_main, t);
	task_start(t);
	return 0;
}

static void free_after_grace(struct rcu_head *head)
{
	struct task *t = container_of(head, struct task, rcu);

	if (task_free_hook)
		task_free_hook(t);
	if (t->state == TASK_NEW) { /* never ran, so nobody reaped it */
		watchdog_task_remove(t);
		arch_task_fini(t);
	}
	allocator.free(t);
}

void task_put(struct task *t)
{
	if (refcount_dec(&t->refs))
		rcu_call(&t->rcu, free_after_grace);
}

/* @t is dead and off its stack. Interrupts on. */
void task_reap(struct task *t)
{
	watchdog_task_remove(t);
	arch_task_fini(t);
	task_put(t);
}
