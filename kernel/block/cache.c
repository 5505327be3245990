/*
 * cache.c - the page cache of a block device: file systems' metadata, and what is read and written
 * through /dev/NAME.
 *
 * Pages are read and written whole, except where the device ends inside one: the rest of that page
 * reads as zeros and is not written. Writing goes by sectors: page->fs_private has a bit for each
 * that changed (bdev_mark_dirty()), set after the change and before PG_DIRTY; writeback clears
 * PG_DIRTY, then takes the bits, so a change is written by this writeback or by the next. Sectors
 * that are held (bdev_hold()) keep their bits, and the page stays dirty. A single page that is
 * asked for is waited for, so its bio goes past the plug. Theory: bio.c
 */
#include "block_internal.h"

#include <error.h>
#include <slab.h>
#include <string.h>

static int64_t cache_size(struct mapping *m)
{
	const struct block_device *b = m->host;

	return (int64_t)(b->nr_sectors << SECTOR_SHIFT);
}

/* Bytes of page @p that exist on the device. */
static unsigned page_bytes(struct mapping *m, const struct page *p)
{
	uint64_t size = (uint64_t)cache_size(m), pos = p->index << PAGE_SHIFT;

	return pos >= size ? 0 : (unsigned)MIN((uint64_t)PAGE_SIZE, size - pos);
}

static struct bio *start_read(struct mapping *m, struct page *p, unsigned nr)
{
	struct bio *b = bio_alloc(
		m->host, BIO_READ, p->index << (PAGE_SHIFT - SECTOR_SHIFT), nr, GFP_NOFS);

	if (!b)
		return NULL;
	b->flags = BIO_PER_VEC;
	b->done = bio_pages_done;
	return b;
}

static int cache_readpage(struct mapping *m, struct page *p)
{
	unsigned n = page_bytes(m, p);
	struct bio *b;

	p->fs_private = 0;
	if (n < PAGE_SIZE)
		memset((char *)page_address(p) + n, 0, PAGE_SIZE - n);
	if (!n) {
		page_end_read(p, 0);
		return 0;
	}
	b = start_read(m, p, 1);
	if (!b || !bio_add(b, p, 0, n)) {
		if (b)
			bio_put(b);
		page_end_read(p, -ENOMEM);
		return -ENOMEM;
	}
	bio_submit(b);
	blk_plug_flush();
	return 0;
}

static void cache_readpages(struct mapping *m, struct page **pages, unsigned n)
{
	struct bio *b = NULL;
	struct blk_plug plug;

	blk_plug_start(&plug);
	for (unsigned i = 0; i < n; i++) {
		unsigned len = page_bytes(m, pages[i]);

		if (len < PAGE_SIZE) { /* the end of the device: on its own */
			cache_readpage(m, pages[i]);
			continue;
		}
		pages[i]->fs_private = 0;
		if (b && bio_add(b, pages[i], 0, len))
			continue;
		if (b)
			bio_submit(b);
		b = start_read(m, pages[i], MIN(n - i, 256u));
		if (b && bio_add(b, pages[i], 0, len))
			continue;
		if (b)
			bio_put(b);
		b = NULL;
		page_end_read(pages[i], -ENOMEM);
	}
	if (b)
		bio_submit(b);
	blk_plug_finish(&plug);
}

/* A page of which only some sectors are written: several bios, the last to end ends the writeback.
 */
struct part_write {
	struct page *page;
	atomic_t pending;
	int error;
};

static void part_done(struct bio *b)
{
	struct part_write *w = b->private;

	if (b->error)
		w->error = b->error;
	bio_put(b);
	if (atomic_dec(&w->pending) == 0) {
		page_end_writeback(w->page, w->error);
		kfree(w);
	}
}

static struct bio *part_bio(struct mapping *m, struct page *p, unsigned first, unsigned sectors)
{
	struct bio *b = bio_alloc(
		m->host, BIO_WRITE, (p->index << (PAGE_SHIFT - SECTOR_SHIFT)) + first, 1, GFP_NOFS);

	if (b && !bio_add(b, p, first << SECTOR_SHIFT, sectors << SECTOR_SHIFT)) {
		bio_put(b);
		b = NULL;
	}
	return b;
}

/* The next run of set bits leaves @mask: its first bit and length. */
static unsigned next_run(uint64_t *mask, unsigned *n)
{
	unsigned first = (unsigned)__builtin_ctzll(*mask);

	*n = (unsigned)__builtin_ctzll(~(*mask >> first));
	*mask &= ~(((1ull << *n) - 1) << first);
	return first;
}

/* The same as write_parts() without memory: one after the other. */
static int write_parts_slowly(struct mapping *m, struct page *p, uint64_t mask)
{
	int err = 0;

	while (mask) {
		unsigned n, first = next_run(&mask, &n);
		struct bio *b = part_bio(m, p, first, n);
		int e = b ? bio_submit_wait(b) : -EIO;

		if (b)
			bio_put(b);
		err = err ? err : e;
	}
	page_end_writeback(p, err);
	return err;
}

/* Write the sectors of @mask of the page, which is under writeback. */
static int write_parts(struct mapping *m, struct page *p, uint64_t mask)
{
	struct part_write *w = kmalloc(sizeof(*w), GFP_NOFS | GFP_NORETRY);
	int err = 0;

	if (!w)
		return write_parts_slowly(m, p, mask);
	*w = (struct part_write){p, ATOMIC_INIT(1), 0};
	while (mask) {
		unsigned n, first = next_run(&mask, &n);
		struct bio *b = part_bio(m, p, first, n);

		if (!b) {
			w->error = err = -EIO;
			continue;
		}
		b->done = part_done;
		b->private = w;
		atomic_inc(&w->pending);
		bio_submit(b);
	}
	if (atomic_dec(&w->pending) == 0) {
		page_end_writeback(p, w->error);
		kfree(w);
	}
	return err;
}

/* Device blocks bigger than a sector are written whole. */
static uint64_t widen(uint64_t mask, unsigned per_block)
{
	uint64_t out = 0, block = (1ull << per_block) - 1;

	for (unsigned i = 0; i < PAGE_SIZE / SECTOR_BYTES; i += per_block)
		if (mask >> i & block)
			out |= block << i;
	return out;
}

/* What is to be written now leaves the dirty bits; *left: held ones stay. */
static uint64_t take_dirty(struct page *p, unsigned per_block, bool *left)
{
	uint64_t old = __atomic_load_n(&p->fs_private, __ATOMIC_SEQ_CST), held, mask;

	do {
		held = widen(old >> BDEV_HELD_SHIFT & 0xff, per_block);
		mask = old & 0xff & ~held;
	} while (!__atomic_compare_exchange_n(
		&p->fs_private, &old, old & ~mask, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
	*left = old & held;
	return widen(mask, per_block);
}

static int cache_writepage(struct mapping *m, struct page *p, struct writeback *wb)
{
	const struct block_device *dev = m->host;
	unsigned n = page_bytes(m, p);
	uint64_t all = (1ull << (n >> SECTOR_SHIFT)) - 1;
	bool left;
	uint64_t mask = take_dirty(p, dev->disk->limits.logical_bytes >> SECTOR_SHIFT, &left) & all;
	struct bio *b;

	page_set(p, PG_WRITEBACK);
	if (left)
		page_mark_dirty(p);
	page_unlock(p);
	if (!mask) { /* an earlier writeback took what was dirty */
		page_end_writeback(p, 0);
		return 0;
	}
	if (mask != all)
		return write_parts(m, p, mask);
	b = part_bio(m, p, 0, n >> SECTOR_SHIFT);
	if (!b) {
		page_end_writeback(p, -EIO);
		return -EIO;
	}
	b->flags = BIO_PER_VEC | (wb->sync ? BIO_SYNC : 0);
	b->done = bio_pages_done;
	bio_submit(b);
	return 0;
}

/* A program writes to /dev/NAME: these sectors; the page is marked dirty by the cache afterwards,
 * still locked. */
static int cache_prepare_write(struct mapping *m, struct page *p, unsigned offset, unsigned len)
{
	(void)m;
	bdev_mark_dirty(p, offset, len);
	return 0;
}

static int cache_mkwrite(struct mapping *m, struct page *p)
{
	return cache_prepare_write(m, p, 0, PAGE_SIZE);
}

void bdev_forget(struct block_device *b, uint64_t pos, unsigned len)
{
	struct page *p = pagecache_find(&b->mapping, pos >> PAGE_SHIFT);
	unsigned first = (pos & (PAGE_SIZE - 1)) >> SECTOR_SHIFT, n = len >> SECTOR_SHIFT;
	uint64_t mask;

	if (!p)
		return;
	mask = ((1ull << n) - 1) << first;
	__atomic_fetch_and(&p->fs_private, ~(mask | mask << BDEV_HELD_SHIFT), __ATOMIC_SEQ_CST);
	if (page_test(p, PG_WRITEBACK)) {
		blk_plug_flush();
		page_wait(p, PG_WRITEBACK);
	}
	page_put(p);
}

const struct mapping_ops bdev_mapping_ops = {
	.readpage = cache_readpage,
	.readpages = cache_readpages,
	.writepage = cache_writepage,
	.plug = blk_plug_mapping,
	.prepare_write = cache_prepare_write,
	.page_mkwrite = cache_mkwrite,
	.size = cache_size,
};

int bdev_read_bytes(struct block_device *b, uint64_t pos, void *buf, size_t n)
{
	if (pos > (uint64_t)cache_size(&b->mapping) || n > (uint64_t)cache_size(&b->mapping) - pos)
		return -EINVAL;
	while (n) {
		unsigned off = pos & (PAGE_SIZE - 1);
		size_t len = MIN(n, (size_t)PAGE_SIZE - off);
		struct page *p;
		int err = pagecache_get(&b->mapping, pos >> PAGE_SHIFT, &p);

		if (err)
			return err;
		memcpy(buf, (char *)page_address(p) + off, len);
		page_put(p);
		buf = (char *)buf + len;
		pos += len;
		n -= len;
	}
	return 0;
}
