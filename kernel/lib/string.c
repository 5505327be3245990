/*
 * string.c - memory and string functions of the C library, as the compiler and the rooms expect
 * them.
 *
 * Words are moved through unaligned 8-byte accesses; what does not fill a word is covered by a last
 * word that overlaps the one before. Long runs go to the machine's copy_words()/fill_words(). The
 * room's theory: lib holds algorithms without state or locks; every file stands alone and is tested
 * on the host. Does not: use vector registers (the kernel has none of its own).
 */
#include <memcheck.h>
#include <string.h>
#include <asm/string.h>

#if defined(__GNUC__) && !defined(__clang__)
/* A loop that copies must not be turned into a call of the function that it implements. */
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

typedef uint64_t __attribute__((aligned(1), may_alias)) word_t;
typedef uint32_t __attribute__((aligned(1), may_alias)) half_t;

#define LONG_RUN         96u /* bytes from which the string instructions pay */
#define ONES             0x0101010101010101ull
#define HIGHS            0x8080808080808080ull
#define HAS_ZERO_BYTE(w) (((w)-ONES) & ~(w)&HIGHS)

static inline uint64_t load8(const void *p)
{
	return *(const word_t *)p;
}
static inline void store8(void *p, uint64_t v)
{
	*(word_t *)p = v;
}
static inline uint32_t load4(const void *p)
{
	return *(const half_t *)p;
}
static inline void store4(void *p, uint32_t v)
{
	*(half_t *)p = v;
}

/* Under 16 bytes; everything is read before anything is written, so overlap does no harm. */
static inline void copy_short(uint8_t *d, const uint8_t *s, size_t n)
{
	if (n >= 8) {
		uint64_t a = load8(s), b = load8(s + n - 8);

		store8(d, a);
		store8(d + n - 8, b);
	} else if (n >= 4) {
		uint32_t a = load4(s), b = load4(s + n - 4);

		store4(d, a);
		store4(d + n - 4, b);
	} else if (n) {
		uint8_t a = s[0], b = s[n / 2], c = s[n - 1];

		d[0] = a;
		d[n / 2] = b;
		d[n - 1] = c;
	}
}

/* Ascending; also right when d lies below an overlapping s: the last word is read before it can be
 * overwritten. */
static inline void copy_up(uint8_t *d, const uint8_t *s, size_t n)
{
	uint64_t last = load8(s + n - 8);
	size_t i;

	if (n >= LONG_RUN)
		copy_words(d, s, n / 8);
	else
		for (i = 0; i + 8 <= n; i += 8)
			store8(d + i, load8(s + i));
	store8(d + n - 8, last);
}

static inline void copy_down(uint8_t *d, const uint8_t *s, size_t n)
{
	uint64_t first = load8(s);

	for (; n >= 8; n -= 8)
		store8(d + n - 8, load8(s + n - 8));
	store8(d, first);
}

void *memcpy(void *dst, const void *src, size_t n)
{
	mem_touch(dst, n, true);
	mem_touch(src, n, false);
	if (n < 16)
		copy_short(dst, src, n);
	else
		copy_up(dst, src, n);
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	mem_touch(dst, n, true);
	mem_touch(src, n, false);
	if (n < 16)
		copy_short(dst, src, n);
	else if ((uintptr_t)dst - (uintptr_t)src >= n)
		copy_up(dst, src, n);
	else
		copy_down(dst, src, n);
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	uint64_t v = (uint8_t)c * ONES;
	uint8_t *d = dst;
	size_t i;

	mem_touch(dst, n, true);
	if (n >= LONG_RUN) {
		fill_words(d, v, n / 8);
		store8(d + n - 8, v);
	} else if (n >= 8) {
		for (i = 0; i + 8 <= n; i += 8)
			store8(d + i, v);
		store8(d + n - 8, v);
	} else if (n >= 4) {
		store4(d, (uint32_t)v);
		store4(d + n - 4, (uint32_t)v);
	} else if (n) {
		d[0] = d[n / 2] = d[n - 1] = (uint8_t)c;
	}
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *p = a, *q = b;

	for (; n >= 8; n -= 8, p += 8, q += 8) {
		uint64_t x = load8(p), y = load8(q);

		if (x != y)
			return __builtin_bswap64(x) < __builtin_bswap64(y) ? -1 : 1;
	}
	for (; n; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	const uint8_t *p = s;
	uint64_t pattern = (uint8_t)c * ONES;

	for (; n >= 8; n -= 8, p += 8) {
		uint64_t w = load8(p) ^ pattern;

		if (HAS_ZERO_BYTE(w))
			break;
	}
	for (; n; n--, p++)
		if (*p == (uint8_t)c)
			return (void *)p;
	return NULL;
}

/* An aligned word never crosses into another page, so reading behind the end inside it cannot
 * fault. */
__attribute__((no_sanitize("address"))) size_t strlen(const char *s)
{
	const char *p = s;

	for (; (uintptr_t)p & 7; p++)
		if (!*p)
			return (size_t)(p - s);
	for (;; p += 8) {
		uint64_t w = *(const word_t *)p, z = HAS_ZERO_BYTE(w);

		if (z) /* the lowest set bit is exact: borrows only run upwards */
			return (size_t)(p - s) + (size_t)(__builtin_ctzll(z) >> 3);
	}
}

size_t strnlen(const char *s, size_t max)
{
	const char *end = memchr(s, 0, max);

	return end ? (size_t)(end - s) : max;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (uint8_t)*a - (uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++) {
		if (*a != *b)
			return (uint8_t)*a - (uint8_t)*b;
		if (!*a)
			break;
	}
	return 0;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	const char *found = NULL;

	for (;; s++) {
		if (*s == (char)c)
			found = s;
		if (!*s)
			return (char *)found;
	}
}

char *strstr(const char *s, const char *find)
{
	size_t n = strlen(find);

	if (!n)
		return (char *)s;
	for (; (s = strchr(s, *find)); s++)
		if (!strncmp(s, find, n))
			return (char *)s;
	return NULL;
}
