/*
 * rq.h - run queues, shared by the files of the scheduler, and what timer.c and rcu.c have to do
 * with them.
 */
#pragma once
#include <arch/clock.h>
#include <sched.h>

#define SLICE_NS    3000000ull /* a fair task's request */
#define RR_SLICE_NS 100000000ull
#define SAMPLE_MIN_NS                                                                              \
	8000000ull /* a lone task is sampled this long after it began, then ever more rarely */
#define SAMPLE_MAX_NS 128000000ull
#define WEIGHT_NICE_0 1024u
#define RT_LEVELS     100u

/* Fair tasks that wait; the running one is not in the tree. Theory: fair.c. */
struct fair_rq {
	struct rb_root tree;   /* by deadline */
	struct rb_node *first; /* earliest deadline */
	int64_t base;          /* virtual times are summed relative to this */
	int64_t sum_wv;        /* of weight * (vruntime - base) over the tree */
	int64_t sum_w;         /* of weights over the tree */
};

struct rt_rq {
	uint64_t bits[2]; /* level l waits: bit l */
	unsigned nr;
	struct list_head level[RT_LEVELS];
};

/* Key: [q] lock  [o] only its own CPU, interrupts off  [r] read without the lock as a hint */
struct rq {
	struct spinlock lock; /* irq-save */
	unsigned cpu;
	unsigned nr_running; /* [q][r] tasks in fair and rt, the running one included, idle not */
	struct task *curr, *idle;   /* [q] */
	uint64_t tick_ns;           /* [q] when the next tick is due, UINT64_MAX: none */
	uint64_t pick_ns;           /* [q] when curr was chosen */
	uint64_t sample_ns;         /* [q] */
	struct task *migrate;       /* [o] left runnable, but may not run here any more */
	bool in_idle_loop;          /* [o] false: the idle task is still the boot flow */
	struct fair_rq fair;        /* [q] */
	struct rt_rq rt;            /* [q] */
	int64_t nr_uninterruptible; /* [q] only the sum over all CPUs means something */
	atomic_t nr_iowait;         /* tasks that went to sleep here for a device */
	uint64_t irq_ns;        /* [o][r] time in interrupts, in all; times.irq_ns: charged of it */
	struct cpu_times times; /* [q] */
};
DECLARE_PER_CPU(struct rq, run_queue);
extern struct cpumask sched_online, sched_idle_cpus;

static inline bool task_is_rt(const struct task *t)
{
	return t->se.rt_priority != 0;
}
static inline bool task_may_run_on(const struct task *t, unsigned cpu)
{
	return cpumask_test(&t->affinity, cpu);
}
static inline struct task *task_of_entity(struct sched_entity *se)
{
	return container_of(se, struct task, se);
}
static inline struct task *task_of_node(struct rb_node *n)
{
	return container_of(n, struct task, se.node);
}

/* sched.c; rq->lock held */
void rq_resched(struct rq *rq);
void rq_charge(struct rq *rq, uint64_t now); /* bring curr's times up to @now */
void rq_enqueue(struct rq *rq, struct task *t,
	uint64_t now);                         /* runnable again: place, and see who should run */
void rq_insert(struct rq *rq, struct task *t); /* into the queue of its class */
void rq_remove(struct rq *rq, struct task *t);
struct rq *task_rq_lock(struct task *t, unsigned long *flags);
void sched_activate(struct task *t); /* state RUNNING, on no queue: onto one; takes locks itself */
void sched_tick(uint64_t now, bool from_user);
/* Make @cpu pass through the scheduler soon; no lock held. */
void sched_force_pass(unsigned cpu);

/* fair.c */
int64_t fair_virtual(const struct sched_entity *se, uint64_t ns);
void fair_set_weight(struct sched_entity *se);
void fair_place(struct rq *rq, struct sched_entity *se);
void fair_insert(struct rq *rq, struct sched_entity *se);
void fair_remove(struct rq *rq, struct sched_entity *se);
void fair_keep_lag(struct rq *rq, struct sched_entity *se);
bool fair_preempts(struct rq *rq, struct sched_entity *se);
struct task *fair_pick(
	struct rq *rq, const struct sched_entity *curr); /* removed from the tree; NULL: empty */

/* rt.c */
void rt_insert(struct rq *rq, struct task *t, bool at_head);
void rt_remove(struct rq *rq, struct task *t);
struct task *rt_pick(struct rq *rq);

/* balance.c */
unsigned sched_select_cpu(const struct task *t);
struct task *sched_steal(struct rq *rq); /* detached from another CPU; NULL: none. rq->lock held */
void sched_balance_hint(struct rq *rq);

/* task.c */
void task_reap(struct task *t);
void task_init_fields(struct task *t, const char *name);

/* cputime.c */
void load_start(void);

/* timer.c */
void timer_cpu_init(void);
void timer_set_tick(uint64_t deadline_ns); /* this CPU, interrupts off */
void timer_interrupt(bool from_user);

/* rcu.c: is it in the idle loop; a CPU's count of moments without read sections */
bool rcu_cpu_is_idle(unsigned cpu);
DECLARE_PER_CPU(uint64_t, rcu_passes);
static inline void rcu_note_pass(void)
{
	WRITE_ONCE(this_cpu(rcu_passes), this_cpu(rcu_passes) + 1);
}
/* workqueue.c */
void work_pools_init(void);

/* log.c: wake readers of the log that could not be woken where the record was made */
void log_wake_deferred(void);
