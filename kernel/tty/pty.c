/*
 * pty.c - pseudo terminals: /dev/ptmx makes a pair, the slave is a terminal like any other, the
 * master is its far end.
 *
 * Slave to master: the slave's driver puts processed output into the pair's ring, from which the
 * master reads. Master to slave: a write runs through the slave's discipline at once and waits when
 * that is full. Closing the master hangs the slave up; when the last slave file closes, the master
 * reads EIO until one is opened again (pty(7), ioctl_tty(2)). The pair lives until both ends are
 * closed. Lock order: pairs_lock (mutex) > slave tty->lock > pair->spin.
 */
#include "tty_internal.h"
#include <cred.h>
#include <dev.h>
#include <error.h>
#include <printf.h>
#include <pty.h>
#include <sched.h>
#include <slab.h>
#include <task.h>
#include <string.h>
#include <time.h>
#include <vfs.h>

#define PTY_RING 8192u

/* Key: [p] pairs_lock  [r] ->spin  [c] constant */
struct pair {
	struct tty *slave;                       /* [c] holds one reference */
	unsigned index;                          /* [c] */
	struct pty_node node;                    /* [p] */
	bool locked;                             /* [p] TIOCSPTLCK */
	bool master_open;                        /* [p] */
	struct spinlock spin;                    /* leaf */
	uint8_t ring[PTY_RING];                  /* [r] */
	uint32_t head, tail;                     /* [r] free-running */
	bool slave_closed;                       /* [r] opened once and closed again */
	bool packet;                             /* [r] TIOCPKT */
	uint8_t packet_event;                    /* [r] */
	struct wait_queue read_wait, write_wait; /* of the master */
};
static struct pair *pairs[PTY_MAX]; /* [p] */
static struct mutex pairs_lock = MUTEX_INIT(pairs_lock);

enum {
	TIOCPKT_FLUSHREAD = 1,
	TIOCPKT_FLUSHWRITE = 2,
	TIOCPKT_STOP = 4,
	TIOCPKT_START = 8,
	TIOCPKT_NOSTOP = 16,
	TIOCPKT_DOSTOP = 32
};

/* ---- the slave's driver ---- */

static size_t slave_write(struct tty *t, const uint8_t *s, size_t n)
{
	struct pair *p = tty_driver_data(t);
	size_t i, first;

	spin_lock(&p->spin);
	n = MIN(n, (size_t)(PTY_RING - (p->head - p->tail)));
	i = p->head % PTY_RING;
	first = MIN(n, PTY_RING - i);
	memcpy(p->ring + i, s, first);
	memcpy(p->ring, s + first, n - first);
	p->head += (uint32_t)n;
	spin_unlock(&p->spin);
	if (n)
		wake_up_key(&p->read_wait, POLLIN | POLLRDNORM);
	return n;
}

static size_t slave_room(struct tty *t)
{
	struct pair *p = tty_driver_data(t);

	return PTY_RING - (READ_ONCE(p->head) - READ_ONCE(p->tail));
}

static int slave_open(struct tty *t)
{
	struct pair *p = tty_driver_data(t);

	if (p->locked || !p->master_open)
		return -EIO;
	p->slave_closed = false;
	return 0;
}

static void slave_close(struct tty *t)
{
	struct pair *p = tty_driver_data(t);

	p->slave_closed = true;
	wake_up_all(&p->read_wait);
	wake_up_all(&p->write_wait);
}

/* The slave's reader made room. */
static void slave_throttle(struct tty *t, bool stop)
{
	struct pair *p = tty_driver_data(t);

	if (!stop)
		wake_up_key(&p->write_wait, POLLOUT | POLLWRNORM);
}

/* Output that the master has not read yet, dropped. */
static void drop_output(struct pair *p)
{
	spin_lock(&p->spin);
	p->tail = p->head;
	spin_unlock(&p->spin);
	tty_write_wakeup(p->slave);
}

/* What was written already is the master's: only the packet mode hears of it. */
static void slave_flush(struct tty *t, bool input, bool output)
{
	struct pair *p = tty_driver_data(t);
	unsigned event = (input ? TIOCPKT_FLUSHREAD : 0u) |
			 (output ? (unsigned)TIOCPKT_FLUSHWRITE : 0u);

	if (input)
		wake_up_key(&p->write_wait, POLLOUT | POLLWRNORM);
	if (!READ_ONCE(p->packet))
		return;
	__atomic_fetch_or(&p->packet_event, (uint8_t)event, __ATOMIC_SEQ_CST);
	wake_up_key(&p->read_wait, POLLIN | POLLPRI | POLLRDNORM);
}

static const struct tty_driver_ops slave_ops = {
	.flush = slave_flush,
	.cflag_without = HUPCL,
	.write = slave_write,
	.write_room = slave_room,
	.open = slave_open,
	.close = slave_close,
	.throttle = slave_throttle,
};

/* ---- making and ending a pair ---- */

/* The lowest free number, which is the pair's from now on, or PTY_MAX. */
static unsigned number_take(struct pair *p)
{
	unsigned n;

	mutex_lock(&pairs_lock);
	for (n = 0; n < PTY_MAX && pairs[n]; n++)
		;
	if (n < PTY_MAX)
		pairs[n] = p;
	mutex_unlock(&pairs_lock);
	return n;
}

static void number_give(unsigned n)
{
	mutex_lock(&pairs_lock);
	pairs[n] = NULL;
	mutex_unlock(&pairs_lock);
}

static int pair_create(struct pair **out)
{
	struct pair *p = kzalloc(sizeof(*p));
	char name[16];
	unsigned n;

	if (!p)
		return -ENOMEM;
	spin_init(&p->spin);
	wait_queue_init(&p->read_wait);
	wait_queue_init(&p->write_wait);
	p->locked = p->master_open = true;
	p->node = (struct pty_node){current->cred->fsuid, current->cred->fsgid, 0620, clock_ns()};
	n = number_take(p);
	if (n == PTY_MAX) {
		kfree(p);
		return -ENOSPC;
	}
	p->index = n;
	snprintf(name, sizeof(name), "pts/%u", n);
	p->slave = tty_alloc(name, MKDEV(PTY_MAJOR, n), &slave_ops, p);
	if (!p->slave) {
		number_give(n);
		kfree(p);
		return -ENOMEM;
	}
	/* Without pairs_lock: a folder's lock may be held when that is taken, and below this one is
	 * one under which folders are locked. */
	if (chrdev_register(MKDEV(PTY_MAJOR, n), NULL, 0620, &tty_fops, p->slave)) {
		number_give(n);
		tty_put(p->slave); /* and with it goes the pair */
		return -ENOMEM;
	}
	*out = p;
	return 0;
}

/* The last reference to the slave is gone and the master is closed. */
void pty_slave_freed(struct tty *t)
{
	if (t->ops == &slave_ops)
		kfree(tty_driver_data(t));
}

bool pty_is_named_by(const struct tty *t, const struct inode *i)
{
	const struct pair *p = tty_driver_data(t);

	return t->ops != &slave_ops || strcmp(i->sb->type->name, "devpts") ||
	       p->node.birth == (uint64_t)(uintptr_t)i->private;
}

bool pty_node_get(unsigned n, struct pty_node *out)
{
	bool there;

	mutex_lock(&pairs_lock);
	there = n < PTY_MAX && pairs[n];
	if (there)
		*out = pairs[n]->node;
	mutex_unlock(&pairs_lock);
	return there;
}

void pty_node_set(unsigned n, const struct pty_node *in)
{
	mutex_lock(&pairs_lock);
	if (n < PTY_MAX && pairs[n] && pairs[n]->node.birth == in->birth)
		pairs[n]->node = *in;
	mutex_unlock(&pairs_lock);
}

bool pty_next(unsigned *n)
{
	mutex_lock(&pairs_lock);
	while (*n < PTY_MAX && !pairs[*n])
		++*n;
	mutex_unlock(&pairs_lock);
	return *n < PTY_MAX;
}

/* ---- the master ---- */

static const struct file_ops master_fops;

static int ptmx_open(struct inode *i, struct file *f)
{
	struct pair *p;
	int err = pair_create(&p);

	(void)i;
	if (err)
		return err;
	f->private = p;
	f->ops = &master_fops;
	return 0;
}

static void master_release(struct file *f)
{
	struct pair *p = f->private;
	struct tty *slave = p->slave;

	mutex_lock(&pairs_lock);
	p->master_open = false;
	mutex_unlock(&pairs_lock);
	chrdev_unregister(slave->dev);
	number_give(p->index); /* only now may another pair register its device */
	WRITE_ONCE(slave->far_end_gone, true);
	tty_hangup(slave);
	tty_put(slave); /* with the last slave file goes the pair: pty_slave_freed() */
}

static bool master_readable(struct pair *p)
{
	return READ_ONCE(p->head) != READ_ONCE(p->tail) || READ_ONCE(p->slave_closed) ||
	       READ_ONCE(p->packet_event);
}

static ssize_t master_take(struct pair *p, struct iov_iter *to)
{
	uint8_t chunk[256];
	ssize_t done = 0;

	while (to->count) {
		size_t n, i, first;

		spin_lock(&p->spin);
		n = MIN((size_t)(p->head - p->tail), sizeof(chunk));
		n = MIN(n, to->count);
		i = p->tail % PTY_RING;
		first = MIN(n, PTY_RING - i);
		memcpy(chunk, p->ring + i, first);
		memcpy(chunk + first, p->ring, n - first);
		p->tail += (uint32_t)n;
		spin_unlock(&p->spin);
		if (!n)
			break;
		if (copy_to_iter(chunk, n, to) != n)
			return done ? done : -EFAULT;
		done += (ssize_t)n;
	}
	if (done)
		tty_write_wakeup(p->slave);
	return done;
}

static ssize_t master_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	struct pair *p = f->private;
	uint8_t event = 0;
	ssize_t n;
	int err;

	(void)pos;
	if (!to->count)
		return 0;
	for (;;) {
		if (!master_readable(p)) {
			if (f->flags & O_NONBLOCK)
				return -EAGAIN;
			err = wait_event_interruptible(&p->read_wait, master_readable(p));
			if (err)
				return err;
		}
		if (p->packet) {
			event = __atomic_exchange_n(&p->packet_event, 0, __ATOMIC_SEQ_CST);
			if (!event && p->head == p->tail)
				return p->slave_closed ? -EIO : 0;
			if (copy_to_iter(&event, 1, to) != 1)
				return -EFAULT;
			if (event)
				return 1;
		}
		n = master_take(p, to);
		if (n)
			return n < 0 ? n : n + p->packet;
		if (p->slave_closed)
			return -EIO;
	}
}

static ssize_t master_write(struct file *f, struct iov_iter *from, int64_t *pos)
{
	struct pair *p = f->private;
	uint8_t chunk[256];
	ssize_t done = 0;

	(void)pos;
	while (from->count) {
		size_t n = copy_from_iter(chunk, MIN(from->count, sizeof(chunk)), from), at = 0;

		if (!n)
			return done ? done : -EFAULT;
		while (at < n) {
			size_t took = tty_receive(p->slave, chunk + at, n - at);
			int err = 0;

			at += took;
			done += (ssize_t)took;
			if (!took)
				err = f->flags & O_NONBLOCK
					      ? -EAGAIN
					      : wait_event_interruptible(&p->write_wait,
							tty_has_room(p->slave) ||
								READ_ONCE(p->slave_closed));
			if (!err && !took && p->slave_closed)
				err = -EIO;
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

static unsigned master_poll(struct file *f, struct poll_table *pt)
{
	struct pair *p = f->private;
	unsigned mask = 0;

	poll_wait(pt, f, &p->read_wait);
	poll_wait(pt, f, &p->write_wait);
	if (READ_ONCE(p->head) != READ_ONCE(p->tail))
		mask |= POLLIN | POLLRDNORM;
	if (READ_ONCE(p->packet_event))
		mask |= POLLPRI | POLLIN | POLLRDNORM;
	if (READ_ONCE(p->slave_closed))
		mask |= POLLHUP;
	if (tty_has_room(p->slave))
		mask |= POLLOUT | POLLWRNORM;
	return mask;
}

/* The slave's name in the folder pts beside the master's own name. */
static int find_peer(struct file *master, struct path *out)
{
	struct pair *p = master->private;
	struct path dir = {master->path.mnt, d_parent_get(master->path.dentry)};
	const struct inode *i;
	char name[16];
	int err;

	snprintf(name, sizeof(name), "pts/%u", p->index);
	err = path_lookup(&dir, name, LOOKUP_NO_SYMLINKS, out);
	d_put(dir.dentry);
	if (err)
		return err;
	i = out->dentry->inode;
	if (S_ISCHR(i->mode) && i->rdev == p->slave->dev)
		return 0;
	path_put(out);
	return -ENODEV;
}

/*
 * TIOCGPTPEER: open the slave without a path from the caller. Still it is the file of that name,
 * for fstat(2), /proc/PID/fd and ttyname(3).
 */
static long peer_open(struct file *master, unsigned flags)
{
	struct path path;
	struct file *f;
	int fd, err;

	if (flags & ~(unsigned)(O_ACCMODE | O_NOCTTY | O_NONBLOCK | O_CLOEXEC))
		return -EINVAL;
	err = find_peer(master, &path);
	if (err)
		return err;
	err = vfs_open_path(&path, flags & ~(unsigned)O_CLOEXEC, &f);
	path_put(&path);
	if (err)
		return err;
	fd = fd_open(f, flags & O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

static long master_ioctl(struct file *f, unsigned cmd, void *arg)
{
	struct pair *p = f->private;

	switch (cmd) {
	case TIOCGPTN:
		*(unsigned *)arg = p->index;
		return 0;
	case TIOCSPTLCK:
		p->locked = *(int *)arg != 0;
		return 0;
	case TIOCGPTLCK:
		*(int *)arg = p->locked;
		return 0;
	case TIOCGPTPEER:
		return peer_open(f, (unsigned)(long)arg);
	case TIOCPKT:
		p->packet = *(int *)arg != 0;
		return 0;
	case TIOCGPGRP:
		*(pid_t *)arg = tty_foreground_pgrp(p->slave);
		return 0;
	case TIOCGSID:
		*(pid_t *)arg = READ_ONCE(p->slave->session);
		return *(pid_t *)arg ? 0 : -ENOTTY;
	case FIONREAD:
		*(int *)arg = (int)(READ_ONCE(p->head) - READ_ONCE(p->tail));
		return 0;
	case TCFLSH:
		if ((long)arg != TCIFLUSH)
			tty_flush_input(p->slave);
		if ((long)arg != TCOFLUSH)
			drop_output(p);
		return 0;
	default:
		return tty_mode_ioctl(p->slave, cmd, arg);
	}
}

static const struct file_ops ptmx_fops = {.open = ptmx_open};
static const struct file_ops master_fops = {
	.release = master_release,
	.read = master_read,
	.write = master_write,
	.poll = master_poll,
	.ioctl = master_ioctl,
};

int pty_init(void)
{
	return chrdev_register(MKDEV(5, 2), "ptmx", 0666, &ptmx_fops, NULL);
}
