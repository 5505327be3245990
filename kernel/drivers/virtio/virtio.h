/*
 * virtio.h - virtio devices on PCI (Virtual I/O Device 1.2, modern interface) and their split
 * virtqueues.
 *
 * Driver code negotiates, makes its queues, says ready; then adds chains of buffers and takes them
 * back used. Theory: virtio_pci.c
 */
#pragma once
#include <pci.h>
#include <spinlock.h>
#include <wait.h>

#define VIRTIO_F_VERSION_1 (1ull << 32)
#define VIRTIO_F_EVENT_IDX (1ull << 29) /* a driver that asks for it uses virtq_irq_*() */
#define VIRTIO_NO_VECTOR   0xffffu

struct virtio_common { /* 4.1.4.3 */
	__le32 device_feature_select, device_feature, driver_feature_select, driver_feature;
	__le16 msix_config, num_queues;
	uint8_t device_status, config_generation;
	__le16 queue_select, queue_size, queue_msix_vector, queue_enable, queue_notify_off;
	__le64 queue_desc, queue_driver, queue_device;
};
static_assert(sizeof(struct virtio_common) == 56, "common configuration");

struct virtio_dev {
	struct pci_dev *pci;
	volatile uint8_t *bar[6]; /* mapped on first use */
	volatile struct virtio_common *common;
	volatile uint8_t *notify, *config, *isr;
	uint32_t notify_multiplier, config_len, notify_len;
	uint64_t features; /* agreed on */
	unsigned vectors;
};

struct virtq_desc {
	__le64 addr;
	__le32 len;
	__le16 flags, next;
};
struct virtq_used_elem {
	__le32 id, len;
};
struct virtq_seg {
	paddr_t pa;
	uint32_t len;
};

/* Key: [q] ->lock, which the driver takes around add, take and kick  [c] constant */
struct virtq {
	struct spinlock lock;                               /* irq-save; leaf */
	struct virtio_dev *dev;                             /* [c] */
	uint16_t index, size;                               /* [c] */
	struct virtq_desc *desc;                            /* [q] */
	volatile __le16 *avail, *used;                      /* [q] flags, index, then the ring */
	uint16_t free_head, nr_free, avail_next, used_next; /* [q] */
	bool unkicked;                                      /* [q] */
	bool event_idx;                                     /* [c] */
	uint16_t kicked;           /* [q] avail_next when the device was last told */
	void **token;              /* [q] by head of chain */
	volatile __le16 *doorbell; /* [c] */
	struct wait_queue wait;    /* for free descriptors */
	void *area;
	size_t area_bytes;
};

/* 0, -ENODEV (no modern interface), -ENOMEM, -EIO (features refused). @want: of the device;
 * VERSION_1 is always asked for. */
int __must_check virtio_open(struct virtio_dev *v, struct pci_dev *pci, uint64_t want);
void virtio_ready(struct virtio_dev *v);
void virtio_reset(struct virtio_dev *v);
uint64_t virtio_config(struct virtio_dev *v, unsigned off, unsigned bytes); /* 0 beyond its end */
struct virtq *virtq_create(struct virtio_dev *v, uint16_t index, uint16_t most, unsigned cpu,
	irq_handler_t fn, void *arg, const char *name) __must_check;
/* The same, interrupting by MSI-X entry @entry, which the driver has set up and may use for several
 * queues; VIRTIO_NO_VECTOR: never, or by the line. */
struct virtq *virtq_create_at(
	struct virtio_dev *v, uint16_t index, uint16_t most, unsigned entry) __must_check;
/* Changes of the device's configuration interrupt by MSI-X entry @entry. 0 or -EIO. */
int __must_check virtio_config_vector(struct virtio_dev *v, unsigned entry);
/* Lock held. Chain of @out segments that the device reads, then @in that it writes; the head, or
 * -ENOSPC. */
int __must_check virtq_add(
	struct virtq *q, const struct virtq_seg *seg, unsigned out, unsigned in, void *token);
void *virtq_take(struct virtq *q, uint32_t *len); /* lock held: the token of a used chain or NULL */
void virtq_kick(struct virtq *q);                 /* lock held */
/* Lock held. Interrupts for used chains: off is a hint; on says whether there are used chains
 * already; after: once @n more chains have been used (without EVENT_IDX: with the next). */
void virtq_irq_off(struct virtq *q);
bool virtq_irq_on(struct virtq *q);
bool virtq_irq_after(struct virtq *q, unsigned n);
static inline bool virtq_has_used(const struct virtq *q)
{
	return q->used_next != le16(q->used[1]);
}
