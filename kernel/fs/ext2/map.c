/*
 * map.c - the block map of an inode: direct pointers and up to three levels of indirect blocks;
 * looking up, filling, cutting.
 *
 * A pointer of 0 is a hole. A path is a list of indices: into the inode's own array, then into each
 * indirect block. Blocks are linked from the leaf's parent downwards: an indirect block is zeroed
 * before it is linked, so an interrupted fill leaves a valid map. Filling gives all blocks that
 * were asked for or none: a block that nobody writes would show what it held before. Truncation
 * clears a pointer before it frees what it pointed to.
 *
 * Locks: map_lock of the inode, shared for ext2_map(), exclusive for changes; inside page locks and
 * inode->lock.
 */
#include "ext2.h"

#include <debug.h>
#include <error.h>
#include <sched.h>
#include <string.h>

struct map_path {
	unsigned depth;
	uint32_t index[4];
};

static bool find_path(const struct ext2_sb *s, uint32_t lblk, struct map_path *p)
{
	uint64_t n = lblk;
	unsigned pb = s->ptr_bits;
	uint32_t mask = s->ptrs - 1;

	if (n < EXT2_NDIR) {
		*p = (struct map_path){1, {lblk}};
		return true;
	}
	n -= EXT2_NDIR;
	if (n < s->ptrs) {
		*p = (struct map_path){2, {EXT2_NDIR, (uint32_t)n}};
		return true;
	}
	n -= s->ptrs;
	if (n < 1ull << 2 * pb) {
		*p = (struct map_path){3, {EXT2_NDIR + 1, (uint32_t)(n >> pb), (uint32_t)n & mask}};
		return true;
	}
	n -= 1ull << 2 * pb;
	*p = (struct map_path){4, {EXT2_NDIR + 2, (uint32_t)(n >> 2 * pb),
					  (uint32_t)(n >> pb) & mask, (uint32_t)n & mask}};
	return n < 1ull << 3 * pb;
}

int64_t ext2_max_size(unsigned bits)
{
	uint64_t ptrs = 1ull << (bits - 2),
		 blocks = EXT2_NDIR + ptrs + ptrs * ptrs + ptrs * ptrs * ptrs;
	uint64_t most = (1ull << 32) - 1, meta; /* i_blocks counts sectors in 32 bits */

	most >>= bits - 9;
	meta = 3 + most / ptrs + most / (ptrs * ptrs) + 1;
	blocks = MIN(blocks, most - meta);
	return (int64_t)MIN(blocks, 0xfffffffeull) << bits;
}

static int bad_pointer(struct inode *i, uint32_t block)
{
	ext2_error(EXT2_SB(i->sb), "inode %llu points to block %u, which does not exist",
		(unsigned long long)i->ino, block);
	return -EUCLEAN;
}

/* Length of the run that begins at p[0], within @n pointers; also of holes. */
static uint32_t run_length(const __le32 *p, uint32_t n)
{
	uint32_t first = le32(p[0]), k = 1;

	while (k < n && le32(p[k]) == (first ? first + k : 0))
		k++;
	return k;
}

/* An indirect block on the way is missing, the one at path->index[depth - 1]: how many leaves from
 * here to the end of what it would hold. */
static uint32_t missing_run(
	const struct ext2_sb *s, const struct map_path *path, unsigned depth, uint32_t max)
{
	uint64_t n = 0;

	for (unsigned d = depth; d < path->depth; d++)
		n = (n << s->ptr_bits) + (s->ptrs - 1 - path->index[d]);
	return (uint32_t)MIN(n + 1, (uint64_t)max);
}

int ext2_map(struct inode *i, uint32_t lblk, uint32_t max, uint32_t *phys, uint32_t *run)
{
	struct ext2_sb *s = EXT2_SB(i->sb);
	struct ext2_inode *ei = EXT2_I(i);
	struct ext2_buf b = {NULL, NULL};
	const __le32 *p = ei->block;
	struct map_path path;
	uint32_t limit;
	int err = 0;

	if (!find_path(s, lblk, &path))
		return -EFBIG;
	rwsem_read_lock(&ei->map_lock);
	limit = EXT2_NDIR;
	for (unsigned d = 1; d < path.depth; d++) {
		uint32_t block = le32(p[path.index[d - 1]]);

		ext2_meta_put(&b);
		if (!block) {
			*phys = 0;
			*run = missing_run(s, &path, d, max);
			goto unlock;
		}
		err = ext2_block_valid(s, block) ? ext2_meta_get(s, block, &b)
						 : bad_pointer(i, block);
		if (err)
			goto unlock;
		p = b.data;
		limit = s->ptrs;
	}
	*phys = le32(p[path.index[path.depth - 1]]);
	*run = run_length(
		p + path.index[path.depth - 1], MIN(max, limit - path.index[path.depth - 1]));
	if (*phys && (!ext2_block_valid(s, *phys) || *run > s->blocks_count - *phys))
		err = bad_pointer(i, *phys);
unlock:
	rwsem_read_unlock(&ei->map_lock);
	ext2_meta_put(&b);
	return err;
}

/* Where the block of @lblk should lie: behind the last one, or behind its neighbour in the same
 * array; 0: no wish. */
static uint32_t choose_goal(const struct ext2_inode *ei, uint32_t lblk, const __le32 *p,
	uint32_t index, uint32_t parent)
{
	if (ei->last_phys && lblk == ei->last_logical + 1)
		return ei->last_phys + 1;
	while (index > 0)
		if (p[--index])
			return le32(p[index]) + 1;
	return parent ? parent + 1 : 0;
}

static void count_blocks(struct inode *i, int64_t n)
{
	i->blocks += n * (EXT2_SB(i->sb)->bs >> 9);
}

/* A place in the map: an array of pointers, in the inode or in an indirect block. */
struct level {
	struct ext2_buf buf;
	__le32 *p;
	uint32_t size, block;
};

/* Link a new, zeroed indirect block at l->p[index]. */
static int add_indirect(
	struct ext2_txn *t, struct inode *i, uint32_t lblk, struct level *l, uint32_t index)
{
	struct ext2_inode *ei = EXT2_I(i);
	struct ext2_buf b;
	uint32_t block;
	int err = ext2_alloc_blocks(t, i, choose_goal(ei, lblk, l->p, index, l->block), 1, &block);

	if (err < 0)
		return err;
	err = ext2_meta_get_new(t, block, &b);
	if (err) {
		ext2_free_blocks(t, block, 1, true, true);
		return err;
	}
	ext2_meta_put(&b);
	l->p[index] = to_le32(block);
	if (l->buf.page)
		ext2_dirty(t, &l->buf);
	count_blocks(i, 1);
	if (ei->last_phys && lblk == ei->last_logical + 1)
		ei->last_phys = block; /* data goes on behind it */
	return 0;
}

/* The array that holds the pointer of @lblk, made if it is missing. The buffer is the caller's to
 * put. */
static int leaf_level(struct ext2_txn *t, struct inode *i, uint32_t lblk,
	const struct map_path *path, struct level *l)
{
	struct ext2_sb *s = t->s;
	int err;

	*l = (struct level){{NULL, NULL}, EXT2_I(i)->block, EXT2_NDIR, 0};
	for (unsigned d = 1; d < path->depth; d++) {
		uint32_t index = path->index[d - 1];
		struct ext2_buf next;

		if (!l->p[index]) {
			err = add_indirect(t, i, lblk, l, index);
			if (err)
				return err;
		}
		l->block = le32(l->p[index]);
		err = ext2_block_valid(s, l->block) ? ext2_meta_get(s, l->block, &next)
						    : bad_pointer(i, l->block);
		if (err)
			return err;
		ext2_meta_put(&l->buf);
		l->buf = next;
		l->p = next.data;
		l->size = s->ptrs;
	}
	return 0;
}

/* Fill @n missing pointers from l->p[index] on, as far as the allocator gives adjacent blocks; how
 * many, or -errno. */
static int fill(struct ext2_txn *t, struct inode *i, uint32_t lblk, struct level *l, uint32_t index,
	unsigned n)
{
	struct ext2_inode *ei = EXT2_I(i);
	uint32_t first;
	int got = ext2_alloc_blocks(t, i, choose_goal(ei, lblk, l->p, index, l->block), n, &first);

	if (got < 0)
		return got;
	for (int k = 0; k < got; k++)
		l->p[index + k] = to_le32(first + k);
	if (l->buf.page)
		ext2_dirty(t, &l->buf);
	count_blocks(i, got);
	ei->last_logical = lblk + got - 1;
	ei->last_phys = first + got - 1;
	return got;
}

/* What one call of ext2_map_create() has filled, so that it can be undone: pointers in pinned
 * buffers. */
struct filled {
	struct ext2_buf buf;
	__le32 *p;
	unsigned n;
};
#define FILLED_MAX 4u /* blocks of a page */
struct filling {
	struct filled run[FILLED_MAX];
	unsigned n;
};

static void note_filled(struct filling *f, const struct level *l, uint32_t index, int got)
{
	f->run[f->n++] = (struct filled){l->buf, l->p + index, (unsigned)got};
	if (l->buf.page)
		page_get(l->buf.page);
}

static void end_filling(struct ext2_txn *t, struct inode *i, struct filling *f, bool undo)
{
	for (unsigned k = 0; k < f->n; k++) {
		struct filled *r = &f->run[k];

		for (unsigned j = 0; j < r->n && undo; j++) {
			uint32_t block = le32(r->p[j]);

			r->p[j] = to_le32(0);
			ext2_free_blocks(t, block, 1, true, false);
			count_blocks(i, -1);
		}
		if (undo && r->buf.page)
			ext2_dirty(t, &r->buf);
		ext2_meta_put(&r->buf);
	}
	if (undo)
		EXT2_I(i)->last_phys = 0;
}

/* One step of create: as many blocks as lie in one array; how many exist now, or -errno. */
static int create_some(
	struct ext2_txn *t, struct inode *i, uint32_t lblk, unsigned n, struct filling *f)
{
	struct map_path path;
	struct level l;
	uint32_t index;
	int got = 0, err;

	if (!find_path(t->s, lblk, &path))
		return -EFBIG;
	err = leaf_level(t, i, lblk, &path, &l);
	if (!err) {
		unsigned missing = 0;

		index = path.index[path.depth - 1];
		n = MIN(n, l.size - index);
		while (got < (int)n && l.p[index + got])
			got++;
		while (!got && missing < n && !l.p[index + missing])
			missing++;
		if (missing)
			got = fill(t, i, lblk, &l, index, missing);
		if (missing && got > 0)
			note_filled(f, &l, index, got);
	}
	ext2_meta_put(&l.buf);
	return err ? err : got;
}

int ext2_map_create(struct ext2_txn *t, struct inode *i, uint32_t lblk, unsigned n)
{
	struct ext2_inode *ei = EXT2_I(i);
	uint64_t before = i->blocks;
	struct filling f = {.n = 0};
	int got = 0;

	ASSERT(n <= FILLED_MAX);
	rwsem_write_lock(&ei->map_lock);
	while (n && got >= 0) {
		got = create_some(t, i, lblk, n, &f);
		if (got > 0) {
			lblk += got;
			n -= got;
		}
	}
	end_filling(t, i, &f, got < 0);
	rwsem_write_unlock(&ei->map_lock);
	if (i->blocks != before)
		inode_mark_dirty(i);
	return got < 0 ? got : 0;
}

void ext2_map_undo(struct ext2_txn *t, struct inode *i, uint32_t lblk)
{
	struct ext2_inode *ei = EXT2_I(i);
	struct map_path path;
	struct level l = {{NULL, NULL}, NULL, 0, 0};
	uint32_t block, index;

	if (!find_path(t->s, lblk, &path))
		return;
	index = path.index[path.depth - 1];
	rwsem_write_lock(&ei->map_lock);
	if (!leaf_level(t, i, lblk, &path, &l) && l.p[index]) {
		block = le32(l.p[index]);
		l.p[index] = to_le32(0);
		if (l.buf.page)
			ext2_dirty(t, &l.buf);
		ext2_free_blocks(t, block, 1, true, true);
		count_blocks(i, -1);
		ei->last_phys = 0;
	}
	ext2_meta_put(&l.buf);
	rwsem_write_unlock(&ei->map_lock);
}

/* ---- cutting ---- */

struct cut {
	struct ext2_txn *t;
	struct inode *i;
	uint32_t first, n;    /* a run of data blocks to free */
	bool fresh, metadata; /* contents of the blocks: directories' and symlinks' are metadata */
};

static void flush_run(struct cut *c)
{
	if (!c->n)
		return;
	ext2_free_blocks(c->t, c->first, c->n, c->fresh, c->metadata);
	count_blocks(c->i, -(int64_t)c->n);
	c->n = 0;
}

static void cut_block(struct cut *c, uint32_t block)
{
	if (c->n && block == c->first + c->n) {
		c->n++;
		return;
	}
	flush_run(c);
	c->first = block;
	c->n = 1;
}

static void cut_data(struct cut *c, __le32 *p, uint64_t n)
{
	for (uint64_t k = 0; k < n; k++) {
		uint32_t block = le32(p[k]);

		if (!block)
			continue;
		p[k] = to_le32(0);
		cut_block(c, block);
	}
}

static bool all_zero(const __le32 *p, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++)
		if (p[k])
			return false;
	return true;
}

static int cut_tree(struct cut *c, __le32 *slot, unsigned depth, uint64_t from);

/* Free what lies at or behind @from (counted from this block's first leaf) in indirect block @b of
 * @depth (1: its pointers are data). */
static int cut_indirect(struct cut *c, const struct ext2_buf *b, unsigned depth, uint64_t from)
{
	struct ext2_sb *s = c->t->s;
	uint64_t span = 1ull << (depth - 1) * s->ptr_bits;
	__le32 *p = b->data;
	int err = 0;

	if (depth == 1) {
		cut_data(c, p + from, s->ptrs - from);
	} else {
		for (uint64_t k = from / span; k < s->ptrs && !err; k++)
			err = cut_tree(c, &p[k], depth - 1, k == from / span ? from % span : 0);
		cond_resched();
	}
	ext2_dirty(c->t, b);
	flush_run(c);
	return err;
}

/* The same for the tree that *slot points to; the indirect block itself goes too when nothing is
 * left in it. */
static int cut_tree(struct cut *c, __le32 *slot, unsigned depth, uint64_t from)
{
	struct ext2_sb *s = c->t->s;
	uint32_t block = le32(*slot);
	struct ext2_buf b;
	bool empty;
	int err;

	if (!block)
		return 0;
	if (!ext2_block_valid(s, block))
		return bad_pointer(c->i, block);
	err = ext2_meta_get(s, block, &b);
	if (err)
		return err;
	err = cut_indirect(c, &b, depth, from);
	empty = !err && (from == 0 || all_zero(b.data, s->ptrs));
	ext2_meta_put(&b);
	if (!empty)
		return err;
	*slot = to_le32(0);
	ext2_free_blocks(c->t, block, 1, c->fresh, true);
	count_blocks(c->i, -1);
	return 0;
}

static int cut_all(struct cut *c, uint64_t from)
{
	struct ext2_sb *s = c->t->s;
	__le32 *p = EXT2_I(c->i)->block;
	uint64_t base = EXT2_NDIR;
	int err = 0;

	if (from < EXT2_NDIR)
		cut_data(c, p + from, EXT2_NDIR - from);
	flush_run(c);
	for (unsigned depth = 1; depth <= 3 && !err; depth++) {
		uint64_t span = 1ull << depth * s->ptr_bits;

		if (from < base + span)
			err = cut_tree(
				c, &p[EXT2_NDIR + depth - 1], depth, from > base ? from - base : 0);
		base += span;
	}
	return err;
}

int ext2_truncate_blocks(struct inode *i, uint32_t from)
{
	struct ext2_inode *ei = EXT2_I(i);
	struct ext2_txn t;
	struct cut c = {.t = &t, .i = i, .metadata = !S_ISREG(i->mode)};
	int err = ext2_begin(i->sb, &t);

	if (err)
		return err;
	err = ext2_pin_inode(&t, i);
	if (err) {
		ext2_end(&t);
		return err;
	}
	c.fresh = ei->epoch == t.epoch;
	rwsem_write_lock(&ei->map_lock);
	ext2_discard_window(ei);
	ei->last_phys = 0;
	ei->win_next = 0;
	err = cut_all(&c, from);
	rwsem_write_unlock(&ei->map_lock);
	ext2_inode_store(&t, i);
	ext2_end(&t);
	return err;
}
