/*
 * loop.c - loop devices: block devices whose sectors are the bytes of a file or of another device.
 *
 * Does not: know the commands that control them (loop_ctl.c), keep writes out of the file's page
 * cache (LO_DIRECT_IO writes it through and drops what it cached).
 *
 * Theory. /dev/loopN is free, or bound to a file, which it opens for itself, so that neither flags
 * nor position are shared with the binder. While it is bound a kernel thread works its bios off,
 * one after the other: reading and writing the file like a program, BIO_FLUSH by fsync. So a flush
 * covers all writes that were completed before it, and what the device says is on media is on
 * media.
 *
 *  1. l->lock serialises binding and unbinding; the thread does not take it: what it reads of the
 * binding is constant from before its first bio to after its last.
 *  2. Unbinding with other openers waits for the last of them (LO_AUTOCLEAR, then last_close()).
 *  3. The thread must not wait for memory that only it can free. Bios it needs come from a reserve
 * of a lesser depth (bio.c, 3); it is never throttled as a writer; and when memory is short it
 * writes each request through to the file's disk and drops the pages, so that the reserve for
 * kernel threads serves one request (MAX_BYTES) after the other. Out of memory all the same, it
 * tries again.
 *  4. Stacking is limited to BLK_DEPTH_MAX, and a device is never on top of itself, as it gets its
 * depth when it is bound to something of a known one.
 *
 * Errors: what cannot be read or written behind is EIO (ENOSPC stays), also where the file was cut
 * after binding. Limits: a file whose end lies inside a sector is shown up to that sector.
 */
#include "loop.h"

#include <error.h>
#include <log.h>
#include <sched.h>
#include <slab.h>
#include <string.h>
#include <stat.h>
#include <time.h>
#include <wait.h>

#define MAX_BYTES      65536u
#define MAX_VECS       64u
#define MEMORY_WAIT_NS (10 * NSEC_PER_MSEC)

/* ---- one request ---- */

static int as_error(ssize_t done, size_t want)
{
	if (done == (ssize_t)want)
		return 0;
	return done == -ENOMEM || done == -ENOSPC ? (int)done : -EIO;
}

/* Read or write the parts of a bio, beginning at byte @pos of the file. */
static int transfer(struct file *f, const struct bio *b, int64_t pos)
{
	int err = 0;

	for (unsigned i = 0; i < b->nr_vecs && !err; i++) {
		const struct bio_vec *v = &b->vecs[i];
		char *at = (char *)page_address(v->page) + v->offset;

		if (b->op == BIO_READ)
			err = as_error(kernel_read(f, at, v->len, pos), v->len);
		else
			err = as_error(kernel_write(f, at, v->len, pos), v->len);
		pos += v->len;
	}
	return err;
}

/* Theory 3. */
static int write_through(struct file *f, int64_t pos, uint32_t bytes)
{
	int err = pagecache_sync(f->mapping, pos, pos + bytes - 1);

	pagecache_drop_clean_range(f->mapping, pos, pos + bytes);
	return err && err != -ENOMEM ? -EIO : err;
}

static int try_once(struct loop *l, const struct bio *b)
{
	struct file *f = l->file;
	int64_t pos = (int64_t)(l->config.offset + (b->sector << SECTOR_SHIFT));
	bool through = (READ_ONCE(l->config.flags) & LO_DIRECT_IO) || memory_is_short();
	int err;

	switch (b->op) {
	case BIO_FLUSH:
		err = vfs_fsync(f, 0, INT64_MAX, true);
		return err && err != -ENOMEM && err != -ENOSPC ? -EIO : err;
	case BIO_DISCARD:
	case BIO_WRITE_ZEROES:
		return vfs_fallocate(f, FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, pos, b->bytes);
	case BIO_WRITE:
		err = transfer(f, b, pos);
		return !err && through ? write_through(f, pos, b->bytes) : err;
	default:
		err = transfer(f, b, pos);
		if (through)
			pagecache_drop_clean_range(f->mapping, pos, pos + b->bytes);
		return err;
	}
}

static int do_request(struct loop *l, const struct bio *b)
{
	int err;

	while ((err = try_once(l, b)) == -ENOMEM)
		sleep_uninterruptible_ns(MEMORY_WAIT_NS);
	if (err)
		log_ratelimited(LOG_ERR, "%s: error %d at sector %llu (%s)", l->disk->name, -err,
			(unsigned long long)b->sector, b->op == BIO_READ ? "read" : "write");
	return err;
}

/* ---- the thread ---- */

static struct bio *take(struct loop *l)
{
	unsigned long f = spin_lock_irq(&l->queue_lock);
	struct bio *b = NULL;

	if (!list_empty(&l->queue)) {
		b = list_first(&l->queue, struct bio, node);
		list_del(&b->node);
	} else if (l->stop) {
		l->runs = false;
	}
	spin_unlock_irq(&l->queue_lock, f);
	return b;
}

static void worker(void *arg)
{
	struct loop *l = arg;

	for (;;) {
		struct bio *b;

		wait_event(&l->wait, !list_empty(&l->queue) || READ_ONCE(l->stop));
		b = take(l);
		if (b)
			bio_end(b, do_request(l, b));
		else if (!READ_ONCE(l->runs))
			break;
		cond_resched();
	}
	wake_up_all(&l->wait);
}

static void loop_submit(struct block_device *disk, struct bio *b)
{
	struct loop *l = disk->driver;
	unsigned long f = spin_lock_irq(&l->queue_lock);
	bool runs = l->runs;

	if (runs)
		list_add_tail(&b->node, &l->queue);
	spin_unlock_irq(&l->queue_lock, f);
	if (runs)
		wake_up_all(&l->wait);
	else
		bio_end(b, -EIO); /* it was unbound meanwhile */
}

/* ---- binding ---- */

/* How deep a device on top of @f would be; -EINVAL: it cannot stand on such a file. */
static int depth_on(const struct file *f)
{
	const struct inode *i = f->inode;
	struct block_device *b;
	int depth;

	if (S_ISREG(i->mode))
		return i->sb->bdev ? i->sb->bdev->disk->depth + 1 : 1;
	if (!S_ISBLK(i->mode))
		return -EINVAL;
	b = bdev_by_dev(i->rdev);
	if (!b)
		return -ENXIO;
	depth = b->disk->depth + 1;
	bdev_put(b);
	return depth;
}

static uint64_t bytes_of(const struct file *f)
{
	return (uint64_t)f->mapping->ops->size(f->mapping);
}

uint64_t loop_sectors(const struct loop *l)
{
	uint64_t size = bytes_of(l->file);

	size = size > l->config.offset ? size - l->config.offset : 0;
	if (l->config.sizelimit)
		size = MIN(size, l->config.sizelimit);
	return size >> SECTOR_SHIFT;
}

static void set_limits(struct loop *l)
{
	uint32_t block = l->config.block_size ? l->config.block_size : SECTOR_BYTES;

	l->disk->limits = (struct disk_limits){
		.logical_bytes = block,
		.physical_bytes = block,
		.max_bytes = MAX_BYTES,
		.max_vecs = MAX_VECS,
		.volatile_cache = true,
		.read_only = l->config.flags & LO_READ_ONLY,
		.discard = l->file && l->file->ops->fallocate && S_ISREG(l->file->inode->mode),
		.dma_align = 1,
	};
}

static int start(struct loop *l)
{
	int err;

	l->stop = false;
	l->runs = true;
	err = kthread_run(worker, l, l->disk->name);
	if (err)
		l->runs = false;
	return err;
}

static const struct disk_ops loop_ops;

/* Theory 4: @f is open, so what it is bound to stays. */
static int may_stand_on(const struct loop *l, const struct file *f)
{
	const struct block_device *below = S_ISBLK(f->inode->mode) ? f->private : NULL;
	struct loop *other;
	bool bound;

	if (!below || below->disk->ops != &loop_ops)
		return 0;
	if (below->disk == l->disk)
		return -EBADF;
	other = below->disk->driver;
	mutex_lock_nested(&other->lock, 1);
	bound = other->file != NULL;
	mutex_unlock(&other->lock);
	return bound ? 0 : -EINVAL;
}

static int open_own(struct loop *l, struct file *f, const struct loop_config *c, struct file **own)
{
	bool writable = f->mode & FMODE_WRITE && !(c->flags & LO_READ_ONLY);
	int depth = depth_on(f);
	int err;

	if (depth < 0)
		return depth;
	if (depth > (int)BLK_DEPTH_MAX)
		return -ELOOP;
	err = bio_reserve((unsigned)depth);
	if (!err)
		err = vfs_open_path(&f->path, writable ? O_RDWR : O_RDONLY, own);
	if (err)
		return err;
	err = may_stand_on(l, *own);
	if (err)
		file_put(*own);
	else
		l->disk->depth = (uint8_t)depth;
	return err;
}

int loop_bind(struct loop *l, struct file *f, const struct loop_config *c)
{
	struct file *own;
	int err;

	if (l->file)
		return -EBUSY;
	err = open_own(l, f, c, &own);
	if (err)
		return err;
	l->file = own;
	l->config = *c;
	if (!(own->mode & FMODE_WRITE))
		l->config.flags |= LO_READ_ONLY;
	set_limits(l);
	err = start(l);
	if (err) {
		l->file = NULL;
		l->config = (struct loop_config){0};
		set_limits(l);
		file_put(own);
		return err;
	}
	disk_set_size(l->disk, loop_sectors(l));
	if (l->config.flags & LO_PARTSCAN)
		part_scan(l->disk);
	return 0;
}

static bool has_ended(struct loop *l)
{
	unsigned long f = spin_lock_irq(&l->queue_lock);
	bool ended = !l->runs;

	spin_unlock_irq(&l->queue_lock, f);
	return ended;
}

/* Nothing is cached any more, nothing is in flight, and what comes fails. */
static int quiesce(struct loop *l)
{
	int err = pagecache_sync(&l->disk->mapping, 0, INT64_MAX);
	unsigned long f;

	disk_set_size(l->disk, 0);
	f = spin_lock_irq(&l->queue_lock);
	l->stop = true;
	spin_unlock_irq(&l->queue_lock, f);
	wake_up_all(&l->wait);
	wait_event(&l->wait, has_ended(l));
	return err;
}

void loop_unbind(struct loop *l, struct file **put)
{
	int err;

	disk_drop_partitions(l->disk);
	err = quiesce(l);
	if (err)
		log_err("%s: error %d writing back: data is lost", l->disk->name, -err);
	*put = l->file;
	l->file = NULL;
	l->config = (struct loop_config){0};
	set_limits(l);
}

int loop_reconfigure(struct loop *l, const struct loop_config *c)
{
	bool moves = c->offset != l->config.offset || c->sizelimit != l->config.sizelimit ||
		     c->block_size != l->config.block_size;
	int err = 0;

	if (moves && disk_is_held(l->disk))
		return -EBUSY;
	if (moves)
		err = quiesce(l);
	l->config = *c;
	if (!moves)
		return 0;
	set_limits(l);
	if (!err)
		err = start(l); /* else it stays empty until it is unbound */
	if (!err)
		disk_set_size(l->disk, loop_sectors(l));
	return err;
}

static void loop_last_close(struct block_device *disk)
{
	struct loop *l = disk->driver;
	struct file *put = NULL;

	mutex_lock(&l->lock);
	if (l->file && (l->config.flags & LO_AUTOCLEAR))
		loop_unbind(l, &put);
	mutex_unlock(&l->lock);
	if (put)
		file_put(put);
}

static const struct disk_ops loop_ops = {
	.submit = loop_submit,
	.ioctl = loop_ioctl,
	.last_close = loop_last_close,
};

void loop_init_disk(struct loop *l)
{
	mutex_init(&l->lock);
	spin_init(&l->queue_lock);
	list_init(&l->queue);
	wait_queue_init(&l->wait);
	l->disk->ops = &loop_ops;
	l->disk->driver = l;
	set_limits(l);
}
