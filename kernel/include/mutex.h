/*
 * mutex.h - sleeping locks: mutex, reader-writer semaphore, and the sequence lock for read-mostly
 * words.
 *
 * A mutex is owned by a task; it spins a little while its owner runs on another CPU. Not usable in
 * interrupts.
 */
#pragma once
#include <spinlock.h>
#include <wait.h>

struct CAPABILITY("mutex") mutex {
	uint64_t owner; /* task pointer; bit 0: waiters */
	struct wait_queue wait;
#if CONFIG_DEBUG
	struct lock_class *cls;
#endif
};
struct CAPABILITY("rwsem") rwsem {
	int32_t count; /* >0 readers, -1 writer */
	uint32_t writers_waiting;
	struct wait_queue wait;
#if CONFIG_DEBUG
	struct lock_class *cls;
#endif
};
#if CONFIG_DEBUG
#define mutex_init(m)                                                                              \
	({                                                                                         \
		static struct lock_class cls_ = {#m, 0};                                           \
		mutex_init_class(m, &cls_);                                                        \
	})
#define rwsem_init(m)                                                                              \
	({                                                                                         \
		static struct lock_class cls_ = {#m, 0};                                           \
		rwsem_init_class(m, &cls_);                                                        \
	})
#define MUTEX_INIT(name)                                                                           \
	{                                                                                          \
		0, WAIT_QUEUE_INIT((name).wait), &(struct lock_class)                              \
		{                                                                                  \
#name, 0                                                                   \
		}                                                                                  \
	}
#define RWSEM_INIT(name)                                                                           \
	{                                                                                          \
		0, 0, WAIT_QUEUE_INIT((name).wait), &(struct lock_class)                           \
		{                                                                                  \
#name, 0                                                                   \
		}                                                                                  \
	}
#else
#define mutex_init(m) mutex_init_class(m, NULL)
#define rwsem_init(m) rwsem_init_class(m, NULL)
#define MUTEX_INIT(name)                                                                           \
	{                                                                                          \
		0, WAIT_QUEUE_INIT((name).wait)                                                    \
	}
#define RWSEM_INIT(name)                                                                           \
	{                                                                                          \
		0, 0, WAIT_QUEUE_INIT((name).wait)                                                 \
	}
#endif
void mutex_init_class(struct mutex *m, struct lock_class *c);
void mutex_lock(struct mutex *m) ACQUIRES(*m);
/* Nested taking of the same class (parent before child directory): DEBUG knows the order by
 * @subclass 1, 2. */
void mutex_lock_nested(struct mutex *m, unsigned subclass) ACQUIRES(*m);
int __must_check mutex_lock_interruptible(struct mutex *m); /* 0 or -ERESTARTSYS */
bool mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m) RELEASES(*m);
bool mutex_is_locked(const struct mutex *m);

void rwsem_init_class(struct rwsem *s, struct lock_class *c);
void rwsem_read_lock(struct rwsem *s);
bool rwsem_read_trylock(struct rwsem *s);
/* The same, but before writers that wait: for who lets the present readers go on. */
bool rwsem_read_trylock_first(struct rwsem *s);
void rwsem_read_unlock(struct rwsem *s);
void rwsem_write_lock(struct rwsem *s);
void rwsem_write_lock_nested(struct rwsem *s, unsigned subclass);
int __must_check rwsem_write_lock_killable(struct rwsem *s);
bool rwsem_write_trylock(struct rwsem *s);
void rwsem_write_unlock(struct rwsem *s);
void rwsem_downgrade(struct rwsem *s); /* writer becomes reader */
