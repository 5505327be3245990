/*
 * bio.c - the block room: bios, their submission and completion.
 *
 * Theory. A bio is a run of sectors of one block device with the page parts it goes to or comes
 * from. Who wants I/O allocates one, adds pages with bio_add(), which refuses what the disk could
 * not take in one request (size, number of vecs, NVMe's page boundaries), so that nothing ever
 * needs to be split later; then submits it. From bio_submit() to done() the room and the driver own
 * it. At submission a bio of a partition is moved to the whole disk; drivers know only disks.
 *
 *  1. Plugging (plug.c): while a task is plugged its reads and writes gather in a list sorted by
 * sector, and neighbours whose done() works vec by vec (BIO_PER_VEC) become one bio. Barriers
 * (flush, FUA, discard) empty the plug first.
 *  2. A task never sleeps for a completion with its own bios still in the plug: bio_submit_wait(),
 * the bdev cache's single reads and waits for memory empty it first.
 *  3. Memory: a bio with up to four vecs is one slab object. When that cannot be had, a reserve of
 * RESERVE bios with room for 256 vecs stands behind GFP_NOFS allocations: the taker may sleep until
 * one comes back from the device, which needs no memory. A disk that stands on others (loop.c) does
 * need bios of theirs to finish its own; so each depth of such stacking has a reserve of its own,
 * and a taker waits only for bios of its depth, which wait only for lesser depths.
 *  4. Completion: the driver calls bio_end() exactly once, from any context; done() runs there and
 * puts the bio.
 *
 * Locks: pool->lock (leaf, irq-save) guards a reserve; plugs belong to their task; bdev_lock
 * (device.c) the list of devices. Errors: bio->error is 0 or -errno (EIO for whatever the device
 * says that has no better name).
 */
#include "block_internal.h"

#include <arch/clock.h>
#include <debug.h>
#include <error.h>
#include <log.h>
#include <sched.h>
#include <slab.h>
#include <string.h>
#include <wait.h>

#define RESERVE      8
#define RESERVE_VECS 256

static struct slab_cache *bio_cache;
static struct wait_queue done_wait[16];

/* Key: [p] lock */
static struct bio_pool {
	struct spinlock lock;
	struct list_head bios; /* [p] with RESERVE_VECS vecs */
	unsigned count;        /* [p] */
	struct wait_queue wait;
} pools[BLK_DEPTH_MAX + 1];

static struct bio *new_reserve(void)
{
	struct bio *b = slab_alloc(bio_cache, GFP_KERNEL);

	if (!b)
		return NULL;
	b->vecs = kmalloc(RESERVE_VECS * sizeof(struct bio_vec), GFP_KERNEL);
	if (!b->vecs) {
		slab_free(bio_cache, b);
		return NULL;
	}
	b->max_vecs = RESERVE_VECS;
	return b;
}

/* A bio as big as those of a reserve fills a gap in that of its depth. */
static bool give_reserve(struct bio_pool *p, struct bio *b)
{
	unsigned long f = spin_lock_irq(&p->lock);
	bool taken = p->count < RESERVE;

	if (taken) {
		list_add(&b->node, &p->bios);
		p->count++;
	}
	spin_unlock_irq(&p->lock, f);
	if (taken)
		wake_up(&p->wait);
	return taken;
}

int bio_reserve(unsigned depth)
{
	static bool ready[BLK_DEPTH_MAX + 1];
	struct bio_pool *p = &pools[depth];

	if (ready[depth])
		return 0;
	for (unsigned i = 0; i < RESERVE; i++) {
		struct bio *b = new_reserve();

		if (!b)
			return -ENOMEM; /* what is there already stays */
		if (!give_reserve(p, b)) {
			kfree(b->vecs);
			slab_free(bio_cache, b);
			break;
		}
	}
	ready[depth] = true;
	return 0;
}

void bio_init_pool(void)
{
	bio_cache = slab_cache_create("bio", sizeof(struct bio), 16, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(done_wait); i++)
		wait_queue_init(&done_wait[i]);
	for (unsigned i = 0; i <= BLK_DEPTH_MAX; i++) {
		spin_init(&pools[i].lock);
		list_init(&pools[i].bios);
		wait_queue_init(&pools[i].wait);
	}
	PANIC_ON(bio_reserve(0));
}

static struct bio *take_reserve(struct bio_pool *p)
{
	unsigned long f = spin_lock_irq(&p->lock);
	struct bio *b = NULL;

	if (!list_empty(&p->bios)) {
		b = list_first(&p->bios, struct bio, node);
		list_del(&b->node);
		p->count--;
	}
	spin_unlock_irq(&p->lock, f);
	return b;
}

static struct bio *alloc_reserve(struct bio_pool *p)
{
	struct bio *b = NULL;

	blk_plug_flush();
	wait_event(&p->wait, (b = take_reserve(p)) != NULL);
	return b;
}

/* A bio with room for @max_vecs, or NULL. */
static struct bio *alloc_plain(unsigned max_vecs, unsigned gfp)
{
	struct bio *b = slab_alloc(bio_cache, gfp);

	if (!b)
		return NULL;
	if (max_vecs <= ARRAY_SIZE(b->inline_vecs)) {
		b->vecs = b->inline_vecs;
		b->max_vecs = ARRAY_SIZE(b->inline_vecs);
		return b;
	}
	b->vecs = kmalloc(max_vecs * sizeof(struct bio_vec), gfp);
	if (!b->vecs) {
		slab_free(bio_cache, b);
		return NULL;
	}
	b->max_vecs = (uint16_t)max_vecs;
	return b;
}

struct bio *bio_alloc(
	struct block_device *bdev, enum bio_op op, uint64_t sector, unsigned max_vecs, unsigned gfp)
{
	bool reserve = (gfp & GFP_NOFS) && max_vecs <= RESERVE_VECS;
	struct bio *b = alloc_plain(max_vecs, reserve ? gfp | GFP_NORETRY : gfp);

	if (!b && reserve)
		b = alloc_reserve(&pools[bdev->disk->depth]);
	if (!b)
		return NULL;
	b->bdev = bdev;
	b->depth = bdev->disk->depth;
	b->sector = sector;
	b->op = (uint8_t)op;
	b->flags = 0;
	b->nr_vecs = 0;
	b->bytes = 0;
	b->error = 0;
	b->done = NULL;
	b->private = NULL;
	list_init(&b->node);
	return b;
}

void bio_put(struct bio *b)
{
	struct bio_pool *p = &pools[b->depth];

	if (b->max_vecs == RESERVE_VECS && READ_ONCE(p->count) < RESERVE && give_reserve(p, b))
		return;
	if (b->vecs != b->inline_vecs)
		kfree(b->vecs);
	slab_free(bio_cache, b);
}

static bool vec_fits(const struct bio *b, unsigned offset)
{
	uint64_t mask = b->bdev->disk->limits.vec_boundary_mask;
	const struct bio_vec *last = &b->vecs[b->nr_vecs - 1];

	return ((last->offset + last->len) & mask) == 0 && (offset & mask) == 0;
}

bool bio_add(struct bio *b, struct page *p, unsigned offset, unsigned len)
{
	const struct disk_limits *l = &b->bdev->disk->limits;
	struct bio_vec *last = &b->vecs[b->nr_vecs - 1];

	if (b->bytes + len > l->max_bytes)
		return false;
	if (b->nr_vecs && last->page == p && last->offset + last->len == offset &&
		!(b->flags & BIO_PER_VEC)) {
		last->len += len;
		b->bytes += len;
		return true;
	}
	if (b->nr_vecs >= b->max_vecs || b->nr_vecs >= l->max_vecs)
		return false;
	if (b->nr_vecs && !vec_fits(b, offset))
		return false;
	b->vecs[b->nr_vecs++] = (struct bio_vec){p, offset, len};
	b->bytes += len;
	return true;
}

/* Room for @n vecs: the array is replaced by a bigger one. */
static bool grow(struct bio *b, unsigned n)
{
	struct bio_vec *v;
	unsigned max = n <= 32 ? 32 : RESERVE_VECS;

	if (n <= b->max_vecs)
		return true;
	if (n > RESERVE_VECS)
		return false;
	v = kmalloc(max * sizeof(*v), GFP_NOFS | GFP_NORETRY);
	if (!v)
		return false;
	memcpy(v, b->vecs, b->nr_vecs * sizeof(*v));
	if (b->vecs != b->inline_vecs)
		kfree(b->vecs);
	b->vecs = v;
	b->max_vecs = (uint16_t)max;
	return true;
}

bool bio_fold(struct bio *to, struct bio *from)
{
	const struct disk_limits *l = &to->bdev->limits;

	if (to->bdev != from->bdev || to->op != from->op || to->flags != from->flags ||
		!(to->flags & BIO_PER_VEC))
		return false;
	if (to->sector + (to->bytes >> SECTOR_SHIFT) != from->sector || to->done != from->done ||
		to->private != from->private)
		return false;
	if (to->bytes + from->bytes > l->max_bytes ||
		to->nr_vecs + from->nr_vecs > (int)l->max_vecs)
		return false;
	if (!to->nr_vecs || !from->nr_vecs || !vec_fits(to, from->vecs[0].offset) ||
		!grow(to, to->nr_vecs + from->nr_vecs))
		return false;
	memcpy(to->vecs + to->nr_vecs, from->vecs, from->nr_vecs * sizeof(*from->vecs));
	to->nr_vecs += from->nr_vecs;
	to->bytes += from->bytes;
	bio_put(from);
	return true;
}

void bio_dispatch(struct bio *b, bool kick)
{
	struct block_device *disk = b->bdev;

	b->start_ns = clock_ns();
	__atomic_fetch_add(&disk->stats.in_flight, 1, __ATOMIC_RELAXED);
	disk->ops->submit(disk, b);
	if (kick && disk->ops->kick)
		disk->ops->kick(disk);
}

void bio_end(struct bio *b, int error)
{
	struct block_device *disk = b->bdev->disk;
	bool write = b->op != BIO_READ;

	if (b->start_ns) {
		__atomic_fetch_sub(&disk->stats.in_flight, 1, __ATOMIC_RELAXED);
		disk->stats.ios[write]++;
		disk->stats.sectors[write] += b->bytes >> SECTOR_SHIFT;
		disk->stats.ns[write] += clock_ns() - b->start_ns;
	}
	b->error = error;
	b->done(b);
}

/* What is wrong with @b before it reaches the disk: 0 or -errno. */
static int check(const struct bio *b)
{
	const struct block_device *d = b->bdev;
	uint64_t n = b->bytes >> SECTOR_SHIFT;

	if (READ_ONCE(d->disk->gone))
		return -EIO;
	if (b->op != BIO_READ && b->op != BIO_FLUSH && d->disk->limits.read_only)
		return -EROFS;
	if (b->op == BIO_FLUSH)
		return 0;
	if (n > d->nr_sectors || b->sector > d->nr_sectors - n)
		return -EIO;
	if (((b->sector + d->start_sector) << SECTOR_SHIFT | b->bytes) &
		(d->disk->limits.logical_bytes - 1))
		return -EINVAL;
	return 0;
}

/* FUA on a disk that cannot, and writes that want all before them on media. Sleeps. */
static void submit_ordered(struct bio *b, uint8_t flags)
{
	void (*done)(struct bio *) = b->done;
	void *private = b->private;
	struct block_device *bdev = b->bdev;
	int err = 0;

	b->flags &= (uint8_t)~BIO_PREFLUSH;
	if (flags & BIO_PREFLUSH)
		err = blk_flush(bdev);
	if (!err && (flags & BIO_FUA) && !bdev->disk->limits.fua) {
		b->flags &= (uint8_t)~BIO_FUA;
		err = bio_submit_wait(b);
		if (!err)
			err = blk_flush(bdev);
		b->done = done;
		b->private = private;
		b->error = err;
		b->done(b);
		return;
	}
	if (!err) {
		bio_submit(b);
		return;
	}
	b->start_ns = 0;
	bio_end(b, err);
}

void bio_submit(struct bio *b)
{
	struct blk_plug *p = current->io_plug;
	struct block_device *disk = b->bdev->disk;
	uint8_t order = b->flags & (BIO_FUA | BIO_PREFLUSH);
	int err = check(b);

	if (err) {
		b->start_ns = 0;
		bio_end(b, err);
		return;
	}
	if (order && !disk->limits.volatile_cache)
		b->flags &= (uint8_t) ~(BIO_FUA | BIO_PREFLUSH);
	else if ((order & BIO_PREFLUSH) || ((order & BIO_FUA) && !disk->limits.fua)) {
		submit_ordered(b, order);
		return;
	}
	b->sector += b->bdev->start_sector;
	b->bdev = disk;
	if (!p) {
		bio_dispatch(b, true);
		return;
	}
	if (order || b->op > BIO_WRITE) {
		plug_flush(p);
		bio_dispatch(b, true);
		return;
	}
	plug_add(p, b);
}

struct bio_wait {
	bool finished;
};

static struct wait_queue *wait_queue_of(const void *p)
{
	return &done_wait[(uintptr_t)p >> 6 & (ARRAY_SIZE(done_wait) - 1)];
}

/* The waiter's record may vanish as soon as finished is set; the queue is static. */
static void wait_done(struct bio *b)
{
	struct bio_wait *w = b->private;
	struct wait_queue *wq = wait_queue_of(w);

	smp_store_release(&w->finished, true);
	wake_up_all(wq);
}

int bio_submit_wait(struct bio *b)
{
	struct bio_wait w = {false};
	bool io;

	b->done = wait_done;
	b->private = &w;
	b->flags &= (uint8_t)~BIO_PER_VEC;
	bio_submit(b);
	blk_plug_flush();
	io = io_wait_begin();
	wait_event(wait_queue_of(&w), smp_load_acquire(&w.finished));
	io_wait_end(io);
	return b->error;
}

int blk_flush(struct block_device *bdev)
{
	struct bio *b;
	int err;

	if (!bdev->disk->limits.volatile_cache)
		return READ_ONCE(bdev->disk->gone) ? -EIO : 0;
	b = bio_alloc(bdev, BIO_FLUSH, 0, 0, GFP_NOFS);
	if (!b)
		return -ENOMEM;
	err = bio_submit_wait(b);
	bio_put(b);
	return err;
}

int blk_discard(struct block_device *bdev, uint64_t sector, uint64_t nr, bool zero)
{
	uint64_t most = 32768; /* 16 MiB a request: within every device's count field, whatever its
				  block size */
	int err = 0;

	if (!bdev->disk->limits.discard)
		return -EOPNOTSUPP;
	while (nr && !err) {
		uint64_t n = MIN(nr, most);
		struct bio *b = bio_alloc(
			bdev, zero ? BIO_WRITE_ZEROES : BIO_DISCARD, sector, 0, GFP_NOFS);

		if (!b)
			return -ENOMEM;
		b->bytes = (uint32_t)(n << SECTOR_SHIFT);
		err = bio_submit_wait(b);
		bio_put(b);
		sector += n;
		nr -= n;
	}
	return err;
}

void bio_pages_done(struct bio *b)
{
	for (unsigned i = 0; i < b->nr_vecs; i++) {
		if (b->op == BIO_READ)
			page_end_read(b->vecs[i].page, b->error);
		else
			page_end_writeback(b->vecs[i].page, b->error);
	}
	bio_put(b);
}
