/*
 * gso.c - cutting a packet that is larger than the MTU into segments, where the device does not.
 *
 * TCP over IPv4 and IPv6, and UDP datagrams of equal size (UDP_SEGMENT). Payload is shared by page
 * references; headers are copied and each segment's lengths, identification, sequence number, flags
 * and checksums set (RFC 9293, 3.8.6; the same rules as devices have: FIN and PSH belong to the
 * last segment, CWR to the first, RFC 3168 6.1.2). The pkt comes from our own stack, from a guest's
 * or program's description of a frame (tun), or from a device: so what it says is checked.
 */
#include <csum.h>
#include <error.h>
#include <netdev.h>
#include <string.h>
#include "core.h"
#include "wire.h"

struct gso {
	unsigned l3, l4, hlen; /* from the link header on; hlen: all headers */
	unsigned mss, segs;
	uint32_t pseudo;  /* sum of addresses and protocol */
	uint32_t seq;     /* TCP: of the first segment */
	uint16_t id;      /* IPv4: of the first segment */
	unsigned csum_at; /* offset of the checksum in the transport header */
	bool is_v4, is_tcp;
};

bool gso_by_device(const struct pkt *p, uint32_t features)
{
	static const uint32_t need[] = {
		[GSO_TCP4] = NETIF_TSO4, [GSO_TCP6] = NETIF_TSO6, [GSO_UDP] = NETIF_GSO_UDP};

	if (features & NETIF_LOOPBACK_LIKE)
		return true;
	return (features & need[p->gso]) && (features & NETIF_TX_CSUM) &&
	       p->len <= p->dev->gso_max + p->dev->hard_header;
}

/* The IP header: version, and the sum of the addresses. False: not one. */
static bool parse_ip(struct gso *g, const uint8_t *ip)
{
	struct ip_addr src, dst;

	g->is_v4 = ip[0] >> 4 == 4;
	if (g->is_v4) {
		const struct ip4_hdr *h = (const struct ip4_hdr *)ip;

		if (g->l4 - g->l3 != (h->ver_ihl & 15u) * 4 || g->l4 - g->l3 < sizeof(*h))
			return false;
		src = ip_from_v4(h->src);
		dst = ip_from_v4(h->dst);
		g->id = be16(h->id);
	} else {
		const struct ip6_hdr *h = (const struct ip6_hdr *)ip;

		if (ip[0] >> 4 != 6 || g->l4 - g->l3 < sizeof(*h))
			return false;
		memcpy(src.b, h->src, sizeof(src.b));
		memcpy(dst.b, h->dst, sizeof(dst.b));
	}
	g->pseudo = csum_pseudo(&src, &dst, 0, g->is_tcp ? 6 : 17);
	return true;
}

static bool parse(struct gso *g, struct pkt *p)
{
	unsigned thl;

	if (p->l3 < p->off || p->l4 < p->l3 || !p->gso_size)
		return false;
	g->l3 = p->l3 - p->off;
	g->l4 = p->l4 - p->off;
	g->is_tcp = p->gso != GSO_UDP;
	thl = g->is_tcp ? sizeof(struct tcp_hdr) : sizeof(struct udp_hdr);
	if (g->l4 - g->l3 < sizeof(struct ip4_hdr) || !pkt_need(p, g->l4 + thl))
		return false;
	if (g->is_tcp) {
		const struct tcp_hdr *th = (const struct tcp_hdr *)(pkt_data(p) + g->l4);

		thl = (th->off >> 4) * 4u;
		if (thl < sizeof(*th) || !pkt_need(p, g->l4 + thl))
			return false;
		g->seq = be32(((const struct tcp_hdr *)(pkt_data(p) + g->l4))->seq);
	}
	g->hlen = g->l4 + thl;
	g->mss = p->gso_size;
	g->segs = DIV_ROUND_UP(p->len - g->hlen, g->mss);
	g->csum_at = g->is_tcp ? offsetof(struct tcp_hdr, check) : offsetof(struct udp_hdr, check);
	return parse_ip(g, pkt_data(p) + g->l3);
}

static void finish_ip(const struct gso *g, uint8_t *ip, unsigned nth, unsigned len)
{
	if (g->is_v4) {
		struct ip4_hdr *h = (struct ip4_hdr *)ip;

		h->len = to_be16(len - g->l3);
		h->id = to_be16(g->id + nth);
		h->csum = 0;
		h->csum = csum_fold(csum_bytes(h, g->l4 - g->l3, 0));
	} else {
		((struct ip6_hdr *)ip)->plen = to_be16(len - g->l3 - sizeof(struct ip6_hdr));
	}
}

static void finish_transport(const struct gso *g, uint8_t *at, unsigned nth, unsigned len)
{
	if (g->is_tcp) {
		struct tcp_hdr *th = (struct tcp_hdr *)at;

		th->seq = to_be32(g->seq + nth * g->mss);
		if (nth)
			th->flags &= (uint8_t)~TH_CWR;
		if (nth + 1 < g->segs)
			th->flags &= (uint8_t) ~(TH_FIN | TH_PSH);
	} else {
		((struct udp_hdr *)at)->len = to_be16(len - g->l4);
	}
}

/* Lengths, numbers and checksums of segment @nth; headers and payload are there. */
static void finish(const struct gso *g, struct pkt *s, unsigned nth, bool keep_partial)
{
	uint8_t *data = pkt_data(s);
	unsigned len = s->len - g->l4;
	uint32_t pseudo = csum_add(g->pseudo, (__force uint32_t)to_be32(len));
	__be16 field = (__force __be16)(uint16_t) ~(__force uint16_t)csum_fold(pseudo);

	finish_ip(g, data + g->l3, nth, s->len);
	finish_transport(g, data + g->l4, nth, s->len);
	memcpy(data + g->l4 + g->csum_at, &field, sizeof(field));
	s->csum = CSUM_PARTIAL;
	s->csum_start = s->l4;
	s->csum_offset = (uint16_t)g->csum_at;
	if (!keep_partial)
		pkt_csum_complete(s);
}

static struct pkt *segment(const struct gso *g, struct pkt *p, unsigned nth)
{
	unsigned at = g->hlen + nth * g->mss, n = MIN(g->mss, p->len - at);
	struct pkt *s = pkt_alloc(p->off);

	if (!s)
		return NULL;
	memcpy(pkt_append(s, g->hlen), pkt_data(p), g->hlen);
	s->l2 = p->l2;
	s->l3 = p->l3;
	s->l4 = p->l4;
	s->protocol = p->protocol;
	s->type = p->type;
	s->vlan_tci = p->vlan_tci;
	s->has_vlan = p->has_vlan;
	s->priority = p->priority;
	s->mark = p->mark;
	s->hash = p->hash;
	s->dev = p->dev;
	if (pkt_append_ref(s, p, at, n)) {
		pkt_free(s);
		return NULL;
	}
	return s;
}

int pkt_segment(struct pkt *p, bool keep_partial, struct pkt_queue *out)
{
	struct gso g = {0};
	struct pkt *s = NULL;

	pkt_queue_init(out);
	if (!parse(&g, p)) {
		pkt_free(p);
		return -EINVAL;
	}
	for (unsigned nth = 0; nth < g.segs; nth++) {
		s = segment(&g, p, nth);
		if (!s) {
			pkt_queue_purge(out);
			pkt_free(p);
			return -ENOMEM;
		}
		finish(&g, s, nth, keep_partial);
		pkt_enqueue(out, s);
	}
	if (s) { /* the last one accounts for all to the socket */
		s->destructor = p->destructor;
		s->owner = p->owner;
		s->truesize = p->truesize;
		p->destructor = NULL;
	}
	pkt_free(p);
	return 0;
}
