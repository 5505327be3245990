/*
 * procfs.h - what the files of /proc share.
 *
 * The tree is described by constant tables of struct proc_entry; the changing parts (processes,
 * threads, descriptors) are directories with a struct proc_dir. Theory: procfs.c.
 */
#pragma once
#include <compiler.h>
#include <error.h>
#include <file.h>
#include <process.h>
#include <stdarg.h>
#include <slab.h>
#include <string.h>
#include <vfs.h>

/* A growing text. Out of memory: err is set, further text is dropped. */
struct text {
	char *buf;
	size_t size, len;
	int err;
	bool atomic; /* grows without sleeping: the maker is in a read section */
};
void text_add(struct text *t, const char *fmt, ...) __printf(2, 3);
void text_vadd(struct text *t, const char *fmt, va_list ap) __printf(2, 0);
void text_bytes(struct text *t, const void *s, size_t n);
/* A name as /proc/mounts has it: blanks, tabs, newlines, backslashes as \ooo. */
void text_escaped(struct text *t, const char *s);
/* The absolute name of @p, escaped if asked. */
void text_path(struct text *t, const struct path *p, bool escape);
void text_free(struct text *t);
void text_mac(char *to, const uint8_t *mac); /* aa:bb:cc:dd:ee:ff into 18 bytes */

struct proc_entry;
struct proc_node {
	const struct proc_entry *entry;
	struct process *process; /* referenced; NULL outside /proc/PID */
	pid_t tid;               /* 0: the process as a whole */
	uint32_t index; /* of what the name stands for, in directories that say so; inherited */
	int fd; /* in /proc/PID/fd: the number + 1, negated: such dentries are never trusted */
};
/* The entries of a directory that are not in a table. */
struct proc_dir {
	/* Fill @out from a name: entry and what distinguishes it. -ENOENT. References taken are the
	 * node's. */
	int (*lookup)(
		const struct proc_node *dir, const char *name, unsigned len, struct proc_node *out);
	/* The first at or after *key: its number into *key and @name; false: no more. */
	bool (*next)(const struct proc_node *dir, uint32_t *key, char name[16], mode_t *mode);
};
struct proc_entry {
	const char *name;
	mode_t mode; /* type and permissions */
	int (*show)(struct text *t, const struct proc_node *n);
	ssize_t (*write)(const struct proc_node *n, char *s,
		size_t len); /* s is terminated; len or -errno */
	size_t write_max;    /* longest write; 0: less than a page */
	int (*link)(
		const struct proc_node *n, char *buf, size_t size); /* text of a plain symlink */
	int (*follow)(const struct proc_node *n, struct path *out); /* a magic link */
	const struct proc_entry *children; /* directory: ends with a NULL name */
	const struct proc_dir *dir;
	const struct file_ops *fops; /* instead of show and write */
	bool unsure;    /* its name may mean something else by now: looked up at each walk */
	bool guarded;   /* only for those who may trace the process */
	unsigned index; /* the maker's own: which of its settings this is */
};
#define PROC_FILE(n, fn)                                                                           \
	{                                                                                          \
		.name = n, .mode = S_IFREG | 0444, .show = fn                                      \
	}
#define PROC_FILE_RW(n, fn, wr)                                                                    \
	{                                                                                          \
		.name = n, .mode = S_IFREG | 0644, .show = fn, .write = wr                         \
	}

/* The task a node speaks of, referenced; NULL: gone. */
struct task *proc_node_task(const struct proc_node *n);
/* Its address space, with a user reference; NULL: none. */
struct mm *proc_node_mm(const struct proc_node *n);
bool proc_may_look(const struct proc_node *n); /* as ptrace(2), access mode checking */
int proc_number(
	const char *s, unsigned len, uint32_t *out); /* decimal without leading zeros, or -ENOENT */

extern const struct proc_entry proc_root_entries[]; /* root.c */
extern const struct proc_entry proc_pid_entries[];  /* pid.c */
extern const struct proc_entry proc_tid_entries[];
extern const struct proc_entry proc_sysvipc_entries[];
extern struct proc_entry proc_sys_entries[]; /* sys.c; constant after proc_sys_init() */
void proc_sys_init(void);
extern const struct proc_dir proc_pid_dir; /* processes in / */
extern const struct proc_dir proc_task_dir, proc_fd_dir, proc_fdinfo_dir;
extern const struct proc_entry proc_net_entries[]; /* net.c */
/* net_sockets.c */
int proc_show_tcp(struct text *t, const struct proc_node *n);
int proc_show_tcp6(struct text *t, const struct proc_node *n);
int proc_show_udp(struct text *t, const struct proc_node *n);
int proc_show_udp6(struct text *t, const struct proc_node *n);
int proc_show_raw(struct text *t, const struct proc_node *n);
int proc_show_raw6(struct text *t, const struct proc_node *n);
int proc_show_icmp(struct text *t, const struct proc_node *n);
int proc_show_icmp6(struct text *t, const struct proc_node *n);
int proc_show_unix(struct text *t, const struct proc_node *n);
int proc_show_packet(struct text *t, const struct proc_node *n);
int proc_show_netlink(struct text *t, const struct proc_node *n);
int proc_show_sockstat(struct text *t, const struct proc_node *n);
int proc_show_sockstat6(struct text *t, const struct proc_node *n);
void proc_net_sysctl_init(struct proc_entry *net); /* fills /proc/sys/net */
extern const struct file_ops proc_mem_fops, proc_kmsg_fops;
int proc_show_mounts(struct text *t, const struct proc_node *n);
int proc_show_mountinfo(struct text *t, const struct proc_node *n);
int proc_show_maps(struct text *t, const struct proc_node *n);
int proc_show_smaps(struct text *t, const struct proc_node *n);
int proc_show_smaps_rollup(struct text *t, const struct proc_node *n);
int proc_show_status(struct text *t, const struct proc_node *n);
int proc_show_stat(struct text *t, const struct proc_node *n);

/* A file system made of entries: its root filled from @root. For "proc" and "sysfs". */
int __must_check entry_fill_super(
	struct super *sb, const struct proc_entry *root, const struct super_ops *ops);
struct inode *entry_alloc_inode(struct super *sb);
void entry_free_inode(struct inode *i);
void entry_evict(struct inode *i);
/* The process whose directory /proc/PID @f is, referenced; NULL: it is something else. */
struct process *proc_dir_process(const struct file *f);
void procfs_init(void); /* registers "proc" */
void sysfs_init(void);  /* registers "sysfs" */
