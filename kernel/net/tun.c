/*
 * tun.c - TUN and TAP: interfaces whose other end is a program with /dev/net/tun open.
 *
 * TUN carries IP packets, TAP Ethernet frames. What the stack sends waits in the file's queue until
 * the program reads it (tun_dev.c); what it writes comes in by netdev_rx(). One file at a time: no
 * IFF_MULTI_QUEUE.
 *
 * Lifetimes. Interface and open file point to each other under the configuration lock; the file
 * holds a reference to the interface. The sender finds the file by RCU, so detaching waits for a
 * grace period before the file may go. An interface that is not persistent goes with its file; a
 * file whose interface goes first (`ip link del`) has none from then on.
 *
 * Bounds. A queue holds tx_queue_len frames and QUEUE_BYTES bytes; the newest are dropped.
 */
#include "tun.h"
#include "core.h"
#include <debug.h>
#include <error.h>
#include <poll.h>
#include <string.h>
#include <vnet_hdr.h>
#include <arch/percpu.h>

#define QUEUE_FRAMES 500u
#define QUEUE_BYTES  (4u << 20)
#define TAP_MTU_MAX  (65535u - ETH_HLEN)

enum { /* TUNSETOFFLOAD */
	TUN_F_CSUM = 0x01,
	TUN_F_TSO4 = 0x02,
	TUN_F_TSO6 = 0x04,
	TUN_F_TSO_ECN = 0x08,
	TUN_F_UFO = 0x10, /* datagrams to be fragmented: none are made here */
	TUN_F_USO4 = 0x20,
	TUN_F_USO6 = 0x40,
	TUN_F_TSO = TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN,
	TUN_F_USO = TUN_F_USO4 | TUN_F_USO6
};

/* ---- the queue ---- */

void tun_file_init(struct tun_file *tf)
{
	spin_init(&tf->lock);
	pkt_queue_init(&tf->queue);
	wait_queue_init(&tf->readers);
}

struct pkt *tun_file_take(struct tun_file *tf)
{
	struct pkt *p;

	spin_lock(&tf->lock);
	p = pkt_dequeue(&tf->queue);
	spin_unlock(&tf->lock);
	return p;
}

/* Consumes @p. */
static bool put(struct tun_file *tf, struct pkt *p, uint32_t most)
{
	bool ok = pkt_own_pages(p);

	pkt_orphan(p);
	spin_lock(&tf->lock);
	ok = ok && tf->attached && tf->queue.count < most &&
	     tf->queue.bytes + p->len <= QUEUE_BYTES;
	if (ok)
		pkt_enqueue(&tf->queue, p);
	spin_unlock(&tf->lock);
	if (!ok)
		pkt_free(p);
	else if (wait_queue_active(&tf->readers))
		wake_up_key(&tf->readers, POLLIN | POLLRDNORM);
	return ok;
}

/* ---- the interface ---- */

static int tun_xmit(struct netdev *d, unsigned queue, struct pkt *p)
{
	struct tun_file *tf = rcu_dereference(tun_of(d)->file);

	(void)queue;
	if (likely(tf != NULL)) {
		if (put(tf, p, READ_ONCE(d->tx_queue_len)))
			return 0;
	} else {
		pkt_free(p);
	}
	d->pcpu[cpu_id()].tx_dropped++;
	return -ENOBUFS;
}

static const struct netdev_ops tun_ops = {.xmit = tun_xmit};
static const struct netdev_ops tap_ops = {.xmit = tun_xmit, .set_mac = netdev_mac_any};

bool tun_is(const struct netdev *d)
{
	return d->ops == &tun_ops || d->ops == &tap_ops;
}

static void make_point_to_point(struct netdev *d)
{
	d->ops = &tun_ops;
	d->type = ARPHRD_NONE;
	d->hard_header = d->addr_len = 0;
	d->flags = IFF_POINTOPOINT | IFF_NOARP | IFF_MULTICAST;
	d->max_mtu = 65535;
	memset(d->broadcast, 0, sizeof(d->broadcast));
}

int tun_create(struct net *net, const char *name, uint32_t flags, struct netdev **out)
{
	struct netdev *d = netdev_create(name, sizeof(struct tun), 0);
	struct tun *t;
	int err;

	if (!d)
		return -EINVAL;
	t = tun_of(d);
	t->flags = flags & (IFF_TUN | IFF_TAP | TUN_FORMAT);
	t->vnet_len = sizeof(struct vnet_hdr);
	t->owner = t->group = (uint32_t)-1;
	t->sndbuf = INT32_MAX;
	d->kind = "tun";
	d->carrier = false;
	d->tx_queue_len = QUEUE_FRAMES;
	if (flags & IFF_TUN) {
		make_point_to_point(d);
	} else {
		d->ops = &tap_ops;
		d->max_mtu = TAP_MTU_MAX;
		netdev_ensure_mac(d);
	}
	d->features = NETIF_SG;
	d->hw_features = NETIF_SG | NETIF_TX_CSUM | NETIF_TSO4 | NETIF_TSO6 | NETIF_GSO_UDP;
	err = netdev_register(net, d);
	if (err)
		netdev_put(d);
	else
		*out = d;
	return err;
}

void tun_attach(struct netdev *d, struct tun_file *tf)
{
	net_config_assert();
	WRITE_ONCE(tf->nd, netdev_hold(d));
	spin_lock(&tf->lock);
	tf->attached = true;
	spin_unlock(&tf->lock);
	rcu_assign(tun_of(d)->file, tf);
	netdev_set_carrier(d, true);
}

/* The two part; what waited is lost. Who reads or polls learns that nothing will come. */
static void part(struct netdev *d, struct tun_file *tf)
{
	WRITE_ONCE(tun_of(d)->file, NULL);
	WRITE_ONCE(tf->nd, NULL);
	spin_lock(&tf->lock);
	tf->attached = false;
	pkt_queue_purge(&tf->queue);
	spin_unlock(&tf->lock);
	wake_up_all(&tf->readers);
	rcu_synchronize(); /* no sender looks at the file any more */
}

void tun_detach(struct tun_file *tf)
{
	struct netdev *d = tf->nd;

	net_config_assert();
	if (!d)
		return;
	part(d, tf);
	if (tun_of(d)->persistent)
		netdev_set_carrier(d, false);
	else
		netdev_unregister(d);
	netdev_put(d);
}

int tun_offload(struct netdev *d, unsigned long what)
{
	uint32_t features = 0;

	net_config_assert();
	if (what & ~(unsigned long)(TUN_F_CSUM | TUN_F_TSO | TUN_F_UFO | TUN_F_USO))
		return -EINVAL;
	if (what & ~(unsigned long)TUN_F_CSUM && !(what & TUN_F_CSUM))
		return -EINVAL;
	if (what & TUN_F_TSO_ECN && !(what & (TUN_F_TSO4 | TUN_F_TSO6)))
		return -EINVAL;
	if (what & TUN_F_CSUM)
		features |= NETIF_TX_CSUM;
	if (what & TUN_F_TSO4)
		features |= NETIF_TSO4;
	if (what & TUN_F_TSO6)
		features |= NETIF_TSO6;
	if ((what & TUN_F_USO) == TUN_F_USO)
		features |= NETIF_GSO_UDP;
	d->features = (d->features & ~d->hw_features) | NETIF_SG | features;
	return 0;
}

/* ---- netlink ---- */

static int refuse(struct net *net, const char *name, const void *arg, struct netdev **out)
{
	return -EOPNOTSUPP; /* they are made by their files alone */
}

static void destroy(struct netdev *d)
{
	struct tun_file *tf = tun_of(d)->file;

	if (tf) {
		part(d, tf);
		netdev_put(d); /* the file's */
	}
	netdev_unregister(d);
}

void tun_init(void)
{
	static struct netdev_kind kind = {.name = "tun", .create = refuse, .destroy = destroy};

	netdev_kind_register(&kind);
	tun_dev_init();
}
