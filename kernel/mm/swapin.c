/*
 * swapin.c - bringing pages back from swap space: at a fault, and for swapoff(2).
 *
 * A fault reads its page and those that follow it both in memory and on the disk, into new pages
 * that this program has alone. Reading goes on without the table's lock; a further user of each
 * slot keeps it what it is. Then every entry that still names its slot gets its page.
 */
#include <error.h>
#include <sched.h>
#include "fault.h"
#include "swap.h"

#define AROUND 8u

struct run {
	uint64_t place; /* of the first */
	unsigned n;
	struct page *page[AROUND];
};

/* What lies behind the fault's entry in a row; a user of each is added. 0: the entry changed. */
static void hold_run(struct fault *f, pte_t first, struct run *r)
{
	struct spinlock *ptl = mmu_pte_lock(f->pte);
	vaddr_t end = ALIGN_DOWN(f->addr, PTRS_PER_TABLE * PAGE_SIZE) + PTRS_PER_TABLE * PAGE_SIZE;
	unsigned most = (unsigned)MIN((MIN(end, f->v->end) - f->addr) >> PAGE_SHIFT, AROUND);

	r->place = pte_swap_place(first);
	r->n = 0;
	spin_lock(ptl);
	while (r->n < most && pte_load(f->pte + r->n).v == pte_make_swap(r->place + r->n).v)
		swap_get(r->place + r->n++);
	spin_unlock(ptl);
}

/* At least the first; fewer pages than asked for shorten the run. */
static int alloc_run(struct run *r)
{
	unsigned n = 0;

	while (n < r->n) {
		r->page[n] = page_alloc(0, n ? GFP_USER | GFP_NOWAIT : GFP_USER);
		if (!r->page[n])
			break;
		r->page[n++]->flags = 1u << PG_ANON;
	}
	if (n < r->n)
		swap_put(r->place + n, r->n - n);
	r->n = n;
	return n ? 0 : -ENOMEM;
}

/* Entries that still name their slots get the pages; how many. */
static unsigned install_run(struct fault *f, struct run *r, bool *first)
{
	struct spinlock *ptl = mmu_pte_lock(f->pte);
	unsigned done = 0;

	spin_lock(ptl);
	for (unsigned i = 0; i < r->n; i++) {
		uint64_t place = r->place + i;
		pte_t pte = pte_mkdirty(pte_make(page_to_pfn(r->page[i]), vma_prot(f->v)));

		if (pte_load(f->pte + i).v != pte_make_swap(place).v)
			continue;
		pte_store(f->pte + i, i ? pte_mkold(pte) : pte);
		swap_put(place, 1);
		r->page[i] = NULL;
		*first |= !i;
		done++;
	}
	spin_unlock(ptl);
	return done;
}

int fault_swapped(struct fault *f, pte_t old)
{
	struct run r UNCLEARED;
	unsigned done = 0;
	bool first = false;
	int err;

	hold_run(f, old, &r);
	if (!r.n)
		return -EREFAULT;
	err = alloc_run(&r);
	if (err)
		return err;
	f->major = true;
	err = swap_transfer(false, r.place, r.page, r.n);
	if (!err)
		done = install_run(f, &r, &first);
	for (unsigned i = 0; i < r.n; i++)
		if (r.page[i])
			page_put(r.page[i]);
	swap_put(r.place, r.n);
	atomic64_add(&f->mm->anon_pages, done);
	atomic64_add(&f->mm->swap_pages, -(int64_t)done);
	stat_add(STAT_ANON, done);
	return err ? -EIO : first ? 0 : -EREFAULT;
}

/* ---- swapoff ---- */

struct search {
	unsigned area;
	vaddr_t found; /* 0: nothing */
};

static int search_table(pte_t *pte, vaddr_t va, unsigned n, void *arg)
{
	struct spinlock *ptl = mmu_pte_lock(pte);
	struct search *c = arg;

	spin_lock(ptl);
	for (; n > 0 && !c->found; n--, pte++, va += PAGE_SIZE)
		if (pte_swap(pte_load(pte)) &&
			swap_area_of(pte_swap_place(pte_load(pte))) == c->area)
			c->found = va;
	spin_unlock(ptl);
	return c->found != 0;
}

/* mm->lock held for reading. */
static int bring_back_vma(struct vma *v, unsigned area)
{
	struct search c = {.area = area};
	int err = 0;

	for (vaddr_t at = v->start; at < v->end && !err && mm_in_use(v->mm); at = c.found) {
		c.found = 0;
		if (!mmu_for_each_table(&v->mm->mmu, at, v->end, search_table, &c))
			break;
		err = fault_in_page(v->mm, v, c.found, FAULT_FORCE);
		if (err == -EREFAULT)
			err = 0;
		if (task_interrupted(current, TASK_INTERRUPTIBLE))
			err = -EINTR;
	}
	return err;
}

static int bring_back_mm(struct mm *m, unsigned area)
{
	int err = 0;

	rwsem_read_lock(&m->lock);
	for (struct vma *v = mm_find(m, 0); v && !err && mm_in_use(m); v = vma_next(v))
		err = bring_back_vma(v, area);
	rwsem_read_unlock(&m->lock);
	return err;
}

/* Forks in the meantime may hide entries from one round, so it goes on until nothing is left. */
int swap_bring_back(unsigned number)
{
	int err = 0;

	while (swap_area_used(number) && !err) {
		for (unsigned i = mm_list_count(); i > 0 && !err; i--) {
			struct mm *m = mm_pin_next();

			if (!m)
				break;
			if (atomic64_read(&m->swap_pages) > 0)
				err = bring_back_mm(m, number);
			mm_unpin(m);
			cond_resched();
		}
		if (!err && task_interrupted(current, TASK_INTERRUPTIBLE))
			err = -EINTR;
	}
	return err;
}
