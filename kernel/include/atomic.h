/*
 * atomic.h - atomic integers and reference counts over the compiler's builtins.
 *
 * All read-modify-write operations are sequentially consistent; reads and plain sets are relaxed.
 * refcount_t saturates never wraps: going below zero or from zero upwards is a bug and panics in
 * DEBUG.
 */
#pragma once
#include <compiler.h>

typedef struct {
	int v;
} atomic_t;
typedef struct {
	int64_t v;
} atomic64_t;
typedef struct {
	int v;
} refcount_t;

#define ATOMIC_INIT(x)                                                                             \
	{                                                                                          \
		(x)                                                                                \
	}

static inline int atomic_read(const atomic_t *a)
{
	return __atomic_load_n(&a->v, __ATOMIC_RELAXED);
}
static inline void atomic_set(atomic_t *a, int v)
{
	__atomic_store_n(&a->v, v, __ATOMIC_RELAXED);
}
static inline int atomic_add(atomic_t *a, int n)
{
	return __atomic_add_fetch(&a->v, n, __ATOMIC_SEQ_CST);
}
static inline int atomic_inc(atomic_t *a)
{
	return atomic_add(a, 1);
}
static inline int atomic_dec(atomic_t *a)
{
	return atomic_add(a, -1);
}
static inline int atomic_xchg(atomic_t *a, int v)
{
	return __atomic_exchange_n(&a->v, v, __ATOMIC_SEQ_CST);
}
static inline bool atomic_cmpxchg(atomic_t *a, int old, int new_)
{
	return __atomic_compare_exchange_n(
		&a->v, &old, new_, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}
static inline int64_t atomic64_read(const atomic64_t *a)
{
	return __atomic_load_n(&a->v, __ATOMIC_RELAXED);
}
static inline void atomic64_set(atomic64_t *a, int64_t v)
{
	__atomic_store_n(&a->v, v, __ATOMIC_RELAXED);
}
static inline int64_t atomic64_add(atomic64_t *a, int64_t n)
{
	return __atomic_add_fetch(&a->v, n, __ATOMIC_SEQ_CST);
}

static inline void refcount_set(refcount_t *r, int n)
{
	__atomic_store_n(&r->v, n, __ATOMIC_RELAXED);
}
static inline int refcount_read(const refcount_t *r)
{
	return __atomic_load_n(&r->v, __ATOMIC_RELAXED);
}
static inline void refcount_inc(refcount_t *r)
{
	__atomic_add_fetch(&r->v, 1, __ATOMIC_RELAXED);
}
/* true when the count reached zero: the caller frees. */
static inline bool __must_check refcount_dec(refcount_t *r)
{
	return __atomic_sub_fetch(&r->v, 1, __ATOMIC_ACQ_REL) == 0;
}
/* Take a reference unless the count is already zero (RCU lookups). */
static inline bool __must_check refcount_inc_not_zero(refcount_t *r)
{
	int old = refcount_read(r);

	while (old != 0)
		if (__atomic_compare_exchange_n(
			    &r->v, &old, old + 1, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	return false;
}
