/*
 * nvme.c - NVM Express disks (NVMe Base 2.0, NVM Command Set 1.0; PCIe transport).
 *
 * Theory. A controller has an admin queue pair and one I/O queue pair for each CPU (as many as it
 * and MSI-X allow), so that a command is sent and completed on one CPU; interrupt vector 0 is the
 * admin queue's, vector n I/O queue n's and is aimed at CPU n - 1. Each active namespace becomes a
 * disk nvmeCnN. A bio becomes one command: the block room built it within the limits that were
 * announced here (MDTS, page boundaries), so its page parts are PRP entries as they stand, without
 * a bounce.
 *
 *  1. A slot of a queue (index = command identifier) is taken from submission until its completion
 * is seen or the controller was reset; the ring has one entry more than slots, so it never
 * overflows.
 *  2. The doorbell is rung by kick(), at the end of a batch, or before sleeping for a slot.
 *  3. A PRP list comes from a slab (128 entries, naturally aligned, so it does not cross a page);
 * when that fails each queue has one in reserve, and a submitter sleeps until it is free.
 *  4. Time: while anything is in flight a watch runs every 5 s. A command older than 30 s is first
 * looked for in the completion ring for a while (lost interrupt, leaping clock), then aborted, and
 * 5 s later the controller is reset: all in flight ends with EIO. A controller that does not come
 * back is dead and every later bio gets EIO.
 *
 * Locks: queue->lock (leaf, irq-save). Everything the controller answers is checked: identifiers,
 * block sizes, counts. Does not: metadata, multipath, namespaces that come and go, submission
 * queues in controller memory.
 */
#include "nvme.h"

#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/io.h>
#include <error.h>
#include <log.h>
#include <printf.h>
#include <sched.h>
#include <slab.h>
#include <string.h>

#define ADMIN_DEPTH 32
#define IO_DEPTH    128

struct id_ctrl { /* NVMe Base 2.0, figure 275, what is used of it */
	__le16 vendor, sub_vendor;
	char serial[20], model[40], firmware[8];
	uint8_t rest1[5], mdts, rest2[434];
	uint8_t sqes, cqes;
	__le16 max_cmd;
	__le32 nr_namespaces;
	__le16 oncs, fuses;
	uint8_t fna, vwc;
	uint8_t rest3[3570];
};
static_assert(offsetof(struct id_ctrl, mdts) == 77 && offsetof(struct id_ctrl, sqes) == 512 &&
		      sizeof(struct id_ctrl) == 4096,
	"identify controller");
static_assert(offsetof(struct id_ctrl, oncs) == 520 && offsetof(struct id_ctrl, vwc) == 525,
	"identify controller");
struct id_ns { /* NVM Command Set 1.0, figure 97 */
	__le64 size, capacity, used;
	uint8_t features, nr_formats, format, rest1[101];
	struct {
		__le16 metadata;
		uint8_t shift, performance;
	} lba[64];
	uint8_t rest2[3712];
};
static_assert(
	offsetof(struct id_ns, lba) == 128 && sizeof(struct id_ns) == 4096, "identify namespace");

static unsigned next_instance;
static const struct disk_ops nvme_ops = {.submit = nvme_submit, .kick = nvme_kick};

/* Bring a controller that hangs back to life, or declare it dead. Work-queue context. */
static void reset(struct nvme_ctrl *c)
{
	int err;

	log_err("%s: commands time out, resetting the controller", c->name);
	WRITE_ONCE(c->dead, true);
	err = nvme_disable(c);
	nvme_queue_fail_all(c->admin);
	for (unsigned i = 0; i < c->nr_queues; i++)
		nvme_queue_fail_all(c->queue[i]);
	if (!err) {
		nvme_queue_reset(c->admin);
		err = nvme_enable(c);
	}
	if (!err) {
		unsigned n = c->nr_queues;

		err = nvme_set_queue_count(c, &n);
		if (!err && n < c->nr_queues)
			err = -EIO;
	}
	for (unsigned i = 0; i < c->nr_queues && !err; i++) {
		nvme_queue_reset(c->queue[i]);
		err = nvme_create_queue(c, c->queue[i], c->vectors > 1 ? i + 1 : 0);
	}
	if (err) {
		log_err("%s: controller does not recover: error %d; its disks fail from now on",
			c->name, -err);
		return;
	}
	WRITE_ONCE(c->dead, false);
	log_warn("%s: controller was reset", c->name);
}

static bool any_late(struct nvme_queue *q, uint64_t now)
{
	unsigned long f = spin_lock_irq(&q->lock);
	bool late = false;

	for (unsigned i = 0; i + 1 < q->depth; i++)
		late |= q->slot[i].busy && q->slot[i].deadline_ns < now;
	spin_unlock_irq(&q->lock, f);
	return late;
}

/* Abort what is late in @q; true: something was aborted before and still hangs. */
static bool check_queue(struct nvme_ctrl *c, struct nvme_queue *q, uint64_t now, bool *busy)
{
	bool hangs = false;

	while (any_late(q, now) && nvme_linger(q, NULL))
		;
	for (unsigned i = 0; i + 1 < q->depth; i++) {
		struct nvme_slot *s = &q->slot[i];
		unsigned long f = spin_lock_irq(&q->lock);
		bool late = s->busy && s->deadline_ns < now, again = late && s->aborted;

		*busy |= s->busy;
		if (late) {
			s->aborted = true;
			s->deadline_ns = now + 4 * 1000000000ull;
		}
		spin_unlock_irq(&q->lock, f);
		hangs |= again;
		if (late && !again) {
			log_warn("%s: command %u timed out, aborting it", q->name, i);
			nvme_abort_nowait(c, q, (uint16_t)i);
		}
	}
	return hangs;
}

static void watch(struct work *w)
{
	struct nvme_ctrl *c = container_of(w, struct nvme_ctrl, watch.work);
	uint64_t now = clock_ns();
	bool busy = false, hangs = false;

	WRITE_ONCE(c->watched, false);
	smp_mb();
	if (c->dead)
		return;
	for (unsigned i = 0; i < c->nr_queues; i++) {
		nvme_queue_poll(c->queue[i]);
		if (READ_ONCE(c->queue[i]->in_flight))
			hangs |= check_queue(c, c->queue[i], now, &busy);
	}
	if (hangs)
		reset(c);
	if (busy && !c->dead && !READ_ONCE(c->watched)) {
		WRITE_ONCE(c->watched, true);
		delayed_work_queue(&c->watch, 5 * 1000000000ull);
	}
}

static void irq_all(void *arg)
{
	struct nvme_ctrl *c = arg;

	nvme_queue_poll(c->admin);
	for (unsigned i = 0; i < c->nr_queues; i++)
		nvme_queue_poll(c->queue[i]);
}

/* Interrupts of the admin queue, or of everything when there is but one. */
static int setup_irqs(struct nvme_ctrl *c)
{
	int handle;

	c->vectors = pci_msix_enable(c->pci);
	if (c->vectors > 1)
		handle = pci_msix_vector(c->pci, 0, 0, nvme_queue_irq, c->admin, c->admin->name);
	else
		handle = pci_request_irq(c->pci, irq_all, c, c->name);
	return handle < 0 ? handle : 0;
}

static int make_queues(struct nvme_ctrl *c)
{
	unsigned want = MIN(cpu_count(), NVME_MAX_QUEUES), entries = (c->cap & 0xffff) + 1;
	uint64_t bells = (c->pci->bar[0].size - NVME_DOORBELLS) / (2 * c->doorbell_stride);
	int err;

	want = c->vectors > 1 ? MIN(want, c->vectors - 1) : 1;
	if (want > bells - 1)
		want = (unsigned)bells - 1;
	err = nvme_set_queue_count(c, &want);
	for (unsigned i = 0; i < want && !err; i++) {
		struct nvme_queue *q = nvme_queue_alloc(
			c, (uint16_t)(i + 1), (uint16_t)MIN(entries, (unsigned)IO_DEPTH));

		if (!q)
			return -ENOMEM;
		if (c->vectors > 1)
			err = pci_msix_vector(c->pci, i + 1, i, nvme_queue_irq, q, q->name);
		if (err < 0) {
			nvme_queue_free(q);
			return i ? 0 : err; /* fewer will do */
		}
		err = nvme_create_queue(c, q, c->vectors > 1 ? i + 1 : 0);
		if (err)
			return i ? 0 : err;
		c->queue[i] = q;
		c->nr_queues = i + 1;
	}
	return err;
}

static int identify_ctrl(struct nvme_ctrl *c, struct id_ctrl *id, paddr_t pa)
{
	unsigned page_shift = 12 + (unsigned)(c->cap >> 48 & 15);
	char model[41];
	int err = nvme_identify(c, 0, 1, id, pa);

	if (err)
		return err;
	c->max_bytes = NVME_MAX_BYTES;
	if (id->mdts && id->mdts + page_shift < 31)
		c->max_bytes = MIN(c->max_bytes, 1u << (id->mdts + page_shift));
	c->oncs = le16(id->oncs);
	c->volatile_cache = id->vwc & 1;
	memcpy(model, id->model, 40);
	model[40] = 0;
	for (unsigned i = 40; i > 0 && (model[i - 1] == ' ' || !model[i - 1]); i--)
		model[i - 1] = 0;
	for (char *p = model; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	log_info("%s: %s, %u queues, %s write cache", c->name, model, c->nr_queues,
		c->volatile_cache ? "volatile" : "no");
	return 0;
}

static void set_limits(struct nvme_ctrl *c, struct disk_limits *l, unsigned shift)
{
	*l = (struct disk_limits){
		.logical_bytes = 1u << shift,
		.physical_bytes = 1u << shift,
		.max_bytes = c->max_bytes,
		.max_vecs = NVME_PRPS,
		.volatile_cache = c->volatile_cache,
		.fua = true,
		.dma_align = 4,
		.vec_boundary_mask = PAGE_SIZE - 1,
		.discard = (c->oncs & NVME_ONCS_DSM) && (c->oncs & NVME_ONCS_WRITE_ZEROES),
	};
}

static void add_namespace(struct nvme_ctrl *c, uint32_t nsid, struct id_ns *id, paddr_t pa)
{
	struct block_device *disk;
	struct nvme_ns *ns;
	unsigned format, shift;

	if (nvme_identify(c, nsid, 0, id, pa) || !le64(id->size))
		return;
	format = (id->format & 15u) | (id->format >> 1 & 0x30u);
	shift = id->lba[format].shift;
	if (shift < 9 || shift > 12 || le16(id->lba[format].metadata) ||
		le64(id->size) >> (63 - shift)) {
		log_err("%sn%u: unusable format: blocks of 2^%u bytes, %u bytes of metadata",
			c->name, nsid, shift, le16(id->lba[format].metadata));
		return;
	}
	disk = kzalloc(sizeof(*disk));
	ns = kzalloc(sizeof(*ns));
	if (!disk || !ns) {
		kfree(disk);
		kfree(ns);
		return;
	}
	*ns = (struct nvme_ns){c, nsid, shift};
	scnprintf(disk->name, sizeof(disk->name), "%sn%u", c->name, nsid);
	disk->nr_sectors = le64(id->size) << (shift - 9);
	disk->ops = &nvme_ops;
	disk->driver = ns;
	set_limits(c, &disk->limits, shift);
	if (disk_register(disk)) {
		kfree(disk);
		kfree(ns);
	}
}

/* All active namespaces by the list (CNS 2), sorted, zero ends it. */
static int add_namespaces(struct nvme_ctrl *c)
{
	paddr_t pa_list, pa_ns;
	__le32 *list = dma_alloc(PAGE_SIZE, &pa_list);
	struct id_ns *id = dma_alloc(PAGE_SIZE, &pa_ns);
	int err = list && id ? nvme_identify(c, 0, 2, list, pa_list) : -ENOMEM;

	for (unsigned i = 0; !err && i < PAGE_SIZE / 4 && le32(list[i]); i++)
		add_namespace(c, le32(list[i]), id, pa_ns);
	dma_free(list, PAGE_SIZE);
	dma_free(id, PAGE_SIZE);
	return err;
}

static int start(struct nvme_ctrl *c)
{
	paddr_t pa;
	struct id_ctrl *id;
	int err = setup_irqs(c); /* first: a controller may look at MSI-X only when it is enabled */

	if (!err)
		err = nvme_enable(c);
	if (!err)
		err = make_queues(c);
	if (err)
		return err;
	id = dma_alloc(sizeof(*id), &pa);
	err = id ? identify_ctrl(c, id, pa) : -ENOMEM;
	dma_free(id, sizeof(*id));
	return err ? err : add_namespaces(c);
}

static struct nvme_ctrl *controllers; /* newest first */

static bool poll_queue(struct nvme_queue *q)
{
	if (!READ_ONCE(q->in_flight))
		return false;
	nvme_queue_poll(q);
	return READ_ONCE(q->in_flight) != 0;
}

/* sched_idle_poll: does this processor wait for a controller? */
static bool poll_all(void)
{
	bool busy = false;

	for (struct nvme_ctrl *c = smp_load_acquire(&controllers); c; c = c->next) {
		unsigned n = READ_ONCE(c->nr_queues);

		busy |= poll_queue(c->admin);
		if (n)
			busy |= poll_queue(c->queue[n == 1 ? 0 : cpu_id() % n]);
	}
	return busy;
}

static int nvme_probe(struct pci_dev *dev)
{
	struct nvme_ctrl *c = kzalloc(sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	nvme_queues_init();
	c->pci = dev;
	scnprintf(c->name, sizeof(c->name), "nvme%u", next_instance++);
	delayed_work_init(&c->watch, watch);
	pci_enable(dev, true);
	c->regs = pci_map_bar(dev, 0);
	err = -ENOMEM;
	if (!c->regs || dev->bar[0].size < NVME_DOORBELLS + PAGE_SIZE)
		goto free_ctrl;
	c->cap = mmio_read64(c->regs + NVME_CAP);
	c->doorbell_stride = 4u << (c->cap >> 32 & 15);
	err = -ENODEV;
	if ((c->cap >> 48 & 15) != 0 || (c->cap & 0xffff) < 2 ||
		NVME_DOORBELLS + 4ull * c->doorbell_stride > dev->bar[0].size) {
		log_err("%s: controller needs pages other than 4 KiB or has odd registers (CAP "
			"%llx)",
			c->name, (unsigned long long)c->cap);
		goto unmap;
	}
	err = -ENOMEM;
	c->admin = nvme_queue_alloc(c, 0, ADMIN_DEPTH);
	if (!c->admin)
		goto unmap;
	c->next = controllers;
	smp_store_release(&controllers, c);
	sched_idle_poll = poll_all;
	err = start(c);
	if (!err || c->nr_queues) {
		dev->driver_data = c;
		return 0;
	}
	WRITE_ONCE(c->dead, true);
	if (nvme_disable(c))
		log_err("%s: controller does not stop", c->name);
	return err; /* interrupts may be set up: the memory they point to stays */

unmap:
	iounmap((void *)(uintptr_t)c->regs, dev->bar[0].size);
free_ctrl:
	kfree(c);
	return err;
}

static void nvme_remove(struct pci_dev *dev)
{
	struct nvme_ctrl *c = dev->driver_data;

	WRITE_ONCE(c->dead, true);
	if (nvme_disable(c))
		log_err("%s: controller does not stop", c->name);
	for (unsigned i = 0; i < c->nr_queues; i++)
		nvme_queue_fail_all(c->queue[i]);
}

static const struct pci_match nvme_pci[] = {
	{.class_code = 0x010802, .class_mask = 0xffffff}, /* any NVM Express I/O controller */
	{0},
};
static const struct driver nvme_driver = {
	.name = "nvme", .pci = nvme_pci, .probe = nvme_probe, .remove = nvme_remove};
DRIVER(nvme_driver);
