/*
 * net_udp_test.c - UDP sockets over loopback (udp(7), ip(7)): sizes, truncation, connecting,
 * errors, ancillary data, the error queue, corks and segments; ping and raw sockets.
 */
#include "abi.h"

#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#ifndef ICMP_FILTER
#define ICMP_FILTER 1
#endif
#ifndef IP_RECVFRAGSIZE
#define IP_RECVFRAGSIZE 25
#endif

static char big[70000];

static struct sockaddr_in lo4(int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}
static struct sockaddr_in6 lo6(int port)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};

	a.sin6_addr.s6_addr[15] = 1;
	return a;
}
static int bound(int family)
{
	int fd = socket(family, SOCK_DGRAM, 0);
	struct sockaddr_in a = lo4(0);
	struct sockaddr_in6 a6 = lo6(0);

	if (family == AF_INET ? bind(fd, (struct sockaddr *)&a, sizeof(a))
			      : bind(fd, (struct sockaddr *)&a6, sizeof(a6)))
		say("bind failed");
	return fd;
}
static int port_of(int fd)
{
	struct sockaddr_in6 a;
	socklen_t n = sizeof(a);

	getsockname(fd, (struct sockaddr *)&a, &n);
	return ntohs(((struct sockaddr_in *)&a)->sin_port);
}
static void opt(int fd, int level, int name, int v)
{
	if (setsockopt(fd, level, name, &v, sizeof(v)))
		say("setsockopt %d %d: %d", level, name, errno);
}
/* Waits a little: what was sent over loopback is there at once, but errors may take a moment. */
static void wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	poll(&p, 1, 2000);
}

CASE(sizes)
{
	int r = bound(AF_INET), s = socket(AF_INET, SOCK_DGRAM, 0), n = 0;
	struct sockaddr_in to = lo4(port_of(r));

	R(connect(s, (struct sockaddr *)&to, sizeof(to)));
	R(send(s, big, 0, 0));
	R(ioctl(r, FIONREAD, &n));
	V(n);
	R(recv(r, big, 10, 0));
	R(recv(r, big, 10, MSG_DONTWAIT));
	R(send(s, big, 100, 0));
	R(ioctl(r, FIONREAD, &n));
	V(n);
	R(recv(r, big, 10, MSG_PEEK));
	R(recv(r, big, 10, MSG_PEEK | MSG_TRUNC));
	R(recv(r, big, 10, MSG_TRUNC));
	R(recv(r, big, 10, MSG_DONTWAIT));
	R(send(s, big, 65507, 0));
	R(recv(r, big, sizeof(big), 0));
	R(send(s, big, 65508, 0));
	R(send(s, big, 65535, 0));
	R(send(s, big, 65536, 0));
	R(send(s, big, 1, MSG_OOB));
	R(recv(r, big, 1, MSG_OOB | MSG_DONTWAIT));
	R(write(s, "abc", 3));
	R(read(r, big, 2));
	R(write(s, "", 0));
	R(readv(r, NULL, 0));
	R(recv(r, big, 2, MSG_DONTWAIT));
	R(sc(sendto, s, BAD_PTR, 5, 0, NULL, 0));
	R(recv(r, big, 2, MSG_DONTWAIT));
	R(send(s, "abcd", 4, 0));
	R(sc(recvfrom, r, BAD_PTR, 4, MSG_DONTWAIT, NULL, NULL));
	R(recv(r, big, 2, MSG_DONTWAIT));
}

CASE(sizes_of_ipv6)
{
	int r = bound(AF_INET6), s = socket(AF_INET6, SOCK_DGRAM, 0);
	struct sockaddr_in6 to = lo6(port_of(r));

	R(connect(s, (struct sockaddr *)&to, sizeof(to)));
	R(send(s, big, 65487, 0));
	R(recv(r, big, sizeof(big), 0));
	R(send(s, big, 65488, 0));
	R(send(s, big, 65527, 0));
	R(send(s, big, 65535, 0));
}

CASE(destinations)
{
	int r = bound(AF_INET), s = socket(AF_INET, SOCK_DGRAM, 0),
	    six = socket(AF_INET6, SOCK_DGRAM, 0);
	struct sockaddr_in to = lo4(port_of(r)), from;
	struct sockaddr_in6 to6 = lo6(port_of(r));
	socklen_t n = sizeof(from);

	R(send(s, "a", 1, 0));
	R(sendto(s, "a", 1, 0, (struct sockaddr *)&to, 8));
	R(sendto(s, "a", 1, 0, (struct sockaddr *)&to, sizeof(to)));
	R(recvfrom(r, big, 10, 0, (struct sockaddr *)&from, &n));
	V(n);
	T(ntohs(from.sin_port) == port_of(s));
	HEX(ntohl(from.sin_addr.s_addr));
	to.sin_family = AF_UNSPEC;
	R(sendto(s, "b", 1, 0, (struct sockaddr *)&to, sizeof(to)));
	R(recv(r, big, 10, MSG_DONTWAIT));
	to.sin_family = AF_INET6;
	R(sendto(s, "b", 1, 0, (struct sockaddr *)&to, sizeof(to)));
	to.sin_family = AF_INET;
	to.sin_addr.s_addr = 0; /* this host */
	R(sendto(s, "c", 1, 0, (struct sockaddr *)&to, sizeof(to)));
	R(recv(r, big, 10, MSG_DONTWAIT));
	to.sin_port = 0;
	R(sendto(s, "d", 1, 0, (struct sockaddr *)&to, sizeof(to)));
	to = lo4(port_of(r));
	R(sendto(six, "e", 1, 0, (struct sockaddr *)&to, sizeof(to)));
	R(recv(r, big, 10, MSG_DONTWAIT));
	R(sendto(six, "e", 1, 0, (struct sockaddr *)&to6, 20));
	R(sendto(six, "e", 1, 0, (struct sockaddr *)&to6, 24));
	inet_pton(AF_INET6, "::ffff:127.0.0.1", &to6.sin6_addr);
	R(sendto(six, "f", 1, 0, (struct sockaddr *)&to6, sizeof(to6)));
	R(recv(r, big, 10, MSG_DONTWAIT));
	opt(six, IPPROTO_IP, IP_TTL, 9);
	close(six);
	six = socket(AF_INET6, SOCK_DGRAM, 0);
	opt(six, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	R(sendto(six, "g", 1, 0, (struct sockaddr *)&to6, sizeof(to6)));
	R(connect(six, (struct sockaddr *)&to6, sizeof(to6)));
	to = lo4(port_of(r));
	to.sin_addr.s_addr = htonl(0xffffffff);
	R(sendto(s, "h", 1, 0, (struct sockaddr *)&to, sizeof(to)) < 0);
	to.sin_addr.s_addr = htonl(0x7fffffff);
	R(sendto(s, "h", 1, 0, (struct sockaddr *)&to, sizeof(to)));
	R(connect(s, (struct sockaddr *)&to, sizeof(to)));
}

CASE(connected_sockets)
{
	int r = bound(AF_INET), s = bound(AF_INET), other = bound(AF_INET);
	struct sockaddr_in to = lo4(port_of(r)), a, back = lo4(port_of(s));
	socklen_t n = sizeof(a);

	R(connect(s, (struct sockaddr *)&to, sizeof(to)));
	R(getpeername(s, (struct sockaddr *)&a, &n));
	T(a.sin_port == to.sin_port);
	R(sendto(other, "no", 2, 0, (struct sockaddr *)&back, sizeof(back)));
	R(recv(s, big, 10, MSG_DONTWAIT)); /* only from the peer */
	R(sendto(r, "yes", 3, 0, (struct sockaddr *)&back, sizeof(back)));
	R(recv(s, big, 10, MSG_DONTWAIT));
	a = lo4(port_of(other));
	R(sendto(s, "x", 1, 0, (struct sockaddr *)&a, sizeof(a))); /* another destination is fine */
	R(connect(s, (struct sockaddr *)&a, sizeof(a)));
	R(send(s, "y", 1, 0));
	R(recv(other, big, 10, MSG_DONTWAIT));
	R(connect(s, (struct sockaddr *)&a, 2));
	R(connect(s, (struct sockaddr *)&a, 1));
	a.sin_family = 77;
	R(connect(s, (struct sockaddr *)&a, sizeof(a)));
	R(listen(s, 1));
	R(accept(s, NULL, NULL));
}

CASE(a_refused_datagram_is_reported_once)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0), e = 0, closed = bound(AF_INET);
	struct sockaddr_in to = lo4(port_of(closed));
	socklen_t n = sizeof(e);
	struct pollfd p = {.fd = s, .events = POLLIN | POLLOUT};

	close(closed);
	R(connect(s, (struct sockaddr *)&to, sizeof(to)));
	R(send(s, "x", 1, 0));
	wait_for(s, POLLIN);
	R(poll(&p, 1, 0));
	HEX(p.revents);
	R(getsockopt(s, SOL_SOCKET, SO_ERROR, &e, &n));
	V(e);
	R(getsockopt(s, SOL_SOCKET, SO_ERROR, &e, &n));
	V(e);
	R(send(s, "x", 1, 0));
	wait_for(s, POLLIN);
	R(send(s, "x", 1, 0));
	wait_for(s, POLLIN);
	R(recv(s, big, 1, MSG_DONTWAIT));
	R(recv(s, big, 1, MSG_DONTWAIT));
	close(s);
	s = socket(AF_INET, SOCK_DGRAM, 0); /* not connected: not told */
	R(sendto(s, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)));
	R(recv(s, big, 1, MSG_DONTWAIT));
}

static void show_error(int fd)
{
	char control[512];
	struct sockaddr_in6 name;
	struct iovec iov = {big, 100};
	struct msghdr m = {.msg_name = &name,
		.msg_namelen = sizeof(name),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *c;
	long got = R(recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT));

	if (got < 0)
		return;
	V(m.msg_namelen);
	HEX(m.msg_flags);
	for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		const struct sock_extended_err *e = (const struct sock_extended_err *)CMSG_DATA(c);

		say("level %d type %d len %zu", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len);
		if (c->cmsg_level == IPPROTO_IP ? c->cmsg_type == IP_RECVERR
						: c->cmsg_type == IPV6_RECVERR)
			say("errno %u origin %u type %u code %u info %u", e->ee_errno, e->ee_origin,
				e->ee_type, e->ee_code, e->ee_info);
	}
}

CASE(the_error_queue)
{
	for (int six = 0; six < 2; six++) {
		int s = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
		int closed = bound(six ? AF_INET6 : AF_INET), port = port_of(closed), e = 0;
		struct sockaddr_in to = lo4(port);
		struct sockaddr_in6 to6 = lo6(port);
		const struct sockaddr *a = six ? (struct sockaddr *)&to6 : (struct sockaddr *)&to;
		socklen_t alen = six ? sizeof(to6) : sizeof(to), n = sizeof(e);

		close(closed);
		opt(s, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_RECVERR : IP_RECVERR, 1);
		R(sendto(s, "hello", 5, 0, a, alen));
		wait_for(s, POLLIN);
		R(recv(s, big, 1, MSG_DONTWAIT));
		show_error(s);
		show_error(s);
		R(sendto(s, "hello", 5, 0, a, alen));
		wait_for(s, POLLIN);
		show_error(s);
		R(getsockopt(s, SOL_SOCKET, SO_ERROR, &e, &n));
		V(e);
		opt(s, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER,
			2);
		R(sendto(s, big, 65507, 0, a, alen) < 0);
		close(s);
	}
}

static void show_control(struct msghdr *m, int port)
{
	struct cmsghdr *c;

	HEX(m->msg_flags);
	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		const unsigned char *d = CMSG_DATA(c);
		size_t n = c->cmsg_len - CMSG_LEN(0);
		char text[200] = "";

		for (size_t i = 0; i < n && i < 40; i++) {
			unsigned char v = d[i];

			if (i + 1 < n && d[i] == port >> 8 && d[i + 1] == (port & 255) &&
				port > 255)
				v = 0xee; /* a port differs from run to run */
			else if (i && d[i - 1] == port >> 8 && d[i] == (port & 255) && port > 255)
				v = 0xee;
			snprintf(text + 2 * i, 3, "%02x", v);
		}
		say("level %d type %d: %s", c->cmsg_level, c->cmsg_type, text);
	}
}

CASE(ancillary_data_received)
{
	for (int six = 0; six < 2; six++) {
		int r = bound(six ? AF_INET6 : AF_INET), port = port_of(r);
		int s = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
		struct sockaddr_in to = lo4(port);
		struct sockaddr_in6 to6 = lo6(port);
		char control[512];
		struct iovec iov = {big, 100};
		struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control};

		if (six) {
			opt(r, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
			opt(r, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
			opt(r, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
			opt(r, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, 1);
			opt(s, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 33);
			opt(s, IPPROTO_IPV6, IPV6_TCLASS, 0x28);
		} else {
			opt(r, IPPROTO_IP, IP_PKTINFO, 1);
			opt(r, IPPROTO_IP, IP_RECVTTL, 1);
			opt(r, IPPROTO_IP, IP_RECVTOS, 1);
			opt(r, IPPROTO_IP, IP_RECVORIGDSTADDR, 1);
			opt(s, IPPROTO_IP, IP_TTL, 33);
			opt(s, IPPROTO_IP, IP_TOS, 0x28);
		}
		for (unsigned room = 0; room < 3; room++) {
			sendto(s, "abc", 3, 0,
				six ? (struct sockaddr *)&to6 : (struct sockaddr *)&to,
				six ? sizeof(to6) : sizeof(to));
			m.msg_controllen = room == 0 ? sizeof(control) : room == 1 ? 30 : 8;
			R(recvmsg(r, &m, MSG_DONTWAIT));
			V(m.msg_controllen);
			show_control(&m, port);
		}
		close(r);
		close(s);
	}
}

CASE(ancillary_data_sent)
{
	int r = bound(AF_INET), s = socket(AF_INET, SOCK_DGRAM, 0), port = port_of(r);
	struct sockaddr_in to = lo4(port), from;
	union {
		char b[CMSG_SPACE(sizeof(struct in_pktinfo))];
		struct cmsghdr h;
	} control;
	char in[256];
	struct iovec iov = {(char *)"abc", 3}, out = {big, 100};
	struct msghdr m = {.msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control};
	struct msghdr got = {.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &out,
		.msg_iovlen = 1,
		.msg_control = in,
		.msg_controllen = sizeof(in)};
	struct in_pktinfo pi = {0};
	int v;

	opt(r, IPPROTO_IP, IP_RECVTTL, 1);
	memset(&control, 0, sizeof(control));
	control.h = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(4), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_TTL};
	m.msg_controllen = CMSG_SPACE(4);
	v = 77;
	memcpy(CMSG_DATA(&control.h), &v, 4);
	R(sendmsg(s, &m, 0));
	R(recvmsg(r, &got, MSG_DONTWAIT));
	show_control(&got, port);
	v = 0;
	memcpy(CMSG_DATA(&control.h), &v, 4);
	R(sendmsg(s, &m, 0));
	v = 256;
	memcpy(CMSG_DATA(&control.h), &v, 4);
	R(sendmsg(s, &m, 0));
	control.h.cmsg_type = IP_PKTINFO;
	control.h.cmsg_len = CMSG_LEN(sizeof(pi));
	m.msg_controllen = CMSG_SPACE(sizeof(pi));
	inet_pton(AF_INET, "127.0.0.5", &pi.ipi_spec_dst);
	memcpy(CMSG_DATA(&control.h), &pi, sizeof(pi));
	R(sendmsg(s, &m, 0));
	got.msg_namelen = sizeof(from);
	got.msg_controllen = sizeof(in);
	R(recvmsg(r, &got, MSG_DONTWAIT));
	HEX(ntohl(from.sin_addr.s_addr));
	inet_pton(AF_INET, "192.0.2.1", &pi.ipi_spec_dst);
	memcpy(CMSG_DATA(&control.h), &pi, sizeof(pi));
	R(sendmsg(s, &m, 0));
	control.h.cmsg_len = CMSG_LEN(3);
	R(sendmsg(s, &m, 0));
	control.h.cmsg_len = 8;
	R(sendmsg(s, &m, 0));
	control.h.cmsg_len = CMSG_LEN(4);
	control.h.cmsg_type = 99;
	R(sendmsg(s, &m, 0));
	control.h.cmsg_level = SOL_SOCKET;
	R(sendmsg(s, &m, 0));
	control.h.cmsg_level = 99;
	R(sendmsg(s, &m, 0));
}

CASE(corks_and_segments)
{
	int r = bound(AF_INET), s = socket(AF_INET, SOCK_DGRAM, 0), v;
	struct sockaddr_in to = lo4(port_of(r));
	socklen_t n = sizeof(v);

	connect(s, (struct sockaddr *)&to, sizeof(to));
	R(send(s, "one", 3, MSG_MORE));
	R(recv(r, big, 10, MSG_DONTWAIT));
	R(send(s, "two", 3, 0));
	R(recv(r, big, 10, MSG_DONTWAIT));
	say("%.6s", big);
	opt(s, IPPROTO_UDP, UDP_CORK, 1);
	R(send(s, "abc", 3, 0));
	R(send(s, "def", 3, 0));
	R(recv(r, big, 10, MSG_DONTWAIT));
	R(getsockopt(s, IPPROTO_UDP, UDP_CORK, &v, &n));
	V(v);
	opt(s, IPPROTO_UDP, UDP_CORK, 0);
	R(recv(r, big, 10, MSG_DONTWAIT));
	say("%.6s", big);
	R(send(s, big, 65507, MSG_MORE));
	R(send(s, big, 1, 0));
	R(send(s, "new", 3, 0));
	R(recv(r, big, sizeof(big), MSG_DONTWAIT));
	opt(s, IPPROTO_UDP, UDP_SEGMENT, 4);
	R(send(s, "aaaabbbbcc", 10, 0));
	for (int i = 0; i < 4; i++)
		R(recv(r, big, 100, MSG_DONTWAIT));
	opt(r, IPPROTO_UDP, UDP_GRO, 1);
	R(send(s, "aaaabbbbcc", 10, 0));
	R(recv(r, big, 100, MSG_DONTWAIT));
	R(recv(r, big, 100, MSG_DONTWAIT));
	R(send(s, big, 4 * 200, 0));
	opt(s, IPPROTO_UDP, UDP_SEGMENT, 65536);
	opt(s, IPPROTO_UDP, UDP_SEGMENT, -1);
	opt(s, IPPROTO_UDP, 55, 1);
	R(getsockopt(s, IPPROTO_UDP, 55, &v, &n));
}

CASE(shutdown_of_datagrams)
{
	int r = bound(AF_INET), s = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in to = lo4(port_of(r));
	struct pollfd p = {.fd = s, .events = POLLIN | POLLOUT | POLLRDHUP};

	R(shutdown(s, SHUT_RD));
	connect(s, (struct sockaddr *)&to, sizeof(to));
	R(shutdown(s, 3));
	R(shutdown(s, SHUT_RD));
	R(recv(s, big, 1, MSG_DONTWAIT));
	R(poll(&p, 1, 0));
	HEX(p.revents);
	R(shutdown(s, SHUT_WR));
	signal(SIGPIPE, SIG_IGN);
	R(send(s, "x", 1, 0));
	R(poll(&p, 1, 0));
	HEX(p.revents);
}

CASE(multicast_on_loopback)
{
	int r = socket(AF_INET, SOCK_DGRAM, 0), s = socket(AF_INET, SOCK_DGRAM, 0), port;
	struct sockaddr_in any = {.sin_family = AF_INET}, to;
	struct ip_mreqn m = {.imr_ifindex = 1, .imr_address = {htonl(INADDR_LOOPBACK)}};
	struct ip_mreq_source ms = {0};

	R(bind(r, (struct sockaddr *)&any, sizeof(any)));
	port = port_of(r);
	to = lo4(port);
	inet_pton(AF_INET, "239.1.2.3", &to.sin_addr);
	m.imr_multiaddr = to.sin_addr;
	R(setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &m, sizeof(m)));
	R(sendto(s, "no", 2, 0, (struct sockaddr *)&to, sizeof(to)));
	R(recv(r, big, 10, MSG_DONTWAIT));
	R(setsockopt(r, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)));
	R(setsockopt(r, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)));
	R(setsockopt(r, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, 7));
	R(sendto(s, "yes", 3, 0, (struct sockaddr *)&to, sizeof(to)));
	R(recv(r, big, 10, MSG_DONTWAIT));
	R(recv(r, big, 10, MSG_DONTWAIT));
	ms.imr_multiaddr = to.sin_addr;
	ms.imr_interface.s_addr = htonl(INADDR_LOOPBACK);
	ms.imr_sourceaddr.s_addr = htonl(INADDR_LOOPBACK);
	R(setsockopt(r, IPPROTO_IP, IP_BLOCK_SOURCE, &ms, sizeof(ms)));
	R(setsockopt(r, IPPROTO_IP, IP_BLOCK_SOURCE, &ms, sizeof(ms)));
	R(sendto(s, "blocked", 7, 0, (struct sockaddr *)&to, sizeof(to)));
	R(recv(r, big, 10, MSG_DONTWAIT));
	R(setsockopt(r, IPPROTO_IP, IP_UNBLOCK_SOURCE, &ms, sizeof(ms)));
	R(sendto(s, "again", 5, 0, (struct sockaddr *)&to, sizeof(to)));
	R(recv(r, big, 10, MSG_DONTWAIT));
	R(setsockopt(r, IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, &ms, sizeof(ms)));
	R(setsockopt(r, IPPROTO_IP, IP_DROP_MEMBERSHIP, &m, sizeof(m)));
	R(setsockopt(r, IPPROTO_IP, IP_DROP_MEMBERSHIP, &m, sizeof(m)));
	R(setsockopt(r, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &ms, sizeof(ms)));
	R(sendto(s, "mine", 4, 0, (struct sockaddr *)&to, sizeof(to)));
	R(recv(r, big, 10, MSG_DONTWAIT));
	R(setsockopt(r, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)));
	m.imr_multiaddr.s_addr = htonl(0x01020304);
	R(setsockopt(r, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)));
	m.imr_multiaddr = to.sin_addr;
	m.imr_ifindex = 9999;
	R(setsockopt(r, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)));
	R(setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &m, sizeof(m)));
	R(setsockopt(
		socket(AF_INET, SOCK_STREAM, 0), IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)));
}

CASE(multicast_of_ipv6_on_loopback)
{
	int r = socket(AF_INET6, SOCK_DGRAM, 0), s = socket(AF_INET6, SOCK_DGRAM, 0), one = 1;
	struct sockaddr_in6 any = {.sin6_family = AF_INET6}, to;
	struct ipv6_mreq m = {.ipv6mr_interface = 1};

	R(bind(r, (struct sockaddr *)&any, sizeof(any)));
	to = lo6(port_of(r));
	inet_pton(AF_INET6, "ff12::1234", &to.sin6_addr);
	to.sin6_scope_id = 1;
	m.ipv6mr_multiaddr = to.sin6_addr;
	R(setsockopt(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, &one, sizeof(one)));
	R(setsockopt(r, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &m, sizeof(m)));
	R(setsockopt(r, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &m, sizeof(m)));
	R(sendto(s, "yes", 3, 0, (struct sockaddr *)&to, sizeof(to)));
	R(recv(r, big, 10, MSG_DONTWAIT));
	R(recv(r, big, 10, MSG_DONTWAIT));
	R(setsockopt(r, IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, &m, sizeof(m)));
	R(setsockopt(r, IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, &m, sizeof(m)));
	R(sendto(s, "no", 2, 0, (struct sockaddr *)&to, sizeof(to)));
	R(recv(r, big, 10, MSG_DONTWAIT));
	m.ipv6mr_interface = 9999;
	R(setsockopt(r, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &m, sizeof(m)));
	m = (struct ipv6_mreq){.ipv6mr_multiaddr = in6addr_loopback, .ipv6mr_interface = 1};
	R(setsockopt(r, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &m, sizeof(m)));
}

CASE(raw_sockets)
{
	int r = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), u = socket(AF_INET, SOCK_RAW, 253), v;
	struct sockaddr_in to = lo4(0), a;
	struct icmphdr echo = {
		.type = ICMP_ECHO, .un.echo = {.id = htons(0x1234), .sequence = htons(7)}};
	struct iphdr *ip = (struct iphdr *)big;
	socklen_t n = sizeof(a);
	uint32_t filter = ~(1u << ICMP_ECHOREPLY);

	T(r >= 0);
	R(socket(AF_INET, SOCK_RAW, 0));
	R(socket(AF_INET, SOCK_RAW, 263));
	R(socket(AF_INET, SOCK_RAW, -1));
	R(getsockname(u, (struct sockaddr *)&a, &n));
	V(ntohs(a.sin_port));
	R(setsockopt(r, SOL_RAW, ICMP_FILTER, &filter, sizeof(filter)));
	R(setsockopt(u, SOL_RAW, ICMP_FILTER, &filter, sizeof(filter)));
	echo.checksum = (uint16_t) ~(ICMP_ECHO + htons(0x1234) + htons(7));
	R(sendto(r, &echo, sizeof(echo), 0, (struct sockaddr *)&to, sizeof(to)));
	wait_for(r, POLLIN);
	R(recv(r, big, 100, MSG_DONTWAIT));
	V(ip->version);
	V(ip->ihl);
	V(ntohs(ip->tot_len));
	V(ip->ttl);
	V(ip->protocol);
	V(big[20]);
	R(sendto(u, "payload", 7, 0, (struct sockaddr *)&to, sizeof(to)));
	R(recv(u, big, 100, MSG_DONTWAIT));
	HEX(ntohs(ip->frag_off));
	v = 1;
	R(setsockopt(u, IPPROTO_IP, IP_HDRINCL, &v, sizeof(v)));
	memset(big, 0, 100);
	*ip = (struct iphdr){.version = 4, .ihl = 5, .ttl = 17, .protocol = 253};
	ip->daddr = to.sin_addr.s_addr;
	R(sendto(u, big, 30, 0, (struct sockaddr *)&to, sizeof(to)));
	memset(big, 0, 100);
	R(recv(u, big, 100, MSG_DONTWAIT));
	V(ip->ttl);
	V(ntohs(ip->tot_len));
	HEX(ntohl(ip->saddr));
	R(sendto(u, big, 10, 0, (struct sockaddr *)&to, sizeof(to)));
	R(setsockopt(socket(AF_INET, SOCK_DGRAM, 0), IPPROTO_IP, IP_HDRINCL, &v, sizeof(v)));
	R(connect(u, (struct sockaddr *)&to, sizeof(to)));
	R(bind(u, (struct sockaddr *)&to, sizeof(to)));
}

CASE(raw_sockets_of_ipv6)
{
	int r = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), u = socket(AF_INET6, SOCK_RAW, 253), v;
	struct sockaddr_in6 to = lo6(0);
	struct icmp6_hdr echo = {.icmp6_type = ICMP6_ECHO_REQUEST};
	struct icmp6_filter f;
	socklen_t n = sizeof(v);

	ICMP6_FILTER_SETBLOCKALL(&f);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &f);
	R(setsockopt(r, IPPROTO_ICMPV6, ICMP6_FILTER, &f, sizeof(f)));
	R(sendto(r, &echo, sizeof(echo), 0, (struct sockaddr *)&to, sizeof(to)));
	wait_for(r, POLLIN);
	R(recv(r, big, 100, MSG_DONTWAIT));
	V((unsigned char)big[0]);
	R(getsockopt(r, IPPROTO_IPV6, IPV6_CHECKSUM, &v, &n));
	V(v);
	R(getsockopt(u, IPPROTO_IPV6, IPV6_CHECKSUM, &v, &n));
	V(v);
	v = 3;
	R(setsockopt(u, IPPROTO_IPV6, IPV6_CHECKSUM, &v, sizeof(v)));
	v = 2;
	R(setsockopt(u, IPPROTO_IPV6, IPV6_CHECKSUM, &v, sizeof(v)));
	R(setsockopt(r, IPPROTO_IPV6, IPV6_CHECKSUM, &v, sizeof(v)));
	R(sendto(u, "\0\0\0\0", 4, 0, (struct sockaddr *)&to, sizeof(to)));
	R(recv(u, big, 100, MSG_DONTWAIT));
	T(big[2] || big[3]);
	R(sendto(u, "\0\0\0", 3, 0, (struct sockaddr *)&to, sizeof(to)));
}

CASE(what_can_be_made)
{
	static const int types[] = {
		SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_RDM, SOCK_SEQPACKET, 11, 0};
	static const int protos[] = {0, 1, 6, 17, 58, 200, 255, 263, -1};

	for (int family = 0; family < 2; family++)
		for (unsigned t = 0; t < COUNT(types); t++)
			for (unsigned p = 0; p < COUNT(protos); p++) {
				int fd = -1;

				if (types[t] == SOCK_DGRAM && (protos[p] == 1 || protos[p] == 58))
					continue; /* ping: by group */
				errno = 0;
				fd = socket(family ? AF_INET6 : AF_INET, types[t], protos[p]);
				say("%d %d %d: %s", family, types[t], protos[p],
					fd >= 0 ? "ok" : strerror(errno));
				close(fd);
			}
}
