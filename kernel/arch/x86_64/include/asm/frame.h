/*
 * asm/frame.h - x86_64: the registers of an entry into the kernel, in the order in which entry.S
 * pushes them.
 *
 * orig_rax is the system call number, or -1 when the entry was no system call.
 */
#pragma once
#include <compiler.h>

struct frame {
	uint64_t r15, r14, r13, r12, rbp, rbx;
	uint64_t r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint64_t orig_rax;
	uint64_t rip, cs, rflags, rsp, ss;
};
static_assert(sizeof(struct frame) == 168, "entry.S builds this");

#define USER_CS 0x33u
#define USER_DS 0x2bu

static inline uint64_t frame_pc(const struct frame *f)
{
	return f->rip;
}
static inline uint64_t frame_sp(const struct frame *f)
{
	return f->rsp;
}
static inline void frame_set_pc(struct frame *f, uint64_t pc)
{
	f->rip = pc;
}
static inline void frame_set_sp(struct frame *f, uint64_t sp)
{
	f->rsp = sp;
}
static inline void frame_set_ret(struct frame *f, long v)
{
	f->rax = (uint64_t)v;
}
static inline bool frame_from_user(const struct frame *f)
{
	return (f->cs & 3) != 0;
}
static inline void frame_init_user(struct frame *f, uint64_t pc, uint64_t sp)
{
	*f = (struct frame){.orig_rax = ~0ull,
		.rip = pc,
		.cs = USER_CS,
		.rflags = 0x202,
		.rsp = sp,
		.ss = USER_DS};
}
