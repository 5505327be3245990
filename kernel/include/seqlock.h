/*
 * seqlock.h - readers retry when a writer was at work. The writer holds its own lock.
 */
#pragma once
#include <compiler.h>
#include <arch/cpu.h>

struct seqcount {
	uint32_t seq;
};
static inline uint32_t seq_read_begin(const struct seqcount *s)
{
	uint32_t v;

	while ((v = smp_load_acquire(&s->seq)) & 1)
		cpu_relax();
	return v;
}
static inline bool seq_read_retry(const struct seqcount *s, uint32_t v)
{
	smp_rmb();
	return READ_ONCE(s->seq) != v;
}
static inline void seq_write_begin(struct seqcount *s)
{
	WRITE_ONCE(s->seq, s->seq + 1);
	smp_wmb();
}
static inline void seq_write_end(struct seqcount *s)
{
	smp_store_release(&s->seq, s->seq + 1);
}
