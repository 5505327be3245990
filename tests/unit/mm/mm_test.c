/*
 * mm_test.c - address spaces and the page cache together, over the host's page tables: a model of
 * mappings, copy on write, shared memory, files that are written, mapped and cut, moving mappings,
 * and running out of memory in fork.
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

/* ---- the tree against a model ---- */

#define MODEL_PAGES 200u
static uint32_t model[MODEL_PAGES]; /* rights + 1 of each page, 0: not mapped */

static bool tree_is_sound(struct mm *m)
{
	vaddr_t below = 0;
	unsigned n = 0;

	for (struct vma *v = mm_find(m, 0); v; v = vma_next(v), n++) {
		if (v->start < below || v->start >= v->end || v->gap != v->start - below ||
			v->max_gap < v->gap)
			return false;
		below = v->end;
	}
	return n == m->nr_vmas;
}

static bool agrees(struct mm *m)
{
	uint64_t pages = 0;

	for (unsigned i = 0; i < MODEL_PAGES; i++) {
		struct vma *v = vma_at(m, BASE + i * PAGE_SIZE);

		if ((v ? vma_prot(v) + 1 : 0) != model[i])
			return false;
		pages += v != NULL;
	}
	return pages == m->total_pages;
}

TEST(random_map_unmap_protect_agree_with_a_model)
{
	struct mm *m = new_mm();

	REQUIRE(m != NULL);
	memset(model, 0, sizeof(model));
	for (unsigned step = 0; step < 20000; step++) {
		unsigned at = (unsigned)unit_below(MODEL_PAGES),
			 n = 1 + (unsigned)unit_below(MIN(20u, MODEL_PAGES - at));
		uint32_t prot = unit_below(2) ? VM_READ | VM_WRITE : VM_READ;
		vaddr_t va = BASE + at * PAGE_SIZE;
		bool hole = false;

		switch (unit_below(4)) {
		case 0:
			REQUIRE_EQ(map(m, va, n, (RW & ~3u) | prot, NULL, 0), 0);
			for (unsigned i = at; i < at + n; i++)
				model[i] = prot + 1;
			break;
		case 1:
			REQUIRE_EQ(mm_unmap(m, va, n * PAGE_SIZE), 0);
			memset(model + at, 0, n * sizeof(model[0]));
			break;
		case 2:
			for (unsigned i = at; i < at + n && !hole; i++) {
				hole = !model[i];
				model[i] = hole ? 0 : prot + 1;
			}
			REQUIRE_EQ(mm_protect(m, va, n * PAGE_SIZE, prot), hole ? -ENOMEM : 0);
			break;
		default:
			if (model[at])
				REQUIRE_EQ(store(m, va, 1), model[at] - 1 == VM_READ ? -EACCES : 0);
			else
				REQUIRE_EQ(store(m, va, 1), -EFAULT);
		}
		if (step % 16 == 0)
			REQUIRE(tree_is_sound(m) && agrees(m));
	}
	REQUIRE(tree_is_sound(m) && agrees(m));
	end_mm();
}

TEST(places_are_found_top_down_in_the_highest_gap)
{
	struct mm *m = new_mm();
	struct vm_map_args a = {.length = 16 * PAGE_SIZE, .flags = RW | VM_NORESERVE};
	vaddr_t first, second, third;

	m->mmap_base = 0x7000000000;
	REQUIRE_EQ(mm_map(m, &a, &first), 0);
	EXPECT_EQ(first, 0x7000000000 - 16 * PAGE_SIZE);
	a.flags = VM_READ | VM_MAYREAD; /* not alike, so that they do not merge */
	REQUIRE_EQ(mm_map(m, &a, &second), 0);
	EXPECT_EQ(second, first - 16 * PAGE_SIZE);
	REQUIRE_EQ(mm_unmap(m, first, 8 * PAGE_SIZE), 0);
	a.length = 8 * PAGE_SIZE;
	REQUIRE_EQ(mm_map(m, &a, &third), 0);
	EXPECT_EQ(third, first);
	a.length = 9 * PAGE_SIZE;
	REQUIRE_EQ(mm_map(m, &a, &third), 0);
	EXPECT_EQ(third, second - 9 * PAGE_SIZE);
	a.noreplace = true;
	a.addr = first;
	EXPECT_EQ(mm_map(m, &a, &third), -EEXIST);
	end_mm();
}

/* ---- anonymous memory ---- */

TEST(anonymous_memory_reads_zero_and_keeps_stores)
{
	struct mm *m = new_mm();

	REQUIRE_EQ(map(m, BASE, 100, RW, NULL, 0), 0);
	EXPECT_EQ(load(m, BASE), 0);
	EXPECT_EQ(mm_rss(m), 0);
	EXPECT_EQ(store(m, BASE + 5, 7), 0);
	EXPECT_EQ(load(m, BASE + 5), 7);
	EXPECT_EQ(load(m, BASE), 0);
	EXPECT_EQ(mm_rss(m), 1);
	EXPECT_EQ(mm_advise(m, BASE, PAGE_SIZE, ADVISE_DONTNEED), 0);
	EXPECT_EQ(load(m, BASE + 5), 0);
	EXPECT_EQ(mm_rss(m), 0);
	EXPECT_EQ(load(m, BASE + 100 * PAGE_SIZE), -EFAULT);
	end_mm();
}

TEST(small_writable_memory_that_is_read_gets_its_page_at_once)
{
	struct mm *m = new_mm();

	REQUIRE_EQ(map(m, BASE, 4, RW, NULL, 0), 0);
	EXPECT_EQ(load(m, BASE), 0);
	EXPECT_EQ(mm_rss(m), 1);
	EXPECT(pte_write(pte_load(mmu_pte(&m->mmu, BASE))));
	REQUIRE_EQ(map(m, BASE + 0x100000, 4, VM_READ | VM_MAYREAD, NULL, 0), 0);
	EXPECT_EQ(load(m, BASE + 0x100000), 0);
	EXPECT_EQ(mm_rss(m), 1);
	end_mm();
}

TEST(memory_given_up_goes_when_it_is_wanted_unless_used_again)
{
	struct mm *m = new_mm(), *child = NULL;

	REQUIRE_EQ(map(m, BASE, 4, RW, NULL, 0), 0);
	for (unsigned i = 0; i < 4; i++)
		EXPECT_EQ(store(m, BASE + i * PAGE_SIZE, (uint8_t)(i + 1)), 0);
	EXPECT_EQ(lazy_reclaim(10), 0);
	EXPECT_EQ(mm_advise(m, BASE, 3 * PAGE_SIZE, ADVISE_FREE), 0);
	EXPECT_EQ(load(m, BASE), 1);
	EXPECT_EQ(store(m, BASE + PAGE_SIZE, 7), 0);
	EXPECT_EQ(lazy_reclaim(1), 1);
	EXPECT_EQ(lazy_reclaim(10), 1);
	EXPECT_EQ(mm_rss(m), 2);
	EXPECT_EQ(load(m, BASE), 0);
	EXPECT_EQ(load(m, BASE + PAGE_SIZE), 7);
	EXPECT_EQ(load(m, BASE + 2 * PAGE_SIZE), 0);
	EXPECT_EQ(load(m, BASE + 3 * PAGE_SIZE), 4);
	EXPECT_EQ(mm_rss(m), 4); /* reading brought pages of zeros back */
	EXPECT_EQ(mm_advise(m, BASE, 4 * PAGE_SIZE, ADVISE_FREE), 0);
	REQUIRE_EQ(mm_fork(m, 0, &child), 0);
	EXPECT_EQ(lazy_reclaim(10), 0); /* the child has them too */
	mm_put(child);
	EXPECT_EQ(lazy_reclaim(10), 4);
	EXPECT_EQ(mm_advise(m, BASE, 4 * PAGE_SIZE, ADVISE_FREE), 0);
	end_mm();
	EXPECT_EQ(lazy_reclaim(10), 0);
}

TEST(fork_copies_on_write_both_ways)
{
	long before;
	struct mm *m = new_mm(), *child = NULL;

	before = alloc_live();
	REQUIRE_EQ(map(m, BASE, 3, RW, NULL, 0), 0);
	REQUIRE_EQ(store(m, BASE, 1), 0);
	REQUIRE_EQ(store(m, BASE + PAGE_SIZE, 2), 0);
	REQUIRE_EQ(mm_fork(m, BASE, &child), 0);
	EXPECT_EQ(store(m, BASE, 11), 0);
	enter(child);
	EXPECT_EQ(load(child, BASE), 1);
	EXPECT_EQ(store(child, BASE + PAGE_SIZE, 22), 0);
	enter(m);
	EXPECT_EQ(load(m, BASE), 11);
	EXPECT_EQ(load(m, BASE + PAGE_SIZE), 2);
	mm_put(child);
	EXPECT_EQ(store(m, BASE + PAGE_SIZE, 3), 0); /* alone again: no copy */
	EXPECT_EQ(mm_rss(m), 2);
	EXPECT_EQ(mm_unmap(m, BASE, 3 * PAGE_SIZE), 0);
	EXPECT_EQ(mm_rss(m), 0);
	EXPECT_EQ(alloc_live(), before);
	end_mm();
}

TEST(fork_copies_the_page_in_use_as_stack_at_once)
{
	struct mm *m = new_mm(), *child = NULL, *third = NULL;

	REQUIRE_EQ(map(m, BASE, 3, RW, NULL, 0), 0);
	REQUIRE_EQ(store(m, BASE, 1), 0);
	REQUIRE_EQ(store(m, BASE + PAGE_SIZE + 5, 2), 0);
	REQUIRE_EQ(mm_fork(m, BASE + PAGE_SIZE + 300, &child), 0);
	EXPECT(!pte_write(pte_load(mmu_pte(&m->mmu, BASE))));
	EXPECT(pte_write(pte_load(mmu_pte(&m->mmu, BASE + PAGE_SIZE))));
	EXPECT(pte_write(pte_load(mmu_pte(&child->mmu, BASE + PAGE_SIZE))));
	EXPECT_EQ(mm_rss(child), 2);
	EXPECT_EQ(store(m, BASE + PAGE_SIZE + 5, 3), 0);
	mm_get(m); /* a second user, who might write: copied when written to, like any page */
	REQUIRE_EQ(mm_fork(m, BASE + PAGE_SIZE, &third), 0);
	EXPECT(!pte_write(pte_load(mmu_pte(&m->mmu, BASE + PAGE_SIZE))));
	mm_put(m);
	enter(child);
	EXPECT_EQ(load(child, BASE + PAGE_SIZE + 5), 2);
	EXPECT_EQ(load(child, BASE), 1);
	enter(m);
	mm_put(child);
	mm_put(third);
	end_mm();
}

TEST(shared_anonymous_memory_is_the_same_after_fork)
{
	struct mm *m = new_mm(), *child = NULL;

	REQUIRE_EQ(map(m, BASE, 4, RW | VM_SHARED, NULL, 0), 0);
	REQUIRE_EQ(store(m, BASE, 5), 0);
	REQUIRE_EQ(mm_fork(m, BASE, &child), 0);
	enter(child);
	EXPECT_EQ(load(child, BASE), 5);
	EXPECT_EQ(store(child, BASE + PAGE_SIZE, 6), 0);
	enter(m);
	EXPECT_EQ(load(m, BASE + PAGE_SIZE), 6);
	mm_put(child);
	EXPECT_EQ(load(m, BASE + PAGE_SIZE), 6);
	end_mm();
}

TEST(fork_survives_every_allocation_failing)
{
	struct mm *m = new_mm(), *child = NULL;
	int err = -ENOMEM;
	long before;

	for (unsigned i = 0; i < 8; i++) {
		REQUIRE_EQ(map(m, BASE + i * 0x400000, 2, i & 1 ? RW | VM_SHARED : RW, NULL, 0), 0);
		REQUIRE_EQ(store(m, BASE + i * 0x400000, (uint8_t)i), 0);
	}
	before = alloc_live();
	for (long n = 0; err == -ENOMEM && n < 200; n++) {
		alloc_fail_after(n);
		err = mm_fork(m, BASE, &child);
		alloc_fail_after(-1);
		if (err)
			EXPECT_EQ(alloc_live(), before);
	}
	REQUIRE_EQ(err, 0);
	mm_put(child);
	EXPECT_EQ(alloc_live(), before);
	for (unsigned i = 0; i < 8; i++)
		EXPECT_EQ(load(m, BASE + i * 0x400000), i);
	end_mm();
}

TEST(remap_moves_contents_and_brk_grows)
{
	struct mm *m = new_mm();
	vaddr_t to;

	REQUIRE_EQ(map(m, BASE, 4, RW, NULL, 0), 0);
	REQUIRE_EQ(map(m, BASE + 4 * PAGE_SIZE, 1, VM_READ | VM_MAYREAD, NULL, 0), 0);
	REQUIRE_EQ(store(m, BASE + PAGE_SIZE, 9), 0);
	EXPECT_EQ(mm_remap(m, BASE, 4 * PAGE_SIZE, 8 * PAGE_SIZE, 0, 0, &to), -ENOMEM);
	REQUIRE_EQ(mm_remap(m, BASE, 4 * PAGE_SIZE, 8 * PAGE_SIZE, 1, 0, &to), 0);
	EXPECT(to != BASE);
	EXPECT_EQ(load(m, to + PAGE_SIZE), 9);
	EXPECT_EQ(load(m, BASE + PAGE_SIZE), -EFAULT);
	EXPECT_EQ(store(m, to + 7 * PAGE_SIZE, 1), 0);
	EXPECT_EQ(mm_remap(m, to, 8 * PAGE_SIZE, 2 * PAGE_SIZE, 0, 0, &to), 0);
	EXPECT_EQ(load(m, to + 2 * PAGE_SIZE), -EFAULT);
	EXPECT_EQ(load(m, to + PAGE_SIZE), 9);
	EXPECT_EQ(mm_remap(m, to + PAGE_SIZE / 2, PAGE_SIZE, PAGE_SIZE, 0, 0, &to), -EINVAL);
	m->brk_start = m->brk = 0x20000123;
	EXPECT_EQ(mm_brk(m, 0x20005000), 0x20005000);
	EXPECT_EQ(store(m, 0x20004fff, 1), 0);
	EXPECT_EQ(mm_brk(m, 0x20002000), 0x20002000);
	EXPECT_EQ(load(m, 0x20004fff), -EFAULT);
	EXPECT_EQ(mm_brk(m, 0x10), 0x20002000);
	EXPECT(tree_is_sound(m));
	end_mm();
}

TEST(the_stack_grows_to_its_limit_and_keeps_its_guard)
{
	struct mm *m = new_mm();
	vaddr_t top = 0x7f0000000000;

	m->limit_stack = 64 * PAGE_SIZE;
	REQUIRE_EQ(map(m, top - PAGE_SIZE, 1, RW | VM_GROWSDOWN | VM_STACK, NULL, 0), 0);
	EXPECT_EQ(store(m, top - 20 * PAGE_SIZE, 1), 0);
	EXPECT_EQ(store(m, top - 65 * PAGE_SIZE, 1), -EFAULT);
	REQUIRE_EQ(map(m, top - 300 * PAGE_SIZE, 1, RW, NULL, 0), 0);
	EXPECT_EQ(store(m, top - 40 * PAGE_SIZE, 1), 0);
	EXPECT_EQ(store(m, top - 50 * PAGE_SIZE, 1),
		-EFAULT); /* less than 256 pages above the other */
	end_mm();
}

TEST(access_from_outside_reads_writes_and_forces)
{
	struct mm *m = new_mm();
	char text[6] = "ambit", back[6];

	REQUIRE_EQ(map(m, BASE, 2, RW, NULL, 0), 0);
	EXPECT_EQ(mm_access(m, BASE + PAGE_SIZE - 2, text, 6, true, false), 6);
	EXPECT_EQ(mm_access(m, BASE + PAGE_SIZE - 2, back, 6, false, false), 6);
	EXPECT_STR(back, "ambit");
	EXPECT_EQ(mm_protect(m, BASE, 2 * PAGE_SIZE, VM_READ), 0);
	EXPECT_EQ(mm_access(m, BASE, text, 6, true, false), -EFAULT);
	EXPECT_EQ(mm_access(m, BASE, text, 6, true, true), 6);
	EXPECT_EQ(load(m, BASE), 'a');
	EXPECT_EQ(mm_access(m, BASE + 2 * PAGE_SIZE - 2, back, 6, false, false), 2);
	end_mm();
}

TEST(lent_pages_outlive_their_memory)
{
	struct mm *m = new_mm();
	struct page *page[4];

	REQUIRE_EQ(map(m, BASE, 2, RW, NULL, 0), 0);
	REQUIRE_EQ(map(m, BASE + 2 * PAGE_SIZE, 1, VM_READ | VM_MAYREAD, NULL, 0), 0);
	EXPECT_EQ(store(m, BASE, 'a'), 0);
	EXPECT_EQ(store(m, BASE + PAGE_SIZE, 'b'), 0);
	EXPECT_EQ(load(m, BASE + 2 * PAGE_SIZE), 0);
	EXPECT_EQ(mm_pin_pages(m, BASE + 5, page, 4), 2); /* the third is everybody's zeroes */
	EXPECT_EQ(mm_pin_pages(m, BASE + 2 * PAGE_SIZE, page + 2, 1), -EOPNOTSUPP);
	EXPECT_EQ(mm_pin_pages(m, BASE + 3 * PAGE_SIZE, page + 2, 1), -EFAULT);
	EXPECT_EQ(store(m, BASE, 'c'), 0); /* the holder may see it, or what was there */
	EXPECT_EQ(load(m, BASE), 'c');
	EXPECT_EQ(mm_unmap(m, BASE, 2 * PAGE_SIZE), 0);
	EXPECT_EQ(refcount_read(&page[0]->refs), 1);
	EXPECT_EQ(*(char *)page_address(page[1]), 'b');
	page_put(page[0]);
	page_put(page[1]);
	REQUIRE_EQ(map(m, BASE, 1, 0, NULL, 0), 0);
	EXPECT_EQ(mm_pin_pages(m, BASE, page, 1), -EFAULT); /* PROT_NONE */
	end_mm();
}

/* ---- files ---- */

#define FILE_PAGES 64u
static struct {
	struct mapping mapping;
	uint8_t disk[FILE_PAGES * PAGE_SIZE];
	int64_t size;
	unsigned reads, writes;
	int fail_write;
} file;

static int file_read(struct mapping *m, struct page *p)
{
	(void)m;
	file.reads++;
	memcpy(page_address(p), file.disk + p->index * PAGE_SIZE, PAGE_SIZE);
	page_end_read(p, 0);
	return 0;
}

static int file_write(struct mapping *m, struct page *p, struct writeback *wb)
{
	(void)m, (void)wb;
	file.writes++;
	page_set(p, PG_WRITEBACK);
	page_unlock(p);
	if (!file.fail_write)
		memcpy(file.disk + p->index * PAGE_SIZE, page_address(p), PAGE_SIZE);
	page_end_writeback(p, file.fail_write);
	return 0;
}

static int file_prepare(struct mapping *m, struct page *p, unsigned offset, unsigned len)
{
	(void)m, (void)offset, (void)len;
	return p->index >= FILE_PAGES ? -ENOSPC : 0;
}

static int64_t file_size(struct mapping *m)
{
	(void)m;
	return file.size;
}
static void file_grow(void *host, int64_t size)
{
	(void)host;
	file.size = size;
}
static const struct mapping_ops file_ops = {.readpage = file_read,
	.writepage = file_write,
	.prepare_write = file_prepare,
	.size = file_size};

static void file_start(int64_t size)
{
	start();
	memset(&file, 0, sizeof(file));
	for (unsigned i = 0; i < sizeof(file.disk); i++)
		file.disk[i] = (uint8_t)(i / 4096 + 1);
	file.size = size;
	mapping_init(&file.mapping, &file_ops, &file, 0);
}

TEST(reads_stop_at_the_size_and_come_from_the_cache)
{
	struct readahead ra = {0};
	static uint8_t buf[20000];
	struct iov_iter it;

	file_start(3 * 4096 + 100);
	iov_iter_kernel(&it, buf, sizeof(buf));
	EXPECT_EQ(pagecache_read(&file.mapping, &ra, &it, 50), 3 * 4096 + 50);
	EXPECT_EQ(buf[0], 1);
	EXPECT_EQ(buf[4096], 2);
	EXPECT_EQ(file.reads, 4);
	iov_iter_kernel(&it, buf, 10);
	EXPECT_EQ(pagecache_read(&file.mapping, &ra, &it, 4096), 10);
	EXPECT_EQ(file.reads, 4);
	EXPECT_EQ(pagecache_read(&file.mapping, &ra, &it, 3 * 4096 + 100), 0);
	mapping_fini(&file.mapping);
}

TEST(reads_of_any_place_and_length_give_the_bytes_there)
{
	static uint8_t buf[FILE_PAGES * PAGE_SIZE];
	struct readahead ra = {0};
	struct iov_iter it;

	file_start(FILE_PAGES * PAGE_SIZE - 77);
	for (unsigned i = 0; i < sizeof(file.disk); i++)
		file.disk[i] = (uint8_t)(i * 7 + (i >> 12));
	for (unsigned round = 0; round < 400; round++) {
		int64_t pos = unit_below(sizeof(buf));
		size_t want = unit_below(round % 4 ? 9000 : sizeof(buf)), there;

		if (round % 8 == 7) /* so that some pages are missing again */
			pagecache_drop_range(&file.mapping,
				(int64_t)unit_below(FILE_PAGES) * PAGE_SIZE,
				(int64_t)unit_below(FILE_PAGES) * PAGE_SIZE);
		there = pos < file.size ? MIN(want, (size_t)(file.size - pos)) : 0;
		memset(buf, 0xaa, sizeof(buf));
		iov_iter_kernel(&it, buf, want);
		REQUIRE_EQ(pagecache_read(&file.mapping, round % 3 ? &ra : NULL, &it, pos),
			(ssize_t)there);
		REQUIRE(memcmp(buf, file.disk + pos, there) == 0);
		REQUIRE(there == sizeof(buf) || buf[there] == 0xaa);
	}
	mapping_fini(&file.mapping);
}

TEST(writes_are_seen_synced_and_refused_when_the_disk_is_full)
{
	static uint8_t buf[3 * 4096], back[3 * 4096];
	struct iov_iter it;
	uint32_t seen = 0;

	file_start(4096);
	memset(buf, 0x77, sizeof(buf));
	iov_iter_user(&it, buf, sizeof(buf));
	EXPECT_EQ(pagecache_write(&file.mapping, &it, 100, file_grow), (ssize_t)sizeof(buf));
	EXPECT_EQ(file.size, 100 + (int64_t)sizeof(buf));
	EXPECT_EQ(file.reads, 1); /* only the first page had old contents to keep */
	iov_iter_user(&it, back, sizeof(back));
	EXPECT_EQ(pagecache_read(&file.mapping, NULL, &it, 100), (ssize_t)sizeof(back));
	EXPECT_MEM(buf, back, sizeof(buf));
	EXPECT_EQ(pagecache_sync(&file.mapping, 0, INT64_MAX), 0);
	EXPECT_EQ(file.writes, 4);
	EXPECT_EQ(file.disk[99], 1);
	EXPECT_EQ(file.disk[100], 0x77);
	EXPECT_EQ(pagecache_sync(&file.mapping, 0, INT64_MAX), 0);
	EXPECT_EQ(file.writes, 4);
	file.size = FILE_PAGES * 4096;
	iov_iter_user(&it, buf, 8192);
	EXPECT_EQ(pagecache_write(&file.mapping, &it, FILE_PAGES * 4096 - 4096, file_grow), 4096);
	EXPECT_EQ(pagecache_write(&file.mapping, &it, FILE_PAGES * 4096, file_grow), -ENOSPC);
	file.fail_write = -EIO;
	EXPECT_EQ(pagecache_sync(&file.mapping, 0, INT64_MAX), -EIO);
	EXPECT_EQ(mapping_check_error(&file.mapping, &seen), -EIO);
	EXPECT_EQ(mapping_check_error(&file.mapping, &seen), 0);
	iov_iter_user(&it, (void *)16, 10);
	EXPECT_EQ(pagecache_write(&file.mapping, &it, 0, file_grow), -EFAULT);
	mapping_fini(&file.mapping);
	EXPECT_EQ(atomic64_read(&stat_dirty), 0);
	EXPECT_EQ(atomic64_read(&stat_writeback), 0);
}

TEST(private_stores_stay_private_and_shared_ones_reach_the_disk)
{
	struct mm *m = new_mm();

	file_start(10 * 4096);
	REQUIRE_EQ(map(m, BASE, 10, RW, &file.mapping, 0), 0);
	REQUIRE_EQ(map(m, BASE + 0x100000, 10, RW | VM_SHARED, &file.mapping, 0), 0);
	EXPECT_EQ(load(m, BASE + 4096), 2);
	EXPECT_EQ(store(m, BASE + 4096, 50), 0);
	EXPECT_EQ(load(m, BASE + 0x100000 + 4096), 2);
	EXPECT_EQ(store(m, BASE + 0x100000 + 4096, 60), 0);
	EXPECT_EQ(load(m, BASE + 4096), 50);
	EXPECT_EQ(store(m, BASE + 0x100000 + 2 * 4096, 61), 0);
	EXPECT_EQ(load(m, BASE + 2 * 4096), 61); /* not yet copied: the file's page */
	EXPECT_EQ(mm_sync(m, BASE + 0x100000, 10 * 4096, true, false), 0);
	EXPECT_EQ(file.disk[4096], 60);
	EXPECT_EQ(file.writes, 2);
	EXPECT(!pte_write(*mmu_pte(&m->mmu, BASE + 0x100000 + 4096)));
	EXPECT_EQ(store(m, BASE + 0x100000 + 4096, 70), 0); /* dirtied again */
	EXPECT_EQ(mm_sync(m, BASE + 0x100000, 10 * 4096, true, false), 0);
	EXPECT_EQ(file.disk[4096], 70);
	EXPECT_EQ(file.writes, 3);
	end_mm();
	mapping_fini(&file.mapping);
}

TEST(truncation_takes_pages_away_from_mappings)
{
	struct mm *m = new_mm();

	file_start(10 * 4096);
	REQUIRE_EQ(map(m, BASE, 10, RW, &file.mapping, 0), 0);
	REQUIRE_EQ(map(m, BASE + 0x100000, 10, RW | VM_SHARED, &file.mapping, 0), 0);
	EXPECT_EQ(store(m, BASE + 5 * 4096, 50), 0);
	EXPECT_EQ(store(m, BASE + 0x100000 + 6 * 4096, 51), 0);
	EXPECT_EQ(store(m, BASE + 0x100000 + 2 * 4096 + 200, 52), 0);
	file.size = 2 * 4096 + 100;
	pagecache_truncate(&file.mapping, file.size);
	EXPECT_EQ(load(m, BASE + 5 * 4096), -EIO);
	EXPECT_EQ(load(m, BASE + 0x100000 + 6 * 4096), -EIO);
	EXPECT_EQ(load(m, BASE + 0x100000 + 2 * 4096 + 200), 0);
	EXPECT_EQ(load(m, BASE + 0x100000 + 2 * 4096 + 99), 3);
	EXPECT_EQ(load(m, BASE), 1);
	end_mm();
	mapping_fini(&file.mapping);
	EXPECT_EQ(atomic64_read(&stat_dirty), 0);
}

TEST(fork_keeps_private_pages_of_files)
{
	struct mm *m = new_mm(), *child = NULL;

	file_start(10 * 4096);
	REQUIRE_EQ(map(m, BASE, 10, RW, &file.mapping, 0), 0);
	REQUIRE_EQ(store(m, BASE + 4096, 50), 0);
	REQUIRE_EQ(load(m, BASE), 1);
	REQUIRE_EQ(mm_protect(m, BASE, 10 * 4096, VM_READ), 0);
	REQUIRE_EQ(mm_fork(m, BASE, &child), 0);
	enter(child);
	EXPECT_EQ(load(child, BASE + 4096), 50);
	EXPECT_EQ(load(child, BASE), 1);
	EXPECT_EQ(load(child, BASE + 3 * 4096), 4);
	enter(m);
	mm_put(child);
	EXPECT_EQ(load(m, BASE + 4096), 50);
	end_mm();
	mapping_fini(&file.mapping);
}

TEST(clean_pages_are_reclaimed_and_mapped_ones_after_their_second_chance)
{
	struct mm *m = new_mm();

	file_start(40 * 4096);
	REQUIRE_EQ(map(m, BASE, 10, RW | VM_SHARED, &file.mapping, 0), 0);
	for (unsigned i = 0; i < 40; i++) {
		struct page *p;

		REQUIRE_EQ(pagecache_get(&file.mapping, i, &p), 0);
		page_put(p);
	}
	EXPECT_EQ(load(m, BASE), 1);
	EXPECT_EQ(store(m, BASE + 9 * 4096, 99), 0);
	EXPECT(reclaim_direct(GFP_KERNEL) >= 30);
	EXPECT_EQ(load(m, BASE + 9 * 4096), 99);
	for (unsigned i = 0; i < 4; i++)
		(void)reclaim_direct(GFP_KERNEL | GFP_NORETRY);
	EXPECT(file.mapping.nr_pages < 10);
	EXPECT_EQ(load(m, BASE), 1);
	EXPECT_EQ(load(m, BASE + 9 * 4096), 99);
	end_mm();
	mapping_fini(&file.mapping);
	EXPECT_EQ(atomic64_read(&stat_dirty), 0);
}

TEST(iterators_cross_segments_and_go_back)
{
	char a[3], b[5] = {0};
	struct iovec iov[3] = {{a, 3}, {NULL, 0}, {b, 5}};
	struct iov_iter it;

	iov_iter_vec(&it, iov, 3, 8);
	EXPECT_EQ(copy_to_iter("abcdef", 6, &it), 6);
	EXPECT_EQ(b[2], 'f');
	iov_iter_revert(&it, 4);
	EXPECT_EQ(it.count, 6);
	EXPECT_EQ(copy_to_iter("XY", 2, &it), 2);
	EXPECT_EQ(a[2], 'X');
	EXPECT_EQ(b[0], 'Y');
	iov_iter_advance(&it, 100);
	EXPECT_EQ(it.count, 0);
}
