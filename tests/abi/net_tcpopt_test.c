/*
 * net_tcpopt_test.c - options of level IPPROTO_TCP: what can be set, to what, when, and what is
 * read back. What sysctls decide (defaults) is not printed.
 */
#include "inet.h"

#define OPTION(name)                                                                               \
	{                                                                                          \
		name, #name                                                                        \
	}
static const struct option {
	int number;
	const char *name;
} options[] = {
	OPTION(TCP_NODELAY),
	OPTION(TCP_CORK),
	OPTION(TCP_KEEPIDLE),
	OPTION(TCP_KEEPINTVL),
	OPTION(TCP_KEEPCNT),
	OPTION(TCP_SYNCNT),
	OPTION(TCP_LINGER2),
	OPTION(TCP_DEFER_ACCEPT),
	OPTION(TCP_USER_TIMEOUT),
	OPTION(TCP_NOTSENT_LOWAT),
	OPTION(TCP_INQ),
	OPTION(TCP_SAVE_SYN),
	OPTION(TCP_THIN_LINEAR_TIMEOUTS),
	OPTION(TCP_FASTOPEN_NO_COOKIE),
};

/* Sets it to @v and reads it back on success. */
static void try_value(int fd, const struct option *o, int v)
{
	if (set_int(fd, IPPROTO_TCP, o->number, v))
		say("%s %d: %s", o->name, v, errno_name(errno));
	else
		say("%s %d: %d", o->name, v, get_int(fd, IPPROTO_TCP, o->number));
}

CASE(ranges)
{
	static const int values[] = {0, 1, 2, 3, 7, 8, 59, 120, 121, 126, 127, 128, 255, 256, 1000,
		32767, 32768, 65536, 100000, INT_MAX, -1, -2, INT_MIN};

	for (unsigned i = 0; i < COUNT(options); i++) {
		int fd = stream(false);

		/* Times beyond a year overflow differently in different kernels. */
		for (unsigned k = 0; k < COUNT(values); k++)
			if (options[i].number != TCP_DEFER_ACCEPT || values[k] < 128)
				try_value(fd, &options[i], values[k]);
		close(fd);
	}
}

CASE_BOTH(of_a_connection)
{
	int fd[2];

	connection(six, fd);
	for (unsigned i = 0; i < COUNT(options); i++)
		try_value(fd[0], &options[i], 1);
	V(get_int(fd[0], IPPROTO_TCP, TCP_MAXSEG) > 500);
	T(get_int(fd[0], IPPROTO_TCP, TCP_MAXSEG) == get_int(fd[1], IPPROTO_TCP, TCP_MAXSEG));
	R(set_int(fd[0], IPPROTO_TCP, TCP_QUICKACK, 1));
	V(get_int(fd[0], IPPROTO_TCP, TCP_QUICKACK));
	R(set_int(fd[0], IPPROTO_TCP, TCP_QUICKACK, 0));
	V(get_int(fd[0], IPPROTO_TCP, TCP_QUICKACK));
	R(set_int(fd[0], IPPROTO_TCP, TCP_FASTOPEN, 5));
	R(set_int(fd[0], IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1));
	R(set_int(fd[0], IPPROTO_TCP, TCP_WINDOW_CLAMP, 0));
	close_both(fd);
}

CASE(segment_sizes)
{
	static const int values[] = {0, 1, 47, 87, 88, 536, 1460, 32767, 32768, 65535, -1};
	int fd = stream(false), s[2], l;
	union addr at;

	for (unsigned i = 0; i < COUNT(values); i++)
		say("%d: %s", values[i],
			set_int(fd, IPPROTO_TCP, TCP_MAXSEG, values[i]) ? errno_name(errno) : "ok");
	V(get_int(stream(false), IPPROTO_TCP, TCP_MAXSEG));
	l = listener(false, 1, &at);
	set_int(l, IPPROTO_TCP, TCP_MAXSEG, 1000);
	s[0] = stream(false);
	connect_at(s[0], &at);
	s[1] = accept_soon(l);
	T(get_int(s[0], IPPROTO_TCP, TCP_MAXSEG) <= 1000);
	T(get_int(s[1], IPPROTO_TCP, TCP_MAXSEG) <= 1000);
	T(get_int(s[0], IPPROTO_TCP, TCP_MAXSEG) >= 960);
	close_both(s);
}

CASE(window_clamp)
{
	int fd = stream(false);

	R(set_int(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 0));
	R(set_int(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 5000));
	V(get_int(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP));
	R(set_int(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 1));
	T(get_int(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP) > 1);
	R(set_int(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 0));
	V(get_int(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP));
}

CASE(congestion)
{
	char name[32] = "";
	socklen_t len = sizeof(name);
	int fd = stream(false);

	R(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
	R(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len));
	V(len);
	say("%s", name);
	R(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "renoX", 4));
	R(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 5));
	R(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "nonesuch", 8));
	R(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "", 0));
	R(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "", 1));
	R(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, BAD_PTR, 4));
	memset(name, 'x', sizeof(name));
	R(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, 32));
	len = 2;
	memset(name, 0, sizeof(name));
	R(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len));
	V(len);
	say("%s", name);
}

CASE(sizes)
{
	char buf[16];
	socklen_t len;
	int fd = stream(false), v = 1;

	for (unsigned i = 0; i < COUNT(options); i++) {
		say("%s", options[i].name);
		R(setsockopt(fd, IPPROTO_TCP, options[i].number, &v, 3));
		R(setsockopt(fd, IPPROTO_TCP, options[i].number, &v, 0));
		R(setsockopt(fd, IPPROTO_TCP, options[i].number, &v, 8));
		R(setsockopt(fd, IPPROTO_TCP, options[i].number, NULL, 4));
		R(setsockopt(fd, IPPROTO_TCP, options[i].number, BAD_PTR, 4));
		for (len = 0; len < 9; len += 4) {
			socklen_t had = len;

			memset(buf, 0x55, sizeof(buf));
			if (getsockopt(fd, IPPROTO_TCP, options[i].number, buf, &len))
				say("size %d: %s", (int)had, errno_name(errno));
			else
				say("size %d: %d, next byte %#x", (int)had, (int)len,
					buf[len] & 0xff);
			len = had;
		}
		len = 2;
		memset(buf, 0x55, sizeof(buf));
		R(getsockopt(fd, IPPROTO_TCP, options[i].number, buf, &len));
		say("%d, next byte %#x", (int)len, buf[2]);
		len = 4;
		R(getsockopt(fd, IPPROTO_TCP, options[i].number, BAD_PTR, &len));
		R(getsockopt(fd, IPPROTO_TCP, options[i].number, buf, BAD_PTR));
	}
	R(set_int(fd, IPPROTO_TCP, 999, 1));
	R(get_int(fd, IPPROTO_TCP, 999));
	R(set_int(fd, IPPROTO_TCP, TCP_INFO, 1));
	R(set_int(fd, IPPROTO_TCP, TCP_SAVED_SYN, 1));
	R(set_int(fd, IPPROTO_UDP, 1, 1));
	R(get_int(fd, IPPROTO_UDP, 1));
	R(set_int(fd, IPPROTO_ICMP, 1, 1));
	R(set_int(fd, -1, 1, 1));
	R(get_int(fd, -1, 1));
}

CASE_BOTH(information)
{
	uint8_t info[1024];
	socklen_t len = sizeof(info);
	union addr at;
	int l = listener(six, 1, &at), fd = stream(six);

	R(getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len));
	T(len >= 192 && len < 512);
	V(info[0]);
	len = 1;
	R(getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len));
	V(len);
	len = 0;
	R(getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len));
	R(getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, BAD_PTR));
	len = 104;
	R(getsockopt(l, IPPROTO_TCP, TCP_INFO, info, &len));
	V(len);
	V(info[0]);
	connect_at(fd, &at);
	R(getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len));
	V(info[0]);
	V(info[1]); /* congestion: open */
	V(info[2]); /* no retransmissions */
	T(((struct tcp_info *)info)->tcpi_snd_mss > 500);
	T(((struct tcp_info *)info)->tcpi_pmtu > 500);
	V(((struct tcp_info *)info)->tcpi_unacked);
	V(((struct tcp_info *)info)->tcpi_total_retrans);
}

/* The SYN of an accepted connection, once. */
CASE_BOTH(saved_syn)
{
	uint8_t syn[256] = {0};
	socklen_t len = 10;
	union addr at;
	int l = listener(six, 1, &at), fd = stream(six), in;

	R(set_int(l, IPPROTO_TCP, TCP_SAVE_SYN, 1));
	connect_at(fd, &at);
	in = accept_soon(l);
	R(getsockopt(in, IPPROTO_TCP, TCP_SAVED_SYN, syn, &len));
	T(len >= 40);
	len = sizeof(syn);
	R(getsockopt(in, IPPROTO_TCP, TCP_SAVED_SYN, syn, &len));
	T(len >= 40 && len < 128);
	T(syn[0] >> 4 == (six ? 6 : 4));
	T((syn[(six ? 40 : 20) + 13] & 0x3f) == 2); /* SYN alone, but for ECN's */
	len = sizeof(syn);
	R(getsockopt(in, IPPROTO_TCP, TCP_SAVED_SYN, syn, &len));
	V(len);
	len = sizeof(syn);
	R(getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, syn, &len));
	V(len);
}

/* How much there is to read, with each read. */
CASE_BOTH(bytes_left)
{
	union {
		struct cmsghdr h;
		char room[64];
	} control;
	char text[8];
	struct iovec v = {text, 3};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	int fd[2], left;

	connection(six, fd);
	R(set_int(fd[1], IPPROTO_TCP, TCP_INQ, 1));
	send(fd[0], "abcdefgh", 8, 0);
	wait_events("data", fd[1], POLLIN);
	for (int i = 0; i < 4; i++) {
		m.msg_control = &control;
		m.msg_controllen = i == 1 ? 10 : sizeof(control);
		R(recvmsg(fd[1], &m, MSG_DONTWAIT));
		memcpy(&left, CMSG_DATA(&control.h), sizeof(left));
		if (m.msg_controllen)
			say("level %d type %d length %d left %d, flags %#x", control.h.cmsg_level,
				control.h.cmsg_type, (int)control.h.cmsg_len, i == 1 ? 0 : left,
				m.msg_flags);
		if (i == 2)
			shutdown(fd[0], SHUT_WR);
		if (i == 2)
			wait_events("end", fd[1], POLLRDHUP);
	}
	close_both(fd);
}

/* TCP_DEFER_ACCEPT: connections wait for data, not for the program. */
CASE_BOTH(deferred)
{
	union addr at;
	int l = listener(six, 3, &at), fd = stream(six), in;
	char c;

	R(set_int(l, IPPROTO_TCP, TCP_DEFER_ACCEPT, 30));
	R(connect_at(fd, &at));
	set_nonblock(l);
	pause_ms(50);
	R(accept(l, NULL, NULL));
	V(tcp_state(fd));
	send(fd, "x", 1, 0);
	in = accept_soon(l);
	R(recv(in, &c, 1, MSG_DONTWAIT));
}
