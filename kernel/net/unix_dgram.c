/*
 * unix_dgram.c - AF_UNIX datagrams, and the messages of SOCK_SEQPACKET.
 *
 * A socket that is connected receives from its peer alone. One that others send to takes eleven
 * datagrams, then its senders wait on its peer_wait (unless it is their own peer: then only the
 * sender's buffer counts). poll(2) of such a sender hangs an entry, the relay, on the receiver's
 * peer_wait, which wakes the sender's own queue.
 *
 * Does not: keep datagrams to a socket that connects elsewhere (they are lost, as unix(7) allows).
 */
#include <cred.h>
#include <policy.h>
#include <task.h>
#include "unix.h"

/* ---- the relay ---- */

static int relay_wake(struct wait_entry *we, unsigned key)
{
	struct unix_sock *us = container_of(we, struct unix_sock, relay);

	if (wait_queue_active(&us->s.snd_wait))
		wake_up_key(&us->s.snd_wait, POLLOUT | POLLWRNORM | POLLWRBAND);
	return 0;
}

void unix_relay_start(struct unix_sock *us, struct unix_sock *peer)
{
	struct unix_sock *old = NULL;

	if (READ_ONCE(us->relay_peer) == peer)
		return;
	spin_lock(&us->s.lock);
	if (us->relay_peer != peer && socket_try_get(&peer->s)) {
		old = us->relay_peer;
		if (old)
			wait_queue_remove(&old->peer_wait, &us->relay);
		us->relay.wake = relay_wake;
		us->relay_peer = peer;
		wait_queue_add(&peer->peer_wait, &us->relay);
	}
	spin_unlock(&us->s.lock);
	if (old)
		socket_put(&old->s);
}

void unix_relay_stop(struct unix_sock *us)
{
	struct unix_sock *old;

	spin_lock(&us->s.lock);
	old = us->relay_peer;
	us->relay_peer = NULL;
	if (old)
		wait_queue_remove(&old->peer_wait, &us->relay);
	spin_unlock(&us->s.lock);
	if (old)
		socket_put(&old->s);
}

/* ---- connect ---- */

bool unix_may_send(const struct unix_sock *from, const struct unix_sock *to)
{
	return !to->peer || to->peer == from;
}

/* @us has another peer than @old now (or none): what @old sent is lost; if it was connected to us,
 * it is told. Consumes the reference. */
static void disconnected(struct unix_sock *us, struct unix_sock *old)
{
	struct pkt_queue lost;
	struct pkt *p, *next;
	bool was_ours;

	pkt_queue_init(&lost);
	mutex_lock(&us->s.rcv_mutex);
	spin_lock(&us->s.lock);
	list_for_each_entry_safe (p, next, &us->s.rcv.list, node) {
		pkt_unlink(&us->s.rcv, p);
		pkt_enqueue(&lost, p);
	}
	spin_unlock(&us->s.lock);
	mutex_unlock(&us->s.rcv_mutex);
	spin_lock(&old->s.lock);
	was_ours = !old->s.dead && old->peer == us && !list_empty(&lost.list);
	if (was_ours)
		WRITE_ONCE(old->s.error, ECONNRESET);
	spin_unlock(&old->s.lock);
	if (was_ours)
		socket_wake_all(&old->s);
	if (!list_empty(&lost.list)) {
		pkt_queue_purge(&lost);
		wake_up_all(&us->peer_wait);
	}
	unix_relay_stop(us);
	socket_put(&old->s);
}

static void set_peer(struct unix_sock *us, struct unix_sock *peer)
{
	struct unix_sock *old;

	spin_lock(&us->s.lock);
	old = us->peer;
	rcu_assign(us->peer, peer);
	WRITE_ONCE(us->state, peer ? UNIX_CONNECTED : UNIX_CLOSED);
	spin_unlock(&us->s.lock);
	if (!old)
		return;
	if (old == peer)
		socket_put(&old->s); /* the same as before: nothing changed but the count */
	else
		disconnected(us, old);
}

int unix_dgram_connect(
	struct socket *s, const struct sockaddr_storage *a, unsigned len, unsigned file_flags)
{
	struct unix_sock *us = unix_sk(s), *to = NULL;
	bool allowed;
	int err;

	if (len < sizeof(a->ss_family))
		return -EINVAL;
	if (a->ss_family != AF_UNSPEC) {
		err = unix_check_addr(a, len);
		if (!err)
			err = unix_name_for_creds(us);
		if (!err)
			err = unix_find(s->net, a, len, s->type, &to);
		if (err)
			return err;
		spin_lock(&to->s.lock);
		allowed = unix_may_send(us, to);
		spin_unlock(&to->s.lock);
		if (!allowed) {
			socket_put(&to->s);
			return -EPERM;
		}
	}
	mutex_lock(&us->conf_mutex);
	set_peer(us, to);
	mutex_unlock(&us->conf_mutex);
	return 0;
}

/* ---- sending ---- */

static int deliver(struct unix_sock *us, struct unix_sock *to, struct pkt *p)
{
	int err = 0;

	spin_lock(&to->s.lock);
	if (!unix_may_send(us, to))
		err = -EPERM;
	else if (to->s.dead)
		err = -ECONNREFUSED;
	else if (to->s.shutdown & SHUTDOWN_RD)
		err = -EPIPE;
	else if (unix_dgram_full(us, to))
		err = -EAGAIN;
	else
		pkt_enqueue(&to->s.rcv, p);
	spin_unlock(&to->s.lock);
	if (!err)
		socket_wake_readers(&to->s);
	return err;
}

/* The peer is gone: forget it, once. */
static void peer_is_dead(struct unix_sock *us, struct unix_sock *dead)
{
	spin_lock(&us->s.lock);
	if (us->peer != dead) {
		spin_unlock(&us->s.lock);
		return;
	}
	rcu_assign(us->peer, NULL);
	if (unix_is_dgram(us))
		WRITE_ONCE(us->state, UNIX_CLOSED);
	spin_unlock(&us->s.lock);
	if (unix_is_dgram(us))
		disconnected(us, dead);
	else
		socket_put(&dead->s);
}

static int wait_for_room(struct unix_sock *us, struct unix_sock *to, unsigned flags)
{
	uint64_t timeout = READ_ONCE(us->s.snd_timeout_ns);
	int err;

	if (flags & MSG_DONTWAIT)
		return -EAGAIN;
	err = wait_event_full(&to->peer_wait,
		!unix_dgram_full(us, to) || READ_ONCE(to->s.dead) || READ_ONCE(to->s.shutdown),
		TASK_INTERRUPTIBLE, socket_deadline(timeout), WAIT_EXCLUSIVE);
	return err ? socket_wait_result(err, timeout) : 0;
}

/* Until @p is queued on @to, or cannot be. */
static int deliver_to(struct unix_sock *us, struct unix_sock *to, struct pkt *p, unsigned flags)
{
	int err;

	while ((err = deliver(us, to, p)) == -EAGAIN) {
		err = wait_for_room(us, to, flags);
		if (err)
			break;
	}
	return err;
}

/* The same to the peer; the usual case needs no reference. */
static int deliver_to_peer(struct unix_sock *us, struct pkt *p, unsigned flags)
{
	struct unix_sock *to;
	int err = -ENOTCONN;

	rcu_read_lock();
	to = rcu_dereference(us->peer);
	if (to)
		err = deliver(us, to, p);
	if (likely(!err) || !to || !socket_try_get(&to->s)) {
		rcu_read_unlock();
		return err;
	}
	rcu_read_unlock();
	if (err == -EAGAIN)
		err = deliver_to(us, to, p, flags);
	if (err == -ECONNREFUSED)
		peer_is_dead(us, to);
	socket_put(&to->s);
	return err;
}

static int make_pkt(
	struct socket *s, struct socket_msg *m, size_t n, struct unix_cb *cb, struct pkt **out)
{
	struct pkt *p;
	ssize_t got;
	int err;

	if (n > READ_ONCE(s->sndbuf) - 32)
		return -EMSGSIZE;
	err = socket_wait_sndbuf(s, m->flags);
	if (err)
		return err;
	p = pkt_alloc(0);
	if (!p)
		return -ENOMEM;
	got = n ? pkt_append_iter(p, m->iter, n) : 0;
	if (got != (ssize_t)n) {
		pkt_free(p);
		return got < 0 ? (int)got : m->iter->count ? -EMSGSIZE : -EFAULT;
	}
	socket_charge_snd(s, p);
	err = unix_scm_attach(p, cb);
	if (err) {
		pkt_free(p);
		return err;
	}
	cb->rights = NULL;
	*out = p;
	return 0;
}

/* Where a message goes: *to referenced, or NULL: the peer. */
static int destination(struct unix_sock *us, struct socket_msg *m, struct unix_sock **to)
{
	struct policy_net what = {.family = AF_UNIX, .type = us->s.type};
	int err;

	*to = NULL;
	if (!m->name || !m->name_len)
		return READ_ONCE(us->peer) ? 0 : -ENOTCONN;
	err = unix_check_addr(m->name, m->name_len);
	if (!err)
		err = policy_net(current->cred, POLICY_NET_CONNECT, &what);
	return err ? err : unix_find(us->s.net, m->name, m->name_len, us->s.type, to);
}

static int send_one(struct unix_sock *us, struct socket_msg *m, size_t n, struct unix_cb *cb)
{
	struct unix_sock *to;
	struct pkt *p;
	int err = destination(us, m, &to);

	if (err)
		return err;
	err = make_pkt(&us->s, m, n, cb, &p);
	if (!err) {
		err = to ? deliver_to(us, to, p, m->flags) : deliver_to_peer(us, p, m->flags);
		if (err)
			pkt_free(p);
	}
	if (to)
		socket_put(&to->s);
	return err;
}

ssize_t unix_dgram_send(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags)
{
	struct unix_sock *us = unix_sk(s);
	struct unix_cb cb;
	int err = unix_scm_get(m, &cb);

	if (err)
		return err;
	if (m->flags & MSG_OOB)
		err = -EOPNOTSUPP;
	if (!err)
		err = unix_name_for_creds(us);
	if (!err)
		err = send_one(us, m, n, &cb);
	if (unlikely(cb.rights))
		unix_rights_drop(cb.rights);
	return err ? err : (ssize_t)n;
}

/* ---- receiving ---- */

ssize_t unix_dgram_recv(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags)
{
	struct unix_sock *us = unix_sk(s);
	struct unix_rights *rights = NULL;
	struct socket_ucred cred;
	uint32_t skip, size;
	struct pkt *p;
	ssize_t r;
	int err;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	err = socket_rcv_begin(s, m->flags, &p);
	/* the end of a connection is not "nothing yet" */
	if (err == -EAGAIN && !unix_is_dgram(us) && (READ_ONCE(s->shutdown) & SHUTDOWN_RD))
		return 0;
	if (err || !p)
		return err;
	if (wait_queue_active(&us->peer_wait))
		wake_up_key(&us->peer_wait, POLLOUT | POLLWRNORM | POLLWRBAND);
	unix_put_name(m, unix_sk(p->owner));
	skip = (uint32_t)s->peek_skip;
	size = (uint32_t)MIN(n, (size_t)(p->len - skip));
	if (size < p->len - skip)
		m->out_flags |= MSG_TRUNC;
	err = pkt_copy_iter(p, skip, m->iter, size);
	if (!err) {
		socket_put_cmsgs(s, m, p);
		cred = unix_cb(p)->cred;
		if (unlikely(unix_cb(p)->rights))
			rights = unix_rights_take(s, p, m->flags);
		socket_peek_moved(s, m->flags, m->flags & MSG_PEEK ? size : p->len);
	}
	r = m->flags & MSG_TRUNC ? (ssize_t)(p->len - skip) : (ssize_t)size;
	socket_rcv_done(s, p, m->flags);
	if (err)
		return err;
	unix_scm_put(s, m, &cred, rights);
	return r;
}
