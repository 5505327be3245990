/*
 * ipaddr.h - one address type for IPv4 and IPv6: 128 bits, an IPv4 address in its mapped form.
 *
 * ::ffff:a.b.c.d (RFC 4291, 2.5.5.2) stands for a.b.c.d everywhere inside the stack, so routes,
 * sockets and hash tables exist once. Only the header code of ipv4*.c and ipv6*.c knows the
 * difference. The all-zero address is "any" of IPv6; "any" of IPv4 is ::ffff:0.0.0.0.
 */
#pragma once
#include <compiler.h>
#include <string.h>

struct ip_addr {
	union {
		uint8_t b[16];
		__be16 h[8];
		__be32 w[4];
		uint64_t q[2];
	};
};

/* 127.0.0.1 as IP4(127, 0, 0, 1): a __be32 */
#define IP4(a, b, c, d)                                                                            \
	to_be32((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

static inline struct ip_addr ip_from_v4(__be32 a)
{
	struct ip_addr r = {.w = {0, 0, to_be32(0xffff), a}};

	return r;
}
static inline struct ip_addr ip_any_of(bool is_v6)
{
	struct ip_addr r = {.w = {0, 0, is_v6 ? 0 : to_be32(0xffff), 0}};

	return r;
}
static inline bool ip_is_v4(const struct ip_addr *a)
{
	return !a->q[0] && a->w[2] == to_be32(0xffff);
}
static inline __be32 ip_v4(const struct ip_addr *a)
{
	return a->w[3];
}
static inline bool ip_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return a->q[0] == b->q[0] && a->q[1] == b->q[1];
}
/* "any": :: or 0.0.0.0 */
static inline bool ip_is_any(const struct ip_addr *a)
{
	return !a->q[0] && !a->w[3] && (!a->w[2] || a->w[2] == to_be32(0xffff));
}
static inline bool ip_is_multicast(const struct ip_addr *a)
{
	return ip_is_v4(a) ? (a->b[12] & 0xf0) == 0xe0 : a->b[0] == 0xff;
}
static inline bool ip_is_loopback(const struct ip_addr *a)
{
	return ip_is_v4(a) ? a->b[12] == 127 : !a->q[0] && !a->w[2] && a->w[3] == to_be32(1);
}
/* fe80::/10 or 169.254/16 */
static inline bool ip_is_link_local(const struct ip_addr *a)
{
	return ip_is_v4(a) ? a->b[12] == 169 && a->b[13] == 254
			   : a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}
/* Do the first @bits of 128 agree? (an IPv4 prefix of n bits is 96 + n) */
static inline bool ip_prefix_equal(const struct ip_addr *a, const struct ip_addr *b, unsigned bits)
{
	unsigned bytes = bits / 8, rest = bits % 8;

	if (memcmp(a->b, b->b, bytes))
		return false;
	return !rest || !((a->b[bytes] ^ b->b[bytes]) >> (8 - rest));
}

/* Text as inet_ntop(3) writes it; @buf of IP_TEXT bytes. Returns buf. */
enum { IP_TEXT = 46 };
const char *ip_text(const struct ip_addr *a, char *buf);
/* The other way: 0, or -EINVAL (and *out untouched). */
int __must_check ip_from_text(const char *s, struct ip_addr *out);
