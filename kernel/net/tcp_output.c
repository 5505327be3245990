/*
 * tcp_output.c - what is sent when: windows, Nagle, corks; FIN; probing a closed window.
 *
 * RFC 9293 3.8.6 and 3.7.4, RFC 5681, tcp(7). Does not: resend (tcp_recovery.c).
 */
#include "tcp.h"

uint32_t tcp_mss_now(const struct tcp_sock *tp)
{
	unsigned extra = tcp_opts_len(tp) - (tp->ts_ok ? TCP_TS_OPT : 0);

	return tp->mss > extra + TCP_MSS_MIN ? tp->mss - extra : MIN((uint32_t)tp->mss, 8u);
}

/* Sent less than a segment lately, and it is not acknowledged (Minshall's reading of Nagle: one
 * small segment under way does no harm, two do). */
static bool small_under_way(const struct tcp_sock *tp)
{
	return seq_lt(tp->snd_una, tp->snd_sml) && seq_le(tp->snd_sml, tp->snd_nxt);
}

/* May less than a full segment go, the last of what there is? */
static bool nagle_allows(const struct tcp_sock *tp, const struct pkt *q)
{
	if (tp->nonagle & TCP_PUSH_ON || tcp_cb(q)->flags & TCB_FIN || tp->snd_up != tp->snd_una)
		return true;
	if (tp->nonagle & TCP_CORK_ON)
		return false;
	return tp->nonagle & TCP_NODELAY_ON || !tp->rtx_first || !small_under_way(tp);
}

/*
 * How many bytes of the payload of @q, the first unsent packet, may go now; false: nothing, not
 * even a FIN alone.
 */
static bool may_send(struct tcp_sock *tp, const struct pkt *q, uint32_t mss, uint32_t *out)
{
	uint32_t pipe = tcp_pipe(tp);
	uint32_t window = tp->snd_una + tp->snd_wnd - tcp_cb(q)->seq;
	uint32_t room = tp->cwnd > pipe ? tp->cwnd - pipe : 0;
	uint32_t n = q->len, tail;

	if ((int32_t)window <= 0 || MIN(MAX(n, 1u), mss) > window)
		return false;
	if (!n) {
		*out = 0;
		return true;
	}
	if (room < MIN(n, mss)) {
		if (pipe) {
			tp->cwnd_limited = true;
			return false;
		}
		room = mss;
	}
	n = MIN(MIN(n, window), MIN(room, tcp_goal(mss)));
	if (unlikely(tp->snd_up != tp->snd_una)) /* each segment has a pointer of its own */
		n = MIN(n, mss);
	tail = n % mss;
	if (n < q->len) { /* 3.8.6.2.1: cut short only where a segment ends */
		n -= n > tail ? tail : 0;
		tp->cwnd_limited |= n + mss > room;
	} else if (tail && q->node.next == &tp->wq.list && !nagle_allows(tp, q)) {
		n -= tail;
	}
	*out = n;
	return n != 0;
}

static void after_send(struct tcp_sock *tp, uint64_t now)
{
	uint32_t pipe = tcp_pipe(tp);

	if (pipe > tp->cwnd_used)
		tp->cwnd_used = pipe;
	if (tcp_tlp_schedule(tp, now))
		return;
	if (tp->due[TCP_T_RTX] == TCP_NEVER || tp->rtx_kind == RTX_PROBE) /* RFC 6298, 5.1 */
		tcp_arm_rto(tp, now);
}

void tcp_sent(struct tcp_sock *tp, struct pkt *q)
{
	struct tcp_cb *cb = tcp_cb(q);

	pkt_unlink(&tp->wq, q);
	tcp_rtx_add(tp, q);
	tp->snd_nxt = cb->end_seq;
	if (q->len < tp->mss)
		tp->snd_sml = cb->end_seq;
	if (tp->ca == TCP_CA_RECOVERY || tp->ca == TCP_CA_CWR)
		tp->prr_out += tcp_cb_len(q);
}

void tcp_push(struct tcp_sock *tp, uint64_t now)
{
	bool any = false;
	struct pkt *q;
	uint32_t mss;

	tp->cwnd_limited = false;
	if (!pkt_peek(&tp->wq))
		return;
	(void)tcp_route(tp); /* an error shows when something is sent */
	mss = tcp_mss_now(tp);
	if (!tp->rtx_first)
		tcp_cc_idle(tp, now);
	while ((q = pkt_peek(&tp->wq))) {
		uint32_t n;

		if (!may_send(tp, q, mss, &n))
			break;
		if (n < q->len && !tcp_cut(tp, q, n))
			break;
		if (tcp_send_pkt(tp, q, now) == -ENOMEM)
			break;
		tcp_sent(tp, q);
		any = true;
	}
	tp->nonagle &= (uint8_t)~TCP_PUSH_ON;
	if (any)
		after_send(tp, now);
	else if (!tp->rtx_first)
		tcp_arm_probe(tp, now);
}

/* ---- the peer's window is closed, or nothing may go for another reason: do not wait for ever ----
 */

void tcp_arm_probe(struct tcp_sock *tp, uint64_t now)
{
	if (tp->due[TCP_T_RTX] != TCP_NEVER && tp->rtx_kind == RTX_PROBE)
		return;
	tp->rtx_kind = RTX_PROBE;
	tcp_set_timer(tp, TCP_T_RTX, now + tcp_backed_off(tp, tp->backoff));
}

/*
 * The timer fired with nothing in flight: send what the window holds, be it less than a segment
 * (RFC 9293, 3.8.6.2.1, the override; the end of a cork too), or without window an old sequence
 * number, which the peer answers with its window (3.8.6.1). True: data went.
 */
bool tcp_probe(struct tcp_sock *tp, uint64_t now)
{
	struct pkt *q = pkt_peek(&tp->wq);
	int32_t window;
	uint32_t n;

	window = (int32_t)(tp->snd_una + tp->snd_wnd - tcp_cb(q)->seq);
	if (window <= 0) {
		tcp_send_probe(tp, now);
		return false;
	}
	n = MIN(MIN(q->len, (uint32_t)window), tcp_mss_now(tp));
	if (n < q->len && !tcp_cut(tp, q, n))
		return false;
	tcp_cb(q)->flags |= TCB_PUSH;
	if (tcp_send_pkt(tp, q, now) == -ENOMEM)
		return false;
	tcp_sent(tp, q);
	tp->backoff = 0;
	tcp_arm_rto(tp, now);
	return true;
}

/* ---- FIN ---- */

void tcp_send_fin(struct tcp_sock *tp, uint64_t now)
{
	struct pkt *q = list_empty(&tp->wq.list) ? NULL : list_last(&tp->wq.list, struct pkt, node);

	if (!q) {
		q = pkt_alloc_tx();
		if (!q) { /* the timer comes back for it */
			tp->fin_wanted = true;
			tcp_set_timer(tp, TCP_T_KEEP, now + TCP_RETRY);
			return;
		}
		*tcp_cb(q) = (struct tcp_cb){
			.seq = tp->write_seq, .end_seq = tp->write_seq, .segs = 1};
		list_init(&tcp_cb(q)->order);
		tcp_queue_write(tp, q);
	}
	tp->fin_wanted = false;
	tcp_cb(q)->flags |= TCB_FIN;
	tcp_cb(q)->end_seq++;
	tp->write_seq++;
	tp->fin_queued = true;
	tcp_push(tp, now);
}

void tcp_queue_write(struct tcp_sock *tp, struct pkt *q)
{
	tcp_mem_force(tp, q->truesize);
	tcp_wmem_add(tp, (int32_t)q->truesize);
	pkt_enqueue(&tp->wq, q);
}
