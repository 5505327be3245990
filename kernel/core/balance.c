/*
 * balance.c - which CPU a task runs on.
 *
 * A woken task goes to its last CPU if that idles (its cache is there), else to any idle one, else
 * to the least loaded, its last one winning a draw. A CPU that runs dry takes a waiting task from
 * the busiest. A busy CPU with waiters wakes an idle one at its ticks, and that one takes. A task
 * whose stack is still in use (on_cpu) is never moved: it is queued only where it last ran.
 */
#include "rq.h"
#include <error.h>

struct cpumask sched_online, sched_idle_cpus;

static unsigned load_of(unsigned cpu)
{
	return READ_ONCE(per_cpu_ptr(run_queue, cpu)->nr_running);
}

/* Claim an idle CPU out of @mask so that two wakers do not pick the same. */
static bool claim_idle(uint64_t mask, unsigned preferred, unsigned *cpu)
{
	while (mask) {
		unsigned c = mask >> preferred & 1 ? preferred : (unsigned)__builtin_ctzll(mask);

		if (__atomic_fetch_and(&sched_idle_cpus.bits, ~(1ull << c), __ATOMIC_SEQ_CST) >> c &
			1) {
			*cpu = c;
			return true;
		}
		mask &= ~(1ull << c);
	}
	return false;
}

unsigned sched_select_cpu(const struct task *t)
{
	uint64_t allowed = READ_ONCE(t->affinity.bits) & READ_ONCE(sched_online.bits);
	unsigned best = t->cpu, c;
	struct cpumask mask;

	if (likely(cpu_count() == 1))
		return 0;
	if (!allowed) /* cannot be: affinity always has an online CPU */
		return best;
	if (claim_idle(READ_ONCE(sched_idle_cpus.bits) & allowed, t->cpu, &best))
		return best;
	mask.bits = allowed;
	if (!(allowed >> best & 1))
		best = (unsigned)__builtin_ctzll(allowed);
	for_each_cpu_in(c, mask) if (load_of(c) < load_of(best)) best = c;
	return best;
}

static bool can_take(const struct task *t, unsigned cpu)
{
	return !smp_load_acquire(&t->on_cpu) && task_may_run_on(t, cpu);
}

static struct task *find_waiting(struct rq *from, unsigned cpu)
{
	struct rb_node *n;
	struct task *t;
	unsigned l;

	for (l = RT_LEVELS - 1; from->rt.nr && l; l--)
		list_for_each_entry (t, &from->rt.level[l], se.rt_node)
			if (can_take(t, cpu))
				return t;
	for (n = rb_last(&from->fair.tree); n; n = rb_prev(n))
		if (can_take(task_of_node(n), cpu))
			return task_of_node(n);
	return NULL;
}

/* Both run queues are locked. */
static void detach(struct rq *from, struct task *t)
{
	if (!task_is_rt(t))
		fair_keep_lag(from, &t->se);
	rq_remove(from, t);
	from->nr_running--;
}

struct task *sched_steal(struct rq *rq)
{
	struct rq *busiest = NULL;
	struct task *t;
	unsigned c, most = 1;

	for_each_cpu_in(c, sched_online)
	{
		struct rq *other = per_cpu_ptr(run_queue, c);

		if (c != rq->cpu && READ_ONCE(other->nr_running) > most) {
			most = READ_ONCE(other->nr_running);
			busiest = other;
		}
	}
	/* Two CPUs that steal from each other must not wait for each other. */
	if (!busiest || !spin_trylock(&busiest->lock))
		return NULL;
	t = find_waiting(busiest, rq->cpu);
	if (t) {
		detach(busiest, t);
		WRITE_ONCE(t->cpu, rq->cpu);
	}
	spin_unlock(&busiest->lock);
	if (!t)
		return NULL;
	rq->nr_running++;
	if (!task_is_rt(t))
		fair_place(rq, &t->se);
	return t;
}

/* At a tick of a CPU with waiting tasks: have an idle one look. rq->lock not held. */
void sched_balance_hint(struct rq *rq)
{
	uint64_t idle = READ_ONCE(sched_idle_cpus.bits) & ~(1ull << rq->cpu);

	if (idle)
		sched_force_pass((unsigned)__builtin_ctzll(idle));
}

int sched_set_affinity(struct task *t, struct cpumask mask)
{
	unsigned long f;
	struct rq *rq;
	bool move = false;

	if (!(mask.bits & READ_ONCE(sched_online.bits)))
		return -EINVAL;
	rq = task_rq_lock(t, &f);
	t->affinity = mask;
	if (t->se.on_queue && !task_may_run_on(t, rq->cpu)) {
		if (t == rq->curr) { /* it leaves at its next pass through schedule() */
			rq_resched(rq);
		} else if (t != rq->migrate) {
			detach(rq, t);
			t->se.on_queue = false;
			move = true;
		}
	}
	spin_unlock_irq(&rq->lock, f);
	if (move)
		sched_activate(t);
	return 0;
}
