/*
 * tlb.c - the end of a batch of unmapped pages: flush, then free. Contract: tlb.h.
 */
#include <page.h>
#include <tlb.h>

#define TABLE_BIT 1ul

void tlb_batch_table(struct tlb_batch *b, struct page *p)
{
	b->tables = true;
	tlb_batch_page(b, (struct page *)((uintptr_t)p | TABLE_BIT));
}

void tlb_batch_finish(struct tlb_batch *b)
{
	if (b->tables)
		tlb_flush_all(b->mmu);
	else if (b->start < b->end)
		tlb_flush_range(b->mmu, b->start, b->end);
	for (unsigned i = 0; i < b->nr; i++) {
		uintptr_t word = (uintptr_t)b->page[i];

		page_put((struct page *)(word & ~TABLE_BIT));
	}
	b->nr = 0;
	b->tables = false;
	b->start = ~0ull;
	b->end = 0;
}
