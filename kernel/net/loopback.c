/*
 * loopback.c - "lo": what is sent comes in again, on the same CPU, through the backlog.
 *
 * Nothing is copied, summed or cut up: a 64 KiB packet of TCP arrives as it left.
 */
#include <netdev.h>
#include <debug.h>
#include <string.h>
#include "core.h"

static int loopback_xmit(struct netdev *d, unsigned queue, struct pkt *p)
{
	(void)queue;
	netdev_loop(p, d);
	return 0;
}

static const struct netdev_ops loopback_ops = {
	.xmit = loopback_xmit,
	.set_mac = netdev_mac_any,
};

void loopback_init(struct net *net)
{
	struct netdev *d = netdev_create("lo", 0, 0);
	int err;

	if (!d)
		panic("no memory for lo");
	d->ops = &loopback_ops;
	d->type = ARPHRD_LOOPBACK;
	d->flags = IFF_LOOPBACK;
	d->mtu = d->max_mtu = 65536;
	d->min_mtu = 0;
	d->features = d->hw_features = NETIF_LOOPBACK_LIKE | NETIF_TX_CSUM | NETIF_RX_CSUM |
				       NETIF_SG | NETIF_TSO4 | NETIF_TSO6 | NETIF_GSO_UDP;
	memset(d->broadcast, 0, sizeof(d->broadcast));
	net_config_lock();
	net->loopback = d;
	err = netdev_register(net, d);
	net_config_unlock();
	if (err)
		panic("lo: error %d", -err);
}
