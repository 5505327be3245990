/*
 * txn.c - metadata changes and commits.
 *
 * A change lies between ext2_begin() and ext2_end(); each block it touched is declared with
 * ext2_dirty() after it was touched. Dirty blocks live in the device's page cache and may be
 * written at any time, in any order: there is no journal (one can be put under this interface).
 * What is guaranteed: after ext2_commit() all changes that had ended before are on media.
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

#include <error.h>
#include <task.h>

int ext2_begin(struct super *sb, struct ext2_txn *t)
{
	struct ext2_sb *s = EXT2_SB(sb);

	if (unlikely(sb_rdonly(sb)))
		return -EROFS;
	t->s = s;
	for (;;) {
		t->epoch = __atomic_load_n(&s->gate.epoch, __ATOMIC_SEQ_CST);
		atomic_inc(&s->gate.active[t->epoch & 1]);
		if (likely(__atomic_load_n(&s->gate.epoch, __ATOMIC_SEQ_CST) == t->epoch))
			return 0;
		ext2_end(t); /* a commit began just now */
	}
}

void ext2_end(struct ext2_txn *t)
{
	struct ext2_gate *g = &t->s->gate;

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

static int commit_locked(struct ext2_sb *s)
{
	struct ext2_gate *g = &s->gate;
	uint32_t old = g->epoch;
	int err, seen;

	__atomic_store_n(&g->epoch, old + 1, __ATOMIC_SEQ_CST);
	wait_event(&g->idle, atomic_read(&g->active[old & 1]) == 0);
	ext2_super_counts(s);
	err = pagecache_sync(&s->bdev->mapping, 0, INT64_MAX);
	seen = mapping_check_error(
		&s->bdev->mapping, &s->wb_seen); /* also those of writes that nobody waited for */
	if (!err)
		err = seen;
	if (!err)
		err = blk_flush(s->bdev);
	if (err)
		ext2_error(s, "metadata could not be written: error %d", -err);
	else
		ext2_release_freed(s, old & 1);
	return err;
}

int ext2_commit(struct ext2_sb *s)
{
	int err;

	mutex_lock(&s->commit_lock);
	err = commit_locked(s);
	mutex_unlock(&s->commit_lock);
	return err;
}

bool ext2_commit_for_space(struct ext2_sb *s)
{
	return atomic64_read(&s->aside) > 0 && !ext2_commit(s);
}
