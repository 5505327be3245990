/*
 * smp.c - starting the other processors, and calls between processors.
 *
 * A call: each CPU has one outgoing request {fn, arg, who has yet to run it} and one incoming word
 * that names the CPUs which want something of it. The sender sets its bit in each target's word and
 * interrupts those whose word was empty; a target takes its whole word and serves every sender. The
 * sender waits with interrupts on, so two that call each other serve each other. Spec: SDM vol
 * 3, 8.4.4 (INIT-SIPI-SIPI).
 */
#include <arch/clock.h>
#include <arch/smp.h>
#include <arch/upcalls.h>
#include <debug.h>
#include <log.h>
#include <page.h>
#include <spinlock.h>
#include <string.h>
#include "acpi_tables.h"
#include "apic.h"
#include "room.h"
#include "x86.h"

#define AP_STACK_PAGES (KSTACK_BYTES / PAGE_SIZE)
#define MAX_AREA_PAGES 64u

extern const char trampoline[], trampoline_end[], trampoline_args[];
struct trampoline_args { /* trampoline.S */
	uint32_t entry32;
	uint16_t cs32, pad0;
	uint32_t entry64;
	uint16_t cs64, pad1;
	uint16_t gdt_limit;
	uint32_t gdt_base;
	uint16_t pad2;
	uint64_t cr3, gs_base, stack, entry;
} __packed;
static_assert(offsetof(struct trampoline_args, cr3) == 24, "trampoline.S");

struct call {
	void (*fn)(void *);
	void *arg;
	uint64_t pending;
};
static DEFINE_PER_CPU(struct call, call_);
static DEFINE_PER_CPU(uint64_t, call_from_);

static uint32_t ap_ready;      /* number of the processor that reported last */
static uint64_t ap_started_ns; /* clock_ns() of the starter just before; the started one must not be
				  behind */

void smp_kick(unsigned cpu)
{
	if (cpu != cpu_id())
		apic_send(per_cpu(apic_id_, cpu), VEC_KICK);
}

#if CONFIG_DEBUG
#define CALL_TRIES 20000000u /* seconds; a processor that was not run meanwhile counts little */
#else
#define CALL_TRIES 0u
#endif

static void wait_answers(const struct call *c)
{
	unsigned tries = 0;

	while (__atomic_load_n(&c->pending, __ATOMIC_ACQUIRE)) {
		cpu_relax();
		if (CALL_TRIES && ++tries == CALL_TRIES) {
			log_at(LOG_WARNING, "WARNING: processors %#lx do not answer a call",
				c->pending);
			report_cpus();
		}
	}
}

void smp_call(struct cpumask mask, void (*fn)(void *), void *arg)
{
	unsigned me = cpu_id();
	unsigned n = cpu_count();
	uint64_t others = mask.bits & ~(1ull << me) & (n == 64 ? ~0ull : (1ull << n) - 1);
	struct call *c = this_cpu_ptr(call_);
	unsigned cpu;

	if (others) {
		ASSERT(!irqs_off() && !in_interrupt());
		lockdep_smp_call();
		c->fn = fn;
		c->arg = arg;
		__atomic_store_n(&c->pending, others, __ATOMIC_RELEASE);
		for_each_cpu_in(cpu,
			(struct cpumask){
				others}) if (!__atomic_fetch_or(per_cpu_ptr(call_from_, cpu),
						     1ull << me, __ATOMIC_SEQ_CST))
			apic_send(per_cpu(apic_id_, cpu), VEC_CALL);
	}
	if (mask.bits >> me & 1) {
		unsigned long flags = irq_save();

		fn(arg);
		irq_restore(flags);
	}
	if (others)
		wait_answers(c);
}

void smp_call_interrupt(void)
{
	struct cpumask from = {__atomic_exchange_n(this_cpu_ptr(call_from_), 0, __ATOMIC_SEQ_CST)};
	unsigned cpu;

	for_each_cpu_in(cpu, from)
	{
		struct call *c = per_cpu_ptr(call_, cpu);

		c->fn(c->arg);
		__atomic_fetch_and(&c->pending, ~(1ull << cpu_id()), __ATOMIC_RELEASE);
	}
}

/* On the new processor: stack and gs base are its own. */
void smp_ap_start(void)
{
	unsigned cpu = cpu_id();

	cpu_enable_features();
	desc_init_cpu();
	tlb_init_cpu();
	apic_init_cpu();
	clock_init_cpu();
	if (clock_ns() < ap_started_ns)
		log_warn("cpu %u: its time-stamp counter is %lu ns behind", cpu,
			ap_started_ns - clock_ns());
	__atomic_store_n(&ap_ready, cpu, __ATOMIC_RELEASE);
	arch_upcalls.cpu_start(cpu);
	__builtin_unreachable();
}

/* A copy of the template for @cpu; false: no memory. */
static bool area_alloc(unsigned cpu)
{
	size_t bytes = (size_t)(__percpu_end - __percpu_start);
	unsigned n = (unsigned)DIV_ROUND_UP(bytes, PAGE_SIZE);
	pfn_t pfn[MAX_AREA_PAGES] = {0};
	char *area = NULL;
	unsigned got = 0;

	PANIC_ON(n > MAX_AREA_PAGES);
	while (got < n) {
		struct page *p = page_alloc(0, GFP_KERNEL);

		if (!p)
			break;
		pfn[got++] = page_to_pfn(p);
	}
	if (got == n)
		area = vmap_pages(pfn, n);
	if (!area) {
		while (got)
			page_free(pfn_to_page(pfn[--got]), 0);
		return false;
	}
	memcpy(area, __percpu_start, bytes);
	percpu_offsets_[cpu] = (uintptr_t)area - (uintptr_t)__percpu_start;
	per_cpu(percpu_offset_, cpu) = percpu_offsets_[cpu];
	per_cpu(cpu_id_, cpu) = cpu;
	return true;
}

static bool wait_ready(unsigned cpu, unsigned ms)
{
	uint64_t until = clock_ns() + ms * 1000000ull;

	while (__atomic_load_n(&ap_ready, __ATOMIC_ACQUIRE) != cpu) {
		if (clock_ns() > until)
			return false;
		cpu_relax();
	}
	return true;
}

static bool start_one(unsigned cpu, uint32_t apic_id)
{
	struct trampoline_args *a = phys_to_virt(
		boot_trampoline + (paddr_t)(trampoline_args - trampoline));
	char *stack = stack_alloc(AP_STACK_PAGES);

	if (!stack || (!percpu_offsets_[cpu] && !area_alloc(cpu))) {
		log_err("cpu %u: no memory to start it", cpu);
		return false;
	}
	per_cpu(apic_id_, cpu) = apic_id;
	memcpy(phys_to_virt(boot_trampoline), trampoline, (size_t)(trampoline_end - trampoline));
	a->entry32 += (uint32_t)boot_trampoline;
	a->entry64 += (uint32_t)boot_trampoline;
	a->gdt_base += (uint32_t)boot_trampoline;
	a->cr3 = image_to_phys(boot_pml4);
	a->gs_base = percpu_offsets_[cpu];
	a->stack = (uintptr_t)stack + AP_STACK_PAGES * PAGE_SIZE;
	a->entry = (uintptr_t)smp_ap_start;
	ap_started_ns = clock_ns();
	apic_send(apic_id, APIC_INIT);
	clock_delay_us(200);
	for (unsigned i = 0; i < 2; i++) {
		apic_send(apic_id, APIC_STARTUP | (uint32_t)(boot_trampoline >> 12));
		if (wait_ready(cpu, i ? 1000 : 20))
			return true;
	}
	log_err("cpu %u (APIC %u) does not start", cpu,
		apic_id); /* its stack and area stay: it may yet wake up */
	return false;
}

static void start_next(uint32_t apic_id, uint32_t flags)
{
	unsigned cpu = cpu_online_count;

	if (!(flags & 1) || apic_id == this_cpu(apic_id_) || cpu >= MAX_CPUS)
		return;
	if (start_one(cpu, apic_id))
		__atomic_store_n(&cpu_online_count, cpu + 1, __ATOMIC_RELEASE);
}

void smp_start_all(void)
{
	uint64_t start = clock_ns();

	if (!boot_trampoline)
		log_warn("smp: no memory below 1 MiB; one processor");
	for (const struct madt_entry *e = NULL; boot_trampoline && (e = madt_next(e, MADT_LAPIC));)
		if (e->length >= 8)
			start_next(e->lapic.apic_id, e->lapic.flags);
	for (const struct madt_entry *e = NULL; boot_trampoline && (e = madt_next(e, MADT_X2APIC));)
		if (e->length >= 16 && cpu_has.x2apic && e->x2apic.apic_id > 254)
			start_next(e->x2apic.apic_id, e->x2apic.flags);
	log_info("smp: %u processors in %lu us", cpu_count(), (clock_ns() - start) / 1000);
}
