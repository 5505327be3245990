/*
 * net_errors_test.c - the errors that the manual pages promise of each call on sockets, and that
 * no other chapter has a place for: descriptors, limits, interrupts, kinds of sockets, messages in
 * bulk.
 */
#include "inet.h"

#include <sys/resource.h>
#include <sys/un.h>

/* ---- what is no socket ---- */

static void every_call(int fd)
{
	union addr a = loopback(false, 9);
	socklen_t len = sizeof(a);
	char c = 0;
	struct iovec v = {&c, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	struct mmsghdr mm = {.msg_hdr = m};
	int n = 0;

	len = sizeof(a.v4);
	R(bind(fd, &a.any, len));
	R(listen(fd, 1));
	R(accept(fd, NULL, NULL));
	R(accept4(fd, NULL, NULL, SOCK_NONBLOCK));
	R(connect(fd, &a.any, len));
	R(getsockname(fd, &a.any, &len));
	R(getpeername(fd, &a.any, &len));
	R(send(fd, &c, 1, 0));
	R(sendto(fd, &c, 1, 0, &a.any, len));
	R(sendmsg(fd, &m, 0));
	R(sc(sendmmsg, fd, &mm, 1, 0));
	R(recv(fd, &c, 1, 0));
	R(recvfrom(fd, &c, 1, 0, &a.any, &len));
	R(recvmsg(fd, &m, 0));
	R(sc(recvmmsg, fd, &mm, 1, 0, NULL));
	R(shutdown(fd, SHUT_RD));
	R(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &n, sizeof(n)));
	len = sizeof(n);
	R(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &n, &len));
}

CASE(no_descriptor)
{
	every_call(-1);
	every_call(99);
	every_call(INT_MAX);
}

CASE(no_socket)
{
	int p[2];

	every_call(make("file", O_RDWR));
	pipe(p);
	every_call(p[0]);
	every_call(open(".", O_RDONLY));
	every_call(open("file", O_PATH));
	every_call(epoll_create1(0));
}

/* ---- making sockets ---- */

CASE(kinds_that_are_not_there)
{
	int s[2];

	R(socket(-1, SOCK_STREAM, 0));
	R(socket(0, SOCK_STREAM, 0));
	R(socket(1000, SOCK_STREAM, 0));
	R(socket(AF_INET, 0, 0));
	R(socket(AF_INET, 15, 0));
	R(socket(AF_INET, SOCK_SEQPACKET, 0));
	R(socket(AF_INET, SOCK_RDM, 0));
	R(socket(AF_INET, SOCK_STREAM | 0x1000, 0));
	R(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	R(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
	R(socket(AF_INET, SOCK_STREAM, 9999));
	R(socket(AF_INET, SOCK_STREAM, -1));
	R(socket(AF_INET, SOCK_RAW, 0));
	R(socket(AF_UNIX, SOCK_STREAM, 2));
	R(socket(AF_UNIX, SOCK_RDM, 0));
	R(socket(AF_NETLINK, SOCK_STREAM, 0));
	R(socket(AF_NETLINK, SOCK_RAW, 99));
	R(socketpair(AF_INET, SOCK_STREAM, 0, s));
	R(socketpair(AF_INET, SOCK_DGRAM, 0, s));
	R(socketpair(AF_NETLINK, SOCK_RAW, 0, s));
	R(socketpair(AF_UNIX, SOCK_STREAM, 3, s));
	R(socketpair(AF_UNIX, SOCK_STREAM | 0x1000, 0, s));
	R(socketpair(1000, SOCK_STREAM, 0, s));
	R(sc(socketpair, AF_UNIX, SOCK_STREAM, 0, BAD_PTR));
	show_open_fds();
}

CASE(too_many_files)
{
	struct rlimit limit = {8, 8};
	union addr at;
	int l = listener(false, 3, &at), fd = stream(false), s[2];

	R(connect_at(fd, &at));
	set_nonblock(l);
	setrlimit(RLIMIT_NOFILE, &limit);
	while (dup(0) >= 0)
		;
	R(socket(AF_INET, SOCK_STREAM, 0));
	R(socket(AF_UNIX, SOCK_STREAM, 0));
	R(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	R(accept(l, NULL, NULL));
	close(7);
	R(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	R(accept(l, NULL, NULL)); /* it waited */
	R(accept(l, NULL, NULL));
}

/* ---- interrupts ---- */

enum call { ACCEPT, CONNECT, RECV, RECVMSG, SEND, RECVFROM };

static void run_call(enum call which, const int *s, const union addr *at)
{
	char c;
	struct iovec v = {&c, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

	switch (which) {
	case ACCEPT:
		R(accept(s[0], NULL, NULL));
		break;
	case CONNECT:
		R(connect(s[0], &at->any, addr_len(at)));
		break;
	case RECV:
		R(recv(s[0], &c, 1, 0));
		break;
	case RECVMSG:
		R(recvmsg(s[0], &m, 0));
		break;
	case RECVFROM:
		R(recvfrom(s[0], &c, 1, 0, NULL, NULL));
		break;
	case SEND:
		R(send(s[0], "x", 1, 0));
		break;
	}
}

static void interrupt(enum call which, const int *s, const union addr *at)
{
	pid_t parent = getpid(), pid;

	if (which == SEND)
		fill(s[0]); /* which sleeps, too */
	pid = abi_fork();
	if (!pid) {
		wait_blocked(parent);
		kill(parent, SIGUSR1);
		_exit(0);
	}
	run_call(which, s, at);
	abi_reap("killer", pid);
}

CASE(interrupted)
{
	union addr at;
	int s[2], l = listener(false, 0, &at);

	catch_signal(SIGUSR1, 0);
	interrupt(ACCEPT, &l, &at);
	connection(false, s);
	interrupt(RECV, s, &at);
	interrupt(RECVMSG, s, &at);
	interrupt(SEND, s, &at);
	s[0] = socket(AF_INET, SOCK_DGRAM, 0);
	interrupt(RECVFROM, s, &at);
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	interrupt(RECV, s, &at);
	interrupt(SEND, s, &at);
	for (int i = 0; i < 6; i++) { /* until one has to wait */
		struct pollfd p;

		s[0] = stream(false);
		set_nonblock(s[0]);
		connect_at(s[0], &at);
		p = (struct pollfd){.fd = s[0], .events = POLLOUT};
		if (poll(&p, 1, 300) < 1)
			break;
	}
	fcntl(s[0], F_SETFL, 0);
	interrupt(CONNECT, s, &at);
}

/* ---- names and places ---- */

CASE(names)
{
	struct sockaddr_un u = {.sun_family = AF_UNIX};
	union addr a = loopback(false, 0);
	int fd = stream(false), udp = socket(AF_INET, SOCK_DGRAM, 0),
	    un = socket(AF_UNIX, SOCK_STREAM, 0), dg = socket(AF_UNIX, SOCK_DGRAM, 0);

	R(bind(fd, NULL, 16));
	R(bind(fd, BAD_PTR, 16));
	R(bind(fd, KERNEL_PTR, 16));
	R(bind(fd, &a.any, -1));
	R(bind(fd, &a.any, 1000));
	R(bind(fd, &a.any, 0));
	memset(u.sun_path, 'x', sizeof(u.sun_path));
	R(bind(un, (struct sockaddr *)&u, sizeof(u)));
	close(un);
	un = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(u.sun_path, "none/such");
	R(bind(un, (struct sockaddr *)&u, sizeof(u)));
	R(connect(un, (struct sockaddr *)&u, sizeof(u)));
	make("f", O_RDWR);
	strcpy(u.sun_path, "f/x");
	R(bind(un, (struct sockaddr *)&u, sizeof(u)));
	strcpy(u.sun_path, "f");
	R(bind(un, (struct sockaddr *)&u, sizeof(u)));
	R(connect(un, (struct sockaddr *)&u, sizeof(u)));
	symlink("loop", "loop");
	strcpy(u.sun_path, "loop/x");
	R(bind(un, (struct sockaddr *)&u, sizeof(u)));
	R(connect(un, (struct sockaddr *)&u, sizeof(u)));
	strcpy(u.sun_path, "d");
	R(bind(dg, (struct sockaddr *)&u, sizeof(u)));
	R(connect(un, (struct sockaddr *)&u, sizeof(u)));
	R(connect(un, &a.any, sizeof(a.v4)));
	R(connect(udp, (struct sockaddr *)&u, sizeof(u)));
	a.v4.sin_addr.s_addr = htonl(0x7fffffff); /* broadcast */
	a.v4.sin_port = htons(9);
	R(connect(udp, &a.any, sizeof(a.v4)));
	R(sendto(udp, "x", 1, 0, &a.any, sizeof(a.v4)));
	R(listen(udp, 1));
	R(accept(udp, NULL, NULL));
	R(listen(dg, 1));
	R(listen(un, 1));
}

CASE(sends)
{
	static char block[70000];
	int udp = socket(AF_INET, SOCK_DGRAM, 0), un = socket(AF_UNIX, SOCK_STREAM, 0),
	    dg = socket(AF_UNIX, SOCK_DGRAM, 0), seq = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	union addr a = loopback(false, 0);

	ignore_signal(SIGPIPE);
	R(send(udp, "x", 1, 0));
	R(send(un, "x", 1, 0));
	R(send(dg, "x", 1, 0));
	R(send(seq, "x", 1, 0));
	R(sendto(udp, block, sizeof(block), 0, &a.any, sizeof(a.v4)));
	R(sendto(udp, "x", 1, 0, &a.any, 4));
	R(sendto(udp, "x", 1, 0, &a.any, sizeof(a.v4))); /* port 0 */
	R(sendto(udp, "x", 1, MSG_OOB, &a.any, sizeof(a.v4)));
	R(sendto(udp, "x", 1, 0, NULL, 16));
	R(sendto(udp, "x", 1, 0, BAD_PTR, 16));
	R(recv(un, block, 1, 0));
	R(recv(seq, block, 1, MSG_DONTWAIT));
	R(recv(dg, block, 1, MSG_DONTWAIT));
	R(recv(udp, block, 1, MSG_DONTWAIT));
	R(recv(udp, block, 1, MSG_DONTWAIT | MSG_OOB));
	R(recv(udp, block, 1, MSG_ERRQUEUE));
	R(recv(stream(false), block, 1, MSG_ERRQUEUE));
	R(recv(stream(false), block, 1, 0));
	R(recv(stream(false), block, 1, MSG_OOB));
}

/* A datagram to a port where nobody is: the next call of a connected socket hears of it. */
CASE_BOTH(nobody_there)
{
	union addr a = loopback(six, 0);
	socklen_t len = addr_len(&a);
	int in = socket(a.any.sa_family, SOCK_DGRAM, 0),
	    udp = socket(a.any.sa_family, SOCK_DGRAM, 0);
	char c;

	bind(in, &a.any, len);
	getsockname(in, &a.any, &len);
	R(connect_at(udp, &a));
	close(in);
	R(send(udp, "x", 1, 0));
	wait_events("refused", udp, POLLIN);
	R(recv(udp, &c, 1, MSG_DONTWAIT));
	R(recv(udp, &c, 1, MSG_DONTWAIT));
	R(send(udp, "x", 1, 0));
	wait_events("refused", udp, POLLIN);
	R(send(udp, "x", 1, 0));
	R(send(udp, "x", 1, 0));
	wait_events("refused", udp, POLLIN);
	say("%s", so_error(udp));
	say("%s", so_error(udp));
}

/* ---- many messages at once ---- */

CASE(in_bulk)
{
	struct mmsghdr m[3] = {0};
	struct iovec v[3];
	struct timespec bad = {0, -1}, soon = {0, 20000000};
	char text[3][4] = {"a", "bc", "def"};
	int s[2];

	socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
	for (int i = 0; i < 3; i++) {
		v[i] = (struct iovec){text[i], (size_t)i + 1};
		m[i].msg_hdr.msg_iov = &v[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	R(sc(sendmmsg, s[0], m, 0, 0));
	R(sc(sendmmsg, s[0], BAD_PTR, 1, 0));
	v[1].iov_base = BAD_PTR;
	R(sc(sendmmsg, s[0], m, 3, 0)); /* stops before the bad one */
	V(m[0].msg_len);
	R(sc(sendmmsg, s[0], m + 1, 2, 0));
	v[1].iov_base = text[1];
	R(sc(sendmmsg, s[0], m + 1, 2, 0));
	R(sc(recvmmsg, s[1], m, 3, MSG_DONTWAIT, &bad));
	R(sc(recvmmsg, s[1], m, 3, MSG_DONTWAIT, BAD_PTR));
	v[1].iov_base = BAD_PTR;
	R(sc(recvmmsg, s[1], m, 3, MSG_DONTWAIT, NULL));
	v[1].iov_base = text[1];
	R(sc(recvmmsg, s[1], m, 3, MSG_DONTWAIT, NULL));
	R(sc(recvmmsg, s[1], m, 3, MSG_DONTWAIT, NULL));
	R(sc(sendmmsg, s[0], m, 2, 0));
	R(sc(recvmmsg, s[1], m, 3, MSG_WAITFORONE, NULL));
	R(sc(recvmmsg, s[1], m, 0, MSG_DONTWAIT, &soon));
	R(sc(recvmmsg, s[1], BAD_PTR, 1, MSG_DONTWAIT, NULL));
	close(s[1]);
	R(sc(sendmmsg, s[0], m, 2, 0));
}
