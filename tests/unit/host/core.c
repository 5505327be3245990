/*
 * core.c (host) - stand-ins for core: locks that only check, one task, panic that ends the test,
 * the log.
 *
 * Every function is weak: a program that links the real file gets the real one.
 */
#include <arch/cpu.h>
#include <arch/smp.h>
#include <arch/upcalls.h>
#include <arch/boot.h>
#include <debug.h>
#include <log.h>
#include <mutex.h>
#include <printf.h>
#include <sched.h>
#include <unit.h>
#include "host.h"

bool unit_irqs_off;
bool unit_signal, unit_print_log;
void (*unit_on_sleep)(void);
static struct task host_task;
__weak DEFINE_PER_CPU(struct task *, current_task_);
__weak struct arch_upcalls arch_upcalls;
__weak struct boot_info boot_info;
__weak bool (*sched_fatal_signal)(const struct task *t);

void unit_host_begin(void)
{
	host_task = (struct task){
		.state = TASK_RUNNING, .name = "unit", .tid = 1, .affinity = CPUMASK_ALL};
	refcount_set(&host_task.refs, 1);
	current_task_ = &host_task;
	unit_irqs_off = unit_signal = unit_print_log = false;
	unit_on_sleep = NULL;
	unit_mem_begin();
}

void unit_host_end(void)
{
	unit_time_end();
	if (current_task_ == &host_task && host_task.nr_held)
		unit_fail("locks", 0, "%u locks still held at the end of the test",
			host_task.nr_held);
	if (unit_irqs_off)
		unit_fail("interrupts", 0, "still off at the end of the test");
}

__weak void panic(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	unit_bail(text);
}

__weak const char *boot_step_name;
__weak void print_backtrace(const void *fp)
{
	(void)fp;
}
__weak void warn_at(const char *file, int line, const char *what)
{
	unit_fail(file, line, "warning: %s", what);
}

__weak void log_vat(enum log_level level, const char *fmt, va_list ap)
{
	char text[512];

	(void)level;
	vsnprintf(text, sizeof(text), fmt, ap);
	if (unit_print_log)
		unit_print("# %s\n", text);
}

__weak void log_at(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vat(level, fmt, ap);
	va_end(ap);
}

__weak bool log_allowed(struct log_limit *l)
{
	(void)l;
	return true;
}

/* ---- locks: taken and released once, known to ASSERT_LOCKED() ---- */

static void held_add(const void *lock)
{
	if (current->nr_held < ARRAY_SIZE(current->held))
		current->held[current->nr_held].lock = lock;
	current->nr_held++;
}

static void held_remove(const void *lock)
{
	unsigned i = current->nr_held;

	while (i && current->held[i - 1].lock != lock)
		i--;
	if (!i)
		panic("unlock of a lock that is not held");
	current->held[i - 1] = current->held[--current->nr_held];
}

__weak void spin_init_class(struct spinlock *l, struct lock_class *c)
{
	*l = (struct spinlock){.cls = c};
}
__weak bool lockdep_held(const void *lock)
{
	unsigned i;

	for (i = 0; i < current->nr_held; i++)
		if (current->held[i].lock == lock)
			return true;
	return false;
}
__weak void lockdep_acquire(const void *lock, struct lock_class *c, bool sleeping, bool trylock)
{
	(void)c, (void)sleeping, (void)trylock;
	held_add(lock);
}
__weak void lockdep_release(const void *lock)
{
	held_remove(lock);
}
__weak void lockdep_assert_none(const char *where)
{
	if (current->nr_held)
		panic("%u locks held at %s", current->nr_held, where);
}
__weak void lockdep_may_sleep(const char *file, int line)
{
	if (unit_irqs_off)
		panic("%s:%d: may sleep with interrupts off", file, line);
}
__weak bool spin_trylock(struct spinlock *l)
{
	if (l->locked)
		return false;
	l->locked = 1;
	held_add(l);
	return true;
}
__weak void spin_lock(struct spinlock *l)
{
	if (!spin_trylock(l))
		panic("deadlock: spinlock %s taken twice", l->cls ? l->cls->name : "?");
}
__weak void spin_lock_nested(struct spinlock *l, unsigned subclass)
{
	(void)subclass;
	spin_lock(l);
}
__weak void spin_unlock(struct spinlock *l)
{
	held_remove(l);
	l->locked = 0;
}

__weak void mutex_init_class(struct mutex *m, struct lock_class *c)
{
	m->owner = 0;
	wait_queue_init(&m->wait);
	m->cls = c;
}
__weak bool mutex_trylock(struct mutex *m)
{
	if (m->owner)
		return false;
	m->owner = (uint64_t)current;
	held_add(m);
	return true;
}
__weak void mutex_lock(struct mutex *m)
{
	might_sleep();
	if (!mutex_trylock(m))
		panic("deadlock: mutex %s taken twice", m->cls ? m->cls->name : "?");
}
__weak void mutex_lock_nested(struct mutex *m, unsigned subclass)
{
	(void)subclass;
	mutex_lock(m);
}
__weak int mutex_lock_interruptible(struct mutex *m)
{
	mutex_lock(m);
	return 0;
}
__weak void mutex_unlock(struct mutex *m)
{
	held_remove(m);
	m->owner = 0;
}
__weak bool mutex_is_locked(const struct mutex *m)
{
	return m->owner != 0;
}

__weak void rwsem_init_class(struct rwsem *s, struct lock_class *c)
{
	*s = (struct rwsem){.cls = c};
	wait_queue_init(&s->wait);
}
__weak bool rwsem_read_trylock(struct rwsem *s)
{
	if (s->count < 0)
		return false;
	s->count++;
	held_add(s);
	return true;
}
__weak bool rwsem_read_trylock_first(struct rwsem *s)
{
	return rwsem_read_trylock(s);
}
__weak void rwsem_read_lock(struct rwsem *s)
{
	might_sleep();
	if (!rwsem_read_trylock(s))
		panic("deadlock: rwsem read under its writer");
}
__weak void rwsem_read_unlock(struct rwsem *s)
{
	held_remove(s);
	s->count--;
}
__weak bool rwsem_write_trylock(struct rwsem *s)
{
	if (s->count)
		return false;
	s->count = -1;
	held_add(s);
	return true;
}
__weak void rwsem_write_lock(struct rwsem *s)
{
	might_sleep();
	if (!rwsem_write_trylock(s))
		panic("deadlock: rwsem taken twice");
}
__weak void rwsem_write_lock_nested(struct rwsem *s, unsigned subclass)
{
	(void)subclass;
	rwsem_write_lock(s);
}
__weak int rwsem_write_lock_killable(struct rwsem *s)
{
	rwsem_write_lock(s);
	return 0;
}
__weak void rwsem_write_unlock(struct rwsem *s)
{
	held_remove(s);
	s->count = 0;
}
__weak void rwsem_downgrade(struct rwsem *s)
{
	s->count = 1;
}

/* ---- tasks and sleeping ---- */

__weak struct task *wait_current(void)
{
	return current;
}
__weak void task_put(struct task *t)
{
	if (refcount_dec(&t->refs))
		panic("last reference to a task dropped");
}
__weak bool task_interrupted(const struct task *t, unsigned state)
{
	(void)t;
	return unit_signal && state & (TASK_INTERRUPTIBLE | TASK_KILLABLE);
}
__weak bool task_wake(struct task *t, unsigned states)
{
	if (!(t->state & states))
		return false;
	t->state = TASK_RUNNING;
	return true;
}
__weak void task_kick(struct task *t)
{
	(void)t;
}
__weak void schedule(void)
{
	if (current->state == TASK_RUNNING)
		return;
	if (!unit_on_sleep)
		unit_bail("would sleep for ever");
	unit_on_sleep();
	current->state = TASK_RUNNING;
}
__weak void cond_resched(void)
{
}
__weak void sched_yield(void)
{
}
__weak void wait_queue_add(struct wait_queue *wq, struct wait_entry *we)
{
	if (we->flags & WAIT_EXCLUSIVE)
		list_add_tail(&we->node, &wq->entries);
	else
		list_add(&we->node, &wq->entries);
}
__weak void wait_queue_remove(struct wait_queue *wq, struct wait_entry *we)
{
	(void)wq;
	list_del(&we->node);
}
__weak int wake_default(struct wait_entry *we, unsigned key)
{
	(void)key;
	list_del(&we->node);
	return task_wake(we->task, TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE | TASK_KILLABLE);
}
__weak void wake_up_nr(struct wait_queue *wq, unsigned nr, unsigned key)
{
	struct wait_entry *we, *next;
	unsigned long f = spin_lock_irq(&wq->lock);

	list_for_each_entry_safe (we, next, &wq->entries, node) {
		bool exclusive = we->flags & WAIT_EXCLUSIVE;

		if (we->wake(we, key) && exclusive && !--nr)
			break;
	}
	spin_unlock_irq(&wq->lock, f);
}
__weak void wake_up_nested(struct wait_queue *wq, unsigned nr, unsigned key, unsigned subclass)
{
	wake_up_nr(wq, nr, key);
}
__weak void wait_prepare(struct wait_queue *wq, struct wait_entry *we, int state)
{
	if (list_empty(&we->node))
		wait_queue_add(wq, we);
	current->state = (uint32_t)state;
}
__weak void wait_finish(struct wait_queue *wq, struct wait_entry *we)
{
	current->state = TASK_RUNNING;
	wait_queue_remove(wq, we);
}
__weak int wait_sleep(int state)
{
	return wait_sleep_until(state, WAIT_NO_DEADLINE);
}
__weak int wait_sleep_until(int state, uint64_t deadline_ns)
{
	if (task_interrupted(current, (unsigned)state))
		return -ERESTARTSYS;
	if (deadline_ns != WAIT_NO_DEADLINE && !unit_on_sleep) {
		if (unit_clock < deadline_ns)
			unit_advance(deadline_ns - unit_clock);
		return -ETIME;
	}
	schedule();
	return 0;
}
__weak int kthread_run(void (*fn)(void *), void *arg, const char *name)
{
	(void)fn, (void)arg, (void)name;
	return 0;
}

__weak int sched_set_affinity(struct task *t, struct cpumask mask)
{
	(void)t, (void)mask;
	return 0;
}
__weak void sched_set_nice(struct task *t, int nice)
{
	(void)t, (void)nice;
}
__weak void sched_set_slice(struct task *t, uint64_t ns)
{
	(void)t, (void)ns;
}
__weak void sleep_uninterruptible_ns(uint64_t ns)
{
	if (unit_on_sleep)
		unit_on_sleep();
	else
		unit_advance(ns);
}

/* ---- the machine ---- */

__weak unsigned cpu_count(void)
{
	return 1;
}
__weak bool in_interrupt(void)
{
	return false;
}
__weak void smp_kick(unsigned cpu)
{
	(void)cpu;
}
__weak void smp_call(struct cpumask mask, void (*fn)(void *), void *arg)
{
	(void)mask;
	fn(arg);
}
__weak unsigned stack_trace(uint64_t *pc, unsigned max, const void *fp)
{
	(void)pc, (void)max, (void)fp;
	return 0;
}
__weak size_t cpu_entropy(void *buf, size_t n)
{
	(void)buf, (void)n;
	return 0;
}
__weak void cpu_idle_wait(void)
{
	unit_irqs_off = false;
}
__weak void cpu_halt_all(void)
{
	unit_bail("halted");
}
__weak bool boot_option(const char *name, unsigned nth, char *buf, size_t size)
{
	(void)name, (void)nth, (void)buf, (void)size;
	return false;
}
