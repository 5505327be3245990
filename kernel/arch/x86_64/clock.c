/*
 * clock.c - time from the TSC, one-shot timer of the local APIC.
 *
 * The TSC's rate comes from CPUID where a hypervisor or crystal ratio names it, else it is measured
 * against the HPET or the PIT, twice, and the two results must agree. The APIC timer is measured in
 * the same windows. clock_ns() counts from the kernel's first instruction; before arch_init_clock()
 * it says 0. Spec: SDM vol 3, 10.5.4, 17.17; HPET 1.0a; 8254 datasheet. Does not: processors whose
 * TSCs run apart (a warning at start, smp.c).
 */
#include <arch/clock.h>
#include <arch/init.h>
#include <arch/io.h>
#include <arch/upcalls.h>
#include <debug.h>
#include <log.h>
#include <string.h>
#include "acpi_tables.h"
#include "apic.h"
#include "room.h"
#include "x86.h"

#define NS_PER_S  1000000000ull
#define WINDOW_NS 2000000ull
#define PIT_HZ    1193182ull

static uint64_t tsc_base;
static uint32_t tsc_mult, tsc_shift; /* ns = (tsc - base) * mult >> shift */
static uint64_t tsc_hz, apic_hz;
static uint64_t apic_per_ns;                      /* 32.32 */
static uint64_t tsc_per_ns;                       /* 32.32 */
static DEFINE_PER_CPU(uint64_t, timer_deadline_); /* UINT64_MAX: not armed */

uint64_t clock_ns(void)
{
	return (uint64_t)((unsigned __int128)(cycles() - tsc_base) * tsc_mult >> tsc_shift);
}

bool clock_get_params(struct clock_params *p)
{
	*p = (struct clock_params){
		.base = tsc_base, .mult = tsc_mult, .shift = tsc_shift, .base_ns = 0};
	return true;
}

void clock_delay_us(unsigned us)
{
	uint64_t until = clock_ns() + us * 1000ull;

	while (clock_ns() < until)
		cpu_relax();
}

/* A reference that counts upwards and wraps at 32 bits, or the PIT's one shot. */
static char *hpet;
static uint64_t hpet_fs; /* femtoseconds per tick */

struct sample {
	uint64_t tsc;
	uint32_t apic, ref;
};

/* The best of some tries: least time between the two TSC readings around the reference. */
static struct sample sample_hpet(void)
{
	struct sample best = {0};
	uint64_t least = ~0ull;

	for (unsigned i = 0; i < 5; i++) {
		uint64_t before = cycles();
		uint32_t ref = mmio_read32(hpet + 0xf0);
		uint64_t gap = cycles() - before;
		uint32_t apic = apic_read(APIC_TIMER_NOW);

		if (gap < least) {
			least = gap;
			best = (struct sample){before + gap / 2, apic, ref};
		}
	}
	return best;
}

static void rates(const struct sample *a, const struct sample *b, uint64_t ns)
{
	tsc_hz = (b->tsc - a->tsc) * NS_PER_S / ns;
	apic_hz = (uint64_t)(a->apic - b->apic) * NS_PER_S / ns;
}

static void window_hpet(void)
{
	struct sample a = sample_hpet();
	struct sample b;
	uint32_t ticks = (uint32_t)(WINDOW_NS * 1000000 / hpet_fs);

	while (mmio_read32(hpet + 0xf0) - a.ref < ticks)
		cpu_relax();
	b = sample_hpet();
	rates(&a, &b, (uint64_t)(b.ref - a.ref) * hpet_fs / 1000000);
}

/* Channel 2, mode 0: the output, visible in port 61h, rises when the count is done. */
static void window_pit(void)
{
	uint16_t count = (uint16_t)(PIT_HZ * WINDOW_NS / NS_PER_S);
	struct sample a, b;

	outb(0x61, (inb(0x61) & ~2) | 1);
	outb(0x43, 0xb0);
	outb(0x42, (uint8_t)count);
	outb(0x42, (uint8_t)(count >> 8));
	a = (struct sample){.tsc = cycles(), .apic = apic_read(APIC_TIMER_NOW)};
	while (!(inb(0x61) & 0x20))
		cpu_relax();
	b = (struct sample){.tsc = cycles(), .apic = apic_read(APIC_TIMER_NOW)};
	rates(&a, &b, count * NS_PER_S / PIT_HZ);
}

static void hpet_init(void)
{
	const struct acpi_hpet *t = acpi_find_table("HPET");

	if (!t || t->h.length < sizeof(*t) || t->addr.space != 0)
		return;
	hpet = ioremap(t->addr.addr, 1024, MMU_UNCACHED);
	if (!hpet)
		return;
	hpet_fs = mmio_read64(hpet) >> 32;
	if (hpet_fs < 1000000 ||
		hpet_fs > 100000000) { /* the specification allows at most 100 ns */
		hpet = NULL;
		return;
	}
	mmio_write64(hpet + 0x10, mmio_read64(hpet + 0x10) | 1);
}

static bool within(uint64_t a, uint64_t b, uint64_t parts)
{
	return (a > b ? a - b : b - a) <= b / parts;
}

static const char *measure(void)
{
	uint64_t last_tsc = 0;

	apic_write(APIC_TIMER_DIV, 0xb); /* by 1 */
	apic_write(APIC_LVT_TIMER, APIC_MASKED | VEC_TIMER);
	apic_write(APIC_TIMER_INIT, 0xffffffff);
	for (unsigned i = 0; i < 8; i++) {
		if (hpet)
			window_hpet();
		else
			window_pit();
		if (last_tsc && within(tsc_hz, last_tsc, 2000)) {
			tsc_hz = (tsc_hz + last_tsc) / 2;
			break;
		}
		last_tsc = tsc_hz;
	}
	apic_write(APIC_TIMER_INIT, 0);
	return hpet ? "HPET" : "PIT";
}

/* Rates that CPUID states: hypervisor leaf 40000010h in kHz, or the crystal's ratio. */
static bool rates_from_cpuid(void)
{
	uint32_t r[4];

	if (cpu_has.hypervisor && cpu_has.hyper_max >= 0x40000010 &&
		cpu_has.hyper_max < 0x40010000) {
		cpuid(0x40000010, 0, r);
		tsc_hz = r[0] * 1000ull;
		apic_hz = r[1] * 1000ull;
	} else if (cpu_has.max_leaf >= 0x15) {
		cpuid(0x15, 0, r);
		tsc_hz = r[0] ? (uint64_t)r[2] * r[1] / r[0] : 0;
		apic_hz = r[2];
	}
	return tsc_hz > 1000000 && (apic_hz || cpu_has.tsc_deadline);
}

static void set_scale(void)
{
	tsc_shift = 32;
	while ((NS_PER_S << tsc_shift) / tsc_hz > UINT32_MAX)
		tsc_shift--;
	tsc_mult = (uint32_t)((NS_PER_S << tsc_shift) / tsc_hz);
	tsc_per_ns = (tsc_hz << 20) / NS_PER_S << 12;
	apic_per_ns = (apic_hz << 20) / NS_PER_S << 12;
	tsc_base = boot_info.entry_cycles;
}

int clock_init_cpu(void)
{
	this_cpu(timer_deadline_) = UINT64_MAX;
	apic_write(APIC_TIMER_DIV, 0xb);
	apic_write(APIC_LVT_TIMER, VEC_TIMER | (cpu_has.tsc_deadline ? APIC_LVT_DEADLINE : 0));
	if (!cpu_has.tsc_deadline)
		apic_write(APIC_TIMER_INIT, 0);
	smp_mb(); /* SDM vol 3, 10.5.4.1: the memory-mapped LVT write before the first deadline */
	return 0;
}

static void program(uint64_t deadline_ns)
{
	uint64_t now = clock_ns();
	uint64_t delta = deadline_ns > now ? MIN(deadline_ns - now, 2 * NS_PER_S) : 0;

	if (cpu_has.tsc_deadline) {
		wrmsr(MSR_TSC_DEADLINE,
			cycles() + (uint64_t)((unsigned __int128)delta * tsc_per_ns >> 32) + 1);
	} else {
		uint64_t ticks = (uint64_t)((unsigned __int128)delta * apic_per_ns >> 32) + 1;

		apic_write(APIC_TIMER_INIT, (uint32_t)MIN(ticks, 0xffffffffull));
	}
}

void clock_set_timer(uint64_t deadline_ns)
{
	if (deadline_ns == this_cpu(timer_deadline_))
		return;
	this_cpu(timer_deadline_) = deadline_ns;
	if (deadline_ns != UINT64_MAX)
		program(deadline_ns);
	else if (cpu_has.tsc_deadline)
		wrmsr(MSR_TSC_DEADLINE, 0);
	else
		apic_write(APIC_TIMER_INIT, 0);
}

/* A long wait comes in pieces, and the APIC's clock may be a little fast: then the rest is armed
 * again. */
void clock_timer_interrupt(bool from_user)
{
	uint64_t deadline = this_cpu(timer_deadline_);

	if (deadline == UINT64_MAX)
		return;
	if (clock_ns() < deadline) {
		program(deadline);
		return;
	}
	this_cpu(timer_deadline_) = UINT64_MAX;
	arch_upcalls.timer(from_user);
}

int arch_init_clock(void)
{
	const char *how = "CPUID";

	hpet_init();
	if (!rates_from_cpuid())
		how = measure();
	if (tsc_hz < 1000000 || (!apic_hz && !cpu_has.tsc_deadline))
		panic("clock: no usable timer (TSC %lu Hz, APIC %lu Hz)", tsc_hz, apic_hz);
	set_scale();
	log_info("clock: TSC %lu.%03lu MHz by %s, timer %s", tsc_hz / 1000000, tsc_hz / 1000 % 1000,
		how, cpu_has.tsc_deadline ? "TSC deadline" : "APIC one-shot");
	return clock_init_cpu();
}
