/*
 * asm/string.h - host: runs of words by plain loops.
 */
#pragma once
#include <compiler.h>

typedef uint64_t __attribute__((aligned(1), may_alias)) unaligned_word_t;
static inline void copy_words(void *dst, const void *src, size_t words)
{
	unaligned_word_t *d = dst;
	const unaligned_word_t *s = src;

	while (words--)
		*d++ = *s++;
}
static inline void fill_words(void *dst, uint64_t value, size_t words)
{
	unaligned_word_t *d = dst;

	while (words--)
		*d++ = value;
}
