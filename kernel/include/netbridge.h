/*
 * netbridge.h - what netlink, ioctl(2) and sysfs see of Ethernet bridges.
 *
 * Ports join and leave by netdev_ops' add_port and del_port. Theory: kernel/net/bridge.c
 */
#pragma once
#include <netdev.h>

bool bridge_is(const struct netdev *d);
/* 1 and up; 0: @d is no bridge's port. Racy without the config lock. */
unsigned bridge_port_number(const struct netdev *d);

/* After how many nanoseconds a station that sends nothing is forgotten; 0: at once. */
uint64_t bridge_ageing(const struct netdev *br);
void bridge_set_ageing(struct netdev *br, uint64_t ns);

struct bridge_station {
	uint8_t mac[ETH_ALEN];
	uint32_t
		ifindex; /* of the port it was heard at; local: the interface whose address it is */
	uint16_t port;   /* its number; 0: the bridge itself */
	bool is_local;
	uint64_t age_ns; /* since it was heard; 0 of a local one */
};
/* In an RCU read section: @fn for each station known, until it returns other than 0: that. */
int bridge_station_each(
	struct netdev *br, int (*fn)(const struct bridge_station *s, void *arg), void *arg);
