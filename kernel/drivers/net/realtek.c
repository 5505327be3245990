/*
 * realtek.c - what the RTL8139 and the RTL8169 family do alike: reset, station address, interrupts,
 * poll, link and counters. The rings are the cards' own: rtl8139.c, rtl8169.c.
 *
 * The interrupt masks all causes but the link's and schedules the poll. That acknowledges them
 * before it looks, so that what comes meanwhile interrupts again when they are unmasked.
 */
#include "realtek.h"

#include <error.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#define RESET_TRIES 1000u

uint32_t realtek_rx_mode(const struct netdev *d)
{
	uint32_t rcr = RCR_MINE | RCR_MULTICAST | RCR_BROADCAST | RCR_MXDMA | RCR_NO_THRESHOLD;

	return d->flags & IFF_PROMISC ? rcr | RCR_ALL : rcr;
}

bool realtek_tx_hangs(struct netdev *d)
{
	struct realtek *r = realtek_of(d);
	bool hangs;

	spin_lock(&d->txq[0].lock);
	r->ops->reclaim(r);
	hangs = netdev_tx_stuck(&r->tx_watch, r->tx_done, r->tx_next - r->tx_done) && d->carrier;
	spin_unlock(&d->txq[0].lock);
	return hangs;
}

static void irq(void *arg)
{
	struct realtek *r = arg;
	uint16_t isr = mmio_read16(r->regs + ISR);

	if (!isr || isr == 0xffff)
		return; /* another device on the line; or the card is gone */
	if (isr & INT_LINK) {
		mmio_write16(r->regs + ISR, INT_LINK);
		work_queue(&r->link);
	}
	if (isr & (INT_ALL & ~INT_LINK)) {
		mmio_write16(r->regs + IMR, 0);
		net_poll_schedule(&r->poll);
	}
}

static unsigned poll(struct net_poll *np, unsigned budget)
{
	struct realtek *r = container_of(np, struct realtek, poll);
	struct netdev_txq *q = &r->nd->txq[0];
	bool wake;
	unsigned n;

	mmio_write16(r->regs + ISR, INT_ALL & ~INT_LINK);
	spin_lock(&q->lock);
	r->ops->reclaim(r);
	wake = q->stopped && r->tx_next - r->tx_done <= r->tx_wake;
	spin_unlock(&q->lock);
	if (wake)
		netdev_tx_wake(r->nd, 0);
	n = r->ops->receive(r, budget);
	if (n < budget)
		mmio_write16(r->regs + IMR, INT_ALL);
	return n;
}

static void link_work(struct work *w)
{
	struct realtek *r = container_of(w, struct realtek, link);

	netdev_set_carrier(r->nd, r->ops->link_is_up(r));
}

static void write_mac(struct realtek *r, const uint8_t *mac)
{
	uint32_t low, high = 0;

	memcpy(&low, mac, 4);
	memcpy(&high, mac + 4, 2);
	mmio_write8(r->regs + CR9346, CR9346_UNLOCK);
	mmio_write32(r->regs + IDR0 + 4, high); /* the 8169 takes the whole with the low word */
	mmio_write32(r->regs + IDR0, low);
	mmio_write8(r->regs + CR9346, 0);
}

static void read_mac(struct realtek *r)
{
	uint32_t low = mmio_read32(r->regs + IDR0), high = mmio_read32(r->regs + IDR0 + 4);

	memcpy(r->nd->addr, &low, 4);
	memcpy(r->nd->addr + 4, &high, 2);
	netdev_ensure_mac(r->nd);
}

int realtek_set_mac(struct netdev *d, const uint8_t *mac)
{
	write_mac(realtek_of(d), mac);
	return 0;
}

void realtek_stats(struct netdev *d, struct netdev_stats *add)
{
	struct realtek *r = realtek_of(d);

	spin_lock(&r->lock);
	r->missed += mmio_read32(r->regs + MPC) & 0xffffff;
	mmio_write32(r->regs + MPC, 0);
	add->rx_missed_errors += r->missed;
	spin_unlock(&r->lock);
}

int realtek_reset(struct realtek *r)
{
	mmio_write16(r->regs + IMR, 0);
	mmio_write8(r->regs + CR, CR_RST);
	for (unsigned i = 0; i < RESET_TRIES; i++) {
		if (!(mmio_read8(r->regs + CR) & CR_RST))
			return 0;
		sleep_uninterruptible_ns(100 * NSEC_PER_USEC);
	}
	return -EIO;
}

void realtek_start(struct realtek *r)
{
	write_mac(r, r->nd->addr);
	net_poll_enable(&r->poll);
	link_work(&r->link);
	mmio_write16(r->regs + IMR, INT_ALL);
}

void realtek_stop(struct realtek *r)
{
	mmio_write16(r->regs + IMR, 0);
	net_poll_disable(&r->poll);
}

struct realtek *realtek_create(
	const char *driver, size_t size, const struct realtek_ops *ops, uint32_t tx_wake)
{
	struct netdev *d = netdev_create("eth%d", size, 1);
	struct realtek *r;

	if (!d)
		return NULL;
	r = d->priv;
	r->nd = d;
	r->ops = ops;
	r->tx_wake = tx_wake;
	d->driver = driver;
	spin_init(&r->lock);
	net_poll_init(&r->poll, 0, poll);
	net_poll_disable(&r->poll);
	work_init(&r->link, link_work);
	return r;
}

int realtek_attach(struct realtek *r, struct pci_dev *pci)
{
	int err = realtek_reset(r);

	if (err)
		return err;
	read_mac(r);
	return pci_request_irq(pci, irq, r, r->nd->driver);
}

int realtek_register(struct realtek *r, struct pci_dev *pci)
{
	int err;

	r->nd->carrier = r->ops->link_is_up(r);
	pci->driver_data = r;
	net_config_lock();
	err = netdev_register(&net_initial, r->nd);
	net_config_unlock();
	return err;
}

void realtek_remove(struct pci_dev *pci)
{
	struct realtek *r = pci->driver_data;

	net_config_lock();
	netdev_hold(r->nd); /* an interrupt points to it */
	netdev_unregister(r->nd);
	net_config_unlock();
}
