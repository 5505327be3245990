/*
 * arch/mmu.h - page tables, TLB, direct map.
 *
 * Four levels of 512 entries. mm/ owns the policy and the leaf entries; this room owns the format,
 * the tables between, and the flushes. Leaf entries of one table are guarded by the table page's
 * lock (pt_lock()).
 */
#pragma once
#include <compiler.h>
#include <cpumask.h>
#include <asm/mmu.h>

#define PAGE_SHIFT     12
#define PAGE_SIZE      4096ul
#define PAGE_MASK      (~(PAGE_SIZE - 1))
#define PTRS_PER_TABLE 512u
#define USER_END                                                                                   \
	0x00007ffffffff000ull /* first address a program cannot map (one guard page below 2^47) */

/*
 * <asm/mmu.h> provides: pte_t (struct of one u64), phys_to_virt()/virt_to_phys() for the direct
 * map, inline pte_none pte_present pte_write pte_dirty pte_young pte_pfn pte_special, pte_make(pfn,
 * prot), pte_mkwrite pte_wrprotect pte_mkdirty pte_mkclean pte_mkold pte_mkyoung, pte_load(pte_t*),
 * pte_store(pte_t*, pte_t), pte_xchg(pte_t*, pte_t) (atomic), pte_set_special (not to be
 * counted/freed), pte_with(pte_t, pfn) (the same for another page). pte_make_swap(place),
 * pte_swap, pte_swap_place(): an entry whose page lies in swap space at @place (40 bits): special,
 * but not present, not writable, neither young nor dirty.
 *
 * pte_make() without READ, WRITE and EXEC (PROT_NONE) gives an entry that no access can use,
 * neither the program's nor the kernel's user copies, but that still holds its page: pte_present()
 * is true of it and pte_pfn() works (x86: P clear and a software bit set). Entries made by
 * pte_make() are young and clean; WRITE entries are writable at once.
 */
enum mmu_prot { /* for pte_make(); user pages unless PROT_KERNEL */
	MMU_READ = 1,
	MMU_WRITE = 2,
	MMU_EXEC = 4,
	MMU_KERNEL = 8,
	MMU_UNCACHED = 16,
	MMU_WRITE_COMBINE = 32,
};

struct spinlock;
/* Key: [o] owner mm's locks  [a] atomic */
struct mmu {
	pte_t *root;           /* the top table, through the direct map */
	uint64_t id;           /* never reused; tags PCIDs */
	uint64_t tlb_gen;      /* [a] bumped by each flush */
	struct cpumask active; /* [a] CPUs that may hold entries */
	uint64_t table_pages;  /* [a] for accounting */
	bool tables_freed;     /* [a] arch: the next flush must reach idle CPUs too */
};

int __must_check mmu_init(struct mmu *m); /* -ENOMEM; kernel half shared */
void mmu_fini(struct mmu *m); /* user tables must be empty of leaves; frees all tables. No CPU runs
				 on it; lazy users are shot down here */
/* The leaf entry of @va, or NULL when there is no table. */
pte_t *mmu_pte(struct mmu *m, vaddr_t va);
/* The same, allocating tables; NULL: no memory. */
pte_t *mmu_pte_alloc(struct mmu *m, vaddr_t va);
/* Lock of the leaf table that holds @pte. Leaf-class spinlock, not irq-save. */
struct spinlock *mmu_pte_lock(pte_t *pte);
/*
 * mmu_for_each_table() - call @fn for every existing leaf table that meets [start, end).
 * @fn gets the first entry, its address and how many entries of this table lie in the range. A
 * non-zero result stops and is returned.
 */
int mmu_for_each_table(struct mmu *m, vaddr_t start, vaddr_t end,
	int (*fn)(pte_t *pte, vaddr_t va, unsigned n, void *arg), void *arg);
/*
 * Free the tables that cover only addresses in [floor, ceiling) and meet [start, end): mm has
 * cleared all leaves there and nothing else is mapped between floor and ceiling, so no entry needs
 * to be looked at in leaf tables. The pages go to tlb_batch_table() (<tlb.h>); TLB and walk caches
 * are flushed by the caller's flush after it, before the pages are really freed.
 */
struct tlb_batch;
void mmu_free_tables(struct mmu *m, vaddr_t start, vaddr_t end, vaddr_t floor, vaddr_t ceiling,
	struct tlb_batch *tlb);

void mmu_switch(
	struct mmu *prev, struct mmu *next); /* interrupts off; next NULL: kernel tables only */
struct mmu *mmu_kernel(void);

/*
 * TLB flushes reach every CPU in m->active and return when all have done it. Context: interrupts on
 * (they wait for other CPUs), spinlocks not irq-safe may be held by the caller only if no IPI
 * handler takes them.
 */
void tlb_flush_page(struct mmu *m, vaddr_t va);
void tlb_flush_range(struct mmu *m, vaddr_t start, vaddr_t end);
void tlb_flush_all(struct mmu *m);
void tlb_flush_kernel(vaddr_t start, vaddr_t end);
/* A stale entry on this CPU only (spurious fault after another CPU's upgrade). */
void tlb_flush_local(vaddr_t va);

/*
 * The array of struct page lies at PAGE_ARRAY_BASE, indexed by pfn, and is backed only where there
 * is memory. Boot, before page_init() hands out pages: map [start, end) (any alignment; rounded
 * outwards) with zeroed memory from boot_alloc_pages(), kernel read-write; parts mapped by an
 * earlier call stay as they are. 0 or -ENOMEM. The host build's <asm/mmu.h> may define its own
 * base.
 */
#ifndef PAGE_ARRAY_BASE
#define PAGE_ARRAY_BASE 0xffffea0000000000ull
#endif
int __must_check arch_map_page_array(vaddr_t start, vaddr_t end);

/* Kernel mappings: MMIO and vmalloc area. NULL: no memory or address space. */
void *ioremap(paddr_t pa, size_t bytes, unsigned prot); /* MMU_UNCACHED or MMU_WRITE_COMBINE */
void iounmap(void *va, size_t bytes);
void *vmap_pages(const pfn_t *pfns,
	unsigned n); /* virtually contiguous, with an unmapped page on both sides */
void vunmap(void *va, unsigned n);
/* Clear / copy one page, tuned for the machine. */
void page_clear(void *page);
void page_copy(void *dst, const void *src);
