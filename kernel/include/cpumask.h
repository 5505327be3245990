/*
 * cpumask.h - sets of processors.
 */
#pragma once
#include <arch/cpu.h>

struct cpumask {
	uint64_t bits;
};
static_assert(MAX_CPUS <= 64, "a cpumask is one word");
#define CPUMASK_ALL  ((struct cpumask){~0ull})
#define CPUMASK_NONE ((struct cpumask){0})

static inline bool cpumask_test(const struct cpumask *m, unsigned c)
{
	return READ_ONCE(m->bits) >> c & 1;
}
static inline void cpumask_set(struct cpumask *m, unsigned c)
{
	__atomic_fetch_or(&m->bits, 1ull << c, __ATOMIC_SEQ_CST);
}
static inline void cpumask_clear(struct cpumask *m, unsigned c)
{
	__atomic_fetch_and(&m->bits, ~(1ull << c), __ATOMIC_SEQ_CST);
}
#define for_each_cpu_in(c, mask)                                                                   \
	for (uint64_t m_ = (mask).bits; m_ && ((c) = (unsigned)__builtin_ctzll(m_), 1);            \
		m_ &= m_ - 1)
#define for_each_online_cpu(c) for ((c) = 0; (c) < cpu_count(); (c)++)
