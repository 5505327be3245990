/*
 * bitmap.c - searching bit arrays a word at a time.
 */
#include <bitmap.h>

/* First bit at or after @from that differs from @skip's bits (all ones or all zeros). */
static uint64_t find_other(
	const unsigned long *map, uint64_t size, uint64_t from, unsigned long skip)
{
	uint64_t i, n;
	unsigned long w;

	if (from >= size)
		return size;
	i = from / BITS_PER_LONG;
	w = (map[i] ^ skip) & (~0ul << from % BITS_PER_LONG);
	while (!w) {
		if (++i * BITS_PER_LONG >= size)
			return size;
		w = map[i] ^ skip;
	}
	n = i * BITS_PER_LONG + (uint64_t)__builtin_ctzl(w);
	return n < size ? n : size;
}

uint64_t bitmap_find_set(const unsigned long *map, uint64_t size, uint64_t from)
{
	return find_other(map, size, from, 0);
}

uint64_t bitmap_find_clear(const unsigned long *map, uint64_t size, uint64_t from)
{
	return find_other(map, size, from, ~0ul);
}

/* Ones in @w by adding neighbours in parallel; the base machine has no POPCNT to rely on. */
static unsigned weight64(uint64_t w)
{
	w -= w >> 1 & 0x5555555555555555ull;
	w = (w & 0x3333333333333333ull) + (w >> 2 & 0x3333333333333333ull);
	w = (w + (w >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (unsigned)(w * 0x0101010101010101ull >> 56);
}

uint64_t bitmap_weight(const unsigned long *map, uint64_t size)
{
	uint64_t i, sum = 0;

	for (i = 0; i < size / BITS_PER_LONG; i++)
		sum += weight64(map[i]);
	if (size % BITS_PER_LONG)
		sum += weight64(map[i] & ((1ul << size % BITS_PER_LONG) - 1));
	return sum;
}
