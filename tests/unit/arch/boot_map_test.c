/*
 * boot_map_test.c - the memory map under overlapping, unsorted and unaligned ranges; words of the
 * command line.
 */
/* LINK: kernel/arch/x86_64/boot_map.c */
#include "kernel/arch/x86_64/boot_map.h"
#include <string.h>
#include <unit.h>

static void reset(void)
{
	memset(&boot_info, 0, sizeof(boot_info));
}

static void expect_range(unsigned i, paddr_t start, paddr_t end, enum mem_kind kind)
{
	EXPECT_EQ(boot_info.mem[i].start, start);
	EXPECT_EQ(boot_info.mem[i].end, end);
	EXPECT_EQ(boot_info.mem[i].kind, kind);
}

TEST(ranges_come_out_sorted_and_neighbours_of_a_kind_join)
{
	reset();
	boot_mem_set(0x300000, 0x400000, MEM_USABLE);
	boot_mem_set(0x100000, 0x200000, MEM_USABLE);
	boot_mem_set(0x200000, 0x300000, MEM_USABLE);
	EXPECT_EQ(boot_info.nr_mem, 1);
	expect_range(0, 0x100000, 0x400000, MEM_USABLE);
}

TEST(usable_shrinks_and_others_grow_to_pages)
{
	reset();
	boot_mem_set(0x1001, 0x9fc00, MEM_USABLE);
	boot_mem_set(0x50001, 0x50002, MEM_RESERVED);
	EXPECT_EQ(boot_info.nr_mem, 3);
	expect_range(0, 0x2000, 0x50000, MEM_USABLE);
	expect_range(1, 0x50000, 0x51000, MEM_RESERVED);
	expect_range(2, 0x51000, 0x9f000, MEM_USABLE);
}

TEST(the_later_range_wins_over_several)
{
	reset();
	boot_mem_set(0x1000, 0x3000, MEM_USABLE);
	boot_mem_set(0x5000, 0x8000, MEM_USABLE);
	boot_mem_set(0x9000, 0xa000, MEM_ACPI);
	boot_mem_set(0x2000, 0x9000, MEM_RESERVED);
	EXPECT_EQ(boot_info.nr_mem, 3);
	expect_range(0, 0x1000, 0x2000, MEM_USABLE);
	expect_range(1, 0x2000, 0x9000, MEM_RESERVED);
	expect_range(2, 0x9000, 0xa000, MEM_ACPI);
}

TEST(modules_side_by_side_stay_apart)
{
	reset();
	boot_mem_set(0x1000, 0x9000, MEM_USABLE);
	boot_mem_set(0x2000, 0x3000, MEM_MODULE);
	boot_mem_set(0x3000, 0x4000, MEM_MODULE);
	EXPECT_EQ(boot_info.nr_mem, 4);
	expect_range(2, 0x3000, 0x4000, MEM_MODULE);
}

TEST(a_full_map_loses_memory_but_stays_whole)
{
	reset();
	for (unsigned i = 0; i < 300; i++)
		boot_mem_set(i * 0x2000, i * 0x2000 + 0x1000, MEM_USABLE);
	EXPECT_EQ(boot_info.nr_mem, 256);
	for (unsigned i = 1; i < boot_info.nr_mem; i++)
		EXPECT(boot_info.mem[i - 1].end <= boot_info.mem[i].start);
}

TEST(options_are_whole_words_with_or_without_value)
{
	char v[8];

	reset();
	strlcpy(boot_info.cmdline,
		"  root=/dev/nvme0n1p3 ro console=tty0 xconsole=no console=ttyS0,115200",
		sizeof(boot_info.cmdline));
	EXPECT(boot_option("ro", 0, v, sizeof(v)));
	EXPECT_STR(v, "");
	EXPECT(!boot_option("ro", 1, v, sizeof(v)));
	EXPECT(!boot_option("roo", 0, v, sizeof(v)));
	EXPECT(boot_option("console", 0, v, sizeof(v)));
	EXPECT_STR(v, "tty0");
	EXPECT(boot_option("console", 1, v, sizeof(v)));
	EXPECT_STR(v, "ttyS0,1");
	EXPECT(!boot_option("console", 2, v, sizeof(v)));
}
