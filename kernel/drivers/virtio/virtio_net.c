/*
 * virtio_net.c - virtio network cards (Virtual I/O Device 1.2, 5.1): eth0, eth1, ...
 *
 * A pair of a receive and a transmit queue for each CPU, as far as the device has them
 * (VIRTIO_NET_F_MQ); one MSI-X vector a pair, on its CPU, which does nothing but schedule the
 * pair's poll.
 *
 * Receiving. The ring is filled with buffers that lie one behind the other in blocks of pages, of a
 * size that follows the average packet (5.1.6.3.2, mergeable buffers): pieces of a large packet
 * become one fragment again. Short packets are copied and their buffer is given back at once.
 * Large packets come as the host has them, whole and with the checksum left out (GUEST_TSO, CSUM).
 *
 * Sending. The device's header is put into the free room in front of the frame, so a short packet
 * is one descriptor. Sent packets are taken back by the next send or poll, without an interrupt,
 * while the ring is less than half full; whoever accounts for them is let go at once then. In the
 * upper half they stay accounted for, so that a fast sender waits for the device, and the device is
 * asked to interrupt when half of them are gone.
 *
 * Locks: the transmit queue's, which netdev takes, guards the transmit virtqueue; the receive
 * virtqueue belongs to the poll. Commands (5.1.6.5) are sent under the configuration lock, one at a
 * time, and waited for; what section code asks for (rx mode) is done by a work item.
 *
 * What the device writes is input: lengths and counts are checked, a packet that contradicts itself
 * is counted as an error. Does not: hash reports, RSS, announce, packed rings.
 */
#include "virtio.h"

#include <arch/cpu.h>
#include <arch/io.h>
#include <error.h>
#include <log.h>
#include <netdev.h>
#include <printf.h>
#include <sched.h>
#include <slab.h>
#include <string.h>
#include <time.h>
#include <vnet_hdr.h>
#include <workqueue.h>

#define F(bit) (1ull << (bit))
enum {
	F_CSUM = 0,
	F_GUEST_CSUM = 1,
	F_MTU = 3,
	F_MAC = 5,
	F_GUEST_TSO4 = 7,
	F_GUEST_TSO6 = 8,
	F_GUEST_ECN = 9,
	F_HOST_TSO4 = 11,
	F_HOST_TSO6 = 12,
	F_HOST_ECN = 13,
	F_MRG_RXBUF = 15,
	F_STATUS = 16,
	F_CTRL_VQ = 17,
	F_CTRL_RX = 18,
	F_MQ = 22,
	F_CTRL_MAC_ADDR = 23,
	F_HOST_USO = 56
};
#define WANTED                                                                                     \
	(F(F_CSUM) | F(F_GUEST_CSUM) | F(F_MTU) | F(F_MAC) | F(F_GUEST_TSO4) | F(F_GUEST_TSO6) |   \
		F(F_GUEST_ECN) | F(F_HOST_TSO4) | F(F_HOST_TSO6) | F(F_HOST_ECN) |                 \
		F(F_MRG_RXBUF) | F(F_STATUS) | F(F_CTRL_VQ) | F(F_CTRL_RX) | F(F_MQ) |             \
		F(F_CTRL_MAC_ADDR) | F(F_HOST_USO) | VIRTIO_F_EVENT_IDX)
enum { CONF_MAC = 0, CONF_STATUS = 6, CONF_PAIRS = 8, CONF_MTU = 10 };
enum { STATUS_LINK_UP = 1 };
enum {
	CTRL_RX = 0,
	RX_PROMISC = 0,
	RX_ALLMULTI = 1,
	CTRL_MAC = 1,
	MAC_TABLE_SET = 0,
	MAC_ADDR_SET = 1,
	CTRL_MQ = 4,
	MQ_PAIRS_SET = 0,
	CTRL_OK = 0
};

struct net_hdr { /* 5.1.6, with VERSION_1 */
	struct vnet_hdr v;
	__le16 num_buffers;
};
static_assert(sizeof(struct net_hdr) == 12, "5.1.6");

#define MOST_PAIRS   16u
#define RX_SIZE      256u
#define TX_SIZE      256u
#define BUF_MIN      1536u /* an Ethernet frame and the header */
#define BUF_MAX      4096u
#define REFILL_BATCH 32u
#define RETRY_NS     (10 * NSEC_PER_MSEC)
#define MAX_GROUPS   64u
#define CTRL_TRIES   50000u /* of 100 us */
#define AVG_SHIFT    4

struct rx_buf {
	struct page *page; /* reference held while the device has it */
	uint32_t off, len;
};
struct vnet;
struct pair {
	struct net_poll poll;
	struct vnet *v;
	unsigned index;
	struct virtq *rx;      /* [poll] */
	struct virtq *tx;      /* [txq lock] */
	unsigned in_ring;      /* [txq lock] packets that are on it, and how many of them someone */
	unsigned noted;        /* waits for: pkt->note */
	struct rx_buf *buf;    /* [poll] by head of chain */
	uint32_t average;      /* [poll] length of packets << AVG_SHIFT */
	struct net_hdr *hdr;   /* [txq lock] by head of chain: for frames with no room in front */
	struct net_timer fill; /* there was no memory for buffers */
};
struct vnet {
	struct virtio_dev dev;
	struct netdev *nd;
	unsigned nr_pairs;
	struct pair pair[MOST_PAIRS];
	struct virtq *ctrl; /* [config lock] */
	struct work config, rx_mode;
	uint8_t *ctrl_data; /* [config lock] a page */
	bool ctrl_broken;
};

static bool has(const struct vnet *v, unsigned feature)
{
	return v->dev.features & F(feature);
}

/* ---- commands ---- */

/* Config lock held. 0, -EIO (refused, or no answer), -EOPNOTSUPP. */
static int command(struct vnet *v, uint8_t cls, uint8_t cmd, const void *data, unsigned n)
{
	paddr_t pa;
	uint8_t *d = v->ctrl_data;
	uint32_t len;

	net_config_assert();
	if (!v->ctrl || v->ctrl_broken)
		return -EOPNOTSUPP;
	pa = virt_to_phys(d);
	d[0] = cls;
	d[1] = cmd;
	memcpy(d + 16, data, n);
	d[8] = 0xff;
	const struct virtq_seg seg[] = {{pa, 2}, {pa + 16, n}, {pa + 8, 1}};

	if (virtq_add(v->ctrl, seg, 2, 1, v) < 0)
		return -EIO;
	virtq_kick(v->ctrl);
	for (unsigned i = 0; !virtq_take(v->ctrl, &len); i++) {
		if (i == CTRL_TRIES) {
			log_err("%s: the device does not answer commands", v->nd->name);
			v->ctrl_broken = true; /* it may still write to the page */
			return -EIO;
		}
		sleep_uninterruptible_ns(100 * NSEC_PER_USEC);
	}
	return READ_ONCE(d[8]) == CTRL_OK ? 0 : -EIO;
}

static void rx_mode_work(struct work *w)
{
	struct vnet *v = container_of(w, struct vnet, rx_mode);
	struct netdev *d = v->nd;
	uint8_t table[8 + MAX_GROUPS * ETH_ALEN] = {0}, on;
	const struct mcast_addr *m;
	uint32_t n = 0;

	net_config_lock();
	spin_lock(&d->lock);
	list_for_each_entry (m, &d->mcast, node) {
		if (n < MAX_GROUPS)
			memcpy(table + 8 + n * ETH_ALEN, m->addr, ETH_ALEN);
		n++;
	}
	spin_unlock(&d->lock);
	on = (d->flags & IFF_PROMISC) != 0;
	(void)command(v, CTRL_RX, RX_PROMISC, &on, 1);
	on = (d->flags & IFF_ALLMULTI) || n > MAX_GROUPS;
	(void)command(v, CTRL_RX, RX_ALLMULTI, &on, 1);
	n = MIN(n,
		MAX_GROUPS); /* no unicast addresses, then the groups, each list with its count */
	memcpy(table + 4, &n, sizeof(n));
	(void)command(v, CTRL_MAC, MAC_TABLE_SET, table, 8 + n * ETH_ALEN);
	net_config_unlock();
	netdev_put(d);
}

static void vnet_set_rx_mode(struct netdev *d)
{
	struct vnet *v = d->priv;

	if (!has(v, F_CTRL_RX))
		return;
	netdev_hold(d); /* the work's */
	if (!work_queue(&v->rx_mode))
		netdev_put(d);
}

static int vnet_set_mac(struct netdev *d, const uint8_t *mac)
{
	struct vnet *v = d->priv;

	if (!has(v, F_CTRL_MAC_ADDR))
		return -EOPNOTSUPP;
	return command(v, CTRL_MAC, MAC_ADDR_SET, mac, ETH_ALEN);
}

/* ---- receiving ---- */

static uint32_t buf_bytes(const struct pair *p)
{
	uint32_t n = (p->average >> AVG_SHIFT) + sizeof(struct net_hdr);

	if (!has(p->v, F_MRG_RXBUF))
		return BUF_MIN;
	return n <= BUF_MIN ? BUF_MIN : BUF_MAX;
}

/* Give the device buffer @b. It takes a free descriptor, whose record it is. */
static void post(struct pair *p, struct rx_buf b)
{
	struct rx_buf *slot = &p->buf[p->rx->free_head];
	struct virtq_seg seg = {page_to_phys(b.page) + b.off, b.len};

	*slot = b;
	if (virtq_add(p->rx, &seg, 0, 1, slot) < 0) /* the caller saw that there is one */
		page_put(b.page);
}

/*
 * Fill the ring when it pays. False: no memory. The device is told in each case, if it wants to
 * know: short packets alone give all their buffers back, and it may wait for one of them.
 */
static bool refill(struct pair *p)
{
	const uint32_t bytes = buf_bytes(p);
	const bool pays = p->rx->nr_free >= MIN(REFILL_BATCH, p->rx->size / 2u);

	while (pays && p->rx->nr_free) {
		struct rx_buf b = {.len = bytes};

		b.page = pkt_room_take(b.len, &b.off);
		if (unlikely(!b.page))
			break;
		post(p, b);
	}
	virtq_kick(p->rx);
	return p->rx->nr_free < p->rx->size;
}

static void fill_later(struct net_timer *t)
{
	struct pair *p = container_of(t, struct pair, fill);

	net_poll_schedule(&p->poll);
}

/* The next used buffer, out of the ring; @len is what the device wrote. */
static bool take(struct pair *p, struct rx_buf *b, uint32_t *len)
{
	struct rx_buf *slot = virtq_take(p->rx, len);

	if (!slot)
		return false;
	*b = *slot;
	*len = MIN(*len, b->len);
	return true;
}

/* The other buffers of a packet behind the first. False: it is incomplete. */
static bool rx_append(struct pair *p, struct pkt *pkt, unsigned nr)
{
	struct rx_buf b;
	uint32_t len;
	bool fits = true;

	for (; nr; nr--) {
		if (!take(p, &b, &len))
			return false;
		if (fits && len && pkt_add_frag(pkt, b.page, b.off, len)) {
			pkt->truesize += b.len - len;
			continue;
		}
		fits = fits && !len;
		page_put(b.page);
	}
	return fits;
}

static void rx_error(struct pair *p, struct pkt *pkt)
{
	p->v->nd->pcpu[cpu_id()].rx_errors++;
	if (pkt)
		pkt_free(pkt);
}

/* Number of buffers of the packet that begins in @b; 0: nonsense. */
static unsigned nr_buffers(const struct pair *p, const struct net_hdr *h)
{
	unsigned n = has(p->v, F_MRG_RXBUF) ? le16(h->num_buffers) : 1;

	return n <= p->rx->size ? n : 0;
}

static void rx_one(struct pair *p, struct rx_buf b, uint32_t len)
{
	struct netdev *d = p->v->nd;
	const struct net_hdr *in = (const struct net_hdr *)((char *)page_address(b.page) + b.off);
	struct net_hdr h = *in; /* it may change no more: a copy is judged */
	unsigned nr = len > sizeof(h) ? nr_buffers(p, &h) : 0;
	struct pkt *pkt;

	if (unlikely(!nr)) {
		page_put(b.page);
		rx_error(p, NULL);
		return;
	}
	len -= (uint32_t)sizeof(h);
	if (nr == 1 && len <= NETDEV_RX_COPY) { /* short: the buffer goes back */
		pkt = netdev_rx_copy(d, in + 1, len);
		post(p, b);
	} else {
		pkt = netdev_rx_page(d, b.page, b.off + (uint32_t)sizeof(h), len);
		if (pkt)
			pkt->truesize += b.len - len;
	}
	if (unlikely(!pkt)) {
		struct rx_buf more;

		while (--nr && take(p, &more, &len))
			page_put(more.page);
		return;
	}
	if (unlikely((nr > 1 && !rx_append(p, pkt, nr - 1)) || !vnet_hdr_in(pkt, &h.v, ETH_HLEN))) {
		rx_error(p, pkt);
		return;
	}
	p->average += pkt->len - (p->average >> AVG_SHIFT);
	netdev_rx(pkt);
}

/* ---- sending ---- */

/* txq lock held. */
static void reclaim(struct pair *p)
{
	struct pkt *pkt;
	uint32_t len;

	while ((pkt = virtq_take(p->tx, &len))) {
		p->in_ring--;
		p->noted -= pkt->note != NULL;
		pkt_free(pkt);
	}
}

static bool is_half_full(const struct pair *p)
{
	return p->tx->nr_free < p->tx->size / 2u;
}

/* Ask for an interrupt when part of what is on the ring has been sent; or, where there is room, all
 * of it. */
static void tx_ask(struct pair *p)
{
	while (p->in_ring &&
		virtq_irq_after(p->tx,
			is_half_full(p) ? (p->tx->size - p->tx->nr_free) / 4u : p->in_ring - 1))
		reclaim(p); /* it has been meanwhile: ask anew */
}

/* The device's header, in front of the frame where there is room. Segments of header and linear
 * part; returns how many. */
static unsigned tx_head(struct pair *p, struct pkt *pkt, struct virtq_seg *seg)
{
	struct net_hdr *h = &p->hdr[p->tx->free_head];
	unsigned n = 0;

	if (likely(pkt->off >= sizeof(*h) && !(pkt->off & 1)))
		h = (struct net_hdr *)(pkt->lin + pkt->off - sizeof(*h));
	if (pkt->csum == CSUM_PARTIAL || pkt->gso) {
		vnet_hdr_out(pkt, &h->v);
		if (!has(p->v, F_HOST_ECN))
			h->v.gso_type &= (uint8_t)~VNET_GSO_ECN;
	} else {
		h->v = (struct vnet_hdr){0};
	}
	h->num_buffers = to_le16(0);
	if (h != &p->hdr[p->tx->free_head]) {
		seg[n++] = (struct virtq_seg){virt_to_phys(h), (uint32_t)sizeof(*h) + pkt->lin_len};
		return n;
	}
	seg[n++] = (struct virtq_seg){virt_to_phys(h), sizeof(*h)};
	if (pkt->lin_len)
		seg[n++] = (struct virtq_seg){virt_to_phys(pkt_data(pkt)), pkt->lin_len};
	return n;
}

static int vnet_xmit(struct netdev *d, unsigned queue, struct pkt *pkt)
{
	struct vnet *v = d->priv;
	struct pair *p = &v->pair[queue];
	struct virtq *q = p->tx;
	struct virtq_seg seg[PKT_FRAGS + 2] UNCLEARED;
	unsigned n, need = pkt->nr_frags + 2u;

	if (virtq_has_used(q))
		reclaim(p);
	if (unlikely(need > q->size))
		return -EMSGSIZE;
	if (unlikely(q->nr_free < need)) {
		tx_ask(p);
		if (q->nr_free < need)
			return -EBUSY;
	}
	n = tx_head(p, pkt, seg);
	for (unsigned i = 0; i < pkt->nr_frags; i++)
		seg[n++] = (struct virtq_seg){
			page_to_phys(pkt->frag[i].page) + pkt->frag[i].off, pkt->frag[i].len};
	if (virtq_add(q, seg, n, 0, pkt) < 0)
		return -EBUSY;
	p->in_ring++;
	p->noted += pkt->note != NULL;
	if (likely(!is_half_full(p) && !pkt->note))
		pkt_orphan(pkt);
	else
		tx_ask(p);
	return 0;
}

static void vnet_xmit_done(struct netdev *d, unsigned queue)
{
	struct vnet *v = d->priv;

	virtq_kick(v->pair[queue].tx);
}

/* ---- interrupts and polls ---- */

static void pair_irq(void *arg)
{
	struct pair *p = arg;

	net_poll_schedule(&p->poll);
}

static void config_irq(void *arg)
{
	struct vnet *v = arg;

	work_queue(&v->config);
}

/* One interrupt for everything; of a line, a register that reading clears says what it was about.
 */
static void shared_irq(void *arg)
{
	struct vnet *v = arg;
	uint8_t isr = v->dev.isr && !v->dev.vectors ? mmio_read8(v->dev.isr) : 3;

	if (isr & 2)
		work_queue(&v->config);
	if (isr & 1)
		for (unsigned i = 0; i < v->nr_pairs; i++)
			net_poll_schedule(&v->pair[i].poll);
}

static void tx_poll(struct pair *p)
{
	struct netdev_txq *txq = &p->v->nd->txq[p->index];
	bool wake;

	if (!virtq_has_used(p->tx))
		return;
	spin_lock(&txq->lock);
	reclaim(p);
	if (is_half_full(p) || p->noted)
		tx_ask(p);
	else
		virtq_irq_off(p->tx);
	wake = txq->stopped && p->tx->nr_free >= p->tx->size / 4u;
	spin_unlock(&txq->lock);
	if (wake)
		netdev_tx_wake(p->v->nd, p->index);
}

static unsigned vnet_poll(struct net_poll *np, unsigned budget)
{
	struct pair *p = container_of(np, struct pair, poll);
	struct rx_buf b;
	uint32_t len;
	unsigned n;

	virtq_irq_off(p->rx);
	tx_poll(p);
	for (n = 0; n < budget && take(p, &b, &len); n++)
		rx_one(p, b, len);
	if (unlikely(!refill(p)))
		(void)net_timer_arm(&p->fill, clock_ns() + RETRY_NS);
	if (n < budget && virtq_irq_on(p->rx)) {
		virtq_irq_off(p->rx);
		return budget; /* more came meanwhile */
	}
	return n;
}

static void config_work(struct work *w)
{
	struct vnet *v = container_of(w, struct vnet, config);

	if (has(v, F_STATUS))
		netdev_set_carrier(v->nd, virtio_config(&v->dev, CONF_STATUS, 2) & STATUS_LINK_UP);
}

/* ---- up and down ---- */

static int vnet_open(struct netdev *d)
{
	struct vnet *v = d->priv;

	for (unsigned i = 0; i < v->nr_pairs; i++) {
		struct pair *p = &v->pair[i];
		struct rx_buf b;
		uint32_t len;

		while (take(p, &b, &len)) /* came while the interface was down */
			post(p, b);
		if (!refill(p))
			return -ENOMEM;
		virtq_kick(p->rx);
		net_poll_enable(&p->poll);
		if (virtq_irq_on(p->rx))
			net_poll_schedule(&p->poll);
	}
	return 0;
}

static void vnet_stop(struct netdev *d)
{
	struct vnet *v = d->priv;

	for (unsigned i = 0; i < v->nr_pairs; i++) {
		struct pair *p = &v->pair[i];

		net_poll_disable(&p->poll);
		(void)net_timer_cancel(&p->fill);
		virtq_irq_off(p->rx);
		spin_lock(&d->txq[i].lock);
		reclaim(p);
		virtq_irq_off(p->tx);
		spin_unlock(&d->txq[i].lock);
	}
}

static const struct netdev_ops vnet_ops = {
	.open = vnet_open,
	.stop = vnet_stop,
	.xmit = vnet_xmit,
	.xmit_done = vnet_xmit_done,
	.set_mac = vnet_set_mac,
	.set_rx_mode = vnet_set_rx_mode,
};

/* ---- probing ---- */

/* MSI-X entry of pair @i: 0 is the configuration's, or everybody's. */
static unsigned entry_of(const struct vnet *v, unsigned i)
{
	return v->dev.vectors > 1 ? i + 1 : 0;
}

static int make_pair(struct vnet *v, unsigned i)
{
	struct pair *p = &v->pair[i];
	int handle;

	p->v = v;
	p->index = i;
	net_poll_init(&p->poll, i, vnet_poll);
	net_poll_disable(&p->poll); /* until it is opened */
	net_timer_init(&p->fill, fill_later);
	p->average = BUF_MIN << AVG_SHIFT >> 1;
	if (entry_of(v, i)) {
		handle = pci_msix_vector(v->dev.pci, i + 1, i, pair_irq, p, v->nd->driver);
		if (handle < 0)
			return handle;
	}
	p->rx = virtq_create_at(&v->dev, (uint16_t)(2 * i), RX_SIZE, entry_of(v, i));
	p->tx = virtq_create_at(&v->dev, (uint16_t)(2 * i + 1), TX_SIZE, entry_of(v, i));
	if (!p->rx || !p->tx)
		return -EIO;
	p->buf = kcalloc(p->rx->size, sizeof(*p->buf));
	p->hdr = kcalloc(p->tx->size, sizeof(*p->hdr));
	if (!p->buf || !p->hdr)
		return -ENOMEM;
	virtq_irq_off(p->rx);
	virtq_irq_off(p->tx);
	return 0;
}

static int make_queues(struct vnet *v, unsigned max_pairs)
{
	int err;

	if (v->dev.vectors > 1)
		err = pci_msix_vector(v->dev.pci, 0, 0, config_irq, v, v->nd->driver);
	else
		err = pci_request_irq(v->dev.pci, shared_irq, v, v->nd->driver);
	if (err >= 0 && v->dev.vectors)
		err = virtio_config_vector(&v->dev, 0);
	for (unsigned i = 0; err >= 0 && i < v->nr_pairs; i++)
		err = make_pair(v, i);
	if (err < 0 || !has(v, F_CTRL_VQ))
		return err < 0 ? err : 0;
	v->ctrl_data = kzalloc(PAGE_SIZE);
	v->ctrl = virtq_create_at(&v->dev, (uint16_t)(2 * max_pairs), 16, VIRTIO_NO_VECTOR);
	if (!v->ctrl || !v->ctrl_data)
		return -ENOMEM;
	virtq_irq_off(v->ctrl);
	return 0;
}

static void set_features(struct vnet *v)
{
	struct netdev *d = v->nd;

	d->features = NETIF_SG | NETIF_GRO;
	if (has(v, F_CSUM))
		d->features |= NETIF_TX_CSUM;
	if (has(v, F_HOST_TSO4))
		d->features |= NETIF_TSO4;
	if (has(v, F_HOST_TSO6))
		d->features |= NETIF_TSO6;
	if (has(v, F_HOST_USO))
		d->features |= NETIF_GSO_UDP;
	if (has(v, F_GUEST_CSUM))
		d->features |= NETIF_RX_CSUM;
	d->hw_features = d->features;
	d->gso_max = 65535;
	d->max_mtu = 65535;
	if (has(v, F_MTU)) {
		unsigned mtu = (unsigned)virtio_config(&v->dev, CONF_MTU, 2);

		if (mtu >= d->min_mtu)
			d->mtu = d->max_mtu = mtu;
	}
	if (!has(v, F_MRG_RXBUF)) /* buffers are of one size */
		d->max_mtu = MIN(
			d->max_mtu, BUF_MIN - (unsigned)sizeof(struct net_hdr) - ETH_HLEN - 4);
}

static void read_mac(struct vnet *v)
{
	uint8_t *mac = v->nd->addr;

	if (has(v, F_MAC))
		for (unsigned i = 0; i < ETH_ALEN; i++)
			mac[i] = (uint8_t)virtio_config(&v->dev, CONF_MAC + i, 1);
	netdev_ensure_mac(v->nd);
}

static int start(struct vnet *v, unsigned max_pairs)
{
	__le16 pairs = to_le16(v->nr_pairs);
	int err = make_queues(v, max_pairs);

	if (err)
		return err;
	set_features(v);
	read_mac(v);
	virtio_ready(&v->dev);
	net_config_lock();
	if (v->nr_pairs > 1)
		err = command(v, CTRL_MQ, MQ_PAIRS_SET, &pairs, sizeof(pairs));
	if (!err) {
		if (has(v, F_STATUS))
			v->nd->carrier = virtio_config(&v->dev, CONF_STATUS, 2) & STATUS_LINK_UP;
		err = netdev_register(&net_initial, v->nd);
	}
	net_config_unlock();
	return err;
}

/* How many pairs to use of how many the device has. */
static unsigned choose_pairs(struct virtio_dev *dev, unsigned *max_pairs)
{
	unsigned n = 1;

	*max_pairs = 1;
	if (dev->features & F(F_MQ) && dev->features & F(F_CTRL_VQ)) {
		*max_pairs = (unsigned)virtio_config(dev, CONF_PAIRS, 2);
		n = MIN(*max_pairs, cpu_count());
		n = MIN(n, MOST_PAIRS);
		n = MIN(n, dev->vectors > 1 ? dev->vectors - 1 : 1);
	}
	return n ? n : 1;
}

static int vnet_probe(struct pci_dev *pci)
{
	const uint64_t large = F(F_GUEST_TSO4) | F(F_GUEST_TSO6) | F(F_GUEST_ECN);
	struct virtio_dev dev = {0};
	unsigned nr, max_pairs;
	struct netdev *d;
	struct vnet *v;
	int err = virtio_open(&dev, pci, WANTED);

	if (!err && !(dev.features & F(F_MRG_RXBUF))) /* large packets would fit no buffer */
		err = virtio_open(&dev, pci, WANTED & ~large);
	if (err)
		return err;
	nr = choose_pairs(&dev, &max_pairs);
	d = netdev_create("eth%d", sizeof(*v), nr);
	if (!d)
		return -ENOMEM;
	v = d->priv;
	v->dev = dev;
	v->nd = d;
	v->nr_pairs = nr;
	d->ops = &vnet_ops;
	d->driver = "virtio_net";
	work_init(&v->config, config_work);
	work_init(&v->rx_mode, rx_mode_work);
	err = start(v, max_pairs);
	if (err) {
		virtio_reset(&v->dev); /* interrupts may point to the record: it stays */
		return err;
	}
	pci->driver_data = v;
	log_debug("%s: %u of %u queue pairs", d->name, nr, max_pairs);
	return 0;
}

static void vnet_remove(struct pci_dev *pci)
{
	struct vnet *v = pci->driver_data;

	net_config_lock();
	netdev_hold(v->nd); /* interrupts may point to it */
	netdev_unregister(v->nd);
	net_config_unlock();
	virtio_reset(&v->dev);
}

static const struct pci_match vnet_pci[] = {
	{.vendor = 0x1af4, .device = 0x1041}, {.vendor = 0x1af4, .device = 0x1000}, {0}};
static const struct driver vnet_driver = {
	.name = "virtio_net", .pci = vnet_pci, .probe = vnet_probe, .remove = vnet_remove};
DRIVER(vnet_driver);
