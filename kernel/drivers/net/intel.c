/*
 * intel.c - the part of Intel's gigabit cards that does not depend on how they are attached: rings,
 * filters, counters, link. Glue: e1000.c, e1000e.c. Registers: intel.h.
 *
 * One receive and one transmit ring of legacy and extended descriptors. Receive buffers are 2 KiB
 * pieces of larger blocks; a frame may take several (jumbo frames). Short frames are copied and
 * their buffer used again. Sent frames are taken back by the next send and by the poll; the device
 * is asked for an interrupt about them only when more than half of the ring is in use.
 *
 * The interrupt masks the queue's causes and schedules the poll, which unmasks them when it is
 * done: a cause that came meanwhile is still pending in ICR and interrupts then.
 *
 * What the device writes into descriptors is input: a length beyond the buffer, or a frame longer
 * than can be, is counted as an error and dropped; a transmitter that does not move is started anew
 * by netdev's watchdog.
 *
 * Locks: the transmit queue's (netdev's) guards the transmit ring, the poll owns the receive ring,
 * ->lock the counters and RCTL. Does not:
 * several queues (82574 has two), flow control settings, wake on LAN, PHY management (it negotiates
 * by itself).
 */
#include "intel.h"

#include <csum.h>
#include <error.h>
#include <log.h>
#include <pci.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#define RETRY_NS  (10 * NSEC_PER_MSEC)
#define RING_MASK (INTEL_RING - 1u)

static struct intel *intel_of(struct netdev *d)
{
	return d->priv;
}
static uint32_t tx_in_use(const struct intel *c)
{
	return c->tx_next - c->tx_done;
}

/* ---- receiving ---- */

static void post(struct intel *c, uint32_t i, struct intel_rx_buf b)
{
	struct intel_rx_desc *d = &c->rx[i];

	c->buf[i] = b;
	d->addr = to_le64(page_to_phys(b.page) + b.off);
	d->len = to_le16(0);
	d->status = d->errors = 0;
}

static bool take_buffer(struct intel *c, struct intel_rx_buf *b)
{
	if (c->nr_spare) {
		*b = c->spare[--c->nr_spare];
		return true;
	}
	b->page = pkt_room_take(INTEL_BUF, &b->off);
	return b->page;
}

/* Buffers for the descriptors that have none; the last one stays with us, as an equal head and tail
 * mean an empty ring. False: there was no memory and the device has none left. */
static bool refill(struct intel *c)
{
	uint32_t i = (c->rx_next - c->rx_free) & RING_MASK;
	bool any = false;

	if (c->rx_free < INTEL_REFILL)
		return true;
	for (; c->rx_free > 1; c->rx_free--, i = (i + 1) & RING_MASK) {
		struct intel_rx_buf b;

		if (!take_buffer(c, &b))
			break;
		post(c, i, b);
		any = true;
	}
	if (any) {
		smp_wmb();
		intel_write(c, REG_RDT, i);
	}
	return c->rx_free < INTEL_RING;
}

static void fill_later(struct net_timer *t)
{
	struct intel *c = container_of(t, struct intel, fill);

	net_poll_schedule(&c->poll);
}

static void set_rx_csum(struct pkt *p, uint8_t status, uint8_t errors)
{
	if (!(status & RXD_IXSM) && status & RXD_TCPCS && !(errors & RXD_ERR_TCPE))
		p->csum = CSUM_VERIFIED;
}

/* The frame in c->rx_pkt is bad from here on. */
static void spoil(struct intel *c)
{
	if (c->rx_pkt)
		pkt_free(c->rx_pkt);
	c->rx_pkt = NULL;
	c->rx_bad = true;
}

/* A short frame in one buffer is copied: false when that is not to be, or no room to keep the
 * buffer. */
static bool rx_short(struct intel *c, struct intel_rx_buf b, uint32_t len)
{
	if (len > NETDEV_RX_COPY || c->rx_bad || c->rx_pkt || c->nr_spare == INTEL_REFILL)
		return false;
	c->rx_pkt = netdev_rx_copy(c->nd, (char *)page_address(b.page) + b.off, len);
	c->rx_bad = !c->rx_pkt;
	c->spare[c->nr_spare++] = b;
	return true;
}

/* One descriptor's part of a frame: consumes the buffer. */
static void rx_part(struct intel *c, struct intel_rx_buf b, uint32_t len)
{
	if (c->rx_bad) {
		page_put(b.page);
	} else if (!c->rx_pkt) {
		c->rx_pkt = netdev_rx_page(c->nd, b.page, b.off, len);
		if (c->rx_pkt)
			c->rx_pkt->truesize += INTEL_BUF - len;
		else
			c->rx_bad = true; /* counted already */
	} else if (len && pkt_add_frag(c->rx_pkt, b.page, b.off, len)) {
		c->rx_pkt->truesize += INTEL_BUF - len;
	} else {
		page_put(b.page);
		c->nd->pcpu[cpu_id()].rx_errors++;
		spoil(c);
	}
}

/* The descriptor that was filled is looked at once, as a copy. True: a frame was complete. */
static bool rx_one(struct intel *c, uint32_t i, const struct intel_rx_desc *d)
{
	struct intel_rx_buf b = c->buf[i];
	uint32_t len = le16(d->len);
	struct pkt *p;

	c->buf[i].page = NULL;
	if (unlikely(!c->rx_bad && (d->errors & RXD_ERR_FRAME || !len || len > INTEL_BUF))) {
		c->nd->pcpu[cpu_id()].rx_errors++;
		spoil(c);
		len = 0;
	}
	if (!(d->status & RXD_EOP) || !rx_short(c, b, len))
		rx_part(c, b, len);
	if (!(d->status & RXD_EOP))
		return false;
	p = c->rx_pkt;
	c->rx_pkt = NULL;
	c->rx_bad = false;
	if (!p)
		return true;
	set_rx_csum(p, d->status, d->errors);
	if (d->status & RXD_VP) {
		p->has_vlan = true;
		p->vlan_tci = le16(d->vlan);
	}
	netdev_rx(p);
	return true;
}

/* @budget frames; a frame of many descriptors that never ends is bounded by the ring. */
static unsigned receive(struct intel *c, unsigned budget)
{
	unsigned frames = 0;

	for (unsigned n = 0; frames < budget && n < INTEL_RING; n++) {
		uint32_t i = c->rx_next;
		struct intel_rx_desc d;

		if (!c->buf[i].page || !(READ_ONCE(c->rx[i].status) & RXD_DD))
			break;
		smp_rmb();
		d = c->rx[i];
		c->rx_next = (i + 1) & RING_MASK;
		c->rx_free++;
		frames += rx_one(c, i, &d);
	}
	return frames;
}

/* ---- sending ---- */

/* txq lock held. */
static void reclaim(struct intel *c)
{
	while (c->tx_done != c->tx_next) {
		uint32_t first = c->tx_done & RING_MASK, n = c->tx_len[first];
		uint32_t last = (first + n - 1) & RING_MASK;

		if (!(READ_ONCE(c->tx[last].status) & TXD_DD))
			return;
		smp_rmb();
		c->noted -= c->sent[last]->note != NULL;
		pkt_free(c->sent[last]);
		c->sent[last] = NULL;
		c->tx_done += n;
	}
}

static uint32_t descs_for(const struct pkt *p)
{
	uint32_t n = 1 + (p->lin_len != 0); /* a context may come first */

	for (unsigned i = 0; i < p->nr_frags; i++)
		n += DIV_ROUND_UP(p->frag[i].len, (uint32_t)INTEL_TX_PIECE);
	return n;
}

static struct intel_tx_desc *tx_desc(struct intel *c)
{
	return &c->tx[c->tx_next++ & RING_MASK];
}

static void put_piece(struct intel *c, paddr_t pa, uint32_t len, uint32_t cmd, uint8_t options)
{
	struct intel_tx_desc *d = tx_desc(c);

	d->addr = to_le64(pa);
	d->cmd = to_le32(cmd | len);
	d->status = 0;
	d->options = options;
	d->special = to_le16(0);
}

/* 8254x manual, 3.3.6: where to sum and, for segmentation, how to cut. */
static void put_context(struct intel *c, unsigned start, unsigned offset, uint32_t cmd,
	unsigned hdr_len, unsigned mss, unsigned ip_at)
{
	struct intel_tx_desc *d = tx_desc(c);
	uint64_t ip = 0, transport = start | (uint64_t)(start + offset) << 8;

	if (cmd & TXC_CTX_IP4) /* its checksum is at 10, the last byte before the transport */
		ip = ip_at | (uint64_t)(ip_at + 10) << 8 | (uint64_t)(start - 1) << 16;
	else if (cmd & TXC_TSE)
		ip = ip_at | (uint64_t)(start - 1) << 16;
	d->addr = to_le64(ip | transport << 32);
	d->cmd = to_le32(cmd | TXC_DEXT);
	d->status = 0;
	d->options = (uint8_t)hdr_len;
	d->special = to_le16(mss);
}

/* The device adds lengths itself: IP's and that of the pseudo-header are taken out (3.5.5). */
static void prepare_tso(struct pkt *p)
{
	uint8_t *ip = p->lin + p->l3;
	__be16 *check = (__be16 *)(p->lin + p->csum_start + p->csum_offset);
	uint32_t len = p->len - (unsigned)(p->l4 - p->off);
	uint32_t sum = csum_add((__force uint16_t)*check, ~(__force uint32_t)to_be32(len));

	*check = (__force __be16)(uint16_t) ~(__force uint16_t)csum_fold(sum);
	if (p->gso == GSO_TCP4) {
		memset(ip + 2, 0, 2);
		memset(ip + 10, 0, 2);
	} else {
		memset(ip + 4, 0, 2);
	}
}

static uint32_t context_for(struct intel *c, struct pkt *p)
{
	unsigned start = p->csum_start - p->off;

	if (p->gso) {
		unsigned hdr = p->l4 - p->off + (p->lin[p->l4 + 12] >> 4) * 4u;
		uint32_t cmd = TXC_TSE | TXC_CTX_TCP | (p->gso == GSO_TCP4 ? TXC_CTX_IP4 : 0);

		prepare_tso(p);
		put_context(c, start, p->csum_offset, cmd | (p->len - hdr), hdr, p->gso_size,
			p->l3 - p->off);
		c->ctx_start = 0; /* another kind than for sums alone */
		return TXC_TSE;
	}
	if (c->ctx_start != start || c->ctx_offset != p->csum_offset) {
		put_context(c, start, p->csum_offset, 0, 0, 0, 0);
		c->ctx_start = (uint16_t)start;
		c->ctx_offset = p->csum_offset;
	}
	return 0;
}

/* All pieces of @p; the last descriptor reports. */
static void put_frame(struct intel *c, struct pkt *p)
{
	uint32_t first = c->tx_next, cmd = TXC_DATA | TXC_DEXT | TXC_IFCS, last;
	uint8_t options = 0;

	if (p->csum == CSUM_PARTIAL) {
		cmd |= context_for(c, p);
		options = TXO_TXSM | (p->gso == GSO_TCP4 ? 1 : 0); /* and the IP header's sum */
	}
	if (p->lin_len)
		put_piece(c, virt_to_phys(pkt_data(p)), p->lin_len, cmd, options);
	for (unsigned i = 0; i < p->nr_frags; i++)
		for (uint32_t at = 0; at < p->frag[i].len; at += INTEL_TX_PIECE)
			put_piece(c, page_to_phys(p->frag[i].page) + p->frag[i].off + at,
				MIN(p->frag[i].len - at, (uint32_t)INTEL_TX_PIECE), cmd, options);
	last = (c->tx_next - 1) & RING_MASK;
	cmd = TXC_EOP | TXC_RS;
	if (p->has_vlan) {
		cmd |= TXC_VLE;
		c->tx[last].special = to_le16(p->vlan_tci);
	}
	c->tx[last].cmd = to_le32(le32(c->tx[last].cmd) | cmd);
	c->sent[last] = p;
	c->tx_len[first & RING_MASK] = (uint16_t)(c->tx_next - first);
}

static int intel_xmit(struct netdev *d, unsigned queue, struct pkt *p)
{
	struct intel *c = intel_of(d);
	uint32_t need = descs_for(p);

	(void)queue;
	reclaim(c);
	if (unlikely(need >= INTEL_RING || !p->len))
		return -EMSGSIZE;
	if (unlikely(tx_in_use(c) + need >= INTEL_RING)) {
		intel_write(c, REG_IMS, c->int_tx);
		return -EBUSY;
	}
	put_frame(c, p);
	c->noted += p->note != NULL;
	if (tx_in_use(c) <= INTEL_RING / 2 && likely(!p->note))
		pkt_orphan(p);
	else
		intel_write(c, REG_IMS, c->int_tx);
	return 0;
}

static void intel_xmit_done(struct netdev *d, unsigned queue)
{
	struct intel *c = intel_of(d);

	(void)queue;
	smp_wmb();
	intel_write(c, REG_TDT, c->tx_next & RING_MASK);
}

/* ---- interrupts and polls ---- */

void intel_queue_event(struct intel *c)
{
	intel_write(c, REG_IMC, c->int_rx | c->int_tx);
	net_poll_schedule(&c->poll);
}

void intel_link_event(struct intel *c)
{
	work_queue(&c->link);
}

static uint32_t tx_poll(struct intel *c)
{
	struct netdev_txq *q = &c->nd->txq[0];
	uint32_t in_use;
	bool wake, want_tx;

	spin_lock(&q->lock);
	reclaim(c);
	in_use = tx_in_use(c);
	wake = q->stopped && in_use <= INTEL_RING * 3 / 4;
	want_tx = in_use > INTEL_RING / 2 || c->noted;
	spin_unlock(&q->lock);
	if (wake)
		netdev_tx_wake(c->nd, 0);
	return want_tx ? c->int_tx : 0;
}

static unsigned intel_poll(struct net_poll *np, unsigned budget)
{
	struct intel *c = container_of(np, struct intel, poll);
	uint32_t want_tx = tx_poll(c);
	unsigned n = receive(c, budget);

	if (!refill(c))
		(void)net_timer_arm(&c->fill, clock_ns() + RETRY_NS);
	if (n < budget)
		intel_write(c, REG_IMS, c->int_rx | want_tx);
	return n;
}

static void link_work(struct work *w)
{
	struct intel *c = container_of(w, struct intel, link);

	netdev_set_carrier(c->nd, intel_read(c, REG_STATUS) & STATUS_LU);
}

/* ---- filters and counters ---- */

/* 8254x manual, 13.5.1: bits 47:36 of the address. d->lock held. */
static void intel_set_rx_mode(struct netdev *d)
{
	struct intel *c = intel_of(d);
	const struct mcast_addr *m;
	uint32_t mta[128] = {0}, rctl;

	list_for_each_entry (m, &d->mcast, node) {
		unsigned h = m->addr[4] >> 4 | (unsigned)m->addr[5] << 4;

		mta[h >> 5 & 127] |= 1u << (h & 31);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(mta); i++)
		intel_write(c, REG_MTA + i * 4, mta[i]);
	spin_lock(&c->lock);
	rctl = intel_read(c, REG_RCTL) & ~(uint32_t)(RCTL_UPE | RCTL_MPE);
	if (d->flags & IFF_PROMISC)
		rctl |= RCTL_UPE | RCTL_MPE;
	if (d->flags & IFF_ALLMULTI)
		rctl |= RCTL_MPE;
	intel_write(c, REG_RCTL, rctl);
	spin_unlock(&c->lock);
}

static void write_mac(const struct intel *c, const uint8_t *mac)
{
	uint32_t low, high = 0;

	memcpy(&low, mac, 4);
	memcpy(&high, mac + 4, 2);
	intel_write(c, REG_RAL0, low);
	intel_write(c, REG_RAH0, high | RAH_VALID);
}

static int intel_set_mac(struct netdev *d, const uint8_t *mac)
{
	write_mac(intel_of(d), mac);
	return 0;
}

/* Reading a counter clears it. */
static void intel_stats(struct netdev *d, struct netdev_stats *add)
{
	struct intel *c = intel_of(d);
	struct netdev_stats *s = &c->counted;
	uint32_t crc, len, missed;

	spin_lock(&c->lock);
	crc = intel_read(c, REG_CRCERRS);
	len = intel_read(c, REG_RLEC);
	missed = intel_read(c, REG_MPC);
	s->rx_crc_errors += crc;
	s->rx_length_errors += len;
	s->rx_missed_errors += missed;
	s->rx_fifo_errors += intel_read(c, REG_RNBC);
	s->rx_errors += crc + len + intel_read(c, REG_RXERRC);
	s->collisions += intel_read(c, REG_COLC);
	s->tx_errors += intel_read(c, REG_ECOL) + intel_read(c, REG_LATECOL);
	add->rx_crc_errors += s->rx_crc_errors;
	add->rx_length_errors += s->rx_length_errors;
	add->rx_missed_errors += s->rx_missed_errors;
	add->rx_fifo_errors += s->rx_fifo_errors;
	add->rx_errors += s->rx_errors;
	add->collisions += s->collisions;
	add->tx_errors += s->tx_errors;
	spin_unlock(&c->lock);
}

/* ---- up and down ---- */

int intel_reset(struct intel *c)
{
	intel_write(c, REG_IMC, ~0u);
	intel_write(c, REG_RCTL, 0);
	intel_write(c, REG_TCTL, TCTL_PSP);
	if (c->is_express) { /* 82574 datasheet, 3.1.3.10 */
		intel_write(c, REG_CTRL, intel_read(c, REG_CTRL) | CTRL_GIO_MASTER_DISABLE);
		for (unsigned i = 0; i < 100; i++) {
			if (!(intel_read(c, REG_STATUS) & STATUS_GIO_MASTER))
				break;
			sleep_uninterruptible_ns(100 * NSEC_PER_USEC);
		}
	}
	sleep_uninterruptible_ns(10 * NSEC_PER_MSEC); /* what is under way ends */
	intel_write(c, REG_CTRL, intel_read(c, REG_CTRL) | CTRL_RST);
	sleep_uninterruptible_ns(20 * NSEC_PER_MSEC); /* and the EEPROM is read again */
	intel_write(c, REG_IMC, ~0u);
	(void)intel_read(c, REG_ICR);
	return intel_read(c, REG_CTRL) & CTRL_RST ? -EIO : 0;
}

static void free_rings(struct intel *c)
{
	for (unsigned i = 0; i < INTEL_RING; i++) {
		if (c->buf[i].page)
			page_put(c->buf[i].page);
		if (c->sent[i])
			pkt_free(c->sent[i]);
	}
	while (c->nr_spare)
		page_put(c->spare[--c->nr_spare].page);
	memset(c->buf, 0, sizeof(c->buf));
	memset(c->sent, 0, sizeof(c->sent));
	c->noted = 0;
	spoil(c);
	dma_free(c->rx, sizeof(*c->rx) * INTEL_RING);
	dma_free(c->tx, sizeof(*c->tx) * INTEL_RING);
	c->rx = NULL;
	c->tx = NULL;
}

static int make_rings(struct intel *c)
{
	c->rx = dma_alloc(sizeof(*c->rx) * INTEL_RING, &c->rx_pa);
	c->tx = dma_alloc(sizeof(*c->tx) * INTEL_RING, &c->tx_pa);
	c->rx_next = 0;
	c->rx_free = INTEL_RING;
	c->rx_bad = false;
	c->tx_next = c->tx_done = 0;
	c->tx_watch = (struct netdev_tx_watch){0};
	c->ctx_start = c->ctx_offset = 0;
	return c->rx && c->tx ? 0 : -ENOMEM;
}

/* The registers of both rings, which are empty. */
static void start_rings(struct intel *c)
{
	intel_write(c, REG_TDBAL, (uint32_t)c->tx_pa);
	intel_write(c, REG_TDBAH, (uint32_t)(c->tx_pa >> 32));
	intel_write(c, REG_TDLEN, sizeof(*c->tx) * INTEL_RING);
	intel_write(c, REG_TDH, 0);
	intel_write(c, REG_TDT, 0);
	intel_write(c, REG_TIDV, 0);
	intel_write(c, REG_TADV, 0);
	intel_write(c, REG_TIPG, 10 | 8 << 10 | 6 << 20); /* 8254x manual, 13.4.34 */
	intel_write(c, REG_RDBAL, (uint32_t)c->rx_pa);
	intel_write(c, REG_RDBAH, (uint32_t)(c->rx_pa >> 32));
	intel_write(c, REG_RDLEN, sizeof(*c->rx) * INTEL_RING);
	intel_write(c, REG_RDH, 0);
	intel_write(c, REG_RDT, 0);
	intel_write(c, REG_RDTR, 0);
	intel_write(c, REG_RADV, 0);
}

static void start_device(struct intel *c)
{
	uint32_t ctrl = intel_read(c, REG_CTRL) &
			~(uint32_t)(CTRL_FRCSPD | CTRL_FRCDPX | CTRL_GIO_MASTER_DISABLE);

	intel_write(c, REG_CTRL, ctrl | CTRL_SLU | CTRL_VME | (c->is_express ? 0 : CTRL_ASDE));
	write_mac(c, c->nd->addr);
	start_rings(c);
	intel_write(c, REG_RXCSUM, RXCSUM_IPOFL | RXCSUM_TUOFL);
	intel_write(c, REG_TCTL, TCTL_EN | TCTL_PSP | TCTL_CT | TCTL_COLD | TCTL_RTLC);
	if (c->ivar) {
		intel_write(c, REG_IVAR, c->ivar);
		intel_write(c, REG_EIAC, c->eiac);
	}
	intel_write(c, REG_ITR, 56); /* of 256 ns: about 70,000 interrupts a second */
	intel_write(c, REG_RCTL, RCTL_EN | RCTL_LPE | RCTL_BAM | RCTL_SECRC);
}

static int intel_open(struct netdev *d)
{
	struct intel *c = intel_of(d);
	int err = make_rings(c);

	if (!err)
		err = intel_reset(c);
	if (!err) {
		start_device(c);
		err = refill(c) ? 0 : -ENOMEM;
	}
	if (err) {
		intel_write(c, REG_RCTL, 0);
		free_rings(c);
		return err;
	}
	net_poll_enable(&c->poll);
	netdev_set_carrier(d, intel_read(c, REG_STATUS) & STATUS_LU);
	intel_write(c, REG_IMS, c->int_rx | INT_LSC | (c->eiac ? INT_OTHER : 0));
	return 0;
}

static void intel_stop(struct netdev *d)
{
	struct intel *c = intel_of(d);

	intel_write(c, REG_IMC, ~0u);
	net_poll_disable(&c->poll);
	(void)net_timer_cancel(&c->fill);
	if (intel_reset(c)) /* also ends DMA */
		log_err("%s: does not come out of reset", d->name);
	free_rings(c);
}

static int intel_set_mtu(struct netdev *d, unsigned mtu)
{
	(void)d, (void)mtu;
	return 0; /* long frames are always let in, in pieces */
}

static bool intel_tx_hangs(struct netdev *d)
{
	struct intel *c = intel_of(d);
	bool hangs;

	spin_lock(&d->txq[0].lock);
	reclaim(c);
	hangs = netdev_tx_stuck(&c->tx_watch, c->tx_done, tx_in_use(c)) && d->carrier;
	spin_unlock(&d->txq[0].lock);
	return hangs;
}

/* ---- making ---- */

static const struct netdev_ops intel_ops = {
	.open = intel_open,
	.stop = intel_stop,
	.xmit = intel_xmit,
	.xmit_done = intel_xmit_done,
	.set_mac = intel_set_mac,
	.set_mtu = intel_set_mtu,
	.set_rx_mode = intel_set_rx_mode,
	.stats = intel_stats,
	.tx_hangs = intel_tx_hangs,
};

struct intel *intel_create(void)
{
	struct netdev *d = netdev_create("eth%d", sizeof(struct intel), 1);
	struct intel *c;

	if (!d)
		return NULL;
	c = d->priv;
	c->nd = d;
	d->ops = &intel_ops;
	spin_init(&c->lock);
	net_poll_init(&c->poll, 0, intel_poll);
	net_poll_disable(&c->poll);
	net_timer_init(&c->fill, fill_later);
	work_init(&c->link, link_work);
	return c;
}

void intel_destroy(struct intel *c)
{
	netdev_put(c->nd);
}

/* The address that the EEPROM left in the filter. */
static void read_mac(struct intel *c)
{
	uint32_t low = intel_read(c, REG_RAL0), high = intel_read(c, REG_RAH0);
	uint8_t *mac = c->nd->addr;

	memcpy(mac, &low, 4);
	memcpy(mac + 4, &high, 2);
	netdev_ensure_mac(c->nd);
}

int intel_register(struct intel *c, uint32_t features)
{
	struct netdev *d = c->nd;
	int err;

	read_mac(c);
	d->driver = c->model;
	d->features = d->hw_features = features;
	d->max_mtu = c->max_frame - ETH_HLEN - 4 - 4; /* VLAN tag, CRC */
	d->carrier = intel_read(c, REG_STATUS) & STATUS_LU;
	net_config_lock();
	err = netdev_register(&net_initial, d);
	net_config_unlock();
	return err;
}
