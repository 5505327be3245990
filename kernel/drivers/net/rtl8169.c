/*
 * rtl8169.c - Realtek RTL8169 (PCI) and RTL8168/8111 (PCI Express): gigabit Ethernet.
 *
 * Written to the data sheets (RTL8169S 1.7, RTL8168C 1.1) and NOT YET RUN on a card: QEMU has no
 * model of one. It uses only what both chips share: one ring of 16-byte descriptors each way,
 * frames in one buffer, the receive checksum flags. Does not: transmit offloads (their bits differ
 * between the chips), jumbo frames, firmware patches for the PHYs of later revisions, wake on LAN.
 *
 * The device answers are checked as in intel.c: a length beyond the buffer, a frame in pieces or
 * with an error flag is counted and its buffer used again. Locks: the transmit queue's guards the
 * transmit ring, the receive ring is the poll's, ->lock RCR.
 */
#include <arch/io.h>
#include <error.h>
#include <log.h>
#include <netdev.h>
#include <pci.h>
#include <sched.h>
#include <string.h>
#include <time.h>

enum reg {
	IDR0 = 0x00,
	MAR0 = 0x08,
	TNPDS = 0x20, /* transmit ring */
	CR = 0x37,
	TPPOLL = 0x38,
	IMR = 0x3c,
	ISR = 0x3e,
	TCR = 0x40,
	RCR = 0x44,
	MPC = 0x4c,
	CR9346 = 0x50,
	PHYAR = 0x60,
	PHYSTATUS = 0x6c,
	RMS = 0xda, /* longest frame received */
	CPCR = 0xe0,
	RDSAR = 0xe4, /* receive ring */
	MTPS = 0xec,
	REG_BYTES = 0x100
};
enum {
	CR_TE = 4,
	CR_RE = 8,
	CR_RST = 0x10,
	TPPOLL_NORMAL = 0x40,
	CR9346_UNLOCK = 0xc0,
	PHYSTATUS_LINK = 2,
	CPCR_MULRW = 1 << 3,
	CPCR_DAC = 1 << 4,
	CPCR_RX_CSUM = 1 << 5,
	CPCR_RX_VLAN = 1 << 6
};
enum {
	INT_ROK = 1,
	INT_RER = 2,
	INT_TOK = 4,
	INT_TER = 8,
	INT_RDU = 0x10,
	INT_LINK = 0x20,
	INT_FIFO_OVERFLOW = 0x40,
	INT_ALL = 0x7f
};
enum {
	RCR_ALL = 1,
	RCR_MINE = 2,
	RCR_MULTICAST = 4,
	RCR_BROADCAST = 8,
	RCR_MXDMA = 7 << 8,
	RCR_NO_THRESHOLD = 7 << 13,
	TCR_MXDMA = 7 << 8,
	TCR_IFG = 3 << 24
};
#define D_OWN      (1u << 31) /* the device's */
#define D_LAST     (1u << 30) /* of the ring */
#define D_FIRST    (1u << 29) /* of a frame */
#define D_END      (1u << 28)
#define RX_ERRORS  (1u << 22 | 1u << 21 | 1u << 20 | 1u << 19) /* too long, error, runt, CRC */
#define RX_PROTO   (3u << 17)                                  /* 1: TCP, 2: UDP, over IPv4 */
#define RX_BAD_SUM (1u << 16 | 1u << 15 | 1u << 14)
#define RX_LEN     0x3fffu
#define RX_TAG     (1u << 16) /* of the second word */
#define TX_TAG     (1u << 17)

#define RING        256u
#define RING_MASK   (RING - 1)
#define BUF         1536u
#define REFILL      32u
#define PIECE_MAX   0xfff0u
#define RETRY_NS    (10 * NSEC_PER_MSEC)
#define RESET_TRIES 1000u
#define PHY_BMCR    0
#define BMCR_AUTO   0x1200u /* negotiate, anew */

struct desc {
	__le32 cmd, vlan;
	__le64 addr;
};
static_assert(sizeof(struct desc) == 16, "RTL8169S, 7");

struct rx_buf {
	struct page *page;
	uint32_t off;
};
struct rtl {
	volatile uint8_t *regs; /* [c] */
	struct netdev *nd;      /* [c] */
	bool is_pci;            /* [c] not PCI Express: 64-bit addresses are asked for */
	struct net_poll poll;
	struct net_timer fill;
	struct desc *rx, *tx;
	paddr_t rx_pa, tx_pa;
	struct rx_buf buf[RING];         /* [poll] page NULL: the descriptor has no buffer */
	uint32_t rx_next, rx_free;       /* [poll] */
	struct pkt *sent[RING];          /* [txq lock] by the frame's last descriptor */
	uint16_t tx_len[RING];           /* [txq lock] descriptors of the frame that begins there */
	uint32_t tx_next, tx_done;       /* [txq lock] free-running */
	struct netdev_tx_watch tx_watch; /* [txq lock] */
	struct spinlock lock;
	uint64_t missed; /* [lock] */
	struct work link;
};

static struct rtl *rtl_of(struct netdev *d)
{
	return d->priv;
}

static uint32_t last_of_ring(uint32_t i)
{
	return i == RING_MASK ? D_LAST : 0;
}

/* ---- receiving ---- */

static void post(struct rtl *r, uint32_t i, struct rx_buf b)
{
	struct desc *d = &r->rx[i];

	r->buf[i] = b;
	d->addr = to_le64(page_to_phys(b.page) + b.off);
	d->vlan = to_le32(0);
	smp_wmb();
	WRITE_ONCE(d->cmd, to_le32(D_OWN | last_of_ring(i) | BUF));
}

static bool refill(struct rtl *r)
{
	uint32_t i = (r->rx_next - r->rx_free) & RING_MASK;

	if (r->rx_free < REFILL)
		return true;
	for (; r->rx_free; r->rx_free--, i = (i + 1) & RING_MASK) {
		struct rx_buf b;

		b.page = pkt_room_take(BUF, &b.off);
		if (!b.page)
			break;
		post(r, i, b);
	}
	return r->rx_free < RING;
}

static void fill_later(struct net_timer *t)
{
	struct rtl *r = container_of(t, struct rtl, fill);

	net_poll_schedule(&r->poll);
}

/* The frame of descriptor @i, whose words are copies. Consumes the buffer. */
static void rx_one(struct rtl *r, struct rx_buf b, uint32_t cmd, uint32_t vlan)
{
	uint32_t len = cmd & RX_LEN, proto = cmd & RX_PROTO;
	struct pkt *p;

	if ((cmd & (D_FIRST | D_END)) != (D_FIRST | D_END) || cmd & RX_ERRORS || len > BUF ||
		len < ETH_HLEN + 4) {
		r->nd->pcpu[cpu_id()].rx_errors++;
		page_put(b.page);
		return;
	}
	p = netdev_rx_page(r->nd, b.page, b.off, len - 4); /* without the CRC */
	if (!p)
		return;
	p->truesize += p->nr_frags ? BUF - len : 0;
	if (proto && proto != RX_PROTO && !(cmd & RX_BAD_SUM))
		p->csum = CSUM_VERIFIED;
	if (vlan & RX_TAG) {
		p->has_vlan = true;
		p->vlan_tci = __builtin_bswap16((uint16_t)vlan);
	}
	netdev_rx(p);
}

static unsigned receive(struct rtl *r, unsigned budget)
{
	unsigned n;

	for (n = 0; n < budget; n++) {
		uint32_t i = r->rx_next, cmd = le32(READ_ONCE(r->rx[i].cmd)), vlan;
		struct rx_buf b = r->buf[i];

		if (!b.page || cmd & D_OWN)
			break;
		smp_rmb();
		vlan = le32(r->rx[i].vlan);
		r->buf[i].page = NULL;
		r->rx_next = (i + 1) & RING_MASK;
		r->rx_free++;
		rx_one(r, b, cmd, vlan);
	}
	return n;
}

/* ---- sending ---- */

/* txq lock held. */
static void reclaim(struct rtl *r)
{
	while (r->tx_done != r->tx_next) {
		uint32_t first = r->tx_done & RING_MASK, n = r->tx_len[first];
		uint32_t last = (first + n - 1) & RING_MASK;

		if (le32(READ_ONCE(r->tx[last].cmd)) & D_OWN)
			return;
		pkt_free(r->sent[last]);
		r->sent[last] = NULL;
		r->tx_done += n;
	}
}

static void put_piece(struct rtl *r, paddr_t pa, uint32_t len, uint32_t flags, uint32_t vlan)
{
	uint32_t i = r->tx_next++ & RING_MASK;

	r->tx[i].addr = to_le64(pa);
	r->tx[i].vlan = to_le32(vlan);
	WRITE_ONCE(r->tx[i].cmd, to_le32(flags | last_of_ring(i) | len));
}

static int rtl_xmit(struct netdev *d, unsigned queue, struct pkt *p)
{
	struct rtl *r = rtl_of(d);
	uint32_t need = p->nr_frags + 1u, first = r->tx_next & RING_MASK, last,
		 vlan = p->has_vlan ? TX_TAG | __builtin_bswap16(p->vlan_tci) : 0;

	(void)queue;
	reclaim(r);
	if (!p->lin_len || p->len > PIECE_MAX)
		return -EMSGSIZE;
	if (r->tx_next - r->tx_done + need > RING)
		return -EBUSY; /* sent frames interrupt */
	/* The first descriptor is given away last, when the others are there. */
	put_piece(r, virt_to_phys(pkt_data(p)), p->lin_len, D_FIRST, vlan);
	for (unsigned i = 0; i < p->nr_frags; i++)
		put_piece(r, page_to_phys(p->frag[i].page) + p->frag[i].off, p->frag[i].len, D_OWN,
			vlan);
	last = (r->tx_next - 1) & RING_MASK;
	r->tx[last].cmd = to_le32(le32(r->tx[last].cmd) | D_END);
	smp_wmb();
	WRITE_ONCE(r->tx[first].cmd, to_le32(le32(r->tx[first].cmd) | D_OWN));
	r->sent[last] = p;
	r->tx_len[first] = (uint16_t)need;
	return 0;
}

static void rtl_xmit_done(struct netdev *d, unsigned queue)
{
	(void)queue;
	smp_wmb();
	mmio_write8(rtl_of(d)->regs + TPPOLL, TPPOLL_NORMAL);
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
	mmio_write16(r->regs + ISR, isr);
	if (isr & INT_LINK)
		work_queue(&r->link);
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

	spin_lock(&q->lock);
	reclaim(r);
	wake = q->stopped && r->tx_next - r->tx_done <= RING * 3 / 4;
	spin_unlock(&q->lock);
	if (wake)
		netdev_tx_wake(r->nd, 0);
	n = receive(r, budget);
	if (!refill(r))
		(void)net_timer_arm(&r->fill, clock_ns() + RETRY_NS);
	if (n < budget)
		mmio_write16(r->regs + IMR, INT_ALL);
	return n;
}

static void link_work(struct work *w)
{
	struct rtl *r = container_of(w, struct rtl, link);

	netdev_set_carrier(r->nd, mmio_read8(r->regs + PHYSTATUS) & PHYSTATUS_LINK);
}

/* ---- filters and counters ---- */

static uint32_t rx_mode(const struct netdev *d)
{
	uint32_t rcr = RCR_MINE | RCR_MULTICAST | RCR_BROADCAST | RCR_MXDMA | RCR_NO_THRESHOLD;

	return d->flags & IFF_PROMISC ? rcr | RCR_ALL : rcr;
}

static void rtl_set_rx_mode(struct netdev *d)
{
	struct rtl *r = rtl_of(d);

	/* The hash's byte order differs between the chips: let all groups in when one is wanted. */
	uint32_t mar = d->flags & (IFF_ALLMULTI | IFF_PROMISC) || !list_empty(&d->mcast) ? ~0u : 0;

	spin_lock(&r->lock);
	mmio_write32(r->regs + RCR, rx_mode(d));
	mmio_write32(r->regs + MAR0, mar);
	mmio_write32(r->regs + MAR0 + 4, mar);
	spin_unlock(&r->lock);
}

static void write_mac(struct rtl *r, const uint8_t *mac)
{
	uint32_t low, high = 0;

	memcpy(&low, mac, 4);
	memcpy(&high, mac + 4, 2);
	mmio_write8(r->regs + CR9346, CR9346_UNLOCK);
	mmio_write32(r->regs + IDR0 + 4, high);
	mmio_write32(r->regs + IDR0, low);
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
	mmio_write8(r->regs + CR, CR_RST);
	for (unsigned i = 0; i < RESET_TRIES; i++) {
		if (!(mmio_read8(r->regs + CR) & CR_RST))
			return 0;
		sleep_uninterruptible_ns(100 * NSEC_PER_USEC);
	}
	return -EIO;
}

static void phy_write(struct rtl *r, unsigned reg, uint16_t v)
{
	mmio_write32(r->regs + PHYAR, 1u << 31 | reg << 16 | v);
	for (unsigned i = 0; i < 20 && mmio_read32(r->regs + PHYAR) >> 31; i++)
		sleep_uninterruptible_ns(100 * NSEC_PER_USEC);
}

static void free_rings(struct rtl *r)
{
	for (unsigned i = 0; i < RING; i++) {
		if (r->buf[i].page)
			page_put(r->buf[i].page);
		if (r->sent[i])
			pkt_free(r->sent[i]);
	}
	memset(r->buf, 0, sizeof(r->buf));
	memset(r->sent, 0, sizeof(r->sent));
	dma_free(r->rx, sizeof(*r->rx) * RING);
	dma_free(r->tx, sizeof(*r->tx) * RING);
	r->rx = r->tx = NULL;
}

static void write_address(struct rtl *r, unsigned reg, paddr_t pa)
{
	mmio_write32(r->regs + reg + 4, (uint32_t)(pa >> 32));
	mmio_write32(r->regs + reg, (uint32_t)pa);
}

/* In the order of the data sheet, 6.4: C+CR before all else. */
static void start_device(struct rtl *r)
{
	mmio_write8(r->regs + CR9346, CR9346_UNLOCK);
	mmio_write16(r->regs + CPCR,
		CPCR_RX_CSUM | CPCR_RX_VLAN | (r->is_pci ? CPCR_MULRW | CPCR_DAC : 0));
	mmio_write16(r->regs + RMS, BUF);
	mmio_write8(r->regs + MTPS, 0x3b);
	write_address(r, TNPDS, r->tx_pa);
	write_address(r, RDSAR, r->rx_pa);
	mmio_write8(r->regs + CR, CR_TE | CR_RE);
	mmio_write32(r->regs + TCR, TCR_IFG | TCR_MXDMA);
	mmio_write32(r->regs + RCR, rx_mode(r->nd));
	mmio_write8(r->regs + CR9346, 0);
	write_mac(r, r->nd->addr);
}

static int rtl_open(struct netdev *d)
{
	struct rtl *r = rtl_of(d);
	int err = reset(r);

	if (err)
		return err;
	r->rx = dma_alloc(sizeof(*r->rx) * RING, &r->rx_pa);
	r->tx = dma_alloc(sizeof(*r->tx) * RING, &r->tx_pa);
	r->rx_next = r->tx_next = r->tx_done = 0;
	r->tx_watch = (struct netdev_tx_watch){0};
	r->rx_free = RING;
	if (!r->rx || !r->tx || !refill(r)) {
		free_rings(r);
		return -ENOMEM;
	}
	r->tx[RING_MASK].cmd = to_le32(D_LAST);
	start_device(r);
	phy_write(r, PHY_BMCR, BMCR_AUTO);
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
	(void)net_timer_cancel(&r->fill);
	if (reset(r)) /* also ends DMA */
		log_err("%s: does not come out of reset", d->name);
	free_rings(r);
}

static const struct netdev_ops rtl_ops = {
	.open = rtl_open,
	.stop = rtl_stop,
	.xmit = rtl_xmit,
	.xmit_done = rtl_xmit_done,
	.set_mac = rtl_set_mac,
	.set_rx_mode = rtl_set_rx_mode,
	.stats = rtl_stats,
	.tx_hangs = rtl_tx_hangs,
};

/* ---- probing ---- */

static void read_mac(struct rtl *r)
{
	uint32_t low = mmio_read32(r->regs + IDR0), high = mmio_read32(r->regs + IDR0 + 4);

	memcpy(r->nd->addr, &low, 4);
	memcpy(r->nd->addr + 4, &high, 2);
	netdev_ensure_mac(r->nd);
}

/* The registers are the first base address in memory: the second of the 8169, the third of the
 * 8168. */
static volatile uint8_t *map_registers(struct pci_dev *pci)
{
	for (unsigned i = 0; i < 6; i++)
		if (!pci->bar[i].io && pci->bar[i].size >= REG_BYTES)
			return pci_map_bar(pci, i);
	return NULL;
}

static int start(struct rtl *r, struct pci_dev *pci)
{
	int err;

	pci_enable(pci, true);
	r->regs = map_registers(pci);
	if (!r->regs)
		return -ENODEV;
	err = reset(r);
	if (err)
		return err;
	read_mac(r);
	return pci_request_irq(pci, rtl_irq, r, "rtl8169");
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
	r->is_pci = pci->device == 0x8169 || pci->device == 0x8167;
	d->ops = &rtl_ops;
	d->driver = "rtl8169";
	d->features = d->hw_features = NETIF_SG | NETIF_RX_CSUM | NETIF_VLAN_TX | NETIF_GRO;
	d->carrier = false;
	spin_init(&r->lock);
	net_poll_init(&r->poll, 0, rtl_poll);
	net_poll_disable(&r->poll);
	net_timer_init(&r->fill, fill_later);
	work_init(&r->link, link_work);
	err = start(r, pci);
	if (err < 0) {
		netdev_put(d);
		return err;
	}
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
	{.vendor = 0x10ec, .device = 0x8169},
	{.vendor = 0x10ec, .device = 0x8167},
	{.vendor = 0x10ec, .device = 0x8168},
	{.vendor = 0x10ec, .device = 0x8161},
	{0},
};
static const struct driver rtl8169_driver = {
	.name = "rtl8169", .pci = rtl_pci, .probe = rtl_probe, .remove = rtl_remove};
DRIVER(rtl8169_driver);
