/*
 * nvme.h - what the files of the NVMe driver share: layouts of NVM Express Base 2.0 and the objects
 * of the driver.
 */
#pragma once
#include <block.h>
#include <pci.h>
#include <spinlock.h>
#include <wait.h>
#include <workqueue.h>

struct nvme_command { /* 3.3.3, figure 86 */
	uint8_t opcode, flags;
	__le16 cid;
	__le32 nsid;
	__le32 cdw2, cdw3;
	__le64 metadata, prp1, prp2;
	__le32 cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
};
static_assert(sizeof(struct nvme_command) == 64, "a submission queue entry");
struct nvme_completion {
	__le32 result, reserved;
	__le16 sq_head, sq_id, cid, status;
}; /* status: bit 0 is the phase */
static_assert(sizeof(struct nvme_completion) == 16, "a completion queue entry");
struct nvme_range {
	__le32 attributes, blocks;
	__le64 lba;
}; /* dataset management */
static_assert(sizeof(struct nvme_range) == 16, "a range of dataset management");

enum { /* registers, 3.1.3 */
	NVME_CAP = 0x00,
	NVME_VS = 0x08,
	NVME_CC = 0x14,
	NVME_CSTS = 0x1c,
	NVME_AQA = 0x24,
	NVME_ASQ = 0x28,
	NVME_ACQ = 0x30,
	NVME_DOORBELLS = 0x1000,
};
enum {
	NVME_CC_ENABLE = 1,
	NVME_CC_IOSQES = 6 << 16,
	NVME_CC_IOCQES = 4 << 20,
	NVME_CSTS_READY = 1,
	NVME_CSTS_FATAL = 2
};
enum nvme_admin_opcode {
	NVME_CREATE_SQ = 0x01,
	NVME_CREATE_CQ = 0x05,
	NVME_IDENTIFY = 0x06,
	NVME_ABORT = 0x08,
	NVME_SET_FEATURES = 0x09
};
enum nvme_io_opcode {
	NVME_FLUSH = 0x00,
	NVME_WRITE = 0x01,
	NVME_READ = 0x02,
	NVME_WRITE_ZEROES = 0x08,
	NVME_DSM = 0x09
};
enum { NVME_FEATURE_QUEUES = 0x07 };
enum { NVME_ONCS_DSM = 1 << 2, NVME_ONCS_WRITE_ZEROES = 1 << 3 };

#define NVME_PRPS       128u /* entries of a PRP list: more than MAX_BYTES needs */
#define NVME_MAX_BYTES  (512u << 10)
#define NVME_MAX_QUEUES 64u
#define NVME_TIMEOUT_NS (30ull * 1000000000)

struct nvme_wait {
	bool finished;
	uint16_t status;
	uint32_t result;
};

/* One command in flight. Key: the queue's lock */
struct nvme_slot {
	struct bio *bio;        /* I/O */
	struct nvme_wait *wait; /* admin; both NULL: free, or nobody cares any more */
	uint64_t *prp;          /* list or range, or NULL */
	uint64_t deadline_ns;
	uint16_t next_free;
	bool busy, aborted;
};

/* A pair of submission and completion queue. Key: [c] constant while the controller is live  [q]
 * ->lock */
struct nvme_queue {
	struct spinlock lock;                         /* irq-save; leaf */
	struct nvme_ctrl *ctrl;                       /* [c] */
	uint16_t id, depth;                           /* [c] */
	struct nvme_command *sq;                      /* [q] */
	volatile struct nvme_completion *cq;          /* [q] */
	paddr_t sq_pa, cq_pa;                         /* [c] */
	volatile uint32_t *sq_doorbell, *cq_doorbell; /* [c] */
	uint16_t sq_tail, sq_rung, cq_head, phase;    /* [q] */
	uint16_t free_head, in_flight;                /* [q] 0xffff: none free */
	bool reserve_used;                            /* [q] */
	bool polled;            /* [c] completions are looked for by a waiting task too */
	uint64_t *reserve;      /* [c] one PRP list that cannot fail */
	struct nvme_slot *slot; /* [q] */
	struct wait_queue wait; /* for a free slot or the reserve */
	char name[16];
};

struct nvme_ctrl {
	struct pci_dev *pci;
	volatile uint8_t *regs;
	char name[16]; /* nvme0 */
	uint64_t cap;
	unsigned vectors, nr_queues, doorbell_stride;
	uint32_t max_bytes;
	uint16_t oncs;
	bool volatile_cache, dead, watched;
	struct nvme_queue *admin;
	struct nvme_queue *queue[NVME_MAX_QUEUES];
	struct delayed_work watch;
	struct nvme_ctrl *next; /* of those that idle processors look at, for ever */
};
struct nvme_ns {
	struct nvme_ctrl *ctrl;
	uint32_t id;
	unsigned lba_shift;
};

/* queue.c */
void nvme_queues_init(void); /* once */
struct nvme_queue *nvme_queue_alloc(struct nvme_ctrl *c, uint16_t id, uint16_t depth) __must_check;
void nvme_queue_free(struct nvme_queue *q);
void nvme_queue_reset(struct nvme_queue
		*q); /* empty again, for a controller that was disabled; all slots must be free */
void nvme_queue_irq(void *queue);
unsigned nvme_queue_poll(struct nvme_queue *q); /* handle what is there; returns how many */
bool nvme_linger(struct nvme_queue *q, const bool *stop);
void nvme_queue_fail_all(
	struct nvme_queue *q); /* controller is off: everything in flight ends with EIO */
void nvme_submit(struct block_device *disk, struct bio *b);
void nvme_kick(struct block_device *disk);
/* Runs @cmd on the admin queue: 0, -EIO (refused: logged), -ETIMEDOUT, -ENOMEM. */
int __must_check nvme_admin(struct nvme_ctrl *c, struct nvme_command *cmd, uint32_t *result);
void nvme_abort_nowait(struct nvme_ctrl *c, struct nvme_queue *q, uint16_t cid);
int nvme_status_error(uint16_t status);

/* admin.c */
int __must_check nvme_enable(struct nvme_ctrl *c); /* reset, admin queue on, controller ready */
int __must_check nvme_disable(struct nvme_ctrl *c);
int __must_check nvme_identify(
	struct nvme_ctrl *c, uint32_t nsid, unsigned cns, void *buf_4096, paddr_t pa);
int __must_check nvme_set_queue_count(struct nvme_ctrl *c, unsigned *n);
int __must_check nvme_create_queue(struct nvme_ctrl *c, struct nvme_queue *q, unsigned vector);
