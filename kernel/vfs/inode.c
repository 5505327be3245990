/*
 * inode.c - the inode cache: inodes by (super, number), their references, dirty lists and eviction.
 *
 * Does not: know any file system; data pages are the page cache's (kernel/mm).
 *
 * Theory
 * An inode is held by dentries, open files and walkers (refs). When refs falls to 0 it is kept on
 * an LRU list if it can be found again, that is if it is hashed and has names (nlink); otherwise it
 * is evicted at once: I_FREEING is set, dirty metadata of a named inode is written, ops->evict
 * drops pages and, for a nameless one, storage; it is unhashed and freed after a grace period.
 *
 * refs moves between 0 and 1 only under i->spin, where I_FREEING is decided as well: a lookup
 * revives an inode or waits until it is gone. All other changes of refs need no lock.
 *
 * I_NEW marks an inode that inode_get_cached() has just made: it is hashed so that nobody makes a
 * second one, and others wait until its maker has read it (inode_unlock_new) or given up
 * (inode_fail_new: unhashed, they look again).
 *
 * A dirty inode is on its super's dirty list; sync and the flusher take it off, clear I_DIRTY and
 * call write_inode, in this order, so that a change made meanwhile dirties it again. Inodes of file
 * systems without write_inode are never dirty.
 *
 * Locks: bucket lock > i->spin;  super->lock (lists) > i->spin > lru_lock. The shrinker holds
 * lru_lock and only tries i->spin.
 */
#include "internal.h"
#include <hash.h>
#include <sched.h>

#define BUCKET_LOCKS 64u

static struct hlist_head *buckets;
static uint32_t bucket_mask;
static struct spinlock bucket_lock[BUCKET_LOCKS];
static struct slab_cache *inode_cache;
static struct spinlock lru_lock;
static LIST_HEAD(lru);
static uint64_t lru_count; /* lru_lock */
static struct wait_queue inode_wait = WAIT_QUEUE_INIT(inode_wait);

static uint32_t inode_bucket(const struct super *sb, ino_t ino)
{
	return (uint32_t)hash64(ino ^ (uintptr_t)sb >> 6) & bucket_mask;
}

/* ---- making and freeing ---- */

static const struct mapping_ops no_mapping_ops;
static const struct inode_ops no_inode_ops;

struct inode *inode_new(struct super *sb)
{
	struct inode *i = sb->ops->alloc_inode ? sb->ops->alloc_inode(sb)
					       : slab_alloc(inode_cache, GFP_KERNEL);

	if (!i)
		return NULL;
	memset(i, 0, sizeof(*i));
	i->sb = sb;
	i->nlink = 1;
	i->blksize = sb->blksize;
	refcount_set(&i->refs, 1);
	rwsem_init(&i->lock);
	spin_init(&i->spin);
	i->ops = &no_inode_ops;
	i->fops = &no_file_ops;
	mapping_init(&i->data, &no_mapping_ops, i, 0);
	i->mapping = &i->data;
	list_init(&i->dirty_node);
	list_init(&i->lru_node);
	list_init(&i->file_locks);
	spin_lock(&sb->lock);
	list_add_tail(&i->sb_node, &sb->inodes);
	sb->nr_inodes++;
	spin_unlock(&sb->lock);
	return i;
}

static void inode_free(struct rcu_head *h)
{
	struct inode *i = container_of(h, struct inode, rcu);

	if (i->sb->ops->free_inode)
		i->sb->ops->free_inode(i);
	else
		slab_free(inode_cache, i);
}

void inode_clear(struct inode *i)
{
	mapping_fini(&i->data);
}

static void inode_unhash(struct inode *i)
{
	struct spinlock *l;

	if (hlist_unhashed(&i->hash_node))
		return;
	l = &bucket_lock[inode_bucket(i->sb, i->ino) % BUCKET_LOCKS];
	spin_lock(l);
	hlist_del(&i->hash_node);
	spin_unlock(l);
}

static bool has_dirty_pages(const struct inode *i)
{
	return i->data.nr_pages && !(i->data.flags & MAPPING_UNEVICTABLE) &&
	       (xa_marked(&i->data.pages, XA_DIRTY) || xa_marked(&i->data.pages, XA_WRITEBACK));
}

/* What a named inode still has to tell its disk. Errors were logged below and are kept in the
 * mapping for fsync. */
static void inode_write_back(struct inode *i)
{
	const struct super_ops *ops = i->sb->ops;
	int err = 0;

	if (has_dirty_pages(i))
		err = pagecache_sync(&i->data, 0, INT64_MAX);
	if (!err && (i->state & I_DIRTY) && ops->write_inode)
		err = ops->write_inode(i, false);
	if (err)
		log_ratelimited(LOG_ERR, "vfs: %s: inode %llu: write failed: %d", i->sb->id,
			(unsigned long long)i->ino, err);
}

/* I_FREEING is set and nobody has a reference. */
static void inode_evict(struct inode *i)
{
	struct super *sb = i->sb;

	if (i->nlink && !sb_rdonly(sb))
		inode_write_back(i);
	spin_lock(&sb->lock);
	list_del(&i->dirty_node);
	list_del(&i->sb_node);
	sb->nr_inodes--;
	spin_unlock(&sb->lock);
	if (sb->ops->evict)
		sb->ops->evict(i);
	else
		inode_clear(i);
	if (!hlist_unhashed(&i->hash_node)) {
		inode_unhash(i);
		wake_up_all(&inode_wait);
	}
	rcu_call(&i->rcu, inode_free);
}

/* ---- references ---- */

bool inode_try_get(struct inode *i)
{
	bool ok;

	if (refcount_inc_not_zero(&i->refs))
		return true;
	spin_lock(&i->spin);
	ok = !(i->state & I_FREEING);
	if (ok)
		refcount_inc(&i->refs);
	spin_unlock(&i->spin);
	return ok;
}

static void lru_add(struct inode *i)
{
	if (i->state & I_LRU)
		return;
	i->state |= I_LRU;
	spin_lock(&lru_lock);
	list_add_tail(&i->lru_node, &lru);
	lru_count++;
	spin_unlock(&lru_lock);
}

static void lru_del(struct inode *i)
{
	if (!(i->state & I_LRU))
		return;
	i->state &= ~I_LRU;
	spin_lock(&lru_lock);
	list_del(&i->lru_node);
	lru_count--;
	spin_unlock(&lru_lock);
}

void inode_put(struct inode *i)
{
	int old = refcount_read(&i->refs);
	bool last;

	while (old > 1)
		if (__atomic_compare_exchange_n(
			    &i->refs.v, &old, old - 1, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return;
	spin_lock(&i->spin);
	last = refcount_dec(&i->refs);
	if (last && i->nlink && !hlist_unhashed(&i->hash_node)) {
		lru_add(i);
		last = false;
	} else if (last) {
		i->state |= I_FREEING;
		lru_del(i);
	}
	spin_unlock(&i->spin);
	if (last)
		inode_evict(i);
}

/* ---- finding ---- */

static struct inode *inode_find_rcu(struct super *sb, ino_t ino)
{
	struct inode *i;

	hlist_for_each_entry (i, &buckets[inode_bucket(sb, ino)], hash_node)
		if (i->ino == ino && i->sb == sb)
			return i;
	return NULL;
}

static bool inode_going(struct super *sb, ino_t ino)
{
	struct inode *i;
	bool going;

	rcu_read_lock();
	i = inode_find_rcu(sb, ino);
	going = i && (READ_ONCE(i->state) & I_FREEING);
	rcu_read_unlock();
	return going;
}

/* Insert unless there is one already: that one, in an RCU section or not to be trusted beyond NULL
 * or not. */
static bool inode_insert(struct inode *i)
{
	uint32_t b = inode_bucket(i->sb, i->ino);
	struct spinlock *l = &bucket_lock[b % BUCKET_LOCKS];
	bool ok;

	spin_lock(l);
	ok = !inode_find_rcu(i->sb, i->ino);
	if (ok)
		hlist_add(&i->hash_node, &buckets[b]);
	spin_unlock(l);
	return ok;
}

void inode_hash(struct inode *i)
{
	while (!inode_insert(i)) /* its number was just freed: the old one is on its way out */
		wait_event(&inode_wait, !inode_going(i->sb, i->ino));
}

/* A made but unwanted inode that nobody has seen. */
static void inode_discard(struct inode *i)
{
	i->state = I_FREEING;
	spin_lock(&i->sb->lock);
	list_del(&i->sb_node);
	i->sb->nr_inodes--;
	spin_unlock(&i->sb->lock);
	inode_clear(i);
	rcu_call(&i->rcu, inode_free);
}

static struct inode *inode_wait_ready(struct inode *i)
{
	if (READ_ONCE(i->state) & I_NEW)
		wait_event(&inode_wait, !(READ_ONCE(i->state) & I_NEW));
	if (!hlist_unhashed(&i->hash_node))
		return i;
	inode_put(i); /* its maker failed */
	return NULL;
}

struct inode *inode_get_cached(struct super *sb, ino_t ino, bool *is_new)
{
	struct inode *i;
	bool got;

	*is_new = false;
	for (;;) {
		rcu_read_lock();
		i = inode_find_rcu(sb, ino);
		got = i && inode_try_get(i);
		rcu_read_unlock();
		if (got) {
			i = inode_wait_ready(i);
			if (i)
				return i;
			continue;
		}
		if (i) {
			wait_event(&inode_wait, !inode_going(sb, ino));
			continue;
		}
		i = inode_new(sb);
		if (!i)
			return NULL;
		i->ino = ino;
		i->state = I_NEW;
		if (inode_insert(i)) {
			*is_new = true;
			return i;
		}
		inode_discard(i);
	}
}

void inode_unlock_new(struct inode *i)
{
	spin_lock(&i->spin);
	i->state &= ~I_NEW;
	spin_unlock(&i->spin);
	wake_up_all(&inode_wait);
}

void inode_fail_new(struct inode *i)
{
	inode_unhash(i);
	i->nlink = 1; /* nothing on disk is to be freed */
	inode_unlock_new(i);
	inode_put(i);
}

/* ---- dirty inodes ---- */

void inode_mark_dirty(struct inode *i)
{
	struct super *sb = i->sb;

	if (!sb->ops->write_inode || (READ_ONCE(i->state) & I_DIRTY))
		return;
	spin_lock(&sb->lock);
	spin_lock(&i->spin);
	if (!(i->state & (I_DIRTY | I_FREEING))) {
		i->state |= I_DIRTY;
		list_move_tail(&i->dirty_node, &sb->dirty);
	}
	spin_unlock(&i->spin);
	spin_unlock(&sb->lock);
}

/* Take the first inode off @work, clean and referenced; NULL at the end. */
static struct inode *dirty_take(struct super *sb, struct list_head *work)
{
	struct inode *i = NULL;

	spin_lock(&sb->lock);
	while (!i && !list_empty(work)) {
		i = list_first(work, struct inode, dirty_node);
		list_del(&i->dirty_node);
		if (!inode_try_get(i)) {
			i = NULL; /* being evicted, which writes it */
			continue;
		}
		spin_lock(&i->spin);
		i->state &= ~I_DIRTY;
		spin_unlock(&i->spin);
	}
	spin_unlock(&sb->lock);
	return i;
}

int inodes_write_dirty(struct super *sb, bool wait)
{
	LIST_HEAD(work);
	struct inode *i;
	int err = 0;

	if (!sb->ops->write_inode || list_empty(&sb->dirty))
		return 0;
	spin_lock(&sb->lock);
	list_splice_tail(&sb->dirty, &work);
	spin_unlock(&sb->lock);
	while ((i = dirty_take(sb, &work)) != NULL) {
		int e = sb->ops->write_inode(i, wait);

		if (e && !err)
			err = e;
		inode_put(i);
		cond_resched();
	}
	return err;
}

int inodes_sync_data(struct super *sb)
{
	struct inode *prev = NULL;
	struct inode *i;
	int err = 0;

	spin_lock(&sb->lock);
	list_for_each_entry (i, &sb->inodes, sb_node) {
		int e;

		if (!has_dirty_pages(i) || !inode_try_get(i))
			continue;
		spin_unlock(&sb->lock);
		if (prev)
			inode_put(prev);
		prev = i; /* keeps our place in the list */
		e = pagecache_sync(&i->data, 0, INT64_MAX);
		if (e && !err)
			err = e;
		spin_lock(&sb->lock);
	}
	spin_unlock(&sb->lock);
	if (prev)
		inode_put(prev);
	return err;
}

bool inodes_any_writer(struct super *sb)
{
	struct inode *i;
	bool any = false;

	spin_lock(&sb->lock);
	list_for_each_entry (i, &sb->inodes, sb_node)
		any |= READ_ONCE(i->write_count) > 0 || !READ_ONCE(i->nlink);
	spin_unlock(&sb->lock);
	return any;
}

/* ---- times and attributes ---- */

static inline bool time_differs(const struct timespec *a, const struct timespec *b)
{
	return a->tv_nsec != b->tv_nsec || a->tv_sec != b->tv_sec;
}

void inode_touch(struct inode *i, unsigned attr)
{
	struct timespec now = time_now_coarse();
	bool changed = false;

	spin_lock(&i->spin);
	if ((attr & ATTR_ATIME) && time_differs(&i->atime, &now)) {
		i->atime = now;
		changed = true;
	}
	if ((attr & ATTR_MTIME) && time_differs(&i->mtime, &now)) {
		i->mtime = now;
		changed = true;
	}
	if ((attr & ATTR_CTIME) && time_differs(&i->ctime, &now)) {
		i->ctime = now;
		changed = true;
	}
	spin_unlock(&i->spin);
	if (changed)
		inode_mark_dirty(i);
}

static inline bool not_after(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec <= b->tv_nsec);
}

/* mount(8) relatime: when it would say something new about use since the last change, or once a
 * day. */
bool atime_due(const struct mount *m, const struct inode *i)
{
	uint32_t f = m->flags | i->sb->flags;

	if (f & (MS_NOATIME | MS_RDONLY) || i->iflags & INODE_NOATIME)
		return false;
	if ((f & MS_NODIRATIME) && S_ISDIR(i->mode))
		return false;
	if (f & MS_STRICTATIME)
		return true;
	if (not_after(&i->atime, &i->mtime) || not_after(&i->atime, &i->ctime))
		return true;
	return time_now_coarse().tv_sec - i->atime.tv_sec >= 24 * 60 * 60;
}

void inode_init_owner(struct inode *i, const struct inode *dir, mode_t mode)
{
	const struct cred *c = current->cred;

	i->uid = c->fsuid;
	i->gid = c->fsgid;
	if (dir && (dir->mode & S_ISGID)) {
		i->gid = dir->gid;
		if (S_ISDIR(mode))
			mode |= S_ISGID;
		else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
			 !cred_in_group(c, i->gid) && !capable(CAP_FSETID))
			mode &= ~S_ISGID;
	}
	i->mode = mode;
	i->atime = i->mtime = i->ctime = i->btime = time_now_coarse();
}

void inode_init_special(struct inode *i, mode_t mode, dev_t dev)
{
	i->mode = mode;
	i->rdev = 0;
	if (S_ISCHR(mode)) {
		i->fops = &chrdev_fops;
		i->rdev = dev;
	} else if (S_ISBLK(mode)) {
		i->fops = &blkdev_fops;
		i->rdev = dev;
	} else {
		i->fops = S_ISFIFO(mode) ? &fifo_fops : &no_file_ops;
	}
}

void inode_setattr(struct inode *i, const struct iattr *a)
{
	spin_lock(&i->spin);
	if (a->valid & ATTR_UID)
		i->uid = a->uid;
	if (a->valid & ATTR_GID)
		i->gid = a->gid;
	if (a->valid & ATTR_MODE)
		i->mode = (i->mode & S_IFMT) | (a->mode & 07777);
	if (a->valid & ATTR_ATIME)
		i->atime = a->atime;
	if (a->valid & ATTR_MTIME)
		i->mtime = a->mtime;
	if (a->valid & ATTR_CTIME)
		i->ctime = a->ctime;
	spin_unlock(&i->spin);
	inode_mark_dirty(i);
}

void generic_getattr(struct inode *i, struct kstat *st)
{
	st->dev = i->sb->dev;
	st->rdev = i->rdev;
	st->ino = i->ino;
	st->mode = i->mode;
	st->nlink = i->nlink;
	st->uid = i->uid;
	st->gid = i->gid;
	st->size = i_size_read(i);
	st->blksize = i->blksize;
	st->blocks = i->blocks;
	st->atime = i->atime;
	st->mtime = i->mtime;
	st->ctime = i->ctime;
	st->btime = i->btime;
	st->iflags = i->iflags;
}

const char *simple_get_link(struct inode *i, bool rcu, int *err)
{
	return i->private;
}

/* ---- giving back ---- */

static uint64_t icache_count(void)
{
	return READ_ONCE(lru_count) / 4;
}

/* lru_lock held: decide about the coldest inode. True: claimed and on @out. */
static bool lru_consider(struct inode *i, struct list_head *out)
{
	bool claimed = false;

	if (!spin_trylock(&i->spin)) {
		list_move_tail(&i->lru_node, &lru);
		return false;
	}
	if (refcount_read(&i->refs) > 0) {
		i->state &= ~I_LRU;
		list_del(&i->lru_node);
		lru_count--;
	} else if ((i->state & (I_DIRTY | I_NEW)) || has_dirty_pages(i)) {
		list_move_tail(&i->lru_node, &lru);
	} else {
		i->state = (i->state & ~I_LRU) | I_FREEING;
		list_move_tail(&i->lru_node, out);
		lru_count--;
		claimed = true;
	}
	spin_unlock(&i->spin);
	return claimed;
}

static uint64_t icache_scan(uint64_t nr)
{
	uint64_t freed = 0;
	uint64_t left = nr * 4;
	LIST_HEAD(dead);

	spin_lock(&lru_lock);
	for (; left > 0 && !list_empty(&lru); left--)
		lru_consider(list_first(&lru, struct inode, lru_node), &dead);
	spin_unlock(&lru_lock);
	while (!list_empty(&dead)) {
		struct inode *i = list_first(&dead, struct inode, lru_node);

		list_del(&i->lru_node);
		freed += i->data.nr_pages * 4 + 1;
		inode_evict(i);
	}
	return freed / 4;
}

static struct shrinker icache_shrinker = {
	.name = "inode", .count = icache_count, .scan = icache_scan};

/* Unmount: the dentries are gone, so only the LRU's inodes are left. */
void inodes_evict_all(struct super *sb)
{
	for (;;) {
		struct inode *victim = NULL;
		struct inode *i;

		spin_lock(&sb->lock);
		list_for_each_entry (i, &sb->inodes, sb_node) {
			spin_lock(&i->spin);
			if (refcount_read(&i->refs) == 0 && !(i->state & I_FREEING)) {
				i->state |= I_FREEING;
				lru_del(i);
				victim = i;
			}
			spin_unlock(&i->spin);
			if (victim)
				break;
		}
		spin_unlock(&sb->lock);
		if (!victim)
			break;
		inode_evict(victim);
	}
	while (READ_ONCE(
		sb->nr_inodes)) { /* the shrinker may be finishing one; a leaked one is a bug */
		struct inode *i;
		bool busy = false;

		spin_lock(&sb->lock);
		list_for_each_entry (i, &sb->inodes, sb_node)
			busy |= refcount_read(&i->refs) > 0;
		spin_unlock(&sb->lock);
		if (WARN_ONCE(busy))
			break;
		cond_resched();
	}
}

void inode_cache_init(uint64_t pages)
{
	uint64_t n = 512;

	while (n < pages / 8 && n < 256 * 1024)
		n *= 2;
	buckets = kcalloc(n, sizeof(*buckets));
	PANIC_ON(!buckets);
	bucket_mask = (uint32_t)n - 1;
	for (unsigned k = 0; k < BUCKET_LOCKS; k++)
		spin_init(&bucket_lock[k]);
	spin_init(&lru_lock);
	inode_cache = slab_cache_create("inode", sizeof(struct inode), 64, NULL);
	shrinker_register(&icache_shrinker);
}
