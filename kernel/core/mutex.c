/*
 * mutex.c - sleeping mutual exclusion.
 *
 * owner is 0 or the owning task. Unlocking clears it and then looks for waiters; a waiter queues
 * itself and then tries again: one of the two sees the other (both steps are full barriers). A
 * woken waiter has left the queue and competes with newcomers: no hand-over, because that would
 * make every contended section wait for a context switch. While the owner runs on another CPU it is
 * cheaper to spin for it than to sleep; tasks are freed by RCU, so looking at the owner is safe
 * here.
 */
#include <mutex.h>
#include <debug.h>
#include <sched.h>
#include "lockdep.h"

#define SPIN_LIMIT 2000u

void mutex_init_class(struct mutex *m, struct lock_class *c)
{
	m->owner = 0;
	wait_queue_init(&m->wait);
#if CONFIG_DEBUG
	m->cls = c;
#endif
}

static inline bool take(struct mutex *m)
{
	uint64_t none = 0;

	return __atomic_compare_exchange_n(
		&m->owner, &none, (uint64_t)current, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static bool spin_for(struct mutex *m)
{
	unsigned n;

	if (cpu_count() == 1)
		return false;
	for (n = 0; n < SPIN_LIMIT && !need_resched(); n++) {
		struct task *owner = (struct task *)READ_ONCE(m->owner);

		if (!owner) {
			if (take(m))
				return true;
		} else if (!READ_ONCE(owner->on_cpu)) {
			return false;
		}
		cpu_relax();
	}
	return false;
}

static int lock_slow(struct mutex *m, int state)
{
	int err;

	if (spin_for(m))
		return 0;
	err = wait_event_full(&m->wait, take(m), state, WAIT_NO_DEADLINE, WAIT_EXCLUSIVE);
	/* The wake-up that this waiter was given may be the only one: pass it on. */
	if (err && !READ_ONCE(m->owner))
		wake_up(&m->wait);
	return err;
}

static inline int lock(struct mutex *m, unsigned subclass, int state)
{
	int err = 0;

	might_sleep();
	DEP_ACQUIRE(m, subclass, false);
	if (unlikely(!take(m)))
		err = lock_slow(m, state);
	if (unlikely(err))
		DEP_RELEASE(m);
	(void)subclass;
	return err;
}

void mutex_lock(struct mutex *m)
{
	(void)lock(m, 0, TASK_UNINTERRUPTIBLE);
}

void mutex_lock_nested(struct mutex *m, unsigned subclass)
{
	(void)lock(m, subclass, TASK_UNINTERRUPTIBLE);
}

int mutex_lock_interruptible(struct mutex *m)
{
	return lock(m, 0, TASK_INTERRUPTIBLE);
}

bool mutex_trylock(struct mutex *m)
{
	if (!take(m))
		return false;
	DEP_ACQUIRE(m, 0, true);
	return true;
}

void mutex_unlock(struct mutex *m)
{
	ASSERT(m->owner == (uint64_t)current);
	DEP_RELEASE(m);
	__atomic_exchange_n(&m->owner, 0, __ATOMIC_SEQ_CST);
	if (unlikely(!list_empty(&m->wait.entries)))
		wake_up(&m->wait);
}

bool mutex_is_locked(const struct mutex *m)
{
	return READ_ONCE(m->owner) != 0;
}
