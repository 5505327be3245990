/*
 * signal_wait.c - waiting for signals: sigtimedwait(2), sigsuspend(2), masks that last for one
 * call.
 */
#include <error.h>
#include <process.h>
#include <wait.h>
#include "signal_queue.h"

void signal_mask_temporary(sigset_t set)
{
	struct uthread *u = current->uthread;
	unsigned long f = spin_lock_irq(&u->process->sig_lock);

	if (!u->restore_mask)
		u->saved_mask = u->blocked;
	u->restore_mask = true;
	signal_set_blocked_locked(u, set.bits & ~UNBLOCKABLE);
	spin_unlock_irq(&u->process->sig_lock, f);
	/* The mask is put back on the way out even when no signal comes. */
	task_set_work(current, TASK_WORK_NOTIFY);
}

void signal_mask_restore(void)
{
	struct uthread *u = current->uthread;
	unsigned long f;

	if (!u->restore_mask)
		return;
	f = spin_lock_irq(&u->process->sig_lock);
	u->restore_mask = false;
	signal_set_blocked_locked(u, u->saved_mask.bits);
	spin_unlock_irq(&u->process->sig_lock, f);
}

int signal_suspend(sigset_t mask)
{
	signal_mask_temporary(mask);
	for (;;) {
		WRITE_ONCE(current->state, TASK_INTERRUPTIBLE);
		smp_mb();
		if (signal_is_pending(current))
			break;
		schedule();
	}
	WRITE_ONCE(current->state, TASK_RUNNING);
	return -ERESTARTNOHAND;
}

/*
 * The signals waited for are unblocked while the thread sleeps, so that senders choose and wake it,
 * and named in
 * ->waiting, so that they are neither dropped as ignored nor kill.
 */
int signal_timedwait(sigset_t set, struct siginfo *out, uint64_t deadline_ns)
{
	struct uthread *u = current->uthread;
	struct process *p = u->process;
	uint64_t mask = u->blocked.bits;
	unsigned long f;
	int sig, err = 0;

	set.bits &= ~UNBLOCKABLE;
	f = spin_lock_irq(&p->sig_lock);
	sig = signal_dequeue_locked(u, ~set.bits, out);
	if (!sig && deadline_ns) {
		u->waiting = set;
		u->blocked.bits = mask & ~set.bits;
		signal_recalc_locked(u);
		spin_unlock_irq(&p->sig_lock, f);
		do {
			WRITE_ONCE(current->state, TASK_INTERRUPTIBLE);
			smp_mb();
			err = wait_sleep_until(TASK_INTERRUPTIBLE, deadline_ns);
		} while (!err);
		WRITE_ONCE(current->state, TASK_RUNNING);
		f = spin_lock_irq(&p->sig_lock);
		u->waiting.bits = 0;
		sig = signal_dequeue_locked(u, ~set.bits, out);
		signal_set_blocked_locked(u, mask);
	}
	signal_recalc_locked(u);
	spin_unlock_irq(&p->sig_lock, f);
	if (sig)
		return sig;
	return !deadline_ns || err == -ETIME ? -EAGAIN : -EINTR;
}
