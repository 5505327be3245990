/*
 * virtio_pci.c - finding a virtio device's registers, negotiating, and split virtqueues.
 *
 * A queue is three areas in one piece of memory: descriptors, the ring of chains made available by
 * us, the ring of chains used by the device. A chain is named by its head descriptor; token[head]
 * is what the driver gave. What the device puts into the used ring is checked: an identifier that
 * names no chain in flight is ignored and logged. Features: VIRTIO_F_VERSION_1 is required;
 * EVENT_IDX (2.7.7, 2.7.10) where the driver asks for it; no indirect descriptors (2.7.5.3): the
 * chains of our drivers are short. Spec: Virtual I/O Device 1.2.
 */
#include "virtio.h"

#include <arch/io.h>
#include <error.h>
#include <log.h>
#include <slab.h>
#include <string.h>

enum { VIRTIO_CAP = 0x09, CFG_COMMON = 1, CFG_NOTIFY = 2, CFG_ISR = 3, CFG_DEVICE = 4 };
enum { STATUS_ACKNOWLEDGE = 1, STATUS_DRIVER = 2, STATUS_DRIVER_OK = 4, STATUS_FEATURES_OK = 8 };
enum { DESC_NEXT = 1, DESC_WRITE = 2 };
#define NO_DESC 0xffffu

/* Registers that capability @cap points to, at least @least bytes of them; NULL: not usable. */
static volatile uint8_t *map_cap(struct virtio_dev *v, uint8_t cap, uint32_t least, uint32_t *len)
{
	unsigned bar = pci_read(v->pci, cap + 4u, 1);
	uint32_t off = pci_read(v->pci, cap + 8u, 4);

	*len = pci_read(v->pci, cap + 12u, 4);
	if (bar >= 6 || *len < least || off > v->pci->bar[bar].size ||
		*len > v->pci->bar[bar].size - off)
		return NULL;
	if (!v->bar[bar])
		v->bar[bar] = pci_map_bar(v->pci, bar);
	return v->bar[bar] ? v->bar[bar] + off : NULL;
}

static void find_registers(struct virtio_dev *v)
{
	uint32_t len;

	for (uint8_t cap = pci_find_cap(v->pci, VIRTIO_CAP, 0); cap;
		cap = pci_find_cap(v->pci, VIRTIO_CAP, cap)) {
		switch (pci_read(v->pci, cap + 3u, 1)) {
		case CFG_COMMON:
			if (!v->common)
				v->common = (volatile struct virtio_common *)map_cap(
					v, cap, sizeof(*v->common), &len);
			break;
		case CFG_NOTIFY:
			if (!v->notify) {
				v->notify = map_cap(v, cap, 2, &v->notify_len);
				v->notify_multiplier = pci_read(v->pci, cap + 16u, 4);
			}
			break;
		case CFG_ISR:
			if (!v->isr)
				v->isr = map_cap(v, cap, 1, &len);
			break;
		case CFG_DEVICE:
			if (!v->config)
				v->config = map_cap(v, cap, 1, &v->config_len);
			break;
		}
	}
}

static void add_status(struct virtio_dev *v, uint8_t bits)
{
	mmio_write8(&v->common->device_status, mmio_read8(&v->common->device_status) | bits);
}

static uint64_t device_features(struct virtio_dev *v)
{
	uint64_t f;

	mmio_write32(&v->common->device_feature_select, 0);
	f = mmio_read32(&v->common->device_feature);
	mmio_write32(&v->common->device_feature_select, 1);
	return f | (uint64_t)mmio_read32(&v->common->device_feature) << 32;
}

void virtio_reset(struct virtio_dev *v)
{
	mmio_write8(&v->common->device_status, 0);
	for (unsigned n = 0; mmio_read8(&v->common->device_status) && n < 1000000; n++)
		;
}

int virtio_open(struct virtio_dev *v, struct pci_dev *pci, uint64_t want)
{
	v->pci = pci;
	pci_enable(pci, true);
	find_registers(v);
	if (!v->common || !v->notify)
		return -ENODEV;
	virtio_reset(v);
	add_status(v, STATUS_ACKNOWLEDGE);
	add_status(v, STATUS_DRIVER);
	v->features = device_features(v) & (want | VIRTIO_F_VERSION_1);
	if (!(v->features & VIRTIO_F_VERSION_1))
		return -ENODEV;
	mmio_write32(&v->common->driver_feature_select, 0);
	mmio_write32(&v->common->driver_feature, (uint32_t)v->features);
	mmio_write32(&v->common->driver_feature_select, 1);
	mmio_write32(&v->common->driver_feature, (uint32_t)(v->features >> 32));
	add_status(v, STATUS_FEATURES_OK);
	if (!(mmio_read8(&v->common->device_status) & STATUS_FEATURES_OK))
		return -EIO;
	v->vectors = pci_msix_enable(pci);
	if (v->vectors)
		mmio_write16(&v->common->msix_config, VIRTIO_NO_VECTOR);
	return 0;
}

void virtio_ready(struct virtio_dev *v)
{
	add_status(v, STATUS_DRIVER_OK);
}

uint64_t virtio_config(struct virtio_dev *v, unsigned off, unsigned bytes)
{
	if (!v->config || off + bytes > v->config_len)
		return 0;
	switch (bytes) {
	case 1:
		return mmio_read8(v->config + off);
	case 2:
		return mmio_read16(v->config + off);
	case 4:
		return mmio_read32(v->config + off);
	}
	return mmio_read32(v->config + off) | (uint64_t)mmio_read32(v->config + off + 4) << 32;
}

/* The interrupt of a queue: a vector of its own while there are enough, else the one that all
 * share. */
static int setup_vector(struct virtio_dev *v, struct virtq *q, unsigned cpu, irq_handler_t fn,
	void *arg, const char *name)
{
	int handle;

	if (!v->vectors) {
		handle = pci_request_irq(v->pci, fn, arg, name);
		return handle < 0 ? handle : 0;
	}
	if (q->index >= v->vectors)
		return -ENOSPC;
	handle = pci_msix_vector(v->pci, q->index, cpu, fn, arg, name);
	if (handle < 0)
		return handle;
	mmio_write16(&v->common->queue_msix_vector, q->index);
	return mmio_read16(&v->common->queue_msix_vector) == q->index ? 0 : -EIO;
}

static int alloc_rings(struct virtq *q, paddr_t *pa, size_t *avail, size_t *used)
{
	*avail = q->size * sizeof(struct virtq_desc);
	*used = ALIGN_UP(*avail + 6 + 2u * q->size, (size_t)64);
	q->area_bytes = *used + 6 + sizeof(struct virtq_used_elem) * q->size;
	q->area = dma_alloc(q->area_bytes, pa);
	q->token = kcalloc(q->size, sizeof(*q->token));
	if (!q->area || !q->token)
		return -ENOMEM;
	q->desc = q->area;
	q->avail = (volatile __le16 *)((char *)q->area + *avail);
	q->used = (volatile __le16 *)((char *)q->area + *used);
	for (unsigned i = 0; i < q->size; i++)
		q->desc[i].next = to_le16(i + 1 < q->size ? i + 1 : NO_DESC);
	q->nr_free = q->size;
	return 0;
}

static void destroy(struct virtq *q)
{
	dma_free(q->area, q->area_bytes);
	kfree(q->token);
	kfree(q);
}

/* Memory and registers of a queue; it is not enabled yet. */
static struct virtq *prepare(struct virtio_dev *v, uint16_t index, uint16_t most)
{
	volatile struct virtio_common *c = v->common;
	struct virtq *q = kzalloc(sizeof(*q));
	uint32_t bell;
	size_t avail, used;
	paddr_t pa;

	if (!q)
		return NULL;
	spin_init(&q->lock);
	wait_queue_init(&q->wait);
	q->dev = v;
	q->index = index;
	q->event_idx = v->features & VIRTIO_F_EVENT_IDX;
	mmio_write16(&c->queue_select, index);
	q->size = mmio_read16(&c->queue_size);
	if (q->size > most)
		q->size = most;
	bell = mmio_read16(&c->queue_notify_off) * v->notify_multiplier;
	if (q->size < 2 || q->size & (q->size - 1) || bell + 2 > v->notify_len ||
		alloc_rings(q, &pa, &avail, &used)) {
		destroy(q);
		return NULL;
	}
	mmio_write16(&c->queue_size, q->size);
	q->doorbell = (volatile __le16 *)(v->notify + bell);
	mmio_write64(&c->queue_desc, pa);
	mmio_write64(&c->queue_driver, pa + avail);
	mmio_write64(&c->queue_device, pa + used);
	return q;
}

struct virtq *virtq_create(struct virtio_dev *v, uint16_t index, uint16_t most, unsigned cpu,
	irq_handler_t fn, void *arg, const char *name)
{
	struct virtq *q = prepare(v, index, most);

	if (!q || setup_vector(v, q, cpu, fn, arg, name))
		return NULL; /* the queue's memory stays: a vector may point to it */
	mmio_write16(&v->common->queue_enable, 1);
	return q;
}

struct virtq *virtq_create_at(struct virtio_dev *v, uint16_t index, uint16_t most, unsigned entry)
{
	struct virtq *q = prepare(v, index, most);

	if (!q)
		return NULL;
	if (v->vectors) {
		mmio_write16(&v->common->queue_msix_vector, (uint16_t)entry);
		if (mmio_read16(&v->common->queue_msix_vector) != entry) {
			destroy(q);
			return NULL;
		}
	}
	mmio_write16(&v->common->queue_enable, 1);
	return q;
}

int virtio_config_vector(struct virtio_dev *v, unsigned entry)
{
	mmio_write16(&v->common->msix_config, (uint16_t)entry);
	return mmio_read16(&v->common->msix_config) == entry ? 0 : -EIO;
}

int virtq_add(struct virtq *q, const struct virtq_seg *seg, unsigned out, unsigned in, void *token)
{
	unsigned n = out + in, d = q->free_head, head = d;

	if (q->nr_free < n)
		return -ENOSPC;
	for (unsigned i = 0; i < n; i++) {
		struct virtq_desc *e = &q->desc[d];

		e->addr = to_le64(seg[i].pa);
		e->len = to_le32(seg[i].len);
		e->flags = to_le16((i >= out ? DESC_WRITE : 0) | (i + 1 < n ? DESC_NEXT : 0));
		d = le16(e->next);
	}
	q->free_head = (uint16_t)d;
	q->nr_free -= n;
	q->token[head] = token;
	q->avail[2 + (q->avail_next & (q->size - 1))] = to_le16(head);
	smp_wmb();
	q->avail[1] = to_le16(++q->avail_next);
	q->unkicked = true;
	return (int)head;
}

/* Behind the ring of used chains: the device wants to be told of this chain (2.7.10). */
static inline volatile __le16 *avail_event(const struct virtq *q)
{
	return q->used + 2 + q->size * (sizeof(struct virtq_used_elem) / sizeof(__le16));
}
/* Behind the ring of available chains: we want to be told of this chain (2.7.7). */
static inline volatile __le16 *used_event(const struct virtq *q)
{
	return q->avail + 2 + q->size;
}

void virtq_kick(struct virtq *q)
{
	uint16_t before = q->kicked;

	if (!q->unkicked)
		return;
	q->unkicked = false;
	q->kicked = q->avail_next;
	smp_mb();
	if (q->event_idx) {
		uint16_t event = le16(*avail_event(q));

		if ((uint16_t)(q->avail_next - event - 1) >= (uint16_t)(q->avail_next - before))
			return;
	} else if (le16(q->used[0]) & 1) { /* the device may ask not to be told */
		return;
	}
	mmio_write16(q->doorbell, q->index);
}

void virtq_irq_off(struct virtq *q)
{
	if (q->event_idx) /* as far away as can be */
		*used_event(q) = to_le16(q->used_next + 0x8000);
	else
		q->avail[0] = to_le16(1);
}

bool virtq_irq_after(struct virtq *q, unsigned n)
{
	if (q->event_idx)
		*used_event(q) = to_le16(q->used_next + n);
	else
		q->avail[0] = to_le16(0);
	smp_mb();
	return (uint16_t)(le16(q->used[1]) - q->used_next) > (q->event_idx ? n : 0);
}

bool virtq_irq_on(struct virtq *q)
{
	return virtq_irq_after(q, 0);
}

static void free_chain(struct virtq *q, unsigned head)
{
	unsigned d = head, n = 1;

	while ((le16(q->desc[d].flags) & DESC_NEXT) && n < q->size) {
		d = le16(q->desc[d].next);
		n++;
	}
	q->desc[d].next = to_le16(q->free_head);
	q->free_head = (uint16_t)head;
	q->nr_free += n;
	q->token[head] = NULL;
}

void *virtq_take(struct virtq *q, uint32_t *len)
{
	volatile struct virtq_used_elem *ring =
		(volatile struct virtq_used_elem *)(uintptr_t)(q->used + 2);

	while (q->used_next != le16(q->used[1])) {
		unsigned k = q->used_next & (q->size - 1u);
		uint32_t id;
		void *token;

		smp_rmb();
		id = le32(ring[k].id);
		*len = le32(ring[k].len);
		q->used_next++;
		token = id < q->size ? q->token[id] : NULL;
		if (token) {
			free_chain(q, id);
			return token;
		}
		log_ratelimited(LOG_ERR,
			"virtio: queue %u: device returned chain %u, which it was not given",
			q->index, id);
	}
	return NULL;
}
