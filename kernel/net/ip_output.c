/*
 * ip_output.c - from a finished IP packet to a link: neighbours, multicast and broadcast link
 * addresses, copies for this host itself. And from an IP packet to a transport.
 */
#include "filter.h"
#include "inetdev.h"
#include "neigh.h"
#include <debug.h>

/* ---- output ---- */

unsigned gso_header(const struct pkt *p)
{
	if (p->gso == GSO_UDP)
		return 8;
	return (p->lin[p->l4 + 12] >> 4) * 4u; /* RFC 9293, 3.1: data offset */
}

static bool needs_neighbour(const struct netdev *d)
{
	return d->hard_header && !(d->flags & (IFF_NOARP | IFF_LOOPBACK));
}

/* For the link header. One that is forwarded may have lost it to its own headers: pkt_need(). */
static bool has_room(struct pkt *p)
{
	return pkt_headroom(p) >= p->dev->hard_header || pkt_need_headroom(p, p->dev->hard_header);
}

/* Loopback, and links where everybody hears everything. */
static int send_plain(struct pkt *p)
{
	struct netdev *d = p->dev;

	if (d->hard_header)
		eth_push(p, d->addr, d->addr, be16(p->protocol));
	return netdev_xmit(p);
}

/* A copy of what leaves by an interface, for this host's own members: as if it had come in there.
 */
static void loop_back(struct pkt *p, const uint8_t *lladdr)
{
	struct pkt *copy = pkt_clone(p);

	if (!copy)
		return;
	if (unlikely(!pkt_own_pages(copy))) {
		pkt_free(copy);
		return;
	}
	copy->type = PKT_LOOPED;
	if (copy->csum == CSUM_NONE)
		copy->csum = CSUM_VERIFIED;
	if (p->dev->hard_header)
		eth_push(copy, lladdr, p->dev->addr, be16(p->protocol));
	net_backlog(copy);
}

static uint8_t hops_left(struct pkt *p)
{
	return p->protocol == to_be16(ETH_P_IP) ? ip4_header(p)->ttl : ip6_header(p)->hops;
}

static int send_group(const struct dst *d, struct pkt *p, bool loop)
{
	const bool multicast = d->kind == DST_MULTICAST;
	const struct inet_dev *idev = inet_dev(d->dev);
	uint8_t ll[ETH_ALEN];

	if (d->dev->flags & IFF_LOOPBACK)
		return send_plain(p); /* comes back by itself */
	if (multicast)
		group_lladdr(&d->hop, ll);
	else
		memcpy(ll, d->dev->broadcast, sizeof(ll));
	if (!multicast || (loop && idev && group_joined(idev, &d->hop)))
		loop_back(p, ll);
	if (multicast && !hops_left(p)) {
		pkt_free(p);
		return 0;
	}
	if (d->dev->hard_header)
		eth_push(p, ll, d->dev->addr, be16(p->protocol));
	return netdev_xmit(p);
}

int ip_output(struct net *net, const struct dst *d, struct pkt *p, bool loop)
{
	struct neigh *n;
	int err;

	(void)net;
	p->dev = d->dev;
	if (unlikely(!has_room(p))) {
		mib_inc(p->protocol == to_be16(ETH_P_IP) ? MIB_IP_OUT_DISCARDS
							 : MIB_IP6_OUT_DISCARDS);
		pkt_free(p);
		return -ENOBUFS;
	}
	if (unlikely(d->kind == DST_MULTICAST || d->kind == DST_BROADCAST))
		return send_group(d, p, loop);
	if (!needs_neighbour(d->dev))
		return send_plain(p);
	if (likely(d->neigh && !READ_ONCE(d->neigh->dead)))
		return neigh_output(d->neigh, p);
	n = neigh_find(d->dev, &d->hop, true);
	if (!n) {
		pkt_free(p);
		return -ENOBUFS;
	}
	err = neigh_output(n, p);
	neigh_put(n);
	return err;
}

int inet_send(struct net *net, const struct dst *d, const struct inet_send_args *a, struct pkt *p)
{
	return ip_is_v4(&a->dst) ? ip4_send(net, d, a, p) : ip6_send(net, d, a, p);
}

void inet_cache_neighbour(struct dst *d)
{
	if (d->kind != DST_UNICAST || !needs_neighbour(d->dev) ||
		(d->neigh && !READ_ONCE(d->neigh->dead)))
		return;
	if (d->neigh)
		neigh_put(d->neigh);
	d->neigh = neigh_find(d->dev, &d->hop, true);
}

int inet_send_sk(struct inet_sock *is, struct pkt *p)
{
	struct dst *d = &is->dst;
	const bool v4 = ip_is_v4(&is->remote);
	const struct inet_send_args a = {
		.src = is->local,
		.dst = is->remote,
		.proto = is->proto,
		.ttl = v4 ? is->ttl : is->hops6,
		.tos = v4 ? is->tos : is->tclass6,
		.ttl_is_set = !v4 && is->hops6_is_set,
		.options = is->ip_options,
		.options_len = is->ip_options_len,
		.flow_label = is->flow_label,
		.pmtu_mode = v4 ? is->pmtu_mode : is->pmtu_mode6,
		.sk = is,
	};

	inet_cache_neighbour(d);
	p->mark = is->s.mark;
	p->priority = (uint8_t)is->s.priority;
	return inet_send(is->s.net, d, &a, p);
}

int inet_send_reply(
	struct net *net, const struct inet_send_args *a, uint32_t ifindex, struct pkt *p)
{
	const struct flow f = {
		.src = a->src,
		.dst = a->dst,
		.ifindex = ip_is_v4(&a->dst) || !ip_is_link_local(&a->dst) ? 0 : ifindex,
		.tos = a->tos,
		.proto = a->proto,
	};
	struct dst d;
	int err = dst_lookup(net, &f, &d);

	if (err) {
		pkt_free(p);
		return err;
	}
	err = inet_send(net, &d, a, p);
	dst_release(&d);
	return err;
}

/* ---- the packet filter ---- */

static bool judged_bad(struct net *net, unsigned hook, struct pkt *p, const struct netdev *d)
{
	const unsigned past = p->off - p->l3;
	enum filter_action a;

	(void)pkt_push(p, past);
	a = filter_check((enum filter_hook)hook, p, d);
	if (a == FILTER_REJECT && hook != FILTER_OUT)
		icmp_send(net, p, ICMP_ADMIN_PROHIBITED, 0);
	pkt_pull(p, past);
	return a != FILTER_PASS;
}

bool ip_filtered(struct net *net, unsigned hook, struct pkt *p, const struct netdev *d)
{
	return unlikely(READ_ONCE(filter_active)) && judged_bad(net, hook, p, d);
}

/* ---- input ---- */

void ip_deliver(struct net *net, struct pkt *p)
{
	const struct inet_proto *proto = inet_proto_input(p->ip.proto);
	bool raw = raw_deliver(net, p);

	if (proto) {
		proto->input(net, p);
		return;
	}
	if (!raw) {
		mib_inc(ip_is_v4(&p->ip.dst) ? MIB_IP_IN_UNKNOWN_PROTOS
					     : MIB_IP6_IN_UNKNOWN_PROTOS);
		icmp_send(net, p, ICMP_PROTO_UNREACHABLE, 0);
	}
	pkt_free(p);
}
