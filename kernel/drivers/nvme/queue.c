/*
 * queue.c - NVMe queue pairs: commands out, completions in. Theory: nvme.c
 */
#include "nvme.h"

#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/io.h>
#include <arch/percpu.h>
#include <debug.h>
#include <error.h>
#include <log.h>
#include <printf.h>
#include <sched.h>
#include <slab.h>
#include <string.h>

#define NO_SLOT 0xffffu
static struct slab_cache *prp_cache;

void nvme_queues_init(void)
{
	if (!prp_cache)
		prp_cache = slab_cache_create("nvme_prp", NVME_PRPS * 8, NVME_PRPS * 8, NULL);
}

void nvme_queue_reset(struct nvme_queue *q)
{
	memset(q->sq, 0, q->depth * sizeof(*q->sq));
	memset((void *)(uintptr_t)q->cq, 0, q->depth * sizeof(*q->cq));
	q->sq_tail = q->sq_rung = q->cq_head = 0;
	q->phase = 1;
	q->in_flight = 0;
	for (unsigned i = 0; i < q->depth; i++)
		q->slot[i] = (struct nvme_slot){.next_free = (uint16_t)(i + 1)};
	q->slot[q->depth - 2].next_free = NO_SLOT; /* one entry of a full ring stays empty */
	q->free_head = 0;
}

struct nvme_queue *nvme_queue_alloc(struct nvme_ctrl *c, uint16_t id, uint16_t depth)
{
	struct nvme_queue *q = kzalloc(sizeof(*q));
	volatile uint8_t *bell = c->regs + NVME_DOORBELLS + (size_t)id * 2 * c->doorbell_stride;

	if (!q)
		return NULL;
	spin_init(&q->lock);
	wait_queue_init(&q->wait);
	q->ctrl = c;
	q->id = id;
	q->depth = depth;
	q->sq_doorbell = (volatile uint32_t *)bell;
	q->cq_doorbell = (volatile uint32_t *)(bell + c->doorbell_stride);
	scnprintf(q->name, sizeof(q->name), "%sq%u", c->name, id);
	q->sq = dma_alloc(depth * sizeof(*q->sq), &q->sq_pa);
	q->cq = dma_alloc(depth * sizeof(*q->cq), &q->cq_pa);
	q->slot = kcalloc(depth, sizeof(*q->slot));
	q->reserve = slab_alloc(prp_cache, GFP_KERNEL);
	if (!q->sq || !q->cq || !q->slot || !q->reserve) {
		nvme_queue_free(q);
		return NULL;
	}
	nvme_queue_reset(q);
	return q;
}

void nvme_queue_free(struct nvme_queue *q)
{
	if (!q)
		return;
	dma_free(q->sq, q->depth * sizeof(*q->sq));
	dma_free((void *)(uintptr_t)q->cq, q->depth * sizeof(*q->cq));
	kfree(q->slot);
	if (q->reserve)
		slab_free(prp_cache, q->reserve);
	kfree(q);
}

static void free_prp(struct nvme_queue *q, uint64_t *prp)
{
	if (prp == q->reserve)
		q->reserve_used = false;
	else if (prp)
		slab_free(prp_cache, prp);
}

static void ring(struct nvme_queue *q)
{
	if (q->sq_rung == q->sq_tail)
		return;
	q->sq_rung = q->sq_tail;
	smp_wmb();
	mmio_write32(q->sq_doorbell, q->sq_tail);
}

/* Put @cmd into the ring under slot @cid. The queue's lock is held. */
static void push(struct nvme_queue *q, struct nvme_command *cmd, uint16_t cid)
{
	cmd->cid = to_le16(cid);
	q->sq[q->sq_tail] = *cmd;
	q->sq_tail = q->sq_tail + 1u == q->depth ? 0 : (uint16_t)(q->sq_tail + 1);
}

/* A free slot, or NO_SLOT. The queue's lock is held. */
static uint16_t take_slot(struct nvme_queue *q)
{
	uint16_t cid = q->free_head;
	struct nvme_slot *s = &q->slot[cid];

	if (cid == NO_SLOT)
		return NO_SLOT;
	q->free_head = s->next_free;
	q->in_flight++;
	s->busy = true;
	s->aborted = false;
	s->deadline_ns = clock_ns() + NVME_TIMEOUT_NS;
	return cid;
}

static void give_slot(struct nvme_queue *q, uint16_t cid)
{
	struct nvme_slot *s = &q->slot[cid];

	free_prp(q, s->prp);
	s->prp = NULL;
	s->bio = NULL;
	s->wait = NULL;
	s->busy = false;
	s->next_free = q->free_head;
	q->free_head = cid;
	q->in_flight--;
}

int nvme_status_error(uint16_t status)
{
	unsigned type = status >> 8 & 7, code = status & 0xff;

	if (type == 0 && code == 0)
		return 0;
	if (type == 0 && code == 0x81) /* capacity exceeded */
		return -ENOSPC;
	if (type == 1 && code == 0x82) /* attempted write to read-only range */
		return -EROFS;
	return -EIO;
}

static const char *const op_name[] = {[BIO_READ] = "read",
	[BIO_WRITE] = "write",
	[BIO_FLUSH] = "flush",
	[BIO_DISCARD] = "discard",
	[BIO_WRITE_ZEROES] = "zero"};

static void finish(struct bio *b, uint16_t status)
{
	int err = nvme_status_error(status);

	if (err)
		log_ratelimited(LOG_ERR, "%s: %s error at sector %llu, %u bytes (status %03x)",
			b->bdev->name, op_name[b->op], (unsigned long long)b->sector, b->bytes,
			status & 0x7ff);
	bio_end(b, err);
}

/* Take one completion off the ring into *bio and *status. false: none. The lock is held. */
static bool pop(struct nvme_queue *q, struct bio **bio, uint16_t *status)
{
	volatile struct nvme_completion *e = &q->cq[q->cq_head];
	struct nvme_slot *s;
	uint16_t raw = le16(e->status), cid;

	if ((raw & 1) != q->phase)
		return false;
	smp_rmb();
	cid = le16(e->cid);
	*bio = NULL;
	*status = raw >> 1;
	if (++q->cq_head == q->depth) {
		q->cq_head = 0;
		q->phase ^= 1;
	}
	if (cid >= q->depth || !q->slot[cid].busy) {
		log_ratelimited(LOG_ERR, "%s: completion of a command that was never sent (%u)",
			q->name, cid);
		return true;
	}
	s = &q->slot[cid];
	*bio = s->bio;
	if (s->wait) {
		s->wait->status = *status;
		s->wait->result = le32(e->result);
		smp_store_release(&s->wait->finished, true);
	}
	give_slot(q, cid);
	return true;
}

unsigned nvme_queue_poll(struct nvme_queue *q)
{
	struct {
		struct bio *bio;
		uint16_t status;
	} done[32];
	unsigned n, all = 0;

	do {
		unsigned bios = 0;
		unsigned long f = spin_lock_irq(&q->lock);

		for (n = 0; n < ARRAY_SIZE(done) && pop(q, &done[bios].bio, &done[bios].status);
			n++)
			if (done[bios].bio)
				bios++;
		if (n)
			mmio_write32(q->cq_doorbell, q->cq_head);
		spin_unlock_irq(&q->lock, f);
		for (unsigned i = 0; i < bios; i++)
			finish(done[i].bio, done[i].status);
		all += n;
	} while (n == ARRAY_SIZE(done));
	if (all && wait_queue_active(&q->wait))
		wake_up_all(&q->wait);
	return all;
}

void nvme_queue_irq(void *queue)
{
	nvme_queue_poll(queue);
}

void nvme_queue_fail_all(struct nvme_queue *q)
{
	for (unsigned i = 0; i + 1 < q->depth; i++) {
		unsigned long f = spin_lock_irq(&q->lock);
		struct bio *b = q->slot[i].bio;

		if (q->slot[i].busy) {
			if (q->slot[i].wait) {
				q->slot[i].wait->status = 0x07; /* aborted */
				smp_store_release(&q->slot[i].wait->finished, true);
			}
			give_slot(q, (uint16_t)i);
		}
		spin_unlock_irq(&q->lock, f);
		if (b)
			finish(b, 0x07);
	}
	wake_up_all(&q->wait);
}

/* The pages of @b as PRPs (4.1.1): the first entry in the command, the second too if it is the
 * last, else a list. */
static void set_prps(struct nvme_command *cmd, const struct bio *b, uint64_t *list)
{
	unsigned n = 0;

	for (unsigned i = 0; i < b->nr_vecs; i++) {
		paddr_t pa = page_to_phys(b->vecs[i].page) + b->vecs[i].offset;

		if (i == 0)
			cmd->prp1 = to_le64(pa);
		else if (list)
			list[n++] = pa;
		else
			cmd->prp2 = to_le64(pa);
	}
	if (list)
		cmd->prp2 = to_le64(virt_to_phys(list));
}

/* What @b needs beside the command: a PRP list or a range. */
static bool needs_list(const struct bio *b)
{
	return b->nr_vecs > 2 || b->op == BIO_DISCARD;
}

static void build(
	struct nvme_command *cmd, const struct nvme_ns *ns, const struct bio *b, uint64_t *list)
{
	static const uint8_t opcode[] = {[BIO_READ] = NVME_READ,
		[BIO_WRITE] = NVME_WRITE,
		[BIO_FLUSH] = NVME_FLUSH,
		[BIO_DISCARD] = NVME_DSM,
		[BIO_WRITE_ZEROES] = NVME_WRITE_ZEROES};
	uint64_t lba = b->sector << 9 >> ns->lba_shift;
	uint32_t blocks = b->bytes >> ns->lba_shift;

	cmd->opcode = opcode[b->op];
	cmd->nsid = to_le32(ns->id);
	if (b->op == BIO_FLUSH)
		return;
	if (b->op == BIO_DISCARD) {
		*(struct nvme_range *)list = (struct nvme_range){
			.blocks = to_le32(blocks), .lba = to_le64(lba)};
		cmd->prp1 = to_le64(virt_to_phys(list));
		cmd->cdw11 = to_le32(1u << 2); /* deallocate */
		return;
	}
	cmd->cdw10 = to_le32(lba);
	cmd->cdw11 = to_le32(lba >> 32);
	cmd->cdw12 = to_le32(
		(blocks - 1) | (b->flags & BIO_FUA && b->op == BIO_WRITE ? 1u << 30 : 0));
	if (b->op != BIO_WRITE_ZEROES)
		set_prps(cmd, b, list);
}

/* A slot for @b with its list. NO_SLOT: wait. The lock is held. *list: allocated before, or NULL.
 */
static uint16_t reserve_slot(struct nvme_queue *q, const struct bio *b, uint64_t **list)
{
	if (q->free_head == NO_SLOT)
		return NO_SLOT;
	if (needs_list(b) && !*list) {
		if (q->reserve_used)
			return NO_SLOT;
		q->reserve_used = true;
		*list = q->reserve;
	}
	return take_slot(q);
}

static void arm_watch(struct nvme_ctrl *c)
{
	if (READ_ONCE(c->watched))
		return;
	WRITE_ONCE(c->watched, true);
	delayed_work_queue(&c->watch, 5 * 1000000000ull);
}

void nvme_submit(struct block_device *disk, struct bio *b)
{
	struct nvme_ns *ns = disk->driver;
	struct nvme_ctrl *c = ns->ctrl;
	struct nvme_queue *q = c->queue[c->nr_queues == 1 ? 0 : cpu_id() % c->nr_queues];
	uint64_t *list = needs_list(b) ? slab_alloc(prp_cache, GFP_NOFS | GFP_NORETRY) : NULL;
	struct nvme_command cmd = {0};
	unsigned long f = spin_lock_irq(&q->lock);
	uint16_t cid;

	while (!READ_ONCE(c->dead) && (cid = reserve_slot(q, b, &list)) == NO_SLOT) {
		ring(q);
		spin_unlock_irq(&q->lock, f);
		wait_event(&q->wait,
			READ_ONCE(c->dead) ||
				(READ_ONCE(q->free_head) != NO_SLOT &&
					(list || !needs_list(b) || !READ_ONCE(q->reserve_used))));
		f = spin_lock_irq(&q->lock);
	}
	if (READ_ONCE(c->dead)) {
		free_prp(q, list);
		spin_unlock_irq(&q->lock, f);
		bio_end(b, -EIO);
		return;
	}
	build(&cmd, ns, b, list);
	q->slot[cid].bio = b;
	q->slot[cid].prp = list;
	push(q, &cmd, cid);
	spin_unlock_irq(&q->lock, f);
	arm_watch(c);
}

void nvme_kick(struct block_device *disk)
{
	struct nvme_ctrl *c = ((struct nvme_ns *)disk->driver)->ctrl;

	for (unsigned i = 0; i < c->nr_queues; i++) {
		struct nvme_queue *q = c->queue[i];
		unsigned long f;

		if (READ_ONCE(q->sq_tail) == READ_ONCE(q->sq_rung))
			continue;
		f = spin_lock_irq(&q->lock);
		ring(q);
		spin_unlock_irq(&q->lock, f);
	}
}

/*
 * Before a command is given up: look at the ring for a while, as an interrupt may have been lost,
 * and the clock may have leapt (a virtual machine that was stopped, or whose time does not pass
 * while it idles). @stop: end when it is set, or NULL: when something came. True: it was, or it
 * did.
 */
bool nvme_linger(struct nvme_queue *q, const bool *stop)
{
	for (unsigned i = 0; i < 3000; i++) {
		unsigned n = nvme_queue_poll(q);

		if (stop ? smp_load_acquire(stop) : n != 0)
			return true;
		clock_delay_us(100);
		cond_resched();
	}
	return false;
}

/* Send an admin command; false: no slot. */
static bool admin_send(
	struct nvme_queue *q, struct nvme_command *cmd, struct nvme_wait *w, uint16_t *cid)
{
	unsigned long f = spin_lock_irq(&q->lock);

	*cid = take_slot(q);
	if (*cid != NO_SLOT) {
		q->slot[*cid].wait = w;
		push(q, cmd, *cid);
		ring(q);
	}
	spin_unlock_irq(&q->lock, f);
	return *cid != NO_SLOT;
}

int nvme_admin(struct nvme_ctrl *c, struct nvme_command *cmd, uint32_t *result)
{
	struct nvme_queue *q = c->admin;
	struct nvme_wait w = {0};
	uint64_t deadline = clock_ns() + 10 * 1000000000ull;
	unsigned long f;
	uint16_t cid;

	if (!admin_send(q, cmd, &w, &cid))
		return -EIO;
	if (wait_event_full(
		    &q->wait, smp_load_acquire(&w.finished), TASK_UNINTERRUPTIBLE, deadline, 0))
		(void)nvme_linger(q, &w.finished);
	f = spin_lock_irq(&q->lock);
	if (!w.finished)
		q->slot[cid].wait = NULL; /* the slot stays taken until the controller is reset */
	spin_unlock_irq(&q->lock, f);
	if (!w.finished) {
		log_err("%s: admin command %02x timed out", c->name, cmd->opcode);
		return -ETIMEDOUT;
	}
	if (nvme_status_error(w.status)) {
		log_err("%s: admin command %02x failed (status %03x)", c->name, cmd->opcode,
			w.status & 0x7ff);
		return -EIO;
	}
	if (result)
		*result = w.result;
	return 0;
}

void nvme_abort_nowait(struct nvme_ctrl *c, struct nvme_queue *q, uint16_t cid)
{
	struct nvme_command cmd = {
		.opcode = NVME_ABORT, .cdw10 = to_le32((uint32_t)cid << 16 | q->id)};
	uint16_t slot;

	if (!admin_send(c->admin, &cmd, NULL, &slot))
		log_warn("%s: no room to abort a command", c->name);
}
