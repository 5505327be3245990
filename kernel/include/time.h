/*
 * time.h - wall clock over clock_ns(): realtime = monotonic + offset; can be set, and slewed by its
 * discipline. Theory: core/time.c.
 */
#pragma once
#include <compiler.h>
#include <arch/clock.h>

#define NSEC_PER_SEC  1000000000ull
#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_USEC 1000ull
struct timespec {
	int64_t tv_sec;
	int64_t tv_nsec;
};
struct timeval {
	int64_t tv_sec;
	int64_t tv_usec;
};

int64_t realtime_ns(void); /* since 1970 */
int64_t realtime_offset_ns(void);
void realtime_set_ns(int64_t ns);  /* thread context */
int32_t realtime_tai_offset(void); /* seconds that CLOCK_TAI is ahead */
void realtime_set_tai_offset(int32_t seconds);
/*
 * When the wall clock will show @ns, on clock_ns()'s scale. Never too late as long as nothing
 * changes, perhaps too early: look at the clock again. Any context.
 */
uint64_t realtime_deadline(int64_t ns);
/* wait_sleep_until() (wait.h) by the wall clock: follows it when it is set. */
int __must_check wait_sleep_until_realtime(int state, int64_t ns);
/* Called in thread context, no lock held, after the clock was set or its rate was: timers that are
 * due by the wall clock are armed anew. Registered at boot, for ever. */
struct realtime_watch {
	void (*changed)(bool stepped); /* set; false: only its rate changed */
	struct realtime_watch *next;
};
void realtime_watch(struct realtime_watch *w);
/* time = clock_ns() + offset_ns + ((clock_ns() - base_ns) * rate >> 40), for the vDSO. */
struct realtime_params {
	uint64_t base_ns;
	int64_t offset_ns, rate;
};
void realtime_params(struct realtime_params *p);

/* The clock discipline, with the names and units of adjtimex(2). */
enum {
	STA_PLL = 1,
	STA_PPSFREQ = 2,
	STA_PPSTIME = 4,
	STA_FLL = 8,
	STA_UNSYNC = 0x40,
	STA_FREQHOLD = 0x80,
	STA_PPSSIGNAL = 0x100,
	STA_CLOCKERR = 0x1000,
	STA_NANO = 0x2000,
	STA_MODE = 0x4000,
	STA_READ_ONLY = 0xff00
};
enum discipline_fields {
	DISCIPLINE_OFFSET = 1,
	DISCIPLINE_FREQUENCY = 2,
	DISCIPLINE_MAXERROR = 4,
	DISCIPLINE_ESTERROR = 8,
	DISCIPLINE_STATUS = 16,
	DISCIPLINE_CONSTANT = 32,
	DISCIPLINE_TICK = 64,
	DISCIPLINE_SINGLE = 128,
	DISCIPLINE_NANO = 256,
	DISCIPLINE_MICRO = 512
};
struct clock_discipline {
	unsigned set;      /* DISCIPLINE_*: those that are to be changed */
	uint32_t status;   /* STA_* */
	int64_t offset;    /* phase left to be worked off: ns with STA_NANO, else us */
	int64_t frequency; /* 2^-16 ppm */
	int64_t maxerror_us, esterror_us;
	int64_t constant;  /* of the phase-locked loop, 0..10 */
	int64_t tick_us;   /* of 1/100 s */
	int64_t single_us; /* adjtime(3): what was left before the call */
};
/* Changes what d->set says, then fills all of *d. Thread context. */
void realtime_discipline(struct clock_discipline *d);
/* The inode timestamp clock: realtime, coarse to the last tick or 1 ms, cheap. */
struct timespec time_now_coarse(void);
static inline struct timespec ns_to_timespec(int64_t ns)
{
	int64_t s = ns / (int64_t)NSEC_PER_SEC, r = ns % (int64_t)NSEC_PER_SEC;

	if (r < 0) {
		s--;
		r += NSEC_PER_SEC;
	}
	return (struct timespec){s, r};
}
static inline bool timespec_valid(const struct timespec *t)
{
	return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < (int64_t)NSEC_PER_SEC;
}
/* Saturates at INT64_MAX. */
static inline uint64_t timespec_to_ns(const struct timespec *t)
{
	return t->tv_sec > INT64_MAX / (int64_t)NSEC_PER_SEC - 1
		       ? INT64_MAX
		       : (uint64_t)t->tv_sec * NSEC_PER_SEC + (uint64_t)t->tv_nsec;
}
/* Called whenever the wall clock is set or its rate is, in any context: compat updates the vDSO
 * page. */
extern void (*realtime_changed)(void);
void time_init(void);
