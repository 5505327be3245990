/*
 * trampoline.S - what a started processor runs first, in real mode, in a page below 1 MiB that smp.c copies this to.
 *
 * smp.c fills the words at the end. Into long mode on the boot tables (identity map of low memory), then to
 * smp_ap_start() with the new CPU's stack and gs base.
 */
#include "offsets.h"

	.section .rodata
	.balign 16
	.globl trampoline, trampoline_end, trampoline_args
	.code16
trampoline:
	cli
	cld
	movw %cs, %ax
	movw %ax, %ds
	movzwl %ax, %ebx
	shll $4, %ebx
	lgdtl tr_gdtr - trampoline
	movl %cr0, %eax
	orl $1, %eax
	movl %eax, %cr0
	ljmpl *(trampoline_args - trampoline)
	.code32
tr_32:
	movl $KERNEL_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl $0xa0, %eax
	movl %eax, %cr4
	movl tr_cr3 - trampoline(%ebx), %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	rdmsr
	orl $0x901, %eax
	wrmsr
	movl $0x80010033, %eax
	movl %eax, %cr0
	ljmpl *(tr_far64 - trampoline)(%ebx)
	.code64
tr_64:
	movl $KERNEL_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movl tr_gs - trampoline(%rbx), %eax
	movl tr_gs + 4 - trampoline(%rbx), %edx
	movl $MSR_GS_BASE, %ecx
	wrmsr
	movq tr_stack - trampoline(%rbx), %rsp
	movq tr_entry - trampoline(%rbx), %rax
	xorl %ebp, %ebp
	pushq $0
	jmp *%rax

	.balign 8
tr_gdt:
	.quad 0
	.quad 0x00cf9a000000ffff /* 8: 32-bit code */
	.quad 0x00af9a000000ffff /* KERNEL_CS */
	.quad 0x00cf92000000ffff /* KERNEL_DS */
	/* struct trampoline_args in smp.c */
	.balign 8
trampoline_args:
	.long tr_32 - trampoline /* + base */
	.word 8, 0
tr_far64:
	.long tr_64 - trampoline /* + base */
	.word KERNEL_CS, 0
tr_gdtr:
	.word tr_gdtr - tr_gdt - 1
	.word tr_gdt - trampoline, 0 /* + base */
	.word 0
tr_cr3:	.quad 0
tr_gs:	.quad 0
tr_stack: .quad 0
tr_entry: .quad 0
trampoline_end:
	.section .note.GNU-stack, "", @progbits
