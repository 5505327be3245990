/*
 * inet_pending.c - weak stand-ins for parts of the stack that this tree does not have yet.
 */
#include "inetdev.h"
#include "neigh.h"

__weak int ip6_send(
	struct net *net, const struct dst *d, const struct inet_send_args *a, struct pkt *p)
{
	pkt_free(p);
	return -ENETUNREACH;
}
__weak void ip6_init(void)
{
}
__weak int ip4_fragment(
	struct net *net, const struct dst *d, struct pkt *p, unsigned mtu, bool loop)
{
	pkt_free(p);
	return -EMSGSIZE;
}
__weak struct pkt *ip4_reassemble(struct net *net, struct pkt *p)
{
	pkt_free(p);
	return NULL;
}
__weak void ip_frag_init(void)
{
}
__weak void icmp6_init(void)
{
}
__weak void icmp6_send(struct net *net, struct pkt *p, enum icmp_reason why, uint32_t info)
{
}
__weak void raw_init(void)
{
}
__weak void ping_init(void)
{
}
__weak bool raw_deliver(struct net *net, struct pkt *p)
{
	return false;
}
__weak void raw_error(struct net *net, struct pkt *p, const struct inet_error *e)
{
}
__weak void ping_input(struct net *net, struct pkt *p)
{
	pkt_free(p);
}
__weak void ping_error(struct net *net, struct pkt *p, const struct inet_error *e)
{
}
__weak void igmp_init(void)
{
}
__weak void mld_init(void)
{
}
__weak void igmp_dev_init(struct inet_dev *idev)
{
}
__weak void igmp_dev_gone(struct inet_dev *idev)
{
}
__weak void igmp_changed(struct ip_group *g, bool gone)
{
}
__weak void mld_changed(struct ip_group *g, bool gone)
{
}
__weak void ndisc_init(void)
{
}
__weak void ndisc_dev_init(struct inet_dev *idev)
{
}
__weak void ndisc_up(struct inet_dev *idev)
{
}
__weak void ndisc_down(struct inet_dev *idev)
{
}
__weak void ndisc_dad_start(struct ifaddr *ia)
{
}
__weak void ndisc_solicit(struct netdev *d, const struct ip_addr *target, const struct ip_addr *src,
	const uint8_t *unicast)
{
}
__weak const struct net_sysctl net_sysctls[1];
__weak const unsigned net_sysctl_count;
__weak int net_sysctl_get(struct net *net, unsigned nth, uint32_t *values)
{
	return -ENOENT;
}
__weak int net_sysctl_set(struct net *net, unsigned nth, const uint32_t *values, unsigned n)
{
	return -ENOENT;
}
__weak int route_get(struct net *net, const struct ip_addr *dst, const struct ip_addr *src,
	uint32_t ifindex, uint32_t mark, struct rt_entry *out)
{
	return -ENETUNREACH;
}
__weak int bridge_add_port(struct netdev *bridge, struct netdev *port)
{
	return -EOPNOTSUPP;
}
__weak int bridge_del_port(struct netdev *port)
{
	return -EOPNOTSUPP;
}
