/*
 * event_errors_test.c - the errors of the calls that wait for events, call by call: epoll(7),
 * eventfd(2), timerfd_create(2), signalfd(2), poll(2), select(2). What they do when all is well is
 * in events_test.c.
 */
#include "abi.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

#define SIGSET_BYTES 8 /* of the kernel's sigset_t */

static unsigned long no_signals;
static struct epoll_event ready[8];

static int pair(int ends[2])
{
	return pipe2(ends, O_CLOEXEC | O_NONBLOCK);
}

/* Sends SIGALRM once, soon enough for a call that would wait long. */
static void alarm_soon(void)
{
	struct itimerval soon = {.it_value = {.tv_usec = 30000}};

	setitimer(ITIMER_REAL, &soon, NULL);
}

/* No further descriptor can be opened. */
static void limit_descriptors(rlim_t limit)
{
	struct rlimit r = {.rlim_cur = limit, .rlim_max = limit};

	R(setrlimit(RLIMIT_NOFILE, &r));
}

CASE(no_descriptor_left)
{
	unsigned long mask = 0;
	int taken = eventfd(0, 0);

	limit_descriptors((rlim_t)taken + 1);
	R(sc(epoll_create, 1));
	R(sc(epoll_create1, 0));
	R(sc(eventfd, 0));
	R(sc(eventfd2, 0, 0));
	R(sc(timerfd_create, CLOCK_MONOTONIC, 0));
	R(sc(signalfd, -1, &mask, SIGSET_BYTES));
	R(sc(signalfd4, -1, &mask, SIGSET_BYTES, 0));
	/* A bad argument is found before the lack. */
	R(sc(epoll_create, 0));
	R(sc(epoll_create1, 1));
	R(sc(eventfd2, 0, 2));
	R(sc(timerfd_create, 99, 0));
	R(sc(signalfd4, -1, BAD_PTR, SIGSET_BYTES, 0));
	R(sc(signalfd4, -1, &mask, 4, 0));
}

CASE(creation_flags)
{
	unsigned long mask = 0;

	R(sc(epoll_create, -1));
	R(sc(epoll_create1, O_NONBLOCK));
	R(sc(epoll_create1, O_CLOEXEC | O_NONBLOCK));
	R(sc(epoll_create1, -1));
	R(sc(eventfd2, 0, EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK | 2));
	R(sc(eventfd2, 0, -1));
	R(sc(timerfd_create, CLOCK_MONOTONIC, 1));
	R(sc(timerfd_create, CLOCK_MONOTONIC, -1));
	R(sc(timerfd_create, CLOCK_THREAD_CPUTIME_ID, 0));
	R(sc(timerfd_create, CLOCK_PROCESS_CPUTIME_ID, 0));
	R(sc(timerfd_create, CLOCK_MONOTONIC_RAW, 0));
	R(sc(timerfd_create, CLOCK_REALTIME_COARSE, 0));
	R(sc(timerfd_create, CLOCK_TAI, 0));
	R(sc(timerfd_create, -1, 0));
	RZ(sc(timerfd_create, CLOCK_BOOTTIME, 0));
	R(sc(signalfd4, -1, &mask, SIGSET_BYTES, 1));
	R(sc(signalfd4, -1, &mask, SIGSET_BYTES, O_APPEND));
	R(sc(signalfd4, -1, &mask, SIGSET_BYTES, -1));
}

CASE(epoll_ctl_errors)
{
	int ep = epoll_create1(0), other = epoll_create1(0), p[2], file = make("file", O_RDWR);
	struct epoll_event in = {.events = EPOLLIN}, odd = {.events = EPOLLIN | 1u << 27};
	struct epoll_event alone = {.events = EPOLLIN | EPOLLEXCLUSIVE};
	struct epoll_event once = {.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT};
	int dir = open(".", O_RDONLY), path = open(".", O_PATH), gone = dup(file);

	pair(p);
	close(gone);
	R(sc(epoll_ctl, ep, EPOLL_CTL_ADD, gone, &in));
	R(sc(epoll_ctl, gone, EPOLL_CTL_ADD, p[0], &in));
	R(sc(epoll_ctl, -1, EPOLL_CTL_ADD, p[0], &in));
	R(sc(epoll_ctl, ep, EPOLL_CTL_ADD, -1, &in));
	R(sc(epoll_ctl, ep, EPOLL_CTL_ADD, path, &in));
	R(sc(epoll_ctl, path, EPOLL_CTL_ADD, p[0], &in));
	R(sc(epoll_ctl, ep, EPOLL_CTL_ADD, file, &in));
	R(sc(epoll_ctl, ep, EPOLL_CTL_ADD, dir, &in));
	R(sc(epoll_ctl, ep, EPOLL_CTL_MOD, file, &in));
	R(sc(epoll_ctl, ep, EPOLL_CTL_DEL, file, &in));
	R(sc(epoll_ctl, p[0], EPOLL_CTL_ADD, ep, &in));
	R(sc(epoll_ctl, file, EPOLL_CTL_ADD, p[0], &in));
	R(sc(epoll_ctl, ep, EPOLL_CTL_ADD, ep, &in));
	R(sc(epoll_ctl, ep, 0, p[0], &in));
	R(sc(epoll_ctl, ep, 4, p[0], &in));
	R(sc(epoll_ctl, ep, -1, p[0], &in));
	R(sc(epoll_ctl, ep, EPOLL_CTL_ADD, p[0], NULL));
	R(sc(epoll_ctl, ep, EPOLL_CTL_ADD, p[0], BAD_PTR));
	R(sc(epoll_ctl, ep, EPOLL_CTL_ADD, p[0], KERNEL_PTR));
	R(sc(epoll_ctl, ep, EPOLL_CTL_MOD, p[0], BAD_PTR));
	R(sc(epoll_ctl, ep, 77, p[0], BAD_PTR));
	R(sc(epoll_ctl, ep, EPOLL_CTL_DEL, p[0], BAD_PTR));
	R(sc(epoll_ctl, ep, EPOLL_CTL_MOD, p[0], &in));
	R(sc(epoll_ctl, ep, EPOLL_CTL_ADD, p[0], &in));
	R(sc(epoll_ctl, ep, EPOLL_CTL_ADD, p[0], &in));
	R(sc(epoll_ctl, ep, EPOLL_CTL_MOD, p[0], &odd));
	R(sc(epoll_ctl, ep, EPOLL_CTL_MOD, p[0], &alone));
	R(sc(epoll_ctl, ep, EPOLL_CTL_DEL, p[0], NULL));
	R(sc(epoll_ctl, ep, EPOLL_CTL_ADD, p[0], &once));
	R(sc(epoll_ctl, ep, EPOLL_CTL_ADD, other, &alone));
	R(sc(epoll_ctl, ep, EPOLL_CTL_ADD, p[0], &alone));
	R(sc(epoll_ctl, ep, EPOLL_CTL_MOD, p[0], &in));
	R(sc(epoll_ctl, ep, EPOLL_CTL_MOD, p[0], &alone));
	R(sc(epoll_ctl, ep, EPOLL_CTL_DEL, p[0], NULL));
}

CASE(circles_of_epolls)
{
	int chain[8], a = epoll_create1(0), b = epoll_create1(0), c = epoll_create1(0), p[2];
	struct epoll_event in = {.events = EPOLLIN};

	pair(p);
	R(sc(epoll_ctl, a, EPOLL_CTL_ADD, b, &in));
	R(sc(epoll_ctl, b, EPOLL_CTL_ADD, c, &in));
	R(sc(epoll_ctl, b, EPOLL_CTL_ADD, a, &in));
	R(sc(epoll_ctl, c, EPOLL_CTL_ADD, a, &in));
	R(sc(epoll_ctl, c, EPOLL_CTL_ADD, b, &in));
	R(sc(epoll_ctl, a, EPOLL_CTL_DEL, b, NULL));
	R(sc(epoll_ctl, c, EPOLL_CTL_ADD, a, &in));
	for (unsigned i = 0; i < COUNT(chain); i++) {
		chain[i] = epoll_create1(0);
		if (i)
			R(sc(epoll_ctl, chain[i], EPOLL_CTL_ADD, chain[i - 1], &in));
	}
	R(sc(epoll_ctl, chain[0], EPOLL_CTL_ADD, p[0], &in));
	R(sc(epoll_ctl, chain[0], EPOLL_CTL_ADD, a, &in));
}

CASE(epoll_wait_errors)
{
	int ep = epoll_create1(0), p[2], file = make("file", O_RDWR);
	struct epoll_event out = {.events = EPOLLOUT};
	struct timespec bad = {.tv_nsec = 1000000000}, negative = {.tv_sec = -1}, zero = {0};

	pair(p);
	epoll_ctl(ep, EPOLL_CTL_ADD, p[1], &out);
	R(sc(epoll_wait, -1, ready, 1, 0));
	R(sc(epoll_wait, 77, ready, 1, 0));
	R(sc(epoll_wait, file, ready, 1, 0));
	R(sc(epoll_wait, p[0], ready, 1, 0));
	R(sc(epoll_wait, ep, ready, 0, 0));
	R(sc(epoll_wait, ep, ready, -1, 0));
	R(sc(epoll_wait, ep, ready, INT_MAX, 0));
	R(sc(epoll_wait, ep, ready, INT_MAX / 12, 0));
	R(sc(epoll_wait, ep, BAD_PTR, 1, 0));
	R(sc(epoll_wait, ep, KERNEL_PTR, 1, 0));
	R(sc(epoll_wait, -1, KERNEL_PTR, 0, 0));
	R(sc(epoll_wait, ep, ready, 1, 0));
	R(sc(epoll_pwait, ep, ready, 1, 0, NULL, 0));
	R(sc(epoll_pwait, ep, ready, 1, 0, NULL, 77));
	R(sc(epoll_pwait, ep, ready, 1, 0, &no_signals, SIGSET_BYTES));
	R(sc(epoll_pwait, ep, ready, 1, 0, &no_signals, 4));
	R(sc(epoll_pwait, ep, ready, 1, 0, &no_signals, 16));
	R(sc(epoll_pwait, ep, ready, 1, 0, BAD_PTR, SIGSET_BYTES));
	R(sc(epoll_pwait, -1, ready, 1, 0, BAD_PTR, SIGSET_BYTES));
	R(sc(epoll_pwait2, ep, ready, 1, &bad, NULL, 0));
	R(sc(epoll_pwait2, ep, ready, 1, &negative, NULL, 0));
	R(sc(epoll_pwait2, ep, ready, 1, BAD_PTR, NULL, 0));
	R(sc(epoll_pwait2, -1, ready, 1, BAD_PTR, NULL, 0));
	R(sc(epoll_pwait2, -1, ready, 1, &zero, NULL, 0));
	R(sc(epoll_pwait2, ep, ready, 1, &zero, &no_signals, 4));
	R(sc(epoll_pwait2, ep, ready, 1, &zero, BAD_PTR, SIGSET_BYTES));
	R(sc(epoll_pwait2, ep, ready, 0, &zero, NULL, 0));
	R(sc(epoll_pwait2, ep, BAD_PTR, 1, &zero, NULL, 0));
	R(sc(epoll_pwait2, ep, ready, 1, &zero, NULL, 0));
	R(sc(epoll_pwait2, ep, ready, 1, NULL, NULL, 0));
	R(sc(read, ep, ready, 8));
	R(sc(write, ep, ready, 8));
	R(sc(lseek, ep, 0, SEEK_SET));
	R(sc(ftruncate, ep, 0));
	R(sc(fsync, ep));
}

CASE(waits_interrupted)
{
	int ep = epoll_create1(0), p[2], event = eventfd(0, 0), timer = timerfd_create(1, 0);
	struct pollfd item;
	struct timespec ten = {.tv_sec = 10};
	struct timeval ten_s = {.tv_sec = 10};
	unsigned long mask = 0;
	char bytes[128];
	int sig = (int)sc(signalfd4, -1, &mask, SIGSET_BYTES, 0);
	fd_set set;

	pair(p);
	item = (struct pollfd){.fd = p[0], .events = POLLIN};
	catch_signal(SIGALRM, SA_RESTART);
	alarm_soon();
	R(sc(epoll_wait, ep, ready, 1, 10000));
	alarm_soon();
	R(sc(epoll_wait, ep, ready, 1, -1));
	alarm_soon();
	R(sc(epoll_pwait, ep, ready, 1, 10000, &no_signals, SIGSET_BYTES));
	alarm_soon();
	R(sc(epoll_pwait2, ep, ready, 1, &ten, NULL, 0));
	alarm_soon();
	R(sc(poll, &item, 1, 10000));
	alarm_soon();
	R(sc(ppoll, &item, 1, &ten, NULL, 0));
	alarm_soon();
	FD_ZERO(&set);
	FD_SET(p[0], &set);
	R(sc(select, p[0] + 1 > 0 ? p[0] + 1 : 0, &set, NULL, NULL, &ten_s));
	T(FD_ISSET(p[0], &set));
	alarm_soon();
	R(sc(pselect6, p[0] + 1, &set, NULL, NULL, &ten, NULL));
	V(caught);
	catch_signal(SIGALRM, 0);
	alarm_soon();
	R(sc(read, event, bytes, 8));
	alarm_soon();
	R(sc(read, timer, bytes, 8));
	alarm_soon();
	R(sc(read, sig, bytes, 128));
	V(caught);
}

CASE(signals_let_in_while_waiting)
{
	int ep = epoll_create1(0), p[2];
	struct pollfd item;
	struct timespec zero = {0}, ten = {.tv_sec = 10};
	struct {
		const unsigned long *set;
		size_t bytes;
	} open_mask = {&no_signals, SIGSET_BYTES};

	pair(p);
	item = (struct pollfd){.fd = p[0], .events = POLLIN};
	catch_signal(SIGUSR1, 0);
	block_signal(SIGUSR1);
	kill(getpid(), SIGUSR1);
	R(sc(epoll_wait, ep, ready, 1, 0));
	V(caught);
	R(sc(epoll_pwait, ep, ready, 1, 10000, &no_signals, SIGSET_BYTES));
	V(caught);
	kill(getpid(), SIGUSR1);
	R(sc(epoll_pwait, ep, ready, 1, 0, &no_signals, SIGSET_BYTES));
	V(caught);
	kill(getpid(), SIGUSR1);
	R(sc(ppoll, &item, 1, &ten, &no_signals, SIGSET_BYTES));
	V(caught);
	kill(getpid(), SIGUSR1);
	R(sc(ppoll, &item, 1, &zero, &no_signals, SIGSET_BYTES));
	V(caught);
	kill(getpid(), SIGUSR1);
	R(sc(pselect6, 0, NULL, NULL, NULL, &ten, &open_mask));
	V(caught);
	kill(getpid(), SIGUSR1);
	R(sc(pselect6, 0, NULL, NULL, NULL, &zero, &open_mask));
	V(caught);
	write(p[1], "x", 1);
	kill(getpid(), SIGUSR1);
	R(sc(ppoll, &item, 1, &ten, &no_signals, SIGSET_BYTES));
	V(caught);
	unblock_signal(SIGUSR1);
	V(caught);
}

CASE(eventfd_errors)
{
	uint64_t value = UINT64_MAX, one = 1;
	int fd = eventfd(0, EFD_NONBLOCK), low = eventfd(UINT_MAX, EFD_NONBLOCK | EFD_SEMAPHORE);

	R(sc(read, fd, &value, 8));
	R(sc(read, fd, &value, 7));
	R(sc(read, fd, &value, 0));
	R(sc(read, fd, BAD_PTR, 8));
	R(sc(write, fd, &value, 8));
	R(sc(write, fd, &value, 7));
	R(sc(write, fd, &value, 0));
	R(sc(write, fd, BAD_PTR, 8));
	value = UINT64_MAX - 1;
	R(sc(write, fd, &value, 8));
	R(sc(write, fd, &one, 8));
	value = 0;
	R(sc(write, fd, &value, 16));
	R(sc(read, fd, BAD_PTR, 8));
	R(sc(read, fd, &value, 8)); /* a failed copy has taken the count */
	R(sc(read, low, &value, 16));
	T(value == 1);
	R(sc(pread64, fd, &value, 8, 0));
	R(sc(pwrite64, fd, &value, 8, 0));
	R(sc(lseek, fd, 0, SEEK_SET));
	R(sc(fsync, fd));
	R(sc(ftruncate, fd, 0));
	R(sc(ioctl, fd, 0x541b, &value)); /* FIONREAD */
	R(sc(timerfd_gettime, fd, ready));
	R(sc(signalfd4, fd, &no_signals, SIGSET_BYTES, 0));
}

CASE(timerfd_errors)
{
	struct itimerspec set = {.it_value = {.tv_sec = 100}}, old = {0};
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK), file = make("file", O_RDWR);
	int mono = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	uint64_t count;

	R(sc(timerfd_settime, -1, 0, &set, NULL));
	R(sc(timerfd_settime, 77, 0, &set, NULL));
	R(sc(timerfd_settime, file, 0, &set, NULL));
	R(sc(timerfd_settime, fd, 0, NULL, NULL));
	R(sc(timerfd_settime, fd, 0, BAD_PTR, NULL));
	R(sc(timerfd_settime, -1, 0, BAD_PTR, NULL));
	R(sc(timerfd_settime, -1, 4, &set, NULL));
	R(sc(timerfd_settime, fd, 4, &set, NULL));
	R(sc(timerfd_settime, fd, -1, &set, NULL));
	R(sc(timerfd_settime, fd, 0, &set, BAD_PTR));
	R(sc(timerfd_gettime, fd, &old));
	T(old.it_value.tv_sec >= 98);
	R(sc(timerfd_gettime, fd, BAD_PTR));
	R(sc(timerfd_gettime, fd, NULL));
	R(sc(timerfd_gettime, -1, &old));
	R(sc(timerfd_gettime, file, &old));
	R(sc(timerfd_gettime, file, BAD_PTR));
	set.it_value.tv_nsec = 1000000000;
	R(sc(timerfd_settime, fd, 0, &set, NULL));
	set.it_value.tv_nsec = -1;
	R(sc(timerfd_settime, fd, 0, &set, NULL));
	set.it_value = (struct timespec){.tv_sec = -1};
	R(sc(timerfd_settime, fd, 0, &set, NULL));
	set.it_value = (struct timespec){.tv_sec = 100};
	set.it_interval.tv_nsec = 1000000000;
	R(sc(timerfd_settime, fd, 0, &set, NULL));
	set.it_interval = (struct timespec){.tv_sec = -1};
	R(sc(timerfd_settime, fd, 0, &set, NULL));
	set.it_interval = (struct timespec){0};
	R(sc(timerfd_settime, fd, TFD_TIMER_CANCEL_ON_SET, &set, NULL));
	R(sc(timerfd_settime, fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &set, NULL));
	R(sc(timerfd_settime, mono, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &set, NULL));
	set.it_value = (struct timespec){0};
	R(sc(timerfd_settime, fd, 0, &set, &old));
	R(sc(timerfd_settime, mono, 0, &set, NULL));
	R(sc(read, fd, &count, 8));
	R(sc(read, fd, &count, 7));
	R(sc(read, fd, BAD_PTR, 8));
	R(sc(write, fd, &count, 8));
	R(sc(lseek, fd, 0, SEEK_SET));
	R(sc(ioctl, fd, 0x541b, &count)); /* FIONREAD */
	set.it_value.tv_nsec = 1;
	R(sc(timerfd_settime, mono, 0, &set, NULL));
	pause_ms(5);
	R(sc(read, mono, &count, 7));
	R(sc(read, mono, &count, 100));
	R(sc(read, mono, &count, 8));
}

CASE(signalfd_errors)
{
	unsigned long usr1 = 1ul << (SIGUSR1 - 1), deadly = 1ul << (SIGKILL - 1);
	int file = make("file", O_RDWR), fd;
	struct signalfd_siginfo info[2];

	block_signal(SIGUSR1);
	RZ(fd = (int)sc(signalfd4, -1, &usr1, SIGSET_BYTES, SFD_NONBLOCK));
	R(sc(signalfd4, file, &usr1, SIGSET_BYTES, 0));
	R(sc(signalfd4, 77, &usr1, SIGSET_BYTES, 0));
	R(sc(signalfd4, -2, &usr1, SIGSET_BYTES, 0));
	R(sc(signalfd4, fd, NULL, SIGSET_BYTES, 0));
	R(sc(signalfd4, fd, KERNEL_PTR, SIGSET_BYTES, 0));
	R(sc(signalfd4, fd, &usr1, 0, 0));
	R(sc(signalfd4, fd, &usr1, 16, 0));
	R(sc(signalfd, fd, &usr1, 16));
	R(sc(signalfd4, fd, &usr1, SIGSET_BYTES, SFD_CLOEXEC) == fd);
	R(fcntl(fd, F_GETFD));
	R(sc(read, fd, info, sizeof(info[0])));
	R(sc(read, fd, info, sizeof(info[0]) - 1));
	R(sc(read, fd, info, 0));
	kill(getpid(), SIGUSR1);
	R(sc(read, fd, info, sizeof(info[0]) - 1));
	R(sc(read, fd, BAD_PTR, sizeof(info[0])));
	R(sc(read, fd, info, sizeof(info)));
	kill(getpid(), SIGUSR1);
	R(sc(read, fd, info, sizeof(info)));
	V(info[0].ssi_signo);
	R(sc(write, fd, info, sizeof(info)));
	R(sc(lseek, fd, 0, SEEK_CUR));
	R(sc(signalfd4, fd, &deadly, SIGSET_BYTES, 0) == fd); /* silently left out */
	kill(getpid(), SIGUSR1);
	R(sc(read, fd, info, sizeof(info)));
}

CASE(poll_errors)
{
	struct pollfd items[4] = {{.fd = 77, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
	struct timespec bad = {.tv_nsec = 1000000000}, negative = {.tv_sec = -1}, zero = {0};
	int p[2];

	pair(p);
	items[2] = (struct pollfd){.fd = p[0], .events = POLLIN};
	items[3] = (struct pollfd){.fd = p[1], .events = POLLOUT | POLLIN};
	R(sc(poll, items, 4, 0));
	for (unsigned i = 0; i < COUNT(items); i++)
		HEX(items[i].revents);
	R(sc(poll, BAD_PTR, 1, 0));
	R(sc(poll, KERNEL_PTR, 1, 0));
	R(sc(poll, BAD_PTR, 0, 0));
	R(sc(poll, NULL, 0, 1));
	R(sc(poll, items, -1, 0));
	R(sc(ppoll, items, 4, &bad, NULL, 0));
	R(sc(ppoll, items, 4, &negative, NULL, 0));
	R(sc(ppoll, items, 4, BAD_PTR, NULL, 0));
	R(sc(ppoll, items, 4, &zero, &no_signals, 4));
	R(sc(ppoll, items, 4, &zero, BAD_PTR, SIGSET_BYTES));
	R(sc(ppoll, items, 4, &zero, NULL, 4));
	R(sc(ppoll, items, 4, NULL, NULL, 0));
	close(p[1]);
	R(sc(poll, items + 2, 1, 0));
	HEX(items[2].revents);
	limit_descriptors(8);
	R(sc(poll, items, 8, 0) >= 0);
	R(sc(poll, NULL, 9, 0));
	R(sc(ppoll, NULL, 9, &zero, NULL, 0));
}

CASE(select_errors)
{
	struct timeval bad = {.tv_usec = 1000000}, negative = {.tv_sec = -1}, zero = {0};
	struct timespec bad_ns = {.tv_nsec = 1000000000}, before = {.tv_sec = -1}, none = {0};
	struct {
		const void *set;
		size_t bytes;
	} wrong = {&no_signals, 4}, unmapped = {BAD_PTR, SIGSET_BYTES}, absent = {NULL, 4};
	fd_set set, high;
	int p[2];

	pair(p);
	FD_ZERO(&set);
	FD_ZERO(&high);
	FD_SET(p[1], &set);
	FD_SET(60, &high);
	R(sc(select, p[1] + 1 > 0 ? p[1] + 1 : 0, NULL, &set, NULL, &zero));
	R(sc(select, -1, NULL, &set, NULL, &zero));
	R(sc(select, INT_MIN, NULL, NULL, NULL, &zero));
	R(sc(select, 64, NULL, &high, NULL, &zero));
	R(sc(select, 64, NULL, NULL, &high, &zero));
	R(sc(select, 60, NULL, &high, NULL, &zero));
	R(sc(select, 64, BAD_PTR, NULL, NULL, &zero));
	R(sc(select, 64, NULL, BAD_PTR, NULL, &zero));
	R(sc(select, 64, NULL, NULL, KERNEL_PTR, &zero));
	R(sc(select, 0, BAD_PTR, BAD_PTR, BAD_PTR, &zero));
	R(sc(select, 64, NULL, &set, NULL, BAD_PTR));
	R(sc(select, 64, NULL, &set, NULL, &negative));
	R(sc(select, 64, NULL, &set, NULL, &bad));
	bad.tv_usec = -1;
	R(sc(select, 64, NULL, &set, NULL, &bad));
	R(sc(select, 1024, NULL, &set, NULL, &zero));
	R(sc(pselect6, 64, NULL, &set, NULL, &bad_ns, NULL));
	R(sc(pselect6, 64, NULL, &set, NULL, &before, NULL));
	R(sc(pselect6, 64, NULL, &set, NULL, BAD_PTR, NULL));
	R(sc(pselect6, 64, NULL, &set, NULL, &none, BAD_PTR));
	R(sc(pselect6, 64, NULL, &set, NULL, &none, &wrong));
	R(sc(pselect6, 64, NULL, &set, NULL, &none, &unmapped));
	R(sc(pselect6, 64, NULL, &set, NULL, &none, &absent));
	R(sc(pselect6, -1, NULL, &set, NULL, &none, NULL));
	R(sc(pselect6, 64, NULL, &high, NULL, &none, NULL));
	R(sc(pselect6, 64, NULL, &set, NULL, NULL, NULL));
	R(sc(pselect6, 64, BAD_PTR, NULL, NULL, NULL, NULL));
}
