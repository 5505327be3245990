/*
 * sys_signal.c - signals: rt_sigaction(2), rt_sigprocmask(2), kill(2), rt_sigqueueinfo(2),
 * rt_sigtimedwait(2), pause(2).
 */
#include "abi/signal.h"
#include "compat.h"

#define SIGSET_BYTES 8u
#define SA_KNOWN                                                                                   \
	((uint64_t)(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART |           \
		    SA_NODEFER | SA_RESTORER) |                                                    \
		0x80000000ull)

long sys_rt_sigaction(int sig, void __user *act, void __user *old, size_t setsize)
{
	struct sigaction new_ UNCLEARED, was UNCLEARED;
	int err;

	if (setsize != SIGSET_BYTES)
		return -EINVAL;
	if (act) {
		if (copy_from_user(&new_, act, sizeof(new_)))
			return -EFAULT;
		new_.flags &= SA_KNOWN;
	}
	err = signal_action(sig, act ? &new_ : NULL, old ? &was : NULL);
	if (!err && old)
		err = copy_to_user(old, &was, sizeof(was));
	return err;
}

long sys_rt_sigprocmask(int how, void __user *set, void __user *old, size_t setsize)
{
	sigset_t s, was = current->uthread->blocked;

	if (setsize != SIGSET_BYTES)
		return -EINVAL;
	if (set) {
		if (get_user(s.bits, (uint64_t __user *)set))
			return -EFAULT;
		if (how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK)
			return -EINVAL;
		signal_mask(how, s, &was);
	}
	return old ? put_user(was.bits, (uint64_t __user *)old) : 0;
}

long sys_rt_sigpending(void __user *set, size_t setsize)
{
	sigset_t s = signal_pending_set();

	if (setsize > SIGSET_BYTES)
		return -EINVAL;
	return copy_to_user(set, &s, setsize);
}

long sys_rt_sigsuspend(void __user *set, size_t setsize)
{
	sigset_t s;

	if (setsize != SIGSET_BYTES)
		return -EINVAL;
	if (get_user(s.bits, (uint64_t __user *)set))
		return -EFAULT;
	return signal_suspend(s);
}

long sys_pause(void)
{
	return signal_suspend(current->uthread->blocked);
}

long sys_rt_sigtimedwait(void __user *set, void __user *info, void __user *ts, size_t setsize)
{
	struct linux_siginfo out UNCLEARED;
	struct siginfo got UNCLEARED;
	uint64_t deadline;
	sigset_t s;
	int sig;

	if (setsize != SIGSET_BYTES)
		return -EINVAL;
	if (get_user(s.bits, (uint64_t __user *)set))
		return -EFAULT;
	sig = user_deadline(ts, &deadline);
	if (sig)
		return sig;
	sig = signal_timedwait(s, &got, deadline);
	if (sig > 0 && info) {
		siginfo_to_linux(&got, &out);
		if (copy_to_user(info, &out, sizeof(out)))
			return -EFAULT;
	}
	return sig;
}

static struct siginfo info_from_self(int sig, int code)
{
	return (struct siginfo){.signo = sig,
		.code = code,
		.pid = current->process->pid,
		.uid = current->cred->uid};
}

long sys_kill(pid_t pid, int sig)
{
	struct siginfo info = info_from_self(sig, SI_USER);

	if (pid == INT32_MIN)
		return -ESRCH;
	return signal_kill(pid, sig, &info);
}

long sys_tkill(pid_t tid, int sig)
{
	struct siginfo info = info_from_self(sig, SI_TKILL);

	return tid <= 0 ? -EINVAL : signal_tkill(-1, tid, sig, &info);
}

long sys_tgkill(pid_t tgid, pid_t tid, int sig)
{
	struct siginfo info = info_from_self(sig, SI_TKILL);

	return tid <= 0 || tgid <= 0 ? -EINVAL : signal_tkill(tgid, tid, sig, &info);
}

/* A program may make up any siginfo for itself; to others it may not look like the kernel or
 * kill(2). */
static int queue_info(const void __user *user, int sig, pid_t target, struct siginfo *out)
{
	struct linux_siginfo in UNCLEARED;

	if (copy_from_user(&in, user, sizeof(in)))
		return -EFAULT;
	if ((in.code >= 0 || in.code == SI_TKILL) && target != current->process->pid)
		return -EPERM;
	siginfo_from_linux(&in, sig, out);
	return 0;
}

long sys_rt_sigqueueinfo(pid_t pid, int sig, void __user *info)
{
	struct siginfo in UNCLEARED;
	int err = queue_info(info, sig, pid, &in);

	if (err)
		return err;
	return pid <= 0 ? -ESRCH : signal_kill(pid, sig, &in);
}

long sys_rt_tgsigqueueinfo(pid_t tgid, pid_t tid, int sig, void __user *info)
{
	struct siginfo in UNCLEARED;
	int err = queue_info(info, sig, tgid, &in);

	if (err)
		return err;
	return tid <= 0 || tgid <= 0 ? -EINVAL : signal_tkill(tgid, tid, sig, &in);
}

long sys_restart_syscall(void)
{
	struct restart_block *r = &current->restart;
	long (*fn)(struct restart_block *) = r->fn;

	r->fn = NULL; /* once: it sets it again when it is interrupted again */
	return fn ? fn(r) : -EINTR;
}
