/*
 * socket_errors_test.c - what the calls on sockets refuse, and how those that wait end: on UNIX
 * sockets and on the machine's own TCP and UDP.
 */
#include "abi.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

static char bytes[65536];
static union {
	struct sockaddr any;
	struct sockaddr_un un;
	struct sockaddr_in in;
} at;

static struct sockaddr *unix_name(const char *name)
{
	memset(&at, 0, sizeof(at));
	at.un.sun_family = AF_UNIX;
	strcpy(at.un.sun_path, name);
	return &at.any;
}

static struct sockaddr *inet_port(int port)
{
	memset(&at, 0, sizeof(at));
	at.in.sin_family = AF_INET;
	at.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	at.in.sin_port = htons((uint16_t)port);
	return &at.any;
}

static int port_of(int s)
{
	socklen_t len = sizeof(at);

	getsockname(s, &at.any, &len);
	return ntohs(at.in.sin_port);
}

#define UN sizeof(at.un)
#define IN sizeof(at.in)

static int listener(const char *name, int backlog)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	bind(s, unix_name(name), UN);
	listen(s, backlog);
	return s;
}

CASE(no_sockets)
{
	static const int fds[] = {99, 0};
	socklen_t len = 16;
	struct msghdr m = {0};
	struct iovec v = {bytes, 1};

	m.msg_iov = &v;
	m.msg_iovlen = 1;
	for (unsigned i = 0; i < COUNT(fds); i++) {
		int fd = fds[i];

		R(bind(fd, unix_name("x"), UN));
		R(listen(fd, 1));
		R(sc(accept, fd, NULL, NULL));
		R(sc(accept4, fd, NULL, NULL, 0));
		R(connect(fd, unix_name("x"), UN));
		R(shutdown(fd, 0));
		R(getsockname(fd, &at.any, &len));
		R(getpeername(fd, &at.any, &len));
		R(sc(setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, bytes, 4));
		R(sc(getsockopt, fd, SOL_SOCKET, SO_TYPE, bytes, &len));
		R(sc(sendto, fd, bytes, 1, 0, NULL, 0));
		R(sc(recvfrom, fd, bytes, 1, 0, NULL, NULL));
		R(sc(sendmsg, fd, &m, 0));
		R(sc(recvmsg, fd, &m, 0));
		R(sc(sendmmsg, fd, &m, 0, 0));
		R(sc(recvmmsg, fd, &m, 0, 0, NULL));
	}
}

CASE(addresses)
{
	int s = listener("s", 5), c = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t len = sizeof(at), negative = -1;

	mkdir("d", 0755);
	put("f", "");
	symlink("loop", "loop");
	R(sc(bind, c, BAD_PTR, 16));
	R(bind(c, unix_name("loop/x"), UN));
	R(bind(c, unix_name("f/x"), UN));
	R(bind(c, unix_name("missing/x"), UN));
	R(bind(c, unix_name("s"), UN));
	memset(at.un.sun_path, 'n', sizeof(at.un.sun_path));
	R(bind(c, &at.any, UN));
	R(bind(c, &at.any, UN + 1));
	R(bind(c, &at.any, 1));
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	R(bind(c, unix_name("/proc/x"), UN));
	IN_CHILD
	{
		chmod("d", 0700);
		drop_to(1000, 1000);
		R(bind(c, unix_name("d/x"), UN));
		R(connect(c, unix_name("s"), UN));
	}
	R(connect(c, unix_name("missing"), UN));
	R(connect(c, unix_name("f"), UN));
	R(connect(c, inet_port(1), IN));
	R(sc(connect, c, BAD_PTR, 16));
	R(connect(c, unix_name("s"), UN));
	R(connect(c, unix_name("s"), UN));
	R(connect(s, unix_name("s"), UN));
	R(sc(getpeername, c, BAD_PTR, &len));
	R(sc(getpeername, c, &at, BAD_PTR));
	R(sc(getpeername, c, &at, &negative));
	R(sc(getsockname, c, BAD_PTR, &len));
	R(sc(getsockname, c, &at, BAD_PTR));
	R(sc(getsockname, c, &at, &negative));
	R(sc(getpeername, s, &at, &len));
	R(sc(accept, s, BAD_PTR, BAD_PTR));
	R(connect(socket(AF_UNIX, SOCK_DGRAM, 0), unix_name("s"), UN));
	R(connect(socket(AF_UNIX, SOCK_SEQPACKET, 0), unix_name("s"), UN));
	R(listen(socket(AF_UNIX, SOCK_DGRAM, 0), 1));
	R(listen(c, 1));
}

CASE(pairs_and_kinds)
{
	int pair[2];

	R(socketpair(AF_INET, SOCK_STREAM, 0, pair));
	R(socketpair(AF_INET, SOCK_DGRAM, 0, pair));
	R(socketpair(99, SOCK_STREAM, 0, pair));
	R(socketpair(AF_UNIX, 99, 0, pair));
	R(socketpair(AF_UNIX, SOCK_STREAM, 9, pair));
	R(socketpair(AF_UNIX, SOCK_STREAM | 64, 0, pair));
	R(sc(socketpair, AF_UNIX, SOCK_STREAM, 0, BAD_PTR));
	R(socket(99, SOCK_STREAM, 0));
	R(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	R(socket(AF_INET, SOCK_SEQPACKET, 0));
}

CASE(options)
{
	int s = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	socklen_t len = 4, negative = -1;

	R(sc(setsockopt, s, SOL_SOCKET, SO_REUSEADDR, BAD_PTR, 4));
	R(sc(setsockopt, s, SOL_SOCKET, SO_REUSEADDR, &one, 3));
	R(sc(setsockopt, s, SOL_SOCKET, SO_REUSEADDR, &one, -1));
	R(sc(setsockopt, s, SOL_SOCKET, SO_TYPE, &one, 4));
	R(sc(setsockopt, s, SOL_SOCKET, 9999, &one, 4));
	R(sc(setsockopt, s, 9999, 1, &one, 4));
	R(sc(setsockopt, s, SOL_SOCKET, SO_LINGER, &one, 4));
	R(sc(setsockopt, s, SOL_SOCKET, SO_RCVTIMEO, &one, 4));
	R(sc(getsockopt, s, SOL_SOCKET, SO_TYPE, BAD_PTR, &len));
	R(sc(getsockopt, s, SOL_SOCKET, SO_TYPE, &one, BAD_PTR));
	R(sc(getsockopt, s, SOL_SOCKET, SO_TYPE, &one, &negative));
	R(sc(getsockopt, s, SOL_SOCKET, 9999, &one, &len));
	R(sc(getsockopt, s, 9999, 1, &one, &len));
	R(sc(getsockopt, 99, SOL_SOCKET, SO_TYPE, BAD_PTR, BAD_PTR));
}

/* Neither connected nor told where to. */
CASE(unconnected)
{
	int tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
	int local = socket(AF_UNIX, SOCK_STREAM, 0), datagrams = socket(AF_UNIX, SOCK_DGRAM, 0);
	const int all[] = {tcp, udp, local, datagrams};
	struct iovec v = {bytes, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

	signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 0; i < COUNT(all); i++) {
		R(sc(sendto, all[i], bytes, 1, 0, NULL, 0));
		R(sc(sendmsg, all[i], &m, 0));
		R(sc(recvfrom, all[i], bytes, 1, MSG_DONTWAIT, NULL, NULL));
		R(sc(recvmsg, all[i], &m, MSG_DONTWAIT));
		R(shutdown(all[i], SHUT_RDWR));
		if (all[i] == local)
			continue; /* urgent bytes on UNIX streams are younger than some hosts */
		R(sc(recvfrom, all[i], bytes, 1, MSG_OOB | MSG_DONTWAIT, NULL, NULL));
		R(sc(recvmsg, all[i], &m, MSG_OOB | MSG_DONTWAIT));
		R(sc(sendto, all[i], bytes, 1, MSG_OOB, NULL, 0));
		R(sc(sendmsg, all[i], &m, MSG_OOB));
	}
	udp = socket(AF_INET, SOCK_DGRAM, 0);
	R(sc(sendto, udp, bytes, 65535, 0, inet_port(9), IN));
	R(sc(sendto, udp, bytes, 1, 0, inet_port(9), 4));
	R(sc(sendto, udp, bytes, 1, 0, BAD_PTR, IN));
	R(sc(sendto, udp, bytes, 1, MSG_OOB, inet_port(9), IN));
	at.in.sin_addr.s_addr = htonl(0x7fffffff); /* of the loopback network */
	m.msg_name = &at;
	m.msg_namelen = IN;
	R(sc(sendmsg, udp, &m, 0));
}

static void receive(int fd)
{
	R(sc(recvfrom, fd, bytes, 1, 0, NULL, NULL));
}

static void receive_message(int fd)
{
	struct iovec v = {bytes, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

	R(sc(recvmsg, fd, &m, 0));
}

static void send_one(int fd)
{
	R(sc(sendto, fd, bytes, 1, 0, NULL, 0));
}

static void send_message(int fd)
{
	struct iovec v = {bytes, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

	R(sc(sendmsg, fd, &m, 0));
}

static void accept_one(int fd)
{
	R(sc(accept, fd, NULL, NULL));
}

static void accept_one4(int fd)
{
	R(sc(accept4, fd, NULL, NULL, 0));
}

static void connect_one(int fd)
{
	(void)fd;
	R(connect(socket(AF_UNIX, SOCK_STREAM, 0), unix_name("s"), UN));
}

CASE(interrupted)
{
	struct iovec v = {bytes, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	int s = listener("s", 0), pair[2], c;

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	interrupt_in_child("recvfrom", receive, pair[0]);
	interrupt_in_child("recvmsg", receive_message, pair[0]);
	interrupt_in_child("accept", accept_one, s);
	interrupt_in_child("accept4", accept_one4, s);
	while (send(pair[0], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	R(sc(sendto, pair[0], bytes, 1, MSG_DONTWAIT, NULL, 0));
	R(sc(sendmsg, pair[0], &m, MSG_DONTWAIT));
	interrupt_in_child("sendto", send_one, pair[0]);
	interrupt_in_child("sendmsg", send_message, pair[0]);
	/* A queue that is full: two wait where none should. */
	for (int i = 0; i < 10; i++) {
		c = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(c, unix_name("s"), UN) < 0)
			break;
	}
	R(connect(c, unix_name("s"), UN));
	interrupt_in_child("connect", connect_one, s);
}

/* The other side is gone. */
CASE(broken)
{
	struct iovec v = {bytes, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	int pair[2];

	signal(SIGPIPE, SIG_IGN);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	close(pair[1]);
	R(sc(sendto, pair[0], bytes, 1, 0, NULL, 0));
	R(sc(sendmsg, pair[0], &m, 0));
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	send(pair[0], "unread", 6, 0);
	close(pair[1]);
	R(sc(recvfrom, pair[0], bytes, 1, 0, NULL, NULL));
	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	close(pair[1]);
	R(sc(sendto, pair[0], bytes, 1, 0, NULL, 0));
	R(sc(sendmsg, pair[0], &m, 0));
	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
	R(sc(sendto, pair[0], bytes, 1, 0, unix_name("s"), UN));
	R(sc(sendto, pair[0], bytes, 1 << 30, 0, NULL, 0));
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	R(sc(sendto, pair[0], bytes, 1, 0, unix_name("s"), UN));
}

CASE(tcp)
{
	struct linger at_once = {1, 0};
	int s = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), served, port,
	    other;
	struct iovec v = {bytes, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	int one = 1;

	signal(SIGPIPE, SIG_IGN);
	R(bind(s, inet_port(0), IN));
	R(listen(s, 5));
	port = port_of(s);
	R(connect(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), inet_port(port), IN));
	close(accept(s, NULL, NULL));
	R(bind(c, inet_port(0), IN));
	R(connect(c, inet_port(port), IN));
	R(connect(c, inet_port(port), IN));
	served = accept(s, NULL, NULL);
	/* The same two ends once more. */
	other = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(c, SOL_SOCKET, SO_REUSEADDR, &one, 4);
	setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &one, 4);
	R(bind(other, inet_port(port_of(c)), IN));
	R(connect(other, inet_port(port), IN));
	setsockopt(served, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	R(close(served));
	R(sc(sendmsg, c, &m, 0));
	R(sc(sendto, c, bytes, 1, 0, NULL, 0));
	R(sc(sendmsg, c, &m, 0));
	R(sc(recvfrom, c, bytes, 1, 0, NULL, NULL));
	R(close(s));
	R(connect(socket(AF_INET, SOCK_STREAM, 0), inet_port(port), IN));
}

/* An answer that says that nobody listens reaches whoever receives or sends next. */
CASE(udp_refused)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0), c = socket(AF_INET, SOCK_DGRAM, 0), port;
	struct iovec v = {bytes, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

	bind(s, inet_port(0), IN);
	port = port_of(s);
	close(s);
	R(connect(c, inet_port(port), IN));
	R(send(c, "x", 1, 0));
	R(sc(recvfrom, c, bytes, 1, 0, NULL, NULL));
	R(send(c, "x", 1, 0));
	R(sc(recvmsg, c, &m, 0));
	R(sc(recvfrom, c, bytes, 1, MSG_DONTWAIT, NULL, NULL));
}
