/*
 * tcp_send.c - a program's bytes on their way into the write queue: send(2), sendfile(2).
 *
 * The bytes are copied into a packet first, with snd_mutex held and no spinlock; then the packet is
 * queued (joined with the last unsent one if that is short) and pushed under the socket's lock.
 * Whoever waits for room gives snd_mutex back, as another sender may not want to wait.
 */
#include <file.h>
#include <sched.h>
#include <task.h>
#include "tcp.h"
#include "zerocopy.h"

bool tcp_below_lowat(const struct tcp_sock *tp)
{
	return !tp->notsent_lowat ||
	       READ_ONCE(tp->write_seq) - READ_ONCE(tp->snd_nxt) < tp->notsent_lowat;
}

/* Room for one more packet, which may go over. */
static bool has_room(const struct tcp_sock *tp)
{
	return READ_ONCE(tp->wmem) < READ_ONCE(tp->is.s.sndbuf) && tcp_below_lowat(tp);
}

static bool is_broken(const struct tcp_sock *tp)
{
	return READ_ONCE(tp->is.s.error) || READ_ONCE(tp->is.s.shutdown) & SHUTDOWN_WR;
}

/* What a call returns that did @done bytes and then met @err. -EPIPE: the connection is broken, and
 * if the program was not told why yet, it is told now; but not by a call that did something. */
static ssize_t result(struct tcp_sock *tp, size_t done, int err)
{
	if (done)
		return (ssize_t)done;
	if (err == -EPIPE && READ_ONCE(tp->is.s.error)) {
		int why = socket_take_error(&tp->is.s);

		return why ? why : -EPIPE;
	}
	return err;
}

static bool may_write(const struct tcp_sock *tp)
{
	return TCPF(READ_ONCE(tp->state)) & (TCPF(TCP_ESTABLISHED) | TCPF(TCP_CLOSE_WAIT));
}

static bool is_connecting(const struct tcp_sock *tp)
{
	return TCPF(READ_ONCE(tp->state)) & (TCPF(TCP_SYN_SENT) | TCPF(TCP_SYN_RECV));
}

/* ---- waiting; snd_mutex is given back meanwhile ---- */

struct wait_ctl {
	unsigned flags;
	uint64_t timeout, deadline;
};

/* wait_event_full() on snd_wait for @cond; 0 or what the program is told. */
#define WAIT_WRITER(tp, w, cond)                                                                   \
	({                                                                                         \
		struct socket *s_ = &(tp)->is.s;                                                   \
		int err_;                                                                          \
		if (!(w)->deadline) {                                                              \
			(w)->timeout = READ_ONCE(s_->snd_timeout_ns);                              \
			(w)->deadline = socket_deadline((w)->timeout);                             \
		}                                                                                  \
		mutex_unlock(&s_->snd_mutex);                                                      \
		err_ = wait_event_full(&s_->snd_wait, cond, TASK_INTERRUPTIBLE, (w)->deadline, 0); \
		mutex_lock(&s_->snd_mutex);                                                        \
		err_ ? socket_wait_result(err_, (w)->timeout) : 0;                                 \
	})

static int wait_connected(struct tcp_sock *tp, struct wait_ctl *w)
{
	int err;

	while (!may_write(tp)) {
		if (is_broken(tp) || !is_connecting(tp))
			return -EPIPE;
		if (w->flags & MSG_DONTWAIT)
			return -EAGAIN;
		err = WAIT_WRITER(tp, w, !is_connecting(tp) || is_broken(tp));
		if (err)
			return err;
	}
	return 0;
}

static int wait_room(struct tcp_sock *tp, struct wait_ctl *w)
{
	int err;

	while (!has_room(tp)) {
		if (is_broken(tp))
			return -EPIPE;
		WRITE_ONCE(tp->nospace, true);
		smp_mb(); /* pairs with the lock of who frees room and looks at nospace */
		if (has_room(tp))
			break;
		if (w->flags & MSG_DONTWAIT)
			return -EAGAIN;
		err = WAIT_WRITER(tp, w, has_room(tp) || is_broken(tp));
		if (err)
			return err;
	}
	return is_broken(tp) ? -EPIPE : 0;
}

/* ---- queueing; lock held ---- */

static uint32_t size_goal(const struct tcp_sock *tp)
{
	return tcp_goal(READ_ONCE(tp->mss));
}

static struct pkt *last_unsent(const struct tcp_sock *tp)
{
	return list_empty(&tp->wq.list) ? NULL : list_last(&tp->wq.list, struct pkt, node);
}

/* Make one packet of the last unsent one and @q. */
static bool joins_last(struct tcp_sock *tp, struct pkt *q, uint32_t len)
{
	struct pkt *last = last_unsent(tp);
	uint32_t was;

	if (!last || q->note || last->len + len > size_goal(tp) || tcp_cb(last)->flags & TCB_FIN)
		return false;
	was = last->truesize;
	if (!pkt_merge(last, q))
		return false;
	tcp_cb(last)->end_seq += len;
	tp->wq.bytes += len;
	tcp_mem_force(tp, last->truesize - was);
	tcp_wmem_add(tp, (int32_t)(last->truesize - was));
	return true;
}

/* Consumes @q. */
static void enqueue(struct tcp_sock *tp, struct pkt *q)
{
	uint32_t len = q->len;

	if (!joins_last(tp, q, len)) {
		struct tcp_cb *cb = tcp_cb(q);

		*cb = (struct tcp_cb){
			.seq = tp->write_seq, .end_seq = tp->write_seq + len, .segs = 1};
		list_init(&cb->order);
		tcp_queue_write(tp, q);
	}
	tp->write_seq += len;
}

/* What was queued is to go; the last packet carries PSH at the end of a write, and where the peer
 * should hand on what it has meanwhile (RFC 9293, 3.9.1.2). */
static void push(struct tcp_sock *tp, unsigned flags, bool is_end)
{
	uint64_t now = clock_ns();
	struct pkt *last = last_unsent(tp);
	uint8_t nonagle = tp->nonagle;

	if (is_end && flags & MSG_OOB)
		tp->snd_up = tp->write_seq;
	if (last && ((is_end && !(flags & MSG_MORE)) ||
			    tp->write_seq - tp->pushed_seq > tp->max_window / 2)) {
		tcp_cb(last)->flags |= TCB_PUSH;
		tp->pushed_seq = tp->write_seq;
	}
	if (flags & MSG_MORE)
		tp->nonagle = TCP_CORK_ON;
	tcp_push(tp, now);
	tp->nonagle = nonagle & (uint8_t)~TCP_PUSH_ON;
}

/* Consumes @q, charged or not. 0, or why not: the connection has changed meanwhile. */
static int hand_over(struct tcp_sock *tp, struct pkt *q, unsigned flags, bool is_end)
{
	int err = 0;

	net_enter();
	tcp_lock(tp);
	if (unlikely(!may_write(tp) || is_broken(tp))) {
		err = -EPIPE;
		pkt_free(q);
	} else {
		enqueue(tp, q);
		push(tp, flags, is_end);
	}
	tcp_unlock(tp);
	net_exit();
	return err;
}

/* How many bytes make the next packet: what fills the last unsent one up, or a whole one. */
static uint32_t next_size(struct tcp_sock *tp)
{
	uint32_t goal = size_goal(tp), left = goal;
	struct pkt *last;

	if (likely(list_empty(&tp->wq.list)))
		return goal;
	net_enter();
	tcp_lock(tp);
	last = last_unsent(tp);
	if (last && last->len < goal && last->nr_frags < PKT_FRAGS - 1)
		left = goal - last->len;
	tcp_unlock(tp);
	net_exit();
	return left;
}

/* ---- send(2) ---- */

/* Whether the connection's route lets the program's pages go out as they are. */
static bool may_lend(struct tcp_sock *tp)
{
	bool yes;

	net_enter();
	tcp_lock(tp);
	yes = !tcp_route(tp) && zerocopy_device(tp->is.dst.dev);
	tcp_unlock(tp);
	net_exit();
	return yes;
}

/* One packet's worth into @q. Pages that are lent do not join what is there: they fill packets of
 * their own. */
static ssize_t fill(struct tcp_sock *tp, struct pkt *q, struct socket_msg *m, size_t n)
{
	ssize_t got;

	if (unlikely(m->zerocopy != NULL)) {
		got = zerocopy_append(m, q, MIN(n, (size_t)size_goal(tp)));
		if (got != -EOPNOTSUPP)
			return got;
		zerocopy_give_up(m);
	}
	got = pkt_append_iter(q, m->iter, MIN(n, (size_t)next_size(tp)));
	return got ? got : -ENOMEM;
}

/* One packet's worth. Bytes, or an error. */
static ssize_t send_some(struct tcp_sock *tp, struct socket_msg *m, size_t n)
{
	struct pkt *q = pkt_alloc_tx();
	ssize_t got;
	int err;

	if (!q)
		return -ENOMEM;
	got = fill(tp, q, m, n);
	if (got <= 0) {
		pkt_free(q);
		return got ? got : -ENOMEM;
	}
	err = hand_over(tp, q, m->flags, (size_t)got == n);
	return err ? err : got;
}

/* What was held back for more to come goes: the writer stops here. */
static void flush(struct tcp_sock *tp)
{
	net_enter();
	tcp_lock(tp);
	if (may_write(tp) || tp->wq.count) {
		tp->nonagle |= TCP_PUSH_ON;
		tcp_push(tp, clock_ns());
	}
	tcp_unlock(tp);
	net_exit();
}

ssize_t tcp_sendmsg(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags)
{
	struct tcp_sock *tp = tcp_sk(s);
	struct wait_ctl w = {.flags = m->flags | (file_flags & O_NONBLOCK ? MSG_DONTWAIT : 0)};
	size_t done = 0;
	ssize_t got = 0;
	int err;

	if (m->flags & MSG_FASTOPEN)
		return -EOPNOTSUPP;
	mutex_lock(&s->snd_mutex);
	err = wait_connected(tp, &w);
	if (!err && is_broken(tp))
		err = -EPIPE;
	if (unlikely(m->zerocopy != NULL) && !err && !may_lend(tp))
		zerocopy_give_up(m);
	while (!err && done < n) {
		err = wait_room(tp, &w);
		if (err)
			break;
		got = send_some(tp, m, n - done);
		if (got < 0)
			err = (int)got;
		else
			done += (size_t)got;
	}
	if (unlikely(err && done))
		flush(tp);
	mutex_unlock(&s->snd_mutex);
	return result(tp, done, err);
}

/* ---- sendfile(2), splice(2): pages by reference ---- */

ssize_t tcp_sendpage(struct socket *s, struct page *page, unsigned off, size_t n, unsigned flags,
	unsigned file_flags)
{
	struct tcp_sock *tp = tcp_sk(s);
	struct wait_ctl w = {.flags = flags | (file_flags & O_NONBLOCK ? MSG_DONTWAIT : 0)};
	size_t done = 0;
	int err;

	mutex_lock(&s->snd_mutex);
	err = wait_connected(tp, &w);
	while (!err && done < n) {
		uint32_t part;
		struct pkt *q;

		err = wait_room(tp, &w);
		if (err)
			break;
		part = (uint32_t)MIN(n - done, (size_t)size_goal(tp));
		q = pkt_alloc_tx();
		if (!q) {
			err = -ENOMEM;
			break;
		}
		if (!pkt_add_frag(q, page_get(page), off + (unsigned)done, part))
			PANIC_ON(true); /* an empty one has room */
		done += part;
		err = hand_over(tp, q, flags, done == n);
		if (err)
			done -= part;
	}
	mutex_unlock(&s->snd_mutex);
	return result(tp, done, err);
}
