/*
 * timer.h - one-shot callbacks at a time on clock_ns()'s scale.
 *
 * Per-CPU trees. The callback runs in interrupt context on the CPU that armed it, interrupts off.
 */
#pragma once
#include <rbtree.h>

struct timer {
	struct rb_node node;
	uint64_t deadline_ns;
	void (*fn)(struct timer *t);
	int16_t cpu; /* -1: not queued */
	bool running;
	int16_t base; /* CPU whose tree it is or was last in; its lock guards this timer */
};
void timer_init(struct timer *t, void (*fn)(struct timer *));
void timer_arm(struct timer *t, uint64_t deadline_ns); /* re-arms if queued; any context */
bool timer_cancel(struct timer *t);      /* true: it was queued and will not run; does not wait */
void timer_cancel_sync(struct timer *t); /* also waits for a running callback; not from it */
static inline bool timer_pending(const struct timer *t)
{
	return READ_ONCE(t->cpu) >= 0;
}
uint64_t timer_next_deadline(void);      /* of this CPU, UINT64_MAX if none */
void timer_run_expired(uint64_t now_ns); /* from the timer interrupt */
