/*
 * unixmsg_test.c - what AF_UNIX messages carry: credentials, descriptors; sockets that only
 * messages hold; several messages in one call; signals.
 */
#include "abi.h"

#include <sys/ioctl.h>
#include <sys/param.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

static struct sockaddr_un named(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	strcpy(a.sun_path, path);
	return a;
}

static int bound(int type, const char *path)
{
	struct sockaddr_un a = named(path);
	int fd = socket(AF_UNIX, type, 0);

	if (bind(fd, (struct sockaddr *)&a, sizeof(a)))
		say("bind %s: %s", path, errno_name(errno));
	return fd;
}

static int listening(int type, const char *path, int backlog)
{
	int fd = bound(type, path);

	if (listen(fd, backlog))
		say("listen: %s", errno_name(errno));
	return fd;
}

static long connect_to(int fd, const char *path)
{
	struct sockaddr_un a = named(path);

	return connect(fd, (struct sockaddr *)&a, sizeof(a));
}

/* ---- credentials ---- */

static void show_cred(const char *what, int fd)
{
	struct ucred u = {0};
	socklen_t len = sizeof(u);
	int r = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &len);

	say("%s: %d, pid %s, uid %d, gid %d, length %d", what, r,
		u.pid == 0           ? "0"
		: u.pid == getpid()  ? "mine"
		: u.pid == getppid() ? "parent's"
				     : "another's",
		(int)u.uid, (int)u.gid, (int)len);
}

CASE(peer_credentials)
{
	int s[2], l, c, a;

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	show_cred("pair", s[0]);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	show_cred("unconnected", c);
	l = listening(SOCK_STREAM, "s", 3);
	show_cred("listener", l);
	chmod("s", 0777);
	IN_CHILD
	{
		drop_to(1000, 1001);
		R(connect_to(c, "s"));
		show_cred("client", c);
	}
	a = accept(l, NULL, NULL);
	show_cred("accepted", a);
	drop_to(1002, 1003);
	R(listen(l, 3));
	show_cred("listener", l);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
	show_cred("datagrams", s[0]);
	a = socket(AF_INET, SOCK_DGRAM, 0);
	show_cred("internet", a);
}

struct message {
	struct msghdr m;
	struct iovec v;
	union {
		struct cmsghdr align;
		char control[512];
	};
	char data[64];
};

static struct message *message(struct message *x, size_t data, size_t control)
{
	memset(x, 0, sizeof(*x));
	x->v = (struct iovec){x->data, data};
	x->m = (struct msghdr){.msg_iov = &x->v,
		.msg_iovlen = 1,
		.msg_control = control ? x->control : NULL,
		.msg_controllen = control};
	return x;
}

static void add_cmsg(struct message *x, int type, const void *data, size_t n)
{
	struct cmsghdr *c = (struct cmsghdr *)(x->control + x->m.msg_controllen);

	x->m.msg_control = x->control;
	*c = (struct cmsghdr){.cmsg_len = CMSG_LEN(n), .cmsg_level = SOL_SOCKET, .cmsg_type = type};
	memcpy(CMSG_DATA(c), data, n);
	x->m.msg_controllen += CMSG_SPACE(n);
}

static void show_message(const char *what, struct message *x)
{
	struct cmsghdr *c;

	say("%s: flags %#x, control %zu", what, x->m.msg_flags, (size_t)x->m.msg_controllen);
	for (c = CMSG_FIRSTHDR(&x->m); c; c = CMSG_NXTHDR(&x->m, c)) {
		if (c->cmsg_type == SCM_RIGHTS) {
			unsigned n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			int fds[64];

			memcpy(fds, CMSG_DATA(c), MIN(n, 64u) * sizeof(int));
			say("  %u descriptors, length %zu, first closes on exec: %d", n,
				(size_t)c->cmsg_len, fcntl(fds[0], F_GETFD));
			for (unsigned i = 0; i < n && i < 64; i++)
				close(fds[i]);
		} else if (c->cmsg_type == SCM_CREDENTIALS) {
			struct ucred u;

			memcpy(&u, CMSG_DATA(c), sizeof(u));
			say("  credentials: pid %s, uid %d, gid %d",
				u.pid == getpid() ? "mine"
				: u.pid           ? "another's"
						  : "0",
				(int)u.uid, (int)u.gid);
		} else {
			say("  level %d type %d length %zu", c->cmsg_level, c->cmsg_type,
				(size_t)c->cmsg_len);
		}
	}
}

CASE(passed_credentials)
{
	struct message x;
	struct ucred u = {getpid(), 0, 0};
	int s[2], on = 1;

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	R(write(s[0], "ab", 2));
	R(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	R(write(s[0], "cd", 2));
	R(recvmsg(s[1], &message(&x, 64, 512)->m, 0));
	show_message("both writes", &x);
	message(&x, 3, 0);
	u.uid = 5;
	add_cmsg(&x, SCM_CREDENTIALS, &u, sizeof(u));
	R(write(s[0], "ab", 2));
	R(sendmsg(s[0], &x.m, 0));
	R(write(s[0], "ab", 2));
	for (int i = 0; i < 3; i++) {
		R(recvmsg(s[1], &message(&x, 64, 512)->m, 0));
		show_message("one sender", &x);
	}
	R(write(s[0], "ab", 2));
	R(recvmsg(s[1], &message(&x, 64, 20)->m, 0));
	show_message("little room", &x);
	R(write(s[0], "ab", 2));
	R(recvmsg(s[1], &message(&x, 64, 0)->m, 0));
	show_message("no room", &x);
	drop_to(1000, 1000);
	message(&x, 3, 0);
	u = (struct ucred){getpid(), 1000, 1000};
	add_cmsg(&x, SCM_CREDENTIALS, &u, sizeof(u));
	R(sendmsg(s[0], &x.m, 0));
	u.uid = 0;
	message(&x, 3, 0);
	add_cmsg(&x, SCM_CREDENTIALS, &u, sizeof(u));
	R(sendmsg(s[0], &x.m, 0));
	u = (struct ucred){getpid(), 1000, 7};
	message(&x, 3, 0);
	add_cmsg(&x, SCM_CREDENTIALS, &u, sizeof(u));
	R(sendmsg(s[0], &x.m, 0));
	u = (struct ucred){1, 1000, 1000};
	message(&x, 3, 0);
	add_cmsg(&x, SCM_CREDENTIALS, &u, sizeof(u));
	R(sendmsg(s[0], &x.m, 0));
	message(&x, 3, 0);
	add_cmsg(&x, SCM_CREDENTIALS, &u, sizeof(u) - 4);
	R(sendmsg(s[0], &x.m, 0));
}

CASE(credentials_of_nobody)
{
	struct message x;
	struct ucred u = {30000, 0, 0};
	int s[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	message(&x, 3, 0);
	add_cmsg(&x, SCM_CREDENTIALS, &u, sizeof(u));
	R(sendmsg(s[0], &x.m, 0));
}

CASE(passcred_binds)
{
	struct sockaddr_un a;
	socklen_t len = sizeof(a);
	int d = socket(AF_UNIX, SOCK_DGRAM, 0), r = bound(SOCK_DGRAM, "r"), on = 1;

	setsockopt(d, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	R(connect_to(d, "r"));
	R(getsockname(d, (struct sockaddr *)&a, &len));
	V(len);
	T(r >= 0);
}

/* ---- descriptors ---- */

static void send_fds(int to, const int *fds, unsigned n, size_t bytes)
{
	struct message x;

	message(&x, bytes, 0);
	memcpy(x.data, "0123456789", 10);
	add_cmsg(&x, SCM_RIGHTS, fds, n * sizeof(int));
	R(sendmsg(to, &x.m, 0));
}

CASE(descriptors)
{
	struct message x;
	char b[8];
	int s[2], p[2], fds[300];

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	pipe(p);
	fds[0] = p[0];
	fds[1] = p[1];
	send_fds(s[0], fds, 2, 4);
	R(write(p[1], "through", 7));
	close(p[0]);
	close(p[1]);
	R(recvmsg(s[1], &message(&x, 64, 512)->m, MSG_PEEK));
	show_message("peeked", &x);
	R(recvmsg(s[1], &message(&x, 64, 512)->m, MSG_CMSG_CLOEXEC));
	memcpy(fds, CMSG_DATA(&x.align), 8);
	R(read(fds[0], b, 8));
	show_message("read", &x);
	R(read(s[1], b, 0));
	show_open_fds();
	fds[0] = -1;
	send_fds(s[0], fds, 1, 1);
	fds[0] = 99;
	send_fds(s[0], fds, 1, 1);
	fds[0] = s[0];
	send_fds(s[0], fds, 1, 0);
	R(recv(s[1], b, 1, MSG_DONTWAIT));
	send_fds(s[0], fds, 0, 1);
	R(recvmsg(s[1], &message(&x, 64, 512)->m, 0));
	show_message("none", &x);
	fds[0] = open(".", O_PATH);
	send_fds(s[0], fds, 1, 1);
	R(recvmsg(s[1], &message(&x, 64, 512)->m, 0));
	show_message("O_PATH", &x);
}

CASE(descriptors_and_bytes)
{
	struct message x;
	int s[2], fds[2];
	char b[8];

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	fds[0] = fds[1] = s[0];
	R(write(s[0], "before", 6));
	send_fds(s[0], fds, 2, 6);
	R(write(s[0], "after", 5));
	send_fds(s[0], fds, 1, 3);
	R(recvmsg(s[1], &message(&x, 8, 512)->m, MSG_PEEK));
	show_message("peeked", &x);
	R(recvmsg(s[1], &message(&x, 8, 512)->m, 0));
	show_message("first", &x);
	R(recvmsg(s[1], &message(&x, 64, 512)->m, 0));
	show_message("second", &x);
	R(recvmsg(s[1], &message(&x, 64, 512)->m, MSG_DONTWAIT));
	send_fds(s[0], fds, 2, 3);
	R(recvmsg(s[1], &message(&x, 64, CMSG_LEN(4))->m, 0));
	show_message("room for one", &x);
	send_fds(s[0], fds, 2, 3);
	R(recvmsg(s[1], &message(&x, 64, CMSG_SPACE(4))->m, 0));
	show_message("room for one, padded", &x);
	send_fds(s[0], fds, 2, 3);
	R(recvmsg(s[1], &message(&x, 64, CMSG_LEN(3))->m, 0));
	show_message("room for none", &x);
	send_fds(s[0], fds, 2, 3);
	R(read(s[1], b, 8));
	show_open_fds();
	socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
	send_fds(s[0], fds, 2, 0);
	R(recvmsg(s[1], &message(&x, 8, 512)->m, 0));
	show_message("no bytes", &x);
	send_fds(s[0], fds, 2, 6);
	R(recvmsg(s[1], &message(&x, 3, 512)->m, 0));
	show_message("cut", &x);
}

CASE(too_many_descriptors)
{
	static char control[CMSG_SPACE(254 * sizeof(int))] __attribute__((aligned(8)));
	struct iovec v = {"x", 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control};
	struct cmsghdr *c = (struct cmsghdr *)control;
	struct rlimit few = {20, 20};
	struct message x;
	int s[2], big[64];

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	for (int n = 253; n <= 254; n++) {
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		*c = (struct cmsghdr){.cmsg_len = CMSG_LEN(n * sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS};
		for (int i = 0; i < n; i++)
			((int *)CMSG_DATA(c))[i] = s[0];
		R(sc(sendmsg, s[0], &m, 0));
	}
	for (int i = 0; i < 30; i++)
		big[i] = s[0];
	R(recv(s[1], control, 1, 0));
	send_fds(s[0], big, 30, 1);
	R(setrlimit(RLIMIT_NOFILE, &few));
	R(recvmsg(s[1], &message(&x, 64, 512)->m, 0));
	show_message("limit 20", &x);
	drop_to(1000, 1000);
	for (int i = 0; i < 4; i++)
		send_fds(s[0], big, 10, 1);
}

CASE(bad_control)
{
	struct message x;
	int s[2], fd = 1;

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	message(&x, 1, 0);
	add_cmsg(&x, SCM_RIGHTS, &fd, sizeof(fd));
	x.align.cmsg_len = 8;
	R(sc(sendmsg, s[0], &x.m, 0));
	x.align.cmsg_len = 100;
	R(sc(sendmsg, s[0], &x.m, 0));
	x.align.cmsg_len = CMSG_LEN(4);
	x.align.cmsg_type = 77;
	R(sc(sendmsg, s[0], &x.m, 0));
	x.align.cmsg_level = 7;
	R(sc(sendmsg, s[0], &x.m, 0));
	x.m.msg_controllen = 8;
	R(sc(sendmsg, s[0], &x.m, 0));
	x.m.msg_control = BAD_PTR;
	x.m.msg_controllen = 24;
	R(sc(sendmsg, s[0], &x.m, 0));
	x.m.msg_controllen = 1 << 20;
	R(sc(sendmsg, s[0], &x.m, 0));
	message(&x, 1, 0);
	x.m.msg_iovlen = 2000;
	R(sc(sendmsg, s[0], &x.m, 0));
	R(sc(recvmsg, s[0], &x.m, MSG_DONTWAIT));
	x.m.msg_iovlen = 1;
	x.m.msg_iov = BAD_PTR;
	R(sc(sendmsg, s[0], &x.m, 0));
	R(sc(sendmsg, s[0], BAD_PTR, 0));
	R(sc(recvmsg, s[0], BAD_PTR, 0));
	message(&x, 1, 0);
	x.m.msg_name = &x;
	x.m.msg_namelen = -1;
	R(sc(sendmsg, s[0], &x.m, 0));
	x.m.msg_namelen = 1000;
	R(sc(sendmsg, s[0], &x.m, 0));
	R(sc(sendmsg, s[0], &x.m, 0x80000000));
}

/* Sockets that only messages hold: what they hold is closed some time after the last close. */
CASE(garbage)
{
	int p[2], s[2], t[2], fds[3];
	char b;

	pipe(p);
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, t);
	fds[0] = s[0];
	fds[1] = t[0];
	fds[2] = p[1];
	send_fds(s[1], fds, 3, 1);
	fds[0] = s[0];
	fds[1] = s[1];
	send_fds(t[1], fds, 2, 1);
	close(s[0]);
	close(s[1]);
	close(t[0]);
	close(t[1]);
	close(p[1]);
	R(read(p[0], &b, 1));
}

CASE(garbage_in_listener)
{
	int p[2], l, c, fds[2];
	char b;

	pipe(p);
	l = listening(SOCK_STREAM, "s", 5);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	connect_to(c, "s");
	fds[0] = l;
	fds[1] = p[1];
	send_fds(c, fds, 2, 1);
	close(l);
	close(c);
	close(p[1]);
	R(read(p[0], &b, 1));
}

CASE(not_garbage)
{
	struct message x;
	int s[2], t[2], fds[2];
	char b[8];

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	socketpair(AF_UNIX, SOCK_STREAM, 0, t);
	fds[0] = t[0];
	send_fds(s[0], fds, 1, 1);
	fds[0] = s[0];
	send_fds(t[1], fds, 1, 1);
	close(t[0]);
	close(t[1]);
	close(s[0]);
	pause_ms(50);
	R(recvmsg(s[1], &message(&x, 8, 512)->m, 0));
	memcpy(fds, CMSG_DATA(&x.align), 4);
	R(recvmsg(fds[0], &message(&x, 8, 512)->m, 0));
	memcpy(fds, CMSG_DATA(&x.align), 4);
	R(write(fds[0], "alive", 5));
	R(read(s[1], b, 8));
}

/* ---- several messages, vectors ---- */

CASE(many_messages)
{
	struct mmsghdr h[4];
	struct iovec v[4];
	char data[4][8] = {"one", "two", "three", "four"}, b[4][4];
	struct timespec ts = {0, 50000000};
	int s[2];

	socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
	memset(h, 0, sizeof(h));
	for (int i = 0; i < 4; i++) {
		v[i] = (struct iovec){data[i], strlen(data[i])};
		h[i].msg_hdr = (struct msghdr){.msg_iov = &v[i], .msg_iovlen = 1};
	}
	R(sendmmsg(s[0], h, 4, 0));
	for (int i = 0; i < 4; i++) {
		V(h[i].msg_len);
		v[i] = (struct iovec){b[i], 4};
	}
	R(recvmmsg(s[1], h, 3, 0, NULL));
	for (int i = 0; i < 3; i++)
		say("length %u flags %#x", h[i].msg_len, h[i].msg_hdr.msg_flags);
	R(recvmmsg(s[1], h, 4, MSG_WAITFORONE, NULL));
	R(recvmmsg(s[1], h, 4, MSG_DONTWAIT, NULL));
	R(recvmmsg(s[1], h, 0, 0, NULL));
	R(sendmmsg(s[0], h, 0, 0));
	write(s[0], "x", 1);
	write(s[0], "y", 1);
	R(recvmmsg(s[1], h, 2, 0, &ts));
	T(ts.tv_sec == 0 && ts.tv_nsec > 0 && ts.tv_nsec <= 50000000);
	ts.tv_nsec = -1;
	R(recvmmsg(s[1], h, 2, 0, &ts));
	R(sc(recvmmsg, s[1], BAD_PTR, 1, MSG_DONTWAIT, NULL));
	R(sc(sendmmsg, s[1], BAD_PTR, 1, 0));
}

CASE(bad_buffers)
{
	int s[2];
	char b[8];

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	R(sc(write, s[0], BAD_PTR, 5));
	R(sc(sendto, s[0], BAD_PTR, 5, 0, NULL, 0));
	R(write(s[0], "hello", 5));
	R(sc(read, s[1], BAD_PTR, 5));
	R(read(s[1], b, 8));
	R(sc(sendto, s[0], b, -1, 0, NULL, 0));
	R(sc(recvfrom, s[0], b, -1, MSG_DONTWAIT, NULL, NULL));
	R(write(s[0], "", 0));
	R(read(s[1], b, 0));
	socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
	R(sc(write, s[0], BAD_PTR, 5));
	R(write(s[0], "hello", 5));
	R(sc(read, s[1], BAD_PTR, 5));
	R(recv(s[1], b, 8, MSG_DONTWAIT));
	R(write(s[0], "", 0));
	R(read(s[1], b, 0));
	R(recv(s[1], b, 8, MSG_DONTWAIT));
	R(recv(s[1], b, 8, MSG_DONTWAIT));
}

/* ---- signals ---- */

CASE(interrupted)
{
	struct itimerval it = {.it_value = {0, 50000}};
	struct timeval tv = {2, 0};
	int s[2];
	char b;

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	catch_signal(SIGALRM, 0);
	setitimer(ITIMER_REAL, &it, NULL);
	R(read(s[0], &b, 1));
	setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	catch_signal(SIGALRM, SA_RESTART);
	setitimer(ITIMER_REAL, &it, NULL);
	R(read(s[0], &b, 1));
	V(caught);
}

CASE(owner_signals)
{
	int s[2], l;
	char b[8];

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	catch_signal(SIGIO, 0);
	R(fcntl(s[0], F_SETOWN, getpid()));
	T(fcntl(s[0], F_GETOWN) == getpid());
	R(write(s[1], "x", 1));
	V(caught);
	R(fcntl(s[0], F_SETFL, O_ASYNC));
	OCT(fcntl(s[0], F_GETFL));
	R(write(s[1], "x", 1));
	V(caught);
	V(caught_signal);
	R(read(s[0], b, 8));
	R(fcntl(s[0], F_SETSIG, SIGUSR1));
	catch_signal(SIGUSR1, 0);
	R(write(s[1], "x", 1));
	V(caught_signal);
	V(caught_code);
	R(read(s[0], b, 8));
	l = 0;
	R(ioctl(s[0], FIOASYNC, &l));
	R(write(s[1], "x", 1));
	V(caught_signal == SIGUSR1 ? caught : -1);
	R(ioctl(s[0], 0x8903, &l));
	T(l == getpid());
}
