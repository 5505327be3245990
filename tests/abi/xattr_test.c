/*
 * xattr_test.c - extended attributes, xattr(7): values, names, who may, what cannot have any,
 * limits, file capabilities, and the calls that end in "at".
 */
#include "abi.h"

#include <linux/fs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

#ifndef SYS_setxattrat /* younger than musl's list */
#define SYS_setxattrat    463
#define SYS_getxattrat    464
#define SYS_listxattrat   465
#define SYS_removexattrat 466
#endif
struct at_args {
	uint64_t value;
	uint32_t size, flags;
};

static char bytes[70000], names[70000];

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All names of @path itself, sorted: their order is the file system's. */
static void show_names(const char *path)
{
	ssize_t len = llistxattr(path, names, sizeof(names));
	char *name[100];
	size_t n = 0;

	for (char *at = names; at < names + len && n < COUNT(name); at += strlen(at) + 1)
		name[n++] = at;
	qsort(name, n, sizeof(*name), by_name);
	say("%s has %zu names in %zd bytes", path, n, len);
	for (size_t i = 0; i < n; i++)
		say("  %s", name[i]);
}

static void show_value(const char *path, const char *name)
{
	ssize_t n = lgetxattr(path, name, bytes, sizeof(bytes) - 1);

	if (n < 0) {
		say("%s of %s: %s", name, path, errno_name(errno));
		return;
	}
	bytes[n] = 0;
	say("%s of %s: %zd bytes \"%.40s\"", name, path, n, bytes);
}

/* ---- values ---- */

CASE(values)
{
	int fd;

	put("f", "contents");
	fd = open("f", O_RDONLY);
	show_names("f");
	R(getxattr("f", "user.a", bytes, 10));
	R(setxattr("f", "user.a", "value", 5, 0));
	R(getxattr("f", "user.a", NULL, 0));
	R(getxattr("f", "user.a", bytes, 4));
	R(getxattr("f", "user.a", bytes, 5));
	show_value("f", "user.a");
	R(setxattr("f", "user.a", "a longer value than before", 26, 0));
	show_value("f", "user.a");
	R(lsetxattr("f", "user.empty", "", 0, 0));
	R(setxattr("f", "user.null", NULL, 0, 0));
	show_value("f", "user.empty");
	show_value("f", "user.null");
	R(fsetxattr(fd, "user.b", "by descriptor", 13, 0));
	R(fgetxattr(fd, "user.b", bytes, 100));
	R(flistxattr(fd, NULL, 0));
	R(listxattr("f", names, 5));
	R(listxattr("f", names, 34));
	R(listxattr("f", names, 35));
	R(llistxattr("f", names, 5));
	R(flistxattr(fd, names, 5));
	R(flistxattr(fd, names, 100));
	show_names("f");
	R(removexattr("f", "user.a"));
	R(removexattr("f", "user.a"));
	R(lremovexattr("f", "user.empty"));
	R(lremovexattr("f", "user.empty"));
	R(fremovexattr(fd, "user.b"));
	R(fremovexattr(fd, "user.b"));
	show_names("f");
	R(pread(fd, bytes, 100, 0));
}

CASE(create_and_replace)
{
	int fd;

	put("f", "");
	fd = open("f", O_RDONLY);
	R(setxattr("f", "user.a", "1", 1, XATTR_REPLACE));
	R(lsetxattr("f", "user.a", "1", 1, XATTR_REPLACE));
	R(fsetxattr(fd, "user.a", "1", 1, XATTR_REPLACE));
	R(setxattr("f", "user.a", "1", 1, XATTR_CREATE | XATTR_REPLACE));
	R(setxattr("f", "user.a", "2", 1, XATTR_CREATE));
	R(setxattr("f", "user.a", "3", 1, XATTR_CREATE));
	R(lsetxattr("f", "user.a", "3", 1, XATTR_CREATE));
	R(fsetxattr(fd, "user.a", "3", 1, XATTR_CREATE));
	R(setxattr("f", "user.a", "4", 1, XATTR_CREATE | XATTR_REPLACE));
	show_value("f", "user.a");
	R(setxattr("f", "user.a", "5", 1, XATTR_REPLACE));
	show_value("f", "user.a");
	R(setxattr("f", "user.a", "6", 1, 4));
	R(setxattr("f", "user.a", "6", 1, -1));
}

CASE(names_of_all_kinds)
{
	static const char *const all[] = {"user.a", "user.", "user", "", "user..", "trusted.a",
		"trusted.", "security.a", "security.", "system.a", "system.", "nonsense.a", ".",
		"User.a", "user.gr\xc3\xbc\xc3\x9f", "user.a b\n"};
	char name[300] = "user.";

	put("f", "");
	for (unsigned i = 0; i < COUNT(all); i++) {
		say("name \"%s\"", all[i]);
		R(getxattr("f", all[i], bytes, 100));
		R(setxattr("f", all[i], "v", 1, 0));
		R(getxattr("f", all[i], bytes, 100));
	}
	show_names("f");
	for (unsigned i = 0; i < COUNT(all); i++)
		R(removexattr("f", all[i]));
	show_names("f");
	for (unsigned len = 254; len <= 256; len++) {
		memset(name + 5, 'n', len - 5);
		name[len] = 0;
		say("a name of %u bytes", len);
		R(setxattr("f", name, "v", 1, 0));
		R(getxattr("f", name, bytes, 100));
		R(removexattr("f", name));
	}
}

CASE(bad_pointers)
{
	int fd;

	put("f", "");
	fd = open("f", O_RDONLY);
	setxattr("f", "user.a", "v", 1, 0);
	R(setxattr(BAD_PTR, "user.a", "v", 1, 0));
	R(setxattr("f", BAD_PTR, "v", 1, 0));
	R(setxattr("f", "user.a", BAD_PTR, 1, 0));
	R(fsetxattr(fd, "user.a", KERNEL_PTR, 1, 0));
	R(getxattr("f", "user.a", BAD_PTR, 1));
	R(getxattr("f", "user.a", BAD_PTR, 0));
	R(fgetxattr(fd, KERNEL_PTR, bytes, 1));
	R(lgetxattr("f", "user.b", BAD_PTR, 1));
	R(listxattr("f", BAD_PTR, 100));
	R(flistxattr(fd, KERNEL_PTR, 100));
	R(listxattr("f", BAD_PTR, 0));
	R(removexattr("f", BAD_PTR));
	R(lremovexattr(BAD_PTR, "user.a"));
	fd = open("f", O_PATH);
	R(fsetxattr(fd, "user.a", "v", 1, 0));
	R(fgetxattr(fd, "user.a", bytes, 1));
	R(flistxattr(fd, names, 100));
	R(fremovexattr(fd, "user.a"));
}

/* Which of two mistakes is answered. */
CASE(order_of_errors)
{
	R(setxattr("missing", "user.a", "v", 1, 8));
	R(setxattr("missing", "", "v", 1, 0));
	R(setxattr("missing", "user.a", "v", 65537, 0));
	R(setxattr("missing", "user.a", BAD_PTR, 1, 0));
	R(setxattr("missing", "nonsense", "v", 1, 0));
	R(fsetxattr(99, "user.a", "v", 1, 8));
	R(fsetxattr(99, "", "v", 1, 8));
	R(fsetxattr(99, "", "v", 65537, 0));
	R(getxattr("missing", "", bytes, 1));
	R(getxattr("missing", BAD_PTR, bytes, 1));
	R(fgetxattr(99, "", bytes, 1));
	R(removexattr("missing", ""));
	R(fremovexattr(99, ""));
	R(flistxattr(99, BAD_PTR, 10));
}

CASE(sizes)
{
	put("f", "");
	memset(bytes, 'v', sizeof(bytes));
	R(setxattr("f", "user.big", bytes, 1000, 0));
	R(setxattr("f", "user.big", bytes, 60000, 0));
	R(setxattr("f", "user.big", bytes, 65536, 0));
	R(lsetxattr("f", "user.big", bytes, 60000, XATTR_REPLACE));
	R(fsetxattr(open("f", O_RDONLY), "user.big", bytes, 60000, XATTR_REPLACE));
	R(setxattr("f", "user.big", bytes, 65537, 0));
	R(lsetxattr("f", "user.big", bytes, 65537, 0));
	R(fsetxattr(open("f", O_RDONLY), "user.big", bytes, 65537, 0));
	R(setxattr("f", "user.big", bytes, (size_t)1 << 32, 0));
	R(setxattr("f", "user.big", bytes, (size_t)-1, 0));
	R(getxattr("f", "user.big", NULL, 0));
	R(getxattr("f", "user.big", bytes, 70000));
	R(getxattr("f", "user.big", bytes, (size_t)1 << 40));
	R(listxattr("f", names, (size_t)1 << 40));
	R(setxattr("f", "user.big", bytes, 10, 0));
	R(getxattr("f", "user.big", bytes, 65536));
	R(removexattr("f", "user.big"));
}

CASE(times)
{
	struct stat before, after;

	put("f", "");
	stat("f", &before);
	usleep(50000);
	R(setxattr("f", "user.a", "v", 1, 0));
	stat("f", &after);
	T(memcmp(&before.st_ctim, &after.st_ctim, sizeof(before.st_ctim)) != 0);
	T(memcmp(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim)) == 0);
	usleep(50000);
	R(getxattr("f", "user.a", bytes, 1));
	R(setxattr("f", "user.a", "v", 1, XATTR_CREATE));
	stat("f", &before);
	T(memcmp(&before.st_ctim, &after.st_ctim, sizeof(before.st_ctim)) == 0);
	usleep(50000);
	R(removexattr("f", "user.a"));
	stat("f", &after);
	T(memcmp(&before.st_ctim, &after.st_ctim, sizeof(before.st_ctim)) != 0);
}

/* ---- which file ---- */

CASE(links_and_new_names)
{
	int fd;

	put("f", "");
	symlink("f", "l");
	symlink("nothing", "dangling");
	R(setxattr("l", "user.a", "through the link", 16, 0));
	show_value("f", "user.a");
	show_value("l", "user.a");
	R(lsetxattr("l", "trusted.a", "the link's", 10, 0));
	show_names("l");
	show_names("f");
	R(getxattr("dangling", "user.a", bytes, 10));
	R(lgetxattr("dangling", "user.a", bytes, 10));
	R(lsetxattr("dangling", "trusted.t", "v", 1, 0));
	R(readlink("dangling", bytes, 100));
	link("f", "hard");
	show_value("hard", "user.a");
	rename("f", "moved");
	show_value("moved", "user.a");
	put("f", "");
	show_names("f");
	fd = open("moved", O_RDONLY);
	unlink("moved");
	unlink("hard");
	R(fgetxattr(fd, "user.a", bytes, 100));
	R(fsetxattr(fd, "user.b", "no name", 7, 0));
	R(fgetxattr(fd, "user.b", bytes, 100));
	fd = open(".", O_TMPFILE | O_RDWR, 0600);
	R(fsetxattr(fd, "user.a", "v", 1, 0));
	R(flistxattr(fd, names, 100));
	fd = memfd_create("m", 0);
	R(fsetxattr(fd, "user.a", "v", 1, 0));
	R(fgetxattr(fd, "user.a", bytes, 100));
}

CASE(types_of_files)
{
	static const char *const all[] = {"file", "dir", "fifo", "socket", "device", "link"};
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "socket"};

	put("file", "");
	mkdir("dir", 0755);
	mkfifo("fifo", 0666);
	bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&name, sizeof(name));
	mknod("device", S_IFCHR | 0666, 0x103);
	symlink("file", "link");
	for (unsigned i = 0; i < COUNT(all); i++) {
		const char *f = all[i];

		say("of a %s", f);
		R(lsetxattr(f, "user.a", "v", 1, 0));
		R(lgetxattr(f, "user.a", bytes, 10));
		R(lremovexattr(f, "user.a"));
		R(lsetxattr(f, "trusted.a", "v", 1, 0));
		R(lgetxattr(f, "trusted.a", bytes, 10));
		R(lsetxattr(f, "security.a", "v", 1, 0));
		R(lsetxattr(f, "system.a", "v", 1, 0));
		R(lsetxattr(f, "nonsense.a", "v", 1, 0));
		show_names(f);
		R(lremovexattr(f, "security.a"));
		R(lremovexattr(f, "trusted.a"));
		R(lremovexattr(f, "trusted.a"));
	}
}

CASE(file_systems_without)
{
	static const char *const all[] = {"/proc", "/proc/self/comm", "/dev/pts"};
	static const char *const kinds[] = {
		"user.a", "trusted.a", "security.a", "system.a", "nonsense.a", "user."};

	for (unsigned i = 0; i < COUNT(all); i++) {
		for (unsigned k = 0; k < COUNT(kinds); k++) {
			say("%s of %s", kinds[k], all[i]);
			R(getxattr(all[i], kinds[k], bytes, 10));
			R(setxattr(all[i], kinds[k], "v", 1, 0));
			R(removexattr(all[i], kinds[k]));
		}
		R(listxattr(all[i], names, 100));
	}
	R(getxattr("/dev/null", "user.a", bytes, 10));
	R(getxattr("/dev/null", "trusted.a", bytes, 10));
	R(getxattr("/dev", "user.a", bytes, 10));
	R(getxattr("/dev", "system.a", bytes, 10));
	R(listxattr("/dev/null", names, 100));
	R(removexattr("/dev/null", "trusted.none"));
}

/* ---- who may ---- */

/* Another user's view of a file and what he may change. */
static void try_all(const char *f)
{
	say("%s", f);
	R(lgetxattr(f, "user.a", bytes, 10));
	R(lgetxattr(f, "trusted.a", bytes, 10));
	R(lgetxattr(f, "security.a", bytes, 10));
	R(llistxattr(f, names, 100));
	R(lsetxattr(f, "user.a", "v", 1, 0));
	R(lsetxattr(f, "trusted.a", "v", 1, 0));
	R(lsetxattr(f, "security.a", "v", 1, 0));
	R(lsetxattr(f, "security.capability", "v", 1, 0));
	R(lsetxattr(f, "system.a", "v", 1, 0));
	R(lsetxattr(f, "nonsense.a", "v", 1, 0));
	R(lsetxattr(f, "user.", "v", 1, 0));
	R(lremovexattr(f, "user.none"));
	R(lremovexattr(f, "trusted.none"));
	R(lremovexattr(f, "security.a"));
	R(lremovexattr(f, "security.capability"));
}

CASE(users)
{
	static const struct {
		const char *name;
		mode_t mode;
		uid_t uid;
	} all[] = {{"theirs", 0644, 0}, {"all", 0666, 0}, {"secret", 0600, 0}, {"own", 0600, 1000},
		{"own-read", 0400, 1000}, {"own-write", 0200, 1000}, {"own-none", 0, 1000}};

	mkdir("sticky", 01777);
	mkdir("open", 0777);
	mkdir("own-sticky", 01777);
	chown("own-sticky", 1000, 1000);
	chmod("own-sticky", 01777);
	chmod("sticky", 01777);
	chmod("open", 0777);
	mkdir("closed", 0700);
	put("closed/f", "");
	for (unsigned i = 0; i < COUNT(all); i++) {
		put(all[i].name, "");
		setxattr(all[i].name, "user.a", "a", 1, 0);
		setxattr(all[i].name, "trusted.a", "a", 1, 0);
		setxattr(all[i].name, "security.a", "a", 1, 0);
		chown(all[i].name, all[i].uid, all[i].uid);
		chmod(all[i].name, all[i].mode);
	}
	symlink("own", "link");
	mknod("device", S_IFCHR | 0666, 0x103);
	chmod("device", 0666);
	IN_CHILD
	{
		drop_to(1000, 1000);
		for (unsigned i = 0; i < COUNT(all); i++)
			try_all(all[i].name);
		try_all("sticky");
		try_all("open");
		try_all("own-sticky");
		try_all("link");
		try_all("device");
		R(getxattr("closed/f", "user.a", bytes, 10));
		R(listxattr("closed/f", names, 100));
		R(setxattr("closed/f", "user.a", "v", 1, 0));
		R(removexattr("closed/f", "user.a"));
	}
	show_names("own");
}

CASE_ON(disk, immutable_and_append_only)
{
	int flags, fd;

	put("f", "");
	put("g", "");
	setxattr("f", "user.a", "a", 1, 0);
	fd = open("f", O_RDONLY);
	flags = FS_IMMUTABLE_FL;
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0) {
		say("no flags here: %s", errno_name(errno));
		return;
	}
	R(setxattr("f", "user.a", "b", 1, 0));
	R(lsetxattr("f", "trusted.a", "b", 1, 0));
	R(fsetxattr(fd, "security.a", "b", 1, 0));
	R(setxattr("f", "nonsense.a", "b", 1, 0));
	R(removexattr("f", "user.a"));
	R(lremovexattr("f", "user.none"));
	R(fremovexattr(fd, "user.a"));
	R(getxattr("f", "user.a", bytes, 10));
	flags = FS_APPEND_FL;
	R(ioctl(fd, FS_IOC_SETFLAGS, &flags));
	R(setxattr("f", "user.a", "b", 1, 0));
	R(removexattr("f", "user.a"));
	show_value("f", "user.a");
	flags = 0;
	R(ioctl(fd, FS_IOC_SETFLAGS, &flags));
	R(setxattr("f", "user.a", "b", 1, 0));
}

/* ---- file systems that are small or read-only ---- */

static bool mount_small(const char *options)
{
	mkdir("d", 0755);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("none", "d", "tmpfs", 0, options) < 0) {
		say("no file system: %s", errno_name(errno));
		return false;
	}
	return true;
}

CASE(read_only)
{
	int fd;

	if (!mount_small("size=64k"))
		return;
	put("d/f", "");
	setxattr("d/f", "user.a", "a", 1, 0);
	fd = open("d/f", O_RDONLY);
	R(mount(NULL, "d", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	R(setxattr("d/f", "user.a", "b", 1, 0));
	R(lsetxattr("d/f", "nonsense.a", "b", 1, 0));
	R(fsetxattr(fd, "user.a", "b", 1, 0));
	R(setxattr("d/f", "security.capability", "b", 1, 0));
	R(removexattr("d/f", "user.none"));
	R(lremovexattr("d/f", "user.a"));
	R(fremovexattr(fd, "user.a"));
	R(getxattr("d/f", "user.a", bytes, 10));
	close(fd);
	R(umount2("d", MNT_DETACH));
}

CASE(no_room)
{
	int fd;

	if (!mount_small("size=64k,nr_inodes=8"))
		return;
	put("d/f", "");
	memset(bytes, 'v', sizeof(bytes));
	fd = open("d/f", O_RDONLY);
	R(setxattr("d/f", "user.a", bytes, 60000, 0));
	R(lsetxattr("d/f", "user.a", bytes, 9000, 0));
	R(fsetxattr(fd, "user.a", bytes, 6000, 0));
	R(setxattr("d/f", "user.a", bytes, 3000, 0));
	R(setxattr("d/f", "user.b", bytes, 3000, 0));
	R(getxattr("d/f", "user.a", bytes, 10000));
	R(creat("d/g", 0644));
	R(creat("d/h", 0644));
	R(creat("d/i", 0644));
	R(removexattr("d/f", "user.a"));
	R(creat("d/i", 0644));
	R(setxattr("d/f", "user.b", bytes, 10, 0));
	R(unlink("d/f"));
	close(fd);
	R(umount2("d", MNT_DETACH));
}

CASE(more_names_than_a_list_holds)
{
	char name[256];
	int fd;

	if (!mount_small("size=1m,nr_inodes=10000"))
		return;
	put("d/f", "");
	memset(name, 'n', sizeof(name));
	for (int i = 0; i < 300; i++) {
		sprintf(name, "user.%03d", i);
		name[8] = 'n';
		name[255] = 0;
		setxattr("d/f", name, "v", 1, 0);
	}
	fd = open("d/f", O_RDONLY);
	R(listxattr("d/f", NULL, 0));
	R(listxattr("d/f", names, 1000));
	R(llistxattr("d/f", names, 65535));
	R(listxattr("d/f", names, 65536));
	R(llistxattr("d/f", names, 70000));
	R(flistxattr(fd, names, 70000));
	close(fd);
	R(umount2("d", MNT_DETACH));
}

/* ---- file capabilities ---- */

static const uint8_t capability[24] = {1, 0, 0, 2, 0, 4};

static void give(const char *f)
{
	R(setxattr(f, "security.capability", capability, 20, 0));
}

static void gone(const char *what)
{
	ssize_t n = getxattr("f", "security.capability", bytes, 100);

	say("after %s: %s", what, n < 0 ? errno_name(errno) : "it is there");
}

CASE(capabilities_of_files)
{
	uint8_t other[24] = {0, 0, 0, 1};
	int fd;

	put("f", "text");
	mkdir("d", 0755);
	R(setxattr("f", "security.capability", other, 12, 0));
	R(setxattr("f", "security.capability", other, 20, 0));
	R(setxattr("f", "security.capability", "", 0, 0));
	R(setxattr("f", "security.capability", capability, 24, 0));
	R(setxattr("f", "security.capability", capability, 19, 0));
	R(removexattr("f", "security.capability"));
	give("f");
	R(getxattr("f", "security.capability", bytes, 100));
	T(!memcmp(bytes, capability, 20));
	show_names("f");
	fd = open("f", O_RDWR);
	gone("open");
	R(pread(fd, bytes, 4, 0));
	gone("read");
	R(write(fd, "x", 1));
	gone("write");
	give("f");
	R(write(fd, "", 0));
	gone("a write of nothing");
	R(ftruncate(fd, 2));
	gone("ftruncate");
	give("f");
	R(truncate("f", 2));
	gone("truncate to the same size");
	give("f");
	R(chmod("f", 0755));
	gone("chmod");
	R(chown("f", 1000, 1000));
	gone("chown");
	give("f");
	R(chown("f", 1000, 1000));
	gone("chown to the same");
	give("f");
	R(utimensat(AT_FDCWD, "f", NULL, 0));
	gone("utimensat");
	R(rename("f", "g"));
	R(rename("g", "f"));
	gone("rename");
	close(open("f", O_WRONLY | O_TRUNC));
	gone("O_TRUNC");
	R(setxattr("d", "security.capability", capability, 20, 0));
	R(chown("d", 1000, 1000));
	R(getxattr("d", "security.capability", bytes, 100));
	give("f");
	IN_CHILD
	{
		drop_to(1000, 1000);
		R(setxattr("f", "security.capability", capability, 20, 0));
		R(setxattr("f", "security.capability", capability, 19, 0));
		R(removexattr("f", "security.capability"));
		R(getxattr("f", "security.capability", bytes, 100));
		fd = open("f", O_WRONLY);
		R(write(fd, "y", 1));
		gone("the owner's write");
	}
}

/* ---- the calls that end in "at" ---- */

CASE(at_calls)
{
	struct at_args set = {.value = (uintptr_t) "value", .size = 5}, large[2] = {set};
	struct at_args fetch = {.value = (uintptr_t)bytes, .size = 100};
	int dir, fd;

	mkdir("d", 0755);
	put("d/f", "");
	symlink("f", "d/l");
	dir = open("d", O_RDONLY);
	fd = open("d/f", O_RDONLY);
	R(sc(setxattrat, dir, "f", 0, "user.a", &set, sizeof(set)));
	R(sc(getxattrat, dir, "f", 0, "user.a", &fetch, sizeof(fetch)));
	R(sc(listxattrat, dir, "f", 0, names, 100));
	R(sc(setxattrat, dir, "l", AT_SYMLINK_NOFOLLOW, "user.a", &set, sizeof(set)));
	R(sc(setxattrat, dir, "l", AT_SYMLINK_NOFOLLOW, "trusted.a", &set, sizeof(set)));
	R(sc(listxattrat, dir, "l", AT_SYMLINK_NOFOLLOW, names, 100));
	R(sc(listxattrat, dir, "l", 0, names, 100));
	R(sc(getxattrat, fd, "", AT_EMPTY_PATH, "user.a", &fetch, sizeof(fetch)));
	R(sc(getxattrat, fd, NULL, AT_EMPTY_PATH, "user.a", &fetch, sizeof(fetch)));
	R(sc(getxattrat, fd, "", 0, "user.a", &fetch, sizeof(fetch)));
	R(sc(getxattrat, fd, "x", AT_EMPTY_PATH, "user.a", &fetch, sizeof(fetch)));
	R(sc(getxattrat, AT_FDCWD, "", AT_EMPTY_PATH, "user.a", &fetch, sizeof(fetch)));
	R(sc(getxattrat, AT_FDCWD, NULL, AT_EMPTY_PATH, "user.a", &fetch, sizeof(fetch)));
	R(sc(getxattrat, 99, "f", 0, "user.a", &fetch, sizeof(fetch)));
	R(sc(getxattrat, 99, "", AT_EMPTY_PATH, "user.a", &fetch, sizeof(fetch)));
	R(sc(getxattrat, open("d/f", O_PATH), "", AT_EMPTY_PATH, "user.a", &fetch, sizeof(fetch)));
	R(sc(getxattrat, dir, BAD_PTR, AT_EMPTY_PATH, "user.a", &fetch, sizeof(fetch)));
	R(sc(getxattrat, dir, "f", 1, "user.a", &fetch, sizeof(fetch)));
	R(sc(setxattrat, dir, "f", AT_SYMLINK_FOLLOW, "user.a", &set, sizeof(set)));
	R(sc(listxattrat, dir, "f", 1, names, 100));
	R(sc(removexattrat, dir, "f", 1, "user.a"));
	R(sc(setxattrat, dir, "f", 0, "user.a", &set, 15));
	large[1].flags = 1;
	R(sc(setxattrat, dir, "f", 0, "user.a", large, sizeof(large)));
	memset(&large[1], 0, sizeof(large[1]));
	R(sc(setxattrat, dir, "f", 0, "user.b", large, sizeof(large)));
	R(sc(setxattrat, dir, "f", 0, "user.a", bytes, 5000));
	R(sc(setxattrat, dir, "f", 0, "user.a", BAD_PTR, sizeof(set)));
	R(sc(getxattrat, dir, "f", 0, "user.a", &fetch, 0));
	fetch.flags = XATTR_CREATE;
	R(sc(getxattrat, dir, "f", 0, "user.a", &fetch, sizeof(fetch)));
	fetch.flags = 0;
	fetch.size = 3;
	R(sc(getxattrat, dir, "f", 0, "user.a", &fetch, sizeof(fetch)));
	set.flags = XATTR_CREATE;
	R(sc(setxattrat, dir, "f", 0, "user.a", &set, sizeof(set)));
	set.flags = 8;
	R(sc(setxattrat, dir, "f", 0, "user.a", &set, sizeof(set)));
	R(sc(removexattrat, dir, "f", 0, "user.a"));
	R(sc(removexattrat, fd, "", AT_EMPTY_PATH, "user.a"));
	R(sc(removexattrat, dir, "l", AT_SYMLINK_NOFOLLOW, "trusted.a"));
	show_names("d/f");
	show_names("d/l");
}
