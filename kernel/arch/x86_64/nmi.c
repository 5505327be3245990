/*
 * nmi.c - what non-maskable interrupts are for: stopping processors at a panic, and asking where
 * one is that may have its interrupts off.
 *
 * One processor asks another at a time. The asked one writes its answer without any lock, because
 * the interrupt may have hit it inside any section. Spec: SDM vol 3, 6.7.
 */
#include <arch/clock.h>
#include <arch/cpu.h>
#include <log.h>
#include <string.h>
#include "apic.h"
#include "room.h"

#define MAX_TRACE 24u
#define ANSWER_NS 1000000000ull

enum { NOTHING, ASKED, ANSWERED };

static struct {
	uint32_t busy; /* somebody asks */
	uint32_t state;
	unsigned cpu; /* who is asked */
	unsigned n;
	uint64_t pc[MAX_TRACE];
} question;

static void answer(const struct frame *f)
{
	question.pc[0] = f->rip;
	question.n = 1;
	if (!frame_from_user(f))
		question.n += stack_trace(
			question.pc + 1, MAX_TRACE - 1, (const void *)(uintptr_t)f->rbp);
	__atomic_store_n(&question.state, ANSWERED, __ATOMIC_RELEASE);
}

void nmi_interrupt(struct frame *f)
{
	if (READ_ONCE(cpus_halting))
		cpu_halt_self();
	if (__atomic_load_n(&question.state, __ATOMIC_ACQUIRE) == ASKED && question.cpu == cpu_id())
		answer(f);
	else
		log_ratelimited(LOG_WARNING, "cpu %u: NMI, cause unknown", cpu_id());
}

unsigned cpu_trace(unsigned cpu, uint64_t *pc, unsigned max)
{
	uint64_t until;
	unsigned n = 0;

	if (cpu == cpu_id())
		return stack_trace(pc, max, NULL);
	while (__atomic_exchange_n(&question.busy, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
	question.cpu = cpu;
	__atomic_store_n(&question.state, ASKED, __ATOMIC_RELEASE);
	apic_send(per_cpu(apic_id_, cpu), APIC_NMI);
	until = clock_ns() + ANSWER_NS;
	while (__atomic_load_n(&question.state, __ATOMIC_ACQUIRE) != ANSWERED && clock_ns() < until)
		cpu_relax();
	if (__atomic_exchange_n(&question.state, NOTHING, __ATOMIC_ACQ_REL) == ANSWERED) {
		n = MIN(question.n, max);
		memcpy(pc, question.pc, n * sizeof(*pc));
	}
	__atomic_store_n(&question.busy, 0, __ATOMIC_RELEASE);
	return n;
}
