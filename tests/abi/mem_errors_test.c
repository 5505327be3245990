/*
 * mem_errors_test.c - what the calls on memory refuse: mapping, protecting, moving, advising and
 * locking it.
 */
#include "abi.h"

#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define PAGE 4096ul
#define WORD (~0ul)

static const char *outcome(long result)
{
	return result == -1 ? errno_name(errno) : "done";
}

#define SHOW(...) say("%s: %s", #__VA_ARGS__, outcome(__VA_ARGS__))

/* Four pages, the third of them not mapped. */
static char *gap(void)
{
	char *at = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(at + 2 * PAGE, PAGE);
	return at;
}

CASE(mapping)
{
	int rd, wr, dir, p[2];

	put("f", "x");
	mkdir("d", 0755);
	rd = open("f", O_RDONLY);
	wr = open("f", O_WRONLY);
	dir = open("d", O_RDONLY);
	pipe(p);
	SHOW(sc(mmap, NULL, 0, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	SHOW(sc(mmap, NULL, PAGE, 3, MAP_ANONYMOUS, -1, 0));
	SHOW(sc(mmap, NULL, PAGE, 3, 0, rd, 0));
	SHOW(sc(mmap, NULL, PAGE, 1, MAP_PRIVATE, rd, 1));
	SHOW(sc(mmap, NULL, PAGE, 1, MAP_PRIVATE, rd, -PAGE));
	SHOW(sc(mmap, NULL, WORD, 1, MAP_PRIVATE, rd, 0));
	SHOW(sc(mmap, NULL, 1ul << 47, 1, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	SHOW(sc(mmap, 1, PAGE, 1, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	SHOW(sc(mmap, 1ul << 47, PAGE, 1, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	SHOW(sc(mmap, NULL, PAGE, 1, MAP_PRIVATE, 99, 0));
	SHOW(sc(mmap, NULL, PAGE, 3, MAP_SHARED, rd, 0));
	SHOW(sc(mmap, NULL, PAGE, 3, MAP_PRIVATE, rd, 0));
	SHOW(sc(mmap, NULL, PAGE, 2, MAP_SHARED, wr, 0));
	SHOW(sc(mmap, NULL, PAGE, 2, MAP_PRIVATE, wr, 0));
	SHOW(sc(mmap, NULL, PAGE, 1, MAP_PRIVATE, dir, 0));
	SHOW(sc(mmap, NULL, PAGE, 1, MAP_PRIVATE, p[0], 0));
	SHOW(sc(mmap, NULL, PAGE, 1, MAP_PRIVATE, open("f", O_PATH), 0));
	SHOW(sc(mmap, NULL, PAGE, 1, MAP_SHARED_VALIDATE | 1 << 25, rd, 0));
	SHOW(sc(mmap, NULL, PAGE, 1, MAP_SHARED_VALIDATE, rd, 0));
	SHOW(sc(mmap, gap(), PAGE, 1, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
	SHOW(sc(munmap, gap() + 1, PAGE));
	SHOW(sc(munmap, gap(), 0));
	SHOW(sc(munmap, gap(), WORD));
	SHOW(sc(munmap, KERNEL_PTR, PAGE));
	SHOW(sc(munmap, gap(), 4 * PAGE));
}

CASE(protecting)
{
	char *at = gap(), *shared;

	put("f", "x");
	shared = mmap(NULL, PAGE, 1, MAP_SHARED, open("f", O_RDONLY), 0);
	SHOW(sc(mprotect, at + 1, PAGE, 1));
	SHOW(sc(mprotect, at, 0, 1));
	SHOW(sc(mprotect, at + 1, 0, 1));
	SHOW(sc(mprotect, at, 4 * PAGE, 1));
	SHOW(sc(mprotect, at, WORD, 1));
	SHOW(sc(mprotect, at, PAGE, 64));
	SHOW(sc(mprotect, at, PAGE, 0x01000000 | 1));
	SHOW(sc(mprotect, at, PAGE, 0x03000000 | 1));
	SHOW(sc(mprotect, shared, PAGE, 3));
	SHOW(sc(mprotect, KERNEL_PTR, PAGE, 1));
	SHOW(sc(mprotect, BAD_PTR, PAGE, 1));
}

CASE(moving)
{
	char *at = gap(), *other = gap();

	SHOW(sc(mremap, at + 1, PAGE, PAGE, 0, 0));
	SHOW(sc(mremap, at, PAGE, 0, 0, 0));
	SHOW(sc(mremap, at, PAGE, PAGE, 64, 0));
	SHOW(sc(mremap, at, PAGE, PAGE, MREMAP_FIXED, other));
	SHOW(sc(mremap, at, PAGE, PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, other + 1));
	SHOW(sc(mremap, at, 2 * PAGE, PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, at + PAGE));
	SHOW(sc(mremap, at, PAGE, 2 * PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, at));
	SHOW(sc(mremap, at, PAGE, PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, KERNEL_PTR));
	SHOW(sc(mremap, at, 2 * PAGE, 4 * PAGE, 0, 0));
	SHOW(sc(mremap, at, 4 * PAGE, 5 * PAGE, MREMAP_MAYMOVE, 0));
	SHOW(sc(mremap, at, PAGE, WORD, MREMAP_MAYMOVE, 0));
	SHOW(sc(mremap, at + 2 * PAGE, PAGE, PAGE, 0, 0));
	SHOW(sc(mremap, BAD_PTR, PAGE, PAGE, 0, 0));
	SHOW(sc(mremap, at, 0, PAGE, MREMAP_MAYMOVE, 0));
	SHOW(sc(mremap, at, PAGE, 2 * PAGE, MREMAP_DONTUNMAP | MREMAP_MAYMOVE, 0));
	SHOW(sc(mremap, at, PAGE, PAGE, MREMAP_DONTUNMAP, 0));
}

CASE(asking)
{
	static unsigned char vector[8];
	char *at = gap();

	SHOW(sc(mincore, at + 1, PAGE, vector));
	SHOW(sc(mincore, at, 4 * PAGE, vector));
	SHOW(sc(mincore, at, PAGE, BAD_PTR));
	SHOW(sc(mincore, at, 0, vector));
	SHOW(sc(mincore, at, WORD, vector));
	SHOW(sc(mincore, KERNEL_PTR, PAGE, vector));
	SHOW(sc(msync, at + 1, PAGE, MS_SYNC));
	SHOW(sc(msync, at, 4 * PAGE, MS_SYNC));
	SHOW(sc(msync, at, PAGE, MS_SYNC | MS_ASYNC));
	SHOW(sc(msync, at, PAGE, 8));
	SHOW(sc(msync, at, PAGE, 0));
	SHOW(sc(msync, at, 0, MS_SYNC));
	SHOW(sc(msync, at, -PAGE, MS_SYNC));
	for (int advice = 0; advice < 5; advice++) {
		SHOW(sc(madvise, at, PAGE, advice));
		SHOW(sc(madvise, at + 1, PAGE, advice));
		SHOW(sc(madvise, at, 4 * PAGE, advice));
		SHOW(sc(madvise, at, -PAGE, advice));
		SHOW(sc(madvise, at, 0, advice));
	}
	SHOW(sc(madvise, at, PAGE, 7777));
	SHOW(sc(madvise, at + 1, 0, 7777));
	SHOW(sc(memfd_create, "x", 0x40));
	SHOW(sc(memfd_create, BAD_PTR, 0x40));
	SHOW(sc(memfd_create, KERNEL_PTR, 0));
	SHOW(sc(membarrier, 1 << 20, 0, 0));
	SHOW(sc(membarrier, MEMBARRIER_CMD_QUERY, 1, 0));
	SHOW(sc(membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
}

CASE(locking_with_a_limit)
{
	static const struct rlimit none = {0, 0}, two = {2 * PAGE, 2 * PAGE};
	char *at = gap();

	SHOW(sc(mlock, at, 4 * PAGE));
	SHOW(sc(munlock, at, 4 * PAGE));
	SHOW(sc(mlock, at, -PAGE));
	SHOW(sc(munlock, at, -PAGE));
	SHOW(sc(mlock2, at, PAGE, 2));
	SHOW(sc(mlockall, 0));
	SHOW(sc(mlockall, 8));
	SHOW(sc(mlockall, MCL_ONFAULT));
	IN_CHILD
	{
		setrlimit(RLIMIT_MEMLOCK, &two);
		drop_to(1000, 1000);
		SHOW(sc(mlock, at, 2 * PAGE));
		SHOW(sc(mlock, at + 3 * PAGE, PAGE));
		SHOW(sc(mlock, at, PAGE));
		SHOW(sc(munlock, at + PAGE, PAGE));
		SHOW(sc(mlock, at + 3 * PAGE, 1));
		SHOW(sc(mmap, NULL, PAGE, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
		SHOW(sc(mremap, at, PAGE, 2 * PAGE, MREMAP_MAYMOVE, 0));
		SHOW(sc(mlockall, MCL_CURRENT));
		SHOW(sc(mlockall, MCL_FUTURE));
	}
	IN_CHILD
	{
		setrlimit(RLIMIT_MEMLOCK, &none);
		drop_to(1000, 1000);
		SHOW(sc(mlock, at, PAGE));
		SHOW(sc(mlock2, at, PAGE, 1));
		SHOW(sc(mlockall, MCL_CURRENT));
		SHOW(sc(mlockall, 8));
		SHOW(sc0(munlockall));
		SHOW(sc(mmap, NULL, PAGE, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
	}
}
