/*
 * entry.S - every way into the kernel and back: SYSCALL, exceptions, interrupts, the first step of a task.
 *
 * All build a struct frame (asm/frame.h) on the task's kernel stack and call C: arch_upcalls.syscall, trap() (trap.c),
 * irq_dispatch() (irq.c). The way back to user mode looks at task->work with interrupts off and goes through
 * user_exit_work() (trap.c) if any is set. SYSRET is used only when RCX and R11 say what RIP and RFLAGS say and RIP lies in the lower
 * half; otherwise IRET, after frame_sanitise() made sure that IRET cannot fault.
 * NMI, #DF, #MC, #DB run on IST stacks and take gs base from the stack's top: they may hit between SWAPGS and its twin.
 * Spec: SDM vol 3, 5.8.8, 6.14; vol 2 SYSCALL, SYSRET.
 */
#include "offsets.h"

	.macro SMAP_OFF
	.pushsection .smap_sites, "a"
	.long 661f - .
	.popsection
661:	clac
	.endm

	.macro PUSH_REST /* all after rdi */
	pushq %rsi
	pushq %rdx
	pushq %rcx
	pushq %rax
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	.endm

	.macro POP_ALL
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rax
	popq %rcx
	popq %rdx
	popq %rsi
	popq %rdi
	.endm

	.text
	.balign 64
	.globl syscall_entry
syscall_entry:
	swapgs
	movq %rsp, %gs:user_rsp_
	movq %gs:kstack_top_, %rsp
	pushq $SEL_USER_DS
	pushq %gs:user_rsp_
	pushq %r11
	pushq $SEL_USER_CS
	pushq %rcx
	pushq %rax /* orig_rax */
	pushq %rdi
	pushq %rsi
	pushq %rdx
	pushq %rcx
	pushq $-38 /* ENOSYS */
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, %rdi
	subq $8, %rsp
	sti
	call *arch_upcalls + UPCALL_SYSCALL
	cli
#if CONFIG_DEBUG
	call user_exit_check
#endif
	addq $8, %rsp
	movq %gs:current_task_, %rax
	cmpl $0, TASK_WORK(%rax)
	jne user_work
	movq F_RIP(%rsp), %rax
	cmpq %rax, F_RCX(%rsp)
	jne user_iret_checked
	shrq $47, %rax
	jnz user_iret_checked
	movq F_R11(%rsp), %rax
	cmpq %rax, F_RFLAGS(%rsp)
	jne user_iret_checked
	testl $0x10100, %eax /* RF, TF */
	jnz user_iret_checked
	POP_ALL
	movq F_RSP - F_ORIG(%rsp), %rsp
	swapgs
	sysretq

user_work:
	movq %rsp, %rdi
	subq $8, %rsp
	call user_exit_work
	addq $8, %rsp
user_iret_checked:
	movq %rsp, %rdi
	subq $8, %rsp
	call frame_sanitise
	addq $8, %rsp
user_iret:
	POP_ALL
	addq $8, %rsp
	swapgs
	iretq

	/* Vector in edi; rdi and everything above it saved. */
trap_common:
	PUSH_REST
	cld
	SMAP_OFF
	testb $3, F_CS(%rsp)
	jz 1f
	swapgs
1:	movq %rsp, %rax
	movq F_ORIG(%rsp), %rdx
	movq $-1, F_ORIG(%rsp)
	movl %edi, %esi
	movq %rax, %rdi
	subq $8, %rsp
	call trap
	addq $8, %rsp
	testb $3, F_CS(%rsp)
	jz kernel_iret
user_exit:
	cli
#if CONFIG_DEBUG
	subq $8, %rsp
	call user_exit_check
	addq $8, %rsp
#endif
	movq %gs:current_task_, %rax
	cmpl $0, TASK_WORK(%rax)
	jne user_work
	jmp user_iret
kernel_iret:
	POP_ALL
	addq $8, %rsp
	iretq

	/* Vector in the orig_rax slot. */
irq_common:
	pushq %rdi
	PUSH_REST
	cld
	SMAP_OFF
	testb $3, F_CS(%rsp)
	jz 1f
	swapgs
1:	movq %rsp, %rdi
	movl F_ORIG(%rsp), %esi
	movq $-1, F_ORIG(%rsp)
	subq $8, %rsp
	call irq_dispatch
	addq $8, %rsp
	testb $3, F_CS(%rsp)
	jz kernel_iret
	jmp user_exit

	/* On an IST stack; vector in edi. */
ist_common:
	PUSH_REST
	cld
	SMAP_OFF
	movl %edi, %r12d
	testb $3, F_CS(%rsp)
	jz 1f
	swapgs /* from user mode: go on upon the task's stack like any exception */
	movq %gs:kstack_top_, %rdi
	subq $F_SIZE, %rdi
	movq %rdi, %rax
	movq %rsp, %rsi
	movl $(F_SIZE / 8), %ecx
	rep movsq
	movq %rax, %rsp
	movq %rax, %rdi
	movl %r12d, %esi
	movq F_ORIG(%rsp), %rdx
	movq $-1, F_ORIG(%rsp)
	subq $8, %rsp
	call trap
	addq $8, %rsp
	jmp user_exit
1:	movl $MSR_GS_BASE, %ecx
	rdmsr
	movl %eax, %r14d
	movl %edx, %r15d
	movl F_SIZE(%rsp), %eax
	movl F_SIZE + 4(%rsp), %edx
	wrmsr
	movq %rsp, %rdi
	movl %r12d, %esi
	movq F_ORIG(%rsp), %rdx
	movq $-1, F_ORIG(%rsp)
	subq $8, %rsp
	call trap
	addq $8, %rsp
	movl $MSR_GS_BASE, %ecx
	movl %r14d, %eax
	movl %r15d, %edx
	wrmsr
	jmp kernel_iret

	/* struct task *switch_stacks(struct task *prev, struct task *next) */
	.globl switch_stacks
switch_stacks:
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, TASK_RSP(%rdi)
	movq TASK_RSP(%rsi), %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	movq %rdi, %rax
	ret

	/* First steps of tasks, "returned" to by switch_stacks: r12(r13) or the frame at rsp. */
	.globl task_entry_kernel, task_entry_user, user_enter
task_entry_kernel:
	movq %rax, %rdi
	call task_entered
	sti
	movq %r13, %rdi
	call *%r12
	ud2
task_entry_user:
	movq %rax, %rdi
	subq $8, %rsp
	call task_entered
	addq $8, %rsp
	cli
	movq %gs:current_task_, %rax
	cmpl $0, TASK_WORK(%rax)
	jne user_work
	jmp user_iret_checked
	/* void user_enter(struct frame *): the frame is at the top of this task's stack */
user_enter:
	cli
	movq %rdi, %rsp
	xorl %ebp, %ebp
	movq %gs:current_task_, %rax
	cmpl $0, TASK_WORK(%rax)
	jne user_work
	jmp user_iret_checked

	/* Stubs: trap_stubs has 32 of 16 bytes, irq_stubs 224 of 16 bytes. */
	.balign 16
	.globl trap_stubs, irq_stubs
trap_stubs:
	.set v, 0
	.rept 32
	.balign 16
	/* The CPU pushes an error code for 8, 10-14, 17, 21, 29, 30. */
	.if ((1 << v) & 0x60227d00) == 0
	pushq $0
	.endif
	pushq %rdi
	movl $v, %edi
	.if v == 1 || v == 2 || v == 8 || v == 18
	jmp ist_common
	.else
	jmp trap_common
	.endif
	.set v, v + 1
	.endr
	.balign 16
irq_stubs:
	.rept 224
	.balign 16
	pushq $v
	jmp irq_common
	.set v, v + 1
	.endr
	.balign 16
	.section .note.GNU-stack, "", @progbits
