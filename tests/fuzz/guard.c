/*
 * guard.c - the bytes behind the linear part of a received packet are out of bounds, for ASan: a
 * header read without pkt_need() is a finding although the memory belongs to the struct pkt.
 *
 * The linker leads the functions of pkt.c that move the end here first (programs.mk). What the
 * inline ones write behind the end would be a false alarm; nobody appends to what was received.
 */
#include "guard.h"
#include <pkt.h>

void __asan_poison_memory_region(const volatile void *p, size_t n);
void __asan_unpoison_memory_region(const volatile void *p, size_t n);
int __asan_address_is_poisoned(const volatile void *p);

void guard(struct pkt *p)
{
	const unsigned end = (unsigned)p->off + p->lin_len;

	__asan_poison_memory_region(p->lin + end, PKT_LINEAR - end);
}

/* True: it was guarded. */
static bool open(struct pkt *p)
{
	const bool was = __asan_address_is_poisoned(p->lin + PKT_LINEAR - 1);

	__asan_unpoison_memory_region(p->lin, PKT_LINEAR);
	return was;
}

static void shut(struct pkt *p, bool was)
{
	if (was)
		guard(p);
}

#define WRAPPED(type, name, args, call)                                                            \
	type __real_##name args;                                                                   \
	type __wrap_##name args;                                                                   \
	type __wrap_##name args                                                                    \
	{                                                                                          \
		const bool was = open(p);                                                          \
		type result = __real_##name call;                                                  \
                                                                                                   \
		shut(p, was);                                                                      \
		return result;                                                                     \
	}

WRAPPED(bool, pkt_need_slow, (struct pkt * p, unsigned n), (p, n))
WRAPPED(bool, pkt_need_headroom, (struct pkt * p, unsigned n), (p, n))
WRAPPED(ssize_t, pkt_append_iter, (struct pkt * p, struct iov_iter *from, size_t n), (p, from, n))
WRAPPED(int, pkt_append_bytes, (struct pkt * p, const void *src, size_t n), (p, src, n))
WRAPPED(int, pkt_append_ref, (struct pkt * p, const struct pkt *from, unsigned off, size_t n),
	(p, from, off, n))
WRAPPED(bool, pkt_merge, (struct pkt * p, struct pkt *from), (p, from))

void __real_pkt_trim(struct pkt *p, unsigned len);
void __wrap_pkt_trim(struct pkt *p, unsigned len);
void __wrap_pkt_trim(struct pkt *p, unsigned len)
{
	const bool was = open(p);

	__real_pkt_trim(p, len);
	shut(p, was);
}
