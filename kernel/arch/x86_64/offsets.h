/*
 * offsets.h - numbers that the assembly and C share; checked against the structures in task.c and
 * desc.c.
 */
#pragma once

#define KERNEL_CS   0x10
#define KERNEL_DS   0x18
#define SEL_USER_DS 0x2b
#define SEL_USER_CS 0x33
#define SEL_TSS     0x40

#define TASK_RSP  0  /* struct task: arch.rsp */
#define TASK_WORK 56 /* work */

#define UPCALL_SYSCALL 8 /* struct arch_upcalls: syscall */

/* struct frame */
#define F_R15    0
#define F_R14    8
#define F_R13    16
#define F_R12    24
#define F_RBP    32
#define F_RBX    40
#define F_R11    48
#define F_R10    56
#define F_R9     64
#define F_R8     72
#define F_RAX    80
#define F_RCX    88
#define F_RDX    96
#define F_RSI    104
#define F_RDI    112
#define F_ORIG   120
#define F_RIP    128
#define F_CS     136
#define F_RFLAGS 144
#define F_RSP    152
#define F_SS     160
#define F_SIZE   168

#define IST_BYTES 8192 /* stack of NMI, #DF, #MC, #DB; the last 16 bytes hold the CPU's gs base */

#define MSR_EFER           0xc0000080
#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
