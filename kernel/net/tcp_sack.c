/*
 * tcp_sack.c - selective acknowledgement, both ways: the blocks we report (RFC 2018, 2883) and the
 * scoreboard kept from the peer's (RFC 6675).
 *
 * The scoreboard is flags on sent packets and sums of bytes. A packet of several segments that is
 * sacked in part is cut, but only where segments ended, so that a peer cannot make us cut it to
 * crumbs. What previous ACKs reported already is skipped (->sack_cache).
 *
 * Does not: conclude what is lost (tcp_recovery.c).
 */
#include <string.h>
#include "tcp.h"

/* ---- ours ---- */

void tcp_sacks_trim(struct tcp_sock *tp)
{
	unsigned i, k = 0;

	if (!tp->ofo.node) {
		tp->nr_sacks = 0;
		return;
	}
	for (i = 0; i < tp->nr_sacks; i++)
		if (seq_lt(tp->rcv_nxt, tp->sacks[i].start))
			tp->sacks[k++] = tp->sacks[i];
	tp->nr_sacks = (uint8_t)k;
}

void tcp_sacks_add(struct tcp_sock *tp, uint32_t start, uint32_t end)
{
	struct tcp_range all = {start, end};
	unsigned i, k = 0;

	if (!tp->sack_ok)
		return;
	/* What it touches is one block with it, and the newest comes first (RFC 2018, 4). */
	for (i = 0; i < tp->nr_sacks; i++) {
		struct tcp_range r = tp->sacks[i];

		if (seq_le(r.start, all.end) && seq_le(all.start, r.end)) {
			all.start = seq_min(all.start, r.start);
			all.end = seq_max(all.end, r.end);
		} else {
			tp->sacks[k++] = r;
		}
	}
	k = MIN(k, TCP_SACKS - 1u);
	memmove(&tp->sacks[1], &tp->sacks[0], k * sizeof(tp->sacks[0]));
	tp->sacks[0] = all;
	tp->nr_sacks = (uint8_t)(k + 1);
}

void tcp_dsack(struct tcp_sock *tp, uint32_t start, uint32_t end)
{
	if (!tp->sack_ok)
		return;
	if (tp->has_dsack && seq_le(start, tp->dsack.end) && seq_le(tp->dsack.start, end)) {
		tp->dsack.start = seq_min(start, tp->dsack.start);
		tp->dsack.end = seq_max(end, tp->dsack.end);
		return;
	}
	tp->dsack = (struct tcp_range){start, end};
	tp->has_dsack = true;
}

/* ---- the peer's ---- */

void tcp_mark_lost(struct tcp_sock *tp, struct pkt *q)
{
	struct tcp_cb *cb = tcp_cb(q);
	uint32_t n = tcp_cb_len(q);

	if (cb->flags & TCB_RETRANS) {
		cb->flags &= (uint8_t)~TCB_RETRANS;
		tp->retrans -= n;
	}
	if (!(cb->flags & TCB_LOST)) {
		cb->flags |= TCB_LOST;
		tp->lost += n;
	}
	if (!tp->rtx_hint || seq_lt(cb->seq, tcp_cb(tp->rtx_hint)->seq))
		tp->rtx_hint = q;
}

static void mark_sacked(struct tcp_sock *tp, struct pkt *q, struct tcp_acked *a)
{
	struct tcp_cb *cb = tcp_cb(q);
	uint32_t n = tcp_cb_len(q);

	tcp_rack_delivered(tp, q, a);
	if (!(cb->flags & TCB_EVER) && seq_le(cb->end_seq, tp->high_seq))
		a->orig_acked = true;
	if (cb->flags & TCB_LOST)
		tp->lost -= n;
	if (cb->flags & TCB_RETRANS)
		tp->retrans -= n;
	cb->flags &= (uint8_t) ~(TCB_LOST | TCB_RETRANS);
	cb->flags |= TCB_SACKED;
	tp->sacked += n;
	tp->sacked_segs += cb->segs;
	list_del(&cb->order);
	a->delivered += n;
	a->sacked = true;
}

/* Cut @q so that it ends at @at, or at the end of a segment before it. False: it stays whole. */
static bool cut_at(struct tcp_sock *tp, struct pkt *q, uint32_t at)
{
	uint32_t n = at - tcp_cb(q)->seq;

	n -= n % tp->mss;
	if (!n || n >= q->len || tp->wmem > 2 * tp->is.s.sndbuf + 65536)
		return false;
	return tcp_cut(tp, q, n) != NULL;
}

static void tag(struct tcp_sock *tp, struct tcp_range block, uint32_t from, struct tcp_acked *a)
{
	struct pkt *q = tcp_rtx_find(tp, from);

	for (; q && seq_lt(tcp_cb(q)->seq, block.end); q = tcp_rtx_next(q)) {
		struct tcp_cb *cb = tcp_cb(q);

		if (cb->flags & TCB_SACKED)
			continue;
		if (seq_lt(cb->seq, block.start)) { /* its end is sacked: look at that alone */
			uint32_t first = block.start - cb->seq;

			first = DIV_ROUND_UP(first, (uint32_t)tp->mss) * tp->mss;
			if (seq_lt(cb->seq + first, cb->end_seq))
				(void)cut_at(tp, q, cb->seq + first);
			continue;
		}
		if (seq_lt(block.end, cb->end_seq) && !cut_at(tp, q, block.end))
			return;
		mark_sacked(tp, q, a);
	}
}

/* Where to begin with @block: what an earlier ACK reported of it is tagged. */
static uint32_t skip_known(const struct tcp_sock *tp, struct tcp_range block)
{
	uint32_t from = block.start;
	unsigned i;

	for (i = 0; i < TCP_SACKS; i++) {
		const struct tcp_range *c = &tp->sack_cache[i];

		if (c->start != c->end && seq_le(c->start, from) && seq_lt(from, c->end))
			from = seq_min(c->end, block.end);
	}
	return from;
}

/* RFC 2883, 4: the first block lies below the cumulative ACK, or within the second. */
static bool is_dsack(const struct tcp_in *in, struct tcp_acked *a)
{
	struct tcp_sock *tp = in->tp;
	struct tcp_range b = in->o.sack[0];

	if (!seq_lt(b.start, in->ack)) {
		struct tcp_range second = in->o.sack[1];

		if (in->o.nr_sacks < 2 || seq_lt(b.start, second.start) ||
			seq_lt(second.end, b.end))
			return false;
	}
	if (!seq_lt(b.start, b.end) || b.end - b.start > tp->max_window + tp->cwnd ||
		seq_lt(b.end, tp->undo_ok ? tp->undo_seq : tp->snd_una - tp->max_window))
		return true; /* of no use, but no SACK block either */
	mib_inc(MIB_TCPX_DSACK_RECV);
	tp->dsack_dups++;
	a->dsack = true;
	tp->rack.dsack = true;
	tp->undo_retrans -= MIN(tp->undo_retrans, b.end - b.start);
	return true;
}

static bool is_valid(const struct tcp_in *in, struct tcp_range b)
{
	return seq_lt(b.start, b.end) && seq_lt(in->ack, b.start) && seq_le(b.end, in->tp->snd_nxt);
}

void tcp_sack_take(struct tcp_in *in, struct tcp_acked *a)
{
	struct tcp_sock *tp = in->tp;
	struct tcp_range seen[TCP_SACKS] = {{0, 0}};
	unsigned i = is_dsack(in, a) ? 1 : 0;

	for (; i < in->o.nr_sacks; i++) {
		struct tcp_range b = in->o.sack[i];

		if (!is_valid(in, b))
			continue;
		tag(tp, b, skip_known(tp, b), a);
		seen[i] = b;
	}
	memcpy(tp->sack_cache, seen, sizeof(seen));
}

/* The peer dropped what it had sacked, which it may (RFC 2018, 8). */
void tcp_sack_forget(struct tcp_sock *tp)
{
	struct pkt *q;

	for (q = tp->rtx_first; q; q = tcp_rtx_next(q)) {
		struct tcp_cb *cb = tcp_cb(q);

		if (!(cb->flags & TCB_SACKED))
			continue;
		cb->flags &= (uint8_t)~TCB_SACKED;
		list_add_tail(&cb->order, &tp->order);
	}
	tp->sacked = tp->sacked_segs = 0;
	memset(tp->sack_cache, 0, sizeof(tp->sack_cache));
}
