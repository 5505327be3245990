/*
 * keyboard.c - from scan codes to what a program reads: modifiers, locks, lights, function keys,
 * switching of consoles.
 *
 * Runs in the keyboard's interrupt; one keyboard, one interrupt, so its state needs no lock.
 * Sequences are those of the Linux console (TERM=linux): Alt puts ESC before, cursor keys follow
 * the application mode, the keypad follows NumLock. Raw modes (KDSKBMODE) pass scan codes or key
 * codes. Does not: dead keys, compose, changing the repeat rate. Spec: scan code set 1;
 * console_codes(4); Linux's key codes of input-event-codes.
 */
#include "ps2.h"
#include <arch/boot.h>
#include <bitmap.h>
#include <error.h>
#include <log.h>
#include <string.h>
#include <tty.h>
#include <workqueue.h>

enum { SHIFT_L = 1, SHIFT_R = 2, CTRL_L = 4, CTRL_R = 8, ALT_L = 16, ALT_R = 32 };
enum { SHIFT = SHIFT_L | SHIFT_R, CTRL = CTRL_L | CTRL_R };
enum { LED_SCROLL = 1, LED_NUM = 2, LED_CAPS = 4, LED_LOCKS = 8, SET_LEDS = 0xed };
enum { RELEASED = 0x80, PREFIX_E0 = 0xe0, PREFIX_E1 = 0xe1 };

static DECLARE_BITMAP(down, KEY_CODES);
static unsigned modifiers, locks = LED_NUM, leds;
static uint8_t prefix, e1_left; /* bytes of Pause still to come */
static struct work restart_work;

/* ---- lights ---- */

static void show_leds(unsigned want)
{
	uint8_t cmd[2] = {SET_LEDS};

	leds = want & LED_LOCKS ? locks : want & 7;
	cmd[1] = (uint8_t)leds;
	i8042_send(cmd, sizeof(cmd));
}

static unsigned shown_leds(void)
{
	return leds;
}

static void toggle_lock(unsigned lock)
{
	locks ^= lock;
	show_leds(LED_LOCKS);
}

/* ---- characters ---- */

static void send(const char *s)
{
	console_input((const uint8_t *)s, strlen(s));
}

static bool alt_held(void)
{
	return modifiers & ALT_L || (modifiers & ALT_R && !keymap_has_altgr());
}

static void send_char(uint32_t ch)
{
	uint8_t s[8];
	size_t n = 0;

	if (alt_held())
		s[n++] = 0x1b;
	if (ch < 0x80 || console_modes().kbmode == KB_XLATE) {
		s[n++] = (uint8_t)ch;
	} else if (ch < 0x800) {
		s[n++] = (uint8_t)(0xc0 | ch >> 6);
		s[n++] = (uint8_t)(0x80 | (ch & 0x3f));
	} else {
		s[n++] = (uint8_t)(0xe0 | ch >> 12);
		s[n++] = (uint8_t)(0x80 | (ch >> 6 & 0x3f));
		s[n++] = (uint8_t)(0x80 | (ch & 0x3f));
	}
	console_input(s, n);
}

/* The control character of @ch, -1 if it has none. The digits are those that stand below a sign
 * with one on American keyboards. */
static int control_of(uint16_t ch)
{
	static const uint8_t digit[] = {0, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x7f}; /* 2 to 8 */

	if ((ch >= '@' && ch <= '_') || (ch >= 'a' && ch <= 'z'))
		return ch & 0x1f;
	if (ch >= '2' && ch <= '8')
		return digit[ch - '2'];
	return ch == ' ' || ch == '`' ? 0 : ch == '-' || ch == '/' ? 0x1f : ch == '?' ? 0x7f : -1;
}

static bool has_case(unsigned key, unsigned level)
{
	uint16_t low = keymap_char(level & 2, key), high = keymap_char((level & 2) | 1, key);

	return low >= 'a' && low == high + 0x20;
}

/* False: the key gives no character. */
static bool character(unsigned key)
{
	unsigned level = (modifiers & SHIFT ? 1 : 0) |
			 (modifiers & ALT_R && keymap_has_altgr() ? 2 : 0);
	uint16_t ch;
	int control;

	if (locks & LED_CAPS && has_case(key, level))
		level ^= 1;
	ch = keymap_char(level, key);
	if (!ch && level & 2)
		ch = keymap_char(level & 2, key);
	if (!ch)
		return keymap_char(0, key) !=
		       0; /* a character key without one on this level: nothing at all */
	control = modifiers & CTRL ? control_of(ch) : ch;
	if (control >= 0)
		send_char((uint32_t)control);
	return true;
}

/* ---- other keys ---- */

static void cursor_key(char letter)
{
	char s[4] = {0x1b, console_modes().app_cursor ? 'O' : '[', letter, 0};

	send(s);
}

static void function_key(unsigned key)
{
	static const char *const plain[] = {"\033[[A", "\033[[B", "\033[[C", "\033[[D", "\033[[E",
		"\033[17~", "\033[18~", "\033[19~", "\033[20~", "\033[21~", "\033[23~", "\033[24~"};
	static const char *const shifted[] = {"\033[25~", "\033[26~", "\033[28~", "\033[29~",
		"\033[31~", "\033[32~", "\033[33~", "\033[34~", "\033[35~", "\033[36~", "\033[37~",
		"\033[38~"};
	unsigned n = key <= KEY_F10 ? key - KEY_F1 : key - KEY_F11 + 10;

	if (modifiers & (ALT_L | ALT_R))
		console_switch(n + 1); /* with Ctrl or without */
	else
		send((modifiers & SHIFT ? shifted : plain)[n]);
}

/* False: no such key. */
static bool editing_key(unsigned key)
{
	bool shift = modifiers & SHIFT;

	switch (key) {
	case KEY_UP:
		cursor_key('A');
		break;
	case KEY_DOWN:
		cursor_key('B');
		break;
	case KEY_RIGHT:
	case KEY_LEFT:
		if (alt_held())
			console_switch_by(key == KEY_RIGHT ? 1 : -1);
		else
			cursor_key(key == KEY_RIGHT ? 'C' : 'D');
		break;
	case KEY_HOME:
		send("\033[1~");
		break;
	case KEY_INSERT:
		send("\033[2~");
		break;
	case KEY_DELETE:
		send("\033[3~");
		break;
	case KEY_END:
		send("\033[4~");
		break;
	case KEY_PGUP:
	case KEY_PGDN:
		if (shift)
			console_scroll(key == KEY_PGUP ? 1 : -1);
		else
			send(key == KEY_PGUP ? "\033[5~" : "\033[6~");
		break;
	default:
		return false;
	}
	return true;
}

/* Keys 71 to 83, of the keypad without / * and Enter, as [key - 71]: digit, editing key, letter of
 * the application mode. */
static const struct {
	char digit;
	uint8_t edit;
	char letter;
} keypad[] = {
	{'7', KEY_HOME, 'w'},
	{'8', KEY_UP, 'x'},
	{'9', KEY_PGUP, 'y'},
	{'-', 0, 'S'},
	{'4', KEY_LEFT, 't'},
	{'5', 0, 'u'},
	{'6', KEY_RIGHT, 'v'},
	{'+', 0, 'l'},
	{'1', KEY_END, 'q'},
	{'2', KEY_DOWN, 'r'},
	{'3', KEY_PGDN, 's'},
	{'0', KEY_INSERT, 'p'},
	{'.', KEY_DELETE, 'n'},
};

static void application_key(char letter)
{
	char s[4] = {0x1b, 'O', letter, 0};

	send(s);
}

static void keypad_key(unsigned key)
{
	unsigned i = key - KEY_KP7;
	bool num = (locks & LED_NUM) && !(modifiers & SHIFT);

	if (console_modes().app_keypad && !(modifiers & SHIFT))
		application_key(keypad[i].letter);
	else if (num || key == KEY_KP_MINUS || key == KEY_KP_PLUS)
		send_char((uint8_t)keypad[i].digit);
	else if (!editing_key(keypad[i].edit))
		send("\033[G"); /* the middle: 5 */
}

static void enter_key(unsigned key)
{
	struct console_modes m = console_modes();

	if (key == KEY_KP_ENTER && m.app_keypad && !(modifiers & SHIFT))
		application_key('M');
	else if (m.newline)
		send("\r\n");
	else
		send_char('\r');
}

static void other_key(unsigned key)
{
	switch (key) {
	case KEY_ESC:
		send_char(0x1b);
		break;
	case KEY_BACKSPACE:
		send_char(modifiers & CTRL ? '\b' : 0x7f);
		break;
	case KEY_TAB:
		send(modifiers & SHIFT ? "\033\t" : alt_held() ? "\033\t" : "\t");
		break;
	case KEY_ENTER:
	case KEY_KP_ENTER:
		enter_key(key);
		break;
	case KEY_KP_SLASH:
		send_char('/');
		break;
	case KEY_CAPS:
		toggle_lock(LED_CAPS);
		break;
	case KEY_NUM:
		toggle_lock(LED_NUM);
		break;
	case KEY_SCROLL:
		toggle_lock(LED_SCROLL);
		break;
	default:
		break;
	}
}

/* ---- keys ---- */

static unsigned modifier_of(unsigned key)
{
	switch (key) {
	case KEY_LSHIFT:
		return SHIFT_L;
	case KEY_RSHIFT:
		return SHIFT_R;
	case KEY_LCTRL:
		return CTRL_L;
	case KEY_RCTRL:
		return CTRL_R;
	case KEY_LALT:
		return ALT_L;
	case KEY_RALT:
		return ALT_R;
	default:
		return 0;
	}
}

static void restart(struct work *w)
{
	(void)w;
	if (tty_proc_ops && tty_proc_ops->ctrl_alt_del)
		tty_proc_ops->ctrl_alt_del();
}

static void pressed(unsigned key)
{
	bool is_pad = key >= KEY_KP7 && key <= KEY_KP_DOT;

	if ((key == KEY_DELETE || key == KEY_KP_DOT) && modifiers & CTRL &&
		modifiers & (ALT_L | ALT_R))
		(void)work_queue(&restart_work);
	else if ((key >= KEY_F1 && key <= KEY_F10) || key == KEY_F11 || key == KEY_F12)
		function_key(key);
	else if (is_pad)
		keypad_key(key);
	else if (!editing_key(key) && !character(key))
		other_key(key);
}

static void key_event(unsigned key, bool is_down)
{
	unsigned modifier = modifier_of(key);
	bool repeats = is_down && bit_test(down, key),
	     is_lock = key == KEY_CAPS || key == KEY_NUM || key == KEY_SCROLL;
	uint8_t kbmode = console_modes().kbmode;

	if (is_down)
		bit_set(down, key), modifiers |= modifier;
	else
		bit_clear(down, key), modifiers &= ~modifier;
	if (kbmode == KB_MEDIUMRAW) {
		uint8_t code = (uint8_t)(key | (is_down ? 0 : RELEASED));

		console_input(&code, 1);
	} else if (is_down && !modifier && !(repeats && is_lock) &&
		   (kbmode == KB_XLATE || kbmode == KB_UNICODE)) {
		pressed(key);
	}
}

/* The key code of scan code @c behind an E0; 0: none. */
static unsigned extended_key(uint8_t c)
{
	static const struct {
		uint8_t code, key;
	} map[] = {{0x1c, KEY_KP_ENTER}, {0x1d, KEY_RCTRL}, {0x35, KEY_KP_SLASH}, {0x37, KEY_SYSRQ},
		{0x38, KEY_RALT}, {0x46, KEY_PAUSE}, {0x47, KEY_HOME}, {0x48, KEY_UP},
		{0x49, KEY_PGUP}, {0x4b, KEY_LEFT}, {0x4d, KEY_RIGHT}, {0x4f, KEY_END},
		{0x50, KEY_DOWN}, {0x51, KEY_PGDN}, {0x52, KEY_INSERT}, {0x53, KEY_DELETE},
		{0x5b, KEY_LMETA}, {0x5c, KEY_RMETA}, {0x5d, KEY_MENU}};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(map); i++)
		if (map[i].code == c)
			return map[i].key;
	return 0; /* also the shifts that keyboards make up around cursor keys: 2a, 36 */
}

static void scan_code(uint8_t c)
{
	bool is_down = !(c & RELEASED);
	unsigned key;

	if (console_modes().kbmode == KB_RAW)
		console_input(&c, 1); /* the modifiers are followed all the same */
	if (e1_left) {
		e1_left--; /* Pause: E1 1D 45 E1 9D C5, at once when pressed */
		return;
	}
	if (c == PREFIX_E1) {
		e1_left = 2;
		return;
	}
	if (c == PREFIX_E0) {
		prefix = c;
		return;
	}
	c &= (uint8_t)~RELEASED;
	key = prefix ? extended_key(c) : c <= KEY_F12 ? c : 0;
	prefix = 0;
	if (key)
		key_event(key, is_down);
}

int keyboard_init(void)
{
	static const struct keyboard_ops ops = {.set_leds = show_leds,
		.leds = shown_leds,
		.entry = keymap_char,
		.set_entry = keymap_set};
	char name[16] = "us";
	int err;

	work_init(&restart_work, restart);
	boot_option("keymap", 0, name, sizeof(name));
	keymap_choose(name);
	err = i8042_start(scan_code);
	if (err) {
		log_info("keyboard: no PS/2 keyboard controller");
		return 0;
	}
	show_leds(LED_LOCKS);
	console_set_keyboard(&ops);
	log_info("keyboard: PS/2, layout %s", name);
	return 0;
}
