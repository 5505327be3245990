/*
 * sys_ioctl.c - ioctl(2): which command carries what, so that drivers see kernel memory only.
 *
 * Newer commands say size and direction in their number. The old ones stand in a table; an old one
 * that is not there is ENOTTY without asking the file, as nobody could tell whether its argument is
 * a pointer. Commands about interfaces and routes (netdevice(7)) are net/net_ioctl.c's.
 */
#include "compat.h"
#include "net/net_ioctl.h"
#include "abi/netdev.h"
#include "abi/termios.h"

enum {
	FIOQSIZE = 0x5460,
	FIONCLEX = 0x5450,
	FIOCLEX = 0x5451,
	FIOASYNC = 0x5452,
	FIGETBSZ = 2,
	HDIO_GETGEO = 0x0301,
	FS_IOC_GETFLAGS = (int)0x80086601,
	FS_IOC_SETFLAGS = 0x40086602,
	FBIOGET_VSCREENINFO = 0x4600,
	FBIOPUT_VSCREENINFO = 0x4601,
	FBIOGET_FSCREENINFO = 0x4602,
	VT_RESIZE = 0x5609,
	KDGKBMETA = 0x4b62,
	KDSKBMETA = 0x4b63,
	KDGKBLED = 0x4b64,
	KDSKBLED = 0x4b65
};
enum {
	BLKROSET = 0x125d,
	BLKROGET,
	BLKRRPART,
	BLKGETSIZE,
	BLKFLSBUF,
	BLKRASET,
	BLKRAGET,
	BLKSSZGET = 0x1268,
	BLKDISCARD = 0x1277,
	BLKIOMIN,
	BLKIOOPT,
	BLKALIGNOFF,
	BLKPBSZGET,
	BLKDISCARDZEROES,
	BLKSECDISCARD,
	BLKROTATIONAL,
	BLKZEROOUT,
	BLKBSZGET = (int)0x80081270,
	BLKBSZSET = 0x40081271
};
enum {
	LOOP_SET_FD = 0x4c00,
	LOOP_CLR_FD,
	LOOP_SET_STATUS64 = 0x4c04,
	LOOP_GET_STATUS64,
	LOOP_SET_CAPACITY = 0x4c07,
	LOOP_SET_DIRECT_IO,
	LOOP_SET_BLOCK_SIZE,
	LOOP_CONFIGURE,
	LOOP_CTL_ADD = 0x4c80,
	LOOP_CTL_REMOVE,
	LOOP_CTL_GET_FREE
};

enum { /* tun(4)'s: the size in their number is not what they carry */
	TUNSETNOCSUM = 0x400454c8,
	TUNSETDEBUG,
	TUNSETIFF,
	TUNSETPERSIST,
	TUNSETOWNER,
	TUNSETLINK,
	TUNSETGROUP,
	TUNSETOFFLOAD = 0x400454d0,
	TUNGETIFF = (int)0x800454d2
};
enum { /* of sockets: socket(7) */
	FIOSETOWN = 0x8901,
	SIOCSPGRP,
	FIOGETOWN,
	SIOCGPGRP,
	SIOCATMARK,
	SIOCGSTAMP,
	SIOCGSTAMPNS,
	SIOCOUTQNSD = 0x894b,
	SIOCGSTAMP_NEW = (int)0x80108906,
	SIOCGSTAMPNS_NEW = (int)0x80108907
};

enum direction { ARG_VALUE = 0, ARG_IN = 1, ARG_OUT = 2, ARG_BOTH = 3 };
#define ARG_LOCAL  64u
#define SIZE_SHIFT 16
#define SIZE_MASK  0x3fffu
#define DIR_SHIFT  30

static const struct ioctl_arg {
	uint32_t cmd;
	uint8_t dir;
	uint16_t size;
} old_ioctls[] = {
	{TCGETS, ARG_OUT, LINUX_TERMIOS_BYTES},
	{TCSETS, ARG_IN, LINUX_TERMIOS_BYTES},
	{TCSETSW, ARG_IN, LINUX_TERMIOS_BYTES},
	{TCSETSF, ARG_IN, LINUX_TERMIOS_BYTES},
	{TIOCGLCKTRMIOS, ARG_OUT, LINUX_TERMIOS_BYTES},
	{TIOCSLCKTRMIOS, ARG_IN, LINUX_TERMIOS_BYTES},
	{TCSBRK, ARG_VALUE, 0},
	{TCXONC, ARG_VALUE, 0},
	{TCFLSH, ARG_VALUE, 0},
	{TIOCEXCL, ARG_VALUE, 0},
	{TIOCNXCL, ARG_VALUE, 0},
	{TIOCSCTTY, ARG_VALUE, 0},
	{TIOCGPGRP, ARG_OUT, 4},
	{TIOCSPGRP, ARG_IN, 4},
	{TIOCOUTQ, ARG_OUT, 4},
	{TIOCSTI, ARG_IN, 1},
	{TIOCGWINSZ, ARG_OUT, 8},
	{TIOCSWINSZ, ARG_IN, 8},
	{TIOCMGET, ARG_OUT, 4},
	{TIOCMBIS, ARG_IN, 4},
	{TIOCMBIC, ARG_IN, 4},
	{TIOCMSET, ARG_IN, 4},
	{TIOCGSOFTCAR, ARG_OUT, 4},
	{TIOCSSOFTCAR, ARG_IN, 4},
	{FIONREAD, ARG_OUT, 4},
	{FIONBIO, ARG_IN, 4},
	{FIOASYNC, ARG_IN, 4},
	{TIOCLINUX, ARG_BOTH, 1},
	{TIOCCONS, ARG_VALUE, 0},
	{TIOCGSERIAL, ARG_OUT, 72},
	{TIOCSSERIAL, ARG_IN, 72},
	{TIOCPKT, ARG_IN, 4},
	{TIOCNOTTY, ARG_VALUE, 0},
	{TIOCSETD, ARG_IN, 4},
	{TIOCGETD, ARG_OUT, 4},
	{TCSBRKP, ARG_VALUE, 0},
	{TIOCSBRK, ARG_VALUE, 0},
	{TIOCCBRK, ARG_VALUE, 0},
	{TIOCGSID, ARG_OUT, 4},
	{TIOCGPTPEER, ARG_VALUE, 0},
	{TIOCVHANGUP, ARG_VALUE, 0},
	{KDGKBTYPE, ARG_OUT, 1},
	{KDGETMODE, ARG_OUT, 4},
	{KDSETMODE, ARG_VALUE, 0},
	{KDGKBMODE, ARG_OUT, 4},
	{KDSKBMODE, ARG_VALUE, 0},
	{KDGKBENT, ARG_BOTH, 4},
	{KDSKBENT, ARG_IN, 4},
	{KDGETLED, ARG_OUT, 1},
	{KDSETLED, ARG_VALUE, 0},
	{KIOCSOUND, ARG_VALUE, 0},
	{KDMKTONE, ARG_VALUE, 0},
	{KDGKBMETA, ARG_OUT, 4},
	{KDSKBMETA, ARG_VALUE, 0},
	{KDGKBLED, ARG_OUT, 1},
	{KDSKBLED, ARG_VALUE, 0},
	{VT_OPENQRY, ARG_OUT, 4},
	{VT_GETMODE, ARG_OUT, 8},
	{VT_SETMODE, ARG_IN, 8},
	{VT_GETSTATE, ARG_OUT, 6},
	{VT_SENDSIG, ARG_VALUE, 0},
	{VT_RELDISP, ARG_VALUE, 0},
	{VT_ACTIVATE, ARG_VALUE, 0},
	{VT_WAITACTIVE, ARG_VALUE, 0},
	{VT_DISALLOCATE, ARG_VALUE, 0},
	{VT_RESIZE, ARG_IN, 6},
	{BLKROSET, ARG_IN, 4},
	{BLKROGET, ARG_OUT, 4},
	{BLKRRPART, ARG_VALUE, 0},
	{BLKGETSIZE, ARG_OUT, 8},
	{BLKFLSBUF, ARG_VALUE, 0},
	{BLKRASET, ARG_VALUE, 0},
	{BLKRAGET, ARG_OUT, 8},
	{BLKSSZGET, ARG_OUT, 4},
	{BLKDISCARD, ARG_IN, 16},
	{BLKIOMIN, ARG_OUT, 4},
	{BLKIOOPT, ARG_OUT, 4},
	{BLKALIGNOFF, ARG_OUT, 4},
	{BLKPBSZGET, ARG_OUT, 4},
	{BLKDISCARDZEROES, ARG_OUT, 4},
	{BLKSECDISCARD, ARG_IN, 16},
	{BLKROTATIONAL, ARG_OUT, 2},
	{BLKZEROOUT, ARG_IN, 16},
	{(uint32_t)BLKBSZGET, ARG_OUT, 4},
	{BLKBSZSET, ARG_IN, 4},
	{HDIO_GETGEO, ARG_OUT, 16},
	{LOOP_SET_FD, ARG_VALUE, 0},
	{LOOP_CLR_FD, ARG_VALUE, 0},
	{LOOP_SET_STATUS64, ARG_IN, 232},
	{LOOP_GET_STATUS64, ARG_OUT, 232},
	{LOOP_SET_CAPACITY, ARG_VALUE, 0},
	{LOOP_SET_DIRECT_IO, ARG_VALUE, 0},
	{LOOP_SET_BLOCK_SIZE, ARG_VALUE, 0},
	{LOOP_CONFIGURE, ARG_IN, 304},
	{LOOP_CTL_ADD, ARG_VALUE, 0},
	{LOOP_CTL_REMOVE, ARG_VALUE, 0},
	{LOOP_CTL_GET_FREE, ARG_VALUE, 0},
	{(uint32_t)FS_IOC_GETFLAGS, ARG_OUT, 4},
	{FS_IOC_SETFLAGS, ARG_IN, 4},
	{FBIOGET_VSCREENINFO, ARG_OUT, 160},
	{FBIOPUT_VSCREENINFO, ARG_BOTH, 160},
	{FBIOGET_FSCREENINFO, ARG_OUT, 80},
	{SIOCATMARK, ARG_OUT, 4},
	{SIOCOUTQNSD, ARG_OUT, 4},
	{SIOCGSTAMP, ARG_OUT, 16},
	{SIOCGSTAMPNS, ARG_OUT, 16},
	{TUNSETNOCSUM, ARG_VALUE, 0},
	{TUNSETDEBUG, ARG_VALUE, 0},
	{TUNSETIFF, ARG_BOTH, sizeof(struct linux_ifreq)},
	{TUNSETPERSIST, ARG_VALUE, 0},
	{TUNSETOWNER, ARG_VALUE, 0},
	{TUNSETLINK, ARG_VALUE, 0},
	{TUNSETGROUP, ARG_VALUE, 0},
	{TUNSETOFFLOAD, ARG_VALUE, 0},
	{(uint32_t)TUNGETIFF, ARG_OUT, sizeof(struct linux_ifreq)},
	{SIOCSIFHWADDR, ARG_IN, sizeof(struct linux_ifreq)},
	{SIOCGIFHWADDR, ARG_BOTH, sizeof(struct linux_ifreq)},
};

static bool find_arg(uint32_t cmd, struct ioctl_arg *out, unsigned *size)
{
	unsigned i, dir = cmd >> DIR_SHIFT;

	for (i = 0; i < ARRAY_SIZE(old_ioctls); i++) {
		if (old_ioctls[i].cmd == cmd) {
			*out = old_ioctls[i];
			*size = out->size;
			return true;
		}
	}
	*size = cmd >> SIZE_SHIFT & SIZE_MASK;
	*out = (struct ioctl_arg){.cmd = cmd, .dir = (uint8_t)dir};
	return dir && *size;
}

/*
 * The error for an argument that cannot be read. A command of terminals, or of a pty's master, is
 * unknown to all other files, whatever its argument; one that only asks tells what this is.
 */
static long bad_argument(struct file *f, unsigned cmd)
{
	struct termios t;
	uint32_t n;

	if (cmd == TIOCSPTLCK || cmd == TIOCPKT)
		return vfs_ioctl(f, TIOCGPTN, &n) == -ENOTTY ? -ENOTTY : -EFAULT;
	if (cmd >> 8 == 'T' && cmd != FIONBIO && cmd != FIOASYNC)
		return vfs_ioctl(f, TCGETS, &t) == -ENOTTY ? -ENOTTY : -EFAULT;
	return -EFAULT;
}

/* The file's own command, with its argument copied in and out. */
static long with_copy(
	struct file *f, unsigned cmd, unsigned long arg, const struct ioctl_arg *how, unsigned size)
{
	uint64_t local[ARG_LOCAL / sizeof(uint64_t)] UNCLEARED;
	void *buf = local;
	long result = 0;

	if (size > ARG_LOCAL) {
		buf = kmalloc(size, GFP_KERNEL);
		if (!buf)
			return -ENOMEM;
	}
	memset(buf, 0, MAX(size, ARG_LOCAL));
	if (how->dir & ARG_IN && copy_from_user(buf, (const void __user *)arg, size))
		result = bad_argument(f, cmd);
	else
		result = vfs_ioctl(f, cmd, buf);
	if (result >= 0 && how->dir & ARG_OUT && copy_to_user((void __user *)arg, buf, size))
		result = -EFAULT;
	if (buf != local)
		kfree(buf);
	return result;
}

/* ---- the oldest form of the terminal's settings ---- */

static long termio_get(struct file *f, void __user *arg)
{
	struct termios t = {0};
	struct linux_termio out = {0};
	long result = vfs_ioctl(f, TCGETS, &t);

	if (result < 0)
		return result;
	out.c_iflag = (uint16_t)t.c_iflag;
	out.c_oflag = (uint16_t)t.c_oflag;
	out.c_cflag = (uint16_t)t.c_cflag;
	out.c_lflag = (uint16_t)t.c_lflag;
	out.c_line = t.c_line;
	memcpy(out.c_cc, t.c_cc, sizeof(out.c_cc));
	return copy_to_user(arg, &out, sizeof(out));
}

/* The halves of the flags that struct termio has no room for stay as they are. */
static long termio_set(struct file *f, unsigned cmd, const void __user *arg)
{
	struct termios t = {0};
	struct linux_termio in;
	long result = vfs_ioctl(f, TCGETS, &t);

	if (result < 0)
		return result;
	if (copy_from_user(&in, arg, sizeof(in)))
		return -EFAULT;
	t.c_iflag = (t.c_iflag & ~0xffffu) | in.c_iflag;
	t.c_oflag = (t.c_oflag & ~0xffffu) | in.c_oflag;
	t.c_cflag = (t.c_cflag & ~0xffffu) | in.c_cflag;
	t.c_lflag = (t.c_lflag & ~0xffffu) | in.c_lflag;
	t.c_line = in.c_line;
	memcpy(t.c_cc, in.c_cc, sizeof(in.c_cc));
	return vfs_ioctl(f, cmd - TCSETA + TCSETS, &t);
}
static_assert(TCSETAF - TCSETA == TCSETSF - TCSETS, "the two families run in parallel");

/* ---- commands of every file ---- */

/* false: not one of these. */
static bool generic_ioctl(int fd, struct file *f, unsigned cmd, unsigned long arg, long *result)
{
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case FIOCLEX:
	case FIONCLEX:
		*result = fd_set_cloexec(fd, cmd == FIOCLEX);
		return true;
	case FIOQSIZE:
		if (!S_ISREG(f->inode->mode) && !S_ISDIR(f->inode->mode) &&
			!S_ISLNK(f->inode->mode))
			return false;
		*result = put_user(i_size_read(f->inode), (int64_t __user *)user);
		return true;
	case FIGETBSZ:
		*result = put_user((int)f->inode->sb->blksize, (int __user *)user);
		return true;
	}
	return false;
}

/* false: not one of these. */
static bool owner_ioctl(struct file *f, unsigned cmd, unsigned long arg, long *result)
{
	int __user *user = (int __user *)arg;
	int who;

	if (cmd < FIOSETOWN || cmd > SIOCGPGRP || !S_ISSOCK(f->inode->mode))
		return false;
	if (cmd == FIOGETOWN || cmd == SIOCGPGRP)
		*result = put_user(file_get_owner(f), user);
	else
		*result = get_user(who, user) ? -EFAULT : file_set_owner(f, who);
	return true;
}

static long file_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct socket *s = socket_from_file(f);
	struct ioctl_arg how;
	long result;
	unsigned size;

	if (unlikely(s != NULL) && net_ioctl(s, cmd, (void __user *)arg, &result))
		return result;
	switch (cmd) {
	case TCGETA:
		return termio_get(f, (void __user *)arg);
	case TCSETA:
	case TCSETAW:
	case TCSETAF:
		return termio_set(f, cmd, (const void __user *)arg);
	}
	if (owner_ioctl(f, cmd, arg, &result))
		return result;
	if (cmd == (unsigned)SIOCGSTAMP_NEW || cmd == (unsigned)SIOCGSTAMPNS_NEW)
		cmd = cmd == (unsigned)SIOCGSTAMP_NEW ? SIOCGSTAMP : SIOCGSTAMPNS;
	if (!find_arg(cmd, &how, &size))
		return -ENOTTY;
	if (how.dir == ARG_VALUE)
		return vfs_ioctl(f, cmd, (void *)arg);
	return with_copy(f, cmd, arg, &how, size);
}

long sys_ioctl(int fd, unsigned cmd, unsigned long arg)
{
	struct fd_ref r = fd_begin(fd);
	long result;

	if (!r.file)
		return -EBADF;
	if (!generic_ioctl(fd, r.file, cmd, arg, &result))
		result = file_ioctl(r.file, cmd, arg);
	fd_end(r);
	return result;
}
