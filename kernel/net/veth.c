/*
 * veth.c - pairs of interfaces joined back to back: what is sent by one comes in at the other.
 *
 * Nothing is copied, summed or cut up on the way. Both ends have carrier while both are up.
 *
 * Lifetime: ->lower is the other end, and no reference: the ends are made and destroyed together,
 * under the config lock. Senders read it in a net section; destroying clears it first, so that the
 * grace periods of netdev_unregister() see the last of them off before it flushes the backlog.
 */
#include <netdev.h>
#include <error.h>
#include "core.h"

enum { VETH_TAG = 4 }; /* a tag in the data comes on top of the MTU */

static int veth_xmit(struct netdev *d, unsigned queue, struct pkt *p)
{
	struct netdev *peer = READ_ONCE(d->lower);

	(void)queue;
	if (unlikely(!peer || !(READ_ONCE(peer->flags) & IFF_UP))) {
		d->pcpu[cpu_id()].tx_dropped++;
		pkt_free(p);
		return -ENETDOWN;
	}
	if (unlikely(!p->gso && p->len > READ_ONCE(peer->mtu) + ETH_HLEN + VETH_TAG)) {
		peer->pcpu[cpu_id()].rx_dropped++;
		pkt_free(p);
		return 0;
	}
	netdev_loop(p, peer);
	return 0;
}

static int veth_open(struct netdev *d)
{
	struct netdev *peer = d->lower;

	if (!peer)
		return -ENOTCONN;
	if (peer->flags & IFF_UP) {
		netdev_set_carrier(d, true);
		netdev_set_carrier(peer, true);
	}
	return 0;
}

static void veth_stop(struct netdev *d)
{
	netdev_set_carrier(d, false);
	if (d->lower)
		netdev_set_carrier(d->lower, false);
}

static const struct netdev_ops veth_ops = {
	.open = veth_open,
	.stop = veth_stop,
	.xmit = veth_xmit,
	.set_mac = netdev_mac_any,
};

static int make_end(const char *name, struct netdev **out)
{
	struct netdev *d;
	int err = netdev_create_kind("veth", name, 0, &veth_ops, &d);

	if (err)
		return err;
	d->carrier = false;
	d->max_mtu = 65535;
	d->features = d->hw_features = NETIF_LOOPBACK_LIKE | NETIF_TX_CSUM | NETIF_RX_CSUM |
				       NETIF_SG | NETIF_TSO4 | NETIF_TSO6 | NETIF_GSO_UDP |
				       NETIF_VLAN_TX;
	*out = d;
	return 0;
}

/* @arg's peer_name, NULL or empty: the next free veth%d. The peer is there first, as on Linux. */
static int veth_create(struct net *net, const char *name, const void *arg, struct netdev **out)
{
	const struct netdev_kind_arg *a = arg;
	struct netdev *d, *peer;
	int err = make_end(a && a->peer_name && *a->peer_name ? a->peer_name : "veth%d", &peer);

	if (err)
		return err;
	err = make_end(name, &d);
	if (err) {
		netdev_put(peer);
		return err;
	}
	err = netdev_register(net, peer);
	if (err) {
		netdev_put(peer);
		netdev_put(d);
		return err;
	}
	err = netdev_register(net, d);
	if (err) {
		netdev_unregister(peer);
		netdev_put(d);
		return err;
	}
	WRITE_ONCE(d->lower, peer);
	WRITE_ONCE(peer->lower, d);
	*out = d;
	return 0;
}

static void veth_destroy(struct netdev *d)
{
	struct netdev *peer = d->lower;

	WRITE_ONCE(d->lower, NULL);
	WRITE_ONCE(peer->lower, NULL);
	netdev_unregister(d);
	netdev_unregister(peer);
}

static struct netdev_kind veth_kind = {
	.name = "veth",
	.create = veth_create,
	.destroy = veth_destroy,
};

void veth_init(void)
{
	netdev_kind_register(&veth_kind);
}
