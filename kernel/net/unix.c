/*
 * unix.c - AF_UNIX: sockets between processes of this machine (unix(7)); life and death, readiness,
 * requests.
 *
 * Does not: names (unix_name.c), connections (unix_connect.c), bytes (unix_stream.c, unix_dgram.c),
 * descriptors in messages (unix_rights.c, unix_gc.c).
 *
 * A message is a pkt. It is charged to its sender's wmem and put on the receiver's queue, so the
 * sender's buffer is the limit and the sender is woken when the receiver frees the pkt. Nothing
 * passes through net sections: no lock here is known to packet input.
 *
 * A stream's end has a reference on the other end in ->peer, from connect or socketpair until it is
 * released; nobody else changes it, so a task that holds the file reads it without a lock. The end
 * that accept(2) returns ("embryo" until then) is made by connect(2), so a client can send at once.
 * A datagram socket's ->peer changes by connect(2): readers hold ->lock or an RCU section, in which
 * it may turn out to be dead.
 *
 * Locks: conf_mutex (who binds, connects, listens) -> ->lock of the other -> ->lock of its embryo.
 * Never two sockets' locks otherwise. unix_rights_mutex -> ->lock. Wake functions of a relay run
 * under the peer's peer_wait and wake our snd_wait.
 *
 * Errors follow Linux where unix(7) is silent: what was not read when one end closes is ECONNRESET
 * at the other, once; a datagram peer that connected elsewhere is ECONNRESET too.
 */
#include <file.h>
#include <netctl.h>
#include <slab.h>
#include <string.h>
#include <task.h>
#include "inet.h"
#include "unix.h"

enum { IOC_FIONREAD = 0x541b, IOC_TIOCOUTQ = 0x5411 };

/* ---- making ---- */

struct unix_sock *unix_alloc(struct net *net, int type)
{
	const struct socket_ops *ops = type == SOCK_STREAM  ? &unix_stream_ops
				       : type == SOCK_DGRAM ? &unix_dgram_ops
							    : &unix_seqpacket_ops;
	struct socket *s = socket_alloc(sizeof(struct unix_sock), net, ops, type, 0);
	struct unix_sock *us;

	if (!s)
		return NULL;
	us = unix_sk(s);
	mutex_init(&us->conf_mutex);
	list_init(&us->pending);
	list_init(&us->pending_node);
	list_init(&us->flight_node);
	list_init(&us->relay.node);
	wait_queue_init(&us->peer_wait);
	us->backlog = UNIX_DGRAM_BACKLOG;
	unix_table_add(us);
	return us;
}

static int unix_create(struct net *net, int type, int protocol, struct socket **out)
{
	struct unix_sock *us;

	if (protocol && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	if (type == SOCK_RAW) /* as BSD's and Linux's: the same as datagrams */
		type = SOCK_DGRAM;
	if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
		return -ESOCKTNOSUPPORT;
	us = unix_alloc(net, type);
	if (!us)
		return -ENOMEM;
	*out = &us->s;
	return 0;
}

void unix_set_peer_cred(struct unix_sock *us, const struct cred *c, pid_t pid)
{
	const struct cred *old = us->peer_cred;

	us->peer_cred = cred_get(c);
	us->peer_pid = pid;
	if (old)
		cred_put(old);
}

/* ---- the end ---- */

static void unix_release_end(struct unix_sock *us, bool was_embryo);

/* What the socket held when it closed. */
struct remains {
	struct unix_sock *peer;
	bool unread;
	struct list_head pkts, embryos;
};

static void detach(struct unix_sock *us, struct remains *r)
{
	list_init(&r->pkts);
	list_init(&r->embryos);
	spin_lock(&us->s.lock);
	us->s.dead = true;
	WRITE_ONCE(us->state, UNIX_CLOSED);
	WRITE_ONCE(us->s.shutdown, SHUTDOWN_RD | SHUTDOWN_WR);
	r->peer = us->peer;
	WRITE_ONCE(us->peer, NULL);
	r->unread = !list_empty(&us->s.rcv.list);
	list_splice_tail(&us->s.rcv.list, &r->pkts);
	pkt_queue_init(&us->s.rcv);
	list_splice_tail(&us->pending, &r->embryos);
	us->nr_pending = 0;
	spin_unlock(&us->s.lock);
}

/* Our end of a connection is gone. */
static void tell_peer(struct unix_sock *peer, bool reset)
{
	spin_lock(&peer->s.lock);
	WRITE_ONCE(peer->s.shutdown, SHUTDOWN_RD | SHUTDOWN_WR);
	if (reset)
		WRITE_ONCE(peer->s.error, ECONNRESET);
	spin_unlock(&peer->s.lock);
	socket_wake_all(&peer->s);
}

static void unix_release_end(struct unix_sock *us, bool was_embryo)
{
	struct remains r;

	unix_unbind(us);
	unix_table_remove(us);
	detach(us, &r);
	wake_up_all(&us->peer_wait);
	if (r.peer) {
		if (unix_is_dgram(us))
			unix_relay_stop(us);
		else
			tell_peer(r.peer, r.unread || was_embryo);
		socket_put(&r.peer->s);
	}
	while (!list_empty(&r.pkts)) {
		struct pkt *p = list_first(&r.pkts, struct pkt, node);

		list_del(&p->node);
		pkt_free(p);
	}
	while (!list_empty(&r.embryos)) {
		struct unix_sock *e = list_first(&r.embryos, struct unix_sock, pending_node);

		list_del(&e->pending_node);
		unix_release_end(e, true);
		socket_put(&e->s);
	}
	unix_gc_queue();
}

void unix_release(struct socket *s)
{
	unix_release_end(unix_sk(s), false);
}

static void unix_destroy(struct socket *s)
{
	struct unix_sock *us = unix_sk(s);

	unix_addr_put(us->addr);
	if (us->peer_cred)
		cred_put(us->peer_cred);
}

/* ---- readiness ---- */

bool unix_dgram_full(const struct unix_sock *from, const struct unix_sock *to)
{
	return to != from && READ_ONCE(to->peer) != from &&
	       READ_ONCE(to->s.rcv.count) > READ_ONCE(to->backlog);
}

/* Room for a quarter more, so that a writer gets something done when it is woken. */
static bool is_writable(const struct unix_sock *us)
{
	return READ_ONCE(us->state) != UNIX_LISTENING &&
	       (uint64_t)atomic_read(&us->s.wmem) * 4 <= READ_ONCE(us->s.sndbuf);
}

/* A datagram socket whose peer takes no more is not writable; then it is to hear when that changes.
 */
static bool peer_takes(struct unix_sock *us)
{
	struct unix_sock *peer;
	bool full;

	rcu_read_lock();
	peer = rcu_dereference(us->peer);
	full = peer && unix_dgram_full(us, peer);
	if (full) {
		unix_relay_start(us, peer);
		full = unix_dgram_full(us, peer); /* it may just have been emptied */
	}
	rcu_read_unlock();
	return !full;
}

unsigned unix_poll(struct socket *s)
{
	struct unix_sock *us = unix_sk(s);
	unsigned down = READ_ONCE(s->shutdown), ev = 0;

	if (READ_ONCE(s->error))
		ev |= POLLERR;
	if (down == (SHUTDOWN_RD | SHUTDOWN_WR))
		ev |= POLLHUP;
	if (down & SHUTDOWN_RD)
		ev |= POLLRDHUP | POLLIN | POLLRDNORM;
	if (!list_empty(&s->rcv.list) || !list_empty(&us->pending))
		ev |= POLLIN | POLLRDNORM;
	if (!unix_is_dgram(us) && READ_ONCE(us->state) == UNIX_CLOSED)
		ev |= POLLHUP;
	if (is_writable(us) && (!unix_is_dgram(us) || peer_takes(us)))
		ev |= POLLOUT | POLLWRNORM | POLLWRBAND;
	return ev;
}

/* ---- requests ---- */

static long inq(struct unix_sock *us)
{
	struct pkt *first;
	long n;

	if (READ_ONCE(us->state) == UNIX_LISTENING)
		return -EINVAL;
	spin_lock(&us->s.lock);
	first = pkt_peek(&us->s.rcv);
	if (unix_is_dgram(us))
		n = first ? first->len : 0;
	else
		n = (long)us->s.rcv.bytes;
	spin_unlock(&us->s.lock);
	return n;
}

static long unix_ioctl(struct socket *s, unsigned cmd, void *arg)
{
	long n;

	switch (cmd) {
	case IOC_FIONREAD:
		n = inq(unix_sk(s));
		break;
	case IOC_TIOCOUTQ:
		n = atomic_read(&s->wmem);
		break;
	default:
		return -ENOTTY;
	}
	if (n < 0)
		return n;
	*(int *)arg = (int)n;
	return 0;
}

static int unix_setsockopt(struct socket *s, int level, int name, const void *val, unsigned len)
{
	(void)s, (void)name, (void)val, (void)len;
	return level == SOL_SOCKET ? -ENOPROTOOPT : -EOPNOTSUPP;
}

static int give_groups(const struct groups *g, gid_t *out, unsigned *len)
{
	unsigned n = g ? g->count : 0, room = *len;

	*len = n * (unsigned)sizeof(gid_t);
	if (room < *len)
		return -ERANGE;
	if (n)
		memcpy(out, g->gid, *len);
	return 0;
}

static int unix_getsockopt(struct socket *s, int level, int name, void *val, unsigned *len)
{
	struct unix_sock *us = unix_sk(s);
	struct socket_ucred u = {0, (uid_t)-1, (gid_t)-1};
	const struct cred *c;
	int v = 0, err = 0;

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	spin_lock(&s->lock);
	c = us->peer_cred ? cred_get(us->peer_cred) : NULL;
	if (c)
		u = (struct socket_ucred){us->peer_pid, c->euid, c->egid};
	spin_unlock(&s->lock);
	switch (name) {
	case SO_PEERCRED:
		*len = MIN(*len, (unsigned)sizeof(u));
		memcpy(val, &u, *len);
		break;
	case SO_PEERGROUPS:
		err = c ? give_groups(c->groups, val, len) : -ENODATA;
		break;
	case SO_ACCEPTCONN:
		v = us->state == UNIX_LISTENING;
		*len = MIN(*len, (unsigned)sizeof(v));
		memcpy(val, &v, *len);
		break;
	default:
		err = -ENOPROTOOPT;
	}
	if (c)
		cred_put(c);
	return err;
}

/* ---- the family ---- */

static ssize_t unix_seqpacket_send(
	struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags)
{
	if (READ_ONCE(unix_sk(s)->state) != UNIX_CONNECTED)
		return -ENOTCONN;
	m->name_len = 0;
	return unix_dgram_send(s, m, n, file_flags);
}

static ssize_t unix_seqpacket_recv(
	struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags)
{
	if (READ_ONCE(unix_sk(s)->state) != UNIX_CONNECTED)
		return -ENOTCONN;
	return unix_dgram_recv(s, m, n, file_flags);
}

#define UNIX_COMMON                                                                                \
	.family = AF_UNIX, .bind = unix_bind, .socketpair = unix_socketpair,                       \
	.getname = unix_getname, .shutdown = unix_shutdown, .poll = unix_poll,                     \
	.ioctl = unix_ioctl, .setsockopt = unix_setsockopt, .getsockopt = unix_getsockopt,         \
	.has_peek_off = true, .closing = unix_gc_closing, .release = unix_release,                 \
	.destroy = unix_destroy
#define UNIX_CONNECTIONS                                                                           \
	.connect = unix_stream_connect, .listen = unix_listen, .accept = unix_accept

const struct socket_ops unix_stream_ops = {
	UNIX_COMMON,
	UNIX_CONNECTIONS,
	.sendmsg = unix_stream_send,
	.recvmsg = unix_stream_recv,
};
const struct socket_ops unix_seqpacket_ops = {
	UNIX_COMMON,
	UNIX_CONNECTIONS,
	.sendmsg = unix_seqpacket_send,
	.recvmsg = unix_seqpacket_recv,
};
const struct socket_ops unix_dgram_ops = {
	UNIX_COMMON,
	.connect = unix_dgram_connect,
	.sendmsg = unix_dgram_send,
	.recvmsg = unix_dgram_recv,
};

static struct socket_family unix_family = {.family = AF_UNIX, .create = unix_create};

void unix_init(void)
{
	unix_gc_init();
	unix_names_init(&net_initial);
	socket_family_register(&unix_family);
}
