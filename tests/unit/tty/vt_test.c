/*
 * vt_test.c - the terminal emulator: what programs send and what stands on the screen then.
 */
/* LINK: kernel/tty/vt.c kernel/tty/vt_screen.c kernel/tty/vt_width.c */
#include <string.h>
#include <unit.h>
#include <vt.h>

#define COLS    20u
#define ROWS    6u
#define HISTORY 10u

/* Lines are allocated one by one, so that the sanitizer sees a step beyond any of them. */
static struct vt vt;
static struct vt_cell *memory[2 * VT_MAX_ROWS + VT_MAX_LINES];
static unsigned nr_memory;

static struct vt_cell *new_line(unsigned cols)
{
	return memory[nr_memory++] = unit_malloc(cols * sizeof(struct vt_cell));
}

static void start_sized(unsigned cols, unsigned rows)
{
	unsigned i;

	nr_memory = 0;
	for (i = 0; i < 2 * rows; i++)
		new_line(cols);
	vt_init(&vt, cols, rows, memory);
}

static void start(void)
{
	start_sized(COLS, ROWS);
}

static void finish(void)
{
	while (nr_memory)
		unit_free(memory[--nr_memory]);
}

static void put(const char *s)
{
	vt_write(&vt, (const uint8_t *)s, strlen(s));
}

/* A row as text without its trailing blanks; characters beyond ASCII as '#'. */
static const char *row(unsigned y)
{
	static char text[VT_MAX_COLS + 1];
	struct vt_cell cells[VT_MAX_COLS];
	unsigned i, end = 0;
	bool cursor = vt.cursor_shown;

	vt.cursor_shown = false;
	vt_view_row(&vt, y, cells);
	vt.cursor_shown = cursor;
	for (i = 0; i < vt.cols; i++) {
		text[i] = cells[i].part == VT_RIGHT_HALF ? '>'
			  : cells[i].ch < 0x80           ? (char)cells[i].ch
							 : '#';
		if (text[i] != ' ')
			end = i + 1;
	}
	text[end] = 0;
	return text;
}

static struct vt_cell cell(unsigned y, unsigned x)
{
	struct vt_cell cells[VT_MAX_COLS];

	vt_view_row(&vt, y, cells);
	return cells[x];
}

TEST(text_wraps_only_when_the_next_character_comes)
{
	start();
	put("12345678901234567890");
	EXPECT_EQ(vt.at.row, 0);
	EXPECT_EQ(vt.at.col, 19);
	put("x");
	EXPECT_EQ(vt.at.row, 1);
	EXPECT_STR(row(1), "x");
	put("\033[?7l\033[3;19Habcd");
	EXPECT_STR(row(2), "                  ad");
	put("\r\n!");
	EXPECT_STR(row(3), "!");
	finish();
}

TEST(cursor_moves_and_stays_on_the_screen)
{
	start();
	put("\033[3;5Ha\033[A\033[Db\033[10Bc\033[99Cd\033[99De\033[99;99Hf");
	EXPECT_STR(row(2), "    a");
	EXPECT_STR(row(1), "    b");
	EXPECT_STR(row(5), "e    c             f");
	put("\033[2G\033[2dx\033[H\033[0;0Hy");
	EXPECT_STR(row(1), " x  b");
	EXPECT_STR(row(0), "y");
	put("\033[4;4H\0337\033[Hz\0338w\033[4E.\033[2F,");
	EXPECT_STR(row(3), ",  w");
	finish();
}

TEST(erasing_keeps_the_background)
{
	start();
	put("abcdefgh\r\nabcdefgh\r\nabcdefgh\033[2;4H\033[44m\033[K");
	EXPECT_STR(row(1), "abc");
	EXPECT_EQ(cell(1, 10).bg, 4);
	put("\033[1K\033[1;3H\033[2X");
	EXPECT_STR(row(0), "ab  efgh");
	put("\033[2;1H\033[J");
	EXPECT_STR(row(2), "");
	put("\033[2J");
	EXPECT_STR(row(0), "");
	finish();
}

TEST(characters_and_lines_are_inserted_and_deleted)
{
	start();
	put("abcdef\033[1;3H\033[2@XY\033[3P");
	EXPECT_STR(row(0), "abXYf");
	put("\033[H1\r\n2\r\n3\r\n4\033[2;1H\033[LN");
	EXPECT_STR(row(1), "N");
	EXPECT_STR(row(2), "2");
	put("\033[2M");
	EXPECT_STR(row(1), "3");
	EXPECT_STR(row(3), "");
	put("\033[5;1Habc\033[5;2H\033[4h-+\033[4l*");
	EXPECT_STR(row(4), "a-+*c");
	put("\033[99@\033[99P\033[99L\033[99M");
	EXPECT_STR(row(4), "");
	finish();
}

TEST(scroll_region_scrolls_alone)
{
	start();
	put("1\r\n2\r\n3\r\n4\r\n5\r\n6\033[2;4r\033[4;1H\n");
	EXPECT_STR(row(0), "1");
	EXPECT_STR(row(1), "3");
	EXPECT_STR(row(3), "");
	EXPECT_STR(row(4), "5");
	put("\033[2;1H\033M");
	EXPECT_STR(row(1), "");
	EXPECT_STR(row(2), "3");
	put("\033[S\033[T");
	EXPECT_STR(row(2), "3");
	put("\033[6;1H\n");
	EXPECT_STR(row(5), "6"); /* below the region nothing scrolls */
	put("\033[?6h\033[1;1Ho\033[9;1Hp");
	EXPECT_STR(row(1), "o");
	EXPECT_STR(row(3), "p");
	EXPECT_EQ(vt.history, 0);
	put("\033[5;3r\033[0;0r");
	EXPECT_EQ(vt.margin_bottom, ROWS - 1);
	finish();
}

TEST(colours_are_mapped)
{
	start();
	put("\033[1;31;42ma\033[0;38;5;200;48;5;17mb\033[38;2;255;0;0mc\033[48:2::0:0:255md\033[38:"
	    "2:255:255:255me\033[97;100mf\033[mg");
	EXPECT_EQ(cell(0, 0).fg, 1);
	EXPECT_EQ(cell(0, 0).bg, 2);
	EXPECT_EQ(cell(0, 0).attr, VT_BOLD);
	EXPECT_EQ(cell(0, 1).fg, 200);
	EXPECT_EQ(cell(0, 1).bg, 17);
	EXPECT_EQ(cell(0, 2).fg, 196);
	EXPECT_EQ(cell(0, 3).bg, 21);
	EXPECT_EQ(cell(0, 4).fg, 231);
	EXPECT_EQ(cell(0, 5).fg, 15);
	EXPECT_EQ(cell(0, 5).bg, 8);
	EXPECT_EQ(cell(0, 6).fg, 7);
	put("\033[38;2;8;8;8mh\033[38;2;128;128;128mi\033[4;7mj\033[24;27mk\033[38m\033[38;5m\033["
	    "38:2m\033[38;2;1m");
	EXPECT_EQ(cell(0, 7).fg, 232);
	EXPECT_EQ(cell(0, 8).fg, 244);
	EXPECT_EQ(cell(0, 9).attr, VT_UNDERLINE | VT_REVERSE);
	EXPECT_EQ(cell(0, 10).attr, 0);
	finish();
}

TEST(utf8_good_and_bad)
{
	start();
	put("\xc3\xa4\xe2\x82\xac|\xf0\x9f\x98\x80|");
	EXPECT_EQ(cell(0, 0).ch, 0xe4);
	EXPECT_EQ(cell(0, 1).ch, 0x20ac);
	EXPECT_EQ(cell(0, 3).ch, 0x1f600);
	EXPECT_STR(row(0), "##|#>|");
	put("\r\n\xc0\x80\xe2\x82|\xed\xa0\x80\xff\xf8.\xc3");
	EXPECT_STR(row(1), "###|###.");
	put("\033[1mb"); /* the broken character shows before the sequence works */
	EXPECT_EQ(cell(1, 8).ch, 0xfffd);
	EXPECT_EQ(cell(1, 9).attr, VT_BOLD);
	put("\r\ne\xcc\x81.");
	EXPECT_STR(row(2), "e.");
	finish();
}

TEST(wide_characters_are_never_halved)
{
	start();
	put("\xe4\xb8\xad\xe6\x96\x87\033[1;2Hx");
	EXPECT_STR(row(0), " x#>");
	put("\033[1;3Hy");
	EXPECT_STR(row(0), " xy");
	put("\033[2;20H\xe4\xb8\xad"); /* no room: the next line */
	EXPECT_STR(row(2), "#>");
	EXPECT_STR(row(1), "");
	put("\033[3;2H\033[P");
	EXPECT_STR(row(2), "");
	put("\033[4;19H\xe4\xb8\xad\033[4;1H\033[@");
	EXPECT_STR(row(3), "");
	put("\033[?7l\033[5;20H\xe4\xb8\xad");
	EXPECT_STR(row(4), "                  #>");
	finish();
}

TEST(alternate_screen_comes_and_goes)
{
	start();
	put("main\033[2;3H\033[?1049h\033[Hother");
	EXPECT_STR(row(0), "other");
	put("\n\n\n\n\n\n\n\n");
	EXPECT_EQ(vt.history, 0);
	put("\033[?1049l*");
	EXPECT_STR(row(0), "main");
	EXPECT_STR(row(1), "  *");
	put("\033[?1049h");
	EXPECT_STR(row(0), "");
	finish();
}

TEST(line_drawing_and_tabs)
{
	start();
	put("\033(0lqk\033(Bq\016\033)0x\017x");
	EXPECT_EQ(cell(0, 0).ch, 0x250c);
	EXPECT_EQ(cell(0, 1).ch, 0x2500);
	EXPECT_EQ(cell(0, 3).ch, 'q');
	EXPECT_EQ(cell(0, 4).ch, 0x2502);
	EXPECT_EQ(cell(0, 5).ch, 'x');
	put("\r\n\ta\tb\tc\t\td");
	EXPECT_STR(row(1), "        a       b  d");
	put("\r\n\033[3g\033[4G\033H\r\tx\033[20G\033[Zy");
	EXPECT_STR(row(2), "   y");
	finish();
}

TEST(replies_reach_the_program)
{
	start();
	put("\033[3;4H\033[6n\033[5n\033[c\033[?7$p");
	EXPECT_EQ(vt.reply_len, strlen("\033[3;4R\033[0n\033[?6c\033[?7;1$y"));
	EXPECT_MEM(vt.reply, "\033[3;4R\033[0n\033[?6c\033[?7;1$y", vt.reply_len);
	for (unsigned i = 0; i < 100; i++)
		put("\033[6n");
	EXPECT(vt.reply_len <= VT_REPLY);
	finish();
}

TEST(modes_are_kept_for_the_keyboard)
{
	start();
	put("\033[?1;2004h\033=\033[20h\033[?25l");
	EXPECT(vt.app_cursor && vt.bracketed_paste && vt.app_keypad && vt.newline &&
		!vt.cursor_shown);
	put("\n");
	EXPECT_EQ(vt.at.col, 0);
	put("\033[!p");
	EXPECT(!vt.app_cursor && !vt.app_keypad && vt.cursor_shown);
	finish();
}

TEST(strings_are_skipped_to_their_end)
{
	start();
	put("\033]0;title\aa\033]2;more\033\\b\033Pdcs\033\\c\033_apc\033\\d\033]P1ff00aae\033]"
	    "Rf\033]0;cut\033[31mg");
	EXPECT_STR(row(0), "abcdefg");
	EXPECT_EQ(cell(0, 6).fg, 1);
	put("\r\n\033[1;2\030x\033[?;\"y\033[<5uz\033 Fw\033[1\n;1Hv");
	EXPECT_STR(row(0),
		"vbcdefg"); /* a control character within a sequence works and does not break it */
	EXPECT_STR(row(1), "xzw");
	finish();
}

TEST(history_can_be_seen_and_grows)
{
	struct vt_cell *more[HISTORY];
	unsigned i;

	start();
	for (i = 0; i < ROWS; i++)
		put("x\r\n");
	EXPECT(vt_wants_lines(&vt));
	EXPECT_EQ(vt.history, 0);
	for (i = 0; i < HISTORY; i++)
		more[i] = new_line(COLS);
	EXPECT_EQ(vt_grow(&vt, more, HISTORY), HISTORY);
	put("\033[H\033[Ja\r\nb\r\nc\r\nd\r\ne\r\nf\r\ng\r\nh");
	EXPECT_EQ(vt.history, 2);
	EXPECT_STR(row(0), "c");
	vt_scroll_view(&vt, 1);
	EXPECT_STR(row(0), "b");
	vt_scroll_view(&vt, 100);
	EXPECT_STR(row(0), "a");
	EXPECT_STR(row(5), "f");
	put("\r\ni");
	EXPECT_STR(row(0), "a"); /* the view stands still */
	vt_scroll_view(&vt, -100);
	EXPECT_STR(row(0), "d");
	for (i = 0; i < 3 * HISTORY; i++)
		put("\r\nz");
	EXPECT_EQ(vt.history, HISTORY);
	EXPECT(vt_wants_lines(&vt));
	for (i = 0; i < 2 * ROWS; i++) /* while some of it is unused, too */
		EXPECT_EQ(vt_grow(&vt, (struct vt_cell *[]){new_line(COLS)}, 1), 1);
	EXPECT(!vt_wants_lines(&vt));
	put("\r\n!");
	EXPECT_EQ(vt.history, HISTORY + 1);
	EXPECT_STR(row(5), "!");
	EXPECT_STR(row(4), "z");
	vt_scroll_view(&vt, 1);
	EXPECT_STR(row(5), "z");
	put("\033[3J");
	EXPECT_EQ(vt.history, 0);
	finish();
}

TEST(log_lines_leave_the_program_alone)
{
	start();
	put("\033[31m\033[3");
	vt_write_log(&vt, "kernel\n\033x", 9);
	put(";2Hy");
	EXPECT_STR(row(0), "kernel");
	EXPECT_STR(row(1), "?x");
	EXPECT_STR(row(2), " y");
	EXPECT_EQ(cell(0, 0).fg, 7);
	EXPECT_EQ(cell(2, 1).fg, 1);
	finish();
}

TEST(cursor_shows_reversed)
{
	start();
	put("ab\033[1;2H");
	EXPECT_EQ(cell(0, 1).attr, VT_REVERSE);
	put("\033[?5h");
	EXPECT_EQ(cell(0, 0).attr, VT_REVERSE);
	EXPECT_EQ(cell(0, 1).attr, 0);
	finish();
}

static bool is_sound(void)
{
	unsigned y, x;

	if (vt.at.col >= vt.cols || vt.at.row >= vt.rows || vt.margin_top >= vt.margin_bottom ||
		vt.margin_bottom >= vt.rows)
		return false;
	for (y = 0; y < vt.rows; y++)
		for (x = 0; x < vt.cols; x++) {
			struct vt_cell c = cell(y, x);
			bool left_ok = c.part != VT_LEFT_HALF ||
				       (x + 1 < vt.cols && cell(y, x + 1).part == VT_RIGHT_HALF);
			bool right_ok = c.part != VT_RIGHT_HALF ||
					(x && cell(y, x - 1).part == VT_LEFT_HALF);

			if (!left_ok || !right_ok)
				return false;
		}
	return true;
}

/* Bytes of which many are parts of sequences, on screens of odd sizes: no overrun, all invariants
 * hold. */
TEST(hostile_input_stays_within_bounds)
{
	static const char *const pieces[] = {"\033[", "\033[?", ";", ":", "\033]", "\033P",
		"\033(0", "\033(B", "\033c", "\033M", "\033D", "\n", "\r", "\t", "\b",
		"\xe4\xb8\xad", "\xf0\x9f\x98\x80", "\xc3", "\xff", "99999999999", "1049h", "1049l",
		"7l", "7h", "6h", "4h", "38;2", "38:5", "48:2", "m", "r", "H", "L", "M", "P", "@",
		"X", "S", "T", "b", "Z", "I", "g", "J", "K", "d", "G", "A", "B", "C", "D", "2", "3",
		"0", "s", "u", "\0337", "\0338", "!p", "x", "\x18", "\033#8", "\016", "\017"};
	static const uint8_t sizes[][2] = {{2, 2}, {3, 2}, {7, 5}, {80, 25}};
	unsigned size, i;

	for (size = 0; size < ARRAY_SIZE(sizes); size++) {
		start_sized(sizes[size][0], sizes[size][1]);
		for (i = 0; i < 30000; i++) {
			uint8_t c = (uint8_t)unit_random();

			if (unit_below(8))
				put(pieces[unit_below(ARRAY_SIZE(pieces))]);
			else
				vt_write(&vt, &c, 1);
			if (vt_wants_lines(&vt) && vt.total < 40)
				vt_grow(&vt, (struct vt_cell *[]){new_line(vt.cols)}, 1);
			if (!unit_below(50))
				vt_scroll_view(&vt, (int)unit_below(40) - 20);
			if (!unit_below(64) && !is_sound())
				break;
		}
		EXPECT_EQ(i, 30000);
		finish();
	}
}
