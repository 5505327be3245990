/*
 * signal_deliver.c - the way back to user mode: taking signals, default actions, stopping,
 * handlers, restarting calls.
 *
 * Runs in the thread's own context with interrupts on. What a handler's frame looks like is
 * user_abi's business. Does not: write core files, so no status says that one was written.
 */
#include <arch/frame.h>
#include <arch/upcalls.h>
#include <error.h>
#include <log.h>
#include <process.h>
#include <user_abi.h>
#include "signal_queue.h"

const struct user_abi *user_abi;

bool stop_complete_locked(struct process *p)
{
	if (!(p->flags & PROC_STOPPING) || p->nr_stopped < p->nr_live)
		return false;
	p->flags &= ~PROC_STOPPING;
	p->flags |= PROC_STOPPED;
	return true;
}

static void tell_parent(struct process *p, int code, int status)
{
	unsigned long f = spin_lock_irq(&tasklist_lock);

	parent_notify_stop_locked(p, code, status);
	spin_unlock_irq(&tasklist_lock, f);
}

static void start_stop_locked(struct process *p, int sig)
{
	struct uthread *u;

	p->flags &= ~(PROC_CONTINUED | PROC_STOP_REPORTED | PROC_STOP_DEQUEUED | PROC_NOTIFY_CONT);
	p->flags |= PROC_STOPPING;
	p->stop_sig = sig;
	p->nr_stopped = 0;
	list_for_each_entry (u, &p->threads, node) {
		if (u->exiting)
			continue;
		u->stopped = false;
		u->stop_pending = true;
		signal_wake_locked(u, false);
	}
}

/* Sleep until SIGCONT or SIGKILL. Called and returns with sig_lock held; drops it. */
static unsigned long stop_here_locked(struct uthread *u, unsigned long f)
{
	struct process *p = u->process;

	while (u->stop_pending) {
		bool last = false;

		if (!u->stopped) {
			u->stopped = true;
			p->nr_stopped++;
			last = stop_complete_locked(p);
		}
		WRITE_ONCE(current->state, TASK_STOPPED);
		spin_unlock_irq(&p->sig_lock, f);
		if (last)
			tell_parent(p, CLD_STOPPED, p->stop_sig);
		schedule();
		f = spin_lock_irq(&p->sig_lock);
		WRITE_ONCE(current->state, TASK_RUNNING);
	}
	return f;
}

/* Is this thread to end? Then it does. sig_lock held. */
static void die_if_told_locked(struct uthread *u, unsigned long f)
{
	struct process *p = u->process;
	int status;

	if (!(p->flags & PROC_EXITING)) {
		if (!(u->pending.set.bits & SIGMASK(SIGKILL)))
			return;
		if (p->exec_task && p->exec_task != current) {
			spin_unlock_irq(&p->sig_lock, f);
			thread_exit(0);
		}
		signal_group_exit_locked(p, SIGKILL);
	}
	status = p->group_exit_code;
	spin_unlock_irq(&p->sig_lock, f);
	thread_exit(status);
}

/* The terminal's stop signals do nothing to an orphaned group (POSIX 2.4.3). Drops sig_lock to
 * look. */
static unsigned long stop_by_default_locked(struct process *p, int sig, unsigned long f)
{
	p->flags |= PROC_STOP_DEQUEUED;
	if (sig != SIGSTOP) {
		bool orphaned;

		spin_unlock_irq(&p->sig_lock, f);
		orphaned = pgrp_is_orphaned(p->pgrp);
		f = spin_lock_irq(&p->sig_lock);
		if (orphaned)
			p->flags &= ~PROC_STOP_DEQUEUED;
	}
	/* SIGCONT or death may have come meanwhile. */
	if ((p->flags & PROC_STOP_DEQUEUED) && !(p->flags & PROC_EXITING))
		start_stop_locked(p, sig);
	return f;
}

static void log_fault(const struct siginfo *info)
{
	log_ratelimited(LOG_INFO,
		"%s[%d]: killed by signal %d, code %d, at pc %#llx, address %#llx", current->name,
		current->tid, info->signo, info->code,
		(unsigned long long)frame_pc(task_frame(current)), (unsigned long long)info->addr);
}

/* Take signals and do what their default actions are, until one has a handler: true and its action
 * in *act. */
static bool next_handled(struct uthread *u, struct siginfo *info, struct sigaction *act)
{
	struct process *p = u->process;
	unsigned long f = spin_lock_irq(&p->sig_lock);
	int sig;

	for (;;) {
		die_if_told_locked(u, f);
		if (p->flags & PROC_NOTIFY_CONT) {
			p->flags &= ~PROC_NOTIFY_CONT;
			spin_unlock_irq(&p->sig_lock, f);
			tell_parent(p, CLD_CONTINUED, SIGCONT);
			f = spin_lock_irq(&p->sig_lock);
			continue;
		}
		if (u->stop_pending) {
			f = stop_here_locked(u, f);
			continue;
		}
		sig = signal_dequeue_locked(u, u->blocked.bits, info);
		if (!sig)
			break;
		actions_lock_locked(p);
		*act = p->action[sig - 1];
		if (act->handler != SIG_IGN && act->handler != SIG_DFL && act->flags & SA_RESETHAND)
			p->action[sig - 1].handler = SIG_DFL;
		actions_unlock_locked(p);
		if (act->handler == SIG_IGN)
			continue;
		if (act->handler != SIG_DFL)
			break;
		if ((SIGMASK(sig) & IGNORED_BY_DEFAULT) || (p->flags & PROC_INIT))
			continue;
		if (SIGMASK(sig) & STOP_SIGNALS) {
			f = stop_by_default_locked(p, sig, f);
			continue;
		}
		/* Consoles have locks of their own. */
		if ((SIGMASK(sig) & FAULT_SIGNALS) && info->code > 0 && !info->is_raw) {
			spin_unlock_irq(&p->sig_lock, f);
			log_fault(info);
			f = spin_lock_irq(&p->sig_lock);
		}
		signal_group_exit_locked(p, sig);
	}
	signal_recalc_locked(u);
	spin_unlock_irq(&p->sig_lock, f);
	return sig != 0;
}

static void restart_for_handler(struct frame *f, const struct sigaction *act)
{
	int64_t result;

	if (!user_abi->syscall_result(f, &result))
		return;
	switch (result) {
	case -ERESTARTNOINTR:
		user_abi->restart(f, false);
		break;
	case -ERESTARTSYS:
		if (act->flags & SA_RESTART)
			user_abi->restart(f, false);
		else
			frame_set_ret(f, -EINTR);
		break;
	case -ERESTARTNOHAND:
	case -ERESTART_BLOCK:
		frame_set_ret(f, -EINTR);
		break;
	}
}

static void restart_without_handler(struct frame *f)
{
	int64_t result;

	if (!user_abi->syscall_result(f, &result))
		return;
	if (result == -ERESTARTSYS || result == -ERESTARTNOHAND || result == -ERESTARTNOINTR)
		user_abi->restart(f, false);
	else if (result == -ERESTART_BLOCK)
		user_abi->restart(f, true);
}

/*
 * The thread cannot go on as it should, while @sig (0: none) is delivered. It may be told by a
 * handler, but not when that is what failed.
 */
static void force_segv(int sig)
{
	struct process *p = current_process();
	unsigned long irq;

	if (sig == SIGSEGV) {
		irq = spin_lock_irq(&p->sig_lock);
		actions_lock_locked(p);
		p->action[SIGSEGV - 1].handler = SIG_DFL;
		actions_unlock_locked(p);
		spin_unlock_irq(&p->sig_lock, irq);
	}
	signal_force(SIGSEGV, SI_KERNEL, 0, 0, 0);
}

static void run_handler(
	struct frame *f, struct uthread *u, const struct siginfo *info, const struct sigaction *act)
{
	struct process *p = u->process;
	uint64_t old_mask = u->restore_mask ? u->saved_mask.bits : u->blocked.bits;
	uint64_t more = act->mask.bits & ~UNBLOCKABLE;
	unsigned long irq;

	restart_for_handler(f, act);
	if (current->tell_switch && user_abi->resume(f))
		force_segv(info->signo);
	if (user_abi->signal_frame(f, info, act, old_mask, &u->alt, u->fault_addr, u->fault_trap,
		    u->fault_err) != 0) {
		force_segv(info->signo);
		return;
	}
	u->restore_mask = false;
	if (!(act->flags & SA_NODEFER))
		more |= SIGMASK(info->signo);
	irq = spin_lock_irq(&p->sig_lock);
	signal_set_blocked_locked(u, u->blocked.bits | more);
	spin_unlock_irq(&p->sig_lock, irq);
}

static void take_signals(struct frame *f, struct uthread *u)
{
	do {
		struct siginfo info UNCLEARED;
		struct sigaction act UNCLEARED;

		if (next_handled(u, &info, &act))
			run_handler(f, u, &info, &act);
		else
			restart_without_handler(f);
		signal_mask_restore();
	} while (signal_is_pending(current));
}

void signal_user_work(struct frame *f)
{
	struct uthread *u = current->uthread;
	uint32_t work = READ_ONCE(current->work);

	if (work & TASK_WORK_RESCHED)
		cond_resched();
	if (!u)
		return;
	if (work & TASK_WORK_NOTIFY)
		task_clear_work(current, TASK_WORK_NOTIFY);
	if (work & (TASK_WORK_SIGNAL | TASK_WORK_NOTIFY))
		take_signals(f, u);
	if (READ_ONCE(current->work) & TASK_WORK_SWITCHED) {
		task_clear_work(current, TASK_WORK_SWITCHED);
		if (user_abi->resume(f))
			force_segv(0);
	}
}

void signal_user_fault(
	struct frame *f, int sig, int code, uint64_t addr, unsigned trap, unsigned err)
{
	(void)f;
	signal_force(sig, code, addr, trap, err);
}

void signal_init(void)
{
	signal_queue_init();
	sched_fatal_signal = signal_is_fatal;
	arch_upcalls.user_work = signal_user_work;
	arch_upcalls.user_fault = signal_user_fault;
}
