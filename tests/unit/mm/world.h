/*
 * world.h - for tests of address spaces: one that is the current one, and stores and loads as the
 * processor does them.
 */
#pragma once
#pragma GCC diagnostic ignored "-Wunused-function" /* not every program needs all */
#include <arch/upcalls.h>
#include <error.h>
#include <sched.h>
#include <slab.h>
#include <string.h>
#include <unit.h>
#include "tests/unit/mm/pages.h"

void sleep_uninterruptible_ns(uint64_t ns)
{
	unit_clock += ns;
}

#define BASE 0x10000000ull
#define RW   (VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC)

static void start(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	page_wait_init();
	mm_init();
}

static struct mm *new_mm(void)
{
	struct mm *m = NULL;

	start();
	if (mm_create(&m) < 0)
		return NULL;
	mm_put(mm_adopt(m));
	return m;
}

static void end_mm(void)
{
	mm_put(mm_adopt(NULL));
}

static int map(struct mm *m, vaddr_t at, uint64_t pages, uint32_t flags, struct mapping *file,
	uint64_t pgoff)
{
	struct vm_map_args a = {.addr = at,
		.length = pages * PAGE_SIZE,
		.flags = flags,
		.fixed = true,
		.mapping = file,
		.pgoff = pgoff};
	vaddr_t out;

	return mm_map(m, &a, &out);
}

static int store(struct mm *m, vaddr_t at, uint8_t value)
{
	(void)m;
	for (unsigned tries = 0; tries < 4; tries++) {
		pte_t *pte = mmu_pte(&current->mm->mmu, at);
		int err;

		if (pte && pte_present(*pte) && pte_write(*pte)) {
			((uint8_t *)page_address(
				pfn_to_page(pte_pfn(*pte))))[at & (PAGE_SIZE - 1)] = value;
			*pte = pte_mkyoung(pte_mkdirty(*pte)); /* as the processor does */
			return 0;
		}
		err = mm_handle_fault(at, FAULT_WRITE | FAULT_USER, NULL);
		if (err)
			return err;
	}
	return -EREFAULT;
}

static int load(struct mm *m, vaddr_t at)
{
	(void)m;
	for (unsigned tries = 0; tries < 4; tries++) {
		pte_t *pte = mmu_pte(&current->mm->mmu, at);
		int err;

		if (pte && pte_present(*pte)) {
			*pte = pte_mkyoung(*pte); /* as the processor does */
			return ((uint8_t *)page_address(
				pfn_to_page(pte_pfn(*pte))))[at & (PAGE_SIZE - 1)];
		}
		err = mm_handle_fault(at, FAULT_USER, NULL);
		if (err)
			return err;
	}
	return -EREFAULT;
}

static void enter(struct mm *m)
{
	(void)mm_adopt(m);
}
