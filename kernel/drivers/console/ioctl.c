/*
 * ioctl.c - ioctl_console(2) for the virtual terminals: modes of screen and keyboard, switching,
 * key tables.
 *
 * Arguments lie in kernel memory. Programs that want to be asked before a switch (VT_PROCESS) are
 * refused; fonts cannot be loaded.
 */
#include "vts.h"
#include <console.h>
#include <cred.h>
#include <error.h>
#include <string.h>

enum { KB_101 = 2, KD_TEXT = 0, KD_GRAPHICS = 1, VT_AUTO = 0, TIOCL_GETFGCONSOLE = 12 };
enum { K_HOLE = 0x200, KT_LATIN = 0, KT_LETTER = 11, TYPED_END = 0xf00, UNICODE_MARK = 0xf000 };

struct vt_mode_arg {
	uint8_t mode, waitv;
	int16_t relsig, acqsig, frsig;
};
struct vt_stat_arg {
	uint16_t active, signal, state;
};
struct kb_entry_arg {
	uint8_t table, index;
	uint16_t value;
};
static_assert(sizeof(struct vt_mode_arg) == 8 && sizeof(struct vt_stat_arg) == 6 &&
		      sizeof(struct kb_entry_arg) == 4,
	"ioctl_console(2)");

/* Changing what others see and type needs to be the terminal's own session, or privilege. */
static bool may_change(struct tty *t)
{
	struct tty *mine = tty_proc_ops ? tty_proc_ops->session_tty() : NULL;

	if (mine)
		tty_put(mine);
	return mine == t || capable(CAP_SYS_TTY_CONFIG);
}

/* ---- keyboard ---- */

static long set_entry(const struct kb_entry_arg *e)
{
	bool is_typed = e->value < TYPED_END,
	     is_latin = e->value >> 8 == KT_LATIN || e->value >> 8 == KT_LETTER;

	if (!capable(CAP_SYS_TTY_CONFIG))
		return -EPERM;
	if (!console_keyboard || e->table >= KEY_LEVELS || e->index >= KEY_CODES)
		return -EINVAL;
	if (is_typed && !is_latin && e->value != K_HOLE)
		return -EINVAL; /* only characters can be put on keys */
	console_keyboard->set_entry(e->table, e->index,
		!is_typed  ? e->value ^ UNICODE_MARK
		: is_latin ? e->value & 0xff
			   : 0);
	return 0;
}

static long get_entry(struct kb_entry_arg *e)
{
	uint16_t ch;

	if (!console_keyboard || e->index >= KEY_CODES)
		return -EINVAL;
	ch = e->table < KEY_LEVELS ? console_keyboard->entry(e->table, e->index) : 0;
	e->value = !ch ? K_HOLE : ch < 0x100 ? ch : ch ^ UNICODE_MARK;
	return 0;
}

static long keyboard_ioctl(struct console *c, unsigned cmd, void *arg)
{
	long value = (long)arg;

	switch (cmd) {
	case KDGKBTYPE:
		*(uint8_t *)arg = KB_101;
		return 0;
	case KDGKBMODE:
		*(int *)arg = c->kbmode;
		return 0;
	case KDSKBMODE:
		if (value < KB_RAW || value > KB_OFF)
			return -EINVAL;
		if (!may_change(c->tty))
			return -EPERM;
		WRITE_ONCE(c->kbmode, (uint8_t)value);
		return 0;
	case KDGKBENT:
		return get_entry(arg);
	case KDSKBENT:
		return set_entry(arg);
	case KDGETLED:
		*(uint8_t *)arg = console_keyboard ? (uint8_t)console_keyboard->leds() : 0;
		return 0;
	case KDSETLED:
		if (!may_change(c->tty))
			return -EPERM;
		if (console_keyboard)
			console_keyboard->set_leds((unsigned)value & 15);
		return 0;
	default:
		return -ENOTTY;
	}
}

/* ---- screen and switching ---- */

static long set_graphics(struct console *c, long mode)
{
	if (mode != KD_TEXT && mode != KD_GRAPHICS)
		return -EINVAL;
	if (!may_change(c->tty))
		return -EPERM;
	WRITE_ONCE(c->graphics, mode == KD_GRAPHICS);
	if (mode == KD_TEXT)
		console_redraw(true);
	return 0;
}

static long set_mode(struct console *c, const struct vt_mode_arg *m)
{
	if (!may_change(c->tty))
		return -EPERM;
	return m->mode == VT_AUTO ? 0 : -EINVAL;
}

static long state(struct vt_stat_arg *s)
{
	unsigned i;

	*s = (struct vt_stat_arg){.active = (uint16_t)(READ_ONCE(console_front) + 1), .state = 1};
	for (i = 0; i < NR_CONSOLES; i++)
		s->state |= (uint16_t)(consoles[i].is_open << (i + 1));
	return 0;
}

static long first_free(int *out)
{
	unsigned i = 0;

	while (i < NR_CONSOLES && consoles[i].is_open)
		i++;
	*out = i < NR_CONSOLES ? (int)i + 1 : -1;
	return 0;
}

static long activate(struct console *c, long n, bool wait)
{
	if (!may_change(c->tty))
		return -EPERM;
	if (n < 1 || n > NR_CONSOLES)
		return -ENXIO;
	return wait ? console_wait_front((unsigned)n - 1) : console_bring_to_front((unsigned)n - 1);
}

static long disallocate(long n)
{
	unsigned i;

	if (n < 0 || n > NR_CONSOLES)
		return -ENXIO;
	if (n)
		return console_free(&consoles[n - 1]);
	for (i = 0; i < NR_CONSOLES; i++)
		if (console_free(&consoles[i]))
			continue; /* those in use stay */
	return 0;
}

long console_ioctl(struct tty *t, unsigned cmd, void *arg)
{
	struct console *c = tty_driver_data(t);
	long value = (long)arg;

	switch (cmd) {
	case KDGETMODE:
		*(int *)arg = c->graphics ? KD_GRAPHICS : KD_TEXT;
		return 0;
	case KDSETMODE:
		return set_graphics(c, value);
	case VT_OPENQRY:
		return first_free(arg);
	case VT_GETMODE:
		memset(arg, 0, sizeof(struct vt_mode_arg));
		return 0;
	case VT_SETMODE:
		return set_mode(c, arg);
	case VT_GETSTATE:
		return state(arg);
	case VT_ACTIVATE:
	case VT_WAITACTIVE:
		return activate(c, value, cmd == VT_WAITACTIVE);
	case VT_DISALLOCATE:
		return disallocate(value);
	case TIOCLINUX:
		return *(uint8_t *)arg == TIOCL_GETFGCONSOLE ? (long)READ_ONCE(console_front)
							     : -EINVAL;
	default:
		return keyboard_ioctl(c, cmd, arg);
	}
}
