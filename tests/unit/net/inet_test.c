/* LINK: kernel/net/net.c kernel/net/netdev.c kernel/net/netdev_config.c kernel/net/xmit.c */
/* LINK: kernel/net/gso.c kernel/net/gro.c kernel/net/ether.c kernel/net/loopback.c */
/* LINK: kernel/net/pkt.c kernel/net/csum.c kernel/net/ipaddr.c kernel/mm/iov_iter.c */
/* LINK: kernel/net/socket.c kernel/net/socket_queue.c kernel/net/socket_msg.c */
/* LINK: kernel/net/socket_opt.c kernel/net/bpf.c kernel/lib/hash.c */
/* LINK: kernel/net/af_inet.c kernel/net/bind.c kernel/net/route.c kernel/net/fib.c */
/* LINK: kernel/net/fib_rule.c kernel/net/trie.c kernel/net/pmtu.c kernel/net/neigh.c */
/* LINK: kernel/net/arp.c kernel/net/inetdev.c kernel/net/addrsel.c kernel/net/ipv4.c */
/* LINK: kernel/net/ip_output.c kernel/net/icmp.c kernel/net/udp.c kernel/net/udp_send.c */
/* LINK: kernel/net/dgram.c kernel/net/inet_opt.c kernel/net/cmsg.c kernel/net/group.c */
/* LINK: kernel/net/group_sock.c kernel/net/inet_pending.c */
#include "inet.h"

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

TEST(a_neighbour_is_asked_for_once_and_gets_what_waited)
{
	struct netdev *d;
	struct socket *s;
	const struct ip_addr peer = v4(10, 1, 0, 2);
	struct pkt *p;
	static const uint8_t reply[28] = {0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 2, 10, 1, 0, 2, 2,
		0, 0, 0, 0, 1, 10, 1, 0, 1};

	inet_begin();
	d = fake_device("eth0", 0);
	address(d, v4(10, 1, 0, 1), 24);
	s = sock(AF_INET, SOCK_DGRAM, 0);
	EXPECT_EQ(sk_sendto(s, "one", 3, &peer, 9), 3);
	EXPECT_EQ(sk_sendto(s, "two", 3, &peer, 9), 3);
	REQUIRE_EQ(sent.count, 1);
	p = pkt_dequeue(&sent);
	EXPECT_EQ(p->len, 42);
	EXPECT_MEM(pkt_data(p), all_mac, 6);
	EXPECT_EQ(pkt_data(p)[21], 1);
	pkt_free(p);
	to_stack(frame(d, fake_mac, ETH_P_ARP, reply, sizeof(reply)));
	EXPECT_EQ(sent.count, 2);
	pkt_queue_purge(&sent);
	EXPECT_EQ(sk_sendto(s, "three", 5, &peer, 9), 5);
	REQUIRE_EQ(sent.count, 1);
	p = pkt_dequeue(&sent);
	EXPECT_MEM(pkt_data(p), peer_mac, 6);
	EXPECT_EQ(p->len, 14 + 20 + 8 + 5);
	pkt_free(p);
	sk_close(s);
	fake_gone(d);
	inet_end();
}
