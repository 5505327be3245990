/*
 * rseq.h - what the rest of compat/ asks of restartable sequences.
 */
#pragma once

struct frame;

/*
 * user_abi->resume: see there. Context: the thread's own, may sleep, no locks. @f: where it goes on
 * in user mode. Returns: 0 (also when nothing is registered), -EFAULT, -EINVAL.
 */
int rseq_resume(struct frame *f);
