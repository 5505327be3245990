/*
 * boot_mem.c - what of the memory map is ours already, and memory before mm is up.
 *
 * boot_alloc_pages() takes from the top of the largest usable range below 4 GiB, which the boot
 * tables map.
 */
#include <debug.h>
#include <string.h>
#include "room.h"

paddr_t boot_trampoline;

static paddr_t bump_start, bump_next, bump_end; /* pages [bump_next, bump_end) are taken */

/* The image, modules, page 0 and a page for starting processors; then choose where early memory
 * comes from. */
void boot_mem_reserve_fixed(void)
{
	const struct mem_range *best = NULL;

	boot_mem_set(0, PAGE_SIZE, MEM_RESERVED);
	boot_mem_set(image_to_phys(__image_start), image_to_phys(__image_end), MEM_KERNEL);
	for (unsigned i = 0; i < boot_info.nr_modules; i++)
		boot_mem_set(boot_info.module[i].start, boot_info.module[i].end, MEM_MODULE);
	for (unsigned i = 0; i < boot_info.nr_mem; i++) {
		struct mem_range r = boot_info.mem[i];

		if (r.kind == MEM_USABLE && r.start < 0x9f000) {
			boot_trampoline = MIN(r.end, 0x9f000ull) - PAGE_SIZE;
			boot_mem_set(boot_trampoline, boot_trampoline + PAGE_SIZE, MEM_KERNEL);
			break;
		}
	}
	for (unsigned i = 0; i < boot_info.nr_mem; i++) {
		const struct mem_range *r = &boot_info.mem[i];

		if (r->kind == MEM_USABLE && r->end <= 1ull << 32 &&
			(!best || r->end - r->start > best->end - best->start))
			best = r;
	}
	if (!best)
		panic("the boot loader named no usable memory below 4 GiB");
	bump_start = best->start;
	bump_next = bump_end = best->end;
}

paddr_t boot_alloc_pages(unsigned n)
{
	PANIC_ON(!bump_end);
	if (n > (bump_next - bump_start) / PAGE_SIZE)
		return 0;
	bump_next -= n * PAGE_SIZE;
	memset(phys_to_virt(bump_next), 0, n * PAGE_SIZE);
	return bump_next;
}

bool boot_mem_open(void)
{
	return bump_end != 0;
}

void boot_mem_finalise(void)
{
	boot_mem_set(bump_next, bump_end, MEM_KERNEL);
	bump_end = 0;
}
