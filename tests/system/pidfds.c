/*
 * pidfds - processes end while others open, poll, signal and rob them by descriptor.
 *
 *   pidfds SECONDS PARENTS STRANGERS
 *
 * Each parent makes children, one after the other, by clone3(2) with CLONE_PIDFD or by fork(2) and
 * pidfd_open(2); a child ends at once, after a moment, or is killed; a thread waits for it in
 * poll(2), the parent in waitid(2), and what that says must be this child's end. One parent ignores
 * SIGCHLD, so that its children are reaped as they end. Strangers take the newest children's
 * numbers from shared memory and do everything by pidfd that they can, also after the end; of a
 * process that is reaped (POLLHUP) nothing but ESRCH may be heard, though its number may be in use
 * again. Whatever is not as it must be ends the program with a message and an exit code. Prints
 * `children N, opened N, reaped N`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SLOTS      64
#define WAIT_PIDFD 3 /* P_PIDFD, which is younger than some C libraries */
#define MUST(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "pidfds: line %d: %s (errno %d)\n", __LINE__, #cond,       \
				errno);                                                            \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static struct shared {
	volatile int stop;
	volatile pid_t newest[SLOTS];
	unsigned long children, opened, reaped;
} * shared;
static unsigned seed;

static unsigned dice(unsigned sides)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % sides;
}

static void moment(void)
{
	struct timespec t = {.tv_nsec = dice(2000000)};

	nanosleep(&t, NULL);
}

static void *watch(void *arg)
{
	struct pollfd p = {.fd = (int)(intptr_t)arg, .events = POLLIN};

	MUST(poll(&p, 1, 20000) == 1 && p.revents & POLLIN);
	return NULL;
}

static void __attribute__((noreturn)) child(unsigned how)
{
	if (how == 1)
		moment();
	if (how == 2)
		for (;;)
			pause();
	_exit(33);
}

/* Its number; *fd names it. */
static pid_t make_child(unsigned how, int *fd)
{
	struct clone_args a = {.flags = CLONE_PIDFD, .exit_signal = SIGCHLD};
	bool clone = dice(2);
	pid_t pid;

	a.pidfd = (uintptr_t)fd;
	pid = clone ? (pid_t)syscall(SYS_clone3, &a, sizeof(a)) : fork();
	if (!pid)
		child(how);
	MUST(pid > 0);
	if (!clone)
		*fd = (int)syscall(SYS_pidfd_open, pid, 0);
	return pid;
}

/* Of a child that is reaped as it ends: nothing can be said for certain but that it does. */
static void forget(int fd, unsigned how)
{
	siginfo_t info;

	if (fd < 0) {
		MUST(errno == ESRCH && how != 2);
		return;
	}
	if (how == 2)
		MUST(!syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0));
	watch((void *)(intptr_t)fd);
	MUST(waitid(WAIT_PIDFD, fd, &info, WEXITED) == -1 && errno == ECHILD);
	close(fd);
}

static void collect(pid_t pid, int fd, unsigned how)
{
	siginfo_t info = {0};
	pthread_t t;

	MUST(fd >= 0);
	MUST(!pthread_create(&t, NULL, watch, (void *)(intptr_t)fd));
	if (how == 2)
		MUST(!syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0));
	MUST(!waitid(WAIT_PIDFD, fd, &info, WEXITED));
	MUST(info.si_pid == pid);
	MUST(how == 2 ? info.si_code == CLD_KILLED
		      : info.si_code == CLD_EXITED && info.si_status == 33);
	MUST(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) == -1 && errno == ESRCH);
	MUST(!pthread_join(t, NULL));
	close(fd);
}

static void be_parent(unsigned n)
{
	if (!n)
		signal(SIGCHLD, SIG_IGN);
	while (!shared->stop) {
		unsigned how = dice(3);
		int fd = -1;
		pid_t pid = make_child(how, &fd);

		shared->newest[dice(SLOTS)] = pid;
		__atomic_fetch_add(&shared->children, 1, __ATOMIC_RELAXED);
		if (n)
			collect(pid, fd, how);
		else
			forget(fd, how);
	}
}

/* A pidfd of somebody, and what it says. */
static void use(int fd, int ep)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET}, got[8];
	long err;

	MUST(!epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	MUST(poll(&p, 1, (int)dice(3)) >= 0);
	err = syscall(SYS_pidfd_send_signal, fd, dice(2) ? SIGCONT : 0, NULL, 0);
	MUST(!err || errno == ESRCH);
	if (p.revents & POLLHUP) {
		MUST(err);
		__atomic_fetch_add(&shared->reaped, 1, __ATOMIC_RELAXED);
	}
	err = syscall(SYS_pidfd_getfd, fd, 1, 0);
	MUST(err >= 0 || errno == ESRCH);
	if (err >= 0)
		close((int)err);
	MUST(waitid(WAIT_PIDFD, fd, NULL, WEXITED | WNOHANG) == -1 && errno == ECHILD);
	MUST(epoll_wait(ep, got, 8, 0) >= 0);
}

static void be_stranger(void)
{
	int kept[16], ep = epoll_create1(0);

	for (unsigned i = 0; i < 16; i++)
		kept[i] = -1;
	while (!shared->stop) {
		pid_t pid = shared->newest[dice(SLOTS)];
		unsigned slot = dice(16);
		int fd = pid ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

		if (fd < 0) {
			MUST(!pid || errno == ESRCH || errno == EINVAL || errno == ENOENT);
			moment();
			continue;
		}
		__atomic_fetch_add(&shared->opened, 1, __ATOMIC_RELAXED);
		use(fd, ep);
		if (kept[slot] >= 0)
			close(kept[slot]);
		kept[slot] = fd;
	}
}

int main(int argc, char **argv)
{
	unsigned seconds = argc > 1 ? (unsigned)atoi(argv[1]) : 5;
	unsigned parents = argc > 2 ? (unsigned)atoi(argv[2]) : 4;
	unsigned all = parents + (argc > 3 ? (unsigned)atoi(argv[3]) : 4);
	int failed = 0, status;

	shared = mmap(
		NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(shared != MAP_FAILED);
	for (unsigned i = 0; i < all; i++) {
		if (fork())
			continue;
		seed = i + 1;
		if (i < parents)
			be_parent(i);
		else
			be_stranger();
		_exit(0);
	}
	sleep(seconds);
	shared->stop = 1;
	while (wait(&status) > 0)
		failed += status != 0;
	printf("children %lu, opened %lu, reaped %lu\n", shared->children, shared->opened,
		shared->reaped);
	return failed;
}
