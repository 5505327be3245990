/*
 * tcp_ack.c - what an acknowledgement means: the send window, what has arrived, the round-trip
 * time and the retransmission timeout, room for writers.
 *
 * tcp_ack() is RFC 9293 3.10.7.4's fifth check for the states that have data under way, with RFC
 * 5961 5.2's narrower idea of an acceptable ACK. It runs these steps: window, SACK, queue, round
 * trip (RFC 6298), recovery (tcp_recovery.c), congestion window, timer.
 */
#include "tcp.h"

#define MIN_RTT_AGE 300u /* s: an older minimum is forgotten */

/* ---- round-trip time: RFC 6298, 2 ---- */

static void min_rtt(struct tcp_sock *tp, uint64_t rtt_ns, uint64_t now)
{
	uint32_t s = (uint32_t)(now / NSEC_PER_SEC);

	if (!tp->min_rtt_ns || rtt_ns <= tp->min_rtt_ns || s - tp->min_rtt_s > MIN_RTT_AGE) {
		tp->min_rtt_ns = rtt_ns;
		tp->min_rtt_s = s;
	}
}

void tcp_rtt_sample(struct tcp_sock *tp, uint64_t rtt_ns, uint64_t now)
{
	int64_t err;

	rtt_ns = MAX(rtt_ns, 1000ull);
	min_rtt(tp, rtt_ns, now);
	if (!tp->srtt_ns) {
		tp->srtt_ns = rtt_ns;
		tp->rttvar_ns = rtt_ns / 2;
	} else {
		err = (int64_t)(rtt_ns - tp->srtt_ns);
		tp->srtt_ns += (uint64_t)(err / 8);
		err = (err < 0 ? -err : err) - (int64_t)tp->rttvar_ns;
		tp->rttvar_ns += (uint64_t)(err / 4);
	}
	tp->rto_ns = MIN(tp->srtt_ns + MAX(4 * tp->rttvar_ns, TCP_RTO_MIN), TCP_RTO_MAX);
	tp->backoff = 0;
}

/* Karn's rule: no sample from what was sent twice, unless the echoed timestamp says which copy. */
static void measure_rtt(struct tcp_sock *tp, struct tcp_acked *a)
{
	if (a->rtt_ns) {
		tcp_rtt_sample(tp, a->rtt_ns, a->now);
		return;
	}
	if (a->advanced && a->has_ts && a->tsecr) {
		uint32_t ms = tcp_ts(tp, a->now) - a->tsecr;

		if (ms < TCP_RTO_MAX / NSEC_PER_MSEC)
			tcp_rtt_sample(tp, MAX(ms, 1u) * NSEC_PER_MSEC, a->now);
	}
}

uint64_t tcp_backed_off(const struct tcp_sock *tp, unsigned n)
{
	return n >= 10 ? TCP_RTO_MAX : MIN(tp->rto_ns << n, TCP_RTO_MAX);
}

void tcp_arm_rto(struct tcp_sock *tp, uint64_t now)
{
	if (!tp->rtx_first && !(TCPF(tp->state) & (TCPF(TCP_SYN_SENT) | TCPF(TCP_SYN_RECV)))) {
		tcp_clear_timer(tp, TCP_T_RTX);
		return;
	}
	tp->rtx_kind = RTX_RTO;
	tcp_set_timer(tp, TCP_T_RTX, now + tcp_backed_off(tp, tp->backoff));
}

/* ---- the send window: RFC 9293, 3.10.7.4 ---- */

static bool update_window(struct tcp_in *in)
{
	struct tcp_sock *tp = in->tp;
	uint32_t wnd = (uint32_t)in->wnd << tp->snd_wscale;
	bool changed = wnd != tp->snd_wnd;

	if (!seq_lt(tp->snd_una, in->ack) && !seq_lt(tp->snd_wl1, in->seq) &&
		!(in->seq == tp->snd_wl1 && wnd > tp->snd_wnd))
		return false;
	tp->snd_wl1 = in->seq;
	if (likely(!changed))
		return false;
	tp->snd_wnd = wnd;
	if (wnd > tp->max_window) {
		tp->max_window = wnd;
		tcp_sync_mss(tp);
	}
	return true;
}

/* ---- the queue ---- */

static void note_acked(
	struct tcp_sock *tp, struct pkt *q, uint32_t n, bool whole, struct tcp_acked *a)
{
	struct tcp_cb *cb = tcp_cb(q);

	if (cb->flags & TCB_EVER) {
		a->retrans_acked += n;
	} else {
		if (!a->first_ns)
			a->first_ns = cb->xmit_ns;
		a->last_ns = cb->xmit_ns;
		if (tp->sack_ok && !(cb->flags & TCB_SACKED) && seq_le(cb->end_seq, tp->high_seq))
			a->orig_acked = true;
	}
	if (cb->flags & TCB_SACKED) {
		tp->sacked -= n;
		if (whole)
			tp->sacked_segs -= cb->segs;
	} else {
		a->delivered += n;
		if (whole)
			tcp_rack_delivered(tp, q, a);
	}
	if (cb->flags & TCB_LOST)
		tp->lost -= n;
	if (cb->flags & TCB_RETRANS)
		tp->retrans -= n;
}

/* Everything below @ack has arrived. */
static void clean_queue(struct tcp_sock *tp, uint32_t ack, struct tcp_acked *a)
{
	struct pkt *q;

	while ((q = tp->rtx_first)) {
		struct tcp_cb *cb = tcp_cb(q);

		if (seq_lt(ack, cb->end_seq)) {
			uint32_t n = ack - cb->seq;

			if ((int32_t)n <= 0)
				break;
			note_acked(tp, q, n, false, a);
			pkt_pull(q, MIN(n, q->len));
			cb->seq = ack;
			break;
		}
		note_acked(tp, q, tcp_cb_len(q), true, a);
		tcp_rtx_del(tp, q);
	}
	if (a->first_ns && !a->retrans_acked) {
		a->rtt_ns = MAX(a->now - a->first_ns, 1ull);
		a->cc_rtt_ns = MAX(a->now - a->last_ns, 1ull);
	}
}

static void advance(struct tcp_in *in, struct tcp_acked *a)
{
	struct tcp_sock *tp = in->tp;

	a->advanced = true;
	a->acked = in->ack - tp->snd_una;
	clean_queue(tp, in->ack, a);
	tp->snd_una = in->ack;
	if (seq_lt(tp->snd_up, in->ack))
		tp->snd_up = in->ack;
	tp->bytes_acked += a->acked;
	tp->retries = 0;
	tp->probes = 0;
	tp->retrans_ns = 0;
	tp->soft_error = 0;
	dst_confirm(&tp->is.dst);
}

/* ---- room for the program to write ---- */

static void grow_sndbuf(struct tcp_sock *tp)
{
	uint32_t want = 2 * MAX(tp->cwnd, TCP_INIT_CWND * (uint32_t)tp->mss);
	uint32_t most = tp->is.s.net->inet->tcp_wmem[2];

	if (tp->is.s.opts & SOPT_SNDBUF_LOCK || net_mem_pressure())
		return;
	want += want / 4; /* what memory costs beside payload */
	want = MIN(want, most);
	if (want > tp->is.s.sndbuf)
		WRITE_ONCE(tp->is.s.sndbuf, want);
}

bool tcp_has_write_space(const struct tcp_sock *tp)
{
	uint32_t wmem = READ_ONCE(tp->wmem), size = READ_ONCE(tp->is.s.sndbuf);

	return wmem < size && size - wmem >= wmem / 2 && tcp_below_lowat(tp);
}

void tcp_write_space(struct tcp_sock *tp)
{
	if (!(tp->is.s.opts & SOPT_SNDBUF_LOCK) && tp->is.s.sndbuf < 2 * tp->cwnd)
		grow_sndbuf(tp);
	if (tp->nospace && tcp_has_write_space(tp)) {
		tp->nospace = false;
		tp->deferred |= DEFER_WRITE;
	}
}

/* ---- the steps together ---- */

/* Nothing was in flight: the answer to a probe, or a window update. */
static void ack_of_probe(struct tcp_sock *tp, uint64_t now)
{
	struct pkt *q = pkt_peek(&tp->wq);

	tp->probes = 0;
	tp->probe_ns = 0;
	tp->soft_error = 0;
	if (!q || tp->rtx_kind != RTX_PROBE)
		return;
	if (seq_lt(tcp_cb(q)->seq, tp->snd_una + tp->snd_wnd)) {
		tp->backoff = 0;
		tcp_clear_timer(tp, TCP_T_RTX);
	} else if (tp->due[TCP_T_RTX] != TCP_NEVER) {
		tcp_set_timer(tp, TCP_T_RTX, now + tcp_backed_off(tp, tp->backoff));
	}
}

static void grow_window(struct tcp_sock *tp, struct tcp_acked *a)
{
	if (tp->ca == TCP_CA_RECOVERY || tp->ca == TCP_CA_CWR || !a->delivered)
		return;
	/* Only while it is what limits us: RFC 7661's point in its simple form (2861, 3.1). */
	if (!tp->cwnd_limited && tp->cwnd >= 2 * tp->cwnd_used)
		return;
	tp->cc->on_ack(tp, a->delivered, a->cc_rtt_ns, a->now);
	if (seq_lt(tp->used_seq, tp->snd_una)) { /* a round trip has passed */
		tp->used_seq = tp->snd_nxt;
		tp->cwnd_used = tcp_pipe(tp);
	}
}

static void restart_timer(struct tcp_sock *tp, const struct tcp_acked *a)
{
	if (!a->advanced && !a->sacked)
		return;
	if (tp->due[TCP_T_RTX] != TCP_NEVER && tp->rtx_kind == RTX_REO && tp->rtx_first)
		return;
	if (!tcp_tlp_schedule(tp, a->now))
		tcp_arm_rto(tp, a->now);
}

/* Is it worth a look whether something is lost? */
static bool is_dubious(const struct tcp_sock *tp, const struct tcp_acked *a)
{
	return tp->ca != TCP_CA_OPEN || a->sacked || a->dup || a->ece || a->dsack || tp->sacked ||
	       tp->lost;
}

static void react(struct tcp_in *in, struct tcp_acked *a)
{
	struct tcp_sock *tp = in->tp;

	if (unlikely(tp->tlp_out))
		tcp_tlp_acked(tp, in, a);
	measure_rtt(tp, a);
	tp->delivered += a->delivered;
	if (unlikely(is_dubious(tp, a)))
		tcp_recover(tp, a);
	grow_window(tp, a);
	restart_timer(tp, a);
	if (unlikely(tp->rtx_hint))
		tcp_resend(tp, a->now);
	if (a->advanced)
		tcp_write_space(tp);
}

/* RFC 5961, 5.2: SND.UNA - MAX.SND.WND <= SEG.ACK <= SND.NXT. */
static bool acceptable(struct tcp_in *in)
{
	struct tcp_sock *tp = in->tp;

	if (likely(seq_le(tp->snd_una - tp->max_window, in->ack) && seq_le(in->ack, tp->snd_nxt)))
		return true;
	tcp_challenge(tp, in->now);
	return false;
}

int tcp_ack(struct tcp_in *in)
{
	struct tcp_sock *tp = in->tp;
	struct tcp_acked a = {.now = in->now,
		.has_ts = tp->ts_ok && in->o.has_ts,
		.tsecr = in->o.tsecr,
		.ece = tp->ecn_ok && in->flags & TH_ECE,
		.has_data = in->len || in->flags & (TH_SYN | TH_FIN)};
	bool window, was_empty = !tp->rtx_first;

	if (unlikely(!acceptable(in)))
		return -EINVAL;
	tp->last_ack_rcv_ns = in->now;
	if (unlikely(seq_lt(in->ack, tp->snd_una))) { /* old, but its SACK may be news */
		if (tp->sack_ok && in->o.nr_sacks && tp->rtx_first) {
			in->ack = tp->snd_una;
			tcp_sack_take(in, &a);
			react(in, &a);
		}
		return 0;
	}
	window = update_window(in);
	if (unlikely(in->o.nr_sacks) && tp->sack_ok)
		tcp_sack_take(in, &a);
	if (seq_lt(tp->snd_una, in->ack))
		advance(in, &a);
	else if (was_empty) {
		ack_of_probe(tp, in->now);
		return 0;
	}
	a.dup = !a.advanced && !a.has_data && !window;
	react(in, &a);
	return 0;
}

/* ---- the handshake is done ---- */

static void init_buffers(struct tcp_sock *tp, uint64_t now)
{
	uint32_t hint = MIN((uint32_t)MIN(tp->advmss, tp->mss), (uint32_t)TCP_MSS_DEFAULT);

	tp->rcv_mss = MAX(hint, 88u);
	tp->space_seq = tp->copied_seq;
	tp->space = MIN(tp->rcv_wnd, TCP_INIT_CWND * (uint32_t)tp->advmss);
	tp->space_ns = now;
	tp->rtt_start_ns = 0;
	grow_sndbuf(tp);
}

void tcp_established(struct tcp_sock *tp, uint64_t now)
{
	tcp_sync_mss(tp);
	tp->snd_sml = tp->pushed_seq = tp->used_seq = tp->high_seq = tp->snd_una;
	tp->rack.fack = tp->snd_una;
	tp->cwnd_used = 0;
	/* RFC 6928, 2; one segment when the SYN was lost more than once (RFC 5681, 3.1) */
	tp->cwnd = tp->retries > 1 ? tp->mss : TCP_INIT_CWND * (uint32_t)tp->mss;
	if (tp->retries && !tp->srtt_ns)
		tp->rto_ns = TCP_RTO_FALLBACK;
	tp->retries = tp->backoff = 0;
	tp->retrans_ns = 0;
	tcp_clear_timer(tp, TCP_T_RTX);
	init_buffers(tp, now);
	tcp_cc_init(tp);
	tp->last_snd_ns = tp->last_ack_rcv_ns = now;
	if (tp->is.s.opts & SOPT_KEEPALIVE)
		tcp_set_timer(tp, TCP_T_KEEP, now + tcp_keep_idle(tp));
	tp->deferred |= DEFER_ALL;
}
