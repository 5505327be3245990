/*
 * fbcon.c - characters on the loader's linear framebuffer of 32 or 24 bits a pixel.
 *
 * A shadow in ordinary memory says what each place shows, so the framebuffer is never read and only
 * cells that differ are drawn; scrolling is just a screen whose cells differ. Two pixels of 32 bits
 * go into one store; 24 bits are for old cards, and slow. On wide screens each point of the font is
 * 2x2 pixels.
 */
#include "display.h"
#include <arch/boot.h>
#include <arch/io.h>
#include <arch/mmu.h>
#include <log.h>
#include <slab.h>
#include <string.h>

#define WIDE_PIXELS   2560u
#define UNDERLINE_ROW 14u
#define STRIKE_ROW    7u

static struct display screen;
static uint8_t *pixels;
static uint32_t pitch, scale, pixel_bytes, palette[256];
static struct vt_cell *shadow; /* ch 0: unknown */

static void make_palette(const struct boot_framebuffer *fb)
{
	static const uint8_t level[6] = {0, 95, 135, 175, 215, 255};
	/* red, green, blue of the first eight: the PC's text colours, as on any Linux console */
	static const uint8_t base[8][3] = {{0, 0, 0}, {170, 0, 0}, {0, 170, 0}, {170, 85, 0},
		{0, 0, 170}, {170, 0, 170}, {0, 170, 170}, {170, 170, 170}};
	unsigned i, k;

	for (i = 0; i < 256; i++) {
		uint32_t rgb[3];

		for (k = 0; k < 3; k++) {
			if (i < 16)
				rgb[k] = i < 8              ? base[i][k]
					 : i == 11 && k < 2 ? 255
							    : (base[i - 8][k] == 170 ? 255 : 85);
			else if (i < 232)
				rgb[k] = level[(i - 16) / (k == 0 ? 36 : k == 1 ? 6 : 1) % 6];
			else
				rgb[k] = 8 + 10 * (i - 232);
		}
		palette[i] = rgb[0] << fb->red_shift | rgb[1] << fb->green_shift |
			     rgb[2] << fb->blue_shift;
	}
}

static uint8_t row_bits(const struct vt_cell *c, const uint8_t *glyph, unsigned y)
{
	if ((c->attr & VT_UNDERLINE && y == UNDERLINE_ROW) ||
		(c->attr & VT_STRIKE && y == STRIKE_ROW))
		return 0xff;
	return glyph[y];
}

/* One row of a glyph, two pixels a store. */
static void put_row(uint8_t *to, uint8_t bits, const uint64_t pair[4])
{
	mmio_write64(to, pair[bits >> 6]);
	mmio_write64(to + 8, pair[bits >> 4 & 3]);
	mmio_write64(to + 16, pair[bits >> 2 & 3]);
	mmio_write64(to + 24, pair[bits & 3]);
}

static void put_row_doubled(uint8_t *to, uint8_t bits, const uint64_t pair[4])
{
	unsigned x;

	for (x = 0; x < FONT_WIDTH; x++, bits = (uint8_t)(bits << 1)) {
		uint64_t v = pair[bits & 0x80 ? 3 : 0];

		mmio_write64(to + 8 * x, v);
		mmio_write64(to + pitch + 8 * x, v);
	}
}

static void put_row_packed(uint8_t *to, uint8_t bits, const uint64_t pair[4])
{
	unsigned x;

	for (x = 0; x < FONT_WIDTH; x++, bits = (uint8_t)(bits << 1), to += 3) {
		uint32_t v = (uint32_t)pair[bits & 0x80 ? 3 : 0];

		mmio_write16(to, (uint16_t)v);
		mmio_write8(to + 2, (uint8_t)(v >> 16));
	}
}

static void draw_cell(unsigned row, unsigned col, const struct vt_cell *c)
{
	static const uint8_t empty[FONT_HEIGHT];
	const uint8_t *glyph = c->ch == ' ' || c->part == VT_RIGHT_HALF ? empty : font_glyph(c->ch);
	struct shade s = cell_shade(c);
	uint32_t fg = palette[s.fg], bg = palette[s.bg];
	const uint64_t pair[4] = {bg | (uint64_t)bg << 32, bg | (uint64_t)fg << 32,
		fg | (uint64_t)bg << 32, fg | (uint64_t)fg << 32};
	uint8_t *to = pixels + (size_t)row * FONT_HEIGHT * scale * pitch +
		      (size_t)col * FONT_WIDTH * scale * pixel_bytes;
	unsigned y;

	for (y = 0; y < FONT_HEIGHT; y++, to += scale * pitch) {
		if (pixel_bytes == 3)
			put_row_packed(to, row_bits(c, glyph, y), pair);
		else if (scale == 1)
			put_row(to, row_bits(c, glyph, y), pair);
		else
			put_row_doubled(to, row_bits(c, glyph, y), pair);
	}
}

static void fb_draw(unsigned row, const struct vt_cell *cells)
{
	struct vt_cell *old = shadow + (size_t)row * screen.cols;
	unsigned col;

	for (col = 0; col < screen.cols; col++) {
		if (!__builtin_memcmp(&old[col], &cells[col], sizeof(*cells)))
			continue;
		old[col] = cells[col];
		draw_cell(row, col, &cells[col]);
	}
}

static void fb_forget(void)
{
	memset(shadow, 0, (size_t)screen.cols * screen.rows * sizeof(*shadow));
}

static void clear_pixels(void)
{
	size_t at, bytes = (size_t)screen.ypixels * pitch;

	for (at = 0; at < bytes; at += 4)
		mmio_write32(pixels + at, 0); /* black in every format */
}

const struct display *fbcon_init(void)
{
	const struct boot_framebuffer *fb = &boot_info.fb;
	size_t bytes = (size_t)fb->pitch * fb->height;

	if (!fb->addr || fb->is_text || (fb->bpp != 32 && fb->bpp != 24) ||
		fb->pitch / (fb->bpp / 8) < fb->width || fb->width < 64 || fb->height < 64 ||
		fb->height > 16384 || fb->pitch > 1u << 17 || fb->red_shift > 24 ||
		fb->green_shift > 24 || fb->blue_shift > 24 || fb->pitch % 4)
		return NULL;
	pixel_bytes = fb->bpp / 8;
	scale = fb->width >= WIDE_PIXELS && pixel_bytes == 4 ? 2 : 1;
	pitch = fb->pitch;
	screen = (struct display){
		.cols = MIN(fb->width / (FONT_WIDTH * scale), VT_MAX_COLS),
		.rows = MIN(fb->height / (FONT_HEIGHT * scale), VT_MAX_ROWS),
		.xpixels = fb->width,
		.ypixels = fb->height,
		.draw = fb_draw,
		.forget = fb_forget,
	};
	shadow = kcalloc((size_t)screen.cols * screen.rows, sizeof(*shadow));
	pixels = shadow ? ioremap(fb->addr, bytes, MMU_WRITE_COMBINE) : NULL;
	if (!pixels) {
		kfree(shadow);
		log_err("screen: no memory");
		return NULL;
	}
	make_palette(fb);
	clear_pixels();
	log_info("screen: %ux%u pixels at %llx, %ux%u characters", fb->width, fb->height,
		(unsigned long long)fb->addr, screen.cols, screen.rows);
	return &screen;
}
