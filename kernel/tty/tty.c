/*
 * tty.c - terminals: opening, reading, writing, polling, hanging up.
 *
 * Theory. A struct tty joins a driver (serial line, virtual console, pty) and a line discipline
 * (ldisc.c). Drivers deliver input from interrupts into a ring; a work item runs it through the
 * discipline under tty->lock, where echo and signals arise. Output is processed in pieces that the
 * driver has room for, so a write that a signal interrupts knows what it has written. Ptys have
 * process context and skip the ring (tty_receive()).
 *
 * Sessions. tty->session is the session that it controls, tty->pgrp the foreground group (under
 * ->spin). Rules: POSIX.1-2017, 11.1.3 and 11.1.4; a background reader gets SIGTTIN or EIO, a
 * background writer SIGTTOU if TOSTOP.
 *
 * Hangup. A file remembers the count of hangups at its opening; when the counts differ, reads give
 * 0, writes EIO, poll POLLHUP.
 *
 * Lifetimes. Consoles and serial lines live for ever; ptys are counted by both ends and freed by
 * the last tty_put().
 *
 * Locks: write_lock, work_lock > lock > in_lock, spin. Signals are sent with lock held; they take
 * proc's spinlocks only.
 */
#include "tty_internal.h"
#include <cred.h>
#include <error.h>
#include <log.h>
#include <signum.h>
#include <slab.h>
#include <sched.h>
#include <string.h>
#include <time.h>

const struct tty_proc_ops *tty_proc_ops;

static const struct termios default_termios = {
	.c_iflag = ICRNL | IXON,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B38400 | CS8 | CREAD | HUPCL,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_cc = {[VINTR] = 3,
		[VQUIT] = 28,
		[VERASE] = 127,
		[VKILL] = 21,
		[VEOF] = 4,
		[VTIME] = 0,
		[VMIN] = 1,
		[VSTART] = 17,
		[VSTOP] = 19,
		[VSUSP] = 26,
		[VREPRINT] = 18,
		[VDISCARD] = 15,
		[VWERASE] = 23,
		[VLNEXT] = 22},
	.c_ispeed = 38400,
	.c_ospeed = 38400,
};

/* ---- what the discipline asks for ---- */

static void flush_echo_locked(struct tty *t)
{
	size_t n = t->echo_len ? t->ops->write(t, t->echo, t->echo_len) : 0;

	if (!n)
		return;
	t->echo_len -= (uint32_t)n;
	memmove(t->echo, t->echo + n, t->echo_len);
}

/* Echo is gathered and written when the input that caused it is through: a signal among that drops
 * it. */
static void do_echo(struct ldisc *ld, const uint8_t *s, size_t n)
{
	struct tty *t = ld->owner;

	if (t->echo_len + n > sizeof(t->echo))
		flush_echo_locked(t);
	n = MIN(n, sizeof(t->echo) -
			   t->echo_len); /* a terminal that takes no output loses echo in the end */
	memcpy(t->echo + t->echo_len, s, n);
	t->echo_len += (uint32_t)n;
}

static void do_signal(struct ldisc *ld, int sig, bool flush)
{
	struct tty *t = ld->owner;
	pid_t pgrp = tty_foreground_pgrp(t);

	if (flush) {
		t->echo_len = 0;
		if (t->ops->flush)
			t->ops->flush(t, true, true);
	}
	if (pgrp && tty_proc_ops)
		tty_proc_ops->signal_pgrp(pgrp, sig);
}

static void do_output_stop(struct ldisc *ld, bool stop)
{
	struct tty *t = ld->owner;

	if (!stop)
		wake_up_all(&t->write_wait);
}

static void do_flow(struct ldisc *ld, bool stop)
{
	struct tty *t = ld->owner;
	uint8_t c = t->termios.c_cc[stop ? VSTOP : VSTART];

	do_echo(ld, &c, 1);
	flush_echo_locked(t);
}

static const struct ldisc_ops ldisc_ops = {
	.echo = do_echo, .signal = do_signal, .output_stop = do_output_stop, .flow = do_flow};

/* ---- making ---- */

static void tty_work(struct work *w);

static void set_default_modes(struct tty *t)
{
	t->termios = default_termios;
	t->termios.c_iflag |= t->ops->iflag;
	t->termios.c_cflag &= ~t->ops->cflag_without;
}

struct tty *tty_alloc(const char *name, dev_t dev, const struct tty_driver_ops *ops, void *driver)
{
	struct tty *t = kzalloc(sizeof(*t));

	if (!t)
		return NULL;
	refcount_set(&t->refs, 1);
	strlcpy(t->name, name, sizeof(t->name));
	t->dev = dev;
	t->ops = ops;
	t->driver = driver;
	mutex_init(&t->lock);
	mutex_init(&t->write_lock);
	mutex_init(&t->work_lock);
	spin_init(&t->in_lock);
	spin_init(&t->spin);
	wait_queue_init(&t->read_wait);
	wait_queue_init(&t->write_wait);
	work_init(&t->work, tty_work);
	set_default_modes(t);
	ldisc_init(&t->ld, &ldisc_ops, t, &t->termios);
	return t;
}

int tty_register(const char *name, dev_t dev, const struct tty_driver_ops *ops, void *driver,
	struct tty **out)
{
	struct tty *t = tty_alloc(name, dev, ops, driver);
	int err;

	if (!t)
		return -ENOMEM;
	*out = t; /* the driver may be asked to open it as soon as it is registered */
	err = chrdev_register(dev, name, 0620, &tty_fops, t);
	if (err) {
		*out = NULL;
		kfree(t);
	}
	return err;
}

struct tty *tty_get(struct tty *t)
{
	refcount_inc(&t->refs);
	return t;
}

static void tty_free(struct rcu_head *h)
{
	kfree(container_of(h, struct tty, rcu));
}

void tty_put(struct tty *t)
{
	if (!refcount_dec(&t->refs))
		return;
	pty_slave_freed(t);
	rcu_call(&t->rcu, tty_free);
}

void *tty_driver_data(const struct tty *t)
{
	return t->driver;
}
const struct termios *tty_termios(const struct tty *t)
{
	return &t->termios;
}
dev_t tty_dev(const struct tty *t)
{
	return t->dev;
}

pid_t tty_foreground_pgrp(const struct tty *t)
{
	return READ_ONCE(t->pgrp);
}

/* ---- input ---- */

size_t tty_receive(struct tty *t, const uint8_t *s, size_t n)
{
	bool eof;
	size_t took;

	mutex_lock(&t->lock);
	took = ldisc_receive(&t->ld, s, n);
	flush_echo_locked(t);
	if (ldisc_available(&t->ld, &eof) || eof)
		wake_up_key(&t->read_wait, POLLIN | POLLRDNORM);
	mutex_unlock(&t->lock);
	if (wait_queue_active(&t->write_wait)) /* a writer may have seen the echo gathered */
		wake_up_key(&t->write_wait, POLLOUT | POLLWRNORM);
	return took;
}

bool tty_has_room(struct tty *t)
{
	bool room, eof;

	mutex_lock(&t->lock);
	room = t->ld.head - t->ld.tail < LDISC_BYTES - 1 ||
	       ((t->termios.c_lflag & ICANON) && !ldisc_available(&t->ld, &eof) && !eof);
	mutex_unlock(&t->lock);
	return room;
}

static size_t ring_peek(struct tty *t, uint8_t *to, size_t size, uint32_t *at)
{
	unsigned long f = spin_lock_irq(&t->in_lock);
	size_t n = MIN((size_t)(t->ring_head - t->ring_tail), size), i;

	*at = t->ring_tail;
	for (i = 0; i < n; i++)
		to[i] = t->ring[(t->ring_tail + i) % TTY_RING];
	spin_unlock_irq(&t->in_lock, f);
	return n;
}

static void tty_work(struct work *w)
{
	struct tty *t = container_of(w, struct tty, work);
	uint8_t chunk[128];
	size_t n, took;
	uint32_t at;

	mutex_lock(&t->work_lock);
	do {
		n = ring_peek(t, chunk, sizeof(chunk), &at);
		took = tty_receive(t, chunk, n);
		unsigned long f = spin_lock_irq(&t->in_lock);
		if (t->ring_tail == at) /* else it was flushed meanwhile */
			t->ring_tail += (uint32_t)took;
		uint32_t breaks = t->breaks;
		t->breaks = 0;
		spin_unlock_irq(&t->in_lock, f);
		mutex_lock(&t->lock);
		while (breaks--)
			ldisc_break(&t->ld);
		flush_echo_locked(t);
		mutex_unlock(&t->lock);
	} while (took == sizeof(chunk));
	mutex_unlock(&t->work_lock);
	wake_up_key(&t->write_wait, POLLOUT | POLLWRNORM);
	tty_put(t);
}

/* The work holds a reference: a pty may be closed before it runs. */
static void start_work(struct tty *t)
{
	refcount_inc(&t->refs);
	if (!work_queue(&t->work))
		tty_put(t); /* not the last: the caller has one */
}

void tty_input(struct tty *t, const uint8_t *s, size_t n)
{
	unsigned long f = spin_lock_irq(&t->in_lock);
	size_t i;

	for (i = 0; i < n && t->ring_head - t->ring_tail < TTY_RING; i++)
		t->ring[t->ring_head++ % TTY_RING] =
			s[i]; /* what does not fit is an overrun: lost, as on any line */
	spin_unlock_irq(&t->in_lock, f);
	start_work(t);
}

void tty_input_break(struct tty *t)
{
	unsigned long f = spin_lock_irq(&t->in_lock);

	t->breaks++;
	spin_unlock_irq(&t->in_lock, f);
	start_work(t);
}

void tty_write_wakeup(struct tty *t)
{
	if (READ_ONCE(t->echo_len))
		start_work(t);
	wake_up_key(&t->write_wait, POLLOUT | POLLWRNORM);
}

void tty_flush_input(struct tty *t)
{
	unsigned long f = spin_lock_irq(&t->in_lock);

	t->ring_tail = t->ring_head;
	spin_unlock_irq(&t->in_lock, f);
	mutex_lock(&t->lock);
	ldisc_flush(&t->ld);
	mutex_unlock(&t->lock);
	if (t->ops->flush)
		t->ops->flush(t, true, false);
}

/* ---- job control ---- */

static bool in_background(const struct tty *t)
{
	struct tty *mine;
	bool back;

	if (!tty_proc_ops || !READ_ONCE(t->session) || tty_proc_ops->session() != t->session)
		return false;
	mine = tty_proc_ops->session_tty();
	back = mine == t && READ_ONCE(t->pgrp) && tty_proc_ops->pgrp() != t->pgrp;
	if (mine)
		tty_put(mine);
	return back;
}

static int check_read(struct tty *t)
{
	if (!in_background(t))
		return 0;
	if (tty_proc_ops->ignores(SIGTTIN) || tty_proc_ops->pgrp_orphaned())
		return -EIO;
	tty_proc_ops->signal_pgrp(tty_proc_ops->pgrp(), SIGTTIN);
	return -ERESTARTSYS;
}

int tty_check_change(struct tty *t)
{
	if (!in_background(t) || tty_proc_ops->ignores(SIGTTOU))
		return 0;
	if (tty_proc_ops->pgrp_orphaned())
		return -EIO;
	tty_proc_ops->signal_pgrp(tty_proc_ops->pgrp(), SIGTTOU);
	return -ERESTARTSYS;
}

int tty_set_controlling(struct tty *t, bool steal)
{
	pid_t me = tty_proc_ops->session(), old;
	int err;

	if (READ_ONCE(t->session) == me)
		return tty_proc_ops->is_leader() ? 0 : -EPERM;
	if (!tty_proc_ops->is_leader())
		return -EPERM;
	old = READ_ONCE(t->session);
	if (old) {
		if (!steal || !capable(CAP_SYS_ADMIN))
			return -EPERM;
		tty_proc_ops->clear_session_tty(old);
	}
	err = tty_proc_ops->set_session_tty(t);
	if (err)
		return err;
	spin_lock(&t->spin);
	t->session = me;
	t->pgrp = tty_proc_ops->pgrp();
	spin_unlock(&t->spin);
	return 0;
}

void tty_session_ends(struct tty *t, pid_t session)
{
	pid_t pgrp;

	spin_lock(&t->spin);
	if (t->session != session) {
		spin_unlock(&t->spin);
		return;
	}
	pgrp = t->pgrp;
	t->session = t->pgrp = 0;
	spin_unlock(&t->spin);
	if (pgrp) {
		tty_proc_ops->signal_pgrp(pgrp, SIGHUP);
		tty_proc_ops->signal_pgrp(pgrp, SIGCONT);
	}
}

void tty_drop_controlling(struct tty *t)
{
	if (tty_proc_ops->is_leader()) {
		pid_t me = tty_proc_ops->session();

		tty_proc_ops->set_session_tty(NULL);
		tty_session_ends(t, me);
	}
}

/* ---- opening, closing, hanging up ---- */

/* What an open file keeps. */
struct tty_file {
	struct tty *tty;
	uint32_t hangups;
};

struct tty *tty_of(const struct file *f)
{
	return ((const struct tty_file *)f->private)->tty;
}

bool tty_file_dead(const struct tty *t, const struct file *f)
{
	return READ_ONCE(t->hangups) != ((const struct tty_file *)f->private)->hangups;
}

int tty_open_file(struct tty *t, struct file *f)
{
	struct tty_file *tf;
	int err = 0;

	tf = kmalloc(sizeof(*tf), GFP_KERNEL);
	if (!tf)
		return -ENOMEM;
	mutex_lock(&t->lock);
	if (t->exclusive && t->opens && !capable(CAP_SYS_ADMIN))
		err = -EBUSY;
	else if (t->ops->open)
		err = t->ops->open(t);
	if (!err) {
		t->opens++;
		*tf = (struct tty_file){t, t->hangups};
	}
	mutex_unlock(&t->lock);
	if (err) {
		kfree(tf);
		return err;
	}
	f->private = tf;
	f->ops = &tty_fops;
	/* A session leader without a terminal gets the first one that it opens (no error if it does
	 * not). */
	if (!(f->flags & O_NOCTTY) && !READ_ONCE(t->session) && tty_proc_ops &&
		tty_proc_ops->is_leader()) {
		struct tty *mine = tty_proc_ops->session_tty();

		if (mine)
			tty_put(mine);
		else if (tty_set_controlling(t, false))
			log_debug("%s: not made controlling", t->name);
	}
	return 0;
}

static int tty_open(struct inode *i, struct file *f)
{
	struct tty *t;
	int err;

	/* A pty's master may be closing it right now. */
	rcu_read_lock();
	t = chrdev_private(i);
	if (t && !refcount_inc_not_zero(&t->refs))
		t = NULL;
	rcu_read_unlock();
	if (!t)
		return -ENXIO;
	err = pty_is_named_by(t, i) ? tty_open_file(t, f) : -EIO;
	if (err)
		tty_put(t);
	return err;
}

static void tty_release(struct file *f)
{
	struct tty *t = tty_of(f);
	bool last;

	mutex_lock(&t->lock);
	last = --t->opens == 0;
	if (last) {
		t->exclusive = false;
		t->kept = (struct termios){0};
	}
	if (last && t->ops->close)
		t->ops->close(t); /* under the lock: in order with the next open */
	mutex_unlock(&t->lock);
	kfree(f->private);
	tty_put(t);
}

void tty_hangup(struct tty *t)
{
	pid_t session, pgrp;

	mutex_lock(&t->lock);
	t->hangups++;
	set_default_modes(t);
	ldisc_flush(&t->ld);
	mutex_unlock(&t->lock);
	spin_lock(&t->spin);
	session = t->session;
	pgrp = t->pgrp;
	t->session = t->pgrp = 0;
	spin_unlock(&t->spin);
	if (session && tty_proc_ops) {
		tty_proc_ops->signal_session(session, SIGHUP);
		tty_proc_ops->signal_session(session, SIGCONT);
		tty_proc_ops->clear_session_tty(session);
		if (pgrp) {
			tty_proc_ops->signal_pgrp(pgrp, SIGHUP);
			tty_proc_ops->signal_pgrp(pgrp, SIGCONT);
		}
	}
	if (t->ops->hangup)
		t->ops->hangup(t);
	wake_up_all(&t->read_wait);
	wake_up_all(&t->write_wait);
}

/* ---- reading ---- */

/* Is there what a read of these modes waits for? @got: bytes that this read has already taken. */
static bool readable(struct tty *t, const struct file *f, size_t want, bool *eof)
{
	size_t have;

	mutex_lock(&t->lock);
	have = ldisc_available(&t->ld, eof);
	mutex_unlock(&t->lock);
	return have >= MAX(want, (size_t)1) || *eof || tty_file_dead(t, f) ||
	       (have && (t->termios.c_lflag & ICANON));
}

/* Wait as c_lflag, VMIN and VTIME say: termios(3), noncanonical mode. 0, -EAGAIN, -ERESTARTSYS,
 * -ETIME (deliver what is there). */
static int wait_readable(struct tty *t, struct file *f, size_t count)
{
	bool canon = t->termios.c_lflag & ICANON, eof;
	unsigned vmin = t->termios.c_cc[VMIN], vtime = t->termios.c_cc[VTIME];
	uint64_t tenth = NSEC_PER_SEC / 10;
	size_t want = canon ? 1 : MIN((size_t)vmin, count);
	int err;

	if (readable(t, f, want, &eof))
		return 0;
	if (f->flags & O_NONBLOCK)
		return readable(t, f, 1, &eof) || (!canon && !vmin && !vtime) ? 0 : -EAGAIN;
	if (canon || (vmin && !vtime))
		return wait_event_interruptible(&t->read_wait, readable(t, f, want, &eof));
	if (!vmin)
		return vtime ? wait_event_deadline(&t->read_wait, readable(t, f, 1, &eof),
				       clock_ns() + vtime * tenth)
			     : 0;
	/* The timer runs between bytes, from the first one on. */
	err = wait_event_interruptible(&t->read_wait, readable(t, f, 1, &eof));
	for (size_t had = 1; !err && had < want; had++)
		err = wait_event_deadline(
			&t->read_wait, readable(t, f, had + 1, &eof), clock_ns() + vtime * tenth);
	return err;
}

static ssize_t take(struct tty *t, struct iov_iter *to)
{
	uint8_t chunk[128];
	ssize_t done = 0;
	bool eof;

	while (to->count) {
		mutex_lock(&t->lock);
		bool canon = t->termios.c_lflag & ICANON;
		size_t line = ldisc_available(&t->ld, &eof);
		size_t n = ldisc_take(&t->ld, chunk, MIN(sizeof(chunk), to->count));
		mutex_unlock(&t->lock);
		if (!n || copy_to_iter(chunk, n, to) != n)
			return done ? done : n ? -EFAULT : 0;
		done += (ssize_t)n;
		if (canon && n == line)
			break; /* a read never takes from two lines */
	}
	return done;
}

static ssize_t tty_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	struct tty *t = tty_of(f);
	ssize_t n;
	int err;

	(void)pos;
	if (!to->count || tty_file_dead(t, f))
		return 0;
	for (;;) {
		err = check_read(t);
		if (err)
			return err;
		err = wait_readable(t, f, to->count);
		if (err && err != -ETIME)
			return err;
		if (tty_file_dead(t, f)) /* while it waited */
			return READ_ONCE(t->far_end_gone) ? -EIO : 0;
		bool eof;
		mutex_lock(&t->lock);
		ldisc_available(&t->ld, &eof);
		mutex_unlock(&t->lock);
		n = take(t, to);
		if (n || eof || err == -ETIME || !t->termios.c_cc[VMIN])
			break;
		/* another reader was faster */
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
	}
	if (READ_ONCE(t->ring_head) != READ_ONCE(t->ring_tail))
		start_work(t);
	if (t->ops->throttle)
		t->ops->throttle(t, false);
	return n;
}

/* ---- writing ---- */

/* Process up to @n bytes as far as the driver has room: returns how many were consumed. */
static size_t write_some(struct tty *t, const uint8_t *s, size_t n)
{
	uint8_t out[512];
	size_t room, used = 0, i;

	mutex_lock(&t->lock);
	flush_echo_locked(t);
	room = t->echo_len || t->ld.stopped ? 0 : MIN(t->ops->write_room(t), sizeof(out));
	for (i = 0; i < n && used + 8 <= room; i++)
		used += ldisc_output(&t->ld, s[i], out + used);
	if (used)
		t->ops->write(t, out, used); /* there was room */
	mutex_unlock(&t->lock);
	return i;
}

static bool writable(struct tty *t, const struct file *f)
{
	return tty_file_dead(t, f) ||
	       (!t->ld.stopped && t->ops->write_room(t) >= 8 && !READ_ONCE(t->echo_len));
}

static ssize_t write_all(struct tty *t, struct file *f, struct iov_iter *from)
{
	uint8_t chunk[256];
	ssize_t done = 0;

	while (from->count) {
		size_t n = copy_from_iter(chunk, MIN(from->count, sizeof(chunk)), from), at = 0;

		if (!n)
			return done ? done : -EFAULT;
		while (at < n) {
			size_t took = tty_file_dead(t, f) ? 0 : write_some(t, chunk + at, n - at);
			int err = took                    ? 0
				  : tty_file_dead(t, f)   ? -EIO
				  : f->flags & O_NONBLOCK ? -EAGAIN
							  : wait_event_interruptible(
								    &t->write_wait, writable(t, f));

			at += took;
			done += (ssize_t)took;
			if (err) {
				iov_iter_revert(from, n - at);
				return done ? done : err;
			}
		}
		if (from->count && task_interrupted(current, TASK_INTERRUPTIBLE))
			break;
		cond_resched();
	}
	return done;
}

static ssize_t tty_write(struct file *f, struct iov_iter *from, int64_t *pos)
{
	struct tty *t = tty_of(f);
	ssize_t n;
	int err;

	(void)pos;
	if (tty_file_dead(t, f))
		return -EIO;
	if (t->termios.c_lflag & TOSTOP) {
		err = tty_check_change(t);
		if (err)
			return err;
	}
	err = mutex_lock_interruptible(&t->write_lock);
	if (err)
		return err;
	n = write_all(t, f, from);
	mutex_unlock(&t->write_lock);
	return n;
}

int tty_drain(struct tty *t)
{
	return wait_event_interruptible(
		&t->write_wait, !READ_ONCE(t->echo_len) && t->ops->write_room(t) >= 64);
}

static unsigned tty_poll(struct file *f, struct poll_table *pt)
{
	struct tty *t = tty_of(f);
	unsigned mask = 0;
	size_t want = 1;
	bool eof;

	poll_wait(pt, f, &t->read_wait);
	poll_wait(pt, f, &t->write_wait);
	if (!(t->termios.c_lflag & ICANON) && !t->termios.c_cc[VTIME] && t->termios.c_cc[VMIN])
		want = t->termios.c_cc[VMIN];
	if (readable(t, f, want, &eof))
		mask |= POLLIN | POLLRDNORM;
	if (tty_file_dead(t, f))
		return mask | POLLHUP | POLLERR | POLLOUT | POLLWRNORM;
	if (writable(t, f))
		mask |= POLLOUT | POLLWRNORM;
	return mask;
}

const struct file_ops tty_fops = {
	.open = tty_open,
	.release = tty_release,
	.read = tty_read,
	.write = tty_write,
	.poll = tty_poll,
	.ioctl = tty_ioctl,
};
