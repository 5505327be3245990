/*
 * net_bind_test.c - bind(2): which addresses and ports exclude each other, with SO_REUSEADDR,
 * SO_REUSEPORT, IPV6_V6ONLY, listeners, connected sockets; which addresses may be bound to at all.
 */
#include "abi.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

struct place {
	int family;
	const char *addr;
	int v6only;
};
static const struct place places[] = {
	{AF_INET, "0.0.0.0", 0},
	{AF_INET, "127.0.0.1", 0},
	{AF_INET, "127.0.0.2", 0},
	{AF_INET6, "::", 0},
	{AF_INET6, "::", 1},
	{AF_INET6, "::1", 0},
	{AF_INET6, "::1", 1},
	{AF_INET6, "::ffff:127.0.0.1", 0},
	{AF_INET6, "::ffff:0.0.0.0", 0},
};

static void on(int fd, int level, int name)
{
	int one = 1;

	if (setsockopt(fd, level, name, &one, sizeof(one)))
		say("setsockopt %d %d failed", level, name);
}

/* Bind to the place; the port is returned, or -errno. */
static int bind_to(int fd, const struct place *p, int port)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	struct sockaddr_in *in = (struct sockaddr_in *)&a;
	socklen_t len = p->family == AF_INET ? sizeof(*in) : sizeof(a);

	if (p->family == AF_INET) {
		*in = (struct sockaddr_in){
			.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
		inet_pton(AF_INET, p->addr, &in->sin_addr);
	} else {
		inet_pton(AF_INET6, p->addr, &a.sin6_addr);
	}
	if (bind(fd, (struct sockaddr *)&a, len))
		return -errno;
	len = sizeof(a);
	getsockname(fd, (struct sockaddr *)&a, &len);
	return ntohs(in->sin_port);
}

static int socket_for(const struct place *p, int type, int reuse)
{
	int fd = socket(p->family, type, 0);

	if (p->v6only)
		on(fd, IPPROTO_IPV6, IPV6_V6ONLY);
	if (reuse & 1)
		on(fd, SOL_SOCKET, SO_REUSEADDR);
	if (reuse & 2)
		on(fd, SOL_SOCKET, SO_REUSEPORT);
	return fd;
}

/* One letter for a result: . bound, U in use, N not available, I invalid, ? else. */
static char letter(int r)
{
	if (r >= 0)
		return '.';
	return r == -EADDRINUSE ? 'U' : r == -EADDRNOTAVAIL ? 'N' : r == -EINVAL ? 'I' : '?';
}

enum how { JUST_BOUND, LISTENS };
static char second(
	const struct place *a, const struct place *b, int type, int ra, int rb, enum how how)
{
	int one = socket_for(a, type, ra), two = socket_for(b, type, rb);
	int port = bind_to(one, a, 0), r = -1;
	char c = '-';

	if (port > 0 && (how == JUST_BOUND || !listen(one, 1))) {
		r = bind_to(two, b, port);
		c = letter(r);
		if (r > 0 && type == SOCK_STREAM && how == JUST_BOUND && listen(two, 1))
			c = 'l';
	}
	close(one);
	close(two);
	return c;
}

static void matrix(int type, enum how how)
{
	for (unsigned i = 0; i < COUNT(places); i++)
		for (unsigned k = 0; k < COUNT(places); k++) {
			char row[17] = "";

			for (int r = 0; r < 16; r++)
				row[r] = second(&places[i], &places[k], type, r & 3, r >> 2, how);
			say("%s%s then %s%s: %s", places[i].addr, places[i].v6only ? " v6only" : "",
				places[k].addr, places[k].v6only ? " v6only" : "", row);
		}
}

CASE(datagrams)
{
	matrix(SOCK_DGRAM, JUST_BOUND);
}

CASE(streams)
{
	matrix(SOCK_STREAM, JUST_BOUND);
}

CASE(behind_a_listener)
{
	matrix(SOCK_STREAM, LISTENS);
}

/* Options changed after bind count as they are when the other binds. */
CASE(options_changed_later)
{
	const struct place *p = &places[1];

	for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++)
		for (int name = 0; name < 2; name++) {
			int one = socket_for(p, type, 0), two = socket_for(p, type, name ? 2 : 1),
			    port;

			port = bind_to(one, p, 0);
			say("type %d before: %c", type, letter(bind_to(two, p, port)));
			on(one, SOL_SOCKET, name ? SO_REUSEPORT : SO_REUSEADDR);
			say("type %d after: %c", type, letter(bind_to(two, p, port)));
			close(one);
			close(two);
		}
}

CASE(listening_is_exclusive)
{
	const struct place *p = &places[1];
	int one = socket_for(p, SOCK_STREAM, 1), two = socket_for(p, SOCK_STREAM, 1), three, port;

	port = bind_to(one, p, 0);
	T(bind_to(two, p, port) == port);
	R(listen(one, 1));
	R(listen(two, 1));
	three = socket_for(p, SOCK_STREAM, 1);
	say("a third: %c", letter(bind_to(three, p, port)));
	R(shutdown(one, SHUT_RDWR));
	R(listen(two, 1));
	close(one);
	R(listen(two, 1));
}

CASE(datagram_names)
{
	struct sockaddr_in a = {.sin_family = AF_INET}, b;
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6}, b6;
	socklen_t n = sizeof(b);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), six = socket(AF_INET6, SOCK_DGRAM, 0);

	R(getsockname(fd, (struct sockaddr *)&b, &n));
	V(n);
	V(b.sin_family);
	V(ntohs(b.sin_port));
	V(ntohl(b.sin_addr.s_addr));
	R(getpeername(fd, (struct sockaddr *)&b, &n));
	R(bind(fd, (struct sockaddr *)&a, sizeof(a) - 1));
	R(bind(fd, (struct sockaddr *)&a, 2));
	R(bind(fd, (struct sockaddr *)&a, 1));
	R(bind(fd, (struct sockaddr *)&a6, sizeof(a6)));
	a.sin_family = AF_UNSPEC;
	R(bind(fd, (struct sockaddr *)&a, sizeof(a)));
	R(bind(fd, (struct sockaddr *)&a, sizeof(a)));
	n = sizeof(b);
	getsockname(fd, (struct sockaddr *)&b, &n);
	T(ntohs(b.sin_port) >= 32768);
	close(fd);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	R(bind(fd, (struct sockaddr *)&a, sizeof(a)));
	a.sin_family = AF_INET;
	a.sin_addr.s_addr = htonl(0xc0000201); /* not ours */
	R(bind(fd, (struct sockaddr *)&a, sizeof(a)));
	on(fd, IPPROTO_IP, IP_FREEBIND);
	R(bind(fd, (struct sockaddr *)&a, sizeof(a)));
	R(bind(six, (struct sockaddr *)&a6, 23));
	R(bind(six, (struct sockaddr *)&a, sizeof(a)));
	a6.sin6_addr.s6_addr[0] = 0xfe;
	a6.sin6_addr.s6_addr[1] = 0x80;
	a6.sin6_addr.s6_addr[15] = 1;
	R(bind(six, (struct sockaddr *)&a6, sizeof(a6)));
	a6.sin6_scope_id = 1;
	R(bind(six, (struct sockaddr *)&a6, sizeof(a6)));
	a6.sin6_scope_id = 9999;
	R(bind(socket(AF_INET6, SOCK_DGRAM, 0), (struct sockaddr *)&a6, sizeof(a6)));
	close(six);
	six = socket(AF_INET6, SOCK_DGRAM, 0);
	a6 = (struct sockaddr_in6){.sin6_family = AF_INET6};
	a6.sin6_addr.s6_addr[0] = 0x20;
	R(bind(six, (struct sockaddr *)&a6, sizeof(a6)));
	a6.sin6_addr.s6_addr[0] = 0xff;
	a6.sin6_addr.s6_addr[1] = 0x0e;
	R(bind(six, (struct sockaddr *)&a6, sizeof(a6)));
	n = sizeof(b6);
	R(getsockname(six, (struct sockaddr *)&b6, &n));
	V(n);
	V(b6.sin6_addr.s6_addr[0]);
}

CASE(privileged_ports)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(999)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	R(bind(fd, (struct sockaddr *)&a, sizeof(a)));
	close(fd);
	if (setuid(65534))
		say("setuid failed");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	R(bind(fd, (struct sockaddr *)&a, sizeof(a)));
	a.sin_port = htons(0);
	R(bind(fd, (struct sockaddr *)&a, sizeof(a)));
	R(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

CASE(a_port_given_back)
{
	const struct place *p = &places[1];
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)}, me;
	socklen_t n = sizeof(me);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	R(connect(fd, (struct sockaddr *)&to, sizeof(to)));
	getsockname(fd, (struct sockaddr *)&me, &n);
	T(me.sin_port != 0);
	HEX(ntohl(me.sin_addr.s_addr));
	R(connect(fd, &none, sizeof(none)));
	n = sizeof(me);
	getsockname(fd, (struct sockaddr *)&me, &n);
	V(me.sin_port);
	HEX(ntohl(me.sin_addr.s_addr));
	T(bind_to(fd, p, 0) > 0);
	R(connect(fd, (struct sockaddr *)&to, sizeof(to)));
	R(connect(fd, &none, sizeof(none)));
	n = sizeof(me);
	getsockname(fd, (struct sockaddr *)&me, &n);
	T(me.sin_port != 0);
	HEX(ntohl(me.sin_addr.s_addr));
	T(bind_to(fd, p, 0) == -EINVAL);
}
