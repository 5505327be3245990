/*
 * fuzz_frame.c - frames from the wire, several to an input, into everything that listens.
 *
 * Input: flags, then for each frame: what to do with it, its length, its bytes. Between frames time
 * may pass and sockets may be read.
 */
#include "world.h"
#include <string.h>

enum {
	DO_MEND = 1,
	DO_RELATE = 2, /* TCP numbers are relative to the connection's */
	DO_WAIT = 4,   /* the next byte says how long, from milliseconds to minutes */
	DO_READ = 8,
	DO_FAIL = 16, /* memory runs out after as many allocations as the next byte says */
	DO_WRITE = 32,
	DO_ADDRESS = 64 /* source, destination and type are filled in */
};
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void address(uint8_t *frame, unsigned n)
{
	static const uint8_t macs[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};

	if (n <= ETH_HLEN)
		return;
	memcpy(frame, macs, sizeof(macs));
	frame[12] = frame[ETH_HLEN] >> 4 == 6 ? 0x86 : 8;
	frame[13] = frame[ETH_HLEN] >> 4 == 6 ? 0xdd : 0;
}

static void read_all(void)
{
	struct socket *all[] = {
		world.conn, world.udp, world.udp6, world.raw, world.raw6, world.packet};

	for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
		world_drain(all[i]);
}

static void step(struct input *in)
{
	static uint8_t frame[2048];
	const unsigned what = in_u8(in), wait = what & DO_WAIT ? in_u8(in) : 0;
	const long left = what & DO_FAIL ? in_u8(in) & 31 : -1;
	unsigned n;
	const uint8_t *bytes = in_bytes(in, in_u16(in) & 2047, &n);

	memcpy(frame, bytes, n);
	if (what & DO_ADDRESS)
		address(frame, n);
	if (what & DO_MEND)
		peer_mend(frame, n, what & DO_RELATE);
	alloc_fail_after(left);
	world_rx(frame, n);
	if (what & DO_WRITE && world.conn)
		(void)world_send(world.conn, wait * 64u + 1, 0);
	if (what & DO_READ)
		read_all();
	alloc_fail_after(-1);
	if (wait)
		world_wait(NSEC_PER_MSEC << (wait & 15));
	world_drop_sent();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct input in = {data, data + n};

	world_begin(in_u8(&in));
	world_sockets();
	for (unsigned i = 0; i < 64 && in_more(&in); i++)
		step(&in);
	world_end();
	return 0;
}
