/*
 * vlan.c - 802.1Q: an interface for one VLAN of another, its real device (->lower).
 *
 * Sending notes the tag in the pkt, for the real device to put on; receiving is netdev.c's, which
 * looks into the real device's ->vlans. A VLAN goes down, up and away with its real device, and
 * keeps its MTU within that one's. Its address is the real one's until it is given its own.
 *
 * Locks: all under the config lock; packets find it by RCU. ->lower is no reference: the VLAN is
 * unregistered before its real device.
 *
 * Does not: 802.1ad, priority maps, GVRP; the list of groups of the real device (it takes all).
 */
#include <netdev.h>
#include <error.h>
#include <log.h>
#include <string.h>
#include "core.h"

enum { VLAN_NESTING = 8, VLAN_ID_MAX = 4094 };

struct vlan { /* [config lock] */
	bool is_open, own_mac;
	bool promisc; /* counted at the real device */
};

static int vlan_xmit(struct netdev *d, unsigned queue, struct pkt *p)
{
	(void)queue;
	p->vlan_tci = d->vlan_id;
	p->has_vlan = true;
	p->dev = d->lower;
	return netdev_xmit(p);
}

/* The real device is promiscuous as long as it must hear what is not sent to its own address. */
static void follow_promisc(struct netdev *d)
{
	struct vlan *v = d->priv;
	bool want = v->is_open &&
		    (d->flags & IFF_PROMISC || memcmp(d->addr, d->lower->addr, ETH_ALEN));

	if (want == v->promisc)
		return;
	v->promisc = want;
	netdev_promisc(d->lower, want ? 1 : -1);
}

static int vlan_open(struct netdev *d)
{
	struct vlan *v = d->priv;

	if (!(d->lower->flags & IFF_UP))
		return -ENETDOWN;
	v->is_open = true;
	netdev_allmulti(d->lower, 1);
	follow_promisc(d);
	netdev_set_carrier(d, READ_ONCE(d->lower->carrier));
	return 0;
}

static void vlan_stop(struct netdev *d)
{
	struct vlan *v = d->priv;

	v->is_open = false;
	netdev_allmulti(d->lower, -1);
	follow_promisc(d);
}

static int vlan_set_mac(struct netdev *d, const uint8_t *mac)
{
	struct vlan *v = d->priv;

	(void)mac;
	v->own_mac = true;
	return 0;
}

static int vlan_set_mtu(struct netdev *d, unsigned mtu)
{
	return mtu > d->lower->mtu ? -ERANGE : 0;
}

static const struct netdev_ops vlan_ops = {
	.open = vlan_open,
	.stop = vlan_stop,
	.xmit = vlan_xmit,
	.set_mac = vlan_set_mac,
	.set_mtu = vlan_set_mtu,
};

/* Can @lower carry VLAN @id? */
static int check(struct netdev *lower, unsigned id)
{
	struct netdev *d;
	unsigned depth = 1;

	if (id > VLAN_ID_MAX)
		return -ERANGE;
	if (lower->type != ARPHRD_ETHER || lower->hard_header != ETH_HLEN)
		return -EOPNOTSUPP;
	for (d = lower; d->kind && !strcmp(d->kind, "vlan"); d = d->lower)
		depth++;
	if (depth >= VLAN_NESTING)
		return -EMLINK;
	list_for_each_entry (d, &lower->vlans, vlan_node)
		if (d->vlan_id == id)
			return -EEXIST;
	return 0;
}

/* A device that cannot tag gets finished frames: it might not find the headers behind a tag. */
static uint32_t features_over(const struct netdev *lower)
{
	const uint32_t by_tagger = NETIF_LOOPBACK_LIKE | NETIF_TX_CSUM | NETIF_TSO4 | NETIF_TSO6 |
				   NETIF_GSO_UDP;

	return (lower->features & NETIF_SG) |
	       (lower->features & NETIF_VLAN_TX ? lower->features & by_tagger : 0);
}

static int vlan_create(struct net *net, const char *name, const void *arg, struct netdev **out)
{
	const struct netdev_kind_arg *a = arg;
	struct netdev *d;
	int err;

	if (!a || !a->lower || !a->has_vlan_id)
		return -EINVAL;
	err = check(a->lower, a->vlan_id);
	if (!err)
		err = netdev_create_kind("vlan", name, sizeof(struct vlan), &vlan_ops, &d);
	if (err)
		return err;
	memcpy(d->addr, a->lower->addr, ETH_ALEN);
	d->lower = a->lower;
	d->vlan_id = (uint16_t)a->vlan_id;
	d->mtu = a->lower->mtu;
	d->min_mtu = 0;
	d->max_mtu = 65535;
	d->features = d->hw_features = features_over(a->lower);
	d->carrier = READ_ONCE(a->lower->carrier);
	err = netdev_register(net, d);
	if (err) {
		netdev_put(d);
		return err;
	}
	list_add_tail(&d->vlan_node, &a->lower->vlans);
	*out = d;
	return 0;
}

static void vlan_destroy(struct netdev *d)
{
	list_del_rcu(&d->vlan_node);
	netdev_unregister(d);
}

/* What happens to the real device happens to @d. */
static void follow(struct netdev *d, struct netdev *lower, enum netdev_event e)
{
	const struct vlan *v = d->priv;
	int err = 0;

	switch (e) {
	case NETDEV_GOING:
		vlan_destroy(d);
		break;
	case NETDEV_UP:
		err = netdev_open(d);
		break;
	case NETDEV_DOWN:
		netdev_stop(d);
		break;
	case NETDEV_MTU:
		if (d->mtu > lower->mtu)
			err = netdev_set_mtu(d, lower->mtu);
		break;
	case NETDEV_MAC:
		if (!v->own_mac)
			netdev_follow_mac(d, lower->addr);
		follow_promisc(d);
		break;
	case NETDEV_CHANGED:
		netdev_set_carrier(d, READ_ONCE(lower->carrier));
		break;
	default:
		break;
	}
	if (err)
		log_warn("%s: cannot follow %s: error %d", d->name, lower->name, -err);
}

static void vlan_event(struct netdev *d, enum netdev_event e)
{
	struct netdev *v, *next;

	if (d->ops == &vlan_ops && (e == NETDEV_CHANGED || e == NETDEV_MAC))
		follow_promisc(d);
	list_for_each_entry_safe (v, next, &d->vlans, vlan_node)
		follow(v, d, e);
}

static struct netdev_watcher vlan_watcher = {.event = vlan_event};
static struct netdev_kind vlan_kind = {
	.name = "vlan",
	.create = vlan_create,
	.destroy = vlan_destroy,
};

void vlan_init(void)
{
	netdev_watch(&vlan_watcher);
	netdev_kind_register(&vlan_kind);
}
