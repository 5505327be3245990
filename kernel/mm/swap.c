/*
 * swap.c - swap areas and their slots.
 *
 * Theory. There is no cache of swapped pages. A page-table entry names a slot only after the page
 * was written there (swapout.c), and a page that is read back leaves its slot at once (swapin.c).
 * So a slot holds good contents exactly while it has users. Its users are entries - several after
 * a fork, each of which will read its own copy - and readers, who keep the slot from being used
 * anew while they wait for the disk.
 *
 * Counts lie in chunks of one page; a chunk knows how many of its slots are free. Slots are given
 * out in runs, going round the area, so that pages that are neighbours in memory are neighbours on
 * the disk.
 *
 * Locks: areas_lock, inside page-table locks, guards the table of areas and their counts. An area
 * stays while a place in it is alive, so who holds a place needs no lock to reach the area, and
 * swap_off(), which takes it off the table, waits until nothing lies there.
 */
#include <debug.h>
#include <error.h>
#include <log.h>
#include <sched.h>
#include <slab.h>
#include "swap.h"

#define MAX_AREAS   29u /* as Linux: five bits, less those it keeps for itself */
#define AREA_SHIFT  35u
#define CHUNK_SLOTS (PAGE_SIZE / sizeof(uint32_t))
#define SLOT_BAD    UINT32_MAX

static_assert(SWAP_MAX_SLOTS == 1ull << AREA_SHIFT, "a place is 40 bits");

struct chunk {
	uint32_t *users; /* of each slot; SLOT_BAD: never given out */
	uint32_t nr_free;
};
/* Key: [l] areas_lock  [c] constant */
struct area {
	const struct swap_io *io; /* [c] */
	void *host;               /* [c] */
	unsigned number;          /* [c] */
	int priority;             /* [c] */
	bool closing;             /* [l] gives out nothing any more */
	uint64_t usable, nr_free; /* [l] slots */
	uint64_t next;            /* [l] chunk to look at first */
	uint64_t nr_chunks;       /* [c] */
	struct chunk chunks[];
};

static struct spinlock areas_lock = SPINLOCK_INIT("swap areas");
static struct area *areas[MAX_AREAS]; /* [l] */
static unsigned last_used;            /* [l] area */
static int lowest_priority = -1;      /* [l] of those that we gave */
static atomic64_t free_slots;

bool swap_has_room(void)
{
	return atomic64_read(&free_slots) > 0;
}

static struct area *area_of(uint64_t place)
{
	return READ_ONCE(areas[place >> AREA_SHIFT]);
}

unsigned swap_area_of(uint64_t place)
{
	return (unsigned)(place >> AREA_SHIFT);
}

static uint64_t slot_of(uint64_t place)
{
	return place & (SWAP_MAX_SLOTS - 1);
}

static uint32_t *users_of(struct area *a, uint64_t slot)
{
	return &a->chunks[slot / CHUNK_SLOTS].users[slot % CHUNK_SLOTS];
}

/* areas_lock held. @n slots fewer are free. */
static void count_free(struct area *a, uint64_t slot, int n)
{
	a->chunks[slot / CHUNK_SLOTS].nr_free += (uint32_t)n;
	a->nr_free += (uint64_t)(int64_t)n;
	if (!a->closing)
		atomic64_add(&free_slots, n);
}

/* ---- giving out ---- */

/* areas_lock held. Of equal priority each in turn. */
static struct area *choose_area(void)
{
	struct area *best = NULL;

	for (unsigned i = 1; i <= MAX_AREAS; i++) {
		struct area *a = areas[(last_used + i) % MAX_AREAS];

		if (a && !a->closing && a->nr_free && (!best || a->priority > best->priority))
			best = a;
	}
	return best;
}

/* areas_lock held; the chunk has a free slot. The first run of them, @want at most. */
static unsigned take_run(struct area *a, uint64_t chunk, unsigned want, uint64_t *slot)
{
	uint32_t *users = a->chunks[chunk].users;
	unsigned first = 0, n = 0;

	while (users[first])
		first++;
	while (n < want && first + n < CHUNK_SLOTS && !users[first + n])
		users[first + n++] = 1;
	*slot = chunk * CHUNK_SLOTS + first;
	count_free(a, *slot, -(int)n);
	return n;
}

unsigned swap_take(unsigned want, uint64_t *place)
{
	uint64_t slot = 0;
	struct area *a;
	unsigned n = 0;

	spin_lock(&areas_lock);
	a = choose_area();
	if (a) {
		while (!a->chunks[a->next].nr_free)
			a->next = (a->next + 1) % a->nr_chunks;
		n = take_run(a, a->next, want, &slot);
		last_used = a->number;
		*place = (uint64_t)a->number << AREA_SHIFT | slot;
	}
	spin_unlock(&areas_lock);
	return n;
}

void swap_get(uint64_t place)
{
	spin_lock(&areas_lock);
	++*users_of(area_of(place), slot_of(place));
	spin_unlock(&areas_lock);
}

void swap_put(uint64_t place, unsigned n)
{
	struct area *a = area_of(place);

	spin_lock(&areas_lock);
	for (uint64_t slot = slot_of(place); n > 0; n--, slot++) {
		ASSERT(*users_of(a, slot) != 0 && *users_of(a, slot) != SLOT_BAD);
		if (--*users_of(a, slot) == 0)
			count_free(a, slot, 1);
	}
	spin_unlock(&areas_lock);
}

void swap_spoil(uint64_t place, unsigned n)
{
	struct area *a = area_of(place);

	spin_lock(&areas_lock);
	for (uint64_t slot = slot_of(place); n > 0; n--, slot++) {
		*users_of(a, slot) = SLOT_BAD;
		a->usable--;
	}
	spin_unlock(&areas_lock);
}

int swap_transfer(bool write, uint64_t place, struct page **pages, unsigned n)
{
	struct area *a = area_of(place);
	int err = a->io->transfer(a->host, write, slot_of(place), pages, n);

	if (err)
		log_ratelimited(LOG_ERR, "swap: %s %u pages at %llu of area %u failed: %d",
			write ? "writing" : "reading", n, (unsigned long long)slot_of(place),
			a->number, err);
	else
		stat_add(write ? STAT_SWAP_OUT : STAT_SWAP_IN, n);
	return err;
}

/* ---- areas ---- */

static void area_free(struct area *a)
{
	for (uint64_t i = 0; i < a->nr_chunks; i++)
		if (a->chunks[i].users)
			page_free(virt_to_page(a->chunks[i].users), 0);
	kfree(a);
}

static int fill_chunk(struct area *a, uint64_t i, uint64_t slots)
{
	struct page *p = page_alloc(0, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	a->chunks[i].users = page_address(p);
	for (uint64_t k = 0, slot = i * CHUNK_SLOTS; k < CHUNK_SLOTS; k++, slot++) {
		bool usable = slot > 0 && slot < slots && a->io->usable(a->host, slot);

		a->chunks[i].users[k] = usable ? 0 : SLOT_BAD;
		a->chunks[i].nr_free += usable;
	}
	a->nr_free += a->chunks[i].nr_free;
	return 0;
}

static int area_make(const struct swap_io *io, void *host, uint64_t slots, struct area **out)
{
	uint64_t nr_chunks = DIV_ROUND_UP(slots, CHUNK_SLOTS);
	struct area *a = kmalloc(
		sizeof(*a) + nr_chunks * sizeof(struct chunk), GFP_KERNEL | GFP_ZERO);
	int err = a ? 0 : -ENOMEM;

	if (err)
		return err;
	a->io = io;
	a->host = host;
	a->nr_chunks = nr_chunks;
	for (uint64_t i = 0; i < nr_chunks && !err; i++) {
		err = fill_chunk(a, i, slots);
		cond_resched();
	}
	a->usable = a->nr_free;
	if (!err && !a->usable)
		err = -EINVAL;
	if (err)
		area_free(a);
	else
		*out = a;
	return err;
}

int swap_on(const struct swap_io *io, void *host, uint64_t slots, int priority)
{
	struct area *a = NULL;
	unsigned i = 0;
	int err;

	if (slots > SWAP_MAX_SLOTS)
		slots = SWAP_MAX_SLOTS;
	err = area_make(io, host, slots, &a);
	if (err)
		return err;
	spin_lock(&areas_lock);
	while (i < MAX_AREAS && areas[i])
		i++;
	if (i < MAX_AREAS) {
		a->number = i;
		a->priority = priority < 0 ? --lowest_priority : priority;
		areas[i] = a;
		atomic64_add(&free_slots, (int64_t)a->nr_free);
	}
	spin_unlock(&areas_lock);
	if (i < MAX_AREAS)
		return 0;
	area_free(a);
	return -EPERM;
}

/* areas_lock held. */
static struct area *find_area(const void *host)
{
	for (unsigned i = 0; i < MAX_AREAS; i++)
		if (areas[i] && areas[i]->host == host)
			return areas[i];
	return NULL;
}

uint64_t swap_area_used(unsigned number)
{
	const struct area *a = areas[number];

	return READ_ONCE(a->usable) - READ_ONCE(a->nr_free);
}

static void set_closing(struct area *a, bool closing)
{
	spin_lock(&areas_lock);
	a->closing = closing;
	atomic64_add(&free_slots, closing ? -(int64_t)a->nr_free : (int64_t)a->nr_free);
	spin_unlock(&areas_lock);
}

/* Is there room for what lies in the area, in memory or the other areas? */
static bool fits(const struct area *a)
{
	struct mem_stats s;

	mem_stats(&s);
	return swap_area_used(a->number) < s.available + (uint64_t)atomic64_read(&free_slots);
}

int swap_off(void *host)
{
	struct area *a;
	int err;

	spin_lock(&areas_lock);
	a = find_area(host);
	spin_unlock(&areas_lock);
	ASSERT(a && !a->closing);
	set_closing(a, true);
	err = fits(a) ? swap_bring_back(a->number) : -ENOMEM;
	if (err) {
		set_closing(a, false);
		return err;
	}
	spin_lock(&areas_lock);
	areas[a->number] = NULL;
	spin_unlock(&areas_lock);
	area_free(a);
	return 0;
}

bool swap_describe(const void *host, struct swap_area_info *out)
{
	const struct area *a;

	spin_lock(&areas_lock);
	a = find_area(host);
	if (a)
		*out = (struct swap_area_info){
			.slots = a->usable,
			.used = a->usable - a->nr_free,
			.priority = a->priority,
		};
	spin_unlock(&areas_lock);
	return a != NULL;
}

void swap_count(uint64_t *total, uint64_t *free)
{
	*total = *free = 0;
	spin_lock(&areas_lock);
	for (unsigned i = 0; i < MAX_AREAS; i++) {
		if (!areas[i] || areas[i]->closing)
			continue;
		*total += areas[i]->usable;
		*free += areas[i]->nr_free;
	}
	spin_unlock(&areas_lock);
}
