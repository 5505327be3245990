/*
 * init.c - the network room's boot step: its parts in their order.
 */
#include <net.h>
#include "core.h"
#include "inet.h"

void net_init(void)
{
	net_core_init();
	loopback_init(&net_initial);
	inet_init();
	unix_init();
	net_threads_start();
}
