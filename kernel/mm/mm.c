/*
 * mm.c - address spaces: creation, the current one, the end.
 *
 * Does not: map (mmap.c), resolve faults (fault.c), copy at fork (fork.c).
 *
 * Objects. struct mm is a red-black tree of VMAs ordered by address, plus the machine's page
 * tables. A VMA is a run of pages with equal rights and source: anonymous, pages of a mapping
 * (vma->mapping), pages supplied by ops->fault, or device memory (VM_PFN). Page tables are a cache
 * of what the VMAs say, but for anonymous pages, which exist nowhere else.
 *
 * Pages under entries.
 *  - Anonymous (PG_ANON): each entry holds one reference; mapcount is not used. Whoever finds refs
 * == 1 under the table's lock owns the page and may write to it; else a store copies it (COW).
 *  - Of a mapping: each entry holds a reference and counts in mapcount. A private mapping never
 * maps them writable. A shared mapping of a file maps them read-only until a store faults, which
 * dirties the page; writeback makes entries read-only again. Pages of tmpfs need no such tracking.
 *  - The zero page and device memory: "special" entries, not counted.
 *  - An anonymous page in swap space has none: its entry, special too, names the slot (swap.c).
 *
 * Invariants.
 *  1. mm->lock is held for writing while VMAs change, for reading while faults and walks use them.
 *  2. A leaf entry changes only under the lock of its table.
 *  3. Who looks from a file to its VMAs (rmap.c) holds mapping->mmap_lock instead of mm->lock;
 * therefore start, end and pgoff of a file VMA change under both, and tables are freed after the
 * VMA left mapping->vmas.
 *  4. A page is freed only after every CPU that could have its translation has flushed it (struct
 * tlb_batch).
 *  5. User memory is never touched with mm->lock held for writing, nor with a page lock
 * (filewrite.c says how).
 *
 * Errors: -ENOMEM leaves the address space as it was, but perhaps with a VMA split in two alike
 * ones.
 */
#include <debug.h>
#include <error.h>
#include <arch/upcalls.h>
#include <sched.h>
#include <slab.h>
#include <string.h>
#include "internal.h"

#define DEFAULT_STACK_LIMIT (8ull << 20)

void (*mm_drop_file)(struct file *f);
struct slab_cache *vma_slab, *mm_slab;
uint32_t max_map_count = 65530;

int mm_create(struct mm **out)
{
	struct mm *m = slab_alloc(mm_slab, GFP_ZERO);
	int err;

	if (!m)
		return -ENOMEM;
	err = mmu_init(&m->mmu);
	if (err) {
		slab_free(mm_slab, m);
		return err;
	}
	rwsem_init(&m->lock);
	refcount_set(&m->users, 1);
	m->mmap_base = USER_END - (DEFAULT_STACK_LIMIT + STACK_GUARD_BYTES);
	m->limit_as = m->limit_data = m->limit_memlock = UINT64_MAX;
	m->limit_stack = DEFAULT_STACK_LIMIT;
	m->dumpable = true;
	list_init(&m->lazy_node);
	list_init(&m->all_node);
	*out = m;
	return 0;
}

struct mm *mm_adopt(struct mm *m)
{
	struct mm *old = current->mm;
	unsigned long f;

	if (m && list_empty(&m->all_node))
		mm_list_add(m);
	f = irq_save();
	current->mm = m;
	current->mmu = m ? &m->mmu : NULL;
	mmu_switch(old ? &old->mmu : NULL, current->mmu);
	irq_restore(f);
	return old;
}

/*
 * Nobody else can reach the address space but through mapping->vmas, so each VMA leaves that list
 * first and is then taken apart without locks or flushes. The tree is not kept in order: VMAs are
 * chained through max_gap.
 */
static void free_contents(struct mm *m)
{
	struct vma *v = rb_entry(rb_first(&m->vmas), struct vma, node);

	for (struct vma *each = v; each; each = vma_next(each))
		each->max_gap = (vaddr_t)(uintptr_t)vma_next(each);
	while (v) {
		struct vma *next = (struct vma *)(uintptr_t)v->max_gap;

		vma_unlink_mapping(v);
		zap_range(m, v->start, v->end, NULL, 0);
		if (v->flags & VM_ACCOUNT)
			vm_uncommit((int64_t)vma_pages(v));
		vma_free(v);
		v = next;
	}
	m->vmas.node = NULL;
}

void mm_put(struct mm *m)
{
	if (!m || !refcount_dec(&m->users))
		return;
	lazy_forget(m);
	mm_list_remove(m);
	free_contents(m);
	mmu_fini(&m->mmu);
	if (m->exe && mm_drop_file)
		mm_drop_file(m->exe);
	slab_free(mm_slab, m);
}

uint64_t mm_rss(const struct mm *m)
{
	int64_t n = atomic64_read(&m->anon_pages) + atomic64_read(&m->file_pages) +
		    atomic64_read(&m->shmem_pages);

	return n > 0 ? (uint64_t)n : 0;
}

void mm_init(void)
{
	xarray_init();
	task_cache_init();
	vma_slab = slab_cache_create("vma", sizeof(struct vma), 64, NULL);
	mm_slab = slab_cache_create("mm", sizeof(struct mm), 64, NULL);
	shmem_init();
	fault_init();
	arch_upcalls.page_fault = mm_handle_fault;
}
