/*
 * tcp_info.h - what TCP_INFO and sock_diag tell of a connection: Linux's struct tcp_info (tcp(7)).
 *
 * Times in microseconds or milliseconds as the names of Linux's have them; windows in segments.
 */
#pragma once
#include <compiler.h>

enum tcp_info_options { TCPI_TIMESTAMPS = 1, TCPI_SACK = 2, TCPI_WSCALE = 4, TCPI_ECN = 8 };
struct tcp_info {
	uint8_t state, ca_state, retransmits, probes, backoff, options;
	uint8_t wscales; /* the peer's, ours << 4 */
	uint8_t app_limited;
	uint32_t rto_us, ato_us, snd_mss, rcv_mss;
	uint32_t unacked, sacked, lost, retrans, fackets;
	uint32_t last_data_sent_ms, last_ack_sent_ms, last_data_recv_ms, last_ack_recv_ms;
	uint32_t pmtu, rcv_ssthresh, rtt_us, rttvar_us, snd_ssthresh, snd_cwnd, advmss, reordering;
	uint32_t rcv_rtt_us, rcv_space, total_retrans;
	uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
	uint32_t segs_out, segs_in, notsent_bytes, min_rtt_us, data_segs_in, data_segs_out;
	uint64_t delivery_rate, busy_time_us, rwnd_limited_us, sndbuf_limited_us;
	uint32_t delivered, delivered_ce;
	uint64_t bytes_sent, bytes_retrans;
	uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd, rehash;
};
static_assert(sizeof(struct tcp_info) == 240, "linux/tcp.h");
static_assert(offsetof(struct tcp_info, pacing_rate) == 104, "linux/tcp.h");
static_assert(offsetof(struct tcp_info, delivery_rate) == 160, "linux/tcp.h");
