/*
 * iflags_test.c - immutable and append-only files and folders: what is refused, to whom. On a disk,
 * as only its file system keeps the flags.
 */
#include "abi.h"

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>

#define MINE (FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NOATIME_FL | FS_NODUMP_FL | FS_SYNC_FL)

static int flags_of(const char *name)
{
	int fd = open(name, O_RDONLY), flags = 0;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		say("get: %s", errno_name(errno));
	close(fd);
	return flags;
}

/* These of MINE, and the others as they are. */
static int set(const char *name, int flags)
{
	int fd = open(name, O_RDONLY), now = flags_of(name), r, e;

	now = (now & ~MINE) | flags;
	r = ioctl(fd, FS_IOC_SETFLAGS, &now);
	e = errno;
	close(fd);
	errno = e;
	return r;
}

static void show_flags(const char *name)
{
	say("%s: %#x", name, flags_of(name) & MINE);
}

static int open_close(const char *name, int flags)
{
	int fd = open(name, flags, 0644), e = errno;

	if (fd >= 0)
		close(fd);
	errno = e;
	return fd < 0 ? -1 : 0;
}

CASE_ON(disk, flags_are_kept)
{
	struct statx sx = {0};

	put("f", "");
	mkdir("d", 0755);
	R(set("f", FS_NODUMP_FL | FS_NOATIME_FL));
	show_flags("f");
	R(set("f", FS_IMMUTABLE_FL));
	show_flags("f");
	sc(statx, AT_FDCWD, "f", 0, STATX_BASIC_STATS, &sx);
	HEX(sx.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND));
	R(set("f", FS_APPEND_FL));
	sc(statx, AT_FDCWD, "f", 0, STATX_BASIC_STATS, &sx);
	HEX(sx.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND));
	R(set("f", 0));
	R(set("d", FS_NODUMP_FL | FS_NOATIME_FL | FS_SYNC_FL));
	put("d/new", "");
	mkdir("d/sub", 0755);
	show_flags("d/new");
	show_flags("d/sub");
}

CASE_ON(disk, an_immutable_file_does_not_change)
{
	struct timeval tv[2] = {{1, 0}, {2, 0}};
	char *map;
	int fd, old;

	put("f", "text");
	R(chmod("f", 0755));
	old = open("f", O_RDWR);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, old, 0);
	R(set("f", FS_IMMUTABLE_FL));
	R(open_close("f", O_RDONLY));
	R(open_close("f", O_WRONLY));
	R(open_close("f", O_RDWR));
	R(open_close("f", O_WRONLY | O_APPEND));
	R(open_close("f", O_RDONLY | O_TRUNC));
	R(open_close("f", O_RDWR | O_CREAT));
	R(open_close("f", O_RDWR | O_CREAT | O_EXCL));
	R(access("f", W_OK));
	R(access("f", R_OK | X_OK));
	R(sc(faccessat, AT_FDCWD, "f", W_OK));
	R(sc(faccessat2, AT_FDCWD, "f", W_OK, 0));
	R(truncate("f", 1));
	R(unlink("f"));
	R(rename("f", "g"));
	put("other", "");
	R(rename("other", "f"));
	R(link("f", "g"));
	R(chmod("f", 0600));
	R(chown("f", 1, 1));
	R(chown("f", -1, -1));
	R(utimes("f", tv));
	R(utimes("f", NULL));
	R(write(old, "x", 1));
	R(ftruncate(old, 0));
	R(fchmod(old, 0600));
	R(fallocate(old, 0, 0, 100) < 0 && errno == EPERM);
	fault("store through a mapping", poke, map);
	fd = open("f", O_RDONLY);
	RZ(read(fd, tv, 1));
	show_file("f");
	R(set("f", 0));
	R(write(old, "X", 1));
	R(unlink("f"));
}

CASE_ON(disk, an_immutable_folder_keeps_its_names)
{
	mkdir("d", 0755);
	put("d/f", "text");
	mkdir("d/sub", 0755);
	R(set("d", FS_IMMUTABLE_FL));
	R(open_close("d/new", O_WRONLY | O_CREAT));
	R(mkdir("d/n", 0755));
	R(symlink("x", "d/n"));
	R(mkdirat(AT_FDCWD, "d/n", 0755));
	R(symlinkat("x", AT_FDCWD, "d/n"));
	R(link("d/f", "d/n"));
	R(unlink("d/f"));
	R(rmdir("d/sub"));
	R(rename("d/f", "d/g"));
	R(rename("d/f", "f"));
	put("out", "");
	R(rename("out", "d/in"));
	R(open_close("d/f", O_WRONLY | O_APPEND));
	R(open_close("d/sub/below", O_WRONLY | O_CREAT));
	R(chmod("d", 0700));
	R(rmdir("d"));
	R(rename("d", "e"));
	R(access("d", W_OK));
	R(set("d", 0));
	R(unlink("d/f"));
}

CASE_ON(disk, an_append_only_file_only_grows)
{
	struct timeval tv[2] = {{1, 0}, {2, 0}};
	int fd, old;

	put("f", "text");
	old = open("f", O_RDWR);
	R(set("f", FS_APPEND_FL));
	R(open_close("f", O_RDONLY));
	R(open_close("f", O_WRONLY));
	R(open_close("f", O_RDWR | O_CREAT));
	R(open_close("f", O_RDONLY | O_TRUNC));
	R(open_close("f", O_WRONLY | O_APPEND | O_TRUNC));
	fd = open("f", O_RDWR | O_APPEND);
	R(write(fd, " more", 5));
	R(pwrite(fd, " and", 4, 0));
	R(fcntl(fd, F_SETFL, 0));
	R(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK));
	R(fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK));
	R(fcntl(old, F_SETFL, O_APPEND));
	R(ftruncate(fd, 0));
	R(ftruncate(fd, 100));
	R(truncate("f", 100));
	T(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
	V(errno == EACCES);
	T(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED);
	R(unlink("f"));
	R(rename("f", "g"));
	R(link("f", "g"));
	R(chmod("f", 0600));
	R(chown("f", 1, 1));
	R(utimes("f", tv));
	R(utimes("f", NULL));
	show_file("f");
	R(set("f", 0));
	R(unlink("f"));
}

CASE_ON(disk, an_append_only_folder_only_gains_names)
{
	mkdir("d", 0755);
	put("d/f", "text");
	mkdir("d/sub", 0755);
	put("out", "");
	R(set("d", FS_APPEND_FL));
	R(open_close("d/new", O_WRONLY | O_CREAT));
	R(mkdir("d/n", 0755));
	R(rename("out", "d/in"));
	R(unlink("d/new"));
	R(rmdir("d/sub"));
	R(rename("d/f", "d/g"));
	R(rename("d/f", "f"));
	put("out", "");
	R(rename("out", "d/f"));
	R(open_close("d/f", O_WRONLY | O_TRUNC));
	R(rmdir("d"));
	R(set("d", 0));
	R(unlink("d/f"));
}

CASE_ON(disk, who_may_set_them)
{
	put("f", "");
	put("mine", "");
	chown("mine", 1234, 1234);
	chmod(".", 0777);
	IN_CHILD
	{
		drop_to(1234, 1234);
		R(set("f", FS_NODUMP_FL));
		R(set("mine", FS_NODUMP_FL | FS_NOATIME_FL));
		show_flags("mine");
		R(set("mine", FS_IMMUTABLE_FL));
		R(set("mine", FS_APPEND_FL));
		show_flags("mine");
	}
	R(set("mine", FS_IMMUTABLE_FL));
	IN_CHILD
	{
		drop_to(1234, 1234);
		R(set("mine", 0));
		R(set("mine", FS_IMMUTABLE_FL | FS_NODUMP_FL));
		show_flags("mine");
	}
	R(set("mine", 0));
	IN_CHILD
	{
		struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
		struct __user_cap_data_struct caps[2] = {0};

		sc(capget, &head, caps);
		caps[0].effective &= ~(1u << CAP_LINUX_IMMUTABLE);
		R(sc(capset, &head, caps));
		R(set("f", FS_IMMUTABLE_FL));
		R(set("f", FS_NODUMP_FL));
	}
	show_flags("f");
	R(set("f", 0));
	R(ioctl(open("f", O_RDONLY), FS_IOC_SETFLAGS, BAD_PTR));
}

CASE_ON(disk, holes)
{
	R(open("f", O_RDWR | O_CREAT, 0644));
	R(pwrite(3, "end", 3, 1 << 20));
	R(lseek(3, 0, SEEK_DATA));
	R(lseek(3, 0, SEEK_HOLE));
	R(lseek(3, 1 << 20, SEEK_HOLE));
	R(pwrite(3, "far", 3, 3000000000l));
	R(lseek(3, (1 << 20) + 4096, SEEK_DATA));
	R(lseek(3, 1 << 20, SEEK_HOLE));
	R(lseek(3, 5000, SEEK_DATA));
	R(lseek(3, 3000000002l, SEEK_HOLE));
	R(lseek(3, 3000000003l, SEEK_HOLE));
	R(lseek(3, 3000000003l, SEEK_DATA));
	R(ftruncate(3, 1 << 30));
	R(lseek(3, (1 << 20) + 4096, SEEK_DATA));
	R(lseek(3, 2 << 20, SEEK_HOLE));
	R(pwrite(3, "x", 1, 10000));
	R(lseek(3, 0, SEEK_DATA));
	R(lseek(3, 8192, SEEK_HOLE));
}
