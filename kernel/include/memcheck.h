/*
 * memcheck.h - the debug kernel's map of which bytes of memory may be touched. Theory:
 * mm/memcheck.c. Nothing in the release kernel and in unit tests, which have the host's.
 */
#pragma once
#include <compiler.h>

#if CONFIG_DEBUG && !defined(UNIT_TEST)
enum mem_why { /* a granule that is forbidden as a whole; 1..7: so many of its bytes are not */
	MEM_FREE_PAGE = 0xf1,
	MEM_FREE_OBJECT = 0xf2,
	MEM_BEHIND_OBJECT = 0xf3,
};
/* [p, p + n) may not be touched; both are multiples of 8. Any context. */
void mem_forbid(const void *p, size_t n, enum mem_why why);
/* The @n bytes from @p on may; @p is a multiple of 8. */
void mem_allow(const void *p, size_t n);
/* Panics if it may not: for what is touched by code that the compiler does not instrument. */
void mem_touch(const void *p, size_t n, bool write);
bool memcheck_is_on(void);
void memcheck_init(void); /* boot, page_init(): before pages are handed out */
#else
#define mem_forbid(p, n, why) ((void)(p), (void)(n))
#define mem_allow(p, n)       ((void)(p), (void)(n))
#define mem_touch(p, n, w)    ((void)(p), (void)(n))
static inline bool memcheck_is_on(void)
{
	return false;
}
static inline void memcheck_init(void)
{
}
#endif
