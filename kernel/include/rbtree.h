/*
 * rbtree.h - intrusive red-black tree, with an optional augment callback for per-subtree data.
 *
 * No locks. The caller descends itself to find the place, then rb_insert() links and rebalances.
 */
#pragma once
#include <compiler.h>

struct rb_node {
	uintptr_t parent_color;
	struct rb_node *left, *right;
};
struct rb_root {
	struct rb_node *node;
};
#define RB_ROOT                                                                                    \
	{                                                                                          \
		NULL                                                                               \
	}
#define rb_entry(p, type, m)                                                                       \
	({                                                                                         \
		struct rb_node *p_ = (p);                                                          \
		p_ ? container_of(p_, type, m) : NULL;                                             \
	})

/* Recomputes the augmented data of @n from n->left, n->right and itself; true if that changed it.
 * NULL: none. */
typedef bool (*rb_augment_fn)(struct rb_node *n);

/* Link @n at *@link below @parent (as found by descending) and rebalance. */
void rb_insert(struct rb_root *root, struct rb_node *n, struct rb_node *parent,
	struct rb_node **link, rb_augment_fn augment);
void rb_erase(struct rb_root *root, struct rb_node *n, rb_augment_fn augment);
/* After @n's own data changed: recompute @n and its ancestors. */
void rb_update(struct rb_node *n, rb_augment_fn augment);
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *n);
struct rb_node *rb_prev(const struct rb_node *n);
