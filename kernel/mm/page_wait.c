/*
 * page_wait.c - the page lock, and waiting for a page's flag to clear.
 *
 * Wait queues are shared by hash; PG_WAITERS says whether anyone may be asleep. The waker clears
 * its flag and PG_WAITERS in one step and does not touch the page afterwards: with the flag gone,
 * the page may be freed at once. Waiters that are woken and must go on waiting set PG_WAITERS again
 * (after they are queued, so no wake-up is lost).
 */
#include <debug.h>
#include <hash.h>
#include <page.h>
#include <sched.h>
#include <wait.h>
#include "internal.h"

#define WAIT_QUEUES 64u
static struct wait_queue queues[WAIT_QUEUES];

static struct wait_queue *queue_of(const struct page *p)
{
	return &queues[hash64((uint64_t)p >> 6) % WAIT_QUEUES];
}

/* True when @bit is clear; else announces a waiter and looks again. */
static bool bit_clear_or_announce(struct page *p, enum page_flags bit)
{
	if (!page_test(p, bit))
		return true;
	page_set(p, PG_WAITERS);
	return !page_test(p, bit);
}

static bool lock_or_announce(struct page *p)
{
	if (!page_test_set(p, PG_LOCKED))
		return true;
	page_set(p, PG_WAITERS);
	return !page_test_set(p, PG_LOCKED);
}

bool page_trylock(struct page *p)
{
	return !page_test(p, PG_LOCKED) && !page_test_set(p, PG_LOCKED);
}

void page_lock(struct page *p)
{
	bool io;

	might_sleep();
	if (likely(!page_test_set(p, PG_LOCKED)))
		return;
	io = io_wait_begin();
	wait_event(queue_of(p), lock_or_announce(p));
	io_wait_end(io);
}

/* Clear @bit and wake whoever waits for any flag of the page. */
static void clear_and_wake(struct page *p, enum page_flags bit)
{
	struct wait_queue *wq = queue_of(p);
	uint32_t old = __atomic_fetch_and(
		&p->flags, ~(1u << bit | 1u << PG_WAITERS), __ATOMIC_SEQ_CST);

	ASSERT(old >> bit & 1);
	if (unlikely(old >> PG_WAITERS & 1))
		wake_up_all(wq);
}

void page_unlock(struct page *p)
{
	clear_and_wake(p, PG_LOCKED);
}

void page_wait(struct page *p, enum page_flags bit)
{
	bool io;

	if (!page_test(p, bit))
		return;
	might_sleep();
	io = io_wait_begin();
	wait_event(queue_of(p), bit_clear_or_announce(p, bit));
	io_wait_end(io);
}

void page_wake(struct page *p)
{
	if (page_test_clear(p, PG_WAITERS))
		wake_up_all(queue_of(p));
}

void page_end_read(struct page *p, int error)
{
	page_set(p, error ? PG_ERROR : PG_UPTODATE);
	clear_and_wake(p, PG_LOCKED);
}

void page_end_writeback(struct page *p, int error)
{
	struct mapping *m = p->mapping;

	if (error && m) {
		page_set(p, PG_ERROR);
		mapping_set_error(m, error);
	}
	if (m)
		xa_clear_mark(&m->pages, p->index, XA_WRITEBACK);
	atomic64_add(&stat_writeback, -1);
	clear_and_wake(p, PG_WRITEBACK);
}

void page_wait_init(void)
{
	for (unsigned i = 0; i < WAIT_QUEUES; i++)
		wait_queue_init(&queues[i]);
}
