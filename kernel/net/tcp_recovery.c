/*
 * tcp_recovery.c - what is lost, when it is sent again, and when that was a mistake.
 *
 * Theory. RACK (RFC 8985) judges by time: when something sent later has arrived, what was sent
 * earlier is lost once the reordering window has passed. A tail loss probe makes the peer say
 * something when nothing else would before the timeout. Without SACK three duplicate ACKs decide
 * (RFC 5681, 6582). In recovery the window shrinks in proportion to what is delivered (PRR, RFC
 * 6937). After a timeout everything that RACK does not protect is lost, and the window begins at
 * one segment.
 *
 * Undo. A recovery was spurious if the peer's timestamp echo shows that it had the original (Eifel,
 * RFC 3522), if D-SACKs report every resent byte as double (RFC 3708), or, after a timeout, if data
 * never resent is acknowledged first (F-RTO, RFC 5682). Then the windows go back to what they were.
 *
 * Per packet: TCB_LOST, TCB_RETRANS (resent since, and that is under way), TCB_EVER. ->rtx_hint is
 * the first packet that may be lost and not resent; NULL: there is none.
 */
#include "tcp.h"

/* ---- RACK: RFC 8985, 6.2 ---- */

static bool sent_after(uint64_t ns1, uint32_t seq1, uint64_t ns2, uint32_t seq2)
{
	return ns1 > ns2 || (ns1 == ns2 && seq_lt(seq2, seq1));
}

void tcp_rack_delivered(struct tcp_sock *tp, const struct pkt *q, struct tcp_acked *a)
{
	const struct tcp_cb *cb = tcp_cb(q);
	struct tcp_rack *r = &tp->rack;
	uint64_t rtt = a->now - cb->xmit_ns;

	if (cb->flags & TCB_EVER) {
		/* The ACK of the original, if it comes back faster than light. */
		if (rtt < tp->min_rtt_ns ||
			(a->has_ts && (int32_t)(a->tsecr - tcp_ts(tp, cb->xmit_ns)) < 0))
			return;
	} else if (seq_lt(cb->end_seq, r->fack)) {
		if (!r->reordered)
			tp->reord_seen++;
		r->reordered = true;
	}
	r->fack = seq_max(r->fack, cb->end_seq);
	if (sent_after(cb->xmit_ns, cb->end_seq, r->xmit_ns, r->end_seq)) {
		r->xmit_ns = cb->xmit_ns;
		r->end_seq = cb->end_seq;
		r->rtt_ns = rtt;
	}
}

static uint64_t reordering_window(struct tcp_sock *tp)
{
	struct tcp_rack *r = &tp->rack;

	if (!r->reordered && (tp->ca >= TCP_CA_RECOVERY || tp->sacked_segs >= TCP_DUPTHRESH))
		return 0;
	return MIN(r->wnd_mult * (tp->min_rtt_ns / 4), tp->srtt_ns);
}

/* Step 4: D-SACKs say that we were too fast; recoveries without any, that we need not be so slow.
 */
static void adapt_window(struct tcp_sock *tp, bool recovered)
{
	struct tcp_rack *r = &tp->rack;

	if (r->dsack && !seq_lt(tp->snd_una, r->dsack_round)) {
		r->dsack_round = tp->snd_nxt;
		r->wnd_mult = (uint8_t)MIN(r->wnd_mult + 1, 255);
		r->wnd_persist = 16;
	} else if (recovered && r->wnd_persist && !--r->wnd_persist) {
		r->wnd_mult = 1;
	}
	r->dsack = false;
}

bool tcp_rack_detect(struct tcp_sock *tp, uint64_t now)
{
	const struct tcp_rack *r = &tp->rack;
	uint64_t window = reordering_window(tp), wait = 0;
	struct pkt *q;
	struct tcp_cb *cb, *next;
	bool any = false;

	if (!r->xmit_ns)
		return false;
	list_for_each_entry_safe (cb, next, &tp->order, order) {
		uint64_t lost_at = cb->xmit_ns + r->rtt_ns + window;

		q = container_of(cb, struct pkt, cb);
		if (!sent_after(r->xmit_ns, r->end_seq, cb->xmit_ns, cb->end_seq))
			break;
		if (lost_at <= now) {
			tcp_mark_lost(tp, q);
			list_del(&cb->order);
			any = true;
		} else {
			wait = MAX(wait, lost_at - now);
		}
	}
	if (wait) {
		tp->rtx_kind = RTX_REO;
		tcp_set_timer(tp, TCP_T_RTX, now + wait);
	}
	return any;
}

/* ---- sending again ---- */

static int resend_one(struct tcp_sock *tp, struct pkt *q, uint64_t now)
{
	struct tcp_cb *cb = tcp_cb(q);
	uint32_t edge = tp->snd_una + tp->snd_wnd;
	int err;

	if (!seq_lt(cb->seq, edge) && cb->seq != tp->snd_una)
		return -EAGAIN; /* the peer took its window back */
	err = tcp_send_pkt(tp, q, now);
	if (err == -ENOMEM)
		return err;
	if (!(cb->flags & TCB_RETRANS))
		tp->retrans += tcp_cb_len(q);
	cb->flags |= TCB_RETRANS | TCB_EVER;
	list_move_tail(&cb->order, &tp->order);
	mib_add(MIB_TCP_RETRANS_SEGS, cb->segs);
	tp->total_retrans += cb->segs;
	tp->bytes_retrans += q->len;
	if (!tp->retrans_ns)
		tp->retrans_ns = now;
	if (!tp->undo_any) {
		tp->undo_any = true;
		tp->retrans_ts = tcp_ts(tp, now);
	}
	tp->undo_retrans += tcp_cb_len(q);
	if (tp->ca == TCP_CA_RECOVERY || tp->ca == TCP_CA_CWR)
		tp->prr_out += tcp_cb_len(q);
	return 0;
}

void tcp_resend(struct tcp_sock *tp, uint64_t now)
{
	struct pkt *q = tp->rtx_hint;
	uint32_t mss = tcp_mss_now(tp);

	if (tp->frto_new)
		return;
	for (; q; q = tcp_rtx_next(q)) {
		uint32_t pipe = tcp_pipe(tp), room = tp->cwnd > pipe ? tp->cwnd - pipe : 0, most;

		if ((tcp_cb(q)->flags & (TCB_LOST | TCB_RETRANS | TCB_SACKED)) != TCB_LOST)
			continue;
		if (room < MIN(MAX(q->len, 1u), mss))
			break;
		most = MIN(MAX(room - room % mss, mss), tcp_goal(mss));
		if (q->len > most && !tcp_cut(tp, q, most))
			break;
		if (resend_one(tp, q, now))
			break;
	}
	tp->rtx_hint = q;
}

/* ---- windows in recovery ---- */

/* What is needed to take it back. */
static void begin_reduction(struct tcp_sock *tp)
{
	tp->prior_cwnd = MAX(tp->cwnd, tp->ca == TCP_CA_CWR ? tp->prior_cwnd : 0u);
	tp->prior_ssthresh = tp->ssthresh;
	tp->ssthresh = tp->cc->on_loss(tp);
	tp->tlp_out = false; /* it found nothing that is not known now */
	tp->prr_delivered = tp->prr_out = 0;
	tp->prr_base = MAX(tp->cwnd, (uint32_t)tp->mss);
	tp->high_seq = tp->snd_nxt;
}

static void begin_undo(struct tcp_sock *tp)
{
	tp->undo_ok = true;
	tp->undo_seq = tp->snd_una;
	tp->undo_any = tp->retrans != 0;
	tp->undo_retrans = tp->retrans;
}

/* RFC 6937, 3 (with the slow start reduction bound). */
static void prr(struct tcp_sock *tp, const struct tcp_acked *a, bool first)
{
	uint32_t pipe = tcp_pipe(tp);
	int64_t n;

	tp->prr_delivered += a->delivered;
	if (pipe > tp->ssthresh) {
		n = (int64_t)DIV_ROUND_UP(
			    (uint64_t)tp->prr_delivered * tp->ssthresh, tp->prr_base) -
		    tp->prr_out;
	} else {
		n = MAX((int64_t)tp->prr_delivered - tp->prr_out, (int64_t)a->delivered);
		if (a->advanced && !a->lost)
			n += tp->mss;
		n = MIN(n, (int64_t)(tp->ssthresh - pipe));
	}
	if (first)
		n = MAX(n, (int64_t)tp->mss);
	tp->cwnd = pipe + (uint32_t)MAX(n, 0ll);
	tp->cwnd = MAX(tp->cwnd, (uint32_t)tp->mss);
}

static void to_open(struct tcp_sock *tp)
{
	tp->ca = tp->sacked || tp->lost ? TCP_CA_DISORDER : TCP_CA_OPEN;
	tp->undo_ok = tp->frto = tp->frto_new = false;
	if (!tp->sack_ok)
		tp->dupacks = tp->sacked = 0;
}

static void enter_recovery(struct tcp_sock *tp)
{
	mib_inc(tp->sack_ok ? MIB_TCPX_SACK_RECOVERY : MIB_TCPX_FAST_RETRANS);
	if (tp->ca < TCP_CA_CWR)
		begin_reduction(tp);
	else
		tp->high_seq = tp->snd_nxt;
	begin_undo(tp);
	tp->ca = TCP_CA_RECOVERY;
}

void tcp_enter_cwr(struct tcp_sock *tp)
{
	if (tp->ca >= TCP_CA_CWR)
		return;
	begin_reduction(tp);
	tp->undo_ok = false;
	tp->cwr_pending = tp->ecn_ok;
	tp->ca = TCP_CA_CWR;
}

/* ---- undo ---- */

static bool was_spurious(const struct tcp_sock *tp, const struct tcp_acked *a)
{
	if (!tp->undo_ok)
		return false;
	if (tp->undo_any && !tp->undo_retrans)
		return true;
	if (!a->advanced)
		return false;
	return !tp->undo_any || (a->has_ts && a->tsecr && (int32_t)(a->tsecr - tp->retrans_ts) < 0);
}

static void unmark_lost(struct tcp_sock *tp)
{
	struct pkt *q;

	for (q = tp->rtx_first; q; q = tcp_rtx_next(q)) {
		struct tcp_cb *cb = tcp_cb(q);

		if (!(cb->flags & TCB_LOST))
			continue;
		cb->flags &= (uint8_t)~TCB_LOST;
		if (list_empty(&cb->order))
			list_add(&cb->order, &tp->order);
	}
	tp->lost = 0;
	tp->rtx_hint = NULL;
}

static void undo(struct tcp_sock *tp, struct tcp_acked *a)
{
	a->settled = true;
	if (tp->ca == TCP_CA_LOSS)
		mib_inc(MIB_TCPX_SPURIOUS_RTOS);
	unmark_lost(tp);
	tp->cwnd = MAX(tp->cwnd, tp->prior_cwnd);
	tp->ssthresh = MAX(tp->ssthresh, tp->prior_ssthresh);
	if (tp->cc->on_undo)
		tp->cc->on_undo(tp);
	tp->backoff = 0;
	to_open(tp);
}

/* ---- the states ---- */

/* Only the first segment of the first packet is known to be missing. */
static void mark_head_lost(struct tcp_sock *tp)
{
	struct pkt *q = tp->rtx_first;

	if (!(tcp_cb(q)->flags & TCB_LOST) && q->len > tp->mss)
		(void)tcp_cut(tp, q, tp->mss);
	tcp_mark_lost(tp, q);
	list_del(&tcp_cb(q)->order);
}

/* Without SACK a duplicate ACK says that one segment has arrived (RFC 5681, 3.2; 6582). */
static void count_dupacks(struct tcp_sock *tp, struct tcp_acked *a)
{
	uint32_t out = tp->snd_nxt - tp->snd_una;

	if (a->advanced) {
		uint32_t segs = a->acked / tp->mss;

		tp->dupacks -= MIN(tp->dupacks, segs ? segs - 1 : 0);
		if (tp->ca < TCP_CA_RECOVERY)
			tp->dupacks = 0;
	} else if (a->dup) {
		tp->dupacks++;
		a->delivered += tp->mss;
	}
	tp->sacked = MIN(
		tp->dupacks * tp->mss, out > tp->lost + tp->mss ? out - tp->lost - tp->mss : 0);
	if (!tp->rtx_first || tp->ca == TCP_CA_LOSS)
		return;
	if (tp->ca == TCP_CA_RECOVERY ? a->advanced && seq_lt(tp->snd_una, tp->high_seq)
				      : tp->dupacks >= TCP_DUPTHRESH) {
		mark_head_lost(tp);
		a->lost = true;
	}
}

/* F-RTO, RFC 5682 (SACK or not): true: the timeout was spurious, or new data may show whether. */
static bool frto(struct tcp_sock *tp, struct tcp_acked *a)
{
	tp->frto_new = false;
	if (!tp->frto)
		return false;
	if (a->orig_acked) {
		undo(tp, a);
		return true;
	}
	if (seq_lt(tp->high_seq, tp->snd_nxt)) { /* new data went out and did not settle it */
		tp->frto = false;
		return false;
	}
	if (!a->advanced)
		return false;
	tp->high_seq = tp->snd_nxt;
	tp->frto = tp->frto_new = pkt_peek(&tp->wq) != NULL &&
				  seq_lt(tp->snd_nxt, tp->snd_una + tp->snd_wnd);
	return tp->frto_new;
}

static void in_loss(struct tcp_sock *tp, struct tcp_acked *a)
{
	if (frto(tp, a))
		return;
	if (!seq_lt(tp->snd_una, tp->high_seq)) {
		adapt_window(tp, true);
		to_open(tp);
	}
}

static void in_recovery(struct tcp_sock *tp, struct tcp_acked *a)
{
	if (seq_lt(tp->snd_una, tp->high_seq)) {
		prr(tp, a, false);
		return;
	}
	tp->cwnd = MAX(tp->ssthresh, (uint32_t)tp->mss);
	a->settled = true;
	adapt_window(tp, true);
	to_open(tp);
}

void tcp_recover(struct tcp_sock *tp, struct tcp_acked *a)
{
	if (a->ece)
		tcp_enter_cwr(tp);
	adapt_window(tp, false);
	if (tp->ca >= TCP_CA_RECOVERY && was_spurious(tp, a)) {
		undo(tp, a);
		return;
	}
	if (tp->sack_ok)
		a->lost |= tcp_rack_detect(tp, a->now);
	else
		count_dupacks(tp, a);
	switch (tp->ca) {
	case TCP_CA_LOSS:
		in_loss(tp, a);
		break;
	case TCP_CA_RECOVERY:
		in_recovery(tp, a);
		break;
	case TCP_CA_CWR:
		if (!a->lost) {
			in_recovery(tp, a);
			break;
		}
		enter_recovery(tp);
		prr(tp, a, true);
		break;
	default:
		if (tp->lost) {
			enter_recovery(tp);
			prr(tp, a, true);
		} else {
			tp->ca = tp->sacked || tp->dupacks ? TCP_CA_DISORDER : TCP_CA_OPEN;
		}
		break;
	}
}

/* ---- timers ---- */

/* The reordering window passed without what it waited for. */
void tcp_rack_timeout(struct tcp_sock *tp, uint64_t now)
{
	struct tcp_acked a = {.now = now};

	if (tcp_rack_detect(tp, now)) {
		a.lost = true;
		if (tp->ca < TCP_CA_RECOVERY) {
			enter_recovery(tp);
			prr(tp, &a, true);
		} else if (tp->ca == TCP_CA_RECOVERY) {
			prr(tp, &a, true);
		}
		tcp_resend(tp, now);
	}
	if (tp->due[TCP_T_RTX] == TCP_NEVER)
		tcp_arm_rto(tp, now);
}

/* RFC 6298 5.4, RFC 8985 6.3. The caller resends the first packet. */
void tcp_enter_loss(struct tcp_sock *tp, uint64_t now)
{
	uint64_t window = reordering_window(tp);
	bool fresh = tp->ca < TCP_CA_RECOVERY;
	struct pkt *q;

	if (tp->rtx_first && tcp_cb(tp->rtx_first)->flags & TCB_SACKED)
		tcp_sack_forget(tp);
	if (!tp->sack_ok)
		tp->dupacks = tp->sacked = 0;
	if (fresh || !seq_lt(tp->snd_una, tp->high_seq) ||
		(tp->ca == TCP_CA_LOSS && !tp->retries)) {
		begin_reduction(tp);
		begin_undo(tp);
	}
	for (q = tp->rtx_first; q; q = tcp_rtx_next(q)) {
		struct tcp_cb *cb = tcp_cb(q);

		if (cb->flags & TCB_SACKED)
			continue;
		if (q != tp->rtx_first && tp->rack.xmit_ns &&
			cb->xmit_ns + tp->rack.rtt_ns + window > now)
			continue; /* sent just now */
		tcp_mark_lost(tp, q);
		list_del(&cb->order);
	}
	tp->cwnd = tcp_pipe(tp) + tp->mss;
	tp->ca = TCP_CA_LOSS;
	tp->high_seq = tp->snd_nxt;
	tp->frto = fresh || tp->retries;
	tp->frto_new = false;
	tp->tlp_out = false;
	tp->cwr_pending = tp->ecn_ok;
}

/* ---- tail loss probe: RFC 8985, 7 ---- */

bool tcp_tlp_schedule(struct tcp_sock *tp, uint64_t now)
{
	uint64_t pto, rto_at;

	if (!tp->sack_ok || tp->ca != TCP_CA_OPEN || !tp->rtx_first || tp->sacked || tp->tlp_out ||
		tp->backoff || !(TCPF(tp->state) & TCPF_SYNCED))
		return false;
	pto = TCP_RTO_INIT;
	if (tp->srtt_ns) {
		pto = 2 * tp->srtt_ns + 2 * NSEC_PER_MSEC;
		if (tp->snd_nxt - tp->snd_una <= tp->mss) /* its ACK may be delayed */
			pto = MAX(pto, tp->srtt_ns * 3 / 2 + TCP_DELACK_MAX);
	}
	rto_at = tcp_cb(tp->rtx_first)->xmit_ns + tp->rto_ns;
	tp->rtx_kind = RTX_TLP;
	tcp_set_timer(tp, TCP_T_RTX, MAX(MIN(now + pto, rto_at), now + NSEC_PER_MSEC));
	return true;
}

/* The probe is new data, whatever the congestion window says, or else the last segment again. */
void tcp_tlp_send(struct tcp_sock *tp, uint64_t now)
{
	struct pkt *q = pkt_peek(&tp->wq);
	uint32_t mss = tcp_mss_now(tp), edge = tp->snd_una + tp->snd_wnd;
	bool again = true;

	if (!tp->rtx_first)
		return;
	if (q && seq_le(tcp_cb(q)->seq + MIN(q->len, mss), edge)) {
		if (q->len > mss && !tcp_cut(tp, q, mss))
			goto rearm;
		if (tcp_send_pkt(tp, q, now) == -ENOMEM)
			goto rearm;
		tcp_sent(tp, q);
		again = false;
	} else {
		q = tp->rtx_last;
		if (q->len > mss) {
			uint32_t at = q->len - (q->len % mss ? q->len % mss : mss);

			if (!tcp_cut(tp, q, at))
				goto rearm;
			q = tp->rtx_last;
		}
		if (resend_one(tp, q, now))
			goto rearm;
	}
	mib_inc(MIB_TCPX_LOSS_PROBES);
	tp->tlp_out = true;
	tp->tlp_retrans = again;
	tp->tlp_seq = tp->snd_nxt;
rearm:
	tcp_arm_rto(tp, now);
}

/* RFC 8985, 7.4: if the probe repaired a loss, nobody noticed: slow down as for any loss. */
void tcp_tlp_acked(struct tcp_sock *tp, const struct tcp_in *in, struct tcp_acked *a)
{
	if (seq_lt(in->ack, tp->tlp_seq))
		return;
	if (!tp->tlp_retrans || a->dsack) {
		tp->tlp_out = false;
	} else if (seq_lt(tp->tlp_seq, in->ack)) {
		tp->tlp_out = false;
		tcp_enter_cwr(tp);
		tp->cwnd = MAX(tp->ssthresh, (uint32_t)tp->mss);
		to_open(tp);
	} else if (!a->advanced && !a->sacked && !a->has_data) {
		tp->tlp_out = false; /* both copies arrived */
	}
}
