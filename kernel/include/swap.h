/*
 * swap.h - swap space: where anonymous memory waits while programs do not use it.
 *
 * An area is a device or file of slots of one page each; slot 0 is its header's. mm/ decides what
 * goes there (swapout.c) and brings it back (swapin.c); vfs/swapfile.c does the reading and
 * writing.
 */
#pragma once
#include <page.h>

struct swap_io {
	/* The pages from or to the @n slots from @slot on. Sleeps. 0 or -errno. */
	int (*transfer)(void *host, bool write, uint64_t slot, struct page **pages, unsigned n);
	/* May the slot be used? Asked once of each while the area is set up. */
	bool (*usable)(void *host, uint64_t slot);
};
#define SWAP_MAX_SLOTS (1ull << 35)

/* Begin to use an area of @slots slots; @priority: highest first, -1: below all so far. @host is
 * what names it from now on. 0, -EPERM (too many areas), -ENOMEM, -EINVAL (no usable slot). */
int __must_check swap_on(const struct swap_io *io, void *host, uint64_t slots, int priority);
/* Bring back all that is there and stop using it: 0; -ENOMEM: it would not fit into memory, -EINTR,
 * -EIO: the area stays in use. Sleeps long; one at a time for each area. */
int __must_check swap_off(void *host);
struct swap_area_info {
	uint64_t slots, used; /* usable ones */
	int priority;
};
bool swap_describe(const void *host, struct swap_area_info *out);
