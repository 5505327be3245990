/*
 * fuzz_netlink.c - what programs send to AF_NETLINK sockets: route, sock_diag, generic; and the
 * ioctls that do the same.
 *
 * Input: flags, then messages: raw ones, or a type, a fixed header and attributes, whose lengths
 * are made right; between them reading, options, commands of netdevice(7).
 */
#include "world.h"
#include <process.h>
#include <sched.h>
#include <string.h>
#include "abi/netlink.h"
#include "compat/net/net_ioctl.h"
#include "config.h"

enum { OPS = 48, MESSAGE = 2048, BOUND = 1 << 20 };
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
void netlink_init(void);

static struct process process = {.pid = 77};
static struct socket *route, *diag, *generic;

static void send_bytes(struct socket *s, const void *bytes, unsigned n)
{
	struct iov_iter it;
	struct socket_msg m = {.iter = &it, .flags = MSG_DONTWAIT};

	iov_iter_kernel(&it, (void *)(uintptr_t)bytes, n);
	(void)socket_sendmsg(s, &m, n, 0);
}

/* @n bytes at @at become an attribute of @type; the bytes with its header and padding. */
static unsigned attribute(struct input *in, uint8_t *at, unsigned room)
{
	struct nlattr a = {.type = in_u8(in)};
	unsigned n;
	const uint8_t *bytes = in_bytes(in, MIN(in_u8(in) & 63u, room - 4), &n);

	if (a.type & 128)
		a.type = (uint16_t)(NLA_F_NESTED | (a.type & 127));
	a.len = (uint16_t)(n + sizeof(a));
	memcpy(at, &a, sizeof(a));
	memcpy(at + sizeof(a), bytes, n);
	return MIN(NLMSG_ALIGN(n + (unsigned)sizeof(a)), room);
}

static void message(struct input *in, struct socket *s)
{
	static _Alignas(8) uint8_t buf[MESSAGE];
	const unsigned type = in_u8(in), flags = in_u16(in), fixed = in_u8(in) & 127,
		       attrs = in_u8(in) & 15;
	struct nlmsghdr h = {.type = (uint16_t)(type < 128 ? 16 + type % 24 : type),
		.flags = (uint16_t)(flags | NLM_F_REQUEST)};
	unsigned n, at = sizeof(h);
	const uint8_t *bytes = in_bytes(in, fixed, &n);

	memset(buf, 0, sizeof(buf));
	memcpy(buf + at, bytes, n);
	at += NLMSG_ALIGN(n);
	for (unsigned i = 0; i < attrs && at + 4 < sizeof(buf); i++)
		at += attribute(in, buf + at, sizeof(buf) - at);
	h.len = at;
	memcpy(buf, &h, sizeof(h));
	send_bytes(s, buf, at);
}

static void raw_message(struct input *in, struct socket *s)
{
	static _Alignas(8) uint8_t buf[MESSAGE];
	unsigned n;
	const uint8_t *bytes = in_bytes(in, in_u16(in) % MESSAGE, &n);

	memcpy(buf, bytes, n);
	send_bytes(s, buf, n);
}

static void command(struct input *in)
{
	uint8_t *const user = world_user;
	static const char *const names[] = {"eth0", "lo", "eth0:1", "eth1"};
	const unsigned cmd = 0x8900u + in_u8(in), how = in_u8(in);
	struct socket *s = how & 1 ? world.udp6 : world.udp;
	unsigned n;
	const uint8_t *bytes = in_bytes(in, 128, &n);
	long result = 0;

	memset(user, 0, WORLD_USER);
	memcpy(user, bytes, n);
	if (how & 2)
		strlcpy((char *)user, names[how >> 2 & 3], 16);
	if (how & 16) { /* a pointer to more */
		void *more = user + 128;

		memcpy(user + 8, &more, sizeof(more));
	}
	(void)net_ioctl(s, cmd, (void __user *)user, &result);
}

static void set_option(struct input *in, struct socket *s)
{
	int v = in_u8(in);
	uint8_t out[64];
	unsigned len = sizeof(out);
	const int name = in_u8(in) & 15;
	struct sockaddr_storage a;

	(void)socket_setsockopt(s, SOL_NETLINK, name, &v, sizeof(v));
	(void)socket_getsockopt(s, SOL_NETLINK, name, out, &len);
	memset(&a, 0, sizeof(a));
	*(struct sockaddr_nl *)&a = (struct sockaddr_nl){
		.nl_family = AF_NETLINK, .nl_pid = (uint32_t)v >> 5, .nl_groups = 1u << (v & 31)};
	(void)socket_bind(s, &a, sizeof(struct sockaddr_nl));
	(void)socket_connect(s, &a, sizeof(struct sockaddr_nl), 0);
	(void)s->ops->getname(s, false, &a);
	(void)s->ops->poll(s);
}

static void step(struct input *in)
{
	const unsigned op = in_u8(in);
	struct socket *s = op & 64 ? diag : op & 128 ? generic : route;

	switch (op & 7) {
	case 4:
		raw_message(in, s);
		break;
	case 5:
		set_option(in, s);
		break;
	case 6:
		for (unsigned i = 0; i < 8 && world_recv(s, in_u8(in) * 64u, 0) > 0; i++)
			;
		break;
	case 7:
		command(in);
		break;
	default:
		if (op & 8)
			alloc_fail_after(in_u8(in) & 31);
		message(in, s);
		alloc_fail_after(-1);
	}
	if (op & 32)
		world_wait(NSEC_PER_SEC);
	world_drop_sent();
	EXPECT(!current->nr_held);
}

static struct socket *netlink(int protocol)
{
	struct socket *s = NULL;

	PANIC_ON(socket_create(AF_NETLINK, SOCK_RAW, protocol, &s));
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool once;
	struct input in = {data, data + n};

	if (!once) {
		netlink_init();
		config_keep();
		current->process = &process;
		once = true;
	}
	world_begin(in_u8(&in) & ~(unsigned)(WORLD_FILTER | WORLD_FORWARD));
	world_sockets();
	route = netlink(NETLINK_ROUTE);
	diag = netlink(NETLINK_SOCK_DIAG);
	generic = netlink(NETLINK_GENERIC);
	for (unsigned i = 0; i < OPS && in_more(&in); i++)
		step(&in);
	world_close(&route);
	world_close(&diag);
	world_close(&generic);
	config_restore();
	world.dev = NULL;
	world_end();
	return 0;
}
