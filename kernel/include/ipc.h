/*
 * ipc.h - System V IPC: shared memory segments, semaphore sets, message queues. svipc(7).
 *
 * Objects of one kind have identifiers and, if they are not private, keys, in a namespace. All
 * functions act in the current process's namespace and check its permissions; thread context, no
 * lock held. Commands and layouts of the *ctl calls are compat's. Theory: ipc/ipc.c.
 */
#pragma once
#include <compiler.h>
#include <wait.h>

struct process;
#define IPC_PRIVATE 0
enum ipc_flags { /* beside permission bits, as the calls have them */
	IPC_CREAT = 01000,
	IPC_EXCL = 02000,
	IPC_NOWAIT = 04000
};
enum ipc_kind { IPC_SHM, IPC_SEM, IPC_MSG, IPC_KINDS };
/* Mode bits of a segment that say more: it goes with its last attachment; it may not be swapped. */
enum { SHM_DEST = 01000, SHM_LOCKED = 02000 };

struct ipc_perm {
	int32_t key;
	uid_t uid, cuid; /* owner, creator */
	gid_t gid, cgid;
	mode_t mode;
	uint32_t seq;
};
/* How much there is of a kind: objects, the highest index in use (-1: none). */
struct ipc_usage {
	unsigned objects;
	int last_index;
	uint64_t pages, resident; /* shared memory */
	uint64_t semaphores;
	uint64_t messages, bytes;
};
void ipc_usage(enum ipc_kind kind, struct ipc_usage *out);

enum ipc_select {
	IPC_BY_ID,
	IPC_BY_INDEX,
	IPC_BY_INDEX_UNCHECKED
}; /* which, and is reading checked */

/* IPC_RMID of @id. -EINVAL (no such), -EPERM, -EIDRM. */
int __must_check ipc_remove(enum ipc_kind kind, int id);
struct ipc_set {
	uid_t uid;
	gid_t gid;
	mode_t mode;
	uint64_t queue_bytes; /* message queues */
};
/* IPC_SET: -EINVAL, -EPERM, -EIDRM. */
int __must_check ipc_set(enum ipc_kind kind, int id, const struct ipc_set *s);
/* A process ends, or leaves its semaphore adjustments: they are done. */
void ipc_exit_process(struct process *p);
void ipc_init(void); /* boot */

/* ---- shared memory ---- */
#define SHM_MAX_BYTES   (UINT64_MAX - (1ull << 24))
#define SHM_MAX_PAGES   (UINT64_MAX - (1ull << 24)) /* of all segments */
#define SHM_MAX_OBJECTS 4096
struct shm_stat {
	struct ipc_perm perm;
	int id;
	uint64_t bytes, attachments, resident_pages;
	int64_t attach_time, detach_time, change_time; /* seconds since 1970 */
	pid_t creator, last;
};
/* The identifier, or shmget(2)'s errors. */
int __must_check shm_get(int32_t key, uint64_t bytes, unsigned flags);
/* shmat(2): 0 and the address. @prot: VM_READ and so on. @fixed: at @addr, over what is there with
 * @replace. */
struct shm_attach {
	int id;
	vaddr_t addr;
	uint32_t prot;
	bool fixed, replace, low;
};
int __must_check shm_attach(const struct shm_attach *a, vaddr_t *out);
int __must_check shm_detach(vaddr_t addr); /* -EINVAL: no segment begins there */
int __must_check shm_status(enum ipc_select how, int which, struct shm_stat *out);
int __must_check shm_lock(int id, bool lock);
/* The next segment at or after index *which, without a permission check; false: none. For /proc. */
bool shm_next(int *which, struct shm_stat *out);

/* ---- semaphores ---- */
#define SEM_MAX_SETS    32000
#define SEM_MAX_PER_SET 32000
#define SEM_MAX_IN_ALL  1024000000
#define SEM_MAX_OPS     500
#define SEM_MAX_VALUE   32767
enum { SEM_UNDO = 0x1000 };
struct sem_op { /* as semop(2) takes them */
	uint16_t num;
	int16_t op;
	int16_t flags; /* IPC_NOWAIT, SEM_UNDO */
};
struct sem_stat {
	struct ipc_perm perm;
	int id;
	unsigned count;
	int64_t op_time, change_time;
};
int __must_check sem_get(int32_t key, int count, unsigned flags);
/* semtimedop(2); @deadline_ns on clock_ns()'s scale. */
int __must_check sem_operate(int id, const struct sem_op *ops, unsigned nr, uint64_t deadline_ns);
int __must_check sem_status(enum ipc_select how, int which, struct sem_stat *out);
enum sem_query { SEM_VALUE, SEM_PID, SEM_WAITING_MORE, SEM_WAITING_ZERO };
int sem_query(int id, int num, enum sem_query what); /* the number, or -errno */
int __must_check sem_set_value(int id, int num, int value);
/* All values of the set: @n is how many the caller has room for or gives; -EINVAL if it has more
 * (sem_status() tells). */
int __must_check sem_get_all(int id, uint16_t *values, unsigned n);
int __must_check sem_set_all(int id, const uint16_t *values, unsigned n);
int __must_check sem_count(int id, unsigned *count); /* without a permission check */
bool sem_next(int *which, struct sem_stat *out);

/* ---- messages ---- */
#define MSG_MAX_BYTES  8192  /* of a message */
#define MSG_MAX_QUEUED 16384 /* bytes of a queue, unless raised */
#define MSG_MAX_QUEUES 32000
enum { MSG_NOERROR = 010000, MSG_EXCEPT = 020000, MSG_COPY = 040000 };
struct msg_stat {
	struct ipc_perm perm;
	int id;
	uint64_t bytes, messages, max_bytes;
	int64_t send_time, receive_time, change_time;
	pid_t last_sender, last_receiver;
};
struct message { /* one allocation with its text behind it */
	struct list_head node;
	int64_t type;
	size_t size;
	char text[];
};
struct message *message_alloc(size_t size) __must_check;
void message_free(struct message *m);
int __must_check msg_get(int32_t key, unsigned flags);
int __must_check msg_send(int id, struct message *m, unsigned flags); /* takes @m on success */
/* msgrcv(2): a message of @type, at most @size bytes; it is the caller's to free. */
int __must_check msg_receive(
	int id, int64_t type, size_t size, unsigned flags, struct message **out);
int __must_check msg_status(enum ipc_select how, int which, struct msg_stat *out);
bool msg_next(int *which, struct msg_stat *out);
