/*
 * page_alloc.c - the page allocator: buddy lists below, a list of single pages per CPU above.
 *
 * Does not: compact memory, know zones or nodes: the few devices that address 32 bits search for a
 * low block at boot (page_alloc_low()).
 *
 * Objects. One struct page per frame lies in page_array, which is backed for every 4 MiB block that
 * contains memory, so that the buddy of a block can always be looked at. A free block of 2^n pages
 * is known by its first page: PG_BUDDY set, ->order = n, linked in buddy.free[n]. Pages in a CPU's
 * list are free, but look allocated to the buddy system.
 *
 * Lifetimes. page_alloc() sets refs to 1 and ->order. The last page_put() frees. Lookups of the
 * page cache take a reference with refcount_inc_not_zero() on a page that may have been freed and
 * given out again in the meantime (RCU protects the array's nodes, not the pages); they notice, and
 * drop it. Therefore page_free() does not insist on being the last: whoever drops the last
 * reference frees the block, and ->order must tell its size at that time.
 *
 * Invariants.
 *  1. refs is 0 exactly while a page is free.
 *  2. ->order of an allocated block's first page is its order, but for slab pages and pages of a
 * mapping, whose owners use the word themselves and set it right before they let go.
 *  3. A block in buddy.free[n] has no free buddy of the same order (merged at once), but for n =
 * MAX_ORDER.
 *
 * Levels. Programs (GFP_USER) may take memory down to watermarks.min, the kernel on their behalf to
 * half of that, its own threads (that write pages back) to a quarter, GFP_ATOMIC and tasks that
 * reclaim to the last page. Below watermarks.low the reclaim thread is woken.
 *
 * Locks. buddy.lock is a leaf, irq-save. A CPU's list is guarded by switching interrupts off on
 * that CPU.
 */
#include <arch/boot.h>
#include <debug.h>
#include <log.h>
#include <memcheck.h>
#include <page.h>
#include <sched.h>
#include <string.h>
#include <arch/smp.h>
#include "internal.h"

#define MAX_ORDER    10u
#define BLOCK_PAGES  (1ul << MAX_ORDER)
#define CPU_LIST_MAX 256u
#define REFILL_ORDER 4u /* pages taken at a time: one block of 16 */
#define NOFS_TRIES   20u
#define IDLE_TRIES   16u /* reclaims that find pages which others take, before someone is killed */
#define OOM_WAIT_NS  20000000ull

struct page *const page_array = (struct page *)PAGE_ARRAY_BASE;

/* Key: [b] ->lock */
static struct {
	struct spinlock lock;
	struct list_head free[MAX_ORDER + 1]; /* [b] */
	uint64_t free_pages;                  /* [b]; read without */
} buddy;

struct page_cpu {
	uint32_t count;
	struct page *page[CPU_LIST_MAX];
};
DEFINE_PER_CPU(struct page_cpu, page_cpu);
static unsigned cpu_list_limit = CPU_LIST_MAX;

struct watermarks watermarks;
uint64_t total_pages;
static struct {
	pfn_t start, end;
} ram[256];
static unsigned nr_ram;

bool pfn_valid(pfn_t pfn)
{
	for (unsigned i = 0; i < nr_ram; i++)
		if (pfn >= ram[i].start && pfn < ram[i].end)
			return true;
	return false;
}

uint64_t pages_free_estimate(void)
{
	return READ_ONCE(buddy.free_pages);
}

uint64_t pages_free_all(void)
{
	uint64_t n = pages_free_estimate();
	unsigned cpu;

	for_each_online_cpu (cpu)
		n += READ_ONCE(per_cpu(page_cpu, cpu).count);
	return n;
}

static void block_insert(struct page *p, unsigned order)
{
	p->order = order;
	WRITE_ONCE(p->flags, 1u << PG_BUDDY);
	list_add(&p->lru, &buddy.free[order]);
}

static void block_remove(struct page *p)
{
	list_unlink_(&p->lru);
	p->flags = 0;
}

/* buddy.lock held. */
static void buddy_give(struct page *p, unsigned order)
{
	pfn_t pfn = page_to_pfn(p);

	buddy.free_pages += 1ul << order;
	for (; order < MAX_ORDER; order++) {
		struct page *other = pfn_to_page(pfn ^ (1ul << order));

		if (!(other->flags & 1u << PG_BUDDY) || other->order != order)
			break;
		block_remove(other);
		pfn &= ~(1ul << order);
	}
	block_insert(pfn_to_page(pfn), order);
}

/* buddy.lock held. Take the free block @p of order @o, give back all but its first 2^order pages.
 */
static struct page *buddy_split(struct page *p, unsigned o, unsigned order)
{
	block_remove(p);
	while (o > order) {
		o--;
		block_insert(p + (1ul << o), o);
	}
	buddy.free_pages -= 1ul << order;
	return p;
}

/* buddy.lock held. A block of exactly @order, split off a larger one if need be. */
static struct page *buddy_take(unsigned order)
{
	unsigned o = order;

	while (o <= MAX_ORDER && list_empty(&buddy.free[o]))
		o++;
	if (o > MAX_ORDER)
		return NULL;
	return buddy_split(list_first(&buddy.free[o], struct page, lru), o, order);
}

/* buddy.lock held. */
static struct page *buddy_take_low(unsigned order)
{
	struct page *p;

	for (unsigned o = order; o <= MAX_ORDER; o++)
		list_for_each_entry (p, &buddy.free[o], lru)
			if ((page_to_pfn(p) + (1ul << order)) << PAGE_SHIFT <= 1ul << 32)
				return buddy_split(p, o, order);
	return NULL;
}

/* How many pages must stay free after an allocation with @gfp. */
static uint64_t reserve_for(unsigned gfp)
{
	if ((gfp & GFP_ATOMIC) || (current && current->in_reclaim))
		return 0;
	if (gfp & (GFP_USER | GFP_NOWAIT))
		return watermarks.min;
	return current && current->is_kernel ? watermarks.min / 4 : watermarks.min / 2;
}

/* Interrupts off. Fills this CPU's list with a few pages; false if the reserve forbids it. */
static bool __noinline cpu_refill(struct page_cpu *c, unsigned gfp)
{
	struct page *p = NULL;
	uint64_t reserve = reserve_for(gfp);
	unsigned order = REFILL_ORDER;

	spin_lock(&buddy.lock);
	for (;; order--) {
		if (buddy.free_pages >= reserve + (1ul << order))
			p = buddy_take(order);
		if (p || order == 0)
			break;
	}
	spin_unlock(&buddy.lock);
	if (!p)
		return false;
	for (unsigned i = 1u << order; i-- > 0;)
		c->page[c->count++] = p + i;
	return true;
}

/* Interrupts off. Hands @nr pages of this CPU's list back. */
static void cpu_drain(struct page_cpu *c, unsigned nr)
{
	spin_lock(&buddy.lock);
	while (nr-- > 0 && c->count > 0)
		buddy_give(c->page[--c->count], 0);
	spin_unlock(&buddy.lock);
}

static void drain_here(void *arg)
{
	unsigned long f = irq_save();

	(void)arg;
	cpu_drain(this_cpu_ptr(page_cpu), CPU_LIST_MAX);
	irq_restore(f);
}

void page_drain_cpus(void)
{
	struct cpumask all = {cpu_count() >= 64 ? ~0ull : (1ull << cpu_count()) - 1};

	smp_call(all, drain_here, NULL);
}

static struct page *take_block(unsigned order, unsigned gfp)
{
	struct page *p = NULL;
	uint64_t reserve = reserve_for(gfp);
	unsigned long f = spin_lock_irq(&buddy.lock);

	if (buddy.free_pages >= reserve + (1ul << order))
		p = buddy_take(order);
	spin_unlock_irq(&buddy.lock, f);
	return p;
}

static struct page *take_single(unsigned gfp)
{
	struct page *p = NULL;
	unsigned long f = irq_save();
	struct page_cpu *c = this_cpu_ptr(page_cpu);

	if (likely(c->count != 0) || cpu_refill(c, gfp))
		p = c->page[--c->count];
	irq_restore(f);
	return p;
}

static struct page *take(unsigned order, unsigned gfp)
{
	return likely(order == 0) ? take_single(gfp) : take_block(order, gfp);
}

static bool may_wait(unsigned gfp)
{
	return !(gfp & (GFP_ATOMIC | GFP_NOWAIT)) && current && !current->in_reclaim && !irqs_off();
}

/* The quick attempt failed: reclaim, drain, and at last have someone killed. */
static struct page *__noinline alloc_slow(unsigned order, unsigned gfp)
{
	unsigned idle = 0;
	struct page *p;

	reclaim_wake();
	if (!may_wait(gfp))
		return take(order, gfp);
	might_sleep();
	for (unsigned tries = 0; tries < 400; tries++) {
		uint64_t freed = reclaim_direct(gfp);

		p = take(order, gfp);
		if (p)
			return p;
		page_drain_cpus();
		p = take(order, gfp);
		if (p)
			return p;
		if (!(gfp & GFP_NOFS) && task_interrupted(current, TASK_KILLABLE))
			return take(order, gfp & ~GFP_USER);
		if (freed && ++idle < IDLE_TRIES)
			continue;
		if (gfp & GFP_NORETRY || order > 3 || (gfp & GFP_NOFS && tries >= NOFS_TRIES))
			return NULL;
		if (gfp & GFP_NOFS) { /* writes pages back: others must make room for it */
			sleep_uninterruptible_ns(OOM_WAIT_NS);
			continue;
		}
		if (!oom_kill(order, gfp))
			return NULL;
		sleep_uninterruptible_ns(OOM_WAIT_NS);
	}
	return NULL;
}

/* A block that was taken, as its owner gets it. */
static inline struct page *prepare(struct page *p, unsigned order, unsigned gfp)
{
	p->flags = 0;
	p->mapping = NULL;
	p->order = order;
	atomic_set(&p->mapcount, 0);
	p->fs_private = 0;
	refcount_set(&p->refs, 1);
	mem_allow(page_address(p), PAGE_SIZE << order);
	if (gfp & GFP_ZERO)
		for (unsigned i = 0; i < 1u << order; i++)
			page_clear(page_address(p + i));
	return p;
}

struct page *page_alloc(unsigned order, unsigned gfp)
{
	struct page *p = take(order, gfp);

	if (unlikely(!p)) {
		ASSERT(order <= MAX_ORDER);
		p = alloc_slow(order, gfp);
		if (!p)
			return NULL;
	} else if (unlikely(buddy.free_pages < watermarks.low)) {
		reclaim_wake();
	}
	return prepare(p, order, gfp);
}

struct page *page_alloc_low(unsigned order)
{
	struct page *p = NULL;
	unsigned long f = spin_lock_irq(&buddy.lock);

	if (buddy.free_pages >= watermarks.min + (1ul << order))
		p = buddy_take_low(order);
	spin_unlock_irq(&buddy.lock, f);
	return p ? prepare(p, order, 0) : NULL;
}

static void give(struct page *p, unsigned order)
{
	unsigned long f;

	ASSERT(!(p->flags & (1u << PG_BUDDY | 1u << PG_LRU | 1u << PG_LOCKED | 1u << PG_RESERVED)));
	ASSERT(atomic_read(&p->mapcount) == 0 && refcount_read(&p->refs) == 0);
#if CONFIG_DEBUG
	mem_allow(page_address(p), PAGE_SIZE << order); /* kmalloc() may have asked for less */
	memset(page_address(p), 0xfe, PAGE_SIZE << order);
	mem_forbid(page_address(p), PAGE_SIZE << order, MEM_FREE_PAGE);
#endif
	if (likely(order == 0)) {
		struct page_cpu *c;

		f = irq_save();
		c = this_cpu_ptr(page_cpu);
		if (unlikely(c->count >= cpu_list_limit))
			cpu_drain(c, cpu_list_limit / 2);
		c->page[c->count++] = p;
		irq_restore(f);
		return;
	}
	f = spin_lock_irq(&buddy.lock);
	buddy_give(p, order);
	spin_unlock_irq(&buddy.lock, f);
}

void page_put_last(struct page *p)
{
	if (unlikely(page_test(p, PG_LRU)))
		lru_remove(p);
	give(p, p->order);
}

void page_free(struct page *p, unsigned order)
{
	p->order = order;
	if (likely(refcount_dec(&p->refs)))
		page_put_last(p);
}

/* Boot: back the array of struct page for every block that has memory of any kind. */
static void map_array(void)
{
	pfn_t done = 0;

	for (unsigned i = 0; i < boot_info.nr_mem; i++) {
		const struct mem_range *r = &boot_info.mem[i];
		pfn_t start = ALIGN_DOWN(r->start >> PAGE_SHIFT, BLOCK_PAGES),
		      end = ALIGN_UP(DIV_ROUND_UP(r->end, PAGE_SIZE), BLOCK_PAGES);

		if (r->kind == MEM_RESERVED || r->kind == MEM_ACPI)
			continue;
		start = MAX(start, done);
		if (start < end && arch_map_page_array((vaddr_t)pfn_to_page(start),
					   (vaddr_t)pfn_to_page(end)) < 0)
			panic("no memory for the array of pages");
		done = MAX(done, end);
		ram[nr_ram].start = r->start >> PAGE_SHIFT;
		ram[nr_ram++].end = r->end >> PAGE_SHIFT;
	}
}

static void free_range(pfn_t start, pfn_t end)
{
	while (start < end) {
		unsigned order = start ? MIN((unsigned)__builtin_ctzll(start), MAX_ORDER)
				       : MAX_ORDER;

		while (start + (1ul << order) > end)
			order--;
		buddy_give(pfn_to_page(start), order);
		start += 1ul << order;
	}
}

static void set_levels(void)
{
	uint64_t min = total_pages / 256, list = total_pages / 128;

	min = min < 64 ? 64 : MIN(min, 4096ul);
	list = list < 32 ? 32 : MIN(list, (uint64_t)CPU_LIST_MAX - 16);

	watermarks = (struct watermarks){.min = min, .low = min * 2, .high = min * 3};
	cpu_list_limit = (unsigned)list;
}

void page_init(void)
{
	spin_init(&buddy.lock);
	page_wait_init();
	for (unsigned o = 0; o <= MAX_ORDER; o++)
		list_init(&buddy.free[o]);
	map_array();
	memcheck_init();
	boot_mem_finalise();
	for (unsigned i = 0; i < boot_info.nr_mem; i++) {
		const struct mem_range *r = &boot_info.mem[i];
		pfn_t start = DIV_ROUND_UP(r->start, PAGE_SIZE), end = r->end >> PAGE_SHIFT;

		if (r->kind != MEM_USABLE)
			continue;
		start = MAX(start, 1ul); /* frame 0 stays out: its address looks like "none" */
		if (start < end)
			free_range(start, end);
	}
	total_pages = buddy.free_pages;
	set_levels();
	log_info("memory: %llu MiB free for use",
		(unsigned long long)(total_pages >> (20 - PAGE_SHIFT)));
}
