/*
 * sys_process_vm.c - looking into another process: process_vm_readv(2), process_vm_writev(2),
 * kcmp(2).
 */
#include "compat.h"
#include <policy.h>
#include <random.h>
#include <sched.h>
#include <vm.h>

#define CHUNK PAGE_SIZE

/* The address space of @pid that the caller may read and write, referenced. -ESRCH, -EPERM */
static int foreign_mm(pid_t pid, struct mm **out)
{
	struct task *t = task_find(pid);
	int err = 0;

	if (!t)
		return -ESRCH;
	*out = task_mm_get(t);
	if (!*out) {
		err = -ESRCH;
	} else if (!process_may_look(t, LOOK_REAL, POLICY_TRACE)) {
		mm_put(*out);
		err = -EPERM;
	}
	task_put(t);
	return err;
}

/* Between the caller's memory and one stretch of the other's, through @chunk; bytes until one of
 * the two ends or cannot be reached. */
static size_t move_stretch(
	struct mm *m, const struct iovec *there, struct iov_iter *here, char *chunk, bool write)
{
	vaddr_t at = (vaddr_t)(uintptr_t)there->iov_base;
	size_t done = 0, left = MIN(there->iov_len, here->count);

	while (left && !task_interrupted(current, TASK_KILLABLE)) {
		size_t n = MIN(left, CHUNK - (at & (CHUNK - 1)));
		ssize_t moved;

		if (write) {
			size_t got = copy_from_iter(chunk, n, here);

			moved = got ? mm_access(m, at, chunk, got, true, false) : 0;
		} else {
			moved = mm_access(m, at, chunk, n, false, false);
			if (moved > 0)
				moved = (ssize_t)copy_to_iter(chunk, (size_t)moved, here);
		}
		if (moved <= 0)
			break;
		done += (size_t)moved;
		if ((size_t)moved < n)
			break;
		at += n;
		left -= n;
		cond_resched();
	}
	return done;
}

/* process_vm_readv(2): what could be moved, or -EFAULT if that is nothing. */
static ssize_t move_all(
	struct mm *m, const struct iovec *there, size_t n, struct iov_iter *here, bool write)
{
	char *chunk = kmalloc(CHUNK, GFP_KERNEL);
	ssize_t total = 0;

	if (!chunk)
		return -ENOMEM;
	for (size_t i = 0; i < n && here->count; i++) {
		size_t want = MIN(there[i].iov_len, here->count);
		size_t done = move_stretch(m, &there[i], here, chunk, write);

		total += (ssize_t)done;
		if (done < want) {
			total = total ? total : -EFAULT;
			break;
		}
	}
	kfree(chunk);
	return total;
}

/* The vector of the other's memory; where that is is judged when it is used. */
static int foreign_vec(const void __user *from, unsigned long n, struct iovec **out, size_t *total)
{
	struct iovec *vec;
	int err = 0;

	*out = NULL;
	*total = 0;
	if (n > IOV_MAX)
		return -EINVAL;
	if (!n)
		return 0;
	vec = kmalloc(n * sizeof(*vec), GFP_KERNEL);
	if (!vec)
		return -ENOMEM;
	if (copy_from_user(vec, from, n * sizeof(*vec)))
		err = -EFAULT;
	for (unsigned long i = 0; i < n && !err; i++) {
		if ((ssize_t)vec[i].iov_len < 0)
			err = -EINVAL;
		*total |= vec[i].iov_len;
	}
	*out = vec;
	return err;
}

static long process_vm(pid_t pid, const void __user *lvec, unsigned long ln,
	const void __user *rvec, unsigned long rn, bool write)
{
	struct iovec *there;
	struct iov_copy c UNCLEARED;
	struct mm *m;
	size_t any;
	long done = iov_copy_get(&c, lvec, ln > IOV_MAX ? IOV_MAX + 1 : (long)ln);

	if (done)
		return done;
	if (!c.iter.count)
		goto put_local;
	done = foreign_vec(rvec, rn, &there, &any);
	if (!done && any) {
		done = foreign_mm(pid, &m);
		if (!done) {
			done = move_all(m, there, rn, &c.iter, write);
			mm_put(m);
		}
	}
	kfree(there);
put_local:
	iov_copy_put(&c);
	return done;
}

long sys_process_vm_readv(pid_t pid, void __user *lvec, unsigned long ln, void __user *rvec,
	unsigned long rn, unsigned long flags)
{
	return flags ? -EINVAL : process_vm(pid, lvec, ln, rvec, rn, false);
}

long sys_process_vm_writev(pid_t pid, void __user *lvec, unsigned long ln, void __user *rvec,
	unsigned long rn, unsigned long flags)
{
	return flags ? -EINVAL : process_vm(pid, lvec, ln, rvec, rn, true);
}

/* ---- kcmp ---- */

enum { KCMP_FILE, KCMP_VM, KCMP_FILES, KCMP_FS, KCMP_SIGHAND, KCMP_IO, KCMP_SYSVSEM };

/* Order that says nothing about where things are: 0 equal, 1 less, 2 greater. */
static long compare(uintptr_t a, uintptr_t b)
{
	static uintptr_t secret; /* odd once it is chosen: multiplying keeps apart what differs */
	uintptr_t fresh, none = 0;

	if (!__atomic_load_n(&secret, __ATOMIC_RELAXED)) {
		random_bytes(&fresh, sizeof(fresh));
		__atomic_compare_exchange_n(
			&secret, &none, fresh | 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	}
	a *= secret;
	b *= secret;
	return a == b ? 0 : a < b ? 1 : 2;
}

static long compare_files(struct task *a, struct task *b, unsigned long i1, unsigned long i2)
{
	struct file *f = task_fd_get(a, i1), *g = task_fd_get(b, i2);
	long r = f && g ? compare((uintptr_t)f, (uintptr_t)g) : -EBADF;

	if (f)
		file_put(f);
	if (g)
		file_put(g);
	return r;
}

/* What is compared is only looked at, never followed: it may be gone already. */
static long compare_tasks(struct task *a, struct task *b, int what)
{
	switch (what) {
	case KCMP_VM:
		return compare((uintptr_t)READ_ONCE(a->mm), (uintptr_t)READ_ONCE(b->mm));
	case KCMP_FILES:
		return compare((uintptr_t)READ_ONCE(a->files), (uintptr_t)READ_ONCE(b->files));
	case KCMP_FS:
		return compare((uintptr_t)READ_ONCE(a->fs), (uintptr_t)READ_ONCE(b->fs));
	case KCMP_SIGHAND:
		return compare((uintptr_t)READ_ONCE(a->process->action),
			(uintptr_t)READ_ONCE(b->process->action));
	case KCMP_IO:
		return 0; /* there are none: equal */
	case KCMP_SYSVSEM:
		if (list_empty(&a->process->sem_adjustments) &&
			list_empty(&b->process->sem_adjustments))
			return 0;
		return compare((uintptr_t)a->process, (uintptr_t)b->process);
	default:
		return -EINVAL;
	}
}

long sys_kcmp(pid_t first, pid_t second, int what, unsigned long i1, unsigned long i2)
{
	struct task *a = task_find(first), *b = task_find(second);
	long r = -ESRCH;

	if (a && b) {
		if (!process_may_look(a, LOOK_REAL, POLICY_SEE) ||
			!process_may_look(b, LOOK_REAL, POLICY_SEE))
			r = -EPERM;
		else if (what == KCMP_FILE)
			r = compare_files(a, b, i1, i2);
		else
			r = compare_tasks(a, b, what);
	}
	if (a)
		task_put(a);
	if (b)
		task_put(b);
	return r;
}
