/*
 * signal_send.c - sending signals: who may, who is woken, and what a signal does at the moment it
 * is sent.
 *
 * Any context but NMI: memory comes from GFP_ATOMIC, and a standard signal is never lost for want
 * of it.
 */
#include <cred.h>
#include <error.h>
#include <policy.h>
#include <process.h>
#include "signal_queue.h"

void signal_wake_locked(struct uthread *u, bool fatal)
{
	unsigned states = TASK_INTERRUPTIBLE;

	if (fatal)
		states |= TASK_KILLABLE | TASK_STOPPED | TASK_TRACED;
	task_set_work(u->task, TASK_WORK_SIGNAL);
	/* An interrupt may have come between current's change of state and its going to sleep. */
	if (u->task == current && READ_ONCE(current->state) == TASK_RUNNING)
		return;
	if (!task_wake(u->task, states))
		task_kick(u->task);
}

void signal_kill_threads_locked(struct process *p, const struct uthread *but)
{
	struct uthread *u;

	list_for_each_entry (u, &p->threads, node) {
		if (u == but || u->exiting)
			continue;
		u->stop_pending = false;
		u->pending.set.bits |= SIGMASK(SIGKILL);
		signal_wake_locked(u, true);
	}
}

void signal_group_exit_locked(struct process *p, int status)
{
	if (p->flags & PROC_EXITING)
		return;
	p->flags |= PROC_EXITING;
	p->flags &= ~(PROC_STOPPING | PROC_STOPPED | PROC_STOP_DEQUEUED);
	p->group_exit_code = status;
	signal_kill_threads_locked(p, NULL);
}

/* SIGCONT and the stop signals cancel each other when they are sent, whatever their actions are
 * (POSIX 2.4.1). */
static void stop_and_continue_locked(struct process *p, int sig)
{
	struct uthread *u;

	if (SIGMASK(sig) & STOP_SIGNALS) {
		signal_flush_all_locked(p, SIGMASK(SIGCONT));
		return;
	}
	if (sig != SIGCONT)
		return;
	signal_flush_all_locked(p, STOP_SIGNALS);
	p->flags &= ~PROC_STOP_DEQUEUED;
	if (!(p->flags & (PROC_STOPPING | PROC_STOPPED)))
		return;
	if (p->flags & PROC_STOPPED)
		p->flags |= PROC_CONTINUED | PROC_NOTIFY_CONT;
	p->flags &= ~(PROC_STOPPING | PROC_STOPPED | PROC_STOP_REPORTED);
	p->nr_stopped = 0;
	list_for_each_entry (u, &p->threads, node) {
		u->stop_pending = false;
		u->stopped = false;
		task_wake(u->task, TASK_STOPPED);
	}
}

static inline bool wants(const struct uthread *u, int sig)
{
	return !u->exiting && (sig == SIGKILL || !(u->blocked.bits & SIGMASK(sig)));
}

/* The thread that is to take process-wide signal @sig: the current or first one that does not block
 * it, an idle one rather. */
static struct uthread *choose_locked(struct process *p, int sig)
{
	struct uthread *u, *found = NULL;

	if (p->nr_live == 1) {
		u = list_first(&p->threads, struct uthread, node);
		if (wants(u, sig))
			return u;
	}
	list_for_each_entry (u, &p->threads, node) {
		if (!wants(u, sig))
			continue;
		if (!signal_is_pending(u->task))
			return u;
		if (!found)
			found = u;
	}
	return found;
}

static bool kills_by_default(const struct process *p, const struct uthread *u, int sig)
{
	if (p->action[sig - 1].handler != SIG_DFL ||
		(SIGMASK(sig) & (IGNORED_BY_DEFAULT | STOP_SIGNALS)))
		return false;
	return !(p->flags & PROC_INIT) && !(u->waiting.bits & SIGMASK(sig));
}

/* @sig has been made pending: see that somebody takes it. @only: it is in that thread's own queue.
 */
static void signal_target_locked(struct process *p, struct uthread *only, int sig)
{
	struct uthread *u = only;

	if (!only)
		u = choose_locked(p, sig);
	else if (!wants(only, sig))
		u = NULL;
	if (!u)
		return;
	if (kills_by_default(p, u, sig))
		signal_group_exit_locked(p, sig);
	else
		signal_wake_locked(u, sig == SIGKILL);
}

int signal_send_locked(struct process *p, struct uthread *u, int sig, const struct siginfo *info)
{
	struct sigpending *s = u ? &u->pending : &p->pending;

	ASSERT_LOCKED(&p->sig_lock);
	/* A zombie takes signals without effect; a dying process needs no more of them. */
	if ((p->flags & (PROC_ZOMBIE | PROC_EXITING)) || (u && u->exiting))
		return 0;
	stop_and_continue_locked(p, sig);
	if (sig == SIGKILL && (p->flags & PROC_INIT))
		return 0;
	if (sig == SIGSTOP && (p->flags & PROC_INIT))
		return 0;
	if (signal_ignored_locked(p, u ? u : list_first(&p->threads, struct uthread, node), sig))
		return 0;
	if (sig < SIGRTMIN && (s->set.bits & SIGMASK(sig)))
		return 0;
	/* SIGKILL tells nothing to anybody: no entry. */
	if (sig != SIGKILL) {
		/* What the kernel and kill(2) say of an ordinary signal is not counted. */
		bool free = sig < SIGRTMIN && (!info || info->code >= 0);
		bool queued = sigqueue_add_locked(p, s, sig, info, free);

		if (!queued && sig >= SIGRTMIN && info && info->code != SI_USER &&
			info->code != SI_KERNEL)
			return -EAGAIN;
	}
	s->set.bits |= SIGMASK(sig);
	if (unlikely(!list_empty(&p->signalfds)))
		signalfd_notify_locked(p, sig);
	signal_target_locked(p, u, sig);
	return 0;
}

void signal_retarget_locked(struct uthread *me, uint64_t which)
{
	struct uthread *u;

	list_for_each_entry (u, &me->process->threads, node) {
		uint64_t takes = which & ~u->blocked.bits;

		if (u == me || u->exiting || !takes)
			continue;
		if (!signal_is_pending(u->task))
			signal_wake_locked(u, false);
		which &= ~takes;
		if (!which)
			return;
	}
}

int signal_send_task(struct task *t, int sig, const struct siginfo *info)
{
	struct process *p = t->process;
	unsigned long f;
	int err;

	if (!p)
		return -ESRCH;
	f = spin_lock_irq(&p->sig_lock);
	err = signal_send_locked(p, t->uthread, sig, info);
	spin_unlock_irq(&p->sig_lock, f);
	return err;
}

int signal_send_process(struct process *p, int sig, const struct siginfo *info)
{
	unsigned long f = spin_lock_irq(&p->sig_lock);
	int err = signal_send_locked(p, NULL, sig, info);

	spin_unlock_irq(&p->sig_lock, f);
	return err;
}

int signal_send_pgrp(struct pgrp *g, int sig, const struct siginfo *info)
{
	unsigned long f = spin_lock_irq(&tasklist_lock);
	struct process *p;
	int err = -ESRCH;

	list_for_each_entry (p, &g->members, group_node) {
		int e = signal_send_process(p, sig, info);

		if (err)
			err = e;
	}
	spin_unlock_irq(&tasklist_lock, f);
	return err;
}

/* kill(2): the sender's real or effective id equals the target's real or saved one; SIGCONT within
 * a session; CAP_KILL. */
int signal_permission(
	struct process *target, const struct task *t, int sig, const struct siginfo *info)
{
	const struct cred *me = current->cred, *him;
	int err = 0;

	/* What the kernel sends needs no leave. */
	if (info && info->code > 0 && !info->is_raw)
		return 0;
	if (target == current_process())
		return 0;
	rcu_read_lock();
	him = rcu_dereference(t->cred);
	if (me->euid != him->suid && me->euid != him->uid && me->uid != him->suid &&
		me->uid != him->uid &&
		!(sig == SIGCONT && target->session == current_process()->session) &&
		!capable(CAP_KILL))
		err = -EPERM;
	if (!err)
		err = policy_proc(me, him, POLICY_SIGNAL);
	rcu_read_unlock();
	return err;
}

static int kill_process(struct process *p, int sig, const struct siginfo *info)
{
	const struct task *leader;
	unsigned long f;
	int err;

	rcu_read_lock();
	leader = process_leader(p);
	err = leader ? signal_permission(p, leader, sig, info) : -ESRCH;
	rcu_read_unlock();
	if (err || !sig)
		return err;
	f = spin_lock_irq(&p->sig_lock);
	err = signal_send_locked(p, NULL, sig, info);
	spin_unlock_irq(&p->sig_lock, f);
	return err;
}

int signal_kill_process(struct process *p, int sig, const struct siginfo *info)
{
	if (sig != 0 && !signal_valid(sig))
		return kill_process(p, 0, info) == -ESRCH ? -ESRCH : -EINVAL;
	return kill_process(p, sig, info);
}

static int kill_one(pid_t pid, int sig, const struct siginfo *info)
{
	struct process *p = process_find(pid);
	int err;

	if (!p) {
		/* kill(2) takes a thread's id for its process too. */
		struct task *t = task_find(pid);

		if (!t)
			return -ESRCH;
		p = process_get(t->process);
		task_put(t);
	}
	err = kill_process(p, sig, info);
	process_put(p);
	return err;
}

static int kill_group(pid_t id, int sig, const struct siginfo *info)
{
	unsigned long f = spin_lock_irq(&tasklist_lock);
	struct pgrp *g = id ? pgrp_lookup_locked(id) : current_process()->pgrp;
	struct process *p;
	int ret = -ESRCH;
	bool done = false;

	if (g) {
		list_for_each_entry (p, &g->members, group_node) {
			int err = kill_process(p, sig, info);

			done |= !err;
			if (ret != -EPERM)
				ret = err;
		}
	}
	spin_unlock_irq(&tasklist_lock, f);
	return done ? 0 : ret;
}

/* Everybody but init and ourselves. Those we may not signal do not count as an error, as on Linux.
 */
static int kill_all(int sig, const struct siginfo *info)
{
	int ret = 0;
	bool any = false;
	pid_t pid = 1;
	struct process *p;

	for (; (p = process_next(pid)); process_put(p)) {
		int err;

		pid = p->pid;
		if (p == current_process())
			continue;
		err = kill_process(p, sig, info);
		any = true;
		if (err != -EPERM)
			ret = err;
	}
	return any ? ret : -ESRCH;
}

int signal_kill(pid_t pid, int sig, const struct siginfo *info)
{
	if (sig != 0 && !signal_valid(sig)) /* a target that is not there counts first */
		return signal_kill(pid, 0, info) == -ESRCH ? -ESRCH : -EINVAL;
	if (pid > 0)
		return kill_one(pid, sig, info);
	if (pid == -1)
		return kill_all(sig, info);
	if (pid == INT32_MIN)
		return -ESRCH;
	return kill_group(pid ? -pid : 0, sig, info);
}

int signal_tkill(pid_t tgid, pid_t tid, int sig, const struct siginfo *info)
{
	struct task *t;
	int err;

	if (tid <= 0 || (tgid <= 0 && tgid != -1))
		return -EINVAL;
	if (sig != 0 && !signal_valid(sig))
		return signal_tkill(tgid, tid, 0, info) == -ESRCH ? -ESRCH : -EINVAL;
	t = task_find(tid);
	if (!t)
		return -ESRCH;
	err = -ESRCH;
	if (tgid == -1 || t->process->pid == tgid)
		err = signal_permission(t->process, t, sig, info);
	if (!err && sig)
		err = signal_send_task(t, sig, info);
	task_put(t);
	return err;
}

void signal_force(int sig, int code, uint64_t addr, unsigned trap, unsigned err)
{
	struct uthread *u = current->uthread;
	struct process *p = u->process;
	struct siginfo info = {.signo = sig, .code = code, .addr = addr};
	unsigned long f = spin_lock_irq(&p->sig_lock);
	struct sigaction *a = &p->action[sig - 1];
	bool blocked = u->blocked.bits & SIGMASK(sig);

	u->fault_addr = addr;
	u->fault_trap = trap;
	u->fault_err = err;
	actions_lock_locked(p);
	if (blocked || a->handler == SIG_IGN)
		a->handler = SIG_DFL;
	actions_unlock_locked(p);
	u->blocked.bits &= ~SIGMASK(sig);
	/* Init dies of its own faults too: going on would only repeat them. */
	if (a->handler == SIG_DFL)
		p->flags &= ~PROC_INIT;
	if (sig == SIGKILL)
		signal_group_exit_locked(p, SIGKILL);
	else
		signal_send_locked(p, u, sig, &info);
	signal_recalc_locked(u);
	spin_unlock_irq(&p->sig_lock, f);
}
