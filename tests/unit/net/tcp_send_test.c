/*
 * tcp_send_test.c - the sending side: segments, Nagle and corks, the peer's window, probes,
 * buffers, path MTU, urgent data, pages by reference, ICMP.
 */
/* clang-format off */
/* LINK: kernel/net/tcp*.c kernel/net/zerocopy.c kernel/policy/user.c kernel/net/pkt.c kernel/net/csum.c */
/* LINK: kernel/lib/rbtree.c kernel/lib/hash.c kernel/mm/iov_iter.c */
/* clang-format on */
#include "tests/unit/net/tcp_script.h"

TEST(a_write_becomes_segments_and_the_last_is_pushed)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("write 2500 = 2500\n"
	       "> . 1:1001 ack 1\n"
	       "> . 1001:2001\n"
	       "> P. 2001:2501\n"
	       ">none\n"
	       "outq = 2500\n"
	       "unsent =\n"
	       "< . 1 ack 2501\n"
	       "outq =\n"
	       ">none\n"
	       "+100s\n"
	       ">none\n");
	script_end();
}

TEST(ten_segments_at_first_and_more_with_each_ack)
{
	script_begin();
	ESTABLISHED("mss 1000,sackOK");
	SCRIPT("sndbuf 200000\n"
	       "write 50000 = 50000\n"
	       "sent = 10\n"
	       "cwnd = 10\n"
	       "< . 1 ack 2001\n"
	       "sent = 4\n" /* two left, and two more in slow start */
	       "cwnd = 12\n"
	       "< . 1 ack 14001\n"
	       "sent = 24\n"
	       "cwnd = 24\n");
	script_end();
}

/* ---- Nagle, corks ---- */

TEST(nagle_holds_small_segments_while_one_is_under_way)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("write 10 = 10\n"
	       "> P. 1:11\n"
	       "write 10 = 10\n"
	       "write 10 = 10\n"
	       ">none\n"
	       "unsent = 20\n"
	       "< . 1 ack 11\n"
	       "> P. 11:31\n"
	       "write 1000 = 1000\n" /* a full one goes */
	       "> P. 31:1031\n"
	       ">none\n");
	script_end();
}

TEST(nodelay_sends_at_once_and_flushes_what_nagle_held)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("write 10 = 10\n"
	       "> P. 1:11\n"
	       "write 10 = 10\n"
	       ">none\n"
	       "opt NODELAY 1\n"
	       "> P. 11:21\n"
	       "write 10 = 10\n"
	       "> P. 21:31\n"
	       "getopt NODELAY = 1\n");
	script_end();
}

TEST(a_cork_holds_all_but_full_segments_until_it_is_drawn)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("opt NODELAY 1\n"
	       "opt CORK 1\n"
	       "write 600 = 600\n"
	       ">none\n"
	       "write 600 = 600\n"
	       "> . 1:1001\n"
	       ">none\n"
	       "opt CORK 0\n"
	       "> P. 1001:1201\n");
	script_end();
}

TEST(a_forgotten_cork_lets_go_after_a_while)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("opt CORK 1\n"
	       "write 10 = 10\n"
	       "+100ms\n"
	       ">none\n"
	       "+2s\n"
	       "> P. 1:11\n");
	script_end();
}

TEST(msg_more_is_a_cork_for_one_call)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("opt NODELAY 1\n"
	       "write 600 MORE = 600\n"
	       ">none\n"
	       "write 100 MORE = 100\n"
	       ">none\n"
	       "write 100 = 100\n"
	       "> P. 1:801\n");
	script_end();
}

TEST(small_writes_are_joined)
{
	unsigned i;

	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("write 1 = 1\n"
	       "> P. 1:2\n");
	for (i = 0; i < 3000; i++)
		EXPECT_EQ(script_write(1, 0), 1);
	EXPECT(script.sk->wq.count < 60);
	SCRIPT("> P. 2:1002\n"
	       "> P. 1002:2002\n"
	       "> P. 2002:3002\n"
	       ">none\n"
	       "< . 1 ack 3002\n"
	       ">none\n");
	script_end();
}

/* ---- the peer's window ---- */

TEST(no_more_than_the_window_and_no_silly_segments)
{
	script_begin();
	SCRIPT("connect = -EINPROGRESS\n"
	       "> S 0\n"
	       "< S. 0 ack 1 win 2500 <mss 1000>\n"
	       "> . 1\n"
	       "write 5000 = 5000\n"
	       "> . 1:1001\n"
	       "> . 1001:2001\n"
	       ">none\n" /* 500 bytes of window are not worth a segment */
	       "< . 1 ack 2001 win 700\n"
	       ">none\n"
	       "< . 1 ack 2001 win 1000\n"
	       "> . 2001:3001\n"
	       "< . 1 ack 3001 win 4000\n"
	       "> . 3001:4001\n"
	       "> P. 4001:5001\n");
	script_end();
}

TEST(a_peer_that_never_offers_a_full_segment_gets_what_it_can_take)
{
	script_begin();
	SCRIPT("connect = -EINPROGRESS\n"
	       "> S 0\n"
	       "< S. 0 ack 1 win 600 <mss 1400>\n"
	       "> . 1\n"
	       "mss = 300\n"
	       "write 600 = 600\n"
	       "> . 1:301\n"
	       "> P. 301:601\n");
	script_end();
}

TEST(an_old_window_is_not_believed)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("< . 11:21 ack 1 win 5000\n"
	       "drain\n"
	       "< . 1:11 ack 1 win 100\n" /* older than what came before it */
	       "drain\n");
	EXPECT_EQ(script.sk->snd_wnd, 5000u);
	script_end();
}

TEST(a_closed_window_is_probed_with_growing_pauses_and_for_ever_while_it_is_answered)
{
	unsigned i;

	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("< . 1 ack 1 win 0\n"
	       "< P. 1:2 ack 1 win 0\n"
	       "drain\n"
	       "write 100 = 100\n"
	       ">none\n"
	       "+250ms\n"
	       "> . 0 ack 2\n" /* an old number without data: it must answer */
	       "< . 2 ack 1 win 0\n"
	       "+399ms\n"
	       ">none\n"
	       "+10ms\n"
	       "> . 0 ack 2\n"
	       "< . 2 ack 1 win 0\n"
	       "+810ms\n"
	       "> . 0 ack 2\n");
	for (i = 0; i < 100; i++)
		SCRIPT("< . 2 ack 1 win 0\n"
		       "+120s\n");
	SCRIPT("drain\n"
	       "state ESTABLISHED\n"
	       "< . 2 ack 1 win 1000\n"
	       "> P. 1:101 ack 2\n");
	script_end();
}

TEST(an_unanswered_probe_is_given_up)
{
	script_begin();
	world_inet.tcp_retries2 = 3;
	ESTABLISHED("mss 1000");
	SCRIPT("< P. 1:2 ack 1 win 0\n"
	       "drain\n"
	       "write 100 = 100\n"
	       "+30s\n"
	       "state CLOSE\n"
	       "error = -ETIMEDOUT\n"
	       "sent = 3\n");
	script_end();
}

TEST(a_window_too_small_for_a_segment_is_used_by_the_timer)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("< P. 1:2 ack 1 win 300\n"
	       "drain\n"
	       "write 1000 = 1000\n"
	       ">none\n"
	       "+250ms\n"
	       "> P. 1:301\n");
	script_end();
}

TEST(a_window_that_is_taken_back_stops_sending_but_acks_stay_acceptable)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("write 3000 = 3000\n"
	       "sent = 3\n"
	       "< P. 1:11 ack 1 win 1000\n"
	       "> . 1001 ack 11\n" /* the edge, not beyond it */
	       "< . 11 ack 1001 win 2000\n"
	       ">none\n"
	       "< . 11 ack 3001 win 2000\n"
	       "write 100 = 100\n"
	       "> P. 3001:3101 ack 11\n");
	script_end();
}

/* ---- buffers ---- */

TEST(a_full_buffer_stops_writers_until_a_third_is_free)
{
	script_begin();
	script_established(__FILE__, __LINE__, "mss 1000");
	script.sk->is.s.sndbuf = 20000;
	script.sk->is.s.opts |= SOPT_SNDBUF_LOCK;
	{
		ssize_t n = script_write(200000, 0);

		EXPECT(n > 10000 && n < 100000);
		SCRIPT("write 1 = -EAGAIN\n"
		       "poll =\n");
		script_inject(&(struct script_seg){.flags = TH_ACK, .seq = 1, .ack = 1001});
		SCRIPT("poll =\n");
		while (script.sk->snd_una != script.sk->write_seq)
			script_inject(&(struct script_seg){.flags = TH_ACK,
				.seq = 1,
				.ack = script.sk->snd_nxt - script.our_iss,
				.win = 65535});
		SCRIPT("poll = OUT\n"
		       "write 1 = 1\n"
		       "drain\n");
	}
	script_end();
}

static void peer_takes_all(void)
{
	script_inject(&(struct script_seg){.flags = TH_ACK,
		.seq = 1,
		.ack = script.sk->snd_nxt - script.our_iss,
		.win = 65535});
}

TEST(a_blocking_write_waits_for_room)
{
	static uint8_t buf[300000];
	struct iov_iter it;
	struct socket_msg m = {.iter = &it};
	size_t i;

	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("sndbuf 20000\n");
	for (i = 0; i < sizeof(buf); i++)
		buf[i] = script_byte(i);
	iov_iter_kernel(&it, buf, sizeof(buf));
	unit_on_sleep = peer_takes_all;
	EXPECT_EQ(tcp_sendmsg(&script.sk->is.s, &m, sizeof(buf), 0), sizeof(buf));
	unit_on_sleep = NULL;
	script.head = script.tail;
	script_end();
}

static void peer_resets(void)
{
	script_inject(&(struct script_seg){.flags = TH_RST, .seq = 1});
}

TEST(a_blocking_write_ends_with_what_it_did_when_the_peer_resets)
{
	static uint8_t buf[300000];
	struct iov_iter it;
	struct socket_msg m = {.iter = &it};
	ssize_t n;
	size_t i;

	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("sndbuf 20000\n");
	for (i = 0; i < sizeof(buf); i++)
		buf[i] = script_byte(i);
	iov_iter_kernel(&it, buf, sizeof(buf));
	unit_on_sleep = peer_resets;
	n = tcp_sendmsg(&script.sk->is.s, &m, sizeof(buf), 0);
	EXPECT(n > 0 && n < 100000);
	unit_on_sleep = NULL;
	SCRIPT("write 1 = -ECONNRESET\n"
	       "write 1 = -EPIPE\n"
	       "drain\n");
	script_end();
}

TEST(notsent_lowat_bounds_what_is_not_sent)
{
	ssize_t n;

	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("sndbuf 1000000\n"
	       "opt NOTSENT_LOWAT 5000\n"
	       "getopt NOTSENT_LOWAT = 5000\n");
	n = script_write(500000, 0);
	EXPECT(n > 15000 && n <= 10000 + 5000 + 65535);
	SCRIPT("poll =\n"
	       "drain\n");
	script_end();
}

TEST(the_send_buffer_grows_with_the_window)
{
	unsigned i;

	script_begin();
	ESTABLISHED("mss 1000");
	for (i = 0; i < 40; i++) {
		(void)script_write(500000, 0);
		peer_takes_all();
		script.head = script.tail;
	}
	EXPECT(script.sk->is.s.sndbuf > 100000);
	EXPECT(script.sk->is.s.sndbuf <= 4194304);
	script_end();
}

/* ---- path MTU ---- */

TEST(a_smaller_path_mtu_cuts_what_is_in_flight_and_resends_it)
{
	script_begin();
	ESTABLISHED("mss 1460");
	SCRIPT("write 2920 = 2920\n"
	       "> . 1:1461\n"
	       "> P. 1461:2921\n"
	       "icmp EMSGSIZE 1 1200\n"
	       "mss = 1160\n"
	       "> . 1:1161\n"
	       "> . 1161:2321\n"
	       "> P. 2321:2921\n"
	       "cwnd = 12\n" /* the same bytes */
	       "< . 1 ack 2921\n"
	       "ca OPEN\n");
	script_end();
}

TEST(too_big_is_not_believed_about_what_is_not_in_flight)
{
	script_begin();
	ESTABLISHED("mss 1460");
	SCRIPT("write 1460 = 1460\n"
	       "drain\n"
	       "< . 1 ack 1461\n"
	       "icmp EMSGSIZE 1 600\n"
	       "mss = 1460\n"
	       "icmp EMSGSIZE 5000 600\n"
	       "mss = 1460\n");
	script_end();
}

TEST(a_changed_route_changes_the_segment_size)
{
	script_begin();
	ESTABLISHED("mss 1460");
	SCRIPT("mtu 800\n"
	       "write 1000 = 1000\n"
	       "> . 1:761\n"
	       "> P. 761:1001\n");
	script_end();
}

TEST(icmp_errors_are_soft_once_established)
{
	script_begin();
	world_inet.tcp_retries2 = 1;
	ESTABLISHED("mss 1000");
	SCRIPT("write 10 = 10\n"
	       "icmp EHOSTUNREACH 1 0 1\n"
	       "state ESTABLISHED\n"
	       "error =\n"
	       "+100s\n"
	       "state CLOSE\n"
	       "error = -EHOSTUNREACH\n"
	       "drain\n");
	script_end();
}

/* ---- urgent ---- */

TEST(urgent_data_is_marked_in_every_segment_before_it)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("write 1500 OOB = 1500\n"
	       "> .U 1:1001 urg 1500\n"
	       "> P.U 1001:1501 urg 500\n"
	       "write 10 = 10\n"
	       "> P. 1501:1511\n"
	       "< . 1 ack 1511\n"
	       "write 10 = 10\n"
	       "> P. 1511:1521\n");
	script_end();
}

/* ---- pages ---- */

TEST(pages_are_sent_without_copies_and_given_back)
{
	struct page *page = page_alloc(0, GFP_KERNEL);
	uint8_t *at;
	unsigned i;

	script_begin();
	ESTABLISHED("mss 1000");
	REQUIRE(page);
	at = page_address(page);
	for (i = 0; i < PAGE_SIZE; i++)
		at[i] = script_byte(i);
	EXPECT_EQ(tcp_sendpage(&script.sk->is.s, page, 0, 2500, MSG_DONTWAIT, 0), 2500);
	script.wrote = 2500;
	SCRIPT("> . 1:1001\n"
	       "> . 1001:2001\n"
	       "> P. 2001:2501\n");
	EXPECT(refcount_read(&page->refs) > 1);
	SCRIPT("< . 1 ack 2501\n");
	EXPECT_EQ(refcount_read(&page->refs), 1);
	page_put(page);
	script_end();
}

TEST(memory_runs_out_at_any_point_of_sending)
{
	long n;

	for (n = 0; n < 60; n++) {
		script_begin();
		script_established(__FILE__, __LINE__, "mss 1000,sackOK");
		alloc_fail_after(n);
		(void)script_write(30000, 0);
		script_inject(&(struct script_seg){.flags = TH_ACK, .seq = 1, .ack = 3001});
		(void)script_write(10000, 0);
		unit_advance(NSEC_PER_SEC);
		alloc_fail_after(-1);
		unit_advance(NSEC_PER_SEC);
		while (script.sk->snd_una != script.sk->write_seq && !script.failed) {
			uint32_t was = script.sk->snd_una;

			unit_advance(100 * NSEC_PER_MSEC);
			peer_takes_all();
			if (was == script.sk->snd_una)
				unit_advance(10 * NSEC_PER_SEC);
			script.head = script.tail;
		}
		EXPECT_EQ(script.sk->write_seq - script.our_iss - 1, script.wrote);
		script_end();
	}
}
