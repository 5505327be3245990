/*
 * ldisc.c - the terminal line discipline of termios(3): canonical editing, signals, echo, output
 * processing.
 *
 * Theory. Input is one ring. In canonical mode bytes between canon_head and head are the line being
 * edited; a delimiter (NL, VEOL, VEOF) completes it, marks its last byte in `end`, and moves
 * canon_head. A VEOF is stored as a marked NUL that reading swallows. In raw mode all of the ring
 * can be read. Changing mode keeps what is there: entering raw mode makes the edited part readable,
 * leaving it makes everything there one line without a delimiter.
 *
 * The column of the cursor is followed through output and echo, so that erasing a tab or a control
 * character takes away just what was shown. UTF-8 continuation bytes have no width (IUTF8). Spec:
 * POSIX.1-2017 chapter 11; termios(3).
 */
#include "ldisc.h"
#include <signum.h>
#include <string.h>

#define MASK      (LDISC_BYTES - 1)
#define FLOW_HIGH (LDISC_BYTES - 512u)
#define FLOW_LOW  512u

static bool on_l(const struct ldisc *ld, uint32_t f)
{
	return ld->t->c_lflag & f;
}
static bool on_i(const struct ldisc *ld, uint32_t f)
{
	return ld->t->c_iflag & f;
}
static bool is_cc(const struct ldisc *ld, uint8_t c, unsigned which)
{
	return ld->t->c_cc[which] && c == ld->t->c_cc[which];
}
static bool is_cont(const struct ldisc *ld, uint8_t c)
{
	return on_i(ld, IUTF8) && (c & 0xc0) == 0x80;
}

void ldisc_init(struct ldisc *ld, const struct ldisc_ops *ops, void *owner, const struct termios *t)
{
	memset(ld, 0, sizeof(*ld));
	ld->ops = ops;
	ld->owner = owner;
	ld->t = t;
}

/* ---- output ---- */

static void follow_column(struct ldisc *ld, uint8_t c)
{
	switch (c) {
	case '\b':
		if (ld->column)
			ld->column--;
		break;
	case '\r':
		ld->column = 0;
		break;
	case '\n':
		if (ld->t->c_oflag & ONLRET)
			ld->column = 0;
		break;
	case '\t':
		ld->column = (ld->column | 7) + 1;
		break;
	default:
		if (c >= 0x20 && c != 0x7f && !is_cont(ld, c))
			ld->column++;
	}
}

unsigned ldisc_output(struct ldisc *ld, uint8_t c, uint8_t out[8])
{
	uint32_t o = ld->t->c_oflag;
	unsigned n = 0;

	if (!(o & OPOST)) {
		out[0] = c;
		return 1;
	}
	if (c == '\n' && o & ONLCR) {
		out[n++] = '\r';
		ld->column = 0;
	} else if (c == '\r') {
		if (o & ONOCR && ld->column == 0)
			return 0;
		if (o & OCRNL)
			c = '\n';
	} else if (c == '\t' && (o & TABDLY) == XTABS) {
		unsigned spaces = 8 - (ld->column & 7);

		memset(out, ' ', spaces);
		ld->column += spaces;
		return spaces;
	} else if (o & OLCUC && c >= 'a' && c <= 'z') {
		c -= 32;
	}
	follow_column(ld, c);
	out[n++] = c;
	return n;
}

static void put(struct ldisc *ld, uint8_t c)
{
	uint8_t out[8];
	unsigned n = ldisc_output(ld, c, out);

	if (!(ld->t->c_oflag & OPOST))
		follow_column(ld, c);
	ld->ops->echo(ld, out, n);
}

static bool is_shown_as_caret(const struct ldisc *ld, uint8_t c)
{
	return on_l(ld, ECHOCTL) && (c < 0x20 || c == 0x7f) && c != '\t' && c != '\n';
}

static void echo(struct ldisc *ld, uint8_t c)
{
	if (!on_l(ld, ECHO) && !(c == '\n' && on_l(ld, ECHONL) && on_l(ld, ICANON)))
		return;
	if (is_shown_as_caret(ld, c)) {
		put(ld, '^');
		put(ld, c ^ 0x40);
	} else {
		put(ld, c);
	}
}

/* ---- the ring ---- */

static uint32_t used(const struct ldisc *ld)
{
	return ld->head - ld->tail;
}

static void store(struct ldisc *ld, uint8_t c, bool end)
{
	ld->buf[ld->head & MASK] = c;
	if (end)
		bit_set(ld->end, ld->head & MASK);
	else
		bit_clear(ld->end, ld->head & MASK);
	ld->head++;
}

static void flow_update(struct ldisc *ld)
{
	bool stop = used(ld) > FLOW_HIGH;

	if (!on_i(ld, IXOFF) || stop == ld->flow_stopped ||
		(ld->flow_stopped && used(ld) > FLOW_LOW))
		return;
	ld->flow_stopped = stop;
	ld->ops->flow(ld, stop);
}

void ldisc_flush(struct ldisc *ld)
{
	ld->tail = ld->canon_head = ld->head;
	ld->literal = ld->erasing = false;
	flow_update(ld);
}

/* ---- canonical editing ---- */

static void rub_out(struct ldisc *ld, unsigned width)
{
	while (width--) {
		put(ld, '\b');
		put(ld, ' ');
		put(ld, '\b');
	}
}

/* Column where the cursor stands after showing the line being edited up to @to. */
static uint32_t column_at(const struct ldisc *ld, uint32_t to)
{
	uint32_t col = ld->canon_column, i;

	for (i = ld->canon_head; i != to; i++) {
		uint8_t c = ld->buf[i & MASK];

		if (c == '\t')
			col = (col | 7) + 1;
		else if (is_shown_as_caret(ld, c))
			col += 2;
		else if (c >= 0x20 && c != 0x7f && !is_cont(ld, c))
			col++;
	}
	return col;
}

/* ECHOPRT, for terminals on paper: what is erased is printed, backwards, between \ and /. */
static void print_erased(struct ldisc *ld, uint8_t c)
{
	if (!ld->erasing)
		put(ld, '\\');
	ld->erasing = true;
	echo(ld, c);
}

static void finish_erasing(struct ldisc *ld)
{
	if (ld->erasing)
		put(ld, '/');
	ld->erasing = false;
}

static void erase_char(struct ldisc *ld)
{
	uint8_t c;

	if (ld->head == ld->canon_head)
		return;
	do
		c = ld->buf[--ld->head & MASK];
	while (is_cont(ld, c) && ld->head != ld->canon_head);
	if (!on_l(ld, ECHO))
		return;
	if (on_l(ld, ECHOPRT)) {
		print_erased(ld, c);
		if (ld->head == ld->canon_head)
			finish_erasing(ld);
	} else if (!on_l(ld, ECHOE)) {
		echo(ld, ld->t->c_cc[VERASE]);
	} else if (c == '\t') {
		uint32_t want = column_at(ld, ld->head);

		while (ld->column > want)
			put(ld, '\b');
	} else {
		rub_out(ld, is_shown_as_caret(ld, c) ? 2 : c >= 0x20 && c != 0x7f);
	}
}

static void erase_word(struct ldisc *ld)
{
	bool seen = false;

	while (ld->head != ld->canon_head) {
		uint8_t c = ld->buf[(ld->head - 1) & MASK];
		bool is_word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			       (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;

		if (seen && !is_word)
			break;
		seen |= is_word;
		erase_char(ld);
	}
}

static void kill_line(struct ldisc *ld)
{
	if (on_l(ld, ECHO) && on_l(ld, ECHOK) && on_l(ld, ECHOKE) && on_l(ld, ECHOE)) {
		while (ld->head != ld->canon_head)
			erase_char(ld);
		return;
	}
	ld->head = ld->canon_head;
	echo(ld, ld->t->c_cc[VKILL]);
	if (on_l(ld, ECHOK))
		echo(ld, '\n');
}

static void reprint(struct ldisc *ld)
{
	uint32_t i;

	echo(ld, ld->t->c_cc[VREPRINT]);
	echo(ld, '\n');
	ld->canon_column = ld->column;
	for (i = ld->canon_head; i != ld->head; i++)
		echo(ld, ld->buf[i & MASK]);
}

static void complete_line(struct ldisc *ld, uint8_t c)
{
	store(ld, c, true);
	ld->canon_head = ld->head;
}

/* true: @c was an editing or line-ending character. */
static bool canonical(struct ldisc *ld, uint8_t c)
{
	bool ext = on_l(ld, IEXTEN);

	if (is_cc(ld, c, VERASE)) {
		erase_char(ld);
		return true;
	}
	if (ext && is_cc(ld, c, VWERASE)) {
		erase_word(ld);
		return true;
	}
	finish_erasing(ld);
	if (is_cc(ld, c, VKILL))
		kill_line(ld);
	else if (ext && is_cc(ld, c, VREPRINT) && on_l(ld, ECHO))
		reprint(ld);
	else if (c == '\n' || is_cc(ld, c, VEOL) || (ext && is_cc(ld, c, VEOL2))) {
		echo(ld, c);
		complete_line(ld, c);
	} else if (is_cc(ld, c, VEOF))
		complete_line(ld, 0);
	else
		return false;
	return true;
}

/* ---- receiving ---- */

static bool signals(struct ldisc *ld, uint8_t c)
{
	int sig;

	if (!on_l(ld, ISIG))
		return false;
	if (is_cc(ld, c, VINTR))
		sig = SIGINT;
	else if (is_cc(ld, c, VQUIT))
		sig = SIGQUIT;
	else if (is_cc(ld, c, VSUSP))
		sig = SIGTSTP;
	else
		return false;
	if (!on_l(ld, NOFLSH))
		ldisc_flush(ld);
	ld->ops->signal(ld, sig, !on_l(ld, NOFLSH));
	if (ld->stopped) {
		ld->stopped = false;
		ld->ops->output_stop(ld, false);
	}
	echo(ld, c);
	ld->canon_column = ld->column;
	return true;
}

static bool start_stop(struct ldisc *ld, uint8_t c)
{
	bool stop = is_cc(ld, c, VSTOP), start = is_cc(ld, c, VSTART);

	if (!on_i(ld, IXON))
		return false;
	if (!stop && !start) {
		if (!ld->stopped || !on_i(ld, IXANY))
			return false;
		start = true;
	}
	if (stop != ld->stopped) {
		ld->stopped = stop;
		ld->ops->output_stop(ld, stop);
	}
	return stop || is_cc(ld, c, VSTART);
}

/* Input mapping of c_iflag: false when the byte vanishes. */
static bool map_input(const struct ldisc *ld, uint8_t *c)
{
	if (*c == '\r') {
		if (on_i(ld, IGNCR))
			return false;
		if (on_i(ld, ICRNL))
			*c = '\n';
	} else if (*c == '\n' && on_i(ld, INLCR)) {
		*c = '\r';
	}
	if (on_i(ld, IUCLC) && on_l(ld, IEXTEN) && *c >= 'A' && *c <= 'Z')
		*c += 32;
	return true;
}

static void ordinary(struct ldisc *ld, uint8_t c)
{
	bool is_doubled = c == 0xff && on_i(ld, PARMRK);

	if (on_l(ld, ICANON)) {
		if (used(ld) + is_doubled >= LDISC_BYTES - 1) { /* room stays for the line's end */
			if (on_i(ld, IMAXBEL))
				put(ld, '\a');
			return;
		}
		if (ld->head == ld->canon_head)
			ld->canon_column = ld->column;
	}
	finish_erasing(ld);
	echo(ld, c);
	if (is_doubled && used(ld) < LDISC_BYTES - 1)
		store(ld, c, false);
	store(ld, c, false);
}

static void receive_byte(struct ldisc *ld, uint8_t c)
{
	if (on_i(ld, ISTRIP))
		c &= 0x7f;
	if (ld->literal) {
		ld->literal = false;
		ordinary(ld, c);
		return;
	}
	if (start_stop(ld, c) || signals(ld, c) || !map_input(ld, &c))
		return;
	if (on_l(ld, ICANON) && on_l(ld, IEXTEN) && is_cc(ld, c, VLNEXT)) {
		ld->literal = true;
		if (on_l(ld, ECHO) && on_l(ld, ECHOCTL)) {
			put(ld, '^');
			put(ld, '\b');
		}
		return;
	}
	if (on_l(ld, ICANON) && canonical(ld, c))
		return;
	ordinary(ld, c);
}

size_t ldisc_receive(struct ldisc *ld, const uint8_t *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		/* A full ring that a reader can empty takes nothing but signals and ^Q; the rest
		 * waits with the caller. */
		if (used(ld) >= LDISC_BYTES - 1 &&
			(!on_l(ld, ICANON) || ld->canon_head != ld->tail)) {
			if (!signals(ld, s[i]) && !start_stop(ld, s[i]))
				break;
			continue;
		}
		receive_byte(ld, s[i]);
	}
	flow_update(ld);
	return i;
}

void ldisc_break(struct ldisc *ld)
{
	if (on_i(ld, IGNBRK))
		return;
	if (on_i(ld, BRKINT)) {
		ldisc_flush(ld);
		ld->ops->signal(ld, SIGINT, true);
		return;
	}
	if (used(ld) < LDISC_BYTES - 4) {
		if (on_i(ld, PARMRK)) {
			store(ld, 0xff, false);
			store(ld, 0, false);
		}
		store(ld, 0, false);
	}
}

/* ---- reading ---- */

void ldisc_modes_changed(struct ldisc *ld, const struct termios *old)
{
	if ((old->c_lflag ^ ld->t->c_lflag) & ICANON) {
		if (on_l(ld, ICANON)) {
			if (used(ld))
				bit_set(ld->end, (ld->head - 1) & MASK);
			ld->canon_head = ld->head; /* raw reading does not move it */
		}
		ld->literal = false;
	}
	if (!on_i(ld, IXON) && ld->stopped) {
		ld->stopped = false;
		ld->ops->output_stop(ld, false);
	}
}

/* Length of the first line with its delimiter; canon_head != tail. */
static uint32_t line_length(const struct ldisc *ld)
{
	uint32_t i = ld->tail;

	while (i != ld->canon_head && !bit_test(ld->end, i & MASK))
		i++;
	return i - ld->tail + (i != ld->canon_head);
}

static bool is_eof_mark(const struct ldisc *ld, uint32_t at)
{
	return bit_test(ld->end, at & MASK) && ld->buf[at & MASK] == 0;
}

size_t ldisc_available(const struct ldisc *ld, bool *eof)
{
	uint32_t n;

	*eof = false;
	if (!on_l(ld, ICANON))
		return used(ld);
	if (ld->canon_head == ld->tail)
		return 0;
	n = line_length(ld);
	if (is_eof_mark(ld, ld->tail + n - 1))
		*eof = n == 1, n--;
	return n;
}

size_t ldisc_queued(const struct ldisc *ld)
{
	return on_l(ld, ICANON) ? ld->canon_head - ld->tail : used(ld);
}

size_t ldisc_take(struct ldisc *ld, uint8_t *to, size_t n)
{
	bool eof, is_ended;
	size_t have = ldisc_available(ld, &eof), i;

	n = MIN(n, have);
	for (i = 0; i < n; i++)
		to[i] = ld->buf[ld->tail++ & MASK];
	/* A read that empties the line up to its VEOF takes the mark along, not the next line's. */
	is_ended = n && bit_test(ld->end, (ld->tail - 1) & MASK);
	if (on_l(ld, ICANON) && n == have && !is_ended && ld->canon_head != ld->tail &&
		is_eof_mark(ld, ld->tail))
		ld->tail++;
	flow_update(ld);
	return n;
}
