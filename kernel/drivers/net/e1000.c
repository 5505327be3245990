/*
 * e1000.c - Intel 82540EM and its nearest relatives on PCI: one interrupt line for everything.
 *
 * Theory: intel.c. Does not: 82542 to 82544 (other errata), fibre.
 */
#include "intel.h"

#include <error.h>
#include <pci.h>

static void e1000_irq(void *arg)
{
	struct intel *c = arg;
	uint32_t icr = intel_read(c, REG_ICR); /* reading takes it back */

	if (!icr)
		return; /* another device on the line */
	if (icr & INT_LSC)
		intel_link_event(c);
	if (icr & (INT_RXT0 | INT_RXDMT0 | INT_RXO | INT_TXDW))
		intel_queue_event(c);
}

static int e1000_probe(struct pci_dev *pci)
{
	struct intel *c = intel_create();
	int err;

	if (!c)
		return -ENOMEM;
	pci_enable(pci, true);
	c->regs = pci->bar[0].size >= REG_BYTES ? pci_map_bar(pci, 0) : NULL;
	c->model = "e1000";
	c->max_frame = 16110;
	c->int_rx = INT_RXT0 | INT_RXDMT0 | INT_RXO;
	c->int_tx = INT_TXDW;
	err = c->regs ? intel_reset(c) : -ENODEV;
	if (err) {
		intel_destroy(c);
		return err;
	}
	err = pci_request_irq(pci, e1000_irq, c, c->model);
	if (err < 0)
		intel_destroy(c);
	if (err < 0)
		return err;
	pci->driver_data = c;
	return intel_register(c, /* from here on an interrupt points to the record: it stays */
		NETIF_SG | NETIF_TX_CSUM | NETIF_RX_CSUM | NETIF_TSO4 | NETIF_VLAN_TX | NETIF_GRO);
}

static void e1000_remove(struct pci_dev *pci)
{
	struct intel *c = pci->driver_data;

	net_config_lock();
	netdev_hold(c->nd); /* an interrupt points to it */
	netdev_unregister(c->nd);
	net_config_unlock();
}

static const struct pci_match e1000_pci[] = {
	{.vendor = 0x8086, .device = 0x100e}, /* 82540EM */
	{.vendor = 0x8086, .device = 0x1015}, /* 82540EM mobile */
	{.vendor = 0x8086, .device = 0x100f}, /* 82545EM */
	{.vendor = 0x8086, .device = 0x1010}, /* 82546EB */
	{.vendor = 0x8086, .device = 0x1026}, /* 82545GM */
	{.vendor = 0x8086, .device = 0x1076}, /* 82541GI */
	{.vendor = 0x8086, .device = 0x107c}, /* 82541PI */
	{0},
};
static const struct driver e1000_driver = {
	.name = "e1000", .pci = e1000_pci, .probe = e1000_probe, .remove = e1000_remove};
DRIVER(e1000_driver);
