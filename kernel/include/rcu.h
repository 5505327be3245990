/*
 * rcu.h - read-copy-update. The kernel is not preempted, so a read section costs nothing: a CPU
 * that passes the scheduler, idles or runs user code has left all its read sections.
 */
#pragma once
#include <compiler.h>

struct rcu_head {
	struct rcu_head *next;
	void (*fn)(struct rcu_head *);
};
#if CONFIG_DEBUG
void rcu_read_lock(void);
void rcu_read_unlock(void); /* the checker refuses to sleep in between */
#else
static inline void rcu_read_lock(void)
{
	barrier();
}
static inline void rcu_read_unlock(void)
{
	barrier();
}
#endif
/* Call fn(head) after a grace period, in a kernel thread (may take mutexes, must not wait long).
 * Any context. */
void rcu_call(struct rcu_head *head, void (*fn)(struct rcu_head *));
void rcu_synchronize(void);             /* sleeps until a grace period has passed */
void rcu_barrier(void);                 /* sleeps until all rcu_call()s made so far have run */
#define rcu_dereference(p) READ_ONCE(p) /* data dependency orders it on every machine we run on */
#define rcu_assign(p, v)   smp_store_release(&(p), (v))
/* For the scheduler and the idle loop. */
void rcu_quiescent(void);
void rcu_idle_enter(void);
void rcu_idle_exit(void);
