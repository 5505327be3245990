/*
 * blkdev.c - block devices as files: /dev/nvme0n1 and its like, through the device's page cache.
 *
 * Does not: bypass the cache (O_DIRECT is accepted and cached). O_EXCL claims the device, so that
 * mkfs and mount cannot meet.
 */
#include "internal.h"
#include <block.h>
#include <stat.h>
#include <vm.h>

#define SECTOR 512u

enum { /* ioctl_list(2), ioctl_blk */
	BLKROGET = 0x125e,
	BLKRRPART = 0x125f,
	BLKGETSIZE = 0x1260,
	BLKFLSBUF = 0x1261,
	BLKRAGET = 0x1263,
	BLKSSZGET = 0x1268,
	BLKDISCARD = 0x1277,
	BLKIOMIN = 0x1278,
	BLKIOOPT = 0x1279,
	BLKALIGNOFF = 0x127a,
	BLKPBSZGET = 0x127b,
	BLKDISCARDZEROES = 0x127c,
	BLKROTATIONAL = 0x127e,
	BLKZEROOUT = 0x127f,
	HDIO_GETGEO = 0x0301,
};
#define BLKBSZGET    0x80081270u
#define BLKBSZSET    0x40081271u
#define BLKGETSIZE64 0x80081272u

struct hd_geometry {
	uint8_t heads, sectors;
	uint16_t cylinders;
	uint64_t start;
};

static int64_t bytes_of(const struct block_device *b)
{
	return (int64_t)(b->nr_sectors * SECTOR);
}

static int blkdev_open(struct inode *i, struct file *f)
{
	struct block_device *b = bdev_by_dev(i->rdev);
	int err;

	if (!b)
		return -ENXIO;
	err = bdev_open(b);
	if (err)
		goto put;
	if (f->flags & O_EXCL) {
		err = bdev_claim(b, f);
		if (err)
			goto close;
		f->mode |= FMODE_EXCL;
	}
	f->private = b;
	f->mapping = &b->mapping;
	f->wb_seen = b->mapping.wb_seq;
	return 0;
close:
	bdev_close(b);
put:
	bdev_put(b);
	return err;
}

static void blkdev_release(struct file *f)
{
	struct block_device *b = f->private;

	if ((f->mode & FMODE_WRITE) && pagecache_sync(&b->mapping, 0, INT64_MAX))
		log_ratelimited(LOG_ERR, "%s: write failed at close", b->name);
	if (f->mode & FMODE_EXCL)
		bdev_release(b, f);
	bdev_close(b);
	bdev_put(b);
}

static ssize_t blkdev_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	struct block_device *b = f->private;
	int64_t left = bytes_of(b) - *pos;
	ssize_t n;

	if (left <= 0 || !to->count)
		return 0;
	if (to->count > (uint64_t)left)
		to->count = (size_t)left;
	n = pagecache_read(&b->mapping, &f->ra, to, *pos);
	if (n > 0)
		*pos += n;
	return n;
}

static void no_grow(void *host, int64_t size)
{
}

static ssize_t blkdev_write(struct file *f, struct iov_iter *from, int64_t *pos)
{
	struct block_device *b = f->private;
	int64_t left = bytes_of(b) - *pos;
	ssize_t n;
	int err;

	if (b->disk->limits.read_only)
		return -EPERM;
	if (!from->count)
		return 0;
	if (left <= 0)
		return -ENOSPC;
	if (from->count > (uint64_t)left)
		from->count = (size_t)left;
	rwsem_write_lock(&f->inode->lock);
	n = pagecache_write(&b->mapping, from, *pos, no_grow);
	rwsem_write_unlock(&f->inode->lock);
	if (n <= 0)
		return n;
	*pos += n;
	if (f->flags & O_DSYNC) {
		err = vfs_fsync(f, *pos - n, *pos, true);
		if (err)
			return err;
	}
	return n;
}

static int blkdev_fsync(struct file *f, int64_t start, int64_t end, bool datasync)
{
	struct block_device *b = f->private;
	int err = pagecache_sync(&b->mapping, start, end);
	int seen = mapping_check_error(&b->mapping, &f->wb_seen);

	if (!err)
		err = seen;
	return err ? err : blk_flush(b);
}

static int64_t blkdev_seek(struct file *f, int64_t off, int whence)
{
	int64_t size = bytes_of(f->private);

	return plain_seek(f, off, whence, size, size);
}

/* BLKDISCARD, BLKZEROOUT: @range is start and length in bytes. */
static long discard(struct file *f, const uint64_t range[2], bool zero)
{
	struct block_device *b = f->private;
	uint64_t size = (uint64_t)bytes_of(b);

	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if ((range[0] | range[1]) % SECTOR || range[0] > size || range[1] > size - range[0])
		return -EINVAL;
	pagecache_drop_range(&b->mapping, (int64_t)range[0], (int64_t)(range[0] + range[1]));
	return blk_discard(b, range[0] / SECTOR, range[1] / SECTOR, zero);
}

static long flush_buffers(struct file *f)
{
	struct block_device *b = f->private;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EACCES;
	err = pagecache_sync(&b->mapping, 0, INT64_MAX);
	pagecache_drop_clean(&b->mapping);
	return err;
}

static long geometry(const struct block_device *b, struct hd_geometry *g)
{
	uint64_t cylinders = b->nr_sectors / (255 * 63);

	g->heads = 255;
	g->sectors = 63;
	g->cylinders = (uint16_t)(cylinders > 65535 ? 65535 : cylinders);
	g->start = b->start_sector;
	return 0;
}

static long blkdev_ioctl(struct file *f, unsigned cmd, void *arg)
{
	struct block_device *b = f->private;

	switch (cmd) {
	case BLKGETSIZE64:
		*(uint64_t *)arg = (uint64_t)bytes_of(b);
		return 0;
	case BLKGETSIZE:
		*(unsigned long *)arg = b->nr_sectors;
		return 0;
	case BLKSSZGET:
		*(int *)arg = (int)b->limits.logical_bytes;
		return 0;
	case BLKPBSZGET:
	case BLKIOMIN:
		*(uint32_t *)arg = b->limits.physical_bytes;
		return 0;
	case BLKBSZGET:
		*(uint64_t *)arg = PAGE_SIZE;
		return 0;
	case BLKBSZSET:
		return 0;
	case BLKIOOPT:
	case BLKALIGNOFF:
	case BLKDISCARDZEROES:
		*(uint32_t *)arg = 0;
		return 0;
	case BLKROGET:
		*(int *)arg = b->disk->limits.read_only;
		return 0;
	case BLKRAGET:
		*(long *)arg = 256;
		return 0;
	case BLKROTATIONAL:
		*(uint16_t *)arg = b->limits.rotational;
		return 0;
	case BLKRRPART:
		return capable(CAP_SYS_ADMIN) ? disk_rescan(b->disk) : -EACCES;
	case BLKFLSBUF:
		return flush_buffers(f);
	case BLKDISCARD:
	case BLKZEROOUT:
		return discard(f, arg, cmd == BLKZEROOUT);
	case HDIO_GETGEO:
		return geometry(b, arg);
	}
	if (b->disk == b && b->ops->ioctl)
		return b->ops->ioctl(b, f->mode & FMODE_WRITE, cmd, arg);
	return -ENOTTY;
}

static int blkdev_mmap(struct file *f, struct vm_map_args *a)
{
	const struct block_device *b = f->private;

	if (b->disk->limits.read_only && (a->flags & VM_SHARED)) {
		if (a->flags & VM_WRITE)
			return -EINVAL;
		a->flags &= ~(uint32_t)VM_MAYWRITE;
	}
	return generic_file_mmap(f, a);
}

const struct file_ops blkdev_fops = {
	.open = blkdev_open,
	.release = blkdev_release,
	.read = blkdev_read,
	.write = blkdev_write,
	.fsync = blkdev_fsync,
	.seek = blkdev_seek,
	.mmap = blkdev_mmap,
	.ioctl = blkdev_ioctl,
};
