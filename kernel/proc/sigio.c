/*
 * sigio.c - signals about files: SIGIO to the owner that F_SETOWN named (fcntl(2), "Managing
 * signals"); and what sockets ask about processes.
 *
 * The sender is the file, so leave is judged by who set the owner: his ids against the target's
 * as kill(2) does. Without F_SETSIG the signal is a plain SIGIO; with it, it says what happened to
 * which descriptor (si_code POLL_*, si_band, si_fd).
 */
#include <cred.h>
#include <file.h>
#include <process.h>
#include <socket.h>
#include "proc.h"

enum {
	POLL_IN_CODE = 1,
	POLL_OUT_CODE,
	POLL_MSG_CODE,
	POLL_ERR_CODE,
	POLL_PRI_CODE,
	POLL_HUP_CODE
};

static int code_of(unsigned events)
{
	if (events & POLLHUP)
		return POLL_HUP_CODE;
	if (events & POLLERR)
		return POLL_ERR_CODE;
	if (events & POLLPRI)
		return POLL_PRI_CODE;
	return events & POLLIN ? POLL_IN_CODE : POLL_OUT_CODE;
}

struct to_send {
	int sig;
	struct siginfo info;
	uid_t uid, euid;
	bool may_all;
};

static bool allowed(const struct to_send *s, const struct task *t)
{
	const struct cred *c = rcu_dereference(t->cred);

	return s->may_all || s->euid == c->suid || s->euid == c->uid || s->uid == c->suid ||
	       s->uid == c->uid;
}

static void send_to_process(struct process *p, const struct to_send *s)
{
	if (allowed(s, READ_ONCE(p->leader)))
		(void)signal_send_process(p, s->sig, &s->info);
}

static void send_to_group(pid_t id, const struct to_send *s)
{
	unsigned long f = spin_lock_irq(&tasklist_lock);
	struct pgrp *g = pgrp_lookup_locked(id);
	struct process *p;

	if (g)
		list_for_each_entry (p, &g->members, group_node)
			send_to_process(p, s);
	spin_unlock_irq(&tasklist_lock, f);
}

static void signal_owner(struct file *f, unsigned events)
{
	pid_t pid = READ_ONCE(f->owner.pid);
	bool urgent = events == POLLPRI;
	int sig = urgent ? 0 : READ_ONCE(f->owner.sig);
	struct to_send s = {.sig = urgent ? SIGURG
				   : sig  ? sig
					  : SIGIO,
		.uid = f->owner.uid,
		.euid = f->owner.euid,
		.may_all = f->owner.may_all};
	struct process *p;
	struct task *t;

	if (!pid)
		return;
	s.info = (struct siginfo){.signo = s.sig, .code = sig ? code_of(events) : SI_KERNEL};
	s.info.band = (int)events;
	s.info.fd = READ_ONCE(f->owner.fd);
	rcu_read_lock();
	switch (f->owner.type) {
	case FILE_OWNER_PGRP:
		send_to_group(pid, &s);
		break;
	case FILE_OWNER_TID:
		t = task_find(pid);
		if (t) {
			if (allowed(&s, t))
				(void)signal_send_task(t, s.sig, &s.info);
			task_put(t);
		}
		break;
	default:
		p = process_find(pid);
		if (p) {
			send_to_process(p, &s);
			process_put(p);
		}
	}
	rcu_read_unlock();
}

static pid_t pid_of_current(void)
{
	return current->process ? current->process->pid : 0;
}

static bool pid_exists(pid_t pid)
{
	struct process *p = process_find(pid);

	if (p)
		process_put(p);
	return p;
}

void sigio_init(void)
{
	file_signal = signal_owner;
	socket_pid = pid_of_current;
	socket_pid_exists = pid_exists;
}
