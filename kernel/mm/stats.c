/*
 * stats.c - figures about memory for /proc/meminfo, sysinfo and the overcommit check.
 */
#include <error.h>
#include <page.h>
#include "internal.h"

DEFINE_PER_CPU(struct page_stats, page_stats);
atomic64_t stat_dirty, stat_writeback, page_table_pages, kernel_stack_pages;
int overcommit_memory, overcommit_ratio = 50;
static atomic64_t committed;

int64_t stat_sum(enum page_stat s)
{
	int64_t n = 0;
	unsigned cpu;

	for_each_online_cpu (cpu)
		n += READ_ONCE(per_cpu(page_stats, cpu).n[s]);
	return n;
}

static uint64_t stat_positive(enum page_stat s)
{
	int64_t n = stat_sum(s);

	return n > 0 ? (uint64_t)n : 0;
}

/* @swap: all of swap space, in pages. */
static uint64_t commit_limit(uint64_t swap)
{
	return total_pages * (uint64_t)MAX(overcommit_ratio, 0) / 100 + swap;
}

/* What programs could get without hurting: free memory above the reserve, and most of the file
 * pages. */
static uint64_t available(uint64_t free)
{
	uint64_t file = lru_count(true) + lru_count(false);
	uint64_t keep = MIN(file / 2, watermarks.low);
	uint64_t n = free + file - keep;

	return n > watermarks.min ? n - watermarks.min : 0;
}

void mem_stats(struct mem_stats *out)
{
	uint64_t free = pages_free_all(), swap_total, swap_free;

	swap_count(&swap_total, &swap_free);
	*out = (struct mem_stats){
		.total = total_pages,
		.free = free,
		.available = MIN(available(free), total_pages),
		.cached = stat_positive(STAT_CACHED),
		.buffers = stat_positive(STAT_BUFFERS),
		.dirty = (uint64_t)MAX(atomic64_read(&stat_dirty), (int64_t)0),
		.writeback = (uint64_t)MAX(atomic64_read(&stat_writeback), (int64_t)0),
		.anon = stat_positive(STAT_ANON),
		.mapped = stat_positive(STAT_MAPPED),
		.shmem = stat_positive(STAT_SHMEM),
		.slab_unreclaimable = stat_positive(STAT_SLAB),
		.page_tables = (uint64_t)atomic64_read(&page_table_pages),
		.kernel_stacks = (uint64_t)atomic64_read(&kernel_stack_pages),
		.active_file = lru_count(true),
		.inactive_file = lru_count(false),
		.committed = (uint64_t)MAX(atomic64_read(&committed), (int64_t)0),
		.commit_limit = commit_limit(swap_total),
		.swap_total = swap_total,
		.swap_free = swap_free,
		.faults = stat_positive(STAT_FAULTS),
		.major_faults = stat_positive(STAT_MAJOR),
		.page_ins = stat_positive(STAT_INS),
		.page_outs = stat_positive(STAT_OUTS),
		.swap_ins = stat_positive(STAT_SWAP_IN),
		.swap_outs = stat_positive(STAT_SWAP_OUT),
	};
}

int vm_commit(int64_t pages)
{
	uint64_t swap = 0, unused;
	int64_t now;

	if (pages <= 0) {
		atomic64_add(&committed, pages);
		return 0;
	}
	if (overcommit_memory == 2 || (uint64_t)pages > total_pages)
		swap_count(&swap, &unused);
	if (overcommit_memory == 0 && (uint64_t)pages > total_pages + swap)
		return -ENOMEM; /* obvious overcommit: could never be filled */
	now = atomic64_add(&committed, pages);
	if (overcommit_memory == 2 && (uint64_t)now > commit_limit(swap)) {
		atomic64_add(&committed, -pages);
		return -ENOMEM;
	}
	return 0;
}

void vm_uncommit(int64_t pages)
{
	atomic64_add(&committed, -pages);
}
