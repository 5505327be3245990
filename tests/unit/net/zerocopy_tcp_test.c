/*
 * zerocopy_tcp_test.c - MSG_ZEROCOPY on TCP: when its notices come, what they say, what is left
 * behind by connections that end, and the limits.
 */
/* clang-format off */
/* LINK: kernel/net/tcp*.c kernel/net/zerocopy.c kernel/policy/user.c kernel/net/pkt.c kernel/net/csum.c */
/* LINK: kernel/lib/rbtree.c kernel/lib/hash.c kernel/mm/iov_iter.c */
/* clang-format on */
#include "tests/unit/net/lent.h"
#include "tests/unit/net/tcp_script.h"

static unsigned next_page;

static void begin(void)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("opt NODELAY 1");
	script.sk->is.s.sndbuf = 200000;
	world.dev.features = NETIF_SG | NETIF_TX_CSUM;
	lent_begin(LENT_MOST);
	next_page = 0;
}

static void end(void)
{
	unit_rcu_flush();
	lent_end();
	script_end();
}

/* A send of the stream's next @n bytes, from pages that were not used before while there are any.
 */
static ssize_t lend(size_t n)
{
	unsigned pages = (unsigned)DIV_ROUND_UP(n, PAGE_SIZE);
	ssize_t done;

	if (next_page + pages > LENT_MOST)
		next_page = 0;
	for (size_t i = 0; i < n; i++)
		lent_bytes(next_page + (unsigned)(i / PAGE_SIZE))[i % PAGE_SIZE] = script_byte(
			script.wrote + i);
	done = lent_send(&script.sk->is.s, next_page, n);
	if (done > 0) {
		script.wrote += (size_t)done;
		next_page += pages;
	}
	return done;
}

/* The peer takes all, as it comes. */
static void ack_all(void)
{
	const struct tcp_sock *tp = script.sk;

	for (unsigned i = 0; i < 100 && tp->snd_una != tp->write_seq; i++)
		script_inject(&(struct script_seg){.flags = TH_ACK,
			.seq = 1,
			.ack = tp->snd_nxt - script.our_iss,
			.win = 60000});
	script.head = script.tail;
}

TEST(the_pages_themselves_are_sent_and_come_back_with_the_ack)
{
	struct socket *s;

	begin();
	s = &script.sk->is.s;
	EXPECT_EQ(lend(5000), 5000);
	EXPECT_EQ(refcount_read(&lent[0]->refs), 2); /* none was copied: the queue's */
	EXPECT_EQ(refcount_read(&lent[1]->refs), 2);
	EXPECT_EQ(refcount_read(&lent[2]->refs), 1);
	SCRIPT("> . 1:1001\n"
	       "> . 1001:2001\n"
	       "> . 2001:3001\n"
	       "> . 3001:4001\n"
	       "> P. 4001:5001\n"
	       "< . 1 ack 3001\n");
	expect_no_notice(s);
	SCRIPT("< . 1 ack 5001\n");
	expect_notice(s, 0, 0, 0);
	expect_no_notice(s);
	EXPECT_EQ(refcount_read(&lent[0]->refs), 1);
	EXPECT_EQ(atomic_read(&s->optmem), 0);
	end();
}

TEST(notices_of_several_sends_join)
{
	begin();
	for (unsigned i = 0; i < 3; i++) {
		EXPECT_EQ(lend(4096), 4096);
	}
	ack_all();
	expect_notice(&script.sk->is.s, 0, 2, 0);
	expect_no_notice(&script.sk->is.s);
	end();
}

/* What is on a ring may be sent again by the device: TCP's own references are not the only ones. */
static struct pkt_queue ring;

static void keep(const struct inet_send_args *a, struct pkt *p)
{
	(void)a;
	pkt_enqueue(&ring, p);
}

TEST(a_packet_on_the_ring_keeps_the_pages_after_the_ack)
{
	struct pkt *clone;

	begin();
	pkt_queue_init(&ring);
	world.sent = keep;
	EXPECT_EQ(lend(4096), 4096);
	SCRIPT("< . 1 ack 4097\n");
	expect_no_notice(&script.sk->is.s);
	clone = pkt_clone(pkt_peek(&ring));
	REQUIRE(clone);
	pkt_queue_purge(&ring);
	expect_no_notice(&script.sk->is.s);
	EXPECT(refcount_read(&lent[0]->refs) > 1);
	pkt_free(clone);
	expect_notice(&script.sk->is.s, 0, 0, 0);
	EXPECT_EQ(refcount_read(&lent[0]->refs), 1);
	world.sent = script_sent;
	end();
}

TEST(a_reset_gives_the_pages_back)
{
	begin();
	EXPECT_EQ(lend(5000), 5000);
	SCRIPT("< R. 1 ack 1\n");
	expect_notice(&script.sk->is.s, 0, 0, 0);
	EXPECT_EQ(refcount_read(&lent[0]->refs), 1);
	end();
}

/* The socket is closed, its connection gone, and a frame of it still on a ring. */
TEST(the_socket_outlives_its_frames)
{
	begin();
	pkt_queue_init(&ring);
	world.sent = keep;
	EXPECT_EQ(lend(5000), 5000);
	world.sent = NULL;
	script.sk->is.s.opts |= SOPT_LINGER;
	world_close(script.sk);
	script.sk = NULL;
	unit_rcu_flush();
	EXPECT(refcount_read(&lent[0]->refs) > 1);
	unit_advance(2000 * NSEC_PER_SEC);
	pkt_queue_purge(&ring);
	unit_rcu_flush();
	EXPECT_EQ(refcount_read(&lent[0]->refs), 1);
	end();
}

TEST(a_send_that_stops_short_has_one_notice)
{
	ssize_t done;

	begin();
	script.sk->is.s.sndbuf = 6000;
	done = lend(8 * PAGE_SIZE);
	EXPECT(done > 0 && done <= (ssize_t)(8 * PAGE_SIZE));
	EXPECT_EQ(lend(4096), -EAGAIN); /* it uses no number */
	ack_all();
	expect_notice(&script.sk->is.s, 0, 0, 0);
	expect_no_notice(&script.sk->is.s);
	EXPECT_EQ(atomic_read(&script.sk->is.s.optmem), 0);
	end();
}

TEST(what_is_copied_is_noticed_at_once)
{
	struct socket *s;

	begin();
	s = &script.sk->is.s;
	EXPECT_EQ(lend(100), 100); /* too short to be worth it */
	expect_notice(s, 0, 0, SO_EE_CODE_ZEROCOPY_COPIED);
	world.dev.features = NETIF_TX_CSUM;
	EXPECT_EQ(lend(5000), 5000);
	expect_notice(s, 1, 1, SO_EE_CODE_ZEROCOPY_COPIED);
	world.dev.features |= NETIF_SG | NETIF_LOOPBACK_LIKE;
	EXPECT_EQ(lend(5000), 5000);
	expect_notice(s, 2, 2, SO_EE_CODE_ZEROCOPY_COPIED);
	EXPECT_EQ(refcount_read(&lent[0]->refs), 1);
	end();
}

/* Copied and lent ones are told apart: the program may learn from it. */
TEST(notices_of_different_kinds_do_not_join)
{
	begin();
	EXPECT_EQ(lend(100), 100);
	EXPECT_EQ(lend(4096), 4096);
	ack_all();
	expect_notice(&script.sk->is.s, 0, 0, SO_EE_CODE_ZEROCOPY_COPIED);
	expect_notice(&script.sk->is.s, 1, 1, 0);
	end();
}

TEST(pages_are_bounded_by_the_user_and_notices_by_the_socket)
{
	unsigned n;

	begin();
	lent_mm.limit_memlock = 7 * PAGE_SIZE; /* of one page and its iovec: three at most */
	EXPECT_EQ(lend(4096), 4096);
	EXPECT_EQ(lend(4096), 4096);
	EXPECT_EQ(lend(4096), -ENOBUFS);
	EXPECT_EQ(lend(100), 100); /* lends none */
	ack_all();
	EXPECT_EQ(lend(4096), 4096);
	lent_mm.limit_memlock = UINT64_MAX;
	for (n = 0; n < 1000 && lend(4096) == 4096; n++)
		;
	EXPECT(n && n < 20480 / sizeof(struct pkt));
	EXPECT_EQ(lend(4096), -ENOBUFS);
	script_inject(&(struct script_seg){.flags = TH_RST | TH_ACK, .seq = 1, .ack = 1});
	EXPECT_EQ(script.sk->state, TCP_CLOSE);
	end();
}

TEST(memory_runs_out_at_any_point_of_lending)
{
	long n;

	for (n = 0; n < 30; n++) {
		begin();
		alloc_fail_after(n);
		(void)lend(20000);
		script_inject(&(struct script_seg){.flags = TH_ACK, .seq = 1, .ack = 1501});
		unit_advance(NSEC_PER_SEC);
		alloc_fail_after(-1);
		unit_advance(NSEC_PER_SEC);
		SCRIPT("< R. 1 ack 1501\n");
		script.head = script.tail;
		EXPECT_EQ(refcount_read(&lent[0]->refs), 1);
		end();
	}
}
