/*
 * inotify_test.c - watching files: every kind of event of inotify(7), from every call that makes
 * it, as read(2) hands it out. The errors of the calls are in inotify_errors_test.c.
 */
#include "abi.h"
#include "watch.h"

#include <dirent.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/xattr.h>

static int in; /* the instance of the case */

static int watch(const char *path, uint32_t mask)
{
	return inotify_add_watch(in, path, mask);
}

/* An instance with a watch of "dir", which is new, for everything. */
static void begin(void)
{
	in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	mkdir("dir", 0755);
	V(watch("dir", IN_ALL_EVENTS));
}

CASE(life_of_a_file)
{
	char byte;
	int fd;

	begin();
	fd = open("dir/file", O_CREAT | O_RDWR, 0644);
	show_events("create", in);
	write(fd, "abc", 3);
	show_events("write", in);
	pread(fd, &byte, 1, 0);
	show_events("read", in);
	close(fd);
	show_events("close", in);
	fd = open("dir/file", O_RDONLY);
	read(fd, &byte, 0);
	lseek(fd, 0, SEEK_END);
	read(fd, &byte, 1);
	show_events("nothing read", in);
	close(fd);
	show_events("close of a reader", in);
	unlink("dir/file");
	show_events("unlink", in);
	rmdir("dir");
	show_events("rmdir", in);
	R(inotify_rm_watch(in, 1));
}

CASE(directory_and_its_file)
{
	int fd;

	begin();
	put("dir/file", "text");
	watch("dir/file", IN_ALL_EVENTS);
	watch(".", IN_ALL_EVENTS);
	show_events("made", in);
	fd = open("dir/file", O_RDWR);
	show_events("open", in);
	ftruncate(fd, 1);
	show_events("truncate", in);
	close(fd);
	show_events("close", in);
	chmod("dir/file", 0600);
	show_events("chmod", in);
	chmod("dir", 0700);
	show_events("chmod of the directory", in);
	closedir(opendir("dir"));
	show_events("open of the directory", in);
	unlink("dir/file");
	show_events("unlink", in);
	rmdir("dir");
	show_events("rmdir", in);
}

CASE(making_of_names)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "dir/socket"};
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	begin();
	mkdir("dir/sub", 0755);
	show_events("mkdir", in);
	symlink("nowhere", "dir/link");
	show_events("symlink", in);
	mkfifo("dir/fifo", 0644);
	show_events("mkfifo", in);
	mknod("dir/plain", S_IFREG | 0644, 0);
	show_events("mknod", in);
	bind(s, (struct sockaddr *)&name, sizeof(name));
	show_events("bind", in);
	watch("dir/plain", IN_ALL_EVENTS);
	link("dir/plain", "dir/other");
	show_events("link", in);
	unlink("dir/plain");
	show_events("unlink of the first", in);
	unlink("dir/other");
	show_events("unlink of the second", in);
	rmdir("dir/sub");
	unlink("dir/link");
	unlink("dir/fifo");
	unlink("dir/socket");
	show_events("removal", in);
	mkdir("dir/sub", 0755);
	mkdir("dir/sub", 0755);
	rmdir("dir/none");
	unlink("dir/none");
	show_events("failures", in);
}

CASE(names_of_all_lengths)
{
	char name[300] = "dir/";

	begin();
	for (int n = 1; n <= 255; n = n < 34 ? n + 1 : n + 13) {
		memset(name + 4, 'x', (size_t)n);
		name[4 + n] = '\0';
		close(open(name, O_CREAT | O_WRONLY, 0644));
		show_events("made", in);
	}
}

CASE(renames)
{
	begin();
	mkdir("other", 0755);
	watch("other", IN_ALL_EVENTS);
	put("dir/a", "a");
	put("dir/b", "b");
	mkdir("dir/sub", 0755);
	watch("dir/a", IN_ALL_EVENTS);
	watch("dir/b", IN_ALL_EVENTS);
	watch("dir/sub", IN_ALL_EVENTS);
	show_events("made", in);
	rename("dir/a", "dir/c");
	show_events("in the directory", in);
	rename("dir/c", "other/d");
	show_events("to another", in);
	rename("dir/sub", "other/sub");
	show_events("of a directory", in);
	rename("other/d", "other/d");
	show_events("to itself", in);
	rename("other/d", "dir/b");
	show_events("over a file", in);
	mkdir("dir/sub", 0755);
	watch("dir/sub", IN_ALL_EVENTS);
	show_events("made", in);
	rename("other/sub", "dir/sub");
	show_events("over a directory", in);
	put("other/e", "e");
	show_events("made", in);
	sc(renameat2, AT_FDCWD, "other/e", AT_FDCWD, "dir/sub", 2);
	show_events("exchange", in);
	rename("dir/none", "other/x");
	show_events("of nothing", in);
}

CASE(renamed_file_has_its_new_name)
{
	int fd;

	begin();
	mkdir("other", 0755);
	watch("other", IN_ALL_EVENTS);
	fd = open("dir/file", O_CREAT | O_RDWR, 0644);
	rename("dir/file", "other/a_rather_long_name_that_is_not_in_line_with_the_others");
	show_events("renamed", in);
	write(fd, "x", 1);
	show_events("write", in);
	close(fd);
	show_events("close", in);
}

CASE(attributes)
{
	struct timespec now[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
	struct timespec omit[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_OMIT}};
	struct timespec atime[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_OMIT}};
	struct timespec mtime[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};
	int fd;

	begin();
	fd = open("dir/file", O_CREAT | O_RDWR, 0644);
	show_events("made", in);
	fchmod(fd, 0600);
	show_events("fchmod", in);
	chown("dir/file", getuid(), getgid());
	show_events("chown", in);
	chown("dir/file", (uid_t)-1, (gid_t)-1);
	show_events("chown to the same", in);
	utimensat(AT_FDCWD, "dir/file", now, 0);
	show_events("both times", in);
	utimensat(AT_FDCWD, "dir/file", omit, 0);
	show_events("no time", in);
	utimensat(AT_FDCWD, "dir/file", atime, 0);
	show_events("access time", in);
	utimensat(AT_FDCWD, "dir/file", mtime, 0);
	show_events("modification time", in);
	truncate("dir/file", 10);
	show_events("truncate", in);
	ftruncate(fd, 10);
	show_events("to the same size", in);
	chmod("dir/none", 0600);
	truncate("dir/file", -1);
	show_events("failures", in);
	close(open("dir/file", O_WRONLY | O_TRUNC));
	show_events("open with truncation", in);
	close(fd);
	setxattr("dir/file", "trusted.a", "1", 1, 0);
	show_events("extended attribute", in);
	getxattr("dir/file", "trusted.a", NULL, 0);
	setxattr("dir/file", "trusted.a", "1", 1, XATTR_CREATE);
	show_events("read, or made again", in);
	removexattr("dir/file", "trusted.a");
	show_events("removed", in);
	lchown("dir/file", 1, 1);
	chmod("dir/file", 06755);
	truncate("dir/file", 5);
	show_events("truncate of a set-id file", in);
}

CASE_ON(tmpfs, reserving_space)
{
	int fd;

	begin();
	fd = open("dir/file", O_CREAT | O_RDWR, 0644);
	show_events("made", in);
	fallocate(fd, 0, 0, 100);
	show_events("fallocate", in);
	fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 10);
	show_events("hole", in);
	fallocate(fd, 0, 0, -1);
	show_events("failure", in);
}

CASE(write_that_drops_set_id)
{
	int fd;

	begin();
	close(open("dir/file", O_CREAT | O_RDWR, 0777));
	chmod("dir", 0777);
	chmod("dir/file", 06777);
	show_events("made", in);
	if (!abi_fork()) {
		drop_to(65534, 65534);
		fd = open("dir/file", O_WRONLY);
		write(fd, "x", 1);
		ftruncate(fd, 0);
		_exit(0);
	}
	wait(NULL);
	show_events("write", in);
}

CASE(reading_a_directory)
{
	DIR *d;

	begin();
	put("dir/file", "x");
	watch(".", IN_ALL_EVENTS);
	show_events("made", in);
	d = opendir("dir");
	show_events("opendir", in);
	while (readdir(d))
		;
	show_events("readdir", in);
	closedir(d);
	show_events("closedir", in);
	chdir("dir");
	show_events("chdir", in);
}

CASE(no_events)
{
	struct stat st;
	char text[10];
	int fd;

	begin();
	put("dir/file", "x");
	symlink("file", "dir/link");
	show_events("made", in);
	stat("dir/file", &st);
	lstat("dir/link", &st);
	access("dir/file", R_OK);
	readlink("dir/link", text, sizeof(text));
	show_events("looks", in);
	fd = open("dir/file", O_PATH);
	fstat(fd, &st);
	close(fd);
	show_events("O_PATH", in);
	fd = open("dir/link", O_RDONLY);
	show_events("open through a link", in);
	flock(fd, LOCK_EX);
	lseek(fd, 0, SEEK_SET);
	fsync(fd);
	close(dup(fd));
	show_events("other calls", in);
}

CASE(vectors_and_transfers)
{
	char a[4] = "abc", b[4] = "def";
	struct iovec v[2] = {{a, 3}, {b, 3}};
	int fd, out, p[2];
	loff_t from, to;

	begin();
	fd = open("dir/file", O_CREAT | O_RDWR, 0644);
	out = open("dir/out", O_CREAT | O_RDWR, 0644);
	show_events("made", in);
	writev(fd, v, 2);
	show_events("writev", in);
	lseek(fd, 0, SEEK_SET);
	readv(fd, v, 2);
	show_events("readv", in);
	lseek(fd, 0, SEEK_SET);
	sendfile(out, fd, NULL, 6);
	show_events("sendfile", in);
	from = to = 0;
	sc(copy_file_range, fd, &from, out, &to, 6, 0);
	show_events("copy_file_range", in);
	pipe(p);
	from = to = 0;
	splice(fd, &from, p[1], NULL, 6, 0);
	show_events("splice from", in);
	splice(p[0], NULL, out, &to, 6, 0);
	show_events("splice to", in);
	sendfile(out, fd, NULL, 6);
	show_events("sendfile of nothing", in);
}

CASE(mapping_is_not_heard)
{
	char *m;
	int fd;

	begin();
	fd = open("dir/file", O_CREAT | O_RDWR, 0644);
	ftruncate(fd, 4096);
	show_events("made", in);
	m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	m[1] = m[0] + 1;
	msync(m, 4096, MS_SYNC);
	show_events("mapped", in);
	close(fd);
	show_events("closed while mapped", in);
	munmap(m, 4096);
	show_events("unmapped", in);
}

CASE(last_close_counts)
{
	int fd, copy;

	begin();
	fd = open("dir/file", O_CREAT | O_WRONLY, 0644);
	copy = dup(fd);
	show_events("made", in);
	close(fd);
	show_events("first close", in);
	if (!abi_fork())
		_exit(0);
	wait(NULL);
	show_events("exit of a child", in);
	close(copy);
	show_events("last close", in);
}

CASE(program_is_run)
{
	int from, to;
	char page[4096];
	ssize_t n;

	begin();
	from = open(self_path(), O_RDONLY);
	to = open("dir/program", O_CREAT | O_WRONLY, 0755);
	while ((n = read(from, page, sizeof(page))) > 0)
		write(to, page, (size_t)n);
	close(to);
	show_events("made", in);
	if (!abi_fork()) {
		execl("dir/program", "program", "--no-such-option", NULL);
		_exit(1);
	}
	wait(NULL);
	show_kinds("run", in);
}

CASE(removed_while_open)
{
	int fd, dirfd;

	begin();
	fd = open("dir/file", O_CREAT | O_RDWR, 0644);
	watch("dir/file", IN_ALL_EVENTS);
	show_events("made", in);
	unlink("dir/file");
	show_events("unlink", in);
	write(fd, "x", 1);
	fchmod(fd, 0600);
	show_events("write", in);
	close(fd);
	show_events("close", in);
	dirfd = open("dir", O_RDONLY);
	show_events("open", in);
	rmdir("dir");
	show_events("rmdir", in);
	close(dirfd);
	show_events("close", in);
}

CASE(excl_unlink)
{
	int fd, other;

	begin();
	V(watch("dir", IN_ALL_EVENTS | IN_EXCL_UNLINK));
	fd = open("dir/file", O_CREAT | O_RDWR, 0644);
	other = open("dir/file", O_RDWR);
	watch("dir/file", IN_ALL_EVENTS | IN_EXCL_UNLINK);
	show_events("made", in);
	write(fd, "x", 1);
	show_events("write", in);
	unlink("dir/file");
	show_events("unlink", in);
	write(fd, "x", 1);
	show_events("write", in);
	fchmod(fd, 0600);
	show_events("fchmod", in);
	close(fd);
	close(other);
	show_events("close", in);
}

CASE(oneshot)
{
	begin();
	V(watch("dir", IN_CREATE | IN_ONESHOT));
	close(open("dir/a", O_CREAT | O_WRONLY, 0644));
	close(open("dir/b", O_CREAT | O_WRONLY, 0644));
	show_events("one", in);
	R(inotify_rm_watch(in, 1));
	V(watch("dir", IN_CREATE | IN_ONESHOT));
	V(watch("dir", IN_DELETE | IN_MASK_ADD));
	unlink("dir/a");
	unlink("dir/b");
	show_events("one more", in);
}

CASE(masks)
{
	begin();
	V(watch("dir", IN_CREATE));
	close(open("dir/a", O_CREAT | O_WRONLY, 0644));
	show_events("replaced", in);
	V(watch("dir", IN_OPEN | IN_MASK_ADD));
	close(open("dir/b", O_CREAT | O_WRONLY, 0644));
	show_events("added", in);
	R(watch("dir", IN_OPEN | IN_MASK_CREATE));
	V(watch("dir/a", IN_OPEN | IN_MASK_CREATE));
	V(watch("dir", IN_ISDIR));
	close(open("dir/c", O_CREAT | O_WRONLY, 0644));
	show_events("none", in);
	R(inotify_rm_watch(in, 1));
	show_events("removed", in);
	R(inotify_rm_watch(in, 1));
	V(watch("dir", IN_CREATE));
}

CASE(links)
{
	begin();
	symlink("dir", "link");
	symlink("nowhere", "dangling");
	V(watch("link", IN_ALL_EVENTS));
	V(watch("link", IN_ALL_EVENTS | IN_DONT_FOLLOW));
	V(watch("dangling", IN_ALL_EVENTS | IN_DONT_FOLLOW));
	lchown("link", getuid(), getgid());
	show_events("lchown", in);
	unlink("link");
	unlink("dangling");
	show_events("unlink", in);
}

CASE(equal_events_are_one)
{
	int fd;

	begin();
	fd = open("dir/file", O_CREAT | O_RDWR, 0644);
	show_events("made", in);
	for (int k = 0; k < 5; k++)
		write(fd, "x", 1);
	show_events("five writes", in);
	write(fd, "x", 1);
	pread(fd, &fd, 0, 0);
	fchmod(fd, 0600);
	write(fd, "x", 1);
	show_events("one between", in);
	write(fd, "x", 1);
	show_events("one", in);
	write(fd, "x", 1);
	show_events("after it was read", in);
}

CASE(hard_links_have_one_watch)
{
	int fd;

	begin();
	put("dir/a", "x");
	link("dir/a", "dir/b");
	V(watch("dir/a", IN_ALL_EVENTS));
	V(watch("dir/b", IN_ALL_EVENTS));
	show_events("made", in);
	fd = open("dir/a", O_RDONLY);
	show_events("opened by one", in);
	unlink("dir/a");
	show_events("unlinked", in);
	unlink("dir/b");
	show_events("both unlinked", in);
	close(fd);
	show_events("closed", in);
}

CASE(several_instances)
{
	int other = inotify_init1(IN_NONBLOCK);

	begin();
	V(inotify_add_watch(other, "dir", IN_CREATE));
	mkdir("dir/sub", 0755);
	show_events("first", in);
	show_events("second", other);
	close(other);
	mkdir("dir/more", 0755);
	show_events("first", in);
}

CASE(file_without_a_name)
{
	int fd, p[2];

	begin();
	fd = open("dir", O_TMPFILE | O_RDWR, 0644);
	write(fd, "x", 1);
	close(fd);
	show_kinds("O_TMPFILE", in);
	pipe(p);
	fd = watch("/proc/self/fd/3", IN_ALL_EVENTS);
	T(fd > 0);
	rmdir("dir");
	show_kinds("rmdir", in);
}
