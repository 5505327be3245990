/*
 * namei.c - names: lookup, create, link, unlink, directories; symbolic links.
 *
 * Does not: rename (rename.c). Each operation is one transaction: entries, link counts and inode
 * records change inside it, and references are dropped after it, so that eviction has its own. What
 * makes something new is tried once more after a commit when the disk is full of things that were
 * freed lately. Everything that can fail comes before the first change that stays, or is undone.
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

	if (!err) {
		ext2_slot_put(&slot);
		err = ext2_iget(dir->sb, slot.ino, false, &i);
	} else if (err == -ENOENT) {
		err = 0;
	}
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
	int err = ext2_pin_inode(t, dir);

	if (!err)
		err = ext2_create_inode(t, dir, m->mode, m->dev, &i);
	if (err)
		return err;
	*out = i;
	if (m->fill)
		err = m->fill(t, i, dir, m);
	if (!err)
		err = ext2_dir_add(
			t, dir, d->name.name, d->name.len, (uint32_t)i->ino, m->mode, NULL);
	if (!err && S_ISDIR(m->mode)) {
		dir->nlink++;
		ext2_inode_store(t, dir);
	}
	if (err) {
		i->nlink = 0;
		ext2_inode_store(t, i);
	}
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
		ext2_orphan_add(&t, i);
		*out = i;
	}
	ext2_end(&t);
	return err;
}

static int ext2_link(struct inode *dir, struct dentry *d, struct inode *target)
{
	bool nameless = !target->nlink; /* made by O_TMPFILE */
	struct ext2_txn t;
	int err;

	if (target->nlink + ext2_order_links(target) >= EXT2_LINK_MAX)
		return -EMLINK;
	err = ext2_begin(dir->sb, &t);
	if (err)
		return err;
	err = ext2_pin_inode(&t, dir);
	if (!err)
		err = ext2_pin_inode(&t, target);
	if (!err && nameless)
		err = ext2_orphan_del(&t, target);
	if (err)
		goto end;
	err = ext2_dir_add(
		&t, dir, d->name.name, d->name.len, (uint32_t)target->ino, target->mode, NULL);
	if (!err) {
		target->nlink++;
		inode_touch(target, ATTR_CTIME);
		ext2_inode_store(&t, target);
	} else if (nameless) {
		ext2_orphan_add(&t, target);
	}
end:
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
	int err;

	(void)dir;
	if (len < sizeof(EXT2_I(i)->link)) {
		memcpy(EXT2_I(i)->link, m->target, len + 1);
		i->size = (int64_t)len;
		ext2_inode_store(t, i);
		return 0;
	}
	err = ext2_map_create(t, i, 0, 1); /* if what follows fails it goes with the inode */
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
	ext2_inode_store(t, i);
	return 0;
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

int ext2_find_entry(struct inode *dir, const struct dentry *d, struct ext2_slot *slot)
{
	int err = ext2_dir_find(dir, d->name.name, d->name.len, slot);

	if (err)
		return err;
	if (slot->ino == d->inode->ino)
		return 0;
	ext2_slot_put(slot);
	ext2_error(EXT2_SB(dir->sb), "directory %llu: a name changed from inode %llu to %u",
		(unsigned long long)dir->ino, (unsigned long long)d->inode->ino, slot->ino);
	return -EUCLEAN;
}

/* Take the name @d out of @dir; the inode's last name makes it an orphan until nobody has it open.
 */
static int remove_name(struct ext2_txn *t, struct inode *dir, struct dentry *d)
{
	struct inode *i = d->inode;
	struct ext2_slot slot;
	int err = ext2_pin_inode(t, dir);

	if (!err)
		err = ext2_pin_inode(t, i);
	if (!err)
		err = ext2_find_entry(dir, d, &slot);
	if (err)
		return err;
	ext2_dir_remove(t, dir, d->name.name, d->name.len, &slot);
	ext2_slot_put(&slot);
	if (S_ISDIR(i->mode)) {
		i->nlink = 0;
		if (dir->nlink > 2)
			dir->nlink--;
		ext2_inode_store(t, dir);
	} else if (i->nlink) {
		i->nlink--;
	}
	inode_touch(i, ATTR_CTIME);
	if (i->nlink)
		ext2_inode_store(t, i);
	else
		ext2_orphan_add(t, i);
	return 0;
}

static int ext2_unlink(struct inode *dir, struct dentry *d)
{
	struct ext2_txn t;
	int err = ext2_begin(dir->sb, &t);

	if (err)
		return err;
	err = remove_name(&t, dir, d);
	ext2_end(&t);
	return err;
}

static int ext2_rmdir(struct inode *dir, struct dentry *d)
{
	int err = ext2_dir_is_empty(d->inode);

	return err ? err : ext2_unlink(dir, d);
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
	.xattr = &ext2_xattr_ops,
};
const struct inode_ops ext2_file_inode_ops = {
	.setattr = ext2_setattr, .extent = ext2_extent, .xattr = &ext2_xattr_ops};
const struct inode_ops ext2_special_inode_ops = {.setattr = ext2_setattr, .xattr = &ext2_xattr_ops};
const struct inode_ops ext2_fast_symlink_ops = {
	.get_link = fast_link, .setattr = ext2_setattr, .xattr = &ext2_xattr_ops};
const struct inode_ops ext2_symlink_ops = {
	.get_link = slow_link, .setattr = ext2_setattr, .xattr = &ext2_xattr_ops};
