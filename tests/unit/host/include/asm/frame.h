/*
 * asm/frame.h - host: the few registers that portable code asks for.
 */
#pragma once
#include <compiler.h>

struct frame {
	uint64_t pc, sp, ret, arg[6];
	bool user;
};
static inline uint64_t frame_pc(const struct frame *f)
{
	return f->pc;
}
static inline uint64_t frame_sp(const struct frame *f)
{
	return f->sp;
}
static inline void frame_set_pc(struct frame *f, uint64_t pc)
{
	f->pc = pc;
}
static inline void frame_set_sp(struct frame *f, uint64_t sp)
{
	f->sp = sp;
}
static inline void frame_set_ret(struct frame *f, long v)
{
	f->ret = (uint64_t)v;
}
static inline bool frame_from_user(const struct frame *f)
{
	return f->user;
}
static inline void frame_init_user(struct frame *f, uint64_t pc, uint64_t sp)
{
	*f = (struct frame){.pc = pc, .sp = sp, .user = true};
}
