/*
 * asm/percpu.h - x86_64: per-CPU variables behind %gs. Contract: arch/percpu.h.
 *
 * The section .percpu is the template; %gs base = a CPU's copy - the template's start, so that
 * `%gs:symbol` is that CPU's variable in C and in assembly alike. The template itself is never used
 * as an area.
 */
#pragma once
#include <compiler.h>

#define DEFINE_PER_CPU(type, name)  __attribute__((section(".percpu"))) __typeof__(type) name
#define DECLARE_PER_CPU(type, name) extern __typeof__(type) name

extern uint64_t percpu_offsets_[]; /* of each CPU's area from the template */
DECLARE_PER_CPU(uint64_t, percpu_offset_);
DECLARE_PER_CPU(unsigned, cpu_id_);

#define this_cpu(name)         (*(__typeof__(name) __seg_gs *)(uintptr_t) & (name))
#define this_cpu_ptr(name)     ((__typeof__(name) *)((uintptr_t) & (name) + this_cpu(percpu_offset_)))
#define per_cpu_ptr(name, cpu) ((__typeof__(name) *)((uintptr_t) & (name) + percpu_offsets_[cpu]))
#define per_cpu(name, cpu)     (*per_cpu_ptr(name, cpu))

static inline unsigned cpu_id(void)
{
	return this_cpu(cpu_id_);
}
