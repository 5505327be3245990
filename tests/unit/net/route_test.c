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

static struct netdev *e0, *e1;

static void begin(void)
{
	inet_begin();
	e0 = fake_device("eth0", 0);
	e1 = fake_device("eth1", 0);
	address(e0, v4(10, 1, 0, 1), 24);
	address(e1, v4(10, 2, 0, 1), 24);
}
static void end(void)
{
	fake_gone(e0);
	fake_gone(e1);
	inet_end();
}
static int look(struct ip_addr to, struct dst *d)
{
	const struct flow f = {.dst = to, .src = ip_is_v4(&to) ? v4(0, 0, 0, 0) : v6("::")};
	int err;

	net_enter();
	err = dst_lookup(&net_initial, &f, d);
	net_exit();
	return err;
}
/* Which interface, by which hop; the error otherwise. */
static int way(struct ip_addr to, struct ip_addr *hop)
{
	struct dst d;
	const int err = look(to, &d);
	int ifindex;

	if (err)
		return err;
	ifindex = (int)d.dev->ifindex;
	if (hop)
		*hop = d.hop;
	dst_release(&d);
	return ifindex;
}
static int add(struct rt_entry *e, bool replace, bool append, bool excl)
{
	int err;

	net_config_lock();
	err = route_add(&net_initial, e, true, replace, append, excl);
	net_config_unlock();
	return err;
}
static int del(struct rt_entry *e)
{
	int err;

	net_config_lock();
	err = route_del(&net_initial, e);
	net_config_unlock();
	return err;
}
static struct rt_entry via(struct ip_addr dst, unsigned bits, struct ip_addr gw)
{
	return (struct rt_entry){.dst = dst,
		.prefix = (uint8_t)(96 + bits),
		.type = RTN_UNICAST,
		.table = RT_TABLE_MAIN,
		.protocol = 3,
		.nr_hops = 1,
		.hop = {{.gateway = gw, .weight = 1}}};
}

TEST(addresses_bring_their_routes)
{
	const struct ip_addr me = v4(10, 1, 0, 1);
	struct dst d;

	begin();
	REQUIRE_EQ(look(me, &d), 0);
	EXPECT_EQ(d.kind, DST_LOCAL);
	EXPECT(d.dev == net_initial.loopback);
	dst_release(&d);
	REQUIRE_EQ(look(v4(10, 1, 0, 255), &d), 0);
	EXPECT_EQ(d.kind, DST_BROADCAST);
	dst_release(&d);
	REQUIRE_EQ(look(v4(10, 1, 0, 9), &d), 0);
	EXPECT_EQ(d.kind, DST_UNICAST);
	EXPECT(d.dev == e0);
	EXPECT(ip_equal(&d.src, &me));
	EXPECT(dst_check(&net_initial, &d));
	address(e0, v4(10, 3, 0, 1), 24);
	EXPECT(!dst_check(&net_initial, &d));
	dst_release(&d);
	EXPECT_EQ(way(v4(10, 9, 0, 1), NULL), -ENETUNREACH);
	net_config_lock();
	netdev_stop(e0);
	net_config_unlock();
	EXPECT_EQ(way(v4(10, 1, 0, 9), NULL), -ENETUNREACH);
	EXPECT_EQ(way(me, NULL), (int)net_initial.loopback->ifindex); /* still ours */
	net_config_lock();
	EXPECT_EQ(netdev_open(e0), 0);
	net_config_unlock();
	EXPECT_EQ(way(v4(10, 1, 0, 9), NULL), (int)e0->ifindex);
	end();
}

TEST(the_longest_prefix_and_the_least_metric_win)
{
	struct ip_addr hop;
	const struct ip_addr a = v4(10, 1, 0, 7), b = v4(10, 2, 0, 7), c = v4(10, 2, 0, 8);
	struct rt_entry def = via(v4(0, 0, 0, 0), 0, a), net = via(v4(192, 0, 2, 0), 24, b);
	struct rt_entry worse = via(v4(192, 0, 2, 0), 24, c), twice = net;

	begin();
	EXPECT_EQ(add(&def, false, false, true), 0);
	EXPECT_EQ(add(&net, false, false, true), 0);
	EXPECT_EQ(add(&twice, false, false, true), -EEXIST);
	worse.priority = 100;
	EXPECT_EQ(add(&worse, false, false, true), 0);
	EXPECT_EQ(way(v4(8, 8, 8, 8), &hop), (int)e0->ifindex);
	EXPECT(ip_equal(&hop, &a));
	EXPECT_EQ(way(v4(192, 0, 2, 1), &hop), (int)e1->ifindex);
	EXPECT(ip_equal(&hop, &b));
	EXPECT_EQ(del(&net), 0);
	(void)way(v4(192, 0, 2, 1), &hop);
	EXPECT(ip_equal(&hop, &c));
	EXPECT_EQ(del(&worse), 0);
	EXPECT_EQ(del(&worse), -ESRCH);
	(void)way(v4(192, 0, 2, 1), &hop);
	EXPECT(ip_equal(&hop, &a));
	def.hop[0].gateway = b;
	EXPECT_EQ(add(&def, true, false, false), 0);
	(void)way(v4(8, 8, 8, 8), &hop);
	EXPECT(ip_equal(&hop, &b));
	def.hop[0].gateway = v4(172, 16, 0, 1); /* a default route is no link */
	EXPECT_EQ(add(&def, true, false, false), -ENETUNREACH);
	end();
}

TEST(a_gateway_must_be_on_a_link)
{
	struct rt_entry e = via(v4(192, 0, 2, 0), 24, v4(172, 16, 0, 1));

	begin();
	EXPECT_EQ(add(&e, false, false, true), -ENETUNREACH);
	e.hop[0].gateway = v4(10, 1, 0, 1); /* ourselves */
	EXPECT_EQ(add(&e, false, false, true), -EINVAL);
	e.hop[0] = (struct rt_hop){.ifindex = 999, .weight = 1};
	EXPECT_EQ(add(&e, false, false, true), -ENODEV);
	e.hop[0] = (struct rt_hop){
		.gateway = v4(172, 16, 0, 1), .ifindex = e1->ifindex, .weight = 1, .onlink = true};
	EXPECT_EQ(add(&e, false, false, true), 0);
	EXPECT_EQ(way(v4(192, 0, 2, 1), NULL), (int)e1->ifindex);
	end();
}

TEST(routes_that_say_no)
{
	static const struct {
		uint8_t type;
		int err;
	} no[] = {{RTN_BLACKHOLE, -EINVAL}, {RTN_UNREACHABLE, -EHOSTUNREACH},
		{RTN_PROHIBIT, -EACCES}, {RTN_THROW, -ENETUNREACH}};

	begin();
	for (unsigned i = 0; i < ARRAY_SIZE(no); i++) {
		struct rt_entry e = via(v4(192, 0, 2 + i, 0), 24, v4(0, 0, 0, 0));

		e.type = no[i].type;
		e.nr_hops = 0;
		EXPECT_EQ(add(&e, false, false, true), 0);
		EXPECT_EQ(way(v4(192, 0, 2 + i, 1), NULL), no[i].err);
		EXPECT_EQ(del(&e), 0);
	}
	end();
}

TEST(several_hops_share_by_weight)
{
	struct rt_entry e = via(v4(0, 0, 0, 0), 0, v4(10, 1, 0, 7));
	unsigned n[2] = {0};

	begin();
	e.nr_hops = 2;
	e.hop[1] = (struct rt_hop){.gateway = v4(10, 2, 0, 7), .weight = 3};
	EXPECT_EQ(add(&e, false, false, true), 0);
	for (unsigned i = 0; i < 4000; i++) {
		const struct ip_addr to = v4(9, i >> 8, i & 255, 1);
		const int ifindex = way(to, NULL);

		n[ifindex == (int)e1->ifindex]++;
		EXPECT_EQ(way(to, NULL), ifindex); /* the same flow, the same way */
	}
	EXPECT(n[0] > 800 && n[0] < 1200);
	net_config_lock();
	netdev_stop(e1);
	net_config_unlock();
	EXPECT_EQ(way(v4(9, 9, 9, 9), NULL), (int)e0->ifindex);
	net_config_lock();
	EXPECT_EQ(netdev_open(e1), 0);
	net_config_unlock();
	end();
}

TEST(rules_choose_the_table)
{
	struct rt_entry e = via(v4(0, 0, 0, 0), 0, v4(10, 1, 0, 7)), other = e;
	struct rt_rule r = {
		.priority = 100, .table = 77, .action = 1, .mark = 5, .mark_mask = 0xff};
	struct flow f = {.dst = v4(9, 9, 9, 9), .src = v4(0, 0, 0, 0)};
	struct dst d;

	begin();
	other.table = 77;
	other.hop[0].gateway = v4(10, 2, 0, 7);
	EXPECT_EQ(add(&e, false, false, true), 0);
	EXPECT_EQ(add(&other, false, false, true), 0);
	net_config_lock();
	EXPECT_EQ(rule_add(&net_initial, &r), 0);
	EXPECT_EQ(rule_add(&net_initial, &r), -EEXIST);
	net_config_unlock();
	net_enter();
	EXPECT_EQ(dst_lookup(&net_initial, &f, &d), 0);
	EXPECT(d.dev == e0);
	dst_release(&d);
	f.mark = 0x105;
	EXPECT_EQ(dst_lookup(&net_initial, &f, &d), 0);
	EXPECT(d.dev == e1);
	dst_release(&d);
	net_exit();
	net_config_lock();
	EXPECT_EQ(rule_del(&net_initial, &r), 0);
	EXPECT_EQ(rule_del(&net_initial, &r), -ENOENT);
	net_config_unlock();
	EXPECT_EQ(way(v4(9, 9, 9, 9), NULL), (int)e0->ifindex);
	EXPECT_EQ(del(&other), 0);
	end();
}

/* RFC 6724, 10.1: source selection. */
TEST(the_source_is_chosen_by_the_rules)
{
	static const struct {
		const char *have[3], *to, *expect;
	} cases[] = {
		{{"2001:db8:1::1", "fe80::1"}, "2001:db8:1::2", "2001:db8:1::1"},
		{{"fec0::1", "2001:db8:1::1"}, "ff05::1", "fec0::1"},
		{{"2001:db8:1::2", "2001:db8:3::2"}, "2001:db8:1::1", "2001:db8:1::2"},
		{{"2001:db8:1::2", "2001:db8:3::2"}, "2001:db8:3::5", "2001:db8:3::2"},
		{{"fd00::1", "2001:db8:1::1"}, "fd00:1::2", "fd00::1"},
		{{"2002:c633:6401::1", "2001:db8:1::1"}, "2002:c633:6401::2", "2002:c633:6401::1"},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct netdev *d;
		struct ip_addr src, to = v6(cases[i].to), want = v6(cases[i].expect);
		char text[IP_TEXT];

		inet_begin();
		d = fake_device("eth0", 0);
		for (unsigned k = 0; k < 3 && cases[i].have[k]; k++)
			address(d, v6(cases[i].have[k]), 64);
		net_enter();
		EXPECT(inetdev_source6(&net_initial, d, &to, &src));
		net_exit();
		if (!EXPECT(ip_equal(&src, &want)))
			unit_print("# case %u: %s\n", i, ip_text(&src, text));
		fake_gone(d);
		inet_end();
	}
}

TEST(a_deprecated_address_is_the_second_choice)
{
	struct netdev *d;
	struct ip_addr src, to = v6("2001:db8:1::9"), good = v6("2001:db8:2::1");
	struct if_addr old = {.addr = v6("2001:db8:1::1"),
		.prefix = 64,
		.flags = IFA_F_NODAD,
		.valid_s = 1000,
		.preferred_s = 0};

	inet_begin();
	d = fake_device("eth0", 0);
	old.ifindex = d->ifindex;
	net_config_lock();
	EXPECT_EQ(inet_addr_add(&net_initial, &old, false), 0);
	net_config_unlock();
	address(d, good, 64);
	net_enter();
	EXPECT(inetdev_source6(&net_initial, d, &to, &src));
	net_exit();
	EXPECT(ip_equal(&src, &good));
	fake_gone(d);
	inet_end();
}

TEST(a_primary_address_takes_its_secondaries_along)
{
	struct if_addr a = {.addr = v4(10, 1, 0, 1), .prefix = 120};

	begin();
	address(e0, v4(10, 1, 0, 2), 24);
	EXPECT(inetdev_find(
		       e0, &(struct ip_addr){.w = {0, 0, to_be32(0xffff), to_be32(0x0a010002)}})
			->a.flags &
		IFA_F_SECONDARY);
	a.ifindex = e0->ifindex;
	net_config_lock();
	EXPECT_EQ(inet_addr_del(&net_initial, &a), 0);
	EXPECT_EQ(inet_addr_del(&net_initial, &a), -EADDRNOTAVAIL);
	net_config_unlock();
	EXPECT_EQ(way(v4(10, 1, 0, 2), NULL), -ENETUNREACH);
	EXPECT_EQ(way(v4(10, 1, 0, 9), NULL), -ENETUNREACH);
	end();
}

TEST(routes_go_with_the_last_address_of_their_interface)
{
	struct rt_entry e = via(v4(0, 0, 0, 0), 0, v4(10, 1, 0, 254));
	struct if_addr a = {.addr = v4(10, 1, 0, 1), .prefix = 96 + 24};
	const struct ip_addr far = v4(192, 0, 2, 1);

	begin();
	a.ifindex = e0->ifindex;
	REQUIRE_EQ(add(&e, false, false, true), 0);
	address(e0, v4(10, 5, 0, 1), 24);
	EXPECT_EQ(way(far, NULL), (int)e0->ifindex);
	net_config_lock();
	EXPECT_EQ(inet_addr_del(&net_initial, &a), 0);
	net_config_unlock();
	EXPECT_EQ(way(far, NULL), (int)e0->ifindex); /* it has another one */
	a.addr = v4(10, 5, 0, 1);
	net_config_lock();
	EXPECT_EQ(inet_addr_del(&net_initial, &a), 0);
	net_config_unlock();
	EXPECT_EQ(way(far, NULL), -ENETUNREACH);
	EXPECT_EQ(way(v4(10, 2, 0, 9), NULL), (int)e1->ifindex);
	end();
}

TEST(a_router_passes_on_and_says_what_it_cannot)
{
	uint8_t udp[12] = {0, 9, 0, 10, 0, 12}, out[256];
	const struct ip_addr from = v4(10, 1, 0, 5), to = v4(10, 2, 0, 5);
	static uint8_t big[1400];
	struct ip4_hdr *h = (struct ip4_hdr *)out;

	begin();
	neighbour(e0, from);
	neighbour(e1, to);
	settle(2000000000ull);
	pkt_queue_purge(&sent);
	rx4(e0, from, to, IPPROTO_UDP, 1, 0, udp, sizeof(udp));
	EXPECT_EQ(count_sent(ETH_P_IP), 0); /* no router yet */
	net_initial.inet->forward4 = true;
	rx4(e0, from, to, IPPROTO_UDP, 1, 0, udp, sizeof(udp));
	REQUIRE_EQ(next_sent(out, sizeof(out)), 32);
	EXPECT_EQ(h->ttl, 63);
	EXPECT_EQ(be16(csum_fold(csum_bytes(h, 20, 0))), 0);
	rx4(e0, from, v4(172, 16, 0, 1), IPPROTO_UDP, 1, 0, udp, sizeof(udp));
	REQUIRE_EQ(next_sent(out, sizeof(out)), 60);
	EXPECT_EQ(out[20], 3);
	EXPECT_EQ(out[21], 0);
	net_config_lock();
	EXPECT_EQ(netdev_set_mtu(e1, 1000), 0);
	net_config_unlock();
	settle(2000000000ull); /* IPv6 takes its leave of such a link, some of it after a random
				  delay */
	pkt_queue_purge(&sent);
	rx4(e0, from, to, IPPROTO_UDP, 1, IP4_DF, big, sizeof(big));
	REQUIRE(next_sent(out, sizeof(out)) > 56);
	EXPECT_EQ(out[20], 3);
	EXPECT_EQ(out[21], 4);
	EXPECT_EQ(out[26] << 8 | out[27], 1000);
	rx4(e0, from, to, IPPROTO_UDP, 1, 0, big, sizeof(big));
	EXPECT_EQ(count_sent(ETH_P_IP), 2); /* cut */
	rx4(e0, v4(127, 0, 0, 1), to, IPPROTO_UDP, 1, 0, udp, sizeof(udp));
	rx4(e0, v4(10, 2, 0, 1), to, IPPROTO_UDP, 1, 0, udp, sizeof(udp)); /* our address */
	EXPECT_EQ(count_sent(ETH_P_IP), 0);
	net_initial.inet->forward4 = false;
	end();
}
