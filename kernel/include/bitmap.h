/*
 * bitmap.h - bit arrays in unsigned longs. Not atomic unless the name says so.
 */
#pragma once
#include <compiler.h>

#define BITS_PER_LONG           64
#define BITS_TO_LONGS(n)        DIV_ROUND_UP(n, BITS_PER_LONG)
#define DECLARE_BITMAP(name, n) unsigned long name[BITS_TO_LONGS(n)]

static inline bool bit_test(const unsigned long *map, uint64_t n)
{
	return map[n / 64] >> (n % 64) & 1;
}
static inline void bit_set(unsigned long *map, uint64_t n)
{
	map[n / 64] |= 1ul << (n % 64);
}
static inline void bit_clear(unsigned long *map, uint64_t n)
{
	map[n / 64] &= ~(1ul << (n % 64));
}
static inline void bit_set_atomic(unsigned long *map, uint64_t n)
{
	__atomic_fetch_or(&map[n / 64], 1ul << (n % 64), __ATOMIC_SEQ_CST);
}
static inline void bit_clear_atomic(unsigned long *map, uint64_t n)
{
	__atomic_fetch_and(&map[n / 64], ~(1ul << (n % 64)), __ATOMIC_SEQ_CST);
}
/* Index of the first one/zero bit at or after @from, or @size if none. */
uint64_t bitmap_find_set(const unsigned long *map, uint64_t size, uint64_t from);
uint64_t bitmap_find_clear(const unsigned long *map, uint64_t size, uint64_t from);
uint64_t bitmap_weight(const unsigned long *map, uint64_t size);
