/*
 * tty_ioctl.c - terminal modes, job control and window size: ioctl_tty(2), tcsetattr(3). Arguments
 * are in kernel memory.
 */
#include "tty_internal.h"
#include <cred.h>
#include <error.h>
#include <log.h>
#include <signum.h>
#include <string.h>

/* struct termios2 has the speeds behind the control characters; struct termios of the older calls
 * ends before them. */
#define TERMIOS_OLD_BYTES offsetof(struct termios, c_ispeed)

static void speeds_from_cflag(struct termios *t)
{
	static const uint32_t low[] = {0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400,
		4800, 9600, 19200, 38400};
	static const uint32_t high[] = {0, 57600, 115200, 230400, 460800, 500000, 576000, 921600,
		1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000};
	uint32_t code = t->c_cflag & CBAUD;

	if (code != 010000) /* BOTHER: the fields speak for themselves */
		t->c_ispeed = t->c_ospeed = code & 010000 ? high[code & 15] : low[code & 15];
}

/* ioctl_tty(2), TIOCSLCKTRMIOS: flags, and whole characters, that @kept names stay as they are. */
static void keep_old(struct termios *t, const struct termios *old, const struct termios *kept)
{
#define KEEP(field) (t->field = (t->field & ~kept->field) | (old->field & kept->field))
	KEEP(c_iflag);
	KEEP(c_oflag);
	KEEP(c_cflag);
	KEEP(c_lflag);
#undef KEEP
	if (kept->c_line)
		t->c_line = old->c_line;
	for (unsigned i = 0; i < NCCS; i++)
		if (kept->c_cc[i])
			t->c_cc[i] = old->c_cc[i];
}

static long set_modes(struct tty *t, unsigned cmd, const void *arg, bool with_speeds)
{
	struct termios new_modes, old;
	int err = tty_check_change(t);

	if (err)
		return err;
	if (cmd != TCSETS && cmd != TCSETS2) {
		err = tty_drain(t);
		if (err)
			return err;
	}
	if (cmd == TCSETSF || cmd == TCSETSF2)
		tty_flush_input(t);
	mutex_lock(&t->lock);
	old = new_modes = t->termios;
	memcpy(&new_modes, arg, with_speeds ? sizeof(new_modes) : TERMIOS_OLD_BYTES);
	keep_old(&new_modes, &old, &t->kept);
	speeds_from_cflag(&new_modes);
	t->termios = new_modes;
	ldisc_modes_changed(&t->ld, &old);
	if (t->ops->set_termios)
		t->ops->set_termios(t, &old);
	mutex_unlock(&t->lock);
	wake_up_all(&t->read_wait);
	return 0;
}

static long get_modes(struct tty *t, void *arg, bool with_speeds)
{
	mutex_lock(&t->lock);
	memcpy(arg, &t->termios, with_speeds ? sizeof(t->termios) : TERMIOS_OLD_BYTES);
	mutex_unlock(&t->lock);
	return 0;
}

static long get_kept(struct tty *t, void *arg)
{
	mutex_lock(&t->lock);
	memcpy(arg, &t->kept, TERMIOS_OLD_BYTES);
	mutex_unlock(&t->lock);
	return 0;
}

static long set_kept(struct tty *t, const void *arg)
{
	if (!capable(CAP_CHECKPOINT_RESTORE) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	mutex_lock(&t->lock);
	memcpy(&t->kept, arg, TERMIOS_OLD_BYTES);
	mutex_unlock(&t->lock);
	return 0;
}

void tty_set_winsize(struct tty *t, const struct winsize *ws)
{
	bool changed;
	pid_t pgrp;

	mutex_lock(&t->lock);
	changed = memcmp(&t->winsize, ws, sizeof(*ws)) != 0;
	t->winsize = *ws;
	mutex_unlock(&t->lock);
	if (!changed)
		return;
	pgrp = tty_foreground_pgrp(t);
	if (pgrp && tty_proc_ops)
		tty_proc_ops->signal_pgrp(pgrp, SIGWINCH);
	if (t->ops->resize)
		t->ops->resize(t);
}

/* The terminal is the caller's controlling terminal. */
static bool is_mine(const struct tty *t)
{
	struct tty *mine = tty_proc_ops->session_tty();

	if (mine)
		tty_put(mine);
	return mine == t;
}

static long set_pgrp(struct tty *t, const pid_t *arg)
{
	int err = tty_check_change(t);

	if (err)
		return err;
	if (!is_mine(t) || READ_ONCE(t->session) != tty_proc_ops->session())
		return -ENOTTY;
	if (*arg < 0)
		return -EINVAL;
	if (!tty_proc_ops->pgrp_exists(*arg))
		return -ESRCH;
	if (!tty_proc_ops->pgrp_in_session(*arg, t->session))
		return -EPERM;
	spin_lock(&t->spin);
	t->pgrp = *arg;
	spin_unlock(&t->spin);
	return 0;
}

static long flush(struct tty *t, long what)
{
	if (what < TCIFLUSH || what > TCIOFLUSH)
		return -EINVAL;
	if (what != TCOFLUSH)
		tty_flush_input(t);
	if (what != TCIFLUSH) {
		mutex_lock(&t->lock);
		t->echo_len = 0;
		if (t->ops->flush)
			t->ops->flush(t, false, true);
		mutex_unlock(&t->lock);
	}
	return 0;
}

static long flow(struct tty *t, long what)
{
	uint8_t c;

	switch (what) {
	case TCOOFF:
	case TCOON:
		mutex_lock(&t->lock);
		t->ld.stopped = what == TCOOFF;
		mutex_unlock(&t->lock);
		wake_up_all(&t->write_wait);
		return 0;
	case TCIOFF:
	case TCION:
		c = t->termios.c_cc[what == TCIOFF ? VSTOP : VSTART];
		if (c)
			t->ops->write(t, &c, 1);
		return 0;
	default:
		return -EINVAL;
	}
}

/* What the group of job-control calls asks. -ENOTTY: none of them. */
static long job_ioctl(struct tty *t, unsigned cmd, void *arg)
{
	switch (cmd) {
	case TIOCGPGRP:
		if (!is_mine(t))
			return -ENOTTY;
		*(pid_t *)arg = tty_foreground_pgrp(t);
		return 0;
	case TIOCSPGRP:
		return set_pgrp(t, arg);
	case TIOCGSID:
		if (!is_mine(t))
			return -ENOTTY;
		*(pid_t *)arg = READ_ONCE(t->session);
		return *(pid_t *)arg ? 0 : -ENOTTY;
	case TIOCSCTTY:
		return tty_set_controlling(t, (long)arg == 1);
	case TIOCNOTTY:
		if (!is_mine(t))
			return -ENOTTY;
		tty_drop_controlling(t);
		return 0;
	case TIOCVHANGUP:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		tty_hangup(t);
		return 0;
	default:
		return -ENOTTY;
	}
}

long tty_mode_ioctl(struct tty *t, unsigned cmd, void *arg)
{
	switch (cmd) {
	case TCGETS:
	case TCGETS2:
		return get_modes(t, arg, cmd == TCGETS2);
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return set_modes(t, cmd, arg, false);
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
		return set_modes(t, cmd, arg, true);
	case TIOCGLCKTRMIOS:
		return get_kept(t, arg);
	case TIOCSLCKTRMIOS:
		return set_kept(t, arg);
	case TIOCGWINSZ:
		mutex_lock(&t->lock);
		memcpy(arg, &t->winsize, sizeof(t->winsize));
		mutex_unlock(&t->lock);
		return 0;
	case TIOCSWINSZ:
		tty_set_winsize(t, arg);
		return 0;
	default:
		return -ENOTTY;
	}
}

static long line_ioctl(struct tty *t, unsigned cmd, void *arg)
{
	uint8_t c;
	int err;

	switch (cmd) {
	case TCSBRK:
	case TCSBRKP:
		err = tty_check_change(t);
		if (err)
			return err;
		err = tty_drain(t);
		if (!err && cmd == TCSBRK && !arg && t->ops->brk)
			t->ops->brk(t, true), t->ops->brk(t, false);
		return err;
	case TCXONC:
		err = tty_check_change(t);
		return err ? err : flow(t, (long)arg);
	case TCFLSH:
		err = tty_check_change(t);
		return err ? err : flush(t, (long)arg);
	case FIONREAD:
		mutex_lock(&t->lock);
		*(int *)arg = (int)ldisc_queued(&t->ld);
		mutex_unlock(&t->lock);
		return 0;
	case TIOCOUTQ:
		*(int *)arg = (int)t->echo_len;
		return 0;
	case TIOCEXCL:
	case TIOCNXCL:
		t->exclusive = cmd == TIOCEXCL;
		return 0;
	case TIOCGEXCL:
		*(int *)arg = t->exclusive;
		return 0;
	case TIOCSTI:
		if (!is_mine(t) && !capable(CAP_SYS_ADMIN))
			return -EPERM;
		c = *(uint8_t *)arg;
		tty_input(t, &c, 1);
		return 0;
	case TIOCGETD:
		*(int *)arg = 0;
		return 0;
	case TIOCSETD:
		return *(int *)arg ? -EINVAL : 0;
	case TIOCGDEV:
		*(uint32_t *)arg = (uint32_t)t->dev;
		return 0;
	default:
		return -ENOTTY;
	}
}

long tty_ioctl(struct file *f, unsigned cmd, void *arg)
{
	struct tty *t = tty_of(f);
	long r;

	if (tty_file_dead(t, f))
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	if (t->ops->ioctl) {
		r = t->ops->ioctl(t, cmd, arg);
		if (r != -ENOTTY)
			return r;
	}
	r = job_ioctl(t, cmd, arg);
	if (r == -ENOTTY && cmd != TIOCGPGRP && cmd != TIOCSPGRP && cmd != TIOCGSID &&
		cmd != TIOCNOTTY)
		r = tty_mode_ioctl(t, cmd, arg);
	return r == -ENOTTY ? line_ioctl(t, cmd, arg) : r;
}
