/*
 * dcache.c - the dentry cache: names, hashed by (parent, name), with their inodes.
 *
 * Does not: decide what a name means (namei.c) or which changes are allowed (ops.c).
 *
 * Theory
 * A dentry is one name in one directory. Its parent is referenced by it, so a cached name keeps the
 * chain up to the root alive; the chain down is the children list, which holds no references.
 * Positive dentries own one reference to their inode. Negative ones remember that a name does not
 * exist.
 *
 * refs says who may touch it:  > 0 in use;  0 only cached (on the LRU);  FROZEN a positive one is
 * being made negative by its only user, getters spin;  DEAD claimed by whoever will free it,
 * getters fail. The way to DEAD is one compare-and-swap from 0, so a cached dentry is revived or
 * killed but never both. Freed after a grace period.
 *
 * Readers under RCU take no reference. They read d->seq, then name, parent and inode, and check seq
 * again; a changed seq sends them to the walk with references. Writers of these fields are
 * serialised by the lock of the directory's inode (two of them in a rename), or by the dentry being
 * unpublished or DEAD. A rename also moves the dentry to another hash chain, on which a reader may
 * be thrown and miss its name: who needs a certain "no" reads rename_seq around it.
 *
 * Invariants
 * 1. Hashed implies refs != DEAD but for the moment between claim and unhash, in which lookups skip
 * it.
 * 2. A dentry with refs 0 is on the LRU or about to be put there by the one who dropped the last
 * reference. LRU members with refs > 0 are left there (the next put needs no lock) and taken off by
 * the shrinker.
 * 3. An unhashed dentry dies at its last put; so does one with D_NOCACHE.
 * 4. d->name.name ends in NUL at all times, also while a rename overwrites it: racing readers stay
 * in bounds.
 *
 * Locks: rename_spin > dentry->lock (children list of this dentry only) ; bucket locks and lru_lock
 * are leaves. Flags change by atomic or/and. Limits: none but memory; the shrinker gives back what
 * nobody uses.
 */
#include "internal.h"
#include <hash.h>
#include <page.h>
#include <random.h>
#include <sched.h>

#define BUCKET_LOCKS 256u
#define INLINE_MAX   (sizeof(((struct dentry *)0)->inline_name) - 1)

/* A long name, shared by dentries that swapped names. */
struct long_name {
	refcount_t refs;
	struct rcu_head rcu;
	char name[];
};

struct seqcount rename_seq;
static struct spinlock rename_spin;
static struct spinlock bucket_lock[BUCKET_LOCKS];
static struct hlist_head *buckets;
static uint32_t bucket_mask;
static uint64_t dcache_key;
static struct slab_cache *dentry_cache;
static struct spinlock lru_lock;
static LIST_HEAD(lru);
static uint64_t lru_count; /* lru_lock */

static void d_kill(struct dentry *d);

uint32_t d_hash_name(const struct dentry *parent, const char *name, uint32_t len)
{
	return hash_name(name, len, dcache_key ^ ((uintptr_t)parent >> 4));
}

static inline struct hlist_head *bucket_of(uint32_t hash)
{
	return &buckets[hash & bucket_mask];
}

static inline struct spinlock *bucket_lock_of(uint32_t hash)
{
	return &bucket_lock[hash & bucket_mask & (BUCKET_LOCKS - 1)];
}

/* ---- references ---- */

bool d_try_get(struct dentry *d)
{
	int old = refcount_read(&d->refs);

	for (;;) {
		if (unlikely(old < 0)) {
			if (old != D_REFS_FROZEN)
				return false;
			cpu_relax();
			old = refcount_read(&d->refs);
		} else if (__atomic_compare_exchange_n(&d->refs.v, &old, old + 1, true,
				   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
			return true;
		}
	}
}

static bool d_claim(struct dentry *d, int from, int to)
{
	return __atomic_compare_exchange_n(
		&d->refs.v, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/*
 * lru_lock held. Who kills it sets D_DEAD first and looks for D_LRU afterwards, we set D_LRU and
 * look for D_DEAD: one of us sees the other.
 */
static void lru_insert_locked(struct dentry *d)
{
	if (__atomic_fetch_or(&d->flags, D_LRU, __ATOMIC_SEQ_CST) & D_DEAD) {
		d_clear_flag(d, D_LRU);
		return;
	}
	list_add_tail(&d->lru_node, &lru);
	lru_count++;
}

static void lru_add(struct dentry *d)
{
	spin_lock(&lru_lock);
	if (!(READ_ONCE(d->flags) & (D_LRU | D_DEAD)))
		lru_insert_locked(d);
	spin_unlock(&lru_lock);
}

static void lru_remove(struct dentry *d)
{
	if (!(READ_ONCE(d->flags) & D_LRU))
		return;
	spin_lock(&lru_lock);
	if (d->flags & D_LRU) {
		d_clear_flag(d, D_LRU);
		list_del(&d->lru_node);
		lru_count--;
	}
	spin_unlock(&lru_lock);
}

/*
 * The count fell to zero. RCU keeps @d while we look at it; true: claimed, the caller kills it
 * outside the read section. The flags are read after the decrement: whoever unhashed it did so
 * before dropping his own reference.
 */
static bool d_last_put(struct dentry *d)
{
	uint32_t flags = READ_ONCE(d->flags);

	if (flags & (D_UNHASHED | D_NOCACHE))
		return d_claim(d, 0, D_REFS_DEAD);
	if (!(flags & D_REFERENCED))
		d_set_flag(d, D_REFERENCED);
	if (!(flags & D_LRU))
		lru_add(d);
	return false;
}

void d_put(struct dentry *d)
{
	bool dead = false;

	rcu_read_lock();
	if (__atomic_sub_fetch(&d->refs.v, 1, __ATOMIC_SEQ_CST) == 0)
		dead = d_last_put(d);
	rcu_read_unlock();
	if (dead)
		d_kill(d);
}

static void long_name_free(struct rcu_head *h)
{
	kfree(container_of(h, struct long_name, rcu));
}

static void name_release(struct dentry *d)
{
	struct long_name *n;

	if (d->name.name == d->inline_name)
		return;
	n = container_of((char *)(uintptr_t)d->name.name, struct long_name, name);
	if (refcount_dec(&n->refs))
		rcu_call(&n->rcu, long_name_free);
}

static void dentry_free(struct rcu_head *h)
{
	slab_free(dentry_cache, container_of(h, struct dentry, rcu));
}

static void d_unhash(struct dentry *d)
{
	struct spinlock *l = bucket_lock_of(d->name.hash);

	spin_lock(l);
	d_set_flag(d, D_UNHASHED);
	hlist_del(&d->hash_node);
	spin_unlock(l);
}

static void d_rehash(struct dentry *d)
{
	struct spinlock *l = bucket_lock_of(d->name.hash);

	spin_lock(l);
	d_clear_flag(d, D_UNHASHED);
	hlist_add(&d->hash_node, bucket_of(d->name.hash));
	spin_unlock(l);
}

static void children_remove(struct dentry *d)
{
	struct dentry *parent = d->parent;

	spin_lock(&parent->lock);
	list_del(&d->sibling);
	spin_unlock(&parent->lock);
}

/* Free a claimed dentry; then its parent if that was the parent's last reference, and so on
 * upwards. */
static void d_kill(struct dentry *d)
{
	bool again = true;

	while (again) {
		struct dentry *parent = d->parent;
		struct inode *i = d->inode;

		d_set_flag(d, D_DEAD);
		d_unhash(d);
		lru_remove(d);
		if (parent != d)
			children_remove(d);
		seq_write_begin(&d->seq);
		d->inode = NULL;
		seq_write_end(&d->seq);
		name_release(d);
		if (i) {
			notify_unbound(i);
			inode_put(i);
		}
		again = false;
		rcu_read_lock();
		rcu_call(&d->rcu, dentry_free);
		if (parent != d) {
			if (__atomic_sub_fetch(&parent->refs.v, 1, __ATOMIC_SEQ_CST) == 0)
				again = d_last_put(parent);
		}
		rcu_read_unlock();
		d = parent;
	}
}

/* ---- making and binding ---- */

static bool name_set(struct dentry *d, const struct qstr *name)
{
	char *to = d->inline_name;

	if (name->len > INLINE_MAX) {
		struct long_name *n = kmalloc(sizeof(*n) + name->len + 1, GFP_KERNEL);

		if (!n)
			return false;
		refcount_set(&n->refs, 1);
		to = n->name;
	}
	d->inline_name[INLINE_MAX] = 0;
	memcpy(to, name->name, name->len);
	to[name->len] = 0;
	d->name = (struct qstr){to, name->len, name->hash};
	return true;
}

struct dentry *d_alloc(struct dentry *parent, const struct qstr *name)
{
	static uint64_t
		next_cookie; /* racy between directories: only the order within one matters */
	struct dentry *d = slab_alloc(dentry_cache, GFP_KERNEL);

	if (!d)
		return NULL;
	if (!name_set(d, name)) {
		slab_free(dentry_cache, d);
		return NULL;
	}
	d->seq.seq = 0;
	d->flags = D_UNHASHED;
	d->hash_node.next = NULL;
	d->hash_node.pprev = NULL;
	d->parent = d;
	d->inode = NULL;
	refcount_set(&d->refs, 1);
	spin_init(&d->lock);
	d->sb = parent ? parent->sb : NULL;
	list_init(&d->children);
	list_init(&d->sibling);
	list_init(&d->lru_node);
	d->private = NULL;
	if (parent) {
		d->parent = d_get(parent);
		spin_lock(&parent->lock);
		d->cookie = __atomic_add_fetch(&next_cookie, 1, __ATOMIC_RELAXED);
		list_add_tail(&d->sibling, &parent->children);
		spin_unlock(&parent->lock);
	}
	return d;
}

static void d_set_inode(struct dentry *d, struct inode *i)
{
	uint32_t f = 0;

	if (i) {
		f = S_ISDIR(i->mode) ? D_DIR : S_ISLNK(i->mode) ? D_SYMLINK : 0;
		if (i->ops->revalidate)
			f |= D_REVALIDATE;
	}
	seq_write_begin(&d->seq);
	d_clear_flag(d, D_DIR | D_SYMLINK | D_REVALIDATE);
	if (f)
		d_set_flag(d, f);
	rcu_assign(d->inode, i);
	seq_write_end(&d->seq);
}

void d_instantiate(struct dentry *d, struct inode *i)
{
	ASSERT(!d->inode);
	d_set_inode(d, i);
}

void d_add(struct dentry *d, struct inode *i)
{
	ASSERT(d->flags & D_UNHASHED);
	if (i)
		d_set_inode(d, i);
	d_rehash(d);
}

struct dentry *d_make_root(struct inode *i)
{
	static const struct qstr slash = {"/", 1, 0};
	struct dentry *d;

	if (!i)
		return NULL;
	d = d_alloc(NULL, &slash);
	if (!d) {
		inode_put(i);
		return NULL;
	}
	d->sb = i->sb;
	d->flags = 0; /* a root is in no chain but counts as hashed: it has not been removed */
	d_set_inode(d, i);
	return d;
}

void d_drop(struct dentry *d)
{
	if (!(READ_ONCE(d->flags) & D_UNHASHED))
		d_unhash(d);
}

/*
 * The only user of the dentry (we) keeps the name as a negative one: the next create of it needs no
 * allocation. With other users (open files, a working directory) it stays theirs and leaves the
 * hash.
 */
void d_delete(struct dentry *d)
{
	struct inode *i = d->inode;

	if (!(READ_ONCE(d->flags) & (D_NOCACHE | D_UNHASHED)) && d_claim(d, 1, D_REFS_FROZEN)) {
		d_set_inode(d, NULL);
		__atomic_store_n(&d->refs.v, 1, __ATOMIC_RELEASE);
		notify_unbound(i);
		inode_put(i);
		return;
	}
	d_drop(d);
	d_set_flag(d, D_DEAD);
}

/* ---- lookup ---- */

/* Bytewise, and so never past the NUL of a name that a rename is just changing. */
static inline bool name_equal(const struct dentry *d, const struct qstr *q)
{
	const char *a = READ_ONCE(d->name.name);

	if (READ_ONCE(d->name.len) != q->len)
		return false;
	for (uint32_t k = 0; k < q->len; k++)
		if (a[k] != q->name[k])
			return false;
	return true;
}

/* The caller checks d->seq against *seq after it has read what it wants of the result. */
struct dentry *d_lookup_rcu(const struct dentry *parent, const struct qstr *q, uint32_t *seq)
{
	struct dentry *d;

	hlist_for_each_entry (d, bucket_of(q->hash), hash_node) {
		uint32_t s;

		if (d->name.hash != q->hash || READ_ONCE(d->parent) != parent)
			continue;
		s = seq_read_begin(&d->seq);
		if (READ_ONCE(d->parent) != parent || (READ_ONCE(d->flags) & (D_UNHASHED | D_DEAD)))
			continue;
		if (!name_equal(d, q))
			continue;
		*seq = s;
		return d;
	}
	return NULL;
}

static struct dentry *d_lookup_once(struct dentry *parent, const struct qstr *q)
{
	struct dentry *d;
	uint32_t s;

	hlist_for_each_entry (d, bucket_of(q->hash), hash_node) {
		if (d->name.hash != q->hash || READ_ONCE(d->parent) != parent || !name_equal(d, q))
			continue;
		if (!d_try_get(d))
			continue;
		s = seq_read_begin(&d->seq);
		if (!(READ_ONCE(d->flags) & D_UNHASHED) && READ_ONCE(d->parent) == parent &&
			name_equal(d, q) && !seq_read_retry(&d->seq, s))
			return d;
		rcu_read_unlock();
		d_put(d);
		rcu_read_lock();
		return NULL; /* changed underneath: rename_seq or the caller's second look decides
			      */
	}
	return NULL;
}

struct dentry *d_lookup(struct dentry *parent, const struct qstr *name)
{
	struct dentry *d;
	uint32_t s;

	do {
		s = seq_read_begin(&rename_seq);
		rcu_read_lock();
		d = d_lookup_once(parent, name);
		rcu_read_unlock();
	} while (!d && seq_read_retry(&rename_seq, s));
	return d;
}

struct dentry *d_parent_get(struct dentry *d)
{
	struct dentry *p;

	rcu_read_lock();
	for (;;) {
		p = READ_ONCE(d->parent);
		if (d_try_get(p)) {
			if (READ_ONCE(d->parent) == p)
				break;
			rcu_read_unlock();
			d_put(p);
			rcu_read_lock();
		}
	}
	rcu_read_unlock();
	return p;
}

bool d_is_below(const struct dentry *d, const struct dentry *top)
{
	const struct dentry *p;
	uint32_t s;
	bool found;

	do {
		s = seq_read_begin(&rename_seq);
		rcu_read_lock();
		for (p = d; p != top && p->parent != p; p = READ_ONCE(p->parent))
			;
		found = p == top;
		rcu_read_unlock();
	} while (seq_read_retry(&rename_seq, s));
	return found;
}

/* ---- renaming: both directories are locked, both dentries referenced ---- */

static void children_move(struct dentry *d, struct dentry *parent)
{
	static uint64_t high = 1ull << 62; /* moved ones come after all that were made in place */

	if (d->parent != d)
		children_remove(d);
	d->parent = parent;
	spin_lock(&parent->lock);
	d->cookie = __atomic_add_fetch(&high, 1, __ATOMIC_RELAXED);
	list_add_tail(&d->sibling, &parent->children);
	spin_unlock(&parent->lock);
}

void d_move(struct dentry *d, struct dentry *to)
{
	struct dentry *old_parent = d->parent;
	struct dentry *new_parent = to->parent;

	spin_lock(&rename_spin);
	seq_write_begin(&rename_seq);
	d_drop(to);
	d_set_flag(to, D_DEAD);
	d_unhash(d);
	seq_write_begin(&d->seq);
	name_release(d);
	if (to->name.name == to->inline_name) {
		memcpy(d->inline_name, to->inline_name, sizeof(d->inline_name));
		d->name = (struct qstr){d->inline_name, to->name.len, to->name.hash};
	} else {
		refcount_inc(&container_of((char *)(uintptr_t)to->name.name, struct long_name, name)
				      ->refs);
		d->name = to->name;
	}
	d_get(new_parent);
	children_move(d, new_parent);
	seq_write_end(&d->seq);
	d_rehash(d);
	seq_write_end(&rename_seq);
	spin_unlock(&rename_spin);
	d_put(old_parent);
}

static void name_swap(struct dentry *a, struct dentry *b)
{
	char tmp[sizeof(a->inline_name)];
	struct qstr qa = a->name;
	struct qstr qb = b->name;
	bool a_inline = qa.name == a->inline_name;
	bool b_inline = qb.name == b->inline_name;

	memcpy(tmp, a->inline_name, sizeof(tmp));
	memcpy(a->inline_name, b->inline_name, sizeof(tmp));
	memcpy(b->inline_name, tmp, sizeof(tmp));
	a->name = qb;
	b->name = qa;
	if (b_inline)
		a->name.name = a->inline_name;
	if (a_inline)
		b->name.name = b->inline_name;
}

void d_exchange(struct dentry *a, struct dentry *b)
{
	struct dentry *pa = a->parent;
	struct dentry *pb = b->parent;

	spin_lock(&rename_spin);
	seq_write_begin(&rename_seq);
	d_unhash(a);
	d_unhash(b);
	seq_write_begin(&a->seq);
	seq_write_begin(&b->seq);
	name_swap(a, b);
	if (pa != pb) { /* each takes over the other's reference to its parent */
		children_move(a, pb);
		children_move(b, pa);
	}
	seq_write_end(&b->seq);
	seq_write_end(&a->seq);
	d_rehash(a);
	d_rehash(b);
	seq_write_end(&rename_seq);
	spin_unlock(&rename_spin);
}

/* ---- giving back ---- */

void d_prune(struct dentry *parent)
{
	struct dentry *victim;

	do {
		struct dentry *c;

		victim = NULL;
		spin_lock(&parent->lock);
		list_for_each_entry (c, &parent->children, sibling) {
			if (d_claim(c, 0, D_REFS_DEAD)) {
				victim = c;
				break;
			}
		}
		spin_unlock(&parent->lock);
		if (victim)
			d_kill(victim);
	} while (victim);
}

/* A referenced child; false in *any when there are none, not even dying ones. */
static struct dentry *some_child(struct dentry *d, bool *any)
{
	struct dentry *c;
	struct dentry *found = NULL;

	spin_lock(&d->lock);
	*any = !list_empty(&d->children);
	list_for_each_entry (c, &d->children, sibling) {
		if (d_try_get(c)) {
			found = c;
			break;
		}
	}
	spin_unlock(&d->lock);
	return found;
}

/* Unmount: no path leads here any more, so only pins and our own reference are left on each dentry.
 */
static void prune_leaf(struct dentry *d)
{
	if (d->flags & D_PINNED) {
		d_clear_flag(d, D_PINNED);
		d_put(d);
	}
	d_drop(d);
	if (refcount_read(&d->refs) > 1) {
		log_err("vfs: %s: '%s' still in use at unmount", d->sb->id, d->name.name);
		children_remove(d);
	}
	d_put(d);
}

void d_prune_tree(struct dentry *root)
{
	struct dentry *d = root;

	for (;;) {
		bool any = false;
		struct dentry *c = some_child(d, &any);

		if (c) {
			d = c;
			continue;
		}
		if (any) { /* the shrinker is at work on one */
			cond_resched();
			continue;
		}
		if (d == root)
			return;
		c = d;
		d = d->parent;
		prune_leaf(c);
	}
}

static uint64_t dcache_count(void)
{
	return READ_ONCE(lru_count) / 16;
}

/* Take up to @max unused dentries off the cold end, claimed, into @out. */
static unsigned lru_isolate(struct list_head *out, unsigned max, uint64_t *scan)
{
	unsigned n = 0;

	spin_lock(&lru_lock);
	while (n<max && * scan> 0 && !list_empty(&lru)) {
		struct dentry *d = list_first(&lru, struct dentry, lru_node);

		(*scan)--;
		if (refcount_read(&d->refs) == 0 && (d->flags & D_REFERENCED)) {
			d_clear_flag(d, D_REFERENCED);
			list_move_tail(&d->lru_node, &lru);
			continue;
		}
		list_del(&d->lru_node);
		d_clear_flag(d, D_LRU);
		lru_count--;
		if (d_claim(d, 0, D_REFS_DEAD)) {
			list_add_tail(&d->lru_node, out);
			n++;
		} else if (refcount_read(&d->refs) ==
			   0) { /* put between the two looks: it saw D_LRU set */
			lru_insert_locked(d);
		}
	}
	spin_unlock(&lru_lock);
	return n;
}

static uint64_t dcache_scan(uint64_t nr)
{
	uint64_t scan = nr * 16;
	uint64_t freed = 0;

	while (scan > 0) {
		LIST_HEAD(dead);
		unsigned n = lru_isolate(&dead, 64, &scan);

		if (!n)
			break;
		freed += n;
		while (!list_empty(&dead)) {
			struct dentry *d = list_first(&dead, struct dentry, lru_node);

			list_del(&d->lru_node);
			d_kill(d);
		}
	}
	return freed / 16;
}

static struct shrinker dcache_shrinker = {
	.name = "dentry", .count = dcache_count, .scan = dcache_scan};

void dcache_init(uint64_t pages)
{
	uint64_t n = 1024;

	while (n < pages / 4 && n < 256 * 1024)
		n *= 2;
	buckets = kcalloc(n, sizeof(*buckets));
	PANIC_ON(!buckets);
	bucket_mask = (uint32_t)n - 1;
	dcache_key = random_u64();
	for (unsigned k = 0; k < BUCKET_LOCKS; k++)
		spin_init(&bucket_lock[k]);
	spin_init(&rename_spin);
	spin_init(&lru_lock);
	dentry_cache = slab_cache_create("dentry", sizeof(struct dentry), 64, NULL);
	shrinker_register(&dcache_shrinker);
}
