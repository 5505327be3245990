/*
 * net_zerocopy_test.c - MSG_ZEROCOPY: the notices that tell a program when its memory is its own
 * again. Over loopback the data was copied, and the notice says so.
 */
#include "inet.h"

#include <linux/errqueue.h>

static char data[20000];

/* Reads one notice: its numbers, and what else the message holds. */
static bool show_notice(int fd)
{
	union {
		struct cmsghdr h;
		char room[256];
	} c = {0};
	union addr name = {0};
	char byte;
	struct iovec v = {&byte, 1};
	struct msghdr m = {.msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = &c,
		.msg_controllen = sizeof(c),
		.msg_name = &name,
		.msg_namelen = sizeof(name)};
	const struct sock_extended_err *e = (const void *)CMSG_DATA(&c.h);
	bool six = get_int(fd, SOL_SOCKET, SO_DOMAIN) == AF_INET6;
	long n = recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT);

	if (n < 0) {
		say("no notice: %s", errno_name(errno));
		return false;
	}
	say("%ld bytes, flags %#x, at the %s's level, size %s", n, m.msg_flags,
		c.h.cmsg_level == (six ? SOL_IPV6 : SOL_IP) &&
				c.h.cmsg_type == (six ? IPV6_RECVERR : IP_RECVERR)
			? "family"
			: "wrong",
		c.h.cmsg_len == CMSG_LEN(sizeof(*e) + (six ? sizeof(name.v6) : sizeof(name.v4)))
			? "right"
			: "wrong");
	say("error %u, origin %u, type %u, code %u, from %u to %u", e->ee_errno, e->ee_origin,
		e->ee_type, e->ee_code, e->ee_info, e->ee_data);
	return true;
}

/* Reads notices until that of send number @last is there; they may come joined or not. */
static void await_notices(int fd, unsigned last)
{
	unsigned next = 0;

	for (int tries = 0; next <= last && tries < 1000; tries++) {
		char c[256];
		struct msghdr m = {.msg_control = c, .msg_controllen = sizeof(c)};
		const struct sock_extended_err *e = (const void *)CMSG_DATA((struct cmsghdr *)c);
		struct pollfd p = {.fd = fd};

		poll(&p, 1, SOON_MS);
		if (recvmsg(fd, &m, MSG_ERRQUEUE) < 0)
			continue;
		if (e->ee_info != next || e->ee_origin != SO_EE_ORIGIN_ZEROCOPY)
			say("a notice from %u", e->ee_info);
		next = e->ee_data + 1;
	}
	say("noticed up to %u", next - 1);
}

static void await_error(const char *what, int fd)
{
	struct pollfd p = {.fd = fd};

	if (poll(&p, 1, SOON_MS) < 1)
		say("%s: nothing came", what);
	say("%s:%s", what, event_names((unsigned)p.revents));
}

static void drain(int fd, long bytes)
{
	static char sink[20000];
	long n;

	while (bytes > 0 && (n = recv(fd, sink, sizeof(sink), 0)) > 0)
		bytes -= n;
}

CASE(the_option)
{
	int fd = stream(false), udp = socket(AF_INET, SOCK_DGRAM, 0);

	V(get_int(fd, SOL_SOCKET, SO_ZEROCOPY));
	R(set_int(fd, SOL_SOCKET, SO_ZEROCOPY, 1));
	V(get_int(fd, SOL_SOCKET, SO_ZEROCOPY));
	R(set_int(fd, SOL_SOCKET, SO_ZEROCOPY, 2));
	R(set_int(fd, SOL_SOCKET, SO_ZEROCOPY, -1));
	R(set_int(fd, SOL_SOCKET, SO_ZEROCOPY, 0));
	V(get_int(fd, SOL_SOCKET, SO_ZEROCOPY));
	R(set_int(udp, SOL_SOCKET, SO_ZEROCOPY, 1));
	V(get_int(udp, SOL_SOCKET, SO_ZEROCOPY));
	R(set_int(socket(AF_UNIX, SOCK_STREAM, 0), SOL_SOCKET, SO_ZEROCOPY, 1));
}

CASE_BOTH(inherited)
{
	union addr at;
	int l = listener(six, 1, &at), fd = stream(six);

	set_int(l, SOL_SOCKET, SO_ZEROCOPY, 1);
	connect_at(fd, &at);
	V(get_int(accept_soon(l), SOL_SOCKET, SO_ZEROCOPY));
	V(get_int(fd, SOL_SOCKET, SO_ZEROCOPY));
}

CASE_BOTH(not_asked_for)
{
	int fd[2];

	connection(six, fd);
	R(send(fd[0], data, 5, MSG_ZEROCOPY));
	drain(fd[1], 5);
	show_notice(fd[0]);
	set_int(fd[0], SOL_SOCKET, SO_ZEROCOPY, 1);
	R(send(fd[0], data, 5, 0));
	drain(fd[1], 5);
	show_notice(fd[0]);
	R(send(fd[0], data, 0, MSG_ZEROCOPY));
	show_notice(fd[0]);
}

CASE_BOTH(of_a_stream)
{
	int fd[2];

	connection(six, fd);
	set_int(fd[0], SOL_SOCKET, SO_ZEROCOPY, 1);
	for (int i = 0; i < 3; i++) {
		R(send(fd[0], data, 5000, MSG_ZEROCOPY));
		drain(fd[1], 5000);
		await_error("sent", fd[0]);
		show_notice(fd[0]);
		show_notice(fd[0]);
	}
	show_events("afterwards", fd[0]);
	R(recv(fd[0], data, 1, MSG_DONTWAIT));
	say("%s", so_error(fd[0]));
	close_both(fd);
}

/* Many sends, notices not read: one that names them all, or several that follow each other. */
CASE_BOTH(joined)
{
	int fd[2];

	connection(six, fd);
	set_int(fd[0], SOL_SOCKET, SO_ZEROCOPY, 1);
	for (int i = 0; i < 5; i++)
		if (send(fd[0], data, 1000, MSG_ZEROCOPY) != 1000)
			say("not sent: %s", errno_name(errno));
	drain(fd[1], 5 * 1000);
	await_notices(fd[0], 4);
	close_both(fd);
}

static int udp_to(bool six, int *in)
{
	union addr at = loopback(six, 0);
	socklen_t len = addr_len(&at);
	int fd = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);

	*in = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
	bind(*in, &at.any, len);
	getsockname(*in, &at.any, &len);
	connect_at(fd, &at);
	set_int(fd, SOL_SOCKET, SO_ZEROCOPY, 1);
	return fd;
}

CASE_BOTH(of_datagrams)
{
	int in, fd = udp_to(six, &in);

	for (int i = 0; i < 2; i++) {
		R(send(fd, data, 5000, MSG_ZEROCOPY));
		drain(in, 5000);
		await_error("sent", fd);
		show_notice(fd);
		show_notice(fd);
	}
	R(send(fd, data, 100, 0));
	show_notice(fd);
	for (int i = 0; i < 5; i++) {
		send(fd, data, 1000, MSG_ZEROCOPY);
		drain(in, 1000);
	}
	await_error("sent", fd);
	say("%s", so_error(fd));
}

/* A failed send uses no number. */
CASE_BOTH(failed)
{
	int in, fd = udp_to(six, &in);

	R(send(fd, BAD_PTR, 5000, MSG_ZEROCOPY));
	R(send(fd, data, 70000, MSG_ZEROCOPY));
	show_notice(fd);
	R(send(fd, data, 5000, MSG_ZEROCOPY));
	drain(in, 5000);
	await_error("sent", fd);
	show_notice(fd);
}

/* The end of a connection: sends that were not acknowledged have their notices as well. */
CASE_BOTH(with_a_reset)
{
	int fd[2];

	connection(six, fd);
	set_int(fd[0], SOL_SOCKET, SO_ZEROCOPY, 1);
	R(send(fd[0], data, 5000, MSG_ZEROCOPY));
	wait_events("data", fd[1], POLLIN);
	reset_on_close(fd[1]);
	close(fd[1]);
	wait_events("reset", fd[0], POLLHUP);
	show_notice(fd[0]);
	show_events("read", fd[0]);
	say("%s", so_error(fd[0]));
	show_events("error taken", fd[0]);
}
