/*
 * asm/csum.h - host: ones' complement sum of 8-byte words in C.
 */
#pragma once
#include <asm/string.h>

static inline uint64_t csum_words(const void *p, size_t words, uint64_t sum)
{
	const unaligned_word_t *w = p;

	while (words--) {
		uint64_t v = *w++;

		sum += v;
		sum += sum < v;
	}
	return sum;
}
