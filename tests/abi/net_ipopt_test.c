/*
 * net_ipopt_test.c - options of the levels IPPROTO_IP and IPPROTO_IPV6: defaults, what is accepted,
 * what is read back, sizes.
 */
#include "abi.h"

#include <netinet/in.h>
#include <sys/socket.h>

static void probe(const char *what, int fd, int level, int name)
{
	static const int values[] = {-2, -1, 0, 1, 2, 3, 5, 6, 64, 255, 256, 1279, 1280};
	char row[400] = "";
	size_t at = 0;
	int v = -99;
	socklen_t n = sizeof(v);

	if (getsockopt(fd, level, name, &v, &n))
		at += (size_t)snprintf(row + at, sizeof(row) - at, "get %d", errno);
	else
		at += (size_t)snprintf(row + at, sizeof(row) - at, "is %d/%u", v, n);
	for (unsigned i = 0; i < COUNT(values); i++) {
		v = values[i];
		if (setsockopt(fd, level, name, &v, sizeof(v))) {
			at += (size_t)snprintf(
				row + at, sizeof(row) - at, " %d:e%d", values[i], errno);
			continue;
		}
		v = -99;
		n = sizeof(v);
		if (getsockopt(fd, level, name, &v, &n))
			at += (size_t)snprintf(
				row + at, sizeof(row) - at, " %d:g%d", values[i], errno);
		else
			at += (size_t)snprintf(row + at, sizeof(row) - at, " %d:%d", values[i], v);
	}
	say("%s %s", what, row);
}

static void sizes(const char *what, int fd, int level, int name)
{
	char row[200] = "";
	size_t at = 0;
	char b[8] = {1};

	for (socklen_t n = 0; n <= 5; n++) {
		errno = 0;
		if (setsockopt(fd, level, name, b, n))
			at += (size_t)snprintf(row + at, sizeof(row) - at, " %u:e%d", n, errno);
		else
			at += (size_t)snprintf(row + at, sizeof(row) - at, " %u:ok", n);
	}
	for (socklen_t n = 0; n <= 5; n++) {
		socklen_t got = n;

		memset(b, 0x55, sizeof(b));
		if (getsockopt(fd, level, name, b, &got))
			at += (size_t)snprintf(row + at, sizeof(row) - at, " %u:e%d", n, errno);
		else
			at += (size_t)snprintf(row + at, sizeof(row) - at, " %u:%u=%d", n, got,
				(unsigned char)b[0]);
	}
	say("%s%s", what, row);
}

#define EACH(x)                                                                                    \
	{                                                                                          \
#x, x                                                                              \
	}
static const struct {
	const char *text;
	int name;
} opts4[] = {EACH(IP_TOS), EACH(IP_TTL), EACH(IP_HDRINCL), EACH(IP_RECVOPTS), EACH(IP_PKTINFO),
	EACH(IP_MTU_DISCOVER), EACH(IP_RECVERR), EACH(IP_RECVTTL), EACH(IP_RECVTOS), EACH(IP_MTU),
	EACH(IP_FREEBIND), EACH(IP_TRANSPARENT), EACH(IP_RECVORIGDSTADDR), EACH(IP_MINTTL),
	EACH(IP_NODEFRAG), EACH(IP_BIND_ADDRESS_NO_PORT), EACH(IP_MULTICAST_TTL),
	EACH(IP_MULTICAST_LOOP), EACH(IP_MULTICAST_ALL)},
  opts6[] = {EACH(IPV6_UNICAST_HOPS), EACH(IPV6_MULTICAST_HOPS), EACH(IPV6_MULTICAST_LOOP),
	  EACH(IPV6_MTU_DISCOVER), EACH(IPV6_MTU), EACH(IPV6_RECVERR), EACH(IPV6_V6ONLY),
	  EACH(IPV6_RECVPKTINFO), EACH(IPV6_RECVHOPLIMIT), EACH(IPV6_DONTFRAG),
	  EACH(IPV6_RECVTCLASS), EACH(IPV6_TCLASS), EACH(IPV6_MINHOPCOUNT),
	  EACH(IPV6_RECVORIGDSTADDR), EACH(IPV6_TRANSPARENT), EACH(IPV6_FREEBIND),
	  EACH(IPV6_2292PKTINFO), EACH(IPV6_2292HOPLIMIT)};

static void all(int family, int type, int proto)
{
	for (unsigned i = 0; i < COUNT(opts4); i++) {
		int fd = socket(family, type, proto);

		probe(opts4[i].text, fd, IPPROTO_IP, opts4[i].name);
		sizes(opts4[i].text, fd, IPPROTO_IP, opts4[i].name);
		close(fd);
	}
	for (unsigned i = 0; i < COUNT(opts6); i++) {
		int fd = socket(family, type, proto);

		probe(opts6[i].text, fd, IPPROTO_IPV6, opts6[i].name);
		sizes(opts6[i].text, fd, IPPROTO_IPV6, opts6[i].name);
		close(fd);
	}
}

CASE(udp)
{
	all(AF_INET, SOCK_DGRAM, 0);
}
CASE(udp_ipv6)
{
	all(AF_INET6, SOCK_DGRAM, 0);
}
CASE(tcp)
{
	all(AF_INET, SOCK_STREAM, 0);
}
CASE(tcp_ipv6)
{
	all(AF_INET6, SOCK_STREAM, 0);
}
CASE(raw)
{
	all(AF_INET, SOCK_RAW, 253);
}

CASE(mtu_of_a_connection)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
	int s = socket(AF_INET, SOCK_DGRAM, 0), six = socket(AF_INET6, SOCK_DGRAM, 0), v = 0;
	socklen_t n = sizeof(v);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to6.sin6_addr = in6addr_loopback;
	R(getsockopt(s, IPPROTO_IP, IP_MTU, &v, &n));
	R(connect(s, (struct sockaddr *)&to, sizeof(to)));
	R(getsockopt(s, IPPROTO_IP, IP_MTU, &v, &n));
	V(v);
	R(connect(six, (struct sockaddr *)&to6, sizeof(to6)));
	n = sizeof(v);
	R(getsockopt(six, IPPROTO_IPV6, IPV6_MTU, &v, &n));
	V(v);
	R(setsockopt(s, IPPROTO_IP, IP_MTU, &v, sizeof(v)));
}

CASE(options_of_packets)
{
	unsigned char o[44] = {7, 7, 4, 0, 0, 0, 0, 0}, back[44];
	socklen_t n = sizeof(back);
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	R(getsockopt(s, IPPROTO_IP, IP_OPTIONS, back, &n));
	V(n);
	R(setsockopt(s, IPPROTO_IP, IP_OPTIONS, o, 44));
	R(setsockopt(s, IPPROTO_IP, IP_OPTIONS, o, 8));
	n = sizeof(back);
	R(getsockopt(s, IPPROTO_IP, IP_OPTIONS, back, &n));
	V(n);
	R(setsockopt(s, IPPROTO_IP, IP_OPTIONS, NULL, 0));
	n = sizeof(back);
	R(getsockopt(s, IPPROTO_IP, IP_OPTIONS, back, &n));
	V(n);
	o[1] = 200;
	R(setsockopt(s, IPPROTO_IP, IP_OPTIONS, o, 8));
}
