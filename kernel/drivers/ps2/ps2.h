/*
 * ps2.h - the keyboard driver's parts: controller (i8042.c), keys (keyboard.c), layouts (keymap.c).
 * Private to this room.
 */
#pragma once
#include <console.h>

/* Start the controller's first port; @byte gets each scan code (set 1) from the interrupt. 0, or
 * -ENODEV: there is none. */
int __must_check i8042_start(void (*byte)(uint8_t c));
void i8042_send(const uint8_t *s,
	unsigned n); /* commands for the keyboard, sent as it acknowledges them; any context */

/* Linux's key codes: the scan codes of set 1 up to 88, and these for what has a prefix. */
enum key {
	KEY_ESC = 1,
	KEY_BACKSPACE = 14,
	KEY_TAB = 15,
	KEY_ENTER = 28,
	KEY_LCTRL = 29,
	KEY_LSHIFT = 42,
	KEY_RSHIFT = 54,
	KEY_KP_STAR = 55,
	KEY_LALT = 56,
	KEY_SPACE = 57,
	KEY_CAPS = 58,
	KEY_F1 = 59,
	KEY_F10 = 68,
	KEY_NUM = 69,
	KEY_SCROLL = 70,
	KEY_KP7 = 71,
	KEY_KP_MINUS = 74,
	KEY_KP_PLUS = 78,
	KEY_KP0 = 82,
	KEY_KP_DOT = 83,
	KEY_102ND = 86,
	KEY_F11 = 87,
	KEY_F12 = 88,
	KEY_KP_ENTER = 96,
	KEY_RCTRL = 97,
	KEY_KP_SLASH = 98,
	KEY_SYSRQ = 99,
	KEY_RALT = 100,
	KEY_HOME = 102,
	KEY_UP,
	KEY_PGUP,
	KEY_LEFT,
	KEY_RIGHT,
	KEY_END,
	KEY_DOWN,
	KEY_PGDN,
	KEY_INSERT,
	KEY_DELETE,
	KEY_PAUSE = 119,
	KEY_LMETA = 125,
	KEY_RMETA,
	KEY_MENU
};

void keymap_choose(const char *name);               /* an unknown one: us, and the log says so */
uint16_t keymap_char(unsigned level, unsigned key); /* 0: none. level: 1 shift + 2 AltGr */
void keymap_set(unsigned level, unsigned key, uint16_t ch);
bool keymap_has_altgr(void);
