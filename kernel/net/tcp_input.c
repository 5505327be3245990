/*
 * tcp_input.c - a received segment: whom it is for, and the stages that a connection puts it
 * through.
 *
 * Theory. RFC 9293 3.10.7 is a list of checks in order; here each is a function that takes the
 * segment's context (struct tcp_in) and says whether to go on. Most segments of an established
 * connection are the next in order and acknowledge something, or nothing but that: fast_path()
 * recognises them by their header and goes to the effects at once.
 *
 * Segments are hostile until proven: sequence checks are RFC 5961's, answers to unacceptable
 * segments are limited in rate (7.), and nothing here can fail louder than dropping.
 *
 * Does not: interpret the ACK (tcp_ack.c), keep the payload (tcp_receive.c), accept connections
 * (tcp_listen.c).
 */
#include <random.h>
#include <string.h>
#include "tcp.h"

enum { CE = 3, CHALLENGES_PER_S = 1000 };
static struct spinlock challenge_lock = SPINLOCK_INIT("tcp challenges"); /* leaf */
static uint64_t challenge_second, challenges_left;                       /* [challenge_lock] */

/* ---- taking the header apart ---- */

static bool checksum_ok(struct pkt *p)
{
	if (likely(p->csum != CSUM_NONE))
		return true;
	return !csum_fold(
		pkt_csum(p, 0, p->len, csum_pseudo(&p->ip.src, &p->ip.dst, p->len, IPPROTO_TCP)));
}

static bool parse(struct tcp_in *in)
{
	struct pkt *p = in->p;
	const struct tcp_hdr *th;

	if (p->type != PKT_HOST || p->ip.is_broadcast || !pkt_need(p, TCP_HDR))
		return false;
	th = (const struct tcp_hdr *)pkt_data(p);
	in->hlen = (uint8_t)((th->off >> 4) * 4);
	if (in->hlen < TCP_HDR || !pkt_need(p, in->hlen)) {
		mib_inc(MIB_TCP_IN_ERRS);
		return false;
	}
	if (!checksum_ok(p)) {
		mib_inc(MIB_TCP_IN_CSUM_ERRORS);
		mib_inc(MIB_TCP_IN_ERRS);
		return false;
	}
	th = (const struct tcp_hdr *)pkt_data(p);
	in->sport = th->sport;
	in->dport = th->dport;
	in->seq = be32(th->seq);
	in->ack = be32(th->ack);
	in->wnd = be16(th->window);
	in->urgent = be16(th->urgent);
	in->flags = th->flags;
	in->len = p->len - in->hlen;
	in->end_seq = in->seq + in->len + !!(th->flags & TH_SYN) + !!(th->flags & TH_FIN);
	in->ifindex = p->dev ? p->dev->ifindex : 0;
	tcp_parse_opts((const uint8_t *)(th + 1), in->hlen - TCP_HDR, &in->o);
	return true;
}

static bool dispatch(struct tcp_in *in, struct tcp_ent *e)
{
	switch (e->kind) {
	case TCP_SOCK:
		return tcp_input_sock(in, container_of(e, struct tcp_sock, ent));
	case TCP_REQ:
		return tcp_req_input(in, container_of(e, struct tcp_req, ent));
	default:
		return tcp_tw_input(in, container_of(e, struct tcp_tw, ent));
	}
}

void tcp_input(struct net *net, struct pkt *p)
{
	struct tcp_in in;
	struct tcp_ent *e;
	bool done = false;

	mib_inc(MIB_TCP_IN_SEGS);
	in.net = net;
	in.p = p;
	in.tp = NULL;
	in.fresh_iss = false;
	if (likely(parse(&in))) {
		in.now = clock_ns();
		while (!done && (e = tcp_lookup(net, &p->ip.dst, in.dport, &p->ip.src, in.sport,
					 in.ifindex)))
			done = dispatch(&in, e);
		if (!done)
			tcp_listen_input(&in);
	}
	if (in.p)
		pkt_free(in.p);
}

/* ---- answers to what is not acceptable ---- */

/* RFC 5961, 7: in a second at most two for a connection and CHALLENGES_PER_S for all; the second
 * number varies, so that its exhaustion tells an attacker nothing. */
bool tcp_may_challenge(uint64_t *last_ns, uint64_t now)
{
	bool ok;

	if (*last_ns && now - *last_ns < NSEC_PER_SEC / 2)
		return false;
	spin_lock(&challenge_lock);
	if (now / NSEC_PER_SEC != challenge_second) {
		challenge_second = now / NSEC_PER_SEC;
		challenges_left = CHALLENGES_PER_S / 2 + random_below(CHALLENGES_PER_S);
	}
	ok = challenges_left != 0;
	challenges_left -= ok;
	spin_unlock(&challenge_lock);
	if (ok)
		*last_ns = now;
	return ok;
}

void tcp_challenge(struct tcp_sock *tp, uint64_t now)
{
	if (!tcp_may_challenge(&tp->challenge_ns, now))
		return;
	mib_inc(MIB_TCPX_CHALLENGE_ACK);
	tcp_send_ack(tp, now);
}

/* An ACK for a segment outside the window. Data is always answered (our ACK was lost, or the window
 * is closed); a segment without any may be the other end of a loop of ACKs. */
static void answer_unacceptable(struct tcp_in *in)
{
	struct tcp_sock *tp = in->tp;

	if (in->len && !(in->flags & TH_SYN)) {
		if (seq_lt(in->seq, tp->rcv_nxt)) {
			tcp_enter_quickack(tp, TCP_QUICKACKS);
			tcp_dsack(tp, in->seq, seq_min(in->end_seq, tp->rcv_nxt));
		}
		tcp_send_ack(tp, in->now);
		return;
	}
	if (tp->oow_ns && in->now - tp->oow_ns < NSEC_PER_SEC / 2)
		return;
	tp->oow_ns = in->now;
	tcp_send_ack(tp, in->now);
}

/* ---- stages; false: the segment is done with ---- */

/* RFC 7323, 5.3: the timestamp is older than the last one; also TS.Recent is not too old itself. An
 * ACK that was overtaken by younger ones is harmless and may carry news (SACK). */
static bool paws_rejects(const struct tcp_in *in)
{
	const struct tcp_sock *tp = in->tp;
	int32_t behind = (int32_t)(tp->ts_recent - in->o.tsval);

	if (behind <= 0 || (uint32_t)(in->now / NSEC_PER_SEC) - tp->ts_recent_s > TCP_PAWS_AGE)
		return false;
	return in->len || (in->flags & (TH_FIN | TH_SYN)) || in->seq != tp->rcv_nxt ||
	       in->ack != tp->snd_una || (uint32_t)behind > tp->rto_ns / NSEC_PER_MSEC;
}

static bool check_sequence(struct tcp_in *in)
{
	struct tcp_sock *tp = in->tp;

	if (tp->ts_ok && in->o.has_ts && !(in->flags & TH_RST) && unlikely(paws_rejects(in))) {
		mib_inc(MIB_TCPX_PAWS_ESTAB);
		answer_unacceptable(in);
		return false;
	}
	/* From the ACK sent last on: one that reordering delayed behind data is still good. */
	if (likely(!seq_lt(in->end_seq, tp->rcv_wup) &&
		    seq_le(in->seq, tp->rcv_nxt + tcp_window_left(tp))))
		return true;
	if (in->flags & TH_RST)
		return false;
	if (in->flags & TH_SYN)
		tcp_challenge(tp, in->now);
	else
		answer_unacceptable(in);
	return false;
}

static int reset_error(const struct tcp_sock *tp)
{
	switch (tp->state) {
	case TCP_SYN_SENT:
		return ECONNREFUSED;
	case TCP_CLOSE_WAIT:
		return EPIPE;
	default:
		return ECONNRESET;
	}
}

/* RFC 5961, 3.2: exactly the next sequence number, or behind what we reported as received out of
 * order; elsewhere in the window the peer is asked whether it meant it. */
static bool check_reset(struct tcp_in *in)
{
	struct tcp_sock *tp = in->tp;
	uint32_t expected = tp->rcv_nxt;

	if (likely(!(in->flags & TH_RST)))
		return true;
	if (tp->sack_ok && tp->ofo_last && in->seq == tcp_cb(tp->ofo_last)->end_seq)
		expected = in->seq;
	if (in->seq == expected)
		tcp_fail(tp, reset_error(tp));
	else
		tcp_challenge(tp, in->now);
	return false;
}

/* RFC 5961, 4.2; but the peer's SYN-ACK in a simultaneous open (RFC 9293, figure 7) is an ACK. */
static bool check_syn(struct tcp_in *in)
{
	struct tcp_sock *tp = in->tp;

	if (likely(!(in->flags & TH_SYN)))
		return true;
	if (tp->state == TCP_SYN_RECV && in->flags & TH_ACK && in->seq + 1 == tp->rcv_nxt &&
		in->ack == tp->snd_nxt) {
		in->seq++;
		in->flags &= (uint8_t)~TH_SYN;
		return true;
	}
	tcp_challenge(tp, in->now);
	return false;
}

/* RFC 7323, 4.3: what to echo. */
static bool store_timestamp(struct tcp_in *in)
{
	struct tcp_sock *tp = in->tp;

	if (tp->ts_ok && in->o.has_ts && seq_le(in->seq, tp->rcv_wup)) {
		tp->ts_recent = in->o.tsval;
		tp->ts_recent_s = (uint32_t)(in->now / NSEC_PER_SEC);
	}
	return true;
}

/* The ACK of our SYN in a simultaneous open. */
static bool ack_of_syn(struct tcp_in *in)
{
	struct tcp_sock *tp = in->tp;

	if (!seq_lt(tp->snd_una, in->ack) || !seq_le(in->ack, tp->snd_nxt)) {
		tcp_reply_rst(in);
		return false;
	}
	tp->snd_una = in->ack;
	tp->snd_up = in->ack;
	tp->snd_wnd = (uint32_t)in->wnd << tp->snd_wscale;
	tp->snd_wl1 = in->seq;
	tp->max_window = tp->snd_wnd;
	if (!tp->retries && !tp->held)
		tcp_rtt_sample(tp, in->now - tp->syn_ns, in->now);
	tcp_set_state(tp, TCP_ESTABLISHED);
	tcp_established(tp, in->now);
	return true;
}

/* Our FIN is acknowledged. False: nothing is left of the connection. */
static bool fin_acked(struct tcp_in *in)
{
	struct tcp_sock *tp = in->tp;
	uint8_t next = tcp_states[tp->state].on_fin_acked;

	if (next == tp->state)
		return true;
	switch (next) {
	case TCP_FIN_WAIT2:
		tcp_set_state(tp, TCP_FIN_WAIT2);
		tp->deferred |= DEFER_ALL; /* who lingers in close(2) */
		return true;
	case TCP_TIME_WAIT:
		tcp_time_wait(tp, TCP_TIME_WAIT, TCP_TIMEWAIT);
		return false;
	default:
		tcp_done(tp);
		return false;
	}
}

static bool check_ack(struct tcp_in *in)
{
	struct tcp_sock *tp = in->tp;

	if (!(in->flags & TH_ACK))
		return false;
	if (unlikely(tp->state == TCP_SYN_RECV) && !ack_of_syn(in))
		return false;
	if (tcp_ack(in) < 0)
		return false;
	if (unlikely(tp->fin_queued && tp->snd_una == tp->write_seq))
		return fin_acked(in);
	return true;
}

static bool check_urgent(struct tcp_in *in)
{
	if (unlikely(in->flags & TH_URG || in->tp->urg_data == TCP_URG_NOTYET))
		tcp_take_urgent(in);
	return true;
}

/* RFC 3168, 6.1.3: tell the sender of marks until it says that it slowed down. */
static void note_marks(struct tcp_in *in)
{
	struct tcp_sock *tp = in->tp;

	if (in->flags & TH_CWR)
		tp->ece_pending = false;
	if ((in->p->ip.tos & 3) == CE) {
		if (!tp->ece_pending)
			tcp_enter_quickack(tp, 2);
		tp->ece_pending = true;
	}
}

static bool check_data(struct tcp_in *in)
{
	struct tcp_sock *tp = in->tp;
	uint32_t data_end = in->seq + in->len;

	if (!in->len && !(in->flags & TH_FIN))
		return true;
	if (unlikely(tp->ecn_ok) && in->len)
		note_marks(in);
	switch (tp->state) {
	case TCP_FIN_WAIT1:
	case TCP_FIN_WAIT2:
		/* RFC 9293, 3.10.4 close call: what nobody will read is answered with a reset. */
		if (tp->is.s.shutdown & SHUTDOWN_RD && in->len && seq_lt(tp->rcv_nxt, data_end)) {
			mib_inc(MIB_TCPX_ABORT_ON_DATA);
			tcp_abort(tp, tp->is.s.dead ? 0 : ECONNRESET);
			return false;
		}
		break;
	case TCP_ESTABLISHED:
		break;
	default: /* the peer's FIN was the end; an old segment wants its ACK again */
		tp->ack_now = true;
		return true;
	}
	tcp_take_data(in);
	return tp->state != TCP_CLOSE;
}

/* A connection without a program does not keep its large form to wait for a FIN. */
static bool orphan_shrinks(struct tcp_in *in)
{
	struct tcp_sock *tp = in->tp;
	uint64_t ns = tcp_fin_timeout(tp);

	if (likely(tp->state != TCP_FIN_WAIT2 || !tp->orphan))
		return true;
	if (tp->ack_now || tp->ack_sched)
		tcp_send_ack(tp, in->now);
	if (ns)
		tcp_time_wait(tp, TCP_FIN_WAIT2, ns);
	else
		tcp_done(tp);
	return false;
}

static bool answer(struct tcp_in *in)
{
	tcp_push(in->tp, in->now);
	tcp_ack_policy(in->tp, in->now);
	return true;
}

static bool (*const stages[])(struct tcp_in *in) = {
	check_sequence,
	check_reset,
	check_syn,
	store_timestamp,
	check_ack,
	check_urgent,
	check_data,
	orphan_shrinks,
	answer,
};

/* The next segment in order, of a connection where nothing special goes on. False: it is not, and
 * nothing was done. */
static bool fast_path(struct tcp_in *in)
{
	struct tcp_sock *tp = in->tp;

	if ((in->flags & (uint8_t)~TH_PSH) != TH_ACK || in->seq != tp->rcv_nxt ||
		in->hlen != TCP_HDR + (tp->ts_ok ? TCP_TS_OPT : 0) ||
		(uint32_t)in->wnd << tp->snd_wscale != tp->snd_wnd || tp->ofo.node ||
		tp->urg_data || tp->ecn_ok || seq_lt(in->ack, tp->snd_una) ||
		seq_lt(tp->snd_nxt, in->ack))
		return false;
	if (tp->ts_ok && (!in->o.has_ts || (int32_t)(in->o.tsval - tp->ts_recent) < 0))
		return false;
	if (in->len ? in->len > tcp_window_left(tp) || tp->rmem + in->p->truesize > tp->is.s.rcvbuf
		    : in->ack == tp->snd_una)
		return false;
	(void)store_timestamp(in);
	if (in->ack != tp->snd_una && tcp_ack(in) < 0)
		return true;
	if (in->len)
		tcp_take_data(in);
	return answer(in);
}

/* RFC 9293, 3.10.7.3. */
static void in_syn_sent(struct tcp_in *in);

bool tcp_filtered(const struct tcp_sock *tp, struct tcp_in *in)
{
	const struct sock_filter_prog *f = rcu_dereference(tp->is.s.filter);

	return unlikely(f) && !bpf_run(f, in->p);
}

bool tcp_input_sock(struct tcp_in *in, struct tcp_sock *tp)
{
	unsigned i;

	tcp_lock(tp);
	if (unlikely(!tp->hashed)) {
		tcp_unlock(tp);
		return false;
	}
	in->tp = tp;
	tp->segs_in += MAX(in->p->gso_segs, (uint16_t)1);
	if (tcp_filtered(tp, in) || unlikely(tp->state == TCP_CLOSE))
		;
	else if (unlikely(tp->state == TCP_SYN_SENT))
		in_syn_sent(in);
	else if (tp->state != TCP_ESTABLISHED || !fast_path(in))
		for (i = 0; i < ARRAY_SIZE(stages) && stages[i](in); i++)
			;
	tcp_unlock(tp);
	return true;
}

/* ---- SYN-SENT ---- */

/* What both sides can do, from the peer's SYN. */
static void agree(struct tcp_in *in)
{
	struct tcp_sock *tp = in->tp;
	const struct tcp_opts *o = &in->o;

	tp->ts_ok = tp->ts_ok && o->has_ts;
	tp->sack_ok = tp->sack_ok && o->sack_ok;
	tp->wscale_ok = tp->wscale_ok && o->has_wscale;
	tp->snd_wscale = tp->wscale_ok ? o->wscale : 0;
	if (!tp->wscale_ok)
		tp->rcv_wscale = 0;
	tp->peer_mss = o->mss ? MAX(o->mss, (uint16_t)TCP_MSS_MIN) : TCP_MSS_DEFAULT;
	tp->irs = in->seq;
	tp->rcv_nxt = tp->rcv_wup = tp->copied_seq = tp->urg_seq = in->seq + 1;
	tp->snd_wnd = tp->max_window = in->wnd; /* not scaled in a SYN: RFC 7323, 2.2 */
	tp->snd_wl1 = in->seq;
	if (tp->ts_ok) {
		tp->ts_recent = o->tsval;
		tp->ts_recent_s = (uint32_t)(in->now / NSEC_PER_SEC);
	}
}

static void got_syn_ack(struct tcp_in *in)
{
	struct tcp_sock *tp = in->tp;

	agree(in);
	tp->ecn_ok = tp->ecn_ok && (in->flags & (TH_ECE | TH_CWR)) == TH_ECE;
	tp->snd_una = tp->snd_up = in->ack;
	if (!tp->retries && !tp->held)
		tcp_rtt_sample(tp, in->now - tp->syn_ns, in->now);
	tcp_set_state(tp, TCP_ESTABLISHED);
	tcp_established(tp, in->now);
	/* The program writes at once, or does not: most write, and the data carries the ACK. With
	 * TCP_QUICKACK off the program says that it will. */
	if (tp->pingpong)
		tcp_schedule_ack(tp, in->now);
	else
		tcp_send_ack(tp, in->now);
}

/* Where connect(2) reused a TIME_WAIT, the old connection's segments have older timestamps. */
static bool from_before(const struct tcp_in *in)
{
	return in->tp->ts_recent_s && in->o.has_ts &&
	       (int32_t)(in->o.tsval - in->tp->ts_recent) < 0;
}

static void in_syn_sent(struct tcp_in *in)
{
	struct tcp_sock *tp = in->tp;

	if (in->flags & TH_ACK) {
		if (in->ack != tp->snd_nxt ||
			(tp->ts_ok && in->o.has_ts && in->o.tsecr &&
				(int32_t)(tcp_ts(tp, in->now) - in->o.tsecr) < 0)) {
			tcp_reply_rst(in);
			return;
		}
		if (in->flags & TH_RST) {
			tcp_fail(tp, ECONNREFUSED);
			return;
		}
	}
	if ((in->flags & TH_RST) || !(in->flags & TH_SYN) || from_before(in))
		return;
	if (in->flags & TH_ACK) {
		got_syn_ack(in);
		return;
	}
	/* Both began at the same time (RFC 9293, figure 7): our SYN goes again, as a SYN-ACK. */
	agree(in);
	tp->ecn_ok = false;
	tcp_set_state(tp, TCP_SYN_RECV);
	tp->retries = 0;
	tcp_send_syn(tp, in->now);
	tcp_arm_rto(tp, in->now);
}
