/* LINK: kernel/net/net.c kernel/net/netdev.c kernel/net/netdev_config.c kernel/net/xmit.c */
/* LINK: kernel/net/gso.c kernel/net/gro.c kernel/net/ether.c kernel/net/loopback.c */
/* LINK: kernel/net/pkt.c kernel/net/csum.c kernel/net/ipaddr.c kernel/mm/iov_iter.c */
/* LINK: kernel/net/socket.c kernel/net/socket_queue.c kernel/net/socket_msg.c */
/* LINK: kernel/net/socket_opt.c kernel/net/bpf.c kernel/lib/hash.c */
/* LINK: kernel/net/af_inet.c kernel/net/bind.c kernel/net/route.c kernel/net/fib.c */
/* LINK: kernel/net/fib_rule.c kernel/net/trie.c kernel/net/pmtu.c kernel/net/neigh.c */
/* LINK: kernel/net/arp.c kernel/net/inetdev.c kernel/net/addrsel.c kernel/net/ipv4.c */
/* LINK: kernel/net/ip_output.c kernel/net/icmp.c kernel/net/udp.c kernel/net/udp_send.c */
/* LINK: kernel/net/zerocopy.c kernel/policy/user.c */
/* LINK: kernel/net/dgram.c kernel/net/inet_opt.c kernel/net/cmsg.c kernel/net/group.c */
/* LINK: kernel/net/group_sock.c kernel/net/group_report.c kernel/net/igmp.c kernel/net/mld.c */
/* LINK: kernel/net/ipv6.c kernel/net/icmp6.c kernel/net/ndisc.c kernel/net/autoconf.c */
/* LINK: kernel/net/ip_frag.c kernel/net/raw.c kernel/net/ping.c kernel/net/filter.c */
/* LINK: kernel/net/filter_state.c kernel/net/filter_rules.c kernel/net/ip_parse.c */
/* LINK: kernel/lib/rbtree.c */
#include "inet.h"

enum { PIECES = 5, UNIT = 64, LEN = PIECES * UNIT + 8 };
static struct netdev *dev;
static struct socket *rcv;
static uint8_t whole[LEN + 1024]; /* a UDP datagram, and bytes that lie behind it */
static const struct ip_addr peer = {.w = {0, 0, to_be32(0xffff), to_be32(0x0a010002)}},
			    me = {.w = {0, 0, to_be32(0xffff), to_be32(0x0a010001)}};
static struct ip_addr peer6, me6;

static void begin(void)
{
	static const uint8_t head[8] = {0, 9, 0, 10, LEN >> 8, LEN & 255};

	inet_begin();
	peer6 = v6("2001:db8::2");
	me6 = v6("2001:db8::1");
	dev = fake_device("eth0", 0);
	address(dev, me, 24);
	address(dev, me6, 64);
	neighbour(dev, peer);
	neighbour(dev, peer6);
	for (unsigned i = 0; i < LEN; i++)
		whole[i] = (uint8_t)(i * 13);
	memcpy(whole, head, sizeof(head));
	rcv = sock(AF_INET6, SOCK_DGRAM, 0);
	PANIC_ON(sk_bind(rcv, v6("::"), 10) || sk_opt(rcv, 17, 102, 1));
	pkt_queue_purge(&sent);
}
static void end(void)
{
	sk_close(rcv);
	settle(40000000000ull);
	fake_gone(dev);
	inet_end();
}

/* Bytes [at, at + n) of the datagram. */
static void fragment(bool six, unsigned id, unsigned at, unsigned n, bool more)
{
	uint8_t buf[1500] = {IPPROTO_UDP};
	const __be16 off = to_be16(at | more);
	const __be32 wide = to_be32(id);

	if (!six) {
		rx4(dev, peer, me, IPPROTO_UDP, id, at / 8 | (more ? IP4_MF : 0), whole + at, n);
		return;
	}
	memcpy(buf + 2, &off, 2);
	memcpy(buf + 4, &wide, 4);
	memcpy(buf + 8, whole + MIN(at, (unsigned)LEN), n);
	rx6(dev, fake_mac, peer6, me6, IP6_FRAGMENT, 64, buf, n + 8);
}

static bool arrived(void)
{
	static uint8_t got[LEN];
	const ssize_t n = sk_recv(rcv, got, sizeof(got), NULL);

	if (n < 0)
		return false;
	return EXPECT_EQ(n, LEN - 8) && EXPECT_MEM(got, whole + 8, LEN - 8);
}

/* The checksum of the datagram, by family; 0 is "none" for IPv4. */
static void sum(bool six)
{
	__be16 s;

	whole[6] = whole[7] = 0;
	if (!six)
		return;
	s = csum_fold(csum_bytes(whole, LEN, csum_pseudo(&peer6, &me6, LEN, IPPROTO_UDP)));
	memcpy(whole + 6, &s, 2);
}

static void piece(bool six, unsigned id, unsigned nth)
{
	const unsigned at = nth * UNIT;

	fragment(six, id, at, nth == PIECES - 1 ? LEN - at : UNIT, nth < PIECES - 1);
}

TEST(all_orders_make_the_same_datagram)
{
	unsigned order[PIECES], id = 1;

	begin();
	for (unsigned six = 0; six < 2; six++) {
		sum(six);
		for (unsigned perm = 0; perm < 120; perm++, id++) {
			unsigned left[PIECES] = {0, 1, 2, 3, 4}, k = perm;

			for (unsigned i = 0; i < PIECES; i++) {
				const unsigned pick = k % (PIECES - i);

				k /= PIECES - i;
				order[i] = left[pick];
				memmove(left + pick, left + pick + 1,
					(PIECES - pick - 1) * sizeof(left[0]));
			}
			for (unsigned i = 0; i < PIECES; i++) {
				if (i)
					EXPECT(!arrived());
				piece(six, id, order[i]);
				if (i == 2)
					piece(six, id, order[i]); /* an exact repetition */
			}
			EXPECT(arrived());
			EXPECT(!arrived());
		}
	}
	end();
}

TEST(overlap_drops_the_whole_and_what_follows)
{
	begin();
	for (unsigned six = 0; six < 2; six++) {
		sum(six);
		for (unsigned shift = 8; shift < UNIT; shift += 24) {
			piece(six, 500 + shift, 0);
			piece(six, 500 + shift, 2);
			fragment(six, 500 + shift, UNIT - shift, UNIT, true);
			for (unsigned i = 0; i < PIECES; i++)
				piece(six, 500 + shift, i);
			EXPECT(!arrived());
		}
		piece(six, 900, 4); /* the end, and then something behind it */
		fragment(six, 900, (PIECES + 1) * UNIT, UNIT, true);
		for (unsigned i = 0; i < PIECES; i++)
			piece(six, 900, i);
		EXPECT(!arrived());
		piece(six, 901, 4); /* two ends */
		fragment(six, 901, 2 * UNIT, UNIT, false);
		for (unsigned i = 0; i < 4; i++)
			piece(six, 901, i);
		EXPECT(!arrived());
	}
	end();
}

TEST(what_does_not_fit_a_packet_is_refused)
{
	begin();
	whole[6] = whole[7] = 0;
	rx4(dev, peer, me, IPPROTO_UDP, 1, 0x1fff, whole, 100); /* beyond 65535 */
	rx4(dev, peer, me, IPPROTO_UDP, 2, IP4_MF, whole, 63);  /* not a multiple of 8 */
	rx4(dev, peer, me, IPPROTO_UDP, 3, 10, whole, 0);       /* empty */
	fragment(true, 4, 0xfff8, 100, false);
	fragment(true, 5, 0, 63, true);
	EXPECT(!arrived());
	end();
}

TEST(a_datagram_that_is_never_whole_is_given_up_and_its_sender_told)
{
	uint8_t out[1500];

	begin();
	sum(false);
	piece(false, 1, 1);
	settle(31000000000ull);
	EXPECT_EQ(count_sent(ETH_P_IP), 0); /* the beginning was missing */
	piece(false, 2, 0);
	settle(31000000000ull);
	for (unsigned n; (n = next_sent(out, sizeof(out)));)
		if (out[0] == 0x45 && out[9] == IPPROTO_ICMP)
			break;
	EXPECT_EQ(out[20], 11);
	EXPECT_EQ(out[21], 1);
	EXPECT_MEM(out + 48, whole, 8);
	for (unsigned i = 1; i < PIECES; i++)
		piece(false, 2, i); /* too late */
	EXPECT(!arrived());
	end();
}

TEST(memory_is_bounded_for_one_source_and_for_all)
{
	static uint8_t big[1400];
	uint64_t most = 0;

	begin();
	for (unsigned i = 0; i < 20000; i++) {
		rx4(dev, peer, me, IPPROTO_UDP, i, IP4_MF, big, 1400);
		most = MAX(most, net_mem_used());
	}
	EXPECT(most < 64 * 4096);
	for (unsigned i = 0; i < 20000; i++) {
		rx4(dev, v4(10, 1, 1 + i / 250, i % 250), me, IPPROTO_UDP, i, IP4_MF, big, 1400);
		most = MAX(most, net_mem_used());
	}
	EXPECT(most < (5 << 20));
	sum(false); /* and others still get through */
	for (unsigned i = 0; i < PIECES; i++)
		piece(false, 50000, i);
	EXPECT(arrived());
	end();
}

TEST(fragments_made_are_put_together_again)
{
	struct socket *s;
	static uint8_t data[4000];
	uint8_t buf[1600];
	unsigned n, at = 0;

	begin();
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i ^ i >> 8);
	s = sock(AF_INET, SOCK_DGRAM, 0);
	EXPECT_EQ(sk_sendto(s, data, sizeof(data), &peer, 9), sizeof(data));
	while ((n = next_sent(buf, sizeof(buf)))) {
		const struct ip4_hdr *h = (const struct ip4_hdr *)buf;
		const unsigned off = (be16(h->frag) & IP4_OFFSET) * 8u;

		if (buf[0] != 0x45)
			continue;
		EXPECT(n <= 1500);
		EXPECT_EQ(be16(h->len), n);
		EXPECT_EQ(be16(csum_fold(csum_bytes(h, 20, 0))), 0);
		EXPECT_EQ(off, at);
		EXPECT_EQ((be16(h->frag) & IP4_MF) != 0, at + n - 20 < sizeof(data) + 8);
		at += n - 20;
	}
	EXPECT_EQ(at, sizeof(data) + 8);
	sk_close(s);
	s = sock(AF_INET6, SOCK_DGRAM, 0);
	EXPECT_EQ(sk_sendto(s, data, sizeof(data), &peer6, 9), sizeof(data));
	for (at = 0; (n = next_sent(buf, sizeof(buf)));) {
		if (buf[0] >> 4 != 6 || buf[6] != IP6_FRAGMENT)
			continue;
		EXPECT(n <= 1500);
		EXPECT_EQ((buf[42] << 8 | buf[43]) & 0xfff8, at);
		at += n - 48;
	}
	EXPECT_EQ(at, sizeof(data) + 8);
	sk_close(s);
	end();
}

TEST(nothing_is_left_when_memory_runs_out_anywhere)
{
	long before;

	begin();
	sum(false);
	for (unsigned i = 0; i < 4; i++) {
		settle(40000000000ull);
		pkt_queue_purge(&sent);
	}
	before = alloc_live();
	for (long k = 0; k < 40; k++) {
		alloc_fail_after(k);
		for (unsigned i = 0; i < PIECES; i++) {
			struct pkt *p;
			uint8_t buf[1500];
			const unsigned at = i * UNIT, n = i == PIECES - 1 ? LEN - at : UNIT;

			alloc_fail_after(-1);
			ip4_fill((struct ip4_hdr *)buf, peer, me, IPPROTO_UDP, n + 20,
				1000 + (unsigned)k, at / 8 | (i < PIECES - 1 ? IP4_MF : 0));
			memcpy(buf + 20, whole + at, n);
			p = frame(dev, fake_mac, ETH_P_IP, buf, n + 20);
			alloc_fail_after(k);
			to_stack(p);
		}
		alloc_fail_after(-1);
		(void)arrived();
		settle(40000000000ull);
	}
	pkt_queue_purge(&sent);
	unit_rcu_flush();
	EXPECT_EQ(alloc_live(), before);
	end();
}
