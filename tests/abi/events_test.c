/*
 * events_test.c - files to wait with: epoll, eventfd, timerfd, signalfd.
 */
#include "abi.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>

static void waited(const char *what, int ep, int timeout)
{
	struct epoll_event e[8];
	int n = epoll_wait(ep, e, 8, timeout);

	if (n < 0)
		say("%s: %s", what, errno_name(errno));
	else
		say("%s: %d", what, n);
	for (int i = 0; i < n; i++)
		say("  events %#x data %#llx", e[i].events, (unsigned long long)e[i].data.u64);
}

static int watch(int ep, int op, int fd, unsigned events, unsigned long data)
{
	struct epoll_event e = {.events = events, .data.u64 = data};

	return epoll_ctl(ep, op, fd, &e);
}

CASE(epoll_create)
{
	char link[32] = "", path[32];
	struct stat st;
	int ep;

	R(sc(epoll_create, 0));
	R(sc(epoll_create, -1));
	R(sc(epoll_create1, 1));
	ep = R(sc(epoll_create1, EPOLL_CLOEXEC));
	R(fcntl(ep, F_GETFD));
	OCT(fcntl(ep, F_GETFL));
	fstat(ep, &st);
	OCT(st.st_mode);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ep);
	readlink(path, link, sizeof(link) - 1);
	say("link %s", link);
	R(sc(read, ep, path, 1));
	R(sc(write, ep, path, 1));
	R(lseek(ep, 0, SEEK_SET));
	R(sc(epoll_create, 1));
}

CASE(epoll_level)
{
	int p[2], ep = epoll_create1(0);
	char b[8];

	pipe(p);
	R(watch(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
	R(watch(ep, EPOLL_CTL_ADD, p[1], EPOLLOUT, 2));
	waited("empty pipe", ep, 0);
	R(write(p[1], "ab", 2));
	waited("data", ep, 0);
	waited("data still", ep, 0);
	R(read(p[0], b, 8));
	waited("read", ep, 0);
	R(watch(ep, EPOLL_CTL_MOD, p[1], 0, 2));
	waited("not interested", ep, 0);
	R(close(p[1]));
	waited("writer gone", ep, 0);
	R(close(p[0]));
	waited("both gone", ep, 10);
}

CASE(epoll_edge)
{
	int p[2], ep = epoll_create1(0);
	char b[8];

	pipe(p);
	R(watch(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET, 1));
	R(write(p[1], "ab", 2));
	waited("edge", ep, 0);
	waited("no edge", ep, 0);
	R(write(p[1], "cd", 2));
	waited("another", ep, 0);
	R(read(p[0], b, 1));
	waited("read some", ep, 0);
	R(watch(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET, 7));
	waited("modified", ep, 0);
	waited("modified, again", ep, 0);
	R(watch(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 8));
	waited("level now", ep, 0);
	waited("level now, again", ep, 0);
}

CASE(epoll_oneshot)
{
	int p[2], ep = epoll_create1(0);

	pipe(p);
	R(watch(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLONESHOT, 1));
	R(write(p[1], "ab", 2));
	waited("once", ep, 0);
	waited("not again", ep, 0);
	R(write(p[1], "cd", 2));
	waited("not for new data", ep, 0);
	R(close(p[1]));
	waited("not for hang-up", ep, 0);
	R(watch(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 2));
	waited("armed again", ep, 0);
}

CASE(epoll_errors)
{
	int p[2], ep = epoll_create1(0), file = make("f", O_RDWR), dir = open(".", O_RDONLY);
	int path = open(".", O_PATH);
	struct epoll_event e[2];

	pipe(p);
	R(watch(ep, EPOLL_CTL_ADD, 99, EPOLLIN, 1));
	R(watch(99, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
	R(watch(p[0], EPOLL_CTL_ADD, p[1], EPOLLIN, 1));
	R(watch(ep, EPOLL_CTL_ADD, ep, EPOLLIN, 1));
	R(watch(ep, EPOLL_CTL_ADD, file, EPOLLIN, 1));
	R(watch(ep, EPOLL_CTL_ADD, dir, EPOLLIN, 1));
	R(watch(ep, EPOLL_CTL_ADD, path, EPOLLIN, 1));
	R(watch(ep, 7, p[0], EPOLLIN, 1));
	R(watch(ep, 0, p[0], EPOLLIN, 1));
	R(watch(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 1));
	R(watch(ep, EPOLL_CTL_DEL, p[0], EPOLLIN, 1));
	R(watch(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
	R(watch(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
	R(sc(epoll_ctl, ep, EPOLL_CTL_DEL, p[0], BAD_PTR));
	R(sc(epoll_ctl, ep, EPOLL_CTL_ADD, p[0], BAD_PTR));
	R(epoll_wait(ep, e, 0, 0));
	R(epoll_wait(ep, e, -1, 0));
	R(sc(epoll_wait, ep, e, 0x20000000, 0));
	R(epoll_wait(p[0], e, 1, 0));
	R(epoll_wait(99, e, 1, 0));
	R(sc(epoll_wait, ep, BAD_PTR, 1, 0));
	R(watch(ep, EPOLL_CTL_ADD, p[1], EPOLLOUT, 1));
	R(sc(epoll_wait, ep, BAD_PTR, 1, 0));
	R(sc(epoll_wait, ep, KERNEL_PTR, 1, 0));
	R(epoll_wait(ep, e, 1, 0));
	R(sc(epoll_pwait, ep, e, 1, 0, e, 3));
	R(sc(epoll_pwait2, ep, e, 1, BAD_PTR, NULL, 8));
}

CASE(epoll_duplicates)
{
	int p[2], q, ep = epoll_create1(0);

	pipe(p);
	q = dup(p[0]);
	R(watch(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
	R(watch(ep, EPOLL_CTL_ADD, q, EPOLLIN, 2));
	R(write(p[1], "x", 1));
	waited("both", ep, 0);
	R(close(p[0]));
	waited("closed, but the file lives", ep, 0);
	R(watch(ep, EPOLL_CTL_DEL, q, 0, 0));
	waited("one deleted", ep, 0);
	R(watch(ep, EPOLL_CTL_DEL, p[0], 0, 0));
	R(close(q));
	waited("file gone", ep, 0);
}

CASE(epoll_maxevents)
{
	struct epoll_event e[2];
	int p[4][2], ep = epoll_create1(0);

	for (int i = 0; i < 4; i++) {
		pipe(p[i]);
		watch(ep, EPOLL_CTL_ADD, p[i][0], EPOLLIN, (unsigned)i);
		write(p[i][1], "x", 1);
	}
	for (int i = 0; i < 4; i++) {
		R(epoll_wait(ep, e, 2, 0));
		say("%d %d", (int)e[0].data.u64, (int)e[1].data.u64);
	}
}

CASE(epoll_sockets)
{
	int s[2], ep = epoll_create1(0);
	char b[8];

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	R(watch(ep, EPOLL_CTL_ADD, s[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, 1));
	waited("fresh", ep, 0);
	waited("fresh, again", ep, 0);
	R(write(s[1], "x", 1));
	waited("data", ep, 0);
	R(shutdown(s[1], SHUT_WR));
	waited("half closed", ep, 0);
	R(close(s[1]));
	waited("closed", ep, 0);
	waited("closed, again", ep, 0);
	R(watch(ep, EPOLL_CTL_MOD, s[0], 0, 1));
	waited("hang-up always", ep, 0);
	R(read(s[0], b, 8));
	R(watch(ep, EPOLL_CTL_MOD, s[0], EPOLLRDNORM | EPOLLWRNORM, 1));
	waited("other names", ep, 0);
}

CASE(epoll_nested)
{
	int p[2], e[8], ep = epoll_create1(0), top = epoll_create1(0);
	struct pollfd f = {.fd = top, .events = POLLIN | POLLOUT};
	char b[8];

	pipe(p);
	R(watch(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
	R(watch(top, EPOLL_CTL_ADD, ep, EPOLLIN, 2));
	waited("nothing", top, 0);
	R(write(p[1], "x", 1));
	waited("through two", top, 0);
	R(poll(&f, 1, 0));
	HEX(f.revents);
	R(read(p[0], b, 8));
	waited("gone", top, 0);
	R(poll(&f, 1, 0));
	R(watch(ep, EPOLL_CTL_ADD, top, EPOLLIN, 3));
	for (int i = 0; i < 8; i++)
		e[i] = epoll_create1(0);
	for (int i = 0; i < 7; i++)
		R(watch(e[i + 1], EPOLL_CTL_ADD, e[i], EPOLLIN, 1));
	R(watch(e[0], EPOLL_CTL_ADD, e[2], EPOLLIN, 1));
}

CASE(epoll_exclusive)
{
	int p[2], ep = epoll_create1(0), other = epoll_create1(0);

	pipe(p);
	R(watch(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLEXCLUSIVE, 1));
	R(watch(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 1));
	R(watch(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLEXCLUSIVE, 1));
	R(watch(ep, EPOLL_CTL_ADD, p[1], EPOLLRDHUP | EPOLLEXCLUSIVE, 1));
	R(watch(ep, EPOLL_CTL_ADD, p[1], EPOLLOUT | EPOLLONESHOT | EPOLLEXCLUSIVE, 1));
	R(watch(ep, EPOLL_CTL_ADD, other, EPOLLIN | EPOLLEXCLUSIVE, 1));
	R(write(p[1], "x", 1));
	waited("exclusive", ep, 0);
	R(watch(ep, EPOLL_CTL_DEL, p[0], 0, 0));
}

CASE(epoll_waits)
{
	int p[2], ep = epoll_create1(0);
	struct epoll_event e;
	struct timespec ts = {0, 30000000};
	sigset_t none;
	struct gate g;
	pid_t pid;
	long t;

	pipe(p);
	watch(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1);
	t = now_ms();
	waited("timeout", ep, 30);
	T(now_ms() - t >= 30);
	t = now_ms();
	R(sc(epoll_pwait2, ep, &e, 1, &ts, NULL, 8));
	T(now_ms() - t >= 30);
	gate_init(&g);
	pid = abi_fork();
	if (!pid) {
		gate_open(&g);
		waited("woken", ep, 5000);
		_exit(0);
	}
	gate_wait(&g);
	wait_blocked(pid);
	write(p[1], "x", 1);
	abi_reap("child", pid);
	read(p[0], &t, 1);
	catch_signal(SIGALRM, SA_RESTART);
	alarm(1);
	R(epoll_wait(ep, &e, 1, -1));
	block_signal(SIGALRM);
	alarm(1);
	sigemptyset(&none);
	R(epoll_pwait(ep, &e, 1, -1, &none));
	V(caught);
}

CASE(epoll_fdinfo)
{
	char path[64], line[256];
	int ep = epoll_create1(0), ev = eventfd(5, EFD_SEMAPHORE);
	FILE *f;

	watch(ep, EPOLL_CTL_ADD, ev, EPOLLIN | EPOLLET, 0x1234);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", ep);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "tfd:", 4))
			say("%.*s", (int)(strstr(line, "ino:") - line), line);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", ev);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "eventfd-count:", 14) || !strncmp(line, "eventfd-sem", 11))
			say("%s", line);
}

/* ---- eventfd ---- */

static void readiness(const char *what, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI};

	poll(&p, 1, 0);
	say("%s: events %#x", what, p.revents);
}

CASE(eventfds)
{
	uint64_t v = 3;
	int e;

	R(sc(eventfd2, 0, 4));
	e = sc(eventfd2, 2, EFD_NONBLOCK | EFD_CLOEXEC);
	OCT(fcntl(e, F_GETFL));
	R(fcntl(e, F_GETFD));
	readiness("2", e);
	R(write(e, &v, 8));
	R(read(e, &v, 8));
	V(v);
	readiness("0", e);
	R(read(e, &v, 8));
	R(read(e, &v, 7));
	R(write(e, &v, 7));
	R(sc(read, e, BAD_PTR, 8));
	R(sc(write, e, BAD_PTR, 8));
	v = UINT64_MAX;
	R(write(e, &v, 8));
	v = UINT64_MAX - 1;
	R(write(e, &v, 8));
	readiness("full", e);
	v = 1;
	R(write(e, &v, 8));
	v = 0;
	R(write(e, &v, 8));
	R(read(e, &v, 16));
	T(v == UINT64_MAX - 1);
	v = 0;
	R(write(e, &v, 8));
	readiness("0 written", e);
	e = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	for (int i = 0; i < 3; i++) {
		v = 9;
		R(read(e, &v, 8));
		V(v);
	}
	R(lseek(e, 0, SEEK_SET));
	R(pread(e, &v, 8, 0));
}

CASE(eventfd_blocks)
{
	uint64_t v = 0;
	struct gate g;
	int e = eventfd(0, 0);
	pid_t pid;

	gate_init(&g);
	pid = abi_fork();
	if (!pid) {
		gate_open(&g);
		R(read(e, &v, 8));
		V(v);
		_exit(0);
	}
	gate_wait(&g);
	wait_blocked(pid);
	v = 7;
	write(e, &v, 8);
	abi_reap("reader", pid);
	v = UINT64_MAX - 1;
	write(e, &v, 8);
	pid = abi_fork();
	if (!pid) {
		gate_open(&g);
		v = 5;
		R(write(e, &v, 8));
		_exit(0);
	}
	gate_wait(&g);
	wait_blocked(pid);
	read(e, &v, 8);
	abi_reap("writer", pid);
	R(read(e, &v, 8));
	V(v);
}

/* ---- timerfd ---- */

static struct itimerspec in_ms(long first, long period)
{
	return (struct itimerspec){.it_value = {first / 1000, first % 1000 * 1000000},
		.it_interval = {period / 1000, period % 1000 * 1000000}};
}

CASE(timerfd_errors)
{
	struct itimerspec t = in_ms(10, 0);
	int f;

	R(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
	R(timerfd_create(77, 0));
	R(timerfd_create(CLOCK_MONOTONIC, 1));
	f = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	OCT(fcntl(f, F_GETFL));
	R(fcntl(f, F_GETFD));
	R(timerfd_settime(f, 8, &t, NULL));
	t.it_value.tv_nsec = 1000000000;
	R(timerfd_settime(f, 0, &t, NULL));
	t.it_value.tv_nsec = 0;
	t.it_value.tv_sec = -1;
	R(timerfd_settime(f, 0, &t, NULL));
	R(sc(timerfd_settime, f, 0, BAD_PTR, NULL));
	R(sc(timerfd_gettime, f, BAD_PTR));
	t = in_ms(10, 0);
	R(timerfd_settime(0, 0, &t, NULL));
	R(timerfd_settime(99, 0, &t, NULL));
	R(timerfd_gettime(1, &t));
	R(read(f, &t, 8));
	R(read(f, &t, 4));
	R(sc(write, f, &t, 8));
}

CASE(timerfds)
{
	struct itimerspec t = in_ms(20, 0), old;
	uint64_t n = 0;
	long start = now_ms();
	int f = timerfd_create(CLOCK_MONOTONIC, 0);

	R(timerfd_settime(f, 0, &t, &old));
	T(!old.it_value.tv_sec && !old.it_value.tv_nsec);
	readiness("running", f);
	R(timerfd_gettime(f, &old));
	T(old.it_value.tv_nsec > 0 && old.it_value.tv_nsec <= 20000000);
	R(read(f, &n, 8));
	V(n);
	T(now_ms() - start >= 19);
	R(timerfd_gettime(f, &old));
	T(!old.it_value.tv_sec && !old.it_value.tv_nsec);
	fcntl(f, F_SETFL, O_NONBLOCK);
	R(read(f, &n, 8));
	t = in_ms(10, 10);
	R(timerfd_settime(f, 0, &t, NULL));
	pause_ms(65);
	readiness("ran out", f);
	R(read(f, &n, 8));
	T(n >= 5 && n < 100);
	R(timerfd_gettime(f, &old));
	T(old.it_interval.tv_nsec == 10000000 && old.it_value.tv_nsec <= 10000000);
	t = in_ms(0, 10);
	R(timerfd_settime(f, 0, &t, &old));
	T(old.it_interval.tv_nsec == 10000000);
	pause_ms(30);
	R(read(f, &n, 8));
}

CASE(timerfd_absolute)
{
	static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME};
	struct itimerspec t = {0};
	uint64_t n;

	for (unsigned i = 0; i < COUNT(clocks); i++) {
		int f = timerfd_create(clocks[i], 0);

		clock_gettime(clocks[i], &t.it_value);
		t.it_value.tv_sec -= 1;
		R(timerfd_settime(f, TFD_TIMER_ABSTIME, &t, NULL));
		R(read(f, &n, 8));
		V(n);
		t.it_value.tv_nsec += 20000000;
		t.it_value.tv_sec += 1 + t.it_value.tv_nsec / 1000000000;
		t.it_value.tv_nsec %= 1000000000;
		R(timerfd_settime(f, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &t, NULL));
		R(read(f, &n, 8));
		V(n);
	}
}

CASE(timerfd_in_epoll)
{
	struct itimerspec t = in_ms(10, 0);
	int ep = epoll_create1(0), f = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	uint64_t n;

	watch(ep, EPOLL_CTL_ADD, f, EPOLLIN | EPOLLET, 1);
	waited("not set", ep, 20);
	timerfd_settime(f, 0, &t, NULL);
	waited("ran out", ep, 2000);
	waited("once", ep, 0);
	R(read(f, &n, 8));
}

/* ---- signalfd ---- */

static int signals(int fd, int a, int b, int flags)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, a);
	sigaddset(&s, b);
	return signalfd(fd, &s, flags);
}

static void show_signals(const char *what, int fd, unsigned room)
{
	struct signalfd_siginfo i[4];
	long n = read(fd, i, room * sizeof(i[0]));

	if (n < 0)
		say("%s: %s", what, errno_name(errno));
	else
		say("%s: %ld", what, n / (long)sizeof(i[0]));
	for (unsigned k = 0; n > 0 && k < n / sizeof(i[0]); k++)
		say("  %s code %d pid %s uid %d int %d status %d", signal_name((int)i[k].ssi_signo),
			i[k].ssi_code,
			(pid_t)i[k].ssi_pid == getpid() ? "mine"
			: i[k].ssi_pid                  ? "another's"
							: "0",
			(int)i[k].ssi_uid, i[k].ssi_int, i[k].ssi_status);
}

CASE(signalfds)
{
	union sigval v = {.sival_int = 42};
	struct itimerspec t = in_ms(5, 0);
	struct sigevent se = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
	timer_t timer;
	sigset_t set;
	int f, ep = epoll_create1(0);

	block_signal(SIGUSR1);
	block_signal(SIGUSR2);
	block_signal(SIGCHLD);
	R(signals(-1, SIGUSR1, SIGUSR2, 1));
	sigemptyset(&set);
	R(sc(signalfd4, -1, &set, 4, 0));
	R(sc(signalfd4, -1, BAD_PTR, 8, 0));
	R(signals(0, SIGUSR1, SIGUSR2, 0));
	R(signals(99, SIGUSR1, SIGUSR2, 0));
	f = signals(-1, SIGUSR1, SIGUSR2, SFD_NONBLOCK | SFD_CLOEXEC);
	OCT(fcntl(f, F_GETFL));
	R(fcntl(f, F_GETFD));
	show_signals("none", f, 1);
	watch(ep, EPOLL_CTL_ADD, f, EPOLLIN, 1);
	waited("none", ep, 0);
	readiness("none", f);
	R(kill(getpid(), SIGUSR1));
	R(kill(getpid(), SIGUSR1));
	R(sigqueue(getpid(), SIGUSR2, v));
	waited("pending", ep, 0);
	readiness("pending", f);
	R(read(f, &set, 8));
	show_signals("two", f, 4);
	waited("taken", ep, 0);
	R(raise(SIGUSR1));
	show_signals("own thread", f, 4);
	timer_create(CLOCK_MONOTONIC, &se, &timer);
	timer_settime(timer, 0, &t, NULL);
	waited("timer", ep, 2000);
	show_signals("timer", f, 4);
	T(signals(f, SIGCHLD, SIGUSR1, 0) == f);
	IN_CHILD
	{
		_exit(0);
	}
	show_signals("child", f, 4);
	R(kill(getpid(), SIGUSR2));
	show_signals("not asked for", f, 4);
	T(signals(f, SIGUSR2, SIGKILL, 0) == f);
	show_signals("asked for", f, 4);
	R(kill(getpid(), SIGCHLD));
	R(write(f, &set, 8));
}

CASE(signalfd_blocks)
{
	struct gate g;
	pid_t pid;
	int f, ep = epoll_create1(0);

	block_signal(SIGUSR1);
	f = signals(-1, SIGUSR1, SIGUSR2, 0);
	watch(ep, EPOLL_CTL_ADD, f, EPOLLIN, 1);
	gate_init(&g);
	pid = abi_fork();
	if (!pid) {
		gate_open(&g);
		show_signals("read", f, 2);
		_exit(0);
	}
	gate_wait(&g);
	wait_blocked(pid);
	kill(pid, SIGUSR1);
	abi_reap("child", pid);
	pid = abi_fork();
	if (!pid) {
		f = signals(-1, SIGUSR1, SIGUSR2, 0);
		watch(ep, EPOLL_CTL_ADD, f, EPOLLIN, 2);
		gate_open(&g);
		waited("epoll", ep, 5000);
		_exit(0);
	}
	gate_wait(&g);
	wait_blocked(pid);
	kill(pid, SIGUSR1);
	abi_reap("child", pid);
}
