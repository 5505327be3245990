/*
 * inode.c - inodes between disk and memory: reading, storing, making, attributes, and the end.
 *
 * An inode's record is stored into its table block when names, links, ownership or blocks change
 * under a transaction, and by write_inode for the rest (times, size). What is read is checked: a
 * type, sizes and link counts that make no sense give EUCLEAN.
 */
#include "ext2.h"

#include <dev.h>
#include <error.h>
#include <log.h>
#include <random.h>
#include <slab.h>
#include <string.h>
#include <time.h>

static struct slab_cache *inode_slab;

void ext2_inode_cache_init(void)
{
	inode_slab = slab_cache_create("ext2_inode", sizeof(struct ext2_inode), 16, NULL);
}

struct inode *ext2_alloc_inode(struct super *sb)
{
	struct ext2_inode *ei = slab_alloc(inode_slab, GFP_NOFS);

	(void)sb;
	if (!ei)
		return NULL;
	memset((char *)ei + sizeof(ei->vfs), 0,
		sizeof(*ei) - sizeof(ei->vfs)); /* the vfs clears its own */
	rwsem_init(&ei->map_lock);
	mutex_init(&ei->index_lock);
	list_init(&ei->orphan_node);
	for (unsigned k = 0; k < 2; k++) {
		list_init(&ei->replaced[k].node);
		ei->replaced[k].inode = &ei->vfs;
	}
	return &ei->vfs;
}

void ext2_free_inode(struct inode *i)
{
	kfree(EXT2_I(i)->long_link);
	slab_free(inode_slab, EXT2_I(i));
}

/* The record of inode @ino in its table block. */
int ext2_itable_get(struct ext2_sb *s, uint32_t ino, struct ext2_buf *b, struct ext2_disk_inode **d)
{
	uint32_t g = (ino - 1) / s->inodes_per_group, index = (ino - 1) % s->inodes_per_group;
	uint64_t at = (uint64_t)index * s->inode_size;
	int err;

	if (ino < 1 || ino > s->inodes_count)
		return -EUCLEAN;
	err = ext2_meta_get(s, le32(s->group[g].desc->inode_table) + (uint32_t)(at >> s->bits), b);
	if (!err)
		*d = (struct ext2_disk_inode *)((char *)b->data + (at & (s->bs - 1)));
	return err;
}

/* Does the record have the extra fields up to the end of @field? */
#define HAS_EXTRA(s, d, field)                                                                     \
	((s)->inode_size > 128 &&                                                                  \
		128u + le16((d)->extra_isize) >=                                                   \
			offsetof(struct ext2_disk_inode, field) + sizeof((d)->field) &&            \
		128u + le16((d)->extra_isize) <= (s)->inode_size)

/* Seconds are signed 32 bits plus two bits of epoch in the extra word, below 30 bits of
 * nanoseconds. */
static struct timespec get_time(__le32 seconds, bool has, __le32 extra)
{
	struct timespec t = {(int32_t)le32(seconds), 0};

	if (has) {
		t.tv_sec += (int64_t)(le32(extra) & 3) << 32;
		t.tv_nsec = le32(extra) >> 2;
		if (t.tv_nsec >= (int64_t)NSEC_PER_SEC)
			t.tv_nsec = 0;
	}
	return t;
}

static __le32 time_extra(const struct timespec *t)
{
	uint32_t epoch = (uint32_t)((t->tv_sec - (int32_t)t->tv_sec) >> 32) & 3;

	return to_le32(epoch | (uint32_t)t->tv_nsec << 2);
}

static void get_times(const struct ext2_sb *s, const struct ext2_disk_inode *d, struct inode *i)
{
	i->atime = get_time(d->atime, HAS_EXTRA(s, d, atime_extra), d->atime_extra);
	i->mtime = get_time(d->mtime, HAS_EXTRA(s, d, mtime_extra), d->mtime_extra);
	i->ctime = get_time(d->ctime, HAS_EXTRA(s, d, ctime_extra), d->ctime_extra);
	if (HAS_EXTRA(s, d, crtime_extra))
		i->btime = get_time(d->crtime, true, d->crtime_extra);
	else
		i->btime = i->ctime;
}

static void put_times(const struct ext2_sb *s, struct ext2_disk_inode *d, const struct inode *i)
{
	d->atime = to_le32(i->atime.tv_sec);
	d->mtime = to_le32(i->mtime.tv_sec);
	d->ctime = to_le32(i->ctime.tv_sec);
	if (HAS_EXTRA(s, d, ctime_extra))
		d->ctime_extra = time_extra(&i->ctime);
	if (HAS_EXTRA(s, d, mtime_extra))
		d->mtime_extra = time_extra(&i->mtime);
	if (HAS_EXTRA(s, d, atime_extra))
		d->atime_extra = time_extra(&i->atime);
	if (HAS_EXTRA(s, d, crtime_extra)) {
		d->crtime = to_le32(i->btime.tv_sec);
		d->crtime_extra = time_extra(&i->btime);
	}
}

/* Device numbers: the old 16-bit form in the first pointer, the new 32-bit form in the second. */
static dev_t get_rdev(const struct ext2_inode *ei)
{
	uint32_t old = le32(ei->block[0]), v = le32(ei->block[1]);

	if (old)
		return MKDEV(old >> 8 & 255, old & 255);
	return MKDEV((v & 0xfff00) >> 8, (v & 0xff) | ((v >> 12) & 0xfff00));
}

static void put_rdev(struct ext2_inode *ei, dev_t dev)
{
	uint32_t major = MAJOR(dev), minor = MINOR(dev);

	memset(ei->block, 0, sizeof(ei->block));
	if (major < 256 && minor < 256)
		ei->block[0] = to_le32(major << 8 | minor);
	else
		ei->block[1] = to_le32((minor & 0xff) | major << 8 | (minor & ~0xffu) << 12);
}

static uint32_t iflags_of(uint32_t flags)
{
	return (flags & EXT2_FL_SYNC ? INODE_SYNC : 0) |
	       (flags & EXT2_FL_IMMUTABLE ? INODE_IMMUTABLE : 0) |
	       (flags & EXT2_FL_APPEND ? INODE_APPEND : 0) |
	       (flags & EXT2_FL_NOATIME ? INODE_NOATIME : 0);
}

void ext2_set_iflags(struct inode *i)
{
	WRITE_ONCE(i->iflags, iflags_of(EXT2_I(i)->flags) | (i->iflags & INODE_CAPS));
}

/* FS_IOC_SETFLAGS: those that only the file system may change stay. */
int ext2_set_flags(const struct path *p, uint32_t flags)
{
	struct inode *i = p->dentry->inode;
	struct ext2_inode *ei = EXT2_I(i);
	struct ext2_txn t;
	int err;

	if (flags & ~(uint32_t)EXT2_FL_USER_VISIBLE ||
		(!S_ISDIR(i->mode) && (flags & (EXT2_FL_DIRSYNC | EXT2_FL_TOPDIR))))
		return -EOPNOTSUPP;
	rwsem_write_lock(&i->lock);
	flags = (flags & EXT2_FL_USER_MODIFIABLE) |
		(ei->flags & ~(uint32_t)EXT2_FL_USER_MODIFIABLE);
	err = inode_may_set_flags(p, i->iflags, iflags_of(flags));
	if (!err && (flags & ei->flags & EXT2_FL_IMMUTABLE) && flags != ei->flags)
		err = -EPERM; /* that would have to go first */
	if (!err)
		err = ext2_begin(i->sb, &t);
	if (err)
		goto unlock;
	err = ext2_pin_inode(&t, i);
	if (!err) {
		ei->flags = flags;
		ext2_set_iflags(i);
		inode_touch(i, ATTR_CTIME);
		rwsem_read_lock(&ei->map_lock);
		ext2_inode_store(&t, i);
		rwsem_read_unlock(&ei->map_lock);
	}
	ext2_end(&t);
unlock:
	rwsem_write_unlock(&i->lock);
	return err;
}

void ext2_set_ops(struct inode *i)
{
	ext2_set_iflags(i);
	i->data.ops = &ext2_mapping_ops;
	switch (i->mode & S_IFMT) {
	case S_IFREG:
		i->ops = &ext2_file_inode_ops;
		i->fops = &ext2_file_ops;
		break;
	case S_IFDIR:
		i->ops = &ext2_dir_inode_ops;
		i->fops = &ext2_dir_ops;
		break;
	case S_IFLNK:
		if (ext2_is_fast_symlink(i))
			EXT2_I(i)->link[i->size] = 0;
		i->ops = ext2_is_fast_symlink(i) ? &ext2_fast_symlink_ops : &ext2_symlink_ops;
		break;
	default:
		i->ops = &ext2_special_inode_ops;
		inode_init_special(i, i->mode, get_rdev(EXT2_I(i)));
	}
}

/* Is what was read a possible inode? */
static bool plausible(const struct ext2_sb *s, const struct inode *i)
{
	switch (i->mode & S_IFMT) {
	case S_IFDIR:
		if (i->size <= 0 || i->size & (s->bs - 1) || i->size > (1ll << 31))
			return false;
		break;
	case S_IFLNK:
		if (i->size <= 0 || i->size >= s->bs ||
			(ext2_is_fast_symlink(i) && i->size >= (int64_t)sizeof(EXT2_I(i)->link)))
			return false;
		break;
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	default:
		return false;
	}
	return i->size >= 0 && i->size <= ext2_max_size(s->bits);
}

static int decode(struct ext2_sb *s, struct inode *i, const struct ext2_disk_inode *d)
{
	struct ext2_inode *ei = EXT2_I(i);

	i->mode = le16(d->mode);
	i->nlink = le16(d->links_count);
	i->uid = le16(d->uid) | (uint32_t)le16(d->uid_high) << 16;
	i->gid = le16(d->gid) | (uint32_t)le16(d->gid_high) << 16;
	i->size = le32(d->size);
	if (S_ISREG(i->mode))
		i->size |= (int64_t)((uint64_t)le32(d->size_high) << 32);
	i->blocks = le32(d->blocks);
	i->generation = le32(d->generation);
	i->blksize = s->bs;
	get_times(s, d, i);
	ei->flags = le32(d->flags);
	ei->file_acl = le32(d->file_acl);
	ei->dtime = le32(d->dtime);
	ei->group = (uint32_t)((i->ino - 1) / s->inodes_per_group);
	memcpy(ei->block, d->block, sizeof(ei->block));
	i->iflags = ext2_xattr_any(i, d) ? INODE_CAPS : 0;
	return i->size < 0 || !plausible(s, i) ? -EUCLEAN : 0;
}

/* @orphan: it may be without links, else that is corruption: a name led here. */
int ext2_iget(struct super *sb, uint32_t ino, bool orphan, struct inode **out)
{
	struct ext2_sb *s = EXT2_SB(sb);
	struct ext2_disk_inode *d;
	struct ext2_buf b;
	struct inode *i;
	bool is_new;
	int err;

	if ((ino != EXT2_ROOT_INO && ino < s->first_ino) || ino > s->inodes_count) {
		ext2_error(s, "inode number %u does not exist", ino);
		return -EUCLEAN;
	}
	i = inode_get_cached(sb, ino, &is_new);
	if (!i)
		return -ENOMEM;
	if (!is_new && !i->nlink && !orphan) {
		ext2_error(s, "inode %u is deleted but has a name", ino);
		inode_put(i);
		return -EUCLEAN;
	}
	if (!is_new) {
		*out = i;
		return 0;
	}
	err = ext2_itable_get(s, ino, &b, &d);
	if (err)
		goto fail;
	err = decode(s, i, d);
	if (!err && !i->nlink && !orphan)
		err = -EUCLEAN;
	ext2_meta_put(&b);
	if (err) {
		ext2_error(s, "inode %u is corrupt (mode %o, links %u, size %lld)", ino, i->mode,
			i->nlink, (long long)i->size);
		goto fail;
	}
	ext2_set_ops(i);
	inode_unlock_new(i);
	*out = i;
	return 0;
fail:
	inode_fail_new(i);
	return err;
}

static void encode(struct ext2_sb *s, const struct inode *i, struct ext2_disk_inode *d)
{
	const struct ext2_inode *ei = EXT2_I(i);

	d->mode = to_le16(i->mode);
	d->links_count = to_le16(i->nlink + ext2_order_links(i));
	d->uid = to_le16(i->uid);
	d->uid_high = to_le16(i->uid >> 16);
	d->gid = to_le16(i->gid);
	d->gid_high = to_le16(i->gid >> 16);
	d->size = to_le32((uint64_t)i->size);
	if (S_ISREG(i->mode))
		d->size_high = to_le32((uint64_t)i->size >> 32);
	d->blocks = to_le32(i->blocks);
	d->flags = to_le32(ei->flags);
	d->file_acl = to_le32(ei->file_acl);
	d->dtime = to_le32(ei->dtime);
	d->generation = to_le32(i->generation);
	memcpy(d->block, ei->block, sizeof(d->block));
	put_times(s, d, i);
}

void ext2_note_features(struct ext2_txn *t, uint32_t compat, uint32_t ro_compat)
{
	struct ext2_super_block *d = t->s->disk;

	if (likely((le32(d->feature_compat) & compat) == compat &&
		    (le32(d->feature_ro_compat) & ro_compat) == ro_compat))
		return;
	d->feature_compat = to_le32(le32(d->feature_compat) | compat);
	d->feature_ro_compat = to_le32(le32(d->feature_ro_compat) | ro_compat);
	if (!le32(d->rev_level)) { /* revision 0 knows no features */
		d->rev_level = to_le32(1);
		d->first_ino = to_le32(11);
		d->inode_size = to_le16(128);
	}
	ext2_dirty_part(t, &t->s->super_buf, 0, 1024);
}

/* A file beyond 2 GiB needs the feature bit that tells old systems. */
static void note_large_file(struct ext2_txn *t, const struct inode *i)
{
	if (unlikely(i->size > INT32_MAX) && S_ISREG(i->mode))
		ext2_note_features(t, 0, EXT2_ROCOMPAT_LARGE_FILE);
}

void ext2_inode_store(struct ext2_txn *t, struct inode *i)
{
	struct ext2_sb *s = t->s;
	struct ext2_disk_inode *d;
	struct ext2_buf b;
	int err = ext2_itable_get(s, (uint32_t)i->ino, &b, &d);

	if (err) { /* was it not pinned? */
		ext2_error(s, "inode %llu cannot be stored: error %d", (unsigned long long)i->ino,
			-err);
		return;
	}
	encode(s, i, d);
	ext2_dirty(t, &b);
	ext2_meta_put(&b);
	note_large_file(t, i);
}

static int store_alone(struct inode *i)
{
	struct ext2_txn t;
	int err = ext2_begin(i->sb, &t);

	if (err)
		return err;
	err = ext2_pin_inode(&t, i);
	if (!err) {
		rwsem_read_lock(&EXT2_I(i)->map_lock); /* pointers and i_blocks of one moment */
		ext2_inode_store(&t, i);
		rwsem_read_unlock(&EXT2_I(i)->map_lock);
	}
	ext2_end(&t);
	return err;
}

/* Who calls has already marked it clean: it must not be lost because memory is short. */
int ext2_write_inode(struct inode *i, bool wait)
{
	int err;

	(void)wait; /* the table block is written by the commit that follows a wait */
	do {
		err = store_alone(i);
	} while (ext2_wait_for_memory(err));
	return err;
}

/* ---- making ---- */

/* A clean record on disk, so that fields which this code does not know are zero. It is pinned. */
static void clear_record(struct ext2_sb *s, uint32_t ino)
{
	struct ext2_disk_inode *d;
	struct ext2_buf b;

	if (ext2_itable_get(s, ino, &b, &d))
		return;
	memset(d, 0, s->inode_size);
	if (s->inode_size > 128)
		d->extra_isize = to_le16(32);
	ext2_meta_put(&b); /* the store that follows declares it */
}

int ext2_create_inode(
	struct ext2_txn *t, struct inode *dir, mode_t mode, dev_t dev, struct inode **out)
{
	struct ext2_sb *s = t->s;
	struct inode *i = inode_new(dir->sb);
	struct ext2_inode *ei = EXT2_I(i);
	uint32_t ino;
	int err;

	if (!i)
		return -ENOMEM;
	err = ext2_alloc_ino(t, dir, mode, &ino);
	if (err)
		goto put;
	i->ino = ino;
	err = ext2_pin_inode(t, i);
	if (err)
		goto free_ino;
	inode_init_owner(i, dir, mode);
	i->nlink = 1;
	i->blksize = s->bs;
	i->generation = (uint32_t)random_u64();
	ei->epoch = t->epoch;
	ei->group = (ino - 1) / s->inodes_per_group;
	ei->flags = EXT2_I(dir)->flags & EXT2_FL_INHERITED;
	if (S_ISCHR(mode) || S_ISBLK(mode))
		put_rdev(ei, dev);
	clear_record(s, ino);
	ext2_inode_store(t, i);
	ext2_set_ops(i);
	inode_hash(i);
	*out = i;
	return 0;

free_ino:
	ext2_free_ino(t, ino, S_ISDIR(mode), true);
put:
	i->ino = 0; /* evict: nothing on disk */
	i->nlink = 0;
	inode_put(i);
	return err;
}

/* ---- the end ---- */

static int free_storage(struct inode *i)
{
	struct ext2_inode *ei = EXT2_I(i);
	struct ext2_txn t;
	bool has_map = S_ISREG(i->mode) || S_ISDIR(i->mode) ||
		       (S_ISLNK(i->mode) && !ext2_is_fast_symlink(i));
	int err = 0;

	if (has_map && i->blocks)
		err = ext2_truncate_blocks(i, 0);
	if (!err)
		err = ext2_begin(i->sb, &t);
	if (err)
		return err;
	err = ext2_pin_inode(&t, i);
	if (!err)
		err = ext2_orphan_del(&t, i);
	if (!err) {
		ext2_xattr_drop(&t, i);
		i->blocks = 0;
		ei->dtime = (uint32_t)time_now_coarse().tv_sec;
		ei->dtime = ei->dtime ? ei->dtime : 1;
		ext2_inode_store(&t, i);
		ext2_free_ino(&t, (uint32_t)i->ino, S_ISDIR(i->mode), ei->epoch == t.epoch);
	}
	ext2_end(&t);
	return err;
}

/* No name and no user: give its storage back. What cannot be is left to the orphan list on disk. */
static void delete_inode(struct inode *i)
{
	int err;

	i->size = 0;
	do {
		err = free_storage(i);
	} while (ext2_wait_for_memory(err));
	if (err)
		ext2_orphan_forget(i);
}

void ext2_evict(struct inode *i)
{
	struct ext2_inode *ei = EXT2_I(i);

	inode_clear(i);
	ext2_index_drop(i);
	if (!i->nlink && i->ino && !sb_rdonly(i->sb)) {
		delete_inode(i);
		return;
	}
	ext2_orphan_forget(i);
	if (ei->win_len) {
		rwsem_write_lock(&ei->map_lock);
		ext2_discard_window(ei);
		rwsem_write_unlock(&ei->map_lock);
	}
}

/* ---- attributes ---- */

static int set_size(struct inode *i, int64_t size)
{
	struct ext2_sb *s = EXT2_SB(i->sb);
	int64_t old = i->size;
	int err;

	if (!S_ISREG(i->mode))
		return S_ISDIR(i->mode) ? -EISDIR : -EINVAL;
	if (size > i->sb->max_size)
		return -EFBIG;
	if (size == old)
		return 0;
	i_size_write(i, size);
	pagecache_truncate(i->mapping,
		MIN(size, old)); /* growing: the tail of the old last page becomes zeros */
	inode_mark_dirty(i);
	if (size < old && size & (PAGE_SIZE - 1))
		ext2_forget_blocks(i, size); /* small blocks of the last page go */
	if (size > old)
		return 0;
	do { /* blocks behind the end would be an error to e2fsck */
		err = ext2_truncate_blocks(i, (uint32_t)((size + s->bs - 1) >> s->bits));
	} while (ext2_wait_for_memory(err));
	return err;
}

int ext2_setattr(struct dentry *d, struct iattr *a)
{
	struct inode *i = d->inode;
	struct ext2_txn t;
	int err;

	if (sb_rdonly(i->sb))
		return -EROFS;
	if (a->valid & ATTR_SIZE) {
		bool changed = a->size != i->size;

		err = set_size(i, a->size);
		if (err)
			return err;
		if (changed && !(a->valid & ATTR_MTIME))
			inode_touch(i, ATTR_MTIME);
	}
	if (!(a->valid & (ATTR_MODE | ATTR_UID | ATTR_GID))) {
		inode_setattr(i, a);
		return 0;
	}
	err = ext2_begin(i->sb, &t);
	if (err)
		return err;
	err = ext2_pin_inode(&t, i);
	if (!err) {
		inode_setattr(i, a);
		rwsem_read_lock(&EXT2_I(i)->map_lock);
		ext2_inode_store(&t, i);
		rwsem_read_unlock(&EXT2_I(i)->map_lock);
	}
	ext2_end(&t);
	return err;
}
