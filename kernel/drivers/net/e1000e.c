/*
 * e1000e.c - Intel 82574L on PCI Express: MSI-X with a vector for the queues and one for the rest.
 *
 * Theory: intel.c. Spec: 82574 datasheet, 7.4.2 (MSI-X), 10.2.4.9 (IVAR). Does not: the second pair
 * of queues; chips with a PHY that software must look after (82577 and later).
 */
#include "intel.h"

#include <error.h>
#include <pci.h>

enum { VEC_QUEUES = 0, VEC_OTHER = 1 };
#define IVAR_VALID 8u
#define IVAR_RX0   (VEC_QUEUES | IVAR_VALID)
#define IVAR_TX0   ((VEC_QUEUES | IVAR_VALID) << 8)
#define IVAR_OTHER ((VEC_OTHER | IVAR_VALID) << 16)

static void queues_irq(void *arg)
{
	intel_queue_event(arg);
}

/* Its causes are not cleared by the message: writing them clears them and no others. */
static void other_irq(void *arg)
{
	struct intel *c = arg;

	intel_write(c, REG_ICR, INT_LSC | INT_OTHER);
	intel_link_event(c);
	intel_write(c, REG_IMS, INT_OTHER);
}

static void single_irq(void *arg)
{
	struct intel *c = arg;
	uint32_t icr = intel_read(c, REG_ICR);

	if (icr & INT_LSC)
		intel_link_event(c);
	if (icr & (INT_RXT0 | INT_RXDMT0 | INT_RXO | INT_TXDW))
		intel_queue_event(c);
}

static int setup_irqs(struct intel *c, struct pci_dev *pci)
{
	int err;

	if (pci_msix_enable(pci) < 2) {
		c->int_rx = INT_RXT0 | INT_RXDMT0 | INT_RXO;
		c->int_tx = INT_TXDW;
		return pci_request_irq(pci, single_irq, c, c->model);
	}
	c->int_rx = INT_RXQ0;
	c->int_tx = INT_TXQ0;
	c->ivar = IVAR_RX0 | IVAR_TX0 | IVAR_OTHER;
	c->eiac = INT_RXQ0 | INT_TXQ0;
	err = pci_msix_vector(pci, VEC_QUEUES, 0, queues_irq, c, c->model);
	return err < 0 ? err : pci_msix_vector(pci, VEC_OTHER, 0, other_irq, c, c->model);
}

static int e1000e_probe(struct pci_dev *pci)
{
	struct intel *c = intel_create();
	int err;

	if (!c)
		return -ENOMEM;
	pci_enable(pci, true);
	c->regs = pci->bar[0].size >= REG_BYTES ? pci_map_bar(pci, 0) : NULL;
	c->model = "e1000e";
	c->is_express = true;
	c->max_frame = 9234; /* 9216 and header and CRC */
	err = c->regs ? intel_reset(c) : -ENODEV;
	if (err) {
		intel_destroy(c);
		return err;
	}
	pci->driver_data = c;
	err = setup_irqs(c, pci);
	if (err < 0)
		return err; /* an interrupt may point to the record: it stays */
	return intel_register(c, NETIF_SG | NETIF_TX_CSUM | NETIF_RX_CSUM | NETIF_TSO4 |
					 NETIF_TSO6 | NETIF_VLAN_TX | NETIF_GRO);
}

static void e1000e_remove(struct pci_dev *pci)
{
	struct intel *c = pci->driver_data;

	net_config_lock();
	netdev_hold(c->nd); /* an interrupt points to it */
	netdev_unregister(c->nd);
	net_config_unlock();
}

static const struct pci_match e1000e_pci[] = {
	{.vendor = 0x8086, .device = 0x10d3}, /* 82574L */
	{.vendor = 0x8086, .device = 0x10f6}, /* 82574LA */
	{0},
};
static const struct driver e1000e_driver = {
	.name = "e1000e", .pci = e1000e_pci, .probe = e1000e_probe, .remove = e1000e_remove};
DRIVER(e1000e_driver);
