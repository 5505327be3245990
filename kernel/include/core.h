/*
 * core.h - the boot steps of core, in the order in which main.c takes them.
 *
 *  core_init()      first of all, as soon as per-CPU data of the boot processor works: `current` is
 * the boot flow, locks, timers' and RCU's data exist. Allocates nothing, needs no clock.
 *  sched_init()     after the slab allocator and task_cache_init(): tasks can be created.
 *  random_init(), time_init()  after the clock.
 *  core_start()     after the clock and timer interrupts: the RCU thread, load averages. From here
 * on sleeping works, in the boot flow too (it halts in place when there is nothing else to run).
 *  smp_start_all()  arch; each processor enters by arch_upcalls.cpu_start, which core_init() has
 * set. workqueue_init() after it: workers on every processor. sched_idle_loop()  the end of the
 * boot flow.
 */
#pragma once
#include <compiler.h>

void core_init(void);
void core_start(void);
void rcu_start(void); /* core_start() calls it */
