/*
 * core.h - between the files of the network core (net.c, netdev.c, xmit.c, gro.c): not for
 * protocols and drivers.
 */
#pragma once
#include <net.h>
#include <netdev.h>
#include <arch/percpu.h>

/* What a CPU has to do before its outermost section ends; net_exit() looks at this one word. */
enum net_work { NET_WORK_BACKLOG = 1, NET_WORK_DOORBELL = 2 };
struct net_section {
	uint32_t depth;
	uint32_t work; /* net_work bits */
};
DECLARE_PER_CPU(struct net_section, net_section);

/* One round of this CPU's network thread: expired timers, polls, backlog. True: there is more. */
bool net_round(void);

bool net_tstamp_wanted(void);
/* A packet that comes up from a device or out of the backlog: taps, rx_handler, protocol. Consumes;
 * in a section. */
void netdev_deliver(struct pkt *p);
/* Show @p, from its link header on, to the taps of @d and of all devices. */
void netdev_tap_pkt(struct netdev *d, struct pkt *p);

enum {
	/* in front of received frames, for tags of those that are forwarded */
	RX_HEADROOM = PKT_LINEAR - NETDEV_RX_COPY,
	VLAN_VID_MASK = 0xfff
};
/* ether.c: find out what p->dev's link header says: l2, protocol, type; takes an 802.1Q tag out of
 * the data. False: too short. */
bool __must_check eth_parse(struct pkt *p);
/* Put p->vlan_tci into the data. False: no room, or too short. */
bool __must_check eth_tag(struct pkt *p);
/* gro.c: bytes of Ethernet, IP and transport headers at the beginning of a frame, at most
 * NETDEV_RX_COPY and @len. */
unsigned eth_header_len(const uint8_t *data, unsigned len);
/* Keep @p to merge it with what follows, or merge it: true, consumed. */
bool gro_receive(struct pkt *p);
/* gso.c: is @p, which is larger than a packet, one that @features let the device cut up itself? */
bool gso_by_device(const struct pkt *p, uint32_t features);
/* Tell the devices of what was put on their rings in this section. */
void xmit_flush(void);

/* xmit.c: a queue of @d begins; what waits in it is dropped (the device is stopped). */
void txq_init(struct netdev *d, unsigned index);
void txq_purge(struct netdev_txq *q);

/* Boot: what net_init() (init.c) puts together. */
void net_core_init(void); /* sections, pkts, devices; protocols can register */
void net_threads_start(void);
void netdev_init(void);
void netdev_config_init(void);
void loopback_init(struct net *net);
void dummy_init(void);
void veth_init(void);
void vlan_init(void);
void bridge_init(void);
void tun_init(void);
