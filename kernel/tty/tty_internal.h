/*
 * tty_internal.h - struct tty, as the files of this room see it.
 */
#pragma once
#include "ldisc.h"
#include <file.h>
#include <mutex.h>
#include <rcu.h>
#include <tty.h>
#include <workqueue.h>

#define TTY_RING                                                                                   \
	4096u /* bytes from an interrupt that the discipline has not seen yet; power of two */

/* Key: [c] constant  [l] ->lock  [i] ->in_lock  [s] ->spin */
struct tty {
	refcount_t refs;
	char name[16];                    /* [c] */
	dev_t dev;                        /* [c] */
	const struct tty_driver_ops *ops; /* [c] */
	void *driver;                     /* [c] */

	struct mutex lock;      /* discipline, modes, opening */
	struct ldisc ld;        /* [l] */
	struct termios termios; /* [l] */
	struct winsize winsize; /* [l] */
	uint32_t opens;         /* [l] */
	uint32_t hangups;       /* [l] bumped: files opened before are dead */
	bool exclusive;         /* [l] TIOCEXCL */
	struct termios kept;    /* [l] TIOCSLCKTRMIOS: what of ->termios may not change */
	bool far_end_gone;      /* a pty whose master is closed, once and for ever */
	uint8_t echo[256];      /* [l] echo that the driver had no room for */
	uint32_t echo_len;      /* [l] */

	struct mutex write_lock; /* one write(2) at a time, so that writes do not mix */
	struct wait_queue read_wait, write_wait;

	struct spinlock in_lock;       /* irq-save */
	uint8_t ring[TTY_RING];        /* [i] */
	uint32_t ring_head, ring_tail; /* [i] */
	uint32_t breaks;               /* [i] */
	struct mutex work_lock;        /* the work item runs once at a time: bytes stay in order */
	struct work work;              /* ring to discipline; echo when there is room */

	struct spinlock spin; /* leaf */
	pid_t session, pgrp;  /* [s] */

	struct rcu_head rcu; /* openers find it by number and take a reference from non-zero */
};

extern const struct file_ops tty_fops;
/* An initialised terminal that nobody knows yet. */
struct tty *tty_alloc(
	const char *name, dev_t dev, const struct tty_driver_ops *ops, void *driver) __must_check;
/* Attach @f to @t: counts the open, takes the controlling terminal when the rules say so. Takes
 * over a reference on success. */
int __must_check tty_open_file(struct tty *t, struct file *f);
/* Process-context input that can push back (pty): returns how many bytes were taken. */
size_t tty_receive(struct tty *t, const uint8_t *s, size_t n);
bool tty_has_room(struct tty *t);    /* its discipline takes input now */
void pty_slave_freed(struct tty *t); /* pty.c: the last reference went */
/* Does @i name this very pty, not an earlier one with its number? True of all other nodes. */
bool pty_is_named_by(const struct tty *t, const struct inode *i);
struct tty *tty_of(const struct file *f);
bool tty_file_dead(const struct tty *t,
	const struct file *f); /* hung up since it was opened; t->lock held or racy */
long tty_ioctl(struct file *f, unsigned cmd, void *arg); /* tty_ioctl.c */
long tty_mode_ioctl(
	struct tty *t, unsigned cmd, void *arg); /* modes and window size; -ENOTTY: another */
/* A change of modes by the current task, if it is in the background: 0, -EIO, -ERESTARTSYS. */
int __must_check tty_check_change(struct tty *t);
int __must_check tty_set_controlling(struct tty *t, bool steal);
void tty_drop_controlling(struct tty *t);  /* TIOCNOTTY */
int __must_check tty_drain(struct tty *t); /* wait until output is gone */
void tty_flush_input(struct tty *t);
int pty_init(void);
int __must_check tty_console_current(struct tty **out); /* /dev/console's terminal, referenced */
