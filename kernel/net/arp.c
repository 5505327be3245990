/*
 * arp.c - the Address Resolution Protocol for IPv4 over Ethernet (RFC 826, RFC 5227).
 *
 * Asks and answers; what is heard goes to the neighbour table (neigh.c), which has the state
 * machine. As Linux by default: any address of this host is answered for on any interface
 * (arp_ignore 0), unsolicited messages only update entries that exist (arp_accept 0).
 * Does not: proxy ARP; conflict detection for addresses of this host.
 */
#include "fib.h"
#include "inetdev.h"
#include "neigh.h"

struct arp_hdr {
	__be16 hw, proto;
	uint8_t hw_len, proto_len;
	__be16 op;
	uint8_t sender_hw[ETH_ALEN];
	__be32 sender;
	uint8_t target_hw[ETH_ALEN];
	__be32 target;
} __packed;
static_assert(sizeof(struct arp_hdr) == 28, "RFC 826 for Ethernet and IPv4");
enum { ARP_REQUEST = 1, ARP_REPLY = 2 };

static void send(struct netdev *d, uint16_t op, const uint8_t *eth_dst, __be32 sender,
	const uint8_t *target_hw, __be32 target)
{
	struct pkt *p = pkt_alloc_tx();
	struct arp_hdr *h;

	if (!p)
		return;
	h = pkt_append(p, sizeof(*h));
	*h = (struct arp_hdr){
		.hw = to_be16(ARPHRD_ETHER),
		.proto = to_be16(ETH_P_IP),
		.hw_len = ETH_ALEN,
		.proto_len = 4,
		.op = to_be16(op),
		.sender = sender,
		.target = target,
	};
	memcpy(h->sender_hw, d->addr, ETH_ALEN);
	if (target_hw)
		memcpy(h->target_hw, target_hw, ETH_ALEN);
	p->l3 = p->off;
	p->protocol = to_be16(ETH_P_ARP);
	p->dev = d;
	eth_push(p, eth_dst, d->addr, ETH_P_ARP);
	(void)netdev_xmit(p);
}

void arp_solicit(struct netdev *d, const struct ip_addr *target, const struct ip_addr *src,
	const uint8_t *unicast)
{
	struct ip_addr from = ip_from_v4(IP4(0, 0, 0, 0));

	if (d->flags & IFF_NOARP)
		return;
	if (!ip_is_any(src) && ip_is_v4(src) && inetdev_owner(d->net, src))
		from = *src;
	else
		(void)inetdev_source4(d->net, d, target, 253, &from); /* none: as a probe */
	send(d, ARP_REQUEST, unicast ? unicast : d->broadcast, ip_v4(&from), unicast,
		ip_v4(target));
}

static bool well_formed(const struct netdev *d, const struct arp_hdr *h)
{
	return d->type == ARPHRD_ETHER && be16(h->hw) == ARPHRD_ETHER &&
	       be16(h->proto) == ETH_P_IP && h->hw_len == ETH_ALEN && h->proto_len == 4 &&
	       (be16(h->op) == ARP_REQUEST || be16(h->op) == ARP_REPLY);
}

/* Nobody may claim a multicast, loopback or broadcast link address as a neighbour's. */
static bool bad_sender(const struct arp_hdr *h, const struct ip_addr *sender)
{
	static const uint8_t zero[ETH_ALEN];

	return ip_is_multicast(sender) || ip_is_loopback(sender) ||
	       ip_v4(sender) == to_be32(0xffffffff) || h->sender_hw[0] & 1 ||
	       !memcmp(h->sender_hw, zero, ETH_ALEN);
}

static void handle(struct pkt *p, const struct arp_hdr *h)
{
	struct netdev *d = p->dev;
	const struct ip_addr sender = ip_from_v4(h->sender), target = ip_from_v4(h->target);
	const bool request = be16(h->op) == ARP_REQUEST;
	const bool mine = inet_addr_type(d->net, &target, 0) == ADDR_LOCAL;
	struct neigh_news news = {.lladdr = h->sender_hw, .override = true};

	if (ip_is_multicast(&target) || (ip_is_loopback(&target) && !(d->flags & IFF_LOOPBACK)))
		return;
	if (ip_is_any(&sender)) { /* a probe: RFC 5227, 2.1.1 */
		if (request && mine)
			send(d, ARP_REPLY, h->sender_hw, h->target, h->sender_hw, h->sender);
		return;
	}
	if (bad_sender(h, &sender))
		return;
	news.create = request && mine && inet_addr_type(d->net, &sender, 0) == ADDR_NONE;
	news.solicited = !request && p->type == PKT_HOST;
	neigh_update(d, &sender, &news);
	if (request && mine)
		send(d, ARP_REPLY, h->sender_hw, h->target, h->sender_hw, h->sender);
}

static void arp_input(struct pkt *p)
{
	struct arp_hdr h;

	if (p->dev->flags & (IFF_NOARP | IFF_LOOPBACK) || p->type == PKT_OTHERHOST ||
		!inet_dev(p->dev) || !pkt_need(p, sizeof(h))) {
		pkt_free(p);
		return;
	}
	memcpy(&h, pkt_data(p), sizeof(h));
	if (well_formed(p->dev, &h))
		handle(p, &h);
	pkt_free(p);
}

void arp_init(void)
{
	static struct netdev_proto proto = {.input = arp_input};

	proto.type = to_be16(ETH_P_ARP);
	netdev_proto_register(&proto);
}
