/*
 * tcp_check.c - invariants of a connection: order of its sequence numbers, queues and trees that
 * are what the counters say, memory within its bounds.
 */
#include "tcp_check.h"
#include <sched.h>
#include <unit.h>

/* Sent and not acknowledged: consecutive, and counted by what is known of each. */
static uint32_t check_rtx(const struct tcp_sock *tp)
{
	uint32_t at = tp->snd_una, memory = 0, sacked = 0, lost = 0, retrans = 0, order = 0;
	const bool syn = tp->snd_una == tp->iss; /* simultaneous open: it is in no queue */
	const struct pkt *q, *last = NULL;

	for (q = tp->rtx_first; q; q = tcp_rtx_next(q)) {
		const struct tcp_cb *cb = tcp_cb(q);

		if (last)
			EXPECT_EQ(cb->seq, at);
		else
			EXPECT(seq_le(cb->seq, at + syn) && seq_lt(at, cb->end_seq));
		at = cb->end_seq;
		memory += q->truesize;
		sacked += cb->flags & TCB_SACKED ? tcp_cb_len(q) : 0;
		lost += cb->flags & TCB_LOST ? tcp_cb_len(q) : 0;
		retrans += cb->flags & TCB_RETRANS ? tcp_cb_len(q) : 0;
		order += !list_empty(&cb->order);
		EXPECT(!(cb->flags & TCB_SACKED) || list_empty(&cb->order));
		EXPECT(!(cb->flags & TCB_SACKED && cb->flags & (TCB_LOST | TCB_RETRANS)));
		last = q;
	}
	EXPECT(tp->rtx_last == last);
	if (last)
		EXPECT_EQ(at, tp->snd_nxt);
	for (const struct list_head *n = tp->order.next; n != &tp->order; n = n->next)
		order--;
	EXPECT_EQ(order, 0);
	EXPECT_EQ(tp->lost, lost);
	EXPECT_EQ(tp->retrans, retrans);
	if (tp->sack_ok)
		EXPECT_EQ(tp->sacked, sacked);
	EXPECT(tp->sacked + tp->lost <= tp->snd_nxt - tp->snd_una + 1);
	return memory;
}

static uint32_t queue_memory(const struct pkt_queue *q)
{
	uint32_t memory = 0, count = 0;
	const struct pkt *p;

	list_for_each_entry (p, &q->list, node) {
		memory += p->truesize;
		count++;
	}
	EXPECT_EQ(count, q->count);
	return memory;
}

/* Out of order: apart, ascending, ahead of what is next. */
static uint32_t check_ofo(const struct tcp_sock *tp)
{
	uint32_t memory = 0, at = tp->rcv_nxt;
	const struct pkt *last = NULL;

	for (struct rb_node *n = rb_first(&tp->ofo); n; n = rb_next(n)) {
		const struct pkt *p = container_of(n, struct pkt, rb);

		EXPECT(seq_lt(tcp_cb(p)->seq, tcp_cb(p)->end_seq));
		EXPECT(last ? seq_le(at, tcp_cb(p)->seq) : seq_lt(at, tcp_cb(p)->seq));
		at = tcp_cb(p)->end_seq;
		memory += p->truesize;
		last = p;
	}
	EXPECT(tp->ofo_last == last);
	return memory;
}

void tcp_check(struct tcp_sock *tp)
{
	uint32_t sent, waiting;

	if (!tcp_in(tp, TCPF_SYNCED & ~TCPF(TCP_SYN_RECV)))
		return;
	EXPECT(seq_le(tp->snd_una, tp->snd_nxt));
	EXPECT(seq_le(tp->snd_nxt, tp->write_seq + 1));
	EXPECT(seq_le(tp->copied_seq, tp->rcv_nxt));
	EXPECT(seq_le(tp->rcv_wup, tp->rcv_nxt));
	EXPECT(tp->mss);
	EXPECT(tp->cwnd);
	EXPECT(tp->cwnd <= TCP_CWND_MAX);
	EXPECT(tp->rto_ns >= TCP_RTO_MIN && tp->rto_ns <= TCP_RTO_MAX);
	sent = check_rtx(tp);
	waiting = queue_memory(&tp->wq);
	EXPECT_EQ(tp->wmem, sent + waiting);
	EXPECT_EQ(tp->rmem, queue_memory(&tp->is.s.rcv) + queue_memory(&tp->rq) + check_ofo(tp));
	/* One more is let in than fits, and what is in order while a window was offered. */
	EXPECT(tp->rmem <= 2 * tp->is.s.rcvbuf + (256 << 10));
	EXPECT(!current->nr_held);
}
