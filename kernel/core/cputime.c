/*
 * cputime.c - times and loads that programs ask for, and sched(7)'s parameters.
 *
 * Time is measured exactly per task, and charged to user or system mode by what the last tick of
 * the task saw: reading a clock at every system call would cost more than the call. Load averages
 * are sampled every 5 s by one timer, as 11-bit fixed point: avg += (n - avg) * (1 - e^(-5 s /
 * period)).
 */
#include <arch/clock.h>
#include <arch/smp.h>
#include <error.h>
#include <timer.h>
#include "rq.h"

#define LOAD_PERIOD_NS 5000000000ull
#define LOAD_ONE       2048ul

static const unsigned long decay[3] = {
	1884, 2014, 2037}; /* 2048 * e^(-5/60), e^(-5/300), e^(-5/900) */
static unsigned long load[3];
static struct timer load_timer;

static void sample_load(struct timer *t)
{
	int64_t n = 0;
	unsigned c, i;

	for_each_cpu_in(c, sched_online)
	{
		struct rq *rq = per_cpu_ptr(run_queue, c);

		n += (int64_t)READ_ONCE(rq->nr_running) + READ_ONCE(rq->nr_uninterruptible);
	}
	if (n < 0) /* the parts were not read at one moment */
		n = 0;
	for (i = 0; i < 3; i++)
		WRITE_ONCE(load[i],
			(load[i] * decay[i] + (unsigned long)n * LOAD_ONE * (LOAD_ONE - decay[i]) +
				LOAD_ONE / 2) /
				LOAD_ONE);
	timer_arm(t, t->deadline_ns + LOAD_PERIOD_NS);
}

void load_start(void)
{
	timer_init(&load_timer, sample_load);
	timer_arm(&load_timer, clock_ns() + LOAD_PERIOD_NS);
}

void sched_load(unsigned long avg[3])
{
	unsigned i;

	for (i = 0; i < 3; i++)
		avg[i] = READ_ONCE(load[i]);
}

unsigned sched_nr_running(void)
{
	unsigned c, n = 0;

	for_each_cpu_in(c, sched_online) n += READ_ONCE(per_cpu_ptr(run_queue, c)->nr_running);
	return n;
}

unsigned sched_nr_iowait(void)
{
	unsigned c, n = 0;

	for_each_cpu_in(c, sched_online)
		n += (unsigned)atomic_read(&per_cpu_ptr(run_queue, c)->nr_iowait);
	return n;
}

void sched_cpu_times(unsigned cpu, struct cpu_times *out)
{
	struct rq *rq = per_cpu_ptr(run_queue, cpu);
	unsigned long f = spin_lock_irq(&rq->lock);

	rq_charge(rq, clock_ns());
	*out = rq->times;
	spin_unlock_irq(&rq->lock, f);
}

void task_times(struct task *t, uint64_t *user_ns, uint64_t *system_ns)
{
	unsigned long f;
	struct rq *rq = task_rq_lock(t, &f);

	if (rq->curr == t)
		rq_charge(rq, clock_ns());
	*user_ns = t->se.user_ns;
	*system_ns = t->se.system_ns;
	spin_unlock_irq(&rq->lock, f);
}

/* Charge the time since the last look at @t, which runs here, to one mode. */
void sched_account(struct task *t, bool user)
{
	unsigned long f;
	struct rq *rq = task_rq_lock(t, &f);

	t->se.last_user = user;
	if (rq->curr == t)
		rq_charge(rq, clock_ns());
	spin_unlock_irq(&rq->lock, f);
}

/* Change what decides @t's place: off its queue, change, on again. */
static void change(
	struct task *t, enum sched_policy policy, unsigned rt_priority, int nice, unsigned lent)
{
	unsigned long f;
	struct rq *rq = task_rq_lock(t, &f);
	bool waits = t->se.on_queue && t != rq->curr && t != rq->migrate;

	rq_charge(rq, clock_ns());
	if (waits) {
		if (!task_is_rt(t))
			fair_keep_lag(rq, &t->se);
		rq_remove(rq, t);
	}
	t->se.policy = (uint8_t)policy;
	t->se.own_rt_priority = (uint8_t)rt_priority;
	t->se.lent_rt_priority = (uint8_t)lent;
	t->se.rt_priority = MAX(t->se.own_rt_priority, t->se.lent_rt_priority);
	t->se.nice = (int8_t)nice;
	fair_set_weight(&t->se);
	if (waits) {
		if (!task_is_rt(t))
			fair_place(rq, &t->se);
		rq_insert(rq, t);
	} else if (t == rq->curr && !task_is_rt(t) && t != rq->idle) {
		t->se.lag = 0;
		t->se.deadline = t->se.vruntime + fair_virtual(&t->se, t->se.slice_ns);
	}
	if (rq->nr_running > 1)
		rq_resched(rq);
	spin_unlock_irq(&rq->lock, f);
}

int sched_set(struct task *t, enum sched_policy policy, unsigned rt_priority)
{
	bool is_rt = policy == SCHED_FIFO || policy == SCHED_RR;

	if (!is_rt && policy != SCHED_OTHER && policy != SCHED_BATCH && policy != SCHED_IDLE)
		return -EINVAL;
	if (is_rt ? rt_priority < 1 || rt_priority > 99 : rt_priority != 0)
		return -EINVAL;
	change(t, policy, rt_priority, t->se.nice, t->se.lent_rt_priority);
	return 0;
}

void sched_set_nice(struct task *t, int nice)
{
	nice = nice < -20 ? -20 : nice > 19 ? 19 : nice;
	change(t, (enum sched_policy)t->se.policy, t->se.own_rt_priority, nice,
		t->se.lent_rt_priority);
}

void sched_lend(struct task *t, unsigned rt_priority)
{
	if (READ_ONCE(t->se.lent_rt_priority) != rt_priority)
		change(t, (enum sched_policy)t->se.policy, t->se.own_rt_priority, t->se.nice,
			rt_priority);
}

void sched_set_slice(struct task *t, uint64_t ns)
{
	unsigned long f;
	struct rq *rq = task_rq_lock(t, &f);

	t->se.slice_ns = ns;
	spin_unlock_irq(&rq->lock, f);
}
