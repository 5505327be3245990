/*
 * tcp_req.c - half-open connections: from a peer's SYN until it confirms that it gets our SYN-ACK.
 *
 * A request is small and bounded in number (the listener's backlog, tcp_max_syn_backlog); beyond
 * that SYN cookies take over, or SYNs are dropped (RFC 4987). It lives in the table of connections;
 * its timer repeats the SYN-ACK. Who acts on one sets ->busy, a lock that nobody waits for: a
 * segment that finds it busy is dropped as if the wire had lost it.
 *
 * Does not: make the socket (tcp_listen.c).
 */
#include <log.h>
#include <slab.h>
#include <string.h>
#include "tcp.h"

#define REQ_BUSY_AGAIN (10 * NSEC_PER_MSEC)

static struct slab_cache *req_cache;

static void req_free(struct rcu_head *h)
{
	slab_free(req_cache, container_of(h, struct tcp_req, rcu));
}

void tcp_req_put(struct tcp_req *r)
{
	if (!refcount_dec(&r->refs))
		return;
	dst_release(&r->dst);
	kfree(r->saved_syn);
	socket_put(&r->listener->is.s);
	rcu_call(&r->rcu, req_free);
}

static bool acquire(struct tcp_req *r)
{
	return !__atomic_exchange_n(&r->busy, 1, __ATOMIC_ACQUIRE);
}

static void release(struct tcp_req *r)
{
	__atomic_store_n(&r->busy, 0, __ATOMIC_RELEASE);
}

/* ---- making one ---- */

/* What the peer's SYN and our sysctls agree on. */
static void agree(const struct tcp_in *in, const struct tcp_sock *l, struct tcp_req *r)
{
	const struct net_inet *ni = in->net->inet;
	const struct tcp_opts *o = &in->o;

	r->irs = in->seq;
	r->mss = o->mss ? MAX(o->mss, (uint16_t)TCP_MSS_MIN) : TCP_MSS_DEFAULT;
	if (l->user_mss)
		r->mss = MIN(r->mss, l->user_mss);
	r->ts_ok = o->has_ts && ni->tcp_timestamps;
	r->sack_ok = o->sack_ok && ni->tcp_sack;
	r->wscale_ok = o->has_wscale && ni->tcp_window_scaling;
	r->snd_wscale = r->wscale_ok ? o->wscale : 0;
	r->ecn_ok = (in->flags & (TH_ECE | TH_CWR)) == (TH_ECE | TH_CWR);
	r->ts_recent = o->tsval;
}

static bool find_route(struct tcp_in *in, struct tcp_sock *l, struct tcp_req *r)
{
	struct flow f = {.src = r->ent.local,
		.dst = r->ent.remote,
		.ifindex = r->ent.ifindex,
		.mark = l->is.s.mark,
		.tos = r->tos,
		.proto = IPPROTO_TCP,
		.sport = r->ent.lport,
		.dport = r->ent.rport,
		.any_src = true};

	if (dst_lookup(in->net, &f, &r->dst))
		return false;
	r->advmss = tcp_advmss(&r->dst, ip_is_v4(&r->ent.remote), l->user_mss);
	return true;
}

/* All headers of the SYN from the network's on, for TCP_SAVED_SYN. */
static void save_syn(const struct tcp_in *in, struct tcp_req *r)
{
	const struct pkt *p = in->p;
	uint16_t from = p->l3 < p->off ? p->l3 : p->off;
	uint16_t n = (uint16_t)(p->off - from + in->hlen);

	r->saved_syn = kmalloc(n, GFP_ATOMIC);
	if (!r->saved_syn)
		return;
	memcpy(r->saved_syn, p->lin + from, n);
	r->saved_syn_len = n;
}

void tcp_req_window(const struct tcp_in *in, const struct tcp_sock *l, struct tcp_req *r)
{
	uint32_t size = READ_ONCE(l->is.s.rcvbuf);
	bool locked = READ_ONCE(l->is.s.opts) & SOPT_RCVBUF_LOCK;

	r->rcv_wnd = MIN(MIN(size / 2, l->user_clamp ? l->user_clamp : UINT32_MAX), 65535u);
	r->rcv_wscale = r->wscale_ok ? tcp_choose_wscale(in->net, size, locked) : 0;
}

struct tcp_req *tcp_req_alloc(struct tcp_in *in, struct tcp_sock *l)
{
	struct tcp_req *r = slab_alloc(req_cache, GFP_ATOMIC | GFP_ZERO);
	const struct pkt *p = in->p;
	uint32_t ifindex = READ_ONCE(l->is.s.ifindex);

	if (!r)
		return NULL;
	if (!ifindex && !ip_is_v4(&p->ip.src) && ip_is_link_local(&p->ip.src))
		ifindex = in->ifindex;
	tcp_ent_set(
		&r->ent, in->net, &p->ip.dst, in->dport, &p->ip.src, in->sport, ifindex, TCP_REQ);
	refcount_set(&r->refs, 1);
	r->listener = l;
	(void)socket_get(&l->is.s);
	r->tos = l->is.tos;
	r->ts_off = tcp_ts_offset(&r->ent.local, &r->ent.remote);
	r->created_ns = r->sent_ns = in->now;
	if (!find_route(in, l, r)) {
		tcp_req_put(r);
		return NULL;
	}
	return r;
}

static void send_syn_ack(struct tcp_req *r, uint64_t now, const uint32_t *tsval)
{
	struct tcp_syn_opts o = {.mss = r->advmss,
		.wscale = r->rcv_wscale,
		.has_wscale = r->wscale_ok,
		.has_ts = r->ts_ok,
		.sack_ok = r->sack_ok,
		.tsval = tsval ? *tsval : (uint32_t)(now / NSEC_PER_MSEC) + r->ts_off,
		.tsecr = r->ts_recent};
	struct tcp_reply a = {.seq = r->iss,
		.ack = r->irs + 1,
		.flags = (uint8_t)(TH_SYN | TH_ACK | (r->ecn_ok ? TH_ECE : 0)),
		.tos = r->tos,
		.wnd = (uint16_t)r->rcv_wnd,
		.syn = &o,
		.mark = r->listener->is.s.mark,
		.dst = &r->dst};

	(void)tcp_reply(&r->ent, &a);
}

/* ---- leaving ---- */

static void uncount(struct tcp_req *r)
{
	if (r->counted)
		atomic_dec(&r->listener->listen.requests);
	r->counted = false;
}

/* ->busy is ours. The table's reference goes. */
static void drop(struct tcp_req *r)
{
	r->dead = true;
	uncount(r);
	if (tcp_hash_del(&r->ent))
		tcp_req_put(r);
}

/* ---- the SYN-ACK again: RFC 6298 ---- */

static unsigned most_retries(const struct tcp_req *r)
{
	const struct tcp_listener *li = &r->listener->listen;
	unsigned n = r->ent.net->inet->tcp_synack_retries;

	/* Where the queue gets full the old ones make room sooner. */
	return (uint32_t)atomic_read(&r->listener->listen.requests) > READ_ONCE(li->max) / 2 + 8
		       ? MIN(n, 2u)
		       : n;
}

static bool in_defer(const struct tcp_req *r, uint64_t now)
{
	return now - r->created_ns < r->listener->listen.defer_s * NSEC_PER_SEC;
}

/* False: it is over. */
static bool repeat(struct tcp_req *r, uint64_t now)
{
	bool waits = r->acked && in_defer(r, now);

	if (r->dead)
		return false;
	if (READ_ONCE(r->listener->state) != TCP_LISTEN ||
		(r->timeouts >= most_retries(r) && !waits)) {
		mib_inc(MIB_TCP_ATTEMPT_FAILS);
		drop(r);
		return false;
	}
	r->timeouts++;
	if (waits)
		return true;
	r->retries++;
	mib_inc(MIB_TCP_RETRANS_SEGS);
	send_syn_ack(r, now, NULL);
	return true;
}

static void req_timer(struct net_timer *t)
{
	struct tcp_req *r = container_of(t, struct tcp_req, timer);
	uint64_t now = clock_ns(), wait = REQ_BUSY_AGAIN;
	bool on = true;

	if (acquire(r)) {
		on = repeat(r, now);
		wait = MIN(TCP_RTO_INIT << MIN(r->timeouts, (uint8_t)7), TCP_RTO_MAX);
		release(r);
	}
	if (!on || !net_timer_arm(&r->timer, now + wait))
		tcp_req_put(r);
}

/* ---- a SYN for a listener ---- */

static void warn_once(struct tcp_sock *l)
{
	if (l->listen.warned)
		return;
	l->listen.warned = true;
	log_info("tcp: possible SYN flood on port %u: sending cookies", be16(l->is.lport));
}

static void offer_cookie(struct tcp_in *in, struct tcp_sock *l, struct tcp_req *r)
{
	uint32_t tsval;

	if (!r->ts_ok) { /* there is nowhere to keep them */
		r->sack_ok = r->wscale_ok = r->ecn_ok = false;
		r->rcv_wscale = 0;
	}
	r->iss = tcp_cookie_make(r, in->now, &tsval);
	WRITE_ONCE(l->listen.cookie_ns, in->now);
	mib_inc(MIB_TCPX_SYNCOOKIES_SENT);
	warn_once(l);
	send_syn_ack(r, in->now, &tsval);
}

static void remember(struct tcp_in *in, struct tcp_sock *l, struct tcp_req *r)
{
	r->iss = in->fresh_iss ? in->iss : tcp_isn(&r->ent, in->now);
	if (l->save_syn)
		save_syn(in, r);
	net_timer_init(&r->timer, req_timer);
	r->counted = true;
	r->busy = 1; /* the answer may come before we are done */
	(void)atomic_inc(&l->listen.requests);
	refcount_inc(&r->refs);
	if (tcp_hash_add(&r->ent)) { /* another CPU has just handled a copy */
		uncount(r);
		release(r);
		tcp_req_put(r);
		return;
	}
	refcount_inc(&r->refs);
	if (!net_timer_arm(&r->timer, in->now + TCP_RTO_INIT))
		tcp_req_put(r);
	send_syn_ack(r, in->now, NULL);
	release(r);
}

/*
 * The SYN of a socket of this host is dropped because the server has not come to accept(2) what it
 * has: a second until the next would be a second lost by two programs of one machine. The sender
 * tries again soon, which does not count as a retry.
 */
void tcp_hold_syn(const struct tcp_in *in)
{
	const struct pkt *p = in->p;
	struct tcp_ent *e;
	struct tcp_sock *tp;

	if (!p->dev || !(p->dev->flags & IFF_LOOPBACK))
		return;
	e = tcp_lookup(in->net, &p->ip.src, in->sport, &p->ip.dst, in->dport, in->ifindex);
	if (!e || e->kind != TCP_SOCK)
		return;
	tp = container_of(e, struct tcp_sock, ent);
	tcp_lock(tp);
	if (tp->hashed && tp->state == TCP_SYN_SENT) {
		tp->held = (uint8_t)MIN(tp->held + 1, 8);
		tcp_set_timer(tp, TCP_T_RTX, in->now + (TCP_HELD << (tp->held - 1)));
	}
	tcp_unlock(tp);
}

void tcp_req_new(struct tcp_in *in, struct tcp_sock *l)
{
	const struct net_inet *ni = in->net->inet;
	uint32_t n = (uint32_t)atomic_read(&l->listen.requests);
	bool full = n > READ_ONCE(l->listen.max) || n >= ni->tcp_max_syn_backlog;
	struct tcp_req *r;

	if (tcp_accept_full(l) || (full && !ni->tcp_syncookies)) {
		if (tcp_accept_full(l))
			mib_inc(MIB_TCPX_LISTEN_OVERFLOWS);
		mib_inc(MIB_TCPX_LISTEN_DROPS);
		tcp_hold_syn(in);
		return;
	}
	r = tcp_req_alloc(in, l);
	if (!r) {
		mib_inc(MIB_TCPX_LISTEN_DROPS);
		return;
	}
	agree(in, l, r);
	tcp_req_window(in, l, r);
	if (full && !in->fresh_iss)
		offer_cookie(in, l, r);
	else
		remember(in, l, r);
	tcp_req_put(r);
}

/* ---- a segment for a request: RFC 9293 3.10.7.4, SYN-RECEIVED ---- */

static void challenge(struct tcp_in *in, struct tcp_req *r)
{
	struct tcp_reply a = {.seq = r->iss + 1,
		.ack = r->irs + 1,
		.flags = TH_ACK,
		.tos = r->tos,
		.wnd = (uint16_t)(r->rcv_wnd >> r->rcv_wscale),
		.has_ts = r->ts_ok,
		.tsval = (uint32_t)(in->now / NSEC_PER_MSEC) + r->ts_off,
		.tsecr = r->ts_recent,
		.dst = &r->dst};

	if (tcp_may_challenge(&r->challenge_ns, in->now))
		(void)tcp_reply(&r->ent, &a);
}

static bool is_same_syn(const struct tcp_in *in, const struct tcp_req *r)
{
	return (in->flags & (TH_SYN | TH_ACK | TH_RST)) == TH_SYN && in->seq == r->irs;
}

/* True: it is the ACK that completes the handshake. */
static bool completes(struct tcp_in *in, struct tcp_req *r)
{
	uint32_t next = r->irs + 1;
	bool paws = r->ts_ok && in->o.has_ts && (int32_t)(in->o.tsval - r->ts_recent) < 0;

	if (is_same_syn(in, r) && !paws) {
		if (in->now - r->sent_ns >= NSEC_PER_SEC / 2) {
			r->sent_ns = in->now;
			send_syn_ack(r, in->now, NULL);
		}
		return false;
	}
	if (paws || seq_lt(in->end_seq, next) || seq_lt(next + r->rcv_wnd, in->seq)) {
		if (!(in->flags & TH_RST))
			challenge(in, r);
		return false;
	}
	if (in->flags & TH_RST && in->seq == next) {
		mib_inc(MIB_TCPX_EMBRYONIC_RSTS);
		mib_inc(MIB_TCP_ATTEMPT_FAILS);
		drop(r);
		return false;
	}
	if (in->flags & (TH_RST | TH_SYN)) {
		challenge(in, r);
		return false;
	}
	if (!(in->flags & TH_ACK))
		return false;
	if (in->ack != r->iss + 1) {
		tcp_reply_rst(in);
		return false;
	}
	if (r->ts_ok && in->o.has_ts && seq_le(in->seq, next))
		r->ts_recent = in->o.tsval;
	return true;
}

/* TCP_DEFER_ACCEPT: the program wants to see it when there is data. */
static bool deferred(struct tcp_in *in, struct tcp_req *r)
{
	if (!r->listener->listen.defer_s || in->end_seq != r->irs + 1 || !in_defer(r, in->now))
		return false;
	r->acked = true;
	uncount(r);
	return true;
}

/* The child took its place in the table. */
static void replaced(struct tcp_req *r)
{
	if (net_timer_cancel(&r->timer))
		tcp_req_put(r);
	tcp_req_put(r);
}

bool tcp_req_input(struct tcp_in *in, struct tcp_req *r)
{
	struct tcp_sock *l = r->listener, *child;

	if (!acquire(r))
		return true;
	if (r->dead || READ_ONCE(l->state) != TCP_LISTEN) {
		if (!r->dead)
			drop(r);
		release(r);
		return false;
	}
	if (!completes(in, r) || deferred(in, r)) {
		release(r);
		return true;
	}
	child = tcp_child(in, l, r);
	if (child) {
		r->dead = true;
		uncount(r);
	} else {
		r->acked = true;
	}
	release(r);
	if (!child)
		return true;
	replaced(r);
	return tcp_child_input(in, l, child);
}

void tcp_req_error(struct tcp_req *r, uint32_t seq, const struct inet_error *e)
{
	if (!acquire(r))
		return;
	if (!r->dead && seq == r->iss && e->is_hard)
		drop(r);
	release(r);
}

void tcp_req_init(void)
{
	req_cache = slab_cache_create("tcp_req", sizeof(struct tcp_req), 64, NULL);
}
