/*
 * unix_test.c - AF_UNIX: pairs, names, connections, datagrams, credentials, descriptors in
 * messages.
 */
#include "unix.h"

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
	d = accept(l, NULL, NULL); /* told after the child has told its part */
	abi_reap("connect", pid);
	T(d >= 0);
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
