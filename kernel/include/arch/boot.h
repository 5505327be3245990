/*
 * arch/boot.h - what the boot loader said (multiboot2 or PVH), in one form.
 */
#pragma once
#include <compiler.h>

enum mem_kind { MEM_USABLE, MEM_RESERVED, MEM_ACPI, MEM_KERNEL, MEM_MODULE };
struct mem_range {
	paddr_t start, end;
	enum mem_kind kind;
}; /* sorted, not overlapping, page-aligned inwards for USABLE */
struct boot_module {
	paddr_t start, end;
	char cmdline[64];
};
struct boot_framebuffer {
	paddr_t addr;
	uint32_t width, height, pitch, bpp;
	uint8_t red_shift, green_shift, blue_shift;
	bool is_text; /* VGA text: width and height in characters */
};

struct boot_info {
	char cmdline[1024];
	struct mem_range mem[256];
	unsigned nr_mem;
	struct boot_module module[4];
	unsigned nr_modules;
	struct boot_framebuffer fb; /* addr 0: none */
	paddr_t rsdp;               /* 0: search */
	uint64_t entry_cycles;      /* counter at the first instruction */
};
extern struct boot_info boot_info;

/* Value of NAME=VALUE on the command line copied to @buf; false if absent. A bare NAME gives "".
 * @nth: which occurrence (0 first). */
bool boot_option(const char *name, unsigned nth, char *buf, size_t size);

/* Before page_init(): @n zeroed contiguous page frames from usable memory, 0 if there are none. Not
 * given back. */
paddr_t boot_alloc_pages(unsigned n);
/* page_init() calls it once, after which boot_alloc_pages() may not be used: what was given out
 * becomes MEM_KERNEL in boot_info.mem. */
void boot_mem_finalise(void);
