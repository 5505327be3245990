/*
 * ramdisk.c - what the boot loader loaded as modules, as disks in memory: ram0, ram1, ...
 *
 * Requests are done when they are submitted. Does not: grow, give memory back, keep anything.
 */
#include <block.h>

#include <arch/boot.h>
#include <arch/mmu.h>
#include <error.h>
#include <log.h>
#include <printf.h>
#include <slab.h>
#include <string.h>
#include "block_internal.h"

static void ram_submit(struct block_device *disk, struct bio *b)
{
	char *at = (char *)disk->driver + (b->sector << SECTOR_SHIFT);

	if (b->op == BIO_WRITE_ZEROES)
		memset(at, 0, b->bytes);
	for (unsigned i = 0; i < b->nr_vecs && (b->op == BIO_READ || b->op == BIO_WRITE); i++) {
		const struct bio_vec *v = &b->vecs[i];
		char *mem = (char *)page_address(v->page) + v->offset;

		if (b->op == BIO_READ)
			memcpy(mem, at, v->len);
		else
			memcpy(at, mem, v->len);
		at += v->len;
	}
	bio_end(b, 0);
}

static const struct disk_ops ram_ops = {.submit = ram_submit};

static int make_disk(const struct boot_module *m, unsigned nth)
{
	struct block_device *disk = kzalloc(sizeof(*disk));
	int err;

	if (!disk)
		return -ENOMEM;
	snprintf(disk->name, sizeof(disk->name), "ram%u", nth);
	disk->ops = &ram_ops;
	disk->driver = phys_to_virt(m->start);
	disk->nr_sectors = (m->end - m->start) >> SECTOR_SHIFT;
	disk->limits = (struct disk_limits){.logical_bytes = SECTOR_BYTES,
		.physical_bytes = SECTOR_BYTES,
		.max_bytes = 1 << 20,
		.max_vecs = 256,
		.dma_align = 1};
	err = disk_register(disk);
	if (err)
		kfree(disk);
	return err;
}

int ramdisk_init(void)
{
	for (unsigned i = 0; i < boot_info.nr_modules; i++) {
		int err = make_disk(&boot_info.module[i], i);

		if (err)
			log_err("ram%u: error %d", i, -err);
	}
	return 0;
}
