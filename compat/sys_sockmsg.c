/*
 * sys_sockmsg.c - messages of sockets: sendto(2), recvfrom(2), sendmsg(2), recvmsg(2) and their
 * forms for several messages.
 *
 * Control data is copied as a whole: a program's on its way in, and what a receive gave on its way
 * out; what the kernel gives is bounded (CONTROL_MAX).
 */
#include "compat.h"
#include "socket_calls.h"

#define CONTROL_FAST 128u
#define CONTROL_MAX  8192u /* the most that one receive has to say, and some */

/* One message: everything that calls need, fetched from the program. */
struct message {
	struct socket_msg m;
	struct sockaddr_storage name;
	struct linux_msghdr hdr;
	struct iov_copy iov;
	uint64_t control_fast[CONTROL_FAST / sizeof(uint64_t)];
};

/* ---- one buffer ---- */

long sys_sendto(int fd, void __user *buf, size_t len, unsigned flags, void __user *addr, int alen)
{
	struct sockaddr_storage a UNCLEARED;
	struct iov_iter it UNCLEARED;
	struct socket_msg m = {.iter = &it, .flags = flags & ~(unsigned)MSG_CMSG_COMPAT};
	struct sock_ref r;
	long n;

	n = sock_begin(&r, fd);
	if (n)
		return n;
	if (addr) {
		n = addr_fetch(&a, addr, alen);
		m.name = &a;
		m.name_len = (unsigned)alen;
	}
	if (!n) {
		len = MIN(len, MAX_RW);
		iov_iter_user(&it, buf, len);
		n = socket_sendmsg(r.sock, &m, len, READ_ONCE(r.fd.file->flags));
	}
	sock_end(&r);
	return n;
}

long sys_recvfrom(
	int fd, void __user *buf, size_t len, unsigned flags, void __user *addr, void __user *alen)
{
	struct sockaddr_storage a UNCLEARED;
	struct iov_iter it UNCLEARED;
	struct socket_msg m = {.iter = &it, .flags = flags & ~(unsigned)MSG_CMSG_COMPAT};
	struct sock_ref r;
	long n;
	int err;

	n = sock_begin(&r, fd);
	if (n)
		return n;
	if (addr)
		m.name = &a;
	len = MIN(len, MAX_RW);
	iov_iter_user(&it, buf, len);
	n = socket_recvmsg(r.sock, &m, len, READ_ONCE(r.fd.file->flags));
	if (n >= 0 && addr) {
		err = addr_store(&a, m.name_len, addr, alen);
		if (err)
			n = err;
	}
	sock_end(&r);
	return n;
}

/* ---- struct msghdr ---- */

static int fetch_header(struct message *x, const struct linux_msghdr __user *hdr)
{
	int err;

	memset(&x->m, 0, sizeof(x->m));
	if (copy_from_user(&x->hdr, hdr, sizeof(x->hdr)))
		return -EFAULT;
	if (!x->hdr.name)
		x->hdr.namelen = 0;
	if (x->hdr.namelen < 0)
		return -EINVAL;
	x->hdr.namelen = MIN(x->hdr.namelen, ADDR_MAX);
	if (x->hdr.iovlen > IOV_MAX)
		return -EMSGSIZE;
	err = iov_copy_get(&x->iov, (const void __user *)x->hdr.iov, (long)x->hdr.iovlen);
	if (err)
		return err;
	x->iov.iter.count = MIN(x->iov.iter.count, MAX_RW);
	x->m.iter = &x->iov.iter;
	return 0;
}

static int control_alloc(struct message *x, size_t n)
{
	x->m.control = (uint8_t *)x->control_fast;
	if (n > CONTROL_FAST) {
		x->m.control = kmalloc(n, GFP_KERNEL);
		if (!x->m.control)
			return -ENOBUFS;
	}
	x->m.control_len = n;
	return 0;
}

static void message_end(struct message *x)
{
	if (x->m.control != (uint8_t *)x->control_fast)
		kfree(x->m.control);
	iov_copy_put(&x->iov);
}

/* ---- sending ---- */

static int fetch_control(struct message *x)
{
	uint64_t n = x->hdr.controllen;
	int err;

	if (!n)
		return 0;
	if (n > socket_limits.optmem_max)
		return -ENOBUFS;
	err = control_alloc(x, n);
	return err ? err : copy_from_user(x->m.control, (const void __user *)x->hdr.control, n);
}

static long send_one(struct sock_ref *r, struct message *x, const struct linux_msghdr __user *hdr,
	unsigned flags)
{
	long n = fetch_header(x, hdr);

	if (n)
		return n;
	if (x->hdr.namelen) {
		n = addr_fetch(&x->name, (const void __user *)x->hdr.name, x->hdr.namelen);
		x->m.name = &x->name;
		x->m.name_len = (unsigned)x->hdr.namelen;
	}
	if (!n)
		n = fetch_control(x);
	x->m.flags = flags;
	if (!n)
		n = socket_sendmsg(r->sock, &x->m, x->iov.iter.count, READ_ONCE(r->fd.file->flags));
	message_end(x);
	return n;
}

long sys_sendmsg(int fd, void __user *hdr, unsigned flags)
{
	struct message x UNCLEARED;
	struct sock_ref r;
	long n;

	if (flags & MSG_CMSG_COMPAT)
		return -EINVAL;
	n = sock_begin(&r, fd);
	if (n)
		return n;
	n = send_one(&r, &x, hdr, flags);
	sock_end(&r);
	return n;
}

long sys_sendmmsg(int fd, void __user *vec, unsigned n, unsigned flags)
{
	struct linux_mmsghdr __user *v = vec;
	struct message x UNCLEARED;
	struct sock_ref r;
	unsigned i;
	long done;

	if (flags & MSG_CMSG_COMPAT)
		return -EINVAL;
	done = sock_begin(&r, fd);
	if (done)
		return done;
	for (i = 0; i < MIN(n, (unsigned)MMSG_MAX); i++) {
		done = send_one(&r, &x, &v[i].hdr, flags);
		if (done >= 0 && put_user((uint32_t)done, &v[i].len))
			done = -EFAULT;
		if (done < 0 || task_interrupted(current, TASK_INTERRUPTIBLE)) {
			i += done >= 0;
			break;
		}
	}
	sock_end(&r);
	return i ? (long)i : n ? done : 0;
}

/* ---- receiving ---- */

static int store_results(struct message *x, struct linux_msghdr __user *hdr)
{
	int err = 0;

	if (x->hdr.name)
		err = addr_store(
			&x->name, x->m.name_len, (void __user *)x->hdr.name, &hdr->namelen);
	if (!err)
		err = put_user(x->m.out_flags | (x->m.flags & MSG_CMSG_CLOEXEC), &hdr->flags);
	if (!err && x->m.control_used)
		err = copy_to_user((void __user *)x->hdr.control, x->m.control, x->m.control_used);
	if (!err)
		err = put_user((uint64_t)x->m.control_used, &hdr->controllen);
	return err ? -EFAULT : 0;
}

static long recv_one(
	struct sock_ref *r, struct message *x, struct linux_msghdr __user *hdr, unsigned flags)
{
	long n = fetch_header(x, hdr);
	int err;

	if (n)
		return n;
	if (x->hdr.name)
		x->m.name = &x->name;
	if (x->hdr.controllen) {
		n = control_alloc(x, MIN(x->hdr.controllen, (uint64_t)CONTROL_MAX));
		if (!n)
			memset(x->m.control, 0, x->m.control_len);
	}
	x->m.flags = flags;
	if (!n)
		n = socket_recvmsg(r->sock, &x->m, x->iov.iter.count, READ_ONCE(r->fd.file->flags));
	if (n >= 0) {
		err = store_results(x, hdr);
		if (err)
			n = err;
	}
	message_end(x);
	return n;
}

long sys_recvmsg(int fd, void __user *hdr, unsigned flags)
{
	struct message x UNCLEARED;
	struct sock_ref r;
	long n;

	if (flags & MSG_CMSG_COMPAT)
		return -EINVAL;
	n = sock_begin(&r, fd);
	if (n)
		return n;
	n = recv_one(&r, &x, hdr, flags);
	sock_end(&r);
	return n;
}

/* Messages until @n, an error, the deadline or, with MSG_WAITFORONE, nothing more at once. */
static long recv_many(struct sock_ref *r, struct linux_mmsghdr __user *v, unsigned n,
	unsigned flags, uint64_t deadline)
{
	struct message x UNCLEARED;
	long done = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		done = recv_one(r, &x, &v[i].hdr, flags & ~(unsigned)MSG_WAITFORONE);
		if (done >= 0 && put_user((uint32_t)done, &v[i].len))
			done = -EFAULT;
		if (done < 0)
			break;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if ((x.m.out_flags & MSG_OOB) || clock_ns() >= deadline) {
			i++;
			break;
		}
		cond_resched();
	}
	if (i && done < 0 && done != -EAGAIN) /* for the next call */
		WRITE_ONCE(r->sock->error, (int)-done);
	return i ? (long)i : done;
}

long sys_recvmmsg(int fd, void __user *vec, unsigned n, unsigned flags, void __user *timeout)
{
	struct timespec left;
	uint64_t deadline, now;
	struct sock_ref r;
	long done;

	if (flags & MSG_CMSG_COMPAT)
		return -EINVAL;
	done = user_deadline(timeout, &deadline);
	if (!done)
		done = sock_begin(&r, fd);
	if (done)
		return done;
	done = socket_take_error(r.sock);
	if (!done)
		done = recv_many(&r, vec, MIN(n, (unsigned)MMSG_MAX), flags, deadline);
	sock_end(&r);
	if (!timeout || done <= 0)
		return done;
	now = clock_ns();
	left = ns_to_timespec(deadline > now ? (int64_t)(deadline - now) : 0);
	return copy_to_user(timeout, &left, sizeof(left)) ? -EFAULT : done;
}
