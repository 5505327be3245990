/*
 * files_test.c - open, close, dup, fcntl, lseek, read, write and their kin on plain files.
 */
#include "abi.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>

CASE(open_basic)
{
	char b[8];

	R(open("missing", O_RDONLY));
	R(open("missing", O_WRONLY | O_TRUNC));
	R(open("", O_RDONLY));
	R(open("f", O_RDWR | O_CREAT | O_EXCL, 0644));
	R(open("f", O_RDWR | O_CREAT | O_EXCL, 0644));
	R(open("f", O_RDONLY | O_CREAT, 0600));
	R(write(4, "x", 1));
	R(write(3, "hello", 5));
	R(read(4, b, 8));
	R(read(4, b, 8));
	R(open("f", O_WRONLY));
	R(read(5, b, 1));
	R(close(3));
	R(close(3));
	R(close(-1));
	R(close(9999));
	R(open("f", O_WRONLY | O_TRUNC));
	R(size_of("f"));
	R(creat("g", 0600));
	R(fcntl(6, F_GETFL) & O_ACCMODE);
	R(sc(openat, AT_FDCWD, BAD_PTR, O_RDONLY, 0));
	R(sc(openat, AT_FDCWD, NULL, O_RDONLY, 0));
	R(sc(openat, AT_FDCWD, KERNEL_PTR, O_RDONLY, 0));
}

CASE(open_directory)
{
	char b[8];

	mkdir("d", 0755);
	put("f", "x");
	R(open("d", O_RDONLY));
	R(read(3, b, 1));
	R(pread(3, b, 1, 0));
	R(write(3, b, 1));
	R(open("d", O_WRONLY));
	R(open("d", O_RDWR));
	R(open("d", O_RDONLY | O_CREAT, 0644));
	R(open("d", O_RDONLY | O_TRUNC));
	R(open("f", O_RDONLY | O_DIRECTORY));
	R(open("f/", O_RDONLY));
	R(open("f/x", O_RDONLY));
	R(open("new/", O_RDWR | O_CREAT, 0644));
	R(open("d/", O_RDONLY));
	R(open("d/.", O_RDONLY));
	R(open("d/..", O_RDONLY | O_DIRECTORY));
	R(ftruncate(3, 0));
	R(lseek(3, 0, SEEK_CUR));
	R(fsync(3));
	R(fdatasync(3));
}

CASE(open_flags_kept)
{
	int flags[] = {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_APPEND, O_RDWR | O_NONBLOCK,
		O_RDWR | O_SYNC, O_RDWR | O_DSYNC, O_RDWR | O_CLOEXEC, O_RDWR | O_NOATIME,
		O_RDONLY | O_NOFOLLOW, O_RDONLY | O_NOCTTY, O_RDWR | O_TRUNC, O_RDWR | O_EXCL,
		O_PATH, O_PATH | O_RDWR, O_PATH | O_CLOEXEC, O_RDWR | O_ASYNC, 3};

	put("f", "x");
	for (unsigned i = 0; i < COUNT(flags); i++) {
		int fd = open("f", flags[i]);

		say("flags %o: F_GETFL %o F_GETFD %d", flags[i], fcntl(fd, F_GETFL),
			fcntl(fd, F_GETFD));
		close(fd);
	}
	R(sc(openat, AT_FDCWD, "f", O_RDONLY | 0x80000000u, 0));
	R(sc(openat, AT_FDCWD, "f", O_RDONLY | 0x20000000u, 0));
}

CASE(open_path)
{
	char b[8];
	struct stat st;

	put("f", "hello");
	symlink("f", "l");
	R(open("f", O_PATH));
	R(read(3, b, 1));
	R(write(3, b, 1));
	R(lseek(3, 0, SEEK_SET));
	R(fchmod(3, 0600));
	R(fchown(3, 0, 0));
	R(ftruncate(3, 0));
	R(ioctl(3, FIONREAD, b));
	R(fcntl(3, F_SETFL, O_NONBLOCK));
	R(fcntl(3, F_GETFL) & O_PATH);
	R(fstat(3, &st));
	V(st.st_size);
	R(dup(3));
	R(fsync(3));
	R(open("/proc/self/fd/3", O_RDONLY));
	R(read(5, b, 8));
	R(open("l", O_PATH | O_NOFOLLOW));
	R(fstat(6, &st));
	T(S_ISLNK(st.st_mode));
	R(readlinkat(6, "", b, 8));
	R(readlinkat(3, "", b, 8));
	R(open("l", O_NOFOLLOW | O_RDONLY));
	R(open("missing", O_PATH));
	R(open("new", O_PATH | O_CREAT, 0644));
	R(open("f", O_PATH | O_DIRECTORY));
	R(sc(fadvise64, 3, 0, 0, 0));
}

CASE(dup_calls)
{
	char b[4];

	put("f", "abcdef");
	R(open("f", O_RDONLY | O_CLOEXEC));
	R(dup(3));
	R(fcntl(4, F_GETFD));
	R(read(3, b, 2));
	R(read(4, b, 2));
	show_bytes("b", b, 2);
	R(dup2(3, 10));
	R(dup2(3, 3));
	R(dup2(99, 99));
	R(dup2(99, 10));
	R(sc(dup3, 3, 3, 0));
	R(sc(dup3, 3, 11, O_CLOEXEC));
	R(fcntl(11, F_GETFD));
	R(sc(dup3, 3, 11, O_NONBLOCK));
	R(sc(dup3, 99, 11, 0));
	R(sc(dup3, 99, 99, 0));
	R(dup2(3, -1));
	R(dup2(3, 512));
	R(dup2(3, 511));
	R(sc(dup3, 3, 100000, 0));
	R(dup(-1));
	R(dup(77));
	R(fcntl(3, F_DUPFD, 20));
	R(fcntl(3, F_DUPFD_CLOEXEC, 20));
	R(fcntl(21, F_GETFD));
	R(fcntl(3, F_DUPFD, -1));
	R(fcntl(3, F_DUPFD, 512));
	R(fcntl(3, F_DUPFD, 511));
	show_open_fds();
}

CASE(descriptor_limit)
{
	int last = -1, fd;

	for (int i = 0; i < 2000 && (fd = dup(0)) >= 0; i++)
		last = fd;
	V(last);
	R(dup(0));
	R(open("x", O_RDWR | O_CREAT, 0644));
	R(access("x", F_OK));
	R(pipe((int[2]){0, 0}));
	close(100);
	close(50);
	R(dup(0));
	R(dup(0));
	R(dup(0));
	R(sc(close_range, 10, 600, 0));
	show_open_fds();
	R(sc(close_range, 10, 5, 0));
	R(sc(close_range, 3, 5, 8));
	R(sc(close_range, 4, 5, 4));
	R(fcntl(4, F_GETFD));
	R(fcntl(6, F_GETFD));
}

CASE(fcntl_flags)
{
	R(make("f", O_RDWR));
	R(fcntl(3, F_GETFD));
	R(fcntl(3, F_SETFD, FD_CLOEXEC));
	R(fcntl(3, F_GETFD));
	R(fcntl(3, F_SETFD, 6));
	R(fcntl(3, F_GETFD));
	R(fcntl(3, F_SETFL, O_APPEND | O_NONBLOCK | O_TRUNC | O_WRONLY));
	OCT(fcntl(3, F_GETFL) & ~0100000);
	R(fcntl(3, F_SETFL, 0));
	OCT(fcntl(3, F_GETFL) & ~0100000);
	R(fcntl(99, F_GETFL));
	R(fcntl(99, 9999));
	R(fcntl(3, 9999));
	R(sc(fcntl, 3, -1, 0));
	R(fcntl(3, F_GETOWN));
	R(fcntl(3, F_GETSIG));
	R(fcntl(3, F_SETSIG, 999));
	R(fcntl(3, F_SETSIG, SIGUSR1));
	R(fcntl(3, F_GETSIG));
	R(fcntl(3, F_SETOWN, 99999999));
	R(fcntl(3, F_GETPIPE_SZ));
	R(fcntl(3, F_SETPIPE_SZ, 4096));
	R(ioctl(3, FIOCLEX));
	R(fcntl(3, F_GETFD));
	R(ioctl(3, FIONCLEX));
	R(fcntl(3, F_GETFD));
	R(ioctl(3, FIONBIO, &(int){1}));
	OCT(fcntl(3, F_GETFL) & O_NONBLOCK);
	R(ioctl(3, FIONBIO, BAD_PTR));
}

CASE(append)
{
	char b[16];

	put("f", "12345");
	R(open("f", O_RDWR | O_APPEND));
	R(lseek(3, 0, SEEK_CUR));
	R(write(3, "67", 2));
	R(lseek(3, 0, SEEK_CUR));
	R(lseek(3, 1, SEEK_SET));
	R(read(3, b, 2));
	R(write(3, "89", 2));
	R(lseek(3, 0, SEEK_CUR));
	R(pwrite(3, "ab", 2, 0));
	R(lseek(3, 0, SEEK_CUR));
	show_file("f");
}

CASE(lseek_rules)
{
	int p[2];

	put("f", "0123456789");
	R(open("f", O_RDWR));
	R(lseek(3, 4, SEEK_SET));
	R(lseek(3, 3, SEEK_CUR));
	R(lseek(3, -2, SEEK_END));
	R(lseek(3, -11, SEEK_END));
	R(lseek(3, -1, SEEK_SET));
	R(lseek(3, 0, SEEK_CUR));
	R(lseek(3, 100, SEEK_SET));
	R(write(3, "x", 1));
	R(size_of("f"));
	R(lseek(3, 0, 9));
	R(lseek(3, 0, -1));
	R(lseek(3, INT64_MAX, SEEK_CUR));
	R(lseek(99, 0, SEEK_SET));
	R(pipe(p));
	R(lseek(p[0], 0, SEEK_SET));
	R(lseek(p[0], 0, SEEK_CUR));
	R(lseek(p[0], 0, 9));
	R(lseek(0, 5, SEEK_SET));
}

CASE(holes)
{
	char b[70000];

	R(make("f", O_RDWR));
	R(pwrite(3, "end", 3, 1 << 20));
	R(size_of("f"));
	memset(b, 7, sizeof(b));
	R(pread(3, b, sizeof(b), 5000));
	R(b[0] | b[35000] | b[69999]);
	R(lseek(3, 1 << 20, SEEK_DATA));
	R(lseek(3, 1 << 20, SEEK_HOLE));
	R(lseek(3, (1 << 20) + 3, SEEK_DATA));
	R(lseek(3, (1 << 20) + 3, SEEK_HOLE));
	R(lseek(3, -1, SEEK_DATA));
	R(lseek(3, 1 << 30, SEEK_HOLE));
	put("small", "abc");
	R(open("small", O_RDWR));
	R(lseek(4, 0, SEEK_DATA));
	R(lseek(4, 1, SEEK_HOLE));
	R(lseek(4, 1, SEEK_DATA));
	R(lseek(4, 3, SEEK_DATA));
}

/* lseek(2) leaves it to a file system whether it tells holes from data; tmpfs does. */
CASE_ON(tmpfs, holes_found)
{
	R(make("f", O_RDWR));
	R(pwrite(3, "end", 3, 1 << 20));
	R(lseek(3, 0, SEEK_DATA));
	R(lseek(3, 0, SEEK_HOLE));
	put("small", "abc");
	R(open("small", O_RDWR));
	R(ftruncate(4, 8192));
	R(lseek(4, 4096, SEEK_DATA));
	R(lseek(4, 10, SEEK_HOLE));
}

CASE(read_write_errors)
{
	char b[8];

	put("f", "abcdef");
	R(open("f", O_RDWR));
	R(read(3, b, 0));
	R(sc(read, 3, BAD_PTR, 0));
	R(sc(read, 3, BAD_PTR, 3));
	R(sc(read, 3, KERNEL_PTR, 3));
	R(lseek(3, 0, SEEK_CUR));
	R(sc(write, 3, BAD_PTR, 3));
	R(sc(write, 3, KERNEL_PTR, 3));
	R(sc(write, 3, BAD_PTR, 0));
	R(sc(read, 99, b, 1));
	R(sc(write, 99, b, 1));
	R(sc(read, -1, BAD_PTR, 1));
	R(sc(pread64, 3, b, 2, -1));
	R(sc(pwrite64, 3, b, 2, -1));
	R(sc(pread64, 3, b, 2, 4));
	R(sc(pread64, 3, b, 2, 5));
	R(sc(pread64, 3, b, 2, 6));
	R(sc(pread64, 3, b, 2, 7));
	R(sc(pread64, 3, b, -1, 0));
	R(sc(read, 3, b, -1));
	R(sc(pwrite64, 3, b, 2, INT64_MAX));
	R(sc(pread64, 3, b, 2, INT64_MAX));
	R(lseek(3, 0, SEEK_END));
	R(read(3, b, 8));
	R(size_of("f"));
	show_file("f");
}

CASE(partial_fault)
{
	char *page = sc(mmap, NULL, 8192, 3, 0x22, -1, 0) + (char *)0;
	char *edge = page + 4096;

	munmap(edge, 4096);
	memset(page, 'p', 4096);
	R(make("f", O_RDWR));
	R(write(3, edge - 5, 10));
	R(size_of("f") > 0);
	R(sc(read, 3, edge, 10));
	put("g", "0123456789");
	R(open("g", O_RDONLY));
	R(sc(read, 4, edge - 4, 10));
	R(sc(pread64, 4, edge - 4, 4, 2));
	show_bytes("read", edge - 4, 4);
}

CASE(vectors)
{
	char a[4], b[4], c[4];
	struct iovec v[3] = {{a, 3}, {b, 0}, {c, 4}};
	struct iovec many[1100], bad[2] = {{a, 2}, {BAD_PTR, 4}};

	put("f", "abcdefghij");
	R(open("f", O_RDWR));
	R(readv(3, v, 3));
	show_bytes("a", a, 3);
	show_bytes("c", c, 4);
	R(readv(3, v, 3));
	R(readv(3, v, 3));
	R(readv(3, v, 0));
	R(sc(readv, 3, v, -1));
	R(sc(readv, 3, BAD_PTR, 1));
	for (int i = 0; i < 1100; i++)
		many[i] = (struct iovec){"z", 1};
	R(sc(writev, 3, many, 1024));
	R(sc(writev, 3, many, 1025));
	R(size_of("f"));
	R(sc(preadv, 3, bad, 2, 0, 0));
	R(sc(preadv, 3, bad + 1, 1, 0, 0));
	v[1].iov_len = (size_t)-1;
	R(sc(readv, 3, v, 3));
	v[1].iov_len = 0;
	R(preadv(3, v, 3, 2));
	R(pwritev(3, v, 1, 0));
	R(sc(preadv, 3, v, 3, -1, 0));
	R(sc(preadv2, 3, v, 3, 0, 0, 0));
	R(sc(preadv2, 3, v, 3, 0, 0, 0x40000000));
	R(sc(preadv2, 3, v, 3, -1, 0, 0));
	R(size_of("f"));
	R(writev(99, v, 1));
}

CASE(truncate_rules)
{
	char b[16];

	put("f", "0123456789");
	mkdir("d", 0755);
	symlink("f", "l");
	R(truncate("f", 4));
	show_file("f");
	R(truncate("f", 8));
	show_file("f");
	R(truncate("l", 2));
	R(size_of("f"));
	R(truncate("f", -1));
	R(truncate("d", 0));
	R(truncate("missing", 0));
	R(truncate("f/x", 0));
	R(sc(truncate, BAD_PTR, 0));
	R(open("f", O_RDONLY));
	R(ftruncate(3, 0));
	R(open("f", O_RDWR));
	R(ftruncate(4, -5));
	R(ftruncate(4, 6000));
	R(size_of("f"));
	R(pread(3, b, 4, 5996));
	R(ftruncate(99, 0));
	R(pwrite(4, "tail", 4, 4094));
	R(ftruncate(4, 4095));
	R(ftruncate(4, 8192));
	R(pread(4, b, 4, 4094));
	show_bytes("after", b, 4);
}

CASE(file_size_limit)
{
	struct rlimit limit = {10, 10};

	R(make("f", O_RDWR));
	R(setrlimit(RLIMIT_FSIZE, &limit));
	catch_signal(SIGXFSZ, 0);
	R(write(3, "12345678", 8));
	V(caught);
	R(write(3, "12345678", 8));
	V(caught);
	R(write(3, "x", 1));
	V(caught);
	R(ftruncate(3, 11));
	V(caught);
	R(truncate("f", 11));
	V(caught);
	R(size_of("f"));
	default_signal(SIGXFSZ);
	IN_CHILD
	{
		write(3, "x", 1);
	}
}

CASE_ON(tmpfs, fallocate_modes)
{
	char b[4];

	R(make("f", O_RDWR));
	R(fallocate(3, 0, 0, 10000));
	R(size_of("f"));
	R(fallocate(3, 1, 0, 20000));
	R(size_of("f"));
	R(write(3, "abcd", 4));
	R(fallocate(3, 3, 0, 4096));
	R(pread(3, b, 4, 0));
	show_bytes("punched", b, 4);
	R(fallocate(3, 2, 0, 4096));
	R(fallocate(3, 8, 0, 4096));
	R(fallocate(3, 0x4000, 0, 4096));
	R(fallocate(3, 0, -1, 4096));
	R(fallocate(3, 0, 0, 0));
	R(fallocate(3, 0, 0, -1));
	R(fallocate(99, 0, 0, 1));
	R(open("f", O_RDONLY));
	R(fallocate(4, 0, 0, 1));
	R(pipe((int[2]){0, 0}));
	R(fallocate(5, 0, 0, 1));
	R(fallocate(6, 0, 0, 1));
	R(open(".", O_RDONLY));
	R(fallocate(7, 0, 0, 1));
}

CASE(advice)
{
	R(make("f", O_RDWR));
	R(pipe((int[2]){0, 0}));
	for (int i = -1; i < 8; i++)
		say("advice %d: %s", i, sc(fadvise64, 3, 0, 0, i) ? errno_name(errno) : "ok");
	R(sc(fadvise64, 4, 0, 0, 0));
	R(sc(fadvise64, 99, 0, 0, 0));
	R(sc(fadvise64, 3, 0, -1, 0));
	R(sc(readahead, 3, 0, 100));
	R(sc(readahead, 4, 0, 100));
	R(sc(readahead, 99, 0, 100));
	R(sc(sync_file_range, 3, 0, 0, 7));
	R(sc(sync_file_range, 3, 0, 0, 8));
	R(sc(sync_file_range, 3, -1, 0, 1));
	R(sc(sync_file_range, 3, 0, -1, 1));
	R(sc(sync_file_range, 4, 0, 0, 1));
	R(sc(sync_file_range, 99, 0, 0, 1));
	R(fsync(3));
	R(fsync(4));
	R(fdatasync(4));
	R(fsync(99));
	R(sc(syncfs, 3));
	R(sc(syncfs, 99));
	R(sc0(sync));
}

CASE(copy_range)
{
	off_t in = 2, out = 1;

	put("a", "0123456789");
	put("b", "abcdefghij");
	R(open("a", O_RDONLY));
	R(open("b", O_RDWR));
	R(sc(copy_file_range, 3, &in, 4, &out, 3, 0));
	V(in);
	V(out);
	show_file("b");
	R(sc(copy_file_range, 3, NULL, 4, NULL, 100, 0));
	R(lseek(3, 0, SEEK_CUR));
	R(sc(copy_file_range, 3, NULL, 4, NULL, 100, 0));
	R(sc(copy_file_range, 3, NULL, 4, NULL, 100, 1));
	R(sc(copy_file_range, 4, NULL, 3, NULL, 100, 0));
	R(sc(copy_file_range, 99, NULL, 4, NULL, 1, 0));
	R(sc(copy_file_range, 3, NULL, 99, NULL, 1, 0));
	in = 0, out = 2;
	R(sc(copy_file_range, 4, &in, 4, &out, 5, 0));
	R(open("b", O_WRONLY | O_APPEND));
	R(sc(copy_file_range, 3, &in, 5, NULL, 1, 0));
	R(open(".", O_RDONLY));
	R(sc(copy_file_range, 6, NULL, 4, NULL, 1, 0));
	R(pipe((int[2]){0, 0}));
	R(sc(copy_file_range, 7, NULL, 4, NULL, 1, 0));
	show_file("b");
}

CASE(shared_offset)
{
	put("f", "abcdef");
	R(open("f", O_RDONLY));
	IN_CHILD
	{
		R(lseek(3, 3, SEEK_SET));
		R(fcntl(3, F_SETFL, O_APPEND));
		R(fcntl(3, F_SETFD, FD_CLOEXEC));
	}
	R(lseek(3, 0, SEEK_CUR));
	OCT(fcntl(3, F_GETFL) & O_APPEND);
	R(fcntl(3, F_GETFD));
}

CASE(deleted_but_open)
{
	char b[8];
	struct stat st;

	put("f", "abc");
	R(open("f", O_RDWR));
	R(unlink("f"));
	R(fstat(3, &st));
	V(st.st_nlink);
	R(pwrite(3, "xyz", 3, 1));
	R(pread(3, b, 8, 0));
	R(open("/proc/self/fd/3", O_RDONLY));
	R(read(4, b, 8));
	R(linkat(AT_FDCWD, "/proc/self/fd/3", AT_FDCWD, "g", AT_SYMLINK_FOLLOW));
	R(access("f", F_OK));
}

CASE(device_files)
{
	char b[64];

	memset(b, 1, sizeof(b));
	R(open("/dev/null", O_RDWR));
	R(read(3, b, 64));
	R(write(3, b, 64));
	R(lseek(3, 10, SEEK_SET));
	R(sc(write, 3, BAD_PTR, 64));
	R(open("/dev/zero", O_RDWR));
	R(read(4, b, 64));
	R(b[0] | b[63]);
	R(write(4, b, 64));
	R(sc(read, 4, BAD_PTR, 64));
	R(open("/dev/full", O_RDWR));
	R(read(5, b, 64));
	R(write(5, b, 1));
	R(write(5, b, 0));
	R(open("/dev/urandom", O_RDONLY));
	R(read(6, b, 64));
	R(sc(read, 6, BAD_PTR, 64));
	R(lseek(6, 3, SEEK_SET));
	R(open("/dev/random", O_RDONLY));
	R(read(7, b, 64));
	R(ftruncate(3, 0));
	R(truncate("/dev/null", 0));
	R(open("/dev/null", O_RDWR | O_TRUNC | O_CREAT, 0644));
	R(open("/dev/null", O_RDONLY | O_DIRECTORY));
	R(open("/dev/null/x", O_RDONLY));
	R(mknod("null", S_IFCHR | 0666, 0x103));
	R(open("null", O_RDWR));
	R(write(9, "x", 1));
	R(mknod("none", S_IFCHR | 0666, 0x3c07));
	R(open("none", O_RDWR));
	R(mknod("blk", S_IFBLK | 0666, 0x3c07));
	R(open("blk", O_RDWR));
	R(open("/dev/fd/4", O_RDONLY));
	R(open("/proc/self/fd/0", O_RDONLY));
	R(readlink("/dev/fd", b, 64));
}

CASE(memfd)
{
	char b[16];
	struct stat st;

	R(sc(memfd_create, "name", 0));
	R(write(3, "hello", 5));
	R(pread(3, b, 16, 0));
	R(fstat(3, &st));
	OCT(st.st_mode);
	V(st.st_nlink);
	memset(b, 0, sizeof(b));
	R(sc(memfd_create, "x", 1));
	R(fcntl(4, F_GETFD));
	R(sc(memfd_create, "x", 0x100));
	R(sc(memfd_create, BAD_PTR, 0));
	R(ftruncate(3, 3));
	R(lseek(3, 0, SEEK_END));
	R(fcntl(0, F_GET_SEALS));
}

CASE(big_file)
{
	static char block[1 << 16];
	long sum = 0;

	R(make("f", O_RDWR));
	for (int i = 0; i < 40; i++) {
		memset(block, i, sizeof(block));
		if (write(3, block, sizeof(block)) != sizeof(block))
			say("short write at %d", i);
	}
	R(lseek(3, 0, SEEK_SET));
	for (long n; (n = read(3, block, 5000)) > 0;)
		for (long k = 0; k < n; k++)
			sum += (unsigned char)block[k];
	V(sum);
	R(pwrite(3, "far", 3, 1l << 31));
	R(size_of("f"));
	R(pread(3, block, 100, (1l << 31) - 1));
	show_bytes("far", block, 4);
	R(ftruncate(3, 0));
	R(pread(3, block, 1, 0));
}
