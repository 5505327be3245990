/*
 * arch/upcalls.h - all that the machine calls upwards. Each is a pointer that a higher room sets
 * once at boot (before it can be needed); none may be NULL once user mode runs.
 */
#pragma once
#include <compiler.h>

struct frame;
struct task;
enum fault_access { FAULT_WRITE = 1, FAULT_EXEC = 2, FAULT_USER = 4, FAULT_PRESENT = 8 };

struct arch_upcalls {
	/* mm: page fault at @addr; interrupts on; 0 handled, else -EFAULT (SEGV_MAPERR), -EACCES
	 * (SEGV_ACCERR), -EIO (SIGBUS), -ENOMEM */
	int (*page_fault)(vaddr_t addr, unsigned access, struct frame *f);
	/* compat: a system call; number and arguments in @f; interrupts on. Result goes into @f. */
	void (*syscall)(struct frame *f);
	/* proc: an exception in user mode: @sig with @code (siginfo) at @addr */
	void (*user_fault)(
		struct frame *f, int sig, int code, uint64_t addr, unsigned trap, unsigned err);
	/* proc: before returning to user mode with task->work set; interrupts on */
	void (*user_work)(struct frame *f);
	/* core: the one-shot timer fired on this CPU; interrupts off */
	void (*timer)(bool from_user);
	/* core: a secondary processor is ready: never returns */
	void (*cpu_start)(unsigned cpu);
	/* core: first code of a new task after a switch: @prev is the task that ran before */
	void (*switched)(struct task *prev);
	/* core: leaving a hardware interrupt that came from the idle loop or user mode
	 * (softirq-like work) */
	void (*irq_exit)(void);
	/* core: this CPU spent @ns in hardware interrupts just now; interrupts off. May be NULL. */
	void (*irq_time)(uint64_t ns);
};
extern struct arch_upcalls arch_upcalls;
