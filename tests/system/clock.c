/*
 * clock.c - what happens to those who wait for a moment of the wall clock when it is set, and how
 * it runs when it is told to: things that cannot be tried on the host. Prints what fails; exits 1
 * then.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FAR 1000 /* seconds */

static bool failed;
static volatile sig_atomic_t fired;

static void check(const char *what, bool holds)
{
	printf("%s: %s\n", what, holds ? "yes" : "NO");
	failed |= !holds;
}

static int64_t now_ns(clockid_t clock, bool by_call)
{
	struct timespec ts;

	if (by_call)
		syscall(SYS_clock_gettime, clock, &ts);
	else
		clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static void step(long seconds)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += seconds;
	if (clock_settime(CLOCK_REALTIME, &ts))
		perror("clock_settime");
}

static struct timespec in(long seconds)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += seconds;
	return ts;
}

/* How a child that runs @wait ends after the clock was set by @seconds: its code, or -1: it waits
 * on. */
static int after_step(int (*wait)(void), long seconds)
{
	int status = 0;
	pid_t pid = fork(), done;

	if (!pid) {
		alarm(20);
		_exit(wait());
	}
	usleep(200000);
	step(seconds);
	for (int i = 0; i < 100; i++) {
		done = waitpid(pid, &status, WNOHANG);
		if (done == pid)
			break;
		usleep(10000);
	}
	step(-seconds);
	if (done != pid) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return -1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int sleeper(void)
{
	struct timespec ts = in(FAR);

	return clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL);
}

static int relative_sleeper(void)
{
	struct timespec ts = {FAR, 0};

	return clock_nanosleep(CLOCK_REALTIME, 0, &ts, NULL);
}

static int futex_waiter(void)
{
	struct timespec ts = in(FAR);
	uint32_t word = 0;

	syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &ts, NULL, ~0u);
	return errno;
}

static int pi_waiter(void)
{
	struct timespec ts = in(FAR);
	uint32_t word = (uint32_t)getppid();

	syscall(SYS_futex, &word, FUTEX_LOCK_PI, 0, &ts, NULL, 0);
	return errno;
}

static void on_alarm(int number)
{
	(void)number;
	fired = 1;
}

static int timer_waiter(void)
{
	struct itimerspec at = {.it_value = in(FAR)};
	timer_t timer;

	signal(SIGUSR1, on_alarm);
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	timer_create(CLOCK_REALTIME, &event, &timer);
	timer_settime(timer, TIMER_ABSTIME, &at, NULL);
	while (!fired)
		pause();
	return 7;
}

static void steps(void)
{
	check("a sleeper wakes when its time is passed over", after_step(sleeper, 2 * FAR) == 0);
	check("and sleeps on when the clock is set back", after_step(sleeper, -FAR) == -1);
	check("a relative sleep is not concerned", after_step(relative_sleeper, 2 * FAR) == -1);
	check("a futex times out", after_step(futex_waiter, 2 * FAR) == ETIMEDOUT);
	check("a futex with an owner does", after_step(pi_waiter, 2 * FAR) == ETIMEDOUT);
	check("a timer fires", after_step(timer_waiter, 2 * FAR) == 7);
	check("and does not when the clock is set back", after_step(timer_waiter, -FAR) == -1);
}

/* How far the wall clock is ahead of the other one: read between two looks close together. */
static int64_t ahead(bool by_call, int64_t *mono)
{
	int64_t before, real, gap;

	for (int tries = 0; tries < 1000; tries++) {
		before = now_ns(CLOCK_MONOTONIC, by_call);
		real = now_ns(CLOCK_REALTIME, by_call);
		gap = now_ns(CLOCK_MONOTONIC, by_call) - before;
		if (gap < 20000)
			break;
	}
	*mono = before + gap / 2;
	return real - *mono;
}

/* Gain of the wall clock on the other one over about a second, in ppm. */
static int64_t gain(bool by_call)
{
	int64_t from, to, before = ahead(by_call, &from), after;

	usleep(1000000);
	after = ahead(by_call, &to);
	return (after - before) * 1000000 / (to - from);
}

static bool about(int64_t value, int64_t want, int64_t tolerance)
{
	printf("  %lld, should be about %lld\n", (long long)value, (long long)want);
	return value >= want - tolerance && value <= want + tolerance;
}

static void rates(void)
{
	struct timex tx = {.modes = ADJ_TICK, .tick = 11000};

	check("no rate, no gain", about(gain(true), 0, 20));
	adjtimex(&tx);
	check("ticks of 11 ms gain a tenth", about(gain(true), 100000, 5000));
	check("seen without a call too", about(gain(false), 100000, 5000));
	struct timespec ts = in(2);
	int64_t began = now_ns(CLOCK_MONOTONIC, true);
	clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL);
	check("and a sleep is shorter by it",
		about((now_ns(CLOCK_MONOTONIC, true) - began) / 1000000, 1818, 60));
	tx = (struct timex){.modes = ADJ_TICK | ADJ_FREQUENCY, .tick = 10000, .freq = -400 * 65536};
	adjtimex(&tx);
	check("a frequency of -400 ppm", about(gain(false), -400, 60));
	tx = (struct timex){.modes = ADJ_FREQUENCY};
	adjtimex(&tx);
	tx = (struct timex){.modes = ADJ_OFFSET_SINGLESHOT, .offset = 3000};
	adjtimex(&tx);
	check("adjtime works at 500 ppm", about(gain(false), 500, 60));
	tx = (struct timex){.modes = ADJ_OFFSET_SS_READ};
	adjtimex(&tx);
	check("and tells what is left", tx.offset > 1000 && tx.offset < 3000);
	tx = (struct timex){.modes = ADJ_OFFSET_SINGLESHOT};
	adjtimex(&tx);
	usleep(1100000);
	check("and can be taken back", about(gain(true), 0, 60));
	tx = (struct timex){.modes = ADJ_STATUS | ADJ_OFFSET | ADJ_TIMECONST | ADJ_NANO,
		.status = STA_PLL | STA_FREQHOLD,
		.constant = 0,
		.offset = 40000000};
	adjtimex(&tx);
	check("an offset of 40 ms: a quarter in the first second", about(gain(false), 10000, 800));
	check("three sixteenths in the second", about(gain(false), 7500, 1200));
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "rates"))
		rates();
	else
		steps();
	return failed;
}
