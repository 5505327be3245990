/*
 * unix_test.c - AF_UNIX on the host: what passes through streams and datagrams, descriptors in
 * messages, the collector of sockets that only messages hold, allocation failures.
 */
/* LINK: kernel/net/socket.c kernel/net/socket_queue.c kernel/net/socket_msg.c */
/* LINK: kernel/net/socket_file.c kernel/net/socket_opt.c kernel/net/bpf.c kernel/net/pkt.c */
/* LINK: kernel/net/csum.c kernel/net/unix.c kernel/net/unix_name.c kernel/net/unix_connect.c */
/* LINK: kernel/net/unix_stream.c kernel/net/unix_dgram.c kernel/net/unix_rights.c */
/* LINK: kernel/net/zerocopy.c kernel/policy/user.c kernel/net/unix_gc.c */
/* LINK: kernel/mm/iov_iter.c kernel/lib/hash.c */
#include "files.h"
#include <netdev.h>
#include <socket.h>
#include "kernel/net/unix.h"

/* ---- what is not here ---- */
struct net net_initial;
void unix_init(void);
bool net_mem_charge(uint64_t bytes)
{
	return true;
}
void net_mem_uncharge(uint64_t bytes)
{
}
struct netdev *netdev_get_by_index(struct net *net, uint32_t ifindex)
{
	return NULL;
}
struct netdev *netdev_get_by_name(struct net *net, const char *name)
{
	return NULL;
}
void netdev_put(struct netdev *d)
{
}
int vfs_mknod_path(
	const struct path *base, const char *name, mode_t mode, dev_t dev, struct path *out)
{
	return -EROFS;
}
int path_lookup(const struct path *base, const char *name, unsigned flags, struct path *out)
{
	return -ENOENT;
}
void path_put(const struct path *p)
{
}
int inode_permission(struct inode *i, unsigned may, bool rcu)
{
	return 0;
}

static void begin(void)
{
	static bool is_ready;

	current->cred = &test_cred;
	unit_capable = true;
	if (is_ready)
		return;
	is_ready = true;
	pkt_init();
	unix_init();
}

/* ---- programs' calls ---- */

static struct socket *sock(int fd)
{
	return socket_from_file(fd_table[fd]);
}

static int open_socket(struct socket *s)
{
	struct file *f;
	int err = socket_open_file(s, 0, &f);

	if (err) {
		socket_discard(s);
		return err;
	}
	return fd_of(f);
}

static int pair(int type, int fd[2])
{
	struct socket *s[2];
	int err = socket_pair(AF_UNIX, type, 0, s);

	if (err)
		return err;
	fd[0] = open_socket(s[0]);
	fd[1] = open_socket(s[1]);
	if (fd[0] >= 0 && fd[1] >= 0)
		return 0;
	if (fd[0] >= 0)
		fd_shut(fd[0]);
	if (fd[1] >= 0)
		fd_shut(fd[1]);
	return -ENOMEM;
}

static ssize_t send_fds(int fd, const void *data, size_t n, const int *fds, unsigned nr)
{
	uint64_t control[64];
	struct cmsghdr *c = (struct cmsghdr *)control;
	struct iov_iter it;
	struct socket_msg m = {.iter = &it, .flags = MSG_DONTWAIT | MSG_NOSIGNAL};

	iov_iter_kernel(&it, (void *)(uintptr_t)data, n);
	if (nr) {
		*c = (struct cmsghdr){CMSG_LEN(nr * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
		memcpy(cmsg_data(c), fds, nr * sizeof(int));
		m.control = (uint8_t *)control;
		m.control_len = CMSG_SPACE(nr * sizeof(int));
	}
	return socket_sendmsg(sock(fd), &m, n, 0);
}

/* Descriptors received into @fds, their number into *nr (room for at most 32). */
static ssize_t recv_fds(int fd, void *data, size_t n, unsigned flags, int *fds, unsigned *nr)
{
	uint64_t control[64] = {0};
	struct cmsghdr *c = (struct cmsghdr *)control;
	struct iov_iter it;
	struct socket_msg m = {.iter = &it,
		.flags = MSG_DONTWAIT | flags,
		.control = (uint8_t *)control,
		.control_len = fds ? CMSG_SPACE(32 * sizeof(int)) : 0};
	ssize_t r;

	iov_iter_kernel(&it, data, n);
	r = socket_recvmsg(sock(fd), &m, n, 0);
	if (nr)
		*nr = 0;
	if (r >= 0 && m.control_used) {
		*nr = (unsigned)(cmsg_data_len(c) / sizeof(int));
		memcpy(fds, cmsg_data(c), *nr * sizeof(int));
	}
	return r;
}

static void close_all(void)
{
	for (int i = 0; i < NR_FDS; i++)
		if (fd_table[i])
			fd_shut(i);
	unit_run_work();
	unit_advance(1000000000); /* what closing alone set off */
	unit_run_work();
	unit_rcu_flush();
}

/* ---- bytes ---- */

TEST(a_stream_gives_the_bytes_in_order_whatever_the_sizes)
{
	static uint8_t in[200000], out[200000];
	size_t written = 0, seen = 0;
	int fd[2];

	begin();
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)unit_random();
	REQUIRE_EQ(pair(SOCK_STREAM, fd), 0);
	while (seen < sizeof(in)) {
		size_t n = 1 + unit_below(unit_below(8) ? 300 : 70000);
		ssize_t r;

		if (unit_below(2) && written < sizeof(in)) {
			r = send_fds(fd[0], in + written, MIN(n, sizeof(in) - written), NULL, 0);
			if (r > 0)
				written += (size_t)r;
			else
				EXPECT_EQ(r, -EAGAIN);
			continue;
		}
		if (!unit_below(4)) {
			r = recv_fds(fd[1], out, MIN(n, sizeof(out)), MSG_PEEK, NULL, NULL);
			if (r > 0)
				EXPECT_MEM(out, in + seen, (size_t)r);
			EXPECT_EQ(r > 0 ? r : 0, MIN(n, written - seen));
		}
		r = recv_fds(fd[1], out, MIN(n, sizeof(out)), 0, NULL, NULL);
		EXPECT_EQ(r == -EAGAIN ? 0 : r, MIN(n, written - seen));
		if (r > 0) {
			EXPECT_MEM(out, in + seen, (size_t)r);
			seen += (size_t)r;
		}
		EXPECT_EQ(sock(fd[1])->rcv.bytes, written - seen);
	}
	EXPECT_EQ(atomic_read(&sock(fd[0])->wmem), 0);
	close_all();
	EXPECT_EQ(nr_files_open, 0);
}

TEST(the_buffer_is_the_senders)
{
	static uint8_t bytes[100000];
	size_t total = 0;
	ssize_t r;
	int fd[2];

	begin();
	REQUIRE_EQ(pair(SOCK_STREAM, fd), 0);
	while ((r = send_fds(fd[0], bytes, sizeof(bytes), NULL, 0)) > 0)
		total += (size_t)r;
	EXPECT_EQ(r, -EAGAIN);
	EXPECT(total >= socket_limits.wmem_default / 2 && total < 2 * socket_limits.wmem_default);
	EXPECT(!(sock(fd[0])->ops->poll(sock(fd[0])) & POLLOUT));
	EXPECT(sock(fd[1])->ops->poll(sock(fd[1])) & POLLOUT);
	while (recv_fds(fd[1], bytes, sizeof(bytes), 0, NULL, NULL) > 0)
		;
	EXPECT(sock(fd[0])->ops->poll(sock(fd[0])) & POLLOUT);
	close_all();
}

TEST(what_was_not_read_is_a_reset_and_is_freed)
{
	uint8_t b[8];
	int fd[2];
	long live;

	begin();
	close_all();
	live = alloc_live();
	REQUIRE_EQ(pair(SOCK_STREAM, fd), 0);
	EXPECT_EQ(send_fds(fd[0], "unread", 6, NULL, 0), 6);
	fd_shut(fd[1]);
	EXPECT_EQ(recv_fds(fd[0], b, 8, 0, NULL, NULL), -ECONNRESET);
	EXPECT_EQ(recv_fds(fd[0], b, 8, 0, NULL, NULL), 0);
	EXPECT_EQ(send_fds(fd[0], "x", 1, NULL, 0), -EPIPE);
	close_all();
	EXPECT_EQ(alloc_live(), live);
}

/* ---- descriptors ---- */

TEST(rights_stay_with_their_bytes)
{
	int fd[2], got[32];
	unsigned nr;
	char b[32];

	begin();
	REQUIRE_EQ(pair(SOCK_STREAM, fd), 0);
	EXPECT_EQ(send_fds(fd[0], "ab", 2, NULL, 0), 2);
	EXPECT_EQ(send_fds(fd[0], "cd", 2, fd, 2), 2);
	EXPECT_EQ(send_fds(fd[0], "ef", 2, fd, 1), 2);
	EXPECT_EQ(recv_fds(fd[1], b, 3, MSG_PEEK, got, &nr), 3);
	EXPECT_EQ(nr, 2);
	for (unsigned i = 0; i < nr; i++)
		fd_shut(got[i]);
	EXPECT_EQ(recv_fds(fd[1], b, 3, 0, got, &nr), 3);
	EXPECT_EQ(nr, 2);
	for (unsigned i = 0; i < nr; i++)
		fd_shut(got[i]);
	EXPECT_EQ(recv_fds(fd[1], b, 32, 0, got, &nr), 3);
	EXPECT_EQ(nr, 1);
	EXPECT_EQ(unix_sk(sock(fd[0]))->in_flight, 0);
	close_all();
	EXPECT_EQ(nr_files_open, 0);
}

TEST(a_socket_in_its_own_queue_is_garbage)
{
	int fd[2];
	long live;

	begin();
	close_all();
	live = alloc_live();
	REQUIRE_EQ(pair(SOCK_STREAM, fd), 0);
	EXPECT_EQ(send_fds(fd[0], "x", 1, &fd[1], 1), 1);
	fd_shut(fd[0]);
	fd_shut(fd[1]);
	EXPECT_EQ(nr_files_open, 1);
	EXPECT(unit_run_work() > 0);
	EXPECT_EQ(nr_files_open, 0);
	close_all(); /* also what is still to run later */
	EXPECT_EQ(alloc_live(), live);
}

TEST(a_listener_whose_client_sent_it_is_garbage)
{
	struct sockaddr_storage a = {.ss_family = AF_UNIX, .data = "\0name"};
	struct socket *s;
	int l, c;

	begin();
	REQUIRE_EQ(socket_create(AF_UNIX, SOCK_STREAM, 0, &s), 0);
	l = open_socket(s);
	REQUIRE_EQ(socket_create(AF_UNIX, SOCK_STREAM, 0, &s), 0);
	c = open_socket(s);
	EXPECT_EQ(socket_bind(sock(l), &a, 7), 0);
	EXPECT_EQ(socket_listen(sock(l), 1), 0);
	EXPECT_EQ(socket_connect(sock(c), &a, 7, 0), 0);
	EXPECT_EQ(send_fds(c, "x", 1, &l, 1), 1);
	fd_shut(l);
	fd_shut(c);
	EXPECT_EQ(nr_files_open, 1);
	unit_run_work();
	EXPECT_EQ(nr_files_open, 0);
	close_all();
}

TEST(over_the_limit_garbage_is_looked_for_before_a_sender_is_refused)
{
	int fd[2], s[2];

	begin();
	unit_capable = false;
	for (unsigned i = 0; i < 2000; i++) {
		REQUIRE_EQ(pair(SOCK_STREAM, fd), 0);
		REQUIRE_EQ(send_fds(fd[0], "x", 1, &fd[1], 1), 1); /* nobody runs the work */
		fd_shut(fd[0]);
		fd_shut(fd[1]);
	}
	REQUIRE_EQ(pair(SOCK_STREAM, s), 0);
	for (unsigned i = 0; i < 1200; i++) {
		ssize_t r = send_fds(s[i & 1], "x", 1, s, 1);

		if (r == -EAGAIN) {
			REQUIRE_EQ(pair(SOCK_STREAM, s), 0);
			continue;
		}
		if (r != 1) {
			EXPECT_EQ(r, -ETOOMANYREFS);
			EXPECT(i > 900);
			break;
		}
	}
	unit_capable = true;
	close_all();
	EXPECT_EQ(nr_files_open, 0);
}

/*
 * Random graphs: sockets hold each other in messages; some are held by descriptors. After the
 * collector ran, exactly those live that can be reached from descriptors, by a model that knows
 * nothing of counts.
 */
enum { NODES = 24 };
static struct {
	int fd[2]; /* of a pair; -1: closed */
	bool alive[2];
} node[NODES];
static bool holds[NODES * 2][NODES * 2]; /* on the queue of [a] waits [b] */

static unsigned model_alive(bool *out)
{
	unsigned n = 0;
	bool more = true;

	for (unsigned i = 0; i < NODES * 2; i++)
		out[i] = node[i / 2].fd[i % 2] >= 0;
	while (more) {
		more = false;
		for (unsigned a = 0; a < NODES * 2; a++)
			for (unsigned b = 0; b < NODES * 2; b++)
				if (out[a] && holds[a][b] && !out[b])
					more = out[b] = true;
	}
	for (unsigned i = 0; i < NODES * 2; i++)
		n += out[i];
	return n;
}

static void build_graph(void)
{
	memset(holds, 0, sizeof(holds));
	for (unsigned i = 0; i < NODES; i++)
		if (pair(unit_below(2) ? SOCK_STREAM : SOCK_DGRAM, node[i].fd))
			panic("no pair");
	for (unsigned e = 0; e < NODES * 2; e++) {
		unsigned to = (unsigned)unit_below(NODES * 2), n = 1 + (unsigned)unit_below(3);
		int fds[3];
		unsigned what[3];

		for (unsigned i = 0; i < n; i++) {
			what[i] = (unsigned)unit_below(NODES * 2);
			fds[i] = node[what[i] / 2].fd[what[i] % 2];
		}
		/* sent by the other end of the pair, it waits at @to */
		if (send_fds(node[to / 2].fd[!(to % 2)], "m", 1, fds, n) != 1)
			continue;
		for (unsigned i = 0; i < n; i++)
			holds[to][what[i]] = true;
	}
}

TEST(the_collector_frees_what_cannot_be_reached_and_nothing_else)
{
	begin();
	for (unsigned round = 0; round < 300; round++) {
		bool alive[NODES * 2];
		unsigned keep = (unsigned)unit_below(6), n;

		build_graph();
		for (unsigned i = 0; i < NODES * 2; i++) {
			int *fd = &node[i / 2].fd[i % 2];

			if (unit_below(NODES * 2) >= keep) {
				fd_shut(*fd);
				*fd = -1;
			}
		}
		n = model_alive(alive);
		unit_run_work();
		unit_advance(1000000000);
		unit_run_work();
		if (!EXPECT_EQ(nr_files_open, n))
			break;
		close_all();
		REQUIRE_EQ(nr_files_open, 0);
	}
}

/* ---- failures ---- */

static void everything_once(void)
{
	static uint8_t b[50000];
	struct sockaddr_storage a = {.ss_family = AF_UNIX, .data = "\0x"};
	int fd[2], got[32], c = -1, l = -1;
	struct socket *s, *acc;
	unsigned nr;

	if (!pair(SOCK_STREAM, fd)) {
		(void)send_fds(fd[0], b, sizeof(b), fd, 2);
		if (recv_fds(fd[1], b, 10, MSG_PEEK, got, &nr) > 0)
			while (nr)
				fd_shut(got[--nr]);
		if (recv_fds(fd[1], b, sizeof(b), 0, got, &nr) > 0)
			while (nr)
				fd_shut(got[--nr]);
	}
	if (!socket_create(AF_UNIX, SOCK_SEQPACKET, 0, &s))
		l = open_socket(s);
	if (!socket_create(AF_UNIX, SOCK_SEQPACKET, 0, &s))
		c = open_socket(s);
	if (l >= 0 && !socket_bind(sock(l), &a, 4) && !socket_listen(sock(l), 3) && c >= 0 &&
		!socket_connect(sock(c), &a, 4, 0) && !socket_accept(sock(l), 04000, &acc)) {
		int e = open_socket(acc);

		(void)send_fds(c, b, 100, &c, 1);
		if (e >= 0)
			(void)recv_fds(e, b, 100, 0, NULL, NULL);
	}
}

TEST(no_allocation_failure_leaks)
{
	long live;

	begin();
	everything_once();
	close_all();
	live = alloc_live();
	for (long n = 0; n < 60; n++) {
		alloc_fail_after(n);
		everything_once();
		alloc_fail_after(-1);
		close_all();
		REQUIRE_EQ(nr_files_open, 0);
		if (!EXPECT_EQ(alloc_live(), live))
			unit_print("after %ld allocations\n", n);
	}
}
