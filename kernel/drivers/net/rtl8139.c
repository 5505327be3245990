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
#include <arch/io.h>
#include <error.h>
#include <hash.h>
#include <netdev.h>
#include <pci.h>
#include <sched.h>
#include <string.h>
#include <time.h>

enum reg {
	IDR0 = 0x00, /* station address */
	MAR0 = 0x08, /* 64 bits of multicast hash */
	TSD0 = 0x10, /* four */
	TSAD0 = 0x20,
	RBSTART = 0x30,
	CR = 0x37,
	CAPR = 0x38,
	IMR = 0x3c,
	ISR = 0x3e,
	TCR = 0x40,
	RCR = 0x44,
	MPC = 0x4c,
	CR9346 = 0x50,
	CONFIG1 = 0x52,
	MSR = 0x58,
	REG_BYTES = 0x100
};
enum { CR_EMPTY = 1, CR_TE = 4, CR_RE = 8, CR_RST = 0x10, CR9346_UNLOCK = 0xc0, MSR_LINK_DOWN = 4 };
enum {
	INT_ROK = 1,
	INT_RER = 2,
	INT_TOK = 4,
	INT_TER = 8,
	INT_RX_OVERFLOW = 0x10,
	INT_LINK = 0x20,
	INT_FIFO_OVERFLOW = 0x40,
	INT_ALL = 0x7f
};
enum {
	TSD_OWN = 1 << 13, /* the card has read it */
	TSD_UNDERRUN = 1 << 14,
	TSD_OK = 1 << 15,
	TSD_OUT_OF_WINDOW = 1 << 29,
	TSD_ABORTED = 1 << 30,
	TCR_CLEAR_ABORT = 1,
	TCR_MXDMA = 7 << 8, /* bursts as long as can be */
	TCR_IFG = 3 << 24   /* 802.3's gap */
};
#define TSD_THRESHOLD (8u << 16) /* 256 bytes in the FIFO before it sends */
enum {
	RCR_ALL = 1,
	RCR_MINE = 2,
	RCR_MULTICAST = 4,
	RCR_BROADCAST = 8,
	RCR_WRAP = 1 << 7, /* a frame at the end of the ring goes on behind it */
	RCR_MXDMA = 7 << 8,
	RCR_32K = 2 << 11,
	RCR_NO_THRESHOLD = 7 << 13
};
enum { RX_OK = 1, RX_UNFINISHED = 0xfff0, CRC_BYTES = 4 };

#define RING_BYTES  32768u
#define FRAME_MAX   1792u /* with a tag and CRC 1522; the card passes a little more */
#define RX_BYTES    (RING_BYTES + 16 + 2048)
#define TX_BUFFERS  4u
#define TX_BYTES    2048u
#define FRAME_MIN   60u /* without CRC; the card does not pad */
#define RESET_TRIES 1000u

struct rx_header {          /* 5.3 */
	__le16 status, len; /* len with CRC */
};

struct rtl {
	volatile uint8_t *regs; /* [c] */
	struct netdev *nd;      /* [c] */
	struct net_poll poll;
	uint8_t *rx, *tx; /* memory shared with the card */
	paddr_t rx_pa, tx_pa;
	uint32_t rx_at;                  /* [poll] offset of the next frame's header */
	uint32_t tx_next, tx_done;       /* [txq lock] free-running */
	struct netdev_tx_watch tx_watch; /* [txq lock] */
	struct spinlock lock;            /* RCR, counters */
	uint64_t missed;                 /* [lock] */
	struct work link;
};

static struct rtl *rtl_of(struct netdev *d)
{
	return d->priv;
}

/* ---- receiving ---- */

/* 6.6: bits of RCR for the interface's flags; the buffer's size and DMA bursts never change. */
static uint32_t rx_mode(const struct netdev *d)
{
	uint32_t rcr = RCR_MINE | RCR_MULTICAST | RCR_BROADCAST | RCR_WRAP | RCR_MXDMA | RCR_32K |
		       RCR_NO_THRESHOLD;

	return d->flags & IFF_PROMISC ? rcr | RCR_ALL : rcr;
}

static void start_receiver(struct rtl *r)
{
	r->rx_at = 0;
	mmio_write8(r->regs + CR, CR_TE);
	mmio_write32(r->regs + RBSTART, (uint32_t)r->rx_pa);
	mmio_write8(r->regs + CR, CR_TE | CR_RE);
	mmio_write32(r->regs + RCR, rx_mode(r->nd));
}

/* A frame of @n bytes as a pkt of its own memory. */
static struct pkt *rx_copy(struct rtl *r, const uint8_t *data, uint32_t n)
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
static bool rx_one(struct rtl *r)
{
	struct rx_header h;
	uint32_t len;
	struct pkt *p;

	memcpy(&h, r->rx + r->rx_at, sizeof(h));
	len = le16(h.len);
	if (len == RX_UNFINISHED)
		return true; /* the caller looks again */
	if (!(le16(h.status) & RX_OK) || len < ETH_HLEN + CRC_BYTES || len > FRAME_MAX)
		return false;
	p = rx_copy(r, r->rx + r->rx_at + sizeof(h), len - CRC_BYTES);
	r->rx_at = ALIGN_UP(r->rx_at + (uint32_t)sizeof(h) + len, 4u) % RING_BYTES;
	mmio_write16(r->regs + CAPR, (uint16_t)(r->rx_at - 16)); /* 6.7: 16 less, by design */
	if (p)
		netdev_rx(p);
	return true;
}

static unsigned receive(struct rtl *r, unsigned budget)
{
	unsigned n;

	for (n = 0; n < budget && !(mmio_read8(r->regs + CR) & CR_EMPTY); n++) {
		smp_rmb();
		if (rx_one(r))
			continue;
		r->nd->pcpu[cpu_id()].rx_errors++;
		spin_lock(&r->lock);
		start_receiver(r);
		spin_unlock(&r->lock);
	}
	return n;
}

/* ---- sending ---- */

/* txq lock held. */
static void reclaim(struct rtl *r)
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
	struct rtl *r = rtl_of(d);
	uint32_t n = p->len, slot = r->tx_next % TX_BUFFERS;
	uint8_t *to = r->tx + slot * TX_BYTES;

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

static bool rtl_tx_hangs(struct netdev *d)
{
	struct rtl *r = rtl_of(d);
	bool hangs;

	spin_lock(&d->txq[0].lock);
	reclaim(r);
	hangs = netdev_tx_stuck(&r->tx_watch, r->tx_done, r->tx_next - r->tx_done) && d->carrier;
	spin_unlock(&d->txq[0].lock);
	return hangs;
}

/* ---- interrupts and polls ---- */

static void rtl_irq(void *arg)
{
	struct rtl *r = arg;
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

static unsigned rtl_poll(struct net_poll *np, unsigned budget)
{
	struct rtl *r = container_of(np, struct rtl, poll);
	struct netdev_txq *q = &r->nd->txq[0];
	bool wake;
	unsigned n;

	/* taken back before the work: what comes during it interrupts again */
	mmio_write16(r->regs + ISR, INT_ALL & ~INT_LINK);
	spin_lock(&q->lock);
	reclaim(r);
	wake = q->stopped && r->tx_next - r->tx_done < TX_BUFFERS;
	spin_unlock(&q->lock);
	if (wake)
		netdev_tx_wake(r->nd, 0);
	n = receive(r, budget);
	if (n < budget)
		mmio_write16(r->regs + IMR, INT_ALL);
	return n;
}

static void link_work(struct work *w)
{
	struct rtl *r = container_of(w, struct rtl, link);

	netdev_set_carrier(r->nd, !(mmio_read8(r->regs + MSR) & MSR_LINK_DOWN));
}

/* ---- filters and counters ---- */

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
	struct rtl *r = rtl_of(d);
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

static void write_mac(struct rtl *r, const uint8_t *mac)
{
	uint32_t low, high = 0;

	memcpy(&low, mac, 4);
	memcpy(&high, mac + 4, 2);
	mmio_write8(r->regs + CR9346, CR9346_UNLOCK);
	mmio_write32(r->regs + IDR0, low);
	mmio_write32(r->regs + IDR0 + 4, high);
	mmio_write8(r->regs + CR9346, 0);
}

static int rtl_set_mac(struct netdev *d, const uint8_t *mac)
{
	write_mac(rtl_of(d), mac);
	return 0;
}

static void rtl_stats(struct netdev *d, struct netdev_stats *add)
{
	struct rtl *r = rtl_of(d);

	spin_lock(&r->lock);
	r->missed += mmio_read32(r->regs + MPC) & 0xffffff;
	mmio_write32(r->regs + MPC, 0);
	add->rx_missed_errors += r->missed;
	spin_unlock(&r->lock);
}

/* ---- up and down ---- */

static int reset(struct rtl *r)
{
	mmio_write16(r->regs + IMR, 0);
	mmio_write8(r->regs + CONFIG1, 0); /* out of low power */
	mmio_write8(r->regs + CR, CR_RST);
	for (unsigned i = 0; i < RESET_TRIES; i++) {
		if (!(mmio_read8(r->regs + CR) & CR_RST))
			return 0;
		sleep_uninterruptible_ns(100 * NSEC_PER_USEC);
	}
	return -EIO;
}

static int rtl_open(struct netdev *d)
{
	struct rtl *r = rtl_of(d);
	int err = reset(r);

	if (err)
		return err;
	write_mac(r, d->addr);
	r->tx_next = r->tx_done = 0;
	r->tx_watch = (struct netdev_tx_watch){0};
	mmio_write8(r->regs + CR, CR_TE | CR_RE);
	mmio_write32(r->regs + TCR, TCR_IFG | TCR_MXDMA);
	for (unsigned i = 0; i < TX_BUFFERS; i++)
		mmio_write32(r->regs + TSAD0 + i * 4, (uint32_t)r->tx_pa + i * TX_BYTES);
	start_receiver(r);
	net_poll_enable(&r->poll);
	link_work(&r->link);
	mmio_write16(r->regs + IMR, INT_ALL);
	return 0;
}

static void rtl_stop(struct netdev *d)
{
	struct rtl *r = rtl_of(d);

	mmio_write16(r->regs + IMR, 0);
	net_poll_disable(&r->poll);
	mmio_write8(r->regs + CR, 0);
}

static const struct netdev_ops rtl_ops = {
	.open = rtl_open,
	.stop = rtl_stop,
	.xmit = rtl_xmit,
	.set_mac = rtl_set_mac,
	.set_rx_mode = rtl_set_rx_mode,
	.stats = rtl_stats,
	.tx_hangs = rtl_tx_hangs,
};

/* ---- probing ---- */

static void read_mac(struct rtl *r)
{
	uint32_t low = mmio_read32(r->regs + IDR0), high = mmio_read32(r->regs + IDR0 + 4);
	uint8_t *mac = r->nd->addr;

	memcpy(mac, &low, 4);
	memcpy(mac + 4, &high, 2);
	netdev_ensure_mac(r->nd);
}

static int start(struct rtl *r, struct pci_dev *pci)
{
	int err;

	r->rx = dma_alloc_low(RX_BYTES, &r->rx_pa);
	r->tx = dma_alloc_low(TX_BUFFERS * TX_BYTES, &r->tx_pa);
	if (!r->rx || !r->tx)
		return -ENOMEM;
	err = reset(r);
	if (err)
		return err;
	read_mac(r);
	return pci_request_irq(pci, rtl_irq, r, "rtl8139");
}

static int rtl_probe(struct pci_dev *pci)
{
	struct netdev *d = netdev_create("eth%d", sizeof(struct rtl), 1);
	struct rtl *r;
	int err;

	if (!d)
		return -ENOMEM;
	r = d->priv;
	r->nd = d;
	d->ops = &rtl_ops;
	d->driver = "rtl8139";
	d->features = d->hw_features = NETIF_SG | NETIF_GRO;
	spin_init(&r->lock);
	net_poll_init(&r->poll, 0, rtl_poll);
	net_poll_disable(&r->poll);
	work_init(&r->link, link_work);
	pci_enable(pci, true);
	r->regs = pci->bar[1].size >= REG_BYTES ? pci_map_bar(pci, 1) : NULL;
	err = r->regs ? start(r, pci) : -ENODEV;
	if (err < 0) {
		dma_free(r->rx, RX_BYTES);
		dma_free(r->tx, TX_BUFFERS * TX_BYTES);
		netdev_put(d);
		return err;
	}
	d->carrier = !(mmio_read8(r->regs + MSR) & MSR_LINK_DOWN);
	pci->driver_data = r;
	net_config_lock();
	err = netdev_register(&net_initial, d); /* an interrupt points to the record: it stays */
	net_config_unlock();
	return err;
}

static void rtl_remove(struct pci_dev *pci)
{
	struct rtl *r = pci->driver_data;

	net_config_lock();
	netdev_hold(r->nd); /* an interrupt points to it */
	netdev_unregister(r->nd);
	net_config_unlock();
}

static const struct pci_match rtl_pci[] = {
	{.vendor = 0x10ec, .device = 0x8139},
	{.vendor = 0x1186, .device = 0x1300}, /* D-Link DFE-538TX */
	{0},
};
static const struct driver rtl_driver = {
	.name = "rtl8139", .pci = rtl_pci, .probe = rtl_probe, .remove = rtl_remove};
DRIVER(rtl_driver);
