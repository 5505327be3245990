/*
 * neigh.h - link addresses of neighbours, for ARP and Neighbour Discovery alike. Theory: neigh.c
 */
#pragma once
#include "ip.h"
#include <arch/clock.h>
#include <seqlock.h>

/* Key: [l] ->lock  [t] table lock  [a] single words, racy reads */
struct neigh {
	struct hlist_node node; /* [t] RCU */
	struct ip_addr addr;    /* [c] */
	struct netdev *dev;     /* [c] held */
	refcount_t refs;        /* the table's, each user's, a pending timer's */
	bool dead;              /* [a] off the table: look again */
	struct spinlock lock;   /* level 47, after the table's */
	uint8_t state;          /* [l] NUD_*, racy reads */
	uint8_t probes;         /* [l] sent in this state */
	bool is_router;         /* [l] */
	struct seqcount seq;    /* of lladdr */
	uint8_t lladdr[NETDEV_ADDR];
	uint64_t confirmed_ns, used_ns, updated_ns; /* [a] */
	struct pkt_queue pending;                   /* [l] wait for the address */
	struct net_timer timer;
	struct rcu_head rcu;
};

static inline struct neigh *neigh_get(struct neigh *n)
{
	refcount_inc(&n->refs);
	return n;
}
void neigh_put(struct neigh *n);
/* The entry for @a on @d; made when missing and @create. Referenced, or NULL. In a section. */
struct neigh *neigh_find(struct netdev *d, const struct ip_addr *a, bool create) __must_check;
/* Send @p (at its network header, p->protocol and p->dev set): link header in front now, or once
 * the address is known. Consumes. 0, -ENOBUFS, -ENETDOWN, -EHOSTUNREACH. */
int neigh_output(struct neigh *n, struct pkt *p);
/* Forward progress: RFC 4861, 7.3.1. */
static inline void neigh_confirm(struct neigh *n)
{
	uint64_t now = clock_ns();

	if (n->confirmed_ns + 1000000 < now) /* at most each millisecond */
		WRITE_ONCE(n->confirmed_ns, now);
}

/* What a received message says of a neighbour: RFC 4861 appendix C, RFC 826. */
struct neigh_news {
	const uint8_t *lladdr; /* NULL: the message has none */
	bool solicited;        /* answers a question of ours: the way is proven */
	bool override;         /* replaces a different address */
	bool create;           /* make an entry if there is none */
	bool has_router, is_router;
};
void neigh_update(struct netdev *d, const struct ip_addr *a, const struct neigh_news *news);
/* @d goes down (all but permanent entries) or away (all), or its own link address changed. */
void neigh_flush_dev(struct netdev *d, bool all);
bool neigh_is_router(struct netdev *d, const struct ip_addr *a);
/* Is @a known not to answer? (default router selection, RFC 4861 6.3.6) */
bool neigh_failed(struct netdev *d, const struct ip_addr *a);
void neigh_init(void);

/* ---- arp.c, ndisc.c: questions ---- */
void arp_init(void);
/* Ask for @n: to everybody, or to the address known (@unicast). @src: what the waiting packet has
 * as its source, or any. No lock held. */
void arp_solicit(struct netdev *d, const struct ip_addr *target, const struct ip_addr *src,
	const uint8_t *unicast);
void ndisc_solicit(struct netdev *d, const struct ip_addr *target, const struct ip_addr *src,
	const uint8_t *unicast);
