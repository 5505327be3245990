/*
 * apic.c - local APIC, by MSR (x2APIC) where there, else by memory: identity, end of interrupt,
 * sending. Spec: SDM vol 3, 10.4 to 10.12. Does not: timer (clock.c), devices (irq.c).
 */
#include "apic.h"
#include <arch/cpu.h>
#include <arch/io.h>
#include <debug.h>
#include <error.h>
#include <log.h>
#include "acpi_tables.h"
#include "room.h"
#include "x86.h"

#define BASE_ENABLE BIT(11)
#define BASE_X2     BIT(10)
#define ICR_BUSY    0x1000u

DEFINE_PER_CPU(uint32_t, apic_id_);
static char *apic_mmio; /* NULL: x2APIC */

uint32_t apic_read(unsigned reg)
{
	return apic_mmio ? mmio_read32(apic_mmio + reg) : (uint32_t)rdmsr(MSR_X2APIC + (reg >> 4));
}

void apic_write(unsigned reg, uint32_t v)
{
	if (apic_mmio)
		mmio_write32(apic_mmio + reg, v);
	else
		wrmsr(MSR_X2APIC + (reg >> 4), v);
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

static void send(uint32_t high, uint32_t low)
{
	unsigned long flags = irq_save();

	if (!apic_mmio) {
		/* Writing an x2APIC register orders nothing (SDM vol 3, 10.12.3): what we stored
		 * goes first. */
		__asm__ __volatile__("mfence\n\tlfence" : : : "memory");
		wrmsr(MSR_X2APIC + (APIC_ICR >> 4), (uint64_t)high << 32 | low);
	} else {
		while (mmio_read32(apic_mmio + APIC_ICR) & ICR_BUSY)
			cpu_relax();
		mmio_write32(apic_mmio + APIC_ICR_HIGH, high << 24);
		mmio_write32(apic_mmio + APIC_ICR, low);
	}
	irq_restore(flags);
}

void apic_send(uint32_t apic_id, uint32_t command)
{
	send(apic_id, command | APIC_ASSERT);
}
void apic_send_others(uint32_t command)
{
	send(0, command | APIC_ASSERT | 0xc0000);
}

void apic_init_cpu(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE);

	if (!apic_mmio && !(base & BASE_X2)) {
		wrmsr(MSR_APIC_BASE, base | BASE_ENABLE);
		base |= BASE_ENABLE | BASE_X2;
	}
	wrmsr(MSR_APIC_BASE, base | BASE_ENABLE);
	apic_write(APIC_TPR, 0);
	apic_write(APIC_LVT_TIMER, APIC_MASKED);
	apic_write(APIC_LVT_LINT0, APIC_MASKED);
	apic_write(APIC_LVT_LINT1, APIC_NMI);
	apic_write(APIC_LVT_ERROR, APIC_MASKED);
	apic_write(APIC_SVR, 0x100 | VEC_SPURIOUS);
	this_cpu(apic_id_) = apic_mmio ? apic_read(APIC_ID) >> 24 : apic_read(APIC_ID);
}

/* The two 8259s: moved away from the exceptions and silenced. */
static void pic_disable(void)
{
	static const uint8_t icw[2][4] = {{0x11, 0x20, 4, 1}, {0x11, 0x28, 2, 1}};

	for (unsigned chip = 0; chip < 2; chip++) {
		uint16_t port = chip ? 0xa0 : 0x20;

		outb(port, icw[chip][0]);
		for (unsigned i = 1; i < 4; i++)
			outb(port + 1, icw[chip][i]);
		outb(port + 1, 0xff);
	}
}

int apic_init(void)
{
	const struct acpi_madt *madt = acpi_find_table("APIC");
	const struct madt_entry *e = madt_next(NULL, MADT_LAPIC_ADDR);
	paddr_t base = rdmsr(MSR_APIC_BASE) & PTE_ADDR;

	pic_disable();
	if (madt)
		base = e && e->length >= 12 ? e->lapic_addr.addr : madt->lapic;
	if (!cpu_has.x2apic) {
		apic_mmio = ioremap(base, PAGE_SIZE, MMU_UNCACHED);
		if (!apic_mmio)
			return -ENOMEM;
	}
	apic_init_cpu();
	log_info("apic: %s, processor %u boots", cpu_has.x2apic ? "x2APIC" : "xAPIC",
		this_cpu(apic_id_));
	return 0;
}
