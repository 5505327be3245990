/*
 * sys_open.c - descriptors: open(2), close(2), dup(2), pipe(2), close_range(2), openat2(2),
 * memfd_create(2).
 */
#include "compat.h"

#define OPEN_FLAGS                                                                                 \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC |      \
		O_ASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME |          \
		O_CLOEXEC | O_PATH | O_TMPFILE)
#define PATH_FLAGS (O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC)

static long do_open(int dfd, const char __user *path, unsigned flags, mode_t mode, unsigned lookup)
{
	struct name n UNCLEARED;
	struct at at UNCLEARED;
	struct file *f;
	long fd = name_get(&n, path);

	if (fd)
		return fd;
	/* A leading slash of a path below RESOLVE_IN_ROOT means the descriptor's directory. */
	fd = at_get(&at, dfd, lookup & LOOKUP_IN_ROOT ? "." : n.s);
	if (fd)
		goto put_name;
	fd = fd_alloc(0, flags & O_CLOEXEC);
	if (fd < 0)
		goto put_at;
	int err = vfs_open(at.base, n.s, flags, mode, lookup, &f);
	if (err) {
		fd_cancel((int)fd);
		fd = err;
	} else {
		fd_install((int)fd, f);
	}
put_at:
	at_put(&at);
put_name:
	name_put(&n);
	return fd;
}

/* open(2) ignores what it does not know; openat2(2) refuses it. */
static long open_legacy(int dfd, const char __user *path, unsigned flags, mode_t mode)
{
	flags = (flags | O_LARGEFILE) & OPEN_FLAGS;
	if (flags & O_PATH)
		flags &= PATH_FLAGS;
	mode = flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)) ? mode & 07777 : 0;
	return do_open(dfd, path, flags, mode, 0);
}

long sys_open(const char __user *path, unsigned flags, mode_t mode)
{
	return open_legacy(AT_FDCWD, path, flags, mode);
}

long sys_openat(int dfd, const char __user *path, unsigned flags, mode_t mode)
{
	return open_legacy(dfd, path, flags, mode);
}

long sys_creat(const char __user *path, mode_t mode)
{
	return open_legacy(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

struct open_how {
	uint64_t flags, mode, resolve;
};

long sys_openat2(int dfd, const char __user *path, void __user *how, size_t size)
{
	static const unsigned resolve_to_lookup[] = {LOOKUP_NO_XDEV, LOOKUP_NO_MAGIC,
		LOOKUP_NO_SYMLINKS | LOOKUP_NO_MAGIC, LOOKUP_BENEATH, LOOKUP_IN_ROOT,
		LOOKUP_CACHED};
	struct open_how h;
	unsigned lookup = 0, i;
	int err;

	if (size < sizeof(h))
		return -EINVAL;
	err = copy_struct(&h, sizeof(h), how, size);
	if (err)
		return err;
	if (h.flags & ~(uint64_t)OPEN_FLAGS || h.mode & ~07777ull ||
		h.resolve >> ARRAY_SIZE(resolve_to_lookup))
		return -EINVAL;
	if (h.mode && !(h.flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))))
		return -EINVAL;
	if (h.flags & O_PATH && h.flags & ~(uint64_t)PATH_FLAGS)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(resolve_to_lookup); i++)
		if (h.resolve >> i & 1)
			lookup |= resolve_to_lookup[i];
	if ((lookup & (LOOKUP_BENEATH | LOOKUP_IN_ROOT)) == (LOOKUP_BENEATH | LOOKUP_IN_ROOT))
		return -EINVAL;
	if (lookup & LOOKUP_CACHED && h.flags & (O_TRUNC | O_CREAT | (O_TMPFILE & ~O_DIRECTORY)))
		return -EAGAIN; /* these always have to wait */
	return do_open(dfd, path, (unsigned)h.flags, (mode_t)h.mode, lookup);
}

long sys_close(int fd)
{
	return fd_close(fd);
}

#define CLOSE_RANGE_UNSHARE 2u
#define CLOSE_RANGE_CLOEXEC 4u

long sys_close_range(unsigned from, unsigned to, unsigned flags)
{
	int err = 0;

	if (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || from > to)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE)
		err = files_unshare();
	return err ? err : fd_close_range(from, to, flags & CLOSE_RANGE_CLOEXEC);
}

long sys_dup(int fd)
{
	struct file *f = fd_get(fd);
	int to;

	if (!f)
		return -EBADF;
	to = fd_open(f, false);
	if (to < 0)
		file_put(f);
	return to;
}

static bool fd_is_open(int fd)
{
	struct fd_ref r = fd_begin_path(fd);

	if (!r.file)
		return false;
	fd_end(r);
	return true;
}

long sys_dup2(int from, int to)
{
	if (from == to)
		return fd_is_open(from) ? to : -EBADF;
	return fd_dup_to(from, to, false);
}

long sys_dup3(int from, int to, unsigned flags)
{
	if (flags & ~(unsigned)O_CLOEXEC || from == to)
		return -EINVAL;
	return fd_dup_to(from, to, flags & O_CLOEXEC);
}

long sys_pipe2(void __user *fds, unsigned flags)
{
	struct file *f[2];
	int fd[2];
	int err;

	if (flags & ~(unsigned)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	err = pipe_create(f, flags & ~(unsigned)O_CLOEXEC);
	if (err)
		return err;
	err = fd[0] = fd_alloc(0, flags & O_CLOEXEC);
	if (err < 0)
		goto put_files;
	err = fd[1] = fd_alloc(0, flags & O_CLOEXEC);
	if (err < 0)
		goto cancel_first;
	err = copy_to_user(fds, fd, sizeof(fd));
	if (err)
		goto cancel_second;
	fd_install(fd[0], f[0]);
	fd_install(fd[1], f[1]);
	return 0;

cancel_second:
	fd_cancel(fd[1]);
cancel_first:
	fd_cancel(fd[0]);
put_files:
	file_put(f[0]);
	file_put(f[1]);
	return err;
}

long sys_pipe(void __user *fds)
{
	return sys_pipe2(fds, 0);
}
