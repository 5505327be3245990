/*
 * virtio_blk.c - virtio disks (Virtual I/O Device 1.2, 5.2): vda, vdb, ...
 *
 * One request queue for each CPU when the device offers several. A request is a chain: header, data
 * pages, status byte. Header and status lie in a record per head descriptor, so that submitting
 * needs no memory. FUA does not exist: the block room writes and flushes instead. Does not: time
 * out (the host answers or the machine is gone), resize.
 */
#include "virtio.h"

#include <arch/cpu.h>
#include <arch/io.h>
#include <arch/percpu.h>
#include <block.h>
#include <error.h>
#include <log.h>
#include <printf.h>
#include <slab.h>
#include <string.h>
#include <task.h>

enum {
	BLK_SEG_MAX = 1 << 2,
	BLK_RO = 1 << 5,
	BLK_SIZE = 1 << 6,
	BLK_FLUSH = 1 << 9,
	BLK_MQ = 1 << 12,
	BLK_DISCARD = 1 << 13,
	BLK_WRITE_ZEROES = 1 << 14
};
enum {
	CONF_CAPACITY = 0,
	CONF_SEG_MAX = 12,
	CONF_BLK_SIZE = 20,
	CONF_QUEUES = 34,
	CONF_MAX_DISCARD = 36,
	CONF_MAX_ZEROES = 48
};
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_DISCARD = 11, T_WRITE_ZEROES = 13 };

struct request { /* shared with the device; one for each descriptor */
	__le32 type, reserved;
	__le64 sector;
	struct {
		__le64 sector;
		__le32 sectors, flags;
	} range;
	uint8_t status, pad[7];
	struct bio *bio;
};
static_assert(offsetof(struct request, range) == 16 && offsetof(struct request, status) == 32,
	"header, range, status");

#define MOST_VECS   64u
#define MOST_QUEUES 64u
#define QUEUE_SIZE  256

struct vblk;
struct vblk_queue {
	struct virtq *vq;
	struct request *req;
	struct vblk *owner;
};
struct vblk {
	struct virtio_dev dev;
	unsigned nr_queues;
	struct vblk_queue queue[MOST_QUEUES];
	char name[8];
};

static unsigned next_letter;

static void finish(struct bio *b, uint8_t status)
{
	int err = status == 0 ? 0 : status == 2 ? -EOPNOTSUPP : -EIO;

	if (err)
		log_ratelimited(LOG_ERR, "%s: %s error at sector %llu, %u bytes (status %u)",
			b->bdev->name, b->op == BIO_READ ? "read" : "write",
			(unsigned long long)b->sector, b->bytes, status);
	bio_end(b, err);
}

static void vblk_irq(void *arg)
{
	struct vblk_queue *q = arg;
	struct {
		struct bio *bio;
		uint8_t status;
	} done[32];
	unsigned n;

	if (!q->vq)
		return;
	if (!q->owner->dev.vectors && q->owner->dev.isr)
		(void)mmio_read8(q->owner->dev.isr); /* reading it takes a line interrupt back */
	do {
		struct request *r;
		uint32_t len;
		unsigned long f = spin_lock_irq(&q->vq->lock);

		for (n = 0; n < ARRAY_SIZE(done) && (r = virtq_take(q->vq, &len)) != NULL; n++) {
			done[n].bio = r->bio;
			done[n].status = r->status;
		}
		spin_unlock_irq(&q->vq->lock, f);
		for (unsigned i = 0; i < n; i++)
			finish(done[i].bio, done[i].status);
	} while (n == ARRAY_SIZE(done));
	if (wait_queue_active(&q->vq->wait))
		wake_up_all(&q->vq->wait);
}

/* Header, data, status of @b as segments; how many the device reads and writes. */
static void chain(
	struct request *r, const struct bio *b, struct virtq_seg *seg, unsigned *out, unsigned *in)
{
	static const uint8_t type[] = {[BIO_READ] = T_IN,
		[BIO_WRITE] = T_OUT,
		[BIO_FLUSH] = T_FLUSH,
		[BIO_DISCARD] = T_DISCARD,
		[BIO_WRITE_ZEROES] = T_WRITE_ZEROES};
	paddr_t pa = virt_to_phys(r);
	unsigned n = 0;

	r->type = to_le32(type[b->op]);
	r->reserved = to_le32(0);
	r->sector = to_le64(b->op <= BIO_WRITE ? b->sector : 0);
	r->status = 0xff;
	seg[n++] = (struct virtq_seg){pa, 16};
	if (b->op == BIO_DISCARD || b->op == BIO_WRITE_ZEROES) {
		r->range.sector = to_le64(b->sector);
		r->range.sectors = to_le32(b->bytes >> 9);
		r->range.flags = to_le32(0);
		seg[n++] = (struct virtq_seg){pa + 16, 16};
	}
	for (unsigned i = 0; i < b->nr_vecs; i++)
		seg[n++] = (struct virtq_seg){
			page_to_phys(b->vecs[i].page) + b->vecs[i].offset, b->vecs[i].len};
	seg[n] = (struct virtq_seg){pa + 32, 1};
	*in = b->op == BIO_READ ? b->nr_vecs + 1u : 1;
	*out = n + 1 - *in;
}

static void vblk_submit(struct block_device *disk, struct bio *b)
{
	struct vblk *v = disk->driver;
	struct vblk_queue *q = &v->queue[v->nr_queues == 1 ? 0 : cpu_id() % v->nr_queues];
	struct virtq_seg seg[MOST_VECS + 3]
		__attribute__((uninitialized)); /* filled as far as it is used */
	unsigned need = b->nr_vecs + 3u, out, in;
	unsigned long f = spin_lock_irq(&q->vq->lock);
	struct request *r;

	while (q->vq->nr_free < need) {
		virtq_kick(q->vq);
		spin_unlock_irq(&q->vq->lock, f);
		wait_event(&q->vq->wait, READ_ONCE(q->vq->nr_free) >= need);
		f = spin_lock_irq(&q->vq->lock);
	}
	r = &q->req[q->vq->free_head];
	r->bio = b;
	chain(r, b, seg, &out, &in);
	if (virtq_add(q->vq, seg, out, in, r) < 0) /* there was room: cannot be */
		b = NULL;
	spin_unlock_irq(&q->vq->lock, f);
	if (!b)
		bio_end(r->bio, -EIO);
}

static void vblk_kick(struct block_device *disk)
{
	struct vblk *v = disk->driver;

	for (unsigned i = 0; i < v->nr_queues; i++) {
		struct virtq *q = v->queue[i].vq;
		unsigned long f;

		if (!READ_ONCE(q->unkicked))
			continue;
		f = spin_lock_irq(&q->lock);
		virtq_kick(q);
		spin_unlock_irq(&q->lock, f);
	}
}

static const struct disk_ops vblk_ops = {.submit = vblk_submit, .kick = vblk_kick};

static int make_queues(struct vblk *v)
{
	unsigned want = v->dev.features & BLK_MQ ? (unsigned)virtio_config(&v->dev, CONF_QUEUES, 2)
						 : 1;

	want = MIN(want, cpu_count());
	want = MIN(want, MOST_QUEUES);
	if (v->dev.vectors)
		want = MIN(want, v->dev.vectors);
	else
		want = 1;
	for (unsigned i = 0; i < want; i++) {
		struct vblk_queue *q = &v->queue[i];

		q->owner = v;
		q->req = kcalloc(QUEUE_SIZE, sizeof(*q->req));
		if (!q->req)
			break;
		q->vq = virtq_create(&v->dev, (uint16_t)i, QUEUE_SIZE, i, vblk_irq, q, v->name);
		if (!q->vq) {
			kfree(q->req);
			break;
		}
		v->nr_queues = i + 1;
	}
	return v->nr_queues ? 0 : -EIO;
}

static void set_limits(struct vblk *v, struct disk_limits *l)
{
	uint64_t f = v->dev.features;
	unsigned most = v->queue[0].vq->size - 2u,
		 segs = f & BLK_SEG_MAX ? (unsigned)virtio_config(&v->dev, CONF_SEG_MAX, 4) : 1;
	unsigned block = f & BLK_SIZE ? (unsigned)virtio_config(&v->dev, CONF_BLK_SIZE, 4) : 512;
	uint64_t can = BLK_DISCARD | BLK_WRITE_ZEROES;

	most = MIN(most - 1, MOST_VECS);
	segs = segs ? MIN(segs, most) : 1;
	*l = (struct disk_limits){
		.logical_bytes = block,
		.physical_bytes = block,
		.max_bytes = 1u << 20,
		.max_vecs = segs,
		.volatile_cache = (f & BLK_FLUSH) != 0,
		.read_only = (f & BLK_RO) != 0,
		.dma_align = 1,
		.discard = (f & can) == can &&
			   virtio_config(&v->dev, CONF_MAX_DISCARD, 4) >= 32768 &&
			   virtio_config(&v->dev, CONF_MAX_ZEROES, 4) >= 32768,
	};
}

static int add_disk(struct vblk *v)
{
	struct block_device *disk = kzalloc(sizeof(*disk));
	int err;

	if (!disk)
		return -ENOMEM;
	strlcpy(disk->name, v->name, sizeof(disk->name));
	disk->nr_sectors = virtio_config(&v->dev, CONF_CAPACITY, 8);
	disk->ops = &vblk_ops;
	disk->driver = v;
	set_limits(v, &disk->limits);
	err = disk->nr_sectors >> 55 ? -EINVAL : disk_register(disk);
	if (err)
		kfree(disk);
	return err;
}

static int vblk_probe(struct pci_dev *dev)
{
	struct vblk *v = kzalloc(sizeof(*v));
	int err;

	if (!v)
		return -ENOMEM;
	if (next_letter >= 26) {
		kfree(v);
		return -ENOSPC;
	}
	scnprintf(v->name, sizeof(v->name), "vd%c", 'a' + (char)next_letter);
	err = virtio_open(&v->dev, dev,
		BLK_SEG_MAX | BLK_RO | BLK_SIZE | BLK_FLUSH | BLK_MQ | BLK_DISCARD |
			BLK_WRITE_ZEROES);
	if (err) {
		kfree(v);
		return err;
	}
	err = make_queues(v);
	if (!err) {
		next_letter++;
		virtio_ready(&v->dev);
		err = add_disk(v);
	}
	if (err)
		virtio_reset(&v->dev); /* interrupts may point to the record: it stays */
	else
		dev->driver_data = v;
	return err;
}

static void vblk_remove(struct pci_dev *dev)
{
	struct vblk *v = dev->driver_data;

	virtio_reset(&v->dev);
}

static const struct pci_match vblk_pci[] = {
	{.vendor = 0x1af4, .device = 0x1042}, {.vendor = 0x1af4, .device = 0x1001}, {0}};
static const struct driver vblk_driver = {
	.name = "virtio_blk", .pci = vblk_pci, .probe = vblk_probe, .remove = vblk_remove};
DRIVER(vblk_driver);
