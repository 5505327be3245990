/*
 * ialloc.c - allocating and freeing inodes.
 *
 * A directory at the top goes to a group with few directories and room above the average, so that
 * trees spread over the disk; other directories and files stay in their parent's group while it has
 * room. An inode freed lately is kept aside as blocks are (txn.c).
 */
#include "ext2.h"

#include <error.h>

/* Group for a new top-level directory: room above average, then the fewest directories. */
static uint32_t spread_group(struct ext2_sb *s)
{
	uint64_t inodes = (uint64_t)atomic64_read(&s->free_inodes) / s->nr_groups;
	uint64_t blocks = (uint64_t)atomic64_read(&s->free_blocks) / s->nr_groups;
	uint32_t start = s->dir_spread, best = start % s->nr_groups, fewest = UINT32_MAX;

	s->dir_spread = start + 1;
	for (uint32_t k = 0; k < s->nr_groups; k++) {
		uint32_t g = (start + k) % s->nr_groups;
		const struct ext2_group_desc *d = s->group[g].desc;

		if (!le16(d->free_inodes_count) || le16(d->free_inodes_count) < inodes ||
			le16(d->free_blocks_count) < blocks)
			continue;
		if (le16(d->used_dirs_count) < fewest) {
			fewest = le16(d->used_dirs_count);
			best = g;
		}
	}
	return best;
}

/* Group for a directory below others: the parent's unless it is much fuller than the average. */
static uint32_t near_group(struct ext2_sb *s, uint32_t parent)
{
	uint64_t inodes = (uint64_t)atomic64_read(&s->free_inodes) / s->nr_groups * 3 / 4;
	uint64_t blocks = (uint64_t)atomic64_read(&s->free_blocks) / s->nr_groups * 3 / 4;

	for (uint32_t k = 0; k < s->nr_groups; k++) {
		uint32_t g = (parent + k) % s->nr_groups;
		const struct ext2_group_desc *d = s->group[g].desc;

		if (le16(d->free_inodes_count) && le16(d->free_inodes_count) >= inodes &&
			le16(d->free_blocks_count) >= blocks)
			return g;
	}
	return parent;
}

/* The first inode of the group that may be taken, from the first one that is not reserved. The lock
 * is held. */
static uint32_t find_ino(const struct ext2_sb *s, const struct ext2_group *grp, uint32_t from)
{
	const uint64_t *map = grp->inodes.data;

	for (uint32_t k = from / 64; k < DIV_ROUND_UP(s->inodes_per_group, 64u); k++) {
		uint64_t w = ~(map[k] | (grp->avoid_ino ? grp->avoid_ino[k] : 0));

		if (k == from / 64)
			w &= ~0ull << from % 64;
		if (w)
			return MIN(k * 64 + (uint32_t)__builtin_ctzll(w), s->inodes_per_group);
	}
	return s->inodes_per_group;
}

/* One inode of group @g: its number, 0 when there is none. */
static uint32_t take_in_group(struct ext2_txn *t, uint32_t g, bool dir)
{
	struct ext2_sb *s = t->s;
	struct ext2_group *grp = &s->group[g];
	struct ext2_group_desc *d = grp->desc;
	uint32_t from = g == 0 ? s->first_ino - 1 : 0, bit;

	spin_lock(&grp->lock);
	bit = from < s->inodes_per_group ? find_ino(s, grp, from) : s->inodes_per_group;
	if (bit < s->inodes_per_group) {
		bit_set(grp->inodes.data, bit);
		d->free_inodes_count = to_le16(le16(d->free_inodes_count) - 1);
		if (dir)
			d->used_dirs_count = to_le16(le16(d->used_dirs_count) + 1);
	}
	spin_unlock(&grp->lock);
	if (bit >= s->inodes_per_group)
		return 0;
	ext2_dirty(t, &grp->inodes);
	ext2_dirty_desc(t, g);
	atomic64_add(&s->free_inodes, -1);
	return g * s->inodes_per_group + bit + 1;
}

int ext2_alloc_ino(struct ext2_txn *t, struct inode *dir, mode_t mode, uint32_t *ino)
{
	struct ext2_sb *s = t->s;
	uint32_t g0 = EXT2_I(dir)->group;

	if (S_ISDIR(mode))
		g0 = dir->ino == EXT2_ROOT_INO ? spread_group(s) : near_group(s, g0);
	for (uint32_t k = 0; k < s->nr_groups; k++) {
		uint32_t g = (g0 + k) % s->nr_groups;
		int err;

		if (!le16(s->group[g].desc->free_inodes_count))
			continue;
		if (!ext2_group_load(s, g, &err))
			return err;
		*ino = take_in_group(t, g, S_ISDIR(mode));
		if (*ino)
			return 0;
	}
	return -ENOSPC;
}

void ext2_free_ino(struct ext2_txn *t, uint32_t ino, bool dir, bool fresh)
{
	struct ext2_sb *s = t->s;
	unsigned parity = t->epoch & 1;
	uint32_t g = (ino - 1) / s->inodes_per_group, bit = (ino - 1) % s->inodes_per_group;
	struct ext2_group_desc *d;
	struct ext2_group *grp;
	bool was_set;
	int err;

	do {
		grp = ext2_group_load(s, g, &err);
	} while (ext2_wait_for_memory(err));
	if (!grp) {
		ext2_error(s, "inode %u is lost: error %d", ino, -err);
		return;
	}
	d = grp->desc;
	while (!fresh && (!ext2_need_bitmap(s, grp, &grp->avoid_ino) ||
				 !ext2_need_bitmap(s, grp, &grp->freed_ino[parity])))
		fresh = !ext2_wait_for_memory(-ENOMEM);
	spin_lock(&grp->lock);
	was_set = bit_test(grp->inodes.data, bit);
	if (was_set) {
		bit_clear(grp->inodes.data, bit);
		d->free_inodes_count = to_le16(le16(d->free_inodes_count) + 1);
		if (dir)
			d->used_dirs_count = to_le16(le16(d->used_dirs_count) - 1);
		if (!fresh) {
			bit_set(grp->avoid_ino, bit);
			bit_set(grp->freed_ino[parity], bit);
			grp->any_freed_ino[parity] = true;
		}
	}
	spin_unlock(&grp->lock);
	if (!was_set) {
		ext2_error(s, "freeing inode %u, which was free already", ino);
		return;
	}
	ext2_dirty(t, &grp->inodes);
	ext2_dirty_desc(t, g);
	atomic64_add(&s->free_inodes, 1);
	if (!fresh)
		atomic64_add(&s->aside, 1);
}
