/*
 * txn.c - metadata changes and commits.
 *
 * A change lies between ext2_begin() and ext2_end(); each block it touched is declared with
 * ext2_dirty() after it was touched. Dirty blocks live in the device's page cache and may be
 * written at any time, in any order but for what order.c holds back: there is no journal (one can
 * be put under this interface). What is guaranteed: after ext2_commit() all changes that had ended
 * before are on media.
 *
 * Memory. What a change must be able to write when it can no longer be undone is pinned at its
 * beginning (ext2_pin_inode(), the buffer in struct ext2_slot), where -ENOMEM and -EIO can still be
 * answered; what frees things waits for memory. So a shortage fails a change whole, or delays it,
 * and is never taken for a fault of the disk. Writing back needs no memory that it could not have:
 * requests have a reserve, and pages in parts are written one part at a time without it.
 *
 * Epochs. Blocks and inodes that are freed must not be used again while the disk may still show
 * their old owner: after a power cut a file that was synced could contain another's data. So what
 * is freed in epoch n is kept aside until a commit that began after it is complete. A commit starts
 * the next epoch, waits until the changes of the old one have ended (they never wait for a commit),
 * writes everything, flushes the device, and gives free what the old epoch had freed. An object
 * made and freed in the same epoch is reused at once. At most two epochs have changes in flight, so
 * the low bit tells them apart.
 *
 * Locks: commit_lock, outside everything but inode->lock.
 */
#include "ext2.h"

#include <debug.h>
#include <error.h>
#include <task.h>

int ext2_begin(struct super *sb, struct ext2_txn *t)
{
	struct ext2_sb *s = EXT2_SB(sb);

	if (unlikely(sb_rdonly(sb)))
		return -EROFS;
	t->s = s;
	t->nr_pins = 0;
	for (;;) {
		t->epoch = __atomic_load_n(&s->gate.epoch, __ATOMIC_SEQ_CST);
		atomic_inc(&s->gate.active[t->epoch & 1]);
		if (likely(__atomic_load_n(&s->gate.epoch, __ATOMIC_SEQ_CST) == t->epoch))
			return 0;
		ext2_end(t); /* a commit began just now */
	}
}

int ext2_pin_inode(struct ext2_txn *t, const struct inode *i)
{
	struct ext2_disk_inode *d;
	int err;

	ASSERT(t->nr_pins < EXT2_PINS);
	err = ext2_itable_get(t->s, (uint32_t)i->ino, &t->pin[t->nr_pins], &d);
	if (!err)
		t->nr_pins++;
	return err;
}

void ext2_end(struct ext2_txn *t)
{
	struct ext2_gate *g = &t->s->gate;

	while (t->nr_pins)
		ext2_meta_put(&t->pin[--t->nr_pins]);

	if (atomic_dec(&g->active[t->epoch & 1]) == 0 && READ_ONCE(g->epoch) != t->epoch)
		wake_up_all(&g->idle);
}

void ext2_dirty(struct ext2_txn *t, const struct ext2_buf *b)
{
	bdev_mark_dirty(b->page, (unsigned)((uintptr_t)b->data & (PAGE_SIZE - 1)), t->s->bs);
}

void ext2_dirty_part(struct ext2_txn *t, const struct ext2_buf *b, unsigned offset, unsigned len)
{
	(void)t;
	bdev_mark_dirty(b->page, (unsigned)((uintptr_t)b->data & (PAGE_SIZE - 1)) + offset, len);
}

/* All that is dirty and not held back goes to the media. */
static int write_all(struct ext2_sb *s)
{
	int err = pagecache_sync(&s->bdev->mapping, 0, INT64_MAX);
	int seen = mapping_check_error(
		&s->bdev->mapping, &s->wb_seen); /* also those of writes that nobody waited for */

	if (!err)
		err = seen;
	return err ? err : blk_flush(s->bdev);
}

static int commit_locked(struct ext2_sb *s, struct list_head *replaced)
{
	struct ext2_gate *g = &s->gate;
	uint32_t old = g->epoch;
	int err;

	__atomic_store_n(&g->epoch, old + 1, __ATOMIC_SEQ_CST);
	wait_event(&g->idle, atomic_read(&g->active[old & 1]) == 0);
	ext2_super_counts(s);
	err = write_all(s);
	if (ext2_order_release(s, old & 1, replaced) && !err)
		err = write_all(s);
	if (err) {
		ext2_error(s, "metadata could not be written: error %d", -err);
		return err;
	}
	s->committed = old;
	ext2_release_freed(s, old & 1);
	return 0;
}

int ext2_commit(struct ext2_sb *s)
{
	LIST_HEAD(replaced);
	int err;

	mutex_lock(&s->commit_lock);
	err = commit_locked(s, &replaced);
	mutex_unlock(&s->commit_lock);
	ext2_order_drop(s, &replaced);
	return err;
}

bool ext2_commit_for_space(struct ext2_sb *s)
{
	bool twice = ext2_order_waits(s); /* what a rename replaced is freed after one commit */

	if (atomic64_read(&s->aside) <= 0 && !twice)
		return false;
	return !ext2_commit(s) && !(twice && ext2_commit(s));
}
