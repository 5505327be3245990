/*
 * net_sendfile_test.c - sendfile(2) into sockets: every byte arrives, whatever the offset, size and
 * holes of the file, and the calls say how far they came.
 */
#include "abi.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { SIZE = 300001, HOLE = 65536 };

static char pattern[SIZE];

/* A file with a hole of 64 KiB after its first page. */
static int make_file(void)
{
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);

	for (unsigned i = 0; i < SIZE; i++)
		pattern[i] = (char)(i * 31 + i / 251);
	memset(pattern + 4096, 0, HOLE);
	if (pwrite(fd, pattern, 4096, 0) != 4096 ||
		pwrite(fd, pattern + 4096 + HOLE, SIZE - 4096 - HOLE, 4096 + HOLE) !=
			SIZE - 4096 - HOLE)
		say("the file was not written");
	return fd;
}

/* A connection over loopback: out[0] sends to out[1]. */
static void tcp_pair(int *out)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t n = sizeof(a);
	int l = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(l, (struct sockaddr *)&a, n) || listen(l, 1) ||
		getsockname(l, (struct sockaddr *)&a, &n))
		say("no listener: %s", errno_name(errno));
	out[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(out[0], (struct sockaddr *)&a, n))
		say("not connected: %s", errno_name(errno));
	out[1] = accept(l, NULL, NULL);
	close(l);
}

/* In a process of its own: does the peer get pattern[from, to) and then the end? */
static pid_t start_reader(int fd, int writer, unsigned from, unsigned to)
{
	static char got[65536];
	pid_t pid = fork();
	unsigned at = from;
	ssize_t n;

	if (pid)
		return pid;
	close(writer);
	while ((n = read(fd, got, sizeof(got))) > 0) {
		if (at + (size_t)n > to || memcmp(got, pattern + at, (size_t)n))
			_exit(1);
		at += (unsigned)n;
	}
	_exit(n || at != to ? 2 : 0);
}

static void send_range(int file, int *s, long from, long count)
{
	off_t off = from;
	long to = from + count > SIZE ? SIZE : from + count, n, sum = 0;
	pid_t reader = start_reader(s[1], s[0], (unsigned)from, (unsigned)to);
	int status;

	close(s[1]);
	while (sum < to - from && (n = sendfile(s[0], file, &off, (size_t)(count - sum))) > 0)
		sum += n;
	say("from %ld, %ld: sent %ld, offset %ld", from, count, sum, (long)off);
	R(sendfile(s[0], file, &off, 0));
	close(s[0]);
	waitpid(reader, &status, 0);
	say("reader: %d", WEXITSTATUS(status));
}

CASE(into_tcp)
{
	static const long ranges[][2] = {{0, SIZE}, {1, 4096}, {4095, 2}, {4000, HOLE + 300},
		{4096 + HOLE - 5, 10}, {SIZE - 1, 100}, {SIZE, 5}, {12345, 200000}, {0, SIZE * 3}};
	int fd = make_file();
	int s[2];

	for (unsigned i = 0; i < COUNT(ranges); i++) {
		tcp_pair(s);
		send_range(fd, s, ranges[i][0], ranges[i][1]);
	}
}

CASE(into_unix_sockets)
{
	int fd = make_file();
	int s[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	send_range(fd, s, 4000, 100000);
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	send_range(fd, s, 0, SIZE);
}

CASE(the_position_moves)
{
	int fd = make_file();
	char c[8] = "";
	int s[2];

	tcp_pair(s);
	lseek(fd, 100, SEEK_SET);
	R(sendfile(s[0], fd, NULL, 5));
	R(lseek(fd, 0, SEEK_CUR));
	R(recv(s[1], c, 5, MSG_WAITALL));
	R(memcmp(c, pattern + 100, 5));
	R(lseek(fd, SIZE + 7, SEEK_SET));
	R(sendfile(s[0], fd, NULL, 5));
	R(lseek(fd, 0, SEEK_CUR));
}

CASE(a_full_socket)
{
	int fd = make_file();
	off_t off = 0;
	long n, sum = 0;
	int s[2];

	tcp_pair(s);
	fcntl(s[0], F_SETFL, O_NONBLOCK);
	for (off = 0; (n = sendfile(s[0], fd, &off, SIZE)) > 0; sum += n)
		if (off == SIZE)
			off = 0;
	say("full: %s, offset moved by what was sent: %d", errno_name(errno), off == sum % SIZE);
}

CASE(nobody_there)
{
	int fd = make_file();
	off_t off = 0;
	int s[2];

	signal(SIGPIPE, SIG_IGN);
	tcp_pair(s);
	shutdown(s[0], SHUT_WR);
	R(sendfile(s[0], fd, &off, 10));
	R(off);
	R(sendfile(socket(AF_INET, SOCK_STREAM, 0), fd, &off, 10));
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	close(s[1]);
	R(sendfile(s[0], fd, &off, 10));
	R(sendfile(s[0], 99, &off, 10));
	R(sendfile(s[0], s[0], NULL, 10));
	R(sendfile(s[0], open(".", O_RDONLY), NULL, 10));
}

CASE(a_signal_for_a_broken_connection)
{
	int status;
	int fd = make_file();
	pid_t pid = fork();
	int s[2];

	if (!pid) {
		tcp_pair(s);
		shutdown(s[0], SHUT_WR);
		sendfile(s[0], fd, NULL, 10);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	say("signal %d", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}
