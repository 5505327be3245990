/*
 * rename_errors_test.c - what the calls on names refuse: making, linking, renaming and removing
 * them, each against the same set of things in the way; flags of the ...at calls; openat2.
 */
#include "abi.h"

#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>

/* What a name can lead to, in the order it is tried. */
static const char *const names[] = {"file", "empty", "full", "link", "dirlink", "dangling", "loop",
	"fifo", "missing", "file/x", "empty/", "file/", "link/", "dirlink/", "dangling/",
	"missing/", ".", "..", "full/.", "full/..", "/", "/.", "/..", "//", "", "full/in", "/proc",
	"/proc/self"};

static void make_names(void)
{
	put("file", "x");
	mkdir("empty", 0755);
	mkdir("full", 0755);
	put("full/in", "x");
	symlink("file", "link");
	symlink("empty", "dirlink");
	symlink("nothing", "dangling");
	symlink("loop", "loop");
	mkfifo("fifo", 0600);
}

/* The root is the case's own directory, so that no name leads to another mount. */
static void begin(void)
{
	if (chroot(".") < 0)
		say("chroot: %s", errno_name(errno));
}

/* Makes everything anew: each row starts from the same state. */
static void again(void)
{
	static const char *const files[] = {"file", "link", "dirlink", "dangling", "loop", "fifo",
		"full/in", "new", "full/new", "empty/new", "missing"};

	for (unsigned i = 0; i < COUNT(files); i++)
		if (unlink(files[i]) < 0)
			rmdir(files[i]);
	rmdir("full");
	rmdir("empty");
	make_names();
}

/* ALL(call with name in it): on every kind of name; the result and what became of the call. */
#define ALL(...)                                                                                   \
	for (unsigned i_ = 0; i_ < COUNT(names); i_++) {                                           \
		const char *name = names[i_];                                                      \
		long result;                                                                       \
                                                                                                   \
		again();                                                                           \
		result = (__VA_ARGS__);                                                            \
		say("%s, name \"%s\": %s", #__VA_ARGS__, name,                                     \
			result < 0 ? errno_name(errno) : "done");                                  \
	}

CASE(making)
{
	begin();
	ALL(mkdir(name, 0755));
	ALL(mknod(name, S_IFREG | 0600, 0));
	ALL(mknod(name, S_IFDIR | 0600, 0));
	ALL(mknod(name, S_IFLNK | 0600, 0));
	ALL(mknod(name, S_IFIFO | 0600, 0));
	ALL(symlink("target", name));
	ALL(symlink("", name));
}

CASE(removing)
{
	begin();
	ALL(unlink(name));
	ALL(rmdir(name));
	ALL(unlinkat(AT_FDCWD, name, 0x10));
	ALL(unlinkat(AT_FDCWD, name, AT_REMOVEDIR | 0x10));
}

CASE(linking)
{
	begin();
	ALL(link(name, "new"));
	ALL(link("file", name));
	ALL(link("missing", name));
	ALL(link("empty", name));
	ALL(link("dangling", name));
	ALL(linkat(AT_FDCWD, name, AT_FDCWD, "new", AT_SYMLINK_FOLLOW));
	ALL(linkat(AT_FDCWD, "dangling", AT_FDCWD, name, AT_SYMLINK_FOLLOW));
	ALL(linkat(AT_FDCWD, name, AT_FDCWD, "new", AT_SYMLINK_NOFOLLOW));
	ALL(linkat(AT_FDCWD, name, AT_FDCWD, "new", 0x8000));
}

CASE(renaming_from)
{
	begin();
	ALL(rename(name, "new"));
	ALL(rename(name, "new/"));
	ALL(rename(name, "full/new"));
	ALL(rename(name, "missing/new"));
	ALL(rename(name, "file/new"));
	ALL(rename(name, "full/."));
	ALL(rename(name, ""));
}

CASE(renaming_to)
{
	begin();
	ALL(rename("file", name));
	ALL(rename("empty", name));
	ALL(rename("full", name));
	ALL(rename("link", name));
	ALL(rename("missing", name));
	ALL(rename("full/in", name));
}

CASE(renaming_with_flags)
{
	begin();
	ALL(sc(renameat2, AT_FDCWD, "file", AT_FDCWD, name, RENAME_NOREPLACE));
	ALL(sc(renameat2, AT_FDCWD, "full", AT_FDCWD, name, RENAME_NOREPLACE));
	ALL(sc(renameat2, AT_FDCWD, "file", AT_FDCWD, name, RENAME_EXCHANGE));
	ALL(sc(renameat2, AT_FDCWD, "full", AT_FDCWD, name, RENAME_EXCHANGE));
	ALL(sc(renameat2, AT_FDCWD, name, AT_FDCWD, "full", RENAME_EXCHANGE));
	ALL(sc(renameat2, AT_FDCWD, name, AT_FDCWD, "full/in", RENAME_EXCHANGE));
	ALL(sc(renameat2, AT_FDCWD, "file", AT_FDCWD, name, RENAME_EXCHANGE | RENAME_NOREPLACE));
	ALL(sc(renameat2, AT_FDCWD, "file", AT_FDCWD, name, RENAME_EXCHANGE | RENAME_WHITEOUT));
	ALL(sc(renameat2, AT_FDCWD, "file", AT_FDCWD, name, 16));
}

CASE(moving_below_itself)
{
	mkdir("a", 0755);
	mkdir("a/b", 0755);
	mkdir("a/b/c", 0755);
	R(rename("a", "a/b"));
	R(rename("a", "a/b/c"));
	R(rename("a", "a/b/c/d"));
	R(rename("a", "a/missing/d"));
	R(rename("a/b/c", "a"));
	R(rename("a/b/c", "a/b"));
	R(rename("a/b", "a/b/../b"));
	R(rename("a/b", "a/b/"));
	R(rename("a/b/c", "a/b/c/."));
	R(sc(renameat2, AT_FDCWD, "a", AT_FDCWD, "a/b", 1));
	R(sc(renameat2, AT_FDCWD, "a", AT_FDCWD, "a/b", 2));
	R(sc(renameat2, AT_FDCWD, "a/b", AT_FDCWD, "a", 2));
	R(sc(renameat2, AT_FDCWD, "a/b/c", AT_FDCWD, "a", 2));
	R(sc(renameat2, AT_FDCWD, "a/b", AT_FDCWD, "a/b", 2));
	R(sc(renameat2, AT_FDCWD, "a/b", AT_FDCWD, "a/b", 1));
}

/* The error of a call, or 0. */
static const char *outcome(long result)
{
	return result < 0 ? errno_name(errno) : "done";
}

#define SHOW(...) say("%s: %s", #__VA_ARGS__, outcome(__VA_ARGS__))

CASE(between_mounts)
{
	mkdir("m", 0755);
	mkdir("d", 0755);
	put("f", "x");
	SHOW(mount("none", "m", "tmpfs", 0, NULL));
	put("m/f", "y");
	mkdir("m/d", 0755);
	SHOW(rename("f", "m/new"));
	SHOW(rename("f", "m/f"));
	SHOW(rename("f", "m/d"));
	SHOW(rename("missing", "m/f"));
	SHOW(rename("f", "m/missing/x"));
	SHOW(rename("f", "m/."));
	SHOW(rename("m/d", "d"));
	SHOW(rename("m", "d"));
	SHOW(rename("m", "new"));
	SHOW(rename("d", "m"));
	SHOW(rename("f", "m"));
	SHOW(sc(renameat2, AT_FDCWD, "d", AT_FDCWD, "m", RENAME_EXCHANGE));
	SHOW(sc(renameat2, AT_FDCWD, "d", AT_FDCWD, "m", RENAME_NOREPLACE));
	SHOW(sc(renameat2, AT_FDCWD, "f", AT_FDCWD, "m/f", RENAME_EXCHANGE));
	SHOW(sc(renameat2, AT_FDCWD, "f", AT_FDCWD, "m/f", RENAME_NOREPLACE));
	SHOW(link("f", "m/new"));
	SHOW(link("f", "m/f"));
	SHOW(link("f", "m/missing/x"));
	SHOW(link("d", "m/new"));
	SHOW(rmdir("m"));
	SHOW(unlink("m"));
	SHOW(unlinkat(AT_FDCWD, "m", AT_REMOVEDIR));
	SHOW(mkdir("m", 0755));
	SHOW(mount("f", "f", NULL, MS_BIND, NULL));
	SHOW(unlink("f"));
	SHOW(rename("f", "g"));
	SHOW(rename("d", "f"));
	put("h", "z");
	SHOW(rename("h", "f"));
	SHOW(link("f", "k"));
	SHOW(umount2("f", 0));
	SHOW(umount2("m", 0));
	SHOW(unlink("f"));
}

CASE(in_a_sticky_directory)
{
	mkdir("s", 01777);
	chmod("s", 01777);
	mkdir("s/dir", 0777);
	chmod("s/dir", 0777);
	put("s/file", "x");
	put("s/theirs", "x");
	chown("s/theirs", 1000, 1000);
	put("s/other", "x");
	chown("s/other", 1001, 1001);
	IN_CHILD
	{
		drop_to(1000, 1000);
		SHOW(unlink("s/file"));
		SHOW(unlink("s/missing"));
		SHOW(rmdir("s/dir"));
		SHOW(rmdir("s/file"));
		SHOW(unlink("s/dir"));
		SHOW(rename("s/file", "s/new"));
		SHOW(rename("s/theirs", "s/file"));
		SHOW(rename("s/theirs", "s/dir/in"));
		SHOW(rename("s/dir/in", "s/other"));
		SHOW(rename("s/dir/in", "s/back"));
		SHOW(rename("s/dir", "s/d"));
		SHOW(sc(renameat2, AT_FDCWD, "s/back", AT_FDCWD, "s/other", 2));
		SHOW(mkdir("s/mine", 0700));
		SHOW(rmdir("s/mine"));
		SHOW(rename("s/back", "s/missing/x"));
		SHOW(unlink("s/back"));
	}
	IN_CHILD
	{
		chown("s", 1000, 1000);
		drop_to(1000, 1000);
		SHOW(unlink("s/file"));
		SHOW(rename("s/other", "s/file"));
	}
}

/* FS_IMMUTABLE_FL and FS_APPEND_FL of chattr(1): EPERM for everyone, each with its own exceptions.
 */
static long flags_of(const char *path, int flags)
{
	int fd = open(path, O_RDONLY);
	long result = ioctl(fd, FS_IOC_SETFLAGS, &flags);

	close(fd);
	return result;
}

CASE_ON(disk, around_immutable_files)
{
	static const int kinds[] = {FS_IMMUTABLE_FL, FS_APPEND_FL};

	for (unsigned i = 0; i < COUNT(kinds); i++) {
		put("f", "x");
		put("g", "y");
		mkdir("d", 0755);
		put("d/f", "x");
		mkdir("d/sub", 0755);
		SHOW(flags_of("f", kinds[i]));
		SHOW(flags_of("d", kinds[i]));
		SHOW(rename("f", "new"));
		SHOW(rename("g", "f"));
		SHOW(sc(renameat2, AT_FDCWD, "g", AT_FDCWD, "f", RENAME_EXCHANGE));
		SHOW(sc(renameat2, AT_FDCWD, "g", AT_FDCWD, "f", RENAME_NOREPLACE));
		SHOW(link("f", "new"));
		SHOW(unlink("f"));
		SHOW(rmdir("f"));
		SHOW(rmdir("d"));
		SHOW(rename("d", "new"));
		SHOW(rename("g", "d/g"));
		SHOW(rename("d/f", "out"));
		SHOW(rename("d/f", "d/f"));
		SHOW(rename("d/f", "d/k"));
		SHOW(unlink("d/missing"));
		SHOW(unlink("d/f"));
		SHOW(rmdir("d/sub"));
		SHOW(mkdir("d/sub", 0755));
		SHOW(link("d/f", "d/h"));
		SHOW(symlink("x", "d/l"));
		SHOW(truncate("f", 0));
		SHOW(chmod("f", 0600));
		SHOW(chown("f", 0, 0));
		SHOW(utimensat(AT_FDCWD, "f", NULL, 0));
		SHOW(sc(setxattr, "f", "user.a", "x", 1, 0));
		SHOW(sc(open, "f", O_WRONLY, 0));
		SHOW(sc(open, "f", O_WRONLY | O_APPEND, 0));
		SHOW(sc(open, "f", O_RDONLY | O_TRUNC, 0));
		SHOW(access("f", W_OK));
		SHOW(flags_of("f", 0));
		SHOW(flags_of("d", 0));
		SHOW(rename("d", "elsewhere"));
		SHOW(rename("elsewhere", "d"));
	}
}

/* EMLINK: ext4 and ext2 agree that there is a limit for files, not on how many. */
CASE_ON(disk, links_have_a_limit)
{
	char name[32];
	long n = 0;

	put("f", "x");
	for (; n < 70000; n++) {
		snprintf(name, sizeof(name), "l%ld", n);
		if (link("f", name) < 0)
			break;
	}
	say("link past the limit: %s", n < 70000 ? errno_name(errno) : "never refused");
	T(n > 1000);
	SHOW(link("l0", "one-more"));
	SHOW(rename("f", "g"));
	SHOW(unlink("l0"));
	SHOW(link("g", "one-more"));
}

/* Each flag alone, on a name and on the empty one, for the calls that know some of them. */
CASE(flags_of_the_at_calls)
{
	static char stat_buffer[512];
	int fd, link_fd;

	again();
	fd = open("file", O_RDONLY);
	link_fd = open("link", O_PATH | O_NOFOLLOW);
	for (unsigned bit = 0; bit < 18; bit++) {
		int flag = 1 << bit;

		say("flag %#x", (unsigned)flag);
		SHOW(sc(newfstatat, AT_FDCWD, "link", stat_buffer, flag));
		SHOW(sc(newfstatat, fd, "", stat_buffer, flag));
		SHOW(sc(statx, AT_FDCWD, "link", flag, 0x7ff, stat_buffer));
		SHOW(sc(statx, fd, "", flag, 0x7ff, stat_buffer));
		SHOW(sc(faccessat2, AT_FDCWD, "link", R_OK, flag));
		SHOW(sc(faccessat2, fd, "", R_OK, flag));
		SHOW(sc(fchmodat2, AT_FDCWD, "file", 0600, flag));
		SHOW(sc(fchmodat2, fd, "", 0600, flag));
		SHOW(sc(fchownat, AT_FDCWD, "link", 0, 0, flag));
		SHOW(sc(fchownat, fd, "", 0, 0, flag));
		SHOW(sc(fchownat, link_fd, "", 0, 0, flag));
		SHOW(sc(utimensat, AT_FDCWD, "link", NULL, flag));
		SHOW(sc(utimensat, fd, "", NULL, flag));
		SHOW(sc(unlinkat, AT_FDCWD, "missing", flag));
		SHOW(sc(linkat, AT_FDCWD, "missing", AT_FDCWD, "new", flag));
		if (bit < 16) /* AT_EXECVE_CHECK is younger */
			SHOW(sc(execveat, AT_FDCWD, "file", NULL, NULL, flag));
	}
	SHOW(sc(statx, AT_FDCWD, "file", 0, 0x80000000u, stat_buffer));
	SHOW(sc(statx, AT_FDCWD, "missing", 0, 0x80000000u, stat_buffer));
	SHOW(sc(statx, AT_FDCWD, "file", 0x6000, 0, stat_buffer));
	SHOW(sc(statx, AT_FDCWD, "file", 0, 0, BAD_PTR));
	SHOW(sc(newfstatat, fd, NULL, stat_buffer, 0));
	SHOW(sc(faccessat2, AT_FDCWD, "file", 8, 0));
	SHOW(sc(faccessat2, AT_FDCWD, "missing", 8, 0));
	SHOW(sc(fchmodat, AT_FDCWD, "dangling", 0600));
	SHOW(sc(fchmodat2, AT_FDCWD, "link", 0600, 0x100));
	SHOW(sc(fchmodat2, link_fd, "", 0600, 0x1000));
}

static long open2(int dfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
	long fd = sc(openat2, dfd, path, &how, sizeof(how));

	return fd < 0 ? fd : close((int)fd);
}

CASE(opening_with_openat2)
{
	static const char *const paths[] = {"file", "./file", "full/../file", "../x", "/", "/file",
		"link", "dirlink/", "loop", "full/up", "full/abs", "missing", "file/", "full/in/x"};
	struct {
		struct open_how how;
		uint64_t more[2];
	} big = {.how = {.flags = O_RDONLY}};

	begin();
	again();
	symlink("../file", "full/up");
	symlink("/file", "full/abs");
	for (unsigned bit = 0; bit < 8; bit++)
		for (unsigned i = 0; i < COUNT(paths); i++) {
			long result;

			/* RESOLVE_CACHED: what is cached is not the program's to know. And Linux
			   takes any absolute link for a way to another mount. */
			if (bit == 5 || (bit == 0 && !strcmp(paths[i], "full/abs")))
				continue;
			result = open2(AT_FDCWD, paths[i], O_RDONLY, 0, 1u << bit);
			say("resolve %#x, \"%s\": %s", 1u << bit, paths[i], outcome(result));
		}
	SHOW(open2(AT_FDCWD, "file", O_RDONLY, 0, RESOLVE_BENEATH | RESOLVE_IN_ROOT));
	SHOW(access("file", F_OK));
	SHOW(open2(AT_FDCWD, "file", O_RDONLY, 0, RESOLVE_CACHED));
	SHOW(open2(AT_FDCWD, "new", O_CREAT | O_RDWR, 0600, RESOLVE_CACHED));
	SHOW(open2(AT_FDCWD, "file", O_TRUNC | O_RDWR, 0, RESOLVE_CACHED));
	SHOW(open2(AT_FDCWD, ".", O_TMPFILE | O_RDWR, 0600, RESOLVE_CACHED));
	SHOW(open2(AT_FDCWD, "file", O_RDONLY, 01000, 0));
	SHOW(open2(AT_FDCWD, "new", O_CREAT | O_RDWR, 0200000, 0));
	SHOW(open2(AT_FDCWD, "file", O_RDWR | O_TMPFILE, 0600, 0));
	SHOW(open2(AT_FDCWD, ".", 020000000 | O_RDWR, 0600, 0));
	SHOW(open2(AT_FDCWD, "file", O_PATH | O_RDWR, 0, 0));
	SHOW(open2(AT_FDCWD, "file", O_PATH | O_TRUNC, 0, 0));
	SHOW(open2(AT_FDCWD, "file", O_PATH | O_CLOEXEC | O_NOFOLLOW, 0, 0));
	SHOW(open2(AT_FDCWD, "file", O_DIRECTORY | O_CREAT, 0600, 0));
	SHOW(open2(AT_FDCWD, "file", 1u << 31, 0, 0));
	SHOW(open2(AT_FDCWD, "file", 3, 0, 0));
	SHOW(open2(99, "/file", O_RDONLY, 0, RESOLVE_IN_ROOT));
	SHOW(open2(open("full", O_RDONLY), "/in", O_RDONLY, 0, RESOLVE_IN_ROOT));
	SHOW(open2(open("full", O_RDONLY), "/file", O_RDONLY, 0, RESOLVE_IN_ROOT));
	SHOW(open2(99, "/file", O_RDONLY, 0, RESOLVE_BENEATH));
	SHOW(open2(99, "/file", O_RDONLY, 0, 0));
	SHOW(sc(openat2, AT_FDCWD, "file", &big, sizeof(big)) < 0 ? -1 : 0);
	big.more[1] = 1;
	SHOW(sc(openat2, AT_FDCWD, "file", &big, sizeof(big)));
	SHOW(sc(openat2, AT_FDCWD, "file", &big, 4097));
	SHOW(sc(openat2, AT_FDCWD, "file", &big, 23));
	SHOW(sc(openat2, AT_FDCWD, "file", BAD_PTR, 24));
	SHOW(sc(openat2, AT_FDCWD, "file", BAD_PTR, 23));
	SHOW(sc(openat2, AT_FDCWD, BAD_PTR, &big, 24));
}

CASE(between_mounts_with_openat2)
{
	int top = open(".", O_RDONLY), inside;

	mkdir("m", 0755);
	SHOW(mount("none", "m", "tmpfs", 0, NULL));
	put("m/f", "x");
	symlink("../m/f", "m/l");
	inside = open("m", O_RDONLY);
	SHOW(open2(top, "m/f", O_RDONLY, 0, RESOLVE_NO_XDEV));
	SHOW(open2(top, "m", O_RDONLY, 0, RESOLVE_NO_XDEV));
	SHOW(open2(top, "m/missing", O_RDONLY, 0, RESOLVE_NO_XDEV));
	SHOW(open2(inside, "f", O_RDONLY, 0, RESOLVE_NO_XDEV));
	SHOW(open2(inside, "..", O_RDONLY, 0, RESOLVE_NO_XDEV));
	SHOW(open2(inside, "../m/f", O_RDONLY, 0, RESOLVE_NO_XDEV));
	SHOW(open2(inside, "l", O_RDONLY, 0, RESOLVE_NO_XDEV));
	SHOW(open2(inside, "l", O_RDONLY, 0, RESOLVE_BENEATH));
	SHOW(open2(top, "m/l", O_RDONLY, 0, RESOLVE_BENEATH));
	SHOW(open2(inside, "..", O_RDONLY, 0, RESOLVE_IN_ROOT));
	SHOW(open2(inside, "../../../f", O_RDONLY, 0, RESOLVE_IN_ROOT));
	close(inside);
	SHOW(umount2("m", 0));
}
