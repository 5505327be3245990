/*
 * sys_path.c - names: mkdir(2), mknod(2), link(2), unlink(2), rename(2), symlink(2), readlink(2),
 * chdir(2), getcwd(2), chroot(2).
 */
#include "compat.h"
#include <dev.h>

/* Two names with their starts. */
struct two_names {
	struct name a, b;
	struct at at_a, at_b;
};

static int two_names_get(
	struct two_names *t, int dfd_a, const char __user *a, int dfd_b, const char __user *b)
{
	int err = name_get(&t->a, a);

	if (err)
		return err;
	err = name_get(&t->b, b);
	if (err)
		goto put_a;
	err = at_get(&t->at_a, dfd_a, t->a.s);
	if (err)
		goto put_b;
	err = at_get(&t->at_b, dfd_b, t->b.s);
	if (err)
		goto put_at_a;
	return 0;

put_at_a:
	at_put(&t->at_a);
put_b:
	name_put(&t->b);
put_a:
	name_put(&t->a);
	return err;
}

static void two_names_put(struct two_names *t)
{
	at_put(&t->at_b);
	at_put(&t->at_a);
	name_put(&t->b);
	name_put(&t->a);
}

/* One name with its start, for calls that make or remove it. */
struct one_name {
	struct name n;
	struct at at;
};

static int one_name_get(struct one_name *o, int dfd, const char __user *path)
{
	int err = name_get(&o->n, path);

	if (err)
		return err;
	err = at_get(&o->at, dfd, o->n.s);
	if (err)
		name_put(&o->n);
	return err;
}

static long one_name_put(struct one_name *o, long result)
{
	at_put(&o->at);
	name_put(&o->n);
	return result;
}

long sys_mkdirat(int dfd, const char __user *path, mode_t mode)
{
	struct one_name o UNCLEARED;
	int err = one_name_get(&o, dfd, path);

	return err ? err : one_name_put(&o, vfs_mkdir(o.at.base, o.n.s, mode & 07777));
}

long sys_mkdir(const char __user *path, mode_t mode)
{
	return sys_mkdirat(AT_FDCWD, path, mode);
}

dev_t dev_from_user(unsigned dev)
{
	return MKDEV(dev >> 8 & 0xfff, (dev & 0xff) | (dev >> 12 & 0xfff00));
}

long sys_mknodat(int dfd, const char __user *path, mode_t mode, unsigned dev)
{
	struct one_name o UNCLEARED;
	int err;

	switch (mode & S_IFMT) {
	case 0:
		mode |= S_IFREG;
		break;
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	err = one_name_get(&o, dfd, path);
	return err ? err : one_name_put(&o, vfs_mknod(o.at.base, o.n.s, mode, dev_from_user(dev)));
}

long sys_mknod(const char __user *path, mode_t mode, unsigned dev)
{
	return sys_mknodat(AT_FDCWD, path, mode, dev);
}

long sys_unlinkat(int dfd, const char __user *path, unsigned flags)
{
	struct one_name o UNCLEARED;
	int err;

	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	err = one_name_get(&o, dfd, path);
	if (err)
		return err;
	return one_name_put(&o, flags ? vfs_rmdir(o.at.base, o.n.s) : vfs_unlink(o.at.base, o.n.s));
}

long sys_unlink(const char __user *path)
{
	return sys_unlinkat(AT_FDCWD, path, 0);
}

long sys_rmdir(const char __user *path)
{
	return sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

long sys_renameat2(
	int odfd, const char __user *from, int ndfd, const char __user *to, unsigned flags)
{
	struct two_names t UNCLEARED;
	int err;

	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
		flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	err = two_names_get(&t, odfd, from, ndfd, to);
	if (err)
		return err;
	err = vfs_rename(t.at_a.base, t.a.s, t.at_b.base, t.b.s, flags);
	two_names_put(&t);
	return err;
}

long sys_renameat(int odfd, const char __user *from, int ndfd, const char __user *to)
{
	return sys_renameat2(odfd, from, ndfd, to, 0);
}

long sys_rename(const char __user *from, const char __user *to)
{
	return sys_renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

long sys_linkat(int odfd, const char __user *from, int ndfd, const char __user *to, unsigned flags)
{
	struct two_names t UNCLEARED;
	struct path src;
	unsigned lookup = flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0;
	int err;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH) {
		if (!capable(CAP_DAC_READ_SEARCH))
			return -ENOENT;
		lookup |= LOOKUP_EMPTY;
	}
	err = two_names_get(&t, odfd, from, ndfd, to);
	if (err)
		return err;
	err = path_lookup(t.at_a.base, t.a.s, lookup, &src);
	if (!err) {
		err = vfs_link(&src, t.at_b.base, t.b.s);
		path_put(&src);
	}
	two_names_put(&t);
	return err;
}

long sys_link(const char __user *from, const char __user *to)
{
	return sys_linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

long sys_symlinkat(const char __user *target, int dfd, const char __user *path)
{
	struct two_names t UNCLEARED;
	int err = two_names_get(&t, AT_FDCWD, target, dfd, path);

	if (err)
		return err;
	err = *t.a.s ? vfs_symlink(t.a.s, t.at_b.base, t.b.s) : -ENOENT;
	two_names_put(&t);
	return err;
}

long sys_symlink(const char __user *target, const char __user *path)
{
	return sys_symlinkat(target, AT_FDCWD, path);
}

long sys_readlinkat(int dfd, const char __user *path, void __user *buf, int size)
{
	struct path p;
	char *target, first;
	ssize_t n;

	if (size <= 0)
		return -EINVAL;
	n = user_path(dfd, path, LOOKUP_EMPTY, &p);
	if (n)
		return n;
	target = kmalloc(PATH_MAX, GFP_KERNEL);
	n = target ? vfs_readlink(&p, target, MIN((size_t)size, PATH_MAX)) : -ENOMEM;
	if (n > 0 && copy_to_user(buf, target, (size_t)n))
		n = -EFAULT;
	else if (n == -EINVAL && !get_user(first, path) && !first)
		n = -ENOENT; /* no name, and the file is no link */
	kfree(target);
	path_put(&p);
	return n;
}

long sys_readlink(const char __user *path, void __user *buf, int size)
{
	return sys_readlinkat(AT_FDCWD, path, buf, size);
}

long sys_chdir(const char __user *path)
{
	struct path p;
	int err = user_path(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (err)
		return err;
	err = fs_set_cwd(&p);
	path_put(&p);
	return err;
}

long sys_fchdir(int fd)
{
	struct fd_ref r = fd_begin_path(fd);
	int err;

	if (!r.file)
		return -EBADF;
	err = fs_set_cwd(&r.file->path);
	fd_end(r);
	return err;
}

long sys_chroot(const char __user *path)
{
	struct path p;
	int err = user_path(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (err)
		return err;
	err = vfs_access(&p, MAY_EXEC, current->cred);
	if (!err)
		err = capable(CAP_SYS_CHROOT) ? fs_set_root(&p) : -EPERM;
	path_put(&p);
	return err;
}

long sys_getcwd(void __user *buf, size_t size)
{
	struct path cwd;
	char *page = kmalloc(PATH_MAX, GFP_KERNEL);
	char *s;
	long len;

	if (!page)
		return -ENOMEM;
	fs_get_cwd(&cwd);
	s = path_name(&cwd, NULL, page, PATH_MAX);
	if (cwd.dentry->flags & D_DEAD)
		len = -ENOENT;
	else if (!s)
		len = -ENAMETOOLONG;
	else if ((len = (long)strlen(s) + 1) > (long)size)
		len = -ERANGE;
	else if (copy_to_user(buf, s, (size_t)len))
		len = -EFAULT;
	path_put(&cwd);
	kfree(page);
	return len;
}

long sys_umask(mode_t mask)
{
	return (long)__atomic_exchange_n(&current->fs->umask, mask & 0777, __ATOMIC_RELAXED);
}
