/*
 * pgrp.c - process groups and sessions: who belongs where, setpgid(2), setsid(2), orphaned groups.
 *
 * A group is in the table as long as it has members, a session as long as it has groups; both stay
 * in memory as long as they are referenced, and a grace period longer, because process->pgrp and
 * ->session are read under RCU. Members that are zombies count: the id is in use. The terminal's
 * side is jobs.c. All lists and tables: [tasklist_lock].
 */
#include <process.h>
#include <slab.h>
#include "proc.h"

#define HASH_SIZE 256u

static struct hlist_head pgrp_table[HASH_SIZE];
static struct hlist_head session_table[HASH_SIZE];

static inline struct hlist_head *bucket(struct hlist_head *table, pid_t id)
{
	return &table[(unsigned)id & (HASH_SIZE - 1)];
}

struct pgrp *pgrp_lookup_locked(pid_t id)
{
	struct pgrp *g;

	hlist_for_each_entry (g, bucket(pgrp_table, id), hash)
		if (g->id == id)
			return g;
	return NULL;
}

struct session *session_lookup_locked(pid_t id)
{
	struct session *s;

	hlist_for_each_entry (s, bucket(session_table, id), hash)
		if (s->id == id)
			return s;
	return NULL;
}

struct pgrp *pgrp_find(pid_t id)
{
	unsigned long f = spin_lock_irq(&tasklist_lock);
	struct pgrp *g = pgrp_lookup_locked(id);

	if (g)
		refcount_inc(&g->refs);
	spin_unlock_irq(&tasklist_lock, f);
	return g;
}

static void pgrp_free_rcu(struct rcu_head *h)
{
	kfree(container_of(h, struct pgrp, rcu));
}

void pgrp_put(struct pgrp *g)
{
	struct session *s;

	if (!g || !refcount_dec(&g->refs))
		return;
	s = g->session;
	rcu_call(&g->rcu, pgrp_free_rcu);
	session_put(s);
}

static void session_free_rcu(struct rcu_head *h)
{
	kfree(container_of(h, struct session, rcu));
}

void session_put(struct session *s)
{
	if (s && refcount_dec(&s->refs))
		rcu_call(&s->rcu, session_free_rcu);
}

/* A new group of @s, not in the table yet; the caller's reference. Holds one on @s when @s is not
 * NULL. */
static struct pgrp *pgrp_create(pid_t id, struct session *s)
{
	struct pgrp *g = kzalloc(sizeof(*g));

	if (!g)
		return NULL;
	g->id = id;
	refcount_set(&g->refs, 1);
	list_init(&g->members);
	list_init(&g->session_node);
	g->session = s;
	if (s)
		refcount_inc(&s->refs);
	return g;
}

static void pgrp_publish_locked(struct pgrp *g)
{
	if (!g->session->hash.pprev)
		hlist_add(&g->session->hash, bucket(session_table, g->session->id));
	hlist_add(&g->hash, bucket(pgrp_table, g->id));
	list_add_tail(&g->session_node, &g->session->groups);
}

void pgrp_join_locked(struct process *p, struct pgrp *g)
{
	ASSERT_LOCKED(&tasklist_lock);
	refcount_inc(&g->refs);
	rcu_assign(p->pgrp, g);
	list_add_tail(&p->group_node, &g->members);
}

/* The process keeps its reference; the caller puts it, or the end of the process does. */
void pgrp_leave_locked(struct process *p)
{
	struct pgrp *g = p->pgrp;

	ASSERT_LOCKED(&tasklist_lock);
	list_del(&p->group_node);
	if (!list_empty(&g->members))
		return;
	hlist_del(&g->hash);
	pid_release_locked(g->id);
	list_del(&g->session_node);
	if (list_empty(&g->session->groups)) {
		hlist_del(&g->session->hash);
		pid_release_locked(g->session->id);
	}
}

/* POSIX: no member has a parent in another group of the same session. @ignored is about to leave.
 */
bool pgrp_orphaned_locked(const struct pgrp *g, const struct process *ignored)
{
	const struct process *p;

	list_for_each_entry (p, &g->members, group_node) {
		if (p == ignored || (p->flags & PROC_ZOMBIE) || !p->parent ||
			p->parent == init_process)
			continue;
		if (p->parent->pgrp != g && p->parent->session == g->session)
			return false;
	}
	return true;
}

bool pgrp_has_stopped_locked(const struct pgrp *g)
{
	const struct process *p;

	list_for_each_entry (p, &g->members, group_node)
		if (p->flags & PROC_STOPPED)
			return true;
	return false;
}

bool pgrp_is_orphaned(struct pgrp *g)
{
	unsigned long f = spin_lock_irq(&tasklist_lock);
	bool orphaned = pgrp_orphaned_locked(g, NULL);

	spin_unlock_irq(&tasklist_lock, f);
	return orphaned;
}

pid_t process_getsid(pid_t pid)
{
	const struct process *p;
	pid_t id = -ESRCH;

	rcu_read_lock();
	p = pid ? process_lookup(pid) : current_process();
	if (p)
		id = rcu_dereference(p->session)->id;
	rcu_read_unlock();
	return id;
}

pid_t process_getpgid(pid_t pid)
{
	const struct process *p;
	pid_t id = -ESRCH;

	rcu_read_lock();
	p = pid ? process_lookup(pid) : current_process();
	if (p)
		id = rcu_dereference(p->pgrp)->id;
	rcu_read_unlock();
	return id;
}

/* setpgid(2)'s rules in its order; *to is the group to join, or NULL to be made. */
static int setpgid_check_locked(struct process *p, pid_t pgrp, struct pgrp **to)
{
	struct process *me = current_process();

	if (p != me) {
		if (p->parent != me)
			return -ESRCH;
		if (p->session != me->session)
			return -EPERM;
		if (p->flags & PROC_DID_EXEC)
			return -EACCES;
	}
	if (p->session->leader == p)
		return -EPERM;
	*to = pgrp_lookup_locked(pgrp);
	if (pgrp != p->pid && (!*to || (*to)->session != me->session))
		return -EPERM;
	return 0;
}

int process_setpgid(pid_t pid, pid_t pgrp)
{
	struct pgrp *fresh, *to = NULL, *old = NULL;
	struct process *p;
	unsigned long f;
	int err;

	if (pid == 0)
		pid = current_process()->pid;
	if (pgrp == 0)
		pgrp = pid;
	if (pgrp < 0)
		return -EINVAL;
	fresh = pgrp_create(pgrp, NULL);
	if (!fresh)
		return -ENOMEM;

	f = spin_lock_irq(&tasklist_lock);
	p = process_lookup(pid);
	err = p ? setpgid_check_locked(p, pgrp, &to) : -ESRCH;
	if (!err && to != p->pgrp) {
		if (!to) {
			to = fresh;
			to->session = p->session;
			refcount_inc(&p->session->refs);
			pgrp_publish_locked(to);
		}
		old = p->pgrp;
		pgrp_leave_locked(p);
		pgrp_join_locked(p, to);
	}
	spin_unlock_irq(&tasklist_lock, f);
	pgrp_put(old); /* the process's reference */
	pgrp_put(fresh);
	return err;
}

static struct session *session_create(pid_t id)
{
	struct session *s = kzalloc(sizeof(*s));

	if (!s)
		return NULL;
	s->id = id;
	refcount_set(&s->refs, 1);
	list_init(&s->groups);
	return s;
}

pid_t process_setsid(void)
{
	struct process *me = current_process();
	struct session *s = session_create(me->pid), *old_session = NULL;
	struct pgrp *g = s ? pgrp_create(me->pid, s) : NULL, *old_group = NULL;
	pid_t id = -EPERM;
	unsigned long f;

	if (!g) {
		session_put(s);
		return -ENOMEM;
	}
	f = spin_lock_irq(&tasklist_lock);
	if (me->session->leader != me && !pgrp_lookup_locked(me->pid)) {
		old_group = me->pgrp;
		old_session = me->session;
		pgrp_publish_locked(g);
		pgrp_leave_locked(me);
		pgrp_join_locked(me, g);
		refcount_inc(&s->refs);
		rcu_assign(me->session, s);
		s->leader = me;
		id = me->pid;
	}
	spin_unlock_irq(&tasklist_lock, f);

	pgrp_put(old_group);
	session_put(old_session);
	pgrp_put(g);
	session_put(s);
	return id;
}

int pgrp_boot(struct process *init)
{
	struct session *s = session_create(0);
	struct pgrp *g = s ? pgrp_create(0, s) : NULL;
	unsigned long f;

	if (!g) {
		session_put(s);
		return -ENOMEM;
	}
	f = spin_lock_irq(&tasklist_lock);
	pgrp_publish_locked(g);
	pgrp_join_locked(init, g);
	init->session = s; /* our reference becomes the process's */
	spin_unlock_irq(&tasklist_lock, f);
	pgrp_put(g);
	return 0;
}
