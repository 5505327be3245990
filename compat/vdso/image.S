/*
 * image.S - the built vDSO (user/vdso.c) inside the kernel; map.c copies it to a page of its own.
 */
	.section .rodata, "a"
	.globl vdso_image, vdso_image_end
vdso_image:
	.incbin "vdso.so"
vdso_image_end:
	.section .note.GNU-stack, "", @progbits
