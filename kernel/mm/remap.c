/*
 * remap.c - growing, shrinking and moving a mapping. mremap(2).
 */
#include <error.h>
#include <slab.h>
#include "internal.h"

enum { MAYMOVE = 1, FIXED = 2, DONTUNMAP = 4, LOW = 8 };

struct remap {
	struct mm *m;
	vaddr_t old, to;
	uint64_t old_len, new_len;
	unsigned flags;
	struct list_head dead; /* VMAs to be freed without the lock */
};

struct move {
	struct mm *m;
	vaddr_t old, to;
};

static int alloc_target(pte_t *pte, vaddr_t va, unsigned n, void *arg)
{
	struct move *c = arg;

	(void)pte;
	for (unsigned i = 0; i < n; i++)
		if ((i == 0 || !((va + i * PAGE_SIZE - c->old + c->to) &
				       (PAGE_SIZE * PTRS_PER_TABLE - 1))) &&
			!mmu_pte_alloc(&c->m->mmu, va + i * PAGE_SIZE - c->old + c->to))
			return -ENOMEM;
	return 0;
}

/* One lock at a time: mm->lock keeps faults away, the mapping's lock keeps rmap walks away, so
 * nobody sees the gap in between. */
static int move_table(pte_t *pte, vaddr_t va, unsigned n, void *arg)
{
	struct move *c = arg;
	struct spinlock *from_lock = mmu_pte_lock(pte);

	for (; n > 0; n--, pte++, va += PAGE_SIZE) {
		pte_t *to, entry;

		if (pte_none(pte_load(pte)))
			continue;
		spin_lock(from_lock);
		entry = pte_xchg(pte, (pte_t){0});
		spin_unlock(from_lock);
		to = mmu_pte(&c->m->mmu, va - c->old + c->to);
		spin_lock(mmu_pte_lock(to));
		pte_store(to, entry);
		spin_unlock(mmu_pte_lock(to));
	}
	return 0;
}

/* Moves the entries of [old, old + length) up or down to @to, where tables exist already. */
static void move_entries(
	struct mm *m, struct mapping *mapping, const struct move *c, uint64_t length)
{
	struct move copy = *c;

	if (mapping)
		spin_lock(&mapping->mmap_lock);
	(void)mmu_for_each_table(&m->mmu, c->old, c->old + length, move_table, &copy);
	tlb_flush_range(&m->mmu, c->old, c->old + length);
	if (mapping)
		spin_unlock(&mapping->mmap_lock);
}

/* A VMA at @r->to with the source of @v from @r->old on. */
static int make_target(const struct remap *r, const struct vma *v, struct vma **out)
{
	struct vma *nv = slab_alloc(vma_slab, GFP_KERNEL);
	int err;

	if (!nv)
		return -ENOMEM;
	*nv = *v;
	nv->start = r->to;
	nv->end = r->to + r->new_len;
	nv->pgoff = vma_index(v, r->old);
	list_init(&nv->map_node);
	err = nv->flags & VM_ACCOUNT ? vm_commit((int64_t)vma_pages(nv)) : 0;
	if (err) {
		slab_free(vma_slab, nv);
		return err;
	}
	if (nv->ops && nv->ops->open)
		nv->ops->open(nv);
	*out = nv;
	return 0;
}

static int move_vma(struct remap *r, struct vma *v)
{
	struct mm *m = r->m;
	struct move c = {.m = m, .old = r->old, .to = r->to};
	struct vma *nv = NULL;
	int err = r->old_len ? vma_isolate(m, &v, r->old, r->old + r->old_len) : 0;

	if (!err)
		err = make_target(r, v, &nv);
	if (err)
		return err;
	vma_link_mapping(nv);
	vma_insert(m, nv);
	mm_account(m, nv, (int64_t)vma_pages(nv));
	err = r->old_len
		      ? mmu_for_each_table(&m->mmu, r->old, r->old + r->old_len, alloc_target, &c)
		      : 0;
	if (err) {
		(void)!unmap_locked(
			m, nv->start, nv->end, &r->dead); /* nothing to split: cannot fail */
		return err;
	}
	/* point of no return */
	if (r->old_len) {
		move_entries(m, v->mapping, &c, r->old_len);
		if (r->flags & DONTUNMAP) {
			mm_account(m, v, -(int64_t)vma_pages(v));
			v->flags &= ~(uint32_t)VM_LOCKED;
			mm_account(m, v, (int64_t)vma_pages(v));
		} else {
			(void)!unmap_locked(m, r->old, r->old + r->old_len, &r->dead);
		}
	}
	(void)vma_merge(m, nv);
	return 0;
}

/* Rights and limits of growing by @pages. */
static int check_growth(struct mm *m, const struct vma *v, uint64_t pages)
{
	if (v->flags & (VM_PFN | VM_SPECIAL))
		return -EFAULT;
	return mm_check_limits(m, v->flags, pages);
}

/* The VMA ends where the old range does and there is room behind it. */
static bool try_grow(struct remap *r, struct vma *v, int *err)
{
	uint64_t more = r->new_len - r->old_len;
	vaddr_t end = v->end;

	if (r->old + r->old_len != end || more > USER_END - end ||
		!vma_range_free(r->m, end, end + more))
		return false;
	*err = v->flags & VM_ACCOUNT ? vm_commit((int64_t)(more >> PAGE_SHIFT)) : 0;
	if (*err)
		return true;
	vma_resize(v, v->start, end + more);
	mm_account(r->m, v, (int64_t)(more >> PAGE_SHIFT));
	(void)vma_merge(r->m, v);
	return true;
}

static int choose_target(struct remap *r)
{
	if (r->flags & FIXED && r->to < mmap_min_addr && !(r->flags & LOW))
		return -EPERM;
	if (r->flags & FIXED)
		return unmap_locked(r->m, r->to, r->to + r->new_len, &r->dead);
	r->to = vma_find_gap(r->m, r->new_len, vm_lowest(), r->m->mmap_base);
	if (!r->to)
		r->to = vma_find_gap(r->m, r->new_len, vm_lowest(), USER_END);
	return r->to ? 0 : -ENOMEM;
}

static int check_args(const struct remap *r)
{
	bool moves = r->flags & (FIXED | DONTUNMAP);

	if (r->flags & ~15u || !IS_ALIGNED(r->old, PAGE_SIZE) || !r->new_len ||
		(moves && !(r->flags & MAYMOVE)))
		return -EINVAL;
	if (r->flags & DONTUNMAP && r->old_len != r->new_len)
		return -EINVAL;
	if (r->old > USER_END || r->old_len > USER_END - r->old)
		return -EFAULT;
	if (r->new_len > USER_END)
		return r->flags & FIXED ? -EINVAL : -ENOMEM;
	if (!(r->flags & FIXED))
		return 0;
	if (!IS_ALIGNED(r->to, PAGE_SIZE) || r->to > USER_END - r->new_len)
		return -EINVAL;
	return r->to < r->old + r->old_len && r->old < r->to + r->new_len ? -EINVAL : 0;
}

/* What the VMA at the old range allows. */
static int check_vma(const struct remap *r, const struct vma *v)
{
	if (!v)
		return -EFAULT;
	if (!r->old_len && (!(v->flags & VM_SHARED) || v->flags & (VM_PFN | VM_SPECIAL)))
		return -EINVAL;
	if (r->flags & DONTUNMAP && v->flags & (VM_PFN | VM_SPECIAL))
		return -EINVAL;
	if (r->old_len > v->end - r->old)
		return -EFAULT;
	if (r->new_len > r->old_len)
		return check_growth(r->m, v, (r->new_len - r->old_len) >> PAGE_SHIFT);
	return 0;
}

/* mm->lock held for writing. The result is in r->to. */
static int remap_locked(struct remap *r)
{
	bool moves = r->flags & (FIXED | DONTUNMAP);
	int err = check_vma(r, vma_at(r->m, r->old));

	if (err)
		return err;
	if (r->new_len < r->old_len) {
		err = unmap_locked(r->m, r->old + r->new_len, r->old + r->old_len, &r->dead);
		if (err)
			return err;
		r->old_len = r->new_len;
	}
	if (!moves) {
		if (r->new_len == r->old_len || try_grow(r, vma_at(r->m, r->old), &err)) {
			r->to = r->old;
			return err;
		}
		if (!(r->flags & MAYMOVE))
			return -ENOMEM;
	}
	err = choose_target(r);
	return err ? err
		   : move_vma(
			     r, vma_at(r->m,
					r->old)); /* looked up again: unmapping may have split it */
}

int mm_remap(struct mm *m, vaddr_t old, uint64_t old_len, uint64_t new_len, unsigned flags,
	vaddr_t to, vaddr_t *out)
{
	struct remap r = {.m = m,
		.old = old,
		.to = to,
		.old_len = ALIGN_UP(old_len, PAGE_SIZE),
		.new_len = ALIGN_UP(new_len, PAGE_SIZE),
		.flags = flags};
	int err = check_args(&r);
	uint64_t grown = r.new_len > r.old_len ? r.new_len - r.old_len : 0;
	bool populate;
	struct vma *v;

	if (err)
		return err;
	list_init(&r.dead);
	rwsem_write_lock(&m->lock);
	err = remap_locked(&r);
	v = err ? NULL : vma_at(m, r.to);
	populate = v && v->flags & VM_LOCKED && grown;
	rwsem_write_unlock(&m->lock);
	vma_free_all(&r.dead);
	if (err)
		return err;
	if (populate)
		(void)!mm_populate(m, r.to + r.new_len - grown, r.to + r.new_len);
	*out = r.to;
	return 0;
}
