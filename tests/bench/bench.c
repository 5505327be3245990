/*
 * bench - what the kernel's services cost, one row each.
 *
 *   bench list             the rows, and how many operations each is measured over
 *   bench ROW [SCALE]      runs one row; SCALE multiplies its operations
 *   bench echo PORT        answers what comes from another machine
 *
 * Prints `row ops value`: value is nanoseconds per operation by CLOCK_MONOTONIC, which under QEMU's
 * -icount shift=0 are instructions. A line `begin ROW` before and `end ROW` after the measured part
 * let the host read its own clock. Every row does the same work whatever the kernel. net.c has the
 * rows of sockets.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "rows.h"

static char self[256];
char block[BLOCK];
static int to_child[2], to_parent[2];
pid_t peer;
static volatile long *turns;

static void reap(pid_t pid)
{
	int status;

	MUST(pid > 0);
	MUST(waitpid(pid, &status, 0) == pid && status == 0);
}

static void user_loop(long ops)
{
	volatile unsigned long x = 1;

	while (ops--)
		for (int i = 0; i < 1000; i++)
			x = x * 6364136223846793005ul + 1;
}

static void null_call(long ops)
{
	while (ops--)
		syscall(SYS_getppid);
}

static void stat_file(long ops)
{
	struct stat st;

	while (ops--)
		MUST(stat("/etc/passwd", &st) == 0);
}

static void open_close(long ops)
{
	while (ops--) {
		int fd = open("/etc/passwd", O_RDONLY);

		MUST(fd >= 0);
		close(fd);
	}
}

static void on_signal(int number)
{
	(void)number;
}

static void signal_catch(long ops)
{
	struct sigaction act = {.sa_handler = on_signal};

	MUST(sigaction(SIGUSR1, &act, 0) == 0);
	while (ops--)
		kill(getpid(), SIGUSR1);
}

/* A child that sends back each byte it gets. */
static void echo_start(void)
{
	char c;

	MUST(pipe(to_child) == 0 && pipe(to_parent) == 0);
	peer = fork();
	if (peer == 0) {
		close(to_child[1]);
		while (read(to_child[0], &c, 1) == 1)
			MUST(write(to_parent[1], &c, 1) == 1);
		_exit(0);
	}
	MUST(peer > 0);
}

static void pipe_round_trip(long ops)
{
	char c = 'x';

	while (ops--)
		MUST(write(to_child[1], &c, 1) == 1 && read(to_parent[0], &c, 1) == 1);
}

/* A child that yields as long as we do and counts its turns. */
static void yield_start(void)
{
	turns = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(turns != MAP_FAILED);
	peer = fork();
	if (peer == 0)
		for (;;) {
			++*turns;
			sched_yield();
		}
	MUST(peer > 0);
}

/* An operation is two switches, to the child and back: a scheduler may answer a yield with none. */
static void context_switch(long ops)
{
	while (ops--) {
		long seen = *turns;

		while (*turns == seen)
			sched_yield();
	}
	kill(peer, SIGKILL);
}

static void drain_start(void)
{
	MUST(pipe(to_child) == 0);
	peer = fork();
	if (peer == 0) {
		close(to_child[1]);
		while (read(to_child[0], block, BLOCK) > 0)
			;
		_exit(0);
	}
	MUST(peer > 0);
}

static void pipe_bandwidth(long ops)
{
	while (ops--)
		MUST(write(to_child[1], block, BLOCK) == BLOCK);
}

static void anon_fault(long ops)
{
	while (ops > 0) {
		long pages = ops < 4096 ? ops : 4096;
		char *mem = mmap(0, pages * 4096, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		MUST(mem != MAP_FAILED);
		madvise(mem, pages * 4096, MADV_NOHUGEPAGE);
		for (long i = 0; i < pages; i++)
			mem[i * 4096] = 1;
		MUST(munmap(mem, pages * 4096) == 0);
		ops -= pages;
	}
}

static void mmap_munmap(long ops)
{
	while (ops--) {
		void *mem = mmap(
			0, 16 * KIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		MUST(mem != MAP_FAILED && munmap(mem, 16 * KIB) == 0);
	}
}

static void fork_exit(long ops)
{
	while (ops--) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		reap(pid);
	}
}

static void spawn(char *const argv[])
{
	pid_t pid = fork();

	if (pid == 0) {
		execv(argv[0], argv);
		_exit(127);
	}
	reap(pid);
}

static void fork_exec(long ops)
{
	char *argv[] = {self, "nothing", 0};

	while (ops--)
		spawn(argv);
}

static void sh_c(long ops)
{
	char *argv[] = {"/bin/sh", "-c", "exit 0", 0};

	while (ops--)
		spawn(argv);
}

static void *thread(void *arg)
{
	return arg;
}

static void thread_create(long ops)
{
	while (ops--) {
		pthread_t t;

		MUST(pthread_create(&t, 0, thread, 0) == 0 && pthread_join(t, 0) == 0);
	}
}

/* Creates and removes empty files in the current folder, `ops` in all, 100 at a time. */
static void file_create(long ops)
{
	char name[32];

	for (long done = 0; done < ops; done += 100) {
		for (int i = 0; i < 100; i++) {
			snprintf(name, sizeof(name), "bench.%d", i);
			int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);
			MUST(fd >= 0);
			close(fd);
		}
		for (int i = 0; i < 100; i++) {
			snprintf(name, sizeof(name), "bench.%d", i);
			MUST(unlink(name) == 0);
		}
	}
}

static int data_file(void)
{
	int fd = open("bench.data", O_CREAT | O_RDWR, 0600);

	MUST(fd >= 0);
	return fd;
}

/* 4 MiB that stay in the page cache. */
static void file_fill(void)
{
	int fd = data_file();

	for (int i = 0; i < 4 * MIB / BLOCK; i++)
		MUST(write(fd, block, BLOCK) == BLOCK);
	close(fd);
}

static void file_read(long ops)
{
	int fd = data_file();

	while (ops--)
		MUST(pread(fd, block, BLOCK, ops % 64 * BLOCK) == BLOCK);
	close(fd);
	unlink("bench.data");
}

static void file_read_4k(long ops)
{
	int fd = data_file();

	while (ops--)
		MUST(pread(fd, block, 4096, ops % 1024 * 4096) == 4096);
	close(fd);
	unlink("bench.data");
}

static void file_write(long ops)
{
	int fd = data_file();

	while (ops--)
		MUST(pwrite(fd, block, BLOCK, ops % 64 * BLOCK) == BLOCK);
	close(fd);
	unlink("bench.data");
}

static void file_fault(long ops)
{
	int fd = data_file();

	while (ops > 0) {
		volatile char *mem = mmap(0, 4 * MIB, PROT_READ, MAP_SHARED, fd, 0);

		MUST(mem != MAP_FAILED);
		for (int i = 0; i < 1024; i++)
			(void)mem[i * 4096];
		MUST(munmap((void *)mem, 4 * MIB) == 0);
		ops -= 1024;
	}
	close(fd);
	unlink("bench.data");
}

static void sha256(long ops)
{
	char *argv[] = {"/bin/sh", "-c", "sha256sum bench.data >/dev/null", 0};

	while (ops--)
		spawn(argv);
	unlink("bench.data");
}

static const struct row kernel_rows[] = {
	{"control-loop", user_loop, 0, 20000},
	{"control-sha256", sha256, file_fill, 4},
	{"null-call", null_call, 0, 100000},
	{"stat", stat_file, 0, 20000},
	{"open-close", open_close, 0, 20000},
	{"signal-catch", signal_catch, 0, 10000},
	{"pipe-round-trip", pipe_round_trip, echo_start, 10000},
	{"pipe-64k", pipe_bandwidth, drain_start, 1000},
	{"context-switch", context_switch, yield_start, 20000},
	{"anon-fault", anon_fault, 0, 16384},
	{"file-fault", file_fault, file_fill, 16384},
	{"mmap-munmap", mmap_munmap, 0, 10000},
	{"thread", thread_create, 0, 1000},
	{"fork-exit", fork_exit, 0, 500},
	{"fork-exec", fork_exec, 0, 300},
	{"sh-c", sh_c, 0, 100},
	{"file-create", file_create, 0, 2000},
	{"file-read-64k", file_read, file_fill, 1000},
	{"file-read-4k", file_read_4k, file_fill, 10000},
	{"file-write-64k", file_write, file_fill, 1000},
	{0},
};

static const struct row *const tables[] = {kernel_rows, net_rows};

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Once short, so that what is set up at first use is not counted, then whole. */
static void measure(const struct row *row, long ops)
{
	double start, end;

	if (row->before)
		row->before();
	else
		row->run(ops / 20 + 1);
	printf("begin %s\n", row->name);
	fflush(stdout);
	start = now_ns();
	row->run(ops);
	end = now_ns();
	printf("end %s\n%s %ld %.1f\n", row->name, row->name, ops, (end - start) / (double)ops);
	fflush(stdout);
	if (peer)
		kill(peer, SIGKILL);
}

int main(int argc, char **argv)
{
	long scale = argc > 2 ? atol(argv[2]) : 1;

	if (argc < 2 || strcmp(argv[1], "nothing") == 0)
		return 0;
	if (strcmp(argv[1], "echo") == 0)
		serve_echo((int)scale);
	snprintf(self, sizeof(self), "%s", argv[0]);
	for (int i = 0; i < 2; i++)
		for (const struct row *row = tables[i]; row->name; row++) {
			if (strcmp(argv[1], "list") == 0)
				printf("%s %ld\n", row->name, row->ops);
			else if (strcmp(argv[1], row->name) == 0)
				return measure(row, row->ops * scale), 0;
		}
	return strcmp(argv[1], "list") != 0;
}
