/*
 * arch/cpu.h - the processor: identity, interrupts on and off, idle. Each machine supplies
 * <asm/cpu.h>.
 *
 * The kernel is not preemptible: code runs on its CPU until it sleeps or calls cond_resched(), so
 * per-CPU data needs protection from interrupts only.
 */
#pragma once
#include <compiler.h>
#include <asm/cpu.h>
/*
 * <asm/cpu.h> provides, all inline:
 *   unsigned long irq_save(void);          interrupts off, returns the earlier state
 *   void irq_restore(unsigned long);
 *   void irq_enable(void), irq_disable(void); bool irqs_off(void);
 *   void cpu_relax(void);                  in spin loops
 *   uint64_t cycles(void);                 the free-running counter (TSC)
 *   MAX_CPUS (64)
 */
unsigned cpu_count(void); /* processors online */
void cpu_idle_wait(void); /* called with interrupts off: enable and halt until the next interrupt,
			     atomically */
void __noreturn cpu_halt_all(void); /* panic: stop every processor */
void __noreturn machine_reboot(void);
void __noreturn machine_power_off(void);
void cpu_describe(
	unsigned cpu, char *buf, size_t size); /* text for /proc/cpuinfo of one processor */
bool in_interrupt(void);                       /* running a hardware interrupt handler */
/* Frames of the current (or given) kernel stack as code addresses; returns how many. */
unsigned stack_trace(uint64_t *pc, unsigned max, const void *frame_pointer);
/* The same of @cpu, wherever it is: innermost first, one user address alone if it runs a program;
 * 0: no answer within a second. Any context. */
unsigned cpu_trace(unsigned cpu, uint64_t *pc, unsigned max);
/* Seed material from RDRAND/RDSEED when there; returns bytes written. */
size_t cpu_entropy(void *buf, size_t n);
/* Name of the kernel function that holds @pc and how far into it; NULL: none. */
const char *ksym_lookup(uint64_t pc, uint64_t *offset);
struct frame;
void frame_dump(const struct frame *f); /* registers into the log, level EMERG */
const struct frame *cpu_fault_frame(
	void); /* of the kernel exception that made this CPU panic, or NULL */
