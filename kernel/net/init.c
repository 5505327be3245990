/*
 * init.c - the network room's boot step: its parts in their order.
 */
#include <net.h>
#include "core.h"
#include "filter.h"
#include "inet.h"

void net_init(void)
{
	net_core_init();
	inet_init();
	tcp_init();
	unix_init();
	packet_init();
	filter_init();
	loopback_init(&net_initial);
	dummy_init();
	veth_init();
	vlan_init();
	bridge_init();
	tun_init();
	net_threads_start();
}
