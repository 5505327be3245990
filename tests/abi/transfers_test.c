/*
 * transfers_test.c - preadv2 and pwritev2 with their flags.
 */
#include "abi.h"

#include <sys/uio.h>

enum { HIPRI = 1, DSYNC = 2, SYNC = 4, NOWAIT = 8, APPEND = 16, NOAPPEND = 32, UNKNOWN = 1 << 30 };

static char buffer[64];
static struct iovec vector = {buffer, 3};

static long get(int fd, long pos, int flags)
{
	return sc(preadv2, fd, &vector, 1, pos, 0, flags);
}

static long put_at(int fd, long pos, int flags)
{
	return sc(pwritev2, fd, &vector, 1, pos, 0, flags);
}

/* `preadv2(what, flags) = ...` for both calls. */
static void both(const char *what, int fd, long pos, int flags)
{
	long n = get(fd, pos, flags);

	say("preadv2(%s, %#x) = %ld%s%s", what, flags, n, n < 0 ? " " : "",
		n < 0 ? errno_name(errno) : "");
	n = put_at(fd, pos, flags);
	say("pwritev2(%s, %#x) = %ld%s%s", what, flags, n, n < 0 ? " " : "",
		n < 0 ? errno_name(errno) : "");
}

CASE(flags_on_files)
{
	static const int flags[] = {
		0, HIPRI, DSYNC, SYNC, SYNC | DSYNC, APPEND, NOAPPEND, APPEND | NOAPPEND, UNKNOWN};
	int fd;

	put("f", "0123456789");
	fd = open("f", O_RDWR);
	for (unsigned i = 0; i < COUNT(flags); i++) {
		both("at 0", fd, 0, flags[i]);
		both("at -1", fd, -1, flags[i]);
		both("at -2", fd, -2, flags[i]);
		say("at %ld of %ld", (long)lseek(fd, 0, SEEK_CUR), (long)size_of("f"));
	}
	both("99", 99, 0, UNKNOWN);
	both("read only", open("f", O_RDONLY), 0, UNKNOWN);
	both("write only", open("f", O_WRONLY), 0, UNKNOWN);
	vector.iov_len = 0;
	both("nothing", fd, 0, UNKNOWN);
	vector.iov_len = 3;
	R(sc(preadv2, fd, &vector, 0, 0, 0, UNKNOWN));
	R(sc(preadv2, fd, BAD_PTR, 1, 0, 0, UNKNOWN));
	R(sc(preadv2, fd, &vector, 1025, 0, 0, 0));
	R(sc(preadv2, fd, &vector, -1, 0, 0, 0));
	R(sc(pwritev2, fd, BAD_PTR, 1, 0, 0, APPEND));
}

CASE(appending)
{
	int fd;

	put("f", "01234");
	memcpy(buffer, "abc", 3);
	fd = open("f", O_RDWR);
	lseek(fd, 1, SEEK_SET);
	R(put_at(fd, 2, APPEND));
	R(lseek(fd, 0, SEEK_CUR));
	R(put_at(fd, -1, APPEND));
	R(lseek(fd, 0, SEEK_CUR));
	show_file("f");
	R(fcntl(fd, F_SETFL, O_APPEND));
	R(put_at(fd, 0, 0));
	R(put_at(fd, 0, NOAPPEND));
	lseek(fd, 4, SEEK_SET);
	R(put_at(fd, -1, NOAPPEND));
	R(lseek(fd, 0, SEEK_CUR));
	show_file("f");
}

CASE(not_waiting)
{
	static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/ptmx"};
	int p[2];

	pipe(p);
	R(get(p[0], -1, NOWAIT));
	R(put_at(p[1], -1, NOWAIT));
	R(get(p[0], -1, NOWAIT));
	R(get(p[0], 0, NOWAIT));
	R(put_at(p[1], 0, NOWAIT));
	R(put_at(p[1], -1, 0)); /* so that reading need not wait */
	both("read end", p[0], -1, APPEND | DSYNC);
	vector.iov_len = 64;
	while (put_at(p[1], -1, NOWAIT) > 0)
		;
	say("full: %s", errno_name(errno));
	vector.iov_len = 3;
	close(p[1]);
	mkfifo("fifo", 0600);
	both("fifo", open("fifo", O_RDWR), -1, NOWAIT);
	for (unsigned i = 0; i < COUNT(devices); i++)
		both(devices[i], open(devices[i], O_RDWR), -1, NOWAIT);
	R(get(open("/dev/urandom", O_RDONLY), -1, NOWAIT));
	R(get(open("/proc/version", O_RDONLY), -1, NOWAIT));
	R(get(open(".", O_RDONLY), 0, NOWAIT));
}

CASE_ON(disk, not_waiting_for_a_disk)
{
	int fd;

	put("f", "0123456789");
	fd = open("f", O_RDWR);
	both("in memory", fd, 0, NOWAIT);
	both("behind the end", fd, 100, NOWAIT);
}
