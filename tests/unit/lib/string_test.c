/*
 * string_test.c - our memory and string functions under other names, against byte-wise models.
 */
/* LINK: */
#define memcpy   k_memcpy
#define memmove  k_memmove
#define memset   k_memset
#define memcmp   k_memcmp
#define memchr   k_memchr
#define strlen   k_strlen
#define strnlen  k_strnlen
#define strcmp   k_strcmp
#define strncmp  k_strncmp
#define strchr   k_strchr
#define strrchr  k_strrchr
#define strstr   k_strstr
#define strlcpy  k_strlcpy
#define strlcat  k_strlcat
#define strtou64 k_strtou64
#include "kernel/lib/string.c"
#include "kernel/lib/strcopy.c"
#include <unit.h>

static uint8_t a[700], b[700];

static void fill(void)
{
	unsigned i;

	for (i = 0; i < sizeof(a); i++)
		a[i] = b[i] = (uint8_t)unit_random();
}

TEST(memmove_matches_a_byte_loop_at_every_overlap)
{
	unsigned n, i;
	int shift;

	for (n = 0; n < 260; n++)
		for (shift = -20; shift <= 20; shift++) {
			uint8_t tmp[300];

			fill();
			for (i = 0; i < n; i++)
				tmp[i] = b[100 + i];
			for (i = 0; i < n; i++)
				b[100 + shift + i] = tmp[i];
			EXPECT(memmove(a + 100 + shift, a + 100, n) == a + 100 + shift);
			if (!EXPECT_MEM(a, b, sizeof(a)))
				return;
		}
}

TEST(memcpy_and_memset_touch_exactly_their_bytes)
{
	unsigned n, i;

	for (n = 0; n < 300; n++) {
		fill();
		memcpy(a + 5, a + 350, n);
		for (i = 0; i < n; i++)
			b[5 + i] = b[350 + i];
		REQUIRE(EXPECT_MEM(a, b, sizeof(a)));
		memset(a + 3, (int)n, n);
		for (i = 0; i < n; i++)
			b[3 + i] = (uint8_t)n;
		REQUIRE(EXPECT_MEM(a, b, sizeof(a)));
	}
}

TEST(memcmp_orders_by_the_first_differing_byte)
{
	unsigned n, i;

	for (n = 1; n < 40; n++)
		for (i = 0; i < n; i++) {
			memset(a, 7, n);
			memset(b, 7, n);
			EXPECT_EQ(memcmp(a, b, n), 0);
			a[i] = 0xf0;
			if (i + 1 < n)
				b[i + 1] = 0xff;
			REQUIRE(memcmp(a, b, n) > 0);
			REQUIRE(memcmp(b, a, n) < 0);
		}
}

TEST(searches_find_the_first_and_stop_at_the_end)
{
	unsigned off, n;

	for (off = 0; off < 9; off++)
		for (n = 0; n < 40; n++) {
			memset(a, 0x80, sizeof(a));
			a[off + n] = 0;
			REQUIRE_EQ(strlen((char *)a + off), n);
			REQUIRE_EQ(strnlen((char *)a + off, 20), n < 20 ? n : 20);
			REQUIRE(memchr(a + off, 0, n) == NULL);
			REQUIRE(memchr(a + off, 0, n + 3) == a + off + n);
		}
	EXPECT_STR(strchr("a/b/c", '/'), "/b/c");
	EXPECT_STR(strrchr("a/b/c", '/'), "/c");
	EXPECT(strchr("abc", 'x') == NULL);
	EXPECT_STR(strchr("abc", 0), "");
	EXPECT_STR(strstr("aaab", "aab"), "aab");
	EXPECT(strstr("aaa", "aab") == NULL);
	EXPECT(strcmp("a\xff", "a\x01") > 0);
	EXPECT_EQ(strncmp("abcd", "abce", 3), 0);
}

TEST(bounded_copies_terminate_and_report_the_full_length)
{
	char s[8];

	EXPECT_EQ(strlcpy(s, "0123456789", sizeof(s)), 10);
	EXPECT_STR(s, "0123456");
	EXPECT_EQ(strlcpy(s, "ab", sizeof(s)), 2);
	EXPECT_EQ(strlcat(s, "cdefghij", sizeof(s)), 10);
	EXPECT_STR(s, "abcdefg");
}

TEST(strtou64_reads_prefixes_and_saturates)
{
	const char *end;

	EXPECT_EQ(strtou64("0x1fz", &end, 0), 0x1f);
	EXPECT_STR(end, "z");
	EXPECT_EQ(strtou64("0755", NULL, 0), 0755);
	EXPECT_EQ(strtou64("ff", NULL, 16), 255);
	EXPECT_EQ(strtou64("0x", &end, 0), 0);
	EXPECT_STR(end, "x");
	EXPECT_EQ(strtou64("18446744073709551615", NULL, 10), UINT64_MAX);
	EXPECT_EQ(strtou64("18446744073709551616", NULL, 10), UINT64_MAX);
	EXPECT_EQ(strtou64("99999999999999999999999", NULL, 10), UINT64_MAX);
}
