/*
 * open.c - open(2): from flags and a name to an open file.
 *
 * Does not: allocate descriptors. Order of work: the file is allocated first (so that no name is
 * created in vain), then the name is walked, created if asked for, permission and policy are asked,
 * the inode's open is called, and last comes O_TRUNC.
 */
#include "internal.h"
#include <stat.h>

#define O_TMPFILE_BIT (O_TMPFILE & ~O_DIRECTORY)

static unsigned open_may(unsigned flags)
{
	static const uint8_t by_mode[4] = {
		MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE};

	return by_mode[flags & O_ACCMODE] | (flags & O_TRUNC ? MAY_WRITE : 0);
}

static int may_open(const struct path *p, unsigned flags)
{
	struct inode *i = p->dentry->inode;
	unsigned may = open_may(flags);
	unsigned ops = (may & MAY_READ ? POLICY_READ : 0) | (may & MAY_WRITE ? POLICY_WRITE : 0);
	int err = 0;

	switch (i->mode & S_IFMT) {
	case S_IFLNK:
		return -ELOOP;
	case S_IFDIR:
		if (may & MAY_WRITE)
			return -EISDIR;
		break;
	case S_IFCHR:
	case S_IFBLK:
		if (p->mnt->flags & MS_NODEV)
			return -EACCES;
		err = policy_device(current->cred, p, i->mode & S_IFMT, i->rdev);
		break;
	case S_IFREG:
		if (may & MAY_WRITE)
			err = path_want_write(p);
		break;
	}
	if (!err)
		err = inode_permission(i, may, false);
	if (!err && inode_append_only(i) &&
		(((may & MAY_WRITE) && !(flags & O_APPEND)) || (flags & O_TRUNC)))
		err = -EPERM;
	if (!err && (flags & O_NOATIME) && !inode_owner_or_capable(i))
		err = -EPERM;
	return err ? err : policy_file(current->cred, p, ops);
}

/* The name was found (or just made): @p is consumed. */
static int finish_open(struct file *f, struct path *p, unsigned flags, bool created)
{
	struct inode *i = p->dentry->inode;
	int err = 0;

	if (!created && !(flags & O_PATH))
		err = may_open(p, flags);
	if (err) {
		path_put(p);
		return err;
	}
	err = file_open_path(f, p);
	if (notify_anybody() && !err)
		notify_file(f, IN_OPEN);
	if (!err && (flags & O_TRUNC) && !(flags & O_PATH) && !created && S_ISREG(i->mode))
		err = inode_truncate(&f->path, 0, f);
	return err;
}

/* The directory is locked for writing: create the missing name. */
static int create_locked(struct walk *w, struct dentry *d, mode_t mode)
{
	struct inode *dir = w->inode;
	int err = path_want_write(&w->path);

	if (!err)
		err = may_create(&w->path, d, POLICY_CREATE);
	if (err)
		return err;
	if (!dir->ops->create)
		return -EACCES;
	err = dir->ops->create(dir, d, S_IFREG | (mode & 07777 & ~current->fs->umask));
	if (!err)
		notify_create(dir, d);
	return err;
}

/* The last component into @n, made if it is not there. */
static int find_or_create(struct walk *w, mode_t mode, struct step *n, bool *created)
{
	int err = walk_step(w, &w->last, n);

	*created = false;
	if (err || n->inode)
		return err;
	rwsem_write_lock(&w->inode->lock);
	if (n->dentry->inode || (n->dentry->flags & D_UNHASHED)) { /* no longer as we found it */
		d_put(n->dentry);
		err = lookup_locked(w->path.dentry, &w->last, &n->dentry);
		if (err) {
			rwsem_write_unlock(&w->inode->lock);
			return err;
		}
	}
	if (!n->dentry->inode) {
		err = create_locked(w, n->dentry, mode);
		*created = !err;
	}
	n->inode = n->dentry->inode;
	rwsem_write_unlock(&w->inode->lock);
	if (err) {
		d_put(n->dentry);
		return err;
	}
	return *created ? 0 : walk_cross_mounts(w, n);
}

/* O_CREAT: walk to the parent, then look, create, or follow a link and go on there. */
static int open_create(struct file *f, const struct path *base, const char *name, unsigned flags,
	mode_t mode, unsigned lookup)
{
	struct walk w VFS_UNINIT;
	struct step n;
	struct path p;
	const char *text;
	bool created = false;
	int err = walk_parent(&w, base, name, lookup);

	if (err)
		return err;
	for (;;) {
		if (w.last_type == LAST_NONE && !w.trailing &&
			!d_is_dir(w.path.dentry)) { /* a magic link's file */
			p = w.path;
			path_get(&p);
			break;
		}
		err = -EISDIR;
		if (w.last_type != LAST_NAME || w.trailing)
			goto end;
		err = find_or_create(&w, mode, &n, &created);
		if (err)
			goto end;
		if (!created && (flags & O_EXCL))
			err = -EEXIST;
		else if (d_is_symlink(n.dentry) && (flags & O_NOFOLLOW))
			err = -ELOOP;
		else if (d_is_dir(n.dentry))
			err = -EISDIR;
		if (err) {
			walk_step_drop(&w, &n);
			goto end;
		}
		if (!d_is_symlink(n.dentry)) {
			p = (struct path){n.mnt, n.dentry};
			if (n.mnt == w.path.mnt)
				mount_get(n.mnt);
			break;
		}
		err = walk_link(&w, &n, NULL, &text);
		if (!err)
			err = walk_names(&w, text);
		if (err)
			goto end;
	}
	err = finish_open(f, &p, flags, created);
end:
	walk_end(&w);
	return err;
}

/* O_TMPFILE: a file without a name in the file system of the directory. */
static int open_tmpfile(struct file *f, const struct path *base, const char *name, unsigned flags,
	mode_t mode, unsigned lookup)
{
	static const struct qstr no_name = {"(tmpfile)", 9, 0};
	struct path dir;
	struct path p;
	struct inode *di;
	struct inode *i;
	int err = path_lookup(base, name, lookup | LOOKUP_DIRECTORY | LOOKUP_FOLLOW, &dir);

	if (err)
		return err;
	di = dir.dentry->inode;
	err = path_want_write(&dir);
	if (!err)
		err = inode_permission(di, MAY_WRITE | MAY_EXEC, false);
	if (!err && !di->ops->tmpfile)
		err = -EOPNOTSUPP;
	if (!err)
		err = policy_file(current->cred, &dir, POLICY_CREATE);
	if (err)
		goto put_dir;
	p.mnt = dir.mnt;
	p.dentry = d_alloc(dir.dentry, &no_name);
	err = p.dentry ? 0 : -ENOMEM;
	if (err)
		goto put_dir;
	err = di->ops->tmpfile(di, &i, S_IFREG | (mode & 07777 & ~current->fs->umask));
	if (err) {
		d_put(p.dentry);
		goto put_dir;
	}
	if (!(flags & O_EXCL))
		i->state |= I_LINKABLE;
	d_instantiate(p.dentry, i);
	mount_get(p.mnt);
	err = finish_open(f, &p, flags & ~(unsigned)O_TRUNC, true);
put_dir:
	path_put(&dir);
	return err;
}

static int open_existing(
	struct file *f, const struct path *base, const char *name, unsigned flags, unsigned lookup)
{
	struct path p;
	int err;

	if (flags & O_DIRECTORY)
		lookup |= LOOKUP_DIRECTORY;
	if (!(flags & O_NOFOLLOW))
		lookup |= LOOKUP_FOLLOW;
	err = path_lookup(base, name, lookup, &p);
	return err ? err : finish_open(f, &p, flags, false);
}

int vfs_open(const struct path *base, const char *name, unsigned flags, mode_t mode,
	unsigned lookup, struct file **out)
{
	bool tmpfile = flags & O_TMPFILE_BIT && !(flags & O_PATH);
	struct file *f;
	int err;

	lookup &= ~(unsigned)(LOOKUP_FOLLOW | LOOKUP_PARENT);
	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if (tmpfile &&
		(!(flags & O_DIRECTORY) || (flags & O_CREAT) || !(open_may(flags) & MAY_WRITE)))
		return -EINVAL;
	if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
		return -EINVAL;
	f = file_alloc(flags);
	if (!f)
		return -ENFILE;
	if (unlikely(tmpfile))
		err = open_tmpfile(f, base, name, flags, mode, lookup);
	else if (flags & O_CREAT)
		err = open_create(f, base, name, flags, mode, lookup);
	else
		err = open_existing(f, base, name, flags, lookup);
	if (err) {
		file_put(f);
		return err;
	}
	*out = f;
	return 0;
}

int vfs_open_path(const struct path *p, unsigned flags, struct file **out)
{
	struct file *f = file_alloc(flags);
	struct path own = *p;
	int err;

	if (!f)
		return -ENFILE;
	path_get(&own);
	err = finish_open(f, &own, flags, false);
	if (err) {
		file_put(f);
		return err;
	}
	*out = f;
	return 0;
}
