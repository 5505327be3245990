/*
 * loop.h - a loop device, as loop.c (binding, I/O) and loop_ctl.c (its commands) see it. Theory:
 * loop.c
 */
#pragma once
#include "block_internal.h"

#include <file.h>
#include <mutex.h>

enum loop_flags { /* loop(4) */
	LO_READ_ONLY = 1,
	LO_AUTOCLEAR = 4,
	LO_PARTSCAN = 8,
	LO_DIRECT_IO = 16,
};
#define LOOP_NAME 64u

struct loop_config {
	uint64_t offset, sizelimit; /* bytes; sizelimit 0: to the end */
	uint32_t flags, block_size; /* block_size 0: 512 */
	char name[LOOP_NAME];       /* what the binder calls the file */
};

/* Key: [c] constant  [l] lock  [q] queue_lock  [b] constant while bound */
struct loop {
	struct block_device *disk; /* [c] */
	unsigned number;           /* [c] */
	struct mutex lock;
	struct file *file;          /* [l,b] what is behind it; NULL: free */
	struct loop_config config;  /* [l]; the worker reads offset and flags */
	struct spinlock queue_lock; /* irq-save */
	struct list_head queue;     /* [q] bios to be done */
	bool runs;                  /* [q] the worker is there and takes bios */
	bool stop;                  /* [q] it is to end when the queue is empty */
	struct wait_queue wait;     /* the worker for bios, unbind for its end */
	struct list_head node;      /* loop_ctl.c */
};

/* All with l->lock held; may sleep. */
/* Put @f (a regular file or block device) behind it; one caller at a time in the whole system.
 * -EINVAL, -EBUSY (bound), -EBADF (itself), -ELOOP (too many on top of each other), -ENOMEM, errors
 * of opening. */
int __must_check loop_bind(struct loop *l, struct file *f, const struct loop_config *c);
/* Another configuration of one that is bound. -EBUSY: what would move is mounted. */
int __must_check loop_reconfigure(struct loop *l, const struct loop_config *c);
/* The other way round: *put is the caller's to drop without the lock. */
void loop_unbind(struct loop *l, struct file **put);
/* Size of what is behind it as far as it is shown, in sectors. */
uint64_t loop_sectors(const struct loop *l);
void loop_init_disk(struct loop *l); /* operations and limits of a new one */

/* loop_ctl.c */
long loop_ioctl(struct block_device *disk, bool writable, unsigned cmd, void *arg);
