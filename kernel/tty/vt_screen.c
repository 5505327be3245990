/*
 * vt_screen.c - the grid of the terminal emulator: lines, scrolling, history, characters of two
 * columns.
 *
 * A line is moved by moving its pointer. The main screen lies in a ring with the history before it,
 * so that scrolling the whole screen is one step of `top` and one cleared line. A character of two
 * columns never stays halved: heal() blanks both of its cells before an edit that begins or ends
 * between them.
 */
#include "vt_screen.h"
#include <string.h>

static struct vt_cell **slot(struct vt *vt, unsigned row)
{
	unsigned i = vt->top + row;

	if (vt->is_alt)
		return &vt->alt[row];
	return &vt->lines[i >= vt->total ? i - vt->total : i];
}

struct vt_cell *vt_line(const struct vt *vt, unsigned row)
{
	unsigned i = vt->top + row;

	return vt->is_alt ? vt->alt[row] : vt->lines[i >= vt->total ? i - vt->total : i];
}

/* An erased cell keeps the colour of the background, as bce of terminfo promises. */
static struct vt_cell blank(const struct vt *vt, uint32_t ch)
{
	return (struct vt_cell){.ch = ch, .fg = vt->at.pen.fg, .bg = vt->at.pen.bg};
}

static void clear_line(struct vt *vt, struct vt_cell *line)
{
	struct vt_cell b = blank(vt, ' ');
	unsigned i;

	for (i = 0; i < vt->cols; i++)
		line[i] = b;
}

/* No character of two columns lies across the left edge of column @col. */
static void heal(struct vt *vt, struct vt_cell *line, unsigned col)
{
	if (!vt->has_wide || col == 0 || col >= vt->cols || line[col].part != VT_RIGHT_HALF)
		return;
	line[col - 1].ch = line[col].ch = ' ';
	line[col - 1].part = line[col].part = VT_WHOLE;
}

void vt_fill(struct vt *vt, unsigned row, unsigned from, unsigned to, uint32_t ch)
{
	struct vt_cell *line = vt_line(vt, row), b = blank(vt, ch);

	heal(vt, line, from);
	heal(vt, line, to);
	for (; from < to; from++)
		line[from] = b;
}

/* ---- scrolling ---- */

/* The whole main screen moves up by a line; the first one becomes history. */
static void advance(struct vt *vt)
{
	vt->top = (uint16_t)(vt->top + 1 == vt->total ? 0 : vt->top + 1);
	if (vt->history < vt->total - vt->rows)
		vt->history++;
	if (vt->view && vt->view < vt->history)
		vt->view++; /* who looks back keeps seeing the same */
	clear_line(vt, vt_line(vt, vt->rows - 1u));
}

void vt_scroll_up(struct vt *vt, unsigned top, unsigned bottom, unsigned n)
{
	unsigned i;

	n = MIN(n, bottom - top + 1);
	for (; n; n--) {
		struct vt_cell *first;

		if (!vt->is_alt && top == 0 && bottom == vt->rows - 1u) {
			advance(vt);
			continue;
		}
		first = *slot(vt, top);
		for (i = top; i < bottom; i++)
			*slot(vt, i) = *slot(vt, i + 1);
		*slot(vt, bottom) = first;
		clear_line(vt, first);
	}
}

void vt_scroll_down(struct vt *vt, unsigned top, unsigned bottom, unsigned n)
{
	unsigned i;

	for (n = MIN(n, bottom - top + 1); n; n--) {
		struct vt_cell *last = *slot(vt, bottom);

		for (i = bottom; i > top; i--)
			*slot(vt, i) = *slot(vt, i - 1);
		*slot(vt, top) = last;
		clear_line(vt, last);
	}
}

void vt_line_feed(struct vt *vt)
{
	if (vt->at.row == vt->margin_bottom)
		vt_scroll_up(vt, vt->margin_top, vt->margin_bottom, 1);
	else if (vt->at.row + 1u < vt->rows)
		vt->at.row++;
}

void vt_reverse_line_feed(struct vt *vt)
{
	if (vt->at.row == vt->margin_top)
		vt_scroll_down(vt, vt->margin_top, vt->margin_bottom, 1);
	else if (vt->at.row)
		vt->at.row--;
}

/* ---- characters ---- */

void vt_insert_cells(struct vt *vt, unsigned n)
{
	struct vt_cell *line = vt_line(vt, vt->at.row);
	unsigned col = vt->at.col;

	n = MIN(n, vt->cols - col);
	heal(vt, line, col);
	heal(vt, line, vt->cols - n);
	memmove(line + col + n, line + col, (vt->cols - col - n) * sizeof(*line));
	vt_fill(vt, vt->at.row, col, col + n, ' ');
}

void vt_delete_cells(struct vt *vt, unsigned n)
{
	struct vt_cell *line = vt_line(vt, vt->at.row);
	unsigned col = vt->at.col;

	n = MIN(n, vt->cols - col);
	heal(vt, line, col);
	heal(vt, line, col + n);
	memmove(line + col, line + col + n, (vt->cols - col - n) * sizeof(*line));
	vt_fill(vt, vt->at.row, vt->cols - n, vt->cols, ' ');
}

static void wrap_now(struct vt *vt)
{
	vt->at.wrap_pending = false;
	vt->at.col = 0;
	vt_line_feed(vt);
}

void vt_put(struct vt *vt, uint32_t ch)
{
	unsigned width = ch < 0x300 ? 1 : vt_char_width(ch), col;
	struct vt_cell *line;

	if (!width)
		return; /* a cell has no place for combining characters */
	if (vt->at.wrap_pending)
		wrap_now(vt);
	if (vt->at.col + width > vt->cols) {
		if (vt->wrap)
			wrap_now(vt);
		else
			vt->at.col = (uint16_t)(vt->cols - width);
	}
	if (vt->insert)
		vt_insert_cells(vt, width);
	line = vt_line(vt, vt->at.row);
	col = vt->at.col;
	heal(vt, line, col);
	heal(vt, line, col + width);
	line[col] = (struct vt_cell){ch, vt->at.pen.fg, vt->at.pen.bg, vt->at.pen.attr, VT_WHOLE};
	if (width == 2) {
		vt->has_wide = true;
		line[col].part = VT_LEFT_HALF;
		line[col + 1] = line[col];
		line[col + 1].part = VT_RIGHT_HALF;
	}
	vt->last = ch;
	if (col + width < vt->cols) {
		vt->at.col = (uint16_t)(col + width);
	} else {
		vt->at.col = (uint16_t)(vt->cols - 1);
		vt->at.wrap_pending = vt->wrap;
	}
}

/* ---- history and viewing ---- */

bool vt_wants_lines(const struct vt *vt)
{
	return vt->total < VT_MAX_LINES && vt->total - vt->rows - vt->history < 2 * vt->rows;
}

static void reverse(struct vt_cell **a, unsigned n)
{
	unsigned i;

	for (i = 0; i < n / 2; i++) {
		struct vt_cell *t = a[i];

		a[i] = a[n - 1 - i];
		a[n - 1 - i] = t;
	}
}

/* Turn the ring so that the oldest line is at its start: then come the screen and the lines not
 * used yet, and behind them is the place. */
unsigned vt_grow(struct vt *vt, struct vt_cell *const *lines, unsigned n)
{
	unsigned oldest, i;

	n = MIN(n, VT_MAX_LINES - vt->total);
	oldest = (vt->top + vt->total - vt->history) % vt->total;
	reverse(vt->lines, oldest);
	reverse(vt->lines + oldest, vt->total - oldest);
	reverse(vt->lines, vt->total);
	vt->top = vt->history;
	for (i = 0; i < n; i++)
		vt->lines[vt->total + i] = lines[i];
	vt->total = (uint16_t)(vt->total + n);
	return n;
}

void vt_scroll_view(struct vt *vt, int lines)
{
	int view = vt->view + lines;

	if (vt->is_alt)
		view = 0;
	vt->view = (uint16_t)(view < 0 ? 0 : MIN(view, (int)vt->history));
	vt->changed = true;
}

void vt_view_row(const struct vt *vt, unsigned row, struct vt_cell *out)
{
	unsigned view = vt->is_alt ? 0 : vt->view, i;

	if (row < view)
		memcpy(out, vt->lines[(vt->top + vt->total - (view - row)) % vt->total],
			vt->cols * sizeof(*out));
	else
		memcpy(out, vt_line(vt, row - view), vt->cols * sizeof(*out));
	if (vt->reverse)
		for (i = 0; i < vt->cols; i++)
			out[i].attr ^= VT_REVERSE;
	if (vt->cursor_shown && row == vt->at.row + view)
		out[vt->at.col].attr ^= VT_REVERSE;
}
