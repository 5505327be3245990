/*
 * block_internal.h - what the files of this folder share.
 */
#pragma once
#include <block.h>

#define SECTOR_SHIFT 9
#define SECTOR_BYTES 512u

extern const struct mapping_ops bdev_mapping_ops;

#define BLK_DEPTH_MAX 4u /* disks on disks: struct block_device ->depth */

void bio_init_pool(void);
/* The reserve of a depth exists from now on; one caller at a time. 0, -ENOMEM. */
int __must_check bio_reserve(unsigned depth);
/* device.c: take the partitions away; none may be open. */
void disk_drop_partitions(struct block_device *disk);
bool disk_is_held(struct block_device *disk); /* claimed by a mount or the like, whole or in part */
/* Give @b (already relative to the whole disk) to the driver; kick as well if asked. */
void bio_dispatch(struct bio *b, bool kick);
/* Try to append @from's pages to @to; true: @from was folded into @to and is gone. */
bool bio_fold(struct bio *to, struct bio *from);
/* Hold @b in the current task's plug. */
void plug_add(struct blk_plug *p, struct bio *b);
void plug_flush(struct blk_plug *p);

/* part.c: read tables, call part_add() for each partition. */
void part_scan(struct block_device *disk);
/* device.c: make partition @no of @disk; -errno is logged by the callee. */
int part_add(struct block_device *disk, unsigned no, uint64_t start, uint64_t sectors,
	const char *uuid, const char *label);
/* Read @n bytes at @pos of @b through its page cache. */
int bdev_read_bytes(struct block_device *b, uint64_t pos, void *buf, size_t n);
void mbr_scan(struct block_device *disk, const uint8_t *mbr);
void gpt_scan(struct block_device *disk); /* a bad table is logged with the reason */
