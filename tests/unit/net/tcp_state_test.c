/*
 * tcp_state_test.c - the state machine: closing in all orders, what each state does with each kind
 * of segment, resets, TIME_WAIT, lingering, orphans.
 */
/* clang-format off */
/* LINK: kernel/net/tcp*.c kernel/net/zerocopy.c kernel/policy/user.c kernel/net/pkt.c kernel/net/csum.c */
/* LINK: kernel/lib/rbtree.c kernel/lib/hash.c kernel/mm/iov_iter.c */
/* clang-format on */
#include "tests/unit/net/tcp_script.h"

TEST(we_close_first)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("shutdown 1\n"
	       "> F. 1 ack 1\n"
	       "state FIN_WAIT1\n"
	       "shutdown 1\n"
	       ">none\n"
	       "write 1 = -EPIPE\n"
	       "poll = OUT\n"
	       "< . 1 ack 2\n"
	       "state FIN_WAIT2\n"
	       "< P. 1:6 ack 2\n" /* half-closed: the peer goes on */
	       "> . 2 ack 6\n"
	       "read 10 = 5\n"
	       "< F. 6 ack 2\n"
	       "> . 2 ack 7\n"
	       "state CLOSE\n"
	       "timewaits = 1\n"
	       "poll = IN OUT HUP RDHUP\n"
	       "read 10 = 0\n"
	       "close\n"
	       ">none\n"
	       "+59s\n"
	       "timewaits = 1\n"
	       "+1s\n"
	       "timewaits = 0\n");
	script_end();
}

TEST(the_peer_closes_first)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("< F. 1 ack 1\n"
	       "state CLOSE_WAIT\n"
	       "poll = IN OUT RDHUP\n"
	       "read 10 = 0\n"
	       "+40ms\n"
	       "> . 1 ack 2\n"
	       "write 5 = 5\n"
	       "> P. 1:6 ack 2\n"
	       "close\n"
	       "> F. 6 ack 2\n"
	       "< . 2 ack 6\n"
	       ">none\n"
	       "< . 2 ack 7\n"
	       "timewaits = 0\n"
	       "< . 2 ack 7\n"
	       "> R 7\n");
	script_end();
}

TEST(both_close_at_once)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("shutdown 1\n"
	       "> F. 1 ack 1\n"
	       "< F. 1 ack 1\n"
	       "> . 2 ack 2\n"
	       "state CLOSING\n"
	       "< . 2 ack 2\n"
	       "state CLOSE\n"
	       "timewaits = 1\n");
	script_end();
}

TEST(a_fin_that_acknowledges_ours_ends_it_in_one_step)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("shutdown 1\n"
	       "> F. 1 ack 1\n"
	       "< F. 1 ack 2\n"
	       "> . 2 ack 2\n"
	       "state CLOSE\n"
	       "timewaits = 1\n");
	script_end();
}

TEST(fin_follows_the_data_and_is_repeated)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("write 1500 = 1500\n"
	       "> . 1:1001 ack 1\n"
	       "> P. 1001:1501 ack 1\n"
	       "close\n"
	       "> F. 1501 ack 1\n"
	       "< . 1 ack 1501\n"
	       "+300ms\n"
	       "> F. 1501 ack 1\n"
	       "+400ms\n"
	       "> F. 1501 ack 1\n"
	       "< . 1 ack 1502\n"
	       ">none\n"
	       "timewaits = 1\n"
	       "+60s\n"
	       "timewaits = 0\n");
	script_end();
}

TEST(fin_rides_on_the_last_unsent_data)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("opt CORK 1\n"
	       "write 500 = 500\n"
	       ">none\n"
	       "shutdown 1\n"
	       "> FP. 1:501 ack 1\n");
	script_end();
}

TEST(closing_with_unread_data_resets)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("< P. 1:6 ack 1\n"
	       "> . 1 ack 6\n"
	       "close\n"
	       "> R. 1 ack 6\n"
	       ">none\n");
	EXPECT_EQ(net_mib[MIB_TCPX_ABORT_ON_CLOSE], 1);
	script_end();
}

TEST(data_after_close_is_reset)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("close\n"
	       "> F. 1 ack 1\n"
	       "< P. 1:6 ack 1\n" /* FIN-WAIT-1 */
	       "> R. 2 ack 1\n"
	       "< . 6 ack 2\n"
	       "> R 2\n");
	EXPECT_EQ(net_mib[MIB_TCPX_ABORT_ON_DATA], 1);
	script_end();
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("close\n"
	       "> F. 1 ack 1\n"
	       "< . 1 ack 2\n"
	       "timewaits = 1\n" /* FIN-WAIT-2, in the small form */
	       "< P. 1:6 ack 2\n"
	       "> R 2\n"
	       "timewaits = 0\n");
	script_end();
}

TEST(linger_of_no_time_resets)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("linger 0\n"
	       "write 100 = 100\n"
	       "> P. 1:101 ack 1\n"
	       "close\n"
	       "> R. 101 ack 1\n"
	       ">none\n");
	script_end();
}

static unsigned lingered;
static void linger_goes_on(void)
{
	if (++lingered == 1) {
		unit_advance(100 * NSEC_PER_MSEC);
		script_inject(&(struct script_seg){.flags = TH_ACK, .seq = 1, .ack = 102});
		return;
	}
	unit_advance(NSEC_PER_SEC);
}

TEST(lingering_waits_for_the_ack_of_the_fin)
{
	struct tcp_sock *tp;
	uint64_t began;

	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("linger 5\n"
	       "write 100 = 100\n");
	tp = script.sk;
	REQUIRE(tp);
	(void)socket_get(&tp->is.s);
	began = unit_clock;
	lingered = 0;
	unit_on_sleep = linger_goes_on;
	script_close();
	EXPECT_EQ(lingered, 1);
	EXPECT_EQ(unit_clock - began, 100 * NSEC_PER_MSEC);
	unit_on_sleep = NULL;
	socket_put(&tp->is.s);
	script_end();
}

static void nobody_answers(void)
{
	unit_advance(NSEC_PER_SEC);
	if (unit_clock > 1000000 * NSEC_PER_SEC)
		panic("lingers for ever");
}

TEST(lingering_ends_after_its_time)
{
	uint64_t began;

	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("linger 3\n"
	       "write 100 = 100\n");
	began = unit_clock;
	script_close(); /* without a hook the clock moves to the deadline */
	EXPECT_EQ(unit_clock - began, 3 * NSEC_PER_SEC);
	EXPECT_EQ(atomic_read(&tcp_orphans), 1);
	(void)nobody_answers;
	script_end();
}

TEST(an_orphan_that_gets_no_answer_is_given_up)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("write 100 = 100\n"
	       "close\n");
	EXPECT_EQ(atomic_read(&tcp_orphans), 1);
	SCRIPT("+300s\n");
	EXPECT_EQ(atomic_read(&tcp_orphans), 0);
	EXPECT_EQ(net_mib[MIB_TCPX_ABORT_ON_TIMEOUT], 1);
	script_end();
}

TEST(fin_wait2_of_an_orphan_ends_after_fin_timeout)
{
	script_begin();
	world_inet.tcp_fin_timeout_s = 20;
	ESTABLISHED("mss 1000");
	SCRIPT("close\n"
	       "> F. 1 ack 1\n"
	       "< . 1 ack 2\n"
	       "timewaits = 1\n"
	       "+19s\n"
	       "timewaits = 1\n"
	       "+2s\n"
	       "timewaits = 0\n");
	script_end();
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("opt LINGER2 -1\n"
	       "getopt LINGER2 = -1\n"
	       "close\n"
	       "> F. 1 ack 1\n"
	       "< . 1 ack 2\n"
	       "timewaits = 0\n");
	script_end();
}

TEST(fin_wait2_of_a_program_waits_for_ever)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("shutdown 1\n"
	       "> F. 1 ack 1\n"
	       "< . 1 ack 2\n"
	       "+1000s\n"
	       "state FIN_WAIT2\n"
	       "close\n"
	       ">none\n"
	       "timewaits = 1\n");
	script_end();
}

TEST(a_fin_in_the_small_form_of_fin_wait2_is_acknowledged)
{
	script_begin();
	ESTABLISHED("mss 1000,ts 5 0");
	SCRIPT("close\n"
	       "> F. 1 ack 1 <ts 0 5>\n"
	       "< . 1 ack 2 <ts 6 *>\n"
	       "< F. 1 ack 2 <ts 7 *>\n"
	       "> . 2 ack 2 <ts 0 7>\n"
	       "timewaits = 1\n"
	       "+50s\n"
	       "< F. 1 ack 2 <ts 7 *>\n" /* our ACK was lost: again, and the time begins anew */
	       "> . 2 ack 2 <ts 0 7>\n"
	       "+50s\n"
	       "timewaits = 1\n"
	       "+11s\n"
	       "timewaits = 0\n");
	script_end();
}

/* ---- TIME_WAIT ---- */

#define TO_TIME_WAIT                                                                               \
	"shutdown 1\n"                                                                             \
	"> F. 1 ack 1\n"                                                                           \
	"< F. 1 ack 2 <ts 6 *>\n"                                                                  \
	"> . 2 ack 2\n"                                                                            \
	"timewaits = 1\n"

TEST(a_reset_ends_time_wait_only_at_the_exact_number_and_not_with_rfc1337)
{
	script_begin();
	ESTABLISHED("mss 1000,ts 5 0");
	SCRIPT(TO_TIME_WAIT "< R 3\n"
			    "timewaits = 1\n"
			    "< R 2\n"
			    "timewaits = 0\n"
			    ">none\n");
	script_end();
	script_begin();
	world_inet.tcp_rfc1337 = true;
	ESTABLISHED("mss 1000,ts 5 0");
	SCRIPT(TO_TIME_WAIT "< R 2\n"
			    "timewaits = 1\n");
	script_end();
}

TEST(old_duplicates_in_time_wait_are_answered_sparingly)
{
	script_begin();
	ESTABLISHED("mss 1000,ts 5 0");
	SCRIPT(TO_TIME_WAIT "< P. 1:1 ack 2 <ts 3 0>\n" /* old timestamp, no data */
			    "> . 2 ack 2\n"
			    "< P. 1:1 ack 2 <ts 3 0>\n"
			    ">none\n"
			    "< P. 1:6 ack 2 <ts 3 0>\n" /* old data: always */
			    "> . 2 ack 2\n"
			    "< . 2 ack 2 <ts 9 *>\n" /* the last ACK again: fine */
			    ">none\n");
	script_end();
}

TEST(a_new_syn_ends_time_wait_if_it_is_newer)
{
	script_begin();
	SCRIPT("listen 5\n"
	       "< S 0 <mss 1000,ts 5 0>\n"
	       "> S. 0 ack 1\n"
	       "< . 1 ack 1 <ts 5 *>\n"
	       "accept\n" TO_TIME_WAIT "close\n"
	       "< S 0 <mss 1000,ts 4 0>\n" /* old in both ways */
	       "> . 2 ack 2\n"
	       "timewaits = 1\n"
	       "< S 100000 <mss 1000,ts 9 0>\n"
	       "> S. 65539 ack 100001\n" /* beyond anything of the old connection */
	       "timewaits = 0\n");
	EXPECT_EQ(net_mib[MIB_TCPX_TW_RECYCLED], 1);
	script_end();
}

TEST(connect_takes_over_a_port_in_time_wait_when_timestamps_make_it_safe)
{
	script_begin();
	world_inet.tcp_tw_reuse = 1;
	ESTABLISHED("mss 1000,ts 5 0");
	uint16_t port = script.lport;

	SCRIPT(TO_TIME_WAIT "close\n");
	EXPECT_EQ(port, 40000);
	SCRIPT("connect = -EINPROGRESS\n"); /* too soon: another port */
	EXPECT_EQ(be16(script.sk->is.lport), 40001);
	SCRIPT("close\n"
	       "drain\n"
	       "+1s\n"
	       "connect = -EINPROGRESS\n"
	       "> S 65539\n"
	       "timewaits = 0\n");
	EXPECT_EQ(be16(script.sk->is.lport), 40000);
	SCRIPT("< S. 200000 ack 65540 <mss 1000,ts 3 *>\n" /* older than the last connection's */
	       ">none\n"
	       "state SYN_SENT\n"
	       "< S. 200000 ack 65540 <mss 1000,ts 2000 *>\n"
	       "state ESTABLISHED\n");
	script_end();
}

/* tcp_tw_reuse 0; and 2, as neither end is a loopback address. */
TEST(connect_leaves_ports_in_time_wait_alone_when_told_to)
{
	for (uint8_t how = 0; how <= 2; how += 2) {
		script_begin();
		world_inet.tcp_tw_reuse = how;
		ESTABLISHED("mss 1000,ts 5 0");
		SCRIPT(TO_TIME_WAIT "close\n"
				    "+2s\n"
				    "connect = -EINPROGRESS\n"
				    "timewaits = 1\n");
		EXPECT_EQ(be16(script.sk->is.lport), 40001);
		script_end();
	}
}

TEST(without_timestamps_ports_in_time_wait_are_not_taken_over)
{
	unsigned i;

	script_begin();
	for (i = 0; i < 4; i++) {
		script.has_iss = false;
		ESTABLISHED("mss 1000");
		SCRIPT("shutdown 1\n"
		       "> F. 1 ack 1\n"
		       "< F. 1 ack 2\n"
		       "> . 2 ack 2\n"
		       "close\n");
	}
	SCRIPT("timewaits = 4\n"
	       "+10s\n"
	       "connect = -EADDRNOTAVAIL\n"
	       "+51s\n"
	       "connect = -EINPROGRESS\n");
	script_end();
}

TEST(time_waits_are_bounded)
{
	unsigned i;

	script_begin();
	world_inet.tcp_max_tw_buckets = 2;
	for (i = 0; i < 4; i++) {
		script.has_iss = false;
		ESTABLISHED("mss 1000");
		SCRIPT("shutdown 1\n"
		       "> F. 1 ack 1\n"
		       "< F. 1 ack 2\n"
		       "> . 2 ack 2\n"
		       "close\n");
	}
	SCRIPT("timewaits = 2\n");
	script_end();
}

/* ---- every state and every kind of segment ---- */

static const struct {
	uint8_t state;
	const char *way;        /* from ESTABLISHED */
	uint32_t una, nxt, rcv; /* then: ours unacknowledged, ours next, the peer's next */
} walk[] = {
	{TCP_ESTABLISHED, "", 1, 1, 1},
	{TCP_ESTABLISHED, "write 10 = 10\n> P. 1:11\n", 1, 11, 1},
	{TCP_FIN_WAIT1, "shutdown 1\n> F. 1 ack 1\n", 1, 2, 1},
	{TCP_FIN_WAIT2, "shutdown 1\n> F. 1 ack 1\n< . 1 ack 2\n", 2, 2, 1},
	{TCP_CLOSING, "shutdown 1\n> F. 1 ack 1\n< F. 1 ack 1\n> . 2 ack 2\n", 1, 2, 2},
	{TCP_CLOSE_WAIT, "< F. 1 ack 1\n+40ms\n> . 1 ack 2\n", 1, 1, 2},
	{TCP_LAST_ACK, "< F. 1 ack 1\n+40ms\n> . 1 ack 2\nshutdown 1\n> F. 1 ack 2\n", 1, 2, 2},
};

static void walk_to(unsigned i)
{
	script_begin();
	ESTABLISHED("mss 1000");
	script_run(__FILE__, __LINE__, walk[i].way);
	if (script.sk->state != walk[i].state)
		unit_fail(__FILE__, __LINE__, "state %u, not %u", script.sk->state, walk[i].state);
}

static void walk_inject(unsigned i, uint8_t flags, int32_t seq, int32_t ack, uint32_t len)
{
	script_inject(&(struct script_seg){.flags = flags,
		.seq = walk[i].rcv + (uint32_t)seq,
		.ack = walk[i].una + (uint32_t)ack,
		.len = len,
		.win = 65535});
}

/* One answer, with @flags and ours and the peer's next numbers; none when @flags is 0. */
static void walk_expect(unsigned i, uint8_t flags, int line)
{
	const struct script_seg *g = &script.seg[script.head % SCRIPT_SEGS];

	if (!flags) {
		if (script.head != script.tail)
			unit_fail(
				__FILE__, line, "state %u: an answer %#x", walk[i].state, g->flags);
		return;
	}
	if (script.head == script.tail) {
		unit_fail(__FILE__, line, "state %u: no answer", walk[i].state);
		return;
	}
	if (g->flags != flags || g->seq != walk[i].nxt || g->ack != walk[i].rcv)
		unit_fail(__FILE__, line, "state %u: answer %#x %u ack %u, not %#x %u ack %u",
			walk[i].state, g->flags, g->seq, g->ack, flags, walk[i].nxt, walk[i].rcv);
	script.head++;
}
#define WALK_EXPECT(i, flags) walk_expect(i, flags, __LINE__)
#define WALK_STATE(i, s)                                                                           \
	do {                                                                                       \
		if (script.sk->state != (s))                                                       \
			unit_fail(__FILE__, __LINE__, "from state %u: %u, not %u", walk[i].state,  \
				script.sk->state, (s));                                            \
	} while (0)

TEST(every_state_a_reset_at_the_exact_number_ends_it)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(walk); i++) {
		walk_to(i);
		walk_inject(i, TH_RST, 0, 0, 0);
		WALK_STATE(i, TCP_CLOSE);
		WALK_EXPECT(i, 0);
		EXPECT_EQ(script.sk->is.s.error,
			walk[i].state == TCP_CLOSE_WAIT ? EPIPE : ECONNRESET);
		script_end();
	}
}

TEST(every_state_a_reset_elsewhere_in_the_window_is_challenged)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(walk); i++) {
		walk_to(i);
		walk_inject(i, TH_RST, 100, 0, 0);
		WALK_STATE(i, walk[i].state);
		WALK_EXPECT(i, TH_ACK);
		walk_inject(i, TH_RST | TH_ACK, 200, 0, 0); /* and not again at once */
		WALK_EXPECT(i, 0);
		script_end();
	}
}

TEST(every_state_a_reset_outside_the_window_is_ignored)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(walk); i++) {
		walk_to(i);
		walk_inject(i, TH_RST, -100, 0, 0);
		walk_inject(i, TH_RST, 300000, 0, 0);
		WALK_STATE(i, walk[i].state);
		WALK_EXPECT(i, 0);
		script_end();
	}
}

TEST(every_state_a_syn_is_challenged)
{
	static const int32_t at[] = {0, 100, -100, 300000};
	unsigned i, k;

	for (i = 0; i < ARRAY_SIZE(walk); i++)
		for (k = 0; k < ARRAY_SIZE(at); k++) {
			walk_to(i);
			walk_inject(i, TH_SYN, at[k], 0, 0);
			WALK_STATE(i, walk[i].state);
			WALK_EXPECT(i, TH_ACK);
			walk_inject(i, TH_SYN | TH_ACK, at[k], 0, 0);
			WALK_STATE(i, walk[i].state);
			WALK_EXPECT(i, 0);
			script_end();
		}
}

TEST(every_state_a_segment_without_ack_is_dropped)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(walk); i++) {
		walk_to(i);
		walk_inject(i, TH_FIN, 0, 0, 5);
		walk_inject(i, 0, 0, 0, 0);
		WALK_STATE(i, walk[i].state);
		WALK_EXPECT(i, 0);
		script_end();
	}
}

TEST(every_state_an_ack_of_the_future_is_challenged_and_the_segment_dropped)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(walk); i++) {
		walk_to(i);
		walk_inject(i, TH_ACK | TH_FIN, 0, 100, 5);
		WALK_STATE(i, walk[i].state);
		WALK_EXPECT(i, TH_ACK);
		script_end();
	}
}

TEST(every_state_an_ack_of_the_distant_past_is_challenged_and_the_segment_dropped)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(walk); i++) {
		walk_to(i);
		walk_inject(i, TH_ACK | TH_FIN, 0, -70000, 5);
		WALK_STATE(i, walk[i].state);
		WALK_EXPECT(i, TH_ACK);
		script_end();
	}
}

TEST(every_state_data_outside_the_window_is_answered_with_an_ack)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(walk); i++) {
		walk_to(i);
		walk_inject(i, TH_ACK, 300000, 0, 5);
		WALK_STATE(i, walk[i].state);
		WALK_EXPECT(i, TH_ACK);
		walk_inject(i, TH_ACK, -100, 0, 5);
		WALK_STATE(i, walk[i].state);
		WALK_EXPECT(i, TH_ACK);
		script_end();
	}
}

TEST(every_state_an_ack_outside_the_window_is_answered_once_in_a_while)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(walk); i++) {
		walk_to(i);
		walk_inject(i, TH_ACK, 300000, 0, 0);
		WALK_EXPECT(i, TH_ACK);
		walk_inject(i, TH_ACK, 300000, 0, 0);
		walk_inject(i, TH_ACK, -100, 0, 0);
		WALK_EXPECT(i, 0);
		WALK_STATE(i, walk[i].state);
		script_end();
	}
}

TEST(every_state_a_fin_and_the_ack_of_ours_move_as_the_figure_says)
{
	static const uint8_t fin[TCP_STATES] = {[TCP_ESTABLISHED] = TCP_CLOSE_WAIT,
		[TCP_FIN_WAIT1] = TCP_CLOSING,
		[TCP_FIN_WAIT2] = TCP_CLOSE, /* TIME_WAIT, in its small form */
		[TCP_CLOSING] = TCP_CLOSING,
		[TCP_CLOSE_WAIT] = TCP_CLOSE_WAIT,
		[TCP_LAST_ACK] = TCP_LAST_ACK};
	static const uint8_t acked[TCP_STATES] = {[TCP_ESTABLISHED] = TCP_ESTABLISHED,
		[TCP_FIN_WAIT1] = TCP_FIN_WAIT2,
		[TCP_FIN_WAIT2] = TCP_FIN_WAIT2,
		[TCP_CLOSING] = TCP_CLOSE,
		[TCP_CLOSE_WAIT] = TCP_CLOSE_WAIT,
		[TCP_LAST_ACK] = TCP_CLOSE};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(walk); i++) {
		walk_to(i);
		walk_inject(i, TH_ACK | TH_FIN, 0, 0, 0);
		WALK_STATE(i, fin[walk[i].state]);
		script_end();
		walk_to(i);
		walk_inject(i, TH_ACK, 0, (int32_t)(walk[i].nxt - walk[i].una), 0);
		WALK_STATE(i, acked[walk[i].state]);
		script_end();
	}
}

TEST(every_state_data_in_order_is_taken_where_it_may_be)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(walk); i++) {
		bool takes = TCPF(walk[i].state) &
			     (TCPF(TCP_ESTABLISHED) | TCPF(TCP_FIN_WAIT1) | TCPF(TCP_FIN_WAIT2));
		uint32_t before;

		walk_to(i);
		before = script.sk->rcv_nxt;
		walk_inject(i, TH_ACK | TH_PSH, 0, 0, 5);
		EXPECT_EQ(script.sk->rcv_nxt - before, takes ? 5 : 0);
		WALK_STATE(i, walk[i].state);
		EXPECT(script.head != script.tail); /* acknowledged, or told again where we are */
		script_end();
	}
}

/* ---- errors that programs see ---- */

TEST(a_reset_is_reported_once_then_reads_end_and_writes_break)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("< P. 1:6 ack 1\n"
	       "> . 1 ack 6\n"
	       "< R 6\n"
	       "poll = IN OUT ERR HUP RDHUP\n"
	       "read 3 = 3\n" /* what was there before */
	       "read 3 = 2\n"
	       "read 3 = -ECONNRESET\n"
	       "read 3 = 0\n"
	       "write 1 = -EPIPE\n"
	       "poll = IN OUT HUP RDHUP\n");
	script_end();
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("< R 1\n"
	       "write 1 = -ECONNRESET\n"
	       "write 1 = -EPIPE\n");
	script_end();
}

TEST(shutdown_for_reading_gives_end_of_file_but_takes_data)
{
	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("shutdown 0\n"
	       "poll = IN OUT RDHUP\n"
	       "read 10 = 0\n"
	       "< P. 1:6 ack 1\n"
	       "> . 1 ack 6\n"
	       "read 10 = 5\n"
	       "read 10 = 0\n"
	       "shutdown 3 = -EINVAL\n");
	script_end();
}

TEST(unconnected_sockets)
{
	script_begin();
	script.sk = world_socket();
	SCRIPT("poll = OUT HUP\n"
	       "read 10 = -ENOTCONN\n"
	       "write 10 = -EPIPE\n"
	       "shutdown 1 = -ENOTCONN\n"
	       "inq =\n"
	       "outq =\n");
	script_end();
}

TEST(shutdown_of_a_connecting_socket_gives_up_and_of_a_listener_stops_it)
{
	script_begin();
	SCRIPT("connect = -EINPROGRESS\n"
	       "> S 0\n"
	       "shutdown 1\n"
	       "state CLOSE\n"
	       "connect = -EINPROGRESS\n"
	       "close\n");
	script_end();
	script_begin();
	SCRIPT("listen 5\n");
	script.sk = script.ln;
	script.ln = NULL;
	SCRIPT("shutdown 1\n"
	       "state LISTEN\n"
	       "shutdown 0\n"
	       "state CLOSE\n");
	script_end();
}

TEST(disconnecting_resets_and_the_socket_can_be_used_again)
{
	struct sockaddr_storage a = {.ss_family = AF_UNSPEC};

	script_begin();
	ESTABLISHED("mss 1000");
	SCRIPT("< P. 1:6 ack 1\n"
	       "> . 1 ack 6\n");
	EXPECT_EQ(tcp_connect(&script.sk->is.s, &a, sizeof(struct sockaddr_in), 0), 0);
	SCRIPT("> R. 1 ack 6\n"
	       "state CLOSE\n"
	       "read 10 = -ECONNRESET\n"
	       "read 10 = -ENOTCONN\n"
	       "inq =\n");
	script.has_iss = false;
	SCRIPT("connect = -EINPROGRESS\n"
	       "> S 0\n"
	       "< S. 0 ack 1\n"
	       "> . 1 ack 1\n"
	       "< P. 1:6 ack 1\n"
	       "> . 1 ack 6\n"
	       "read 10 = 5\n");
	script_end();
}

TEST(too_many_orphans_are_reset)
{
	script_begin();
	ESTABLISHED("mss 1000");
	atomic_add(&tcp_orphans, (int)tcp_orphans_max());
	SCRIPT("write 10 = 10\n"
	       "> P. 1:11\n"
	       "close\n"
	       "> F. 11\n"
	       "> R. 12\n");
	atomic_add(&tcp_orphans, -(int)tcp_orphans_max());
	EXPECT_EQ(net_mib[MIB_TCPX_ABORT_ON_MEMORY], 1);
	script_end();
}

TEST(a_fin_for_which_there_is_no_memory_is_sent_later)
{
	script_begin();
	ESTABLISHED("mss 1000");
	alloc_fail_after(0);
	SCRIPT("close\n"
	       ">none\n");
	alloc_fail_after(-1);
	SCRIPT("+300ms\n"
	       "> F. 1 ack 1\n");
	script_end();
}
