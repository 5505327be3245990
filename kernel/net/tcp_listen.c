/*
 * tcp_listen.c - listeners: listen(2), accept(2), and the sockets that come out of handshakes.
 *
 * The queue of accept(2) holds children whose handshake is complete, at most the backlog and one.
 * When it is full a completing ACK is dropped: the peer believes in the connection, the request
 * stays, and its SYN-ACK or the peer's data comes again. Incoming segments never take the
 * listener's socket lock.
 */
#include <file.h>
#include <slab.h>
#include <task.h>
#include "tcp.h"

/* ---- listen(2) ---- */

static int start(struct tcp_sock *tp, uint32_t backlog)
{
	struct inet_sock *is = &tp->is;
	int err;

	if (tp->state != TCP_CLOSE || tp->phase != TCP_PH_NONE)
		return -EINVAL;
	if (!is->lport) {
		err = inet_bind(tcp_ports, is, &is->local, to_be16(0), is->s.ifindex);
		if (err)
			return err;
	}
	err = inet_bind_may_listen(tcp_ports, is);
	if (err)
		return err;
	if (tp->was_hashed) /* lookups may still stand on it */
		rcu_synchronize();
	net_enter();
	tcp_lock(tp);
	tp->listen.max = backlog;
	tp->listen.closed = false;
	tp->was_hashed = true;
	WRITE_ONCE(is->s.shutdown, 0);
	tcp_set_state(tp, TCP_LISTEN);
	tcp_listen_hash(tp);
	tcp_unlock(tp);
	net_exit();
	return 0;
}

int tcp_listen(struct socket *s, int backlog)
{
	struct tcp_sock *tp = tcp_sk(s);
	uint32_t most = s->net->inet->somaxconn, n = MIN((uint32_t)backlog, most);
	int err = 0;

	mutex_lock(&s->snd_mutex);
	if (tp->state == TCP_LISTEN)
		WRITE_ONCE(tp->listen.max, n);
	else
		err = start(tp, n);
	mutex_unlock(&s->snd_mutex);
	return err;
}

static struct tcp_sock *dequeue(struct tcp_sock *l)
{
	struct tcp_sock *child = NULL;

	spin_lock(&l->listen.lock);
	if (!list_empty(&l->listen.queue)) {
		child = list_first(&l->listen.queue, struct tcp_sock, accept_node);
		list_del(&child->accept_node);
		l->listen.queued--;
	}
	spin_unlock(&l->listen.lock);
	return child;
}

/* Nobody will take it. */
static void discard(struct tcp_sock *child)
{
	tcp_lock(child);
	child->is.s.dead = true;
	if (child->state != TCP_CLOSE)
		tcp_abort(child, ECONNRESET);
	tcp_unlock(child);
	socket_put(&child->is.s);
}

void tcp_listen_stop(struct tcp_sock *tp)
{
	struct tcp_sock *child;

	tcp_lock(tp);
	tcp_listen_unhash(tp);
	tcp_set_state(tp, TCP_CLOSE);
	tp->deferred |= DEFER_ALL;
	tcp_unlock(tp);
	inet_bind_stop_listen(tcp_ports, &tp->is);
	spin_lock(&tp->listen.lock);
	tp->listen.closed = true;
	spin_unlock(&tp->listen.lock);
	while ((child = dequeue(tp)))
		discard(child);
}

/* ---- accept(2) ---- */

int tcp_accept(struct socket *s, unsigned file_flags, struct socket **out)
{
	struct tcp_sock *l = tcp_sk(s), *child;
	uint64_t timeout = READ_ONCE(s->rcv_timeout_ns);
	uint64_t deadline = 0;
	int err;

	for (;;) {
		if (READ_ONCE(l->state) != TCP_LISTEN)
			return -EINVAL;
		net_enter();
		child = dequeue(l);
		net_exit();
		if (child)
			break;
		if (file_flags & O_NONBLOCK)
			return -EAGAIN;
		if (!deadline)
			deadline = socket_deadline(timeout);
		err = wait_event_full(&s->rcv_wait,
			READ_ONCE(l->listen.queued) || READ_ONCE(l->state) != TCP_LISTEN,
			TASK_INTERRUPTIBLE, deadline, WAIT_EXCLUSIVE);
		if (err)
			return socket_wait_result(err, timeout);
	}
	*out = &child->is.s;
	return 0;
}

bool tcp_accept_full(const struct tcp_sock *l)
{
	return READ_ONCE(l->listen.queued) + READ_ONCE(l->listen.reserved) >
	       READ_ONCE(l->listen.max);
}

/* ---- children ---- */

/* Options go from the listener to what it accepts (tcp(7)). */
static void inherit(struct tcp_sock *c, const struct tcp_sock *l)
{
	c->cc = l->cc;
	c->user_mss = l->user_mss;
	c->nonagle = l->nonagle & (TCP_NODELAY_ON | TCP_CORK_ON);
	c->notsent_lowat = l->notsent_lowat;
	c->keep_idle_s = l->keep_idle_s;
	c->keep_intvl_s = l->keep_intvl_s;
	c->keep_count = l->keep_count;
	c->syn_retries = l->syn_retries;
	c->linger2_s = l->linger2_s;
	c->user_timeout_ms = l->user_timeout_ms;
	c->inq_wanted = l->inq_wanted;
	c->save_syn = l->save_syn;
	c->thin = l->thin;
	c->fastopen_no_cookie = l->fastopen_no_cookie;
	c->user_clamp = l->user_clamp;
	if (l->user_clamp)
		c->window_clamp = l->user_clamp;
}

/* The state that the SYN and our SYN-ACK left: SYN-RECEIVED. */
static void take_over(struct tcp_sock *c, struct tcp_req *r)
{
	struct inet_sock *is = &c->is;

	is->local = r->ent.local;
	is->remote = r->ent.remote;
	is->lport = r->ent.lport;
	is->rport = r->ent.rport;
	is->dst = r->dst;
	r->dst = (struct dst){.nh = NULL};
	if (r->ent.ifindex && !is->s.ifindex)
		is->scope_id = r->ent.ifindex;
	c->ent = r->ent;
	c->ent.node = (struct hlist_node){NULL, NULL};
	c->ent.kind = TCP_SOCK;
	c->iss = c->snd_una = c->snd_up = r->iss;
	c->snd_nxt = c->write_seq = r->iss + 1;
	c->irs = r->irs;
	c->rcv_nxt = c->rcv_wup = c->copied_seq = c->urg_seq = r->irs + 1;
	c->rcv_wnd = r->rcv_wnd;
	c->peer_mss = r->mss;
	c->advmss = r->advmss;
	c->snd_wscale = r->snd_wscale;
	c->rcv_wscale = r->rcv_wscale;
	c->ts_ok = r->ts_ok;
	c->sack_ok = r->sack_ok;
	c->wscale_ok = r->wscale_ok;
	c->ecn_ok = r->ecn_ok;
	c->ts_off = r->ts_off;
	c->ts_recent = r->ts_recent;
	c->ts_recent_s = (uint32_t)(r->sent_ns / NSEC_PER_SEC);
	c->syn_ns = r->sent_ns;
	c->retries = r->retries;
	c->total_retrans = r->retries;
	c->saved_syn = r->saved_syn;
	c->saved_syn_len = r->saved_syn_len;
	r->saved_syn = NULL;
	c->phase = TCP_PH_CONNECTED;
	tcp_set_csum_base(c);
}

static struct tcp_sock *make_child(struct tcp_sock *l)
{
	struct socket *s = socket_alloc_like(sizeof(struct tcp_sock), &l->is.s);
	struct tcp_sock *c;

	if (!s)
		return NULL;
	c = tcp_sk(s);
	inet_inherit(&c->is, &l->is);
	tcp_sock_setup(c);
	inherit(c, l);
	s->priority = 0;
	return c;
}

static bool reserve(struct tcp_sock *l)
{
	bool ok;

	spin_lock(&l->listen.lock);
	ok = !l->listen.closed && !tcp_accept_full(l);
	l->listen.reserved += ok;
	spin_unlock(&l->listen.lock);
	return ok;
}

static void unreserve(struct tcp_sock *l)
{
	spin_lock(&l->listen.lock);
	l->listen.reserved--;
	spin_unlock(&l->listen.lock);
}

struct tcp_sock *tcp_child(struct tcp_in *in, struct tcp_sock *l, struct tcp_req *r)
{
	struct tcp_sock *c;
	bool ok;

	if (!reserve(l)) {
		mib_inc(MIB_TCPX_LISTEN_OVERFLOWS);
		mib_inc(MIB_TCPX_LISTEN_DROPS);
		return NULL;
	}
	c = make_child(l);
	if (!c) {
		unreserve(l);
		mib_inc(MIB_TCPX_LISTEN_DROPS);
		return NULL;
	}
	take_over(c, r);
	c->state = TCP_SYN_RECV;
	inet_bind_inherit(tcp_ports, &c->is, &l->is);
	c->hashed = c->was_hashed = true;
	ok = hlist_unhashed(&r->ent.node) ? !tcp_hash_add(&c->ent)
					  : tcp_hash_replace(&r->ent, &c->ent);
	if (ok) {
		mib_inc(MIB_TCP_PASSIVE_OPENS);
		return c;
	}
	c->hashed = false;
	c->state = TCP_CLOSE;
	unreserve(l);
	socket_put(&c->is.s);
	return NULL;
}

bool tcp_child_input(struct tcp_in *in, struct tcp_sock *l, struct tcp_sock *child)
{
	bool closed, done;

	done = tcp_input_sock(in, child);
	spin_lock(&l->listen.lock);
	closed = l->listen.closed;
	l->listen.reserved--;
	l->listen.queued += !closed;
	if (!closed)
		list_add_tail(&child->accept_node, &l->listen.queue);
	spin_unlock(&l->listen.lock);
	if (closed)
		discard(child);
	else
		socket_wake_readers(&l->is.s);
	return done;
}

/* ---- a segment for which there is no connection: RFC 9293, 3.10.7.1 and 3.10.7.2 ---- */

static void with_cookie(struct tcp_in *in, struct tcp_sock *l)
{
	struct tcp_req *r = tcp_cookie_check(in, l);
	struct tcp_sock *child;

	if (!r) {
		tcp_reply_rst(in);
		return;
	}
	child = tcp_child(in, l, r);
	tcp_req_put(r);
	if (child)
		(void)tcp_child_input(in, l, child);
}

void tcp_listen_input(struct tcp_in *in)
{
	struct tcp_sock *l = tcp_listen_lookup(in);

	if (!l) {
		tcp_reply_rst(in);
		return;
	}
	if (in->flags & TH_RST || tcp_filtered(l, in))
		return;
	if (in->flags & TH_ACK)
		with_cookie(in, l);
	else if ((in->flags & (TH_SYN | TH_FIN)) == TH_SYN)
		tcp_req_new(in, l);
}
