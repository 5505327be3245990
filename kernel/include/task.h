/*
 * task.h - struct task: what the scheduler runs; one per thread of a program and per kernel thread.
 *
 * Rooms above core hang their parts here as pointers to structures core does not know. A program's
 * threads share a struct process (proc/). Lifetime: reference-counted by task_get()/task_put(),
 * freed after an RCU grace period.
 */
#pragma once
#include <arch/task.h>
#include <arch/percpu.h>
#include <atomic.h>
#include <cpumask.h>
#include <list.h>
#include <rbtree.h>
#include <rcu.h>
#include <spinlock.h>

enum task_state { /* bits, so that a waker can name several */
	TASK_RUNNING = 0,
	TASK_INTERRUPTIBLE = 1,
	TASK_UNINTERRUPTIBLE = 2,
	TASK_KILLABLE = 4, /* only fatal signals */
	TASK_STOPPED = 8,
	TASK_TRACED = 16,
	TASK_DEAD = 32,
	TASK_NEW = 64,
};
enum task_work_bits { /* task->work: reasons not to return straight to user mode */
	TASK_WORK_RESCHED = 1,
	TASK_WORK_SIGNAL = 2,   /* a deliverable signal may be pending */
	TASK_WORK_NOTIFY = 4,   /* proc's other reasons: stop, exit, tracing */
	TASK_WORK_SWITCHED = 8, /* ->tell_switch is set, and it has been off its CPU */
};
enum sched_policy {
	SCHED_OTHER = 0,
	SCHED_FIFO = 1,
	SCHED_RR = 2,
	SCHED_BATCH = 3,
	SCHED_IDLE = 5
};

/* Scheduling state. Key: [q] run queue lock of task->cpu  */
struct sched_entity {
	struct rb_node node;      /* [q] in the fair tree by deadline */
	struct list_head rt_node; /* [q] in the realtime queue */
	int64_t vruntime, deadline,
		min_vruntime;             /* [q] virtual ns; min_vruntime is the tree augment */
	uint64_t exec_start_ns, slice_ns; /* [q] */
	uint64_t sum_exec_ns, user_ns, system_ns; /* [q] */
	uint32_t weight;                          /* [q] from nice */
	int8_t nice;
	uint8_t policy;
	uint8_t rt_priority; /* the greater of the two below; 0: the fair class */
	uint8_t own_rt_priority, lent_rt_priority;
	bool on_queue; /* [q] */
	bool reset_on_fork;
	bool last_user; /* [q] user mode when last seen by a tick: where its time is charged */
	bool counted_waiting;    /* [q] in the run queue's nr_uninterruptible */
	int16_t io_cpu;          /* [q] while off the queue: in this CPU's nr_iowait; -1: in none */
	uint32_t inverse_weight; /* [q] 2^32 / weight */
	int64_t lag;             /* [q] while off the queue: virtual time that it is owed */
};

struct mm;
struct mmu;
struct files;
struct fs_context;
struct cred;
struct process;
struct uthread;
struct restart_block {
	long (*fn)(struct restart_block *);
	uint64_t arg[4];
};

/*
 * Key: [c] constant after creation  [q] run queue lock  [s] only the task itself  [a] atomic
 */
struct task {
	struct arch_task arch; /* first: the assembly knows its offsets */
	uint32_t work;         /* [a] task_work_bits */
	uint32_t state;        /* [a] task_state */
	refcount_t refs;
	uint32_t cpu;     /* [q] where it runs or last ran */
	bool on_cpu;      /* [a] its stack is in use by a CPU */
	bool is_kernel;   /* [c] */
	bool tell_switch; /* [s] TASK_WORK_SWITCHED is wanted */
	struct sched_entity se;
	struct cpumask affinity;                           /* [q] */
	uint64_t voluntary_switches, involuntary_switches; /* [s] */
	uint64_t start_ns;                                 /* [c] */
	uint64_t minor_faults, major_faults;               /* [s] */
	char name[16];                /* comm; written by the task, read racily */
	pid_t tid;                    /* [c] 0: kernel thread without one */
	struct restart_block restart; /* [s] */
	struct rcu_head rcu;

	/* of higher rooms; each says its own rules */
	struct mm *mm;           /* mm: NULL for kernel threads */
	struct mmu *mmu;         /* arch: &mm->mmu, or NULL */
	struct files *files;     /* vfs: descriptors */
	struct fs_context *fs;   /* vfs: root, cwd, umask */
	const struct cred *cred; /* policy: [s], readers elsewhere use RCU */
	struct process *process; /* proc: [c] NULL for kernel threads */
	struct uthread *uthread; /* proc: signals and the like of this thread; [c] */
	void *io_plug;           /* block: requests held back */
	bool waits_for_io;       /* [s] if it sleeps now, it is for a device: io_wait_begin() */
	uint32_t in_fault;       /* [s] > 0: a fault on user memory fails at once instead of being
				    resolved (nofault copies) */
	bool in_reclaim; /* mm: [s] frees memory: may use the reserve, does not reclaim again */
#if CONFIG_DEBUG
	struct {
		const void *lock;
		uint16_t cls;
		bool sleeping;
	} held[16];
	uint32_t nr_held, rcu_depth;
	struct list_head watch_node; /* watchdog.c */
	uint64_t watch_switches;
	uint32_t watch_walks;
#endif
};

DECLARE_PER_CPU(struct task *, current_task_);
#define current this_cpu(current_task_)

static inline struct task *task_get(struct task *t)
{
	refcount_inc(&t->refs);
	return t;
}
void task_put(struct task *t);
/* The credential every kernel thread gets in task->cred (never freed). policy defines it. */
extern const struct cred *task_kernel_cred;
static inline void task_set_work(struct task *t, uint32_t bits)
{
	__atomic_fetch_or(&t->work, bits, __ATOMIC_SEQ_CST);
}
static inline void task_clear_work(struct task *t, uint32_t bits)
{
	__atomic_fetch_and(&t->work, ~bits, __ATOMIC_SEQ_CST);
}
