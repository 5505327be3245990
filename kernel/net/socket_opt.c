/*
 * socket_opt.c - options at level SOL_SOCKET (socket(7)).
 *
 * Does not: fetch programs' memory; compat copies values, and the instructions of a filter. A name
 * that is not known here, or that only some families have, is the family's to answer; it is also
 * told of those that it may have to act on (NOTIFY).
 */
#include <atomic.h>
#include <cred.h>
#include <netdev.h>
#include <string.h>
#include <time.h>
#include "socket_internal.h"

/* What a buffer is at least: room for one full-sized and one small packet (socket(7) gives the
 * halves). */
enum { MIN_RCVBUF = 2304, MIN_SNDBUF = 4608 };
#define DEFAULT_BUF 212992

struct socket_limits socket_limits = {
	.rmem_default = DEFAULT_BUF,
	.rmem_max = DEFAULT_BUF,
	.wmem_default = DEFAULT_BUF,
	.wmem_max = DEFAULT_BUF,
	.optmem_max = 131072,
};

static const struct bit_option {
	uint8_t name;
	bool notify; /* the family hears of it */
	uint32_t bit;
} bit_options[] = {
	{SO_DEBUG, false, SOPT_DEBUG},
	{SO_REUSEADDR, false, SOPT_REUSEADDR},
	{SO_REUSEPORT, false, SOPT_REUSEPORT},
	{SO_DONTROUTE, true, SOPT_DONTROUTE},
	{SO_BROADCAST, false, SOPT_BROADCAST},
	{SO_KEEPALIVE, true, SOPT_KEEPALIVE},
	{SO_OOBINLINE, true, SOPT_OOBINLINE},
	{SO_NO_CHECK, false, SOPT_NO_CHECK},
	{SO_PASSCRED, true, SOPT_PASSCRED},
	{SO_PASSSEC, false, SOPT_PASSSEC},
	{SO_RXQ_OVFL, false, SOPT_RXQ_OVFL},
};

static const struct bit_option *bit_option_find(int name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(bit_options); i++)
		if (bit_options[i].name == name)
			return &bit_options[i];
	return NULL;
}

static void set_bits(struct socket *s, uint32_t clear, uint32_t set)
{
	spin_lock(&s->lock);
	WRITE_ONCE(s->opts, (s->opts & ~clear) | set);
	spin_unlock(&s->lock);
}

static int family_set(struct socket *s, int name, const void *val, unsigned len)
{
	return s->ops->setsockopt ? s->ops->setsockopt(s, SOL_SOCKET, name, val, len)
				  : -ENOPROTOOPT;
}

static int family_get(struct socket *s, int name, void *val, unsigned *len)
{
	return s->ops->getsockopt ? s->ops->getsockopt(s, SOL_SOCKET, name, val, len)
				  : -ENOPROTOOPT;
}

static void notify(struct socket *s, int name, int v)
{
	(void)family_set(s, name, &v, sizeof(v));
}

/* ---- values of more than a bit ---- */

/* Doubled, as socket(7) says: half is for what the kernel needs beside the data. */
static void set_rcvbuf(struct socket *s, uint32_t v)
{
	set_bits(s, 0, SOPT_RCVBUF_LOCK);
	WRITE_ONCE(s->rcvbuf, MAX(v * 2, (uint32_t)MIN_RCVBUF));
	notify(s, SO_RCVBUF, (int)v);
}

static void set_sndbuf(struct socket *s, uint32_t v)
{
	set_bits(s, 0, SOPT_SNDBUF_LOCK);
	WRITE_ONCE(s->sndbuf, MAX(v * 2, (uint32_t)MIN_SNDBUF));
	notify(s, SO_SNDBUF, (int)v);
	socket_wake_writers(s);
}

static int force_buf(struct socket *s, int name, int v)
{
	uint32_t n = (uint32_t)MIN(MAX(v, 0), INT32_MAX / 2);

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (name == SO_RCVBUFFORCE)
		set_rcvbuf(s, n);
	else
		set_sndbuf(s, n);
	return 0;
}

static int set_linger(struct socket *s, const void *val, unsigned len)
{
	struct socket_linger l;

	if (len < sizeof(l))
		return -EINVAL;
	memcpy(&l, val, sizeof(l));
	if (l.l_onoff)
		WRITE_ONCE(s->linger_s, (uint32_t)l.l_linger);
	set_bits(s, SOPT_LINGER, l.l_onoff ? SOPT_LINGER : 0);
	return 0;
}

/* A timeout of 0 is none; a negative one does not wait at all. */
static int set_timeout(uint64_t *out, const void *val, unsigned len)
{
	struct timeval tv;
	struct timespec ts;

	if (len < sizeof(tv))
		return -EINVAL;
	memcpy(&tv, val, sizeof(tv));
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return -EDOM;
	ts = (struct timespec){tv.tv_sec, tv.tv_usec * 1000};
	WRITE_ONCE(*out, tv.tv_sec < 0 ? 1 : timespec_to_ns(&ts));
	return 0;
}

static void set_timestamps(struct socket *s, int name, bool on)
{
	bool ns = name == SO_TIMESTAMPNS || name == SO_TIMESTAMPNS_NEW;
	bool new = name == SO_TIMESTAMP_NEW || name == SO_TIMESTAMPNS_NEW;
	uint32_t set = 0;

	if (on)
		set = (ns ? SOPT_TIMESTAMPNS : SOPT_TIMESTAMP) | (new ? SOPT_TIMESTAMP_NEW : 0);
	set_bits(s, SOPT_TIMESTAMP | SOPT_TIMESTAMPNS | SOPT_TIMESTAMP_NEW, set);
}

static int set_timestamping(struct socket *s, int name, int v)
{
	if (v & ~SOF_TIMESTAMPING_MASK)
		return -EINVAL;
	WRITE_ONCE(s->tsflags, (uint32_t)v);
	set_bits(s, SOPT_TIMESTAMP_NEW, name == SO_TIMESTAMPING_NEW && v ? SOPT_TIMESTAMP_NEW : 0);
	return 0;
}

static int bind_to_index(struct socket *s, int index)
{
	if (index < 0)
		return -EINVAL;
	if (s->ifindex && !capable(CAP_NET_RAW))
		return -EPERM;
	WRITE_ONCE(s->ifindex, (uint32_t)index);
	notify(s, SO_BINDTOIFINDEX, index);
	return 0;
}

static int bind_to_device(struct socket *s, const char *val, unsigned len)
{
	char name[NETDEV_NAME] = "";
	struct netdev *d;
	int index;

	memcpy(name, val, MIN(len, (unsigned)sizeof(name) - 1));
	if (!name[0])
		return bind_to_index(s, 0);
	d = netdev_get_by_name(s->net, name);
	if (!d)
		return -ENODEV;
	index = (int)d->ifindex;
	netdev_put(d);
	return bind_to_index(s, index);
}

/* ---- filters ---- */

static int replace_filter(struct socket *s, struct sock_filter_prog *prog)
{
	struct sock_filter_prog *old;

	spin_lock(&s->lock);
	if (s->filter_locked) {
		spin_unlock(&s->lock);
		return -EPERM;
	}
	old = s->filter;
	rcu_assign(s->filter, prog);
	spin_unlock(&s->lock);
	bpf_prog_put(old);
	return prog || old ? 0 : -ENOENT;
}

static int attach_filter(struct socket *s, const void *val, unsigned len)
{
	struct sock_filter_prog *prog;
	int err;

	if (READ_ONCE(s->filter_locked))
		return -EPERM;
	err = bpf_prog_create(val, len / sizeof(struct sock_filter), &prog);
	if (err)
		return err;
	err = replace_filter(s, prog);
	if (err)
		bpf_prog_put(prog);
	return err;
}

static int lock_filter(struct socket *s, bool on)
{
	int err = 0;

	spin_lock(&s->lock);
	if (s->filter_locked && !on)
		err = -EPERM;
	else
		s->filter_locked = on;
	spin_unlock(&s->lock);
	return err;
}

/* ---- setting ---- */

static int set_privileged(struct socket *s, int name, int v)
{
	bool may = capable(CAP_NET_ADMIN) || capable(CAP_NET_RAW);

	if (name == SO_MARK) {
		if (!may)
			return -EPERM;
		WRITE_ONCE(s->mark, (uint32_t)v);
		notify(s, name, v);
		return 0;
	}
	if ((v < 0 || v > 6) && !may) /* SO_PRIORITY */
		return -EPERM;
	WRITE_ONCE(s->priority, (uint32_t)v);
	return 0;
}

static int set_buf_lock(struct socket *s, int v)
{
	if (v & ~3)
		return -EINVAL;
	set_bits(s, SOPT_SNDBUF_LOCK | SOPT_RCVBUF_LOCK,
		(v & 1 ? SOPT_SNDBUF_LOCK : 0) | (v & 2 ? SOPT_RCVBUF_LOCK : 0));
	return 0;
}

static int set_pacing(struct socket *s, const void *val, unsigned len)
{
	uint64_t rate = 0;

	memcpy(&rate, val, len >= sizeof(rate) ? sizeof(rate) : sizeof(uint32_t));
	if (len < sizeof(rate) && rate == UINT32_MAX)
		rate = UINT64_MAX;
	WRITE_ONCE(s->max_pacing, rate);
	return 0;
}

static int set_bit_option(struct socket *s, const struct bit_option *b, int v)
{
	if (b->name == SO_DEBUG && v && !capable(CAP_NET_ADMIN))
		return -EACCES;
	set_bits(s, b->bit, v ? b->bit : 0);
	if (b->notify)
		notify(s, b->name, v);
	return 0;
}

static int set_busy_poll(struct socket *s, int v)
{
	if (v < 0)
		return -EINVAL;
	if (v > READ_ONCE(s->busy_poll) && !capable(CAP_NET_ADMIN))
		return -EPERM;
	WRITE_ONCE(s->busy_poll, v);
	return 0;
}

static int set_peek_off(struct socket *s, int v)
{
	if (!s->ops->has_peek_off)
		return -EOPNOTSUPP;
	mutex_lock(&s->rcv_mutex);
	s->peek_off = v;
	mutex_unlock(&s->rcv_mutex);
	return 0;
}

static int set_zerocopy(struct socket *s, int v)
{
	if (!s->ops->has_zerocopy)
		return -EOPNOTSUPP;
	if (v < 0 || v > 1)
		return -EINVAL;
	set_bits(s, SOPT_ZEROCOPY, v ? SOPT_ZEROCOPY : 0);
	return 0;
}

/* Names whose value is one integer @v. */
static int set_int(struct socket *s, int name, int v)
{
	switch (name) {
	case SO_SNDBUF:
		set_sndbuf(s, MIN((uint32_t)v, socket_limits.wmem_max));
		return 0;
	case SO_RCVBUF:
		set_rcvbuf(s, MIN((uint32_t)v, socket_limits.rmem_max));
		return 0;
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		return force_buf(s, name, v);
	case SO_PRIORITY:
	case SO_MARK:
		return set_privileged(s, name, v);
	case SO_BSDCOMPAT:
	case SO_CNX_ADVICE:
		return 0;
	case SO_TIMESTAMP:
	case SO_TIMESTAMPNS:
	case SO_TIMESTAMP_NEW:
	case SO_TIMESTAMPNS_NEW:
		set_timestamps(s, name, v);
		return 0;
	case SO_TIMESTAMPING:
	case SO_TIMESTAMPING_NEW:
		return set_timestamping(s, name, v);
	case SO_RCVLOWAT:
		WRITE_ONCE(s->rcvlowat, v < 0 ? INT32_MAX : v ? (uint32_t)v : 1);
		notify(s, name, v);
		return 0;
	case SO_DETACH_FILTER:
		return replace_filter(s, NULL);
	case SO_LOCK_FILTER:
		return lock_filter(s, v);
	case SO_SELECT_ERR_QUEUE:
		WRITE_ONCE(s->select_errq, v);
		return 0;
	case SO_INCOMING_CPU:
		WRITE_ONCE(s->incoming_cpu, v);
		return 0;
	case SO_BINDTOIFINDEX:
		return bind_to_index(s, v);
	case SO_BUF_LOCK:
		return set_buf_lock(s, v);
	case SO_BUSY_POLL:
		return set_busy_poll(s, v);
	case SO_PEEK_OFF:
		return set_peek_off(s, v);
	case SO_ZEROCOPY:
		return set_zerocopy(s, v);
	}
	return -ENOPROTOOPT;
}

int socket_sol_set(struct socket *s, int name, const void *val, unsigned len)
{
	const struct bit_option *b;
	int v;
	int err;

	if (name == SO_BINDTODEVICE)
		return bind_to_device(s, val, len);
	if (len < sizeof(v))
		return -EINVAL;
	memcpy(&v, val, sizeof(v));
	b = bit_option_find(name);
	if (b)
		return set_bit_option(s, b, v);
	switch (name) {
	case SO_LINGER:
		return set_linger(s, val, len);
	case SO_RCVTIMEO:
	case SO_RCVTIMEO_NEW:
		return set_timeout(&s->rcv_timeout_ns, val, len);
	case SO_SNDTIMEO:
	case SO_SNDTIMEO_NEW:
		return set_timeout(&s->snd_timeout_ns, val, len);
	case SO_ATTACH_FILTER:
		return attach_filter(s, val, len);
	case SO_MAX_PACING_RATE:
		return set_pacing(s, val, len);
	case SO_TYPE:
	case SO_PROTOCOL:
	case SO_DOMAIN:
	case SO_ERROR:
		return -ENOPROTOOPT;
	}
	err = set_int(s, name, v);
	return err == -ENOPROTOOPT ? family_set(s, name, val, len) : err;
}

/* ---- getting ---- */

/* Store @n bytes as far as there is room. */
static int give(void *val, unsigned *len, const void *from, unsigned n)
{
	*len = MIN(*len, n);
	memcpy(val, from, *len);
	return 0;
}

static int give_int(void *val, unsigned *len, int v)
{
	return give(val, len, &v, sizeof(v));
}

static int give_u64(void *val, unsigned *len, uint64_t v)
{
	return *len < sizeof(v) ? -EINVAL : give(val, len, &v, sizeof(v));
}

static int give_timeout(void *val, unsigned *len, uint64_t ns)
{
	struct timeval tv = {(int64_t)(ns / NSEC_PER_SEC), (int64_t)(ns % NSEC_PER_SEC / 1000)};

	return give(val, len, &tv, sizeof(tv));
}

static int give_device(struct socket *s, void *val, unsigned *len)
{
	uint32_t index = READ_ONCE(s->ifindex);
	char name[NETDEV_NAME] = "";
	struct netdev *d;

	if (!index) {
		*len = 0;
		return 0;
	}
	if (*len < NETDEV_NAME)
		return -EINVAL;
	d = netdev_get_by_index(s->net, index);
	if (!d)
		return -ENODEV;
	memcpy(name, d->name, sizeof(name));
	netdev_put(d);
	return give(val, len, name, (unsigned)strnlen(name, sizeof(name) - 1) + 1);
}

static int give_peer_name(struct socket *s, void *val, unsigned *len)
{
	struct sockaddr_storage a = {0};
	int n = s->ops->getname ? s->ops->getname(s, true, &a) : -ENOTCONN;

	if (n < 0)
		return -ENOTCONN;
	return (unsigned)n < *len ? -EINVAL : give(val, len, &a, *len);
}

/* The instructions as they were given; with no room, how many bytes they are. */
static int give_filter(struct socket *s, void *val, unsigned *len)
{
	const struct sock_filter_prog *prog;
	const struct sock_filter *insns;
	unsigned room = *len, n = 0;
	int err = 0;

	rcu_read_lock();
	prog = rcu_dereference(s->filter);
	insns = prog ? bpf_prog_insns(prog, &n) : NULL;
	*len = n * sizeof(*insns);
	if (room && room < *len)
		err = -EINVAL;
	else if (room && n)
		memcpy(val, insns, *len);
	rcu_read_unlock();
	if (err)
		*len = room;
	return err;
}

static int give_meminfo(struct socket *s, void *val, unsigned *len)
{
	uint32_t v[9] = {[0] = (uint32_t)atomic_read(&s->rmem),
		[1] = s->rcvbuf,
		[2] = (uint32_t)atomic_read(&s->wmem),
		[3] = s->sndbuf,
		[8] = s->drops};

	return give(val, len, v, sizeof(v));
}

static uint64_t cookie_of(struct socket *s)
{
	static uint64_t last;
	uint64_t none = 0, fresh;

	if (!READ_ONCE(s->cookie)) {
		fresh = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
		__atomic_compare_exchange_n(
			&s->cookie, &none, fresh, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	}
	return READ_ONCE(s->cookie);
}

static bool timestamps_as(const struct socket *s, int name)
{
	bool ns = name == SO_TIMESTAMPNS || name == SO_TIMESTAMPNS_NEW;
	bool new = name == SO_TIMESTAMP_NEW || name == SO_TIMESTAMPNS_NEW;

	uint32_t bits = ns ? SOPT_TIMESTAMPNS : SOPT_TIMESTAMP;

	if (name == SO_TIMESTAMP_NEW) /* on Linux, nanoseconds do as well */
		bits |= SOPT_TIMESTAMPNS;
	return (s->opts & bits) && !(s->opts & SOPT_TIMESTAMP_NEW) == !new;
}

/* Names whose value is one integer: true and *v. */
static bool get_int(struct socket *s, int name, int *v)
{
	const struct bit_option *b = bit_option_find(name);

	if (b) {
		*v = (READ_ONCE(s->opts) & b->bit) != 0;
		return true;
	}
	switch (name) {
	case SO_TYPE:
		*v = s->type;
		break;
	case SO_DOMAIN:
		*v = s->family;
		break;
	case SO_PROTOCOL:
		*v = s->protocol;
		break;
	case SO_ERROR:
		*v = -socket_take_error(s);
		break;
	case SO_SNDBUF:
		*v = (int)s->sndbuf;
		break;
	case SO_RCVBUF:
		*v = (int)s->rcvbuf;
		break;
	case SO_PRIORITY:
		*v = (int)s->priority;
		break;
	case SO_MARK:
		*v = (int)s->mark;
		break;
	case SO_RCVLOWAT:
		*v = (int)s->rcvlowat;
		break;
	case SO_SNDLOWAT:
		*v = 1;
		break;
	case SO_BSDCOMPAT:
		*v = 0;
		break;
	case SO_TIMESTAMP:
	case SO_TIMESTAMPNS:
	case SO_TIMESTAMP_NEW:
	case SO_TIMESTAMPNS_NEW:
		*v = timestamps_as(s, name);
		break;
	case SO_TIMESTAMPING:
	case SO_TIMESTAMPING_NEW:
		*v = (int)s->tsflags;
		break;
	case SO_LOCK_FILTER:
		*v = s->filter_locked;
		break;
	case SO_SELECT_ERR_QUEUE:
		*v = s->select_errq;
		break;
	case SO_INCOMING_CPU:
		*v = s->incoming_cpu;
		break;
	case SO_BINDTOIFINDEX:
		*v = (int)s->ifindex;
		break;
	case SO_BUF_LOCK:
		*v = (s->opts & SOPT_SNDBUF_LOCK ? 1 : 0) | (s->opts & SOPT_RCVBUF_LOCK ? 2 : 0);
		break;
	case SO_BUSY_POLL:
		*v = s->busy_poll;
		break;
	case SO_ZEROCOPY:
		*v = (s->opts & SOPT_ZEROCOPY) != 0;
		break;
	case SO_BPF_EXTENSIONS:
		*v = BPF_EXTENSIONS_MAX;
		break;
	default:
		return false;
	}
	return true;
}

/* Those that a family may have; what all others say. */
static int get_by_family(struct socket *s, int name, void *val, unsigned *len)
{
	static const struct socket_ucred nobody = {0, (uid_t)-1, (gid_t)-1};
	int err = family_get(s, name, val, len);

	if (err != -ENOPROTOOPT)
		return err;
	switch (name) {
	case SO_ACCEPTCONN:
		return give_int(val, len, 0);
	case SO_PEERCRED:
		return give(val, len, &nobody, sizeof(nobody));
	case SO_PEERGROUPS:
		return -ENODATA;
	}
	return err;
}

int socket_sol_get(struct socket *s, int name, void *val, unsigned *len)
{
	struct socket_linger l = {!!(s->opts & SOPT_LINGER), (int)s->linger_s};
	uint64_t rate = READ_ONCE(s->max_pacing);
	int v;

	if (get_int(s, name, &v))
		return give_int(val, len, v);
	switch (name) {
	case SO_LINGER:
		return give(val, len, &l, sizeof(l));
	case SO_RCVTIMEO:
	case SO_RCVTIMEO_NEW:
		return give_timeout(val, len, s->rcv_timeout_ns);
	case SO_SNDTIMEO:
	case SO_SNDTIMEO_NEW:
		return give_timeout(val, len, s->snd_timeout_ns);
	case SO_BINDTODEVICE:
		return give_device(s, val, len);
	case SO_ATTACH_FILTER:
		return give_filter(s, val, len);
	case SO_PEERNAME:
		return give_peer_name(s, val, len);
	case SO_MEMINFO:
		return give_meminfo(s, val, len);
	case SO_PEEK_OFF:
		return s->ops->has_peek_off ? give_int(val, len, s->peek_off) : -EOPNOTSUPP;
	case SO_COOKIE:
		return give_u64(val, len, cookie_of(s));
	case SO_NETNS_COOKIE:
		return give_u64(val, len, 1);
	case SO_MAX_PACING_RATE:
		if (*len >= sizeof(rate))
			return give(val, len, &rate, sizeof(rate));
		return give_int(val, len, (int)MIN(rate, (uint64_t)UINT32_MAX));
	}
	return get_by_family(s, name, val, len);
}

/* ---- any level ---- */

int socket_setsockopt(struct socket *s, int level, int name, const void *val, unsigned len)
{
	if (level == SOL_SOCKET)
		return socket_sol_set(s, name, val, len);
	return s->ops->setsockopt ? s->ops->setsockopt(s, level, name, val, len) : -EOPNOTSUPP;
}

int socket_getsockopt(struct socket *s, int level, int name, void *val, unsigned *len)
{
	if (level == SOL_SOCKET)
		return socket_sol_get(s, name, val, len);
	return s->ops->getsockopt ? s->ops->getsockopt(s, level, name, val, len) : -EOPNOTSUPP;
}
