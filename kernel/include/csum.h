/*
 * csum.h - the Internet checksum (RFC 1071): ones' complement sums over bytes in memory order.
 */
#pragma once
#include <ipaddr.h>

/* Sum of @n bytes added to @sum. Pieces at odd offsets: see csum_add_at(). */
uint32_t csum_bytes(const void *data, size_t n, uint32_t sum);
static inline uint32_t csum_add(uint32_t a, uint32_t b)
{
	uint64_t s = (uint64_t)a + b;

	return (uint32_t)(s + (s >> 32));
}
/* Add the sum @b of a piece that begins @off bytes into the data. */
static inline uint32_t csum_add_at(uint32_t a, uint32_t b, size_t off)
{
	return csum_add(a, off & 1 ? b << 8 | b >> 24 : b);
}
/* The field's value: complement of the folded sum. */
static inline __be16 csum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__force __be16)(uint16_t)~sum;
}
/* Pseudo-header of @proto with @len bytes (RFC 9293, 3.1; RFC 8200, 8.1); by family of @src. */
uint32_t csum_pseudo(
	const struct ip_addr *src, const struct ip_addr *dst, uint32_t len, uint8_t proto);
