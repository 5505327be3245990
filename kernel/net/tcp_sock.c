/*
 * tcp_sock.c - what a program does to a TCP socket as a whole: bind, connect, shut down, close;
 * what its names, poll(2) and ioctl(2) say of it.
 *
 * bind, connect, listen and disconnecting are serialised by snd_mutex, which a connect gives back
 * while it waits. Does not: listen and accept (tcp_listen.c), data, options.
 */
#include <file.h>
#include <poll.h>
#include <sched.h>
#include <task.h>
#include "tcp.h"

enum { SIOCINQ = 0x541b, SIOCOUTQ = 0x5411, SIOCATMARK = 0x8905, SIOCOUTQNSD = 0x894b };

int tcp_bind(struct socket *s, const struct sockaddr_storage *a, unsigned len)
{
	struct tcp_sock *tp = tcp_sk(s);
	struct inet_sock *is = &tp->is;
	struct ip_addr ip;
	uint32_t ifindex;
	__be16 port;
	int err = inet_bind_name(is, a, len);

	if (!err)
		err = inet_addr_in(is, a, len, &ip, &port, &ifindex);
	if (err)
		return err == -ENETUNREACH ? -EINVAL : err;
	mutex_lock(&s->snd_mutex);
	err = tp->state != TCP_CLOSE || is->lport ? -EINVAL : inet_bind_check(is, &ip, &ifindex);
	if (!err)
		err = inet_bind(tcp_ports, is, &ip, port, ifindex);
	if (!err) {
		is->is_bound_addr = !ip_is_any(&ip);
		is->is_bound_port = port != 0;
		if (ip_is_link_local(&ip) && !ip_is_v4(&ip))
			is->scope_id = ifindex;
	}
	mutex_unlock(&s->snd_mutex);
	return err;
}

/* ---- connect(2) ---- */

struct attempt {
	struct tcp_sock *tp;
	uint64_t now;
	struct tcp_tw *tw; /* whose place we take */
};

/* Is the four-tuple with @port ours? Then it is in the table already: nobody else can have it. */
static bool claim(void *arg, __be16 port)
{
	struct attempt *at = arg;
	struct tcp_sock *tp = at->tp;
	struct inet_sock *is = &tp->is;
	struct tcp_ent *other;

	tcp_ent_set(&tp->ent, is->s.net, &is->local, port, &is->remote, is->rport,
		is->s.ifindex ? is->s.ifindex : is->scope_id, TCP_SOCK);
	other = tcp_hash_add(&tp->ent);
	if (!other)
		return true;
	if (other->kind != TCP_TW ||
		!tcp_tw_reuse(container_of(other, struct tcp_tw, ent), tp, at->now))
		return false;
	at->tw = container_of(other, struct tcp_tw, ent);
	return true;
}

static int choose_port(struct tcp_sock *tp, uint64_t now)
{
	struct attempt at = {.tp = tp, .now = now};
	int err = 0;

	tp->hashed = true; /* seen by others from claim() on, in TCP_CLOSE: they drop segments */
	tp->fresh_iss = false;
	if (!tp->is.lport)
		err = inet_bind_connect(tcp_ports, &tp->is, claim, &at);
	else if (!claim(&at, tp->is.lport))
		err = -EADDRNOTAVAIL;
	if (at.tw)
		tcp_tw_forget(at.tw);
	if (err)
		tp->hashed = false;
	else
		tp->was_hashed = true;
	return err;
}

/* A peer's address that a connection can go to, as the socket's family and binding allow. */
static int check_peer(const struct inet_sock *is, struct ip_addr *ip)
{
	bool v4;

	inet_any_to_loopback(ip);
	v4 = ip_is_v4(ip);
	if (ip_is_multicast(ip))
		return -ENETUNREACH;
	if (is->s.family == AF_INET || ip_is_any(&is->local))
		return v4 && is->v6only ? -ENETUNREACH : 0;
	return v4 == ip_is_v4(&is->local) ? 0 : v4 ? -EINVAL : -ENETUNREACH;
}

/* Route and local address. In a section. */
static int find_way(struct tcp_sock *tp, const struct ip_addr *ip, __be16 port, uint32_t ifindex)
{
	struct inet_sock *is = &tp->is;
	struct ip_addr was = is->local;
	int err;

	tcp_lock(tp);
	is->remote = *ip;
	is->rport = port;
	if (ifindex)
		is->scope_id = ifindex;
	dst_release(&is->dst);
	err = inet_route(is);
	if (!err && (is->dst.kind == DST_BROADCAST || is->dst.kind == DST_MULTICAST))
		err = -ENETUNREACH;
	if (!err && ip_is_any(&is->local))
		is->local = is->dst.src;
	tcp_unlock(tp);
	if (!err && is->lport && !ip_equal(&was, &is->local))
		inet_bind_rename(tcp_ports, is);
	return err;
}

static void set_offer(struct tcp_sock *tp)
{
	const struct net_inet *ni = tp->is.s.net->inet;
	uint32_t size = tp->is.s.rcvbuf;

	tp->ts_ok = ni->tcp_timestamps;
	tp->sack_ok = ni->tcp_sack;
	tp->wscale_ok = ni->tcp_window_scaling;
	tp->ecn_ok = ni->tcp_ecn;
	if (tp->user_clamp)
		tp->window_clamp = tp->user_clamp;
	tp->rcv_wscale = tp->wscale_ok ? tcp_choose_wscale(tp->is.s.net, size,
						 tp->is.s.opts & SOPT_RCVBUF_LOCK)
				       : 0;
	tp->rcv_wnd = MIN(MIN(size / 2, tp->window_clamp), 65535u);
	tp->advmss = tcp_advmss(&tp->is.dst, ip_is_v4(&tp->is.remote), tp->user_mss);
	tp->ts_off = tcp_ts_offset(&tp->is.local, &tp->is.remote);
	tcp_set_csum_base(tp);
}

static void send_first_syn(struct tcp_sock *tp, uint64_t now)
{
	tcp_lock(tp);
	set_offer(tp);
	if (!tp->fresh_iss) {
		tp->iss = tcp_isn(&tp->ent, now);
		tp->ts_recent = tp->ts_recent_s = 0;
	}
	tp->snd_una = tp->snd_up = tp->iss;
	tp->snd_nxt = tp->write_seq = tp->iss + 1;
	tp->rcv_nxt = tp->rcv_wup = tp->copied_seq = 0;
	tp->syn_ns = now;
	WRITE_ONCE(tp->is.s.error, 0);
	tcp_set_state(tp, TCP_SYN_SENT);
	mib_inc(MIB_TCP_ACTIVE_OPENS);
	tcp_send_syn(tp, now);
	tcp_arm_rto(tp, now);
	tcp_unlock(tp);
}

static void forget_peer(struct tcp_sock *tp)
{
	static const struct ip_addr any6;
	struct inet_sock *is = &tp->is;
	struct ip_addr any = is->s.family == AF_INET ? ip_from_v4(IP4(0, 0, 0, 0)) : any6;

	tcp_lock(tp);
	is->remote = any;
	is->rport = to_be16(0);
	if (!is->is_bound_addr)
		is->local = any;
	dst_release(&is->dst);
	tcp_unlock(tp);
	tcp_give_port(tp);
}

/* Ends what goes on; that is an error, which the program may ask for, where the peer learns of it
 * or would have. Lock held. */
static void dissolve(struct tcp_sock *tp)
{
	unsigned state = TCPF(tp->state);
	bool told = state &
		    (TCPF(TCP_SYN_SENT) | TCPF(TCP_SYN_RECV) | TCPF(TCP_ESTABLISHED) |
			    TCPF(TCP_FIN_WAIT1) | TCPF(TCP_FIN_WAIT2) | TCPF(TCP_CLOSE_WAIT));

	if (state & (TCPF(TCP_CLOSING) | TCPF(TCP_LAST_ACK)))
		told = tp->snd_nxt != tp->write_seq;
	if (tp->state != TCP_CLOSE)
		tcp_abort(tp, told ? ECONNRESET : 0);
}

/* As a new socket, but for options and bindings: nothing is left to read. snd_mutex held. */
static void forget_connection(struct tcp_sock *tp)
{
	struct socket *s = &tp->is.s;

	mutex_lock(&s->rcv_mutex);
	net_enter();
	if (tp->state == TCP_LISTEN)
		tcp_listen_stop(tp);
	tcp_lock(tp);
	dissolve(tp);
	tcp_purge_receive(tp);
	tcp_purge_reader(tp);
	tcp_conn_setup(tp);
	WRITE_ONCE(s->shutdown, 0);
	tp->rcv_nxt = tp->copied_seq = 0;
	tcp_unlock(tp);
	forget_peer(tp);
	tp->phase = TCP_PH_NONE;
	net_exit();
	mutex_unlock(&s->rcv_mutex);
}

/* snd_mutex held. */
static int begin(struct tcp_sock *tp, const struct sockaddr_storage *a, unsigned len)
{
	struct inet_sock *is = &tp->is;
	uint64_t now = clock_ns();
	struct ip_addr ip;
	uint32_t ifindex;
	__be16 port;
	int err = inet_addr_in(is, a, len, &ip, &port, &ifindex);

	if (!err && a->ss_family != is->s.family)
		err = -EAFNOSUPPORT;
	if (!err)
		err = check_peer(is, &ip);
	if (!err && !ip_is_v4(&ip) && ip_is_link_local(&ip) && !ifindex && !is->s.ifindex &&
		!is->scope_id)
		err = -EINVAL;
	if (err)
		return err;
	if (tp->was_hashed) /* lookups may still stand on it */
		rcu_synchronize();
	tcp_conn_setup(tp);
	net_enter();
	err = find_way(tp, &ip, port, ifindex);
	if (!err)
		err = choose_port(tp, now);
	if (!err)
		send_first_syn(tp, now);
	else
		forget_peer(tp);
	net_exit();
	return err;
}

static bool is_connecting(const struct tcp_sock *tp)
{
	return TCPF(READ_ONCE(tp->state)) & (TCPF(TCP_SYN_SENT) | TCPF(TCP_SYN_RECV));
}

/* What a connect(2) that has waited, or need not, reports. snd_mutex held. */
static int outcome(struct tcp_sock *tp)
{
	int err;

	if (tp->state != TCP_CLOSE) {
		tp->phase = TCP_PH_CONNECTED;
		return 0;
	}
	err = socket_take_error(&tp->is.s);
	forget_connection(tp);
	return err ? err : -ECONNABORTED;
}

static int wait_connected(struct tcp_sock *tp)
{
	struct socket *s = &tp->is.s;
	uint64_t timeout = READ_ONCE(s->snd_timeout_ns);
	int err = wait_event_full(
		&s->snd_wait, !is_connecting(tp), TASK_INTERRUPTIBLE, socket_deadline(timeout), 0);

	if (err == -ETIME)
		return -EINPROGRESS;
	return err ? socket_wait_result(err, timeout) : 0;
}

int tcp_connect(struct socket *s, const struct sockaddr_storage *a, unsigned len, unsigned flags)
{
	struct tcp_sock *tp = tcp_sk(s);
	int err = 0;

	if (len < sizeof(a->ss_family))
		return -EINVAL;
	if (a->ss_family == AF_UNSPEC)
		return tcp_disconnect(tp);
	mutex_lock(&s->snd_mutex);
	if (tp->phase == TCP_PH_CONNECTED || tp->state == TCP_LISTEN) {
		err = -EISCONN;
	} else if (tp->phase == TCP_PH_CONNECTING) {
		if (flags & O_NONBLOCK && is_connecting(tp))
			err = -EALREADY;
	} else {
		err = tp->state == TCP_CLOSE ? begin(tp, a, len) : -EISCONN;
		if (!err) {
			tp->phase = TCP_PH_CONNECTING;
			if (flags & O_NONBLOCK) /* also when the answer is here by now */
				err = -EINPROGRESS;
		}
	}
	if (!err && is_connecting(tp)) {
		mutex_unlock(&s->snd_mutex);
		err = wait_connected(tp);
		mutex_lock(&s->snd_mutex);
	}
	if (!err)
		err = outcome(tp);
	mutex_unlock(&s->snd_mutex);
	return err;
}

/* connect(2) with AF_UNSPEC: as if it were new, but for options and bindings. */
int tcp_disconnect(struct tcp_sock *tp)
{
	struct socket *s = &tp->is.s;

	mutex_lock(&s->snd_mutex);
	forget_connection(tp);
	mutex_unlock(&s->snd_mutex);
	return 0;
}

/* ---- shutdown(2), close(2) ---- */

/* Our side is done; the FIN follows what is queued. Lock held. */
static void end_sending(struct tcp_sock *tp, uint64_t now)
{
	const struct tcp_state_row *row = &tcp_states[tp->state];

	if (row->on_close == TCP_CLOSE) {
		tcp_done(tp);
		return;
	}
	tcp_set_state(tp, row->on_close);
	if (row->fin_on_close)
		tcp_send_fin(tp, now);
}

int tcp_shutdown(struct socket *s, int how)
{
	struct tcp_sock *tp = tcp_sk(s);
	uint8_t bits = (uint8_t)(how + 1);
	int err = 0;

	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	net_enter();
	tcp_lock(tp);
	switch (tp->state) {
	case TCP_CLOSE:
		err = -ENOTCONN;
		break;
	case TCP_LISTEN:
		err = bits & SHUTDOWN_RD ? 1 : 0;
		break;
	case TCP_SYN_SENT:
		err = 1;
		break;
	default:
		WRITE_ONCE(s->shutdown, s->shutdown | bits);
		if (bits & SHUTDOWN_WR && tcp_states[tp->state].fin_on_close)
			end_sending(tp, clock_ns());
		break;
	}
	tp->deferred |= DEFER_ALL;
	tcp_unlock(tp);
	net_exit();
	return err > 0 ? tcp_disconnect(tp) : err;
}

uint64_t tcp_fin_timeout(const struct tcp_sock *tp)
{
	uint32_t s = tp->linger2_s > 0 ? (uint32_t)tp->linger2_s
				       : tp->is.s.net->inet->tcp_fin_timeout_s;

	if (tp->linger2_s < 0)
		return 0;
	return MAX(s * NSEC_PER_SEC, 4 * tp->rto_ns - tp->rto_ns / 2);
}

static void linger(struct tcp_sock *tp)
{
	struct socket *s = &tp->is.s;
	unsigned waits = TCPF(TCP_FIN_WAIT1) | TCPF(TCP_CLOSING) | TCPF(TCP_LAST_ACK);

	(void)wait_event_full(&s->snd_wait, !(TCPF(READ_ONCE(tp->state)) & waits),
		TASK_INTERRUPTIBLE, socket_deadline(s->linger_s * NSEC_PER_SEC), 0);
}

/* Nobody reads any more: what came and was not read is answered with a reset (RFC 9293, 3.6.1, RFC
 * 2525 2.17); so is lingering for no time. Lock held. */
static void close_now(struct tcp_sock *tp)
{
	struct socket *s = &tp->is.s;
	bool unread = tp->rcv_nxt - tp->copied_seq > tp->fin_received;

	WRITE_ONCE(s->shutdown, SHUTDOWN_RD | SHUTDOWN_WR);
	tcp_purge_receive(tp);
	tcp_purge_reader(tp);
	if (tp->state == TCP_CLOSE)
		return;
	if (unread && TCPF(tp->state) & TCPF_SYNCED) {
		mib_inc(MIB_TCPX_ABORT_ON_CLOSE);
		tcp_abort(tp, 0);
	} else if (s->opts & SOPT_LINGER && !s->linger_s) {
		mib_inc(MIB_TCPX_ABORT_ON_DATA);
		tcp_abort(tp, 0);
	} else {
		end_sending(tp, clock_ns());
	}
}

/* It goes on without a file, and owns a reference for that. Lock held. */
static void become_orphan(struct tcp_sock *tp)
{
	uint64_t ns = tcp_fin_timeout(tp);

	if (tp->state == TCP_CLOSE)
		return;
	(void)socket_get(&tp->is.s);
	tp->orphan = true;
	if ((uint32_t)atomic_inc(&tcp_orphans) > tcp_orphans_max()) {
		mib_inc(MIB_TCPX_ABORT_ON_MEMORY);
		tcp_abort(tp, 0);
		return;
	}
	if (tp->state != TCP_FIN_WAIT2)
		return;
	if (ns) {
		tcp_time_wait(tp, TCP_FIN_WAIT2, ns);
	} else {
		mib_inc(MIB_TCPX_ABORT_ON_LINGER);
		tcp_abort(tp, 0);
	}
}

void tcp_release(struct socket *s)
{
	struct tcp_sock *tp = tcp_sk(s);
	bool waits = s->opts & SOPT_LINGER && s->linger_s;

	net_enter();
	if (tp->state == TCP_LISTEN)
		tcp_listen_stop(tp);
	tcp_lock(tp);
	close_now(tp);
	if (!waits)
		become_orphan(tp);
	tcp_unlock(tp);
	net_exit();
	if (!waits)
		return;
	linger(tp);
	net_enter();
	tcp_lock(tp);
	become_orphan(tp);
	tcp_unlock(tp);
	net_exit();
}

/* ---- names ---- */

/* A peer is one that answered, and is there. */
int tcp_getname(struct socket *s, bool peer, struct sockaddr_storage *a)
{
	struct tcp_sock *tp = tcp_sk(s);
	struct inet_sock *is = &tp->is;
	int len = -ENOTCONN;

	spin_lock(&s->lock);
	if (!peer)
		len = (int)inet_addr_out(
			is, &is->local, is->lport ? is->lport : tp->last_lport, is->scope_id, a);
	else if (is->rport && tp->state != TCP_CLOSE && tp->state != TCP_SYN_SENT)
		len = (int)inet_addr_out(is, &is->remote, is->rport, is->scope_id, a);
	spin_unlock(&s->lock);
	return len;
}

/* ---- poll(2) ---- */

/* The next byte to read: one that was urgent once does not count. */
static uint32_t next_seq(const struct tcp_sock *tp)
{
	uint32_t seq = READ_ONCE(tp->copied_seq);

	return seq + (tp->has_gap && tp->urg_gap == seq);
}

static bool is_readable(const struct tcp_sock *tp)
{
	uint32_t next = next_seq(tp), have = READ_ONCE(tp->rcv_nxt) - next;
	uint32_t target = MAX(READ_ONCE(tp->is.s.rcvlowat), 1u);

	if (tp->urg_data && tp->urg_seq == next && !(tp->is.s.opts & SOPT_OOBINLINE))
		target++;
	if ((int32_t)have <= 0)
		return false;
	/* A low-water mark that the buffer cannot reach does not keep the reader waiting. */
	return have >= target || tp->rmem > tp->is.s.rcvbuf - tp->is.s.rcvbuf / 8 ||
	       tcp_window_left(tp) <= tp->rcv_mss;
}

/* Tells who frees room that somebody waits, and looks again. */
static bool is_writable(struct tcp_sock *tp)
{
	if (tcp_has_write_space(tp))
		return true;
	WRITE_ONCE(tp->nospace, true);
	smp_mb();
	return tcp_has_write_space(tp);
}

unsigned tcp_poll(struct socket *s)
{
	struct tcp_sock *tp = tcp_sk(s);
	uint8_t state = READ_ONCE(tp->state), shut = READ_ONCE(s->shutdown);
	unsigned ev = 0;

	if (state == TCP_LISTEN)
		return READ_ONCE(tp->listen.queued) ? POLLIN | POLLRDNORM : 0;
	if (shut == (SHUTDOWN_RD | SHUTDOWN_WR) || state == TCP_CLOSE)
		ev |= POLLHUP;
	if (shut & SHUTDOWN_RD)
		ev |= POLLIN | POLLRDNORM | POLLRDHUP;
	if (!is_connecting(tp)) {
		if (is_readable(tp))
			ev |= POLLIN | POLLRDNORM;
		if (shut & SHUTDOWN_WR || is_writable(tp))
			ev |= POLLOUT | POLLWRNORM;
		if (READ_ONCE(tp->urg_data) & TCP_URG_VALID)
			ev |= POLLPRI;
	}
	if (READ_ONCE(s->error) || !list_empty(&s->errq.list))
		ev |= POLLERR;
	return ev;
}

/* ---- ioctl(2): tcp(7) ---- */

static int bytes_to_read(const struct tcp_sock *tp)
{
	uint32_t next = next_seq(tp), n = tp->rcv_nxt - next;

	if (is_connecting(tp))
		return 0;
	if (tp->urg_data && !(tp->is.s.opts & SOPT_OOBINLINE) && seq_le(next, tp->urg_seq) &&
		seq_lt(tp->urg_seq, tp->rcv_nxt))
		return (int)(tp->urg_seq - next);
	return (int)(n && tp->fin_received ? n - 1 : n);
}

long tcp_ioctl(struct socket *s, unsigned cmd, void *arg)
{
	struct tcp_sock *tp = tcp_sk(s);
	int value;

	if (cmd != SIOCINQ && cmd != SIOCATMARK && cmd != SIOCOUTQ && cmd != SIOCOUTQNSD)
		return inet_ioctl(s, cmd, arg);
	if (tp->state == TCP_LISTEN && cmd != SIOCATMARK)
		return -EINVAL;
	net_enter();
	tcp_lock(tp);
	if (cmd == SIOCINQ)
		value = bytes_to_read(tp);
	else if (cmd == SIOCATMARK)
		value = tp->urg_data && tp->urg_seq == next_seq(tp);
	else if (is_connecting(tp) || tp->state == TCP_CLOSE)
		value = 0;
	else
		value = (int)(tp->write_seq - (cmd == SIOCOUTQ ? tp->snd_una : tp->snd_nxt));
	tcp_unlock(tp);
	net_exit();
	*(int *)arg = value;
	return 0;
}
