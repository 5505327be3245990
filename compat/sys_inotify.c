/*
 * sys_inotify.c - watching files: inotify_init1(2), inotify_add_watch(2), inotify_rm_watch(2).
 */
#include "compat.h"
#include <events.h>
#include <notify.h>

enum {
	IN_ONLYDIR = 1 << 24,
	IN_DONT_FOLLOW = 1 << 25,
	IN_FLAGS = IN_ONLYDIR | IN_DONT_FOLLOW | WATCH_EXCL_UNLINK | WATCH_CREATE | WATCH_ADD
};
#define IN_KNOWN                                                                                   \
	(0xfffu | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_FLAGS | IN_ISDIR | WATCH_ONESHOT)

/* inotify(7), "Reading events": struct inotify_event. */
static_assert(sizeof(struct inotify_record) == 16 && offsetof(struct inotify_record, wd) == 0 &&
		      offsetof(struct inotify_record, mask) == 4 &&
		      offsetof(struct inotify_record, cookie) == 8 &&
		      offsetof(struct inotify_record, len) == 12,
	"struct inotify_event");

long sys_inotify_init1(unsigned flags)
{
	struct file *f = NULL;
	int fd;

	if (flags & ~(unsigned)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	fd = inotify_create(flags & O_NONBLOCK, &f);
	if (fd)
		return fd;
	fd = fd_open(f, flags & O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_inotify_init(void)
{
	return sys_inotify_init1(0);
}

static long add_watch(const struct file *f, const char __user *name, uint32_t mask)
{
	struct inotify *g = inotify_of(f);
	unsigned lookup = (mask & IN_DONT_FOLLOW ? 0 : LOOKUP_FOLLOW) |
			  (mask & IN_ONLYDIR ? LOOKUP_DIRECTORY : 0);
	struct path p;
	int r;

	if (!g || (mask & WATCH_ADD && mask & WATCH_CREATE))
		return -EINVAL;
	r = user_path(AT_FDCWD, name, lookup, &p);
	if (r)
		return r;
	r = inotify_add(g, &p, mask);
	path_put(&p);
	return r;
}

long sys_inotify_add_watch(int fd, const char __user *name, uint32_t mask)
{
	struct fd_ref r;
	long wd;

	if (!(mask & IN_KNOWN) || mask & ~IN_KNOWN)
		return -EINVAL;
	r = fd_begin(fd);
	if (!r.file)
		return -EBADF;
	wd = add_watch(r.file, name, mask);
	fd_end(r);
	return wd;
}

long sys_inotify_rm_watch(int fd, int wd)
{
	struct fd_ref r = fd_begin(fd);
	struct inotify *g;
	int err = -EINVAL;

	if (!r.file)
		return -EBADF;
	g = inotify_of(r.file);
	if (g)
		err = inotify_remove(g, wd);
	fd_end(r);
	return err;
}
