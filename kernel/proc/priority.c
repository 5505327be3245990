/*
 * priority.c - getpriority(2) and setpriority(2): nice values of threads, groups and users.
 */
#include <cred.h>
#include <error.h>
#include <process.h>
#include "proc.h"

enum { PRIO_PROCESS, PRIO_PGRP, PRIO_USER };

struct selection {
	int which;
	int who;
	/* For each thread chosen; context: tasklist_lock. */
	void (*fn)(struct selection *s, struct task *t);
	int nice;
	int result;
};

static bool process_selected(const struct selection *s, const struct process *p)
{
	const struct process *me = current_process();

	if (s->which == PRIO_PGRP)
		return p->pgrp->id == (s->who ? s->who : me->pgrp->id);
	return rcu_dereference(p->leader->cred)->uid ==
	       (s->who ? (uid_t)s->who : current->cred->uid);
}

static void each_selected(struct selection *s)
{
	unsigned long f = spin_lock_irq(&tasklist_lock);
	const struct process *p;
	struct uthread *u;

	if (s->which == PRIO_PROCESS) {
		u = s->who ? thread_lookup(s->who) : current->uthread;
		if (u)
			s->fn(s, u->task);
	} else {
		list_for_each_entry (p, &all_processes, all_node) {
			if ((p->flags & PROC_ZOMBIE) || !process_selected(s, p))
				continue;
			list_for_each_entry (u, &p->threads, node)
				s->fn(s, u->task);
		}
	}
	spin_unlock_irq(&tasklist_lock, f);
}

static void highest(struct selection *s, struct task *t)
{
	int value = 20 - t->se.nice;

	if (value > s->result)
		s->result = value;
}

int process_getpriority(int which, int who)
{
	struct selection s = {.which = which, .who = who, .fn = highest, .result = -ESRCH};

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	each_selected(&s);
	return s.result;
}

static void set_one(struct selection *s, struct task *t)
{
	const struct cred *me = current->cred, *him = rcu_dereference(t->cred);
	uint64_t floor = MIN(rlimit_cur(RLIMIT_NICE), 40ull);

	if (me->euid != him->uid && me->euid != him->euid && !capable(CAP_SYS_NICE)) {
		s->result = -EPERM;
	} else if (s->nice < t->se.nice && 20 - s->nice > (int)floor && !capable(CAP_SYS_NICE)) {
		s->result = -EACCES;
	} else {
		sched_set_nice(t, s->nice);
		if (s->result == -ESRCH)
			s->result = 0;
	}
}

int process_setpriority(int which, int who, int nice)
{
	struct selection s = {.which = which, .who = who, .fn = set_one, .result = -ESRCH};

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	s.nice = nice < -20 ? -20 : nice > 19 ? 19 : nice;
	each_selected(&s);
	return s.result;
}
