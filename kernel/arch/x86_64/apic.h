/*
 * apic.h - local APIC and I/O APIC, inside this room. Spec: SDM vol 3, ch. 10.
 */
#pragma once
#include <compiler.h>

enum {
	APIC_ID = 0x20,
	APIC_TPR = 0x80,
	APIC_EOI = 0xb0,
	APIC_SVR = 0xf0,
	APIC_ESR = 0x280,
	APIC_ICR = 0x300,
	APIC_ICR_HIGH = 0x310,
	APIC_LVT_TIMER = 0x320,
	APIC_LVT_LINT0 = 0x350,
	APIC_LVT_LINT1 = 0x360,
	APIC_LVT_ERROR = 0x370,
	APIC_TIMER_INIT = 0x380,
	APIC_TIMER_NOW = 0x390,
	APIC_TIMER_DIV = 0x3e0
};
/* Low word of the interrupt command register. */
#define APIC_NMI          0x400u
#define APIC_INIT         0x500u
#define APIC_STARTUP      0x600u
#define APIC_ASSERT       0x4000u
#define APIC_MASKED       0x10000u
#define APIC_LVT_DEADLINE 0x40000u

uint32_t apic_read(unsigned reg);
void apic_write(unsigned reg, uint32_t v);
void apic_eoi(void);
void apic_send(uint32_t apic_id, uint32_t command);
void apic_send_others(uint32_t command); /* all but this CPU */
void apic_init_cpu(void);
int __must_check apic_init(void); /* boot CPU: find and map it */

int __must_check ioapic_init(void);
/* Route @gsi to @vector on the CPU with @apic_id; masked if @vector is 0. -ENODEV: no such input.
 */
int ioapic_route(unsigned gsi, uint8_t vector, uint32_t apic_id, bool level, bool low);
/* Global interrupt, trigger and polarity of an ISA interrupt. */
void ioapic_isa(unsigned isa, unsigned *gsi, bool *level, bool *low);

void __noreturn cpu_halt_self(void);
extern bool cpus_halting;
