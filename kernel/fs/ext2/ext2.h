/*
 * ext2.h - the second extended file system: layouts on disk, objects in memory, and what the files
 * of this folder share.
 *
 * All fields on disk are little-endian. Theory: super.c
 */
#pragma once
#include <bitmap.h>
#include <block.h>
#include <file.h>
#include <vfs.h>
#include <workqueue.h>

#include "txn.h"

struct ext2_super_block { /* at byte 1024 */
	__le32 inodes_count, blocks_count, r_blocks_count, free_blocks_count, free_inodes_count,
		first_data_block, log_block_size, log_frag_size, blocks_per_group, frags_per_group,
		inodes_per_group, mtime, wtime;
	__le16 mnt_count, max_mnt_count, magic, state, errors, minor_rev_level;
	__le32 lastcheck, checkinterval, creator_os, rev_level;
	__le16 def_resuid, def_resgid;
	__le32 first_ino;
	__le16 inode_size, block_group_nr;
	__le32 feature_compat, feature_incompat, feature_ro_compat;
	uint8_t uuid[16];
	char volume_name[16], last_mounted[64];
	__le32 algorithm_usage_bitmap;
	uint8_t prealloc_blocks, prealloc_dir_blocks;
	__le16 reserved_gdt_blocks;
	uint8_t journal_uuid[16];
	__le32 journal_inum, journal_dev, last_orphan, hash_seed[4];
	uint8_t def_hash_version, jnl_backup_type;
	__le16 desc_size;
	__le32 default_mount_opts, first_meta_bg, mkfs_time, rest[189];
} __packed;
static_assert(sizeof(struct ext2_super_block) == 1024, "the superblock");
static_assert(offsetof(struct ext2_super_block, magic) == 56 &&
		      offsetof(struct ext2_super_block, uuid) == 104 &&
		      offsetof(struct ext2_super_block, last_orphan) == 232 &&
		      offsetof(struct ext2_super_block, mkfs_time) == 264,
	"the superblock");

struct ext2_group_desc {
	__le32 block_bitmap, inode_bitmap, inode_table;
	__le16 free_blocks_count, free_inodes_count, used_dirs_count, pad;
	__le32 reserved[3];
};
static_assert(sizeof(struct ext2_group_desc) == 32, "a group descriptor");

#define EXT2_NDIR    12u
#define EXT2_NBLOCKS 15u
struct ext2_disk_inode {
	__le16 mode, uid;
	__le32 size, atime, ctime, mtime, dtime;
	__le16 gid, links_count;
	__le32 blocks, flags, osd1, block[EXT2_NBLOCKS], generation, file_acl, size_high, faddr;
	uint8_t frag, fsize;
	__le16 pad1, uid_high, gid_high;
	__le32 reserved2;
	__le16 extra_isize, checksum_hi; /* from here on only in inodes of 256 bytes and more */
	__le32 ctime_extra, mtime_extra, atime_extra, crtime, crtime_extra;
} __packed;
static_assert(offsetof(struct ext2_disk_inode, block) == 40 &&
		      offsetof(struct ext2_disk_inode, extra_isize) == 128 &&
		      sizeof(struct ext2_disk_inode) == 152,
	"an inode");

struct ext2_dirent {
	__le32 inode;
	__le16 rec_len;
	uint8_t name_len, file_type;
	char name[];
} __packed;
static_assert(sizeof(struct ext2_dirent) == 8, "head of a directory entry");

enum {
	EXT2_MAGIC = 0xef53,
	EXT2_ROOT_INO = 2,
	EXT2_LINK_MAX = 32000,
	EXT2_VALID_FS = 1,
	EXT2_ERROR_FS = 2,
	EXT2_COMPAT_JOURNAL = 4,
	EXT2_COMPAT_EXT_ATTR = 8,
	EXT2_INCOMPAT_FILETYPE = 2,
	EXT2_ROCOMPAT_SPARSE_SUPER = 1,
	EXT2_ROCOMPAT_LARGE_FILE = 2,
	EXT2_ROCOMPAT_BTREE_DIR = 4,
	EXT2_INDEX_FL = 0x1000,
	EXT2_FL_SYNC = 8,
	EXT2_FL_IMMUTABLE = 0x10,
	EXT2_FL_APPEND = 0x20,
	EXT2_FL_NOATIME = 0x80,
	EXT2_FL_DIRSYNC = 0x10000,
	EXT2_FL_TOPDIR = 0x20000,
	EXT2_FL_USER_VISIBLE = 0x0003dfff,
	EXT2_FL_USER_MODIFIABLE = 0x000380ff,
	EXT2_FL_INHERITED = 0x000000ef & ~0x30,
};
#define EXT2_INCOMPAT_KNOWN EXT2_INCOMPAT_FILETYPE
#define EXT2_ROCOMPAT_KNOWN                                                                        \
	(EXT2_ROCOMPAT_SPARSE_SUPER | EXT2_ROCOMPAT_LARGE_FILE | EXT2_ROCOMPAT_BTREE_DIR)

/* Key: [l] ->lock  [c] constant after the bitmaps were read (under sbi->load_lock) */
struct ext2_group {
	struct spinlock lock;           /* leaf */
	struct ext2_group_desc *desc;   /* [c] in a pinned page; fields [l] */
	struct ext2_buf blocks, inodes; /* [c] the bitmaps, pinned once read */
	unsigned long *avoid; /* [l] free blocks that may not be taken: reserved by a file, or freed
				 not long ago; or NULL */
	unsigned long *freed[2]; /* [l] blocks freed in a commit epoch (by its low bit); subsets of
				    avoid */
	unsigned long *avoid_ino, *freed_ino[2]; /* [l] the same for inodes */
	bool any_freed[2], any_freed_ino[2];     /* [l] */
	uint32_t hint; /* [l] where the last search for a new file's block ended */
};

/* By the low bit of the epoch. Key: [r] lock */
struct ext2_order {
	struct spinlock lock;         /* leaf */
	struct list_head held[2];     /* [r] sectors held back */
	struct list_head replaced[2]; /* [r] inodes that lost a name to a rename */
	unsigned nr_held;             /* [r] */
};

/* Key: [c] constant  [a] atomic  [o] orphan_lock  [m] commit_lock */
struct ext2_sb {
	struct super *sb;              /* [c] */
	struct block_device *bdev;     /* [c] */
	struct ext2_buf super_buf;     /* [c] pinned; on_disk points into it */
	struct ext2_super_block *disk; /* [c] */
	struct ext2_buf *desc_buf;     /* [c] pinned descriptor blocks */
	struct ext2_group *group;      /* [c] */
	uint32_t nr_groups, nr_desc_blocks, blocks_count, inodes_count, first_data,
		blocks_per_group, inodes_per_group; /* [c] */
	uint32_t first_ino, inode_size, bits, bs, ptrs, ptr_bits, itable_blocks,
		overhead;                    /* [c] bs: block size; ptrs: pointers in a block */
	atomic64_t free_blocks, free_inodes; /* [a] */
	atomic64_t aside;                    /* [a] what is freed but waits for a commit */
	struct mutex load_lock;              /* reading of bitmaps */
	struct mutex orphan_lock;
	struct mutex xattr_lock;  /* reference counts of attribute blocks */
	struct list_head orphans; /* [o] newest first, as on disk */
	struct mutex commit_lock;
	struct ext2_gate gate;   /* transactions and epochs: txn.h */
	uint32_t committed;      /* [m] the last epoch that is on media; read racily */
	struct ext2_order order; /* what waits for a commit: order.c */
	uint32_t wb_seen;        /* [m] write errors of the device's cache that were reported */
	bool continue_on_error, no_user_xattr, has_error, was_valid;
	struct work
		error_work;  /* data could not be written: become read-only outside the interrupt */
	uint32_t dir_spread; /* [a] racy: where the next top-level directory looks first */
};

struct ext2_dir_index;

/* A name that a rename has replaced, as long as the disk may still show it. Key: [r] order.lock */
struct ext2_replaced {
	struct list_head node; /* [r] of order.replaced */
	struct inode *inode;   /* whose it is; constant */
	uint16_t links;        /* [r] names that count on disk and not in memory */
};

/* Key: [m] map_lock  [l] inode->lock  [o] orphan_lock  [x] index_lock, read after publication */
struct ext2_inode {
	struct inode vfs;      /* first */
	struct rwsem map_lock; /* block map: lookups shared, changes exclusive. Inside page locks */
	union {
		__le32 block[EXT2_NBLOCKS];  /* [m] as on disk */
		char link[EXT2_NBLOCKS * 4]; /* fast symlink */
	};
	uint32_t flags, file_acl, dtime;  /* [l] */
	uint32_t epoch;                   /* commit epoch it was created in; 0: before */
	struct ext2_replaced replaced[2]; /* by the low bit of the epoch */
	uint32_t group;                   /* constant: its block group */
	uint32_t last_logical, last_phys; /* [m] last block that was allocated */
	uint32_t win_start, win_len,
		win_next;             /* [m] reserved blocks, and how many to reserve next */
	bool on_orphan_list;          /* [o] */
	struct list_head orphan_node; /* [o] */
	struct mutex index_lock;
	struct ext2_dir_index *index; /* [x] directories: names to places; or NULL */
	char *long_link;              /* [x] text of a slow symlink once read */
};
static inline struct ext2_inode *EXT2_I(const struct inode *i)
{
	return (struct ext2_inode *)(uintptr_t)i;
}
static inline struct ext2_sb *EXT2_SB(const struct super *sb)
{
	return sb->private;
}

/* meta.c: metadata blocks through the device's page cache. 0 or -errno. */
int __must_check ext2_meta_get(struct ext2_sb *s, uint32_t block, struct ext2_buf *b);
int __must_check ext2_meta_get_new(struct ext2_txn *t, uint32_t block,
	struct ext2_buf *b); /* zeroed, declared dirty, not read; waits for memory */
/* -ENOMEM where there is no way back: waits a little; true: try again. */
bool ext2_wait_for_memory(int err);
void ext2_meta_put(struct ext2_buf *b);
void ext2_meta_forget(
	struct ext2_sb *s, uint32_t block, uint32_t n); /* freed: never to be written */
/* Log, note it in the superblock, and become read-only unless errors=continue. */
void ext2_error(struct ext2_sb *s, const char *fmt, ...) __printf(2, 3) __cold;
static inline bool ext2_block_valid(const struct ext2_sb *s, uint32_t b)
{
	return b >= s->first_data && b < s->blocks_count && b != 0;
}

/* balloc.c: blocks */
struct ext2_group *ext2_group_load(
	struct ext2_sb *s, uint32_t g, int *err) __must_check; /* with bitmaps; NULL: *err */
/* Up to @want adjacent blocks for @i near @goal (0: no wish) from its reservation: map_lock held.
 * Count, or -ENOSPC, -EUCLEAN, -EIO. */
int __must_check ext2_alloc_blocks(
	struct ext2_txn *t, struct inode *i, uint32_t goal, unsigned want, uint32_t *first);
void ext2_free_blocks(struct ext2_txn *t, uint32_t first, uint32_t n, bool fresh, bool metadata);
void ext2_discard_window(struct ext2_inode *ei); /* map_lock held */
void ext2_release_freed(
	struct ext2_sb *s, unsigned parity); /* what was freed in that epoch may be used again */
uint32_t ext2_group_first(const struct ext2_sb *s, uint32_t g);
uint32_t ext2_group_blocks(const struct ext2_sb *s, uint32_t g); /* the last one may be short */
/* Make *slot a bitmap of zeros if it is none yet; false: no memory. Not under the group's lock. */
bool ext2_need_bitmap(struct ext2_sb *s, struct ext2_group *grp, unsigned long **slot);
void ext2_dirty_desc(struct ext2_txn *t, uint32_t g);

/* ialloc.c: inodes */
int __must_check ext2_alloc_ino(struct ext2_txn *t, struct inode *dir, mode_t mode, uint32_t *ino);
void ext2_free_ino(struct ext2_txn *t, uint32_t ino, bool dir, bool fresh);

/* map.c: from blocks of a file to blocks of the device */
int __must_check ext2_map(struct inode *i, uint32_t lblk, uint32_t max, uint32_t *phys,
	uint32_t *run); /* *phys 0: a hole of *run */
/* All of @n blocks (at most a page's) exist afterwards, or on failure none that did not before. */
int __must_check ext2_map_create(struct ext2_txn *t, struct inode *i, uint32_t lblk, unsigned n);
/* A block that was just made for a directory or link is given back. */
void ext2_map_undo(struct ext2_txn *t, struct inode *i, uint32_t lblk);
int __must_check ext2_truncate_blocks(
	struct inode *i, uint32_t from); /* free blocks >= from; own transactions */
int64_t ext2_max_size(unsigned bits);

/* inode.c */
extern const struct super_ops ext2_super_ops;
int __must_check ext2_iget(struct super *sb, uint32_t ino, bool orphan, struct inode **out);
/* Into its table block, which is pinned. map_lock held, or nobody else has the inode. */
void ext2_inode_store(struct ext2_txn *t, struct inode *i);
/* Features that the disk uses from now on. */
void ext2_note_features(struct ext2_txn *t, uint32_t compat, uint32_t ro_compat);
/* Pinned. To undo it: nlink 0, stored; the last reference after the transaction frees it. */
int __must_check ext2_create_inode(
	struct ext2_txn *t, struct inode *dir, mode_t mode, dev_t dev, struct inode **out);
void ext2_set_ops(struct inode *i);
int __must_check ext2_set_flags(const struct path *p, uint32_t flags);
void ext2_set_iflags(struct inode *i); /* the vfs's flags from those on disk */
int ext2_setattr(struct dentry *d, struct iattr *a);
struct inode *ext2_alloc_inode(struct super *sb);
void ext2_free_inode(struct inode *i);
int ext2_write_inode(struct inode *i, bool wait);
void ext2_evict(struct inode *i);
void ext2_inode_cache_init(void);
int __must_check ext2_itable_get(
	struct ext2_sb *s, uint32_t ino, struct ext2_buf *b, struct ext2_disk_inode **d);

/* file.c */
extern const struct mapping_ops ext2_mapping_ops;
/* inode_ops.extent */
int ext2_extent(struct inode *i, uint64_t index, uint64_t *sector, uint64_t *pages);
extern const struct file_ops ext2_file_ops;
void ext2_forget_blocks(struct inode *i,
	int64_t size); /* cut to @size: not all blocks of its last page exist any more */
long ext2_ioctl(struct file *f, unsigned cmd, void *arg);

/*
 * dir.c: entries on disk. The directory's lock is held. A directory that changes is pinned.
 * A slot is an entry that was found: its place, what it says, and its block, which stays in memory
 * until ext2_slot_put(); so changing it cannot fail.
 */
struct ext2_slot {
	uint32_t pos; /* byte offset in the directory */
	uint32_t ino;
	uint8_t type;
	struct ext2_buf buf;
};
static inline void ext2_slot_put(struct ext2_slot *slot)
{
	ext2_meta_put(&slot->buf);
}
int __must_check ext2_dir_find(
	struct inode *dir, const char *name, unsigned len, struct ext2_slot *out); /* -ENOENT */
/* *out (or NULL): the new entry. */
int __must_check ext2_dir_add(struct ext2_txn *t, struct inode *dir, const char *name, unsigned len,
	uint32_t ino, mode_t mode, struct ext2_slot *out);
void ext2_dir_remove(struct ext2_txn *t, struct inode *dir, const char *name, unsigned len,
	const struct ext2_slot *slot);
void ext2_dir_set(struct ext2_txn *t, struct inode *dir, const struct ext2_slot *slot, uint32_t ino,
	mode_t mode);
/* The bytes of the entry's block that ext2_dir_add() or ext2_dir_set() may have changed. */
void ext2_dir_add_range(
	const struct ext2_sb *s, const struct ext2_slot *slot, unsigned *from, unsigned *to);
/* The bytes of the entry's block that ext2_dir_remove() changes. */
void ext2_dir_remove_range(
	const struct ext2_sb *s, const struct ext2_slot *slot, unsigned *from, unsigned *to);
int __must_check ext2_dir_make_empty(struct ext2_txn *t, struct inode *dir, uint32_t parent);
int __must_check ext2_dir_is_empty(struct inode *dir); /* 0, -ENOTEMPTY, -errno */
int __must_check ext2_dir_find_parent(struct inode *dir, struct ext2_slot *out); /* ".." */
int ext2_readdir(struct file *f, struct dir_context *ctx);
int __must_check ext2_dir_block(struct inode *dir, uint32_t lblk, struct ext2_buf *b);
/* Visit the entries of one block from @off (an entry's place, 0: all) on, checked; fn non-zero
 * stops and is returned. -EUCLEAN: corrupt, reported. */
typedef int (*ext2_entry_fn)(struct ext2_dirent *e, unsigned off, void *arg);
int __must_check ext2_dir_scan(struct inode *dir, uint32_t lblk, const void *block, unsigned off,
	ext2_entry_fn fn, void *arg);
static inline unsigned ext2_rec_len(unsigned name_len)
{
	return (8 + name_len + 3) & ~3u;
}
extern const struct file_ops ext2_dir_ops;

/* dirindex.c: names of a big directory hashed in memory. All but build need the directory's lock
 * for writing to change. */
bool ext2_index_want(const struct inode *dir);
struct ext2_dir_index *ext2_index_get(
	struct inode *dir); /* builds it; NULL: none (small, no memory, corrupt): scan */
int __must_check ext2_index_find(struct inode *dir, struct ext2_dir_index *x, const char *name,
	unsigned len, struct ext2_slot *out);
void ext2_index_add(struct inode *dir, const char *name, unsigned len, uint32_t pos);
void ext2_index_remove(struct inode *dir, const char *name, unsigned len, uint32_t pos);
void ext2_index_drop(struct inode *dir);
/* A block that may have @need bytes: *lblk, and the entry to begin at. false: none, append. */
bool ext2_index_space(struct ext2_dir_index *x, unsigned need, uint32_t *lblk, unsigned *from);
void ext2_index_set_space(struct inode *dir, uint32_t lblk,
	unsigned largest); /* @largest: at most so much is free in one piece */
void ext2_index_more_space(struct inode *dir, uint32_t lblk, unsigned at_least);

/* namei.c */
extern const struct inode_ops ext2_dir_inode_ops, ext2_file_inode_ops, ext2_special_inode_ops,
	ext2_symlink_ops, ext2_fast_symlink_ops;
bool ext2_is_fast_symlink(const struct inode *i);
/* The entry of @d, which must lead to the inode that the vfs knows. */
int __must_check ext2_find_entry(struct inode *dir, const struct dentry *d, struct ext2_slot *slot);

/* xattr.c: extended attributes */
extern const struct xattr_ops ext2_xattr_ops;
bool ext2_xattr_any(const struct inode *i, const struct ext2_disk_inode *d); /* are there some? */
void ext2_xattr_drop(struct ext2_txn *t, struct inode *i); /* the inode goes; pinned, not stored */

/* rename.c */
int ext2_rename(
	struct inode *od, struct dentry *o, struct inode *nd, struct dentry *n, unsigned flags);

/* orphan.c: inodes without names that are still in use */
void ext2_orphan_add(struct ext2_txn *t, struct inode *i); /* pinned */
/* -ENOMEM, -EIO: it stays on the list. */
int __must_check ext2_orphan_del(struct ext2_txn *t, struct inode *i);
void ext2_orphan_forget(struct inode *i);    /* goes from memory but stays on the disk's list */
void ext2_orphan_recover(struct ext2_sb *s); /* at mount */

/* order.c: what must not reach the disk before something else has */
void ext2_order_init(struct ext2_sb *s);
/*
 * Bytes [from, to) of a metadata block are not written before all that the change has done so far
 * is on media. Call before they change; waits for a write of them in flight. False: no memory, or
 * too much is held already: a commit between the two parts of the change must do.
 */
bool ext2_order_hold(
	struct ext2_txn *t, const struct ext2_buf *b, unsigned from, unsigned to) __must_check;
bool ext2_order_is_held(
	const struct ext2_sb *s, const struct ext2_buf *b, unsigned from, unsigned to);
/* Do these bytes reach the disk in one piece, whatever happens? */
bool ext2_order_together(const struct ext2_sb *s, const struct ext2_buf *a, unsigned a_from,
	unsigned a_to, const struct ext2_buf *b, unsigned b_from, unsigned b_to);
/* @i has lost @links names to a rename: its record on disk says nothing of it before the new name
 * is on media. */
void ext2_order_replaced(struct ext2_txn *t, struct inode *i, unsigned links);
unsigned ext2_order_links(const struct inode *i); /* names that count on disk only */
/* Commit: what was held in that epoch may go; true if anything was. @replaced: for
 * ext2_order_drop(), outside locks. */
bool ext2_order_release(struct ext2_sb *s, unsigned parity, struct list_head *replaced);
void ext2_order_drop(struct ext2_sb *s, struct list_head *replaced);
bool ext2_order_waits(const struct ext2_sb *s); /* for a commit */

/* super.c */
void ext2_super_counts(struct ext2_sb *s); /* counters into the superblock's buffer */
