/*
 * exit.c - the end of threads and processes: what is given back in which order, who is told, who
 * inherits the children.
 *
 * Order in thread_exit(): no more signals (signal_exit_thread) - timers, if it is the last -
 * futexes, which need the user's memory - the vfork parent - memory, files, directories - terminal
 * - exit_notify(), after which the process may be gone at any moment - task_exit_self(). States and
 * invariants: process.c.
 */
#include <process.h>
#include <cred.h>
#include <file.h>
#include <ipc.h>
#include <task.h>
#include <user_abi.h>
#include <vm.h>
#include "signal_queue.h"

#define NS_PER_TICK (NSEC_PER_SEC / 100) /* clock ticks of siginfo */

bool signal_exit_thread(struct uthread *u)
{
	struct process *p = u->process;
	unsigned long f = spin_lock_irq(&p->sig_lock);
	bool stopped, last;

	u->exiting = true;
	u->stop_pending = false;
	u->pending.set.bits &= ~SIGMASK(SIGKILL); /* killable waits on the way out may sleep */
	last = --p->nr_live == 0;
	if (!last)
		signal_retarget_locked(u, p->pending.set.bits & ~u->blocked.bits);
	stopped = !last && stop_complete_locked(p);
	spin_unlock_irq(&p->sig_lock, f);
	if (stopped) {
		f = spin_lock_irq(&tasklist_lock);
		parent_notify_stop_locked(p, CLD_STOPPED, p->stop_sig);
		spin_unlock_irq(&tasklist_lock, f);
	}
	return last;
}

void vfork_release(struct uthread *u)
{
	unsigned long f;

	if (!READ_ONCE(u->vfork))
		return;
	f = spin_lock_irq(&u->process->sig_lock);
	if (u->vfork) {
		u->vfork->done = true;
		wake_up_all(&u->vfork->wq);
		u->vfork = NULL;
	}
	spin_unlock_irq(&u->process->sig_lock, f);
}

void current_drop_mm(void)
{
	struct process *p = current_process();
	struct mm *m = current->mm;
	uint64_t rss;
	unsigned long f;

	if (!m)
		return;
	rss = mm_rss(m);
	rss = MAX(rss, m->peak_rss);
	f = spin_lock_irq(&p->sig_lock);
	p->dead.max_rss_pages = MAX(p->dead.max_rss_pages, rss);
	mm_adopt(NULL);
	spin_unlock_irq(&p->sig_lock, f);
	mm_put(m);
}

static void drop_files(void)
{
	struct process *p = current_process();
	unsigned long f = spin_lock_irq(&p->sig_lock);
	struct files *files = current->files;

	current->files = NULL;
	spin_unlock_irq(&p->sig_lock, f);
	if (files)
		files_put(files);
}

static void drop_fs(void)
{
	struct process *p = current_process();
	unsigned long f = spin_lock_irq(&p->sig_lock);
	struct fs_context *fs = current->fs;

	current->fs = NULL;
	spin_unlock_irq(&p->sig_lock, f);
	if (fs)
		fs_context_put(fs);
}

static void child_info(struct process *p, struct siginfo *info, int code, int status)
{
	struct usage u UNCLEARED;
	unsigned long f = spin_lock_irq(&p->sig_lock);

	process_usage_locked(p, &u);
	spin_unlock_irq(&p->sig_lock, f);
	*info = (struct siginfo){
		.signo = SIGCHLD,
		.code = code,
		.pid = p->pid,
		.uid = rcu_dereference(p->leader->cred)->uid,
		.status = status,
		.utime = u.user_ns / NS_PER_TICK,
		.stime = u.system_ns / NS_PER_TICK,
	};
}

bool parent_notify_exit_locked(struct process *p)
{
	struct process *parent = p->parent;
	const struct sigaction *a;
	int sig = p->exit_signal, st = p->exit_code;
	struct siginfo info UNCLEARED;
	bool reap = false;
	unsigned long f;

	ASSERT_LOCKED(&tasklist_lock);
	if (sig) {
		child_info(p, &info, st & 0x7f ? CLD_KILLED : CLD_EXITED,
			st & 0x7f ? st & 0x7f : st >> 8 & 0xff);
		info.signo = sig;
		f = spin_lock_irq(&parent->sig_lock);
		a = &parent->action[SIGCHLD - 1];
		if (sig == SIGCHLD)
			reap = a->handler == SIG_IGN || (a->flags & SA_NOCLDWAIT);
		signal_send_locked(parent, NULL, sig, &info);
		spin_unlock_irq(&parent->sig_lock, f);
	}
	wake_up_all(&parent->child_wait);
	return reap;
}

void parent_notify_stop_locked(struct process *p, int code, int status)
{
	struct process *parent = p->parent;
	const struct sigaction *a;
	struct siginfo info UNCLEARED;
	unsigned long f;

	ASSERT_LOCKED(&tasklist_lock);
	if (!parent || (p->flags & PROC_ZOMBIE))
		return;
	child_info(p, &info, code, status);
	f = spin_lock_irq(&parent->sig_lock);
	a = &parent->action[SIGCHLD - 1];
	if (a->handler != SIG_IGN && !(a->flags & SA_NOCLDSTOP))
		signal_send_locked(parent, NULL, SIGCHLD, &info);
	spin_unlock_irq(&parent->sig_lock, f);
	wake_up_all(&parent->child_wait);
}

/* POSIX _exit(): a group that becomes orphaned and has a stopped member gets SIGHUP, then SIGCONT.
 */
static void hang_up_if_orphaned_locked(struct pgrp *g, const struct process *leaving)
{
	struct process *p;

	if (!pgrp_has_stopped_locked(g) || !pgrp_orphaned_locked(g, leaving))
		return;
	list_for_each_entry (p, &g->members, group_node) {
		signal_send_process(p, SIGHUP, NULL);
		signal_send_process(p, SIGCONT, NULL);
	}
}

static struct process *find_reaper_locked(const struct process *p)
{
	struct process *r;

	for (r = p->parent; r && r != init_process; r = r->parent)
		if (r->child_subreaper && !(r->flags & PROC_EXITING))
			return r;
	return init_process;
}

static void send_death_signals_locked(struct process *child)
{
	const struct uthread *u;
	int sig[8], n = 0;
	unsigned long f;

	f = spin_lock_irq(&child->sig_lock);
	list_for_each_entry (u, &child->threads, node)
		if (u->pdeath_signal && !u->is_dead && n < 8)
			sig[n++] = (int)u->pdeath_signal;
	for (int i = 0; i < n; i++)
		signal_send_locked(child, NULL, sig[i], NULL);
	spin_unlock_irq(&child->sig_lock, f);
}

/* Children that nobody will wait for go to @dead, through ->sibling. */
static void give_children_away_locked(struct process *p, struct list_head *dead)
{
	struct process *c, *next, *reaper = find_reaper_locked(p);

	list_for_each_entry_safe (c, next, &p->children, sibling) {
		rcu_assign(c->parent, reaper);
		list_move_tail(&c->sibling, &reaper->children);
		c->exit_signal = SIGCHLD;
		send_death_signals_locked(c);
		if ((c->flags & PROC_ZOMBIE) && parent_notify_exit_locked(c)) {
			process_unhash_locked(c);
			list_add(&c->sibling, dead);
		} else if (c->pgrp != p->pgrp && c->session == p->session) {
			hang_up_if_orphaned_locked(c->pgrp, p);
		}
	}
}

/* This thread leaves its process's lists. true: it was the last one, and the process is a zombie.
 */
static bool leave_process_locked(struct uthread *u)
{
	struct process *p = u->process;
	unsigned long f = spin_lock_irq(&p->sig_lock);
	bool last, is_leader = p->leader == u->task;
	struct usage mine UNCLEARED;

	u->is_dead = true;
	last = --p->nr_threads == 0;
	task_usage(u->task, &mine);
	usage_add(&p->dead, &mine);
	signal_flush_locked(p, &u->pending, ~0ull);
	if (!is_leader)
		thread_unlist_locked(u);
	if (last) {
		p->exit_code = p->flags & PROC_EXITING ? p->group_exit_code
						       : p->leader->uthread->exit_code;
		p->flags |= PROC_ZOMBIE;
		p->flags &= ~(PROC_STOPPED | PROC_STOPPING | PROC_CONTINUED);
		signal_flush_locked(p, &p->pending, ~0ull);
	}
	if (p->exec_task)
		task_wake(p->exec_task, TASK_UNINTERRUPTIBLE | TASK_KILLABLE);
	spin_unlock_irq(&p->sig_lock, f);
	if (!is_leader) {
		hlist_del(&u->tid_hash);
		pid_release_locked(u->task->tid);
	}
	return last;
}

static void exit_notify(struct uthread *u)
{
	struct process *p = u->process, *c, *next;
	LIST_HEAD(dead);
	unsigned long f = spin_lock_irq(&tasklist_lock);

	if (leave_process_locked(u)) {
		if (!list_empty(&p->children))
			give_children_away_locked(p, &dead);
		pidref_exited_locked(p);
		if (p->parent->pgrp != p->pgrp && p->parent->session == p->session)
			hang_up_if_orphaned_locked(p->pgrp, p);
		if (parent_notify_exit_locked(p)) {
			process_unhash_locked(p);
			list_add(&p->sibling, &dead);
		}
	}
	spin_unlock_irq(&tasklist_lock, f);
	list_for_each_entry_safe (c, next, &dead, sibling) {
		list_del(&c->sibling);
		process_forget(c);
	}
}

void thread_exit(int code)
{
	struct uthread *u = current->uthread;
	struct process *p = u->process;
	bool last;

	if (user_abi->task_exit)
		user_abi->task_exit();
	u->exit_code = code;
	last = signal_exit_thread(u);
	if (last && p == init_process)
		panic("init, the first process, ended with status %#x", code);
	if (last) {
		itimers_stop(p);
		posix_timers_delete_all(p);
		ipc_exit_process(p);
	}
	futex_exit_thread(u);
	vfork_release(u);
	current_drop_mm();
	drop_files();
	drop_fs();
	if (last)
		session_leader_exits(p);
	exit_notify(u);
	task_exit_self();
}

void process_exit(int code)
{
	thread_exit(code);
}

void process_exit_group(int status)
{
	struct process *p = current_process();
	unsigned long f = spin_lock_irq(&p->sig_lock);

	signal_group_exit_locked(p, status);
	status = p->group_exit_code;
	spin_unlock_irq(&p->sig_lock, f);
	thread_exit(status);
}

/* prctl(2) PR_SET_DUMPABLE and execve(2): another identity must not be looked into by the old one.
 */
static void identity_changed(const struct cred *old, const struct cred *now)
{
	struct process *p = current_process();

	(void)old;
	(void)now;
	if (!p)
		return;
	p->dumpable = false;
	if (current->mm)
		current->mm->dumpable = false;
	current->uthread->pdeath_signal = 0;
}

void cred_hooks_init(void)
{
	cred_changed = identity_changed;
}
