/*
 * rename.c - rename(2): a name moves, replaces another one, or two are exchanged.
 *
 * The new name is put before the old one is taken away, and reaches the disk before: order.c holds
 * the removal and the end of a replaced inode back until a commit. Where they cannot be held (they
 * share a sector with other parts of the new name, or the new name's own sector is held) the two
 * halves are two changes with a commit in between.
 *
 * What takes over an existing name is written before, contents and record: after a power cut the
 * name leads to the whole old file or to the whole new one, also if the program never called fsync.
 * An exchange is not atomic across a power cut: one of the two files may have both names, and the
 * other is found by e2fsck without a name.
 *
 * Locks: the vfs holds the directories' locks for writing, and a replaced inode's.
 */
#include "ext2.h"

#include <error.h>
#include <string.h>

struct renaming {
	struct inode *od, *nd; /* directories */
	struct dentry *o, *n;
	struct inode *old, *new;       /* what the names lead to; new may be NULL */
	struct ext2_slot from, to, up; /* old name, new name, ".." of a directory that moves */
	bool has_to, has_up;
};

static void put_slots(struct renaming *r)
{
	ext2_slot_put(&r->from);
	if (r->has_to)
		ext2_slot_put(&r->to);
	if (r->has_up)
		ext2_slot_put(&r->up);
}

/* Everything that can be refused, and the places of what will change. On failure nothing is held.
 */
static int find_all(struct renaming *r, bool swap)
{
	bool replaces = r->new && !swap;
	int err = ext2_find_entry(r->od, r->o, &r->from);

	if (err)
		return err;
	if (r->new) {
		err = ext2_find_entry(r->nd, r->n, &r->to);
		r->has_to = !err;
	}
	if (!err && replaces && S_ISDIR(r->new->mode))
		err = ext2_dir_is_empty(r->new);
	if (!err && !r->new &&S_ISDIR(r->old->mode) && r->od != r->nd &&
		r->nd->nlink >= EXT2_LINK_MAX)
		err = -EMLINK;
	if (!err && !swap && S_ISDIR(r->old->mode) && r->od != r->nd) {
		err = ext2_dir_find_parent(r->old, &r->up);
		r->has_up = !err;
	}
	if (err)
		put_slots(r);
	return err;
}

static int begin(struct ext2_txn *t, const struct renaming *r)
{
	const struct inode *pin[] = {r->od, r->nd, r->new, r->old};
	int err = ext2_begin(r->od->sb, t);

	if (err)
		return err;
	for (unsigned k = 0; k < ARRAY_SIZE(pin) && !err; k++)
		if (pin[k])
			err = ext2_pin_inode(t, pin[k]);
	if (err)
		ext2_end(t);
	return err;
}

static void store_directories(struct ext2_txn *t, const struct renaming *r)
{
	ext2_inode_store(t, r->od);
	if (r->nd != r->od)
		ext2_inode_store(t, r->nd);
}

/* ---- exchange ---- */

/* Directory @i moves from @od to @nd. */
static void count_parents(const struct inode *i, struct inode *od, struct inode *nd)
{
	if (!S_ISDIR(i->mode) || od == nd)
		return;
	if (od->nlink > 2)
		od->nlink--;
	nd->nlink++;
}

/* ".." of @i, if it is a directory, as a slot; *has tells. */
static int find_up(struct inode *i, const struct renaming *r, struct ext2_slot *up, bool *has)
{
	int err;

	*has = false;
	if (!S_ISDIR(i->mode) || r->od == r->nd)
		return 0;
	err = ext2_dir_find_parent(i, up);
	*has = !err;
	return err;
}

static int exchange(struct renaming *r)
{
	struct ext2_slot other;
	struct ext2_txn t;
	bool has_other;
	int err = find_up(r->old, r, &r->up, &r->has_up);

	if (err)
		return err;
	err = find_up(r->new, r, &other, &has_other);
	if (!err)
		err = begin(&t, r);
	if (err)
		goto put;
	ext2_dir_set(&t, r->nd, &r->to, (uint32_t)r->old->ino, r->old->mode);
	ext2_dir_set(&t, r->od, &r->from, (uint32_t)r->new->ino, r->new->mode);
	if (r->has_up)
		ext2_dir_set(&t, r->old, &r->up, (uint32_t)r->nd->ino, S_IFDIR);
	if (has_other)
		ext2_dir_set(&t, r->new, &other, (uint32_t)r->od->ino, S_IFDIR);
	count_parents(r->old, r->od, r->nd);
	count_parents(r->new, r->nd, r->od);
	inode_touch(r->new, ATTR_CTIME);
	inode_touch(r->old, ATTR_CTIME);
	store_directories(&t, r);
	ext2_end(&t);
put:
	if (has_other)
		ext2_slot_put(&other);
	return err;
}

/* ---- move ---- */

/* The new name leads to the file; the old one still does too. */
static int put_new_name(struct ext2_txn *t, struct renaming *r)
{
	const struct qstr *nn = &r->n->name;
	int err = 0;

	if (r->new)
		ext2_dir_set(t, r->nd, &r->to, (uint32_t)r->old->ino, r->old->mode);
	else
		err = ext2_dir_add(
			t, r->nd, nn->name, nn->len, (uint32_t)r->old->ino, r->old->mode, &r->to);
	r->has_to = !err;
	return err;
}

/* Can what takes the old name away be held until the new one is on media? Then it is. */
static bool hold_removal(struct ext2_txn *t, const struct renaming *r)
{
	unsigned from, to, new_from, new_to;

	ext2_dir_remove_range(t->s, &r->from, &from, &to);
	ext2_dir_add_range(t->s, &r->to, &new_from, &new_to);
	if (ext2_order_is_held(t->s, &r->to.buf, new_from, new_to))
		return false;
	if (ext2_order_together(t->s, &r->from.buf, from, to, &r->to.buf, new_from, new_to))
		return true;
	return ext2_order_hold(t, &r->from.buf, from, to);
}

static void take_old_name(struct ext2_txn *t, struct renaming *r)
{
	const struct qstr *on = &r->o->name;

	ext2_dir_remove(t, r->od, on->name, on->len, &r->from);
	if (r->has_up)
		ext2_dir_set(t, r->old, &r->up, (uint32_t)r->nd->ino, S_IFDIR);
	count_parents(r->old, r->od, r->nd);
}

static void drop_replaced(struct ext2_txn *t, struct renaming *r)
{
	struct inode *i = r->new;
	unsigned links = S_ISDIR(i->mode) ? i->nlink : 1;

	if (S_ISDIR(i->mode) && r->nd->nlink > 2)
		r->nd->nlink--;
	inode_touch(i, ATTR_CTIME);
	if (i->nlink < links)
		return;
	i->nlink -= links;
	ext2_order_replaced(t, i, links);
}

/* Is there anything of the file that is not on media? */
static bool is_unwritten(const struct inode *i)
{
	const struct ext2_sb *s = EXT2_SB(i->sb);
	uint32_t made = EXT2_I(i)->epoch;

	return (READ_ONCE(i->state) & I_DIRTY) || xa_marked(&i->data.pages, XA_DIRTY) ||
	       xa_marked(&i->data.pages, XA_WRITEBACK) ||
	       (made && (int32_t)(made - READ_ONCE(s->committed)) > 0);
}

/* What takes over a name is whole on media before. */
static int settle(struct inode *i)
{
	int err = 0;

	if (!is_unwritten(i))
		return 0;
	if (S_ISREG(i->mode))
		err = pagecache_sync(i->mapping, 0, INT64_MAX);
	if (!err)
		err = ext2_write_inode(i, true);
	return err ? err : ext2_commit(EXT2_SB(i->sb));
}

static int move(struct renaming *r)
{
	struct ext2_txn t;
	int err = begin(&t, r);

	if (err)
		return err;
	err = put_new_name(&t, r);
	if (!err && !hold_removal(&t, r)) {
		ext2_end(&t);
		err = ext2_commit(EXT2_SB(r->od->sb));
		if (!err)
			err = begin(&t, r);
		if (err) /* both names lead to it: nothing is lost, and e2fsck counts them */
			return err;
	}
	if (!err) {
		take_old_name(&t, r);
		if (r->new)
			drop_replaced(&t, r);
		inode_touch(r->old, ATTR_CTIME);
		store_directories(&t, r);
	}
	ext2_end(&t);
	return err;
}

int ext2_rename(
	struct inode *od, struct dentry *o, struct inode *nd, struct dentry *n, unsigned flags)
{
	struct renaming r = {.od = od, .nd = nd, .o = o, .n = n, .old = o->inode, .new = n->inode};
	bool swap = flags & RENAME_EXCHANGE;
	int err = sb_rdonly(od->sb) ? -EROFS : find_all(&r, swap);

	if (err)
		return err;
	if (r.new && !swap)
		err = settle(r.old);
	if (!err)
		err = swap ? exchange(&r) : move(&r);
	put_slots(&r);
	return err;
}
