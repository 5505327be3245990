/*
 * pagecache.c - the cache of file contents: finding, adding, removing and reading pages.
 *
 * Does not: write (filewrite.c), cut (truncate.c), track dirty pages (dirty.c), write them back
 * (writeback.c), evict (reclaim.c).
 *
 * Objects. A struct mapping caches one object (file, block device, tmpfs file, shared memory): an
 * xarray of pages by index. The cache holds one reference to each page in it; page->mapping and
 * page->index name the place.
 *
 * Life of a page: allocated, locked, inserted (PG_LOCKED, not up to date) -> readpage or a
 * whole-page write makes it PG_UPTODATE and unlocks -> used by whoever takes a reference -> removed
 * by truncation or reclaim, which clear page->mapping under the page lock -> freed by the last
 * reference.
 *
 * Invariants.
 *  1. A page found in the array without the lock must be pinned (refcount_inc_not_zero) and then
 * looked at again: mapping and index as expected mean that it is the right one as long as the
 * reference is held and nobody truncates.
 *  2. Who needs it to stay in the mapping holds the page lock. Readers do not: a page that is
 * truncated under them still has its old contents, which is as if they had read a moment earlier.
 *  3. New pages of a file with backing store are inserted with ->invalidate held for reading and
 * only below ops->size(), or by writers, who hold the inode's lock. Truncation sets the size first
 * and then takes ->invalidate for writing, so after it no old page can come back.
 *  4. A page-table entry is added under the table's lock by: mapcount + 1, then check
 * page->mapping. Removal does: clear page->mapping, then check mapcount and zap. Both orders are
 * full barriers, so one of the two sees the other.
 *  5. PG_DIRTY pages have XA_DIRTY set and their mapping is on the dirty list; page and mark change
 * under the page lock.
 *
 * Locks: ->invalidate (22) > page lock (24) > mapping->mmap_lock > page-table lock (60) > array
 * lock (62, irq).
 */
#include <debug.h>
#include <error.h>
#include <rcu.h>
#include <sched.h>
#include <string.h>
#include "internal.h"

#define RUN_PAGES  32u /* pages handed to readpages() at a time */
#define READ_PAGES 16u /* pages copied from at a time */

void mapping_init(struct mapping *m, const struct mapping_ops *ops, void *host, uint32_t flags)
{
	memset(m, 0, sizeof(*m));
	xa_init(&m->pages);
	m->ops = ops;
	m->host = host;
	m->flags = flags;
	if (flags & MAPPING_BDEV)
		rwsem_init(&m->invalidate); /* a class of its own: metadata is read while a file's
					       is held */
	else
		rwsem_init(&m->invalidate);
	spin_init(&m->mmap_lock);
	list_init(&m->vmas);
	list_init(&m->dirty_node);
}

struct page *pagecache_find(struct mapping *m, uint64_t index)
{
	struct page *p;

	rcu_read_lock();
	while ((p = xa_load(&m->pages, index)) != NULL) {
		if (!refcount_inc_not_zero(&p->refs)) {
			cpu_relax(); /* it is leaving the array right now */
			continue;
		}
		if (likely(READ_ONCE(p->mapping) == m && p->index == index))
			break;
		page_put(p);
	}
	rcu_read_unlock();
	return p;
}

static void count_pages(const struct mapping *m, int64_t n)
{
	stat_add(m->flags & MAPPING_BDEV ? STAT_BUFFERS : STAT_CACHED, n);
	if (m->flags & MAPPING_UNEVICTABLE)
		stat_add(STAT_SHMEM, n);
}

int pagecache_insert(struct mapping *m, struct page *p, uint64_t index)
{
	unsigned long f;
	int err;

	p->flags = 1u << PG_LOCKED | (m->flags & MAPPING_UNEVICTABLE ? 1u << PG_SWAPBACKED : 0);
	p->mapping = m;
	p->index = index;
	f = spin_lock_irq(&m->pages.lock);
	err = xa_insert_locked(&m->pages, index, p);
	if (likely(!err))
		m->nr_pages++;
	spin_unlock_irq(&m->pages.lock, f);
	if (unlikely(err)) {
		p->mapping = NULL;
		p->index = 0;
		p->flags = 0;
		return err;
	}
	count_pages(m, 1);
	if (!(m->flags & MAPPING_UNEVICTABLE))
		lru_add(p);
	return 0;
}

void pagecache_remove(struct mapping *m, struct page *p)
{
	uint64_t index = p->index;
	unsigned long f;

	ASSERT(page_test(p, PG_LOCKED) && !page_test(p, PG_WRITEBACK));
	if (m->ops->release)
		m->ops->release(m, p);
	f = spin_lock_irq(&m->pages.lock);
	xa_erase_locked(&m->pages, index);
	m->nr_pages--;
	WRITE_ONCE(p->mapping, NULL);
	spin_unlock_irq(&m->pages.lock, f);
	smp_mb(); /* invariant 4 */
	if (atomic_read(&p->mapcount) > 0)
		mapping_zap(m, index, index, false);
	p->index = 0; /* the same word as ->order, by which it is freed */
	count_pages(m, -1);
	page_put(p);
}

/* @p is locked and clean, and the caller has the only reference besides the cache. */
bool pagecache_reclaim(struct mapping *m, struct page *p)
{
	int two = 2;
	unsigned long f;

	if (refcount_read(&p->refs) != 2)
		return false;
	if (m->ops->release)
		m->ops->release(m, p);
	f = spin_lock_irq(&m->pages.lock);
	if (page_test(p, PG_DIRTY) || atomic_read(&p->mapcount) > 0 ||
		!__atomic_compare_exchange_n(
			&p->refs.v, &two, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
		spin_unlock_irq(&m->pages.lock, f);
		return false;
	}
	xa_erase_locked(&m->pages, p->index);
	m->nr_pages--;
	count_pages(m, -1);
	p->mapping = NULL;
	spin_unlock_irq(&m->pages.lock, f); /* the mapping may be gone from here on */
	p->index = 0;
	p->flags = 0; /* nobody waits: waiters hold references */
	page_put_last(p);
	return true;
}

/* Read what was inserted. Each page is unlocked by the file system when it is done. */
static void read_run(struct mapping *m, struct page **run, unsigned n)
{
	stat_add(STAT_INS, n);
	if (n > 1 && m->ops->readpages) {
		m->ops->readpages(m, run, n);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		(void)!m->ops->readpage(
			m, run[i]); /* the error shows as a page that is not up to date */
}

/* A new locked page at @index: 0, -EEXIST or -ENOMEM. */
static int add_new(struct mapping *m, uint64_t index, unsigned gfp, struct page **out)
{
	struct page *p = page_alloc(0, gfp);
	int err;

	if (!p)
		return -ENOMEM;
	err = pagecache_insert(m, p, index);
	if (err) {
		page_put(p);
		return err;
	}
	*out = p;
	return 0;
}

/*
 * Start reading those of @nr pages from @index on that are missing; the one at @mark gets
 * PG_READAHEAD. Fails only if not even the first could be had: -ENOMEM, or -EIO behind the end.
 */
int pagecache_read_range(struct mapping *m, uint64_t index, unsigned nr, uint64_t mark)
{
	struct page *run[RUN_PAGES];
	unsigned n = 0, gfp = m->flags & MAPPING_BDEV ? GFP_NOFS : GFP_USER;
	uint64_t last, first = index;
	int err = 0;

	rwsem_read_lock(&m->invalidate);
	last = bytes_to_pages(m->ops->size(m));
	if (index >= last) {
		rwsem_read_unlock(&m->invalidate);
		return -EIO;
	}
	last = MIN(last, index + nr);
	if (m->ops->plug)
		m->ops->plug(m, true);
	for (; index < last; index++) {
		err = xa_load(&m->pages, index)
			      ? -EEXIST
			      : add_new(m, index, index == first ? gfp : gfp | GFP_NORETRY,
					&run[n]);
		if (!err && index == mark)
			page_set(run[n], PG_READAHEAD);
		n += !err;
		if (n && (err || n == RUN_PAGES)) {
			read_run(m, run, n);
			n = 0;
		}
		if (err == -ENOMEM)
			break;
	}
	if (n)
		read_run(m, run, n);
	if (m->ops->plug)
		m->ops->plug(m, false);
	rwsem_read_unlock(&m->invalidate);
	return err == -ENOMEM && index == first ? -ENOMEM : 0;
}

int pagecache_fill(struct mapping *m, struct page *p)
{
	int err;

	if (page_test(p, PG_ERROR))
		page_clear_flag(p, PG_ERROR);
	err = m->ops->readpage(m, p);
	if (err)
		return err;
	page_wait(p, PG_LOCKED);
	return page_test(p, PG_UPTODATE) ? 0 : -EIO;
}

/* @p was found but is not up to date: wait for the read in flight, or repeat one that failed.
 * -EREFAULT: it left the mapping. */
static int wait_uptodate(struct mapping *m, struct page *p)
{
	bool failed_before = page_test(p, PG_ERROR);

	page_lock(p);
	if (p->mapping != m) {
		page_unlock(p);
		return -EREFAULT;
	}
	if (page_test(p, PG_UPTODATE)) {
		page_unlock(p);
		return 0;
	}
	if (page_test(p, PG_ERROR) &&
		!failed_before) { /* the read we waited for failed: ours did too */
		page_unlock(p);
		return -EIO;
	}
	return pagecache_fill(m, p);
}

int pagecache_get_ra(
	struct mapping *m, uint64_t index, struct readahead *ra, unsigned want, struct page **out)
{
	for (;;) {
		struct page *p = pagecache_find(m, index);
		int err;

		if (!p) {
			if (ra)
				readahead_miss(m, ra, index, want);
			err = pagecache_read_range(m, index, 1, UINT64_MAX);
			if (err)
				return err;
			continue;
		}
		if (likely(page_test(p, PG_UPTODATE))) {
			*out = p;
			return 0;
		}
		err = wait_uptodate(m, p);
		if (!err) {
			*out = p;
			return 0;
		}
		page_put(p);
		if (err != -EREFAULT)
			return err;
	}
}

int pagecache_get(struct mapping *m, uint64_t index, struct page **out)
{
	return pagecache_get_ra(m, index, NULL, 1, out);
}

int pagecache_get_locked(struct mapping *m, uint64_t index, unsigned gfp, struct page **out)
{
	for (;;) {
		struct page *p = pagecache_find(m, index);
		int err;

		if (p) {
			page_lock(p);
			if (likely(p->mapping == m)) {
				*out = p;
				return 0;
			}
			page_unlock(p);
			page_put(p);
			continue;
		}
		err = add_new(m, index, gfp & GFP_NOFS ? gfp : gfp | GFP_USER, &p);
		if (!err) {
			*out = page_get(p);
			return 0;
		}
		if (err != -EEXIST)
			return err;
	}
}

int mapping_seal(struct mapping *m)
{
	int err;

	spin_lock(&m->mmap_lock);
	err = m->nr_writable_shared ? -EBUSY : 0;
	if (!err)
		m->flags |= MAPPING_SEALED;
	spin_unlock(&m->mmap_lock);
	return err;
}

void pagecache_readahead(struct mapping *m, uint64_t index, uint64_t nr)
{
	while (nr > 0) {
		unsigned part = (unsigned)MIN(nr, (uint64_t)RUN_PAGES);

		if (pagecache_read_range(m, index, part, UINT64_MAX) < 0)
			return;
		index += part;
		nr -= part;
	}
}

/* A page of a file without backing store that was never written reads as zeros and stays missing.
 */
static bool is_hole(struct mapping *m, const struct page *p)
{
	return !p && (m->flags & MAPPING_UNEVICTABLE);
}

int pagecache_get_read(struct mapping *m, struct readahead *ra, int64_t pos, size_t count,
	bool nowait, struct page **out)
{
	uint64_t index = (uint64_t)pos >> PAGE_SHIFT;
	struct page *p = pagecache_find(m, index);

	if (is_hole(m, p))
		return -ENODATA;
	if (unlikely(!p || !page_test(p, PG_UPTODATE))) {
		int err;

		if (p)
			page_put(p);
		if (nowait)
			return -EAGAIN;
		err = pagecache_get_ra(m, index, ra,
			(unsigned)MIN(bytes_to_pages((int64_t)count), (uint64_t)RUN_PAGES), &p);
		if (err)
			return err;
	}
	if (unlikely(page_test(p, PG_READAHEAD)) && ra && page_test_clear(p, PG_READAHEAD))
		readahead_hit(m, ra, index);
	if (!ra || ra->prev != index)
		lru_touch(p);
	*out = p;
	return 0;
}

/* One page's worth. Returns bytes copied (fewer than *want: the program's memory faulted) or
 * -errno. */
static ssize_t read_page(
	struct mapping *m, struct readahead *ra, struct iov_iter *to, int64_t pos, size_t want)
{
	struct page *p;
	size_t copied;
	int err = pagecache_get_read(m, ra, pos, to->count, to->flags & RW_NOWAIT, &p);

	if (err)
		return err == -ENODATA ? (ssize_t)iov_iter_zero(want, to) : err;
	copied = copy_to_iter(
		(char *)page_address(p) + ((uint64_t)pos & (PAGE_SIZE - 1)), want, to);
	page_put(p);
	return (ssize_t)copied;
}

/* Up to @n pages from @index on that need no waiting and start no readahead, referenced. */
static unsigned ready_pages(struct mapping *m, uint64_t index, unsigned n, struct page **out)
{
	unsigned there, got = 0;
	void *const *slot;

	rcu_read_lock();
	slot = xa_slots(&m->pages, index, &there);
	n = slot ? MIN(n, there) : 0;
	for (; got < n; got++, index++) {
		struct page *p = READ_ONCE(slot[got]);

		if (!p || !refcount_inc_not_zero(&p->refs))
			break;
		if (READ_ONCE(p->mapping) != m || p->index != index ||
			(READ_ONCE(p->flags) & (1u << PG_UPTODATE | 1u << PG_READAHEAD)) !=
				1u << PG_UPTODATE) {
			page_put(p);
			break;
		}
		out[got] = p;
	}
	rcu_read_unlock();
	return got;
}

/* @want bytes from @offset of the first of @n pages on; neighbours in memory go in one piece. Fewer
 * if the program's memory faulted. */
static size_t copy_pages(
	struct page **page, unsigned n, size_t offset, size_t want, struct iov_iter *to)
{
	size_t done = 0, copied, part;

	for (unsigned i = 0; done < want; done += copied) {
		const char *from = (char *)page_address(page[i]) + offset;

		part = PAGE_SIZE - offset;
		while (++i < n && page[i] == page[i - 1] + 1)
			part += PAGE_SIZE;
		part = MIN(part, want - done);
		copied = copy_to_iter(from, part, to);
		if (copied < part)
			return done + copied;
		offset = 0;
	}
	return done;
}

/* What can be had in one go, at most *want, which becomes what was tried; else as read_page(). */
static ssize_t read_some(
	struct mapping *m, struct readahead *ra, struct iov_iter *to, int64_t pos, size_t *want)
{
	struct page *page[READ_PAGES] UNCLEARED;
	uint64_t index = (uint64_t)pos >> PAGE_SHIFT;
	size_t offset = (uint64_t)pos & (PAGE_SIZE - 1), done;
	uint64_t pages = bytes_to_pages((int64_t)(offset + *want));
	unsigned n = ready_pages(m, index, (unsigned)MIN(pages, (uint64_t)READ_PAGES), page);

	if (unlikely(!n)) {
		*want = MIN(*want, PAGE_SIZE - offset);
		return read_page(m, ra, to, pos, *want);
	}
	*want = MIN(*want, n * PAGE_SIZE - offset);
	done = copy_pages(page, n, offset, *want, to);
	for (unsigned i = 0; i < n; i++) {
		if (i || !ra || ra->prev != index)
			lru_touch(page[i]);
		page_put(page[i]);
	}
	return (ssize_t)done;
}

ssize_t pagecache_read(struct mapping *m, struct readahead *ra, struct iov_iter *to, int64_t pos)
{
	ssize_t done = 0, n = 0;

	while (to->count) {
		int64_t size = m->ops->size(m);
		size_t want;

		if (pos >= size)
			break;
		want = MIN(to->count, (size_t)(size - pos));
		n = read_some(m, ra, to, pos, &want);
		if (n <= 0)
			break;
		if (ra)
			ra->prev = (uint64_t)(pos + n - 1) >> PAGE_SHIFT;
		done += n;
		pos += n;
		if ((size_t)n < want) {
			n = 0;
			break;
		}
		if (to->count)
			cond_resched();
	}
	if (done)
		return done;
	if (n < 0)
		return n == -EIO && pos >= m->ops->size(m) ? 0 : n; /* cut while we looked */
	return to->count && pos < m->ops->size(m) ? -EFAULT : 0;
}
