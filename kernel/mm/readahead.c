/*
 * readahead.c - which pages to read before they are asked for.
 *
 * A reader that goes forward gets a window that doubles up to WINDOW_MAX; the page `async` before
 * the window's end carries PG_READAHEAD, and touching it starts the next window while the rest of
 * this one is still being used. A reader that jumps gets what it asks for. State is per open file
 * and unlocked: threads that share it can only make it guess badly.
 */
#include "internal.h"

#define WINDOW_MIN 4u
#define WINDOW_MAX 64u /* 256 KiB */

static uint32_t round_window(uint32_t want)
{
	uint32_t n = WINDOW_MIN;

	while (n < want && n < WINDOW_MAX)
		n *= 2;
	return n;
}

static void start_window(struct mapping *m, struct readahead *ra)
{
	uint64_t mark = ra->async ? ra->start + ra->size - ra->async : UINT64_MAX;

	(void)!pagecache_read_range(m, ra->start, ra->size,
		mark); /* only a guess: the reader asks again for what it needs */
}

void readahead_miss(struct mapping *m, struct readahead *ra, uint64_t index, unsigned want)
{
	bool forward = index == 0 || index - ra->prev <= 1;

	if (forward && ra->size && index == ra->start + ra->size) {
		ra->start = index;
		ra->size = MIN(ra->size * 2, WINDOW_MAX);
		ra->async = ra->size;
	} else if (forward) {
		ra->start = index;
		ra->size = round_window(want * 2);
		ra->async = ra->size > want ? ra->size - want : 0;
	} else {
		ra->start = index;
		ra->size = MIN(want, WINDOW_MAX);
		ra->async = 0;
	}
	start_window(m, ra);
}

void readahead_hit(struct mapping *m, struct readahead *ra, uint64_t index)
{
	if (index < ra->start || index >= ra->start + ra->size) { /* another reader's mark */
		ra->start = index;
		ra->size = WINDOW_MIN;
	}
	ra->start += ra->size;
	ra->size = MIN(ra->size * 2, WINDOW_MAX);
	ra->async = ra->size;
	start_window(m, ra);
}
