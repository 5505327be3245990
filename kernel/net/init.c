/*
 * init.c - the network room's boot step: its parts in their order.
 */
#include <net.h>
#include "core.h"

void net_init(void)
{
	net_core_init();
	loopback_init(&net_initial);
	net_threads_start();
}
