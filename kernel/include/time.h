/*
 * time.h - wall clock over clock_ns(): realtime = monotonic + offset; settable, slewed by adjtime.
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
void realtime_set_ns(int64_t ns);
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
/* Told whenever the wall clock is set, in whatever context sets it (not interrupts). Registered at
 * boot, for ever. */
struct realtime_watcher {
	struct realtime_watcher *next;
	void (*changed)(struct realtime_watcher *w);
};
void realtime_watch(struct realtime_watcher *w);
void time_init(void);
