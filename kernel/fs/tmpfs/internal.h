/*
 * internal.h - what the files of tmpfs share.
 */
#pragma once
#include <pagecache.h>
#include <rbtree.h>
#include <vfs.h>
#include <xarray.h>
#include <xattr.h>

#define PAGE_BLOCKS 8u    /* of 512 bytes, as i_blocks counts */
#define INODE_ROOM  1024u /* bytes that an inode stands for where attributes are counted */

/* Key: [l] ->lock  [c] constant but for remount */
struct tmpfs {
	struct spinlock lock;             /* leaf */
	uint64_t max_pages, max_inodes;   /* [l] 0: no limit */
	uint64_t used_pages, used_inodes; /* [l] */
	uint64_t attr_bytes;              /* [l] extended attributes of all inodes */
	uint64_t next_ino;                /* [l] */
	mode_t mode;                      /* of the root */
	uid_t uid;
	gid_t gid;
};

/*
 * A directory's entries by cookie: the position that getdents reports, handed out upwards and never
 * again. The cookie is in dentry->private. Guarded by the directory's inode->lock.
 */
struct tmpfs_inode {
	struct inode inode; /* first: the vfs frees by it */
	struct xarray entries;
	uint64_t next_cookie;
	uint32_t seals;       /* of a regular file: F_SEAL_*; inode->lock, read racily by mmap */
	struct rb_root attrs; /* xattr.c; inode->lock */
};

static inline struct tmpfs_inode *tmpfs_i(struct inode *i)
{
	return (struct tmpfs_inode *)i;
}
static inline struct tmpfs *tmpfs_of(const struct inode *i)
{
	return i->sb->private;
}
/* Inodes that the attributes take the room of; fs->lock is held, as for the next. */
static inline uint64_t tmpfs_attr_inodes(const struct tmpfs *fs)
{
	return DIV_ROUND_UP(fs->attr_bytes, INODE_ROOM);
}
static inline bool tmpfs_inodes_fit(const struct tmpfs *fs, uint64_t inodes)
{
	return !fs->max_inodes || inodes + tmpfs_attr_inodes(fs) <= fs->max_inodes;
}

extern const struct inode_ops tmpfs_dir_ops, tmpfs_file_iops, tmpfs_node_ops, tmpfs_symlink_ops;
extern const struct file_ops tmpfs_dir_fops, tmpfs_file_fops;
extern const struct mapping_ops tmpfs_mapping_ops;

/* An inode of any type, counted, with one name (directories: two). -ENOSPC, -ENOMEM. */
int tmpfs_new_inode(
	struct super *sb, const struct inode *dir, mode_t mode, dev_t dev, struct inode **out);
/* Another name of an inode counts as an inode: -ENOSPC. */
int __must_check tmpfs_count_name(struct inode *i);
void tmpfs_uncount_name(struct inode *i);
/* Enter @i (consumed on success) into @dir under the name of @d. */
int tmpfs_add(struct inode *dir, struct dentry *d, struct inode *i);
/* xattr.c: inode->lock, but for the last when the inode goes. */
extern const struct xattr_ops tmpfs_xattr_ops;
void tmpfs_drop_attrs(struct inode *i);
int tmpfs_set_symlink(struct inode *i, const char *target);
