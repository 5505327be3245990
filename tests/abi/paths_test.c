/*
 * paths_test.c - names: mkdir, rename, link, symlink, unlink, rmdir, readlink, getcwd, openat2.
 */
#include "abi.h"

#include <linux/openat2.h>

static void name_of(char *name, size_t length, char byte)
{
	memset(name, byte, length);
	name[length] = 0;
}

CASE(mkdir_rules)
{
	struct stat st;

	R(mkdir("d", 0755));
	R(mkdir("d", 0755));
	R(mkdir("d/", 0755));
	R(mkdir("e/", 0755));
	R(mkdir("x/y", 0755));
	R(mkdir("", 0755));
	R(mkdir(".", 0755));
	R(mkdir("..", 0755));
	R(mkdir("d/.", 0755));
	R(mkdir("/", 0755));
	put("f", "");
	R(mkdir("f", 0755));
	R(mkdir("f/x", 0755));
	symlink("gone", "l");
	R(mkdir("l", 0755));
	R(mkdir("l/", 0755));
	R(sc(mkdir, BAD_PTR, 0755));
	R(sc(mkdirat, 99, "x", 0755));
	R(sc(mkdirat, 0, "x", 0755));
	R(sc(mkdirat, 99, "/", 0755));
	umask(027);
	R(mkdir("m", 07777));
	R(stat("m", &st));
	OCT(st.st_mode);
	V(st.st_nlink);
	mkdir("m/n", 0755);
	stat("m", &st);
	V(st.st_nlink);
	R(chmod("m", 02755));
	R(mkdir("m/s", 0777));
	stat("m/s", &st);
	OCT(st.st_mode);
}

CASE(long_names)
{
	char name[300], path[5000];

	name_of(name, 255, 'a');
	R(mkdir(name, 0755));
	R(access(name, F_OK));
	R(rmdir(name));
	name_of(name, 256, 'a');
	R(mkdir(name, 0755));
	R(open(name, O_RDWR | O_CREAT, 0644));
	R(access(name, F_OK));
	R(unlink(name));
	put("x", "");
	R(rename("x", name));
	R(symlink(name, "l"));
	R(access("l", F_OK));
	R(link("l", name));
	memset(path, 0, sizeof(path));
	for (int i = 0; i < 2000; i++)
		memcpy(path + 2 * i, "./", 2);
	strcpy(path + 4000, "l");
	R(readlink(path, name, 300));
	for (int i = 2000; i < 2047; i++)
		memcpy(path + 2 * i, "./", 2);
	path[4094] = 'l';
	path[4095] = 0;
	R(readlink(path, name, 300));
	path[4095] = 'l';
	path[4096] = 0;
	R(readlink(path, name, 300));
	R(access(path, F_OK));
	R(symlink(path, "too-long"));
	path[4095] = 0;
	R(symlink(path, "just-fits"));
}

CASE(unlink_rules)
{
	mkdir("d", 0755);
	put("f", "");
	symlink("f", "l");
	symlink("d", "ld");
	R(unlink("missing"));
	R(unlink("d"));
	R(unlink("d/"));
	R(unlink("f/"));
	R(unlink("f/x"));
	R(unlink("ld/"));
	R(unlink(""));
	R(unlink("."));
	R(unlink(".."));
	R(unlink("/"));
	R(unlink("l"));
	R(access("f", F_OK));
	R(unlink("ld"));
	R(sc(unlinkat, AT_FDCWD, "d", 0));
	R(sc(unlinkat, AT_FDCWD, "f", AT_REMOVEDIR));
	R(sc(unlinkat, AT_FDCWD, "d", AT_REMOVEDIR));
	R(sc(unlinkat, AT_FDCWD, "f", 1));
	R(sc(unlinkat, 99, "f", 0));
	R(sc(unlinkat, 0, "f", 0));
	R(sc(unlink, BAD_PTR));
	R(unlink("f"));
	R(unlink("f"));
}

CASE(rmdir_rules)
{
	mkdir("d", 0755);
	mkdir("d/e", 0755);
	put("f", "");
	symlink("d/e", "l");
	R(rmdir("d"));
	R(rmdir("f"));
	R(rmdir("missing"));
	R(rmdir("d/."));
	R(rmdir("d/.."));
	R(rmdir("d/e/.."));
	R(rmdir("."));
	R(rmdir(".."));
	R(rmdir("/"));
	R(rmdir(""));
	R(rmdir("l"));
	R(rmdir("l/"));
	R(rmdir("d/e/"));
	R(rmdir("d/e"));
	R(rmdir("d"));
}

CASE(rename_files)
{
	put("a", "a");
	put("b", "b");
	R(rename("a", "c"));
	R(access("a", F_OK));
	show_file("c");
	R(rename("c", "b"));
	show_file("b");
	R(rename("missing", "x"));
	R(rename("b", "b"));
	link("b", "b2");
	R(rename("b", "b2"));
	R(access("b", F_OK));
	R(rename("b", "no/x"));
	R(rename("b/x", "y"));
	R(rename("b", "b/x"));
	R(rename("b/", "y"));
	R(rename("b", "y/"));
	R(rename("", "y"));
	R(rename("b", ""));
	R(sc(rename, BAD_PTR, "y"));
	R(sc(rename, "b", BAD_PTR));
	symlink("b", "l");
	R(rename("l", "l2"));
	T(readlink("l2", (char[8]){0}, 8) == 1);
	R(rename("b", "l2"));
	show_file("l2");
	R(readlink("l2", (char[8]){0}, 8));
}

CASE(rename_directories)
{
	struct stat st;

	mkdir("d", 0755);
	mkdir("d/e", 0755);
	mkdir("d/e/f", 0755);
	mkdir("empty", 0755);
	mkdir("full", 0755);
	put("full/x", "");
	put("f", "");
	symlink("d", "ld");
	R(rename("d", "d/e/new"));
	R(rename("d", "d/e"));
	R(rename("d", "d"));
	R(rename("d/e", "d"));
	R(rename("d", "f"));
	R(rename("f", "d"));
	R(rename("empty", "full"));
	R(rename("full", "empty"));
	R(access("empty/x", F_OK));
	R(rename("d/e", "moved/"));
	stat("d", &st);
	V(st.st_nlink);
	stat("moved", &st);
	V(st.st_nlink);
	R(access("moved/../moved/f", F_OK));
	R(rename("moved/", "again"));
	R(rename(".", "x"));
	R(rename("x", "."));
	R(rename("d/.", "x"));
	R(rename("d", "again/."));
	R(rename("..", "x"));
	R(rename("again/..", "x"));
	R(rename("ld/", "y"));
	R(rename("ld", "y/"));
	R(rename("ld", "d"));
	R(rename("d", "ld"));
	R(rename("d", "ld/"));
}

CASE(renameat2_flags)
{
	mkdir("d", 0755);
	put("a", "a");
	put("b", "b");
	R(sc(renameat2, AT_FDCWD, "a", AT_FDCWD, "b", 1));
	R(sc(renameat2, AT_FDCWD, "a", AT_FDCWD, "c", 1));
	R(sc(renameat2, AT_FDCWD, "c", AT_FDCWD, "b", 2));
	show_file("b");
	show_file("c");
	R(sc(renameat2, AT_FDCWD, "c", AT_FDCWD, "missing", 2));
	R(sc(renameat2, AT_FDCWD, "c", AT_FDCWD, "d", 2));
	R(access("c/.", F_OK));
	show_file("d");
	R(sc(renameat2, AT_FDCWD, "c", AT_FDCWD, "d", 3));
	R(sc(renameat2, AT_FDCWD, "c", AT_FDCWD, "d", 8));
	R(sc(renameat2, AT_FDCWD, "c", AT_FDCWD, "c/x", 2));
	R(sc(renameat2, 99, "c", AT_FDCWD, "x", 0));
	R(sc(renameat2, AT_FDCWD, "c", 99, "x", 0));
	R(sc(renameat2, 0, "c", AT_FDCWD, "x", 0));
	R(sc(renameat, AT_FDCWD, "c", AT_FDCWD, "x"));
}

CASE(link_rules)
{
	struct stat st;

	put("f", "");
	mkdir("d", 0755);
	symlink("f", "l");
	R(link("f", "g"));
	stat("g", &st);
	V(st.st_nlink);
	R(link("f", "g"));
	R(link("missing", "h"));
	R(link("d", "h"));
	R(link("f", "d"));
	R(link("f", "x/y"));
	R(link("f/", "h"));
	R(link("f", "h/"));
	R(link("", "h"));
	R(link("f", ""));
	R(link("l", "l2"));
	lstat("l2", &st);
	T(S_ISLNK(st.st_mode));
	V(st.st_nlink);
	R(linkat(AT_FDCWD, "l", AT_FDCWD, "l3", AT_SYMLINK_FOLLOW));
	lstat("l3", &st);
	T(S_ISREG(st.st_mode));
	V(st.st_nlink);
	R(linkat(AT_FDCWD, "f", AT_FDCWD, "z", 0x2000));
	R(linkat(99, "f", AT_FDCWD, "z", 0));
	R(linkat(AT_FDCWD, "f", 99, "z", 0));
	R(open("f", O_RDONLY));
	R(linkat(3, "", AT_FDCWD, "z", AT_EMPTY_PATH));
	R(linkat(3, "", AT_FDCWD, "z2", 0));
	R(sc(link, BAD_PTR, "z3"));
	R(sc(link, "f", BAD_PTR));
	unlink("f");
	fstat(3, &st);
	V(st.st_nlink);
}

CASE(symlink_rules)
{
	char b[64], *q = sc(mmap, NULL, 4096, 3, 0x22, -1, 0) + (char *)0;
	struct stat st;

	R(symlink("target", "l"));
	R(symlink("target", "l"));
	R(symlink("", "e"));
	R(symlink("x", ""));
	R(symlink("x", "no/l"));
	R(symlink("x", "t/"));
	R(readlink("l", b, 64));
	R(readlink("l", b, 3));
	show_bytes("cut", b, 3);
	R(sc(readlink, "l", b, 0));
	R(sc(readlink, "l", b, -1));
	R(sc(readlink, "l", BAD_PTR, 10));
	R(readlink("missing", b, 64));
	put("f", "");
	R(readlink("f", b, 64));
	R(readlink(".", b, 64));
	R(readlink("", b, 64));
	R(readlink("l/", b, 64));
	R(lstat("l", &st));
	OCT(st.st_mode);
	V(st.st_size);
	R(stat("l", &st));
	R(access("l", F_OK));
	R(open("l", O_RDWR | O_CREAT, 0644));
	R(access("target", F_OK));
	R(open("l", O_RDWR | O_CREAT | O_EXCL, 0644));
	memset(q, 'q', 3000);
	q[3000] = 0;
	R(symlink(q, "long"));
	memset(q, 0, 4096);
	R(readlink("long", q, 4096));
	R(strspn(q, "q"));
	R(sc(symlinkat, "x", 99, "y"));
	R(sc(symlinkat, "x", 0, "y"));
	R(sc(symlink, BAD_PTR, "y"));
	R(sc(symlink, "x", BAD_PTR));
}

CASE(symlink_loops)
{
	char name[16], to[16];

	symlink("a", "b");
	symlink("b", "a");
	symlink("self", "self");
	R(access("a", F_OK));
	R(open("a", O_RDONLY));
	R(open("a", O_RDWR | O_CREAT, 0644));
	R(open("self/x", O_RDONLY));
	R(unlink("self"));
	R(chdir("a"));
	R(mkdir("a", 0755));
	R(mkdir("a/x", 0755));
	put("0", "deep");
	for (int i = 1; i <= 41; i++) {
		snprintf(name, sizeof(name), "%d", i);
		snprintf(to, sizeof(to), "%d", i - 1);
		symlink(to, name);
	}
	R(access("40", F_OK));
	R(access("41", F_OK));
	mkdir("d", 0755);
	symlink(".", "d/dot");
	R(access("d/dot/dot/dot/dot", F_OK));
	symlink("d/", "slash");
	R(access("slash/dot", F_OK));
	symlink("0/", "fslash");
	R(access("fslash", F_OK));
	symlink("/proc/self", "self");
	R(access("self/status", F_OK));
	R(access("/proc/self/exe/x", F_OK));
}

CASE(odd_paths)
{
	char deep[64] = "";

	mkdir("d", 0755);
	put("d/f", "x");
	R(access("d//f", F_OK));
	R(access("d/./f", F_OK));
	R(access("d/../d/f", F_OK));
	R(access(".//d///f", F_OK));
	R(access("d/f/.", F_OK));
	R(access("d/f/..", F_OK));
	R(access("d/missing/..", F_OK));
	R(access("//", F_OK));
	R(access("/..", F_OK));
	R(access("/../../..", F_OK));
	R(access("", F_OK));
	R(access("d/.. /f", F_OK));
	R(access("d/...", F_OK));
	strcpy(deep, "d/\001\377 x");
	R(mkdir(deep, 0755));
	R(access(deep, F_OK));
	R(rmdir(deep));
	R(mkdir("d/..a", 0755));
	R(access("d/..a/..", F_OK));
}

CASE(at_calls)
{
	struct stat st;
	char b[8];

	mkdir("d", 0755);
	put("d/f", "in d");
	put("f", "here");
	R(open("d", O_RDONLY | O_DIRECTORY));
	R(open("f", O_RDONLY));
	R(openat(3, "f", O_RDONLY));
	R(read(5, b, 8));
	show_bytes("b", b, 4);
	R(openat(4, "f", O_RDONLY));
	R(openat(4, "", O_RDONLY));
	R(openat(99, "f", O_RDONLY));
	R(openat(-1, "f", O_RDONLY));
	R(openat(99, "/", O_RDONLY));
	R(openat(3, "../f", O_RDONLY));
	R(fstatat(3, "f", &st, 0));
	R(fstatat(3, "", &st, 0));
	R(fstatat(3, "", &st, AT_EMPTY_PATH));
	R(fstatat(AT_FDCWD, "", &st, AT_EMPTY_PATH));
	R(fstatat(3, "f", &st, 0x8000));
	R(fstatat(99, "f", &st, 0));
	R(faccessat(3, "f", R_OK, 0));
	R(sc(faccessat2, 3, "f", R_OK, 0x8000));
	R(sc(faccessat2, 3, "f", 8, 0));
	R(sc(faccessat2, 4, "", R_OK, AT_EMPTY_PATH));
	R(sc(faccessat2, 3, "f", R_OK, AT_EACCESS));
	R(sc(fchmodat, 3, "f", 0600));
	R(sc(fchownat, 3, "f", 1, 1, 0));
	R(sc(fchownat, 3, "", 1, 1, AT_EMPTY_PATH));
	R(sc(fchownat, 3, "f", 1, 1, 0x8000));
	R(sc(mknodat, 3, "p", S_IFIFO | 0600, 0));
	R(sc(mknodat, 3, "p", S_IFIFO | 0600, 0));
	R(sc(mknodat, 3, "d", S_IFDIR | 0600, 0));
	R(sc(mknodat, 3, "r", 0600, 0));
	R(sc(mknodat, 3, "s", S_IFSOCK | 0600, 0));
	R(sc(mknodat, 3, "z", 0170000 | 0600, 0));
	R(sc(mknodat, 99, "r", 0600, 0));
	R(sc(renameat, 3, "f", AT_FDCWD, "moved"));
	R(access("moved", F_OK));
	close(3);
	R(openat(3, "f", O_RDONLY));
}

CASE(working_directory)
{
	char b[PATH_MAX], start[PATH_MAX];
	int here;

	getcwd(start, sizeof(start));
	mkdir("d", 0755);
	mkdir("d/e", 0755);
	put("f", "");
	R(chdir("d/e"));
	getcwd(b, sizeof(b));
	say("now at %s", b + strlen(start));
	R(chdir("../.."));
	R(chdir("missing"));
	R(chdir("f"));
	R(chdir(""));
	R(sc(chdir, BAD_PTR));
	here = open(".", O_RDONLY);
	R(fchdir(99));
	R(fchdir(0));
	R(chdir("d/e"));
	R(sc(getcwd, b, 2));
	R(sc(getcwd, b, 0));
	R(sc(getcwd, BAD_PTR, 4096));
	R(rename("../../d", "../../x"));
	getcwd(b, sizeof(b));
	say("now at %s", b + strlen(start));
	R(rmdir("../e"));
	R(sc(getcwd, b, 4096));
	R(access(".", F_OK));
	R(access("..", F_OK));
	R(open("new", O_RDWR | O_CREAT, 0644));
	R(mkdir("new", 0755));
	R(open(".", O_RDONLY));
	R(access("../..", F_OK));
	readlink("/proc/self/cwd", b, sizeof(b));
	T(strstr(b, "/x/e (deleted)") != NULL);
	R(fchdir(here));
	R(chdir("/"));
	R(sc(getcwd, b, 4096));
	show_bytes("cwd", b, 2);
	R(sc(getcwd, b, 1));
	IN_CHILD
	{
		R(fchdir(here));
		R(chroot("x"));
		R(access("f", F_OK));
		R(access("/f", F_OK));
		R(access("/../../f", F_OK));
		b[0] = 0;
		R(sc(getcwd, b, 4096) > 13);
		show_bytes("cwd", b, 13);
		R(chdir("/"));
		R(chroot("missing"));
		R(sc(getcwd, b, 4096));
	}
}

CASE(permissions)
{
	umask(0);
	mkdir("open", 0755);
	mkdir("shut", 0700);
	put("shut/f", "x");
	mkdir("noread", 0711);
	put("noread/f", "x");
	mkdir("sticky", 01777);
	put("sticky/roots", "x");
	put("r", "x");
	put("w", "x");
	chmod("r", 0444);
	chmod("w", 0222);
	put("mine", "x");
	chown("mine", 1000, 1000);
	chmod(".", 0755);
	umask(022);
	IN_CHILD
	{
		drop_to(1000, 1000);
		R(open("shut/f", O_RDONLY));
		R(access("shut/f", F_OK));
		R(chdir("shut"));
		R(open("noread", O_RDONLY));
		R(open("noread/f", O_RDONLY));
		R(open("noread/new", O_RDWR | O_CREAT, 0644));
		R(open("r", O_RDONLY));
		R(open("r", O_WRONLY));
		R(open("w", O_RDONLY));
		R(open("w", O_WRONLY));
		R(open("r", O_RDONLY | O_TRUNC));
		R(unlink("r"));
		R(unlink("missing"));
		R(mkdir("x", 0755));
		R(mkdir("open", 0755));
		R(rename("r", "q"));
		R(link("mine", "open/l"));
		R(symlink("r", "l"));
		R(unlink("sticky/roots"));
		R(rename("sticky/roots", "sticky/x"));
		put("sticky/mine", "x");
		R(rename("sticky/mine", "sticky/roots"));
		R(rename("sticky/mine", "sticky/mine2"));
		R(unlink("sticky/mine2"));
		R(open("sticky/new", O_RDONLY | O_CREAT, 0));
		R(open("sticky/new", O_RDONLY));
		R(truncate("r", 0));
		R(chroot("."));
		R(mknod("sticky/dev", S_IFCHR | 0600, 0x103));
		R(mknod("sticky/fifo", S_IFIFO | 0600, 0));
		R(open("mine", O_RDWR | O_NOATIME));
		R(open("r", O_RDONLY | O_NOATIME));
		R(rmdir("sticky"));
		R(rmdir("open"));
	}
}

static long at2(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
	long fd = sc(openat2, dir, path, &how, sizeof(how));

	if (fd >= 0) {
		close((int)fd);
		return 0;
	}
	return fd;
}

CASE(openat2_rules)
{
	struct open_how how = {0};
	char big[128] = {0};
	int d;

	mkdir("d", 0755);
	put("d/f", "x");
	put("f", "x");
	symlink("f", "d/l");
	symlink("../f", "d/up");
	symlink("/", "d/abs");
	symlink("/proc/self/exe", "d/magic");
	d = open("d", O_RDONLY);
	R(at2(d, "f", O_RDONLY, 0, 0));
	R(at2(d, "f", O_RDONLY, 0644, 0));
	R(at2(d, "new", O_RDWR | O_CREAT, 0644, 0));
	R(at2(d, "new2", O_RDWR | O_CREAT, 0100644, 0));
	R(at2(d, "f", 1ull << 40, 0, 0));
	R(at2(d, "f", O_RDONLY, 0, 1ull << 20));
	R(at2(d, "../f", O_RDONLY, 0, RESOLVE_BENEATH));
	R(at2(d, "up", O_RDONLY, 0, RESOLVE_BENEATH));
	R(at2(d, "l", O_RDONLY, 0, RESOLVE_BENEATH));
	R(at2(d, "./../d/f", O_RDONLY, 0, RESOLVE_BENEATH));
	R(at2(d, "abs", O_RDONLY, 0, RESOLVE_BENEATH));
	R(at2(d, "/", O_RDONLY, 0, RESOLVE_BENEATH));
	R(at2(d, "../f", O_RDONLY, 0, RESOLVE_IN_ROOT));
	R(at2(d, "abs/f", O_RDONLY, 0, RESOLVE_IN_ROOT));
	R(at2(d, "/f", O_RDONLY, 0, RESOLVE_IN_ROOT));
	R(at2(d, "up", O_RDONLY, 0, RESOLVE_IN_ROOT));
	R(at2(d, "f", O_RDONLY, 0, RESOLVE_IN_ROOT | RESOLVE_BENEATH));
	R(at2(d, "l", O_RDONLY, 0, RESOLVE_NO_SYMLINKS));
	R(at2(d, "f", O_RDONLY, 0, RESOLVE_NO_SYMLINKS));
	R(at2(d, "magic", O_RDONLY, 0, RESOLVE_NO_MAGICLINKS));
	R(at2(d, "magic", O_RDONLY, 0, 0));
	R(at2(d, "/proc/self/exe", O_RDONLY, 0, RESOLVE_NO_MAGICLINKS));
	R(at2(d, "/proc/version", O_RDONLY, 0, RESOLVE_NO_XDEV));
	R(at2(d, "f", O_RDONLY, 0, RESOLVE_NO_XDEV));
	R(sc(openat2, d, "f", &how, 0));
	R(sc(openat2, d, "f", &how, 16));
	R(sc(openat2, d, "f", BAD_PTR, 24));
	R(sc(openat2, d, "f", big, 128));
	big[100] = 1;
	R(sc(openat2, d, "f", big, 128));
	R(sc(openat2, d, "f", big, 100000));
}

CASE(hidden_open_files)
{
	struct stat st;

	R(open(".", O_TMPFILE | O_RDWR, 0600));
	R(write(3, "tmp", 3));
	R(fstat(3, &st));
	V(st.st_nlink);
	OCT(st.st_mode);
	R(linkat(AT_FDCWD, "/proc/self/fd/3", AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	show_file("named");
	R(open(".", O_TMPFILE | O_RDONLY, 0600));
	R(open("named", O_TMPFILE | O_RDWR, 0600));
	R(open("missing", O_TMPFILE | O_RDWR, 0600));
}
