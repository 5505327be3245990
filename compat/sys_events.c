/*
 * sys_events.c - files to wait with: epoll_create1(2), epoll_ctl(2), epoll_wait(2), eventfd(2),
 * timerfd_create(2), signalfd(2).
 */
#include "compat.h"
#include "abi/signal.h"
#include <arch/mmu.h>
#include <events.h>
#include <stat.h>

/* Packed on x86_64 only, so that 32- and 64-bit programs agree. */
struct linux_epoll_event {
	uint32_t events;
	uint64_t data;
} __packed;
static_assert(sizeof(struct linux_epoll_event) == 12, "struct epoll_event");
static_assert(sizeof(struct timer_setting) == 32, "struct itimerspec");

enum { EFD_SEMAPHORE = 1, FD_FLAGS = O_CLOEXEC | O_NONBLOCK };
#define EPOLL_EVENTS_MAX (INT32_MAX / (int)sizeof(struct linux_epoll_event))

/* Number for a file that was made, or its error. */
static long give_fd(int err, struct file **f, unsigned flags)
{
	int fd;

	if (err)
		return err;
	fd = fd_open(*f, flags & O_CLOEXEC);
	if (fd < 0)
		file_put(*f);
	return fd;
}

/* ---- epoll ---- */

long sys_epoll_create1(unsigned flags)
{
	struct file *f = NULL;

	if (flags & ~(unsigned)O_CLOEXEC)
		return -EINVAL;
	return give_fd(epoll_create(0, &f), &f, flags);
}

long sys_epoll_create(int size)
{
	return size <= 0 ? -EINVAL : sys_epoll_create1(0);
}

long sys_epoll_ctl(int epfd, int op, int fd, void __user *event)
{
	struct linux_epoll_event in;
	struct epoll_event ev = {0};
	struct fd_ref ep, target;
	int err = -EBADF;

	if (op != EPOLL_CTL_DEL) {
		if (copy_from_user(&in, event, sizeof(in)))
			return -EFAULT;
		ev = (struct epoll_event){in.events, in.data};
	}
	ep = fd_begin(epfd);
	if (!ep.file)
		return err;
	target = fd_begin(fd);
	if (target.file) {
		err = epoll_ctl(ep.file, (enum epoll_op)op, target.file, fd, &ev);
		fd_end(target);
	}
	fd_end(ep);
	return err;
}

struct out {
	struct linux_epoll_event __user *next;
};

static bool store_event(void *arg, const struct epoll_event *ev)
{
	const struct linux_epoll_event e = {ev->events, ev->data};
	struct out *o = arg;

	return !copy_to_user(o->next++, &e, sizeof(e));
}

static long wait_until(int epfd, void __user *events, int max, uint64_t deadline)
{
	struct out o = {events};
	struct fd_ref r;
	long n;

	r = fd_begin(epfd);
	if (!r.file)
		return -EBADF;
	if (max <= 0 || max > EPOLL_EVENTS_MAX)
		n = -EINVAL;
	else if ((uint64_t)events + (uint64_t)max * sizeof(struct linux_epoll_event) > USER_END)
		n = -EFAULT;
	else
		n = epoll_wait(r.file, (unsigned)max, deadline, store_event, &o);
	fd_end(r);
	return n;
}

static uint64_t deadline_of_ms(int ms)
{
	return ms < 0 ? WAIT_NO_DEADLINE : ms ? deadline_after_ns((uint64_t)ms * NSEC_PER_MSEC) : 0;
}

long sys_epoll_wait(int epfd, void __user *events, int max, int timeout)
{
	return wait_until(epfd, events, max, deadline_of_ms(timeout));
}

long sys_epoll_pwait(
	int epfd, void __user *events, int max, int timeout, void __user *mask, size_t setsize)
{
	int err = mask_for_call(mask, setsize);

	return err ? err : mask_after_call(wait_until(epfd, events, max, deadline_of_ms(timeout)));
}

long sys_epoll_pwait2(int epfd, void __user *events, int max, void __user *timeout,
	void __user *mask, size_t setsize)
{
	uint64_t deadline;
	int err = user_deadline(timeout, &deadline);

	if (!err)
		err = mask_for_call(mask, setsize);
	return err ? err : mask_after_call(wait_until(epfd, events, max, deadline));
}

/* ---- counters ---- */

long sys_eventfd2(unsigned count, unsigned flags)
{
	struct file *f = NULL;

	if (flags & ~(unsigned)(FD_FLAGS | EFD_SEMAPHORE))
		return -EINVAL;
	return give_fd(
		eventfd_create(count, flags & EFD_SEMAPHORE, flags & O_NONBLOCK, &f), &f, flags);
}

long sys_eventfd(unsigned count)
{
	return sys_eventfd2(count, 0);
}

/* ---- timers ---- */

long sys_timerfd_create(int clock, unsigned flags)
{
	struct file *f = NULL;

	if (flags & ~(unsigned)FD_FLAGS)
		return -EINVAL;
	return give_fd(timerfd_create(clock, flags & O_NONBLOCK, &f), &f, flags);
}

long sys_timerfd_settime(int fd, unsigned flags, void __user *to, void __user *old)
{
	struct timer_setting s, was;
	struct fd_ref r;
	int err;

	if (copy_from_user(&s, to, sizeof(s)))
		return -EFAULT;
	if (flags & ~(unsigned)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) ||
		!timespec_valid(&s.value) || !timespec_valid(&s.interval))
		return -EINVAL;
	r = fd_begin(fd);
	if (!r.file)
		return -EBADF;
	err = timerfd_settime(r.file, flags, &s, &was);
	fd_end(r);
	if (!err && old && copy_to_user(old, &was, sizeof(was)))
		err = -EFAULT;
	return err;
}

long sys_timerfd_gettime(int fd, void __user *out)
{
	struct timer_setting s;
	struct fd_ref r = fd_begin(fd);
	int err;

	if (!r.file)
		return -EBADF;
	err = timerfd_gettime(r.file, &s);
	fd_end(r);
	return err ? err : copy_to_user(out, &s, sizeof(s));
}

/* ---- signals ---- */

/* struct signalfd_siginfo, signalfd(2). */
struct linux_signalfd_siginfo {
	uint32_t signo;
	int32_t error, code;
	uint32_t pid, uid;
	int32_t fd;
	uint32_t tid, band, overrun, trapno;
	int32_t status, value_int;
	uint64_t value_ptr, utime, stime, addr;
	uint16_t addr_lsb, pad2;
	int32_t syscall;
	uint64_t call_addr;
	uint32_t arch;
	uint8_t pad[28];
};
static_assert(sizeof(struct linux_signalfd_siginfo) == 128, "signalfd(2)");

static bool is_fault(int sig)
{
	return sig == SIGILL || sig == SIGFPE || sig == SIGSEGV || sig == SIGBUS || sig == SIGTRAP;
}

/* Which members mean something follows from signal and code, as in siginfo_t; the others are 0. */
static void fill_record(const struct linux_siginfo *s, struct linux_signalfd_siginfo *out)
{
	bool from_kernel = s->code > 0 && s->code < SI_KERNEL;

	if (s->code == SI_TIMER) {
		out->tid = (uint32_t)s->timer.id;
		out->overrun = (uint32_t)s->timer.overrun;
		out->value_ptr = s->timer.value;
		out->value_int = (int32_t)s->timer.value;
	} else if (from_kernel && s->signo == SIGCHLD) {
		out->pid = (uint32_t)s->child.pid;
		out->uid = s->child.uid;
		out->status = s->child.status;
		out->utime = (uint64_t)s->child.utime;
		out->stime = (uint64_t)s->child.stime;
	} else if (from_kernel && is_fault(s->signo)) {
		out->addr = s->fault.addr;
	} else if (from_kernel || s->code == SI_SIGIO) {
		out->band = (uint32_t)s->poll.band;
		out->fd = s->poll.fd;
	} else {
		out->pid = (uint32_t)s->rt.pid;
		out->uid = s->rt.uid;
		out->value_ptr = s->rt.value;
		out->value_int = (int32_t)s->rt.value;
	}
}

static void record_out(const struct siginfo *in, void *record)
{
	struct linux_signalfd_siginfo *out = record;
	struct linux_siginfo s;

	siginfo_to_linux(in, &s);
	*out = (struct linux_signalfd_siginfo){
		.signo = (uint32_t)s.signo, .error = s.error, .code = s.code};
	fill_record(&s, out);
}

long sys_signalfd4(int fd, void __user *mask, size_t setsize, unsigned flags)
{
	struct file *f = NULL;
	struct fd_ref r;
	sigset_t set;
	long err;

	if (setsize != sizeof(set) || (flags & ~(unsigned)FD_FLAGS))
		return -EINVAL;
	if (copy_from_user(&set, mask, sizeof(set)))
		return -EFAULT;
	if (fd == -1)
		return give_fd(signalfd_create(set, flags & O_NONBLOCK, &f), &f, flags);
	r = fd_begin(fd);
	if (!r.file)
		return -EBADF;
	err = signalfd_change(r.file, set);
	fd_end(r);
	return err ? err : fd;
}

long sys_signalfd(int fd, void __user *mask, size_t setsize)
{
	return sys_signalfd4(fd, mask, setsize, 0);
}

void events_calls_init(void)
{
	signalfd_record = record_out;
}
