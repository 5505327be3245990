/*
 * super.c - file system types and superblocks: making, remounting, syncing, taking down; statfs.
 *
 * Does not: know mounts (mount.c). A superblock lives as long as mounts, or whoever else calls
 * super_get(), hold it. The last super_put() writes everything, drops its dentries and inodes,
 * waits until RCU has freed them, and calls ops->unmount. A device is claimed exclusively for the
 * time; mounting it twice gives the same superblock.
 */
#include "internal.h"
#include <block.h>
#include <dev.h>
#include <sched.h>
#include <stat.h>

static struct spinlock supers_lock;
static LIST_HEAD(supers); /* supers_lock */
static LIST_HEAD(types);  /* changed at boot only */
static struct mutex open_mutex = MUTEX_INIT(
	open_mutex); /* one mount at a time looks for an existing super */

void fs_register(struct fs_type *t)
{
	list_add_tail(&t->node, &types);
}

struct fs_type *fs_next(struct fs_type *after)
{
	struct list_head *n = after ? after->node.next : types.next;

	return n == &types ? NULL : list_entry(n, struct fs_type, node);
}

static struct fs_type *find_type(const char *name)
{
	struct fs_type *t;

	list_for_each_entry (t, &types, node)
		if (!strcmp(t->name, name))
			return t;
	return NULL;
}

/* ---- making ---- */

static struct super *super_alloc(
	const struct fs_type *type, unsigned flags, struct block_device *bdev)
{
	static uint32_t next_minor;
	struct super *sb = kzalloc(sizeof(*sb));

	if (!sb)
		return NULL;
	sb->type = type;
	sb->flags = flags & MS_OF_SUPER;
	sb->bdev = bdev;
	sb->dev = bdev ? bdev->dev : MKDEV(0, __atomic_add_fetch(&next_minor, 1, __ATOMIC_RELAXED));
	sb->blksize = PAGE_SIZE;
	spin_init(&sb->lock);
	list_init(&sb->inodes);
	list_init(&sb->dirty);
	list_init(&sb->node);
	mutex_init(&sb->rename_lock);
	rwsem_init(&sb->umount);
	refcount_set(&sb->refs, 1);
	strlcpy(sb->id, bdev ? bdev->name : type->name, sizeof(sb->id));
	return sb;
}

static const struct super_ops pseudo_ops;

struct super *super_create_pseudo(const struct fs_type *type)
{
	struct super *sb = super_alloc(type, 0, NULL);

	if (sb)
		sb->ops = &pseudo_ops;
	return sb;
}

static struct super *find_super(const struct fs_type *type, const struct block_device *bdev)
{
	struct super *sb;
	struct super *found = NULL;

	spin_lock(&supers_lock);
	list_for_each_entry (sb, &supers, node) {
		if (sb->type == type && sb->bdev == bdev && refcount_inc_not_zero(&sb->refs)) {
			found = sb;
			break;
		}
	}
	spin_unlock(&supers_lock);
	return found;
}

/* The block device that @source names, referenced. */
static int source_device(const char *source, struct block_device **out)
{
	struct block_device *b;
	struct path p;
	int err;

	if (!source || !*source)
		return -EINVAL;
	if (!current->fs) { /* boot: there is no tree to look names up in */
		b = bdev_find_spec(source);
		if (!b)
			return -ENODEV;
		*out = b;
		return 0;
	}
	err = path_lookup(NULL, source, LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	b = NULL;
	if (!S_ISBLK(p.dentry->inode->mode))
		err = -ENOTBLK;
	else if (p.mnt->flags & MS_NODEV)
		err = -EACCES;
	else
		b = bdev_by_dev(p.dentry->inode->rdev);
	path_put(&p);
	if (err)
		return err;
	if (!b)
		return -ENXIO;
	*out = b;
	return 0;
}

static void super_free(struct super *sb)
{
	rcu_barrier(); /* inodes look at it when they are freed */
	if (sb->bdev) {
		bdev_release(sb->bdev, sb);
		bdev_close(sb->bdev);
		bdev_put(sb->bdev);
	}
	kfree(sb);
}

static int super_claim(struct super *sb, struct block_device *bdev)
{
	int err = bdev_open(bdev);

	if (err)
		return err;
	err = bdev_claim(bdev, sb);
	if (err)
		bdev_close(bdev);
	return err;
}

/* @bdev: NULL, or referenced and taken over, also on failure. */
static int super_fill(const struct fs_type *type, unsigned flags, const char *options,
	struct block_device *bdev, struct super **out)
{
	struct super *sb = super_alloc(type, flags, bdev);
	int err = 0;

	if (!sb) {
		if (bdev)
			bdev_put(bdev);
		return -ENOMEM;
	}
	if (bdev) {
		if (bdev->disk->limits.read_only && !(flags & MS_RDONLY))
			err = -EACCES;
		if (!err)
			err = super_claim(sb, bdev);
		if (err) {
			bdev_put(bdev);
			kfree(sb);
			return err;
		}
	}
	err = type->fill_super(sb, options, flags & MS_SILENT);
	if (err) {
		super_free(sb);
		return err;
	}
	ASSERT(sb->root && sb->ops);
	spin_lock(&supers_lock);
	list_add_tail(&sb->node, &supers);
	spin_unlock(&supers_lock);
	*out = sb;
	return 0;
}

static int open_type(const char *source, const struct fs_type *t, unsigned flags,
	const char *options, struct super **out)
{
	struct block_device *bdev = NULL;
	struct super *sb = NULL;
	int err = t->needs_dev ? source_device(source, &bdev) : 0;

	if (err)
		return err;
	mutex_lock(&open_mutex);
	if (bdev || t->single)
		sb = find_super(t, bdev);
	if (sb) {
		if (bdev)
			bdev_put(bdev);
		err = (flags ^ sb->flags) & MS_RDONLY && bdev ? -EBUSY : 0;
		if (err)
			super_put(sb);
		else
			*out = sb;
	} else {
		err = super_fill(t, flags, options, bdev, out);
	}
	mutex_unlock(&open_mutex);
	return err;
}

int super_open(const char *source, const char *type, unsigned flags, const char *options,
	struct super **out)
{
	struct fs_type *t;
	int err = -ENODEV;

	if (type) {
		t = find_type(type);
		return t ? open_type(source, t, flags, options, out) : -ENODEV;
	}
	list_for_each_entry (
		t, &types, node) { /* boot without rootfstype=: whoever knows the disk */
		if (!t->needs_dev)
			continue;
		err = open_type(source, t, flags | MS_SILENT, options, out);
		if (err != -EINVAL)
			break;
	}
	return err;
}

/* ---- taking down ---- */

static void super_kill(struct super *sb)
{
	int err;

	spin_lock(&supers_lock);
	list_del(&sb->node);
	spin_unlock(&supers_lock);
	err = vfs_sync_super(sb);
	if (err)
		log_err("vfs: %s: unmount: write failed: %d", sb->id, err);
	d_prune_tree(sb->root);
	d_drop(sb->root);
	d_put(sb->root);
	sb->root = NULL;
	notify_unmounted(sb);
	inodes_evict_all(sb);
	rcu_barrier();
	if (sb->ops->unmount)
		sb->ops->unmount(sb);
	if (sb->bdev && !sb->bdev->gone) {
		err = pagecache_sync(&sb->bdev->mapping, 0, INT64_MAX);
		if (!err && !sb->bdev->disk->limits.read_only)
			err = blk_flush(sb->bdev);
		if (err)
			log_err("vfs: %s: unmount: flush failed: %d", sb->id, err);
	}
	super_free(sb);
}

void super_put(struct super *sb)
{
	if (refcount_dec(&sb->refs))
		super_kill(sb);
}

/* ---- remounting ---- */

int super_remount(struct super *sb, unsigned flags, const char *options)
{
	unsigned want = (sb->flags & ~(unsigned)MS_OF_SUPER) | (flags & MS_OF_SUPER);
	int err;

	if ((want & MS_RDONLY) && !sb_rdonly(sb)) {
		err = vfs_sync_super(sb); /* also what only waits for that to be deleted */
		if (err)
			return err;
		if (inodes_any_writer(sb))
			return -EBUSY;
		err = vfs_sync_super(sb); /* what was written since */
		if (err)
			return err;
	}
	if (!(want & MS_RDONLY) && sb->bdev && sb->bdev->disk->limits.read_only)
		return -EACCES;
	if (sb->ops->remount) {
		err = sb->ops->remount(sb, &want, options);
		if (err)
			return err;
	}
	WRITE_ONCE(sb->flags, want);
	return 0;
}

void super_readonly(struct super *sb, const char *why)
{
	if (__atomic_fetch_or(&sb->flags, MS_RDONLY, __ATOMIC_SEQ_CST) & MS_RDONLY)
		return;
	log_err("%s: %s: read-only from now on", sb->id, why);
}

/* ---- all of them: sync ---- */

/* The super after @prev (put), referenced; NULL at the end. */
static struct super *super_next(struct super *prev)
{
	struct super *next = NULL;
	struct list_head *n;

	spin_lock(&supers_lock);
	for (n = prev ? prev->node.next : supers.next; n != &supers && !next; n = n->next) {
		struct super *sb = list_entry(n, struct super, node);

		if (refcount_inc_not_zero(&sb->refs))
			next = sb;
	}
	spin_unlock(&supers_lock);
	if (prev)
		super_put(prev);
	return next;
}

int vfs_sync_super(struct super *sb)
{
	int err;
	int e;

	if (sb_rdonly(sb))
		return 0;
	err = inodes_sync_data(sb);
	e = inodes_write_dirty(sb, true);
	if (!err)
		err = e;
	e = sb->ops->sync ? sb->ops->sync(sb, true) : 0;
	return err ? err : e;
}

int vfs_sync_all(void)
{
	struct super *sb;
	int err = 0;

	writeback_all(false);
	for (sb = super_next(NULL); sb; sb = super_next(sb)) {
		int e = vfs_sync_super(sb);

		if (e && !err)
			err = e;
	}
	writeback_all(true); /* block devices' own pages */
	return err;
}

/* The flusher's turn, every few seconds. */
static void sync_periodic(void)
{
	struct super *sb;

	for (sb = super_next(NULL); sb; sb = super_next(sb)) {
		int err;

		if (sb_rdonly(sb))
			continue;
		err = inodes_write_dirty(sb, false);
		if (!err && sb->ops->sync)
			err = sb->ops->sync(sb, false);
		if (err)
			log_ratelimited(
				LOG_ERR, "vfs: %s: writing metadata failed: %d", sb->id, err);
	}
}

void vfs_remount_all_readonly(void)
{
	struct super *sb;

	for (sb = super_next(NULL); sb; sb = super_next(sb)) {
		unsigned want = sb->flags | MS_RDONLY;
		int err;

		if (sb_rdonly(sb) || !sb->bdev)
			continue;
		err = vfs_sync_super(sb);
		if (!err && sb->ops->remount)
			err = sb->ops->remount(sb, &want, NULL);
		if (err)
			log_err("vfs: %s: remount read-only: error %d", sb->id, err);
		WRITE_ONCE(sb->flags, want);
	}
}

/* ---- statfs(2) ---- */

#define PIPEFS_MAGIC 0x50495045u

static uint64_t statfs_flags(const struct mount *m)
{
	enum { ST_VALID = 0x20, ST_NOATIME = 0x400, ST_NODIRATIME = 0x800, ST_RELATIME = 0x1000 };
	uint32_t f = m->flags | m->sb->flags;
	uint64_t r = ST_VALID |
		     (f & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS));

	r |= f & MS_NOATIME ? ST_NOATIME : 0;
	r |= f & MS_NODIRATIME ? ST_NODIRATIME : 0;
	return r | (f & MS_RELATIME ? ST_RELATIME : 0);
}

static int statfs_super(struct super *sb, struct kstatfs *st)
{
	int err;

	memset(st, 0, sizeof(*st));
	st->bsize = sb->blksize;
	st->namelen = NAME_MAX;
	st->fsid = sb->dev;
	err = sb->ops->statfs ? sb->ops->statfs(sb, st) : 0;
	if (!st->frsize)
		st->frsize = st->bsize;
	return err;
}

int vfs_statfs_dev(dev_t dev, struct kstatfs *st)
{
	struct super *sb, *found = NULL;
	int err;

	spin_lock(&supers_lock);
	list_for_each_entry (sb, &supers, node) {
		if (sb->dev == dev && refcount_inc_not_zero(&sb->refs)) {
			found = sb;
			break;
		}
	}
	spin_unlock(&supers_lock);
	if (!found)
		return -EINVAL;
	err = statfs_super(found, st);
	super_put(found);
	return err;
}

int vfs_statfs(const struct path *p, struct kstatfs *st)
{
	struct super *sb = p->mnt->sb;
	int err = statfs_super(sb, st);

	if (err)
		return err;
	if (S_ISFIFO(p->dentry->inode->mode) && sb_is_anon(sb))
		st->type = PIPEFS_MAGIC;
	st->flags = statfs_flags(p->mnt);
	return 0;
}

void sync_init(void)
{
	spin_init(&supers_lock);
	writeback_periodic = sync_periodic;
}
