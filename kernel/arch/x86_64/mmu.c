/*
 * mmu.c - the page tables of programs. Leaf entries are mm's; tables between are made and freed
 * here.
 *
 * A table above the leaves counts its present entries and remembers which groups of eight were ever
 * used, in its struct page (table_entries, index), so that freeing does not read 512 entries of
 * each. A table that is freed is all zeros again; some are kept per CPU, so that the next need not
 * be cleared. New entries are written under the table's page lock; readers need none, because
 * tables go away only when nobody else can walk there (mm's lock held for writing).
 */
#include <debug.h>
#include <error.h>
#include <page.h>
#include <string.h>
#include <tlb.h>
#include "room.h"

#define TABLE_RIGHTS (PTE_P | PTE_W | PTE_U | PTE_A)
#define GROUP        (PTRS_PER_TABLE / 64)
#define TABLE_SHIFT  21 /* what a leaf table covers */

static uint64_t last_id;

static unsigned index_of(vaddr_t va, unsigned level)
{
	return va >> (12 + 9 * level) & 511;
}
static pte_t *table_of(pte_t e)
{
	return phys_to_virt(e.v & PTE_ADDR);
}

#define TABLE_CACHE 16u

/* Of its CPU's tasks only: the kernel is not preempted. */
struct table_cache {
	unsigned n;
	struct page *page[TABLE_CACHE]; /* with one reference, all zeros */
};
static DEFINE_PER_CPU(struct table_cache, table_cache_);

static struct page *table_get(void)
{
	struct table_cache *c = this_cpu_ptr(table_cache_);

	return c->n ? c->page[--c->n] : page_alloc(0, GFP_KERNEL | GFP_ZERO);
}

static struct page *table_alloc(void)
{
	struct page *p = table_get();

	if (!p)
		return NULL;
	p->flags |= 1u << PG_TABLE;
	spin_init(&p->ptl);
	p->table_entries = 0;
	p->index = 0;
	return p;
}

static void table_clean(struct page *p)
{
	p->flags &= ~(1u << PG_TABLE);
	p->index = 0;
}

/* No CPU can walk through it any more. */
static void table_put(struct page *p)
{
	struct table_cache *c = this_cpu_ptr(table_cache_);

	if (c->n < TABLE_CACHE)
		c->page[c->n++] = p;
	else
		page_free(p, 0);
}

int mmu_init(struct mmu *m)
{
	struct page *p = table_alloc();

	if (!p)
		return -ENOMEM;
	m->root = page_address(p);
	for (const uint16_t *slot = kernel_slots; *slot; slot++)
		m->root[*slot] = kernel_root[*slot];
	m->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	m->tlb_gen = 1;
	m->active = CPUMASK_NONE;
	m->table_pages = 1;
	m->tables_freed = false;
	return 0;
}

pte_t *mmu_pte(struct mmu *m, vaddr_t va)
{
	pte_t e = pte_load(&m->root[index_of(va, 3)]);

	if (unlikely(!(e.v & PTE_P)))
		return NULL;
	e = pte_load(&table_of(e)[index_of(va, 2)]);
	if (unlikely(!(e.v & PTE_P)))
		return NULL;
	e = pte_load(&table_of(e)[index_of(va, 1)]);
	if (unlikely(!(e.v & PTE_P)))
		return NULL;
	return &table_of(e)[index_of(va, 0)];
}

/* Make the table below entry @i of @table, unless another thread just did. */
static bool table_install(struct mmu *m, pte_t *table, unsigned i)
{
	struct page *parent = virt_to_page(table);
	struct page *p = table_alloc();

	if (!p)
		return false;
	spin_lock(&parent->ptl);
	if (!(table[i].v & PTE_P)) {
		parent->table_entries++;
		parent->index |= 1ull << i / GROUP;
		pte_store(&table[i], (pte_t){page_to_phys(p) | TABLE_RIGHTS});
		p = NULL;
	}
	spin_unlock(&parent->ptl);
	if (p) {
		table_clean(p);
		table_put(p);
	} else {
		__atomic_fetch_add(&m->table_pages, 1, __ATOMIC_RELAXED);
	}
	return true;
}

static pte_t *__noinline make_tables(struct mmu *m, vaddr_t va)
{
	pte_t *table = m->root;

	for (unsigned level = 3; level > 0; level--) {
		unsigned i = index_of(va, level);

		if (unlikely(!(pte_load(&table[i]).v & PTE_P)) && !table_install(m, table, i))
			return NULL;
		table = table_of(pte_load(&table[i]));
	}
	return &table[index_of(va, 0)];
}

pte_t *mmu_pte_alloc(struct mmu *m, vaddr_t va)
{
	pte_t *pte = mmu_pte(m, va);

	return likely(pte) ? pte : make_tables(m, va);
}

struct spinlock *mmu_pte_lock(pte_t *pte)
{
	return &virt_to_page(pte)->ptl;
}

int mmu_for_each_table(struct mmu *m, vaddr_t start, vaddr_t end,
	int (*fn)(pte_t *pte, vaddr_t va, unsigned n, void *arg), void *arg)
{
	if (likely(!((start ^ (end - 1)) >> TABLE_SHIFT) && start < end)) {
		pte_t *pte = mmu_pte(m, start);

		return pte ? fn(pte, start, (unsigned)((end - start) >> PAGE_SHIFT), arg) : 0;
	}
	while (start < end) {
		pte_t *table = m->root;
		unsigned level = 3;
		uint64_t span;

		for (; level > 0; level--) {
			pte_t e = pte_load(&table[index_of(start, level)]);

			if (!(e.v & PTE_P))
				break;
			table = table_of(e);
		}
		/* At a hole skip what the missing table would cover, else one leaf table. */
		span = 1ull << (12 + 9 * (level ? level : 1));
		if (!level) {
			vaddr_t stop = MIN(end, ALIGN_DOWN(start, span) + span);
			int r = fn(&table[index_of(start, 0)], start,
				(unsigned)((stop - start) >> PAGE_SHIFT), arg);

			if (r)
				return r;
		}
		start = ALIGN_DOWN(start, span) + span;
	}
	return 0;
}

static void drop_entry(struct mmu *m, pte_t *e, struct tlb_batch *tlb)
{
	struct page *child = virt_to_page(table_of(*e));

	pte_store(e, (pte_t){0});
	__atomic_store_n(&m->tables_freed, true,
		__ATOMIC_RELEASE); /* after the entry: whoever flushes for it flushes this too */
	virt_to_page(e)->table_entries--;
	__atomic_fetch_sub(&m->table_pages, 1, __ATOMIC_RELAXED);
	table_clean(child);
	if (tlb)
		tlb_batch_table(tlb, child);
	else
		table_put(child);
}

#if CONFIG_DEBUG
static void assert_no_leaves(const pte_t *table)
{
	for (unsigned i = 0; i < PTRS_PER_TABLE; i++)
		ASSERT(pte_none(table[i]));
}
#else
static void assert_no_leaves(const pte_t *table)
{
	(void)table;
}
#endif

/* Every table below @table, whose entries each cover a table of @level - 1. */
static void free_all_below(struct mmu *m, pte_t *table, unsigned level, struct tlb_batch *tlb)
{
	struct page *p = virt_to_page(table);

	for (uint64_t groups = p->index; groups; groups &= groups - 1) {
		pte_t *e = table + (unsigned)__builtin_ctzll(groups) * GROUP;

		for (pte_t *end = e + GROUP; e < end; e++) {
			if (!(e->v & PTE_P))
				continue;
			if (level > 1)
				free_all_below(m, table_of(*e), level - 1, tlb);
			else
				assert_no_leaves(table_of(*e));
			drop_entry(m, e, tlb);
		}
	}
}

struct free_range {
	struct mmu *m;
	vaddr_t floor, ceiling;
	struct tlb_batch *tlb;
};

static void free_range(
	const struct free_range *fr, pte_t *table, unsigned level, vaddr_t start, vaddr_t end)
{
	uint64_t span = 1ull << (12 + 9 * level);

	for (vaddr_t base = ALIGN_DOWN(start, span);
		base < end && virt_to_page(table)->table_entries; base += span) {
		pte_t *e = &table[index_of(base, level)];
		bool whole = base >= fr->floor && base + span - 1 <= fr->ceiling - 1;

		if (!(e->v & PTE_P))
			continue;
		if (level > 1 && whole)
			free_all_below(fr->m, table_of(*e), level - 1, fr->tlb);
		else if (level > 1)
			free_range(fr, table_of(*e), level - 1, MAX(start, base),
				MIN(end, base + span));
		else if (whole)
			assert_no_leaves(table_of(*e));
		if (whole)
			drop_entry(fr->m, e, fr->tlb);
	}
}

/* @ceiling 0: no neighbour above. */
void mmu_free_tables(struct mmu *m, vaddr_t start, vaddr_t end, vaddr_t floor, vaddr_t ceiling,
	struct tlb_batch *tlb)
{
	const struct free_range fr = {m, floor, ceiling ? ceiling : 1ull << 47, tlb};

	free_range(&fr, m->root, 3, start, end);
}

void mmu_fini(struct mmu *m)
{
	struct page *root = virt_to_page(m->root);

	tlb_forget(m);
	free_all_below(m, m->root, 3, NULL);
	for (const uint16_t *slot = kernel_slots; *slot; slot++)
		m->root[*slot] = (pte_t){0};
	table_clean(root);
	table_put(root);
	m->root = NULL;
}
