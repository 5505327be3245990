/*
 * trie.c - longest-prefix match. Theory and contract: trie.h.
 */
#include "trie.h"
#include <debug.h>
#include <slab.h>

static inline bool same_prefix(const uint64_t *a, const uint64_t *b, unsigned bits)
{
	if (bits <= 64)
		return !bits || !((a[0] ^ b[0]) >> (64 - bits));
	return a[0] == b[0] && !((a[1] ^ b[1]) >> (128 - bits));
}

static inline unsigned bit_at(const uint64_t *k, unsigned n)
{
	return k[n / 64] >> (63 - n % 64) & 1;
}

/* How many leading bits agree, at most @limit. */
static unsigned common_bits(const uint64_t *a, const uint64_t *b, unsigned limit)
{
	uint64_t x = a[0] ^ b[0], y = a[1] ^ b[1];
	unsigned n = 128;

	if (x)
		n = (unsigned)__builtin_clzll(x);
	else if (y)
		n = 64 + (unsigned)__builtin_clzll(y);
	return MIN(n, limit);
}

static void mask_key(uint64_t *to, const struct ip_addr *a, unsigned bits)
{
	struct trie_key k = trie_key(a);

	to[0] = bits >= 64 ? k.q[0] : bits ? k.q[0] & ~0ull << (64 - bits) : 0;
	to[1] = bits >= 128 ? k.q[1] : bits > 64 ? k.q[1] & ~0ull << (128 - bits) : 0;
}

const struct trie_node *trie_match(const struct trie *t, const struct trie_key *k, int max)
{
	const struct trie_node *n = rcu_dereference(t->root), *best = NULL;

	while (n && n->bits <= max && same_prefix(n->key, k->q, n->bits)) {
		if (READ_ONCE(n->value))
			best = n;
		if (n->bits == 128)
			break;
		n = rcu_dereference(n->child[bit_at(k->q, n->bits)]);
	}
	return best;
}

struct trie_node *trie_find(const struct trie *t, const struct ip_addr *a, unsigned bits)
{
	uint64_t key[2];
	struct trie_node *n = rcu_dereference(t->root);

	mask_key(key, a, bits);
	while (n && n->bits < bits && same_prefix(n->key, key, n->bits))
		n = rcu_dereference(n->child[bit_at(key, n->bits)]);
	return n && n->bits == bits && same_prefix(n->key, key, bits) ? n : NULL;
}

static struct trie_node *node_new(const uint64_t *key, unsigned bits)
{
	struct trie_node *n = kzalloc(sizeof(*n));

	if (!n)
		return NULL;
	n->bits = (uint8_t)bits;
	n->key[0] = bits >= 64 ? key[0] : bits ? key[0] & ~0ull << (64 - bits) : 0;
	n->key[1] = bits >= 128 ? key[1] : bits > 64 ? key[1] & ~0ull << (128 - bits) : 0;
	return n;
}

static struct trie_node **link_of(struct trie *t, const struct trie_node *n)
{
	struct trie_node *up = n->parent;

	return !up ? &t->root : &up->child[up->child[1] == n];
}

/* Put @n in the place of @old, which becomes its child on the side of @old's key. */
static void put_above(struct trie *t, struct trie_node *n, struct trie_node *old)
{
	struct trie_node **link = link_of(t, old);

	n->parent = old->parent;
	n->child[bit_at(old->key, n->bits)] = old;
	rcu_assign(*link, n);
	old->parent = n;
}

struct trie_node *trie_insert(struct trie *t, const struct ip_addr *a, unsigned bits)
{
	struct trie_node **link = &t->root, *up = NULL, *n, *fork, *leaf;
	uint64_t key[2];
	unsigned common;

	mask_key(key, a, bits);
	while ((n = *link) && n->bits < bits && same_prefix(n->key, key, n->bits)) {
		up = n;
		link = &n->child[bit_at(key, n->bits)];
	}
	if (n && n->bits == bits && same_prefix(n->key, key, bits))
		return n;
	leaf = node_new(key, bits);
	if (!leaf)
		return NULL;
	if (!n) {
		leaf->parent = up;
		rcu_assign(*link, leaf);
		return leaf;
	}
	common = common_bits(n->key, key, MIN(bits, (unsigned)n->bits));
	if (common == bits) {
		put_above(t, leaf, n);
		return leaf;
	}
	fork = node_new(key, common);
	if (!fork) {
		kfree(leaf);
		return NULL;
	}
	leaf->parent = fork;
	fork->child[bit_at(key, common)] = leaf;
	put_above(t, fork, n);
	return leaf;
}

static void node_free(struct rcu_head *h)
{
	kfree(container_of(h, struct trie_node, rcu));
}

/* Take out @n and then its parent, when they are not needed as forks. */
static void prune(struct trie *t, struct trie_node *n)
{
	while (n && !n->value && !(n->child[0] && n->child[1])) {
		struct trie_node *only = n->child[0] ? n->child[0] : n->child[1];
		struct trie_node *up = n->parent;

		if (only)
			only->parent = up;
		rcu_assign(*link_of(t, n), only);
		rcu_call(&n->rcu, node_free);
		n = up;
	}
}

void trie_set(struct trie *t, struct trie_node *n, void *value)
{
	t->values += (value != NULL) - (n->value != NULL);
	rcu_assign(n->value, value);
	if (!value)
		prune(t, n);
}

struct trie_node *trie_next(const struct trie *t, const struct trie_node *n)
{
	const struct trie_node *from;

	do {
		if (!n) {
			n = t->root;
		} else if (n->child[0] || n->child[1]) {
			n = n->child[0] ? n->child[0] : n->child[1];
		} else {
			do {
				from = n;
				n = n->parent;
			} while (n && (n->child[1] == from || !n->child[1]));
			if (n)
				n = n->child[1];
			else
				return NULL;
		}
	} while (n && !n->value);
	return (struct trie_node *)(uintptr_t)n;
}

struct ip_addr trie_addr(const struct trie_node *n)
{
	return (struct ip_addr){.q = {__builtin_bswap64(n->key[0]), __builtin_bswap64(n->key[1])}};
}
