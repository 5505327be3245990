/*
 * net.h - where network code runs: net sections, the per-CPU network threads, timers; the namespace
 * that network state hangs off.
 *
 * Network code never runs in interrupt context. It runs in a net section: between net_enter() and
 * net_exit(), in task context, without sleeping. The kernel is not preempted, so a section keeps
 * its CPU and is an RCU read section; all locks of the stack are plain spinlocks (no irq), since
 * drivers' interrupt handlers do nothing but net_poll_schedule(). Packets that loop back are put on
 * this CPU's backlog and handled when the outermost section ends, with no locks held: so input
 * never runs inside output, and local traffic needs no thread switch. Each CPU has a thread,
 * netd/N, which polls devices, runs expired net timers and what was left over of a backlog.
 *
 * Theory: kernel/net/net.c
 */
#pragma once
#include <list.h>
#include <rcu.h>
#include <spinlock.h>
#include <timer.h>

struct pkt;
struct netdev;

/* Sections nest. No sleeping in between (the debug kernel checks). */
void net_enter(void);
void net_exit(void); /* the outermost one handles this CPU's backlog; no spinlock held then */

/* Give a received packet to the stack: it is handled on this CPU when the outermost section ends.
 * Consumes @p. In a section. A full backlog drops it and counts it. */
void net_backlog(struct pkt *p);
/* Sleeps until every packet that is in a backlog now has been handled. */
void net_backlog_flush(void);

/* A device's receive (and completion) queue, polled by the thread of its CPU while it has work. */
struct net_poll {
	struct list_head node; /* that CPU's list; its lock (irq) */
	uint32_t state;        /* [a] scheduled, disabled */
	uint32_t cpu;          /* constant */
	/* In a section. Handles at most @budget packets; fewer handled means done: the function has
	 * then switched the device's interrupt on again and looked once more. */
	unsigned (*poll)(struct net_poll *np, unsigned budget);
};
void net_poll_init(
	struct net_poll *np, unsigned cpu, unsigned (*poll)(struct net_poll *, unsigned));
/* Any context: from the interrupt handler, which has masked its source. False: disabled, or
 * scheduled already; while it runs it is remembered and polled again. */
bool net_poll_schedule(struct net_poll *np);
void net_poll_disable(struct net_poll *np); /* sleeps until it does not run and will not */
void net_poll_enable(struct net_poll *np);  /* what was scheduled while disabled is lost */

/*
 * Timers whose function runs in a net section on a network thread. Moving the deadline of a pending
 * timer later costs a store. net_timer_arm() returns true when it was not pending: the caller then
 * gives it a reference to the object; net_timer_cancel() returns true when it took a pending one
 * away: the caller gets that reference back; otherwise fn has it or will have it. A deadline of
 * UINT64_MAX silences the timer at the price of a store: it stays pending. The caller serialises
 * arming and cancelling of one timer (its object's lock, which fn takes too); neither may be done
 * with interrupts off.
 */
struct net_timer {
	struct timer timer;
	struct list_head node; /* expired, on a CPU's list; its lock (irq) */
	uint64_t deadline_ns;  /* [a] wanted; the queued one may be earlier */
	uint32_t state;        /* [lock] readers racy */
	struct spinlock lock;  /* irq; state against the expiry */
	void (*fn)(struct net_timer *t);
};
void net_timer_init(struct net_timer *t, void (*fn)(struct net_timer *));
bool net_timer_arm(struct net_timer *t, uint64_t deadline_ns);
bool net_timer_cancel(struct net_timer *t);
bool net_timer_pending(const struct net_timer *t);

/* Memory of all packets waiting in sockets and queues, against a limit that follows the size of
 * memory: false: over it, do not take more. Pair with net_mem_uncharge(). */
bool __must_check net_mem_charge(uint64_t bytes);
void net_mem_uncharge(uint64_t bytes);
bool net_mem_pressure(void); /* above three quarters: be frugal */
uint64_t net_mem_used(void);

/* Somebody wants pkt.tstamp_ns of what is received: from now on / no more. */
void net_tstamp_get(void);
void net_tstamp_put(void);

/* A network namespace: one at first. Rooms' own parts are reached through it. */
struct net_inet; /* kernel/net/inet.h: routes, addresses, port tables, sysctls */
struct net_unix; /* kernel/net/unix.c */
struct net {
	uint64_t ino;             /* of /proc/PID/ns/net */
	struct spinlock lock;     /* devices */
	struct list_head devices; /* [lock], RCU readers: struct netdev.node */
	uint32_t next_ifindex;    /* [lock] */
	uint32_t dev_gen;         /* [lock] bumped when a device comes, goes or changes */
	struct netdev *loopback;  /* constant */
	struct list_head taps;    /* RCU readers: packet sockets of all devices */
	struct net_inet *inet;
	struct net_unix *un;
};
extern struct net net_initial;
static inline struct net *net_current(void) /* of the current task */
{
	return &net_initial;
}

/* Counters shown by /proc/net/snmp and netstat: net_mib.h names them. */
void net_init(void); /* boot: protocols and loopback are there; before drivers */
