/*
 * process_test.c - fork, vfork, clone, wait, exit, exec, process groups, sessions, limits, prctl.
 */
#include "abi.h"
#include "helper.h"

#include <linux/sched.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>

static void show_info(const char *what, siginfo_t *info, pid_t pid)
{
	say("%s: signo %d code %d status %d pid %s uid %u", what, info->si_signo, info->si_code,
		info->si_status,
		info->si_pid == pid ? "right"
		: info->si_pid      ? "wrong"
				    : "0",
		info->si_uid);
}

CASE(no_children)
{
	siginfo_t info;
	int status;

	R(wait(&status));
	R(wait4(-1, &status, WNOHANG, NULL));
	R(waitpid(99999, &status, 0));
	R(waitpid(getpid(), &status, 0));
	R(waitpid(0, &status, 0));
	R(waitpid(-99999, &status, 0));
	R(sc(wait4, INT_MIN, &status, 0, NULL));
	R(sc(wait4, -1, &status, 0x100, NULL));
	R(waitid(P_ALL, 0, &info, WEXITED));
	R(waitid(P_ALL, 0, &info, WEXITED | WNOHANG));
	R(waitid(P_ALL, 0, &info, 0));
	R(waitid(P_PID, 0, &info, WEXITED));
	R(waitid(P_PID, -5, &info, WEXITED));
	R(waitid(P_PGID, 0, &info, WEXITED));
	R(waitid(P_PGID, -5, &info, WEXITED));
	R(waitid(77, 0, &info, WEXITED));
	R(waitid(P_ALL, 0, &info, 0x10000000 | WEXITED));
}

CASE(exit_codes)
{
	int codes[] = {0, 1, 127, 128, 255, 256, 257, -1, 1000};
	int status;

	for (unsigned i = 0; i < COUNT(codes); i++) {
		if (!abi_fork())
			_exit(codes[i]);
		wait(&status);
		say("exit(%d): %#x", codes[i], status);
	}
	for (int number = 1; number < 32; number++) {
		if (number == SIGSTOP || number == SIGTSTP || number == SIGTTIN ||
			number == SIGTTOU)
			continue;
		pid_t pid = abi_fork();
		if (!pid) {
			kill(getpid(), number);
			_exit(77);
		}
		waitpid(pid, &status, 0);
		say("%s: %#x", signal_name(number), status & ~0x80);
	}
}

CASE(wait_options)
{
	siginfo_t info;
	int status;
	struct gate go;
	pid_t pid;

	gate_init(&go);
	pid = abi_fork();
	if (!pid) {
		gate_wait(&go);
		_exit(5);
	}
	R(waitpid(pid, &status, WNOHANG));
	memset(&info, 0xff, sizeof(info));
	R(waitid(P_PID, pid, &info, WEXITED | WNOHANG));
	V(info.si_pid);
	V(info.si_signo);
	gate_open(&go);
	memset(&info, 0, sizeof(info));
	R(waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
	show_info("nowait", &info, pid);
	R(waitid(P_PGID, getpgrp(), &info, WEXITED | WNOWAIT));
	R(waitid(P_ALL, 0, &info, WEXITED));
	show_info("exited", &info, pid);
	R(waitid(P_PID, pid, &info, WEXITED));
	pid = abi_fork();
	if (!pid)
		for (;;)
			pause();
	R(kill(pid, SIGSTOP));
	R(waitpid(pid, &status, WUNTRACED) == pid);
	show_status("stop", status);
	R(waitpid(pid, &status, WUNTRACED | WNOHANG));
	kill(pid, SIGCONT);
	R(waitpid(pid, &status, WCONTINUED) == pid);
	show_status("cont", status);
	R(waitpid(pid, &status, WCONTINUED | WNOHANG));
	kill(pid, SIGSTOP);
	R(waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT));
	show_info("stopped", &info, pid);
	R(waitid(P_PID, pid, &info, WSTOPPED));
	R(waitid(P_PID, pid, &info, WSTOPPED | WNOHANG));
	kill(pid, SIGCONT);
	R(waitid(P_PID, pid, &info, WCONTINUED));
	show_info("continued", &info, pid);
	kill(pid, SIGSTOP);
	wait_state(pid, "T");
	kill(pid, SIGKILL);
	R(waitid(P_PID, pid, &info, WEXITED | WSTOPPED));
	show_info("killed", &info, pid);
	R(waitid(P_PID, pid, NULL, WEXITED));
}

CASE(wait_pointers)
{
	struct rusage usage;
	int status = 0;
	pid_t pid = abi_fork();

	if (!pid)
		_exit(3);
	wait_state(pid, "Z");
	R(sc(wait4, pid, BAD_PTR, 0, NULL));
	R(sc(wait4, pid, &status, 0, NULL));
	pid = abi_fork();
	if (!pid)
		_exit(3);
	R(sc(wait4, pid, &status, 0, &usage) == pid);
	show_status("child", status);
	pid = abi_fork();
	if (!pid)
		_exit(4);
	R(waitpid(pid, NULL, 0) == pid);
	pid = abi_fork();
	if (!pid)
		_exit(4);
	R(sc(waitid, P_PID, pid, BAD_PTR, WEXITED, NULL));
	R(sc(waitid, P_PID, pid, NULL, WEXITED, NULL));
}

CASE(wait_groups)
{
	int status;
	pid_t a, b;
	struct gate go;

	gate_init(&go);
	a = abi_fork();
	if (!a) {
		gate_wait(&go);
		_exit(1);
	}
	b = abi_fork();
	if (!b) {
		gate_wait(&go);
		_exit(2);
	}
	R(setpgid(b, b));
	R(waitpid(-b, &status, WNOHANG));
	R(waitpid(0, &status, WNOHANG));
	kill(b, SIGKILL);
	R(waitpid(-b, &status, 0) == b);
	show_status("b", status);
	R(waitpid(-b, &status, 0));
	gate_open(&go);
	R(waitpid(0, &status, 0) == a);
	show_status("a", status);
	R(waitpid(0, &status, 0));
}

CASE(ignored_children)
{
	struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
	int status;

	ignore_signal(SIGCHLD);
	if (!abi_fork())
		_exit(1);
	R(wait(&status));
	default_signal(SIGCHLD);
	sigaction(SIGCHLD, &action, NULL);
	if (!abi_fork())
		_exit(1);
	R(wait(&status));
	catch_signal(SIGCHLD, 0);
	if (!abi_fork())
		_exit(1);
	while (!caught)
		pause_ms(1);
	R(wait(&status) > 0);
	V(caught_code);
}

CASE(vfork_shares)
{
	volatile int value = 1;
	int status;
	pid_t pid = vfork();

	if (!pid) {
		value = 2;
		_exit(9);
	}
	V(value);
	waitpid(pid, &status, 0);
	show_status("vfork", status);
	pid = vfork();
	if (!pid) {
		execl(self_path(), "x", "--helper", "exit", "7", NULL);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	show_status("vfork and exec", status);
}

static int clone_ran;

static int in_clone(void *arg)
{
	clone_ran = 1;
	if (arg)
		close(*(int *)arg);
	return 6;
}

static void try_clone(const char *what, int flags)
{
	static char stack[65536] __attribute__((aligned(16)));
	int status = 0, fd = dup(0);
	pid_t pid;

	clone_ran = 0;
	pid = (pid_t)raw_clone(in_clone, stack + sizeof(stack), flags, &fd, NULL, NULL);
	if (pid < 0) {
		say("%s: %s", what, errno_name(errno));
		close(fd);
		return;
	}
	if (waitpid(pid, &status, __WALL) != pid)
		say("%s: wait: %s", what, errno_name(errno));
	say("%s: status %#x, memory %s, descriptors %s", what, status,
		clone_ran ? "shared" : "copied", fcntl(fd, F_GETFD) < 0 ? "shared" : "copied");
	close(fd);
}

CASE(clone_flags)
{
	try_clone("plain", SIGCHLD);
	try_clone("vm", CLONE_VM | SIGCHLD);
	try_clone("files", CLONE_FILES | SIGCHLD);
	try_clone("vm files fs", CLONE_VM | CLONE_FILES | CLONE_FS | SIGCHLD);
	try_clone("no signal", CLONE_VM);
	try_clone("other signal", SIGWINCH);
	try_clone("sighand without vm", CLONE_SIGHAND | SIGCHLD);
	try_clone("thread without sighand", CLONE_THREAD | CLONE_VM | SIGCHLD);
	try_clone("vfork", CLONE_VFORK | SIGCHLD);
	R(waitpid(-1, NULL, WNOHANG));
}

static struct gate shared_gate[2];

static int change_actions(void *arg)
{
	(void)arg;
	catch_signal(SIGUSR1, SA_RESETHAND);
	ignore_signal(SIGUSR2);
	gate_open(&shared_gate[0]);
	gate_wait(&shared_gate[1]);
	V(caught);
	kill(getpid(), SIGUSR1);
	V(caught);
	kill(getpid(), SIGUSR2);
	execl(self_path(), "x", "--helper", "exit", "6", NULL);
	return 7;
}

static void show_action(const char *what, int number)
{
	struct sigaction action;

	sigaction(number, NULL, &action);
	say("%s: %s", what,
		action.sa_handler == SIG_DFL   ? "default"
		: action.sa_handler == SIG_IGN ? "ignored"
					       : "handled");
}

CASE(signal_actions_shared_between_processes)
{
	static char stack[65536] __attribute__((aligned(16)));
	int status = 0;
	pid_t pid;

	gate_init(&shared_gate[0]);
	gate_init(&shared_gate[1]);
	pid = (pid_t)raw_clone(change_actions, stack + sizeof(stack),
		CLONE_SIGHAND | CLONE_VM | SIGCHLD, NULL, NULL, NULL);
	T(pid > 0);
	gate_wait(&shared_gate[0]);
	show_action("USR1", SIGUSR1);
	show_action("USR2", SIGUSR2);
	R(sc(unshare, CLONE_SIGHAND));
	R(sc(unshare, CLONE_VM));
	gate_open(&shared_gate[1]);
	R(waitpid(pid, &status, __WALL) == pid);
	V(status);
	show_action("USR1", SIGUSR1);
	show_action("USR2", SIGUSR2);
	catch_signal(SIGUSR1, 0);
	kill(getpid(), SIGUSR1);
	V(caught);
	R(sc(unshare, CLONE_SIGHAND));
	R(sc(unshare, CLONE_VM | CLONE_THREAD));
}

CASE(clone_wait_kinds)
{
	int status;
	pid_t pid = (pid_t)sc(clone, 0, 0, 0, 0, 0);

	if (!pid)
		_exit(3);
	R(waitpid(-1, &status, 0));
	R(waitpid(-1, &status, __WCLONE) == pid);
	show_status("clone", status);
	pid = (pid_t)sc(clone, SIGCHLD, 0, 0, 0, 0);
	if (!pid)
		_exit(4);
	R(waitpid(-1, &status, __WCLONE));
	R(waitpid(-1, &status, __WALL) == pid);
	pid = (pid_t)sc(clone, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, 0, &status,
		&clone_ran, 0);
	if (!pid)
		_exit(clone_ran == getpid() ? 1 : 2);
	T(status == pid);
	abi_reap("settid", pid);
}

CASE(clone3_calls)
{
	struct clone_args args = {.exit_signal = SIGCHLD};
	pid_t pid = (pid_t)sc(clone3, &args, sizeof(args));

	if (!pid)
		_exit(11);
	abi_reap("clone3", pid);
	R(sc(clone3, &args, 8));
	R(sc(clone3, &args, 0));
	R(sc(clone3, BAD_PTR, sizeof(args)));
	args.exit_signal = 1000;
	R(sc(clone3, &args, sizeof(args)));
	args.exit_signal = SIGCHLD;
	args.flags = 1;
	R(sc(clone3, &args, sizeof(args)));
	args.flags = 0;
	args.stack_size = 4096;
	R(sc(clone3, &args, sizeof(args)));
	args.flags = CLONE_THREAD;
	args.stack_size = 0;
	R(sc(clone3, &args, sizeof(args)));
}

CASE(orphans)
{
	struct gate done;
	pid_t pid;

	gate_init(&done);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	pid = abi_fork();
	if (!pid) {
		pid_t parent = getpid();

		if (!abi_fork()) {
			while (getppid() == parent)
				pause_ms(5);
			gate_open(&done);
			_exit(22);
		}
		_exit(0);
	}
	abi_reap("middle", pid);
	gate_wait(&done);
	int status = 0;
	R(wait(&status) > 0);
	show_status("adopted", status);
	R(wait(&status));
}

CASE(parent_death_signal)
{
	struct gate ready, got, go;
	pid_t pid;
	int value = 0;

	gate_init(&go);
	gate_init(&ready);
	gate_init(&got);
	pid = abi_fork();
	if (!pid) {
		if (!abi_fork()) {
			catch_signal(SIGUSR2, 0);
			prctl(PR_SET_PDEATHSIG, SIGUSR2, 0, 0, 0);
			prctl(PR_GET_PDEATHSIG, &value, 0, 0, 0);
			V(value);
			gate_open(&ready);
			for (int i = 0; i < 2000 && !caught; i++)
				pause_ms(5);
			gate_wait(&go);
			V(caught);
			gate_open(&got);
			_exit(0);
		}
		gate_wait(&ready);
		_exit(0);
	}
	abi_reap("parent", pid);
	gate_open(&go);
	gate_wait(&got);
	R(prctl(PR_SET_PDEATHSIG, 999, 0, 0, 0));
}

CASE(groups_and_sessions)
{
	pid_t pid;
	struct gate ready, go;

	T(getpgrp() == getpid());
	T(getsid(0) == getpid());
	R(setsid());
	R(setpgid(0, 0));
	R(getpgid(99999));
	R(getsid(99999));
	R(setpgid(99999, 0));
	R(setpgid(-1, 0));
	R(setpgid(0, -1));
	R(setpgid(0, 99999));
	gate_init(&ready);
	gate_init(&go);
	pid = abi_fork();
	if (!pid) {
		gate_open(&ready);
		gate_wait(&go);
		R(setpgid(getppid(), 0));
		R(setsid() == getpid());
		T(getpgrp() == getpid());
		R(setsid());
		R(setpgid(0, getppid()));
		gate_open(&ready);
		gate_wait(&go);
		execl(self_path(), "x", "--helper", "exit", "0", NULL);
		_exit(1);
	}
	gate_wait(&ready);
	R(setpgid(pid, pid));
	T(getpgid(pid) == pid);
	R(setpgid(pid, getpid()));
	T(getpgid(pid) == getpid());
	gate_open(&go);
	gate_wait(&ready);
	R(setpgid(pid, pid));
	T(getsid(pid) == pid);
	R(setpgid(pid, getpid()));
	gate_open(&go);
	abi_reap("child", pid);
	pid = abi_fork();
	if (!pid) {
		execl(self_path(), "x", "--helper", "wait", NULL);
		_exit(1);
	}
	wait_blocked(pid);
	R(setpgid(pid, pid));
	kill(pid, SIGKILL);
	abi_reap("child", pid);
}

CASE(kill_rules)
{
	pid_t pid, group;

	R(kill(99999, 0));
	R(kill(99999, SIGTERM));
	R(kill(-99999, SIGTERM));
	R(kill(getpid(), 0));
	R(kill(getpid(), 65));
	R(kill(getpid(), -1));
	R(kill(99999, 65));
	R(sc(kill, INT_MIN, 0));
	R(sc(tkill, 99999, SIGTERM));
	R(sc(tkill, 0, SIGTERM));
	R(sc(tkill, -1, SIGTERM));
	R(sc(tkill, getpid(), 0));
	R(sc(tgkill, getpid(), getpid(), 0));
	R(sc(tgkill, 1, getpid(), 0));
	R(sc(tgkill, -1, getpid(), 0));
	R(sc(tgkill, getpid(), 99999, 0));
	R(sc(tgkill, getpid(), getpid(), 99));
	pid = abi_fork();
	if (!pid) {
		drop_to(1000, 1000);
		R(kill(getppid(), SIGTERM));
		R(kill(getppid(), 0));
		R(kill(1, SIGTERM));
		R(kill(getpid(), 0));
		R(sc(tgkill, getppid(), getppid(), SIGTERM));
		R(kill(getppid(), SIGCONT));
		_exit(0);
	}
	abi_reap("dropped", pid);
	pid = abi_fork();
	if (!pid)
		_exit(0);
	wait_state(pid, "Z");
	R(kill(pid, 0));
	R(kill(pid, SIGKILL));
	abi_reap("zombie", pid);
	R(kill(pid, 0));
	group = abi_fork();
	if (!group) {
		setpgid(0, 0);
		for (;;)
			pause();
	}
	setpgid(group, group);
	R(kill(-group, SIGTERM));
	abi_reap("group", group);
	R(kill(-group, SIGTERM));
}

CASE(priorities)
{
	R(getpriority(PRIO_PROCESS, 0));
	R(sc(getpriority, PRIO_PROCESS, 0));
	R(setpriority(PRIO_PROCESS, 0, 5));
	R(getpriority(PRIO_PROCESS, 0));
	R(setpriority(PRIO_PROCESS, 0, 100));
	R(getpriority(PRIO_PROCESS, 0));
	R(sc(getpriority, PRIO_PROCESS, 0));
	R(setpriority(PRIO_PROCESS, 0, -100));
	R(sc(getpriority, PRIO_PROCESS, 0));
	R(setpriority(PRIO_PGRP, 0, 3));
	R(getpriority(PRIO_PGRP, 0));
	R(getpriority(PRIO_PROCESS, 99999));
	R(setpriority(PRIO_PROCESS, 99999, 1));
	R(getpriority(PRIO_PGRP, 99999));
	R(getpriority(PRIO_USER, 98765));
	R(getpriority(77, 0));
	R(setpriority(-1, 0, 1));
	R(setpriority(PRIO_PROCESS, 0, 0));
	IN_CHILD
	{
		V(getpriority(PRIO_PROCESS, 0));
		drop_to(1000, 1000);
		R(setpriority(PRIO_PROCESS, 0, 4));
		R(setpriority(PRIO_PROCESS, 0, 3));
		R(setpriority(PRIO_PROCESS, 1, 10));
		R(nice(2));
		R(nice(-1));
	}
	R(getpriority(PRIO_PROCESS, 0));
}

CASE(limits)
{
	struct rlimit limit, old;

	for (int i = 0; i < 16; i++) {
		if (i == RLIMIT_NPROC || i == RLIMIT_SIGPENDING || i == RLIMIT_MSGQUEUE)
			continue;
		R(getrlimit(i, &limit));
	}
	R(sc(getrlimit, 16, &limit));
	R(sc(getrlimit, -1, &limit));
	R(sc(getrlimit, RLIMIT_NOFILE, BAD_PTR));
	R(sc(setrlimit, RLIMIT_NOFILE, BAD_PTR));
	getrlimit(RLIMIT_NOFILE, &limit);
	say("nofile %lu %lu", (long)limit.rlim_cur, (long)limit.rlim_max);
	limit.rlim_cur = limit.rlim_max + 1;
	R(setrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = 100;
	limit.rlim_max = 200;
	R(setrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_max = 300;
	R(setrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = limit.rlim_max = RLIM_INFINITY;
	R(setrlimit(RLIMIT_NOFILE, &limit));
	R(dup2(0, 99));
	R(dup2(0, 100));
	R(sc(prlimit64, 0, RLIMIT_NOFILE, NULL, &old));
	V(old.rlim_cur);
	limit.rlim_cur = 50;
	limit.rlim_max = 150;
	R(sc(prlimit64, 0, RLIMIT_NOFILE, &limit, &old));
	V(old.rlim_max);
	R(sc(prlimit64, getpid(), RLIMIT_NOFILE, NULL, &old));
	R(sc(prlimit64, 99999, RLIMIT_NOFILE, NULL, &old));
	R(sc(prlimit64, 0, 99, NULL, &old));
	R(sc(prlimit64, 0, RLIMIT_NOFILE, BAD_PTR, NULL));
	R(sc(prlimit64, 0, RLIMIT_NOFILE, NULL, BAD_PTR));
	R(fcntl(99, F_GETFD));
	IN_CHILD
	{
		R(getrlimit(RLIMIT_NOFILE, &limit));
		V(limit.rlim_cur);
		drop_to(1000, 1000);
		R(sc(prlimit64, getppid(), RLIMIT_NOFILE, NULL, &old));
	}
	IN_CHILD
	{
		limit.rlim_cur = limit.rlim_max = 1;
		setrlimit(RLIMIT_NPROC, &limit);
		R(fork() >= 0 ? (_exit(0), 0) : 0);
	}
	IN_CHILD
	{
		limit.rlim_cur = limit.rlim_max = 0;
		setrlimit(RLIMIT_NPROC, &limit);
		drop_to(54321, 54321);
		R(fork());
	}
}

CASE(cpu_limit)
{
	struct rlimit limit = {1, 2};

	IN_CHILD
	{
		setrlimit(RLIMIT_CPU, &limit);
		for (;;)
			;
	}
	IN_CHILD
	{
		setrlimit(RLIMIT_CPU, &limit);
		ignore_signal(SIGXCPU);
		for (;;)
			;
	}
}

CASE(prctl_calls)
{
	char name[32] = {0};
	int value;

	R(prctl(PR_SET_NAME, "a-name-that-is-too-long"));
	R(prctl(PR_GET_NAME, name));
	show_bytes("name", name, 16);
	R(prctl(PR_SET_NAME, BAD_PTR));
	R(prctl(PR_GET_NAME, BAD_PTR));
	R(prctl(PR_GET_DUMPABLE));
	R(prctl(PR_SET_DUMPABLE, 0));
	R(prctl(PR_GET_DUMPABLE));
	R(prctl(PR_SET_DUMPABLE, 2));
	R(prctl(PR_SET_DUMPABLE, 1));
	R(prctl(PR_GET_KEEPCAPS));
	R(prctl(PR_SET_KEEPCAPS, 1));
	R(prctl(PR_GET_KEEPCAPS));
	R(prctl(PR_SET_KEEPCAPS, 2));
	R(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	R(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	R(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
	R(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	R(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	R(prctl(PR_GET_CHILD_SUBREAPER, &value));
	V(value);
	R(prctl(PR_SET_CHILD_SUBREAPER, 1));
	R(prctl(PR_GET_CHILD_SUBREAPER, &value));
	V(value);
	R(prctl(PR_GET_SECUREBITS));
	R(prctl(PR_CAPBSET_READ, 0));
	R(prctl(PR_CAPBSET_READ, 24));
	R(prctl(PR_CAPBSET_READ, 500));
	R(prctl(PR_CAPBSET_DROP, 500));
	R(prctl(PR_GET_TIMERSLACK));
	R(prctl(PR_SET_TIMERSLACK, 1000));
	R(prctl(PR_GET_TIMERSLACK));
	R(prctl(PR_SET_TIMERSLACK, 0));
	R(prctl(PR_GET_TIMERSLACK));
	R(prctl(12345));
	R(prctl(-1));
	R(prctl(PR_GET_PDEATHSIG, BAD_PTR));
	IN_CHILD
	{
		prctl(PR_GET_NAME, name);
		show_bytes("child's name", name, 16);
	}
}

CASE(scheduling)
{
	struct sched_param param = {0};
	struct timespec ts;
	cpu_set_t set;

	R(sched_get_priority_max(SCHED_FIFO));
	R(sched_get_priority_min(SCHED_FIFO));
	R(sched_get_priority_max(SCHED_OTHER));
	R(sched_get_priority_max(77));
	R(sc(sched_getscheduler, 0));
	R(sc(sched_getscheduler, 99999));
	R(sc(sched_getscheduler, -1));
	R(sc(sched_getparam, 0, &param));
	V(param.sched_priority);
	R(sc(sched_getparam, 0, NULL));
	R(sc(sched_setscheduler, 0, SCHED_BATCH, &param));
	R(sc(sched_getscheduler, 0));
	R(sc(sched_setscheduler, 0, 77, &param));
	param.sched_priority = 100;
	R(sc(sched_setscheduler, 0, SCHED_FIFO, &param));
	param.sched_priority = 1;
	R(sc(sched_setscheduler, 0, SCHED_OTHER, &param));
	R(sc(sched_setscheduler, 99999, SCHED_OTHER, &param));
	R(sc(sched_setparam, 0, &param));
	R(sc(sched_rr_get_interval, 99999, &ts));
	R(sc(sched_rr_get_interval, 0, &ts));
	R(sc(sched_getaffinity, 0, sizeof(set), &set) > 0);
	T(CPU_COUNT(&set) > 0);
	R(sc(sched_getaffinity, 0, 1, &set));
	R(sc(sched_getaffinity, 0, 9, &set));
	R(sc(sched_getaffinity, 99999, sizeof(set), &set));
	R(sc(sched_getaffinity, 0, sizeof(set), BAD_PTR));
	CPU_ZERO(&set);
	R(sc(sched_setaffinity, 0, sizeof(set), &set));
	CPU_SET(0, &set);
	R(sc(sched_setaffinity, 0, sizeof(set), &set));
	CPU_ZERO(&set);
	R(sc(sched_getaffinity, 0, sizeof(set), &set) > 0);
	V(CPU_COUNT(&set));
	R(sched_getcpu());
	R(sc0(sched_yield));
}

CASE(usage)
{
	struct rusage usage;
	struct tms tms;

	R(getrusage(RUSAGE_SELF, &usage));
	R(getrusage(RUSAGE_CHILDREN, &usage));
	V(usage.ru_maxrss);
	V(usage.ru_utime.tv_sec);
	IN_CHILD
	{
		for (long end = now_ms() + 100; now_ms() < end;)
			;
	}
	R(getrusage(RUSAGE_CHILDREN, &usage));
	T(usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec >
		20000);
	R(getrusage(RUSAGE_THREAD, &usage));
	R(getrusage(77, &usage));
	R(sc(getrusage, 0, BAD_PTR));
	T(times(&tms) > 0);
	T(tms.tms_cutime + tms.tms_cstime > 0);
	R(sc(times, BAD_PTR));
	T(sc(times, NULL) > 0);
}

CASE(unshare_and_personality)
{
	R(sc(personality, 0xffffffff));
	R(sc(personality, 0));
	R(unshare(0));
	R(unshare(CLONE_FILES));
	R(unshare(CLONE_FS));
	R(unshare(0x10));
	R(umask(0123));
	R(umask(07777));
	R(umask(0));
}

int abi_helper(int argc, char **argv)
{
	if (!strcmp(argv[0], "exit") && argc > 1)
		return atoi(argv[1]);
	if (!strcmp(argv[0], "wait"))
		for (;;)
			pause();
	return 94;
}
