/*
 * abuse - what a hostile or broken program may try against the kernel.
 *
 *   abuse memory            take memory until killed
 *   abuse forks             as a user: fork until the limit says EAGAIN, then bomb below the limit
 *   abuse deep              recursion without end: must end in SIGSEGV
 *   abuse signals           two processes flood each other; queued signals up to their limit
 *   abuse elf SEED COUNT    run this program with random damage to its headers
 *   abuse calls SEED COUNT  random system calls with random arguments, as a user, in children
 *   abuse edge              extensible structures that end beyond the last address
 *   abuse proc              processes are looked up in /proc by others while they end
 *
 * Exits with 0 when everything went as it must; the kernel's log is the test's to look at.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUST(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "abuse: line %d: %s (errno %d)\n", __LINE__, #cond,        \
				errno);                                                            \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

enum { USER = 4242, PROCESSES = 100, FLOOD = 5000, HEADERS = 1024, OPENS = 10000 };

static uint64_t seed;

static uint64_t dice(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

static void limit(int which, rlim_t value)
{
	struct rlimit l = {value, value};

	MUST(setrlimit(which, &l) == 0);
}

static void become_user(void)
{
	MUST(setgroups(0, 0) == 0 && setgid(USER) == 0 && setuid(USER) == 0);
}

static int memory(void)
{
	char *p;

	do {
		p = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p != MAP_FAILED)
			memset(p, 1, 1 << 20);
	} while (dice());
	return 1;
}

static void bomb(int depth)
{
	while (depth < 12) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		depth++;
	}
	usleep(200000);
	_exit(0);
}

static int forks(void)
{
	int n = 0;
	pid_t pid;

	become_user();
	limit(RLIMIT_NPROC, PROCESSES);
	while ((pid = fork()) > 0)
		n++;
	if (pid == 0) {
		pause();
		_exit(0);
	}
	MUST(errno == EAGAIN && n == PROCESSES - 1);
	MUST(kill(-1, SIGKILL) == 0);
	while (wait(0) > 0)
		;
	MUST(errno == ECHILD);
	for (int i = 0; i < 5; i++)
		if (fork() == 0)
			bomb(0);
	while (wait(0) > 0)
		;
	return 0;
}

static int deeper(volatile char *above)
{
	volatile char here[4000];

	here[0] = *above;
	return deeper(here) + here[0];
}

static int deep(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(deeper("x"));
	MUST(waitpid(pid, &status, 0) == pid);
	MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	return 0;
}

static volatile sig_atomic_t caught;

static void on_signal(int sig)
{
	(void)sig;
	caught++;
}

static void flood(pid_t whom)
{
	for (int i = 0; i < FLOOD; i++)
		kill(whom, i % 2 ? SIGUSR1 : SIGUSR2);
}

static void queue_until_full(void)
{
	union sigval value = {0};
	sigset_t set;
	int n = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	MUST(sigprocmask(SIG_BLOCK, &set, 0) == 0);
	limit(RLIMIT_SIGPENDING, 200);
	while (sigqueue(getpid(), SIGRTMIN, value) == 0)
		n++;
	MUST(errno == EAGAIN && n > 150 && n <= 200);
}

static int signals(void)
{
	struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_NODEFER};
	pid_t pid;

	MUST(sigaction(SIGUSR1, &act, 0) == 0 && sigaction(SIGUSR2, &act, 0) == 0);
	pid = fork();
	if (pid == 0) {
		flood(getppid());
		_exit(0);
	}
	flood(pid);
	while (waitpid(pid, 0, 0) < 0)
		MUST(errno == EINTR);
	MUST(caught > 0);
	queue_until_full();
	return 0;
}

static void quiet_child(void)
{
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_AS, 64 << 20);
	limit(RLIMIT_FSIZE, 1 << 20);
	limit(RLIMIT_NPROC, PROCESSES);
	alarm(2);
}

static int elf(const char *self, int count)
{
	static char image[4 << 20];
	int fd = open(self, O_RDONLY);
	ssize_t size = read(fd, image, sizeof(image));
	char head[HEADERS];

	MUST(size > HEADERS);
	close(fd);
	memcpy(head, image, HEADERS);
	for (int i = 0; i < count; i++) {
		pid_t pid;

		memcpy(image, head, HEADERS);
		for (uint64_t n = 1 + dice() % 4; n > 0; n--) {
			uint64_t at = dice() % (dice() % 2 ? 400 : 64);

			image[at] = (char)(dice() % 3 ? dice() : dice() % 2 ? 0xff : 0x80);
		}
		fd = open("/tmp/abuse.elf", O_WRONLY | O_CREAT | O_TRUNC, 0755);
		MUST(fd >= 0);
		MUST(write(fd, image, (size_t)(dice() % 8 ? size : (ssize_t)(dice() % 500))) >= 0);
		close(fd);
		pid = fork();
		if (pid == 0) {
			quiet_child();
			execl("/tmp/abuse.elf", "abuse", "exit", (char *)0);
			_exit(1);
		}
		MUST(pid > 0);
		MUST(waitpid(pid, 0, 0) == pid);
	}
	unlink("/tmp/abuse.elf");
	return 0;
}

static long argument(char *page)
{
	switch (dice() % 8) {
	case 0:
		return (long)(dice() % 16);
	case 1:
		return (long)page;
	case 2:
		return (long)page + 4096 - (long)(dice() % 16);
	case 3:
		return (long)0xffff800000000000u + (long)(dice() % 65536);
	case 4:
		return -(long)(dice() % 4096);
	case 5:
		return 1L << (dice() % 64);
	case 6:
		return (long)0x7fffffffe000 + (long)(dice() % 8192);
	default:
		return (long)dice();
	}
}

static void random_calls(void)
{
	char *page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(page + 4096, 4096, PROT_NONE);
	for (int i = 0; i < 300; i++) {
		long nr = (long)(dice() % 460);

		for (int j = 0; j < 4096; j += 8)
			*(uint64_t *)(void *)(page + j) = dice() % 3 ? dice() % 8192 : dice();
		if (nr == SYS_kill || nr == SYS_tkill || nr == SYS_tgkill || nr == SYS_pause)
			continue;
		syscall(nr, argument(page), argument(page), argument(page), argument(page),
			argument(page), argument(page));
	}
	_exit(0);
}

/* Ends @pid, which may have blocked its alarm, and all that it left behind. */
static void clean_up(pid_t pid)
{
	pid_t killer;

	for (int i = 0; i < 300 && waitpid(pid, 0, WNOHANG) == 0; i++)
		usleep(10000);
	killer = fork();
	if (killer == 0) {
		become_user();
		kill(-1, SIGKILL);
		_exit(0);
	}
	for (int i = 0; i < 1000; i++) {
		if (waitpid(-1, 0, WNOHANG) < 0)
			return;
		usleep(10000);
	}
	fprintf(stderr, "abuse: a process cannot be killed\n");
	_exit(1);
}

static int calls(int count)
{
	for (int i = 0; i < count; i++) {
		uint64_t next = dice();
		pid_t pid = fork();

		if (pid == 0) {
			MUST(setsid() > 0 && chdir("/tmp") == 0);
			for (int fd = 0; fd < 8; fd++)
				close(fd);
			open("/dev/null", O_RDWR);
			open("/dev/zero", O_RDWR);
			if (pipe((int[2]){0, 0}))
				_exit(1);
			become_user();
			quiet_child();
			seed = next | 1;
			random_calls();
		}
		MUST(pid > 0);
		clean_up(pid);
	}
	return 0;
}

static int edge(void)
{
	uintptr_t back;

	for (back = 1; back <= 128; back++) {
		MUST(syscall(SYS_openat2, AT_FDCWD, "/", -back, 129) == -1 && errno == EFAULT);
		MUST(syscall(SYS_clone3, -back, 129) == -1 && errno == EFAULT);
	}
	return 0;
}

/* Opens its own files in /proc, as others do theirs, and those of a process that is ending. */
static void look_up(const volatile pid_t *ending)
{
	char path[64];
	int fd;

	for (unsigned i = 0; i < OPENS; i++) {
		fd = open("/proc/self/stat", O_RDONLY);
		MUST(fd >= 0 && close(fd) == 0);
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)*ending, i % 2 ? "maps" : "fd/0");
		fd = open(path, O_RDONLY);
		if (fd >= 0)
			(void)close(fd);
	}
	_exit(0);
}

static int proc(void)
{
	volatile pid_t *ending = mmap(
		NULL, sizeof(*ending), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t looking[4], pid;
	int status, left = 4;

	MUST(ending != MAP_FAILED);
	for (int i = 0; i < 4; i++)
		if ((looking[i] = fork()) == 0)
			look_up(ending);
	while (left) {
		pid = fork();
		if (pid == 0)
			_exit(0);
		*ending = pid;
		MUST(waitpid(pid, &status, 0) == pid);
		if (waitpid(looking[left - 1], &status, WNOHANG) == looking[left - 1]) {
			MUST(status == 0);
			left--;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int count = argc > 3 ? atoi(argv[3]) : 1;

	seed = argc > 2 ? strtoull(argv[2], 0, 10) * 2654435761u + 1 : 1;
	if (strcmp(what, "exit") == 0)
		return 0;
	if (strcmp(what, "memory") == 0)
		return memory();
	if (strcmp(what, "forks") == 0)
		return forks();
	if (strcmp(what, "deep") == 0)
		return deep();
	if (strcmp(what, "edge") == 0)
		return edge();
	if (strcmp(what, "proc") == 0)
		return proc();
	if (strcmp(what, "signals") == 0)
		return signals();
	if (strcmp(what, "elf") == 0)
		return elf("/proc/self/exe", count);
	if (strcmp(what, "calls") == 0)
		return calls(count);
	return 100;
}
