/*
 * memcheck.c - the debug kernel's check of every access to memory of the allocators: use after
 * free, beyond the end.
 *
 * gcc puts a call before each load and store (-fsanitize=kernel-address, never inline, see
 * mk/kernel.mk). A map has one byte for each 8 bytes ("granule") of the direct map: 0 all may be
 * touched, 1 to 7 the first so many, else none and why (enum mem_why). The page allocator forbids
 * what it frees, the slab allocator besides what lies between objects and behind the bytes that
 * kmalloc() was asked for; freed objects wait in a queue (slab.c) before they are given out again.
 * What assembly touches is checked by hand (string.c, usercopy.c). An access that is forbidden is
 * reported with its backtrace, the object and where that was allocated and freed, and panics.
 *
 * Does not: look at stacks, the kernel's own variables, per-CPU areas and devices: other addresses
 * than those of the direct map are passed. Pages that were never allocated are allowed.
 * This file and the allocators below it are not instrumented. Memory: an eighth of all.
 */
#include <memcheck.h>

#if CONFIG_DEBUG && !defined(UNIT_TEST)
#include <arch/boot.h>
#include <debug.h>
#include <log.h>
#include <page.h>
#include "slab_internal.h"

#define GRANULE 8u
#define MAP     ((uint8_t *)(PAGE_ARRAY_BASE + (1ull << 38))) /* behind the array, in its slot */

static uint64_t limit; /* bytes of memory that the map covers; 0: off */

/* The map's pages for [start, end), both addresses of memory. */
static void back(uint64_t start, uint64_t end)
{
	if (arch_map_page_array((vaddr_t)(MAP + start / GRANULE),
		    (vaddr_t)(MAP + DIV_ROUND_UP(end, GRANULE))) < 0)
		panic("no memory for the map of the address checker");
}

void memcheck_init(void)
{
	uint64_t top = 0;

	back(0, 1 << 20);
	for (unsigned i = 0; i < boot_info.nr_mem; i++) {
		const struct mem_range *r = &boot_info.mem[i];

		if (r->kind == MEM_RESERVED)
			continue;
		back(r->start, r->end);
		top = MAX(top, r->end);
	}
	limit = top;
}

bool memcheck_is_on(void)
{
	return limit != 0;
}

/* NULL: not in the map. */
static inline uint8_t *map_of(uintptr_t a)
{
	return a - DIRECT_MAP_BASE < limit ? MAP + (a - DIRECT_MAP_BASE) / GRANULE : NULL;
}

static void fill(uint8_t *m, uint8_t value, size_t n)
{
	while (n--)
		*m++ = value;
}

void mem_forbid(const void *p, size_t n, enum mem_why why)
{
	uint8_t *m = map_of((uintptr_t)p);

	if (m)
		fill(m, (uint8_t)why, n / GRANULE);
}

void mem_allow(const void *p, size_t n)
{
	uint8_t *m = map_of((uintptr_t)p);

	if (!m)
		return;
	fill(m, 0, n / GRANULE);
	if (n % GRANULE)
		m[n / GRANULE] = n % GRANULE;
}

static void explain(uintptr_t a, uint8_t state)
{
	const struct page *p = virt_to_page((void *)a);

	log_at(LOG_EMERG, "the byte at %#lx %s", a,
		state == MEM_FREE_PAGE     ? "is in a free page"
		: state == MEM_FREE_OBJECT ? "is in a freed object"
					   : "lies behind an object");
	if (page_test(p, PG_SLAB))
		slab_explain((void *)a);
}

static void __noinline report(uintptr_t a, size_t n, bool write, uintptr_t bad, uint8_t state)
{
	limit = 0; /* what the report itself touches is not of interest */
	explain(bad, state);
	panic("BUG: %s: %s of %zu bytes at %#lx",
		state == MEM_BEHIND_OBJECT || state < GRANULE ? "beyond the end" : "use after free",
		write ? "write" : "read", n, a);
}

static __always_inline void check(uintptr_t a, size_t n, bool write)
{
	const uint8_t *m = map_of(a);
	uintptr_t end = a + n - 1;

	if (!m || !n)
		return;
	/* In all granules but the last the bytes up to the end are wanted. */
	for (; a / GRANULE < end / GRANULE; a = (a | (GRANULE - 1)) + 1, m++)
		if (unlikely(*m))
			report(end + 1 - n, n, write, a, *m);
	if (unlikely(*m) && (*m > GRANULE || end % GRANULE >= *m))
		report(end + 1 - n, n, write, end, *m);
}

void mem_touch(const void *p, size_t n, bool write)
{
	check((uintptr_t)p, n, write);
}

/* ---- what the compiler calls; the names are its own ---- */

#define CALLS(n)                                                                                   \
	void __asan_load##n##_noabort(uintptr_t a);                                                \
	void __asan_load##n##_noabort(uintptr_t a)                                                 \
	{                                                                                          \
		check(a, n, false);                                                                \
	}                                                                                          \
	void __asan_store##n##_noabort(uintptr_t a);                                               \
	void __asan_store##n##_noabort(uintptr_t a)                                                \
	{                                                                                          \
		check(a, n, true);                                                                 \
	}
CALLS(1)
CALLS(2)
CALLS(4)
CALLS(8)
CALLS(16)

void __asan_loadN_noabort(uintptr_t a, size_t n);
void __asan_loadN_noabort(uintptr_t a, size_t n)
{
	check(a, n, false);
}
void __asan_storeN_noabort(uintptr_t a, size_t n);
void __asan_storeN_noabort(uintptr_t a, size_t n)
{
	check(a, n, true);
}
void __asan_handle_no_return(void);
void __asan_handle_no_return(void)
{
}
#endif
