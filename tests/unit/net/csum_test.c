/* LINK: kernel/net/csum.c */
#include <csum.h>
#include <unit.h>
#define csum_words csum_words_machine
#include "kernel/arch/x86_64/include/asm/csum.h"
#undef csum_words

/* RFC 1071, 1: 16-bit words, most significant byte first, a last odd byte padded with zero. */
static uint16_t plain(const uint8_t *p, size_t n)
{
	uint32_t s = 0;

	for (size_t i = 0; i < n; i++)
		s += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

static void fill(uint8_t *p, size_t n)
{
	while (n--)
		*p++ = (uint8_t)unit_random();
}

TEST(sum_is_that_of_rfc1071_for_every_length_and_alignment)
{
	uint8_t buf[700];

	fill(buf, sizeof(buf));
	for (size_t off = 0; off < 9; off++)
		for (size_t n = 0; n < 320; n++)
			if (!EXPECT_EQ(be16(csum_fold(csum_bytes(buf + off, n, 0))),
				    plain(buf + off, n)))
				return;
}

TEST(carries_come_round)
{
	uint8_t buf[4096];

	memset(buf, 0xff, sizeof(buf));
	for (size_t n = 0; n <= sizeof(buf); n += 37)
		EXPECT_EQ(be16(csum_fold(csum_bytes(buf, n, 0xffffffff))), n & 1 ? 0x00ff : 0);
}

TEST(the_processors_loop_equals_the_plain_one)
{
	uint8_t buf[1100];
	uint64_t w, sum, s;

	fill(buf, sizeof(buf));
	for (size_t words = 0; words < 128; words++) {
		sum = s = unit_random();
		for (size_t i = 0; i < words; i++) {
			memcpy(&w, buf + 3 + i * 8, 8);
			s += w;
			s += s < w;
		}
		if (!EXPECT_EQ(csum_words_machine(buf + 3, words, sum), s))
			return;
	}
	memset(buf, 0xff, sizeof(buf));
	EXPECT_EQ(csum_words_machine(buf, 64, 1), 1);
}

TEST(pieces_at_odd_offsets_add_up)
{
	uint8_t buf[200];

	fill(buf, sizeof(buf));
	for (size_t cut = 0; cut <= sizeof(buf); cut++) {
		uint32_t a = csum_bytes(buf, cut, 0);
		uint32_t b = csum_bytes(buf + cut, sizeof(buf) - cut, 0);

		EXPECT_EQ(be16(csum_fold(csum_add_at(a, b, cut))), plain(buf, sizeof(buf)));
	}
}

TEST(pseudo_headers_of_both_families)
{
	struct ip_addr a = ip_from_v4(IP4(192, 168, 1, 2)), b = ip_from_v4(IP4(10, 0, 255, 7));
	static const uint8_t v4[12] = {192, 168, 1, 2, 10, 0, 255, 7, 0, 6, 0x12, 0x34};
	uint8_t v6[40];

	EXPECT_EQ(be16(csum_fold(csum_pseudo(&a, &b, 0x1234, 6))), plain(v4, sizeof(v4)));
	fill(v6, 32);
	memcpy(a.b, v6, 16);
	memcpy(b.b, v6 + 16, 16);
	memcpy(v6 + 32, "\0\1\2\3\0\0\0\21", 8);
	EXPECT_EQ(be16(csum_fold(csum_pseudo(&a, &b, 0x10203, 17))), plain(v6, sizeof(v6)));
}
