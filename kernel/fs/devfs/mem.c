/*
 * mem.c - devices without hardware, mem(4) and random(4): null, zero, full, random, urandom, kmsg.
 *
 * Does not: give access to memory or ports (no /dev/mem).
 */
#include "internal.h"
#include <cred.h>
#include <debug.h>
#include <dev.h>
#include <error.h>
#include <file.h>
#include <log.h>
#include <random.h>
#include <sched.h>
#include <slab.h>
#include <stat.h>
#include <string.h>
#include <vm.h>

#define CHUNK    256u
#define LINE_MAX 976u

/* ---- null, zero, full ---- */

static ssize_t read_eof(struct file *f, struct iov_iter *to, int64_t *pos)
{
	return 0;
}

static ssize_t read_zero(struct file *f, struct iov_iter *to, int64_t *pos)
{
	ssize_t done = 0;

	while (to->count) {
		size_t want = MIN(to->count, (size_t)PAGE_SIZE);
		size_t n = iov_iter_zero(want, to);

		done += (ssize_t)n;
		if (n < want)
			return done ? done : -EFAULT;
		if (task_interrupted(current, TASK_INTERRUPTIBLE))
			break;
		cond_resched();
	}
	return done;
}

static ssize_t write_all(struct file *f, struct iov_iter *from, int64_t *pos)
{
	size_t n = from->count;

	iov_iter_advance(from, n);
	return (ssize_t)n;
}

static ssize_t write_full(struct file *f, struct iov_iter *from, int64_t *pos)
{
	return -ENOSPC;
}

static int64_t seek_nowhere(struct file *f, int64_t off, int whence)
{
	return 0;
}

/* Memory of nobody's: the mapping becomes an anonymous one, shared or private. */
static int map_zero(struct file *f, struct vm_map_args *a)
{
	a->file = NULL;
	a->mapping = NULL;
	return 0;
}

/* ---- random ---- */

static ssize_t read_random(struct file *f, struct iov_iter *to, int64_t *pos)
{
	uint8_t buf[CHUNK];
	ssize_t done = 0;

	while (to->count) {
		size_t want = MIN(to->count, sizeof(buf));
		size_t n;

		random_bytes(buf, want);
		n = copy_to_iter(buf, want, to);
		done += (ssize_t)n;
		if (n < want) {
			done = done ? done : -EFAULT;
			break;
		}
		if (task_interrupted(current, TASK_INTERRUPTIBLE))
			break;
		cond_resched();
	}
	memset(buf, 0, sizeof(buf));
	return done;
}

static ssize_t read_random_ready(struct file *f, struct iov_iter *to, int64_t *pos)
{
	int err;

	if (!random_ready()) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = random_wait_ready();
		if (err)
			return err;
	}
	return read_random(f, to, pos);
}

/* What is written is stirred in, but believed to be worth nothing. */
static ssize_t write_random(struct file *f, struct iov_iter *from, int64_t *pos)
{
	uint8_t buf[CHUNK];
	ssize_t done = 0;

	while (from->count) {
		size_t want = MIN(from->count, sizeof(buf));
		size_t n = copy_from_iter(buf, want, from);

		random_add(buf, n, 0);
		done += (ssize_t)n;
		if (n < want)
			return done ? done : -EFAULT;
		cond_resched();
	}
	return done;
}

/* ---- kmsg: the kernel log, a record for each read ---- */

static int kmsg_open(struct inode *i, struct file *f)
{
	uint64_t *seq;

	if ((f->mode & FMODE_READ) && !capable(CAP_SYSLOG))
		return -EPERM;
	seq = kzalloc(sizeof(*seq));
	if (!seq)
		return -ENOMEM;
	*seq = log_first_seq();
	f->private = seq;
	return 0;
}

static void kmsg_release(struct file *f)
{
	kfree(f->private);
}

static bool kmsg_has_more(const uint64_t *seq)
{
	return *seq < log_next_seq();
}

static ssize_t kmsg_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	uint64_t *seq = f->private;
	char *buf;
	size_t n;
	size_t done;
	int err;

	while (!kmsg_has_more(seq)) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(log_wait_queue(), kmsg_has_more(seq));
		if (err)
			return err;
	}
	buf = kmalloc(2048, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	n = log_read(seq, buf, MIN(to->count, (size_t)2048));
	done = copy_to_iter(buf, n, to);
	kfree(buf);
	if (!n)
		return -EINVAL; /* the record does not fit */
	return done < n ? -EFAULT : (ssize_t)n;
}

/* "<6>text": a priority may lead; the text becomes one record. */
static ssize_t kmsg_write(struct file *f, struct iov_iter *from, int64_t *pos)
{
	char *line;
	const char *text;
	const char *end;
	size_t n = from->count;
	unsigned level = LOG_NOTICE;

	if (n > LINE_MAX)
		return -EINVAL;
	line = kmalloc(LINE_MAX + 1, GFP_KERNEL);
	if (!line)
		return -ENOMEM;
	if (copy_from_iter(line, n, from) < n) {
		kfree(line);
		return -EFAULT;
	}
	line[n] = 0;
	if (n && line[n - 1] == '\n')
		line[n - 1] = 0;
	text = line;
	if (line[0] == '<') {
		uint64_t prio = strtou64(line + 1, &end, 10);

		if (end != line + 1 && *end == '>') {
			level = prio & 7;
			text = end + 1;
		}
	}
	log_at(level, "%s", text);
	kfree(line);
	return (ssize_t)n;
}

static int64_t kmsg_seek(struct file *f, int64_t off, int whence)
{
	uint64_t *seq = f->private;

	if (off)
		return -ESPIPE;
	if (whence == SEEK_SET || whence == SEEK_DATA)
		*seq = log_first_seq();
	else if (whence == SEEK_END)
		*seq = log_next_seq();
	else
		return -EINVAL;
	return 0;
}

static unsigned kmsg_poll(struct file *f, struct poll_table *pt)
{
	poll_wait(pt, f, log_wait_queue());
	return POLLOUT | POLLWRNORM | (kmsg_has_more(f->private) ? POLLIN | POLLRDNORM : 0);
}

/* ---- the table ---- */

static const struct file_ops null_fops = {.read = read_eof,
	.write = write_all,
	.seek = seek_nowhere,
	.nowait = true,
	.no_splice = true};
static const struct file_ops zero_fops = {.read = read_zero,
	.write = write_all,
	.seek = seek_nowhere,
	.mmap = map_zero,
	.nowait = true};
static const struct file_ops full_fops = {
	.read = read_zero, .write = write_full, .seek = seek_nowhere};
static const struct file_ops random_fops = {
	.read = read_random_ready, .write = write_random, .seek = seek_nowhere};
static const struct file_ops urandom_fops = {
	.read = read_random, .write = write_random, .seek = seek_nowhere, .nowait = true};
static const struct file_ops kmsg_fops = {.open = kmsg_open,
	.release = kmsg_release,
	.read = kmsg_read,
	.write = kmsg_write,
	.seek = kmsg_seek,
	.poll = kmsg_poll};

static const struct {
	const char *name;
	unsigned minor;
	mode_t mode;
	const struct file_ops *ops;
} devices[] = {
	{"null", 3, 0666, &null_fops},
	{"zero", 5, 0666, &zero_fops},
	{"full", 7, 0666, &full_fops},
	{"random", 8, 0666, &random_fops},
	{"urandom", 9, 0666, &urandom_fops},
	{"kmsg", 11, 0644, &kmsg_fops},
};

void mem_devices_init(void)
{
	for (unsigned k = 0; k < ARRAY_SIZE(devices); k++) {
		int err = chrdev_register(MKDEV(1, devices[k].minor), devices[k].name,
			devices[k].mode, devices[k].ops, NULL);

		if (err)
			panic("devfs: %s: error %d", devices[k].name, err);
	}
}
