/*
 * storm - many processes that use everything at once, for a given time.
 *
 *   storm SECONDS WORKERS FOLDER...
 *
 * Each worker repeats, at random: fork and exit, fork and exec, data through a pipe checked byte by
 * byte, a file written, read back, renamed and removed in one of the folders, anonymous memory
 * mapped, touched, forked over (copy on write) and unmapped, a shared mapping counted up by two
 * processes. Whatever is not as it must be ends the worker with a message; the exit code is the
 * number of workers that failed. Prints `rounds N`, so that a storm that did nothing shows.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MUST(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "storm: line %d: %s (errno %d)\n", __LINE__, #cond,        \
				errno);                                                            \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static const char *self;
static char **folders;
static int folder_count;
static unsigned int seed;

static unsigned int dice(unsigned int sides)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % sides;
}

static void reap(pid_t pid, int wanted)
{
	int status;

	MUST(pid > 0);
	MUST(waitpid(pid, &status, 0) == pid);
	MUST(WIFEXITED(status) && WEXITSTATUS(status) == wanted);
}

static void do_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(7);
	reap(pid, 7);
}

static void do_exec(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execl(self, "storm", "exit", (char *)0);
		_exit(99);
	}
	reap(pid, 3);
}

static void do_kill(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	MUST(pid > 0);
	MUST(kill(pid, SIGTERM) == 0);
	MUST(waitpid(pid, &status, 0) == pid);
	MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void feed(int fd, size_t total, unsigned char first)
{
	unsigned char buf[3000];
	size_t sent = 0;

	while (sent < total) {
		size_t want = total - sent < sizeof(buf) ? total - sent : sizeof(buf);
		ssize_t done;

		for (size_t i = 0; i < want; i++)
			buf[i] = (unsigned char)(first + sent + i);
		done = write(fd, buf, want);
		MUST(done > 0);
		sent += (size_t)done;
	}
}

static void do_pipe(void)
{
	size_t total = 1 + dice(200000), got = 0;
	unsigned char first = (unsigned char)dice(256), buf[4096];
	int ends[2];
	ssize_t n;
	pid_t pid;

	MUST(pipe(ends) == 0);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		feed(ends[1], total, first);
		_exit(0);
	}
	close(ends[1]);
	while ((n = read(ends[0], buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			MUST(buf[i] == (unsigned char)(first + got + (size_t)i));
		got += (size_t)n;
	}
	MUST(n == 0 && got == total);
	close(ends[0]);
	reap(pid, 0);
}

static void do_file(void)
{
	static unsigned char out[70000], in[70000];
	size_t size = 1 + dice(sizeof(out));
	char name[200], other[220];
	int fd;

	snprintf(name, sizeof(name), "%s/s%d", folders[dice((unsigned int)folder_count)], getpid());
	snprintf(other, sizeof(other), "%s.new", name);
	memset(out, (int)dice(256), size);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	MUST(fd >= 0);
	MUST(write(fd, out, size) == (ssize_t)size);
	MUST(rename(name, other) == 0);
	MUST(pread(fd, in, sizeof(in), 0) == (ssize_t)size);
	MUST(memcmp(in, out, size) == 0);
	if (dice(4) == 0)
		MUST(ftruncate(fd, (off_t)(size / 2)) == 0);
	if (dice(16) == 0)
		MUST(fsync(fd) == 0);
	MUST(unlink(other) == 0);
	MUST(close(fd) == 0);
}

static void do_memory(void)
{
	size_t size = (1 + dice(256)) * 4096;
	unsigned char *mem = mmap(
		0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	MUST(mem != MAP_FAILED);
	for (size_t i = 0; i < size; i += 4096) {
		MUST(mem[i] == 0);
		mem[i] = (unsigned char)(i >> 12);
	}
	pid = fork();
	if (pid == 0) {
		for (size_t i = 0; i < size; i += 4096) {
			MUST(mem[i] == (unsigned char)(i >> 12));
			mem[i] = 0xee;
		}
		_exit(0);
	}
	reap(pid, 0);
	MUST(mprotect(mem, size, PROT_READ) == 0);
	for (size_t i = 0; i < size; i += 4096)
		MUST(mem[i] == (unsigned char)(i >> 12));
	MUST(munmap(mem, size) == 0);
}

static void do_shared(void)
{
	unsigned int *count = mmap(
		0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	MUST(count != MAP_FAILED);
	pid = fork();
	for (int i = 0; i < 1000; i++)
		__atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
	if (pid == 0)
		_exit(0);
	reap(pid, 0);
	MUST(*count == 2000);
	MUST(munmap(count, 4096) == 0);
}

static void worker(int number, time_t end, unsigned long *rounds)
{
	static void (*const deeds[])(void) = {
		do_fork, do_exec, do_kill, do_pipe, do_file, do_memory, do_shared};

	seed = (unsigned int)number * 7919u + 1u;
	while (time(0) < end) {
		deeds[dice(sizeof(deeds) / sizeof(deeds[0]))]();
		__atomic_add_fetch(rounds, 1, __ATOMIC_RELAXED);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	int workers, status, failed = 0;
	unsigned long *rounds;
	time_t end;

	if (argc == 2 && strcmp(argv[1], "exit") == 0)
		return 3;
	if (argc < 4)
		return 100;
	self = argv[0];
	folders = argv + 3;
	folder_count = argc - 3;
	workers = atoi(argv[2]);
	end = time(0) + atoi(argv[1]);
	rounds = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < workers; i++) {
		pid_t pid = fork();

		if (pid == 0)
			worker(i, end, rounds);
		if (pid < 0)
			failed++;
	}
	while (wait(&status) > 0)
		failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	printf("rounds %lu\n", *rounds);
	return failed;
}
