/*
 * net.c - where network code runs: sections, the per-CPU backlog, network threads, timers, and the
 * limit on memory.
 *
 * Sections. net_enter()..net_exit() counts per CPU: the kernel is not preempted and nothing sleeps
 * in a section, so the count belongs to the one task that runs. All per-CPU data here but the lists
 * of a network thread is touched in task context only and needs no lock. When the outermost section
 * ends, this CPU's backlog (packets that loopback, veth and the like sent) is handled, up to
 * DRAIN_MAX packets; each may add more. The rest is left to the network thread, so that a system
 * call ends, and earlier when the scheduler wants the CPU for somebody else: one packet may become
 * hundreds at a bridge. Then the doorbells of devices are rung, once for all packets of the
 * section. Packets may circle for ever (cables that make a ring): the backlog is bounded, and
 * nothing waits for it to be empty. Who wants to know that a packet is gone waits for those before
 * it: queued counts what was ever put there, less what is there now is what was handled.
 *
 * Threads. netd/N runs what is pending on CPU N in rounds: expired timers, then each scheduled poll
 * once with POLL_BUDGET packets, then the section's end. In between it asks the scheduler. It
 * is of the fair class, with short slices, so that it runs soon when a device interrupts, and a
 * share of its own: a flood takes that share and the rest of a ring overflows in the device, which
 * costs nothing.
 *
 * Polls. state: SCHEDULED from net_poll_schedule() until the poll function says that it is done;
 * in between the function belongs to the thread. AGAIN: scheduled once more meanwhile. DISABLED:
 * not scheduled any more; the thread drops it.
 *
 * Timers. A net_timer wraps a struct timer, whose function runs in interrupt context and puts the
 * net_timer on its CPU's list. The wanted deadline may be later than the queued one: expiry looks
 * at the wanted one and queues again. So moving it later is a store, ordered before a second look
 * at the state, as expiry changes the state before it reads the deadline: one of the two sees the
 * other. Everything else happens under ->lock.
 *
 * Memory. What sockets and queues hold is counted per CPU and moved to the global count in batches.
 *
 * Locks: net_cpu->lock (level 49, irq) guards its lists. net_timer->lock (irq) is above it and
 * above the timer bases.
 */
#include <arch/clock.h>
#include <debug.h>
#include <error.h>
#include <log.h>
#include <net.h>
#include <net_mib.h>
#include <netdev.h>
#include <page.h>
#include <pkt.h>
#include <printf.h>
#include <sched.h>
#include <time.h>
#include "core.h"

#define BACKLOG_MAX  1000u /* packets: net.core.netdev_max_backlog of others */
#define BACKLOG_PART 2u    /* of what packets may hold: the bytes in all backlogs */
#define DRAIN_MAX    128u
#define DRAIN_STEP   8u /* packets, or timers, between looks at the scheduler: power of two */
#define POLL_BUDGET  64u
#define TIMERS_ROUND 256u
#define NETD_NICE    (-5)
#define NETD_SLICE   200000ull
#define MEM_BATCH    (64ll << 10)
#define MEM_SHARE    8u /* packets may hold that part of memory */

enum poll_state { POLL_SCHEDULED = 1, POLL_AGAIN = 2, POLL_DISABLED = 4 };
enum timer_state {
	NT_IDLE,
	NT_ARMED,  /* the inner timer is queued, or its function waits for the lock */
	NT_FIRING, /* the inner timer's function looks at the deadline */
	NT_PARKED, /* deadline UINT64_MAX; the inner timer is not queued */
	NT_EXPIRED /* on a thread's list; left under the list's lock */
};

/* Key: [l] lock (irq)  [t] task context of this CPU  */
struct net_cpu {
	struct spinlock lock;
	struct list_head polls, timers; /* [l] */
	struct pkt_queue backlog;       /* [t] */
	uint32_t queued;                /* [t] packets that were ever put there */
	uint32_t flush_at;     /* [t] ->queued when the flush that is waited for was seen */
	uint32_t flush_seen;   /* [t] its number */
	struct task *thread;   /* constant once it runs; NULL before */
	uint32_t flush_wanted; /* [a] see net_backlog_flush() */
	uint32_t flush_done;   /* [a] */
	int64_t mem;           /* [t] not yet in mem_global */
};
static DEFINE_PER_CPU(struct net_cpu, net_cpu);
DEFINE_PER_CPU(struct net_section, net_section);
DEFINE_PER_CPU(uint64_t[MIB_COUNT], net_mib);

struct net net_initial = {
	.ino = 4026531840, /* the first number that namespaces have */
	.lock = SPINLOCK_INIT("net"),
	.devices = LIST_INIT(net_initial.devices),
	.next_ifindex = 1,
	.taps = LIST_INIT(net_initial.taps),
};
static atomic64_t mem_global;
static int64_t mem_limit;
static uint64_t backlog_bytes_max; /* of one CPU */
static atomic_t tstamp_users;
static struct wait_queue flush_wait = WAIT_QUEUE_INIT(flush_wait);

static void thread_wake(struct net_cpu *c)
{
	struct task *t = READ_ONCE(c->thread);

	if (t)
		(void)task_wake(t, TASK_INTERRUPTIBLE);
}

/* ---- sections ---- */

void net_enter(void)
{
	rcu_read_lock();
	this_cpu(net_section).depth++;
}

/* Hand on what is in the backlog (what that adds is handled too, up to a limit) and ring the
 * doorbells. */
static void __noinline finish_work(struct net_section *s)
{
	struct net_cpu *c = this_cpu_ptr(net_cpu);
	unsigned budget = DRAIN_MAX;

	while (s->work) {
		struct pkt *p;

		s->work = 0;
		while (budget && (p = pkt_dequeue(&c->backlog))) {
			netdev_deliver(p);
			if (unlikely(!(--budget % DRAIN_STEP) && need_resched()))
				budget = 0;
		}
		xmit_flush();
		if (unlikely(!budget && c->backlog.count)) {
			thread_wake(c);
			break;
		}
	}
}

void net_exit(void)
{
	struct net_section *s = this_cpu_ptr(net_section);

	ASSERT(s->depth);
	if (s->depth == 1 && s->work)
		finish_work(s);
	s->depth--;
	rcu_read_unlock();
}

void net_backlog(struct pkt *p)
{
	struct net_cpu *c = this_cpu_ptr(net_cpu);
	struct net_section *s = this_cpu_ptr(net_section);

	ASSERT(s->depth);
	if (unlikely(c->backlog.count >= BACKLOG_MAX || c->backlog.bytes >= backlog_bytes_max)) {
		p->dev->pcpu[cpu_id()].rx_dropped++;
		pkt_free(p);
		return;
	}
	if (unlikely(net_tstamp_wanted()) && !p->tstamp_ns)
		p->tstamp_ns = (uint64_t)realtime_ns();
	pkt_enqueue(&c->backlog, p);
	c->queued++;
	s->work |= NET_WORK_BACKLOG;
}

void net_backlog_flush(void)
{
	unsigned cpu;

	might_sleep();
	for_each_online_cpu (cpu) {
		struct net_cpu *c = per_cpu_ptr(net_cpu, cpu);
		uint32_t number;

		if (!c->thread)
			continue;
		number = __atomic_add_fetch(&c->flush_wanted, 1, __ATOMIC_SEQ_CST);
		thread_wake(c);
		wait_event(&flush_wait,
			(int32_t)(__atomic_load_n(&c->flush_done, __ATOMIC_ACQUIRE) - number) >= 0);
	}
}

/* ---- polls ---- */

void net_poll_init(struct net_poll *np, unsigned cpu, unsigned (*poll)(struct net_poll *, unsigned))
{
	list_init(&np->node);
	np->state = 0;
	np->cpu = cpu;
	np->poll = poll;
}

static void poll_queue(struct net_poll *np)
{
	struct net_cpu *c = per_cpu_ptr(net_cpu, np->cpu);
	unsigned long f = spin_lock_irq(&c->lock);

	list_add_tail(&np->node, &c->polls);
	spin_unlock_irq(&c->lock, f);
	thread_wake(c);
}

bool net_poll_schedule(struct net_poll *np)
{
	uint32_t s = __atomic_load_n(&np->state, __ATOMIC_RELAXED), next;

	do {
		if (s & POLL_DISABLED)
			return false;
		next = s & POLL_SCHEDULED ? s | POLL_AGAIN : s | POLL_SCHEDULED;
	} while (!__atomic_compare_exchange_n(
		&np->state, &s, next, true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	if (s & POLL_SCHEDULED)
		return false;
	poll_queue(np);
	return true;
}

void net_poll_disable(struct net_poll *np)
{
	might_sleep();
	__atomic_fetch_or(&np->state, POLL_DISABLED, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&np->state, __ATOMIC_ACQUIRE) & POLL_SCHEDULED)
		sleep_uninterruptible_ns(100 * NSEC_PER_USEC);
}

void net_poll_enable(struct net_poll *np)
{
	__atomic_fetch_and(&np->state, ~(uint32_t)POLL_DISABLED, __ATOMIC_SEQ_CST);
}

/* The poll function is done, or disabled. True: it was scheduled again meanwhile. */
static bool poll_finish(struct net_poll *np)
{
	uint32_t s = __atomic_load_n(&np->state, __ATOMIC_RELAXED), next;

	do {
		bool again = (s & POLL_AGAIN) && !(s & POLL_DISABLED);

		next = again ? s & ~(uint32_t)POLL_AGAIN : s & POLL_DISABLED;
	} while (!__atomic_compare_exchange_n(
		&np->state, &s, next, true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return next & POLL_SCHEDULED;
}

/* Each poll that is scheduled now, once. */
static void run_polls(struct net_cpu *c)
{
	LIST_HEAD(now);
	unsigned long f = spin_lock_irq(&c->lock);

	list_splice_tail(&c->polls, &now);
	spin_unlock_irq(&c->lock, f);
	while (!list_empty(&now)) {
		struct net_poll *np = list_first(&now, struct net_poll, node);
		bool is_off = __atomic_load_n(&np->state, __ATOMIC_ACQUIRE) & POLL_DISABLED;
		bool has_more = false;

		list_del(&np->node);
		if (!is_off) {
			net_enter();
			has_more = np->poll(np, POLL_BUDGET) >= POLL_BUDGET;
			netdev_rx_flush();
			net_exit();
		}
		/* once finished it may be scheduled by others, or be freed */
		if (has_more || poll_finish(np))
			poll_queue(np);
		cond_resched();
	}
}

/* ---- timers ---- */

static void timer_fired(struct timer *inner);

void net_timer_init(struct net_timer *t, void (*fn)(struct net_timer *))
{
	timer_init(&t->timer, timer_fired);
	list_init(&t->node);
	t->deadline_ns = 0;
	t->state = NT_IDLE;
	spin_init(&t->lock);
	t->fn = fn;
}

/* Interrupt context. */
static void timer_fired(struct timer *inner)
{
	struct net_timer *t = container_of(inner, struct net_timer, timer);
	struct net_cpu *c = NULL;
	uint64_t wanted;

	spin_lock(&t->lock);
	if (t->state == NT_ARMED) {
		WRITE_ONCE(t->state, NT_FIRING);
		smp_mb(); /* pairs with that in net_timer_arm() */
		wanted = READ_ONCE(t->deadline_ns);
		if (wanted <= clock_ns()) {
			if (timer_pending(&t->timer)) /* armed for the past while we came here */
				(void)timer_cancel(&t->timer);
			WRITE_ONCE(t->state, NT_EXPIRED);
			c = this_cpu_ptr(net_cpu);
			spin_lock(&c->lock);
			list_add_tail(&t->node, &c->timers);
			spin_unlock(&c->lock);
		} else if (wanted == UINT64_MAX) {
			WRITE_ONCE(t->state, NT_PARKED);
		} else {
			WRITE_ONCE(t->state, NT_ARMED);
			timer_arm(&t->timer, wanted);
		}
	}
	spin_unlock(&t->lock); /* the timer may be gone from here on */
	if (c)
		thread_wake(c);
}

/*
 * ->lock held, state NT_EXPIRED: off the list that it expired to, which is that of the CPU where
 * the inner timer fired. False: the thread has just taken it (it changes the state under the list's
 * lock alone, so that a timer it has not taken cannot go while it looks at it).
 */
static bool unlist(struct net_timer *t)
{
	struct net_cpu *c = per_cpu_ptr(net_cpu, t->timer.base);
	bool is_listed;

	spin_lock(&c->lock);
	is_listed = t->state == NT_EXPIRED;
	if (is_listed) {
		list_del(&t->node);
		t->state = NT_IDLE;
	}
	spin_unlock(&c->lock);
	return is_listed;
}

static bool arm_slow(struct net_timer *t, uint64_t deadline_ns)
{
	unsigned long f = spin_lock_irq(&t->lock);
	bool was_pending = t->state == NT_EXPIRED ? unlist(t) : t->state != NT_IDLE;

	WRITE_ONCE(t->deadline_ns, deadline_ns);
	WRITE_ONCE(t->state, NT_ARMED);
	timer_arm(&t->timer, deadline_ns);
	spin_unlock_irq(&t->lock, f);
	return !was_pending;
}

bool net_timer_arm(struct net_timer *t, uint64_t deadline_ns)
{
	if (READ_ONCE(t->state) == NT_ARMED && deadline_ns >= READ_ONCE(t->timer.deadline_ns)) {
		WRITE_ONCE(t->deadline_ns, deadline_ns);
		smp_mb(); /* either expiry sees the new deadline, or we its change of state */
		if (READ_ONCE(t->state) == NT_ARMED &&
			deadline_ns >= READ_ONCE(t->timer.deadline_ns))
			return false;
	}
	return arm_slow(t, deadline_ns);
}

bool net_timer_cancel(struct net_timer *t)
{
	unsigned long f;
	bool in_flight, was_pending;

	if (READ_ONCE(t->state) == NT_IDLE)
		return false;
	f = spin_lock_irq(&t->lock);
	was_pending = t->state == NT_EXPIRED ? unlist(t) : t->state != NT_IDLE;
	in_flight = t->state == NT_ARMED && !timer_cancel(&t->timer);
	WRITE_ONCE(t->state, NT_IDLE);
	spin_unlock_irq(&t->lock, f);
	if (in_flight) /* on another CPU it waits for the lock: let it pass before the timer goes */
		timer_cancel_sync(&t->timer);
	return was_pending;
}

bool net_timer_pending(const struct net_timer *t)
{
	return READ_ONCE(t->state) != NT_IDLE;
}

static struct net_timer *timer_take(struct net_cpu *c)
{
	struct net_timer *t = NULL;
	unsigned long f;

	if (list_empty(&c->timers))
		return NULL;
	f = spin_lock_irq(&c->lock);
	if (!list_empty(&c->timers)) {
		t = list_first(&c->timers, struct net_timer, node);
		list_del(&t->node);
		WRITE_ONCE(t->state, NT_IDLE); /* see unlist() */
	}
	spin_unlock_irq(&c->lock, f);
	return t;
}

static void run_timers(struct net_cpu *c)
{
	for (unsigned n = 1; n <= TIMERS_ROUND; n++) {
		struct net_timer *t = timer_take(c);

		if (!t)
			return;
		t->fn(t);
		if (!(n % DRAIN_STEP) && need_resched())
			return;
	}
}

/* ---- threads ---- */

static bool has_work(struct net_cpu *c)
{
	return !list_empty(&c->polls) || !list_empty(&c->timers) || c->backlog.count ||
	       READ_ONCE(c->flush_wanted) != c->flush_done;
}

/* A round begins: what is in the backlog now was there when the flush was asked for. */
static void flush_begin(struct net_cpu *c)
{
	uint32_t wanted = __atomic_load_n(&c->flush_wanted, __ATOMIC_SEQ_CST);

	if (c->flush_seen != c->flush_done || wanted == c->flush_done)
		return;
	c->flush_seen = wanted;
	c->flush_at = c->queued;
}

static void flush_end(struct net_cpu *c)
{
	uint32_t handled = c->queued - c->backlog.count;

	if (c->flush_seen == c->flush_done || (int32_t)(handled - c->flush_at) < 0)
		return;
	__atomic_store_n(&c->flush_done, c->flush_seen, __ATOMIC_SEQ_CST);
	wake_up_all(&flush_wait);
}

bool net_round(void)
{
	struct net_cpu *c = this_cpu_ptr(net_cpu);

	flush_begin(c);
	if (!list_empty(&c->timers)) {
		net_enter();
		run_timers(c);
		net_exit();
	}
	run_polls(c);
	if (c->backlog.count) {
		net_enter();
		this_cpu(net_section).work |= NET_WORK_BACKLOG;
		net_exit();
	}
	flush_end(c);
	return has_work(c);
}

static void netd(void *arg)
{
	unsigned cpu = (unsigned)(uintptr_t)arg;
	struct net_cpu *c = per_cpu_ptr(net_cpu, cpu);
	int err = sched_set_affinity(current, (struct cpumask){1ull << cpu});

	PANIC_ON(err); /* threads are made for CPUs that are online */
	sched_set_nice(current, NETD_NICE);
	sched_set_slice(current, NETD_SLICE);
	smp_store_release(&c->thread, current);
	for (;;) {
		while (net_round())
			cond_resched();
		__atomic_store_n(&current->state, TASK_INTERRUPTIBLE, __ATOMIC_SEQ_CST);
		if (has_work(c))
			WRITE_ONCE(current->state, TASK_RUNNING);
		schedule();
	}
}

void net_core_init(void)
{
	struct mem_stats m;
	unsigned cpu;

	for (cpu = 0; cpu < cpu_count(); cpu++) {
		struct net_cpu *c = per_cpu_ptr(net_cpu, cpu);

		spin_init(&c->lock);
		list_init(&c->polls);
		list_init(&c->timers);
		pkt_queue_init(&c->backlog);
	}
	mem_stats(&m);
	mem_limit = (int64_t)(m.total * PAGE_SIZE / MEM_SHARE);
	backlog_bytes_max = (uint64_t)mem_limit / BACKLOG_PART / cpu_count();
	pkt_init();
	netdev_init();
}

void net_threads_start(void)
{
	unsigned cpu;

	for_each_online_cpu (cpu) {
		char name[16];

		snprintf(name, sizeof(name), "netd/%u", cpu);
		if (kthread_run(netd, (void *)(uintptr_t)cpu, name))
			panic("no memory for %s", name);
	}
}

/* ---- memory ---- */

bool net_mem_charge(uint64_t bytes)
{
	struct net_cpu *c = this_cpu_ptr(net_cpu);

	if (unlikely(atomic64_read(&mem_global) > mem_limit))
		return false;
	c->mem += (int64_t)bytes;
	if (unlikely(c->mem > MEM_BATCH)) {
		atomic64_add(&mem_global, c->mem);
		c->mem = 0;
	}
	return true;
}

void net_mem_uncharge(uint64_t bytes)
{
	struct net_cpu *c = this_cpu_ptr(net_cpu);

	c->mem -= (int64_t)bytes;
	if (unlikely(c->mem < -MEM_BATCH)) {
		atomic64_add(&mem_global, c->mem);
		c->mem = 0;
	}
}

bool net_mem_pressure(void)
{
	return atomic64_read(&mem_global) > mem_limit / 4 * 3;
}

uint64_t net_mem_used(void)
{
	int64_t n = atomic64_read(&mem_global);
	unsigned cpu;

	for_each_online_cpu (cpu)
		n += READ_ONCE(per_cpu_ptr(net_cpu, cpu)->mem);
	return n > 0 ? (uint64_t)n : 0;
}

/* ---- counters, time stamps ---- */

uint64_t mib_read(enum net_mib_id id)
{
	uint64_t n = 0;
	unsigned cpu;

	for_each_online_cpu (cpu)
		n += READ_ONCE((*per_cpu_ptr(net_mib, cpu))[id]);
	return n;
}

void net_tstamp_get(void)
{
	atomic_inc(&tstamp_users);
}

void net_tstamp_put(void)
{
	atomic_dec(&tstamp_users);
}

bool net_tstamp_wanted(void)
{
	return atomic_read(&tstamp_users) > 0;
}
