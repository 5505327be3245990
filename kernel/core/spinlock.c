/*
 * spinlock.c - the slow path of spinlocks, and their checked form in DEBUG.
 *
 * Test-and-set with back-off: sections are short and the kernel is small, so fairness is not worth
 * a wider lock.
 */
#include <spinlock.h>
#include <arch/percpu.h>
#include <debug.h>
#include "lockdep.h"
#include "watchdog.h"

#define BACKOFF_MAX 64u

static void back_off(unsigned *delay)
{
	unsigned i;

	for (i = 0; i < *delay; i++)
		cpu_relax();
	if (*delay < BACKOFF_MAX)
		*delay *= 2;
}

#if CONFIG_DEBUG
#define OWN_TRIES 1000000u /* owner_cpu lags behind a new owner, but not that long */

void spin_init_class(struct spinlock *l, struct lock_class *c)
{
	*l = (struct spinlock){.cls = c};
}

static bool take(struct spinlock *l)
{
	return !READ_ONCE(l->locked) && !__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE);
}

static void note_owner(struct spinlock *l, uint64_t pc)
{
	l->owner_cpu = cpu_id();
	l->owner_pc = pc;
}

static void lock_checked(struct spinlock *l, struct lock_class *c, uint64_t pc)
{
	unsigned delay = 1, own = 0;
	struct spin_watch w = {0};

	lockdep_acquire(l, c, false, false);
	if (take(l)) {
		note_owner(l, pc);
		return;
	}
	while (!take(l)) {
		own = irqs_off() && READ_ONCE(l->owner_cpu) == cpu_id() ? own + 1 : 0;
		if (own > OWN_TRIES)
			panic("spinlock %s taken twice on this CPU, first at %pS",
				l->cls ? l->cls->name : "?", (void *)l->owner_pc);
		watchdog_spin(&w, l);
		back_off(&delay);
	}
	note_owner(l, pc);
}

void spin_lock(struct spinlock *l)
{
	lock_checked(l, l->cls, (uint64_t)__builtin_return_address(0));
}

void spin_lock_nested(struct spinlock *l, unsigned subclass)
{
	lock_checked(l, lockdep_subclass(l->cls, subclass), (uint64_t)__builtin_return_address(0));
}

bool spin_trylock(struct spinlock *l)
{
	if (!take(l))
		return false;
	lockdep_acquire(l, l->cls, false, true);
	note_owner(l, (uint64_t)__builtin_return_address(0));
	return true;
}

void spin_unlock(struct spinlock *l)
{
	PANIC_ON(!l->locked);
	lockdep_release(l);
	__atomic_store_n(&l->locked, 0, __ATOMIC_RELEASE);
}
#else
void spin_lock_slow(struct spinlock *l)
{
	unsigned delay = 1;

	do
		while (READ_ONCE(l->locked))
			back_off(&delay);
	while (__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE));
}
#endif
