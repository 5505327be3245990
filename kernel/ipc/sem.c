/*
 * sem.c - System V semaphores: semget(2), semop(2), semctl(2).
 *
 * A call's operations are done all at once or not at all. Who cannot go on queues himself on the
 * set and sleeps; whoever changes a value tries the queued calls in order, does the operations of
 * those that can go on in their name and wakes them (struct sleeper lies on the sleeper's stack:
 * its state is stored last, under the set's lock, and the sleeper takes that lock before he
 * leaves).
 *
 * SEM_UNDO: what a process's operations have added up to on a set is kept, negated, in a struct
 * adjustment, and applied when the process ends. The adjustments of one process are shared by its
 * threads. Adjustments hang on two lists: the set's and the process's.
 *
 * Locks: set (object.lock) > adjust_lock, which guards the processes' lists. Does not: share
 * adjustments between processes (CLONE_SYSVSEM without CLONE_THREAD).
 */
#include <arch/clock.h>
#include <cred.h>
#include <error.h>
#include <process.h>
#include <sched.h>
#include <slab.h>
#include <string.h>
#include <task.h>
#include "internal.h"

struct semaphore {
	int32_t value;
	pid_t pid; /* who operated last */
};
/* Key: [o] object.lock  [c] constant */
struct sem_set {
	struct ipc_object object;     /* first */
	struct ipc_table *table;      /* [c] */
	unsigned count;               /* [c] */
	int64_t op_time, change_time; /* [o] */
	struct list_head sleepers;    /* [o] */
	struct list_head adjustments; /* [o] adjustment.of_set */
	struct semaphore sem[];       /* [o] */
};
struct adjustment {
	struct list_head of_set;     /* [o] */
	struct list_head of_process; /* [a] */
	struct process *process;     /* [c] */
	struct sem_set *set;         /* [c] has a reference while on the process's list */
	int16_t by[];                /* [o] */
};
enum sleep_state { SLEEPING, DONE, SET_REMOVED };
struct sleeper {
	struct list_head node; /* [o] */
	struct task *task;
	const struct sem_op *ops;
	unsigned nr, blocking; /* the operation that it waits for: [o] */
	struct adjustment *adjustment;
	uint32_t state; /* enum sleep_state: stored with [o] */
	int result;     /* of DONE */
};
static struct spinlock adjust_lock = SPINLOCK_INIT("sem_adjust"); /* [a] leaf */

static struct sem_set *set_of(struct ipc_object *o)
{
	return container_of(o, struct sem_set, object);
}

/* ---- sets ---- */

static int make(struct ipc_table *t, const struct ipc_request *r, struct ipc_object **out)
{
	struct sem_set *s;

	if (!r->size)
		return -EINVAL;
	if (t->total + r->size > SEM_MAX_IN_ALL)
		return -ENOSPC;
	*out = ipc_alloc(&sem_ops, r->size * sizeof(struct semaphore));
	if (!*out)
		return -ENOMEM;
	s = set_of(*out);
	s->table = t;
	s->count = (unsigned)r->size;
	s->change_time = ipc_now();
	list_init(&s->sleepers);
	list_init(&s->adjustments);
	t->total += r->size;
	return 0;
}

static int check(const struct ipc_object *o, const struct ipc_request *r)
{
	return r->size > container_of(o, struct sem_set, object)->count ? -EINVAL : 0;
}

int sem_get(int32_t key, int count, unsigned flags)
{
	struct ipc_request r = {
		.key = key, .flags = flags, .make = make, .check = check, .size = (uint64_t)count};

	if (count < 0 || count > SEM_MAX_PER_SET)
		return -EINVAL;
	return ipc_get(IPC_SEM, &r);
}

/* The sleeper's record may vanish as soon as the set is unlocked. */
static void finish_locked(struct sleeper *s, enum sleep_state state, int result)
{
	list_del(&s->node);
	s->result = result;
	smp_store_release(&s->state, state);
	task_wake(s->task, TASK_INTERRUPTIBLE);
}

/* Nobody owes the set anything any more. What a process has taken off its list it frees itself. */
static void forget_adjustments_locked(struct sem_set *s)
{
	struct adjustment *a, *next;

	list_for_each_entry_safe (a, next, &s->adjustments, of_set) {
		bool mine;

		list_del(&a->of_set);
		spin_lock(&adjust_lock);
		mine = !list_empty(&a->of_process);
		if (mine)
			list_del(&a->of_process);
		spin_unlock(&adjust_lock);
		if (!mine)
			continue;
		kfree(a);
		ipc_put(IPC_SEM, &s->object); /* not the last: the caller has one */
	}
}

static void removed(struct ipc_object *o)
{
	struct sem_set *s = set_of(o);
	struct sleeper *each, *next;

	s->table->total -= s->count;
	list_for_each_entry_safe (each, next, &s->sleepers, node)
		finish_locked(each, SET_REMOVED, 0);
	forget_adjustments_locked(s);
}

static void release(struct ipc_object *o)
{
	(void)o;
}

static int set(struct ipc_object *o, const struct ipc_set *in)
{
	(void)in;
	set_of(o)->change_time = ipc_now();
	return 0;
}

const struct ipc_ops sem_ops = {
	.size = sizeof(struct sem_set), .removed = removed, .release = release, .set = set};

/* ---- operations ---- */

/* Undo the first @n operations of a call that cannot be done in full. */
static void take_back(struct sem_set *s, struct sleeper *c, unsigned n)
{
	while (n-- > 0) {
		const struct sem_op *op = &c->ops[n];

		s->sem[op->num].value -= op->op;
		if (op->flags & SEM_UNDO)
			c->adjustment->by[op->num] = (int16_t)(c->adjustment->by[op->num] + op->op);
	}
}

/* 0 done; -EAGAIN must wait (c->blocking says for what); -ERANGE. */
static int try_locked(struct sem_set *s, struct sleeper *c, pid_t pid)
{
	int err = 0;
	unsigned i;

	for (i = 0; i < c->nr; i++) {
		const struct sem_op *op = &c->ops[i];
		int value = s->sem[op->num].value + op->op;

		if ((!op->op && value) || value < 0)
			err = -EAGAIN;
		else if (value > SEM_MAX_VALUE)
			err = -ERANGE;
		if (!err && op->flags & SEM_UNDO) {
			int by = c->adjustment->by[op->num] - op->op;

			if (by < -SEM_MAX_VALUE - 1 || by > SEM_MAX_VALUE)
				err = -ERANGE;
			else
				c->adjustment->by[op->num] = (int16_t)by;
		}
		if (err)
			break;
		s->sem[op->num].value = value;
	}
	if (err) {
		c->blocking = i;
		take_back(s, c, i);
		return err;
	}
	for (i = 0; i < c->nr; i++)
		s->sem[c->ops[i].num].pid = pid;
	s->op_time = ipc_now();
	return 0;
}

static bool changes_values(const struct sem_op *ops, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		if (ops[i].op)
			return true;
	return false;
}

/* A value changed: let those go on that can. */
static void run_sleepers_locked(struct sem_set *s)
{
	struct sleeper *each, *next;
	bool again;

	do {
		again = false;
		list_for_each_entry_safe (each, next, &s->sleepers, node) {
			int err = try_locked(s, each, each->task->process->pid);

			if (err == -EAGAIN)
				continue;
			again |= !err && changes_values(each->ops, each->nr);
			finish_locked(each, DONE, err);
		}
	} while (again);
}

static struct adjustment *find_adjustment_locked(struct sem_set *s)
{
	struct adjustment *a;

	list_for_each_entry (a, &s->adjustments, of_set)
		if (a->process == current->process)
			return a;
	return NULL;
}

/* The process's adjustments of the set, made if need be. @spare is used up if it is. */
static struct adjustment *adjustment_locked(struct sem_set *s, struct adjustment **spare)
{
	struct adjustment *a = find_adjustment_locked(s);

	if (a || !*spare)
		return a;
	a = *spare;
	*spare = NULL;
	a->process = current->process;
	a->set = s;
	ipc_ref(&s->object);
	list_add_tail(&a->of_set, &s->adjustments);
	spin_lock(&adjust_lock);
	list_add_tail(&a->of_process, &current->process->sem_adjustments);
	spin_unlock(&adjust_lock);
	return a;
}

static int check_ops(const struct sem_set *s, const struct sem_op *ops, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		if (ops[i].num >= s->count)
			return -EFBIG;
	return ipc_permission(&s->object, changes_values(ops, nr) ? 0222 : 0444);
}

/* Sleep until somebody has done it for us. The set is locked, on return too. */
static int sleep_locked(struct sem_set *s, struct sleeper *c, uint64_t deadline_ns)
{
	int err = 0;

	list_add_tail(&c->node, &s->sleepers);
	spin_unlock(&s->object.lock);
	while (!err) {
		__atomic_exchange_n(&current->state, TASK_INTERRUPTIBLE, __ATOMIC_SEQ_CST);
		if (smp_load_acquire(&c->state) != SLEEPING)
			break;
		err = wait_sleep_until(TASK_INTERRUPTIBLE, deadline_ns);
	}
	WRITE_ONCE(current->state, TASK_RUNNING);
	spin_lock(&s->object.lock);
	if (c->state == DONE)
		return c->result;
	if (c->state == SET_REMOVED)
		return -EIDRM;
	list_del(&c->node);
	return err == -ETIME ? -EAGAIN : -EINTR;
}

static int operate_locked(struct sem_set *s, struct sleeper *c, uint64_t deadline_ns)
{
	int err = try_locked(s, c, current->process->pid);

	if (!err && changes_values(c->ops, c->nr))
		run_sleepers_locked(s);
	if (err != -EAGAIN || c->ops[c->blocking].flags & IPC_NOWAIT)
		return err;
	return sleep_locked(s, c, deadline_ns);
}

static bool wants_undo(const struct sem_op *ops, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		if (ops[i].flags & SEM_UNDO)
			return true;
	return false;
}

/* An adjustment for the set, allocated beforehand. 0, -ENOMEM, or that there is no such set. */
static int spare_adjustment(int id, struct adjustment **out)
{
	struct ipc_object *o;
	unsigned count;
	int err = ipc_lock(IPC_SEM, id, &o);

	if (err)
		return err;
	count = find_adjustment_locked(set_of(o)) ? 0 : set_of(o)->count;
	ipc_unlock(IPC_SEM, o);
	if (!count)
		return 0;
	*out = kzalloc(sizeof(**out) + count * sizeof((*out)->by[0]));
	return *out ? 0 : -ENOMEM;
}

int sem_operate(int id, const struct sem_op *ops, unsigned nr, uint64_t deadline_ns)
{
	struct sleeper c = {.task = current, .ops = ops, .nr = nr, .state = SLEEPING};
	struct adjustment *spare = NULL;
	struct ipc_object *o;
	bool undo = wants_undo(ops, nr), again;
	int err;

	do {
		again = false;
		err = undo && !spare ? spare_adjustment(id, &spare) : 0;
		if (!err)
			err = ipc_lock(IPC_SEM, id, &o);
		if (err)
			break;
		err = check_ops(set_of(o), ops, nr);
		if (!err && undo)
			c.adjustment = adjustment_locked(set_of(o), &spare);
		again = !err && undo && !c.adjustment; /* it went between the two looks */
		if (!err && !again)
			err = operate_locked(set_of(o), &c, deadline_ns);
		ipc_unlock(IPC_SEM, o);
	} while (again);
	kfree(spare);
	return err;
}

/* ---- the end of a process ---- */

static void adjust_locked(struct sem_set *s, const struct adjustment *a)
{
	for (unsigned i = 0; i < s->count; i++) {
		int value = s->sem[i].value + a->by[i];

		if (!a->by[i])
			continue;
		s->sem[i].value = value < 0 ? 0 : MIN(value, SEM_MAX_VALUE);
		s->sem[i].pid = current->process->pid;
	}
	s->op_time = ipc_now();
	run_sleepers_locked(s);
}

void sem_exit_process(struct process *p)
{
	struct adjustment *a;

	for (;;) {
		spin_lock(&adjust_lock);
		a = list_empty(&p->sem_adjustments)
			    ? NULL
			    : list_first(&p->sem_adjustments, struct adjustment, of_process);
		if (a)
			list_del(&a->of_process);
		spin_unlock(&adjust_lock);
		if (!a)
			return;
		spin_lock(&a->set->object.lock);
		list_del(&a->of_set);
		if (!a->set->object.removed)
			adjust_locked(a->set, a);
		ipc_unlock(IPC_SEM, &a->set->object); /* with the adjustment's reference */
		kfree(a);
	}
}

/* ---- looking and setting ---- */

static unsigned count_sleepers(const struct sem_set *s, int num, bool for_zero)
{
	const struct sleeper *each;
	unsigned n = 0;

	list_for_each_entry (each, &s->sleepers, node) {
		const struct sem_op *op = &each->ops[each->blocking];

		n += op->num == num && (for_zero ? op->op == 0 : op->op < 0);
	}
	return n;
}

int sem_query(int id, int num, enum sem_query what)
{
	struct ipc_object *o;
	struct sem_set *s;
	int n = ipc_lock(IPC_SEM, id, &o);

	if (n)
		return n;
	s = set_of(o);
	n = ipc_permission(o, 0444);
	if (!n && (num < 0 || (unsigned)num >= s->count))
		n = -EINVAL;
	if (!n && what == SEM_VALUE)
		n = s->sem[num].value;
	else if (!n && what == SEM_PID)
		n = s->sem[num].pid;
	else if (!n)
		n = (int)count_sleepers(s, num, what == SEM_WAITING_ZERO);
	ipc_unlock(IPC_SEM, o);
	return n;
}

/* A value that is set makes what anybody owed it void. */
static void set_value_locked(struct sem_set *s, unsigned num, int value)
{
	struct adjustment *a;

	list_for_each_entry (a, &s->adjustments, of_set)
		a->by[num] = 0;
	s->sem[num].value = value;
	s->sem[num].pid = current->process->pid;
}

int sem_set_value(int id, int num, int value)
{
	struct ipc_object *o;
	struct sem_set *s;
	int err;

	if (value < 0 || value > SEM_MAX_VALUE)
		return -ERANGE;
	err = ipc_lock(IPC_SEM, id, &o);
	if (err)
		return err;
	s = set_of(o);
	err = num < 0 || (unsigned)num >= s->count ? -EINVAL : ipc_permission(o, 0222);
	if (!err) {
		set_value_locked(s, (unsigned)num, value);
		s->change_time = ipc_now();
		run_sleepers_locked(s);
	}
	ipc_unlock(IPC_SEM, o);
	return err;
}

int sem_get_all(int id, uint16_t *values, unsigned n)
{
	struct ipc_object *o;
	struct sem_set *s;
	int err = ipc_lock(IPC_SEM, id, &o);

	if (err)
		return err;
	s = set_of(o);
	err = ipc_permission(o, 0444);
	if (!err && s->count != n)
		err = -EINVAL;
	for (unsigned i = 0; !err && i < n; i++)
		values[i] = (uint16_t)s->sem[i].value;
	ipc_unlock(IPC_SEM, o);
	return err;
}

int sem_set_all(int id, const uint16_t *values, unsigned n)
{
	struct ipc_object *o;
	struct sem_set *s;
	int err;

	for (unsigned i = 0; i < n; i++)
		if (values[i] > SEM_MAX_VALUE)
			return -ERANGE;
	err = ipc_lock(IPC_SEM, id, &o);
	if (err)
		return err;
	s = set_of(o);
	err = ipc_permission(o, 0222);
	if (!err && s->count != n)
		err = -EINVAL;
	if (!err) {
		for (unsigned i = 0; i < n; i++)
			set_value_locked(s, i, values[i]);
		s->change_time = ipc_now();
		run_sleepers_locked(s);
	}
	ipc_unlock(IPC_SEM, o);
	return err;
}

static void fill(const struct sem_set *s, struct sem_stat *out)
{
	*out = (struct sem_stat){
		.perm = s->object.perm,
		.id = s->object.id,
		.count = s->count,
		.op_time = s->op_time,
		.change_time = s->change_time,
	};
}

int sem_status(enum ipc_select how, int which, struct sem_stat *out)
{
	struct ipc_object *o;
	int err = ipc_lock_select(IPC_SEM, how, which, &o);

	if (err)
		return err;
	fill(set_of(o), out);
	ipc_unlock(IPC_SEM, o);
	return 0;
}

int sem_count(int id, unsigned *count)
{
	struct ipc_object *o;
	int err = ipc_lock(IPC_SEM, id, &o);

	if (err)
		return err;
	*count = set_of(o)->count;
	ipc_unlock(IPC_SEM, o);
	return 0;
}

bool sem_next(int *which, struct sem_stat *out)
{
	struct ipc_object *o = ipc_next(IPC_SEM, which);

	if (!o)
		return false;
	fill(set_of(o), out);
	ipc_unlock(IPC_SEM, o);
	return true;
}
