/*
 * unix_connect.c - AF_UNIX connections: connect, listen, accept, socketpair, shutdown.
 *
 * connect(2) makes both ends: the client's peer is a new socket that waits on the listener's list
 * of pending ones until it is accepted. The list holds one more than the backlog (listen(2)); a
 * client that finds it full waits on the listener's peer_wait. A socket's own state only changes
 * with its conf_mutex held, and it does not become a listener meanwhile: so the listener's lock is
 * all that connect needs.
 *
 * SO_PEERCRED: a client sees who called listen(2), the accepted end who called connect(2), both
 * ends of a pair who called socketpair(2).
 */
#include <cred.h>
#include <file.h>
#include <stat.h>
#include <task.h>
#include "inet.h"
#include "unix.h"

static pid_t own_pid(void)
{
	return socket_pid ? socket_pid() : 0;
}

/* ---- connect ---- */

/* 0: may be connected. */
static int check_unconnected(const struct unix_sock *us)
{
	switch (us->state) {
	case UNIX_CLOSED:
		return us->s.dead ? -EINVAL : 0;
	case UNIX_CONNECTED:
		return -EISCONN;
	default:
		return -EINVAL;
	}
}

static struct unix_sock *make_embryo(struct unix_sock *client)
{
	struct unix_sock *e = unix_alloc(client->s.net, client->s.type);

	if (!e)
		return NULL;
	e->peer = client;
	socket_get(&client->s);
	e->state = UNIX_CONNECTED;
	e->is_embryo = true;
	unix_set_peer_cred(e, current->cred, own_pid());
	return e;
}

static bool is_full(const struct unix_sock *l)
{
	return READ_ONCE(l->nr_pending) > READ_ONCE(l->backlog);
}

static bool is_listening(const struct unix_sock *l)
{
	return READ_ONCE(l->state) == UNIX_LISTENING && !(READ_ONCE(l->s.shutdown) & SHUTDOWN_RD);
}

/*
 * Put @e on the listener's list and make it @us's peer, or say why not: -ECONNREFUSED, -EAGAIN
 * (full). The listener's name and options go to @e.
 */
static int join(struct unix_sock *l, struct unix_sock *us, struct unix_sock *e)
{
	int err = 0;

	spin_lock(&l->s.lock);
	if (!is_listening(l))
		err = -ECONNREFUSED;
	else if (is_full(l))
		err = -EAGAIN;
	if (!err) {
		e->addr = l->addr;
		if (e->addr)
			refcount_inc(&e->addr->refs);
		e->s.opts |= l->s.opts & (SOPT_PASSCRED | SOPT_PASSSEC);
		if (l->peer_cred)
			unix_set_peer_cred(us, l->peer_cred, l->peer_pid);
		socket_get(&e->s); /* ->peer's; the first one goes with the list to accept(2) */
		WRITE_ONCE(us->peer, e);
		smp_store_release(&us->state, UNIX_CONNECTED);
		list_add_tail(&e->pending_node, &l->pending);
		l->nr_pending++;
	}
	spin_unlock(&l->s.lock);
	return err;
}

/* Until the listener may have room: 0, or what the program is told. */
static int wait_for_room(struct unix_sock *us, struct unix_sock *l, bool nonblock)
{
	uint64_t timeout = READ_ONCE(us->s.snd_timeout_ns);
	int err;

	if (nonblock)
		return -EAGAIN;
	err = wait_event_full(&l->peer_wait, !is_full(l) || !is_listening(l), TASK_INTERRUPTIBLE,
		socket_deadline(timeout), WAIT_EXCLUSIVE);
	return err ? socket_wait_result(err, timeout) : 0;
}

/* One attempt at the socket that has the name now. */
static int connect_once(struct unix_sock *us, struct unix_sock *l)
{
	struct unix_sock *e;
	int err;

	if (!is_listening(l))
		return -ECONNREFUSED;
	if (is_full(l))
		return -EAGAIN;
	e = make_embryo(us);
	if (!e)
		return -ENOMEM;
	mutex_lock(&us->conf_mutex);
	err = check_unconnected(us);
	if (!err)
		err = join(l, us, e);
	mutex_unlock(&us->conf_mutex);
	if (err) {
		e->peer = NULL; /* nobody knows of it: no message about its end */
		socket_put(&us->s);
		unix_release(&e->s);
		socket_put(&e->s);
		return err;
	}
	socket_wake_readers(&l->s);
	return 0;
}

int unix_stream_connect(
	struct socket *s, const struct sockaddr_storage *a, unsigned len, unsigned file_flags)
{
	struct unix_sock *us = unix_sk(s), *l;
	int err = unix_check_addr(a, len);

	if (!err)
		err = unix_name_for_creds(us);
	while (!err) {
		err = unix_find(s->net, a, len, s->type, &l);
		if (err)
			break;
		err = connect_once(us, l);
		if (err == -EAGAIN) {
			err = wait_for_room(us, l, file_flags & O_NONBLOCK);
			socket_put(&l->s);
			continue;
		}
		socket_put(&l->s);
		break;
	}
	return err;
}

/* ---- listen, accept ---- */

int unix_listen(struct socket *s, int backlog)
{
	struct unix_sock *us = unix_sk(s);
	uint32_t most = s->net->inet ? s->net->inet->somaxconn : 4096;
	bool more = false;
	int err = 0;

	mutex_lock(&us->conf_mutex);
	if (!us->addr)
		err = -EINVAL;
	spin_lock(&s->lock);
	if (us->state == UNIX_CONNECTED)
		err = -EINVAL;
	if (!err) {
		more = us->state == UNIX_LISTENING;
		us->backlog = MIN((uint32_t)backlog, most);
		smp_store_release(&us->state, UNIX_LISTENING);
		unix_set_peer_cred(us, current->cred, own_pid());
	}
	spin_unlock(&s->lock);
	mutex_unlock(&us->conf_mutex);
	if (more)
		wake_up_all(&us->peer_wait);
	return err;
}

static struct unix_sock *take_pending(struct unix_sock *l)
{
	struct unix_sock *e = NULL;

	spin_lock(&l->s.lock);
	if (!list_empty(&l->pending)) {
		e = list_first(&l->pending, struct unix_sock, pending_node);
		list_del(&e->pending_node);
		l->nr_pending--;
		e->is_embryo = false;
	}
	spin_unlock(&l->s.lock);
	return e;
}

int unix_accept(struct socket *s, unsigned file_flags, struct socket **out)
{
	struct unix_sock *us = unix_sk(s), *e;
	uint64_t timeout = READ_ONCE(s->rcv_timeout_ns);
	uint64_t deadline = socket_deadline(timeout);
	int err;

	if (READ_ONCE(us->state) != UNIX_LISTENING)
		return -EINVAL;
	while (!(e = take_pending(us))) {
		if (file_flags & O_NONBLOCK)
			return -EAGAIN;
		if (READ_ONCE(s->shutdown) & SHUTDOWN_RD)
			return -EINVAL;
		err = wait_event_full(&s->rcv_wait,
			!list_empty(&us->pending) || (READ_ONCE(s->shutdown) & SHUTDOWN_RD),
			TASK_INTERRUPTIBLE, deadline, WAIT_EXCLUSIVE);
		if (err)
			return socket_wait_result(err, timeout);
	}
	if (wait_queue_active(&us->peer_wait))
		wake_up(&us->peer_wait);
	*out = &e->s;
	return 0;
}

/* ---- both ends at once ---- */

int unix_socketpair(struct socket *a, struct socket *b)
{
	struct unix_sock *ua = unix_sk(a), *ub = unix_sk(b);

	ua->peer = ub;
	ub->peer = ua;
	socket_get(a);
	socket_get(b);
	unix_set_peer_cred(ua, current->cred, own_pid());
	unix_set_peer_cred(ub, current->cred, own_pid());
	ua->state = ub->state = UNIX_CONNECTED;
	return 0;
}

static void add_shutdown(struct unix_sock *us, unsigned bits)
{
	spin_lock(&us->s.lock);
	WRITE_ONCE(us->s.shutdown, us->s.shutdown | bits);
	spin_unlock(&us->s.lock);
	socket_wake_all(&us->s);
}

/* What one end does not send any more, the other cannot read, and the other way round. */
int unix_shutdown(struct socket *s, int how)
{
	struct unix_sock *us = unix_sk(s), *peer = NULL;
	unsigned bits, theirs;

	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	bits = (unsigned)how + 1; /* SHUTDOWN_RD, SHUTDOWN_WR, both */
	theirs = (bits & SHUTDOWN_WR ? SHUTDOWN_RD : 0) | (bits & SHUTDOWN_RD ? SHUTDOWN_WR : 0);
	if (!unix_is_dgram(us))
		peer = READ_ONCE(us->peer);
	add_shutdown(us, bits);
	wake_up_all(&us->peer_wait);
	if (peer)
		add_shutdown(peer, theirs);
	return 0;
}
