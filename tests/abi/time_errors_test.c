/*
 * time_errors_test.c - what the calls on clocks and timers refuse. Nothing here sets a clock: who
 * may is not asked before what is wrong.
 */
#include "abi.h"

#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <time.h>

/* A clock of a process that does not exist, and one of a descriptor that is no clock. */
#define CPU_CLOCK(pid)  ((clockid_t)(~(unsigned)(pid) << 3 | 2))
#define FD_CLOCK(fd)    ((clockid_t)(~(unsigned)(fd) << 3 | 3))
#define GONE            99999999
#define SIGEV_THREAD_ID 4

static struct timespec t;
static struct timex look, change = {.modes = ADJ_FREQUENCY},
			  odd_tick = {.modes = ADJ_TICK, .tick = 1};

CASE(clocks)
{
	static const clockid_t clocks[] = {
		10, 12, 100, INT_MAX, CPU_CLOCK(GONE), FD_CLOCK(0), FD_CLOCK(99)};

	for (unsigned i = 0; i < COUNT(clocks); i++) {
		say("clock number %u", i);
		R(sc(clock_gettime, clocks[i], &t));
		R(sc(clock_getres, clocks[i], &t));
		R(sc(clock_getres, clocks[i], NULL));
		R(sc(clock_settime, clocks[i], &t));
		R(sc(clock_nanosleep, clocks[i], 0, &t, NULL));
		R(sc(clock_adjtime, clocks[i], &look));
	}
	R(sc(clock_gettime, CLOCK_MONOTONIC, BAD_PTR));
	R(sc(clock_gettime, 100, BAD_PTR));
	R(sc(clock_getres, CLOCK_MONOTONIC, BAD_PTR));
	R(sc(clock_getres, CLOCK_MONOTONIC, NULL));
}

CASE(setting)
{
	static const clockid_t fixed[] = {CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW,
		CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_PROCESS_CPUTIME_ID,
		CLOCK_THREAD_CPUTIME_ID, CLOCK_REALTIME_ALARM, CLOCK_TAI};
	struct timespec bad = {0, 1000000000}, negative = {-1, 0};
	struct timeval big = {0, 1000000}, small = {0, -1}, second = {1, 0};
	struct timezone zone = {0, 0};

	for (unsigned i = 0; i < COUNT(fixed); i++) {
		say("clock number %u", i);
		R(sc(clock_settime, fixed[i], &bad));
		R(sc(clock_settime, fixed[i], BAD_PTR));
		R(sc(clock_adjtime, fixed[i], &look));
	}
	R(sc(clock_settime, CLOCK_REALTIME, &bad));
	R(sc(clock_settime, CLOCK_REALTIME, &negative));
	R(sc(clock_settime, CLOCK_REALTIME, BAD_PTR));
	R(sc(settimeofday, BAD_PTR, NULL));
	R(sc(settimeofday, NULL, BAD_PTR));
	R(sc(settimeofday, &big, NULL));
	R(sc(settimeofday, &small, NULL));
	IN_CHILD
	{
		drop_to(1000, 1000);
		t = (struct timespec){1, 0};
		R(sc(clock_settime, CLOCK_REALTIME, &t));
		R(sc(clock_settime, CLOCK_REALTIME, &bad));
		R(sc(clock_settime, CLOCK_MONOTONIC, &t));
		R(sc(settimeofday, &second, NULL));
		R(sc(settimeofday, &big, NULL));
		R(sc(settimeofday, NULL, &zone));
		R(sc(clock_adjtime, CLOCK_REALTIME, &change));
		R(sc(clock_adjtime, CLOCK_MONOTONIC, &change));
		R(sc(adjtimex, &change));
		R(sc(adjtimex, &odd_tick));
	}
	R(sc(clock_adjtime, CLOCK_REALTIME, BAD_PTR));
	R(sc(adjtimex, BAD_PTR));
}

CASE(sleeping)
{
	struct timespec bad = {0, 1000000000}, negative = {-1, 0}, odd = {0, -1}, none = {0, 0};

	R(sc(nanosleep, &bad, NULL));
	R(sc(nanosleep, &negative, NULL));
	R(sc(nanosleep, &odd, NULL));
	R(sc(nanosleep, BAD_PTR, NULL));
	R(sc(nanosleep, &none, BAD_PTR));
	R(sc(clock_nanosleep, CLOCK_MONOTONIC, 0, &bad, NULL));
	R(sc(clock_nanosleep, CLOCK_MONOTONIC, 0, &negative, NULL));
	R(sc(clock_nanosleep, CLOCK_MONOTONIC, 0, BAD_PTR, NULL));
	R(sc(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &negative, NULL));
	R(sc(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &none, BAD_PTR));
	R(sc(clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &none, NULL));
	R(sc(clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &none, NULL));
	R(sc(clock_nanosleep, CLOCK_REALTIME_COARSE, 0, &none, NULL));
	R(sc(clock_nanosleep, CLOCK_MONOTONIC_COARSE, 0, &none, NULL));
}

CASE(interval_timers)
{
	struct itimerval v = {{0, 0}, {0, 1000000}}, old;

	R(sc(setitimer, 3, &v, NULL));
	R(sc(setitimer, -1, &v, NULL));
	R(sc(setitimer, ITIMER_REAL, &v, NULL));
	v.it_value.tv_usec = -1;
	R(sc(setitimer, ITIMER_REAL, &v, NULL));
	v.it_value.tv_usec = 0;
	v.it_value.tv_sec = -1;
	R(sc(setitimer, ITIMER_REAL, &v, NULL));
	v.it_value.tv_sec = 0;
	v.it_interval.tv_usec = 1000000;
	R(sc(setitimer, ITIMER_REAL, &v, NULL));
	R(sc(setitimer, ITIMER_REAL, BAD_PTR, NULL));
	R(sc(setitimer, ITIMER_REAL, NULL, BAD_PTR));
	R(sc(setitimer, ITIMER_REAL, NULL, NULL));
	R(sc(getitimer, 3, &old));
	R(sc(getitimer, -1, &old));
	R(sc(getitimer, ITIMER_REAL, BAD_PTR));
}

CASE(timers)
{
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec v = {{0, 0}, {1000, 0}}, bad = {{0, 0}, {0, 1000000000}};
	int id = -1, gone = 12345;

	R(sc(timer_create, 100, &e, &id));
	R(sc(timer_create, CLOCK_MONOTONIC_RAW, &e, &id));
	R(sc(timer_create, CLOCK_REALTIME_COARSE, &e, &id));
	R(sc(timer_create, CLOCK_MONOTONIC_COARSE, &e, &id));
	R(sc(timer_create, CPU_CLOCK(GONE), &e, &id));
	R(sc(timer_create, FD_CLOCK(0), &e, &id));
	R(sc(timer_create, CLOCK_MONOTONIC, BAD_PTR, &id));
	R(sc(timer_create, CLOCK_MONOTONIC, &e, BAD_PTR));
	e.sigev_signo = 65;
	R(sc(timer_create, CLOCK_MONOTONIC, &e, &id));
	e.sigev_signo = 0;
	R(sc(timer_create, CLOCK_MONOTONIC, &e, &id));
	e.sigev_signo = SIGUSR1;
	e.sigev_notify = 9;
	R(sc(timer_create, CLOCK_MONOTONIC, &e, &id));
	e.sigev_notify = SIGEV_THREAD_ID;
	R(sc(timer_create, CLOCK_MONOTONIC, &e, &id));
	e.sigev_notify = SIGEV_SIGNAL;
	R(sc(timer_create, CLOCK_MONOTONIC, &e, &id));
	R(sc(timer_settime, id, 0, NULL, NULL));
	R(sc(timer_settime, id, 0, BAD_PTR, NULL));
	R(sc(timer_settime, id, 0, &bad, NULL));
	R(sc(timer_settime, id, 2, &v, NULL));
	R(sc(timer_settime, gone, 0, &v, NULL));
	R(sc(timer_settime, gone, 0, &bad, NULL));
	R(sc(timer_settime, -1, 0, &v, NULL));
	R(sc(timer_settime, id, 0, &v, BAD_PTR));
	R(sc(timer_gettime, gone, &v));
	R(sc(timer_gettime, id, BAD_PTR));
	R(sc(timer_gettime, gone, BAD_PTR));
	R(sc(timer_getoverrun, gone));
	R(sc(timer_getoverrun, -1));
	R(sc(timer_delete, gone));
	R(sc(timer_delete, -1));
	R(sc(timer_delete, id));
	R(sc(timer_delete, id));
	R(sc(timer_gettime, id, &v));
	IN_CHILD
	{
		drop_to(1000, 1000);
		R(sc(timerfd_create, CLOCK_REALTIME_ALARM, 0));
		R(sc(timerfd_create, CLOCK_BOOTTIME_ALARM, 0));
	}
}
