/*
 * sys_fcntl.c - fcntl(2) and flock(2).
 */
#include "compat.h"

enum {
	F_DUPFD = 0,
	F_GETFD,
	F_SETFD,
	F_GETFL,
	F_SETFL,
	F_GETLK,
	F_SETLK,
	F_SETLKW,
	F_SETOWN,
	F_GETOWN,
	F_SETSIG,
	F_GETSIG,
	F_SETOWN_EX = 15,
	F_GETOWN_EX = 16,
	F_GETOWNER_UIDS = 17,
	F_OFD_GETLK = 36,
	F_OFD_SETLK = 37,
	F_OFD_SETLKW = 38,
	F_SETLEASE = 1024,
	F_GETLEASE = 1025,
	F_NOTIFY = 1026,
	F_DUPFD_CLOEXEC = 1030,
	F_SETPIPE_SZ = 1031,
	F_GETPIPE_SZ = 1032,
	F_ADD_SEALS = 1033,
	F_GET_SEALS = 1034,
	F_GET_RW_HINT = 1035,
	F_SET_FILE_RW_HINT = 1038
};
enum { FD_CLOEXEC = 1 };
enum { LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8, LOCK_MAND = 32 };

struct linux_flock {
	int16_t type, whence;
	int32_t pad;
	int64_t start, len;
	int32_t pid, pad2;
};
static_assert(sizeof(struct linux_flock) == 32, "struct flock");
static_assert(FILE_OWNER_TID == 0 && FILE_OWNER_PID == 1 && FILE_OWNER_PGRP == 2, "fcntl(2)");
static_assert(F_RDLCK == 0 && F_WRLCK == 1 && F_UNLCK == 2, "fcntl(2)");

/* Base of l_start; -EINVAL. */
static int64_t lock_base(struct file *f, int whence)
{
	switch (whence) {
	case SEEK_SET:
		return 0;
	case SEEK_CUR:
		return READ_ONCE(f->pos);
	case SEEK_END:
		return i_size_read(f->inode);
	default:
		return -EINVAL;
	}
}

/* A range with an inclusive end, as the kernel keeps it. -EINVAL, -EOVERFLOW. */
static int lock_range(struct file *f, const struct linux_flock *in, struct posix_lock *out)
{
	int64_t base = lock_base(f, in->whence), start, end = INT64_MAX;

	if (in->type != F_RDLCK && in->type != F_WRLCK && in->type != F_UNLCK)
		return -EINVAL;
	if (base < 0)
		return -EINVAL;
	if (__builtin_add_overflow(base, in->start, &start))
		return -EOVERFLOW;
	if (start < 0)
		return -EINVAL;
	if (in->len > 0) {
		if (__builtin_add_overflow(start, in->len - 1, &end))
			return -EOVERFLOW;
	} else if (in->len < 0) {
		end = start - 1;
		if (__builtin_add_overflow(start, in->len, &start) || start < 0)
			return -EINVAL;
	}
	out->type = in->type;
	out->start = start;
	out->end = end;
	return 0;
}

static int lock_fetch(struct file *f, const void __user *user, bool ofd, struct linux_flock *in,
	struct posix_lock *l)
{
	if (copy_from_user(in, user, sizeof(*in)))
		return -EFAULT;
	if (ofd && in->pid)
		return -EINVAL;
	*l = (struct posix_lock){.pid = current->process->pid, .ofd = ofd};
	return lock_range(f, in, l);
}

/*
 * Another thread closed @fd while its lock was waited for: close(2) found nothing to drop, so the
 * lock would stay for ever.
 */
static int lock_still_open(int fd, struct file *f, struct posix_lock *l)
{
	struct file *now = fd_get(fd);
	int err = 0;

	if (now != f) {
		l->type = F_UNLCK;
		err = vfs_posix_lock(f, l, false);
		err = err ? err : -EBADF;
	}
	if (now)
		file_put(now);
	return err;
}

static long lock_set(int fd, struct file *f, const void __user *user, bool ofd, bool wait)
{
	struct linux_flock in;
	struct posix_lock l;
	int err = lock_fetch(f, user, ofd, &in, &l);

	if (err)
		return err;
	if ((l.type == F_RDLCK && !(f->mode & FMODE_READ)) ||
		(l.type == F_WRLCK && !(f->mode & FMODE_WRITE)))
		return -EBADF;
	err = vfs_posix_lock(f, &l, wait);
	return err || ofd || l.type == F_UNLCK ? err : lock_still_open(fd, f, &l);
}

static long lock_get(struct file *f, void __user *user, bool ofd)
{
	struct linux_flock in;
	struct posix_lock l;
	int err = lock_fetch(f, user, ofd, &in, &l);

	if (err)
		return err;
	if (l.type == F_UNLCK)
		return -EINVAL;
	err = vfs_posix_lock_test(f, &l);
	if (err)
		return err;
	in.type = l.type;
	if (l.type != F_UNLCK) {
		in.whence = SEEK_SET;
		in.start = l.start;
		in.len = l.end == INT64_MAX ? 0 : l.end - l.start + 1;
		in.pid = l.ofd ? -1 : l.pid;
	}
	return copy_to_user(user, &in, sizeof(in));
}

/* ---- who gets SIGIO ---- */

static long owner_set(struct file *f, int type, pid_t pid)
{
	bool may_all = cred_capable(current->cred, CAP_KILL);
	struct process *p;
	struct pgrp *g;

	if (pid && type == FILE_OWNER_PGRP) {
		g = pgrp_find(pid);
		if (!g)
			return -ESRCH;
		pgrp_put(g);
	} else if (pid && type == FILE_OWNER_PID) {
		p = process_find(pid);
		if (!p)
			return -ESRCH;
		process_put(p);
	} else if (pid) {
		struct task *t = task_find(pid);

		if (!t)
			return -ESRCH;
		task_put(t);
	}
	spin_lock(&f->lock);
	f->owner.pid = pid;
	f->owner.type = type;
	f->owner.uid = current->cred->uid;
	f->owner.euid = current->cred->euid;
	f->owner.may_all = may_all;
	spin_unlock(&f->lock);
	return 0;
}

long file_set_owner(struct file *f, int who)
{
	if (who == INT32_MIN)
		return -EINVAL;
	return who < 0 ? owner_set(f, FILE_OWNER_PGRP, -who) : owner_set(f, FILE_OWNER_PID, who);
}

int file_get_owner(struct file *f)
{
	pid_t pid = READ_ONCE(f->owner.pid);

	return READ_ONCE(f->owner.type) == FILE_OWNER_PGRP ? -pid : pid;
}

static long setown_ex(struct file *f, const void __user *user)
{
	struct {
		int32_t type, pid;
	} o;

	if (copy_from_user(&o, user, sizeof(o)))
		return -EFAULT;
	if (o.type < FILE_OWNER_TID || o.type > FILE_OWNER_PGRP)
		return -EINVAL;
	return owner_set(f, o.type, o.pid);
}

static long getown_ex(struct file *f, void __user *user)
{
	struct {
		int32_t type, pid;
	} o;

	spin_lock(&f->lock);
	o.type = f->owner.type;
	o.pid = f->owner.pid;
	spin_unlock(&f->lock);
	return copy_to_user(user, &o, sizeof(o));
}

/* ---- fcntl ---- */

static long dup_from(struct file *f, unsigned long from, bool cloexec)
{
	int fd;

	if (from >= rlimit_cur(RLIMIT_NOFILE))
		return -EINVAL;
	fd = fd_alloc((unsigned)from, cloexec);
	if (fd >= 0)
		fd_install(fd, file_get(f));
	return fd;
}

/* Those for which an O_PATH descriptor will do; false: not one of them. */
static bool fcntl_any(int fd, struct file *f, unsigned cmd, unsigned long arg, long *result)
{
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		*result = dup_from(f, arg, cmd == F_DUPFD_CLOEXEC);
		return true;
	case F_GETFD:
		*result = fd_get_flags(fd);
		return true;
	case F_SETFD:
		*result = fd_set_cloexec(fd, arg & FD_CLOEXEC);
		return true;
	case F_GETFL:
		*result = READ_ONCE(f->flags) & ~(unsigned)O_CLOEXEC;
		return true;
	}
	return false;
}

static long set_signal(struct file *f, unsigned long sig)
{
	if (sig > NSIG)
		return -EINVAL;
	WRITE_ONCE(f->owner.sig, (int)sig);
	return 0;
}

/* Nothing is ever watched this way (inotify(7) took its place), so nothing is there to end. */
static long notify(const struct file *f, uint32_t events)
{
	const uint32_t multishot = 1u << 31;

	if (!(events & ~multishot))
		return 0;
	if (!S_ISDIR(f->inode->mode))
		return -ENOTDIR;
	unsupported("fcntl", F_NOTIFY);
	return -EINVAL;
}

static long fcntl_file(int fd, struct file *f, unsigned cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case F_SETFL:
		if (arg & O_ASYNC)
			WRITE_ONCE(f->owner.fd, fd);
		return vfs_fcntl_setfl(f, (unsigned)arg);
	case F_GETLK:
	case F_OFD_GETLK:
		return lock_get(f, user, cmd == F_OFD_GETLK);
	case F_SETLK:
	case F_SETLKW:
		return lock_set(fd, f, user, false, cmd == F_SETLKW);
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return lock_set(fd, f, user, true, cmd == F_OFD_SETLKW);
	case F_SETOWN:
		return file_set_owner(f, (int)arg);
	case F_GETOWN:
		return file_get_owner(f);
	case F_SETOWN_EX:
		return setown_ex(f, user);
	case F_GETOWN_EX:
		return getown_ex(f, user);
	case F_SETSIG:
		return set_signal(f, arg);
	case F_GETSIG:
		return READ_ONCE(f->owner.sig);
	case F_SETPIPE_SZ:
		return pipe_set_size(f, (unsigned)arg);
	case F_GETPIPE_SZ:
		return pipe_get_size(f);
	case F_ADD_SEALS:
		return vfs_add_seals(f, (unsigned)arg);
	case F_GET_SEALS:
		return vfs_seals(f);
	case F_GETLEASE:
		return F_UNLCK;
	case F_SETLEASE:
		if (arg == F_UNLCK && S_ISREG(f->inode->mode))
			return -EAGAIN; /* there never is one to give up */
		unsupported("fcntl", cmd);
		return -EINVAL;
	case F_NOTIFY:
		return notify(f, (uint32_t)arg);
	default:
		unsupported("fcntl", cmd);
		return -EINVAL;
	}
}

long sys_fcntl(int fd, unsigned cmd, unsigned long arg)
{
	struct fd_ref r = fd_begin_path(fd);
	long result;

	if (!r.file)
		return -EBADF;
	if (!fcntl_any(fd, r.file, cmd, arg, &result))
		result = r.file->mode & FMODE_PATH ? -EBADF : fcntl_file(fd, r.file, cmd, arg);
	fd_end(r);
	return result;
}

long sys_flock(int fd, unsigned op)
{
	struct fd_ref r;
	int type, err;

	if (op & LOCK_MAND) /* as Linux since 5.5: asked for, not given */
		return 0;
	switch (op & ~(unsigned)LOCK_NB) {
	case LOCK_SH:
		type = F_RDLCK;
		break;
	case LOCK_EX:
		type = F_WRLCK;
		break;
	case LOCK_UN:
		type = F_UNLCK;
		break;
	default:
		return -EINVAL;
	}
	r = fd_begin(fd);
	if (!r.file)
		return -EBADF;
	err = vfs_flock(r.file, type, !(op & LOCK_NB));
	fd_end(r);
	return err;
}
