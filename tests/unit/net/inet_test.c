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

static const uint8_t arp_reply[28] = {
	0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 2, 10, 1, 0, 2, 2, 0, 0, 0, 0, 1, 10, 1, 0, 1};

static struct netdev *ether(void)
{
	struct netdev *d;

	inet_begin();
	d = fake_device("eth0", 0);
	address(d, v4(10, 1, 0, 1), 24);
	pkt_queue_purge(&sent); /* what multicast has to say */
	return d;
}
static void ether_end(struct netdev *d)
{
	fake_gone(d);
	inet_end();
}

TEST(a_datagram_goes_over_loopback_and_back)
{
	const struct ip_addr lo = v4(127, 0, 0, 1);
	struct socket *a, *b;
	struct ip_addr from;
	char buf[64];

	inet_begin();
	a = sock(AF_INET, SOCK_DGRAM, 0);
	b = sock(AF_INET, SOCK_DGRAM, 0);
	REQUIRE(a && b);
	EXPECT_EQ(sk_bind(a, lo, 5000), 0);
	EXPECT_EQ(sk_connect(b, lo, 5000), 0);
	EXPECT(sk_port(b) >= 32768 && sk_port(b) <= 60999);
	EXPECT_EQ(sk_sendto(b, "hello", 5, NULL, 0), 5);
	EXPECT_EQ(sk_recv(a, buf, sizeof(buf), &from), 5);
	EXPECT_MEM(buf, "hello", 5);
	EXPECT(ip_equal(&from, &lo));
	EXPECT_EQ(sk_sendto(a, "answer", 6, &from, sk_port(b)), 6);
	EXPECT_EQ(sk_recv(b, buf, sizeof(buf), NULL), 6);
	EXPECT_EQ(sk_recv(b, buf, sizeof(buf), NULL), -EAGAIN);
	sk_close(a);
	EXPECT_EQ(sk_sendto(b, "nobody", 6, NULL, 0), 6);
	EXPECT_EQ(sk_recv(b, buf, sizeof(buf), NULL), -ECONNREFUSED);
	sk_close(b);
	inet_end();
}

TEST(ipv6_datagrams_and_a_dual_stack_socket)
{
	const struct ip_addr lo6 = v6("::1"), lo = v4(127, 0, 0, 1);
	struct socket *a, *b, *c;
	struct ip_addr from;
	char buf[64];

	inet_begin();
	a = sock(AF_INET6, SOCK_DGRAM, 0);
	b = sock(AF_INET6, SOCK_DGRAM, 0);
	c = sock(AF_INET, SOCK_DGRAM, 0);
	EXPECT_EQ(sk_bind(a, v6("::"), 5001), 0);
	EXPECT_EQ(sk_sendto(b, "six", 3, &lo6, 5001), 3);
	EXPECT_EQ(sk_recv(a, buf, sizeof(buf), &from), 3);
	EXPECT(ip_equal(&from, &lo6));
	EXPECT_EQ(sk_sendto(c, "four", 4, &lo, 5001), 4);
	EXPECT_EQ(sk_recv(a, buf, sizeof(buf), &from), 4);
	EXPECT(ip_equal(&from, &lo)); /* mapped */
	EXPECT_EQ(sk_sendto(a, "back", 4, &from, sk_port(c)), 4);
	EXPECT_EQ(sk_recv(c, buf, sizeof(buf), NULL), 4);
	sk_close(a);
	sk_close(b);
	sk_close(c);
	inet_end();
}

TEST(a_large_datagram_is_cut_and_put_together_over_a_small_loopback)
{
	static char out[20000], in[20000];
	const struct ip_addr lo[2] = {v4(127, 0, 0, 1), v6("::1")};
	struct socket *a, *b;

	inet_begin();
	net_config_lock();
	EXPECT_EQ(netdev_set_mtu(net_initial.loopback, 1500), 0);
	net_config_unlock();
	for (unsigned i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 7);
	for (unsigned f = 0; f < 2; f++) {
		a = sock(f ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
		b = sock(f ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
		EXPECT_EQ(sk_bind(a, lo[f], 5002), 0);
		EXPECT_EQ(sk_sendto(b, out, sizeof(out), &lo[f], 5002), sizeof(out));
		memset(in, 0, sizeof(in));
		EXPECT_EQ(sk_recv(a, in, sizeof(in), NULL), sizeof(in));
		EXPECT_MEM(in, out, sizeof(in));
		sk_opt(b, f ? IPPROTO_IPV6 : IPPROTO_IP, f ? 23 : 10, IP_PMTUDISC_DO);
		EXPECT_EQ(sk_sendto(b, out, sizeof(out), &lo[f], 5002), -EMSGSIZE);
		sk_close(a);
		sk_close(b);
	}
	net_config_lock();
	EXPECT_EQ(netdev_set_mtu(net_initial.loopback, 65536), 0);
	net_config_unlock();
	inet_end();
}

TEST(a_neighbour_is_asked_for_once_and_gets_what_waited)
{
	const struct ip_addr peer = v4(10, 1, 0, 2);
	struct netdev *d = ether();
	struct socket *s = sock(AF_INET, SOCK_DGRAM, 0);
	struct pkt *p;

	EXPECT_EQ(sk_sendto(s, "one", 3, &peer, 9), 3);
	EXPECT_EQ(sk_sendto(s, "two", 3, &peer, 9), 3);
	REQUIRE_EQ(sent.count, 1);
	p = pkt_dequeue(&sent);
	EXPECT_EQ(p->len, 42);
	EXPECT_MEM(pkt_data(p), all_mac, 6);
	EXPECT_EQ(pkt_data(p)[21], 1);
	pkt_free(p);
	to_stack(frame(d, fake_mac, ETH_P_ARP, arp_reply, sizeof(arp_reply)));
	EXPECT_EQ(sent.count, 2);
	pkt_queue_purge(&sent);
	EXPECT_EQ(sk_sendto(s, "three", 5, &peer, 9), 5);
	REQUIRE_EQ(sent.count, 1);
	p = pkt_dequeue(&sent);
	EXPECT_MEM(pkt_data(p), peer_mac, 6);
	EXPECT_EQ(p->len, 14 + 20 + 8 + 5);
	pkt_free(p);
	sk_close(s);
	ether_end(d);
}

TEST(who_does_not_answer_is_unreachable)
{
	const struct ip_addr peer = v4(10, 1, 0, 2);
	struct netdev *d = ether();
	struct socket *s = sock(AF_INET, SOCK_DGRAM, 0);
	char buf[8];

	EXPECT_EQ(sk_connect(s, peer, 9), 0);
	EXPECT_EQ(sk_opt(s, IPPROTO_IP, 11, 1), 0);
	EXPECT_EQ(sk_sendto(s, "one", 3, NULL, 0), 3);
	for (unsigned i = 0; i < 4; i++)
		settle(1100000000);
	EXPECT_EQ(count_sent(ETH_P_ARP), 3); /* three questions */
	EXPECT_EQ(sk_recv(s, buf, sizeof(buf), NULL), -EHOSTUNREACH);
	sk_close(s);
	ether_end(d);
}

TEST(neighbour_states_follow_the_rfc)
{
	const struct ip_addr peer = v4(10, 1, 0, 2);
	struct netdev *d = ether();
	struct socket *s = sock(AF_INET, SOCK_DGRAM, 0);
	struct neigh *n;

	(void)sk_sendto(s, "x", 1, &peer, 9);
	n = neigh_find(d, &peer, false);
	REQUIRE(n != NULL);
	EXPECT_EQ(n->state, NUD_INCOMPLETE);
	to_stack(frame(d, fake_mac, ETH_P_ARP, arp_reply, sizeof(arp_reply)));
	EXPECT_EQ(n->state, NUD_REACHABLE);
	settle(31000000000ull);
	EXPECT_EQ(n->state, NUD_STALE);
	pkt_queue_purge(&sent);
	(void)sk_sendto(s, "x", 1, &peer, 9);
	EXPECT_EQ(n->state, NUD_DELAY);
	EXPECT_EQ(sent.count, 1); /* sent at once */
	neigh_confirm(n);
	settle(5100000000ull);
	EXPECT_EQ(n->state, NUD_PROBE); /* confirmed too long ago */
	to_stack(frame(d, fake_mac, ETH_P_ARP, arp_reply, sizeof(arp_reply)));
	EXPECT_EQ(n->state, NUD_REACHABLE);
	settle(31000000000ull);
	(void)sk_sendto(s, "x", 1, &peer, 9);
	unit_advance(4000000000ull);
	neigh_confirm(n);
	settle(1100000000ull);
	EXPECT_EQ(n->state, NUD_REACHABLE); /* forward progress */
	settle(31000000000ull);
	(void)sk_sendto(s, "x", 1, &peer, 9);
	settle(5100000000ull);
	EXPECT_EQ(n->state, NUD_PROBE);
	for (unsigned i = 0; i < 4; i++)
		settle(1100000000);
	EXPECT_EQ(n->state, NUD_FAILED);
	neigh_put(n);
	sk_close(s);
	ether_end(d);
}

TEST(a_scan_does_not_push_out_working_neighbours)
{
	struct netdev *d = ether();
	struct socket *s = sock(AF_INET, SOCK_DGRAM, 0);
	const struct ip_addr friend = v4(10, 1, 0, 2);
	struct neigh *n;
	unsigned failed = 0;

	s->sndbuf = 1 << 30;
	address(d, v4(10, 2, 0, 1), 16);
	(void)sk_sendto(s, "x", 1, &friend, 9);
	to_stack(frame(d, fake_mac, ETH_P_ARP, arp_reply, sizeof(arp_reply)));
	for (unsigned i = 2; i < 5000; i++) {
		const struct ip_addr a = v4(10, 2, i / 250, i % 250 + 2);

		ring_room = 1000;
		failed += sk_sendto(s, "x", 1, &a, 9) < 0;
		pkt_queue_purge(&sent);
	}
	n = neigh_find(d, &friend, false);
	REQUIRE(n != NULL);
	EXPECT_EQ(n->state, NUD_REACHABLE);
	neigh_put(n);
	sk_close(s);
	ether_end(d);
}

TEST(unsolicited_arp_makes_no_entry_and_questions_are_answered)
{
	struct netdev *d = ether();
	const struct ip_addr peer = v4(10, 1, 0, 2);
	uint8_t a[28], out[64];
	struct neigh *n;

	memcpy(a, arp_reply, sizeof(a));
	to_stack(frame(d, fake_mac, ETH_P_ARP, a, sizeof(a)));
	EXPECT(neigh_find(d, &peer, false) == NULL);
	a[7] = 1; /* a question for our address */
	to_stack(frame(d, all_mac, ETH_P_ARP, a, sizeof(a)));
	REQUIRE_EQ(next_sent(out, sizeof(out)), 28);
	EXPECT_EQ(out[7], 2);
	EXPECT_MEM(out + 8, fake_mac, 6);
	n = neigh_find(d, &peer, false);
	REQUIRE(n != NULL);
	EXPECT_EQ(n->state, NUD_STALE);
	neigh_put(n);
	a[27] = 77; /* for another host: no answer */
	to_stack(frame(d, all_mac, ETH_P_ARP, a, sizeof(a)));
	EXPECT_EQ(sent.count, 0);
	memset(a + 14, 0, 4); /* a probe for ours is answered */
	a[27] = 1;
	to_stack(frame(d, all_mac, ETH_P_ARP, a, sizeof(a)));
	EXPECT_EQ(sent.count, 1);
	ether_end(d);
}

TEST(echo_is_answered_and_errors_come_back)
{
	struct netdev *d = ether();
	const struct ip_addr peer = v4(10, 1, 0, 2), me = v4(10, 1, 0, 1);
	struct icmp_hdr echo = {.type = 8, .rest = to_be32(0x12340001)};
	uint8_t out[256], udp[12] = {0, 9, 0x30, 0x39, 0, 12, 0, 0, 'd', 'a', 't', 'a'};
	struct icmp_hdr *h = (struct icmp_hdr *)(out + 20);

	neighbour(d, peer);
	echo.csum = csum_fold(csum_bytes(&echo, sizeof(echo), 0));
	rx4(d, peer, me, IPPROTO_ICMP, 1, 0, &echo, sizeof(echo));
	REQUIRE_EQ(next_sent(out, sizeof(out)), 28);
	EXPECT_EQ(h->type, 0);
	EXPECT_EQ(be32(h->rest), 0x12340001);
	EXPECT_EQ(be16(csum_fold(csum_bytes(out, 20, 0))), 0);
	EXPECT_EQ(be16(csum_fold(csum_bytes(out + 20, 8, 0))), 0);
	rx4(d, peer, me, IPPROTO_UDP, 2, 0, udp, sizeof(udp)); /* nobody has the port */
	REQUIRE_EQ(next_sent(out, sizeof(out)), 20 + 8 + 20 + 12);
	EXPECT_EQ(h->type, 3);
	EXPECT_EQ(h->code, 3);
	EXPECT_MEM(out + 48, udp, sizeof(udp));
	rx4(d, peer, me, 200, 3, 0, udp, sizeof(udp)); /* nor the protocol */
	REQUIRE_EQ(next_sent(out, sizeof(out)), 60);
	EXPECT_EQ(h->code, 2);
	rx4(d, peer, v4(10, 1, 0, 255), IPPROTO_UDP, 4, 0, udp, sizeof(udp));
	EXPECT_EQ(sent.count, 0); /* never about broadcasts */
	ether_end(d);
}

TEST(errors_sent_are_limited)
{
	struct netdev *d = ether();
	const struct ip_addr peer = v4(10, 1, 0, 2), me = v4(10, 1, 0, 1);
	uint8_t udp[8] = {0, 9, 0x30, 0x39, 0, 8};

	neighbour(d, peer);
	unit_advance(100000000000ull);
	for (unsigned i = 0; i < 100; i++)
		rx4(d, peer, me, IPPROTO_UDP, i, 0, udp, sizeof(udp));
	EXPECT_EQ(count_sent(ETH_P_IP), 6);
	settle(1000000000);
	count_sent(0);
	rx4(d, peer, me, IPPROTO_UDP, 1, 0, udp, sizeof(udp));
	EXPECT_EQ(count_sent(ETH_P_IP), 1);
	ether_end(d);
}

TEST(addresses_that_may_not_be_on_a_wire_are_dropped)
{
	struct netdev *d = ether();
	struct socket *s = sock(AF_INET, SOCK_DGRAM, 0);
	const struct ip_addr me = v4(10, 1, 0, 1);
	const struct ip_addr bad[] = {
		v4(127, 0, 0, 1), v4(224, 0, 0, 1), v4(255, 255, 255, 255), me, v4(0, 0, 0, 0)};
	uint8_t udp[9] = {0, 9, 0, 10, 0, 9, 0, 0, 'x'};
	char buf[8];

	EXPECT_EQ(sk_bind(s, v4(0, 0, 0, 0), 10), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		rx4(d, bad[i], me, IPPROTO_UDP, 1, 0, udp, sizeof(udp));
	rx4(d, v4(10, 1, 0, 2), v4(127, 0, 0, 1), IPPROTO_UDP, 1, 0, udp, sizeof(udp));
	rx4(d, v4(10, 1, 0, 2), v4(10, 1, 0, 9), IPPROTO_UDP, 1, 0, udp, sizeof(udp));
	EXPECT_EQ(sk_recv(s, buf, sizeof(buf), NULL), -EAGAIN);
	rx4(d, v4(10, 1, 0, 2), me, IPPROTO_UDP, 1, 0, udp, sizeof(udp));
	EXPECT_EQ(sk_recv(s, buf, sizeof(buf), NULL), 1);
	sk_close(s);
	ether_end(d);
}

TEST(broadcast_wants_permission_and_comes_back)
{
	struct netdev *d = ether();
	struct socket *s = sock(AF_INET, SOCK_DGRAM, 0), *r = sock(AF_INET, SOCK_DGRAM, 0);
	const struct ip_addr all = v4(10, 1, 0, 255);
	char buf[8];

	EXPECT_EQ(sk_bind(r, v4(0, 0, 0, 0), 10), 0);
	EXPECT_EQ(sk_sendto(s, "x", 1, &all, 10), -EACCES);
	EXPECT_EQ(sk_opt(s, SOL_SOCKET, SO_BROADCAST, 1), 0);
	EXPECT_EQ(sk_sendto(s, "x", 1, &all, 10), 1);
	REQUIRE_EQ(sent.count, 1);
	EXPECT_MEM(pkt_data(pkt_peek(&sent)), all_mac, 6);
	EXPECT_EQ(sk_recv(r, buf, sizeof(buf), NULL), 1);
	sk_close(s);
	sk_close(r);
	ether_end(d);
}

struct mreqn {
	__be32 group, addr;
	int ifindex;
};
TEST(members_of_a_group_get_it_and_the_querier_is_answered)
{
	struct netdev *d = ether();
	struct socket *s = sock(AF_INET, SOCK_DGRAM, 0), *r = sock(AF_INET, SOCK_DGRAM, 0);
	const struct ip_addr group = v4(239, 1, 2, 3);
	struct mreqn m = {ip_v4(&group), to_be32(0), (int)d->ifindex};
	uint8_t out[64];
	const uint8_t query[12] = {0x11, 10, 0xee, 0xf5 - 0, 0, 0, 0, 0};
	uint8_t q[12];
	__be16 sum;
	char buf[8];

	EXPECT_EQ(sk_bind(r, v4(0, 0, 0, 0), 10), 0);
	EXPECT_EQ(socket_setsockopt(s, IPPROTO_IP, 32, &m, sizeof(m)), 0);
	EXPECT_EQ(sk_sendto(s, "x", 1, &group, 10), 1);
	EXPECT_EQ(sk_recv(r, buf, sizeof(buf), NULL), -EAGAIN);
	pkt_queue_purge(&sent);
	EXPECT_EQ(socket_setsockopt(r, IPPROTO_IP, 35, &m, sizeof(m)), 0);
	EXPECT_EQ(socket_setsockopt(r, IPPROTO_IP, 35, &m, sizeof(m)), -EADDRINUSE);
	REQUIRE_EQ(next_sent(out, sizeof(out)), 24 + 16); /* an IGMPv3 report with router alert */
	EXPECT_EQ(out[24], 0x22);
	EXPECT_EQ(out[24 + 8], 4);
	EXPECT_EQ(sk_sendto(s, "x", 1, &group, 10), 1);
	EXPECT_EQ(sk_recv(r, buf, sizeof(buf), NULL), 1);
	settle(1100000000);
	pkt_queue_purge(&sent);
	memcpy(q, query, sizeof(q));
	q[2] = q[3] = 0;
	sum = csum_fold(csum_bytes(q, sizeof(q), 0));
	memcpy(q + 2, &sum, 2);
	rx4(d, v4(10, 1, 0, 2), v4(224, 0, 0, 1), IPPROTO_IGMP, 1, 0, q, sizeof(q));
	settle(1100000000);
	REQUIRE_EQ(next_sent(out, sizeof(out)), 40);
	EXPECT_EQ(out[24 + 8], 2);
	EXPECT_EQ(socket_setsockopt(r, IPPROTO_IP, 36, &m, sizeof(m)), 0);
	REQUIRE_EQ(next_sent(out, sizeof(out)), 40);
	EXPECT_EQ(out[24 + 8], 3);
	EXPECT_EQ(socket_setsockopt(r, IPPROTO_IP, 36, &m, sizeof(m)), -EADDRNOTAVAIL);
	sk_close(s);
	sk_close(r);
	ether_end(d);
}

TEST(reuseport_sockets_share_by_flow)
{
	const struct ip_addr lo = v4(127, 0, 0, 1);
	struct socket *r[3], *s[60];
	unsigned got[3] = {0};
	char buf[8];

	inet_begin();
	for (unsigned i = 0; i < 3; i++) {
		r[i] = sock(AF_INET, SOCK_DGRAM, 0);
		EXPECT_EQ(sk_opt(r[i], SOL_SOCKET, SO_REUSEPORT, 1), 0);
		EXPECT_EQ(sk_bind(r[i], lo, 7000), 0);
	}
	for (unsigned i = 0; i < 60; i++) {
		s[i] = sock(AF_INET, SOCK_DGRAM, 0);
		EXPECT_EQ(sk_sendto(s[i], "a", 1, &lo, 7000), 1);
		EXPECT_EQ(sk_sendto(s[i], "b", 1, &lo, 7000), 1);
	}
	for (unsigned i = 0; i < 3; i++) {
		while (sk_recv(r[i], buf, sizeof(buf), NULL) == 1)
			got[i]++;
		EXPECT(got[i] % 2 == 0); /* both of a flow */
		EXPECT(got[i] > 10);
		sk_close(r[i]);
	}
	EXPECT_EQ(got[0] + got[1] + got[2], 120);
	for (unsigned i = 0; i < 60; i++)
		sk_close(s[i]);
	inet_end();
}

TEST(a_cork_collects_and_segments_are_datagrams)
{
	const struct ip_addr lo = v4(127, 0, 0, 1);
	struct socket *r, *s;
	char buf[64];

	inet_begin();
	r = sock(AF_INET, SOCK_DGRAM, 0);
	s = sock(AF_INET, SOCK_DGRAM, 0);
	EXPECT_EQ(sk_bind(r, lo, 7001), 0);
	EXPECT_EQ(sk_connect(s, lo, 7001), 0);
	EXPECT_EQ(sk_opt(s, 17, 1, 1), 0);
	EXPECT_EQ(sk_sendto(s, "one", 3, NULL, 0), 3);
	EXPECT_EQ(sk_sendto(s, "two", 3, NULL, 0), 3);
	EXPECT_EQ(sk_recv(r, buf, sizeof(buf), NULL), -EAGAIN);
	EXPECT_EQ(sk_opt(s, 17, 1, 0), 0);
	EXPECT_EQ(sk_recv(r, buf, sizeof(buf), NULL), 6);
	EXPECT_MEM(buf, "onetwo", 6);
	EXPECT_EQ(sk_opt(s, 17, 103, 4), 0);
	EXPECT_EQ(sk_sendto(s, "aaaabbbbcc", 10, NULL, 0), 10);
	EXPECT_EQ(sk_recv(r, buf, sizeof(buf), NULL), 4);
	EXPECT_EQ(sk_recv(r, buf, sizeof(buf), NULL), 4);
	EXPECT_MEM(buf, "bbbb", 4);
	EXPECT_EQ(sk_recv(r, buf, sizeof(buf), NULL), 2);
	EXPECT_EQ(sk_recv(r, buf, sizeof(buf), NULL), -EAGAIN);
	sk_close(r);
	sk_close(s);
	inet_end();
}

TEST(ping_and_raw_sockets)
{
	const struct ip_addr lo = v4(127, 0, 0, 1), lo6 = v6("::1");
	const uint8_t echo[12] = {8, 0, 0, 0, 0, 0, 0, 5, 'd', 'a', 't', 'a'};
	uint8_t buf[128], echo6[12];
	struct socket *p, *r;

	inet_begin();
	EXPECT(sock(AF_INET, SOCK_DGRAM, IPPROTO_ICMP) == NULL); /* no group may */
	net_initial.inet->ping_group_min = 0;
	net_initial.inet->ping_group_max = 100;
	p = sock(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	r = sock(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	REQUIRE(p && r);
	EXPECT_EQ(sk_sendto(p, echo, sizeof(echo), &lo, 0), 12);
	EXPECT_EQ(sk_recv(p, buf, sizeof(buf), NULL), 12);
	EXPECT_EQ(buf[0], 0);
	EXPECT_EQ(buf[7], 5);
	EXPECT_EQ(buf[4] << 8 | buf[5], sk_port(p));
	EXPECT_EQ(sk_recv(r, buf, sizeof(buf), NULL), 32); /* the question */
	EXPECT_EQ(buf[0], 0x45);
	EXPECT_EQ(buf[20], 8);
	EXPECT_EQ(sk_recv(r, buf, sizeof(buf), NULL), 32); /* and the answer */
	sk_close(p);
	sk_close(r);
	memcpy(echo6, echo, sizeof(echo6));
	echo6[0] = 128;
	p = sock(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);
	r = sock(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	REQUIRE(p && r);
	EXPECT_EQ(sk_sendto(p, echo6, sizeof(echo6), &lo6, 0), 12);
	EXPECT_EQ(sk_recv(p, buf, sizeof(buf), NULL), 12);
	EXPECT_EQ(buf[0], 129);
	EXPECT_EQ(sk_recv(r, buf, sizeof(buf), NULL), 12);
	EXPECT_EQ(sk_recv(r, buf, sizeof(buf), NULL), 12);
	EXPECT_EQ(sk_sendto(r, echo6, sizeof(echo6), &lo6, 0), 12);
	EXPECT_EQ(sk_recv(r, buf, sizeof(buf), NULL), 12);
	sk_close(p);
	sk_close(r);
	net_initial.inet->ping_group_min = 1;
	net_initial.inet->ping_group_max = 0;
	inet_end();
}

TEST(path_mtu_is_learnt_from_a_quotation_of_ours_only)
{
	struct netdev *d = ether();
	struct socket *s = sock(AF_INET, SOCK_DGRAM, 0);
	const struct ip_addr far = v4(192, 0, 2, 1), me = v4(10, 1, 0, 1), gw = v4(10, 1, 0, 2);
	uint8_t msg[36] = {3, 4, 0, 0, 0, 0, 1000 >> 8, 1000 & 255};
	static char big[1400];
	__be16 sum;
	unsigned port;
	int mtu = 0;
	unsigned len = sizeof(mtu);

	neighbour(d, gw);
	route(v4(0, 0, 0, 0), 0, gw, NULL);
	EXPECT_EQ(sk_connect(s, far, 9), 0);
	port = sk_port(s);
	EXPECT_EQ(sk_sendto(s, big, sizeof(big), NULL, 0), sizeof(big));
	EXPECT_EQ(sent.count, 1);
	for (unsigned lie = 2; lie--;) {
		ip4_fill((struct ip4_hdr *)(msg + 8), me, far, IPPROTO_UDP, 1428, 1, 0x4000);
		msg[28] = (uint8_t)((port + lie) >> 8);
		msg[29] = (uint8_t)(port + lie);
		msg[31] = 9;
		msg[2] = msg[3] = 0;
		sum = csum_fold(csum_bytes(msg, sizeof(msg), 0));
		memcpy(msg + 2, &sum, 2);
		rx4(d, gw, me, IPPROTO_ICMP, 1, 0, msg, sizeof(msg));
		EXPECT_EQ(socket_getsockopt(s, IPPROTO_IP, 14, &mtu, &len), 0);
		EXPECT_EQ(mtu, lie ? 1500 : 1000);
	}
	EXPECT_EQ(socket_take_error(s), -EMSGSIZE);
	pkt_queue_purge(&sent);
	EXPECT_EQ(sk_sendto(s, big, sizeof(big), NULL, 0), sizeof(big));
	EXPECT_EQ(sent.count, 2); /* cut now */
	settle(601000000000ull);
	EXPECT_EQ(socket_getsockopt(s, IPPROTO_IP, 14, &mtu, &len), 0);
	EXPECT_EQ(mtu, 1500); /* forgotten */
	sk_close(s);
	ether_end(d);
}

TEST(nothing_is_left_of_an_interface_that_went)
{
	const long before = ({
		inet_begin();
		inet_end();
		alloc_live();
	});
	struct netdev *d = ether();
	struct socket *s = sock(AF_INET, SOCK_DGRAM, 0);

	(void)sk_connect(s, v4(10, 1, 0, 2), 9);
	(void)sk_sendto(s, "x", 1, NULL, 0);
	route(v4(0, 0, 0, 0), 0, v4(10, 1, 0, 2), NULL);
	fake_gone(d);
	sk_close(s);
	inet_end();
	for (unsigned i = 0; i < 4; i++)
		settle(70000000000ull);
	EXPECT_EQ(alloc_live(), before);
}
