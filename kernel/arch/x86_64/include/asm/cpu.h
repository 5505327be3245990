/*
 * asm/cpu.h - x86_64: interrupts on and off, spin hint, time-stamp counter. Contract: arch/cpu.h.
 */
#pragma once
#include <compiler.h>

#define MAX_CPUS  64
#define RFLAGS_IF 0x200ul

static inline unsigned long irq_flags(void)
{
	unsigned long f;

	__asm__ __volatile__("pushfq\n\tpopq %0" : "=r"(f) : : "memory");
	return f;
}
static inline void irq_enable(void)
{
	__asm__ __volatile__("sti" : : : "memory");
}
static inline void irq_disable(void)
{
	__asm__ __volatile__("cli" : : : "memory");
}
static inline bool irqs_off(void)
{
	return !(irq_flags() & RFLAGS_IF);
}
static inline unsigned long irq_save(void)
{
	unsigned long f = irq_flags();

	irq_disable();
	return f;
}
static inline void irq_restore(unsigned long f)
{
	if (f & RFLAGS_IF)
		irq_enable();
}
static inline void cpu_relax(void)
{
	__asm__ __volatile__("pause" : : : "memory");
}
static inline uint64_t cycles(void)
{
	uint32_t lo, hi;

	__asm__ __volatile__("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}
