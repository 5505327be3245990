/*
 * process.c - the tables of processes and threads. Theory of the room is here.
 *
 * Objects. A struct process is a thread group: what fork makes and wait takes away. Each of its
 * threads is a struct task (core) with a struct uthread (this room's part). Process groups and
 * sessions are pgrp.c's.
 *
 * Lifetimes. process->refs: one while it is in the tables, one for each of its tasks, one for each
 * lookup. The leader's task is referenced by process->leader until the process is reaped; that ties
 * a knot (process -> leader -> process) which process_forget() cuts. A task drops its own reference
 * in task_exit_self(); when the last goes and a grace period has passed, core calls task_free_hook,
 * which frees the uthread and puts the process. So whoever holds a task may use task->process and
 * task->uthread, and whoever finds one by RCU may until he leaves the read section.
 *
 * Life of a process. alive -> PROC_EXITING (a fatal signal, exit_group, the last exit) ->
 * PROC_ZOMBIE (all threads gone, the parent told) -> PROC_REAPED (waited for, or nobody will wait).
 * A leader that exits before its threads stays in the thread list, is_dead, until the process is
 * reaped or another thread takes its place by exec.
 *
 * Invariants
 *  1 process->threads changes only with both tasklist_lock and sig_lock held: either is enough to
 * walk it. 2 A process that is not a zombie has a living parent: children pass to a reaper when the
 * last thread exits. 3 nr_threads counts threads whose is_dead is false; nr_live those that have
 * not begun to exit. 4 A pid is free for reuse when no thread, process, group or session bears it.
 *
 * Locks: tasklist_lock > process->sig_lock > wait queues, run queues. Both are irq-save: terminals
 * and timers send signals from interrupts. Nothing is allocated with more than GFP_ATOMIC and no
 * user memory is touched below them. The pid tables are read by RCU and written under
 * tasklist_lock.
 *
 * Limits: PID_MAX threads; one pid namespace.
 */
#include <process.h>
#include <bitmap.h>
#include <cred.h>
#include <file.h>
#include <hash.h>
#include <slab.h>
#include <string.h>
#include <user_abi.h>
#include <vm.h>
#include "proc.h"

#define HASH_BITS 10
#define HASH_SIZE (1u << HASH_BITS)

struct spinlock tasklist_lock = SPINLOCK_INIT("tasklist_lock");
struct process *init_process;
struct list_head all_processes = LIST_INIT(all_processes);

static struct hlist_head process_table[HASH_SIZE];           /* [tasklist], readers RCU */
static struct hlist_head thread_table[HASH_SIZE];            /* [tasklist], readers RCU */
static struct spinlock pid_lock = SPINLOCK_INIT("pid_lock"); /* leaf; irq-save */
static DECLARE_BITMAP(pid_map, PID_MAX);                     /* [pid_lock] */
static pid_t last_pid;                                       /* [pid_lock] */
static struct slab_cache *process_cache, *uthread_cache;

/* Consecutive pids go to consecutive buckets. */
static inline struct hlist_head *bucket(struct hlist_head *table, pid_t id)
{
	return &table[(unsigned)id & (HASH_SIZE - 1)];
}

static int pid_take(pid_t want, pid_t *out)
{
	int err = -EEXIST;
	unsigned long f;

	if (want < 0 || want >= PID_MAX)
		return -EINVAL;
	f = spin_lock_irq(&pid_lock);
	if (!bit_test(pid_map, (uint64_t)want)) {
		bit_set(pid_map, (uint64_t)want);
		*out = want;
		err = 0;
	}
	spin_unlock_irq(&pid_lock, f);
	return err;
}

int pid_alloc(pid_t want, pid_t *out)
{
	unsigned long f;
	uint64_t id;

	if (want)
		return pid_take(want, out);
	f = spin_lock_irq(&pid_lock);
	id = bitmap_find_clear(pid_map, PID_MAX, (uint64_t)last_pid + 1);
	if (id >= PID_MAX)
		id = bitmap_find_clear(pid_map, PID_MAX, PID_RESERVED);
	if (id < PID_MAX) {
		bit_set(pid_map, id);
		last_pid = (pid_t)id;
	}
	spin_unlock_irq(&pid_lock, f);
	if (id >= PID_MAX)
		return -EAGAIN;
	*out = (pid_t)id;
	return 0;
}

void pid_cancel(pid_t pid)
{
	unsigned long f = spin_lock_irq(&pid_lock);

	bit_clear(pid_map, (uint64_t)pid);
	spin_unlock_irq(&pid_lock, f);
}

void pid_release_locked(pid_t pid)
{
	ASSERT_LOCKED(&tasklist_lock);
	if (pid <= 0 || thread_lookup(pid) || process_lookup(pid) || pgrp_lookup_locked(pid) ||
		session_lookup_locked(pid))
		return;
	pid_cancel(pid);
}

void process_hash_locked(struct process *p)
{
	hlist_add(&p->hash, bucket(process_table, p->pid));
	list_add_tail(&p->all_node, &all_processes);
}

void thread_hash_locked(struct uthread *u)
{
	hlist_add(&u->tid_hash, bucket(thread_table, u->task->tid));
}

struct uthread *thread_lookup(pid_t tid)
{
	struct uthread *u;

	hlist_for_each_entry (u, bucket(thread_table, tid), tid_hash)
		if (u->task->tid == tid)
			return u;
	return NULL;
}

struct process *process_lookup(pid_t pid)
{
	struct process *p;

	hlist_for_each_entry (p, bucket(process_table, pid), hash)
		if (p->pid == pid)
			return p;
	return NULL;
}

struct process *process_find(pid_t pid)
{
	struct process *p;

	rcu_read_lock();
	p = process_lookup(pid);
	if (p && !refcount_inc_not_zero(&p->refs))
		p = NULL;
	rcu_read_unlock();
	return p;
}

struct task *task_find(pid_t tid)
{
	struct uthread *u;
	struct task *t = NULL;

	rcu_read_lock();
	u = thread_lookup(tid);
	if (u && refcount_inc_not_zero(&u->task->refs))
		t = u->task;
	rcu_read_unlock();
	return t;
}

/* Who is not reaped yet keeps his leader a grace period at least: process_forget() comes later. */
struct task *process_leader(const struct process *p)
{
	struct task *t = rcu_dereference(p->leader);

	smp_rmb();
	return READ_ONCE(p->flags) & PROC_REAPED ? NULL : t;
}

struct task *process_leader_get(struct process *p)
{
	struct task *t;

	rcu_read_lock();
	t = process_leader(p);
	if (t && !refcount_inc_not_zero(&t->refs))
		t = NULL;
	rcu_read_unlock();
	return t;
}

struct process *process_next(pid_t after)
{
	uint64_t id = after < 0 ? 0 : (uint64_t)after + 1;

	for (; (id = bitmap_find_set(pid_map, PID_MAX, id)) < PID_MAX; id++) {
		struct process *p = process_find((pid_t)id);

		if (p)
			return p;
	}
	return NULL;
}

struct task *thread_next(struct process *p, pid_t after)
{
	struct uthread *u, *best = NULL;
	struct task *t = NULL;
	unsigned long f = spin_lock_irq(&p->sig_lock);

	list_for_each_entry (u, &p->threads, node)
		if (u->task->tid > after && (!best || u->task->tid < best->task->tid))
			best = u;
	if (best)
		t = task_get(best->task);
	spin_unlock_irq(&p->sig_lock, f);
	return t;
}

pid_t process_ppid(struct process *p)
{
	pid_t pid;
	const struct process *parent;

	/* The parent may be reaped after it exits, but its memory stays for a grace period. */
	rcu_read_lock();
	parent = READ_ONCE(p->parent);
	pid = parent ? parent->pid : 0;
	rcu_read_unlock();
	return pid;
}

/* exit and exec clear these pointers and then pass through sig_lock before they drop what they
 * pointed to. */
struct mm *task_mm_get(struct task *t)
{
	struct mm *m;
	unsigned long f;

	if (!t->process)
		return NULL;
	f = spin_lock_irq(&t->process->sig_lock);
	m = t->mm ? mm_get(t->mm) : NULL;
	spin_unlock_irq(&t->process->sig_lock, f);
	return m;
}

struct files *task_files_get(struct task *t)
{
	struct files *fs;

	rcu_read_lock(); /* the table may be exchanged or on its way out: files_put() waits for us
			  */
	fs = rcu_dereference(t->files);
	if (fs && !refcount_inc_not_zero(&fs->refs))
		fs = NULL;
	rcu_read_unlock();
	return fs;
}

struct file *task_fd_get(struct task *t, unsigned long fd)
{
	struct files *files = task_files_get(t);
	struct file *f = NULL;

	if (!files)
		return NULL;
	if (fd <= INT32_MAX && fd_next(files, (unsigned)fd, &f) != (int)fd && f) {
		file_put(f);
		f = NULL;
	}
	files_put(files);
	return f;
}

struct fs_context *task_fs_get(struct task *t)
{
	struct fs_context *fs;
	unsigned long f;

	if (!t->process)
		return NULL;
	f = spin_lock_irq(&t->process->sig_lock);
	fs = t->fs ? fs_context_get(t->fs) : NULL;
	spin_unlock_irq(&t->process->sig_lock, f);
	return fs;
}

/*
 * Zeroed but for the signal actions and limits, which every caller fills: they are two thirds of
 * the structure. One reference, for the tables.
 */
struct process *process_alloc(void)
{
	struct process *p = slab_alloc(process_cache, GFP_KERNEL);
	char *c = (char *)p;

	if (!p)
		return NULL;
	static_assert(offsetof(struct process, own_action) < offsetof(struct process, limits),
		"order of the two gaps");
	memset(c, 0, offsetof(struct process, own_action));
	memset(&p->pending, 0,
		offsetof(struct process, limits) - offsetof(struct process, pending));
	memset(&p->dead, 0, sizeof(*p) - offsetof(struct process, dead));
	refcount_set(&p->refs, 1);
	p->action = p->own_action;
	spin_init(&p->sig_lock);
	list_init(&p->threads);
	list_init(&p->children);
	list_init(&p->sibling);
	list_init(&p->group_node);
	list_init(&p->all_node);
	list_init(&p->posix_timers);
	list_init(&p->sem_adjustments);
	sigpending_init(&p->pending);
	list_init(&p->signalfds);
	wait_queue_init(&p->child_wait);
	itimer_init_process(p);
	return p;
}

static void process_free_rcu(struct rcu_head *h)
{
	struct process *p = container_of(h, struct process, rcu);

	if (user_abi && user_abi->process_fini)
		user_abi->process_fini(p);
	pgrp_put(p->pgrp);
	session_put(p->session);
	actions_put(p->sighand);
	pidref_put(p->pidref);
	slab_free(process_cache, p);
}

void process_put(struct process *p)
{
	if (refcount_dec(&p->refs))
		rcu_call(&p->rcu, process_free_rcu);
}

void process_free_unused(struct process *p)
{
	actions_put(p->sighand);
	pidref_put(p->pidref);
	slab_free(process_cache, p);
}

struct uthread *uthread_alloc(void)
{
	struct uthread *u = slab_alloc(uthread_cache, GFP_KERNEL);

	if (!u)
		return NULL;
	memset(u, 0, sizeof(*u));
	list_init(&u->node);
	sigpending_init(&u->pending);
	u->alt.flags = SS_DISABLE;
	return u;
}

void uthread_free(struct uthread *u)
{
	user_uncharge(u->user, USER_THREADS, 1);
	slab_free(uthread_cache, u);
}

void thread_unlist_locked(struct uthread *u)
{
	list_del(&u->node);
	user_uncharge(u->user, USER_THREADS, 1);
	u->user = NULL;
}

/* task_free_hook: nobody can find @t any more. */
static void task_parts_free(struct task *t)
{
	if (!t->process)
		return;
	cred_put(t->cred);
	uthread_free(t->uthread);
	process_put(t->process);
}

static bool all_ids_are(const struct cred *c, uid_t uid, gid_t gid)
{
	return c->uid == uid && c->euid == uid && c->suid == uid && c->gid == gid &&
	       c->egid == gid && c->sgid == gid;
}

bool process_may_look(struct task *t, enum look_ids ids, enum policy_proc_op op)
{
	const struct cred *me = current->cred, *other;
	bool ok = true, fs = ids == LOOK_FS;

	if (t->process == current_process())
		return true;
	rcu_read_lock();
	other = rcu_dereference(t->cred);
	if (!cred_capable(me, CAP_SYS_PTRACE))
		ok = all_ids_are(other, fs ? me->fsuid : me->uid, fs ? me->fsgid : me->gid) &&
		     t->process->dumpable &&
		     !(other->permitted & ~(fs ? me->effective : me->permitted));
	ok = ok && !policy_proc(me, other, op);
	rcu_read_unlock();
	return ok;
}

void process_unhash_locked(struct process *p)
{
	struct uthread *u = p->leader->uthread;
	unsigned long f;

	ASSERT_LOCKED(&tasklist_lock);
	f = spin_lock_irq(&p->sig_lock);
	p->flags |= PROC_REAPED;
	thread_unlist_locked(u);
	spin_unlock_irq(&p->sig_lock, f);
	pgrp_leave_locked(p); /* while we still bear the number: it is released once, below */
	hlist_del(&u->tid_hash);
	hlist_del(&p->hash);
	list_del(&p->all_node);
	list_del(&p->sibling);
	pidref_reaped_locked(p);
	pid_release_locked(p->pid);
}

void process_forget(struct process *p)
{
	task_put(p->leader);
	process_put(p);
}

void proc_init(void)
{
	process_cache = slab_cache_create("process", sizeof(struct process), 64, NULL);
	uthread_cache = slab_cache_create("uthread", sizeof(struct uthread), 64, NULL);
	bit_set(pid_map, 0);
	task_free_hook = task_parts_free;
	signal_init();
	posix_timers_init();
	futex_init();
	rlimit_hooks_init();
	cred_hooks_init();
	sigio_init();
	oom_init();
	jobs_init();
}
