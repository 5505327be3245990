/*
 * world.h - stand-ins for the rooms below proc, so that processes can be born, signalled and waited
 * for on the host.
 *
 * run_as(t, fn) makes @t current while fn runs and catches its exit.
 */
#pragma once
#include <arch/frame.h>
#include <arch/task.h>
#include <arch/upcalls.h>
#include <cred.h>
#include <error.h>
#include <exec.h>
#include <file.h>
#include <ipc.h>
#include <list.h>
#include <process.h>
#include <slab.h>
#include <string.h>
#include <tty.h>
#include <unit.h>
#include <user_abi.h>
#include <vm.h>
#include "kernel/proc/proc.h"

static struct frame frames[64];
static struct frame the_frame;
static void *exit_jump[5];
static bool exit_expected;

/* ---- core ---- */
void (*task_free_hook)(struct task *t);
int task_create(const char *name, struct task **out)
{
	struct task *t = kzalloc(sizeof(*t));

	if (!t)
		return -ENOMEM;
	refcount_set(&t->refs, 1);
	t->state = TASK_NEW;
	strlcpy(t->name, name, sizeof(t->name));
	*out = t;
	return 0;
}
static void task_free_rcu(struct rcu_head *h)
{
	struct task *t = container_of(h, struct task, rcu);

	task_free_hook(t);
	kfree(t);
}
void task_put(struct task *t)
{
	if (refcount_dec(&t->refs))
		rcu_call(&t->rcu, task_free_rcu);
}
void task_start(struct task *t)
{
	t->state = TASK_RUNNING;
}
void task_exit_self(void)
{
	struct task *t = current;

	t->state = TASK_DEAD;
	task_put(t);
	if (!exit_expected)
		panic("exit of a task that the test did not run");
	__builtin_longjmp(exit_jump, 1);
}
void task_times(struct task *t, uint64_t *user_ns, uint64_t *system_ns)
{
	*user_ns = t->se.user_ns;
	*system_ns = t->se.system_ns;
}
void sched_lend(struct task *t, unsigned rt_priority)
{
	t->se.rt_priority = (uint8_t)rt_priority;
}
void sigio_init(void)
{
}
void signalfd_notify_locked(struct process *p, int sig)
{
	(void)p;
	(void)sig;
}
void ipc_exit_process(struct process *p)
{
	(void)p;
}
void sched_set_nice(struct task *t, int nice)
{
	t->se.nice = (int8_t)nice;
}
struct frame *task_frame(struct task *t)
{
	return t->arch.stack ? t->arch.stack : &the_frame;
}
void arch_task_copy(struct task *to)
{
	(void)to;
}
bool arch_set_tls(struct task *t, uint64_t base)
{
	t->arch.tls = base;
	return base < USER_END;
}
void arch_task_start_user(struct task *t, const struct frame *f)
{
	static unsigned n;

	frames[n % ARRAY_SIZE(frames)] = *f;
	t->arch.stack = &frames[n++ % ARRAY_SIZE(frames)];
}
void machine_reboot(void)
{
	unit_fail(__FILE__, __LINE__, "reboot");
	__builtin_trap();
}
void machine_power_off(void)
{
	__builtin_trap();
}
int user_cmpxchg32(uint32_t __user *p, uint32_t expect, uint32_t want, uint32_t *old)
{
	*old = *p;
	if (*p == expect)
		*p = want;
	return 0;
}
int user_xchg_op32(uint32_t __user *p, unsigned op, uint32_t arg, uint32_t *old)
{
	*old = *p;
	*p = op == 0   ? arg
	     : op == 1 ? *p + arg
	     : op == 2 ? *p | arg
	     : op == 3 ? *p & ~arg
		       : *p ^ arg;
	return 0;
}

/* ---- mm ---- */
bool (*oom_kill_hook)(const char *why);
int mm_create(struct mm **out)
{
	struct mm *m = kzalloc(sizeof(*m));

	if (!m)
		return -ENOMEM;
	refcount_set(&m->users, 1);
	*out = m;
	return 0;
}
int mm_fork(struct mm *from, vaddr_t sp, struct mm **out)
{
	(void)sp;
	(void)from;
	return mm_create(out);
}
void mm_put(struct mm *m)
{
	if (m && refcount_dec(&m->users))
		kfree(m);
}
struct mm *mm_adopt(struct mm *m)
{
	struct mm *old = current->mm;

	current->mm = m;
	return old;
}
uint64_t mm_rss(const struct mm *m)
{
	return m->peak_rss;
}
ssize_t mm_access(struct mm *m, vaddr_t addr, void *buf, size_t n, bool write, bool force)
{
	(void)m, (void)addr, (void)buf, (void)write, (void)force;
	return (ssize_t)n;
}
int mm_futex_key(vaddr_t addr, bool private, struct futex_key *out)
{
	*out = (struct futex_key){.object = 1, .offset = addr, .shared = !private};
	return 0;
}
void mem_stats(struct mem_stats *out)
{
	*out = (struct mem_stats){.total = 10000};
}

/* ---- vfs, tty ---- */
uint64_t (*files_limit)(void), (*file_size_limit)(void);
void (*file_too_big)(void), (*pipe_broken)(void);
static struct files *new_files(void)
{
	struct files *f = kmalloc(64, GFP_KERNEL);

	if (f)
		refcount_set(&f->refs, 1);
	return f;
}
struct files *files_copy(struct files *from)
{
	(void)from;
	return new_files();
}
void files_put(struct files *f)
{
	if (refcount_dec(&f->refs))
		kfree(f);
}
int fs_context_unshare_mounts(struct fs_context *f)
{
	return -EPERM;
}
struct fs_context *fs_context_copy(struct fs_context *from)
{
	struct fs_context *f = kmalloc(sizeof(*f), GFP_KERNEL);

	(void)from;
	if (f)
		refcount_set(&f->refs, 1);
	return f;
}
void fs_context_put(struct fs_context *f)
{
	if (refcount_dec(&f->refs))
		kfree(f);
}
void file_put(struct file *f)
{
	if (!refcount_dec(&f->refs))
		return;
	f->ops->release(f);
	kfree(f);
}
int file_create_anon(const char *name, const struct file_ops *ops, void *private, unsigned flags,
	struct file **out)
{
	struct file *f = kzalloc(sizeof(*f));

	(void)name;
	if (!f)
		return -ENOMEM;
	refcount_set(&f->refs, 1);
	f->ops = ops;
	f->private = private;
	f->flags = flags;
	*out = f;
	return 0;
}
static struct file *opened; /* by fork; the only descriptor there is, 7 */
static bool no_descriptors;
int fd_alloc(unsigned from, bool cloexec)
{
	(void)from;
	return no_descriptors ? -EMFILE : cloexec ? 7 : -EINVAL;
}
void fd_cancel(int fd)
{
	EXPECT_EQ(fd, 7);
}
void fd_install(int fd, struct file *f)
{
	EXPECT_EQ(fd, 7);
	opened = f;
}
int fd_next(struct files *fs, unsigned from, struct file **out)
{
	(void)fs, (void)from, (void)out;
	return -1;
}
int vfs_sync_all(void)
{
	return 0;
}
void vfs_remount_all_readonly(void)
{
}
const struct tty_proc_ops *tty_proc_ops;
static pid_t ended_session;
struct tty *tty_get(struct tty *t)
{
	return t;
}
void tty_put(struct tty *t)
{
	(void)t;
}
dev_t tty_dev(const struct tty *t)
{
	(void)t;
	return 0;
}
pid_t tty_foreground_pgrp(const struct tty *t)
{
	(void)t;
	return 0;
}
void tty_session_ends(struct tty *t, pid_t session)
{
	(void)t;
	ended_session = session;
}

/* ---- compat ---- */
static int64_t syscall_value;
static bool in_syscall, restarted, restarted_block;
static struct siginfo handled;
static unsigned nr_handled;
static uint64_t handled_mask;
static int abi_frame(struct frame *f, const struct siginfo *info, const struct sigaction *act,
	uint64_t mask, struct sigaltstack *alt, uint64_t fault_addr, unsigned trap, unsigned err)
{
	(void)f, (void)act, (void)alt, (void)fault_addr, (void)trap, (void)err;
	handled = *info;
	handled_mask = mask;
	nr_handled++;
	return 0;
}
static void abi_restart(struct frame *f, bool block)
{
	(void)f;
	restarted = true;
	restarted_block = block;
	in_syscall = false;
}
static bool abi_result(const struct frame *f, int64_t *r)
{
	(void)f;
	*r = syscall_value;
	return in_syscall;
}
static const struct user_abi abi = {
	.signal_frame = abi_frame, .restart = abi_restart, .syscall_result = abi_result};

/* ---- the world ---- */
static struct task *init_task;
static void world_begin(void)
{
	static bool ready;
	struct process *p;
	struct uthread *u;

	if (!ready) {
		policy_init();
		proc_init();
		user_abi = &abi;
		ready = true;
	}
	in_syscall = restarted = restarted_block = false;
	nr_handled = 0;
	if (!init_task) {
		pid_t pid;

		if (task_create("init", &init_task) || mm_create(&init_task->mm) ||
			pid_alloc(0, &pid))
			panic("no memory");
		init_task->files = new_files();
		init_task->fs = fs_context_copy(NULL);
		p = process_alloc();
		u = uthread_alloc();
		memset(p->own_action, 0, sizeof(p->own_action));
		rlimits_default(p->limits);
		p->flags = PROC_INIT;
		u->task = init_task;
		u->process = p;
		if (user_charge(cred_kernel.uid, USER_THREADS, 1, RLIM_INFINITY, &u->user))
			panic("no memory");
		p->pid = init_task->tid = pid;
		p->leader = task_get(init_task);
		p->nr_threads = p->nr_live = 1;
		list_add_tail(&u->node, &p->threads);
		refcount_set(&p->refs, 2);
		init_task->process = p;
		init_task->uthread = u;
		init_task->cred = &cred_kernel;
		if (pgrp_boot(p))
			panic("no memory");
		init_process = p;
		process_hash_locked(p);
		thread_hash_locked(u);
	}
	current_task_ = init_task;
}
/* fork or clone; the child's task. */
static struct task *spawn_flags(uint64_t flags)
{
	struct clone_args a = {.flags = flags, .exit_signal = flags & CLONE_THREAD ? 0 : SIGCHLD};
	pid_t pid = process_clone(&a);
	struct task *t = pid > 0 ? task_find(pid) : NULL;

	if (t)
		task_put(t);
	return t;
}
static inline struct task *spawn(void)
{
	return spawn_flags(0);
}
#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)

/* Run fn as @t. true: it exited. */
static inline bool run_as(struct task *t, void (*fn)(void))
{
	static struct task *volatile me;
	struct task *outer = me;
	bool volatile gone = true;

	me = current;
	current_task_ = t;
	exit_expected = true;
	if (!__builtin_setjmp(exit_jump)) {
		fn();
		gone = false;
	}
	exit_expected = false;
	current_task_ = me;
	me = outer;
	return gone;
}
static inline void do_exit_3(void)
{
	process_exit_group(3 << 8);
}
static inline void do_thread_exit(void)
{
	process_exit(0);
}
static inline void do_user_work(void)
{
	signal_user_work(&the_frame);
}
static inline struct siginfo from_user(int sig)
{
	return (struct siginfo){.signo = sig, .code = SI_USER, .pid = 99};
}
