/*
 * vts.h - struct console, one virtual terminal, as the files of this room see it. Theory:
 * console.c.
 */
#pragma once
#include <spinlock.h>
#include <tty.h>
#include <vt.h>

#define NR_CONSOLES 6u
struct keyboard_ops;

/* Key: [c] constant after boot  [l] console_lock */
struct console {
	struct tty *tty; /* [c] */
	struct vt *vt;   /* [l] NULL until first needed */
	uint8_t kbmode;  /* [l] enum console_kbmode */
	bool graphics;   /* [l] KD_GRAPHICS: a program draws */
	bool is_open;    /* [l] */
};
extern struct console consoles[NR_CONSOLES];
extern struct spinlock console_lock; /* irq-save, leaf: log lines come from everywhere */
extern unsigned console_front;       /* [l] index of what is on the screen and gets the keys */
extern const struct keyboard_ops *console_keyboard;

int __must_check console_use(
	struct console *c); /* make sure that it has its cells; may sleep. 0 or -ENOMEM */
int __must_check console_bring_to_front(unsigned index); /* may sleep */
int __must_check console_free(struct console *c);    /* its cells; -EBUSY when they are needed */
int __must_check console_wait_front(unsigned index); /* 0 or -ERESTARTSYS */
void console_redraw(bool forget);                    /* soon; @forget: all of it */
long console_ioctl(struct tty *t, unsigned cmd, void *arg);
