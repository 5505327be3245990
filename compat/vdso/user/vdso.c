/*
 * vdso.c - what programs call instead of the kernel for the time. Runs in user mode, without libc,
 * without writable data.
 *
 * Built by room.mk into one shared object of at most a page; the page of numbers (data.h) lies
 * behind it. Spec: vdso(7), x86-64: names and version LINUX_2.6.
 */
#include <vdso/data.h>

#define NSEC_PER_SEC 1000000000ull
#define PUBLIC       __attribute__((visibility("default")))
enum {
	CLOCK_REALTIME = 0,
	CLOCK_MONOTONIC = 1,
	CLOCK_MONOTONIC_RAW = 4,
	CLOCK_REALTIME_COARSE = 5,
	CLOCK_MONOTONIC_COARSE = 6,
	CLOCK_BOOTTIME = 7
};
enum {
	NR_GETTIMEOFDAY = 96,
	NR_TIME = 201,
	NR_CLOCK_GETTIME = 228,
	NR_CLOCK_GETRES = 229,
	NR_GETCPU = 309
};

struct timespec {
	int64_t sec, nsec;
};
struct timeval {
	int64_t sec, usec;
};
struct timezone {
	int32_t minutes_west, dst;
};
/* Volatile: the kernel changes it. */
extern const volatile struct vdso_data vvar __attribute__((visibility("hidden")));

PUBLIC int __vdso_clock_gettime(int clock, struct timespec *ts);
PUBLIC int __vdso_clock_getres(int clock, struct timespec *ts);
PUBLIC int __vdso_gettimeofday(struct timeval *tv, struct timezone *tz);
PUBLIC int64_t __vdso_time(int64_t *t);
PUBLIC long __vdso_getcpu(unsigned *cpu, unsigned *node, void *cache);

static inline long syscall3(long nr, long a, long b, long c)
{
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return ret;
}

/* Not before earlier loads: LFENCE keeps the counter from being read ahead. */
static inline uint64_t counter(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence\n\trdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

/* 0: the kernel has to be asked. */
static inline int read_clock(uint64_t *monotonic_ns, int64_t *offset_ns)
{
	const volatile struct vdso_data *d = &vvar;
	uint32_t seq;

	do {
		uint64_t delta;

		while ((seq = __atomic_load_n(&d->seq, __ATOMIC_ACQUIRE)) & 1)
			__asm__ volatile("pause");
		if (!d->usable)
			return 0;
		delta = counter() - d->base;
		if ((int64_t)delta < 0)
			delta = 0;
		*monotonic_ns = d->base_ns +
				(uint64_t)((unsigned __int128)delta * d->mult >> d->shift);
		*offset_ns = d->offset;
		if (d->rate)
			*offset_ns += (int64_t)((__int128)(int64_t)(*monotonic_ns -
								    d->offset_base) *
							d->rate >>
						40);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (__atomic_load_n(&d->seq, __ATOMIC_RELAXED) != seq);
	return 1;
}

int __vdso_clock_gettime(int clock, struct timespec *ts)
{
	uint64_t ns;
	int64_t offset;

	if ((unsigned)clock > CLOCK_BOOTTIME || clock == 2 || clock == 3 ||
		!read_clock(&ns, &offset))
		return (int)syscall3(NR_CLOCK_GETTIME, clock, (long)ts, 0);
	if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
		ns += (uint64_t)offset;
	ts->sec = (int64_t)(ns / NSEC_PER_SEC);
	ts->nsec = (int64_t)(ns % NSEC_PER_SEC);
	return 0;
}

int __vdso_clock_getres(int clock, struct timespec *ts)
{
	return (int)syscall3(NR_CLOCK_GETRES, clock, (long)ts, 0);
}

int __vdso_gettimeofday(struct timeval *tv, struct timezone *tz)
{
	uint64_t ns;
	int64_t offset;

	if (!read_clock(&ns, &offset))
		return (int)syscall3(NR_GETTIMEOFDAY, (long)tv, (long)tz, 0);
	ns += (uint64_t)offset;
	if (tv) {
		tv->sec = (int64_t)(ns / NSEC_PER_SEC);
		tv->usec = (int64_t)(ns % NSEC_PER_SEC / 1000);
	}
	if (tz)
		*tz = (struct timezone){0, 0};
	return 0;
}

int64_t __vdso_time(int64_t *t)
{
	uint64_t ns;
	int64_t offset, now;

	if (!read_clock(&ns, &offset))
		return syscall3(NR_TIME, (long)t, 0, 0);
	now = (int64_t)((ns + (uint64_t)offset) / NSEC_PER_SEC);
	if (t)
		*t = now;
	return now;
}

/* Which processor a thread is on only the kernel knows. */
long __vdso_getcpu(unsigned *cpu, unsigned *node, void *cache)
{
	return syscall3(NR_GETCPU, (long)cpu, (long)node, (long)cache);
}

int clock_gettime(int, struct timespec *)
	__attribute__((weak, alias("__vdso_clock_gettime"), visibility("default")));
int clock_getres(int, struct timespec *)
	__attribute__((weak, alias("__vdso_clock_getres"), visibility("default")));
int gettimeofday(struct timeval *, struct timezone *)
	__attribute__((weak, alias("__vdso_gettimeofday"), visibility("default")));
int64_t time(int64_t *) __attribute__((weak, alias("__vdso_time"), visibility("default")));
long getcpu(unsigned *, unsigned *, void *)
	__attribute__((weak, alias("__vdso_getcpu"), visibility("default")));
