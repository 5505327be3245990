/*
 * lru.c - the lists of reclaimable file pages: inactive (candidates) and active (used again),
 * oldest at the tail.
 *
 * A page is added in batches of a CPU; while in a batch it has a reference and is on no list. Being
 * used only sets flags: PG_REFERENCED at the first use, PG_ACTIVE at the second; the scan in
 * reclaim.c moves pages by them. PG_LRU says that the page is on a list; page->cpu tells which one
 * (0 inactive, 1 active).
 *
 * Locks: lru_lock is irq-save (the last reference may be dropped by an interrupt); nothing but
 * wake-ups under it.
 */
#include <debug.h>
#include <page.h>
#include "internal.h"

#define BATCH 15u

/* Key: [l] lru_lock */
static struct spinlock lru_lock = SPINLOCK_INIT("lru");
static struct list_head lists[2] = {
	LIST_INIT(lists[0]), LIST_INIT(lists[1])}; /* [l] inactive, active */
static uint64_t counts[2];                         /* [l] */

struct lru_batch {
	unsigned nr;
	struct page *page[BATCH];
};
DEFINE_PER_CPU(struct lru_batch, lru_batch);

uint64_t lru_count(bool active)
{
	return READ_ONCE(counts[active]);
}

/* lru_lock held. */
static void list_page(struct page *p, bool active)
{
	p->cpu = active;
	page_set(p, PG_LRU);
	list_add(&p->lru, &lists[active]);
	counts[active]++;
}

void lru_drain(void)
{
	struct page *pages[BATCH];
	unsigned nr;
	unsigned long f = irq_save();
	struct lru_batch *b = this_cpu_ptr(lru_batch);

	nr = b->nr;
	for (unsigned i = 0; i < nr; i++)
		pages[i] = b->page[i];
	b->nr = 0;
	spin_lock(&lru_lock);
	for (unsigned i = 0; i < nr; i++)
		if (pages[i]->mapping)
			list_page(pages[i], false);
	spin_unlock(&lru_lock);
	irq_restore(f);
	for (unsigned i = 0; i < nr; i++)
		page_put(pages[i]);
}

void lru_add(struct page *p)
{
	struct lru_batch *b;
	unsigned long f;

	page_get(p);
	f = irq_save();
	b = this_cpu_ptr(lru_batch);
	b->page[b->nr++] = p;
	irq_restore(f);
	if (b->nr == BATCH)
		lru_drain();
}

void lru_remove(struct page *p)
{
	unsigned long f = spin_lock_irq(&lru_lock);

	if (page_test_clear(p, PG_LRU)) {
		list_unlink_(&p->lru);
		counts[p->cpu]--;
	}
	spin_unlock_irq(&lru_lock, f);
}

void lru_touch(struct page *p)
{
	uint32_t flags = READ_ONCE(p->flags);

	if (!(flags & 1u << PG_REFERENCED))
		page_set(p, PG_REFERENCED);
	else if (!(flags & 1u << PG_ACTIVE))
		page_set(p, PG_ACTIVE);
}

unsigned lru_isolate(bool active, struct page **out, unsigned n)
{
	unsigned got = 0;
	unsigned long f = spin_lock_irq(&lru_lock);

	for (unsigned scanned = 0; got < n && scanned < 4 * n && !list_empty(&lists[active]);
		scanned++) {
		struct page *p = list_last(&lists[active], struct page, lru);

		if (!refcount_inc_not_zero(
			    &p->refs)) { /* being freed: lru_remove() waits for our lock */
			list_move(&p->lru, &lists[active]);
			continue;
		}
		page_clear_flag(p, PG_LRU);
		list_unlink_(&p->lru);
		counts[active]--;
		out[got++] = p;
	}
	spin_unlock_irq(&lru_lock, f);
	return got;
}

void lru_putback(struct page *p, bool active)
{
	unsigned long f = spin_lock_irq(&lru_lock);

	if (p->mapping)
		list_page(p, active);
	spin_unlock_irq(&lru_lock, f);
	page_put(p);
}
