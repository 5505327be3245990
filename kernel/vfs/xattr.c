/*
 * xattr.c - extended attributes: which names there are, and who may read and change them.
 *
 * Theory. A name is a namespace and a rest. "user." is for everybody whom the permission bits of
 * the file let read or write, so only files and directories have such attributes: the bits of
 * other types mean access to what stands behind them, and anybody could fill a disk through a
 * device. In a sticky directory, which all may write, they are the owner's. "trusted." is seen and
 * changed with CAP_SYS_ADMIN alone, "security." read by all and changed with CAP_SYS_ADMIN;
 * security.capability (capabilities(7), File capabilities) is changed with CAP_SETFCAP and must
 * have the form of such a set, or be empty (which Linux lets anybody write; here it takes the same
 * capability, as it takes a set away). "system." has no handler here: no ACLs.
 *
 * A capability set belongs to the contents it was given to, so writing, truncating and a change of
 * owner take it away. INODE_CAPS says that there may be one: set by the file system when it reads
 * an inode that has any attribute, and here; cleared when a look has found none.
 *
 * Attributes are atomic: they are read with inode->lock shared, and changed with it held for
 * writing. The order of the checks is Linux's, as far as programs see it.
 *
 * Does not: ACLs, security modules, honour file capabilities at exec.
 */
#include "internal.h"
#include <stat.h>
#include <string.h>
#include <xattr.h>

static const struct {
	const char *prefix;
	unsigned len;
} spaces[XATTR_SPACES] = {
	[XATTR_USER] = {"user.", 5},
	[XATTR_TRUSTED] = {"trusted.", 8},
	[XATTR_SECURITY] = {"security.", 9},
};
static const struct xattr_name capability_name = {XATTR_SECURITY, "capability", 10};

/* ---- names ---- */

static bool in_space(const char *name, enum xattr_space space)
{
	return !strncmp(name, spaces[space].prefix, spaces[space].len);
}

/* -EOPNOTSUPP: no such namespace; -EINVAL: nothing behind the dot. */
static int parse_name(const char *name, struct xattr_name *n)
{
	for (unsigned k = 0; k < XATTR_SPACES; k++) {
		if (!in_space(name, k))
			continue;
		n->space = k;
		n->text = name + spaces[k].len;
		n->len = (unsigned)strlen(n->text);
		return n->len ? 0 : -EINVAL;
	}
	return -EOPNOTSUPP;
}

static bool is_capability(const char *name)
{
	return in_space(name, XATTR_SECURITY) && !strcmp(name + 9, capability_name.text);
}

/* The operations of the file system of @i, and what it calls the attribute; NULL: *err. */
static const struct xattr_ops *find_ops(
	const struct inode *i, const char *name, struct xattr_name *n, int *err)
{
	*err = i->ops->xattr ? parse_name(name, n) : -EOPNOTSUPP;
	return *err ? NULL : i->ops->xattr;
}

/* ---- who may ---- */

/* @may: MAY_READ or MAY_WRITE. */
static int permission(struct inode *i, const char *name, unsigned may)
{
	bool change = may == MAY_WRITE;

	if (change && (inode_immutable(i) || inode_append_only(i)))
		return -EPERM;
	if (in_space(name, XATTR_SECURITY) || !strncmp(name, "system.", 7))
		return 0;
	if (in_space(name, XATTR_TRUSTED)) {
		if (capable(CAP_SYS_ADMIN))
			return 0;
		return change ? -EPERM : -ENODATA;
	}
	if (in_space(name, XATTR_USER)) {
		if (!S_ISREG(i->mode) && !S_ISDIR(i->mode))
			return change ? -EPERM : -ENODATA;
		if (change && S_ISDIR(i->mode) && (i->mode & S_ISVTX) && !inode_owner_or_capable(i))
			return -EPERM;
	}
	return inode_permission(i, may, false);
}

static int may_change(const struct path *p, const char *name)
{
	int err = permission(p->dentry->inode, name, MAY_WRITE);

	if (!err && in_space(name, XATTR_SECURITY) &&
		!capable(is_capability(name) ? CAP_SETFCAP : CAP_SYS_ADMIN))
		err = -EPERM;
	return err ? err : policy_file(current->cred, p, POLICY_ATTR);
}

/* Revisions 2 (two words of each set) and 3 (the same, and a root user) of struct vfs_cap_data. */
static int check_capability(const void *value, size_t size)
{
	__le32 head;

	if (size != 20 && size != 24)
		return -EINVAL;
	memcpy(&head, value, sizeof(head));
	if (le32(head) >> 24 != (size == 20 ? 2 : 3))
		return -EINVAL;
	return capable(CAP_SETFCAP) ? 0 : -EPERM;
}

/* ---- the calls ---- */

ssize_t vfs_getxattr(const struct path *p, const char *name, void *buf, size_t size)
{
	struct inode *i = p->dentry->inode;
	const struct xattr_ops *ops;
	struct xattr_name n;
	int err = permission(i, name, MAY_READ);
	ssize_t len;

	if (!err)
		err = policy_file(current->cred, p, POLICY_READ);
	if (err)
		return err;
	ops = find_ops(i, name, &n, &err);
	if (!ops)
		return err;
	rwsem_read_lock(&i->lock);
	len = ops->get(i, &n, buf, size);
	rwsem_read_unlock(&i->lock);
	return len;
}

/* inode->lock is held for writing. @value NULL: remove. */
static int change_locked(
	const struct path *p, const char *name, const void *value, size_t size, unsigned flags)
{
	struct inode *i = p->dentry->inode;
	const struct xattr_ops *ops;
	struct xattr_name n;
	int err = may_change(p, name);

	if (err)
		return err;
	ops = find_ops(i, name, &n, &err);
	if (!ops)
		return err;
	if (value && is_capability(name))
		WRITE_ONCE(i->iflags, i->iflags | INODE_CAPS);
	return ops->set(i, &n, value, size, flags);
}

static int change(
	const struct path *p, const char *name, const void *value, size_t size, unsigned flags)
{
	struct inode *i = p->dentry->inode;
	int err = path_want_write(p);

	if (!err && size && is_capability(name))
		err = check_capability(value, size);
	if (err)
		return err;
	rwsem_write_lock(&i->lock);
	err = change_locked(p, name, value, size, flags);
	if (!err)
		notify_dentry(p->dentry, IN_ATTRIB);
	rwsem_write_unlock(&i->lock);
	return err;
}

int vfs_setxattr(
	const struct path *p, const char *name, const void *value, size_t size, unsigned flags)
{
	return change(p, name, value ? value : "", size, flags);
}

int vfs_removexattr(const struct path *p, const char *name)
{
	return change(p, name, NULL, 0, XATTR_REPLACE);
}

ssize_t vfs_listxattr(const struct path *p, char *buf, size_t size)
{
	struct xattr_list l = {.buf = buf, .size = size, .with_trusted = capable(CAP_SYS_ADMIN)};
	struct inode *i = p->dentry->inode;
	int err;

	if (!i->ops->xattr)
		return 0;
	rwsem_read_lock(&i->lock);
	err = i->ops->xattr->list(i, &l);
	rwsem_read_unlock(&i->lock);
	return err ? err : (ssize_t)l.used;
}

int inode_kill_caps(struct inode *i)
{
	const struct xattr_ops *ops = i->ops->xattr;
	int err = 0;

	if (likely(!(i->iflags & INODE_CAPS)))
		return 0;
	if (ops && ops->get(i, &capability_name, NULL, 0) != -ENODATA)
		err = ops->set(i, &capability_name, NULL, 0, 0);
	if (!err)
		WRITE_ONCE(i->iflags, i->iflags & ~(uint32_t)INODE_CAPS);
	return err;
}

/* ---- for file systems ---- */

int xattr_list_add(struct xattr_list *l, enum xattr_space space, const char *text, unsigned len)
{
	size_t need = spaces[space].len + len + 1;
	char *at;

	if (space == XATTR_TRUSTED && !l->with_trusted)
		return 0;
	if (l->size) {
		if (need > l->size - l->used)
			return -ERANGE;
		at = l->buf + l->used;
		memcpy(at, spaces[space].prefix, spaces[space].len);
		memcpy(at + spaces[space].len, text, len);
		at[need - 1] = 0;
	}
	l->used += need;
	return 0;
}

ssize_t xattr_copy(void *buf, size_t size, const void *value, size_t len)
{
	if (!size)
		return (ssize_t)len;
	if (len > size)
		return -ERANGE;
	memcpy(buf, value, len);
	return (ssize_t)len;
}

int xattr_check_flags(bool exists, unsigned flags)
{
	if (exists)
		return flags & XATTR_CREATE ? -EEXIST : 0;
	return flags & XATTR_REPLACE ? -ENODATA : 0;
}
