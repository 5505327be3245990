/*
 * irq.c - from vector to handler: device interrupts, their allocation and counts, and the dispatch
 * of all interrupts.
 *
 * A handle is an index into irqs[]. Each CPU has a table from vector to the first handle; lines of
 * one global system interrupt share a vector and are chained by ->next. Tables are written under
 * irq_lock and read by handlers without it: an entry is complete before the vector names it, and
 * irq_free() waits until no handler can still run.
 */
#include <arch/clock.h>
#include <arch/init.h>
#include <arch/irq.h>
#include <arch/smp.h>
#include <arch/upcalls.h>
#include <debug.h>
#include <error.h>
#include <log.h>
#include <spinlock.h>
#include "apic.h"
#include "room.h"

#define MAX_IRQS 512u /* 0 is nobody */

/* Key: [l] irq_lock  [h] the handler's CPU */
static struct irq {
	irq_handler_t fn; /* [l] */
	void *arg;        /* [l] */
	const char *name; /* [l] */
	uint64_t count;   /* [h] */
	unsigned cpu;     /* [l] */
	int gsi;          /* [l] -1: MSI */
	uint16_t next;    /* [l] another handler of the same line */
	uint8_t vector;   /* [l] */
	bool used;        /* [l] */
} irqs[MAX_IRQS];

static struct spinlock irq_lock = SPINLOCK_INIT("irq"); /* leaf; irq-save */
typedef uint16_t vector_table_t[256];
static DEFINE_PER_CPU(vector_table_t, vector_irq_);

static void device_interrupt(unsigned vec)
{
	unsigned h = (*this_cpu_ptr(vector_irq_))[vec];

	if (unlikely(!h))
		log_ratelimited(
			LOG_WARNING, "irq: vector %#x on cpu %u has no handler", vec, cpu_id());
	for (; h; h = irqs[h].next) {
		irqs[h].count++;
		irqs[h].fn(irqs[h].arg);
	}
	apic_eoi();
}

void irq_dispatch(struct frame *f, unsigned vec)
{
	bool from_user = frame_from_user(f);
	uint64_t began = clock_ns();

	this_cpu(irq_depth_)++;
	switch (vec) {
	case VEC_TIMER:
		apic_eoi();
		clock_timer_interrupt(from_user);
		break;
	case VEC_KICK:
		apic_eoi();
		break;
	case VEC_CALL:
		apic_eoi();
		smp_call_interrupt();
		break;
	case VEC_SPURIOUS:
		break;
	default:
		device_interrupt(vec);
		break;
	}
	if (--this_cpu(irq_depth_))
		return;
	if (arch_upcalls.irq_time)
		arch_upcalls.irq_time(clock_ns() - began);
	if ((from_user || this_cpu(idle_halting_)) && arch_upcalls.irq_exit)
		arch_upcalls.irq_exit();
}

static unsigned handle_alloc_locked(void)
{
	for (unsigned h = 1; h < MAX_IRQS; h++)
		if (!irqs[h].used)
			return h;
	return 0;
}

static unsigned vector_alloc_locked(unsigned cpu)
{
	const uint16_t *table = *per_cpu_ptr(vector_irq_, cpu);

	for (unsigned v = VEC_DEVICE_FIRST; v <= VEC_DEVICE_LAST; v++)
		if (!table[v])
			return v;
	return 0;
}

static void fill_locked(unsigned h, const struct irq *proto)
{
	irqs[h] = *proto;
	irqs[h].count = 0;
	irqs[h].used = true;
	smp_store_release(&(*per_cpu_ptr(vector_irq_, proto->cpu))[proto->vector], (uint16_t)h);
}

int irq_alloc_msi(unsigned cpu, irq_handler_t fn, void *arg, const char *name, struct irq_msi *msi)
{
	unsigned long flags;
	unsigned h, vector;

	if (cpu >= cpu_count())
		cpu = 0;
	flags = spin_lock_irq(&irq_lock);
	h = handle_alloc_locked();
	vector = vector_alloc_locked(cpu);
	if (h && vector)
		fill_locked(h, &(struct irq){.fn = fn,
				       .arg = arg,
				       .name = name,
				       .cpu = cpu,
				       .gsi = -1,
				       .vector = (uint8_t)vector});
	spin_unlock_irq(&irq_lock, flags);
	if (!h || !vector)
		return -ENOSPC;
	/* SDM vol 3, 10.11: fixed delivery, edge, physical destination */
	msi->address = 0xfee00000u | (uint64_t)(per_cpu(apic_id_, cpu) & 0xff) << 12;
	msi->data = vector;
	return (int)h;
}

static unsigned find_gsi_locked(unsigned gsi)
{
	for (unsigned h = 1; h < MAX_IRQS; h++)
		if (irqs[h].used && irqs[h].gsi == (int)gsi)
			return (*per_cpu_ptr(vector_irq_, irqs[h].cpu))[irqs[h].vector];
	return 0;
}

static int request_line(
	unsigned gsi, bool level, bool low, irq_handler_t fn, void *arg, const char *name)
{
	struct irq proto = {.fn = fn, .arg = arg, .name = name, .cpu = 0, .gsi = (int)gsi};
	unsigned long flags = spin_lock_irq(&irq_lock);
	unsigned first = find_gsi_locked(gsi);
	unsigned h = handle_alloc_locked();
	int err = 0;

	proto.vector = first ? irqs[first].vector : (uint8_t)vector_alloc_locked(0);
	proto.next = (uint16_t)first;
	if (!h || !proto.vector)
		err = -ENOSPC;
	else if (!first)
		err = ioapic_route(gsi, 0, 0, false, false);
	if (!err) {
		fill_locked(h, &proto);
		if (!first)
			err = ioapic_route(gsi, proto.vector, per_cpu(apic_id_, 0), level, low);
	}
	spin_unlock_irq(&irq_lock, flags);
	return err ? err : (int)h;
}

int irq_request_gsi(unsigned gsi, bool level_low, irq_handler_t fn, void *arg, const char *name)
{
	return request_line(gsi, level_low, level_low, fn, arg, name);
}

int irq_request_isa(unsigned isa, irq_handler_t fn, void *arg, const char *name)
{
	bool level, low;
	unsigned gsi;

	if (isa > 15)
		return -EINVAL;
	ioapic_isa(isa, &gsi, &level, &low);
	return request_line(gsi, level, low, fn, arg, name);
}

static void nothing(void *arg)
{
	(void)arg;
}

void irq_free(int handle)
{
	struct irq *q = &irqs[handle];
	unsigned long flags;
	uint16_t *at;

	if (handle <= 0 || handle >= (int)MAX_IRQS || !q->used)
		return;
	flags = spin_lock_irq(&irq_lock);
	at = &(*per_cpu_ptr(vector_irq_, q->cpu))[q->vector];
	if (q->gsi >= 0 && *at == handle && !q->next)
		(void)ioapic_route(
			(unsigned)q->gsi, 0, 0, false, false); /* it was routable when requested */
	while (*at != handle)
		at = &irqs[*at].next;
	*at = q->next;
	spin_unlock_irq(&irq_lock, flags);
	/* A handler runs with interrupts off: once its CPU answers, none is inside. */
	if (q->cpu != cpu_id())
		smp_call((struct cpumask){1ull << q->cpu}, nothing, NULL);
	flags = spin_lock_irq(&irq_lock);
	q->used = false;
	spin_unlock_irq(&irq_lock, flags);
}

bool irq_stat_get(unsigned handle, struct irq_stat *out)
{
	const struct irq *q = &irqs[handle];

	if (handle >= MAX_IRQS)
		return false;
	*out = (struct irq_stat){
		.name = q->name, .cpu = q->cpu, .count = q->count, .used = q->used};
	return true;
}

int arch_init_interrupts(void)
{
	int err = apic_init();

	return err ? err : ioapic_init();
}
