/*
 * proc_errors_test.c - what the calls on processes refuse: making, running, waiting, grouping.
 * Signals are sig_errors_test.c's, ids and capabilities id_errors_test.c's.
 */
#include "abi.h"

#include <linux/capability.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* As many processes as the user has already. */
static void no_more_processes(void)
{
	static const struct rlimit none = {0, 0};

	setrlimit(RLIMIT_NPROC, &none);
}

static long positive(const char *what, long result)
{
	if (result < 0)
		say("%s = -1 %s", what, errno_name(errno));
	else if (result > 0)
		say("%s: ok", what);
	return result;
}

/* A call that makes a process: the child leaves at once and the parent reaps it. */
#define MAKES(...)                                                                                 \
	do {                                                                                       \
		long pid_ = positive(#__VA_ARGS__, (errno = 0, (long)(__VA_ARGS__)));              \
		if (pid_ == 0)                                                                     \
			_exit(0);                                                                  \
		if (pid_ > 0)                                                                      \
			sc(wait4, pid_, NULL, __WALL, NULL);                                       \
	} while (0)

CASE(clone_flags)
{
	static const unsigned long flags[] = {CLONE_SIGHAND, CLONE_THREAD,
		CLONE_THREAD | CLONE_SIGHAND, CLONE_THREAD | CLONE_VM, CLONE_FS | CLONE_NEWNS,
		CLONE_FS | CLONE_NEWUSER, CLONE_PIDFD | CLONE_PARENT_SETTID};

	for (unsigned i = 0; i < COUNT(flags); i++)
		R(sc(clone, flags[i] | SIGCHLD, 0, 0, 0, 0));
	R(sc(clone, CLONE_PARENT_SETTID | CLONE_PIDFD | SIGCHLD, 0, BAD_PTR, 0, 0));
	MAKES(sc(clone, SIGCHLD, 0, 0, 0, 0));
	MAKES(sc(clone, 0, 0, 0, 0, 0));
	MAKES(sc(clone, CLONE_PARENT_SETTID | SIGCHLD, 0, BAD_PTR, 0, 0));
	MAKES(sc(clone, CLONE_CHILD_SETTID | SIGCHLD, 0, 0, BAD_PTR, 0));
	MAKES(sc(clone, CLONE_DETACHED | SIGCHLD, 0, 0, 0, 0));
	MAKES(sc(clone, 65, 0, 0, 0, 0));
	MAKES(sc(clone, 255, 0, 0, 0, 0));
	R(sc(clone, CLONE_SETTLS | SIGCHLD, 0, 0, 0, KERNEL_PTR));
	IN_CHILD
	{
		drop_to(1000, 1000);
		R(sc(clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0));
		R(sc(clone, CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0));
		R(sc(clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0));
		R(sc(unshare, CLONE_NEWNS));
		no_more_processes();
		R(sc(clone, SIGCHLD, 0, 0, 0, 0));
		R(sc0(fork));
		R(sc(clone, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND, 0, 0, 0, 0));
		R(sc(clone, CLONE_SIGHAND, 0, 0, 0, 0));
	}
}

CASE(clone3_arguments)
{
	struct clone_args a = {.exit_signal = SIGCHLD};
	char page[8200] = {0};

	R(sc(clone3, &a, 0));
	R(sc(clone3, &a, 63));
	R(sc(clone3, NULL, 63));
	R(sc(clone3, BAD_PTR, sizeof(a)));
	R(sc(clone3, &a, 4097));
	memcpy(page, &a, sizeof(a));
	page[4090] = 1;
	R(sc(clone3, page, 4096));
	page[4090] = 0;
	MAKES(sc(clone3, page, 4096));
	MAKES(sc(clone3, &a, 64));
	a.exit_signal = 65;
	R(sc(clone3, &a, sizeof(a)));
	a.exit_signal = 256;
	R(sc(clone3, &a, sizeof(a)));
	a.exit_signal = 1ul << 32 | SIGCHLD;
	R(sc(clone3, &a, sizeof(a)));
	a = (struct clone_args){.flags = SIGCHLD};
	R(sc(clone3, &a, sizeof(a)));
	a.flags = 1ul << 62;
	R(sc(clone3, &a, sizeof(a)));
	a.flags = CLONE_DETACHED;
	R(sc(clone3, &a, sizeof(a)));
	a.flags = CLONE_SIGHAND;
	R(sc(clone3, &a, sizeof(a)));
	a = (struct clone_args){.flags = CLONE_PARENT, .exit_signal = SIGCHLD};
	R(sc(clone3, &a, sizeof(a)));
	a = (struct clone_args){.stack = (uintptr_t)page, .exit_signal = SIGCHLD};
	R(sc(clone3, &a, sizeof(a)));
	a = (struct clone_args){.stack_size = 4096, .exit_signal = SIGCHLD};
	R(sc(clone3, &a, sizeof(a)));
	a = (struct clone_args){
		.stack = (uintptr_t)KERNEL_PTR, .stack_size = 4096, .exit_signal = SIGCHLD};
	R(sc(clone3, &a, sizeof(a)));
	a = (struct clone_args){.exit_signal = SIGCHLD};
	IN_CHILD
	{
		drop_to(1000, 1000);
		a.flags = CLONE_NEWNS;
		R(sc(clone3, &a, sizeof(a)));
		a.flags = 0;
		no_more_processes();
		R(sc(clone3, &a, sizeof(a)));
	}
}

/* The numbers that the caller wants for the child. */
CASE(clone3_set_tid)
{
	pid_t own[2] = {getpid(), 1}, none = 0, negative = -1, high = 1 << 30;
	struct clone_args a = {.set_tid = (uintptr_t)own, .exit_signal = SIGCHLD};

	R(sc(clone3, &a, sizeof(a)));
	a.set_tid_size = 1;
	R(sc(clone3, &a, sizeof(a)));
	a.set_tid_size = 33;
	R(sc(clone3, &a, sizeof(a)));
	a.set_tid_size = 1;
	a.set_tid = 0;
	R(sc(clone3, &a, sizeof(a)));
	a.set_tid = (uintptr_t)BAD_PTR;
	R(sc(clone3, &a, sizeof(a)));
	a.set_tid = (uintptr_t)&none;
	R(sc(clone3, &a, sizeof(a)));
	a.set_tid = (uintptr_t)&negative;
	R(sc(clone3, &a, sizeof(a)));
	a.set_tid = (uintptr_t)&high;
	R(sc(clone3, &a, sizeof(a)));
	a.set_tid = (uintptr_t)own;
	IN_CHILD
	{
		drop_to(1000, 1000);
		R(sc(clone3, &a, sizeof(a)));
	}
}

/* A number that was free a moment ago; another process may be faster, so the case tries again. */
CASE(clone3_with_a_chosen_tid)
{
	struct clone_args a = {.set_tid_size = 1, .exit_signal = SIGCHLD};

	for (int attempt = 0; attempt < 100; attempt++) {
		pid_t want = fork(), got;

		if (!want)
			_exit(0);
		waitpid(want, NULL, 0);
		a.set_tid = (uintptr_t)&want;
		got = (pid_t)sc(clone3, &a, sizeof(a));
		if (got == 0)
			_exit(sc0(getpid) == want ? 3 : 4);
		if (got < 0 && errno == EEXIST)
			continue;
		T(got == want);
		abi_reap("the child", got);
		return;
	}
}

/* CLONE_CLEAR_SIGHAND: what was caught is back at the default, what was ignored stays so. */
CASE(clone3_clears_handlers)
{
	struct clone_args a = {.flags = CLONE_CLEAR_SIGHAND | CLONE_SIGHAND | CLONE_VM};
	struct sigaction action;
	long pid;

	R(sc(clone3, &a, sizeof(a)));
	catch_signal(SIGUSR1, 0);
	ignore_signal(SIGUSR2);
	a = (struct clone_args){.flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD};
	pid = sc(clone3, &a, sizeof(a));
	if (pid == 0) {
		sigaction(SIGUSR1, NULL, &action);
		T(action.sa_handler == SIG_DFL);
		sigaction(SIGUSR2, NULL, &action);
		T(action.sa_handler == SIG_IGN);
		_exit(0);
	}
	abi_reap("the child", (pid_t)pid);
	sigaction(SIGUSR1, NULL, &action);
	T(action.sa_handler == SIG_DFL);
}

static void put_program(const char *path, const void *text, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	write(fd, text, size);
	close(fd);
}

CASE(what_cannot_run)
{
	static const char broken_elf[64] = "\177ELF\2\1\1";
	char *argv[] = {"x", NULL};
	int fd;

	put_program("garbage", "garbage\n", 8);
	put_program("empty", "", 0);
	put_program("elf", broken_elf, sizeof(broken_elf));
	put_program("script", "#!missing\n", 10);
	put_program("itself", "#!./itself\n", 11);
	put_program("nameless", "#!\n", 3);
	put_program("blanks", "#!   \n", 6);
	put_program("folder", "#!.\n", 4);
	put_program("data", "#!./notexec\n", 12);
	put_program("notexec", "x", 1);
	chmod("notexec", 0644);
	mkfifo("fifo", 0755);
	R(sc(execve, "garbage", argv, NULL));
	R(sc(execve, "empty", argv, NULL));
	R(sc(execve, "elf", argv, NULL));
	R(sc(execve, "script", argv, NULL));
	R(sc(execve, "itself", argv, NULL));
	R(sc(execve, "nameless", argv, NULL));
	R(sc(execve, "blanks", argv, NULL));
	R(sc(execve, "folder", argv, NULL));
	R(sc(execve, "data", argv, NULL));
	R(sc(execve, "notexec", argv, NULL));
	R(sc(execve, "fifo", argv, NULL));
	R(sc(execve, "/dev/null", argv, NULL));
	R(sc(execve, ".", argv, NULL));
	R(sc(execve, "garbage/", argv, NULL));
	fd = open("garbage", O_WRONLY);
	R(sc(execve, "garbage", argv, NULL));
	R(sc(execveat, AT_FDCWD, "garbage", argv, NULL, 0));
	close(fd);
	R(sc(execve, "garbage", argv, NULL));
	R(sc(execveat, open("garbage", O_PATH), "", argv, NULL, AT_EMPTY_PATH));
	R(sc(execveat, open("garbage", O_PATH), "", argv, NULL, 0));
	R(sc(execveat, AT_FDCWD, "garbage", argv, NULL, 1));
	R(sc(execveat, 99, "garbage", argv, NULL, 0));
	R(sc(execveat, open(".", O_RDONLY), "", argv, NULL, AT_EMPTY_PATH));
}

CASE(waiting)
{
	struct gate forever;
	int status;
	pid_t pid;

	R(sc(wait4, -1, NULL, 0, NULL));
	R(sc(wait4, -1, NULL, 4, NULL));
	R(sc(wait4, INT_MIN, NULL, 0, NULL));
	R(sc(waitid, P_ALL, 0, NULL, 0, NULL));
	R(sc(waitid, P_ALL, 0, NULL, WEXITED | 64, NULL));
	R(sc(waitid, 9, 0, NULL, WEXITED, NULL));
	R(sc(waitid, P_PID, INT_MIN, NULL, WEXITED, NULL));
	R(sc(waitid, P_PID, getpid(), NULL, WEXITED, NULL));
	gate_init(&forever);
	pid = abi_fork();
	if (!pid) {
		gate_wait(&forever);
		_exit(7);
	}
	catch_signal(SIGUSR1, 0);
	if (!fork()) {
		wait_blocked(getppid());
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	R(sc(wait4, pid, &status, 0, NULL));
	while (waitpid(-1, &status, WNOHANG) == 0)
		;
	if (!fork()) {
		wait_blocked(getppid());
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	R(sc(waitid, P_PID, pid, NULL, WEXITED, NULL));
	gate_open(&forever);
	wait_state(pid, "Z");
	R(sc(waitid, P_PID, pid, BAD_PTR, WEXITED, NULL));
	R(sc(wait4, pid, BAD_PTR, 0, NULL));
}

/* A child that has executed something no longer changes groups by its parent's hand. */
CASE(groups)
{
	struct gate started;
	char byte;
	pid_t pid;

	R(setpgid(0, -1));
	R(setpgid(-1, 0));
	R(setpgid(99999999, 0));
	R(setpgid(1, 0));
	R(setpgid(0, 99999999));
	R(getpgid(99999999));
	R(getpgid(-1));
	R(getsid(99999999));
	R(getsid(-1));
	R(setpgid(0, 0));
	R(sc0(setsid));
	gate_init(&started);
	pid = abi_fork();
	if (!pid) {
		dup2(started.fd[1], 1);
		execl(self_path(), "x", "--helper", "wait", NULL);
		_exit(1);
	}
	read(started.fd[0], &byte, 1);
	R(setpgid(pid, 0));
	R(setpgid(pid, pid));
	R(setpgid(pid, -1));
	kill(pid, SIGKILL);
	wait_state(pid, "Z");
	R(setpgid(pid, 0));
	abi_reap("the child", pid);
	R(setpgid(pid, 0));
	IN_CHILD
	{
		R(setpgid(0, 99999999));
		RZ(sc0(setsid));
		R(setpgid(0, 0));
		R(setpgid(0, getppid()));
	}
}

#define CROWDED 48211 /* a user whom nobody else is */

static void allow_threads(rlim_t soft)
{
	struct rlimit limit = {soft, 8};

	R(setrlimit(RLIMIT_NPROC, &limit));
}

static pid_t waiting_child_of(uid_t uid)
{
	pid_t pid = abi_fork();

	if (!pid) {
		drop_to(uid, uid);
		pause();
	}
	wait_blocked(pid);
	return pid;
}

/* What is executed is not there: ENOENT says that the limit was no obstacle. */
#define EXECUTES R(execl("missing", "missing", NULL))

static void judged_at_each_exec(const pid_t *other)
{
	IN_CHILD
	{
		allow_threads(1);
		R(sc(setuid, CROWDED));
		EXECUTES;
		EXECUTES;
		allow_threads(3);
		EXECUTES;
		allow_threads(1);
		EXECUTES;
		R(sc(setuid, CROWDED));
		EXECUTES;
	}
	IN_CHILD
	{
		allow_threads(2); /* as many as there are, without the caller */
		R(sc(setuid, CROWDED));
		EXECUTES;
		R(sc(setuid, CROWDED));
		EXECUTES;
	}
	IN_CHILD
	{
		allow_threads(1);
		R(sc(setresuid, CROWDED, CROWDED, CROWDED));
		EXECUTES;
		kill(other[0], SIGKILL);
		kill(other[1], SIGKILL);
		wait_state(other[0], "Z");
		wait_state(other[1], "Z");
		EXECUTES;
	}
}

CASE(programs_of_a_user_with_too_many_threads)
{
	pid_t other[2] = {waiting_child_of(CROWDED), waiting_child_of(CROWDED)};

	IN_CHILD
	{
		allow_threads(0);
		EXECUTES;
		R(sc(setreuid, -1, CROWDED));
		EXECUTES;
		R(sc(setreuid, -1, 0));
		R(sc(setreuid, CROWDED, -1));
		EXECUTES;
		R(sc(setreuid, 0, -1));
		EXECUTES;
	}
	IN_CHILD
	{
		allow_threads(1);
		R(sc(setresuid, CROWDED, 0, 0));
		IN_CHILD EXECUTES; /* the child has inherited it, and its birth */
		EXECUTES;          /* was within the limit, or allowed */
	}
	judged_at_each_exec(other);
	abi_reap("the first", other[0]);
	abi_reap("the second", other[1]);
}

static struct gate stay;

static void *stays(void *unused)
{
	gate_wait(&stay);
	return unused;
}

static void start_thread(void)
{
	pthread_t t;
	int err = pthread_create(&t, NULL, stays, NULL);

	say("another thread: %s", err ? errno_name(err) : "ok");
}

/* Again until it works: a thread counts for a moment after it is joined. */
static void fork_soon(void)
{
	pid_t pid = -1;

	for (int i = 0; i < 1000 && pid < 0; i++, pause_ms(1))
		pid = fork();
	if (!pid)
		_exit(9);
	abi_reap("made at last", pid);
}

CASE(threads_and_zombies_count)
{
	siginfo_t info;
	pid_t pid;

	gate_init(&stay);
	IN_CHILD
	{
		drop_to(CROWDED, CROWDED);
		allow_threads(3);
		start_thread();
		start_thread();
		start_thread();
		R(sc0(fork));
		gate_open(&stay);
		gate_open(&stay);
		fork_soon();
	}
	IN_CHILD
	{
		drop_to(CROWDED, CROWDED);
		allow_threads(2);
		pid = fork();
		if (!pid)
			_exit(0);
		waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
		R(sc0(fork));
		waitpid(pid, NULL, 0);
		fork_soon();
	}
}

/* The call changes the thread's ids only; the C library would change all. */
static void *becomes_another(void *arg)
{
	R(sc(setresuid, CROWDED, CROWDED, CROWDED));
	gate_open(arg);
	gate_wait(&stay);
	return NULL;
}

CASE(each_thread_counts_for_its_own_user)
{
	struct gate ready;
	pthread_t t;

	gate_init(&stay);
	gate_init(&ready);
	pthread_create(&t, NULL, becomes_another, &ready);
	gate_wait(&ready);
	IN_CHILD
	{
		drop_to(CROWDED, CROWDED);
		allow_threads(2);
		R(sc0(fork));
		allow_threads(3);
		fork_soon();
	}
	gate_open(&stay);
	pthread_join(t, NULL);
	IN_CHILD
	{
		drop_to(CROWDED, CROWDED);
		allow_threads(2);
		fork_soon();
	}
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0};

	R(sc(capset, &head, none));
}

CASE(who_has_no_limit)
{
	IN_CHILD
	{
		no_more_processes();
		drop_capabilities();
		fork_soon(); /* real user 0, without a capability */
	}
	IN_CHILD
	{
		R(sc(setresuid, CROWDED, 0, 0));
		no_more_processes();
		fork_soon(); /* another real user, with all of them */
		drop_capabilities();
		R(sc0(fork));
	}
}

int abi_helper(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	write(1, "x", 1);
	return pause();
}
