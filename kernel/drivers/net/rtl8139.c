/*
 * rtl8139.c - Realtek RTL8139: 100 Mbit/s Ethernet on PCI.
 *
 * Spec: RTL8139D data sheet 1.2, chapters 5 and 6. Received frames lie one behind the other in a
 * 32 KiB ring of bytes and are copied out; what is sent is copied into one of four buffers, for the
 * card reads contiguous memory below 4 GiB only, and does no checksums.
 *
 * The receive ring's headers are the card's and are checked: at the first one that cannot be, what
 * is in the ring is lost and the receiver started anew, since the beginning of the next frame is
 * not known. Locks: the transmit queue's guards the four buffers; the ring is the poll's; ->lock
 * the receiver's mode. Does not: C+ mode (RTL8139C+ works in the old one), wake on LAN, EEPROM.
 */
#include "realtek.h"

#include <error.h>
#include <hash.h>
#include <sched.h>
#include <string.h>

enum rtl8139_reg {
	TSD0 = 0x10, /* four */
	TSAD0 = 0x20,
	RBSTART = 0x30,
	CAPR = 0x38,
	CONFIG1 = 0x52,
	MSR = 0x58
};
enum { MSR_LINK_DOWN = 4 };
enum {
	TSD_OWN = 1 << 13, /* the card has read it */
	TSD_UNDERRUN = 1 << 14,
	TSD_OK = 1 << 15,
	TSD_OUT_OF_WINDOW = 1 << 29,
	TSD_ABORTED = 1 << 30,
	TCR_CLEAR_ABORT = 1
};
#define TSD_THRESHOLD (8u << 16) /* 256 bytes in the FIFO before it sends */
enum {
	RCR_WRAP = 1 << 7, /* a frame at the end of the ring goes on behind it */
	RCR_32K = 2 << 11
};
enum { RX_OK = 1, RX_UNFINISHED = 0xfff0, CRC_BYTES = 4 };

#define RING_BYTES 32768u
#define FRAME_MAX  1792u /* with a tag and CRC 1522; the card passes a little more */
#define RX_BYTES   (RING_BYTES + 16 + 2048)
#define TX_BUFFERS 4u
#define TX_BYTES   2048u
#define FRAME_MIN  60u /* without CRC; the card does not pad */

struct rx_header {          /* 5.3 */
	__le16 status, len; /* len with CRC */
};

struct rtl8139 {
	struct realtek r;
	uint8_t *rx, *tx; /* memory shared with the card */
	paddr_t rx_pa, tx_pa;
	uint32_t rx_at; /* [poll] offset of the next frame's header */
};

static struct rtl8139 *card_of(struct realtek *r)
{
	return container_of(r, struct rtl8139, r);
}

/* ---- receiving ---- */

/* 6.6: bits of RCR for the interface's flags; the buffer's size and DMA bursts never change. */
static uint32_t rx_mode(const struct netdev *d)
{
	return realtek_rx_mode(d) | RCR_WRAP | RCR_32K;
}

static void start_receiver(struct rtl8139 *c)
{
	struct realtek *r = &c->r;

	c->rx_at = 0;
	mmio_write8(r->regs + CR, CR_TE);
	mmio_write32(r->regs + RBSTART, (uint32_t)c->rx_pa);
	mmio_write8(r->regs + CR, CR_TE | CR_RE);
	mmio_write32(r->regs + RCR, rx_mode(r->nd));
}

/* A frame of @n bytes as a pkt of its own memory. */
static struct pkt *rx_copy(struct realtek *r, const uint8_t *data, uint32_t n)
{
	struct page *page;
	uint32_t off;

	if (n <= NETDEV_RX_COPY)
		return netdev_rx_copy(r->nd, data, n);
	page = pkt_room_take(n, &off);
	if (!page) {
		r->nd->pcpu[cpu_id()].rx_dropped++;
		return NULL;
	}
	memcpy((char *)page_address(page) + off, data, n);
	return netdev_rx_page(r->nd, page, off, n);
}

/* The frame at rx_at; false: its header is not one, and nothing behind it can be found. */
static bool rx_one(struct rtl8139 *c)
{
	struct rx_header h;
	uint32_t len;
	struct pkt *p;

	memcpy(&h, c->rx + c->rx_at, sizeof(h));
	len = le16(h.len);
	if (len == RX_UNFINISHED)
		return true; /* the caller looks again */
	if (!(le16(h.status) & RX_OK) || len < ETH_HLEN + CRC_BYTES || len > FRAME_MAX)
		return false;
	p = rx_copy(&c->r, c->rx + c->rx_at + sizeof(h), len - CRC_BYTES);
	c->rx_at = ALIGN_UP(c->rx_at + (uint32_t)sizeof(h) + len, 4u) % RING_BYTES;
	mmio_write16(c->r.regs + CAPR, (uint16_t)(c->rx_at - 16)); /* 6.7: 16 less, by design */
	if (p)
		netdev_rx(p);
	return true;
}

static unsigned receive(struct realtek *r, unsigned budget)
{
	unsigned n;

	for (n = 0; n < budget && !(mmio_read8(r->regs + CR) & CR_EMPTY); n++) {
		smp_rmb();
		if (rx_one(card_of(r)))
			continue;
		r->nd->pcpu[cpu_id()].rx_errors++;
		spin_lock(&r->lock);
		start_receiver(card_of(r));
		spin_unlock(&r->lock);
	}
	return n;
}

/* ---- sending ---- */

/* txq lock held. */
static void reclaim(struct realtek *r)
{
	while (r->tx_done != r->tx_next) {
		uint32_t s = mmio_read32(r->regs + TSD0 + r->tx_done % TX_BUFFERS * 4);

		if (!(s & (TSD_OK | TSD_UNDERRUN | TSD_ABORTED)))
			return;
		if (s & TSD_ABORTED)
			mmio_write32(r->regs + TCR, TCR_IFG | TCR_MXDMA | TCR_CLEAR_ABORT);
		if (!(s & TSD_OK))
			r->nd->pcpu[cpu_id()].tx_errors++;
		r->nd->pcpu[cpu_id()].collisions += s >> 24 & 15;
		r->tx_done++;
	}
}

static int rtl_xmit(struct netdev *d, unsigned queue, struct pkt *p)
{
	struct realtek *r = realtek_of(d);
	uint32_t n = p->len, slot = r->tx_next % TX_BUFFERS;
	uint8_t *to = card_of(r)->tx + slot * TX_BYTES;

	(void)queue;
	if (n > TX_BYTES)
		return -EMSGSIZE;
	if (r->tx_next - r->tx_done == TX_BUFFERS)
		reclaim(r);
	if (r->tx_next - r->tx_done == TX_BUFFERS)
		return -EBUSY; /* each frame interrupts when it is out */
	pkt_copy_bytes(p, 0, to, n);
	if (n < FRAME_MIN) {
		memset(to + n, 0, FRAME_MIN - n);
		n = FRAME_MIN;
	}
	smp_wmb();
	mmio_write32(r->regs + TSD0 + slot * 4, n | TSD_THRESHOLD);
	r->tx_next++;
	pkt_free(p);
	return 0;
}

static bool link_is_up(const struct realtek *r)
{
	return !(mmio_read8(r->regs + MSR) & MSR_LINK_DOWN);
}

/* ---- filters ---- */

/* 6.2: the six most significant bits of Ethernet's CRC, which is sent most significant bit first:
 * those are the last of the reflected one. */
static unsigned group_hash(const uint8_t *addr)
{
	uint32_t crc = ~crc32(0, addr, ETH_ALEN);
	unsigned h = 0;

	for (unsigned i = 0; i < 6; i++)
		h = h << 1 | (crc >> i & 1);
	return h;
}

static void rtl_set_rx_mode(struct netdev *d)
{
	struct realtek *r = realtek_of(d);
	uint32_t mar[2] = {0};
	const struct mcast_addr *m;

	list_for_each_entry (m, &d->mcast, node) {
		unsigned h = group_hash(m->addr);

		mar[h >> 5] |= 1u << (h & 31);
	}
	if (d->flags & (IFF_ALLMULTI | IFF_PROMISC))
		mar[0] = mar[1] = ~0u;
	spin_lock(&r->lock);
	mmio_write32(r->regs + RCR, rx_mode(d));
	mmio_write32(r->regs + MAR0, mar[0]);
	mmio_write32(r->regs + MAR0 + 4, mar[1]);
	spin_unlock(&r->lock);
}

/* ---- up and down ---- */

static int rtl_open(struct netdev *d)
{
	struct realtek *r = realtek_of(d);
	struct rtl8139 *c = card_of(r);
	int err = realtek_reset(r);

	if (err)
		return err;
	r->tx_next = r->tx_done = 0;
	r->tx_watch = (struct netdev_tx_watch){0};
	mmio_write8(r->regs + CR, CR_TE | CR_RE);
	mmio_write32(r->regs + TCR, TCR_IFG | TCR_MXDMA);
	for (unsigned i = 0; i < TX_BUFFERS; i++)
		mmio_write32(r->regs + TSAD0 + i * 4, (uint32_t)c->tx_pa + i * TX_BYTES);
	start_receiver(c);
	realtek_start(r);
	return 0;
}

static void rtl_stop(struct netdev *d)
{
	realtek_stop(realtek_of(d));
	mmio_write8(realtek_of(d)->regs + CR, 0);
}

static const struct netdev_ops rtl_ops = {
	.open = rtl_open,
	.stop = rtl_stop,
	.xmit = rtl_xmit,
	.set_mac = realtek_set_mac,
	.set_rx_mode = rtl_set_rx_mode,
	.stats = realtek_stats,
	.tx_hangs = realtek_tx_hangs,
};
static const struct realtek_ops card_ops = {
	.reclaim = reclaim, .receive = receive, .link_is_up = link_is_up};

/* ---- probing ---- */

static int start(struct rtl8139 *c, struct pci_dev *pci)
{
	c->rx = dma_alloc_low(RX_BYTES, &c->rx_pa);
	c->tx = dma_alloc_low(TX_BUFFERS * TX_BYTES, &c->tx_pa);
	if (!c->rx || !c->tx)
		return -ENOMEM;
	mmio_write8(c->r.regs + CONFIG1, 0); /* out of low power */
	return realtek_attach(&c->r, pci);
}

static int rtl_probe(struct pci_dev *pci)
{
	struct realtek *r = realtek_create(
		"rtl8139", sizeof(struct rtl8139), &card_ops, TX_BUFFERS - 1);
	int err;

	if (!r)
		return -ENOMEM;
	r->nd->ops = &rtl_ops;
	r->nd->features = r->nd->hw_features = NETIF_SG | NETIF_GRO;
	pci_enable(pci, true);
	r->regs = pci->bar[1].size >= REG_BYTES ? pci_map_bar(pci, 1) : NULL;
	err = r->regs ? start(card_of(r), pci) : -ENODEV;
	if (err < 0) {
		dma_free(card_of(r)->rx, RX_BYTES);
		dma_free(card_of(r)->tx, TX_BUFFERS * TX_BYTES);
		netdev_put(r->nd);
		return err;
	}
	return realtek_register(r, pci);
}

static const struct pci_match rtl_pci[] = {
	{.vendor = 0x10ec, .device = 0x8139},
	{.vendor = 0x1186, .device = 0x1300}, /* D-Link DFE-538TX */
	{0},
};
static const struct driver rtl_driver = {
	.name = "rtl8139", .pci = rtl_pci, .probe = rtl_probe, .remove = realtek_remove};
DRIVER(rtl_driver);
