/*
 * swapper.c - more memory than there is: fills MIB of it, forks CHILDREN, and each goes through all
 * of it ROUNDS times or until SIGTERM, checking every page and changing a word of it. Each says how
 * many pages were wrong.
 *
 * usage: swapper MIB CHILDREN ROUNDS
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS 512 /* of a page */
#define STEP  64

static uint64_t *memory;
static size_t pages;
static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = signal;
}

/* What word @i of the memory holds at first: all are different. */
static uint64_t value(uint64_t i)
{
	i = (i ^ i >> 31) * 0x9e3779b97f4a7c15;
	return i ^ i >> 29;
}

/* @mark: what this process has added to the first word so far. */
static int page_is_wrong(size_t page, uint64_t mark)
{
	uint64_t first = page * WORDS;

	for (unsigned i = 0; i < WORDS; i += STEP)
		if (memory[first + i] != value(first + i) + (i ? 0 : mark))
			return 1;
	return 0;
}

static int go_round(unsigned rounds, uint64_t who)
{
	size_t wrong = 0;

	for (uint64_t round = 0; round < rounds && !stopped; round++)
		for (size_t page = 0; page < pages; page++) {
			wrong += page_is_wrong(page, round ? who + round : 0);
			memory[page * WORDS] = value(page * WORDS) + who + round + 1;
		}
	printf("wrong %zu\n", wrong);
	fflush(stdout);
	return wrong != 0;
}

int main(int argc, char **argv)
{
	unsigned children = argc > 3 ? (unsigned)atoi(argv[2]) : 0,
		 rounds = argc > 3 ? atoi(argv[3]) : 1;
	int status, bad;

	pages = argc > 3 ? (size_t)atoi(argv[1]) * 256 : 0;
	memory = mmap(NULL, pages * WORDS * sizeof(*memory), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		perror("swapper");
		return 2;
	}
	signal(SIGTERM, stop);
	for (size_t page = 0; page < pages; page++)
		for (unsigned i = 0; i < WORDS; i += STEP)
			memory[page * WORDS + i] = value(page * WORDS + i);
	for (unsigned child = 1; child <= children; child++)
		if (!fork())
			_exit(go_round(rounds, child << 20));
	bad = go_round(rounds, 0);
	while (wait(&status) > 0)
		bad |= status != 0;
	return bad;
}
