/*
 * tcp_receive_test.c - the receiving side: order, SACK and D-SACK, when ACKs go, PAWS, the window,
 * memory, urgent data, the flags of recv(2).
 */
/* clang-format off */
/* LINK: kernel/net/tcp*.c kernel/net/zerocopy.c kernel/policy/user.c kernel/net/pkt.c kernel/net/csum.c */
/* LINK: kernel/lib/rbtree.c kernel/lib/hash.c kernel/mm/iov_iter.c */
/* clang-format on */
#include "tests/unit/net/tcp_script.h"

/* ---- order ---- */

TEST(out_of_order_segments_are_reported_newest_first_and_delivered_in_order)
{
	script_begin();
	ESTABLISHED("mss 1000,sackOK");
	SCRIPT("< . 101:201 ack 1\n"
	       "> . 1 ack 1 <sack 101-201>\n"
	       "< . 301:401 ack 1\n"
	       "> . 1 ack 1 <sack 301-401 101-201>\n"
	       "< . 501:601 ack 1\n"
	       "> . 1 ack 1 <sack 501-601 301-401 101-201>\n"
	       "< . 401:501 ack 1\n" /* joins two */
	       "> . 1 ack 1 <sack 301-601 101-201>\n"
	       "read 1000 = -EAGAIN\n"
	       "< . 1:101 ack 1\n"
	       "> . 1 ack 201 <sack 301-601>\n"
	       "read 1000 = 200\n"
	       "< . 201:301 ack 1\n"
	       "> . 1 ack 601\n"
	       "read 1000 = 400\n");
	script_end();
}

TEST(four_blocks_without_timestamps_and_three_with)
{
	script_begin();
	ESTABLISHED("mss 1000,sackOK");
	SCRIPT("< . 101:201 ack 1\n"
	       "< . 301:401 ack 1\n"
	       "< . 501:601 ack 1\n"
	       "< . 701:801 ack 1\n"
	       "sent = 4\n"
	       "< . 901:1001 ack 1\n"
	       "> . 1 ack 1 <sack 901-1001 701-801 501-601 301-401>\n");
	script_end();
	script_begin();
	ESTABLISHED("mss 1000,sackOK,ts 5 0");
	SCRIPT("< . 101:201 ack 1 <ts 6 *>\n"
	       "< . 301:401 ack 1 <ts 6 *>\n"
	       "< . 501:601 ack 1 <ts 6 *>\n"
	       "sent = 3\n"
	       "< . 701:801 ack 1 <ts 6 *>\n"
	       "> . 1 ack 1 <ts 0 5,sack 701-801 501-601 301-401>\n");
	script_end();
}

TEST(without_sack_there_are_only_duplicate_acks)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("< . 101:201 ack 1\n"
	       "> . 1 ack 1\n"
	       "< . 1:101 ack 1\n"
	       "> . 1 ack 201\n"
	       "read 1000 = 200\n");
	script_end();
}

TEST(duplicates_are_reported_by_d_sack)
{
	script_begin();
	ESTABLISHED("mss 1000,sackOK");
	SCRIPT("< . 1:101 ack 1\n"
	       "> . 1 ack 101\n"
	       "< . 1:101 ack 1\n"
	       "> . 1 ack 101 <sack 1-101>\n"
	       "< . 51:151 ack 1\n" /* in part */
	       "> . 1 ack 151 <sack 51-101>\n"
	       "< . 301:401 ack 1\n"
	       "> . 1 ack 151 <sack 301-401>\n"
	       "< . 301:401 ack 1\n" /* of what waits */
	       "> . 1 ack 151 <sack 301-401 301-401>\n"
	       "read 1000 = 150\n");
	script_end();
}

TEST(overlaps_in_all_shapes_leave_the_right_bytes)
{
	script_begin();
	ESTABLISHED("mss 1000,sackOK");
	SCRIPT("< . 201:301 ack 1\n"
	       "< . 251:351 ack 1\n" /* behind */
	       "< . 151:251 ack 1\n" /* before */
	       "< . 101:451 ack 1\n" /* around */
	       "< . 701:801 ack 1\n"
	       "< . 401:751 ack 1\n" /* across */
	       "drain\n"
	       "< . 1:121 ack 1\n"
	       "> . 1 ack 801 <sack 101-121>\n"
	       "read 2000 = 800\n");
	script_end();
}

TEST(data_behind_a_fin_is_not_kept_twice)
{
	unsigned waiting = 0;
	uint32_t memory;

	script_begin();
	ESTABLISHED("mss 1000,sackOK");
	SCRIPT("< . 22:31 ack 1\n"
	       "< F. 11:21 ack 1\n" /* to 22 with the FIN */
	       "drain\n");
	memory = script.sk->rmem;
	SCRIPT("< . 15:25 ack 1\n" /* nothing new on either side */
	       "< . 15:25 ack 1\n"
	       "drain\n");
	for (struct rb_node *n = rb_first(&script.sk->ofo); n; n = rb_next(n))
		waiting++;
	EXPECT_EQ(waiting, 2);
	EXPECT_EQ(script.sk->rmem, memory);
	SCRIPT("< . 1:11 ack 1\n"
	       "state CLOSE_WAIT\n"
	       "read 100 = 20\n"
	       "read 100 = 0\n"
	       "drain\n");
	script_end();
}

TEST(a_fin_out_of_order_waits_for_what_is_before_it)
{
	script_begin();
	ESTABLISHED("mss 1000,sackOK");
	SCRIPT("< F. 101:201 ack 1\n"
	       "> . 1 ack 1 <sack 101-202>\n"
	       "state ESTABLISHED\n"
	       "< . 1:101 ack 1\n"
	       "state CLOSE_WAIT\n"
	       "+40ms\n"
	       "> . 1 ack 202\n"
	       "read 1000 = 200\n"
	       "read 1000 = 0\n");
	script_end();
}

TEST(random_arrivals_always_give_the_stream)
{
	unsigned round, i;

	for (round = 0; round < 60; round++) {
		bool seen[64] = {0};
		unsigned left = 64;

		script_begin();
		script_established(__FILE__, __LINE__, "mss 1000,sackOK");
		while (left) {
			unsigned at = (unsigned)unit_below(64), n = 1 + (unsigned)unit_below(6);

			n = MIN(n, 64 - at);
			script_inject(&(struct script_seg){.flags = TH_ACK,
				.seq = 1 + at * 50 + (unsigned)unit_below(2) * 0,
				.len = n * 50,
				.ack = 1,
				.win = 65535});
			for (i = at; i < at + n; i++) {
				left -= !seen[i];
				seen[i] = true;
			}
		}
		EXPECT_EQ(script.sk->rcv_nxt - script.peer_iss, 1 + 64 * 50);
		EXPECT(!script.sk->ofo.node && !script.sk->nr_sacks);
		EXPECT_EQ(script_read(10000, 0), 64 * 50);
		script.head = script.tail;
		script_end();
	}
}

/* ---- when ACKs go ---- */

TEST(the_first_segments_are_acknowledged_at_once_then_every_second_one)
{
	unsigned i;

	script_begin();
	ESTABLISHED("mss 1000");
	for (i = 0; i < 16; i++)
		script_inject(&(struct script_seg){
			.flags = TH_ACK, .seq = 1 + i * 1000, .len = 1000, .ack = 1, .win = 65535});
	SCRIPT("sent = 16\n"
	       "read 16000 = 16000\n"
	       "drain\n");
	script.sk->quick = 0;
	SCRIPT("< . 16001:17001 ack 1\n"
	       ">none\n"
	       "< . 17001:18001 ack 1\n"
	       "> . 1 ack 18001\n"
	       "< . 18001:19001 ack 1\n"
	       ">none\n"
	       "+39ms\n"
	       ">none\n"
	       "+161ms\n"
	       "> . 1 ack 19001\n");
	EXPECT_EQ(net_mib[MIB_TCPX_DELAYED_ACKS], 1);
	script_end();
}

TEST(an_interactive_session_acknowledges_with_its_answers)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("< P. 1:11 ack 1\n"
	       "> . 1 ack 11\n"
	       "read 100 = 10\n"
	       "write 10 = 10\n"
	       "> P. 1:11 ack 11\n"
	       "getopt QUICKACK =\n"
	       "< P. 11:21 ack 11\n" /* the answer will carry it */
	       ">none\n"
	       "read 100 = 10\n"
	       ">none\n"
	       "write 10 = 10\n"
	       "> P. 11:21 ack 21\n"
	       "< P. 21:31 ack 21\n"
	       "+200ms\n" /* no answer comes */
	       "> . 21 ack 31\n"
	       "getopt QUICKACK = 1\n");
	script_end();
}

TEST(quickack_sends_what_is_owed)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("opt QUICKACK 0\n"
	       "< P. 1:11 ack 1\n"
	       ">none\n"
	       "opt QUICKACK 1\n"
	       "> . 1 ack 11\n");
	script_end();
}

TEST(out_of_memory_for_an_ack_tries_again)
{
	script_begin();
	ESTABLISHED("mss 1000");
	script_inject(&(struct script_seg){.flags = TH_ACK, .seq = 1, .len = 10, .ack = 1});
	SCRIPT("drain\n");
	alloc_fail_after(0);
	tcp_lock(script.sk);
	tcp_send_ack(script.sk, unit_clock);
	tcp_unlock(script.sk);
	alloc_fail_after(-1);
	SCRIPT(">none\n"
	       "+200ms\n"
	       "> . 1 ack 11\n");
	script_end();
}

/* ---- timestamps ---- */

TEST(paws_drops_old_segments_and_lets_the_clock_wrap_after_24_days)
{
	script_begin();
	ESTABLISHED("mss 1000,ts 1000 0");
	SCRIPT("< . 1:11 ack 1 <ts 1010 *>\n"
	       "> . 1 ack 11 <ts 0 1010>\n"
	       "< . 11:21 ack 1 <ts 900 *>\n"
	       "> . 1 ack 11 <ts 0 1010>\n"
	       "read 100 = 10\n"
	       "< R 11 <ts 1 0>\n" /* not applied to resets (RFC 7323, 5.2) */
	       "state CLOSE\n");
	EXPECT_EQ(net_mib[MIB_TCPX_PAWS_ESTAB], 1);
	script_end();
	script_begin();
	ESTABLISHED("mss 1000,ts 1000 0");
	unit_clock += 25 * 86400 * NSEC_PER_SEC;
	SCRIPT("drain\n"
	       "< . 1:11 ack 1 <ts 900 *>\n"
	       "> . 1 ack 11 <ts 0 900>\n");
	script_end();
}

TEST(the_echoed_timestamp_is_that_of_the_first_unacknowledged_segment)
{
	script_begin();
	ESTABLISHED("mss 1000,ts 1000 0");
	script.sk->quick = 0;
	script.sk->ato_ns = TCP_DELACK_MIN;
	script.sk->last_rcv_ns = unit_clock;
	SCRIPT("< . 1:1001 ack 1 <ts 1010 *>\n"
	       ">none\n"
	       "< . 1001:2001 ack 1 <ts 1020 *>\n"
	       "> . 1 ack 2001 <ts 0 1010>\n" /* RFC 7323, 4.3 */
	       "< . 3001:4001 ack 1 <ts 1030 *>\n"
	       "> . 1 ack 2001 <ts 0 1010>\n" /* out of order: not that of the hole's far side */
	       "< . 2001:3001 ack 1 <ts 1040 *>\n"
	       "> . 1 ack 4001 <ts 0 1040>\n");
	script_end();
}

/* ---- window and memory ---- */

TEST(the_window_closes_and_opens_by_whole_segments_or_half_the_buffer)
{
	uint32_t seq = 1, left;

	script_begin();
	script.sk = world_socket();
	script.sk->is.s.rcvbuf = 8192;
	script.sk->is.s.opts |= SOPT_RCVBUF_LOCK;
	SCRIPT("connect = -EINPROGRESS\n"
	       "> S 0 win 4096\n"
	       "< S. 0 ack 1 <mss 1000>\n"
	       "> . 1 ack 1\n");
	for (;;) {
		left = tcp_window_left(script.sk);
		script.head = script.tail;
		script_inject(&(struct script_seg){.flags = TH_ACK,
			.seq = seq,
			.len = left ? MIN(left, 1000u) : 1, /* a probe */
			.ack = 1,
			.win = 65535});
		seq += MIN(left, 1000u);
		EXPECT_EQ(script.sk->rcv_nxt - script.peer_iss, seq); /* what was offered is kept */
		if (!left && !script.seg[script.head % SCRIPT_SEGS].win)
			break;
		if (seq > 20000)
			break;
	}
	EXPECT(seq > 4000 && seq < 9000);
	script.head = script.tail;
	EXPECT_EQ(script_read(10, 0), 10); /* too little to tell */
	SCRIPT(">none\n");
	EXPECT_EQ(script_read(100000, 0), seq - 11);
	EXPECT(script.tail - script.head == 1 && script.seg[script.head % SCRIPT_SEGS].win >= 4000);
	script.head = script.tail;
	script_end();
}

TEST(the_right_edge_never_moves_back)
{
	uint32_t edge, seq = 1;
	unsigned i;

	script_begin();
	ESTABLISHED("mss 1000,wscale 0");
	edge = script.sk->rcv_wup + script.sk->rcv_wnd;
	for (i = 0; i < 2000; i++) {
		uint32_t n = 1 + (uint32_t)unit_below(1000), now;

		n = MIN(n, tcp_window_left(script.sk));
		if (n) {
			script_inject(&(struct script_seg){
				.flags = TH_ACK, .seq = seq, .len = n, .ack = 1, .win = 65535});
			seq += n;
		}
		if (!unit_below(3))
			(void)script_read((size_t)unit_below(3000), 0);
		script.head = script.tail;
		now = script.sk->rcv_wup + script.sk->rcv_wnd;
		EXPECT(seq_le(edge, now));
		edge = now;
	}
	EXPECT_EQ(script.sk->rcv_nxt - script.peer_iss, seq);
	script_end();
}

TEST(small_segments_do_not_take_the_buffer_with_them)
{
	uint32_t i;

	script_begin();
	ESTABLISHED("mss 1000");
	for (i = 0; i < 20000; i++)
		script_inject(&(struct script_seg){
			.flags = TH_ACK, .seq = 1 + i, .len = 1, .ack = 1, .win = 65535});
	EXPECT_EQ(script.sk->rcv_nxt - script.peer_iss, 20001); /* within the window: all kept */
	EXPECT(script.sk->rmem <= script.sk->is.s.rcvbuf + 4096);
	EXPECT_EQ(script_read(30000, 0), 20000);
	EXPECT_EQ(script.sk->rmem, 0);
	script.head = script.tail;
	script_end();
}

TEST(out_of_order_data_is_forgotten_before_the_buffer_overflows)
{
	uint32_t i;

	script_begin();
	ESTABLISHED("mss 1000,sackOK");
	for (i = 0; i < 3000; i++) /* crumbs with holes */
		script_inject(&(struct script_seg){
			.flags = TH_ACK, .seq = 3 + 2 * i, .len = 1, .ack = 1, .win = 65535});
	EXPECT(script.sk->rmem <= script.sk->is.s.rcvbuf + 2048);
	for (i = 1; i < 6100; i += 100)
		script_inject(&(struct script_seg){
			.flags = TH_ACK, .seq = i, .len = 100, .ack = 1, .win = 65535});
	EXPECT_EQ(script.sk->rcv_nxt - script.peer_iss, 6101);
	EXPECT_EQ(script_read(30000, 0), 6100);
	script.head = script.tail;
	script_end();
}

TEST(the_global_limit_lets_one_packet_in_and_drops_more)
{
	script_begin();
	ESTABLISHED("mss 1000");
	world.mem_limit = world.mem;
	SCRIPT("< . 1:1001 ack 1\n"
	       "> . 1 ack 1001\n"
	       "< . 1001:2001 ack 1\n"
	       "> . 1 ack 1001\n"
	       "read 5000 = 1000\n"
	       "drain\n"
	       "< . 1001:2001 ack 1\n"
	       "> . 1 ack 2001\n"
	       "read 5000 = 1000\n");
	EXPECT_EQ(net_mib[MIB_TCPX_ZERO_WINDOW_DROP], 1);
	script_end();
}

TEST(the_buffer_grows_with_what_is_read_in_a_round_trip)
{
	uint32_t before, seq = 1;
	unsigned i;

	script_begin();
	ESTABLISHED("mss 1000,ts 1 0");
	before = script.sk->is.s.rcvbuf;
	for (i = 0; i < 3000; i++) {
		if (!(i % 60))
			unit_clock += 10 * NSEC_PER_MSEC;
		script_inject(&(struct script_seg){.flags = TH_ACK,
			.seq = seq,
			.len = 988,
			.ack = 1,
			.win = 65535,
			.o = {.has_ts = true,
				.tsval = 2 + i / 60 * 10,
				.tsecr = tcp_ts(script.sk, unit_clock) - 10}});
		seq += 988;
		(void)script_read(2000, 0);
		script.head = script.tail;
	}
	EXPECT_EQ(script.sk->rcv_nxt - script.peer_iss, seq);
	EXPECT(script.sk->is.s.rcvbuf > before);
	EXPECT(script.sk->is.s.rcvbuf <= 6291456);
	script_end();
}

/* ---- recv(2) ---- */

TEST(peek_trunc_and_waitall)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("< P. 1:11 ack 1\n"
	       "drain\n"
	       "inq = 10\n"
	       "read 4 PEEK = 4\n"
	       "read 20 PEEK = 10\n"
	       "inq = 10\n"
	       "read 4 TRUNC = 4\n"
	       "inq = 6\n"
	       "read 20 WAITALL = 6\n" /* not blocking: what there is */
	       "read 20 WAITALL = -EAGAIN\n"
	       "read 0 = -EAGAIN\n");
	script_end();
}

static void more_data(void)
{
	if (script.sk->rcv_nxt - script.peer_iss == 11)
		script_inject(
			&(struct script_seg){.flags = TH_ACK, .seq = 11, .len = 10, .ack = 1});
	else
		script_inject(&(struct script_seg){
			.flags = TH_ACK | TH_FIN, .seq = 21, .len = 5, .ack = 1});
}

static ssize_t blocking_read(uint8_t *buf, size_t n, unsigned flags)
{
	struct iov_iter it;
	struct socket_msg m = {.iter = &it, .flags = flags};

	iov_iter_kernel(&it, buf, n);
	return tcp_recvmsg(&script.sk->is.s, &m, n, 0);
}

TEST(a_blocking_read_waits_for_something_and_waitall_for_everything)
{
	uint8_t buf[100];

	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("< P. 1:11 ack 1\n");
	unit_on_sleep = more_data;
	EXPECT_EQ(blocking_read(buf, 20, MSG_WAITALL), 20);
	EXPECT_EQ(blocking_read(buf, 20, 0), 5);
	EXPECT_EQ(blocking_read(buf, 20, 0), 0);
	unit_on_sleep = NULL;
	SCRIPT("drain\n");
	script_end();
}

TEST(a_read_with_a_timeout_or_a_signal_ends)
{
	uint8_t buf[10];
	uint64_t began;

	script_begin();
	ESTABLISHED("mss 1000");
	script.sk->is.s.rcv_timeout_ns = 2 * NSEC_PER_SEC;
	began = unit_clock;
	EXPECT_EQ(blocking_read(buf, 10, 0), -EAGAIN);
	EXPECT_EQ(unit_clock - began, 2 * NSEC_PER_SEC);
	unit_signal = true;
	EXPECT_EQ(blocking_read(buf, 10, 0), -EINTR);
	script.sk->is.s.rcv_timeout_ns = 0;
	EXPECT_EQ(blocking_read(buf, 10, 0), -ERESTARTSYS);
	unit_signal = false;
	script_end();
}

TEST(the_low_water_mark_decides_readiness)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("lowat 20\n"
	       "< P. 1:11 ack 1\n"
	       "drain\n"
	       "poll = OUT\n"
	       "< P. 11:21 ack 1\n"
	       "drain\n"
	       "poll = IN OUT\n"
	       "read 15 = 15\n"
	       "poll = OUT\n"
	       "< F. 21 ack 1\n"
	       "poll = IN OUT RDHUP\n"
	       "read 100 = 5\n");
	script_end();
}

TEST(a_bad_buffer_loses_nothing)
{
	struct iov_iter it;
	struct socket_msg m = {.iter = &it, .flags = MSG_DONTWAIT};

	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("< P. 1:11 ack 1\n"
	       "drain\n");
	iov_iter_user(&it, (void *)16, 10);
	EXPECT_EQ(tcp_recvmsg(&script.sk->is.s, &m, 10, 0), -EFAULT);
	SCRIPT("read 100 = 10\n");
	script_end();
}

/* ---- urgent data ---- */

TEST(the_urgent_byte_is_out_of_band)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("read 1 OOB = -EINVAL\n"
	       "< PU. 1:11 ack 1 urg 5\n" /* byte 5 of the stream (the pointer is one behind) */
	       "drain\n"
	       "urgents = 1\n"
	       "poll = IN OUT PRI\n"
	       "inq = 4\n"
	       "atmark =\n"
	       "read 100 = 4\n" /* stops before the mark */
	       "atmark = 1\n"
	       "read 1 OOB PEEK = 1\n"
	       "read 1 OOB = 1\n"
	       "read 1 OOB = -EINVAL\n"
	       "poll = IN OUT\n");
	script.read++; /* the byte is not in the stream */
	SCRIPT("read 100 = 5\n"
	       "atmark =\n"
	       "read 1 OOB = -EINVAL\n");
	script_end();
}

TEST(an_urgent_byte_that_is_not_there_yet)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("< U. 1:5 ack 1 urg 10\n"
	       "drain\n"
	       "urgents = 1\n"
	       "read 1 OOB = -EAGAIN\n"
	       "poll = IN OUT\n"
	       "read 100 = 4\n"
	       "< P. 5:21 ack 1\n"
	       "drain\n"
	       "urgents = 1\n"
	       "poll = IN OUT PRI\n"
	       "read 100 = 5\n"
	       "read 1 OOB = 1\n");
	script.read++;
	SCRIPT("read 100 = 10\n");
	script_end();
}

TEST(inline_urgent_data_is_in_the_stream_and_marked)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("oobinline\n"
	       "< PU. 1:11 ack 1 urg 5\n"
	       "drain\n"
	       "read 1 OOB = -EINVAL\n"
	       "inq = 10\n"
	       "read 100 = 4\n"
	       "atmark = 1\n"
	       "read 100 = 6\n"
	       "atmark =\n");
	script_end();
}

TEST(a_newer_mark_replaces_an_older_one)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("< PU. 1:11 ack 1 urg 5\n"
	       "< PU. 11:21 ack 1 urg 5\n"
	       "drain\n"
	       "urgents = 2\n"
	       "read 100 = 14\n" /* the older one's byte is ordinary now */
	       "atmark = 1\n"
	       "read 1 OOB = 1\n");
	script.read++;
	SCRIPT("read 100 = 5\n"
	       "< PU. 21:31 ack 1 urg 65535\n" /* far ahead, and old pointers after it */
	       "< PU. 31:41 ack 1 urg 2\n"
	       "drain\n"
	       "read 100 = 20\n");
	script_end();
}

/* ---- ECN: RFC 3168 ---- */

TEST(marks_are_echoed_until_the_sender_has_slowed_down)
{
	script_begin();
	world_inet.tcp_ecn = true;
	SCRIPT("connect = -EINPROGRESS\n"
	       "> SEW 0\n"
	       "< SE. 0 ack 1 <mss 1000>\n"
	       "> . 1 ack 1\n"
	       "tos 3\n"
	       "< . 1:101 ack 1\n"
	       "> .E 1 ack 101\n"
	       "tos 2\n"
	       "< . 101:201 ack 1\n"
	       "> .E 1 ack 201\n"
	       "< W. 201:301 ack 1\n"
	       "> . 1 ack 301\n"
	       "write 10 = 10\n"
	       "> P. 1:11 tos 2\n");
	script_end();
}

TEST(a_listener_agrees_to_ecn_and_a_plain_peer_gets_none)
{
	script_begin();
	SCRIPT("listen 5\n"
	       "< SEW 0 <mss 1000>\n"
	       "> SE. 0 ack 1\n");
	script_end();
	script_begin();
	world_inet.tcp_ecn = true;
	SCRIPT("connect = -EINPROGRESS\n"
	       "> SEW 0\n"
	       "< S. 0 ack 1 <mss 1000>\n"
	       "> . 1 ack 1\n"
	       "write 10 = 10\n"
	       "> P. 1:11 tos 0\n");
	script_end();
}

TEST(memory_runs_out_at_any_point_of_receiving)
{
	long n;
	unsigned i;

	for (n = 0; n < 60; n++) {
		script_begin();
		script_established(__FILE__, __LINE__, "mss 1000,sackOK");
		alloc_fail_after(n);
		for (i = 0; i < 12; i++)
			script_inject(&(struct script_seg){.flags = TH_ACK,
				.seq = 1 + (i * 7 % 12) * 300,
				.len = 300,
				.ack = 1,
				.win = 65535});
		(void)script_read(5000, 0);
		alloc_fail_after(-1);
		for (i = 0; i < 12; i++)
			script_inject(&(struct script_seg){.flags = TH_ACK,
				.seq = 1 + i * 300,
				.len = 300,
				.ack = 1,
				.win = 65535});
		while (script_read(5000, 0) > 0)
			;
		EXPECT_EQ(script.read, 3600);
		script.head = script.tail;
		script_end();
	}
}
