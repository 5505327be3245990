/*
 * abi_state.h - the bits that compat keeps for a process, in the pointer process->abi itself.
 */
#pragma once
#include <process.h>

enum abi_bits {
	ABI_TRACED = 1,
	ABI_MEMBARRIER = 2,      /* registered for private expedited membarrier(2) */
	ABI_MEMBARRIER_RSEQ = 4, /* for the one that aborts restartable sequences */
	ABI_BARRIERS = ABI_MEMBARRIER | ABI_MEMBARRIER_RSEQ
};

static inline bool abi_test(const struct process *p, uintptr_t bit)
{
	return (uintptr_t)READ_ONCE(p->abi) & bit;
}
/* True if the bit was set before. */
static inline bool abi_change(struct process *p, uintptr_t bit, bool on)
{
	uintptr_t *word = (uintptr_t *)&p->abi;
	uintptr_t old = on ? __atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST)
			   : __atomic_fetch_and(word, ~bit, __ATOMIC_SEQ_CST);

	return old & bit;
}
