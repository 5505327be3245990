/*
 * loop_ctl.c - the commands of loop devices and of /dev/loop-control: loop(4).
 *
 * Does not: exchange the file of a bound device (LOOP_CHANGE_FD), encrypt, know the 32-bit form of
 * the status.
 *
 * Devices are made as they are asked for, eight at boot, and their records stay for ever: a device
 * that was removed leaves its record to the next one of its number. ctl_lock guards the list and
 * serialises binding; it is taken before a device's lock.
 */
#include "loop.h"

#include <dev.h>
#include <cred.h>
#include <debug.h>
#include <error.h>
#include <log.h>
#include <printf.h>
#include <slab.h>
#include <stat.h>
#include <string.h>

#define LOOP_MAJOR    7
#define CONTROL_DEV   MKDEV(10, 237)
#define FIRST_DEVICES 8u
#define NUMBERS       (1u << 20)

enum {
	LOOP_SET_FD = 0x4c00,
	LOOP_CLR_FD,
	LOOP_SET_STATUS64 = 0x4c04,
	LOOP_GET_STATUS64,
	LOOP_SET_CAPACITY = 0x4c07,
	LOOP_SET_DIRECT_IO,
	LOOP_SET_BLOCK_SIZE,
	LOOP_CONFIGURE,
	LOOP_CTL_ADD = 0x4c80,
	LOOP_CTL_REMOVE,
	LOOP_CTL_GET_FREE,
};

struct loop_status {
	uint64_t device, inode, rdevice, offset, sizelimit;
	uint32_t number, encrypt_type, encrypt_key_size, flags;
	char file_name[LOOP_NAME], crypt_name[LOOP_NAME];
	uint8_t encrypt_key[32];
	uint64_t init[2];
};
struct loop_setup {
	uint32_t fd, block_size;
	struct loop_status status;
	uint64_t reserved[8];
};
static_assert(sizeof(struct loop_status) == 232 && sizeof(struct loop_setup) == 304, "loop(4)");

static struct mutex ctl_lock = MUTEX_INIT(ctl_lock);
static LIST_HEAD(loops); /* by number; under ctl_lock */

/* ---- status ---- */

static int config_from(const struct loop_status *s, struct loop_config *c)
{
	if (s->encrypt_type || s->encrypt_key_size)
		return -EINVAL;
	if (s->offset > INT64_MAX || s->sizelimit > INT64_MAX)
		return -EOVERFLOW;
	c->offset = s->offset;
	c->sizelimit = s->sizelimit;
	strlcpy(c->name, s->file_name, sizeof(c->name));
	return 0;
}

static int get_status(struct loop *l, struct loop_status *s)
{
	struct kstat st;
	int err;

	if (!l->file)
		return -ENXIO;
	err = vfs_stat(&l->file->path, &st);
	if (err)
		return err;
	*s = (struct loop_status){
		.device = st.dev,
		.inode = st.ino,
		.rdevice = st.rdev,
		.offset = l->config.offset,
		.sizelimit = l->config.sizelimit,
		.number = l->number,
		.flags = l->config.flags,
	};
	strlcpy(s->file_name, l->config.name, sizeof(s->file_name));
	return 0;
}

static int set_status(struct loop *l, const struct loop_status *s)
{
	struct loop_config c = l->config;
	bool scanned = c.flags & LO_PARTSCAN;
	int err;

	if (!l->file)
		return -ENXIO;
	err = config_from(s, &c);
	if (err)
		return err;
	c.flags &= ~(uint32_t)LO_AUTOCLEAR;
	c.flags |= s->flags & (LO_AUTOCLEAR | LO_PARTSCAN);
	err = loop_reconfigure(l, &c);
	if (!err && !scanned && (c.flags & LO_PARTSCAN))
		err = disk_rescan(l->disk);
	return err;
}

/* ---- binding ---- */

static int bind(struct loop *l, unsigned fd, const struct loop_config *c)
{
	struct file *f = fd_get((int)fd);
	int err;

	if (!f)
		return -EBADF;
	if (f->mode & FMODE_PATH) {
		file_put(f);
		return -EBADF;
	}
	mutex_lock(&ctl_lock);
	mutex_lock(&l->lock);
	err = loop_bind(l, f, c);
	mutex_unlock(&l->lock);
	mutex_unlock(&ctl_lock);
	file_put(f);
	return err;
}

static bool block_size_valid(uint32_t n)
{
	return n >= SECTOR_BYTES && n <= PAGE_SIZE && !(n & (n - 1));
}

static int configure(struct loop *l, bool writable, const struct loop_setup *s)
{
	const uint32_t known = LO_READ_ONLY | LO_AUTOCLEAR | LO_PARTSCAN | LO_DIRECT_IO;
	struct loop_config c = {.flags = s->status.flags, .block_size = s->block_size};
	int err = config_from(&s->status, &c);

	if (s->block_size && !block_size_valid(s->block_size))
		return -EINVAL;
	if (s->status.flags & ~known)
		return -EINVAL;
	if (!writable)
		c.flags |= LO_READ_ONLY;
	return err ? err : bind(l, s->fd, &c);
}

static int set_fd(struct loop *l, bool writable, unsigned fd)
{
	struct loop_config c = {.flags = writable ? 0 : LO_READ_ONLY};

	return bind(l, fd, &c);
}

/* Others have it open: it is unbound when the last of them closes it. */
static int clear_fd(struct loop *l)
{
	struct file *put = NULL;
	int err = 0;

	mutex_lock(&l->lock);
	if (!l->file)
		err = -ENXIO;
	else if (READ_ONCE(l->disk->openers) > 1)
		l->config.flags |= LO_AUTOCLEAR;
	else
		loop_unbind(l, &put);
	mutex_unlock(&l->lock);
	if (put)
		file_put(put);
	return err;
}

/* ---- changing one that is bound ---- */

static int set_capacity(struct loop *l)
{
	disk_set_size(l->disk, loop_sectors(l));
	return 0;
}

static int set_direct(struct loop *l, bool on)
{
	struct loop_config c = l->config;

	c.flags = on ? c.flags | LO_DIRECT_IO : c.flags & ~(uint32_t)LO_DIRECT_IO;
	return loop_reconfigure(l, &c);
}

static int set_block_size(struct loop *l, unsigned long size)
{
	struct loop_config c = l->config;

	if (size > PAGE_SIZE || !block_size_valid((uint32_t)size))
		return -EINVAL;
	c.block_size = (uint32_t)size;
	return loop_reconfigure(l, &c);
}

static long change(struct loop *l, bool writable, unsigned cmd, unsigned long value)
{
	int err = writable || capable(CAP_SYS_ADMIN) ? 0 : -EPERM;

	if (err)
		return err;
	mutex_lock(&l->lock);
	if (!l->file)
		err = -ENXIO;
	else if (cmd == LOOP_SET_CAPACITY)
		err = set_capacity(l);
	else if (cmd == LOOP_SET_DIRECT_IO)
		err = set_direct(l, value != 0);
	else
		err = set_block_size(l, value);
	mutex_unlock(&l->lock);
	return err;
}

static long status(struct loop *l, bool writable, unsigned cmd, void *arg)
{
	long err;

	if (cmd == LOOP_SET_STATUS64 && !writable && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	mutex_lock(&l->lock);
	err = cmd == LOOP_SET_STATUS64 ? set_status(l, arg) : get_status(l, arg);
	mutex_unlock(&l->lock);
	return err;
}

long loop_ioctl(struct block_device *disk, bool writable, unsigned cmd, void *arg)
{
	struct loop *l = disk->driver;
	unsigned long value = (unsigned long)arg;

	switch (cmd) {
	case LOOP_SET_FD:
		return set_fd(l, writable, (unsigned)value);
	case LOOP_CONFIGURE:
		return configure(l, writable, arg);
	case LOOP_CLR_FD:
		return clear_fd(l);
	case LOOP_SET_STATUS64:
	case LOOP_GET_STATUS64:
		return status(l, writable, cmd, arg);
	case LOOP_SET_CAPACITY:
	case LOOP_SET_DIRECT_IO:
	case LOOP_SET_BLOCK_SIZE:
		return change(l, writable, cmd, value);
	}
	return -ENOTTY;
}

/* ---- devices; ctl_lock is held ---- */

static struct loop *find(unsigned number)
{
	struct loop *l;

	list_for_each_entry (l, &loops, node)
		if (l->number == number)
			return l;
	return NULL;
}

static void insert(struct loop *l)
{
	struct loop *k;

	list_for_each_entry (k, &loops, node)
		if (k->number > l->number)
			break;
	list_add_tail(&l->node, &k->node);
}

static int add(unsigned number)
{
	struct loop *l = find(number);
	struct block_device *disk;
	int err;

	if (number >= NUMBERS)
		return -EINVAL;
	if (l && l->disk)
		return -EEXIST;
	disk = kzalloc(sizeof(*disk));
	if (!l) {
		l = kzalloc(sizeof(*l));
		if (!l) {
			kfree(disk);
			return -ENOMEM;
		}
		l->number = number;
		insert(l);
	}
	if (!disk)
		return -ENOMEM;
	scnprintf(disk->name, sizeof(disk->name), "loop%u", number);
	disk->dev = MKDEV(LOOP_MAJOR, number);
	l->disk = disk;
	loop_init_disk(l);
	err = disk_register(disk);
	if (err) {
		l->disk = NULL;
		kfree(disk);
		return err;
	}
	return (int)number;
}

static int remove(unsigned number)
{
	struct loop *l = find(number);
	struct block_device *disk = l ? l->disk : NULL;

	if (!disk)
		return -ENODEV;
	mutex_lock(&l->lock);
	if (l->file || READ_ONCE(disk->openers))
		disk = NULL;
	else
		l->disk = NULL;
	mutex_unlock(&l->lock);
	if (!disk)
		return -EBUSY;
	disk_unregister(disk);
	return 0;
}

static int get_free(void)
{
	struct loop *l;
	unsigned number = 0;

	list_for_each_entry (l, &loops, node) {
		if (l->number != number || !l->disk)
			break; /* a gap */
		if (!READ_ONCE(l->file))
			return (int)number;
		number++;
	}
	return add(number);
}

static long control_ioctl(struct file *f, unsigned cmd, void *arg)
{
	unsigned long number = (unsigned long)arg;
	long r = -ENOSYS; /* as Linux answers here */

	mutex_lock(&ctl_lock);
	switch (cmd) {
	case LOOP_CTL_ADD:
		r = number < NUMBERS ? add((unsigned)number) : -EINVAL;
		break;
	case LOOP_CTL_REMOVE:
		r = number < NUMBERS ? remove((unsigned)number) : -ENODEV;
		break;
	case LOOP_CTL_GET_FREE:
		r = get_free();
		break;
	}
	mutex_unlock(&ctl_lock);
	return r;
}

static const struct file_ops control_fops = {.ioctl = control_ioctl};

void loop_init(void)
{
	mutex_lock(&ctl_lock);
	for (unsigned n = 0; n < FIRST_DEVICES; n++)
		if (add(n) < 0)
			panic("no memory for loop devices");
	mutex_unlock(&ctl_lock);
	if (chrdev_register(CONTROL_DEV, "loop-control", 0660, &control_fops, NULL))
		panic("no memory for loop devices");
}
