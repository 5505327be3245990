/*
 * ldisc.h - the line discipline as pure logic: input bytes in, echo, signals and lines out.
 *
 * No locks, no sleeping, no kernel services: tty.c supplies those and host tests supply fakes.
 */
#pragma once
#include <bitmap.h>
#include <termios.h>

#define LDISC_BYTES                                                                                \
	4096u /* power of two; a canonical line holds one less: MAX_CANON is 255, Linux gives 4095 \
	       */

struct ldisc;
struct ldisc_ops {
	void (*echo)(struct ldisc *ld, const uint8_t *s,
		size_t n); /* processed bytes for the terminal */
	void (*signal)(struct ldisc *ld, int sig,
		bool flush); /* to the foreground group; flush: drop pending output */
	void (*output_stop)(struct ldisc *ld, bool stop); /* ^S and ^Q */
	void (*flow)(struct ldisc *ld, bool stop);        /* IXOFF: ask the other side to stop */
};
struct ldisc {
	const struct ldisc_ops *ops;
	void *owner;
	const struct termios *t;
	uint8_t buf[LDISC_BYTES];
	DECLARE_BITMAP(end, LDISC_BYTES); /* byte is a line's last (canonical) */
	uint32_t head, tail;              /* free-running: written, read */
	uint32_t canon_head;              /* behind the last complete line */
	uint32_t column, canon_column;    /* of the cursor; where the line being typed began */
	bool literal;                     /* after VLNEXT */
	bool erasing;                     /* ECHOPRT: a backslash is shown, its / not yet */
	bool stopped, flow_stopped, packet_start;
};

void ldisc_init(
	struct ldisc *ld, const struct ldisc_ops *ops, void *owner, const struct termios *t);
/* Bytes from the terminal. Returns how many were taken: fewer when the buffer is full (the rest is
 * the caller's to keep). */
size_t ldisc_receive(struct ldisc *ld, const uint8_t *s, size_t n);
void ldisc_break(struct ldisc *ld);
/* The modes changed from @old: move between canonical and raw reading. */
void ldisc_modes_changed(struct ldisc *ld, const struct termios *old);
/* How many bytes a read could take now; canonical: of the first line, 0 if none is complete. *eof:
 * an empty line ended by VEOF waits. */
size_t ldisc_available(const struct ldisc *ld, bool *eof);
size_t ldisc_queued(const struct ldisc *ld); /* FIONREAD */
/* Take up to @n bytes as read(2) would. A VEOF mark is consumed and not delivered. */
size_t ldisc_take(struct ldisc *ld, uint8_t *to, size_t n);
void ldisc_flush(struct ldisc *ld);
/* OPOST: one byte of output into @out (8 bytes at most); returns how many. */
unsigned ldisc_output(struct ldisc *ld, uint8_t c, uint8_t out[8]);
