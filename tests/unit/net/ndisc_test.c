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

static struct netdev *dev;
static struct ip_addr local, router, global;

struct ra {
	uint8_t head[16];
	uint8_t source[8], mtu[8], prefix[32];
};

/* Up, with its link-local address checked; what was sent on the way is dropped. */
static void begin(void)
{
	inet_begin();
	local = v6("fe80::ff:fe00:1"); /* of 02:00:00:00:00:01 */
	router = v6("fe80::99");
	global = v6("2001:db8:0:1:0:ff:fe00:1");
	dev = fake_device("eth0", 0);
	settle(600000000ull);
	settle(1100000000ull);
	pkt_queue_purge(&sent);
}
static void end(void)
{
	fake_gone(dev);
	inet_end();
}
/* The next ICMPv6 message of @type that was sent: where it begins in @buf, or NULL. */
static uint8_t *sent_icmp6(uint8_t type, uint8_t *buf, unsigned *n)
{
	unsigned len;

	while ((len = next_sent(buf, 256))) {
		*n = len - 40;
		if (buf[0] >> 4 == 6 && buf[6] == IPPROTO_ICMPV6 && buf[40] == type) {
			const struct ip_addr src = ip6_addr(buf + 8), dst = ip6_addr(buf + 24);

			EXPECT_EQ(be16(csum_fold(csum_bytes(buf + 40, *n,
					  csum_pseudo(&src, &dst, *n, IPPROTO_ICMPV6)))),
				0);
			return buf + 40;
		}
	}
	return NULL;
}
static const struct ifaddr *has(struct ip_addr a)
{
	return inetdev_find(dev, &a);
}
static void advert(uint16_t lifetime, uint32_t valid, uint32_t preferred, unsigned hops)
{
	struct ra m = {
		.head = {ICMP6_RA, 0, 0, 0, 55, 0, (uint8_t)(lifetime >> 8), (uint8_t)lifetime},
		.source = {1, 1, 2, 0, 0, 0, 0, 2},
		.mtu = {5, 1, 0, 0, 0, 0, 1400 >> 8, 1400 & 255},
		.prefix = {3, 4, 64, 0xc0}};
	const __be32 v = to_be32(valid), p = to_be32(preferred);
	const struct ip_addr net = v6("2001:db8:0:1::");

	memcpy(m.prefix + 4, &v, 4);
	memcpy(m.prefix + 8, &p, 4);
	memcpy(m.prefix + 16, net.b, 16);
	rx_icmp6(dev, router, v6("ff02::1"), hops, &m, sizeof(m));
	settle(1);
}
static int lookup(struct ip_addr to, struct dst *d)
{
	const struct flow f = {.dst = to};
	int err;

	net_enter();
	err = dst_lookup(&net_initial, &f, d);
	net_exit();
	return err;
}

TEST(an_address_is_tentative_until_nobody_objects)
{
	uint8_t buf[256], *m;
	unsigned n;

	inet_begin();
	local = v6("fe80::ff:fe00:1");
	dev = fake_device("eth0", 0);
	REQUIRE(has(local));
	EXPECT(has(local)->a.flags & IFA_F_TENTATIVE);
	settle(600000000ull);
	m = sent_icmp6(ICMP6_NS, buf, &n);
	REQUIRE(m);
	EXPECT(ip_equal(&(struct ip_addr){.q = {0, 0}}, &(struct ip_addr){.q = {0, 0}}));
	EXPECT_MEM(m + 8, local.b, 16);
	for (unsigned i = 0; i < 16; i++)
		EXPECT_EQ(buf[8 + i], 0); /* from :: */
	settle(1100000000ull);
	EXPECT(!(has(local)->a.flags & IFA_F_TENTATIVE));
	settle(1100000000ull);
	m = sent_icmp6(ICMP6_RS, buf, &n);
	REQUIRE(m);
	EXPECT_EQ(m[8], 1);
	EXPECT_MEM(m + 10, fake_mac, 6);
	end();
}

TEST(another_host_with_the_address_ends_its_use)
{
	struct nd_msg ns = {.type = ICMP6_NS}, na = {.type = ICMP6_NA};
	struct netdev *second;

	inet_begin();
	local = v6("fe80::ff:fe00:1");
	dev = fake_device("eth0", 0);
	settle(600000000ull);
	memcpy(ns.target, local.b, 16);
	rx_icmp6(dev, v6("::"), ip6_solicited_node(&local), 255, &ns, sizeof(ns));
	settle(1100000000ull);
	EXPECT(has(local)->a.flags & IFA_F_DADFAILED);
	EXPECT(has(local)->a.flags & IFA_F_TENTATIVE);
	fake_gone(dev);
	second = fake_device("eth0", 0);
	dev = second;
	settle(600000000ull);
	memcpy(na.target, local.b, 16);
	na.flags = to_be32(1u << 29);
	rx_icmp6(dev, local, v6("ff02::1"), 255, &na, sizeof(na));
	EXPECT(has(local)->a.flags & IFA_F_DADFAILED);
	end();
}

TEST(our_own_probe_that_comes_back_is_no_conflict)
{
	uint8_t buf[256], *m, copy[64];
	unsigned n;

	inet_begin();
	local = v6("fe80::ff:fe00:1");
	dev = fake_device("eth0", 0);
	settle(600000000ull);
	m = sent_icmp6(ICMP6_NS, buf, &n);
	REQUIRE(m && n <= sizeof(copy));
	memcpy(copy, m, n);
	rx_icmp6(dev, v6("::"), ip6_solicited_node(&local), 255, copy, n);
	settle(1100000000ull);
	EXPECT(!(has(local)->a.flags & (IFA_F_DADFAILED | IFA_F_TENTATIVE)));
	end();
}

TEST(solicitations_are_answered)
{
	struct {
		struct nd_msg m;
		uint8_t opt[8];
	} ns = {.m = {.type = ICMP6_NS}, .opt = {1, 1, 2, 0, 0, 0, 0, 2}};
	uint8_t buf[256], *m;
	struct neigh *e;
	unsigned n;

	begin();
	memcpy(ns.m.target, local.b, 16);
	rx_icmp6(dev, router, ip6_solicited_node(&local), 255, &ns, sizeof(ns));
	m = sent_icmp6(ICMP6_NA, buf, &n);
	REQUIRE(m);
	EXPECT_EQ(m[4], 0x60); /* solicited, override */
	EXPECT_MEM(m + 8, local.b, 16);
	EXPECT_EQ(m[24], 2);
	EXPECT_MEM(m + 26, fake_mac, 6);
	e = neigh_find(dev, &router, false);
	REQUIRE(e);
	EXPECT_EQ(e->state, NUD_DELAY); /* stale, and used for the answer */
	neigh_put(e);
	rx_icmp6(dev, router, ip6_solicited_node(&local), 254, &ns, sizeof(ns));
	EXPECT(!sent_icmp6(ICMP6_NA, buf, &n)); /* from beyond the link */
	rx_icmp6(dev, v6("::"), ip6_solicited_node(&local), 255, &ns.m, sizeof(ns.m));
	m = sent_icmp6(ICMP6_NA, buf, &n); /* somebody else's probe: told to all */
	REQUIRE(m);
	EXPECT_EQ(m[4], 0x20);
	ns.opt[1] = 0; /* an option without length: the message is not looked at */
	rx_icmp6(dev, router, ip6_solicited_node(&local), 255, &ns, sizeof(ns));
	EXPECT(!sent_icmp6(ICMP6_NA, buf, &n));
	end();
}

TEST(a_neighbour_is_resolved_over_ipv6)
{
	struct {
		struct nd_msg m;
		uint8_t opt[8];
	} na = {.m = {.type = ICMP6_NA, .flags = to_be32(3u << 29)},
		.opt = {2, 1, 2, 0, 0, 0, 0, 2}};
	const struct ip_addr peer = v6("fe80::2");
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = to_be16(9)};
	struct socket *s;
	struct iov_iter it;
	struct sockaddr_storage name;
	struct socket_msg msg = {.iter = &it, .name = &name, .name_len = sizeof(to)};
	uint8_t buf[256], *m;
	unsigned n;

	begin();
	s = sock(AF_INET6, SOCK_DGRAM, 0);
	memcpy(to.sin6_addr, peer.b, 16);
	memcpy(&name, &to, sizeof(to));
	to.sin6_scope_id = dev->ifindex;
	memcpy(&name, &to, sizeof(to));
	iov_iter_kernel(&it, "x", 1);
	EXPECT_EQ(socket_sendmsg(s, &msg, 1, 0), 1);
	m = sent_icmp6(ICMP6_NS, buf, &n);
	REQUIRE(m);
	EXPECT_MEM(m + 8, peer.b, 16);
	memcpy(na.m.target, peer.b, 16);
	rx_icmp6(dev, peer, local, 255, &na, sizeof(na));
	REQUIRE_EQ(next_sent(buf, sizeof(buf)), 40 + 8 + 1);
	EXPECT_EQ(buf[6], IPPROTO_UDP);
	sk_close(s);
	end();
}

TEST(a_router_gives_address_route_and_parameters)
{
	struct dst d;
	const struct ip_addr far = v6("2001:db8:ffff::1"), near = v6("2001:db8:0:1::77");

	begin();
	EXPECT_EQ(lookup(far, &d), -ENETUNREACH);
	advert(1800, 7200, 3600, 64); /* not from the link */
	EXPECT(!has(global));
	advert(1800, 7200, 3600, 255);
	REQUIRE(has(global));
	EXPECT(!(has(global)->a.flags & IFA_F_PERMANENT));
	settle(600000000ull);
	settle(1100000000ull);
	EXPECT(!(has(global)->a.flags & IFA_F_TENTATIVE));
	REQUIRE_EQ(lookup(far, &d), 0);
	EXPECT(ip_equal(&d.hop, &router));
	EXPECT(ip_equal(&d.src, &global));
	EXPECT_EQ(d.mtu, 1400);
	EXPECT_EQ(d.hop_limit, 55);
	dst_release(&d);
	REQUIRE_EQ(lookup(near, &d), 0);
	EXPECT(ip_equal(&d.hop, &near));
	dst_release(&d);
	advert(0, 7200, 3600, 255); /* no default router any more */
	EXPECT_EQ(lookup(far, &d), -ENETUNREACH);
	end();
}

TEST(lifetimes_end)
{
	struct dst d;
	const struct ip_addr far = v6("2001:db8:ffff::1");

	begin();
	advert(100, 20000, 50, 255);
	settle(2000000000ull);
	settle(2000000000ull);
	EXPECT_EQ(lookup(far, &d), 0);
	dst_release(&d);
	for (unsigned i = 0; i < 50; i++)
		settle(1100000000ull);
	REQUIRE(has(global));
	EXPECT(has(global)->a.flags & IFA_F_DEPRECATED);
	settle(60000000000ull);
	EXPECT_EQ(lookup(far, &d), -ENETUNREACH);
	advert(100, 10, 10, 255); /* a lifetime is not cut below two hours (RFC 4862, 5.5.3) */
	REQUIRE(has(global));
	EXPECT_EQ(has(global)->a.valid_s, 7200);
	for (unsigned i = 0; i < 8; i++)
		settle(1000000000000ull);
	EXPECT(!has(global));
	end();
}

TEST(a_flood_of_routers_and_prefixes_is_bounded)
{
	unsigned n = 0;
	const struct ifaddr *ia;

	begin();
	for (unsigned i = 0; i < 200; i++) {
		struct ra m = {.head = {ICMP6_RA, [7] = 100},
			.source = {1, 1, 2, 0, 0, 0, 0, 2},
			.mtu = {5, 1},
			.prefix = {3, 4, 64, 0xc0, 0, 1, 0, 0, 0, 1, 0, 0, [16] = 0x20, 1, 0x0d,
				0xb8, 1, (uint8_t)i}};
		struct ip_addr from = router;

		from.b[14] = (uint8_t)(i + 1);
		rx_icmp6(dev, from, v6("ff02::1"), 255, &m, sizeof(m));
		settle(1);
	}
	list_for_each_entry (ia, &inet_dev(dev)->addrs, node)
		n++;
	EXPECT_EQ(n, 16);
	n = 0;
	net_config_lock();
	for (const struct trie_node *t = trie_next(&net_initial.inet->fib->main->trie[1], NULL); t;
		t = trie_next(&net_initial.inet->fib->main->trie[1], t))
		for (const struct route *rt = t->value; rt; rt = rt->next)
			n++;
	net_config_unlock();
	EXPECT(n <= 16 + 32 + 1);
	end();
}

TEST(redirects_count_from_the_present_router_only)
{
	struct {
		struct nd_msg m;
		uint8_t dst[16], opt[8];
	} r = {.m = {.type = ICMP6_REDIRECT}, .opt = {2, 1, 2, 0, 0, 0, 0, 3}};
	const struct ip_addr far = v6("2001:db8:ffff::1"), better = v6("fe80::aa");
	struct dst d;

	begin();
	advert(1800, 7200, 3600, 255);
	memcpy(r.m.target, better.b, 16);
	memcpy(r.dst, far.b, 16);
	rx_icmp6(dev, v6("fe80::bad"), local, 255, &r, sizeof(r));
	REQUIRE_EQ(lookup(far, &d), 0);
	EXPECT(ip_equal(&d.hop, &router));
	dst_release(&d);
	rx_icmp6(dev, router, local, 255, &r, sizeof(r));
	REQUIRE_EQ(lookup(far, &d), 0);
	EXPECT(ip_equal(&d.hop, &better));
	dst_release(&d);
	settle(601000000000ull);
	net_config_lock();
	fib_exceptions_flush(&net_initial);
	net_config_unlock();
	end();
}
