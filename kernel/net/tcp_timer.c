/*
 * tcp_timer.c - a connection's timers: retransmission, probes of a closed window, delayed ACK,
 * keepalive; and when to give up.
 *
 * All deadlines of a connection share one net_timer (tcp.c says how). Giving up is by time, not by
 * count: R2 of RFC 9293 3.8.3 is what tcp_retries2 doublings from the least timeout would take.
 */
#include "tcp.h"

/* ---- giving up ---- */

static void give_up(struct tcp_sock *tp)
{
	mib_inc(MIB_TCPX_ABORT_ON_TIMEOUT);
	tcp_fail(tp, tp->soft_error ? tp->soft_error : ETIMEDOUT);
}

/* How long a wait and @n more take that begin with @rto and double up to the most. */
static uint64_t span_of(unsigned n, uint64_t rto)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i <= n; i++) {
		sum += rto;
		rto = MIN(2 * rto, TCP_RTO_MAX);
	}
	return sum;
}

static unsigned most_retries(const struct tcp_sock *tp)
{
	return tp->orphan ? TCP_ORPHAN_RETRIES : tp->is.s.net->inet->tcp_retries2;
}

static bool is_too_long(const struct tcp_sock *tp, uint64_t since, uint64_t now)
{
	uint64_t limit = tp->user_timeout_ms ? tp->user_timeout_ms * NSEC_PER_MSEC
					     : span_of(most_retries(tp), TCP_RTO_MIN);

	return since && now - since >= limit;
}

/* The next deadline, but not behind the end of TCP_USER_TIMEOUT. */
static uint64_t clamp_to_user(const struct tcp_sock *tp, uint64_t since, uint64_t at)
{
	if (!tp->user_timeout_ms || !since)
		return at;
	return MIN(at, since + tp->user_timeout_ms * NSEC_PER_MSEC);
}

/* A closed connection that gets nowhere is dropped at once where there are too many of them. */
static bool out_of_resources(struct tcp_sock *tp)
{
	if (!tp->orphan ||
		((uint32_t)atomic_read(&tcp_orphans) <= tcp_orphans_max() && !net_mem_pressure()))
		return false;
	mib_inc(MIB_TCPX_ABORT_ON_MEMORY);
	tcp_abort(tp, 0);
	return true;
}

/* ---- retransmission ---- */

static void syn_timeout(struct tcp_sock *tp, uint64_t now)
{
	const struct net_inet *ni = tp->is.s.net->inet;
	unsigned most = tp->state == TCP_SYN_RECV ? ni->tcp_synack_retries
			: tp->syn_retries         ? tp->syn_retries
						  : ni->tcp_syn_retries;

	if (tp->held && now - tp->syn_ns < span_of(most, TCP_RTO_INIT)) {
		tcp_send_syn(tp, now);
		tcp_arm_rto(tp, now);
		return;
	}
	if (tp->retries >= most ||
		(tp->user_timeout_ms && now - tp->syn_ns >= tp->user_timeout_ms * NSEC_PER_MSEC)) {
		give_up(tp);
		return;
	}
	tp->retries++;
	tp->backoff++;
	tp->total_retrans++;
	mib_inc(MIB_TCPX_TIMEOUTS);
	mib_inc(MIB_TCP_RETRANS_SEGS);
	if (tp->retries > 2 &&
		tp->ecn_ok) /* something on the way may dislike it: RFC 3168, 6.1.1.1 */
		tp->ecn_ok = false;
	tcp_send_syn(tp, now);
	tcp_arm_rto(tp, now);
	tp->due[TCP_T_RTX] = clamp_to_user(tp, tp->syn_ns, tp->due[TCP_T_RTX]);
}

static void rto(struct tcp_sock *tp, uint64_t now)
{
	if (TCPF(tp->state) & (TCPF(TCP_SYN_SENT) | TCPF(TCP_SYN_RECV))) {
		syn_timeout(tp, now);
		return;
	}
	if (!tp->rtx_first || out_of_resources(tp))
		return;
	if (is_too_long(tp, tp->retrans_ns, now) ||
		(tp->user_timeout_ms && is_too_long(tp, tcp_cb(tp->rtx_first)->xmit_ns, now))) {
		give_up(tp);
		return;
	}
	mib_inc(MIB_TCPX_TIMEOUTS);
	tp->rto_count++;
	tcp_enter_loss(tp, now);
	tp->retries++;
	tp->backoff++;
	tcp_resend(tp, now);
	tcp_arm_rto(tp, now);
	tcp_set_timer(tp, TCP_T_RTX, clamp_to_user(tp, tp->retrans_ns, tp->due[TCP_T_RTX]));
}

static void probe(struct tcp_sock *tp, uint64_t now)
{
	unsigned most = most_retries(tp);

	if (!pkt_peek(&tp->wq) || tp->rtx_first || out_of_resources(tp))
		return;
	if (!tp->probe_ns)
		tp->probe_ns = now;
	if (tp->user_timeout_ms ? is_too_long(tp, tp->probe_ns, now) : tp->probes >= most) {
		give_up(tp);
		return;
	}
	if (tcp_probe(tp, now))
		return;
	tp->probes++;
	if (tp->backoff < most)
		tp->backoff++;
	tp->rtx_kind = RTX_PROBE;
	tcp_set_timer(tp, TCP_T_RTX,
		clamp_to_user(tp, tp->probe_ns, now + tcp_backed_off(tp, tp->backoff)));
}

static void rtx_due(struct tcp_sock *tp, uint64_t now)
{
	switch (tp->rtx_kind) {
	case RTX_REO:
		tcp_rack_timeout(tp, now);
		break;
	case RTX_TLP:
		tcp_tlp_send(tp, now);
		break;
	case RTX_PROBE:
		probe(tp, now);
		break;
	default:
		rto(tp, now);
		break;
	}
}

/* ---- delayed ACK ---- */

static void ack_due(struct tcp_sock *tp, uint64_t now)
{
	if (!tp->ack_sched)
		return;
	if (tp->pingpong) { /* no answer came to carry it */
		tp->pingpong = 0;
		tp->ato_ns = TCP_DELACK_MIN;
	} else {
		tp->ato_ns = MIN(2 * tp->ato_ns, tp->rto_ns);
	}
	mib_inc(MIB_TCPX_DELAYED_ACKS);
	tcp_send_ack(tp, now);
}

/* ---- keepalive: RFC 9293, 3.8.4; tcp(7) ---- */

uint64_t tcp_keep_idle(const struct tcp_sock *tp)
{
	uint32_t s = tp->keep_idle_s ? tp->keep_idle_s : tp->is.s.net->inet->tcp_keepalive_time_s;

	return s * NSEC_PER_SEC;
}

static void keep_due(struct tcp_sock *tp, uint64_t now)
{
	const struct net_inet *ni = tp->is.s.net->inet;
	uint32_t intvl = tp->keep_intvl_s ? tp->keep_intvl_s : ni->tcp_keepalive_intvl_s;
	uint32_t count = tp->keep_count ? tp->keep_count : ni->tcp_keepalive_probes;
	uint64_t idle = tcp_keep_idle(tp), quiet;

	if (tp->fin_wanted) {
		tcp_send_fin(tp, now);
		return;
	}
	if (!(tp->is.s.opts & SOPT_KEEPALIVE) || !(TCPF(tp->state) & TCPF_SYNCED))
		return;
	quiet = now - MAX(tp->last_rcv_ns, tp->last_ack_rcv_ns);
	if (tp->rtx_first || pkt_peek(&tp->wq)) { /* the other timers watch */
		tcp_set_timer(tp, TCP_T_KEEP, now + idle);
		return;
	}
	if (quiet < idle) {
		tcp_set_timer(tp, TCP_T_KEEP, now + idle - quiet);
		return;
	}
	if (tp->user_timeout_ms ? tp->probes && quiet >= tp->user_timeout_ms * NSEC_PER_MSEC
				: tp->probes >= count) {
		tcp_send_rst_sk(tp);
		give_up(tp);
		return;
	}
	tp->probes++;
	tcp_send_probe(tp, now);
	tcp_set_timer(tp, TCP_T_KEEP, now + intvl * NSEC_PER_SEC);
}

/* ---- all ---- */

static void (*const handlers[TCP_TIMERS])(struct tcp_sock *, uint64_t) = {
	[TCP_T_RTX] = rtx_due,
	[TCP_T_ACK] = ack_due,
	[TCP_T_KEEP] = keep_due,
};

void tcp_timer_fired(struct net_timer *t)
{
	struct tcp_sock *tp = container_of(t, struct tcp_sock, timer);
	uint64_t now = clock_ns(), next = TCP_NEVER;
	unsigned i;

	tcp_lock(tp);
	tp->timer_at = TCP_NEVER;
	for (i = 0; i < TCP_TIMERS; i++) {
		if (tp->due[i] > now || !(TCPF(tp->state) & ~(TCPF(TCP_CLOSE) | TCPF(TCP_LISTEN))))
			continue;
		tp->due[i] = TCP_NEVER;
		handlers[i](tp, now);
	}
	for (i = 0; i < TCP_TIMERS; i++)
		if (tp->due[i] < next) {
			next = tp->due[i];
			tcp_set_timer(tp, i, next);
		}
	tcp_unlock(tp);
	socket_put(&tp->is.s);
}
