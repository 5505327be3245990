/*
 * lockdep.c - the lock checker of the debug kernel.
 *
 * Every lock belongs to a class (the place that initialises it). Taking b while holding a notes the
 * edge a -> b for ever; an edge that closes a circle is a deadlock waiting for its moment, reported
 * the first time the second order is seen, whether or not it hangs. Also: a class taken in
 * interrupt handlers must never be taken with interrupts on; nothing may sleep with a spinlock held
 * or in an RCU section; a task returns to user mode without locks. And who waits for other
 * processors to take a call (TLB flush) holding a spinlock waits for ever if one of them waits for
 * that lock, or for one under which it is taken, with interrupts off. Held locks: of a task in
 * task->held; of interrupt handlers (and before the first task) in a per-CPU stack. A report prints
 * what is held and a backtrace, then panics. Does not: follow locks whose class lies on a stack
 * (short-lived wait queues), nor order taken by trylock.
 */
#include "lockdep.h"

#if CONFIG_DEBUG
#include <arch/task.h>
#include <bitmap.h>
#include <debug.h>
#include <log.h>
#include <rcu.h>
#include <task.h>
#include "rq.h"

#define MAX_CLASSES 512u
#define MAX_HELD    16u
#define MAX_NESTED  128u

/* What one context holds; the layout of task->held[]. */
struct held_stack {
	struct {
		const void *lock;
		uint16_t cls;
		bool sleeping;
	} held[MAX_HELD];
	uint32_t nr;
};

static struct lock_class *classes[MAX_CLASSES];
static uint32_t nr_classes = 1; /* 0: no class */
static DECLARE_BITMAP(
	after[MAX_CLASSES], MAX_CLASSES); /* after[a] has b: b was taken while a was held */
static DECLARE_BITMAP(in_irq, MAX_CLASSES);
static DECLARE_BITMAP(irqs_on, MAX_CLASSES);
static DECLARE_BITMAP(irqs_were_off, MAX_CLASSES); /* waited for with interrupts off */
static DECLARE_BITMAP(over_calls, MAX_CLASSES);    /* spinlocks held while others are called */
static uint32_t graph_lock; /* below all locks that it watches, hence not one of them */
static bool off;            /* after a report */
static DEFINE_PER_CPU(struct held_stack, irq_held);

static struct {
	struct lock_class *base;
	unsigned subclass;
	struct lock_class cls;
} nested[MAX_NESTED];
static uint32_t nr_nested;

static unsigned long graph_enter(void)
{
	unsigned long f = irq_save();

	while (__atomic_exchange_n(&graph_lock, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
	return f;
}

static void graph_leave(unsigned long f)
{
	__atomic_store_n(&graph_lock, 0, __ATOMIC_RELEASE);
	irq_restore(f);
}

/* ---- the locks held here; one view over both kinds of stack ---- */

#define SLOT_BYTES sizeof(((struct held_stack *)0)->held[0])
static_assert(sizeof(((struct task *)0)->held) == sizeof(((struct held_stack *)0)->held),
	"task->held has this layout");

static struct held_stack *irq_stack(void)
{
	return this_cpu_ptr(irq_held);
}
static bool use_irq_stack(void)
{
	return in_interrupt() || !current;
}
static uint32_t *held_nr(void)
{
	return use_irq_stack() ? &irq_stack()->nr : &current->nr_held;
}
static __typeof__(((struct held_stack *)0)->held[0]) *held_at(unsigned i)
{
	void *first = use_irq_stack() ? (void *)irq_stack()->held : (void *)current->held;

	return (void *)((char *)first + i * SLOT_BYTES);
}

static const char *class_name(unsigned id)
{
	return id && classes[id] ? classes[id]->name : "(no class)";
}

static void print_held(void)
{
	unsigned i, n = *held_nr();

	for (i = 0; i < n; i++)
		log_at(LOG_EMERG, "  held: %s (%p)%s", class_name(held_at(i)->cls),
			held_at(i)->lock, held_at(i)->sleeping ? ", sleeping" : "");
}

static void __noreturn report(const char *what, unsigned a, unsigned b)
{
	off = true;
	print_held();
	panic("lock checker: %s: %s, %s", what, class_name(a), class_name(b));
}

/* ---- classes ---- */

/* A class on the current stack dies with its function; it gets no number. */
static bool is_on_stack(const void *p)
{
	return (uintptr_t)p - (uintptr_t)__builtin_frame_address(0) < KSTACK_BYTES;
}

static unsigned class_id(struct lock_class *c)
{
	unsigned long f;

	if (!c)
		return 0;
	if (c->id || is_on_stack(c))
		return c->id;
	f = graph_enter();
	if (!c->id && nr_classes < MAX_CLASSES) {
		classes[nr_classes] = c;
		smp_store_release(&c->id, (uint16_t)nr_classes++);
	}
	graph_leave(f);
	return c->id;
}

struct lock_class *lockdep_subclass(struct lock_class *c, unsigned subclass)
{
	struct lock_class *found = c;
	unsigned long f;
	unsigned i;

	if (!c || !subclass)
		return c;
	f = graph_enter();
	for (i = 0; i < nr_nested; i++)
		if (nested[i].base == c && nested[i].subclass == subclass)
			break;
	if (i == nr_nested && nr_nested < MAX_NESTED) {
		nested[i].base = c;
		nested[i].subclass = subclass;
		nested[i].cls.name = c->name;
		nr_nested++;
	}
	if (i < nr_nested)
		found = &nested[i].cls;
	graph_leave(f);
	return found;
}

/* ---- order ---- */

/* The first class of @goals reachable from those of @from, or 0: depth first over a
 * bitmap of what was seen. graph_lock held. */
static unsigned reaches(const unsigned long *from, const unsigned long *goals)
{
	static unsigned long seen[BITS_TO_LONGS(MAX_CLASSES)];
	static uint16_t stack[MAX_CLASSES];
	unsigned n = 0, i;

	for (i = 0; i < ARRAY_SIZE(seen); i++)
		seen[i] = from[i];
	for (i = (unsigned)bitmap_find_set(seen, MAX_CLASSES, 0); i < MAX_CLASSES;
		i = (unsigned)bitmap_find_set(seen, MAX_CLASSES, i + 1))
		stack[n++] = (uint16_t)i;
	while (n) {
		unsigned a = stack[--n], b;

		if (bit_test(goals, a))
			return a;
		for (b = (unsigned)bitmap_find_set(after[a], MAX_CLASSES, 0); b < MAX_CLASSES;
			b = (unsigned)bitmap_find_set(after[a], MAX_CLASSES, b + 1)) {
			if (bit_test(seen, b))
				continue;
			bit_set(seen, b);
			stack[n++] = (uint16_t)b;
		}
	}
	return 0;
}

static bool one_reaches(unsigned from, unsigned to)
{
	static unsigned long start[BITS_TO_LONGS(MAX_CLASSES)], goal[BITS_TO_LONGS(MAX_CLASSES)];
	bool yes;

	bit_set(start, from);
	bit_set(goal, to);
	yes = reaches(start, goal) != 0;
	bit_clear(start, from);
	bit_clear(goal, to);
	return yes;
}

/* After a new edge or mark. graph_lock held; the class that was found, or 0. */
static unsigned find_call_deadlock(void)
{
	return reaches(irqs_were_off, over_calls);
}

static void report_call_deadlock(unsigned found)
{
	if (found)
		report("held while other processors are called, and waited for elsewhere with "
		       "interrupts off",
			found, 0);
}

static void mark(unsigned long *map, unsigned id)
{
	unsigned long f;
	unsigned found;

	if (!id || bit_test(map, id))
		return;
	f = graph_enter();
	bit_set(map, id);
	found = find_call_deadlock();
	graph_leave(f);
	report_call_deadlock(found);
}

static void check_edge(unsigned a, unsigned b)
{
	unsigned long f;
	unsigned found = 0;
	bool circle;

	if (!a || !b || bit_test(after[a], b))
		return;
	if (a == b)
		report("taken while one of the same class is held", a, b);
	f = graph_enter();
	circle = one_reaches(b, a);
	if (!circle) {
		bit_set(after[a], b);
		found = find_call_deadlock();
	}
	graph_leave(f);
	report_call_deadlock(found);
	if (circle)
		report("order inversion: the second is held elsewhere when the first is taken", b,
			a);
}

static void check_interrupts(unsigned id)
{
	bool irq = in_interrupt();

	if (irqs_off())
		mark(irqs_were_off, id);
	if (!irq && irqs_off())
		return;
	if (bit_test(irq ? in_irq : irqs_on, id))
		return;
	bit_set_atomic(irq ? in_irq : irqs_on, id);
	if (bit_test(irq ? irqs_on : in_irq, id))
		report("taken in interrupt handlers, and elsewhere with interrupts on", id, 0);
}

void lockdep_acquire(const void *lock, struct lock_class *c, bool sleeping, bool trylock)
{
	unsigned long f;
	unsigned id, i, n;

	if (off)
		return;
	id = class_id(c);
	f = irq_save(); /* the CPU must not change between finding the stack and using it, nor an
			   interrupt look at half an entry */
	n = *held_nr();
	if (n == MAX_HELD)
		report("too many locks held", id, 0);
	for (i = 0; i < n; i++)
		if (held_at(i)->lock == lock && !sleeping)
			report("a spinlock that is held already", id, 0);
	if (!trylock)
		for (i = 0; i < n; i++)
			check_edge(held_at(i)->cls, id);
	held_at(n)->lock = lock;
	held_at(n)->cls = (uint16_t)id;
	held_at(n)->sleeping = sleeping;
	*held_nr() = n + 1;
	irq_restore(f);
	if (id && !sleeping && !trylock)
		check_interrupts(id);
}

void lockdep_release(const void *lock)
{
	unsigned long f;
	unsigned i, n;

	if (off)
		return;
	f = irq_save();
	n = i = *held_nr();
	while (i && held_at(i - 1)->lock != lock)
		i--;
	if (!i)
		report("unlock of a lock that this context does not hold", 0, 0);
	for (; i < n; i++)
		*held_at(i - 1) = *held_at(i);
	*held_nr() = n - 1;
	irq_restore(f);
}

void lockdep_smp_call(void)
{
	unsigned i;

	if (off || !current)
		return;
	for (i = 0; i < current->nr_held; i++)
		if (!current->held[i].sleeping)
			mark(over_calls, current->held[i].cls);
}

bool lockdep_held(const void *lock)
{
	unsigned long f = irq_save();
	unsigned i, n = *held_nr();
	bool found = off;

	for (i = 0; i < n; i++)
		found |= held_at(i)->lock == lock;
	irq_restore(f);
	return found;
}

void lockdep_assert_none(const char *where)
{
	if (!off && (current->nr_held || current->rcu_depth))
		report(where, current->nr_held ? current->held[current->nr_held - 1].cls : 0, 0);
}

void lockdep_may_sleep(const char *file, int line)
{
	unsigned i;

	if (off || !current)
		return;
	for (i = 0; i < current->nr_held && current->held[i].sleeping; i++)
		;
	if (i < current->nr_held)
		report("may sleep with a spinlock held", current->held[i].cls, 0);
	if (current->rcu_depth || in_interrupt() ||
		(irqs_off() && per_cpu(run_queue, 0).in_idle_loop)) {
		off = true;
		panic("%s:%d may sleep %s", file, line,
			current->rcu_depth ? "in an RCU section"
			: in_interrupt()   ? "in an interrupt"
					   : "with interrupts off");
	}
}

void rcu_read_lock(void)
{
	if (!in_interrupt() && current)
		current->rcu_depth++;
}

void rcu_read_unlock(void)
{
	if (in_interrupt() || !current)
		return;
	PANIC_ON(!current->rcu_depth);
	current->rcu_depth--;
}
#endif
