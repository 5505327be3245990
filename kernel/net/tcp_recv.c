/*
 * tcp_recv.c - received bytes on their way to a program: recv(2) with its flags, urgent data, and
 * what reading means to the peer: window, ACK, buffer growth.
 *
 * A reader holds rcv_mutex. It takes all of ->rcv over to ->rq in one step under the socket's lock,
 * copies from there without it, and tells the connection afterwards how far it came: so a read
 * costs two short locked sections, however much it reads. Packets in ->rq stay charged.
 */
#include <file.h>
#include <sched.h>
#include <task.h>
#include "tcp.h"

enum { TCP_CM_INQ = 36 };

struct reader {
	struct tcp_sock *tp;
	struct socket_msg *m;
	uint32_t seq;   /* of the next byte */
	uint32_t freed; /* memory of packets read to their end */
	size_t want, done;
	size_t target; /* enough to return with */
	unsigned flags;
	uint64_t timeout, deadline;
};

static bool is_peek(const struct reader *r)
{
	return r->flags & MSG_PEEK;
}

void tcp_purge_reader(struct tcp_sock *tp)
{
	struct pkt *p;

	while ((p = pkt_dequeue(&tp->rq))) {
		tcp_rmem_add(tp, -(int32_t)p->truesize);
		pkt_free(p);
	}
}

/* ---- what reading does to the connection; lock held ---- */

/* The buffer holds twice what the program reads in a round trip, and room for the sender's slow
 * start to double once more. */
static void grow_buffer(struct tcp_sock *tp, uint64_t now)
{
	struct socket *s = &tp->is.s;
	uint32_t copied;
	uint64_t want, most = s->net->inet->tcp_rmem[2];

	if (!tp->rcv_rtt_ns || now - tp->space_ns < tp->rcv_rtt_ns)
		return;
	copied = tp->copied_seq - tp->space_seq;
	tp->space_ns = now;
	tp->space_seq = tp->copied_seq;
	if (copied <= tp->space)
		return;
	want = 2ull * copied + 16ull * tp->rcv_mss;
	want += want * (copied - tp->space) / MAX(tp->space, 1u);
	tp->space = copied;
	if (s->opts & SOPT_RCVBUF_LOCK || net_mem_pressure())
		return;
	want = MIN(want * 256 / tp->rcv_ratio, most);
	if (want > s->rcvbuf)
		WRITE_ONCE(s->rcvbuf, (uint32_t)want);
}

/* Is an ACK due now that there is more room? */
static bool wants_ack(const struct tcp_sock *tp, size_t copied)
{
	uint32_t unacked = tp->rcv_nxt - tp->rcv_wup, have = tcp_window_left(tp), offer;

	if (tp->ack_sched &&
		(unacked > tp->rcv_mss || (copied && tp->push_seen && !tp->pingpong && !tp->rmem)))
		return true;
	if (!copied || tp->is.s.shutdown & SHUTDOWN_RD || 2 * have > tp->window_clamp)
		return false;
	offer = tcp_window_offer(tp);
	return offer && offer >= 2 * have && offer != have;
}

static void have_read(struct reader *r)
{
	struct tcp_sock *tp = r->tp;
	size_t copied = r->seq - tp->copied_seq;
	uint64_t now;

	if (!copied)
		return;
	WRITE_ONCE(tp->copied_seq, r->seq);
	if (r->freed)
		tcp_rmem_add(tp, -(int32_t)r->freed);
	r->freed = 0;
	if (TCPF(tp->state) & (TCPF(TCP_CLOSE) | TCPF(TCP_LISTEN)))
		return;
	now = clock_ns();
	grow_buffer(tp, now);
	if (wants_ack(tp, copied))
		tcp_send_ack(tp, now);
}

/* Tell the connection how far we came, and take what has come meanwhile. */
static void sync(struct reader *r)
{
	struct tcp_sock *tp = r->tp;
	struct pkt_queue *q = &tp->is.s.rcv;

	net_enter();
	tcp_lock(tp);
	if (!is_peek(r))
		have_read(r);
	if (!list_empty(&q->list)) {
		list_splice_tail(&q->list, &tp->rq.list);
		tp->rq.count += q->count;
		tp->rq.bytes += q->bytes;
		q->count = 0;
		q->bytes = 0;
	}
	tcp_unlock(tp);
	net_exit();
}

/* ---- copying ---- */

static struct pkt *find(struct reader *r)
{
	struct pkt *p;

	list_for_each_entry (p, &r->tp->rq.list, node)
		if (seq_lt(r->seq, tcp_cb(p)->seq + p->len))
			return p;
	return NULL;
}

/* The mark stops a read before it, and is stepped over when nothing was read yet. True: stop. */
static bool at_mark(struct reader *r, uint32_t *n)
{
	struct tcp_sock *tp = r->tp;
	uint32_t ahead;

	if (tp->has_gap && tp->urg_gap == r->seq) { /* an old mark's byte, read out of band */
		if (!is_peek(r))
			tp->has_gap = false;
		r->seq++;
		*n = 0;
		return false;
	}
	if (likely(!tp->urg_data))
		return false;
	ahead = tp->urg_seq - r->seq;
	if (ahead >= *n)
		return false;
	if (ahead) {
		*n = ahead;
		return false;
	}
	if (r->done)
		return true;
	if (tp->is.s.opts & SOPT_OOBINLINE) {
		*n = 1;
	} else {
		r->seq++;
		*n = 0;
	}
	return false;
}

static int copy_out(struct reader *r, struct pkt *p, uint32_t n)
{
	if (r->flags & MSG_TRUNC) /* tcp(7): thrown away */
		return 0;
	return pkt_copy_iter(p, r->seq - tcp_cb(p)->seq, r->m->iter, n);
}

/* Read to its end: it goes, unless it is only looked at. */
static void leave(struct reader *r, struct pkt *p)
{
	struct tcp_sock *tp = r->tp;

	if (tp->urg_data && !seq_lt(tp->urg_seq, tcp_cb(p)->seq) && seq_lt(tp->urg_seq, r->seq) &&
		!is_peek(r))
		tp->urg_passed = true;
	if (is_peek(r) || seq_lt(r->seq, tcp_cb(p)->seq + p->len))
		return;
	tp->push_seen = tcp_cb(p)->flags & TCB_PUSH;
	r->freed += p->truesize;
	pkt_unlink(&tp->rq, p);
	pkt_free(p);
}

/* As much as there is. 1: there may be more to wait for; 0: stop here; or an error. */
static int copy_available(struct reader *r)
{
	struct pkt *p;

	while (r->done < r->want && (p = find(r))) {
		uint32_t left = tcp_cb(p)->seq + p->len - r->seq;
		uint32_t n = (uint32_t)MIN(r->want - r->done, (size_t)left);
		int err;

		if (at_mark(r, &n))
			return 0;
		if (n) {
			err = copy_out(r, p, n);
			if (unlikely(err))
				return err;
			r->seq += n;
			r->done += n;
		}
		leave(r, p);
	}
	return !r->want || r->done < r->want;
}

/* ---- waiting and the end of the stream ---- */

/* Nothing more is there. 1: wait; 0: return what we have; or an error. */
static int at_end(struct reader *r)
{
	struct tcp_sock *tp = r->tp;
	struct socket *s = &tp->is.s;
	bool more = READ_ONCE(tp->rcv_nxt) - r->seq > tp->fin_received; /* came since we looked */

	if (more)
		return 1;
	if (r->done)
		return r->done < r->target && !READ_ONCE(s->error) && tp->state != TCP_CLOSE &&
		       !(READ_ONCE(s->shutdown) & SHUTDOWN_RD) && !(r->flags & MSG_DONTWAIT);
	if (tp->fin_received)
		return 0;
	if (READ_ONCE(s->error))
		return socket_take_error(s);
	if (READ_ONCE(s->shutdown) & SHUTDOWN_RD)
		return 0;
	if (tp->state == TCP_CLOSE)
		return -ENOTCONN;
	return r->flags & MSG_DONTWAIT ? -EAGAIN : 1;
}

static bool is_news(const struct reader *r)
{
	const struct tcp_sock *tp = r->tp;

	return READ_ONCE(tp->rcv_nxt) != r->seq || READ_ONCE(tp->is.s.error) ||
	       READ_ONCE(tp->is.s.shutdown) & SHUTDOWN_RD || READ_ONCE(tp->state) == TCP_CLOSE;
}

/* rcv_mutex is given back: another reader may not want to wait. */
static int wait_data(struct reader *r)
{
	struct socket *s = &r->tp->is.s;
	int err;

	if (!r->deadline) {
		r->timeout = READ_ONCE(s->rcv_timeout_ns);
		r->deadline = socket_deadline(r->timeout);
	}
	mutex_unlock(&s->rcv_mutex);
	err = wait_event_full(&s->rcv_wait, is_news(r), TASK_INTERRUPTIBLE, r->deadline, 0);
	mutex_lock(&s->rcv_mutex);
	if (!is_peek(r))
		r->seq = r->tp->copied_seq; /* others may have read */
	return err ? socket_wait_result(err, r->timeout) : 0;
}

/* ---- urgent data out of band ---- */

static ssize_t recv_urgent(struct reader *r)
{
	struct tcp_sock *tp = r->tp;
	struct socket *s = &tp->is.s;
	uint8_t byte;

	if (s->opts & SOPT_OOBINLINE || !tp->urg_data || tp->urg_data == TCP_URG_READ)
		return -EINVAL;
	if (tp->state == TCP_CLOSE && !tp->fin_received)
		return -ENOTCONN;
	if (!(tp->urg_data & TCP_URG_VALID))
		return s->shutdown & SHUTDOWN_RD ? 0 : -EAGAIN;
	byte = (uint8_t)tp->urg_data;
	r->m->out_flags |= MSG_OOB;
	if (!r->want)
		r->m->out_flags |= MSG_TRUNC;
	else if (!(r->flags & MSG_TRUNC) && copy_to_iter(&byte, 1, r->m->iter) != 1)
		return -EFAULT;
	if (!is_peek(r)) {
		net_enter();
		tcp_lock(tp);
		if (tp->urg_data == (TCP_URG_VALID | byte))
			tp->urg_data = TCP_URG_READ;
		tcp_unlock(tp);
		net_exit();
	}
	return r->want != 0;
}

/* ---- recv(2) ---- */

static int read_loop(struct reader *r)
{
	int more, err;

	for (;;) {
		more = copy_available(r);
		sync(r); /* after an error too: packets that were read to their end are gone */
		if (more < 0)
			return r->done ? 0 : more;
		if (!more)
			return 0;
		if (find(r)) {
			if (!r->want)
				return 0;
			continue;
		}
		more = at_end(r);
		if (more <= 0)
			return more;
		err = wait_data(r);
		if (err)
			return r->done ? 0 : err;
	}
}

/* TCP_INQ: how much is left to read; the end of the stream counts as one byte. */
static void tell_inq(struct tcp_sock *tp, struct socket_msg *m)
{
	uint32_t n = READ_ONCE(tp->rcv_nxt) - tp->copied_seq;
	int left = (int)MIN(n, (uint32_t)INT32_MAX);

	cmsg_put(m, IPPROTO_TCP, TCP_CM_INQ, &left, sizeof(left));
}

/* The urgent byte lies behind us: the mark is history. */
static void pass_mark(struct tcp_sock *tp)
{
	net_enter();
	tcp_lock(tp);
	if (tp->urg_data && seq_lt(tp->urg_seq, tp->copied_seq))
		tp->urg_data = 0;
	tp->urg_passed = false;
	tcp_unlock(tp);
	net_exit();
}

ssize_t tcp_recvmsg(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags)
{
	struct tcp_sock *tp = tcp_sk(s);
	struct reader r = {.tp = tp,
		.m = m,
		.want = n,
		.flags = m->flags | (file_flags & O_NONBLOCK ? MSG_DONTWAIT : 0)};
	ssize_t err;

	if (unlikely(m->flags & MSG_ERRQUEUE))
		return inet_recv_error(&tp->is, m, n);
	if (tp->state == TCP_LISTEN)
		return -ENOTCONN;
	r.target = m->flags & MSG_WAITALL ? n : MIN(n, (size_t)MAX(s->rcvlowat, 1u));
	mutex_lock(&s->rcv_mutex);
	if (unlikely(m->flags & MSG_OOB)) {
		err = recv_urgent(&r);
		mutex_unlock(&s->rcv_mutex);
		return err;
	}
	r.seq = tp->copied_seq;
	if (list_empty(&tp->rq.list))
		sync(&r);
	err = read_loop(&r);
	if (unlikely(tp->urg_passed))
		pass_mark(tp);
	if (unlikely(tp->inq_wanted) && err >= 0)
		tell_inq(tp, m);
	mutex_unlock(&s->rcv_mutex);
	return r.done ? (ssize_t)r.done : err;
}
