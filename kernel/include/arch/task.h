/*
 * arch/task.h - the machine's part of a task: kernel stack, switch, FPU, thread-local base.
 */
#pragma once
#include <compiler.h>
#include <asm/task.h> /* struct arch_task */

struct task;
struct frame;
#define KSTACK_BYTES 16384u

/*
 * arch_task_init() - allocate kernel stack (with a guard page) and FPU area for @t (zeroed
 * elsewhere). Owns: undone by arch_task_fini(). Returns 0 or -ENOMEM.
 */
int __must_check arch_task_init(struct task *t);
void arch_task_fini(struct task *t);
/* @t will start in fn(arg) on its kernel stack, via sched's task_start_hook; fn must not return. */
void arch_task_start_kernel(struct task *t, void (*fn)(void *), void *arg);
/* @t will start by returning to user mode with *@f (copied). */
void arch_task_start_user(struct task *t, const struct frame *f);
/* Copy FPU state and TLS bases from the current task (fork, clone). */
void arch_task_copy(struct task *to);
/* exec: reset FPU and TLS bases to their defined initial state. */
void arch_task_reset(struct task *t);
/* Switch stacks, FPU, TLS bases, per-CPU current. Interrupts off. Returns in @next's context: the
 * task that ran before it. */
struct task *arch_switch(struct task *prev, struct task *next);
struct frame *task_frame(struct task *t);
/* The most that @t ever used of its stack, in bytes; DEBUG, else 0. */
size_t task_stack_used(const struct task *t);
/* Frames of a task that does not run, as stack_trace(). */
unsigned task_trace(const struct task *t, uint64_t *pc, unsigned max);
/* Leave the kernel for the first time (exec of init): never returns; uses task_frame(current). */
void __noreturn arch_enter_user(void);
/* TLS base, as arch_prctl(2) ARCH_SET_FS; false if not a user address. */
bool arch_set_tls(struct task *t, uint64_t base);
uint64_t arch_get_tls(const struct task *t);
bool arch_set_gs(struct task *t, uint64_t base); /* the second base, ARCH_SET_GS */
uint64_t arch_get_gs(const struct task *t);
/* Extended state for signal frames: exact bytes of the XSAVE image in the standard format. */
size_t fpu_frame_bytes(void);
int __must_check fpu_save_user(void __user *to); /* current task's state; -EFAULT */
int __must_check fpu_restore_user(
	const void __user *from); /* NULL: initial state; validated; -EFAULT, -EINVAL */
