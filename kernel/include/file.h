/*
 * file.h - open files and descriptor tables.
 *
 * struct file: one open; shared by dup and fork; position guarded by pos_lock when shared. struct
 * files: a process's descriptors; fd lookup runs by RCU without locks. file_get/put count; the last
 * put calls ops->release.
 */
#pragma once
#include <iov_iter.h>
#include <poll.h>
#include <vfs.h>

struct vma;
struct vm_map_args;
struct dir_context { /* getdents: emit returns false when the buffer is full */
	bool (*emit)(struct dir_context *c, const char *name, unsigned len, int64_t next_pos,
		ino_t ino, unsigned type);
	int64_t pos;
};
struct file_info { /* /proc/PID/fdinfo: lines of a kind of file */
	void (*print)(struct file_info *i, const char *fmt, ...) __printf(2, 3);
};
struct file_ops {
	ssize_t (*read)(struct file *f, struct iov_iter *to, int64_t *pos);
	ssize_t (*write)(struct file *f, struct iov_iter *from, int64_t *pos);
	int (*readdir)(struct file *f,
		struct dir_context *ctx); /* inode->lock held shared; "." and ".." included */
	unsigned (*poll)(
		struct file *f, struct poll_table *pt); /* NULL: always readable and writable */
	/*
	 * compat has copied the argument into @arg (kernel memory, size known from its table; or
	 * the integer itself in (long)arg) and copies it back. -ENOTTY for an unknown command: so
	 * isatty() is false.
	 */
	long (*ioctl)(struct file *f, unsigned cmd, void *arg);
	int (*mmap)(
		struct file *f, struct vm_map_args *a); /* sets mapping/ops/flags; NULL: -ENODEV */
	int (*open)(struct inode *i, struct file *f);
	void (*async)(struct file *f, bool on); /* O_ASYNC changed: see file_signal; f->lock held */
	void (*info)(struct file *f, struct file_info *out); /* optional; may sleep */
	int (*flush)(struct file *f);                        /* each close(2) */
	void (*release)(struct file *f);                     /* last reference */
	int (*fsync)(struct file *f, int64_t start, int64_t end, bool datasync); /* NULL: -EINVAL */
	int64_t (*seek)(struct file *f, int64_t off, int whence);                /* NULL: -ESPIPE */
	int (*fallocate)(struct file *f, unsigned mode, int64_t off, int64_t len);
	/* Optional, in place of a write: bytes of a page by reference; takes references of its
	 * own. @more: others follow at once. Bytes taken or -errno; -EOPNOTSUPP: this file wants a
	 * copy. */
	ssize_t (*write_page)(struct file *f, struct page *page, unsigned off, size_t n, bool more);
	/* fcntl(2), File sealing: with @add the F_SEAL_* @seals are set too. All that are set, or
	 * -EPERM, -EBUSY. NULL: -EINVAL */
	int (*seal)(struct file *f, bool add, unsigned seals);
	bool nowait;    /* read and write heed RW_NOWAIT in the iterator's flags */
	bool no_splice; /* splice(2) does not read from it: EINVAL */
};
/* Key: [p] pos_lock  [s] lock  [c] constant */
struct file {
	refcount_t refs;
	uint32_t flags;             /* [s] O_* but creation flags; access mode constant */
	uint32_t mode;              /* [c] FMODE_* */
	struct path path;           /* [c] */
	struct inode *inode;        /* [c] path.dentry->inode */
	const struct file_ops *ops; /* [c] */
	struct mapping *mapping;    /* [c] */
	int64_t pos;                /* [p] */
	struct mutex pos_lock;
	struct spinlock lock;
	struct readahead ra;     /* racy hint */
	uint32_t wb_seen;        /* write errors reported */
	const struct cred *cred; /* of the opener */
	void *private;
	struct {
		pid_t pid;
		int type; /* file_owner */
		int sig;
		int fd; /* as which it was given O_ASYNC */
		uid_t uid, euid;
		bool may_all;         /* CAP_KILL when set */
	} owner;                      /* F_SETOWN, F_SETSIG */
	struct list_head epoll_items; /* those who watch it */
	struct rcu_head rcu;
};
enum file_owner { FILE_OWNER_TID, FILE_OWNER_PID, FILE_OWNER_PGRP };
enum {
	FMODE_READ = 1,
	FMODE_WRITE = 2,
	FMODE_PATH = 4,
	FMODE_SEEK = 8,
	FMODE_STREAM = 16 /* no position */,
	FMODE_WRITER = 32,
	FMODE_DENY_WRITE = 64 /* being executed: opening it for writing is ETXTBSY */,
	FMODE_EXCL = 128 /* block device claimed */,
	FMODE_NOWAIT = 256 /* as file_ops.nowait, of this file alone */
};

struct fdtable {
	uint32_t max;
	struct file **file;
	unsigned long *open, *cloexec;
	struct rcu_head rcu;
};
struct files {
	refcount_t refs;
	struct spinlock lock;
	struct fdtable *table;
	uint32_t next_fd;
	struct fdtable first;
	struct file *first_file[64];
	unsigned long first_open, first_cloexec;
};

/* ---- descriptors of the current task ---- */
struct file *fd_get(
	int fd) __must_check; /* referenced; NULL: EBADF. O_PATH files included: check FMODE_PATH */
/* Without a reference while the table is not shared (the caller's own syscall): pair with fd_end.
 */
struct fd_ref {
	struct file *file;
	bool put;
};
struct fd_ref fd_begin(int fd);      /* file NULL: EBADF, also for O_PATH files */
struct fd_ref fd_begin_path(int fd); /* O_PATH allowed */
void file_put(struct file *f);
static inline struct file *file_get(struct file *f)
{
	refcount_inc(&f->refs);
	return f;
}
static inline void fd_end(struct fd_ref r)
{
	if (r.put)
		file_put(r.file);
}
int __must_check fd_alloc(
	unsigned from, bool cloexec);    /* lowest free >= from; -EMFILE by the rlimit */
void fd_install(int fd, struct file *f); /* consumes the reference */
void fd_cancel(int fd);                  /* undo fd_alloc */
int __must_check fd_open(
	struct file *f, bool cloexec); /* alloc + install; consumes f only on success */
int __must_check fd_close(int fd);
int __must_check fd_dup_to(int from, int to, bool cloexec); /* dup2 without the equal case */
int __must_check fd_close_range(unsigned from, unsigned to, bool cloexec_only);
int fd_get_flags(int fd); /* cloexec bit or -EBADF */
int fd_set_cloexec(int fd, bool on);
int fd_next(struct files *fs, unsigned from,
	struct file **out); /* next open fd >= from, referenced file; -1 at the end */
struct files *files_create(void) __must_check;
struct files *files_copy(struct files *from) __must_check;
void files_put(struct files *f);
void files_close_on_exec(struct files *f);
int __must_check files_unshare(void); /* exec, unshare */
extern uint64_t (*files_limit)(void); /* proc: RLIMIT_NOFILE of current */
extern uint64_t (*file_size_limit)(
	void);                     /* proc: RLIMIT_FSIZE; SIGXFSZ is sent by proc's hook below */
extern void (*file_too_big)(void); /* proc: SIGXFSZ to current */
extern void (*pipe_broken)(void);  /* proc: SIGPIPE to current */
struct file_stats {
	uint64_t open, max;
};
void file_stats(struct file_stats *out);

/* ---- opening, reading, writing ---- */
int __must_check vfs_open(const struct path *base, const char *name, unsigned flags, mode_t mode,
	unsigned lookup, struct file **out);
int __must_check vfs_open_path(
	const struct path *p, unsigned flags, struct file **out); /* no lookup */
/*
 * A file without a name in the tree, with an inode of its own (mode 0600 without a type: the caller
 * may set the type). In /proc/PID/fd a name in brackets ("[eventfd]") shows as
 * "anon_inode:[eventfd]", one that begins with "anon_inode:" as it is, another one with the inode's
 * number: "socket:[17]".
 */
int __must_check file_create_anon(const char *name, const struct file_ops *ops, void *private,
	unsigned flags, struct file **out);
/* ops->seek of a file that has no position but does not mind: lseek(2) gives 0, pread(2) ESPIPE. */
int64_t seek_ignored(struct file *f, int64_t off, int whence);
/* What one call moves at most: read(2), write(2), sendfile(2), NOTES. */
#define MAX_RW 0x7ffff000ul
ssize_t vfs_read(
	struct file *f, struct iov_iter *to, int64_t *pos); /* pos NULL: file's own, locked */
ssize_t vfs_write(struct file *f, struct iov_iter *from, int64_t *pos);
bool vfs_may_nowait(const struct file *f); /* does it heed RW_NOWAIT? */
/* -EPERM: not open for writing, or sealed; -EINVAL: cannot be sealed; else what file_ops.seal says.
 */
long vfs_seals(struct file *f);
int __must_check vfs_add_seals(struct file *f, unsigned seals);
enum file_seals {
	F_SEAL_SEAL = 1,
	F_SEAL_SHRINK = 2,
	F_SEAL_GROW = 4,
	F_SEAL_WRITE = 8,
	F_SEAL_FUTURE_WRITE = 16,
	F_SEAL_EXEC = 32
};
ssize_t kernel_read(struct file *f, void *buf, size_t n,
	int64_t pos); /* loops to fill; short at the end of file */
ssize_t kernel_write(struct file *f, const void *buf, size_t n, int64_t pos);
int64_t vfs_seek(struct file *f, int64_t off, int whence);
int __must_check vfs_readdir(struct file *f, struct dir_context *ctx);
long vfs_ioctl(struct file *f, unsigned cmd, void *arg);
int __must_check vfs_fsync(struct file *f, int64_t start, int64_t end, bool datasync);
int __must_check vfs_ftruncate(struct file *f, int64_t size);
enum falloc_mode { /* fallocate(2); @mode of vfs_fallocate() */
	FALLOC_KEEP_SIZE = 1,
	FALLOC_PUNCH_HOLE = 2,
	FALLOC_COLLAPSE_RANGE = 8,
	FALLOC_ZERO_RANGE = 16,
	FALLOC_INSERT_RANGE = 32,
	FALLOC_UNSHARE_RANGE = 64
};
int __must_check vfs_fallocate(struct file *f, unsigned mode, int64_t off, int64_t len);
ssize_t vfs_sendfile(struct file *out, struct file *in, int64_t *in_pos, size_t n);
ssize_t vfs_splice(struct file *in, int64_t *in_pos, struct file *out, int64_t *out_pos, size_t n,
	unsigned flags);
ssize_t vfs_tee(struct file *in, struct file *out, size_t n, unsigned flags);
/* vmsplice(2), one segment: memory is copied into a pipe's write end, or out of a read end. Waits
 * for room (bytes) only without @nonblock, and never once some were moved. Bytes or -errno; -EBADF:
 * not a pipe. */
ssize_t vfs_vmsplice(struct file *f, struct iov_iter *it, bool nonblock);
ssize_t vfs_copy_range(
	struct file *in, int64_t *in_pos, struct file *out, int64_t *out_pos, size_t n);
int __must_check vfs_mmap(struct file *f,
	struct vm_map_args *a); /* permission and ops->mmap; takes a file reference into the vma on
				   success of mm_map: see kernel/vfs/mmap.c */
static inline unsigned vfs_poll(struct file *f, struct poll_table *pt)
{
	return f->ops->poll ? f->ops->poll(f, pt) : POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
}
int vfs_fcntl_setfl(struct file *f, unsigned flags);
int __must_check pipe_create(struct file *out[2], unsigned flags); /* [0] reads */
long pipe_get_size(struct file *f);
long pipe_set_size(struct file *f, unsigned long bytes);
/* exec: nobody may write to @f while this file is open: 0 or -ETXTBSY (open for writing now). Ends
 * with the last reference. */
int __must_check file_deny_write(struct file *f);
/* proc: SIGIO (F_SETSIG: another) to the owner of @f (F_SETOWN). @events: POLL* that came true. Not
 * in interrupts; no lock above the process tables'. */
/* POLLPRI alone is urgent data: SIGURG, whatever F_SETSIG says. */
extern void (*file_signal)(struct file *f, unsigned events);
/* epoll: @f is going away and f->epoll_items is not empty. NULL until set. */
extern void (*file_released)(struct file *f);
/* swapon(2), swapoff(2); the caller has checked the capability. @priority -1: below all so far. */
int __must_check vfs_swapon(const struct path *p, int priority);
int __must_check vfs_swapoff(const struct path *p);
/* Each area in use, for /proc/swaps. @fn may not sleep on swap space. */
struct swap_area_info;
void vfs_swaps(
	void (*fn)(const struct file *f, const struct swap_area_info *a, void *arg), void *arg);
/* Locks: flock(2), fcntl(2) by process, open-file-description locks. */
struct posix_lock {
	short type;
	int64_t start, end;
	pid_t pid;
	bool ofd;
};
enum { F_RDLCK = 0, F_WRLCK = 1, F_UNLCK = 2 };
int __must_check vfs_flock(struct file *f, int type, bool wait);
int __must_check vfs_posix_lock(struct file *f, const struct posix_lock *l, bool wait);
int __must_check vfs_posix_lock_test(struct file *f, struct posix_lock *l);
/* ---- for file systems: page-cache backed regular files ---- */
ssize_t generic_file_read(struct file *f, struct iov_iter *to, int64_t *pos);
/* What generic_file_read() would read at @pos, as far as one page has it, @n bytes at most: bytes,
 * 0 at the end, or an error of pagecache_get_read(). *page: referenced, if there is something. */
ssize_t generic_file_page(struct file *f, int64_t pos, size_t n, struct page **page);
ssize_t generic_file_write(struct file *f, struct iov_iter *from,
	int64_t *pos); /* takes inode->lock; O_APPEND, suid bits, limits */
int generic_file_mmap(struct file *f, struct vm_map_args *a);
int64_t generic_file_seek(struct file *f, int64_t off,
	int whence); /* SEEK_DATA/HOLE: on the page cache of what has no disk, else all is data */
/* SEEK_SET, SEEK_CUR, and SEEK_END unless @size is negative, up to @max. -EINVAL */
int64_t plain_seek(struct file *f, int64_t off, int whence, int64_t size, int64_t max);
int generic_file_fsync(
	struct file *f, int64_t start, int64_t end, bool datasync); /* pages, then sb->ops->fsync */
extern const struct file_ops no_file_ops;                           /* -ENXIO on open */
/* ---- devices: registered by number; devfs shows those with a name ---- */
/* Creates /dev/@name when @name is not NULL (slashes make directories). @ops constant. 0, -EBUSY,
 * -ENOMEM. */
int __must_check chrdev_register(
	dev_t dev, const char *name, mode_t mode, const struct file_ops *ops, void *private);
void chrdev_unregister(dev_t dev);
/* devfs: a named device came or went. Set once, before user mode runs; devices registered earlier
 * are replayed by chrdev_replay(). */
extern void (*chrdev_named)(const char *name, mode_t mode, dev_t dev, bool added);
void chrdev_replay(void);
void *chrdev_private(const struct inode *i);
