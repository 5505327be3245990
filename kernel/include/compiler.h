/*
 * compiler.h - what C17 lacks: attributes, once-only accesses, small arithmetic helpers.
 */
#pragma once
#include <types.h>

#define __must_check    __attribute__((warn_unused_result))
#define __packed        __attribute__((packed))
#define __aligned(n)    __attribute__((aligned(n)))
#define __noreturn      __attribute__((noreturn))
#define __noinline      __attribute__((noinline))
#define __always_inline inline __attribute__((always_inline))
#define __printf(f, a)  __attribute__((format(printf, f, a)))
#define __section(s)    __attribute__((section(s)))
#define __used          __attribute__((used))
#define __cold          __attribute__((cold))
#define __weak          __attribute__((weak))
#define __fallthrough   __attribute__((fallthrough))
/* For a large local that is filled before it is read: not zeroed at its declaration
 * (-ftrivial-auto-var-init). */
#define UNCLEARED   __attribute__((uninitialized))
#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define static_assert _Static_assert

/* Lock annotations for clang -Wthread-safety; empty under gcc. */
#if defined(__clang__) && defined(CONFIG_THREAD_SAFETY)
#define CAPABILITY(x)    __attribute__((capability(x)))
#define MUST_HOLD(...)   __attribute__((requires_capability(__VA_ARGS__)))
#define ACQUIRES(...)    __attribute__((acquire_capability(__VA_ARGS__)))
#define RELEASES(...)    __attribute__((release_capability(__VA_ARGS__)))
#define NO_LOCK_ANALYSIS __attribute__((no_thread_safety_analysis))
#else
#define CAPABILITY(x)
#define MUST_HOLD(...)
#define ACQUIRES(...)
#define RELEASES(...)
#define NO_LOCK_ANALYSIS
#endif

#define barrier()               __asm__ __volatile__("" ::: "memory")
#define READ_ONCE(x)            (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)        (*(volatile __typeof__(x) *)&(x) = (v))
#define smp_load_acquire(p)     __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define smp_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define smp_mb()                __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb()               __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()               __atomic_thread_fence(__ATOMIC_RELEASE)

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define ARRAY_SIZE(a)                   (sizeof(a) / sizeof((a)[0]))
/* Each use has names of its own, so that they nest. */
#define PASTE_(a, b) a##b
#define CHOOSE_(a, b, op, n)                                                                       \
	({                                                                                         \
		__typeof__(a) PASTE_(a_, n) = (a);                                                 \
		__typeof__(b) PASTE_(b_, n) = (b);                                                 \
		PASTE_(a_, n) op PASTE_(b_, n) ? PASTE_(a_, n) : PASTE_(b_, n);                    \
	})
#define MIN_OF_(a, b, n)   CHOOSE_(a, b, <, n)
#define MAX_OF_(a, b, n)   CHOOSE_(a, b, >, n)
#define MIN(a, b)          MIN_OF_(a, b, __COUNTER__)
#define MAX(a, b)          MAX_OF_(a, b, __COUNTER__)
#define ALIGN_DOWN(x, a)   ((x) & ~((__typeof__(x))(a)-1)) /* a: power of two */
#define ALIGN_UP(x, a)     (((x) + ((__typeof__(x))(a)-1)) & ~((__typeof__(x))(a)-1))
#define IS_ALIGNED(x, a)   (((x) & ((__typeof__(x))(a)-1)) == 0)
#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))
#define BIT(n)             (1ul << (n))

/* Little- and big-endian fields of disks and wires; x86 and the host are little-endian. */
#define le16(x)    ((uint16_t)(__force uint16_t)(x))
#define le32(x)    ((uint32_t)(__force uint32_t)(x))
#define le64(x)    ((uint64_t)(__force uint64_t)(x))
#define to_le16(x) ((__force __le16)(uint16_t)(x))
#define to_le32(x) ((__force __le32)(uint32_t)(x))
#define to_le64(x) ((__force __le64)(uint64_t)(x))
#define be16(x)    __builtin_bswap16((__force uint16_t)(x))
#define be32(x)    __builtin_bswap32((__force uint32_t)(x))
#define be64(x)    __builtin_bswap64((__force uint64_t)(x))
#define to_be16(x) ((__force __be16)__builtin_bswap16((uint16_t)(x)))
#define to_be32(x) ((__force __be32)__builtin_bswap32((uint32_t)(x)))
#define to_be64(x) ((__force __be64)__builtin_bswap64((uint64_t)(x)))
