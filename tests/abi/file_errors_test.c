/*
 * file_errors_test.c - what the calls on open files refuse, one by one, and in which order: two
 * things wrong at once show which of them a call sees first.
 */
#include "abi.h"

#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* One open file of each kind, in the order of the table `kinds`. */
enum {
	NONE,
	READ_ONLY,
	WRITE_ONLY,
	PATH_ONLY,
	FOLDER,
	PIPE_OUT,
	PIPE_IN,
	SOCKET,
	NULL_DEVICE,
	KINDS
};

static const char *const kinds[KINDS] = {"nothing", "a read-only file", "a write-only file",
	"an O_PATH file", "a directory", "a pipe's read end", "a pipe's write end", "a socket",
	"/dev/null"};
static int fds[KINDS];
static char bytes[4096];
static struct iovec vector = {bytes, 4};

static void open_kinds(void)
{
	int pair[2];

	put("f", "0123456789");
	mkdir("d", 0755);
	fds[NONE] = 300;
	fds[READ_ONLY] = open("f", O_RDONLY);
	fds[WRITE_ONLY] = open("f", O_WRONLY);
	fds[PATH_ONLY] = open("f", O_PATH);
	fds[FOLDER] = open("d", O_RDONLY);
	pipe(&fds[PIPE_OUT]);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	fds[SOCKET] = pair[0];
	fds[NULL_DEVICE] = open("/dev/null", O_RDWR);
}

/* EACH(call with fd in it): tries it on every kind of file. */
#define EACH(...)                                                                                  \
	for (int kind = 0; kind < KINDS; kind++) {                                                 \
		int fd = fds[kind];                                                                \
		long result = (__VA_ARGS__);                                                       \
                                                                                                   \
		if (result < 0)                                                                    \
			say("%s on %s = -1 %s", #__VA_ARGS__, kinds[kind], errno_name(errno));     \
		else                                                                               \
			say("%s on %s = %ld", #__VA_ARGS__, kinds[kind], result);                  \
	}

CASE(positions)
{
	open_kinds();
	EACH(lseek(fd, 3, SEEK_SET));
	EACH(lseek(fd, -1, SEEK_SET));
	EACH(lseek(fd, 0, 5));
	/* Of a directory the file system decides. */
	EACH(kind == FOLDER ? 0 : lseek(fd, 0, SEEK_DATA));
	EACH(kind == FOLDER ? 0 : lseek(fd, 1 << 20, SEEK_HOLE));
	EACH(sc(pread64, fd, bytes, 2, 0));
	EACH(sc(pread64, fd, bytes, 2, -1));
	EACH(sc(pwrite64, fd, bytes, 0, 0));
	EACH(sc(pwrite64, fd, bytes, 2, -1));
	R(lseek(fds[READ_ONLY], 4, SEEK_SET));
	R(lseek(fds[READ_ONLY], INT64_MAX, SEEK_CUR));
	R(lseek(fds[READ_ONLY], INT64_MIN, SEEK_CUR));
	R(lseek(fds[READ_ONLY], INT64_MIN, SEEK_END));
	R(lseek(fds[READ_ONLY], INT64_MAX, SEEK_END));
	R(lseek(fds[READ_ONLY], 0, SEEK_CUR));
}

CASE(vectors)
{
	struct iovec huge[2] = {{bytes, INT64_MAX}, {bytes, 1}};
	struct iovec negative = {bytes, (size_t)-1};
	struct iovec large[2] = {{bytes, 4}, {bytes, 0x7fffffff}};

	open_kinds();
	EACH(sc(preadv, fd, &vector, 1, 0, 0));
	EACH(sc(preadv, fd, &vector, 1, -1, -1));
	EACH(sc(preadv, fd, BAD_PTR, 1, 0, 0));
	EACH(sc(preadv, fd, &vector, 1025, 0, 0));
	EACH(sc(preadv, fd, &vector, 0, 0, 0));
	EACH(sc(preadv2, fd, &vector, 0, 0, 0, 0x1000));
	EACH(sc(preadv2, fd, &vector, 1, 0, 0, 0x1000));
	EACH(sc(pwritev, fd, &vector, 0, 0, 0));
	EACH(sc(pwritev, fd, &vector, 1, -1, -1));
	EACH(sc(pwritev, fd, BAD_PTR, 1, 0, 0));
	EACH(sc(pwritev2, fd, &vector, 0, 0, 0, 0x1000));
	EACH(sc(readv, fd, &negative, 1));
	EACH(sc(writev, fd, &negative, 1));
	EACH(sc(readv, fd, &vector, 0));
	EACH(sc(writev, fd, &vector, 0));
	R(sc(readv, fds[READ_ONLY], huge, 2));
	R(sc(readv, fds[READ_ONLY], &vector, INT_MAX));
	R(sc(readv, fds[READ_ONLY], KERNEL_PTR, 1));
	R(sc(preadv, fds[READ_ONLY], &vector, 1, INT64_MAX, 0));
	R(sc(pwritev, fds[WRITE_ONLY], &vector, 1, INT64_MAX, 0));
	R(sc(pwritev, fds[WRITE_ONLY], &vector, 1, INT64_MAX - 2, 0));
	R(sc(pread64, fds[READ_ONLY], bytes, 4, INT64_MAX));
	R(sc(preadv, fds[READ_ONLY], large, 2, 0, 0));
}

CASE(sizes)
{
	open_kinds();
	EACH(sc(ftruncate, fd, 10));
	EACH(sc(ftruncate, fd, -1));
	R(sc(truncate, "f", INT64_MIN));
	R(sc(truncate, "missing", -1));
	R(sc(truncate, BAD_PTR, -1));
	R(sc(truncate, "d", 0));
	R(sc(truncate, "d", -1));
	R(mkfifo("fifo", 0600));
	R(sc(truncate, "fifo", 0));
	R(sc(truncate, "/dev/null", 5));
	R(sc(truncate, "/proc/version", 0));
	R(sc(truncate, "f/", 0));
	R(symlink("f", "link"));
	R(sc(truncate, "link", 3));
	R(size_of("f"));
	IN_CHILD
	{
		chmod("f", 0444);
		drop_to(1000, 1000);
		R(sc(truncate, "f", 0));
		R(sc(truncate, "f", -1));
		R(sc(ftruncate, fds[WRITE_ONLY], 1));
	}
	R(size_of("f"));
}

/* What a case executes: says that it runs and goes on until its input ends. */
int abi_helper(int argc, char **argv)
{
	char byte;

	(void)argc;
	(void)argv;
	write(1, "x", 1);
	return (int)read(0, &byte, 1);
}

/* A program that is run is not cut short (ETXTBSY). */
CASE(size_of_a_running_program)
{
	struct gate started, end;
	pid_t pid;
	int from = open(self_path(), O_RDONLY), to = open("copy", O_WRONLY | O_CREAT, 0755);

	T(sc(sendfile, to, from, NULL, 1 << 30) > 0);
	close(to);
	gate_init(&started);
	gate_init(&end);
	pid = abi_fork();
	if (!pid) {
		dup2(started.fd[1], 1);
		dup2(end.fd[0], 0);
		sc(close_range, 3, -1, 0);
		execl("copy", "copy", "--helper", "wait", NULL);
		_exit(1);
	}
	gate_wait(&started);
	R(sc(truncate, "copy", 0));
	R(sc(truncate, "copy", -1));
	R(sc(open, "copy", O_RDWR, 0));
	R(sc(open, "copy", O_RDONLY | O_TRUNC, 0));
	gate_open(&end);
	abi_reap("the program", pid);
	R(sc(truncate, "copy", 0));
}

CASE(allocation)
{
	open_kinds();
	EACH(sc(fallocate, fd, 0, 0, 0));
	EACH(sc(fallocate, fd, 0, -1, 10));
	EACH(sc(fallocate, fd, 0x1000, 0, 10));
	EACH(sc(fallocate, fd, 2, 0, 10));
	EACH(sc(fallocate, fd, 2 | 1 | 8, 0, 10));
	R(sc(fallocate, fds[WRITE_ONLY], 0, INT64_MAX, 10));
	R(sc(fallocate, fds[WRITE_ONLY], 0, INT64_MAX - 5, 10));
	R(sc(fallocate, fds[WRITE_ONLY], 8 | 1, 0, 4096));
	R(sc(fallocate, fds[WRITE_ONLY], 0x20 | 1, 0, 4096));
	R(sc(fallocate, fds[WRITE_ONLY], 0x20 | 8, 0, 4096));
	R(size_of("f"));
}

CASE(advice_and_readahead)
{
	open_kinds();
	EACH(sc(fadvise64, fd, 0, 0, POSIX_FADV_SEQUENTIAL));
	EACH(sc(fadvise64, fd, 0, 0, 77));
	EACH(sc(fadvise64, fd, 0, -1, POSIX_FADV_NORMAL));
	EACH(sc(fadvise64, fd, -1, 10, POSIX_FADV_WILLNEED));
	EACH(sc(readahead, fd, 0, 10));
	EACH(sc(readahead, fd, -1, 10));
	R(sc(fadvise64, fds[READ_ONLY], INT64_MAX, 10, POSIX_FADV_DONTNEED));
	R(sc(readahead, fds[READ_ONLY], 1 << 20, -1));
}

CASE(syncing)
{
	open_kinds();
	EACH(sc(fsync, fd));
	EACH(sc(fdatasync, fd));
	EACH(sc(sync_file_range, fd, 0, 0, 0));
	EACH(sc(sync_file_range, fd, 0, 10, 7));
	EACH(sc(sync_file_range, fd, 0, 10, 8));
	EACH(sc(sync_file_range, fd, -1, 10, 1));
	EACH(sc(sync_file_range, fd, 0, -10, 1));
	EACH(sc(sync_file_range, fd, INT64_MAX, 10, 2));
	R(sc(syncfs, fds[NONE]));
	R(sc(syncfs, -1));
	R(sc(syncfs, fds[PATH_ONLY]));
	R(sc(syncfs, fds[PIPE_OUT]));
	R(sc(syncfs, fds[NULL_DEVICE]));
}

CASE(descriptors)
{
	int pair[2];

	open_kinds();
	EACH(sc(dup3, fd, fd, 0));
	EACH(sc(dup3, fd, 40, O_CLOEXEC) < 0 ? -1 : 40);
	EACH(sc(dup3, fd, 40, O_APPEND));
	EACH(sc(dup3, fd, 512, 0));
	EACH(sc(dup3, fd, -1, 0));
	EACH(sc(dup2, fd, 512));
	EACH(sc(dup2, fd, -1));
	R(sc(dup3, 0, 0, O_APPEND));
	R(sc(dup3, 0, 41, ~0));
	R(sc(pipe2, pair, O_APPEND));
	R(sc(pipe2, pair, ~0));
	R(sc(pipe2, BAD_PTR, O_APPEND));
	R(sc(pipe2, BAD_PTR, 0));
	R(sc(pipe2, KERNEL_PTR, O_CLOEXEC));
	R(sc(pipe, BAD_PTR));
	show_open_fds(); /* the failed ones left none */
	R(sc(pipe2, pair, O_CLOEXEC | O_NONBLOCK | O_DIRECT));
	OCT(fcntl(pair[0], F_GETFL));
	OCT(fcntl(pair[1], F_GETFL));
	R(fcntl(pair[0], F_GETFD));
	R(sc(close_range, 10, 9, 0));
	R(sc(close_range, 10, 11, 1));
	R(sc(close_range, 10, 11, 6 | 8));
	R(sc(close_range, -1, -1, 0));
	R(sc(close_range, 400, -1, 2));
	R(sc(close_range, 3, -1, 4));
	R(fcntl(fds[READ_ONLY], F_GETFD));
	R(fcntl(fds[SOCKET], F_GETFD));
	R(sc(close_range, 5, -1, 2 | 4));
	R(sc(close_range, 5, -1, 2));
	show_open_fds();
}

CASE(control)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct f_owner_ex owner = {.type = F_OWNER_PID, .pid = 0};

	open_kinds();
	EACH(fcntl(fd, F_GETFD));
	EACH(fcntl(fd, F_SETFD, 0));
	EACH(fcntl(fd, F_SETFL, 0));
	EACH(fcntl(fd, F_SETFL, O_DIRECT) < 0 && errno == EBADF ? -1 : 0);
	EACH(fcntl(fd, F_GETOWN));
	EACH(fcntl(fd, F_SETOWN, 0));
	EACH(fcntl(fd, F_SETOWN, INT_MIN));
	EACH(fcntl(fd, F_SETSIG, 65));
	EACH(fcntl(fd, F_DUPFD, 512));
	EACH(fcntl(fd, F_DUPFD, -1));
	EACH(fcntl(fd, F_GETLK, &lock));
	EACH(fcntl(fd, F_SETLK, &lock));
	lock.l_type = F_RDLCK;
	EACH(fcntl(fd, F_SETLK, &lock));
	EACH(fcntl(fd, F_SETLK, BAD_PTR));
	EACH(fcntl(fd, F_GETLK, BAD_PTR));
	EACH(fcntl(fd, F_GETPIPE_SZ));
	EACH(fcntl(fd, F_SETPIPE_SZ, 0));
	EACH(fcntl(fd, F_SETPIPE_SZ, -1));
	EACH(fcntl(fd, F_GET_SEALS));
	EACH(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	EACH(fcntl(fd, F_GETLEASE));
	EACH(fcntl(fd, F_SETLEASE, 77));
	EACH(fcntl(fd, F_SETLEASE, F_UNLCK));
	EACH(fcntl(fd, F_NOTIFY, 0));
	EACH(fcntl(fd, 1 << 20));
	R(fcntl(fds[FOLDER], F_SETOWN_EX, &owner));
	R(fcntl(fds[FOLDER], F_SETOWN_EX, BAD_PTR));
	R(fcntl(fds[FOLDER], F_GETOWN_EX, BAD_PTR));
	owner.type = 9;
	R(fcntl(fds[FOLDER], F_SETOWN_EX, &owner));
	lock.l_type = 7;
	R(fcntl(fds[READ_ONLY], F_SETLK, &lock));
	R(fcntl(fds[READ_ONLY], F_GETLK, &lock));
	lock = (struct flock){.l_type = F_RDLCK, .l_whence = 9};
	R(fcntl(fds[READ_ONLY], F_SETLK, &lock));
	lock = (struct flock){.l_type = F_RDLCK, .l_start = -1};
	R(fcntl(fds[READ_ONLY], F_SETLK, &lock));
	lock = (struct flock){.l_type = F_RDLCK, .l_start = INT64_MAX, .l_len = 10};
	R(fcntl(fds[READ_ONLY], F_SETLK, &lock));
	lock = (struct flock){.l_type = F_RDLCK, .l_start = 10, .l_len = -11};
	R(fcntl(fds[READ_ONLY], F_SETLK, &lock));
	lock = (struct flock){.l_type = F_RDLCK, .l_pid = 1};
	R(fcntl(fds[READ_ONLY], F_OFD_SETLK, &lock));
	R(fcntl(fds[READ_ONLY], F_OFD_GETLK, &lock));
}

CASE(whole_file_locks)
{
	open_kinds();
	EACH(sc(flock, fd, LOCK_SH));
	EACH(sc(flock, fd, LOCK_UN));
	EACH(sc(flock, fd, 0));
	EACH(sc(flock, fd, LOCK_SH | LOCK_EX));
	EACH(sc(flock, fd, 64));
	EACH(sc(flock, fd, LOCK_NB));
	EACH(sc(flock, fd, LOCK_UN | LOCK_NB));
	R(sc(flock, fds[READ_ONLY], LOCK_EX));
	R(sc(flock, fds[WRITE_ONLY], LOCK_SH | LOCK_NB));
	R(sc(flock, fds[WRITE_ONLY], LOCK_EX | LOCK_NB));
	R(sc(flock, fds[READ_ONLY], LOCK_SH));
	R(sc(flock, fds[WRITE_ONLY], LOCK_EX | LOCK_NB));
	R(sc(flock, fds[WRITE_ONLY], LOCK_SH | LOCK_NB));
}

CASE(copying_ranges)
{
	off_t at = 0, negative = -1, last = INT64_MAX;
	int to;

	open_kinds();
	to = open("g", O_RDWR | O_CREAT, 0644);
	EACH(sc(copy_file_range, fd, NULL, to, NULL, 2, 0));
	EACH(sc(copy_file_range, fds[READ_ONLY], NULL, fd, NULL, 2, 0));
	EACH(sc(copy_file_range, fd, NULL, to, NULL, 0, 0));
	EACH(sc(copy_file_range, fd, NULL, to, NULL, 2, 1));
	EACH(sc(copy_file_range, fd, BAD_PTR, to, NULL, 2, 1));
	EACH(sc(copy_file_range, fd, NULL, to, BAD_PTR, 2, 0));
	R(sc(copy_file_range, fds[READ_ONLY], &negative, to, NULL, 2, 0));
	R(sc(copy_file_range, fds[READ_ONLY], NULL, to, &negative, 2, 0));
	R(sc(copy_file_range, fds[READ_ONLY], &last, to, NULL, 2, 0));
	R(sc(copy_file_range, fds[READ_ONLY], &at, to, &last, 2, 0));
	R(sc(copy_file_range, fds[READ_ONLY], &at, fds[WRITE_ONLY], &at, 2, 0));
	R(sc(copy_file_range, fds[READ_ONLY], &at, to, NULL, -1, 0));
	V(at);
	R(size_of("g"));
	R(sc(copy_file_range, open("/proc/version", O_RDONLY), NULL, to, NULL, 0, 0));
	R(sc(copy_file_range, to, &at, open("g", O_WRONLY | O_APPEND), NULL, 2, 0));
}

CASE(sending)
{
	off_t at = 0, negative = -1, last = INT64_MAX;
	int to;

	open_kinds();
	to = open("g", O_RDWR | O_CREAT, 0644);
	EACH(sc(sendfile, to, fd, NULL, 0));
	EACH(sc(sendfile, to, fd, &at, 0));
	EACH(sc(sendfile, fd, fds[READ_ONLY], NULL, 0));
	EACH(sc(sendfile, fd, fds[READ_ONLY], &at, 1));
	EACH(sc(sendfile, to, fd, BAD_PTR, 1));
	EACH(sc(sendfile, fd, fds[READ_ONLY], &negative, 1));
	R(sc(sendfile, to, fds[READ_ONLY], &last, 10));
	at = 0;
	R(sc(sendfile, to, fds[READ_ONLY], &at, -1));
	R(sc(sendfile, open("g", O_WRONLY | O_APPEND), fds[READ_ONLY], NULL, 2));
	R(sc(sendfile, 300, 301, BAD_PTR, 2));
	at = 100;
	R(sc(sendfile, to, fds[READ_ONLY], &at, 2));
	V(at);
}

CASE(splicing)
{
	off_t at = 0, negative = -1;
	int pair[2], other[2];

	open_kinds();
	pipe2(pair, O_NONBLOCK);
	pipe2(other, O_NONBLOCK);
	EACH(sc(splice, fd, NULL, pair[1], NULL, 0, 0));
	EACH(sc(splice, fd, NULL, fds[WRITE_ONLY], NULL, 4, 2));
	EACH(sc(splice, fd, &at, pair[1], NULL, 1, 2));
	EACH(sc(splice, fd, NULL, pair[1], NULL, 4, 16));
	EACH(sc(splice, fd, BAD_PTR, pair[1], NULL, 4, 2));
	EACH(sc(splice, fd, NULL, pair[1], &at, 4, 2));
	EACH(sc(splice, pair[0], NULL, fd, NULL, 0, 2));
	EACH(sc(splice, pair[0], &at, fd, NULL, 4, 2));
	EACH(sc(splice, pair[0], NULL, fd, BAD_PTR, 4, 2));
	EACH(sc(tee, fd, pair[1], 4, 2));
	EACH(sc(tee, fd, pair[1], 0, 2));
	EACH(sc(tee, fd, pair[1], 0, 16));
	EACH(sc(tee, pair[0], fd, 4, 2));
	R(sc(splice, fds[READ_ONLY], &negative, pair[1], NULL, 4, 2));
	R(sc(splice, pair[0], NULL, fds[WRITE_ONLY], &negative, 4, 2));
	R(sc(splice, pair[0], NULL, pair[1], NULL, 4, 2));
	R(sc(tee, pair[0], pair[1], 4, 2));
	R(sc(splice, pair[0], NULL, other[1], NULL, 4, 0));
	R(sc(tee, pair[0], other[1], 4, 0));
	close(other[0]);
	ignore_signal(SIGPIPE);
	R(sc(splice, fds[READ_ONLY], NULL, other[1], NULL, 4, 0));
	write(pair[1], "more", 4);
	R(sc(splice, pair[0], NULL, other[1], NULL, 4, 0));
	R(sc(tee, pair[0], other[1], 4, 0));
}

CASE(memory_into_pipes)
{
	struct iovec bad = {BAD_PTR, 4}, two[2] = {{bytes, 4}, {BAD_PTR, 4}};
	struct iovec negative = {bytes, (size_t)-1};
	int pair[2];

	open_kinds();
	pipe2(pair, O_NONBLOCK);
	memcpy(bytes, "page", 4);
	EACH(sc(vmsplice, fd, &vector, 0, 2));
	EACH(sc(vmsplice, fd, &vector, 1, 16));
	EACH(sc(vmsplice, fd, BAD_PTR, 1, 2));
	EACH(sc(vmsplice, fd, &vector, 1025, 2));
	R(sc(vmsplice, pair[1], &bad, 1, 2));
	R(sc(vmsplice, pair[1], &negative, 1, 2));
	R(sc(vmsplice, pair[0], &vector, 1, 2));
	R(sc(vmsplice, pair[1], two, 2, 2));
	R(sc(vmsplice, pair[1], &vector, 1, 2));
	R(sc(read, pair[0], bytes, 100));
	R(sc(vmsplice, pair[1], &vector, 1, 2));
	R(sc(vmsplice, pair[0], &bad, 1, 2));
	R(sc(vmsplice, pair[0], &vector, 1, 2));
	close(pair[0]);
	ignore_signal(SIGPIPE);
	R(sc(vmsplice, pair[1], &vector, 1, 2));
}
