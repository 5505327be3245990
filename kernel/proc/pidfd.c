/*
 * pidfd.c - pidfd_open(2): a process as a file, which can be polled, waited for and signalled.
 *
 * What the files of one process share is a struct pidref, made when the first is wanted. It points
 * to the process until that is reaped, and never to another: so a pidfd means the process, not its
 * number, and of a process that is gone it keeps nothing but the pidref. A zombie does not wait for
 * its pidfds to be closed.
 *
 * Lifetimes. pidref->refs: one of its process, until the structure of that is freed, and one of
 * each file. pidref->process is read under RCU, as the tables are; the pointer goes, and the
 * waiters wake, when the process leaves the tables. They wake once before, when it becomes a
 * zombie.
 *
 * Does not: files for threads (PIDFD_THREAD, since Linux 6.9), ioctl(2), an inode by which pidfds
 * can be compared.
 */
#include <error.h>
#include <file.h>
#include <process.h>
#include <slab.h>
#include "proc.h"

struct pidref {
	refcount_t refs;
	struct process *process; /* [tasklist], readers RCU; NULL: reaped */
	struct wait_queue wait;
};

void pidref_put(struct pidref *r)
{
	if (r && refcount_dec(&r->refs))
		kfree(r);
}

static struct pidref *pidref_alloc(struct process *p)
{
	struct pidref *r = kzalloc(sizeof(*r));

	if (!r)
		return NULL;
	refcount_set(&r->refs, 1);
	r->process = p;
	wait_queue_init(&r->wait);
	return r;
}

void pidref_exited_locked(struct process *p)
{
	ASSERT_LOCKED(&tasklist_lock);
	if (unlikely(p->pidref))
		wake_up_nr(&p->pidref->wait, ~0u, POLLIN | POLLRDNORM);
}

void pidref_reaped_locked(struct process *p)
{
	ASSERT_LOCKED(&tasklist_lock);
	if (likely(!p->pidref))
		return;
	rcu_assign(p->pidref->process, NULL);
	wake_up_nr(&p->pidref->wait, ~0u, POLLIN | POLLRDNORM | POLLHUP);
}

/* 1: *out is @p's, referenced; 0: it has none yet, and takes @fresh unless that is NULL; -ESRCH. */
static int pidref_get(struct process *p, struct pidref *fresh, struct pidref **out)
{
	unsigned long f = spin_lock_irq(&tasklist_lock);
	int ret = 1;

	if (p->flags & PROC_REAPED)
		ret = -ESRCH;
	else if (!p->pidref && !fresh)
		ret = 0;
	else if (!p->pidref)
		p->pidref = fresh;
	if (ret > 0) {
		*out = p->pidref;
		refcount_inc(&(*out)->refs);
	}
	spin_unlock_irq(&tasklist_lock, f);
	return ret;
}

static int pidref_get_or_make(struct process *p, struct pidref **out)
{
	int ret = pidref_get(p, NULL, out);
	struct pidref *fresh;

	if (ret)
		return ret < 0 ? ret : 0;
	fresh = pidref_alloc(p);
	if (!fresh)
		return -ENOMEM;
	ret = pidref_get(p, fresh, out);
	if (ret < 0 || *out != fresh) /* reaped meanwhile, or another was faster */
		pidref_put(fresh);
	return ret < 0 ? ret : 0;
}

static unsigned pidfd_poll(struct file *f, struct poll_table *pt)
{
	struct pidref *r = f->private;
	const struct process *p;
	unsigned events = 0;

	poll_wait(pt, f, &r->wait);
	rcu_read_lock();
	p = rcu_dereference(r->process);
	if (!p)
		events = POLLIN | POLLRDNORM | POLLHUP;
	else if (READ_ONCE(p->flags) & PROC_ZOMBIE)
		events = POLLIN | POLLRDNORM;
	rcu_read_unlock();
	return events;
}

/* pidfd_open(2) and proc(5), /proc/PID/fdinfo: -1 once it has been waited for. */
static void pidfd_info(struct file *f, struct file_info *out)
{
	struct pidref *r = f->private;
	const struct process *p;
	pid_t pid;

	rcu_read_lock();
	p = rcu_dereference(r->process);
	pid = p ? p->pid : -1;
	rcu_read_unlock();
	out->print(out, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static void pidfd_release(struct file *f)
{
	pidref_put(f->private);
}

static const struct file_ops pidfd_fops = {
	.poll = pidfd_poll,
	.info = pidfd_info,
	.release = pidfd_release,
};

/* Takes over the reference to @r. */
static int create_file(struct pidref *r, unsigned file_flags, struct file **out)
{
	int err = file_create_anon("[pidfd]", &pidfd_fops, r, O_RDWR | file_flags, out);

	if (err)
		pidref_put(r);
	return err;
}

int pidfd_open(pid_t pid, unsigned file_flags, struct file **out)
{
	struct process *p = process_find(pid);
	struct pidref *r;
	int err;

	if (!p) {
		struct task *thread = task_find(pid);

		if (!thread)
			return -ESRCH;
		task_put(thread);
		return -EINVAL; /* of a process, but not its first thread */
	}
	err = pidref_get_or_make(p, &r);
	process_put(p);
	return err ? err : create_file(r, file_flags, out);
}

int pidfd_create_for_new(struct process *p, struct file **out)
{
	ASSERT(!p->pidref);
	p->pidref = pidref_alloc(p);
	if (!p->pidref)
		return -ENOMEM;
	refcount_inc(&p->pidref->refs);
	return create_file(p->pidref, 0, out);
}

int pidfd_process(const struct file *f, struct process **out)
{
	struct pidref *r = f->private;
	struct process *p;

	if (f->ops != &pidfd_fops)
		return -EBADF;
	rcu_read_lock();
	p = rcu_dereference(r->process);
	if (p && !refcount_inc_not_zero(&p->refs))
		p = NULL;
	rcu_read_unlock();
	*out = p;
	return p ? 0 : -ESRCH;
}
