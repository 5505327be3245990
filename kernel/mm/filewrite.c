/*
 * filewrite.c - writing through the page cache.
 *
 * The caller holds the inode's lock, so sizes do not change under us. Bytes are copied with the
 * page locked; a fault there could need the same lock or mm->lock, which faults take before page
 * locks. So the program's memory is touched first, the copy itself does not resolve faults
 * (task->in_fault), and is repeated when the memory went away in between.
 *
 * A page that is not up to date and is overwritten whole is not read: bytes come first, blocks
 * (prepare_write) after, and the page becomes up to date only when both are there. In any other
 * case blocks come first, so that ENOSPC leaves the page as it was; but behind the end of the file,
 * where nothing can be lost, bytes come first again, so that no block is left there without them.
 */
#include <error.h>
#include <sched.h>
#include <string.h>
#include "internal.h"

static size_t copy_nofault(struct page *p, unsigned offset, size_t n, struct iov_iter *from)
{
	size_t copied;

	if (from->kind == ITER_KERNEL)
		return copy_from_iter((char *)page_address(p) + offset, n, from);
	current->in_fault++;
	copied = copy_from_iter((char *)page_address(p) + offset, n, from);
	current->in_fault--;
	return copied;
}

static int prepare(struct mapping *m, struct page *p, unsigned offset, size_t n)
{
	return m->ops->prepare_write ? m->ops->prepare_write(m, p, offset, (unsigned)n) : 0;
}

/*
 * The locked page *@pp at @index, up to date unless @whole. Locked and referenced on success. A
 * page behind the end has no contents on disk.
 */
static int get_for_write(struct mapping *m, uint64_t index, bool whole, struct page **pp)
{
	for (;;) {
		struct page *p;
		int err = pagecache_get_locked(m, index, GFP_KERNEL, &p);

		if (err)
			return err;
		if (page_test(p, PG_UPTODATE) || whole) {
			*pp = p;
			return 0;
		}
		if ((int64_t)(index << PAGE_SHIFT) >= m->ops->size(m)) {
			page_clear(page_address(p));
			page_set(p, PG_UPTODATE);
			*pp = p;
			return 0;
		}
		err = pagecache_fill(m, p);
		page_put(p);
		if (err)
			return err;
	}
}

/* The part of a page behind the end of the file: bytes, or -errno with the page as it was. */
static ssize_t append_from_iter(
	struct mapping *m, struct page *p, unsigned offset, size_t n, struct iov_iter *from)
{
	size_t copied = copy_nofault(p, offset, n, from);
	int err = copied ? prepare(m, p, offset, copied) : 0;

	if (!err)
		return (ssize_t)copied;
	memset((char *)page_address(p) + offset, 0, copied);
	iov_iter_revert(from, copied);
	return err;
}

/* Returns bytes written into the locked page, 0 if the program's memory must be touched again, or
 * -errno. */
static ssize_t fill_from_iter(
	struct mapping *m, struct page *p, unsigned offset, size_t n, struct iov_iter *from)
{
	size_t copied;
	int err;

	if (likely(page_test(p, PG_UPTODATE))) {
		if ((int64_t)(p->index << PAGE_SHIFT | offset) >= m->ops->size(m))
			return append_from_iter(m, p, offset, n, from);
		err = prepare(m, p, offset, n);
		return err ? err : (ssize_t)copy_nofault(p, offset, n, from);
	}
	copied = copy_nofault(p, 0, PAGE_SIZE, from);
	if (copied < PAGE_SIZE) { /* half a page of new bytes over no old ones: start again, reading
				     first */
		iov_iter_revert(from, copied);
		return -EREFAULT;
	}
	err = prepare(m, p, 0, PAGE_SIZE);
	if (err) {
		iov_iter_revert(from, copied);
		return err;
	}
	page_set(p, PG_UPTODATE);
	return (ssize_t)copied;
}

struct cache_write {
	struct mapping *m;
	struct iov_iter *from;
	int64_t pos;
	void (*grow)(void *host, int64_t size);
};

static ssize_t write_page(struct cache_write *w, bool *read_first)
{
	unsigned offset = (unsigned)((uint64_t)w->pos & (PAGE_SIZE - 1));
	size_t n = MIN(PAGE_SIZE - offset, w->from->count);
	struct page *p;
	ssize_t done;
	int err = iov_iter_fault_in(w->from, n, false);

	if (err == -EFAULT) { /* perhaps only further on: what comes before is written */
		n = iov_iter_in_page(w->from, n);
		err = iov_iter_fault_in(w->from, n, false);
	}
	if (err)
		return err;
	err = get_for_write(
		w->m, (uint64_t)w->pos >> PAGE_SHIFT, n == PAGE_SIZE && !*read_first, &p);
	if (err)
		return err;
	done = fill_from_iter(w->m, p, offset, n, w->from);
	*read_first = done == -EREFAULT;
	if (done >= 0)
		page_mark_dirty(p); /* also with no byte copied: its block may be new */
	if (done > 0) {
		if (w->grow && w->pos + done > w->m->ops->size(w->m))
			w->grow(w->m->host, w->pos + done);
		lru_touch(p);
	}
	page_unlock(p);
	page_put(p);
	return done == -EREFAULT ? 0 : done;
}

/* A write behind the end: bytes of the last page beyond the old size may hold what mapped stores
 * left there. */
static void clean_gap(struct mapping *m, int64_t pos)
{
	int64_t size = m->ops->size(m);
	unsigned offset = (unsigned)((uint64_t)size & (PAGE_SIZE - 1));
	struct page *p;

	if (pos <= size || !offset)
		return;
	p = pagecache_find(m, (uint64_t)size >> PAGE_SHIFT);
	if (!p)
		return;
	page_lock(p);
	if (p->mapping == m && page_test(p, PG_UPTODATE))
		memset((char *)page_address(p) + offset, 0, PAGE_SIZE - offset);
	page_unlock(p);
	page_put(p);
}

ssize_t pagecache_write(struct mapping *m, struct iov_iter *from, int64_t pos,
	void (*grow)(void *host, int64_t size))
{
	struct cache_write w = {.m = m, .from = from, .pos = pos, .grow = grow};
	bool read_first = false;
	ssize_t done = 0, n = 0;

	clean_gap(m, pos);
	while (from->count) {
		n = write_page(&w, &read_first);
		if (n < 0)
			break;
		w.pos += n;
		done += n;
		if (!(m->flags & MAPPING_UNEVICTABLE))
			writeback_throttle();
		if (from->count) {
			if (task_interrupted(current, TASK_KILLABLE)) {
				n = -ERESTARTSYS;
				break;
			}
			cond_resched();
		}
	}
	return done ? done : n < 0 ? n : 0;
}
