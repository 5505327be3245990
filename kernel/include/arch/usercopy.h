/*
 * arch/usercopy.h - the one place where kernel code touches a program's memory.
 *
 * Context: a task with an mm, may sleep (page faults). Every function checks that the range lies
 * below USER_END and recovers from faults.
 */
#pragma once
#include <compiler.h>

/* Bytes NOT copied (0: all). */
size_t __must_check copy_from_user_partial(void *dst, const void __user *src, size_t n);
size_t __must_check copy_to_user_partial(void __user *dst, const void *src, size_t n);
size_t __must_check clear_user_partial(void __user *dst, size_t n);
/* Length without NUL of the string copied, -EFAULT, or -ENAMETOOLONG when no NUL within @size. */
ssize_t __must_check strncpy_from_user(char *dst, const char __user *src, size_t size);
/* Atomics for futexes. 0 or -EFAULT; *old receives what was there. */
int __must_check user_cmpxchg32(uint32_t __user *p, uint32_t expect, uint32_t want, uint32_t *old);
int __must_check user_xchg_op32(uint32_t __user *p, unsigned op, uint32_t arg,
	uint32_t *old); /* op: 0 set 1 add 2 or 3 andn 4 xor */
/* Read without faulting pages in (interrupt context, tracing): -EFAULT if not present. */
int __must_check copy_from_user_nofault(void *dst, const void __user *src, size_t n);

int __must_check copy_from_user(void *dst, const void __user *src, size_t n); /* 0 or -EFAULT */
int __must_check copy_to_user(void __user *dst, const void *src, size_t n);
int __must_check clear_user(void __user *dst, size_t n);
/* One value of 1, 2, 4 or 8 bytes; inline in <asm/usercopy.h>. */
#include <asm/usercopy.h> /* get_user(x, ptr), put_user(x, ptr): 0 or -EFAULT */
