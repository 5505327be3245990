/*
 * asm/string.h - x86_64: moving and filling runs of 8-byte words with the string instructions, for
 * lib/string.c.
 */
#pragma once
#include <compiler.h>

/* Ascending order; a destination that starts below an overlapping source is fine. */
static inline void copy_words(void *dst, const void *src, size_t words)
{
	__asm__ __volatile__("rep movsq" : "+D"(dst), "+S"(src), "+c"(words) : : "memory");
}
static inline void fill_words(void *dst, uint64_t value, size_t words)
{
	__asm__ __volatile__("rep stosq" : "+D"(dst), "+c"(words) : "a"(value) : "memory");
}
