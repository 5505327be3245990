/*
 * rwsem.c - sleeping locks with many readers or one writer.
 *
 * count: readers, or -1. A waiting writer keeps new readers out, so that a stream of them cannot
 * starve it; readers therefore must not take the lock twice. Waiting writers are exclusive waiters,
 * readers are all woken together. As in mutex.c, an unlocker changes count and then looks for
 * waiters, a waiter queues and then tries again.
 */
#include <mutex.h>
#include <debug.h>
#include <sched.h>
#include "lockdep.h"

void rwsem_init_class(struct rwsem *s, struct lock_class *c)
{
	s->count = 0;
	s->writers_waiting = 0;
	wait_queue_init(&s->wait);
#if CONFIG_DEBUG
	s->cls = c;
#endif
}

static inline bool take_read_first(struct rwsem *s)
{
	int32_t n = READ_ONCE(s->count);

	while (n >= 0)
		if (__atomic_compare_exchange_n(
			    &s->count, &n, n + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
			return true;
	return false;
}

static inline bool take_read(struct rwsem *s)
{
	return !READ_ONCE(s->writers_waiting) && take_read_first(s);
}

static inline bool take_write(struct rwsem *s)
{
	int32_t none = 0;

	return __atomic_compare_exchange_n(
		&s->count, &none, -1, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static inline void wake_waiters(struct rwsem *s)
{
	if (unlikely(!list_empty(&s->wait.entries)))
		wake_up(&s->wait);
}

void rwsem_read_lock(struct rwsem *s)
{
	might_sleep();
	DEP_ACQUIRE(s, 0, false);
	if (unlikely(!take_read(s)))
		wait_event(&s->wait, take_read(s));
}

bool rwsem_read_trylock(struct rwsem *s)
{
	if (!take_read(s))
		return false;
	DEP_ACQUIRE(s, 0, true);
	return true;
}

bool rwsem_read_trylock_first(struct rwsem *s)
{
	if (!take_read_first(s))
		return false;
	DEP_ACQUIRE(s, 0, true);
	return true;
}

void rwsem_read_unlock(struct rwsem *s)
{
	ASSERT(s->count > 0);
	DEP_RELEASE(s);
	if (__atomic_sub_fetch(&s->count, 1, __ATOMIC_SEQ_CST) == 0)
		wake_waiters(s);
}

static int write_slow(struct rwsem *s, int state)
{
	int err;

	__atomic_fetch_add(&s->writers_waiting, 1, __ATOMIC_SEQ_CST);
	err = wait_event_full(&s->wait, take_write(s), state, WAIT_NO_DEADLINE, WAIT_EXCLUSIVE);
	__atomic_fetch_sub(&s->writers_waiting, 1, __ATOMIC_SEQ_CST);
	/* Gave up: readers may come in again, and a wake-up given to this waiter must go on to
	 * another. */
	if (err && READ_ONCE(s->count) >= 0)
		wake_up(&s->wait);
	return err;
}

static int write_lock(struct rwsem *s, unsigned subclass, int state)
{
	int err = 0;

	might_sleep();
	DEP_ACQUIRE(s, subclass, false);
	if (unlikely(!take_write(s)))
		err = write_slow(s, state);
	if (unlikely(err))
		DEP_RELEASE(s);
	(void)subclass;
	return err;
}

void rwsem_write_lock(struct rwsem *s)
{
	(void)write_lock(s, 0, TASK_UNINTERRUPTIBLE);
}

void rwsem_write_lock_nested(struct rwsem *s, unsigned subclass)
{
	(void)write_lock(s, subclass, TASK_UNINTERRUPTIBLE);
}

int rwsem_write_lock_killable(struct rwsem *s)
{
	return write_lock(s, 0, TASK_KILLABLE);
}

bool rwsem_write_trylock(struct rwsem *s)
{
	if (!take_write(s))
		return false;
	DEP_ACQUIRE(s, 0, true);
	return true;
}

void rwsem_write_unlock(struct rwsem *s)
{
	ASSERT(s->count == -1);
	DEP_RELEASE(s);
	__atomic_exchange_n(&s->count, 0, __ATOMIC_SEQ_CST);
	wake_waiters(s);
}

void rwsem_downgrade(struct rwsem *s)
{
	ASSERT(s->count == -1);
	__atomic_exchange_n(&s->count, 1, __ATOMIC_SEQ_CST);
	wake_waiters(s);
}
