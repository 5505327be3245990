/* LINK: kernel/net/net.c kernel/net/netdev.c kernel/net/netdev_config.c kernel/net/xmit.c */
/* LINK: kernel/net/gso.c kernel/net/gro.c kernel/net/ether.c kernel/net/loopback.c */
/* LINK: kernel/net/pkt.c kernel/net/csum.c kernel/mm/iov_iter.c */
#include "netcore.h"

static uint8_t payload[66000];

enum { V4, V6 };
struct shape {
	int family;
	bool is_udp;
	unsigned opts, bytes, mss;
	uint8_t flags;
};

static unsigned ip_bytes(const struct shape *s)
{
	return s->family == V4 ? sizeof(struct ip4_hdr) : sizeof(struct ip6_hdr);
}
static unsigned l4_bytes(const struct shape *s)
{
	return s->is_udp ? sizeof(struct udp_hdr) : sizeof(struct tcp_hdr) + s->opts;
}

static void put_ip(struct pkt *p, const struct shape *s)
{
	unsigned len = p->len;

	if (s->family == V4) {
		struct ip4_hdr *h = pkt_push(p, sizeof(*h));

		*h = (struct ip4_hdr){.ver_ihl = 0x45,
			.ttl = 64,
			.id = to_be16(0xfffe),
			.frag = to_be16(0x4000),
			.proto = s->is_udp ? 17 : 6,
			.src = IP4(10, 0, 0, 1),
			.dst = IP4(10, 0, 0, 2),
			.len = to_be16(len + 20)};
		h->csum = csum_fold(csum_bytes(h, sizeof(*h), 0));
	} else {
		struct ip6_hdr *h = pkt_push(p, sizeof(*h));

		*h = (struct ip6_hdr){.flow = to_be32(0x60000000),
			.plen = to_be16(len),
			.next = s->is_udp ? 17 : 6,
			.hops = 64,
			.src = {0x20, 1, [15] = 1},
			.dst = {0x20, 1, [15] = 2}};
	}
}

/* Checksum of the transport as it must be in a finished frame: 0 when right. */
static uint16_t transport_sum(struct pkt *p, const struct shape *s)
{
	unsigned l4 = 14 + ip_bytes(s), len = p->len - l4;
	struct ip_addr a, b;

	if (s->family == V4) {
		a = ip_from_v4(IP4(10, 0, 0, 1));
		b = ip_from_v4(IP4(10, 0, 0, 2));
	} else {
		a = (struct ip_addr){.b = {0x20, 1, [15] = 1}};
		b = (struct ip_addr){.b = {0x20, 1, [15] = 2}};
	}
	return (__force uint16_t)csum_fold(
		pkt_csum(p, l4, len, csum_pseudo(&a, &b, len, s->is_udp ? 17 : 6)));
}

/* As our stack gives it to the device: headers, CSUM_PARTIAL, gso fields. */
static struct pkt *build(struct netdev *d, const struct shape *s)
{
	struct pkt *p = pkt_alloc_tx();
	unsigned l4 = l4_bytes(s);

	for (unsigned i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 7 + i / 256);
	PANIC_ON(pkt_append_bytes(p, payload, s->bytes));
	if (s->is_udp) {
		struct udp_hdr *u = pkt_push(p, l4);

		*u = (struct udp_hdr){to_be16(1000), to_be16(2000), to_be16(l4 + s->bytes), 0};
	} else {
		struct tcp_hdr *t = pkt_push(p, l4);

		memset(t, 1, l4); /* options: NOPs */
		*t = (struct tcp_hdr){.sport = to_be16(1000),
			.dport = to_be16(2000),
			.seq = to_be32(0xfffff000),
			.ack = to_be32(77),
			.off = (uint8_t)(l4 / 4 << 4),
			.flags = s->flags,
			.window = to_be16(500)};
	}
	p->l4 = p->off;
	p->csum = CSUM_PARTIAL;
	p->csum_start = p->l4;
	p->csum_offset = s->is_udp ? 6 : 16;
	put_ip(p, s);
	p->l3 = p->off;
	eth_push(p, peer_mac, fake_mac, s->family == V4 ? ETH_P_IP : ETH_P_IPV6);
	p->dev = d;
	if (s->mss) {
		p->gso = s->is_udp ? GSO_UDP : s->family == V4 ? GSO_TCP4 : GSO_TCP6;
		p->gso_size = (uint16_t)s->mss;
		p->gso_segs = (uint16_t)DIV_ROUND_UP(s->bytes, s->mss);
	}
	return p;
}

static void check_segment(struct pkt *p, const struct shape *s, unsigned nth, unsigned segs)
{
	unsigned head = 14 + ip_bytes(s) + l4_bytes(s), at = nth * s->mss,
		 n = MIN(s->mss, s->bytes - at);
	static uint8_t out[2000];

	if (!EXPECT_EQ(p->len, head + n))
		return;
	EXPECT(pkt_need(p, head));
	pkt_copy_bytes(p, head, out, n);
	EXPECT_MEM(out, payload + at, n);
	EXPECT_EQ(p->csum, CSUM_NONE);
	EXPECT_EQ(transport_sum(p, s), 0);
	if (s->family == V4) {
		const struct ip4_hdr *h = (const struct ip4_hdr *)(pkt_data(p) + 14);

		EXPECT_EQ(be16(h->len), p->len - 14);
		EXPECT_EQ(be16(h->id), (uint16_t)(0xfffe + nth));
		EXPECT_EQ((__force uint16_t)csum_fold(csum_bytes(h, 20, 0)), 0);
	} else {
		EXPECT_EQ(be16(((const struct ip6_hdr *)(pkt_data(p) + 14))->plen), p->len - 54);
	}
	if (s->is_udp) {
		EXPECT_EQ(be16(((const struct udp_hdr *)(p->lin + p->l4))->len), n + 8);
	} else {
		const struct tcp_hdr *t = (const struct tcp_hdr *)(p->lin + p->l4);
		uint8_t flags = s->flags;

		if (nth)
			flags &= (uint8_t)~TH_CWR;
		if (nth + 1 < segs)
			flags &= (uint8_t) ~(TH_FIN | TH_PSH);
		EXPECT_EQ(be32(t->seq), 0xfffff000 + at);
		EXPECT_EQ(t->flags, flags);
	}
}

static void check(const struct shape *s)
{
	struct netdev *d;
	unsigned segs = DIV_ROUND_UP(s->bytes, s->mss);
	struct netdev_stats st;

	core_begin();
	d = fake_device("eth%d", 0);
	net_enter();
	EXPECT_EQ(netdev_xmit(build(d, s)), 0);
	net_exit();
	EXPECT_EQ(sent.count, segs);
	EXPECT_EQ(doorbells, 1);
	for (unsigned i = 0; i < segs && sent.count; i++) {
		struct pkt *p = pkt_dequeue(&sent);

		check_segment(p, s, i, segs);
		pkt_free(p);
	}
	netdev_stats(d, &st);
	EXPECT_EQ(st.tx_packets, segs);
	fake_gone(d);
}

TEST(tcp4_is_cut)
{
	check(&(struct shape){V4, false, 12, 64000, 1448, TH_ACK | TH_PSH});
	check(&(struct shape){V4, false, 0, 2, 1, TH_ACK | TH_FIN | TH_CWR});
	check(&(struct shape){V4, false, 40, 1460 * 3, 1460, TH_ACK | TH_CWR | TH_PSH});
}
TEST(tcp6_is_cut)
{
	check(&(struct shape){V6, false, 12, 65000, 1428, TH_ACK | TH_PSH});
	check(&(struct shape){V6, false, 0, 1, 1, TH_ACK});
}
TEST(udp_is_cut)
{
	check(&(struct shape){V4, true, 0, 5000, 1400, 0});
	check(&(struct shape){V6, true, 0, 60000, 1400, 0});
}

/* As a program may say it through a tap interface. */
TEST(a_header_at_an_odd_place_is_no_fault)
{
	struct shape s = {V6, true, 0, 3000, 1400, 0};
	struct pkt_queue out;
	struct pkt *p;

	core_begin();
	p = build(NULL, &s);
	p->l4++;
	p->csum_start++;
	EXPECT_EQ(pkt_segment(p, false, &out), 0);
	EXPECT_EQ(out.count, 3);
	pkt_queue_purge(&out);
}

static unsigned destroyed;
static void count_destructor(struct pkt *p)
{
	(void)p;
	destroyed++;
}

TEST(the_last_segment_carries_the_accounting)
{
	struct shape s = {V4, false, 0, 3000, 1000, TH_ACK};
	struct pkt_queue out;
	struct pkt *p;

	core_begin();
	destroyed = 0;
	p = build(NULL, &s);
	p->destructor = count_destructor;
	p->truesize = 12345;
	EXPECT_EQ(pkt_segment(p, true, &out), 0);
	EXPECT_EQ(out.count, 3);
	for (unsigned i = 0; i < 3; i++) {
		p = pkt_dequeue(&out);
		EXPECT_EQ(p->csum, CSUM_PARTIAL);
		if (i == 2)
			EXPECT_EQ(p->truesize, 12345);
		EXPECT_EQ(destroyed, 0);
		pkt_csum_complete(p);
		EXPECT_EQ(transport_sum(p, &s), 0);
		pkt_free(p);
	}
	EXPECT_EQ(destroyed, 1);
}

TEST(devices_that_cut_get_it_whole)
{
	struct shape s = {V4, false, 0, 30000, 1000, TH_ACK};
	struct netdev *d;

	core_begin();
	d = fake_device("eth%d", NETIF_TSO4 | NETIF_TX_CSUM | NETIF_SG);
	net_enter();
	EXPECT_EQ(netdev_xmit(build(d, &s)), 0);
	s.family = V6; /* this it does not */
	EXPECT_EQ(netdev_xmit(build(d, &s)), 0);
	net_exit();
	EXPECT_EQ(sent.count, 31);
	pkt_queue_purge(&sent);
	fake_gone(d);
}

TEST(nonsense_and_lack_of_memory_free_everything)
{
	struct shape s = {V4, false, 0, 5000, 1000, TH_ACK};
	struct pkt_queue out;
	struct pkt *p;
	long before;

	core_begin();
	before = alloc_live();
	p = build(NULL, &s);
	p->l4 += 4;
	EXPECT_EQ(pkt_segment(p, false, &out), -EINVAL);
	p = build(NULL, &s);
	p->lin[p->l3] = 0x15;
	EXPECT_EQ(pkt_segment(p, false, &out), -EINVAL);
	p = build(NULL, &s);
	p->lin[p->l4 + 12] = 0x40; /* a header of 16 bytes */
	EXPECT_EQ(pkt_segment(p, false, &out), -EINVAL);
	p = build(NULL, &s);
	p->gso_size = 0;
	EXPECT_EQ(pkt_segment(p, false, &out), -EINVAL);
	p = build(NULL, &s);
	p->l3 = 3;
	EXPECT_EQ(pkt_segment(p, false, &out), -EINVAL);
	for (long n = 0; n < 4; n++) {
		p = build(NULL, &s);
		alloc_fail_after(n);
		EXPECT_EQ(pkt_segment(p, false, &out), -ENOMEM);
		EXPECT_EQ(out.count, 0);
		alloc_fail_after(-1);
	}
	EXPECT(alloc_live() <= before + 1);
}

/* ---- the other way: merging ---- */

static struct pkt_queue came;
static void keep(struct pkt *p)
{
	pkt_enqueue(&came, p);
}
static struct netdev_proto ip4 = {.input = keep}, ip6 = {.input = keep};

static struct netdev *gro_device(void)
{
	core_begin();
	if (!ip4.type) {
		ip4.type = to_be16(ETH_P_IP);
		ip6.type = to_be16(ETH_P_IPV6);
		netdev_proto_register(&ip4);
		netdev_proto_register(&ip6);
	}
	pkt_queue_init(&came);
	return fake_device("eth%d", NETIF_GRO | NETIF_RX_CSUM);
}

/* As a device would hand a finished frame to the stack: headers linear, payload in a page. */
static struct pkt *received(struct netdev *d, struct pkt *p)
{
	uint32_t off, len = p->len;
	struct page *page = pkt_room_take(2048, &off);
	struct pkt *r;

	pkt_copy_bytes(p, 0, (char *)page_address(page) + off, len);
	memcpy((char *)page_address(page) + off, fake_mac, 6);
	pkt_free(p);
	r = netdev_rx_page(d, page, off, len);
	return r;
}

/* Cut a packet, give @change each segment, receive them all in one poll round. */
static void roundtrip(
	struct netdev *d, const struct shape *s, bool (*change)(struct pkt *p, unsigned nth))
{
	struct pkt_queue out;
	struct pkt *p;

	REQUIRE_EQ(pkt_segment(build(d, s), false, &out), 0);
	net_enter();
	for (unsigned nth = 0; (p = pkt_dequeue(&out)); nth++)
		if (!change || change(p, nth))
			netdev_rx(received(d, p));
		else
			pkt_free(p);
	netdev_rx_flush();
	net_exit();
}

static void check_merged(struct pkt *p, const struct shape *s, unsigned at, unsigned n)
{
	unsigned head = ip_bytes(s) + l4_bytes(s);
	static uint8_t out[66000];

	if (!EXPECT_EQ(p->len, head + n))
		return;
	pkt_copy_bytes(p, head, out, n);
	EXPECT_MEM(out, payload + at, n);
	EXPECT_EQ(p->gso_segs, n > s->mss ? DIV_ROUND_UP(n, s->mss) : 0);
	EXPECT_EQ(p->csum, n > s->mss ? CSUM_PARTIAL : CSUM_VERIFIED);
	if (p->csum == CSUM_PARTIAL) {
		EXPECT_EQ(p->gso_size, s->mss);
		p->off -= 14; /* at the link header again */
		p->lin_len += 14;
		p->len += 14;
		pkt_csum_complete(p);
		EXPECT_EQ(transport_sum(p, s), 0);
		if (s->family == V4)
			EXPECT_EQ(
				(__force uint16_t)csum_fold(csum_bytes(p->lin + p->l3, 20, 0)), 0);
	}
}

TEST(segments_are_merged)
{
	for (int family = V4; family <= V6; family++) {
		struct shape s = {family, false, 12, 1400 * 10 + 300, 1400, TH_ACK | TH_PSH};
		struct netdev *d = gro_device();

		roundtrip(d, &s, NULL);
		EXPECT_EQ(came.count, 1);
		check_merged(pkt_peek(&came), &s, 0, s.bytes);
		pkt_queue_purge(&came);
		fake_gone(d);
	}
}

TEST(small_segments_are_merged_too)
{
	struct shape s = {V4, false, 0, 100 * 8, 100, TH_ACK};
	struct netdev *d = gro_device();

	roundtrip(d, &s, NULL);
	EXPECT_EQ(came.count, 1);
	check_merged(pkt_peek(&came), &s, 0, s.bytes);
	pkt_queue_purge(&came);
	fake_gone(d);
}

static bool lose_third(struct pkt *p, unsigned nth)
{
	(void)p;
	return nth != 2;
}

TEST(a_gap_ends_a_merged_packet)
{
	struct shape s = {V4, false, 12, 1400 * 6, 1400, TH_ACK};
	struct netdev *d = gro_device();
	struct pkt *p;

	roundtrip(d, &s, lose_third);
	EXPECT_EQ(came.count, 2);
	p = pkt_dequeue(&came);
	check_merged(p, &s, 0, 2800);
	pkt_free(p);
	p = pkt_dequeue(&came);
	check_merged(p, &s, 4200, 4200);
	pkt_free(p);
	fake_gone(d);
}

static bool damage_fourth(struct pkt *p, unsigned nth)
{
	if (nth == 3)
		pkt_data(p)[50] ^= 1; /* the checksum itself */
	return true;
}

TEST(a_wrong_checksum_is_left_to_tcp)
{
	struct shape s = {V4, false, 12, 1400 * 6, 1400, TH_ACK};
	struct netdev *d = gro_device();
	unsigned unchecked = 0;
	struct pkt *p;

	roundtrip(d, &s, damage_fourth);
	EXPECT_EQ(came.count, 3);
	while ((p = pkt_dequeue(&came))) {
		unchecked += p->csum == CSUM_NONE;
		pkt_free(p);
	}
	EXPECT_EQ(unchecked, 1);
	fake_gone(d);
}

static bool other_ack(struct pkt *p, unsigned nth)
{
	if (nth >= 2) {
		((struct tcp_hdr *)(p->lin + p->l4))->ack = to_be32(78);
		((struct tcp_hdr *)(p->lin + p->l4))->check = 0;
		p->csum = CSUM_VERIFIED;
	}
	return true;
}

TEST(what_headers_differ_in_is_kept_apart)
{
	struct shape s = {V4, false, 12, 1400 * 4, 1400, TH_ACK};
	struct netdev *d = gro_device();
	struct pkt_queue out;
	struct pkt *p;

	REQUIRE_EQ(pkt_segment(build(d, &s), false, &out), 0);
	net_enter();
	for (unsigned nth = 0; (p = pkt_dequeue(&out)); nth++) {
		(void)other_ack(p, nth);
		p = received(d, p);
		p->csum = CSUM_VERIFIED;
		netdev_rx(p);
	}
	netdev_rx_flush();
	net_exit();
	EXPECT_EQ(came.count, 2);
	pkt_queue_purge(&came);
	fake_gone(d);
}

TEST(the_ethernet_padding_is_cut_off)
{
	struct shape s = {V4, false, 0, 4, 4, TH_ACK};
	struct netdev *d = gro_device();
	struct pkt_queue out;
	struct pkt *p;

	REQUIRE_EQ(pkt_segment(build(d, &s), false, &out), 0);
	p = received(d, pkt_dequeue(&out));
	EXPECT_EQ(p->len, 58);
	memset(pkt_append(p, 2), 0xee, 2);
	net_enter();
	netdev_rx(p);
	netdev_rx_flush();
	net_exit();
	REQUIRE_EQ(came.count, 1);
	EXPECT_EQ(pkt_peek(&came)->len, 44);
	pkt_queue_purge(&came);
	fake_gone(d);
}

/* ---- random input ---- */

TEST(frames_of_random_bytes_and_of_every_length_do_no_harm)
{
	struct netdev *d = gro_device();
	long before = alloc_live();

	for (unsigned round = 0; round < 4000; round++) {
		struct shape s = {(int)unit_below(2), false, 4 * (unsigned)unit_below(11),
			1 + (unsigned)unit_below(3000), 1 + (unsigned)unit_below(1400),
			(uint8_t)unit_random()};
		struct pkt_queue out;
		struct pkt *p;

		if (pkt_segment(build(d, &s), false, &out))
			continue;
		net_enter();
		while ((p = pkt_dequeue(&out))) {
			unsigned n = (unsigned)unit_below(6);

			p = received(d, p);
			if (n == 5)
				pkt_trim(p, (unsigned)unit_below(p->len));
			for (; n && p->lin_len; n--)
				pkt_data(p)[unit_below(p->lin_len)] = (uint8_t)unit_random();
			if (unit_below(8) == 0)
				p->csum = CSUM_VERIFIED;
			netdev_rx(p);
		}
		netdev_rx_flush();
		net_exit();
		pkt_queue_purge(&came);
	}
	EXPECT(alloc_live() <= before + 1);
	fake_gone(d);
}
