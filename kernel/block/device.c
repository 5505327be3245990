/*
 * device.c - block devices by name and number: disks, their partitions, who holds them. Theory:
 * bio.c
 *
 * The list is short and changes seldom: one mutex. A device is referenced by the list until it is
 * unregistered, by openers, and by file systems. All numbers are of major 259 (as Linux's extended
 * block devices), handed out in order of arrival.
 */
#include "block_internal.h"

#include <debug.h>
#include <error.h>
#include <log.h>
#include <printf.h>
#include <slab.h>
#include <string.h>

#define BLOCK_MAJOR 259

void (*bdev_added)(struct block_device *b, bool added);
static struct mutex bdev_lock = MUTEX_INIT(bdev_lock);
static LIST_HEAD(all); /* disks, each followed by its partitions; under bdev_lock */
static unsigned next_minor;

void block_init(void)
{
	bio_init_pool();
}

static void init_common(struct block_device *b)
{
	if (!b->dev) {
		b->dev = MKDEV(BLOCK_MAJOR, next_minor);
		next_minor++;
	}
	refcount_set(&b->refs, 1);
	mapping_init(&b->mapping, &bdev_mapping_ops, b, MAPPING_BDEV);
}

static void announce(struct block_device *b, bool added)
{
	if (bdev_added)
		bdev_added(b, added);
}

static int check_limits(struct disk_limits *l)
{
	if (l->logical_bytes < SECTOR_BYTES || l->logical_bytes > PAGE_SIZE ||
		(l->logical_bytes & (l->logical_bytes - 1)))
		return -EINVAL;
	if (l->physical_bytes < l->logical_bytes)
		l->physical_bytes = l->logical_bytes;
	if (l->max_bytes < PAGE_SIZE || !l->max_vecs)
		return -EINVAL;
	return 0;
}

int disk_register(struct block_device *disk)
{
	int err = check_limits(&disk->limits);

	if (err)
		return err;
	disk->disk = disk;
	disk->partno = 0;
	disk->start_sector = 0;
	mutex_lock(&bdev_lock);
	init_common(disk);
	list_add_tail(&disk->node, &all);
	mutex_unlock(&bdev_lock);
	announce(disk, true);
	if (!disk->nr_sectors)
		return 0;
	log_info("%s: %llu MiB", disk->name, (unsigned long long)(disk->nr_sectors >> 11));
	part_scan(disk);
	return 0;
}

/* Where @disk's partitions end in the list. */
static struct list_head *after_partitions(struct block_device *disk)
{
	struct list_head *n = disk->node.next;

	while (n != &all && list_entry(n, struct block_device, node)->disk == disk)
		n = n->next;
	return n;
}

int part_add(struct block_device *disk, unsigned no, uint64_t start, uint64_t sectors,
	const char *uuid, const char *label)
{
	struct block_device *b;
	size_t n = strlen(disk->name);
	bool digit = n && disk->name[n - 1] >= '0' && disk->name[n - 1] <= '9';

	if (!sectors || start >= disk->nr_sectors || sectors > disk->nr_sectors - start) {
		log_warn("%s: partition %u lies outside the disk", disk->name, no);
		return -EUCLEAN;
	}
	b = kzalloc(sizeof(*b));
	if (!b)
		return -ENOMEM;
	scnprintf(b->name, sizeof(b->name), "%s%s%u", disk->name, digit ? "p" : "", no);
	b->disk = disk;
	b->start_sector = start;
	b->nr_sectors = sectors;
	b->partno = no;
	b->limits = disk->limits;
	b->ops = disk->ops;
	b->driver = disk->driver;
	strlcpy(b->partuuid, uuid, sizeof(b->partuuid));
	strlcpy(b->partlabel, label, sizeof(b->partlabel));
	refcount_inc(&disk->refs);
	mutex_lock(&bdev_lock);
	init_common(b);
	list_add_tail(&b->node, after_partitions(disk));
	mutex_unlock(&bdev_lock);
	announce(b, true);
	return 0;
}

static void remove_one(struct block_device *b)
{
	WRITE_ONCE(b->gone, true);
	mutex_lock(&bdev_lock);
	list_del(&b->node);
	mutex_unlock(&bdev_lock);
	announce(b, false);
	bdev_put(b);
}

/* The first partition of @disk that is still listed, or NULL. */
static struct block_device *first_partition(struct block_device *disk)
{
	struct block_device *b = NULL;

	mutex_lock(&bdev_lock);
	if (disk->node.next != &all) {
		b = list_entry(disk->node.next, struct block_device, node);
		if (b->disk != disk)
			b = NULL;
	}
	mutex_unlock(&bdev_lock);
	return b;
}

void disk_drop_partitions(struct block_device *disk)
{
	struct block_device *b;

	while ((b = first_partition(disk)) != NULL)
		remove_one(b);
}

void disk_unregister(struct block_device *disk)
{
	WRITE_ONCE(disk->gone, true);
	disk_drop_partitions(disk);
	remove_one(disk);
}

static bool any_held(struct block_device *disk, bool partitions_only)
{
	struct block_device *b;
	bool held = false;

	mutex_lock(&bdev_lock);
	list_for_each_entry (b, &all, node)
		if (b->disk == disk && !(partitions_only && b == disk))
			held |= b->holders != 0;
	mutex_unlock(&bdev_lock);
	return held;
}

bool disk_is_held(struct block_device *disk)
{
	return any_held(disk, false);
}

int disk_rescan(struct block_device *disk)
{
	if (any_held(disk, true))
		return -EBUSY;
	disk_drop_partitions(disk);
	pagecache_drop_clean(&disk->mapping);
	part_scan(disk);
	return 0;
}

void disk_set_size(struct block_device *disk, uint64_t sectors)
{
	bool shrinks = sectors < disk->nr_sectors;

	WRITE_ONCE(disk->nr_sectors, sectors);
	if (shrinks)
		pagecache_truncate(&disk->mapping, (int64_t)(sectors << SECTOR_SHIFT));
}

struct block_device *bdev_by_name(const char *name)
{
	struct block_device *b, *found = NULL;

	mutex_lock(&bdev_lock);
	list_for_each_entry (b, &all, node)
		if (!found && strcmp(b->name, name) == 0)
			found = b;
	if (found)
		refcount_inc(&found->refs);
	mutex_unlock(&bdev_lock);
	return found;
}

struct block_device *bdev_by_dev(dev_t dev)
{
	struct block_device *b, *found = NULL;

	mutex_lock(&bdev_lock);
	list_for_each_entry (b, &all, node)
		if (b->dev == dev)
			found = b;
	if (found)
		refcount_inc(&found->refs);
	mutex_unlock(&bdev_lock);
	return found;
}

struct block_device *bdev_next(struct block_device *after)
{
	struct list_head *n;
	struct block_device *b = NULL;

	mutex_lock(&bdev_lock);
	n = after && !list_empty(&after->node) ? after->node.next : after ? &all : all.next;
	if (n != &all) {
		b = list_entry(n, struct block_device, node);
		refcount_inc(&b->refs);
	}
	mutex_unlock(&bdev_lock);
	if (after)
		bdev_put(after);
	return b;
}

void bdev_put(struct block_device *b)
{
	struct block_device *disk = b->disk;

	if (!refcount_dec(&b->refs))
		return;
	mapping_fini(&b->mapping);
	kfree(b); /* a disk: its driver handed the kmalloc'ed record over at registration */
	if (b != disk)
		bdev_put(disk);
}

int bdev_claim(struct block_device *b, void *holder)
{
	int err = 0;

	mutex_lock(&bdev_lock);
	if (b->gone)
		err = -ENXIO;
	else if (b->holders && b->holder != holder)
		err = -EBUSY;
	if (!err) {
		b->holders++;
		b->holder = holder;
	}
	mutex_unlock(&bdev_lock);
	return err;
}

void bdev_release(struct block_device *b, void *holder)
{
	mutex_lock(&bdev_lock);
	ASSERT(b->holders && b->holder == holder);
	(void)holder;
	if (--b->holders == 0)
		b->holder = NULL;
	mutex_unlock(&bdev_lock);
}

int bdev_open(struct block_device *b)
{
	int err = 0;

	mutex_lock(&bdev_lock);
	if (b->gone || b->disk->gone)
		err = -ENXIO;
	else
		b->disk->openers++;
	mutex_unlock(&bdev_lock);
	return err;
}

void bdev_close(struct block_device *b)
{
	struct block_device *disk = b->disk;
	bool last;

	mutex_lock(&bdev_lock);
	last = --disk->openers == 0;
	mutex_unlock(&bdev_lock);
	if (last && disk->ops->last_close)
		disk->ops->last_close(disk);
}
