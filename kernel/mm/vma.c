/*
 * vma.c - the tree of VMAs: finding, inserting, splitting, merging, and free places.
 *
 * Each node knows the free space below it (gap) and the largest one in its subtree (max_gap), so
 * the highest gap that fits is found in one descent. All of it is guarded by mm->lock; links to
 * mappings by mapping->mmap_lock.
 */
#include <debug.h>
#include <error.h>
#include <slab.h>
#include "internal.h"

static struct vma *vma_of(struct rb_node *n)
{
	return rb_entry(n, struct vma, node);
}

struct vma *vma_next(struct vma *v)
{
	return vma_of(rb_next(&v->node));
}

struct vma *vma_prev(struct vma *v)
{
	return vma_of(rb_prev(&v->node));
}

static bool augment(struct rb_node *n)
{
	struct vma *v = container_of(n, struct vma, node);
	vaddr_t max = v->gap;

	if (n->left && vma_of(n->left)->max_gap > max)
		max = vma_of(n->left)->max_gap;
	if (n->right && vma_of(n->right)->max_gap > max)
		max = vma_of(n->right)->max_gap;
	if (v->max_gap == max)
		return false;
	v->max_gap = max;
	return true;
}

struct vma *mm_find(struct mm *m, vaddr_t addr)
{
	struct vma *v = READ_ONCE(m->cached), *best = NULL;
	struct rb_node *n = m->vmas.node;

	if (v && addr >= v->start && addr < v->end)
		return v;
	while (n) {
		v = container_of(n, struct vma, node);
		if (addr < v->end) {
			best = v;
			if (addr >= v->start)
				break;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	if (best)
		WRITE_ONCE(m->cached, best);
	return best;
}

struct vma *vma_at(struct mm *m, vaddr_t addr)
{
	struct vma *v = mm_find(m, addr);

	return v && v->start <= addr ? v : NULL;
}

bool vma_range_free(struct mm *m, vaddr_t start, vaddr_t end)
{
	struct vma *v = mm_find(m, start);

	return !v || v->start >= end;
}

static void set_gap(struct vma *v, vaddr_t below)
{
	vaddr_t gap = v->start - below;

	if (gap == v->gap)
		return;
	v->gap = gap;
	rb_update(&v->node, augment);
}

void vma_insert(struct mm *m, struct vma *v)
{
	struct rb_node **link = &m->vmas.node, *parent = NULL;
	struct vma *prev = NULL, *next = NULL;

	while (*link) {
		parent = *link;
		if (v->start < vma_of(parent)->start) {
			next = vma_of(parent);
			link = &parent->left;
		} else {
			prev = vma_of(parent);
			link = &parent->right;
		}
	}
	ASSERT(!prev || prev->end <= v->start);
	ASSERT(!next || v->end <= next->start);
	v->gap = v->max_gap = v->start - (prev ? prev->end : 0);
	rb_insert(&m->vmas, &v->node, parent, link, augment);
	if (next)
		set_gap(next, v->end);
	m->nr_vmas++;
}

void vma_erase(struct mm *m, struct vma *v)
{
	struct vma *next = vma_next(v);
	vaddr_t below = v->start - v->gap;

	rb_erase(&m->vmas, &v->node, augment);
	if (next)
		set_gap(next, below);
	if (m->cached == v)
		m->cached = NULL;
	m->nr_vmas--;
}

void vma_resize(struct vma *v, vaddr_t start, vaddr_t end)
{
	struct vma *next = vma_next(v);
	vaddr_t below = v->start - v->gap;

	if (v->mapping)
		spin_lock(&v->mapping->mmap_lock);
	v->pgoff += (uint64_t)((int64_t)(start - v->start) >> PAGE_SHIFT);
	v->start = start;
	v->end = end;
	if (v->mapping)
		spin_unlock(&v->mapping->mmap_lock);
	set_gap(v, below);
	if (next)
		set_gap(next, end);
}

static bool counts_as_writable(const struct vma *v)
{
	return (v->flags & (VM_SHARED | VM_MAYWRITE)) == (VM_SHARED | VM_MAYWRITE);
}

void vma_link_mapping(struct vma *v)
{
	struct mapping *m = v->mapping;

	if (!m)
		return;
	spin_lock(&m->mmap_lock);
	list_add_tail(&v->map_node, &m->vmas);
	m->nr_writable_shared += counts_as_writable(v);
	spin_unlock(&m->mmap_lock);
}

int vma_announce(const struct vma *v)
{
	struct mapping *m = v->mapping;
	int err;

	if (!m || !counts_as_writable(v))
		return 0;
	spin_lock(&m->mmap_lock);
	err = m->flags & MAPPING_SEALED ? -EPERM : 0;
	m->nr_writable_shared += !err;
	spin_unlock(&m->mmap_lock);
	return err;
}

void vma_announced(const struct vma *v)
{
	struct mapping *m = v->mapping;

	if (!m || !counts_as_writable(v))
		return;
	spin_lock(&m->mmap_lock);
	m->nr_writable_shared--;
	spin_unlock(&m->mmap_lock);
}

void vma_unlink_mapping(struct vma *v)
{
	struct mapping *m = v->mapping;

	if (!m)
		return;
	spin_lock(&m->mmap_lock);
	list_del(&v->map_node);
	m->nr_writable_shared -= counts_as_writable(v);
	spin_unlock(&m->mmap_lock);
}

int vma_split(struct mm *m, struct vma *v, vaddr_t at)
{
	struct vma *upper;

	ASSERT(at > v->start && at < v->end);
	if (m->nr_vmas >= max_map_count)
		return -ENOMEM;
	upper = slab_alloc(vma_slab, GFP_KERNEL);
	if (!upper)
		return -ENOMEM;
	*upper = *v;
	upper->pgoff = vma_index(v, at);
	upper->start = at;
	list_init(&upper->map_node);
	if (v->ops && v->ops->open)
		v->ops->open(upper);
	vma_link_mapping(upper); /* for a moment two cover the same pages, which does no harm */
	vma_resize(v, v->start, at);
	vma_insert(m, upper);
	return 0;
}

int vma_isolate(struct mm *m, struct vma **v, vaddr_t start, vaddr_t end)
{
	int err;

	if ((*v)->start < start) {
		err = vma_split(m, *v, start);
		if (err)
			return err;
		*v = vma_next(*v);
	}
	return (*v)->end > end ? vma_split(m, *v, end) : 0;
}

void vma_free(struct vma *v)
{
	if (v->ops && v->ops->close)
		v->ops->close(v);
	slab_free(vma_slab, v);
}

static bool alike(const struct vma *a, const struct vma *b)
{
	return a->end == b->start && a->flags == b->flags && a->mapping == b->mapping &&
	       a->file == b->file && a->ops == b->ops && a->private == b->private &&
	       !(a->flags & (VM_SPECIAL | VM_PFN)) &&
	       (!a->mapping || a->pgoff + vma_pages(a) == b->pgoff);
}

/* @b disappears into @a, which lies right below it. */
static void absorb(struct mm *m, struct vma *a, struct vma *b)
{
	vaddr_t end = b->end;

	if (b->has_anon)
		a->has_anon = true;
	vma_erase(m, b);
	vma_resize(a, a->start, end);
	vma_unlink_mapping(b);
	vma_free(b);
}

struct vma *vma_merge(struct mm *m, struct vma *v)
{
	struct vma *prev = vma_prev(v), *next;

	if (prev && alike(prev, v)) {
		absorb(m, prev, v);
		v = prev;
	}
	next = vma_next(v);
	if (next && alike(v, next))
		absorb(m, v, next);
	return v;
}

struct gap_request {
	uint64_t length;
	vaddr_t low, high;
};

/* The highest place for the request in [start, end), or 0. */
static vaddr_t place_in(const struct gap_request *r, vaddr_t start, vaddr_t end)
{
	start = MAX(start, r->low);
	end = MIN(end, r->high);
	return start < end && end - start >= r->length ? end - r->length : 0;
}

static vaddr_t place_below(const struct gap_request *r, const struct vma *v)
{
	vaddr_t start = v->start - v->gap, end = v->start;

	if (v->flags & VM_GROWSDOWN)
		end = end > STACK_GUARD_BYTES ? end - STACK_GUARD_BYTES : 0;
	return place_in(r, start, end);
}

/* Gaps of a right subtree lie above those of its parent, so it is asked first. Depth: the tree's
 * height. */
static vaddr_t search(struct rb_node *n, const struct gap_request *r)
{
	while (n) {
		struct vma *v = container_of(n, struct vma, node);
		vaddr_t at = 0;

		if (v->max_gap < r->length)
			return 0;
		if (n->right && v->end < r->high)
			at = search(n->right, r);
		if (!at)
			at = place_below(r, v);
		if (at)
			return at;
		n = v->start > r->low ? n->left : NULL;
	}
	return 0;
}

vaddr_t vma_find_gap(struct mm *m, uint64_t length, vaddr_t low, vaddr_t high)
{
	struct gap_request r = {.length = length, .low = low, .high = high};
	struct vma *last = vma_of(rb_last(&m->vmas));
	vaddr_t at = place_in(&r, last ? last->end : 0, USER_END);

	return at ? at : search(m->vmas.node, &r);
}

void mm_account(struct mm *m, const struct vma *v, int64_t pages)
{
	uint64_t n = (uint64_t)pages;

	m->total_pages += n;
	if (v->flags & VM_LOCKED)
		m->locked_pages += n;
	if (v->flags & (VM_STACK | VM_GROWSDOWN))
		m->stack_pages += n;
	else if ((v->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE)
		m->data_pages += n;
	else if ((v->flags & (VM_EXEC | VM_WRITE)) == VM_EXEC)
		m->exec_pages += n;
}
