/*
 * tcp_recovery_test.c - losses: timeouts, duplicate ACKs, SACK and RACK, tail loss probes, spurious
 * recoveries undone, ECN; keepalive and the other reasons to give up; the windows that follow.
 */
/* clang-format off */
/* LINK: kernel/net/tcp*.c kernel/net/zerocopy.c kernel/policy/user.c kernel/net/pkt.c kernel/net/csum.c */
/* LINK: kernel/lib/rbtree.c kernel/lib/hash.c kernel/mm/iov_iter.c */
/* clang-format on */
#include "tests/unit/net/tcp_script.h"

/* Ten segments of 1000 are in flight and were sent one round trip of 100 ms ago. */
static void ten_in_flight(const char *opts)
{
	char text[200];

	script_begin();
	snprintf(text, sizeof(text),
		"connect = -EINPROGRESS\n> S 0\n+100ms\n< S. 0 ack 1 win 65535 <%s>\n> . 1 ack 1\n"
		"sndbuf 300000\nwrite 10000 = 10000\nsent = 10\n+100ms\n",
		opts);
	script_run(__FILE__, __LINE__, text);
}

/* ---- timeouts ---- */

TEST(a_timeout_resends_one_segment_and_doubles)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("rto_ms = 200\n"
	       "write 3000 = 3000\n"
	       "sent = 3\n"
	       "+210ms\n"
	       "> . 1:1001\n"
	       ">none\n"
	       "ca LOSS\n"
	       "cwnd = 1\n"
	       "+390ms\n"
	       ">none\n"
	       "+15ms\n"
	       "> . 1:1001\n"
	       "+810ms\n"
	       "> . 1:1001\n"
	       "< . 1 ack 1001\n"
	       "> . 1001:2001\n"
	       "> P. 2001:3001\n"
	       "< . 1 ack 3001\n"
	       "ca OPEN\n");
	EXPECT_EQ(net_mib[MIB_TCPX_TIMEOUTS], 3);
	EXPECT_EQ(net_mib[MIB_TCP_RETRANS_SEGS], 5);
	script_end();
}

TEST(a_connection_is_given_up_after_the_time_of_tcp_retries2)
{
	uint64_t began;

	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("write 10 = 10\n");
	began = unit_clock;
	while (script.sk->state == TCP_ESTABLISHED && unit_clock - began < 3000 * NSEC_PER_SEC)
		unit_advance(NSEC_PER_SEC);
	EXPECT((unit_clock - began) / NSEC_PER_SEC >=
		924); /* ip-sysctl: the hypothetical timeout */
	EXPECT((unit_clock - began) / NSEC_PER_SEC <= 924 + 121);
	SCRIPT("poll = IN OUT ERR HUP RDHUP\n"
	       "write 1 = -ETIMEDOUT\n"
	       "drain\n");
	EXPECT_EQ(net_mib[MIB_TCPX_ABORT_ON_TIMEOUT], 1);
	script_end();
}

TEST(the_user_timeout_gives_up_to_the_millisecond)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("opt USER_TIMEOUT 3000\n"
	       "write 10 = 10\n"
	       "+2990ms\n"
	       "state ESTABLISHED\n"
	       "+400ms\n"
	       "state CLOSE\n"
	       "error = -ETIMEDOUT\n"
	       "drain\n");
	script_end();
}

TEST(the_round_trip_is_measured_and_the_timeout_follows)
{
	script_begin();
	SCRIPT("connect = -EINPROGRESS\n"
	       "> S 0\n"
	       "+300ms\n"
	       "< S. 0 ack 1 <mss 1000>\n"
	       "> . 1\n"
	       "rto_ms = 900\n" /* R + 4 * R/2 */
	       "write 10 = 10\n"
	       "> P. 1:11\n"
	       "+300ms\n"
	       "< . 1 ack 11\n"
	       "rto_ms = 750\n"
	       "write 10 = 10\n"
	       "> P. 11:21\n"
	       "+800ms\n" /* resent: what is acknowledged says nothing of the round trip (Karn) */
	       "> P. 11:21\n"
	       "< . 1 ack 21\n"
	       "rto_ms = 750\n");
	script_end();
}

TEST(a_lost_syn_means_a_timeout_of_three_seconds)
{
	script_begin();
	SCRIPT("connect = -EINPROGRESS\n"
	       "> S 0\n"
	       "+1s\n"
	       "> S 0\n"
	       "< S. 0 ack 1 <mss 1000>\n"
	       "> . 1\n"
	       "rto_ms = 3000\n");
	script_end();
}

/* ---- without SACK ---- */

TEST(three_duplicate_acks_resend_and_partial_acks_go_on)
{
	ten_in_flight("mss 1000");
	SCRIPT("< . 1 ack 1001\n" /* 2 and 5 are lost */
	       "< . 1 ack 1001\n"
	       "< . 1 ack 1001\n"
	       ">none\n"
	       "ca DISORDER\n"
	       "< . 1 ack 1001\n"
	       "> . 1001:2001\n"
	       "ca RECOVERY\n"
	       "< . 1 ack 1001\n"
	       "< . 1 ack 1001\n"
	       "+100ms\n"
	       ">none\n"
	       "< . 1 ack 4001\n"
	       "> . 4001:5001\n" /* RFC 6582 */
	       "< . 1 ack 4001\n"
	       "+100ms\n"
	       "< . 1 ack 10001\n"
	       "ca OPEN\n"
	       "cwnd = 7\n" /* beta of CUBIC: of eleven */
	       ">none\n");
	EXPECT_EQ(net_mib[MIB_TCPX_FAST_RETRANS], 1);
	EXPECT_EQ(net_mib[MIB_TCPX_TIMEOUTS], 0);
	script_end();
}

TEST(a_window_update_or_data_is_no_duplicate_ack)
{
	ten_in_flight("mss 1000");
	SCRIPT("< . 1 ack 1001\n"
	       "< . 1 ack 1001 win 60000\n"
	       "< . 1 ack 1001 win 59000\n"
	       "< . 1:11 ack 1001 win 59000\n"
	       "< . 11:21 ack 1001 win 59000\n"
	       "< . 21:31 ack 1001 win 59000\n"
	       "drain\n"
	       "ca OPEN\n");
	script_end();
}

/* ---- SACK ---- */

TEST(several_holes_are_filled_in_one_recovery)
{
	ten_in_flight("mss 1000,sackOK");
	SCRIPT("< . 1 ack 1 <sack 1001-2001>\n"
	       "< . 1 ack 1 <sack 1001-2001 3001-4001>\n"
	       ">none\n"
	       "ca DISORDER\n"
	       "< . 1 ack 1 <sack 1001-2001 3001-4001 5001-6001>\n"
	       "ca RECOVERY\n"
	       "> . 1:1001\n"
	       "< . 1 ack 1 <sack 5001-10001 3001-4001 1001-2001>\n"
	       "> . 2001:3001\n"
	       "> . 4001:5001\n"
	       ">none\n"
	       "+100ms\n"
	       "< . 1 ack 2001 <sack 3001-4001 5001-10001>\n"
	       "< . 1 ack 4001 <sack 5001-10001>\n"
	       "< . 1 ack 10001\n"
	       "ca OPEN\n"
	       ">none\n"
	       "cwnd = 7\n");
	EXPECT_EQ(net_mib[MIB_TCPX_SACK_RECOVERY], 1);
	EXPECT_EQ(net_mib[MIB_TCPX_TIMEOUTS], 0);
	EXPECT_EQ(script.sk->sacked, 0);
	EXPECT_EQ(script.sk->lost, 0);
	EXPECT_EQ(script.sk->retrans, 0);
	script_end();
}

TEST(one_reordered_segment_is_waited_for_a_quarter_of_the_round_trip)
{
	ten_in_flight("mss 1000,sackOK");
	SCRIPT("< . 1 ack 1 <sack 1001-2001>\n"
	       ">none\n"
	       "+20ms\n"
	       ">none\n"
	       "< . 1 ack 2001\n" /* it was only late */
	       "ca OPEN\n"
	       "+24ms\n"
	       ">none\n");
	EXPECT(script.sk->rack.reordered == false || script.sk->reord_seen);
	script_end();
	ten_in_flight("mss 1000,sackOK");
	SCRIPT("< . 1 ack 1 <sack 1001-2001>\n"
	       "+26ms\n"
	       "> . 1:1001\n"
	       "ca RECOVERY\n");
	EXPECT_EQ(net_mib[MIB_TCPX_TIMEOUTS], 0);
	script_end();
}

TEST(a_lost_retransmission_is_noticed_by_what_was_sent_after_it)
{
	ten_in_flight("mss 1000,sackOK");
	SCRIPT("write 20000 = 20000\n"
	       "< . 1 ack 1 <sack 1001-4001>\n"
	       "> . 1:1001\n"
	       "drain\n"
	       "+100ms\n"
	       "< . 1 ack 1 <sack 1001-9001>\n"
	       "drain\n"
	       "+100ms\n"
	       "< . 1 ack 1 <sack 1001-11001>\n" /* 10001.. was sent after the retransmission */
	       "> . 1:1001\n"
	       "drain\n");
	EXPECT_EQ(net_mib[MIB_TCPX_TIMEOUTS], 0);
	script_end();
}

TEST(sack_blocks_that_make_no_sense_are_ignored)
{
	ten_in_flight("mss 1000,sackOK");
	SCRIPT("< . 1 ack 1 <sack 2001-1001>\n"
	       "< . 1 ack 1 <sack 9001-20001>\n"
	       "< . 1 ack 1 <sack 1-1001>\n"
	       "< . 1 ack 1 <sack 50000-60000 40000-50000>\n");
	EXPECT_EQ(script.sk->sacked, 0);
	SCRIPT("< . 1 ack 1 <sack 1001-1002 1003-1004 1005-1006 1007-1008>\n"); /* crumbs */
	EXPECT_EQ(script.sk->sacked, 0);
	script_end();
}

TEST(a_large_packet_is_sacked_by_segments)
{
	script_begin();
	ESTABLISHED("mss 1000,sackOK");
	SCRIPT("write 5000 = 5000\n" /* one packet of five segments */
	       "sent = 5\n"
	       "+50ms\n"
	       "< . 1 ack 1 <sack 1001-2001>\n"
	       "< . 1 ack 1 <sack 1001-2001 3001-4001>\n");
	EXPECT_EQ(script.sk->sacked, 2000);
	EXPECT_EQ(script.sk->sacked_segs, 2);
	SCRIPT("+20ms\n"
	       "drain\n"
	       "< . 1 ack 1 <sack 1001-4501>\n"); /* half a segment does not count */
	EXPECT_EQ(script.sk->sacked, 3000);
	SCRIPT("< . 1 ack 5001\n"
	       "drain\n");
	EXPECT_EQ(script.sk->sacked, 0);
	EXPECT_EQ(script.sk->sacked_segs, 0);
	script_end();
}

TEST(a_peer_that_reneges_gets_all_again)
{
	ten_in_flight("mss 1000,sackOK");
	SCRIPT("< . 1 ack 1 <sack 1001-10001>\n"
	       "> . 1:1001\n"
	       "< . 1 ack 1001\n" /* 1001.. was said to be there */
	       "+3s\n");
	EXPECT(script.sk->sacked == 0);
	SCRIPT("> . 1001:2001\n"
	       "drain\n");
	script_end();
}

TEST(the_scoreboard_survives_anything_the_peer_says)
{
	unsigned round, i;

	for (round = 0; round < 40; round++) {
		ten_in_flight("mss 1000,sackOK");
		(void)script_write(60000, 0);
		for (i = 0; i < 300 && script.sk->state == TCP_ESTABLISHED; i++) {
			struct script_seg g = {.flags = TH_ACK, .seq = 1, .win = 65535};
			uint32_t una = script.sk->snd_una - script.our_iss;
			uint32_t out = script.sk->snd_nxt - script.sk->snd_una, a, b;

			g.ack = una + (unit_below(4) ? 0 : (uint32_t)unit_below(out + 1));
			g.o.nr_sacks = (uint8_t)unit_below(5);
			for (unsigned k = 0; k < g.o.nr_sacks; k++) {
				a = una + (uint32_t)unit_below(out + 2000);
				b = a + (uint32_t)unit_below(5000);
				if (unit_below(2)) {
					a = a / 1000 * 1000 + 1;
					b = b / 1000 * 1000 + 1;
				}
				g.o.sack[k] = (struct tcp_range){
					a + script.our_iss, b + script.our_iss};
			}
			script_inject(&g);
			if (!unit_below(10))
				unit_advance(unit_below(400) * NSEC_PER_MSEC);
			script.head = script.tail;
			{
				const struct tcp_sock *tp = script.sk;
				uint32_t sacked = 0, lost = 0, retrans = 0, segs = 0;
				struct pkt *q;

				for (q = tp->rtx_first; q; q = tcp_rtx_next(q)) {
					const struct tcp_cb *cb = tcp_cb(q);
					uint32_t n = tcp_cb_len(q);

					sacked += cb->flags & TCB_SACKED ? n : 0;
					segs += cb->flags & TCB_SACKED ? cb->segs : 0;
					lost += cb->flags & TCB_LOST ? n : 0;
					retrans += cb->flags & TCB_RETRANS ? n : 0;
				}
				if (sacked != tp->sacked || lost != tp->lost ||
					retrans != tp->retrans || segs != tp->sacked_segs) {
					EXPECT_EQ(sacked, tp->sacked);
					EXPECT_EQ(lost, tp->lost);
					EXPECT_EQ(retrans, tp->retrans);
					EXPECT_EQ(segs, tp->sacked_segs);
					return;
				}
			}
		}
		script_end();
	}
}

/* ---- spurious ---- */

TEST(d_sacks_of_all_that_was_resent_undo_the_recovery)
{
	ten_in_flight("mss 1000,sackOK");
	SCRIPT("< . 1 ack 1 <sack 1001-4001>\n"
	       "> . 1:1001\n"
	       "ca RECOVERY\n"
	       "< . 1 ack 4001\n"               /* the original, late */
	       "< . 1 ack 4001 <sack 1-1001>\n" /* and the copy */
	       "ca OPEN\n");
	EXPECT(script.sk->cwnd >= 10000);
	EXPECT_EQ(net_mib[MIB_TCPX_DSACK_RECV], 1);
	EXPECT_EQ(script.sk->dsack_dups, 1);
	EXPECT_EQ(script.sk->rack.wnd_mult, 2); /* RACK waits longer now */
	script_end();
}

TEST(an_older_timestamp_undoes_a_fast_recovery)
{
	ten_in_flight("mss 1012,sackOK,ts 5 0");
	uint32_t sent = script.tsval;

	EXPECT_EQ(script.sk->mss, 1000);
	SCRIPT("< . 1 ack 1 <ts 6 *,sack 1001-4001>\n"
	       "> . 1:1001 <ts 0 6>\n"
	       "ca RECOVERY\n");
	script_inject(&(struct script_seg){.flags = TH_ACK,
		.seq = 1,
		.ack = 4001,
		.win = 65535,
		.o = {.has_ts = true, .tsval = 7, .tsecr = sent}}); /* echoes the original */
	SCRIPT("ca OPEN\n");
	EXPECT(script.sk->cwnd >= 10000);
	script_end();
}

TEST(an_older_timestamp_undoes_a_timeout)
{
	ten_in_flight("mss 1012,sackOK,ts 5 0");
	uint32_t sent = script.tsval;

	SCRIPT("+900ms\n"
	       "ca LOSS\n"
	       "drain\n");
	script_inject(&(struct script_seg){.flags = TH_ACK,
		.seq = 1,
		.ack = 5001,
		.win = 65535,
		.o = {.has_ts = true, .tsval = 7, .tsecr = sent}});
	SCRIPT("ca OPEN\n");
	EXPECT(script.sk->cwnd >= 10000);
	EXPECT_EQ(script.sk->lost, 0);
	EXPECT_EQ(net_mib[MIB_TCPX_SPURIOUS_RTOS], 1);
	SCRIPT("drain\n");
	script_end();
}

TEST(f_rto_finds_a_spurious_timeout_without_timestamps)
{
	ten_in_flight("mss 1000,sackOK");
	SCRIPT("write 20000 = 20000\n"
	       "sent =\n"
	       "+900ms\n"
	       "ca LOSS\n"
	       "drain\n"
	       "< . 1 ack 1001\n"  /* of the copy or the original: nobody knows */
	       "> . 11001:12001\n" /* so something new goes, not something old (10001.. */
	       "> . 12001:13001\n" /* was the tail loss probe) */
	       ">none\n"
	       "< . 1 ack 2001\n" /* never resent: it was there */
	       "ca OPEN\n"
	       "drain\n");
	EXPECT(script.sk->cwnd >= 10000);
	EXPECT_EQ(net_mib[MIB_TCPX_SPURIOUS_RTOS], 1);
	script_end();
}

TEST(f_rto_goes_on_resending_when_the_loss_was_real)
{
	ten_in_flight("mss 1000,sackOK");
	SCRIPT("write 20000 = 20000\n"
	       "+900ms\n"
	       "drain\n"
	       "< . 1 ack 1001\n"
	       "> . 11001:12001\n"
	       "> . 12001:13001\n"
	       "< . 1 ack 1001 <sack 11001-12001>\n"
	       "ca LOSS\n"
	       "> . 1001:2001\n"
	       "drain\n");
	EXPECT_EQ(net_mib[MIB_TCPX_SPURIOUS_RTOS], 0);
	script_end();
}

/* ---- tail loss probes ---- */

TEST(a_lost_tail_is_probed_before_the_timeout)
{
	script_begin();
	SCRIPT("connect = -EINPROGRESS\n"
	       "> S 0\n"
	       "+50ms\n"
	       "< S. 0 ack 1 <mss 1000,sackOK>\n"
	       "> . 1\n"
	       "write 4000 = 4000\n"
	       "sent = 4\n"
	       "+101ms\n"
	       ">none\n"
	       "+2ms\n"
	       "> P. 3001:4001\n" /* two round trips: the last again */
	       "+50ms\n"
	       "< . 1 ack 2001\n"
	       "< . 1 ack 2001 <sack 3001-4001>\n"
	       "> . 2001:3001\n" /* and what it showed to be missing */
	       "< . 1 ack 4001\n");
	EXPECT_EQ(net_mib[MIB_TCPX_LOSS_PROBES], 1);
	EXPECT_EQ(net_mib[MIB_TCPX_TIMEOUTS], 0);
	script_end();
}

TEST(a_probe_that_repaired_a_loss_slows_down)
{
	script_begin();
	SCRIPT("connect = -EINPROGRESS\n"
	       "> S 0\n"
	       "+50ms\n"
	       "< S. 0 ack 1 <mss 1000,sackOK>\n"
	       "> . 1\n"
	       "write 4000 = 4000\n"
	       "sent = 4\n"
	       "< . 1 ack 3001\n"
	       "cwnd = 10\n"
	       "+400ms\n"
	       "> P. 3001:4001\n"
	       "< . 1 ack 4001\n"
	       "write 1000 = 1000\n"
	       "> P. 4001:5001\n"
	       "< . 1 ack 5001\n" /* acknowledged without a word of a duplicate */
	       "cwnd = 7\n");
	script_end();
}

TEST(a_probe_that_was_not_needed_costs_nothing)
{
	script_begin();
	SCRIPT("connect = -EINPROGRESS\n"
	       "> S 0\n"
	       "+50ms\n"
	       "< S. 0 ack 1 <mss 1000,sackOK>\n"
	       "> . 1\n"
	       "write 4000 = 4000\n"
	       "+110ms\n"
	       "sent = 5\n"
	       "< . 1 ack 4001 <sack 3001-4001>\n" /* both came */
	       "write 1000 = 1000\n"
	       "< . 1 ack 5001\n"
	       "drain\n");
	EXPECT(script.sk->cwnd >= 10000);
	script_end();
}

TEST(the_probe_is_new_data_if_there_is_any)
{
	script_begin();
	ESTABLISHED("mss 1000,sackOK");
	script.sk->cwnd = 2000;
	SCRIPT("write 5000 = 5000\n"
	       "sent = 2\n"
	       "+5ms\n"
	       "> . 2001:3001\n"
	       "< . 1 ack 3001\n"
	       "drain\n"
	       "ca OPEN\n");
	script_end();
}

TEST(a_probe_under_way_when_the_path_shrinks_leaves_the_window_alone)
{
	script_begin();
	SCRIPT("connect = -EINPROGRESS\n"
	       "> S 0\n"
	       "+50ms\n"
	       "< S. 0 ack 1 <mss 1460,sackOK>\n"
	       "> . 1\n"
	       "write 2920 = 2920\n"
	       "sent = 2\n"
	       "< . 1 ack 1461\n"
	       "+400ms\n"
	       "> P. 1461:2921\n" /* the probe */
	       "icmp EMSGSIZE 1461 1200\n"
	       "> . 1461:2621\n"
	       "> P. 2621:2921\n"
	       "write 100 = 100\n"
	       "drain\n"
	       "< . 1 ack 3021\n");
	EXPECT(script.sk->cwnd <= 20000); /* in slow start there is no threshold to fall back to */
	script_end();
}

TEST(no_probe_is_sent_while_a_smaller_path_is_dealt_with)
{
	script_begin();
	SCRIPT("connect = -EINPROGRESS\n"
	       "> S 0\n"
	       "+50ms\n"
	       "< S. 0 ack 1 <mss 1460,sackOK>\n"
	       "> . 1\n"
	       "write 2920 = 2920\n"
	       "sent = 2\n"
	       "icmp EMSGSIZE 1 1200\n"
	       "> . 1:1161\n"
	       "> . 1161:2321\n"
	       "> P. 2321:2921\n"
	       "+140ms\n"
	       ">none\n"
	       "+150ms\n"
	       "> . 1:1161\n" /* the timeout */
	       "< . 1 ack 2921\n"
	       "write 100 = 100\n"
	       "drain\n"
	       "< . 1 ack 3021\n");
	EXPECT_EQ(net_mib[MIB_TCPX_LOSS_PROBES], 0);
	EXPECT(script.sk->cwnd <= 20000);
	script_end();
}

/* ---- windows ---- */

TEST(reno_halves_and_grows_by_one_segment_a_round_trip)
{
	script_begin();
	script.sk = world_socket();
	EXPECT_EQ(tcp_setsockopt(&script.sk->is.s, IPPROTO_TCP, 13, "reno", 4), 0);
	EXPECT_EQ(tcp_setsockopt(&script.sk->is.s, IPPROTO_TCP, 13, "vegas", 5), -ENOENT);
	ESTABLISHED("mss 1000,sackOK");
	script.sk->ssthresh = 5000;
	SCRIPT("sndbuf 300000\n"
	       "write 100000 = 100000\n"
	       "sent = 10\n"
	       "cwnd = 10\n"
	       "< . 1 ack 5001\n"
	       "cwnd = 10\n"
	       "< . 1 ack 10001\n"
	       "cwnd = 11\n"
	       "drain\n");
	script_end();
}

TEST(a_window_that_is_not_used_does_not_grow)
{
	unsigned i;

	script_begin();
	ESTABLISHED("mss 1000,sackOK");
	for (i = 0; i < 200; i++) {
		EXPECT_EQ(script_write(1000, 0), 1000);
		script_inject(&(struct script_seg){.flags = TH_ACK,
			.seq = 1,
			.ack = script.sk->snd_nxt - script.our_iss,
			.win = 65535});
	}
	SCRIPT("cwnd = 10\n"
	       "drain\n");
	script_end();
}

TEST(a_window_decays_while_nothing_is_sent)
{
	script_begin();
	ESTABLISHED("mss 1000,sackOK");
	script.sk->cwnd = 80000;
	SCRIPT("write 1000 = 1000\n"
	       "< . 1 ack 1001\n"
	       "drain\n"
	       "cwnd = 80\n"
	       "+500ms\n" /* two and a half timeouts */
	       "write 1000 = 1000\n"
	       "cwnd = 20\n"
	       "< . 1 ack 2001\n"
	       "+60s\n"
	       "write 1000 = 1000\n"
	       "cwnd = 10\n"
	       "drain\n");
	script_end();
}

TEST(cubic_comes_back_to_the_old_window_in_the_time_of_its_formula)
{
	uint64_t began, k_ms;
	uint32_t old;
	unsigned i;

	script_begin();
	ESTABLISHED("mss 1000,sackOK");
	script.sk->snd_wnd = script.sk->max_window = 1 << 30;
	script.sk->srtt_ns = 100 * NSEC_PER_MSEC;
	script.sk->cwnd = 1000000;
	script.sk->ssthresh = script.sk->cc->on_loss(script.sk);
	old = script.sk->prior_cwnd = 1000000;
	EXPECT_EQ(script.sk->ssthresh, 700000);
	script.sk->cwnd = 700000;
	began = unit_clock;
	for (i = 0; i < 400 && script.sk->cwnd < old; i++) {
		uint32_t left = script.sk->cwnd;

		while (left) { /* a round trip's ACKs */
			uint32_t n = MIN(left, 10000u);

			script.sk->cc->on_ack(script.sk, n, 100 * NSEC_PER_MSEC, unit_clock);
			left -= n;
		}
		unit_clock += 100 * NSEC_PER_MSEC;
	}
	/* K = cbrt(300 / 0.4) = 9.09 s; the last bytes below W_max are the slowest: W is within 2%
	 * much sooner */
	k_ms = (unit_clock - began) / NSEC_PER_MSEC;
	EXPECT(k_ms > 7000 && k_ms < 11500);
	script_end();
}

TEST(hystart_leaves_slow_start_when_the_round_trip_grows)
{
	uint32_t cwnd;
	unsigned round, i;

	script_begin();
	ESTABLISHED("mss 1000,sackOK");
	script.sk->snd_wnd = script.sk->max_window = 1 << 30;
	for (round = 0; round < 12; round++) {
		uint64_t rtt = (50 + (round > 4 ? 10 * (round - 4) : 0)) * NSEC_PER_MSEC;

		for (i = 0; i < 20; i++) {
			script.sk->snd_nxt = script.sk->snd_una + 20000; /* a round's worth */
			script.sk->snd_una += 1000;
			script.sk->cc->on_ack(script.sk, 1000, rtt, unit_clock);
		}
	}
	EXPECT(script.sk->ssthresh < UINT32_MAX / 2); /* CSS lasted five rounds */
	cwnd = script.sk->cwnd;
	script.sk->cc->on_ack(script.sk, 1000, 100 * NSEC_PER_MSEC, unit_clock);
	EXPECT(script.sk->cwnd - cwnd < 500); /* no slow start any more */
	script.sk->snd_nxt = script.sk->snd_una = script.sk->write_seq;
	script_end();
}

TEST(an_ecn_echo_reduces_once_a_round_trip_and_is_confirmed)
{
	script_begin();
	world_inet.tcp_ecn = true;
	SCRIPT("connect = -EINPROGRESS\n"
	       "> SEW 0\n"
	       "< SE. 0 ack 1 <mss 1000,sackOK>\n"
	       "> . 1\n"
	       "sndbuf 300000\n"
	       "write 40000 = 40000\n"
	       "sent = 10\n"
	       "< .E 1 ack 2001\n"
	       "ca CWR\n");
	while (script.head != script.tail &&
		!(script.seg[script.head % SCRIPT_SEGS].flags & TH_CWR))
		script.head++;
	SCRIPT("< .E 1 ack 4001\n"
	       "< .E 1 ack 6001\n"
	       "< . 1 ack 9001\n"
	       "< . 1 ack 12001\n"
	       "ca OPEN\n"
	       "cwnd = 7\n"
	       "drain\n");
	script_end();
}

/* ---- keepalive ---- */

TEST(keepalive_probes_a_silent_peer_and_gives_up)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("opt KEEPIDLE 10\n"
	       "opt KEEPINTVL 5\n"
	       "opt KEEPCNT 3\n"
	       "getopt KEEPIDLE = 10\n"
	       "keepalive 1\n"
	       "+9s\n"
	       ">none\n"
	       "+1s\n"
	       "> . 0 ack 1\n"
	       "< . 1 ack 1\n" /* alive */
	       "+9s\n"
	       ">none\n"
	       "+1s\n"
	       "> . 0 ack 1\n"
	       "+5s\n"
	       "> . 0 ack 1\n"
	       "+5s\n"
	       "> . 0 ack 1\n"
	       "+5s\n"
	       "> R. 1 ack 1\n"
	       "state CLOSE\n"
	       "error = -ETIMEDOUT\n");
	script_end();
}

TEST(keepalive_keeps_still_while_data_is_under_way)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("opt KEEPIDLE 1\n"
	       "opt KEEPINTVL 1\n"
	       "opt KEEPCNT 2\n"
	       "keepalive 1\n"
	       "write 10 = 10\n"
	       "+5s\n"
	       "state ESTABLISHED\n"
	       "drain\n");
	script_end();
}

TEST(the_defaults_of_keepalive_are_the_sysctls)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("getopt KEEPIDLE = 7200\n"
	       "getopt KEEPINTVL = 75\n"
	       "getopt KEEPCNT = 9\n"
	       "opt KEEPIDLE 0 = -EINVAL\n"
	       "opt KEEPCNT 128 = -EINVAL\n"
	       "keepalive 1\n"
	       "+7199s\n"
	       ">none\n"
	       "+1s\n"
	       "> . 0 ack 1\n"
	       "+675s\n"
	       "state CLOSE\n"
	       "drain\n");
	script_end();
}
