/*
 * dir.c - directories of tmpfs.
 *
 * A directory is its dentries: each has one reference from the file system (D_PINNED), a cookie in
 * dentry->private and a slot in the directory's array under that cookie. Readdir walks the array
 * from the position on, so it is unharmed by entries that come and go, costs the same at any place,
 * and never reports one twice. Renamed entries get a new cookie in their new directory, or take
 * over that of the entry they replace.
 */
#include "internal.h"
#include <debug.h>
#include <error.h>
#include <file.h>
#include <rcu.h>
#include <stat.h>
#include <string.h>

#define ENTRY_BYTES 20 /* what one adds to the directory's size, as Linux has it */

static uint64_t cookie_of(const struct dentry *d)
{
	return (uintptr_t)d->private;
}

static void dir_changed(struct inode *dir, int64_t entries)
{
	i_size_write(dir, dir->size + entries * ENTRY_BYTES);
	inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
}

static int tmpfs_lookup(struct inode *dir, struct dentry *d)
{
	d_add(d, NULL); /* what is there is in the cache */
	return 0;
}

int tmpfs_add(struct inode *dir, struct dentry *d, struct inode *i)
{
	struct tmpfs_inode *t = tmpfs_i(dir);
	uint64_t cookie = t->next_cookie;
	int err = xa_store(&t->entries, cookie, d);

	if (err)
		return err;
	t->next_cookie++;
	d->private = (void *)(uintptr_t)cookie;
	d_get(d);
	__atomic_fetch_or(&d->flags, D_PINNED, __ATOMIC_SEQ_CST);
	d_instantiate(d, i);
	if (S_ISDIR(i->mode))
		dir->nlink++;
	dir_changed(dir, 1);
	return 0;
}

/* The entry of @d leaves @dir; the caller still has its own reference. */
static void unpin(struct inode *dir, struct dentry *d)
{
	xa_erase(&tmpfs_i(dir)->entries, cookie_of(d));
	d->private = NULL;
	__atomic_fetch_and(&d->flags, ~(uint32_t)D_PINNED, __ATOMIC_SEQ_CST);
	d_put(d);
}

static int make(struct inode *dir, struct dentry *d, mode_t mode, dev_t dev, const char *target)
{
	struct inode *i;
	int err = tmpfs_new_inode(dir->sb, dir, mode, dev, &i);

	if (err)
		return err;
	if (target)
		err = tmpfs_set_symlink(i, target);
	if (!err)
		err = tmpfs_add(dir, d, i);
	if (err)
		inode_put(i);
	return err;
}

static int tmpfs_create(struct inode *dir, struct dentry *d, mode_t mode)
{
	return make(dir, d, mode, 0, NULL);
}

static int tmpfs_mknod(struct inode *dir, struct dentry *d, mode_t mode, dev_t dev)
{
	return make(dir, d, mode, dev, NULL);
}

static int tmpfs_mkdir(struct inode *dir, struct dentry *d, mode_t mode)
{
	return make(dir, d, mode, 0, NULL);
}

static int tmpfs_symlink(struct inode *dir, struct dentry *d, const char *target)
{
	return make(dir, d, S_IFLNK | 0777, 0, target);
}

static int tmpfs_link(struct inode *dir, struct dentry *d, struct inode *target)
{
	bool counts = target->nlink > 0; /* the first name of an unnamed one is its own */
	int err = counts ? tmpfs_count_name(target) : 0;

	if (err)
		return err;
	err = tmpfs_add(dir, d, target);
	if (err) {
		if (counts)
			tmpfs_uncount_name(target);
		return err;
	}
	inode_get(target);
	target->nlink++;
	inode_touch(target, ATTR_CTIME);
	return 0;
}

static int tmpfs_tmpfile(struct inode *dir, struct inode **out, mode_t mode)
{
	int err = tmpfs_new_inode(dir->sb, dir, mode, 0, out);

	if (!err)
		(*out)->nlink = 0;
	return err;
}

static void drop_name(struct inode *i)
{
	if (--i->nlink)
		tmpfs_uncount_name(i);
	inode_touch(i, ATTR_CTIME);
}

static int tmpfs_unlink(struct inode *dir, struct dentry *d)
{
	struct inode *i = d->inode;

	drop_name(i);
	dir_changed(dir, -1);
	unpin(dir, d);
	return 0;
}

static bool dir_is_empty(struct inode *i)
{
	return xa_empty(&tmpfs_i(i)->entries);
}

static int tmpfs_rmdir(struct inode *dir, struct dentry *d)
{
	struct inode *i = d->inode;

	if (!dir_is_empty(i))
		return -ENOTEMPTY;
	i->nlink = 0;
	dir->nlink--;
	dir_changed(dir, -1);
	unpin(dir, d);
	return 0;
}

/* Both entries stay, each in the other's slot: nothing can fail. */
static void exchange(struct inode *od, struct dentry *o, struct inode *nd, struct dentry *n)
{
	uint64_t oc = cookie_of(o);
	uint64_t nc = cookie_of(n);
	int moved = S_ISDIR(o->inode->mode) - S_ISDIR(n->inode->mode);
	int err = xa_store(&tmpfs_i(od)->entries, oc, n);

	if (!err)
		err = xa_store(&tmpfs_i(nd)->entries, nc, o);
	ASSERT(!err); /* replaced in place */
	o->private = (void *)(uintptr_t)nc;
	n->private = (void *)(uintptr_t)oc;
	od->nlink -= (uint32_t)moved;
	nd->nlink += (uint32_t)moved;
	inode_touch(n->inode, ATTR_CTIME);
}

/* @o takes over the slot of @n in its directory, or a new one if @n has none. */
static int take_slot(struct inode *nd, struct dentry *o, struct dentry *n, uint64_t *cookie)
{
	struct tmpfs_inode *t = tmpfs_i(nd);
	int err;

	*cookie = n->inode ? cookie_of(n) : t->next_cookie;
	err = xa_store(&t->entries, *cookie, o);
	if (!err && !n->inode)
		t->next_cookie++;
	return err;
}

static void replaced(struct inode *nd, struct dentry *n)
{
	struct inode *i = n->inode;

	if (S_ISDIR(i->mode)) {
		i->nlink = 0;
		nd->nlink--;
	} else {
		drop_name(i);
	}
	n->private = NULL;
	__atomic_fetch_and(&n->flags, ~(uint32_t)D_PINNED, __ATOMIC_SEQ_CST);
	d_put(n);
}

static int tmpfs_rename(
	struct inode *od, struct dentry *o, struct inode *nd, struct dentry *n, unsigned flags)
{
	bool is_dir = S_ISDIR(o->inode->mode);
	bool replaces = n->inode && !(flags & RENAME_EXCHANGE);
	uint64_t cookie;
	int err;

	if (flags & RENAME_EXCHANGE) {
		exchange(od, o, nd, n);
	} else {
		if (replaces && S_ISDIR(n->inode->mode) && !dir_is_empty(n->inode))
			return -ENOTEMPTY;
		err = take_slot(nd, o, n, &cookie);
		if (err)
			return err;
		xa_erase(&tmpfs_i(od)->entries, cookie_of(o));
		o->private = (void *)(uintptr_t)cookie;
		if (replaces)
			replaced(nd, n);
		if (is_dir) {
			od->nlink--;
			nd->nlink++;
		}
		i_size_write(od, od->size - ENTRY_BYTES);
		i_size_write(nd, nd->size + (replaces ? 0 : ENTRY_BYTES));
	}
	inode_touch(o->inode, ATTR_CTIME);
	inode_touch(od, ATTR_MTIME | ATTR_CTIME);
	inode_touch(nd, ATTR_MTIME | ATTR_CTIME);
	return 0;
}

static bool emit_dots(struct file *f, struct dir_context *c)
{
	if (c->pos == 0) {
		if (!c->emit(c, ".", 1, 1, f->inode->ino, DT_DIR))
			return false;
		c->pos = 1;
	}
	if (c->pos == 1) {
		ino_t up;

		rcu_read_lock(); /* a directory that is read is alive, and so is its parent */
		up = rcu_dereference(f->path.dentry->parent)->inode->ino;
		rcu_read_unlock();
		if (!c->emit(c, "..", 2, 2, up, DT_DIR))
			return false;
		c->pos = 2;
	}
	return true;
}

/* inode->lock is held: the entries found stay. */
static int tmpfs_readdir(struct file *f, struct dir_context *c)
{
	struct xarray *entries = &tmpfs_i(f->inode)->entries;
	uint64_t at;
	struct dentry *d;

	if (!emit_dots(f, c))
		return 0;
	for (at = (uint64_t)c->pos;; at++) {
		rcu_read_lock();
		d = xa_find(entries, &at, UINT64_MAX);
		rcu_read_unlock();
		if (!d || !c->emit(c, d->name.name, d->name.len, (int64_t)at + 1, d->inode->ino,
				  MODE_TO_DT(d->inode->mode)))
			return 0;
		c->pos = (int64_t)at + 1;
	}
}

const struct inode_ops tmpfs_dir_ops = {
	.lookup = tmpfs_lookup,
	.create = tmpfs_create,
	.mknod = tmpfs_mknod,
	.mkdir = tmpfs_mkdir,
	.symlink = tmpfs_symlink,
	.link = tmpfs_link,
	.unlink = tmpfs_unlink,
	.rmdir = tmpfs_rmdir,
	.rename = tmpfs_rename,
	.tmpfile = tmpfs_tmpfile,
	.xattr = &tmpfs_xattr_ops,
};

static int dir_fsync(struct file *f, int64_t start, int64_t end, bool datasync)
{
	return 0;
}

const struct file_ops tmpfs_dir_fops = {
	.readdir = tmpfs_readdir,
	.seek = generic_file_seek,
	.fsync = dir_fsync,
};
