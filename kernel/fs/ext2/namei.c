/*
 * namei.c - names: lookup, create, link, unlink, directories, rename; symbolic links.
 *
 * Each operation is one transaction: entries, link counts and inode records change inside it, and
 * references are dropped after it, so that eviction has its own. What makes something new is tried
 * once more after a commit when the disk is full of things that were freed lately. Renaming puts
 * the new name before it takes the old one away: a power cut leaves one or both.
 *
 * Locks: the vfs holds the directories' locks for writing, and a victim's.
 */
#include "ext2.h"

#include <error.h>
#include <slab.h>
#include <string.h>

static int ext2_lookup(struct inode *dir, struct dentry *d)
{
	struct ext2_slot slot;
	struct inode *i = NULL;
	int err = ext2_dir_find(dir, d->name.name, d->name.len, &slot);

	if (!err)
		err = ext2_iget(dir->sb, slot.ino, false, &i);
	else if (err == -ENOENT)
		err = 0;
	if (err)
		return err;
	d_add(d, i);
	return 0;
}

/* ---- making ---- */

/* What is to be made; a function of it runs inside the transaction and after the inode exists. */
struct making {
	mode_t mode;
	dev_t dev;
	const char *target; /* symlink */
	int (*fill)(struct ext2_txn *t, struct inode *i, struct inode *dir, const struct making *m);
};

static int make_in_txn(struct ext2_txn *t, struct inode *dir, struct dentry *d,
	const struct making *m, struct inode **out)
{
	struct inode *i;
	int err = ext2_create_inode(t, dir, m->mode, m->dev, &i);

	if (err)
		return err;
	*out = i;
	if (m->fill)
		err = m->fill(t, i, dir, m);
	if (!err)
		err = ext2_dir_add(t, dir, d->name.name, d->name.len, (uint32_t)i->ino, m->mode);
	if (!err && S_ISDIR(m->mode)) {
		dir->nlink++;
		err = ext2_inode_store(t, dir);
	}
	if (err)
		ext2_abandon_inode(t, i);
	return err;
}

static int make(struct inode *dir, struct dentry *d, const struct making *m)
{
	for (unsigned tries = 0;; tries++) {
		struct inode *i = NULL;
		struct ext2_txn t;
		int err = ext2_begin(dir->sb, &t);

		if (err)
			return err;
		err = make_in_txn(&t, dir, d, m, &i);
		ext2_end(&t);
		if (!err) {
			d_instantiate(d, i);
			return 0;
		}
		if (i)
			inode_put(i);
		if (err != -ENOSPC || tries || !ext2_commit_for_space(EXT2_SB(dir->sb)))
			return err;
	}
}

static int ext2_create(struct inode *dir, struct dentry *d, mode_t mode)
{
	const struct making m = {.mode = (mode & 07777) | S_IFREG};

	return make(dir, d, &m);
}

static int ext2_mknod(struct inode *dir, struct dentry *d, mode_t mode, dev_t dev)
{
	const struct making m = {.mode = mode, .dev = dev};

	return make(dir, d, &m);
}

static int fill_dir(struct ext2_txn *t, struct inode *i, struct inode *dir, const struct making *m)
{
	(void)m;
	i->nlink = 2;
	return ext2_dir_make_empty(t, i, (uint32_t)dir->ino);
}

static int ext2_mkdir(struct inode *dir, struct dentry *d, mode_t mode)
{
	const struct making m = {.mode = (mode & 07777) | S_IFDIR, .fill = fill_dir};

	return dir->nlink >= EXT2_LINK_MAX ? -EMLINK : make(dir, d, &m);
}

static int ext2_tmpfile(struct inode *dir, struct inode **out, mode_t mode)
{
	struct inode *i = NULL;
	struct ext2_txn t;
	int err = ext2_begin(dir->sb, &t);

	if (err)
		return err;
	err = ext2_create_inode(&t, dir, (mode & 07777) | S_IFREG, 0, &i);
	if (!err) {
		i->nlink = 0;
		err = ext2_orphan_add(&t, i);
	}
	ext2_end(&t);
	if (!err)
		*out = i;
	else if (i)
		inode_put(i);
	return err;
}

static int ext2_link(struct inode *dir, struct dentry *d, struct inode *target)
{
	struct ext2_txn t;
	int err;

	if (target->nlink >= EXT2_LINK_MAX)
		return -EMLINK;
	err = ext2_begin(dir->sb, &t);
	if (err)
		return err;
	err = ext2_dir_add(&t, dir, d->name.name, d->name.len, (uint32_t)target->ino, target->mode);
	if (!err) {
		if (!target->nlink)
			ext2_orphan_del(&t, target); /* made by O_TMPFILE */
		target->nlink++;
		inode_touch(target, ATTR_CTIME);
		err = ext2_inode_store(&t, target);
	}
	ext2_end(&t);
	if (!err)
		d_instantiate(d, inode_get(target));
	return err;
}

/* ---- symbolic links ---- */

bool ext2_is_fast_symlink(const struct inode *i)
{
	uint64_t acl = EXT2_I(i)->file_acl ? EXT2_SB(i->sb)->bs >> 9 : 0;

	return S_ISLNK(i->mode) && i->blocks == acl;
}

static int fill_symlink(
	struct ext2_txn *t, struct inode *i, struct inode *dir, const struct making *m)
{
	size_t len = strlen(m->target);
	uint32_t phys, run;
	struct ext2_buf b;
	bool fresh;
	int err;

	(void)dir;
	if (len < sizeof(EXT2_I(i)->link)) {
		memcpy(EXT2_I(i)->link, m->target, len + 1);
		i->size = (int64_t)len;
		return ext2_inode_store(t, i);
	}
	err = ext2_map_create(t, i, 0, 1, &fresh);
	if (!err)
		err = ext2_map(i, 0, 1, &phys, &run);
	if (!err)
		err = ext2_meta_get_new(t, phys, &b);
	if (err)
		return err;
	memcpy(b.data, m->target, len);
	ext2_dirty(t, &b);
	ext2_meta_put(&b);
	i->size = (int64_t)len;
	i->ops = &ext2_symlink_ops;
	return ext2_inode_store(t, i);
}

static int ext2_symlink(struct inode *dir, struct dentry *d, const char *target)
{
	const struct making m = {.mode = S_IFLNK | 0777, .target = target, .fill = fill_symlink};

	return strlen(target) >= EXT2_SB(dir->sb)->bs ? -ENAMETOOLONG : make(dir, d, &m);
}

static const char *fast_link(struct inode *i, bool rcu, int *err)
{
	(void)rcu;
	(void)err;
	return EXT2_I(i)->link;
}

static char *read_link(struct inode *i, int *err)
{
	struct ext2_buf b;
	char *text;

	*err = ext2_dir_block(i, 0, &b); /* its one block is metadata like a directory's */
	if (*err)
		return NULL;
	text = kstrndup(b.data, (size_t)i->size);
	ext2_meta_put(&b);
	if (!text)
		*err = -ENOMEM;
	return text;
}

static const char *slow_link(struct inode *i, bool rcu, int *err)
{
	struct ext2_inode *ei = EXT2_I(i);
	char *text = smp_load_acquire(&ei->long_link);

	if (text)
		return text;
	if (rcu) {
		*err = -ECHILD_WALK;
		return NULL;
	}
	mutex_lock(&ei->index_lock);
	text = ei->long_link;
	if (!text) {
		text = read_link(i, err);
		smp_store_release(&ei->long_link, text);
	}
	mutex_unlock(&ei->index_lock);
	return text;
}

/* ---- removing ---- */

/* The entry of @d, which must lead to the inode that the vfs knows. */
static int find_entry(struct inode *dir, const struct dentry *d, struct ext2_slot *slot)
{
	int err = ext2_dir_find(dir, d->name.name, d->name.len, slot);

	if (err)
		return err;
	if (slot->ino == d->inode->ino)
		return 0;
	ext2_error(EXT2_SB(dir->sb), "directory %llu: a name changed from inode %llu to %u",
		(unsigned long long)dir->ino, (unsigned long long)d->inode->ino, slot->ino);
	return -EUCLEAN;
}

/* One name less; the last one makes it an orphan until nobody has it open. */
static int drop_link(struct ext2_txn *t, struct inode *i)
{
	if (S_ISDIR(i->mode))
		i->nlink = 0;
	else if (i->nlink)
		i->nlink--;
	inode_touch(i, ATTR_CTIME);
	return i->nlink ? ext2_inode_store(t, i) : ext2_orphan_add(t, i);
}

static int ext2_unlink(struct inode *dir, struct dentry *d)
{
	struct ext2_slot slot;
	struct ext2_txn t;
	int err = find_entry(dir, d, &slot);

	if (err)
		return err;
	err = ext2_begin(dir->sb, &t);
	if (err)
		return err;
	err = ext2_dir_remove(&t, dir, d->name.name, d->name.len, slot.pos);
	if (!err)
		err = drop_link(&t, d->inode);
	ext2_end(&t);
	return err;
}

static int ext2_rmdir(struct inode *dir, struct dentry *d)
{
	struct ext2_slot slot;
	struct ext2_txn t;
	int err = ext2_dir_is_empty(d->inode);

	if (!err)
		err = find_entry(dir, d, &slot);
	if (err)
		return err;
	err = ext2_begin(dir->sb, &t);
	if (err)
		return err;
	err = ext2_dir_remove(&t, dir, d->name.name, d->name.len, slot.pos);
	if (!err)
		err = drop_link(&t, d->inode);
	if (!err) {
		if (dir->nlink > 2)
			dir->nlink--;
		err = ext2_inode_store(&t, dir);
	}
	ext2_end(&t);
	return err;
}

/* ---- rename ---- */

struct renaming {
	struct inode *od, *nd; /* directories */
	struct dentry *o, *n;
	struct inode *old, *new; /* what the names lead to; new may be NULL */
	struct ext2_slot from, to;
};

/* Directory @i, moved from @od to @nd: its "..", and the parents' counts. */
static int move_parent(struct ext2_txn *t, struct inode *i, struct inode *od, struct inode *nd)
{
	int err;

	if (!S_ISDIR(i->mode) || od == nd)
		return 0;
	err = ext2_dir_set_parent(t, i, (uint32_t)nd->ino);
	if (od->nlink > 2)
		od->nlink--;
	nd->nlink++;
	return err;
}

static int exchange(struct ext2_txn *t, struct renaming *r)
{
	int err = ext2_dir_set(t, r->nd, r->to.pos, (uint32_t)r->old->ino, r->old->mode);

	if (!err)
		err = ext2_dir_set(t, r->od, r->from.pos, (uint32_t)r->new->ino, r->new->mode);
	if (!err)
		err = move_parent(t, r->old, r->od, r->nd);
	if (!err)
		err = move_parent(t, r->new, r->nd, r->od);
	inode_touch(r->new, ATTR_CTIME);
	return err;
}

static int move(struct ext2_txn *t, struct renaming *r)
{
	const struct qstr *nn = &r->n->name, *on = &r->o->name;
	int err;

	if (r->new)
		err = ext2_dir_set(t, r->nd, r->to.pos, (uint32_t)r->old->ino, r->old->mode);
	else
		err = ext2_dir_add(
			t, r->nd, nn->name, nn->len, (uint32_t)r->old->ino, r->old->mode);
	if (err)
		return err;
	err = ext2_dir_remove(t, r->od, on->name, on->len, r->from.pos);
	if (!err)
		err = move_parent(t, r->old, r->od, r->nd);
	if (err || !r->new)
		return err;
	if (S_ISDIR(r->new->mode) && r->nd->nlink > 2)
		r->nd->nlink--;
	return drop_link(t, r->new);
}

static int rename_check(struct renaming *r, bool swap)
{
	int err = find_entry(r->od, r->o, &r->from);

	if (!err && r->new)
		err = find_entry(r->nd, r->n, &r->to);
	if (!err && r->new && !swap &&S_ISDIR(r->new->mode))
		err = ext2_dir_is_empty(r->new);
	if (!err && !r->new &&S_ISDIR(r->old->mode) && r->od != r->nd &&
		r->nd->nlink >= EXT2_LINK_MAX)
		err = -EMLINK;
	return err;
}

static int ext2_rename(
	struct inode *od, struct dentry *o, struct inode *nd, struct dentry *n, unsigned flags)
{
	struct renaming r = {.od = od, .nd = nd, .o = o, .n = n, .old = o->inode, .new = n->inode};
	bool swap = flags & RENAME_EXCHANGE;
	struct ext2_txn t;
	int err = rename_check(&r, swap), stored;

	if (err)
		return err;
	err = ext2_begin(od->sb, &t);
	if (err)
		return err;
	err = swap ? exchange(&t, &r) : move(&t, &r);
	inode_touch(r.old, ATTR_CTIME);
	stored = ext2_inode_store(&t, od);
	if (!stored && nd != od)
		stored = ext2_inode_store(&t, nd);
	ext2_end(&t);
	return err ? err : stored;
}

const struct inode_ops ext2_dir_inode_ops = {
	.lookup = ext2_lookup,
	.create = ext2_create,
	.mknod = ext2_mknod,
	.mkdir = ext2_mkdir,
	.symlink = ext2_symlink,
	.link = ext2_link,
	.unlink = ext2_unlink,
	.rmdir = ext2_rmdir,
	.rename = ext2_rename,
	.tmpfile = ext2_tmpfile,
	.setattr = ext2_setattr,
};
const struct inode_ops ext2_file_inode_ops = {.setattr = ext2_setattr};
const struct inode_ops ext2_special_inode_ops = {.setattr = ext2_setattr};
const struct inode_ops ext2_fast_symlink_ops = {.get_link = fast_link, .setattr = ext2_setattr};
const struct inode_ops ext2_symlink_ops = {.get_link = slow_link, .setattr = ext2_setattr};
