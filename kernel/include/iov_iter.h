/*
 * iov_iter.h - a cursor over the memory of a read or write: a program's buffers, the kernel's, or
 * pages.
 *
 * The rooms below compat never see a raw user pointer: they copy through this. compat builds it.
 */
#pragma once
#include <compiler.h>

struct page;
struct iovec {
	void *iov_base;
	size_t iov_len;
}; /* POSIX; base is a user pointer in ITER_USER */
enum iter_kind { ITER_USER, ITER_KERNEL };
struct iov_iter {
	enum iter_kind kind;
	const struct iovec *iov; /* current segment */
	size_t nr_segs;          /* left, the current one included */
	size_t seg_off;          /* consumed of the current one */
	size_t count;            /* bytes left in all */
	uint32_t flags;          /* see below */
	struct iovec one;        /* storage for a single buffer */
};
/*
 * ->flags, 0 unless set after iov_iter_*(): what this one transfer asks for beside the file's own
 * O_* flags, in the bits of O_APPEND, O_NONBLOCK, O_DSYNC and O_SYNC (rw.c asserts it).
 */
enum rw_flags {
	RW_APPEND = 02000,
	RW_NOWAIT = 04000,
	RW_DSYNC = 010000,
	RW_SYNC = 04010000,
	RW_NOAPPEND = 1 << 30 /* the file's O_APPEND does not count */
};

void iov_iter_user(struct iov_iter *it, void __user *buf, size_t n);
void iov_iter_kernel(struct iov_iter *it, void *buf, size_t n);
void iov_iter_vec(struct iov_iter *it, const struct iovec *user_iov, size_t nr,
	size_t total); /* array is kernel memory, bases are user's */
/* Copy up to n bytes and advance; returns bytes copied, fewer only when user memory faulted. */
size_t __must_check copy_to_iter(const void *src, size_t n, struct iov_iter *it);
size_t __must_check copy_from_iter(void *dst, size_t n, struct iov_iter *it);
size_t __must_check iov_iter_zero(size_t n, struct iov_iter *it);
/*
 * Instead of copying: references to the pages of the next at most @n bytes, up to @max pages, all
 * of one segment; *off: where in the first they begin. Bytes, and the cursor has moved by them; 0:
 * the end; -EFAULT; -EOPNOTSUPP: these can only be copied. See mm_pin_pages().
 */
ssize_t __must_check iov_iter_pin(
	struct iov_iter *it, size_t n, struct page **pages, unsigned max, uint32_t *off);
void iov_iter_advance(struct iov_iter *it, size_t n);
void iov_iter_revert(
	struct iov_iter *it, size_t n); /* only within the bytes consumed since creation */
/* Touch the first n bytes so that a later copy with locks held will not fault: 0 or -EFAULT. */
/* How many of the next @n bytes lie in one page of their memory. */
size_t iov_iter_in_page(const struct iov_iter *it, size_t n);
int __must_check iov_iter_fault_in(const struct iov_iter *it, size_t n, bool for_write_to_user);
