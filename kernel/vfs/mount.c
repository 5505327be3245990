/*
 * mount.c - the mount tree: attaching, finding and detaching mounts.
 *
 * Does not: make superblocks (super.c) or decide about requests of programs (mount_ops.c).
 *
 * Theory
 * A mount shows a superblock, or a part of it (bind: root is not the super's root), at a place of
 * another mount: (parent, point). The places are hashed; a dentry that is somebody's point has
 * D_MOUNTED so that walks need not look for the others. Several mounts on one place stack: the
 * second one's place is the first one's root. The root mount of a namespace, and a mount that is
 * detached, is its own parent.
 *
 * References: the tree holds one on each mount in it; a mount in the tree holds its parent and its
 * point. Paths hold theirs. A detached mount lives on, without a place, until its last path goes;
 * then it drops its root and its superblock.
 *
 * Readers under RCU note mount_seq, look the hash up, and check mount_seq before they trust what
 * they found or its reference. Changes are made under mount_mutex (the whole change, sleeping) and
 * mount_spin + mount_seq (the moment in which it shows). "Is it busy" compares the count inside
 * such a moment: who took a reference before is counted, who takes one afterwards sees the number
 * changed and gives it back.
 *
 * Invariants: 1. m->parent == m iff m is a namespace's root, detached or not attached yet.  2.
 * parents never form a loop: a mount is moved only to places not below itself.
 *
 * Lock order: mount_mutex > inode->lock of the point > mount_spin (leaf). Never taken: mount_mutex
 * under an inode lock.
 */
#include "internal.h"
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
	m->flags = flags;
	m->id = (int32_t)__atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED);
	refcount_set(&m->refs, 1);
	strlcpy(m->source, source ? source : "none", sizeof(m->source));
	return m;
}

struct mount *mount_clone(struct mount *from, struct dentry *root)
{
	struct mount *m = mount_create(super_get(from->sb), root, from->source, from->flags);

	if (!m)
		super_put(from->sb);
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

static void ns_changed(struct mount_ns *ns)
{
	if (!ns)
		return;
	ns->seq++;
	wake_up_all(&ns->changed);
}

/* The next mount of the tree below @top in depth-first order; NULL at the end. */
static struct mount *tree_next(struct mount *m, const struct mount *top)
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

bool mount_is_below(const struct mount *m, const struct mount *top)
{
	while (m != top && m->parent != m)
		m = m->parent;
	return m == top;
}

/* Show @m at (parent, point), whose references it takes over. */
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

int mount_attach(struct mount *m, const struct path *at)
{
	struct inode *i = at->dentry->inode;
	struct mount_ns *ns = at->mnt->ns;
	struct mount *k;
	bool dir = d_is_dir(at->dentry);
	int err = 0;

	if (dir != d_is_dir(m->root))
		return -ENOTDIR;
	if (!ns)
		return -EINVAL;
	rwsem_write_lock(&i->lock);
	if ((i->state & I_DEAD) || d_unlinked(at->dentry))
		err = -ENOENT;
	else
		d_set_flag(at->dentry, D_MOUNTED);
	rwsem_write_unlock(&i->lock);
	if (err)
		return err;
	mount_get(at->mnt);
	d_get(at->dentry);
	tree_change_begin();
	link_locked(m, at->mnt, at->dentry);
	for (k = m; k; k = tree_next(k, m)) {
		k->ns = ns;
		k->detached = false;
		if (ns && list_empty(&k->ns_node))
			list_add_tail(&k->ns_node, &ns->mounts);
	}
	tree_change_end();
	ns_changed(ns);
	return 0;
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

void mount_detach_tree(struct mount *top, struct list_head *gone)
{
	struct mount_ns *ns = top->ns;

	for (;;) { /* leaves first */
		struct mount *m = top;
		struct mount *parent;
		struct dentry *point;

		while (!list_empty(&m->children))
			m = list_first(&m->children, struct mount, child_node);
		parent = m->parent;
		point = m->point;
		tree_change_begin();
		if (parent != m)
			unlink_locked(m);
		list_move_tail(&m->ns_node, gone);
		m->ns = NULL;
		m->detached = true;
		tree_change_end();
		place_put(parent, point);
		if (m == top)
			break;
	}
	ns_changed(ns);
}

void mounts_release(struct list_head *gone)
{
	while (!list_empty(gone)) {
		struct mount *m = list_first(gone, struct mount, ns_node);

		list_del(&m->ns_node);
		mount_put(m);
	}
}

bool mount_detach_unused(struct mount *m, int refs, struct list_head *gone)
{
	bool busy;

	tree_change_begin();
	busy = !list_empty(&m->children) || refcount_read(&m->refs) > refs;
	tree_change_end();
	if (busy)
		return false;
	mount_detach_tree(m, gone);
	return true;
}

void mount_move(struct mount *m, const struct path *to)
{
	struct mount *parent = m->parent;
	struct dentry *point = m->point;

	mount_get(to->mnt);
	d_get(to->dentry);
	d_set_flag(to->dentry, D_MOUNTED);
	tree_change_begin();
	if (parent != m)
		unlink_locked(m);
	link_locked(m, to->mnt, to->dentry);
	tree_change_end();
	place_put(parent, point);
	ns_changed(m->ns);
}

void mount_swap_root(struct mount *new_root, struct mount *old_root, const struct path *put_old)
{
	struct mount_ns *ns = old_root->ns;
	struct path old_at = {old_root->parent, old_root->point};
	struct mount *new_parent = new_root->parent;
	struct dentry *new_point = new_root->point;

	mount_get(put_old->mnt);
	d_get(put_old->dentry);
	d_set_flag(put_old->dentry, D_MOUNTED);
	tree_change_begin();
	unlink_locked(new_root);
	if (old_at.mnt != old_root) {
		unlink_locked(old_root);
		link_locked(new_root, old_at.mnt,
			old_at.dentry); /* with the references of the old one */
	} else {
		ns->root = new_root;
	}
	link_locked(old_root, put_old->mnt, put_old->dentry);
	tree_change_end();
	place_put(new_parent, new_point);
	ns_changed(ns);
}

int mount_copy_tree(const struct path *from, bool recursive, struct mount **out)
{
	struct mount *top = mount_clone(from->mnt, from->dentry);
	struct mount *src = from->mnt;
	struct mount *dst = top;
	struct mount *c;

	if (!top)
		return -ENOMEM;
	for (c = recursive && !list_empty(&src->children)
			 ? list_first(&src->children, struct mount, child_node)
			 : NULL;
		c;) {
		bool wanted = src != from->mnt || d_is_below(c->point, from->dentry);
		struct mount *copy = wanted ? mount_clone(c, c->root) : NULL;

		if (wanted && !copy) {
			LIST_HEAD(gone);

			mount_detach_tree(top, &gone);
			mounts_release(&gone);
			return -ENOMEM;
		}
		if (copy) {
			mount_get(dst);
			d_get(c->point);
			tree_change_begin();
			link_locked(copy, dst, c->point);
			tree_change_end();
		}
		if (copy && !list_empty(&c->children)) {
			src = c;
			dst = copy;
			c = list_first(&c->children, struct mount, child_node);
			continue;
		}
		while (c->child_node.next == &src->children && src != from->mnt) {
			c = src;
			src = src->parent;
			dst = dst->parent;
		}
		c = c->child_node.next == &src->children
			    ? NULL
			    : list_entry(c->child_node.next, struct mount, child_node);
	}
	*out = top;
	return 0;
}

void mount_tree_init(void)
{
	spin_init(&mount_spin);
}
