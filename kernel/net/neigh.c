/*
 * neigh.c - the neighbour table: link addresses of hosts on the same link, and whether they answer.
 *
 * Theory. One table for IPv4 and IPv6, and one state machine: RFC 4861, 7.3, which ARP entries
 * follow too; arp.c and ndisc.c send the questions and report what they hear (neigh_update()). An
 * entry is created when a packet needs it (INCOMPLETE: packets wait in ->pending, the oldest
 * drops), becomes REACHABLE by an answer or by forward progress of a connection, STALE with time,
 * DELAY when used again, PROBE when nobody confirmed it, FAILED when it does not answer: then
 * waiting packets come back as "host unreachable".
 *
 * Lifetime: the table, every struct dst that keeps one, and a pending timer hold references. An
 * entry taken off the table is ->dead: holders see that at the next send and look again.
 *
 * Bounds: Linux's gc_thresh. Above the third no entry is made unless one can go: never a permanent
 * one, first those that never resolved, then the longest unused of a few looked at. Half the table
 * at most is INCOMPLETE, so that a scan of a whole network cannot push out working neighbours.
 *
 * Locks: table_lock (writers of the hash), then neigh->lock. Readers use RCU; the link address is
 * copied under ->seq. Questions are sent with no lock held.
 */
#include "neigh.h"
#include "inetdev.h"
#include <debug.h>
#include <hash.h>
#include <log.h>
#include <random.h>
#include <slab.h>
#include <time.h>

enum {
	GC_THRESH1 = 128,
	GC_THRESH2 = 512,
	GC_THRESH3 = 1024,
	MAX_INCOMPLETE = GC_THRESH2,
	BUCKETS = 512,
	MAX_PENDING = 64,
	MAX_PROBES = 3,
	GC_LOOK = 32
};
#define DELAY_FIRST_NS (5 * NSEC_PER_SEC)
#define GC_INTERVAL_NS (30 * NSEC_PER_SEC)
#define GC_STALE_NS    (60 * NSEC_PER_SEC)
#define REACHABLE_NS   (30 * NSEC_PER_SEC)
#define RETRANS_NS     NSEC_PER_SEC
#define NUD_VALID      (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY)

static struct spinlock table_lock = SPINLOCK_INIT("neighbours");
static struct hlist_head table[BUCKETS];
static uint64_t hash_key[2];
static uint32_t nr_entries; /* [table_lock] */
static atomic_t nr_incomplete;
static uint32_t clock_hand;       /* [table_lock] where the search for victims goes on */
static struct net_timer gc_timer; /* runs while there are entries */

static void neigh_timer(struct net_timer *t);
static void neigh_fill(const struct neigh *n, struct neigh_entry *e);

static struct hlist_head *bucket_of(const struct netdev *d, const struct ip_addr *a)
{
	const struct {
		struct ip_addr a;
		uint64_t ifindex;
	} key = {*a, d->ifindex};

	return &table[siphash(&key, sizeof(key), hash_key) % BUCKETS];
}

static void neigh_free(struct rcu_head *h)
{
	struct neigh *n = container_of(h, struct neigh, rcu);

	netdev_put(n->dev);
	kfree(n);
}

void neigh_put(struct neigh *n)
{
	if (!refcount_dec(&n->refs))
		return;
	pkt_queue_purge(&n->pending);
	rcu_call(&n->rcu, neigh_free);
}

static void notify(const struct neigh *n, bool added)
{
	struct neigh_entry e;

	if (!netctl_changed)
		return;
	neigh_fill(n, &e);
	netctl_changed(n->dev->net, NETCTL_NEIGH, added, &e);
}

static uint64_t reachable_time(const struct neigh *n)
{
	const struct inet_dev *idev = inet_dev(n->dev);

	return idev && idev->reachable_ns && !ip_is_v4(&n->addr) ? idev->reachable_ns
								 : REACHABLE_NS;
}

static uint64_t retrans_time(const struct neigh *n)
{
	const struct inet_dev *idev = inet_dev(n->dev);

	return idev && idev->retrans_ms && !ip_is_v4(&n->addr) ? idev->retrans_ms * NSEC_PER_MSEC
							       : RETRANS_NS;
}

static void arm(struct neigh *n, uint64_t at)
{
	if (net_timer_arm(&n->timer, at))
		neigh_get(n);
}

static void set_state(struct neigh *n, uint8_t state)
{
	ASSERT_LOCKED(&n->lock);
	if (n->state == state)
		return;
	if (n->state == NUD_INCOMPLETE)
		atomic_dec(&nr_incomplete);
	if (state == NUD_INCOMPLETE)
		atomic_inc(&nr_incomplete);
	WRITE_ONCE(n->state, state);
}

static void set_lladdr(struct neigh *n, const uint8_t *lladdr)
{
	seq_write_begin(&n->seq);
	memcpy(n->lladdr, lladdr, MIN(n->dev->addr_len, (uint8_t)sizeof(n->lladdr)));
	seq_write_end(&n->seq);
	WRITE_ONCE(n->updated_ns, clock_ns());
}

static void make_reachable(struct neigh *n, uint64_t now)
{
	WRITE_ONCE(n->confirmed_ns, now);
	n->probes = 0;
	set_state(n, NUD_REACHABLE);
	arm(n, now + reachable_time(n));
}

/* ---- the table ---- */

/* Packets that wait, taken out under the lock; the caller sends or refuses them without it. */
static void take_pending(struct neigh *n, struct pkt_queue *q)
{
	struct pkt *p;

	pkt_queue_init(q);
	while ((p = pkt_dequeue(&n->pending)))
		pkt_enqueue(q, p);
}

/* Off the table: nobody finds it any more. The caller buries it, without table_lock. */
static void unhash(struct neigh *n)
{
	bool armed;

	ASSERT_LOCKED(&table_lock);
	hlist_del(&n->node);
	nr_entries--;
	spin_lock(&n->lock);
	if (n->state == NUD_INCOMPLETE)
		set_state(n, NUD_FAILED);
	WRITE_ONCE(n->dead, true);
	armed = net_timer_cancel(&n->timer);
	spin_unlock(&n->lock);
	if (armed)
		neigh_put(n); /* not the last: the table's is still there */
}

/* What was taken off the table: the packets that wait go (they may hold the socket that holds the
 * entry), and the table's reference. */
static void bury(struct neigh *n)
{
	struct pkt_queue q;

	spin_lock(&n->lock);
	take_pending(n, &q);
	spin_unlock(&n->lock);
	pkt_queue_purge(&q);
	neigh_put(n);
}

/* The best entry to give up among some, or NULL. @unresolved: only those that never answered. */
static struct neigh *victim(bool unresolved)
{
	struct neigh *n, *best = NULL;
	unsigned looked = 0, i;

	for (i = 0; i < BUCKETS && looked < GC_LOOK; i++, clock_hand++)
		hlist_for_each_entry (n, &table[clock_hand % BUCKETS], node) {
			bool raw = n->state & (NUD_INCOMPLETE | NUD_FAILED);
			bool best_raw = best && best->state & (NUD_INCOMPLETE | NUD_FAILED);

			if (n->state & (NUD_PERMANENT | NUD_NOARP) || (unresolved && !raw))
				continue;
			looked++;
			if (!best || (raw && !best_raw) ||
				(raw == best_raw && n->used_ns < best->used_ns))
				best = n;
		}
	return best;
}

/* Room for one more: takes out at most one. False: there is none. */
static bool make_room(struct neigh **out)
{
	bool scan = atomic_read(&nr_incomplete) >= MAX_INCOMPLETE;

	*out = NULL;
	if (nr_entries < GC_THRESH3 && !scan)
		return true;
	*out = victim(scan);
	if (*out)
		unhash(*out);
	return *out || nr_entries < GC_THRESH3;
}

static struct neigh *neigh_new(struct netdev *d, const struct ip_addr *a)
{
	struct neigh *n = kmalloc(sizeof(*n), GFP_ATOMIC);

	if (!n)
		return NULL;
	memset(n, 0, sizeof(*n));
	n->addr = *a;
	n->dev = netdev_hold(d);
	refcount_set(&n->refs, 1);
	spin_init(&n->lock);
	n->state = NUD_FAILED;
	n->used_ns = n->updated_ns = n->confirmed_ns = clock_ns();
	pkt_queue_init(&n->pending);
	net_timer_init(&n->timer, neigh_timer);
	return n;
}

static struct neigh *lookup(struct netdev *d, const struct ip_addr *a)
{
	struct neigh *n;

	hlist_for_each_entry (n, bucket_of(d, a), node)
		if (n->dev == d && ip_equal(&n->addr, a) && refcount_inc_not_zero(&n->refs))
			return n;
	return NULL;
}

struct neigh *neigh_find(struct netdev *d, const struct ip_addr *a, bool create)
{
	struct neigh *n = lookup(d, a), *fresh, *gone = NULL;

	if (n || !create || !inet_dev(d))
		return n;
	fresh = neigh_new(d, a);
	if (!fresh)
		return NULL;
	spin_lock(&table_lock);
	n = lookup(d, a);
	if (!n && make_room(&gone)) {
		n = neigh_get(fresh);
		hlist_add(&fresh->node, bucket_of(d, a));
		nr_entries++;
		fresh = NULL;
		if (!net_timer_pending(&gc_timer))
			(void)net_timer_arm(&gc_timer, clock_ns() + GC_INTERVAL_NS);
	}
	spin_unlock(&table_lock);
	if (fresh)
		neigh_put(fresh);
	if (gone)
		bury(gone);
	if (!n)
		log_ratelimited(LOG_WARNING, "net: neighbour table overflow");
	return n;
}

/* Periodic: unused entries go while there are more than the first threshold. */
static void gc(struct net_timer *t)
{
	const uint64_t now = clock_ns();
	struct neigh *n, *batch[GC_LOOK];
	unsigned i, k, nr;

	do {
		nr = 0;
		spin_lock(&table_lock);
		for (i = 0; i < BUCKETS && nr < GC_LOOK && nr_entries > GC_THRESH1; i++)
			hlist_for_each_entry (n, &table[i], node) {
				if (nr == GC_LOOK || n->state & (NUD_PERMANENT | NUD_NOARP) ||
					n->used_ns + GC_STALE_NS > now ||
					refcount_read(&n->refs) > 1)
					continue;
				unhash(n);
				batch[nr++] = n;
			}
		if (nr_entries && nr < GC_LOOK)
			(void)net_timer_arm(t, now + GC_INTERVAL_NS);
		spin_unlock(&table_lock);
		for (k = 0; k < nr; k++) {
			notify(batch[k], false);
			bury(batch[k]);
		}
	} while (nr == GC_LOOK);
}

void neigh_flush_dev(struct netdev *d, bool all)
{
	struct neigh *n, *batch[GC_LOOK];
	unsigned i, k, nr;

	do {
		nr = 0;
		spin_lock(&table_lock);
		for (i = 0; i < BUCKETS && nr < GC_LOOK; i++)
			hlist_for_each_entry (n, &table[i], node) {
				if (n->dev != d || nr == GC_LOOK ||
					(!all && n->state & NUD_PERMANENT))
					continue;
				unhash(n);
				batch[nr++] = n;
			}
		spin_unlock(&table_lock);
		for (k = 0; k < nr; k++) {
			notify(batch[k], false);
			bury(batch[k]);
		}
	} while (nr == GC_LOOK);
}

/* ---- the state machine ---- */

static void solicit(struct neigh *n, const struct ip_addr *src, bool unicast)
{
	uint8_t ll[NETDEV_ADDR];

	memcpy(ll, n->lladdr, sizeof(ll));
	if (ip_is_v4(&n->addr))
		arp_solicit(n->dev, &n->addr, src, unicast ? ll : NULL);
	else
		ndisc_solicit(n->dev, &n->addr, src, unicast ? ll : NULL);
}

/* It does not answer: RFC 1122, 2.3.2.2. */
static void refuse(struct neigh *n, struct pkt_queue *q)
{
	struct pkt *p;

	while ((p = pkt_dequeue(q))) {
		icmp_send(n->dev->net, p, ICMP_HOST_UNREACHABLE, 0);
		pkt_free(p);
	}
}

/* The source of the packet that has waited longest: arp_announce 0, RFC 4861 7.2.2. */
static struct ip_addr pending_source(struct neigh *n)
{
	struct pkt *p = pkt_peek(&n->pending);
	struct ip_addr any = {.q = {0, 0}};

	if (!p)
		return any;
	if (p->protocol == to_be16(ETH_P_IP))
		return ip_from_v4(ip4_header(p)->src);
	return ip6_addr(ip6_header(p)->src);
}

enum todo { NOTHING, ASK_ALL, ASK_ONE, REFUSE };

static enum todo unanswered(struct neigh *n, uint64_t now)
{
	if (n->probes >= MAX_PROBES) {
		set_state(n, NUD_FAILED);
		WRITE_ONCE(n->updated_ns, now);
		return REFUSE;
	}
	n->probes++;
	arm(n, now + retrans_time(n));
	return n->state == NUD_PROBE ? ASK_ONE : ASK_ALL;
}

static enum todo on_timer(struct neigh *n, uint64_t now)
{
	switch (n->state) {
	case NUD_REACHABLE:
		if (n->confirmed_ns + reachable_time(n) > now)
			arm(n, n->confirmed_ns + reachable_time(n));
		else
			set_state(n, NUD_STALE);
		return NOTHING;
	case NUD_DELAY:
		if (n->confirmed_ns + DELAY_FIRST_NS > now) {
			make_reachable(n, n->confirmed_ns);
			return NOTHING;
		}
		set_state(n, NUD_PROBE);
		n->probes = 0;
		return unanswered(n, now);
	case NUD_PROBE:
	case NUD_INCOMPLETE:
		return unanswered(n, now);
	default:
		return NOTHING;
	}
}

static void neigh_timer(struct net_timer *t)
{
	struct neigh *n = container_of(t, struct neigh, timer);
	struct ip_addr src;
	struct pkt_queue q;
	enum todo todo = NOTHING;
	uint8_t before;

	pkt_queue_init(&q);
	spin_lock(&n->lock);
	before = n->state;
	if (!n->dead)
		todo = on_timer(n, clock_ns());
	src = pending_source(n);
	if (todo == REFUSE)
		take_pending(n, &q);
	spin_unlock(&n->lock);
	if (todo == ASK_ALL || todo == ASK_ONE)
		solicit(n, &src, todo == ASK_ONE);
	refuse(n, &q);
	if (n->state != before)
		notify(n, true);
	neigh_put(n);
}

static int send_to(struct neigh *n, struct pkt *p)
{
	uint8_t ll[ETH_ALEN];
	uint32_t seq;

	do {
		seq = seq_read_begin(&n->seq);
		memcpy(ll, n->lladdr, sizeof(ll));
	} while (seq_read_retry(&n->seq, seq));
	eth_push(p, ll, n->dev->addr, be16(p->protocol));
	return netdev_xmit(p);
}

/* Wait for the address: RFC 1122, 2.3.2.2: at least the latest packet. */
static bool enqueue(struct neigh *n, struct pkt *p)
{
	if (n->pending.count >= MAX_PENDING)
		pkt_free(pkt_dequeue(&n->pending));
	pkt_enqueue(&n->pending, p);
	if (n->state == NUD_INCOMPLETE)
		return false;
	set_state(n, NUD_INCOMPLETE);
	n->probes = 1;
	arm(n, clock_ns() + retrans_time(n));
	return true;
}

int neigh_output(struct neigh *n, struct pkt *p)
{
	const uint8_t state = READ_ONCE(n->state);
	struct ip_addr src;
	bool valid, ask = false;

	WRITE_ONCE(n->used_ns, clock_ns());
	if (likely(state & (NUD_REACHABLE | NUD_PERMANENT | NUD_NOARP | NUD_DELAY | NUD_PROBE)))
		return send_to(n, p);
	spin_lock(&n->lock);
	if (n->dead) {
		spin_unlock(&n->lock);
		pkt_free(p);
		return -ENOBUFS;
	}
	valid = n->state & NUD_VALID;
	if (n->state == NUD_STALE) {
		set_state(n, NUD_DELAY);
		arm(n, clock_ns() + DELAY_FIRST_NS);
	}
	if (!valid) {
		ask = enqueue(n, p);
		src = pending_source(n);
	}
	spin_unlock(&n->lock);
	if (valid)
		return send_to(n, p);
	if (ask)
		solicit(n, &src, false);
	return 0;
}

/* RFC 4861, 7.2.5 and appendix C. True: the entry may be sent to now and could not before. */
static bool apply(struct neigh *n, const struct neigh_news *news, uint64_t now)
{
	bool same = !news->lladdr || !memcmp(news->lladdr, n->lladdr, n->dev->addr_len);

	if (n->state & (NUD_PERMANENT | NUD_NOARP))
		return false;
	if (news->has_router)
		n->is_router = news->is_router;
	if (n->state & (NUD_INCOMPLETE | NUD_FAILED)) {
		if (!news->lladdr)
			return false;
		set_lladdr(n, news->lladdr);
		if (news->solicited)
			make_reachable(n, now);
		else
			set_state(n, NUD_STALE);
		return true;
	}
	if (!same && !news->override) {
		if (n->state == NUD_REACHABLE)
			set_state(n, NUD_STALE);
		return false;
	}
	if (!same)
		set_lladdr(n, news->lladdr);
	if (news->solicited)
		make_reachable(n, now);
	else if (!same)
		set_state(n, NUD_STALE);
	return false;
}

void neigh_update(struct netdev *d, const struct ip_addr *a, const struct neigh_news *news)
{
	struct neigh *n = neigh_find(d, a, news->create && news->lladdr);
	struct pkt_queue q;
	struct pkt *p;
	uint8_t before;
	bool was_router;

	if (!n)
		return;
	pkt_queue_init(&q);
	spin_lock(&n->lock);
	before = n->state;
	was_router = n->is_router;
	if (!n->dead && apply(n, news, clock_ns()))
		take_pending(n, &q);
	spin_unlock(&n->lock);
	while ((p = pkt_dequeue(&q)))
		(void)send_to(n, p);
	if (n->state != before || n->is_router != was_router)
		notify(n, true);
	neigh_put(n);
}

bool neigh_is_router(struct netdev *d, const struct ip_addr *a)
{
	struct neigh *n = neigh_find(d, a, false);
	bool yes = n && n->is_router;

	if (n)
		neigh_put(n);
	return yes;
}

bool neigh_failed(struct netdev *d, const struct ip_addr *a)
{
	struct neigh *n = neigh_find(d, a, false);
	bool yes = n && n->state == NUD_FAILED;

	if (n)
		neigh_put(n);
	return yes;
}

/* ---- configuration: netctl.h ---- */

static void neigh_fill(const struct neigh *n, struct neigh_entry *e)
{
	const uint64_t now = clock_ns();

	*e = (struct neigh_entry){
		.addr = n->addr,
		.ifindex = n->dev->ifindex,
		.lladdr_len = n->state & NUD_VALID ? n->dev->addr_len : 0,
		.state = n->state,
		.flags = n->is_router ? 0x80 : 0,
		.confirmed_ms = (uint32_t)((now - MIN(n->confirmed_ns, now)) / NSEC_PER_MSEC),
		.used_ms = (uint32_t)((now - MIN(n->used_ns, now)) / NSEC_PER_MSEC),
		.updated_ms = (uint32_t)((now - MIN(n->updated_ns, now)) / NSEC_PER_MSEC),
		.refs = (uint32_t)refcount_read(&n->refs) - 1,
	};
	memcpy(e->lladdr, n->lladdr, sizeof(e->lladdr));
}

static void set_by_admin(struct neigh *n, const struct neigh_entry *e, struct pkt_queue *q)
{
	const uint64_t now = clock_ns();

	if (e->lladdr_len)
		set_lladdr(n, e->lladdr);
	n->is_router = e->flags & 0x80;
	WRITE_ONCE(n->used_ns, now);
	if (e->state & NUD_REACHABLE)
		make_reachable(n, now);
	else
		set_state(n, (uint8_t)e->state);
	if (e->state & NUD_VALID)
		take_pending(n, q);
}

int neigh_set(struct net *net, const struct neigh_entry *e, bool create, bool replace, bool excl)
{
	struct netdev *d = netdev_get_by_index(net, e->ifindex);
	struct neigh *n = NULL;
	struct pkt_queue q;
	struct pkt *p;
	int err = 0;
	bool there;

	if (!d)
		return -ENODEV;
	pkt_queue_init(&q);
	net_enter();
	n = neigh_find(d, &e->addr, false);
	there = n;
	if (e->lladdr_len && e->lladdr_len != d->addr_len)
		err = -EINVAL;
	else if (there && excl)
		err = -EEXIST;
	else if (!there && !create)
		err = -ENOENT;
	else if (!there && !(n = neigh_find(d, &e->addr, true)))
		err = -ENOBUFS;
	else if (there && !replace && !(e->state & NUD_PERMANENT))
		err = -EEXIST;
	if (!err) {
		spin_lock(&n->lock);
		set_by_admin(n, e, &q);
		spin_unlock(&n->lock);
		while ((p = pkt_dequeue(&q)))
			(void)send_to(n, p);
		notify(n, true);
	}
	if (n)
		neigh_put(n);
	net_exit();
	netdev_put(d);
	return err;
}

int neigh_del(struct net *net, const struct ip_addr *a, uint32_t ifindex)
{
	struct netdev *d = netdev_get_by_index(net, ifindex);
	struct neigh *n;

	if (!d)
		return -ENODEV;
	net_enter();
	n = neigh_find(d, a, false);
	if (n) {
		bool mine;

		spin_lock(&table_lock);
		mine = !n->dead;
		if (mine)
			unhash(n);
		spin_unlock(&table_lock);
		notify(n, false);
		if (mine)
			bury(n);
		neigh_put(n);
	}
	net_exit();
	netdev_put(d);
	return n ? 0 : -ENOENT;
}

int neigh_each(struct net *net, int (*fn)(const struct neigh_entry *e, void *arg), void *arg)
{
	const struct neigh *n;
	struct neigh_entry e;
	unsigned i;
	int err = 0;

	rcu_read_lock();
	for (i = 0; !err && i < BUCKETS; i++)
		hlist_for_each_entry (n, &table[i], node) {
			if (n->dev->net != net)
				continue;
			neigh_fill(n, &e);
			err = fn(&e, arg);
			if (err)
				break;
		}
	rcu_read_unlock();
	return err;
}

void neigh_init(void)
{
	random_bytes(hash_key, sizeof(hash_key));
	net_timer_init(&gc_timer, gc);
}
