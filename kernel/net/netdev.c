/*
 * netdev.c - interfaces: finding them, and the way of a received packet to the protocols. The main
 * file of the device layer.
 *
 * Objects. struct netdev is reference-counted: the registration holds one reference, nexthops and
 * sockets theirs, packets none: they are handled within the section that received them, or wait in
 * a backlog, which unregistering flushes. The memory goes a grace period after the last reference.
 *
 * Receiving. Drivers' polls call netdev_rx(); software devices netdev_loop(), which goes through
 * the backlog. Both find the Ethernet header and the kind of destination, and take a VLAN tag out
 * of the data. Then, in netdev_deliver(): taps; the VLAN device that the tag names, with which it
 * starts again; the rx_handler (a bridge); frames for other hosts end here; the protocol's input.
 *
 * Sending: xmit.c. Configuration: netdev_config.c.
 *
 * Locks. net->lock guards the list of devices for writers, tap_lock those of taps; readers use RCU.
 * Protocols are registered at boot and never go.
 */
#include <netdev.h>
#include <error.h>
#include <string.h>
#include <time.h>
#include "core.h"

static struct list_head protocols[16];
static struct spinlock tap_lock = SPINLOCK_INIT("net taps");

/* ---- finding ---- */

struct netdev *netdev_by_index_rcu(struct net *net, uint32_t ifindex)
{
	struct netdev *d;

	list_for_each_entry_rcu(d, &net->devices, node) if (d->ifindex == ifindex) return d;
	return NULL;
}

struct netdev *netdev_by_name_rcu(struct net *net, const char *name)
{
	struct netdev *d;

	list_for_each_entry_rcu(
		d, &net->devices, node) if (!strncmp(d->name, name, NETDEV_NAME)) return d;
	return NULL;
}

static struct netdev *hold_if_there(struct netdev *d)
{
	return d && refcount_inc_not_zero(&d->refs) ? d : NULL;
}

struct netdev *netdev_get_by_index(struct net *net, uint32_t ifindex)
{
	struct netdev *d;

	rcu_read_lock();
	d = hold_if_there(netdev_by_index_rcu(net, ifindex));
	rcu_read_unlock();
	return d;
}

struct netdev *netdev_get_by_name(struct net *net, const char *name)
{
	struct netdev *d;

	rcu_read_lock();
	d = hold_if_there(netdev_by_name_rcu(net, name));
	rcu_read_unlock();
	return d;
}

/* ---- protocols and taps ---- */

static inline struct list_head *protocol_bucket(__be16 type)
{
	unsigned t = (__force uint16_t)type;

	return &protocols[(t ^ t >> 8) % ARRAY_SIZE(protocols)];
}

void netdev_proto_register(struct netdev_proto *np)
{
	list_add_tail(&np->node, protocol_bucket(np->type));
}

void netdev_tap_add(struct net *net, struct netdev_tap *t)
{
	spin_lock(&tap_lock);
	list_add_tail(&t->node, t->dev ? &t->dev->taps : &net->taps);
	spin_unlock(&tap_lock);
}

void netdev_tap_del(struct netdev_tap *t)
{
	spin_lock(&tap_lock);
	list_del_rcu(&t->node);
	spin_unlock(&tap_lock);
}

static void tap_list(const struct list_head *taps, struct pkt *p)
{
	struct netdev_tap *t;

	list_for_each_entry_rcu(t, taps, node)
	{
		if (t->type == to_be16(ETH_P_ALL) ||
			(t->type == p->protocol && p->type != PKT_OUTGOING))
			t->input(t, p);
	}
}

void netdev_tap_pkt(struct netdev *d, struct pkt *p)
{
	tap_list(&d->net->taps, p);
	tap_list(&d->taps, p);
}

static inline bool is_tapped(const struct netdev *d)
{
	return unlikely(!list_empty(&d->net->taps) || !list_empty(&d->taps));
}

/* ---- receiving ---- */

static void drop(struct pkt *p)
{
	p->dev->pcpu[cpu_id()].rx_dropped++;
	pkt_free(p);
}

/* To the protocol; p->dev has no more to say. */
static void to_protocol(struct pkt *p)
{
	struct netdev_proto *np;

	pkt_pull(p, p->dev->hard_header);
	p->l3 = p->off;
	list_for_each_entry (np, protocol_bucket(p->protocol), node)
		if (np->type == p->protocol) {
			np->input(p);
			return;
		}
	drop(p);
}

/* The device of VLAN @id above @d, or NULL. */
static struct netdev *vlan_find(struct netdev *d, unsigned id)
{
	struct netdev *v;

	list_for_each_entry_rcu(v, &d->vlans, vlan_node) if (v->vlan_id == id) return v;
	return NULL;
}

/* A tagged frame goes on at the device of its VLAN: false when there is none. */
static bool to_vlan(struct pkt *p)
{
	struct netdev *vlan = vlan_find(p->dev, p->vlan_tci & VLAN_VID_MASK);
	struct netdev_stats *st;

	if (!vlan || !(READ_ONCE(vlan->flags) & IFF_UP))
		return false;
	p->dev = vlan;
	p->has_vlan = false;
	p->priority = (uint8_t)(p->vlan_tci >> 13);
	if (!eth_parse(p)) /* a second tag may be cut off */
		return false;
	st = &vlan->pcpu[cpu_id()];
	st->rx_packets++;
	st->rx_bytes += p->len;
	st->multicast += p->type == PKT_MULTICAST;
	return true;
}

void netdev_deliver(struct pkt *p)
{
	bool (*handler)(struct netdev *, struct pkt *);

	if (unlikely(p->type == PKT_LOOPED)) { /* our own: taps have seen it leave */
		to_protocol(p);
		return;
	}
	do {
		if (is_tapped(p->dev))
			netdev_tap_pkt(p->dev, p);
	} while (unlikely(p->has_vlan) && to_vlan(p));
	handler = READ_ONCE(p->dev->rx_handler);
	if (unlikely(handler != NULL) && handler(p->dev, p))
		return;
	if (unlikely(p->has_vlan && p->vlan_tci & VLAN_VID_MASK)) {
		drop(p); /* of a VLAN that is not here (a tag of VLAN 0 is a priority only) */
		return;
	}
	if (unlikely(p->type == PKT_OTHERHOST)) {
		pkt_free(p);
		return;
	}
	to_protocol(p);
}

/* Count it, and find its header. */
static bool arrive(struct pkt *p)
{
	struct netdev_stats *st = &p->dev->pcpu[cpu_id()];

	st->rx_packets++;
	st->rx_bytes += p->len;
	if (unlikely(!eth_parse(p))) {
		st->rx_errors++;
		st->rx_length_errors++;
		pkt_free(p);
		return false;
	}
	st->multicast += p->type == PKT_MULTICAST;
	return true;
}

void netdev_rx(struct pkt *p)
{
	if (!arrive(p))
		return;
	if (unlikely(net_tstamp_wanted()) && !p->tstamp_ns)
		p->tstamp_ns = (uint64_t)realtime_ns();
	if (p->dev->features & NETIF_GRO && gro_receive(p))
		return;
	netdev_deliver(p);
}

void netdev_loop(struct pkt *p, struct netdev *to)
{
	pkt_orphan(p);
	p->dev = to;
	if (unlikely(!pkt_own_pages(p))) {
		drop(p);
		return;
	}
	p->hash = 0;
	if (arrive(p))
		net_backlog(p);
}

static struct pkt *rx_begin(struct netdev *d, const void *data, unsigned head)
{
	struct pkt *p = pkt_alloc(RX_HEADROOM);

	if (unlikely(!p)) {
		d->pcpu[cpu_id()].rx_dropped++;
		return NULL;
	}
	p->dev = d;
	memcpy(pkt_append(p, head), data, head);
	return p;
}

struct pkt *netdev_rx_copy(struct netdev *d, const void *data, uint32_t len)
{
	ASSERT(len <= NETDEV_RX_COPY);
	return rx_begin(d, data, len);
}

struct pkt *netdev_rx_page(struct netdev *d, struct page *page, uint32_t off, uint32_t len)
{
	const uint8_t *data = (const uint8_t *)page_address(page) + off;
	unsigned head = len <= NETDEV_RX_COPY ? len : eth_header_len(data, len);
	struct pkt *p = rx_begin(d, data, head);

	if (!p || head == len || !pkt_add_frag(p, page, off + head, len - head))
		page_put(page);
	return p;
}

void netdev_init(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(protocols); i++)
		list_init(&protocols[i]);
	netdev_config_init();
}
