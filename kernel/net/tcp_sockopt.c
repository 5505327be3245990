/*
 * tcp_sockopt.c - options of level IPPROTO_TCP: tcp(7).
 *
 * Most are a number with a range and a place: the table says which. What acts is in functions.
 */
#include <cred.h>
#include <log.h>
#include <slab.h>
#include <string.h>
#include "tcp.h"
#include "tcp_info.h"

enum { CC_NAME = 16, LINGER2_MAX_S = 120 };
enum tcp_option {
	TCP_NODELAY = 1,
	TCP_MAXSEG = 2,
	TCP_CORK = 3,
	TCP_KEEPIDLE = 4,
	TCP_KEEPINTVL = 5,
	TCP_KEEPCNT = 6,
	TCP_SYNCNT = 7,
	TCP_LINGER2 = 8,
	TCP_DEFER_ACCEPT = 9,
	TCP_WINDOW_CLAMP = 10,
	TCP_INFO = 11,
	TCP_QUICKACK = 12,
	TCP_CONGESTION = 13,
	TCP_THIN_LINEAR_TIMEOUTS = 16,
	TCP_THIN_DUPACK = 17,
	TCP_USER_TIMEOUT = 18,
	TCP_REPAIR = 19,
	TCP_REPAIR_QUEUE = 20,
	TCP_QUEUE_SEQ = 21,
	TCP_REPAIR_OPTIONS = 22,
	TCP_FASTOPEN = 23,
	TCP_TIMESTAMP = 24,
	TCP_NOTSENT_LOWAT = 25,
	TCP_CC_INFO = 26,
	TCP_SAVE_SYN = 27,
	TCP_SAVED_SYN = 28,
	TCP_FASTOPEN_CONNECT = 30,
	TCP_ULP = 31,
	TCP_FASTOPEN_NO_COOKIE = 34,
	TCP_INQ = 36
};

static const struct number {
	uint8_t name;
	int32_t min, max;
	uint16_t offset;
	uint8_t size;
} numbers[] = {
#define NUMBER(name, min, max, field)                                                              \
	{                                                                                          \
		name, min, max, offsetof(struct tcp_sock, field),                                  \
			sizeof(((struct tcp_sock *)0)->field)                                      \
	}
	NUMBER(TCP_KEEPIDLE, 1, 32767, keep_idle_s),
	NUMBER(TCP_KEEPINTVL, 1, 32767, keep_intvl_s),
	NUMBER(TCP_KEEPCNT, 1, 127, keep_count),
	NUMBER(TCP_SYNCNT, 1, 127, syn_retries),
	NUMBER(TCP_USER_TIMEOUT, 0, INT32_MAX, user_timeout_ms),
	NUMBER(TCP_NOTSENT_LOWAT, INT32_MIN, INT32_MAX, notsent_lowat),
	NUMBER(TCP_SAVE_SYN, 0, 2, save_syn),
	NUMBER(TCP_FASTOPEN, 0, INT32_MAX, fastopen_backlog),
	NUMBER(TCP_FASTOPEN_CONNECT, 0, 1, fastopen_connect),
	NUMBER(TCP_FASTOPEN_NO_COOKIE, 0, 1, fastopen_no_cookie),
	NUMBER(TCP_THIN_LINEAR_TIMEOUTS, 0, 1, thin),
	NUMBER(TCP_INQ, 0, 1, inq_wanted),
#undef NUMBER
};

static const struct number *number_find(int name)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		if (numbers[i].name == name)
			return &numbers[i];
	return NULL;
}

static void number_store(struct tcp_sock *tp, const struct number *n, int v)
{
	memcpy((char *)tp + n->offset, &v, n->size); /* little-endian: the low bytes */
}

static int number_load(const struct tcp_sock *tp, const struct number *n)
{
	int v = 0;

	memcpy(&v, (const char *)tp + n->offset, n->size);
	return v;
}

/* ---- setting; lock held ---- */

static bool is_open(const struct tcp_sock *tp)
{
	return !(TCPF(tp->state) & (TCPF(TCP_CLOSE) | TCPF(TCP_LISTEN)));
}

static void set_nagle(struct tcp_sock *tp, uint8_t bit, bool on, bool push)
{
	tp->nonagle = on ? tp->nonagle | bit : tp->nonagle & (uint8_t)~bit;
	if (push && is_open(tp)) {
		tp->nonagle |= TCP_PUSH_ON;
		tcp_push(tp, clock_ns());
		tp->nonagle &= (uint8_t)~TCP_PUSH_ON;
	}
}

static void keepalive_changed(struct tcp_sock *tp)
{
	uint64_t now = clock_ns(), quiet;

	if (!is_open(tp) || tp->state == TCP_SYN_SENT)
		return;
	if (!(tp->is.s.opts & SOPT_KEEPALIVE)) {
		if (!tp->fin_wanted)
			tcp_clear_timer(tp, TCP_T_KEEP);
		return;
	}
	quiet = now - MAX(tp->last_rcv_ns, tp->last_ack_rcv_ns);
	tcp_set_timer(
		tp, TCP_T_KEEP, now + (quiet < tcp_keep_idle(tp) ? tcp_keep_idle(tp) - quiet : 0));
}

static void set_quickack(struct tcp_sock *tp, int v)
{
	if (!v) {
		tp->pingpong = 1;
		return;
	}
	tp->pingpong = 0;
	tcp_enter_quickack(tp, TCP_QUICKACKS);
	if (is_open(tp) && tp->ack_sched) {
		tcp_send_ack(tp, clock_ns());
		if (!(v & 1)) /* only this one */
			tp->pingpong = 1;
	}
}

/* Seconds as the number of SYN-ACKs that are sent in that time; and back (tcp(7)). */
static uint8_t seconds_to_retries(int s)
{
	uint32_t period = 1, timeout = 1;
	uint8_t n = 0;

	if (s <= 0)
		return 0;
	for (n = 1; (uint32_t)s > period && n < 255; n++) {
		timeout = MIN(timeout * 2, 120u);
		period += timeout;
	}
	return n;
}

static uint32_t retries_to_seconds(uint8_t n)
{
	uint32_t period = n ? 1 : 0, timeout = 1;

	while (n > 1) {
		timeout = MIN(timeout * 2, 120u);
		period += timeout;
		n--;
	}
	return period;
}

static int set_clamp(struct tcp_sock *tp, int v)
{
	if (!v && tp->state != TCP_CLOSE)
		return -EINVAL;
	tp->user_clamp = v ? MAX((uint32_t)v, 1152u) : 0;
	tp->window_clamp = v ? tp->user_clamp : UINT32_MAX / 2;
	return 0;
}

static int set_acting(struct tcp_sock *tp, int name, int v)
{
	switch (name) {
	case TCP_NODELAY:
		set_nagle(tp, TCP_NODELAY_ON, v, v);
		return 0;
	case TCP_CORK:
		set_nagle(tp, TCP_CORK_ON, v, !v);
		return 0;
	case TCP_MAXSEG:
		if (v && (v < 88 || v > 32767))
			return -EINVAL;
		tp->user_mss = (uint16_t)v;
		return 0;
	case TCP_LINGER2:
		tp->linger2_s = MIN(MAX(v, -1), LINGER2_MAX_S);
		return 0;
	case TCP_DEFER_ACCEPT:
		tp->defer_retries = seconds_to_retries(v);
		tp->listen.defer_s = retries_to_seconds(tp->defer_retries);
		return 0;
	case TCP_WINDOW_CLAMP:
		return set_clamp(tp, v);
	case TCP_QUICKACK:
		set_quickack(tp, v);
		return 0;
	case TCP_REPAIR:
		return capable(CAP_NET_ADMIN) ? -ENOPROTOOPT : -EPERM;
	case TCP_REPAIR_QUEUE:
	case TCP_QUEUE_SEQ:
	case TCP_REPAIR_OPTIONS:
	case TCP_TIMESTAMP:
		return -EPERM; /* never in repair */
	case TCP_THIN_DUPACK:
		return v < 0 || v > 1 ? -EINVAL : 0; /* as Linux since 4.11: without effect */
	default:
		return -ENOPROTOOPT;
	}
}

static int set_number(struct tcp_sock *tp, const struct number *n, int v)
{
	if (v < n->min || v > n->max)
		return -EINVAL;
	if ((n->name == TCP_FASTOPEN || n->name == TCP_FASTOPEN_NO_COOKIE) && is_open(tp))
		return -EINVAL;
	if (n->name == TCP_FASTOPEN_CONNECT && tp->state != TCP_CLOSE)
		return -EINVAL;
	number_store(tp, n, v);
	if (n->name == TCP_KEEPIDLE)
		keepalive_changed(tp);
	else if (n->name == TCP_NOTSENT_LOWAT)
		tcp_write_space(tp);
	return 0;
}

static int set_congestion(struct tcp_sock *tp, const char *name, unsigned len)
{
	const struct tcp_cc *cc;

	if (len < 1)
		return -EINVAL;
	cc = tcp_cc_find(name, strnlen(name, MIN(len, CC_NAME - 1u)));
	if (!cc)
		return -ENOENT;
	net_enter();
	tcp_lock(tp);
	if (cc != tp->cc) {
		tp->cc = cc;
		if (is_open(tp) && cc->init)
			cc->init(tp);
	}
	tcp_unlock(tp);
	net_exit();
	return 0;
}

int tcp_setsockopt(struct socket *s, int level, int name, const void *val, unsigned len)
{
	struct tcp_sock *tp = tcp_sk(s);
	const struct number *n;
	int v, err = 0;

	if (level == SOL_SOCKET && name != SO_KEEPALIVE)
		return -ENOPROTOOPT;
	if (level != SOL_SOCKET && level != IPPROTO_TCP)
		return inet_setsockopt(s, level, name, val, len);
	if (level == IPPROTO_TCP && name == TCP_CONGESTION)
		return set_congestion(tp, val, len);
	if (level == IPPROTO_TCP && name == TCP_ULP)
		return -ENOENT;
	if (len < sizeof(v))
		return -EINVAL;
	memcpy(&v, val, sizeof(v));
	n = level == IPPROTO_TCP ? number_find(name) : NULL;
	net_enter();
	tcp_lock(tp);
	if (level == SOL_SOCKET)
		keepalive_changed(tp);
	else
		err = n ? set_number(tp, n, v) : set_acting(tp, name, v);
	tcp_unlock(tp);
	net_exit();
	return err;
}

/* ---- getting ---- */

/* Like the numbers of Linux's: what is not set shows what is in force. */
static int shown(const struct tcp_sock *tp, const struct number *n)
{
	const struct net_inet *ni = tp->is.s.net->inet;
	int v = number_load(tp, n);

	if (v)
		return v;
	switch (n->name) {
	case TCP_KEEPIDLE:
		return (int)ni->tcp_keepalive_time_s;
	case TCP_KEEPINTVL:
		return (int)ni->tcp_keepalive_intvl_s;
	case TCP_KEEPCNT:
		return (int)ni->tcp_keepalive_probes;
	case TCP_SYNCNT:
		return (int)ni->tcp_syn_retries;
	default:
		return 0;
	}
}

static int get_acting(struct tcp_sock *tp, int name, int *v)
{
	switch (name) {
	case TCP_NODELAY:
		*v = !!(tp->nonagle & TCP_NODELAY_ON);
		return 0;
	case TCP_CORK:
		*v = !!(tp->nonagle & TCP_CORK_ON);
		return 0;
	case TCP_MAXSEG:
		*v = !is_open(tp) && tp->user_mss ? tp->user_mss : tp->mss;
		return 0;
	case TCP_LINGER2:
		*v = tp->linger2_s ? tp->linger2_s : (int)tp->is.s.net->inet->tcp_fin_timeout_s;
		return 0;
	case TCP_DEFER_ACCEPT:
		*v = (int)retries_to_seconds(tp->defer_retries);
		return 0;
	case TCP_WINDOW_CLAMP:
		*v = (int)(is_open(tp) ? MIN(tp->window_clamp, tp->is.s.rcvbuf) : tp->user_clamp);
		return 0;
	case TCP_QUICKACK:
		*v = !tp->pingpong;
		return 0;
	case TCP_TIMESTAMP:
		*v = (int)tcp_ts(tp, clock_ns());
		return 0;
	case TCP_REPAIR:
	case TCP_THIN_DUPACK:
		*v = 0;
		return 0;
	case TCP_REPAIR_QUEUE:
	case TCP_QUEUE_SEQ:
		return -EINVAL;
	default:
		return -ENOPROTOOPT;
	}
}

static int get_bytes(const void *from, unsigned n, void *val, unsigned *len)
{
	*len = MIN(*len, n);
	memcpy(val, from, *len);
	return 0;
}

static int get_info(struct tcp_sock *tp, void *val, unsigned *len)
{
	struct tcp_info i;

	net_enter();
	tcp_lock(tp);
	tcp_fill_info(tp, &i);
	tcp_unlock(tp);
	net_exit();
	return get_bytes(&i, sizeof(i), val, len);
}

static int get_congestion(const struct tcp_sock *tp, void *val, unsigned *len)
{
	char name[CC_NAME] = {0};

	strlcpy(name, tp->cc->name, sizeof(name));
	return get_bytes(name, sizeof(name), val, len);
}

/* Once: the program has it then. */
static int get_saved_syn(struct tcp_sock *tp, void *val, unsigned *len)
{
	uint8_t *syn = tp->saved_syn;

	if (!syn) {
		*len = 0;
		return 0;
	}
	if (*len < tp->saved_syn_len) {
		*len = tp->saved_syn_len;
		return -EINVAL;
	}
	(void)get_bytes(syn, tp->saved_syn_len, val, len);
	tp->saved_syn = NULL;
	kfree(syn);
	return 0;
}

int tcp_getsockopt(struct socket *s, int level, int name, void *val, unsigned *len)
{
	struct tcp_sock *tp = tcp_sk(s);
	const struct number *n;
	int v = 0, err = 0;

	if (level == SOL_SOCKET && name == SO_ACCEPTCONN) {
		v = tp->state == TCP_LISTEN;
		return get_bytes(&v, sizeof(v), val, len);
	}
	if (level == SOL_SOCKET)
		return -ENOPROTOOPT;
	if (level != IPPROTO_TCP)
		return inet_getsockopt(s, level, name, val, len);
	switch (name) {
	case TCP_INFO:
		return get_info(tp, val, len);
	case TCP_CONGESTION:
		return get_congestion(tp, val, len);
	case TCP_SAVED_SYN:
		return get_saved_syn(tp, val, len);
	case TCP_CC_INFO:
	case TCP_ULP:
		*len = 0;
		return 0;
	default:
		break;
	}
	n = number_find(name);
	if (n)
		v = shown(tp, n);
	else
		err = get_acting(tp, name, &v);
	return err ? err : get_bytes(&v, sizeof(v), val, len);
}
