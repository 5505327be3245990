/*
 * ip_frag.c - fragments of IPv4 (RFC 791, 815) and IPv6 (RFC 8200 4.5): cutting and putting
 * together.
 *
 * Theory. A datagram that is not whole yet is a struct frag_queue in a hash by its source, found by
 * source, destination, protocol and identification. Its fragments are a tree by offset. Overlap
 * with anything but an exact repetition drops the whole and what still comes of it (RFC 5722; for
 * IPv4 too: no honest sender does it). Whole datagrams are merged by page references, or copied
 * when they came in more pieces than a pkt has.
 *
 * Bounds, as senders are hostile: bytes of all queues (ipfrag_high_thresh; the oldest queue goes),
 * queues of one source, a time (ipfrag_time) from the first fragment. One timer serves all queues,
 * which are in a list by age.
 *
 * Locks: frag_lock guards everything; fragments are rare. No lock is held when ICMP is sent.
 */
#include "fib.h"
#include "inetdev.h"
#include <debug.h>
#include <hash.h>
#include <random.h>
#include <rbtree.h>
#include <slab.h>
#include <time.h>

enum { BUCKETS = 256, PER_SOURCE = 64, FRAG_HLEN = 8 };

struct frag_key {
	struct ip_addr src, dst;
	uint32_t id;
	uint8_t proto; /* IPv4; 0 for IPv6 */
};
struct frag_queue {
	struct hlist_node node;
	struct list_head age; /* oldest first */
	struct frag_key key;
	struct rb_root tree; /* struct pkt by offset */
	uint32_t got, total; /* payload bytes; total 0: the last one is missing */
	uint32_t bytes;      /* of memory */
	uint32_t ifindex;    /* of the fragment at offset 0 */
	uint16_t max_size;   /* largest fragment's packet */
	uint8_t tos_or;      /* congestion marks seen: RFC 3168, 5.3 */
	bool bad;            /* overlap: what still comes is dropped */
	uint64_t deadline_ns;
};
struct frag_cb {
	uint32_t start, end;
};

static struct spinlock frag_lock = SPINLOCK_INIT("fragments");
static struct hlist_head table[BUCKETS];
static LIST_HEAD(ages);
static uint64_t hash_key[2];
static struct ip_frag_usage usage[2]; /* IPv4, IPv6 */
static struct net_timer frag_timer;

static struct frag_cb *frag_cb(struct pkt *p)
{
	return (struct frag_cb *)p->cb;
}

/* ---- queues: frag_lock held ---- */

static struct hlist_head *bucket_of(const struct ip_addr *src)
{
	return &table[siphash(src, sizeof(*src), hash_key) % BUCKETS];
}

static struct ip_frag_usage *usage_of(const struct frag_queue *q)
{
	return &usage[!ip_is_v4(&q->key.src)];
}

static void uncharge(struct frag_queue *q)
{
	usage_of(q)->bytes -= q->bytes;
	net_mem_uncharge(q->bytes);
	q->bytes = 0;
}

static void free_tree(struct frag_queue *q)
{
	struct rb_node *n;

	while ((n = rb_first(&q->tree))) {
		struct pkt *p = rb_entry(n, struct pkt, rb);

		rb_erase(&q->tree, n, NULL);
		pkt_free(p);
	}
	q->got = 0;
	uncharge(q);
}

static void unlink_queue(struct frag_queue *q)
{
	hlist_del(&q->node);
	list_del(&q->age);
}

static void queue_free(struct frag_queue *q)
{
	usage_of(q)->bytes -= sizeof(*q);
	usage_of(q)->queues--;
	kfree(q);
}

static void drop_queue(struct frag_queue *q)
{
	unlink_queue(q);
	free_tree(q);
	queue_free(q);
}

static bool key_equal(const struct frag_key *a, const struct frag_key *b)
{
	return a->id == b->id && a->proto == b->proto && ip_equal(&a->src, &b->src) &&
	       ip_equal(&a->dst, &b->dst);
}

static struct frag_queue *queue_find(const struct frag_key *k, struct frag_queue **oldest)
{
	struct frag_queue *q;
	unsigned n = 0;

	*oldest = NULL;
	hlist_for_each_entry (q, bucket_of(&k->src), node) {
		if (key_equal(&q->key, k))
			return q;
		if (!ip_equal(&q->key.src, &k->src))
			continue;
		n++;
		if (!*oldest || q->deadline_ns < (*oldest)->deadline_ns)
			*oldest = q;
	}
	if (n < PER_SOURCE)
		*oldest = NULL;
	return NULL;
}

static void fail(const struct frag_key *k)
{
	mib_inc(ip_is_v4(&k->src) ? MIB_IP_REASM_FAILS : MIB_IP6_REASM_FAILS);
}

static struct frag_queue *queue_get(struct net *net, const struct frag_key *k)
{
	struct frag_queue *oldest, *q = queue_find(k, &oldest);

	if (q)
		return q;
	if (oldest) {
		fail(&oldest->key);
		drop_queue(oldest);
	}
	while (usage[0].bytes + usage[1].bytes > net->inet->frag_high_bytes && !list_empty(&ages)) {
		q = list_first(&ages, struct frag_queue, age);
		fail(&q->key);
		drop_queue(q);
	}
	q = kmalloc(sizeof(*q), GFP_ATOMIC);
	if (!q)
		return NULL;
	memset(q, 0, sizeof(*q));
	q->key = *k;
	usage_of(q)->bytes += sizeof(*q); /* those that keep nothing count too */
	usage_of(q)->queues++;
	q->deadline_ns = clock_ns() + net->inet->frag_time_s * NSEC_PER_SEC;
	hlist_add(&q->node, bucket_of(&k->src));
	list_add_tail(&q->age, &ages);
	if (!net_timer_pending(&frag_timer))
		(void)net_timer_arm(&frag_timer, q->deadline_ns);
	return q;
}

enum frag_verdict { FRAG_KEPT, FRAG_REPEATED, FRAG_OVERLAP };

/* Into the tree, unless it overlaps. */
static enum frag_verdict tree_insert(struct frag_queue *q, struct pkt *p)
{
	const struct frag_cb *me = frag_cb(p);
	struct rb_node **link = &q->tree.node, *parent = NULL;

	while (*link) {
		const struct frag_cb *o = frag_cb(rb_entry(*link, struct pkt, rb));

		parent = *link;
		if (me->end <= o->start)
			link = &parent->left;
		else if (me->start >= o->end)
			link = &parent->right;
		else
			return me->start == o->start && me->end == o->end ? FRAG_REPEATED
									  : FRAG_OVERLAP;
	}
	rb_insert(&q->tree, &p->rb, parent, link, NULL);
	return FRAG_KEPT;
}

/* May the fragment be part of what is there? The last one says the length, all others agree. */
static bool length_ok(struct frag_queue *q, const struct frag_cb *me, bool more)
{
	const struct rb_node *last = rb_last(&q->tree);
	const uint32_t end =
		last ? frag_cb(rb_entry((struct rb_node *)(uintptr_t)last, struct pkt, rb))->end
		     : 0;

	if (more)
		return !q->total || me->end <= q->total;
	if (q->total)
		return q->total == me->end;
	return end <= me->end;
}

/* Takes @p, or frees it. True: the datagram is whole. */
static bool queue_add(struct frag_queue *q, struct pkt *p, bool more)
{
	const struct frag_cb me = *frag_cb(p);
	enum frag_verdict v = FRAG_OVERLAP;

	if (q->bad || !net_mem_charge(p->truesize)) {
		pkt_free(p);
		return false;
	}
	if (length_ok(q, &me, more))
		v = tree_insert(q, p);
	if (v != FRAG_KEPT) {
		net_mem_uncharge(p->truesize);
		if (v == FRAG_OVERLAP) {
			q->bad = true;
			free_tree(q);
			fail(&q->key);
		}
		pkt_free(p);
		return false;
	}
	pkt_orphan(p);
	p->dev = NULL; /* it may be gone when the rest comes */
	q->bytes += p->truesize;
	usage_of(q)->bytes += p->truesize;
	q->got += me.end - me.start;
	q->tos_or |= p->ip.tos;
	if (!more)
		q->total = me.end;
	if (!me.start)
		q->ifindex = p->ip.ifindex;
	return q->total && q->got == q->total;
}

/* ---- the whole ---- */

/* Bytes of @from behind @to, in memory of its own. */
static bool copy_behind(struct pkt *to, const struct pkt *from)
{
	unsigned i;

	if (pkt_append_bytes(to, from->lin + from->off, from->lin_len))
		return false;
	for (i = 0; i < from->nr_frags; i++) {
		const struct pkt_frag *f = &from->frag[i];

		if (pkt_append_bytes(to, (uint8_t *)page_address(f->page) + f->off, f->len))
			return false;
	}
	return true;
}

/* A pkt with the linear part of @first (its headers) up to the payload, nothing behind. */
static struct pkt *headers_of(const struct pkt *first)
{
	struct pkt *w = pkt_alloc(first->off);

	if (!w)
		return NULL;
	memcpy(w->lin, first->lin, first->off);
	w->l2 = first->l2;
	w->l3 = first->l3;
	w->protocol = first->protocol;
	w->type = first->type;
	w->mark = first->mark;
	w->hash = first->hash;
	w->tstamp_ns = first->tstamp_ns;
	w->ip = first->ip;
	return w;
}

/* All payload in order behind the first one's headers; the queue is off the table. */
static struct pkt *put_together(struct frag_queue *q)
{
	struct rb_node *n = rb_first(&q->tree);
	struct pkt *whole = headers_of(rb_entry(n, struct pkt, rb)), *p;
	unsigned pieces = 0;
	bool ok = whole;

	for (; n; n = rb_next(n))
		pieces += rb_entry(n, struct pkt, rb)->nr_frags + 1;
	for (n = rb_first(&q->tree); ok && n; n = rb_next(n)) {
		p = rb_entry(n, struct pkt, rb);
		ok = pieces <= PKT_FRAGS ? !pkt_append_ref(whole, p, 0, p->len)
					 : copy_behind(whole, p);
	}
	if (!ok && whole) {
		pkt_free(whole);
		whole = NULL;
	}
	if (whole) {
		whole->ip.frag_max = q->max_size;
		whole->ip.tos |= q->tos_or & 3;
		whole->csum = CSUM_NONE;
	}
	free_tree(q);
	return whole;
}

struct arrival { /* one fragment: payload at pkt_data() */
	struct frag_key key;
	uint32_t start;
	bool more;
	uint16_t size; /* of the packet that brought it */
};

/* NULL, or the whole with the first fragment's headers in front of pkt_data(). Consumes. */
static struct pkt *reassemble(struct net *net, struct pkt *p, const struct arrival *a)
{
	struct netdev *dev = p->dev;
	struct frag_queue *q;
	struct pkt *whole = NULL;
	bool done;

	*frag_cb(p) = (struct frag_cb){a->start, a->start + p->len};
	spin_lock(&frag_lock);
	q = queue_get(net, &a->key);
	if (!q) {
		spin_unlock(&frag_lock);
		fail(&a->key);
		pkt_free(p);
		return NULL;
	}
	q->max_size = MAX(q->max_size, a->size);
	done = queue_add(q, p, a->more);
	if (done) {
		unlink_queue(q);
		whole = put_together(q);
		queue_free(q);
	}
	spin_unlock(&frag_lock);
	if (!done)
		return NULL;
	if (whole) {
		whole->dev = dev;
		mib_inc(ip_is_v4(&a->key.src) ? MIB_IP_REASM_OKS : MIB_IP6_REASM_OKS);
	} else {
		fail(&a->key);
	}
	return whole;
}

/* RFC 792, RFC 8200: the sender is told if the beginning was there. */
static void expire(struct net *net, struct frag_queue *q)
{
	struct rb_node *n = rb_first(&q->tree);
	struct pkt *first = n ? rb_entry(n, struct pkt, rb) : NULL;

	mib_inc(ip_is_v4(&q->key.src) ? MIB_IP_REASM_TIMEOUT : MIB_IP6_REASM_TIMEOUT);
	fail(&q->key);
	if (first && !frag_cb(first)->start) {
		first->dev = netdev_by_index_rcu(net, q->ifindex);
		if (first->dev)
			icmp_send(net, first, ICMP_REASM_EXCEEDED, 0);
	}
	spin_lock(&frag_lock);
	free_tree(q);
	queue_free(q);
	spin_unlock(&frag_lock);
}

static void frag_due(struct net_timer *t)
{
	const uint64_t now = clock_ns();
	struct frag_queue *q;

	for (;;) {
		spin_lock(&frag_lock);
		q = list_empty(&ages) ? NULL : list_first(&ages, struct frag_queue, age);
		if (q && q->deadline_ns > now) {
			(void)net_timer_arm(t, q->deadline_ns);
			q = NULL;
		}
		if (q)
			unlink_queue(q);
		spin_unlock(&frag_lock);
		if (!q)
			return;
		expire(&net_initial, q);
	}
}

/* ---- IPv4 ---- */

struct pkt *ip4_reassemble(struct net *net, struct pkt *p)
{
	struct ip4_hdr *h = ip4_header(p);
	const unsigned hlen = ip4_hlen(h), frag = be16(h->frag);
	const struct arrival a = {
		.key = {p->ip.src, p->ip.dst, be16(h->id), h->proto},
		.start = (frag & IP4_OFFSET) * 8u,
		.more = frag & IP4_MF,
		.size = (uint16_t)p->len,
	};
	const unsigned n = p->len - hlen;

	mib_inc(MIB_IP_REASM_REQDS);
	/* RFC 791: all but the last in units of 8; nothing beyond the largest packet; not empty. */
	if ((a.more && n % 8) || !n || a.start + n + hlen > IP_MAX_LEN || p->gso) {
		mib_inc(MIB_IP_REASM_FAILS);
		pkt_free(p);
		return NULL;
	}
	pkt_pull(p, hlen);
	p = reassemble(net, p, &a);
	if (!p)
		return NULL;
	(void)pkt_push(p, p->off - p->l3);
	h = ip4_header(p);
	if (p->len > IP_MAX_LEN) { /* the first header is longer than the one checked above */
		mib_inc(MIB_IP_REASM_FAILS);
		pkt_free(p);
		return NULL;
	}
	h->len = to_be16(p->len);
	h->frag = to_be16(0);
	h->tos = p->ip.tos;
	h->csum = to_be16(0);
	h->csum = csum_fold(csum_bytes(h, ip4_hlen(h), 0));
	return p;
}

/* RFC 791: options with the copy bit are in every fragment, others in the first alone. */
static void blank_options(uint8_t *o, unsigned n)
{
	unsigned i = 0, len;

	while (i < n && o[i]) {
		len = o[i] == 1 ? 1 : o[i + 1];
		if (!(o[i] & 0x80))
			memset(o + i, 1, len);
		i += len;
	}
}

int ip4_fragment(struct net *net, const struct dst *d, struct pkt *p, unsigned mtu, bool loop)
{
	const unsigned hlen = ip4_hlen(ip4_header(p)), step = (mtu - hlen) & ~7u;
	const unsigned total = p->len - hlen;
	unsigned at, n;
	int err = 0;

	if (p->csum == CSUM_PARTIAL)
		pkt_csum_complete(p);
	if (mtu < hlen + 8) {
		mib_inc(MIB_IP_FRAG_FAILS);
		pkt_free(p);
		return -EMSGSIZE;
	}
	for (at = 0; !err && at < total; at += n) {
		const struct ip4_hdr *whole = ip4_header(p);
		const unsigned base = be16(whole->frag) & IP4_OFFSET;
		struct pkt *f = pkt_alloc_tx();
		struct ip4_hdr *h;
		bool more;

		n = MIN(step, total - at);
		more = at + n < total || whole->frag & to_be16(IP4_MF);
		if (!f || pkt_append_bytes(f, whole, hlen) || pkt_append_ref(f, p, hlen + at, n)) {
			if (f)
				pkt_free(f);
			err = -ENOMEM;
			break;
		}
		h = (struct ip4_hdr *)pkt_data(f);
		h->len = to_be16(hlen + n);
		h->frag = to_be16((base + at / 8) | (more ? IP4_MF : 0));
		if (at)
			blank_options((uint8_t *)(h + 1), hlen - IP4_HLEN);
		h->csum = to_be16(0);
		h->csum = csum_fold(csum_bytes(h, hlen, 0));
		f->l3 = f->off;
		f->protocol = p->protocol;
		f->priority = p->priority;
		f->mark = p->mark;
		mib_inc(MIB_IP_FRAG_CREATES);
		err = ip_output(net, d, f, loop);
	}
	mib_inc(err ? MIB_IP_FRAG_FAILS : MIB_IP_FRAG_OKS);
	pkt_free(p);
	return err;
}

/* ---- IPv6 ---- */

struct frag_hdr { /* RFC 8200, 4.5 */
	uint8_t next, reserved;
	__be16 offset;
	__be32 id;
} __packed;
static_assert(sizeof(struct frag_hdr) == FRAG_HLEN, "RFC 8200, 4.5");

static struct pkt *refuse6(struct net *net, struct pkt *p, unsigned pointer)
{
	mib_inc(MIB_IP6_REASM_FAILS);
	if (pointer)
		icmp6_param_problem(net, p, 0, pointer);
	pkt_free(p);
	return NULL;
}

struct pkt *ip6_reassemble(struct net *net, struct pkt *p, unsigned named)
{
	struct frag_hdr h;
	struct arrival a;
	struct ip6_hdr *ip;
	unsigned n;

	mib_inc(MIB_IP6_REASM_REQDS);
	if (!pkt_need(p, sizeof(h)))
		return refuse6(net, p, 0);
	memcpy(&h, pkt_data(p), sizeof(h));
	n = p->len - sizeof(h);
	a = (struct arrival){
		.key = {p->ip.src, p->ip.dst, be32(h.id), 0},
		.start = be16(h.offset) & 0xfff8u,
		.more = be16(h.offset) & 1,
		.size = (uint16_t)(p->off + p->len - p->l3),
	};
	if (a.more && n % 8)
		return refuse6(net, p, offsetof(struct ip6_hdr, plen));
	if (a.start + n + (p->off - p->l3 - IP6_HLEN) > IP_MAX_LEN)
		return refuse6(net, p, p->off - p->l3 + offsetof(struct frag_hdr, offset));
	if (!n && (a.start || a.more))
		return refuse6(net, p, 0);
	/* RFC 8200: what names the fragment header will name what is behind it. */
	p->lin[p->l3 + named] = h.next;
	p->ip.proto = h.next;
	if (!a.start && !a.more) { /* RFC 6946: whole in itself; others are not touched */
		memmove(p->lin + p->l3 + FRAG_HLEN, p->lin + p->l3, p->off - p->l3);
		pkt_pull(p, sizeof(h));
		p->l3 += FRAG_HLEN;
		p->ip.frag_max = a.size;
		mib_inc(MIB_IP6_REASM_OKS);
	} else {
		pkt_pull(p, sizeof(h));
		/* The headers in front, without the fragment header. */
		memmove(p->lin + p->l3 + FRAG_HLEN, p->lin + p->l3, p->off - FRAG_HLEN - p->l3);
		p->l3 += FRAG_HLEN;
		p = reassemble(net, p, &a);
		if (!p)
			return NULL;
	}
	ip = ip6_header(p);
	if (p->off + p->len - p->l3 - IP6_HLEN > IP_MAX_LEN)
		return refuse6(net, p, 0);
	ip->plen = to_be16(p->off + p->len - p->l3 - IP6_HLEN);
	return p;
}

int ip6_fragment(struct net *net, const struct dst *d, struct pkt *p, unsigned mtu, bool loop)
{
	const unsigned step = (mtu - IP6_HLEN - FRAG_HLEN) & ~7u, total = p->len - IP6_HLEN;
	const __be32 id = to_be32((uint32_t)random_u64()); /* RFC 7739: not to be guessed */
	unsigned at, n;
	int err = 0;

	if (p->csum == CSUM_PARTIAL)
		pkt_csum_complete(p);
	for (at = 0; !err && at < total; at += n) {
		const struct ip6_hdr *whole = ip6_header(p);
		struct pkt *f = pkt_alloc_tx();
		struct ip6_hdr *h;
		struct frag_hdr fh = {.next = whole->next, .id = id};

		n = MIN(step, total - at);
		fh.offset = to_be16(at | (at + n < total));
		if (!f || pkt_append_bytes(f, whole, IP6_HLEN) ||
			pkt_append_bytes(f, &fh, sizeof(fh)) ||
			pkt_append_ref(f, p, IP6_HLEN + at, n)) {
			if (f)
				pkt_free(f);
			err = -ENOMEM;
			break;
		}
		h = (struct ip6_hdr *)pkt_data(f);
		h->next = IP6_FRAGMENT;
		h->plen = to_be16(FRAG_HLEN + n);
		f->l3 = f->off;
		f->protocol = p->protocol;
		f->priority = p->priority;
		f->mark = p->mark;
		mib_inc(MIB_IP6_FRAG_CREATES);
		err = ip_output(net, d, f, loop);
	}
	mib_inc(err ? MIB_IP6_FRAG_FAILS : MIB_IP6_FRAG_OKS);
	pkt_free(p);
	return err;
}

void ip_frag_init(void)
{
	random_bytes(hash_key, sizeof(hash_key));
	net_timer_init(&frag_timer, frag_due);
}

struct ip_frag_usage ip_frag_usage(bool v6)
{
	struct ip_frag_usage u;

	spin_lock(&frag_lock);
	u = usage[v6];
	spin_unlock(&frag_lock);
	return u;
}
