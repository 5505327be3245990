/*
 * hash.h - hash functions: a keyed string hash for tables that users can fill, an integer mixer,
 * CRCs.
 */
#pragma once
#include <compiler.h>

uint64_t siphash(const void *data, size_t n, const uint64_t key[2]); /* SipHash-1-3 */
/* Fast keyed hash of a name, 8 bytes a step; for dentries. */
uint32_t hash_name(const char *name, size_t n, uint64_t key);
static inline uint64_t hash64(uint64_t x)
{
	x ^= x >> 32;
	x *= 0x9e3779b97f4a7c15ull;
	return x ^ x >> 29;
}
uint32_t crc32(uint32_t crc, const void *data, size_t n);  /* IEEE 802.3, as GPT uses it */
uint32_t crc32c(uint32_t crc, const void *data, size_t n); /* Castagnoli */
