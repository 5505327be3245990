/*
 * tcp_receive.c - the payload of received segments: in order, out of order, twice; FIN; urgent
 * data; and when to acknowledge.
 *
 * Payload in order goes to the socket's ->rcv. The rest waits in a tree by sequence number, without
 * overlaps, and is what our SACK blocks tell of (RFC 2018). Memory: pkts are charged with what they
 * pin; when that reaches the buffer's size, small ones are copied together, then out-of-order ones
 * are forgotten again (the sender keeps what is only sacked), then segments are dropped.
 *
 * Does not: give bytes to the program (tcp_recv.c).
 */
#include <string.h>
#include "tcp.h"

enum {
	SMALL = 256,     /* payload that is copied behind the last one rather than kept */
	COLLAPSE = 32768 /* bytes in one pkt when small ones are copied together */
};

/* ---- memory ---- */

/* Copy what is spread thin into few packets; under the lock, but at most the buffer's size. */
static struct pkt *collapse_into(struct tcp_sock *tp, struct pkt *to, const struct pkt *p)
{
	uint8_t bytes[SMALL];
	uint32_t off = 0;

	while (off < p->len) {
		uint32_t n = MIN(p->len - off, (uint32_t)sizeof(bytes));

		pkt_copy_bytes(p, off, bytes, n);
		if (pkt_append_bytes(to, bytes, n)) {
			pkt_trim(to, to->len - off);
			return NULL;
		}
		off += n;
	}
	tcp_cb(to)->end_seq = tcp_cb(p)->end_seq;
	tcp_cb(to)->flags |= tcp_cb(p)->flags;
	return to;
}

static void collapse(struct tcp_sock *tp)
{
	struct pkt_queue *q = &tp->is.s.rcv;
	struct pkt *p, *next, *to = NULL;
	int32_t gain = 0;

	list_for_each_entry_safe (p, next, &q->list, node) {
		bool thin = p->truesize > 2 * p->len;
		uint32_t before;

		if (!thin || !to || to->len + p->len > COLLAPSE ||
			tcp_cb(to)->end_seq != tcp_cb(p)->seq) {
			to = thin ? p : NULL;
			continue;
		}
		before = to->truesize;
		if (!collapse_into(tp, to, p)) {
			to = p;
			continue;
		}
		gain += (int32_t)(p->truesize - (to->truesize - before));
		q->bytes += p->len; /* of @to, which grew */
		pkt_unlink(q, p);
		pkt_free(p);
	}
	if (gain > 0)
		tcp_rmem_add(tp, -gain);
	mib_inc(MIB_TCPX_RCV_COLLAPSED);
}

static void forget_last(struct tcp_sock *tp)
{
	struct pkt *p = tp->ofo_last;

	tp->ofo_last = rb_entry(rb_prev(&p->rb), struct pkt, rb);
	rb_erase(&tp->ofo, &p->rb, NULL);
	tcp_rmem_add(tp, -(int32_t)p->truesize);
	pkt_free(p);
	mib_inc(MIB_TCPX_OFO_DROP);
	tp->nr_sacks = 0;
}

/* Room for @p in the buffer and in the system? One more may always come when nothing waits. */
static bool has_room(struct tcp_sock *tp, const struct pkt *p)
{
	uint32_t size = READ_ONCE(tp->is.s.rcvbuf);

	if (unlikely(tp->rmem + p->truesize > size && tp->rmem)) {
		collapse(tp);
		while (tp->rmem + p->truesize > size && tp->ofo_last &&
			seq_lt(tcp_cb(p)->seq, tcp_cb(tp->ofo_last)->seq))
			forget_last(tp);
		if (tp->rmem > size)
			return false;
	}
	if (likely(tcp_mem_take(tp, p->truesize)))
		return true;
	if (tp->rmem)
		return false;
	tcp_mem_force(tp, p->truesize);
	return true;
}

/* ---- in order ---- */

/* Behind the last packet of the queue, if that saves memory. */
static bool joins_last(struct tcp_sock *tp, struct pkt *p)
{
	struct pkt_queue *q = &tp->is.s.rcv;
	struct pkt *last = list_last(&q->list, struct pkt, node);
	uint32_t before = last->truesize, len = p->len, size = p->truesize;
	uint8_t flags = tcp_cb(p)->flags;
	uint32_t end_seq = tcp_cb(p)->end_seq;

	if (tcp_cb(last)->end_seq != tcp_cb(p)->seq || last->len + len > 65536)
		return false;
	if (len <= SMALL && p->lin_len == len) {
		if (pkt_append_bytes(last, pkt_data(p), len))
			return false;
		pkt_free(p);
	} else if (p->lin_len > SMALL || !pkt_merge(last, p)) {
		return false;
	}
	tcp_cb(last)->end_seq = end_seq;
	tcp_cb(last)->flags |= flags;
	q->bytes += len;
	/* What @p was charged with, less what is still there. */
	tcp_rmem_add(tp, (int32_t)size);
	tcp_rmem_add(tp, -(int32_t)(size - MIN(size, last->truesize - before)));
	return true;
}

/* Charged already; consumes. */
static void queue_in_order(struct tcp_sock *tp, struct pkt *p)
{
	uint32_t len = p->len;

	tp->rcv_nxt = tcp_cb(p)->end_seq;
	tp->bytes_received += len;
	if (!len) { /* a FIN alone */
		tcp_mem_give(tp, p->truesize);
		pkt_free(p);
		return;
	}
	p->dev = NULL;
	if (list_empty(&tp->is.s.rcv.list) || !joins_last(tp, p)) {
		tcp_rmem_add(tp, (int32_t)p->truesize);
		pkt_enqueue(&tp->is.s.rcv, p);
	}
	tp->deferred |= DEFER_READ;
}

static void drain_ofo(struct tcp_sock *tp);

/* The next one in order, and what waited for it. */
static void take_in_order(struct tcp_sock *tp, struct pkt *p)
{
	bool fin = tcp_cb(p)->flags & TCB_FIN;

	queue_in_order(tp, p);
	if (unlikely(fin)) {
		tcp_take_fin(tp);
		return;
	}
	if (unlikely(tp->ofo.node))
		drain_ofo(tp);
}

static void drain_ofo(struct tcp_sock *tp)
{
	struct rb_node *n;

	while ((n = rb_first(&tp->ofo))) {
		struct pkt *p = container_of(n, struct pkt, rb);
		struct tcp_cb *cb = tcp_cb(p);
		bool fin = cb->flags & TCB_FIN;

		if (seq_lt(tp->rcv_nxt, cb->seq))
			break;
		rb_erase(&tp->ofo, n, NULL);
		if (tp->ofo_last == p)
			tp->ofo_last = NULL;
		if (seq_lt(cb->seq, tp->rcv_nxt))
			tcp_dsack(tp, cb->seq, seq_min(tp->rcv_nxt, cb->end_seq));
		tp->rmem -= p->truesize; /* stays charged: it changes queues */
		if (seq_le(cb->end_seq, tp->rcv_nxt)) {
			tcp_mem_give(tp, p->truesize);
			pkt_free(p);
			continue;
		}
		pkt_pull(p, tp->rcv_nxt - cb->seq);
		cb->seq = tp->rcv_nxt;
		list_init(&p->node);
		queue_in_order(tp, p);
		if (fin) {
			tcp_take_fin(tp);
			return;
		}
	}
	if (tp->nr_sacks)
		tcp_sacks_trim(tp);
}

/* ---- out of order ---- */

/* The last one that begins at or before @seq. */
static struct pkt *ofo_find(const struct tcp_sock *tp, uint32_t seq)
{
	struct rb_node *n = tp->ofo.node;
	struct pkt *best = NULL;

	while (n) {
		struct pkt *p = container_of(n, struct pkt, rb);

		if (seq_le(tcp_cb(p)->seq, seq)) {
			best = p;
			n = n->right;
		} else {
			n = n->left;
		}
	}
	return best;
}

static void ofo_link(struct tcp_sock *tp, struct pkt *p, struct pkt *before)
{
	struct rb_node *parent = NULL, **link = &tp->ofo.node;

	if (before) {
		parent = &before->rb;
		link = &parent->right;
	}
	while (*link) {
		parent = *link;
		link = &parent->left;
	}
	rb_insert(&tp->ofo, &p->rb, parent, link, NULL);
	if (!tp->ofo_last || tp->ofo_last == before)
		tp->ofo_last = p;
}

/* Remove or shorten so that nothing overlaps [.., @p's end). */
static void ofo_trim_behind(struct tcp_sock *tp, struct pkt *p, struct rb_node *n)
{
	struct tcp_cb *cb = tcp_cb(p);

	while (n) {
		struct pkt *next = container_of(n, struct pkt, rb);
		struct tcp_cb *ncb = tcp_cb(next);

		if (seq_le(cb->end_seq, ncb->seq))
			return;
		if (seq_lt(cb->end_seq, ncb->end_seq)) { /* keep theirs, cut ours */
			tcp_dsack(tp, ncb->seq, cb->end_seq);
			pkt_trim(p, ncb->seq - cb->seq);
			cb->end_seq = ncb->seq;
			cb->flags &= (uint8_t)~TCB_FIN;
			return;
		}
		tcp_dsack(tp, ncb->seq, ncb->end_seq);
		n = rb_next(n);
		rb_erase(&tp->ofo, &next->rb, NULL);
		if (tp->ofo_last == next)
			tp->ofo_last = NULL;
		tcp_rmem_add(tp, -(int32_t)next->truesize);
		pkt_free(next);
	}
}

static bool ofo_merge(struct tcp_sock *tp, struct pkt *before, struct pkt *p)
{
	struct tcp_cb *bcb = tcp_cb(before), cb = *tcp_cb(p);
	uint32_t was = before->truesize, size = p->truesize;

	if (bcb->end_seq != cb.seq || bcb->flags & TCB_FIN || p->lin_len > SMALL ||
		!pkt_merge(before, p))
		return false;
	bcb->end_seq = cb.end_seq;
	bcb->flags |= cb.flags;
	tcp_rmem_add(tp, (int32_t)size);
	tcp_rmem_add(tp, -(int32_t)(size - MIN(size, before->truesize - was)));
	return true;
}

/* All of @p is here already. Consumes. */
static void ofo_repeated(struct tcp_sock *tp, struct pkt *p, uint32_t start, uint32_t end)
{
	tcp_sacks_add(tp, start, end);
	tcp_mem_give(tp, p->truesize);
	pkt_free(p);
}

/* Consumes. Charged already. */
static void ofo_insert(struct tcp_sock *tp, struct pkt *p)
{
	struct tcp_cb *cb = tcp_cb(p);
	struct pkt *before = ofo_find(tp, cb->seq);
	uint32_t start = cb->seq, end = cb->end_seq;

	mib_inc(MIB_TCPX_OFO_QUEUE);
	tp->rcv_ooo++;
	if (before && seq_lt(cb->seq, tcp_cb(before)->end_seq)) {
		uint32_t known = tcp_cb(before)->end_seq;

		tcp_dsack(tp, cb->seq, seq_min(known, cb->end_seq));
		if (seq_le(cb->end_seq, known)) {
			ofo_repeated(tp, p, start, end);
			return;
		}
		pkt_pull(p, known - cb->seq);
		cb->seq = known;
	}
	ofo_trim_behind(tp, p, before ? rb_next(&before->rb) : rb_first(&tp->ofo));
	if (!tp->ofo_last)
		tp->ofo_last = rb_entry(rb_last(&tp->ofo), struct pkt, rb);
	if (cb->seq == cb->end_seq) { /* no hole between the one before and the one behind */
		ofo_repeated(tp, p, start, end);
		return;
	}
	p->dev = NULL;
	if (!before || !ofo_merge(tp, before, p)) {
		tcp_rmem_add(tp, (int32_t)p->truesize);
		ofo_link(tp, p, before);
	}
	tcp_sacks_add(tp, start, end);
}

/* ---- estimates: the peer's segment size, its round trip, how well pkts use memory ---- */

static void measure(struct tcp_sock *tp, const struct pkt *p)
{
	uint32_t len = p->gso_size ? p->gso_size : p->len;
	uint32_t ratio;

	if (likely(len == tp->last_seg && len >= tp->rcv_mss))
		return;
	if (len > tp->rcv_mss || (len == tp->last_seg && len >= TCP_MSS_DEFAULT))
		tp->rcv_mss = MIN(len, (uint32_t)MAX(tp->advmss, (uint16_t)TCP_MSS_DEFAULT));
	tp->last_seg = len;
	if (len < TCP_MSS_DEFAULT)
		return;
	ratio = (uint32_t)(((uint64_t)p->len << 8) / p->truesize);
	tp->rcv_ratio = (uint8_t)MIN(MAX(ratio, 32u), 240u);
}

static void rtt_of_receiver(struct tcp_sock *tp, uint64_t ns)
{
	if (!ns)
		ns = 1;
	if (!tp->rcv_rtt_ns || ns < tp->rcv_rtt_ns)
		tp->rcv_rtt_ns = ns;
	else
		tp->rcv_rtt_ns += (ns - tp->rcv_rtt_ns) / 8;
}

/* The time until the peer has used up the window it was offered is not less than a round trip; with
 * timestamps the echo tells, in milliseconds. */
static void measure_rtt(struct tcp_in *in)
{
	struct tcp_sock *tp = in->tp;

	if (tp->ts_ok && in->o.tsecr && in->len >= tp->rcv_mss) {
		uint32_t ms = tcp_ts(tp, in->now) - in->o.tsecr;

		if (in->o.tsecr != tp->rtt_echo && ms < 65536) {
			tp->rtt_echo = in->o.tsecr;
			rtt_of_receiver(tp, MAX(ms, 1u) * NSEC_PER_MSEC);
			return;
		}
	}
	if (tp->rtt_start_ns && seq_lt(tp->rcv_nxt, tp->rtt_seq))
		return;
	if (tp->rtt_start_ns)
		rtt_of_receiver(tp, in->now - tp->rtt_start_ns);
	tp->rtt_seq = tp->rcv_nxt + tp->rcv_wnd;
	tp->rtt_start_ns = in->now;
}

/* ---- acknowledging: RFC 9293 3.8.6.3, RFC 5681 4.2 ---- */

static void quick_acks(struct tcp_sock *tp, unsigned max)
{
	unsigned n = tp->rcv_wnd / (2 * tp->rcv_mss);

	n = MIN(MAX(n, 2u), max);
	if (tp->quick < n)
		tp->quick = (uint8_t)n;
}

void tcp_enter_quickack(struct tcp_sock *tp, unsigned max)
{
	quick_acks(tp, max);
	tp->pingpong = 0;
	tp->ato_ns = TCP_DELACK_MIN;
}

/* Data came: how long may its ACK wait? About the time between segments, within limits. */
static void note_arrival(struct tcp_sock *tp, uint64_t now)
{
	uint64_t gap = now - tp->last_rcv_ns;

	tp->ack_sched = true;
	tp->last_rcv_ns = now;
	if (unlikely(!tp->ato_ns)) { /* the sender is in slow start: it needs ACKs */
		quick_acks(tp, TCP_QUICKACKS);
		tp->ato_ns = TCP_DELACK_MIN;
		return;
	}
	if (gap <= TCP_DELACK_MIN / 2)
		tp->ato_ns = tp->ato_ns / 2 + TCP_DELACK_MIN / 2;
	else if (gap < tp->ato_ns)
		tp->ato_ns = MIN(tp->ato_ns / 2 + gap, tp->rto_ns);
	else if (gap > tp->rto_ns)
		quick_acks(tp, TCP_QUICKACKS); /* it begins again slowly */
}

void tcp_schedule_ack(struct tcp_sock *tp, uint64_t now)
{
	uint64_t wait = MAX(tp->ato_ns, (uint64_t)TCP_DELACK_MIN);
	uint64_t most = tp->pingpong ? TCP_DELACK_MAX : TCP_DELACK_MAX / 2;

	if (tp->srtt_ns)
		most = MIN(most, MAX(tp->srtt_ns, (uint64_t)TCP_DELACK_MIN));
	tp->ack_sched = true;
	if (tp->due[TCP_T_ACK] == TCP_NEVER)
		tcp_set_timer(tp, TCP_T_ACK, now + MIN(wait, most));
}

/* After a segment and what it let us send: an ACK that did not go with data goes now or soon. */
void tcp_ack_policy(struct tcp_sock *tp, uint64_t now)
{
	uint32_t unacked = tp->rcv_nxt - tp->rcv_wup;

	if (likely(!tp->ack_sched && !tp->ack_now))
		return;
	if (tp->ack_now || tp->ofo.node || (tp->quick && !tp->pingpong)) {
		tcp_send_ack(tp, now);
		return;
	}
	/* More than one segment, and the reader keeps up: each second one (the reader's own ACK
	 * tells of more room otherwise: tcp_recv.c). */
	if (unacked > tp->rcv_mss && (tp->rcv_nxt - tp->copied_seq < tp->is.s.rcvlowat ||
					     tcp_window_offer(tp) >= tp->rcv_wnd)) {
		tcp_send_ack(tp, now);
		return;
	}
	tcp_schedule_ack(tp, now);
}

/* ---- FIN ---- */

void tcp_take_fin(struct tcp_sock *tp)
{
	uint8_t next = tcp_states[tp->state].on_fin;
	uint64_t now = clock_ns();

	WRITE_ONCE(tp->is.s.shutdown, tp->is.s.shutdown | SHUTDOWN_RD);
	WRITE_ONCE(tp->fin_received, true);
	tcp_purge_ofo(tp);
	tp->deferred |= DEFER_ALL;
	tp->ack_sched = true;
	switch (next) {
	case TCP_CLOSE_WAIT:
		tcp_set_state(tp, TCP_CLOSE_WAIT);
		tp->pingpong = 1; /* the program's own FIN or data may carry the ACK */
		tp->quick = 0;
		break;
	case TCP_CLOSING:
		tcp_send_ack(tp, now);
		tcp_set_state(tp, TCP_CLOSING);
		break;
	case TCP_TIME_WAIT:
		tcp_send_ack(tp, now);
		tcp_time_wait(tp, TCP_TIME_WAIT, TCP_TIMEWAIT);
		break;
	default:
		break;
	}
}

/* ---- a segment with payload or FIN ---- */

/* All of it was here before. */
static void take_old(struct tcp_in *in)
{
	struct tcp_sock *tp = in->tp;

	tcp_enter_quickack(tp, TCP_QUICKACKS);
	tcp_dsack(tp, in->seq, in->end_seq);
	tp->ack_now = true;
}

static void drop_for_memory(struct tcp_sock *tp)
{
	mib_inc(MIB_TCPX_ZERO_WINDOW_DROP);
	tcp_enter_quickack(tp, TCP_QUICKACKS);
	tp->ack_now = true;
}

void tcp_take_data(struct tcp_in *in)
{
	struct tcp_sock *tp = in->tp;
	struct pkt *p = in->p;
	struct tcp_cb *cb = tcp_cb(p);

	if (unlikely(seq_le(in->end_seq, tp->rcv_nxt))) {
		take_old(in);
		return;
	}
	if (unlikely(!seq_lt(in->seq, tp->rcv_nxt + tcp_window_left(tp)) &&
		     !(in->seq == tp->rcv_nxt && !in->len))) { /* a FIN needs no room */
		tcp_enter_quickack(tp, TCP_QUICKACKS);
		tp->ack_now = true;
		return;
	}
	pkt_pull(p, in->hlen);
	*cb = (struct tcp_cb){.seq = in->seq,
		.end_seq = in->end_seq,
		.flags = (uint8_t)((in->flags & TH_FIN ? TCB_FIN : 0) |
				   (in->flags & TH_PSH ? TCB_PUSH : 0))};
	if (unlikely(!has_room(tp, p))) {
		drop_for_memory(tp);
		return;
	}
	in->p = NULL;
	tp->data_segs_in += MAX(p->gso_segs, (uint16_t)1);
	measure(tp, p);
	if (likely(seq_le(cb->seq, tp->rcv_nxt))) {
		if (unlikely(cb->seq != tp->rcv_nxt)) {
			tcp_dsack(tp, cb->seq, tp->rcv_nxt);
			tcp_enter_quickack(tp, TCP_QUICKACKS);
			pkt_pull(p, tp->rcv_nxt - cb->seq);
			cb->seq = tp->rcv_nxt;
		}
		measure_rtt(in);
		note_arrival(tp, in->now);
		take_in_order(tp, p);
		return;
	}
	note_arrival(tp, in->now);
	tcp_enter_quickack(tp, TCP_QUICKACKS);
	tp->ack_now = true;
	ofo_insert(tp, p);
}

/* ---- urgent data: the pointer names one byte; tcp(7), RFC 6093 ---- */

static void new_mark(struct tcp_in *in)
{
	struct tcp_sock *tp = in->tp;
	uint32_t at = in->seq + (in->urgent ? in->urgent - 1u : 0); /* as everybody reads it */

	if (seq_lt(at, tp->copied_seq) || seq_lt(at, tp->rcv_nxt))
		return;
	if (tp->urg_data && seq_le(at, tp->urg_seq))
		return;
	/* The reader stands before the old one and has had it, if it wanted to. */
	if (tp->urg_data && tp->urg_seq == tp->copied_seq && tp->copied_seq != tp->rcv_nxt &&
		!(tp->is.s.opts & SOPT_OOBINLINE)) {
		tp->urg_gap = tp->urg_seq;
		tp->has_gap = true;
	}
	tp->urg_data = TCP_URG_NOTYET;
	tp->urg_seq = at;
	tp->deferred |= DEFER_URG;
}

void tcp_take_urgent(struct tcp_in *in)
{
	struct tcp_sock *tp = in->tp;
	uint32_t off;
	uint8_t byte;

	if (in->flags & TH_URG && !(tp->is.s.shutdown & SHUTDOWN_RD))
		new_mark(in);
	if (tp->urg_data != TCP_URG_NOTYET)
		return;
	off = tp->urg_seq - in->seq;
	if (off >= in->len)
		return;
	pkt_copy_bytes(in->p, in->hlen + off, &byte, 1);
	tp->urg_data = TCP_URG_VALID | byte;
	tp->deferred |= DEFER_READ;
}
