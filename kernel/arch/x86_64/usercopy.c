/*
 * usercopy.c - range checks around usercopy.S, atomics on a program's memory, the choice of copy
 * method.
 *
 * A range is a program's if it starts and ends in the lower half; the hole between USER_END and the
 * kernel faults by itself.
 */
#include <arch/usercopy.h>
#include <memcheck.h>
#include <string.h>
#include "room.h"
#include "x86.h"

size_t user_copy(void *dst, const void *src, size_t n);
size_t user_clear(void *dst, size_t n);
ssize_t user_strncpy(char *dst, const char *src, size_t size);

extern int32_t __smap_sites_start[], __smap_sites_end[];

void usercopy_init(void)
{
	move_mode = cpu_has.erms ? 2 : cpu_has.avx ? 1 : 0;
}

/* Without SMAP, STAC and CLAC are undefined: 3-byte NOPs in their place. Before text becomes
 * read-only. */
void smap_patch(void)
{
	static const uint8_t nop3[3] = {0x0f, 0x1f, 0x00};

	if (cpu_has.smap)
		return;
	for (int32_t *s = __smap_sites_start; s < __smap_sites_end; s++)
		memcpy((char *)s + *s, nop3, sizeof(nop3));
}

static inline bool user_range(const void __user *p, size_t n)
{
	uint64_t a = (uintptr_t)p;

	return (int64_t)(a | n | (a + n)) >= 0;
}

size_t copy_from_user_partial(void *dst, const void __user *src, size_t n)
{
	mem_touch(dst, n, true);
	return likely(user_range(src, n)) ? user_copy(dst, (const void __force *)src, n) : n;
}

size_t copy_to_user_partial(void __user *dst, const void *src, size_t n)
{
	mem_touch(src, n, false);
	return likely(user_range(dst, n)) ? user_copy((void __force *)dst, src, n) : n;
}

size_t clear_user_partial(void __user *dst, size_t n)
{
	return likely(user_range(dst, n)) ? user_clear((void __force *)dst, n) : n;
}

int copy_from_user(void *dst, const void __user *src, size_t n)
{
	mem_touch(dst, n, true);
	return likely(user_range(src, n)) && likely(!user_copy(dst, (const void __force *)src, n))
		       ? 0
		       : -EFAULT;
}

int copy_to_user(void __user *dst, const void *src, size_t n)
{
	mem_touch(src, n, false);
	return likely(user_range(dst, n)) && likely(!user_copy((void __force *)dst, src, n))
		       ? 0
		       : -EFAULT;
}

int clear_user(void __user *dst, size_t n)
{
	return likely(user_range(dst, n)) && likely(!user_clear((void __force *)dst, n)) ? 0
											 : -EFAULT;
}

ssize_t strncpy_from_user(char *dst, const char __user *src, size_t size)
{
	return likely((long)(unsigned long)src >= 0)
		       ? user_strncpy(dst, (const char __force *)src, size)
		       : -EFAULT;
}

/* trap.c serves no user fault while interrupts are off. */
int copy_from_user_nofault(void *dst, const void __user *src, size_t n)
{
	unsigned long flags = irq_save();
	int err = copy_from_user(dst, src, n);

	irq_restore(flags);
	return err;
}

int user_cmpxchg32(uint32_t __user *p, uint32_t expect, uint32_t want, uint32_t *old)
{
	int err = 0;

	if (!user_range(p, sizeof(*p)))
		return -EFAULT;
	__asm__ __volatile__(USER_ACCESS_BEGIN
			     "1:\tlock cmpxchgl %3, %2\n2:\t" USER_ACCESS_END
			     ".pushsection .text.fixup,\"ax\"\n3:\tmovl %4, %0\n\tjmp "
			     "2b\n\t.popsection\n\t" EX_TABLE("1b", "3b")
			     : "+r"(err), "+a"(expect), "+m"(*(uint32_t __force *)p)
			     : "r"(want), "i"(-EFAULT)
			     : "cc", "memory");
	*old = expect;
	return err;
}

int user_xchg_op32(uint32_t __user *p, unsigned op, uint32_t arg, uint32_t *old)
{
	uint32_t now;
	uint32_t seen = 0;
	int err = get_user(now, p);

	while (!err) {
		uint32_t want = op == 0   ? arg
				: op == 1 ? now + arg
				: op == 2 ? now | arg
				: op == 3 ? now & ~arg
					  : now ^ arg;

		err = user_cmpxchg32(p, now, want, &seen);
		if (!err && seen == now)
			break;
		now = seen;
	}
	*old = now;
	return err;
}
