/*
 * tcp_cc.c - congestion control: the algorithms by name, what they share, and Reno (RFC 5681).
 *
 * Windows are bytes. Does not: decide that something is lost (tcp_recovery.c).
 */
#include <string.h>
#include "tcp.h"

static const struct tcp_cc *const algorithms[] = {&tcp_cubic_cc, &tcp_reno_cc};

const struct tcp_cc *tcp_cc_find(const char *name, size_t n)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(algorithms); i++)
		if (strlen(algorithms[i]->name) == n && !memcmp(algorithms[i]->name, name, n))
			return algorithms[i];
	return NULL;
}

void tcp_cc_init(struct tcp_sock *tp)
{
	tp->ssthresh = UINT32_MAX / 2;
	if (tp->cc->init)
		tp->cc->init(tp);
}

/* RFC 5681, 3.1 with L = no limit (RFC 9406, 4.2, for a sender of large bursts); *acked: what is
 * left for congestion avoidance. */
void tcp_slow_start(struct tcp_sock *tp, uint32_t *acked)
{
	uint32_t room = tp->ssthresh > tp->cwnd ? tp->ssthresh - tp->cwnd : 0;
	uint32_t n = MIN(*acked, room);

	tp->cwnd = MIN(tp->cwnd + n, TCP_CWND_MAX);
	*acked -= n;
}

/* RFC 2861, 3.1: each RTO of silence halves the window, down to what a new connection begins with
 * (RFC 5681, 4.1). */
void tcp_cc_idle(struct tcp_sock *tp, uint64_t now)
{
	uint32_t least = MIN(tp->cwnd, TCP_INIT_CWND * (uint32_t)tp->mss), cwnd = tp->cwnd;
	uint64_t idle = now - tp->last_snd_ns;

	if (likely(idle <= tp->rto_ns))
		return;
	tp->ssthresh = MAX(tp->ssthresh, tp->cwnd / 4 * 3);
	for (; idle > tp->rto_ns && cwnd > least; idle -= tp->rto_ns)
		cwnd /= 2;
	tp->cwnd = MAX(cwnd, least);
	tp->cwnd_used = 0;
	tp->cubic.epoch_ns = 0;
}

/* ---- Reno ---- */

static void reno_init(struct tcp_sock *tp)
{
	tp->cubic.est_rest = 0;
}

static void reno_on_ack(struct tcp_sock *tp, uint32_t acked, uint64_t rtt_ns, uint64_t now)
{
	if (tp->cwnd < tp->ssthresh)
		tcp_slow_start(tp, &acked);
	if (!acked)
		return;
	tp->cubic.est_rest += acked; /* RFC 3465: one segment for a window of acknowledged bytes */
	if (tp->cubic.est_rest >= tp->cwnd) {
		tp->cubic.est_rest -= tp->cwnd;
		tp->cwnd = MIN(tp->cwnd + tp->mss, TCP_CWND_MAX);
	}
}

static uint32_t reno_on_loss(struct tcp_sock *tp)
{
	tp->cubic.est_rest = 0;
	return MAX(tp->cwnd / 2, 2u * tp->mss);
}

const struct tcp_cc tcp_reno_cc = {
	.name = "reno",
	.init = reno_init,
	.on_ack = reno_on_ack,
	.on_loss = reno_on_loss,
};
