/*
 * name_errors_test.c - what calls that begin at a descriptor's directory refuse that the others do
 * already, in read-only and full file systems too; getdents(2), openat2(2) and extended attributes.
 */
#include "abi.h"

#include <linux/openat2.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

static char bytes[8192];

/* A small file system of one's own at "d", which nobody else sees. */
static bool small_file_system(void)
{
	mkdir("d", 0755);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("none", "d", "tmpfs", 0, "size=64k,nr_inodes=8") < 0) {
		say("no file system: %s", errno_name(errno));
		return false;
	}
	return true;
}

CASE(opening)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "s"};
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	bind(s, (void *)&name, sizeof(name));
	put("f", "x");
	mkdir("d", 0755);
	mkfifo("p", 0644);
	symlink("f", "l");
	R(openat(AT_FDCWD, "f", O_CREAT | O_EXCL, 0644));
	R(openat(AT_FDCWD, "l", O_CREAT | O_EXCL, 0644));
	R(openat(AT_FDCWD, "d", O_CREAT | O_EXCL, 0644));
	R(openat(AT_FDCWD, "f", O_TMPFILE, 0644));
	R(openat(AT_FDCWD, "d", O_TMPFILE | O_RDONLY, 0644));
	R(openat(AT_FDCWD, "d", O_WRONLY));
	R(openat(AT_FDCWD, "d", O_RDWR));
	R(openat(AT_FDCWD, "d", O_CREAT, 0644));
	R(openat(AT_FDCWD, "s", O_RDWR));
	R(openat(AT_FDCWD, "p", O_WRONLY | O_NONBLOCK));
	R(openat(AT_FDCWD, "/proc", O_TMPFILE | O_RDWR, 0644));
	R(creat("s", 0644));
	R(creat("d", 0644));
	IN_CHILD
	{
		drop_to(1000, 1000);
		R(openat(AT_FDCWD, "f", O_RDONLY | O_NOATIME));
		R(open("f", O_RDONLY | O_NOATIME));
	}
}

static int running(void)
{
	struct gate started;
	int from = open(self_path(), O_RDONLY), to = open("copy", O_WRONLY | O_CREAT, 0755);
	pid_t pid;
	char byte;

	while (sc(sendfile, to, from, NULL, 1 << 30) > 0)
		;
	close(to);
	gate_init(&started);
	pid = abi_fork();
	if (!pid) {
		dup2(started.fd[1], 1);
		execl("copy", "copy", "--helper", "wait", NULL);
		_exit(1);
	}
	read(started.fd[0], &byte, 1);
	return pid;
}

int abi_helper(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	write(1, "x", 1);
	return pause();
}

CASE(a_running_program)
{
	pid_t pid = running();

	R(openat(AT_FDCWD, "copy", O_WRONLY));
	R(creat("copy", 0755));
	R(openat(AT_FDCWD, "copy", O_RDONLY) > 2);
	kill(pid, SIGKILL);
	abi_reap("the program", pid);
}

/* In a directory in which only owners may remove and rename. */
CASE(sticky)
{
	int dir;

	mkdir("d", 01777);
	chmod("d", 01777);
	put("d/f", "x");
	mkdir("d/sub", 0755);
	dir = open("d", O_RDONLY);
	IN_CHILD
	{
		drop_to(1000, 1000);
		R(unlinkat(dir, "f", 0));
		R(unlinkat(dir, "sub", AT_REMOVEDIR));
		R(renameat(dir, "f", dir, "g"));
		RZ(openat(dir, "own", O_CREAT | O_WRONLY, 0644));
		R(renameat(dir, "own", dir, "f"));
		R(sc(renameat2, dir, "own", dir, "f", 2));
		R(unlinkat(dir, "own", 0));
	}
}

CASE(renaming)
{
	int dir;

	mkdir("d", 0755);
	dir = open("d", O_RDONLY);
	mkdir("d/a", 0755);
	mkdir("d/a/b", 0755);
	mkdir("d/empty", 0755);
	put("d/f", "x");
	put("d/g", "x");
	R(renameat(dir, "a", dir, "a/b/c"));
	R(renameat(dir, "a", dir, "a/b"));
	R(renameat(dir, ".", dir, "x"));
	R(renameat(dir, "f", dir, "."));
	R(renameat(dir, "f", dir, "empty"));
	R(renameat(dir, "empty", dir, "f"));
	R(renameat(dir, "empty", dir, "a"));
	R(sc(renameat2, dir, "f", dir, "empty", 0));
	R(sc(renameat2, dir, "empty", dir, "a", 0));
	R(sc(renameat2, dir, "f", dir, "g", 1));
	R(sc(renameat2, dir, "f", dir, "g", 1 | 2));
	R(sc(renameat2, dir, "f", dir, "missing", 2));
	R(linkat(dir, "f", dir, "g", 0));
	R(linkat(dir, "a", dir, "x", 0));
	R(linkat(dir, "f", dir, "x", 1));
	R(mkdirat(dir, "f", 0755));
	R(symlinkat("f", dir, "g"));
}

CASE(read_only)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "d/socket"};
	int dir;

	if (!small_file_system())
		return;
	put("d/f", "x");
	mkdir("d/sub", 0755);
	dir = open("d", O_RDONLY);
	R(mount(NULL, "d", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	R(openat(dir, "f", O_WRONLY));
	R(openat(dir, "new", O_WRONLY | O_CREAT, 0644));
	R(openat(dir, ".", O_TMPFILE | O_RDWR, 0644));
	R(creat("d/new", 0644));
	R(mkdirat(dir, "new", 0755));
	R(mknodat(dir, "new", S_IFIFO | 0644, 0));
	R(bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&name, sizeof(name)));
	R(symlinkat("f", dir, "new"));
	R(linkat(dir, "f", dir, "new", 0));
	R(renameat(dir, "f", dir, "new"));
	R(sc(renameat2, dir, "f", dir, "sub", 0));
	R(sc(renameat2, dir, "missing", dir, "sub", 0));
	R(unlinkat(dir, "f", 0));
	R(unlinkat(dir, "sub", AT_REMOVEDIR));
	R(unlinkat(dir, "missing", 0));
	R(fchmodat(dir, "f", 0600, 0));
	R(fchownat(dir, "f", 1, 1, 0));
	R(sc(utimensat, dir, "f", NULL, 0));
	R(sc(faccessat, dir, "f", W_OK));
	R(sc(faccessat, dir, "f", R_OK));
	R(sc(faccessat2, dir, "f", W_OK, 0));
	R(sc(faccessat2, dir, "missing", W_OK, 0));
	R(truncate("d/f", 0));
	R(umount2("d", MNT_DETACH));
}

CASE(full)
{
	struct stat st;
	int dir, to, from;

	if (!small_file_system())
		return;
	dir = open("d", O_RDONLY);
	to = openat(dir, "f", O_CREAT | O_RDWR, 0644);
	from = openat(dir, "source", O_CREAT | O_RDWR, 0644);
	write(from, bytes, 4096);
	while (write(to, bytes, 4096) == 4096)
		;
	R(write(to, bytes, 4096));
	lseek(from, 0, SEEK_SET);
	R(sc(copy_file_range, from, NULL, to, NULL, 4096, 0));
	R(sc(fallocate, to, 0, 1 << 20, 4096));
	for (int i = 0; i < 20; i++) {
		char name[10];

		snprintf(name, sizeof(name), "n%d", i);
		close(openat(dir, name, O_CREAT | O_RDWR, 0644));
	}
	T(fstatat(dir, "n19", &st, 0) < 0);
	R(openat(dir, "more", O_CREAT | O_RDWR, 0644));
	R(openat(dir, ".", O_TMPFILE | O_RDWR, 0644));
	R(mkdirat(dir, "more", 0755));
	R(symlinkat("f", dir, "more"));
	R(mknodat(dir, "more", S_IFIFO | 0644, 0));
	close(to);
	close(dir);
	R(umount2("d", MNT_DETACH));
}

CASE(old_directory_entries)
{
	int dir;

	mkdir("d", 0755);
	put("f", "x");
	dir = open("d", O_RDONLY);
	R(sc(getdents, 99, bytes, sizeof(bytes)));
	R(sc(getdents, open("f", O_RDONLY), bytes, sizeof(bytes)));
	R(sc(getdents, open("d", O_PATH), bytes, sizeof(bytes)));
	R(sc(getdents, dir, BAD_PTR, sizeof(bytes)));
	R(sc(getdents, dir, KERNEL_PTR, sizeof(bytes)));
	R(sc(getdents, dir, bytes, 10));
	R(sc(getdents, dir, bytes, sizeof(bytes)));
	R(sc(getdents, dir, bytes, 10));
	R(rmdir("d"));
	lseek(dir, 0, SEEK_SET);
	R(sc(getdents, dir, bytes, sizeof(bytes)));
	R(sc(getdents, dir, bytes, 10));
}

CASE(ways_not_taken)
{
	struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_BENEATH};
	int dir;

	mkdir("d", 0755);
	put("f", "x");
	symlink("../f", "d/up");
	symlink("/", "d/root");
	dir = open("d", O_RDONLY);
	R(sc(openat2, dir, "..", &how, sizeof(how)));
	R(sc(openat2, dir, "up", &how, sizeof(how)));
	R(sc(openat2, dir, "root", &how, sizeof(how)));
	R(sc(openat2, dir, "/", &how, sizeof(how)));
	how.resolve = RESOLVE_NO_XDEV;
	R(sc(openat2, AT_FDCWD, "/proc/version", &how, sizeof(how)));
	how.resolve = RESOLVE_NO_SYMLINKS;
	R(sc(openat2, dir, "up", &how, sizeof(how)));
	how.resolve = RESOLVE_NO_MAGICLINKS;
	R(sc(openat2, AT_FDCWD, "/proc/self/fd/0", &how, sizeof(how)));
	how.resolve = RESOLVE_IN_ROOT | RESOLVE_BENEATH;
	R(sc(openat2, dir, ".", &how, sizeof(how)));
	how.resolve = 1 << 20;
	R(sc(openat2, dir, ".", &how, sizeof(how)));
}

/* Where no file system has any: /proc; where none may be: what is neither file nor directory. */
CASE(attributes)
{
	char value[8], long_name[300] = "user.";
	int proc = open("/proc/self/comm", O_RDWR), fifo;

	memset(long_name + 5, 'n', sizeof(long_name) - 6);
	put("f", "x");
	symlink("f", "l");
	mkfifo("p", 0644);
	fifo = open("p", O_RDWR);
	R(setxattr("/proc/self/comm", "user.x", "v", 1, 0));
	R(lsetxattr("/proc/self/comm", "user.x", "v", 1, 0));
	R(fsetxattr(proc, "user.x", "v", 1, 0));
	R(getxattr("/proc/self/comm", "user.x", value, 8));
	R(lgetxattr("/proc/self/comm", "user.x", value, 8));
	R(fgetxattr(proc, "user.x", value, 8));
	R(removexattr("/proc/self/comm", "user.x"));
	R(lremovexattr("/proc/self/comm", "user.x"));
	R(fremovexattr(proc, "user.x"));
	R(setxattr("f", "", "v", 1, 0));
	R(lsetxattr("f", long_name, "v", 1, 0));
	R(fsetxattr(proc, "", "v", 1, 0));
	R(getxattr("f", "", value, 8));
	R(lgetxattr("f", long_name, value, 8));
	R(fgetxattr(proc, "", value, 8));
	R(removexattr("f", ""));
	R(lremovexattr("f", long_name));
	R(fremovexattr(proc, ""));
	R(setxattr("f", "user.x", "v", 1, 4));
	R(setxattr("f", "user.x", "v", 65537, 0));
	R(setxattr("f", "user.x", BAD_PTR, 1, 0));
	R(lsetxattr("l", "user.x", "v", 1, 0));
	R(fsetxattr(fifo, "user.x", "v", 1, 0));
	R(setxattr("p", "user.x", "v", 1, 0));
	R(lremovexattr("l", "user.x"));
	R(fremovexattr(fifo, "user.x"));
	R(lgetxattr("l", "user.x", value, 8));
	R(fgetxattr(fifo, "user.x", value, 8));
}
