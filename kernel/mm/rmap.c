/*
 * rmap.c - from a page of a file to the page-table entries that map it, through mapping->vmas.
 *
 * mapping->mmap_lock is held throughout: it keeps every VMA on the list, its start, end and pgoff
 * (vma_resize() takes it), and its page tables (freed only after the VMA is unlinked). mm->lock of
 * those address spaces is not needed.
 */
#include "internal.h"

/* The part of [first, last] that @v maps, as addresses; false: none. */
static bool overlap(
	const struct vma *v, uint64_t first, uint64_t last, vaddr_t *start, vaddr_t *end)
{
	uint64_t v_last = v->pgoff + vma_pages(v) - 1;

	if (last < v->pgoff || first > v_last)
		return false;
	first = MAX(first, v->pgoff);
	last = MIN(last, v_last);
	*start = v->start + ((first - v->pgoff) << PAGE_SHIFT);
	*end = v->start + ((last + 1 - v->pgoff) << PAGE_SHIFT);
	return true;
}

void mapping_zap(struct mapping *m, uint64_t first, uint64_t last, bool even_cows)
{
	struct tlb_batch tlb UNCLEARED;
	struct vma *v;
	vaddr_t start, end;

	if (list_empty(&m->vmas))
		return;
	spin_lock(&m->mmap_lock);
	list_for_each_entry (v, &m->vmas, map_node) {
		if (!overlap(v, first, last, &start, &end))
			continue;
		tlb_batch_init(&tlb, &v->mm->mmu);
		zap_range(v->mm, start, end, &tlb, even_cows ? 0 : ZAP_FILE_ONLY);
		tlb_batch_finish(&tlb);
	}
	spin_unlock(&m->mmap_lock);
}

static bool maps_cache_page(pte_t pte)
{
	return pte_present(pte) && !pte_special(pte) &&
	       !page_test(pfn_to_page(pte_pfn(pte)), PG_ANON);
}

/* Make one entry read-only if it is writable and maps the file's page. */
static void protect_entry(struct mm *mm, vaddr_t va)
{
	pte_t *pte = mmu_pte(&mm->mmu, va);
	struct spinlock *ptl;
	bool changed = false;

	if (!pte)
		return;
	ptl = mmu_pte_lock(pte);
	spin_lock(ptl);
	if (maps_cache_page(pte_load(pte)) && pte_write(pte_load(pte))) {
		pte_t old = pte_xchg(pte, (pte_t){0});

		pte_store(pte, pte_mkclean(pte_wrprotect(old)));
		changed = true;
	}
	spin_unlock(ptl);
	if (changed)
		tlb_flush_page(&mm->mmu, va);
}

void mapping_write_protect(struct mapping *m, uint64_t index)
{
	struct vma *v;
	vaddr_t start, end;

	spin_lock(&m->mmap_lock);
	list_for_each_entry (v, &m->vmas, map_node)
		if (v->flags & VM_SHARED && overlap(v, index, index, &start, &end))
			protect_entry(v->mm, start);
	spin_unlock(&m->mmap_lock);
}

static bool test_clear_young(struct mm *mm, vaddr_t va)
{
	pte_t *pte = mmu_pte(&mm->mmu, va);
	bool young = false;

	if (!pte)
		return false;
	spin_lock(mmu_pte_lock(pte));
	if (maps_cache_page(pte_load(pte)) && pte_young(pte_load(pte))) {
		pte_t old = pte_xchg(
			pte, (pte_t){0}); /* a store in between faults and waits for the lock */

		pte_store(pte, pte_mkold(old));
		young = true;
	}
	spin_unlock(mmu_pte_lock(pte));
	return young; /* no flush: a stale TLB entry only delays the next mark */
}

unsigned mapping_page_users(struct mapping *m, uint64_t index)
{
	struct vma *v;
	vaddr_t start, end;
	unsigned users = 0;

	spin_lock(&m->mmap_lock);
	list_for_each_entry (v, &m->vmas, map_node) {
		if (!overlap(v, index, index, &start, &end))
			continue;
		if (test_clear_young(v->mm, start))
			users |= RMAP_YOUNG;
		if (v->flags & VM_LOCKED)
			users |= RMAP_LOCKED;
	}
	spin_unlock(&m->mmap_lock);
	return users;
}
