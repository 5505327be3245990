/*
 * watchdog.h - between the scheduler, the spinlocks and the debug kernel's watchdog.
 */
#pragma once
#include <spinlock.h>

struct task;
#if CONFIG_DEBUG
struct spin_watch {
	uint64_t last_ns, spun_ns;
	bool told;
};
void watchdog_spin(struct spin_watch *w, const struct spinlock *l); /* again and again, waiting */
void watchdog_cpu_start(void); /* on each processor, once it has a clock */
void watchdog_task_add(struct task *t);
void watchdog_task_remove(struct task *t); /* it has ended, its stack is still there */
#else
static inline void watchdog_cpu_start(void)
{
}
static inline void watchdog_task_add(struct task *t)
{
	(void)t;
}
static inline void watchdog_task_remove(struct task *t)
{
	(void)t;
}
#endif
