/* LINK: kernel/net/trie.c */
#include "kernel/net/trie.h"
#include <unit.h>

enum { MODEL = 300 };
struct entry {
	struct ip_addr a;
	unsigned bits;
	void *value;
};
static struct entry model[MODEL];

static struct ip_addr mask(struct ip_addr a, unsigned bits)
{
	for (unsigned i = 0; i < 128; i++)
		if (i >= bits)
			a.b[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
	return a;
}

/* Few different bits, so that prefixes share and nest. */
static struct ip_addr any_address(bool v4)
{
	struct ip_addr a = {.q = {0, 0}};

	if (v4)
		a = ip_from_v4(IP4(10, unit_below(4), unit_below(4) * 64, unit_below(256)));
	else
		for (unsigned i = 0; i < 16; i++)
			a.b[i] = (uint8_t)(unit_below(3)   ? 0
					   : unit_below(2) ? 0xff
							   : unit_below(256));
	return a;
}

static struct entry *model_find(struct ip_addr a, unsigned bits)
{
	for (unsigned i = 0; i < MODEL; i++)
		if (model[i].value && model[i].bits == bits && ip_equal(&model[i].a, &a))
			return &model[i];
	return NULL;
}

static struct entry *model_match(const struct ip_addr *a, int max)
{
	struct entry *best = NULL;

	for (unsigned i = 0; i < MODEL; i++)
		if (model[i].value && (int)model[i].bits <= max &&
			ip_prefix_equal(&model[i].a, a, model[i].bits) &&
			(!best || model[i].bits > best->bits))
			best = &model[i];
	return best;
}

static void change(struct trie *t, bool v4)
{
	const unsigned bits = v4 ? 96 + (unsigned)unit_below(33) : (unsigned)unit_below(129);
	const struct ip_addr a = mask(any_address(v4), bits);
	struct entry *e = model_find(a, bits);
	struct trie_node *n;

	if (e) {
		n = trie_find(t, &a, bits);
		REQUIRE(n && n->value == e->value);
		trie_set(t, n, NULL);
		e->value = NULL;
		return;
	}
	for (e = model; e < model + MODEL && e->value; e++)
		;
	if (e == model + MODEL)
		return;
	n = trie_insert(t, &a, bits);
	REQUIRE(n != NULL);
	*e = (struct entry){a, bits, e};
	trie_set(t, n, e);
}

static void look(const struct trie *t, bool v4)
{
	const struct ip_addr a = any_address(v4);
	const struct trie_key k = trie_key(&a);
	const int max = (int)unit_below(130) - 1;
	const struct entry *e = model_match(&a, max);
	const struct trie_node *n = trie_match(t, &k, max);

	EXPECT(n ? n->value == e : !e);
}

static void walk(const struct trie *t)
{
	const struct trie_node *n, *last = NULL;
	unsigned seen = 0;

	for (n = trie_next(t, NULL); n; last = n, n = trie_next(t, n)) {
		const struct entry *e = n->value;
		const struct ip_addr a = trie_addr(n);

		EXPECT(e->bits == n->bits && ip_equal(&a, &e->a));
		if (last)
			EXPECT(last->key[0] < n->key[0] ||
				(last->key[0] == n->key[0] && last->key[1] <= n->key[1]));
		seen++;
	}
	EXPECT_EQ(seen, t->values);
}

static void clear(struct trie *t)
{
	for (unsigned i = 0; i < MODEL; i++)
		if (model[i].value) {
			trie_set(t, trie_find(t, &model[i].a, model[i].bits), NULL);
			model[i].value = NULL;
		}
}

static void run(bool v4)
{
	struct trie t = {NULL, 0};
	const long before = alloc_live();

	for (unsigned i = 0; i < 20000; i++) {
		change(&t, v4);
		for (unsigned k = 0; k < 4; k++)
			look(&t, v4);
		if (i % 1000 == 0)
			walk(&t);
	}
	clear(&t);
	EXPECT(t.root == NULL);
	EXPECT_EQ(t.values, 0);
	unit_rcu_flush();
	EXPECT_EQ(alloc_live(), before);
}

TEST(longest_prefix_agrees_with_a_search_of_all_ipv4)
{
	run(true);
}

TEST(longest_prefix_agrees_with_a_search_of_all_ipv6)
{
	run(false);
}

TEST(a_trie_without_memory_is_unchanged)
{
	struct trie t = {NULL, 0};
	const struct ip_addr a = ip_from_v4(IP4(10, 0, 0, 1)), b = ip_from_v4(IP4(10, 0, 1, 1));
	const long before = alloc_live();
	struct trie_node *n = trie_insert(&t, &a, 128);

	REQUIRE(n != NULL);
	trie_set(&t, n, &t);
	alloc_fail_after(1); /* the leaf, but not the fork */
	EXPECT(trie_insert(&t, &b, 128) == NULL);
	alloc_fail_after(0);
	EXPECT(trie_insert(&t, &b, 128) == NULL);
	alloc_fail_after(-1);
	EXPECT(t.root == n);
	trie_set(&t, n, NULL);
	unit_rcu_flush();
	EXPECT_EQ(alloc_live(), before);
}
