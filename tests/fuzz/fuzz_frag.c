/*
 * fuzz_frag.c - fragments and extension headers, IPv4 and IPv6: overlapping, repeated, missing, of
 * several datagrams and senders at once; the memory that they hold stays within its bound.
 *
 * Input: flags, then for each packet: how it is made, its pieces' place, its bytes.
 */
#include "world.h"
#include <netctl.h>
#include <sched.h>
#include <string.h>
#include "kernel/net/wire.h"

enum { OPS = 128, MORE = 1, V6 = 2, CHAIN = 4, RAW = 8, WAIT = 16, FAIL = 32, READ = 64 };
enum { HIGH_BYTES = 64 << 10, MARGIN = 16 << 10 };
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static uint8_t frame[ETH_HLEN + 2048];
static unsigned len;

static void add(const void *bytes, unsigned n)
{
	n = MIN(n, (unsigned)sizeof(frame) - len);
	memcpy(frame + len, bytes, n);
	len += n;
}

/* The next header values of protocols that have something to do with a datagram. */
static uint8_t protocol(unsigned v)
{
	static const uint8_t some[] = {
		IPPROTO_UDP, IPPROTO_TCP, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_IPV6, 59, 50, 200};

	return some[v & 7];
}

static void v4(struct input *in, unsigned how)
{
	const unsigned which = in_u8(in), place = in_u16(in);
	struct ip4_hdr h = {.ver_ihl = 0x45,
		.id = to_be16((uint16_t)(which & 3)),
		.frag = to_be16((uint16_t)((how & MORE ? 0x2000 : 0) | (place & 0x1fff))),
		.ttl = 64,
		.proto = protocol(which >> 2),
		.src = to_be32(0x0a010002u + (which >> 5 & 3)),
		.dst = ip_v4(&world.me4)};
	uint8_t options[40];
	unsigned n = 0;

	memset(options, 0, sizeof(options));
	if (how & CHAIN) {
		const uint8_t *bytes = in_bytes(in, in_u8(in) % 41u, &n);

		memcpy(options, bytes, n);
		n = ALIGN_UP(n, 4u);
		h.ver_ihl = (uint8_t)(0x40 | (5 + n / 4));
	}
	add(&h, sizeof(h));
	add(options, n);
}

/* Extension headers of the input's choice, the last of which may be the fragment's. */
static void v6(struct input *in, unsigned how)
{
	const unsigned which = in_u8(in), place = in_u16(in);
	struct ip6_hdr h = {.flow = to_be32(6u << 28), .next = 44, .hops = 64};
	struct {
		uint8_t next, zero;
		__be16 place;
		__be32 id;
	} f = {.next = protocol(which >> 2),
		.place = to_be16((uint16_t)((place & 0x1fff) << 3 | (how & MORE))),
		.id = to_be32(which & 3)};
	unsigned links = how & CHAIN ? in_u8(in) & 7 : 0, at, n;
	uint8_t *next;

	memcpy(h.src, world.peer6.b, 16);
	h.src[15] = (uint8_t)(2 + (which >> 5 & 3));
	memcpy(h.dst, world.me6.b, 16);
	next = &frame[len + 6];
	add(&h, sizeof(h));
	while (links--) {
		static const uint8_t kinds[] = {0, 43, 60, 44, 60, 43, 60, 135};
		const unsigned kind = in_u8(in);
		uint8_t ext[64];
		const uint8_t *bytes = in_bytes(in, 6 + (kind >> 3 & 3) * 8, &n);

		memset(ext, 0, sizeof(ext));
		ext[1] = (uint8_t)(kind >> 3 & 3);
		memcpy(ext + 2, bytes, n);
		*next = kinds[kind & 7];
		at = len;
		add(ext, 8 + (kind >> 3 & 3) * 8);
		next = &frame[at];
	}
	*next = 44;
	add(&f, sizeof(f));
}

static void check(void)
{
	const struct ip_frag_usage four = ip_frag_usage(false), six = ip_frag_usage(true);

	EXPECT(four.bytes <= HIGH_BYTES + MARGIN);
	EXPECT(six.bytes <= HIGH_BYTES + MARGIN);
	EXPECT(net_mem_used() <= four.bytes + six.bytes + (1 << 20));
	EXPECT(!current->nr_held);
}

static void step(struct input *in)
{
	static const uint8_t head[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	const unsigned how = in_u8(in), more = in_u8(in) * 8u;
	unsigned n;
	const uint8_t *bytes;

	memset(frame, 0, sizeof(frame));
	memcpy(frame, head, sizeof(head));
	frame[12] = how & V6 ? 0x86 : 8;
	frame[13] = how & V6 ? 0xdd : 0;
	len = ETH_HLEN;
	if (how & V6)
		v6(in, how);
	else
		v4(in, how);
	bytes = in_bytes(in, 8, &n);
	add(bytes, n);
	len = MIN(len + more + (how & RAW ? n : 0), (unsigned)sizeof(frame));
	peer_mend(frame, len, false);
	if (how & FAIL)
		alloc_fail_after(in_u8(in) & 15);
	world_rx(frame, len);
	alloc_fail_after(-1);
	if (how & READ) {
		world_drain(world.udp);
		world_drain(world.udp6);
		world_drain(world.packet);
	}
	if (how & WAIT)
		world_wait(NSEC_PER_MSEC << (in_u8(in) & 15));
	world_drop_sent();
	check();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct input in = {data, data + n};

	world_begin(in_u8(&in));
	net_initial.inet->frag_high_bytes = HIGH_BYTES;
	net_initial.inet->frag_low_bytes = HIGH_BYTES / 4 * 3;
	world_sockets();
	for (unsigned i = 0; i < OPS && in_more(&in); i++)
		step(&in);
	world_end();
	return 0;
}
