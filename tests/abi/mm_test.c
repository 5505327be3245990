/*
 * mm_test.c - mmap and its kin, faults, copy on write, sharing, brk, the stack.
 */
#include "abi.h"

#include <sys/mman.h>
#include <sys/resource.h>

#define PAGE 4096ul

static char *map(size_t pages, int prot, int flags)
{
	return mmap(NULL, pages * PAGE, prot, flags, -1, 0);
}

static char *anon(size_t pages)
{
	return map(pages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
}

#define RM(call) result_map(#call, (errno = 0, (char *)(call)))

static char *result_map(const char *what, char *at)
{
	say("%s: %s", what, at == MAP_FAILED ? errno_name(errno) : "mapped");
	return at;
}

CASE(mmap_errors)
{
	put("f", "abc");
	R(open("f", O_RDONLY));
	R(open("f", O_WRONLY));
	R(open("f", O_RDWR));
	R(open(".", O_RDONLY));
	R(open("f", O_PATH));
	RM(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	RM(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0));
	RM(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0));
	RM(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0));
	RM(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 3, 0));
	RM(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, 3, 0));
	RM(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, 3, 0));
	RM(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 3, 0));
	RM(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 4, 0));
	RM(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, 4, 0));
	RM(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 5, 0));
	RM(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 6, 0));
	RM(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 7, 0));
	RM(sc(mmap, NULL, PAGE, PROT_READ, MAP_PRIVATE, 3, 1));
	RM(sc(mmap, NULL, -1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	RM(sc(mmap, NULL, 1ul << 47, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	RM(sc(mmap, 4097, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	RM(sc(mmap, 1ul << 47, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	RM(sc(mmap, 1ul << 63, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	RM(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE, 3, 0));
	RM(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | 0x200000, 3, 0));
	RM(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 1, 0));
	IN_CHILD
	{
		drop_to(1000, 1000);
		RM(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	}
}

CASE(unmap_and_protect)
{
	char *m = anon(8);

	R(munmap(m, 0));
	R(munmap(m + 1, PAGE));
	R(sc(munmap, m, -1));
	R(sc(munmap, 1ul << 63, PAGE));
	R(munmap(m + 2 * PAGE, 1));
	fault("hole", peek, m + 2 * PAGE);
	fault("before", peek, m + 2 * PAGE - 1);
	R(munmap(m + 2 * PAGE, PAGE));
	R(mprotect(m, PAGE, PROT_READ));
	fault("read of read-only", peek, m);
	fault("write of read-only", poke, m);
	R(mprotect(m, PAGE, PROT_NONE));
	fault("read of none", peek, m + 5);
	R(mprotect(m, 4 * PAGE, PROT_READ));
	fault("first of a range with a hole", peek, m);
	fault("last of a range with a hole", poke, m + 3 * PAGE);
	R(mprotect(m + 1, PAGE, PROT_READ));
	R(mprotect(m, 0, PROT_READ));
	R(sc(mprotect, m, PAGE, 0x10));
	R(sc(mprotect, m, PAGE, 0x40));
	R(sc(mprotect, m, -1, PROT_READ));
	R(sc(mprotect, 1ul << 63, PAGE, PROT_READ));
	R(mprotect(m + 4 * PAGE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
	m[4 * PAGE] = (char)0xc3;
	fault("executable", call, m + 4 * PAGE);
	R(mprotect(m + 4 * PAGE, PAGE, PROT_READ | PROT_WRITE));
	fault("not executable", call, m + 4 * PAGE);
	R(munmap(m, 8 * PAGE));
	fault("gone", poke, m + 7 * PAGE);
	put("f", "abc");
	m = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, open("f", O_RDONLY), 0);
	R(mprotect(m, PAGE, PROT_READ | PROT_WRITE));
	m = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 3, 0);
	R(mprotect(m, PAGE, PROT_READ | PROT_WRITE));
	m[0] = 'X';
	show_file("f");
}

CASE(fault_codes)
{
	char *m = map(2, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS), *f;
	char local[16];

	fault("null", peek, NULL);
	fault("null write", poke, (char *)8);
	fault("null call", call, NULL);
	fault("kernel", peek, (char *)0xffff800000000000ul);
	fault("kernel text", poke, (char *)0xffffffff81000000ul);
	fault("not canonical", peek, (char *)0x8000000000000000ul);
	fault("not canonical write", poke, (char *)0x0000800000000000ul);
	fault("last user page", peek, (char *)0x00007ffffffff000ul);
	fault("none", peek, m);
	local[0] = (char)0xc3;
	fault("stack is not executable", call, local);
	f = malloc(100);
	f[0] = (char)0xc3;
	fault("heap is not executable", call, f);
	fault("text is not writable", poke, (volatile char *)(uintptr_t)peek);
	put("f", "abc");
	f = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, open("f", O_RDWR), 0);
	fault("within the file", peek, f);
	fault("last page of the file", peek, f + PAGE - 1);
	fault("beyond the file", peek, f + PAGE);
	fault("beyond the file, write", poke, f + 2 * PAGE + 7);
	ftruncate(3, 2 * PAGE);
	fault("grown", peek, f + PAGE);
	ftruncate(3, 0);
	fault("shrunk", peek, f);
	f = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, 3, 0);
	fault("private beyond", poke, f);
	IN_CHILD
	{
		poke(NULL);
	}
	IN_CHILD
	{
		poke(f);
	}
}

CASE(fixed_maps)
{
	char *m = anon(4), *at;

	memset(m, 'm', 4 * PAGE);
	at = mmap(m + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		-1, 0);
	T(at == m + PAGE);
	V(m[PAGE]);
	V(m[0]);
	V(m[2 * PAGE]);
	RM(mmap(m, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
	RM(mmap(m + 3 * PAGE, 4 * PAGE, PROT_READ,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
	munmap(m + 2 * PAGE, PAGE);
	at = mmap(m + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
		-1, 0);
	T(at == m + 2 * PAGE);
	munmap(m + 2 * PAGE, PAGE);
	at = mmap(m + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	T(at == m + 2 * PAGE);
	at = mmap(m, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	T(at != m && at != MAP_FAILED);
	at = mmap(m + 1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	T(at != MAP_FAILED && ((uintptr_t)at & 4095) == 0);
}

CASE(copy_on_write)
{
	char *private = anon(2), *shared;
	int fd;

	shared = map(2, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	strcpy(private, "before");
	strcpy(shared, "before");
	IN_CHILD
	{
		strcpy(private, "child");
		strcpy(shared, "child");
		strcpy(shared + PAGE, "new page");
	}
	show_bytes("private", private, 6);
	show_bytes("shared", shared, 5);
	show_bytes("shared 2", shared + PAGE, 8);
	put("f", "file text");
	fd = open("f", O_RDWR);
	private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	private[0] = 'P';
	shared[5] = 'T';
	show_file("f");
	show_bytes("private", private, 9);
	pwrite(fd, "SYS", 3, 1);
	show_bytes("shared", shared, 9);
	show_bytes("private", private, 9);
	shared[20] = 'x';
	R(size_of("f"));
	IN_CHILD
	{
		memcpy(shared, "by child", 8);
		munmap(shared, PAGE);
	}
	show_file("f");
	R(close(fd));
	memcpy(shared, "closed", 6);
	show_file("f");
	R(unlink("f"));
	shared[0] = 'u';
	show_bytes("unlinked", shared, 6);
	R(munmap(shared, PAGE));
}

CASE(file_maps)
{
	char *m, *n;
	static char text[3 * PAGE];

	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i / PAGE);
	R(make("f", O_RDWR));
	R(write(3, text, sizeof(text) - 100));
	m = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 3, 0);
	V(m[0]);
	V(m[PAGE]);
	V(m[3 * PAGE - 101]);
	V(m[3 * PAGE - 100]);
	n = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 3, PAGE);
	V(n[0]);
	n[0] = 'Z';
	V(m[PAGE]);
	m[3 * PAGE - 50] = 'q';
	R(msync(m, 3 * PAGE, MS_SYNC));
	R(size_of("f"));
	IN_CHILD
	{
		char b[2];

		R(pread(3, b, 1, PAGE));
		V(b[0]);
		R(sc(read, 3, m, 100));
		R(lseek(3, 0, SEEK_SET));
		R(read(3, m + PAGE, 16));
		V(m[PAGE + 15]);
		R(write(3, m, 50));
	}
	R(unlink("f"));
	V(m[PAGE]);
}

CASE(msync_rules)
{
	char *m = anon(3);

	put("f", "x");
	R(msync(m, PAGE, MS_SYNC));
	R(msync(m, PAGE, MS_ASYNC));
	R(msync(m, PAGE, MS_INVALIDATE));
	R(msync(m, PAGE, 0));
	R(msync(m, PAGE, MS_SYNC | MS_ASYNC));
	R(msync(m, PAGE, 8));
	R(msync(m + 1, PAGE, MS_SYNC));
	R(msync(m, 0, MS_SYNC));
	munmap(m + PAGE, PAGE);
	R(msync(m, 3 * PAGE, MS_SYNC));
	R(msync(m, 3 * PAGE, MS_ASYNC));
}

CASE(mincore_rules)
{
	unsigned char v[8] = {0};
	char *m = anon(4);

	R(mincore(m, 4 * PAGE, v));
	V(v[0] & 1);
	m[PAGE] = 1;
	R(mincore(m, 4 * PAGE, v));
	say("%d %d %d %d", v[0] & 1, v[1] & 1, v[2] & 1, v[3] & 1);
	R(mincore(m + 1, PAGE, v));
	R(sc(mincore, m, PAGE, BAD_PTR));
	R(mincore(m, 0, v));
	munmap(m + 2 * PAGE, PAGE);
	R(mincore(m, 4 * PAGE, v));
	R(sc(mincore, m, -1, v));
	R(sc(mincore, 1ul << 63, PAGE, v));
}

CASE(madvise_rules)
{
	char *m = anon(4), *shared;

	memset(m, 'x', 4 * PAGE);
	R(madvise(m, PAGE, MADV_DONTNEED));
	V(m[0]);
	V(m[PAGE]);
	R(madvise(m, 0, MADV_DONTNEED));
	R(madvise(m + 1, PAGE, MADV_DONTNEED));
	R(madvise(m, PAGE, 999));
	R(madvise(m, PAGE, -1));
	R(sc(madvise, m, -1, MADV_DONTNEED));
	R(madvise(m, PAGE, MADV_NORMAL));
	R(madvise(m, PAGE, MADV_RANDOM));
	R(madvise(m, PAGE, MADV_SEQUENTIAL));
	R(madvise(m, PAGE, MADV_WILLNEED));
	R(madvise(m, PAGE, MADV_FREE));
	m[0] = 'y';
	V(m[0]);
	R(madvise(m, PAGE, MADV_DONTFORK));
	IN_CHILD
	{
		fault("not inherited", peek, m);
		fault("inherited", peek, m + PAGE);
	}
	R(madvise(m, PAGE, MADV_DOFORK));
	R(madvise(m + PAGE, PAGE, MADV_WIPEONFORK));
	m[PAGE] = 'w';
	IN_CHILD
	{
		V(m[PAGE]);
		V(m[2 * PAGE]);
	}
	R(madvise(m + PAGE, PAGE, MADV_KEEPONFORK));
	R(madvise(m, PAGE, MADV_DONTDUMP));
	R(madvise(m, PAGE, MADV_DODUMP));
	munmap(m + 2 * PAGE, PAGE);
	R(madvise(m, 4 * PAGE, MADV_DONTNEED));
	V(m[3 * PAGE]);
	put("f", "abc");
	R(open("f", O_RDWR));
	m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, 3, 0);
	m[0] = 'Z';
	R(madvise(m, PAGE, MADV_DONTNEED));
	V(m[0]);
	R(madvise(m, PAGE, MADV_FREE));
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 3, 0);
	shared[0] = 'S';
	R(madvise(shared, PAGE, MADV_DONTNEED));
	V(shared[0]);
	R(madvise(shared, PAGE, MADV_WIPEONFORK));
	shared = map(1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	shared[0] = 'k';
	R(madvise(shared, PAGE, MADV_DONTNEED));
	V(shared[0]);
}

CASE(mremap_rules)
{
	char *m = anon(4), *n, *guard;

	strcpy(m, "text");
	munmap(m + 2 * PAGE, 2 * PAGE);
	n = mremap(m, 2 * PAGE, 3 * PAGE, 0);
	T(n == m);
	T(n[3 * PAGE - 1] == 0);
	n = mremap(m, 3 * PAGE, PAGE, 0);
	T(n == m);
	fault("cut off", peek, m + PAGE);
	guard = mmap(m + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	RM(mremap(m, PAGE, 2 * PAGE, 0));
	n = mremap(m, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	T(n != m && n != MAP_FAILED);
	show_bytes("moved", n, 4);
	fault("old place", peek, m);
	RM(mremap(n, PAGE, 0, MREMAP_MAYMOVE));
	RM(mremap(n + 1, PAGE, PAGE, MREMAP_MAYMOVE));
	RM(mremap(n, PAGE, 2 * PAGE, 0x10));
	RM(mremap(n, PAGE, 2 * PAGE, MREMAP_FIXED, guard));
	RM(mremap(m, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
	m = mremap(n, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, guard);
	T(m == guard);
	show_bytes("at the guard", m, 4);
	RM(mremap(m, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, m));
	RM(mremap(m, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, m + 1));
	m = anon(2);
	strcpy(m, "stays?");
	n = mremap(m, PAGE, PAGE, MREMAP_MAYMOVE | 4);
	T(n != m && n != MAP_FAILED);
	show_bytes("new", n, 6);
	V(m[0]);
	put("f", "file");
	R(open("f", O_RDWR));
	m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 3, 0);
	n = mremap(m, PAGE, 4 * PAGE, MREMAP_MAYMOVE);
	show_bytes("file", n, 4);
	fault("beyond", peek, n + PAGE);
	m = mremap(n, 0, PAGE, MREMAP_MAYMOVE);
	T(m != MAP_FAILED);
	m[0] = 'F';
	V(n[0]);
	m = anon(1);
	RM(mremap(m, 0, PAGE, MREMAP_MAYMOVE));
}

CASE(brk_rules)
{
	char *now = sc(brk, 0) + (char *)0, *more;

	T(now != NULL);
	more = sc(brk, now + 3 * PAGE) + (char *)0;
	V(more - now);
	more[-1] = 'x';
	V(more[-2]);
	T(sc(brk, 8) + (char *)0 == more);
	T(sc(brk, 1ul << 47) + (char *)0 == more);
	T(sc(brk, now) + (char *)0 == now);
	fault("given back", peek, more - 1);
	sc(brk, now + 3 * PAGE);
	V(more[-1]);
	struct rlimit limit = {PAGE, PAGE};
	setrlimit(RLIMIT_DATA, &limit);
	T(sc(brk, more + 10 * PAGE) + (char *)0 == more);
	RM(mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static int deep(int left)
{
	volatile char here[1000];

	here[0] = (char)left;
	return left ? deep(left - 1) + here[0] : 0;
}

CASE(stack_growth)
{
	stack_t alt = {.ss_sp = anon(8), .ss_size = 8 * PAGE};

	R(deep(4000) != 12345);
	IN_CHILD
	{
		deep(8300);
	}
	IN_CHILD
	{
		sigaltstack(&alt, NULL);
		catch_signal(SIGSEGV, SA_ONSTACK | SA_RESETHAND);
		deep(100000);
	}
	IN_CHILD
	{
		struct rlimit limit = {256 << 10, 256 << 10};

		setrlimit(RLIMIT_STACK, &limit);
		deep(1000);
	}
}

CASE(grows_down)
{
	char *m = anon(64), *top = m + 60 * PAGE;

	munmap(m, 64 * PAGE);
	T(mmap(top, PAGE, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, -1, 0) == top);
	fault("one below", poke, top - 1);
	fault("and on", poke, top - PAGE - 1);
	V(top[-1]);
}

CASE(address_space_limit)
{
	struct rlimit limit = {1 << 30, 1 << 30};
	char *m;

	R(setrlimit(RLIMIT_AS, &limit));
	RM(mmap(NULL, 2ul << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	m = RM(mmap(NULL, 512 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	RM(mmap(NULL, 600 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	RM(mremap(m, 512 << 20, 2ul << 30, MREMAP_MAYMOVE));
	R(munmap(m, 512 << 20));
	RM(mmap(NULL, 600 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

CASE(locking)
{
	char *m = anon(4);
	unsigned char v[4] = {0};

	R(mlock(m, 2 * PAGE));
	mincore(m, 4 * PAGE, v);
	say("%d %d %d", v[0] & 1, v[1] & 1, v[2] & 1);
	R(munlock(m, 2 * PAGE));
	R(mlock(m + 1, 10));
	R(mlock(NULL, PAGE));
	R(sc(mlock2, m, PAGE, 1));
	R(sc(mlock2, m, PAGE, 4));
	R(mlockall(0));
	R(mlockall(64));
	R(sc0(munlockall));
	IN_CHILD
	{
		struct rlimit limit = {2 * PAGE, 2 * PAGE};

		setrlimit(RLIMIT_MEMLOCK, &limit);
		drop_to(1000, 1000);
		munlockall();
		R(mlock(m, 2 * PAGE));
		R(mlock(m, 3 * PAGE));
		limit.rlim_cur = 0;
		setrlimit(RLIMIT_MEMLOCK, &limit);
		R(mlock(m + 3 * PAGE, PAGE));
	}
}

CASE(calls_on_maps)
{
	char *m = anon(4);

	put("f", "0123456789");
	R(open("f", O_RDWR));
	mprotect(m + PAGE, PAGE, PROT_READ);
	mprotect(m + 2 * PAGE, PAGE, PROT_NONE);
	R(sc(read, 3, m + PAGE, 5));
	R(sc(read, 3, m + 2 * PAGE, 5));
	R(sc(write, 3, m + 2 * PAGE, 5));
	R(sc(write, 3, m + PAGE, 5));
	R(sc(read, 3, peek, 5));
	R(sc(stat, "f", m + PAGE));
	R(sc(stat, m + 2 * PAGE, m));
	strcpy(m + PAGE - 2, "f");
	R(access(m + PAGE - 2, F_OK));
}

CASE(large_and_sparse)
{
	char *m = mmap(NULL, 64ul << 30, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	long sum = 0;

	T(m != MAP_FAILED);
	for (long i = 0; i < 64; i++)
		m[i << 30] = (char)i;
	for (long i = 0; i < 64; i++)
		sum += m[i << 30];
	V(sum);
	R(munmap(m + (10ul << 30), 10ul << 30));
	fault("hole", peek, m + (15ul << 30));
	V(m[20l << 30]);
	for (int i = 0; i < 1000; i++)
		if (mprotect(m + i * 2 * PAGE, PAGE, PROT_READ) < 0)
			say("%d: %s", i, errno_name(errno));
	R(mprotect(m, 2000 * PAGE, PROT_READ | PROT_WRITE));
	fault("writable again", poke, m + 100 * PAGE);
	R(munmap(m, 64ul << 30));
}

/* proc(5): mmap_min_addr; what lies below is for CAP_SYS_RAWIO. */
CASE(lowest_addresses)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	volatile char *low = NULL;
	char *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	R(sc(mmap, NULL, 4096, PROT_READ | PROT_WRITE, flags, -1, 0));
	__asm__("" : "+r"(low)); /* the compiler believes that nothing lives there */
	low[5] = 'x';
	R(low[5]);
	R(sc(munmap, NULL, 4096));
	R(sc(mremap, m, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, NULL));
	R(sc(munmap, NULL, 4096));
	R(sc(mmap, 1, 4096, PROT_READ, flags, -1, 0));
	T(sc(mmap, 16, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) > 4096);
	IN_CHILD
	{
		m = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		drop_to(1000, 1000);
		R(sc(mmap, NULL, 4096, PROT_READ, flags, -1, 0));
		R(sc(mmap, NULL, 1 << 20, PROT_READ, flags, -1, 0));
		R(sc(mremap, m, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, NULL));
		fault("still there", peek, m);
	}
}
