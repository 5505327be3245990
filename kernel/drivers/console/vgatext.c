/*
 * vgatext.c - characters in VGA text memory, where the loader says that the machine is in such a
 * mode.
 *
 * The card's font is code page 437; what it lacks is shown as a block. The hardware's cursor is
 * turned off: vt_view_row() draws one.
 */
#include "display.h"
#include <arch/boot.h>
#include <arch/io.h>
#include <arch/mmu.h>
#include <log.h>
#include <slab.h>
#include <string.h>

enum {
	CRTC_INDEX = 0x3d4,
	CRTC_DATA = 0x3d5,
	CRTC_CURSOR_START = 0x0a,
	CURSOR_OFF = 0x20,
	SOLID = 0xfe
};

static struct display screen;
static uint8_t *memory;
static uint16_t *shadow;

/* Code page 437 from 0x80 on. */
static const uint16_t upper[128] = {
	0xc7,
	0xfc,
	0xe9,
	0xe2,
	0xe4,
	0xe0,
	0xe5,
	0xe7,
	0xea,
	0xeb,
	0xe8,
	0xef,
	0xee,
	0xec,
	0xc4,
	0xc5,
	0xc9,
	0xe6,
	0xc6,
	0xf4,
	0xf6,
	0xf2,
	0xfb,
	0xf9,
	0xff,
	0xd6,
	0xdc,
	0xa2,
	0xa3,
	0xa5,
	0x20a7,
	0x192,
	0xe1,
	0xed,
	0xf3,
	0xfa,
	0xf1,
	0xd1,
	0xaa,
	0xba,
	0xbf,
	0x2310,
	0xac,
	0xbd,
	0xbc,
	0xa1,
	0xab,
	0xbb,
	0x2591,
	0x2592,
	0x2593,
	0x2502,
	0x2524,
	0x2561,
	0x2562,
	0x2556,
	0x2555,
	0x2563,
	0x2551,
	0x2557,
	0x255d,
	0x255c,
	0x255b,
	0x2510,
	0x2514,
	0x2534,
	0x252c,
	0x251c,
	0x2500,
	0x253c,
	0x255e,
	0x255f,
	0x255a,
	0x2554,
	0x2569,
	0x2566,
	0x2560,
	0x2550,
	0x256c,
	0x2567,
	0x2568,
	0x2564,
	0x2565,
	0x2559,
	0x2558,
	0x2552,
	0x2553,
	0x256b,
	0x256a,
	0x2518,
	0x250c,
	0x2588,
	0x2584,
	0x258c,
	0x2590,
	0x2580,
	0x3b1,
	0xdf,
	0x393,
	0x3c0,
	0x3a3,
	0x3c3,
	0xb5,
	0x3c4,
	0x3a6,
	0x398,
	0x3a9,
	0x3b4,
	0x221e,
	0x3c6,
	0x3b5,
	0x2229,
	0x2261,
	0xb1,
	0x2265,
	0x2264,
	0x2320,
	0x2321,
	0xf7,
	0x2248,
	0xb0,
	0x2219,
	0xb7,
	0x221a,
	0x207f,
	0xb2,
	0x25a0,
	0xa0,
};

static uint8_t code_of(uint32_t ch)
{
	unsigned i;

	if (ch >= 0x20 && ch < 0x7f)
		return (uint8_t)ch;
	for (i = 0; i < ARRAY_SIZE(upper); i++)
		if (upper[i] == ch)
			return (uint8_t)(0x80 + i);
	return SOLID;
}

/* xterm's colour as one of the card's: its blue is bit 0 and its red bit 2. */
static uint8_t colour_of(uint8_t c)
{
	unsigned r, g, b, top;

	if (c < 16)
		return (uint8_t)((c & 0xa) | (c & 1) << 2 | (c >> 2 & 1));
	if (c >= 232)
		return c < 238 ? 0 : c < 244 ? 8 : c < 250 ? 7 : 15;
	r = (c - 16u) / 36;
	g = (c - 16u) / 6 % 6;
	b = (c - 16u) % 6;
	top = MAX(r, g);
	top = MAX(top, b);
	if (!top)
		return 0;
	return (uint8_t)((r * 2 > top ? 4 : 0) | (g * 2 > top ? 2 : 0) | (b * 2 > top ? 1 : 0) |
			 (top > 3 ? 8 : 0));
}

static void text_draw(unsigned row, const struct vt_cell *cells)
{
	unsigned col;

	for (col = 0; col < screen.cols; col++) {
		size_t at = (size_t)row * screen.cols + col;
		struct shade s = cell_shade(&cells[col]);
		uint8_t code = cells[col].part == VT_RIGHT_HALF ? ' ' : code_of(cells[col].ch);
		uint16_t word = (uint16_t)(code | colour_of(s.fg) << 8 |
					   (colour_of(s.bg) & 7) << 12); /* bit 15 would blink */

		if (shadow[at] == word)
			continue;
		shadow[at] = word;
		mmio_write16(memory + at * 2, word);
	}
}

static void text_forget(void)
{
	memset(shadow, 0, (size_t)screen.cols * screen.rows * sizeof(*shadow));
}

const struct display *vgatext_init(void)
{
	const struct boot_framebuffer *fb = &boot_info.fb;
	size_t cells = (size_t)fb->width * fb->height;

	if (!fb->addr || !fb->is_text || fb->width < 40 || fb->width > VT_MAX_COLS ||
		fb->height < 10 || fb->height > VT_MAX_ROWS)
		return NULL;
	shadow = kcalloc(cells, sizeof(*shadow));
	memory = shadow ? ioremap(fb->addr, cells * 2, MMU_UNCACHED) : NULL;
	if (!memory) {
		kfree(shadow);
		return NULL;
	}
	screen = (struct display){
		.cols = fb->width, .rows = fb->height, .draw = text_draw, .forget = text_forget};
	outb(CRTC_INDEX, CRTC_CURSOR_START);
	outb(CRTC_DATA, CURSOR_OFF);
	log_info("screen: VGA text, %ux%u characters", screen.cols, screen.rows);
	return &screen;
}
