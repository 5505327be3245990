/*
 * signal_frame.c - what a signal handler finds on its stack, and the way back: rt_sigreturn(2),
 * sigaltstack(2).
 *
 * From high to low: the FPU image (64-aligned, with Linux's marks in its software bytes), then
 * struct linux_sigframe, so that the handler starts with the stack as after a call. What comes back
 * is a program's word: only flags a program may set, user segments and a mask without KILL and STOP
 * are taken from it. Spec: System V ABI AMD64 3.2.2 (red zone); sigreturn(2), sigaltstack(2).
 */
#include "abi/signal.h"
#include "compat.h"
#include "personality.h"
#include <arch/task.h>

#define RED_ZONE      128u
#define MIN_ALTSTACK  2048u
#define FLAGS_USER    0x50dd5ull /* CF PF AF ZF SF TF DF OF RF AC */
#define FLAGS_CLEARED 0x10500ull /* TF DF RF: at a handler's entry */

static uint64_t xfeatures; /* what the image may hold; 0: FXSAVE only */
static size_t fpu_bytes;

void signal_frame_init(void)
{
	uint32_t a = 1, b, c = 0, d;

	fpu_bytes = fpu_frame_bytes();
	__asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	if (!(c & BIT(27))) /* OSXSAVE */
		return;
	__asm__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	xfeatures = (uint64_t)d << 32 | a;
}

static size_t fpu_area(void)
{
	return fpu_bytes + (xfeatures ? sizeof(uint32_t) : 0);
}

size_t signal_frame_max(void)
{
	return RED_ZONE + ALIGN_UP(fpu_area(), 64) + 64 +
	       ALIGN_UP(sizeof(struct linux_sigframe), 16) + 16;
}

static bool on_altstack(const struct sigaltstack *alt, uint64_t sp)
{
	return !(alt->flags & SS_AUTODISARM) && alt->size && sp > alt->sp &&
	       sp - alt->sp <= alt->size;
}

static int save_fpu(uint64_t at)
{
	struct linux_fpx_sw sw = {
		.magic1 = FP_XSTATE_MAGIC1,
		.extended_size = (uint32_t)fpu_area(),
		.xfeatures = xfeatures,
		.xstate_size = (uint32_t)fpu_bytes,
	};
	int err = fpu_save_user((void __user *)at);

	if (err || !xfeatures)
		return err;
	if (copy_to_user((void __user *)(at + FPX_SW_OFFSET), &sw, sizeof(sw)))
		return -EFAULT;
	return put_user(FP_XSTATE_MAGIC2, (uint32_t __user *)(at + fpu_bytes));
}

/* Where the frame's parts go: 0, or -EFAULT when the alternate stack is too small. */
static int place(const struct frame *f, const struct sigaction *act, const struct sigaltstack *alt,
	uint64_t *fpu, uint64_t *frame)
{
	uint64_t sp = f->rsp - RED_ZONE;
	bool nested = on_altstack(alt, f->rsp);

	if (act->flags & SA_ONSTACK && !nested && alt->size)
		sp = alt->sp + alt->size;
	*fpu = ALIGN_DOWN(sp - fpu_area(), 64);
	*frame = ALIGN_DOWN(*fpu - sizeof(struct linux_sigframe), 16) - 8;
	return nested && !on_altstack(alt, *frame) ? -EFAULT : 0;
}

static void save_registers(struct linux_sigcontext *mc, const struct frame *f)
{
	*mc = (struct linux_sigcontext){
		.r8 = f->r8,
		.r9 = f->r9,
		.r10 = f->r10,
		.r11 = f->r11,
		.r12 = f->r12,
		.r13 = f->r13,
		.r14 = f->r14,
		.r15 = f->r15,
		.rdi = f->rdi,
		.rsi = f->rsi,
		.rbp = f->rbp,
		.rbx = f->rbx,
		.rdx = f->rdx,
		.rax = f->rax,
		.rcx = f->rcx,
		.rsp = f->rsp,
		.rip = f->rip,
		.rflags = f->rflags,
		.cs = (uint16_t)f->cs,
		.ss = (uint16_t)f->ss,
	};
}

int signal_frame_build(struct frame *f, const struct siginfo *info, const struct sigaction *act,
	uint64_t mask, struct sigaltstack *alt, uint64_t fault_addr, unsigned trap, unsigned err)
{
	struct linux_sigframe frame UNCLEARED;
	uint64_t fpu, at;

	if (!(act->flags & SA_RESTORER) || place(f, act, alt, &fpu, &at) || save_fpu(fpu))
		return -EFAULT;
	frame.restorer = act->restorer;
	frame.uc.flags = (xfeatures ? UC_FP_XSTATE : 0) | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	frame.uc.link = 0;
	frame.uc.stack = (struct linux_stack){
		.sp = alt->sp, .flags = alt->size ? alt->flags : SS_DISABLE, .size = alt->size};
	save_registers(&frame.uc.mc, f);
	frame.uc.mc.err = err;
	frame.uc.mc.trapno = trap;
	frame.uc.mc.oldmask = mask;
	frame.uc.mc.cr2 = fault_addr;
	frame.uc.mc.fpstate = fpu;
	frame.uc.sigmask = mask;
	siginfo_to_linux(info, &frame.info);
	if (copy_to_user((void __user *)at, &frame, sizeof(frame)))
		return -EFAULT;
	if (alt->flags & SS_AUTODISARM)
		*alt = (struct sigaltstack){.flags = SS_DISABLE};
	f->rdi = (uint64_t)info->signo;
	f->rsi = at + offsetof(struct linux_sigframe, info);
	f->rdx = at + offsetof(struct linux_sigframe, uc);
	f->rax = 0;
	f->rip = act->handler;
	f->rsp = at;
	f->rflags &= ~FLAGS_CLEARED;
	f->cs = USER_CS;
	f->ss = USER_DS;
	f->orig_rax = ~0ull;
	current->restart.fn = NULL;
	return 0;
}

/* sigaltstack(2)'s new stack: judged and set. @sp: where the program's stack is now. */
static int set_altstack(const struct linux_stack *ss, uint64_t sp)
{
	struct sigaltstack *alt = &current->uthread->alt;
	uint32_t mode = (uint32_t)ss->flags & ~(uint32_t)SS_AUTODISARM;

	if (on_altstack(alt, sp))
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode == SS_DISABLE) {
		*alt = (struct sigaltstack){.flags = ss->flags};
		return 0;
	}
	if (ss->size < MIN_ALTSTACK)
		return -ENOMEM;
	*alt = (struct sigaltstack){.sp = ss->sp, .flags = ss->flags, .size = ss->size};
	return 0;
}

long sys_sigaltstack(void __user *ss, void __user *old)
{
	const struct sigaltstack *alt = &current->uthread->alt;
	uint64_t sp = task_frame(current)->rsp;
	struct linux_stack now = {.sp = alt->sp, .size = alt->size}, wanted;
	int err = 0;

	now.flags = (on_altstack(alt, sp) ? SS_ONSTACK
			    : alt->size   ? 0
					  : SS_DISABLE) |
		    (alt->flags & SS_AUTODISARM);
	if (ss) {
		if (copy_from_user(&wanted, ss, sizeof(wanted)))
			return -EFAULT;
		err = set_altstack(&wanted, sp);
	}
	if (!err && old)
		err = copy_to_user(old, &now, sizeof(now));
	return err;
}

static void restore_registers(struct frame *f, const struct linux_sigcontext *mc)
{
	*f = (struct frame){
		.r8 = mc->r8,
		.r9 = mc->r9,
		.r10 = mc->r10,
		.r11 = mc->r11,
		.r12 = mc->r12,
		.r13 = mc->r13,
		.r14 = mc->r14,
		.r15 = mc->r15,
		.rdi = mc->rdi,
		.rsi = mc->rsi,
		.rbp = mc->rbp,
		.rbx = mc->rbx,
		.rdx = mc->rdx,
		.rax = mc->rax,
		.rcx = mc->rcx,
		.rsp = mc->rsp,
		.rip = mc->rip,
		.rflags = (f->rflags & ~FLAGS_USER) | (mc->rflags & FLAGS_USER),
		.cs = USER_CS,
		.ss = USER_DS,
		.orig_rax = ~0ull,
	};
}

long sys_rt_sigreturn(struct frame *f)
{
	uint64_t at = f->rsp - sizeof(uint64_t);
	struct linux_ucontext uc UNCLEARED;

	if (copy_from_user(&uc, (const void __user *)(at + offsetof(struct linux_sigframe, uc)),
		    sizeof(uc)))
		goto bad;
	signal_mask(SIG_SETMASK, (sigset_t){uc.sigmask}, NULL);
	if (fpu_restore_user((const void __user *)uc.mc.fpstate))
		goto bad;
	restore_registers(f, &uc.mc);
	/* As Linux: a stack that cannot be set again is no reason to fail. */
	set_altstack(&uc.stack, f->rsp);
	return (long)f->rax;

bad:
	signal_force(SIGSEGV, SI_KERNEL, 0, 0, 0);
	return 0;
}
