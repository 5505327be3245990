/*
 * inotify_errors_test.c - the errors of inotify(7)'s calls, its file - reading, waiting, signals,
 * /proc - and its limits. What is heard when is in inotify_test.c.
 */
#include "abi.h"
#include "watch.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>

CASE(creation)
{
	int fd;

	R(sc(inotify_init1, IN_CLOEXEC | IN_NONBLOCK | 1));
	R(sc(inotify_init1, -1));
	R(sc(inotify_init1, O_APPEND));
	fd = inotify_init();
	V(fcntl(fd, F_GETFD));
	HEX(fcntl(fd, F_GETFL));
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	V(fcntl(fd, F_GETFD));
	HEX(fcntl(fd, F_GETFL));
}

CASE(no_descriptor_left)
{
	struct rlimit r = {.rlim_cur = 4, .rlim_max = 4};

	inotify_init();
	setrlimit(RLIMIT_NOFILE, &r);
	R(sc0(inotify_init));
	R(sc(inotify_init1, 0));
	R(sc(inotify_init1, 1));
}

CASE(watch_errors)
{
	int in = inotify_init(), path = open(".", O_PATH), dir = open(".", O_RDONLY),
	    gone = dup(in);
	char name[NAME_MAX + 2], whole[PATH_MAX + 1];

	close(gone);
	put("file", "x");
	symlink("file", "link");
	symlink("loop", "loop");
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	memset(whole, 'x', sizeof(whole));
	whole[sizeof(whole) - 1] = '\0';
	R(sc(inotify_add_watch, -1, "file", IN_OPEN));
	R(sc(inotify_add_watch, gone, "file", IN_OPEN));
	R(sc(inotify_add_watch, path, "file", IN_OPEN));
	R(sc(inotify_add_watch, dir, "file", IN_OPEN));
	R(sc(inotify_add_watch, dir, BAD_PTR, IN_OPEN));
	R(sc(inotify_add_watch, -1, BAD_PTR, IN_OPEN));
	R(sc(inotify_add_watch, in, BAD_PTR, IN_OPEN));
	R(sc(inotify_add_watch, in, NULL, IN_OPEN));
	R(sc(inotify_add_watch, in, KERNEL_PTR, IN_OPEN));
	R(sc(inotify_add_watch, in, "", IN_OPEN));
	R(sc(inotify_add_watch, in, "none", IN_OPEN));
	R(sc(inotify_add_watch, in, "none/x", IN_OPEN));
	R(sc(inotify_add_watch, in, "file/x", IN_OPEN));
	R(sc(inotify_add_watch, in, "loop", IN_OPEN));
	R(sc(inotify_add_watch, in, name, IN_OPEN));
	R(sc(inotify_add_watch, in, whole, IN_OPEN));
	R(sc(inotify_add_watch, in, "file", IN_OPEN | IN_ONLYDIR));
	R(sc(inotify_add_watch, in, "link", IN_OPEN | IN_ONLYDIR));
	R(sc(inotify_add_watch, in, "link", IN_OPEN | IN_ONLYDIR | IN_DONT_FOLLOW));
	R(sc(inotify_add_watch, in, "file", 0));
	R(sc(inotify_add_watch, -1, "file", 0));
	R(sc(inotify_add_watch, in, "file", 0x1000));
	R(sc(inotify_add_watch, in, "file", 0x10000));
	R(sc(inotify_add_watch, in, "file", IN_OPEN | 0x08000000));
	R(sc(inotify_add_watch, in, "file", -1));
	R(sc(inotify_add_watch, in, "file", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE));
	R(sc(inotify_add_watch, dir, "file", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE));
	R(sc(inotify_add_watch, in, "file", IN_OPEN | IN_MASK_CREATE));
	R(sc(inotify_add_watch, in, "file", IN_OPEN | IN_MASK_CREATE));
	R(sc(inotify_add_watch, in, "file", IN_OPEN | IN_MASK_ADD));
	R(sc(inotify_add_watch, in, ".", IN_UNMOUNT));
	R(sc(inotify_add_watch, in, "link", IN_ONESHOT | IN_DONT_FOLLOW));
	R(sc(inotify_rm_watch, -1, 1));
	R(sc(inotify_rm_watch, gone, 1));
	R(sc(inotify_rm_watch, path, 1));
	R(sc(inotify_rm_watch, dir, 1));
	R(sc(inotify_rm_watch, in, 0));
	R(sc(inotify_rm_watch, in, -1));
	R(sc(inotify_rm_watch, in, 99));
	R(sc(inotify_rm_watch, in, 1));
	R(sc(inotify_rm_watch, in, 1));
}

CASE(permission)
{
	int in = inotify_init();

	mkdir("dir", 0711);
	put("dir/file", "x");
	put("dir/closed", "x");
	chmod("dir/closed", 0622);
	mkdir("shut", 0700);
	put("shut/file", "x");
	IN_CHILD
	{
		drop_to(65534, 65534);
		R(sc(inotify_add_watch, in, "dir", IN_OPEN));
		R(sc(inotify_add_watch, in, "dir/file", IN_OPEN));
		R(sc(inotify_add_watch, in, "dir/closed", IN_OPEN));
		R(sc(inotify_add_watch, in, "shut", IN_OPEN));
		R(sc(inotify_add_watch, in, "shut/file", IN_OPEN));
	}
}

CASE(reading)
{
	char buf[200];
	int in = inotify_init1(IN_NONBLOCK), left;

	mkdir("dir", 0755);
	inotify_add_watch(in, "dir", IN_CREATE | IN_DELETE);
	R(read(in, buf, sizeof(buf)));
	R(read(in, buf, 0));
	R(ioctl(in, FIONREAD, &left));
	V(left);
	mkdir("dir/a", 0755);
	mkdir("dir/a_name_of_19_letter", 0755);
	mkdir("dir/b", 0755);
	R(ioctl(in, FIONREAD, &left));
	V(left);
	R(ioctl(in, FIONREAD, BAD_PTR));
	R(ioctl(in, TCGETS, buf));
	R(ioctl(in, 0x12345678, &left));
	R(read(in, buf, 0));
	R(read(in, buf, 16));
	R(read(in, buf, 31));
	R(read(in, buf, 32 + 47));
	show_records("first", buf, 32, false);
	R(ioctl(in, FIONREAD, &left));
	V(left);
	R(read(in, BAD_PTR, 100));
	R(read(in, buf, 100));
	show_records("third", buf, 32, false);
	R(read(in, buf, 100));
	rmdir("dir/a");
	R(write(in, buf, 16));
	R(pread(in, buf, 100, 0));
	R(lseek(in, 0, SEEK_SET));
	R(lseek(in, 5, SEEK_CUR));
	R(ftruncate(in, 0));
	R(fsync(in));
	R(read(in, buf, 100));
	R(sc(inotify_rm_watch, in, 1));
	R(read(in, buf, 15));
	R(read(in, buf, 16));
	show_records("end", buf, 16, false);
}

static void read_one(int in)
{
	char buf[100];

	R(read(in, buf, sizeof(buf)));
}

CASE(waiting)
{
	struct pollfd p = {.fd = inotify_init(), .events = POLLIN | POLLOUT | POLLRDNORM};
	struct epoll_event e = {.events = EPOLLIN | EPOLLET}, ready;
	int ep = epoll_create1(0);
	pid_t pid;

	mkdir("dir", 0755);
	inotify_add_watch(p.fd, "dir", IN_ALL_EVENTS);
	R(poll(&p, 1, 0));
	R(epoll_ctl(ep, EPOLL_CTL_ADD, p.fd, &e));
	R(epoll_wait(ep, &ready, 1, 0));
	pid = abi_fork();
	if (!pid) {
		wait_blocked(getppid());
		mkdir("dir/a", 0755);
		_exit(0);
	}
	R(poll(&p, 1, -1));
	HEX(p.revents);
	abi_reap("maker", pid);
	R(epoll_wait(ep, &ready, 1, 0));
	R(epoll_wait(ep, &ready, 1, 0));
	read_one(p.fd);
	R(poll(&p, 1, 0));
	pid = abi_fork();
	if (!pid) {
		wait_blocked(getppid());
		rmdir("dir/a");
		_exit(0);
	}
	read_one(p.fd);
	abi_reap("remover", pid);
	interrupt_in_child("read", read_one, p.fd);
}

CASE(signal_to_the_owner)
{
	int in = inotify_init1(IN_NONBLOCK);

	mkdir("dir", 0755);
	inotify_add_watch(in, "dir", IN_CREATE);
	catch_signal(SIGIO, 0);
	R(fcntl(in, F_SETOWN, getpid()));
	mkdir("dir/a", 0755);
	V(caught);
	R(fcntl(in, F_SETFL, O_ASYNC | O_NONBLOCK));
	mkdir("dir/b", 0755);
	V(caught);
	V(caught_signal);
	R(fcntl(in, F_SETFL, O_NONBLOCK));
	mkdir("dir/c", 0755);
	V(caught);
	catch_signal(SIGUSR1, 0);
	R(fcntl(in, F_SETSIG, SIGUSR1));
	R(fcntl(in, F_SETFL, O_ASYNC | O_NONBLOCK));
	mkdir("dir/d", 0755);
	V(caught_signal);
	V(caught_code);
}

CASE(overflow)
{
	static char buf[1 << 20] __attribute__((aligned(8)));
	int in = inotify_init1(IN_NONBLOCK), limit = 0, events = 0, lost = 0, last_lost = 0;
	FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
	ssize_t n;

	T(f && fscanf(f, "%d", &limit) == 1 && limit > 0);
	put("a", "");
	put("b", "");
	inotify_add_watch(in, "a", IN_ATTRIB);
	inotify_add_watch(in, "b", IN_ATTRIB);
	for (int k = 0; k < limit / 2 + 100; k++) {
		chmod("a", 0600);
		chmod("b", 0600);
	}
	inotify_rm_watch(in, 2);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		for (ssize_t at = 0; at < n; at += 16) {
			const struct inotify_event *e = (const void *)(buf + at);

			last_lost = e->wd == -1 && e->mask == IN_Q_OVERFLOW && !e->len;
			lost += last_lost;
			events++;
		}
	T(events == limit + 1);
	V(lost);
	V(last_lost);
	chmod("a", 0600);
	show_events("afterwards", in);
}

CASE(too_many_instances)
{
	struct rlimit r = {.rlim_cur = 4096, .rlim_max = 4096};
	FILE *f = fopen("/proc/sys/fs/inotify/max_user_instances", "r");
	int limit = 0, made = 0, fd, last = -1;

	T(f && fscanf(f, "%d", &limit) == 1 && limit > 0);
	setrlimit(RLIMIT_NOFILE, &r);
	drop_to(54321, 54321);
	while ((fd = inotify_init1(IN_CLOEXEC)) >= 0) {
		made++;
		last = fd;
	}
	T(made == limit);
	R(sc(inotify_init1, 0));
	R(sc0(inotify_init));
	close(last);
	RZ(sc0(inotify_init));
	R(sc0(inotify_init));
}

CASE(in_proc)
{
	char path[40], text[300] = "", what[100];
	int in = inotify_init(), wd;
	unsigned mask, ignored;
	struct stat st;
	FILE *f;

	mkdir("dir", 0755);
	inotify_add_watch(in, "dir", IN_CREATE | IN_EXCL_UNLINK);
	inotify_add_watch(in, ".", IN_ALL_EVENTS | IN_ONESHOT | IN_ONLYDIR);
	sprintf(path, "/proc/self/fd/%d", in);
	readlink(path, text, sizeof(text) - 1);
	say("link: %s", text);
	fstat(in, &st);
	OCT(st.st_mode);
	sprintf(path, "/proc/self/fdinfo/%d", in);
	f = fopen(path, "r");
	while (fgets(text, sizeof(text), f)) {
		unsigned long ino;
		unsigned dev;

		if (sscanf(text, "inotify wd:%x ino:%lx sdev:%x mask:%x ignored_mask:%x %99s", &wd,
			    &ino, &dev, &mask, &ignored, what) < 5)
			continue;
		stat(wd == 1 ? "dir" : ".", &st);
		say("wd %d mask %#x ignored %#x, inode %d, ends in a blank or a handle %d", wd,
			mask, ignored, ino == st.st_ino, strstr(text, "ignored_mask:0 ") != NULL);
	}
}

CASE(unmounting)
{
	int in = inotify_init1(IN_NONBLOCK), other = inotify_init1(IN_NONBLOCK);

	mkdir("at", 0755);
	if (mount("none", "at", "tmpfs", 0, NULL)) {
		say("no mount: %s", errno_name(errno));
		return;
	}
	mkdir("at/dir", 0755);
	put("at/file", "x");
	V(inotify_add_watch(in, "at", IN_CREATE));
	V(inotify_add_watch(other, "at/file", IN_OPEN)); /* in which order is nobody's promise */
	R(umount("at"));
	show_events("directory", in);
	show_events("file", other);
	R(inotify_rm_watch(in, 1));
	rmdir("at");
	show_events("rmdir", in);
}
