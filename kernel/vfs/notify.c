/*
 * notify.c - from what happened to a file to the watches that want to hear of it.
 *
 * Does not: queue events or hand them to programs (inotify.c). Changes through a memory mapping and
 * names that appear without a change of a directory (procfs, devpts) are not heard of: inotify(7),
 * "Limitations and caveats".
 *
 * Theory
 * A watch hangs on its inode (inode->watches) and holds a reference to it, so the object is the
 * same one for as long as it is watched, however often its names leave the dentry cache.
 * inode->watched is the union of what its watches want. A hook first looks at notify_watches, the
 * number of all watches: in a system that watches nothing that is all that a hook costs. Then it
 * looks at ->watched of the inode, and of the directory that the dentry is in: those who watch a
 * directory hear what happens to the objects in it, with the name by which it happened, before
 * those hear it who watch the object.
 *
 * Events are posted in an RCU section, which keeps watches, inodes and instances alive. A watch is
 * ended by whoever sets its dead flag under the instance's lock, in the same moment as IN_IGNORED
 * is queued, so nothing follows that. Its ender takes it off the inode, outside the RCU section as
 * the inode's last reference may be the watch's.
 *
 * When the last name of a removed file leaves the cache - so no open file has it either - its
 * watches hear IN_DELETE_SELF and end. Unmounting ends all watches of a superblock with IN_UNMOUNT;
 * it waits for those that others are just ending (super->watches), as they still hold inodes.
 *
 * Locks: instance's lock > inode->spin.
 */
#include "inotify.h"
#include <stat.h>

uint32_t notify_watches;
static struct wait_queue unwatched = WAIT_QUEUE_INIT(unwatched); /* some super->watches fell to 0 */

/* ---- an inode's watches ---- */

static void mask_update(struct inode *i)
{
	const struct watch *w;
	uint32_t all = 0;

	hlist_for_each_entry (w, &i->watches, inode_node)
		all |= READ_ONCE(w->mask);
	WRITE_ONCE(i->watched, all);
}

void notify_mask_changed(struct inode *i)
{
	spin_lock(&i->spin);
	mask_update(i);
	spin_unlock(&i->spin);
}

void notify_attach(struct watch *w)
{
	struct inode *i = inode_get(w->inode);

	__atomic_add_fetch(&notify_watches, 1, __ATOMIC_RELAXED);
	atomic_inc(&i->sb->watches);
	spin_lock(&i->spin);
	hlist_add(&w->inode_node, &i->watches);
	mask_update(i);
	spin_unlock(&i->spin);
}

void notify_detach(struct watch *w)
{
	struct inode *i = w->inode;
	struct super *sb = i->sb;

	spin_lock(&i->spin);
	hlist_del(&w->inode_node);
	mask_update(i);
	spin_unlock(&i->spin);
	inode_put(i);
	__atomic_sub_fetch(&notify_watches, 1, __ATOMIC_RELAXED);
	if (!atomic_dec(&sb->watches)) /* from here on @sb may be gone */
		wake_up_all(&unwatched);
}

struct watch *notify_find(struct inode *i, const struct inotify *group)
{
	struct watch *w;

	hlist_for_each_entry (w, &i->watches, inode_node)
		if (w->group == group && !READ_ONCE(w->dead))
			return w;
	return NULL;
}

/* ---- telling ---- */

/* RCU section. Those that end with it are put on *@dead. */
static void tell(struct inode *i, const struct notice *n, struct watch **dead)
{
	struct watch *w;

	hlist_for_each_entry (w, &i->watches, inode_node) {
		if (!(READ_ONCE(w->mask) & n->mask) || !watch_post(w, n))
			continue;
		w->next_dead = *dead;
		*dead = w;
	}
}

static inline bool wants(const struct inode *i, uint32_t event)
{
	return READ_ONCE(i->watched) & event;
}

/* RCU section: a name that may change meanwhile, as it was at one moment, and whose it was. */
static struct inode *name_snapshot(const struct dentry *d, char *buf, struct qstr *out)
{
	struct inode *dir;
	const char *name;
	uint32_t len;
	uint32_t s;

	do {
		s = seq_read_begin(&d->seq);
		dir = READ_ONCE(READ_ONCE(d->parent)->inode);
		name = READ_ONCE(d->name.name);
		for (len = 0; len < NAME_MAX && READ_ONCE(name[len]); len++)
			buf[len] = name[len];
	} while (seq_read_retry(&d->seq, s));
	buf[len] = 0;
	*out = (struct qstr){buf, len, 0};
	return dir;
}

static void tell_parent(const struct dentry *d, struct notice *n)
{
	char buf[NAME_MAX + 1] VFS_UNINIT;
	struct watch *dead = NULL;
	struct inode *dir;
	struct qstr name;

	rcu_read_lock();
	dir = name_snapshot(d, buf, &name);
	if (dir && wants(dir, n->mask)) {
		n->name = &name;
		tell(dir, n, &dead);
		n->name = NULL;
	}
	rcu_read_unlock();
	watches_end(dead);
}

static bool parent_wants(const struct dentry *d, uint32_t event)
{
	const struct dentry *parent;
	const struct inode *dir;
	bool r;

	rcu_read_lock();
	parent = READ_ONCE(d->parent);
	dir = READ_ONCE(parent->inode);
	r = parent != d && dir && wants(dir, event);
	rcu_read_unlock();
	return r;
}

static void tell_inode(struct inode *i, const struct notice *n)
{
	struct watch *dead = NULL;

	if (!wants(i, n->mask))
		return;
	rcu_read_lock();
	tell(i, n, &dead);
	rcu_read_unlock();
	watches_end(dead);
}

/* ---- the hooks ---- */

static uint32_t dir_bit(const struct inode *i)
{
	return S_ISDIR(i->mode) ? IN_ISDIR : 0;
}

void notify_dentry_event(const struct dentry *d, uint32_t event, bool by_file)
{
	struct inode *i = d->inode;
	struct notice n = {.mask = event | dir_bit(i), .unlinked = by_file && d_unlinked(d)};

	if (parent_wants(d, event))
		tell_parent(d, &n);
	tell_inode(i, &n);
}

void notify_inode_event(struct inode *i, uint32_t event)
{
	struct notice n = {.mask = event};

	if (!(event & (IN_MOVE_SELF | IN_DELETE_SELF))) /* Linux never says it with these */
		n.mask |= dir_bit(i);
	tell_inode(i, &n);
}

void notify_name_event(struct inode *dir, const struct qstr *name, uint32_t event, uint32_t cookie)
{
	const struct notice n = {.mask = event, .name = name, .cookie = cookie};

	tell_inode(dir, &n);
}

/* @event, then the end of all watches of @i. */
static void last_event(struct inode *i, uint32_t event)
{
	struct watch *dead = NULL;
	struct watch *w;

	notify_inode_event(i, event);
	rcu_read_lock();
	hlist_for_each_entry (w, &i->watches, inode_node) {
		if (!watch_kill(w))
			continue;
		w->next_dead = dead;
		dead = w;
	}
	rcu_read_unlock();
	watches_end(dead);
}

void notify_gone_event(struct inode *i)
{
	if (READ_ONCE(i->watched))
		last_event(i, IN_DELETE_SELF);
}

void notify_moved(const struct move *m)
{
	static uint32_t last_cookie;
	uint32_t is_dir;
	uint32_t cookie;

	if (!notify_anybody())
		return;
	is_dir = dir_bit(m->inode);
	cookie = __atomic_add_fetch(&last_cookie, 1, __ATOMIC_RELAXED);
	notify_name_event(m->from, m->old_name, IN_MOVED_FROM | is_dir, cookie);
	notify_name_event(m->to, m->new_name, IN_MOVED_TO | is_dir, cookie);
	if (m->replaced)
		notify_inode_event(m->replaced, IN_ATTRIB);
	notify_inode_event(m->inode, IN_MOVE_SELF);
}

void notify_unmounted(struct super *sb)
{
	struct inode *prev = NULL;
	struct inode *i;

	if (!atomic_read(&sb->watches))
		return;
	spin_lock(&sb->lock);
	list_for_each_entry (i, &sb->inodes, sb_node) {
		if (!READ_ONCE(i->watched) || !inode_try_get(i))
			continue;
		spin_unlock(&sb->lock);
		if (prev)
			inode_put(prev);
		prev = i; /* keeps our place in the list */
		last_event(i, IN_UNMOUNT);
		spin_lock(&sb->lock);
	}
	spin_unlock(&sb->lock);
	if (prev)
		inode_put(prev);
	wait_event(&unwatched, !atomic_read(&sb->watches));
}
