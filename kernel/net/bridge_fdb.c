/*
 * bridge_fdb.c - the stations that a bridge knows (IEEE 802.1D 7.8, the filtering database).
 *
 * A table hashed by address with a key of the bridge's own, so that nobody can choose addresses
 * that fall together. Frames look it up by RCU; fdb_lock guards its changes, but the port and the
 * time of an entry, which are stored as they are. Senders can make up addresses: at FDB_MAX
 * entries a new one takes the place of the longest unheard one in a random bucket. A station that
 * loses its place so is one that frames are flooded for until it is heard again.
 *
 * Local entries, the addresses of ports and bridge, do not age and are never refused a place.
 *
 * Does not: one table for each VLAN; entries by an administrator.
 */
#include <arch/clock.h>
#include <error.h>
#include <hash.h>
#include <log.h>
#include <slab.h>
#include <string.h>
#include "bridge.h"

#define HEARD_STEP_NS 10000000ull /* so often at most is an entry's time stored anew */

static uint64_t pack(const uint8_t *mac)
{
	uint64_t v = 0;

	memcpy(&v, mac, ETH_ALEN);
	return v;
}

static struct hlist_head *bucket_of(struct bridge *b, uint64_t mac)
{
	return &b->fdb[siphash(&mac, sizeof(mac), b->key) % FDB_BUCKETS];
}

static struct fdb_entry *find(const struct hlist_head *bucket, uint64_t mac)
{
	struct fdb_entry *f;

	hlist_for_each_entry (f, bucket, node)
		if (f->mac == mac)
			return f;
	return NULL;
}

static uint64_t age_of(const struct fdb_entry *f)
{
	uint64_t now = clock_ns(), heard = READ_ONCE(f->heard_ns);

	return now > heard ? now - heard : 0;
}

static bool is_old(const struct bridge *b, const struct fdb_entry *f)
{
	return !f->is_local && age_of(f) >= READ_ONCE(b->ageing_ns);
}

void fdb_init(struct bridge *b)
{
	spin_init(&b->fdb_lock);
	random_bytes(b->key, sizeof(b->key));
}

const struct fdb_entry *fdb_find(struct bridge *b, const uint8_t *mac)
{
	uint64_t m = pack(mac);
	const struct fdb_entry *f = find(bucket_of(b, m), m);

	return f && !is_old(b, f) ? f : NULL;
}

/* ---- changing ---- */

static void entry_free(struct rcu_head *head)
{
	kfree(container_of(head, struct fdb_entry, rcu));
}

/* fdb_lock held. */
static void forget(struct bridge *b, struct fdb_entry *f)
{
	hlist_del(&f->node);
	b->stations--;
	rcu_call(&f->rcu, entry_free);
}

/* fdb_lock held: the longest unheard station of a random bucket goes. False: all are local. */
static bool make_room(struct bridge *b)
{
	unsigned start = (unsigned)random_below(FDB_BUCKETS);

	for (unsigned i = 0; i < FDB_BUCKETS; i++) {
		struct fdb_entry *f, *oldest = NULL;

		hlist_for_each_entry (f, &b->fdb[(start + i) % FDB_BUCKETS], node)
			if (!f->is_local && (!oldest || f->heard_ns < oldest->heard_ns))
				oldest = f;
		if (oldest) {
			forget(b, oldest);
			return true;
		}
	}
	return false;
}

/* fdb_lock held: @f, which is filled, unless its address is there. Consumes it. */
static void insert(struct bridge *b, struct fdb_entry *f)
{
	struct hlist_head *bucket = bucket_of(b, f->mac);

	if (find(bucket, f->mac) || (b->stations >= FDB_MAX && !f->is_local && !make_room(b))) {
		kfree(f);
		return;
	}
	b->stations++;
	hlist_add(&f->node, bucket);
}

static struct fdb_entry *new_entry(uint64_t mac, struct bridge_port *port)
{
	struct fdb_entry *f = kmalloc(sizeof(*f), GFP_ATOMIC);

	if (f)
		*f = (struct fdb_entry){.mac = mac, .port = port, .heard_ns = clock_ns()};
	return f;
}

void fdb_learn(struct bridge *b, const uint8_t *mac, struct bridge_port *port)
{
	uint64_t m = pack(mac);
	struct fdb_entry *f = find(bucket_of(b, m), m);

	if (likely(f)) {
		if (unlikely(f->is_local)) {
			log_ratelimited(LOG_WARNING, "%s: %s hears an address of the bridge's own",
				b->dev->name, port->dev->name);
			return;
		}
		if (unlikely(READ_ONCE(f->port) != port))
			WRITE_ONCE(f->port, port); /* it moved */
		if (age_of(f) > HEARD_STEP_NS)
			WRITE_ONCE(f->heard_ns, clock_ns());
		return;
	}
	f = new_entry(m, port);
	if (!f)
		return;
	spin_lock(&b->fdb_lock);
	insert(b, f);
	spin_unlock(&b->fdb_lock);
}

/* fdb_lock held: forget every entry of which @which says so. */
static void forget_all(struct bridge *b,
	bool (*which)(const struct bridge *b, const struct fdb_entry *f, const void *arg),
	const void *arg)
{
	for (unsigned i = 0; i < FDB_BUCKETS; i++) {
		struct fdb_entry *f, *next;

		for (f = hlist_entry_(b->fdb[i].first, struct fdb_entry, node); f; f = next) {
			next = hlist_entry_(f->node.next, struct fdb_entry, node);
			if (which(b, f, arg))
				forget(b, f);
		}
	}
}

static bool of_port(const struct bridge *b, const struct fdb_entry *f, const void *port)
{
	(void)b;
	return f->port == port;
}

static bool learned_at(const struct bridge *b, const struct fdb_entry *f, const void *port)
{
	return !f->is_local && of_port(b, f, port);
}

void fdb_flush_port(struct bridge *b, const struct bridge_port *port, bool local)
{
	spin_lock(&b->fdb_lock);
	forget_all(b, local ? of_port : learned_at, port);
	spin_unlock(&b->fdb_lock);
}

static bool unheard(const struct bridge *b, const struct fdb_entry *f, const void *arg)
{
	(void)arg;
	return is_old(b, f);
}

void fdb_sweep(struct bridge *b)
{
	spin_lock(&b->fdb_lock);
	forget_all(b, unheard, NULL);
	spin_unlock(&b->fdb_lock);
}

void fdb_free(struct bridge *b)
{
	for (unsigned i = 0; i < FDB_BUCKETS; i++) {
		struct fdb_entry *f;

		while ((f = hlist_entry_(b->fdb[i].first, struct fdb_entry, node))) {
			hlist_del(&f->node);
			kfree(f);
		}
	}
}

/* ---- local stations ---- */

/* A local entry whose owner has another address now. */
static bool disowned(const struct bridge *b, const struct fdb_entry *f, const void *arg)
{
	const struct netdev *owner = f->port ? f->port->dev : b->dev;

	(void)arg;
	return f->is_local && pack(owner->addr) != f->mac;
}

/* @mac is the address of @port, or of the bridge: NULL. One that was learned becomes local. */
static int add_local(struct bridge *b, const uint8_t *mac, struct bridge_port *port)
{
	struct fdb_entry *f, *fresh = new_entry(pack(mac), port);

	if (!fresh)
		return -ENOMEM;
	fresh->is_local = true;
	spin_lock(&b->fdb_lock);
	f = find(bucket_of(b, fresh->mac), fresh->mac);
	if (f && !f->is_local)
		forget(b, f);
	insert(b, fresh);
	spin_unlock(&b->fdb_lock);
	return 0;
}

int fdb_sync_local(struct bridge *b)
{
	struct bridge_port *port;
	int err = 0;

	net_config_assert();
	spin_lock(&b->fdb_lock);
	forget_all(b, disowned, NULL);
	spin_unlock(&b->fdb_lock);
	list_for_each_entry (port, &b->ports, node)
		err = err ? err : add_local(b, port->dev->addr, port);
	return err ? err : add_local(b, b->dev->addr, NULL);
}

/* ---- telling ---- */

int bridge_station_each(
	struct netdev *br, int (*fn)(const struct bridge_station *s, void *arg), void *arg)
{
	struct bridge *b = bridge_of(br);
	int result = 0;

	for (unsigned i = 0; i < FDB_BUCKETS && !result; i++) {
		const struct fdb_entry *f;

		hlist_for_each_entry (f, &b->fdb[i], node) {
			const struct bridge_port *port = READ_ONCE(f->port);
			struct bridge_station s = {.is_local = f->is_local,
				.port = port ? port->number : 0,
				.ifindex = port ? port->dev->ifindex : br->ifindex};

			if (is_old(b, f))
				continue;
			memcpy(s.mac, &f->mac, ETH_ALEN);
			s.age_ns = s.is_local ? 0 : age_of(f);
			result = fn(&s, arg);
			if (result)
				break;
		}
	}
	return result;
}
