/*
 * x86.h - instructions and registers that C has no words for: CPUID, MSRs, control registers; what
 * this CPU can do. Spec: SDM vol 2 (instructions), vol 3 ch. 2 (control registers), vol 4 (MSRs).
 */
#pragma once
#include <compiler.h>
#include "offsets.h"

#define MSR_STAR         0xc0000081u
#define MSR_LSTAR        0xc0000082u
#define MSR_CSTAR        0xc0000083u
#define MSR_FMASK        0xc0000084u
#define MSR_APIC_BASE    0x1bu
#define MSR_PAT          0x277u
#define MSR_TSC_DEADLINE 0x6e0u
#define MSR_X2APIC       0x800u

#define EFER_SCE 0x1u
#define EFER_LME 0x100u
#define EFER_NXE 0x800u

#define CR0_MP         0x2ul
#define CR0_EM         0x4ul
#define CR0_TS         0x8ul
#define CR0_NE         0x20ul
#define CR0_WP         0x10000ul
#define CR0_AM         0x40000ul
#define CR4_MCE        0x40ul
#define CR4_PGE        0x80ul
#define CR4_OSFXSR     0x200ul
#define CR4_OSXMMEXCPT 0x400ul
#define CR4_UMIP       0x800ul
#define CR4_FSGSBASE   0x10000ul
#define CR4_PCIDE      0x20000ul
#define CR4_OSXSAVE    0x40000ul
#define CR4_SMEP       0x100000ul
#define CR4_SMAP       0x200000ul

#define RFLAGS_TF   0x100ul
#define RFLAGS_DF   0x400ul
#define RFLAGS_IOPL 0x3000ul
#define RFLAGS_NT   0x4000ul
#define RFLAGS_RF   0x10000ul
#define RFLAGS_AC   0x40000ul

/* What every CPU of the machine has; filled once by cpu_identify() on the boot CPU. */
struct cpu_features {
	bool mce, gb_pages, pcid, smep, smap, umip, fsgsbase, xsave, xsaveopt, avx, erms, x2apic,
		tsc_deadline;
	bool rdrand, rdseed, invariant_tsc, hypervisor;
	uint32_t max_leaf, hyper_max;
	uint64_t xcr0;      /* components that we enable */
	uint32_t fpu_bytes; /* of the standard-format save image */
	char vendor[13], model[49];
	uint32_t family, model_nr, stepping;
	uint32_t phys_bits, virt_bits;
};
extern struct cpu_features cpu_has;

static inline void cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
	__asm__ __volatile__("cpuid"
			     : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
			     : "a"(leaf), "c"(sub));
}
static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ __volatile__("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr) : "memory");
	return (uint64_t)hi << 32 | lo;
}
static inline void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ __volatile__("wrmsr"
			     :
			     : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
			     : "memory");
}
static inline uint64_t read_cr0(void)
{
	uint64_t v;
	__asm__ __volatile__("movq %%cr0, %0" : "=r"(v) : : "memory");
	return v;
}
static inline uint64_t read_cr2(void)
{
	uint64_t v;
	__asm__ __volatile__("movq %%cr2, %0" : "=r"(v) : : "memory");
	return v;
}
static inline uint64_t read_cr3(void)
{
	uint64_t v;
	__asm__ __volatile__("movq %%cr3, %0" : "=r"(v) : : "memory");
	return v;
}
static inline uint64_t read_cr4(void)
{
	uint64_t v;
	__asm__ __volatile__("movq %%cr4, %0" : "=r"(v) : : "memory");
	return v;
}
static inline void write_cr0(uint64_t v)
{
	__asm__ __volatile__("movq %0, %%cr0" : : "r"(v) : "memory");
}
static inline void write_cr3(uint64_t v)
{
	__asm__ __volatile__("movq %0, %%cr3" : : "r"(v) : "memory");
}
static inline void write_cr4(uint64_t v)
{
	__asm__ __volatile__("movq %0, %%cr4" : : "r"(v) : "memory");
}
static inline void invlpg(vaddr_t va)
{
	__asm__ __volatile__("invlpg (%0)" : : "r"(va) : "memory");
}
static inline void xsetbv(uint64_t v)
{
	__asm__ __volatile__("xsetbv"
			     :
			     : "c"(0), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
			     : "memory");
}

/* cpu.c */
void cpu_identify(void);        /* boot CPU: fill cpu_has */
void cpu_enable_features(void); /* each CPU: control registers, PAT, XCR0, MSRs of SYSCALL */
/* start.c: the first C code of a CPU; jumped to by boot.S and trampoline.S */
void __noreturn arch_start(void);
void __noreturn smp_ap_start(void);
