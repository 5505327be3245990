/*
 * order.c - the order in which changes reach the disk, where it matters.
 *
 * Theory. Between two commits sectors are written whenever memory or age says so. Nearly every
 * mixture of old and new sectors is one that e2fsck mends without loss: names of inodes that are
 * free, inodes without names, wrong counts. The exception is a rename. If the old name goes before
 * the new one comes, the file has none; if what it replaces is freed before its name leads
 * elsewhere, the name leads to nothing, and old and new file are both lost. Hence the rule:
 *
 *   what a rename takes away (the old name, the replaced inode's link) stays on the disk until a
 *   commit has put the new name there.
 *
 *  1. Old names: the sectors in which they lie are held (bdev_hold()), that is, stay dirty and are
 * written by nobody. A commit first writes and flushes all that is not held, then releases what was
 * held in its epoch, writes that, and flushes again. A sector that was being written when it is to
 * be held is waited for, as the device may still read it.
 *  2. Replaced inodes: their records go on counting the name (ext2_order_links()), and they are
 * kept referenced, so that nothing frees them. The commit hands them over, and then they lose the
 * link, and with the last one become orphans and are freed like unlinked files.
 *  3. A sector is the unit that a disk writes whole (on disks with bigger logical blocks: such a
 * block). Where both names lie in one, nothing needs to be held.
 *  4. What waits must not wait in a circle: a new name in a sector that is held itself would have
 * to come before what it waits for. Then, or if there is no memory to note a hold, rename.c commits
 * between the two halves. MOST bounds how much is held.
 *
 * So a rename is durable after fsync(2) of the file, the directory, or anything else of the file
 * system, and atomic across a power cut without any.
 *
 * Locks: order.lock, a leaf. Epochs: txn.c.
 */
#include "ext2.h"

#include <error.h>
#include <slab.h>

#define MOST 512u /* pages with held sectors */

struct held {
	struct list_head node;
	struct page *page; /* referenced */
	uint8_t sectors;   /* bit for each sector of the page */
};

void ext2_order_init(struct ext2_sb *s)
{
	spin_init(&s->order.lock);
	for (unsigned k = 0; k < 2; k++) {
		list_init(&s->order.held[k]);
		list_init(&s->order.replaced[k]);
	}
}

/* ---- sectors ---- */

/* The sectors of the page of @b that bytes [from, to) of it touch, whole logical blocks. */
static uint8_t sectors_of(
	const struct ext2_sb *s, const struct ext2_buf *b, unsigned from, unsigned to)
{
	unsigned unit = s->bdev->disk->limits.logical_bytes;
	unsigned at = (unsigned)((uintptr_t)b->data & (PAGE_SIZE - 1));
	unsigned first = ALIGN_DOWN(at + from, unit) >> 9, end = ALIGN_UP(at + to, unit) >> 9;

	return (uint8_t)(((1u << end) - 1) & ~((1u << first) - 1));
}

static bool one_unit(const struct ext2_sb *s, uint8_t sectors)
{
	unsigned per = s->bdev->disk->limits.logical_bytes >> 9;

	return sectors && sectors >> __builtin_ctz(sectors) == (1 << per) - 1;
}

bool ext2_order_together(const struct ext2_sb *s, const struct ext2_buf *a, unsigned a_from,
	unsigned a_to, const struct ext2_buf *b, unsigned b_from, unsigned b_to)
{
	uint8_t x = sectors_of(s, a, a_from, a_to), y = sectors_of(s, b, b_from, b_to);

	return a->page == b->page && x == y && one_unit(s, x);
}

bool ext2_order_is_held(
	const struct ext2_sb *s, const struct ext2_buf *b, unsigned from, unsigned to)
{
	return bdev_held(b->page) & sectors_of(s, b, from, to);
}

/* The record of @p among those of an epoch; NULL: none. order.lock is held. */
static struct held *find_held(struct ext2_order *o, unsigned parity, const struct page *p)
{
	struct held *h;

	list_for_each_entry (h, &o->held[parity], node)
		if (h->page == p)
			return h;
	return NULL;
}

static bool note_held(struct ext2_order *o, unsigned parity, struct page *p, uint8_t sectors)
{
	struct held *h, *spare = NULL;

	for (;;) {
		spin_lock(&o->lock);
		h = find_held(o, parity, p);
		if (!h && spare && o->nr_held < MOST) {
			*spare = (struct held){.page = page_get(p)};
			list_add(&spare->node, &o->held[parity]);
			o->nr_held++;
			h = spare;
			spare = NULL;
		}
		if (h) {
			h->sectors |= sectors;
			bdev_hold(p, sectors);
		}
		spin_unlock(&o->lock);
		if (h || spare)
			break;
		spare = kmalloc(sizeof(*spare), GFP_NOFS | GFP_NORETRY);
		if (!spare)
			return false;
	}
	kfree(spare);
	return h != NULL;
}

bool ext2_order_hold(struct ext2_txn *t, const struct ext2_buf *b, unsigned from, unsigned to)
{
	uint8_t sectors = sectors_of(t->s, b, from, to);

	if (!note_held(&t->s->order, t->epoch & 1, b->page, sectors))
		return false;
	if (page_test(b->page, PG_WRITEBACK)) {
		blk_plug_flush();
		page_wait(b->page, PG_WRITEBACK);
	}
	return true;
}

/* Sectors held in the epoch that is done, but for those that the next one holds as well. */
static bool release_held(struct ext2_order *o, unsigned parity)
{
	bool any = false;

	for (;;) {
		struct held *h = NULL, *other;

		spin_lock(&o->lock);
		if (!list_empty(&o->held[parity])) {
			h = list_first(&o->held[parity], struct held, node);
			list_del(&h->node);
			o->nr_held--;
			other = find_held(o, !parity, h->page);
			bdev_unhold(h->page, other ? h->sectors & ~other->sectors : h->sectors);
		}
		spin_unlock(&o->lock);
		if (!h)
			return any;
		any = true;
		page_put(h->page);
		kfree(h);
	}
}

/* ---- replaced inodes ---- */

void ext2_order_replaced(struct ext2_txn *t, struct inode *i, unsigned links)
{
	struct ext2_order *o = &t->s->order;
	struct ext2_replaced *r = &EXT2_I(i)->replaced[t->epoch & 1];

	spin_lock(&o->lock);
	if (!r->links) {
		inode_get(i);
		list_add_tail(&r->node, &o->replaced[t->epoch & 1]);
	}
	r->links = (uint16_t)(r->links + links);
	spin_unlock(&o->lock);
	atomic64_add(&t->s->aside, 1);
}

unsigned ext2_order_links(const struct inode *i)
{
	const struct ext2_inode *ei = EXT2_I(i);

	return READ_ONCE(ei->replaced[0].links) + READ_ONCE(ei->replaced[1].links);
}

bool ext2_order_waits(const struct ext2_sb *s)
{
	const struct ext2_order *o = &s->order;

	return !list_empty(&o->held[0]) || !list_empty(&o->held[1]) ||
	       !list_empty(&o->replaced[0]) || !list_empty(&o->replaced[1]);
}

bool ext2_order_release(struct ext2_sb *s, unsigned parity, struct list_head *replaced)
{
	struct ext2_order *o = &s->order;

	spin_lock(&o->lock);
	list_splice_tail(&o->replaced[parity], replaced);
	spin_unlock(&o->lock);
	return release_held(o, parity);
}

/* @i loses on disk what it lost in memory. */
static void drop_links(struct ext2_sb *s, struct inode *i, struct ext2_replaced *r)
{
	struct ext2_txn t;
	int err;

	do {
		err = ext2_begin(s->sb, &t);
		if (err)
			break; /* read-only since: e2fsck will find the difference */
		err = ext2_pin_inode(&t, i);
		if (err)
			ext2_end(&t);
	} while (ext2_wait_for_memory(err));
	spin_lock(&s->order.lock);
	r->links = 0;
	spin_unlock(&s->order.lock);
	if (err)
		return;
	rwsem_read_lock(&EXT2_I(i)->map_lock);
	if (i->nlink + ext2_order_links(i))
		ext2_inode_store(&t, i);
	else
		ext2_orphan_add(&t, i);
	rwsem_read_unlock(&EXT2_I(i)->map_lock);
	ext2_end(&t);
}

void ext2_order_drop(struct ext2_sb *s, struct list_head *replaced)
{
	while (!list_empty(replaced)) {
		struct ext2_replaced *r = list_first(replaced, struct ext2_replaced, node);
		struct inode *i = r->inode;

		list_del(&r->node);
		drop_links(s, i, r);
		atomic64_add(&s->aside, -1);
		inode_put(i);
	}
}
