/*
 * fetch.c - arguments fetched from programs: names, vectors, times, structures that grow.
 */
#include "compat.h"
#include <time.h>

int name_get(struct name *n, const char __user *from)
{
	ssize_t len = strncpy_from_user(n->buf, from, sizeof(n->buf));

	n->heap = NULL;
	n->s = n->buf;
	if (likely(len >= 0))
		return 0;
	if (len != -ENAMETOOLONG)
		return (int)len;
	n->heap = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!n->heap)
		return -ENOMEM;
	len = strncpy_from_user(n->heap, from, PATH_MAX);
	n->s = n->heap;
	if (len >= 0)
		return 0;
	kfree(n->heap);
	return (int)len;
}

void name_put(struct name *n)
{
	if (unlikely(n->heap))
		kfree(n->heap);
}

int at_get(struct at *at, int dfd, const char *name)
{
	struct fd_ref r;

	at->base = NULL;
	if (dfd == AT_FDCWD || *name == '/')
		return 0;
	r = fd_begin_path(dfd);
	if (!r.file)
		return -EBADF;
	at->path = r.file->path;
	path_get(&at->path);
	at->base = &at->path;
	fd_end(r);
	return 0;
}

void at_put(struct at *at)
{
	if (at->base)
		path_put(&at->path);
}

int user_path(int dfd, const char __user *name, unsigned lookup, struct path *out)
{
	struct name n UNCLEARED;
	struct at at UNCLEARED;
	int err = name_get(&n, name);

	if (err)
		return err;
	err = at_get(&at, dfd, n.s);
	if (err)
		goto put_name;
	err = path_lookup(at.base, n.s, lookup, out);
	at_put(&at);
put_name:
	name_put(&n);
	return err;
}

/* Whether a buffer can be the program's at all; what is not mapped shows when it is used. */
static bool in_user_memory(const struct iovec *v)
{
	uintptr_t at = (uintptr_t)v->iov_base;

	return at <= USER_END && v->iov_len <= USER_END - at;
}

int iov_copy_get(struct iov_copy *c, const void __user *iov, long n)
{
	size_t total = 0;
	long i;

	if (n < 0 || n > IOV_MAX)
		return -EINVAL;
	c->vec = c->fast;
	if (n > IOV_FAST) {
		c->vec = kmalloc((size_t)n * sizeof(*c->vec), GFP_KERNEL);
		if (!c->vec)
			return -ENOMEM;
	}
	if (copy_from_user(c->vec, iov, (size_t)n * sizeof(*c->vec))) {
		iov_copy_put(c);
		return -EFAULT;
	}
	for (i = 0; i < n; i++) {
		struct iovec *v = &c->vec[i];
		int err = (ssize_t)v->iov_len < 0 ? -EINVAL : in_user_memory(v) ? 0 : -EFAULT;

		if (err) {
			iov_copy_put(c);
			return err;
		}
		v->iov_len = MIN(v->iov_len, MAX_RW - total);
		total += v->iov_len;
	}
	iov_iter_vec(&c->iter, c->vec, (size_t)n, total);
	return 0;
}

void iov_copy_put(struct iov_copy *c)
{
	if (c->vec != c->fast)
		kfree(c->vec);
}

int user_timespec(const void __user *p, struct timespec *out)
{
	if (copy_from_user(out, p, sizeof(*out)))
		return -EFAULT;
	return timespec_valid(out) ? 0 : -EINVAL;
}

uint64_t deadline_after_ns(uint64_t ns)
{
	uint64_t now = clock_ns();

	return ns > WAIT_NO_DEADLINE - 1 - now ? WAIT_NO_DEADLINE - 1 : now + ns;
}

int user_deadline(const void __user *p, uint64_t *deadline_ns)
{
	struct timespec ts UNCLEARED;
	int err;

	*deadline_ns = WAIT_NO_DEADLINE;
	if (!p)
		return 0;
	err = user_timespec(p, &ts);
	if (err)
		return err;
	*deadline_ns = ts.tv_sec || ts.tv_nsec ? deadline_after_ns(timespec_to_ns(&ts)) : 0;
	return 0;
}

int copy_struct(void *to, size_t known, const void __user *from, size_t size)
{
	/* A number, not a pointer: the caller may name the last byte there is. */
	uintptr_t tail = (uintptr_t)from + known;
	uint8_t byte;
	size_t i;

	memset(to, 0, known);
	if (size > PAGE_SIZE)
		return -E2BIG;
	for (i = known; i < size; i++, tail++) {
		if (get_user(byte, (const uint8_t __user *)tail))
			return -EFAULT;
		if (byte)
			return -E2BIG;
	}
	return copy_from_user(to, from, MIN(size, known));
}
