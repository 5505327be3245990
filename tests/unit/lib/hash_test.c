/*
 * hash_test.c - CRC check values, SipHash against the paper's structure, spread of name hashes.
 */
/* LINK: kernel/lib/hash.c kernel/lib/crc.c kernel/lib/bitmap.c */
#include <bitmap.h>
#include <hash.h>
#include <string.h>
#include <unit.h>

TEST(crc_check_values)
{
	EXPECT_EQ(crc32(0, "123456789", 9), 0xcbf43926u);
	EXPECT_EQ(crc32c(0, "123456789", 9), 0xe3069283u);
	EXPECT_EQ(crc32(crc32(0, "1234", 4), "56789", 5), 0xcbf43926u);
	EXPECT_EQ(crc32(0, "", 0), 0);
}

TEST(crc32c_vectors_of_rfc3720)
{
	uint8_t b[32];
	unsigned i;

	memset(b, 0, 32);
	EXPECT_EQ(crc32c(0, b, 32), 0x8a9136aau);
	memset(b, 0xff, 32);
	EXPECT_EQ(crc32c(0, b, 32), 0x62a8ab43u);
	for (i = 0; i < 32; i++)
		b[i] = (uint8_t)i;
	EXPECT_EQ(crc32c(0, b, 32), 0x46dd794eu);
}

/* The vectors that Rust's and Linux's users of SipHash-1-3 rely on begin so: key 00..0f, message 00
 * 01 02 ... */
TEST(siphash_1_3_vectors)
{
	const uint64_t key[2] = {0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull};
	uint8_t m[16];
	unsigned i;

	for (i = 0; i < 16; i++)
		m[i] = (uint8_t)i;
	EXPECT_EQ(siphash(m, 0, key), 0xabac0158050fc4dcull);
	EXPECT_EQ(siphash(m, 1, key), 0xc9f49bf37d57ca93ull);
	EXPECT_EQ(siphash(m, 2, key), 0x82cb9b024dc7d44dull);
}

TEST(name_hash_spreads_and_depends_on_the_key)
{
	static uint32_t bucket[1024];
	char name[24];
	unsigned i, worst = 0;

	memset(bucket, 0, sizeof(bucket));
	for (i = 0; i < 16384; i++) {
		unsigned n = 0, v = i;

		memcpy(name, "file", 4);
		for (n = 4; v; v /= 10)
			name[n++] = (char)('0' + v % 10);
		bucket[hash_name(name, n, 12345) & 1023]++;
	}
	for (i = 0; i < 1024; i++)
		worst = MAX(worst, bucket[i]);
	EXPECT(worst < 45); /* 16 on average */
	EXPECT(hash_name("abc", 3, 1) != hash_name("abc", 3, 2));
	EXPECT(hash_name("a", 1, 1) != hash_name("a\0", 2, 1));
}

TEST(bitmap_searches_match_a_bit_loop)
{
	unsigned long map[4];
	unsigned round, from, i, weight;

	for (round = 0; round < 200; round++) {
		unsigned size = 1 + (unsigned)unit_below(256);

		for (i = 0; i < 4; i++)
			map[i] = round % 3 ? unit_random() & unit_random() & unit_random()
					   : ~(unit_random() & unit_random() & unit_random());
		for (from = 0; from < 256; from += 7) {
			unsigned s = from, c = from;

			while (s < size && !bit_test(map, s))
				s++;
			while (c < size && bit_test(map, c))
				c++;
			REQUIRE_EQ(bitmap_find_set(map, size, from), s < size ? s : size);
			REQUIRE_EQ(bitmap_find_clear(map, size, from), c < size ? c : size);
		}
		for (weight = i = 0; i < size; i++)
			weight += bit_test(map, i);
		REQUIRE_EQ(bitmap_weight(map, size), weight);
	}
}
