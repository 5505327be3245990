/*
 * errors_test.c - the errors that whole families of calls share, from tables: every call that takes
 * a path against every kind of bad path, every call that changes a file system against a read-only
 * and a full one, every call that needs a privilege without it.
 */
#include "abi.h"

#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <utime.h>

static char buffer[8192];

/* Prints `call(what) = result` in the form of R(), for a call from a table. */
static void show(const char *call, const char *what, long result)
{
	if (result == -1)
		say("%s(%s) = -1 %s", call, what, errno_name(errno));
	else
		say("%s(%s) = %s", call, what, result ? "positive" : "0");
}

/* A call that opens something closes it again. */
static long shut(long fd)
{
	return fd < 0 ? fd : close((int)fd);
}

/* What was renamed to "moved" gets its name back. */
static long back(long result, const char *path)
{
	return result < 0 ? result : rename("moved", path);
}

static long openat2_at(int dfd, const char *path)
{
	struct open_how how = {.flags = O_RDONLY};

	return shut(sc(openat2, dfd, path, &how, sizeof(how)));
}

/* A call that would change what the path names; a call with a starting point. */
enum { CHANGES = 1, AT = 2 };

#define AT_CALL(name, flags, ...)                                                                  \
	static long try_##name(int d, const char *p)                                               \
	{                                                                                          \
		(void)d;                                                                           \
		(void)p;                                                                           \
		return __VA_ARGS__;                                                                \
	}
#define ROW(name, flags, ...) {#name, try_##name, flags},
#define PATH_CALLS(_)                                                                              \
	_(open, 0, shut(sc(open, p, O_RDONLY, 0)))                                                 \
	_(creat, CHANGES, shut(sc(creat, p, 0600)))                                                \
	_(openat, AT, shut(sc(openat, d, p, O_RDONLY, 0)))                                         \
	_(openat2, AT, openat2_at(d, p))                                                           \
	_(stat, 0, sc(stat, p, buffer))                                                            \
	_(lstat, 0, sc(lstat, p, buffer))                                                          \
	_(newfstatat, AT, sc(newfstatat, d, p, buffer, 0))                                         \
	_(statx, AT, sc(statx, d, p, 0, 0x7ff, buffer))                                            \
	_(statfs, 0, sc(statfs, p, buffer))                                                        \
	_(access, 0, sc(access, p, R_OK))                                                          \
	_(faccessat, AT, sc(faccessat, d, p, R_OK))                                                \
	_(faccessat2, AT, sc(faccessat2, d, p, R_OK, 0))                                           \
	_(chdir, 0, sc(chdir, p))                                                                  \
	_(chroot, 0, sc(chroot, p))                                                                \
	_(readlink, 0, sc(readlink, p, buffer, 100))                                               \
	_(readlinkat, AT, sc(readlinkat, d, p, buffer, 100))                                       \
	_(execve, 0, sc(execve, p, NULL, NULL))                                                    \
	_(execveat, AT, sc(execveat, d, p, NULL, NULL, 0))                                         \
	_(mkdir, CHANGES, sc(mkdir, p, 0755))                                                      \
	_(mkdirat, AT | CHANGES, sc(mkdirat, d, p, 0755))                                          \
	_(mknod, CHANGES, sc(mknod, p, S_IFIFO | 0600, 0))                                         \
	_(mknodat, AT | CHANGES, sc(mknodat, d, p, S_IFIFO | 0600, 0))                             \
	_(symlink, CHANGES, sc(symlink, "to", p))                                                  \
	_(symlinkat, AT | CHANGES, sc(symlinkat, "to", d, p))                                      \
	_(link, CHANGES, sc(link, p, "copy"))                                                      \
	_(linkat, AT | CHANGES, sc(linkat, d, p, AT_FDCWD, "copy", 0))                             \
	_(rename, CHANGES, back(sc(rename, p, "moved"), p))                                        \
	_(renameat, AT | CHANGES, back(sc(renameat, d, p, AT_FDCWD, "moved"), p))                  \
	_(renameat2, AT | CHANGES, back(sc(renameat2, d, p, AT_FDCWD, "moved", 1), p))             \
	_(unlink, CHANGES, sc(unlink, p))                                                          \
	_(unlinkat, AT | CHANGES, sc(unlinkat, d, p, 0))                                           \
	_(rmdir, CHANGES, sc(rmdir, p))                                                            \
	_(truncate, CHANGES, sc(truncate, p, 0))                                                   \
	_(chmod, CHANGES, sc(chmod, p, 0600))                                                      \
	_(fchmodat, AT | CHANGES, sc(fchmodat, d, p, 0600))                                        \
	_(fchmodat2, AT | CHANGES, sc(fchmodat2, d, p, 0600, 0))                                   \
	_(chown, CHANGES, sc(chown, p, 0, 0))                                                      \
	_(lchown, CHANGES, sc(lchown, p, 0, 0))                                                    \
	_(fchownat, AT | CHANGES, sc(fchownat, d, p, 0, 0, 0))                                     \
	_(utime, CHANGES, sc(utime, p, NULL))                                                      \
	_(utimes, CHANGES, sc(utimes, p, NULL))                                                    \
	_(futimesat, AT | CHANGES, sc(futimesat, d, p, NULL))                                      \
	_(utimensat, AT | CHANGES, sc(utimensat, d, p, NULL, 0))                                   \
	_(mount, 0, sc(mount, "none", p, "tmpfs", 0, NULL))                                        \
	_(umount2, 0, sc(umount2, p, 0))                                                           \
	_(pivot_root, 0, sc(pivot_root, p, p))                                                     \
	_(swapon, 0, sc(swapon, p, 0))                                                             \
	_(swapoff, 0, sc(swapoff, p))                                                              \
	_(getxattr, 0, sc(getxattr, p, "user.a", buffer, 10))                                      \
	_(lgetxattr, 0, sc(lgetxattr, p, "user.a", buffer, 10))                                    \
	_(listxattr, 0, sc(listxattr, p, buffer, 10))                                              \
	_(llistxattr, 0, sc(llistxattr, p, buffer, 10))                                            \
	_(setxattr, CHANGES, sc(setxattr, p, "user.a", "x", 1, 0))                                 \
	_(lsetxattr, CHANGES, sc(lsetxattr, p, "user.a", "x", 1, 0))                               \
	_(removexattr, CHANGES, sc(removexattr, p, "user.a"))                                      \
	_(lremovexattr, CHANGES, sc(lremovexattr, p, "user.a"))

PATH_CALLS(AT_CALL)

static const struct path_call {
	const char *name;
	long (*run)(int dfd, const char *path);
	int flags;
} path_calls[] = {PATH_CALLS(ROW)};

static void against(const char *path, const char *what)
{
	for (unsigned i = 0; i < COUNT(path_calls); i++)
		show(path_calls[i].name, what, path_calls[i].run(AT_FDCWD, path));
}

CASE(paths_that_lead_nowhere)
{
	static char name[300], path[5000];

	symlink("loop", "loop");
	put("file", "x");
	memset(name, 'n', 256);
	memset(path, '/', 4100);
	against("loop/x", "a loop");
	against("file/x", "below a file");
	against("missing/x", "below nothing");
	against("", "the empty path");
	against(name, "a long name");
	against(path, "a long path");
	against(BAD_PTR, "no memory");
	against(KERNEL_PTR, "the kernel's memory");
}

CASE(directories_that_may_not_be_searched)
{
	mkdir("shut", 0700);
	mkdir("shut/d", 0777);
	put("shut/d/f", "x");
	chmod(".", 0777);
	IN_CHILD
	{
		drop_to(1000, 1000);
		against("shut/d/f", "behind a closed directory");
		against("shut", "the closed directory");
	}
}

CASE(bad_starting_points)
{
	int file;

	put("file", "x");
	mkdir("gone", 0755);
	file = open("file", O_RDONLY);
	int gone = open("gone", O_RDONLY);
	rmdir("gone");
	for (unsigned i = 0; i < COUNT(path_calls); i++) {
		const struct path_call *call = &path_calls[i];

		if (!(call->flags & AT))
			continue;
		show(call->name, "99, x", call->run(99, "x"));
		show(call->name, "-1, x", call->run(-1, "x"));
		show(call->name, "a file, x", call->run(file, "x"));
		show(call->name, "a removed directory, x", call->run(gone, "x"));
	}
}

/* A file system of its own in @path; says no when there can be none. */
static bool mounted(const char *path, unsigned long flags, const char *options)
{
	mkdir(path, 0755);
	if (mount("none", path, "tmpfs", flags, options) == 0)
		return true;
	say("mount: %s", errno_name(errno));
	return false;
}

CASE(read_only_file_system)
{
	struct iovec v = {"x", 1};
	int fd;

	if (!mounted("ro", 0, NULL))
		return;
	mkdir("ro/d", 0755);
	put("ro/f", "x");
	symlink("f", "ro/l");
	fd = open("ro/f", O_RDONLY);
	R(mount("none", "ro", "tmpfs", MS_REMOUNT | MS_RDONLY, NULL));
	for (unsigned i = 0; i < COUNT(path_calls); i++) {
		const struct path_call *call = &path_calls[i];

		if (!(call->flags & CHANGES))
			continue;
		show(call->name, "a file of it", call->run(AT_FDCWD, "ro/f"));
		show(call->name, "a directory of it", call->run(AT_FDCWD, "ro/d"));
		show(call->name, "a new name in it", call->run(AT_FDCWD, "ro/new"));
		show(call->name, "a new name below a missing one",
			call->run(AT_FDCWD, "ro/no/new"));
	}
	R(sc(link, "ro/f", "ro/g"));
	R(sc(rename, "ro/f", "ro/g"));
	R(sc(rename, "ro/f", "elsewhere"));
	R(sc(open, "ro/f", O_RDWR, 0));
	R(sc(open, "ro/f", O_RDONLY | O_TRUNC, 0));
	R(sc(open, "ro/new", O_RDONLY | O_CREAT, 0600));
	R(sc(open, "ro/f", O_RDONLY | O_CREAT, 0600));
	R(sc(open, "ro", O_TMPFILE | O_RDWR, 0600));
	R(sc(access, "ro/f", W_OK));
	R(sc(access, "ro/d", W_OK));
	R(sc(fchmod, fd, 0600));
	R(sc(fchown, fd, 0, 0));
	R(sc(fsetxattr, fd, "user.a", "x", 1, 0));
	R(sc(fremovexattr, fd, "user.a"));
	R(sc(utimensat, fd, NULL, NULL, 0));
	R(sc(futimesat, fd, NULL, NULL));
	R(sc(ftruncate, fd, 0));
	R(sc(fallocate, fd, 0, 0, 10));
	R(sc(writev, fd, &v, 1));
	R(sc(fsync, fd));
	R(sc(syncfs, fd));
	R(sc(umount2, "ro", 0));
	R(sc(flock, fd, 2));
	R(sc(read, fd, buffer, 10));
	R(sc(umount2, "ro", 2));
}

CASE(full_file_system)
{
	int fd;

	if (!mounted("full", 0, "size=16k,nr_inodes=5"))
		return;
	fd = make("full/f", O_RDWR);
	R(sc(write, fd, buffer, 8192));
	R(sc(write, fd, buffer, 8192));
	R(sc(write, fd, buffer, 1));
	R(sc(pwrite64, fd, buffer, 10, 100000));
	R(sc(pwrite64, fd, "x", 1, 0));
	R(sc(fallocate, fd, 0, 0, 20000));
	R(sc(fallocate, fd, 0, 0, 10000));
	R(size_of("full/f"));
	R(sc(ftruncate, fd, 100000));
	R(sc(ftruncate, fd, 4096));
	R(sc(write, fd, buffer, 1));
	R(sc(pwrite64, fd, buffer, 8192, 0));
	R(sc(mkdir, "full/d", 0755));
	R(sc(symlink, "x", "full/l"));
	R(sc(mknod, "full/p", S_IFIFO | 0600, 0));
	R(sc(mknod, "full/q", S_IFIFO | 0600, 0));
	R(sc(link, "full/f", "full/g"));
	R(sc(open, "full/new", O_RDWR | O_CREAT, 0600));
	R(sc(creat, "full/new", 0600));
	R(sc(mkdir, "full/new", 0755));
	R(sc(mkdirat, AT_FDCWD, "full/new", 0755));
	R(sc(symlink, "x", "full/new"));
	R(sc(symlinkat, "x", AT_FDCWD, "full/new"));
	R(sc(mknodat, AT_FDCWD, "full/new", S_IFIFO | 0600, 0));
	R(sc(linkat, AT_FDCWD, "full/f", AT_FDCWD, "full/new", 0));
	R(sc(open, "full", O_TMPFILE | O_RDWR, 0600));
	R(sc(rename, "full/p", "full/new"));
	R(sc(unlink, "full/l"));
	R(sc(mkdir, "full/new2", 0755));
	close(fd);
	R(umount2("full", 0));
}

CASE(between_file_systems)
{
	if (!mounted("other", 0, NULL))
		return;
	put("f", "x");
	mkdir("d", 0755);
	put("other/g", "x");
	R(sc(rename, "f", "other/f"));
	R(sc(rename, "d", "other/d"));
	R(sc(rename, "f", "other/g"));
	R(sc(rename, "f", "other"));
	R(sc(rename, "other", "d"));
	R(sc(rename, "other/g", "g"));
	R(sc(renameat, AT_FDCWD, "f", AT_FDCWD, "other/f"));
	R(sc(renameat2, AT_FDCWD, "f", AT_FDCWD, "other/g", 2));
	R(sc(link, "f", "other/f"));
	R(sc(link, "f", "other/g"));
	R(sc(linkat, AT_FDCWD, "f", AT_FDCWD, "other/f", 0));
	R(sc(rmdir, "other"));
	R(sc(unlinkat, AT_FDCWD, "other", AT_REMOVEDIR));
	R(sc(unlink, "other"));
	R(sc(mkdir, "other", 0755));
	int fd = open("other/g", O_RDONLY);
	R(sc(umount2, "other", 0));
	R(sc(umount2, "other", 2));
	R(sc(umount2, "other", 0));
	R(sc(read, fd, buffer, 1));
	close(fd);
}

CASE(full_descriptor_table)
{
	struct open_how how = {.flags = O_RDONLY};
	int fds[2];

	put("f", "x");
	while (dup(0) >= 0)
		;
	R(sc(open, "f", O_RDONLY, 0));
	R(sc(open, "missing", O_RDONLY, 0));
	R(sc(open, "new", O_RDWR | O_CREAT, 0600));
	R(sc(access, "new", F_OK));
	R(sc(openat, AT_FDCWD, "f", O_RDONLY, 0));
	R(sc(openat2, AT_FDCWD, "f", &how, sizeof(how)));
	R(sc(creat, "f", 0600));
	R(sc(dup, 0));
	R(sc(dup2, 0, 512));
	R(sc(dup2, 0, 511));
	R(sc(dup3, 0, 512, 0));
	R(sc(fcntl, 0, F_DUPFD, 0));
	R(sc(fcntl, 0, F_DUPFD_CLOEXEC, 0));
	R(sc(pipe, fds));
	R(sc(pipe2, fds, 0));
	R(sc(memfd_create, "x", 0));
	R(sc(execve, "f", NULL, NULL));
}

CASE(without_privilege)
{
	struct timeval tv = {0, 0}, past[2] = {{1, 2}, {3, 4}};

	put("f", "x");
	mkdir("d", 0755);
	chmod(".", 0777);
	IN_CHILD
	{
		int fd;

		drop_to(1000, 1000);
		fd = open("f", O_RDONLY);
		R(sc(chmod, "f", 0600));
		R(sc(fchmod, fd, 0600));
		R(sc(fchmodat, AT_FDCWD, "f", 0600));
		R(sc(fchmodat2, AT_FDCWD, "f", 0600, 0));
		R(sc(chown, "f", 1000, 1000));
		R(sc(lchown, "f", 1000, 1000));
		R(sc(fchown, fd, 1000, 1000));
		R(sc(fchownat, AT_FDCWD, "f", 1000, 1000, 0));
		R(sc(utime, "f", &tv));
		R(sc(utimes, "f", past));
		R(sc(futimesat, AT_FDCWD, "f", past));
		R(sc(utime, "f", NULL));
		R(sc(utimes, "f", NULL));
		R(sc(mknod, "dev", S_IFBLK | 0600, 0x100));
		R(sc(mknodat, AT_FDCWD, "dev", S_IFCHR | 0600, 0x100));
		R(sc(mknod, "zero", S_IFCHR | 0600, 0));
		R(sc(chroot, "d"));
		R(sc(mount, "none", "d", "tmpfs", 0, NULL));
		R(sc(mount, "none", "d", "nothing", 0, NULL));
		R(sc(umount2, "d", 0));
		R(sc(pivot_root, "d", "d"));
		R(sc(swapon, "f", 0));
		R(sc(swapoff, "f"));
		R(sc(sethostname, "x", 1));
		R(sc(setdomainname, "x", 1));
		R(sc(setdomainname, BAD_PTR, 1));
		R(sc(reboot, 0xfee1dead, 672274793, 0x89abcdef, NULL));
		R(sc(syslog, 5, NULL, 0));
		R(sc(syslog, 2, buffer, 10));
		R(sc(settimeofday, &tv, NULL));
		R(sc(clock_settime, 0, past));
		R(sc(setgroups, 0, NULL));
		R(sc(setuid, 0));
		R(sc(setgid, 0));
		R(sc(setreuid, 0, 0));
		R(sc(setregid, 0, 0));
		R(sc(setresuid, 0, 0, 0));
		R(sc(setresgid, 0, 0, 0));
		R(sc0(vhangup));
		R(sc(unshare, 0x20000));
		R(sc(setpriority, 0, 0, -5));
		R(sc(mlockall, 1));
	}
}
