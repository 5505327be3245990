/*
 * msg.c - System V message queues: msgget(2), msgsnd(2), msgrcv(2), msgctl(2).
 *
 * A queue keeps its messages in the order of sending; a receiver takes the first that it wants.
 * Senders wait while the queue is full, receivers while nothing for them is there; each change
 * wakes those it may concern, who look again.
 */
#include <cred.h>
#include <error.h>
#include <process.h>
#include <slab.h>
#include <task.h>
#include "internal.h"

/* Key: [o] object.lock  [c] constant */
struct queue {
	struct ipc_object object;                     /* first */
	struct ipc_table *table;                      /* [c] */
	struct list_head messages;                    /* [o] */
	uint64_t bytes, count, max_bytes;             /* [o] */
	int64_t send_time, receive_time, change_time; /* [o] */
	pid_t last_sender, last_receiver;             /* [o] */
	uint32_t changes;                             /* [o] read without it by those who wait */
	struct wait_queue senders, receivers;
};

static struct queue *queue_of(struct ipc_object *o)
{
	return container_of(o, struct queue, object);
}

struct message *message_alloc(size_t size)
{
	struct message *m = kmalloc(sizeof(*m) + size, GFP_KERNEL);

	if (m)
		m->size = size;
	return m;
}

void message_free(struct message *m)
{
	kfree(m);
}

static int make(struct ipc_table *t, const struct ipc_request *r, struct ipc_object **out)
{
	struct queue *q;

	(void)r;
	*out = ipc_alloc(&msg_ops, 0);
	if (!*out)
		return -ENOMEM;
	q = queue_of(*out);
	q->table = t;
	q->max_bytes = MSG_MAX_QUEUED;
	q->change_time = ipc_now();
	list_init(&q->messages);
	wait_queue_init(&q->senders);
	wait_queue_init(&q->receivers);
	return 0;
}

int msg_get(int32_t key, unsigned flags)
{
	struct ipc_request r = {.key = key, .flags = flags, .make = make};

	return ipc_get(IPC_MSG, &r);
}

/* Those who wait look again. */
static void changed_locked(struct queue *q)
{
	WRITE_ONCE(q->changes, q->changes + 1);
	wake_up_all(&q->senders);
	wake_up_all(&q->receivers);
}

static void removed(struct ipc_object *o)
{
	changed_locked(queue_of(o));
}

static void release(struct ipc_object *o)
{
	struct queue *q = queue_of(o);

	while (!list_empty(&q->messages)) {
		struct message *m = list_first(&q->messages, struct message, node);

		list_del(&m->node);
		message_free(m);
	}
}

static int set(struct ipc_object *o, const struct ipc_set *s)
{
	struct queue *q = queue_of(o);

	if (s->queue_bytes > MSG_MAX_QUEUED && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	q->max_bytes = s->queue_bytes;
	q->change_time = ipc_now();
	changed_locked(q);
	return 0;
}

const struct ipc_ops msg_ops = {
	.size = sizeof(struct queue), .removed = removed, .release = release, .set = set};

/* ---- sending ---- */

static int put_locked(struct queue *q, struct message *m)
{
	int err = ipc_permission(&q->object, 0222);

	if (err)
		return err;
	if (q->bytes + m->size > q->max_bytes || q->count + 1 > q->max_bytes)
		return -EAGAIN;
	list_add_tail(&m->node, &q->messages);
	q->bytes += m->size;
	q->count++;
	q->last_sender = current->process->pid;
	q->send_time = ipc_now();
	changed_locked(q);
	return 0;
}

/* The queue is locked; unlocked on return, with a reference still held. Waits until it changed. */
static int wait_for_change(struct queue *q, struct wait_queue *wq)
{
	uint32_t before = q->changes;

	spin_unlock(&q->object.lock);
	return wait_event_interruptible(wq, READ_ONCE(q->changes) != before) ? -ERESTARTNOHAND : 0;
}

int msg_send(int id, struct message *m, unsigned flags)
{
	struct ipc_object *o;
	int err = ipc_lock(IPC_MSG, id, &o);

	if (err)
		return err;
	while ((err = o->removed ? -EIDRM : put_locked(queue_of(o), m)) == -EAGAIN &&
		!(flags & IPC_NOWAIT)) {
		err = wait_for_change(queue_of(o), &queue_of(o)->senders);
		spin_lock(&o->lock);
		if (err)
			break;
	}
	ipc_unlock(IPC_MSG, o);
	return err;
}

/* ---- receiving: msgrcv(2) ---- */

static struct message *find_locked(struct queue *q, int64_t type, unsigned flags)
{
	struct message *m, *best = NULL;
	int64_t nth = 0;

	list_for_each_entry (m, &q->messages, node) {
		if (flags & MSG_COPY) {
			if (nth++ == type)
				return m;
		} else if (type == 0 || (type > 0 && (m->type == type) == !(flags & MSG_EXCEPT))) {
			return m;
		} else if (type < 0 && m->type <= (type == INT64_MIN ? INT64_MAX : -type) &&
			   (!best || m->type < best->type)) {
			best = m;
		}
	}
	return best;
}

/* A copy of @m into @copy, which has room for @size bytes. */
static void copy_message(struct message *copy, const struct message *m, size_t size)
{
	copy->type = m->type;
	copy->size = MIN(m->size, size);
	__builtin_memcpy(copy->text, m->text, copy->size);
}

/* @copy: room for a copy (MSG_COPY), or NULL to take it. */
static int take_locked(struct queue *q, int64_t type, size_t size, unsigned flags,
	struct message *copy, struct message **out)
{
	int err = ipc_permission(&q->object, 0444);
	struct message *m;

	if (err)
		return err;
	m = find_locked(q, type, flags);
	if (!m)
		return -ENOMSG;
	if (m->size > size && !(flags & MSG_NOERROR))
		return -E2BIG;
	if (copy) {
		copy_message(copy, m, size);
		*out = copy;
		return 0;
	}
	list_del(&m->node);
	q->bytes -= m->size;
	q->count--;
	q->last_receiver = current->process->pid;
	q->receive_time = ipc_now();
	changed_locked(q);
	m->size = MIN(m->size, size);
	*out = m;
	return 0;
}

int msg_receive(int id, int64_t type, size_t size, unsigned flags, struct message **out)
{
	struct message *copy = NULL;
	struct ipc_object *o;
	int err;

	if (flags & MSG_COPY) {
		if (flags & MSG_EXCEPT || !(flags & IPC_NOWAIT))
			return -EINVAL;
		copy = message_alloc(MIN(size, (size_t)MSG_MAX_BYTES));
		if (!copy)
			return -ENOMEM;
	}
	err = ipc_lock(IPC_MSG, id, &o);
	if (!err) {
		struct queue *q = queue_of(o);

		while ((err = o->removed ? -EIDRM : take_locked(q, type, size, flags, copy, out)) ==
				-ENOMSG &&
			!(flags & IPC_NOWAIT)) {
			err = wait_for_change(q, &q->receivers);
			spin_lock(&o->lock);
			if (err)
				break;
		}
		ipc_unlock(IPC_MSG, o);
	}
	if (err && copy)
		message_free(copy);
	return err;
}

/* ---- looking ---- */

static void fill(const struct queue *q, struct msg_stat *out)
{
	*out = (struct msg_stat){
		.perm = q->object.perm,
		.id = q->object.id,
		.bytes = q->bytes,
		.messages = q->count,
		.max_bytes = q->max_bytes,
		.send_time = q->send_time,
		.receive_time = q->receive_time,
		.change_time = q->change_time,
		.last_sender = q->last_sender,
		.last_receiver = q->last_receiver,
	};
}

int msg_status(enum ipc_select how, int which, struct msg_stat *out)
{
	struct ipc_object *o;
	int err = ipc_lock_select(IPC_MSG, how, which, &o);

	if (err)
		return err;
	fill(queue_of(o), out);
	ipc_unlock(IPC_MSG, o);
	return 0;
}

bool msg_next(int *which, struct msg_stat *out)
{
	struct ipc_object *o = ipc_next(IPC_MSG, which);

	if (!o)
		return false;
	fill(queue_of(o), out);
	ipc_unlock(IPC_MSG, o);
	return true;
}
