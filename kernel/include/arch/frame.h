/*
 * arch/frame.h - the registers a program had when it entered the kernel; <asm/frame.h> has struct
 * frame.
 *
 * The frame of the current task's last entry from user mode lies at the top of its kernel stack:
 * task_frame().
 */
#pragma once
#include <asm/frame.h>
/*
 * <asm/frame.h>: struct frame with the machine's registers, and inline
 *   frame_pc, frame_sp, frame_set_pc, frame_set_sp, frame_set_ret(f, long), frame_from_user(f)
 *   void frame_init_user(struct frame *f, uint64_t pc, uint64_t sp): every register defined (zero),
 * user mode, interrupts on.
 */
