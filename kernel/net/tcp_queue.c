/*
 * tcp_queue.c - the queue of what was sent and not yet acknowledged, and cutting packets in two.
 *
 * Sent packets are a tree by sequence number with its two ends at hand: new ones go to the end,
 * acknowledged ones leave at the front, SACK finds its places by descending. Those not sacked are
 * also on ->order, by time of sending, which RACK walks.
 */
#include "tcp.h"

void tcp_rtx_add(struct tcp_sock *tp, struct pkt *q)
{
	struct pkt *last = tp->rtx_last;

	rb_insert(&tp->rtx, &q->rb, last ? &last->rb : NULL, last ? &last->rb.right : &tp->rtx.node,
		NULL);
	if (!last)
		tp->rtx_first = q;
	tp->rtx_last = q;
	list_add_tail(&tcp_cb(q)->order, &tp->order);
}

void tcp_rtx_del(struct tcp_sock *tp, struct pkt *q)
{
	struct pkt *next = tcp_rtx_next(q);

	if (tp->rtx_first == q)
		tp->rtx_first = next;
	if (tp->rtx_hint == q)
		tp->rtx_hint = next;
	if (tp->rtx_last == q)
		tp->rtx_last = rb_entry(rb_prev(&q->rb), struct pkt, rb);
	rb_erase(&tp->rtx, &q->rb, NULL);
	list_del(&tcp_cb(q)->order);
	tcp_wmem_add(tp, -(int32_t)q->truesize);
	pkt_free(q);
}

struct pkt *tcp_rtx_find(const struct tcp_sock *tp, uint32_t seq)
{
	struct rb_node *n = tp->rtx.node;
	struct pkt *best = NULL;

	while (n) {
		struct pkt *q = container_of(n, struct pkt, rb);

		if (seq_lt(seq, tcp_cb(q)->end_seq)) {
			best = q;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return best;
}

static void insert_behind(struct tcp_sock *tp, struct pkt *q, struct pkt *rest)
{
	struct rb_node *parent = &q->rb;
	struct rb_node **link = &parent->right;

	while (*link) {
		parent = *link;
		link = &parent->left;
	}
	rb_insert(&tp->rtx, &rest->rb, parent, link, NULL);
	if (tp->rtx_last == q)
		tp->rtx_last = rest;
	if (!list_empty(&tcp_cb(q)->order))
		list_add(&tcp_cb(rest)->order, &tcp_cb(q)->order);
}

static uint8_t segs_of(const struct tcp_sock *tp, const struct pkt *q)
{
	return (uint8_t)MIN(MAX(DIV_ROUND_UP(q->len, (uint32_t)tp->mss), 1u), 255u);
}

struct pkt *tcp_cut(struct tcp_sock *tp, struct pkt *q, uint32_t at)
{
	struct tcp_cb *cb = tcp_cb(q), *rest_cb;
	bool sent = seq_lt(cb->seq, tp->snd_nxt);
	struct pkt *rest = pkt_alloc_tx();
	uint32_t moved;

	ASSERT(at && at < q->len);
	if (!rest)
		return NULL;
	if (pkt_append_ref(rest, q, at, q->len - at)) {
		pkt_free(rest);
		return NULL;
	}
	moved = MIN(rest->truesize - (uint32_t)sizeof(*rest), q->truesize - (uint32_t)sizeof(*q));
	pkt_trim(q, at);
	q->truesize -= moved;
	rest->truesize = (uint32_t)sizeof(*rest) + moved;
	tcp_mem_force(tp, sizeof(*rest));
	tcp_wmem_add(tp, sizeof(*rest));
	rest_cb = tcp_cb(rest);
	*rest_cb = *cb;
	list_init(&rest_cb->order);
	rest_cb->seq = cb->seq + at;
	cb->end_seq = rest_cb->seq;
	cb->flags &= (uint8_t) ~(TCB_FIN | TCB_PUSH);
	if (cb->flags & TCB_SACKED)
		tp->sacked_segs -= cb->segs;
	cb->segs = segs_of(tp, q);
	rest_cb->segs = segs_of(tp, rest);
	if (cb->flags & TCB_SACKED)
		tp->sacked_segs += cb->segs + rest_cb->segs;
	if (sent) {
		insert_behind(tp, q, rest);
	} else {
		list_add(&rest->node, &q->node);
		tp->wq.count++;
	}
	return rest;
}
