/*
 * asm/task.h - x86_64: the machine's part of a task. asm-offsets in the room's "offsets.h".
 */
#pragma once
#include <compiler.h>

/* Key: [w] by arch_switch() with interrupts off  [c] constant after arch_task_init()  [s] the task
 * itself */
struct arch_task {
	uint64_t rsp;              /* [w] stack pointer while it does not run */
	uint64_t stack_top;        /* [c] its user frame ends here; the FPU area begins */
	uint64_t fs_base, gs_base; /* [w] of user mode, while it does not run */
	void *stack;               /* [c] lowest byte */
	uint8_t *fpu;              /* [c] XSAVE image, 64-aligned */
	uint32_t fpu_cpu;          /* [w] CPU whose registers last held it */
	bool uses_fpu;             /* [s] it runs in user mode */
	bool fpu_live;             /* [s] the registers or the image hold its FPU state */
};
