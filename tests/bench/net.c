/*
 * net - the rows of the benchmark that use sockets: a Unix pair, UDP and TCP on the loopback.
 *
 * The other end is always a child process that lives until the row has been measured.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rows.h"

#define BATCH    16
#define DATAGRAM 1400

static int end;                   /* our socket */
static struct sockaddr_in server; /* where the child listens */

/* Starts the child, which runs serve(fd) and ends with it; closes its socket here. */
static void serve_in_child(void (*serve)(int fd), int its)
{
	peer = fork();
	if (peer == 0) {
		if (end)
			close(end);
		serve(its);
		_exit(0);
	}
	MUST(peer > 0);
	close(its);
}

static void echo(int fd)
{
	char c;

	while (read(fd, &c, 1) == 1)
		MUST(write(fd, &c, 1) == 1);
}

static void drain(int fd)
{
	while (read(fd, block, BLOCK) > 0)
		;
}

static void accept_then(int fd, void (*serve)(int fd))
{
	int one = 1, got = accept(fd, 0, 0);

	MUST(got >= 0);
	MUST(setsockopt(got, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0);
	serve(got);
	close(got);
}

static void accept_echo(int fd)
{
	accept_then(fd, echo);
}

static void accept_drain(int fd)
{
	accept_then(fd, drain);
}

/* The client closes first. */
static void accept_all(int fd)
{
	char c;
	int got;

	while ((got = accept(fd, 0, 0)) >= 0) {
		MUST(read(got, &c, 1) == 0);
		close(got);
	}
}

/* Answers each batch of datagrams with one. */
static void answer_batches(int fd)
{
	struct sockaddr_in from;

	for (;;) {
		socklen_t len = sizeof(from);

		for (int i = 0; i < BATCH; i++)
			MUST(recvfrom(fd, block, BLOCK, 0, (void *)&from, &len) == DATAGRAM);
		MUST(sendto(fd, block, 1, 0, (void *)&from, len) == 1);
	}
}

static void answer_each(int fd)
{
	struct sockaddr_in from;

	for (;;) {
		socklen_t len = sizeof(from);

		MUST(recvfrom(fd, block, BLOCK, 0, (void *)&from, &len) == 1);
		MUST(sendto(fd, block, 1, 0, (void *)&from, len) == 1);
	}
}

void serve_echo(int port)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	MUST(fd >= 0 && bind(fd, (void *)&any, sizeof(any)) == 0 && listen(fd, 1) == 0);
	for (;;)
		accept_echo(fd);
}

/* A socket on a free port of the loopback; its address goes to server. */
static int bound(int type)
{
	socklen_t len = sizeof(server);
	int fd = socket(AF_INET, type, 0);

	MUST(fd >= 0);
	memset(&server, 0, sizeof(server));
	server.sin_family = AF_INET;
	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MUST(bind(fd, (void *)&server, len) == 0);
	MUST(getsockname(fd, (void *)&server, &len) == 0);
	if (type == SOCK_STREAM)
		MUST(listen(fd, 128) == 0);
	return fd;
}

static int connected(int type)
{
	int fd = socket(AF_INET, type, 0);

	MUST(fd >= 0 && connect(fd, (void *)&server, sizeof(server)) == 0);
	return fd;
}

static void unix_start(void (*serve)(int fd))
{
	int pair[2];

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	end = pair[0];
	serve_in_child(serve, pair[1]);
}

static void unix_echo_start(void)
{
	unix_start(echo);
}

static void unix_drain_start(void)
{
	unix_start(drain);
}

static void tcp_start(void (*serve)(int fd))
{
	int one = 1;

	serve_in_child(serve, bound(SOCK_STREAM));
	end = connected(SOCK_STREAM);
	MUST(setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0);
}

static void tcp_echo_start(void)
{
	tcp_start(accept_echo);
}

static void tcp_drain_start(void)
{
	tcp_start(accept_drain);
}

static void tcp_accept_start(void)
{
	serve_in_child(accept_all, bound(SOCK_STREAM));
}

static void udp_echo_start(void)
{
	serve_in_child(answer_each, bound(SOCK_DGRAM));
	end = connected(SOCK_DGRAM);
}

static void udp_batch_start(void)
{
	serve_in_child(answer_batches, bound(SOCK_DGRAM));
	end = connected(SOCK_DGRAM);
}

static void round_trip(long ops)
{
	char c = 'x';

	while (ops--)
		MUST(write(end, &c, 1) == 1 && read(end, &c, 1) == 1);
}

static void bandwidth(long ops)
{
	while (ops--)
		for (ssize_t sent = 0, n; sent < BLOCK; sent += n)
			MUST((n = write(end, block, BLOCK - (size_t)sent)) > 0);
}

static void udp_batch(long ops)
{
	char c;

	while (ops--) {
		for (int i = 0; i < BATCH; i++)
			MUST(write(end, block, DATAGRAM) == DATAGRAM);
		MUST(read(end, &c, 1) == 1);
	}
}

static void tcp_connect(long ops)
{
	while (ops--)
		close(connected(SOCK_STREAM));
}

const struct row net_rows[] = {
	{"unix-round-trip", round_trip, unix_echo_start, 10000},
	{"unix-64k", bandwidth, unix_drain_start, 1000},
	{"udp-round-trip", round_trip, udp_echo_start, 5000},
	{"udp-16x1400", udp_batch, udp_batch_start, 500},
	{"tcp-round-trip", round_trip, tcp_echo_start, 5000},
	{"tcp-64k", bandwidth, tcp_drain_start, 500},
	{"tcp-connect", tcp_connect, tcp_accept_start, 1000},
	{0},
};
