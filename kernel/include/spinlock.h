/*
 * spinlock.h - busy-waiting locks for short sections that do not sleep.
 *
 * spin_lock() leaves interrupts as they are: use it for locks never taken in interrupt context;
 * spin_lock_irq*() for those that are. In DEBUG each lock has a class (one per spin_init() site)
 * for the order checker, kernel/core/lockdep.c.
 */
#pragma once
#include <arch/cpu.h>

#if CONFIG_DEBUG
struct lock_class {
	const char *name;
	uint16_t id;
};
#define LOCK_CLASS_PTR                                                                             \
	struct lock_class *cls;                                                                    \
	uint32_t owner_cpu;                                                                        \
	uint64_t owner_pc;
#else
struct lock_class;
#define LOCK_CLASS_PTR
#endif

struct CAPABILITY("spinlock") spinlock {
	uint32_t locked;
	LOCK_CLASS_PTR
};

#if CONFIG_DEBUG
#define spin_init(l)                                                                               \
	({                                                                                         \
		static struct lock_class cls_ = {#l, 0};                                           \
		spin_init_class(l, &cls_);                                                         \
	})
#define SPINLOCK_INIT(nm)                                                                          \
	{                                                                                          \
		0, &(struct lock_class){nm, 0}, 0, 0                                               \
	}
void spin_init_class(struct spinlock *l, struct lock_class *c);
void lockdep_acquire(const void *lock, struct lock_class *c, bool sleeping, bool trylock);
void lockdep_release(const void *lock);
void lockdep_assert_none(const char *where); /* no lock held: before returning to user mode */
void lockdep_may_sleep(const char *file, int line);
void lockdep_smp_call(void); /* other processors are about to be called */
bool lockdep_held(const void *lock);
#define might_sleep() lockdep_may_sleep(__FILE__, __LINE__)
void spin_lock(struct spinlock *l) ACQUIRES(*l);
bool spin_trylock(struct spinlock *l);
void spin_unlock(struct spinlock *l) RELEASES(*l);
#else
#define SPINLOCK_INIT(nm)                                                                          \
	{                                                                                          \
		0                                                                                  \
	}
static inline void spin_init(struct spinlock *l)
{
	l->locked = 0;
}
static inline void lockdep_assert_none(const char *where)
{
	(void)where;
}
static inline void lockdep_smp_call(void)
{
}
static inline bool lockdep_held(const void *lock)
{
	(void)lock;
	return true;
}
#define might_sleep() ((void)0)
void spin_lock_slow(struct spinlock *l);
static inline bool spin_trylock(struct spinlock *l) NO_LOCK_ANALYSIS
{
	return !READ_ONCE(l->locked) && !__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE);
}
static inline void spin_lock(struct spinlock *l) ACQUIRES(*l) NO_LOCK_ANALYSIS
{
	if (unlikely(__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE)))
		spin_lock_slow(l);
}
static inline void spin_unlock(struct spinlock *l) RELEASES(*l) NO_LOCK_ANALYSIS
{
	__atomic_store_n(&l->locked, 0, __ATOMIC_RELEASE);
}
#endif

/* A second lock of the same class, in an order that the caller defines (parent before child): DEBUG
 * knows it by @subclass 1, 2. */
#if CONFIG_DEBUG
void spin_lock_nested(struct spinlock *l, unsigned subclass);
#else
static inline void spin_lock_nested(struct spinlock *l, unsigned subclass)
{
	(void)subclass;
	spin_lock(l);
}
#endif
static inline unsigned long spin_lock_irq(struct spinlock *l) ACQUIRES(*l) NO_LOCK_ANALYSIS
{
	unsigned long f = irq_save();

	spin_lock(l);
	return f;
}
static inline void spin_unlock_irq(struct spinlock *l, unsigned long f)
	RELEASES(*l) NO_LOCK_ANALYSIS
{
	spin_unlock(l);
	irq_restore(f);
}
#define ASSERT_LOCKED(l) ASSERT(lockdep_held(l))
