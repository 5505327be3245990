/*
 * sys_mount.c - mounts and the machine: mount(2), umount(2), pivot_root(2), swapon(2), reboot(2),
 * sethostname(2), vhangup(2).
 */
#include "compat.h"
#include <log.h>
#include <policy.h>
#include <tty.h>

#define MS_MGC_VAL     0xc0ed0000ul
#define MS_MGC_MSK     0xffff0000ul
#define MS_PROPAGATION (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)
#define MS_KNOWN                                                                                   \
	((unsigned long)(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS |           \
			 MS_REMOUNT | 64 | MS_DIRSYNC | MS_NOSYMFOLLOW | MS_NOATIME |              \
			 MS_NODIRATIME | MS_BIND | MS_MOVE | MS_REC | MS_SILENT | MS_PROPAGATION | \
			 MS_RELATIME | (1 << 22) | (1 << 23) | MS_STRICTATIME | MS_LAZYTIME))
enum { UMOUNT_FORCE = 1, UMOUNT_DETACH = 2, UMOUNT_EXPIRE = 4, UMOUNT_NOFOLLOW = 8 };

static int may_mount(void)
{
	return capable(CAP_SYS_ADMIN) ? policy_sys(current->cred, POLICY_MOUNT) : -EPERM;
}

/* A string of up to a page that may be NULL. */
static int text_get(const char __user *from, char **out)
{
	ssize_t n;
	char *s;

	*out = NULL;
	if (!from)
		return 0;
	s = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	n = strncpy_from_user(s, from, PAGE_SIZE);
	if (n < 0) {
		kfree(s);
		return n == -ENAMETOOLONG ? -EINVAL : (int)n;
	}
	*out = s;
	return 0;
}

struct mount_texts {
	char *source, *type, *data;
};

static int set_propagation(const struct path *at, unsigned long flags)
{
	unsigned long kind = flags & MS_PROPAGATION;

	if (flags & ~(unsigned long)(MS_PROPAGATION | MS_REC | MS_SILENT) || kind & (kind - 1))
		return -EINVAL;
	return vfs_set_propagation(at, (unsigned)kind, flags & MS_REC);
}

static int bind_or_move(const char *source, const struct path *at, unsigned long flags)
{
	struct path from;
	int err;

	if (!source || !*source)
		return -EINVAL;
	err = path_lookup(NULL, source, LOOKUP_FOLLOW, &from);
	if (err)
		return err;
	err = flags & MS_BIND ? vfs_bind_mount(&from, at, flags & MS_REC)
			      : vfs_move_mount(&from, at);
	path_put(&from);
	return err;
}

static int do_mount(const struct mount_texts *t, const struct path *at, unsigned long flags)
{
	int err = may_mount();

	if (err)
		return err;
	if (flags & ~MS_KNOWN)
		return -EINVAL;
	if (flags & MS_REMOUNT)
		return vfs_remount(at, (unsigned)flags, t->data);
	if (flags & MS_BIND)
		return bind_or_move(t->source, at, flags);
	if (flags & MS_PROPAGATION)
		return set_propagation(at, flags);
	if (flags & MS_MOVE)
		return bind_or_move(t->source, at, flags);
	if (!t->type)
		return -EINVAL;
	return vfs_mount(t->source, at, t->type, (unsigned)flags, t->data);
}

long sys_mount(const char __user *source, const char __user *target, const char __user *type,
	unsigned long flags, void __user *data)
{
	struct mount_texts t = {0};
	struct path at;
	int err;

	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~MS_MGC_MSK;
	err = text_get(type, &t.type);
	if (!err)
		err = text_get(source, &t.source);
	if (!err)
		err = text_get(data, &t.data);
	if (!err)
		err = user_path(AT_FDCWD, target, LOOKUP_FOLLOW, &at);
	if (!err) {
		err = do_mount(&t, &at, flags);
		path_put(&at);
	}
	kfree(t.data);
	kfree(t.source);
	kfree(t.type);
	return err;
}

long sys_umount2(const char __user *path, int flags)
{
	struct path p;
	int err;

	if (flags & ~(UMOUNT_FORCE | UMOUNT_DETACH | UMOUNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	err = user_path(AT_FDCWD, path, flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	err = may_mount();
	if (!err && p.dentry != p.mnt->root)
		err = -EINVAL;
	if (!err && flags & UMOUNT_EXPIRE && flags & (UMOUNT_FORCE | UMOUNT_DETACH))
		err = -EINVAL;
	if (!err)
		err = vfs_umount(&p, (unsigned)flags);
	path_put_unused(&p);
	return err;
}

long sys_pivot_root(const char __user *new_root, const char __user *put_old)
{
	struct path to, old;
	int err = may_mount();

	if (!err)
		err = user_path(AT_FDCWD, new_root, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &to);
	if (err)
		return err;
	err = user_path(AT_FDCWD, put_old, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &old);
	if (!err) {
		err = vfs_pivot_root(&to, &old);
		path_put(&old);
	}
	path_put(&to);
	return err;
}

/* ---- swap space ---- */

#define SWAP_PRIORITY 0x8000  /* the priority is given, in the bits below */
#define SWAP_FLAGS    0x7ffff /* those above ask for discarding: a hint */

/* The right comes before the look at the path. */
static long swap_path(const char __user *path, struct path *out)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	return user_path(AT_FDCWD, path, LOOKUP_FOLLOW, out);
}

long sys_swapon(const char __user *path, int flags)
{
	struct path p;
	long err = flags & ~SWAP_FLAGS ? -EINVAL : swap_path(path, &p);

	if (err)
		return err;
	err = vfs_swapon(&p, flags & SWAP_PRIORITY ? flags & (SWAP_PRIORITY - 1) : -1);
	path_put(&p);
	return err;
}

long sys_swapoff(const char __user *path)
{
	struct path p;
	long err = swap_path(path, &p);

	if (err)
		return err;
	err = vfs_swapoff(&p);
	path_put(&p);
	return err;
}

/* ---- reboot ---- */

#define REBOOT_MAGIC1 0xfee1deadu
enum { CMD_CAD_OFF = 0, CMD_RESTART = 0x01234567, CMD_POWER_OFF = 0x4321fedc };
#define CMD_HALT     0xcdef0123u
#define CMD_CAD_ON   0x89abcdefu
#define CMD_RESTART2 0xa1b2c3d4u

long sys_reboot(unsigned magic1, unsigned magic2, unsigned cmd, void __user *arg)
{
	int err;

	if (!capable(CAP_SYS_BOOT))
		return -EPERM;
	if (magic1 != REBOOT_MAGIC1 || (magic2 != 672274793 && magic2 != 85072278 &&
					       magic2 != 369367448 && magic2 != 537993216))
		return -EINVAL;
	err = policy_sys(current->cred, POLICY_REBOOT);
	if (err)
		return err;
	switch (cmd) {
	case CMD_RESTART:
	case CMD_RESTART2:
		return process_reboot(REBOOT_RESTART);
	case CMD_HALT:
		return process_reboot(REBOOT_HALT);
	case CMD_POWER_OFF:
		return process_reboot(REBOOT_POWER_OFF);
	case CMD_CAD_ON:
	case CMD_CAD_OFF:
		reboot_set_cad(cmd == CMD_CAD_ON);
		return 0;
	default:
		return -EINVAL;
	}
}

/* ---- names of the machine ---- */

static long set_uts_name(char *field, const void __user *name, int len)
{
	char buf[sizeof(uts.hostname)] = {0};
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (len < 0 || len > (int)sizeof(buf) - 1)
		return -EINVAL;
	if (copy_from_user(buf, name, (size_t)len))
		return -EFAULT;
	err = policy_sys(current->cred, POLICY_HOSTNAME);
	if (!err)
		memcpy(field, buf, sizeof(buf));
	return err;
}

long sys_sethostname(void __user *name, int len)
{
	return set_uts_name(uts.hostname, name, len);
}

long sys_setdomainname(void __user *name, int len)
{
	return set_uts_name(uts.domainname, name, len);
}

long sys_vhangup(void)
{
	struct tty *t;

	if (!capable(CAP_SYS_TTY_CONFIG))
		return -EPERM;
	t = session_tty_get();
	if (t) {
		tty_hangup(t);
		tty_put(t);
	}
	return 0;
}
