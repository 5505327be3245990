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
#include "realtek.h"

#include <error.h>
#include <log.h>
#include <sched.h>
#include <string.h>
#include <time.h>

enum rtl8169_reg {
	TNPDS = 0x20, /* transmit ring */
	TPPOLL = 0x38,
	PHYAR = 0x60,
	PHYSTATUS = 0x6c,
	RMS = 0xda, /* longest frame received */
	CPCR = 0xe0,
	RDSAR = 0xe4, /* receive ring */
	MTPS = 0xec
};
enum {
	TPPOLL_NORMAL = 0x40,
	PHYSTATUS_LINK = 2,
	CPCR_MULRW = 1 << 3,
	CPCR_DAC = 1 << 4,
	CPCR_RX_CSUM = 1 << 5,
	CPCR_RX_VLAN = 1 << 6
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

#define RING      256u
#define RING_MASK (RING - 1)
#define BUF       1536u
#define REFILL    32u
#define PIECE_MAX 0xfff0u
#define RETRY_NS  (10 * NSEC_PER_MSEC)
#define PHY_BMCR  0
#define BMCR_AUTO 0x1200u /* negotiate, anew */

struct desc {
	__le32 cmd, vlan;
	__le64 addr;
};
static_assert(sizeof(struct desc) == 16, "RTL8169S, 7");

struct rx_buf {
	struct page *page;
	uint32_t off;
};
struct rtl8169 {
	struct realtek r;
	bool is_pci; /* [c] not PCI Express: 64-bit addresses are asked for */
	struct net_timer fill;
	struct desc *rx, *tx;
	paddr_t rx_pa, tx_pa;
	struct rx_buf buf[RING];   /* [poll] page NULL: the descriptor has no buffer */
	uint32_t rx_next, rx_free; /* [poll] */
	struct pkt *sent[RING];    /* [txq lock] by the frame's last descriptor */
	uint16_t tx_len[RING];     /* [txq lock] descriptors of the frame that begins there */
};

static struct rtl8169 *card_of(struct realtek *r)
{
	return container_of(r, struct rtl8169, r);
}

static uint32_t last_of_ring(uint32_t i)
{
	return i == RING_MASK ? D_LAST : 0;
}

/* ---- receiving ---- */

static void post(struct rtl8169 *c, uint32_t i, struct rx_buf b)
{
	struct desc *d = &c->rx[i];

	c->buf[i] = b;
	d->addr = to_le64(page_to_phys(b.page) + b.off);
	d->vlan = to_le32(0);
	smp_wmb();
	WRITE_ONCE(d->cmd, to_le32(D_OWN | last_of_ring(i) | BUF));
}

static bool refill(struct rtl8169 *c)
{
	uint32_t i = (c->rx_next - c->rx_free) & RING_MASK;

	if (c->rx_free < REFILL)
		return true;
	for (; c->rx_free; c->rx_free--, i = (i + 1) & RING_MASK) {
		struct rx_buf b;

		b.page = pkt_room_take(BUF, &b.off);
		if (!b.page)
			break;
		post(c, i, b);
	}
	return c->rx_free < RING;
}

static void fill_later(struct net_timer *t)
{
	struct rtl8169 *c = container_of(t, struct rtl8169, fill);

	net_poll_schedule(&c->r.poll);
}

/* The frame of descriptor @i, whose words are copies. Consumes the buffer. */
static void rx_one(struct realtek *r, struct rx_buf b, uint32_t cmd, uint32_t vlan)
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

static unsigned receive(struct realtek *r, unsigned budget)
{
	struct rtl8169 *c = card_of(r);
	unsigned n;

	for (n = 0; n < budget; n++) {
		uint32_t i = c->rx_next, cmd = le32(READ_ONCE(c->rx[i].cmd)), vlan;
		struct rx_buf b = c->buf[i];

		if (!b.page || cmd & D_OWN)
			break;
		smp_rmb();
		vlan = le32(c->rx[i].vlan);
		c->buf[i].page = NULL;
		c->rx_next = (i + 1) & RING_MASK;
		c->rx_free++;
		rx_one(r, b, cmd, vlan);
	}
	if (!refill(c))
		(void)net_timer_arm(&c->fill, clock_ns() + RETRY_NS);
	return n;
}

/* ---- sending ---- */

/* txq lock held. */
static void reclaim(struct realtek *r)
{
	struct rtl8169 *c = card_of(r);

	while (r->tx_done != r->tx_next) {
		uint32_t first = r->tx_done & RING_MASK, n = c->tx_len[first];
		uint32_t last = (first + n - 1) & RING_MASK;

		if (le32(READ_ONCE(c->tx[last].cmd)) & D_OWN)
			return;
		pkt_free(c->sent[last]);
		c->sent[last] = NULL;
		r->tx_done += n;
	}
}

static void put_piece(struct rtl8169 *c, paddr_t pa, uint32_t len, uint32_t flags, uint32_t vlan)
{
	uint32_t i = c->r.tx_next++ & RING_MASK;

	c->tx[i].addr = to_le64(pa);
	c->tx[i].vlan = to_le32(vlan);
	WRITE_ONCE(c->tx[i].cmd, to_le32(flags | last_of_ring(i) | len));
}

static int rtl_xmit(struct netdev *d, unsigned queue, struct pkt *p)
{
	struct realtek *r = realtek_of(d);
	struct rtl8169 *c = card_of(r);
	uint32_t need = p->nr_frags + 1u, first = r->tx_next & RING_MASK, last,
		 vlan = p->has_vlan ? TX_TAG | __builtin_bswap16(p->vlan_tci) : 0;

	(void)queue;
	reclaim(r);
	if (!p->lin_len || p->len > PIECE_MAX)
		return -EMSGSIZE;
	if (r->tx_next - r->tx_done + need > RING)
		return -EBUSY; /* sent frames interrupt */
	/* The first descriptor is given away last, when the others are there. */
	put_piece(c, virt_to_phys(pkt_data(p)), p->lin_len, D_FIRST, vlan);
	for (unsigned i = 0; i < p->nr_frags; i++)
		put_piece(c, page_to_phys(p->frag[i].page) + p->frag[i].off, p->frag[i].len, D_OWN,
			vlan);
	last = (r->tx_next - 1) & RING_MASK;
	c->tx[last].cmd = to_le32(le32(c->tx[last].cmd) | D_END);
	smp_wmb();
	WRITE_ONCE(c->tx[first].cmd, to_le32(le32(c->tx[first].cmd) | D_OWN));
	c->sent[last] = p;
	c->tx_len[first] = (uint16_t)need;
	return 0;
}

static void rtl_xmit_done(struct netdev *d, unsigned queue)
{
	(void)queue;
	smp_wmb();
	mmio_write8(realtek_of(d)->regs + TPPOLL, TPPOLL_NORMAL);
}

static bool link_is_up(const struct realtek *r)
{
	return mmio_read8(r->regs + PHYSTATUS) & PHYSTATUS_LINK;
}

/* ---- filters ---- */

static void rtl_set_rx_mode(struct netdev *d)
{
	struct realtek *r = realtek_of(d);

	/* The hash's byte order differs between the chips: let all groups in when one is wanted. */
	uint32_t mar = d->flags & (IFF_ALLMULTI | IFF_PROMISC) || !list_empty(&d->mcast) ? ~0u : 0;

	spin_lock(&r->lock);
	mmio_write32(r->regs + RCR, realtek_rx_mode(d));
	mmio_write32(r->regs + MAR0, mar);
	mmio_write32(r->regs + MAR0 + 4, mar);
	spin_unlock(&r->lock);
}

/* ---- up and down ---- */

static void phy_write(struct realtek *r, unsigned reg, uint16_t v)
{
	mmio_write32(r->regs + PHYAR, 1u << 31 | reg << 16 | v);
	for (unsigned i = 0; i < 20 && mmio_read32(r->regs + PHYAR) >> 31; i++)
		sleep_uninterruptible_ns(100 * NSEC_PER_USEC);
}

static void free_rings(struct rtl8169 *c)
{
	for (unsigned i = 0; i < RING; i++) {
		if (c->buf[i].page)
			page_put(c->buf[i].page);
		if (c->sent[i])
			pkt_free(c->sent[i]);
	}
	memset(c->buf, 0, sizeof(c->buf));
	memset(c->sent, 0, sizeof(c->sent));
	dma_free(c->rx, sizeof(*c->rx) * RING);
	dma_free(c->tx, sizeof(*c->tx) * RING);
	c->rx = c->tx = NULL;
}

static void write_address(struct realtek *r, unsigned reg, paddr_t pa)
{
	mmio_write32(r->regs + reg + 4, (uint32_t)(pa >> 32));
	mmio_write32(r->regs + reg, (uint32_t)pa);
}

/* In the order of the data sheet, 6.4: C+CR before all else. */
static void start_device(struct rtl8169 *c)
{
	struct realtek *r = &c->r;

	mmio_write8(r->regs + CR9346, CR9346_UNLOCK);
	mmio_write16(r->regs + CPCR,
		CPCR_RX_CSUM | CPCR_RX_VLAN | (c->is_pci ? CPCR_MULRW | CPCR_DAC : 0));
	mmio_write16(r->regs + RMS, BUF);
	mmio_write8(r->regs + MTPS, 0x3b);
	write_address(r, TNPDS, c->tx_pa);
	write_address(r, RDSAR, c->rx_pa);
	mmio_write8(r->regs + CR, CR_TE | CR_RE);
	mmio_write32(r->regs + TCR, TCR_IFG | TCR_MXDMA);
	mmio_write32(r->regs + RCR, realtek_rx_mode(r->nd));
	mmio_write8(r->regs + CR9346, 0);
	phy_write(r, PHY_BMCR, BMCR_AUTO);
}

static int rtl_open(struct netdev *d)
{
	struct realtek *r = realtek_of(d);
	struct rtl8169 *c = card_of(r);
	int err = realtek_reset(r);

	if (err)
		return err;
	c->rx = dma_alloc(sizeof(*c->rx) * RING, &c->rx_pa);
	c->tx = dma_alloc(sizeof(*c->tx) * RING, &c->tx_pa);
	c->rx_next = r->tx_next = r->tx_done = 0;
	r->tx_watch = (struct netdev_tx_watch){0};
	c->rx_free = RING;
	if (!c->rx || !c->tx || !refill(c)) {
		free_rings(c);
		return -ENOMEM;
	}
	c->tx[RING_MASK].cmd = to_le32(D_LAST);
	start_device(c);
	realtek_start(r);
	return 0;
}

static void rtl_stop(struct netdev *d)
{
	struct rtl8169 *c = card_of(realtek_of(d));

	realtek_stop(&c->r);
	(void)net_timer_cancel(&c->fill);
	if (realtek_reset(&c->r)) /* also ends DMA */
		log_err("%s: does not come out of reset", d->name);
	free_rings(c);
}

static const struct netdev_ops rtl_ops = {
	.open = rtl_open,
	.stop = rtl_stop,
	.xmit = rtl_xmit,
	.xmit_done = rtl_xmit_done,
	.set_mac = realtek_set_mac,
	.set_rx_mode = rtl_set_rx_mode,
	.stats = realtek_stats,
	.tx_hangs = realtek_tx_hangs,
};
static const struct realtek_ops card_ops = {
	.reclaim = reclaim, .receive = receive, .link_is_up = link_is_up};

/* ---- probing ---- */

/* The registers are the first base address in memory: the second of the 8169, the third of the
 * 8168. */
static volatile uint8_t *map_registers(struct pci_dev *pci)
{
	for (unsigned i = 0; i < 6; i++)
		if (!pci->bar[i].io && pci->bar[i].size >= REG_BYTES)
			return pci_map_bar(pci, i);
	return NULL;
}

static int rtl_probe(struct pci_dev *pci)
{
	struct realtek *r = realtek_create(
		"rtl8169", sizeof(struct rtl8169), &card_ops, RING * 3 / 4);
	int err;

	if (!r)
		return -ENOMEM;
	card_of(r)->is_pci = pci->device == 0x8169 || pci->device == 0x8167;
	net_timer_init(&card_of(r)->fill, fill_later);
	r->nd->ops = &rtl_ops;
	r->nd->features = r->nd->hw_features = NETIF_SG | NETIF_RX_CSUM | NETIF_VLAN_TX | NETIF_GRO;
	pci_enable(pci, true);
	r->regs = map_registers(pci);
	err = r->regs ? realtek_attach(r, pci) : -ENODEV;
	if (err < 0) {
		netdev_put(r->nd);
		return err;
	}
	return realtek_register(r, pci);
}

static const struct pci_match rtl_pci[] = {
	{.vendor = 0x10ec, .device = 0x8169},
	{.vendor = 0x10ec, .device = 0x8167},
	{.vendor = 0x10ec, .device = 0x8168},
	{.vendor = 0x10ec, .device = 0x8161},
	{0},
};
static const struct driver rtl8169_driver = {
	.name = "rtl8169", .pci = rtl_pci, .probe = rtl_probe, .remove = realtek_remove};
DRIVER(rtl8169_driver);
