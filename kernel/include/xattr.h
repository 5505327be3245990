/*
 * xattr.h - extended attributes: names with values that files carry; xattr(7).
 *
 * The vfs judges names and callers (kernel/vfs/xattr.c, the theory); a file system stores what it
 * is given. It sees a name as its namespace and the rest behind the dot.
 */
#pragma once
#include <compiler.h>
#include <types.h>

struct inode;
struct path;

#define XATTR_NAME_MAX 255u   /* with the namespace, without the NUL */
#define XATTR_SIZE_MAX 65536u /* of a value */
#define XATTR_LIST_MAX 65536u /* of all names, each with its NUL */
enum { XATTR_CREATE = 1, XATTR_REPLACE = 2 };

enum xattr_space { XATTR_USER, XATTR_TRUSTED, XATTR_SECURITY, XATTR_SPACES };
struct xattr_name {
	enum xattr_space space;
	const char *text; /* behind "user." and so on; never empty */
	unsigned len;
};

/* Where a listing goes: opaque, filled by xattr_list_add(). */
struct xattr_list {
	char *buf;
	size_t size, used; /* size 0: only count */
	bool with_trusted; /* the caller may see those names */
};

/* What a file system that keeps attributes does. inode->lock is held: shared to read, for writing
 * to change. */
struct xattr_ops {
	/* The length of the value, which is copied to @buf unless @size is 0; -ENODATA, -ERANGE. */
	ssize_t (*get)(struct inode *i, const struct xattr_name *n, void *buf, size_t size);
	/*
	 * All or nothing; changes ctime. @value NULL: remove. @flags XATTR_CREATE: -EEXIST if it is
	 * there; XATTR_REPLACE: -ENODATA if not. -ENOSPC.
	 */
	int (*set)(struct inode *i, const struct xattr_name *n, const void *value, size_t size,
		unsigned flags);
	/* xattr_list_add() for each; 0 or -errno. */
	int (*list)(struct inode *i, struct xattr_list *l);
};
int __must_check xattr_list_add(
	struct xattr_list *l, enum xattr_space space, const char *text, unsigned len);
/* What get() answers for a value of @len bytes. */
ssize_t xattr_copy(void *buf, size_t size, const void *value, size_t len);
/* set() by its flags: 0, -EEXIST, -ENODATA. */
int __must_check xattr_check_flags(bool exists, unsigned flags);

/*
 * Context: may sleep. @name: whole, NUL-terminated, 1..XATTR_NAME_MAX bytes. Errors: getxattr(2),
 * setxattr(2), removexattr(2), listxattr(2); a size of 0 asks for the length.
 */
ssize_t __must_check vfs_getxattr(const struct path *p, const char *name, void *buf, size_t size);
int __must_check vfs_setxattr(
	const struct path *p, const char *name, const void *value, size_t size, unsigned flags);
int __must_check vfs_removexattr(const struct path *p, const char *name);
ssize_t __must_check vfs_listxattr(const struct path *p, char *buf, size_t size);
