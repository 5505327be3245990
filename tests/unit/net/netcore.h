/*
 * netcore.h - for tests of the network core: a device whose ring is the test's, frames, sections.
 */
#pragma once
#include <csum.h>
#include <error.h>
#include <net.h>
#include <netdev.h>
#include <pkt.h>
#include <unit.h>
#include "kernel/net/core.h"
#include "kernel/net/wire.h"

static struct pkt_queue sent; /* what the test's device was given */
static unsigned ring_room = 1000, doorbells;

static inline int fake_xmit(struct netdev *d, unsigned queue, struct pkt *p)
{
	(void)d, (void)queue;
	if (!ring_room)
		return -EBUSY;
	ring_room--;
	pkt_enqueue(&sent, p);
	return 0;
}
static inline void fake_done(struct netdev *d, unsigned queue)
{
	(void)d, (void)queue;
	doorbells++;
}
static const struct netdev_ops fake_ops = {
	.xmit = fake_xmit, .xmit_done = fake_done, .set_mac = netdev_mac_any};
static const uint8_t fake_mac[6] = {2, 0, 0, 0, 0, 1}, peer_mac[6] = {2, 0, 0, 0, 0, 2},
		     all_mac[6] = {255, 255, 255, 255, 255, 255};

static inline void core_begin(void)
{
	static bool is_ready;

	if (!is_ready) {
		net_core_init();
		loopback_init(&net_initial);
	}
	is_ready = true;
	pkt_queue_init(&sent);
	ring_room = 1000;
	doorbells = 0;
}

/* Registered and up. */
static inline struct netdev *fake_device(const char *name, uint32_t features)
{
	struct netdev *d = netdev_create(name, 0, 1);

	d->ops = &fake_ops;
	d->features = features;
	d->max_mtu = 9000;
	memcpy(d->addr, fake_mac, 6);
	net_config_lock();
	PANIC_ON(netdev_register(&net_initial, d) || netdev_open(d));
	net_config_unlock();
	return d;
}
static inline void fake_gone(struct netdev *d)
{
	net_config_lock();
	netdev_unregister(d);
	net_config_unlock();
	unit_rcu_flush();
}

static inline struct pkt *frame(
	struct netdev *d, const uint8_t *dst, unsigned type, const void *data, unsigned n)
{
	struct pkt *p = pkt_alloc_tx();

	PANIC_ON(!p || pkt_append_bytes(p, data, n));
	eth_push(p, dst, peer_mac, (uint16_t)type);
	p->dev = d;
	return p;
}
