/*
 * dummy.c - interfaces without anything behind them: a place for addresses; what is sent ends here.
 */
#include <netdev.h>
#include "core.h"

static int dummy_xmit(struct netdev *d, unsigned queue, struct pkt *p)
{
	(void)d, (void)queue;
	pkt_free(p);
	return 0;
}

static const struct netdev_ops dummy_ops = {
	.xmit = dummy_xmit,
	.set_mac = netdev_mac_any,
};

static int dummy_create(struct net *net, const char *name, const void *arg, struct netdev **out)
{
	struct netdev *d;
	int err;

	(void)arg;
	err = netdev_create_kind("dummy", name, 0, &dummy_ops, &d);
	if (err)
		return err;
	d->flags = IFF_BROADCAST | IFF_NOARP;
	d->min_mtu = 0;
	d->max_mtu = 65535;
	err = netdev_register(net, d);
	if (err)
		netdev_put(d);
	else
		*out = d;
	return err;
}

static struct netdev_kind dummy_kind = {
	.name = "dummy",
	.create = dummy_create,
	.destroy = netdev_unregister,
};

void dummy_init(void)
{
	netdev_kind_register(&dummy_kind);
}
