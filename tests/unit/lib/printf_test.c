/*
 * printf_test.c - conversions, truncation, and hostile widths.
 */
/* LINK: kernel/lib/printf.c */
#include <printf.h>
#include <unit.h>

static char out[64];
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-overflow"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
#pragma GCC diagnostic ignored "-Wformat-truncation"

#define SHOWS(text, ...)                                                                           \
	do {                                                                                       \
		EXPECT_EQ(snprintf(out, sizeof(out), __VA_ARGS__), sizeof(text) - 1);              \
		EXPECT_STR(out, text);                                                             \
	} while (0)

TEST(integers_of_every_length)
{
	SHOWS("-5 5 4294967295 ff FF 17", "%d %i %u %x %X %o", -5, 5, ~0u, 255, 255, 15);
	SHOWS("-9223372036854775808", "%ld", INT64_MIN);
	SHOWS("18446744073709551615", "%llu", ~0ull);
	SHOWS("-1 255 -1 65535", "%hhd %hhu %hd %hu", 255, 255, 65535, 65535);
	SHOWS("12 13 14", "%zu %td %jd", (size_t)12, (ptrdiff_t)13, (intmax_t)14);
}

TEST(flags_width_precision)
{
	SHOWS("[   42][42   ][00042][  042]", "[%5d][%-5d][%05d][%5.3d]", 42, 42, 42, 42);
	SHOWS("[+7][ 7][0x1f][0X1F][017][-0042]", "[%+d][% d][%#x][%#X][%#o][%05d]", 7, 7, 31, 31,
		15, -42);
	SHOWS("[0x001f][    ab][ab    ][ab]", "[%#06x][%6s][%-6s][%.2s]", 31, "ab", "ab", "abc");
	SHOWS("[  x][   7][7   ]", "[%3c][%*d][%*d]", 'x', 4, 7, -4, 7);
	SHOWS("[][0]", "[%.0d][%d]", 0, 0);
	SHOWS("100% (null)", "100%% %s", (char *)NULL);
	SHOWS("%q", "%q");
}

TEST(output_is_cut_but_counted)
{
	char small[5];

	EXPECT_EQ(snprintf(small, sizeof(small), "%s", "0123456789"), 10);
	EXPECT_STR(small, "0123");
	EXPECT_EQ(scnprintf(small, sizeof(small), "%d", 1234567), 4);
	EXPECT_STR(small, "1234");
	EXPECT_EQ(snprintf(NULL, 0, "abc%d", 1), 4);
	EXPECT_EQ(snprintf(small, sizeof(small), "%1000d", 1), 1000);
}

static const char *name_of(uint64_t pc, uint64_t *offset)
{
	*offset = pc - 0x1000;
	return pc >= 0x1000 ? "fn" : NULL;
}

TEST(pointers_and_symbols)
{
	SHOWS("0x1234", "%p", (void *)0x1234);
	SHOWS("0x1004", "%pS", (void *)0x1004);
	printf_symbol = name_of;
	SHOWS("fn+0x4 at", "%pS at", (void *)0x1004);
	SHOWS("fn+0x0", "%pS", (void *)0x1000);
	SHOWS("0x10", "%pS", (void *)0x10);
	printf_symbol = NULL;
}
