/*
 * xarray.h - sparse array from a 64-bit index to a pointer: a radix tree of 64-slot nodes with
 * marks.
 *
 * Stores take xa->lock themselves (irq-save, leaf) or are called with it held (_locked). Lookups
 * are RCU: a reader may run without the lock and must then pin and re-check what it found. Memory
 * for nodes comes from a slab cache; a store may return -ENOMEM and then changed nothing. Bit 0 of
 * a stored pointer is reserved.
 */
#pragma once
#include <spinlock.h>

enum xa_mark { XA_DIRTY, XA_WRITEBACK, XA_TOWRITE, XA_MARKS };
struct xa_node;
struct xarray {
	struct spinlock lock;
	struct xa_node *root;
	unsigned height;
	uint32_t marks; /* bit m: some entry has mark m */
};

void xa_init(struct xarray *xa);
void *xa_load(const struct xarray *xa, uint64_t index);                 /* RCU or lock held */
int __must_check xa_store(struct xarray *xa, uint64_t index, void *p);  /* replaces */
int __must_check xa_insert(struct xarray *xa, uint64_t index, void *p); /* -EEXIST if occupied */
int __must_check xa_insert_locked(struct xarray *xa, uint64_t index, void *p);
void *xa_erase(struct xarray *xa, uint64_t index); /* returns the old entry or NULL */
void *xa_erase_locked(struct xarray *xa, uint64_t index);
void xa_set_mark(struct xarray *xa, uint64_t index, enum xa_mark m);
void xa_clear_mark(struct xarray *xa, uint64_t index, enum xa_mark m);
bool xa_get_mark(const struct xarray *xa, uint64_t index, enum xa_mark m);
bool xa_marked(const struct xarray *xa, enum xa_mark m);
/* First entry at or after *index and <= last; sets *index. NULL if none. Marked form: only entries
 * with @m. */
void *xa_find(const struct xarray *xa, uint64_t *index, uint64_t last);
void *xa_find_marked(const struct xarray *xa, uint64_t *index, uint64_t last, enum xa_mark m);
/* Up to @n entries from *index on into @out (RCU); sets *index behind the last. Returns how many.
 */
unsigned xa_gather(const struct xarray *xa, uint64_t *index, uint64_t last, void **out, unsigned n);
/* The slots from @index to the end of the lowest node that covers it: *n of them, which may be
 * empty, and change under the reader's eyes. NULL: there is no such node; then look entry by entry.
 * RCU. */
void *const *xa_slots(const struct xarray *xa, uint64_t index, unsigned *n);
bool xa_empty(const struct xarray *xa);
void xa_destroy(struct xarray *xa); /* frees nodes, not entries */

/*
 * Memory for nodes, registered by mm at boot before the first store. alloc() returns XA_NODE_BYTES
 * zeroed bytes, 8-aligned, or NULL; it is called with xa->lock held and interrupts off. free_rcu()
 * frees after a grace period; the first 16 bytes of a freed node are its to use as a struct
 * rcu_head, the rest stays readable until then.
 */
#define XA_NODE_BYTES 576u
#define XA_NODE_SLOTS 64u
struct xarray_allocator {
	void *(*alloc)(void);
	void (*free_rcu)(void *node);
};
void xarray_set_allocator(const struct xarray_allocator *a);
void xarray_init(void); /* boot, mm's: makes the node cache and registers it */
