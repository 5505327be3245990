/*
 * block.h - block devices and requests.
 *
 * A bio is a run of sectors (512 bytes) and the pages they go to or come from. bio_submit() hands
 * it to the device's queue of this CPU; neighbours are merged while the task is plugged. bio->done
 * runs in interrupt or thread context. A write is on media only after a flush (BIO_PREFLUSH on a
 * later bio, or blk_flush()) or with BIO_FUA.
 */
#pragma once
#include <dev.h>
#include <list.h>
#include <pagecache.h>

enum bio_op { BIO_READ, BIO_WRITE, BIO_FLUSH, BIO_DISCARD, BIO_WRITE_ZEROES };
enum bio_flags {
	BIO_FUA = 1,
	BIO_PREFLUSH = 2,
	BIO_SYNC = 4,
	BIO_PER_VEC = 8 /* done() treats each vec by itself: neighbours with the same done and
			   private may be folded into one bio */
};
struct bio_vec {
	struct page *page;
	uint32_t offset, len;
};
struct block_device;
struct bio {
	struct block_device *bdev;
	uint64_t sector; /* within bdev */
	uint8_t op, flags;
	uint8_t depth; /* of its disk: whose reserve it may belong to */
	uint16_t nr_vecs, max_vecs;
	uint32_t bytes;
	int error; /* 0 or -errno, set before done */
	void (*done)(struct bio *b);
	void *private;
	struct list_head node; /* queue's while in flight */
	uint64_t start_ns;
	struct bio_vec *vecs;
	struct bio_vec inline_vecs[4];
};
/* NULL: no memory (never with GFP_NOFS and max_vecs <= 256: a reserve stands behind). */
struct bio *bio_alloc(struct block_device *bdev, enum bio_op op, uint64_t sector, unsigned max_vecs,
	unsigned gfp) __must_check;
bool bio_add(struct bio *b, struct page *p, unsigned offset, unsigned len); /* false: full */
void bio_put(struct bio *b);
void bio_submit(struct bio *b); /* owns b until done is called */
int __must_check bio_submit_wait(
	struct bio *b);                 /* sleeps; 0 or b->error; the caller still owns b */
void bio_end(struct bio *b, int error); /* driver: completes; any context */
int __must_check blk_flush(
	struct block_device *bdev); /* sleeps until all completed writes are on media */
int __must_check blk_discard(struct block_device *bdev, uint64_t sector, uint64_t nr, bool zero);

struct disk_ops {
	/* Start one request; may be called on any CPU, with interrupts on. The driver calls
	 * bio_end() once. Sleeps if its ring is full. */
	void (*submit)(struct block_device *disk, struct bio *b);
	void (*kick)(struct block_device *
			disk); /* optional: ring the doorbell for all submitted so far (plugging) */
	/* Optional: a command that blkdev.c does not know; @writable: the file is. -ENOTTY */
	long (*ioctl)(struct block_device *disk, bool writable, unsigned cmd, void *arg);
	/* Optional: the last bdev_close() of the disk and its partitions. May sleep. */
	void (*last_close)(struct block_device *disk);
};
struct disk_limits {
	uint32_t logical_bytes, physical_bytes, max_bytes, max_vecs;
	bool volatile_cache, fua, discard, read_only, rotational;
	uint32_t dma_align;
	uint64_t vec_boundary_mask; /* a vec may not cross it unless page-aligned: NVMe PRP */
};
struct block_stats {
	uint64_t ios[2], sectors[2], ns[2], in_flight;
};
struct block_device {
	char name[32]; /* nvme0n1, nvme0n1p3, vda */
	dev_t dev;
	struct block_device *disk; /* whole disk (itself if one) */
	uint64_t start_sector, nr_sectors;
	unsigned partno;
	struct disk_limits limits;
	const struct disk_ops *ops; /* of the disk */
	void *driver;
	struct mapping mapping; /* its page cache: metadata, and reads of /dev/NAME */
	char partuuid[37], partlabel[37];
	struct block_stats stats; /* per disk; racy sums */
	refcount_t refs;
	uint32_t holders; /* exclusive: mounts, under bdev_lock */
	void *holder;
	uint32_t openers; /* of a disk: opens of it and its partitions, under bdev_lock */
	uint8_t depth;    /* of a disk: 0 for hardware, else one more than what it stands on */
	bool gone;
	struct list_head node;
};
/* Driver: announce a whole disk (from kzalloc(), name set; owned by the room on success); scans
 * partitions (GPT, MBR) unless it is empty. @disk->dev 0: the room gives a number. 0 or -errno. */
int __must_check disk_register(struct block_device *disk);
void disk_unregister(struct block_device *disk); /* in-flight requests fail with EIO */
int disk_rescan(struct block_device *disk);      /* BLKRRPART: -EBUSY if a partition is in use */
struct block_device *bdev_by_name(const char *name); /* referenced or NULL */
struct block_device *bdev_by_dev(dev_t dev);
struct block_device *bdev_next(
	struct block_device *after); /* iteration: NULL starts; returns referenced, puts @after */
void bdev_put(struct block_device *b);
int __must_check bdev_claim(struct block_device *b, void *holder); /* exclusive; -EBUSY */
void bdev_release(struct block_device *b, void *holder);
/* Who does I/O on it between these two keeps what is behind it in place. 0, -ENXIO. */
int __must_check bdev_open(struct block_device *b);
void bdev_close(struct block_device *b);
/* Driver: the disk has another size now; what is cached beyond it is dropped. Sleeps. */
void disk_set_size(struct block_device *disk, uint64_t sectors);
extern void (*bdev_added)(struct block_device *b, bool added); /* devfs listens */
/* Plugging: hold this task's bios back to merge them. Nestable. */
struct blk_plug {
	struct list_head bios;
	struct blk_plug *outer;
	unsigned count, nested;
	bool on_heap;
};
void blk_plug_start(struct blk_plug *p);
void blk_plug_finish(struct blk_plug *p);
/* For mapping_ops.plug: the plug lives on the heap until the matching stop (none if there is no
 * memory). */
void blk_plug_mapping(struct mapping *m, bool start);
/* Hand over what the current task holds back, before it waits for something that may depend on it.
 */
void blk_plug_flush(void);
/* done() for bios of page-cache pages (flag BIO_PER_VEC): ends read or writeback of each page. A
 * vec is all of a page that is in flight. */
void bio_pages_done(struct bio *b);
/*
 * Dirty parts of a page of a device's cache: page->fs_private has a bit for each sector (of 512)
 * that is to be written, so that a file system with small blocks never writes back the stale
 * neighbour of a metadata block. Call after the change and with a reference.
 */
static inline void bdev_mark_dirty(struct page *p, unsigned offset, unsigned len)
{
	uint64_t mask = ((2ull << ((offset + len - 1) >> 9)) - 1) & ~((1ull << (offset >> 9)) - 1);

	__atomic_fetch_or(&p->fs_private, mask,
		__ATOMIC_SEQ_CST); /* orders the change before the look at the flag */
	if (!page_test(p, PG_DIRTY))
		page_mark_dirty(p);
}
/*
 * Held sectors of a page (a bit each) stay dirty and are not written until they are let go: whoever
 * must not have them on disk yet. The holder keeps a reference to the page. A write in flight when
 * bdev_hold() is called goes on: wait for PG_WRITEBACK after it and before the change.
 */
#define BDEV_HELD_SHIFT 8
static inline void bdev_hold(struct page *p, uint8_t sectors)
{
	__atomic_fetch_or(&p->fs_private, (uint64_t)sectors << BDEV_HELD_SHIFT, __ATOMIC_SEQ_CST);
}
static inline void bdev_unhold(struct page *p, uint8_t sectors)
{
	__atomic_fetch_and(
		&p->fs_private, ~((uint64_t)sectors << BDEV_HELD_SHIFT), __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&p->fs_private, __ATOMIC_SEQ_CST) & 0xff)
		page_mark_dirty(p);
}
static inline uint8_t bdev_held(const struct page *p)
{
	return (uint8_t)(__atomic_load_n(&p->fs_private, __ATOMIC_SEQ_CST) >> BDEV_HELD_SHIFT);
}
/* The contents of these sectors are of no use any more: not written, and when it returns no write
 * of them is in flight. Sleeps. */
void bdev_forget(struct block_device *b, uint64_t pos, unsigned len);
void block_init(void);
void loop_init(void);   /* boot: loop devices may be asked for */
int ramdisk_init(void); /* boot: modules become disks ram0, ram1, ...; 0 */
/* Name to device for root=: "/dev/NAME", "UUID=..." (ext2 superblock), "PARTUUID=...",
 * "PARTLABEL=...", "LABEL=". */
struct block_device *bdev_find_spec(const char *spec);
