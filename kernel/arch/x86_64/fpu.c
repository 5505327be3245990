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

int fpu_save_user(void __user *to)
{
	unsigned long flags = irq_save();

	/* Not XSAVEOPT: it leaves out components in their initial state, and what is below is not
	 * the program's. */
	if (cpu_has.xsave)
		__asm__ __volatile__("xsave64 (%0)"
				     :
				     : "r"(current->arch.fpu), "a"(~0u), "d"(~0u)
				     : "memory");
	else
		fpu_save(current->arch.fpu);
	irq_restore(flags);
	return copy_to_user(to, current->arch.fpu, cpu_has.fpu_bytes);
}

/* XRSTOR and FXRSTOR raise #GP for what this refuses. The software bytes 464..511 are the
 * program's. */
static int fpu_validate(uint8_t *image)
{
	uint64_t header[8];
	uint32_t mxcsr;

	memcpy(&mxcsr, image + MXCSR_AT, 4);
	if (mxcsr & ~mxcsr_mask)
		return -EINVAL;
	if (!cpu_has.xsave)
		return 0;
	memcpy(header, image + XSTATE_BV, sizeof(header));
	if (header[0] & ~cpu_has.xcr0)
		return -EINVAL;
	for (unsigned i = 1; i < 8; i++)
		if (header[i])
			return -EINVAL;
	return 0;
}

/* Through a copy: the registers and the task's image stay whole when the program's is bad. */
int fpu_restore_user(const void __user *from)
{
	struct task *t = current;
	unsigned long flags;
	int err;

	if (!from) {
		arch_fpu_reset();
		return 0;
	}
	/* While we copy, a switch would save the registers into the same image: so they are no
	 * longer the state. */
	flags = irq_save();
	t->arch.fpu_live = false;
	t->arch.fpu_cpu = NO_CPU;
	irq_restore(flags);
	err = copy_from_user(t->arch.fpu, from, cpu_has.fpu_bytes);
	if (!err)
		err = fpu_validate(t->arch.fpu);
	if (err) {
		arch_fpu_reset();
		return err;
	}
	flags = irq_save();
	t->arch.uses_fpu = t->arch.fpu_live = true;
	fpu_load(t->arch.fpu);
	this_cpu(fpu_owner_) = t;
	t->arch.fpu_cpu = cpu_id();
	irq_restore(flags);
	return 0;
}
