/*
 * stream_errors_test.c - how reads, writes, sends and locks that wait end, and what memory calls
 * refuse of files: the leftovers of pipes, sendfile(2), fcntl(2), msync(2), madvise(2).
 */
#include "abi.h"

#include <arpa/inet.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

static char bytes[65536];

static void write_more(int fd)
{
	R(write(fd, bytes, 1));
}

static void lock_it(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};

	R(fcntl(fd, F_SETLKW, &lock));
}

CASE(interrupted)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
	int pair[2], fd = open("f", O_RDWR | O_CREAT, 0644);

	pipe(pair);
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	while (write(pair[1], bytes, sizeof(bytes)) > 0)
		;
	fcntl(pair[1], F_SETFL, 0);
	interrupt_in_child("writer", write_more, pair[1]);
	R(fcntl(fd, F_SETLK, &lock));
	interrupt_in_child("locker", lock_it, fd);
}

/* Two processes that each wait for what the other one has locked. */
CASE(deadlock)
{
	struct flock first = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
	struct flock second = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1, .l_len = 1};
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	struct gate locked;
	pid_t pid;

	gate_init(&locked);
	R(fcntl(fd, F_SETLK, &first));
	pid = abi_fork();
	if (!pid) {
		fcntl(fd, F_SETLK, &second);
		gate_open(&locked);
		_exit(fcntl(fd, F_SETLKW, &first) == 0 ? 5 : 6);
	}
	gate_wait(&locked);
	wait_blocked(pid);
	R(fcntl(fd, F_SETLKW, &second));
	first.l_type = F_UNLCK;
	R(fcntl(fd, F_SETLK, &first));
	abi_reap("the other", pid);
}

CASE(without_a_destination)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0), pair[2], from = open("f", O_RDWR | O_CREAT, 0644);

	ftruncate(from, 100000);
	R(write(s, "x", 1));
	pipe2(pair, O_NONBLOCK);
	while (write(pair[1], bytes, 4096) > 0)
		;
	R(write(pair[1], "x", 1));
	R(sc(sendfile, pair[1], from, NULL, 10));
}

CASE(memory_of_files)
{
	static const struct rlimit page = {4096, 4096};
	int fd = open("f", O_RDWR | O_CREAT, 0644), sealed;
	char *map, *private, *read_only;

	ftruncate(fd, 8192);
	map = mmap(NULL, 8192, 3, MAP_SHARED, fd, 0);
	private = mmap(NULL, 8192, 3, MAP_PRIVATE, fd, 0);
	read_only = mmap(NULL, 8192, PROT_READ, MAP_SHARED, open("f", O_RDONLY), 0);
	R(madvise(private, 4096, MADV_REMOVE));
	R(madvise(read_only, 4096, MADV_REMOVE));
	R(mlock(map, 4096));
	R(msync(map, 4096, MS_INVALIDATE));
	R(msync(map, 8192, MS_SYNC | MS_INVALIDATE));
	R(madvise(map, 4096, MADV_DONTNEED));
	R(munlock(map, 4096));
	R(msync(map, 8192, MS_SYNC | MS_INVALIDATE));
	IN_CHILD
	{
		setrlimit(RLIMIT_MEMLOCK, &page);
		drop_to(1000, 1000);
		R(sc(mlock2, map, 4096, 0));
		R(sc(mlock2, map, 8192, 0));
		R(sc(mlock2, map, 8192, 1));
	}
	sealed = (int)sc(memfd_create, "x", 2);
	ftruncate(sealed, 100);
	R(fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE));
	R(sc(copy_file_range, sealed, NULL, sealed, NULL, 0, 0));
	R(write(sealed, "x", 1));
	R(fcntl(sealed, F_ADD_SEALS, F_SEAL_SEAL));
	R(fcntl(sealed, F_ADD_SEALS, F_SEAL_GROW));
}

CASE(waiting_for_nothing)
{
	fd_set set;
	struct timespec none = {0, 0};

	FD_ZERO(&set);
	FD_SET(60, &set);
	R(sc(pselect6, 61, &set, NULL, NULL, &none, NULL));
	R(sc(select, 61, NULL, &set, NULL, &none));
	R(sc(epoll_pwait, 300, bytes, 1, 0, NULL, 8));
	R(sc(epoll_pwait, 0, bytes, 1, 0, NULL, 8));
}

CASE(no_more_descriptors)
{
	static const struct rlimit few = {10, 10};
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "s"};
	int fds[8], pair[2], s = socket(AF_UNIX, SOCK_STREAM, 0),
			     c = socket(AF_UNIX, SOCK_STREAM, 0);

	bind(s, (void *)&name, sizeof(name));
	listen(s, 5);
	connect(c, (void *)&name, sizeof(name));
	setrlimit(RLIMIT_NOFILE, &few);
	for (unsigned i = 0; i < COUNT(fds); i++)
		fds[i] = dup(0);
	R(socket(AF_UNIX, SOCK_STREAM, 0));
	R(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	R(sc(accept, s, NULL, NULL));
	R(sc(accept4, s, NULL, NULL, 0));
	R(dup(0));
	R(sc(dup3, 0, 10, 0));
	R(fcntl(0, F_DUPFD, 10));
	close(fds[0]);
	R(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	R(pipe(pair));
}
