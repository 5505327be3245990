/*
 * usercopy.S - moving bytes: user copies that survive faults, page clear and copy.
 *
 * Copies: below 256 bytes 8-byte moves with overlapping ends. From there on REP MOVSB where it is fast (ERMS), else single string
 * moves, the cheapest way through an emulator that runs REP step by step.
 * Clearing: REP STOSB, else vector stores from one register that is saved around, which is legal because the state of user
 * mode is in the registers only between whole instructions of ours: a switch in a page fault saves and restores what we put
 * there. move_mode says which.
 * A fault in a block restarts the rest byte by byte, so that the count of what was not copied is exact.
 */

	.macro USER_ON
	.pushsection .smap_sites, "a"
	.long 661f - .
	.popsection
661:	stac
	.endm
	.macro USER_OFF
	.pushsection .smap_sites, "a"
	.long 661f - .
	.popsection
661:	clac
	.endm
	.macro TRY to:req, insn:vararg /* one instruction that may fault */
	.pushsection __ex_table, "a"
	.long 661f - ., \to - .
	.popsection
661:	\insn
	.endm

	.bss
	.globl move_mode
move_mode: .skip 4 /* usercopy.c: 0 SSE, 1 AVX, 2 REP */

	.text
	/* size_t user_copy(void *dst, const void *src, size_t n): bytes not copied */
	.balign 16
	.globl user_copy
user_copy:
	USER_ON
	cmpq $256, %rdx
	jae copy_large
copy_small:
	cmpq $32, %rdx
	jb 2f
1:	TRY copy_bytes, movq (%rsi), %rax
	TRY copy_bytes, movq 8(%rsi), %r8
	TRY copy_bytes, movq 16(%rsi), %r9
	TRY copy_bytes, movq 24(%rsi), %r10
	TRY copy_bytes, movq %rax, (%rdi)
	TRY copy_bytes, movq %r8, 8(%rdi)
	TRY copy_bytes, movq %r9, 16(%rdi)
	TRY copy_bytes, movq %r10, 24(%rdi)
	addq $32, %rsi
	addq $32, %rdi
	subq $32, %rdx
	cmpq $32, %rdx
	jae 1b
2:	cmpl $8, %edx
	jb 4f
	cmpl $16, %edx
	jb 3f
	TRY copy_bytes, movq (%rsi), %rax
	TRY copy_bytes, movq 8(%rsi), %r8
	TRY copy_bytes, movq -16(%rsi, %rdx), %r9
	TRY copy_bytes, movq -8(%rsi, %rdx), %r10
	TRY copy_bytes, movq %rax, (%rdi)
	TRY copy_bytes, movq %r8, 8(%rdi)
	TRY copy_bytes, movq %r9, -16(%rdi, %rdx)
	TRY copy_bytes, movq %r10, -8(%rdi, %rdx)
	xorl %eax, %eax
	USER_OFF
	ret
3:	TRY copy_bytes, movq (%rsi), %rax
	TRY copy_bytes, movq -8(%rsi, %rdx), %r8
	TRY copy_bytes, movq %rax, (%rdi)
	TRY copy_bytes, movq %r8, -8(%rdi, %rdx)
	xorl %eax, %eax
	USER_OFF
	ret
4:	cmpl $4, %edx
	jb copy_bytes
	TRY copy_bytes, movl (%rsi), %eax
	TRY copy_bytes, movl -4(%rsi, %rdx), %r8d
	TRY copy_bytes, movl %eax, (%rdi)
	TRY copy_bytes, movl %r8d, -4(%rdi, %rdx)
	xorl %eax, %eax
	USER_OFF
	ret
copy_bytes:
	testq %rdx, %rdx
	jz 6f
5:	TRY 6f, movb (%rsi), %al
	TRY 6f, movb %al, (%rdi)
	incq %rsi
	incq %rdi
	decq %rdx
	jnz 5b
6:	movq %rdx, %rax
	USER_OFF
	ret

copy_large:
	cmpl $2, move_mode(%rip)
	je copy_rep
	leaq (%rsi, %rdx), %r8
	movq %rdx, %rcx
	shrq $8, %rcx
	andl $255, %edx
7:	.rept 32
	TRY copy_fault, movsq
	.endr
	decq %rcx
	jnz 7b
	jmp copy_small
copy_fault:
	movq %r8, %rdx
	subq %rsi, %rdx
	jmp copy_bytes
copy_rep:
	movq %rdx, %rcx
	TRY 9f, rep movsb
9:	movq %rcx, %rax
	USER_OFF
	ret

	/* size_t user_clear(void *dst, size_t n): bytes not cleared */
	.balign 16
	.globl user_clear
user_clear:
	USER_ON
	xorl %eax, %eax
	cmpq $256, %rsi
	jae clear_large
clear_small:
	cmpq $32, %rsi
	jb 2f
1:	TRY clear_bytes, movq %rax, (%rdi)
	TRY clear_bytes, movq %rax, 8(%rdi)
	TRY clear_bytes, movq %rax, 16(%rdi)
	TRY clear_bytes, movq %rax, 24(%rdi)
	addq $32, %rdi
	subq $32, %rsi
	cmpq $32, %rsi
	jae 1b
2:	cmpl $8, %esi
	jb clear_bytes
	TRY clear_bytes, movq %rax, (%rdi)
	addq $8, %rdi
	subq $8, %rsi
	jmp 2b
clear_bytes:
	testq %rsi, %rsi
	jz 4f
3:	TRY 4f, movb %al, (%rdi)
	incq %rdi
	decq %rsi
	jnz 3b
4:	movq %rsi, %rax
	USER_OFF
	ret
clear_large:
	cmpl $2, move_mode(%rip)
	je 6f
	subq $24, %rsp
	movups %xmm0, (%rsp)
	xorps %xmm0, %xmm0
5:	TRY clear_fault, movups %xmm0, (%rdi)
	TRY clear_fault, movups %xmm0, 16(%rdi)
	TRY clear_fault, movups %xmm0, 32(%rdi)
	TRY clear_fault, movups %xmm0, 48(%rdi)
	addq $64, %rdi
	subq $64, %rsi
	cmpq $64, %rsi
	jae 5b
	movups (%rsp), %xmm0
	addq $24, %rsp
	jmp clear_small
clear_fault:
	movups (%rsp), %xmm0
	addq $24, %rsp
	jmp clear_bytes
6:	movq %rsi, %rcx
	TRY 7f, rep stosb
7:	movq %rcx, %rax
	USER_OFF
	ret

	/* ssize_t user_strncpy(char *dst, const char *src, size_t size): length, -EFAULT or -ENAMETOOLONG */
	.balign 16
	.globl user_strncpy
user_strncpy:
	USER_ON
	movq $0x0101010101010101, %r8
	movq $0x8080808080808080, %r9
	xorl %eax, %eax
1:	leaq 8(%rax), %rcx
	cmpq %rdx, %rcx
	ja 2f
	TRY 2f, movq (%rsi, %rax), %r10
	movq %r10, %rcx
	movq %r10, %r11
	subq %r8, %rcx
	notq %r11
	andq %r9, %rcx
	movq %r10, (%rdi, %rax)
	andq %r11, %rcx
	jnz 3f
	addq $8, %rax
	jmp 1b
3:	bsfq %rcx, %rcx
	shrl $3, %ecx
	addq %rcx, %rax
	USER_OFF
	ret
2:	cmpq %rdx, %rax
	jae 5f
	TRY 4f, movb (%rsi, %rax), %cl
	movb %cl, (%rdi, %rax)
	testb %cl, %cl
	jz 6f
	incq %rax
	jmp 2b
4:	movq $-14, %rax /* EFAULT */
	jmp 6f
5:	movq $-36, %rax /* ENAMETOOLONG */
6:	USER_OFF
	ret

	/* void page_clear(void *page) */
	.balign 16
	.globl page_clear
page_clear:
	movl move_mode(%rip), %eax
	cmpl $1, %eax
	ja 3f
	je 2f
	subq $24, %rsp
	movups %xmm0, (%rsp)
	xorps %xmm0, %xmm0
	movl $16, %ecx
1:	.set o, 0
	.rept 16
	movaps %xmm0, o(%rdi)
	.set o, o + 16
	.endr
	addq $256, %rdi
	decl %ecx
	jnz 1b
	movups (%rsp), %xmm0
	addq $24, %rsp
	ret
2:	subq $40, %rsp
	vmovups %ymm0, (%rsp)
	vxorps %ymm0, %ymm0, %ymm0
	movl $8, %ecx
1:	.set o, 0
	.rept 16
	vmovaps %ymm0, o(%rdi)
	.set o, o + 32
	.endr
	addq $512, %rdi
	decl %ecx
	jnz 1b
	vmovups (%rsp), %ymm0
	addq $40, %rsp
	ret
3:	xorl %eax, %eax
	movl $4096, %ecx
	rep stosb
	ret

	/* void page_copy(void *dst, const void *src) */
	.balign 16
	.globl page_copy
page_copy:
	cmpl $2, move_mode(%rip)
	je 3f
	movl $16, %ecx
1:	.rept 32
	movsq
	.endr
	decl %ecx
	jnz 1b
	ret
3:	movl $4096, %ecx
	rep movsb
	ret
	.section .note.GNU-stack, "", @progbits
