/*
 * pending.c - weak stand-ins for packet and interface code that this tree does not have yet.
 */
#include <netdev.h>
#include <socket.h>

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
__weak void pkt_copy_bytes(const struct pkt *p, unsigned off, void *to, size_t n)
{
}
__weak void pkt_free(struct pkt *p)
{
}
__weak void pkt_orphan(struct pkt *p)
{
}
__weak void pkt_queue_purge(struct pkt_queue *q)
{
}
__weak void pkt_trim(struct pkt *p, unsigned len)
{
}
