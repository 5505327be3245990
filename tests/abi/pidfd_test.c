/*
 * pidfd_test.c - processes by descriptor: pidfd_open(2), CLONE_PIDFD, waitid(2) with P_PIDFD,
 * pidfd_send_signal(2), pidfd_getfd(2), readiness, and what is left when the process is gone.
 */
#include "abi.h"
#include "helper.h"

#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>

#define WAIT_PIDFD 3 /* P_PIDFD, which is younger than some C libraries */

static int open_pid(pid_t pid)
{
	return (int)sc(pidfd_open, pid, 0);
}

/* A child that sleeps until it is killed. */
static pid_t sleeper(void)
{
	pid_t pid = abi_fork();

	if (!pid)
		for (;;)
			pause();
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* A zombie. */
static pid_t dead(int status)
{
	pid_t pid = abi_fork();
	siginfo_t info;

	if (!pid)
		_exit(status);
	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	return pid;
}

static void show_ready(const char *what, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDNORM};
	int n = poll(&p, 1, 0);

	say("%s: %d, events %#x", what, n, (unsigned)p.revents);
}

static void show_info(const char *what, const siginfo_t *i, pid_t pid)
{
	say("%s: signal %d, code %d, status %d, its pid: %s", what, i->si_signo, i->si_code,
		i->si_status, i->si_pid == pid ? "yes" : "no");
}

CASE(opening)
{
	pid_t zombie = dead(0), gone = dead(0);
	int fd;

	waitpid(gone, NULL, 0);
	R(sc(pidfd_open, 0, 0));
	R(sc(pidfd_open, -1, 0));
	R(sc(pidfd_open, 1 << 30, 0));
	R(sc(pidfd_open, getpid(), 1));
	R(sc(pidfd_open, getpid(), -1));
	R(sc(pidfd_open, getpid(), O_CLOEXEC));
	R(sc(pidfd_open, gone, 0));
	fd = (int)R(sc(pidfd_open, getpid(), 0));
	HEX(fcntl(fd, F_GETFD));
	HEX(fcntl(fd, F_GETFL) & ~O_LARGEFILE);
	fd = (int)R(sc(pidfd_open, getpid(), O_NONBLOCK));
	HEX(fcntl(fd, F_GETFL) & ~O_LARGEFILE);
	R(fcntl(fd, F_SETFL, 0));
	HEX(fcntl(fd, F_GETFL) & ~O_LARGEFILE);
	R(sc(pidfd_open, zombie, 0));
	R(sc(pidfd_open, 1, 0));
	show_open_fds();
	waitpid(zombie, NULL, 0);
}

CASE(no_room_for_another)
{
	struct rlimit five = {5, 5};
	struct clone_args a = {.flags = CLONE_PIDFD, .exit_signal = SIGCHLD};
	int fd = -7;

	a.pidfd = (uintptr_t)&fd;
	setrlimit(RLIMIT_NOFILE, &five);
	R(sc(pidfd_open, getpid(), 0));
	R(sc(pidfd_open, getpid(), 0));
	R(sc(pidfd_open, getpid(), 0));
	R(sc(pidfd_getfd, 3, 0, 0));
	R(sc(clone, CLONE_PIDFD | SIGCHLD, 0, &fd, 0, 0));
	R(sc(clone3, &a, sizeof(a)));
	V(fd);
	R(waitpid(-1, NULL, 0));
}

CASE(what_a_file_can_do)
{
	int fd = open_pid(getpid());
	char c = 0, link[64] = {0}, name[32];

	R(read(fd, &c, 1));
	R(write(fd, &c, 1));
	R(lseek(fd, 0, SEEK_SET));
	R(fsync(fd));
	R(ioctl(fd, FIONREAD, &c));
	R(dup(fd));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	RZ(readlink(name, link, sizeof(link) - 1));
	say("%s", link);
}

static void show_fdinfo(const char *what, int fd, pid_t pid)
{
	char name[64], line[128];
	FILE *f;
	int value;

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	f = fopen(name, "r");
	while (f && fgets(line, sizeof(line), f)) {
		char *at = strchr(line, ':');

		if (!at || (strncmp(line, "Pid:", 4) && strncmp(line, "NSpid:", 6)))
			continue;
		value = atoi(at + 1);
		say("%s: %.*s %s", what, (int)(at - line), line,
			value == pid  ? "its number"
			: value == -1 ? "-1"
				      : "another");
	}
	if (f)
		fclose(f);
}

CASE(fdinfo)
{
	pid_t pid = dead(0);
	int fd = open_pid(pid), own = open_pid(getpid());

	show_fdinfo("own", own, getpid());
	show_fdinfo("a zombie", fd, pid);
	waitpid(pid, NULL, 0);
	show_fdinfo("waited for", fd, pid);
}

CASE(readiness)
{
	pid_t pid = sleeper();
	struct epoll_event ev = {.events = EPOLLIN}, got = {0};
	int fd = open_pid(pid), second, ep = epoll_create1(0);

	show_ready("alive", fd);
	R(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	R(epoll_wait(ep, &got, 1, 0));
	kill(pid, SIGKILL);
	R(epoll_wait(ep, &got, 1, 5000));
	HEX(got.events);
	show_ready("a zombie", fd);
	second = open_pid(pid);
	show_ready("a zombie's second", second);
	abi_reap("the child", pid);
	show_ready("waited for", fd);
	show_ready("waited for, the second", second);
	R(epoll_wait(ep, &got, 1, 0));
	HEX(got.events);
	R(sc(pidfd_open, pid, 0));
}

CASE(a_poll_that_waits)
{
	pid_t pid = abi_fork();
	struct pollfd p;

	if (!pid) {
		pause_ms(50);
		_exit(3);
	}
	p = (struct pollfd){.fd = open_pid(pid), .events = POLLIN};
	R(poll(&p, 1, -1));
	HEX(p.revents);
	abi_reap("the child", pid);
}

/* Nobody waits for it: it is gone as soon as it has exited. */
CASE(a_child_that_nobody_waits_for)
{
	struct pollfd p;
	pid_t pid;
	siginfo_t info;

	signal(SIGCHLD, SIG_IGN);
	pid = abi_fork();
	if (!pid) {
		pause_ms(30);
		_exit(3);
	}
	p = (struct pollfd){.fd = open_pid(pid), .events = POLLIN};
	R(poll(&p, 1, -1));
	R(waitid(WAIT_PIDFD, p.fd, &info, WEXITED));
	show_ready("afterwards", p.fd);
}

CASE(a_grandchild)
{
	int fds[2];
	pid_t pid, grandchild;
	siginfo_t info;
	int fd;

	pipe(fds);
	pid = abi_fork();
	if (!pid) {
		grandchild = sleeper();
		write(fds[1], &grandchild, sizeof(grandchild));
		for (;;)
			pause();
	}
	read(fds[0], &grandchild, sizeof(grandchild));
	fd = open_pid(grandchild);
	R(waitid(WAIT_PIDFD, fd, &info, WEXITED));
	R(waitid(WAIT_PIDFD, fd, &info, WEXITED | WNOHANG));
	R(sc(pidfd_send_signal, fd, SIGKILL, NULL, 0));
	struct pollfd p = {.fd = fd, .events = POLLIN};
	R(poll(&p, 1, 5000));
	end(pid);
}

CASE(waiting)
{
	pid_t pid = sleeper(), other = dead(1);
	int fd = open_pid(pid), second = open_pid(other);
	siginfo_t info = {0};

	R(waitid(WAIT_PIDFD, fd, &info, 0));
	R(waitid(WAIT_PIDFD, fd, &info, 0x10 | WEXITED));
	R(waitid(WAIT_PIDFD, -1, &info, WEXITED));
	R(waitid(WAIT_PIDFD, 1000, &info, WEXITED));
	R(waitid(WAIT_PIDFD, 0, &info, WEXITED));
	R(waitid(4, fd, &info, WEXITED));
	R(waitid(WAIT_PIDFD, fd, &info, WEXITED | WNOHANG));
	V(info.si_signo);
	R(waitid(WAIT_PIDFD, second, &info, WEXITED | WNOWAIT));
	show_info("the other, left there", &info, other);
	R(sc(pidfd_send_signal, fd, SIGSTOP, NULL, 0));
	R(waitid(WAIT_PIDFD, fd, &info, WSTOPPED));
	show_info("stopped", &info, pid);
	R(sc(pidfd_send_signal, fd, SIGCONT, NULL, 0));
	R(waitid(WAIT_PIDFD, fd, &info, WCONTINUED));
	show_info("went on", &info, pid);
	R(sc(pidfd_send_signal, fd, SIGTERM, NULL, 0));
	R(waitid(WAIT_PIDFD, fd, &info, WEXITED));
	show_info("ended", &info, pid);
	R(waitid(WAIT_PIDFD, fd, &info, WEXITED));
	R(waitid(WAIT_PIDFD, second, &info, WEXITED));
	show_info("the other", &info, other);
	R(waitid(WAIT_PIDFD, second, NULL, WEXITED));
}

CASE(waiting_without_waiting)
{
	pid_t pid = sleeper();
	int fd = (int)sc(pidfd_open, pid, O_NONBLOCK);
	siginfo_t info = {0};

	R(waitid(WAIT_PIDFD, fd, &info, WEXITED));
	R(waitid(WAIT_PIDFD, fd, &info, WEXITED | WNOHANG));
	R(waitid(WAIT_PIDFD, fd, &info, WSTOPPED));
	R(fcntl(fd, F_SETFL, 0));
	R(waitid(WAIT_PIDFD, fd, &info, WEXITED | WNOHANG));
	R(fcntl(fd, F_SETFL, O_NONBLOCK));
	kill(pid, SIGKILL);
	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	R(waitid(WAIT_PIDFD, fd, &info, WEXITED));
	show_info("killed", &info, pid);
	R(waitid(WAIT_PIDFD, fd, &info, WEXITED));
}

CASE(waiting_is_interrupted)
{
	pid_t pid = sleeper();
	int fd = open_pid(pid);
	struct itimerval soon = {.it_value.tv_usec = 20000};
	siginfo_t info;

	catch_signal(SIGALRM, 0);
	setitimer(ITIMER_REAL, &soon, NULL);
	R(waitid(WAIT_PIDFD, fd, &info, WEXITED));
	end(pid);
}

CASE(cloning)
{
	struct clone_args a = {.flags = CLONE_PIDFD, .exit_signal = SIGCHLD};
	int fd = -7, tid = 0;
	siginfo_t info = {0};
	pid_t pid;

	R(sc(clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &fd, 0, 0));
	R(sc(clone, CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, 0, &fd, 0, 0));
	R(sc(clone, CLONE_PIDFD | SIGCHLD, 0, BAD_PTR, 0, 0));
	R(sc(clone, CLONE_PIDFD | SIGCHLD, 0, KERNEL_PTR, 0, 0));
	R(sc(clone3, &a, sizeof(a)));
	a.pidfd = (uintptr_t)&fd;
	a.parent_tid = (uintptr_t)&fd;
	a.flags |= CLONE_PARENT_SETTID;
	R(sc(clone3, &a, sizeof(a)));
	V(fd);
	R(waitpid(-1, NULL, 0)); /* none of them was born */
	show_open_fds();
	a.parent_tid = (uintptr_t)&tid;
	pid = (pid_t)sc(clone3, &a, sizeof(a));
	if (!pid) {
		R(fcntl(3, F_GETFD)); /* it does not get it */
		_exit(5);
	}
	waitid(P_PID, pid, &info, WEXITED | WNOWAIT); /* its lines come first */
	V(fd);
	T(tid == pid);
	HEX(fcntl(fd, F_GETFD));
	HEX(fcntl(fd, F_GETFL) & ~O_LARGEFILE);
	R(waitid(WAIT_PIDFD, fd, &info, WEXITED));
	show_info("clone3", &info, pid);
	pid = (pid_t)sc(clone, CLONE_PIDFD | SIGCHLD, 0, &fd, 0, 0);
	if (!pid)
		_exit(6);
	V(fd);
	R(waitid(WAIT_PIDFD, fd, &info, WEXITED));
	show_info("clone", &info, pid);
	pid = (pid_t)sc(clone, CLONE_PIDFD | CLONE_FILES | SIGCHLD, 0, &fd, 0, 0);
	if (!pid) {
		R(fcntl(5, F_GETFD)); /* its descriptors are ours */
		_exit(6);
	}
	R(waitid(WAIT_PIDFD, fd, &info, WEXITED));
	show_info("clone", &info, pid);
}

CASE(signals)
{
	pid_t pid = sleeper(), zombie = dead(0);
	int fd = open_pid(pid), own = open_pid(getpid()), last = open_pid(zombie);
	siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};

	R(sc(pidfd_send_signal, fd, 0, NULL, 0));
	R(sc(pidfd_send_signal, fd, 65, NULL, 0));
	R(sc(pidfd_send_signal, fd, -1, NULL, 0));
	R(sc(pidfd_send_signal, fd, 0, NULL, 0x100));
	R(sc(pidfd_send_signal, fd, 0, NULL, -1));
	R(sc(pidfd_send_signal, -1, 0, NULL, 0));
	R(sc(pidfd_send_signal, 1000, 0, NULL, 0));
	R(sc(pidfd_send_signal, 0, 0, NULL, 0));
	R(sc(pidfd_send_signal, fd, SIGUSR1, BAD_PTR, 0));
	R(sc(pidfd_send_signal, fd, SIGUSR2, &info, 0));
	info.si_code = SI_USER;
	R(sc(pidfd_send_signal, fd, SIGUSR1, &info, 0));
	info.si_code = SI_TKILL;
	R(sc(pidfd_send_signal, fd, SIGUSR1, &info, 0));
	catch_signal(SIGUSR1, 0);
	R(sc(pidfd_send_signal, own, SIGUSR1, &info, 0));
	say("caught %d: signal %d, code %d", caught, caught_signal, caught_code);
	info.si_code = SI_QUEUE;
	R(sc(pidfd_send_signal, own, SIGUSR1, &info, 0));
	say("caught %d: signal %d, code %d", caught, caught_signal, caught_code);
	R(sc(pidfd_send_signal, own, SIGUSR1, NULL, 0));
	say("caught %d: signal %d, code %d", caught, caught_signal, caught_code);
	R(sc(pidfd_send_signal, last, SIGTERM, NULL, 0));
	R(sc(pidfd_send_signal, last, 65, NULL, 0));
	abi_reap("the zombie", zombie);
	R(sc(pidfd_send_signal, last, 0, NULL, 0));
	R(sc(pidfd_send_signal, last, SIGTERM, NULL, 0));
	R(sc(pidfd_send_signal, last, 65, NULL, 0));
	R(sc(pidfd_send_signal, fd, SIGUSR1, &info, 0));
	abi_reap("the other", pid);
}

CASE(signals_through_proc)
{
	pid_t pid = sleeper();
	char name[32];
	int dir, path, task, file;

	snprintf(name, sizeof(name), "/proc/%d", pid);
	dir = open(name, O_RDONLY | O_DIRECTORY);
	path = open(name, O_PATH);
	strcat(name, "/task");
	task = open(name, O_RDONLY);
	file = open("/proc/self/stat", O_RDONLY);
	R(sc(pidfd_send_signal, dir, 0, NULL, 0));
	R(sc(pidfd_send_signal, path, 0, NULL, 0));
	R(sc(pidfd_send_signal, task, 0, NULL, 0));
	R(sc(pidfd_send_signal, file, 0, NULL, 0));
	R(sc(pidfd_getfd, dir, 0, 0));
	R(sc(pidfd_send_signal, dir, SIGKILL, NULL, 0));
	abi_reap("the child", pid);
	R(sc(pidfd_send_signal, dir, 0, NULL, 0));
}

CASE(foreign_files)
{
	int fds[2], fd, got;
	pid_t pid, zombie = dead(0);
	char c = 0;

	pipe(fds);
	pid = abi_fork();
	if (!pid) {
		dup2(fds[1], 9);
		close(fds[1]);
		write(9, "r", 1);
		for (;;)
			pause();
	}
	close(fds[1]);
	read(fds[0], &c, 1);
	fd = open_pid(pid);
	R(sc(pidfd_getfd, fd, 9, 1));
	R(sc(pidfd_getfd, -1, 9, 0));
	R(sc(pidfd_getfd, 0, 9, 0));
	R(sc(pidfd_getfd, fd, 8, 0));
	R(sc(pidfd_getfd, fd, -1, 0));
	R(sc(pidfd_getfd, fd, 1 << 30, 0));
	got = (int)R(sc(pidfd_getfd, fd, 9, 0));
	HEX(fcntl(got, F_GETFD));
	R(write(got, "x", 1));
	R(read(fds[0], &c, 1));
	V(c);
	R(sc(pidfd_getfd, open_pid(getpid()), got, 0));
	R(sc(pidfd_getfd, open_pid(zombie), 0, 0));
	got = open_pid(zombie);
	waitpid(zombie, NULL, 0);
	R(sc(pidfd_getfd, got, 0, 0));
	end(pid);
}

CASE(who_may)
{
	pid_t roots = sleeper(), other;
	int fd = open_pid(roots), second;

	IN_CHILD
	{
		drop_to(1000, 1000);
		R(sc(pidfd_open, roots, 0));
		R(sc(pidfd_send_signal, fd, 0, NULL, 0));
		R(sc(pidfd_send_signal, fd, SIGKILL, NULL, 0));
		R(sc(pidfd_getfd, fd, 0, 0));
		other = sleeper();
		second = open_pid(other);
		R(sc(pidfd_send_signal, second, 0, NULL, 0));
		R(sc(pidfd_getfd, second, 0, 0));
		R(prctl(PR_SET_DUMPABLE, 1));
		other = sleeper();
		R(sc(pidfd_getfd, open_pid(other), 0, 0));
		end(other);
		R(sc(pidfd_send_signal, second, SIGKILL, NULL, 0));
	}
	R(sc(pidfd_getfd, fd, 0, 0));
	end(roots);
}

static volatile bool leader_may_go;

static void *goes_on(void *arg)
{
	struct gate *gate = arg;

	while (!leader_may_go)
		pause_ms(1);
	gate_wait(gate);
	_exit(7);
}

/* The first thread's end is not the process's. */
CASE(the_first_thread_exits)
{
	struct gate gate;
	siginfo_t info = {0};
	pthread_t t;
	pid_t pid;
	int fd;

	gate_init(&gate);
	pid = abi_fork();
	if (!pid) {
		pthread_create(&t, NULL, goes_on, &gate);
		leader_may_go = true;
		sc(exit, 0);
	}
	fd = open_pid(pid);
	T(wait_state(pid, "Z"));
	show_ready("with a thread", fd);
	R(sc(pidfd_send_signal, fd, 0, NULL, 0));
	R(sc(pidfd_getfd, fd, 0, 0));
	R(waitid(WAIT_PIDFD, fd, &info, WEXITED | WNOHANG));
	V(info.si_signo);
	gate_open(&gate);
	R(waitid(WAIT_PIDFD, fd, &info, WEXITED));
	show_info("all of it", &info, pid);
}

static void *executes(void *arg)
{
	execl(self_path(), "x", "--helper", "wait", arg, NULL);
	return NULL;
}

/* Another thread than the first executes a program: the process is the same. */
CASE(another_thread_executes)
{
	char number[16];
	int fds[2], fd;
	pthread_t t;
	pid_t pid;
	char c;

	pipe(fds);
	snprintf(number, sizeof(number), "%d", fds[1]);
	pid = abi_fork();
	if (!pid) {
		pthread_create(&t, NULL, executes, number);
		for (;;)
			pause();
	}
	fd = open_pid(pid);
	R(read(fds[0], &c, 1));
	show_ready("afterwards", fd);
	R(sc(pidfd_send_signal, fd, SIGKILL, NULL, 0));
	abi_reap("the child", pid);
	show_ready("in the end", fd);
}

static void *opens_itself(void *arg)
{
	(void)arg;
	T(sc(pidfd_open, syscall(SYS_gettid), 0) == -1);
	T(sc(pidfd_open, getpid(), 0) >= 0);
	return NULL;
}

CASE(a_thread_is_no_process)
{
	pthread_t t;

	pthread_create(&t, NULL, opens_itself, NULL);
	pthread_join(t, NULL);
}

/* The number is taken by another process: the pidfd does not mean that one. */
CASE(a_number_used_again)
{
	for (int attempt = 0; attempt < 100; attempt++) {
		pid_t pid = dead(0), next = 0;
		struct clone_args a = {.set_tid_size = 1, .exit_signal = SIGCHLD};
		int fd = open_pid(pid);

		waitpid(pid, NULL, 0);
		a.set_tid = (uintptr_t)&pid;
		next = (pid_t)sc(clone3, &a, sizeof(a));
		if (!next)
			for (;;)
				pause();
		if (next < 0) {
			close(fd);
			continue;
		}
		T(next == pid);
		R(sc(pidfd_send_signal, fd, SIGKILL, NULL, 0));
		R(sc(pidfd_getfd, fd, 0, 0));
		R(waitid(WAIT_PIDFD, fd, NULL, WEXITED | WNOHANG));
		show_ready("the old one", fd);
		show_ready("the new one", open_pid(next));
		kill(next, SIGTERM);
		abi_reap("the new one", next);
		return;
	}
}

int abi_helper(int argc, char **argv)
{
	if (argc > 1)
		write(atoi(argv[argc - 1]), "x", 1);
	for (;;)
		pause();
	return 0;
}
