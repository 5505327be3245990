/*
 * zap.c - clearing leaf entries and counting what they mapped.
 */
#include "internal.h"

struct zap {
	struct tlb_batch *tlb;
	unsigned flags;
	int64_t anon, file, shmem;
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

/* The entry of @p at @va was cleared. */
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
	tlb_batch_page(z->tlb, p);
}

static int zap_table(pte_t *pte, vaddr_t va, unsigned n, void *arg)
{
	struct zap *z = arg;
	struct spinlock *ptl = z->flags & ZAP_NO_LOCK ? NULL : mmu_pte_lock(pte);

	if (ptl)
		spin_lock(ptl);
	for (; n > 0; n--, pte++, va += PAGE_SIZE) {
		pte_t old = pte_load(pte);
		struct page *p;

		if (likely(pte_none(old)))
			continue;
		if (pte_special(old)) {
			if (!(z->flags & ZAP_FILE_ONLY)) {
				pte_store(pte, (pte_t){0});
				tlb_batch_range(z->tlb, va);
			}
			continue;
		}
		p = pfn_to_page(pte_pfn(old));
		if ((z->flags & ZAP_FILE_ONLY) && page_test(p, PG_ANON))
			continue;
		pte_store(pte, (pte_t){0});
		tlb_batch_range(z->tlb, va);
		drop_page(z, p, old);
	}
	if (ptl)
		spin_unlock(ptl);
	return 0;
}

void zap_range(struct mm *m, vaddr_t start, vaddr_t end, struct tlb_batch *tlb, unsigned flags)
{
	struct zap z = {.tlb = tlb, .flags = flags};
	uint64_t rss = mm_rss(m);

	if (rss > m->peak_rss)
		m->peak_rss = rss;
	(void)mmu_for_each_table(&m->mmu, start, end, zap_table, &z);
	if (z.anon) {
		atomic64_add(&m->anon_pages, -z.anon);
		stat_add(STAT_ANON, -z.anon);
	}
	if (z.file)
		atomic64_add(&m->file_pages, -z.file);
	if (z.shmem)
		atomic64_add(&m->shmem_pages, -z.shmem);
}
