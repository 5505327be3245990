/*
 * sys_proc.c - processes: clone(2), execve(2), exit(2), wait4(2), waitid(2), process groups and
 * sessions.
 */
#include "abi/process.h"
#include "abi/signal.h"
#include "compat.h"
#include <exec.h>
#include <ipc.h>
#include <printf.h>
#include <vm.h>

#define CSIGNAL             0xffu
#define CLONE_NEWTIME       0x80u
#define CLONE_CLEAR_SIGHAND 0x100000000ull
#define CLONE_INTO_CGROUP   0x200000000ull
#define MAX_PID_NAMESPACES  32

/* What Linux has and we have not is refused as a kernel built without it does: clone(2), EINVAL. */
static long do_clone(const struct clone_args *a)
{
	if (a->flags & CLONE_NEW_NAMESPACES)
		unsupported("clone flags", a->flags);
	return process_clone(a);
}

/* A signal number that is none is taken for "no signal". The pidfd goes where the thread's id
 * would. */
long sys_clone(unsigned long flags, unsigned long stack, void __user *parent_tid,
	void __user *child_tid, unsigned long tls)
{
	struct clone_args a = {
		.flags = (uint32_t)flags & ~(uint64_t)CSIGNAL,
		.exit_signal = (flags & CSIGNAL) > NSIG ? 0 : (int)(flags & CSIGNAL),
		.stack = stack,
		.tls = tls,
		.parent_tid = parent_tid,
		.child_tid = child_tid,
		.pidfd = parent_tid,
	};

	if ((flags & CLONE_PIDFD) && (flags & CLONE_PARENT_SETTID))
		return -EINVAL;
	return do_clone(&a);
}

long sys_fork(void)
{
	struct clone_args a = {.exit_signal = SIGCHLD};

	return do_clone(&a);
}

long sys_vfork(void)
{
	struct clone_args a = {.flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD};

	return do_clone(&a);
}

/* clone(2), ERRORS, of clone3(). */
static int check_clone3(const struct linux_clone_args *c)
{
	if (c->set_tid_size > MAX_PID_NAMESPACES || !c->set_tid != !c->set_tid_size)
		return -EINVAL;
	if (c->exit_signal & ~(uint64_t)CSIGNAL || c->exit_signal > NSIG)
		return -EINVAL;
	if (c->flags >> 32 & ~((CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP) >> 32))
		return -EINVAL;
	if (c->flags & ((CSIGNAL & ~CLONE_NEWTIME) | CLONE_DETACHED))
		return -EINVAL;
	if ((c->flags & CLONE_PIDFD) && (c->flags & CLONE_PARENT_SETTID) &&
		c->pidfd == c->parent_tid)
		return -EINVAL;
	if (!c->stack != !c->stack_size || c->stack > USER_END ||
		c->stack_size > USER_END - c->stack)
		return -EINVAL;
	return c->flags & (CLONE_THREAD | CLONE_PARENT) && c->exit_signal ? -EINVAL : 0;
}

/* The numbers wanted for the child, one for each pid namespace: there is one. */
static int get_wanted_tid(const struct linux_clone_args *c, pid_t *want)
{
	if (!c->set_tid)
		return 0;
	if (get_user(*want, (const pid_t __user *)c->set_tid))
		return -EFAULT;
	if (c->set_tid_size > 1 || *want < 1)
		return -EINVAL;
	return capable(CAP_CHECKPOINT_RESTORE) || capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

long sys_clone3(void __user *args, size_t size)
{
	struct linux_clone_args c;
	pid_t want = 0;
	int err;

	if (size < 64)
		return -EINVAL;
	err = copy_struct(&c, sizeof(c), args, size);
	if (!err)
		err = check_clone3(&c);
	if (!err)
		err = get_wanted_tid(&c, &want);
	if (err)
		return err;
	struct clone_args a = {
		.flags = c.flags,
		.exit_signal = (int)c.exit_signal,
		.stack = c.stack + c.stack_size,
		.tls = c.tls,
		.parent_tid = (uint32_t __user *)c.parent_tid,
		.child_tid = (uint32_t __user *)c.child_tid,
		.want_tid = want,
		.pidfd = (int __user *)c.pidfd,
	};
	return do_clone(&a);
}

/* A file system context of its own, with a mount namespace of its own if asked. */
static int unshare_fs(bool mounts)
{
	struct fs_context *fs, *old = current->fs;
	unsigned long irq;
	int err = 0;

	if (refcount_read(&old->refs) == 1 && !mounts)
		return 0;
	fs = fs_context_copy(old);
	if (!fs)
		return -ENOMEM;
	if (mounts)
		err = fs_context_unshare_mounts(fs);
	if (err) {
		fs_context_put(fs);
		return err;
	}
	irq = spin_lock_irq(&current->process->sig_lock); /* /proc looks at it */
	current->fs = fs;
	spin_unlock_irq(&current->process->sig_lock, irq);
	fs_context_put(old);
	return 0;
}

/* unshare(2): what one process shares with others cannot be had alone, but for files, directories
 * and mounts. */
static int check_unshare(unsigned long flags)
{
	const unsigned long known = CLONE_FILES | CLONE_FS | CLONE_SYSVSEM | CLONE_THREAD |
				    CLONE_SIGHAND | CLONE_VM | CLONE_NEWNS;
	const struct process *p = current->process;

	if (flags & ~(known | CLONE_NEW_NAMESPACES))
		return -EINVAL;
	if (flags & CLONE_NEW_NAMESPACES) {
		unsupported("unshare flags", flags);
		return capable(CAP_SYS_ADMIN) ? -EINVAL : -EPERM;
	}
	if (flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM) && READ_ONCE(p->nr_threads) > 1)
		return -EINVAL;
	if (flags & (CLONE_SIGHAND | CLONE_VM) && process_shares_actions(p))
		return -EINVAL;
	return flags & CLONE_VM && refcount_read(&current->mm->users) > 1 ? -EINVAL : 0;
}

long sys_unshare(unsigned long flags)
{
	int err = check_unshare(flags);

	if (!err && flags & (CLONE_FS | CLONE_NEWNS))
		err = unshare_fs(flags & CLONE_NEWNS);
	if (!err && flags & CLONE_FILES)
		err = files_unshare();
	if (!err && flags & CLONE_SYSVSEM)
		ipc_exit_process(current->process);
	return err;
}

/* ---- execve ---- */

static int get_string(const struct exec_strings *s, unsigned n, char *buf, size_t size)
{
	const uint64_t __user *vector = (__force const uint64_t __user *)s->arg;
	uint64_t at;
	ssize_t len;

	if (!vector)
		return -ENOENT;
	if (get_user(at, vector + n))
		return -EFAULT;
	if (!at)
		return -ENOENT;
	len = strncpy_from_user(buf, (const char __user *)at, size);
	return len == -ENAMETOOLONG ? -E2BIG : (int)len;
}

/* execveat(2), NOTES: what a program is called that was found through a descriptor. */
static char *name_by_fd(int dfd, const char *name)
{
	size_t size = sizeof("/dev/fd/") + 12 + strlen(name);
	char *s = kmalloc(size, GFP_KERNEL);

	if (s)
		snprintf(s, size, *name ? "/dev/fd/%d/%s" : "/dev/fd/%d", dfd, name);
	return s;
}

static long do_exec(
	int dfd, const char __user *path, void __user *argv, void __user *envp, unsigned lookup)
{
	struct exec_strings args = {.get = get_string, .arg = (__force void *)argv},
			    env = {.get = get_string, .arg = (__force void *)envp};
	struct exec_name what = {.lookup_flags = lookup};
	struct name n UNCLEARED;
	struct at at UNCLEARED;
	char *by_fd = NULL;
	long err = name_get(&n, path);

	if (err)
		return err;
	what.name = what.shown = n.s;
	err = at_get(&at, dfd, n.s);
	if (err)
		goto put_name;
	what.base = at.base;
	if (at.base) {
		by_fd = name_by_fd(dfd, n.s);
		what.shown = by_fd;
		what.hidden = fd_get_flags(dfd) > 0;
	}
	err = at.base && !by_fd ? -ENOMEM : process_exec(&what, &args, &env);
	kfree(by_fd);
	at_put(&at);
put_name:
	name_put(&n);
	return err;
}

long sys_execve(const char __user *path, void __user *argv, void __user *envp)
{
	return do_exec(AT_FDCWD, path, argv, envp, LOOKUP_FOLLOW);
}

long sys_execveat(
	int dfd, const char __user *path, void __user *argv, void __user *envp, unsigned flags)
{
	unsigned lookup = (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
			  (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return do_exec(dfd, path, argv, envp, lookup);
}

/* ---- the end, and waiting for it ---- */

long sys_exit(int code)
{
	process_exit((code & 0xff) << 8);
}

long sys_exit_group(int code)
{
	process_exit_group((code & 0xff) << 8);
}

void rusage_out(const struct usage *u, struct linux_rusage *out)
{
	uint64_t user_us = u->user_ns / NSEC_PER_USEC, system_us = u->system_ns / NSEC_PER_USEC;

	*out = (struct linux_rusage){
		.utime = {(int64_t)(user_us / 1000000), (int64_t)(user_us % 1000000)},
		.stime = {(int64_t)(system_us / 1000000), (int64_t)(system_us % 1000000)},
		.maxrss = (int64_t)(u->max_rss_pages * (PAGE_SIZE / 1024)),
		.minflt = (int64_t)u->min_faults,
		.majflt = (int64_t)u->maj_faults,
		.inblock = (int64_t)u->in_blocks,
		.oublock = (int64_t)u->out_blocks,
		.nvcsw = (int64_t)u->vol_switches,
		.nivcsw = (int64_t)u->invol_switches,
	};
}

static int put_rusage(const struct usage *u, void __user *to)
{
	struct linux_rusage r UNCLEARED;

	rusage_out(u, &r);
	return copy_to_user(to, &r, sizeof(r));
}

#define WAIT4_OPTIONS                                                                              \
	(WNOHANG | WUNTRACED | WCONTINUED | WAIT_OWN_THREAD | WAIT_CLONES_ALL | WAIT_CLONES_ONLY)

long sys_wait4(pid_t pid, void __user *status, int options, void __user *usage)
{
	struct wait_result r = {0};
	enum wait_id which = WAIT_PID;
	int err;

	if ((unsigned)options & ~(unsigned)WAIT4_OPTIONS)
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid == -1) {
		which = WAIT_ANY;
	} else if (pid <= 0) {
		which = WAIT_PGRP;
		pid = pid ? -pid : process_getpgid(0);
	}
	err = process_wait(
		which, pid, ((unsigned)options & ~(unsigned)WAIT_OWN_THREAD) | WEXITED, &r);
	if (err || !r.pid)
		return err;
	if (status && put_user(r.status, (int __user *)status))
		return -EFAULT;
	if (usage && put_rusage(&r.usage, usage))
		return -EFAULT;
	return r.pid;
}

enum { P_ALL, P_PID, P_PGID, P_PIDFD };
#define WAITID_OPTIONS                                                                             \
	(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | WAIT_OWN_THREAD | WAIT_CLONES_ALL | \
		WAIT_CLONES_ONLY)

/* waitid(2) gives the exit code or the signal, not wait4(2)'s packing of both. */
static int32_t bare_status(const struct wait_result *r)
{
	switch (r->code) {
	case CLD_KILLED:
	case CLD_DUMPED:
		return r->status & 0x7f;
	case CLD_CONTINUED:
		return SIGCONT;
	default:
		return r->status >> 8 & 0xff;
	}
}

static int put_wait_info(const struct wait_result *r, void __user *to)
{
	struct linux_siginfo info = {0};

	if (r->pid) {
		info.signo = SIGCHLD;
		info.code = r->code;
		info.child.pid = r->pid;
		info.child.uid = r->uid;
		info.child.status = bare_status(r);
	}
	/* The rest of the structure is left as it was. */
	return copy_to_user(to, &info,
		offsetof(struct linux_siginfo, child.status) + sizeof(info.child.status));
}

/* pidfd_open(2), PIDFD_NONBLOCK: waiting for a process that lives is EAGAIN. */
static int wait_pidfd(int fd, unsigned options, struct wait_result *out)
{
	struct fd_ref r = fd_begin(fd);
	struct process *p;
	bool nonblock;
	int err;

	if (!r.file)
		return -EBADF;
	nonblock = READ_ONCE(r.file->flags) & O_NONBLOCK;
	err = pidfd_process(r.file, &p);
	fd_end(r);
	if (err)
		return err == -ESRCH ? -ECHILD : err;
	err = process_wait_child(p, options | (nonblock ? WNOHANG : 0), out);
	process_put(p);
	return !err && !out->pid && nonblock && !(options & WNOHANG) ? -EAGAIN : err;
}

long sys_waitid(int which, pid_t id, void __user *info, int options, void __user *usage)
{
	static const enum wait_id kinds[] = {
		[P_ALL] = WAIT_ANY, [P_PID] = WAIT_PID, [P_PGID] = WAIT_PGRP};
	struct wait_result r = {0};
	unsigned opts;
	int err;

	if ((unsigned)options & ~(unsigned)WAITID_OPTIONS ||
		!(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	if (which < P_ALL || which > P_PIDFD || (which == P_PIDFD && id < 0) ||
		(which == P_PID && id <= 0) || (which == P_PGID && id < 0))
		return -EINVAL;
	if (which == P_PGID && !id)
		id = process_getpgid(0);
	opts = (unsigned)options & ~(unsigned)WAIT_OWN_THREAD;
	err = which == P_PIDFD ? wait_pidfd(id, opts, &r)
			       : process_wait(kinds[which], id, opts, &r);
	if (err)
		return err;
	if (r.pid && usage && put_rusage(&r.usage, usage))
		return -EFAULT;
	return info ? put_wait_info(&r, info) : 0;
}

/* ---- who is who ---- */

long sys_getpid(void)
{
	return current->process->pid;
}

long sys_gettid(void)
{
	return current->tid;
}

long sys_getppid(void)
{
	return process_ppid(current->process);
}

long sys_getpgid(pid_t pid)
{
	return process_getpgid(pid);
}

long sys_getpgrp(void)
{
	return process_getpgid(0);
}

long sys_setpgid(pid_t pid, pid_t pgid)
{
	return process_setpgid(pid, pgid);
}

long sys_getsid(pid_t pid)
{
	return process_getsid(pid);
}

long sys_setsid(void)
{
	return process_setsid();
}

long sys_set_tid_address(void __user *tid)
{
	current->uthread->clear_child_tid = tid;
	return current->tid;
}

long sys_set_robust_list(void __user *head, size_t len)
{
	return robust_list_set(head, len);
}

long sys_get_robust_list(pid_t pid, void __user *head, void __user *len)
{
	uint64_t at;
	size_t n;
	int err = robust_list_get(pid, &at, &n);

	if (err)
		return err;
	if (put_user(n, (size_t __user *)len))
		return -EFAULT;
	return put_user(at, (uint64_t __user *)head);
}
