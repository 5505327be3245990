/*
 * vmap.c - kernel mappings outside the direct map: device memory, kernel stacks and other runs of
 * scattered pages.
 *
 * Addresses come from a bitmap of 4 KiB pages, next fit, each run followed by an unmapped page (the
 * first page of the area is never given out, so every run has one before it as well). A run's
 * addresses are reused only after the flush in vunmap().
 */
#include <bitmap.h>
#include <debug.h>
#include <page.h>
#include <spinlock.h>
#include "room.h"

#define VMAP_PAGES (VMAP_BYTES / PAGE_SIZE)

static struct spinlock vmap_lock = SPINLOCK_INIT("vmap"); /* leaf; not irq-save */
static DECLARE_BITMAP(vmap_used, VMAP_PAGES);             /* under vmap_lock */
static uint64_t vmap_hint = 1;                            /* under vmap_lock */

static vaddr_t page_va(uint64_t page)
{
	return VMAP_BASE + page * PAGE_SIZE;
}

/* First page of @n free ones in [from, VMAP_PAGES), or 0. */
static uint64_t find_run(uint64_t from, uint64_t n)
{
	while (from + n <= VMAP_PAGES) {
		uint64_t start = bitmap_find_clear(vmap_used, VMAP_PAGES, from);

		if (start + n > VMAP_PAGES)
			return 0;
		from = bitmap_find_set(vmap_used, start + n, start);
		if (from >= start + n)
			return start;
	}
	return 0;
}

/* Address of @n pages with a guard behind, or 0. */
static vaddr_t vmap_reserve(uint64_t n)
{
	uint64_t page;

	if (n >= VMAP_PAGES)
		return 0;
	spin_lock(&vmap_lock);
	page = find_run(vmap_hint, n + 1);
	if (!page)
		page = find_run(1, n + 1);
	for (uint64_t i = 0; page && i <= n; i++)
		bit_set(vmap_used, page + i);
	if (page)
		vmap_hint = page + n + 1;
	spin_unlock(&vmap_lock);
	return page ? page_va(page) : 0;
}

static void vmap_release(vaddr_t va, uint64_t n)
{
	uint64_t page = (va - VMAP_BASE) / PAGE_SIZE;

	spin_lock(&vmap_lock);
	for (uint64_t i = 0; i <= n; i++)
		bit_clear(vmap_used, page + i);
	spin_unlock(&vmap_lock);
}

static void unmap_run(vaddr_t va, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		pte_t *pte = kernel_pte(va + i * PAGE_SIZE, false);

		if (pte)
			pte_store(pte, (pte_t){0});
	}
	tlb_flush_kernel(va, va + n * PAGE_SIZE);
	vmap_release(va, n);
}

void *vmap_pages(const pfn_t *pfns, unsigned n)
{
	vaddr_t va = vmap_reserve(n);

	for (unsigned i = 0; va && i < n; i++) {
		pte_t *pte = kernel_pte(va + i * PAGE_SIZE, true);

		if (!pte) {
			unmap_run(va, n);
			return NULL;
		}
		pte_store(pte, pte_mkdirty(pte_make(pfns[i], MMU_READ | MMU_WRITE | MMU_KERNEL)));
	}
	return (void *)va;
}

void vunmap(void *va, unsigned n)
{
	unmap_run((vaddr_t)va, n);
}

void *ioremap(paddr_t pa, size_t bytes, unsigned prot)
{
	uint64_t n = (ALIGN_UP(pa + bytes, PAGE_SIZE) - (pa & PAGE_MASK)) / PAGE_SIZE;
	vaddr_t va = bytes ? vmap_reserve(n) : 0;

	if (!va)
		return NULL;
	for (uint64_t i = 0; i < n; i++) {
		pte_t *pte = kernel_pte(va + i * PAGE_SIZE, true);

		if (!pte) {
			unmap_run(va, n);
			return NULL;
		}
		pte_store(pte,
			pte_make((pa >> PAGE_SHIFT) + i, MMU_READ | MMU_WRITE | MMU_KERNEL | prot));
	}
	return (void *)(va + (pa & ~PAGE_MASK));
}

void iounmap(void *va, size_t bytes)
{
	vaddr_t start = (vaddr_t)va & PAGE_MASK;

	unmap_run(start, (ALIGN_UP((vaddr_t)va + bytes, PAGE_SIZE) - start) / PAGE_SIZE);
}

void *phys_map(paddr_t pa, size_t bytes)
{
	return direct_mapped(pa, bytes) ? phys_to_virt(pa) : ioremap(pa, bytes, 0);
}

void *stack_alloc(unsigned pages)
{
	pfn_t pfn[8];
	unsigned n = 0;
	void *va = NULL;

	ASSERT(pages <= ARRAY_SIZE(pfn));
	for (; n < pages; n++) {
		struct page *p = page_alloc(0, GFP_KERNEL);

		if (!p)
			break;
		pfn[n] = page_to_pfn(p);
	}
	if (n == pages)
		va = vmap_pages(pfn, n);
	while (!va && n)
		page_free(pfn_to_page(pfn[--n]), 0);
	return va;
}

void stack_free(void *stack, unsigned pages)
{
	pfn_t pfn[8];

	for (unsigned i = 0; i < pages; i++)
		pfn[i] = pte_pfn(pte_load(kernel_pte((vaddr_t)stack + i * PAGE_SIZE, false)));
	vunmap(stack, pages);
	for (unsigned i = 0; i < pages; i++)
		page_free(pfn_to_page(pfn[i]), 0);
}
