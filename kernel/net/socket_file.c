/*
 * socket_file.c - a socket as an open file: read, write, poll, ioctl, close.
 *
 * Does not: positions; a socket has none. Requests about interfaces and addresses are compat's and
 * the families' own.
 */
#include <file.h>
#include <sched.h>
#include <stat.h>
#include <time.h>
#include "socket_internal.h"

enum {
	EV_IN = POLLIN | POLLPRI | POLLRDNORM | POLLRDBAND | POLLRDHUP,
	EV_OUT = POLLOUT | POLLWRNORM | POLLWRBAND
};
enum { IOC_SIOCGSTAMP = 0x8906, IOC_SIOCGSTAMPNS = 0x8907 };

static ssize_t file_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	struct socket_msg m = {.iter = to};

	if (!to->count)
		return 0;
	return socket_recvmsg(f->private, &m, to->count, READ_ONCE(f->flags));
}

static ssize_t file_write(struct file *f, struct iov_iter *from, int64_t *pos)
{
	struct socket *s = f->private;
	struct socket_msg m = {.iter = from};

	if (s->type == SOCK_SEQPACKET)
		m.flags = MSG_EOR;
	return socket_sendmsg(s, &m, from->count, READ_ONCE(f->flags));
}

/* sendfile(2) */
static ssize_t file_write_page(struct file *f, struct page *page, unsigned off, size_t n, bool more)
{
	struct socket *s = f->private;

	if (!s->ops->sendpage)
		return -EOPNOTSUPP;
	return socket_sent(
		s, 0, s->ops->sendpage(s, page, off, n, more ? MSG_MORE : 0, READ_ONCE(f->flags)));
}

/* Two queues, so that a reader's arrival does not wake writers; who cares for errors alone is on
 * the first. */
static unsigned file_poll(struct file *f, struct poll_table *pt)
{
	struct socket *s = f->private;

	if (pt && pt->queue) {
		if ((pt->key & EV_IN) || !(pt->key & EV_OUT))
			poll_wait(pt, f, &s->rcv_wait);
		if (pt->key & EV_OUT)
			poll_wait(pt, f, &s->snd_wait);
	}
	return s->ops->poll(s);
}

/* SIOCGSTAMP, SIOCGSTAMPNS (socket(7)): when the last packet that was read came in. */
static long get_stamp(struct socket *s, bool ns, void *arg)
{
	struct timespec ts = ns_to_timespec((int64_t)s->stamp_ns);

	if (!s->stamp_ns)
		return -ENOENT;
	if (ns)
		*(struct timespec *)arg = ts;
	else
		*(struct timeval *)arg = (struct timeval){ts.tv_sec, ts.tv_nsec / 1000};
	return 0;
}

static long file_ioctl(struct file *f, unsigned cmd, void *arg)
{
	struct socket *s = f->private;

	if (cmd == IOC_SIOCGSTAMP || cmd == IOC_SIOCGSTAMPNS)
		return get_stamp(s, cmd == IOC_SIOCGSTAMPNS, arg);
	return s->ops->ioctl ? s->ops->ioctl(s, cmd, arg) : -ENOTTY;
}

static int file_mmap(struct file *f, struct vm_map_args *a)
{
	struct socket *s = f->private;

	return s->ops->mmap ? s->ops->mmap(s, a) : -ENODEV;
}

static void file_async(struct file *f, bool on)
{
	struct socket *s = f->private;

	WRITE_ONCE(s->async.on, on);
}

static int file_flush(struct file *f)
{
	struct socket *s = f->private;

	if (s->ops->closing)
		s->ops->closing(s);
	return 0;
}

static void file_release(struct file *f)
{
	socket_discard(f->private);
}

static const struct file_ops socket_fops = {
	.read = file_read,
	.write = file_write,
	.write_page = file_write_page,
	.poll = file_poll,
	.ioctl = file_ioctl,
	.mmap = file_mmap,
	.async = file_async,
	.flush = file_flush,
	.release = file_release,
};

int socket_open_file(struct socket *s, unsigned file_flags, struct file **out)
{
	struct file *f;
	int err = file_create_anon("socket", &socket_fops, s, O_RDWR | file_flags, &f);

	if (err)
		return err;
	f->inode->mode = S_IFSOCK | 0777;
	WRITE_ONCE(s->file, f);
	*out = f;
	return 0;
}

struct socket *socket_from_file(struct file *f)
{
	return f->ops == &socket_fops ? f->private : NULL;
}
