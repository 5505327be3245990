/*
 * mount.c - the mount tree: attaching, finding, copying and detaching mounts.
 *
 * Does not: make superblocks (super.c), decide about requests of programs (mount_ops.c) or about
 * who else gets a mount (propagate.c).
 *
 * Theory
 * A mount shows a superblock, or a part of it (bind: root is not the super's root), at a place of
 * another mount: (parent, point). The places are hashed; a dentry that is somebody's point has
 * D_MOUNTED so that walks need not look for the others. Several mounts on one place stack: the
 * second one's place is the first one's root. The root mount of a namespace, and a mount that is
 * detached, is its own parent.
 *
 * A mount that propagates to a place that is taken slips under what is there: that then covers the
 * new one's root.
 *
 * References: the tree holds one on each mount in it; a mount in the tree holds its parent and its
 * point. Paths hold theirs. A detached mount lives on, without a place, until its last path goes;
 * then it drops its root and its superblock.
 *
 * Readers under RCU note mount_seq, look the hash up, and check mount_seq before they trust what
 * they found or its reference. Changes are made under mount_mutex (the whole change, sleeping) and
 * mount_spin + mount_seq (the moment in which it shows). "Is it busy" compares the counts inside
 * the moment in which the mounts go: who took a reference before is counted, who takes one
 * afterwards sees the number changed and gives it back.
 *
 * Invariants: 1. m->parent == m iff m is a namespace's root, detached or not attached yet.  2.
 * parents never form a loop: a mount is moved only to places not below itself.  3. m->ns is set iff
 * it is in a namespace's tree; only such mounts are counted in nr_mounts.
 *
 * Lock order: mount_mutex > inode->lock of the point > mount_spin (leaf). Never taken: mount_mutex
 * under an inode lock.
 */
#include "mount.h"
#include <hash.h>

#define MOUNT_BUCKETS 256u

struct seqcount mount_seq;
struct mutex mount_mutex = MUTEX_INIT(mount_mutex);
static struct spinlock mount_spin;
static struct hlist_head mount_hash[MOUNT_BUCKETS];

static struct hlist_head *bucket_of(const struct mount *parent, const struct dentry *point)
{
	return &mount_hash[hash64((uintptr_t)parent ^ (uintptr_t)point >> 3) % MOUNT_BUCKETS];
}

struct mount *mount_lookup_rcu(const struct mount *parent, const struct dentry *point)
{
	struct mount *m;

	hlist_for_each_entry (m, bucket_of(parent, point), hash_node)
		if (m->parent == parent && m->point == point)
			return m;
	return NULL;
}

bool mount_follow(struct path *p)
{
	bool moved = false;

	while (READ_ONCE(p->dentry->flags) & D_MOUNTED) {
		struct mount *m;
		uint32_t s = seq_read_begin(&mount_seq);

		rcu_read_lock();
		m = mount_lookup_rcu(p->mnt, p->dentry);
		if (m && !refcount_inc_not_zero(&m->refs))
			m = NULL;
		rcu_read_unlock();
		if (seq_read_retry(&mount_seq, s)) {
			if (m)
				mount_put(m);
			continue;
		}
		if (!m)
			break;
		path_put(p);
		p->mnt = m;
		p->dentry = d_get(m->root);
		moved = true;
	}
	return moved;
}

/* ---- objects ---- */

static void mount_free(struct rcu_head *h)
{
	kfree(container_of(h, struct mount, rcu));
}

void mount_put(struct mount *m)
{
	if (unlikely(READ_ONCE(m->expiring)))
		WRITE_ONCE(m->expiring, false);
	mount_put_unused(m);
}

void mount_put_unused(struct mount *m)
{
	if (!refcount_dec(&m->refs))
		return;
	d_put(m->root);
	super_put(m->sb);
	rcu_call(&m->rcu, mount_free);
}

struct mount *mount_create(
	struct super *sb, struct dentry *root, const char *source, unsigned flags)
{
	static uint32_t next_id;
	struct mount *m = kzalloc(sizeof(*m));

	if (!m)
		return NULL;
	flags &= MS_OF_MOUNT;
	if (!(flags & (MS_NOATIME | MS_STRICTATIME)))
		flags |= MS_RELATIME;
	m->sb = sb;
	m->root = d_get(root);
	m->parent = m;
	list_init(&m->ns_node);
	list_init(&m->child_node);
	list_init(&m->children);
	list_init(&m->peer_node);
	list_init(&m->slave_node);
	list_init(&m->work_node);
	m->flags = flags;
	m->id = (int32_t)__atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED);
	refcount_set(&m->refs, 1);
	strlcpy(m->source, source ? source : "none", sizeof(m->source));
	return m;
}

/* ---- the tree; mount_mutex held ---- */

static void tree_change_begin(void)
{
	spin_lock(&mount_spin);
	seq_write_begin(&mount_seq);
	smp_mb(); /* before the counts are compared */
}

static void tree_change_end(void)
{
	seq_write_end(&mount_seq);
	spin_unlock(&mount_spin);
}

void mount_ns_changed(struct mount_ns *ns)
{
	if (!ns)
		return;
	ns->seq++;
	wake_up_all(&ns->changed);
}

struct mount *mount_at(const struct mount *parent, const struct dentry *point)
{
	return mount_lookup_rcu(parent, point);
}

struct mount *mount_next(struct mount *m, const struct mount *top)
{
	if (!list_empty(&m->children))
		return list_first(&m->children, struct mount, child_node);
	while (m != top) {
		struct mount *parent = m->parent;

		if (m->child_node.next != &parent->children)
			return list_entry(m->child_node.next, struct mount, child_node);
		m = parent;
	}
	return NULL;
}

uint32_t mount_count(struct mount *top)
{
	uint32_t n = 0;

	for (struct mount *m = top; m; m = mount_next(m, top))
		n++;
	return n;
}

bool mount_is_below(const struct mount *m, const struct mount *top)
{
	while (m != top && m->parent != m)
		m = m->parent;
	return m == top;
}

/* Show @m at (parent, point); place_get() took their references. */
static void link_locked(struct mount *m, struct mount *parent, struct dentry *point)
{
	m->point = point;
	m->parent = parent;
	hlist_add(&m->hash_node, bucket_of(parent, point));
	list_add_tail(&m->child_node, &parent->children);
}

static void unlink_locked(struct mount *m)
{
	hlist_del(&m->hash_node);
	list_del(&m->child_node);
	m->parent = m;
	m->point = NULL;
}

static void place_get(struct mount *parent, struct dentry *point)
{
	mount_get(parent);
	d_get(point);
	d_set_flag(point, D_MOUNTED);
}

/* The last mount left @point: walks need not look there any more. */
static void point_unused(struct dentry *point)
{
	struct mount *m;

	for (unsigned b = 0; b < MOUNT_BUCKETS; b++)
		hlist_for_each_entry (m, &mount_hash[b], hash_node)
			if (m->point == point)
				return;
	d_clear_flag(point, D_MOUNTED);
}

static void place_put(struct mount *parent, struct dentry *point)
{
	if (!point)
		return;
	point_unused(point);
	d_put(point);
	mount_put(parent);
}

/* ---- attaching ---- */

void mount_ns_enter(struct mount *top, struct mount_ns *ns)
{
	for (struct mount *m = top; m; m = mount_next(m, top)) {
		m->ns = ns;
		m->detached = false;
		list_move_tail(&m->ns_node, &ns->mounts);
	}
}

/* Attach the top of a tree; what is at the place already comes to cover the tree's topmost root. */
static void place_locked(struct mount *m, struct mount *parent, struct dentry *point)
{
	struct mount *there = mount_at(parent, point);
	struct mount *k;

	if (there)
		unlink_locked(there);
	place_get(parent, point);
	link_locked(m, parent, point);
	if (!there)
		return;
	while ((k = mount_at(m, m->root)) != NULL)
		m = k;
	place_get(m, m->root);
	link_locked(there, m, m->root);
	d_put(point); /* neither is the last: the new mount has both */
	mount_put(parent);
}

/* Nobody removes the place from here on without asking mount_is_point_here(). */
static int point_take(struct dentry *point)
{
	struct inode *i = point->inode;
	int err = 0;

	rwsem_write_lock(&i->lock);
	if ((i->state & I_DEAD) || d_unlinked(point))
		err = -ENOENT;
	else
		d_set_flag(point, D_MOUNTED);
	rwsem_write_unlock(&i->lock);
	return err;
}

static int reserve(struct mount_ns *ns, uint32_t n)
{
	if (n > MOUNTS_MAX - MIN(ns->nr_mounts, MOUNTS_MAX))
		return -ENOSPC;
	ns->nr_mounts += n;
	return 0;
}

static void drop_copies(struct list_head *copies, uint32_t n, struct list_head *gone)
{
	while (!list_empty(copies)) {
		struct mount *c = list_first(copies, struct mount, work_node);

		c->receiver->ns->nr_mounts -= n;
		list_del(&c->work_node);
		mount_drop(c, gone);
	}
}

/* What can fail: room, groups and copies. */
static int graft_prepare(struct mount *tree, const struct path *at, uint32_t n,
	struct list_head *copies, struct list_head *gone)
{
	struct mount_ns *ns = at->mnt->ns;
	LIST_HEAD(fresh);
	int err = tree->ns ? 0 : reserve(ns, n);

	if (err || !at->mnt->group)
		return err;
	err = share_tree(tree, true, &fresh);
	if (err)
		goto unreserve;
	err = propagate_mount(tree, n, at, copies, gone);
	if (err)
		drop_copies(copies, n, gone);
	share_end(&fresh, !err);
	if (!err)
		return 0;
unreserve:
	if (!tree->ns)
		ns->nr_mounts -= n;
	return err;
}

static void attach_copies(struct list_head *copies, struct dentry *point)
{
	while (!list_empty(copies)) {
		struct mount *c = list_first(copies, struct mount, work_node);
		struct mount *r = c->receiver;

		list_del(&c->work_node);
		c->receiver = NULL;
		place_locked(c, r, point);
		mount_ns_enter(c, r->ns);
		mount_ns_changed(r->ns);
	}
}

int mount_graft(struct mount *tree, const struct path *at, struct list_head *gone)
{
	struct mount *old_parent = tree->parent;
	struct dentry *old_point = tree->point;
	uint32_t n = mount_count(tree);
	LIST_HEAD(copies);
	int err = point_take(at->dentry);

	if (err)
		return err;
	err = graft_prepare(tree, at, n, &copies, gone);
	if (err) {
		point_unused(at->dentry);
		return err;
	}
	tree_change_begin();
	if (old_parent != tree)
		unlink_locked(tree);
	place_locked(tree, at->mnt, at->dentry);
	if (!tree->ns)
		mount_ns_enter(tree, at->mnt->ns);
	attach_copies(&copies, at->dentry);
	tree_change_end();
	place_put(old_parent, old_point);
	mount_ns_changed(at->mnt->ns);
	return 0;
}

/* ---- detaching ---- */

void mount_set_add(struct list_head *set, struct mount *m, bool recursive)
{
	struct mount *top = m;

	for (; m; m = recursive ? mount_next(m, top) : NULL) {
		m->going = true;
		list_add_tail(&m->work_node, set);
	}
}

/* What covers the root of @m, which goes, comes down to the place of the lowest that goes. */
static void uncover_locked(struct mount *m)
{
	struct mount *above = mount_at(m, m->root);
	struct mount *parent = m->parent;
	struct dentry *point = m->point;

	if (!above || above->going || !point)
		return;
	while (parent->going && parent->point) {
		point = parent->point;
		parent = parent->parent;
	}
	unlink_locked(above);
	place_get(parent, point);
	link_locked(above, parent, point);
	d_put(m->root); /* neither is the last: @m is held by the tree, its root by it */
	mount_put(m);
}

/* The moment in which a set goes. The places stay in ->receiver and ->point for detach_finish(). */
static void detach_locked(struct list_head *set)
{
	struct mount *m;

	list_for_each_entry (m, set, work_node)
		uncover_locked(m);
	list_for_each_entry (m, set, work_node) {
		m->receiver = m->parent;
		hlist_del(&m->hash_node);
		list_del(&m->child_node);
		m->parent = m;
		m->detached = true;
		if (m->ns) {
			m->ns->nr_mounts--;
			mount_ns_changed(m->ns);
		}
		m->ns = NULL;
	}
}

static void detach_finish(struct list_head *set, struct list_head *gone)
{
	while (!list_empty(set)) {
		struct mount *m = list_first(set, struct mount, work_node);
		struct mount *parent = m->receiver;
		struct dentry *point = m->point;

		list_del(&m->work_node);
		list_move_tail(&m->ns_node, gone);
		m->receiver = NULL;
		m->point = NULL;
		m->going = false;
		propagation_set(m, MS_PRIVATE);
		if (parent != m)
			place_put(parent, point);
	}
}

void mounts_detach(struct list_head *set, struct list_head *gone)
{
	tree_change_begin();
	detach_locked(set);
	tree_change_end();
	detach_finish(set, gone);
}

static bool in_use(const struct mount *m, int refs)
{
	const struct mount *child;

	list_for_each_entry (child, &m->children, child_node)
		refs++;
	return refcount_read(&m->refs) > refs;
}

bool mounts_detach_unused(struct list_head *set, const struct mount *top, struct list_head *gone)
{
	struct mount *m, *next;
	bool busy = false;

	tree_change_begin();
	list_for_each_entry (m, set, work_node)
		busy |= in_use(m, m == top ? 2 : 1);
	if (!busy)
		detach_locked(set);
	tree_change_end();
	if (!busy) {
		detach_finish(set, gone);
		return true;
	}
	list_for_each_entry_safe (m, next, set, work_node) {
		m->going = false;
		list_del(&m->work_node);
	}
	return false;
}

void mount_drop(struct mount *top, struct list_head *gone)
{
	LIST_HEAD(set);

	mount_set_add(&set, top, true);
	mounts_detach(&set, gone);
}

void mounts_release(struct list_head *gone)
{
	while (!list_empty(gone)) {
		struct mount *m = list_first(gone, struct mount, ns_node);

		list_del(&m->ns_node);
		mount_put(m);
	}
}

void mount_swap_root(struct mount *new_root, struct mount *old_root, const struct path *put_old)
{
	struct mount_ns *ns = old_root->ns;
	struct path old_at = {old_root->parent, old_root->point};
	struct mount *new_parent = new_root->parent;
	struct dentry *new_point = new_root->point;

	tree_change_begin();
	unlink_locked(new_root);
	if (old_at.mnt != old_root) {
		unlink_locked(old_root);
		link_locked(new_root, old_at.mnt,
			old_at.dentry); /* with the references of the old one */
	} else {
		ns->root = new_root;
	}
	place_get(put_old->mnt, put_old->dentry);
	link_locked(old_root, put_old->mnt, put_old->dentry);
	tree_change_end();
	place_put(new_parent, new_point);
	mount_ns_changed(ns);
}

/* ---- names that are removed ---- */

bool mount_is_point_here(const struct dentry *d)
{
	const struct mount_ns *ns = current->fs->ns;
	const struct mount *m;
	bool found = false;

	if (!(READ_ONCE(d->flags) & D_MOUNTED))
		return false;
	rcu_read_lock();
	for (unsigned b = 0; b < MOUNT_BUCKETS && !found; b++)
		hlist_for_each_entry (m, &mount_hash[b], hash_node)
			found |= READ_ONCE(m->point) == d && READ_ONCE(m->ns) == ns;
	rcu_read_unlock();
	return found;
}

void mounts_drop_at(struct dentry *d)
{
	LIST_HEAD(set);
	LIST_HEAD(gone);
	struct mount *m;

	if (!(READ_ONCE(d->flags) & D_MOUNTED))
		return;
	mutex_lock(&mount_mutex);
	for (unsigned b = 0; b < MOUNT_BUCKETS; b++)
		hlist_for_each_entry (m, &mount_hash[b], hash_node)
			if (m->point == d && !m->going)
				mount_set_add(&set, m, true);
	mounts_detach(&set, &gone);
	mutex_unlock(&mount_mutex);
	mounts_release(&gone);
}

/* ---- copying ---- */

static struct mount *clone(struct mount *from, struct dentry *root, unsigned flags)
{
	struct mount *m = mount_create(super_get(from->sb), root, from->source, from->flags);

	if (!m) {
		super_put(from->sb);
		return NULL;
	}
	if (propagation_copy(m, from, flags)) {
		mount_put(m);
		return NULL;
	}
	return m;
}

/* Copy @c below the copy of its parent. */
static struct mount *clone_below(struct mount *c, struct mount *parent, unsigned flags)
{
	struct mount *copy = clone(c, c->root, flags);

	if (copy) {
		place_get(parent, c->point);
		tree_change_begin();
		link_locked(copy, parent, c->point);
		tree_change_end();
	}
	return copy;
}

static bool wanted(
	const struct mount *c, const struct mount *from, const struct dentry *root, unsigned flags)
{
	if (c->unbindable && !(flags & COPY_UNBINDABLE))
		return false;
	return c->parent != from || d_is_below(c->point, root);
}

/* Behind @c and what is below it, in the tree of @from; @copy_of_parent moves along. */
static struct mount *skip(struct mount *c, const struct mount *from, struct mount **copy_of_parent)
{
	while (c->child_node.next == &c->parent->children) {
		c = c->parent;
		if (c == from)
			return NULL;
		*copy_of_parent = (*copy_of_parent)->parent;
	}
	return list_entry(c->child_node.next, struct mount, child_node);
}

int mount_copy(struct mount *from, struct dentry *root, unsigned flags, struct mount **out,
	struct list_head *gone)
{
	struct mount *top = clone(from, root, flags);
	struct mount *parent = top;
	struct mount *c = NULL;

	if (!top)
		return -ENOMEM;
	if ((flags & COPY_TREE) && !list_empty(&from->children))
		c = list_first(&from->children, struct mount, child_node);
	while (c) {
		struct mount *copy = NULL;

		if (wanted(c, from, root, flags)) {
			copy = clone_below(c, parent, flags);
			if (!copy) {
				mount_drop(top, gone);
				return -ENOMEM;
			}
		}
		if (copy && !list_empty(&c->children)) {
			parent = copy;
			c = list_first(&c->children, struct mount, child_node);
		} else {
			c = skip(c, from, &parent);
		}
	}
	*out = top;
	return 0;
}

void mount_tree_init(void)
{
	spin_init(&mount_spin);
}
