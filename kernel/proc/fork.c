/*
 * fork.c - process_clone(): fork, vfork, threads.
 *
 * Check flags and limits; reserve everything in a struct clone_plan, task first; commit under
 * tasklist_lock and sig_lock, where only one thing can still refuse: a signal for the caller, which
 * is then handled before the fork is tried again, so that a signal to a group never misses a child
 * that is being born. After that nothing fails. Does not: namespaces but for mounts.
 */
#include <arch/frame.h>
#include <arch/task.h>
#include <arch/usercopy.h>
#include <cred.h>
#include <error.h>
#include <file.h>
#include <process.h>
#include <slab.h>
#include <string.h>
#include <user_abi.h>
#include <vm.h>
#include "proc.h"

#define CLONE_CLEAR_SIGHAND 0x100000000ull
#define CLONE_KNOWN                                                                                \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_PTRACE | CLONE_VFORK |          \
		CLONE_PARENT | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | \
		CLONE_CHILD_CLEARTID | CLONE_DETACHED | CLONE_UNTRACED | CLONE_CHILD_SETTID |      \
		CLONE_CLEAR_SIGHAND | CLONE_NEWNS | CLONE_PIDFD)

struct clone_plan {
	const struct clone_args *args;
	uint64_t flags;
	struct task *task;
	struct uthread *thread;
	struct user *user;       /* counts it; the thread's once there is one */
	struct process *process; /* the new one, or the caller's for a thread */
	struct vfork_wait *vfork;
	struct file *pidfd; /* to be installed as ->fd; NULL: none */
	int fd;
};

static int check_flags(const struct clone_args *a)
{
	uint64_t fl = a->flags;

	if ((fl & CLONE_NEWNS) && (fl & CLONE_FS))
		return -EINVAL;
	if ((fl & CLONE_THREAD) && !(fl & CLONE_SIGHAND))
		return -EINVAL;
	if ((fl & CLONE_SIGHAND) && !(fl & CLONE_VM))
		return -EINVAL;
	if ((fl & CLONE_SIGHAND) && (fl & CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	if ((fl & CLONE_PIDFD) && (fl & (CLONE_THREAD | CLONE_DETACHED)))
		return -EINVAL;
	if ((fl & CLONE_PARENT) && current_process() == init_process)
		return -EINVAL;
	if (a->exit_signal < 0 || a->exit_signal > NSIG)
		return -EINVAL;
	if ((fl & CLONE_NEW_NAMESPACES & ~CLONE_NEWUSER) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	return fl & ~CLONE_KNOWN ? -EINVAL : 0;
}

static int plan_mm(struct clone_plan *c)
{
	struct task *t = c->task;
	int err;

	if (c->flags & CLONE_VM) {
		t->mm = mm_get(current->mm);
	} else {
		struct mm *from = current->mm;

		err = mm_fork(from, frame_sp(task_frame(current)), &t->mm);
		if (err)
			return err;
		t->mm->exe = from->exe ? file_get(from->exe) : NULL;
	}
	t->mmu = &t->mm->mmu;
	return 0;
}

static int plan_files(struct clone_plan *c)
{
	struct task *t = c->task;

	if (c->flags & CLONE_FILES) {
		refcount_inc(&current->files->refs);
		t->files = current->files;
	} else {
		t->files = files_copy(current->files);
	}
	if (!t->files)
		return -ENOMEM;
	t->fs = c->flags & CLONE_FS ? fs_context_get(current->fs) : fs_context_copy(current->fs);
	if (!t->fs)
		return -ENOMEM;
	return c->flags & CLONE_NEWNS ? fs_context_unshare_mounts(t->fs) : 0;
}

static int plan_thread(struct clone_plan *c)
{
	const struct uthread *from = current->uthread;
	struct uthread *u = uthread_alloc();

	if (!u)
		return -ENOMEM;
	c->thread = u;
	u->user = c->user;
	c->user = NULL;
	u->task = c->task;
	u->blocked = from->blocked;
	u->personality = from->personality;
	u->timer_slack_ns = from->timer_slack_ns;
	u->ioprio = from->ioprio;
	u->over_nproc = from->over_nproc;
	/* A stack that two threads run on at once would be no stack. */
	if (!(c->flags & CLONE_VM) || (c->flags & CLONE_VFORK))
		u->alt = from->alt;
	/* Likewise the area of a restartable sequence. */
	if (!(c->flags & CLONE_VM)) {
		u->rseq = from->rseq;
		c->task->tell_switch = current->tell_switch;
		if (current->tell_switch)
			task_set_work(c->task, TASK_WORK_SWITCHED);
	}
	if (c->flags & CLONE_CHILD_CLEARTID)
		u->clear_child_tid = c->args->child_tid;
	u->vfork = c->vfork;
	return 0;
}

static void reset_actions(struct process *p)
{
	for (unsigned i = 0; i < NSIG; i++)
		if (p->action[i].handler != SIG_IGN)
			p->action[i] = (struct sigaction){0};
}

static int plan_process(struct clone_plan *c)
{
	struct process *from = current_process(), *p;
	unsigned long f;

	if (c->flags & CLONE_THREAD) {
		c->process = from;
		return 0;
	}
	p = process_alloc();
	if (!p)
		return -ENOMEM;
	if (c->flags & CLONE_SIGHAND && actions_share(from, p)) {
		process_free_unused(p);
		return -ENOMEM;
	}
	f = spin_lock_irq(&from->sig_lock);
	if (!(c->flags & CLONE_SIGHAND))
		actions_copy_locked(from, p);
	memcpy(p->limits, from->limits, sizeof(p->limits));
	spin_unlock_irq(&from->sig_lock, f);
	if (c->flags & CLONE_CLEAR_SIGHAND)
		reset_actions(p);
	p->exit_signal = c->flags & CLONE_PARENT ? from->exit_signal : c->args->exit_signal;
	p->dumpable = from->dumpable;
	p->oom_score_adj = from->oom_score_adj;
	p->start_ns = clock_ns();
	if (user_abi->process_init && user_abi->process_init(p, from)) {
		process_free_unused(p);
		return -ENOMEM;
	}
	c->process = p;
	return 0;
}

/* After the descriptors were copied: the child has no use for it. */
static int plan_pidfd(struct clone_plan *c)
{
	int fd, err;

	if (!(c->flags & CLONE_PIDFD))
		return 0;
	fd = fd_alloc(0, true);
	if (fd < 0)
		return fd;
	err = pidfd_create_for_new(c->process, &c->pidfd);
	if (err) {
		fd_cancel(fd);
		return err;
	}
	c->fd = fd;
	return put_user(fd, c->args->pidfd);
}

static int plan_registers(struct clone_plan *c)
{
	struct frame f = *task_frame(current);

	arch_task_copy(c->task);
	frame_set_ret(&f, 0);
	if (c->args->stack)
		frame_set_sp(&f, c->args->stack);
	if ((c->flags & CLONE_SETTLS) && !arch_set_tls(c->task, c->args->tls))
		return -EPERM;
	arch_task_start_user(c->task, &f);
	return 0;
}

/* What task_free_hook frees is hung on the task by commit only; before that it is undone here. */
static void plan_cancel(struct clone_plan *c)
{
	struct task *t = c->task;

	if (c->pidfd) {
		fd_cancel(c->fd);
		file_put(c->pidfd);
	}
	if (t->tid > 0)
		pid_cancel(t->tid);
	if (c->process && !(c->flags & CLONE_THREAD)) {
		if (user_abi->process_fini)
			user_abi->process_fini(c->process);
		process_free_unused(c->process);
	}
	if (c->thread)
		uthread_free(c->thread);
	user_uncharge(c->user, USER_THREADS, 1);
	if (t->fs)
		fs_context_put(t->fs);
	if (t->files)
		files_put(t->files);
	if (t->mm)
		mm_put(t->mm);
	t->fs = NULL;
	t->files = NULL;
	t->mm = NULL;
	t->mmu = NULL;
	t->tid = 0;
	task_put(t);
}

static int plan_all(struct clone_plan *c)
{
	int err = plan_registers(c);

	if (!err)
		err = plan_mm(c);
	if (!err)
		err = plan_files(c);
	if (!err)
		err = plan_thread(c);
	if (!err)
		err = plan_process(c);
	if (!err)
		err = pid_alloc(c->args->want_tid, &c->task->tid);
	if (!err)
		err = plan_pidfd(c);
	return err;
}

static void publish_process_locked(struct clone_plan *c)
{
	struct process *p = c->process, *me = current_process();

	p->pid = c->task->tid;
	p->leader = task_get(c->task);
	p->parent = c->flags & CLONE_PARENT ? me->parent : me;
	list_add_tail(&p->sibling, &p->parent->children);
	p->session = me->session;
	refcount_inc(&p->session->refs);
	pgrp_join_locked(p, me->pgrp);
	process_hash_locked(p);
	if (unlikely(p->limits[RLIMIT_CPU].cur != RLIM_INFINITY)) {
		unsigned long f = spin_lock_irq(&p->sig_lock);

		cpu_timer_rearm_locked(p);
		spin_unlock_irq(&p->sig_lock, f);
	}
}

/* point of no return, but for -ERESTARTNOINTR before anything is done */
static int commit(struct clone_plan *c)
{
	struct process *me = current_process(), *p = c->process;
	struct task *t = c->task;
	unsigned long f = spin_lock_irq(&tasklist_lock), g;

	g = spin_lock_irq(&me->sig_lock);
	if (signal_is_pending(current)) {
		spin_unlock_irq(&me->sig_lock, g);
		spin_unlock_irq(&tasklist_lock, f);
		return -ERESTARTNOINTR;
	}
	t->process = p;
	t->uthread = c->thread;
	t->cred = cred_get(current->cred);
	c->thread->process = p;
	if (c->flags & CLONE_THREAD)
		process_get(p);
	else
		refcount_set(&p->refs, 2); /* the tables' and the task's */
	list_add_tail(&c->thread->node, &p->threads);
	p->nr_threads++;
	p->nr_live++;
	spin_unlock_irq(&me->sig_lock, g);
	if (!(c->flags & CLONE_THREAD))
		publish_process_locked(c);
	thread_hash_locked(c->thread);
	spin_unlock_irq(&tasklist_lock, f);
	return 0;
}

/* Errors are the program's own: clone(2) does not report them. */
static void store_tids(const struct clone_plan *c, pid_t tid)
{
	uint32_t v = (uint32_t)tid;

	if ((c->flags & CLONE_PARENT_SETTID) && put_user(v, c->args->parent_tid))
		return;
	if (!(c->flags & CLONE_CHILD_SETTID))
		return;
	if (c->flags & CLONE_VM) {
		if (put_user(v, c->args->child_tid))
			return;
	} else {
		mm_access(c->task->mm, (vaddr_t)(uintptr_t)c->args->child_tid, &v, sizeof(v), true,
			false);
	}
}

/* The child has our memory: sleep until it execs or exits. A fatal signal ends the wait, so let go
 * of what lies on our stack. */
static void vfork_wait(struct task *child, struct vfork_wait *v)
{
	struct process *p = child->process;
	unsigned long f;

	if (wait_event_killable(&v->wq, READ_ONCE(v->done)) == 0) {
		/* The waker holds the lock until it is through with v. */
		f = spin_lock_irq(&p->sig_lock);
		spin_unlock_irq(&p->sig_lock, f);
		return;
	}
	f = spin_lock_irq(&p->sig_lock);
	child->uthread->vfork = NULL;
	spin_unlock_irq(&p->sig_lock, f);
}

pid_t process_clone(const struct clone_args *a)
{
	struct vfork_wait v;
	struct clone_plan c = {.args = a, .flags = a->flags};
	struct task *t;
	pid_t tid;
	int err = check_flags(a);

	if (!err)
		err = nproc_enter(&c.user);
	if (!err && signal_is_pending(current))
		err = -ERESTARTNOINTR;
	if (!err)
		err = task_create(current->name, &c.task);
	if (err) {
		user_uncharge(c.user, USER_THREADS, 1);
		return err;
	}
	t = c.task;
	if (c.flags & CLONE_VFORK) {
		wait_queue_init(&v.wq);
		v.done = false;
		c.vfork = &v;
	}
	err = plan_all(&c);
	if (!err)
		err = commit(&c);
	if (err) {
		plan_cancel(&c);
		return err;
	}
	tid = t->tid;
	if (c.pidfd)
		fd_install(c.fd, c.pidfd);
	current->uthread->over_nproc = false; /* the limit has been judged anew */
	if (c.flags & (CLONE_PARENT_SETTID | CLONE_CHILD_SETTID))
		store_tids(&c, tid);
	if (c.flags & CLONE_VFORK)
		task_get(t);
	task_start(t);
	if (c.flags & CLONE_VFORK) {
		vfork_wait(t, &v);
		task_put(t);
	}
	return tid;
}
