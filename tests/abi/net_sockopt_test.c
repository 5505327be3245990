/*
 * net_sockopt_test.c - options of level SOL_SOCKET over all kinds of sockets: values, sizes,
 * pointers, levels, privileges; filters, timestamps. Buffers' limits are the host's: only
 * relations are printed. Not here: options that came, or whose rules changed, since Linux 5.10.
 */
#include "inet.h"

#include <linux/filter.h>
#include <sys/un.h>

static const struct kind {
	const char *name;
	int family, type;
} kinds[] = {
	{"tcp", AF_INET, SOCK_STREAM},
	{"udp", AF_INET, SOCK_DGRAM},
	{"unix stream", AF_UNIX, SOCK_STREAM},
	{"unix datagram", AF_UNIX, SOCK_DGRAM},
	{"netlink", AF_NETLINK, SOCK_RAW},
	{"packet", AF_PACKET, SOCK_DGRAM},
};

static int open_kind(unsigned i)
{
	int fd = socket(kinds[i].family, kinds[i].type, 0);

	say("%s", kinds[i].name);
	return fd;
}

#define OPTION(name)                                                                               \
	{                                                                                          \
		name, #name                                                                        \
	}
struct option {
	int number;
	const char *name;
};
static const struct option bits[] = {
	OPTION(SO_REUSEADDR),
	OPTION(SO_DONTROUTE),
	OPTION(SO_BROADCAST),
	OPTION(SO_KEEPALIVE),
	OPTION(SO_OOBINLINE),
	OPTION(SO_NO_CHECK),
	OPTION(SO_RXQ_OVFL),
	OPTION(SO_TIMESTAMP),
	OPTION(SO_TIMESTAMPNS),
	OPTION(SO_SELECT_ERR_QUEUE),
	OPTION(SO_LOCK_FILTER),
	OPTION(SO_PRIORITY),
};
static const struct option others[] = {
	OPTION(SO_TYPE),
	OPTION(SO_DOMAIN),
	OPTION(SO_PROTOCOL),
	OPTION(SO_ACCEPTCONN),
	OPTION(SO_ERROR),
	OPTION(SO_BSDCOMPAT),
	OPTION(SO_SNDLOWAT),
	OPTION(SO_CNX_ADVICE),
};

static void show_option(int fd, const struct option *o)
{
	int v = get_int(fd, SOL_SOCKET, o->number);

	say("%s: %d%s%s", o->name, v, v == -1 ? " " : "", v == -1 ? errno_name(errno) : "");
}

CASE(values)
{
	static const int tries[] = {1, 0, 5, -1, 0};

	for (unsigned i = 0; i < COUNT(kinds); i++) {
		int fd = open_kind(i);

		for (unsigned k = 0; k < COUNT(bits); k++) {
			if (bits[k].number == SO_LOCK_FILTER)
				continue;
			show_option(fd, &bits[k]);
			for (unsigned n = 0; n < COUNT(tries); n++) {
				if (bits[k].number == SO_PRIORITY && tries[n] < 0)
					continue;
				if (set_int(fd, SOL_SOCKET, bits[k].number, tries[n]))
					say("set %d: %s", tries[n], errno_name(errno));
				else
					show_option(fd, &bits[k]);
			}
		}
		for (unsigned k = 0; k < COUNT(others); k++) {
			show_option(fd, &others[k]);
			R(set_int(fd, SOL_SOCKET, others[k].number, 1));
		}
		close(fd);
	}
}

CASE(sizes_and_pointers)
{
	uint64_t room[4];
	socklen_t len;
	int v = 1;

	for (unsigned i = 0; i < COUNT(kinds); i++) {
		int fd = open_kind(i);

		for (unsigned k = 0; k < COUNT(bits); k++) {
			int name = bits[k].number;

			say("%s", bits[k].name);
			R(setsockopt(fd, SOL_SOCKET, name, &v, 3));
			R(setsockopt(fd, SOL_SOCKET, name, &v, 0));
			R(setsockopt(fd, SOL_SOCKET, name, &v, (socklen_t)-1));
			R(setsockopt(fd, SOL_SOCKET, name, &v, 8));
			R(setsockopt(fd, SOL_SOCKET, name, NULL, 4));
			R(setsockopt(fd, SOL_SOCKET, name, BAD_PTR, 4));
			for (unsigned n = 0; n < 9; n += 2) {
				memset(room, 0x55, sizeof(room));
				len = n;
				R(getsockopt(fd, SOL_SOCKET, name, room, &len));
				say("%d: %d, %#lx", (int)n, (int)len, (unsigned long)room[0]);
			}
			len = (socklen_t)-1;
			R(getsockopt(fd, SOL_SOCKET, name, room, &len));
			len = 4;
			R(getsockopt(fd, SOL_SOCKET, name, BAD_PTR, &len));
			R(getsockopt(fd, SOL_SOCKET, name, room, BAD_PTR));
		}
		close(fd);
	}
}

CASE(levels)
{
	static const int levels[] = {-1, 2, 77, 255, 4096, INT_MAX};

	for (unsigned i = 0; i < COUNT(kinds); i++) {
		int fd = open_kind(i);

		for (unsigned k = 0; k < COUNT(levels); k++) {
			say("level %d", levels[k]);
			R(set_int(fd, levels[k], 1, 1));
			R(get_int(fd, levels[k], 1));
		}
		R(set_int(fd, SOL_SOCKET, 999, 1));
		R(get_int(fd, SOL_SOCKET, 999));
		R(set_int(fd, SOL_SOCKET, 0, 1));
		R(get_int(fd, SOL_SOCKET, 0));
		close(fd);
	}
	R(set_int(0, SOL_SOCKET, SO_REUSEADDR, 1));
	R(get_int(0, SOL_SOCKET, SO_REUSEADDR));
	R(set_int(99, SOL_SOCKET, SO_REUSEADDR, 1));
	R(get_int(99, SOL_SOCKET, SO_REUSEADDR));
}

/* ---- buffers ---- */

CASE(buffers)
{
	static const int names[] = {SO_SNDBUF, SO_RCVBUF};

	for (unsigned i = 0; i < COUNT(kinds); i++) {
		int fd = open_kind(i), least, most;

		for (unsigned k = 0; k < COUNT(names); k++) {
			T(get_int(fd, SOL_SOCKET, names[k]) > 4096);
			R(set_int(fd, SOL_SOCKET, names[k], 20000));
			V(get_int(fd, SOL_SOCKET, names[k]));
			R(set_int(fd, SOL_SOCKET, names[k], 0));
			least = get_int(fd, SOL_SOCKET, names[k]);
			T(least > 0 && least < 10000);
			R(set_int(fd, SOL_SOCKET, names[k], 1));
			T(get_int(fd, SOL_SOCKET, names[k]) == least);
			R(set_int(fd, SOL_SOCKET, names[k], INT_MAX));
			most = get_int(fd, SOL_SOCKET, names[k]);
			T(most > 40000);
			R(set_int(fd, SOL_SOCKET, names[k], -1));
			T(get_int(fd, SOL_SOCKET, names[k]) == most);
			R(setsockopt(fd, SOL_SOCKET, names[k], &most, 2));
		}
		close(fd);
	}
}

CASE(low_water)
{
	for (unsigned i = 1; i < COUNT(kinds); i++) { /* TCP's depends on its buffer */
		int fd = open_kind(i);

		V(get_int(fd, SOL_SOCKET, SO_RCVLOWAT));
		R(set_int(fd, SOL_SOCKET, SO_RCVLOWAT, 100));
		V(get_int(fd, SOL_SOCKET, SO_RCVLOWAT));
		R(set_int(fd, SOL_SOCKET, SO_RCVLOWAT, 0));
		V(get_int(fd, SOL_SOCKET, SO_RCVLOWAT));
		R(set_int(fd, SOL_SOCKET, SO_RCVLOWAT, -5));
		V(get_int(fd, SOL_SOCKET, SO_RCVLOWAT));
		close(fd);
	}
}

/* ---- structures ---- */

CASE(lingering)
{
	struct linger l;
	socklen_t len;

	for (unsigned i = 0; i < COUNT(kinds); i++) {
		int fd = open_kind(i);

		for (int on = 0; on < 4; on++) {
			l = (struct linger){on & 1, on * 3};
			R(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
			len = sizeof(l);
			R(getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &len));
			say("%d %d, %d", l.l_onoff, l.l_linger, (int)len);
		}
		R(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, 4));
		R(setsockopt(fd, SOL_SOCKET, SO_LINGER, BAD_PTR, 8));
		len = 4;
		R(getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &len));
		V(len);
		close(fd);
	}
}

CASE(time_limits)
{
	static const struct timeval values[] = {
		{0, 0}, {1, 200000}, {0, 1000000}, {0, -1}, {-1, 0}, {3, 0}, {-1, 1000000}};
	static const int names[] = {SO_RCVTIMEO, SO_SNDTIMEO};
	struct timeval tv;
	socklen_t len;

	for (unsigned i = 0; i < COUNT(kinds); i++) {
		int fd = open_kind(i);

		for (unsigned k = 0; k < COUNT(names); k++) {
			for (unsigned n = 0; n < COUNT(values); n++) {
				R(setsockopt(fd, SOL_SOCKET, names[k], &values[n], sizeof(tv)));
				len = sizeof(tv);
				getsockopt(fd, SOL_SOCKET, names[k], &tv, &len);
				say("%ld.%06ld, %d", (long)tv.tv_sec, (long)tv.tv_usec, (int)len);
			}
			R(setsockopt(fd, SOL_SOCKET, names[k], &tv, 8));
			R(setsockopt(fd, SOL_SOCKET, names[k], BAD_PTR, sizeof(tv)));
			len = 8;
			R(getsockopt(fd, SOL_SOCKET, names[k], &tv, &len));
			V(len);
		}
		close(fd);
	}
}

CASE(pacing)
{
	uint64_t rate = 0;
	socklen_t len = 8;
	int fd = stream(false);

	R(getsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &len));
	HEX(rate);
	V(get_int(fd, SOL_SOCKET, SO_MAX_PACING_RATE));
	R(set_int(fd, SOL_SOCKET, SO_MAX_PACING_RATE, 1000));
	R(getsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &len));
	V(rate);
	rate = 0x500000000;
	R(setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, 8));
	V(get_int(fd, SOL_SOCKET, SO_MAX_PACING_RATE));
	rate = 0;
	R(getsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &len));
	HEX(rate);
}

CASE(identities)
{
	for (unsigned i = 0; i < COUNT(kinds); i++) {
		int fd = open_kind(i), other = socket(kinds[i].family, kinds[i].type, 0);
		uint64_t a = 0, b = 0, c = 0;
		socklen_t len = 8;
		uint32_t mem[16];

		R(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &a, &len));
		R(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &b, &len));
		R(getsockopt(other, SOL_SOCKET, SO_COOKIE, &c, &len));
		T(a && a == b && a != c);
		len = 4;
		R(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &a, &len));
		R(set_int(fd, SOL_SOCKET, SO_COOKIE, 1));
		len = sizeof(mem);
		R(getsockopt(fd, SOL_SOCKET, SO_MEMINFO, mem, &len));
		V(len);
		T((int)mem[1] == get_int(fd, SOL_SOCKET, SO_RCVBUF));
		T((int)mem[3] == get_int(fd, SOL_SOCKET, SO_SNDBUF));
		R(set_int(fd, SOL_SOCKET, SO_INCOMING_CPU, 0));
		V(get_int(fd, SOL_SOCKET, SO_INCOMING_CPU));
		R(set_int(fd, SOL_SOCKET, SO_BUSY_POLL, 0));
		V(get_int(fd, SOL_SOCKET, SO_BUSY_POLL));
		R(set_int(fd, SOL_SOCKET, SO_BUSY_POLL, -1));
		close(fd);
		close(other);
	}
}

CASE(where_not_supported)
{
	for (unsigned i = 2; i < COUNT(kinds); i++) {
		int fd = open_kind(i);

		R(set_int(fd, SOL_SOCKET, SO_ZEROCOPY, 1));
		V(get_int(fd, SOL_SOCKET, SO_ZEROCOPY));
		if (kinds[i].family != AF_UNIX) {
			R(set_int(fd, SOL_SOCKET, SO_PEEK_OFF, 1));
			R(get_int(fd, SOL_SOCKET, SO_PEEK_OFF));
		}
		close(fd);
	}
}

CASE(peek_offsets)
{
	static const int peeks[] = {1, 2, 3};

	for (unsigned i = 0; i < COUNT(peeks); i++) {
		int fd = open_kind((unsigned)peeks[i]);

		V(get_int(fd, SOL_SOCKET, SO_PEEK_OFF));
		R(set_int(fd, SOL_SOCKET, SO_PEEK_OFF, 5));
		V(get_int(fd, SOL_SOCKET, SO_PEEK_OFF));
		R(set_int(fd, SOL_SOCKET, SO_PEEK_OFF, -1));
		R(setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &i, 2));
		close(fd);
	}
}

/* ---- devices and privileges ---- */

CASE(devices)
{
	for (unsigned i = 0; i < 2; i++) {
		int fd = open_kind(i);
		char name[32] = "";
		socklen_t len = sizeof(name);

		R(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &len));
		V(len);
		R(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2));
		len = sizeof(name);
		R(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &len));
		say("%s, %d", name, (int)len);
		len = 15;
		R(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &len));
		R(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "nonesuch", 9));
		R(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "loX", 2));
		R(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, BAD_PTR, 3));
		R(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 1));
		R(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0));
		len = sizeof(name);
		R(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &len));
		V(len);
		close(fd);
	}
}

CASE(without_privileges)
{
	drop_to(1000, 1000);
	for (unsigned i = 0; i < 4; i++) {
		int fd = open_kind(i);

		R(set_int(fd, SOL_SOCKET, SO_MARK, 1));
		R(set_int(fd, SOL_SOCKET, SO_MARK, 0));
		V(get_int(fd, SOL_SOCKET, SO_MARK));
		R(set_int(fd, SOL_SOCKET, SO_PRIORITY, 6));
		R(set_int(fd, SOL_SOCKET, SO_PRIORITY, 7));
		R(set_int(fd, SOL_SOCKET, SO_PRIORITY, -1));
		V(get_int(fd, SOL_SOCKET, SO_PRIORITY));
		R(set_int(fd, SOL_SOCKET, SO_DEBUG, 0));
		R(set_int(fd, SOL_SOCKET, SO_DEBUG, 1));
		R(set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, 10000));
		R(set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, 10000));
		R(get_int(fd, SOL_SOCKET, SO_RCVBUFFORCE));
		close(fd);
	}
	R(socket(AF_PACKET, SOCK_RAW, 0));
	R(socket(AF_INET, SOCK_RAW, IPPROTO_TCP));
}

/* ---- filters ---- */

static struct sock_filter keep_all[] = {{BPF_RET | BPF_K, 0, 0, 0xffffffff}};
static struct sock_filter keep_x[] = {/* datagrams whose ninth byte, the first after UDP's, is x */
	{BPF_LD | BPF_B | BPF_ABS, 0, 0, 8}, {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 'x'},
	{BPF_RET | BPF_K, 0, 0, 0xffffffff}, {BPF_RET | BPF_K, 0, 0, 0}};
static struct sock_filter bad_jump[] = {{BPF_JMP | BPF_JA, 0, 0, 5}, {BPF_RET | BPF_K, 0, 0, 1}};
static struct sock_filter no_return[] = {{BPF_LD | BPF_IMM, 0, 0, 5}};

static int attach(int fd, struct sock_filter *f, unsigned short n)
{
	struct sock_fprog p = {n, f};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p));
}

CASE(filters)
{
	struct sock_filter back[8];
	struct sock_fprog p = {1, keep_all};
	socklen_t len;

	for (unsigned i = 0; i < COUNT(kinds); i++) {
		int fd = open_kind(i);

		len = 8;
		R(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, back, &len));
		V(len);
		R(set_int(fd, SOL_SOCKET, SO_DETACH_FILTER, 0));
		R(attach(fd, keep_x, 4));
		for (len = 0; len < 6; len += 2) {
			socklen_t had = len;

			memset(back, 0, sizeof(back));
			R(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, back, &len));
			say("%d: %d, same: %d", (int)had, (int)len,
				!memcmp(back, keep_x, sizeof(keep_x)));
			len = had;
		}
		len = 8;
		R(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, BAD_PTR, &len));
		R(attach(fd, keep_all, 1));
		R(attach(fd, bad_jump, 2));
		R(attach(fd, no_return, 1));
		R(attach(fd, keep_all, 0));
		R(attach(fd, BAD_PTR, 1));
		R(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, 8));
		R(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, BAD_PTR, sizeof(p)));
		len = 8;
		R(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, back, &len));
		V(len);
		R(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, NULL, 0));
		R(set_int(fd, SOL_SOCKET, SO_DETACH_FILTER, 0));
		R(set_int(fd, SOL_SOCKET, SO_DETACH_FILTER, 0));
		R(attach(fd, keep_all, 1));
		R(set_int(fd, SOL_SOCKET, SO_LOCK_FILTER, 1));
		R(set_int(fd, SOL_SOCKET, SO_LOCK_FILTER, 0));
		V(get_int(fd, SOL_SOCKET, SO_LOCK_FILTER));
		R(attach(fd, keep_all, 1));
		R(set_int(fd, SOL_SOCKET, SO_DETACH_FILTER, 0));
		close(fd);
	}
}

static int udp_pair(union addr *to)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(*to);

	*to = loopback(false, 0);
	bind(fd, &to->any, addr_len(to));
	getsockname(fd, &to->any, &len);
	return fd;
}

CASE(what_a_filter_lets_through)
{
	union addr at;
	int in = udp_pair(&at), out = socket(AF_INET, SOCK_DGRAM, 0);
	char text[8] = "";

	R(attach(in, keep_x, 4));
	connect_at(out, &at);
	R(send(out, "abc", 3, 0));
	R(send(out, "xyz", 3, 0));
	wait_events("one", in, POLLIN);
	R(recv(in, text, 8, MSG_DONTWAIT));
	say("%s", text);
	R(recv(in, text, 8, MSG_DONTWAIT));
}

/* ---- what accept(2) hands on ---- */

static const struct handed {
	int level, number, value;
	const char *name;
} handed[] = {
#define HANDED(level, name, value)                                                                 \
	{                                                                                          \
		level, name, value, #name                                                          \
	}
	HANDED(SOL_SOCKET, SO_KEEPALIVE, 1),
	HANDED(SOL_SOCKET, SO_OOBINLINE, 1),
	HANDED(SOL_SOCKET, SO_DONTROUTE, 1),
	HANDED(SOL_SOCKET, SO_BROADCAST, 1),
	HANDED(SOL_SOCKET, SO_REUSEADDR, 1),
	HANDED(SOL_SOCKET, SO_REUSEPORT, 1),
	HANDED(SOL_SOCKET, SO_NO_CHECK, 1),
	HANDED(SOL_SOCKET, SO_PRIORITY, 3),
	HANDED(SOL_SOCKET, SO_MARK, 9),
	HANDED(SOL_SOCKET, SO_RCVLOWAT, 5),
	HANDED(SOL_SOCKET, SO_SELECT_ERR_QUEUE, 1),
	HANDED(SOL_SOCKET, SO_TIMESTAMP, 1),
	HANDED(SOL_SOCKET, SO_RXQ_OVFL, 1),
	HANDED(SOL_SOCKET, SO_BUSY_POLL, 7),
	HANDED(SOL_SOCKET, SO_SNDBUF, 20000),
	HANDED(SOL_SOCKET, SO_RCVBUF, 30000),
	HANDED(SOL_SOCKET, SO_MAX_PACING_RATE, 100000000),
	HANDED(SOL_SOCKET, SO_LOCK_FILTER, 1),
	HANDED(IPPROTO_IP, IP_TTL, 55),
	HANDED(IPPROTO_IP, IP_TOS, 0x10),
	HANDED(IPPROTO_IP, IP_RECVTTL, 1),
	HANDED(IPPROTO_IP, IP_RECVTOS, 1),
	HANDED(IPPROTO_IP, IP_PKTINFO, 1),
	HANDED(IPPROTO_IP, IP_RECVERR, 1),
	HANDED(IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT),
	HANDED(IPPROTO_IP, IP_MULTICAST_LOOP, 0),
	HANDED(IPPROTO_IP, IP_FREEBIND, 1),
	HANDED(IPPROTO_IP, IP_RECVOPTS, 1),
	HANDED(IPPROTO_TCP, TCP_NODELAY, 1),
	HANDED(IPPROTO_TCP, TCP_KEEPIDLE, 77),
	HANDED(IPPROTO_TCP, TCP_KEEPINTVL, 11),
	HANDED(IPPROTO_TCP, TCP_KEEPCNT, 4),
	HANDED(IPPROTO_TCP, TCP_SYNCNT, 3),
	HANDED(IPPROTO_TCP, TCP_LINGER2, 20),
	HANDED(IPPROTO_TCP, TCP_USER_TIMEOUT, 9000),
	HANDED(IPPROTO_TCP, TCP_NOTSENT_LOWAT, 5000),
	HANDED(IPPROTO_TCP, TCP_QUICKACK, 1),
	HANDED(IPPROTO_TCP, TCP_DEFER_ACCEPT, 0),
	HANDED(IPPROTO_TCP, TCP_INQ, 1),
	HANDED(IPPROTO_TCP, TCP_SAVE_SYN, 1),
	HANDED(IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, 1),
	HANDED(IPPROTO_TCP, TCP_WINDOW_CLAMP, 20000),
	HANDED(IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1),
};

/* socket(7) and tcp(7): the accepted socket has the options of the listener, with few exceptions.
 */
CASE(options_that_accept_hands_on)
{
	const struct timeval wait = {3, 0};
	const struct linger linger = {1, 5};
	struct timeval has = {0};
	struct linger lingers = {0};
	socklen_t len = sizeof(has);
	union addr at;
	int l = listener(false, 1, &at), out = stream(false), in;

	setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(l, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	for (unsigned i = 0; i < COUNT(handed); i++)
		set_int(l, handed[i].level, handed[i].number, handed[i].value);
	R(connect_at(out, &at));
	in = accept_soon(l);
	for (unsigned i = 0; i < COUNT(handed); i++)
		say("%s: %d, accepted %d", handed[i].name,
			get_int(l, handed[i].level, handed[i].number),
			get_int(in, handed[i].level, handed[i].number));
	R(getsockopt(in, SOL_SOCKET, SO_RCVTIMEO, &has, &len));
	V((int)has.tv_sec);
	len = sizeof(lingers);
	R(getsockopt(in, SOL_SOCKET, SO_LINGER, &lingers, &len));
	say("%d, %d", lingers.l_onoff, lingers.l_linger);
}

/* ip(7), tc-prio(8): the type of service gives a priority. */
CASE(priority_by_type_of_service)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), six = socket(AF_INET6, SOCK_DGRAM, 0);

	for (int tos = 0; tos < 256; tos += 2) {
		set_int(fd, SOL_SOCKET, SO_PRIORITY, 1);
		set_int(fd, IPPROTO_IP, IP_TOS, tos);
		say("%x: %d", (unsigned)tos, get_int(fd, SOL_SOCKET, SO_PRIORITY));
	}
	set_int(six, IPPROTO_IPV6, IPV6_TCLASS, 0x10);
	V(get_int(six, SOL_SOCKET, SO_PRIORITY));
}

CASE(filter_that_accept_hands_on)
{
	struct sock_filter back[8];
	socklen_t len = 2;
	union addr at;
	int l = listener(false, 4, &at), out[2] = {stream(false), stream(false)}, in[2];

	R(attach(l, keep_all, 1));
	connect_at(out[0], &at);
	in[0] = accept_soon(l);
	R(getsockopt(in[0], SOL_SOCKET, SO_GET_FILTER, back, &len));
	V(len);
	V(memcmp(back, keep_all, sizeof(keep_all)));
	R(set_int(l, SOL_SOCKET, SO_LOCK_FILTER, 1));
	connect_at(out[1], &at);
	in[1] = accept_soon(l);
	R(attach(in[1], keep_all, 1));
	R(set_int(in[1], SOL_SOCKET, SO_DETACH_FILTER, 0));
	R(set_int(in[0], SOL_SOCKET, SO_DETACH_FILTER, 0));
	R(set_int(in[0], SOL_SOCKET, SO_DETACH_FILTER, 0));
	close(l);
	len = 2;
	R(getsockopt(in[1], SOL_SOCKET, SO_GET_FILTER, back, &len));
	V(len);
	R(send(out[1], "x", 1, 0));
	wait_events("in", in[1], POLLIN);
	close_both(out);
	close_both(in);
}

/* SO_PEEK_OFF walks through datagrams that wait. */
CASE(peeking_further)
{
	union addr at;
	int in = udp_pair(&at), out = socket(AF_INET, SOCK_DGRAM, 0);

	connect_at(out, &at);
	send(out, "abcdef", 6, 0);
	send(out, "ghi", 3, 0);
	wait_events("sent", in, POLLIN);
	R(set_int(in, SOL_SOCKET, SO_PEEK_OFF, 2));
	for (int i = 0; i < 6; i++) {
		char text[8] = "";

		R(recv(in, text, i == 0 ? 2 : 8, MSG_DONTWAIT | (i == 4 ? 0 : MSG_PEEK)));
		say("'%s', then at %d", text, get_int(in, SOL_SOCKET, SO_PEEK_OFF));
	}
	R(set_int(in, SOL_SOCKET, SO_PEEK_OFF, 1));
	R(recv(in, NULL, 0, MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC));
	V(get_int(in, SOL_SOCKET, SO_PEEK_OFF));
}

/* ---- timestamps ---- */

CASE(timestamps)
{
	static const int names[] = {SO_TIMESTAMP, SO_TIMESTAMPNS, 63, 64};
	union {
		struct cmsghdr h;
		char room[128];
	} c;
	char text[8];
	struct iovec v = {text, 8};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c};
	union addr at;
	int in = udp_pair(&at), out = socket(AF_INET, SOCK_DGRAM, 0);

	connect_at(out, &at);
	for (unsigned i = 0; i < COUNT(names); i++) {
		R(set_int(in, SOL_SOCKET, names[i], 1));
		for (unsigned k = 0; k < COUNT(names); k++)
			say("option %d: %d", names[k], get_int(in, SOL_SOCKET, names[k]));
		send(out, "x", 1, 0);
		m.msg_controllen = sizeof(c);
		wait_events("sent", in, POLLIN);
		R(recvmsg(in, &m, MSG_DONTWAIT));
		V(m.msg_controllen);
		say("level %d, type %d, length %d, flags %d", c.h.cmsg_level, c.h.cmsg_type,
			(int)c.h.cmsg_len, m.msg_flags);
		T(((struct timeval *)CMSG_DATA(&c.h))->tv_sec > 1000000000);
	}
	R(set_int(in, SOL_SOCKET, SO_TIMESTAMP, 0));
	for (unsigned k = 0; k < COUNT(names); k++)
		say("option %d: %d", names[k], get_int(in, SOL_SOCKET, names[k]));
	send(out, "x", 1, 0);
	m.msg_controllen = sizeof(c);
	wait_events("sent", in, POLLIN);
	R(recvmsg(in, &m, MSG_DONTWAIT));
	V(m.msg_controllen);
}
