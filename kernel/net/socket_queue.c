/*
 * socket_queue.c - what waits in sockets: memory charged to them, the receive and error queues,
 * sleeping readers and writers and who wakes them.
 *
 * Does not: know any protocol. Streams (TCP, AF_UNIX) queue by themselves and use the charging and
 * waking alone. A wake-up costs a fence and a load when nobody waits. A receive queue belongs to
 * the socket, so what is charged to rmem needs no reference; what is charged to wmem travels, and
 * holds one.
 */
#include <file.h>
#include <socket.h>
#include <string.h>
#include <task.h>
#include <time.h>

enum {
	EV_IN = POLLIN | POLLPRI | POLLRDNORM | POLLRDBAND,
	EV_OUT = POLLOUT | POLLWRNORM | POLLWRBAND
};
enum { STAMPS = SOPT_TIMESTAMP | SOPT_TIMESTAMPNS };

/* ---- memory ---- */

static void rcv_uncharge(struct pkt *p)
{
	atomic_add(&p->owner->rmem, -(int)p->truesize);
	net_mem_uncharge(p->truesize);
}

/* Of one that went in above the global limit. */
static void rcv_uncharge_socket(struct pkt *p)
{
	atomic_add(&p->owner->rmem, -(int)p->truesize);
}

static void charge_to(struct socket *s, struct pkt *p, bool global)
{
	pkt_orphan(p);
	atomic_add(&s->rmem, (int)p->truesize);
	p->owner = s;
	p->destructor = global ? rcv_uncharge : rcv_uncharge_socket;
}

bool socket_charge_rcv(struct socket *s, struct pkt *p)
{
	if ((uint32_t)atomic_read(&s->rmem) >= READ_ONCE(s->rcvbuf) || !net_mem_charge(p->truesize))
		return false;
	charge_to(s, p, true);
	return true;
}

void socket_force_charge_rcv(struct socket *s, struct pkt *p)
{
	charge_to(s, p, net_mem_charge(p->truesize));
}

/* Writers are woken when half of the buffer is free: not for each packet. */
void socket_uncharge_snd(struct pkt *p)
{
	struct socket *s = p->owner;
	uint32_t left = (uint32_t)atomic_add(&s->wmem, -(int)p->truesize);

	if (left < READ_ONCE(s->sndbuf) / 2)
		socket_wake_writers(s);
	socket_put(s);
}

void socket_charge_snd(struct socket *s, struct pkt *p)
{
	ASSERT(!p->destructor);
	atomic_add(&s->wmem, (int)p->truesize);
	p->owner = socket_get(s);
	p->destructor = socket_uncharge_snd;
}

/* ---- sleeping ---- */

uint64_t socket_deadline(uint64_t timeout_ns)
{
	uint64_t now;

	if (!timeout_ns)
		return WAIT_NO_DEADLINE;
	now = clock_ns();
	return timeout_ns < WAIT_NO_DEADLINE - now ? now + timeout_ns : WAIT_NO_DEADLINE;
}

int socket_wait_result(int err, uint64_t timeout_ns)
{
	if (err == -ETIME)
		return -EAGAIN;
	return err == -ERESTARTSYS && timeout_ns ? -EINTR : err;
}

static bool has_room(const struct socket *s)
{
	return (uint32_t)atomic_read(&s->wmem) < READ_ONCE(s->sndbuf);
}

int socket_wait_sndbuf(struct socket *s, unsigned flags)
{
	uint64_t timeout = READ_ONCE(s->snd_timeout_ns);
	uint64_t deadline = 0;
	int err;

	for (;;) {
		if (unlikely(READ_ONCE(s->error))) {
			err = socket_take_error(s);
			if (err)
				return err;
		}
		if (READ_ONCE(s->shutdown) & SHUTDOWN_WR)
			return -EPIPE;
		if (likely(has_room(s)))
			return 0;
		if (flags & MSG_DONTWAIT)
			return -EAGAIN;
		if (!deadline)
			deadline = socket_deadline(timeout);
		err = wait_event_full(&s->snd_wait,
			has_room(s) || READ_ONCE(s->error) ||
				(READ_ONCE(s->shutdown) & SHUTDOWN_WR),
			TASK_INTERRUPTIBLE, deadline, 0);
		if (err)
			return socket_wait_result(err, timeout);
	}
}

/* ---- the receive queue ---- */

static uint32_t filter_verdict(struct socket *s, struct pkt *p)
{
	const struct sock_filter_prog *prog;
	uint32_t keep = UINT32_MAX;

	rcu_read_lock();
	prog = rcu_dereference(s->filter);
	if (prog)
		keep = bpf_run(prog, p);
	rcu_read_unlock();
	return keep;
}

/* It sees @header bytes that lie before the data, and cannot cut those. */
static bool filter_passes(struct socket *s, struct pkt *p, unsigned header)
{
	uint32_t keep;

	if (likely(!READ_ONCE(s->filter)))
		return true;
	(void)pkt_push(p, header);
	keep = filter_verdict(s, p);
	if (keep && keep < p->len)
		pkt_trim(p, MAX(keep, header));
	pkt_pull(p, header);
	return keep;
}

bool socket_filter_passes(struct socket *s, struct pkt *p)
{
	return filter_passes(s, p, 0);
}

static bool wants_stamps(const struct socket *s)
{
	return (READ_ONCE(s->opts) & STAMPS) ||
	       (READ_ONCE(s->tsflags) & SOF_TIMESTAMPING_RX_SOFTWARE);
}

bool socket_queue_rcv(struct socket *s, struct pkt *p)
{
	return socket_queue_rcv_after(s, p, 0);
}

bool socket_queue_rcv_after(struct socket *s, struct pkt *p, unsigned header)
{
	bool counted = false;

	if (!filter_passes(s, p, header))
		goto drop;
	if (unlikely(wants_stamps(s)) && !p->tstamp_ns)
		p->tstamp_ns = (uint64_t)realtime_ns();
	counted = true;
	spin_lock(&s->lock);
	if (s->dead || !socket_charge_rcv(s, p)) {
		s->drops++;
		spin_unlock(&s->lock);
		goto drop;
	}
	pkt_enqueue(&s->rcv, p);
	spin_unlock(&s->lock);
	socket_wake_readers(s);
	return true;

drop:
	if (!counted)
		__atomic_add_fetch(&s->drops, 1, __ATOMIC_RELAXED);
	pkt_free(p);
	return false;
}

/* The one a peek begins in: SO_PEEK_OFF counts over the queue. */
static struct pkt *find_peeked(struct socket *s)
{
	int64_t off = s->peek_off;
	struct pkt *p;

	s->peek_skip = 0;
	if (likely(off < 0))
		return pkt_peek(&s->rcv);
	list_for_each_entry (p, &s->rcv.list, node) {
		if (off < p->len || (!off && !p->len)) {
			s->peek_skip = (int32_t)off;
			return p;
		}
		off -= p->len;
	}
	return NULL;
}

static struct pkt *take_first(struct socket *s)
{
	s->peek_skip = 0;
	return pkt_dequeue(&s->rcv);
}

/* An error, a datagram, or neither: -EAGAIN; *tail is then the end of the queue as it was. On
 * success rcv_mutex is held. */
static int rcv_try(
	struct socket *s, unsigned flags, struct pkt **out, const struct list_head **tail)
{
	struct pkt *p;

	if (unlikely(READ_ONCE(s->error))) {
		int err = socket_take_error(s);

		if (err)
			return err;
	}
	*tail = &s->rcv.list;
	if (list_empty(&s->rcv.list))
		return -EAGAIN;
	mutex_lock(&s->rcv_mutex);
	spin_lock(&s->lock);
	p = flags & MSG_PEEK ? find_peeked(s) : take_first(s);
	if (!p)
		*tail = s->rcv.list.prev;
	spin_unlock(&s->lock);
	if (p) {
		*out = p;
		return 0;
	}
	mutex_unlock(&s->rcv_mutex);
	return -EAGAIN;
}

int socket_rcv_begin(struct socket *s, unsigned flags, struct pkt **out)
{
	uint64_t timeout = READ_ONCE(s->rcv_timeout_ns);
	uint64_t deadline = 0;

	*out = NULL;
	for (;;) {
		const struct list_head *tail;
		int err = rcv_try(s, flags, out, &tail);

		if (err != -EAGAIN || (flags & MSG_DONTWAIT))
			return err;
		if (READ_ONCE(s->shutdown) & SHUTDOWN_RD)
			return 0;
		if (!deadline)
			deadline = socket_deadline(timeout);
		err = wait_event_full(&s->rcv_wait,
			READ_ONCE(s->rcv.list.prev) != tail || READ_ONCE(s->error) ||
				(READ_ONCE(s->shutdown) & SHUTDOWN_RD),
			TASK_INTERRUPTIBLE, deadline, WAIT_EXCLUSIVE);
		if (err)
			return socket_wait_result(err, timeout);
	}
}

void socket_rcv_done(struct socket *s, struct pkt *p, unsigned flags)
{
	if (p->tstamp_ns)
		s->stamp_ns = p->tstamp_ns;
	mutex_unlock(&s->rcv_mutex);
	if (!(flags & MSG_PEEK))
		pkt_free(p);
}

static void put_stamp(struct socket_msg *m, uint32_t opts, const struct timespec *ts)
{
	struct timeval tv = {ts->tv_sec, ts->tv_nsec / 1000};
	bool new = opts &SOPT_TIMESTAMP_NEW;

	if (opts & SOPT_TIMESTAMPNS)
		cmsg_put(m, SOL_SOCKET, new ? SO_TIMESTAMPNS_NEW : SO_TIMESTAMPNS, ts, sizeof(*ts));
	else
		cmsg_put(m, SOL_SOCKET, new ? SO_TIMESTAMP_NEW : SO_TIMESTAMP, &tv, sizeof(tv));
}

void socket_put_cmsgs(struct socket *s, struct socket_msg *m, const struct pkt *p)
{
	const uint32_t both = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
	uint32_t opts = READ_ONCE(s->opts);
	struct timespec ts[3] = {0}; /* software, and two of hardware */

	if (likely(!(opts & (STAMPS | SOPT_RXQ_OVFL)) && !s->tsflags))
		return;
	ts[0] = ns_to_timespec(p->tstamp_ns ? (int64_t)p->tstamp_ns : realtime_ns());
	if (opts & STAMPS)
		put_stamp(m, opts, &ts[0]);
	if ((s->tsflags & both) == both)
		cmsg_put(m, SOL_SOCKET,
			opts & SOPT_TIMESTAMP_NEW ? SO_TIMESTAMPING_NEW : SO_TIMESTAMPING, ts,
			sizeof(ts));
	if ((opts & SOPT_RXQ_OVFL) && s->drops)
		cmsg_put(m, SOL_SOCKET, SO_RXQ_OVFL, &s->drops, sizeof(s->drops));
}

/* ---- errors ---- */

void socket_set_error(struct socket *s, int err)
{
	WRITE_ONCE(s->error, err);
	socket_wake_all(s);
}

int socket_take_error(struct socket *s)
{
	return READ_ONCE(s->error) ? -__atomic_exchange_n(&s->error, 0, __ATOMIC_ACQ_REL) : 0;
}

void socket_queue_error(struct socket *s, struct pkt *p, const struct sock_ext_err *e,
	const struct sockaddr_storage *offender)
{
	struct socket_err_cb *cb = socket_err_cb(p);
	bool queued;

	memset(cb, 0, sizeof(*cb));
	cb->e = *e;
	if (offender)
		memcpy(cb->offender, offender, sizeof(cb->offender));
	spin_lock(&s->lock);
	queued = !s->dead && socket_charge_rcv(s, p);
	if (queued) {
		spin_lock(&s->errq_lock);
		pkt_enqueue(&s->errq, p);
		spin_unlock(&s->errq_lock);
	}
	spin_unlock(&s->lock);
	if (queued)
		socket_wake_all(s);
	else
		pkt_free(p);
}

struct pkt *socket_dequeue_error(struct socket *s)
{
	struct pkt *p;

	spin_lock(&s->errq_lock);
	p = pkt_dequeue(&s->errq);
	spin_unlock(&s->errq_lock);
	return p;
}

/* ---- wake-ups ---- */

static void tell_owner(struct socket *s, unsigned events)
{
	struct file *f;

	rcu_read_lock();
	f = READ_ONCE(s->file);
	if (f && file_signal)
		file_signal(f, events);
	rcu_read_unlock();
}

void socket_wake_readers(struct socket *s)
{
	if (wait_queue_active(&s->rcv_wait))
		wake_up_key(&s->rcv_wait, EV_IN);
	if (unlikely(READ_ONCE(s->async.on)))
		tell_owner(s, POLLIN | POLLRDNORM);
}

void socket_wake_writers(struct socket *s)
{
	if (wait_queue_active(&s->snd_wait))
		wake_up_key(&s->snd_wait, EV_OUT);
	if (unlikely(READ_ONCE(s->async.on)))
		tell_owner(s, POLLOUT | POLLWRNORM);
}

void socket_wake_all(struct socket *s)
{
	if (wait_queue_active(&s->rcv_wait))
		wake_up_all(&s->rcv_wait);
	if (wait_queue_active(&s->snd_wait))
		wake_up_all(&s->snd_wait);
	if (unlikely(READ_ONCE(s->async.on)))
		tell_owner(s, POLLIN | POLLOUT | POLLERR | POLLHUP);
}

/* Whether O_ASYNC is set or not (socket(7)); the owner is F_SETOWN's. */
void socket_urgent(struct socket *s)
{
	if (wait_queue_active(&s->rcv_wait))
		wake_up_key(&s->rcv_wait, POLLPRI);
	tell_owner(s, POLLPRI);
}

unsigned socket_poll_datagram(struct socket *s)
{
	unsigned down = READ_ONCE(s->shutdown), ev = 0;

	if (READ_ONCE(s->error) || !list_empty(&s->errq.list))
		ev |= POLLERR | (READ_ONCE(s->select_errq) ? POLLPRI : 0);
	if (down & SHUTDOWN_RD)
		ev |= POLLRDHUP | POLLIN | POLLRDNORM;
	if (down == (SHUTDOWN_RD | SHUTDOWN_WR))
		ev |= POLLHUP;
	if (!list_empty(&s->rcv.list))
		ev |= POLLIN | POLLRDNORM;
	if (socket_writable(s))
		ev |= EV_OUT;
	return ev;
}
