/*
 * asm/usercopy.h - x86_64: get_user() and put_user(). Contract: arch/usercopy.h.
 *
 * The check is one sign test: every kernel address is negative, and what lies between USER_END and
 * there faults (page fault or #GP) and is caught like any other bad address. STAC and CLAC sites
 * are listed in .smap_sites and turned into NOPs at boot on a machine without SMAP.
 */
#pragma once
#include <compiler.h>
#include <error.h>

#define USER_ACCESS_BEGIN                                                                          \
	".pushsection .smap_sites,\"a\"\n\t.long 661f - .\n\t.popsection\n661:\tstac\n\t"
#define USER_ACCESS_END                                                                            \
	".pushsection .smap_sites,\"a\"\n\t.long 662f - .\n\t.popsection\n662:\tclac\n\t"
/* When the instruction at @insn faults and the fault cannot be served, go on at @fixup. */
#define EX_TABLE(insn, fixup)                                                                      \
	".pushsection __ex_table,\"a\"\n\t.long " insn " - ., " fixup " - .\n\t.popsection\n\t"

#define USER_LOAD_(type, ins, reg)                                                                 \
	static __always_inline int user_load_##type(const void __user *p, type *v)                 \
	{                                                                                          \
		int err = 0;                                                                       \
		type x;                                                                            \
		if (unlikely((long)(unsigned long)p < 0)) {                                        \
			*v = 0;                                                                    \
			return -EFAULT;                                                            \
		}                                                                                  \
		__asm__ __volatile__(USER_ACCESS_BEGIN                                             \
				     "1:\t" ins " %2, %" reg "1\n2:\t" USER_ACCESS_END             \
				     ".pushsection .text.fixup,\"ax\"\n3:\tmovl %3, %0\n\txorl "   \
				     "%k1, %k1\n\tjmp 2b\n\t.popsection\n\t" EX_TABLE("1b", "3b")  \
				     : "+r"(err), "=&r"(x)                                         \
				     : "m"(*(const type __force *)p), "i"(-EFAULT)                 \
				     : "cc");                                                      \
		*v = x;                                                                            \
		return err;                                                                        \
	}
USER_LOAD_(uint8_t, "movb", "b")
USER_LOAD_(uint16_t, "movw", "w")
USER_LOAD_(uint32_t, "movl", "k")
USER_LOAD_(uint64_t, "movq", "q")

#define USER_STORE_(type, ins, reg)                                                                \
	static __always_inline int user_store_##type(void __user *p, type v)                       \
	{                                                                                          \
		int err = 0;                                                                       \
		if (unlikely((long)(unsigned long)p < 0))                                          \
			return -EFAULT;                                                            \
		__asm__ __volatile__(USER_ACCESS_BEGIN                                             \
				     "1:\t" ins " %" reg "2, %1\n2:\t" USER_ACCESS_END             \
				     ".pushsection .text.fixup,\"ax\"\n3:\tmovl %3, %0\n\tjmp "    \
				     "2b\n\t.popsection\n\t" EX_TABLE("1b", "3b")                  \
				     : "+r"(err), "=m"(*(type __force *)p)                         \
				     : "r"(v), "i"(-EFAULT)                                        \
				     : "cc");                                                      \
		return err;                                                                        \
	}
USER_STORE_(uint8_t, "movb", "b")
USER_STORE_(uint16_t, "movw", "w")
USER_STORE_(uint32_t, "movl", "k")
USER_STORE_(uint64_t, "movq", "q")

static __always_inline int user_load_(const void __user *p, size_t size, uint64_t *v)
{
	uint8_t b = 0;
	uint16_t w = 0;
	uint32_t l = 0;
	int err;

	switch (size) {
	case 1:
		err = user_load_uint8_t(p, &b);
		*v = b;
		return err;
	case 2:
		err = user_load_uint16_t(p, &w);
		*v = w;
		return err;
	case 4:
		err = user_load_uint32_t(p, &l);
		*v = l;
		return err;
	default:
		return user_load_uint64_t(p, v);
	}
}
static __always_inline int user_store_(void __user *p, size_t size, uint64_t v)
{
	switch (size) {
	case 1:
		return user_store_uint8_t(p, (uint8_t)v);
	case 2:
		return user_store_uint16_t(p, (uint16_t)v);
	case 4:
		return user_store_uint32_t(p, (uint32_t)v);
	default:
		return user_store_uint64_t(p, v);
	}
}
#define USER_SIZE_OK_(ptr)                                                                         \
	(sizeof(*(ptr)) == 1 || sizeof(*(ptr)) == 2 || sizeof(*(ptr)) == 4 || sizeof(*(ptr)) == 8)
#define get_user(x, ptr)                                                                           \
	({                                                                                         \
		static_assert(USER_SIZE_OK_(ptr), "one scalar");                                   \
		uint64_t gu_v_;                                                                    \
		int gu_e_ = user_load_((ptr), sizeof(*(ptr)), &gu_v_);                             \
		(x) = (__typeof__(*(ptr)))gu_v_;                                                   \
		gu_e_;                                                                             \
	})
#define put_user(x, ptr)                                                                           \
	({                                                                                         \
		static_assert(USER_SIZE_OK_(ptr), "one scalar");                                   \
		__typeof__(*(ptr)) pu_v_ = (x);                                                    \
		user_store_((ptr), sizeof(*(ptr)), (uint64_t)pu_v_);                               \
	})
