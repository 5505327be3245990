/*
 * tcp_hash.c - who a segment is for: the table of connections, requests and TIME_WAITs by
 * addresses and ports, and the table of listeners by port.
 *
 * Readers use RCU and take no references. Keys are secret, so that peers cannot choose buckets.
 * Also what else comes from secret keys: initial sequence numbers (RFC 6528) and timestamp offsets
 * (RFC 7323, 7.1).
 *
 * Does not: choose ports; bind.c does.
 */
#include <hash.h>
#include <random.h>
#include <slab.h>
#include <string.h>
#include "tcp.h"

struct bucket {
	struct hlist_head chain;
	struct spinlock lock; /* level 47 */
};
enum { LISTEN_BUCKETS = 256 };

static struct bucket *conns;
static uint32_t conns_mask;
static struct bucket listeners[LISTEN_BUCKETS];
static uint64_t hash_key[2], isn_key[2], ts_key[2];

void tcp_hash_init(void)
{
	struct mem_stats m;
	uint32_t n = 1024, i;

	mem_stats(&m);
	while (n < 131072 && n < m.total / 16)
		n *= 2;
	conns = kcalloc(n, sizeof(*conns));
	PANIC_ON(!conns);
	conns_mask = n - 1;
	for (i = 0; i < n; i++)
		spin_init(&conns[i].lock);
	for (i = 0; i < LISTEN_BUCKETS; i++)
		spin_init(&listeners[i].lock);
	random_bytes(hash_key, sizeof(hash_key));
	random_bytes(isn_key, sizeof(isn_key));
	random_bytes(ts_key, sizeof(ts_key));
}

/* ---- hashing ---- */

static inline uint32_t ports_of(__be16 lport, __be16 rport)
{
	return (uint32_t)(__force uint16_t)lport << 16 | (__force uint16_t)rport;
}

static uint64_t hash_tuple(const struct ip_addr *local, const struct ip_addr *remote,
	uint32_t ports, const uint64_t key[2])
{
	struct {
		uint64_t q[4];
		uint32_t ports;
	} __packed all;
	struct {
		uint32_t local, remote, ports;
	} v4;

	if (likely(ip_is_v4(local) && ip_is_v4(remote))) {
		v4.local = (__force uint32_t)local->w[3];
		v4.remote = (__force uint32_t)remote->w[3];
		v4.ports = ports;
		return siphash(&v4, sizeof(v4), key);
	}
	memcpy(&all.q[0], local, sizeof(*local));
	memcpy(&all.q[2], remote, sizeof(*remote));
	all.ports = ports;
	return siphash(&all, sizeof(all), key);
}

void tcp_ent_set(struct tcp_ent *e, struct net *net, const struct ip_addr *local, __be16 lport,
	const struct ip_addr *remote, __be16 rport, uint32_t ifindex, uint8_t kind)
{
	e->net = net;
	e->local = *local;
	e->remote = *remote;
	e->lport = lport;
	e->rport = rport;
	e->ifindex = ifindex;
	e->kind = kind;
	e->hash = (uint32_t)hash_tuple(local, remote, ports_of(lport, rport), hash_key);
}

uint32_t tcp_isn(const struct tcp_ent *e, uint64_t now)
{
	return (uint32_t)hash_tuple(&e->local, &e->remote, ports_of(e->lport, e->rport), isn_key) +
	       (uint32_t)(now >> 6); /* 64 ns: once around in 4.6 minutes */
}

uint32_t tcp_ts_offset(const struct ip_addr *local, const struct ip_addr *remote)
{
	return (uint32_t)hash_tuple(local, remote, 0, ts_key);
}

/* ---- connections ---- */

static inline bool matches(const struct tcp_ent *e, const struct tcp_ent *of)
{
	return e->hash == of->hash && e->lport == of->lport && e->rport == of->rport &&
	       ip_equal(&e->remote, &of->remote) && ip_equal(&e->local, &of->local) &&
	       e->net == of->net;
}

struct tcp_ent *tcp_lookup(struct net *net, const struct ip_addr *local, __be16 lport,
	const struct ip_addr *remote, __be16 rport, uint32_t ifindex)
{
	uint32_t hash = (uint32_t)hash_tuple(local, remote, ports_of(lport, rport), hash_key);
	struct tcp_ent *e;

	hlist_for_each_entry (e, &conns[hash & conns_mask].chain, node) {
		if (e->hash == hash && e->lport == lport && e->rport == rport &&
			ip_equal(&e->remote, remote) && ip_equal(&e->local, local) &&
			e->net == net && (!e->ifindex || e->ifindex == ifindex))
			return e;
	}
	return NULL;
}

struct tcp_ent *tcp_hash_add(struct tcp_ent *e)
{
	struct bucket *b = &conns[e->hash & conns_mask];
	struct tcp_ent *other;

	spin_lock(&b->lock);
	hlist_for_each_entry (other, &b->chain, node)
		if (matches(other, e) &&
			(!other->ifindex || !e->ifindex || other->ifindex == e->ifindex))
			break;
	if (!other)
		hlist_add(&e->node, &b->chain);
	spin_unlock(&b->lock);
	return other;
}

/* In the very place of @old: a reader on its way there meets one of the two. */
static void replace(struct hlist_node *old, struct hlist_node *now)
{
	now->next = old->next;
	now->pprev = old->pprev;
	smp_store_release(now->pprev, now);
	if (now->next)
		now->next->pprev = &now->next;
	old->pprev = NULL;
}

bool tcp_hash_replace(struct tcp_ent *old, struct tcp_ent *now)
{
	struct bucket *b = &conns[old->hash & conns_mask];
	bool there;

	ASSERT(old->hash == now->hash);
	spin_lock(&b->lock);
	there = !hlist_unhashed(&old->node);
	if (there)
		replace(&old->node, &now->node);
	spin_unlock(&b->lock);
	return there;
}

bool tcp_hash_del(struct tcp_ent *e)
{
	struct bucket *b = &conns[e->hash & conns_mask];
	bool there;

	spin_lock(&b->lock);
	there = !hlist_unhashed(&e->node);
	hlist_del(&e->node);
	spin_unlock(&b->lock);
	return there;
}

/* ---- listeners ---- */

static struct bucket *listen_bucket(__be16 port)
{
	return &listeners[be16(port) % LISTEN_BUCKETS];
}

void tcp_listen_hash(struct tcp_sock *tp)
{
	struct bucket *b = listen_bucket(tp->is.lport);

	spin_lock(&b->lock);
	hlist_add(&tp->is.hash_node, &b->chain);
	spin_unlock(&b->lock);
}

void tcp_listen_unhash(struct tcp_sock *tp)
{
	struct bucket *b = listen_bucket(tp->is.lport);

	spin_lock(&b->lock);
	hlist_del(&tp->is.hash_node);
	spin_unlock(&b->lock);
}

/* How well @l fits: 0 not at all; a bound device and a bound address count more than a wildcard,
 * the packet's own family more than an IPv6 wildcard that takes IPv4 too. */
static unsigned listen_score(const struct tcp_sock *l, const struct tcp_in *in)
{
	const struct inet_sock *is = &l->is;
	const struct ip_addr *dst = &in->p->ip.dst;
	uint32_t only = READ_ONCE(is->s.ifindex);
	unsigned score = 1;

	if (is->lport != in->dport || is->s.net != in->net || l->state != TCP_LISTEN)
		return 0;
	if (only) {
		if (only != in->ifindex)
			return 0;
		score += 8;
	}
	if (!ip_is_any(&is->local))
		return ip_equal(&is->local, dst) ? score + 4 : 0;
	if (ip_is_v4(&is->local))
		return ip_is_v4(dst) ? score + 2 : 0;
	if (!ip_is_v4(dst))
		return score + 2;
	return is->v6only ? 0 : score + 1;
}

struct tcp_sock *tcp_listen_lookup(const struct tcp_in *in)
{
	struct hlist_head *chain = &listen_bucket(in->dport)->chain;
	struct tcp_sock *l, *best = NULL;
	unsigned score, best_score = 0, ties = 0;
	uint32_t hash, nth;

	hlist_for_each_entry (l, chain, is.hash_node) {
		score = listen_score(l, in);
		if (!score || score < best_score)
			continue;
		ties = score == best_score ? ties + 1 : 1;
		best_score = score;
		best = l;
	}
	if (likely(ties <= 1) || !(READ_ONCE(best->is.s.opts) & SOPT_REUSEPORT))
		return best;
	/* SO_REUSEPORT: connections are spread over the equals by their addresses and ports. */
	hash = (uint32_t)hash_tuple(
		&in->p->ip.dst, &in->p->ip.src, ports_of(in->dport, in->sport), hash_key);
	nth = (uint32_t)((uint64_t)hash * ties >> 32);
	hlist_for_each_entry (l, chain, is.hash_node)
		if (listen_score(l, in) == best_score && nth-- == 0)
			return l;
	return best;
}

/* ---- all of them ---- */

int tcp_hash_each(int (*fn)(struct tcp_ent *e, void *arg),
	int (*listener)(struct tcp_sock *tp, void *arg), void *arg)
{
	struct tcp_sock *l;
	struct tcp_ent *e;
	uint32_t i;
	int err = 0;

	for (i = 0; i < LISTEN_BUCKETS && !err; i++)
		hlist_for_each_entry (l, &listeners[i].chain, is.hash_node) {
			err = listener(l, arg);
			if (err)
				break;
		}
	for (i = 0; i <= conns_mask && !err; i++)
		hlist_for_each_entry (e, &conns[i].chain, node) {
			err = fn(e, arg);
			if (err)
				break;
		}
	return err;
}
