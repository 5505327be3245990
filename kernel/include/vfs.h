/*
 * vfs.h - inodes, dentries, mounts and path walk.
 *
 * inode: one object of a file system. dentry: a name in a directory, cached, hashed by (parent,
 * name); negative if inode is NULL. mount: a superblock attached to the tree. path: mount + dentry,
 * referenced. Lookups walk by RCU without references or locks and fall back to the locked walk
 * (internal ECHILD_WALK) when a name is not cached or something changes underneath (rename_seq,
 * dentry->seq). Lifetimes end by RCU. Lock order: s_rename > parent inode->lock > child inode->lock
 * > dentry->lock > icache/dcache buckets.
 */
#pragma once
#include <atomic.h>
#include <cred.h>
#include <list.h>
#include <mutex.h>
#include <pagecache.h>
#include <seqlock.h>
#include <stat.h>

struct file;
struct file_ops;
struct inode;
struct dentry;
struct super;
struct mount;
struct fs_type;
struct pipe;
struct block_device;
struct dir_context;
struct xattr_ops;

struct path {
	struct mount *mnt;
	struct dentry *dentry;
};
struct qstr {
	const char *name;
	uint32_t len;
	uint32_t hash;
};

struct iattr { /* for setattr; valid says which */
	unsigned valid;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	int64_t size;
	struct timespec atime, mtime, ctime;
	struct file *file;
};
enum {
	ATTR_MODE = 1,
	ATTR_UID = 2,
	ATTR_GID = 4,
	ATTR_SIZE = 8,
	ATTR_ATIME = 16,
	ATTR_MTIME = 32,
	ATTR_CTIME = 64,
	ATTR_ATIME_SET = 128,
	ATTR_MTIME_SET = 256,
	ATTR_KILL_CAPS = 512 /* the vfs's: file capabilities go */
};

/* Directory operations are called with dir->lock held for writing, lookup with it held (shared or
 * exclusive). */
struct inode_ops {
	/* Bind @d: d_add(d, inode or NULL). 0 or -errno. */
	int (*lookup)(struct inode *dir, struct dentry *d);
	int (*create)(struct inode *dir, struct dentry *d, mode_t mode);
	int (*mknod)(struct inode *dir, struct dentry *d, mode_t mode,
		dev_t dev); /* also sockets and fifos */
	int (*mkdir)(struct inode *dir, struct dentry *d, mode_t mode);
	int (*symlink)(struct inode *dir, struct dentry *d, const char *target);
	int (*link)(struct inode *dir, struct dentry *d, struct inode *target);
	int (*unlink)(struct inode *dir, struct dentry *d);
	int (*rmdir)(struct inode *dir, struct dentry *d);
	/* @flags: RENAME_*. The vfs has checked types, loops and permissions; target inode may be
	 * NULL. */
	int (*rename)(struct inode *od, struct dentry *o, struct inode *nd, struct dentry *n,
		unsigned flags);
	int (*tmpfile)(struct inode *dir, struct inode **out, mode_t mode);
	/* Target of a symlink: pointer valid while the inode is referenced, or NULL when it must
	 * sleep and rcu is set (-ECHILD_WALK in *err). */
	const char *(*get_link)(struct inode *i, bool rcu, int *err);
	/* A "magic" link (/proc/self/fd/N): the path itself. NULL for all others. */
	int (*follow)(struct inode *i, struct path *out);
	int (*setattr)(struct dentry *d,
		struct iattr *a); /* inode->lock held; NULL: inode_setattr() only */
	int (*getattr)(const struct path *p, struct kstat *st);     /* NULL: generic */
	int (*permission)(struct inode *i, unsigned may, bool rcu); /* NULL: generic_permission() */
	/* Of a cached positive dentry's own inode: 1 still right, 0 look it up anew. NULL: always
	 * right. May return -ECHILD_WALK under rcu, where the dentry may be losing @i meanwhile. */
	int (*revalidate)(struct inode *i, bool rcu);
	/* Where the file's page @index lies on the super's device: its first sector, and how many
	 * pages lie there in a row; 0 pages: this one does not lie in one piece. -ENODATA: a hole.
	 * NULL: not on a device. */
	int (*extent)(struct inode *i, uint64_t index, uint64_t *sector, uint64_t *pages);
	const struct xattr_ops *xattr; /* NULL: no extended attributes */
};
enum { MAY_EXEC = 1, MAY_WRITE = 2, MAY_READ = 4, MAY_APPEND = 8 };
enum { RENAME_NOREPLACE = 1, RENAME_EXCHANGE = 2 };

/* Key: [l] ->lock  [s] ->spin  [c] constant  [a] atomic */
struct inode {
	ino_t ino;        /* [c] */
	struct super *sb; /* [c] */
	mode_t mode;      /* [l] */
	uint32_t nlink;   /* [l] */
	uid_t uid;
	gid_t gid;    /* [l] */
	int64_t size; /* [l]; written with i_size_write, read racily with i_size_read */
	struct timespec atime, mtime, ctime, btime; /* [s] */
	uint64_t blocks;                            /* [s] 512-byte units */
	uint32_t blksize;
	dev_t rdev;        /* [c] device nodes */
	uint32_t state;    /* [s] inode_state */
	refcount_t refs;   /* dentries, open files, walkers */
	struct rwsem lock; /* directory contents, writes, size */
	struct spinlock spin;
	const struct inode_ops *ops;
	const struct file_ops *fops;
	struct mapping *mapping; /* usually &data; a block device node points to its device's */
	struct mapping data;
	struct pipe *pipe; /* FIFO [l] */
	struct block_device *bdev;
	void *private;               /* file system's */
	struct list_head dirty_node; /* super->dirty */
	struct list_head sb_node;    /* super->inodes */
	struct list_head lru_node;
	struct hlist_node hash_node; /* icache */
	struct list_head file_locks; /* [s] flock and fcntl locks */
	int32_t write_count;         /* [s] >0 writers, <0 executing (ETXTBSY) */
	uint32_t generation;
	uint32_t iflags;           /* [l] inode_flags; read racily */
	uint32_t watched;          /* [s] events that somebody waits for; read racily: notify.c */
	struct hlist_head watches; /* [s] RCU readers */
	struct rcu_head rcu;
};
enum inode_flags { /* ioctl_iflags(2): what the vfs enforces */
	INODE_IMMUTABLE = 1,
	INODE_APPEND = 2,
	INODE_NOATIME = 4,
	INODE_SYNC = 8,
	INODE_CAPS = 16, /* may have security.capability: kernel/vfs/xattr.c */
};
enum inode_state {
	I_NEW = 1,
	I_DIRTY = 2,
	I_FREEING = 4,
	I_DIRTY_TIME = 8,
	I_DEAD = 16 /* directory was removed */,
	I_LINKABLE = 32 /* O_TMPFILE without O_EXCL */,
	I_LRU = 64,
	I_SWAPFILE = 128 /* in use as swap space: not to be unlinked */
};

struct dentry {
	struct seqcount seq; /* changes of name, parent, inode */
	uint32_t flags;      /* dentry_flags */
	struct hlist_node hash_node;
	struct dentry *parent; /* itself for a root */
	struct qstr name;
	struct inode *inode; /* NULL: negative */
	refcount_t refs;     /* 0: only cached */
	struct spinlock lock;
	struct super *sb;
	struct list_head children, sibling; /* of parent; parent->lock */
	struct list_head lru_node;
	struct rcu_head rcu;
	void *private;
	uint64_t cookie; /* order among the children; parent->lock */
	char inline_name[40];
};
enum dentry_flags {
	D_MOUNTED = 1,
	D_UNHASHED = 2,
	D_LRU = 4,
	D_SYMLINK = 8,
	D_DIR = 16,
	D_DEAD = 32 /* removed, or being freed */,
	D_NOCACHE = 64 /* drop at last put */,
	D_REVALIDATE = 128,
	D_REFERENCED = 256,
	D_PINNED = 512 /* its file system holds one reference until unlink or unmount */
};

struct super_ops {
	struct inode *(*alloc_inode)(struct super *sb); /* zeroed but for vfs's part; NULL: no
							   memory. Default: bare struct inode */
	void (*free_inode)(struct inode *i);            /* after a grace period */
	int (*write_inode)(struct inode *i, bool wait); /* metadata to the buffers */
	/* Last reference gone; nlink 0: free its storage. Must call inode_clear(). */
	void (*evict)(struct inode *i);
	int (*sync)(struct super *sb,
		bool wait); /* superblock and metadata, with device flush if wait */
	int (*fsync)(struct inode *i, int64_t start, int64_t end,
		bool datasync); /* data is already written */
	int (*statfs)(struct super *sb, struct kstatfs *out);
	int (*remount)(struct super *sb, unsigned *flags, const char *options);
	void (*unmount)(struct super *sb); /* all inodes are gone */
	void (*show_options)(struct super *sb, char *buf, size_t size);
};
struct super {
	const struct fs_type *type;
	const struct super_ops *ops;
	dev_t dev;
	struct block_device *bdev;
	uint32_t flags; /* mount flags MS_* that belong to the superblock (read-only) */
	uint32_t blksize;
	int64_t max_size;
	struct dentry *root;
	struct spinlock lock; /* lists */
	struct list_head inodes, dirty;
	struct mutex rename_lock; /* renames of directories between directories */
	struct rwsem umount;
	refcount_t refs;
	void *private;
	struct list_head node;
	uint32_t nr_inodes;
	atomic_t watches; /* of its inodes, each of which they hold: notify.c */
	char id[32];      /* device or type name for messages */
};
struct fs_type {
	const char *name;
	bool needs_dev, nodev;
	/* Fill @sb (sb->root set). @source: device path or any text. -errno with everything undone;
	 * a message names device and reason. */
	int (*fill_super)(struct super *sb, const char *options, bool silent);
	bool single; /* one superblock however often mounted (procfs, devpts) */
	struct list_head node;
};
enum mount_flags {
	MS_RDONLY = 1,
	MS_NOSUID = 2,
	MS_NODEV = 4,
	MS_NOEXEC = 8,
	MS_SYNCHRONOUS = 16,
	MS_REMOUNT = 32,
	MS_DIRSYNC = 128,
	MS_NOSYMFOLLOW = 256,
	MS_NOATIME = 1024,
	MS_NODIRATIME = 2048,
	MS_BIND = 4096,
	MS_MOVE = 8192,
	MS_REC = 16384,
	MS_SILENT = 32768,
	MS_PRIVATE = 1 << 18,
	MS_SLAVE = 1 << 19,
	MS_SHARED = 1 << 20,
	MS_UNBINDABLE = 1 << 17,
	MS_RELATIME = 1 << 21,
	MS_STRICTATIME = 1 << 24,
	MS_LAZYTIME = 1 << 25
};
struct peer_group;
/* Key: [m] changed under mount_mutex; parent, point and the hash also under mount_spin */
struct mount {
	struct super *sb;
	struct dentry *root;                            /* of this mount */
	struct mount *parent;                           /* [m] itself for the namespace root */
	struct dentry *point;                           /* [m] in parent */
	struct hlist_node hash_node;                    /* [m] (parent, point) */
	struct list_head ns_node, child_node, children; /* [m] */
	struct mount_ns *ns;                            /* [m] NULL: in no tree */
	struct peer_group *group, *master;              /* [m] kernel/vfs/propagate.c */
	struct list_head peer_node, slave_node;         /* [m] of group, of master */
	struct list_head work_node;                     /* [m] in a set that is attached or goes */
	struct mount *receiver; /* [m] a copy that is not attached yet: its parent to be */
	bool unbindable, going; /* [m] */
	bool detached;
	bool expiring; /* nobody has used it since MNT_EXPIRE asked: mount_put() clears it */
	uint32_t flags;
	int32_t id;
	refcount_t refs;
	atomic_t writers; /* regular files open for writing through it */
	char source[64];
	struct rcu_head rcu;
};
struct mount_ns {
	refcount_t refs;
	uint32_t id;
	struct mount *root;
	struct list_head mounts; /* under mount_mutex */
	uint32_t nr_mounts;      /* same */
	uint32_t seq;
	struct wait_queue changed;
};
struct fs_context {
	refcount_t refs;
	struct spinlock lock;
	struct seqcount seq;
	struct path root, cwd;
	mode_t umask;
	struct mount_ns *ns;
	struct list_head node;
};

/* ---- file system registration and mounting ---- */
void fs_register(struct fs_type *t);
struct fs_type *fs_next(struct fs_type *after); /* for /proc/filesystems */
int __must_check vfs_mount(const char *source, const struct path *at, const char *type,
	unsigned flags, const char *options);
/* Kernel's own: a mount of a device-less @type in no namespace, kept for ever. NULL: no memory. */
struct mount *vfs_kernel_mount(const char *type, const char *options) __must_check;
int __must_check vfs_remount(const struct path *at, unsigned flags, const char *options);
int __must_check vfs_bind_mount(const struct path *from, const struct path *at, bool recursive);
int __must_check vfs_move_mount(const struct path *from, const struct path *at);
/* mount(2) MS_SHARED, MS_PRIVATE, MS_SLAVE or MS_UNBINDABLE for the mount at @at, or all below it.
 */
int __must_check vfs_set_propagation(const struct path *at, unsigned kind, bool recursive);
int __must_check vfs_umount(
	const struct path *at, unsigned flags /* 1 FORCE 2 DETACH 4 EXPIRE 8 NOFOLLOW */);
int __must_check vfs_pivot_root(const struct path *new_root, const struct path *put_old);
/* Boot: mount @dev (or a nodev type) as the first root; sets current->fs. */
int __must_check vfs_mount_root(const char *source, const char *type, unsigned flags);
int __must_check vfs_sync_all(void);
int __must_check vfs_sync_super(struct super *sb);
void vfs_remount_all_readonly(void); /* before power-off */
/*
 * Walk the mounts of @fs's namespace that are visible from its root, in order; @root is that root.
 * fn runs with the tree locked; non-zero stops.
 */
int vfs_for_each_mount(struct fs_context *fs,
	int (*fn)(struct mount *m, const struct path *root, void *arg), void *arg);
/* What mountinfo says of a mount's propagation, 0 where it does not apply; proc(5). @from: the
 * nearest group above the master that has a member below @root. fn of vfs_for_each_mount() only. */
struct mount_propagation {
	uint32_t shared, master, from;
};
void mount_propagation(
	const struct mount *m, const struct path *root, struct mount_propagation *out);

/* ---- paths ---- */
enum lookup_flags {
	LOOKUP_FOLLOW = 1,
	LOOKUP_DIRECTORY = 2,
	LOOKUP_EMPTY = 4 /* "" is the base itself */,
	LOOKUP_PARENT = 8,
	LOOKUP_NO_XDEV = 16,
	LOOKUP_BENEATH = 32,
	LOOKUP_NO_SYMLINKS = 64,
	LOOKUP_IN_ROOT = 128,
	LOOKUP_NO_MAGIC = 256,
	LOOKUP_AUTOMOUNT = 512,
	LOOKUP_CACHED = 1024 /* only what is cached, without waiting: else -EAGAIN */
};
/* @base NULL: the current directory. Referenced result. Errors of path_resolution(7). */
int __must_check path_lookup(
	const struct path *base, const char *name, unsigned flags, struct path *out);
void path_get(const struct path *p);
void path_put(const struct path *p);
void path_put_unused(
	const struct path *p); /* the same, but it does not count as a use: umount2(2) */
static inline bool path_equal(const struct path *a, const struct path *b)
{
	return a->mnt == b->mnt && a->dentry == b->dentry;
}
/* Absolute name as seen from @root (NULL: the current root), built at the end of @buf; pointer into
 * it, or NULL: -ENAMETOOLONG. Unreachable: "(unreachable)"; deleted: " (deleted)" appended. */
char *path_name(const struct path *p, const struct path *root, char *buf, size_t size);
/* Its name from the root of its file system, as path_name(); deleted: "//deleted" appended. */
char *dentry_name(const struct dentry *d, char *buf, size_t size);
void fs_get_root(struct path *out);
void fs_get_cwd(struct path *out);
int __must_check fs_set_cwd(const struct path *p); /* checks directory and search permission */
int __must_check fs_set_root(const struct path *p);
struct fs_context *fs_context_copy(struct fs_context *from) __must_check;
/* Give @f, which only the caller changes, a mount namespace of its own: a copy of the one it is in.
 * -EPERM, -ENOMEM. mount_namespaces(7) */
int __must_check fs_context_unshare_mounts(struct fs_context *f);
static inline struct fs_context *fs_context_get(struct fs_context *f)
{
	refcount_inc(&f->refs);
	return f;
}
void fs_context_put(struct fs_context *f);

/* ---- operations by name: base + name as path_lookup ---- */
int __must_check vfs_mkdir(const struct path *base, const char *name, mode_t mode);
int __must_check vfs_mknod(const struct path *base, const char *name, mode_t mode, dev_t dev);
/* The same; *out, when not NULL, is the new name, referenced. */
int __must_check vfs_mknod_path(
	const struct path *base, const char *name, mode_t mode, dev_t dev, struct path *out);
int __must_check vfs_symlink(const char *target, const struct path *base, const char *name);
int __must_check vfs_link(const struct path *from, const struct path *base, const char *name);
int __must_check vfs_unlink(const struct path *base, const char *name);
int __must_check vfs_rmdir(const struct path *base, const char *name);
int __must_check vfs_rename(const struct path *ob, const char *on, const struct path *nb,
	const char *nn, unsigned flags);
ssize_t vfs_readlink(const struct path *p, char *buf, size_t size);
int __must_check vfs_stat(const struct path *p, struct kstat *st);
int __must_check vfs_statfs(const struct path *p, struct kstatfs *st);
/* The same of the file system whose files' st_dev is @dev, without mount flags. -EINVAL: none. */
int __must_check vfs_statfs_dev(dev_t dev, struct kstatfs *st);
int __must_check vfs_access(const struct path *p, unsigned may, const struct cred *c); /* MAY_* */
int __must_check vfs_chmod(const struct path *p, mode_t mode);
int __must_check vfs_chown(const struct path *p, uid_t uid, gid_t gid); /* -1: unchanged */
/* ts NULL: now for both; tv_nsec UTIME_NOW/UTIME_OMIT as utimensat(2) */
int __must_check vfs_utimes(const struct path *p, const struct timespec ts[2]);
#define UTIME_NOW  0x3fffffff
#define UTIME_OMIT 0x3ffffffe
int __must_check vfs_truncate(const struct path *p, int64_t size);

/* ---- for file systems ---- */
struct inode *inode_new(struct super *sb); /* refs 1, state I_NEW cleared by the caller's inode_hash
					      or use; NULL: no memory */
/* Find or make the inode @ino of @sb: if new, *is_new and it is locked against others until
 * inode_unlock_new(). NULL: no memory. */
struct inode *inode_get_cached(struct super *sb, ino_t ino, bool *is_new);
void inode_unlock_new(struct inode *i);
void inode_fail_new(struct inode *i); /* could not be read: drop it */
void inode_hash(struct inode *i);     /* newly created one */
static inline struct inode *inode_get(struct inode *i)
{
	refcount_inc(&i->refs);
	return i;
}
void inode_put(struct inode *i);
void inode_clear(struct inode *i); /* evict: drop pages */
void inode_mark_dirty(struct inode *i);
void inode_touch(struct inode *i,
	unsigned attr); /* ATTR_ATIME|MTIME|CTIME = now, marks dirty when changed */
void inode_init_owner(struct inode *i, const struct inode *dir,
	mode_t mode); /* uid, gid (setgid directories), mode, times */
void inode_init_special(
	struct inode *i, mode_t mode, dev_t dev); /* fops for device nodes, fifos, sockets */
void inode_setattr(struct inode *i,
	const struct iattr *a); /* apply to the inode in memory, but for the size */
static inline int64_t i_size_read(const struct inode *i)
{
	return READ_ONCE(i->size);
}
static inline void i_size_write(struct inode *i, int64_t n)
{
	WRITE_ONCE(i->size, n);
}
void d_add(struct dentry *d,
	struct inode *i); /* bind and hash; takes over the inode reference; NULL: negative */
void d_instantiate(struct dentry *d, struct inode *i);    /* negative becomes positive */
struct dentry *d_make_root(struct inode *i) __must_check; /* consumes the inode also on failure */
static inline struct dentry *d_get(struct dentry *d)
{
	refcount_inc(&d->refs);
	return d;
}
void d_put(struct dentry *d);
struct dentry *d_parent_get(struct dentry *d); /* referenced; its own parent at a root */
void d_drop(struct dentry *d);                 /* unhash */
/* Was its name removed? (getcwd: ENOENT) */
static inline bool d_unlinked(const struct dentry *d)
{
	return (READ_ONCE(d->flags) & D_UNHASHED) && d->parent != d;
}
/* Cached child, referenced, or NULL (pseudo file systems that keep their whole tree in the cache).
 */
struct dentry *d_lookup(struct dentry *parent, const struct qstr *name);
struct dentry *d_alloc(struct dentry *parent, const struct qstr *name) __must_check;
uint32_t d_hash_name(const struct dentry *parent, const char *name, uint32_t len);
/* FS_IOC_SETFLAGS: may the caller change the flags of @p, from INODE_* @old to @new? -EROFS, -EPERM
 */
int __must_check inode_may_set_flags(const struct path *p, uint32_t old, uint32_t new);
static inline bool inode_immutable(const struct inode *i)
{
	return READ_ONCE(i->iflags) & INODE_IMMUTABLE;
}
static inline bool inode_append_only(const struct inode *i)
{
	return READ_ONCE(i->iflags) & INODE_APPEND;
}
int __must_check generic_permission(struct inode *i, unsigned may, bool rcu);
int __must_check inode_permission(struct inode *i, unsigned may, bool rcu);
void generic_getattr(struct inode *i, struct kstat *st);
/* In-memory directories (tmpfs, devfs): dentries stay pinned; iterate them. */
int dcache_readdir(struct file *f, struct dir_context *ctx);
void super_readonly(
	struct super *sb, const char *why); /* an error was met: read-only from now on, logged */
static inline bool sb_rdonly(const struct super *sb)
{
	return READ_ONCE(sb->flags) & MS_RDONLY;
}
const char *simple_get_link(struct inode *i, bool rcu, int *err); /* get_link: inode->private */
void vfs_init(void); /* boot: after slab, RCU and random */
