/*
 * inet_pending.c - weak stand-ins for parts of the stack that this tree does not have yet.
 */
#include "inetdev.h"
#include "neigh.h"

__weak DEFINE_PER_CPU(uint64_t[MIB_COUNT], net_mib);
__weak void net_enter(void)
{
}
__weak void net_exit(void)
{
}
__weak void net_backlog(struct pkt *p)
{
	pkt_free(p);
}
__weak void net_timer_init(struct net_timer *t, void (*fn)(struct net_timer *))
{
	t->fn = fn;
}
__weak bool net_timer_arm(struct net_timer *t, uint64_t deadline_ns)
{
	return false;
}
__weak bool net_timer_cancel(struct net_timer *t)
{
	return false;
}
__weak bool net_timer_pending(const struct net_timer *t)
{
	return false;
}
__weak void net_config_lock(void)
{
}
__weak void net_config_unlock(void)
{
}
__weak void net_config_assert(void)
{
}
__weak struct netdev *netdev_by_index_rcu(struct net *net, uint32_t ifindex)
{
	return NULL;
}
__weak int netdev_mcast_add(struct netdev *d, const uint8_t *addr)
{
	return 0;
}
__weak void netdev_mcast_del(struct netdev *d, const uint8_t *addr)
{
}
__weak void netdev_watch(struct netdev_watcher *w)
{
}
__weak void netdev_proto_register(struct netdev_proto *np)
{
}
__weak int netdev_xmit(struct pkt *p)
{
	pkt_free(p);
	return 0;
}
__weak void eth_push(struct pkt *p, const uint8_t *dst, const uint8_t *src, uint16_t type)
{
}
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
