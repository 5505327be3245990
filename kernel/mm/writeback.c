/*
 * writeback.c - writing dirty pages: on demand (fsync, sync), by age, and when too much memory is
 * dirty.
 *
 * One page: lock it, write-protect every mapping of it (so that the next store faults and dirties
 * it again), clear PG_DIRTY, mark XA_WRITEBACK, ops->writepage(). The flusher thread wakes every
 * PERIOD: calls the file systems' hook, writes what is older than MAX_AGE, and, above the
 * background limit, everything. Programs that dirty pages wait above the hard limit.
 *
 * Whoever waits while requests are held back (ops->plug) lets them go first.
 */
#include <debug.h>
#include <error.h>
#include <log.h>
#include <sched.h>
#include <time.h>
#include <wait.h>
#include "internal.h"

#define PERIOD_NS          (5 * NSEC_PER_SEC)
#define MAX_AGE_NS         (30 * NSEC_PER_SEC)
#define THROTTLE_STEP_NS   (50 * NSEC_PER_MSEC)
#define BACKGROUND_PERCENT 10u
#define LIMIT_PERCENT      20u
#define LIMIT_MIN_PAGES    256u

void (*writeback_periodic)(void);
static struct wait_queue flusher_wait = WAIT_QUEUE_INIT(flusher_wait);
static struct wait_queue throttle_wait = WAIT_QUEUE_INIT(throttle_wait);
static bool kicked;
static uint64_t limit_now = UINT64_MAX; /* as last computed; read without a lock */

void dirty_limits(uint64_t *background, uint64_t *limit)
{
	uint64_t base = pages_free_all() + lru_count(true) + lru_count(false);

	*background = MAX(base * BACKGROUND_PERCENT / 100, (uint64_t)LIMIT_MIN_PAGES / 2);
	*limit = MAX(base * LIMIT_PERCENT / 100, (uint64_t)LIMIT_MIN_PAGES);
	WRITE_ONCE(limit_now, *limit);
}

static inline void plug(struct mapping *m, bool start)
{
	if (m->ops->plug)
		m->ops->plug(m, start);
}

/* The next page of the range with @mark, referenced. */
static struct page *next_marked(
	struct mapping *m, uint64_t *index, uint64_t last, enum xa_mark mark)
{
	struct page *p;

	rcu_read_lock();
	for (;;) {
		p = xa_find_marked(&m->pages, index, last, mark);
		if (!p || (refcount_inc_not_zero(&p->refs)))
			break;
		cpu_relax();
	}
	rcu_read_unlock();
	return p;
}

/* Locks @p for writing it; false: skip it. */
static bool lock_for_write(struct mapping *m, struct page *p, const struct writeback *wb)
{
	if (!page_trylock(p)) {
		if (!wb->sync)
			return false;
		plug(m, false);
		page_lock(p);
		plug(m, true);
	}
	if (p->mapping == m && page_test(p, PG_DIRTY) && page_test(p, PG_WRITEBACK) && wb->sync) {
		plug(m, false);
		page_wait(p, PG_WRITEBACK);
		plug(m, true);
	}
	if (p->mapping == m && page_test(p, PG_DIRTY) && !page_test(p, PG_WRITEBACK))
		return true;
	page_unlock(p);
	return false;
}

/* @p is locked and dirty. writepage() unlocks it. */
static int write_locked(struct mapping *m, struct page *p, struct writeback *wb)
{
	uint64_t index = p->index;
	int err;

	if (atomic_read(&p->mapcount) > 0)
		mapping_write_protect(m, index);
	xa_set_mark(&m->pages, index, XA_WRITEBACK);
	(void)page_clear_dirty(p);
	atomic64_add(&stat_writeback, 1);
	stat_add(STAT_OUTS, 1);
	err = m->ops->writepage(m, p, wb);
	if (likely(!err))
		return 0;
	if (err != -ENOMEM)
		mapping_set_error(m, err);
	page_lock(p);
	if (p->mapping == m && !page_test(p, PG_WRITEBACK) &&
		xa_get_mark(&m->pages, index, XA_WRITEBACK)) {
		xa_clear_mark(&m->pages, index, XA_WRITEBACK);
		atomic64_add(&stat_writeback, -1);
		if (err == -ENOMEM) /* nothing is wrong with the disk: later */
			page_mark_dirty(p);
	}
	page_unlock(p);
	return err;
}

int mapping_write_range(struct mapping *m, struct writeback *wb)
{
	uint64_t index = wb->start;
	struct page *p;
	int first_err = 0;

	if (m->flags & MAPPING_UNEVICTABLE || !m->ops->writepage || !xa_marked(&m->pages, XA_DIRTY))
		return 0;
	plug(m, true);
	while (wb->nr_to_write && (p = next_marked(m, &index, wb->end, XA_DIRTY)) != NULL) {
		if (lock_for_write(m, p, wb)) {
			int err = write_locked(m, p, wb);

			if (err && !first_err)
				first_err = err;
			wb->nr_to_write--;
		}
		page_put(p);
		if (index++ == wb->end)
			break;
		cond_resched();
	}
	plug(m, false);
	return first_err;
}

static void wait_range(struct mapping *m, uint64_t index, uint64_t last)
{
	struct page *p;

	while (xa_marked(&m->pages, XA_WRITEBACK) &&
		(p = next_marked(m, &index, last, XA_WRITEBACK)) != NULL) {
		page_wait(p, PG_WRITEBACK);
		page_put(p);
		if (index++ == last)
			break;
	}
}

int pagecache_sync(struct mapping *m, int64_t start, int64_t end)
{
	uint32_t seen = __atomic_load_n(&m->wb_seq, __ATOMIC_ACQUIRE);
	struct writeback wb = {
		.start = (uint64_t)start >> PAGE_SHIFT,
		.end = (uint64_t)end >> PAGE_SHIFT,
		.sync = true,
		.nr_to_write = UINT64_MAX,
	};
	int err;

	if (m->flags & MAPPING_UNEVICTABLE || end < start)
		return 0;
	err = mapping_write_range(m, &wb);
	wait_range(m, wb.start, wb.end);
	return err ? err : mapping_check_error(m, &seen);
}

int pagecache_write_async(struct mapping *m)
{
	struct writeback wb = {
		.start = 0, .end = UINT64_MAX, .sync = false, .nr_to_write = UINT64_MAX};

	return mapping_write_range(m, &wb);
}

/* Write mappings that were dirtied before @older_than_ns, until fewer than @enough pages are dirty.
 */
static void flush(uint64_t older_than_ns, uint64_t enough)
{
	for (unsigned n = dirty_mappings();
		n > 0 && (uint64_t)MAX(atomic64_read(&stat_dirty), (int64_t)0) >= enough; n--) {
		struct mapping *m = dirty_next(older_than_ns);
		int err;

		if (!m)
			return;
		err = pagecache_write_async(m);
		if (err)
			log_ratelimited(LOG_ERR, "writeback: error %d", err);
		dirty_done(m);
		wake_up_all(&throttle_wait);
	}
}

void writeback_all(bool wait)
{
	uint64_t now = clock_ns();

	flush(UINT64_MAX, 0);
	if (!wait)
		return;
	for (unsigned n = dirty_mappings(); n > 0; n--) {
		struct mapping *m = dirty_next(now);

		if (!m)
			break;
		(void)!pagecache_sync(m, 0,
			INT64_MAX); /* errors are kept in the mapping for whoever calls fsync */
		dirty_done(m);
	}
	while (atomic64_read(&stat_writeback) > 0 && clock_ns() - now < 30 * NSEC_PER_SEC)
		sleep_uninterruptible_ns(NSEC_PER_MSEC);
}

void writeback_kick(void)
{
	WRITE_ONCE(kicked, true);
	wake_up(&flusher_wait);
}

static bool above_limit(void)
{
	return (uint64_t)(atomic64_read(&stat_dirty) + atomic64_read(&stat_writeback)) >
	       READ_ONCE(limit_now);
}

void writeback_throttle(void)
{
	uint64_t background, limit;

	if (likely((uint64_t)atomic64_read(&stat_dirty) <= READ_ONCE(limit_now) / 2))
		return;
	if (current->is_kernel) /* writes for others (loop devices): they wait, and for it */
		return;
	dirty_limits(&background, &limit);
	if ((uint64_t)atomic64_read(&stat_dirty) > background && !READ_ONCE(kicked))
		writeback_kick();
	for (unsigned i = 0; i < 100 && above_limit() && !task_interrupted(current, TASK_KILLABLE);
		i++) {
		bool io = io_wait_begin();

		writeback_kick();
		(void)wait_event_full(&throttle_wait, !above_limit(), TASK_UNINTERRUPTIBLE,
			clock_ns() + THROTTLE_STEP_NS, 0);
		io_wait_end(io);
	}
}

static void flusher(void *arg)
{
	uint64_t next = clock_ns() + PERIOD_NS, background, limit;

	(void)arg;
	for (;;) {
		(void)wait_event_deadline(&flusher_wait, READ_ONCE(kicked), next);
		WRITE_ONCE(kicked, false);
		if (clock_ns() >= next) {
			uint64_t now = clock_ns();

			next = now + PERIOD_NS;
			if (writeback_periodic)
				writeback_periodic();
			if (now > MAX_AGE_NS)
				flush(now - MAX_AGE_NS, 0);
		}
		dirty_limits(&background, &limit);
		if ((uint64_t)MAX(atomic64_read(&stat_dirty), (int64_t)0) > background)
			flush(UINT64_MAX, background / 2);
		wake_up_all(&throttle_wait);
	}
}

void writeback_init(void)
{
	if (kthread_run(flusher, NULL, "flusher") < 0)
		panic("no memory for the flusher thread");
	reclaim_init();
}
