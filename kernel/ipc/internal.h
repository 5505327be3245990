/*
 * internal.h - what the files of System V IPC share. Theory: ipc.c.
 */
#pragma once
#include <atomic.h>
#include <ipc.h>
#include <list.h>
#include <mutex.h>
#include <rcu.h>
#include <xarray.h>

#define ID_INDEX_BITS 15
#define ID_MAX_INDEX  ((1 << ID_INDEX_BITS) - 1)
#define KEY_BUCKETS   64u

/* Key: [c] constant  [o] ->lock  [i] the table's lock */
struct ipc_object {
	refcount_t refs; /* the table's, and passing users */
	struct spinlock lock;
	struct ipc_perm perm;     /* [o] but for key, seq and creator: [c]; the key is [i] */
	int id;                   /* [c] */
	bool removed;             /* [o] */
	struct hlist_node by_key; /* [i] */
	struct rcu_head rcu;
};
struct ipc_ops {
	size_t size; /* of the whole object; struct ipc_object is first */
	/* ->lock and the table's are held: uncount it, wake whoever waits for it. */
	void (*removed)(struct ipc_object *o);
	void (*release)(struct ipc_object *o); /* nobody has it any more; may sleep */
	int (*set)(struct ipc_object *o, const struct ipc_set *s); /* ->lock held */
	/* May be NULL. ->lock held: removal was asked for; true: it goes later, by itself. */
	bool (*stays)(struct ipc_object *o);
};
struct ipc_table {
	struct rwsem lock;
	struct xarray objects;                 /* [i] by index; readers RCU */
	struct hlist_head by_key[KEY_BUCKETS]; /* [i] */
	unsigned used, max;                    /* [i] max: [c] */
	int last_index;                        /* [i] given out last */
	uint32_t seq;                          /* [i] of the next object */
	uint64_t total;                        /* [i] pages, semaphores */
	const struct ipc_ops *ops;             /* [c] */
};
struct ipc_ns {
	refcount_t refs;
	struct ipc_table table[IPC_KINDS];
};
struct ipc_ns *current_ipc_ns(void);

/* What a *get call makes or finds. */
struct ipc_request {
	int32_t key;
	unsigned flags; /* IPC_CREAT, IPC_EXCL, permission bits */
	/* A new object, unlocked, refs 1: 0 or -errno. The table's lock is held for writing. */
	int (*make)(struct ipc_table *t, const struct ipc_request *r, struct ipc_object **out);
	/* Is the one that is there what is asked for? */
	int (*check)(const struct ipc_object *o, const struct ipc_request *r);
	uint64_t size;
};
int __must_check ipc_get(enum ipc_kind kind, const struct ipc_request *r); /* the id or -errno */
/* Zeroed, with @extra bytes behind it; NULL: no memory. */
struct ipc_object *ipc_alloc(const struct ipc_ops *ops, size_t extra) __must_check;
/* By id, referenced and locked: 0; -EINVAL no such one, -EIDRM just removed. Ends with
 * ipc_unlock(). */
int __must_check ipc_lock(enum ipc_kind kind, int id, struct ipc_object **out);
/* The same for a *ctl status command; IPC_BY_INDEX takes an index. */
int __must_check ipc_lock_select(
	enum ipc_kind kind, enum ipc_select how, int which, struct ipc_object **out);
void ipc_unlock(enum ipc_kind kind, struct ipc_object *o);
void ipc_ref(struct ipc_object *o);
void ipc_put(enum ipc_kind kind, struct ipc_object *o); /* may sleep */
/* May the caller do with it what the bits (0444, 0222, 0111) say? 0, -EACCES. */
int __must_check ipc_permission(const struct ipc_object *o, unsigned bits);
/* IPC_SET, IPC_RMID: 0, -EPERM. */
int __must_check ipc_owner_permission(const struct ipc_object *o);
/* Out of the table, the reference of which is the caller's now; the table's lock and ->lock are
 * held. */
void ipc_unlink_locked(struct ipc_table *t, struct ipc_object *o);
/* The next object at or after index *which, referenced and locked. */
struct ipc_object *ipc_next(enum ipc_kind kind, int *which);
int64_t ipc_now(void); /* seconds since 1970 */

extern const struct ipc_ops shm_ops, sem_ops, msg_ops;
void sem_exit_process(struct process *p);
