/*
 * internal.h - what the files of this room share: dentry states, the path walk, pipes, hooks
 * between them.
 *
 * Not for other rooms. The contracts of public functions are in <vfs.h> and <file.h>.
 */
#pragma once
#include <debug.h>
#include <error.h>
#include <file.h>
#include <log.h>
#include <notify.h>
#include <policy.h>
#include <rcu.h>
#include <slab.h>
#include <string.h>
#include <task.h>

/* Large locals that are filled field by field: automatic zeroing would cost more than the walk. */
#define VFS_UNINIT __attribute__((uninitialized))

/* ---- dcache.c ---- */
enum { D_REFS_FROZEN = -1, D_REFS_DEAD = -0x40000000 };
extern struct seqcount rename_seq; /* a name or parent changes; written under rename_spin */
void dcache_init(uint64_t pages);
bool d_try_get(struct dentry *d); /* RCU; false: dying */
struct dentry *d_lookup_rcu(const struct dentry *parent, const struct qstr *q, uint32_t *seq);
void d_delete(struct dentry *d); /* its object was unlinked: becomes negative or is unhashed */
void d_move(struct dentry *d, struct dentry *to); /* takes over the name and place of @to */
void d_exchange(struct dentry *a, struct dentry *b);
bool d_is_below(const struct dentry *d, const struct dentry *top); /* or the same */
void d_prune(struct dentry *parent);                               /* drop unused children */
void d_prune_tree(struct dentry *root);                            /* unmount: drop all below it */
static inline void d_set_flag(struct dentry *d, uint32_t f)
{
	__atomic_fetch_or(&d->flags, f, __ATOMIC_SEQ_CST);
}
static inline void d_clear_flag(struct dentry *d, uint32_t f)
{
	__atomic_fetch_and(&d->flags, ~f, __ATOMIC_SEQ_CST);
}
static inline bool d_is_dir(const struct dentry *d)
{
	return READ_ONCE(d->flags) & D_DIR;
}
static inline bool d_is_symlink(const struct dentry *d)
{
	return READ_ONCE(d->flags) & D_SYMLINK;
}

/* ---- inode.c ---- */
void inode_cache_init(uint64_t pages);
bool inode_try_get(struct inode *i);     /* RCU or a list's lock; false: being freed */
void inodes_evict_all(struct super *sb); /* unmount */
int inodes_write_dirty(struct super *sb, bool wait);
int inodes_sync_data(struct super *sb); /* write all dirty pages and wait */
/* Is a file open for writing, or to be deleted when it is closed? Then it cannot be read-only. */
bool inodes_any_writer(struct super *sb);
bool atime_due(const struct mount *m, const struct inode *i);
static inline void path_touch_atime(const struct path *p, struct inode *i)
{
	if (atime_due(p->mnt, i))
		inode_touch(i, ATTR_ATIME);
}

/* ---- namei.c ---- */
enum { MAX_LINKS = 40 };
enum last_type {
	LAST_NAME,
	LAST_DOT,
	LAST_DOTDOT,
	LAST_NONE /* the path itself: "/", or a magic link's target */
};
struct walk_link {
	const char *rest;
	struct inode *inode;
};
struct step {
	struct mount *mnt;
	struct dentry *dentry;
	struct inode *inode;
	uint32_t seq;
};
struct walk {
	struct path path;        /* where we are; referenced unless rcu */
	struct inode *inode;     /* of path.dentry */
	uint32_t seq, mount_seq; /* of path.dentry, of the mount tree: rcu only */
	struct path root;        /* ".." and absolute links stop here; referenced if root_held */
	const struct path *base;
	unsigned flags; /* LOOKUP_* */
	bool rcu, root_held, trailing, dotdot;
	uint8_t last_type;
	uint16_t depth, links;
	struct qstr last; /* the component not yet taken */
	struct walk_link
		stack[MAX_LINKS]; /* texts of links being walked; inode referenced unless rcu */
};
/* Walk to the parent of the last component, with references. Undone by walk_end(). */
int walk_parent(struct walk *w, const struct path *base, const char *name, unsigned flags);
/* References only. The last component's object into *n, mounts followed; n->inode NULL: negative.
 */
int walk_step(struct walk *w, const struct qstr *q, struct step *n);
void walk_step_drop(struct walk *w, struct step *n);
void walk_commit(struct walk *w, struct step *n);
/* Follow the link @n (consumed): 0 and its text to go on with by walk_names(). */
int walk_link(struct walk *w, struct step *n, const char *rest, const char **text);
int walk_names(struct walk *w, const char *s);
int walk_cross_mounts(struct walk *w, struct step *n);
void walk_end(struct walk *w);
/* For create and remove: the parent, referenced, and the last name. */
struct parent {
	struct path path;
	struct qstr last;
	uint8_t type;
	bool trailing;
};
int path_parent(const struct path *base, const char *name, unsigned flags, struct parent *out);
/* parent->inode->lock held for writing: the dentry of @q, referenced, maybe negative. */
int lookup_locked(struct dentry *parent, const struct qstr *q, struct dentry **out);

/* ---- ops.c, attr.c ---- */
int may_create(const struct path *dir, struct dentry *d, unsigned policy_op);
int may_delete(const struct path *dir, struct dentry *victim, bool is_dir);
int path_want_write(const struct path *p); /* -EROFS */
bool inode_owner_or_capable(const struct inode *i);
int vfs_setattr(struct dentry *d, struct iattr *a); /* inode->lock held for writing */
int inode_truncate(const struct path *p, int64_t size, struct file *f);
/* A write happened: drop set-id bits. inode->lock held for writing. */
int inode_kill_suid(struct dentry *d);

/* ---- xattr.c ---- */
/* Contents or owner change: file capabilities go. inode->lock held for writing. */
int inode_kill_caps(struct inode *i);

/* ---- mount.c ---- */
extern struct seqcount mount_seq;
extern struct mutex mount_mutex; /* serialises changes of the tree; above inode locks */
struct mount *mount_lookup_rcu(const struct mount *m, const struct dentry *d);
bool mount_follow(struct path *p); /* references: onto the topmost mount on p; true if it moved */
static inline struct mount *mount_get(struct mount *m)
{
	refcount_inc(&m->refs);
	return m;
}
void mount_put(struct mount *m);
void mount_put_unused(struct mount *m); /* leaves ->expiring alone */
void mount_tree_init(void);
struct mount *mount_create(struct super *sb, struct dentry *root, const char *source,
	unsigned flags);                          /* takes over the super's reference */
bool mount_is_point_here(const struct dentry *d); /* covered in the current namespace? */
/* Its name was removed: mounts on it, of other namespaces, go. No locks held. */
void mounts_drop_at(struct dentry *d);
void mount_ns_put(struct mount_ns *ns);
/* ---- super.c ---- */
int super_open(const char *source, const char *type, unsigned flags, const char *options,
	struct super **out);
void super_put(struct super *sb);
static inline struct super *super_get(struct super *sb)
{
	refcount_inc(&sb->refs);
	return sb;
}
int super_remount(struct super *sb, unsigned flags, const char *options);
#define MS_OF_SUPER (MS_RDONLY | MS_SYNCHRONOUS | MS_DIRSYNC | MS_LAZYTIME)
#define MS_OF_MOUNT                                                                                \
	(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME | \
		MS_STRICTATIME | MS_NOSYMFOLLOW)
struct super *super_create_pseudo(const struct fs_type *type);
void sync_init(void);
/* ---- files ---- */
void file_cache_init(uint64_t pages);
struct file *file_alloc(
	unsigned flags); /* access mode bits set from flags; NULL: no memory or too many */
void file_change_flags(struct file *f, unsigned clear, unsigned set); /* tells ops->async */
/* Give @f (from file_alloc) its path, which it takes over also on failure, and open it. */
int file_open_path(struct file *f, struct path *p);
void locks_close(struct file *f, struct files *owner); /* close(2) by a process */
void locks_release(struct file *f);                    /* last reference */
void locks_init(void);
void anon_init(void);
void fs_context_init(void);
void fs_contexts_move(const struct path *from,
	const struct path *to); /* pivot_root: roots and working directories */
int fs_context_boot(struct mount *root, struct mount_ns *ns);
extern const struct file_ops chrdev_fops, blkdev_fops, fifo_fops;
extern const struct vma_ops file_vma_ops;
char *anon_path_name(const struct dentry *d, char *buf, size_t size);
bool sb_is_anon(const struct super *sb);

/* ---- rw.c ---- */
/* vfs_read() and vfs_write() that nobody hears of: their callers tell it once of many. */
ssize_t vfs_read_quiet(struct file *f, struct iov_iter *to, int64_t *pos);
ssize_t vfs_write_quiet(struct file *f, struct iov_iter *from, int64_t *pos);

/* ---- pipe.c ---- */
struct pipe_buf {
	struct page *page;
	uint32_t off, len;
	bool can_merge;
};
/* Key: [p] ->lock */
struct pipe {
	struct mutex lock;
	struct wait_queue rd, wr;
	uint32_t head, tail, slots;          /* [p] free-running; slots is a power of two */
	struct pipe_buf *bufs;               /* [p] */
	struct page *spare;                  /* [p] last page emptied */
	uint32_t readers, writers;           /* [p] */
	uint32_t reader_opens, writer_opens; /* [p] ever, for fifo open */
	uint32_t users;                      /* inode->spin */
};
static inline bool pipe_empty(const struct pipe *p)
{
	return READ_ONCE(p->head) == READ_ONCE(p->tail);
}
static inline bool pipe_full(const struct pipe *p)
{
	return READ_ONCE(p->head) - READ_ONCE(p->tail) >= READ_ONCE(p->slots);
}
static inline struct pipe_buf *pipe_at(struct pipe *p, uint32_t n)
{
	return &p->bufs[n & (p->slots - 1)];
}
extern const struct file_ops pipe_fops;
struct pipe *pipe_alloc(void);
void pipe_free(struct pipe *p);
struct pipe *pipe_of(const struct file *f); /* NULL: not a pipe */
void pipe_detach(struct inode *i, uint32_t mode);
void pipe_buf_drop(struct pipe *p); /* [p] consumed the oldest buffer */
