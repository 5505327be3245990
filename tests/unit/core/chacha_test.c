/*
 * chacha_test.c - the block function against RFC 8439, and the generator's promises.
 */
/* LINK: kernel/core/chacha.c kernel/core/random.c */
#include "kernel/core/chacha.h"
#include <random.h>
#include <string.h>
#include <unit.h>

/* RFC 8439, 2.3.2 */
TEST(block_function_matches_rfc8439)
{
	static const uint8_t expect[64] = {
		0x10,
		0xf1,
		0xe7,
		0xe4,
		0xd1,
		0x3b,
		0x59,
		0x15,
		0x50,
		0x0f,
		0xdd,
		0x1f,
		0xa3,
		0x20,
		0x71,
		0xc4,
		0xc7,
		0xd1,
		0xf4,
		0xc7,
		0x33,
		0xc0,
		0x68,
		0x03,
		0x04,
		0x22,
		0xaa,
		0x9a,
		0xc3,
		0xd4,
		0x6c,
		0x4e,
		0xd2,
		0x82,
		0x64,
		0x46,
		0x07,
		0x9f,
		0xaa,
		0x09,
		0x14,
		0xc2,
		0xd7,
		0x05,
		0xd9,
		0x8b,
		0x02,
		0xa2,
		0xb5,
		0x12,
		0x9c,
		0xd1,
		0xde,
		0x16,
		0x4e,
		0xb9,
		0xcb,
		0xd0,
		0x83,
		0xe8,
		0xa2,
		0x50,
		0x3c,
		0x4e,
	};
	const uint32_t nonce[3] = {0x09000000, 0x4a000000, 0};
	uint32_t key[8];
	uint8_t out[64];
	unsigned i;

	for (i = 0; i < 32; i++)
		((uint8_t *)key)[i] = (uint8_t)i;
	chacha20_block(key, 1, nonce, out);
	EXPECT_MEM(out, expect, 64);
}

TEST(output_of_any_length_is_full_and_never_repeats)
{
	static uint8_t a[1500], b[1500];
	unsigned n, i, ones = 0;

	random_init();
	EXPECT(random_ready()); /* jitter alone must do on a machine without a generator */
	for (n = 1; n < sizeof(a); n += 37) {
		memset(a, 0, sizeof(a));
		random_bytes(a, n);
		random_bytes(b, n);
		EXPECT(n < 8 || memcmp(a, b, n));
		EXPECT_EQ(a[n], 0);
	}
	random_bytes(a, sizeof(a));
	for (i = 0; i < sizeof(a) * 8; i++)
		ones += a[i / 8] >> i % 8 & 1;
	EXPECT(ones > 5600 && ones < 6400);
}

TEST(random_below_stays_below_and_covers)
{
	unsigned seen[7] = {0}, i;

	for (i = 0; i < 7000; i++) {
		uint64_t v = random_below(7);

		REQUIRE(v < 7);
		seen[v]++;
	}
	for (i = 0; i < 7; i++)
		EXPECT(seen[i] > 800);
	EXPECT_EQ(random_below(1), 0);
}
