/*
 * meta.c - metadata blocks as parts of pages of the device's page cache, and what happens when they
 * make no sense.
 */
#include "ext2.h"

#include <error.h>
#include <log.h>
#include <printf.h>
#include <sched.h>
#include <time.h>
#include <string.h>

static void point(struct ext2_sb *s, uint32_t block, struct ext2_buf *b, struct page *p)
{
	b->page = p;
	b->data = (char *)page_address(p) + (((uint64_t)block << s->bits) & (PAGE_SIZE - 1));
}

int ext2_meta_get(struct ext2_sb *s, uint32_t block, struct ext2_buf *b)
{
	uint64_t index = (uint64_t)block << s->bits >> PAGE_SHIFT;
	struct mapping *m = &s->bdev->mapping;
	struct page *p = pagecache_find(m, index);
	int err;

	if (likely(p && page_test(p, PG_UPTODATE))) {
		point(s, block, b, p);
		return 0;
	}
	if (p)
		page_put(p);
	err = pagecache_get(m, index, &p);
	if (err)
		return err;
	point(s, block, b, p);
	return 0;
}

int ext2_meta_get_new(struct ext2_txn *t, uint32_t block, struct ext2_buf *b)
{
	struct ext2_sb *s = t->s;
	uint64_t index = (uint64_t)block << s->bits >> PAGE_SHIFT;
	struct page *p;
	int err;

	if (s->bs < PAGE_SIZE) {
		do {
			err = ext2_meta_get(s, block, b);
		} while (ext2_wait_for_memory(err));
		if (err)
			return err;
		memset(b->data, 0, s->bs);
		ext2_dirty(t, b);
		return 0;
	}
	do {
		err = pagecache_get_locked(&s->bdev->mapping, index, GFP_NOFS, &p);
	} while (ext2_wait_for_memory(err));
	if (err)
		return err;
	page_clear(page_address(p));
	if (!page_test(p, PG_UPTODATE))
		page_set(p, PG_UPTODATE);
	point(s, block, b, p);
	ext2_dirty(t, b);
	page_unlock(p);
	return 0;
}

bool ext2_wait_for_memory(int err)
{
	if (err != -ENOMEM || current->in_reclaim)
		return false;
	sleep_uninterruptible_ns(10 * NSEC_PER_MSEC);
	return true;
}

void ext2_meta_put(struct ext2_buf *b)
{
	if (b->page)
		page_put(b->page);
	b->page = NULL;
}

void ext2_meta_forget(struct ext2_sb *s, uint32_t block, uint32_t n)
{
	for (; n; block++, n--)
		bdev_forget(s->bdev, (uint64_t)block << s->bits, s->bs);
}

void ext2_error(struct ext2_sb *s, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_ratelimited(LOG_ERR, "ext2: %s: error: %s", s->sb->id, text);
	if (!s->has_error && !sb_rdonly(s->sb)) {
		s->has_error = true;
		s->disk->state = to_le16(le16(s->disk->state) | EXT2_ERROR_FS);
		bdev_mark_dirty(s->super_buf.page, 1024, 1024); /* always in the first page */
	}
	if (!s->continue_on_error && !sb_rdonly(s->sb))
		super_readonly(s->sb, text);
}
