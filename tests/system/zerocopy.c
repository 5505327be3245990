/*
 * zerocopy.c - sends a file by MSG_ZEROCOPY, or by copies, and says what the notices said.
 *
 * zerocopy ADDRESS PORT tcp|udp BYTES-PER-SEND HOW FILE...
 *
 * HOW: "copy" without the flag, "lend" with it, "unmap" gives its memory away when all is sent and
 * before the notices, "die" ends then, "fork" has a child that overwrites its copy of it meanwhile.
 * Prints `sends N, noticed N, copied N, M ms, cpu M us`.
 */
#include <time.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#endif

static unsigned sends, noticed, copied;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static long long now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* Reads a notice if there is one; @wait: waits for it. */
static int take_notice(int fd, int wait)
{
	char control[256];
	struct msghdr m = {.msg_control = control, .msg_controllen = sizeof(control)};
	const struct sock_extended_err *e;
	struct pollfd p = {.fd = fd};

	if (wait && poll(&p, 1, 20000) < 1)
		die("no notice");
	if (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return 0;
	e = (const void *)CMSG_DATA(CMSG_FIRSTHDR(&m));
	if (e->ee_origin != SO_EE_ORIGIN_ZEROCOPY || e->ee_errno || e->ee_info > e->ee_data) {
		fprintf(stderr, "not a notice: origin %u, error %u\n", e->ee_origin, e->ee_errno);
		exit(1);
	}
	noticed += e->ee_data - e->ee_info + 1;
	if (e->ee_code)
		copied += e->ee_data - e->ee_info + 1;
	return 1;
}

static char *load(const char *name, size_t *size)
{
	int fd = open(name, O_RDONLY);
	struct stat st;
	char *data;
	ssize_t n = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		die(name);
	*size = (size_t)st.st_size;
	data = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t got = 0; data != MAP_FAILED && got < *size; got += (size_t)n)
		if ((n = read(fd, data + got, *size - got)) < 1)
			die("read");
	close(fd);
	return data;
}

static void send_all(int fd, const char *data, size_t size, size_t step, int flags)
{
	size_t at = 0;

	while (at < size) {
		size_t part = step < size - at ? step : size - at;
		ssize_t n = send(fd, data + at, part, flags);

		if (n < 0 && errno == ENOBUFS && noticed < sends) {
			take_notice(fd, 1);
			continue;
		}
		if (n < 1)
			die("send");
		at += (size_t)n;
		sends++;
		if (flags)
			while (take_notice(fd, 0))
				;
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	int one = 1, fd, flags;
	long long begin, cpu;
	size_t size, step;
	char *data;

	if (argc < 7)
		return 2;
	to.sin_port = htons((unsigned short)atoi(argv[2]));
	inet_pton(AF_INET, argv[1], &to.sin_addr);
	fd = socket(AF_INET, strcmp(argv[3], "udp") ? SOCK_STREAM : SOCK_DGRAM, 0);
	step = (size_t)atol(argv[4]);
	flags = strcmp(argv[5], "copy") ? MSG_ZEROCOPY : 0;
	if (setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)) ||
		connect(fd, (struct sockaddr *)&to, sizeof(to)))
		die("connect");
	for (int i = 6; i < argc; i++) {
		data = load(argv[i], &size);
		begin = now(CLOCK_MONOTONIC);
		cpu = now(CLOCK_PROCESS_CPUTIME_ID);
		send_all(fd, data, size, step, flags);
		if (!strcmp(argv[5], "fork") && !fork()) {
			memset(data, 0, size);
			_exit(0);
		}
		if (!strcmp(argv[5], "die"))
			_exit(0);
		if (!strcmp(argv[5], "unmap")) {
			munmap(data, size);
			data = mmap(NULL, size, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		}
		while (flags && noticed < sends)
			take_notice(fd, 1);
		printf("sends %u, noticed %u, copied %u, %lld ms, cpu %lld us\n", sends, noticed,
			copied, (now(CLOCK_MONOTONIC) - begin) / 1000000,
			(now(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1000);
		fflush(stdout);
		munmap(data, size);
		while (wait(NULL) > 0)
			;
	}
	close(fd);
	return 0;
}
