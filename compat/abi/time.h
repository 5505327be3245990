/*
 * abi/time.h - clocks, interval timers and timex of Linux x86_64.
 */
#pragma once
#include <time.h>

enum {
	CLOCK_REALTIME = 0,
	CLOCK_MONOTONIC = 1,
	CLOCK_PROCESS_CPUTIME_ID = 2,
	CLOCK_THREAD_CPUTIME_ID = 3,
	CLOCK_MONOTONIC_RAW = 4,
	CLOCK_REALTIME_COARSE = 5,
	CLOCK_MONOTONIC_COARSE = 6,
	CLOCK_BOOTTIME = 7,
	CLOCK_REALTIME_ALARM = 8,
	CLOCK_BOOTTIME_ALARM = 9,
	CLOCK_TAI = 11
};
#define COARSE_NS     4000000 /* what the coarse clocks promise: four milliseconds */
#define TIMER_ABSTIME 1

struct linux_itimerspec {
	struct timespec interval, value;
};
struct linux_itimerval {
	struct timeval interval, value;
};
static_assert(sizeof(struct linux_itimerspec) == 32 && sizeof(struct linux_itimerval) == 32,
	"struct itimerspec, itimerval");

struct linux_timex {
	uint32_t modes, pad0;
	int64_t offset, freq, maxerror, esterror;
	int32_t status, pad1;
	int64_t constant, precision, tolerance;
	struct timeval time;
	int64_t tick, ppsfreq, jitter;
	int32_t shift, pad2;
	int64_t stabil, jitcnt, calcnt, errcnt, stbcnt;
	int32_t tai, pad3[11];
};
static_assert(sizeof(struct linux_timex) == 208, "struct timex");
enum {
	ADJ_OFFSET = 1,
	ADJ_FREQUENCY = 2,
	ADJ_MAXERROR = 4,
	ADJ_ESTERROR = 8,
	ADJ_STATUS = 0x10,
	ADJ_TIMECONST = 0x20,
	ADJ_TAI = 0x80,
	ADJ_SETOFFSET = 0x100,
	ADJ_MICRO = 0x1000,
	ADJ_NANO = 0x2000,
	ADJ_TICK = 0x4000,
	ADJ_ADJTIME = 0x8000,       /* with ADJ_OFFSET: adjtime(3) */
	ADJ_ADJTIME_READ = ADJ_NANO /* with ADJ_ADJTIME: only asks what is left */
};
enum { TIME_OK = 0, TIME_ERROR = 5 };
#define TIMEX_TAI_MAX   100000
#define TIMEX_TICK_LOW  9000
#define TIMEX_TICK_HIGH 11000
