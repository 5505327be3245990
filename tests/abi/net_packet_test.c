/*
 * net_packet_test.c - AF_PACKET sockets that send by loopback: which addresses do, what arrives.
 * packet(7). Not here: rings, memberships.
 */
#include "inet.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>

static struct sockaddr_ll lo_addr(int family, int protocol, int halen)
{
	struct sockaddr_ll a = {.sll_family = (unsigned short)family,
		.sll_protocol = htons((unsigned short)protocol),
		.sll_ifindex = (int)if_nametoindex("lo"),
		.sll_halen = (unsigned char)halen};

	return a;
}

/* An Ethernet frame of a protocol that nobody takes (IEEE 802: local experiments). */
static int make_frame(unsigned char *frame, const char *text)
{
	memset(frame, 0, ETH_HLEN);
	frame[12] = 0x88;
	frame[13] = 0xb5;
	strcpy((char *)frame + ETH_HLEN, text);
	return ETH_HLEN + (int)strlen(text);
}

/* Bound to loopback. */
static int listen_to(int type)
{
	struct sockaddr_ll a = lo_addr(AF_PACKET, 0x88b5, 0);
	int fd = socket(AF_PACKET, type, htons(0x88b5));

	R(bind(fd, (struct sockaddr *)&a, sizeof(a)));
	return fd;
}

static void show_arrival(int fd)
{
	struct sockaddr_ll from;
	socklen_t len = sizeof(from);
	char text[64] = "";
	struct pollfd p = {.fd = fd, .events = POLLIN};

	poll(&p, 1, SOON_MS);
	R(recvfrom(fd, text, sizeof(text), MSG_DONTWAIT, (struct sockaddr *)&from, &len));
	say("%d: family %d, protocol %x, hatype %d, pkttype %d, halen %d", (int)len,
		from.sll_family, ntohs(from.sll_protocol), from.sll_hatype, from.sll_pkttype,
		from.sll_halen);
}

/* The family of the address is not looked at, its length is. */
CASE(addresses_to_send_to)
{
	static const int families[] = {AF_PACKET, 0, AF_INET, 255};
	static const int types[] = {SOCK_RAW, SOCK_DGRAM};
	unsigned char frame[64];
	int n = make_frame(frame, "hello");

	for (unsigned t = 0; t < COUNT(types); t++) {
		int fd = socket(AF_PACKET, types[t], 0);

		for (unsigned f = 0; f < COUNT(families); f++) {
			struct sockaddr_ll a = lo_addr(families[f], 0x88b5, ETH_ALEN);

			say("%d, %d", types[t], families[f]);
			R(sendto(fd, frame, (size_t)n, 0, (struct sockaddr *)&a, sizeof(a)));
		}
		for (socklen_t len = 0; len <= sizeof(struct sockaddr_ll); len += 2) {
			struct sockaddr_ll a = lo_addr(AF_PACKET, 0x88b5, ETH_ALEN);

			say("%d, length %d", types[t], (int)len);
			R(sendto(fd, frame, (size_t)n, 0, (struct sockaddr *)&a, len));
		}
		for (int halen = 0; halen <= 10; halen++) {
			struct sockaddr_ll a = lo_addr(AF_PACKET, 0x88b5, halen);

			say("%d, halen %d", types[t], halen);
			R(sendto(fd, frame, (size_t)n, 0, (struct sockaddr *)&a, sizeof(a)));
		}
		R(send(fd, frame, (size_t)n, 0));
		close(fd);
		fd = listen_to(types[t]);
		R(send(fd, frame, (size_t)n, 0));
		close(fd);
	}
}

CASE(interfaces_to_send_by)
{
	static const int indices[] = {0, -1, 100000};
	struct sockaddr_ll a = lo_addr(AF_PACKET, 0x88b5, ETH_ALEN);
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	unsigned char frame[64];
	int n = make_frame(frame, "hello");

	for (unsigned i = 0; i < COUNT(indices); i++) {
		a.sll_ifindex = indices[i];
		R(sendto(fd, frame, (size_t)n, 0, (struct sockaddr *)&a, sizeof(a)));
	}
	close(fd);
}

CASE(frames_that_are_too_short)
{
	struct sockaddr_ll a = lo_addr(0, 0x88b5, ETH_ALEN);
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	unsigned char frame[64];

	make_frame(frame, "hello");
	for (size_t n = 0; n <= ETH_HLEN + 1; n++)
		R(sendto(fd, frame, n, 0, (struct sockaddr *)&a, sizeof(a)));
	close(fd);
}

CASE(what_arrives)
{
	struct sockaddr_ll a = lo_addr(0, 0, ETH_ALEN);
	int in = listen_to(SOCK_DGRAM), whole = listen_to(SOCK_RAW);
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	unsigned char frame[64];
	int n = make_frame(frame, "hello");

	R(sendto(fd, frame, (size_t)n, 0, (struct sockaddr *)&a, sizeof(a)));
	show_arrival(in);
	show_arrival(whole);
	a.sll_protocol = htons(0x88b5);
	close(fd);
	fd = socket(AF_PACKET, SOCK_DGRAM, 0);
	R(sendto(fd, "other", 5, 0, (struct sockaddr *)&a, sizeof(a)));
	show_arrival(in);
	show_arrival(whole);
	close(fd);
	close(in);
	close(whole);
}
