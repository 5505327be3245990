/*
 * tcp_tw.c - TIME_WAIT: what is left of a connection for two segment lifetimes, so that old
 * segments find nobody new and the peer's last FIN gets its ACK (RFC 9293, 3.6.1, 3.10.7.4).
 *
 * A struct tcp_tw takes the socket's place in the table of connections, and in the bind table, so
 * that the port stays in use. Connections without a program that wait for the peer's FIN are kept
 * the same way. They expire in the order in which they came, nearly: a list by expiry in each
 * shard, with one timer.
 *
 * A new SYN may end a TIME_WAIT early when its sequence number or timestamp is beyond all of the
 * old connection (RFC 6191), and connect(2) may take its port over under the same condition.
 *
 * It leaves the table, the list and the port together: who sets ->dead does it. Locks: a shard's
 * (47, before the buckets of tcp_hash.c) guards ->dead, the list and what segments change.
 */
#include <log.h>
#include <slab.h>
#include "tcp.h"

enum { SHARDS = 16 };
#define REUSE_AFTER       NSEC_PER_SEC        /* RFC 6191 with the coarsest timestamp clock */
#define REUSE_AFTER_LOCAL (2 * NSEC_PER_MSEC) /* with ours at both ends */

static struct shard {
	struct spinlock lock;
	struct list_head list; /* by expiry */
	struct net_timer timer;
} shards[SHARDS];
static atomic_t count;
static struct slab_cache *tw_cache;

static struct shard *shard_of(const struct tcp_tw *tw)
{
	return &shards[tw->ent.hash >> 16 & (SHARDS - 1)];
}

static void tw_free(struct rcu_head *h)
{
	slab_free(tw_cache, container_of(h, struct tcp_tw, rcu));
}

uint32_t tcp_tw_count(void)
{
	return (uint32_t)atomic_read(&count);
}

/* ---- the list; the shard's lock is held ---- */

static void enlist(struct shard *sh, struct tcp_tw *tw, uint64_t expiry)
{
	struct list_head *at = sh->list.prev;

	tw->expiry_ns = expiry;
	while (at != &sh->list && list_entry(at, struct tcp_tw, node)->expiry_ns > expiry)
		at = at->prev;
	list_add(&tw->node, at);
	if (at == &sh->list)
		(void)net_timer_arm(&sh->timer, expiry);
}

static void relist(struct shard *sh, struct tcp_tw *tw, uint64_t expiry)
{
	list_del(&tw->node);
	enlist(sh, tw, expiry);
}

/* Off the list: who gets true takes it out of the tables. */
static bool mark_dead(struct tcp_tw *tw)
{
	if (tw->dead)
		return false;
	tw->dead = true;
	list_del(&tw->node);
	return true;
}

/* ---- leaving; no lock held ---- */

static void leave_port(struct tcp_tw *tw)
{
	inet_unbind_tw(tcp_ports, &tw->owner);
	atomic_dec(&count);
	rcu_call(&tw->rcu, tw_free);
}

static void leave(struct tcp_tw *tw)
{
	(void)tcp_hash_del(&tw->ent);
	leave_port(tw);
}

static void kill(struct tcp_tw *tw)
{
	struct shard *sh = shard_of(tw);
	bool mine;

	spin_lock(&sh->lock);
	mine = mark_dead(tw);
	spin_unlock(&sh->lock);
	if (mine)
		leave(tw);
}

static void expire(struct net_timer *t)
{
	struct shard *sh = container_of(t, struct shard, timer);
	uint64_t now = clock_ns();
	struct tcp_tw *tw;

	for (;;) {
		spin_lock(&sh->lock);
		tw = list_empty(&sh->list) ? NULL : list_first(&sh->list, struct tcp_tw, node);
		if (tw && tw->expiry_ns > now) {
			(void)net_timer_arm(&sh->timer, tw->expiry_ns);
			tw = NULL;
		}
		if (tw)
			(void)mark_dead(tw);
		spin_unlock(&sh->lock);
		if (!tw)
			return;
		leave(tw);
	}
}

void tcp_tw_init(void)
{
	unsigned i;

	tw_cache = slab_cache_create("tcp_tw", sizeof(struct tcp_tw), 64, NULL);
	for (i = 0; i < SHARDS; i++) {
		spin_init(&shards[i].lock);
		list_init(&shards[i].list);
		net_timer_init(&shards[i].timer, expire);
	}
}

/* ---- coming ---- */

static struct tcp_tw *tw_of(const struct tcp_sock *tp, uint8_t state, uint64_t now)
{
	struct tcp_tw *tw;

	if ((uint32_t)atomic_read(&count) >= tp->is.s.net->inet->tcp_max_tw_buckets) {
		log_ratelimited(LOG_INFO, "tcp: too many connections in TIME_WAIT");
		return NULL;
	}
	tw = slab_alloc(tw_cache, GFP_ATOMIC | GFP_ZERO);
	if (!tw)
		return NULL;
	tw->ent = tp->ent;
	tw->ent.node = (struct hlist_node){NULL, NULL};
	tw->ent.kind = TCP_TW;
	list_init(&tw->node);
	tw->ts_ok = tp->ts_ok;
	tw->state = state;
	tw->family = tp->is.s.family;
	tw->tos = tp->is.tos;
	tw->mark = tp->is.s.mark;
	tw->rcv_wscale = tp->rcv_wscale;
	tw->rcv_nxt = tp->rcv_nxt;
	tw->snd_nxt = tp->snd_nxt;
	tw->rcv_wnd = tcp_window_left(tp);
	tw->ts_off = tp->ts_off;
	tw->ts_recent = tp->ts_recent;
	tw->since_ns = now;
	return tw;
}

void tcp_time_wait(struct tcp_sock *tp, uint8_t state, uint64_t ns)
{
	uint64_t now = clock_ns();
	struct tcp_tw *tw = tw_of(tp, state, now);
	struct shard *sh;

	if (tw) {
		sh = shard_of(tw);
		inet_bind_timewait(tcp_ports, &tp->is, &tw->owner);
		spin_lock(&sh->lock); /* nobody finds it in the table before it is on the list */
		(void)tcp_hash_replace(&tp->ent, &tw->ent);
		enlist(sh, tw, now + ns);
		spin_unlock(&sh->lock);
		tp->hashed = false;
		atomic_inc(&count);
		mib_inc(MIB_TCPX_TW);
	}
	tcp_done(tp);
}

/* ---- segments ---- */

enum verdict { DROP, ANSWER, RESET, KILL, NEW_SYN };

static bool paws_rejects(const struct tcp_in *in, const struct tcp_tw *tw)
{
	return tw->ts_ok && in->o.has_ts && !(in->flags & TH_RST) &&
	       (int32_t)(in->o.tsval - tw->ts_recent) < 0;
}

static void note_ts(const struct tcp_in *in, struct tcp_tw *tw)
{
	if (tw->ts_ok && in->o.has_ts)
		tw->ts_recent = in->o.tsval;
	tw->since_ns = in->now;
}

/* FIN_WAIT2: only the FIN is welcome. */
static enum verdict in_fin_wait2(const struct tcp_in *in, struct tcp_tw *tw, bool paws)
{
	if (paws || seq_lt(in->end_seq, tw->rcv_nxt) || seq_lt(tw->rcv_nxt + tw->rcv_wnd, in->seq))
		return in->flags & TH_RST ? DROP : ANSWER;
	if (in->flags & TH_RST)
		return in->seq == tw->rcv_nxt ? KILL : DROP;
	if (in->flags & TH_SYN)
		return ANSWER; /* RFC 5961, 4.2 */
	if (!(in->flags & TH_ACK) || !seq_lt(tw->rcv_nxt, in->end_seq))
		return in->len ? ANSWER : DROP;
	if (!(in->flags & TH_FIN) || in->end_seq != tw->rcv_nxt + 1)
		return RESET; /* data that nobody will read */
	tw->state = TCP_TIME_WAIT;
	tw->rcv_nxt = in->end_seq;
	note_ts(in, tw);
	return ANSWER;
}

static enum verdict in_time_wait(const struct tcp_in *in, struct tcp_tw *tw, bool paws)
{
	if (in->flags & TH_RST) /* tcp_rfc1337: RFC 1337's first fix against being ended early */
		return in->seq == tw->rcv_nxt && !in->net->inet->tcp_rfc1337 ? KILL : DROP;
	if (!paws && in->seq == tw->rcv_nxt && in->seq == in->end_seq) {
		note_ts(in, tw);
		return DROP;
	}
	if ((in->flags & (TH_SYN | TH_ACK)) == TH_SYN && !paws &&
		(seq_lt(tw->rcv_nxt, in->seq) ||
			(tw->ts_ok && in->o.has_ts && (int32_t)(in->o.tsval - tw->ts_recent) > 0)))
		return NEW_SYN;
	if (paws)
		mib_inc(MIB_TCPX_PAWS_ESTAB);
	return ANSWER;
}

static void send_ack(const struct tcp_in *in, struct tcp_tw *tw)
{
	struct tcp_reply r = {.seq = tw->snd_nxt,
		.ack = tw->rcv_nxt,
		.flags = TH_ACK,
		.tos = tw->tos,
		.wnd = (uint16_t)MIN(tw->rcv_wnd >> tw->rcv_wscale, 65535u),
		.has_ts = tw->ts_ok,
		.tsval = (uint32_t)(in->now / NSEC_PER_MSEC) + tw->ts_off,
		.tsecr = tw->ts_recent,
		.mark = tw->mark};

	(void)tcp_reply(&tw->ent, &r);
}

/* A segment without data or FIN may be part of a loop of ACKs: seldom. */
static bool may_answer(const struct tcp_in *in, struct tcp_tw *tw)
{
	if (in->len || in->flags & TH_FIN)
		return true;
	return tcp_may_challenge(&tw->challenge_ns, in->now);
}

bool tcp_tw_input(struct tcp_in *in, struct tcp_tw *tw)
{
	struct shard *sh = shard_of(tw);
	bool paws = paws_rejects(in, tw);
	enum verdict v;

	spin_lock(&sh->lock);
	if (tw->dead) {
		spin_unlock(&sh->lock);
		return false;
	}
	v = tw->state == TCP_FIN_WAIT2 ? in_fin_wait2(in, tw, paws) : in_time_wait(in, tw, paws);
	if (v == ANSWER && tw->state == TCP_TIME_WAIT)
		relist(sh, tw, in->now + TCP_TIMEWAIT);
	if (v == NEW_SYN && !tcp_listen_lookup(in))
		v = ANSWER;
	if (v == NEW_SYN) {
		in->fresh_iss = true;
		in->iss = tw->snd_nxt + 65535 + 2; /* beyond anything that may be under way */
	}
	spin_unlock(&sh->lock);
	switch (v) {
	case ANSWER:
		if (may_answer(in, tw))
			send_ack(in, tw);
		return true;
	case RESET:
		tcp_reply_rst(in);
		kill(tw);
		return true;
	case KILL:
		kill(tw);
		return true;
	case NEW_SYN:
		mib_inc(MIB_TCPX_TW_RECYCLED);
		kill(tw);
		return false;
	default:
		return true;
	}
}

/* ---- connect(2) ---- */

/* net.ipv4.tcp_tw_reuse; a program that bound the port itself is not asked. */
static bool may_reuse(const struct tcp_tw *tw, const struct tcp_sock *tp)
{
	uint8_t how = tw->ent.net->inet->tcp_tw_reuse;

	if (tp->is.lport || how == 1)
		return true;
	return how == 2 && (ip_is_loopback(&tw->ent.local) || ip_is_loopback(&tw->ent.remote));
}

bool tcp_tw_reuse(struct tcp_tw *tw, struct tcp_sock *tp, uint64_t now)
{
	struct shard *sh = shard_of(tw);
	uint64_t after = ip_is_loopback(&tw->ent.remote) ? REUSE_AFTER_LOCAL : REUSE_AFTER;
	bool mine = false;

	spin_lock(&sh->lock);
	if (tw->ts_ok && tw->state == TCP_TIME_WAIT && now - tw->since_ns >= after &&
		may_reuse(tw, tp))
		mine = mark_dead(tw);
	if (mine) {
		tp->iss = tw->snd_nxt + 65535 + 2;
		tp->fresh_iss = true;
		tp->ts_recent = tw->ts_recent;
		tp->ts_recent_s = (uint32_t)(now / NSEC_PER_SEC);
		(void)tcp_hash_replace(&tw->ent, &tp->ent);
	}
	spin_unlock(&sh->lock);
	if (mine)
		mib_inc(MIB_TCPX_TW_RECYCLED);
	return mine;
}

void tcp_tw_forget(struct tcp_tw *tw)
{
	leave_port(tw);
}
