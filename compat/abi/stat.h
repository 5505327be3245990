/*
 * abi/stat.h - Linux x86_64 layouts of stat(2), statfs(2), statx(2), getdents(2).
 */
#pragma once
#include <compiler.h>

struct linux_stat {
	uint64_t st_dev, st_ino, st_nlink;
	uint32_t st_mode, st_uid, st_gid, pad0;
	uint64_t st_rdev;
	int64_t st_size, st_blksize, st_blocks;
	int64_t atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns;
	int64_t unused[3];
};
static_assert(sizeof(struct linux_stat) == 144, "struct stat of x86_64");

struct linux_statfs {
	int64_t type, bsize;
	uint64_t blocks, bfree, bavail, files, ffree;
	int32_t fsid[2];
	int64_t namelen, frsize, flags, spare[4];
};
static_assert(sizeof(struct linux_statfs) == 120, "struct statfs of x86_64");

struct linux_ustat {
	int32_t free, pad0;
	uint64_t inodes;
	char name[6], pack[6], pad1[4];
};
static_assert(sizeof(struct linux_ustat) == 32, "struct ustat of x86_64");

struct linux_statx_time {
	int64_t sec;
	uint32_t nsec;
	int32_t pad;
};
struct linux_statx {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, pad0;
	uint64_t ino, size, blocks, attributes_mask;
	struct linux_statx_time atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t mnt_id;
	uint32_t dio_mem_align, dio_offset_align;
	uint64_t spare[12];
};
static_assert(sizeof(struct linux_statx) == 256, "struct statx");
enum {
	STATX_BASIC_STATS = 0x7ff,
	STATX_BTIME = 0x800,
	STATX_MNT_ID = 0x1000,
	STATX_RESERVED = (int)0x80000000
};
enum { STATX_ATTR_IMMUTABLE = 0x10, STATX_ATTR_APPEND = 0x20 };

/* A directory entry is this head, the name, a NUL; getdents(2) puts the type into the last byte of
 * the record. */
struct linux_dirent64 {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
} __packed;
struct linux_dirent {
	uint64_t ino;
	uint64_t off;
	uint16_t reclen;
	char name[];
} __packed;
