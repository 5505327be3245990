/*
 * compat.c - the Linux x86_64 personality, put together: what the kernel asks of it (user_abi.h)
 * and who answers.
 *
 * THEORY of this room
 *
 * The kernel below knows no number, layout or text format of Linux. This room does, and nothing
 * else: a handler copies its arguments in, calls one kernel function, copies the answer out. So:
 *
 * 1. User memory is read once; what was read is judged and used, never read again.
 * 2. A handler owns what it takes (names, files, credentials) until it returns. What outlives a
 * call belongs to the kernel. Exceptions: the tracer's switch and the membarrier registration, bits
 * in process->abi (abi_state.h), and the place up to which syslog(2) has read.
 * 3. An unknown flag is EINVAL, an unknown call ENOSYS, an unknown ioctl ENOTTY: never ignored,
 * never fatal. What a program asked for in vain is logged once (unsupported()).
 * 4. Results are 0 or more, or -errno. The codes from 512 on leave a handler only when a signal is
 * pending, and proc turns them into a restart or EINTR before the program sees them. dispatch.c
 * makes sure that proc has a look.
 * 5. Errors come in the order in which Linux looks: flags that need no memory first, then copies,
 * then descriptors and names, then permission; where Linux differs, so do we.
 *
 * The table is syscalls.tbl; gen_syscalls.py makes prototypes, dispatch and the tracer's
 * descriptions from it. Handlers lie in sys_*.c by chapter. The rest: elf.c and script.c load
 * programs, signal_frame.c makes and takes back handler frames, vdso/ is the page of code that
 * programs call for the time, abi/ has layouts and asserts that the kernel's constants are Linux's.
 *
 * Locks: none of its own but what procfs/ says.
 */
#include "compat.h"
#include "net/netlink.h"
#include "procfs/procfs.h"
#include "abi/errno.h"
#include "abi/fcntl.h"
#include "abi_state.h"
#include "personality.h"
#include "rseq.h"
#include "trace.h"
#include <arch/upcalls.h>
#include <user_abi.h>

static int load_image(struct exec_args *a)
{
	int err = elf_load(a);

	if (err == -ENOEXEC)
		err = script_load(a);
	if (!err) /* the registrations were the old program's */
		(void)abi_change(current->process, ABI_BARRIERS, false);
	return err;
}

static int process_init(struct process *child, const struct process *parent)
{
	uintptr_t inherited = parent ? (uintptr_t)READ_ONCE(parent->abi) & ABI_BARRIERS : 0;

	child->abi = (void *)inherited;
	return 0;
}

static void process_fini(struct process *p)
{
	trace_set(p, false);
}

static const struct user_abi linux_abi = {
	.signal_frame = signal_frame_build,
	.restart = abi_restart,
	.syscall_result = abi_syscall_result,
	.resume = rseq_resume,
	.load_image = load_image,
	.process_init = process_init,
	.process_fini = process_fini,
};

void compat_init(void)
{
	signal_frame_init();
	vdso_init();
	trace_init();
	user_abi = &linux_abi;
	procfs_init();
	events_calls_init();
	sysfs_init();
	netlink_init();
}
