/*
 * group_sock.c - multicast memberships of sockets: the options of ip(7), ipv6(7) and RFC 3678, and
 * what a socket wants to receive.
 */
#include "inet_opt.h"
#include "inetdev.h"
#include <debug.h>
#include <mutex.h>
#include <slab.h>

enum { MAX_MEMBERSHIPS = 20 * 20, MAX_SOURCES = 64, MCAST_EXCLUDE = 0, MCAST_INCLUDE = 1 };

struct ip_mreqn {
	__be32 group, addr;
	int32_t ifindex;
};
struct ip_mreq_source {
	__be32 group, interface, source;
};
struct ipv6_mreq {
	uint8_t group[16];
	int32_t ifindex;
};
struct group_req {
	uint32_t interface, pad;
	struct sockaddr_storage group;
};
struct group_source_req {
	uint32_t interface, pad;
	struct sockaddr_storage group, source;
};
struct ip_msfilter {
	__be32 group, interface;
	uint32_t mode, n;
	__be32 source[];
};
struct group_filter {
	uint32_t interface, pad;
	struct sockaddr_storage group;
	uint32_t mode, n;
	struct sockaddr_storage source[];
};
static_assert(sizeof(struct group_req) == 136 && sizeof(struct group_source_req) == 264,
	"RFC 3678, 5.1.1");
static_assert(offsetof(struct group_filter, source) == 144, "RFC 3678, 5.2.1");

/* ---- receiving ---- */

static bool listed(const struct ip_sources *s, const struct ip_addr *src)
{
	unsigned i;

	for (i = 0; s && i < s->n; i++)
		if (ip_equal(&s->addr[i], src))
			return true;
	return false;
}

bool inet_sock_wants(const struct inet_sock *is, const struct ip_addr *group,
	const struct ip_addr *src, uint32_t ifindex)
{
	const struct ip_member *m;

	list_for_each_entry_rcu(m, &is->groups,
		node) if (m->ifindex == ifindex &&
			  ip_equal(&m->addr, group)) return listed(rcu_dereference(m->sources),
		src) != READ_ONCE(m->exclude);
	return ip_is_v4(group) ? is->mcast_all : is->mcast_all6;
}

/* ---- one membership ---- */

static struct ip_member *find(struct inet_sock *is, const struct ip_addr *group, uint32_t ifindex)
{
	struct ip_member *m;

	list_for_each_entry (m, &is->groups, node)
		if (ip_equal(&m->addr, group) && (!ifindex || m->ifindex == ifindex))
			return m;
	return NULL;
}

/* The interface meant: by index, by an address of its, or the one that the route to the group has.
 */
static struct netdev *interface_of(
	struct net *net, const struct ip_addr *group, const struct ip_addr *addr, uint32_t ifindex)
{
	const struct flow f = {.dst = *group,
		.src = ip_is_v4(group) ? ip_from_v4(IP4(0, 0, 0, 0))
				       : (struct ip_addr){.q = {0, 0}}};
	struct netdev *d = NULL;
	struct dst dst;

	net_enter();
	if (ifindex) {
		d = netdev_by_index_rcu(net, ifindex);
	} else if (addr && !ip_is_any(addr)) {
		d = inetdev_owner(net, addr);
	} else if (!dst_lookup(net, &f, &dst)) {
		d = dst.dev;
		dst_release(&dst);
	}
	net_exit();
	return d; /* stays while the config lock is held */
}

static unsigned count(const struct inet_sock *is)
{
	const struct ip_member *m;
	unsigned n = 0;

	list_for_each_entry (m, &is->groups, node)
		n++;
	return n;
}

static int join(struct inet_sock *is, const struct ip_addr *group, const struct ip_addr *addr,
	uint32_t ifindex, bool exclude, struct ip_member **out)
{
	struct netdev *d;
	struct ip_member *m;
	int err;

	if (!ip_is_multicast(group))
		return -EINVAL;
	d = interface_of(is->s.net, group, addr, ifindex);
	if (!d || !inet_dev(d))
		return -ENODEV;
	if (find(is, group, d->ifindex))
		return -EADDRINUSE;
	if (count(is) >= MAX_MEMBERSHIPS)
		return -ENOBUFS;
	m = kzalloc(sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->addr = *group;
	m->ifindex = d->ifindex;
	m->exclude = exclude;
	list_init(&m->group_node);
	err = group_add_member(inet_dev(d), m);
	if (err) {
		kfree(m);
		return err;
	}
	list_add_tail(&m->node, &is->groups);
	if (out)
		*out = m;
	return 0;
}

static void member_free(struct rcu_head *h)
{
	struct ip_member *m = container_of(h, struct ip_member, rcu);

	kfree(m->sources);
	kfree(m);
}

static void leave_member(struct ip_member *m)
{
	list_del_rcu(&m->node);
	group_del_member(m);
	rcu_call(&m->rcu, member_free);
}

static int leave(struct inet_sock *is, const struct ip_addr *group, const struct ip_addr *addr,
	uint32_t ifindex)
{
	struct ip_member *m;
	struct netdev *d;

	if (!ip_is_multicast(group))
		return -EINVAL;
	if (!ifindex && addr && !ip_is_any(addr)) {
		d = interface_of(is->s.net, group, addr, 0);
		if (!d)
			return -ENODEV;
		ifindex = d->ifindex;
	}
	m = find(is, group, ifindex);
	if (!m)
		return -EADDRNOTAVAIL;
	leave_member(m);
	return 0;
}

void group_sock_release(struct inet_sock *is)
{
	struct ip_member *m, *next;

	if (list_empty(&is->groups))
		return;
	net_config_lock();
	list_for_each_entry_safe (m, next, &is->groups, node)
		leave_member(m);
	list_init(&is->groups);
	net_config_unlock();
}

/* ---- source filters: RFC 3678 ---- */

static int add_source(struct ip_member *m, const struct ip_addr *src)
{
	const struct ip_sources *old = m->sources;
	const uint32_t n = old ? old->n : 0;
	struct ip_sources *s;

	if (listed(old, src))
		return -EADDRNOTAVAIL;
	if (n >= MAX_SOURCES)
		return -ENOBUFS;
	s = kzalloc(sizeof(*s) + (n + 1) * sizeof(s->addr[0]));
	if (!s)
		return -ENOBUFS;
	s->n = n + 1;
	if (n)
		memcpy(s->addr, old->addr, n * sizeof(s->addr[0]));
	s->addr[n] = *src;
	group_set_filter(m, m->exclude, s);
	return 0;
}

static int del_source(struct ip_member *m, const struct ip_addr *src)
{
	const struct ip_sources *old = m->sources;
	struct ip_sources *s;
	uint32_t i, k = 0;

	if (!listed(old, src))
		return -EADDRNOTAVAIL;
	s = kzalloc(sizeof(*s) + old->n * sizeof(s->addr[0]));
	if (!s)
		return -ENOBUFS;
	for (i = 0; i < old->n; i++)
		if (!ip_equal(&old->addr[i], src))
			s->addr[k++] = old->addr[i];
	s->n = k;
	group_set_filter(m, m->exclude, s);
	return 0;
}

enum source_op { BLOCK, UNBLOCK, JOIN_SOURCE, LEAVE_SOURCE };

struct source_req {
	enum source_op op;
	struct ip_addr group, source, addr;
	uint32_t ifindex;
};

static int change_source(struct inet_sock *is, const struct source_req *r)
{
	const bool exclude = r->op == BLOCK || r->op == UNBLOCK;
	struct netdev *d;
	struct ip_member *m;
	int err;

	if (!ip_is_multicast(&r->group))
		return -EINVAL;
	d = interface_of(is->s.net, &r->group, &r->addr, r->ifindex);
	if (!d)
		return -ENODEV;
	m = find(is, &r->group, d->ifindex);
	if (!m && r->op == JOIN_SOURCE) {
		err = join(is, &r->group, NULL, d->ifindex, false, &m);
		if (err)
			return err;
	}
	if (!m)
		return -EINVAL;
	/* The mode may change until there was a source. */
	if (m->exclude != exclude) {
		if (m->sources)
			return -EINVAL;
		group_set_filter(m, exclude, NULL);
	}
	if (r->op == BLOCK || r->op == JOIN_SOURCE)
		return add_source(m, &r->source);
	err = del_source(m, &r->source);
	if (!err && r->op == LEAVE_SOURCE && !m->sources->n)
		leave_member(m);
	return err;
}

/* All of it at once: IP_MSFILTER, MCAST_MSFILTER. Consumes @s. */
static int set_filter(struct inet_sock *is, const struct ip_addr *group, const struct ip_addr *addr,
	uint32_t ifindex, uint32_t mode, struct ip_sources *s)
{
	struct netdev *d = ip_is_multicast(group) ? interface_of(is->s.net, group, addr, ifindex)
						  : NULL;
	struct ip_member *m = d ? find(is, group, d->ifindex) : NULL;
	int err = 0;

	if (!ip_is_multicast(group) || mode > MCAST_INCLUDE)
		err = -EINVAL;
	else if (!d)
		err = -ENODEV;
	else if (!m)
		err = -EINVAL;
	if (err) {
		kfree(s);
		return err;
	}
	if (mode == MCAST_INCLUDE && (!s || !s->n)) {
		kfree(s);
		leave_member(m);
		return 0;
	}
	group_set_filter(m, mode == MCAST_EXCLUDE, s);
	return 0;
}

/* ---- what programs give ---- */

static int join_or_leave(struct inet_sock *is, bool joins, const struct ip_addr *group,
	const struct ip_addr *addr, uint32_t ifindex)
{
	int err;

	if (is->s.type == SOCK_STREAM)
		return -EPROTO;
	net_config_lock();
	err = joins ? join(is, group, addr, ifindex, true, NULL) : leave(is, group, addr, ifindex);
	net_config_unlock();
	return err;
}

static int set_mreq4(struct inet_sock *is, bool joins, const void *val, unsigned len)
{
	struct ip_mreqn m = {.ifindex = 0};
	struct ip_addr group, addr;

	if (len < 8)
		return -EINVAL;
	memcpy(&m, val, len >= sizeof(m) ? sizeof(m) : 8);
	group = ip_from_v4(m.group);
	addr = ip_from_v4(m.addr);
	return join_or_leave(is, joins, &group, &addr, (uint32_t)m.ifindex);
}

static int set_mreq6(struct inet_sock *is, bool joins, const void *val, unsigned len)
{
	struct ipv6_mreq m;
	struct ip_addr group;

	if (len < sizeof(m))
		return -EINVAL;
	memcpy(&m, val, sizeof(m));
	group = ip6_addr(m.group);
	if (ip_is_v4(&group))
		return -EINVAL;
	return join_or_leave(is, joins, &group, NULL, (uint32_t)m.ifindex);
}

static bool take_addr(int level, const struct sockaddr_storage *a, struct ip_addr *out)
{
	if (level == IPPROTO_IP) {
		*out = ip_from_v4(((const struct sockaddr_in *)a)->sin_addr);
		return a->ss_family == AF_INET;
	}
	*out = ip6_addr(((const struct sockaddr_in6 *)a)->sin6_addr);
	return a->ss_family == AF_INET6 && !ip_is_v4(out);
}

static int set_group(struct inet_sock *is, int level, bool joins, const void *val, unsigned len)
{
	struct group_req r;
	struct ip_addr group;

	if (len < sizeof(r))
		return -EINVAL;
	memcpy(&r, val, sizeof(r));
	if (!take_addr(level, &r.group, &group))
		return level == IPPROTO_IP ? -EINVAL : -EADDRNOTAVAIL;
	return join_or_leave(is, joins, &group, NULL, r.interface);
}

static int source_locked(struct inet_sock *is, const struct source_req *r)
{
	int err;

	if (is->s.type == SOCK_STREAM)
		return -EPROTO;
	net_config_lock();
	err = change_source(is, r);
	net_config_unlock();
	return err;
}

static int set_source4(struct inet_sock *is, enum source_op op, const void *val, unsigned len)
{
	struct ip_mreq_source m;
	struct source_req r = {.op = op};

	if (len != sizeof(m))
		return -EINVAL;
	memcpy(&m, val, sizeof(m));
	r.group = ip_from_v4(m.group);
	r.source = ip_from_v4(m.source);
	r.addr = ip_from_v4(m.interface);
	return source_locked(is, &r);
}

static int set_group_source(
	struct inet_sock *is, int level, enum source_op op, const void *val, unsigned len)
{
	struct group_source_req g;
	struct source_req r = {.op = op};

	if (len != sizeof(g))
		return -EINVAL;
	memcpy(&g, val, sizeof(g));
	if (!take_addr(level, &g.group, &r.group) || !take_addr(level, &g.source, &r.source))
		return -EADDRNOTAVAIL;
	r.ifindex = g.interface;
	return source_locked(is, &r);
}

static int sources_new(uint32_t n, struct ip_sources **out)
{
	struct ip_sources *s;

	if (n > MAX_SOURCES)
		return -ENOBUFS;
	s = kzalloc(sizeof(*s) + n * sizeof(s->addr[0]));
	if (!s)
		return -ENOBUFS;
	s->n = n;
	*out = s;
	return 0;
}

static int set_msfilter4(struct inet_sock *is, const void *val, unsigned len)
{
	const struct ip_msfilter *f = val;
	struct ip_sources *s = NULL;
	struct ip_addr group, addr;
	uint32_t i;
	int err;

	if (len < sizeof(*f) || f->n > MAX_SOURCES ||
		len < sizeof(*f) + f->n * sizeof(f->source[0]))
		return len < sizeof(*f) || f->n <= MAX_SOURCES ? -EINVAL : -ENOBUFS;
	err = sources_new(f->n, &s);
	if (err)
		return err;
	for (i = 0; i < f->n; i++)
		s->addr[i] = ip_from_v4(f->source[i]);
	group = ip_from_v4(f->group);
	addr = ip_from_v4(f->interface);
	net_config_lock();
	err = set_filter(is, &group, &addr, 0, f->mode, s);
	net_config_unlock();
	return err;
}

static int set_group_filter(struct inet_sock *is, int level, const void *val, unsigned len)
{
	const struct group_filter *f = val;
	struct ip_sources *s = NULL;
	struct ip_addr group;
	uint32_t i;
	int err;

	if (len < offsetof(struct group_filter, source))
		return -EINVAL;
	if (f->n > MAX_SOURCES)
		return -ENOBUFS;
	if (len < offsetof(struct group_filter, source) + f->n * sizeof(f->source[0]))
		return -EINVAL;
	err = sources_new(f->n, &s);
	if (err)
		return err;
	if (!take_addr(level, &f->group, &group))
		err = -EADDRNOTAVAIL;
	for (i = 0; !err && i < f->n; i++)
		if (!take_addr(level, &f->source[i], &s->addr[i]))
			err = -EADDRNOTAVAIL;
	if (err) {
		kfree(s);
		return err;
	}
	net_config_lock();
	err = set_filter(is, &group, NULL, f->interface, f->mode, s);
	net_config_unlock();
	return err;
}

static int set4(struct inet_sock *is, int name, const void *val, unsigned len)
{
	switch (name) {
	case IP_ADD_MEMBERSHIP:
	case IP_DROP_MEMBERSHIP:
		return set_mreq4(is, name == IP_ADD_MEMBERSHIP, val, len);
	case IP_BLOCK_SOURCE:
		return set_source4(is, BLOCK, val, len);
	case IP_UNBLOCK_SOURCE:
		return set_source4(is, UNBLOCK, val, len);
	case IP_ADD_SOURCE_MEMBERSHIP:
		return set_source4(is, JOIN_SOURCE, val, len);
	case IP_DROP_SOURCE_MEMBERSHIP:
		return set_source4(is, LEAVE_SOURCE, val, len);
	case IP_MSFILTER:
		return set_msfilter4(is, val, len);
	default:
		return -ENOPROTOOPT;
	}
}

int group_setsockopt(struct inet_sock *is, int level, int name, const void *val, unsigned len)
{
	switch (name) {
	case MCAST_JOIN_GROUP:
	case MCAST_LEAVE_GROUP:
		return set_group(is, level, name == MCAST_JOIN_GROUP, val, len);
	case MCAST_BLOCK_SOURCE:
		return set_group_source(is, level, BLOCK, val, len);
	case MCAST_UNBLOCK_SOURCE:
		return set_group_source(is, level, UNBLOCK, val, len);
	case MCAST_JOIN_SOURCE_GROUP:
		return set_group_source(is, level, JOIN_SOURCE, val, len);
	case MCAST_LEAVE_SOURCE_GROUP:
		return set_group_source(is, level, LEAVE_SOURCE, val, len);
	case MCAST_MSFILTER:
		return set_group_filter(is, level, val, len);
	default:
		break;
	}
	if (level == IPPROTO_IP)
		return set4(is, name, val, len);
	if (name == IPV6_JOIN_GROUP || name == IPV6_LEAVE_GROUP)
		return set_mreq6(is, name == IPV6_JOIN_GROUP, val, len);
	return -ENOPROTOOPT;
}

static int get_msfilter4(struct inet_sock *is, struct ip_msfilter *f, unsigned *len)
{
	const unsigned room = *len < sizeof(*f) ? 0 : (*len - (unsigned)sizeof(*f)) / 4;
	const struct ip_addr group = ip_from_v4(f->group), addr = ip_from_v4(f->interface);
	struct netdev *d;
	struct ip_member *m;
	uint32_t i, n;
	int err = 0;

	if (*len < sizeof(*f) || !ip_is_multicast(&group))
		return -EINVAL;
	net_config_lock();
	d = interface_of(is->s.net, &group, &addr, 0);
	m = d ? find(is, &group, d->ifindex) : NULL;
	if (!m) {
		err = d ? -EADDRNOTAVAIL : -ENODEV;
	} else {
		n = m->sources ? m->sources->n : 0;
		f->mode = m->exclude ? MCAST_EXCLUDE : MCAST_INCLUDE;
		for (i = 0; i < MIN(n, MIN(room, f->n)); i++)
			f->source[i] = ip_v4(&m->sources->addr[i]);
		*len = (unsigned)(sizeof(*f) + i * 4);
		f->n = n;
	}
	net_config_unlock();
	return err;
}

int group_getsockopt(struct inet_sock *is, int level, int name, void *val, unsigned *len)
{
	if (level == IPPROTO_IP && name == IP_MSFILTER)
		return get_msfilter4(is, val, len);
	return -ENOPROTOOPT;
}
