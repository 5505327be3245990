/*
 * stat.h - file types, permission bits and open flags: POSIX's names with Linux's x86_64 values
 * (asserted in compat/abi).
 */
#pragma once
#include <time.h>
#include <compiler.h>

#define S_IFMT      0170000u
#define S_IFSOCK    0140000u
#define S_IFLNK     0120000u
#define S_IFREG     0100000u
#define S_IFBLK     0060000u
#define S_IFDIR     0040000u
#define S_IFCHR     0020000u
#define S_IFIFO     0010000u
#define S_ISUID     04000u
#define S_ISGID     02000u
#define S_ISVTX     01000u
#define S_IRWXU     0700u
#define S_IRUSR     0400u
#define S_IWUSR     0200u
#define S_IXUSR     0100u
#define S_IRWXG     070u
#define S_IRGRP     040u
#define S_IWGRP     020u
#define S_IXGRP     010u
#define S_IRWXO     07u
#define S_IROTH     04u
#define S_IWOTH     02u
#define S_IXOTH     01u
#define S_ISREG(m)  (((m)&S_IFMT) == S_IFREG)
#define S_ISDIR(m)  (((m)&S_IFMT) == S_IFDIR)
#define S_ISLNK(m)  (((m)&S_IFMT) == S_IFLNK)
#define S_ISCHR(m)  (((m)&S_IFMT) == S_IFCHR)
#define S_ISBLK(m)  (((m)&S_IFMT) == S_IFBLK)
#define S_ISFIFO(m) (((m)&S_IFMT) == S_IFIFO)
#define S_ISSOCK(m) (((m)&S_IFMT) == S_IFSOCK)

#define O_ACCMODE   03
#define O_RDONLY    00
#define O_WRONLY    01
#define O_RDWR      02
#define O_CREAT     0100
#define O_EXCL      0200
#define O_NOCTTY    0400
#define O_TRUNC     01000
#define O_APPEND    02000
#define O_NONBLOCK  04000
#define O_DSYNC     010000
#define O_ASYNC     020000
#define O_DIRECT    040000
#define O_LARGEFILE 0100000
#define O_DIRECTORY 0200000
#define O_NOFOLLOW  0400000
#define O_NOATIME   01000000
#define O_CLOEXEC   02000000
#define O_SYNC      04010000
#define O_PATH      010000000
#define O_TMPFILE   020200000

#define SEEK_SET  0
#define SEEK_CUR  1
#define SEEK_END  2
#define SEEK_DATA 3
#define SEEK_HOLE 4

enum {
	DT_UNKNOWN = 0,
	DT_FIFO = 1,
	DT_CHR = 2,
	DT_DIR = 4,
	DT_BLK = 6,
	DT_REG = 8,
	DT_LNK = 10,
	DT_SOCK = 12
};
#define MODE_TO_DT(mode) ((unsigned)((mode) >> 12 & 15))
#define NAME_MAX         255
#define PATH_MAX         4096

struct kstat { /* what stat(2) and statx(2) report */
	dev_t dev, rdev;
	ino_t ino;
	mode_t mode;
	uint32_t nlink;
	uid_t uid;
	gid_t gid;
	int64_t size;
	uint32_t blksize;
	uint64_t blocks; /* of 512 bytes */
	struct timespec atime, mtime, ctime, btime;
	uint64_t mount_id;
	uint32_t iflags; /* INODE_* */
};
struct kstatfs {
	uint64_t type, bsize, blocks, bfree, bavail, files, ffree, fsid, namelen, frsize, flags;
};
