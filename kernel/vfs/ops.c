/*
 * ops.c - making and removing names: mkdir, mknod, symlink, link, unlink, rmdir.
 *
 * Does not: rename (rename.c), create by open (open.c). A file system's operation is called with
 * the directory locked for writing, and a victim's or link target's inode locked inside it; the
 * checks of man pages and capabilities are done here before. The victim's last reference is dropped
 * after the locks, as freeing a big file takes long.
 */
#include "internal.h"
#include <stat.h>

static int dir_may_change(struct inode *dir)
{
	if (dir->state & I_DEAD)
		return -ENOENT;
	return inode_permission(dir, MAY_WRITE | MAY_EXEC, false);
}

int may_create(const struct path *dir, struct dentry *d, unsigned policy_op)
{
	struct path at = {dir->mnt, d};
	int err;

	if (d->inode)
		return -EEXIST;
	err = dir_may_change(dir->dentry->inode);
	return err ? err : policy_file(current->cred, &at, policy_op);
}

static bool sticky_forbids(const struct inode *dir, const struct inode *victim)
{
	uid_t me = current->cred->fsuid;

	if (!(dir->mode & S_ISVTX) || me == victim->uid || me == dir->uid)
		return false;
	return !capable(CAP_FOWNER);
}

int may_delete(const struct path *dir, struct dentry *victim, bool is_dir)
{
	struct path at = {dir->mnt, victim};
	int err;

	if (!victim->inode)
		return -ENOENT;
	err = dir_may_change(dir->dentry->inode);
	if (err)
		return err;
	if (inode_append_only(dir->dentry->inode) ||
		sticky_forbids(dir->dentry->inode, victim->inode) ||
		inode_append_only(victim->inode) || inode_immutable(victim->inode) ||
		READ_ONCE(victim->inode->state) & I_SWAPFILE)
		return -EPERM;
	if (is_dir && !S_ISDIR(victim->inode->mode))
		return -ENOTDIR;
	if (!is_dir && S_ISDIR(victim->inode->mode))
		return -EISDIR;
	return policy_file(current->cred, &at, POLICY_DELETE);
}

/*
 * The directory locked and a negative dentry for the new name. Undone by change_end().
 * An existing name is EEXIST even where nothing could be written.
 */
static int create_begin(
	const struct path *base, const char *name, bool is_dir, struct parent *p, struct dentry **d)
{
	struct inode *dir;
	int err = path_parent(base, name, 0, p);

	if (err)
		return err;
	if (p->type != LAST_NAME) {
		path_put(&p->path);
		return -EEXIST;
	}
	dir = p->path.dentry->inode;
	rwsem_write_lock(&dir->lock);
	err = lookup_locked(p->path.dentry, &p->last, d);
	if (err)
		goto unlock;
	if ((*d)->inode)
		err = -EEXIST;
	else if (p->trailing && !is_dir)
		err = -ENOENT;
	else
		err = path_want_write(&p->path);
	if (!err)
		err = may_create(&p->path, *d, POLICY_CREATE);
	if (!err)
		return 0;
	d_put(*d);
unlock:
	rwsem_write_unlock(&dir->lock);
	path_put(&p->path);
	return err;
}

static void change_end(struct parent *p, struct dentry *d, int err)
{
	if (!err)
		notify_create(p->path.dentry->inode, d);
	rwsem_write_unlock(&p->path.dentry->inode->lock);
	d_put(d);
	path_put(&p->path);
}

int vfs_mkdir(const struct path *base, const char *name, mode_t mode)
{
	struct parent p;
	struct dentry *d;
	struct inode *dir;
	int err = create_begin(base, name, true, &p, &d);

	if (err)
		return err;
	dir = p.path.dentry->inode;
	mode &= (0777 | S_ISVTX) & ~current->fs->umask;
	err = dir->ops->mkdir ? dir->ops->mkdir(dir, d, mode | S_IFDIR) : -EPERM;
	change_end(&p, d, err);
	return err;
}

/* The character device 0:0 can never be opened: a mark (a "whiteout") that anybody may make. */
static int mknod_allowed(mode_t mode, dev_t dev)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		return 0;
	case S_IFCHR:
		if (!dev)
			return 0;
		__fallthrough;
	case S_IFBLK:
		return capable(CAP_MKNOD) ? 0 : -EPERM;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
}

int vfs_mknod_path(
	const struct path *base, const char *name, mode_t mode, dev_t dev, struct path *out)
{
	struct parent p;
	struct dentry *d;
	struct inode *dir;
	int err;

	if (!(mode & S_IFMT))
		mode |= S_IFREG;
	err = mknod_allowed(mode, dev);
	if (err)
		return err;
	err = create_begin(base, name, false, &p, &d);
	if (err)
		return err;
	dir = p.path.dentry->inode;
	mode = (mode & S_IFMT) | (mode & 07777 & ~current->fs->umask);
	if (S_ISCHR(mode) || S_ISBLK(mode)) {
		struct path at = {p.path.mnt, d};

		err = policy_device(current->cred, &at, mode & S_IFMT, dev);
	}
	if (!err && S_ISREG(mode))
		err = dir->ops->create ? dir->ops->create(dir, d, mode) : -EPERM;
	else if (!err)
		err = dir->ops->mknod ? dir->ops->mknod(dir, d, mode, dev) : -EPERM;
	if (!err && out) {
		*out = (struct path){p.path.mnt, d};
		path_get(out);
	}
	change_end(&p, d, err);
	return err;
}

int vfs_mknod(const struct path *base, const char *name, mode_t mode, dev_t dev)
{
	return vfs_mknod_path(base, name, mode, dev, NULL);
}

int vfs_symlink(const char *target, const struct path *base, const char *name)
{
	struct parent p;
	struct dentry *d;
	struct inode *dir;
	int err;

	if (!*target)
		return -ENOENT;
	err = create_begin(base, name, false, &p, &d);
	if (err)
		return err;
	dir = p.path.dentry->inode;
	err = dir->ops->symlink ? dir->ops->symlink(dir, d, target) : -EPERM;
	change_end(&p, d, err);
	return err;
}

int vfs_link(const struct path *from, const struct path *base, const char *name)
{
	struct inode *target = from->dentry->inode;
	struct parent p;
	struct dentry *d;
	struct inode *dir;
	int err;

	err = create_begin(base, name, false, &p, &d);
	if (err)
		return err;
	dir = p.path.dentry->inode;
	if (from->mnt != p.path.mnt)
		err = -EXDEV;
	else if (S_ISDIR(target->mode) || !dir->ops->link || inode_immutable(target) ||
		 inode_append_only(target))
		err = -EPERM;
	else
		err = policy_file(current->cred, from, POLICY_READ);
	if (!err) {
		rwsem_write_lock_nested(&target->lock, 1);
		if (!target->nlink && !(target->state & I_LINKABLE))
			err = -ENOENT;
		else
			err = dir->ops->link(dir, d, target);
		rwsem_write_unlock(&target->lock);
		if (!err)
			notify_inode(target, IN_ATTRIB);
	}
	change_end(&p, d, err);
	return err;
}

/* The directory locked and the victim's dentry, allowed to go. Undone by change_end(). */
static int remove_begin(
	const struct path *base, const char *name, bool is_dir, struct parent *p, struct dentry **d)
{
	static const int no_name[2][4] = {
		{0, -EISDIR, -EISDIR, -EISDIR},   /* unlink of ".", "..", "/" */
		{0, -EINVAL, -ENOTEMPTY, -EBUSY}, /* rmdir */
	};
	struct inode *dir;
	int err = path_parent(base, name, 0, p);

	if (err)
		return err;
	err = no_name[is_dir][p->type];
	if (!err)
		err = path_want_write(&p->path);
	if (err)
		goto put;
	dir = p->path.dentry->inode;
	rwsem_write_lock(&dir->lock);
	err = lookup_locked(p->path.dentry, &p->last, d);
	if (err)
		goto unlock;
	if (p->trailing && !is_dir && (*d)->inode)
		err = d_is_dir(*d) ? -EISDIR : -ENOTDIR;
	else
		err = may_delete(&p->path, *d, is_dir);
	if (!err && mount_is_point_here(*d))
		err = -EBUSY;
	if (!err)
		return 0;
	d_put(*d);
unlock:
	rwsem_write_unlock(&dir->lock);
put:
	path_put(&p->path);
	return err;
}

/* As change_end(); what other namespaces have mounted on the removed name goes. */
static void remove_end(struct parent *p, struct dentry *d, int err)
{
	rwsem_write_unlock(&p->path.dentry->inode->lock);
	if (!err)
		mounts_drop_at(d);
	d_put(d);
	path_put(&p->path);
}

int vfs_unlink(const struct path *base, const char *name)
{
	struct parent p;
	struct dentry *d;
	struct inode *dir;
	struct inode *victim;
	int err = remove_begin(base, name, false, &p, &d);

	if (err)
		return err;
	dir = p.path.dentry->inode;
	victim = inode_get(d->inode);
	rwsem_write_lock_nested(&victim->lock, 1);
	err = dir->ops->unlink ? dir->ops->unlink(dir, d) : -EPERM;
	rwsem_write_unlock(&victim->lock);
	if (!err) {
		notify_inode(victim, IN_ATTRIB);
		d_delete(d);
		notify_name(dir, &d->name, IN_DELETE);
	}
	remove_end(&p, d, err);
	inode_put(victim);
	return err;
}

int vfs_rmdir(const struct path *base, const char *name)
{
	struct parent p;
	struct dentry *d;
	struct inode *dir;
	struct inode *victim;
	int err = remove_begin(base, name, true, &p, &d);

	if (err)
		return err;
	dir = p.path.dentry->inode;
	victim = inode_get(d->inode);
	rwsem_write_lock_nested(&victim->lock, 1);
	d_prune(d);
	err = dir->ops->rmdir ? dir->ops->rmdir(dir, d) : -EPERM;
	if (!err) {
		spin_lock(&victim->spin);
		victim->state |= I_DEAD;
		spin_unlock(&victim->spin);
	}
	rwsem_write_unlock(&victim->lock);
	if (!err) {
		d_delete(d);
		notify_name(dir, &d->name, IN_DELETE | IN_ISDIR);
	}
	remove_end(&p, d, err);
	inode_put(victim);
	return err;
}
