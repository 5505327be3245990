/*
 * asm/usercopy.h - host: a program's memory is the test's own; the first and last pages of the
 * address space fault.
 */
#pragma once
#include <compiler.h>
#include <error.h>

static inline bool unit_user_bad(const void *p, size_t n)
{
	uintptr_t a = (uintptr_t)p;

	return a < 4096 || a + n < a || a + n > (uintptr_t)-4096;
}
#define get_user(x, ptr)                                                                           \
	({                                                                                         \
		const __typeof__(*(ptr)) *gu_p_ = (const void *)(ptr);                             \
		bool gu_bad_ = unit_user_bad(gu_p_, sizeof(*gu_p_));                               \
		if (gu_bad_)                                                                       \
			(x) = 0;                                                                   \
		else                                                                               \
			(x) = *gu_p_;                                                              \
		gu_bad_ ? -EFAULT : 0;                                                             \
	})
#define put_user(x, ptr)                                                                           \
	({                                                                                         \
		__typeof__(*(ptr)) *pu_p_ = (void *)(ptr);                                         \
		bool pu_bad_ = unit_user_bad(pu_p_, sizeof(*pu_p_));                               \
		if (!pu_bad_)                                                                      \
			*pu_p_ = (x);                                                              \
		pu_bad_ ? -EFAULT : 0;                                                             \
	})
