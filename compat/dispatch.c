/*
 * dispatch.c - from a program's SYSCALL instruction to the handler of syscalls.tbl and back.
 *
 * The number and the arguments are in the frame; the result goes into its rax. A call that is not
 * there is ENOSYS and is logged once for each program. While anyone is traced, trace_syscall()
 * stands in the place of syscall_dispatch(). Restarting after a signal is proc's decision
 * (signal_deliver.c); what restarting means is here.
 */
#include "compat.h"
#include "personality.h"
#include "trace.h"
#include <arch/upcalls.h>
#include <user_abi.h>
#include "syscall_table.h"

#define NR_RESTART_SYSCALL 219u
#define SYSCALL_INSN_BYTES 2u

static long missing(struct frame *f) __cold __noinline;

/* A restart code must meet proc's eyes on the way out, whatever made the call return it. */
static inline long result_checked(long result)
{
	if (unlikely(result <= -ERESTARTSYS && result >= -ERESTART_BLOCK))
		task_set_work(current, TASK_WORK_SIGNAL);
	return result;
}

long syscall_run(struct frame *f)
{
	uint64_t nr = f->orig_rax;

	if (unlikely(nr >= syscall_count || !syscall_table[nr].call))
		return missing(f);
	return result_checked(syscall_table[nr].call(f));
}

void syscall_dispatch(struct frame *f)
{
	f->rax = (uint64_t)syscall_run(f);
}

static long missing(struct frame *f)
{
	uint64_t nr = f->orig_rax;

	unsupported(nr < syscall_count && syscall_table[nr].name ? syscall_table[nr].name
								 : "system call",
		nr);
	return -ENOSYS;
}

void abi_restart(struct frame *f, bool block)
{
	f->rax = block ? NR_RESTART_SYSCALL : f->orig_rax;
	f->orig_rax = ~0ull;
	f->rip -= SYSCALL_INSN_BYTES;
}

bool abi_syscall_result(const struct frame *f, int64_t *result)
{
	if (f->orig_rax == ~0ull)
		return false;
	*result = (int64_t)f->rax;
	return true;
}
