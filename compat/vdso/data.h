/*
 * vdso/data.h - the page of numbers that the vDSO's code reads and the kernel writes.
 *
 * time = base_ns + ((counter - base) * mult >> shift), the formula of clock_ns(). The wall clock is
 * ahead of that by offset + ((time - offset_base) * rate >> 40). @seq is odd while the kernel
 * writes.
 */
#pragma once
#include <stdint.h>

struct vdso_data {
	uint32_t seq;
	uint32_t usable; /* 0: programs cannot read the counter; ask the kernel */
	uint64_t base, base_ns;
	uint32_t mult, shift;
	int64_t offset, rate;
	uint64_t offset_base;
};
