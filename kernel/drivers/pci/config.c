/*
 * config.c - PCI configuration space: memory-mapped (ECAM) where ACPI's MCFG table says so, else
 * the ports 0xcf8/0xcfc.
 *
 * Only segment 0. Each bus is mapped when it is first asked for (1 MiB of addresses). Theory: pci.c
 */
#include "pci.h"

#include <arch/acpi.h>
#include <arch/io.h>
#include <arch/mmu.h>
#include <spinlock.h>

#define ECAM_BUS_BYTES (1u << 20)

static struct acpi_ecam ecam; /* base 0: none */
static volatile uint8_t *bus_map[256];
static struct spinlock port_lock = SPINLOCK_INIT("pci ports"); /* leaf, irq-save */

void pci_config_init(void)
{
	struct acpi_ecam e;

	for (unsigned n = 0; acpi_ecam_get(n, &e); n++) {
		if (e.segment != 0 || e.bus_start > e.bus_end)
			continue;
		ecam = e;
		return;
	}
}

/* The registers of @bus, or NULL: not covered, or no memory to map it. */
static volatile uint8_t *map_bus(unsigned bus)
{
	if (bus_map[bus])
		return bus_map[bus];
	if (!ecam.base || bus < ecam.bus_start || bus > ecam.bus_end)
		return NULL;
	bus_map[bus] = ioremap(
		ecam.base + (uint64_t)bus * ECAM_BUS_BYTES, ECAM_BUS_BYTES, MMU_UNCACHED);
	return bus_map[bus];
}

static uint32_t port_address(unsigned bus, unsigned slot, unsigned func, unsigned off)
{
	return 1u << 31 | bus << 16 | slot << 11 | func << 8 | (off & 0xfc);
}

static uint32_t port_read(uint32_t address, unsigned off, unsigned bytes)
{
	unsigned long f = spin_lock_irq(&port_lock);
	uint32_t v;

	outl(0xcf8, address);
	v = inl(0xcfc) >> (off & 3) * 8;
	spin_unlock_irq(&port_lock, f);
	return bytes == 4 ? v : v & ((1u << bytes * 8) - 1);
}

static void port_write(uint32_t address, unsigned off, unsigned bytes, uint32_t v)
{
	unsigned long f = spin_lock_irq(&port_lock);

	outl(0xcf8, address);
	if (bytes == 1)
		outb(0xcfc + (off & 3), (uint8_t)v);
	else if (bytes == 2)
		outw(0xcfc + (off & 2), (uint16_t)v);
	else
		outl(0xcfc, v);
	spin_unlock_irq(&port_lock, f);
}

uint32_t pci_config_read(unsigned bus, unsigned slot, unsigned func, unsigned off, unsigned bytes)
{
	volatile uint8_t *m = map_bus(bus);

	if (!m)
		return off < 256 ? port_read(port_address(bus, slot, func, off), off, bytes) : ~0u;
	m += slot << 15 | func << 12 | off;
	return bytes == 1 ? mmio_read8(m) : bytes == 2 ? mmio_read16(m) : mmio_read32(m);
}

void pci_config_write(
	unsigned bus, unsigned slot, unsigned func, unsigned off, unsigned bytes, uint32_t v)
{
	volatile uint8_t *m = map_bus(bus);

	if (!m) {
		if (off < 256)
			port_write(port_address(bus, slot, func, off), off, bytes, v);
		return;
	}
	m += slot << 15 | func << 12 | off;
	if (bytes == 1)
		mmio_write8(m, (uint8_t)v);
	else if (bytes == 2)
		mmio_write16(m, (uint16_t)v);
	else
		mmio_write32(m, v);
}
