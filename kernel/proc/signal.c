/*
 * signal.c - signals: actions, masks, queues. Sending is signal_send.c, delivery signal_deliver.c,
 * sigwait signal_wait.c.
 *
 * A signal waits in the queue of one thread (uthread->pending) or of the whole process
 * (process->pending). A standard signal is there at most once; the realtime ones queue with their
 * siginfo. set has a bit for each signal present; a standard signal may be present without a queue
 * entry when memory or the limit forbade one (then it tells nothing).
 *
 * TASK_WORK_SIGNAL in task->work says: on the way to user mode, signal_user_work() has something to
 * do. It is set exactly when a thread has an unblocked signal pending, has to stop for a group
 * stop, or is to die; sleeps look at this bit alone. Anybody may set it, only the thread itself
 * clears it (signal_recalc_locked): a call that ended with -ERESTART* because of the bit must find
 * it still set on its way out.
 *
 * Death. A fatal signal whose action is the default starts the group's exit at once in the sender's
 * context: PROC_EXITING, the status, and SIGKILL in every thread's own queue, which no thread can
 * block and which wakes all sleeps but uninterruptible ones. A thread that meets SIGKILL leaves
 * with the group's status; when exec kills its fellow threads (process->exec_task) only the thread
 * ends.
 *
 * Stops. The thread that takes a stop signal sets PROC_STOPPING and stop_pending in every thread;
 * each counts itself in nr_stopped and sleeps in TASK_STOPPED; the last makes it PROC_STOPPED and
 * tells the parent. SIGCONT takes all that back whatever its own action is, and the thread that
 * runs on first tells the parent.
 *
 * Init has no signal it did not install a handler for, but faults of its own and what the kernel
 * forces on it.
 *
 * Lock: everything here is guarded by process->sig_lock. Spec: POSIX 2.4, signal(7), sigaction(2).
 */
#include <error.h>
#include <process.h>
#include <slab.h>
#include <string.h>
#include <task.h>
#include "signal_queue.h"

static struct slab_cache *sigqueue_cache;

void signal_queue_init(void)
{
	sigqueue_cache = slab_cache_create("sigqueue", sizeof(struct sigqueue), 0, NULL);
}

/* Most signals carry no raw bytes: copy only what is there. */
void siginfo_copy(struct siginfo *to, const struct siginfo *from)
{
	memcpy(to, from, offsetof(struct siginfo, raw));
	to->is_raw = from->is_raw;
	if (from->is_raw)
		memcpy(to->raw, from->raw, sizeof(to->raw));
}

static void siginfo_empty(struct siginfo *info, int sig, int code)
{
	memset(info, 0, offsetof(struct siginfo, raw));
	info->is_raw = false;
	info->signo = sig;
	info->code = code;
}

bool sigqueue_add_locked(struct process *p, struct sigpending *s, int sig,
	const struct siginfo *info, bool unlimited)
{
	struct sigqueue *q;

	if (!unlimited && p->nr_queued >= p->limits[RLIMIT_SIGPENDING].cur)
		return false;
	q = slab_alloc(sigqueue_cache, GFP_ATOMIC);
	if (!q)
		return false;
	if (info)
		siginfo_copy(&q->info, info);
	else
		siginfo_empty(&q->info, sig, SI_KERNEL);
	list_add_tail(&q->node, &s->queue);
	p->nr_queued++;
	return true;
}

static void sigqueue_free_locked(struct process *p, struct sigqueue *q)
{
	list_del(&q->node);
	p->nr_queued--;
	slab_free(sigqueue_cache, q);
}

void signal_flush_locked(struct process *p, struct sigpending *s, uint64_t mask)
{
	struct sigqueue *q, *next;

	if (!(s->set.bits & mask))
		return;
	s->set.bits &= ~mask;
	list_for_each_entry_safe (q, next, &s->queue, node)
		if (mask & SIGMASK(q->info.signo)) {
			if (q->info.code == SI_TIMER && !q->info.is_raw)
				posix_timer_dequeued_locked(p, &q->info);
			sigqueue_free_locked(p, q);
		}
}

void signal_flush_all_locked(struct process *p, uint64_t mask)
{
	struct uthread *u;

	signal_flush_locked(p, &p->pending, mask);
	list_for_each_entry (u, &p->threads, node)
		signal_flush_locked(p, &u->pending, mask);
}

void signal_recalc_locked(struct uthread *u)
{
	uint64_t ready = (u->pending.set.bits | u->process->pending.set.bits) & ~u->blocked.bits;

	if (ready || u->stop_pending || (u->process->flags & PROC_NOTIFY_CONT)) {
		if (!(READ_ONCE(u->task->work) & TASK_WORK_SIGNAL))
			task_set_work(u->task, TASK_WORK_SIGNAL);
	} else if (READ_ONCE(u->task->work) & TASK_WORK_SIGNAL) {
		task_clear_work(u->task, TASK_WORK_SIGNAL);
	}
}

bool signal_ignored_locked(const struct process *p, const struct uthread *u, int sig)
{
	uint64_t handler = p->action[sig - 1].handler, bit = SIGMASK(sig);

	/* A blocked signal is kept: the action may change, or sigwait may want it. */
	if (u && ((u->blocked.bits | u->waiting.bits) & bit))
		return false;
	if (handler == SIG_IGN)
		return true;
	if (handler != SIG_DFL)
		return false;
	return (bit & IGNORED_BY_DEFAULT) || (p->flags & PROC_INIT);
}

/* The first queue entry of @sig in @s; *more: there is another. */
static struct sigqueue *queue_find(struct sigpending *s, int sig, bool *more)
{
	struct sigqueue *q, *found = NULL;

	*more = false;
	list_for_each_entry (q, &s->queue, node) {
		if (q->info.signo != sig)
			continue;
		if (found) {
			*more = true;
			break;
		}
		found = q;
	}
	return found;
}

static void take_locked(struct process *p, struct sigpending *s, int sig, struct siginfo *info)
{
	bool more;
	struct sigqueue *q = queue_find(s, sig, &more);

	if (!more)
		s->set.bits &= ~SIGMASK(sig);
	if (!q) {
		siginfo_empty(info, sig, SI_USER);
		return;
	}
	siginfo_copy(info, &q->info);
	sigqueue_free_locked(p, q);
	if (info->code == SI_TIMER && !info->is_raw)
		posix_timer_dequeued_locked(p, info);
}

int signal_dequeue_locked(struct uthread *u, uint64_t blocked, struct siginfo *info)
{
	struct process *p = u->process;
	struct sigpending *s = &u->pending;
	uint64_t ready = s->set.bits & ~blocked;
	int sig;

	if (!ready) {
		s = &p->pending;
		ready = s->set.bits & ~blocked;
	}
	if (!ready)
		return 0;
	if (ready & SIGMASK(SIGKILL))
		sig = SIGKILL;
	else
		sig = __builtin_ctzll(ready & FAULT_SIGNALS ? ready & FAULT_SIGNALS : ready) + 1;
	take_locked(p, s, sig, info);
	return sig;
}

int signal_action(int sig, const struct sigaction *new_, struct sigaction *old)
{
	struct process *p = current_process();
	unsigned long f;

	if (!signal_valid(sig) || (new_ && (SIGMASK(sig) & UNBLOCKABLE)))
		return -EINVAL;
	f = spin_lock_irq(&p->sig_lock);
	actions_lock_locked(p);
	if (old)
		*old = p->action[sig - 1];
	if (new_) {
		p->action[sig - 1] = *new_;
		p->action[sig - 1].mask.bits &= ~UNBLOCKABLE;
	}
	actions_unlock_locked(p);
	if (new_) {
		/* POSIX 2.4.3: setting a signal to be ignored discards it where it is pending. */
		if (new_->handler == SIG_IGN ||
			(new_->handler == SIG_DFL && (SIGMASK(sig) & IGNORED_BY_DEFAULT))) {
			signal_flush_all_locked(p, SIGMASK(sig));
			signal_recalc_locked(current->uthread);
		}
	}
	spin_unlock_irq(&p->sig_lock, f);
	return 0;
}

void signal_set_blocked_locked(struct uthread *u, uint64_t blocked)
{
	uint64_t newly = blocked & ~u->blocked.bits & u->process->pending.set.bits;

	if (newly && u->process->nr_live > 1)
		signal_retarget_locked(u, newly);
	u->blocked.bits = blocked;
	signal_recalc_locked(u);
}

void signal_mask(int how, sigset_t set, sigset_t *old)
{
	struct uthread *u = current->uthread;
	uint64_t now = u->blocked.bits;
	unsigned long f;

	if (old)
		old->bits = now;
	set.bits &= ~UNBLOCKABLE;
	if (how == SIG_BLOCK)
		now |= set.bits;
	else if (how == SIG_UNBLOCK)
		now &= ~set.bits;
	else
		now = set.bits;
	if (now == u->blocked.bits)
		return;
	f = spin_lock_irq(&u->process->sig_lock);
	signal_set_blocked_locked(u, now);
	spin_unlock_irq(&u->process->sig_lock, f);
}

sigset_t signal_pending_set(void)
{
	struct uthread *u = current->uthread;
	unsigned long f = spin_lock_irq(&u->process->sig_lock);
	sigset_t set = {(u->pending.set.bits | u->process->pending.set.bits) & u->blocked.bits};

	spin_unlock_irq(&u->process->sig_lock, f);
	return set;
}

bool signal_is_pending(const struct task *t)
{
	return READ_ONCE(t->work) & TASK_WORK_SIGNAL;
}

bool signal_is_fatal(const struct task *t)
{
	return t->uthread && (READ_ONCE(t->uthread->pending.set.bits) & SIGMASK(SIGKILL));
}

bool task_ignores(const struct task *t, int sig)
{
	struct process *p = t->process;
	unsigned long f;
	bool yes;

	if (!p)
		return true;
	f = spin_lock_irq(&p->sig_lock);
	yes = (t->uthread->blocked.bits & SIGMASK(sig)) || p->action[sig - 1].handler == SIG_IGN;
	spin_unlock_irq(&p->sig_lock, f);
	return yes;
}
