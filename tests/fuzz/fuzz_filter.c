/*
 * fuzz_filter.c - text that is loaded as rules of the packet filter, and classic BPF programs; then
 * packets for both to judge.
 *
 * Input: flags, length and bytes of the text, number and bytes of the instructions, frames.
 */
#include "world.h"
#include <netfilter.h>
#include <printf.h>
#include <string.h>

enum { TEXT = 1024, INSNS = 256, FRAMES = 16 };
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char shown[64 << 10];
static unsigned shown_len;

static void show(struct text_sink *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (shown_len < sizeof(shown))
		shown_len += (unsigned)vsnprintf(
			shown + shown_len, sizeof(shown) - shown_len, fmt, ap);
	va_end(ap);
}

/* What is shown of rules that were taken is taken again. */
static void rules(const char *text, unsigned n)
{
	struct text_sink sink = {show};
	int err = filter_load(text, n);

	EXPECT(err != -EINVAL || *filter_last_error());
	shown_len = 0;
	filter_show(&sink);
	if (!err && shown_len < sizeof(shown))
		EXPECT_EQ(filter_try(shown, shown_len), 0);
}

static void program(struct input *in)
{
	static struct sock_filter insns[INSNS];
	const unsigned nr = in_u8(in);
	struct socket *s = nr & 1 ? world.udp : world.packet;
	unsigned n;

	for (n = 0; n < nr && in_more(in); n++)
		insns[n] = (struct sock_filter){
			.code = in_u8(in), .jt = in_u8(in), .jf = in_u8(in), .k = in_u16(in)};
	if (n && in_u8(in) & 1)
		insns[n - 1].k |= in_u32(in);
	(void)socket_setsockopt(
		s, SOL_SOCKET, SO_ATTACH_FILTER, insns, n * (unsigned)sizeof(insns[0]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t frame[2048];
	struct input in = {data, data + size};
	struct text_sink sink = {show};
	const uint8_t *bytes;
	unsigned n;

	world_begin(in_u8(&in) & ~(unsigned)WORLD_FILTER);
	world_sockets();
	bytes = in_bytes(&in, in_u16(&in) % TEXT, &n);
	rules((const char *)bytes, n);
	program(&in);
	for (unsigned i = 0; i < FRAMES && in_more(&in); i++) {
		bytes = in_bytes(&in, in_u8(&in), &n);
		memcpy(frame, bytes, n);
		peer_mend(frame, n, true);
		world_rx(frame, n);
		world_drop_sent();
	}
	world_drain(world.udp);
	world_drain(world.packet);
	shown_len = 0;
	filter_show_states(&sink);
	world_end();
	return 0;
}
