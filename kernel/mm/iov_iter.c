/*
 * iov_iter.c - copying between kernel memory and the buffers of a read or write.
 *
 * Does not: check that segments lie in user space (the user copies do).
 */
#include <arch/usercopy.h>
#include <arch/mmu.h>
#include <error.h>
#include <iov_iter.h>
#include <string.h>
#include <task.h>
#include <vm.h>

void iov_iter_user(struct iov_iter *it, void __user *buf, size_t n)
{
	it->kind = ITER_USER;
	it->one = (struct iovec){(__force void *)buf, n};
	it->iov = &it->one;
	it->nr_segs = 1;
	it->seg_off = 0;
	it->count = n;
	it->flags = 0;
}

void iov_iter_kernel(struct iov_iter *it, void *buf, size_t n)
{
	iov_iter_user(it, (__force void __user *)buf, n);
	it->kind = ITER_KERNEL;
}

void iov_iter_vec(struct iov_iter *it, const struct iovec *user_iov, size_t nr, size_t total)
{
	it->kind = ITER_USER;
	it->one = (struct iovec){NULL, 0};
	it->iov = user_iov;
	it->nr_segs = nr;
	it->seg_off = 0;
	it->count = total;
	it->flags = 0;
}

/* Current position, and how many bytes lie there in one piece (0: the end). Skips segments that are
 * used up. */
static size_t piece(struct iov_iter *it, char **base)
{
	while (it->nr_segs > 1 && it->seg_off == it->iov->iov_len) {
		it->iov++;
		it->nr_segs--;
		it->seg_off = 0;
	}
	if (!it->count)
		return 0;
	*base = (char *)it->iov->iov_base + it->seg_off;
	return MIN(it->iov->iov_len - it->seg_off, it->count);
}

static inline void moved(struct iov_iter *it, size_t n)
{
	it->seg_off += n;
	it->count -= n;
}

size_t copy_to_iter(const void *src, size_t n, struct iov_iter *it)
{
	size_t done = 0;

	while (done < n) {
		char *to;
		size_t part = MIN(piece(it, &to), n - done), left = 0;

		if (!part)
			break;
		if (it->kind == ITER_USER)
			left = copy_to_user_partial(
				(__force void __user *)to, (const char *)src + done, part);
		else
			memcpy(to, (const char *)src + done, part);
		moved(it, part - left);
		done += part - left;
		if (left)
			break;
	}
	return done;
}

size_t copy_from_iter(void *dst, size_t n, struct iov_iter *it)
{
	size_t done = 0;

	while (done < n) {
		char *from;
		size_t part = MIN(piece(it, &from), n - done), left = 0;

		if (!part)
			break;
		if (it->kind == ITER_USER)
			left = copy_from_user_partial(
				(char *)dst + done, (__force const void __user *)from, part);
		else
			memcpy((char *)dst + done, from, part);
		moved(it, part - left);
		done += part - left;
		if (left)
			break;
	}
	return done;
}

size_t iov_iter_zero(size_t n, struct iov_iter *it)
{
	size_t done = 0;

	while (done < n) {
		char *to;
		size_t part = MIN(piece(it, &to), n - done), left = 0;

		if (!part)
			break;
		if (it->kind == ITER_USER)
			left = clear_user_partial((__force void __user *)to, part);
		else
			memset(to, 0, part);
		moved(it, part - left);
		done += part - left;
		if (left)
			break;
	}
	return done;
}

void iov_iter_advance(struct iov_iter *it, size_t n)
{
	char *unused;

	n = MIN(n, it->count);
	while (n > 0) {
		size_t part = MIN(piece(it, &unused), n);

		if (!part)
			break;
		moved(it, part);
		n -= part;
	}
}

void iov_iter_revert(struct iov_iter *it, size_t n)
{
	it->count += n;
	while (n > it->seg_off) {
		n -= it->seg_off;
		it->iov--;
		it->nr_segs++;
		it->seg_off = it->iov->iov_len;
	}
	it->seg_off -= n;
}

ssize_t iov_iter_pin(
	struct iov_iter *it, size_t n, struct page **pages, unsigned max, uint32_t *off)
{
	char *base;
	size_t part = MIN(piece(it, &base), n);
	int got;

	if (!part)
		return 0;
	if (it->kind != ITER_USER || !current->mm)
		return -EOPNOTSUPP;
	*off = (uint32_t)((uintptr_t)base & (PAGE_SIZE - 1));
	got = mm_pin_pages(current->mm, (vaddr_t)base, pages,
		MIN(max, (unsigned)DIV_ROUND_UP(
				 *off + MIN(part, (size_t)max << PAGE_SHIFT), PAGE_SIZE)));
	if (got < 0)
		return got;
	part = MIN(part, ((size_t)(unsigned)got << PAGE_SHIFT) - *off);
	moved(it, part);
	return (ssize_t)part;
}

/* One byte on each page of [p, p + n). */
static int touch(char *p, size_t n, bool write)
{
	char *end = p + n;

	while (p < end) {
		uint8_t byte;

		if (get_user(byte, (__force uint8_t __user *)p))
			return -EFAULT;
		if (write && put_user(byte, (__force uint8_t __user *)p))
			return -EFAULT;
		p = (char *)(((uintptr_t)p | (PAGE_SIZE - 1)) + 1);
	}
	return 0;
}

size_t iov_iter_in_page(const struct iov_iter *it, size_t n)
{
	struct iov_iter at = *it;
	char *base;
	size_t part;

	if (it->iov == &it->one)
		at.iov = &at.one;
	part = MIN(piece(&at, &base), MIN(n, at.count));
	return MIN(part, PAGE_SIZE - ((uintptr_t)base & (PAGE_SIZE - 1)));
}

int iov_iter_fault_in(const struct iov_iter *it, size_t n, bool for_write_to_user)
{
	struct iov_iter at = *it;

	if (it->kind == ITER_KERNEL)
		return 0;
	if (it->iov == &it->one)
		at.iov = &at.one;
	n = MIN(n, at.count);
	while (n > 0) {
		char *base;
		size_t part = MIN(piece(&at, &base), n);

		if (!part)
			break;
		if (touch(base, part, for_write_to_user) < 0)
			return -EFAULT;
		moved(&at, part);
		n -= part;
	}
	return 0;
}
