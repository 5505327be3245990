/*
 * sys_xattr.c - extended attributes: setxattr(2), getxattr(2), listxattr(2), removexattr(2), those
 * that begin with l and f, and those that end in "at".
 *
 * The name is copied and judged before the file is looked for, then the value; so does Linux since
 * 6.13. Rules of names and callers: kernel/vfs/xattr.c.
 */
#include "compat.h"
#include <xattr.h>

/* One call, whatever it does and whichever file it is for. */
struct xattr_call {
	long (*act)(const struct path *p, struct xattr_call *c);
	char name[XATTR_NAME_MAX + 1];
	void *buf; /* the kernel's, of @size bytes; NULL: none */
	size_t size;
	unsigned flags;
};

/* What setxattrat(2) and getxattrat(2) are given. */
struct xattr_args {
	uint64_t value;
	uint32_t size, flags;
};
static_assert(sizeof(struct xattr_args) == 16, "struct xattr_args, version 0");

/* ---- which file ---- */

static long act_on_fd(int fd, struct xattr_call *c)
{
	struct fd_ref r = fd_begin(fd);
	long n;

	if (!r.file)
		return -EBADF;
	n = c->act(&r.file->path, c);
	fd_end(r);
	return n;
}

/* *empty: with AT_EMPTY_PATH there may be no name, or an empty one. */
static int path_is_empty(const char __user *path, unsigned at_flags, bool *empty)
{
	char first;

	*empty = at_flags & AT_EMPTY_PATH && !path;
	if (!(at_flags & AT_EMPTY_PATH) || !path)
		return 0;
	if (get_user(first, path))
		return -EFAULT;
	*empty = !first;
	return 0;
}

static long act_on_path(int dfd, const char __user *path, unsigned at_flags, struct xattr_call *c)
{
	unsigned lookup = at_flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	struct path p;
	bool empty;
	long n = path_is_empty(path, at_flags, &empty);

	if (n)
		return n;
	if (empty && dfd != AT_FDCWD)
		return act_on_fd(dfd, c);
	if (empty)
		fs_get_cwd(&p);
	else
		n = user_path(dfd, path, lookup, &p);
	if (n)
		return n;
	n = c->act(&p, c);
	path_put(&p);
	return n;
}

/* ---- arguments ---- */

static int get_name(struct xattr_call *c, const char __user *name)
{
	ssize_t n = strncpy_from_user(c->name, name, sizeof(c->name));

	if (n == 0 || n == -ENAMETOOLONG)
		return -ERANGE;
	return n < 0 ? (int)n : 0;
}

static bool at_flags_valid(unsigned at_flags)
{
	return !(at_flags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH));
}

static int get_args(struct xattr_args *a, const void __user *from, size_t size)
{
	return size < sizeof(*a) ? -EINVAL : copy_struct(a, sizeof(*a), from, size);
}

static void __user *value_of(const struct xattr_args *a)
{
	return (void __user *)(uintptr_t)a->value;
}

/* ---- setxattr ---- */

static long set_one(const struct path *p, struct xattr_call *c)
{
	return vfs_setxattr(p, c->name, c->buf, c->size, c->flags);
}

/* 0 and c->buf, which is the caller's to free. */
static int begin_set(struct xattr_call *c, const char __user *name, const void __user *value,
	size_t size, int flags)
{
	int err = flags & ~(XATTR_CREATE | XATTR_REPLACE) ? -EINVAL : get_name(c, name);

	c->act = set_one;
	c->size = size;
	c->flags = (unsigned)flags;
	c->buf = NULL;
	if (err || !size)
		return err;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	c->buf = kmalloc(size, GFP_KERNEL);
	if (!c->buf)
		return -ENOMEM;
	if (!copy_from_user(c->buf, value, size))
		return 0;
	kfree(c->buf);
	return -EFAULT;
}

static long set_at(int dfd, const char __user *path, unsigned at_flags, const char __user *name,
	const struct xattr_args *a)
{
	struct xattr_call c UNCLEARED;
	long n = begin_set(&c, name, value_of(a), a->size, (int)a->flags);

	if (n)
		return n;
	n = act_on_path(dfd, path, at_flags, &c);
	kfree(c.buf);
	return n;
}

/* The value's address and size as one; a size that does not fit is too big in any case. */
static struct xattr_args args_of(const void __user *value, size_t size, int flags)
{
	return (struct xattr_args){
		(uintptr_t)value, (uint32_t)MIN(size, (size_t)UINT32_MAX), (uint32_t)flags};
}

long sys_setxattrat(int dfd, const char __user *path, unsigned at_flags, const char __user *name,
	void __user *args, size_t size)
{
	struct xattr_args a;
	int err = get_args(&a, args, size);

	if (err)
		return err;
	return at_flags_valid(at_flags) ? set_at(dfd, path, at_flags, name, &a) : -EINVAL;
}

long sys_setxattr(const char __user *path, const char __user *name, void __user *value, size_t size,
	int flags)
{
	struct xattr_args a = args_of(value, size, flags);

	return set_at(AT_FDCWD, path, 0, name, &a);
}

long sys_lsetxattr(const char __user *path, const char __user *name, void __user *value,
	size_t size, int flags)
{
	struct xattr_args a = args_of(value, size, flags);

	return set_at(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, name, &a);
}

long sys_fsetxattr(int fd, const char __user *name, void __user *value, size_t size, int flags)
{
	struct xattr_call c UNCLEARED;
	long n = begin_set(&c, name, value, size, flags);

	if (n)
		return n;
	n = act_on_fd(fd, &c);
	kfree(c.buf);
	return n;
}

/* ---- getxattr, listxattr: what fills a buffer ---- */

static long get_one(const struct path *p, struct xattr_call *c)
{
	return vfs_getxattr(p, c->name, c->buf, c->size);
}

static long list_one(const struct path *p, struct xattr_call *c)
{
	return vfs_listxattr(p, c->buf, c->size);
}

static int begin_fill(struct xattr_call *c, size_t size)
{
	c->size = MIN(size, (size_t)MAX(XATTR_SIZE_MAX, XATTR_LIST_MAX));
	c->buf = c->size ? kmalloc(c->size, GFP_KERNEL) : NULL;
	return c->size && !c->buf ? -ENOMEM : 0;
}

static long end_fill(struct xattr_call *c, void __user *to, long n)
{
	if (n > 0 && c->size && copy_to_user(to, c->buf, (size_t)n))
		n = -EFAULT;
	else if (n == -ERANGE && c->size >= XATTR_SIZE_MAX)
		n = -E2BIG; /* no buffer that the call takes would do */
	kfree(c->buf);
	return n;
}

static long fill_at(int dfd, const char __user *path, unsigned at_flags, struct xattr_call *c,
	void __user *to, size_t size)
{
	long n = begin_fill(c, size);

	return n ? n : end_fill(c, to, act_on_path(dfd, path, at_flags, c));
}

static long fill_fd(int fd, struct xattr_call *c, void __user *to, size_t size)
{
	long n = begin_fill(c, size);

	return n ? n : end_fill(c, to, act_on_fd(fd, c));
}

static long get_at(int dfd, const char __user *path, unsigned at_flags, const char __user *name,
	const struct xattr_args *a)
{
	struct xattr_call c UNCLEARED;
	int err = get_name(&c, name);

	c.act = get_one;
	return err ? err : fill_at(dfd, path, at_flags, &c, value_of(a), a->size);
}

long sys_getxattrat(int dfd, const char __user *path, unsigned at_flags, const char __user *name,
	void __user *args, size_t size)
{
	struct xattr_args a;
	int err = get_args(&a, args, size);

	if (err)
		return err;
	return a.flags || !at_flags_valid(at_flags) ? -EINVAL
						    : get_at(dfd, path, at_flags, name, &a);
}

long sys_getxattr(const char __user *path, const char __user *name, void __user *value, size_t size)
{
	struct xattr_args a = args_of(value, size, 0);

	return get_at(AT_FDCWD, path, 0, name, &a);
}

long sys_lgetxattr(
	const char __user *path, const char __user *name, void __user *value, size_t size)
{
	struct xattr_args a = args_of(value, size, 0);

	return get_at(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, name, &a);
}

long sys_fgetxattr(int fd, const char __user *name, void __user *value, size_t size)
{
	struct xattr_call c UNCLEARED;
	int err = get_name(&c, name);

	c.act = get_one;
	return err ? err : fill_fd(fd, &c, value, size);
}

long sys_listxattrat(
	int dfd, const char __user *path, unsigned at_flags, void __user *list, size_t size)
{
	struct xattr_call c UNCLEARED;

	c.act = list_one;
	return at_flags_valid(at_flags) ? fill_at(dfd, path, at_flags, &c, list, size) : -EINVAL;
}

long sys_listxattr(const char __user *path, void __user *list, size_t size)
{
	return sys_listxattrat(AT_FDCWD, path, 0, list, size);
}

long sys_llistxattr(const char __user *path, void __user *list, size_t size)
{
	return sys_listxattrat(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, list, size);
}

long sys_flistxattr(int fd, void __user *list, size_t size)
{
	struct xattr_call c UNCLEARED;

	c.act = list_one;
	return fill_fd(fd, &c, list, size);
}

/* ---- removexattr ---- */

static long remove_one(const struct path *p, struct xattr_call *c)
{
	return vfs_removexattr(p, c->name);
}

long sys_removexattrat(int dfd, const char __user *path, unsigned at_flags, const char __user *name)
{
	struct xattr_call c UNCLEARED;
	int err = at_flags_valid(at_flags) ? get_name(&c, name) : -EINVAL;

	c.act = remove_one;
	return err ? err : act_on_path(dfd, path, at_flags, &c);
}

long sys_removexattr(const char __user *path, const char __user *name)
{
	return sys_removexattrat(AT_FDCWD, path, 0, name);
}

long sys_lremovexattr(const char __user *path, const char __user *name)
{
	return sys_removexattrat(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, name);
}

long sys_fremovexattr(int fd, const char __user *name)
{
	struct xattr_call c UNCLEARED;
	int err = get_name(&c, name);

	c.act = remove_one;
	return err ? err : act_on_fd(fd, &c);
}
