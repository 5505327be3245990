/*
 * attr.c - permissions and attributes: access checks, stat, chmod, chown, utimes, truncate.
 *
 * Does not: know where attributes are stored: ops->setattr does that, or inode_setattr() for those
 * in memory only. Rules: inode(7), chmod(2), chown(2), utimensat(2), truncate(2), capabilities(7).
 */
#include "internal.h"
#include <stat.h>

/* ---- permission ---- */

int generic_permission(struct inode *i, unsigned may, bool rcu)
{
	const struct cred *c = current->cred;
	mode_t mode = i->mode;
	mode_t bits = mode;

	may &= MAY_READ | MAY_WRITE | MAY_EXEC;
	if (c->fsuid == i->uid)
		bits = mode >> 6;
	else if (((mode >> 3) ^ mode) & 7 && cred_in_group(c, i->gid))
		bits = mode >> 3;
	if (!(may & ~bits))
		return 0;
	if (rcu && c->ambit) /* a refusal may have to be logged */
		return -ECHILD_WALK;
	if (S_ISDIR(mode)) {
		if (!(may & MAY_WRITE) && capable(CAP_DAC_READ_SEARCH))
			return 0;
		return capable(CAP_DAC_OVERRIDE) ? 0 : -EACCES;
	}
	if (may == MAY_READ && capable(CAP_DAC_READ_SEARCH))
		return 0;
	if ((!(may & MAY_EXEC) || (mode & 0111)) && capable(CAP_DAC_OVERRIDE))
		return 0;
	return -EACCES;
}

int inode_permission(struct inode *i, unsigned may, bool rcu)
{
	if ((may & MAY_WRITE) && sb_rdonly(i->sb) &&
		(S_ISREG(i->mode) || S_ISDIR(i->mode) || S_ISLNK(i->mode)))
		return -EROFS;
	if ((may & MAY_WRITE) && inode_immutable(i))
		return -EPERM;
	if (i->ops->permission)
		return i->ops->permission(i, may, rcu);
	return generic_permission(i, may, rcu);
}

bool inode_owner_or_capable(const struct inode *i)
{
	return current->cred->fsuid == i->uid || capable(CAP_FOWNER);
}

int path_want_write(const struct path *p)
{
	return (READ_ONCE(p->mnt->flags) & MS_RDONLY) || sb_rdonly(p->mnt->sb) ? -EROFS : 0;
}

int vfs_access(const struct path *p, unsigned may, const struct cred *c)
{
	const struct cred *own = current->cred;
	struct inode *i = p->dentry->inode;
	bool special = S_ISCHR(i->mode) || S_ISBLK(i->mode) || S_ISFIFO(i->mode) ||
		       S_ISSOCK(i->mode);
	unsigned ops = 0;
	int err;

	if ((may & MAY_EXEC) && S_ISREG(i->mode) && (p->mnt->flags & MS_NOEXEC))
		return -EACCES;
	current->cred = c;
	err = inode_permission(i, may, false);
	current->cred = own;
	if (!err && (may & MAY_WRITE) && !special)
		err = path_want_write(p);
	ops |= may & MAY_READ ? POLICY_READ : 0;
	ops |= may & MAY_WRITE ? POLICY_WRITE : 0;
	ops |= may & MAY_EXEC && !S_ISDIR(i->mode) ? POLICY_EXEC : 0;
	return err || !ops ? err : policy_file(c, p, ops);
}

int inode_may_set_flags(const struct path *p, uint32_t old, uint32_t new)
{
	int err = path_want_write(p);

	if (err)
		return err;
	if (!inode_owner_or_capable(p->dentry->inode))
		return -EPERM;
	if ((old ^ new) & (INODE_IMMUTABLE | INODE_APPEND) && !capable(CAP_LINUX_IMMUTABLE))
		return -EPERM;
	return policy_file(current->cred, p, POLICY_ATTR);
}

/* ---- reading attributes ---- */

int vfs_stat(const struct path *p, struct kstat *st)
{
	struct inode *i = p->dentry->inode;

	st->mount_id = (uint64_t)p->mnt->id;
	st->iflags = 0;
	if (unlikely(i->ops->getattr != NULL))
		return i->ops->getattr(p, st);
	generic_getattr(i, st);
	return 0;
}

/* A magic link reads as the name of what it leads to. */
static ssize_t read_magic_link(struct inode *i, char *buf, size_t size)
{
	char *page = kmalloc(PATH_MAX, GFP_KERNEL);
	struct path target;
	ssize_t n;
	char *s;

	if (!page)
		return -ENOMEM;
	n = i->ops->follow(i, &target);
	if (!n) {
		s = path_name(&target, NULL, page, PATH_MAX);
		path_put(&target);
		n = s ? (ssize_t)MIN(strlen(s), size) : -ENAMETOOLONG;
		if (s)
			memcpy(buf, s, (size_t)n);
	}
	kfree(page);
	return n;
}

ssize_t vfs_readlink(const struct path *p, char *buf, size_t size)
{
	struct inode *i = p->dentry->inode;
	const char *text;
	size_t n;
	int err = 0;

	if (S_ISLNK(i->mode) && i->ops->follow)
		return read_magic_link(i, buf, size);
	if (!S_ISLNK(i->mode) || !i->ops->get_link)
		return -EINVAL;
	text = i->ops->get_link(i, false, &err);
	if (!text)
		return err ? err : -EINVAL;
	path_touch_atime(p, i);
	n = strlen(text);
	if (n > size)
		n = size;
	memcpy(buf, text, n);
	return (ssize_t)n;
}

/* ---- changing attributes ---- */

/* One time alone stands for the reading or writing that would have changed it. */
static uint32_t change_event(unsigned valid)
{
	const unsigned times = ATTR_ATIME | ATTR_MTIME;
	uint32_t event = 0;

	if (valid & (ATTR_MODE | ATTR_UID | ATTR_GID) || (valid & times) == times)
		event |= IN_ATTRIB;
	if ((valid & times) == ATTR_ATIME)
		event |= IN_ACCESS;
	if ((valid & times) == ATTR_MTIME || valid & ATTR_SIZE)
		event |= IN_MODIFY;
	return event;
}

int vfs_setattr(struct dentry *d, struct iattr *a)
{
	struct inode *i = d->inode;
	int err = 0;

	if (!(a->valid & ATTR_CTIME)) {
		a->valid |= ATTR_CTIME;
		a->ctime = time_now_coarse();
	}
	if (i->ops->setattr)
		err = i->ops->setattr(d, a);
	else if (a->valid & ATTR_SIZE)
		err = -EINVAL;
	else
		inode_setattr(i, a);
	if (!err && change_event(a->valid))
		notify_dentry(d, change_event(a->valid));
	return err;
}

/* ioctl_iflags(2); @touch: times of now, as anybody who may write can set them. */
static int flags_allow(const struct inode *i, bool touch)
{
	return inode_immutable(i) || (inode_append_only(i) && !touch) ? -EPERM : 0;
}

static int setattr_locked(const struct path *p, struct iattr *a)
{
	struct inode *i = p->dentry->inode;
	int err = policy_file(current->cred, p, POLICY_ATTR);

	if (err)
		return err;
	rwsem_write_lock(&i->lock);
	if (a->valid & ATTR_KILL_CAPS)
		err = inode_kill_caps(i);
	if (!err)
		err = vfs_setattr(p->dentry, a);
	rwsem_write_unlock(&i->lock);
	return err;
}

int vfs_chmod(const struct path *p, mode_t mode)
{
	struct inode *i = p->dentry->inode;
	struct iattr a = {.valid = ATTR_MODE};
	int err = path_want_write(p);

	if (err)
		return err;
	if (S_ISLNK(i->mode))
		return -EOPNOTSUPP;
	err = flags_allow(i, false);
	if (err)
		return err;
	if (!inode_owner_or_capable(i))
		return -EPERM;
	a.mode = mode & 07777;
	if ((a.mode & S_ISGID) && !cred_in_group(current->cred, i->gid) && !capable(CAP_FSETID))
		a.mode &= ~S_ISGID;
	a.mode |= i->mode & S_IFMT;
	return setattr_locked(p, &a);
}

/* The set-id bits that a write or a change of owner takes away, or 0. */
static mode_t suid_bits(const struct inode *i)
{
	mode_t kill = i->mode & S_ISUID;

	if (i->mode & S_ISGID && (i->mode & S_IXGRP || (!cred_in_group(current->cred, i->gid) &&
							       !capable(CAP_FSETID))))
		kill |= S_ISGID;
	return S_ISREG(i->mode) ? kill : 0;
}

int vfs_chown(const struct path *p, uid_t uid, gid_t gid)
{
	struct inode *i = p->dentry->inode;
	const struct cred *c = current->cred;
	struct iattr a = {0};
	int err = path_want_write(p);

	if (!err)
		err = flags_allow(i, uid == (uid_t)-1 && gid == (gid_t)-1);
	if (err)
		return err;
	if (uid != (uid_t)-1) {
		a.valid |= ATTR_UID;
		a.uid = uid;
		if ((c->fsuid != i->uid || uid != i->uid) && !capable(CAP_CHOWN))
			return -EPERM;
	}
	if (gid != (gid_t)-1) {
		a.valid |= ATTR_GID;
		a.gid = gid;
		if ((c->fsuid != i->uid || (gid != i->gid && !cred_in_group(c, gid))) &&
			!capable(CAP_CHOWN))
			return -EPERM;
	}
	if (suid_bits(i)) {
		a.valid |= ATTR_MODE;
		a.mode = i->mode & ~suid_bits(i);
	}
	if (!S_ISDIR(i->mode))
		a.valid |= ATTR_KILL_CAPS;
	return setattr_locked(p, &a);
}

static bool time_arg_valid(const struct timespec *t)
{
	return t->tv_nsec == UTIME_NOW || t->tv_nsec == UTIME_OMIT ||
	       (t->tv_nsec >= 0 && t->tv_nsec < (int64_t)NSEC_PER_SEC);
}

int vfs_utimes(const struct path *p, const struct timespec ts[2])
{
	struct inode *i = p->dentry->inode;
	struct iattr a = {.valid = ATTR_ATIME | ATTR_MTIME};
	bool both_now = !ts || (ts[0].tv_nsec == UTIME_NOW && ts[1].tv_nsec == UTIME_NOW);
	int err;

	if (ts && (!time_arg_valid(&ts[0]) || !time_arg_valid(&ts[1])))
		return -EINVAL;
	if (ts && ts[0].tv_nsec == UTIME_OMIT && ts[1].tv_nsec == UTIME_OMIT)
		return 0;
	err = path_want_write(p);
	if (!err)
		err = flags_allow(i, both_now);
	if (err)
		return err;
	if (!inode_owner_or_capable(i)) {
		if (!both_now)
			return -EPERM;
		err = inode_permission(i, MAY_WRITE, false);
		if (err)
			return err;
	}
	a.atime = a.mtime = a.ctime = time_now_coarse();
	a.valid |= ATTR_CTIME;
	if (!both_now) {
		if (ts[0].tv_nsec == UTIME_OMIT)
			a.valid &= ~ATTR_ATIME;
		else if (ts[0].tv_nsec != UTIME_NOW)
			a.atime = ts[0];
		if (ts[1].tv_nsec == UTIME_OMIT)
			a.valid &= ~ATTR_MTIME;
		else if (ts[1].tv_nsec != UTIME_NOW)
			a.mtime = ts[1];
	}
	return setattr_locked(p, &a);
}

int inode_kill_suid(struct dentry *d)
{
	struct inode *i = d->inode;
	mode_t kill = suid_bits(i);
	struct iattr a = {.valid = ATTR_MODE};
	int err = inode_kill_caps(i);

	if (err || likely(!kill) || capable(CAP_FSETID))
		return err;
	a.mode = i->mode & ~kill;
	return vfs_setattr(d, &a);
}

/* ---- size ---- */

static int size_allowed(const struct inode *i, int64_t size)
{
	if (size < 0)
		return -EINVAL;
	if (size > i_size_read(i) && file_size_limit && (uint64_t)size > file_size_limit()) {
		if (file_too_big)
			file_too_big();
		return -EFBIG;
	}
	return i->sb->max_size && size > i->sb->max_size ? -EFBIG : 0;
}

int inode_truncate(const struct path *p, int64_t size, struct file *f)
{
	struct inode *i = p->dentry->inode;
	struct iattr a = {.valid = ATTR_SIZE | ATTR_MTIME | ATTR_CTIME, .size = size, .file = f};
	int err = READ_ONCE(i->write_count) < 0 ? -ETXTBSY : size_allowed(i, size);

	if (err)
		return err;
	rwsem_write_lock(&i->lock);
	a.mtime = a.ctime = time_now_coarse();
	if (suid_bits(i) && !capable(CAP_FSETID)) {
		a.valid |= ATTR_MODE;
		a.mode = i->mode & ~suid_bits(i);
	}
	err = inode_immutable(i) ? -EPERM : inode_kill_caps(i);
	if (!err)
		err = vfs_setattr(p->dentry, &a);
	rwsem_write_unlock(&i->lock);
	return err;
}

int vfs_truncate(const struct path *p, int64_t size)
{
	struct inode *i = p->dentry->inode;
	int err;

	if (size < 0)
		return -EINVAL;
	if (S_ISDIR(i->mode))
		return -EISDIR;
	if (!S_ISREG(i->mode))
		return -EINVAL;
	err = path_want_write(p);
	if (!err)
		err = inode_permission(i, MAY_WRITE, false);
	if (!err && inode_append_only(i))
		err = -EPERM;
	if (!err)
		err = policy_file(current->cred, p, POLICY_WRITE);
	return err ? err : inode_truncate(p, size, NULL);
}

int vfs_ftruncate(struct file *f, int64_t size)
{
	if (f->mode & FMODE_PATH)
		return -EBADF;
	if (!(f->mode & FMODE_WRITE) || !S_ISREG(f->inode->mode) || size < 0)
		return -EINVAL;
	if (inode_append_only(f->inode))
		return -EPERM;
	return inode_truncate(&f->path, size, f);
}
