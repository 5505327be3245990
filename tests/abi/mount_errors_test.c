/*
 * mount_errors_test.c - what mount(2), umount2(2), pivot_root(2), chroot(2) and statfs(2) refuse.
 */
#include "abi.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>

static char bytes[512];

static const char *outcome(long result)
{
	return result == -1 ? errno_name(errno) : "done";
}

#define SHOW(...) say("%s: %s", #__VA_ARGS__, outcome(__VA_ARGS__))

/* A mount namespace of its own, that tells no other of its mounts. */
static void begin(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		say("no namespace: %s", errno_name(errno));
	mkdir("d", 0755);
	mkdir("e", 0755);
	put("f", "x");
}

CASE(mounting)
{
	static char long_name[300];

	begin();
	memset(long_name, 'n', sizeof(long_name) - 1);
	SHOW(mount("none", "d", "no-such-type", 0, NULL));
	SHOW(mount("none", "d", "", 0, NULL));
	SHOW(mount("none", "d", NULL, 0, NULL));
	SHOW(mount("none", "d", long_name, 0, NULL));
	SHOW(mount("none", "missing", "tmpfs", 0, NULL));
	SHOW(mount("none", "missing", "no-such-type", 0, NULL));
	SHOW(mount("none", "f", "tmpfs", 0, NULL));
	SHOW(mount("none", "f/x", "tmpfs", 0, NULL));
	SHOW(mount("none", long_name, "tmpfs", 0, NULL));
	SHOW(mount("none", "d", "tmpfs", 0, "no-such-option"));
	SHOW(mount("none", "d", "tmpfs", 0, "size=x"));
	SHOW(mount("none", "d", "tmpfs", 0, "mode=9"));
	SHOW(mount("missing", "d", "ext2", 0, NULL));
	SHOW(mount("f", "d", "ext2", 0, NULL));
	SHOW(mount("/dev/null", "d", "ext2", 0, NULL));
	SHOW(mount(NULL, "d", "ext2", 0, NULL));
	SHOW(mount("", "d", "ext2", 0, NULL));
	SHOW(sc(mount, BAD_PTR, "d", "tmpfs", 0, NULL));
	SHOW(sc(mount, "none", BAD_PTR, "tmpfs", 0, NULL));
	SHOW(sc(mount, "none", "d", BAD_PTR, 0, NULL));
	SHOW(sc(mount, "none", "d", "tmpfs", 0, BAD_PTR));
	SHOW(mount("missing", "d", NULL, MS_BIND, NULL));
	SHOW(mount("", "d", NULL, MS_BIND, NULL));
	SHOW(mount(NULL, "d", NULL, MS_BIND, NULL));
	SHOW(mount("f", "d", NULL, MS_BIND, NULL));
	SHOW(mount("d", "f", NULL, MS_BIND, NULL));
	SHOW(mount(NULL, "d", NULL, MS_REMOUNT, NULL));
	SHOW(mount(NULL, "d", NULL, MS_REMOUNT | MS_BIND, NULL));
	SHOW(mount("d", "e", NULL, MS_MOVE, NULL));
	SHOW(mount("missing", "e", NULL, MS_MOVE, NULL));
	SHOW(mount("", "e", NULL, MS_MOVE, NULL));
	SHOW(mount(NULL, "d", NULL, MS_PRIVATE, NULL));
	SHOW(mount(NULL, "d", NULL, MS_PRIVATE | MS_SHARED, NULL));
	SHOW(mount(NULL, "d", NULL, MS_PRIVATE | MS_RDONLY, NULL));
	SHOW(mount("none", "d", "tmpfs", 0, NULL));
	SHOW(mount("d", "d/x", NULL, MS_MOVE, NULL));
	mkdir("d/x", 0755);
	SHOW(mount("d", "d/x", NULL, MS_MOVE, NULL));
	SHOW(mount(NULL, "d/x", NULL, MS_REMOUNT, NULL));
	SHOW(mount(NULL, "d", NULL, MS_REMOUNT, "no-such-option"));
	put("d/f", "x");
	open("d/f", O_WRONLY);
	SHOW(mount(NULL, "d", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	SHOW(umount2("d", 0));
	SHOW(umount2("d", MNT_DETACH));
}

CASE(unmounting)
{
	begin();
	SHOW(umount2("d", 0));
	SHOW(umount2("f", 0));
	SHOW(umount2("missing", 0));
	SHOW(umount2("", 0));
	SHOW(sc(umount2, BAD_PTR, 0));
	SHOW(sc(umount2, BAD_PTR, 64));
	SHOW(umount2("d", 64));
	SHOW(umount2("missing", 64));
	SHOW(umount2("d", MNT_EXPIRE | MNT_DETACH));
	SHOW(umount2("d", MNT_EXPIRE | MNT_FORCE));
	SHOW(mount("none", "d", "tmpfs", 0, NULL));
	symlink("d", "l");
	SHOW(umount2("l", UMOUNT_NOFOLLOW));
	SHOW(umount2("d", MNT_EXPIRE | MNT_DETACH));
	SHOW(umount2("d", 0));
	SHOW(umount2("d", 0));
	SHOW(mount("none", "d", "tmpfs", 0, NULL));
	mkdir("d/x", 0755);
	SHOW(mount("none", "d/x", "tmpfs", 0, NULL));
	SHOW(umount2("d", 0));
	SHOW(umount2("d/x", 0));
	SHOW(chdir("d"));
	SHOW(umount2("../d", 0));
	SHOW(chdir(".."));
	SHOW(umount2("l", 0));
}

CASE(changing_the_root)
{
	begin();
	SHOW(sc(pivot_root, "missing", "d"));
	SHOW(sc(pivot_root, "d", "missing"));
	SHOW(sc(pivot_root, "f", "d"));
	SHOW(sc(pivot_root, "d", "f"));
	SHOW(sc(pivot_root, BAD_PTR, "d"));
	SHOW(sc(pivot_root, "d", BAD_PTR));
	SHOW(sc(pivot_root, "/", "/"));
	SHOW(mount("none", "d", "tmpfs", 0, NULL));
	SHOW(chroot("f"));
	SHOW(chroot("missing"));
	SHOW(chroot(""));
	IN_CHILD
	{
		SHOW(chroot("d"));
		SHOW(sc(pivot_root, "/", "/"));
		chmod(".", 0);
		drop_to(1000, 1000);
		SHOW(chroot("/"));
	}
	SHOW(umount2("d", 0));
}

CASE(asking)
{
	begin();
	SHOW(statfs("missing", (void *)bytes));
	SHOW(statfs("f/x", (void *)bytes));
	SHOW(sc(statfs, "f", BAD_PTR));
	SHOW(sc(statfs, "missing", BAD_PTR));
	SHOW(sc(fstatfs, 99, bytes));
	SHOW(sc(fstatfs, 99, BAD_PTR));
	SHOW(sc(fstatfs, open("f", O_RDONLY), BAD_PTR));
	SHOW(sc(fstatfs, open("f", O_PATH), bytes));
}

/* MNT_EXPIRE: a mount goes with the second call if nobody used it after the first. */
CASE(expiring)
{
	int fd;

	begin();
	SHOW(mount("none", "d", "tmpfs", 0, NULL));
	SHOW(umount2("d", MNT_EXPIRE));
	SHOW(umount2("d", MNT_EXPIRE));
	SHOW(umount2("d", MNT_EXPIRE));
	SHOW(mount("none", "d", "tmpfs", 0, NULL));
	SHOW(umount2("d", MNT_EXPIRE));
	put("d/f", "x");
	SHOW(umount2("d", MNT_EXPIRE));
	fd = open("d/f", O_RDONLY);
	SHOW(umount2("d", MNT_EXPIRE));
	close(fd);
	SHOW(umount2("d", MNT_EXPIRE));
	mkdir("d/x", 0755);
	SHOW(mount("none", "d/x", "tmpfs", 0, NULL));
	SHOW(umount2("d", MNT_EXPIRE));
	SHOW(umount2("d/x", MNT_EXPIRE));
	SHOW(umount2("d/x", MNT_EXPIRE));
	SHOW(umount2("d", MNT_EXPIRE | UMOUNT_NOFOLLOW));
	SHOW(umount2("d", MNT_EXPIRE | MNT_DETACH));
	SHOW(umount2("d", MNT_EXPIRE | MNT_FORCE));
	SHOW(umount2("d", MNT_EXPIRE));
	SHOW(umount2("d", MNT_EXPIRE));
	SHOW(umount2("/", MNT_EXPIRE));
	SHOW(umount2("f", MNT_EXPIRE));
}

/* What is open for writing keeps a mount from becoming read-only, and a file system too. */
CASE(read_only_with_writers)
{
	int fd, reader;

	begin();
	SHOW(mount("none", "d", "tmpfs", 0, NULL));
	SHOW(mount("d", "e", NULL, MS_BIND, NULL));
	fd = open("d/f", O_WRONLY | O_CREAT, 0644);
	SHOW(mount(NULL, "d", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	SHOW(mount(NULL, "e", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	SHOW(mount(NULL, "e", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	SHOW(open("e/f", O_WRONLY));
	SHOW(open("e/new", O_WRONLY | O_CREAT, 0644));
	R(write(fd, "still", 5));
	close(fd);
	SHOW(mount(NULL, "d", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	SHOW(mount(NULL, "d", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	SHOW(open("d/f", O_RDWR));
	SHOW(mkdir("d/dir", 0755));
	SHOW(mount(NULL, "d", NULL, MS_REMOUNT | MS_BIND, NULL));
	SHOW(mkdir("d/dir", 0755));
	reader = open("d/f", O_RDONLY);
	SHOW(unlink("d/f"));
	SHOW(mount(NULL, "d", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	close(reader);
	SHOW(mount(NULL, "d", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	SHOW(mkdir("d/more", 0755));
	SHOW(umount2("e", 0));
	SHOW(umount2("d", 0));
}
