/*
 * memory.c (host) - stand-ins for mm: kmalloc and slab over malloc, so that ASan guards each
 * object; pages from one block with freed ones poisoned; page-table calls over plain tables; user
 * copies. alloc_fail_after() makes all of them fail.
 */
#include <arch/boot.h>
#include <arch/mmu.h>
#include <arch/task.h>
#include <arch/usercopy.h>
#include <debug.h>
#include <page.h>
#include <slab.h>
#include <string.h>
#include <tlb.h>
#include <unit.h>
#include <vm.h>
#include "host.h"

#define UNIT_PAGES 16384u /* 64 MiB */
void __asan_poison_memory_region(const volatile void *p, size_t n);
void __asan_unpoison_memory_region(const volatile void *p, size_t n);

char *unit_memory;
struct page unit_pages[UNIT_PAGES] __asm__("unit_page_array");
struct page *const page_array __weak = unit_pages;
static uint8_t page_used[UNIT_PAGES]; /* 0 free, order + 1 at a block's head, 0xff inside */
static long fail_after, live;
static uint64_t calls;
__weak atomic64_t page_table_pages, kernel_stack_pages;

void alloc_fail_after(long n)
{
	fail_after = n;
}
uint64_t alloc_calls(void)
{
	return calls;
}
long alloc_live(void)
{
	return live;
}

void unit_mem_begin(void)
{
	fail_after = -1;
	if (!unit_memory) {
		unit_memory = unit_malloc_aligned(PAGE_SIZE, (size_t)UNIT_PAGES * PAGE_SIZE);
		__asan_poison_memory_region(unit_memory, (size_t)UNIT_PAGES * PAGE_SIZE);
		page_used[0] = 1;
		boot_info.mem[0] = (struct mem_range){
			PAGE_SIZE, UNIT_PAGES * PAGE_SIZE, MEM_USABLE};
		boot_info.nr_mem = 1;
	}
}

static bool refuse(void)
{
	calls++;
	if (fail_after < 0)
		return false;
	if (fail_after == 0)
		return true;
	fail_after--;
	return false;
}

/* ---- small objects ---- */

__weak void *kmalloc(size_t n, unsigned gfp)
{
	void *p;

	if (!(gfp & (GFP_ATOMIC | GFP_NOWAIT)))
		might_sleep();
	if (refuse() || n > 4u << 20)
		return NULL;
	p = unit_malloc(n);
	memset(p, gfp & GFP_ZERO ? 0 : 0xa5, n);
	live++;
	return p;
}
__weak void *kzalloc(size_t n)
{
	return kmalloc(n, GFP_KERNEL | GFP_ZERO);
}
__weak void *kcalloc(size_t n, size_t size)
{
	size_t all;

	return __builtin_mul_overflow(n, size, &all) ? NULL : kzalloc(all);
}
__weak void kfree(const void *p)
{
	if (!p)
		return;
	live--;
	unit_free((void *)p);
}
__weak char *kstrndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = kmalloc(len + 1, GFP_KERNEL);

	if (p) {
		memcpy(p, s, len);
		p[len] = 0;
	}
	return p;
}
__weak char *kstrdup(const char *s)
{
	return kstrndup(s, strlen(s));
}

struct slab_cache {
	size_t size, align;
	void (*ctor)(void *);
};
__weak struct slab_cache *slab_cache_create(
	const char *name, size_t size, size_t align, void (*ctor)(void *))
{
	struct slab_cache *c = unit_malloc(sizeof(*c));

	(void)name;
	*c = (struct slab_cache){size, align, ctor};
	return c;
}
__weak void *slab_alloc(struct slab_cache *c, unsigned gfp)
{
	void *p;

	if (!(gfp & (GFP_ATOMIC | GFP_NOWAIT)))
		might_sleep();
	if (refuse())
		return NULL;
	p = unit_malloc_aligned(c->align, c->size);
	memset(p, gfp & GFP_ZERO ? 0 : 0xa5, c->size);
	if (c->ctor)
		c->ctor(p);
	live++;
	return p;
}
__weak void slab_free(struct slab_cache *c, void *p)
{
	(void)c;
	kfree(p);
}
__weak void shrinker_register(struct shrinker *s)
{
	(void)s;
}

/* ---- pages ---- */

__weak int arch_map_page_array(vaddr_t start, vaddr_t end) /* page_alloc.c's array is ours */
{
	return start >= (vaddr_t)unit_pages && end <= (vaddr_t)(unit_pages + UNIT_PAGES) ? 0
											 : -ENOMEM;
}
__weak void boot_mem_finalise(void)
{
}
__weak bool pfn_valid(pfn_t pfn)
{
	return pfn < UNIT_PAGES;
}
__weak struct page *page_alloc(unsigned order, unsigned gfp)
{
	unsigned n = 1u << order, i, k;

	if (!(gfp & (GFP_ATOMIC | GFP_NOWAIT)))
		might_sleep();
	if (refuse())
		return NULL;
	for (i = n; i + n <= UNIT_PAGES; i += n) {
		for (k = 0; k < n && !page_used[i + k]; k++)
			;
		if (k < n)
			continue;
		memset(page_used + i, 0xff, n);
		page_used[i] = (uint8_t)(order + 1);
		__asan_unpoison_memory_region(
			unit_memory + (size_t)i * PAGE_SIZE, (size_t)n * PAGE_SIZE);
		memset(unit_memory + (size_t)i * PAGE_SIZE, gfp & GFP_ZERO ? 0 : 0xa5,
			(size_t)n * PAGE_SIZE);
		memset(&page_array[i], 0, n * sizeof(struct page));
		refcount_set(&page_array[i].refs, 1);
		list_init(&page_array[i].lru);
		page_array[i].order = order;
		live++;
		return &page_array[i];
	}
	return NULL;
}
static void page_release(struct page *p)
{
	pfn_t pfn = page_to_pfn(p);
	size_t n;

	if (page_used[pfn] == 0 || page_used[pfn] == 0xff)
		panic("page %#lx freed twice", pfn);
	n = 1ul << (page_used[pfn] - 1);
	memset(page_used + pfn, 0, n);
	__asan_poison_memory_region(unit_memory + pfn * PAGE_SIZE, n * PAGE_SIZE);
	live--;
}
__weak void page_free(struct page *p, unsigned order)
{
	if (page_used[page_to_pfn(p)] != order + 1)
		panic("page freed with another order than it was allocated with");
	page_release(p);
}
__weak void page_put_last(struct page *p)
{
	page_release(p);
}
__weak void mem_stats(struct mem_stats *out)
{
	*out = (struct mem_stats){.total = UNIT_PAGES, .free = UNIT_PAGES};
}
__weak void page_lock(struct page *p)
{
	if (page_test_set(p, PG_LOCKED))
		panic("deadlock: page locked twice");
}
__weak bool page_trylock(struct page *p)
{
	return !page_test_set(p, PG_LOCKED);
}
__weak void page_unlock(struct page *p)
{
	page_clear_flag(p, PG_LOCKED);
}
__weak void page_wake(struct page *p)
{
	(void)p;
}
__weak void page_clear(void *page)
{
	memset(page, 0, PAGE_SIZE);
}
__weak void page_copy(void *dst, const void *src)
{
	memcpy(dst, src, PAGE_SIZE);
}

/* ---- page tables: four levels of host-allocated tables; upper entries hold addresses ---- */

#define TABLE_BYTES (PTRS_PER_TABLE * sizeof(pte_t))
static struct spinlock pte_lock = SPINLOCK_INIT("host page table");
static struct mmu kernel_mmu;
unsigned unit_tlb_flushes;

static pte_t *table_new(void)
{
	pte_t *t;

	if (refuse())
		return NULL;
	t = unit_malloc(TABLE_BYTES);
	memset(t, 0, TABLE_BYTES);
	return t;
}
__weak int mmu_init(struct mmu *m)
{
	static uint64_t ids;

	*m = (struct mmu){.root = table_new(), .id = ++ids};
	return m->root ? 0 : -ENOMEM;
}
static void table_free(pte_t *t, unsigned level)
{
	unsigned i;

	for (i = 0; level && i < PTRS_PER_TABLE; i++)
		if (t[i].v)
			table_free((pte_t *)t[i].v, level - 1);
	for (i = 0; !level && i < PTRS_PER_TABLE; i++)
		if (t[i].v)
			panic("page table freed with a leaf in it");
	unit_free(t);
}
__weak void mmu_fini(struct mmu *m)
{
	table_free(m->root, 3);
}
static pte_t *walk(struct mmu *m, vaddr_t va, bool alloc)
{
	pte_t *t = m->root;
	unsigned level;

	for (level = 3; level; level--) {
		pte_t *e = &t[va >> (12 + 9 * level) & 511];

		if (!e->v && alloc) {
			e->v = (uint64_t)table_new();
			m->table_pages += e->v != 0;
		}
		if (!e->v)
			return NULL;
		t = (pte_t *)e->v;
	}
	return &t[va >> 12 & 511];
}
__weak pte_t *mmu_pte(struct mmu *m, vaddr_t va)
{
	return walk(m, va, false);
}
__weak pte_t *mmu_pte_alloc(struct mmu *m, vaddr_t va)
{
	return walk(m, va, true);
}
__weak struct spinlock *mmu_pte_lock(pte_t *pte)
{
	(void)pte;
	return &pte_lock;
}
__weak int mmu_for_each_table(struct mmu *m, vaddr_t start, vaddr_t end,
	int (*fn)(pte_t *, vaddr_t, unsigned, void *), void *arg)
{
	const vaddr_t span = PTRS_PER_TABLE * PAGE_SIZE;

	while (start < end) {
		vaddr_t next = MIN(ALIGN_DOWN(start, span) + span, end);
		pte_t *pte = walk(m, start, false);
		int err = pte ? fn(pte, start, (unsigned)((next - start) / PAGE_SIZE), arg) : 0;

		if (err)
			return err;
		start = next;
	}
	return 0;
}
__weak void mmu_free_tables(struct mmu *m, vaddr_t start, vaddr_t end, vaddr_t floor,
	vaddr_t ceiling, struct tlb_batch *tlb)
{
	(void)m, (void)start, (void)end, (void)floor, (void)ceiling,
		(void)tlb; /* mmu_fini() frees them */
}
__weak void mmu_switch(struct mmu *prev, struct mmu *next)
{
	(void)prev, (void)next;
}
__weak struct mmu *mmu_kernel(void)
{
	return &kernel_mmu;
}
__weak void tlb_flush_page(struct mmu *m, vaddr_t va)
{
	(void)m, (void)va;
	unit_tlb_flushes++;
}
__weak void tlb_flush_range(struct mmu *m, vaddr_t s, vaddr_t e)
{
	(void)m, (void)s, (void)e;
	unit_tlb_flushes++;
}
__weak void tlb_flush_all(struct mmu *m)
{
	(void)m;
	unit_tlb_flushes++;
}
__weak void tlb_flush_kernel(vaddr_t s, vaddr_t e)
{
	(void)s, (void)e;
	unit_tlb_flushes++;
}
__weak void tlb_flush_local(vaddr_t va)
{
	(void)va;
}

/* ---- user memory ---- */

/* What lies in pages of page_alloc() can be lent, other memory not. */
__weak int mm_pin_pages(struct mm *m, vaddr_t addr, struct page **out, unsigned n)
{
	unsigned i;

	(void)m;
	if (unit_user_bad((const void *)addr, 1))
		return -EFAULT;
	for (i = 0; i < n; i++) {
		vaddr_t va = addr + (vaddr_t)i * PAGE_SIZE;

		if (va < (vaddr_t)page_address(page_array) ||
			va >= (vaddr_t)page_address(page_array + UNIT_PAGES))
			break;
		out[i] = page_get(virt_to_page((const void *)va));
	}
	return i ? (int)i : -EOPNOTSUPP;
}

__weak size_t copy_from_user_partial(void *dst, const void __user *src, size_t n)
{
	if (n && unit_user_bad(src, n))
		return n;
	memcpy(dst, src, n);
	return 0;
}
__weak size_t copy_to_user_partial(void __user *dst, const void *src, size_t n)
{
	if (n && unit_user_bad(dst, n))
		return n;
	memcpy(dst, src, n);
	return 0;
}
__weak size_t clear_user_partial(void __user *dst, size_t n)
{
	if (n && unit_user_bad(dst, n))
		return n;
	memset(dst, 0, n);
	return 0;
}
__weak int copy_from_user(void *dst, const void __user *src, size_t n)
{
	return copy_from_user_partial(dst, src, n) ? -EFAULT : 0;
}
__weak int copy_to_user(void __user *dst, const void *src, size_t n)
{
	return copy_to_user_partial(dst, src, n) ? -EFAULT : 0;
}
__weak int clear_user(void __user *dst, size_t n)
{
	return clear_user_partial(dst, n) ? -EFAULT : 0;
}
__weak int copy_from_user_nofault(void *dst, const void __user *src, size_t n)
{
	return copy_from_user(dst, src, n);
}
__weak ssize_t strncpy_from_user(char *dst, const char __user *src, size_t size)
{
	size_t i;

	if (unit_user_bad(src, 1))
		return -EFAULT;
	for (i = 0; i < size; i++)
		if (!(dst[i] = src[i]))
			return (ssize_t)i;
	return -ENAMETOOLONG;
}
__weak int arch_task_init(struct task *t)
{
	(void)t;
	return 0;
}
__weak void arch_task_fini(struct task *t)
{
	(void)t;
}
