/*
 * trie.h - longest-prefix match: a path-compressed binary trie over 128-bit addresses, one for each
 * family of a routing table.
 *
 * A node stands for a prefix. Its value is whatever the owner hangs there (a list of routes); nodes
 * without a value only fork. Readers walk down in an RCU section without locks; writers are
 * serialised by the owner. A node's key never changes, so every tree a reader can see is sound.
 */
#pragma once
#include <ipaddr.h>
#include <rcu.h>

struct trie_node {
	uint64_t key[2];            /* host order, bits beyond the prefix are zero */
	struct trie_node *child[2]; /* by the first bit after the prefix; RCU */
	struct trie_node *parent;   /* writers' */
	void *value;                /* RCU; NULL: a fork */
	uint8_t bits;
	struct rcu_head rcu;
};
struct trie {
	struct trie_node *root;
	uint32_t values; /* nodes with a value */
};
struct trie_key {
	uint64_t q[2];
};

static inline struct trie_key trie_key(const struct ip_addr *a)
{
	return (struct trie_key){{__builtin_bswap64(a->q[0]), __builtin_bswap64(a->q[1])}};
}
/*
 * The longest prefix of @k of at most @max bits that has a value, or NULL. In an RCU section. To go
 * on to the next shorter one, ask again with max = node->bits - 1.
 */
const struct trie_node *trie_match(const struct trie *t, const struct trie_key *k, int max);
/* The node of exactly this prefix, with or without value. Writer or RCU section. */
struct trie_node *trie_find(const struct trie *t, const struct ip_addr *a, unsigned bits);
/* Find or make it; the caller then gives it a value by trie_set(). NULL: no memory. */
struct trie_node *trie_insert(struct trie *t, const struct ip_addr *a, unsigned bits) __must_check;
/* Change the value; NULL takes the node out (freed after a grace period). */
void trie_set(struct trie *t, struct trie_node *n, void *value);
/* Nodes with a value in address order, shorter prefixes first; @n NULL: the first. Writers only. */
struct trie_node *trie_next(const struct trie *t, const struct trie_node *n);
struct ip_addr trie_addr(const struct trie_node *n);
