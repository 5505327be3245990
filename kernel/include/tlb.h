/*
 * tlb.h - pages and page tables taken out of an address space, kept until no CPU can reach them
 * through its TLB.
 *
 * Used by mm/ when it unmaps and by mmu_free_tables(), which hands its tables to tlb_batch_table().
 * tlb_batch_finish() flushes what was noted and then frees. One batch belongs to one task; no
 * locks.
 */
#pragma once
#include <arch/mmu.h>

struct page;
#define TLB_BATCH_PAGES 120u

struct tlb_batch {
	struct mmu *mmu;
	vaddr_t start, end; /* range to flush; start >= end: nothing */
	unsigned nr;
	bool tables;                        /* page tables are among the pages: flush everything */
	struct page *page[TLB_BATCH_PAGES]; /* bit 0 of the pointer: a page table, freed whole; else
					       one reference is dropped */
};

static inline void tlb_batch_init(struct tlb_batch *b, struct mmu *mmu)
{
	b->mmu = mmu;
	b->start = ~0ull;
	b->end = 0;
	b->nr = 0;
	b->tables = false;
}
/* An entry for [va, va + PAGE_SIZE) was cleared or lost rights. */
static inline void tlb_batch_range(struct tlb_batch *b, vaddr_t va)
{
	if (va < b->start)
		b->start = va;
	if (va + PAGE_SIZE > b->end)
		b->end = va + PAGE_SIZE;
}
/* Flush and free now (also the finish). The batch can be used further. Context: interrupts on; the
 * caller may hold a pte lock. */
void tlb_batch_finish(struct tlb_batch *b);
/* A reference to @p is to be dropped after the flush. */
static inline void tlb_batch_page(struct tlb_batch *b, struct page *p)
{
	b->page[b->nr++] = p;
	if (b->nr == TLB_BATCH_PAGES)
		tlb_batch_finish(b);
}
/* Page table @p (order 0, refs 1, nobody else's) is unlinked: page_free() it after the flush. */
void tlb_batch_table(struct tlb_batch *b, struct page *p);
