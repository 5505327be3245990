/*
 * rbtree_test.c - random insertions and removals against a sorted array; balance, order and
 * augmented sums hold throughout.
 */
/* LINK: kernel/lib/rbtree.c */
#include <rbtree.h>
#include <unit.h>

#define N 200u
struct item {
	struct rb_node node;
	uint32_t key;
	uint64_t sum;
	bool in;
};
static struct item items[N];
static struct rb_root root;

static struct item *item_of(struct rb_node *n)
{
	return rb_entry(n, struct item, node);
}

static bool augment(struct rb_node *n)
{
	struct item *i = item_of(n);
	__typeof__(i->sum) was = i->sum;

	i->sum = i->key + (n->left ? item_of(n->left)->sum : 0) +
		 (n->right ? item_of(n->right)->sum : 0);
	return i->sum != was;
}

static void insert(struct item *it)
{
	struct rb_node **link = &root.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = it->key < item_of(parent)->key ? &parent->left : &parent->right;
	}
	rb_insert(&root, &it->node, parent, link, augment);
	it->in = true;
}

/* Black height, or -1 when an invariant is broken. */
static int check(struct rb_node *n, struct rb_node *parent, bool parent_red)
{
	int l, r;
	bool red;

	if (!n)
		return 0;
	red = !(n->parent_color & 1);
	if ((struct rb_node *)(n->parent_color & ~1ul) != parent || (red && parent_red))
		return -1;
	l = check(n->left, n, red);
	r = check(n->right, n, red);
	if (l < 0 || l != r)
		return -1;
	if (item_of(n)->sum != item_of(n)->key + (n->left ? item_of(n->left)->sum : 0) +
				       (n->right ? item_of(n->right)->sum : 0))
		return -1;
	return l + !red;
}

TEST(random_changes_keep_order_balance_and_sums)
{
	unsigned step, i;

	root = (struct rb_root)RB_ROOT;
	for (step = 0; step < 20000; step++) {
		struct item *it = &items[unit_below(N)];
		struct rb_node *n, *prev = NULL;
		unsigned count = 0, expect = 0;

		if (it->in) {
			rb_erase(&root, &it->node, augment);
			it->in = false;
		} else {
			it->key = (uint32_t)unit_below(100); /* equal keys happen */
			insert(it);
		}
		REQUIRE(check(root.node, NULL, true) >= 0);
		if (step % 16)
			continue;
		for (n = rb_first(&root); n; prev = n, n = rb_next(n)) {
			REQUIRE(!prev || item_of(prev)->key <= item_of(n)->key);
			REQUIRE(rb_prev(n) == prev);
			count++;
		}
		REQUIRE(rb_last(&root) == prev);
		for (i = 0; i < N; i++)
			expect += items[i].in;
		REQUIRE_EQ(count, expect);
	}
}

TEST(rb_update_carries_a_change_to_the_root)
{
	unsigned i;

	root = (struct rb_root)RB_ROOT;
	for (i = 0; i < 10; i++) {
		items[i].key = i;
		insert(&items[i]);
	}
	items[7].key = 7;
	EXPECT_EQ(item_of(root.node)->sum, 45);
	items[3].key = 1003;
	rb_update(&items[3].node, augment);
	EXPECT_EQ(item_of(root.node)->sum, 1045);
}
