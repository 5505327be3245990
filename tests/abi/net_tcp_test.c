/*
 * net_tcp_test.c - TCP connections over loopback: how they begin and end, in every order, what
 * poll(2), SO_ERROR and the names say at each stage. Data: net_tcpdata_test.c; options:
 * net_tcpopt_test.c.
 */
#include "inet.h"

/* ---- beginning ---- */

CASE_BOTH(names_at_every_state)
{
	union addr at, a = loopback(six, 0);
	socklen_t len = addr_len(&a);
	int l = listener(six, 2, &at), fd = stream(six), in, port = ntohs(at.v4.sin_port);

	show_names("new", fd, port);
	show_names("listener", l, port);
	R(bind(fd, &a.any, len));
	show_names("bound", fd, port);
	R(bind(fd, &a.any, len));
	R(connect_at(fd, &at));
	show_names("connected", fd, port);
	in = accept_soon(l);
	show_names("accepted", in, port);
	R(bind(fd, &a.any, len));
	R(shutdown(fd, SHUT_WR));
	wait_events("the peer", in, POLLRDHUP);
	show_names("half closed", fd, port);
	show_names("half closed by the peer", in, port);
	R(shutdown(in, SHUT_WR));
	wait_events("both shut down", fd, POLLRDHUP);
	wait_tcp_state(in, TCP_CLOSE);
	show_names("closed first", fd, port);
	show_names("closed last", in, port);
	R(connect_at(in, &at));
	close(in);
	close(fd);
	close(l);
}

CASE_BOTH(accept_gives_the_peer)
{
	union addr at, peer = {0}, own;
	int l = listener(six, 2, &at), fd = stream(six), in, port;
	socklen_t len = sizeof(own);

	R(connect_at(fd, &at));
	getsockname(fd, &own.any, &len);
	port = ntohs(own.v4.sin_port);
	len = sizeof(peer);
	in = accept(l, &peer.any, &len);
	show_addr("peer", in, &peer, len, port);
	close(in);
	close(fd);
	fd = stream(six);
	R(connect_at(fd, &at));
	len = 4;
	memset(&peer, 0, sizeof(peer));
	in = accept(l, &peer.any, &len);
	T(len == addr_len(&at));
	V(peer.v4.sin_addr.s_addr);
	len = 4;
	R(getsockname(fd, &peer.any, &len));
	T(len == addr_len(&at));
	len = (socklen_t)-1;
	R(getpeername(fd, &peer.any, &len));
	R(getpeername(fd, &peer.any, BAD_PTR));
	len = sizeof(peer);
	R(getpeername(fd, BAD_PTR, &len));
}

CASE_BOTH(refused)
{
	union addr at;
	int l = listener(six, 1, &at), fd = stream(six);

	close(l);
	show_events("new", fd);
	R(connect_at(fd, &at));
	show_events("refused", fd);
	say("%s", so_error(fd));
	show_names("refused", fd, ntohs(at.v4.sin_port));
	R(tcp_state(fd));
	set_nonblock(fd);
	RZ(connect_at(fd, &at) == -1 && errno == EINPROGRESS);
	wait_events("refused", fd, POLLOUT);
	say("%s", so_error(fd));
	show_events("after SO_ERROR", fd);
	R(send(fd, "x", 1, MSG_NOSIGNAL));
	R(recv(fd, &at, 1, 0));
	R(shutdown(fd, SHUT_WR));
	close(fd);
	fd = stream(six);
	set_nonblock(fd);
	R(connect_at(fd, &at));
	wait_events("refused", fd, POLLOUT);
	R(connect_at(fd, &at));
	show_events("after connect", fd);
	close(fd);
	fd = stream(six);
	set_nonblock(fd);
	R(connect_at(fd, &at));
	wait_events("refused", fd, POLLOUT);
	R(recv(fd, &at, 1, 0));
	R(recv(fd, &at, 1, 0));
	R(send(fd, "x", 1, MSG_NOSIGNAL));
	say("%s", so_error(fd));
}

CASE_BOTH(without_blocking)
{
	union addr at;
	int l = listener(six, 1, &at), fd = stream(six), in;
	char c;

	set_nonblock(fd);
	set_nonblock(l);
	R(accept(l, NULL, NULL));
	show_events("listener", l);
	R(connect_at(fd, &at));
	wait_events("connected", fd, POLLOUT);
	wait_events("listener", l, POLLIN);
	say("%s", so_error(fd));
	R(connect_at(fd, &at));
	R(connect_at(fd, &at));
	in = accept(l, NULL, NULL);
	show_events("listener", l);
	R(fcntl(in, F_GETFL) & O_NONBLOCK);
	show_events("accepted", in);
	R(recv(fd, &c, 1, 0));
	R(send(fd, "x", 1, 0));
	wait_events("data", in, POLLIN);
	R(recv(in, &c, 1, 0));
	show_events("read", in);
	R(connect_at(in, &at));
	R(connect_at(l, &at));
	R(listen(fd, 1));
	R(accept(fd, NULL, NULL));
}

/* A full queue of connections lets SYNs wait: a connect that is on its way. */
CASE_BOTH(on_its_way)
{
	union addr at;
	int l = listener(six, 0, &at), fd[8], last = 0, n = 0;
	struct pollfd p;
	char c;

	for (int i = 0; i < 8 && !last; i++) {
		fd[i] = stream(six);
		set_nonblock(fd[i]);
		connect_at(fd[i], &at);
		p = (struct pollfd){.fd = fd[i], .events = POLLOUT};
		if (poll(&p, 1, 300) == 1)
			n++;
		else
			last = fd[i];
	}
	T(n > 0 && n < 4);
	show_events("on its way", last);
	V(tcp_state(last));
	R(connect_at(last, &at));
	R(recv(last, &c, 1, 0));
	R(send(last, "x", 1, MSG_NOSIGNAL));
	R(listen(last, 1));
	R(accept(last, NULL, NULL));
	R(bind(last, &at.any, addr_len(&at)));
	say("%s", so_error(last));
	show_names("on its way", last, ntohs(at.v4.sin_port));
	R(shutdown(last, SHUT_RD));
	show_events("given up", last);
	V(tcp_state(last));
	show_names("given up", last, ntohs(at.v4.sin_port));
	R(connect_at(last, &at));
	R(connect_at(last, &at));
	close(l);
	R(shutdown(last, SHUT_WR));
	V(tcp_state(last));
}

CASE_BOTH(to_itself)
{
	union addr a = loopback(six, 0);
	socklen_t len = addr_len(&a);
	char text[8] = "";
	int fd = stream(six);

	bind(fd, &a.any, len);
	getsockname(fd, &a.any, &len);
	R(connect_at(fd, &a));
	show_names("itself", fd, ntohs(a.v4.sin_port));
	V(tcp_state(fd));
	show_events("itself", fd);
	R(send(fd, "self", 4, 0));
	wait_events("sent", fd, POLLIN);
	R(recv(fd, text, 8, 0));
	say("%s", text);
	R(shutdown(fd, SHUT_WR));
	wait_events("shut down", fd, POLLRDHUP);
	R(recv(fd, text, 8, 0));
}

CASE_BOTH(unspecified_peer)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	union addr at;
	int l = listener(six, 2, &at), fd = stream(six), in, port = ntohs(at.v4.sin_port);
	char c;

	R(connect(fd, &none, sizeof(none)));
	R(connect(fd, &none, 1));
	R(connect(fd, &none, 2));
	R(connect_at(fd, &at));
	in = accept_soon(l);
	R(send(fd, "x", 1, 0));
	R(connect(fd, &none, sizeof(none)));
	show_names("dissolved", fd, port);
	show_events("dissolved", fd);
	V(tcp_state(fd));
	say("%s", so_error(fd));
	wait_events("the peer", in, POLLHUP);
	R(recv(in, &c, 1, 0));
	R(recv(in, &c, 1, 0));
	R(recv(in, &c, 1, 0));
	close(in);
	R(connect_at(fd, &at));
	in = accept_soon(l);
	R(send(in, "y", 1, 0));
	wait_events("again", fd, POLLIN);
	R(recv(fd, &c, 1, 0));
	R(connect(l, &none, sizeof(none)));
	V(tcp_state(l));
	show_names("a listener", l, port);
	R(connect_at(stream(six), &at));
	R(listen(l, 1));
	R(connect_at(stream(six), &at));
}

CASE_BOTH(bad_addresses)
{
	union addr at, other = loopback(!six, 9), any;
	int l = listener(six, 1, &at), fd = stream(six);

	(void)l;
	R(connect(fd, &at.any, 15));
	R(connect(fd, &at.any, 0));
	R(connect(fd, BAD_PTR, sizeof(at)));
	R(connect(fd, &at.any, 129));
	RZ(connect(fd, &other.any, sizeof(other)) == -1 && errno != EINVAL);
	any = loopback(six, 0);
	R(connect_at(fd, &any));
	memset(&any.v4.sin_addr, 0, six ? 0 : 4);
	any.v6.sin6_addr = six ? in6addr_any : any.v6.sin6_addr;
	any.v4.sin_port = at.v4.sin_port;
	R(connect_at(fd, &any));
	show_names("to any", fd, ntohs(at.v4.sin_port));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	any = loopback(false, ntohs(at.v4.sin_port));
	any.v4.sin_addr.s_addr = htonl(0xe0000001);
	R(connect_at(fd, &any));
	any.v4.sin_addr.s_addr = htonl(0xffffffff);
	R(connect_at(fd, &any));
	any.v4.sin_family = 77;
	R(connect_at(fd, &any));
}

/* ---- listeners ---- */

CASE_BOTH(what_accept_inherits)
{
	static const int names[][2] = {{SOL_SOCKET, SO_KEEPALIVE}, {SOL_SOCKET, SO_REUSEADDR},
		{SOL_SOCKET, SO_OOBINLINE}, {SOL_SOCKET, SO_DONTROUTE}, {SOL_SOCKET, SO_BROADCAST},
		{SOL_SOCKET, SO_REUSEPORT}, {SOL_SOCKET, SO_RCVLOWAT}, {SOL_SOCKET, SO_PRIORITY},
		{SOL_SOCKET, SO_ACCEPTCONN}, {SOL_SOCKET, SO_TIMESTAMP}, {IPPROTO_TCP, TCP_NODELAY},
		{IPPROTO_TCP, TCP_KEEPIDLE}, {IPPROTO_TCP, TCP_KEEPINTVL},
		{IPPROTO_TCP, TCP_KEEPCNT}, {IPPROTO_TCP, TCP_SYNCNT}, {IPPROTO_TCP, TCP_LINGER2},
		{IPPROTO_TCP, TCP_USER_TIMEOUT}, {IPPROTO_TCP, TCP_NOTSENT_LOWAT},
		{IPPROTO_TCP, TCP_CORK}};
	struct linger linger = {1, 7};
	struct timeval tv = {3, 0};
	socklen_t len = sizeof(linger);
	union addr at;
	int l = listener(six, 1, &at), fd = stream(six), in;

	for (unsigned i = 0; i < COUNT(names); i++)
		if (names[i][1] != SO_ACCEPTCONN || names[i][0] != SOL_SOCKET)
			set_int(l, names[i][0], names[i][1], 1);
	setsockopt(l, SOL_SOCKET, SO_LINGER, &linger, len);
	setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	ignore_signal(SIGIO);
	fcntl(l, F_SETFL, O_NONBLOCK | O_ASYNC);
	fcntl(l, F_SETOWN, getpid());
	R(connect_at(fd, &at));
	wait_events("listener", l, POLLIN);
	in = accept4(l, NULL, NULL, SOCK_CLOEXEC);
	for (unsigned i = 0; i < COUNT(names); i++)
		say("level %d option %d: %d", names[i][0], names[i][1],
			get_int(in, names[i][0], names[i][1]));
	getsockopt(in, SOL_SOCKET, SO_LINGER, &linger, &len);
	say("linger %d %d", linger.l_onoff, linger.l_linger);
	len = sizeof(tv);
	getsockopt(in, SOL_SOCKET, SO_RCVTIMEO, &tv, &len);
	V(tv.tv_sec);
	R(fcntl(in, F_GETFL) & (O_NONBLOCK | O_ASYNC));
	R(fcntl(in, F_GETFD));
	R(fcntl(in, F_GETOWN));
	T(get_int(in, SOL_SOCKET, SO_RCVBUF) > 0);
}

CASE_BOTH(listening)
{
	union addr at, a = loopback(six, 0);
	int l = listener(six, 5, &at), fd = stream(six), n;
	socklen_t len = sizeof(a);
	char c;

	set_nonblock(l);
	V(get_int(l, SOL_SOCKET, SO_ACCEPTCONN));
	V(tcp_state(l));
	R(listen(l, 1));
	R(listen(l, -1));
	R(recv(l, &c, 1, MSG_DONTWAIT));
	R(send(l, "x", 1, MSG_NOSIGNAL));
	R(ioctl(l, FIONREAD, &n));
	R(accept4(l, NULL, NULL, 1));
	R(accept4(l, &a.any, BAD_PTR, SOCK_NONBLOCK));
	R(accept(fd, NULL, NULL));
	R(shutdown(l, 3));
	R(shutdown(l, SHUT_WR));
	V(tcp_state(l));
	R(shutdown(l, SHUT_RD));
	V(tcp_state(l));
	show_events("shut down", l);
	R(accept(l, NULL, NULL));
	R(listen(l, 1));
	R(connect_at(fd, &at));
	R(accept_soon(l) > 0);
	fd = stream(six);
	V(get_int(fd, SOL_SOCKET, SO_ACCEPTCONN));
	R(listen(fd, 1)); /* chooses a port */
	getsockname(fd, &a.any, &len);
	T(a.v4.sin_port != 0);
}

/* Nobody took them: they die with the listener. */
CASE_BOTH(waiting_when_the_listener_goes)
{
	union addr at;
	int l = listener(six, 3, &at), fd[2] = {stream(six), stream(six)};
	char c;

	R(connect_at(fd[0], &at));
	R(connect_at(fd[1], &at));
	R(send(fd[0], "x", 1, 0));
	close(l);
	wait_events("one", fd[0], POLLHUP);
	wait_events("two", fd[1], POLLHUP);
	R(recv(fd[0], &c, 1, 0));
	R(recv(fd[0], &c, 1, 0));
	R(send(fd[1], "x", 1, MSG_NOSIGNAL));
	R(send(fd[1], "x", 1, MSG_NOSIGNAL));
}

/* A connection that ended before it was accepted is accepted all the same. */
CASE_BOTH(gone_before_accept)
{
	union addr at;
	int l = listener(six, 3, &at), fd = stream(six), in;
	char c;

	R(connect_at(fd, &at));
	R(send(fd, "x", 1, 0));
	close(fd);
	in = accept_soon(l);
	wait_events("closed", in, POLLRDHUP);
	R(recv(in, &c, 1, 0));
	R(recv(in, &c, 1, 0));
	close(in);
	fd = stream(six);
	R(connect_at(fd, &at));
	wait_events("listener", l, POLLIN);
	reset_on_close(fd);
	close(fd);
	in = accept_soon(l);
	wait_events("reset", in, POLLHUP);
	show_names("reset", in, ntohs(at.v4.sin_port));
	R(recv(in, &c, 1, 0));
}

/* ---- ending ---- */

CASE_BOTH(half_close)
{
	int fd[2];
	char c;

	connection(six, fd);
	R(shutdown(fd[0], SHUT_WR));
	show_events("closer", fd[0]);
	wait_events("peer", fd[1], POLLRDHUP);
	V(tcp_state(fd[1]));
	R(recv(fd[1], &c, 1, 0));
	R(send(fd[1], "y", 1, 0));
	wait_events("closer", fd[0], POLLIN);
	R(recv(fd[0], &c, 1, 0));
	wait_tcp_state(fd[0], 5);
	R(send(fd[0], "z", 1, MSG_NOSIGNAL));
	R(send(fd[0], "", 0, MSG_NOSIGNAL));
	R(shutdown(fd[0], SHUT_WR));
	R(shutdown(fd[1], SHUT_RD));
	show_events("peer", fd[1]);
	R(shutdown(fd[1], SHUT_WR));
	wait_tcp_state(fd[1], TCP_CLOSE);
	show_events("peer, done", fd[1]);
	wait_tcp_state(fd[0], TCP_CLOSE);
	show_events("closer, done", fd[0]);
	R(shutdown(fd[1], SHUT_RDWR));
	R(shutdown(fd[0], SHUT_RDWR));
	R(recv(fd[0], &c, 1, 0));
	R(recv(fd[1], &c, 1, 0));
	R(send(fd[1], "z", 1, MSG_NOSIGNAL));
	say("%s, %s", so_error(fd[0]), so_error(fd[1]));
	close_both(fd);
}

CASE_BOTH(no_more_reading)
{
	int fd[2];
	char c;

	connection(six, fd);
	R(send(fd[1], "x", 1, 0));
	wait_events("data", fd[0], POLLIN);
	R(shutdown(fd[0], SHUT_RD));
	show_events("shut down", fd[0]);
	R(recv(fd[0], &c, 1, 0));
	R(recv(fd[0], &c, 1, 0));
	R(send(fd[1], "y", 1, 0));
	show_events("sent", fd[1]);
	pause_ms(20);
	R(recv(fd[0], &c, 1, 0));
	R(recv(fd[0], &c, 1, 0));
	R(send(fd[0], "z", 1, 0));
	wait_events("the other way", fd[1], POLLIN);
	R(shutdown(fd[0], 7));
	R(shutdown(fd[0], -1));
	close_both(fd);
}

CASE_BOTH(both_close_at_once)
{
	int fd[2];
	char c;

	connection(six, fd);
	R(shutdown(fd[0], SHUT_RDWR));
	show_events("closer", fd[0]);
	R(recv(fd[0], &c, 1, 0));
	wait_events("peer", fd[1], POLLRDHUP);
	R(send(fd[1], "x", 1, MSG_NOSIGNAL));
	R(shutdown(fd[1], SHUT_RDWR));
	wait_tcp_state(fd[1], TCP_CLOSE);
	show_events("peer", fd[1]);
	say("%s, %s", so_error(fd[0]), so_error(fd[1]));
	close_both(fd);
}

static void after_reset(int fd)
{
	char c;

	wait_events("reset", fd, POLLHUP);
	V(tcp_state(fd));
	R(recv(fd, &c, 1, 0));
	R(recv(fd, &c, 1, 0));
	show_events("error taken", fd);
	R(send(fd, "x", 1, MSG_NOSIGNAL));
	R(shutdown(fd, SHUT_WR));
	show_names("reset", fd, 0);
}

CASE_BOTH(reset_by_no_linger)
{
	int fd[2];
	char c;

	connection(six, fd);
	reset_on_close(fd[1]);
	close(fd[1]);
	after_reset(fd[0]);
	close(fd[0]);
	connection(six, fd);
	R(send(fd[1], "data", 4, 0));
	wait_events("data", fd[0], POLLIN);
	reset_on_close(fd[1]);
	close(fd[1]);
	wait_events("reset", fd[0], POLLHUP);
	R(recv(fd[0], &c, 1, 0));
	R(recv(fd[0], &c, 1, 0));
	R(recv(fd[0], &c, 1, 0));
	close(fd[0]);
	connection(six, fd);
	reset_on_close(fd[1]);
	close(fd[1]);
	wait_events("reset", fd[0], POLLHUP);
	say("%s", so_error(fd[0]));
	show_events("error taken", fd[0]);
	R(recv(fd[0], &c, 1, 0));
}

/* A peer that closes with data unread, and one that is written to after it closed. */
CASE_BOTH(reset_by_data_unread)
{
	int fd[2];

	connection(six, fd);
	R(send(fd[0], "data", 4, 0));
	wait_events("data", fd[1], POLLIN);
	close(fd[1]);
	after_reset(fd[0]);
	close(fd[0]);
	connection(six, fd);
	close(fd[1]);
	wait_events("closed", fd[0], POLLRDHUP);
	R(send(fd[0], "x", 1, 0));
	wait_events("reset", fd[0], POLLHUP);
	say("%s", so_error(fd[0]));
	R(send(fd[0], "x", 1, MSG_NOSIGNAL));
	close(fd[0]);
	connection(six, fd);
	close(fd[1]);
	wait_events("closed", fd[0], POLLRDHUP);
	R(send(fd[0], "x", 1, 0));
	wait_events("reset", fd[0], POLLHUP);
	R(send(fd[0], "x", 1, MSG_NOSIGNAL));
	R(send(fd[0], "x", 1, MSG_NOSIGNAL));
}

CASE(a_signal_for_a_broken_connection)
{
	int fd[2];

	connection(false, fd);
	R(shutdown(fd[0], SHUT_WR));
	catch_signal(SIGPIPE, 0);
	R(send(fd[0], "x", 1, 0));
	V(caught);
	R(write(fd[0], "x", 1));
	V(caught);
	R(send(fd[0], "x", 1, MSG_NOSIGNAL));
	V(caught);
	R(send(stream(false), "x", 1, 0));
	V(caught);
	ignore_signal(SIGPIPE);
	R(send(fd[0], "x", 1, 0));
	default_signal(SIGPIPE);
	IN_CHILD
	{
		send(fd[0], "x", 1, 0);
	}
	close_both(fd);
}

/* A close that waits for what it has sent. */
CASE_BOTH(lingering)
{
	struct linger l = {1, 5};
	int fd[2];
	char c;

	connection(six, fd);
	setsockopt(fd[0], SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	R(send(fd[0], "x", 1, 0));
	R(close(fd[0]));
	wait_events("peer", fd[1], POLLRDHUP);
	R(recv(fd[1], &c, 1, 0));
	R(recv(fd[1], &c, 1, 0));
	close(fd[1]);
}

/* ---- TIME_WAIT ---- */

/* Who may bind to the port of a connection that is in TIME_WAIT, and who may listen there. */
CASE_BOTH(binding_in_time_wait)
{
	for (int reuse = 0; reuse < 4; reuse++) {
		union addr at;
		int l = listener(six, 1, &at), fd = stream(six), in, next;

		if (reuse & 1) {
			close(l);
			l = stream(six);
			set_int(l, SOL_SOCKET, SO_REUSEADDR, 1);
			bind(l, &at.any, addr_len(&at));
			listen(l, 1);
		}
		connect_at(fd, &at);
		in = accept_soon(l);
		close(l);
		shutdown(in, SHUT_WR); /* the server's end is the one that waits */
		wait_events("client", fd, POLLRDHUP);
		next = stream(six);
		if (reuse & 2)
			set_int(next, SOL_SOCKET, SO_REUSEADDR, 1);
		say("first with %d, second with %d", reuse & 1, reuse >> 1);
		R(bind(next, &at.any, addr_len(&at)));
		close(fd);
		wait_tcp_state(in, TCP_CLOSE);
		close(in);
		R(bind(next, &at.any, addr_len(&at)));
		R(listen(next, 1));
		close(next);
	}
}

/* The client's end waits: the same four addresses serve again only after it. */
CASE_BOTH(the_same_port_again)
{
	union addr at, own;
	socklen_t len = sizeof(own);
	int l = listener(six, 1, &at), fd = stream(six), in;

	connect_at(fd, &at);
	getsockname(fd, &own.any, &len);
	in = accept_soon(l);
	shutdown(fd, SHUT_WR);
	wait_events("server", in, POLLRDHUP);
	close(in);
	wait_tcp_state(fd, TCP_CLOSE);
	close(fd);
	fd = stream(six);
	R(bind(fd, &own.any, len));
	set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	R(bind(fd, &own.any, len));
}
