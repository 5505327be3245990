/*
 * exec.c - replacing the program of a process: process_exec(), and what a loader needs for it.
 *
 * Steps: gather the strings - open the image, judge the new credential - make the new address space
 * with the strings at the top of its stack (exec_stack.c) - the loader maps the image there and
 * calls exec_commit(), which kills the other threads (de_thread, the point of no return) and gives
 * up what belonged to the old program - new registers. Up to exec_commit() every error leaves the
 * caller as he was; after it an error kills.
 *
 * An image may not be written while it is executed: exec_open() marks the open file so, and the
 * mark lasts until its last reference goes; address spaces hold one (mm->exe).
 */
#include <exec.h>
#include <arch/frame.h>
#include <arch/task.h>
#include <error.h>
#include <file.h>
#include <policy.h>
#include <process.h>
#include <random.h>
#include <slab.h>
#include <string.h>
#include <user_abi.h>
#include <vm.h>
#include "exec_internal.h"
#include "signal_queue.h"

#define MAX_INTERPRETERS 5
#define BRK_RANDOM_PAGES 8192 /* 32 MiB */

void exec_close(struct file *f)
{
	file_put(f);
}

static int check_executable(const struct path *p)
{
	struct inode *i = p->dentry->inode;
	int err;

	if (S_ISLNK(i->mode)) /* it was asked not to follow it */
		return -ELOOP;
	if (!S_ISREG(i->mode) || (p->mnt->flags & MS_NOEXEC))
		return -EACCES;
	err = inode_permission(i, MAY_EXEC, false);
	return err ? err : policy_exec(current->cred, p);
}

/* A program may be run that may not be read: opened by the kernel's own right, after the checks
 * above. */
static int open_image(const struct path *p, struct file **out)
{
	const struct cred *own = current->cred;
	bool readable = inode_permission(p->dentry->inode, MAY_READ, false) == 0;
	int err;

	if (!readable)
		rcu_assign(current->cred, &cred_kernel);
	err = vfs_open_path(p, O_RDONLY | O_LARGEFILE, out);
	if (!readable)
		rcu_assign(current->cred, own);
	return err;
}

int exec_open(const struct path *base, const char *name, unsigned lookup_flags, struct file **out)
{
	struct path p;
	struct file *f;
	int err = path_lookup(base, name, lookup_flags, &p);

	if (err)
		return err;
	err = check_executable(&p);
	if (!err)
		err = open_image(&p, &f);
	path_put(&p);
	if (err)
		return err;
	err = file_deny_write(f);
	if (err) {
		file_put(f);
		return err;
	}
	*out = f;
	return 0;
}

/* The credential the program will have, from scratch for each image in a chain of interpreters:
 * scripts have no set-id bits. */
static int judge(struct exec_args *a)
{
	const struct inode *i = a->file->inode;
	struct cred *c = cred_prepare(current->cred);
	int err;

	if (!c)
		return -ENOMEM;
	err = cred_exec(c, i->mode, i->uid, i->gid, (a->file->path.mnt->flags & MS_NOSUID) != 0,
		&a->secure);
	if (err) {
		cred_put(c);
		return err;
	}
	cred_put(a->cred);
	a->cred = c;
	return 0;
}

static int read_head(struct exec_args *a)
{
	ssize_t n;

	a->head_len = 0;
	n = kernel_read(a->file, a->head, sizeof(a->head), 0);
	if (n < 0)
		return (int)n;
	a->head_len = (size_t)n;
	memset(a->head + n, 0, sizeof(a->head) - (size_t)n);
	return 0;
}

static void set_comm(struct exec_args *a)
{
	const char *slash = strrchr(a->path, '/');

	strlcpy(a->comm, slash ? slash + 1 : a->path, sizeof(a->comm));
}

int exec_restart(struct exec_args *a, const char *interpreter, const char *argument)
{
	struct file *f;
	int err;

	if (a->hidden)
		return -ENOENT;
	if (++a->depth > MAX_INTERPRETERS)
		return -ELOOP;
	err = exec_open(NULL, interpreter, LOOKUP_FOLLOW, &f);
	if (err)
		return err;
	exec_close(a->file);
	a->file = f;
	err = exec_replace_argv0(a, interpreter, argument);
	a->image = interpreter;
	if (!err)
		err = judge(a);
	if (!err)
		err = read_head(a);
	return err ? err : user_abi->load_image(a);
}

/* The leader has ended before us: its id becomes ours, and nobody outside sees that the thread
 * changed. */
static struct task *take_leaders_place_locked(struct process *p, struct uthread *u)
{
	struct task *old = p->leader;
	pid_t own = current->tid;
	unsigned long f = spin_lock_irq(&p->sig_lock);

	thread_unlist_locked(old->uthread);
	hlist_del(&old->uthread->tid_hash);
	hlist_del(&u->tid_hash);
	current->tid = p->pid;
	rcu_assign(p->leader, task_get(current));
	spin_unlock_irq(&p->sig_lock, f);
	thread_hash_locked(u);
	pid_release_locked(own);
	return old;
}

static int become_exec_task(struct process *p, struct uthread *u)
{
	unsigned long f = spin_lock_irq(&p->sig_lock);
	int err = 0;

	if (p->exec_task || (p->flags & PROC_EXITING)) {
		err = -EAGAIN;
	} else {
		p->exec_task = current;
		signal_kill_threads_locked(p, u);
	}
	spin_unlock_irq(&p->sig_lock, f);
	return err;
}

/* Make the caller the only thread and the leader of its process. -EAGAIN: another thread was
 * faster, or the process dies. */
static int de_thread(void)
{
	struct process *p = current_process();
	struct uthread *u = current->uthread;
	struct task *old_leader = NULL;
	unsigned long f;
	int err;

	if (READ_ONCE(p->nr_threads) == 1 && p->leader == current)
		return 0;
	err = become_exec_task(p, u);
	if (err)
		return err;
	for (;;) {
		f = spin_lock_irq(&tasklist_lock);
		WRITE_ONCE(current->state, TASK_KILLABLE);
		if (p->nr_threads == 1 || signal_is_fatal(current))
			break;
		spin_unlock_irq(&tasklist_lock, f);
		schedule();
	}
	WRITE_ONCE(current->state, TASK_RUNNING);
	if (p->nr_threads > 1)
		err = -EAGAIN;
	else if (p->leader != current)
		old_leader = take_leaders_place_locked(p, u);
	p->exec_task = NULL;
	spin_unlock_irq(&tasklist_lock, f);
	if (old_leader)
		task_put(old_leader);
	return err;
}

static void reset_signals(struct process *p, struct uthread *u)
{
	unsigned long f;

	actions_unshare(p);
	f = spin_lock_irq(&p->sig_lock);

	for (unsigned i = 0; i < NSIG; i++)
		if (p->action[i].handler != SIG_DFL || p->action[i].flags)
			p->action[i] = (struct sigaction){
				.handler = p->action[i].handler == SIG_IGN ? SIG_IGN : SIG_DFL};
	u->alt = (struct sigaltstack){.flags = SS_DISABLE};
	p->flags |= PROC_DID_EXEC;
	p->exit_signal = SIGCHLD;
	spin_unlock_irq(&p->sig_lock, f);
}

static void swap_mm(struct exec_args *a)
{
	struct process *p = current_process();
	struct mm *old;
	unsigned long f;

	a->mm->exe = file_get(a->file);
	f = spin_lock_irq(&p->sig_lock);
	old = mm_adopt(a->mm);
	spin_unlock_irq(&p->sig_lock, f);
	vfork_release(current->uthread);
	mm_put(old);
}

int exec_commit(struct exec_args *a)
{
	struct process *p = current_process();
	struct uthread *u = current->uthread;
	int err = de_thread();

	if (err)
		return err;
	/* point of no return */
	a->committed = true;
	futex_exit_thread(u);
	WRITE_ONCE(u->futexes_gone, false);
	err = files_unshare();
	if (err)
		return err;
	posix_timers_delete_all(p);
	/* Nobody may look into the new program before it is known who may: /proc asks this after it
	 * took the address space. */
	p->dumpable = a->mm->dumpable = false;
	swap_mm(a);
	strlcpy(current->name, a->comm, sizeof(current->name));
	files_close_on_exec(current->files);
	reset_signals(p, u);
	current->tell_switch = false;
	u->rseq = (struct rseq){0};
	if (a->secure)
		u->personality &= ~PERSONALITY_UNSAFE;
	cred_commit(a->cred);
	a->cred = NULL;
	/* cred_commit() has cleared it when the identity changed; a program that cannot be read is
	 * not to be dumped either. */
	p->dumpable = a->mm->dumpable = !a->secure &&
					inode_permission(a->file->inode, MAY_READ, false) == 0;
	arch_task_reset(current);
	return 0;
}

static void finish_brk(struct mm *m)
{
	if (!m->brk_start || m->brk != m->brk_start ||
		(current->uthread->personality & ADDR_NO_RANDOMIZE))
		return;
	m->brk_start += random_below(BRK_RANDOM_PAGES) << PAGE_SHIFT;
	m->brk = m->brk_start;
}

/* Of the arguments; the address space is the task's own once it is committed. */
static void release(struct exec_args *a)
{
	if (a->file)
		exec_close(a->file);
	cred_put(a->cred);
	if (a->mm && a->mm != current->mm)
		mm_put(a->mm);
	kfree(a);
}

static int prepare_and_load(
	struct exec_args *a, const struct exec_strings *argv, const struct exec_strings *envp)
{
	int err = judge(a);

	if (!err)
		err = read_head(a);
	if (!err)
		err = exec_stack_build(a, argv, envp);
	return err ? err : user_abi->load_image(a);
}

int process_exec(const struct exec_name *name, const struct exec_strings *argv,
	const struct exec_strings *envp)
{
	int err = exec_check_nproc();
	struct exec_args *a;

	if (err)
		return err;
	a = kmalloc(sizeof(*a), GFP_KERNEL);
	if (!a)
		return -ENOMEM;
	memset(a, 0, offsetof(struct exec_args, head));
	a->path = a->image = name->shown;
	a->hidden = name->hidden;
	set_comm(a);
	err = exec_open(name->base, name->name, name->lookup_flags, &a->file);
	if (!err)
		err = prepare_and_load(a, argv, envp);
	if (!err) {
		finish_brk(a->mm);
		frame_init_user(task_frame(current), a->entry, a->sp);
	} else if (a->committed) {
		signal_force(SIGKILL, SI_KERNEL, 0, 0, 0);
	}
	release(a);
	return err;
}
