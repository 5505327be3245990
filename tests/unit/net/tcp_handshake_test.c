/*
 * tcp_handshake_test.c - connections begin: options, both roles, both at once, refusals, retries,
 * full queues, cookies.
 */
/* clang-format off */
/* LINK: kernel/net/tcp*.c kernel/net/zerocopy.c kernel/policy/user.c kernel/net/pkt.c kernel/net/csum.c */
/* LINK: kernel/lib/rbtree.c kernel/lib/hash.c kernel/mm/iov_iter.c */
/* clang-format on */
#include "tests/unit/net/tcp_script.h"

TEST(connect_sends_a_syn_with_all_options_and_completes)
{
	script_begin();
	SCRIPT("connect = -EINPROGRESS\n"
	       "> S 0 win 65535 <mss 1460,sackOK,ts 0 0,wscale 7>\n"
	       "poll =\n"
	       "connect = -EALREADY\n"
	       "< S. 0 ack 1 win 5000 <mss 1400,sackOK,ts 700 *,wscale 3>\n"
	       "> . 1 ack 1 <ts 0 700>\n"
	       "state ESTABLISHED\n"
	       "mss = 1388\n"
	       "poll = OUT\n"
	       "connect\n"
	       "connect = -EISCONN\n"
	       ">none\n");
	script_end();
}

TEST(a_peer_without_options_gets_none_and_536_bytes_a_segment)
{
	script_begin();
	SCRIPT("connect = -EINPROGRESS\n"
	       "> S 0\n"
	       "< S. 0 ack 1 win 4000\n"
	       "> . 1 ack 1 win 65535\n"
	       "mss = 536\n"
	       "write 1000 = 1000\n"
	       "> . 1:537 ack 1\n"
	       "> P. 537:1001 ack 1\n");
	script_end();
}

TEST(options_that_sysctls_turn_off_are_not_offered)
{
	script_begin();
	world_inet.tcp_timestamps = world_inet.tcp_sack = world_inet.tcp_window_scaling = false;
	SCRIPT("connect = -EINPROGRESS\n");
	EXPECT(!script.seg[0].o.has_ts);
	EXPECT(!script.seg[0].o.sack_ok);
	EXPECT(!script.seg[0].o.has_wscale);
	script_end();
}

TEST(an_mss_that_makes_work_is_not_believed)
{
	script_begin();
	SCRIPT("connect = -EINPROGRESS\n"
	       "> S 0\n"
	       "< S. 0 ack 1 win 4000 <mss 1>\n"
	       "> . 1\n"
	       "mss = 48\n");
	script_end();
}

TEST(tcp_maxseg_bounds_what_is_offered_and_used)
{
	script_begin();
	script.sk = world_socket();
	SCRIPT("opt MAXSEG 87 = -EINVAL\n"
	       "opt MAXSEG 1000\n"
	       "getopt MAXSEG = 1000\n"
	       "connect = -EINPROGRESS\n"
	       "> S 0 <mss 1000>\n"
	       "< S. 0 ack 1 win 4000 <mss 1400>\n"
	       "> . 1\n"
	       "mss = 1000\n");
	script_end();
}

TEST(a_syn_is_repeated_with_doubling_pauses_and_given_up_after_127_seconds)
{
	script_begin();
	SCRIPT("connect = -EINPROGRESS\n"
	       "> S 0\n"
	       "+999ms\n"
	       ">none\n"
	       "+1ms\n"
	       "> S 0\n"
	       "+2s\n"
	       "> S 0\n"
	       "+4s\n"
	       "> S 0\n"
	       "+8s\n"
	       "> S 0\n"
	       "+16s\n"
	       "> S 0\n"
	       "+32s\n"
	       "> S 0\n"
	       "+63s\n"
	       ">none\n"
	       "state SYN_SENT\n"
	       "+1s\n"
	       "state CLOSE\n"
	       "poll = IN OUT ERR HUP RDHUP\n"
	       "error = -ETIMEDOUT\n"
	       ">none\n");
	EXPECT_EQ(net_mib[MIB_TCP_ATTEMPT_FAILS], 1);
	script_end();
}

TEST(tcp_syncnt_and_the_user_timeout_give_up_sooner)
{
	script_begin();
	script.sk = world_socket();
	SCRIPT("opt SYNCNT 0 = -EINVAL\n"
	       "opt SYNCNT 2\n"
	       "connect = -EINPROGRESS\n"
	       "+7s\n"
	       "state CLOSE\n"
	       "error = -ETIMEDOUT\n"
	       "sent = 3\n");
	script_end();
	script_begin();
	script.sk = world_socket();
	SCRIPT("opt USER_TIMEOUT 2500\n"
	       "connect = -EINPROGRESS\n"
	       "+2490ms\n"
	       "state SYN_SENT\n"
	       "+20ms\n"
	       "state CLOSE\n");
	script_end();
}

TEST(a_reset_refuses_and_the_next_connect_begins_anew)
{
	script_begin();
	SCRIPT("connect = -EINPROGRESS\n"
	       "> S 0\n"
	       "< R. 0 ack 1\n"
	       "state CLOSE\n"
	       "poll = IN OUT ERR HUP RDHUP\n"
	       "connect = -ECONNREFUSED\n"
	       "poll = OUT HUP\n");
	script.has_iss = false;
	SCRIPT("connect = -EINPROGRESS\n"
	       "> S 0\n"
	       "< S. 0 ack 1\n"
	       "> . 1 ack 1\n"
	       "state ESTABLISHED\n");
	script_end();
}

TEST(a_reset_without_the_right_ack_does_not_refuse)
{
	script_begin();
	SCRIPT("connect = -EINPROGRESS\n"
	       "> S 0\n"
	       "< R 0\n"
	       "< R. 0 ack 2\n"
	       "state SYN_SENT\n"
	       ">none\n");
	script_end();
}

TEST(a_syn_ack_for_something_else_is_reset)
{
	script_begin();
	SCRIPT("connect = -EINPROGRESS\n"
	       "> S 0\n"
	       "< S. 0 ack 77\n"
	       "> R 77\n"
	       "< . 5 ack 1\n" /* no SYN: dropped */
	       ">none\n"
	       "state SYN_SENT\n");
	script_end();
}

TEST(icmp_errors_end_an_attempt_if_they_are_about_it)
{
	script_begin();
	SCRIPT("connect = -EINPROGRESS\n"
	       "> S 0\n"
	       "icmp EHOSTUNREACH 5000\n" /* not our sequence number */
	       "state SYN_SENT\n"
	       "icmp EHOSTUNREACH 0\n"
	       "state CLOSE\n"
	       "connect = -EHOSTUNREACH\n");
	script_end();
}

TEST(no_route_is_reported_at_once_and_leaves_the_socket_as_it_was)
{
	script_begin();
	world.route_err = -ENETUNREACH;
	SCRIPT("connect = -ENETUNREACH\n"
	       ">none\n");
	EXPECT_EQ(world.bound, 0);
	EXPECT(!script.sk->hashed);
	world.route_err = 0;
	SCRIPT("connect = -EINPROGRESS\n"
	       "> S 0\n");
	script_end();
}

TEST(simultaneous_open)
{
	script_begin();
	SCRIPT("connect = -EINPROGRESS\n"
	       "> S 0\n"
	       "< S 0 win 4000 <mss 1000,sackOK>\n"
	       "> S. 0 ack 1\n"
	       "state SYN_RECV\n"
	       "poll =\n"
	       "< S. 0 ack 1 win 4000 <mss 1000,sackOK>\n"
	       "state ESTABLISHED\n"
	       "connect\n"
	       "write 10 = 10\n"
	       "> P. 1:11 ack 1\n");
	script_end();
}

TEST(simultaneous_open_where_the_peer_answers_with_an_ack)
{
	script_begin();
	SCRIPT("connect = -EINPROGRESS\n"
	       "> S 0\n"
	       "< S 0 win 4000 <mss 1000>\n"
	       "> S. 0 ack 1\n"
	       "+1s\n"
	       "> S. 0 ack 1\n"
	       "< . 1 ack 5\n" /* something we did not send */
	       "> R 5\n"
	       "< . 1 ack 1\n"
	       "state ESTABLISHED\n"
	       ">none\n");
	script_end();
}

TEST(a_listener_takes_a_connection)
{
	script_begin();
	SCRIPT("listen 5\n"
	       "poll =\n"
	       "accept = -EAGAIN\n"
	       "< S 0 win 4000 <mss 1000,sackOK,ts 55 0,wscale 2>\n"
	       "> S. 0 ack 1 win 65535 <mss 1460,sackOK,ts 0 55,wscale 7>\n"
	       "accept = -EAGAIN\n"
	       "< . 1 ack 1 win 1000 <ts 56 *>\n"
	       ">none\n"
	       "poll = IN\n"
	       "accept\n"
	       "state ESTABLISHED\n"
	       "mss = 988\n"
	       "< P. 1:11 ack 1 win 1000 <ts 57 *>\n"
	       "> . 1 ack 11\n"
	       "read 100 = 10\n"
	       "write 20 = 20\n"
	       "> P. 1:21 ack 11\n");
	EXPECT_EQ(net_mib[MIB_TCP_PASSIVE_OPENS], 1);
	EXPECT_EQ(script.sk->snd_wnd, 4000u);
	script_end();
}

TEST(the_completing_ack_may_carry_data_and_fin)
{
	script_begin();
	SCRIPT("listen 5\n"
	       "< S 0 win 4000 <mss 1000>\n"
	       "> S. 0 ack 1\n"
	       "< FP. 1:11 ack 1\n"
	       ">none\n"
	       "+40ms\n"
	       "> . 1 ack 12\n"
	       "accept\n"
	       "state CLOSE_WAIT\n"
	       "read 100 = 10\n"
	       "read 100 = 0\n");
	script_end();
}

TEST(a_syn_ack_is_repeated_and_given_up)
{
	script_begin();
	SCRIPT("listen 5\n"
	       "< S 0 <mss 1000>\n"
	       "> S. 0 ack 1\n"
	       "+1s\n"
	       "> S. 0 ack 1\n"
	       "+2s\n"
	       "> S. 0 ack 1\n"
	       "< S 0 <mss 1000>\n" /* theirs again: the answer again */
	       "> S. 0 ack 1\n"
	       "+60s\n"
	       "> S. 0 ack 1\n"
	       "> S. 0 ack 1\n"
	       "> S. 0 ack 1\n"
	       ">none\n"
	       "< . 1 ack 1\n"
	       "> R 1\n");
	EXPECT_EQ(atomic_read(&script.ln->listen.requests), 0);
	script_end();
}

TEST(a_half_open_connection_judges_segments)
{
	script_begin();
	SCRIPT("listen 5\n"
	       "< S 0 win 4000 <mss 1000>\n"
	       "> S. 0 ack 1\n"
	       "< . 1 ack 2\n" /* not our SYN-ACK's number */
	       "> R 2\n"
	       "< . 70000 ack 1\n" /* outside the window */
	       "> . 1 ack 1\n"
	       "+1s\n"
	       "> S. 0 ack 1\n"
	       "< R 500\n" /* in the window, not exact */
	       "> . 1 ack 1\n"
	       "+1s\n"
	       "< S 5\n"
	       "> . 1 ack 1\n"
	       "< R 1\n"
	       ">none\n"
	       "< . 1 ack 1\n" /* it is gone */
	       "> R 1\n");
	EXPECT_EQ(net_mib[MIB_TCPX_EMBRYONIC_RSTS], 1);
	script_end();
}

TEST(nobody_listens)
{
	script_begin();
	script.lport = 81;
	script.our_iss = 0;
	SCRIPT("< S 0 <mss 1000>\n"
	       "> R. 0 ack 1\n"
	       "< . 1 ack 77\n"
	       "> R 77\n"
	       "< F 1\n"
	       "> R. 0 ack 2\n"
	       "< R 1\n"
	       ">none\n");
	script_end();
}

TEST(a_listener_answers_an_ack_with_a_reset_and_ignores_the_rest)
{
	script_begin();
	SCRIPT("listen 5\n");
	script.our_iss = 0;
	SCRIPT("< . 1 ack 77\n"
	       "> R 77\n"
	       "< R 0\n"
	       "< SF 0\n"
	       "< P 0:5\n"
	       ">none\n");
	script_end();
}

TEST(a_full_accept_queue_drops_the_completing_ack_and_takes_it_later)
{
	script_begin();
	SCRIPT("listen 0\n"
	       "< S 0 <mss 1000>\n"
	       "> S. 0 ack 1\n"
	       "< . 1 ack 1\n"
	       "port 9001\n"
	       "< S 0 <mss 1000>\n" /* the queue holds the backlog and one: now it is full */
	       ">none\n");
	EXPECT_EQ(net_mib[MIB_TCPX_LISTEN_OVERFLOWS], 1);
	SCRIPT("accept\n"
	       "close\n"
	       "> F. 1 ack 1\n");
	script.has_iss = false;
	SCRIPT("< S 0 <mss 1000>\n"
	       "> S. 0 ack 1\n"
	       "< . 1 ack 1\n"
	       "accept\n"
	       "state ESTABLISHED\n");
	script_end();
}

TEST(two_handshakes_race_for_the_last_place)
{
	script_begin();
	SCRIPT("listen 0\n"
	       "< S 0 <mss 1000>\n"
	       "> S. 0 ack 1\n");
	uint32_t first = script.our_iss;

	SCRIPT("port 9001\n"
	       "< S 0 <mss 1000>\n"
	       "> S. 0 ack 1\n"
	       "< . 1 ack 1\n");
	script.pport = 8080;
	script.our_iss = first;
	SCRIPT("< . 1 ack 1\n" /* no room: dropped */
	       ">none\n");
	script.has_iss = true;
	SCRIPT("accept\n"
	       "close\n"
	       "drain\n"
	       "+1s\n" /* the SYN-ACK is repeated, and the peer repeats its ACK */
	       "drain\n"
	       "< . 1 ack 1\n"
	       "accept\n"
	       "state ESTABLISHED\n");
	script_end();
}

TEST(a_closed_listener_resets_what_waits_in_its_queue)
{
	script_begin();
	SCRIPT("listen 5\n"
	       "< S 0 <mss 1000>\n"
	       "> S. 0 ack 1\n"
	       "< . 1 ack 1\n"
	       "stop\n"
	       "> R. 1 ack 1\n"
	       "< S 0 <mss 1000>\n"
	       "> R. ack 1\n");
	script_end();
}

TEST(a_request_does_not_survive_its_listener)
{
	script_begin();
	SCRIPT("listen 5\n"
	       "< S 0 <mss 1000>\n"
	       "> S. 0 ack 1\n"
	       "stop\n"
	       "< . 1 ack 1\n"
	       "> R 1\n");
	script_end();
}

TEST(defer_accept_waits_for_data)
{
	script_begin();
	SCRIPT("listen 5\n"
	       "opt DEFER_ACCEPT 5\n"
	       "getopt DEFER_ACCEPT = 7\n"
	       "< S 0 <mss 1000>\n"
	       "> S. 0 ack 1\n"
	       "< . 1 ack 1\n"
	       "accept = -EAGAIN\n"
	       "+3s\n"
	       ">none\n"
	       "< P. 1:5 ack 1\n"
	       "> . 1 ack 5\n"
	       "accept\n"
	       "read 10 = 4\n");
	script_end();
}

TEST(defer_accept_ends_by_itself)
{
	script_begin();
	SCRIPT("listen 5\n"
	       "opt DEFER_ACCEPT 3\n"
	       "< S 0 <mss 1000>\n"
	       "> S. 0 ack 1\n"
	       "< . 1 ack 1\n"
	       "+8s\n"
	       "> S. 0 ack 1\n"
	       "< . 1 ack 1\n"
	       "accept\n"
	       "state ESTABLISHED\n");
	script_end();
}

TEST(save_syn_keeps_the_headers)
{
	uint8_t syn[100];
	unsigned len = sizeof(syn);

	script_begin();
	SCRIPT("listen 5\n"
	       "opt SAVE_SYN 1\n"
	       "< S 0 <mss 1000,sackOK>\n"
	       "> S. 0 ack 1\n"
	       "< . 1 ack 1\n"
	       "accept\n");
	REQUIRE(script.sk);
	EXPECT_EQ(tcp_getsockopt(&script.sk->is.s, IPPROTO_TCP, 28, syn, &len), 0);
	EXPECT_EQ(len, 20 + 8);
	EXPECT_EQ(((struct tcp_hdr *)syn)->flags, TH_SYN);
	len = sizeof(syn);
	EXPECT_EQ(tcp_getsockopt(&script.sk->is.s, IPPROTO_TCP, 28, syn, &len), 0);
	EXPECT_EQ(len, 0);
	script_end();
}

/* ---- floods ---- */

static void flood(unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		script.pport = (uint16_t)(20000 + i);
		SCRIPT("< S 0 <mss 1000>\n");
	}
}

TEST(a_flood_of_syns_is_answered_with_cookies)
{
	script_begin();
	world_inet.tcp_max_syn_backlog = 16;
	SCRIPT("listen 1000\n");
	flood(16);
	SCRIPT("sent = 16\n");
	EXPECT_EQ(net_mib[MIB_TCPX_SYNCOOKIES_SENT], 0);
	SCRIPT("port 9000\n"
	       "< S 0 win 4000 <mss 1300,sackOK,ts 100 0,wscale 5>\n"
	       "> S. 0 ack 1 <mss 1460,sackOK,ts 0 100,wscale 7>\n"
	       "+3s\n"
	       "drain\n"
	       "< . 1 ack 1 win 400 <ts 101 *>\n"
	       "accept\n"
	       "state ESTABLISHED\n"
	       "mss = 1288\n");
	EXPECT_EQ(net_mib[MIB_TCPX_SYNCOOKIES_SENT], 1);
	EXPECT_EQ(net_mib[MIB_TCPX_SYNCOOKIES_RECV], 1);
	REQUIRE(script.sk);
	EXPECT(script.sk->sack_ok && script.sk->ts_ok && script.sk->wscale_ok);
	EXPECT_EQ(script.sk->snd_wscale, 5);
	EXPECT_EQ(script.sk->snd_wnd, 400u << 5);
	SCRIPT("< P. 1:5 ack 1 win 400 <ts 102 *>\n"
	       "> . 1 ack 5 <ts 0 102>\n"
	       "read 10 = 4\n");
	script_end();
}

TEST(a_cookie_without_timestamps_means_no_options)
{
	script_begin();
	world_inet.tcp_max_syn_backlog = 1;
	SCRIPT("listen 1000\n");
	flood(1);
	SCRIPT("drain\n"
	       "port 9000\n"
	       "< S 0 win 4000 <mss 1300,sackOK,wscale 5>\n");
	EXPECT(!script.seg[script.head % SCRIPT_SEGS].o.sack_ok);
	EXPECT(!script.seg[script.head % SCRIPT_SEGS].o.has_wscale);
	SCRIPT("> S. 0 ack 1\n"
	       "< . 1 ack 1\n"
	       "accept\n"
	       "mss = 1300\n");
	script_end();
}

TEST(forged_and_old_cookies_are_reset)
{
	script_begin();
	world_inet.tcp_max_syn_backlog = 1;
	SCRIPT("listen 1000\n");
	flood(1);
	SCRIPT("drain\n"
	       "port 9000\n"
	       "< S 0 <mss 1300>\n"
	       "> S. 0 ack 1\n"
	       "< . 1 ack 4000\n"
	       "> R 4000\n"
	       "< . 7 ack 1\n"
	       "> R 1\n"
	       "accept = -EAGAIN\n"
	       "+150s\n"
	       "drain\n"
	       "< . 1 ack 1\n"
	       "> R 1\n"
	       "accept = -EAGAIN\n");
	EXPECT(net_mib[MIB_TCPX_SYNCOOKIES_FAILED] >= 2);
	script_end();
}

TEST(without_cookies_a_full_queue_drops_syns)
{
	script_begin();
	world_inet.tcp_max_syn_backlog = 4;
	world_inet.tcp_syncookies = false;
	SCRIPT("listen 1000\n");
	flood(20);
	SCRIPT("sent = 4\n");
	EXPECT_EQ(net_mib[MIB_TCPX_LISTEN_DROPS], 16);
	script_end();
}

TEST(memory_runs_out_at_any_point_of_a_handshake)
{
	long n;

	for (n = 0; n < 40; n++) {
		script_begin();
		script_run(__FILE__, __LINE__, "listen 5\n");
		alloc_fail_after(n);
		script.failed = false;
		script_inject(&(struct script_seg){
			.flags = TH_SYN, .win = 4000, .o = {.mss = 1000, .sack_ok = true}});
		script_inject(&(struct script_seg){.flags = TH_ACK, .seq = 1, .ack = 1});
		script_inject(&(struct script_seg){
			.flags = TH_ACK | TH_FIN, .seq = 1, .ack = 1, .len = 3});
		alloc_fail_after(-1);
		(void)script_accept();
		script_end();
	}
	for (n = 0; n < 20; n++) {
		script_begin();
		alloc_fail_after(n);
		(void)script_connect();
		alloc_fail_after(-1);
		script_end();
	}
}

/* What we send to ourselves comes back when the section ends. */
static struct pkt *loop[64];
static struct ip_addr loop_src[64], loop_dst[64];
static unsigned loops;

static void loop_sent(const struct inet_send_args *a, struct pkt *p)
{
	if (loops == ARRAY_SIZE(loop))
		panic("the loop is full");
	loop_src[loops] = a->src;
	loop_dst[loops] = a->dst;
	loop[loops++] = p;
}

static void loop_deliver(void)
{
	static bool inside;
	unsigned i;

	if (inside)
		return;
	inside = true;
	for (i = 0; i < loops; i++) {
		struct ip_addr src = loop_src[i], dst = loop_dst[i];

		world_deliver(loop[i], &src, &dst);
	}
	loops = 0;
	inside = false;
}

static struct tcp_sock *loop_connect(long expect)
{
	struct tcp_sock *tp = world_socket();
	struct sockaddr_storage a = {.ss_family = AF_INET};

	((struct sockaddr_in *)&a)->sin_port = to_be16(80);
	((struct sockaddr_in *)&a)->sin_addr = IP4(192, 0, 2, 1);
	EXPECT_EQ(tcp_connect(&tp->is.s, &a, sizeof(struct sockaddr_in), 0x800), expect);
	return tp;
}

TEST(a_connection_to_a_full_queue_of_this_host_waits_for_the_server_not_for_a_second)
{
	struct tcp_sock *tp[3];
	unsigned i;

	script_begin();
	world.dev.flags = IFF_LOOPBACK;
	world.ports = 10;
	world.sent = loop_sent;
	world.section_end = loop_deliver;
	SCRIPT("listen 1\n");
	for (i = 0; i < 3; i++)
		tp[i] = loop_connect(-EINPROGRESS);
	EXPECT_EQ(tp[1]->state, TCP_ESTABLISHED);
	EXPECT_EQ(tp[2]->state, TCP_SYN_SENT);
	unit_advance(100 * NSEC_PER_MSEC);
	EXPECT_EQ(tp[2]->state, TCP_SYN_SENT);
	EXPECT_EQ(tp[2]->retries, 0);
	EXPECT_EQ(script_accept(), 0);
	unit_advance(200 * NSEC_PER_MSEC);
	EXPECT_EQ(tp[2]->state, TCP_ESTABLISHED);
	EXPECT_EQ(tp[2]->rto_ns, TCP_RTO_INIT);
	world_close(tp[0]);
	world_close(tp[1]);
	world_close(tp[2]);
	tp[2] = loop_connect(-EINPROGRESS);
	tp[1] = loop_connect(-EINPROGRESS);
	tp[0] = loop_connect(-EINPROGRESS); /* nobody accepts: it is given up in the usual time */
	unit_advance(120 * NSEC_PER_SEC);
	EXPECT_EQ(tp[0]->state, TCP_SYN_SENT);
	unit_advance(140 * NSEC_PER_SEC);
	EXPECT_EQ(tp[0]->state, TCP_CLOSE);
	for (i = 0; i < 3; i++)
		world_close(tp[i]);
	world.dev.flags = 0;
	script_end();
}

TEST(a_socket_connects_to_itself)
{
	struct sockaddr_storage a = {.ss_family = AF_INET};
	struct tcp_sock *tp;

	script_begin();
	world.sent = loop_sent;
	world.section_end = loop_deliver;
	SCRIPT("bind 80\n");
	tp = script.sk;
	((struct sockaddr_in *)&a)->sin_port = to_be16(80);
	((struct sockaddr_in *)&a)->sin_addr = IP4(192, 0, 2, 1);
	EXPECT_EQ(tcp_connect(&tp->is.s, &a, sizeof(struct sockaddr_in), 0x800), -EINPROGRESS);
	EXPECT_EQ(tp->state, TCP_ESTABLISHED); /* both ends at once: RFC 9293, figure 7 */
	script.our_iss = tp->iss;
	EXPECT_EQ(script_write(100, 0), 100);
	EXPECT_EQ(script_read(1000, 0), 100);
	script_end();
}
