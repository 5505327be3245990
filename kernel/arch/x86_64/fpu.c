/*
 * fpu.c - x87, SSE and AVX state of user mode. The kernel computes with none of it.
 *
 * A user task's state is saved whenever it is switched away from, so that it may go on on any CPU;
 * it is loaded at the switch to it unless the registers still hold it (only kernel threads ran here
 * since, and it ran nowhere else). Spec: SDM vol 1, ch. 13 (standard format: 13.4).
 */
#include <arch/usercopy.h>
#include <debug.h>
#include <error.h>
#include <string.h>
#include "room.h"
#include "x86.h"

#define FPU_MAX   4096u
#define XSTATE_BV 512 /* header: which components the image has */
#define MXCSR_AT  24
#define NO_CPU    ~0u

static DEFINE_PER_CPU(
	struct task *, fpu_owner_); /* whose state the registers hold, if its fpu_cpu agrees */
static uint8_t fpu_initial[FPU_MAX] __aligned(64);
static uint32_t mxcsr_mask;

static void fpu_save(uint8_t *image)
{
	if (cpu_has.xsaveopt)
		__asm__ __volatile__("xsaveopt64 (%0)"
				     :
				     : "r"(image), "a"(~0u), "d"(~0u)
				     : "memory");
	else if (cpu_has.xsave)
		__asm__ __volatile__("xsave64 (%0)" : : "r"(image), "a"(~0u), "d"(~0u) : "memory");
	else
		__asm__ __volatile__("fxsave64 (%0)" : : "r"(image) : "memory");
}

static void fpu_load(const uint8_t *image)
{
	if (cpu_has.xsave)
		__asm__ __volatile__("xrstor64 (%0)" : : "r"(image), "a"(~0u), "d"(~0u) : "memory");
	else
		__asm__ __volatile__("fxrstor64 (%0)" : : "r"(image) : "memory");
}

void fpu_init_cpu(void)
{
	const uint32_t mxcsr = 0x1f80;

	this_cpu(fpu_owner_) = NULL;
	if (mxcsr_mask)
		return;
	PANIC_ON(cpu_has.fpu_bytes > FPU_MAX);
	__asm__ __volatile__("fninit\n\tldmxcsr %0" : : "m"(mxcsr));
	__asm__ __volatile__("fxsave64 (%0)" : : "r"(fpu_initial) : "memory");
	memcpy(&mxcsr_mask, fpu_initial + 28, 4);
	mxcsr_mask = mxcsr_mask ? mxcsr_mask : 0xffbf;
	memset(fpu_initial + 160, 0, 256); /* XMM registers as the firmware left them */
}

void fpu_switch(struct task *prev, struct task *next)
{
	if (prev->arch.fpu_live) {
		fpu_save(prev->arch.fpu);
		this_cpu(fpu_owner_) = prev;
		prev->arch.fpu_cpu = cpu_id();
	}
	if (next->arch.fpu_live &&
		(this_cpu(fpu_owner_) != next || next->arch.fpu_cpu != cpu_id())) {
		fpu_load(next->arch.fpu);
		this_cpu(fpu_owner_) = next;
		next->arch.fpu_cpu = cpu_id();
	}
}

/* XSAVEOPT needs an image that XRSTOR or XSAVE wrote, or a header of zeros. */
static void fpu_init_task(struct task *t)
{
	memcpy(t->arch.fpu, fpu_initial, cpu_has.fpu_bytes);
	t->arch.fpu_cpu = NO_CPU;
}

void arch_fpu_start(struct task *t)
{
	fpu_init_task(t);
	t->arch.uses_fpu = t->arch.fpu_live = true;
}

void arch_fpu_copy(struct task *to)
{
	unsigned long flags = irq_save();

	if (current->arch.fpu_live)
		fpu_save(to->arch.fpu);
	to->arch.fpu_cpu = NO_CPU;
	to->arch.uses_fpu = to->arch.fpu_live = true;
	irq_restore(flags);
}

/* The current task starts anew in user mode. */
void arch_fpu_reset(void)
{
	struct task *t = current;
	unsigned long flags = irq_save();

	fpu_init_task(t);
	t->arch.uses_fpu = t->arch.fpu_live = true;
	fpu_load(t->arch.fpu);
	this_cpu(fpu_owner_) = t;
	t->arch.fpu_cpu = cpu_id();
	irq_restore(flags);
}

size_t fpu_frame_bytes(void)
{
	return cpu_has.fpu_bytes;
}

/* One instruction on a program's memory: 0 or -EFAULT. */
#define USER_XSTATE(insn, p)                                                                       \
	({                                                                                         \
		int err_ = 0;                                                                      \
		__asm__ __volatile__(USER_ACCESS_BEGIN                                             \
				     "1:\t" insn " (%1)\n2:\t" USER_ACCESS_END                     \
				     ".pushsection .text.fixup,\"ax\"\n3:\tmovl %2, %0\n\tjmp "    \
				     "2b\n\t.popsection\n\t" EX_TABLE("1b", "3b")                  \
				     : "+r"(err_)                                                  \
				     : "r"(p), "i"(-EFAULT), "a"(~0u), "d"(~0u)                    \
				     : "memory");                                                  \
		err_;                                                                              \
	})

/* The registers hold the state, whoever runs in between: so straight from them. */
int fpu_save_user(void __user *to)
{
	if ((long)(unsigned long)to < 0)
		return -EFAULT;
	if (!cpu_has.xsave)
		return USER_XSTATE("fxsave64", to);
	/* XSAVE writes no more of its header than the first word; XRSTOR wants zeros there. */
	if (clear_user((uint8_t __user *)to + XSTATE_BV, 64))
		return -EFAULT;
	return USER_XSTATE("xsave64", to);
}

/*
 * XRSTOR and FXRSTOR raise #GP for what they refuse, but not all emulators look at MXCSR. A fault
 * that is served starts the instruction again; one that is not leaves the state as at a program's
 * start.
 */
int fpu_restore_user(const void __user *from)
{
	uint32_t mxcsr;
	int err = -EFAULT;

	if (!from) {
		arch_fpu_reset();
		return 0;
	}
	if (!get_user(mxcsr, (const uint32_t __user *)((const uint8_t __user *)from + MXCSR_AT)) &&
		!(mxcsr & ~mxcsr_mask))
		err = cpu_has.xsave ? USER_XSTATE("xrstor64", from)
				    : USER_XSTATE("fxrstor64", from);
	if (err)
		arch_fpu_reset();
	return err;
}
