/*
 * swapout.c - writing to swap space what programs have not used lately.
 *
 * Theory. The reclaim thread goes round all address spaces, and in each round its pages, like the
 * hand of a clock. A page that was used since the hand passed loses its mark (the entry's young
 * bit); one that was not is a victim, if the entry's owner has it alone: a page that several
 * programs share after a fork, or that somebody holds, stays.
 *
 * A victim is written while it is still mapped. Before that its entry loses the dirty bit, and the
 * page gets PG_SWAPPING, which stores by the kernel take away (access.c). After it, if the entry is
 * as it was, neither dirty nor young, the page still marked and held by nobody else, the slot has
 * what the page has: the entry is made to name the slot, and the page goes. Else the slot is given
 * back and nothing has happened. So no fault ever waits for a write, and no entry names a slot that
 * was not written.
 *
 * Locks: mm->lock for reading from the choice of the victims until their entries are changed. It is
 * only tried for, but waiting writers do not keep us out: they wait for readers, and those perhaps
 * for the memory that we are to find. Pages of locked VMAs stay, as do those that MADV_FREE
 * marked, which are lazyfree.c's.
 */
#include <mutex.h>
#include <sched.h>
#include "swap.h"

#define BATCH 32u

struct victim {
	vaddr_t va;
	pte_t *pte;
	uint64_t place;
};

/* One address space is being swept. */
struct sweep {
	struct mm *mm;
	uint64_t budget; /* pages still to be looked at */
	uint64_t freed;
	unsigned n;
	struct victim victim[BATCH];
	struct page *page[BATCH]; /* of the victims; we hold a reference to each */
	struct tlb_batch tlb;
};

static bool may_go(pte_t pte)
{
	const struct page *p;

	if (!pte_present(pte) || pte_special(pte))
		return false;
	p = pfn_to_page(pte_pfn(pte));
	return page_test(p, PG_ANON) && !page_test(p, PG_LAZY) && refcount_read(&p->refs) == 1;
}

/* Table lock held. */
static void choose(struct sweep *s, pte_t *pte, vaddr_t va)
{
	struct page *p = pfn_to_page(pte_pfn(pte_load(pte)));

	page_set(p, PG_SWAPPING);
	s->page[s->n] = page_get(p);
	s->victim[s->n++] = (struct victim){.va = va, .pte = pte};
	pte_store(pte, pte_mkclean(pte_xchg(pte, (pte_t){0})));
	tlb_batch_range(&s->tlb, va); /* one that knows it as dirty would not set the bit */
}

static int choose_in_table(pte_t *pte, vaddr_t va, unsigned n, void *arg)
{
	struct spinlock *ptl = mmu_pte_lock(pte);
	struct sweep *s = arg;

	spin_lock(ptl);
	for (; n > 0 && s->budget > 0 && s->n < BATCH; n--, pte++, va += PAGE_SIZE) {
		pte_t old = pte_load(pte);

		s->mm->swap_hand = va + PAGE_SIZE;
		if (!may_go(old))
			continue;
		s->budget--;
		if (pte_young(old)) /* no flush: a stale TLB entry only delays the next mark */
			pte_store(pte, pte_mkold(pte_xchg(pte, (pte_t){0})));
		else
			choose(s, pte, va);
	}
	spin_unlock(ptl);
	return !s->budget || s->n == BATCH;
}

/* From the hand on, at most to the end of the address space. */
static void choose_victims(struct sweep *s)
{
	struct mm *m = s->mm;
	struct vma *v = mm_find(m, m->swap_hand);

	tlb_batch_init(&s->tlb, &m->mmu);
	s->n = 0;
	for (; v && s->budget > 0 && s->n < BATCH; v = vma_next(v)) {
		vaddr_t from = MAX(m->swap_hand, v->start);

		if (!(v->flags & (VM_PFN | VM_SPECIAL | VM_LOCKED | VM_SHARED)))
			(void)mmu_for_each_table(&m->mmu, from, v->end, choose_in_table, s);
		if (s->budget > 0 && s->n < BATCH)
			m->swap_hand = v->end;
	}
	if (!v && s->budget > 0 && s->n < BATCH)
		m->swap_hand = 0;
	tlb_batch_finish(&s->tlb);
}

/* How many of the victims, from the first on, are in swap space now. */
static unsigned write_victims(struct sweep *s)
{
	unsigned done = 0;

	while (done < s->n) {
		uint64_t place = 0;
		unsigned run = swap_take(s->n - done, &place);

		if (!run)
			break;
		if (swap_transfer(true, place, s->page + done, run)) {
			swap_spoil(place, run);
			break;
		}
		for (unsigned i = 0; i < run; i++)
			s->victim[done++].place = place + i;
	}
	return done;
}

/* The entry is made to name the victim's slot, if that has what the page has. */
static bool replace_entry(struct sweep *s, const struct victim *v, struct page *p)
{
	struct spinlock *ptl = mmu_pte_lock(v->pte);
	bool done = false;
	pte_t old;

	spin_lock(ptl);
	old = pte_load(v->pte);
	if (pte_present(old) && !pte_special(old) && pte_pfn(old) == page_to_pfn(p) &&
		refcount_read(&p->refs) == 2 && page_test(p, PG_SWAPPING)) {
		old = pte_xchg(v->pte, (pte_t){0});
		done = !pte_dirty(old) && !pte_young(old);
		pte_store(v->pte, done ? pte_make_swap(v->place) : old);
		if (done)
			tlb_batch_range(&s->tlb, v->va);
	}
	page_clear_flag(p, PG_SWAPPING);
	spin_unlock(ptl);
	return done;
}

static void settle(struct sweep *s, unsigned written)
{
	uint64_t gone = 0;

	for (unsigned i = 0; i < s->n; i++) {
		bool done = i < written && replace_entry(s, &s->victim[i], s->page[i]);

		if (done) {
			tlb_batch_page(&s->tlb, s->page[i]); /* the entry's reference */
			gone++;
		} else if (i < written) {
			swap_put(s->victim[i].place, 1);
		} else {
			page_clear_flag(s->page[i], PG_SWAPPING);
		}
		page_put(s->page[i]);
	}
	tlb_batch_finish(&s->tlb);
	atomic64_add(&s->mm->anon_pages, -(int64_t)gone);
	atomic64_add(&s->mm->swap_pages, (int64_t)gone);
	stat_add(STAT_ANON, -(int64_t)gone);
	s->freed += gone;
}

/* Pages freed. */
static uint64_t sweep(struct mm *m, uint64_t budget, uint64_t want)
{
	static struct sweep s; /* one thread sweeps */

	s.mm = m;
	s.budget = budget;
	s.freed = 0;
	if (!rwsem_read_trylock_first(&m->lock))
		return 0;
	while (s.freed < want && s.budget > 0 && swap_has_room() && mm_in_use(m)) {
		vaddr_t from = m->swap_hand;

		choose_victims(&s);
		if (s.n)
			settle(&s, write_victims(&s));
		if (m->swap_hand <= from) /* all round */
			break;
	}
	rwsem_read_unlock(&m->lock);
	return s.freed;
}

uint64_t swap_out(uint64_t want, unsigned priority)
{
	uint64_t freed = 0;

	for (unsigned i = mm_list_count(); i > 0 && freed < want && swap_has_room(); i--) {
		struct mm *m = mm_pin_next();
		int64_t pages;

		if (!m)
			break;
		pages = atomic64_read(&m->anon_pages);
		if (pages > 0)
			freed += sweep(m, ((uint64_t)pages >> priority) + BATCH, want - freed);
		mm_unpin(m);
		cond_resched();
	}
	return freed;
}
