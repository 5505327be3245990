/*
 * sys_pidfd.c - calls on a process that a descriptor names: pidfd_open(2), pidfd_send_signal(2),
 * pidfd_getfd(2). waitid(2) and clone(2), which know pidfds too, are sys_proc.c's.
 * Does not: process_madvise(2), process_mrelease(2).
 */
#include "abi/signal.h"
#include "compat.h"
#include "procfs/procfs.h"

#define PIDFD_NONBLOCK O_NONBLOCK

long sys_pidfd_open(pid_t pid, unsigned flags)
{
	struct file *f;
	int err, fd;

	if (flags & ~(unsigned)PIDFD_NONBLOCK || pid <= 0)
		return -EINVAL;
	err = pidfd_open(pid, flags & PIDFD_NONBLOCK, &f);
	if (err)
		return err;
	fd = fd_open(f, true);
	if (fd < 0)
		file_put(f);
	return fd;
}

/* pidfd_send_signal(2), NOTES: an open directory /proc/PID will do as well. -EBADF, -ESRCH */
static int signal_target(int fd, struct process **out)
{
	struct fd_ref r = fd_begin(fd);
	int err;

	if (!r.file)
		return -EBADF;
	*out = proc_dir_process(r.file);
	err = *out ? 0 : pidfd_process(r.file, out);
	fd_end(r);
	return err;
}

/* What is to be told of signal @sig: @user's word, or kill(2)'s. Only to oneself may one look like
 * the kernel or kill(2). */
static int signal_words(
	const void __user *user, int sig, const struct process *to, struct siginfo *out)
{
	struct linux_siginfo in UNCLEARED;

	if (!user) {
		*out = (struct siginfo){.signo = sig,
			.code = SI_USER,
			.pid = current->process->pid,
			.uid = current->cred->uid};
		return 0;
	}
	if (copy_from_user(&in, user, sizeof(in)))
		return -EFAULT;
	if (in.signo != sig)
		return -EINVAL;
	if ((in.code >= 0 || in.code == SI_TKILL) && to != current->process)
		return -EPERM;
	siginfo_from_linux(&in, sig, out);
	return 0;
}

long sys_pidfd_send_signal(int pidfd, int sig, void __user *info, unsigned flags)
{
	struct siginfo words UNCLEARED;
	struct process *p;
	int err;

	if (flags)
		return -EINVAL;
	err = signal_target(pidfd, &p);
	if (err)
		return err;
	err = signal_words(info, sig, p, &words);
	if (!err)
		err = signal_kill_process(p, sig, &words);
	process_put(p);
	return err;
}

/*
 * The file that @t has open under @fd. Whether the caller may look is asked before and after: what
 * @t opened when it was somebody else by exec is not to be had.
 */
static int get_foreign_file(struct task *t, int fd, struct file **out)
{
	struct file *f;

	if (!process_may_look(t, LOOK_REAL, POLICY_TRACE))
		return -EPERM;
	f = task_fd_get(t, (unsigned long)(unsigned)fd);
	if (!f)
		return READ_ONCE(t->uthread->exiting) ? -ESRCH : -EBADF;
	if (!process_may_look(t, LOOK_REAL, POLICY_TRACE)) {
		file_put(f);
		return -EPERM;
	}
	*out = f;
	return 0;
}

/* The first thread of the process that @pidfd names, referenced. -EBADF, -ESRCH */
static int thread_of(int pidfd, struct task **out)
{
	struct fd_ref r = fd_begin(pidfd);
	struct process *p;
	int err = r.file ? pidfd_process(r.file, &p) : -EBADF;

	fd_end(r);
	if (err)
		return err;
	*out = process_leader_get(p);
	process_put(p);
	return *out ? 0 : -ESRCH;
}

long sys_pidfd_getfd(int pidfd, int fd, unsigned flags)
{
	struct task *t;
	struct file *f;
	int err, got;

	if (flags)
		return -EINVAL;
	err = thread_of(pidfd, &t);
	if (err)
		return err;
	err = get_foreign_file(t, fd, &f);
	task_put(t);
	if (err)
		return err;
	got = fd_open(f, true);
	if (got < 0)
		file_put(f);
	return got;
}
