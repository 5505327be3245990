/*
 * dirty.c - which pages and mappings are dirty, and errors of writing them.
 *
 * A mapping is on dirty_list from its first dirty page until the flusher found it clean; dirty_hook
 * and clean_hook pin and unpin its host for that time. While the flusher works on one, it stays on
 * the list with MAPPING_FLUSHING set, and mapping_fini() waits. Adding a mark and leaving the list
 * race without a lock: the marker sets XA_DIRTY, then looks at the list; dirty_done() leaves the
 * list, then looks at the marks; full barriers in between.
 *
 * Locks: dirty_lock is a leaf but for what dirty_hook takes (reference counts).
 */
#include <debug.h>
#include <error.h>
#include <time.h>
#include <wait.h>
#include "internal.h"

/* Key: [d] dirty_lock */
static struct spinlock dirty_lock = SPINLOCK_INIT("dirty_list");
static LIST_HEAD(dirty_list); /* [d] */
static unsigned nr_dirty;     /* [d] mappings on it */
static struct wait_queue flush_done = WAIT_QUEUE_INIT(flush_done);

static void __noinline enlist(struct mapping *m)
{
	spin_lock(&dirty_lock);
	if (list_empty(&m->dirty_node)) {
		m->dirtied_ns = clock_ns();
		list_add_tail(&m->dirty_node, &dirty_list);
		nr_dirty++;
		if (m->dirty_hook)
			m->dirty_hook(m);
	}
	spin_unlock(&dirty_lock);
}

void page_mark_dirty(struct page *p)
{
	struct mapping *m = p->mapping;

	if (!m || page_test(p, PG_DIRTY) || page_test_set(p, PG_DIRTY) ||
		m->flags & MAPPING_UNEVICTABLE)
		return;
	atomic64_add(&stat_dirty, 1);
	xa_set_mark(&m->pages, p->index, XA_DIRTY);
	smp_mb(); /* pairs with dirty_done() */
	if (list_empty(&m->dirty_node))
		enlist(m);
}

bool page_clear_dirty(struct page *p)
{
	struct mapping *m = p->mapping;

	if (!page_test(p, PG_DIRTY))
		return false;
	if (!(m->flags & MAPPING_UNEVICTABLE)) { /* mark before flag: a marker without the page lock
						    (metadata) must not lose its mark */
		xa_clear_mark(&m->pages, p->index, XA_DIRTY);
		atomic64_add(&stat_dirty, -1);
	}
	page_clear_flag(p, PG_DIRTY);
	return true;
}

unsigned dirty_mappings(void)
{
	return READ_ONCE(nr_dirty);
}

struct mapping *dirty_next(uint64_t older_than_ns)
{
	struct mapping *m, *found = NULL;

	spin_lock(&dirty_lock);
	list_for_each_entry (m, &dirty_list, dirty_node) {
		if (m->flags & MAPPING_FLUSHING || m->dirtied_ns > older_than_ns)
			continue;
		found = m;
		m->flags |= MAPPING_FLUSHING;
		list_move_tail(&m->dirty_node, &dirty_list);
		break;
	}
	spin_unlock(&dirty_lock);
	return found;
}

void dirty_done(struct mapping *m)
{
	void (*unpin)(struct mapping *) = NULL;

	spin_lock(&dirty_lock);
	m->flags &= ~(uint32_t)MAPPING_FLUSHING;
	m->dirtied_ns = clock_ns();
	if (!xa_marked(&m->pages, XA_DIRTY)) {
		list_del(&m->dirty_node);
		nr_dirty--;
		smp_mb(); /* pairs with page_mark_dirty() */
		if (xa_marked(&m->pages, XA_DIRTY)) {
			list_add_tail(&m->dirty_node, &dirty_list);
			nr_dirty++;
		} else {
			unpin = m->clean_hook;
		}
	}
	/* Waiters look at the flag under the lock, so the mapping may go only after it is released.
	 */
	wake_up_all(&flush_done);
	spin_unlock(&dirty_lock);
	if (unpin)
		unpin(m);
}

/* Takes the mapping off the list unless the flusher has it. */
static bool try_forget(struct mapping *m)
{
	bool done;

	spin_lock(&dirty_lock);
	done = !(m->flags & MAPPING_FLUSHING);
	if (done && !list_empty(&m->dirty_node)) {
		list_del(&m->dirty_node);
		nr_dirty--;
	}
	spin_unlock(&dirty_lock);
	return done;
}

void mapping_forget_dirty(struct mapping *m)
{
	wait_event_full(&flush_done, try_forget(m), TASK_UNINTERRUPTIBLE, WAIT_NO_DEADLINE, 0);
}

void mapping_set_error(struct mapping *m, int error)
{
	WRITE_ONCE(m->wb_error, error);
	__atomic_add_fetch(&m->wb_seq, 1, __ATOMIC_SEQ_CST);
}

int mapping_check_error(struct mapping *m, uint32_t *seen)
{
	uint32_t seq = __atomic_load_n(&m->wb_seq, __ATOMIC_ACQUIRE);

	if (likely(seq == *seen))
		return 0;
	*seen = seq;
	return READ_ONCE(m->wb_error);
}
