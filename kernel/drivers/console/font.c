/*
 * font.c - the console font: a lookup in what tools/mkfont.py makes.
 */
#include "display.h"

struct font_range {
	uint32_t first;
	uint16_t count, index;
};
#include <font_data.h>

static_assert(sizeof(font_bits[0]) == FONT_HEIGHT, "the font is 8x16");

/* The font's licence asks that its notice goes with every copy. */
static const char notice[] __used =
	"Console font: Terminus Font, Copyright (c) Dimitar Toshkov Zhekov, "
	"SIL Open Font License 1.1, with Reserved Font Name \"Terminus Font\". "
	"https://openfontlicense.org";

static const uint8_t box[FONT_HEIGHT] = {
	0, 0, 0x7e, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x7e};

const uint8_t *font_glyph(uint32_t ch)
{
	unsigned low = 0, high = ARRAY_SIZE(font_ranges);

	while (low < high) {
		unsigned mid = (low + high) / 2;
		const struct font_range *r = &font_ranges[mid];

		if (ch < r->first)
			high = mid;
		else if (ch - r->first >= r->count)
			low = mid + 1;
		else
			return font_bits[r->index + (ch - r->first)];
	}
	return box;
}
