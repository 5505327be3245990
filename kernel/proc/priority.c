/*
 * priority.c - getpriority(2) and setpriority(2): nice values of threads, groups and users; and
 * ioprio_get(2) and ioprio_set(2), whose values nobody heeds: requests to disks have no order.
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
	int value; /* to be set */
	int result;
};

static bool thread_selected(const struct selection *s, const struct process *p, struct task *t)
{
	const struct process *me = current_process();

	if (s->which == PRIO_PGRP)
		return p->pgrp->id == (s->who ? s->who : me->pgrp->id);
	return rcu_dereference(t->cred)->uid == (s->who ? (uid_t)s->who : current->cred->uid);
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
			if (p->flags & PROC_ZOMBIE)
				continue;
			list_for_each_entry (u, &p->threads, node)
				if (thread_selected(s, p, u->task))
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
	} else if (s->value < t->se.nice && 20 - s->value > (int)floor && !capable(CAP_SYS_NICE)) {
		s->result = -EACCES;
	} else {
		sched_set_nice(t, s->value);
		if (s->result == -ESRCH)
			s->result = 0;
	}
}

int process_setpriority(int which, int who, int nice)
{
	struct selection s = {.which = which, .who = who, .fn = set_one, .result = -ESRCH};

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	s.value = nice < -20 ? -20 : nice > 19 ? 19 : nice;
	each_selected(&s);
	return s.result;
}

/* ---- I/O priorities ---- */

#define IOPRIO(class, level) ((class) << IOPRIO_CLASS_SHIFT | (level))
enum { IOPRIO_WHO_PROCESS = 1, IOPRIO_WHO_PGRP, IOPRIO_WHO_USER };
static_assert((int)IOPRIO_WHO_PROCESS == PRIO_PROCESS + 1 && (int)IOPRIO_WHO_USER == PRIO_USER + 1,
	"ioprio_set(2) and setpriority(2) select alike");

/* ioprio_set(2), NOTES: of a thread that has set none, the nice value and the policy decide. */
static int effective_ioprio(const struct task *t)
{
	int level = (t->se.nice + 20) / 5;

	if (t->uthread->ioprio >> IOPRIO_CLASS_SHIFT != IOPRIO_NONE)
		return t->uthread->ioprio;
	if (t->se.policy == SCHED_IDLE)
		return IOPRIO(IOPRIO_IDLE, level);
	return IOPRIO(
		t->se.policy == SCHED_FIFO || t->se.policy == SCHED_RR ? IOPRIO_RT : IOPRIO_BE,
		level);
}

static void highest_ioprio(struct selection *s, struct task *t)
{
	int value = s->which == PRIO_PROCESS ? t->uthread->ioprio : effective_ioprio(t);

	if (s->result < 0 || value < s->result)
		s->result = value;
}

int process_get_ioprio(int which, int who)
{
	struct selection s = {
		.which = which - 1, .who = who, .fn = highest_ioprio, .result = -ESRCH};

	if (which < IOPRIO_WHO_PROCESS || which > IOPRIO_WHO_USER)
		return -EINVAL;
	each_selected(&s);
	return s.result;
}

static void set_one_ioprio(struct selection *s, struct task *t)
{
	const struct cred *me = current->cred, *him = rcu_dereference(t->cred);

	if (him->uid != me->euid && him->uid != me->uid && !capable(CAP_SYS_NICE)) {
		s->result = -EPERM;
		return;
	}
	t->uthread->ioprio = (uint16_t)s->value;
	if (s->result == -ESRCH)
		s->result = 0;
}

static int check_ioprio(int ioprio)
{
	switch (ioprio >> IOPRIO_CLASS_SHIFT & 7) {
	case IOPRIO_RT:
		return capable(CAP_SYS_ADMIN) || capable(CAP_SYS_NICE) ? 0 : -EPERM;
	case IOPRIO_BE:
	case IOPRIO_IDLE:
		return 0;
	case IOPRIO_NONE:
		return ioprio & (IOPRIO_LEVELS - 1) ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

int process_set_ioprio(int which, int who, int ioprio)
{
	struct selection s = {.which = which - 1,
		.who = who,
		.fn = set_one_ioprio,
		.value = ioprio,
		.result = -ESRCH};
	int err = check_ioprio(ioprio);

	if (err)
		return err;
	if (which < IOPRIO_WHO_PROCESS || which > IOPRIO_WHO_USER)
		return -EINVAL;
	each_selected(&s);
	return s.result;
}
