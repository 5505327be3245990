/*
 * ldisc_test.c - the line discipline: what is typed, what is shown, what a read gets. termios(3).
 */
/* LINK: kernel/tty/ldisc.c */
#include "kernel/tty/ldisc.h"
#include <signal.h>
#include <string.h>
#include <unit.h>

static struct ldisc ld;
static struct termios t;
static char shown[9000];
static size_t nr_shown;
static int last_signal, nr_signals, flows;
static bool last_flow, last_stop, last_flush;

static void fake_echo(struct ldisc *l, const uint8_t *s, size_t n)
{
	(void)l;
	if (nr_shown + n < sizeof(shown)) {
		memcpy(shown + nr_shown, s, n);
		nr_shown += n;
	}
	shown[nr_shown] = 0;
}

static void fake_signal(struct ldisc *l, int sig, bool flush)
{
	(void)l;
	last_signal = sig;
	last_flush = flush;
	nr_signals++;
}

static void fake_stop(struct ldisc *l, bool stop)
{
	(void)l, last_stop = stop;
}
static void fake_flow(struct ldisc *l, bool stop)
{
	(void)l, last_flow = stop, flows++;
}
static const struct ldisc_ops ops = {
	.echo = fake_echo, .signal = fake_signal, .output_stop = fake_stop, .flow = fake_flow};

static void forget(void)
{
	nr_shown = 0;
	shown[0] = 0;
}

static void start(void)
{
	t = (struct termios){.c_iflag = ICRNL | IXON | IUTF8,
		.c_oflag = OPOST | ONLCR,
		.c_cflag = CS8 | CREAD,
		.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
		.c_cc = {[VINTR] = 3,
			[VQUIT] = 28,
			[VERASE] = 127,
			[VKILL] = 21,
			[VEOF] = 4,
			[VMIN] = 1,
			[VSTART] = 17,
			[VSTOP] = 19,
			[VSUSP] = 26,
			[VREPRINT] = 18,
			[VWERASE] = 23,
			[VLNEXT] = 22}};
	ldisc_init(&ld, &ops, NULL, &t);
	last_signal = nr_signals = flows = 0;
	last_stop = false;
	forget();
}

static size_t type(const char *s)
{
	return ldisc_receive(&ld, (const uint8_t *)s, strlen(s));
}

/* What a read of at most @n gives, as a string; "-" if it would wait. */
static const char *taken_n(size_t n)
{
	static char got[LDISC_BYTES + 1];
	bool eof;

	if (!ldisc_available(&ld, &eof) && !eof)
		return "-";
	got[ldisc_take(&ld, (uint8_t *)got, n)] = 0;
	return got;
}

static const char *taken(void)
{
	return taken_n(LDISC_BYTES);
}

static void set_lflag(uint32_t lflag)
{
	struct termios old = t;

	t.c_lflag = lflag;
	ldisc_modes_changed(&ld, &old);
}

static void fill(unsigned n)
{
	while (n--)
		type("x");
}

TEST(a_line_waits_for_its_end)
{
	start();
	type("hello");
	EXPECT_STR(taken(), "-");
	EXPECT_EQ(ldisc_queued(&ld), 0);
	type("\rnext");
	EXPECT_EQ(ldisc_queued(&ld), 6);
	EXPECT_STR(taken(), "hello\n");
	EXPECT_STR(taken(), "-");
	EXPECT_STR(shown, "hello\r\nnext");
}

TEST(a_read_takes_from_one_line_only)
{
	start();
	type("ab\ncd\n");
	EXPECT_STR(taken_n(1), "a");
	EXPECT_STR(taken(), "b\n");
	EXPECT_STR(taken(), "cd\n");
}

TEST(erasing_edits_line_and_screen)
{
	start();
	type("ab\x7f");
	EXPECT_STR(shown, "ab\b \b");
	type("\x7f\x7f\x7f");
	EXPECT_STR(shown, "ab\b \b\b \b"); /* an empty line has nothing to erase */
	type("c\n");
	EXPECT_STR(taken(), "c\n");
}

TEST(erasing_takes_a_whole_utf8_character)
{
	start();
	type("a\xc3\xa4\xe2\x82\xac\x7f");
	forget();
	type("\x7f\n");
	EXPECT_STR(shown, "\b \b\r\n");
	EXPECT_STR(taken(), "a\n");
	start();
	t.c_iflag &= ~IUTF8;
	type("\xc3\xa4\x7f\n");
	EXPECT_STR(taken(), "\xc3\n");
}

TEST(erasing_a_tab_goes_back_to_where_it_began)
{
	start();
	type("abc\t");
	forget();
	type("\x7f");
	EXPECT_STR(shown, "\b\b\b\b\b");
	type("\x7f\x7f\n");
	EXPECT_STR(taken(), "a\n");
	start();
	ldisc_output(&ld, '$', (uint8_t[8]){0}); /* a prompt stands before the line */
	ldisc_output(&ld, ' ', (uint8_t[8]){0});
	type("\t");
	forget();
	type("\x7f");
	EXPECT_STR(shown, "\b\b\b\b\b\b");
}

TEST(erasing_a_control_character_takes_both_columns)
{
	start();
	type("\x01");
	EXPECT_STR(shown, "^A");
	forget();
	type("\x7f");
	EXPECT_STR(shown, "\b \b\b \b");
}

TEST(word_and_line_erase)
{
	start();
	type("one two.. \x17\n");
	EXPECT_STR(taken(), "one \n");
	type("gone\x15kept\n");
	EXPECT_STR(taken(), "kept\n");
	forget();
	set_lflag(t.c_lflag & ~ECHOKE);
	type("gone\x15");
	EXPECT_STR(shown, "gone^U\r\n");
}

TEST(literal_next_takes_away_the_meaning)
{
	start();
	type("a\x16\x7f\x16\x03\x16\n\n");
	EXPECT_EQ(nr_signals, 0);
	EXPECT_STR(taken(), "a\x7f\x03\n\n");
}

TEST(reprint_shows_the_line_again)
{
	start();
	type("ab");
	forget();
	type("\x12");
	EXPECT_STR(shown, "^R\r\nab");
}

TEST(eof_ends_a_line_without_a_character)
{
	bool eof;

	start();
	type("ab\x04");
	EXPECT_STR(taken(), "ab");
	EXPECT_EQ(ldisc_available(&ld, &eof), 0);
	EXPECT(!eof);
	type("\x04z\n");
	EXPECT_EQ(ldisc_available(&ld, &eof), 0);
	EXPECT(eof);
	EXPECT_STR(taken(), "");
	EXPECT_STR(taken(), "z\n");
	type("abcd\x04");
	EXPECT_STR(taken_n(4), "abcd"); /* the mark goes with the last byte */
	EXPECT_STR(taken(), "-");
	type("abcd\x04");
	EXPECT_STR(taken_n(2), "ab");
	EXPECT_STR(taken(), "cd");
	EXPECT_STR(taken(), "-");
}

TEST(eof_right_behind_a_line_is_the_next_one)
{
	bool eof;

	start();
	type("ab\n\x04");
	EXPECT_STR(taken(), "ab\n");
	ldisc_available(&ld, &eof);
	EXPECT(eof);
	EXPECT_STR(taken(), "");
	EXPECT_STR(taken(), "-");
}

TEST(other_line_ends)
{
	start();
	t.c_cc[VEOL] = ';';
	t.c_cc[VEOL2] = '.';
	type("a;b.c\n");
	EXPECT_STR(taken(), "a;");
	EXPECT_STR(taken(), "b.");
	EXPECT_STR(taken(), "c\n");
}

TEST(signals_flush_and_show)
{
	start();
	type("done\nhalf\x03");
	EXPECT_EQ(last_signal, SIGINT);
	EXPECT(last_flush);
	EXPECT_STR(shown, "done\r\nhalf^C");
	EXPECT_STR(taken(), "-");
	set_lflag(t.c_lflag | NOFLSH);
	type("kept\n\x1a");
	EXPECT_EQ(last_signal, SIGTSTP);
	EXPECT(!last_flush);
	EXPECT_STR(taken(), "kept\n");
	set_lflag(t.c_lflag & ~ISIG);
	type("\x1c\n");
	EXPECT_EQ(nr_signals, 2);
	EXPECT_STR(taken(), "\x1c\n");
}

TEST(output_stops_and_starts)
{
	start();
	type("\x13");
	EXPECT(last_stop && ld.stopped);
	type("a\x11");
	EXPECT(!last_stop && !ld.stopped);
	type("\n");
	EXPECT_STR(taken(), "a\n");
	t.c_iflag |= IXANY;
	type("\x13x\n");
	EXPECT(!ld.stopped);
	EXPECT_STR(taken(), "x\n");
	type("\x13\x03");
	EXPECT(!ld.stopped); /* a signal gets through */
	t.c_iflag &= ~(IXON | IXANY);
	type("\x13\n");
	EXPECT_STR(taken(), "\x13\n");
}

TEST(start_is_seen_by_a_full_terminal)
{
	start();
	type("line\n\x13");
	fill(2 * LDISC_BYTES);
	EXPECT(ld.stopped);
	EXPECT_EQ(type("\x11"), 1);
	EXPECT(!ld.stopped);
	EXPECT_EQ(type("\x03"), 1);
	EXPECT_EQ(last_signal, SIGINT);
}

TEST(raw_input_is_there_at_once)
{
	start();
	set_lflag(0);
	t.c_iflag = 0;
	type("a\x03\x7f\r");
	EXPECT_STR(taken_n(2), "a\x03");
	EXPECT_EQ(ldisc_queued(&ld), 2);
	EXPECT_STR(taken(), "\x7f\r");
	EXPECT_STR(shown, "");
}

TEST(changing_modes_keeps_what_is_there)
{
	start();
	type("half");
	set_lflag(t.c_lflag & ~ICANON);
	EXPECT_STR(taken(), "half");
	type("raw");
	set_lflag(t.c_lflag | ICANON);
	EXPECT_STR(taken(), "raw");
	EXPECT_STR(taken(), "-");
	type("line\n");
	EXPECT_STR(taken(), "line\n");
}

TEST(canonical_mode_after_all_raw_bytes_were_read)
{
	start();
	set_lflag(t.c_lflag & ~ICANON);
	type("typed in raw mode");
	EXPECT_STR(taken(), "typed in raw mode");
	set_lflag(t.c_lflag | ICANON);
	EXPECT_EQ(ldisc_queued(&ld), 0);
	EXPECT_STR(taken(), "-");
	type("ab\x7f\n");
	EXPECT_STR(taken(), "a\n");
}

TEST(a_full_line_still_can_be_ended)
{
	start();
	fill(2 * LDISC_BYTES);
	EXPECT_STR(taken(), "-");
	EXPECT_EQ(type("\n"), 1);
	EXPECT_EQ(strlen(taken()), LDISC_BYTES);
	EXPECT_STR(taken(), "-");
	type("ok\n");
	EXPECT_STR(taken(), "ok\n");
}

TEST(a_full_line_of_doubled_bytes_still_can_be_ended)
{
	unsigned i;

	start();
	t.c_iflag |= PARMRK;
	type("ab");
	for (i = 0; i < LDISC_BYTES; i++)
		type("\xff");
	type("\n");
	EXPECT(ld.head - ld.tail <= LDISC_BYTES);
	EXPECT_EQ(ld.buf[0], 'a');
	EXPECT_EQ(taken()[0], 'a');
}

TEST(a_full_buffer_leaves_the_rest_with_the_caller)
{
	start();
	set_lflag(0);
	fill(LDISC_BYTES - 1);
	EXPECT_EQ(type("abc"), 0);
	EXPECT_EQ(strlen(taken_n(2)), 2);
	EXPECT_EQ(type("abc"), 2);
}

TEST(flow_control_of_input)
{
	start();
	set_lflag(0);
	t.c_iflag |= IXOFF;
	fill(LDISC_BYTES - 100);
	EXPECT(last_flow);
	EXPECT_EQ(flows, 1);
	taken_n(1000);
	EXPECT_EQ(flows, 1);
	taken();
	EXPECT(!last_flow);
	EXPECT_EQ(flows, 2);
}

TEST(input_mapping)
{
	start();
	t.c_iflag = INLCR | IGNCR | ISTRIP;
	set_lflag(ISIG);
	type("a\r\n\xe1");
	EXPECT_STR(taken(), "a\ra");
	type("\x83");
	EXPECT_EQ(last_signal, SIGINT); /* recognised behind ISTRIP */
}

TEST(echo_variants)
{
	start();
	set_lflag(ICANON | ECHONL);
	type("secret\n");
	EXPECT_STR(shown, "\r\n");
	forget();
	set_lflag(ICANON | ECHO);
	type("\x01\x7f");
	EXPECT_STR(shown, "\x01\x7f");
}

static const char *output(const char *s)
{
	static char out[256];
	size_t n = 0;

	while (*s)
		n += ldisc_output(&ld, (uint8_t)*s++, (uint8_t *)out + n);
	out[n] = 0;
	return out;
}

TEST(output_processing)
{
	start();
	EXPECT_STR(output("a\nb"), "a\r\nb");
	t.c_oflag = OPOST | XTABS;
	EXPECT_STR(output("\r123\tx\t"), "\r123     x       ");
	t.c_oflag = OPOST | ONOCR | OCRNL;
	ld.column = 0;
	EXPECT_STR(output("\ra\r"), "a\n");
	t.c_oflag = OPOST | OLCUC;
	EXPECT_STR(output("aZ{"), "AZ{");
	t.c_oflag = ONLCR;
	EXPECT_STR(output("a\n"), "a\n");
}

TEST(break_condition)
{
	start();
	set_lflag(ISIG);
	t.c_iflag = IGNBRK;
	ldisc_break(&ld);
	EXPECT_EQ(ldisc_queued(&ld), 0);
	t.c_iflag = BRKINT;
	ldisc_break(&ld);
	EXPECT_EQ(last_signal, SIGINT);
	t.c_iflag = PARMRK;
	ldisc_break(&ld);
	EXPECT_EQ(ldisc_queued(&ld), 3);
}

TEST(any_bytes_in_any_mode_keep_the_ring_sound)
{
	static const uint32_t lflags[] = {ICANON | ECHO | ECHOE | ISIG | IEXTEN, 0, ISIG, ICANON,
		ICANON | ECHO | ECHOE | ECHOCTL | ECHOKE | ECHOK | IEXTEN};
	static uint8_t got[LDISC_BYTES];
	unsigned i;

	start();
	t.c_iflag |= PARMRK | IXOFF;
	for (i = 0; i < 300000; i++) {
		uint8_t c = unit_below(4) ? (uint8_t)unit_random()
					  : "\n\x04\x7f\x15\x16\x13\x11\t"[unit_below(8)];

		ldisc_receive(&ld, &c, 1);
		nr_shown = 0;
		if (!unit_below(500))
			set_lflag(lflags[unit_below(ARRAY_SIZE(lflags))]);
		if (!unit_below(100))
			ldisc_take(&ld, got, unit_below(200));
		if (ld.head - ld.tail > LDISC_BYTES ||
			(t.c_lflag & ICANON && ld.canon_head - ld.tail > ld.head - ld.tail))
			break;
	}
	EXPECT_EQ(i, 300000);
}
