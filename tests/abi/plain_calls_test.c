/*
 * plain_calls_test.c - calls that C libraries hide or have replaced: the old forms of newer ones,
 * and those that can hardly fail.
 */
#include "abi.h"

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

static char buf[4096];

CASE(identities)
{
	say("uids agree: %d", sc(getuid, 0) == getuid() && sc(geteuid, 0) == geteuid());
	say("gids agree: %d", sc(getgid, 0) == getgid() && sc(getegid, 0) == getegid());
	say("pid and tid: %d", sc(getpid, 0) == getpid() && sc(gettid, 0) == sc(getpid, 0));
	say("set_tid_address gives the tid: %d", sc(set_tid_address, buf) == sc(gettid, 0));
	say("group: %d", sc(getpgrp, 0) == sc(getpgid, 0));
	R(sc(getpgid, -1));
	R(sc(getpgid, 0x7fffffff));
}

CASE(the_heap)
{
	long end = sc(brk, 0);

	say("grows: %d", sc(brk, end + 8192) == end + 8192);
	((char *)end)[8191] = 1;
	say("shrinks: %d", sc(brk, end) == end);
	say("not below its start: %d", sc(brk, 4096) == end);
	say("not into the kernel: %d", sc(brk, -4096L) == end);
}

static void ends_by(const char *what, int status)
{
	say("%s: %d %d", what, WIFEXITED(status), WEXITSTATUS(status));
}

CASE(endings)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid)
		sc(exit, 0x103);
	waitpid(pid, &status, 0);
	ends_by("exit", status);
	pid = fork();
	if (!pid)
		sc(exit_group, -1);
	waitpid(pid, &status, 0);
	ends_by("exit_group", status);
	pid = vfork();
	if (!pid)
		_exit(7);
	waitpid(pid, &status, 0);
	ends_by("vfork", status);
	R(sc(restart_syscall, 0));
}

CASE(old_getdents)
{
	int file = open("f", O_RDWR | O_CREAT, 0600), dir;

	mkdir("d", 0700);
	mkdir("gone", 0700);
	dir = open("gone", O_RDONLY);
	rmdir("gone");
	R(sc(getdents, 99, buf, sizeof(buf)));
	R(sc(getdents, file, buf, sizeof(buf)));
	R(sc(getdents, dir, buf, sizeof(buf)));
	dir = open("d", O_RDONLY);
	R(sc(getdents, dir, buf, 8));
	R(sc(getdents, dir, BAD_PTR, sizeof(buf)));
	R(sc(getdents, dir, buf, sizeof(buf)));
	R(sc(getdents, dir, buf, sizeof(buf)));
}

CASE(old_eventfd_and_signalfd)
{
	struct rlimit few = {3, 3}, was;
	unsigned long set = 1ul << (SIGUSR1 - 1);
	uint64_t v = 0;
	int fd = (int)sc(eventfd, 5);

	R(fcntl(fd, F_GETFD));
	R(fcntl(fd, F_GETFL));
	R(read(fd, &v, 8));
	say("%lu", (unsigned long)v);
	R(sc(signalfd, 99, &set, 8));
	R(sc(signalfd, fd, &set, 8));
	R(sc(signalfd, -1, &set, 7));
	R(sc(signalfd, -1, BAD_PTR, 8));
	fd = (int)sc(signalfd, -1, &set, 8);
	R(fcntl(fd, F_GETFD));
	say("changed in place: %d", sc(signalfd, fd, &set, 8) == fd);
	getrlimit(RLIMIT_NOFILE, &was);
	few.rlim_max = was.rlim_max;
	setrlimit(RLIMIT_NOFILE, &few);
	R(sc(eventfd, 0));
	R(sc(signalfd, -1, &set, 8));
	setrlimit(RLIMIT_NOFILE, &was);
}

CASE(accept4_refuses)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t n = sizeof(a), odd = -1;
	struct rlimit few = {0, 0}, was;
	int l = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int dgram = socket(AF_INET, SOCK_DGRAM, 0), file = open("f", O_RDWR | O_CREAT, 0600);
	int peer = socket(AF_INET, SOCK_STREAM, 0);

	R(sc(accept4, 99, 0, 0, 0));
	R(sc(accept4, file, 0, 0, 0));
	R(sc(accept4, dgram, 0, 0, 0));
	R(sc(accept4, l, 0, 0, 0));
	R(sc(accept4, l, 0, 0, 1));
	bind(l, (struct sockaddr *)&a, sizeof(a));
	listen(l, 4);
	R(sc(accept4, l, 0, 0, 0));
	getsockname(l, (struct sockaddr *)&a, &n);
	R(connect(peer, (struct sockaddr *)&a, n));
	R(sc(accept4, l, &a, BAD_PTR, 0));
	R(connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a, n));
	R(sc(accept4, l, &a, &odd, 0));
	R(connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a, n));
	getrlimit(RLIMIT_NOFILE, &was);
	few.rlim_max = was.rlim_max;
	setrlimit(RLIMIT_NOFILE, &few);
	R(sc(accept4, l, 0, 0, 0));
	setrlimit(RLIMIT_NOFILE, &was);
	peer = (int)sc(accept4, l, &a, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);
	R(fcntl(peer, F_GETFD));
	R(fcntl(peer, F_GETFL));
	say("%u bytes, family %u", n, a.sin_family);
}

CASE(positions_in_the_memory_of_a_process)
{
	int fd = open("/proc/self/mem", O_RDONLY);

	R(lseek(fd, 0x7fffffffffffffff, SEEK_SET));
	R(lseek(fd, 5000, SEEK_CUR));
	R(lseek(fd, 0, SEEK_CUR));
	R(lseek(fd, 0, SEEK_END));
	R(read(fd, buf, 1));
}
