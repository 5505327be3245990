/*
 * xmit.c - sending: from a finished frame to the device's ring.
 *
 * Does not: schedule between flows; a queue is first in, first out, tx_queue_len packets long, and
 * TCP bounds by itself what it keeps there.
 *
 * netdev_xmit() shows the frame to taps and does for the device what it cannot do itself: tag, cut
 * up, sum. Then the queue of this CPU: what the ring has no room for waits in the FIFO until
 * netdev_tx_wake(). Doorbells are rung at the end of the section: a queue that got something is
 * noted once in this CPU's list of dirty ones (a section stays on its CPU).
 *
 * Locks: txq->lock (level 48): the FIFO, and the driver's ring. It is taken for each packet; all
 * that a queue's packets need of the ring they find under it.
 */
#include <netdev.h>
#include <debug.h>
#include <error.h>
#include <log.h>
#include <arch/percpu.h>
#include "core.h"

#define DIRTY_MAX   8u
#define NESTING_MAX 8u /* devices on devices that one packet passes */

struct dirty {
	struct netdev_txq *txq[DIRTY_MAX];
	uint32_t count;
};
static DEFINE_PER_CPU(struct dirty, dirty_txqs);
static DEFINE_PER_CPU(uint32_t, xmit_nesting);

void txq_init(struct netdev *d, unsigned index)
{
	struct netdev_txq *q = &d->txq[index];

	spin_init(&q->lock);
	pkt_queue_init(&q->queue);
	q->stopped = q->is_dirty = false;
	q->index = (uint16_t)index;
	q->dev = d;
}

void txq_purge(struct netdev_txq *q)
{
	spin_lock(&q->lock);
	pkt_queue_purge(&q->queue);
	q->stopped = false;
	spin_unlock(&q->lock);
}

/* ---- doorbells ---- */

static void ring(struct netdev_txq *q)
{
	spin_lock(&q->lock);
	q->is_dirty = false;
	q->dev->ops->xmit_done(q->dev, q->index);
	spin_unlock(&q->lock);
}

void xmit_flush(void)
{
	struct dirty *d = this_cpu_ptr(dirty_txqs);

	while (d->count)
		ring(d->txq[--d->count]);
}

/* txq->lock held. */
static void note_dirty(struct netdev_txq *q)
{
	struct dirty *d = this_cpu_ptr(dirty_txqs);

	if (!q->dev->ops->xmit_done || q->is_dirty)
		return;
	if (unlikely(d->count == DIRTY_MAX)) {
		q->dev->ops->xmit_done(q->dev, q->index);
		return;
	}
	q->is_dirty = true;
	d->txq[d->count++] = q;
	this_cpu(net_section).work |= NET_WORK_DOORBELL;
}

/* ---- queues ---- */

static int dropped(struct netdev *d, struct pkt *p, int err)
{
	d->pcpu[cpu_id()].tx_dropped++;
	pkt_free(p);
	return err;
}

/* txq->lock held. 0: on the ring, or gone for good; -EBUSY: no room. */
static int to_ring(struct netdev_txq *q, struct pkt *p)
{
	struct netdev *d = q->dev;
	uint32_t len = p->len, segs = p->gso_segs;
	int err = d->ops->xmit(d, q->index, p);

	if (likely(!err)) {
		struct netdev_stats *st = &d->pcpu[cpu_id()];

		st->tx_packets += segs ? segs : 1;
		st->tx_bytes += len;
		note_dirty(q);
		return 0;
	}
	if (err == -EBUSY)
		return err;
	d->pcpu[cpu_id()].tx_errors++;
	pkt_free(p);
	return 0;
}

static int to_queue(struct netdev *d, struct pkt *p)
{
	struct netdev_txq *q = &d->txq[cpu_id() % d->nr_txq];
	int err = 0;

	spin_lock(&q->lock);
	if (unlikely(q->stopped) || to_ring(q, p) == -EBUSY) {
		q->stopped = true;
		if (q->queue.count < d->tx_queue_len)
			pkt_enqueue(&q->queue, p);
		else
			err = dropped(d, p, -ENOBUFS);
	}
	spin_unlock(&q->lock);
	return err;
}

void netdev_tx_wake(struct netdev *d, unsigned queue)
{
	struct netdev_txq *q = &d->txq[queue];
	struct pkt *p;

	if (!READ_ONCE(q->stopped))
		return;
	net_enter(); /* rings the doorbell at its end */
	spin_lock(&q->lock);
	q->stopped = false;
	while ((p = pkt_peek(&q->queue))) {
		pkt_unlink(&q->queue, p);
		if (to_ring(q, p) == -EBUSY) {
			list_add(&p->node, &q->queue.list);
			q->queue.count++;
			q->queue.bytes += p->len;
			q->stopped = true;
			break;
		}
	}
	spin_unlock(&q->lock);
	net_exit();
}

/* ---- what the device cannot do ---- */

/* A software device passes it on; on top of each other they end somewhere. */
static int pass_on(struct netdev *d, struct pkt *p)
{
	uint32_t len = p->len, segs = p->gso_segs;
	struct netdev_stats *st = &d->pcpu[cpu_id()];
	int err;

	if (unlikely(this_cpu(xmit_nesting) >= NESTING_MAX)) {
		log_ratelimited(LOG_WARNING, "net: %s sends to itself", d->name);
		return dropped(d, p, -ENETDOWN);
	}
	this_cpu(xmit_nesting)++;
	err = d->ops->xmit(d, 0, p);
	this_cpu(xmit_nesting)--;
	if (likely(!err)) {
		st->tx_packets += segs ? segs : 1;
		st->tx_bytes += len;
	}
	return err;
}

/* A packet of final size: checksum, then the ring. */
static int xmit_one(struct netdev *d, struct pkt *p, uint32_t features)
{
	if (p->csum == CSUM_PARTIAL && !(features & (NETIF_TX_CSUM | NETIF_LOOPBACK_LIKE)))
		pkt_csum_complete(p);
	return d->nr_txq ? to_queue(d, p) : pass_on(d, p);
}

static int __noinline xmit_segments(struct netdev *d, struct pkt *p, uint32_t features)
{
	struct pkt_queue segments;
	struct pkt *s;
	int err = pkt_segment(p, features & NETIF_TX_CSUM, &segments);

	if (err) {
		d->pcpu[cpu_id()].tx_dropped++;
		return -ENOBUFS;
	}
	while ((s = pkt_dequeue(&segments))) {
		int one = xmit_one(d, s, features);

		err = one ? one : err;
	}
	return err;
}

int netdev_xmit(struct pkt *p)
{
	struct netdev *d = p->dev;
	uint32_t features;

	ASSERT(this_cpu(net_section).depth);
	if (unlikely(!(READ_ONCE(d->flags) & IFF_UP)))
		return dropped(d, p, -ENETDOWN);
	if (unlikely(!list_empty(&d->net->taps) || !list_empty(&d->taps))) {
		p->type = PKT_OUTGOING;
		netdev_tap_pkt(d, p);
	}
	features = d->features;
	if (unlikely(p->has_vlan) && !(features & NETIF_VLAN_TX)) {
		if (!eth_tag(p))
			return dropped(d, p, -ENOBUFS);
		features &= NETIF_SG; /* it might not find the headers behind the tag */
	}
	if (p->gso && !gso_by_device(p, features))
		return xmit_segments(d, p, features);
	return xmit_one(d, p, features);
}
