/*
 * pending.c - weak stand-ins for interface code that this tree does not have yet.
 */
#include <netdev.h>
#include <pkt.h>
#include <socket.h>
#include "inet.h"

__weak struct net net_initial;
__weak bool net_mem_charge(uint64_t bytes)
{
	return true;
}
__weak void net_mem_uncharge(uint64_t bytes)
{
}
__weak struct netdev *netdev_get_by_index(struct net *net, uint32_t ifindex)
{
	return NULL;
}
__weak struct netdev *netdev_get_by_name(struct net *net, const char *name)
{
	return NULL;
}
__weak void netdev_put(struct netdev *d)
{
}
__weak void net_init(void)
{
	pkt_init();
	unix_init();
}
