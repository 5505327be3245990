/*
 * mmap.c - mapping and unmapping ranges. mmap(2), munmap(2).
 *
 * Does not: decode flags, check files (compat and vfs do).
 */
#include <arch/upcalls.h>
#include <debug.h>
#include <error.h>
#include <sched.h>
#include <slab.h>
#include "internal.h"

#define LOW_2G 0x80000000ull /* MAP_32BIT: where programs with 32-bit pointers can reach */

vaddr_t mmap_min_addr = 0x10000;

/* Private writable memory may all be filled one day. */
static bool accountable(uint32_t flags)
{
	if (flags & VM_NORESERVE && overcommit_memory != 2)
		return false;
	return (flags & (VM_WRITE | VM_SHARED | VM_PFN)) == VM_WRITE;
}

int mm_check_limits(struct mm *m, uint32_t flags, uint64_t pages)
{
	if (m->nr_vmas >= max_map_count || m->total_pages + pages > m->limit_as >> PAGE_SHIFT)
		return -ENOMEM;
	if ((flags & (VM_WRITE | VM_SHARED | VM_STACK | VM_GROWSDOWN)) == VM_WRITE &&
		m->data_pages + pages > m->limit_data >> PAGE_SHIFT)
		return -ENOMEM;
	if (flags & VM_LOCKED && m->locked_pages + pages > m->limit_memlock >> PAGE_SHIFT)
		return -EAGAIN;
	return 0;
}

/* Where to put @length bytes: 0 and the address, or -ENOMEM, -EINVAL, -EPERM, -EEXIST. */
static int choose_address(struct mm *m, const struct vm_map_args *a, uint64_t length, vaddr_t *out)
{
	vaddr_t at = a->addr, high = a->below_4g ? MIN(m->mmap_base, LOW_2G) : m->mmap_base;

	if (a->fixed || a->noreplace) {
		if (!IS_ALIGNED(at, PAGE_SIZE))
			return -EINVAL;
		if (at > USER_END || length > USER_END - at)
			return -ENOMEM;
		if (at < mmap_min_addr && !a->low)
			return -EPERM;
		*out = at;
		return a->noreplace && !vma_range_free(m, at, at + length) ? -EEXIST : 0;
	}
	at = ALIGN_UP(at, PAGE_SIZE);
	if (at >= vm_lowest() && at < USER_END && length <= USER_END - at &&
		(!a->below_4g || at + length <= LOW_2G) && vma_range_free(m, at, at + length)) {
		*out = at;
		return 0;
	}
	at = vma_find_gap(m, length, vm_lowest(), high);
	if (!at && !a->below_4g)
		at = vma_find_gap(m, length, vm_lowest(), USER_END);
	if (!at)
		return -ENOMEM;
	*out = at;
	return 0;
}

/* The range is clear of other VMAs when this returns 0, and the memory is charged. */
static int make_room(struct mm *m, struct vma *v, bool replace, struct list_head *dead)
{
	uint64_t pages = vma_pages(v);
	int err = mm_check_limits(m, v->flags, pages);

	if (err)
		return err;
	if (accountable(v->flags)) {
		err = vm_commit((int64_t)pages);
		if (err)
			return err;
		v->flags |= VM_ACCOUNT;
	}
	err = replace ? unmap_locked(m, v->start, v->end, dead) : 0;
	if (err && v->flags & VM_ACCOUNT)
		vm_uncommit((int64_t)pages);
	return err;
}

static int vma_prepare(struct mm *m, const struct vm_map_args *a, struct vma **out)
{
	struct vma *v = slab_alloc(vma_slab, GFP_ZERO);

	if (!v)
		return -ENOMEM;
	v->mm = m;
	v->flags = a->flags;
	v->pgoff = a->pgoff;
	v->mapping = a->mapping;
	v->file = a->file;
	v->ops = a->ops;
	v->private = a->private;
	list_init(&v->map_node);
	if (a->flags & VM_SHARED && vma_is_anon(v)) {
		v->mapping = shmem_mapping_create((int64_t)ALIGN_UP(a->length, PAGE_SIZE));
		v->ops = &shmem_vma_ops;
		v->pgoff = 0;
	}
	if (a->flags & VM_SHARED && !(a->flags & VM_PFN) && !v->mapping &&
		!(v->ops && v->ops->fault)) {
		slab_free(vma_slab, v);
		return -ENOMEM;
	}
	*out = v;
	return 0;
}

/* Undo vma_prepare(): the caller keeps its own reference to a file. */
static void vma_discard(struct vma *v, const struct vm_map_args *a)
{
	if (v->mapping && v->mapping != a->mapping)
		shmem_mapping_put(v->mapping);
	slab_free(vma_slab, v);
}

int mm_map(struct mm *m, const struct vm_map_args *a, vaddr_t *out)
{
	uint64_t length = ALIGN_UP(a->length, PAGE_SIZE);
	struct vma *v;
	LIST_HEAD(dead);
	vaddr_t at = 0;
	bool populate;
	int err;

	if (!a->length)
		return -EINVAL;
	if (length < a->length || length > USER_END)
		return -ENOMEM;
	err = vma_prepare(m, a, &v);
	if (err)
		return err;
	err = vma_announce(v);
	if (err) {
		vma_discard(v, a);
		return err;
	}
	rwsem_write_lock(&m->lock);
	v->flags |= v->flags & (VM_PFN | VM_SPECIAL) ? 0 : m->def_flags;
	err = choose_address(m, a, length, &at);
	if (!err) {
		v->start = at;
		v->end = at + length;
		err = make_room(m, v, a->fixed && !a->noreplace, &dead);
	}
	if (err) {
		rwsem_write_unlock(&m->lock);
		vma_free_all(&dead);
		vma_announced(v);
		vma_discard(v, a);
		return err;
	}
	/* point of no return */
	mm_account(m, v, (int64_t)vma_pages(v));
	vma_link_mapping(v);
	vma_announced(v);
	vma_insert(m, v);
	populate = a->populate || (v->flags & VM_LOCKED && !m->lock_on_fault);
	(void)vma_merge(m, v);
	rwsem_write_unlock(&m->lock);
	vma_free_all(&dead);
	if (populate)
		(void)!mm_populate(m, at,
			at + length); /* mmap(2): it does not fail if pages cannot be had now */
	*out = at;
	return 0;
}

int unmap_locked(struct mm *m, vaddr_t start, vaddr_t end, struct list_head *dead)
{
	struct vma *v = mm_find(m, start), *last, *next;
	struct tlb_batch tlb UNCLEARED;
	vaddr_t floor;
	int err = 0;

	if (!v || v->start >= end)
		return 0;
	if (v->start < start) {
		err = vma_split(m, v, start);
		if (err)
			return err;
		v = vma_next(v);
	}
	last = mm_find(m, end - 1);
	if (last && last->start < end && last->end > end)
		err = vma_split(m, last, end);
	if (err)
		return err;
	/* point of no return */
	floor = v->start - v->gap;
	tlb_batch_init(&tlb, &m->mmu);
	for (; v && v->start < end; v = next) {
		next = vma_next(v);
		zap_range(m, v->start, v->end, &tlb, 0);
		mm_account(m, v, -(int64_t)vma_pages(v));
		if (v->flags & VM_ACCOUNT)
			vm_uncommit((int64_t)vma_pages(v));
		vma_unlink_mapping(v);
		vma_erase(m, v);
		list_add_tail(&v->map_node, dead);
	}
	mmu_free_tables(&m->mmu, start, end, floor, v ? v->start : 0, &tlb);
	tlb_batch_finish(&tlb);
	return 0;
}

void vma_free_all(struct list_head *dead)
{
	while (!list_empty(dead)) {
		struct vma *v = list_first(dead, struct vma, map_node);

		list_del(&v->map_node);
		vma_free(v);
	}
}

int mm_unmap(struct mm *m, vaddr_t addr, uint64_t length)
{
	uint64_t bytes = ALIGN_UP(length, PAGE_SIZE);
	LIST_HEAD(dead);
	int err;

	if (!IS_ALIGNED(addr, PAGE_SIZE) || !length || bytes < length || addr > USER_END ||
		bytes > USER_END - addr)
		return -EINVAL;
	rwsem_write_lock(&m->lock);
	err = unmap_locked(m, addr, addr + bytes, &dead);
	rwsem_write_unlock(&m->lock);
	vma_free_all(&dead);
	return err;
}

/* An entry that already allows what populating asks for. */
static bool is_there(struct mm *m, vaddr_t va, bool write)
{
	pte_t *pte = mmu_pte(&m->mmu, va);

	return pte && pte_present(pte_load(pte)) && (!write || pte_write(pte_load(pte)));
}

static int populate_vma(struct mm *m, struct vma *v, vaddr_t start, vaddr_t end)
{
	bool write = (v->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE;

	if (v->flags & VM_PFN || !vma_prot(v))
		return 0;
	for (vaddr_t va = start; va < end;) {
		int err = is_there(m, va, write) ? 0
						 : fault_in_page(m, v, va, write ? FAULT_WRITE : 0);

		if (err == -EREFAULT)
			continue;
		if (err)
			return err;
		if (task_interrupted(current, TASK_KILLABLE))
			return -ERESTARTSYS;
		va += PAGE_SIZE;
	}
	return 0;
}

#define POPULATE_STEP (64 * PAGE_SIZE)

int mm_populate(struct mm *m, vaddr_t start, vaddr_t end)
{
	int err = 0;

	while (start < end && !err) {
		vaddr_t stop = MIN(end, start + POPULATE_STEP);
		struct vma *v;

		rwsem_read_lock(&m->lock);
		v = mm_find(m, start);
		if (!v || v->start >= end) {
			rwsem_read_unlock(&m->lock);
			return start < end ? -ENOMEM : 0;
		}
		start = MAX(start, v->start);
		if (stop <= start)
			stop = start + PAGE_SIZE;
		stop = MIN(stop, v->end);
		err = populate_vma(m, v, start, stop);
		rwsem_read_unlock(&m->lock);
		start = stop;
		cond_resched();
	}
	return err;
}
