/*
 * filter_state.c - connections that the filter let through: their further packets, in both
 * directions, need no rule.
 *
 * A state is found by its two ends, in an order that does not depend on the packet's direction, in
 * a hash table read under RCU. It lives until its timeout passes without a packet; timeouts follow
 * what was seen of the connection. Expired ones go when a new one wants their bucket, and by a
 * sweep of one sixteenth of the table each second. The table is bounded; a flood of new connections
 * first pushes out those that were never answered.
 *
 * Locks: per-bucket spinlocks (level 47) for changes; flags and expiry are single words, written
 * racily.
 */
#include <arch/clock.h>
#include <error.h>
#include <hash.h>
#include <random.h>
#include <slab.h>
#include <string.h>
#include <time.h>
#include "filter.h"
#include "inet.h"

enum { BUCKETS = 4096, SWEEP = BUCKETS / 16, LOCKS = 64, STATES_MAX = 1 << 16 };
enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };
enum { /* timeouts in seconds */
	T_TCP_OPENING = 30,
	T_TCP_OPEN = 24 * 3600,
	T_TCP_CLOSING = 60,
	T_TCP_CLOSED = 10,
	T_UDP_ONE_WAY = 30,
	T_UDP = 120,
	T_ICMP = 30,
	T_OTHER = 300
};
enum { SEEN_REPLY = 1, SEEN_FIN_A = 2, SEEN_FIN_B = 4, SEEN_RST = 8, SEEN_ACK = 16 };

struct state_key { /* end a is the smaller one */
	struct ip_addr a, b;
	uint16_t aport, bport;
	uint8_t proto, pad[3];
};
struct filter_state {
	struct hlist_node node;
	struct state_key key;
	bool from_a;         /* the first packet went from a to b */
	uint8_t seen;        /* [a] SEEN_* */
	uint64_t expires_ns; /* [a] */
	struct rcu_head rcu;
};

static struct hlist_head table[BUCKETS];
static struct spinlock locks[LOCKS];
static uint64_t hash_key[2];
static atomic_t count;
static struct net_timer sweeper;
static unsigned sweep_at; /* sweeper's own */

/* True: the packet goes from a to b. */
static bool make_key(const struct filter_packet *f, struct state_key *k)
{
	int order = memcmp(&f->src, &f->dst, sizeof(f->src));
	bool from_a = order < 0 || (!order && f->sport <= f->dport);

	memset(k, 0, sizeof(*k));
	k->a = from_a ? f->src : f->dst;
	k->b = from_a ? f->dst : f->src;
	k->aport = from_a ? f->sport : f->dport;
	k->bport = from_a ? f->dport : f->sport;
	k->proto = f->proto;
	return from_a;
}

static unsigned bucket_of(const struct state_key *k)
{
	return (unsigned)siphash(k, sizeof(*k), hash_key) % BUCKETS;
}

static struct filter_state *find(const struct state_key *k, unsigned b)
{
	struct filter_state *s;

	hlist_for_each_entry (s, &table[b], node)
		if (!memcmp(&s->key, k, sizeof(*k)))
			return s;
	return NULL;
}

static uint64_t timeout_ns(const struct filter_state *s)
{
	unsigned seen = READ_ONCE(s->seen), seconds;

	switch (s->key.proto) {
	case IPPROTO_TCP:
		seconds = seen & SEEN_RST || (seen & SEEN_FIN_A && seen & SEEN_FIN_B) ? T_TCP_CLOSED
			  : seen & (SEEN_FIN_A | SEEN_FIN_B)     ? T_TCP_CLOSING
			  : seen & SEEN_REPLY && seen & SEEN_ACK ? T_TCP_OPEN
								 : T_TCP_OPENING;
		break;
	case IPPROTO_UDP:
		seconds = seen & SEEN_REPLY ? T_UDP : T_UDP_ONE_WAY;
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		seconds = T_ICMP;
		break;
	default:
		seconds = T_OTHER;
	}
	return seconds * NSEC_PER_SEC;
}

static void note_packet(struct filter_state *s, const struct filter_packet *f, bool from_a)
{
	uint8_t seen = 0;

	if (from_a != s->from_a)
		seen |= SEEN_REPLY;
	if (f->proto == IPPROTO_TCP) {
		if (f->tcp_flags & TCP_FIN)
			seen |= from_a ? SEEN_FIN_A : SEEN_FIN_B;
		if (f->tcp_flags & TCP_RST)
			seen |= SEEN_RST;
		if (f->tcp_flags & TCP_ACK && from_a == s->from_a)
			seen |= SEEN_ACK;
	}
	if (seen & ~READ_ONCE(s->seen))
		__atomic_fetch_or(&s->seen, seen, __ATOMIC_RELAXED);
	WRITE_ONCE(s->expires_ns, clock_ns() + timeout_ns(s));
}

static bool is_expired(const struct filter_state *s, uint64_t now)
{
	return READ_ONCE(s->expires_ns) <= now;
}

/* A new connection over the remains of a closed one begins a new state. */
static bool is_reopened(const struct filter_state *s, const struct filter_packet *f)
{
	return f->proto == IPPROTO_TCP && (f->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN &&
	       READ_ONCE(s->seen) & (SEEN_RST | SEEN_FIN_A | SEEN_FIN_B);
}

enum state_answer filter_state_check(const struct filter_packet *f)
{
	struct state_key k;
	bool from_a = make_key(f, &k);
	struct filter_state *s = find(&k, bucket_of(&k));

	if (!s || is_expired(s, clock_ns()) || is_reopened(s, f)) {
		/* In the middle of a connection that nobody saw begin. */
		if (f->proto == IPPROTO_TCP && !f->is_fragment &&
			(f->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
			return STATE_INVALID;
		return STATE_NONE;
	}
	note_packet(s, f, from_a);
	return STATE_MATCH;
}

/* ---- coming and going; bucket lock held ---- */

static void state_free(struct rcu_head *h)
{
	kfree(container_of(h, struct filter_state, rcu));
}

static void drop(struct filter_state *s)
{
	hlist_del(&s->node);
	atomic_add(&count, -1);
	rcu_call(&s->rcu, state_free);
}

static void drop_expired(unsigned b, uint64_t now)
{
	struct hlist_node *n = table[b].first, *next;

	for (; n; n = next) {
		struct filter_state *s = container_of(n, struct filter_state, node);

		next = n->next;
		if (is_expired(s, now))
			drop(s);
	}
}

/* The table is full: a connection of this bucket that was never answered gives way. */
static bool drop_unanswered(unsigned b)
{
	struct filter_state *s;

	hlist_for_each_entry (s, &table[b], node) {
		if (!(READ_ONCE(s->seen) & SEEN_REPLY)) {
			drop(s);
			return true;
		}
	}
	return false;
}

bool filter_state_add(const struct filter_packet *f)
{
	struct filter_state *s = kmalloc(sizeof(*s), GFP_ATOMIC), *old;
	struct spinlock *lock;
	bool ok = true;
	unsigned b;

	if (!s)
		return false;
	memset(s, 0, sizeof(*s));
	s->from_a = make_key(f, &s->key);
	b = bucket_of(&s->key);
	note_packet(s, f, s->from_a);
	lock = &locks[b % LOCKS];
	spin_lock(lock);
	drop_expired(b, clock_ns());
	old = find(&s->key, b);
	if (old)
		drop(old);
	if (atomic_read(&count) >= STATES_MAX)
		ok = drop_unanswered(b);
	if (ok) {
		hlist_add(&s->node, &table[b]);
		atomic_add(&count, 1);
	}
	spin_unlock(lock);
	if (!ok)
		kfree(s);
	return ok;
}

static void sweep(struct net_timer *t)
{
	uint64_t now = clock_ns();

	for (unsigned i = 0; i < SWEEP; i++, sweep_at = (sweep_at + 1) % BUCKETS) {
		if (!READ_ONCE(table[sweep_at].first))
			continue;
		spin_lock(&locks[sweep_at % LOCKS]);
		drop_expired(sweep_at, now);
		spin_unlock(&locks[sweep_at % LOCKS]);
	}
	(void)net_timer_arm(t, now + NSEC_PER_SEC);
}

void filter_state_flush(void)
{
	net_enter();
	for (unsigned b = 0; b < BUCKETS; b++) {
		spin_lock(&locks[b % LOCKS]);
		drop_expired(b, UINT64_MAX);
		spin_unlock(&locks[b % LOCKS]);
	}
	net_exit();
}

int filter_state_each(int (*fn)(const struct filter_state_info *i, void *arg), void *arg)
{
	uint64_t now = clock_ns();
	struct filter_state *s;
	int result = 0;

	rcu_read_lock();
	for (unsigned b = 0; b < BUCKETS && !result; b++) {
		hlist_for_each_entry (s, &table[b], node) {
			uint64_t until = READ_ONCE(s->expires_ns);
			const struct filter_state_info i = {.src = s->from_a ? s->key.a : s->key.b,
				.dst = s->from_a ? s->key.b : s->key.a,
				.sport = s->from_a ? s->key.aport : s->key.bport,
				.dport = s->from_a ? s->key.bport : s->key.aport,
				.proto = s->key.proto,
				.replied = READ_ONCE(s->seen) & SEEN_REPLY,
				.expires_s = until > now ? (uint32_t)((until - now) / NSEC_PER_SEC)
							 : 0};

			result = fn(&i, arg);
			if (result)
				break;
		}
	}
	rcu_read_unlock();
	return result;
}

unsigned filter_state_count(void)
{
	return (unsigned)atomic_read(&count);
}

void filter_init(void)
{
	random_bytes(hash_key, sizeof(hash_key));
	for (unsigned i = 0; i < LOCKS; i++)
		spin_init(&locks[i]);
	net_timer_init(&sweeper, sweep);
	(void)net_timer_arm(&sweeper, clock_ns() + NSEC_PER_SEC);
}
