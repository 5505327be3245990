/*
 * user_abi.h - what proc asks of the system-call personality (compat): frames for handlers, formats
 * for exec.
 */
#pragma once
#include <compiler.h>

struct frame;
struct siginfo;
struct sigaction;
struct sigaltstack;
struct exec_args;
struct process;
struct user_abi {
	/*
	 * Build the handler's frame on the user stack and point @f at the handler. @mask: the mask
	 * to restore at sigreturn. -EFAULT: the stack is bad (proc sends SIGSEGV).
	 */
	int (*signal_frame)(struct frame *f, const struct siginfo *info,
		const struct sigaction *act, uint64_t mask, struct sigaltstack *alt,
		uint64_t fault_addr, unsigned trap, unsigned err);
	/* Restart a call that -ERESTART* ended: sets pc back and the number again; @block: through
	 * restart_syscall. */
	void (*restart)(struct frame *f, bool block);
	/* Was the frame made by a system call, and its result? false: interrupt or fault. */
	bool (*syscall_result)(const struct frame *f, int64_t *result);
	/*
	 * A thread with ->tell_switch that was off its CPU, or is about to get a handler's frame,
	 * goes on in user mode at @f's pc: may move that. An error is a SIGSEGV.
	 */
	int (*resume)(struct frame *f);
	/* Load the image: see exec.h. -ENOEXEC: not this format. */
	int (*load_image)(struct exec_args *a);
	/* A task is exiting: robust futexes and clear_child_tid are proc's; tracer's last line
	 * here. */
	void (*task_exit)(void);
	/* process->abi of a new process and of one that is freed (task context; may not sleep in
	 * fini). NULL: none. */
	int (*process_init)(struct process *child, const struct process *parent);
	void (*process_fini)(struct process *p);
};
extern const struct user_abi *user_abi; /* compat sets it at boot */
void compat_init(void); /* boot: the personality in its place, before the first program */
