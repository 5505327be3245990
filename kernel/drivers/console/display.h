/*
 * display.h - a screen of characters: framebuffer or VGA text. Private to this room.
 */
#pragma once
#include <vt.h>

struct display {
	unsigned cols, rows, xpixels, ypixels;
	/* Show @cells (cols of them) in @row. One caller at a time; any context. Cells that are
	 * shown already cost only a comparison. */
	void (*draw)(unsigned row, const struct vt_cell *cells);
	void (*forget)(void); /* someone else has drawn: nothing on the screen can be relied on */
};
/* Boot. NULL: there is no such screen, or no memory. */
const struct display *fbcon_init(void);
const struct display *vgatext_init(void);

#define FONT_WIDTH  8u
#define FONT_HEIGHT 16u
/* FONT_HEIGHT rows, leftmost point in the highest bit; a box for what the font lacks. */
const uint8_t *font_glyph(uint32_t ch);

/* What @cell's attributes come to. */
struct shade {
	uint8_t fg, bg;
};
static inline struct shade cell_shade(const struct vt_cell *cell)
{
	uint8_t fg = cell->fg, bg = cell->bg;

	if (cell->attr & VT_BOLD && fg < 8)
		fg += 8;
	if (cell->attr & VT_DIM && fg < 16)
		fg = 8;
	if (cell->attr & VT_HIDDEN)
		fg = bg;
	return cell->attr & VT_REVERSE ? (struct shade){bg, fg} : (struct shade){fg, bg};
}
