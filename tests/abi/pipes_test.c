/*
 * pipes_test.c - pipes and fifos: atomicity, blocking, readiness, capacity; splice, tee, sendfile.
 */
#include "abi.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <time.h>

static char big[1 << 20];

static void readiness(const char *what, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP};
	int n = poll(&p, 1, 0);

	say("%s: poll %d events %#x", what, n, p.revents);
}

CASE(basics)
{
	int p[2];
	char b[16];
	struct stat st;

	R(pipe(p));
	R(write(p[1], "hello", 5));
	R(read(p[0], b, 2));
	R(read(p[0], b, 16));
	R(write(p[0], "x", 1));
	R(read(p[1], b, 1));
	R(read(p[0], b, 0));
	R(write(p[1], "x", 0));
	R(close(p[1]));
	R(read(p[0], b, 16));
	R(read(p[0], b, 16));
	fstat(p[0], &st);
	OCT(st.st_mode);
	V(st.st_size);
	R(sc(pipe2, p, O_CLOEXEC | O_NONBLOCK));
	R(fcntl(p[0], F_GETFD));
	OCT(fcntl(p[0], F_GETFL));
	OCT(fcntl(p[1], F_GETFL));
	R(sc(pipe2, p, O_APPEND));
	R(sc(pipe2, p, 1));
	R(sc(pipe2, BAD_PTR, 0));
	R(sc(pipe, BAD_PTR));
	show_open_fds();
	R(sc(read, p[0], b, 4));
	R(pread(p[0], b, 1, 0));
	R(pwrite(p[1], b, 1, 0));
	R(write(p[1], "abc", 3));
	R(sc(read, p[0], BAD_PTR, 3));
	R(read(p[0], b, 16));
	R(sc(write, p[1], BAD_PTR, 3));
	R(read(p[0], b, 16));
	R(ioctl(p[0], FIONREAD, b));
	R(ftruncate(p[1], 0));
}

CASE(broken_pipe)
{
	int p[2];

	R(pipe(p));
	close(p[0]);
	catch_signal(SIGPIPE, 0);
	R(write(p[1], "x", 1));
	V(caught);
	R(write(p[1], "x", 0));
	V(caught);
	ignore_signal(SIGPIPE);
	R(write(p[1], "x", 1));
	default_signal(SIGPIPE);
	IN_CHILD
	{
		write(p[1], "x", 1);
	}
	block_signal(SIGPIPE);
	R(write(p[1], "x", 1));
	sigset_t pending;
	sigpending(&pending);
	V(sigismember(&pending, SIGPIPE));
}

CASE(broken_while_writing)
{
	int p[2];
	pid_t pid;

	pipe(p);
	pid = abi_fork();
	if (!pid) {
		close(p[0]);
		ignore_signal(SIGPIPE);
		R(write(p[1], big, sizeof(big)) < (long)sizeof(big));
		R(write(p[1], big, 1));
		_exit(0);
	}
	wait_blocked(pid);
	close(p[1]);
	close(p[0]);
	abi_reap("writer", pid);
}

CASE(blocking_write_is_whole)
{
	int p[2];
	pid_t pid;
	long total = 0, bad = 0;
	char b[3000];

	pipe(p);
	pid = abi_fork();
	if (!pid) {
		close(p[0]);
		for (unsigned i = 0; i < sizeof(big); i++)
			big[i] = (char)(i * 7 + (i >> 8));
		R(write(p[1], big, sizeof(big)));
		_exit(0);
	}
	close(p[1]);
	wait_blocked(pid);
	for (long n; (n = read(p[0], b, sizeof(b))) > 0; total += n)
		for (long i = 0; i < n; i++)
			bad += b[i] != (char)((total + i) * 7 + ((total + i) >> 8));
	V(total);
	V(bad);
	abi_reap("writer", pid);
}

CASE(atomic_writes)
{
	int p[2], mixed = 0, records = 0;
	pid_t pids[4];
	char b[512];

	pipe(p);
	for (int i = 0; i < 4; i++) {
		pids[i] = abi_fork();
		if (!pids[i]) {
			memset(b, 'a' + i, sizeof(b));
			for (int k = 0; k < 500; k++)
				if (write(p[1], b, sizeof(b)) != sizeof(b))
					say("short write");
			_exit(0);
		}
	}
	close(p[1]);
	for (;;) {
		size_t have = 0;
		ssize_t n = 0;

		while (have < sizeof(b) && (n = read(p[0], b + have, sizeof(b) - have)) > 0)
			have += (size_t)n;
		if (have < sizeof(b))
			break;
		records++;
		for (unsigned i = 1; i < sizeof(b); i++)
			mixed += b[i] != b[0];
	}
	V(records);
	V(mixed);
	for (int i = 0; i < 4; i++)
		abi_reap("writer", pids[i]);
}

CASE(nonblocking)
{
	int p[2];
	char b[8192];

	sc(pipe2, p, O_NONBLOCK);
	R(read(p[0], b, 1));
	R(write(p[1], big, sizeof(big)));
	R(write(p[1], big, 1));
	R(write(p[1], big, 4096));
	R(read(p[0], b, 4096));
	R(write(p[1], big, 4097) > 0);
	R(read(p[0], b, 8192));
	R(write(p[1], big, 4096));
	R(write(p[1], big, 10000) > 0);
	close(p[0]);
	ignore_signal(SIGPIPE);
	R(write(p[1], big, 1));
}

CASE(capacity)
{
	int p[2], n;

	sc(pipe2, p, O_NONBLOCK);
	R(fcntl(p[0], F_GETPIPE_SZ));
	R(fcntl(p[1], F_SETPIPE_SZ, 1));
	R(fcntl(p[1], F_SETPIPE_SZ, 5000));
	R(fcntl(p[1], F_SETPIPE_SZ, 100000));
	R(fcntl(p[0], F_GETPIPE_SZ));
	R(fcntl(p[1], F_SETPIPE_SZ, 1 << 20));
	R(fcntl(p[1], F_SETPIPE_SZ, (1 << 20) + 1));
	R(fcntl(p[1], F_SETPIPE_SZ, 0));
	R(fcntl(p[1], F_SETPIPE_SZ, -1));
	R(write(p[1], big, 1 << 20));
	R(fcntl(p[1], F_SETPIPE_SZ, 4096));
	R(ioctl(p[0], FIONREAD, &n));
	V(n);
	R(ioctl(p[1], FIONREAD, &n));
	R(fcntl(99, F_GETPIPE_SZ));
	R(read(p[0], big, 1 << 20));
	R(fcntl(p[1], F_SETPIPE_SZ, 16384));
	R(write(p[1], big, 10000));
	R(fcntl(p[1], F_SETPIPE_SZ, 4096));
	R(fcntl(p[0], F_GETPIPE_SZ));
	R(ioctl(p[0], FIONREAD, BAD_PTR));
}

CASE(single_bytes)
{
	int p[2], n = 0;

	sc(pipe2, p, O_NONBLOCK);
	while (write(p[1], "x", 1) == 1)
		n++;
	V(n);
	for (n = 0; read(p[0], big, 1) == 1;)
		n++;
	V(n);
}

CASE(poll_states)
{
	int p[2];

	sc(pipe2, p, O_NONBLOCK);
	readiness("empty read end", p[0]);
	readiness("empty write end", p[1]);
	write(p[1], "x", 1);
	readiness("read end with a byte", p[0]);
	readiness("write end with a byte", p[1]);
	while (write(p[1], big, 4096) > 0)
		;
	readiness("full read end", p[0]);
	readiness("full write end", p[1]);
	read(p[0], big, 8192);
	readiness("write end, pages free", p[1]);
	close(p[1]);
	readiness("read end, writer gone", p[0]);
	while (read(p[0], big, sizeof(big)) > 0)
		;
	readiness("empty, writer gone", p[0]);
	close(p[0]);
	readiness("closed", p[0]);
	pipe(p);
	close(p[0]);
	readiness("write end, reader gone", p[1]);
}

CASE(select_states)
{
	int p[2];
	fd_set r, w, e;
	struct timeval zero = {0, 0};

	pipe(p);
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_ZERO(&e);
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	FD_SET(p[0], &e);
	R(select(p[1] + 1, &r, &w, &e, &zero));
	V(FD_ISSET(p[0], &r));
	V(FD_ISSET(p[1], &w));
	write(p[1], "x", 1);
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	R(select(p[1] + 1, &r, &w, NULL, &zero));
	close(p[1]);
	read(p[0], big, 10);
	FD_ZERO(&r);
	FD_SET(p[0], &r);
	R(select(p[0] + 1, &r, NULL, NULL, &zero));
	FD_SET(p[1], &r);
	R(select(p[1] + 1, &r, NULL, NULL, &zero));
	R(select(0, NULL, NULL, NULL, &zero));
	R(sc(select, -1, NULL, NULL, NULL, &zero));
	R(sc(select, 10, BAD_PTR, NULL, NULL, &zero));
	R(sc(select, 0, NULL, NULL, NULL, BAD_PTR));
	zero.tv_sec = -1;
	R(sc(select, 0, NULL, NULL, NULL, &zero));
}

CASE(select_hundred)
{
	int p[100][2], n = 0;
	fd_set r;

	for (int i = 0; i < 100; i++)
		pipe(p[i]);
	write(p[7][1], "x", 1);
	write(p[93][1], "x", 1);
	FD_ZERO(&r);
	for (int i = 0; i < 100; i++)
		FD_SET(p[i][0], &r);
	R(select(p[99][1] + 1, &r, NULL, NULL, NULL));
	for (int i = 0; i < 100; i++)
		n += FD_ISSET(p[i][0], &r) != 0;
	V(n);
	T(FD_ISSET(p[7][0], &r) && FD_ISSET(p[93][0], &r));
}

CASE(poll_wakes)
{
	int p[2];
	struct pollfd f;
	pid_t pid;

	pipe(p);
	pid = abi_fork();
	if (!pid) {
		close(p[1]);
		f = (struct pollfd){.fd = p[0], .events = POLLIN};
		R(poll(&f, 1, -1));
		HEX(f.revents);
		read(p[0], big, 1);
		R(poll(&f, 1, -1));
		HEX(f.revents);
		_exit(0);
	}
	close(p[0]);
	wait_blocked(pid);
	write(p[1], "x", 1);
	wait_blocked(pid);
	close(p[1]);
	abi_reap("poller", pid);
}

CASE(blocking_read_wakes)
{
	int p[2];
	pid_t pid;
	char b[16];

	pipe(p);
	pid = abi_fork();
	if (!pid) {
		close(p[1]);
		R(read(p[0], b, 16));
		R(read(p[0], b, 16));
		_exit(0);
	}
	close(p[0]);
	wait_blocked(pid);
	write(p[1], "abc", 3);
	wait_blocked(pid);
	close(p[1]);
	abi_reap("reader", pid);
}

CASE(fifo_open)
{
	struct gate done, leave;
	struct stat st;
	pid_t pid;
	char b[8];

	R(mkfifo("p", 0644));
	R(mkfifo("p", 0644));
	stat("p", &st);
	OCT(st.st_mode);
	R(open("p", O_RDONLY | O_NONBLOCK));
	R(read(3, b, 1));
	R(open("p", O_WRONLY | O_NONBLOCK));
	R(read(3, b, 1));
	R(write(4, "x", 1));
	close(4);
	R(read(3, b, 8));
	R(read(3, b, 8));
	close(3);
	R(open("p", O_WRONLY | O_NONBLOCK));
	R(open("p", O_RDWR));
	R(write(3, "data", 4));
	R(read(3, b, 8));
	close(3);
	R(open("p", O_RDONLY | O_NONBLOCK));
	readiness("fifo, no writer yet", 3);
	close(3);
	gate_init(&done);
	gate_init(&leave);
	pid = abi_fork();
	if (!pid) {
		R(open("p", O_WRONLY));
		gate_open(&done);
		gate_wait(&leave);
		_exit(0);
	}
	wait_blocked(pid);
	say("writer waits");
	int fd = open("p", O_RDONLY);
	gate_wait(&done);
	gate_open(&leave);
	abi_reap("writer", pid);
	R(read(fd, b, 1));
	close(fd);
	pid = abi_fork();
	if (!pid) {
		catch_signal(SIGUSR1, 0);
		R(open("p", O_RDONLY));
		_exit(0);
	}
	wait_blocked(pid);
	kill(pid, SIGUSR1);
	abi_reap("reader", pid);
	R(truncate("p", 0));
	R(open("p", O_RDWR | O_TRUNC | O_CREAT, 0644));
	R(lseek(fd, 0, SEEK_SET));
	R(unlink("p"));
}

/* Somebody opens the fifo while another polls it, which wakes that one for nothing, and writes
 * later. */
CASE(fifo_poll_wakes_twice)
{
	struct pollfd f = {.events = POLLIN};
	time_t begin = time(NULL);
	pid_t pid;
	int fd;

	R(mkfifo("q", 0600));
	R(f.fd = open("q", O_RDONLY | O_NONBLOCK));
	R(open("q", O_WRONLY | O_NONBLOCK));
	pid = abi_fork();
	if (pid == 0) {
		usleep(50000);
		fd = open("q", O_WRONLY | O_NONBLOCK);
		usleep(100000);
		_exit(write(fd, "x", 1) != 1);
	}
	R(poll(&f, 1, 20000));
	say("events %#x, in time: %d", f.revents, time(NULL) - begin < 15);
	abi_reap("writer", pid);
}

CASE(fifo_reopen)
{
	int r, w;
	char b[8];

	mkfifo("p", 0600);
	r = open("p", O_RDONLY | O_NONBLOCK);
	w = open("p", O_WRONLY);
	write(w, "left", 4);
	close(w);
	R(read(r, b, 8));
	readiness("writer gone", r);
	w = open("p", O_WRONLY);
	readiness("writer again", r);
	write(w, "lost", 4);
	close(r);
	ignore_signal(SIGPIPE);
	R(write(w, "x", 1));
	r = open("p", O_RDONLY | O_NONBLOCK);
	R(read(r, b, 8));
	close(w);
	close(r);
	r = open("p", O_RDONLY | O_NONBLOCK);
	R(read(r, b, 8));
}

CASE(splice_calls)
{
	int p[2], q[2];
	loff_t off = 2;
	char b[32];

	put("f", "0123456789");
	pipe(p);
	pipe(q);
	R(open("f", O_RDWR));
	R(sc(splice, 7, &off, p[1], NULL, 4, 0));
	V(off);
	R(lseek(7, 0, SEEK_CUR));
	R(sc(tee, p[0], q[1], 100, 0));
	R(read(q[0], b, 32));
	R(sc(splice, p[0], NULL, q[1], NULL, 2, 0));
	R(read(q[0], b, 32));
	off = 20;
	R(sc(splice, p[0], NULL, 7, &off, 10, 0));
	V(off);
	R(size_of("f"));
	R(sc(splice, 7, NULL, p[1], NULL, 100, 0));
	R(sc(splice, 7, NULL, p[1], NULL, 100, 0));
	R(sc(splice, 7, NULL, 7, NULL, 10, 0));
	R(sc(splice, p[0], &off, q[1], NULL, 10, 0));
	R(sc(splice, p[0], NULL, p[1], NULL, 10, 0));
	R(sc(splice, p[1], NULL, q[1], NULL, 10, 0));
	R(sc(splice, 99, NULL, q[1], NULL, 10, 0));
	R(sc(splice, p[0], NULL, q[1], NULL, 0, 0));
	R(sc(splice, p[0], NULL, q[1], NULL, 10, 0x100));
	R(sc(splice, 7, BAD_PTR, q[1], NULL, 10, 0));
	R(sc(tee, p[0], p[1], 10, 0));
	R(sc(tee, 7, p[1], 10, 0));
	R(sc(tee, p[0], 7, 10, 0));
	R(sc(tee, p[0], q[1], 0, 0));
	read(p[0], b, 32);
	R(sc(splice, p[0], NULL, q[1], NULL, 10, 2));
	R(sc(tee, p[0], q[1], 10, 2));
	close(p[1]);
	R(sc(splice, p[0], NULL, q[1], NULL, 10, 0));
	R(sc(tee, p[0], q[1], 10, 0));
	R(open("f", O_WRONLY | O_APPEND));
	write(q[1], "abc", 3);
	R(sc(splice, q[0], NULL, 4, NULL, 3, 0));
}

CASE(sendfile_calls)
{
	int p[2];
	off_t off = 3;
	char b[32];

	put("f", "0123456789");
	R(open("f", O_RDONLY));
	R(open("out", O_RDWR | O_CREAT, 0644));
	R(sendfile(4, 3, &off, 4));
	V(off);
	R(lseek(3, 0, SEEK_CUR));
	R(sendfile(4, 3, NULL, 100));
	R(sendfile(4, 3, NULL, 100));
	R(lseek(3, 0, SEEK_CUR));
	show_file("out");
	pipe(p);
	off = 0;
	R(sendfile(p[1], 3, &off, 5));
	R(read(p[0], b, 32));
	R(sendfile(4, p[0], NULL, 5));
	R(sendfile(3, 4, NULL, 5));
	R(sendfile(99, 3, NULL, 5));
	R(sendfile(4, 99, NULL, 5));
	off = -1;
	R(sendfile(4, 3, &off, 5));
	R(sc(sendfile, 4, 3, BAD_PTR, 5));
	off = 0;
	R(sendfile(4, 3, &off, 0));
	R(open("out", O_WRONLY | O_APPEND));
	R(sendfile(7, 3, &off, 2));
	R(open("/dev/null", O_WRONLY));
	off = 0;
	R(sendfile(8, 3, &off, 100));
	R(open(".", O_RDONLY));
	R(sendfile(4, 9, NULL, 5));
	show_file("out");
}

CASE(vector_writes)
{
	int p[2];
	struct iovec v[3] = {{"abc", 3}, {"", 0}, {"defg", 4}};
	char b[16];

	sc(pipe2, p, O_NONBLOCK);
	R(writev(p[1], v, 3));
	v[0].iov_base = b;
	v[0].iov_len = 2;
	v[2].iov_base = b + 2;
	v[2].iov_len = 10;
	R(readv(p[0], v, 3));
	show_bytes("b", b, 7);
	R(preadv(p[0], v, 1, 0));
	v[0].iov_base = BAD_PTR;
	R(writev(p[1], v, 3));
	v[0].iov_base = b;
	v[2].iov_base = BAD_PTR;
	R(writev(p[1], v, 3));
	R(read(p[0], b, 16));
}

CASE(inherited_and_shared)
{
	int p[2], status;
	char b[64];
	ssize_t n;

	pipe(p);
	if (!abi_fork()) {
		write(p[1], "first ", 6);
		_exit(0);
	}
	wait(&status);
	if (!abi_fork()) {
		write(p[1], "second", 6);
		_exit(0);
	}
	wait(&status);
	n = read(p[0], b, sizeof(b));
	show_bytes("both", b, n);
	R(open("/proc/self/fd/3", O_RDONLY | O_NONBLOCK));
	R(read(5, b, 1));
	R(open("/proc/self/fd/3", O_WRONLY | O_NONBLOCK));
	R(write(6, "z", 1));
	R(read(p[0], b, 1));
}
