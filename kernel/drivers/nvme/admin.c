/*
 * admin.c - NVMe controller set-up: enable and disable, identify, making queues. Theory: nvme.c
 */
#include "nvme.h"

#include <arch/clock.h>
#include <arch/io.h>
#include <error.h>
#include <log.h>
#include <sched.h>

/* Wait until CSTS.RDY is @ready; the controller says how long that may take (CAP.TO, units of 500
 * ms). */
static int wait_ready(struct nvme_ctrl *c, bool ready)
{
	uint64_t limit = clock_ns() + ((c->cap >> 24 & 0xff) + 1) * 500000000ull;

	for (;;) {
		uint32_t s = mmio_read32(c->regs + NVME_CSTS);

		if (s == ~0u)
			return -ENODEV;
		if ((s & NVME_CSTS_READY) == ready)
			return 0;
		if (ready && (s & NVME_CSTS_FATAL))
			return -EIO;
		if (clock_ns() > limit)
			return -ETIMEDOUT;
		sleep_uninterruptible_ns(100000);
	}
}

int nvme_disable(struct nvme_ctrl *c)
{
	mmio_write32(c->regs + NVME_CC, mmio_read32(c->regs + NVME_CC) & ~(uint32_t)NVME_CC_ENABLE);
	return wait_ready(c, false);
}

int nvme_enable(struct nvme_ctrl *c)
{
	struct nvme_queue *q = c->admin;
	int err = nvme_disable(c);

	if (err) {
		log_err("%s: controller does not stop: error %d", c->name, -err);
		return err;
	}
	mmio_write32(c->regs + NVME_AQA, (uint32_t)(q->depth - 1) << 16 | (q->depth - 1u));
	mmio_write64(c->regs + NVME_ASQ, q->sq_pa);
	mmio_write64(c->regs + NVME_ACQ, q->cq_pa);
	mmio_write32(c->regs + NVME_CC,
		NVME_CC_IOSQES | NVME_CC_IOCQES | NVME_CC_ENABLE); /* 4 KiB pages, NVM commands */
	err = wait_ready(c, true);
	if (err)
		log_err("%s: controller does not become ready: error %d", c->name, -err);
	return err;
}

int nvme_identify(struct nvme_ctrl *c, uint32_t nsid, unsigned cns, void *buf, paddr_t pa)
{
	struct nvme_command cmd = {.opcode = NVME_IDENTIFY,
		.nsid = to_le32(nsid),
		.prp1 = to_le64(pa),
		.cdw10 = to_le32(cns)};

	(void)buf;
	return nvme_admin(c, &cmd, NULL);
}

int nvme_set_queue_count(struct nvme_ctrl *c, unsigned *n)
{
	struct nvme_command cmd = {.opcode = NVME_SET_FEATURES,
		.cdw10 = to_le32(NVME_FEATURE_QUEUES),
		.cdw11 = to_le32((*n - 1) << 16 | (*n - 1))};
	uint32_t got, most;
	int err = nvme_admin(c, &cmd, &got);

	if (err)
		return err;
	most = MIN((got & 0xffff) + 1, (got >> 16) + 1);
	*n = MIN(*n, most);
	return 0;
}

int nvme_create_queue(struct nvme_ctrl *c, struct nvme_queue *q, unsigned vector)
{
	struct nvme_command cq = {.opcode = NVME_CREATE_CQ,
		.prp1 = to_le64(q->cq_pa),
		.cdw10 = to_le32((uint32_t)(q->depth - 1) << 16 | q->id),
		.cdw11 = to_le32(vector << 16 | 3)}; /* interrupts, contiguous */
	struct nvme_command sq = {.opcode = NVME_CREATE_SQ,
		.prp1 = to_le64(q->sq_pa),
		.cdw10 = to_le32((uint32_t)(q->depth - 1) << 16 | q->id),
		.cdw11 = to_le32((uint32_t)q->id << 16 | 1)};
	int err = nvme_admin(c, &cq, NULL);

	return err ? err : nvme_admin(c, &sq, NULL);
}
