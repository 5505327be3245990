/*
 * vt.c - the terminal emulator: what a Linux console does with VT100, VT220 and xterm sequences
 * (TERM=linux, xterm mostly works).
 *
 * Theory. A byte goes through one state machine. In the ground state UTF-8 is collected into
 * characters; ESC leads to one-letter commands and to CSI, whose parameters are collected and then
 * dispatched by the final byte. Strings (OSC, DCS and the like) are skipped to their end and never
 * stored. C0 controls act in every state but in strings.
 *
 * Invariants, whatever comes in: 1. the cursor lies on the screen; 2. margin_top < margin_bottom <
 * rows; 3. at most VT_PARAMS parameters, each at most 9999; 4. a reply that does not fit is dropped
 * whole; 5. a halved wide character does not exist (vt_screen.c). wrap_pending: a character in the
 * last column leaves the cursor there; the next one wraps. Colours: the 16 and 256 of xterm as they
 * are, true colours as the nearest of the 256. Spec: ECMA-48; DEC VT510 manual; console_codes(4);
 * xterm ctlseqs. Does not: soft fonts, mouse, sixels, resize.
 */
#include "vt_screen.h"
#include <printf.h>
#include <string.h>

enum { GROUND, ESCAPE, ESCAPE_SKIP, CHARSET, CSI, CSI_SKIP, STRING, STRING_ESCAPE, OSC_START };
enum { ESC = 0x1b, PARAM_MAX = 9999, REPLACEMENT = 0xfffd };

static const struct vt_pen default_pen = {.fg = 7, .bg = 0};

/* DEC special graphics, 0x5f to 0x7e: line drawing and some signs. */
static const uint16_t graphics[32] = {0x20, 0x25c6, 0x2592, 0x2409, 0x240c, 0x240d, 0x240a, 0xb0,
	0xb1, 0x2424, 0x240b, 0x2518, 0x2510, 0x250c, 0x2514, 0x253c, 0x23ba, 0x23bb, 0x2500,
	0x23bc, 0x23bd, 0x251c, 0x2524, 0x2534, 0x252c, 0x2502, 0x2264, 0x2265, 0x3c0, 0x2260, 0xa3,
	0xb7};

/* ---- cursor ---- */

static void move_to(struct vt *vt, unsigned row, unsigned col)
{
	vt->at.row = (uint16_t)MIN(row, vt->rows - 1u);
	vt->at.col = (uint16_t)MIN(col, vt->cols - 1u);
	vt->at.wrap_pending = false;
}

/* To a place as programs count: from 0, from the upper margin in origin mode. */
static void address(struct vt *vt, unsigned row, unsigned col)
{
	if (vt->at.origin)
		row = MIN(vt->margin_top + row, (unsigned)vt->margin_bottom);
	move_to(vt, row, col);
}

static void move_up(struct vt *vt, unsigned n)
{
	unsigned stop = vt->at.row >= vt->margin_top ? vt->margin_top : 0;

	move_to(vt, vt->at.row - MIN(n, vt->at.row - stop), vt->at.col);
}

static void move_down(struct vt *vt, unsigned n)
{
	unsigned stop = vt->at.row <= vt->margin_bottom ? vt->margin_bottom : vt->rows - 1u;

	move_to(vt, vt->at.row + MIN(n, stop - vt->at.row), vt->at.col);
}

static void tab_forward(struct vt *vt, unsigned n)
{
	unsigned col = vt->at.col;

	for (; n && col + 1u < vt->cols; n--)
		do
			col++;
		while (col + 1u < vt->cols && !(vt->tabs[col / 8] >> col % 8 & 1));
	move_to(vt, vt->at.row, col);
}

static void tab_back(struct vt *vt, unsigned n)
{
	unsigned col = vt->at.col;

	for (; n && col; n--)
		do
			col--;
		while (col && !(vt->tabs[col / 8] >> col % 8 & 1));
	move_to(vt, vt->at.row, col);
}

static void save_cursor(struct vt *vt)
{
	vt->saved[vt->is_alt] = vt->at;
}

static void restore_cursor(struct vt *vt)
{
	vt->at = vt->saved[vt->is_alt];
}

/* ---- resetting and screens ---- */

static void default_tabs(struct vt *vt)
{
	memset(vt->tabs, 1, sizeof(vt->tabs)); /* bit 0 of each byte: every eighth column */
}

static void soft_reset(struct vt *vt)
{
	vt->margin_top = 0;
	vt->margin_bottom = (uint16_t)(vt->rows - 1);
	vt->wrap = vt->cursor_shown = true;
	vt->insert = vt->newline = vt->app_cursor = vt->app_keypad = vt->reverse =
		vt->bracketed_paste = false;
	vt->at.pen = default_pen;
	vt->at.origin = vt->at.wrap_pending = false;
	vt->saved[0] = vt->saved[1] = (struct vt_cursor){.pen = default_pen};
}

static void clear_rows(struct vt *vt, unsigned from, unsigned to)
{
	for (; from < to; from++)
		vt_fill(vt, from, 0, vt->cols, ' ');
}

static void full_reset(struct vt *vt)
{
	vt->is_alt = vt->has_wide = false;
	vt->utf8 = true;
	vt->state = GROUND;
	vt->code_need = 0;
	vt->last = 0;
	soft_reset(vt);
	default_tabs(vt);
	move_to(vt, 0, 0);
	clear_rows(vt, 0, vt->rows);
}

void vt_init(struct vt *vt, unsigned cols, unsigned rows, struct vt_cell *const *lines)
{
	unsigned i;

	memset(vt, 0, sizeof(*vt));
	vt->cols = (uint16_t)cols;
	vt->rows = vt->total = (uint16_t)rows;
	for (i = 0; i < rows; i++) {
		vt->lines[i] = lines[i];
		vt->alt[i] = lines[rows + i];
	}
	vt->at.pen = default_pen;
	vt->is_alt = true;
	clear_rows(vt, 0, rows);
	full_reset(vt);
}

static void use_screen(struct vt *vt, bool alt)
{
	if (vt->is_alt == alt)
		return;
	vt->is_alt = alt;
	vt->view = 0;
	if (alt)
		clear_rows(vt, 0, vt->rows);
}

/* ---- erasing ---- */

static void erase_display(struct vt *vt, unsigned what)
{
	unsigned row = vt->at.row, col = vt->at.col;

	if (what == 0) {
		vt_fill(vt, row, col, vt->cols, ' ');
		clear_rows(vt, row + 1, vt->rows);
	} else if (what == 1) {
		clear_rows(vt, 0, row);
		vt_fill(vt, row, 0, col + 1, ' ');
	} else if (what == 2) {
		clear_rows(vt, 0, vt->rows);
	} else if (what == 3) {
		clear_rows(vt, 0, vt->rows);
		vt->history = vt->view = 0;
	}
	vt->at.wrap_pending = false;
}

static void erase_line(struct vt *vt, unsigned what)
{
	unsigned from = what == 0 ? vt->at.col : 0, to = what == 1 ? vt->at.col + 1u : vt->cols;

	if (what <= 2)
		vt_fill(vt, vt->at.row, from, to, ' ');
	vt->at.wrap_pending = false;
}

static void insert_lines(struct vt *vt, unsigned n, bool insert)
{
	if (vt->at.row < vt->margin_top || vt->at.row > vt->margin_bottom)
		return;
	if (insert)
		vt_scroll_down(vt, vt->at.row, vt->margin_bottom, n);
	else
		vt_scroll_up(vt, vt->at.row, vt->margin_bottom, n);
	move_to(vt, vt->at.row, 0);
}

/* ---- colours and attributes ---- */

static uint8_t nearest_colour(unsigned r, unsigned g, unsigned b)
{
	static const uint8_t step[] = {
		48, 115, 155, 195, 235}; /* halfway between the levels of the cube */
	unsigned v[3] = {MIN(r, 255u), MIN(g, 255u), MIN(b, 255u)}, cube = 0, i, k;

	if (v[0] == v[1] && v[1] == v[2] && v[0] >= 4 && v[0] <= 246)
		return (uint8_t)(232 + MIN((v[0] - 3) / 10, 23u));
	for (i = 0; i < 3; i++) {
		for (k = 0; k < ARRAY_SIZE(step) && v[i] >= step[k];)
			k++;
		cube = cube * 6 + k;
	}
	return (uint8_t)(16 + cube);
}

/*
 * 38 or 48 at parameter @i: ";5;N", ";2;R;G;B", or the same with colons, where a colour space may
 * come before R. Sets *@colour and returns the last parameter used.
 */
static unsigned extended_colour(const struct vt *vt, unsigned i, uint8_t *colour)
{
	unsigned kind = i + 1 < vt->nparams ? vt->params[i + 1] : 0, last = i + 1, at;

	if (vt->joined >> (i + 1) & 1)
		while (last + 1 < vt->nparams && vt->joined >> (last + 1) & 1)
			last++;
	else
		last = i + (kind == 2 ? 4 : kind == 5 ? 2 : 1);
	if (last >= vt->nparams || last < i + (kind == 2 ? 4 : 2))
		return MIN(last, (unsigned)vt->nparams);
	at = kind == 2 ? last - 2 : last; /* the colour stands at the end */
	if (kind == 5)
		*colour = (uint8_t)MIN(vt->params[at], 255);
	else if (kind == 2)
		*colour = nearest_colour(vt->params[at], vt->params[at + 1], vt->params[at + 2]);
	return last;
}

static void attribute(struct vt_pen *pen, unsigned p)
{
	static const uint8_t set[] = {0, VT_BOLD, VT_DIM, VT_ITALIC, VT_UNDERLINE, VT_BLINK,
		VT_BLINK, VT_REVERSE, VT_HIDDEN, VT_STRIKE};
	static const uint8_t clear[] = {0, 0, VT_BOLD | VT_DIM, VT_ITALIC, VT_UNDERLINE, VT_BLINK,
		0, VT_REVERSE, VT_HIDDEN, VT_STRIKE};

	if (p == 0)
		pen->attr = 0, pen->fg = default_pen.fg, pen->bg = default_pen.bg;
	else if (p < 10)
		pen->attr |= set[p];
	else if (p == 21)
		pen->attr |= VT_UNDERLINE;
	else if (p >= 22 && p < 30)
		pen->attr &= (uint8_t)~clear[p - 20];
	else if (p >= 30 && p < 38)
		pen->fg = (uint8_t)(p - 30);
	else if (p == 39)
		pen->fg = default_pen.fg;
	else if (p >= 40 && p < 48)
		pen->bg = (uint8_t)(p - 40);
	else if (p == 49)
		pen->bg = default_pen.bg;
	else if (p >= 90 && p < 98)
		pen->fg = (uint8_t)(p - 90 + 8);
	else if (p >= 100 && p < 108)
		pen->bg = (uint8_t)(p - 100 + 8);
}

static void attributes(struct vt *vt)
{
	unsigned i;

	for (i = 0; i < vt->nparams; i++) {
		if (vt->params[i] == 38)
			i = extended_colour(vt, i, &vt->at.pen.fg);
		else if (vt->params[i] == 48)
			i = extended_colour(vt, i, &vt->at.pen.bg);
		else if (vt->params[i] == 4 && i + 1 < vt->nparams && vt->joined >> (i + 1) & 1)
			attribute(&vt->at.pen,
				vt->params[++i] ? 4
						: 24); /* 4:3 and the like: kinds of underlines */
		else
			attribute(&vt->at.pen, vt->params[i]);
	}
}

/* ---- modes and replies ---- */

static void __printf(2, 3) reply(struct vt *vt, const char *fmt, ...)
{
	char text[40];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = strlen(text);
	if (vt->reply_len + n > sizeof(vt->reply))
		return;
	memcpy(vt->reply + vt->reply_len, text, n);
	vt->reply_len = (uint8_t)(vt->reply_len + n);
}

/* The flag behind a mode that is nothing but a flag. */
static bool *mode_flag(struct vt *vt, unsigned mode)
{
	if (vt->prefix == '?')
		return mode == 1      ? &vt->app_cursor
		       : mode == 5    ? &vt->reverse
		       : mode == 25   ? &vt->cursor_shown
		       : mode == 66   ? &vt->app_keypad
		       : mode == 2004 ? &vt->bracketed_paste
		       : mode == 7    ? &vt->wrap
		       : mode == 6    ? &vt->at.origin
				      : NULL;
	return vt->prefix ? NULL : mode == 4 ? &vt->insert : mode == 20 ? &vt->newline : NULL;
}

static void alternate(struct vt *vt, unsigned mode, bool on)
{
	if (mode == 1049 && on && !vt->is_alt)
		save_cursor(vt);
	if (mode == 1048 && on)
		save_cursor(vt);
	if (mode != 1048)
		use_screen(vt, on);
	if ((mode == 1049 || mode == 1048) && !on)
		restore_cursor(vt);
}

static void set_mode(struct vt *vt, unsigned mode, bool on)
{
	bool *flag = mode_flag(vt, mode);

	if (flag)
		*flag = on;
	if (vt->prefix != '?')
		return;
	if (mode == 6)
		address(vt, 0, 0);
	else if (mode == 7)
		vt->at.wrap_pending = false;
	else if (mode == 47 || (mode >= 1047 && mode <= 1049))
		alternate(vt, mode, on);
}

static void set_modes(struct vt *vt, bool on)
{
	unsigned i;

	for (i = 0; i < vt->nparams; i++)
		set_mode(vt, vt->params[i], on);
}

static void report_mode(struct vt *vt, unsigned mode)
{
	bool *flag = mode_flag(vt, mode);
	bool alt = vt->prefix == '?' && (mode == 47 || mode == 1047 || mode == 1049);

	reply(vt, "\033[%s%u;%d$y", vt->prefix == '?' ? "?" : "", mode,
		flag  ? 2 - *flag
		: alt ? 2 - vt->is_alt
		      : 0);
}

static void report_status(struct vt *vt, unsigned what)
{
	unsigned row = vt->at.row -
		       (vt->at.origin && vt->at.row >= vt->margin_top ? vt->margin_top : 0u);

	if (what == 5 && !vt->prefix)
		reply(vt, "\033[0n");
	else if (what == 6 && vt->prefix != '>')
		reply(vt, "\033[%s%u;%uR", vt->prefix ? "?" : "", row + 1, vt->at.col + 1u);
}

static void set_margins(struct vt *vt, unsigned top, unsigned bottom)
{
	if (bottom == 0 || bottom > vt->rows)
		bottom = vt->rows;
	if (top == 0)
		top = 1;
	if (top >= bottom)
		return;
	vt->margin_top = (uint16_t)(top - 1);
	vt->margin_bottom = (uint16_t)(bottom - 1);
	address(vt, 0, 0);
}

/* ---- CSI ---- */

/* Parameter @i; absent or 0: @otherwise. */
static unsigned param(const struct vt *vt, unsigned i, unsigned otherwise)
{
	return i < vt->nparams && vt->params[i] ? vt->params[i] : otherwise;
}

/* Movements. False: not one of them. */
static bool csi_move(struct vt *vt, uint8_t c)
{
	unsigned n = param(vt, 0, 1);

	switch (c) {
	case 'A':
		move_up(vt, n);
		break;
	case 'B':
	case 'e':
		move_down(vt, n);
		break;
	case 'C':
	case 'a':
		move_to(vt, vt->at.row, vt->at.col + n);
		break;
	case 'D':
		move_to(vt, vt->at.row, vt->at.col - MIN(n, (unsigned)vt->at.col));
		break;
	case 'E':
		move_down(vt, n);
		move_to(vt, vt->at.row, 0);
		break;
	case 'F':
		move_up(vt, n);
		move_to(vt, vt->at.row, 0);
		break;
	case 'G':
	case '`':
		move_to(vt, vt->at.row, n - 1);
		break;
	case 'H':
	case 'f':
		address(vt, n - 1, param(vt, 1, 1) - 1);
		break;
	case 'I':
		tab_forward(vt, n);
		break;
	case 'Z':
		tab_back(vt, n);
		break;
	case 'd':
		address(vt, n - 1, vt->at.col);
		break;
	case 's':
		save_cursor(vt);
		break;
	case 'u':
		restore_cursor(vt);
		break;
	default:
		return false;
	}
	return true;
}

static void repeat(struct vt *vt, unsigned n)
{
	for (n = MIN(n, (unsigned)vt->cols * vt->rows); n && vt->last; n--)
		vt_put(vt, vt->last);
}

static void clear_tabs(struct vt *vt, unsigned what)
{
	if (what == 0)
		vt->tabs[vt->at.col / 8] &= (uint8_t) ~(1u << vt->at.col % 8);
	else if (what == 3)
		memset(vt->tabs, 0, sizeof(vt->tabs));
}

static bool csi_edit(struct vt *vt, uint8_t c)
{
	unsigned n = param(vt, 0, 1);

	switch (c) {
	case '@':
		vt_insert_cells(vt, n);
		break;
	case 'J':
		erase_display(vt, param(vt, 0, 0));
		break;
	case 'K':
		erase_line(vt, param(vt, 0, 0));
		break;
	case 'L':
		insert_lines(vt, n, true);
		break;
	case 'M':
		insert_lines(vt, n, false);
		break;
	case 'P':
		vt_delete_cells(vt, n);
		break;
	case 'S':
		vt_scroll_up(vt, vt->margin_top, vt->margin_bottom, n);
		break;
	case 'T':
		vt_scroll_down(vt, vt->margin_top, vt->margin_bottom, n);
		break;
	case 'X':
		vt_fill(vt, vt->at.row, vt->at.col, MIN(vt->at.col + n, (unsigned)vt->cols), ' ');
		break;
	case 'b':
		repeat(vt, n);
		break;
	case 'g':
		clear_tabs(vt, param(vt, 0, 0));
		break;
	default:
		return false;
	}
	if (c == '@' || c == 'P' || c == 'X')
		vt->at.wrap_pending = false;
	return true;
}

static void csi_rest(struct vt *vt, uint8_t c)
{
	switch (c) {
	case 'c':
		if (vt->prefix == '>')
			reply(vt, "\033[>0;0;0c");
		else if (!vt->prefix && !param(vt, 0, 0))
			reply(vt, "\033[?6c"); /* a VT102 */
		break;
	case 'h':
		set_modes(vt, true);
		break;
	case 'l':
		set_modes(vt, false);
		break;
	case 'n':
		report_status(vt, param(vt, 0, 0));
		break;
	case 'm':
		if (!vt->prefix)
			attributes(vt);
		break;
	case 'r':
		if (!vt->prefix)
			set_margins(vt, param(vt, 0, 0), param(vt, 1, 0));
		break;
	default:
		break;
	}
}

static void csi_end(struct vt *vt, uint8_t c)
{
	vt->state = GROUND;
	if (vt->nparams < VT_PARAMS)
		vt->nparams++; /* the last one, perhaps empty */
	if (vt->intermediate) {
		if (vt->intermediate == '!' && c == 'p')
			soft_reset(vt);
		else if (vt->intermediate == '$' && c == 'p')
			report_mode(vt, param(vt, 0, 0));
		return;
	}
	/* DECSED and DECSEL erase like ED and EL: nothing here is protected. */
	if (vt->prefix && !(vt->prefix == '?' && (c == 'J' || c == 'K')))
		csi_rest(vt, c);
	else if (!csi_move(vt, c) && !csi_edit(vt, c))
		csi_rest(vt, c);
}

static void csi_start(struct vt *vt)
{
	vt->state = CSI;
	vt->prefix = vt->intermediate = vt->nparams = 0;
	vt->joined = 0;
	memset(vt->params, 0, sizeof(vt->params));
}

static void csi_byte(struct vt *vt, uint8_t c)
{
	if (c >= 0x40 && c <= 0x7e) {
		if (vt->state == CSI)
			csi_end(vt, c);
		vt->state = GROUND;
	} else if (vt->state == CSI_SKIP) {
		return;
	} else if (c >= '0' && c <= '9' && !vt->intermediate) {
		unsigned v;

		if (vt->nparams == VT_PARAMS)
			return; /* too many: the first ones count */
		v = vt->params[vt->nparams] * 10u + (c - '0');
		vt->params[vt->nparams] = (uint16_t)MIN(v, (unsigned)PARAM_MAX);
	} else if ((c == ';' || c == ':') && !vt->intermediate) {
		if (vt->nparams < VT_PARAMS && ++vt->nparams < VT_PARAMS && c == ':')
			vt->joined |= 1u << vt->nparams;
	} else if (c >= '<' && c <= '?' && !vt->nparams && !vt->params[0] && !vt->prefix &&
		   !vt->intermediate) {
		vt->prefix = c;
	} else if (c >= 0x20 && c <= 0x2f && !vt->intermediate) {
		vt->intermediate = c;
	} else {
		vt->state = CSI_SKIP;
	}
}

/* ---- ESC ---- */

static void escape_byte(struct vt *vt, uint8_t c)
{
	vt->state = GROUND;
	switch (c) {
	case '[':
		csi_start(vt);
		break;
	case ']':
		vt->state = OSC_START;
		break;
	case 'P':
	case 'X':
	case '^':
	case '_':
		vt->state = STRING;
		break;
	case '(':
	case ')':
	case '%':
	case '#':
		vt->state = CHARSET;
		vt->intermediate = c;
		break;
	case '7':
		save_cursor(vt);
		break;
	case '8':
		restore_cursor(vt);
		break;
	case 'D':
		vt_line_feed(vt);
		break;
	case 'E':
		vt_line_feed(vt);
		move_to(vt, vt->at.row, 0);
		break;
	case 'M':
		vt_reverse_line_feed(vt);
		vt->at.wrap_pending = false;
		break;
	case 'H':
		vt->tabs[vt->at.col / 8] |= (uint8_t)(1u << vt->at.col % 8);
		break;
	case 'Z':
		reply(vt, "\033[?6c");
		break;
	case 'c':
		full_reset(vt);
		break;
	case '=':
		vt->app_keypad = true;
		break;
	case '>':
		vt->app_keypad = false;
		break;
	default:
		if (c >= 0x20 && c <= 0x2f)
			vt->state = ESCAPE_SKIP;
	}
}

static void alignment_test(struct vt *vt)
{
	unsigned row;

	for (row = 0; row < vt->rows; row++)
		vt_fill(vt, row, 0, vt->cols, 'E');
	vt->margin_top = 0;
	vt->margin_bottom = (uint16_t)(vt->rows - 1);
	move_to(vt, 0, 0);
}

static void charset_byte(struct vt *vt, uint8_t c)
{
	vt->state = c >= 0x20 && c <= 0x2f ? ESCAPE_SKIP : GROUND;
	if (vt->intermediate == '#' && c == '8')
		alignment_test(vt);
	else if (vt->intermediate == '%' && (c == 'G' || c == '8' || c == '@'))
		vt->utf8 = c != '@';
	else if (vt->intermediate == '(' || vt->intermediate == ')')
		vt->at.pen.charset[vt->intermediate == ')'] = c;
}

/* Linux's palette strings have no end mark: ]P and seven hexadecimal digits, ]R alone. */
static void osc_start_byte(struct vt *vt, uint8_t c)
{
	vt->state = STRING;
	vt->swallow = 0;
	if (c == 'R')
		vt->state = GROUND;
	else if (c == 'P')
		vt->swallow = 7;
	else if (c == ESC)
		vt->state = STRING_ESCAPE;
	else if (c == '\a')
		vt->state = GROUND;
}

static void string_byte(struct vt *vt, uint8_t c)
{
	if (c == ESC)
		vt->state = STRING_ESCAPE;
	else if (vt->state == STRING_ESCAPE && c != '\\')
		escape_byte(vt, c); /* the string was broken off */
	else if (c == '\a' || vt->state == STRING_ESCAPE || (vt->swallow && !--vt->swallow))
		vt->state = GROUND;
}

/* ---- characters ---- */

static void show(struct vt *vt, uint32_t ch)
{
	if (ch >= 0x5f && ch <= 0x7e && vt->at.pen.charset[vt->at.pen.shift] == '0')
		ch = graphics[ch - 0x5f];
	vt_put(vt, ch);
}

static void control(struct vt *vt, uint8_t c)
{
	switch (c) {
	case '\b':
		move_to(vt, vt->at.row, vt->at.col ? vt->at.col - 1u : 0);
		break;
	case '\t':
		tab_forward(vt, 1);
		break;
	case '\n':
	case '\v':
	case '\f':
		vt_line_feed(vt);
		if (vt->newline)
			vt->at.col = 0;
		vt->at.wrap_pending = false;
		break;
	case '\r':
		move_to(vt, vt->at.row, 0);
		break;
	case 0x0e:
		vt->at.pen.shift = 1;
		break;
	case 0x0f:
		vt->at.pen.shift = 0;
		break;
	case 0x18:
	case 0x1a:
		vt->state = GROUND;
		break;
	case ESC:
		vt->state = ESCAPE;
		break;
	default:
		break;
	}
}

/* A byte of 0x80 and above, or what follows one, in the ground state. False: @c is not part of the
 * character and comes next. */
static bool utf8_byte(struct vt *vt, uint8_t c)
{
	if (vt->code_need) {
		if ((c & 0xc0) != 0x80) {
			vt->code_need = 0;
			show(vt, REPLACEMENT);
			return false;
		}
		vt->code = vt->code << 6 | (c & 0x3f);
		if (--vt->code_need)
			return true;
		if (vt->code < vt->code_min || vt->code > 0x10ffff ||
			(vt->code >= 0xd800 && vt->code < 0xe000))
			vt->code = REPLACEMENT;
		show(vt, vt->code);
		return true;
	}
	if (c >= 0xc2 && c < 0xe0)
		vt->code_need = 1, vt->code = c & 0x1f, vt->code_min = 0x80;
	else if (c >= 0xe0 && c < 0xf0)
		vt->code_need = 2, vt->code = c & 0x0f, vt->code_min = 0x800;
	else if (c >= 0xf0 && c < 0xf5)
		vt->code_need = 3, vt->code = c & 0x07, vt->code_min = 0x10000;
	else
		show(vt, REPLACEMENT);
	return true;
}

static void byte(struct vt *vt, uint8_t c)
{
	if (vt->state == GROUND && (vt->code_need || (c >= 0x80 && vt->utf8)) && utf8_byte(vt, c))
		return;
	if (vt->state == OSC_START) {
		osc_start_byte(vt, c);
	} else if ((vt->state == STRING || vt->state == STRING_ESCAPE) && c != 0x18 && c != 0x1a) {
		string_byte(vt, c);
	} else if (c < 0x20) {
		control(vt, c);
	} else if (c == 0x7f) {
		return;
	} else if (vt->state == GROUND) {
		show(vt, c);
	} else if (vt->state == ESCAPE) {
		escape_byte(vt, c);
	} else if (vt->state == CHARSET) {
		charset_byte(vt, c);
	} else if (vt->state == ESCAPE_SKIP) {
		if (c >= 0x30)
			vt->state = GROUND;
	} else {
		csi_byte(vt, c);
	}
}

/* The common case: a run of ASCII within a line of a screen without wide characters. Returns how
 * many bytes it was. */
static size_t plain_run(struct vt *vt, const uint8_t *s, size_t n)
{
	struct vt_cell *to = vt_line(vt, vt->at.row) + vt->at.col,
		       cell = {0, vt->at.pen.fg, vt->at.pen.bg, vt->at.pen.attr, VT_WHOLE};
	size_t room = vt->cols - 1u - vt->at.col, i;

	if (vt->state != GROUND || vt->code_need || vt->at.wrap_pending || vt->insert ||
		vt->has_wide || vt->at.pen.charset[vt->at.pen.shift] == '0')
		return 0;
	n = MIN(n, room);
	for (i = 0; i < n && s[i] >= 0x20 && s[i] < 0x7f; i++) {
		cell.ch = s[i];
		to[i] = cell;
	}
	vt->at.col = (uint16_t)(vt->at.col + i);
	if (i)
		vt->last = cell.ch;
	return i;
}

void vt_write(struct vt *vt, const uint8_t *s, size_t n)
{
	size_t i = 0;

	while (i < n) {
		i += plain_run(vt, s + i, n - i);
		if (i < n)
			byte(vt, s[i++]);
	}
	vt->changed = true;
}

void vt_write_log(struct vt *vt, const char *s, size_t n)
{
	struct vt_pen pen = vt->at.pen;
	bool insert = vt->insert, wrap = vt->wrap;
	size_t i;

	vt->at.pen = default_pen;
	vt->insert = false;
	vt->wrap = true;
	for (i = 0; i < n; i++) {
		uint8_t c = (uint8_t)s[i];

		if (c == '\n') {
			vt_line_feed(vt);
			move_to(vt, vt->at.row, 0);
		} else {
			vt_put(vt, c >= 0x20 && c < 0x7f ? c : '?');
		}
	}
	vt->at.pen = pen;
	vt->insert = insert;
	vt->wrap = wrap;
	vt->changed = true;
}
