/*
 * console.h - what the virtual terminals and a keyboard say to each other. tty.h has
 * console_init().
 */
#pragma once
#include <compiler.h>

enum console_kbmode { KB_RAW, KB_XLATE, KB_MEDIUMRAW, KB_UNICODE, KB_OFF }; /* KDSKBMODE's values */
struct console_modes {
	uint8_t kbmode;
	bool app_cursor, app_keypad, newline;
};

/* For the keyboard; any context. They mean the console in front. */
struct console_modes console_modes(void);
void console_input(const uint8_t *s, size_t n);
void console_switch(unsigned n);  /* to tty@n; what does not exist is ignored */
void console_switch_by(int step); /* to the next or the one before, of those in use */
void console_scroll(int pages);   /* positive: back; in half pages */

/* For the consoles. A keyboard entry is a character of one level of a key (Linux's key code): 0
 * plain, 1 shift, 2 AltGr, 3 both. */
enum { KEY_LEVELS = 4, KEY_CODES = 128 };
struct keyboard_ops {
	void (*set_leds)(
		unsigned leds); /* 1 scroll, 2 num, 4 caps; 8: what the locks say. Any context. */
	unsigned (*leds)(void);
	uint16_t (*entry)(unsigned level, unsigned key); /* 0: none */
	void (*set_entry)(unsigned level, unsigned key, uint16_t ch);
};
void console_set_keyboard(const struct keyboard_ops *ops);
int keyboard_init(void); /* boot; a machine without one is no error */
