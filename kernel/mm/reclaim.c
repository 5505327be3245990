/*
 * reclaim.c - getting memory back: clean file pages by second chance, and what the shrinkers cache.
 *
 * A thread runs when free pages fall below watermarks.low, up to watermarks.high; whoever finds
 * nothing at all reclaims for itself. Pages of files are not written here: dirty ones are skipped
 * and the flusher is woken. Anonymous memory goes to swap space when the files' pages do not give
 * enough (swapout.c), or without writing if programs gave it up (lazyfree.c); only the thread
 * swaps, as it holds no locks: others wait for it. tmpfs stays.
 *
 * A page on the inactive list is dropped unless it was used twice (PG_ACTIVE, set by lru_touch()),
 * is mapped and was used through a mapping, is locked by mlock, dirty or busy. The active list is
 * trimmed to about the size of the inactive one.
 *
 * task->in_reclaim keeps reclaim from entering itself through allocations of shrinkers, and opens
 * the reserve for them.
 */
#include <debug.h>
#include <log.h>
#include <sched.h>
#include <slab.h>
#include <time.h>
#include <wait.h>
#include "internal.h"

#define BATCH          32u
#define TARGET         64u /* pages a direct reclaimer wants */
#define MAX_PRIORITY   6u  /* first look at 1/64 of the list */
#define ROUND_LIMIT_NS (5 * NSEC_PER_SEC)

static struct spinlock shrinkers_lock = SPINLOCK_INIT("shrinkers");
static LIST_HEAD(shrinkers); /* only grows: walked without the lock */
static struct wait_queue reclaim_wait = WAIT_QUEUE_INIT(reclaim_wait);
static bool wanted;
/* Of the thread: how often it went through, and what it freed; who waits for that. */
static unsigned rounds;
static atomic64_t thread_freed;
static struct wait_queue round_wait = WAIT_QUEUE_INIT(round_wait);

void shrinker_register(struct shrinker *s)
{
	spin_lock(&shrinkers_lock);
	list_add_tail(&s->node, &shrinkers);
	spin_unlock(&shrinkers_lock);
}

bool memory_is_short(void)
{
	return pages_free_estimate() < watermarks.low;
}

void reclaim_wake(void)
{
	if (READ_ONCE(wanted))
		return;
	WRITE_ONCE(wanted, true);
	wake_up(&reclaim_wait);
}

/* Is the mapped page in use? If not, it is unmapped. */
static bool keep_mapped(struct mapping *m, struct page *p)
{
	unsigned users = mapping_page_users(m, p->index);

	if (users & (RMAP_YOUNG | RMAP_LOCKED)) {
		page_set(p, PG_ACTIVE);
		return true;
	}
	mapping_zap(m, p->index, p->index, false);
	return atomic_read(&p->mapcount) > 0;
}

/* @p is isolated. True: freed. Else it was put back. */
static bool try_free(struct page *p)
{
	struct mapping *m;

	if (page_test(p, PG_ACTIVE) || !page_trylock(p)) {
		lru_putback(p, page_test(p, PG_ACTIVE));
		return false;
	}
	m = p->mapping;
	if (m && !page_test(p, PG_WRITEBACK) && !page_test(p, PG_DIRTY) &&
		!(atomic_read(&p->mapcount) > 0 && keep_mapped(m, p)) && !page_test(p, PG_DIRTY) &&
		pagecache_reclaim(m, p))
		return true;
	page_unlock(p);
	lru_putback(p, page_test(p, PG_ACTIVE));
	return false;
}

static uint64_t shrink_inactive(uint64_t scan, uint64_t want)
{
	struct page *pages[BATCH];
	uint64_t freed = 0;

	while (scan > 0 && freed < want) {
		unsigned n = lru_isolate(false, pages, BATCH);

		if (!n)
			break;
		for (unsigned i = 0; i < n; i++)
			freed += try_free(pages[i]);
		scan -= MIN(scan, (uint64_t)n);
		cond_resched();
	}
	return freed;
}

/* Move pages from the active list's end to the inactive one, unless used since. */
static void trim_active(uint64_t scan)
{
	struct page *pages[BATCH];

	while (scan > 0 && lru_count(true) > lru_count(false)) {
		unsigned n = lru_isolate(true, pages, BATCH);

		if (!n)
			break;
		for (unsigned i = 0; i < n; i++) {
			bool used = page_test_clear(pages[i], PG_REFERENCED);

			if (!used)
				page_clear_flag(pages[i], PG_ACTIVE);
			lru_putback(pages[i], used);
		}
		scan -= MIN(scan, (uint64_t)n);
	}
}

static uint64_t run_shrinkers(unsigned priority)
{
	struct shrinker *s;
	uint64_t freed = 0;

	list_for_each_entry_rcu(s, &shrinkers, node)
	{
		uint64_t n = s->count() >> priority;

		if (n)
			freed += s->scan(MAX(n, (uint64_t)BATCH));
	}
	return freed;
}

static uint64_t reclaim(uint64_t want, bool run_fs, bool swap)
{
	uint64_t freed = 0;

	ASSERT(!current->in_reclaim);
	current->in_reclaim = true;
	lru_drain();
	for (unsigned priority = MAX_PRIORITY + 1; priority-- > 0 && freed < want;) {
		trim_active((lru_count(true) >> priority) + BATCH);
		freed += shrink_inactive((lru_count(false) >> priority) + BATCH, want - freed);
		if (freed < want)
			freed += lazy_reclaim(want - freed);
		if (run_fs && freed < want)
			freed += run_shrinkers(priority);
		if (swap && freed < want)
			freed += swap_out(want - freed, priority);
	}
	current->in_reclaim = false;
	return freed;
}

/* What the thread frees in a round; the first to end may have begun before there was need. */
static uint64_t wait_for_thread(void)
{
	uint64_t limit = clock_ns() + ROUND_LIMIT_NS;
	int64_t before = atomic64_read(&thread_freed), freed = 0;

	for (unsigned i = 0; i < 2 && !freed; i++) {
		unsigned now = READ_ONCE(rounds);

		reclaim_wake();
		(void)wait_event_full(
			&round_wait, READ_ONCE(rounds) != now, TASK_KILLABLE, limit, 0);
		freed = atomic64_read(&thread_freed) - before;
	}
	return (uint64_t)freed;
}

uint64_t reclaim_direct(unsigned gfp)
{
	uint64_t freed = reclaim(TARGET, !(gfp & GFP_NOFS), false);

	if (freed || (gfp & GFP_NORETRY))
		return freed;
	if (!(gfp & GFP_NOFS) && swap_has_room()) {
		freed = wait_for_thread();
		if (freed)
			return freed;
	}
	if (atomic64_read(&stat_dirty) + atomic64_read(&stat_writeback) >
		0) { /* clean pages will come */
		writeback_kick();
		sleep_uninterruptible_ns(10 * NSEC_PER_MSEC);
		return reclaim(TARGET, false, false) + 1;
	}
	return 0;
}

/* Pages freed; 1 if somebody else made room. */
static uint64_t thread_round(void)
{
	uint64_t there = pages_free_estimate(), freed = 1;

	if (there < watermarks.high)
		freed = reclaim(watermarks.high - there, true, true);
	atomic64_add(&thread_freed, (int64_t)freed);
	WRITE_ONCE(rounds, rounds + 1);
	wake_up_all(&round_wait);
	if (atomic64_read(&stat_dirty) > 0)
		writeback_kick();
	return freed;
}

static void reclaimer(void *arg)
{
	uint64_t freed;

	(void)arg;
	for (;;) {
		(void)wait_event_interruptible(&reclaim_wait, READ_ONCE(wanted));
		WRITE_ONCE(wanted, false);
		do {
			freed = thread_round();
			cond_resched();
		} while (freed && pages_free_estimate() < watermarks.high);
		if (pages_free_estimate() < watermarks.low)
			sleep_uninterruptible_ns(
				50 * NSEC_PER_MSEC); /* nothing to be had: do not spin */
	}
}

void reclaim_init(void)
{
	if (kthread_run(reclaimer, NULL, "reclaim") < 0)
		panic("no memory for the reclaim thread");
}
