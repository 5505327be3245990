/*
 * fib.c - routing tables: lookup by prefix, metric and next hop; routes added and removed; expiry.
 *
 * A table holds one trie for each family; a node's value is the list of routes to that prefix,
 * ordered by type of service (specific first) and metric. Routes are immutable: a change makes a
 * new one, unlinks the old one and frees it after a grace period. All changes run under the
 * configuration lock. Rules: fib_rule.c.
 */
#include "fib.h"
#include "inetdev.h"
#include <debug.h>
#include <hash.h>
#include <random.h>
#include <slab.h>
#include <time.h>
#include <workqueue.h>

enum { RTPROT_KERNEL = 2, RTPROT_BOOT = 3, SCOPE_LINK = 253, SCOPE_HOST = 254 };

/* ---- next hops ---- */

struct nexthop *nexthop_new(struct netdev *d, const struct rt_hop *h)
{
	struct nexthop *nh = kzalloc(sizeof(*nh));

	if (!nh)
		return NULL;
	refcount_set(&nh->refs, 1);
	nh->dev = netdev_hold(d);
	if (h) {
		nh->gateway = h->gateway;
		nh->has_gateway = !ip_is_any(&h->gateway);
		nh->onlink = h->onlink;
	}
	nh->weight = h && h->weight ? h->weight : 1;
	return nh;
}

static void nexthop_free(struct rcu_head *head)
{
	struct nexthop *nh = container_of(head, struct nexthop, rcu);

	netdev_put(nh->dev);
	kfree(nh);
}

void nexthop_put(struct nexthop *nh)
{
	if (refcount_dec(&nh->refs))
		rcu_call(&nh->rcu, nexthop_free);
}

/* ---- lookup ---- */

struct fib_table *fib_table(struct fib *f, uint32_t id)
{
	struct fib_table *t;

	if (id == RT_TABLE_MAIN)
		return f->main;
	if (id == RT_TABLE_LOCAL)
		return f->local;
	list_for_each_entry_rcu(t, &f->tables, node) if (t->id == id) return t;
	return NULL;
}

static bool usable(const struct route *rt, const struct nexthop *nh, const struct fib_query *q)
{
	return (nh->dev->flags & IFF_UP || rt->type == RTN_LOCAL) &&
	       (!q->oif || nh->dev->ifindex == q->oif) && !(q->on_link && nh->has_gateway);
}

/* RFC 2992: the hash of the flow falls into the share of one next hop; dead ones' go to the next.
 */
static struct nexthop *choose_hop(const struct route *rt, const struct fib_query *q)
{
	uint64_t h;
	uint32_t slot;
	unsigned i, k;

	if (rt->nr_hops == 1)
		return usable(rt, rt->hop[0], q) ? rt->hop[0] : NULL;
	if (!rt->nr_hops)
		return NULL;
	h = q->hash ? q->hash
		    : hash64(q->src.q[0] ^
			      hash64(q->src.q[1] ^ hash64(q->dst.q[0] ^ hash64(q->dst.q[1])))) >>
			      7;
	slot = (uint32_t)((uint64_t)(uint32_t)h * rt->weights >> 32);
	for (i = 0; i + 1 < rt->nr_hops && slot >= rt->hop[i]->weight; i++)
		slot -= rt->hop[i]->weight;
	for (k = 0; k < rt->nr_hops; k++, i++)
		if (usable(rt, rt->hop[i % rt->nr_hops], q))
			return rt->hop[i % rt->nr_hops];
	return NULL;
}

/* 1: @r is the answer. 0: not this one. Else an error. */
static int try_route(const struct route *rt, const struct fib_query *q, struct fib_result *r)
{
	struct nexthop *nh;

	if (rt->tos && rt->tos != q->tos)
		return 0;
	switch (rt->type) {
	case RTN_BLACKHOLE:
		return -EINVAL;
	case RTN_UNREACHABLE:
		return -EHOSTUNREACH;
	case RTN_PROHIBIT:
		return -EACCES;
	case RTN_THROW:
		return -EAGAIN;
	default:
		nh = choose_hop(rt, q);
		if (!nh)
			return 0;
		r->rt = rt;
		r->nh = nh;
		return 1;
	}
}

int fib_table_lookup(const struct fib_table *t, const struct fib_query *q, struct fib_result *r)
{
	const struct trie *trie = &t->trie[q->is_v6];
	const struct trie_key k = trie_key(&q->dst);
	const struct trie_node *n;
	const struct route *rt;
	int max, err;

	for (max = 128; (n = trie_match(trie, &k, max)); max = n->bits - 1)
		for (rt = rcu_dereference(n->value); rt; rt = rcu_dereference(rt->next)) {
			err = try_route(rt, q, r);
			if (err)
				return err > 0 ? 0 : err;
		}
	return -EAGAIN;
}

/* ---- changes ---- */

static void route_free(struct rcu_head *h)
{
	struct route *rt = container_of(h, struct route, rcu);
	unsigned i;

	for (i = 0; i < rt->nr_hops; i++)
		if (rt->hop[i])
			nexthop_put(rt->hop[i]);
	kfree(rt);
}

void fib_fill_entry(const struct route *rt, struct rt_entry *e)
{
	uint64_t now = clock_ns();
	unsigned i;

	*e = (struct rt_entry){
		.dst = trie_addr(rt->node),
		.prefsrc = rt->prefsrc,
		.prefix = rt->prefix,
		.type = rt->type,
		.scope = rt->scope,
		.protocol = rt->protocol,
		.tos = rt->tos,
		.table = rt->table->id,
		.priority = rt->priority,
		.mtu = rt->mtu,
		.advmss = rt->advmss,
		.window = rt->window,
		.rtt_ms = rt->rtt_ms,
		.hop_limit = rt->hop_limit,
		.pref = rt->pref,
		.nr_hops = rt->nr_hops,
		.is_v6 = rt->is_v6,
	};
	if (rt->expires_ns)
		e->expires_s = rt->expires_ns > now
				       ? (uint32_t)((rt->expires_ns - now) / NSEC_PER_SEC) + 1
				       : 1;
	for (i = 0; i < rt->nr_hops; i++)
		e->hop[i] = (struct rt_hop){
			.gateway = rt->hop[i]->gateway,
			.ifindex = rt->hop[i]->dev->ifindex,
			.weight = rt->hop[i]->weight,
			.onlink = rt->hop[i]->onlink,
		};
}

static void tell(struct net *net, const struct route *rt, bool added)
{
	struct rt_entry e;

	if (!netctl_changed)
		return;
	fib_fill_entry(rt, &e);
	netctl_changed(net, NETCTL_ROUTE, added, &e);
}

static struct fib_table *table_new(struct fib *f, uint32_t id)
{
	struct fib_table *t = kzalloc(sizeof(*t));

	if (!t)
		return NULL;
	t->id = id;
	list_add_tail(&t->node, &f->tables);
	return t;
}

static struct fib_table *table_get(struct fib *f, uint32_t id)
{
	struct fib_table *t = fib_table(f, id);

	return t ? t : table_new(f, id);
}

/* A gateway must be reachable on a link: RFC 1812, 5.2.4.3. Tells the device. */
static int check_gateway(
	struct net *net, const struct rt_entry *e, const struct rt_hop *h, struct netdev **dev)
{
	struct fib_query q = {.dst = h->gateway,
		.oif = h->ifindex,
		.on_link = true,
		.is_v6 = !ip_is_v4(&h->gateway)};
	struct fib_result r;
	int err;

	if (h->onlink || (q.is_v6 && ip_is_link_local(&h->gateway))) {
		if (!*dev)
			return -EINVAL;
		return (*dev)->flags & IFF_UP ? 0 : -ENETDOWN;
	}
	err = fib_lookup(net, &q, &r);
	if (err)
		return q.is_v6 ? -EHOSTUNREACH : -ENETUNREACH;
	if (r.rt->type == RTN_LOCAL)
		return -EINVAL;
	if (r.rt->type != RTN_UNICAST)
		return -EINVAL;
	*dev = r.nh->dev;
	return 0;
}

static int fill_hop(
	struct net *net, const struct rt_entry *e, const struct rt_hop *h, struct nexthop **out)
{
	struct netdev *d = NULL;
	int err = 0;

	if (h->ifindex) {
		d = netdev_by_index_rcu(net, h->ifindex);
		if (!d)
			return -ENODEV;
	}
	if (!ip_is_any(&h->gateway))
		err = check_gateway(net, e, h, &d);
	else if (!d)
		err = -ENODEV;
	else if (!(d->flags & IFF_UP) && e->type != RTN_LOCAL)
		err = -ENETDOWN;
	if (err)
		return err;
	*out = nexthop_new(d, h);
	return *out ? 0 : -ENOMEM;
}

static bool needs_hop(uint8_t type)
{
	return type == RTN_UNICAST || type == RTN_LOCAL || type == RTN_BROADCAST ||
	       type == RTN_MULTICAST;
}

static int check_entry(struct net *net, const struct rt_entry *e)
{
	if (e->prefix > 128 || (!e->is_v6 && e->prefix < 96) || e->nr_hops > ARRAY_SIZE(e->hop))
		return -EINVAL;
	if (!e->is_v6 != ip_is_v4(&e->dst))
		return -EINVAL;
	if (e->type < RTN_UNICAST || e->type > RTN_THROW || e->type == 4)
		return -EINVAL;
	if (needs_hop(e->type) && !e->nr_hops)
		return e->is_v6 ? -EINVAL : -ENODEV;
	if (!ip_is_any(&e->prefsrc) && e->type != RTN_LOCAL && !inetdev_lookup(net, &e->prefsrc))
		return -EINVAL;
	return 0;
}

static int route_new(struct net *net, const struct rt_entry *e, struct route **out)
{
	unsigned i, n = needs_hop(e->type) ? e->nr_hops : 0;
	struct route *rt = kzalloc(sizeof(*rt) + n * sizeof(rt->hop[0]));
	int err = 0;

	if (!rt)
		return -ENOMEM;
	rt->prefsrc = e->prefsrc;
	rt->prefix = e->prefix;
	rt->type = e->type;
	rt->scope = e->scope;
	rt->protocol = e->protocol;
	rt->tos = e->tos;
	rt->pref = e->pref;
	rt->is_v6 = e->is_v6;
	rt->priority = e->priority                              ? e->priority
		       : e->is_v6 && e->table != RT_TABLE_LOCAL ? 1024
								: 0;
	rt->mtu = e->mtu;
	rt->advmss = e->advmss;
	rt->window = e->window;
	rt->rtt_ms = e->rtt_ms;
	rt->hop_limit = MIN(e->hop_limit, 255u);
	rt->expires_ns = e->expires_s ? clock_ns() + e->expires_s * NSEC_PER_SEC : 0;
	for (i = 0; !err && i < n; i++) {
		err = fill_hop(net, e, &e->hop[i], &rt->hop[i]);
		if (!err)
			rt->weights += rt->hop[i]->weight;
		rt->nr_hops = i + !err;
	}
	if (err)
		route_free(&rt->rcu);
	else
		*out = rt;
	return err;
}

static bool same_hops(const struct route *a, const struct route *b)
{
	unsigned i;

	if (a->nr_hops != b->nr_hops || a->type != b->type)
		return false;
	for (i = 0; i < a->nr_hops; i++)
		if (a->hop[i]->dev != b->hop[i]->dev ||
			!ip_equal(&a->hop[i]->gateway, &b->hop[i]->gateway))
			return false;
	return true;
}

static int order(const struct route *a, const struct route *b)
{
	if (a->tos != b->tos)
		return a->tos > b->tos ? -1 : 1;
	if (a->priority != b->priority)
		return a->priority < b->priority ? -1 : 1;
	return 0;
}

static void arm_expiry(struct net *net, const struct route *rt)
{
	struct fib *f = net->inet->fib;

	if (rt->expires_ns &&
		(!net_timer_pending(&f->expiry) || rt->expires_ns < f->expiry.deadline_ns)) {
		if (net_timer_pending(&f->expiry))
			(void)net_timer_cancel(&f->expiry);
		(void)net_timer_arm(&f->expiry, rt->expires_ns);
	}
}

/* Take @rt, which follows @before, out of its list. */
static void route_unlink(struct net *net, struct route *rt, struct route *before)
{
	struct fib_table *t = rt->table;

	tell(net, rt, false);
	if (before)
		rcu_assign(before->next, rt->next);
	else
		trie_set(&t->trie[rt->is_v6], rt->node, rt->next);
	fib_changed(net);
	rcu_call(&rt->rcu, route_free);
}

struct add_mode {
	bool create, replace, append, excl;
};

static int route_link(struct net *net, struct route *rt, const struct add_mode *m)
{
	struct route *at = rt->node->value, *before = NULL, *first = NULL, *old_before = NULL;

	for (; at && order(at, rt) < 0; at = at->next)
		before = at;
	first = at && !order(at, rt) ? at : NULL;
	old_before = before;
	if (first && m->excl)
		return -EEXIST;
	if (!first && !m->create)
		return -ENOENT;
	for (; at && !order(at, rt); at = at->next) {
		if (!m->replace && same_hops(at, rt))
			return -EEXIST;
		if (m->append)
			before = at;
	}
	if (first && !m->replace && !m->append && !m->create)
		return -EEXIST;
	rt->next = before ? before->next : rt->node->value;
	if (before)
		rcu_assign(before->next, rt);
	else
		trie_set(&rt->table->trie[rt->is_v6], rt->node, rt);
	if (first && m->replace)
		route_unlink(net, first, old_before == before ? rt : old_before);
	return 0;
}

int route_add(struct net *net, const struct rt_entry *e, bool create, bool replace, bool append,
	bool excl)
{
	const struct add_mode mode = {create, replace, append, excl};
	struct fib *f = net->inet->fib;
	struct fib_table *t;
	struct route *rt = NULL;
	int err;

	net_config_assert();
	rcu_read_lock();
	err = check_entry(net, e);
	rcu_read_unlock();
	if (err)
		return err;
	t = table_get(f, e->table ? e->table : RT_TABLE_MAIN);
	if (!t)
		return -ENOMEM;
	err = route_new(net, e, &rt);
	if (err)
		return err;
	rt->table = t;
	rt->node = trie_insert(&t->trie[rt->is_v6], &e->dst, e->prefix);
	if (!rt->node) {
		route_free(&rt->rcu);
		return -ENOMEM;
	}
	err = route_link(net, rt, &mode);
	if (err) {
		if (!rt->node->value)
			trie_set(&t->trie[rt->is_v6], rt->node, NULL);
		route_free(&rt->rcu);
		return err;
	}
	fib_changed(net);
	arm_expiry(net, rt);
	tell(net, rt, true);
	return 0;
}

static bool hops_match(const struct route *rt, const struct rt_entry *e)
{
	unsigned i;

	for (i = 0; i < e->nr_hops; i++) {
		const struct rt_hop *h = &e->hop[i];

		if (i >= rt->nr_hops || (h->ifindex && h->ifindex != rt->hop[i]->dev->ifindex))
			return false;
		if (!ip_is_any(&h->gateway) && !ip_equal(&h->gateway, &rt->hop[i]->gateway))
			return false;
	}
	return true;
}

static bool route_matches(const struct route *rt, const struct rt_entry *e)
{
	return rt->tos == e->tos && (!e->type || e->type == rt->type) &&
	       (!e->priority || e->priority == rt->priority) &&
	       (!e->protocol || e->protocol == rt->protocol) &&
	       (e->is_v6 || e->scope == 255 || e->scope == rt->scope) &&
	       (ip_is_any(&e->prefsrc) || ip_equal(&e->prefsrc, &rt->prefsrc)) && hops_match(rt, e);
}

int route_del(struct net *net, const struct rt_entry *e)
{
	struct fib_table *t = fib_table(net->inet->fib, e->table ? e->table : RT_TABLE_MAIN);
	struct route *rt, *before = NULL;
	struct trie_node *n;

	net_config_assert();
	if (e->prefix > 128 || (!e->is_v6 && e->prefix < 96) || e->nr_hops > ARRAY_SIZE(e->hop))
		return -EINVAL;
	n = t ? trie_find(&t->trie[e->is_v6], &e->dst, e->prefix) : NULL;
	for (rt = n ? n->value : NULL; rt; before = rt, rt = rt->next)
		if (route_matches(rt, e)) {
			route_unlink(net, rt, before);
			return 0;
		}
	return -ESRCH;
}

bool fib_refresh(struct net *net, const struct rt_entry *e)
{
	const struct fib_table *t = fib_table(net->inet->fib, e->table);
	const struct trie_node *n = t ? trie_find(&t->trie[e->is_v6], &e->dst, e->prefix) : NULL;
	struct route *rt;

	net_config_assert();
	for (rt = n ? n->value : NULL; rt; rt = rt->next)
		if (route_matches(rt, e)) {
			rt->pref = e->pref;
			WRITE_ONCE(rt->expires_ns,
				e->expires_s ? clock_ns() + e->expires_s * NSEC_PER_SEC : 0);
			arm_expiry(net, rt);
			return true;
		}
	return false;
}

/* Remove what @drop says, in all tables. */
static void flush(
	struct net *net, bool (*drop)(const struct route *rt, const void *arg), const void *arg)
{
	struct fib_table *t;
	struct trie_node *n, *next;
	struct route *rt, *before, *after;
	unsigned v6;

	list_for_each_entry (t, &net->inet->fib->tables, node)
		for (v6 = 0; v6 < 2; v6++)
			for (n = trie_next(&t->trie[v6], NULL); n; n = next) {
				next = trie_next(&t->trie[v6], n);
				before = NULL;
				for (rt = n->value; rt; rt = after) {
					after = rt->next;
					if (drop(rt, arg))
						route_unlink(net, rt, before);
					else
						before = rt;
				}
			}
}

struct flush_dev {
	const struct netdev *d;
	bool gone;
	bool only4;
};

/* A route goes when its last live next hop does. */
static bool drop_dev(const struct route *rt, const void *arg)
{
	const struct flush_dev *fd = arg;
	unsigned i, alive = 0, hit = 0;

	if (rt->is_v6 ? fd->only4 : rt->type == RTN_LOCAL && !fd->gone && !fd->only4)
		return false;
	for (i = 0; i < rt->nr_hops; i++) {
		hit += rt->hop[i]->dev == fd->d;
		alive += rt->hop[i]->dev != fd->d && rt->hop[i]->dev->flags & IFF_UP;
	}
	return hit && (!alive || fd->gone);
}

void fib_flush_dev(struct net *net, struct netdev *d, bool gone)
{
	const struct flush_dev fd = {.d = d, .gone = gone};

	flush(net, drop_dev, &fd);
	fib_changed(net);
}

void fib_flush_dev4(struct net *net, struct netdev *d)
{
	const struct flush_dev fd = {.d = d, .only4 = true};

	flush(net, drop_dev, &fd);
	fib_changed(net);
}

static bool drop_source(const struct route *rt, const void *arg)
{
	return !rt->is_v6 && ip_equal(&rt->prefsrc, arg);
}

void fib_flush_source(struct net *net, const struct ip_addr *src)
{
	if (!inetdev_lookup(net, src))
		flush(net, drop_source, src);
}

static bool drop_expired(const struct route *rt, const void *arg)
{
	const uint64_t *now = arg;

	return rt->expires_ns && rt->expires_ns <= *now;
}

static void expiry_work(struct work *w)
{
	struct net *net = &net_initial;
	struct fib_table *t;
	struct trie_node *n;
	const struct route *rt;
	uint64_t now = clock_ns();

	(void)w;
	net_config_lock();
	flush(net, drop_expired, &now);
	list_for_each_entry (t, &net->inet->fib->tables, node)
		for (n = trie_next(&t->trie[1], NULL); n; n = trie_next(&t->trie[1], n))
			for (rt = n->value; rt; rt = rt->next)
				arm_expiry(net, rt);
	net_config_unlock();
}

static struct work expiry_item;
static void expiry_due(struct net_timer *t)
{
	(void)t;
	(void)work_queue(&expiry_item);
}

int route_each(struct net *net, int (*fn)(const struct rt_entry *r, void *arg), void *arg)
{
	struct fib_table *t;
	struct trie_node *n;
	const struct route *rt;
	struct rt_entry e;
	unsigned v6;
	int err;

	net_config_assert();
	list_for_each_entry (t, &net->inet->fib->tables, node)
		for (v6 = 0; v6 < 2; v6++)
			for (n = trie_next(&t->trie[v6], NULL); n; n = trie_next(&t->trie[v6], n))
				for (rt = n->value; rt; rt = rt->next) {
					fib_fill_entry(rt, &e);
					err = fn(&e, arg);
					if (err)
						return err;
				}
	return 0;
}

void fib_init(struct net *net)
{
	struct fib *f = kzalloc(sizeof(*f));

	PANIC_ON(!f);
	list_init(&f->tables);
	list_init(&f->rules[0]);
	list_init(&f->rules[1]);
	spin_init(&f->lock);
	net_timer_init(&f->expiry, expiry_due);
	work_init(&expiry_item, expiry_work);
	f->local = table_new(f, RT_TABLE_LOCAL);
	f->main = table_new(f, RT_TABLE_MAIN);
	f->deflt = table_new(f, RT_TABLE_DEFAULT);
	PANIC_ON(!f->local || !f->main || !f->deflt);
	fib_rules_init(f);
	fib_exceptions_init(f);
	net->inet->fib = f;
}
