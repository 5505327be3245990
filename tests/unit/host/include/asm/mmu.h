/*
 * asm/mmu.h - host: page table entries of our own making; "physical" memory is one block of the
 * test program.
 */
#pragma once
#include <compiler.h>

typedef struct {
	uint64_t v;
} pte_t;
enum {
	UNIT_PTE_P = 1,
	UNIT_PTE_W = 2,
	UNIT_PTE_X = 4,
	UNIT_PTE_K = 8,
	UNIT_PTE_A = 32,
	UNIT_PTE_D = 64,
	UNIT_PTE_SPECIAL = 512
};

extern char unit_page_array[]; /* host/memory.c's array of struct page, which is not known here */
#define PAGE_ARRAY_BASE ((uintptr_t)unit_page_array)
extern char *unit_memory; /* physical address 0; the first page is never given out */
static inline void *phys_to_virt(paddr_t pa)
{
	return unit_memory + pa;
}
static inline paddr_t virt_to_phys(const void *va)
{
	return (paddr_t)((const char *)va - unit_memory);
}

static inline bool pte_none(pte_t p)
{
	return p.v == 0;
}
static inline bool pte_present(pte_t p)
{
	return (p.v & UNIT_PTE_P) != 0;
}
static inline bool pte_write(pte_t p)
{
	return (p.v & UNIT_PTE_W) != 0;
}
static inline bool pte_dirty(pte_t p)
{
	return (p.v & UNIT_PTE_D) != 0;
}
static inline bool pte_young(pte_t p)
{
	return (p.v & UNIT_PTE_A) != 0;
}
static inline bool pte_special(pte_t p)
{
	return (p.v & UNIT_PTE_SPECIAL) != 0;
}
static inline pte_t pte_make_swap(uint64_t place)
{
	return (pte_t){place << 12 | UNIT_PTE_SPECIAL};
}
static inline bool pte_swap(pte_t p)
{
	return (p.v & (UNIT_PTE_SPECIAL | UNIT_PTE_P)) == UNIT_PTE_SPECIAL;
}
static inline uint64_t pte_swap_place(pte_t p)
{
	return p.v >> 12;
}
static inline pfn_t pte_pfn(pte_t p)
{
	return p.v >> 12;
}
static inline pte_t pte_mkwrite(pte_t p)
{
	return (pte_t){p.v | UNIT_PTE_W};
}
static inline pte_t pte_wrprotect(pte_t p)
{
	return (pte_t){p.v & ~(uint64_t)UNIT_PTE_W};
}
static inline pte_t pte_mkdirty(pte_t p)
{
	return (pte_t){p.v | UNIT_PTE_D};
}
static inline pte_t pte_mkclean(pte_t p)
{
	return (pte_t){p.v & ~(uint64_t)UNIT_PTE_D};
}
static inline pte_t pte_mkold(pte_t p)
{
	return (pte_t){p.v & ~(uint64_t)UNIT_PTE_A};
}
static inline pte_t pte_mkyoung(pte_t p)
{
	return (pte_t){p.v | UNIT_PTE_A};
}
static inline pte_t pte_with(pte_t p, pfn_t pfn)
{
	return (pte_t){(p.v & 0xfff) | pfn << 12};
}
static inline pte_t pte_set_special(pte_t p)
{
	return (pte_t){p.v | UNIT_PTE_SPECIAL};
}
static inline pte_t pte_make(pfn_t pfn, unsigned prot)
{
	return (pte_t){pfn << 12 | UNIT_PTE_P | UNIT_PTE_A | (prot & 2 ? UNIT_PTE_W : 0) |
		       (prot & 4 ? UNIT_PTE_X : 0) | (prot & 8)};
}
static inline pte_t pte_load(const pte_t *p)
{
	return *p;
}
static inline void pte_store(pte_t *p, pte_t v)
{
	*p = v;
}
static inline pte_t pte_xchg(pte_t *p, pte_t v)
{
	pte_t old = *p;

	*p = v;
	return old;
}
