/*
 * net_tcpdata_test.c - bytes over TCP: flags of send(2) and recv(2), messages and vectors, urgent
 * data, what ioctl(2) counts, full buffers, time limits.
 */
#include "inet.h"

#define SIOCATMARK_ 0x8905

static int tell(int fd, unsigned long what)
{
	int n = -77;

	return ioctl(fd, what, &n) ? -errno : n;
}

/* Sends @text and waits until the other side has acknowledged it. */
static void deliver(int from, const char *text, int flags)
{
	size_t n = strlen(text);

	if (send(from, text, n, flags) != (ssize_t)n)
		say("not sent: %s", errno_name(errno));
	for (int i = 0; tell(from, TIOCOUTQ) && i < SOON_MS; i++)
		pause_ms(1);
}

static void show_recv(int fd, size_t n, int flags)
{
	char text[64] = "";
	ssize_t got = recv(fd, text, n, flags);

	if (got < 0)
		say("%d of %#x: %s", (int)n, flags, errno_name(errno));
	else
		say("%d of %#x: %d '%s'", (int)n, flags, (int)got, text);
}

CASE_BOTH(peeking)
{
	int fd[2];

	connection(six, fd);
	show_recv(fd[1], 5, MSG_DONTWAIT);
	show_recv(fd[1], 5, MSG_DONTWAIT | MSG_PEEK);
	show_recv(fd[1], 0, MSG_DONTWAIT);
	deliver(fd[0], "abcdefgh", 0);
	V(tell(fd[1], FIONREAD));
	show_recv(fd[1], 3, MSG_PEEK);
	show_recv(fd[1], 20, MSG_PEEK | MSG_DONTWAIT);
	show_recv(fd[1], 0, MSG_PEEK);
	show_recv(fd[1], 2, 0);
	show_recv(fd[1], 20, MSG_PEEK);
	V(tell(fd[1], FIONREAD));
	show_recv(fd[1], 3, MSG_WAITALL);
	show_recv(fd[1], 20, MSG_WAITALL | MSG_DONTWAIT);
	deliver(fd[0], "abc", 0);
	shutdown(fd[0], SHUT_WR);
	wait_events("end", fd[1], POLLRDHUP);
	show_recv(fd[1], 20, MSG_WAITALL);
	show_recv(fd[1], 20, MSG_WAITALL);
	show_recv(fd[1], 20, MSG_PEEK);
	close_both(fd);
}

CASE_BOTH(truncating)
{
	int fd[2];

	connection(six, fd);
	deliver(fd[0], "abcdefgh", 0);
	show_recv(fd[1], 3, MSG_TRUNC);
	R(recv(fd[1], NULL, 2, MSG_TRUNC | MSG_DONTWAIT));
	show_recv(fd[1], 3, MSG_TRUNC | MSG_PEEK);
	show_recv(fd[1], 9, 0);
	R(recv(fd[1], NULL, 2, MSG_TRUNC | MSG_DONTWAIT));
	close_both(fd);
}

CASE(waiting_for_all)
{
	int fd[2];
	pid_t pid;

	connection(false, fd);
	pid = abi_fork();
	if (!pid) {
		close(fd[0]);
		show_recv(fd[1], 6, MSG_WAITALL);
		show_recv(fd[1], 6, MSG_WAITALL);
		_exit(0);
	}
	deliver(fd[0], "abc", 0);
	wait_blocked(pid);
	deliver(fd[0], "defgh", 0);
	wait_blocked(pid);
	close(fd[0]);
	abi_reap("reader", pid);
}

CASE_BOTH(vectors)
{
	char a[4] = "", b[8] = "";
	struct iovec out[3] = {{"ab", 2}, {NULL, 0}, {"cdef", 4}}, in[2] = {{a, 3}, {b, 7}};
	struct sockaddr_storage from;
	char control[64];
	struct msghdr m = {.msg_iov = out, .msg_iovlen = 3}, r = {.msg_iov = in, .msg_iovlen = 2};
	int fd[2];

	connection(six, fd);
	R(sendmsg(fd[0], &m, 0));
	r.msg_name = &from;
	r.msg_namelen = sizeof(from);
	r.msg_control = control;
	r.msg_controllen = sizeof(control);
	r.msg_flags = -1;
	R(recvmsg(fd[1], &r, MSG_WAITALL | MSG_DONTWAIT) <= 6);
	say("'%s' '%s'", a, b);
	V(r.msg_namelen);
	V(r.msg_controllen);
	HEX(r.msg_flags);
	R(writev(fd[0], out, 3));
	out[0].iov_base = BAD_PTR;
	R(sendmsg(fd[0], &m, 0));
	m.msg_iovlen = 1025;
	R(sendmsg(fd[0], &m, 0));
	m.msg_iovlen = 0;
	R(sendmsg(fd[0], &m, 0));
	R(send(fd[0], BAD_PTR, 5, 0));
	R(sendto(fd[0], "x", 1, 0, (struct sockaddr *)&from, 4));
	R(recv(fd[1], BAD_PTR, 5, 0));
	show_recv(fd[1], 3, 0);
	close_both(fd);
}

/* A name is not looked at once connected; without a connection it does not make one. */
CASE_BOTH(names_in_sends)
{
	union addr at = loopback(six, 9), from;
	socklen_t len = sizeof(from);
	char c;
	int fd[2], lone = stream(six);

	connection(six, fd);
	R(sendto(fd[0], "x", 1, 0, &at.any, addr_len(&at)));
	wait_events("sent", fd[1], POLLIN);
	R(recvfrom(fd[1], &c, 1, 0, &from.any, &len));
	V(len);
	R(sendto(lone, "x", 1, MSG_NOSIGNAL, &at.any, addr_len(&at)));
	R(recvfrom(lone, &c, 1, 0, &from.any, &len));
	R(send(fd[0], "x", 1, MSG_EOR | MSG_CONFIRM | MSG_DONTROUTE));
	R(send(fd[0], "x", 1, 0x10000000));
	wait_events("sent", fd[1], POLLIN);
	close_both(fd);
}

CASE(held_back)
{
	int fd[2];

	connection(false, fd);
	R(send(fd[0], "ab", 2, MSG_MORE));
	V(tell(fd[0], TIOCOUTQ));
	V(tell(fd[0], 0x894b)); /* SIOCOUTQNSD */
	show_recv(fd[1], 5, MSG_DONTWAIT);
	R(send(fd[0], "c", 1, 0));
	wait_events("released", fd[1], POLLIN);
	show_recv(fd[1], 5, 0);
	set_int(fd[0], IPPROTO_TCP, TCP_CORK, 1);
	R(send(fd[0], "de", 2, 0));
	R(send(fd[0], "f", 1, 0));
	show_recv(fd[1], 5, MSG_DONTWAIT);
	set_int(fd[0], IPPROTO_TCP, TCP_CORK, 0);
	wait_events("released", fd[1], POLLIN);
	show_recv(fd[1], 5, 0);
	R(send(fd[0], "g", 1, MSG_MORE));
	shutdown(fd[0], SHUT_WR);
	wait_events("released", fd[1], POLLRDHUP);
	show_recv(fd[1], 5, 0);
	close_both(fd);
}

/* ---- urgent data ---- */

static void urge(int from, int to, const char *text)
{
	deliver(from, text, MSG_OOB);
	show_events("urgent", to);
}

CASE_BOTH(out_of_band)
{
	int fd[2];

	connection(six, fd);
	show_recv(fd[1], 1, MSG_OOB);
	V(tell(fd[1], SIOCATMARK_));
	deliver(fd[0], "ab", 0);
	urge(fd[0], fd[1], "cd!");
	V(tell(fd[1], FIONREAD));
	V(tell(fd[1], SIOCATMARK_));
	show_recv(fd[1], 1, MSG_OOB | MSG_PEEK);
	show_recv(fd[1], 0, MSG_OOB);
	show_recv(fd[1], 9, MSG_OOB);
	show_events("taken", fd[1]);
	show_recv(fd[1], 1, MSG_OOB);
	deliver(fd[0], "after", 0);
	show_recv(fd[1], 20, 0);
	V(tell(fd[1], SIOCATMARK_));
	V(tell(fd[1], FIONREAD));
	show_events("at the mark", fd[1]);
	show_recv(fd[1], 20, 0);
	V(tell(fd[1], SIOCATMARK_));
	show_recv(fd[1], 20, MSG_DONTWAIT);
	close_both(fd);
}

CASE_BOTH(out_of_band_in_line)
{
	int fd[2];

	connection(six, fd);
	set_int(fd[1], SOL_SOCKET, SO_OOBINLINE, 1);
	deliver(fd[0], "ab", 0);
	urge(fd[0], fd[1], "cd!");
	show_recv(fd[1], 1, MSG_OOB);
	V(tell(fd[1], FIONREAD));
	deliver(fd[0], "after", 0);
	show_recv(fd[1], 20, 0);
	V(tell(fd[1], SIOCATMARK_));
	show_events("at the mark", fd[1]);
	show_recv(fd[1], 20, 0);
	V(tell(fd[1], SIOCATMARK_));
	show_recv(fd[1], 20, MSG_DONTWAIT);
	close_both(fd);
}

CASE_BOTH(urgent_but_passed)
{
	int fd[2];

	connection(six, fd);
	urge(fd[0], fd[1], "ab!");
	deliver(fd[0], "cde", 0);
	show_recv(fd[1], 2, 0);
	show_recv(fd[1], 3, MSG_DONTWAIT);
	show_events("passed", fd[1]);
	show_recv(fd[1], 1, MSG_OOB);
	show_recv(fd[1], 3, MSG_DONTWAIT);
	urge(fd[0], fd[1], "f!");
	urge(fd[0], fd[1], "g?");
	show_recv(fd[1], 1, MSG_OOB);
	show_recv(fd[1], 9, MSG_DONTWAIT);
	show_recv(fd[1], 9, MSG_DONTWAIT);
	urge(fd[0], fd[1], "!");
	show_recv(fd[1], 9, MSG_DONTWAIT);
	show_recv(fd[1], 9, MSG_OOB);
	shutdown(fd[0], SHUT_WR);
	wait_events("end", fd[1], POLLRDHUP);
	show_recv(fd[1], 9, MSG_DONTWAIT);
	show_recv(fd[1], 9, MSG_OOB);
	close_both(fd);
}

CASE(a_signal_for_urgent_data)
{
	int fd[2];

	connection(false, fd);
	catch_signal(SIGURG, 0);
	R(fcntl(fd[1], F_GETOWN));
	send(fd[0], "!", 1, MSG_OOB);
	wait_events("urgent", fd[1], POLLPRI);
	V(caught);
	show_recv(fd[1], 1, MSG_OOB);
	R(fcntl(fd[1], F_SETOWN, getpid()));
	T(fcntl(fd[1], F_GETOWN) == getpid());
	send(fd[0], "?", 1, MSG_OOB);
	wait_events("urgent", fd[1], POLLPRI);
	for (int i = 0; !caught && i < SOON_MS; i++)
		pause_ms(1);
	V(caught);
	say("%s", signal_name(caught_signal));
	R(fcntl(fd[1], F_SETOWN, 0));
	R(fcntl(fd[1], F_GETOWN));
	close_both(fd);
}

/* ---- full buffers, and waiting ---- */

static char block[65536];

CASE_BOTH(full_buffers)
{
	long sum, got = 0, n;
	int fd[2];

	connection(six, fd);
	sum = fill(fd[0]);
	T(sum > 0);
	show_events("full", fd[0]);
	T(tell(fd[0], TIOCOUTQ) > 0);
	T(tell(fd[1], FIONREAD) > 0);
	T(tell(fd[0], TIOCOUTQ) + tell(fd[1], FIONREAD) >= sum);
	R(send(fd[0], "x", 1, MSG_DONTWAIT));
	while (got < sum && (n = recv(fd[1], block, sizeof(block), 0)) > 0)
		got += n;
	T(got == sum);
	wait_events("empty", fd[0], POLLOUT);
	for (int i = 0; tell(fd[0], TIOCOUTQ) && i < SOON_MS; i++)
		pause_ms(1);
	V(tell(fd[0], TIOCOUTQ));
	V(tell(fd[1], FIONREAD));
	close_both(fd);
}

CASE(time_limits)
{
	struct timeval tv = {0, 30000};
	union addr at;
	int fd[2], l = listener(false, 1, &at);
	long n;
	char c;

	connection(false, fd);
	setsockopt(fd[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	R(recv(fd[1], &c, 1, 0));
	R(read(fd[1], &c, 1));
	setsockopt(fd[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	fill(fd[0]);
	while ((n = send(fd[0], block, sizeof(block), 0)) == sizeof(block))
		;
	T(n > 0 || errno == EAGAIN);
	setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	R(accept(l, NULL, NULL));
}

/* A signal ends a wait: with EINTR, or after what was done; SA_RESTART lets it go on. */
/* Memory that ends within what there is to read: nothing is lost and nothing comes twice. */
CASE(a_bad_second_vector)
{
	enum { BYTES = 100000, PARTS = 10 };
	static char out[BYTES], in[BYTES];
	struct iovec v[2] = {{in, 0}, {BAD_PTR, BYTES}};
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
	size_t done = 0;
	int fd[2], one = 1, ready = 0;
	ssize_t n;

	connection(false, fd);
	setsockopt(fd[0], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	for (size_t i = 0; i < BYTES; i++)
		out[i] = (char)(i * 31 >> 4);
	for (int i = 0; i < PARTS; i++)
		send(fd[0], out + i * (BYTES / PARTS), BYTES / PARTS, 0);
	while (ready < BYTES && !ioctl(fd[1], FIONREAD, &ready))
		pause_ms(1);
	for (int i = 1; i <= 3; i++) {
		v[0] = (struct iovec){in + done, i == 1 ? 70001 : 7001};
		n = recvmsg(fd[1], &m, MSG_DONTWAIT);
		done += n > 0 ? (size_t)n : 0;
	}
	while (done < BYTES && (n = recv(fd[1], in + done, BYTES - done, MSG_DONTWAIT)) > 0)
		done += (size_t)n;
	say("%zu bytes, %s", done, memcmp(in, out, BYTES) ? "other ones" : "the same");
	close_both(fd);
}

/* A connection that is over before connect(2) was asked again: what came on it is not to be had. */
CASE_BOTH(over_before_it_was_asked_for)
{
	struct linger at_once = {1, 0};
	struct pollfd p = {.fd = stream(six)};
	union addr at;
	int l = listener(six, 1, &at), peer;
	char c;

	set_nonblock(p.fd);
	R(connect_at(p.fd, &at));
	peer = accept(l, NULL, NULL);
	R(send(peer, "left", 4, 0));
	R(shutdown(peer, SHUT_WR));
	R(setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)));
	close(peer);
	R(poll(&p, 1, SOON_MS));
	R(connect_at(p.fd, &at));
	R(recv(p.fd, &c, 1, MSG_DONTWAIT));
	close(l);
	R(fcntl(p.fd, F_SETFL, 0));
	R(connect_at(p.fd, &at));
	R(recv(p.fd, &c, 1, MSG_DONTWAIT | MSG_PEEK));
	close(p.fd);
}

CASE(interrupted)
{
	for (int flags = 0; flags < 2; flags++) {
		int fd[2];
		char c;
		pid_t parent = getpid(), pid;

		connection(false, fd);
		catch_signal(SIGUSR1, flags ? SA_RESTART : 0);
		pid = fork();
		if (!pid) {
			wait_blocked(parent);
			kill(parent, SIGUSR1);
			wait_blocked(parent);
			send(fd[0], "x", 1, 0);
			_exit(0);
		}
		R(recv(fd[1], &c, 1, 0));
		pause_ms(1);
		abi_reap("sender", pid);
		close_both(fd);
	}
}

/* The low-water mark: when poll and recv find it worth their while. */
CASE(low_water)
{
	int fd[2];

	connection(false, fd);
	R(set_int(fd[1], SOL_SOCKET, SO_RCVLOWAT, 4));
	V(get_int(fd[1], SOL_SOCKET, SO_RCVLOWAT));
	deliver(fd[0], "abc", 0);
	show_events("three of four", fd[1]);
	show_recv(fd[1], 9, MSG_DONTWAIT);
	deliver(fd[0], "abcd", 0);
	show_events("four", fd[1]);
	show_recv(fd[1], 9, 0);
	R(set_int(fd[1], SOL_SOCKET, SO_RCVLOWAT, 0));
	V(get_int(fd[1], SOL_SOCKET, SO_RCVLOWAT));
	R(set_int(fd[1], SOL_SOCKET, SO_SNDLOWAT, 4));
	V(get_int(fd[1], SOL_SOCKET, SO_SNDLOWAT));
	close_both(fd);
}
