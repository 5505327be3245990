/*
 * pmtu.c - what ICMP teaches about single destinations: path MTU and redirects.
 *
 * A bounded hash table of exceptions to the routes; each fact expires (RFC 1191, 6.3; Linux's ten
 * minutes). Senders of false messages must know a packet that we sent (icmp.c checks the
 * quotation); beyond that the table's bound holds: the bucket's oldest gives way. Readers use RCU;
 * an exception is replaced, not changed.
 */
#include "fib.h"
#include <hash.h>
#include <random.h>
#include <slab.h>
#include <time.h>

enum { MIN_PMTU4 = 552, BUCKET_DEPTH = 8 };
#define FACT_NS (600 * NSEC_PER_SEC)

static struct hlist_head *bucket_of(struct fib *f, const struct ip_addr *dst)
{
	return &f->exception[siphash(dst, sizeof(*dst), f->exception_key) % FIB_EXCEPTIONS];
}

const struct fib_exception *fib_exception_find(struct fib *f, const struct ip_addr *dst)
{
	const struct fib_exception *x;
	uint64_t now;

	if (likely(!READ_ONCE(f->nr_exceptions)))
		return NULL;
	now = clock_ns();
	hlist_for_each_entry (x, bucket_of(f, dst), node)
		if (ip_equal(&x->dst, dst))
			return x->mtu_expires_ns > now || x->gateway_expires_ns > now ? x : NULL;
	return NULL;
}

static void exception_free(struct rcu_head *h)
{
	kfree(container_of(h, struct fib_exception, rcu));
}

static void drop(struct fib *f, struct fib_exception *x)
{
	hlist_del(&x->node);
	f->nr_exceptions--;
	rcu_call(&x->rcu, exception_free);
}

static uint64_t expires(const struct fib_exception *x)
{
	return MAX(x->mtu_expires_ns, x->gateway_expires_ns);
}

/* The one for @dst, and room for a new one: the bucket's first to expire goes when it is full. */
static struct fib_exception *make_room(struct fib *f, const struct ip_addr *dst)
{
	struct fib_exception *x, *oldest = NULL;
	unsigned n = 0;

	hlist_for_each_entry (x, bucket_of(f, dst), node) {
		if (ip_equal(&x->dst, dst))
			return x;
		n++;
		if (!oldest || expires(x) < expires(oldest))
			oldest = x;
	}
	if (oldest && (n >= BUCKET_DEPTH || f->nr_exceptions >= FIB_EXCEPTIONS_MAX))
		drop(f, oldest);
	return NULL;
}

static void arm(struct fib *f, uint64_t at)
{
	if (net_timer_pending(&f->exception_timer) && f->exception_timer.deadline_ns <= at)
		return;
	(void)net_timer_cancel(&f->exception_timer);
	(void)net_timer_arm(&f->exception_timer, at);
}

/* Replace or add: @change edits a copy, or a fresh one. */
static void learn(struct net *net, const struct fib_exception *fact)
{
	struct fib *f = net->inet->fib;
	struct fib_exception *x = kmalloc(sizeof(*x), GFP_ATOMIC), *old;

	if (!x)
		return;
	spin_lock(&f->lock);
	old = make_room(f, &fact->dst);
	*x = old ? *old : (struct fib_exception){.dst = fact->dst};
	if (fact->mtu) {
		x->mtu = fact->mtu;
		x->mtu_expires_ns = fact->mtu_expires_ns;
	}
	if (fact->ifindex) {
		x->gateway = fact->gateway;
		x->ifindex = fact->ifindex;
		x->gateway_expires_ns = fact->gateway_expires_ns;
	}
	if (old)
		drop(f, old);
	if (old || f->nr_exceptions < FIB_EXCEPTIONS_MAX) {
		hlist_add(&x->node, bucket_of(f, &x->dst));
		f->nr_exceptions++;
		arm(f, expires(x));
		x = NULL;
	}
	spin_unlock(&f->lock);
	kfree(x);
	fib_changed(net);
}

void pmtu_update(struct net *net, const struct ip_addr *dst, uint32_t mtu)
{
	const struct fib_exception *x = fib_exception_find(net->inet->fib, dst);
	const uint32_t floor = ip_is_v4(dst) ? MIN_PMTU4 : IP6_MIN_MTU;
	struct fib_exception fact = {
		.dst = *dst, .mtu = MAX(mtu, floor), .mtu_expires_ns = clock_ns() + FACT_NS};

	/* Never upwards by a message (RFC 1191, 3): it may be old. */
	if (x && x->mtu && x->mtu_expires_ns > clock_ns() && x->mtu <= fact.mtu)
		return;
	learn(net, &fact);
}

void fib_redirect(
	struct net *net, const struct ip_addr *dst, const struct ip_addr *gateway, uint32_t ifindex)
{
	const struct fib_exception fact = {.dst = *dst,
		.gateway = *gateway,
		.ifindex = ifindex,
		.gateway_expires_ns = clock_ns() + FACT_NS};

	learn(net, &fact);
}

static void sweep(struct fib *f, uint64_t now)
{
	struct fib_exception *x;
	uint64_t next = UINT64_MAX;
	unsigned i;

	spin_lock(&f->lock);
	for (i = 0; i < FIB_EXCEPTIONS; i++)
		hlist_for_each_entry (x, &f->exception[i], node) {
			if (expires(x) <= now)
				drop(f, x);
			else
				next = MIN(next, expires(x));
		}
	if (next != UINT64_MAX)
		(void)net_timer_arm(&f->exception_timer, next);
	spin_unlock(&f->lock);
}

static void exception_due(struct net_timer *t)
{
	(void)t;
	sweep(net_initial.inet->fib, clock_ns());
	fib_changed(&net_initial);
}

void fib_exceptions_flush(struct net *net)
{
	sweep(net->inet->fib, UINT64_MAX);
	fib_changed(net);
}

void fib_exceptions_init(struct fib *f)
{
	random_bytes(f->exception_key, sizeof(f->exception_key));
	net_timer_init(&f->exception_timer, exception_due);
}
