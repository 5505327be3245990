/*
 * files.h - for tests of what hangs on open files: files and descriptors without a file system.
 */
#pragma once
#include <cred.h>
#include <debug.h>
#include <error.h>
#include <file.h>
#include <policy.h>
#include <slab.h>
#include <string.h>
#include <task.h>
#include <unit.h>

#define NR_FDS 512

void (*file_released)(struct file *f);
void (*file_signal)(struct file *f, unsigned events);
void (*pipe_broken)(void);
uint64_t (*files_limit)(void);
bool unit_capable = true;
static struct cred test_cred = {.refs = {1000000}};
static struct file *fd_table[NR_FDS];
static int nr_files_open;

__weak bool capable(enum capability cap)
{
	return unit_capable;
}
__weak void cred_put(const struct cred *c)
{
	if (refcount_dec(&((struct cred *)(uintptr_t)c)->refs))
		panic("credentials freed");
}
int policy_net(const struct cred *c, enum policy_net_op op, const struct policy_net *what)
{
	return 0;
}
int policy_file(const struct cred *c, const struct path *p, unsigned ops)
{
	return 0;
}
int64_t seek_ignored(struct file *f, int64_t off, int whence)
{
	return 0;
}

struct open_file {
	struct file file; /* first */
	struct inode inode;
	struct super super;
};

int file_create_anon(const char *name, const struct file_ops *ops, void *private, unsigned flags,
	struct file **out)
{
	static ino_t last;
	struct open_file *o = kzalloc(sizeof(*o));

	if (!o)
		return -ENOMEM;
	refcount_set(&o->file.refs, 1);
	o->file.ops = ops;
	o->file.private = private;
	o->file.flags = flags;
	o->file.inode = &o->inode;
	o->inode.ino = ++last;
	o->inode.sb = &o->super;
	spin_init(&o->file.lock);
	list_init(&o->file.epoll_items);
	nr_files_open++;
	*out = &o->file;
	return 0;
}

static void open_file_free(struct rcu_head *h)
{
	kfree(container_of(h, struct open_file, file.rcu));
}

void file_put(struct file *f)
{
	if (!refcount_dec(&f->refs))
		return;
	if (!list_empty(&f->epoll_items) && file_released)
		file_released(f);
	if (f->ops->release)
		f->ops->release(f);
	nr_files_open--;
	rcu_call(&f->rcu, open_file_free);
}

struct file *fd_get(int fd)
{
	if ((unsigned)fd >= NR_FDS || !fd_table[fd])
		return NULL;
	return file_get(fd_table[fd]);
}
int fd_alloc(unsigned from, bool cloexec)
{
	for (unsigned fd = from; fd < NR_FDS; fd++)
		if (!fd_table[fd])
			return (int)fd;
	return -EMFILE;
}
void fd_install(int fd, struct file *f)
{
	fd_table[fd] = f;
}
static inline int fd_of(struct file *f)
{
	int fd = fd_alloc(0, false);

	fd_install(fd, f);
	return fd;
}
static inline void fd_shut(int fd)
{
	struct file *f = fd_table[fd];

	fd_table[fd] = NULL;
	if (f->ops->flush)
		f->ops->flush(f);
	file_put(f);
}
