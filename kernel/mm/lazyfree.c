/*
 * lazyfree.c - memory that a program can do without until it stores there again: MADV_FREE.
 *
 * The advice marks pages that only this address space has (PG_LAZY) and clears their entries' dirty
 * bits; a store sets the bit again, in hardware, and the page counts as used. When memory is short,
 * lazy_reclaim() takes the marked pages whose entries are still clean, and the next read finds
 * zeros. A page that was shared by fork in the meantime, or that somebody holds, stays.
 *
 * Address spaces that were advised so are on one list; lazy_lock guards it and keeps them alive:
 * mm_put() takes an address space off before it takes it apart. Reclaim may come from anywhere, so
 * it only tries for mm->lock. Lock order: mm->lock > lazy_lock, hence the trying.
 */
#include <debug.h>
#include <mutex.h>
#include <sched.h>
#include "internal.h"

static struct mutex lazy_lock = MUTEX_INIT(lazy_lock);
static LIST_HEAD(lazy_mms); /* [lazy_lock] mm->lazy_node */

struct lazy {
	struct tlb_batch tlb;
	struct mm *mm;
	uint64_t want, freed;
	bool more; /* marked pages are left */
};

static bool may_mark(pte_t pte)
{
	const struct page *p;

	if (!pte_present(pte) || pte_special(pte))
		return false;
	p = pfn_to_page(pte_pfn(pte));
	return page_test(p, PG_ANON) && refcount_read(&p->refs) == 1;
}

static int mark_table(pte_t *pte, vaddr_t va, unsigned n, void *arg)
{
	struct spinlock *ptl = mmu_pte_lock(pte);
	struct lazy *c = arg;

	spin_lock(ptl);
	for (; n > 0; n--, pte++, va += PAGE_SIZE) {
		pte_t old = pte_load(pte);

		if (!may_mark(old))
			continue;
		page_set(pfn_to_page(pte_pfn(old)), PG_LAZY);
		old = pte_xchg(pte, (pte_t){0}); /* a CPU may set bits in it until here */
		pte_store(pte, pte_mkclean(old));
		tlb_batch_range(&c->tlb, va); /* one that knows it as dirty would not set the bit */
	}
	spin_unlock(ptl);
	return 0;
}

void lazy_free(struct vma *v, vaddr_t start, vaddr_t end)
{
	struct mm *m = v->mm;
	struct lazy c = {.mm = m};

	tlb_batch_init(&c.tlb, &m->mmu);
	(void)mmu_for_each_table(&m->mmu, start, end, mark_table, &c);
	tlb_batch_finish(&c.tlb);
	mutex_lock(&lazy_lock);
	if (list_empty(&m->lazy_node))
		list_add_tail(&m->lazy_node, &lazy_mms);
	mutex_unlock(&lazy_lock);
}

void lazy_forget(struct mm *m)
{
	if (list_empty(&m->lazy_node))
		return;
	mutex_lock(&lazy_lock);
	list_del(&m->lazy_node);
	mutex_unlock(&lazy_lock);
}

static int take_table(pte_t *pte, vaddr_t va, unsigned n, void *arg)
{
	struct spinlock *ptl = mmu_pte_lock(pte);
	struct lazy *c = arg;

	spin_lock(ptl);
	for (; n > 0 && c->freed < c->want; n--, pte++, va += PAGE_SIZE) {
		pte_t old = pte_load(pte);
		struct page *p = pfn_to_page(pte_pfn(old));

		if (!pte_present(old) || pte_special(old) || !page_test(p, PG_LAZY))
			continue;
		c->more = true;
		if (!may_mark(old))
			continue;
		old = pte_xchg(pte, (pte_t){0});
		if (pte_dirty(old)) {
			page_clear_flag(p, PG_LAZY);
			pte_store(pte, old);
			continue;
		}
		tlb_batch_range(&c->tlb, va);
		tlb_batch_page(&c->tlb, p);
		c->freed++;
	}
	spin_unlock(ptl);
	return c->freed >= c->want;
}

/* false: it could not be looked through now. */
static bool take_from(struct lazy *c)
{
	struct mm *m = c->mm;
	uint64_t before = c->freed;
	struct vma *v;

	if (!rwsem_read_trylock(&m->lock))
		return false;
	tlb_batch_init(&c->tlb, &m->mmu);
	for (v = mm_find(m, 0); v && c->freed < c->want; v = vma_next(v))
		if (!v->mapping && !(v->flags & (VM_PFN | VM_SPECIAL | VM_LOCKED)))
			(void)mmu_for_each_table(&m->mmu, v->start, v->end, take_table, c);
	tlb_batch_finish(&c->tlb);
	rwsem_read_unlock(&m->lock);
	atomic64_add(&m->anon_pages, -(int64_t)(c->freed - before));
	stat_add(STAT_ANON, -(int64_t)(c->freed - before));
	return true;
}

uint64_t lazy_reclaim(uint64_t want)
{
	struct lazy c = {.want = want};
	struct mm *m, *next;

	if (list_empty(&lazy_mms) || !mutex_trylock(&lazy_lock))
		return 0;
	list_for_each_entry_safe (m, next, &lazy_mms, lazy_node) {
		c.mm = m;
		c.more = false;
		if (c.freed < want && take_from(&c) && !c.more)
			list_del(&m->lazy_node);
	}
	mutex_unlock(&lazy_lock);
	return c.freed;
}
