/*
 * unix_stream.c - bytes on AF_UNIX streams.
 *
 * A write is cut into pieces, each one pkt on the other end's queue; a short one lies in the pkt's
 * own memory. A read takes as many pkts as it has room for, but never bytes beyond a pkt that
 * brought descriptors, nor, with SO_PASSCRED, bytes of another sender than the first's: what goes
 * with the bytes stays with them (unix(7)). A pkt's rights are given out with its first byte.
 *
 * Only the reader takes pkts off the head, under rcv_mutex; writers append. So the head is found
 * without the lock.
 */
#include <string.h>
#include <task.h>
#include "unix.h"

#define PIECE 32768u /* one room of payload (pkt.c); large enough to make the rest cheap */

/* ---- sending ---- */

/* At least two pieces fit into the buffer, so that reader and writer can work at once. */
static size_t piece_size(const struct socket *s, size_t left)
{
	uint32_t half = READ_ONCE(s->sndbuf) / 2 - 64;

	return MIN(left, (size_t)MIN(half, PIECE));
}

static int deliver(struct unix_sock *peer, struct pkt *p)
{
	struct socket *s = &peer->s;

	spin_lock(&s->lock);
	if (unlikely(s->shutdown & SHUTDOWN_RD)) { /* closed ends are shut down too */
		spin_unlock(&s->lock);
		return -EPIPE;
	}
	pkt_enqueue(&s->rcv, p);
	spin_unlock(&s->lock);
	socket_wake_readers(s);
	return 0;
}

/* One piece: bytes sent or -errno. The rights go with the first. */
static ssize_t send_piece(struct socket *s, struct unix_sock *peer, struct socket_msg *m,
	size_t size, struct unix_cb *cb)
{
	struct pkt *p;
	ssize_t n;
	int err = socket_wait_sndbuf(s, m->flags);

	if (err)
		return err;
	p = pkt_alloc(0);
	if (!p)
		return -ENOMEM;
	n = pkt_append_iter(p, m->iter, size);
	if (n != (ssize_t)size) {
		pkt_free(p);
		return n < 0 ? n : -EFAULT;
	}
	socket_charge_snd(s, p);
	err = unix_scm_attach(p, cb);
	if (!err) {
		cb->rights = NULL;
		err = deliver(peer, p);
	}
	if (err) {
		pkt_free(p);
		return err;
	}
	return n;
}

static int may_send(const struct unix_sock *us, const struct socket_msg *m)
{
	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (m->name && m->name_len)
		return us->state == UNIX_CONNECTED ? -EISCONN : -EOPNOTSUPP;
	if (!READ_ONCE(us->peer))
		return -ENOTCONN;
	return READ_ONCE(us->s.shutdown) & SHUTDOWN_WR ? -EPIPE : 0;
}

ssize_t unix_stream_send(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags)
{
	struct unix_sock *us = unix_sk(s);
	struct unix_cb cb;
	size_t sent = 0;
	ssize_t r = unix_scm_get(m, &cb);

	if (r)
		return r;
	r = may_send(us, m);
	while (!r && sent < n) {
		ssize_t done = send_piece(s, us->peer, m, piece_size(s, n - sent), &cb);

		if (done < 0)
			r = done;
		else
			sent += (size_t)done;
	}
	if (unlikely(cb.rights))
		unix_rights_drop(cb.rights);
	return sent ? (ssize_t)sent : r;
}

/* ---- receiving ---- */

struct reading {
	struct socket *s;
	struct socket_msg *m;
	size_t left, copied;
	struct pkt *last; /* MSG_PEEK: seen already */
	uint32_t skip;    /* MSG_PEEK: bytes to leave out (SO_PEEK_OFF) */
	bool has_cred;    /* of the first bytes */
	struct socket_ucred cred;
	struct unix_rights *rights;
	bool stop; /* no more in this call */
};

static bool is_peek(const struct reading *r)
{
	return r->m->flags & MSG_PEEK;
}

/* The pkt to go on with, or NULL. Of what stands before a peek's offset, nothing is given. */
static struct pkt *next_pkt(struct reading *r)
{
	struct list_head *head = &r->s->rcv.list;
	struct list_head *at = r->last ? &r->last->node : head;
	struct list_head *n = READ_ONCE(at->next);

	while (n != head) {
		struct pkt *p = list_entry(n, struct pkt, node);

		if (likely(!is_peek(r) || r->skip < p->len))
			return p;
		r->skip -= p->len;
		r->last = p;
		n = READ_ONCE(n->next);
	}
	return NULL;
}

/* False: these bytes are of somebody else than the first ones. */
static bool same_sender(struct reading *r, const struct pkt *p)
{
	const struct socket_ucred *c = &unix_cb(p)->cred;

	if (likely(!(READ_ONCE(r->s->opts) & SOPT_PASSCRED)))
		return true;
	if (!r->has_cred) {
		r->has_cred = true;
		r->cred = *c;
		return true;
	}
	return c->pid == r->cred.pid && c->uid == r->cred.uid && c->gid == r->cred.gid;
}

/* @n bytes at the head were copied. */
static void consume(struct socket *s, struct pkt *p, uint32_t n)
{
	bool is_empty;

	spin_lock(&s->lock);
	is_empty = n == p->len;
	if (is_empty) {
		pkt_unlink(&s->rcv, p);
	} else {
		pkt_pull(p, n);
		s->rcv.bytes -= n;
	}
	spin_unlock(&s->lock);
	if (is_empty)
		pkt_free(p);
}

static int read_pkt(struct reading *r, struct pkt *p)
{
	uint32_t n = (uint32_t)MIN(r->left, (size_t)(p->len - r->skip));

	if (pkt_copy_iter(p, r->skip, r->m->iter, n))
		return -EFAULT;
	if (!r->copied && r->m->name)
		unix_put_name(r->m, unix_sk(p->owner));
	r->copied += n;
	r->left -= n;
	if (unlikely(unix_cb(p)->rights)) {
		r->rights = unix_rights_take(r->s, p, r->m->flags);
		r->stop = true;
	}
	socket_peek_moved(r->s, r->m->flags, n);
	if (unlikely(is_peek(r))) {
		r->skip = 0;
		r->last = p;
	} else {
		consume(r->s, p, n);
	}
	return 0;
}

/* Nothing is left to read: 1: enough, or the end; 0: there may be more now; -errno. rcv_mutex is
 * dropped while it waits. */
static int wait_for_more(struct reading *r, size_t target)
{
	struct socket *s = r->s;
	uint64_t timeout = READ_ONCE(s->rcv_timeout_ns);
	const struct list_head *tail;
	int err;

	if (r->copied >= target || (r->copied && is_peek(r)))
		return 1;
	err = socket_take_error(s);
	if (err)
		return err;
	if (READ_ONCE(s->shutdown) & SHUTDOWN_RD)
		return 1;
	if (r->m->flags & MSG_DONTWAIT)
		return -EAGAIN;
	tail = r->last ? &r->last->node : &s->rcv.list; /* a peek's offset may be beyond it */
	r->last = NULL;                                 /* another reader may take it */
	mutex_unlock(&s->rcv_mutex);
	err = wait_event_full(&s->rcv_wait,
		READ_ONCE(s->rcv.list.prev) != tail || READ_ONCE(s->error) ||
			(READ_ONCE(s->shutdown) & SHUTDOWN_RD),
		TASK_INTERRUPTIBLE, socket_deadline(timeout), 0);
	mutex_lock(&s->rcv_mutex);
	if (is_peek(r) && s->peek_off >= 0)
		r->skip = (uint32_t)s->peek_off;
	return err ? socket_wait_result(err, timeout) : 0;
}

static int read_all(struct reading *r, size_t target)
{
	int err = 0;

	while (!err && !r->stop) {
		struct pkt *p = next_pkt(r);

		if (!p) {
			err = wait_for_more(r, target);
			if (err > 0)
				return 0;
		} else if (!same_sender(r, p)) {
			return 0;
		} else {
			err = read_pkt(r, p);
			if (!r->left)
				return err;
		}
	}
	return err;
}

ssize_t unix_stream_recv(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags)
{
	struct reading r = {.s = s, .m = m, .left = n};
	size_t target = m->flags & MSG_WAITALL ? n : MIN(n, (size_t)READ_ONCE(s->rcvlowat));
	int err;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (smp_load_acquire(&unix_sk(s)->state) != UNIX_CONNECTED)
		return -EINVAL;
	mutex_lock(&s->rcv_mutex);
	if ((m->flags & MSG_PEEK) && s->peek_off >= 0)
		r.skip = (uint32_t)s->peek_off;
	err = read_all(&r, MAX(target, (size_t)1));
	mutex_unlock(&s->rcv_mutex);
	if (r.copied || !err)
		unix_scm_put(s, m, r.has_cred ? &r.cred : NULL, r.rights);
	return r.copied ? (ssize_t)r.copied : err;
}
