/*
 * notify.h - telling those who watch files what happened to them: the hooks of inotify(7).
 *
 * Whoever did something calls the hook of its kind afterwards, without spinlocks. While nobody in
 * the whole system watches anything a hook is one test of one word. Theory: kernel/vfs/notify.c
 */
#pragma once
#include <file.h>

enum notify_event { /* inotify(7), Linux's numbers */
	IN_ACCESS = 1,
	IN_MODIFY = 2,
	IN_ATTRIB = 4,
	IN_CLOSE_WRITE = 8,
	IN_CLOSE_NOWRITE = 0x10,
	IN_OPEN = 0x20,
	IN_MOVED_FROM = 0x40,
	IN_MOVED_TO = 0x80,
	IN_CREATE = 0x100,
	IN_DELETE = 0x200,
	IN_DELETE_SELF = 0x400,
	IN_MOVE_SELF = 0x800,
	IN_UNMOUNT = 0x2000,
	IN_Q_OVERFLOW = 0x4000,
	IN_IGNORED = 0x8000,
	IN_ISDIR = 1 << 30
};

/* How many watches there are. On a cache line of its own: it is read at every open, read, ... */
extern uint32_t notify_watches __aligned(64);
#define notify_anybody() unlikely(READ_ONCE(notify_watches) != 0)

/* Not for callers: what the hooks below do once somebody watches. */
void notify_dentry_event(const struct dentry *d, uint32_t event, bool by_file);
void notify_inode_event(struct inode *i, uint32_t event);
void notify_name_event(struct inode *dir, const struct qstr *name, uint32_t event, uint32_t cookie);
void notify_gone_event(struct inode *i);

/* IN_ACCESS, IN_MODIFY, IN_OPEN, IN_CLOSE_*: by an open file; who watches the directory of the name
 * it was opened by hears of it too. */
static inline void notify_file(const struct file *f, uint32_t event)
{
	if (notify_anybody() && !(f->mode & FMODE_PATH))
		notify_dentry_event(f->path.dentry, event, true);
}
/* IN_ATTRIB, IN_MODIFY, IN_ACCESS: attributes were set. Heard by the same. */
static inline void notify_dentry(const struct dentry *d, uint32_t event)
{
	if (notify_anybody())
		notify_dentry_event(d, event, false);
}
/* Heard by who watches @i itself only. */
static inline void notify_inode(struct inode *i, uint32_t event)
{
	if (notify_anybody())
		notify_inode_event(i, event);
}
/* IN_CREATE, IN_DELETE, with IN_ISDIR: a name of @dir, which is locked. */
static inline void notify_name(struct inode *dir, const struct qstr *name, uint32_t event)
{
	if (notify_anybody())
		notify_name_event(dir, name, event, 0);
}
static inline void notify_create(struct inode *dir, const struct dentry *d)
{
	notify_name(dir, &d->name, IN_CREATE | (d->flags & D_DIR ? IN_ISDIR : 0u));
}
/* rename(2) of @inode between two directories, which are locked, with its names before and after;
 * @replaced: what lost that name, or NULL. */
struct move {
	struct inode *from, *to, *inode, *replaced;
	const struct qstr *old_name, *new_name;
};
void notify_moved(const struct move *m);
/* @sb is taken down: nobody else can reach its inodes but by watches, which end. May sleep. */
void notify_unmounted(struct super *sb);
/* A name of @i goes from the cache: if that was the last of a removed file, its watches end. */
static inline void notify_unbound(struct inode *i)
{
	if (notify_anybody() && !i->nlink)
		notify_gone_event(i);
}
