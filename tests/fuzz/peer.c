/*
 * peer.c - the other end of the wire: TCP segments as its program would send them, and frames of
 * the input whose lengths and sums are made right, so that they get further than the first check.
 */
#include "world.h"
#include <csum.h>
#include <string.h>
#include "kernel/net/wire.h"

static const uint8_t me_mac[6] = {2, 0, 0, 0, 0, 1}, peer_mac[6] = {2, 0, 0, 0, 0, 2};

static void put16(uint8_t *at, unsigned v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}
static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}
static void put32(uint8_t *at, uint32_t v)
{
	put16(at, v >> 16);
	put16(at + 2, v & 0xffff);
}
static void put_sum(uint8_t *at, const void *bytes, unsigned n, uint64_t start)
{
	__be16 s;

	put16(at, 0);
	s = csum_fold(csum_bytes(bytes, n, start));
	memcpy(at, &s, 2);
}

/* Numbers of the input are distances from those of the connection: mostly small ones are useful. */
static void relate(uint8_t *tcp, unsigned n)
{
	const struct tcp_sock *tp = world.conn ? tcp_sk(world.conn) : NULL;

	if (!tp || n < TCP_HDR)
		return;
	put32(tcp + 4, tp->rcv_nxt + get32(tcp + 4));
	put32(tcp + 8, tp->snd_nxt + get32(tcp + 8));
}

/* The transport header and its payload, @n bytes at @l4. */
static void mend_transport(uint8_t *l4, unsigned n, unsigned proto, const struct ip_addr *src,
	const struct ip_addr *dst, bool is_relative)
{
	const uint64_t pseudo = csum_pseudo(src, dst, n, (uint8_t)proto);

	if (proto == IPPROTO_TCP && n >= TCP_HDR) {
		if (is_relative)
			relate(l4, n);
		put_sum(l4 + 16, l4, n, pseudo);
	} else if (proto == IPPROTO_UDP && n >= 8) {
		put16(l4 + 4, n);
		put_sum(l4 + 6, l4, n, pseudo);
	} else if (proto == IPPROTO_ICMPV6 && n >= 4) {
		put_sum(l4 + 2, l4, n, pseudo);
	} else if ((proto == IPPROTO_ICMP || proto == IPPROTO_IGMP) && n >= 4) {
		put_sum(l4 + 2, l4, n, 0);
	}
}

static void mend4(uint8_t *ip, unsigned n, bool is_relative)
{
	const struct ip4_hdr *h = (struct ip4_hdr *)ip;
	const unsigned len = n ? (ip[0] & 15u) * 4 : 0;

	if (len < sizeof(*h) || len > n)
		return;
	put16(ip + 2, n);
	put_sum(ip + 10, ip, len, 0);
	if (!((ip[6] & 0x3f) | ip[7])) {
		const struct ip_addr src = ip_from_v4(h->src), dst = ip_from_v4(h->dst);

		mend_transport(ip + len, n - len, h->proto, &src, &dst, is_relative);
	}
}

static void mend6(uint8_t *ip, unsigned n, bool is_relative)
{
	unsigned at = sizeof(struct ip6_hdr), next;
	struct ip_addr src, dst;

	if (n < at)
		return;
	put16(ip + 4, n - at);
	next = ip[6];
	while ((next == 0 || next == 43 || next == 60) && at + 8 <= n) {
		next = ip[at];
		at += (ip[at + 1] + 1u) * 8;
	}
	if (at > n)
		return;
	memcpy(src.b, ip + 8, 16);
	memcpy(dst.b, ip + 24, 16);
	mend_transport(ip + at, n - at, next, &src, &dst, is_relative);
}

void peer_mend(uint8_t *frame, unsigned n, bool is_relative)
{
	unsigned at = ETH_HLEN, type;

	if (n < at)
		return;
	type = (unsigned)frame[12] << 8 | frame[13];
	if ((type == ETH_P_8021Q || type == ETH_P_8021AD) && n >= at + 4) {
		type = (unsigned)frame[16] << 8 | frame[17];
		at += 4;
	}
	if (type == ETH_P_IP)
		mend4(frame + at, n - at, is_relative);
	else if (type == ETH_P_IPV6)
		mend6(frame + at, n - at, is_relative);
}

/* ---- segments ---- */

static unsigned ip_header(uint8_t *at, bool v6, unsigned tos, unsigned n)
{
	if (v6) {
		struct ip6_hdr h = {.flow = to_be32(6u << 28 | tos << 20),
			.plen = to_be16(n),
			.next = IPPROTO_TCP,
			.hops = 64};

		memcpy(h.src, world.peer6.b, 16);
		memcpy(h.dst, world.me6.b, 16);
		memcpy(at, &h, sizeof(h));
		return sizeof(h);
	}
	struct ip4_hdr h = {.ver_ihl = 0x45,
		.tos = (uint8_t)tos,
		.len = to_be16(n + sizeof(h)),
		.frag = to_be16(0x4000),
		.ttl = 64,
		.proto = IPPROTO_TCP,
		.src = ip_v4(&world.peer4),
		.dst = ip_v4(&world.me4)};

	memcpy(at, &h, sizeof(h));
	return sizeof(h);
}

void peer_tcp(const struct peer_seg *seg, bool v6)
{
	static uint8_t frame[ETH_HLEN + 40 + 60 + 2048];
	const unsigned opts = MIN((seg->nr_opts + 3) & ~3u, 40u), len = MIN(seg->len, 1900u);
	struct tcp_hdr h = {.sport = to_be16(seg->sport),
		.dport = to_be16(seg->dport),
		.seq = to_be32(seg->seq),
		.ack = to_be32(seg->ack),
		.off = (uint8_t)((TCP_HDR + opts) << 2),
		.flags = seg->flags,
		.window = to_be16(seg->window),
		.urgent = to_be16(seg->urgent)};
	unsigned at = ETH_HLEN;

	memset(frame, 0, sizeof(frame));
	memcpy(frame, me_mac, 6);
	memcpy(frame + 6, peer_mac, 6);
	put16(frame + 12, v6 ? ETH_P_IPV6 : ETH_P_IP);
	at += ip_header(frame + at, v6, seg->tos, TCP_HDR + opts + len);
	memcpy(frame + at, &h, sizeof(h));
	if (seg->nr_opts)
		memcpy(frame + at + TCP_HDR, seg->opts, MIN(seg->nr_opts, 40u));
	at += TCP_HDR + opts + len;
	peer_mend(frame, at, false);
	world_rx(frame, at);
}

/* The TCP header of the next segment sent to @port; false: there is none. */
static bool next_segment(uint16_t port, struct tcp_hdr *h)
{
	struct pkt *p;
	bool found = false;

	while (!found && (p = world_next_sent())) {
		const unsigned at = p->protocol == to_be16(ETH_P_IP) ? 20 : 40;

		if (p->len >= ETH_HLEN + at + sizeof(*h)) {
			pkt_copy_bytes(p, ETH_HLEN + at, h, sizeof(*h));
			found = h->dport == to_be16(port);
		}
		pkt_free(p);
	}
	return found;
}

struct socket *peer_connects(bool v6, uint16_t port)
{
	static const uint8_t opts[] = {
		2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 1, 0, 0, 0, 0, 0, 1, 3, 3, 7};
	struct peer_seg seg = {.flags = TH_SYN,
		.seq = 1000,
		.window = 65535,
		.opts = opts,
		.nr_opts = sizeof(opts),
		.sport = port,
		.dport = WORLD_LISTEN_PORT};
	struct tcp_hdr h;
	struct socket *s = NULL;

	peer_tcp(&seg, v6);
	if (!next_segment(port, &h))
		return NULL;
	seg.seq++;
	seg.ack = be32(h.seq) + 1;
	seg.flags = TH_ACK;
	seg.nr_opts = 0;
	peer_tcp(&seg, v6);
	if (socket_accept(world.listener, 0x800 /* O_NONBLOCK */, &s))
		return NULL;
	return s;
}
