/*
 * ioapic.c - interrupt lines: which input of which I/O APIC goes where. Spec: 82093AA datasheet;
 * ACPI 6.4, 5.2.12.5 (overrides).
 */
#include <arch/io.h>
#include <error.h>
#include <log.h>
#include "acpi_tables.h"
#include "apic.h"
#include "room.h"

#define MAX_IOAPICS 8u
#define RTE_LOW     BIT(13)
#define RTE_LEVEL   BIT(15)
#define RTE_MASKED  BIT(16)

static struct ioapic {
	char *mmio;
	unsigned base, n;
} ioapics[MAX_IOAPICS];
static unsigned nr_ioapics;

static uint32_t reg_read(const struct ioapic *a, unsigned reg)
{
	mmio_write32(a->mmio, reg);
	return mmio_read32(a->mmio + 16);
}

static void reg_write(const struct ioapic *a, unsigned reg, uint32_t v)
{
	mmio_write32(a->mmio, reg);
	mmio_write32(a->mmio + 16, v);
}

int ioapic_init(void)
{
	for (const struct madt_entry *e = madt_next(NULL, MADT_IOAPIC); e;
		e = madt_next(e, MADT_IOAPIC)) {
		struct ioapic *a = &ioapics[nr_ioapics];

		if (e->length < 12 || nr_ioapics == MAX_IOAPICS)
			continue;
		a->mmio = ioremap(e->ioapic.addr, 0x20, MMU_UNCACHED);
		if (!a->mmio)
			return -ENOMEM;
		a->base = e->ioapic.gsi_base;
		a->n = (reg_read(a, 1) >> 16 & 0xff) + 1;
		for (unsigned i = 0; i < a->n; i++)
			reg_write(a, 0x10 + 2 * i, RTE_MASKED);
		nr_ioapics++;
	}
	if (!nr_ioapics)
		log_warn("ioapic: none; devices work by MSI only");
	return 0;
}

int ioapic_route(unsigned gsi, uint8_t vector, uint32_t apic_id, bool level, bool low)
{
	for (const struct ioapic *a = ioapics; a < ioapics + nr_ioapics; a++) {
		unsigned i = gsi - a->base;

		if (gsi < a->base || i >= a->n)
			continue;
		reg_write(a, 0x10 + 2 * i, RTE_MASKED);
		if (!vector)
			return 0;
		reg_write(a, 0x11 + 2 * i, apic_id << 24);
		reg_write(a, 0x10 + 2 * i,
			vector | (uint32_t)(low ? RTE_LOW : 0) | (uint32_t)(level ? RTE_LEVEL : 0));
		return 0;
	}
	return -ENODEV;
}

void ioapic_isa(unsigned isa, unsigned *gsi, bool *level, bool *low)
{
	*gsi = isa;
	*level = *low = false;
	for (const struct madt_entry *e = madt_next(NULL, MADT_OVERRIDE); e;
		e = madt_next(e, MADT_OVERRIDE)) {
		if (e->length < 10 || e->override.source != isa)
			continue;
		*gsi = e->override.gsi;
		*low = (e->override.flags & 3) == 3;
		*level = (e->override.flags >> 2 & 3) == 3;
	}
}
