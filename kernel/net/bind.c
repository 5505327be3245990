/*
 * bind.c - local ports: who has which address and port, who may have the same, and free ones.
 *
 * Theory. Each transport has a table of the ports in use (struct bind_bucket); a bucket lists its
 * owners: sockets, and connections in TIME_WAIT that have no socket any more. Two owners conflict
 * when their devices and addresses overlap and the options SO_REUSEADDR and SO_REUSEPORT of both do
 * not allow it; the table of Linux's behaviour was measured (tests/abi/net_bind_test.c). For
 * datagrams SO_REUSEADDR on both is enough; for streams a listener never shares that way. Ports
 * that connect(2) chose serve any number of connections to different peers; they are not given to
 * bind(2) unless the usual rules allow it.
 *
 * Locks: the head's comes after the socket's and before the transport's hash tables. The owner part
 * of a socket is changed by one task at a time: the transport serialises bind(2) and connect(2) of
 * a socket (snd_mutex). Readers (multicast delivery) use RCU.
 */
#include "bind.h"
#include "ip.h"
#include <cred.h>
#include <debug.h>
#include <random.h>
#include <slab.h>
#include <task.h>

uint16_t inet_port_min(struct net *net)
{
	return READ_ONCE(net->inet->port_min);
}

uint16_t inet_port_max(struct net *net)
{
	return READ_ONCE(net->inet->port_max);
}

struct bind_table *bind_table_create(const char *name)
{
	struct bind_table *t = kzalloc(sizeof(*t));
	unsigned i;

	PANIC_ON(!t);
	t->name = name;
	for (i = 0; i < BIND_HEADS; i++)
		spin_init(&t->head[i].lock);
	return t;
}

static struct bind_head *head_of(struct bind_table *t, uint16_t port)
{
	return &t->head[port % BIND_HEADS];
}

static struct bind_bucket *find(struct bind_head *h, uint16_t port)
{
	struct bind_bucket *b;

	hlist_for_each_entry (b, &h->buckets, node)
		if (b->port == port)
			return b;
	return NULL;
}

struct bind_bucket *bind_bucket_find(struct bind_table *t, uint16_t port)
{
	return find(head_of(t, port), port);
}

/* ---- conflicts ---- */

/* Could one packet be for both? */
static bool addrs_overlap(const struct bind_owner *a, const struct bind_owner *b)
{
	const bool a4 = ip_is_v4(&a->addr), b4 = ip_is_v4(&b->addr);
	const bool a_any = ip_is_any(&a->addr), b_any = ip_is_any(&b->addr);

	if (a4 == b4)
		return a_any || b_any || ip_equal(&a->addr, &b->addr);
	/* An IPv6 wildcard takes IPv4 too unless it is told not to. */
	return a4 ? b_any && !b->v6only : a_any && !a->v6only;
}

static bool overlap(const struct bind_owner *a, const struct bind_owner *b)
{
	return (!a->ifindex || !b->ifindex || a->ifindex == b->ifindex) && addrs_overlap(a, b);
}

/* The options that it has now. */
static void refresh(struct bind_owner *o)
{
	if (!o->is)
		return;
	o->reuse = READ_ONCE(o->is->s.opts) & SOPT_REUSEADDR;
	o->reuseport = READ_ONCE(o->is->s.opts) & SOPT_REUSEPORT;
	o->v6only = o->is->v6only;
}

static bool same_user_shares(const struct bind_owner *a, const struct bind_owner *b)
{
	return a->reuseport && b->reuseport && (!b->is || a->uid == b->uid);
}

/* Streams. @chosen: the port is our choice, so nothing at all may overlap. */
static bool stream_conflict(struct bind_bucket *b, struct bind_owner *me, bool chosen)
{
	struct bind_owner *o;

	hlist_for_each_entry (o, &b->owners, node) {
		if (o == me || !overlap(me, o))
			continue;
		if (chosen)
			return true;
		refresh(o);
		if (me->reuse && o->reuse && !o->listening)
			continue;
		if (!same_user_shares(me, o))
			return true;
	}
	return false;
}

/* Datagrams: the newest owner that does not simply share decides, as on Linux. */
static bool datagram_conflict(struct bind_bucket *b, struct bind_owner *me, bool chosen)
{
	struct bind_owner *o;

	hlist_for_each_entry (o, &b->owners, node) {
		if (o == me || !overlap(me, o))
			continue;
		if (chosen)
			return true;
		refresh(o);
		if (me->reuse && o->reuse)
			continue;
		return !same_user_shares(me, o);
	}
	return false;
}

static bool conflict(struct bind_bucket *b, struct inet_sock *is, bool chosen)
{
	return is->s.type == SOCK_STREAM ? stream_conflict(b, &is->owner, chosen)
					 : datagram_conflict(b, &is->owner, chosen);
}

/* ---- owners ---- */

static void owner_fill(struct inet_sock *is, const struct ip_addr *addr, uint32_t ifindex)
{
	struct bind_owner *o = &is->owner;

	o->is = is;
	o->addr = *addr;
	o->ifindex = ifindex;
	o->uid = is->s.cred->euid;
	o->by_connect = false;
	refresh(o);
}

static void attach(struct bind_bucket *b, struct bind_owner *o)
{
	o->bucket = b;
	hlist_add(&o->node, &b->owners);
	b->count++;
	b->by_bind += !o->by_connect;
}

static void bucket_free(struct rcu_head *h)
{
	kfree(container_of(h, struct bind_bucket, rcu));
}

static void detach(struct bind_owner *o)
{
	struct bind_bucket *b = o->bucket;

	hlist_del(&o->node);
	o->bucket = NULL;
	o->listening = false;
	b->by_bind -= !o->by_connect;
	if (--b->count)
		return;
	hlist_del(&b->node);
	rcu_call(&b->rcu, bucket_free);
}

/* The port is its own: the socket gets its name. No lock held. */
static void name_socket(struct inet_sock *is, uint16_t port)
{
	spin_lock(&is->s.lock);
	is->local = is->owner.addr;
	is->lport = to_be16(port);
	spin_unlock(&is->s.lock);
}

static struct bind_bucket *bucket_new(void)
{
	return kmalloc(sizeof(struct bind_bucket), GFP_ATOMIC);
}

static void bucket_insert(struct bind_head *h, struct bind_bucket *b, uint16_t port)
{
	memset(b, 0, sizeof(*b));
	b->port = port;
	hlist_add(&b->node, &h->buckets);
}

/* 0, -EADDRINUSE; *spare is used up when the port was free. */
static int try_port(struct bind_table *t, struct inet_sock *is, uint16_t port, bool chosen,
	struct bind_bucket **spare)
{
	struct bind_head *h = head_of(t, port);
	struct bind_bucket *b;
	int err = 0;

	spin_lock(&h->lock);
	b = find(h, port);
	if (!b) {
		b = *spare;
		*spare = NULL;
		bucket_insert(h, b, port);
	} else if (conflict(b, is, chosen)) {
		err = -EADDRINUSE;
	}
	if (!err)
		attach(b, &is->owner);
	spin_unlock(&h->lock);
	if (!err)
		name_socket(is, port);
	return err;
}

struct port_range {
	uint32_t min, n, first;
};

/* RFC 6056, 3.3.1: from a random place on, through all. */
static bool range_of(struct net *net, struct port_range *r)
{
	const uint32_t min = inet_port_min(net), max = inet_port_max(net);

	if (max < min)
		return false;
	r->min = min;
	r->n = max - min + 1;
	r->first = (uint32_t)random_below(r->n);
	return true;
}

static uint16_t port_at(const struct port_range *r, uint32_t i)
{
	return (uint16_t)(r->min + (r->first + i) % r->n);
}

static int choose_port(struct bind_table *t, struct inet_sock *is, struct bind_bucket **spare)
{
	struct port_range r;
	uint32_t i;

	if (!range_of(is->s.net, &r))
		return -EADDRINUSE;
	for (i = 0; i < r.n; i++)
		if (!try_port(t, is, port_at(&r, i), true, spare))
			return 0;
	return -EADDRINUSE;
}

int inet_bind(struct bind_table *t, struct inet_sock *is, const struct ip_addr *addr, __be16 port,
	uint32_t ifindex)
{
	const uint16_t want = be16(port);

	if (want && want < READ_ONCE(is->s.net->inet->unprivileged_port) &&
		!capable(CAP_NET_BIND_SERVICE))
		return -EACCES;
	return inet_bind_any(t, is, addr, port, ifindex);
}

int inet_bind_any(struct bind_table *t, struct inet_sock *is, const struct ip_addr *addr,
	__be16 port, uint32_t ifindex)
{
	const uint16_t want = be16(port);
	struct bind_bucket *spare;
	int err;

	spare = bucket_new();
	if (!spare)
		return -ENOMEM;
	owner_fill(is, addr, ifindex);
	err = want ? try_port(t, is, want, false, &spare) : choose_port(t, is, &spare);
	kfree(spare);
	return err;
}

/* ---- connect(2) ---- */

static bool try_connect_port(struct bind_table *t, struct inet_sock *is, uint16_t port,
	bool (*is_free)(void *arg, __be16 port), void *arg, struct bind_bucket **spare)
{
	struct bind_head *h = head_of(t, port);
	struct bind_bucket *b;
	bool ok;

	spin_lock(&h->lock);
	b = find(h, port);
	ok = (!b || !b->by_bind) && is_free(arg, to_be16(port));
	if (ok && !b) {
		b = *spare;
		*spare = NULL;
		bucket_insert(h, b, port);
	}
	if (ok)
		attach(b, &is->owner);
	spin_unlock(&h->lock);
	if (ok)
		name_socket(is, port);
	return ok;
}

int inet_bind_connect(struct bind_table *t, struct inet_sock *is,
	bool (*is_free)(void *arg, __be16 port), void *arg)
{
	struct bind_bucket *spare;
	struct port_range r;
	bool ok = false;
	uint32_t i;

	if (!range_of(is->s.net, &r))
		return -EADDRNOTAVAIL;
	spare = bucket_new();
	if (!spare)
		return -ENOMEM;
	owner_fill(is, &is->local, is->s.ifindex);
	is->owner.by_connect = true;
	for (i = 0; !ok && i < r.n; i++)
		ok = try_connect_port(t, is, port_at(&r, i), is_free, arg, &spare);
	kfree(spare);
	return ok ? 0 : -EADDRNOTAVAIL;
}

/* ---- changes of hands ---- */

static struct bind_head *head_of_owner(struct bind_table *t, const struct bind_owner *o)
{
	return head_of(t, o->bucket->port);
}

void inet_bind_inherit(struct bind_table *t, struct inet_sock *child, struct inet_sock *listener)
{
	struct bind_head *h = head_of(t, be16(child->lport));
	struct bind_bucket *b;

	spin_lock(&h->lock);
	b = listener->owner.bucket;
	if (b) {
		owner_fill(child, &child->local, listener->owner.ifindex);
		child->owner.by_connect = listener->owner.by_connect;
		attach(b, &child->owner);
	}
	spin_unlock(&h->lock);
}

void inet_bind_rename(struct bind_table *t, struct inet_sock *is)
{
	struct bind_head *h;

	if (!is->owner.bucket)
		return;
	h = head_of_owner(t, &is->owner);
	spin_lock(&h->lock);
	is->owner.addr = is->local;
	spin_unlock(&h->lock);
}

void inet_unbind(struct bind_table *t, struct inet_sock *is)
{
	struct bind_head *h;

	if (!is->owner.bucket)
		return;
	h = head_of_owner(t, &is->owner);
	spin_lock(&h->lock);
	detach(&is->owner);
	spin_unlock(&h->lock);
	is->lport = to_be16(0);
}

int inet_bind_may_listen(struct bind_table *t, struct inet_sock *is)
{
	struct bind_head *h;
	int err = 0;

	if (!is->owner.bucket)
		return -EINVAL;
	h = head_of_owner(t, &is->owner);
	spin_lock(&h->lock);
	refresh(&is->owner);
	if (stream_conflict(is->owner.bucket, &is->owner, false))
		err = -EADDRINUSE;
	else
		is->owner.listening = true;
	spin_unlock(&h->lock);
	return err;
}

void inet_bind_stop_listen(struct bind_table *t, struct inet_sock *is)
{
	struct bind_head *h;

	if (!is->owner.bucket)
		return;
	h = head_of_owner(t, &is->owner);
	spin_lock(&h->lock);
	is->owner.listening = false;
	spin_unlock(&h->lock);
}

void inet_bind_timewait(struct bind_table *t, struct inet_sock *is, struct bind_owner *tw)
{
	struct bind_owner *o = &is->owner;
	struct bind_head *h;

	if (!o->bucket)
		return;
	h = head_of_owner(t, o);
	spin_lock(&h->lock);
	refresh(o);
	*tw = *o;
	tw->is = NULL;
	tw->listening = false;
	attach(o->bucket, tw);
	detach(o);
	spin_unlock(&h->lock);
}

void inet_unbind_tw(struct bind_table *t, struct bind_owner *tw)
{
	struct bind_head *h;

	if (!tw->bucket)
		return;
	h = head_of_owner(t, tw);
	spin_lock(&h->lock);
	detach(tw);
	spin_unlock(&h->lock);
}
