/*
 * tcp_cubic.c - CUBIC congestion control (RFC 9438) with HyStart++ (RFC 9406).
 *
 * Fixed point: windows are bytes, times milliseconds; C = 0.4 segments/s^3, beta = 0.7. The Reno
 * window that CUBIC does not stay below is W_est, with alpha = 3 (1 - beta) / (1 + beta) = 9/17.
 */
#include "tcp.h"

enum {
	BETA_N = 7,
	BETA_D = 10,
	ALPHA_N = 9,
	ALPHA_D = 17,
	/* RFC 9406, 4.3 */
	N_SAMPLES = 8,
	CSS_DIVISOR = 4,
	CSS_ROUNDS = 5,
	MIN_RTT_DIVISOR = 8
};
#define MIN_RTT_THRESH (4 * NSEC_PER_MSEC)
#define MAX_RTT_THRESH (16 * NSEC_PER_MSEC)

/* Largest r with r^3 <= x, x < 2^63: digit by digit. */
static uint32_t cube_root(uint64_t x)
{
	uint64_t r = 0;
	int shift;

	for (shift = 60; shift >= 0; shift -= 3) {
		uint64_t b;

		r *= 2;
		b = 3 * r * (r + 1) + 1;
		if (x >> shift >= b) {
			x -= b << shift;
			r++;
		}
	}
	return (uint32_t)r;
}

/* ---- slow start: RFC 9406 ---- */

static void new_round(struct tcp_sock *tp)
{
	struct tcp_cubic *c = &tp->cubic;

	c->last_min_ns = c->round_min_ns;
	c->round_min_ns = UINT64_MAX;
	c->samples = 0;
	c->round_end = tp->snd_nxt;
}

static void sample(struct tcp_cubic *c, uint64_t rtt_ns)
{
	if (!rtt_ns)
		return;
	if (rtt_ns < c->round_min_ns)
		c->round_min_ns = rtt_ns;
	c->samples++;
}

static void hystart(struct tcp_sock *tp)
{
	struct tcp_cubic *c = &tp->cubic;
	uint64_t thresh;

	if (c->samples < N_SAMPLES || c->round_min_ns == UINT64_MAX || c->last_min_ns == UINT64_MAX)
		return;
	if (c->css) { /* was the rise a passing one? */
		if (c->round_min_ns < c->css_base_ns)
			c->css = false;
		return;
	}
	thresh = MIN(MAX(c->last_min_ns / MIN_RTT_DIVISOR, MIN_RTT_THRESH), MAX_RTT_THRESH);
	if (c->round_min_ns >= c->last_min_ns + thresh) {
		c->css = true;
		c->css_base_ns = c->round_min_ns;
		c->css_rounds = 0;
	}
}

static void in_slow_start(struct tcp_sock *tp, uint32_t *acked, uint64_t rtt_ns)
{
	struct tcp_cubic *c = &tp->cubic;

	sample(c, rtt_ns);
	hystart(tp);
	if (c->css) {
		uint32_t part = *acked / CSS_DIVISOR;

		tcp_slow_start(tp, &part);
		*acked = part;
	} else {
		tcp_slow_start(tp, acked);
	}
	if (seq_lt(tp->snd_una, c->round_end))
		return;
	new_round(tp);
	if (c->css && ++c->css_rounds >= CSS_ROUNDS) {
		tp->ssthresh = tp->cwnd;
		c->css = false;
	}
}

/* ---- congestion avoidance: RFC 9438, 4 ---- */

static void begin_epoch(struct tcp_sock *tp, uint64_t now)
{
	struct tcp_cubic *c = &tp->cubic;

	c->epoch_ns = now;
	c->w_est = tp->cwnd;
	c->est_rest = 0;
	if (tp->cwnd >= c->w_max) {
		c->w_max = tp->cwnd;
		c->k_ms = 0;
		return;
	}
	/* K = cbrt((W_max - cwnd) / C) seconds, in ms: 10^9 / 0.4 under the root */
	c->k_ms = cube_root((uint64_t)(c->w_max - tp->cwnd) * 2500000000ull / tp->mss);
}

/* W_cubic(t) = C (t - K)^3 + W_max */
static uint64_t w_cubic(const struct tcp_sock *tp, uint64_t t_ms)
{
	const struct tcp_cubic *c = &tp->cubic;
	bool below = t_ms < c->k_ms;
	uint64_t d = below ? c->k_ms - t_ms : t_ms - c->k_ms, bytes;

	d = MIN(d, 100000ull);
	bytes = d * d * d / 1000 * 4 * tp->mss / 10000000;
	if (below)
		return bytes < c->w_max ? c->w_max - bytes : 0;
	return c->w_max + bytes;
}

/* 4.3: what Reno would have; one segment for each window acknowledged, times alpha until the old
 * window is reached. */
static void estimate_reno(struct tcp_sock *tp, uint32_t acked)
{
	struct tcp_cubic *c = &tp->cubic;
	bool back = c->w_est >= tp->prior_cwnd;
	uint64_t gain = (uint64_t)acked * tp->mss + c->est_rest;
	uint64_t unit = back ? tp->cwnd : (uint64_t)tp->cwnd * ALPHA_D / ALPHA_N;

	c->w_est += (uint32_t)(gain / unit);
	c->est_rest = (uint32_t)(gain % unit);
}

static void avoid(struct tcp_sock *tp, uint32_t acked, uint64_t now)
{
	struct tcp_cubic *c = &tp->cubic;
	uint64_t t, target;

	if (!c->epoch_ns)
		begin_epoch(tp, now);
	t = (now - c->epoch_ns + tp->srtt_ns) / NSEC_PER_MSEC; /* where it is a round trip on */
	target = w_cubic(tp, t);
	target = MIN(MAX(target, (uint64_t)tp->cwnd), (uint64_t)tp->cwnd + tp->cwnd / 2);
	estimate_reno(tp, acked);
	if (c->w_est > tp->cwnd && c->w_est > w_cubic(tp, t)) {
		tp->cwnd = MIN(c->w_est, TCP_CWND_MAX);
		return;
	}
	c->grow_rest += (target - tp->cwnd) * acked;
	tp->cwnd += (uint32_t)(c->grow_rest / tp->cwnd);
	c->grow_rest %= tp->cwnd;
	tp->cwnd = MIN(tp->cwnd, TCP_CWND_MAX);
}

static void cubic_init(struct tcp_sock *tp)
{
	tp->cubic = (struct tcp_cubic){
		.round_min_ns = UINT64_MAX, .last_min_ns = UINT64_MAX, .round_end = tp->snd_nxt};
}

static void cubic_on_ack(struct tcp_sock *tp, uint32_t acked, uint64_t rtt_ns, uint64_t now)
{
	if (tp->cwnd < tp->ssthresh)
		in_slow_start(tp, &acked, rtt_ns);
	if (acked && tp->cwnd >= tp->ssthresh)
		avoid(tp, acked, now);
}

static uint32_t cubic_on_loss(struct tcp_sock *tp)
{
	struct tcp_cubic *c = &tp->cubic;
	uint32_t least = 2u * tp->mss;

	c->undo_w_max = c->w_max;
	/* 4.7, fast convergence: the window was smaller than last time: leave room to a newcomer */
	c->w_max = tp->cwnd < c->w_max
			   ? (uint32_t)((uint64_t)tp->cwnd * (BETA_D + BETA_N) / (2 * BETA_D))
			   : tp->cwnd;
	c->epoch_ns = 0;
	c->grow_rest = 0;
	c->css = false;
	return MAX((uint32_t)((uint64_t)tp->cwnd * BETA_N / BETA_D), least);
}

static void cubic_on_undo(struct tcp_sock *tp)
{
	tp->cubic.w_max = tp->cubic.undo_w_max;
	tp->cubic.epoch_ns = 0;
}

const struct tcp_cc tcp_cubic_cc = {
	.name = "cubic",
	.init = cubic_init,
	.on_ack = cubic_on_ack,
	.on_loss = cubic_on_loss,
	.on_undo = cubic_on_undo,
};
