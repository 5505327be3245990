/*
 * zap.c - clearing leaf entries and counting what they mapped.
 */
#include "internal.h"

struct zap {
	struct tlb_batch *tlb;
	unsigned flags;
	int64_t anon, file, shmem, swap;
};

atomic64_t *mm_rss_counter(struct mm *m, const struct page *p)
{
	if (page_test(p, PG_ANON))
		return &m->anon_pages;
	return page_test(p, PG_SWAPBACKED) ? &m->shmem_pages : &m->file_pages;
}

void page_drop_mapcount(struct page *p)
{
	if (atomic_dec(&p->mapcount) == 0)
		stat_add(STAT_MAPPED, -1);
}

/* The entry of @p was cleared. */
static inline void drop_page(struct zap *z, struct page *p, pte_t old)
{
	uint32_t flags = READ_ONCE(p->flags);

	if (flags & 1u << PG_ANON) {
		z->anon++;
	} else {
		if (pte_young(old) && !(flags & 1u << PG_REFERENCED))
			page_set(p, PG_REFERENCED);
		page_drop_mapcount(p);
		if (flags & 1u << PG_SWAPBACKED)
			z->shmem++;
		else
			z->file++;
	}
}

/* The special entry @old was cleared. */
static void drop_special(struct zap *z, pte_t old)
{
	if (!pte_swap(old))
		return;
	swap_put(pte_swap_place(old), 1);
	z->swap++;
}

static inline bool are_none(const pte_t *four)
{
	return pte_none(four[0]) && pte_none(four[1]) && pte_none(four[2]) && pte_none(four[3]);
}

/* Of an address space that nobody can reach any more: no lock, no flush. */
static int zap_dead_table(pte_t *pte, vaddr_t va, unsigned n, void *arg)
{
	struct zap *z = arg;

	(void)va;
	for (pte_t *end = pte + n; pte < end; pte++) {
		pte_t old;
		struct page *p;

		while (end - pte > 4 && are_none(pte))
			pte += 4;
		old = pte_load(pte);
		if (pte_none(old))
			continue;
		pte_store(pte, (pte_t){0});
		if (unlikely(pte_special(old))) {
			drop_special(z, old);
			continue;
		}
		p = pfn_to_page(pte_pfn(old));
		drop_page(z, p, old);
		page_put(p);
	}
	return 0;
}

static int zap_table(pte_t *pte, vaddr_t va, unsigned n, void *arg)
{
	struct zap *z = arg;
	pte_t *first = pte;
	struct spinlock *ptl = mmu_pte_lock(pte);

	spin_lock(ptl);
	for (pte_t *end = pte + n; pte < end; pte++) {
		pte_t old = pte_load(pte);
		struct page *p = NULL;

		if (pte_none(old))
			continue;
		if (likely(!pte_special(old)))
			p = pfn_to_page(pte_pfn(old));
		if (unlikely(z->flags & ZAP_FILE_ONLY) && (!p || page_test(p, PG_ANON)))
			continue;
		pte_store(pte, (pte_t){0});
		tlb_batch_range(z->tlb, va + ((uint64_t)(pte - first) << PAGE_SHIFT));
		if (unlikely(!p)) {
			drop_special(z, old);
			continue;
		}
		drop_page(z, p, old);
		tlb_batch_page(z->tlb, p);
	}
	spin_unlock(ptl);
	return 0;
}

void zap_range(struct mm *m, vaddr_t start, vaddr_t end, struct tlb_batch *tlb, unsigned flags)
{
	struct zap z = {.tlb = tlb, .flags = flags};
	uint64_t rss = mm_rss(m);

	if (rss > m->peak_rss)
		m->peak_rss = rss;
	(void)mmu_for_each_table(&m->mmu, start, end, tlb ? zap_table : zap_dead_table, &z);
	if (z.anon) {
		atomic64_add(&m->anon_pages, -z.anon);
		stat_add(STAT_ANON, -z.anon);
	}
	if (z.file)
		atomic64_add(&m->file_pages, -z.file);
	if (z.shmem)
		atomic64_add(&m->shmem_pages, -z.shmem);
	if (unlikely(z.swap))
		atomic64_add(&m->swap_pages, -z.swap);
}
