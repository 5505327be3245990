/*
 * lockdep.h - between the lock implementations and the order checker.
 */
#pragma once
#include <spinlock.h>

#if CONFIG_DEBUG
/* The class for nested taking of @c as @subclass (0: @c itself). */
struct lock_class *lockdep_subclass(struct lock_class *c, unsigned subclass);
#define DEP_ACQUIRE(l, sub, try) lockdep_acquire(l, lockdep_subclass((l)->cls, sub), true, try)
#define DEP_RELEASE(l)           lockdep_release(l)
#else
#define DEP_ACQUIRE(l, sub, try) ((void)0)
#define DEP_RELEASE(l)           ((void)0)
#endif
