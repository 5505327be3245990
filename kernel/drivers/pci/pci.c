/*
 * pci.c - the PCI bus: devices found at boot, their base addresses and interrupts, drivers that
 * match them.
 *
 * Enumeration starts at bus 0 and follows each bridge to the bus that the firmware gave it; bus
 * numbers and addresses are the firmware's, none are assigned here. A base address register is
 * sized by writing ones while the device's decoding is off. struct pci_dev is made at boot and
 * lives for ever; the list is constant after pci_init(), so walking it takes no lock. A driver owns
 * a device from probe on: everything else in pci_dev that changes later is its own business.
 *
 * Interrupts: MSI-X with one vector per use, each aimed at a CPU; else one MSI; else the line the
 * firmware routed (a guess without AML, as the last resort). What a device says (capability chains,
 * table sizes, header types) is checked: chains are bounded, tables must lie inside their base
 * address.
 *
 * Does not: hot-plug, power management, segments other than 0, assigning resources.
 */
#include <pci.h>

#include "pci.h"

#include <arch/io.h>
#include <arch/mmu.h>
#include <debug.h>
#include <error.h>
#include <log.h>
#include <page.h>
#include <slab.h>
#include <string.h>

static LIST_HEAD(devices);
extern const struct driver *const __start_drivers[], *const __stop_drivers[];

static void scan_bus(unsigned bus, unsigned depth);

uint32_t pci_read(struct pci_dev *d, unsigned off, unsigned bytes)
{
	return pci_config_read(d->bus, d->slot, d->func, off, bytes);
}

void pci_write(struct pci_dev *d, unsigned off, unsigned bytes, uint32_t v)
{
	pci_config_write(d->bus, d->slot, d->func, off, bytes, v);
}

void pci_enable(struct pci_dev *d, bool bus_master)
{
	uint32_t cmd = pci_read(d, PCI_COMMAND, 2) | PCI_CMD_IO | PCI_CMD_MEMORY;

	if (bus_master)
		cmd |= PCI_CMD_MASTER;
	pci_write(d, PCI_COMMAND, 2, cmd);
}

void *pci_map_bar(struct pci_dev *d, unsigned bar)
{
	if (bar >= 6 || !d->bar[bar].size || !d->bar[bar].addr || d->bar[bar].io)
		return NULL;
	return ioremap(d->bar[bar].addr, d->bar[bar].size, MMU_UNCACHED);
}

uint8_t pci_find_cap(struct pci_dev *d, uint8_t id, uint8_t after)
{
	uint8_t off;

	if (!(pci_read(d, PCI_STATUS, 2) & PCI_STATUS_CAPS))
		return 0;
	off = (uint8_t)pci_read(d, after ? after + 1u : PCI_CAPS, 1) & 0xfc;
	for (unsigned n = 0; off >= 0x40 && n < 48;
		n++) { /* at most 48 capabilities fit: a loop ends */
		if (pci_read(d, off, 1) == id)
			return off;
		off = (uint8_t)pci_read(d, off + 1u, 1) & 0xfc;
	}
	return 0;
}

struct pci_dev *pci_next(struct pci_dev *after)
{
	struct list_head *n = after ? after->node.next : devices.next;

	return n == &devices ? NULL : list_entry(n, struct pci_dev, node);
}

/* One base address register; returns how many registers it took. */
static unsigned read_bar(struct pci_dev *d, unsigned i, unsigned nr)
{
	unsigned off = PCI_BAR0 + i * 4;
	uint32_t low = pci_read(d, off, 4), high = 0, mask, mask_high = ~0u;
	struct pci_bar *b = &d->bar[i];

	b->io = low & 1;
	b->is_64 = !b->io && (low & 6) == 4 && i + 1 < nr;
	b->prefetch = !b->io && (low & 8);
	pci_write(d, off, 4, ~0u);
	mask = pci_read(d, off, 4);
	pci_write(d, off, 4, low);
	if (b->is_64) {
		high = pci_read(d, off + 4, 4);
		pci_write(d, off + 4, 4, ~0u);
		mask_high = pci_read(d, off + 4, 4);
		pci_write(d, off + 4, 4, high);
	}
	mask &= b->io ? ~3u : ~15u;
	if (!mask && (!b->is_64 || !mask_high))
		return b->is_64 ? 2 : 1;
	b->addr = (uint64_t)high << 32 | (low & (b->io ? ~3u : ~15u));
	b->size = b->io ? (uint16_t)(~mask + 1) : ~((uint64_t)mask_high << 32 | mask) + 1;
	return b->is_64 ? 2 : 1;
}

static void read_bars(struct pci_dev *d)
{
	unsigned nr = (d->header_type & 0x7f) == 1 ? 2 : 6;
	uint32_t cmd = pci_read(d, PCI_COMMAND, 2);

	pci_write(d, PCI_COMMAND, 2, cmd & ~(uint32_t)(PCI_CMD_IO | PCI_CMD_MEMORY));
	for (unsigned i = 0; i < nr;)
		i += read_bar(d, i, nr);
	pci_write(d, PCI_COMMAND, 2, cmd);
}

static struct pci_dev *read_device(unsigned bus, unsigned slot, unsigned func)
{
	struct pci_dev *d = kzalloc(sizeof(*d));

	if (!d)
		return NULL;
	d->bus = (uint16_t)bus;
	d->slot = (uint8_t)slot;
	d->func = (uint8_t)func;
	d->vendor = (uint16_t)pci_read(d, PCI_VENDOR, 2);
	d->device = (uint16_t)pci_read(d, PCI_DEVICE, 2);
	d->revision = (uint8_t)pci_read(d, PCI_REVISION, 1);
	d->class_code = pci_read(d, PCI_REVISION, 4) >> 8;
	d->header_type = (uint8_t)pci_read(d, PCI_HEADER, 1);
	d->irq_line = (uint8_t)pci_read(d, PCI_IRQ_LINE, 1);
	d->irq_pin = (uint8_t)pci_read(d, PCI_IRQ_PIN, 1);
	if ((d->header_type & 0x7f) == 0) {
		d->subvendor = (uint16_t)pci_read(d, PCI_SUBVENDOR, 2);
		d->subdevice = (uint16_t)pci_read(d, PCI_SUBDEVICE, 2);
	}
	if ((d->header_type & 0x7f) <= 1)
		read_bars(d);
	d->cap_msi = pci_find_cap(d, PCI_CAP_MSI, 0);
	d->cap_msix = pci_find_cap(d, PCI_CAP_MSIX, 0);
	list_add_tail(&d->node, &devices);
	log_debug("pci %02x:%02x.%x: %04x:%04x class %06x", bus, slot, func, d->vendor, d->device,
		d->class_code);
	return d;
}

static void scan_slot(unsigned bus, unsigned slot, unsigned depth)
{
	unsigned nr = 1;

	for (unsigned func = 0; func < nr; func++) {
		struct pci_dev *d;
		unsigned secondary;

		if (pci_config_read(bus, slot, func, PCI_VENDOR, 2) == 0xffff)
			continue;
		d = read_device(bus, slot, func);
		if (!d)
			return;
		if (func == 0 && (d->header_type & 0x80))
			nr = 8;
		if ((d->header_type & 0x7f) != 1)
			continue;
		secondary = pci_read(d, PCI_SECONDARY_BUS, 1);
		if (secondary > bus)
			scan_bus(secondary, depth + 1);
	}
}

static void scan_bus(unsigned bus, unsigned depth)
{
	if (depth > 8) {
		log_warn("pci: bridges nested too deep at bus %u", bus);
		return;
	}
	for (unsigned slot = 0; slot < 32; slot++)
		if (pci_config_read(bus, slot, 0, PCI_VENDOR, 2) != 0xffff)
			scan_slot(bus, slot, depth);
}

int pci_init(void)
{
	pci_config_init();
	scan_bus(0, 0);
	return 0;
}

static bool matches(const struct driver *drv, const struct pci_dev *d)
{
	for (const struct pci_match *m = drv->pci; m && (m->vendor || m->class_mask); m++) {
		if (m->vendor && (m->vendor != d->vendor || m->device != d->device))
			continue;
		if ((d->class_code & m->class_mask) == (m->class_code & m->class_mask))
			return true;
	}
	return false;
}

static void probe_one(const struct driver *drv, struct pci_dev *d)
{
	int err = drv->probe(d);

	if (!err)
		d->driver = drv;
	else if (err != -EPROBE_NONE)
		log_err("%s: device %02x:%02x.%x could not be started: error %d", drv->name, d->bus,
			d->slot, d->func, -err);
}

int drivers_probe(void)
{
	struct pci_dev *d;

	list_for_each_entry (d, &devices, node)
		for (const struct driver *const *p = __start_drivers;
			p < __stop_drivers && !d->driver; p++)
			if (matches(*p, d))
				probe_one(*p, d);
	return 0;
}

static unsigned order_of(size_t bytes)
{
	unsigned order = 0;

	while ((PAGE_SIZE << order) < bytes)
		order++;
	return order;
}

void *dma_alloc(size_t bytes, paddr_t *pa)
{
	unsigned order = order_of(bytes);
	struct page *p = order <= 10 ? page_alloc(order, GFP_ZERO) : NULL;

	if (!p)
		return NULL;
	*pa = page_to_phys(p);
	return page_address(p);
}

void *dma_alloc_low(size_t bytes, paddr_t *pa)
{
	unsigned order = order_of(bytes);
	struct page *p = order <= 10 ? page_alloc_low(order) : NULL;

	if (!p)
		return NULL;
	memset(page_address(p), 0, PAGE_SIZE << order);
	*pa = page_to_phys(p);
	return page_address(p);
}

void dma_free(void *va, size_t bytes)
{
	if (va)
		page_free(virt_to_page(va), order_of(bytes));
}
