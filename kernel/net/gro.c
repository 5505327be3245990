/*
 * gro.c - merging received TCP segments that follow each other into one packet before the stack
 * sees them, so that it works once for many.
 *
 * Does not: UDP; fragments; IPv4 options or IPv6 extension headers; several VLAN tags.
 *
 * Within one poll round each CPU keeps the last packet of up to FLOWS_MAX connections. The next
 * segment of one is merged if all that its headers say is what a cutting device would have made of
 * the merged packet: same addresses, ports, TTL, TOS, acknowledgement, window, flags and options,
 * the next sequence number, and no more payload than the first one had. Only segments with payload
 * and no flags but ACK and PSH are merged; everything else of a connection first sends on what is
 * kept, so nothing is reordered. A merged packet looks as if our own stack had made it to be sent:
 * CSUM_PARTIAL, gso fields set. Wrong checksums are left for TCP to find and count.
 *
 * Context: the poll of one CPU, in a section: no locks.
 */
#include <csum.h>
#include <netdev.h>
#include <string.h>
#include <arch/percpu.h>
#include "core.h"
#include "wire.h"

#define FLOWS_MAX 8u

struct gro {
	struct pkt *held[FLOWS_MAX]; /* the oldest first */
	unsigned count;
};
static DEFINE_PER_CPU(struct gro, gro_held);

/* What is remembered of a kept packet, in cb[]. */
struct gro_cb {
	uint32_t next_seq;
	uint16_t hlen; /* all headers */
	uint16_t mss;  /* payload of the first segment */
	uint16_t segs;
	bool is_v4;
};
static_assert(sizeof(struct gro_cb) <= sizeof(((struct pkt *)0)->cb), "fits");

static struct gro_cb *cb_of(struct pkt *p)
{
	return (struct gro_cb *)p->cb;
}
static struct tcp_hdr *tcp_of(struct pkt *p)
{
	return (struct tcp_hdr *)(p->lin + p->l4);
}

/* ---- headers ---- */

unsigned eth_header_len(const uint8_t *data, unsigned len)
{
	unsigned at = ETH_HLEN, max = MIN(len, (unsigned)NETDEV_RX_COPY), proto, type;

	if (max < ETH_HLEN + 4 + 40 + 20)
		return max;
	type = (unsigned)data[12] << 8 | data[13];
	if (type == ETH_P_8021Q) {
		at += 4;
		type = (unsigned)data[16] << 8 | data[17];
	}
	if (type == ETH_P_IP) {
		proto = data[at + offsetof(struct ip4_hdr, proto)];
		at += (data[at] & 15u) * 4;
	} else if (type == ETH_P_IPV6) {
		proto = data[at + offsetof(struct ip6_hdr, next)];
		at += sizeof(struct ip6_hdr);
	} else {
		return MIN(max, 128u);
	}
	if (proto == 6 && at + sizeof(struct tcp_hdr) <= max)
		at += (data[at + offsetof(struct tcp_hdr, off)] >> 4) * 4u;
	else
		at += sizeof(struct udp_hdr);
	return MIN(at, max);
}

/* The network header, at @l3 of the data: the payload length it states is *@plen. False: not TCP
 * behind a plain header. */
static bool parse_net(struct pkt *p, unsigned l3, struct gro_cb *cb, unsigned *plen)
{
	if (p->protocol == to_be16(ETH_P_IP)) {
		const struct ip4_hdr *h;

		if (!pkt_need(p, l3 + sizeof(*h)))
			return false;
		h = (const struct ip4_hdr *)(pkt_data(p) + l3);
		if (h->ver_ihl != 0x45 || h->proto != 6 || (h->frag & to_be16(0x3fff)) ||
			be16(h->len) < sizeof(*h) || csum_fold(csum_bytes(h, sizeof(*h), 0)))
			return false;
		*plen = be16(h->len) - (unsigned)sizeof(*h);
		cb->is_v4 = true;
		cb->hlen = (uint16_t)(l3 + sizeof(*h));
		return true;
	}
	if (p->protocol == to_be16(ETH_P_IPV6)) {
		const struct ip6_hdr *h;

		if (!pkt_need(p, l3 + sizeof(*h)))
			return false;
		h = (const struct ip6_hdr *)(pkt_data(p) + l3);
		if (*(const uint8_t *)h >> 4 != 6 || h->next != 6)
			return false;
		*plen = be16(h->plen);
		cb->is_v4 = false;
		cb->hlen = (uint16_t)(l3 + sizeof(*h));
		return true;
	}
	return false;
}

static uint32_t pseudo_of(struct pkt *p, bool is_v4, unsigned len)
{
	struct ip_addr src, dst;

	if (is_v4) {
		const struct ip4_hdr *h = (const struct ip4_hdr *)(p->lin + p->l3);

		src = ip_from_v4(h->src);
		dst = ip_from_v4(h->dst);
	} else {
		const struct ip6_hdr *h = (const struct ip6_hdr *)(p->lin + p->l3);

		memcpy(src.b, h->src, sizeof(src.b));
		memcpy(dst.b, h->dst, sizeof(dst.b));
	}
	return csum_pseudo(&src, &dst, len, 6);
}

/* Is @p a TCP segment that may be merged or at least belongs to a connection? l3, l4 and cb are
 * set; Ethernet's padding is cut off. */
static bool parse(struct pkt *p)
{
	struct gro_cb *cb = cb_of(p);
	unsigned l3 = p->dev->hard_header, plen, thl;

	if (!parse_net(p, l3, cb, &plen) || plen < sizeof(struct tcp_hdr) ||
		p->len < cb->hlen + plen || !pkt_need(p, cb->hlen + sizeof(struct tcp_hdr)))
		return false;
	thl = (pkt_data(p)[cb->hlen + offsetof(struct tcp_hdr, off)] >> 4) * 4u;
	if (thl < sizeof(struct tcp_hdr) || thl > plen || !pkt_need(p, cb->hlen + thl))
		return false;
	if (p->len > cb->hlen + plen)
		pkt_trim(p, cb->hlen + plen);
	p->l3 = (uint16_t)(p->off + l3);
	p->l4 = (uint16_t)(p->off + cb->hlen);
	if (p->csum == CSUM_NONE && !p->gso) {
		uint32_t sum = pkt_csum(p, cb->hlen, plen, pseudo_of(p, cb->is_v4, plen));

		if (csum_fold(sum))
			return false;
		p->csum = CSUM_VERIFIED;
	}
	cb->hlen = (uint16_t)(cb->hlen + thl);
	cb->mss = (uint16_t)(plen - thl);
	cb->segs = 1;
	cb->next_seq = be32(tcp_of(p)->seq) + cb->mss;
	return true;
}

/* ---- flows ---- */

static bool same_flow(struct pkt *a, struct pkt *b)
{
	const struct tcp_hdr *s = tcp_of(a), *t = tcp_of(b);

	if (a->dev != b->dev || a->protocol != b->protocol || s->sport != t->sport ||
		s->dport != t->dport || a->has_vlan != b->has_vlan ||
		(a->has_vlan && a->vlan_tci != b->vlan_tci))
		return false;
	if (cb_of(a)->is_v4)
		return !memcmp(a->lin + a->l3 + offsetof(struct ip4_hdr, src),
			b->lin + b->l3 + offsetof(struct ip4_hdr, src), 8);
	return !memcmp(a->lin + a->l3 + offsetof(struct ip6_hdr, src),
		b->lin + b->l3 + offsetof(struct ip6_hdr, src), 32);
}

/* Does @p continue @held in every header field that a cutting device would repeat? */
static bool continues(struct pkt *held, struct pkt *p)
{
	const struct tcp_hdr *s = tcp_of(held), *t = tcp_of(p);
	const struct gro_cb *h = cb_of(held), *c = cb_of(p);

	if (be32(t->seq) != h->next_seq || t->ack != s->ack || t->window != s->window ||
		t->off != s->off || h->hlen != c->hlen || c->mss > h->mss || (s->flags & TH_PSH) ||
		held->len + c->mss > UINT16_MAX || held->type != p->type)
		return false;
	if (memcmp(s + 1, t + 1, (s->off >> 4) * 4u - sizeof(*s)) ||
		memcmp(pkt_data(held), pkt_data(p), held->dev->hard_header))
		return false;
	if (h->is_v4) {
		const struct ip4_hdr *a = (const struct ip4_hdr *)(held->lin + held->l3),
				     *b = (const struct ip4_hdr *)(p->lin + p->l3);

		return a->tos == b->tos && a->ttl == b->ttl && a->frag == b->frag;
	}
	return !memcmp(held->lin + held->l3, p->lin + p->l3, 4) &&
	       ((const struct ip6_hdr *)(held->lin + held->l3))->hops ==
		       ((const struct ip6_hdr *)(p->lin + p->l3))->hops;
}

/* A kept packet goes on; merged ones get their headers first. */
static void complete(struct pkt *p)
{
	const struct gro_cb cb = *cb_of(p);
	struct tcp_hdr *th = tcp_of(p);
	unsigned len = p->len - (unsigned)(p->l3 - p->off);

	if (cb.segs == 1) {
		netdev_deliver(p);
		return;
	}
	if (cb.is_v4) {
		struct ip4_hdr *h = (struct ip4_hdr *)(p->lin + p->l3);

		h->len = to_be16(len);
		h->csum = 0;
		h->csum = csum_fold(csum_bytes(h, sizeof(*h), 0));
	} else {
		((struct ip6_hdr *)(p->lin + p->l3))->plen = to_be16(len - sizeof(struct ip6_hdr));
	}
	th->check = (__force __be16)(uint16_t) ~(__force uint16_t)csum_fold(
		pseudo_of(p, cb.is_v4, p->len - (unsigned)(p->l4 - p->off)));
	p->csum = CSUM_PARTIAL;
	p->csum_start = p->l4;
	p->csum_offset = offsetof(struct tcp_hdr, check);
	p->gso = cb.is_v4 ? GSO_TCP4 : GSO_TCP6;
	p->gso_size = cb.mss;
	p->gso_segs = cb.segs;
	netdev_deliver(p);
}

/* Take number @i out of those that are kept, and send it on. */
static void flush_one(struct gro *g, unsigned i)
{
	struct pkt *p = g->held[i];

	g->count--;
	memmove(&g->held[i], &g->held[i + 1], (g->count - i) * sizeof(g->held[0]));
	complete(p);
}

/* @p is the next segment of @held. True: merged. */
static bool merge(struct pkt *held, struct pkt *p)
{
	struct gro_cb *h = cb_of(held), c = *cb_of(p);
	uint8_t flags = tcp_of(p)->flags;
	unsigned lin = p->lin_len;

	pkt_pull(p, c.hlen);
	if (!pkt_merge(held, p)) { /* the headers are still there, in front */
		p->off -= c.hlen;
		p->lin_len = (uint16_t)lin;
		p->len += c.hlen;
		return false;
	}
	h->next_seq = c.next_seq;
	h->segs++;
	tcp_of(held)->flags |= flags;
	return true;
}

bool gro_receive(struct pkt *p)
{
	struct gro *g = this_cpu_ptr(gro_held);
	const struct gro_cb *cb = cb_of(p);
	bool may_merge, is_last;
	unsigned i;

	if (!parse(p))
		return false;
	may_merge = cb->mss && !p->gso && p->type != PKT_BROADCAST && p->type != PKT_MULTICAST &&
		    !(tcp_of(p)->flags & ~(TH_ACK | TH_PSH)) && (tcp_of(p)->flags & TH_ACK);
	for (i = 0; i < g->count && !same_flow(g->held[i], p); i++)
		;
	if (i < g->count) {
		struct pkt *held = g->held[i];

		is_last = (tcp_of(p)->flags & TH_PSH) || cb->mss < cb_of(held)->mss;
		if (may_merge && continues(held, p) && merge(held, p)) {
			if (is_last)
				flush_one(g, i);
			return true;
		}
		flush_one(g, i);
	}
	if (!may_merge || (tcp_of(p)->flags & TH_PSH))
		return false;
	if (g->count == FLOWS_MAX)
		flush_one(g, 0);
	g->held[g->count++] = p;
	return true;
}

void netdev_rx_flush(void)
{
	struct gro *g = this_cpu_ptr(gro_held);

	while (g->count)
		flush_one(g, 0);
}
