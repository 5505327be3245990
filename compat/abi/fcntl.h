/*
 * abi/fcntl.h - asserts that open flags, file types and mount flags of the kernel have Linux's
 * x86_64 values.
 */
#pragma once
#include <vfs.h>

static_assert(O_CREAT == 0x40 && O_EXCL == 0x80 && O_NOCTTY == 0x100 && O_TRUNC == 0x200 &&
		      O_APPEND == 0x400 && O_NONBLOCK == 0x800,
	"open(2)");
static_assert(O_DSYNC == 0x1000 && O_ASYNC == 0x2000 && O_DIRECT == 0x4000 &&
		      O_LARGEFILE == 0x8000 && O_DIRECTORY == 0x10000,
	"open(2)");
static_assert(O_NOFOLLOW == 0x20000 && O_NOATIME == 0x40000 && O_CLOEXEC == 0x80000 &&
		      O_SYNC == 0x101000 && O_PATH == 0x200000,
	"open(2)");
static_assert(O_TMPFILE == 0x410000 && SEEK_DATA == 3 && SEEK_HOLE == 4, "open(2), lseek(2)");
static_assert(S_IFSOCK == 0xc000 && S_IFLNK == 0xa000 && S_IFREG == 0x8000 && S_IFBLK == 0x6000 &&
		      S_IFDIR == 0x4000,
	"inode(7)");
static_assert(MAY_EXEC == 1 && MAY_WRITE == 2 && MAY_READ == 4, "access(2): X_OK, W_OK, R_OK");
static_assert(RENAME_NOREPLACE == 1 && RENAME_EXCHANGE == 2, "renameat2(2)");
static_assert(MS_RDONLY == 1 && MS_REMOUNT == 32 && MS_BIND == 4096 && MS_MOVE == 8192 &&
		      MS_REC == 16384 && MS_RELATIME == 0x200000,
	"mount(2)");
