/*
 * rbtree.c - red-black trees.
 *
 * Invariants: the root is black; a red node has no red child; every path from a node down to a
 * missing child crosses the same number of black nodes. parent_color holds the parent's address
 * with bit 0 set for black. Augmented data of a node covers its subtree: a rotation leaves the set
 * below its upper node as it was, so only the two nodes turned are recomputed.
 */
#include <rbtree.h>

#define BLACK 1ul

static inline struct rb_node *parent_of(const struct rb_node *n)
{
	return (struct rb_node *)(n->parent_color & ~BLACK);
}
static inline bool is_red(const struct rb_node *n)
{
	return n && !(n->parent_color & BLACK);
}
static inline void set_parent(struct rb_node *n, struct rb_node *p)
{
	n->parent_color = (uintptr_t)p | (n->parent_color & BLACK);
}
static inline void set_black(struct rb_node *n)
{
	n->parent_color |= BLACK;
}
static inline void set_red(struct rb_node *n)
{
	n->parent_color &= ~BLACK;
}
static inline struct rb_node **child_link(struct rb_node *n, bool right)
{
	return right ? &n->right : &n->left;
}

/* Make @to stand where @from stood below @parent. */
static inline void replace_child(
	struct rb_root *root, struct rb_node *parent, struct rb_node *from, struct rb_node *to)
{
	if (!parent)
		WRITE_ONCE(root->node, to);
	else
		WRITE_ONCE(*child_link(parent, parent->right == from), to);
}

/* Turn @n down towards @right; its child on the other side comes up and takes its place. */
static struct rb_node *rotate(
	struct rb_root *root, struct rb_node *n, bool right, rb_augment_fn augment)
{
	struct rb_node *up = *child_link(n, !right), *inner = *child_link(up, right);

	*child_link(n, !right) = inner;
	if (inner)
		set_parent(inner, n);
	replace_child(root, parent_of(n), n, up);
	set_parent(up, parent_of(n));
	*child_link(up, right) = n;
	set_parent(n, up);
	if (augment) {
		augment(n);
		augment(up);
	}
	return up;
}

void rb_update(struct rb_node *n, rb_augment_fn augment)
{
	while (n && augment(n))
		n = parent_of(n);
}

void rb_insert(struct rb_root *root, struct rb_node *n, struct rb_node *parent,
	struct rb_node **link, rb_augment_fn augment)
{
	n->left = n->right = NULL;
	n->parent_color = (uintptr_t)parent; /* red */
	smp_store_release(link, n);
	if (augment) {
		augment(n);
		rb_update(parent, augment);
	}
	while (is_red(parent)) {
		struct rb_node *grand = parent_of(parent);
		bool right = parent == grand->right;
		struct rb_node *uncle = *child_link(grand, !right);

		if (is_red(uncle)) {
			set_black(parent);
			set_black(uncle);
			set_red(grand);
			n = grand;
			parent = parent_of(n);
			continue;
		}
		if (n == *child_link(parent, !right))
			parent = rotate(root, parent, right, augment);
		set_black(parent);
		set_red(grand);
		rotate(root, grand, !right, augment);
		break;
	}
	set_black(root->node);
}

/* The subtree of @parent on side @right is one black node short. */
static void refill_black(
	struct rb_root *root, struct rb_node *parent, bool right, rb_augment_fn augment)
{
	for (;;) {
		struct rb_node *sibling = *child_link(parent, !right), *up;

		if (is_red(sibling)) {
			set_red(parent);
			set_black(sibling);
			rotate(root, parent, right, augment);
			sibling = *child_link(parent, !right);
		}
		if (is_red(sibling->left) || is_red(sibling->right)) {
			if (!is_red(*child_link(
				    sibling, !right))) { /* the near nephew is the red one */
				set_black(*child_link(sibling, right));
				set_red(sibling);
				sibling = rotate(root, sibling, !right, augment);
			}
			if (is_red(parent))
				set_red(sibling);
			else
				set_black(sibling);
			set_black(parent);
			set_black(*child_link(sibling, !right));
			rotate(root, parent, right, augment);
			return;
		}
		set_red(sibling);
		if (is_red(parent) || !parent_of(parent)) {
			set_black(parent);
			return;
		}
		up = parent_of(parent);
		right = parent == up->right;
		parent = up;
	}
}

/* Take out @n, which has at most one child. Returns whether a black node went; its place is
 * *@parent's side *@right. */
static bool unlink_simple(
	struct rb_root *root, struct rb_node *n, struct rb_node **parent, bool *right)
{
	struct rb_node *child = n->left ? n->left : n->right;

	*parent = parent_of(n);
	*right = *parent && (*parent)->right == n;
	replace_child(root, *parent, n, child);
	if (child) { /* then n is black and the child red */
		set_parent(child, *parent);
		set_black(child);
		return false;
	}
	return !is_red(n);
}

/* Put @to exactly where @from is: links and colour. */
static void take_place(struct rb_root *root, struct rb_node *from, struct rb_node *to)
{
	*to = *from;
	replace_child(root, parent_of(from), from, to);
	if (to->left)
		set_parent(to->left, to);
	if (to->right)
		set_parent(to->right, to);
}

void rb_erase(struct rb_root *root, struct rb_node *n, rb_augment_fn augment)
{
	struct rb_node *parent;
	bool right, is_short;

	if (n->left && n->right) { /* take out the successor, then let it stand in for n */
		struct rb_node *next = n->right;

		while (next->left)
			next = next->left;
		is_short = unlink_simple(root, next, &parent, &right);
		take_place(root, n, next);
		if (parent == n)
			parent = next;
	} else {
		is_short = unlink_simple(root, n, &parent, &right);
	}
	if (augment) /* all the way: the one that stands in for n still has its old place's data */
		for (struct rb_node *up = parent; up; up = parent_of(up))
			augment(up);
	if (is_short && parent)
		refill_black(root, parent, right, augment);
}

static struct rb_node *outermost(struct rb_node *n, bool right)
{
	struct rb_node *next;

	while (n && (next = *child_link(n, right)))
		n = next;
	return n;
}

static struct rb_node *neighbour(const struct rb_node *n, bool right)
{
	struct rb_node *p = right ? n->right : n->left;

	if (p)
		return outermost(p, !right);
	while ((p = parent_of(n)) && n == *child_link(p, right))
		n = p;
	return p;
}

struct rb_node *rb_first(const struct rb_root *root)
{
	return outermost(root->node, false);
}
struct rb_node *rb_last(const struct rb_root *root)
{
	return outermost(root->node, true);
}
struct rb_node *rb_next(const struct rb_node *n)
{
	return neighbour(n, true);
}
struct rb_node *rb_prev(const struct rb_node *n)
{
	return neighbour(n, false);
}
