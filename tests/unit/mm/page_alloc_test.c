/*
 * page_alloc_test.c - the buddy system and the CPU's list: blocks do not overlap, come back whole,
 * and run out cleanly.
 */
/* LINK: kernel/mm/page_alloc.c kernel/mm/page_wait.c kernel/lib/xarray.c */
#include <arch/boot.h>
#include <page.h>
#include <sched.h>
#include <unit.h>
#include "kernel/mm/internal.h"

void __asan_unpoison_memory_region(const volatile void *p, size_t n);

/* What the rest of mm/ would supply: no memory can be reclaimed. */
atomic64_t stat_writeback, stat_dirty;
uint64_t reclaim_direct(unsigned gfp)
{
	(void)gfp;
	return 0;
}
void reclaim_wake(void)
{
}
bool oom_kill(unsigned order, unsigned gfp)
{
	(void)order, (void)gfp;
	return false;
}
void sleep_uninterruptible_ns(uint64_t ns)
{
	(void)ns;
}
void lru_remove(struct page *p)
{
	(void)p;
}
void mapping_set_error(struct mapping *m, int error)
{
	(void)m, (void)error;
}

#define PAGES 8192u

static void start(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	boot_info.mem[0] = (struct mem_range){PAGE_SIZE, PAGES * PAGE_SIZE, MEM_USABLE};
	boot_info.nr_mem = 1;
	__asan_unpoison_memory_region(unit_memory, (size_t)PAGES * PAGE_SIZE);
	page_init();
}

static uint8_t used[PAGES];

static bool mark(struct page *p, unsigned order, uint8_t value)
{
	for (pfn_t i = page_to_pfn(p); i < page_to_pfn(p) + (1ul << order); i++) {
		if (used[i] == value)
			return false;
		used[i] = value;
	}
	return true;
}

TEST(blocks_are_aligned_distinct_and_come_back)
{
	static struct {
		struct page *p;
		unsigned order;
	} held[512];
	unsigned n = 0;
	uint64_t before;

	start();
	page_drain_cpus();
	before = pages_free_estimate();
	for (unsigned step = 0; step < 50000; step++) {
		if (n < ARRAY_SIZE(held) && unit_below(2)) {
			unsigned order = unit_below(8) ? 0 : (unsigned)unit_below(6);
			struct page *p = page_alloc(order, GFP_KERNEL | GFP_NORETRY);

			if (!p)
				continue;
			REQUIRE(IS_ALIGNED(page_to_pfn(p), 1ul << order));
			REQUIRE_EQ(refcount_read(&p->refs), 1);
			REQUIRE(mark(p, order, 1));
			held[n].p = p;
			held[n++].order = order;
		} else if (n) {
			unsigned i = (unsigned)unit_below(n);

			REQUIRE(mark(held[i].p, held[i].order, 0));
			page_free(held[i].p, held[i].order);
			held[i] = held[--n];
		}
	}
	while (n) {
		n--;
		REQUIRE(mark(held[n].p, held[n].order, 0));
		page_free(held[n].p, held[n].order);
	}
	page_drain_cpus();
	EXPECT_EQ(pages_free_estimate(), before);
}

TEST(everything_merges_back_to_the_largest_blocks)
{
	struct page *p[4];

	start();
	page_drain_cpus();
	for (unsigned i = 0; i < ARRAY_SIZE(p); i++)
		REQUIRE((p[i] = page_alloc(10, GFP_KERNEL)) != NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(p); i++)
		page_free(p[i], 10);
}

TEST(programs_stop_at_the_reserve_and_atomic_allocations_do_not)
{
	static struct page *all[PAGES];
	unsigned n = 0, more = 0;

	start();
	while ((all[n] = page_alloc(0, GFP_USER | GFP_NORETRY)) != NULL)
		n++;
	EXPECT(pages_free_estimate() >= watermarks.min - 16);
	while ((all[n + more] = page_alloc(0, GFP_ATOMIC)) != NULL)
		more++;
	EXPECT(more >= watermarks.min - 16);
	EXPECT_EQ(pages_free_all(), 0);
	for (unsigned i = 0; i < n + more; i++)
		page_put(all[i]);
	page_drain_cpus();
	EXPECT_EQ(pages_free_estimate(), total_pages);
}

TEST(a_passing_reference_delays_the_free)
{
	struct page *p;
	uint64_t before;

	start();
	before = pages_free_all();
	p = page_alloc(0, GFP_KERNEL);
	REQUIRE(p != NULL);
	EXPECT(refcount_inc_not_zero(&p->refs));
	page_free(p, 0);
	EXPECT_EQ(pages_free_all(), before - 1);
	page_put(p);
	EXPECT_EQ(pages_free_all(), before);
	EXPECT(!refcount_inc_not_zero(&p->refs));
}

TEST(page_lock_excludes_and_flags_wait)
{
	struct page *p;

	start();
	p = page_alloc(0, GFP_ZERO);
	REQUIRE(p != NULL);
	EXPECT(page_trylock(p));
	EXPECT(!page_trylock(p));
	page_end_read(p, 0);
	EXPECT(page_test(p, PG_UPTODATE));
	EXPECT(page_trylock(p));
	page_unlock(p);
	page_wait(p, PG_LOCKED);
	page_put(p);
}
