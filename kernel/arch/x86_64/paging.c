/*
 * paging.c - the kernel's half of the address space: direct map, image with its rights, tables on
 * demand.
 *
 * All memory that the loader named (but reserved ranges) and the first MiB without the VGA window
 * are in the direct map, never executable; the image's text and read-only data are read-only there
 * too. The top table's kernel entries are made once here, so that every address space can copy
 * them. Spec: SDM vol 3, 4.5.
 */
#include <debug.h>
#include <error.h>
#include <page.h>
#include <string.h>
#include "room.h"
#include "x86.h"

pte_t *kernel_root;
uint16_t kernel_slots[257];

#define DATA_RIGHTS (PTE_P | PTE_W | PTE_A | PTE_D | PTE_G | PTE_NX)
#define RO_RIGHTS   (PTE_P | PTE_A | PTE_G | PTE_NX)
#define TEXT_RIGHTS (PTE_P | PTE_A | PTE_G)

static unsigned index_of(vaddr_t va, unsigned level)
{
	return va >> (12 + 9 * level) & 511;
}
static pte_t *table_of(pte_t e)
{
	return phys_to_virt(e.v & PTE_ADDR);
}

static pte_t *table_new(void)
{
	struct page *p;
	paddr_t pa;

	if (boot_mem_open()) {
		pa = boot_alloc_pages(1);
		return pa ? phys_to_virt(pa) : NULL;
	}
	p = page_alloc(0, GFP_KERNEL | GFP_ZERO);
	return p ? page_address(p) : NULL;
}

/* The entry for @va at @level (0: 4 KiB). NULL: no table and !@alloc, no memory, or a large page in
 * the way. */
static pte_t *walk(vaddr_t va, unsigned level, bool alloc)
{
	pte_t *e = &kernel_root[index_of(va, 3)];

	for (unsigned l = 3; l > level; l--) {
		uint64_t old = 0;

		if (!(e->v & PTE_P)) {
			pte_t *t = alloc ? table_new() : NULL;

			if (!t)
				return NULL;
			if (!__atomic_compare_exchange_n(&e->v, &old,
				    virt_to_phys(t) | PTE_P | PTE_W | PTE_A, false,
				    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
				page_free(virt_to_page(t), 0); /* another CPU was first */
		}
		if (e->v & PTE_LARGE)
			return NULL;
		e = &table_of(*e)[index_of(va, l - 1)];
	}
	return e;
}

pte_t *kernel_pte(vaddr_t va, bool alloc)
{
	return walk(va, 0, alloc);
}

static void map_range(vaddr_t va, paddr_t start, paddr_t end, uint64_t rights)
{
	while (start < end) {
		unsigned level = 2;
		uint64_t size;
		pte_t *e;

		while (size = 1ull << (12 + 9 * level),
			level && (((va | start) & (size - 1)) || end - start < size ||
					 (level == 2 && !cpu_has.gb_pages)))
			level--;
		e = walk(va, level, true);
		if (!e)
			panic("no memory for the kernel's page tables");
		e->v = start | rights | (level ? PTE_LARGE : 0);
		va += size;
		start += size;
	}
}

/* [start, end) of the direct map, but what lies in the image's read-only part read-only. */
static void map_direct(paddr_t start, paddr_t end)
{
	paddr_t ro = image_to_phys(__text_start);
	paddr_t ro_end = image_to_phys(__rodata_end);

	if (start < MIN(end, ro))
		map_range(DIRECT_MAP_BASE + start, start, MIN(end, ro), DATA_RIGHTS);
	if (MAX(start, ro) < MIN(end, ro_end))
		map_range(DIRECT_MAP_BASE + MAX(start, ro), MAX(start, ro), MIN(end, ro_end),
			RO_RIGHTS);
	if (MAX(start, ro_end) < end)
		map_range(
			DIRECT_MAP_BASE + MAX(start, ro_end), MAX(start, ro_end), end, DATA_RIGHTS);
}

static void map_image(const char *start, const char *end, uint64_t rights)
{
	map_range((uintptr_t)start, image_to_phys(start), image_to_phys(end), rights);
}

void paging_init(void)
{
	unsigned n = 0;
	paddr_t root = boot_alloc_pages(1);

	if (!root)
		panic("no memory for the kernel's page tables");
	kernel_root = phys_to_virt(root);
	map_range(DIRECT_MAP_BASE, 0, 0xa0000, DATA_RIGHTS);
	map_range(DIRECT_MAP_BASE + 0xc0000, 0xc0000, 0x100000, DATA_RIGHTS);
	for (unsigned i = 0; i < boot_info.nr_mem; i++) {
		paddr_t start = boot_info.mem[i].start;

		if (boot_info.mem[i].kind == MEM_RESERVED)
			continue;
		while (i + 1 < boot_info.nr_mem &&
			boot_info.mem[i + 1].start == boot_info.mem[i].end &&
			boot_info.mem[i + 1].kind != MEM_RESERVED)
			i++; /* contiguous: one run, for large pages */
		map_direct(start, boot_info.mem[i].end);
	}
	map_image(__text_start, __text_end, TEXT_RIGHTS);
	map_image(__text_end, __rodata_end, RO_RIGHTS);
	map_image(__rodata_end, boot_guard, DATA_RIGHTS);
	map_image(boot_stack, __image_end, DATA_RIGHTS);
	if (!walk(VMAP_BASE, 0, true) || !walk(PAGE_ARRAY_BASE, 0, true))
		panic("no memory for the kernel's page tables");
	for (unsigned i = 256; i < 512; i++) {
		boot_pml4[i] = kernel_root[i]; /* started processors come through the boot tables */
		if (kernel_root[i].v)
			kernel_slots[n++] = (uint16_t)i;
	}
	write_cr3(root);
}

int arch_map_page_array(vaddr_t start, vaddr_t end)
{
	for (vaddr_t va = start & PAGE_MASK; va < end; va += PAGE_SIZE) {
		pte_t *e = walk(va, 0, true);
		paddr_t pa;

		if (!e)
			return -ENOMEM;
		if (e->v & PTE_P)
			continue;
		pa = boot_alloc_pages(1);
		if (!pa)
			return -ENOMEM;
		memset(phys_to_virt(pa), 0, PAGE_SIZE);
		e->v = pa | DATA_RIGHTS;
	}
	return 0;
}

bool direct_mapped(paddr_t pa, size_t bytes)
{
	for (paddr_t p = pa & PAGE_MASK; p < pa + bytes; p += PAGE_SIZE) {
		pte_t *e = NULL;

		for (int level = 2; level >= 0 && !e; level--) {
			pte_t *at = walk(DIRECT_MAP_BASE + p, (unsigned)level, false);

			if (!at || !(at->v & PTE_P))
				return false;
			if (level == 0 || (at->v & PTE_LARGE))
				e = at;
		}
	}
	return true;
}
