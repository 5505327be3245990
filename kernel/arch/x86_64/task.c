/*
 * task.c - kernel stacks, the switch between tasks, first steps, TLS bases.
 *
 * A stack is KSTACK_BYTES of vmap area with guard pages; the user frame ends at its top. The XSAVE
 * image lies behind the top: within the last page if it is small, else on a page of its own. Freed
 * stacks are kept per CPU: mapping and flushing cost more than a fork.
 */
#include <arch/task.h>
#include <arch/upcalls.h>
#include <debug.h>
#include <error.h>
#include <string.h>
#include "room.h"
#include "x86.h"

static_assert(offsetof(struct task, arch.rsp) == TASK_RSP, "entry.S");
static_assert(offsetof(struct task, work) == TASK_WORK, "entry.S");
static_assert(offsetof(struct arch_upcalls, syscall) == UPCALL_SYSCALL, "entry.S");
static_assert(offsetof(struct frame, orig_rax) == F_ORIG && offsetof(struct frame, rip) == F_RIP &&
		      offsetof(struct frame, r11) == F_R11 &&
		      offsetof(struct frame, rcx) == F_RCX && sizeof(struct frame) == F_SIZE,
	"entry.S");

#define STACK_CACHE    16u
#define FPU_INLINE_MAX 1024u

struct stack_cache {
	unsigned n;
	void *stack[STACK_CACHE];
};
static DEFINE_PER_CPU(struct stack_cache, stack_cache_);

/* What switch_stacks() pops, in its order. */
struct switch_frame {
	uint64_t r15, r14, r13, r12, rbx, rbp, rip;
};

unsigned kstack_pages(void)
{
	return KSTACK_BYTES / PAGE_SIZE + (cpu_has.fpu_bytes > FPU_INLINE_MAX);
}

static void *stack_get(void)
{
	struct stack_cache *c = this_cpu_ptr(stack_cache_);

	return c->n ? c->stack[--c->n] : stack_alloc(kstack_pages());
}

#if CONFIG_DEBUG
#define PAINT 0x7a1f7a1f7a1f7a1full

/* What still has this colour when the task ends was never used. */
static void paint(struct task *t)
{
	uint64_t *end = (uint64_t *)task_frame(t);

	for (uint64_t *p = t->arch.stack; p < end; p++)
		*p = PAINT;
}

size_t task_stack_used(const struct task *t)
{
	const uint64_t *p = t->arch.stack;

	if (!p)
		return 0;
	while ((uint64_t)p < t->arch.stack_top && READ_ONCE(*p) == PAINT)
		p++;
	return t->arch.stack_top - (uint64_t)p;
}
#else
static void paint(struct task *t)
{
	(void)t;
}

size_t task_stack_used(const struct task *t)
{
	(void)t;
	return 0;
}
#endif

int arch_task_init(struct task *t)
{
	size_t fpu = ALIGN_UP(cpu_has.fpu_bytes, 64u);
	void *stack = stack_get();

	if (!stack)
		return -ENOMEM;
	t->arch.stack = stack;
	t->arch.stack_top = (uint64_t)stack + KSTACK_BYTES - (fpu > FPU_INLINE_MAX ? 0 : fpu);
	t->arch.fpu = (uint8_t *)t->arch.stack_top;
	t->arch.fpu_cpu = ~0u;
	paint(t);
	t->arch.uses_fpu = t->arch.fpu_live = false;
	t->arch.fs_base = t->arch.gs_base = 0;
	/* What XSAVE never writes but programs see in signal frames: reserved bytes, the header,
	 * gaps between components. */
	memset(t->arch.fpu + 416, 0,
		(fpu > FPU_INLINE_MAX ? cpu_has.fpu_bytes : MIN(cpu_has.fpu_bytes, 576u)) - 416);
	return 0;
}

void arch_task_fini(struct task *t)
{
	struct stack_cache *c = this_cpu_ptr(stack_cache_);

	if (!t->arch.stack)
		return;
	if (c->n < STACK_CACHE)
		c->stack[c->n++] = t->arch.stack;
	else
		stack_free(t->arch.stack, kstack_pages());
	t->arch.stack = NULL;
}

struct frame *task_frame(struct task *t)
{
	return (struct frame *)(t->arch.stack_top - F_SIZE);
}

void arch_task_start_kernel(struct task *t, void (*fn)(void *), void *arg)
{
	/* Below the place of the user frame, which the thread fills in when it becomes a program;
	 * 16-aligned behind the pops. */
	uint64_t *end = (uint64_t *)task_frame(t) - 1;
	struct switch_frame *sf = (struct switch_frame *)end - 1;

	*end = 0;
	*sf = (struct switch_frame){
		.r12 = (uintptr_t)fn, .r13 = (uintptr_t)arg, .rip = (uintptr_t)task_entry_kernel};
	t->arch.rsp = (uintptr_t)sf;
}

void arch_task_start_user(struct task *t, const struct frame *f)
{
	struct switch_frame *sf = (struct switch_frame *)task_frame(t) - 1;

	*task_frame(t) = *f;
	*sf = (struct switch_frame){.rip = (uintptr_t)task_entry_user};
	t->arch.rsp = (uintptr_t)sf;
	if (!t->arch.uses_fpu)
		arch_fpu_start(t);
}

void task_entered(struct task *prev)
{
	arch_upcalls.switched(prev);
}

unsigned task_trace(const struct task *t, uint64_t *pc, unsigned max)
{
	const struct switch_frame *sf = (const struct switch_frame *)READ_ONCE(t->arch.rsp);
	uint64_t from = (uint64_t)t->arch.stack;

	if (!from || (uint64_t)sf < from || (uint64_t)(sf + 1) > t->arch.stack_top)
		return 0;
	return stack_trace(pc, max, (const void *)sf->rbp);
}

static uint64_t fs_base_read(void)
{
	uint64_t v;

	if (!cpu_has.fsgsbase)
		return rdmsr(MSR_FS_BASE);
	__asm__ __volatile__("rdfsbase %0" : "=r"(v) : : "memory");
	return v;
}

static void fs_base_write(uint64_t v)
{
	if (cpu_has.fsgsbase)
		__asm__ __volatile__("wrfsbase %0" : : "r"(v) : "memory");
	else
		wrmsr(MSR_FS_BASE, v);
}

/* The user's gs base waits in the MSR that SWAPGS exchanges. Interrupts off: between the two SWAPGS
 * per-CPU data is out of reach. */
static uint64_t gs_base_read(void)
{
	uint64_t v;

	if (!cpu_has.fsgsbase)
		return rdmsr(MSR_KERNEL_GS_BASE);
	__asm__ __volatile__("swapgs\n\trdgsbase %0\n\tswapgs" : "=r"(v) : : "memory");
	return v;
}

static void gs_base_write(uint64_t v)
{
	if (cpu_has.fsgsbase)
		__asm__ __volatile__("swapgs\n\twrgsbase %0\n\tswapgs" : : "r"(v) : "memory");
	else
		wrmsr(MSR_KERNEL_GS_BASE, v);
}

/* Without FSGSBASE programs change their bases only through arch_set_tls(), which keeps the copy
 * right. */
static void bases_save(struct task *t)
{
	if (cpu_has.fsgsbase) {
		t->arch.fs_base = fs_base_read();
		t->arch.gs_base = gs_base_read();
	}
}

struct task *arch_switch(struct task *prev, struct task *next)
{
	fpu_switch(prev, next);
	if (prev->arch.uses_fpu)
		bases_save(prev);
	if (next->arch.uses_fpu) {
		fs_base_write(next->arch.fs_base);
		if (next->arch.gs_base || !prev->arch.uses_fpu || prev->arch.gs_base)
			gs_base_write(next->arch.gs_base);
	}
	desc_set_kernel_stack(next->arch.stack_top);
	this_cpu(current_task_) = next;
	return switch_stacks(prev, next);
}

void arch_task_copy(struct task *to)
{
	unsigned long flags = irq_save();

	if (current->arch.uses_fpu)
		bases_save(current);
	to->arch.fs_base = current->arch.fs_base;
	to->arch.gs_base = current->arch.gs_base;
	irq_restore(flags);
	arch_fpu_copy(to);
}

void arch_task_reset(struct task *t)
{
	unsigned long flags = irq_save();

	t->arch.fs_base = t->arch.gs_base = 0;
	if (t == current) {
		fs_base_write(0);
		gs_base_write(0);
		arch_fpu_reset();
	} else {
		arch_fpu_start(t);
	}
	irq_restore(flags);
}

bool arch_set_tls(struct task *t, uint64_t base)
{
	unsigned long flags;

	if (base >= USER_END)
		return false;
	flags = irq_save();
	t->arch.fs_base = base;
	if (t == current)
		fs_base_write(base);
	irq_restore(flags);
	return true;
}

uint64_t arch_get_tls(const struct task *t)
{
	return t == current && t->arch.uses_fpu ? fs_base_read() : t->arch.fs_base;
}

bool arch_set_gs(struct task *t, uint64_t base)
{
	unsigned long flags;

	if (base >= USER_END)
		return false;
	flags = irq_save();
	t->arch.gs_base = base;
	if (t == current)
		gs_base_write(base);
	irq_restore(flags);
	return true;
}

uint64_t arch_get_gs(const struct task *t)
{
	uint64_t v = t->arch.gs_base;

	if (t == current && t->arch.uses_fpu) {
		unsigned long flags = irq_save();

		v = gs_base_read();
		irq_restore(flags);
	}
	return v;
}

void arch_enter_user(void)
{
	struct task *t = current;

	if (!t->arch.uses_fpu)
		arch_task_reset(t);
	desc_set_kernel_stack(t->arch.stack_top);
	user_enter(task_frame(t));
}
