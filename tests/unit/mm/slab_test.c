/*
 * slab_test.c - caches and kmalloc: distinct aligned objects, constructed objects, large blocks,
 * damage is noticed.
 */
/* LINK: kernel/mm/slab.c kernel/mm/kmalloc.c */
#include <slab.h>
#include <string.h>
#include <unit.h>
#include "kernel/mm/internal.h"

DEFINE_PER_CPU(struct page_stats, page_stats);

static void start(void)
{
	static bool done;

	if (!done)
		slab_init();
	done = true;
}

TEST(sizes_from_one_byte_to_four_megabytes)
{
	start();
	for (size_t n = 1; n <= 4u << 20; n += n < 300 ? 1 : n / 3) {
		uint8_t *p = kmalloc(n, GFP_KERNEL);

		REQUIRE(p != NULL);
		EXPECT(IS_ALIGNED((uintptr_t)p, 16));
		memset(p, 0xab, n);
		EXPECT_EQ(p[n - 1], 0xab);
		kfree(p);
	}
	EXPECT(!kmalloc((4u << 20) + 1, GFP_KERNEL));
	EXPECT(!kcalloc(SIZE_MAX / 2, 3));
}

TEST(objects_do_not_overlap_and_pages_come_back)
{
	static struct {
		uint64_t *p;
		size_t words;
	} held[2000];
	unsigned n = 0;
	long before;

	start();
	before = alloc_live();
	for (unsigned step = 0; step < 100000; step++) {
		if (n < ARRAY_SIZE(held) && unit_below(2)) {
			size_t words = 1 + unit_below(unit_below(4) ? 30 : 600);
			uint64_t *p = kmalloc(words * 8, GFP_KERNEL);

			REQUIRE(p != NULL);
			for (size_t i = 0; i < words; i++)
				p[i] = (uintptr_t)p + i;
			held[n].p = p;
			held[n++].words = words;
		} else if (n) {
			unsigned i = (unsigned)unit_below(n);

			for (size_t w = 0; w < held[i].words; w++)
				REQUIRE_EQ(held[i].p[w], (uintptr_t)held[i].p + w);
			kfree(held[i].p);
			held[i] = held[--n];
		}
	}
	while (n)
		kfree(held[--n].p);
	EXPECT(alloc_live() - before < 80); /* magazines and one spare slab per cache stay */
}

struct thing {
	uint32_t magic, data[20];
};
static void construct(void *p)
{
	((struct thing *)p)->magic = 0x600d;
}

TEST(constructed_objects_stay_constructed)
{
	struct slab_cache *c;
	struct thing *t[100];

	start();
	c = slab_cache_create("thing", sizeof(struct thing), 64, construct);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
			REQUIRE((t[i] = slab_alloc(c, GFP_KERNEL)) != NULL);
			EXPECT_EQ(t[i]->magic, 0x600d);
			EXPECT(IS_ALIGNED((uintptr_t)t[i], 64));
			memset(t[i]->data, (int)i, sizeof(t[i]->data));
		}
		for (unsigned i = 0; i < ARRAY_SIZE(t); i++)
			slab_free(c, t[i]);
	}
}

TEST(no_memory_gives_null_and_nothing_is_lost)
{
	void *p[64];
	unsigned n = 0;

	start();
	alloc_fail_after(1);
	while (n < ARRAY_SIZE(p) && (p[n] = kmalloc(7000, GFP_KERNEL)) != NULL)
		n++;
	EXPECT(n > 0 && n < ARRAY_SIZE(p));
	alloc_fail_after(-1);
	while (n)
		kfree(p[--n]);
	p[0] = kmalloc(7000, GFP_KERNEL);
	EXPECT(p[0] != NULL);
	kfree(p[0]);
}

TEST(zeroed_memory_is_zero_and_strings_are_copied)
{
	uint8_t *p;
	char *s;

	start();
	p = kmalloc(100, GFP_KERNEL);
	memset(p, 0xff, 100);
	kfree(p);
	p = kzalloc(100);
	for (unsigned i = 0; i < 100; i++)
		EXPECT_EQ(p[i], 0);
	kfree(p);
	s = kstrdup("ambit");
	EXPECT_STR(s, "ambit");
	kfree(s);
	s = kstrndup("ambit", 2);
	EXPECT_STR(s, "am");
	kfree(s);
	kfree(NULL);
}
