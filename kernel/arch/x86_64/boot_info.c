/*
 * boot_info.c - what the loader left in memory, read once into boot_info. Loader data is input:
 * lengths are checked.
 *
 * Specs: Multiboot2 2.0, 3.6; Xen PVH start info version 1. Does not: keep pointers into loader
 * memory.
 */
#include <log.h>
#include <string.h>
#include "room.h"

extern uint64_t boot_entry_tsc;
extern uint32_t boot_magic, boot_info_pa;

#define MB2_MAGIC   0x36d76289u
#define PVH_MAGIC   0x336ec578u
#define MODULES_MAX ((unsigned)ARRAY_SIZE(boot_info.module))
#define LOW_LIMIT   (1ull << 32) /* what the boot tables map */

struct mb2_tag {
	uint32_t type, size;
};
enum {
	MB2_END,
	MB2_CMDLINE,
	MB2_MODULE = 3,
	MB2_MMAP = 6,
	MB2_FRAMEBUFFER = 8,
	MB2_RSDP_OLD = 14,
	MB2_RSDP_NEW
};
struct mb2_mmap {
	struct mb2_tag tag;
	uint32_t entry_size, version;
};
struct mb2_mmap_entry {
	uint64_t addr, len;
	uint32_t type, zero;
};
struct mb2_module {
	struct mb2_tag tag;
	uint32_t start, end;
	char cmdline[];
};
struct mb2_framebuffer {
	struct mb2_tag tag;
	uint64_t addr;
	uint32_t pitch, width, height;
	uint8_t bpp, type;
	uint16_t reserved;
	uint8_t red_pos, red_size, green_pos, green_size, blue_pos, blue_size;
} __packed;
static_assert(offsetof(struct mb2_framebuffer, red_pos) == 32, "Multiboot2 3.6.12");

struct pvh_start {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modlist, cmdline, rsdp, memmap;
	uint32_t memmap_entries, reserved;
};
struct pvh_module {
	uint64_t addr, size, cmdline, reserved;
};
struct pvh_memmap {
	uint64_t addr, size;
	uint32_t type, reserved;
};

/* The e820 types that both loaders use; all that is unknown is reserved. */
static enum mem_kind kind_of(uint32_t type)
{
	return type == 1 ? MEM_USABLE : type == 3 ? MEM_ACPI : MEM_RESERVED;
}

/* Usable first, then ACPI, then reserved, so that an overlap ends up with the more careful kind. */
static void add_map(const uint8_t *entry, unsigned n, size_t stride)
{
	static const enum mem_kind pass[] = {MEM_USABLE, MEM_ACPI, MEM_RESERVED};

	for (unsigned p = 0; p < ARRAY_SIZE(pass); p++) {
		for (unsigned i = 0; i < n; i++) {
			struct pvh_memmap e;

			memcpy(&e, entry + i * stride, sizeof(e));
			if (kind_of(e.type) == pass[p] && e.addr + e.size >= e.addr &&
				e.addr + e.size < 1ull << 46)
				boot_mem_set(e.addr, e.addr + e.size, pass[p]);
		}
	}
}
static_assert(sizeof(struct mb2_mmap_entry) == sizeof(struct pvh_memmap), "both are e820 entries");

static void add_module(paddr_t start, paddr_t end, const char *cmdline)
{
	struct boot_module *m = &boot_info.module[boot_info.nr_modules];

	if (boot_info.nr_modules == ARRAY_SIZE(boot_info.module) || start >= end)
		return;
	m->start = start;
	m->end = end;
	strlcpy(m->cmdline, cmdline, sizeof(m->cmdline));
	boot_info.nr_modules++;
}

static void add_framebuffer(const struct mb2_framebuffer *t)
{
	bool is_text = t->type == 2, is_direct = t->type == 1 && t->tag.size >= sizeof(*t);

	if (!t->addr || (!is_text && !(is_direct && (t->bpp == 32 || t->bpp == 24))))
		return;
	boot_info.fb = (struct boot_framebuffer){.addr = t->addr,
		.width = t->width,
		.height = t->height,
		.pitch = t->pitch,
		.bpp = t->bpp,
		.is_text = is_text};
	if (is_direct) { /* text mode's tag ends before the colours */
		boot_info.fb.red_shift = t->red_pos;
		boot_info.fb.green_shift = t->green_pos;
		boot_info.fb.blue_shift = t->blue_pos;
	}
}

/* The RSDP tags hold a copy of the table; ours must outlive the loader's memory, so the copy is
 * copied. */
static void add_rsdp(const void *copy, size_t n)
{
	static uint8_t rsdp[36] __aligned(8);

	memcpy(rsdp, copy, MIN(n, sizeof(rsdp)));
	boot_info.rsdp = image_to_phys(rsdp);
}

static void mb2_tag(const struct mb2_tag *t)
{
	const struct mb2_mmap *map = (const void *)t;
	const struct mb2_module *mod = (const void *)t;

	switch (t->type) {
	case MB2_CMDLINE:
		strlcpy(boot_info.cmdline, (const char *)(t + 1), sizeof(boot_info.cmdline));
		break;
	case MB2_MODULE:
		add_module(mod->start, mod->end, mod->cmdline);
		break;
	case MB2_MMAP:
		if (map->entry_size >= sizeof(struct mb2_mmap_entry) && t->size >= sizeof(*map))
			add_map((const uint8_t *)(map + 1),
				(t->size - (unsigned)sizeof(*map)) / map->entry_size,
				map->entry_size);
		break;
	case MB2_FRAMEBUFFER:
		if (t->size >= offsetof(struct mb2_framebuffer, red_pos))
			add_framebuffer((const void *)t);
		break;
	case MB2_RSDP_OLD:
		if (!boot_info.rsdp)
			add_rsdp(t + 1, t->size - sizeof(*t));
		break;
	case MB2_RSDP_NEW:
		add_rsdp(t + 1, t->size - sizeof(*t));
		break;
	default:
		break;
	}
}

static void parse_mb2(paddr_t pa)
{
	uint32_t total = *(const uint32_t *)phys_to_virt(pa);

	for (uint32_t off = 8; off + sizeof(struct mb2_tag) <= total;) {
		const struct mb2_tag *t = phys_to_virt(pa + off);

		if (t->type == MB2_END || t->size < sizeof(*t) || t->size > total - off)
			break;
		mb2_tag(t);
		off += ALIGN_UP(t->size, 8u);
	}
}

static void parse_pvh(paddr_t pa)
{
	const struct pvh_start *s = phys_to_virt(pa);

	if (s->magic != PVH_MAGIC)
		return;
	if (s->cmdline && s->cmdline < LOW_LIMIT)
		strlcpy(boot_info.cmdline, phys_to_virt(s->cmdline), sizeof(boot_info.cmdline));
	if (s->version >= 1 && s->memmap < LOW_LIMIT)
		add_map(phys_to_virt(s->memmap), s->memmap_entries, sizeof(struct pvh_memmap));
	boot_info.rsdp = s->rsdp;
	if (!s->modlist || s->modlist >= LOW_LIMIT - MODULES_MAX * sizeof(struct pvh_module))
		return;
	for (uint32_t i = 0; i < MIN(s->nr_modules, MODULES_MAX); i++) {
		const struct pvh_module *m = (const struct pvh_module *)phys_to_virt(s->modlist) +
					     i;
		const char *cmdline = m->cmdline && m->cmdline < LOW_LIMIT
					      ? phys_to_virt(m->cmdline)
					      : "";

		add_module(m->addr, m->addr + m->size, cmdline);
	}
}

void boot_info_parse(void)
{
	boot_info.entry_cycles = boot_entry_tsc;
	if (boot_magic == MB2_MAGIC)
		parse_mb2(boot_info_pa);
	else
		parse_pvh(boot_info_pa);
	boot_mem_reserve_fixed();
}
