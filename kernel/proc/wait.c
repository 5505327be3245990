/*
 * wait.c - waiting for children: wait4(2) and waitid(2) in all their forms.
 *
 * Children belong to the process, so any thread may wait for any of them. The scan and the reaping
 * happen under tasklist_lock, so a zombie is reported once. ECHILD is exact: it means that no child
 * could ever match.
 */
#include <cred.h>
#include <error.h>
#include <process.h>
#include <wait.h>
#include "signal_queue.h"

struct wait_query {
	enum wait_id which;
	pid_t id;
	const struct process *child; /* the only one; NULL: as @which says */
	unsigned options;
	struct wait_result *out;
	struct process *reaped; /* to be forgotten without locks */
};

static bool matches(const struct wait_query *q, const struct process *c)
{
	if (q->child && c != q->child)
		return false;
	if (q->which == WAIT_PID && c->pid != q->id)
		return false;
	if (q->which == WAIT_PGRP && c->pgrp->id != q->id)
		return false;
	if (q->options & WAIT_CLONES_ALL)
		return true;
	return (c->exit_signal != SIGCHLD) == !!(q->options & WAIT_CLONES_ONLY);
}

static void report(struct wait_query *q, struct process *c, int status, int code)
{
	q->out->pid = c->pid;
	q->out->uid = rcu_dereference(c->leader->cred)->uid;
	q->out->status = status;
	q->out->code = code;
}

static void report_zombie_locked(struct wait_query *q, struct process *c)
{
	struct process *me = current_process();

	report(q, c, c->exit_code, c->exit_code & 0x7f ? CLD_KILLED : CLD_EXITED);
	q->out->usage = c->dead;
	usage_add(&q->out->usage, &c->children_usage);
	if (q->options & WNOWAIT)
		return;
	usage_add(&me->children_usage, &q->out->usage);
	process_unhash_locked(c);
	q->reaped = c;
}

/* A living child: did it stop or go on? */
static bool report_job_locked(struct wait_query *q, struct process *c)
{
	unsigned long f = spin_lock_irq(&c->sig_lock);
	bool found = true;

	if ((q->options & WUNTRACED) &&
		(c->flags & (PROC_STOPPED | PROC_STOP_REPORTED)) == PROC_STOPPED) {
		report(q, c, c->stop_sig << 8 | 0x7f, CLD_STOPPED);
		if (!(q->options & WNOWAIT))
			c->flags |= PROC_STOP_REPORTED;
	} else if ((q->options & WCONTINUED) && (c->flags & PROC_CONTINUED)) {
		report(q, c, 0xffff, CLD_CONTINUED);
		if (!(q->options & WNOWAIT))
			c->flags &= ~PROC_CONTINUED;
	} else {
		found = false;
	}
	if (found) {
		process_usage_locked(c, &q->out->usage);
		usage_add(&q->out->usage, &c->children_usage);
	}
	spin_unlock_irq(&c->sig_lock, f);
	return found;
}

/* 1: reported; 0: nothing yet; -ECHILD: and there never will be. */
static int scan(struct wait_query *q)
{
	struct process *c;
	unsigned long f = spin_lock_irq(&tasklist_lock);
	int ret = -ECHILD;

	list_for_each_entry (c, &current_process()->children, sibling) {
		if (!matches(q, c))
			continue;
		if (c->flags & PROC_ZOMBIE) {
			/* It will neither stop nor continue any more. */
			if (!(q->options & WEXITED))
				continue;
			report_zombie_locked(q, c);
			ret = 1;
			break;
		}
		ret = 0;
		if ((q->options & (WUNTRACED | WCONTINUED)) && report_job_locked(q, c)) {
			ret = 1;
			break;
		}
	}
	spin_unlock_irq(&tasklist_lock, f);
	if (q->reaped)
		process_forget(q->reaped);
	return ret;
}

static int wait_for(struct wait_query *q)
{
	struct process *me = current_process();
	int found, err;

	q->out->pid = 0;
	found = scan(q);
	if (found == 0 && !(q->options & WNOHANG)) {
		struct wait_entry we = {
			.node = LIST_INIT(we.node), .task = current, .wake = wake_default};

		for (err = 0; !err;) {
			wait_prepare(&me->child_wait, &we, TASK_INTERRUPTIBLE);
			found = scan(q);
			if (found)
				break;
			err = wait_sleep(TASK_INTERRUPTIBLE);
		}
		wait_finish(&me->child_wait, &we);
		if (!found)
			found = scan(q);
		if (!found)
			return err;
	}
	return found < 0 ? found : 0;
}

int process_wait(enum wait_id which, pid_t id, unsigned options, struct wait_result *out)
{
	struct wait_query q = {.which = which, .id = id, .options = options, .out = out};

	if (which == WAIT_PGRP && id == 0)
		q.id = current_process()->pgrp->id;
	return wait_for(&q);
}

int process_wait_child(struct process *child, unsigned options, struct wait_result *out)
{
	struct wait_query q = {.child = child, .options = options, .out = out};

	return wait_for(&q);
}
