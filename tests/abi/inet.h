/*
 * inet.h - what the chapters of TCP share: loopback addresses of both families, connections, what
 * poll(2) and epoll(7) say, options as numbers.
 *
 * A host without ::1 answers for IPv4 in its place: the two agree in everything printed here.
 */
#pragma once
#include "abi.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

enum { SOON_MS = 5000 }; /* longer than anything here takes */

union addr {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* CASE_BOTH(name) { ... }: a case that runs over 127.0.0.1, then (@six) over ::1. */
#define CASE_BOTH(name)                                                                            \
	static void both_##name(bool six);                                                         \
	CASE(name)                                                                                 \
	{                                                                                          \
		say("IPv4");                                                                       \
		both_##name(false);                                                                \
		say("IPv6");                                                                       \
		both_##name(has_v6());                                                             \
	}                                                                                          \
	static void both_##name(bool six)

static inline union addr loopback(bool six, int port)
{
	union addr a = {0};

	if (six) {
		a.v6.sin6_family = AF_INET6;
		a.v6.sin6_port = htons((uint16_t)port);
		a.v6.sin6_addr = in6addr_loopback;
	} else {
		a.v4.sin_family = AF_INET;
		a.v4.sin_port = htons((uint16_t)port);
		a.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	}
	return a;
}

static inline socklen_t addr_len(const union addr *a)
{
	return a->any.sa_family == AF_INET ? sizeof(a->v4) : sizeof(a->v6);
}

static inline bool has_v6(void)
{
	union addr a = loopback(true, 0);
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	bool has = fd >= 0 && !bind(fd, &a.any, sizeof(a.v6));

	close(fd);
	return has;
}

static inline int stream(bool six)
{
	return socket(six ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
}

static inline void set_nonblock(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* One line about a socket's own or its peer's address: is it loopback, any, none; has it a port. */
static inline void show_addr(const char *what, int r, const union addr *a, socklen_t len, int port)
{
	bool six = a->any.sa_family == AF_INET6;
	static const struct in6_addr any = IN6ADDR_ANY_INIT, one = IN6ADDR_LOOPBACK_INIT;
	bool is_any = six ? !memcmp(&a->v6.sin6_addr, &any, 16) : !a->v4.sin_addr.s_addr;
	bool is_one = six ? !memcmp(&a->v6.sin6_addr, &one, 16)
			  : a->v4.sin_addr.s_addr == htonl(INADDR_LOOPBACK);
	int at = ntohs(a->v4.sin_port);

	if (r < 0)
		say("%s: %s", what, errno_name(errno));
	else
		say("%s: %s, address %s, port %s", what, len == addr_len(a) ? "whole" : "cut",
			is_any   ? "any"
			: is_one ? "loopback"
				 : "other",
			!at          ? "0"
			: at == port ? "the one"
				     : "some");
}

/* Both addresses of a socket; @port is called "the one". */
static inline void show_names(const char *what, int fd, int port)
{
	char text[80];
	union addr a = {0};
	socklen_t len = sizeof(a);
	int r = getsockname(fd, &a.any, &len);

	snprintf(text, sizeof(text), "%s, own", what);
	show_addr(text, r, &a, len, port);
	a = (union addr){0};
	len = sizeof(a);
	r = getpeername(fd, &a.any, &len);
	snprintf(text, sizeof(text), "%s, peer", what);
	show_addr(text, r, &a, len, port);
}

/* A socket that listens at a port of the system's choice; *at says where. */
static inline int listener(bool six, int backlog, union addr *at)
{
	int fd = stream(six);
	socklen_t len = sizeof(*at);

	*at = loopback(six, 0);
	if (bind(fd, &at->any, addr_len(at)) || listen(fd, backlog) ||
		getsockname(fd, &at->any, &len))
		say("no listener: %s", errno_name(errno));
	return fd;
}

static inline int connect_at(int fd, const union addr *at)
{
	return connect(fd, &at->any, addr_len(at));
}

/* A connection: [0] called, [1] was accepted. */
static inline void connection(bool six, int *out)
{
	union addr at;
	int l = listener(six, 1, &at);

	out[0] = stream(six);
	if (connect_at(out[0], &at))
		say("not connected: %s", errno_name(errno));
	out[1] = accept(l, NULL, NULL);
	close(l);
}

/* The listener's next connection, when it is there. */
static inline int accept_soon(int l)
{
	struct pollfd p = {.fd = l, .events = POLLIN};

	poll(&p, 1, SOON_MS);
	return accept(l, NULL, NULL);
}

static inline void close_both(const int *fd)
{
	close(fd[0]);
	close(fd[1]);
}

static inline void reset_on_close(int fd)
{
	struct linger now = {1, 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

/* Sends until there is no room, also not by what was on its way: bytes. */
static inline long fill(int fd)
{
	static const char block[65536];
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	long n, sum = 0;

	do {
		while ((n = send(fd, block, sizeof(block), MSG_DONTWAIT)) > 0)
			sum += n;
		poll(&p, 1, 200);
		n = send(fd, block, 1, MSG_DONTWAIT);
		sum += n > 0;
	} while (n > 0);
	return sum;
}

static inline const char *event_names(unsigned bits)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s%s%s%s%s%s", bits & POLLIN ? " IN" : "",
		bits & POLLPRI ? " PRI" : "", bits & POLLOUT ? " OUT" : "",
		bits & POLLERR ? " ERR" : "", bits & POLLHUP ? " HUP" : "",
		bits & POLLRDHUP ? " RDHUP" : "");
	return text;
}

/* What poll says now; epoll must say the same. */
static inline void show_events(const char *what, int fd)
{
	const short all = POLLIN | POLLPRI | POLLOUT | POLLRDHUP;
	struct pollfd p = {.fd = fd, .events = all};
	struct epoll_event e = {.events = (unsigned)all}, got = {0};
	int ep = epoll_create1(0);

	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
	poll(&p, 1, 0);
	epoll_wait(ep, &got, 1, 0);
	say("%s:%s%s", what, event_names((unsigned)p.revents),
		got.events == (unsigned)p.revents ? "" : ", epoll differs");
	close(ep);
}

/* Waits for any of these first: they are on their way. */
static inline void wait_events(const char *what, int fd, int wanted)
{
	struct pollfd p = {.fd = fd, .events = (short)wanted};

	if (poll(&p, 1, SOON_MS) < 1)
		say("%s: nothing came", what);
	show_events(what, fd);
}

static inline int set_int(int fd, int level, int name, int v)
{
	return setsockopt(fd, level, name, &v, sizeof(v));
}

/* An option that is a number; -1 and errno when it has none. */
static inline int get_int(int fd, int level, int name)
{
	int v = 0;
	socklen_t len = sizeof(v);

	return getsockopt(fd, level, name, &v, &len) ? -1 : v;
}

static inline const char *so_error(int fd)
{
	int number = get_int(fd, SOL_SOCKET, SO_ERROR);

	return number ? errno_name(number) : "none";
}

static inline int tcp_state(int fd)
{
	uint8_t info[256] = {0};
	socklen_t len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len) ? -1 : info[0];
}

/* Until the connection has come to this state. */
static inline void wait_tcp_state(int fd, int state)
{
	for (int i = 0; tcp_state(fd) != state && i < SOON_MS; i++)
		pause_ms(1);
	say("state %d", tcp_state(fd));
}
