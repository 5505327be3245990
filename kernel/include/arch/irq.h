/*
 * arch/irq.h - device interrupts: MSI/MSI-X vectors and I/O APIC lines.
 *
 * A handler runs with interrupts off on the CPU that its vector was given to; it must not sleep.
 */
#pragma once
#include <compiler.h>

typedef void (*irq_handler_t)(void *arg);
struct irq_msi {
	uint64_t address;
	uint32_t data;
};

/* A vector on @cpu; fills what the device must write. Returns a handle > 0 or -ENOSPC. */
int __must_check irq_alloc_msi(
	unsigned cpu, irq_handler_t fn, void *arg, const char *name, struct irq_msi *msi);
/* A line by ISA number (@isa, overrides of the MADT applied) or by global system interrupt. Handle
 * or -errno. */
int __must_check irq_request_isa(unsigned isa, irq_handler_t fn, void *arg, const char *name);
int __must_check irq_request_gsi(
	unsigned gsi, bool level_low, irq_handler_t fn, void *arg, const char *name);
void irq_free(int handle);
/* Count and name for /proc/interrupts: false when @handle is past the last. */
struct irq_stat {
	const char *name;
	unsigned cpu;
	uint64_t count;
	bool used;
};
bool irq_stat_get(unsigned handle, struct irq_stat *out);
