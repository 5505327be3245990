/*
 * swap_test.c - anonymous memory in swap space: out and back, what happens while it is written,
 * forks, errors of the device, swapoff, and a model. The device is memory.
 */
/* LINK: kernel/mm/mm.c kernel/mm/vma.c kernel/mm/mmap.c kernel/mm/zap.c kernel/mm/tlb.c */
/* LINK: kernel/mm/protect.c kernel/mm/remap.c kernel/mm/brk.c kernel/mm/advise.c */
/* LINK: kernel/mm/lock.c kernel/mm/access.c kernel/mm/fault.c kernel/mm/cow.c kernel/mm/fork.c */
/* LINK: kernel/mm/shmem.c kernel/mm/rmap.c kernel/mm/pagecache.c kernel/mm/readahead.c */
/* LINK: kernel/mm/filewrite.c kernel/mm/truncate.c kernel/mm/dirty.c kernel/mm/writeback.c */
/* LINK: kernel/mm/lazyfree.c kernel/mm/lru.c kernel/mm/reclaim.c kernel/mm/oom.c kernel/mm/stats.c
 */
/* LINK: kernel/mm/swap.c kernel/mm/swapout.c kernel/mm/swapin.c kernel/mm/mm_list.c */
/* LINK: kernel/mm/iov_iter.c kernel/mm/page_wait.c kernel/mm/xarray_nodes.c */
/* LINK: kernel/lib/xarray.c kernel/lib/rbtree.c */
#include "world.h"
#include <swap.h>

#define SLOTS 300u

static struct device {
	uint8_t slot[SLOTS][PAGE_SIZE];
	bool bad[SLOTS];
	int read_error, write_error;
	void (*while_writing)(void);
	unsigned reads, writes;
} device;

static int transfer(void *host, bool write, uint64_t slot, struct page **pages, unsigned n)
{
	struct device *d = host;

	EXPECT(slot > 0 && slot + n <= SLOTS);
	if (write ? d->write_error : d->read_error)
		return write ? d->write_error : d->read_error;
	for (unsigned i = 0; i < n; i++) {
		EXPECT(!d->bad[slot + i]);
		if (write)
			memcpy(d->slot[slot + i], page_address(pages[i]), PAGE_SIZE);
		else
			memcpy(page_address(pages[i]), d->slot[slot + i], PAGE_SIZE);
	}
	if (write && d->while_writing)
		d->while_writing();
	*(write ? &d->writes : &d->reads) += n;
	return 0;
}

static bool usable(void *host, uint64_t slot)
{
	return !((struct device *)host)->bad[slot];
}

static const struct swap_io device_io = {.transfer = transfer, .usable = usable};

static struct mm *new_swapping_mm(unsigned slots)
{
	struct mm *m;

	memset(&device, 0, sizeof(device));
	m = new_mm();
	EXPECT_EQ(swap_on(&device_io, &device, slots, -1), 0);
	return m;
}

static uint64_t used(void)
{
	struct swap_area_info a = {0};

	EXPECT(swap_describe(&device, &a));
	return a.used;
}

/* Everything that nobody touches goes: once round takes the marks, the second time the pages. */
static uint64_t swap_all_out(void)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < 4; i++)
		n += swap_out(UINT64_MAX, 0);
	return n;
}

/* Page @i of the test's memory has the value @i + @add at its start. */
static void fill(struct mm *m, unsigned pages, unsigned add)
{
	for (unsigned i = 0; i < pages; i++)
		EXPECT_EQ(store(m, BASE + i * PAGE_SIZE, (uint8_t)(i + add)), 0);
}

static void check(struct mm *m, unsigned pages, unsigned add)
{
	for (unsigned i = 0; i < pages; i++)
		EXPECT_EQ(load(m, BASE + i * PAGE_SIZE), (uint8_t)(i + add));
}

static void end_swapping_mm(void)
{
	end_mm();
	EXPECT_EQ(used(), 0);
	EXPECT_EQ(swap_off(&device), 0);
}

TEST(unused_memory_goes_out_and_comes_back_as_it_was)
{
	struct mm *m = new_swapping_mm(SLOTS);

	REQUIRE_EQ(map(m, BASE, 200, RW, NULL, 0), 0);
	fill(m, 200, 3);
	EXPECT_EQ(swap_out(UINT64_MAX, 0), 0); /* all was used */
	EXPECT_EQ(swap_all_out(), 200);
	EXPECT_EQ(mm_rss(m), 0);
	EXPECT_EQ(atomic64_read(&m->swap_pages), 200);
	EXPECT_EQ(used(), 200);
	check(m, 200, 3);
	EXPECT_EQ(used(), 0);
	EXPECT_EQ(mm_rss(m), 200);
	EXPECT_EQ(atomic64_read(&m->swap_pages), 0);
	EXPECT_EQ(device.reads, 200); /* neighbours came along, none twice */
	end_swapping_mm();
}

TEST(memory_in_use_stays)
{
	struct mm *m = new_swapping_mm(SLOTS);

	REQUIRE_EQ(map(m, BASE, 64, RW, NULL, 0), 0);
	fill(m, 64, 0);
	for (unsigned round = 0; round < 3; round++) {
		(void)swap_out(UINT64_MAX, 0);
		for (unsigned i = 0; i < 16; i++)
			EXPECT_EQ(load(m, BASE + i * PAGE_SIZE), i);
	}
	for (unsigned i = 0; i < 64; i++)
		EXPECT_EQ(pte_present(*mmu_pte(&m->mmu, BASE + i * PAGE_SIZE)), i < 16);
	REQUIRE_EQ(mm_lock_range(m, BASE, 64 * PAGE_SIZE, true), 0);
	EXPECT_EQ(mm_rss(m), 64);
	EXPECT_EQ(swap_all_out(), 0);
	end_swapping_mm();
}

/* By a processor that remembers the entry as used already. */
static void store_meanwhile(void)
{
	pte_t *pte = mmu_pte(&current->mm->mmu, BASE + 2 * PAGE_SIZE);

	EXPECT_EQ(store(current->mm, BASE + 2 * PAGE_SIZE, 99), 0);
	*pte = pte_mkold(*pte);
}

static void access_meanwhile(void)
{
	uint8_t byte = 99;

	EXPECT_EQ(mm_access(current->mm, BASE + 2 * PAGE_SIZE, &byte, 1, true, false), 1);
}

static void load_meanwhile(void)
{
	EXPECT_EQ(load(current->mm, BASE + 2 * PAGE_SIZE), 2);
}

static void unmap_meanwhile(void)
{
	EXPECT_EQ(mm_advise(current->mm, BASE + 2 * PAGE_SIZE, PAGE_SIZE, ADVISE_DONTNEED), 0);
}

static void changes_while_written(void (*change)(void), int after)
{
	struct mm *m = new_swapping_mm(SLOTS);

	REQUIRE_EQ(map(m, BASE, 5, RW, NULL, 0), 0);
	fill(m, 5, 0);
	EXPECT_EQ(swap_out(UINT64_MAX, 0), 0);
	device.while_writing = change;
	EXPECT_EQ(swap_out(UINT64_MAX, 0), 4);
	device.while_writing = NULL;
	EXPECT_EQ(used(), 4);
	EXPECT_EQ(load(m, BASE + 2 * PAGE_SIZE), after);
	end_swapping_mm();
}

TEST(a_store_while_the_page_is_written_keeps_it)
{
	changes_while_written(store_meanwhile, 99);
}

TEST(a_store_by_the_kernel_while_the_page_is_written_keeps_it)
{
	changes_while_written(access_meanwhile, 99);
}

TEST(a_page_read_while_it_is_written_stays)
{
	changes_while_written(load_meanwhile, 2);
}

TEST(a_page_given_up_while_it_is_written_is_gone)
{
	changes_while_written(unmap_meanwhile, 0);
}

TEST(a_child_reads_its_own_copy)
{
	struct mm *m = new_swapping_mm(SLOTS), *child = NULL;

	REQUIRE_EQ(map(m, BASE, 20, RW, NULL, 0), 0);
	fill(m, 20, 1);
	EXPECT_EQ(swap_all_out(), 20);
	REQUIRE_EQ(mm_fork(m, 0, &child), 0);
	EXPECT_EQ(used(), 20);
	check(m, 20, 1);
	EXPECT_EQ(used(), 20);
	fill(m, 20, 7);
	enter(child);
	check(child, 10, 1);
	EXPECT_EQ(used(), 10 - 6); /* neighbours of the last came along */
	enter(m);
	mm_put(child);
	EXPECT_EQ(used(), 0);
	check(m, 20, 7);
	end_swapping_mm();
}

TEST(memory_shared_by_a_fork_stays)
{
	struct mm *m = new_swapping_mm(SLOTS), *child = NULL;

	REQUIRE_EQ(map(m, BASE, 20, RW, NULL, 0), 0);
	fill(m, 20, 1);
	REQUIRE_EQ(mm_fork(m, 0, &child), 0);
	EXPECT_EQ(swap_all_out(), 0);
	mm_put(child);
	EXPECT_EQ(swap_all_out(), 20);
	check(m, 20, 1);
	end_swapping_mm();
}

TEST(private_copies_of_a_file_go_out_too_and_rights_follow)
{
	struct mm *m = new_swapping_mm(SLOTS);
	struct mapping *file = shmem_mapping_create(8 * PAGE_SIZE);

	REQUIRE_EQ(map(m, BASE, 8, RW, file, 0), 0);
	fill(m, 8, 5);
	EXPECT_EQ(swap_all_out(), 8);
	REQUIRE_EQ(mm_protect(m, BASE, 8 * PAGE_SIZE, VM_READ), 0);
	check(m, 8, 5);
	EXPECT_EQ(store(m, BASE, 1), -EACCES);
	REQUIRE_EQ(mm_protect(m, BASE, 8 * PAGE_SIZE, VM_READ | VM_WRITE), 0);
	EXPECT_EQ(swap_all_out(), 8);
	fill(m, 8, 6);
	check(m, 8, 6);
	end_mm();
	shmem_mapping_put(file);
	EXPECT_EQ(used(), 0);
	EXPECT_EQ(swap_off(&device), 0);
}

TEST(a_slot_that_cannot_be_written_is_not_used_again)
{
	struct mm *m = new_swapping_mm(SLOTS);
	struct swap_area_info a;

	REQUIRE_EQ(map(m, BASE, 20, RW, NULL, 0), 0);
	fill(m, 20, 1);
	device.write_error = -EIO;
	EXPECT_EQ(swap_all_out(), 0);
	EXPECT_EQ(mm_rss(m), 20);
	EXPECT(swap_describe(&device, &a));
	EXPECT(a.slots < SLOTS - 1 && a.used == 0);
	for (unsigned i = 0; i < SLOTS - 1 - a.slots; i++)
		device.bad[i + 1] = true; /* they were the first */
	device.write_error = 0;
	EXPECT_EQ(swap_all_out(), 20);
	check(m, 20, 1);
	end_swapping_mm();
}

TEST(what_cannot_be_read_is_an_error_and_stays_where_it_is)
{
	struct mm *m = new_swapping_mm(SLOTS);

	REQUIRE_EQ(map(m, BASE, 20, RW, NULL, 0), 0);
	fill(m, 20, 1);
	EXPECT_EQ(swap_all_out(), 20);
	device.read_error = -EIO;
	EXPECT_EQ(load(m, BASE), -EIO);
	EXPECT_EQ(swap_off(&device), -EIO);
	device.read_error = 0;
	EXPECT_EQ(used(), 20);
	alloc_fail_after(0);
	EXPECT_EQ(load(m, BASE), -ENOMEM);
	alloc_fail_after(-1);
	check(m, 20, 1);
	end_swapping_mm();
}

TEST(a_full_or_holed_area_gives_what_it_has)
{
	struct mm *m;

	start();
	memset(&device, 0, sizeof(device));
	m = new_mm();
	for (unsigned i = 0; i < SLOTS; i += 3)
		device.bad[i] = true;
	REQUIRE_EQ(swap_on(&device_io, &device, 30, 4), 0);
	REQUIRE_EQ(map(m, BASE, 64, RW, NULL, 0), 0);
	fill(m, 64, 1);
	EXPECT_EQ(swap_all_out(), 20);
	EXPECT(!swap_has_room());
	check(m, 64, 1);
	end_swapping_mm();
	for (unsigned i = 0; i < SLOTS; i++)
		device.bad[i] = true;
	EXPECT_EQ(swap_on(&device_io, &device, SLOTS, -1), -EINVAL);
	EXPECT_EQ(swap_on(&device_io, &device, 1, -1), -EINVAL);
}

TEST(swapoff_brings_everything_back)
{
	struct mm *m = new_swapping_mm(SLOTS), *child = NULL;

	REQUIRE_EQ(map(m, BASE, 100, RW, NULL, 0), 0);
	fill(m, 100, 1);
	EXPECT_EQ(swap_all_out(), 100);
	REQUIRE_EQ(mm_fork(m, 0, &child), 0);
	EXPECT_EQ(swap_off(&device), 0);
	EXPECT_EQ(mm_rss(m), 100);
	EXPECT_EQ(mm_rss(child), 100);
	check(m, 100, 1);
	mm_put(child);
	end_mm();
}

TEST(random_use_agrees_with_a_model)
{
	struct mm *m = new_swapping_mm(SLOTS), *other = NULL;
	static uint8_t model[2][100];

	REQUIRE_EQ(map(m, BASE, 100, RW, NULL, 0), 0);
	REQUIRE_EQ(mm_fork(m, 0, &other), 0);
	memset(model, 0, sizeof(model));
	for (unsigned step = 0; step < 20000; step++) {
		unsigned who = (unsigned)unit_below(2), page = (unsigned)unit_below(100);
		vaddr_t va = BASE + page * PAGE_SIZE;

		enter(who ? other : m);
		switch (unit_below(8)) {
		case 0:
			(void)swap_out(1 + unit_below(100), (unsigned)unit_below(4));
			break;
		case 1:
			EXPECT_EQ(mm_advise(current->mm, va, PAGE_SIZE, ADVISE_DONTNEED), 0);
			model[who][page] = 0;
			break;
		case 2:
		case 3:
			model[who][page] = (uint8_t)unit_below(256);
			EXPECT_EQ(store(current->mm, va, model[who][page]), 0);
			break;
		case 4:
			if (step % 64)
				break;
			mm_put(other);
			enter(m);
			REQUIRE_EQ(mm_fork(m, BASE, &other), 0);
			memcpy(model[1], model[0], sizeof(model[0]));
			break;
		default:
			EXPECT_EQ(load(current->mm, va), model[who][page]);
		}
	}
	for (unsigned i = 0; i < 100; i++)
		for (unsigned who = 0; who < 2; who++) {
			enter(who ? other : m);
			EXPECT_EQ(load(current->mm, BASE + i * PAGE_SIZE), model[who][i]);
		}
	EXPECT(device.writes > 1000 && device.reads > 500);
	enter(m);
	mm_put(other);
	end_swapping_mm();
}
