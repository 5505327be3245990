/*
 * power.c - stop, reset, power off. Spec: ACPI 6.4, 4.8.3.2 (PM1 control), 7.4.2 (\_S5), 4.8.3.6
 * (reset register).
 */
#include <arch/cpu.h>
#include <arch/io.h>
#include <log.h>
#include <string.h>
#include "acpi_tables.h"
#include "apic.h"
#include "room.h"
#include "x86.h"

#define SLP_EN BIT(13)
#define SCI_EN 1u

bool cpus_halting;

void cpu_halt_self(void)
{
	for (;;)
		__asm__ __volatile__("cli\n\thlt");
}

void cpu_halt_all(void)
{
	irq_disable();
	if (cpu_fault_frame())
		frame_dump(cpu_fault_frame());
	WRITE_ONCE(cpus_halting, true);
	if (cpu_count() > 1)
		apic_send_others(APIC_NMI);
	cpu_halt_self();
}

static void spin(unsigned n)
{
	while (n--)
		inb(0x80); /* a bus cycle, about a microsecond */
}

static void reset_register(const struct acpi_fadt *f)
{
	if (!f || f->h.length < offsetof(struct acpi_fadt, minor) ||
		!(f->flags & FADT_RESET_SUPPORTED))
		return;
	if (f->reset_reg.space == 1)
		outb((uint16_t)f->reset_reg.addr, f->reset_value);
	else if (f->reset_reg.space == 0 && direct_mapped(f->reset_reg.addr, 1))
		mmio_write8(phys_to_virt(f->reset_reg.addr), f->reset_value);
	spin(10000);
}

void machine_reboot(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __packed none = {0, 0};

	irq_disable();
	reset_register(acpi_find_table("FACP"));
	outb(0xcf9, 0x02);
	outb(0xcf9, 0x06);
	spin(10000);
	outb(0x64, 0xfe); /* keyboard controller: pulse the reset line */
	spin(10000);
	__asm__ __volatile__("lidt %0\n\tint3" : : "m"(none)); /* triple fault */
	cpu_halt_self();
}

/* One small integer of AML: ZeroOp, OneOp or BytePrefix. */
static const uint8_t *aml_byte(const uint8_t *p, uint8_t *out)
{
	if (*p == 0x0a)
		p++;
	*out = *p & 7;
	return p + 1;
}

/* Name(_S5, Package() { SLP_TYPa, SLP_TYPb, ... }) looked for by its bytes. */
static bool find_s5(uint8_t *a, uint8_t *b)
{
	const struct acpi_header *dsdt = acpi_find_table("DSDT");
	const uint8_t *p = (const uint8_t *)dsdt;

	for (uint32_t i = sizeof(*dsdt); dsdt && i + 16 < dsdt->length; i++) {
		const uint8_t *q = p + i + 4;

		if (memcmp(p + i, "_S5_", 4) || *q != 0x12)
			continue;
		q += 1 + 1 + (q[1] >> 6) + 1; /* PackageOp, PkgLength of 1..4 bytes, NumElements */
		if (q + 4 > p + dsdt->length)
			return false;
		q = aml_byte(q, a);
		aml_byte(q, b);
		return true;
	}
	return false;
}

static void enable_acpi_mode(const struct acpi_fadt *f)
{
	if ((inw((uint16_t)f->pm1a_cnt) & SCI_EN) || !f->smi_cmd || !f->acpi_enable)
		return;
	outb((uint16_t)f->smi_cmd, f->acpi_enable);
	for (unsigned i = 0; i < 3000 && !(inw((uint16_t)f->pm1a_cnt) & SCI_EN); i++)
		spin(1000);
}

void machine_power_off(void)
{
	const struct acpi_fadt *f = acpi_find_table("FACP");
	uint8_t a = 0;
	uint8_t b = 0;

	irq_disable();
	if (f && f->h.length >= offsetof(struct acpi_fadt, reset_reg) &&
		!(f->flags & FADT_HW_REDUCED) && f->pm1a_cnt && find_s5(&a, &b)) {
		enable_acpi_mode(f);
		outw((uint16_t)f->pm1a_cnt, (uint16_t)(a << 10 | SLP_EN));
		if (f->pm1b_cnt)
			outw((uint16_t)f->pm1b_cnt, (uint16_t)(b << 10 | SLP_EN));
		spin(100000);
	}
	log_at(LOG_EMERG,
		"The machine cannot be switched off by software; it is safe to do so by hand.");
	cpu_halt_self();
}
