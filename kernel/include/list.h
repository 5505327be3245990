/*
 * list.h - intrusive doubly linked lists, and hash-bucket lists with a one-pointer head.
 *
 * No locks. The _rcu forms may run beside readers in an RCU section; the writer holds its lock.
 */
#pragma once
#include <compiler.h>

struct list_head {
	struct list_head *next, *prev;
};
struct hlist_node {
	struct hlist_node *next, **pprev;
};
struct hlist_head {
	struct hlist_node *first;
};

#define LIST_INIT(name)                                                                            \
	{                                                                                          \
		&(name), &(name)                                                                   \
	}
#define LIST_HEAD(name) struct list_head name = LIST_INIT(name)

static inline void list_init(struct list_head *h)
{
	h->next = h;
	h->prev = h;
}
static inline bool list_empty(const struct list_head *h)
{
	return READ_ONCE(h->next) == h;
}
static inline void list_insert_(struct list_head *n, struct list_head *prev, struct list_head *next)
{
	n->next = next;
	n->prev = prev;
	next->prev = n;
	smp_store_release(&prev->next, n);
}
static inline void list_add(struct list_head *n, struct list_head *h)
{
	list_insert_(n, h, h->next);
}
static inline void list_add_tail(struct list_head *n, struct list_head *h)
{
	list_insert_(n, h->prev, h);
}
static inline void list_unlink_(struct list_head *n)
{
	n->next->prev = n->prev;
	WRITE_ONCE(n->prev->next, n->next);
}
/* Remove; the node may be tested with list_empty() and added again. */
static inline void list_del(struct list_head *n)
{
	list_unlink_(n);
	list_init(n);
}
/* Remove beside RCU readers: n->next stays so that they can go on; reuse only after a grace period.
 */
static inline void list_del_rcu(struct list_head *n)
{
	list_unlink_(n);
	n->prev = NULL;
}
static inline void list_move(struct list_head *n, struct list_head *h)
{
	list_unlink_(n);
	list_add(n, h);
}
static inline void list_move_tail(struct list_head *n, struct list_head *h)
{
	list_unlink_(n);
	list_add_tail(n, h);
}
/* Append all of @from to @to; @from is empty afterwards. */
static inline void list_splice_tail(struct list_head *from, struct list_head *to)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#define list_entry(p, type, m) container_of(p, type, m)
#define list_first(h, type, m) list_entry((h)->next, type, m)
#define list_last(h, type, m)  list_entry((h)->prev, type, m)
#define list_for_each_entry(p, h, m)                                                               \
	for (p = list_entry((h)->next, __typeof__(*p), m); &p->m != (h);                           \
		p = list_entry(p->m.next, __typeof__(*p), m))
#define list_for_each_entry_reverse(p, h, m)                                                       \
	for (p = list_entry((h)->prev, __typeof__(*p), m); &p->m != (h);                           \
		p = list_entry(p->m.prev, __typeof__(*p), m))
#define list_for_each_entry_safe(p, n, h, m)                                                       \
	for (p = list_entry((h)->next, __typeof__(*p), m),                                         \
	    n = list_entry(p->m.next, __typeof__(*p), m);                                          \
		&p->m != (h); p = n, n = list_entry(n->m.next, __typeof__(*p), m))
#define list_for_each_entry_rcu(p, h, m)                                                           \
	for (p = list_entry(READ_ONCE((h)->next), __typeof__(*p), m); &p->m != (h);                \
		p = list_entry(READ_ONCE(p->m.next), __typeof__(*p), m))

static inline void hlist_add(struct hlist_node *n, struct hlist_head *h)
{
	n->next = h->first;
	n->pprev = &h->first;
	if (h->first)
		h->first->pprev = &n->next;
	smp_store_release(&h->first, n);
}
/* Remove; also beside RCU readers (n->next stays). hlist_unhashed() is true afterwards. */
static inline void hlist_del(struct hlist_node *n)
{
	if (!n->pprev)
		return;
	WRITE_ONCE(*n->pprev, n->next);
	if (n->next)
		n->next->pprev = n->pprev;
	n->pprev = NULL;
}
static inline bool hlist_unhashed(const struct hlist_node *n)
{
	return !n->pprev;
}
#define hlist_entry_(p, type, m)                                                                   \
	({                                                                                         \
		struct hlist_node *p_ = (p);                                                       \
		p_ ? container_of(p_, type, m) : NULL;                                             \
	})
/* Safe for RCU readers as it is. */
#define hlist_for_each_entry(p, h, m)                                                              \
	for (p = hlist_entry_(READ_ONCE((h)->first), __typeof__(*p), m); p;                        \
		p = hlist_entry_(READ_ONCE(p->m.next), __typeof__(*p), m))
