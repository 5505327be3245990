/*
 * truncate.c - taking pages out of the cache: truncation, hole punch, the end of a mapping,
 * dropping what is clean.
 *
 * Each page is locked, its writeback waited for, its dirtiness forgotten, and then removed. See
 * pagecache.c, invariants 3 and 4.
 */
#include <debug.h>
#include <error.h>
#include <rcu.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include "internal.h"

#define BATCH 16u

/* Up to BATCH pages from *index to @last, referenced; *index moves behind them. */
static unsigned gather(struct mapping *m, uint64_t *index, uint64_t last, struct page **out)
{
	void *found[BATCH];
	unsigned n, kept = 0;

	rcu_read_lock();
	n = xa_gather(&m->pages, index, last, found, BATCH);
	for (unsigned i = 0; i < n; i++) {
		struct page *p = found[i];

		if (refcount_inc_not_zero(&p->refs))
			out[kept++] = p;
	}
	rcu_read_unlock();
	return n && !kept ? gather(m, index, last, out) : kept;
}

/* Remove every page of [first, last]; sleeps for those in writeback. */
static void drop_pages(struct mapping *m, uint64_t first, uint64_t last)
{
	struct page *batch[BATCH];
	uint64_t index = first;
	unsigned n;

	while ((n = gather(m, &index, last, batch)) > 0) {
		for (unsigned i = 0; i < n; i++) {
			struct page *p = batch[i];

			page_lock(p);
			page_wait(p, PG_WRITEBACK);
			if (p->mapping == m) {
				(void)page_clear_dirty(p);
				pagecache_remove(m, p);
			}
			page_unlock(p);
			page_put(p);
		}
		if (index > last || index == 0)
			break;
		cond_resched();
	}
}

static bool all_zero(const char *p, size_t n)
{
	for (; n; p++, n--)
		if (*p)
			return false;
	return true;
}

/* The page, however long that takes; NULL: it cannot be read. */
static struct page *get_waiting(struct mapping *m, uint64_t index)
{
	struct page *p;
	int err;

	while ((err = pagecache_get(m, index, &p)) == -ENOMEM)
		sleep_uninterruptible_ns(10 * NSEC_PER_MSEC);
	return err ? NULL : p;
}

/* Zero [from, to) of one page, on disk too if that has other contents. A read error leaves it as it
 * is: the bytes cannot be read either. */
static void zero_part(struct mapping *m, int64_t from, int64_t to)
{
	uint64_t index = (uint64_t)from >> PAGE_SHIFT;
	unsigned offset = (unsigned)((uint64_t)from & (PAGE_SIZE - 1));
	struct page *p;
	char *at;

	if (from >= to)
		return;
	if (m->flags & MAPPING_UNEVICTABLE)
		p = pagecache_find(m, index);
	else
		p = get_waiting(m, index);
	if (!p)
		return;
	page_lock(p);
	at = (char *)page_address(p) + offset;
	if (p->mapping == m && page_test(p, PG_UPTODATE) && !all_zero(at, (size_t)(to - from))) {
		memset(at, 0, (size_t)(to - from));
		page_mark_dirty(p);
	}
	page_unlock(p);
	page_put(p);
}

void pagecache_truncate(struct mapping *m, int64_t size)
{
	uint64_t first = bytes_to_pages(size);

	zero_part(m, size, ALIGN_UP(size, (int64_t)PAGE_SIZE));
	rwsem_write_lock(&m->invalidate);
	mapping_zap(m, first, UINT64_MAX, true);
	drop_pages(m, first, UINT64_MAX);
	rwsem_write_unlock(&m->invalidate);
}

void pagecache_drop_range(struct mapping *m, int64_t start, int64_t end)
{
	int64_t first = ALIGN_UP(start, (int64_t)PAGE_SIZE),
		last = ALIGN_DOWN(end, (int64_t)PAGE_SIZE);

	if (start >= end)
		return;
	zero_part(m, start, MIN(first, end));
	if (last >= first)
		zero_part(m, last, end);
	if (last <= first)
		return;
	rwsem_write_lock(&m->invalidate);
	mapping_zap(m, (uint64_t)first >> PAGE_SHIFT, ((uint64_t)last >> PAGE_SHIFT) - 1, true);
	drop_pages(m, (uint64_t)first >> PAGE_SHIFT, ((uint64_t)last >> PAGE_SHIFT) - 1);
	rwsem_write_unlock(&m->invalidate);
}

void mapping_fini(struct mapping *m)
{
	unsigned long f;

	mapping_forget_dirty(m);
	while (!xa_empty(&m->pages))
		drop_pages(m, 0, UINT64_MAX);
	mapping_forget_dirty(m);
	f = spin_lock_irq(&m->pages.lock); /* reclaim may just have taken the last page out */
	spin_unlock_irq(&m->pages.lock, f);
	ASSERT(list_empty(&m->vmas));
	xa_destroy(&m->pages);
}

void pagecache_drop_clean(struct mapping *m)
{
	pagecache_drop_clean_range(m, 0, INT64_MAX);
}

void pagecache_drop_clean_range(struct mapping *m, int64_t start, int64_t end)
{
	uint64_t index = (uint64_t)start >> PAGE_SHIFT, last = (uint64_t)(end - 1) >> PAGE_SHIFT;
	struct page *batch[BATCH];
	unsigned n;

	if (m->flags & MAPPING_UNEVICTABLE || start >= end)
		return;
	lru_drain(); /* its batch holds references */
	while ((n = gather(m, &index, last, batch)) > 0) {
		for (unsigned i = 0; i < n; i++) {
			struct page *p = batch[i];

			if (page_trylock(p)) {
				if (p->mapping == m && !page_test(p, PG_DIRTY) &&
					!page_test(p, PG_WRITEBACK) &&
					atomic_read(&p->mapcount) == 0 &&
					refcount_read(&p->refs) == 2) /* cache and us */
					pagecache_remove(m, p);
				page_unlock(p);
			}
			page_put(p);
		}
		if (index > last)
			break;
		cond_resched();
	}
}

void mapping_unmap(struct mapping *m, uint64_t first, uint64_t last)
{
	mapping_zap(m, first, last, true);
}
