/*
 * ipc.c - the tables of System V IPC objects: identifiers, keys, permissions, removal. Theory of
 * the room is here.
 *
 * Objects. A namespace has a table for each kind. An object is in its table under an index; its
 * identifier is the index and a sequence number, so that an old identifier does not find a new
 * object. Those that are not private have a key by which *get finds them.
 *
 * Lifetimes. refs: one while it is in the table, one for each call at work with it, for shared
 * memory one for each attachment. Removal takes it out of the table, marks it and wakes who waits
 * for it, who then says EIDRM; what it has is given back with the last reference, its memory after
 * a grace period, because lookups by identifier run under RCU.
 *
 * Locks: table (rwsem: creation, removal, lookup by key) > object (spin; state and permissions) >
 * semaphore adjustments. Nothing sleeps with an object locked. Whoever locks one looks at
 * ->removed.
 *
 * Does not: resize limits, have a namespace other than the first.
 */
#include "internal.h"
#include <cred.h>
#include <error.h>
#include <policy.h>
#include <process.h>
#include <slab.h>
#include <string.h>
#include <time.h>

#define REUSE_AFTER 64u

static struct ipc_ns first_ns;
static const unsigned max_objects[] = {
	[IPC_SHM] = SHM_MAX_OBJECTS, [IPC_SEM] = SEM_MAX_SETS, [IPC_MSG] = MSG_MAX_QUEUES};
static const struct ipc_ops *const kinds[] = {
	[IPC_SHM] = &shm_ops, [IPC_SEM] = &sem_ops, [IPC_MSG] = &msg_ops};

struct ipc_ns *current_ipc_ns(void)
{
	return &first_ns;
}

static struct ipc_table *table_of(enum ipc_kind kind)
{
	return &current_ipc_ns()->table[kind];
}

int64_t ipc_now(void)
{
	return time_now_coarse().tv_sec;
}

/* ---- permissions: svipc(7) ---- */

int ipc_permission(const struct ipc_object *o, unsigned bits)
{
	const struct ipc_perm *p = &o->perm;
	const struct cred *c = current->cred;
	unsigned want = (bits | bits >> 3 | bits >> 6) & 7, granted = p->mode;

	if (c->euid == p->cuid || c->euid == p->uid)
		granted >>= 6;
	else if (cred_in_group(c, p->cgid) || cred_in_group(c, p->gid))
		granted >>= 3;
	if (want & ~granted & 7 && !capable(CAP_IPC_OWNER))
		return -EACCES;
	return policy_ipc(c, p->key, (want & 2) != 0);
}

int ipc_owner_permission(const struct ipc_object *o)
{
	uid_t me = current->cred->euid;

	return me == o->perm.cuid || me == o->perm.uid || capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

/* ---- making and finding ---- */

struct ipc_object *ipc_alloc(const struct ipc_ops *ops, size_t extra)
{
	struct ipc_object *o = kzalloc(ops->size + extra);

	if (!o)
		return NULL;
	refcount_set(&o->refs, 1);
	spin_init(&o->lock);
	return o;
}

static struct hlist_head *bucket(struct ipc_table *t, int32_t key)
{
	return &t->by_key[(uint32_t)key % KEY_BUCKETS];
}

static struct ipc_object *find_key_locked(struct ipc_table *t, int32_t key)
{
	struct ipc_object *o;

	hlist_for_each_entry (o, bucket(t, key), by_key)
		if (o->perm.key == key)
			return o;
	return NULL;
}

/*
 * The next free index behind the last one given out, among half as many again as are in use or
 * REUSE_AFTER: an identifier is used again late, and the table stays small.
 */
static int free_index_locked(struct ipc_table *t)
{
	int span = (int)MIN(MAX(t->used + t->used / 2, REUSE_AFTER), ID_MAX_INDEX + 1u);
	int i = t->last_index;

	if (t->used >= t->max)
		return -ENOSPC;
	do {
		i = i >= span - 1 ? 0 : i + 1;
		if (i == 0)
			t->seq = (t->seq + 1) & (INT32_MAX >> ID_INDEX_BITS);
	} while (xa_load(&t->objects, (uint64_t)i));
	return i;
}

static int publish_locked(struct ipc_table *t, struct ipc_object *o, const struct ipc_request *r)
{
	const struct cred *c = current->cred;
	int index = free_index_locked(t), err;

	if (index < 0)
		return index;
	o->perm = (struct ipc_perm){
		.key = r->key,
		.uid = c->euid,
		.cuid = c->euid,
		.gid = c->egid,
		.cgid = c->egid,
		.mode = r->flags & 0777,
		.seq = t->seq,
	};
	o->id = (int)(t->seq << ID_INDEX_BITS) | index;
	err = xa_store(&t->objects, (uint64_t)index, o);
	if (err)
		return err;
	if (r->key != IPC_PRIVATE)
		hlist_add(&o->by_key, bucket(t, r->key));
	t->used++;
	t->last_index = index;
	return o->id;
}

static int make_locked(enum ipc_kind kind, struct ipc_table *t, const struct ipc_request *r)
{
	struct ipc_object *o;
	int id = r->make(t, r, &o);

	if (id)
		return id;
	id = publish_locked(t, o, r);
	if (id < 0) {
		spin_lock(&o->lock);
		t->ops->removed(o);
		spin_unlock(&o->lock);
		ipc_put(kind, o);
	}
	return id;
}

static int use_locked(struct ipc_object *o, const struct ipc_request *r)
{
	int err;

	if ((r->flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
		return -EEXIST;
	spin_lock(&o->lock);
	err = r->check ? r->check(o, r) : 0;
	if (!err)
		err = ipc_permission(o, r->flags);
	spin_unlock(&o->lock);
	return err ? err : o->id;
}

int ipc_get(enum ipc_kind kind, const struct ipc_request *r)
{
	struct ipc_table *t = table_of(kind);
	struct ipc_object *o = NULL;
	int id;

	rwsem_write_lock(&t->lock);
	if (r->key != IPC_PRIVATE)
		o = find_key_locked(t, r->key);
	if (o)
		id = use_locked(o, r);
	else if (r->key != IPC_PRIVATE && !(r->flags & IPC_CREAT))
		id = -ENOENT;
	else
		id = make_locked(kind, t, r);
	rwsem_write_unlock(&t->lock);
	return id;
}

void ipc_ref(struct ipc_object *o)
{
	refcount_inc(&o->refs);
}

static void free_object(struct rcu_head *h)
{
	kfree(container_of(h, struct ipc_object, rcu));
}

void ipc_put(enum ipc_kind kind, struct ipc_object *o)
{
	if (!refcount_dec(&o->refs))
		return;
	kinds[kind]->release(o);
	rcu_call(&o->rcu, free_object);
}

void ipc_unlock(enum ipc_kind kind, struct ipc_object *o)
{
	spin_unlock(&o->lock);
	ipc_put(kind, o);
}

/* Referenced, or NULL. @id is compared only if it is not an index. */
static struct ipc_object *look_up(struct ipc_table *t, int which, bool is_index)
{
	struct ipc_object *o;

	rcu_read_lock();
	o = xa_load(&t->objects, (uint64_t)(which & ID_MAX_INDEX));
	if (o && ((!is_index && o->id != which) || !refcount_inc_not_zero(&o->refs)))
		o = NULL;
	rcu_read_unlock();
	return o;
}

int ipc_lock_select(enum ipc_kind kind, enum ipc_select how, int which, struct ipc_object **out)
{
	struct ipc_object *o;
	int err = 0;

	if (which < 0 || (how != IPC_BY_ID && which > ID_MAX_INDEX))
		return -EINVAL;
	o = look_up(table_of(kind), which, how != IPC_BY_ID);
	if (!o)
		return -EINVAL;
	spin_lock(&o->lock);
	if (o->removed)
		err = -EIDRM;
	else if (how != IPC_BY_INDEX_UNCHECKED)
		err = ipc_permission(o, 0444);
	if (err) {
		ipc_unlock(kind, o);
		return err;
	}
	*out = o;
	return 0;
}

int ipc_lock(enum ipc_kind kind, int id, struct ipc_object **out)
{
	struct ipc_object *o = id < 0 ? NULL : look_up(table_of(kind), id, false);

	if (!o)
		return -EINVAL;
	spin_lock(&o->lock);
	if (o->removed) {
		ipc_unlock(kind, o);
		return -EIDRM;
	}
	*out = o;
	return 0;
}

struct ipc_object *ipc_next(enum ipc_kind kind, int *which)
{
	struct ipc_table *t = table_of(kind);
	uint64_t index = (uint64_t)*which;
	struct ipc_object *o;

	do {
		rcu_read_lock();
		o = xa_find(&t->objects, &index, ID_MAX_INDEX);
		if (o && !refcount_inc_not_zero(&o->refs)) {
			rcu_read_unlock();
			index++;
			continue;
		}
		rcu_read_unlock();
		break;
	} while (index <= ID_MAX_INDEX);
	if (!o)
		return NULL;
	*which = (int)index;
	spin_lock(&o->lock);
	return o;
}

/* ---- the end of an object ---- */

static void lose_key_locked(struct ipc_object *o)
{
	if (o->perm.key != IPC_PRIVATE)
		hlist_del(&o->by_key);
	o->perm.key = IPC_PRIVATE;
}

void ipc_unlink_locked(struct ipc_table *t, struct ipc_object *o)
{
	o->removed = true;
	lose_key_locked(o);
	xa_erase(&t->objects, (uint64_t)(o->id & ID_MAX_INDEX));
	t->used--;
	t->ops->removed(o);
}

int ipc_remove(enum ipc_kind kind, int id)
{
	struct ipc_table *t = table_of(kind);
	struct ipc_object *o;
	bool gone = false;
	int err;

	rwsem_write_lock(&t->lock);
	err = ipc_lock(kind, id, &o);
	if (!err) {
		err = ipc_owner_permission(o);
		if (!err && t->ops->stays && t->ops->stays(o)) {
			lose_key_locked(o);
		} else if (!err) {
			ipc_unlink_locked(t, o);
			gone = true;
		}
		ipc_unlock(kind, o);
	}
	rwsem_write_unlock(&t->lock);
	if (gone)
		ipc_put(kind, o); /* the table's */
	return err;
}

int ipc_set(enum ipc_kind kind, int id, const struct ipc_set *s)
{
	struct ipc_object *o;
	int err = ipc_lock(kind, id, &o);

	if (err)
		return err;
	err = ipc_owner_permission(o);
	if (!err)
		err = kinds[kind]->set(o, s);
	if (!err) {
		o->perm.uid = s->uid;
		o->perm.gid = s->gid;
		o->perm.mode = (o->perm.mode & ~0777u) | (s->mode & 0777);
	}
	ipc_unlock(kind, o);
	return err;
}

void ipc_usage(enum ipc_kind kind, struct ipc_usage *out)
{
	struct ipc_table *t = table_of(kind);
	uint64_t index = 0;
	void *o;

	*out = (struct ipc_usage){.last_index = -1};
	rwsem_read_lock(&t->lock);
	out->objects = t->used;
	rcu_read_lock();
	for (; (o = xa_find(&t->objects, &index, ID_MAX_INDEX)) != NULL; index++)
		out->last_index = (int)index;
	rcu_read_unlock();
	if (kind == IPC_SHM)
		out->pages = t->total;
	else if (kind == IPC_SEM)
		out->semaphores = t->total;
	rwsem_read_unlock(&t->lock);
}

void ipc_exit_process(struct process *p)
{
	sem_exit_process(p);
}

void ipc_init(void)
{
	refcount_set(&first_ns.refs, 1);
	for (unsigned k = 0; k < IPC_KINDS; k++) {
		struct ipc_table *t = &first_ns.table[k];

		rwsem_init(&t->lock);
		xa_init(&t->objects);
		t->max = max_objects[k];
		t->last_index = -1;
		t->ops = kinds[k];
	}
}
