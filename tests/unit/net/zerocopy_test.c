/*
 * zerocopy_test.c - MSG_ZEROCOPY on UDP, and what becomes of packets with a program's pages: a
 * device takes them as they are, receivers on this machine get copies.
 */
/* clang-format off */
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
/* clang-format on */
#include "inet.h"
#include "lent.h"

static struct netdev *begin(uint32_t features)
{
	struct netdev *d;

	inet_begin();
	d = fake_device("eth0", features);
	address(d, v4(10, 1, 0, 1), 24);
	pkt_queue_purge(&sent);
	lent_begin(LENT_MOST);
	for (unsigned i = 0; i < LENT_MOST; i++)
		memset(lent_bytes(i), (int)i + 1, PAGE_SIZE);
	return d;
}

static void end(struct netdev *d)
{
	settle(0);
	lent_end();
	fake_gone(d);
	inet_end();
}

/* A socket whose datagrams go to a neighbour that is known. */
static struct socket *to_peer(struct netdev *d)
{
	static const uint8_t arp[28] = {0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 2, 10, 1, 0, 2, 2, 0,
		0, 0, 0, 1, 10, 1, 0, 1};
	struct socket *s = sock(AF_INET, SOCK_DGRAM, 0);

	PANIC_ON(!s || sk_connect(s, v4(10, 1, 0, 2), 9));
	EXPECT_EQ(sk_sendto(s, "x", 1, NULL, 0), 1);
	to_stack(frame(d, fake_mac, ETH_P_ARP, arp, sizeof(arp)));
	pkt_queue_purge(&sent);
	return s;
}

static bool carries(const struct pkt *p, const struct page *page)
{
	for (unsigned i = 0; i < p->nr_frags; i++)
		if (p->frag[i].page == page)
			return true;
	return false;
}

TEST(a_datagram_leaves_from_the_programs_pages)
{
	struct netdev *d = begin(NETIF_SG | NETIF_TX_CSUM);
	struct socket *s;

	d->mtu = 9000;
	s = to_peer(d);
	EXPECT_EQ(lent_send(s, 0, 5000), 5000);
	REQUIRE_EQ(sent.count, 1);
	EXPECT(carries(pkt_peek(&sent), lent[0]));
	EXPECT(carries(pkt_peek(&sent), lent[1]));
	expect_no_notice(s);
	EXPECT(atomic_read(&s->wmem) >= 2 * (int)PAGE_SIZE);
	pkt_queue_purge(&sent);
	expect_notice(s, 0, 0, 0);
	EXPECT_EQ(atomic_read(&s->wmem), 0);
	EXPECT_EQ(atomic_read(&s->optmem), 0);
	sk_close(s);
	end(d);
}

/* Each fragment of a large one counts. */
TEST(the_last_fragment_gives_the_pages_back)
{
	struct netdev *d = begin(NETIF_SG | NETIF_TX_CSUM);
	struct socket *s;
	unsigned n;

	d->mtu = 1500;
	s = to_peer(d);
	EXPECT_EQ(lent_send(s, 0, 16 * PAGE_SIZE - 100), 16 * PAGE_SIZE - 100);
	n = sent.count;
	EXPECT(n > 40);
	while (n--) {
		expect_no_notice(s);
		pkt_free(pkt_dequeue(&sent));
	}
	expect_notice(s, 0, 0, 0);
	sk_close(s);
	end(d);
}

TEST(a_closed_socket_is_gone_when_its_frames_are)
{
	struct netdev *d = begin(NETIF_SG | NETIF_TX_CSUM);
	struct socket *s;
	long before;

	d->mtu = 9000;
	before = alloc_live();
	s = to_peer(d);
	EXPECT_EQ(lent_send(s, 0, 5000), 5000);
	sk_close(s);
	EXPECT(refcount_read(&lent[0]->refs) > 1);
	pkt_queue_purge(&sent);
	EXPECT_EQ(refcount_read(&lent[0]->refs), 1);
	settle(0);
	EXPECT(alloc_live() <= before + 2); /* the neighbour, a room of pkts */
	end(d);
}

TEST(devices_that_cannot_are_sent_copies)
{
	static const uint32_t features[] = {0, NETIF_SG, NETIF_TX_CSUM};

	for (unsigned i = 0; i < ARRAY_SIZE(features); i++) {
		struct netdev *d = begin(features[i]);
		struct socket *s;

		d->mtu = 9000;
		s = to_peer(d);
		EXPECT_EQ(lent_send(s, 0, 5000), 5000);
		expect_notice(s, 0, 0, SO_EE_CODE_ZEROCOPY_COPIED);
		EXPECT_EQ(refcount_read(&lent[0]->refs), 1);
		sk_close(s);
		end(d);
	}
}

/* Pieces that are too many for one packet, and memory that cannot be lent. */
TEST(what_cannot_be_lent_is_copied)
{
	static uint8_t own[6000];
	struct netdev *d = begin(NETIF_SG | NETIF_TX_CSUM);
	struct iovec iov[LENT_MOST];
	struct iov_iter it;
	struct socket_msg m = {.iter = &it, .flags = MSG_DONTWAIT | MSG_ZEROCOPY};
	struct socket *s;

	d->mtu = 9000;
	s = to_peer(d);
	for (unsigned i = 0; i < LENT_MOST; i++)
		iov[i] = (struct iovec){lent_bytes(i) + 5, 300};
	iov_iter_vec(&it, iov, LENT_MOST, 300 * LENT_MOST);
	EXPECT_EQ(socket_send_zerocopy(s, &m, 300 * LENT_MOST, 0), 300 * LENT_MOST);
	REQUIRE_EQ(sent.count, 1);
	for (unsigned i = 0; i < LENT_MOST; i++) {
		uint8_t byte;

		pkt_copy_bytes(pkt_peek(&sent), 42 + i * 300 + 299, &byte, 1);
		EXPECT_EQ(byte, i + 1);
	}
	pkt_queue_purge(&sent);
	expect_notice(s, 0, 0, SO_EE_CODE_ZEROCOPY_COPIED);
	iov_iter_user(&it, (void __user *)own, sizeof(own));
	EXPECT_EQ(socket_send_zerocopy(s, &m, sizeof(own), 0), (ssize_t)sizeof(own));
	expect_notice(s, 1, 1, SO_EE_CODE_ZEROCOPY_COPIED);
	iov_iter_user(&it, (void __user *)1, 5000);
	EXPECT_EQ(socket_send_zerocopy(s, &m, 5000, 0), -EFAULT);
	expect_no_notice(s);
	sk_close(s);
	pkt_queue_purge(&sent);
	end(d);
}

/* A packet like those of a program, to @d, that holds @note. */
static void give(struct netdev *d, struct pkt_note *note, int (*to)(struct pkt *p))
{
	struct pkt *p = pkt_alloc_tx();

	PANIC_ON(!p || !pkt_add_frag(p, page_get(lent[0]), 0, 4000));
	pkt_set_note(p, note);
	p->dev = d;
	net_enter();
	eth_push(p, all_mac, fake_mac, 0x88b5);
	(void)to(p);
	net_exit();
}

static unsigned lasts;
static void count_last(struct pkt_note *n)
{
	(void)n;
	lasts++;
}

TEST(receivers_on_this_machine_get_copies)
{
	struct netdev *d = begin(NETIF_SG | NETIF_TX_CSUM);
	struct pkt_note note = {.last = count_last};

	refcount_set(&note.refs, 1);
	lasts = 0;
	give(net_initial.loopback, &note, netdev_xmit); /* nobody takes it */
	EXPECT(note.is_copied);
	EXPECT_EQ(refcount_read(&note.refs), 1);
	EXPECT_EQ(refcount_read(&lent[0]->refs), 1);
	pkt_note_put(&note);
	EXPECT_EQ(lasts, 1);
	end(d);
}

TEST(a_copy_has_the_bytes_and_leaves_the_rest_alone)
{
	struct netdev *d = begin(0);
	struct pkt_note note = {.last = count_last};
	struct pkt *p = pkt_alloc_tx(), *c;
	uint8_t byte;

	refcount_set(&note.refs, 1);
	for (unsigned i = 0; i < PKT_FRAGS - 1; i++)
		PANIC_ON(!pkt_add_frag(p, page_get(lent[i]), i, PAGE_SIZE - 2 * i));
	pkt_set_note(p, &note);
	c = pkt_clone(p);
	EXPECT_EQ(refcount_read(&note.refs), 3);
	alloc_fail_after(0);
	EXPECT(!pkt_own_pages(p));
	alloc_fail_after(-1);
	EXPECT(carries(p, lent[0]) && p->note);
	EXPECT(pkt_own_pages(p));
	EXPECT(!p->note && note.is_copied);
	EXPECT_EQ(p->len, c->len);
	memset(lent_bytes(3), 99, PAGE_SIZE);
	for (unsigned i = 0, at = 0; i < PKT_FRAGS - 1; at += PAGE_SIZE - 2 * i++) {
		pkt_copy_bytes(p, at + 7, &byte, 1);
		EXPECT_EQ(byte, i + 1);
	}
	EXPECT(carries(c, lent[0]) && !carries(p, lent[0]));
	pkt_free(p);
	EXPECT_EQ(refcount_read(&note.refs), 2);
	pkt_free(c);
	end(d);
}

TEST(two_notes_do_not_share_a_packet)
{
	struct netdev *d = begin(0);
	struct pkt_note note[2] = {{.last = count_last}, {.last = count_last}};
	struct pkt *p[2];

	for (unsigned i = 0; i < 2; i++) {
		refcount_set(&note[i].refs, 1);
		p[i] = pkt_alloc_tx();
		PANIC_ON(!pkt_add_frag(p[i], page_get(lent[i]), 0, 100));
		pkt_set_note(p[i], &note[i]);
	}
	EXPECT(!pkt_merge(p[0], p[1]));
	EXPECT_EQ(pkt_append_ref(p[0], p[1], 0, 100), -EMSGSIZE);
	EXPECT_EQ(p[0]->len, 100);
	pkt_free(p[0]);
	p[0] = pkt_alloc_tx();
	EXPECT_EQ(pkt_append_ref(p[0], p[1], 50, 50), 0);
	EXPECT_EQ(refcount_read(&note[1].refs), 3);
	EXPECT(pkt_merge(p[0], p[1]));
	EXPECT_EQ(refcount_read(&note[1].refs), 2);
	pkt_free(p[0]);
	EXPECT_EQ(refcount_read(&note[1].refs), 1);
	EXPECT_EQ(refcount_read(&note[0].refs), 1);
	end(d);
}
