/*
 * vnet_hdr.c - the header of virtio and tun frames to and from pkt's own fields.
 *
 * Coming in it is input like any other: offsets are checked against the packet, so that later code
 * may rely on csum_start, l3, l4 and gso_size.
 */
#include <netdev.h>
#include <vnet_hdr.h>
#include "wire.h"

/* Bytes of the transport header, at @l4 of the data; 0: cut off or wrong. */
static unsigned transport_len(struct pkt *p, unsigned l4, bool is_udp)
{
	unsigned n;

	if (is_udp)
		return pkt_need(p, l4 + sizeof(struct udp_hdr)) ? sizeof(struct udp_hdr) : 0;
	if (!pkt_need(p, l4 + sizeof(struct tcp_hdr)))
		return 0;
	n = (((const struct tcp_hdr *)(pkt_data(p) + l4))->off >> 4) * 4u;
	return n >= sizeof(struct tcp_hdr) && pkt_need(p, l4 + n) ? n : 0;
}

static bool gso_in(struct pkt *p, const struct vnet_hdr *h, unsigned link)
{
	static const uint8_t kind[] = {[VNET_GSO_TCP4] = GSO_TCP4,
		[VNET_GSO_TCP6] = GSO_TCP6,
		[VNET_GSO_UDP_L4] = GSO_UDP};
	unsigned type = h->gso_type & ~(unsigned)VNET_GSO_ECN, l4, thl;

	if (type >= sizeof(kind) || !kind[type] || !le16(h->gso_size) || p->csum != CSUM_PARTIAL)
		return false;
	l4 = p->csum_start - p->off;
	thl = transport_len(p, l4, type == VNET_GSO_UDP_L4);
	if (!thl || l4 < link + sizeof(struct ip4_hdr) || p->len <= l4 + thl)
		return false;
	p->l3 = (uint16_t)(p->off + link);
	p->l4 = (uint16_t)(p->off + l4);
	if (p->len - l4 - thl <= le16(h->gso_size))
		return true; /* one segment: nothing to cut */
	p->gso = kind[type];
	p->gso_size = le16(h->gso_size);
	p->gso_segs = (uint16_t)MIN(DIV_ROUND_UP(p->len - l4 - thl, p->gso_size), 0xffffu);
	return true;
}

bool vnet_hdr_in(struct pkt *p, const struct vnet_hdr *h, unsigned link)
{
	if (h->flags & VNET_NEEDS_CSUM) {
		unsigned start = le16(h->csum_start), offset = le16(h->csum_offset);

		if (start < link || !pkt_need(p, start + offset + sizeof(__be16)))
			return false;
		p->csum = CSUM_PARTIAL;
		p->csum_start = (uint16_t)(p->off + start);
		p->csum_offset = (uint16_t)offset;
	} else if (h->flags & VNET_DATA_VALID) {
		p->csum = CSUM_VERIFIED;
	}
	if (link == ETH_HLEN && pkt_need(p, ETH_HLEN) &&
		((const struct eth_hdr *)pkt_data(p))->type == to_be16(ETH_P_8021Q))
		link += 4;
	return h->gso_type == VNET_GSO_NONE || gso_in(p, h, link);
}

void vnet_hdr_out(const struct pkt *p, struct vnet_hdr *h)
{
	static const uint8_t type[] = {[GSO_TCP4] = VNET_GSO_TCP4,
		[GSO_TCP6] = VNET_GSO_TCP6,
		[GSO_UDP] = VNET_GSO_UDP_L4};

	*h = (struct vnet_hdr){0};
	if (p->csum == CSUM_PARTIAL) {
		h->flags = VNET_NEEDS_CSUM;
		h->csum_start = to_le16(p->csum_start - p->off);
		h->csum_offset = to_le16(p->csum_offset);
	} else if (p->csum == CSUM_VERIFIED) {
		h->flags = VNET_DATA_VALID;
	}
	if (p->gso) {
		const struct tcp_hdr *th = (const struct tcp_hdr *)(p->lin + p->l4);
		unsigned thl = p->gso == GSO_UDP ? sizeof(struct udp_hdr) : (th->off >> 4) * 4u;

		h->gso_type = type[p->gso];
		if (p->gso != GSO_UDP && th->flags & TH_CWR)
			h->gso_type |= VNET_GSO_ECN;
		h->gso_size = to_le16(p->gso_size);
		h->hdr_len = to_le16(p->l4 - p->off + thl);
	}
}
