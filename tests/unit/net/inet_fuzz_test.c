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

/* Whatever comes from the wire: no fault, no leak, no lock left. */
static struct netdev *dev;
static struct ip_addr me6;

static const uint8_t udp4[] = {0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 10, 1, 0, 2, 10, 1, 0, 1,
	0, 9, 0, 10, 0, 12, 0, 0, 'd', 'a', 't', 'a'};
static const uint8_t opts4[] = {0x48, 0, 0, 40, 0, 1, 0, 0, 64, 1, 0, 0, 10, 1, 0, 2, 10, 1, 0, 1,
	7, 7, 4, 0, 0, 0, 0, 0x94, 4, 0, 0, 0, 8, 0, 0, 0, 0, 1, 0, 1};
static const uint8_t err4[] = {0x45, 0, 0, 56, 0, 1, 0, 0, 64, 1, 0, 0, 10, 1, 0, 2, 10, 1, 0, 1, 3,
	4, 0, 0, 0, 0, 2, 0, 0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0, 10, 1, 0, 1, 10, 1, 0, 2, 0,
	10, 0, 9, 0, 8, 0, 0};
static const uint8_t frag4[] = {0x45, 0, 0, 36, 0, 1, 0x20, 0, 64, 17, 0, 0, 10, 1, 0, 2, 10, 1, 0,
	1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
static const uint8_t igmp4[] = {0x46, 0, 0, 36, 0, 1, 0, 0, 1, 2, 0, 0, 10, 1, 0, 2, 224, 0, 0, 1,
	0x94, 4, 0, 0, 0x11, 100, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0};
static const uint8_t head6[] = {0x60, 0, 0, 0, 0, 0, 0, 255, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 2, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 0, 1};
static const uint8_t hop6[] = {58, 0, 5, 2, 0, 0, 1, 0, 130, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
static const uint8_t ext6[] = {60, 0, 0, 0, 0, 0, 0, 0, 44, 0, 1, 4, 0, 0, 0, 0, 17, 0, 0, 1, 0, 0,
	0, 1, 0, 9, 0, 10, 0, 16, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};
static const uint8_t ra6[] = {134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0,
	0, 2, 5, 1, 0, 0, 0, 0, 5, 0xdc, 3, 4, 64, 0xc0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0x20,
	1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
static const uint8_t ns6[] = {135, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
	0xfe, 0, 0, 1, 1, 1, 2, 0, 0, 0, 0, 2};
static const uint8_t err6[] = {2, 0, 0, 0, 0, 0, 5, 0, 0x60, 0, 0, 0, 0, 16, 0, 64, 0xfe, 0x80, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 0, 1, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 2, 17, 0, 1, 4, 0, 0, 0, 0, 0, 10, 0, 9, 0, 8, 0, 0};
static const uint8_t redir6[] = {137, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 9, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 1, 2, 0, 0, 0, 0,
	3};

#define SEED(a, next)                                                                              \
	{                                                                                          \
		a, sizeof(a), next                                                                 \
	}
static const struct {
	const uint8_t *bytes;
	unsigned n;
	int next6; /* -1: an IPv4 packet, else what is behind an IPv6 header */
} seeds[] = {SEED(udp4, -1), SEED(opts4, -1), SEED(err4, -1), SEED(frag4, -1), SEED(igmp4, -1),
	SEED(hop6, 0), SEED(ext6, 60), SEED(ra6, 58), SEED(ns6, 58), SEED(err6, 58),
	SEED(redir6, 58), SEED(udp4 + 20, 17)};

static unsigned build(unsigned nth, uint8_t *buf)
{
	if (seeds[nth].next6 < 0) {
		memcpy(buf, seeds[nth].bytes, seeds[nth].n);
		return seeds[nth].n;
	}
	memcpy(buf, head6, sizeof(head6));
	memcpy(buf + 40, seeds[nth].bytes, MIN(seeds[nth].n, 12u + 40));
	memcpy(buf + 40, seeds[nth].bytes, seeds[nth].bytes == udp4 + 20 ? 12 : seeds[nth].n);
	buf[6] = (uint8_t)seeds[nth].next6;
	return 40 + (seeds[nth].bytes == udp4 + 20 ? 12 : seeds[nth].n);
}

/* Lengths and sums right again, mostly, so that the packet gets far. */
static void mend(uint8_t *buf, unsigned n, bool six)
{
	__be16 s;

	if (six && n >= 40) {
		const struct ip_addr src = ip6_addr(buf + 8), dst = ip6_addr(buf + 24);

		buf[4] = (uint8_t)((n - 40) >> 8);
		buf[5] = (uint8_t)(n - 40);
		if (buf[6] == 58 && n >= 44) {
			buf[42] = buf[43] = 0;
			s = csum_fold(
				csum_bytes(buf + 40, n - 40, csum_pseudo(&src, &dst, n - 40, 58)));
			memcpy(buf + 42, &s, 2);
		}
		return;
	}
	if (six || n < 20)
		return;
	buf[2] = (uint8_t)(n >> 8);
	buf[3] = (uint8_t)n;
	const unsigned hlen = (buf[0] & 15u) * 4;

	if (hlen < 20 || hlen > n)
		return;
	buf[10] = buf[11] = 0;
	s = csum_fold(csum_bytes(buf, hlen, 0));
	memcpy(buf + 10, &s, 2);
	if ((buf[9] == 1 || buf[9] == 2) && n >= hlen + 4) {
		buf[hlen + 2] = buf[hlen + 3] = 0;
		s = csum_fold(csum_bytes(buf + hlen, n - hlen, 0));
		memcpy(buf + hlen + 2, &s, 2);
	}
}

static void feed(const uint8_t *buf, unsigned n, bool six)
{
	static const uint8_t *const macs[] = {fake_mac, all_mac, peer_mac};
	struct pkt *p = frame(dev, macs[unit_below(8) < 6 ? 0 : unit_below(3)],
		six ? ETH_P_IPV6 : ETH_P_IP, buf, n);

	to_stack(p);
	ring_room = 1000;
	pkt_queue_purge(&sent);
}

static void begin(void)
{
	inet_begin();
	dev = fake_device("eth0", 0);
	address(dev, v4(10, 1, 0, 1), 24);
	me6 = v6("fe80::ff:fe00:1");
	settle(600000000ull);
	settle(1100000000ull);
	net_initial.inet->forward4 = unit_below(2);
}
static void end(void)
{
	net_initial.inet->forward4 = net_initial.inet->forward6 = false;
	fake_gone(dev);
	inet_end();
}

TEST(every_truncation_of_every_packet)
{
	uint8_t buf[256];

	begin();
	for (unsigned s = 0; s < ARRAY_SIZE(seeds); s++) {
		const unsigned n = build(s, buf);
		const bool six = seeds[s].next6 >= 0;

		for (unsigned cut = 0; cut <= n; cut++) {
			uint8_t copy[256];

			memcpy(copy, buf, n);
			feed(copy, cut, six); /* lengths lie */
			mend(copy, cut, six);
			feed(copy, cut, six);
		}
	}
	settle(1000000000);
	end();
}

TEST(random_changes_of_packets)
{
	uint8_t buf[512];
	struct socket *s;
	long before;
	char drain[64];

	begin();
	s = sock(AF_INET6, SOCK_DGRAM, 0);
	EXPECT_EQ(sk_bind(s, v6("::"), 10), 0);
	EXPECT_EQ(sk_opt(s, IPPROTO_IP, 11, 1), 0);
	EXPECT_EQ(sk_opt(s, IPPROTO_IPV6, 25, 1), 0);
	for (unsigned i = 0; i < 4; i++)
		settle(100000000000ull);
	pkt_queue_purge(&sent);
	unit_rcu_flush();
	before = alloc_live();
	for (unsigned i = 0; i < 60000; i++) {
		const unsigned which = (unsigned)unit_below(ARRAY_SIZE(seeds));
		const bool six = seeds[which].next6 >= 0;
		unsigned n = build(which, buf), changes = (unsigned)unit_below(5);

		while (changes--)
			buf[unit_below(n)] = (uint8_t)(unit_below(2) ? unit_random()
								     : 1u << unit_below(8));
		if (!unit_below(4)) {
			const unsigned more = (unsigned)unit_below(100);

			for (unsigned k = 0; k < more; k++)
				buf[n + k] = (uint8_t)unit_random();
			n += more;
		}
		if (unit_below(8))
			mend(buf, n, six);
		feed(buf, n, six);
		net_initial.inet->forward4 = unit_below(2);
		net_initial.inet->forward6 = !unit_below(8);
		if (!unit_below(100))
			settle(unit_below(2000000000));
		while (sk_recv(s, drain, sizeof(drain), NULL) >= 0)
			;
	}
	net_initial.inet->forward4 = net_initial.inet->forward6 = false;
	sk_close(s);
	for (unsigned i = 0; i < 4; i++)
		settle(100000000000ull);
	net_config_lock();
	fib_exceptions_flush(&net_initial);
	net_config_unlock();
	neigh_flush_dev(dev, true);
	pkt_queue_purge(&sent);
	unit_rcu_flush();
	EXPECT(alloc_live() < before + 400); /* addresses and routes that adverts gave, at most */
	end();
}

TEST(random_bytes)
{
	uint8_t buf[400];

	begin();
	for (unsigned i = 0; i < 20000; i++) {
		const unsigned n = (unsigned)unit_below(sizeof(buf));

		for (unsigned k = 0; k < n; k++)
			buf[k] = (uint8_t)unit_random();
		if (n)
			buf[0] = unit_below(2) ? 0x45 : 0x60;
		mend(buf, n, buf[0] == 0x60);
		feed(buf, n, buf[0] == 0x60);
		to_stack(frame(dev, all_mac, ETH_P_ARP, buf, MIN(n, 60u)));
		ring_room = 1000;
		pkt_queue_purge(&sent);
	}
	settle(1000000000);
	end();
}
