/*
 * xarray_test.c - random stores, erasures, marks and searches against a flat model; allocation
 * failure changes nothing.
 */
/* LINK: kernel/lib/xarray.c */
#include <error.h>
#include <slab.h>
#include <string.h>
#include <unit.h>
#include <xarray.h>

#define N 4096u
static void *model[N];
static uint8_t marks[N];
static char things[N * 2];
static const unsigned spread[] = {0, 0, 3, 20, 52}; /* model index << this */

static void *node_alloc(void)
{
	return kmalloc(XA_NODE_BYTES, GFP_ATOMIC | GFP_ZERO);
}
static void node_free(void *p)
{
	kfree(p);
}
static const struct xarray_allocator allocator = {node_alloc, node_free};

static void compare(const struct xarray *xa, unsigned shift, enum xa_mark m)
{
	uint64_t index = 0, i = 0;

	for (;; i++, index++) {
		uint64_t mi = index;
		void *e;

		while (i < N && !(model[i] && marks[i] >> m & 1))
			i++;
		e = xa_find_marked(xa, &mi, UINT64_MAX, m);
		if (i == N) {
			EXPECT(e == NULL);
			break;
		}
		REQUIRE(e == model[i]);
		REQUIRE_EQ(mi, i << shift);
		index = mi;
		if (index == UINT64_MAX)
			break;
	}
	EXPECT_EQ(xa_marked(xa, m), ({
		bool any = false;
		for (i = 0; i < N; i++)
			any |= model[i] && marks[i] >> m & 1;
		any;
	}));
}

static void compare_gather(const struct xarray *xa, unsigned shift)
{
	void *out[7];
	uint64_t index = 0, i = 0;
	unsigned n, k;

	while ((n = xa_gather(xa, &index, UINT64_MAX, out, 7)))
		for (k = 0; k < n; k++, i++) {
			while (i < N && !model[i])
				i++;
			REQUIRE(i < N && out[k] == model[i]);
		}
	for (; i < N; i++)
		REQUIRE(!model[i]);
	(void)shift;
}

/* Each slot that xa_slots() shows is the model's, and it shows one for each entry but a lone one.
 */
static void compare_slots(const struct xarray *xa, unsigned shift)
{
	uint64_t i = unit_below(N), end;
	unsigned n = 0;
	void *const *slot = xa_slots(xa, i << shift, &n);

	if (!slot) {
		REQUIRE(!model[i] || i == 0);
		return;
	}
	REQUIRE(n >= 1 && n <= XA_NODE_SLOTS);
	REQUIRE(slot[0] == model[i]);
	end = shift ? i + 1 : MIN(i + n, (uint64_t)N);
	for (; i < end; i++)
		REQUIRE(*slot++ == model[i]);
}

static void random_run(unsigned shift, unsigned range, bool failing)
{
	struct xarray xa;
	unsigned step;
	long live = alloc_live();

	memset(model, 0, sizeof(model));
	memset(marks, 0, sizeof(marks));
	xarray_set_allocator(&allocator);
	xa_init(&xa);
	for (step = 0; step < 6000; step++) {
		uint64_t i = unit_below(range), index = i << shift;
		void *p = things + 2 * unit_below(N);
		enum xa_mark m = (enum xa_mark)unit_below(XA_MARKS);
		int err;

		if (failing)
			alloc_fail_after((long)unit_below(3));
		switch (unit_below(step < 3000 ? 5 : 8)) {
		case 0:
			err = xa_store(&xa, index, p);
			REQUIRE(!err || (failing && err == -ENOMEM));
			if (!err)
				model[i] = p;
			break;
		case 1:
		case 2:
			err = xa_insert(&xa, index, p);
			REQUIRE(!err || (model[i] && err == -EEXIST) ||
				(!model[i] && failing && err == -ENOMEM));
			if (!err) {
				model[i] = p;
				marks[i] = 0;
			}
			break;
		case 3:
			xa_set_mark(&xa, index, m);
			if (model[i])
				marks[i] |= (uint8_t)(1u << m);
			break;
		case 4:
			xa_clear_mark(&xa, index, m);
			marks[i] &= (uint8_t) ~(1u << m);
			break;
		default:
			REQUIRE(xa_erase(&xa, index) == model[i]);
			model[i] = NULL;
			marks[i] = 0;
		}
		REQUIRE(xa_load(&xa, index) == model[i]);
		REQUIRE_EQ(xa_get_mark(&xa, index, m), model[i] && marks[i] >> m & 1);
		if (step % 64 == 0) {
			compare(&xa, shift, m);
			compare_gather(&xa, shift);
			compare_slots(&xa, shift);
		}
	}
	if (unit_below(2))
		for (step = 0; step < range; step++)
			(void)xa_erase(&xa, (uint64_t)step << shift);
	xa_destroy(&xa);
	EXPECT(xa_empty(&xa));
	EXPECT_EQ(alloc_live(), live);
}

TEST(random_changes_match_a_flat_array)
{
	unsigned k;

	for (k = 0; k < ARRAY_SIZE(spread); k++) {
		random_run(spread[k], k ? N : 3, false);
		random_run(spread[k], k ? 40 : 200, false);
	}
}

TEST(failed_stores_change_nothing)
{
	unsigned k;

	for (k = 0; k < ARRAY_SIZE(spread); k++) {
		random_run(spread[k], N, true);
		random_run(spread[k], 3, true);
	}
}

TEST(nodes_go_away_with_their_last_entry)
{
	struct xarray xa;
	long live = alloc_live();

	xarray_set_allocator(&allocator);
	xa_init(&xa);
	EXPECT_EQ(xa_insert(&xa, 0, things), 0);
	EXPECT_EQ(alloc_live(), live); /* a lone entry at 0 needs no node */
	EXPECT_EQ(xa_insert(&xa, UINT64_MAX, things + 2), 0);
	EXPECT(xa_load(&xa, UINT64_MAX) == things + 2);
	EXPECT(xa_erase(&xa, UINT64_MAX) == things + 2);
	EXPECT_EQ(alloc_live(), live);
	EXPECT(xa_load(&xa, 0) == things);
	EXPECT(xa_erase(&xa, 0) == things);
	EXPECT(xa_empty(&xa));
}
