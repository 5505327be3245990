/*
 * trap.c - exceptions: page faults to mm, faults of programs to proc, faults in user copies to
 * their fix-up, ours to panic. Also the C part of the way back to user mode. Spec: SDM vol 3, 6.15.
 */
#include <arch/upcalls.h>
#include <arch/usercopy.h>
#include <debug.h>
#include <error.h>
#include <log.h>
#include "apic.h"
#include "room.h"
#include "x86.h"

struct arch_upcalls arch_upcalls;

enum {
	V_DE,
	V_DB,
	V_NMI,
	V_BP,
	V_OF,
	V_BR,
	V_UD,
	V_NM,
	V_DF,
	V_TS = 10,
	V_NP,
	V_SS,
	V_GP,
	V_PF,
	V_MF = 16,
	V_AC,
	V_MC,
	V_XM
};
/* POSIX's numbers as x86_64 programs know them. */
enum { SIG_ILL = 4, SIG_TRAP = 5, SIG_BUS = 7, SIG_FPE = 8, SIG_SEGV = 11 };
enum {
	CODE_KERNEL = 0x80,
	CODE_ILLOPN = 2,
	CODE_INTDIV = 1,
	CODE_MAPERR = 1,
	CODE_ACCERR = 2,
	CODE_ADRALN = 1,
	CODE_ADRERR = 2,
	CODE_TRACE = 2,
	CODE_HWBKPT = 4
};

static const char *const trap_name[32] = {
	"divide error",
	"debug",
	"NMI",
	"breakpoint",
	"overflow",
	"bound range",
	"invalid opcode",
	"device not available",
	"double fault",
	"coprocessor overrun",
	"invalid TSS",
	"segment not present",
	"stack fault",
	"general protection",
	"page fault",
	"reserved",
	"x87 error",
	"alignment check",
	"machine check",
	"SIMD error",
	"virtualization",
	"control protection",
};

/* Instruction and fix-up, each relative to its own word; sorted by instruction at boot. */
struct ex_entry {
	int32_t insn, fixup;
};
extern struct ex_entry __ex_table_start[], __ex_table_end[];

static uint64_t ex_insn(const struct ex_entry *e)
{
	return (uint64_t)&e->insn + (int64_t)e->insn;
}
static uint64_t ex_fixup(const struct ex_entry *e)
{
	return (uint64_t)&e->fixup + (int64_t)e->fixup;
}

static void ex_set(struct ex_entry *e, uint64_t insn, uint64_t fixup)
{
	e->insn = (int32_t)(insn - (uint64_t)&e->insn);
	e->fixup = (int32_t)(fixup - (uint64_t)&e->fixup);
}

/* Insertion sort: the linker leaves it nearly sorted. */
void extable_init(void)
{
	for (struct ex_entry *e = __ex_table_start + 1; e < __ex_table_end; e++) {
		uint64_t insn = ex_insn(e);
		uint64_t fixup = ex_fixup(e);
		struct ex_entry *to = e;

		for (; to > __ex_table_start && ex_insn(to - 1) > insn; to--)
			ex_set(to, ex_insn(to - 1), ex_fixup(to - 1));
		ex_set(to, insn, fixup);
	}
}

/* Where to go on after a fault at @rip; 0: nobody expects one there. */
static uint64_t extable_find(uint64_t rip)
{
	const struct ex_entry *lo = __ex_table_start;
	const struct ex_entry *hi = __ex_table_end;

	while (lo < hi) {
		const struct ex_entry *mid = lo + (hi - lo) / 2;

		if (ex_insn(mid) == rip)
			return ex_fixup(mid);
		if (ex_insn(mid) < rip)
			lo = mid + 1;
		else
			hi = mid;
	}
	return 0;
}

static DEFINE_PER_CPU(const struct frame *, fault_frame_);

const struct frame *cpu_fault_frame(void)
{
	return this_cpu(fault_frame_);
}

/* The registers of a kernel exception are printed once: by panic(), or at the latest when it stops
 * the machine. */
void cpu_fault_dumped(const struct frame *f)
{
	if (this_cpu(fault_frame_) == f)
		this_cpu(fault_frame_) = NULL;
}

static void __noreturn die(struct frame *f, unsigned vec, uint64_t err, uint64_t addr)
{
	this_cpu(fault_frame_) = f;
	if (vec == V_PF)
		panic("page fault in the kernel: %s of %#lx, error %#lx, at %pS",
			err & 16  ? "execution"
			: err & 2 ? "write"
				  : "read",
			addr, err, (void *)f->rip);
	panic("%s in the kernel, error %#lx, at %pS",
		vec < 32 && trap_name[vec] ? trap_name[vec] : "exception", err, (void *)f->rip);
}

static void user_signal(
	struct frame *f, int sig, int code, uint64_t addr, unsigned vec, uint64_t err)
{
	irq_enable();
	arch_upcalls.user_fault(f, sig, code, addr, vec, (unsigned)err);
}

static void user_page_fault(struct frame *f, vaddr_t addr, uint64_t err)
{
	unsigned access = FAULT_USER | (err & 2 ? FAULT_WRITE : 0) | (err & 16 ? FAULT_EXEC : 0) |
			  (err & 1 ? FAULT_PRESENT : 0);
	int r = -EFAULT;

	irq_enable();
	if (likely(addr < USER_END))
		r = arch_upcalls.page_fault(addr, access, f);
	if (likely(!r))
		return;
	switch (r) {
	case -EFAULT:
		user_signal(f, SIG_SEGV, CODE_MAPERR, addr, V_PF, err);
		break;
	case -EACCES:
		user_signal(f, SIG_SEGV, CODE_ACCERR, addr, V_PF, err);
		break;
	case -EIO:
	case -ENOMEM:
		user_signal(f, SIG_BUS, CODE_ADRERR, addr, V_PF, err);
		break;
	default: /* interrupted by a fatal signal, or to be tried again */
		break;
	}
}

/*
 * usercopy.S may have its zeros in vector register 0 while mm sleeps. The switch keeps that for
 * tasks with FPU state; for others (exec of the first program) it is kept here.
 */
static int serve_user_copy(struct frame *f, vaddr_t addr, unsigned access)
{
	uint8_t keep[16];
	int r;

	if (likely(current->arch.fpu_live))
		return arch_upcalls.page_fault(addr, access, f);
	__asm__ __volatile__("movups %%xmm0, %0" : "=m"(keep));
	r = arch_upcalls.page_fault(addr, access, f);
	__asm__ __volatile__("movups %0, %%xmm0" : : "m"(keep));
	return r;
}

/* With interrupts off (copy_from_user_nofault()) nothing is faulted in. */
static void kernel_page_fault(struct frame *f, vaddr_t addr, uint64_t err)
{
	/* The range checks let all of the lower half pass: see usercopy.c. */
	uint64_t fixup = (int64_t)addr >= 0 ? extable_find(f->rip) : 0;
	int r = -EFAULT;

	if (!fixup)
		die(f, V_PF, err, addr);
	if ((f->rflags & RFLAGS_IF) && current && current->mm && addr < USER_END) {
		irq_enable();
		r = serve_user_copy(
			f, addr, (err & 2 ? FAULT_WRITE : 0) | (err & 1 ? FAULT_PRESENT : 0));
		irq_disable();
	}
	if (r && r != -EREFAULT)
		f->rip = fixup;
}

/* siginfo code of the first unmasked floating-point exception: invalid, denormal, divide, overflow,
 * underflow, precision. */
static int fpe_code(unsigned vec)
{
	static const uint8_t code[6] = {7, 5, 3, 4, 5, 6};
	uint32_t flags;

	if (vec == V_MF) {
		uint16_t cw, sw;

		__asm__ __volatile__("fnstcw %0\n\tfnstsw %1" : "=m"(cw), "=m"(sw));
		flags = sw & ~cw & 0x3f;
	} else {
		uint32_t mxcsr;

		__asm__ __volatile__("stmxcsr %0" : "=m"(mxcsr));
		flags = mxcsr & ~(mxcsr >> 7) & 0x3f;
	}
	return flags ? code[__builtin_ctz(flags)] : CODE_KERNEL;
}

static void user_trap(struct frame *f, unsigned vec, uint64_t err)
{
	uint64_t dr6;

	switch (vec) {
	case V_DE:
		return user_signal(f, SIG_FPE, CODE_INTDIV, f->rip, vec, err);
	case V_DB:
		__asm__ __volatile__("movq %%db6, %0\n\tmovq %1, %%db6"
				     : "=&r"(dr6)
				     : "r"(0xffff0ff0ul));
		return user_signal(
			f, SIG_TRAP, dr6 & 0x4000 ? CODE_TRACE : CODE_HWBKPT, f->rip, vec, err);
	case V_BP:
		return user_signal(f, SIG_TRAP, CODE_KERNEL, 0, vec, err);
	case V_UD:
	case V_NM:
		return user_signal(f, SIG_ILL, CODE_ILLOPN, f->rip, vec, err);
	case V_NP:
	case V_SS:
		return user_signal(f, SIG_BUS, CODE_KERNEL, 0, vec, err);
	case V_MF:
	case V_XM:
		return user_signal(f, SIG_FPE, fpe_code(vec), f->rip, vec, err);
	case V_AC:
		return user_signal(f, SIG_BUS, CODE_ADRALN, 0, vec, err);
	default:
		return user_signal(f, SIG_SEGV, CODE_KERNEL, 0, vec, err);
	}
}

void trap(struct frame *f, unsigned vec, uint64_t err)
{
	if (likely(vec == V_PF)) {
		vaddr_t addr = read_cr2();

		if (frame_from_user(f))
			user_page_fault(f, addr, err);
		else
			kernel_page_fault(f, addr, err);
		return;
	}
	if (vec == V_NMI) {
		nmi_interrupt(f);
		return;
	}
	if (vec == V_MC || vec == V_DF)
		die(f, vec, err, 0);
	if (frame_from_user(f)) {
		user_trap(f, vec, err);
		return;
	}
	if (vec == V_GP) { /* a non-canonical address in a user copy */
		uint64_t fixup = extable_find(f->rip);

		if (fixup) {
			f->rip = fixup;
			return;
		}
	}
	if (vec == V_DB) { /* a leftover of single-stepping: SYSCALL masks TF, so nothing of ours */
		__asm__ __volatile__("movq %0, %%db6" : : "r"(0xffff0ff0ul));
		f->rflags &= ~RFLAGS_TF;
		return;
	}
	die(f, vec, err, 0);
}

/* Called with interrupts off and returns so, no work left. */
void user_exit_work(struct frame *f)
{
	do {
		irq_enable();
		arch_upcalls.user_work(f);
		irq_disable();
	} while (READ_ONCE(current->work));
	frame_sanitise(f);
}

/*
 * A frame that exec, sigreturn or a tracer wrote: make it one that IRET accepts. A RIP that is not
 * canonical becomes one that faults in user mode.
 */
void frame_sanitise(struct frame *f)
{
	const uint64_t user_flags = 0x240dd5; /* CF PF AF ZF SF TF DF OF AC ID and RF below */

	f->cs = USER_CS;
	f->ss = USER_DS;
	f->rflags = (f->rflags & (user_flags | RFLAGS_RF)) | RFLAGS_IF | 2;
	if (unlikely(f->rip >> 47))
		f->rip = USER_END;
}

void user_exit_check(void)
{
	lockdep_assert_none("return to user mode");
	PANIC_ON(!irqs_off());
	PANIC_ON(this_cpu(irq_depth_));
}
