/*
 * virtio_rng.c - the host's random numbers (Virtual I/O Device 1.2, 5.4), stirred into the
 * kernel's: at boot and every ten minutes.
 */
#include "virtio.h"

#include <error.h>
#include <random.h>
#include <slab.h>
#include <workqueue.h>

#define RNG_BYTES     64
#define RNG_PERIOD_NS (600ull * 1000000000)

struct vrng {
	struct virtio_dev dev;
	struct virtq *vq;
	uint8_t buf[RNG_BYTES];
	struct delayed_work again;
};

static void rng_irq(void *arg)
{
	struct vrng *r = arg;
	uint32_t len = 0;
	unsigned long f;
	void *token;

	if (!r->vq)
		return;
	f = spin_lock_irq(&r->vq->lock);
	token = virtq_take(r->vq, &len);
	spin_unlock_irq(&r->vq->lock, f);
	if (!token)
		return;
	if (len > RNG_BYTES)
		len = RNG_BYTES;
	random_add(r->buf, len, len * 8);
	delayed_work_queue(&r->again, RNG_PERIOD_NS);
}

static void ask(struct work *w)
{
	struct vrng *r = container_of(w, struct vrng, again.work);
	struct virtq_seg seg = {virt_to_phys(r->buf), RNG_BYTES};
	unsigned long f = spin_lock_irq(&r->vq->lock);

	if (virtq_add(r->vq, &seg, 0, 1, r) >= 0)
		virtq_kick(r->vq);
	spin_unlock_irq(&r->vq->lock, f);
}

static int rng_probe(struct pci_dev *dev)
{
	struct vrng *r = kzalloc(sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	delayed_work_init(&r->again, ask);
	err = virtio_open(&r->dev, dev, 0);
	if (err) {
		kfree(r);
		return err;
	}
	r->vq = virtq_create(&r->dev, 0, 8, 0, rng_irq, r, "virtio_rng");
	if (!r->vq) {
		virtio_reset(&r->dev); /* an interrupt may point to the record: it stays */
		return -EIO;
	}
	virtio_ready(&r->dev);
	dev->driver_data = r;
	ask(&r->again.work);
	return 0;
}

static void rng_remove(struct pci_dev *dev)
{
	struct vrng *r = dev->driver_data;

	virtio_reset(&r->dev);
}

static const struct pci_match rng_pci[] = {
	{.vendor = 0x1af4, .device = 0x1044}, {.vendor = 0x1af4, .device = 0x1005}, {0}};
static const struct driver rng_driver = {
	.name = "virtio_rng", .pci = rng_pci, .probe = rng_probe, .remove = rng_remove};
DRIVER(rng_driver);
