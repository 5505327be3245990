/*
 * ether.c - Ethernet II headers (RFC 894, IEEE 802.3) and 802.1Q tags.
 *
 * Does not: 802.3 length fields with LLC (nothing above speaks it: such frames have no protocol).
 */
#include <netdev.h>
#include <string.h>
#include "core.h"

enum { VLAN_HLEN = 4 };

static inline bool mac_equal(const uint8_t *a, const uint8_t *b)
{
	uint32_t x, y;
	uint16_t u, v;

	__builtin_memcpy(&x, a, 4);
	__builtin_memcpy(&y, b, 4);
	__builtin_memcpy(&u, a + 4, 2);
	__builtin_memcpy(&v, b + 4, 2);
	return !((x ^ y) | (uint32_t)(u ^ v));
}

void eth_push(struct pkt *p, const uint8_t *dst, const uint8_t *src, uint16_t type)
{
	struct eth_hdr *h = pkt_push(p, sizeof(*h));

	__builtin_memcpy(h->dst, dst, ETH_ALEN);
	__builtin_memcpy(h->src, src, ETH_ALEN);
	h->type = to_be16(type);
	p->l2 = p->off;
	p->protocol = h->type;
}

/* Take an 802.1Q tag that stands in the data out of it. False: the frame ends within it. */
static bool untag(struct pkt *p)
{
	uint8_t *data;

	if (!pkt_need(p, ETH_HLEN + VLAN_HLEN))
		return false;
	data = pkt_data(p);
	p->vlan_tci = (uint16_t)(data[14] << 8 | data[15]);
	p->has_vlan = true;
	memmove(data + VLAN_HLEN, data, 2 * ETH_ALEN);
	pkt_pull(p, VLAN_HLEN);
	p->l2 = p->off;
	p->protocol = ((struct eth_hdr *)pkt_data(p))->type;
	return true;
}

bool eth_parse(struct pkt *p)
{
	const struct netdev *d = p->dev;
	const struct eth_hdr *h;

	p->l2 = p->off;
	if (!d->hard_header)
		return p->len > 0;
	if (unlikely(!pkt_need(p, ETH_HLEN)))
		return false;
	h = (const struct eth_hdr *)pkt_data(p);
	p->l2 = p->off;
	p->protocol = h->type;
	if (likely(mac_equal(h->dst, d->addr)))
		p->type = PKT_HOST;
	else if (!(h->dst[0] & 1))
		p->type = PKT_OTHERHOST;
	else
		p->type = mac_equal(h->dst, d->broadcast) ? PKT_BROADCAST : PKT_MULTICAST;
	if (unlikely(p->protocol == to_be16(ETH_P_8021Q)) && !p->has_vlan)
		return untag(p);
	return true;
}

bool eth_tag(struct pkt *p)
{
	uint8_t *data;

	if (!pkt_need(p, ETH_HLEN) || !pkt_need_headroom(p, VLAN_HLEN))
		return false;
	data = pkt_push(p, VLAN_HLEN);
	memmove(data, data + VLAN_HLEN, 2 * ETH_ALEN);
	data[12] = ETH_P_8021Q >> 8;
	data[13] = ETH_P_8021Q & 0xff;
	data[14] = (uint8_t)(p->vlan_tci >> 8);
	data[15] = (uint8_t)p->vlan_tci;
	p->l2 = p->off;
	p->has_vlan = false;
	return true;
}
