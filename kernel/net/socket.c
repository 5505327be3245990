/*
 * socket.c - sockets: the part that all families share, and the way from a system call to one.
 *
 * Does not: options (socket_opt.c), open files (socket_file.c), queues and wake-ups
 * (socket_queue.c), any protocol.
 *
 * Objects. A family's socket begins with struct socket. One reference belongs to the file from
 * socket_open_file() on; before that to whoever made the socket. release() runs when the file goes:
 * the family takes the socket out of its tables or lets the protocol finish the connection;
 * packets under way and timers hold references of their own. The last socket_put() runs destroy()
 * and frees the memory after a grace period, so that hash tables may be read under RCU with
 * socket_try_get().
 *
 * Locks. ->lock guards protocol state and queues; it is a plain spinlock, as nothing of the network
 * runs in interrupts. Whoever sends copies the program's bytes into packets before it takes the
 * lock. Whoever reads takes the head of the queue off under ->lock, holds ->rcv_mutex while it
 * copies, and so keeps the order among readers; a reader that must wait gives the mutex back, as
 * another one may not want to wait. Wake-ups follow the change (wait.h).
 *
 * Errors. ->error is what SO_ERROR reads: reported once, by whichever call comes first (send,
 * receive, getsockopt). Functions of a family return -EPIPE; the signal is raised here, for streams
 * that could send nothing (send(2)).
 *
 * Policy. policy_net() is asked when a socket is made, when it gets an address to receive on, and
 * when it gets a peer. Families ask it for the destination of an unconnected send, which only they
 * decode.
 */
#include <cred.h>
#include <file.h>
#include <policy.h>
#include <slab.h>
#include <socket.h>
#include <stat.h>
#include <string.h>
#include <task.h>
#include "socket_internal.h"

pid_t (*socket_pid)(void);
bool (*socket_pid_exists)(pid_t pid);
static LIST_HEAD(families); /* written at boot only */

/* ---- lifetime ---- */

static void init(struct socket *s, struct net *net, const struct socket_ops *ops)
{
	refcount_set(&s->refs, 1);
	s->ops = ops;
	s->net = net;
	spin_init(&s->lock);
	spin_init(&s->errq_lock);
	mutex_init(&s->rcv_mutex);
	mutex_init(&s->snd_mutex);
	pkt_queue_init(&s->rcv);
	pkt_queue_init(&s->errq);
	wait_queue_init(&s->rcv_wait);
	wait_queue_init(&s->snd_wait);
	s->peek_off = -1;
	s->incoming_cpu = -1;
}

struct socket *socket_alloc(
	size_t size, struct net *net, const struct socket_ops *ops, int type, int protocol)
{
	struct socket *s = kzalloc(size);

	if (!s)
		return NULL;
	init(s, net, ops);
	s->family = ops->family;
	s->type = (uint16_t)type;
	s->protocol = (uint16_t)protocol;
	s->rcvbuf = socket_limits.rmem_default;
	s->sndbuf = socket_limits.wmem_default;
	s->rcvlowat = 1;
	s->max_pacing = UINT64_MAX;
	s->cred = cred_get(current->cred);
	s->pid = socket_pid ? socket_pid() : 0;
	return s;
}

/* The lock is read first: a filter that is locked is not replaced any more. False: it has just been
 * replaced, or @like has gone. */
static bool inherit_filter(struct socket *s, const struct socket *like)
{
	struct sock_filter_prog *prog;

	s->filter_locked = __atomic_load_n(&like->filter_locked, __ATOMIC_ACQUIRE);
	prog = rcu_dereference(like->filter);
	if (likely(!prog))
		return true;
	s->filter = prog;
	return bpf_prog_try_get(prog);
}

struct socket *socket_alloc_like(size_t size, const struct socket *like)
{
	struct socket *s = kmalloc(size, GFP_ATOMIC | GFP_ZERO);

	if (!s)
		return NULL;
	if (!inherit_filter(s, like)) {
		kfree(s);
		return NULL;
	}
	init(s, like->net, like->ops);
	s->family = like->family;
	s->type = like->type;
	s->protocol = like->protocol;
	s->rcvbuf = like->rcvbuf;
	s->sndbuf = like->sndbuf;
	s->rcvlowat = like->rcvlowat;
	s->max_pacing = like->max_pacing;
	s->opts = like->opts;
	s->priority = like->priority;
	s->mark = like->mark;
	s->ifindex = like->ifindex;
	s->linger_s = like->linger_s;
	s->rcv_timeout_ns = like->rcv_timeout_ns;
	s->snd_timeout_ns = like->snd_timeout_ns;
	s->tsflags = like->tsflags;
	s->select_errq = READ_ONCE(like->select_errq);
	s->peek_off = READ_ONCE(like->peek_off);
	s->busy_poll = READ_ONCE(like->busy_poll);
	s->cred = cred_get(like->cred);
	s->pid = like->pid;
	return s;
}

bool socket_try_get(struct socket *s)
{
	return refcount_inc_not_zero(&s->refs);
}

static void socket_free(struct rcu_head *h)
{
	kfree(container_of(h, struct socket, rcu));
}

void socket_put(struct socket *s)
{
	if (!refcount_dec(&s->refs))
		return;
	if (s->ops->destroy)
		s->ops->destroy(s);
	pkt_queue_purge(&s->rcv);
	pkt_queue_purge(&s->errq);
	bpf_prog_put(s->filter);
	cred_put(s->cred);
	rcu_call(&s->rcu, socket_free);
}

/* ---- making them ---- */

void socket_family_register(struct socket_family *f)
{
	list_add_tail(&f->node, &families);
}

static const struct socket_family *family_find(int family)
{
	const struct socket_family *f;

	list_for_each_entry (f, &families, node)
		if (f->family == family)
			return f;
	return NULL;
}

int socket_create(int family, int type, int protocol, struct socket **out)
{
	const struct socket_family *f;
	struct policy_net what = {
		.family = (uint16_t)family, .type = (uint16_t)type, .protocol = (uint16_t)protocol};
	int err;

	if (family < 0 || family >= AF_MAX)
		return -EAFNOSUPPORT;
	if (type < 0 || type > SOCK_PACKET)
		return -EINVAL;
	f = family_find(family);
	if (!f)
		return -EAFNOSUPPORT;
	err = policy_net(current->cred, POLICY_NET_CREATE, &what);
	return err ? err : f->create(net_current(), type, protocol, out);
}

int socket_pair(int family, int type, int protocol, struct socket *out[2])
{
	int err = socket_create(family, type, protocol, &out[0]);

	if (err)
		return err;
	err = out[0]->ops->socketpair ? socket_create(family, type, protocol, &out[1])
				      : -EOPNOTSUPP;
	if (err)
		goto put_first;
	err = out[0]->ops->socketpair(out[0], out[1]);
	if (!err)
		return 0;
	socket_discard(out[1]);
put_first:
	socket_discard(out[0]);
	return err;
}

void socket_discard(struct socket *s)
{
	spin_lock(&s->lock);
	s->dead = true;
	WRITE_ONCE(s->file, NULL);
	spin_unlock(&s->lock);
	if (s->ops->release)
		s->ops->release(s);
	socket_put(s);
}

/* ---- addresses and peers ---- */

/* What policy_net() can know of @a; *ip is its storage. */
static void describe(const struct socket *s, const struct sockaddr_storage *a, unsigned len,
	struct ip_addr *ip, struct policy_net *what)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)a;

	*what = (struct policy_net){.family = s->family, .type = s->type, .protocol = s->protocol};
	if (a->ss_family == AF_INET && len >= sizeof(*in)) {
		*ip = ip_from_v4(in->sin_addr);
		what->port = be16(in->sin_port);
	} else if (a->ss_family == AF_INET6 &&
		   len >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
		memcpy(ip, in6->sin6_addr, sizeof(*ip));
		what->port = be16(in6->sin6_port);
	} else {
		return;
	}
	what->addr = ip;
}

static int ask(const struct socket *s, enum policy_net_op op, const struct sockaddr_storage *a,
	unsigned len)
{
	struct policy_net what;
	struct ip_addr ip;

	describe(s, a, len, &ip, &what);
	return policy_net(current->cred, op, &what);
}

int socket_bind(struct socket *s, const struct sockaddr_storage *a, unsigned len)
{
	int err = s->ops->bind ? ask(s, POLICY_NET_BIND, a, len) : -EOPNOTSUPP;

	return err ? err : s->ops->bind(s, a, len);
}

int socket_connect(
	struct socket *s, const struct sockaddr_storage *a, unsigned len, unsigned file_flags)
{
	int err = s->ops->connect ? ask(s, POLICY_NET_CONNECT, a, len) : -EOPNOTSUPP;

	return err ? err : s->ops->connect(s, a, len, file_flags);
}

int socket_listen(struct socket *s, int backlog)
{
	return s->ops->listen ? s->ops->listen(s, backlog) : -EOPNOTSUPP;
}

int socket_accept(struct socket *s, unsigned file_flags, struct socket **out)
{
	return s->ops->accept ? s->ops->accept(s, file_flags, out) : -EOPNOTSUPP;
}

int socket_shutdown(struct socket *s, int how)
{
	return s->ops->shutdown ? s->ops->shutdown(s, how) : -EOPNOTSUPP;
}

/* ---- messages ---- */

ssize_t socket_sent(struct socket *s, unsigned msg_flags, ssize_t done)
{
	if (done == -EPIPE && s->type == SOCK_STREAM && !(msg_flags & MSG_NOSIGNAL) && pipe_broken)
		pipe_broken();
	return done;
}

ssize_t socket_sendmsg(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags)
{
	if (file_flags & O_NONBLOCK)
		m->flags |= MSG_DONTWAIT;
	if (unlikely(m->flags & MSG_ZEROCOPY) && n && READ_ONCE(s->opts) & SOPT_ZEROCOPY)
		return socket_sent(s, m->flags, socket_send_zerocopy(s, m, n, file_flags));
	return socket_sent(s, m->flags, s->ops->sendmsg(s, m, n, file_flags));
}

ssize_t socket_recvmsg(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags)
{
	if (file_flags & O_NONBLOCK)
		m->flags |= MSG_DONTWAIT;
	m->name_len = 0;
	m->out_flags = 0;
	m->control_used = 0;
	return s->ops->recvmsg(s, m, n, file_flags);
}
