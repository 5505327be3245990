/*
 * pages.h - what the files of kernel/mm ask of page_alloc.c, for programs that use the host's
 * pages. A program brings sleep_uninterruptible_ns() itself.
 */
#pragma once
#include "kernel/mm/internal.h"

struct watermarks watermarks = {64, 128, 192};
uint64_t total_pages = 16384;
uint64_t pages_free_estimate(void)
{
	return 8192;
}
uint64_t pages_free_all(void)
{
	return 8192;
}
void page_drain_cpus(void)
{
}
void task_cache_init(void)
{
}
void page_put_last(struct page *p)
{
	if (page_test(p, PG_LRU))
		lru_remove(p);
	page_free(p, (unsigned)p->order);
}
