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
enum { ADJ_SETOFFSET = 0x0100, ADJ_NANO = 0x2000, ADJ_OFFSET_SS_READ = 0xa001 };
enum { STA_UNSYNC = 0x40, TIME_ERROR = 5 };
