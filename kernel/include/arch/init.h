/*
 * arch/init.h - the machine's steps of the boot table, in their order.
 *
 * Before kernel_main(), arch_start() has done what cannot wait: per-CPU area of CPU 0, descriptor
 * tables (exceptions panic readably), the loader's information, the serial port as first log
 * console. Each step returns 0 or -errno (which ends the boot).
 */
#pragma once
#include <compiler.h>

void __noreturn kernel_main(void); /* main.c; on the boot stack, interrupts off */

int arch_init_cpu(void);    /* features, control registers, FPU. Needs nothing. */
int arch_init_paging(void); /* direct map, W^X. After it: page_init(), slab_init(). */
int arch_init_acpi(void);   /* static tables. Needs page_alloc(). */
int arch_init_interrupts(
	void); /* local APIC, I/O APIC; device interrupts can be requested. Needs ACPI. */
int arch_init_clock(void); /* clock_ns() counts, the one-shot timer works. Needs interrupts set up;
			      leaves them off. */
/* Then sched_init(), irq_enable(), and smp_start_all() (arch/smp.h; needs kmalloc, the clock,
 * interrupts on). */

struct log_console;
struct log_console *early_serial_console(
	void); /* to log_console_unregister() when the port's own driver takes over */
