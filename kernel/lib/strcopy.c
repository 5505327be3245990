/*
 * strcopy.c - string functions that the C library does not have: bounded copies, numbers from text.
 *
 * Apart from string.c so that the host's unit tests can link them beside the host's own C library.
 */
#include <string.h>

size_t strlcpy(char *dst, const char *src, size_t size)
{
	size_t n = strlen(src);

	if (size) {
		size_t k = n < size ? n : size - 1;

		memcpy(dst, src, k);
		dst[k] = 0;
	}
	return n;
}

size_t strlcat(char *dst, const char *src, size_t size)
{
	size_t n = strnlen(dst, size);

	return n + (n == size ? strlen(src) : strlcpy(dst + n, src, size - n));
}

static unsigned digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'z' ? (unsigned)(c - 'a') + 10 : 99;
}

uint64_t strtou64(const char *s, const char **end, unsigned base)
{
	uint64_t v = 0;
	bool is_hex = s[0] == '0' && (s[1] | 0x20) == 'x' && digit_value(s[2]) < 16;

	if (is_hex && (base == 0 || base == 16)) {
		s += 2;
		base = 16;
	} else if (base == 0) {
		base = s[0] == '0' ? 8 : 10;
	}
	for (; digit_value(*s) < base; s++) {
		unsigned d = digit_value(*s);

		v = v > (UINT64_MAX - d) / base ? UINT64_MAX : v * base + d;
	}
	if (end)
		*end = s;
	return v;
}
