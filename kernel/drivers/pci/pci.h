/*
 * pci.h - what the files of this folder share: reaching configuration space, and its register
 * numbers.
 */
#pragma once
#include <compiler.h>

enum { /* PCI Local Bus 3.0, chapter 6; header type 1: PCI-to-PCI Bridge 1.2, chapter 3 */
	PCI_VENDOR = 0x00,
	PCI_DEVICE = 0x02,
	PCI_COMMAND = 0x04,
	PCI_STATUS = 0x06,
	PCI_REVISION = 0x08,
	PCI_HEADER = 0x0e,
	PCI_BAR0 = 0x10,
	PCI_SECONDARY_BUS = 0x19,
	PCI_SUBVENDOR = 0x2c,
	PCI_SUBDEVICE = 0x2e,
	PCI_CAPS = 0x34,
	PCI_IRQ_LINE = 0x3c,
	PCI_IRQ_PIN = 0x3d,
};
enum {
	PCI_CMD_IO = 1,
	PCI_CMD_MEMORY = 2,
	PCI_CMD_MASTER = 4,
	PCI_CMD_NO_INTX = 1 << 10,
	PCI_STATUS_CAPS = 1 << 4
};
enum { PCI_CAP_MSI = 0x05, PCI_CAP_MSIX = 0x11 };

void pci_config_init(void); /* finds the memory-mapped configuration space, else uses the ports */
uint32_t pci_config_read(unsigned bus, unsigned slot, unsigned func, unsigned off, unsigned bytes);
void pci_config_write(
	unsigned bus, unsigned slot, unsigned func, unsigned off, unsigned bytes, uint32_t v);
