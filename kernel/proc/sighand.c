/*
 * sighand.c - signal actions that several processes share: clone(2) with CLONE_SIGHAND and without
 * CLONE_THREAD.
 *
 * A process's actions are in the process itself (own_action), guarded by its sig_lock, and
 * process->action points there. The first clone that shares them moves them into a struct sighand;
 * from then on whoever changes or copies an action holds that one's lock as well, below sig_lock.
 * A handler's address alone is read whole without it. execve(2) gives a process its own again.
 */
#include <debug.h>
#include <error.h>
#include <slab.h>
#include <string.h>
#include "proc.h"

struct sighand {
	refcount_t refs;      /* one for each process */
	struct spinlock lock; /* leaf; interrupts are off: it is taken below a sig_lock */
	struct sigaction action[NSIG];
};

void actions_lock_locked(struct process *p)
{
	ASSERT_LOCKED(&p->sig_lock);
	if (unlikely(p->sighand))
		spin_lock(&p->sighand->lock);
}

void actions_unlock_locked(struct process *p)
{
	if (unlikely(p->sighand))
		spin_unlock(&p->sighand->lock);
}

int actions_share(struct process *from, struct process *p)
{
	struct sighand *s = kmalloc(sizeof(*s), GFP_KERNEL), *spare = s;
	unsigned long f;

	if (!s)
		return -ENOMEM;
	refcount_set(&s->refs, 1);
	spin_init(&s->lock);
	f = spin_lock_irq(&from->sig_lock);
	if (!from->sighand) {
		memcpy(s->action, from->own_action, sizeof(s->action));
		from->sighand = s;
		from->action = s->action;
		spare = NULL;
	}
	s = from->sighand;
	refcount_inc(&s->refs);
	spin_unlock_irq(&from->sig_lock, f);
	p->sighand = s;
	p->action = s->action;
	kfree(spare);
	return 0;
}

void actions_copy_locked(struct process *from, struct process *p)
{
	actions_lock_locked(from);
	memcpy(p->own_action, from->action, sizeof(p->own_action));
	actions_unlock_locked(from);
}

void actions_unshare(struct process *p)
{
	struct sighand *s = p->sighand;
	unsigned long f;

	if (likely(!s))
		return;
	f = spin_lock_irq(&p->sig_lock);
	actions_lock_locked(p);
	memcpy(p->own_action, s->action, sizeof(p->own_action));
	actions_unlock_locked(p);
	p->action = p->own_action;
	p->sighand = NULL;
	spin_unlock_irq(&p->sig_lock, f);
	actions_put(s);
}

void actions_put(struct sighand *s)
{
	if (s && refcount_dec(&s->refs))
		kfree(s);
}

bool process_shares_actions(const struct process *p)
{
	return p->sighand && refcount_read(&p->sighand->refs) > 1;
}
