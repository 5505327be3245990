/*
 * csum.c - the Internet checksum: sums over bytes and of pseudo-headers.
 *
 * A ones' complement sum is the same in whatever word size it is taken (RFC 1071, 2(B) and (C)), so
 * the bulk goes by 8-byte words and is folded at the end.
 */
#include <csum.h>
#include <asm/csum.h>

static inline uint64_t add64(uint64_t a, uint64_t b)
{
	a += b;
	return a + (a < b);
}

static inline uint32_t fold64(uint64_t s)
{
	s = (s & 0xffffffff) + (s >> 32);
	return (uint32_t)(s + (s >> 32));
}

/* The last n < 8 bytes as a little-endian number, zeros behind. */
static inline uint64_t tail(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	if (n & 4) {
		uint32_t w;

		__builtin_memcpy(&w, p, 4);
		v = w;
		p += 4;
	}
	if (n & 2) {
		uint16_t h;

		__builtin_memcpy(&h, p, 2);
		v |= (uint64_t)h << (n & 4) * 8;
		p += 2;
	}
	if (n & 1)
		v |= (uint64_t)*p << (n & 6) * 8;
	return v;
}

uint32_t csum_bytes(const void *data, size_t n, uint32_t sum)
{
	uint64_t s = csum_words(data, n / 8, sum);

	if (n & 7)
		s = add64(s, tail((const uint8_t *)data + (n & ~(size_t)7), n & 7));
	return fold64(s);
}

uint32_t csum_pseudo(
	const struct ip_addr *src, const struct ip_addr *dst, uint32_t len, uint8_t proto)
{
	/* The length may sit in 16 bits (IPv4) or 32, the protocol behind zeros: one sum fits both.
	 */
	uint64_t s = (uint64_t)(__force uint32_t)to_be32(len) + (__force uint32_t)to_be32(proto);

	if (ip_is_v4(src)) {
		s += (__force uint32_t)src->w[3];
		s += (__force uint32_t)dst->w[3];
	} else {
		s = add64(s, src->q[0]);
		s = add64(s, src->q[1]);
		s = add64(s, dst->q[0]);
		s = add64(s, dst->q[1]);
	}
	return fold64(s);
}
