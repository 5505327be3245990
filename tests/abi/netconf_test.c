/*
 * netconf_test.c - the network's configuration: rtnetlink(7) and the ioctls of netdevice(7), on the
 * loopback interface.
 *
 * Each case has lo to itself: on Linux in a network namespace of its own, on Ambit the only one,
 * brought into the state of a new one.
 */
#include "abi.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct {
	struct nlmsghdr h;
	char room[1024];
} request;
static int nl = -1;

static void *begin(unsigned type, unsigned flags, size_t n)
{
	memset(&request, 0, sizeof(request));
	request.h.nlmsg_type = (uint16_t)type;
	request.h.nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST);
	request.h.nlmsg_len = (uint32_t)NLMSG_LENGTH(n);
	request.h.nlmsg_seq = 7;
	return NLMSG_DATA(&request.h);
}

static void attr(unsigned type, const void *data, size_t n)
{
	struct rtattr *a = (struct rtattr *)((char *)&request + NLMSG_ALIGN(request.h.nlmsg_len));

	a->rta_type = (uint16_t)type;
	a->rta_len = (uint16_t)RTA_LENGTH(n);
	memcpy(RTA_DATA(a), data, n);
	request.h.nlmsg_len = NLMSG_ALIGN(request.h.nlmsg_len) + (uint32_t)RTA_ALIGN(a->rta_len);
}

static void attr_ip(unsigned type, const char *text)
{
	unsigned char b[16];
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	inet_pton(family, text, b);
	attr(type, b, family == AF_INET ? 4 : 16);
}

/* Send the request; the acknowledgement's error as a result, or the count of answers until DONE. */
static long ask(void (*each)(const struct nlmsghdr *h))
{
	static char buf[65536];
	long count = 0;

	if (send(nl, &request, request.h.nlmsg_len, 0) < 0)
		return -1;
	for (;;) {
		ssize_t n = recv(nl, buf, sizeof(buf), 0);
		const struct nlmsghdr *h = (const struct nlmsghdr *)buf;

		if (n < 0)
			return -1;
		for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_seq != 7)
				say("a wrong sequence number");
			if (h->nlmsg_type == NLMSG_DONE)
				return count;
			if (h->nlmsg_type == NLMSG_ERROR) {
				const struct nlmsgerr *e = NLMSG_DATA(h);

				errno = -e->error;
				return e->error ? -1 : 0;
			}
			count++;
			if (each)
				each(h);
			if (!(h->nlmsg_flags & NLM_F_MULTI))
				return count;
		}
	}
}

static void show_ip(const char *what, const struct rtattr *a)
{
	char text[64] = "?";

	inet_ntop(RTA_PAYLOAD(a) == 4 ? AF_INET : AF_INET6, RTA_DATA(a), text, sizeof(text));
	say("  %s %s", what, text);
}

static void show_link(const struct nlmsghdr *h)
{
	const struct ifinfomsg *m = NLMSG_DATA(h);
	const struct rtattr *a = IFLA_RTA(m);
	int n = (int)IFLA_PAYLOAD(h);

	if (m->ifi_index != 1)
		return;
	say("link type %d family %d flags %#x", m->ifi_type, m->ifi_family,
		m->ifi_flags & ~(unsigned)(IFF_RUNNING | 0x10000));
	for (; RTA_OK(a, n); a = RTA_NEXT(a, n)) {
		if (a->rta_type == IFLA_IFNAME)
			say("  name %s", (char *)RTA_DATA(a));
		if (a->rta_type == IFLA_MTU)
			say("  mtu %u", *(uint32_t *)RTA_DATA(a));
		if (a->rta_type == IFLA_ADDRESS || a->rta_type == IFLA_STATS64)
			say("  attribute %d present", a->rta_type);
	}
}

static void show_addr(const struct nlmsghdr *h)
{
	const struct ifaddrmsg *m = NLMSG_DATA(h);
	const struct rtattr *a = IFA_RTA(m);
	int n = (int)IFA_PAYLOAD(h);

	say("addr family %d prefix %d scope %d flags %#x index %d", m->ifa_family, m->ifa_prefixlen,
		m->ifa_scope, m->ifa_flags & ~0x40u, m->ifa_index);
	for (; RTA_OK(a, n); a = RTA_NEXT(a, n)) {
		if (a->rta_type == IFA_ADDRESS)
			show_ip("address", a);
		if (a->rta_type == IFA_LOCAL)
			show_ip("local", a);
		if (a->rta_type == IFA_BROADCAST)
			show_ip("broadcast", a);
		if (a->rta_type == IFA_LABEL)
			say("  label %s", (char *)RTA_DATA(a));
	}
}

static void show_route(const struct nlmsghdr *h)
{
	const struct rtmsg *m = NLMSG_DATA(h);
	const struct rtattr *a = RTM_RTA(m);
	int n = (int)RTM_PAYLOAD(h);

	if (m->rtm_family != AF_INET || m->rtm_table == RT_TABLE_LOCAL)
		return;
	say("route prefix %d table %d protocol %d scope %d type %d", m->rtm_dst_len, m->rtm_table,
		m->rtm_protocol, m->rtm_scope, m->rtm_type);
	for (; RTA_OK(a, n); a = RTA_NEXT(a, n)) {
		if (a->rta_type == RTA_DST)
			show_ip("to", a);
		if (a->rta_type == RTA_GATEWAY)
			show_ip("via", a);
		if (a->rta_type == RTA_PREFSRC)
			show_ip("src", a);
		if (a->rta_type == RTA_OIF)
			say("  dev %d", *(int *)RTA_DATA(a));
		if (a->rta_type == RTA_PRIORITY)
			say("  metric %u", *(uint32_t *)RTA_DATA(a));
	}
}

static long link_set(bool up)
{
	struct ifinfomsg *m = begin(RTM_NEWLINK, NLM_F_ACK, sizeof(*m));

	m->ifi_index = 1;
	m->ifi_flags = up ? IFF_UP : 0;
	m->ifi_change = IFF_UP;
	return ask(NULL);
}

static long addr_change(unsigned type, unsigned flags, const char *ip, int prefix, int index)
{
	struct ifaddrmsg *m = begin(type, NLM_F_ACK | flags, sizeof(*m));

	m->ifa_family = strchr(ip, ':') ? AF_INET6 : AF_INET;
	m->ifa_prefixlen = (uint8_t)prefix;
	m->ifa_index = (unsigned)index;
	attr_ip(IFA_LOCAL, ip);
	attr_ip(IFA_ADDRESS, ip);
	return ask(NULL);
}

static long route_change(
	unsigned type, unsigned flags, const char *dst, int prefix, const char *via)
{
	int dev = 1;
	struct rtmsg *m = begin(type, NLM_F_ACK | flags, sizeof(*m));

	m->rtm_family = AF_INET;
	m->rtm_dst_len = (uint8_t)prefix;
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_protocol = RTPROT_STATIC;
	m->rtm_scope = via ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	m->rtm_type = RTN_UNICAST;
	attr_ip(RTA_DST, dst);
	if (via)
		attr_ip(RTA_GATEWAY, via);
	else
		attr(RTA_OIF, &dev, sizeof(dev));
	return ask(NULL);
}

static long dump(unsigned type, size_t n, void (*each)(const struct nlmsghdr *h))
{
	unsigned char *family = begin(type, NLM_F_DUMP, n);

	*family = type == RTM_GETLINK ? AF_UNSPEC : AF_INET;
	return ask(each);
}

static void own_network(void)
{
	const struct timeval limit = {5, 0};

	(void)unshare(CLONE_NEWNET);
	nl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	setsockopt(nl, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	addr_change(RTM_DELADDR, 0, "127.0.0.1", 8, 1);
	link_set(false);
}

CASE(the_loopback_interface_is_described)
{
	own_network();
	T(dump(RTM_GETLINK, sizeof(struct ifinfomsg), show_link) >= 1);
	R(link_set(true));
	T(dump(RTM_GETLINK, sizeof(struct ifinfomsg), show_link) >= 1);
	R(link_set(true));
}

CASE(loopback_gets_its_addresses_when_it_comes_up)
{
	own_network();
	R(dump(RTM_GETADDR, sizeof(struct ifaddrmsg), show_addr));
	R(link_set(true));
	R(dump(RTM_GETADDR, sizeof(struct ifaddrmsg), show_addr));
	R(dump(RTM_GETADDR, 1, NULL));
}

CASE(addresses_come_and_go)
{
	own_network();
	R(link_set(true));
	R(addr_change(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, "10.1.2.3", 24, 1));
	R(addr_change(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, "10.1.2.3", 24, 1));
	R(addr_change(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, "10.1.2.3", 24, 1));
	R(addr_change(RTM_NEWADDR, NLM_F_CREATE, "10.1.2.4", 24, 1));
	R(addr_change(RTM_NEWADDR, NLM_F_CREATE, "10.1.2.5", 33, 1));
	R(addr_change(RTM_NEWADDR, NLM_F_CREATE, "10.1.2.5", 24, 4711));
	R(dump(RTM_GETADDR, sizeof(struct ifaddrmsg), show_addr));
	R(dump(RTM_GETROUTE, sizeof(struct rtmsg), show_route));
	R(addr_change(RTM_DELADDR, 0, "10.1.2.4", 24, 1));
	R(addr_change(RTM_DELADDR, 0, "10.1.2.4", 24, 1));
	R(addr_change(RTM_DELADDR, 0, "10.1.2.3", 24, 1));
	R(dump(RTM_GETROUTE, sizeof(struct rtmsg), show_route));
}

CASE(routes_come_and_go)
{
	own_network();
	R(route_change(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, "10.9.0.0", 16, NULL));
	R(link_set(true));
	R(route_change(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, "10.9.0.0", 16, NULL));
	R(route_change(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, "10.9.0.0", 16, NULL));
	R(route_change(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, "10.9.0.1", 16, NULL));
	R(route_change(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, "10.8.0.0", 16, "10.9.9.9"));
	R(route_change(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, "10.7.0.0", 16, "10.6.6.6"));
	R(route_change(RTM_NEWROUTE, NLM_F_REPLACE, "10.5.0.0", 16, NULL));
	R(dump(RTM_GETROUTE, sizeof(struct rtmsg), show_route));
	R(route_change(RTM_DELROUTE, 0, "10.8.0.0", 16, "10.9.9.8"));
	R(route_change(RTM_DELROUTE, 0, "10.8.0.0", 16, "10.9.9.9"));
	R(route_change(RTM_DELROUTE, 0, "10.8.0.0", 16, "10.9.9.9"));
	R(route_change(RTM_DELROUTE, 0, "10.9.0.0", 16, NULL));
	R(dump(RTM_GETROUTE, sizeof(struct rtmsg), show_route));
}

CASE(wrong_requests_get_errors)
{
	struct ifinfomsg *m;
	struct sockaddr_nl to = {.nl_family = AF_NETLINK, .nl_pid = 999999};

	own_network();
	begin(RTM_GETLINK, NLM_F_ACK, 2);
	R(ask(NULL));
	m = begin(RTM_GETLINK, NLM_F_ACK, sizeof(*m));
	R(ask(NULL));
	m = begin(RTM_GETLINK, NLM_F_ACK, sizeof(*m));
	m->ifi_index = 4711;
	R(ask(NULL));
	m = begin(RTM_GETLINK, NLM_F_ACK, sizeof(*m));
	attr(IFLA_IFNAME, "nosuch", 7);
	R(ask(NULL));
	m = begin(RTM_DELLINK, NLM_F_ACK, sizeof(*m));
	m->ifi_index = 1;
	R(ask(NULL));
	begin(NLMSG_NOOP, NLM_F_ACK, 0);
	R(ask(NULL));
	begin(RTM_NEWADDR, NLM_F_ACK, sizeof(struct ifaddrmsg));
	R(ask(NULL));
	R(sendto(nl, &request, 8, 0, NULL, 0));
	R(sendto(nl, &request, sizeof(request), 0, (struct sockaddr *)&to, sizeof(to)));
	R(sendto(nl, &request, sizeof(request), 0, (struct sockaddr *)&to, 4));
}

CASE(netlink_sockets)
{
	struct sockaddr_nl a = {.nl_family = AF_NETLINK}, b;
	socklen_t n = sizeof(b);
	int one = 1, other, v;

	own_network();
	R(socket(AF_NETLINK, SOCK_STREAM, 0));
	R(socket(AF_NETLINK, SOCK_RAW, 31));
	R(other = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE));
	a.nl_pid = 12345;
	R(bind(other, (struct sockaddr *)&a, sizeof(a)));
	R(bind(nl, (struct sockaddr *)&a, sizeof(a)));
	a.nl_pid = 12346;
	R(bind(other, (struct sockaddr *)&a, sizeof(a)));
	R(bind(other, (struct sockaddr *)&a, 4));
	R(getsockname(other, (struct sockaddr *)&b, &n));
	V(b.nl_pid);
	V(n);
	R(getpeername(other, (struct sockaddr *)&b, &n));
	V(b.nl_pid);
	R(setsockopt(other, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &one, sizeof(one)));
	one = 0;
	R(setsockopt(other, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &one, sizeof(one)));
	R(setsockopt(other, SOL_NETLINK, NETLINK_CAP_ACK, &one, 2));
	R(setsockopt(other, SOL_NETLINK, 99, &one, sizeof(one)));
	n = sizeof(v);
	R(getsockopt(other, SOL_NETLINK, NETLINK_CAP_ACK, &v, &n));
	V(v);
	R(listen(other, 1));
	R(accept(other, NULL, NULL));
	R(shutdown(other, SHUT_RDWR));
	R(recv(nl, &v, sizeof(v), MSG_DONTWAIT));
	R(link_set(true));
	R(recv(other, &request, sizeof(request), MSG_DONTWAIT | MSG_PEEK) > 0);
	V(request.h.nlmsg_type);
	V(request.h.nlmsg_seq);
}

CASE(a_short_buffer_truncates)
{
	char small[16];
	ssize_t n;

	own_network();
	begin(RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
	T(send(nl, &request, request.h.nlmsg_len, 0) == request.h.nlmsg_len);
	n = recv(nl, small, sizeof(small), MSG_PEEK | MSG_TRUNC);
	T(n > (ssize_t)sizeof(small));
	T(recv(nl, small, sizeof(small), 0) == sizeof(small));
}

static struct ifreq named(const char *name)
{
	struct ifreq r = {0};

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	return r;
}

CASE(interfaces_by_ioctl)
{
	struct ifreq r = named("lo"), none = named("nosuch");
	int s, u;

	own_network();
	s = socket(AF_INET, SOCK_DGRAM, 0);
	u = socket(AF_UNIX, SOCK_DGRAM, 0);
	R(ioctl(s, SIOCGIFINDEX, &r));
	V(r.ifr_ifindex);
	R(ioctl(u, SIOCGIFINDEX, &r));
	R(ioctl(s, SIOCGIFNAME, &r));
	say("%s", r.ifr_name);
	r.ifr_ifindex = 4711;
	R(ioctl(s, SIOCGIFNAME, &r));
	R(ioctl(s, SIOCGIFMTU, &r));
	V(r.ifr_mtu);
	R(ioctl(s, SIOCGIFHWADDR, &r));
	V(r.ifr_hwaddr.sa_family);
	R(ioctl(s, SIOCGIFFLAGS, &r));
	HEX(r.ifr_flags);
	R(ioctl(s, SIOCGIFADDR, &r));
	R(ioctl(u, SIOCGIFADDR, &r));
	R(ioctl(s, SIOCGIFFLAGS, &none));
	R(ioctl(s, SIOCGIFADDR, &none));
	R(ioctl(s, SIOCGIFFLAGS, BAD_PTR));
	R(ioctl(s, 0x89fe, &r));
	r = named("lo");
	r.ifr_flags = IFF_UP;
	R(ioctl(s, SIOCSIFFLAGS, &r));
	R(ioctl(s, SIOCGIFADDR, &r));
	say("%s", inet_ntoa(((struct sockaddr_in *)&r.ifr_addr)->sin_addr));
	R(ioctl(s, SIOCGIFNETMASK, &r));
	say("%s", inet_ntoa(((struct sockaddr_in *)&r.ifr_netmask)->sin_addr));
	R(ioctl(s, SIOCGIFBRDADDR, &r));
	R(ioctl(s, SIOCSIFMTU, &none));
	r.ifr_mtu = -1;
	R(ioctl(s, SIOCSIFMTU, &r));
}

CASE(addresses_by_ioctl)
{
	struct ifreq r = named("lo:1");
	struct sockaddr_in *a = (struct sockaddr_in *)&r.ifr_addr;
	struct ifconf conf = {0};
	int s;

	own_network();
	R(link_set(true));
	s = socket(AF_INET, SOCK_DGRAM, 0);
	a->sin_family = AF_INET;
	inet_aton("10.3.2.1", &a->sin_addr);
	R(ioctl(s, SIOCSIFADDR, &r));
	R(ioctl(s, SIOCGIFNETMASK, &r));
	say("%s", inet_ntoa(a->sin_addr));
	inet_aton("255.255.240.0", &a->sin_addr);
	R(ioctl(s, SIOCSIFNETMASK, &r));
	inet_aton("255.0.255.0", &a->sin_addr);
	R(ioctl(s, SIOCSIFNETMASK, &r));
	R(dump(RTM_GETADDR, sizeof(struct ifaddrmsg), show_addr));
	R(ioctl(s, SIOCGIFCONF, &conf));
	V(conf.ifc_len);
	r.ifr_flags = 0;
	R(ioctl(s, SIOCSIFFLAGS, &r));
	R(ioctl(s, SIOCGIFADDR, &r));
	conf.ifc_len = 0;
	R(ioctl(s, SIOCGIFCONF, &conf));
	V(conf.ifc_len);
}

CASE(routes_by_ioctl)
{
	struct rtentry e = {0};
	struct sockaddr_in *dst = (struct sockaddr_in *)&e.rt_dst,
			   *mask = (struct sockaddr_in *)&e.rt_genmask;
	int s;

	own_network();
	R(link_set(true));
	s = socket(AF_INET, SOCK_DGRAM, 0);
	R(ioctl(s, SIOCADDRT, &e));
	dst->sin_family = mask->sin_family = AF_INET;
	inet_aton("10.40.0.0", &dst->sin_addr);
	inet_aton("255.255.0.0", &mask->sin_addr);
	e.rt_flags = RTF_UP;
	e.rt_dev = "lo";
	e.rt_metric = 6;
	R(ioctl(s, SIOCADDRT, &e));
	R(ioctl(s, SIOCADDRT, &e));
	e.rt_dev = "nosuch";
	R(ioctl(s, SIOCADDRT, &e));
	e.rt_dev = BAD_PTR;
	R(ioctl(s, SIOCADDRT, &e));
	R(dump(RTM_GETROUTE, sizeof(struct rtmsg), show_route));
	e.rt_dev = "lo";
	R(ioctl(s, SIOCDELRT, &e));
	R(ioctl(s, SIOCDELRT, &e));
	R(ioctl(s, SIOCDELRT, BAD_PTR));
}

CASE(only_the_privileged_change_things)
{
	struct ifreq r = named("lo");
	int s;

	own_network();
	s = socket(AF_INET, SOCK_DGRAM, 0);
	R(setuid(65534));
	R(link_set(true));
	R(addr_change(RTM_NEWADDR, NLM_F_CREATE, "10.1.2.3", 24, 1));
	R(route_change(RTM_NEWROUTE, NLM_F_CREATE, "10.9.0.0", 16, NULL));
	T(dump(RTM_GETLINK, sizeof(struct ifinfomsg), NULL) >= 1);
	R(ioctl(s, SIOCGIFFLAGS, &r));
	R(ioctl(s, SIOCSIFFLAGS, &r));
	R(socket(AF_PACKET, SOCK_RAW, 0));
	R(socket(AF_INET, SOCK_RAW, 1));
}
