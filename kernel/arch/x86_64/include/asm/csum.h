/*
 * asm/csum.h - x86_64: ones' complement sum of 8-byte words with the carry flag, for net/csum.c.
 */
#pragma once
#include <compiler.h>

/* Sum of @words 8-byte words at @p (any alignment) added to @sum, carries added back in. */
static inline uint64_t csum_words(const void *p, size_t words, uint64_t sum)
{
	size_t blocks = words / 8;

	words %= 8;
	/* lea and dec leave the carry alone, so that it goes round the loop; test clears it. */
	__asm__ __volatile__("	testq %[n], %[n]\n"
			     "	jz 2f\n"
			     "1:	adcq (%[p]), %[s]\n"
			     "	adcq 8(%[p]), %[s]\n"
			     "	adcq 16(%[p]), %[s]\n"
			     "	adcq 24(%[p]), %[s]\n"
			     "	adcq 32(%[p]), %[s]\n"
			     "	adcq 40(%[p]), %[s]\n"
			     "	adcq 48(%[p]), %[s]\n"
			     "	adcq 56(%[p]), %[s]\n"
			     "	leaq 64(%[p]), %[p]\n"
			     "	decq %[n]\n"
			     "	jnz 1b\n"
			     "	adcq $0, %[s]\n"
			     "2:\n"
			     : [p] "+r"(p), [n] "+r"(blocks), [s] "+r"(sum)
			     :
			     : "memory", "cc");
	for (; words; words--, p = (const char *)p + 8)
		__asm__("addq %[w], %[s]\n\tadcq $0, %[s]"
			: [s] "+r"(sum)
			: [w] "m"(*(const uint64_t *)p)
			: "cc");
	return sum;
}
