/*
 * compat.h - what the files of compat/ share: the call table, names and structures fetched from
 * programs.
 */
#pragma once
#include <arch/frame.h>
#include <arch/usercopy.h>
#include <error.h>
#include <file.h>
#include <process.h>
#include <slab.h>
#include <string.h>
#include <vfs.h>
#include "syscall_protos.h"

enum arg_kind {
	ARG_NONE,
	ARG_INT,
	ARG_UINT,
	ARG_LONG,
	ARG_HEX,
	ARG_SIZE,
	ARG_PTR,
	ARG_STR,
	ARG_FD,
	ARG_DIRFD,
	ARG_OCT,
	ARG_OFLAGS,
	ARG_PROT,
	ARG_SIG
};
struct syscall_entry {
	long (*call)(struct frame *f);
	const char *name;
	uint8_t nargs;
	uint8_t args[6];
};
extern const struct syscall_entry syscall_table[];
extern const unsigned syscall_count;

#define AT_FDCWD            (-100)
#define AT_SYMLINK_NOFOLLOW 0x100u
#define AT_EACCESS          0x200u
#define AT_REMOVEDIR        0x200u
#define AT_SYMLINK_FOLLOW   0x400u
#define AT_NO_AUTOMOUNT     0x800u
#define AT_EMPTY_PATH       0x1000u
#define AT_STATX_SYNC_TYPE  0x6000u

/* A path name copied from a program: short ones live inside. */
struct name {
	const char *s;
	char *heap; /* NULL: in buf */
	char buf[128];
};
/* 0, -EFAULT, -ENAMETOOLONG, -ENOMEM. The empty name is allowed: path walk says ENOENT. */
int __must_check name_get(struct name *n, const char __user *from);
void name_put(struct name *n);

/* Where a relative name starts: base is NULL for the current directory or an absolute name. */
struct at {
	struct path path;
	const struct path *base;
};
/* 0, -EBADF. @name decides whether @dfd is looked at. */
int __must_check at_get(struct at *at, int dfd, const char *name);
void at_put(struct at *at);
/* Name and start in one: look the path up. @at_flags of AT_SYMLINK_NOFOLLOW|FOLLOW|EMPTY_PATH are
 * not decoded here. */
int __must_check user_path(int dfd, const char __user *name, unsigned lookup, struct path *out);

/* The device number of mknod(2) and ustat(2) as it stands in its 32-bit argument. */
dev_t dev_from_user(unsigned dev);

/* An array of struct iovec checked as readv(2) says; *vec is @fast or from the heap. */
#define IOV_FAST 8
#define IOV_MAX  1024
struct iov_copy {
	struct iovec fast[IOV_FAST];
	struct iovec *vec;
	struct iov_iter iter;
};
int __must_check iov_copy_get(struct iov_copy *c, const void __user *iov, long n);
void iov_copy_put(struct iov_copy *c);

/* Time arguments: 0, -EFAULT, -EINVAL. NULL gives WAIT_NO_DEADLINE / "absent". */
int __must_check user_timespec(const void __user *p, struct timespec *out);
/* A relative timeout as a deadline on clock_ns(); NULL @p: never. */
int __must_check user_deadline(const void __user *p, uint64_t *deadline_ns);
uint64_t deadline_after_ns(uint64_t ns); /* saturating */

/* Copy a structure that may grow: what we do not know must be zero (openat2(2), Extensibility). 0,
 * -EFAULT, -E2BIG. */
int __must_check copy_struct(void *to, size_t known, const void __user *from, size_t size);

/* The mask of ppoll(2) and its like, in force until the return to the program; NULL: none. */
int __must_check mask_for_call(const void __user *mask, size_t setsize);
/* End of such a call: the mask stays for its return only when a signal interrupted it. @result. */
long mask_after_call(long result);
void events_calls_init(void); /* sys_events.c */

/* F_SETOWN, F_GETOWN and what ioctl(2) calls so: sys_fcntl.c */
long file_set_owner(struct file *f, int who);
int file_get_owner(struct file *f);

struct usage;
struct linux_rusage;
void rusage_out(const struct usage *u, struct linux_rusage *out); /* sys_proc.c */

/* One log line for each program and thing that Ambit lacks. */
void unsupported(const char *what, uint64_t value);

void syscall_dispatch(struct frame *f);
