/*
 * bridge.c - Ethernet bridges: IEEE 802.1D without spanning tree. Theory of bridges.
 *
 * A port's frames do not go to the stack: rx_handler gives them to the bridge, which learns where
 * the sender is and passes them on: to the port where the destination was heard, to all others if
 * it was not heard or is a group, up the stack, as received by the bridge, if it is the bridge's or
 * a port's own address or a group. Sending by the bridge goes the same way. Copies share pages.
 * Reserved addresses (802.1D 7.12.6) stay with the port's own stack. A VLAN's frames, unless the
 * port itself has an interface for that VLAN, are passed on with their tag.
 *
 * A bridge has the lowest address and the least MTU of its ports until it is given its own, and
 * carrier while a port is up and has it. Of its features none are the device's: all is left to the
 * netdev_xmit() of each port.
 *
 * Lifetime. A port is no reference: it leaves before its device or the bridge goes. Leaving clears
 * rx_handler, waits for the sections that saw it, forgets the port's stations, and waits again for
 * those that found one of them.
 *
 * Locks: ports and properties under the config lock, frames by RCU. Stations: bridge_fdb.c.
 *
 * Does not: spanning tree (who wires a loop gets one), VLAN filtering, listening to IGMP and MLD;
 * a VLAN of a bridge as another bridge's port.
 */
#include "bridge.h"
#include <arch/clock.h>
#include <error.h>
#include <log.h>
#include <slab.h>
#include <string.h>
#include "core.h"

#define AGEING_NS 300000000000ull /* 802.1D table 7.5 */
#define SWEEP_NS  10000000000ull

enum { PORTS_MAX = 1023, MTU_WITHOUT_PORTS = 1500, TAG_ROOM = 4 };

/* ---- frames; in a section ---- */

static bool is_usable(const struct netdev *d)
{
	return READ_ONCE(d->flags) & IFF_UP && READ_ONCE(d->carrier);
}

static bool is_group(const uint8_t *mac)
{
	return mac[0] & 1;
}

/* 802.1D 7.12.6: 01-80-C2-00-00-00 to -0F are for the stations of one segment. */
static bool is_reserved(const uint8_t *mac)
{
	static const uint8_t block[5] = {0x01, 0x80, 0xc2, 0x00, 0x00};

	return !memcmp(mac, block, sizeof(block)) && mac[5] < 16;
}

static bool is_zero(const uint8_t *mac)
{
	static const uint8_t zero[ETH_ALEN];

	return !memcmp(mac, zero, ETH_ALEN);
}

static void drop(struct netdev *d, struct pkt *p)
{
	d->pcpu[cpu_id()].tx_dropped++;
	pkt_free(p);
}

/* Bytes of the largest frame that @p becomes at least. */
static uint32_t frame_len(const struct pkt *p)
{
	return p->gso ? p->l4 - p->off + p->gso_size : p->len;
}

/* Consumes @p. */
static void send_by(const struct bridge_port *port, struct pkt *p)
{
	struct netdev *d = port->dev;

	if (unlikely(frame_len(p) > READ_ONCE(d->mtu) + ETH_HLEN + TAG_ROOM)) {
		drop(d, p);
		return;
	}
	p->dev = d;
	if (p->csum == CSUM_VERIFIED)
		p->csum = CSUM_NONE;
	p->tstamp_ns = 0;
	(void)netdev_xmit(p);
}

static void send_copy(const struct bridge_port *port, const struct pkt *p)
{
	struct pkt *copy = pkt_clone(p);

	if (copy)
		send_by(port, copy);
	else
		port->dev->pcpu[cpu_id()].tx_dropped++;
}

/* Up the stack. @is_own: to an address of the bridge or a port. Consumes @p. */
static void to_stack(struct netdev *br, struct pkt *p, bool is_own)
{
	struct netdev_stats *st = &br->pcpu[cpu_id()];

	st->rx_packets++;
	st->rx_bytes += p->len;
	p->dev = br;
	if (!eth_parse(p)) {
		st->rx_dropped++;
		pkt_free(p);
		return;
	}
	if (is_own)
		p->type = PKT_HOST;
	st->multicast += p->type == PKT_MULTICAST;
	netdev_deliver(p);
}

static void copy_to_stack(struct netdev *br, const struct pkt *p)
{
	struct pkt *copy = pkt_clone(p);

	if (copy)
		to_stack(br, copy, false);
	else
		br->pcpu[cpu_id()].rx_dropped++;
}

/* To every port but @from. Consumes @p. */
static void flood(struct bridge *b, const struct bridge_port *from, struct pkt *p)
{
	const struct bridge_port *port, *last = NULL;

	list_for_each_entry_rcu(port, &b->ports, node)
	{
		if (port == from || !is_usable(port->dev))
			continue;
		if (last)
			send_copy(last, p);
		last = port;
	}
	if (last)
		send_by(last, p);
	else
		pkt_free(p);
}

/* A frame that came in at @from or, NULL, leaves by the bridge itself. Consumes @p. */
static void pass_on(struct bridge *b, const struct bridge_port *from, struct pkt *p)
{
	const uint8_t *dst = ((const struct eth_hdr *)pkt_data(p))->dst;
	const struct fdb_entry *f = is_group(dst) ? NULL : fdb_find(b, dst);
	const struct bridge_port *to = f ? READ_ONCE(f->port) : NULL;

	if (f && f->is_local) {
		if (from)
			to_stack(b->dev, p, true);
		else
			drop(b->dev, p);
		return;
	}
	if (from && (is_group(dst) || READ_ONCE(b->dev->flags) & IFF_PROMISC))
		copy_to_stack(b->dev, p);
	if (!to)
		flood(b, from, p);
	else if (to != from && is_usable(to->dev))
		send_by(to, p);
	else
		pkt_free(p); /* the destination has heard it already, or is cut off */
}

/* rx_handler of the ports. */
static bool receive(struct netdev *d, struct pkt *p)
{
	struct bridge_port *port = d->rx_handler_data;
	struct bridge *b = bridge_of(port->br);
	const struct eth_hdr *h = (const struct eth_hdr *)pkt_data(p);

	if (is_reserved(h->dst))
		return false;
	if (!(READ_ONCE(b->dev->flags) & IFF_UP) || is_group(h->src) || is_zero(h->src)) {
		d->pcpu[cpu_id()].rx_dropped++;
		pkt_free(p);
		return true;
	}
	fdb_learn(b, h->src, port);
	pass_on(b, port, p);
	return true;
}

static int bridge_xmit(struct netdev *d, unsigned queue, struct pkt *p)
{
	(void)queue;
	if (pkt_need(p, ETH_HLEN))
		pass_on(bridge_of(d), NULL, p);
	else
		drop(d, p);
	return 0;
}

/* ---- properties; config lock held ---- */

/* What the bridge takes from its ports. */
static void follow_ports(struct bridge *b)
{
	unsigned mtu = b->dev->max_mtu;
	const uint8_t *mac = NULL;
	struct bridge_port *port;
	bool carrier = false;

	list_for_each_entry (port, &b->ports, node) {
		const struct netdev *d = port->dev;

		if (!mac || memcmp(d->addr, mac, ETH_ALEN) < 0)
			mac = d->addr;
		mtu = MIN(mtu, d->mtu);
		carrier |= is_usable(d);
	}
	if (mac && !b->own_mac && memcmp(mac, b->dev->addr, ETH_ALEN))
		netdev_follow_mac(b->dev, mac);
	if (!b->own_mtu) {
		mtu = mac ? MAX(mtu, b->dev->min_mtu) : MTU_WITHOUT_PORTS;
		if (netdev_set_mtu(b->dev, mtu))
			log_warn("%s: cannot have an MTU of %u", b->dev->name, mtu);
		b->own_mtu = false;
	}
	netdev_set_carrier(b->dev, carrier);
}

static void sync_local(struct bridge *b)
{
	if (fdb_sync_local(b))
		log_warn("%s: no memory for its own addresses", b->dev->name);
}

static void sweep(struct net_timer *t)
{
	struct bridge *b = container_of(t, struct bridge, sweep);

	fdb_sweep(b);
	if (READ_ONCE(b->dev->flags) & IFF_UP)
		(void)net_timer_arm(t, clock_ns() + SWEEP_NS);
}

static int bridge_open(struct netdev *d)
{
	(void)net_timer_arm(&bridge_of(d)->sweep, clock_ns() + SWEEP_NS);
	return 0;
}

static void bridge_stop(struct netdev *d)
{
	(void)net_timer_cancel(&bridge_of(d)->sweep);
}

static int bridge_set_mac(struct netdev *d, const uint8_t *mac)
{
	(void)mac;
	bridge_of(d)->own_mac = true;
	return 0;
}

static int bridge_set_mtu(struct netdev *d, unsigned mtu)
{
	(void)mtu;
	bridge_of(d)->own_mtu = true;
	return 0;
}

static void bridge_free(struct netdev *d)
{
	fdb_free(bridge_of(d));
}

/* ---- ports; config lock held ---- */

static int free_number(const struct bridge *b, uint16_t *out)
{
	const struct bridge_port *port;
	uint16_t n = 1;

	list_for_each_entry (port, &b->ports, node) { /* in the order of their numbers */
		if (port->number != n)
			break;
		n++;
	}
	*out = n;
	return n > PORTS_MAX ? -EXFULL : 0;
}

static int may_join(const struct netdev *d)
{
	const struct netdev *low;

	if (d->flags & IFF_LOOPBACK || d->type != ARPHRD_ETHER || d->hard_header != ETH_HLEN)
		return -EINVAL;
	for (low = d; low->kind && !strcmp(low->kind, "vlan");)
		low = low->lower;
	if (bridge_is(low))
		return -ELOOP;
	return d->master || d->rx_handler ? -EBUSY : 0;
}

/* Before the first port with a higher number. */
static void link_port(struct bridge *b, struct bridge_port *port)
{
	struct bridge_port *at;

	list_for_each_entry (at, &b->ports, node)
		if (at->number > port->number)
			break;
	list_add_tail(&port->node, &at->node);
}

/* It has left: @port is nobody's, and the memory goes. */
static void unlink_port(struct bridge *b, struct bridge_port *port)
{
	rcu_synchronize(); /* nobody learns by it any more */
	list_del_rcu(&port->node);
	fdb_flush_port(b, port, true);
	rcu_synchronize(); /* nobody has found it */
	kfree(port);
	sync_local(b); /* another port may have the same address */
}

static int bridge_add_port(struct netdev *br, struct netdev *d)
{
	struct bridge *b = bridge_of(br);
	struct bridge_port *port;
	uint16_t number;
	int err = may_join(d);

	if (!err)
		err = free_number(b, &number);
	if (err)
		return err;
	port = kzalloc(sizeof(*port));
	if (!port)
		return -ENOMEM;
	*port = (struct bridge_port){.dev = d, .br = br, .number = number};
	link_port(b, port);
	err = fdb_sync_local(b);
	if (err) {
		unlink_port(b, port);
		return err;
	}
	d->master = br;
	d->rx_handler_data = port;
	smp_store_release(&d->rx_handler, receive);
	netdev_promisc(d, 1);
	netdev_changed(d);
	follow_ports(b);
	return 0;
}

/* @is_going: the device itself goes. */
static void leave(struct netdev *d, bool is_going)
{
	struct bridge_port *port = d->rx_handler_data;
	struct bridge *b = bridge_of(port->br);

	WRITE_ONCE(d->rx_handler, NULL);
	d->master = NULL;
	unlink_port(b, port);
	d->rx_handler_data = NULL;
	if (!is_going) {
		netdev_promisc(d, -1);
		netdev_changed(d);
	}
	if (!b->is_going)
		follow_ports(b);
}

static int bridge_del_port(struct netdev *br, struct netdev *d)
{
	if (d->master != br)
		return -EINVAL;
	leave(d, false);
	return 0;
}

static const struct netdev_ops bridge_ops = {
	.open = bridge_open,
	.stop = bridge_stop,
	.xmit = bridge_xmit,
	.set_mac = bridge_set_mac,
	.set_mtu = bridge_set_mtu,
	.free = bridge_free,
	.add_port = bridge_add_port,
	.del_port = bridge_del_port,
};

bool bridge_is(const struct netdev *d)
{
	return d->ops == &bridge_ops;
}

static void let_ports_go(struct bridge *b)
{
	b->is_going = true;
	while (!list_empty(&b->ports))
		leave(list_first(&b->ports, struct bridge_port, node)->dev, false);
}

static void on_event(struct netdev *d, enum netdev_event e)
{
	if (bridge_is(d) && e == NETDEV_GOING)
		let_ports_go(bridge_of(d));
	if (bridge_is(d) && e == NETDEV_MAC)
		sync_local(bridge_of(d));
	if (!d->master || !bridge_is(d->master))
		return;
	if (e == NETDEV_GOING) {
		leave(d, true);
		return;
	}
	if (!is_usable(d))
		fdb_flush_port(bridge_of(d->master), d->rx_handler_data, false);
	if (e == NETDEV_MAC)
		sync_local(bridge_of(d->master));
	follow_ports(bridge_of(d->master));
}

/* ---- made and destroyed ---- */

static int bridge_create(struct net *net, const char *name, const void *arg, struct netdev **out)
{
	struct netdev *d;
	struct bridge *b;
	int err = netdev_create_kind("bridge", name, sizeof(struct bridge), &bridge_ops, &d);

	(void)arg;
	if (err)
		return err;
	b = bridge_of(d);
	b->dev = d;
	list_init(&b->ports);
	b->ageing_ns = AGEING_NS;
	net_timer_init(&b->sweep, sweep);
	fdb_init(b);
	d->carrier = false;
	d->max_mtu = 65535;
	d->features = d->hw_features = NETIF_TX_CSUM | NETIF_SG | NETIF_TSO4 | NETIF_TSO6 |
				       NETIF_GSO_UDP | NETIF_VLAN_TX;
	err = fdb_sync_local(b);
	if (!err)
		err = netdev_register(net, d);
	if (err)
		netdev_put(d);
	else
		*out = d;
	return err;
}

static struct netdev_watcher bridge_watcher = {.event = on_event};
static struct netdev_kind bridge_kind = {
	.name = "bridge",
	.create = bridge_create,
	.destroy = netdev_unregister,
};

void bridge_init(void)
{
	netdev_watch(&bridge_watcher);
	netdev_kind_register(&bridge_kind);
}

/* ---- told and asked ---- */

unsigned bridge_port_number(const struct netdev *d)
{
	unsigned number = 0;

	rcu_read_lock();
	if (READ_ONCE(d->rx_handler) == receive)
		number = ((const struct bridge_port *)d->rx_handler_data)->number;
	rcu_read_unlock();
	return number;
}

uint64_t bridge_ageing(const struct netdev *br)
{
	return READ_ONCE(bridge_of(br)->ageing_ns);
}

void bridge_set_ageing(struct netdev *br, uint64_t ns)
{
	WRITE_ONCE(bridge_of(br)->ageing_ns, ns);
}
