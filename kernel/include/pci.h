/*
 * pci.h - the PCI bus: devices found at boot, drivers that match them.
 */
#pragma once
#include <arch/irq.h>
#include <list.h>
#include <compiler.h>

struct pci_bar {
	paddr_t addr;
	uint64_t size;
	bool io, is_64, prefetch;
};
struct pci_dev {
	uint16_t bus;
	uint8_t slot, func;
	uint16_t vendor, device, subvendor, subdevice;
	uint32_t class_code; /* class << 16 | subclass << 8 | prog-if */
	uint8_t revision, header_type, irq_pin, irq_line;
	struct pci_bar bar[6];
	uint8_t cap_msi, cap_msix; /* offset in configuration space, 0: none */
	void *msix_table;
	unsigned msix_count;
	const struct driver *driver;
	void *driver_data;
	struct list_head node;
};
struct pci_match {
	uint16_t vendor, device;
	uint32_t class_code, class_mask;
}; /* ends with {0}; vendor 0: any */
struct driver {
	const char *name;
	const struct pci_match *pci;
	int (*probe)(struct pci_dev *dev);   /* may sleep; 0, or -errno with everything undone */
	void (*remove)(struct pci_dev *dev); /* stops DMA before it frees */
};
#define DRIVER(d)                                                                                  \
	static const struct driver *const driver_ptr_##d                                           \
		__attribute__((section("drivers"), used)) = &(d)

uint32_t pci_read(struct pci_dev *d, unsigned off, unsigned bytes);
void pci_write(struct pci_dev *d, unsigned off, unsigned bytes, uint32_t v);
void pci_enable(struct pci_dev *d, bool bus_master);             /* memory, I/O */
void *pci_map_bar(struct pci_dev *d, unsigned bar) __must_check; /* NULL: no such or no memory */
uint8_t pci_find_cap(struct pci_dev *d, uint8_t id, uint8_t after);
/* Number of MSI-X vectors usable, 0: none (then MSI or a line via pci_request_irq). */
unsigned pci_msix_enable(struct pci_dev *d);
int __must_check pci_msix_vector(struct pci_dev *d, unsigned entry, unsigned cpu, irq_handler_t fn,
	void *arg, const char *name);
/* One interrupt by the best means: MSI-X entry 0, MSI, or the line. */
int __must_check pci_request_irq(struct pci_dev *d, irq_handler_t fn, void *arg, const char *name);
struct pci_dev *pci_next(struct pci_dev *after);
int pci_init(void);      /* boot: enumerate */
int drivers_probe(void); /* boot: every driver in section "drivers" */
/* DMA memory: physically contiguous, zeroed pages; *pa its bus address. */
void *dma_alloc(size_t bytes, paddr_t *pa) __must_check;
/* The same below 4 GiB, for devices that address no more. */
void *dma_alloc_low(size_t bytes, paddr_t *pa) __must_check;
void dma_free(void *va, size_t bytes);
