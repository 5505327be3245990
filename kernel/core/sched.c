/*
 * sched.c - the scheduler's core: run queues, switching, waking, ticks, idling. The theory of
 * kernel/core's scheduling:
 *
 * Each CPU has a run queue: FIFO/RR levels (rt.c), above a fair class (fair.c), above the idle
 * task. balance.c says which CPU a task gets. The kernel is not preempted: a task runs until it
 * sleeps, or calls schedule() because TASK_WORK_RESCHED is set in its work word; the return to user
 * mode and cond_resched() look there.
 *
 * States. se.on_queue: runnable and accounted on the queue of task->cpu, running or waiting (only
 * waiting tasks are in a class's tree or list). on_cpu: a CPU uses its stack; set before a switch
 * to it, cleared by the task after it (finish_switch). Sleeping is: set the state, check the
 * condition, schedule(). schedule() takes a task off the queue if its state is not RUNNING when it
 * looks, under the queue's lock. Waking is: move the state from a sleeping one to RUNNING by
 * compare-and-swap, then sched_activate(): under the lock of its queue, if it is still on it (it
 * had not got to schedule() yet, which will see RUNNING), nothing; else queue it. Several wakers
 * may get there at once; the first to hold the lock does it.
 *
 * Invariant: a queued task with on_cpu set is on the queue of the very CPU whose stack it uses.
 * That CPU cannot pick it before it has finished switching away, and others do not take it. So a
 * switch never has to wait for a stack. A task that stops being allowed on its CPU while it runs is
 * moved by finish_switch(), when its stack is free.
 *
 * Run-queue locks are not held across the switch of stacks; interrupts are off instead. They are
 * irq-save, below wait queues. Two are held at once only by trylock (stealing).
 *
 * Ticks: the one-shot timer is armed for the end of a slice while others wait. A lone task is only
 * sampled, ever more rarely (8 to 128 ms), to charge its time to user or system mode. An armed tick
 * is not disarmed; it finds nothing to do.
 *
 * Boot: the boot flow is the idle task of CPU 0 until it enters sched_idle_loop(). When it sleeps
 * and nothing else is runnable, schedule() halts in place until its state is RUNNING again.
 */
#include <arch/clock.h>
#include <arch/mmu.h>
#include <arch/smp.h>
#include <arch/upcalls.h>
#include <core.h>
#include <debug.h>
#include <printf.h>
#include "rq.h"
#include "watchdog.h"

DEFINE_PER_CPU(struct task *, current_task_);
DEFINE_PER_CPU(struct rq, run_queue);
static DEFINE_PER_CPU(struct task, idle_task);
void (*sched_tick_hook)(struct task *t, bool from_user);
bool (*sched_idle_poll)(void);

#define IDLE_POLL_NS 200000u

/* ---- under rq->lock ---- */

/* Have the queue's CPU look again who should run. */
void rq_resched(struct rq *rq)
{
	if (READ_ONCE(rq->curr->work) & TASK_WORK_RESCHED)
		return;
	task_set_work(rq->curr, TASK_WORK_RESCHED);
	if (rq->cpu != cpu_id())
		smp_kick(rq->cpu);
}

/* Interrupts are nobody's time: what they took of @delta is charged to them. */
static int64_t without_irq_time(struct rq *rq, int64_t delta)
{
	uint64_t irq = READ_ONCE(rq->irq_ns) - rq->times.irq_ns;

	if (likely(!irq))
		return delta;
	rq->times.irq_ns += irq;
	return delta > (int64_t)irq ? delta - (int64_t)irq : 0;
}

/* Leaving a hardware interrupt: arch's upcall. */
static void irq_time(uint64_t ns)
{
	struct rq *rq = this_cpu_ptr(run_queue);

	WRITE_ONCE(rq->irq_ns, rq->irq_ns + ns);
}

void rq_charge(struct rq *rq, uint64_t now)
{
	struct task *t = rq->curr;
	struct sched_entity *se = &t->se;
	int64_t delta = (int64_t)(now - se->exec_start_ns);

	if (unlikely(delta <= 0))
		return;
	se->exec_start_ns = now;
	delta = without_irq_time(rq, delta);
	if (t == rq->idle) {
		if (unlikely(atomic_read(&rq->nr_iowait)))
			rq->times.iowait_ns += (uint64_t)delta;
		else
			rq->times.idle_ns += (uint64_t)delta;
		return;
	}
	se->sum_exec_ns += (uint64_t)delta;
	if (se->last_user) {
		se->user_ns += (uint64_t)delta;
		rq->times.user_ns += (uint64_t)delta;
	} else {
		se->system_ns += (uint64_t)delta;
		rq->times.system_ns += (uint64_t)delta;
	}
	if (task_is_rt(t))
		return;
	se->vruntime += fair_virtual(se, (uint64_t)delta);
	if (se->vruntime >= se->deadline) /* the request is served: a new one */
		se->deadline = se->vruntime + fair_virtual(se, se->slice_ns);
}

void rq_insert(struct rq *rq, struct task *t)
{
	if (unlikely(task_is_rt(t)))
		rt_insert(rq, t, false);
	else
		fair_insert(rq, &t->se);
}

void rq_remove(struct rq *rq, struct task *t)
{
	if (unlikely(task_is_rt(t)))
		rt_remove(rq, t);
	else
		fair_remove(rq, &t->se);
}

static bool preempts(struct rq *rq, struct task *t)
{
	struct task *curr = rq->curr;

	if (curr == rq->idle)
		return true;
	if (unlikely(task_is_rt(t) || task_is_rt(curr)))
		return t->se.rt_priority > curr->se.rt_priority;
	return fair_preempts(rq, &t->se);
}

/* A tick of this queue's CPU no later than @ns; for another CPU it must come by to do it itself. */
static void want_tick(struct rq *rq, uint64_t ns)
{
	if (rq->tick_ns <= ns)
		return;
	if (rq->cpu != cpu_id()) {
		rq_resched(rq);
		return;
	}
	rq->tick_ns = ns;
	timer_set_tick(ns);
}

void rq_enqueue(struct rq *rq, struct task *t, uint64_t now)
{
	rq_charge(rq, now);
	t->se.on_queue = true;
	rq->nr_running++;
	if (t->se.counted_waiting) {
		t->se.counted_waiting = false;
		rq->nr_uninterruptible--;
		if (t->se.io_cpu >= 0)
			atomic_dec(&per_cpu_ptr(run_queue, t->se.io_cpu)->nr_iowait);
		t->se.io_cpu = -1;
	}
	if (likely(!task_is_rt(t)))
		fair_place(rq, &t->se);
	rq_insert(rq, t);
	if (preempts(rq, t))
		rq_resched(rq);
	else
		want_tick(rq, now + SLICE_NS);
}

/* ---- waking ---- */

struct rq *task_rq_lock(struct task *t, unsigned long *flags)
{
	for (;;) {
		unsigned cpu = READ_ONCE(t->cpu);
		struct rq *rq = per_cpu_ptr(run_queue, cpu);

		*flags = spin_lock_irq(&rq->lock);
		if (likely(cpu == t->cpu))
			return rq;
		spin_unlock_irq(&rq->lock, *flags);
	}
}

void sched_activate(struct task *t)
{
	unsigned long f;
	struct rq *rq = task_rq_lock(t, &f);
	bool is_placed = false;

	while (!t->se.on_queue && READ_ONCE(t->state) == TASK_RUNNING) {
		/* While its stack is in use it can only be queued there. */
		if (!is_placed && !smp_load_acquire(&t->on_cpu)) {
			unsigned cpu = sched_select_cpu(t);

			is_placed = true;
			if (cpu != rq->cpu) {
				WRITE_ONCE(t->cpu, cpu);
				spin_unlock_irq(&rq->lock, f);
				rq = task_rq_lock(t, &f);
				continue;
			}
		}
		rq_enqueue(rq, t, clock_ns());
		break;
	}
	if (unlikely(t == rq->idle)) { /* the boot flow, asleep in schedule() */
		task_set_work(t, TASK_WORK_RESCHED);
		if (rq->cpu != cpu_id())
			smp_kick(rq->cpu);
	}
	spin_unlock_irq(&rq->lock, f);
}

bool task_wake(struct task *t, unsigned states)
{
	uint32_t s;

	smp_mb(); /* what the caller changed, before the look at the state; pairs with the exchange
		     in wait_prepare() */
	s = READ_ONCE(t->state);
	do
		if (!(s & states))
			return false;
	while (!__atomic_compare_exchange_n(
		&t->state, &s, TASK_RUNNING, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	sched_activate(t);
	return true;
}

void task_kick(struct task *t)
{
	if (t != current && READ_ONCE(t->on_cpu))
		smp_kick(READ_ONCE(t->cpu));
}

void sched_force_pass(unsigned cpu)
{
	struct rq *rq = per_cpu_ptr(run_queue, cpu);
	unsigned long f = spin_lock_irq(&rq->lock);

	rq_resched(rq);
	spin_unlock_irq(&rq->lock, f);
}

/* ---- switching ---- */

/* The running task sleeps or dies. */
static void leave_queue(struct rq *rq, struct task *t)
{
	struct sched_entity *se = &t->se;

	t->voluntary_switches++;
	if (t == rq->idle)
		return;
	if (likely(!task_is_rt(t)))
		fair_keep_lag(rq, se);
	se->on_queue = false;
	rq->nr_running--;
	if (READ_ONCE(t->state) & TASK_UNINTERRUPTIBLE) {
		se->counted_waiting = true;
		rq->nr_uninterruptible++;
		se->io_cpu = t->waits_for_io ? (int16_t)rq->cpu : -1;
		if (t->waits_for_io)
			atomic_inc(&rq->nr_iowait);
	}
}

/* @yielding: the running task, if anyone else is to be preferred to it; else NULL. */
static struct task *pick_next(struct rq *rq, const struct sched_entity *yielding)
{
	struct task *t = NULL;

	if (unlikely(rq->rt.nr))
		return rt_pick(rq);
	t = fair_pick(rq, yielding);
	if (!t && cpu_count() > 1 && rq->in_idle_loop)
		t = sched_steal(rq);
	return t ? t : rq->idle;
}

/* The running task's times are up to date. */
static bool rr_slice_is_over(const struct rq *rq, const struct task *t)
{
	return t->se.policy == SCHED_RR && t->se.exec_start_ns - rq->pick_ns >= RR_SLICE_NS;
}

/* The running task stays runnable: who is next? It waits in its class's queue from here on. */
static struct task *requeue(struct rq *rq, struct task *prev, bool yields)
{
	struct task *next;

	if (unlikely(!task_may_run_on(prev, rq->cpu))) {
		rq->nr_running--;
		rq->migrate = prev;
		return pick_next(rq, NULL);
	}
	if (rq->nr_running == 1)
		return prev;
	prev->involuntary_switches += !yields;
	if (unlikely(task_is_rt(prev))) {
		rt_insert(rq, prev, !yields && !rr_slice_is_over(rq, prev));
		return pick_next(rq, NULL);
	}
	if (!yields) {
		fair_insert(rq, &prev->se);
		return pick_next(rq, NULL);
	}
	next = pick_next(rq, &prev->se);
	fair_insert(rq, &prev->se);
	return next;
}

/*
 * In the context of the task that was switched to, interrupts off. Returns @prev if it is dead: its
 * stack is free now, and the caller reaps it with interrupts on.
 */
static struct task *finish_switch(struct task *prev)
{
	struct rq *rq = this_cpu_ptr(run_queue);
	bool is_dead = prev->state == TASK_DEAD;
	bool must_move = rq->migrate == prev;

	if (unlikely(must_move)) {
		spin_lock(&rq->lock);
		rq->migrate = NULL;
		prev->se.on_queue = false;
		prev->se.lag = 0;
		spin_unlock(&rq->lock);
	}
	smp_store_release(&prev->on_cpu, false);
	if (unlikely(must_move))
		sched_activate(prev);
	return is_dead ? prev : NULL;
}

/* Returns a dead task to reap, or NULL. Interrupts off. */
static struct task *switch_tasks(bool yields)
{
	struct rq *rq = this_cpu_ptr(run_queue);
	struct task *prev = rq->curr, *next;
	uint64_t now = clock_ns();

	rcu_note_pass(); /* the lock's exchange orders it before later read sections */
	spin_lock(&rq->lock);
	rq_charge(rq, now);
	if (READ_ONCE(prev->work) & TASK_WORK_RESCHED)
		task_clear_work(prev, TASK_WORK_RESCHED);
	if (READ_ONCE(prev->state) != TASK_RUNNING) {
		leave_queue(rq, prev);
		next = pick_next(rq, NULL);
	} else if (prev != rq->idle) {
		next = requeue(rq, prev, yields);
	} else {
		next = pick_next(rq, NULL);
	}
	if (rq->nr_running > 1)
		want_tick(rq, now + SLICE_NS);
	else if (rq->tick_ns == UINT64_MAX && next != rq->idle)
		want_tick(rq, now + SAMPLE_MIN_NS);
	rq->pick_ns = now;
	if (next == prev) {
		spin_unlock(&rq->lock);
		return NULL;
	}
	if (prev->tell_switch)
		task_set_work(prev, TASK_WORK_SWITCHED);
	ASSERT(!next->on_cpu);
	rq->curr = next;
	rq->sample_ns = SAMPLE_MIN_NS;
	rq->times.switches++;
	next->on_cpu = true;
	next->se.exec_start_ns = now;
	spin_unlock(&rq->lock);
	if (next->mmu != prev->mmu)
		mmu_switch(prev->mmu, next->mmu);
	return finish_switch(arch_switch(prev, next));
}

static void schedule_once(bool yields)
{
	unsigned long f = irq_save();
	struct task *dead = switch_tasks(yields);

	irq_restore(f);
	if (unlikely(dead))
		task_reap(dead);
}

/*
 * Before halting, let a driver that expects an answer within microseconds look for it: halting and
 * being woken cost more than that. Interrupts on.
 */
static void poll_before_halt(const struct task *idle)
{
	uint64_t end;

	if (!sched_idle_poll || !sched_idle_poll())
		return;
	end = clock_ns() + IDLE_POLL_NS;
	while (!(READ_ONCE(idle->work) & TASK_WORK_RESCHED) && clock_ns() < end &&
		sched_idle_poll())
		for (unsigned i = 0; i < 16; i++) /* about a microsecond */
			cpu_relax();
}

/* The boot flow sleeps and there is nothing else to run: wait in place for an interrupt to change
 * that. */
static void halt_boot_flow(struct task *t)
{
	poll_before_halt(t);
	irq_disable();
	if (READ_ONCE(t->state) != TASK_RUNNING && !(READ_ONCE(t->work) & TASK_WORK_RESCHED))
		cpu_idle_wait();
	irq_enable();
}

void schedule(void)
{
	struct task *t = current;

	might_sleep();
	schedule_once(false);
	while (unlikely(
		READ_ONCE(t->state) != TASK_RUNNING)) { /* only the boot flow comes back asleep */
		halt_boot_flow(t);
		schedule_once(false);
	}
}

void sched_yield(void)
{
	might_sleep();
	schedule_once(true);
}

void cond_resched(void)
{
	might_sleep();
	if (unlikely(need_resched()) && READ_ONCE(current->state) == TASK_RUNNING)
		schedule_once(false);
}

void task_exit_self(void)
{
	irq_disable();
	WRITE_ONCE(current->state, TASK_DEAD);
	switch_tasks(false);
	panic("a dead task ran");
}

/* First code of a new task: arch's upcall, interrupts off. */
static void first_run(struct task *prev)
{
	struct task *dead = finish_switch(prev);

	irq_enable();
	if (unlikely(dead))
		task_reap(dead);
}

/* ---- ticks ---- */

static bool slice_is_over(const struct rq *rq, uint64_t now)
{
	const struct task *t = rq->curr;

	if (task_is_rt(t))
		return rr_slice_is_over(rq, t);
	return now - rq->pick_ns >= SLICE_NS || rq->rt.nr;
}

void sched_tick(uint64_t now, bool from_user)
{
	struct rq *rq = this_cpu_ptr(run_queue);
	struct task *t;
	bool has_waiters;

	spin_lock(&rq->lock);
	t = rq->curr;
	rq->tick_ns = UINT64_MAX;
	if (t == rq->idle) {
		rq_charge(rq, now);
		spin_unlock(&rq->lock);
		return;
	}
	t->se.last_user = from_user;
	rq_charge(rq, now);
	has_waiters = rq->nr_running > 1;
	if (has_waiters && slice_is_over(rq, now))
		rq_resched(rq);
	if (!has_waiters && rq->sample_ns < SAMPLE_MAX_NS)
		rq->sample_ns *= 2;
	want_tick(rq, now + (has_waiters ? SLICE_NS : rq->sample_ns));
	spin_unlock(&rq->lock);
	if (has_waiters)
		sched_balance_hint(rq);
	if (sched_tick_hook)
		sched_tick_hook(t, from_user);
	log_wake_deferred();
}

/* ---- start and idling ---- */

static void init_this_cpu(unsigned cpu)
{
	struct rq *rq = this_cpu_ptr(run_queue);
	struct task *idle = this_cpu_ptr(idle_task);
	char name[16];
	unsigned i;

	snprintf(name, sizeof(name), "idle/%u", cpu);
	task_init_fields(idle, name);
	idle->state = TASK_RUNNING;
	idle->is_kernel = true;
	idle->on_cpu = true;
	idle->cpu = cpu;
	idle->affinity = (struct cpumask){1ull << cpu};
	idle->se.on_queue = true;
	this_cpu(current_task_) = idle;
	spin_init(&rq->lock);
	rq->cpu = cpu;
	rq->curr = rq->idle = idle;
	rq->tick_ns = UINT64_MAX;
	rq->sample_ns = SAMPLE_MIN_NS;
	for (i = 0; i < RT_LEVELS; i++)
		list_init(&rq->rt.level[i]);
	timer_cpu_init();
}

void sched_idle_loop(void)
{
	struct rq *rq = this_cpu_ptr(run_queue);
	struct task *idle = rq->idle;
	unsigned cpu = rq->cpu;

	rq->in_idle_loop = true;
	for (;;) {
		cpumask_set(&sched_idle_cpus, cpu);
		poll_before_halt(idle);
		irq_disable();
		while (!(READ_ONCE(idle->work) & TASK_WORK_RESCHED)) {
			rcu_idle_enter();
			cpu_idle_wait();
			rcu_idle_exit();
			log_wake_deferred();
			irq_disable();
		}
		cpumask_clear(&sched_idle_cpus, cpu);
		irq_enable();
		schedule_once(false);
	}
}

/* A secondary processor is ready: arch's upcall. */
static void cpu_start(unsigned cpu)
{
	init_this_cpu(cpu);
	this_cpu_ptr(idle_task)->se.exec_start_ns = clock_ns();
	cpumask_set(&sched_online, cpu);
	watchdog_cpu_start();
	irq_enable();
	sched_idle_loop();
}

/* Leaving an interrupt that came from user mode or the idle loop: no read section can be open. */
static void leave_interrupt(void)
{
	rcu_quiescent();
}

void core_init(void)
{
	init_this_cpu(0);
	work_pools_init();
	cpumask_set(&sched_online, 0);
	arch_upcalls.timer = timer_interrupt;
	arch_upcalls.cpu_start = cpu_start;
	arch_upcalls.switched = first_run;
	arch_upcalls.irq_exit = leave_interrupt;
	arch_upcalls.irq_time = irq_time;
}

void core_start(void)
{
	this_cpu_ptr(run_queue)->idle->se.exec_start_ns = clock_ns();
	rcu_start();
	load_start();
	watchdog_cpu_start();
}
