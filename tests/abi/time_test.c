/*
 * time_test.c - clocks, sleeps, interval timers, POSIX timers, alarm.
 */
#include "abi.h"

#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>

static long ns_between(struct timespec a, struct timespec b)
{
	return (b.tv_sec - a.tv_sec) * 1000000000l + b.tv_nsec - a.tv_nsec;
}

CASE(clocks)
{
	struct timespec a, b, res;

	for (int clock = -1; clock < 14; clock++) {
		if (clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM)
			continue; /* there with a clock that wakes the machine only */

		long got = sc(clock_gettime, clock, &a);

		say("clock %d: %s", clock, got ? errno_name(errno) : "ok");
		got = sc(clock_getres, clock, &res);
		if (got)
			say("clock %d resolution: %s", clock, errno_name(errno));
		else
			say("clock %d resolution: ok", clock);
	}
	R(sc(clock_gettime, CLOCK_MONOTONIC, BAD_PTR));
	R(sc(clock_getres, CLOCK_MONOTONIC, BAD_PTR));
	R(sc(clock_getres, CLOCK_MONOTONIC, NULL));
	clock_getres(CLOCK_MONOTONIC, &res);
	V(res.tv_sec);
	V(res.tv_nsec);
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < 10000; i++) {
		clock_gettime(CLOCK_MONOTONIC, &b);
		if (ns_between(a, b) < 0)
			say("went back");
		a = b;
	}
	clock_gettime(CLOCK_BOOTTIME, &b);
	T(ns_between(a, b) >= 0);
	T(b.tv_nsec >= 0 && b.tv_nsec < 1000000000);
	clock_gettime(CLOCK_REALTIME, &a);
	T(a.tv_sec > 1600000000);
	clock_gettime(CLOCK_REALTIME_COARSE, &b);
	T(labs(ns_between(a, b)) < 100000000);
	clock_gettime(CLOCK_TAI, &b);
	T(ns_between(a, b) >= 0);
}

CASE(system_call_and_library_agree)
{
	struct timespec a, b;
	struct timeval tv;
	long apart;

	clock_gettime(CLOCK_REALTIME, &a);
	sc(clock_gettime, CLOCK_REALTIME, &b);
	apart = ns_between(a, b);
	T(apart >= 0 && apart < 1000000000);
	sc(clock_gettime, CLOCK_MONOTONIC, &a);
	clock_gettime(CLOCK_MONOTONIC, &b);
	apart = ns_between(a, b);
	T(apart >= 0 && apart < 1000000000);
	gettimeofday(&tv, NULL);
	R(sc(gettimeofday, &tv, NULL));
	T(labs(tv.tv_sec - time(NULL)) < 3);
	T(labs(sc(time, NULL) - tv.tv_sec) < 3);
	R(sc(gettimeofday, NULL, NULL));
	R(sc(gettimeofday, BAD_PTR, NULL));
	R(sc(gettimeofday, NULL, BAD_PTR));
	R(sc(time, BAD_PTR));
}

CASE(cpu_clocks)
{
	struct timespec before, after, thread;
	clockid_t own;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	while (ns_between(before, after) < 50000000);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &thread);
	T(thread.tv_sec * 1000000000 + thread.tv_nsec >= 50000000);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	pause_ms(100);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	T(ns_between(before, after) < 60000000);
	R(clock_getcpuclockid(0, &own));
	R(clock_gettime(own, &after));
	say("%s", errno_name(clock_getcpuclockid(99999, &own)));
	T(clock() > 0);
}

CASE(setting_clocks)
{
	struct timespec ts = {0, -1};
	struct timeval tv = {0, -1};
	struct timex tx = {0};

	R(sc(clock_settime, CLOCK_REALTIME, &ts));
	ts.tv_nsec = 1000000000;
	R(sc(clock_settime, CLOCK_REALTIME, &ts));
	ts = (struct timespec){0, 0};
	R(sc(clock_settime, CLOCK_MONOTONIC, &ts));
	R(sc(clock_settime, 99, &ts));
	R(sc(clock_settime, CLOCK_REALTIME, BAD_PTR));
	R(sc(settimeofday, &tv, NULL));
	R(sc(settimeofday, BAD_PTR, NULL));
	R(sc(settimeofday, NULL, NULL));
	R(sc(adjtimex, BAD_PTR));
	R(sc(adjtimex, &tx) >= 0);
	IN_CHILD
	{
		drop_to(1000, 1000);
		R(sc(clock_settime, CLOCK_REALTIME, &ts));
		tv.tv_usec = 0;
		R(sc(settimeofday, &tv, NULL));
		R(sc(adjtimex, &tx) >= 0);
		tx.modes = ADJ_FREQUENCY;
		R(sc(adjtimex, &tx));
	}
}

/* Reading, and errors; and what can be set and put back without telling the machine a wrong time.
 */
CASE(clock_discipline)
{
	static const unsigned modes[] = {0, 0x8000, 0x8001, 0xa001, 0x2001 /* NANO, OFFSET */,
		0x1000, 0x4000, 0x100, 0x2100, 0x80, 0x20, 0x8, 0x40000000};
	struct timex tx = {0}, before = {0};

	T(adjtimex(&before) >= 0);
	T(before.tick >= 9000 && before.tick <= 11000);
	V(before.precision);
	V(before.tolerance);
	for (unsigned i = 0; i < COUNT(modes); i++) {
		IN_CHILD
		{
			drop_to(1000, 1000);
			memset(&tx, 0, sizeof(tx));
			tx.modes = modes[i];
			tx.tick = 10000;
			long result = sc(adjtimex, &tx);

			say("modes %#x: %s", modes[i], result < 0 ? errno_name(errno) : "ok");
		}
	}
	tx = (struct timex){.modes = ADJ_TICK, .tick = 8999};
	R(sc(adjtimex, &tx));
	tx.tick = 11001;
	R(sc(adjtimex, &tx));
	tx = (struct timex){.modes = ADJ_SETOFFSET, .time = {0, 1000000}};
	R(sc(adjtimex, &tx));
	tx.time.tv_usec = -1;
	R(sc(adjtimex, &tx));
	tx.modes |= ADJ_NANO;
	tx.time.tv_usec = 1000000000;
	R(sc(adjtimex, &tx));
	tx = (struct timex){.modes = 0x8000};
	R(sc(adjtimex, &tx));
	R(sc(clock_adjtime, CLOCK_MONOTONIC, &tx));
	R(sc(clock_adjtime, 99, &tx));
	R(sc(clock_adjtime, CLOCK_REALTIME, BAD_PTR));
	tx = (struct timex){
		.modes = ADJ_ESTERROR | ADJ_MAXERROR, .esterror = 1234, .maxerror = 5678};
	T(sc(clock_adjtime, CLOCK_REALTIME, &tx) >= 0);
	V(tx.esterror);
	T(tx.maxerror == 5678);
	tx = (struct timex){
		.modes = ADJ_ESTERROR | ADJ_MAXERROR, .esterror = -5, .maxerror = 1l << 60};
	T(sc(adjtimex, &tx) >= 0);
	V(tx.esterror);
	V(tx.maxerror);
	tx = before;
	tx.modes = ADJ_ESTERROR | ADJ_MAXERROR;
	sc(adjtimex, &tx);
}

CASE(adjtime_calls)
{
	struct timeval delta = {0, 3}, old = {9, 9};

	R(adjtime(&delta, &old));
	delta.tv_usec = 0;
	R(adjtime(&delta, &old));
	T(old.tv_sec == 0 && old.tv_usec >= 0 && old.tv_usec <= 3);
	R(adjtime(NULL, &old));
	V(old.tv_usec);
}

CASE(sleeping)
{
	struct timespec ts = {0, 0}, bad = {0, 1000000000}, negative = {-1, 0}, a, b;

	R(sc(nanosleep, &ts, NULL));
	R(sc(nanosleep, &bad, NULL));
	R(sc(nanosleep, &negative, NULL));
	R(sc(nanosleep, BAD_PTR, NULL));
	R(sc(clock_nanosleep, CLOCK_MONOTONIC, 0, &ts, NULL));
	R(sc(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL));
	R(sc(clock_nanosleep, CLOCK_MONOTONIC, 0, &bad, NULL));
	R(sc(clock_nanosleep, 99, 0, &ts, NULL));
	R(sc(clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &ts, NULL));
	R(sc(clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &ts, NULL));
	R(sc(clock_nanosleep, CLOCK_MONOTONIC, 0, BAD_PTR, NULL));
	R(sc(clock_nanosleep, CLOCK_REALTIME, 0x100, &ts, NULL));
	ts.tv_nsec = 50000000;
	clock_gettime(CLOCK_MONOTONIC, &a);
	R(nanosleep(&ts, NULL));
	clock_gettime(CLOCK_MONOTONIC, &b);
	T(ns_between(a, b) >= 50000000);
	a = b;
	b.tv_nsec += 40000000;
	if (b.tv_nsec >= 1000000000)
		b.tv_nsec -= 1000000000, b.tv_sec++;
	R(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &b, NULL));
	clock_gettime(CLOCK_MONOTONIC, &ts);
	T(ns_between(b, ts) >= 0);
	clock_gettime(CLOCK_REALTIME, &b);
	b.tv_nsec += 40000000;
	if (b.tv_nsec >= 1000000000)
		b.tv_nsec -= 1000000000, b.tv_sec++;
	R(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &b, NULL));
	clock_gettime(CLOCK_REALTIME, &ts);
	T(ns_between(b, ts) >= 0);
}

CASE(remaining_time)
{
	struct timespec ts = {10, 0}, left = {99, 99};
	struct itimerval soon = {{0, 0}, {0, 50000}};

	catch_signal(SIGALRM, 0);
	setitimer(ITIMER_REAL, &soon, NULL);
	R(nanosleep(&ts, &left));
	T(left.tv_sec == 9 && left.tv_nsec > 0);
	setitimer(ITIMER_REAL, &soon, NULL);
	R(sc(nanosleep, &ts, BAD_PTR));
	setitimer(ITIMER_REAL, &soon, NULL);
	R(sc(nanosleep, &ts, NULL));
	left = (struct timespec){99, 99};
	setitimer(ITIMER_REAL, &soon, NULL);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += 10;
	R(sc(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, &left));
	V(left.tv_sec);
	V(caught);
}

CASE(interval_timers)
{
	struct itimerval value = {{0, 10000}, {0, 10000}}, old, bad = {{0, 0}, {0, 1000000}};

	catch_signal(SIGALRM, SA_RESTART);
	R(setitimer(ITIMER_REAL, &value, NULL));
	while (caught < 5)
		pause();
	say("five");
	V(caught_code);
	value = (struct itimerval){{0, 0}, {0, 0}};
	R(setitimer(ITIMER_REAL, &value, &old));
	V(old.it_interval.tv_usec);
	T(old.it_value.tv_usec > 0 || old.it_value.tv_sec == 0);
	R(getitimer(ITIMER_REAL, &old));
	V(old.it_value.tv_sec + old.it_value.tv_usec);
	R(setitimer(ITIMER_REAL, &bad, NULL));
	R(sc(setitimer, 9, &value, NULL));
	R(sc(getitimer, 9, &value));
	R(sc(setitimer, ITIMER_REAL, BAD_PTR, NULL));
	R(sc(getitimer, ITIMER_REAL, BAD_PTR));
	R(sc(setitimer, ITIMER_REAL, NULL, &old));
	value.it_value.tv_sec = 100;
	R(setitimer(ITIMER_REAL, &value, NULL));
	IN_CHILD
	{
		getitimer(ITIMER_REAL, &old);
		V(old.it_value.tv_sec);
	}
	R(alarm(0));
	R(alarm(50));
	R(alarm(20));
	R(alarm(0));
	R(alarm(0));
}

CASE(cpu_timers)
{
	struct itimerval value = {{0, 0}, {0, 30000}};

	catch_signal(SIGVTALRM, 0);
	catch_signal(SIGPROF, 0);
	R(setitimer(ITIMER_VIRTUAL, &value, NULL));
	while (!caught)
		;
	say("%s", signal_name(caught_signal));
	caught = 0;
	R(setitimer(ITIMER_PROF, &value, NULL));
	while (!caught)
		;
	say("%s", signal_name(caught_signal));
	IN_CHILD
	{
		default_signal(SIGVTALRM);
		setitimer(ITIMER_VIRTUAL, &value, NULL);
		for (;;)
			;
	}
}

CASE(alarm_kills)
{
	IN_CHILD
	{
		alarm(1);
		for (;;)
			pause();
	}
}

static siginfo_t timer_info;

static void on_timer(int number, siginfo_t *info, void *context)
{
	on_signal(number, info, context);
	timer_info = *info;
}

CASE(posix_timers)
{
	struct sigaction action = {.sa_sigaction = on_timer, .sa_flags = SA_SIGINFO};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3};
	struct itimerspec value = {{0, 10000000}, {0, 10000000}}, now;
	int timer = -1, second = -1;

	event.sigev_value.sival_int = 1234;
	sigaction(SIGRTMIN + 3, &action, NULL);
	R(sc(timer_create, CLOCK_MONOTONIC, &event, &timer));
	V(timer);
	R(sc(timer_gettime, timer, &now));
	V(now.it_value.tv_sec + now.it_value.tv_nsec);
	R(sc(timer_settime, timer, 0, &value, &now));
	while (caught < 3)
		pause();
	say("code %d value %d timer %d", timer_info.si_code, timer_info.si_value.sival_int,
		timer_info.si_timerid);
	block_signal(SIGRTMIN + 3);
	pause_ms(200);
	unblock_signal(SIGRTMIN + 3);
	T(timer_info.si_overrun > 3 || sc(timer_getoverrun, timer) > 3);
	value = (struct itimerspec){{0, 0}, {0, 0}};
	R(sc(timer_settime, timer, 0, &value, &now));
	V(now.it_interval.tv_nsec);
	value.it_value.tv_nsec = -1;
	R(sc(timer_settime, timer, 0, &value, NULL));
	R(sc(timer_settime, timer, 0, BAD_PTR, NULL));
	R(sc(timer_settime, timer, 0, NULL, NULL));
	value.it_value.tv_nsec = 1;
	R(sc(timer_settime, timer, TIMER_ABSTIME, &value, NULL));
	pause_ms(20);
	R(sc(timer_create, CLOCK_REALTIME, NULL, &second));
	V(second);
	R(sc(timer_delete, timer));
	R(sc(timer_delete, timer));
	R(sc(timer_gettime, timer, &now));
	R(sc(timer_getoverrun, 99));
	R(sc(timer_settime, 99, 0, &value, NULL));
	event.sigev_notify = 77;
	R(sc(timer_create, CLOCK_MONOTONIC, &event, &timer));
	event.sigev_notify = SIGEV_SIGNAL;
	event.sigev_signo = 99;
	R(sc(timer_create, CLOCK_MONOTONIC, &event, &timer));
	event.sigev_signo = SIGUSR1;
	R(sc(timer_create, 99, &event, &timer));
	R(sc(timer_create, CLOCK_MONOTONIC, BAD_PTR, &timer));
	R(sc(timer_create, CLOCK_MONOTONIC, NULL, BAD_PTR));
	event.sigev_notify = SIGEV_NONE;
	R(sc(timer_create, CLOCK_MONOTONIC, &event, &timer));
	value = (struct itimerspec){{0, 0}, {50, 0}};
	R(sc(timer_settime, timer, 0, &value, NULL));
	R(sc(timer_gettime, timer, &now));
	T(now.it_value.tv_sec >= 48);
	IN_CHILD
	{
		R(sc(timer_gettime, timer, &now));
	}
}

CASE(default_timer)
{
	struct sigaction action = {.sa_sigaction = on_timer, .sa_flags = SA_SIGINFO};
	struct itimerspec value = {{0, 0}, {0, 10000000}};
	int timer = -1;

	sigaction(SIGALRM, &action, NULL);
	R(sc(timer_create, CLOCK_MONOTONIC, NULL, &timer));
	R(sc(timer_create, CLOCK_MONOTONIC, NULL, &timer));
	R(sc(timer_settime, timer, 0, &value, NULL));
	while (!caught)
		pause();
	say("code %d value %d timer %d", timer_info.si_code, timer_info.si_value.sival_int,
		timer_info.si_timerid);
}

CASE(poll_timeouts)
{
	struct timespec a, b, ts = {0, 30000000};
	struct timeval tv = {0, 30000};

	clock_gettime(CLOCK_MONOTONIC, &a);
	R(sc(poll, NULL, 0, 30));
	clock_gettime(CLOCK_MONOTONIC, &b);
	T(ns_between(a, b) >= 30000000);
	R(sc(select, 0, NULL, NULL, NULL, &tv));
	V(tv.tv_sec + tv.tv_usec);
	R(sc(pselect6, 0, NULL, NULL, NULL, &ts, NULL));
	V(ts.tv_sec + ts.tv_nsec);
	ts.tv_nsec = 30000000;
	R(sc(ppoll, NULL, 0, &ts, NULL, 8));
	V(ts.tv_sec + ts.tv_nsec);
}
