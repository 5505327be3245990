/*
 * wait.h - wait queues: sleeping until a condition holds, and callbacks for poll.
 *
 * A waker changes the condition first, then calls wake_up*(). The wait macros evaluate the
 * condition after queueing, so no wake-up is lost. Wake functions may be called from any context.
 */
#pragma once
#include <error.h>
#include <list.h>
#include <spinlock.h>

struct task;
struct wait_entry;
/* Called with wq->lock held, interrupts off; must not sleep. Non-zero: counted as an exclusive
 * wake. */
typedef int (*wake_fn)(struct wait_entry *we, unsigned key);
enum { WAIT_EXCLUSIVE = 1 };

struct wait_queue {
	struct spinlock lock; /* irq-save; level: leaf but for the run queue */
	struct list_head entries;
};
struct wait_entry {
	struct list_head node;
	struct task *task;
	wake_fn wake;
	unsigned flags;
};
#define WAIT_QUEUE_INIT(name)                                                                      \
	{                                                                                          \
		SPINLOCK_INIT(#name), LIST_INIT((name).entries)                                    \
	}

static inline void wait_queue_init(struct wait_queue *wq)
{
	spin_init(&wq->lock);
	list_init(&wq->entries);
}
void wait_queue_add(
	struct wait_queue *wq, struct wait_entry *we); /* exclusive ones go to the tail */
void wait_queue_remove(
	struct wait_queue *wq, struct wait_entry *we); /* also when not queued (list_init'ed) */
static inline bool wait_queue_active(struct wait_queue *wq)
{
	smp_mb();
	return !list_empty(&wq->entries);
}
/* Wake all non-exclusive waiters and at most @nr exclusive ones. @key: poll events, 0 = all. */
void wake_up_nr(struct wait_queue *wq, unsigned nr, unsigned key);
/* From within a wake function of another queue of the same kind (DEBUG knows the order by
 * @subclass). */
void wake_up_nested(struct wait_queue *wq, unsigned nr, unsigned key, unsigned subclass);
static inline void wake_up(struct wait_queue *wq)
{
	wake_up_nr(wq, 1, 0);
}
static inline void wake_up_all(struct wait_queue *wq)
{
	wake_up_nr(wq, ~0u, 0);
}
static inline void wake_up_key(struct wait_queue *wq, unsigned key)
{
	wake_up_nr(wq, 1, key);
}

/* Building blocks of the macros. States: task.h. */
void wait_prepare(struct wait_queue *wq, struct wait_entry *we,
	int state); /* queues if not queued, sets the state */
void wait_finish(struct wait_queue *wq, struct wait_entry *we);
/* Sleep; 0 or -ERESTARTSYS when @state is interruptible and a signal is pending (killable: a fatal
 * one). */
int wait_sleep(int state);
/* The same with a deadline on clock_ns()'s scale; -ETIME when it passed. */
int wait_sleep_until(int state, uint64_t deadline_ns);
int wake_default(struct wait_entry *we, unsigned key);
extern struct task *wait_current(void);

#define WAIT_NO_DEADLINE UINT64_MAX
/* 0, -ERESTARTSYS, -ETIME; the condition is checked once more after a failure */
#define wait_event_full(wq, cond, state, deadline, exflags)                                        \
	({                                                                                         \
		int wret_ = 0;                                                                     \
		if (!(cond)) {                                                                     \
			const uint64_t until_ = (deadline);                                        \
			struct wait_entry we_ = {.node = LIST_INIT(we_.node),                      \
				.task = wait_current(),                                            \
				.wake = wake_default,                                              \
				.flags = (exflags)};                                               \
			for (;;) {                                                                 \
				wait_prepare((wq), &we_, (state));                                 \
				if (cond) {                                                        \
					wret_ = 0;                                                 \
					break;                                                     \
				}                                                                  \
				if (wret_)                                                         \
					break;                                                     \
				wret_ = wait_sleep_until((state), until_);                         \
			}                                                                          \
			wait_finish((wq), &we_);                                                   \
		}                                                                                  \
		wret_;                                                                             \
	})
#define wait_event(wq, cond)                                                                       \
	((void)wait_event_full(wq, cond, TASK_UNINTERRUPTIBLE, WAIT_NO_DEADLINE, 0))
#define wait_event_interruptible(wq, cond)                                                         \
	wait_event_full(wq, cond, TASK_INTERRUPTIBLE, WAIT_NO_DEADLINE, 0)
#define wait_event_exclusive(wq, cond)                                                             \
	wait_event_full(wq, cond, TASK_INTERRUPTIBLE, WAIT_NO_DEADLINE, WAIT_EXCLUSIVE)
#define wait_event_killable(wq, cond)     wait_event_full(wq, cond, TASK_KILLABLE, WAIT_NO_DEADLINE, 0)
#define wait_event_deadline(wq, cond, ns) wait_event_full(wq, cond, TASK_INTERRUPTIBLE, ns, 0)
