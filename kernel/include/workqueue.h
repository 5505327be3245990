/*
 * workqueue.h - functions run later by kernel threads, where they may sleep.
 */
#pragma once
#include <list.h>
#include <timer.h>

struct work {
	struct list_head node;
	void (*fn)(struct work *w);
	uint32_t pending;
};
struct delayed_work {
	struct work work;
	struct timer timer;
};
void work_init(struct work *w, void (*fn)(struct work *));
bool work_queue(struct work *w); /* any context; false: already queued. May be queued again while fn
				    runs, and then run beside itself. */
void work_flush(void);           /* sleeps until all work queued so far has run */
void delayed_work_init(struct delayed_work *w, void (*fn)(struct work *));
void delayed_work_queue(struct delayed_work *w, uint64_t delay_ns);
void workqueue_init(void);
