/*
 * balloc.c - allocating and freeing blocks.
 *
 * A block may be taken if it is clear in the bitmap and not in group->avoid. avoid holds what
 * sequential writers have reserved ahead (their window, only in memory) and what was freed but not
 * yet committed (txn.c). Windows grow with the file and go back when it is closed or jumps
 * elsewhere; when nothing else is left they are taken from their owners, who check each block
 * before use. Search: the wished place, then the longest run in its group, then the other groups,
 * first for runs of 8, then for anything.
 *
 * Locks: load_lock while a bitmap is read; group->lock for bitmaps, avoid, and the descriptor's
 * counts.
 */
#include "ext2.h"

#include <cred.h>
#include <error.h>
#include <slab.h>
#include <string.h>
#include <task.h>

#define WINDOW_FIRST 8u
#define WINDOW_MOST  512u

uint32_t ext2_group_first(const struct ext2_sb *s, uint32_t g)
{
	return s->first_data + g * s->blocks_per_group;
}

uint32_t ext2_group_blocks(const struct ext2_sb *s, uint32_t g)
{
	return MIN(s->blocks_per_group, s->blocks_count - ext2_group_first(s, g));
}

void ext2_dirty_desc(struct ext2_txn *t, uint32_t g)
{
	unsigned per = t->s->bs / sizeof(struct ext2_group_desc);

	ext2_dirty(t, &t->s->desc_buf[g / per]);
}

/* Does the block bitmap say that the group's own metadata is in use? */
static bool bitmap_sane(struct ext2_sb *s, uint32_t g, const unsigned long *map)
{
	const struct ext2_group_desc *d = s->group[g].desc;
	uint32_t first = ext2_group_first(s, g), n = ext2_group_blocks(s, g);
	uint32_t own[2 + 2] = {le32(d->block_bitmap), le32(d->inode_bitmap), le32(d->inode_table),
		le32(d->inode_table) + s->itable_blocks - 1};

	for (unsigned i = 0; i < ARRAY_SIZE(own); i++)
		if (own[i] >= first && own[i] < first + n && !bit_test(map, own[i] - first))
			return false;
	return true;
}

static int load(struct ext2_sb *s, uint32_t g)
{
	struct ext2_group *grp = &s->group[g];
	struct ext2_buf blocks, inodes;
	int err = ext2_meta_get(s, le32(grp->desc->block_bitmap), &blocks);

	if (err)
		return err;
	err = ext2_meta_get(s, le32(grp->desc->inode_bitmap), &inodes);
	if (err) {
		ext2_meta_put(&blocks);
		return err;
	}
	if (!bitmap_sane(s, g, blocks.data)) {
		ext2_error(s, "block bitmap of group %u is corrupt", g);
		ext2_meta_put(&blocks);
		ext2_meta_put(&inodes);
		return -EUCLEAN;
	}
	grp->inodes = inodes;
	grp->blocks.data = blocks.data;
	smp_store_release(&grp->blocks.page, blocks.page);
	return 0;
}

struct ext2_group *ext2_group_load(struct ext2_sb *s, uint32_t g, int *err)
{
	struct ext2_group *grp = &s->group[g];

	*err = 0;
	if (likely(smp_load_acquire(&grp->blocks.page) != NULL))
		return grp;
	mutex_lock(&s->load_lock);
	if (!grp->blocks.page)
		*err = load(s, g);
	mutex_unlock(&s->load_lock);
	return *err ? NULL : grp;
}

static unsigned long *new_bitmap(struct ext2_sb *s)
{
	return kmalloc(s->bs, GFP_NOFS | GFP_NORETRY | GFP_ZERO);
}

bool ext2_need_bitmap(struct ext2_sb *s, struct ext2_group *grp, unsigned long **slot)
{
	unsigned long *map;

	if (READ_ONCE(*slot))
		return true;
	map = new_bitmap(s);
	if (!map)
		return false;
	spin_lock(&grp->lock);
	if (!*slot) {
		*slot = map;
		map = NULL;
	}
	spin_unlock(&grp->lock);
	kfree(map);
	return true;
}

static inline uint64_t busy_word(const struct ext2_group *grp, uint32_t k, bool steal)
{
	uint64_t w = ((const uint64_t *)grp->blocks.data)[k];

	if (!steal)
		return grp->avoid ? w | grp->avoid[k] : w;
	return w | (grp->freed[0] ? grp->freed[0][k] : 0) | (grp->freed[1] ? grp->freed[1][k] : 0);
}

/* The first run of @want free bits in [from, to), else the longest; its length, 0: none. The lock
 * is held. */
static uint32_t find_run(const struct ext2_group *grp, uint32_t from, uint32_t to, uint32_t want,
	bool steal, uint32_t *start)
{
	uint32_t best = 0, run = 0, run_start = 0;

	for (uint32_t bit = from; bit < to;) {
		uint64_t w = ~busy_word(grp, bit / 64, steal) >> bit % 64;
		uint32_t left = MIN(64 - bit % 64, to - bit),
			 skip = w ? (uint32_t)__builtin_ctzll(w) : 64, ones;

		if (skip) {
			run = 0;
			bit += MIN(skip, left);
			continue;
		}
		ones = ~w ? (uint32_t)__builtin_ctzll(~w) : 64;
		ones = MIN(ones, left);
		if (!run)
			run_start = bit;
		run += ones;
		bit += ones;
		if (run > best) {
			best = run;
			*start = run_start;
			if (best >= want)
				return want;
		}
	}
	return best;
}

/* How many of the @n blocks from @bit on are still this file's reservation. The lock is held. */
static uint32_t still_mine(const struct ext2_group *grp, uint32_t bit, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (bit_test(grp->blocks.data, bit + i) || !grp->avoid ||
			!bit_test(grp->avoid, bit + i) ||
			(busy_word(grp, (bit + i) / 64, true) >> (bit + i) % 64 & 1))
			return i;
	return n;
}

/* Mark @n free blocks as used; the lock is held. */
static void claim(struct ext2_group *grp, uint32_t bit, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		bit_set(grp->blocks.data, bit + i);
		if (grp->avoid)
			bit_clear(grp->avoid, bit + i);
	}
	grp->desc->free_blocks_count = to_le16(le16(grp->desc->free_blocks_count) - n);
}

static void claimed(struct ext2_txn *t, uint32_t g, uint32_t n)
{
	ext2_dirty(t, &t->s->group[g].blocks);
	ext2_dirty_desc(t, g);
	atomic64_add(&t->s->free_blocks, -(int64_t)n);
}

void ext2_discard_window(struct ext2_inode *ei)
{
	struct ext2_sb *s = EXT2_SB(ei->vfs.sb);
	uint32_t g, bit, n;
	struct ext2_group *grp;

	if (!ei->win_len)
		return;
	g = (ei->win_start - s->first_data) / s->blocks_per_group;
	bit = (ei->win_start - s->first_data) % s->blocks_per_group;
	grp = &s->group[g];
	spin_lock(&grp->lock);
	n = still_mine(grp, bit, ei->win_len);
	for (uint32_t i = 0; i < n; i++)
		bit_clear(grp->avoid, bit + i);
	spin_unlock(&grp->lock);
	ei->win_len = 0;
}

/* From the file's own reservation: how many, 0 when it was taken away. */
static uint32_t take_window(
	struct ext2_txn *t, struct ext2_inode *ei, uint32_t want, uint32_t *first)
{
	struct ext2_sb *s = t->s;
	uint32_t g = (ei->win_start - s->first_data) / s->blocks_per_group;
	uint32_t bit = (ei->win_start - s->first_data) % s->blocks_per_group, n;
	struct ext2_group *grp = &s->group[g];

	spin_lock(&grp->lock);
	n = still_mine(grp, bit, MIN(want, ei->win_len));
	claim(grp, bit, n);
	spin_unlock(&grp->lock);
	if (!n) {
		ei->win_len = 0;
		return 0;
	}
	claimed(t, g, n);
	*first = ei->win_start;
	ei->win_start += n;
	ei->win_len -= n;
	return n;
}

struct search {
	uint32_t goal, want, reserve, least;
	bool steal;
};

/* Look in one group; take what is found: count, 0 none. */
static uint32_t take_in_group(struct ext2_txn *t, struct ext2_inode *ei, uint32_t g,
	const struct search *q, uint32_t *first)
{
	struct ext2_sb *s = t->s;
	struct ext2_group *grp = &s->group[g];
	uint32_t base = ext2_group_first(s, g), bits = ext2_group_blocks(s, g), start = 0, n, from,
		 take;
	uint32_t all = q->want +
		       (q->reserve && ext2_need_bitmap(s, grp, &grp->avoid) ? q->reserve : 0);

	spin_lock(&grp->lock);
	from = q->goal >= base && q->goal < base + bits ? q->goal - base : MIN(grp->hint, bits - 1);
	n = find_run(grp, from, bits, all, q->steal, &start);
	if (n < all && n < q->least) {
		uint32_t other = 0, m = find_run(grp, 0, from, all, q->steal, &other);

		if (m > n) {
			n = m;
			start = other;
		}
	}
	if (n < q->least) {
		spin_unlock(&grp->lock);
		return 0;
	}
	take = MIN(n, q->want);
	claim(grp, start, take);
	for (uint32_t i = take; i < n; i++)
		bit_set(grp->avoid, start + i);
	if (!q->goal)
		grp->hint = start + n;
	spin_unlock(&grp->lock);
	claimed(t, g, take);
	*first = base + start;
	ei->win_start = base + start + take;
	ei->win_len = n - take;
	return take;
}

/* Blocks kept for the superuser: is this caller one for whom they are? */
static bool may_use_reserve(const struct ext2_sb *s)
{
	const struct cred *c = current->cred;

	if (c->fsuid == le16(s->disk->def_resuid) || capable(CAP_SYS_RESOURCE))
		return true;
	return le16(s->disk->def_resgid) && cred_in_group(c, le16(s->disk->def_resgid));
}

static int search_groups(
	struct ext2_txn *t, struct ext2_inode *ei, const struct search *q, uint32_t *first)
{
	struct ext2_sb *s = t->s;
	uint32_t g0 = q->goal ? (q->goal - s->first_data) / s->blocks_per_group : ei->group;

	for (uint32_t k = 0; k < s->nr_groups; k++) {
		uint32_t g = g0 + k < s->nr_groups ? g0 + k : g0 + k - s->nr_groups, n;
		int err;

		if (le16(s->group[g].desc->free_blocks_count) < q->least)
			continue;
		if (!ext2_group_load(s, g, &err))
			return err;
		n = take_in_group(t, ei, g, q, first);
		if (n)
			return (int)n;
	}
	return 0;
}

int ext2_alloc_blocks(
	struct ext2_txn *t, struct inode *i, uint32_t goal, unsigned want, uint32_t *first)
{
	struct ext2_sb *s = t->s;
	struct ext2_inode *ei = EXT2_I(i);
	int64_t left = atomic64_read(&s->free_blocks);
	struct search q = {.want = want};
	int n;

	if (unlikely(left <= (int64_t)le32(s->disk->r_blocks_count) &&
		     (left <= 0 || !may_use_reserve(s))))
		return -ENOSPC;
	if (goal && ei->win_len && goal == ei->win_start) {
		n = (int)take_window(t, ei, want, first);
		if (n)
			return n;
	}
	ext2_discard_window(ei);
	if (goal && !ext2_block_valid(s, goal))
		goal = 0;
	q.goal = goal;
	if (goal && ei->last_phys && goal == ei->last_phys + 1) {
		q.reserve = ei->win_next ? ei->win_next : WINDOW_FIRST;
		ei->win_next = MIN(q.reserve * 2, WINDOW_MOST);
	}
	q.least = MIN(want + q.reserve, 8u);
	n = search_groups(t, ei, &q, first);
	if (n)
		return n;
	q.least = 1;
	q.reserve = 0;
	n = search_groups(t, ei, &q, first);
	if (n)
		return n;
	q.steal = true;
	n = search_groups(t, ei, &q, first);
	return n ? n : -ENOSPC;
}

/* Is [bit, bit + n) of group @g free of the group's own metadata? */
static bool outside_metadata(const struct ext2_sb *s, uint32_t g, uint32_t first, uint32_t n)
{
	const struct ext2_group_desc *d = s->group[g].desc;
	uint32_t table = le32(d->inode_table);

	if (first < table + s->itable_blocks && table < first + n)
		return false;
	return (le32(d->block_bitmap) - first >= n) && (le32(d->inode_bitmap) - first >= n);
}

static void free_in_group(struct ext2_txn *t, uint32_t g, uint32_t first, uint32_t n, bool fresh)
{
	struct ext2_sb *s = t->s;
	unsigned parity = t->epoch & 1;
	uint32_t bit = first - ext2_group_first(s, g), done = 0;
	struct ext2_group *grp;
	int err;

	if (!outside_metadata(s, g, first, n)) {
		ext2_error(s, "freeing blocks %u..%u, which hold metadata of group %u", first,
			first + n - 1, g);
		return;
	}
	do {
		grp = ext2_group_load(s, g, &err);
	} while (ext2_wait_for_memory(err));
	if (!grp) {
		ext2_error(s, "blocks %u..%u are lost: error %d", first, first + n - 1, -err);
		return;
	}
	while (!fresh && (!ext2_need_bitmap(s, grp, &grp->avoid) ||
				 !ext2_need_bitmap(s, grp, &grp->freed[parity])))
		fresh = !ext2_wait_for_memory(-ENOMEM);
	spin_lock(&grp->lock);
	for (uint32_t k = 0; k < n; k++) {
		if (!bit_test(grp->blocks.data, bit + k))
			continue;
		bit_clear(grp->blocks.data, bit + k);
		done++;
		if (fresh)
			continue;
		bit_set(grp->avoid, bit + k);
		bit_set(grp->freed[parity], bit + k);
		grp->any_freed[parity] = true;
	}
	grp->desc->free_blocks_count = to_le16(le16(grp->desc->free_blocks_count) + done);
	spin_unlock(&grp->lock);
	ext2_dirty(t, &grp->blocks);
	ext2_dirty_desc(t, g);
	atomic64_add(&s->free_blocks, done);
	if (!fresh)
		atomic64_add(&s->aside, done);
	if (done < n)
		ext2_error(s, "freeing blocks %u..%u, some of which were free already", first,
			first + n - 1);
}

void ext2_free_blocks(struct ext2_txn *t, uint32_t first, uint32_t n, bool fresh, bool metadata)
{
	struct ext2_sb *s = t->s;

	if (!ext2_block_valid(s, first) || n > s->blocks_count - first) {
		ext2_error(s, "freeing blocks %u..%u, which do not exist", first, first + n - 1);
		return;
	}
	if (metadata)
		ext2_meta_forget(s, first, n);
	while (n) {
		uint32_t g = (first - s->first_data) / s->blocks_per_group;
		uint32_t part = MIN(n, ext2_group_first(s, g) + ext2_group_blocks(s, g) - first);

		free_in_group(t, g, first, part, fresh);
		first += part;
		n -= part;
	}
}

/* Take what @freed holds out of @avoid; how many bits. The lock is held. */
static uint64_t release(unsigned long *avoid, unsigned long *freed, uint32_t bits)
{
	uint64_t n = bitmap_weight(freed, bits);

	for (uint32_t k = 0; k < BITS_TO_LONGS(bits); k++)
		avoid[k] &= ~freed[k];
	memset(freed, 0, BITS_TO_LONGS(bits) * sizeof(*freed));
	return n;
}

void ext2_release_freed(struct ext2_sb *s, unsigned parity)
{
	for (uint32_t g = 0; g < s->nr_groups; g++) {
		struct ext2_group *grp = &s->group[g];
		uint64_t n = 0;

		if (!READ_ONCE(grp->any_freed[parity]) && !READ_ONCE(grp->any_freed_ino[parity]))
			continue;
		spin_lock(&grp->lock);
		if (grp->any_freed[parity])
			n += release(grp->avoid, grp->freed[parity], s->blocks_per_group);
		if (grp->any_freed_ino[parity])
			n += release(grp->avoid_ino, grp->freed_ino[parity], s->inodes_per_group);
		grp->any_freed[parity] = grp->any_freed_ino[parity] = false;
		spin_unlock(&grp->lock);
		atomic64_add(&s->aside, -(int64_t)n);
	}
}
