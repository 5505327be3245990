/*
 * xarray.c - sparse array from 64-bit index to pointer.
 *
 * A radix tree: each node has 64 slots, a node of shift s covers 64 << s indices. A slot (and root)
 * holds NULL, an entry, or a node's address with bit 0 set. A lone entry at index 0 sits in the
 * root itself, so that a small file needs no node. Invariants: no node but the root's is empty; the
 * root is as low as its highest index allows; mark m of a slot in a node above the lowest is set
 * exactly if some entry below has m; xa->marks has the same for the whole; unused slots have no
 * marks. Locks: writers hold xa->lock. Readers run under RCU: a node is complete before it is
 * linked, knows its own shift, and is freed after a grace period, so a reader on its way sees the
 * tree as it was at some moment. Memory: through functions that mm registers. A failed store undoes
 * the nodes that it added.
 */
#include <xarray.h>
#include <debug.h>
#include <error.h>

#define SLOT_BITS 6u
#define SLOTS     XA_NODE_SLOTS

struct xa_node {
	void *free_link[2]; /* the allocator's, once the node is freed (struct rcu_head) */
	struct xa_node *parent;
	uint64_t marks[XA_MARKS];
	uint8_t shift, offset; /* offset: which slot of the parent */
	uint16_t count;        /* slots in use */
	void *slot[SLOTS];
};
static_assert(sizeof(struct xa_node) <= XA_NODE_BYTES, "the allocator's object size");

static struct xarray_allocator allocator;

void xarray_set_allocator(const struct xarray_allocator *a)
{
	allocator = *a;
}

static inline bool is_node(const void *e)
{
	return (uintptr_t)e & 1;
}
static inline struct xa_node *to_node(const void *e)
{
	return (struct xa_node *)((uintptr_t)e & ~1ul);
}
static inline void *tag_node(struct xa_node *n)
{
	return (void *)((uintptr_t)n | 1);
}
static inline unsigned slot_of(const struct xa_node *n, uint64_t index)
{
	return index >> n->shift & (SLOTS - 1);
}
/* Highest index below a node at the root. */
static inline uint64_t node_last(const struct xa_node *n)
{
	return n->shift + SLOT_BITS >= 64 ? UINT64_MAX : (1ull << (n->shift + SLOT_BITS)) - 1;
}
static inline void *root_of(const struct xarray *xa)
{
	return (void *)smp_load_acquire(&xa->root);
}

void xa_init(struct xarray *xa)
{
	spin_init(&xa->lock);
	xa->root = NULL;
	xa->height = 0;
	xa->marks = 0;
}

void *xa_load(const struct xarray *xa, uint64_t index)
{
	void *e = root_of(xa);
	struct xa_node *n;

	if (!is_node(e))
		return index ? NULL : e;
	n = to_node(e);
	if (index > node_last(n))
		return NULL;
	for (;;) {
		e = READ_ONCE(n->slot[slot_of(n, index)]);
		if (!is_node(e))
			return e;
		n = to_node(e);
	}
}

bool xa_empty(const struct xarray *xa)
{
	return !root_of(xa);
}

/* ---- growing and shrinking; xa->lock held ---- */

static struct xa_node *node_new(struct xa_node *parent, unsigned shift, unsigned offset)
{
	struct xa_node *n = allocator.alloc();

	if (!n)
		return NULL;
	n->parent = parent;
	n->shift = (uint8_t)shift;
	n->offset = (uint8_t)offset;
	return n;
}

static void set_root(struct xarray *xa, void *e)
{
	xa->height = is_node(e) ? to_node(e)->shift / SLOT_BITS + 1 : 0;
	smp_store_release(&xa->root, e);
}

/* Shift of the lowest node that, as root, covers @index. */
static unsigned shift_for(uint64_t index)
{
	unsigned s = 0;

	while (index >> s >> (SLOT_BITS - 1) >> 1)
		s += SLOT_BITS;
	return s;
}

/* Put one more level on top, until @index lies below the root. */
static int grow(struct xarray *xa, uint64_t index)
{
	for (;;) {
		void *old = xa->root;
		struct xa_node *n;
		unsigned m;

		if (is_node(old) ? index <= node_last(to_node(old)) : !old && !index)
			return 0;
		if (!is_node(old) && !index)
			return 0; /* the entry at 0 is replaced in place */
		n = node_new(NULL,
			is_node(old) ? to_node(old)->shift + SLOT_BITS
			: old        ? 0
				     : shift_for(index),
			0);
		if (!n)
			return -ENOMEM;
		if (old) {
			n->slot[0] = old;
			n->count = 1;
			for (m = 0; m < XA_MARKS; m++)
				n->marks[m] = xa->marks >> m & 1;
			if (is_node(old))
				to_node(old)->parent = n;
		}
		set_root(xa, tag_node(n));
	}
}

/* While the root has its only entry in slot 0, that becomes the root. Empty: no root. */
static void shrink(struct xarray *xa)
{
	while (is_node(xa->root)) {
		struct xa_node *n = to_node(xa->root);
		void *e = n->slot[0];

		if (n->count > 1 || (n->count == 1 && !e) || (n->shift && n->count && !is_node(e)))
			return;
		if (is_node(e))
			to_node(e)->parent = NULL;
		set_root(xa, n->count ? e : NULL);
		allocator.free_rcu(n);
	}
}

/* Free @n and its ancestors as far as they are empty, then lower the root. */
static void prune(struct xarray *xa, struct xa_node *n)
{
	while (n && !n->count && n->parent) {
		struct xa_node *p = n->parent;

		WRITE_ONCE(p->slot[n->offset], NULL);
		p->count--;
		allocator.free_rcu(n);
		n = p;
	}
	shrink(xa);
}

/* The lowest node for @index, made if missing. The tree must be high enough. */
static struct xa_node *descend_alloc(struct xarray *xa, uint64_t index)
{
	struct xa_node *n = to_node(xa->root);

	while (n->shift) {
		unsigned i = slot_of(n, index);
		struct xa_node *next = to_node(n->slot[i]);

		if (!next) {
			next = node_new(n, n->shift - SLOT_BITS, i);
			if (!next) {
				prune(xa, n);
				return NULL;
			}
			smp_store_release(&n->slot[i], tag_node(next));
			n->count++;
		}
		n = next;
	}
	return n;
}

/* The lowest node for @index, or NULL. */
static struct xa_node *descend(const struct xarray *xa, uint64_t index)
{
	struct xa_node *n;

	if (!is_node(xa->root))
		return NULL;
	n = to_node(xa->root);
	if (index > node_last(n))
		return NULL;
	while (n && n->shift)
		n = to_node(n->slot[slot_of(n, index)]);
	return n;
}

static int store_locked(struct xarray *xa, uint64_t index, void *p, bool replace)
{
	struct xa_node *n;
	unsigned i;

	ASSERT(p && !is_node(p));
	if (grow(xa, index)) {
		shrink(xa);
		return -ENOMEM;
	}
	if (!is_node(xa->root)) {
		if (xa->root && !replace)
			return -EEXIST;
		smp_store_release(&xa->root, p);
		return 0;
	}
	n = descend_alloc(xa, index);
	if (!n)
		return -ENOMEM;
	i = slot_of(n, index);
	if (n->slot[i] && !replace)
		return -EEXIST;
	if (!n->slot[i])
		n->count++;
	smp_store_release(&n->slot[i], p);
	return 0;
}

int xa_insert_locked(struct xarray *xa, uint64_t index, void *p)
{
	ASSERT_LOCKED(&xa->lock);
	return store_locked(xa, index, p, false);
}

int xa_insert(struct xarray *xa, uint64_t index, void *p)
{
	unsigned long f = spin_lock_irq(&xa->lock);
	int err = store_locked(xa, index, p, false);

	spin_unlock_irq(&xa->lock, f);
	return err;
}

int xa_store(struct xarray *xa, uint64_t index, void *p)
{
	unsigned long f = spin_lock_irq(&xa->lock);
	int err = store_locked(xa, index, p, true);

	spin_unlock_irq(&xa->lock, f);
	return err;
}

/* ---- marks; xa->lock held by the callers of the static ones ---- */

static void set_mark_up(struct xarray *xa, struct xa_node *n, unsigned i, unsigned m)
{
	for (; n; i = n->offset, n = n->parent) {
		if (n->marks[m] >> i & 1)
			return;
		WRITE_ONCE(n->marks[m], n->marks[m] | 1ull << i);
	}
	WRITE_ONCE(xa->marks, xa->marks | 1u << m);
}

static void clear_mark_up(struct xarray *xa, struct xa_node *n, unsigned i, unsigned m)
{
	for (; n; i = n->offset, n = n->parent) {
		WRITE_ONCE(n->marks[m], n->marks[m] & ~(1ull << i));
		if (n->marks[m])
			return;
	}
	WRITE_ONCE(xa->marks, xa->marks & ~(1u << m));
}

static void change_mark(struct xarray *xa, uint64_t index, enum xa_mark m, bool set)
{
	unsigned long f = spin_lock_irq(&xa->lock);
	struct xa_node *n = descend(xa, index);
	bool is_there = n ? n->slot[slot_of(n, index)] != NULL
			  : !index && xa->root && !is_node(xa->root);

	if (is_there && set)
		set_mark_up(xa, n, n ? slot_of(n, index) : 0, m);
	else if (is_there && (!n || n->marks[m] >> slot_of(n, index) & 1))
		clear_mark_up(xa, n, n ? slot_of(n, index) : 0, m);
	spin_unlock_irq(&xa->lock, f);
}

void xa_set_mark(struct xarray *xa, uint64_t index, enum xa_mark m)
{
	change_mark(xa, index, m, true);
}

void xa_clear_mark(struct xarray *xa, uint64_t index, enum xa_mark m)
{
	change_mark(xa, index, m, false);
}

bool xa_marked(const struct xarray *xa, enum xa_mark m)
{
	return READ_ONCE(xa->marks) >> m & 1;
}

bool xa_get_mark(const struct xarray *xa, uint64_t index, enum xa_mark m)
{
	void *e = root_of(xa);

	if (!is_node(e))
		return !index && e && xa_marked(xa, m);
	if (index > node_last(to_node(e)))
		return false;
	for (;;) {
		struct xa_node *n = to_node(e);

		if (!(READ_ONCE(n->marks[m]) >> slot_of(n, index) & 1))
			return false;
		e = READ_ONCE(n->slot[slot_of(n, index)]);
		if (!is_node(e))
			return e != NULL;
	}
}

void *xa_erase_locked(struct xarray *xa, uint64_t index)
{
	struct xa_node *n;
	void *old;
	unsigned i, m;

	ASSERT_LOCKED(&xa->lock);
	if (!is_node(xa->root)) {
		old = index ? NULL : xa->root;
		if (old) {
			smp_store_release(&xa->root, NULL);
			xa->marks = 0;
		}
		return old;
	}
	n = descend(xa, index);
	i = n ? slot_of(n, index) : 0;
	old = n ? n->slot[i] : NULL;
	if (!old)
		return NULL;
	for (m = 0; m < XA_MARKS; m++)
		if (n->marks[m] >> i & 1)
			clear_mark_up(xa, n, i, m);
	WRITE_ONCE(n->slot[i], NULL);
	if (!--n->count || !n->parent)
		prune(xa, n);
	return old;
}

void *xa_erase(struct xarray *xa, uint64_t index)
{
	unsigned long f = spin_lock_irq(&xa->lock);
	void *old = xa_erase_locked(xa, index);

	spin_unlock_irq(&xa->lock, f);
	return old;
}

/* ---- searching ---- */

/* First slot of @n at or after @i that is worth a visit, SLOTS if none. mark < 0: any in use. */
static unsigned next_slot(const struct xa_node *n, unsigned i, int mark)
{
	uint64_t m;

	if (mark < 0) {
		while (i < SLOTS && !READ_ONCE(n->slot[i]))
			i++;
		return i;
	}
	m = READ_ONCE(n->marks[mark]) >> i;
	return m ? i + (unsigned)__builtin_ctzll(m) : SLOTS;
}

/*
 * One descent from @e for the first entry at or after *@index. When a subtree has none, *@index
 * becomes the first index behind it and the caller starts again from the root; *@index wraps to 0
 * past the end.
 */
static void *find_step(void *e, uint64_t *index, int mark)
{
	while (is_node(e)) {
		struct xa_node *n = to_node(e);
		unsigned i = slot_of(n, *index), j = next_slot(n, i, mark);

		if (j != i) {
			uint64_t low = ~0ull << n->shift;

			if (j == SLOTS) { /* behind this node */
				*index = n->shift + SLOT_BITS >= 64
						 ? 0
						 : (*index |
							   ((1ull << (n->shift + SLOT_BITS)) - 1)) +
							   1;
				return NULL;
			}
			*index = (*index & low) + ((uint64_t)(j - i) << n->shift);
		}
		e = READ_ONCE(n->slot[j]);
		if (!e) { /* removed or not yet complete: go on behind it */
			*index = (*index | ((1ull << n->shift) - 1)) + 1;
			return NULL;
		}
	}
	return e;
}

static void *find(const struct xarray *xa, uint64_t *index, uint64_t last, int mark)
{
	uint64_t i = *index;

	while (i <= last) {
		void *e = root_of(xa);
		uint64_t from = i;

		if (!is_node(e)) {
			if (i || !e || (mark >= 0 && !(READ_ONCE(xa->marks) >> mark & 1)))
				return NULL;
			*index = 0;
			return e;
		}
		if (i > node_last(to_node(e)))
			return NULL;
		e = find_step(e, &i, mark);
		if (e) {
			if (i > last)
				return NULL;
			*index = i;
			return e;
		}
		if (i <= from)
			return NULL; /* wrapped */
	}
	return NULL;
}

void *xa_find(const struct xarray *xa, uint64_t *index, uint64_t last)
{
	return find(xa, index, last, -1);
}

void *xa_find_marked(const struct xarray *xa, uint64_t *index, uint64_t last, enum xa_mark m)
{
	return find(xa, index, last, (int)m);
}

/* The lowest node on the way to @index, NULL if there is none that deep. */
static const struct xa_node *leaf_of(const struct xarray *xa, uint64_t index)
{
	void *e = root_of(xa);

	if (!is_node(e) || index > node_last(to_node(e)))
		return NULL;
	while (is_node(e)) {
		const struct xa_node *n = to_node(e);

		if (!n->shift)
			return n;
		e = READ_ONCE(n->slot[slot_of(n, index)]);
	}
	return NULL;
}

void *const *xa_slots(const struct xarray *xa, uint64_t index, unsigned *n)
{
	const struct xa_node *leaf = leaf_of(xa, index);

	if (!leaf)
		return NULL;
	*n = SLOTS - index % SLOTS;
	return &leaf->slot[index % SLOTS];
}

unsigned xa_gather(const struct xarray *xa, uint64_t *index, uint64_t last, void **out, unsigned n)
{
	unsigned k = 0;

	while (k < n && *index <= last) {
		void *e = find(xa, index, last, -1);
		const struct xa_node *leaf;

		if (!e)
			break;
		leaf = leaf_of(xa, *index);
		do { /* the neighbours without a new descent */
			if (e)
				out[k++] = e;
			if (++*index == 0) { /* the very last index */
				*index = UINT64_MAX;
				return k;
			}
			if (!leaf || *index % SLOTS == 0)
				break;
			e = READ_ONCE(leaf->slot[*index % SLOTS]);
		} while (k < n && *index <= last);
	}
	return k;
}

void xa_destroy(struct xarray *xa)
{
	unsigned long f = spin_lock_irq(&xa->lock);
	struct xa_node *n = is_node(xa->root) ? to_node(xa->root) : NULL;

	smp_store_release(&xa->root, NULL);
	xa->height = 0;
	xa->marks = 0;
	while (n) { /* down to a childless node, free it, back to its parent */
		struct xa_node *p = n->parent;
		unsigned i = n->shift ? n->count : 0;

		if (i) {
			for (i = 0; !n->slot[i]; i++)
				;
			p = to_node(n->slot[i]);
			n->slot[i] = NULL;
			n->count--;
		} else {
			allocator.free_rcu(n);
		}
		n = p;
	}
	spin_unlock_irq(&xa->lock, f);
}
