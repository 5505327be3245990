/*
 * fuzz_socket.c - the calls of a hostile program on sockets of every family that is linked: names,
 * options, ancillary data and messages as bytes of the input, over loopback and the device.
 *
 * Input: flags, then operations: an opcode, which socket, and the call's arguments.
 */
#include "world.h"
#include <sched.h>
#include <string.h>

enum { OPS = 64, NR = 5, CONTROL = 128 };
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct socket *socks[NR];

static void create(struct input *in, struct socket **slot)
{
	static const uint8_t families[] = {AF_INET, AF_INET6, AF_PACKET, AF_INET};
	static const uint8_t types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_DGRAM};
	const unsigned how = in_u8(in);

	world_close(slot);
	if (socket_create(families[how & 3], types[how >> 2 & 3],
		    how & 16 ? (how & 32 ? to_be16(ETH_P_ALL) : in_u8(in)) : 0, slot))
		*slot = NULL;
}

/* A name whose family, address and port are mostly of the kind that leads somewhere. */
static unsigned name(struct input *in, const struct socket *s, struct sockaddr_storage *a)
{
	static const uint32_t v4[] = {0x7f000001, 0x0a010001, 0x0a010002, 0xe0000001, 0xffffffff, 0,
		0x0a0100ff, 0x0a020001};
	static const uint8_t ports[] = {0, 53, 80, 7, 8, 9, 10, 11};
	const unsigned how = in_u8(in);
	unsigned n;
	const uint8_t *raw;

	memset(a, 0, sizeof(*a));
	if (how & 128) {
		raw = in_bytes(in, in_u8(in) & 127, &n);
		memcpy(a, raw, n);
		return n;
	}
	if (s->family == AF_PACKET) {
		*(struct sockaddr_ll *)a = (struct sockaddr_ll){.sll_family = AF_PACKET,
			.sll_protocol = to_be16(how & 1 ? ETH_P_ALL : ETH_P_IP),
			.sll_ifindex = (int32_t)(how & 2 ? world.dev->ifindex : how & 4),
			.sll_halen = (uint8_t)(how >> 3),
			.sll_addr = {2, 0, 0, 0, 0, 2}};
		return sizeof(struct sockaddr_ll);
	}
	if (s->family == AF_INET) {
		*(struct sockaddr_in *)a = (struct sockaddr_in){.sin_family = AF_INET,
			.sin_port = to_be16(ports[how & 7]),
			.sin_addr = to_be32(v4[how >> 3 & 7])};
		return sizeof(struct sockaddr_in);
	}
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
		.sin6_port = to_be16(ports[how & 7]),
		.sin6_scope_id = how & 64 ? world.dev->ifindex : 0};
	const struct ip_addr *const to[] = {&world.me6, &world.peer6, &world.ll6, &world.me4};

	if (how >> 3 & 7)
		memcpy(in6.sin6_addr, to[how >> 3 & 3]->b, 16);
	else
		in6.sin6_addr[15] = 1;
	memcpy(a, &in6, sizeof(in6));
	return sizeof(in6);
}

/* Ancillary data: raw, or one message whose length is right. */
static size_t control(struct input *in, uint8_t *at)
{
	const unsigned how = in_u8(in);
	static const int levels[] = {0, 41, SOL_SOCKET, 17};
	struct cmsghdr c = {.cmsg_level = levels[how >> 2 & 3]};
	unsigned n;
	const uint8_t *bytes;

	if (!(how & 1))
		return 0;
	c.cmsg_type = in_u8(in);
	bytes = in_bytes(in, in_u8(in) & 63, &n);
	if (how & 2) {
		memcpy(at, bytes, n);
		return n;
	}
	c.cmsg_len = sizeof(c) + n;
	memcpy(at, &c, sizeof(c));
	memcpy(at + sizeof(c), bytes, n);
	return CMSG_SPACE(n);
}

static void send(struct input *in, struct socket *s)
{
	static uint8_t payload[65536];
	static _Alignas(8) uint8_t controls[CONTROL];
	static const unsigned flags[] = {0, MSG_MORE, MSG_OOB, MSG_DONTROUTE, MSG_CONFIRM, MSG_EOR,
		MSG_ZEROCOPY, MSG_FASTOPEN};
	const unsigned how = in_u8(in), big = how & 8 ? in_u16(in) : in_u8(in);
	struct sockaddr_storage to;
	struct iov_iter it;
	unsigned n;
	const uint8_t *bytes = in_bytes(in, 64, &n);
	struct socket_msg m = {.iter = &it, .flags = flags[how & 7] | MSG_DONTWAIT | MSG_NOSIGNAL};

	memset(payload, 0, 64);
	memcpy(payload, bytes, n);
	if (how & 16) {
		m.name = &to;
		m.name_len = name(in, s, &to);
	}
	m.control = controls;
	m.control_len = how & 32 ? control(in, controls) : 0;
	iov_iter_kernel(&it, payload, big);
	(void)socket_sendmsg(s, &m, big, 0);
}

static void option(struct input *in, struct socket *s)
{
	static const int levels[] = {SOL_SOCKET, 0, 41, 6, 17, 263, 255, 58};
	const unsigned how = in_u8(in);
	const int level = levels[how & 7], which = in_u8(in);
	static _Alignas(8) uint8_t val[256];
	unsigned n, out = in_u8(in);
	const uint8_t *bytes = in_bytes(in, in_u8(in), &n);

	memset(val, 0, sizeof(val));
	memcpy(val, bytes, n);
	if (how & 8 && n < 4)
		n = 4;
	(void)socket_setsockopt(s, level, which, val, n);
	out = MIN(out, (unsigned)sizeof(val));
	(void)socket_getsockopt(s, level, which, val, &out);
	EXPECT(out <= sizeof(val));
}

static void names(struct input *in, struct socket *s, unsigned op)
{
	struct sockaddr_storage a;
	const unsigned n = name(in, s, &a);
	struct socket *child = NULL;

	switch (op) {
	case 3:
		(void)socket_bind(s, &a, n);
		return;
	case 4:
		(void)socket_connect(s, &a, n, 0x800 /* O_NONBLOCK */);
		return;
	case 5:
		(void)socket_listen(s, (int)n);
		return;
	case 6:
		if (!socket_accept(s, 0x800, &child))
			world_close(&child);
		return;
	default:
		if (s->ops->getname) {
			(void)s->ops->getname(s, false, &a);
			(void)s->ops->getname(s, true, &a);
		}
		(void)s->ops->poll(s);
		if (s->ops->ioctl)
			(void)s->ops->ioctl(s, 0x8900u + in_u8(in), world_user);
		(void)socket_shutdown(s, (int)in_u8(in) & 3);
	}
}

static void step(struct input *in)
{
	static const unsigned flags[] = {0, MSG_PEEK, MSG_TRUNC, MSG_OOB, MSG_ERRQUEUE, MSG_WAITALL,
		MSG_PEEK | MSG_TRUNC, 0};
	const unsigned op = in_u8(in);
	struct socket **slot = &socks[(op >> 4) % NR], *s = *slot;

	if (!s || (op & 15) == 0) {
		create(in, slot);
		return;
	}
	switch (op & 15) {
	case 1:
	case 2:
		send(in, s);
		break;
	case 3 ... 7:
		names(in, s, op & 15);
		break;
	case 8:
	case 9:
		(void)world_recv(s, in_u8(in) * 8u, flags[in_u8(in) & 7]);
		break;
	case 10:
		world_wait(NSEC_PER_MSEC << (in_u8(in) & 15));
		break;
	case 11:
		alloc_fail_after(in_u8(in) & 15);
		send(in, s);
		alloc_fail_after(-1);
		break;
	default:
		option(in, s);
	}
	world_drop_sent();
	EXPECT(!current->nr_held);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct input in = {data, data + n};

	world_begin(in_u8(&in));
	for (unsigned i = 0; i < OPS && in_more(&in); i++)
		step(&in);
	for (unsigned i = 0; i < NR; i++)
		world_close(&socks[i]);
	world_end();
	return 0;
}
