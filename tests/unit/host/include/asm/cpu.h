/*
 * asm/cpu.h - host: one processor whose interrupts are a flag.
 */
#pragma once
#include <compiler.h>

#define MAX_CPUS 64
extern bool unit_irqs_off;

static inline void irq_enable(void)
{
	unit_irqs_off = false;
}
static inline void irq_disable(void)
{
	unit_irqs_off = true;
}
static inline bool irqs_off(void)
{
	return unit_irqs_off;
}
static inline unsigned long irq_save(void)
{
	unsigned long f = unit_irqs_off;

	unit_irqs_off = true;
	return f;
}
static inline void irq_restore(unsigned long f)
{
	unit_irqs_off = f != 0;
}
static inline void cpu_relax(void)
{
	barrier();
}
static inline uint64_t cycles(void)
{
	return __builtin_ia32_rdtsc();
}
