/*
 * stat_test.c - stat, statx, access, chmod, chown, utimensat, statfs; what clears set-id bits.
 */
#include "abi.h"

#include <linux/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <utime.h>

static void show(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		say("%s: %s", path, errno_name(errno));
	else
		say("%s: mode %o links %ld uid %u gid %u", path, st.st_mode, (long)st.st_nlink,
			st.st_uid, st.st_gid);
}

CASE(stat_fields)
{
	struct stat st, other;

	put("f", "0123456789");
	R(stat("f", &st));
	OCT(st.st_mode);
	V(st.st_size);
	V(st.st_nlink);
	V(st.st_blksize);
	T(st.st_blocks > 0);
	T(st.st_ino != 0);
	V(st.st_rdev);
	stat(".", &other);
	T(st.st_dev == other.st_dev);
	T(S_ISDIR(other.st_mode));
	R(stat("/dev/null", &st));
	OCT(st.st_mode);
	V(major(st.st_rdev));
	V(minor(st.st_rdev));
	R(stat("/dev/zero", &st));
	V(minor(st.st_rdev));
	V(st.st_size);
	R(stat("missing", &st));
	R(stat("", &st));
	R(sc(stat, "f", BAD_PTR));
	R(sc(stat, BAD_PTR, &st));
	R(fstat(99, &st));
	R(sc(fstat, 0, BAD_PTR));
	R(fstat(1, &st));
	OCT(st.st_mode);
	V(st.st_size);
	V(st.st_blksize);
	symlink("f", "l");
	R(stat("l", &st));
	V(st.st_size);
	R(lstat("l", &st));
	V(st.st_size);
	R(stat("f/", &st));
	R(lstat("l/", &st));
	R(stat("f/x", &st));
}

CASE_ON(disk, blocks)
{
	struct stat st;
	static char data[4096 * 20];

	R(make("f", O_RDWR));
	fstat(3, &st);
	V(st.st_blocks);
	R(write(3, "x", 1));
	fsync(3);
	fstat(3, &st);
	V(st.st_blocks);
	R(pwrite(3, data, 4096 * 10, 0));
	fsync(3);
	fstat(3, &st);
	V(st.st_blocks);
	R(ftruncate(3, 5));
	fstat(3, &st);
	V(st.st_blocks);
	R(ftruncate(3, 0));
	fstat(3, &st);
	V(st.st_blocks);
	R(ftruncate(3, 1 << 20));
	fstat(3, &st);
	V(st.st_blocks);
	symlink("short", "l");
	lstat("l", &st);
	V(st.st_blocks);
	mkdir("d", 0755);
	stat("d", &st);
	V(st.st_size);
	V(st.st_blocks);
	V(st.st_blksize);
}

static void show_statx(const char *what, int dir, const char *path, int flags, unsigned mask)
{
	struct statx sx;

	memset(&sx, 0, sizeof(sx));
	if (sc(statx, dir, path, flags, mask, &sx) < 0)
		say("%s: %s", what, errno_name(errno));
	else
		say("%s: has basic %d mode %o size %ld links %u uid %u", what,
			(sx.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS, sx.stx_mode,
			S_ISDIR(sx.stx_mode) ? 0 : (long)sx.stx_size, sx.stx_nlink, sx.stx_uid);
}

CASE(statx_basic)
{
	struct statx sx;
	struct stat st;

	put("f", "12345");
	symlink("f", "l");
	R(open("f", O_RDONLY));
	show_statx("basic", AT_FDCWD, "f", 0, STATX_BASIC_STATS);
	show_statx("reserved bit", AT_FDCWD, "f", 0, 0x80000000u);
	show_statx("link", AT_FDCWD, "l", AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS);
	show_statx("empty", 3, "", AT_EMPTY_PATH, STATX_BASIC_STATS);
	show_statx("empty unflagged", 3, "", 0, STATX_BASIC_STATS);
	show_statx("no sync", AT_FDCWD, "f", AT_STATX_DONT_SYNC, STATX_BASIC_STATS);
	show_statx("both syncs", AT_FDCWD, "f", AT_STATX_DONT_SYNC | AT_STATX_FORCE_SYNC, 0);
	show_statx("bad flag", AT_FDCWD, "f", 0x100000, STATX_BASIC_STATS);
	show_statx("bad fd", 99, "f", 0, STATX_BASIC_STATS);
	show_statx("missing", AT_FDCWD, "missing", 0, STATX_BASIC_STATS);
	show_statx("null", AT_FDCWD, "/dev/null", 0, STATX_BASIC_STATS);
	R(sc(statx, AT_FDCWD, "f", 0, STATX_ALL, BAD_PTR));
	R(sc(statx, AT_FDCWD, BAD_PTR, 0, STATX_ALL, &sx));
	R(sc(statx, AT_FDCWD, "f", 0, STATX_BASIC_STATS, &sx));
	stat("f", &st);
	T(sx.stx_ino == st.st_ino);
	T(sx.stx_mtime.tv_sec == st.st_mtim.tv_sec);
	T(sx.stx_mtime.tv_nsec == st.st_mtim.tv_nsec);
	T(sx.stx_ctime.tv_nsec == st.st_ctim.tv_nsec);
	T(sx.stx_dev_major == major(st.st_dev) && sx.stx_dev_minor == minor(st.st_dev));
	V(sx.stx_blksize);
	T(sx.stx_blocks == (uint64_t)st.st_blocks);
}

CASE(access_rules)
{
	put("f", "");
	put("x", "");
	chmod("x", 0100);
	chmod("f", 0);
	R(access("f", F_OK));
	R(access("f", R_OK | W_OK));
	R(access("f", X_OK));
	R(access("x", X_OK));
	R(access(".", X_OK));
	R(access("f", 8));
	R(access("f", -1));
	R(access("missing", F_OK));
	R(access("f/x", F_OK));
	R(sc(access, BAD_PTR, 0));
	chmod("x", 0755);
	put("group", "");
	chown("group", 0, 2000);
	chmod("group", 0040);
	put("owner", "");
	chown("owner", 1000, 1000);
	chmod("owner", 0044);
	IN_CHILD
	{
		drop_to(1000, 2000);
		R(access("f", R_OK));
		R(access("x", X_OK));
		R(access("x", W_OK));
		R(access("group", R_OK));
		R(access("owner", R_OK));
	}
	IN_CHILD
	{
		setresuid(1000, 0, 0);
		R(access("f", R_OK));
		R(sc(faccessat2, AT_FDCWD, "f", R_OK, AT_EACCESS));
		R(open("f", O_RDONLY));
	}
	R(access("/proc/version", W_OK));
	R(access("/dev/null", R_OK | W_OK));
	R(access("/dev/null", X_OK));
}

CASE(chmod_rules)
{
	struct stat st;

	put("f", "");
	mkdir("d", 0755);
	symlink("f", "l");
	R(chmod("f", 07777));
	show("f");
	R(chmod("f", 0170644));
	show("f");
	R(chmod("l", 0600));
	show("f");
	show("l");
	R(chmod("d", 03711));
	show("d");
	R(chmod("missing", 0644));
	R(chmod("f/x", 0644));
	R(sc(chmod, BAD_PTR, 0));
	R(fchmod(99, 0));
	R(open("f", O_RDONLY));
	R(fchmod(3, 0640));
	show("f");
	R(pipe((int[2]){0, 0}));
	R(fchmod(4, 0600));
	fstat(4, &st);
	OCT(st.st_mode);
	chown("f", 1000, 2000);
	put("other", "");
	IN_CHILD
	{
		drop_to(1000, 3000);
		R(chmod("f", 06755));
		show("f");
		R(chmod("other", 0777));
		R(fchmod(3, 0600));
		show("f");
	}
	chown("f", 1000, 3000);
	IN_CHILD
	{
		drop_to(1000, 3000);
		R(chmod("f", 06755));
		show("f");
	}
}

CASE(chown_rules)
{
	put("f", "");
	symlink("f", "l");
	chmod("f", 06755);
	R(chown("f", -1, -1));
	show("f");
	R(chown("f", 1000, -1));
	show("f");
	chmod("f", 06745);
	R(chown("f", -1, 2000));
	show("f");
	R(lchown("l", 5, 6));
	show("l");
	show("f");
	R(chown("l", 7, 8));
	show("f");
	R(chown("missing", 0, 0));
	R(sc(chown, BAD_PTR, 0, 0));
	R(fchown(99, 0, 0));
	R(open("f", O_RDONLY));
	R(fchown(3, 1000, 1000));
	show("f");
	mkdir("d", 06755);
	chmod("d", 06755);
	R(chown("d", 1, 1));
	show("d");
	IN_CHILD
	{
		gid_t groups[] = {4000};

		setgroups(1, groups);
		setresgid(1000, 1000, 1000);
		setresuid(1000, 1000, 1000);
		R(chown("f", 1001, -1));
		R(chown("f", 1000, -1));
		R(chown("f", -1, 4000));
		show("f");
		R(chown("f", -1, 5000));
		R(chown("f", 1000, 1000));
		R(chown("d", -1, -1));
		R(chown("d", 1000, 1000));
		chmod("f", 06755);
		R(chown("f", -1, -1));
		show("f");
		R(chown("f", -1, 4000));
		show("f");
	}
}

CASE(set_id_cleared_by_writing)
{
	put("f", "0123456789");
	chown("f", 1000, 1000);
	chmod("f", 06777);
	R(open("f", O_RDWR));
	R(write(3, "x", 1));
	show("f");
	IN_CHILD
	{
		drop_to(2000, 2000);
		R(write(3, "x", 1));
		show("f");
	}
	chmod("f", 06767);
	IN_CHILD
	{
		drop_to(2000, 2000);
		R(truncate("f", 5));
		show("f");
	}
	chmod("f", 06777);
	IN_CHILD
	{
		drop_to(1000, 1000);
		R(open("f", O_RDWR | O_TRUNC));
		show("f");
	}
	chmod("f", 06777);
	R(truncate("f", 3));
	show("f");
	chmod("f", 06777);
	R(link("f", "g"));
	R(rename("f", "h"));
	show("h");
}

CASE(set_gid_directory)
{
	mkdir("d", 0777);
	chown("d", 0, 3000);
	chmod("d", 02777);
	put("d/f", "");
	show("d/f");
	mkdir("d/sub", 0755);
	show("d/sub");
	mknod("d/p", S_IFIFO | 0600, 0);
	show("d/p");
	symlink("x", "d/l");
	show("d/l");
	IN_CHILD
	{
		drop_to(1000, 1000);
		umask(0);
		R(open("d/mine", O_RDWR | O_CREAT, 02777));
		show("d/mine");
		R(mkdir("d/mydir", 0700));
		show("d/mydir");
	}
}

static struct timespec mtime_of(const char *path)
{
	struct stat st;

	memset(&st, 0, sizeof(st));
	lstat(path, &st);
	return st.st_mtim;
}

static void show_times(const char *path)
{
	struct stat st;

	lstat(path, &st);
	say("%s: atime %ld.%09ld mtime %ld.%09ld", path, st.st_atim.tv_sec, st.st_atim.tv_nsec,
		st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

CASE(setting_times)
{
	struct timespec ts[2] = {{1000, 0}, {2000, 0}};
	struct timeval tv[2] = {{3000, 0}, {4000, 0}};
	struct utimbuf ub = {5000, 6000};

	put("f", "");
	symlink("f", "l");
	R(utimensat(AT_FDCWD, "f", ts, 0));
	show_times("f");
	R(sc(utimes, "f", tv));
	show_times("f");
	R(sc(utime, "f", &ub));
	show_times("f");
	ts[0].tv_nsec = UTIME_OMIT;
	R(utimensat(AT_FDCWD, "f", ts, 0));
	show_times("f");
	ts[0].tv_nsec = ts[1].tv_nsec = UTIME_OMIT;
	R(utimensat(AT_FDCWD, "f", ts, 0));
	R(utimensat(AT_FDCWD, "missing", ts, 0));
	ts[0].tv_nsec = 0;
	ts[1].tv_nsec = UTIME_NOW;
	R(utimensat(AT_FDCWD, "f", ts, 0));
	T(mtime_of("f").tv_sec > 1000000);
	ts[1].tv_nsec = 1000000000;
	R(utimensat(AT_FDCWD, "f", ts, 0));
	ts[1].tv_nsec = -1;
	R(utimensat(AT_FDCWD, "f", ts, 0));
	tv[0].tv_usec = 1000000;
	R(sc(utimes, "f", tv));
	ts[1] = (struct timespec){77, 0};
	R(utimensat(AT_FDCWD, "l", ts, AT_SYMLINK_NOFOLLOW));
	V(mtime_of("l").tv_sec);
	R(utimensat(AT_FDCWD, "f", ts, 0x4000));
	R(open("f", O_RDONLY));
	R(futimens(3, ts));
	V(mtime_of("f").tv_sec);
	R(sc(utimensat, 3, NULL, ts, AT_SYMLINK_NOFOLLOW));
	R(sc(utimensat, AT_FDCWD, NULL, ts, 0));
	R(sc(utimensat, 99, NULL, ts, 0));
	R(sc(utimensat, AT_FDCWD, "f", BAD_PTR, 0));
	R(sc(utimensat, AT_FDCWD, BAD_PTR, ts, 0));
	R(sc(utime, "f", NULL));
	T(mtime_of("f").tv_sec > 1000000);
	chmod("f", 0666);
	put("shut", "");
	IN_CHILD
	{
		drop_to(1000, 1000);
		R(utimensat(AT_FDCWD, "f", NULL, 0));
		R(utimensat(AT_FDCWD, "f", ts, 0));
		R(utimensat(AT_FDCWD, "shut", NULL, 0));
		ts[0].tv_nsec = UTIME_NOW;
		R(utimensat(AT_FDCWD, "f", ts, 0));
		ts[1].tv_nsec = UTIME_NOW;
		R(utimensat(AT_FDCWD, "f", ts, 0));
	}
}

static struct stat before, after;

static void mark(const char *path)
{
	struct timespec old[2] = {{1000, 0}, {1000, 0}};

	utimensat(AT_FDCWD, path, old, 0);
	stat(path, &before);
	pause_ms(30);
}

static bool newer(struct timespec a, struct timespec b)
{
	return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

static void changed(const char *what, const char *path)
{
	stat(path, &after);
	say("%s: mtime %s, ctime %s", what, newer(after.st_mtim, before.st_mtim) ? "new" : "kept",
		newer(after.st_ctim, before.st_ctim) ? "new" : "kept");
}

CASE(times_kept_and_changed)
{
	char b[4];

	put("f", "abc");
	mkdir("d", 0755);
	R(open("f", O_RDWR));
	mark("f");
	write(3, "x", 1);
	changed("write", "f");
	mark("f");
	write(3, "x", 0);
	changed("write of nothing", "f");
	mark("f");
	read(3, b, 1);
	changed("read", "f");
	mark("f");
	chmod("f", 0600);
	changed("chmod", "f");
	mark("f");
	chown("f", 0, 0);
	changed("chown", "f");
	mark("f");
	chown("f", -1, -1);
	changed("chown to nothing", "f");
	mark("f");
	link("f", "g");
	changed("link", "f");
	mark("f");
	rename("g", "h");
	changed("rename", "f");
	mark("f");
	unlink("h");
	changed("unlink", "f");
	mark("f");
	truncate("f", 1);
	changed("truncate", "f");
	mark("f");
	truncate("f", 1);
	changed("truncate to the same size", "f");
	mark("f");
	ftruncate(3, 1);
	changed("ftruncate to the same size", "f");
	mark("f");
	close(open("f", O_RDWR | O_TRUNC));
	changed("open with O_TRUNC", "f");
	mark("f");
	close(open("f", O_RDWR | O_TRUNC));
	changed("O_TRUNC of the empty file", "f");
	mark("d");
	put("d/x", "");
	changed("create in a directory", "d");
	mark("d");
	put("d/x", "more");
	changed("write in a directory", "d");
	mark("d");
	unlink("d/x");
	changed("unlink in a directory", "d");
	mark("d");
	mkdir("d/y", 0755);
	changed("mkdir in a directory", "d");
	mark("d");
	rename("d/y", "d/z");
	changed("rename in a directory", "d");
	mark("d");
	rmdir("d/z");
	changed("rmdir in a directory", "d");
}

CASE(statfs_calls)
{
	struct statfs a, b;

	R(statfs(".", &a));
	T(a.f_bsize == 4096);
	V(a.f_namelen);
	T(a.f_blocks >= a.f_bfree && a.f_bfree >= a.f_bavail);
	T(a.f_files >= a.f_ffree);
	R(open(".", O_RDONLY));
	R(fstatfs(3, &b));
	T(a.f_blocks == b.f_blocks && a.f_type == b.f_type);
	R(statfs("missing", &a));
	R(sc(statfs, ".", BAD_PTR));
	R(sc(statfs, BAD_PTR, &a));
	R(fstatfs(99, &a));
	R(statfs("/proc", &a));
	HEX(a.f_type);
	V(a.f_blocks);
	R(fstatfs(1, &a));
	HEX(a.f_type);
}

CASE(extended_attributes)
{
	char b[16];

	put("f", "");
	R(sc(getxattr, "missing", "user.x", b, 16));
	R(sc(setxattr, "missing", "user.x", b, 1, 0));
	R(sc(listxattr, "missing", b, 16));
	R(sc(fgetxattr, 99, "user.x", b, 16));
	R(sc(fsetxattr, 99, "user.x", b, 1, 0));
	R(sc(removexattr, "missing", "user.x"));
	R(sc(listxattr, "f", b, 16));
	R(sc(getxattr, "f", "nonsense.x", b, 16));
	R(sc(setxattr, "f", "nonsense.x", b, 1, 0));
}
