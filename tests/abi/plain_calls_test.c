/*
 * plain_calls_test.c - calls that C libraries hide or have replaced: the old forms of newer ones,
 * and those that can hardly fail.
 */
#include "abi.h"

#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <ucontext.h>

static char buf[4096];

CASE(identities)
{
	RZ(sc0(getpid));
	RZ(sc0(gettid));
	RZ(sc0(getpgrp));
	R(sc0(getuid));
	R(sc0(getgid));
	R(sc0(geteuid));
	R(sc0(getegid));
	T(sc0(getuid) == getuid() && sc0(geteuid) == geteuid());
	T(sc0(getgid) == getgid() && sc0(getegid) == getegid());
	T(sc0(getpid) == getpid() && sc0(gettid) == sc0(getpid));
	RZ(sc(set_tid_address, buf));
	T(sc(set_tid_address, buf) == sc0(gettid));
	RZ(sc(set_tid_address, BAD_PTR));
	T(sc0(getpgrp) == sc(getpgid, 0));
	R(sc(getpgid, -1));
	R(sc(getpgid, 0x7fffffff));
}

/* The call gives the heap's end, changed or not: a failure shows in the number only. */
static void move_heap(const char *what, long to, long was)
{
	say("brk(%s): end moves by %ld", what, (long)sc(brk, to) - was);
	say("brk(%s): done", what);
}

CASE(the_heap)
{
	struct rlimit little = {1 << 20, 1 << 20};
	long end = sc(brk, 0);
	char *above;

	move_heap("end + 8192", end + 8192, end);
	((char *)end)[8191] = 1;
	move_heap("end + 1", end + 1, end);
	move_heap("end", end, end);
	move_heap("below its start", 4096, end);
	move_heap("into the kernel", -4096L, end);
	above = mmap((void *)((end + 0x100fff) & ~0xfffl), 4096, PROT_READ,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	T(above != MAP_FAILED);
	move_heap("over a mapping", end + 0x200000, end);
	munmap(above, 4096);
	setrlimit(RLIMIT_DATA, &little);
	move_heap("over RLIMIT_DATA", end + 0x200000, end);
}

static void ends_by(const char *what, int status)
{
	say("%s = %d %d", what, WIFEXITED(status), WEXITSTATUS(status));
}

CASE(endings)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid)
		sc(exit, 0x103);
	waitpid(pid, &status, 0);
	ends_by("exit(0x103)", status);
	pid = fork();
	if (!pid)
		sc(exit_group, -1);
	waitpid(pid, &status, 0);
	ends_by("exit_group(-1)", status);
	pid = vfork();
	if (!pid)
		_exit(7);
	waitpid(pid, &status, 0);
	ends_by("vfork()", status);
	R(sc(restart_syscall, 0));
}

static volatile long borrowed;

CASE(vfork_shares_the_memory_and_waits)
{
	struct rlimit none = {0, 0};
	pid_t pid = vfork();

	if (!pid) {
		borrowed = 5;
		_exit(0);
	}
	V(borrowed);
	waitpid(pid, NULL, 0);
	IN_CHILD
	{
		drop_to(54321, 54321);
		setrlimit(RLIMIT_NPROC, &none);
		R(vfork());
	}
}

/* rt_sigreturn with the stack pointer at @sp. */
static void sigreturn_at(uintptr_t sp)
{
	__asm__ volatile("mov %0, %%rsp\n\tsyscall\n\thlt"
			 :
			 : "r"(sp), "a"((long)SYS_rt_sigreturn)
			 : "memory");
}

static void change_registers(int number, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	(void)number;
	(void)info;
	u->uc_mcontext.gregs[REG_RAX] = 1234567890123;
	u->uc_mcontext.gregs[REG_EFL] |= 0x3200; /* IOPL: not a program's to choose */
	sigaddset(&u->uc_sigmask, SIGUSR2);
	sigaddset(&u->uc_sigmask, SIGKILL);
}

CASE(the_way_back_from_a_handler)
{
	struct sigaction act = {.sa_sigaction = change_registers, .sa_flags = SA_SIGINFO};
	unsigned long flags, mask = 0;

	sigaction(SIGUSR1, &act, NULL);
	say("rt_sigreturn() = %ld", (long)sc(kill, getpid(), SIGUSR1));
	sc(rt_sigprocmask, SIG_BLOCK, NULL, &mask, 8);
	HEX(mask);
	__asm__ volatile("pushfq\n\tpop %0" : "=r"(flags));
	HEX(flags & 0x3200);
	fflush(stdout);
	IN_CHILD sigreturn_at(16);
	IN_CHILD sigreturn_at((uintptr_t)KERNEL_PTR);
	memset(buf, 0x5a, sizeof(buf)); /* a frame of nonsense: no FPU image, nowhere to go on */
	IN_CHILD sigreturn_at((uintptr_t)buf + 64);
}

CASE(attributes_of_a_descriptor)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600);

	R(sc(flistxattr, 99, buf, 16));
	R(sc(flistxattr, fd, buf, 16));
	R(sc(flistxattr, fd, NULL, 0));
	R(sc(flistxattr, open("f", O_PATH), buf, 16));
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
