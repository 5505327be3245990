/*
 * msi.c - message-signalled interrupts of PCI devices: MSI-X vectors, a single MSI, or the old
 * line. Theory: pci.c
 */
#include <pci.h>

#include "pci.h"

#include <arch/io.h>
#include <arch/mmu.h>
#include <error.h>
#include <log.h>

struct msix_entry {
	uint32_t addr_low, addr_high, data, control;
}; /* PCI 3.0, 6.8.2 */
static_assert(sizeof(struct msix_entry) == 16, "layout of the MSI-X table");

enum { MSIX_ENABLE = 1 << 15, MSIX_MASK_ALL = 1 << 14, MSIX_ENTRY_MASKED = 1 };
enum { MSI_ENABLE = 1, MSI_64BIT = 1 << 7, MSI_COUNT_MASK = 7 << 4 };

unsigned pci_msix_enable(struct pci_dev *d)
{
	uint32_t control, table;
	struct pci_bar *bar;
	struct msix_entry *e;
	unsigned n;

	if (d->msix_table)
		return d->msix_count;
	if (!d->cap_msix)
		return 0;
	control = pci_read(d, d->cap_msix + 2u, 2);
	n = (control & 0x7ff) + 1;
	table = pci_read(d, d->cap_msix + 4u, 4);
	if ((table & 7) >= 6)
		return 0;
	bar = &d->bar[table & 7];
	table &= ~7u;
	if (bar->io || !bar->addr || table + n * sizeof(*e) > bar->size) {
		log_warn("pci %02x:%02x.%x: MSI-X table lies outside its base address", d->bus,
			d->slot, d->func);
		return 0;
	}
	e = ioremap(bar->addr + table, n * sizeof(*e), MMU_UNCACHED);
	if (!e)
		return 0;
	pci_write(d, d->cap_msix + 2u, 2, control | MSIX_ENABLE | MSIX_MASK_ALL);
	for (unsigned i = 0; i < n; i++)
		mmio_write32(&e[i].control, MSIX_ENTRY_MASKED);
	pci_write(d, d->cap_msix + 2u, 2, (control | MSIX_ENABLE) & ~(uint32_t)MSIX_MASK_ALL);
	pci_write(d, PCI_COMMAND, 2, pci_read(d, PCI_COMMAND, 2) | PCI_CMD_NO_INTX);
	d->msix_table = e;
	d->msix_count = n;
	return n;
}

int pci_msix_vector(struct pci_dev *d, unsigned entry, unsigned cpu, irq_handler_t fn, void *arg,
	const char *name)
{
	struct msix_entry *e = (struct msix_entry *)d->msix_table + entry;
	struct irq_msi msi;
	int handle;

	if (!d->msix_table || entry >= d->msix_count)
		return -EINVAL;
	handle = irq_alloc_msi(cpu, fn, arg, name, &msi);
	if (handle < 0)
		return handle;
	mmio_write32(&e->addr_low, (uint32_t)msi.address);
	mmio_write32(&e->addr_high, (uint32_t)(msi.address >> 32));
	mmio_write32(&e->data, msi.data);
	mmio_write32(&e->control, 0);
	return handle;
}

static int request_msi(struct pci_dev *d, irq_handler_t fn, void *arg, const char *name)
{
	unsigned cap = d->cap_msi;
	uint32_t control = pci_read(d, cap + 2, 2);
	struct irq_msi msi;
	int handle = irq_alloc_msi(0, fn, arg, name, &msi);

	if (handle < 0)
		return handle;
	pci_write(d, cap + 4, 4, (uint32_t)msi.address);
	if (control & MSI_64BIT)
		pci_write(d, cap + 8, 4, (uint32_t)(msi.address >> 32));
	pci_write(d, cap + (control & MSI_64BIT ? 12 : 8), 2, msi.data);
	control &= ~(uint32_t)MSI_COUNT_MASK;
	pci_write(d, cap + 2, 2, control | MSI_ENABLE);
	return handle;
}

int pci_request_irq(struct pci_dev *d, irq_handler_t fn, void *arg, const char *name)
{
	if (pci_msix_enable(d))
		return pci_msix_vector(d, 0, 0, fn, arg, name);
	if (d->cap_msi)
		return request_msi(d, fn, arg, name);
	if (!d->irq_pin || d->irq_line == 0 || d->irq_line == 255)
		return -ENODEV;
	return irq_request_gsi(d->irq_line, true, fn, arg, name);
}
