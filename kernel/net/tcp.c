/*
 * tcp.c - TCP: what holds the parts together. States, the socket lock, memory, the end of a
 * connection, registration.
 *
 * Theory. RFC 9293 with window scaling and timestamps (7323), SACK and D-SACK (2018, 2883),
 * RACK-TLP (8985), CUBIC (9438) with HyStart++ (9406), ten segments to begin with (6928), 5961
 * against blind attacks, SYN cookies (4987), TIME_WAIT reuse (6191). What a program sees is Linux's
 * tcp(7).
 *
 * Objects. Four kinds are found by a segment's addresses and ports:
 *   struct tcp_sock, a connection;
 *   struct tcp_req, a connection that a peer began and has not confirmed (tcp_listen.c);
 *   struct tcp_tw, what is left of one in TIME_WAIT, a tenth of the size (tcp_tw.c);
 *   and a listening tcp_sock, found by port when none of those is there.
 * The first three share one hash table, read under RCU without taking references: a net section is
 * an RCU read section and memory is freed after a grace period, so whoever found an entry may lock
 * it, and looks at ->hashed (dead, busy) then. A cookie (tcp_cookie.c) is a request kept by the
 * peer.
 *
 * References on a tcp_sock: its file; an armed timer; the queue of accept(2), of a child in it; the
 * connection itself once the program has closed it (->orphan), until tcp_done().
 *
 * Locks. The socket's lock guards all of a connection and is held for one segment, one timer or
 * one step of a system call; never while user memory is copied: writers copy into packets first
 * (under snd_mutex), readers take packets off the receive queue into ->rq, which rcv_mutex guards.
 * What is better done without it (waking, dropping references) is noted in ->deferred and done by
 * tcp_unlock(). Listeners are not locked for
 * segments at all: their queue has a leaf lock, requests have ->busy.
 *
 * Sending. A write becomes packets (struct pkt, payload in pages) in ->wq; tcp_push() sends them
 * as windows, Nagle and congestion control allow: each transmission is a new pkt that refers to
 * the same pages, while the original moves to ->rtx, a tree by sequence, until it is acknowledged.
 * Packets are up to 64 KiB: the device or pkt_segment() cuts them. Counts of what is in flight,
 * sacked, lost and resent are bytes of sequence space, so a FIN counts one; SYNs are not queued.
 *
 * Receiving. tcp_input.c is a driver loop and stages; payload in order goes to the socket's ->rcv,
 * the rest to a tree; small packets are copied together when memory gets short, so that what a
 * window promises fits.
 *
 * Timers. One net_timer for each connection carries three deadlines (retransmission in its four
 * kinds, delayed ACK, keepalive). Deadlines mostly move later or go: that costs a store, and the
 * timer finds out when it fires.
 */
#include <random.h>
#include <slab.h>
#include <string.h>
#include "tcp.h"

enum { MEM_STEP = 4096, MEM_KEEP = 8192 };

const struct tcp_state_row tcp_states[TCP_STATES] = {
	[TCP_CLOSE] = {TCP_CLOSE, TCP_CLOSE, TCP_CLOSE, false},
	[TCP_LISTEN] = {TCP_CLOSE, TCP_LISTEN, TCP_LISTEN, false},
	[TCP_SYN_SENT] = {TCP_CLOSE, TCP_SYN_SENT, TCP_SYN_SENT, false},
	[TCP_SYN_RECV] = {TCP_FIN_WAIT1, TCP_CLOSE_WAIT, TCP_SYN_RECV, true},
	[TCP_ESTABLISHED] = {TCP_FIN_WAIT1, TCP_CLOSE_WAIT, TCP_ESTABLISHED, true},
	[TCP_FIN_WAIT1] = {TCP_FIN_WAIT1, TCP_CLOSING, TCP_FIN_WAIT2, false},
	[TCP_FIN_WAIT2] = {TCP_FIN_WAIT2, TCP_TIME_WAIT, TCP_FIN_WAIT2, false},
	[TCP_CLOSING] = {TCP_CLOSING, TCP_CLOSING, TCP_TIME_WAIT, false},
	[TCP_TIME_WAIT] = {TCP_CLOSE, TCP_TIME_WAIT, TCP_TIME_WAIT, false},
	[TCP_CLOSE_WAIT] = {TCP_LAST_ACK, TCP_CLOSE_WAIT, TCP_CLOSE_WAIT, true},
	[TCP_LAST_ACK] = {TCP_LAST_ACK, TCP_LAST_ACK, TCP_CLOSE, false},
};

struct bind_table *tcp_ports;
atomic_t tcp_orphans;
static uint32_t orphans_max;

uint32_t tcp_orphans_max(void)
{
	return orphans_max;
}

/* ---- the lock ---- */

void tcp_lock(struct tcp_sock *tp)
{
	spin_lock(&tp->is.s.lock);
}

static void __noinline do_deferred(struct tcp_sock *tp, unsigned what, unsigned puts)
{
	struct socket *s = &tp->is.s;

	if (what & DEFER_URG)
		socket_urgent(s);
	if (what & DEFER_ALL)
		socket_wake_all(s);
	else {
		if (what & DEFER_READ)
			socket_wake_readers(s);
		if (what & DEFER_WRITE)
			socket_wake_writers(s);
	}
	while (puts--)
		socket_put(s);
}

void tcp_unlock(struct tcp_sock *tp)
{
	unsigned what = tp->deferred;
	unsigned puts = tp->puts;

	if (likely(!what)) {
		spin_unlock(&tp->is.s.lock);
		return;
	}
	tp->deferred = tp->puts = 0;
	spin_unlock(&tp->is.s.lock);
	do_deferred(tp, what, puts);
}

static void put_later(struct tcp_sock *tp)
{
	tp->puts++;
	tp->deferred |= DEFER_PUT;
}

/* ---- memory ---- */

bool tcp_mem_take(struct tcp_sock *tp, uint32_t bytes)
{
	uint32_t more;

	if (unlikely(bytes > tp->mem_ahead)) {
		more = ALIGN_UP(bytes - tp->mem_ahead, (uint32_t)MEM_STEP);
		if (!net_mem_charge(more))
			return false;
		tp->mem_ahead += more;
	}
	tp->mem_ahead -= bytes;
	return true;
}

/* What cannot be refused: above the limit the account of the connection goes below zero. */
void tcp_mem_force(struct tcp_sock *tp, uint32_t bytes)
{
	if (!tcp_mem_take(tp, bytes))
		tp->mem_debt += bytes;
}

void tcp_mem_give(struct tcp_sock *tp, uint32_t bytes)
{
	uint32_t keep = net_mem_pressure() ? 0 : MEM_KEEP;
	uint32_t pay = MIN(bytes, tp->mem_debt);

	tp->mem_debt -= pay;
	tp->mem_ahead += bytes - pay;
	if (tp->mem_ahead > keep) {
		net_mem_uncharge(tp->mem_ahead - keep);
		tp->mem_ahead = keep;
	}
}

static void mem_settle(struct tcp_sock *tp)
{
	if (tp->mem_ahead)
		net_mem_uncharge(tp->mem_ahead);
	tp->mem_ahead = tp->mem_debt = 0;
}

void tcp_purge_send(struct tcp_sock *tp)
{
	struct pkt *q;

	while ((q = tp->rtx_first))
		tcp_rtx_del(tp, q);
	pkt_queue_purge(&tp->wq);
	tcp_wmem_add(tp, -(int32_t)tp->wmem);
	tp->sacked = tp->lost = tp->retrans = tp->sacked_segs = 0;
	memset(tp->sack_cache, 0, sizeof(tp->sack_cache));
}

void tcp_purge_ofo(struct tcp_sock *tp)
{
	struct rb_node *n;

	while ((n = rb_first(&tp->ofo))) {
		struct pkt *p = container_of(n, struct pkt, rb);

		rb_erase(&tp->ofo, n, NULL);
		tcp_rmem_add(tp, -(int32_t)p->truesize);
		pkt_free(p);
	}
	tp->ofo_last = NULL;
	tp->nr_sacks = 0;
}

void tcp_purge_receive(struct tcp_sock *tp)
{
	struct pkt *p;

	while ((p = pkt_dequeue(&tp->is.s.rcv))) {
		tcp_rmem_add(tp, -(int32_t)p->truesize);
		pkt_free(p);
	}
	tcp_purge_ofo(tp);
}

/* ---- states ---- */

void tcp_set_state(struct tcp_sock *tp, uint8_t state)
{
	uint8_t old = tp->state;

	if (state == TCP_ESTABLISHED && old != TCP_ESTABLISHED)
		mib_inc(MIB_TCP_CURR_ESTAB);
	else if (old == TCP_ESTABLISHED && state != TCP_ESTABLISHED)
		mib_add(MIB_TCP_CURR_ESTAB, -1ull);
	if (state == TCP_CLOSE && (old == TCP_ESTABLISHED || old == TCP_CLOSE_WAIT))
		mib_inc(MIB_TCP_ESTAB_RESETS);
	WRITE_ONCE(tp->state, state);
}

void tcp_set_timer(struct tcp_sock *tp, enum tcp_timer which, uint64_t deadline_ns)
{
	tp->due[which] = deadline_ns;
	if (likely(tp->timer_at <= deadline_ns))
		return;
	tp->timer_at = deadline_ns;
	if (net_timer_arm(&tp->timer, deadline_ns))
		(void)socket_get(&tp->is.s);
}

static void stop_timer(struct tcp_sock *tp)
{
	unsigned i;

	for (i = 0; i < TCP_TIMERS; i++)
		tp->due[i] = TCP_NEVER;
	if (tp->timer_at == TCP_NEVER)
		return;
	tp->timer_at = TCP_NEVER;
	if (net_timer_cancel(&tp->timer))
		put_later(tp);
}

void tcp_give_port(struct tcp_sock *tp)
{
	struct inet_sock *is = &tp->is;

	if (is->is_bound_port)
		return;
	if (is->lport)
		tp->last_lport = is->lport;
	inet_unbind(tcp_ports, is);
	is->lport = to_be16(0);
}

void tcp_done(struct tcp_sock *tp)
{
	if (tp->state == TCP_SYN_SENT || tp->state == TCP_SYN_RECV)
		mib_inc(MIB_TCP_ATTEMPT_FAILS);
	tcp_set_state(tp, TCP_CLOSE);
	if (tp->hashed) {
		tp->hashed = false;
		(void)tcp_hash_del(&tp->ent);
	}
	stop_timer(tp);
	tcp_give_port(tp);
	tcp_purge_send(tp);
	tcp_purge_ofo(tp);
	net_mem_uncharge(tp->mem_ahead);
	tp->mem_ahead = 0;
	WRITE_ONCE(tp->is.s.shutdown, SHUTDOWN_RD | SHUTDOWN_WR);
	tp->ca = TCP_CA_OPEN;
	tp->deferred |= DEFER_ALL;
	if (tp->orphan) {
		tp->orphan = false;
		atomic_dec(&tcp_orphans);
		put_later(tp);
	}
}

void tcp_fail(struct tcp_sock *tp, int err)
{
	WRITE_ONCE(tp->is.s.error, err);
	tcp_done(tp);
}

void tcp_abort(struct tcp_sock *tp, int err)
{
	if (TCPF(tp->state) & TCPF_SYNCED)
		tcp_send_rst_sk(tp);
	if (err)
		WRITE_ONCE(tp->is.s.error, err);
	tcp_done(tp);
}

/* ---- sockets ---- */

void tcp_sock_setup(struct tcp_sock *tp)
{
	tp->timer_at = TCP_NEVER;
	for (unsigned i = 0; i < TCP_TIMERS; i++)
		tp->due[i] = TCP_NEVER;
	net_timer_init(&tp->timer, tcp_timer_fired);
	pkt_queue_init(&tp->wq);
	pkt_queue_init(&tp->rq);
	list_init(&tp->order);
	list_init(&tp->accept_node);
	list_init(&tp->listen.queue);
	spin_init(&tp->listen.lock);
	tp->state = TCP_CLOSE;
	tp->rcv_ratio = 128;
	tp->cc = &tcp_cubic_cc;
	tcp_conn_setup(tp);
}

void tcp_conn_setup(struct tcp_sock *tp)
{
	tp->rto_ns = TCP_RTO_INIT;
	tp->srtt_ns = tp->rttvar_ns = tp->min_rtt_ns = 0;
	tp->cwnd = TCP_INIT_CWND * TCP_MSS_DEFAULT;
	tp->ssthresh = UINT32_MAX / 2;
	tp->peer_mss = tp->mss = TCP_MSS_DEFAULT;
	tp->rcv_mss = TCP_MSS_DEFAULT;
	tp->window_clamp = UINT32_MAX / 2;
	tp->ato_ns = 0;
	tp->backoff = tp->retries = tp->probes = 0;
	tp->retrans_ns = 0;
	tp->ca = TCP_CA_OPEN;
	tp->max_window = 0;
	tp->urg_data = 0;
	tp->rack = (struct tcp_rack){.wnd_mult = 1};
	tp->fin_queued = tp->fin_wanted = tp->fin_received = false;
	tp->undo_ok = tp->tlp_out = tp->frto = tp->frto_new = false;
	tp->has_gap = tp->urg_passed = tp->has_dsack = false;
	tp->soft_error = 0;
	tp->held = 0;
	tp->quick = tp->pingpong = 0;
	tp->ack_sched = tp->ack_now = false;
}

static int tcp_init_sock(struct inet_sock *is)
{
	const struct net_inet *ni = is->s.net->inet;

	is->s.rcvbuf = ni->tcp_rmem[1];
	is->s.sndbuf = ni->tcp_wmem[1];
	tcp_sock_setup(container_of(is, struct tcp_sock, is));
	return 0;
}

/* The last reference went: nobody else can see it but by RCU, and finds ->hashed false. */
static void tcp_destroy(struct socket *s)
{
	struct tcp_sock *tp = tcp_sk(s);
	struct pkt *p;

	ASSERT(!tp->hashed && tp->state == TCP_CLOSE);
	while ((p = pkt_dequeue(&tp->rq))) {
		tcp_rmem_add(tp, -(int32_t)p->truesize);
		pkt_free(p);
	}
	tcp_purge_receive(tp);
	tcp_purge_send(tp);
	mem_settle(tp);
	inet_unbind(tcp_ports, &tp->is);
	inet_release(&tp->is);
	kfree(tp->saved_syn);
	tp->saved_syn = NULL;
}

const struct socket_ops tcp_ops = {
	.family = AF_INET, /* both: af_inet.c sets it by the socket's own */
	.bind = tcp_bind,
	.connect = tcp_connect,
	.listen = tcp_listen,
	.accept = tcp_accept,
	.getname = tcp_getname,
	.sendmsg = tcp_sendmsg,
	.recvmsg = tcp_recvmsg,
	.shutdown = tcp_shutdown,
	.poll = tcp_poll,
	.ioctl = tcp_ioctl,
	.setsockopt = tcp_setsockopt,
	.getsockopt = tcp_getsockopt,
	.has_zerocopy = true,
	.sendpage = tcp_sendpage,
	.release = tcp_release,
	.destroy = tcp_destroy,
};
static const struct inet_proto tcp_proto = {
	.name = "TCP",
	.proto = IPPROTO_TCP,
	.type = SOCK_STREAM,
	.is_default = true,
	.size = sizeof(struct tcp_sock),
	.ops = &tcp_ops,
	.init = tcp_init_sock,
	.input = tcp_input,
	.error = tcp_error,
	.each = tcp_each,
};

void tcp_init(void)
{
	struct mem_stats m;

	mem_stats(&m);
	orphans_max = (uint32_t)MIN(MAX(m.total / 16, 1024ul), 65536ul);
	tcp_hash_init();
	tcp_tw_init();
	tcp_req_init();
	tcp_cookie_init();
	tcp_ports = bind_table_create("tcp");
	PANIC_ON(inet_proto_register(&tcp_proto));
}
