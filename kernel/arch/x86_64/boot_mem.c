/*
 * boot_mem.c - what of the memory map is ours already, and memory before mm is up.
 *
 * boot_alloc_pages() takes from the top of the largest usable range below 4 GiB, which the boot
 * tables map.
 */
#include <debug.h>
#include <string.h>
#include "room.h"

#define FIRMWARE_END   (1ull << 20)
#define TRAMPOLINE_END 0x9f000ull /* an EBDA may follow */

paddr_t boot_trampoline;

static paddr_t bump_start, bump_next, bump_end; /* pages [bump_next, bump_end) are taken */

static bool usable_below(paddr_t limit, struct mem_range *found)
{
	for (unsigned i = 0; i < boot_info.nr_mem; i++) {
		*found = boot_info.mem[i];
		if (found->kind == MEM_USABLE && found->start < limit)
			return true;
	}
	return false;
}

/*
 * Firmware works in the first MiB and finds there after a warm start what was left in it (QEMU's
 * loader for PVH does not clear its variables): it stays as it was found, but for a page that other
 * processors start in.
 */
static void reserve_firmware(void)
{
	struct mem_range r;

	while (usable_below(FIRMWARE_END, &r)) {
		if (r.start < TRAMPOLINE_END)
			boot_trampoline = MIN(r.end, TRAMPOLINE_END) - PAGE_SIZE;
		boot_mem_set(r.start, MIN(r.end, FIRMWARE_END), MEM_RESERVED);
	}
	if (boot_trampoline)
		boot_mem_set(boot_trampoline, boot_trampoline + PAGE_SIZE, MEM_KERNEL);
}

/* The image, modules and the firmware's memory; then choose where early memory comes from. */
void boot_mem_reserve_fixed(void)
{
	const struct mem_range *best = NULL;

	boot_mem_set(image_to_phys(__image_start), image_to_phys(__image_end), MEM_KERNEL);
	for (unsigned i = 0; i < boot_info.nr_modules; i++)
		boot_mem_set(boot_info.module[i].start, boot_info.module[i].end, MEM_MODULE);
	boot_mem_set(0, PAGE_SIZE, MEM_RESERVED);
	reserve_firmware();
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
