/*
 * vt.h - a terminal emulator as pure logic: bytes in, cells and replies out. kernel/tty/vt.c has
 * the theory.
 *
 * No locks, no memory of its own, no kernel services: the owner supplies lines of cells and
 * serialises all calls.
 */
#pragma once
#include <compiler.h>

#define VT_MAX_COLS  512u
#define VT_MAX_ROWS  200u
#define VT_MAX_LINES 512u /* screen and history */
#define VT_PARAMS    16u
#define VT_REPLY     64u

enum vt_attr {
	VT_BOLD = 1,
	VT_DIM = 2,
	VT_ITALIC = 4,
	VT_UNDERLINE = 8,
	VT_BLINK = 16,
	VT_REVERSE = 32,
	VT_HIDDEN = 64,
	VT_STRIKE = 128
};
enum vt_part {
	VT_WHOLE,
	VT_LEFT_HALF,
	VT_RIGHT_HALF
}; /* of a character two columns wide; the left one has its code */
struct vt_cell {
	uint32_t ch;    /* Unicode */
	uint8_t fg, bg; /* xterm's 256 colours */
	uint8_t attr, part;
};
static_assert(sizeof(struct vt_cell) == 8, "cells are compared and copied as words");

struct vt_pen {
	uint8_t fg, bg, attr, shift;
	uint8_t charset[2];
}; /* shift: which of the two charsets is in use */
struct vt_cursor {
	uint16_t col, row;
	struct vt_pen pen;
	bool origin, wrap_pending;
};

struct vt {
	uint16_t cols, rows;
	struct vt_cursor at;
	struct vt_cursor saved[2];          /* main, alternate */
	uint16_t margin_top, margin_bottom; /* inclusive */
	bool wrap, insert, newline, cursor_shown, app_cursor, app_keypad, reverse, bracketed_paste,
		utf8;
	bool is_alt, has_wide;
	bool changed; /* set by every change of what is seen; the owner clears it */

	struct vt_cell *lines[VT_MAX_LINES]; /* ring: history, then the screen at `top` */
	uint16_t total, top, history;
	uint16_t view; /* lines that the viewer has scrolled back */
	struct vt_cell *alt[VT_MAX_ROWS];
	uint8_t tabs[VT_MAX_COLS / 8];

	uint8_t state, prefix, intermediate; /* parser */
	uint8_t nparams, swallow;
	uint16_t params[VT_PARAMS];
	uint32_t joined;               /* bit n: parameter n follows a colon */
	uint32_t code, code_min, last; /* UTF-8 being read; the last character shown */
	uint8_t code_need;

	uint8_t reply_len;
	char reply[VT_REPLY]; /* for the program, as if typed; the owner takes it and sets reply_len
				 to 0 */
};

/* @lines: 2 * rows pointers to cols cells each, the owner's memory. Sizes must be 2..VT_MAX_*. */
void vt_init(struct vt *vt, unsigned cols, unsigned rows, struct vt_cell *const *lines);
void vt_write(struct vt *vt, const uint8_t *s, size_t n);
/* Plain text from the kernel: a running sequence and the program's colours are left alone. */
void vt_write_log(struct vt *vt, const char *s, size_t n);
/* What the viewer sees in @row, with cursor and reversal applied, into @out (cols cells). */
void vt_view_row(const struct vt *vt, unsigned row, struct vt_cell *out);
void vt_scroll_view(struct vt *vt, int lines); /* positive: back */
/* Less than two screens of history are unused, and it may grow: by @n lines (at most VT_MAX_LINES
 * in all; returns how many were taken). */
bool vt_wants_lines(const struct vt *vt);
unsigned vt_grow(struct vt *vt, struct vt_cell *const *lines, unsigned n);
/* Columns that a character takes: 0 (combining, control), 1, 2. */
unsigned vt_char_width(uint32_t ch);
