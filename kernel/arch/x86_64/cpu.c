/*
 * cpu.c - what the processor is and has, and its control registers. Spec: SDM vol 2 CPUID, vol 3
 * ch. 2 and 11.12 (PAT).
 */
#include <arch/cpu.h>
#include <arch/io.h>
#include <log.h>
#include <printf.h>
#include <string.h>
#include "room.h"
#include "x86.h"

struct cpu_features cpu_has;
DEFINE_PER_CPU(unsigned, irq_depth_);
DEFINE_PER_CPU(bool, idle_halting_);
DEFINE_PER_CPU(uint64_t, percpu_offset_);
DEFINE_PER_CPU(unsigned, cpu_id_);
uint64_t percpu_offsets_[MAX_CPUS];
unsigned cpu_online_count = 1;

void syscall_entry(void);

static void identify_names(void)
{
	uint32_t r[4];
	uint32_t *out = (uint32_t *)cpu_has.model;

	cpuid(0, 0, r);
	cpu_has.max_leaf = r[0];
	memcpy(cpu_has.vendor, &r[1], 4);
	memcpy(cpu_has.vendor + 4, &r[3], 4);
	memcpy(cpu_has.vendor + 8, &r[2], 4);
	cpuid(0x80000000, 0, r);
	if (r[0] >= 0x80000004)
		for (uint32_t leaf = 0x80000002; leaf <= 0x80000004; leaf++, out += 4)
			cpuid(leaf, 0, out);
	cpuid(1, 0, r);
	cpu_has.stepping = r[0] & 15;
	cpu_has.model_nr = (r[0] >> 4 & 15) | (r[0] >> 12 & 0xf0);
	cpu_has.family = (r[0] >> 8 & 15) + ((r[0] >> 8 & 15) == 15 ? r[0] >> 20 & 0xff : 0);
}

/* Which extended state we enable and how large its image is. */
static void identify_xsave(void)
{
	uint32_t r[4];

	cpu_has.fpu_bytes = 512;
	if (!cpu_has.xsave || cpu_has.max_leaf < 13) {
		cpu_has.xsave = false;
		return;
	}
	cpuid(13, 0, r);
	cpu_has.xcr0 = (r[0] | (uint64_t)r[3] << 32) & 7; /* x87, SSE, AVX */
	if ((r[0] & 0xe0) == 0xe0 && (cpu_has.xcr0 & 4))
		cpu_has.xcr0 |= 0xe0; /* AVX-512 */
	cpuid(13, 1, r);
	cpu_has.xsaveopt = r[0] & 1;
	cpu_has.fpu_bytes = 576;
	for (unsigned i = 2; i < 8; i++) {
		if (!(cpu_has.xcr0 >> i & 1))
			continue;
		cpuid(13, i, r);
		cpu_has.fpu_bytes = MAX(cpu_has.fpu_bytes, r[0] + r[1]);
	}
	cpu_has.avx = cpu_has.avx && (cpu_has.xcr0 & 4);
}

void cpu_identify(void)
{
	uint32_t r[4];

	identify_names();
	cpuid(1, 0, r);
	cpu_has.mce = r[3] >> 7 & 1;
	cpu_has.pcid = r[2] >> 17 & 1;
	cpu_has.x2apic = r[2] >> 21 & 1;
	cpu_has.tsc_deadline = r[2] >> 24 & 1;
	cpu_has.xsave = r[2] >> 26 & 1;
	cpu_has.avx = r[2] >> 28 & 1;
	cpu_has.rdrand = r[2] >> 30 & 1;
	cpu_has.hypervisor = r[2] >> 31;
	if (cpu_has.max_leaf >= 7) {
		cpuid(7, 0, r);
		cpu_has.fsgsbase = r[1] & 1;
		cpu_has.smep = r[1] >> 7 & 1;
		cpu_has.erms = r[1] >> 9 & 1;
		cpu_has.rdseed = r[1] >> 18 & 1;
		cpu_has.smap = r[1] >> 20 & 1;
		cpu_has.umip = r[2] >> 2 & 1;
	}
	cpuid(0x80000001, 0, r);
	cpu_has.gb_pages = r[3] >> 26 & 1;
	cpuid(0x80000000, 0, r);
	cpu_has.phys_bits = 36;
	cpu_has.virt_bits = 48;
	if (r[0] >= 0x80000007) {
		cpuid(0x80000007, 0, r);
		cpu_has.invariant_tsc = r[3] >> 8 & 1;
	}
	if (r[0] >= 0x80000008) {
		cpuid(0x80000008, 0, r);
		cpu_has.phys_bits = r[0] & 0xff;
		cpu_has.virt_bits = r[0] >> 8 & 0xff;
	}
	if (cpu_has.hypervisor) {
		cpuid(0x40000000, 0, r);
		cpu_has.hyper_max = r[0];
	}
	identify_xsave();
}

void cpu_enable_features(void)
{
	uint64_t cr4 = read_cr4() | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;

	cr4 |= cpu_has.mce ? CR4_MCE : 0; /* else a machine check shuts down without a word */
	cr4 |= cpu_has.smep ? CR4_SMEP : 0;
	cr4 |= cpu_has.smap ? CR4_SMAP : 0;
	cr4 |= cpu_has.umip ? CR4_UMIP : 0;
	cr4 |= cpu_has.fsgsbase ? CR4_FSGSBASE : 0;
	cr4 |= cpu_has.xsave ? CR4_OSXSAVE : 0;
	write_cr4(cr4);
	write_cr0((read_cr0() | CR0_MP | CR0_NE | CR0_WP) & ~(CR0_EM | CR0_TS | CR0_AM));
	if (cpu_has.xsave)
		xsetbv(cpu_has.xcr0);
	/* Entries 0..3: write-back, write-combining, uncached-minus, uncached; 4..7 the same. */
	wrmsr(MSR_PAT, 0x0007010600070106ull);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | EFER_NXE);
	/* SYSRET: CS = base + 16, SS = base + 8; SYSCALL: KERNEL_CS and the descriptor behind it.
	 */
	wrmsr(MSR_STAR, (uint64_t)(SEL_USER_CS - 16) << 48 | (uint64_t)KERNEL_CS << 32);
	wrmsr(MSR_LSTAR, (uint64_t)(uintptr_t)syscall_entry);
	wrmsr(MSR_CSTAR, 0);
	wrmsr(MSR_FMASK, RFLAGS_IF | RFLAGS_TF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_RF |
				 RFLAGS_AC | 0x8d5);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	fpu_init_cpu();
}

unsigned cpu_count(void)
{
	return READ_ONCE(cpu_online_count);
}
bool in_interrupt(void)
{
	return this_cpu(irq_depth_) != 0;
}

void cpu_idle_wait(void)
{
	this_cpu(idle_halting_) = true;
	__asm__ __volatile__("sti\n\thlt" : : : "memory");
	this_cpu(idle_halting_) = false;
}

void cpu_describe(unsigned cpu, char *buf, size_t size)
{
	scnprintf(buf, size,
		"processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: "
		"%s\nstepping\t: %u\n"
		"physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\napicid\t\t: "
		"%u\nfpu\t\t: yes\n"
		"fpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n"
		"flags\t\t: fpu tsc msr pae cx8 apic pge fxsr sse sse2 syscall nx "
		"lm%s%s%s%s%s%s%s%s%s%s%s%s\n"
		"clflush size\t: 64\ncache_alignment\t: 64\naddress sizes\t: %u bits physical, %u "
		"bits virtual\n",
		cpu, cpu_has.vendor, cpu_has.family, cpu_has.model_nr, cpu_has.model,
		cpu_has.stepping, cpu_count(), cpu, cpu_count(), per_cpu(apic_id_, cpu),
		cpu_has.max_leaf, cpu_has.gb_pages ? " pdpe1gb" : "", cpu_has.pcid ? " pcid" : "",
		cpu_has.x2apic ? " x2apic" : "", cpu_has.tsc_deadline ? " tsc_deadline_timer" : "",
		cpu_has.xsave ? " xsave" : "", cpu_has.avx ? " avx" : "",
		cpu_has.rdrand ? " rdrand" : "", cpu_has.fsgsbase ? " fsgsbase" : "",
		cpu_has.smep ? " smep" : "", cpu_has.smap ? " smap" : "",
		cpu_has.erms ? " erms" : "", cpu_has.hypervisor ? " hypervisor" : "",
		cpu_has.phys_bits, cpu_has.virt_bits);
}

/* One word of RDSEED or RDRAND; ten tries as the SDM advises (vol 1, 7.3.17). */
static bool entropy_word(uint64_t *v)
{
	bool ok = false;

	for (int i = 0; i < 10 && !ok && cpu_has.rdseed; i++)
		__asm__ __volatile__("rdseed %0" : "=r"(*v), "=@ccc"(ok) : : "cc");
	for (int i = 0; i < 10 && !ok && cpu_has.rdrand; i++)
		__asm__ __volatile__("rdrand %0" : "=r"(*v), "=@ccc"(ok) : : "cc");
	return ok;
}

size_t cpu_entropy(void *buf, size_t n)
{
	size_t done = 0;
	uint64_t v = 0;

	while (done < n && entropy_word(&v)) {
		size_t k = MIN(n - done, sizeof(v));

		memcpy((char *)buf + done, &v, k);
		done += k;
	}
	return done;
}
