/*
 * wait.c - wait queues.
 *
 * No wake-up is lost: a waiter queues itself, sets its state (a full barrier), then looks at the
 * condition; a waker changes the condition, then looks at the queue (a full barrier between). An
 * entry woken by wake_default() is taken off the queue, so that the next exclusive wake-up goes to
 * another waiter and the sleeper need not take the lock when it leaves. The waker touches the entry
 * last when it closes node.prev on itself; a waiter that sees that may let the entry go out of
 * scope.
 */
#include <wait.h>
#include <debug.h>
#include <sched.h>
#include <arch/clock.h>
#include <timer.h>

#define ALL_SLEEPS (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE | TASK_KILLABLE)

struct task *wait_current(void)
{
	return current;
}

static void add_locked(struct wait_queue *wq, struct wait_entry *we)
{
	if (we->flags & WAIT_EXCLUSIVE)
		list_add_tail(&we->node, &wq->entries);
	else
		list_add(&we->node, &wq->entries);
}

/* list_del() whose last store is node.prev: see above. */
static void remove_locked(struct wait_entry *we)
{
	struct list_head *n = &we->node;

	list_unlink_(n);
	n->next = n;
	smp_store_release(&n->prev, n);
}

static bool is_queued(const struct wait_entry *we)
{
	return smp_load_acquire(&we->node.prev) != &we->node;
}

void wait_queue_add(struct wait_queue *wq, struct wait_entry *we)
{
	unsigned long f = spin_lock_irq(&wq->lock);

	add_locked(wq, we);
	spin_unlock_irq(&wq->lock, f);
}

void wait_queue_remove(struct wait_queue *wq, struct wait_entry *we)
{
	unsigned long f;

	if (!is_queued(we))
		return;
	f = spin_lock_irq(&wq->lock);
	if (is_queued(we))
		remove_locked(we);
	spin_unlock_irq(&wq->lock, f);
}

int wake_default(struct wait_entry *we, unsigned key)
{
	(void)key;
	if (!task_wake(we->task, ALL_SLEEPS))
		return 0;
	remove_locked(we);
	return 1;
}

static void wake_locked(struct wait_queue *wq, unsigned nr, unsigned key)
{
	struct wait_entry *we, *next;

	list_for_each_entry_safe (we, next, &wq->entries, node) {
		bool is_exclusive = we->flags & WAIT_EXCLUSIVE;

		if (we->wake(we, key) && is_exclusive && !--nr)
			break;
	}
}

void wake_up_nr(struct wait_queue *wq, unsigned nr, unsigned key)
{
	unsigned long f;

	smp_mb(); /* the caller's change of the condition, before the look at the queue */
	if (list_empty(&wq->entries))
		return;
	f = spin_lock_irq(&wq->lock);
	wake_locked(wq, nr, key);
	spin_unlock_irq(&wq->lock, f);
}

void wake_up_nested(struct wait_queue *wq, unsigned nr, unsigned key, unsigned subclass)
{
	unsigned long f = irq_save();

	spin_lock_nested(&wq->lock, subclass);
	wake_locked(wq, nr, key);
	spin_unlock(&wq->lock);
	irq_restore(f);
}

/*
 * The lock is taken even when the entry looks queued: a waker on another CPU may have made this
 * task runnable and be about to take the entry off, and then it must be queued again.
 */
void wait_prepare(struct wait_queue *wq, struct wait_entry *we, int state)
{
	unsigned long f = spin_lock_irq(&wq->lock);

	if (!is_queued(we))
		add_locked(wq, we);
	spin_unlock_irq(&wq->lock, f);
	__atomic_exchange_n(&current->state, (uint32_t)state, __ATOMIC_SEQ_CST);
}

void wait_finish(struct wait_queue *wq, struct wait_entry *we)
{
	WRITE_ONCE(current->state, TASK_RUNNING);
	wait_queue_remove(wq, we);
}

int wait_sleep(int state)
{
	return wait_sleep_until(state, WAIT_NO_DEADLINE);
}

struct sleeper {
	struct timer timer;
	struct task *task;
};

static void sleep_over(struct timer *t)
{
	(void)task_wake(container_of(t, struct sleeper, timer)->task, ALL_SLEEPS);
}

int wait_sleep_until(int state, uint64_t deadline_ns)
{
	struct sleeper s;

	if (task_interrupted(current, (unsigned)state))
		return -ERESTARTSYS;
	if (deadline_ns == WAIT_NO_DEADLINE) {
		schedule();
		return 0;
	}
	if (clock_ns() >= deadline_ns)
		return -ETIME;
	s.task = current;
	timer_init(&s.timer, sleep_over);
	timer_arm(&s.timer, deadline_ns);
	schedule();
	if (!timer_cancel(&s.timer))
		timer_cancel_sync(&s.timer);
	return 0;
}

bool (*sched_fatal_signal)(const struct task *t);

bool task_interrupted(const struct task *t, unsigned state)
{
	if (likely(!(READ_ONCE(t->work) & TASK_WORK_SIGNAL)))
		return false;
	if (state & TASK_INTERRUPTIBLE)
		return true;
	return state & TASK_KILLABLE && sched_fatal_signal && sched_fatal_signal(t);
}

int sleep_until(uint64_t deadline_ns)
{
	int err;

	do {
		__atomic_exchange_n(&current->state, TASK_INTERRUPTIBLE, __ATOMIC_SEQ_CST);
		err = wait_sleep_until(TASK_INTERRUPTIBLE, deadline_ns);
	} while (!err);
	WRITE_ONCE(current->state, TASK_RUNNING);
	return err == -ETIME ? 0 : err;
}

void sleep_uninterruptible_ns(uint64_t ns)
{
	uint64_t deadline = clock_ns() + ns;

	do
		__atomic_exchange_n(&current->state, TASK_UNINTERRUPTIBLE, __ATOMIC_SEQ_CST);
	while (!wait_sleep_until(TASK_UNINTERRUPTIBLE, deadline));
	WRITE_ONCE(current->state, TASK_RUNNING);
}
