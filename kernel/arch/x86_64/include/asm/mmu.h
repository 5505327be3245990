/*
 * asm/mmu.h - x86_64: page table entries and the direct map. Contract: arch/mmu.h. Spec: SDM vol
 * 3, 4.5 and 4.9.
 *
 * pte_make() sets the accessed bit: entries are made because somebody touches the page. A present
 * entry without any right (PROT_NONE) keeps its frame under a software bit and is not present to
 * the hardware.
 */
#pragma once
#include <compiler.h>

typedef struct {
	uint64_t v;
} pte_t;

#define PTE_P       0x001ull
#define PTE_W       0x002ull
#define PTE_U       0x004ull
#define PTE_PWT     0x008ull /* alone: write-combining, by our PAT */
#define PTE_PCD     0x010ull /* with PWT: uncached */
#define PTE_A       0x020ull
#define PTE_D       0x040ull
#define PTE_LARGE   0x080ull
#define PTE_G       0x100ull
#define PTE_SPECIAL 0x200ull /* software: not counted, not freed */
#define PTE_NONE    0x400ull /* software: present without rights */
#define PTE_NX      0x8000000000000000ull
#define PTE_ADDR    0x000ffffffffff000ull

#define DIRECT_MAP_BASE 0xffff800000000000ull
#define KERNEL_VMA      0xffffffff80000000ull /* image: link address - physical address */

static inline void *phys_to_virt(paddr_t pa)
{
	return (void *)(pa + DIRECT_MAP_BASE);
}
/* Of a direct map address only, not of the kernel's own variables. */
static inline paddr_t virt_to_phys(const void *va)
{
	return (vaddr_t)va - DIRECT_MAP_BASE;
}
static inline paddr_t image_to_phys(const void *va)
{
	return (vaddr_t)va - KERNEL_VMA;
}

static inline bool pte_none(pte_t p)
{
	return p.v == 0;
}
static inline bool pte_present(pte_t p)
{
	return (p.v & (PTE_P | PTE_NONE)) != 0;
}
static inline bool pte_write(pte_t p)
{
	return (p.v & PTE_W) != 0;
}
static inline bool pte_dirty(pte_t p)
{
	return (p.v & PTE_D) != 0;
}
static inline bool pte_young(pte_t p)
{
	return (p.v & PTE_A) != 0;
}
static inline bool pte_special(pte_t p)
{
	return (p.v & PTE_SPECIAL) != 0;
}
/* Neither present nor none: the page waits in swap space. PTE_SPECIAL without PTE_P and PTE_NONE;
 * the place is stored inverted, so that the address bits point behind all memory (a processor that
 * loads ahead of the present bit finds nothing there). */
static inline pte_t pte_make_swap(uint64_t place)
{
	return (pte_t){(~place << 12 & PTE_ADDR) | PTE_SPECIAL};
}
static inline bool pte_swap(pte_t p)
{
	return (p.v & (PTE_SPECIAL | PTE_P | PTE_NONE)) == PTE_SPECIAL;
}
static inline uint64_t pte_swap_place(pte_t p)
{
	return (~p.v & PTE_ADDR) >> 12;
}
static inline pfn_t pte_pfn(pte_t p)
{
	return (p.v & PTE_ADDR) >> 12;
}
static inline pte_t pte_mkwrite(pte_t p)
{
	return (pte_t){p.v | PTE_W};
}
static inline pte_t pte_wrprotect(pte_t p)
{
	return (pte_t){p.v & ~PTE_W};
}
static inline pte_t pte_mkdirty(pte_t p)
{
	return (pte_t){p.v | PTE_D};
}
static inline pte_t pte_mkclean(pte_t p)
{
	return (pte_t){p.v & ~PTE_D};
}
static inline pte_t pte_mkold(pte_t p)
{
	return (pte_t){p.v & ~PTE_A};
}
static inline pte_t pte_mkyoung(pte_t p)
{
	return (pte_t){p.v | PTE_A};
}
static inline pte_t pte_with(pte_t p, pfn_t pfn)
{
	return (pte_t){(p.v & ~PTE_ADDR) | pfn << 12};
}
static inline pte_t pte_set_special(pte_t p)
{
	return (pte_t){p.v | PTE_SPECIAL};
}

/* @prot: enum mmu_prot of arch/mmu.h: read 1, write 2, exec 4, kernel 8, uncached 16,
 * write-combining 32. */
static __always_inline pte_t pte_make(pfn_t pfn, unsigned prot)
{
	uint64_t v = pfn << 12 | PTE_A;

	if (!(prot & 7))
		return (pte_t){v | PTE_NONE};
	v |= PTE_P;
	if (prot & 2)
		v |= PTE_W;
	if (!(prot & 4))
		v |= PTE_NX;
	v |= prot & 8 ? PTE_G | PTE_D : PTE_U;
	if (prot & 16)
		v |= PTE_PCD | PTE_PWT;
	if (prot & 32)
		v |= PTE_PWT;
	return (pte_t){v};
}

static inline pte_t pte_load(const pte_t *p)
{
	return (pte_t){__atomic_load_n(&p->v, __ATOMIC_RELAXED)};
}
static inline void pte_store(pte_t *p, pte_t v)
{
	__atomic_store_n(&p->v, v.v, __ATOMIC_RELEASE);
}
static inline pte_t pte_xchg(pte_t *p, pte_t v)
{
	return (pte_t){__atomic_exchange_n(&p->v, v.v, __ATOMIC_SEQ_CST)};
}
