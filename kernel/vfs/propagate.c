/*
 * propagate.c - which mounts get each other's mounts: peer groups, masters and slaves.
 *
 * Does not: change the tree (mount.c) or judge requests (mount_ops.c).
 *
 * Theory (mount_namespaces(7), SHARED SUBTREES)
 * Mounts of one group are peers: what is mounted on one of them at some dentry is mounted on each
 * at the same dentry, and what is unmounted from one goes from all. A mount's master is a group
 * that it receives from without giving anything back. A mount with a group and a master does both;
 * with neither it is private; private and not to be copied: unbindable.
 *
 *  1. Peers have the same master: a copy takes over both, and leaving the group is the only way to
 * change one's master. So "the master of a group" is that of any member.
 *  2. A group lives as long as it has members. When the last one leaves, the group's slaves get the
 * leaver's master, or none.
 *  3. A mount that is in no tree belongs to groups only while it is being attached: receivers
 * without a namespace are passed over, so a copy never receives itself.
 *
 * Mounting: every mount of the new tree becomes shared. Then a queue of groups is worked off,
 * beginning with that of the place. The members of the first get peers of the tree. Those of a
 * group reached as slaves get copies that are slaves of what their master's group got, in new
 * groups, one for each mount of the tree, because they pass them on to each other; a slave without
 * a group gets a slave. A member sees a copy only if the place lies in what it shows of the file
 * system.
 *
 * Unmounting: each receiver's mount at the same place is a candidate. One with a mount below that
 * is no candidate stays, and so do all candidates above it. What only covers a candidate's root is
 * not below it: it comes down to the candidate's place.
 *
 * Groups form no loops: a slave gets its master when it leaves that group, so a group's master is
 * older. Walks use queues, not recursion, since chains may be as long as there are mounts.
 *
 * Locks: everything under mount_mutex.
 */
#include "mount.h"

static LIST_HEAD(all_groups); /* by id */
static uint32_t last_walk;

/* ---- groups ---- */

/* An empty group with the lowest free number, as proc(5) shows it. */
static struct peer_group *group_create(void)
{
	struct peer_group *g = kzalloc(sizeof(*g));
	struct peer_group *k;
	uint32_t id = 1;

	if (!g)
		return NULL;
	list_init(&g->members);
	list_init(&g->slaves);
	list_init(&g->work);
	list_for_each_entry (k, &all_groups, node) {
		if (k->id != id)
			break;
		id++;
	}
	g->id = id;
	list_add_tail(&g->node, &k->node); /* before the gap's end */
	return g;
}

static void group_free(struct peer_group *g)
{
	list_del(&g->work);
	list_del(&g->node);
	kfree(g);
}

static void group_join(struct mount *m, struct peer_group *g)
{
	m->group = g;
	list_add_tail(&m->peer_node, &g->members);
}

static void master_set(struct mount *m, struct peer_group *g)
{
	list_del(&m->slave_node);
	m->master = g;
	if (g)
		list_add_tail(&m->slave_node, &g->slaves);
}

/* Theory 2. */
static void group_leave(struct mount *m)
{
	struct peer_group *g = m->group;

	list_del(&m->peer_node);
	m->group = NULL;
	if (!list_empty(&g->members))
		return;
	while (!list_empty(&g->slaves))
		master_set(list_first(&g->slaves, struct mount, slave_node), m->master);
	group_free(g);
}

void propagation_set(struct mount *m, unsigned kind)
{
	struct peer_group *g = m->group;

	if (kind == MS_SHARED) {
		m->unbindable = false;
		return;
	}
	if (g) {
		bool alone = g->members.next == g->members.prev;

		if (!alone)
			master_set(m, g);
		group_leave(m);
	}
	if (kind == MS_SLAVE)
		return;
	master_set(m, NULL);
	m->unbindable = kind == MS_UNBINDABLE;
}

int propagation_copy(struct mount *copy, struct mount *from, unsigned flags)
{
	struct peer_group *g = NULL;

	if (flags & COPY_SHARED) {
		g = group_create();
		if (!g)
			return -ENOMEM;
	}
	copy->unbindable = from->unbindable;
	if (flags & COPY_SLAVE) {
		master_set(copy, from->group);
		if (g)
			group_join(copy, g);
		return 0;
	}
	master_set(copy, from->master);
	if (from->group)
		group_join(copy, from->group);
	return 0;
}

int share_tree(struct mount *top, bool recursive, struct list_head *fresh)
{
	struct mount *m;

	for (m = top; m; m = recursive ? mount_next(m, top) : NULL) {
		struct peer_group *g = m->group ? NULL : group_create();

		if (g) {
			list_add_tail(&g->work, fresh);
			group_join(m, g);
		} else if (!m->group) {
			share_end(fresh, false);
			return -ENOMEM;
		}
	}
	return 0;
}

void share_end(struct list_head *fresh, bool keep)
{
	while (!list_empty(fresh)) {
		struct peer_group *g = list_first(fresh, struct peer_group, work);
		struct mount *m = list_first(&g->members, struct mount, peer_node);

		list_del(&g->work);
		if (keep)
			m->unbindable = false;
		else
			group_leave(m); /* its only member */
	}
}

/* ---- walking the groups that receive ---- */

struct walk_groups {
	struct list_head queue;
	uint32_t number;
};

static void walk_push(struct walk_groups *w, struct peer_group *g, struct mount *source)
{
	if (g->walk == w->number)
		return;
	g->walk = w->number;
	g->source = source;
	list_add_tail(&g->work, &w->queue);
}

static struct peer_group *walk_pop(struct walk_groups *w)
{
	struct peer_group *g;

	if (list_empty(&w->queue))
		return NULL;
	g = list_first(&w->queue, struct peer_group, work);
	list_del(&g->work);
	return g;
}

static void walk_begin(struct walk_groups *w, struct peer_group *first, struct mount *source)
{
	list_init(&w->queue);
	w->number = ++last_walk;
	walk_push(w, first, source);
}

/* ---- mounting ---- */

struct spread {
	const struct path *at;
	uint32_t n;
	struct list_head *copies, *gone;
};

static bool wants(const struct spread *s, const struct mount *r)
{
	return r != s->at->mnt && r->ns && d_is_below(s->at->dentry, r->root);
}

/* A copy of *@source for @r, which *@source is afterwards. */
static int give(struct spread *s, struct mount *r, struct mount **source, unsigned flags)
{
	struct mount *copy;
	int err;

	if (s->n > MOUNTS_MAX - MIN(r->ns->nr_mounts, MOUNTS_MAX))
		return -ENOSPC;
	err = mount_copy(*source, (*source)->root, flags | COPY_TREE, &copy, s->gone);
	if (err)
		return err;
	r->ns->nr_mounts += s->n;
	copy->receiver = r;
	list_add_tail(&copy->work_node, s->copies);
	*source = copy;
	return 0;
}

/* All members of a group that was reached as a slave; *lower: what its slaves are copies of. */
static int give_group(struct spread *s, struct peer_group *g, struct mount **lower)
{
	unsigned flags = COPY_SLAVE | COPY_SHARED; /* the first one; the others are its peers */
	struct mount *r;
	int err = 0;

	*lower = g->source;
	list_for_each_entry (r, &g->members, peer_node) {
		if (err)
			break;
		if (!wants(s, r))
			continue;
		err = give(s, r, lower, flags);
		flags = 0;
	}
	return err;
}

static int give_peers(struct spread *s, struct peer_group *g, struct mount *tree)
{
	struct mount *r;
	int err = 0;

	list_for_each_entry (r, &g->members, peer_node) {
		struct mount *source = tree;

		if (!err && wants(s, r))
			err = give(s, r, &source, 0);
	}
	return err;
}

int propagate_mount(struct mount *tree, uint32_t n, const struct path *at, struct list_head *copies,
	struct list_head *gone)
{
	struct spread s = {.at = at, .n = n, .copies = copies, .gone = gone};
	struct walk_groups w;
	struct peer_group *g;
	int err = 0;

	walk_begin(&w, at->mnt->group, tree);
	while ((g = walk_pop(&w)) != NULL) {
		struct mount *lower = tree;
		struct mount *r;

		if (!err)
			err = g == at->mnt->group ? give_peers(&s, g, tree)
						  : give_group(&s, g, &lower);
		list_for_each_entry (r, &g->slaves, slave_node) {
			struct mount *source = lower;

			if (err || !r->ns)
				continue;
			if (r->group)
				walk_push(&w, r->group, lower);
			else if (wants(&s, r))
				err = give(&s, r, &source, COPY_SLAVE);
		}
	}
	return err;
}

/* ---- unmounting ---- */

/* What @r has mounted at the place that @m leaves becomes a candidate. */
static void consider(struct list_head *set, const struct mount *r, const struct mount *m)
{
	struct mount *c = mount_at(r, m->point);

	if (c && !c->going)
		mount_set_add(set, c, false);
}

static void consider_receivers(struct list_head *set, struct mount *m)
{
	struct walk_groups w;
	struct peer_group *g;
	struct mount *r;

	if (m->parent == m || !m->parent->group)
		return;
	walk_begin(&w, m->parent->group, NULL);
	while ((g = walk_pop(&w)) != NULL) {
		list_for_each_entry (r, &g->members, peer_node)
			if (r != m->parent)
				consider(set, r, m);
		list_for_each_entry (r, &g->slaves, slave_node) {
			if (r->group)
				walk_push(&w, r->group, NULL);
			else
				consider(set, r, m);
		}
	}
}

static bool covers_root(const struct mount *m)
{
	return m->parent != m && m->point == m->parent->root;
}

static bool keeps_parent(const struct mount *m)
{
	return !m->going && !covers_root(m);
}

/* @m stays, and with it the candidates that it is mounted in. */
static void stays(struct mount *m)
{
	for (;;) {
		m->going = false;
		if (covers_root(m) || !m->parent->going)
			return;
		m = m->parent;
	}
}

static void judge(struct mount *m)
{
	struct mount *child;

	list_for_each_entry (child, &m->children, child_node) {
		if (m->going && keeps_parent(child))
			stays(m);
	}
}

void propagate_umount(struct list_head *set)
{
	struct mount *last = list_last(set, struct mount, work_node);
	struct list_head *n;
	struct mount *m, *next;

	for (n = set->next;; n = n->next) {
		m = list_entry(n, struct mount, work_node);
		consider_receivers(set, m);
		if (m == last)
			break;
	}
	for (n = last->work_node.next; n != set; n = n->next)
		judge(list_entry(n, struct mount, work_node));
	list_for_each_entry_safe (m, next, set, work_node)
		if (!m->going)
			list_del(&m->work_node);
}

/* ---- telling ---- */

static bool seen_below(const struct peer_group *g, const struct path *root)
{
	struct mount *m;

	list_for_each_entry (m, &g->members, peer_node) {
		const struct mount *up = m;

		if (m->ns != root->mnt->ns)
			continue;
		while (up != root->mnt && up->parent != up)
			up = up->parent;
		if (up == root->mnt && (m != up || d_is_below(m->root, root->dentry)))
			return true;
	}
	return false;
}

void mount_propagation(
	const struct mount *m, const struct path *root, struct mount_propagation *out)
{
	const struct peer_group *g = m->master;

	*out = (struct mount_propagation){0};
	if (m->group)
		out->shared = m->group->id;
	if (!g)
		return;
	out->master = g->id;
	while (g && !seen_below(g, root))
		g = list_first(&g->members, struct mount, peer_node)->master;
	if (g && g != m->master)
		out->from = g->id;
}
