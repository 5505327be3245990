/*
 * jobs.c - the controlling terminal: what the tty room asks of sessions and groups, and what a
 * dying session leader owes it.
 *
 * session->tty is guarded by tasklist_lock and holds a reference; terminals are put without the
 * lock, because the last put may do anything.
 */
#include <process.h>
#include <cred.h>
#include <tty.h>
#include "proc.h"

struct tty *session_tty_get(void)
{
	unsigned long f = spin_lock_irq(&tasklist_lock);
	struct tty *t = current_process() ? current_process()->session->tty : NULL;

	if (t)
		tty_get(t);
	spin_unlock_irq(&tasklist_lock, f);
	return t;
}

dev_t process_tty(struct process *p, pid_t *foreground)
{
	unsigned long f = spin_lock_irq(&tasklist_lock);
	const struct tty *t = p->session ? p->session->tty : NULL;
	dev_t dev = t ? tty_dev(t) : 0;

	*foreground = t ? tty_foreground_pgrp(t) : 0;
	spin_unlock_irq(&tasklist_lock, f);
	return dev;
}

/* Take the terminal away from @s: the caller puts what is returned. */
static struct tty *session_tty_take_locked(struct session *s)
{
	struct tty *t = s->tty;

	s->tty = NULL;
	return t;
}

void session_leader_exits(struct process *p)
{
	unsigned long f = spin_lock_irq(&tasklist_lock);
	struct session *s = p->session;
	struct tty *t = NULL;

	if (s->leader == p) {
		s->leader = NULL;
		t = session_tty_take_locked(s);
	}
	spin_unlock_irq(&tasklist_lock, f);
	if (t) {
		tty_session_ends(t, s->id);
		tty_put(t);
	}
}

static void job_signal_pgrp(pid_t pgrp, int sig)
{
	struct pgrp *g = pgrp_find(pgrp);

	if (!g)
		return;
	signal_send_pgrp(g, sig, NULL);
	pgrp_put(g);
}

static pid_t job_session(void)
{
	return current_process() ? process_getsid(0) : 0;
}

static pid_t job_pgrp(void)
{
	return current_process() ? process_getpgid(0) : 0;
}

static bool job_is_leader(void)
{
	const struct process *p = current_process();

	return p && p->session->leader == p;
}

static int job_set_session_tty(struct tty *t)
{
	struct process *p = current_process();
	struct tty *old = NULL;
	unsigned long f;
	int err = 0;

	if (!p)
		return -EPERM;
	f = spin_lock_irq(&tasklist_lock);
	if (!t)
		old = session_tty_take_locked(p->session);
	else if (p->session->leader != p || (p->session->tty && p->session->tty != t))
		err = -EPERM;
	else if (!p->session->tty)
		p->session->tty = tty_get(t);
	spin_unlock_irq(&tasklist_lock, f);
	if (old)
		tty_put(old);
	return err;
}

static void job_clear_session_tty(pid_t session)
{
	unsigned long f = spin_lock_irq(&tasklist_lock);
	struct session *s = session_lookup_locked(session);
	struct tty *t = s ? session_tty_take_locked(s) : NULL;

	spin_unlock_irq(&tasklist_lock, f);
	if (t)
		tty_put(t);
}

static bool job_pgrp_in_session(pid_t pgrp, pid_t session)
{
	unsigned long f = spin_lock_irq(&tasklist_lock);
	const struct pgrp *g = pgrp_lookup_locked(pgrp);
	bool yes = g && g->session->id == session;

	spin_unlock_irq(&tasklist_lock, f);
	return yes;
}

static bool job_pgrp_exists(pid_t pgrp)
{
	unsigned long f = spin_lock_irq(&tasklist_lock);
	bool yes = pgrp_lookup_locked(pgrp) != NULL;

	spin_unlock_irq(&tasklist_lock, f);
	return yes;
}

static bool job_ignores(int sig)
{
	return task_ignores(current, sig);
}

static bool job_pgrp_orphaned(void)
{
	struct process *p = current_process();

	return p && pgrp_is_orphaned(p->pgrp);
}

/* The controlling process is told, not its whole session: POSIX 11.1.10 (modem disconnect). */
static void job_signal_session(pid_t session, int sig)
{
	unsigned long f = spin_lock_irq(&tasklist_lock);
	struct session *s = session_lookup_locked(session);
	struct process *leader = s && s->leader ? process_get(s->leader) : NULL;

	spin_unlock_irq(&tasklist_lock, f);
	if (!leader)
		return;
	signal_send_process(leader, sig, NULL);
	process_put(leader);
}

void jobs_init(void)
{
	static const struct tty_proc_ops ops = {
		.signal_pgrp = job_signal_pgrp,
		.session = job_session,
		.pgrp = job_pgrp,
		.is_leader = job_is_leader,
		.session_tty = session_tty_get,
		.set_session_tty = job_set_session_tty,
		.clear_session_tty = job_clear_session_tty,
		.pgrp_in_session = job_pgrp_in_session,
		.pgrp_exists = job_pgrp_exists,
		.ignores = job_ignores,
		.pgrp_orphaned = job_pgrp_orphaned,
		.signal_session = job_signal_session,
		.ctrl_alt_del = reboot_cad,
	};

	tty_proc_ops = &ops;
}
