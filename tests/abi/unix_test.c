/*
 * unix_test.c - AF_UNIX: pairs, names, connections, datagrams, credentials, descriptors in
 * messages.
 */
#include "abi.h"

#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/param.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#define SIOCOUTQ_ 0x5411

static struct sockaddr_un named(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	strcpy(a.sun_path, path);
	return a;
}

static socklen_t abstract(struct sockaddr_un *a, const char *name)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	strcpy(a->sun_path + 1, name);
	return offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name);
}

static void events(const char *what, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP};

	poll(&p, 1, 0);
	say("%s: events %#x", what, p.revents);
}

static void show_name(const char *what, int result, const struct sockaddr_un *a, socklen_t len)
{
	if (result < 0)
		say("%s: %s", what, errno_name(errno));
	else if (len <= offsetof(struct sockaddr_un, sun_path))
		say("%s: family %d, length %d", what, a->sun_family, (int)len);
	else
		say("%s: family %d, length %d, '%s%s'", what, a->sun_family, (int)len,
			a->sun_path[0] ? "" : "@", a->sun_path[0] ? a->sun_path : a->sun_path + 1);
}

static void names(const char *what, int fd)
{
	struct sockaddr_un a;
	socklen_t len = sizeof(a);
	char text[64];
	int r;

	memset(&a, 0, sizeof(a));
	r = getsockname(fd, (struct sockaddr *)&a, &len);
	snprintf(text, sizeof(text), "%s own", what);
	show_name(text, r, &a, len);
	memset(&a, 0, sizeof(a));
	len = sizeof(a);
	r = getpeername(fd, (struct sockaddr *)&a, &len);
	snprintf(text, sizeof(text), "%s peer", what);
	show_name(text, r, &a, len);
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

CASE(pair)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
	char b[32];
	int s[2];

	for (unsigned i = 0; i < COUNT(types); i++) {
		struct timeval tv = {0, 50000};

		say("type %d", types[i]);
		R(socketpair(AF_UNIX, types[i], 0, s));
		events("fresh", s[0]);
		R(write(s[0], "hello", 5));
		R(write(s[0], "world", 5));
		events("with data", s[1]);
		R(read(s[1], b, 3));
		show_bytes("read", b, 3);
		R(read(s[1], b, 32));
		R(send(s[1], "", 0, 0));
		R(recv(s[0], b, 8, MSG_DONTWAIT));
		R(recv(s[0], b, 8, MSG_DONTWAIT));
		names("pair", s[0]);
		R(close(s[1]));
		events("other closed", s[0]);
		R(send(s[0], "x", 1, MSG_NOSIGNAL));
		setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
		R(read(s[0], b, 1));
		R(close(s[0]));
	}
}

CASE(create_errors)
{
	int s[2] = {-1, -1};

	RZ(socket(AF_UNIX, SOCK_RAW, 0));
	R(socket(AF_UNIX, SOCK_RDM, 0));
	R(socket(AF_UNIX, SOCK_STREAM, 7));
	RZ(socket(AF_UNIX, SOCK_STREAM, 1));
	R(socket(AF_UNIX, 77, 0));
	R(socket(AF_UNIX, SOCK_STREAM | 0x100, 0));
	R(socket(-1, SOCK_STREAM, 0));
	R(socket(46, SOCK_STREAM, 0));
	R(socket(AF_UNSPEC, SOCK_STREAM, 0));
	R(socketpair(AF_UNIX, SOCK_STREAM, 3, s));
	R(socketpair(AF_UNIX, SOCK_RDM, 0, s));
	R(sc(socketpair, AF_UNIX, SOCK_STREAM, 0, BAD_PTR));
	show_open_fds();
}

CASE(flags)
{
	int s[2], fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct stat st;
	char link[64] = "";
	char path[32];
	long n;

	R(fcntl(fd, F_GETFD));
	OCT(fcntl(fd, F_GETFL));
	fstat(fd, &st);
	OCT(st.st_mode);
	V(st.st_size);
	T(st.st_ino != 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, link, sizeof(link) - 1);
	T(n > 9 && !strncmp(link, "socket:[", 8) && link[n - 1] == ']');
	T(strtoul(link + 8, NULL, 10) == st.st_ino);
	R(open(path, O_RDWR));
	R(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, s));
	R(fcntl(s[0], F_GETFD));
	R(fcntl(s[1], F_GETFD));
	R(lseek(fd, 0, SEEK_SET));
	R(pread(fd, path, 1, 0));
	R(ftruncate(fd, 0));
	R(fsync(fd));
}

CASE(not_sockets)
{
	struct sockaddr_un a = named("x");
	socklen_t len = sizeof(a);
	struct msghdr m = {0};
	int p[2], v = 0;

	pipe(p);
	R(bind(p[0], (struct sockaddr *)&a, sizeof(a)));
	R(connect(p[0], (struct sockaddr *)&a, sizeof(a)));
	R(listen(p[0], 1));
	R(accept(p[0], NULL, NULL));
	R(getsockname(p[0], (struct sockaddr *)&a, &len));
	R(getpeername(p[0], (struct sockaddr *)&a, &len));
	R(send(p[1], "x", 1, 0));
	R(recv(p[0], &v, 1, 0));
	R(sendmsg(p[1], &m, 0));
	R(recvmsg(p[0], &m, 0));
	R(shutdown(p[0], SHUT_RD));
	R(getsockopt(p[0], SOL_SOCKET, SO_TYPE, &v, &len));
	R(setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &v, sizeof(v)));
	R(bind(-1, (struct sockaddr *)&a, sizeof(a)));
	R(accept(99, NULL, NULL));
	R(send(99, "x", 1, 0));
}

CASE(connection)
{
	int l = listening(SOCK_STREAM, "s", 5), c = socket(AF_UNIX, SOCK_STREAM, 0), a;
	struct sockaddr_un peer;
	socklen_t len = sizeof(peer);
	char b[16];

	names("listener", l);
	events("listener", l);
	events("unconnected", c);
	R(recv(c, b, 1, MSG_DONTWAIT));
	R(send(c, b, 1, MSG_NOSIGNAL));
	R(connect_to(c, "s"));
	events("listener with a client", l);
	R(write(c, "early", 5));
	a = accept(l, (struct sockaddr *)&peer, &len);
	T(a >= 0);
	V(len);
	R(read(a, b, 16));
	names("client", c);
	names("accepted", a);
	R(connect_to(c, "s"));
	R(connect_to(l, "s"));
	R(listen(c, 1));
	R(accept(c, NULL, NULL));
	R(write(a, "answer", 6));
	R(shutdown(a, SHUT_WR));
	events("half closed", c);
	R(read(c, b, 16));
	R(read(c, b, 16));
	R(write(c, "still", 5));
	R(read(a, b, 16));
	R(send(a, "x", 1, MSG_NOSIGNAL));
	R(shutdown(c, SHUT_RD));
	R(shutdown(c, 3));
	R(shutdown(c, -1));
	R(close(c));
	events("client gone", a);
	R(read(a, b, 1));
}

CASE(refused)
{
	int c = socket(AF_UNIX, SOCK_STREAM, 0), d = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct sockaddr_un a = named("none");
	int s;

	R(connect_to(c, "none"));
	put("file", "");
	R(connect_to(c, "file"));
	s = bound(SOCK_STREAM, "s");
	R(connect_to(c, "s"));
	R(connect_to(d, "s"));
	R(listen(s, 1));
	R(connect_to(d, "s"));
	R(close(s));
	R(connect_to(c, "s"));
	R(connect(c, (struct sockaddr *)&a, 2));
	R(connect(c, (struct sockaddr *)&a, 1));
	R(connect(c, (struct sockaddr *)&a, sizeof(a) + 1));
	a.sun_family = AF_INET;
	R(connect(c, (struct sockaddr *)&a, sizeof(a)));
	R(sc(connect, c, BAD_PTR, 20));
	R(sc(connect, c, &a, -1));
	a.sun_family = AF_UNSPEC;
	R(connect(c, (struct sockaddr *)&a, sizeof(a)));
	R(connect(d, (struct sockaddr *)&a, sizeof(a)));
	R(connect(d, (struct sockaddr *)&a, 1));
	abstract(&a, "no such name");
	R(connect(c, (struct sockaddr *)&a, sizeof(a)));
	R(connect_to(c, "no/such/folder"));
	R(symlink("loop", "loop"));
	R(connect_to(c, "loop"));
}

CASE(binding)
{
	struct sockaddr_un a = named("s");
	socklen_t len;
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), other = socket(AF_UNIX, SOCK_STREAM, 0);

	umask(027);
	R(bind(fd, (struct sockaddr *)&a, sizeof(a)));
	stat("s", &st);
	OCT(st.st_mode);
	names("bound", fd);
	R(bind(other, (struct sockaddr *)&a, sizeof(a)));
	a = named("t");
	R(bind(fd, (struct sockaddr *)&a, sizeof(a)));
	R(access("t", F_OK));
	R(open("s", O_RDWR));
	R(unlink("s"));
	a = named("s");
	R(bind(other, (struct sockaddr *)&a, offsetof(struct sockaddr_un, sun_path) + 1));
	names("other", other);
	R(access("s", F_OK));
	R(close(other));
	R(access("s", F_OK));
	other = socket(AF_UNIX, SOCK_STREAM, 0);
	R(bind(other, (struct sockaddr *)&a, 2));
	names("automatic has length 8", -1);
	len = sizeof(a);
	R(getsockname(other, (struct sockaddr *)&a, &len));
	V(len);
	T(a.sun_path[0] == 0 && strspn(a.sun_path + 1, "0123456789abcdef") >= 5);
	R(bind(other, (struct sockaddr *)&a, 2));
	R(bind(other, (struct sockaddr *)&a, 1));
	a = named("d/x");
	other = socket(AF_UNIX, SOCK_DGRAM, 0);
	R(bind(other, (struct sockaddr *)&a, sizeof(a)));
	R(fchmod(other, 0600));
	memset(a.sun_path, 'p', sizeof(a.sun_path));
	R(bind(other, (struct sockaddr *)&a, sizeof(a)));
	len = sizeof(a);
	R(getsockname(other, (struct sockaddr *)&a, &len));
	V(len);
	len = 5;
	R(getsockname(other, (struct sockaddr *)&a, &len));
	V(len);
	len = -1;
	R(getsockname(other, (struct sockaddr *)&a, &len));
	R(sc(getsockname, other, &a, NULL));
	len = sizeof(a);
	R(sc(getsockname, other, BAD_PTR, &len));
	system("stat -c '%A' p* >modes");
	show_file("modes");
}

CASE(abstract_names)
{
	struct sockaddr_un a;
	socklen_t len = abstract(&a, "abi-test-name");
	int s = socket(AF_UNIX, SOCK_STREAM, 0), t = socket(AF_UNIX, SOCK_STREAM, 0);
	int d = socket(AF_UNIX, SOCK_DGRAM, 0), q = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	R(bind(s, (struct sockaddr *)&a, len));
	R(bind(t, (struct sockaddr *)&a, len));
	R(bind(t, (struct sockaddr *)&a, len + 1));
	R(bind(d, (struct sockaddr *)&a, len));
	R(bind(q, (struct sockaddr *)&a, len));
	names("stream", s);
	names("one longer", t);
	R(listen(s, 1));
	close(q);
	q = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	R(connect(q, (struct sockaddr *)&a, len));
	close(d);
	d = socket(AF_UNIX, SOCK_STREAM, 0);
	R(connect(d, (struct sockaddr *)&a, len));
	names("client", d);
	R(close(s));
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	R(bind(s, (struct sockaddr *)&a, len));
}

CASE(permission)
{
	int l = listening(SOCK_STREAM, "s", 5), d = bound(SOCK_DGRAM, "d");
	struct sockaddr_un a = named("d");

	T(l >= 0 && d >= 0);
	chmod("s", 0755);
	chmod("d", 0755);
	IN_CHILD
	{
		int c = socket(AF_UNIX, SOCK_STREAM, 0), e = socket(AF_UNIX, SOCK_DGRAM, 0);

		drop_to(1000, 1000);
		R(connect_to(c, "s"));
		R(connect_to(e, "d"));
		R(sendto(e, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)));
		a = named("mine");
		R(bind(e, (struct sockaddr *)&a, sizeof(a)));
	}
	chmod("s", 0722);
	chmod("d", 0722);
	IN_CHILD
	{
		int c = socket(AF_UNIX, SOCK_STREAM, 0), e = socket(AF_UNIX, SOCK_DGRAM, 0);

		drop_to(1000, 1000);
		R(connect_to(c, "s"));
		R(connect_to(e, "d"));
	}
}

CASE(backlog)
{
	int l = listening(SOCK_STREAM, "s", 1), c[8];

	for (int i = 0; i < 4; i++) {
		c[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		R(connect_to(c[i], "s"));
	}
	RZ(accept(l, NULL, NULL));
	R(connect_to(c[3], "s"));
	R(listen(l, 3));
	c[4] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	R(connect_to(c[4], "s"));
	R(shutdown(l, SHUT_RD));
	R(connect_to(c[2], "s"));
	RZ(accept(l, NULL, NULL));
	R(close(l));
	events("never accepted", c[4]);
	R(read(c[4], c, 1));
	R(read(c[4], c, 1));
	l = listening(SOCK_STREAM, "t", 0);
	fcntl(l, F_SETFL, O_NONBLOCK);
	R(accept(l, NULL, NULL));
	R(shutdown(l, SHUT_RDWR));
	R(accept(l, NULL, NULL));
	fcntl(l, F_SETFL, 0);
	R(accept(l, NULL, NULL));
}

CASE(waiting_connect)
{
	int l = listening(SOCK_STREAM, "s", 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
	struct timeval tv = {0, 50000};
	struct gate g;
	pid_t pid;
	int d;

	gate_init(&g);
	R(connect_to(c, "s"));
	pid = abi_fork();
	if (!pid) {
		d = socket(AF_UNIX, SOCK_STREAM, 0);
		gate_open(&g);
		R(connect_to(d, "s"));
		_exit(0);
	}
	gate_wait(&g);
	wait_blocked(pid);
	RZ(accept(l, NULL, NULL));
	abi_reap("connect", pid);
	d = socket(AF_UNIX, SOCK_STREAM, 0);
	R(setsockopt(d, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	R(connect_to(d, "s"));
	R(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	RZ(accept(l, NULL, NULL));
	R(accept(l, NULL, NULL));
	R(setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	R(read(c, &d, 1));
}

CASE(datagrams)
{
	int r = bound(SOCK_DGRAM, "r"), s = bound(SOCK_DGRAM, "s"),
	    u = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct sockaddr_un a = named("r"), from;
	socklen_t len = sizeof(from);
	char b[16];

	R(sendto(s, "one", 3, 0, (struct sockaddr *)&a, sizeof(a)));
	R(sendto(u, "two22", 5, 0, (struct sockaddr *)&a, sizeof(a)));
	R(sendto(s, "", 0, 0, (struct sockaddr *)&a, sizeof(a)));
	R(send(s, "x", 1, 0));
	R(ioctl(r, FIONREAD, &len));
	V(len);
	len = sizeof(from);
	memset(&from, 0, sizeof(from));
	R(recvfrom(r, b, 16, 0, (struct sockaddr *)&from, &len));
	show_name("from", 0, &from, len);
	len = sizeof(from);
	R(recvfrom(r, b, 2, 0, (struct sockaddr *)&from, &len));
	V(len);
	R(recv(r, b, 2, 0));
	R(recv(r, b, 2, MSG_DONTWAIT));
	R(sendto(s, "truncated", 9, 0, (struct sockaddr *)&a, sizeof(a)));
	R(recv(r, b, 2, MSG_PEEK));
	R(recv(r, b, 2, MSG_PEEK | MSG_TRUNC));
	R(recv(r, b, 2, MSG_TRUNC));
	R(connect_to(s, "r"));
	names("connected", s);
	R(send(s, "y", 1, 0));
	R(connect_to(r, "s"));
	R(sendto(u, "z", 1, 0, (struct sockaddr *)&a, sizeof(a)));
	R(connect_to(u, "r"));
	R(recv(r, b, 16, 0));
	R(sendto(s, "to another", 10, 0, (struct sockaddr *)&a, 3));
	events("connected", s);
	R(close(r));
	events("receiver gone", s);
	R(send(s, "y", 1, 0));
	R(send(s, "y", 1, 0));
	R(sendto(s, "y", 1, 0, (struct sockaddr *)&a, sizeof(a)));
	R(unlink("r"));
	R(sendto(s, "y", 1, 0, (struct sockaddr *)&a, sizeof(a)));
	R(send(s, "x", 1, MSG_OOB));
	R(recv(s, b, 1, MSG_OOB));
	R(listen(s, 1));
	R(accept(s, NULL, NULL));
}

CASE(datagram_queue)
{
	int r = bound(SOCK_DGRAM, "r"), s = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), n = 0;
	char b[16];

	connect_to(s, "r");
	events("empty", s);
	while (send(s, "x", 1, 0) == 1)
		n++;
	say("%d until %s", n, errno_name(errno));
	events("full", s);
	R(read(r, b, 1));
	events("one read", s);
	R(send(s, "x", 1, 0));
	events("full again", s);
	R(connect_to(r, "r"));
	R(shutdown(r, SHUT_RD));
	R(send(s, "x", 1, 0));
	R(recv(r, b, 1, 0));
	R(close(r));
	events("gone", s);
	R(send(s, "x", 1, 0));
	events("told", s);
	R(send(s, "x", 1, 0));
}

CASE(datagram_waits)
{
	int r = bound(SOCK_DGRAM, "r"), s = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct pollfd p = {.fd = s, .events = POLLOUT};
	struct gate g;
	char b[16];
	pid_t pid;

	connect_to(s, "r");
	while (send(s, "x", 1, MSG_DONTWAIT) == 1)
		;
	gate_init(&g);
	pid = abi_fork();
	if (!pid) {
		gate_open(&g);
		R(send(s, "blocking", 8, 0));
		_exit(0);
	}
	gate_wait(&g);
	wait_blocked(pid);
	read(r, b, 16);
	abi_reap("send", pid);
	pid = abi_fork();
	if (!pid) {
		gate_open(&g);
		R(poll(&p, 1, 2000));
		HEX(p.revents);
		_exit(0);
	}
	gate_wait(&g);
	wait_blocked(pid);
	read(r, b, 16);
	abi_reap("poll", pid);
}

CASE(seqpacket)
{
	int l = listening(SOCK_SEQPACKET, "s", 2), c = socket(AF_UNIX, SOCK_SEQPACKET, 0), a;
	struct sockaddr_un to = named("s");
	struct iovec v;
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	char b[16];

	R(send(c, "x", 1, 0));
	R(recv(c, b, 1, 0));
	events("unconnected", c);
	R(connect_to(c, "s"));
	a = accept(l, NULL, NULL);
	R(write(c, "first", 5));
	R(sendto(c, "second", 6, 0, (struct sockaddr *)&to, sizeof(to)));
	R(send(c, "", 0, 0));
	v = (struct iovec){b, 3};
	R(recvmsg(a, &m, 0));
	HEX(m.msg_flags);
	v = (struct iovec){b, 16};
	R(recvmsg(a, &m, 0));
	HEX(m.msg_flags);
	R(recv(a, b, 16, 0));
	R(shutdown(c, SHUT_WR));
	R(recv(a, b, 16, 0));
	R(recv(a, b, 16, MSG_DONTWAIT));
	events("shut down", a);
	R(write(a, "left", 4));
	R(close(c));
	R(write(a, "x", 1));
	events("closed", a);
	R(recv(a, b, 1, 0));
	R(recv(a, b, 1, 0));
}

CASE(reset)
{
	int s[2], v;
	socklen_t len = sizeof(v);
	char b[4];

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	R(write(s[0], "unread", 6));
	R(close(s[1]));
	events("reset", s[0]);
	R(read(s[0], b, 4));
	R(read(s[0], b, 4));
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	R(write(s[0], "unread", 6));
	R(close(s[1]));
	R(getsockopt(s[0], SOL_SOCKET, SO_ERROR, &v, &len));
	V(v);
	R(getsockopt(s[0], SOL_SOCKET, SO_ERROR, &v, &len));
	V(v);
	catch_signal(SIGPIPE, 0);
	R(write(s[0], "x", 1));
	V(caught);
	R(send(s[0], "x", 1, MSG_NOSIGNAL));
	V(caught);
}

CASE(stream_limits)
{
	static char big[400000];
	int s[2], n = 0, v;
	long sent;

	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
	v = 1;
	R(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, sizeof(v)));
	sent = send(s[0], big, sizeof(big), 0);
	T(sent > 0 && sent < 100000);
	R(send(s[0], big, 1, 0));
	events("full", s[0]);
	R(ioctl(s[1], FIONREAD, &n));
	T(n == sent);
	R(ioctl(s[0], SIOCOUTQ_, &n));
	T(n >= sent);
	while ((sent -= read(s[1], big, sizeof(big))) > 0)
		;
	V(sent);
	events("empty", s[0]);
	R(read(s[1], big, 1));
	socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s);
	R(send(s[0], big, 300000, 0));
	RZ(send(s[0], big, 100000, 0));
	R(recv(s[1], big, sizeof(big), 0));
	v = 1;
	R(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, sizeof(v)));
	R(send(s[0], big, 100000, 0));
}

CASE(big_stream)
{
	static char big[1 << 20], back[1 << 20];
	size_t done = 0;
	int s[2];
	pid_t pid;

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7 + i / 251);
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	pid = abi_fork();
	if (!pid) {
		close(s[1]);
		_exit(write(s[0], big, sizeof(big)) != sizeof(big));
	}
	close(s[0]);
	R(recv(s[1], back, 1000, MSG_WAITALL));
	for (done = 1000; done < sizeof(back);) {
		long n = read(s[1], back + done, 70000);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	T(done == sizeof(back) && !memcmp(big, back, done));
	abi_reap("writer", pid);
	R(read(s[1], back, 1));
}

CASE(peeking)
{
	int s[2], v = 0, n;
	socklen_t len = sizeof(v);
	char b[32];

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	R(write(s[0], "abcd", 4));
	R(write(s[0], "efgh", 4));
	n = R(recv(s[1], b, 6, MSG_PEEK));
	show_bytes("peeked", b, n);
	n = R(recv(s[1], b, 2, 0));
	n = R(recv(s[1], b, 32, MSG_PEEK));
	show_bytes("peeked", b, n);
	R(getsockopt(s[1], SOL_SOCKET, SO_PEEK_OFF, &v, &len));
	V(v);
	v = 1;
	R(setsockopt(s[1], SOL_SOCKET, SO_PEEK_OFF, &v, sizeof(v)));
	n = R(recv(s[1], b, 2, MSG_PEEK));
	show_bytes("peeked", b, n);
	n = R(recv(s[1], b, 2, MSG_PEEK));
	show_bytes("peeked", b, n);
	R(getsockopt(s[1], SOL_SOCKET, SO_PEEK_OFF, &v, &len));
	V(v);
	n = R(recv(s[1], b, 3, 0));
	show_bytes("read", b, n);
	R(getsockopt(s[1], SOL_SOCKET, SO_PEEK_OFF, &v, &len));
	V(v);
	n = R(recv(s[1], b, 8, MSG_PEEK));
	show_bytes("peeked", b, n);
	R(recv(s[1], b, 8, MSG_PEEK | MSG_DONTWAIT));
	socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
	R(write(s[0], "abcd", 4));
	R(write(s[0], "efgh", 4));
	v = 2;
	R(setsockopt(s[1], SOL_SOCKET, SO_PEEK_OFF, &v, sizeof(v)));
	n = R(recv(s[1], b, 8, MSG_PEEK));
	show_bytes("peeked", b, n);
	n = R(recv(s[1], b, 8, MSG_PEEK));
	show_bytes("peeked", b, n);
	n = R(recv(s[1], b, 8, 0));
	show_bytes("read", b, n);
	n = R(recv(s[1], b, 8, MSG_PEEK | MSG_DONTWAIT));
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
