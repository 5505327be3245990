/*
 * fib.h - routing tables, rules, and what is learnt about destinations. Theory: route.c
 */
#pragma once
#include "ip.h"
#include "trie.h"

struct nexthop {
	refcount_t refs;        /* the route's, and each struct dst's */
	struct netdev *dev;     /* [c] held */
	struct ip_addr gateway; /* [c] any: the destination itself is on the link */
	uint8_t weight;
	bool onlink, has_gateway;
	struct rcu_head rcu;
};

/* All but @next, @expires_ns and @pref constant: other changes are a new route. */
struct route {
	struct route *next; /* of the same prefix: by tos, then metric; RCU */
	struct trie_node *node;
	struct fib_table *table;
	struct ip_addr prefsrc;
	uint8_t prefix, type, scope, protocol, tos, pref;
	bool is_v6;
	uint32_t priority, mtu, advmss, window, rtt_ms, hop_limit;
	uint64_t expires_ns; /* 0: never */
	uint32_t weights;    /* sum over the hops */
	unsigned nr_hops;
	struct rcu_head rcu;
	struct nexthop *hop[];
};

struct fib_table {
	struct list_head node; /* fib->tables, RCU; never freed */
	uint32_t id;
	struct trie trie[2]; /* IPv4, IPv6 */
};
struct fib_rule {
	struct list_head node; /* by priority, RCU */
	struct rt_rule r;
	struct rcu_head rcu;
};
enum { FIB_EXCEPTIONS = 256, FIB_EXCEPTIONS_MAX = 1024 };

/* Key: [m] config lock to write, RCU readers  [l] ->lock to write, RCU readers */
struct fib {
	struct list_head tables; /* [m] */
	struct fib_table *local, *main, *deflt;
	struct list_head rules[2]; /* [m] by family */
	bool has_rules[2];         /* [m] other than the three that are there at boot */
	struct net_timer expiry;   /* of routes: work */
	struct spinlock lock;      /* level 47 */
	uint32_t nr_exceptions;    /* [l] */
	struct hlist_head exception[FIB_EXCEPTIONS]; /* [l] */
	uint64_t exception_key[2];
	struct net_timer exception_timer;
};
/* What was learnt about one destination: by ICMP. */
struct fib_exception {
	struct hlist_node node;
	struct ip_addr dst, gateway /* any: none */;
	uint32_t mtu /* 0: none */, ifindex /* of the gateway */;
	uint64_t mtu_expires_ns, gateway_expires_ns;
	struct rcu_head rcu;
};

struct fib_query {
	struct ip_addr dst, src;
	uint32_t oif, iif, mark, hash;
	uint8_t tos;
	bool on_link, is_v6;
};
struct fib_result {
	const struct route *rt;
	struct nexthop *nh;
};

void fib_init(struct net *net);
struct fib_table *fib_table(struct fib *f, uint32_t id); /* or NULL; RCU */
/* One table. 0, -EAGAIN (no answer: ask the next table), or the route's error. In a section. */
int fib_table_lookup(const struct fib_table *t, const struct fib_query *q, struct fib_result *r);
/* By the rules. 0, -ENETUNREACH, -EHOSTUNREACH, -EACCES, -EINVAL. In a section. */
int __must_check fib_lookup(struct net *net, const struct fib_query *q, struct fib_result *r);
/* The exception for @dst, or NULL. In a section. */
const struct fib_exception *fib_exception_find(struct fib *f, const struct ip_addr *dst);
/* A redirect: @dst is reached by @gateway on @ifindex. */
void fib_redirect(struct net *net, const struct ip_addr *dst, const struct ip_addr *gateway,
	uint32_t ifindex);
void fib_exceptions_init(struct fib *f);
void fib_rules_init(struct fib *f);
void fib_exceptions_flush(struct net *net);
/* Everything looked up before may be wrong now. */
static inline void fib_changed(struct net *net)
{
	__atomic_fetch_add(&net->inet->gen, 1, __ATOMIC_RELEASE);
}
/* A device goes down: routes over it go, but for this host's IPv4 addresses; @gone: those too.
 * Config lock held. */
void fib_flush_dev(struct net *net, struct netdev *d, bool gone);
/* @d has no IPv4 address any more: all IPv4 routes over it go. Config lock held. */
void fib_flush_dev4(struct net *net, struct netdev *d);
/* The address @src is no longer this host's: IPv4 routes that prefer it go. Config lock held. */
void fib_flush_source(struct net *net, const struct ip_addr *src);
/* A route that is there lives for e->expires_s from now on. False: there is none. Config lock held.
 */
bool fib_refresh(struct net *net, const struct rt_entry *e);
void nexthop_put(struct nexthop *nh);
void fib_fill_entry(const struct route *rt, struct rt_entry *e);

struct nexthop *nexthop_new(struct netdev *d, const struct rt_hop *h) __must_check;

/* ---- route.c ---- */
/*
 * What to do with a packet to @dst that came in by @in: ADDR_LOCAL, ADDR_BROADCAST, ADDR_MULTICAST
 * (a joined group): it is for this host; ADDR_NONE: it is not. In a section.
 */
enum addr_type route_input(struct net *net, const struct netdev *in, const struct ip_addr *dst);
/* Would an answer to the IPv4 address @src leave by @in (strict), or at all? rp_filter, RFC 3704.
 */
bool route_source_ok(struct net *net, const struct netdev *in, const struct ip_addr *src);
/* The way on for a packet that is not for this host: 0, or -errno of the route. */
int __must_check route_forward(
	struct net *net, const struct netdev *in, const struct flow *f, struct dst *out);
/* The interface that has the link-local address @a of this host, as the local table says; @other
 * when it says nothing. */
uint32_t route_zone(struct net *net, const struct ip_addr *a, uint32_t other);
/* A destination on the link of @d without asking a table or choosing a source. */
int __must_check dst_for_link(
	struct netdev *d, const struct ip_addr *src, const struct ip_addr *to, struct dst *out);
