/*
 * boot.S - the way from the loader to C: multiboot2 (GRUB) or PVH (qemu -kernel), both in 32-bit protected mode without
 * paging; out in long mode at the link address with the first 4 GiB mapped at 0 and at the direct map.
 *
 * Specs: Multiboot2 2.0; Xen PVH start info; SDM vol 3, 9.8.5. Does not: relocate the image.
 */
#include "offsets.h"

.set VMA, 0xffffffff80000000
.set MAGIC, 0xe85250d6
.set PG, 0x3   /* present, writable */
.set PG2M, 0x83

	.section .multiboot, "a"
	.balign 8
header:
	.long MAGIC, 0, header_end - header, -(MAGIC + (header_end - header))
	.word 1, 1 /* information wanted, optional: map, framebuffer, EFI table, RSDP old and new */
	.long 28, 6, 8, 12, 14, 15
	.balign 8
	.word 5, 1 /* framebuffer, optional */
	.long 20, 1024, 768, 32
	.balign 8
	.word 6, 1 /* modules on page boundaries */
	.long 8
	.word 0, 0
	.long 8
header_end:

	.section .note.Xen, "a", @note
	.balign 4
	.long 4, 8, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.quad pvh_start - VMA

	.section .text.boot, "ax"
	.code32
	.globl _start
_start:
	movl %eax, %esi
	rdtsc
	jmp entered
pvh_start:
	movl $0x50564821, %esi
	rdtsc
entered:
	cli
	cld
	movl %eax, boot_entry_tsc - VMA
	movl %edx, boot_entry_tsc + 4 - VMA
	movl %esi, boot_magic - VMA
	movl %ebx, boot_info_pa - VMA
	movl $(boot_stack_top - VMA), %esp

	/* CPUID there? Bit 21 of EFLAGS can be changed then. */
	pushfl
	popl %eax
	movl %eax, %ecx
	xorl $0x200000, %eax
	pushl %eax
	popfl
	pushfl
	popl %eax
	xorl %ecx, %eax
	movl $(msg_long - VMA), %esi
	testl $0x200000, %eax
	jz refuse
	movl $0x80000000, %eax
	cpuid
	cmpl $0x80000001, %eax
	jb refuse
	movl $0x80000001, %eax
	cpuid
	btl $29, %edx
	jnc refuse
	movl $(msg_nx - VMA), %esi
	btl $20, %edx
	jnc refuse
	movl $1, %eax
	cpuid
	movl $(msg_sse - VMA), %esi
	andl $0x07002378, %edx /* PSE TSC MSR PAE CX8 APIC PGE FXSR SSE SSE2 */
	cmpl $0x07002378, %edx
	jne refuse

	/* Four directories of 2 MiB pages: 4 GiB. */
	movl $(boot_pd - VMA), %edi
	movl $PG2M, %eax
	movl $2048, %ecx
1:	movl %eax, (%edi)
	addl $0x200000, %eax
	addl $8, %edi
	loop 1b
	movl $(boot_pd - VMA + PG), %eax
	movl %eax, boot_pdpt - VMA
	movl %eax, boot_pdpt_top - VMA + 510 * 8
	addl $4096, %eax
	movl %eax, boot_pdpt - VMA + 8
	movl %eax, boot_pdpt_top - VMA + 511 * 8
	addl $4096, %eax
	movl %eax, boot_pdpt - VMA + 16
	addl $4096, %eax
	movl %eax, boot_pdpt - VMA + 24
	movl $(boot_pdpt - VMA + PG), %eax
	movl %eax, boot_pml4 - VMA
	movl %eax, boot_pml4 - VMA + 256 * 8
	movl $(boot_pdpt_top - VMA + PG), %eax
	movl %eax, boot_pml4 - VMA + 511 * 8

	movl $(boot_pml4 - VMA), %eax
	movl %eax, %cr3
	movl $0xa0, %eax /* PAE PGE */
	movl %eax, %cr4
	movl $MSR_EFER, %ecx
	rdmsr
	orl $0x901, %eax /* SCE LME NXE */
	wrmsr
	movl $0x80010033, %eax /* PG WP NE ET MP PE */
	movl %eax, %cr0
	lgdt boot_gdtr - VMA
	ljmp $KERNEL_CS, $(long_mode - VMA)

/* Say why at %esi on the first serial port and the text screen, and stop. */
refuse:
	movl $0xb8000, %edi
	movw $0x3f9, %dx
	xorb %al, %al
	outb %al, %dx
	movw $0x3fb, %dx
	movb $0x80, %al
	outb %al, %dx
	movw $0x3f8, %dx
	movb $1, %al /* 115200 */
	outb %al, %dx
	incw %dx
	xorb %al, %al
	outb %al, %dx
	movw $0x3fb, %dx
	movb $3, %al /* 8n1 */
	outb %al, %dx
1:	movb (%esi), %bl
	incl %esi
	testb %bl, %bl
	jz 3f
	movl $100000, %ecx
2:	movw $0x3fd, %dx
	inb %dx, %al
	testb $0x20, %al
	loopz 2b
	movb %bl, %al
	movw $0x3f8, %dx
	outb %al, %dx
	movb $0x4f, %bh
	movw %bx, (%edi)
	addl $2, %edi
	jmp 1b
3:	cli
	hlt
	jmp 3b

	.code64
long_mode:
	movq $1f, %rax
	jmp *%rax
1:	movl $KERNEL_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movq $boot_gdtr_high, %rax
	lgdt (%rax)
	movq $boot_stack_top, %rsp
	movq $__percpu_boot, %rax
	movq $__percpu_start, %rdx
	subq %rdx, %rax
	movq %rax, %rdx
	shrq $32, %rdx
	movl $MSR_GS_BASE, %ecx
	wrmsr
	xorl %ebp, %ebp
	pushq $0
	jmp arch_start

	.section .rodata
msg_long: .asciz "Ambit cannot run here: the processor is not 64-bit (no long mode).\r\n"
msg_nx: .asciz "Ambit cannot run here: the processor has no NX (execute disable); is it off in the firmware?\r\n"
msg_sse: .asciz "Ambit cannot run here: the processor lacks PAE, PGE, APIC, SSE2 or CMPXCHG8B.\r\n"
	.balign 8
boot_gdt:
	.quad 0, 0
	.quad 0x00af9a000000ffff /* KERNEL_CS */
	.quad 0x00cf92000000ffff /* KERNEL_DS */
boot_gdtr:
	.word . - boot_gdt - 1
	.long boot_gdt - VMA
boot_gdtr_high:
	.word boot_gdtr - boot_gdt - 1
	.quad boot_gdt

	.data
	.balign 8
	.globl boot_entry_tsc, boot_magic, boot_info_pa
boot_entry_tsc: .quad 0
boot_magic: .long 0
boot_info_pa: .long 0

	.section .bss.page_aligned, "aw", @nobits
	.balign 4096
	.globl boot_pml4, boot_guard, boot_stack, boot_stack_top
boot_pml4: .skip 4096
boot_pdpt: .skip 4096
boot_pdpt_top: .skip 4096
boot_pd: .skip 4 * 4096
boot_guard: .skip 4096 /* not mapped later */
boot_stack: .skip 16384
boot_stack_top:
	.section .note.GNU-stack, "", @progbits
