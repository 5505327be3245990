/*
 * boot_map.c - the map of physical memory and the command line, free of the machine so that it runs
 * in unit tests.
 *
 * boot_mem_set() lays a range over what is known: the later and more special caller wins (usable <
 * ACPI < reserved < image, modules).
 */
#include "boot_map.h"
#include <string.h>

#define PAGE 4096ull

struct boot_info boot_info;

static void put(struct mem_range *out, unsigned *n, paddr_t start, paddr_t end, enum mem_kind kind)
{
	if (start >= end || *n >= ARRAY_SIZE(boot_info.mem))
		return; /* a full table: memory that no range names is not used, which is safe */
	if (*n && out[*n - 1].end == start && out[*n - 1].kind == kind && kind != MEM_MODULE)
		out[*n - 1].end = end;
	else
		out[(*n)++] = (struct mem_range){start, end, kind};
}

void boot_mem_set(paddr_t start, paddr_t end, enum mem_kind kind)
{
	static struct mem_range out[ARRAY_SIZE(boot_info.mem)];
	bool placed = false;
	unsigned n = 0;

	start = kind == MEM_USABLE ? ALIGN_UP(start, PAGE) : ALIGN_DOWN(start, PAGE);
	end = kind == MEM_USABLE ? ALIGN_DOWN(end, PAGE) : ALIGN_UP(end, PAGE);
	if (start >= end)
		return;
	for (unsigned i = 0; i < boot_info.nr_mem; i++) {
		struct mem_range r = boot_info.mem[i];

		put(out, &n, r.start, MIN(r.end, start), r.kind);
		if (!placed && r.end > start) {
			put(out, &n, start, end, kind);
			placed = true;
		}
		put(out, &n, MAX(r.start, end), r.end, r.kind);
	}
	if (!placed)
		put(out, &n, start, end, kind);
	memcpy(boot_info.mem, out, n * sizeof(out[0]));
	boot_info.nr_mem = n;
}

/* Words are separated by blanks; a word matches NAME or NAME=VALUE. */
bool boot_option(const char *name, unsigned nth, char *buf, size_t size)
{
	size_t len = strlen(name);

	for (const char *p = boot_info.cmdline; *p;) {
		size_t n = 0;

		while (*p == ' ')
			p++;
		while (p[n] && p[n] != ' ')
			n++;
		if (n >= len && !strncmp(p, name, len) && (n == len || p[len] == '=')) {
			if (nth-- == 0) {
				size_t value = n == len ? 0 : n - len - 1;

				if (size)
					strlcpy(buf, p + n - value, MIN(value + 1, size));
				return true;
			}
		}
		p += n;
	}
	return false;
}
