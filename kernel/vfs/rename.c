/*
 * rename.c - rename(2) with its flags.
 *
 * Does not: move anything between file systems (EXDEV).
 *
 * Two directories are locked ancestor first, unrelated ones by address, under super->rename_lock:
 * while it is held no other rename moves a directory to another parent, so "is this below that"
 * stays true. The file system then does it, and only afterwards the dentry moves. An overwritten
 * inode is locked inside the directories.
 */
#include "internal.h"
#include <stat.h>

static void lock_dirs(struct dentry *a, struct dentry *b)
{
	struct dentry *first = a;
	struct dentry *second = b;

	if (a == b) {
		rwsem_write_lock(&a->inode->lock);
		return;
	}
	mutex_lock(&a->sb->rename_lock);
	if (d_is_below(a, b) || (!d_is_below(b, a) && a > b)) {
		first = b;
		second = a;
	}
	rwsem_write_lock(&first->inode->lock);
	rwsem_write_lock_nested(&second->inode->lock, 1);
}

static void unlock_dirs(struct dentry *a, struct dentry *b)
{
	rwsem_write_unlock(&a->inode->lock);
	if (a != b) {
		rwsem_write_unlock(&b->inode->lock);
		mutex_unlock(&a->sb->rename_lock);
	}
}

struct renaming {
	struct parent from, to;
	struct dentry *old, *new;
	struct dentry *covered; /* a replaced name on which other namespaces have mounts */
	unsigned flags;
};

/* Both names are looked up: what the man page refuses before permissions. */
static int check_names(const struct renaming *r)
{
	bool old_is_dir;

	if (!r->old->inode)
		return -ENOENT;
	old_is_dir = d_is_dir(r->old);
	if ((r->flags & RENAME_NOREPLACE) && r->new->inode)
		return -EEXIST;
	if ((r->flags & RENAME_EXCHANGE) && !r->new->inode)
		return -ENOENT;
	if (!old_is_dir && r->from.trailing)
		return -ENOTDIR;
	if (r->to.trailing && !(r->flags & RENAME_EXCHANGE ? d_is_dir(r->new) : old_is_dir))
		return -ENOTDIR;
	if (old_is_dir && d_is_below(r->to.path.dentry, r->old))
		return -EINVAL;
	if (d_is_below(r->from.path.dentry, r->new))
		return r->flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	return 0;
}

static int check_permissions(const struct renaming *r)
{
	bool is_dir = d_is_dir(r->old);
	bool exchange = r->flags & RENAME_EXCHANGE;
	bool new_is_dir = exchange ? d_is_dir(r->new) : is_dir;
	int err = may_delete(&r->from.path, r->old, is_dir);

	if (err)
		return err;
	if (!r->new->inode)
		err = may_create(&r->to.path, r->new, POLICY_CREATE);
	else
		err = may_delete(&r->to.path, r->new, new_is_dir);
	if (err)
		return err;
	if (r->from.path.dentry != r->to.path.dentry) { /* ".." of a moved directory is written */
		if (is_dir)
			err = inode_permission(r->old->inode, MAY_WRITE, false);
		if (!err && exchange && new_is_dir)
			err = inode_permission(r->new->inode, MAY_WRITE, false);
	}
	if (!err && (mount_is_point_here(r->old) || mount_is_point_here(r->new)))
		err = -EBUSY;
	return err;
}

static void tell_watchers(const struct renaming *r, struct inode *od, struct inode *nd,
	struct inode *moved, struct inode *target)
{
	bool exchange = r->flags & RENAME_EXCHANGE;
	const struct move there = {
		od, nd, moved, exchange ? NULL : target, &r->from.last, &r->to.last};
	const struct move back = {nd, od, target, NULL, &r->to.last, &r->from.last};

	notify_moved(&there);
	if (exchange)
		notify_moved(&back);
}

/* All checks are done and both directories locked. */
static int rename_do(struct renaming *r, struct inode *target)
{
	struct inode *od = r->from.path.dentry->inode;
	struct inode *nd = r->to.path.dentry->inode;
	struct inode *moved = r->old->inode;
	bool replaces = target && !(r->flags & RENAME_EXCHANGE);
	int err;

	if (!od->ops->rename)
		return -EPERM;
	if (target)
		rwsem_write_lock_nested(&target->lock, 2);
	if (replaces && d_is_dir(r->new))
		d_prune(r->new);
	err = od->ops->rename(od, r->old, nd, r->new, r->flags);
	if (!err && replaces && S_ISDIR(target->mode)) {
		spin_lock(&target->spin);
		target->state |= I_DEAD;
		spin_unlock(&target->spin);
	}
	if (target)
		rwsem_write_unlock(&target->lock);
	if (err)
		return err;
	if (r->flags & RENAME_EXCHANGE)
		d_exchange(r->old, r->new);
	else
		d_move(r->old, r->new);
	tell_watchers(r, od, nd, moved, target);
	return 0;
}

/* The parents are found; look the names up under their locks. @victim: a replaced inode's reference
 * to drop afterwards. */
static int rename_locked(struct renaming *r, struct inode **victim)
{
	int err = lookup_locked(r->from.path.dentry, &r->from.last, &r->old);

	if (err)
		return err;
	err = lookup_locked(r->to.path.dentry, &r->to.last, &r->new);
	if (err)
		goto put_old;
	err = check_names(r);
	if (!err && r->old->inode != r->new->inode) { /* two names of one file: nothing to do */
		err = check_permissions(r);
		if (!err && r->new->inode)
			*victim = inode_get(r->new->inode);
		if (!err)
			err = rename_do(r, *victim);
		if (!err && *victim && !(r->flags & RENAME_EXCHANGE) &&
			(READ_ONCE(r->new->flags) & D_MOUNTED))
			r->covered = d_get(r->new);
	}
	d_put(r->new);
put_old:
	d_put(r->old);
	return err;
}

int vfs_rename(const struct path *ob, const char *on, const struct path *nb, const char *nn,
	unsigned flags)
{
	struct renaming r = {.flags = flags};
	struct inode *victim = NULL;
	int err;

	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
		flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	err = path_parent(ob, on, 0, &r.from);
	if (err)
		return err;
	err = path_parent(nb, nn, 0, &r.to);
	if (err)
		goto put_from;
	if (r.from.path.mnt != r.to.path.mnt)
		err = -EXDEV;
	else if (r.from.type != LAST_NAME)
		err = -EBUSY;
	else if (r.to.type != LAST_NAME)
		err = flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	else
		err = path_want_write(&r.from.path);
	if (!err) {
		lock_dirs(r.from.path.dentry, r.to.path.dentry);
		err = rename_locked(&r, &victim);
		unlock_dirs(r.from.path.dentry, r.to.path.dentry);
	}
	if (r.covered) {
		mounts_drop_at(r.covered);
		d_put(r.covered);
	}
	if (victim)
		inode_put(victim);
	path_put(&r.to.path);
put_from:
	path_put(&r.from.path);
	return err;
}
