/*
 * namei.c - path walk: from a name to a mount and dentry.
 *
 * Does not: create or remove (ops.c), open (open.c), know the dentry cache's inside (dcache.c).
 *
 * Theory
 * A walk goes component by component from the root, the working directory or a given base. It is
 * first tried under RCU: no locks and no references, only sequence numbers. walk->seq is the
 * current dentry's number from when we arrived; a step finds the child in the hash, reads its
 * inode, and then checks both the child's and the parent's number, so that at that moment the child
 * was there and the parent was still where the walk came through. At the end the result gets its
 * references ("legitimised") and the number is checked once more.
 *
 * When the cache has no answer, or a file system must sleep, or a number changed, the walk leaves
 * RCU: it legitimises the place it is at and goes on with references (walk_unlazy). Where it holds
 * link texts that only RCU keeps alive, or the place has changed, it cannot, and -ECHILD_WALK makes
 * the caller start again from the beginning, with references from the first component on. That walk
 * waits for whatever it needs and gives the final answer.
 *
 * Symbolic links: the text of a link in the middle of a name is walked in place, the rest of the
 * name waits on a stack (entry with rest). The link at the very end keeps an entry without rest,
 * only to hold its text. So "is this the last component" means: nothing after it here and in no
 * waiting rest down to the first entry without one. A magic link (ops->follow) has no text: it
 * replaces the current place.
 *
 * Mounts: a dentry with D_MOUNTED may be covered in this mount; mount_seq tells whether the tree
 * changed while we looked.
 * ".." stops at the root of the process, or with LOOKUP_BENEATH fails there, and climbs over mount
 * roots.
 *
 * Errors are those of path_resolution(7): a component that is not a directory where one is needed
 * ENOTDIR, search permission EACCES, too long a component ENAMETOOLONG, more than 40 links ELOOP,
 * nothing there ENOENT.
 *
 * Each stage returns 0 or -errno; walk_take() also LINK: the component is a link to follow, its
 * text is in *text.
 */
#include "internal.h"
#include <stat.h>

enum { LINK = 1 };

/* ---- leaving RCU ---- */

/* References on mnt and dentry that were read under RCU. */
static bool legitimise(const struct walk *w, struct mount *mnt, struct dentry *d)
{
	if (!refcount_inc_not_zero(&mnt->refs))
		return false;
	if (!d_try_get(d)) {
		rcu_read_unlock();
		mount_put(mnt);
		rcu_read_lock();
		return false;
	}
	if (likely(!seq_read_retry(&mount_seq, w->mount_seq)))
		return true;
	rcu_read_unlock();
	d_put(d);
	mount_put(mnt);
	rcu_read_lock();
	return false;
}

static int legitimise_path(struct walk *w)
{
	if (!legitimise(w, w->path.mnt, w->path.dentry))
		return -ECHILD_WALK;
	if (likely(!seq_read_retry(&w->path.dentry->seq, w->seq)))
		return 0;
	rcu_read_unlock();
	path_put(&w->path);
	rcu_read_lock();
	return -ECHILD_WALK;
}

/* Go on from here with references. -ECHILD_WALK: not possible, still in RCU. */
static int walk_unlazy(struct walk *w)
{
	if (w->flags & LOOKUP_CACHED || w->depth > 0 || legitimise_path(w))
		return -ECHILD_WALK;
	if (!legitimise(w, w->root.mnt, w->root.dentry)) {
		rcu_read_unlock();
		path_put(&w->path);
		rcu_read_lock();
		return -ECHILD_WALK;
	}
	w->root_held = true;
	w->rcu = false;
	rcu_read_unlock();
	return 0;
}

static void links_drop(struct walk *w)
{
	while (w->depth > 0) {
		struct inode *i = w->stack[--w->depth].inode;

		if (i)
			inode_put(i);
	}
}

void walk_end(struct walk *w)
{
	if (w->rcu) {
		rcu_read_unlock();
		w->rcu = false;
		return;
	}
	links_drop(w);
	path_put(&w->path);
	if (w->root_held)
		path_put(&w->root);
}

/* ---- where a walk starts ---- */

static void start_rcu(struct walk *w, bool absolute)
{
	struct fs_context *fs = current->fs;
	bool scoped = w->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT);
	uint32_t s;

	rcu_read_lock();
	w->mount_seq = seq_read_begin(&mount_seq);
	do {
		s = seq_read_begin(&fs->seq);
		w->root = fs->root;
		w->path = w->base ? *w->base : fs->cwd;
	} while (seq_read_retry(&fs->seq, s));
	if (scoped)
		w->root = w->path;
	else if (absolute)
		w->path = w->root;
	w->seq = seq_read_begin(&w->path.dentry->seq);
	w->inode = READ_ONCE(w->path.dentry->inode);
}

static void start_ref(struct walk *w, bool absolute)
{
	bool scoped = w->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT);

	if (w->base) {
		w->path = *w->base;
		path_get(&w->path);
	} else {
		fs_get_cwd(&w->path);
	}
	if (scoped) {
		w->root = w->path;
		path_get(&w->root);
	} else {
		fs_get_root(&w->root);
		if (absolute) {
			path_put(&w->path);
			w->path = w->root;
			path_get(&w->path);
		}
	}
	w->root_held = true;
	w->inode = w->path.dentry->inode;
}

/* On failure nothing is held. */
static int walk_start(
	struct walk *w, const struct path *base, const char *name, unsigned flags, bool rcu)
{
	w->base = base;
	w->flags = flags;
	w->rcu = rcu;
	w->root_held = false;
	w->trailing = false;
	w->dotdot = false;
	w->depth = 0;
	w->links = 0;
	if (!*name && !(flags & LOOKUP_EMPTY))
		return -ENOENT;
	if (*name == '/' && (flags & LOOKUP_BENEATH))
		return -EXDEV;
	if (rcu)
		start_rcu(w, *name == '/');
	else
		start_ref(w, *name == '/');
	return 0;
}

/* ---- one step ---- */

void walk_step_drop(struct walk *w, struct step *n)
{
	if (w->rcu)
		return;
	d_put(n->dentry);
	if (n->mnt != w->path.mnt)
		mount_put(n->mnt);
}

void walk_commit(struct walk *w, struct step *n)
{
	if (!w->rcu) {
		d_put(w->path.dentry);
		if (n->mnt != w->path.mnt)
			mount_put(w->path.mnt);
	}
	w->path.mnt = n->mnt;
	w->path.dentry = n->dentry;
	w->inode = n->inode;
	w->seq = n->seq;
}

/* RCU: onto what is mounted at @n. */
static int cross_mounts_rcu(struct walk *w, struct step *n)
{
	struct mount *m;
	bool crossed = false;

	while ((READ_ONCE(n->dentry->flags) & D_MOUNTED) &&
		(m = mount_lookup_rcu(n->mnt, n->dentry)) != NULL) {
		n->mnt = m;
		n->dentry = m->root;
		n->seq = seq_read_begin(&n->dentry->seq);
		n->inode = READ_ONCE(n->dentry->inode);
		crossed = true;
	}
	if (seq_read_retry(&mount_seq, w->mount_seq))
		return -ECHILD_WALK;
	return crossed && (w->flags & LOOKUP_NO_XDEV) ? -EXDEV : 0;
}

/* The same with references. On failure @n is dropped. */
int walk_cross_mounts(struct walk *w, struct step *n)
{
	struct path p = {n->mnt, n->dentry};

	if (!(READ_ONCE(n->dentry->flags) & D_MOUNTED))
		return 0;
	if (n->mnt == w->path.mnt)
		mount_get(n->mnt);
	if (mount_follow(&p)) {
		if ((w->flags & LOOKUP_NO_XDEV) && p.mnt != w->path.mnt) {
			path_put(&p);
			return -EXDEV;
		}
		n->mnt = p.mnt;
		n->dentry = p.dentry;
		n->inode = p.dentry->inode;
	}
	if (n->mnt == w->path.mnt)
		mount_put(n->mnt);
	return 0;
}

static int step_rcu(struct walk *w, const struct qstr *q, struct step *n)
{
	struct dentry *d = d_lookup_rcu(w->path.dentry, q, &n->seq);
	uint32_t flags;

	if (unlikely(!d))
		return -ECHILD_WALK;
	n->mnt = w->path.mnt;
	n->dentry = d;
	n->inode = READ_ONCE(d->inode);
	flags = READ_ONCE(d->flags);
	if (unlikely(seq_read_retry(&d->seq, n->seq) ||
		     seq_read_retry(&w->path.dentry->seq, w->seq)))
		return -ECHILD_WALK;
	if (unlikely(flags & D_REVALIDATE) && n->inode->ops->revalidate(n->inode, true) <= 0)
		return -ECHILD_WALK;
	if (unlikely(flags & D_MOUNTED))
		return cross_mounts_rcu(w, n);
	return 0;
}

/* A cached dentry that its file system no longer stands by leaves the cache. */
static bool still_right(struct dentry *d)
{
	if (likely(!(READ_ONCE(d->flags) & D_REVALIDATE)) ||
		d->inode->ops->revalidate(d->inode, false) != 0)
		return true;
	d_prune(d);
	d_drop(d);
	return false;
}

int lookup_locked(struct dentry *parent, const struct qstr *q, struct dentry **out)
{
	struct inode *dir = parent->inode;
	struct dentry *d = d_lookup(parent, q);
	int err;

	if (d) {
		if (still_right(d)) {
			*out = d;
			return 0;
		}
		d_put(d);
	}
	if (dir->state & I_DEAD)
		return -ENOENT;
	if (!dir->ops->lookup)
		return -ENOTDIR;
	d = d_alloc(parent, q);
	if (!d)
		return -ENOMEM;
	err = dir->ops->lookup(dir, d);
	if (err) {
		d_put(d);
		return err;
	}
	*out = d;
	return 0;
}

int walk_step(struct walk *w, const struct qstr *q, struct step *n)
{
	struct dentry *parent = w->path.dentry;
	struct dentry *d = d_lookup(parent, q);
	int err;

	if (d && !still_right(d)) {
		d_put(d);
		d = NULL;
	}
	if (!d) {
		rwsem_write_lock(&w->inode->lock);
		err = lookup_locked(parent, q, &d);
		rwsem_write_unlock(&w->inode->lock);
		if (err)
			return err;
	}
	n->mnt = w->path.mnt;
	n->dentry = d;
	n->inode = d->inode;
	return walk_cross_mounts(w, n);
}

/* ---- ".." ---- */

static int up_rcu(struct walk *w, struct step *n)
{
	struct dentry *d = w->path.dentry;
	struct mount *m = w->path.mnt;

	while (d == m->root && !(d == w->root.dentry && m == w->root.mnt)) {
		if (m->parent == m)
			break;
		d = m->point;
		m = m->parent;
	}
	n->mnt = m;
	n->dentry = d;
	if (d != m->root && !(d == w->root.dentry && m == w->root.mnt)) {
		if (m->root != m->sb->root) /* a bind mount: may have been moved out of it, the slow
					       walk looks */
			return -ECHILD_WALK;
		n->dentry = READ_ONCE(d->parent);
		if (d == w->path.dentry && seq_read_retry(&d->seq, w->seq))
			return -ECHILD_WALK;
	}
	n->seq = seq_read_begin(&n->dentry->seq);
	n->inode = READ_ONCE(n->dentry->inode);
	if (!n->inode || seq_read_retry(&mount_seq, w->mount_seq))
		return -ECHILD_WALK;
	return cross_mounts_rcu(w, n);
}

/* @p is a referenced path; climbs from mount roots to what they cover. False: at the root, stay. */
static bool climb(struct walk *w, struct path *p)
{
	while (p->dentry == p->mnt->root) {
		struct path up;

		if (path_equal(p, &w->root))
			return false;
		mutex_lock(&mount_mutex);
		up = (struct path){p->mnt->parent, p->mnt->point};
		if (up.mnt == p->mnt || !up.dentry) {
			mutex_unlock(&mount_mutex);
			return false;
		}
		path_get(&up);
		mutex_unlock(&mount_mutex);
		path_put(p);
		*p = up;
	}
	return !path_equal(p, &w->root);
}

static int up_ref(struct walk *w, struct step *n)
{
	struct path p = w->path;
	struct dentry *parent;

	path_get(&p);
	if (climb(w, &p)) {
		if (p.mnt->root != p.mnt->sb->root && !d_is_below(p.dentry, p.mnt->root)) {
			path_put(&p);
			return -ENOENT;
		}
		parent = d_parent_get(p.dentry);
		d_put(p.dentry);
		p.dentry = parent;
	}
	n->mnt = p.mnt;
	n->dentry = p.dentry;
	n->inode = p.dentry->inode;
	if (n->mnt == w->path.mnt)
		mount_put(n->mnt); /* a step owns its mount only if it is another one */
	return walk_cross_mounts(w, n);
}

static int walk_up(struct walk *w)
{
	struct mount *was = w->path.mnt;
	struct step n;
	int err;

	w->dotdot = true;
	if ((w->flags & LOOKUP_BENEATH) && path_equal(&w->path, &w->root))
		return -EXDEV;
	if (w->rcu) {
		err = up_rcu(w, &n);
		if (err == -ECHILD_WALK)
			err = walk_unlazy(w);
		else if (!err)
			goto there;
		if (err)
			return err;
	}
	err = up_ref(w, &n);
	if (err)
		return err;
there:
	if ((w->flags & LOOKUP_NO_XDEV) && n.mnt != was) {
		walk_step_drop(w, &n);
		return -EXDEV;
	}
	walk_commit(w, &n);
	return 0;
}

/* ---- symbolic links ---- */

static int jump_root(struct walk *w)
{
	if (w->flags & LOOKUP_BENEATH)
		return -EXDEV;
	if ((w->flags & LOOKUP_NO_XDEV) && w->root.mnt != w->path.mnt)
		return -EXDEV;
	if (!w->rcu) {
		path_get(&w->root);
		path_put(&w->path);
	}
	w->path = w->root;
	if (w->rcu)
		w->seq = seq_read_begin(&w->path.dentry->seq);
	w->inode = READ_ONCE(w->path.dentry->inode);
	return w->inode ? 0 : -ECHILD_WALK;
}

/* /proc/self/fd/N and its like: be there at once. References only; @n is consumed. */
static int follow_magic(struct walk *w, struct step *n, const char **text)
{
	struct path p;
	int err = w->flags & LOOKUP_NO_MAGIC ? -ELOOP : 0;

	if (!err && (w->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT)))
		err = -EXDEV;
	if (!err)
		err = n->inode->ops->follow(n->inode, &p);
	walk_step_drop(w, n);
	if (err)
		return err;
	if ((w->flags & LOOKUP_NO_XDEV) && p.mnt != w->path.mnt) {
		path_put(&p);
		return -EXDEV;
	}
	path_put(&w->path);
	w->path = p;
	w->inode = p.dentry->inode;
	*text = "";
	return 0;
}

static int link_allowed(struct walk *w, const struct step *n)
{
	if (w->links >= MAX_LINKS || w->depth >= MAX_LINKS)
		return -ELOOP;
	if ((w->flags & LOOKUP_NO_SYMLINKS) || (n->mnt->flags & MS_NOSYMFOLLOW))
		return -ELOOP;
	w->links++;
	return 0;
}

int walk_link(struct walk *w, struct step *n, const char *rest, const char **text)
{
	struct inode *i = n->inode;
	const char *t;
	int err = link_allowed(w, n);

	if (err) {
		walk_step_drop(w, n);
		return err;
	}
	if (i->ops->follow) {
		if (w->rcu)
			return -ECHILD_WALK;
		w->stack[w->depth++] = (struct walk_link){rest, NULL};
		return follow_magic(w, n, text);
	}
	t = i->ops->get_link ? i->ops->get_link(i, w->rcu, &err) : NULL;
	if (!t) {
		walk_step_drop(w, n);
		return err ? err : -EINVAL;
	}
	if (!w->rcu) {
		struct path at = {n->mnt, n->dentry};

		path_touch_atime(&at, i);
		inode_get(i);
		walk_step_drop(w, n);
	}
	w->stack[w->depth++] = (struct walk_link){rest, w->rcu ? NULL : i};
	if (!*t)
		return -ENOENT;
	*text = t;
	return *t == '/' ? jump_root(w) : 0;
}

/* ---- the driver ---- */

/* Take one component. @follow: through a link at it. @rest: what waits behind it, NULL at the end
 * of the name. */
static int walk_take(
	struct walk *w, const struct qstr *q, bool follow, const char *rest, const char **text)
{
	struct step n;
	int err;

	if (likely(w->rcu)) {
		err = step_rcu(w, q, &n);
		if (unlikely(err == -ECHILD_WALK)) {
			err = walk_unlazy(w);
			if (!err)
				err = walk_step(w, q, &n);
		}
	} else {
		err = walk_step(w, q, &n);
	}
	if (unlikely(err))
		return err;
	if (unlikely(!n.inode)) {
		walk_step_drop(w, &n);
		return -ENOENT;
	}
	if (unlikely(d_is_symlink(n.dentry)) && follow) {
		err = walk_link(w, &n, rest, text);
		return err ? err : LINK;
	}
	walk_commit(w, &n);
	return 0;
}

/* May the current directory be searched? */
static int walk_may_search(struct walk *w)
{
	struct inode *i = w->inode;
	int err;

	if (unlikely(!d_is_dir(w->path.dentry)))
		return -ENOTDIR;
	if (likely(!i->ops->permission && (i->mode & 0111) == 0111))
		return 0;
	err = inode_permission(i, MAY_EXEC, w->rcu);
	if (err == -ECHILD_WALK) {
		err = walk_unlazy(w);
		if (!err)
			err = inode_permission(i, MAY_EXEC, false);
	}
	return err;
}

/* Nothing waits behind the current text up to the link that ends the name. */
static bool nothing_waits(const struct walk *w)
{
	for (unsigned k = w->depth; k-- > 0 && w->stack[k].rest;)
		if (*w->stack[k].rest)
			return false;
	return true;
}

static const char *link_pop(struct walk *w)
{
	struct walk_link *l = &w->stack[--w->depth];

	if (l->inode)
		inode_put(l->inode);
	return l->rest;
}

static uint8_t component_type(const char *s, uint32_t len)
{
	if (likely(s[0] != '.') || len > 2)
		return LAST_NAME;
	if (len == 1)
		return LAST_DOT;
	return s[1] == '.' ? LAST_DOTDOT : LAST_NAME;
}

/* Take @w->last, which is not the end of the name; *s is what follows and becomes what is walked
 * next. */
static int walk_middle(struct walk *w, const char **s)
{
	const char *text = NULL;
	int err;

	if (w->last_type == LAST_DOT)
		return 0;
	if (w->last_type == LAST_DOTDOT)
		return walk_up(w);
	err = walk_take(w, &w->last, true, *s, &text);
	if (err != LINK)
		return err;
	*s = text;
	return 0;
}

/* Walk @s up to its last component, which is left in w->last. */
int walk_names(struct walk *w, const char *s)
{
	for (;;) {
		const char *start;
		int err;

		while (*s == '/')
			s++;
		if (!*s) {
			if (w->depth > 0 && w->stack[w->depth - 1].rest) {
				s = link_pop(w);
				continue;
			}
			w->last_type = LAST_NONE;
			return 0;
		}
		err = walk_may_search(w);
		if (unlikely(err))
			return err;
		start = s;
		while (*s && *s != '/')
			s++;
		if (unlikely(s - start > NAME_MAX))
			return -ENAMETOOLONG;
		w->last.name = start;
		w->last.len = (uint32_t)(s - start);
		w->last_type = component_type(start, w->last.len);
		if (w->last_type == LAST_NAME)
			w->last.hash = d_hash_name(w->path.dentry, start, w->last.len);
		start = s;
		while (*s == '/')
			s++;
		if (!*s && nothing_waits(w)) {
			w->trailing |= s != start;
			return 0;
		}
		err = walk_middle(w, &s);
		if (unlikely(err))
			return err;
	}
}

/* From the parent, where walk_names() stopped, to the object. */
static int walk_last(struct walk *w)
{
	const char *text = NULL;
	int err;

	for (;;) {
		if (w->last_type == LAST_NONE || w->last_type == LAST_DOT)
			err = 0;
		else if (w->last_type == LAST_DOTDOT)
			err = walk_up(w);
		else
			err = walk_take(w, &w->last, (w->flags & LOOKUP_FOLLOW) || w->trailing,
				NULL, &text);
		if (err != LINK)
			break;
		err = walk_names(w, text);
		if (err)
			break;
	}
	if (!err && ((w->flags & LOOKUP_DIRECTORY) || w->trailing) && !d_is_dir(w->path.dentry))
		err = -ENOTDIR;
	return err;
}

/* Was the result led out of its scope by a rename meanwhile? */
static bool out_of_scope(const struct walk *w)
{
	const struct mount *m = w->path.mnt;
	const struct dentry *d = w->path.dentry;
	bool out = false;

	if (!w->dotdot || !(w->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT)))
		return false;
	mutex_lock(&mount_mutex);
	while (m != w->root.mnt && m->parent != m && m->point) {
		d = m->point;
		m = m->parent;
	}
	out = m != w->root.mnt || !d_is_below(d, w->root.dentry);
	mutex_unlock(&mount_mutex);
	return out;
}

static int lookup_once(
	const struct path *base, const char *name, unsigned flags, struct path *out, bool rcu)
{
	struct walk w VFS_UNINIT;
	int err = walk_start(&w, base, name, flags, rcu);

	if (err)
		return err;
	err = walk_names(&w, name);
	if (!err && !(flags & LOOKUP_PARENT))
		err = walk_last(&w);
	if (!err && w.rcu) {
		err = legitimise_path(&w);
		if (!err)
			*out = w.path;
	} else if (!err && out_of_scope(&w)) {
		err = -EXDEV;
	} else if (!err) {
		*out = w.path;
		path_get(out);
	}
	walk_end(&w);
	return err;
}

int path_lookup(const struct path *base, const char *name, unsigned flags, struct path *out)
{
	/* with a scope, what ".." passes must be checked at the end, with references */
	bool scoped = flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT);
	int err = scoped ? -ECHILD_WALK : lookup_once(base, name, flags, out, true);

	if (unlikely(err == -ECHILD_WALK))
		err = flags & LOOKUP_CACHED ? -EAGAIN : lookup_once(base, name, flags, out, false);
	return err;
}

int walk_parent(struct walk *w, const struct path *base, const char *name, unsigned flags)
{
	bool scoped = flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT);
	int err = walk_start(w, base, name, flags, !scoped);

	if (err)
		return err;
	err = walk_names(w, name);
	if (!err && w->rcu)
		err = walk_unlazy(w);
	if (!err)
		return 0;
	walk_end(w);
	if (err != -ECHILD_WALK)
		return err;
	err = walk_start(w, base, name, flags, false);
	if (err)
		return err;
	err = walk_names(w, name);
	if (err)
		walk_end(w);
	return err;
}

int path_parent(const struct path *base, const char *name, unsigned flags, struct parent *out)
{
	struct walk w VFS_UNINIT;
	int err = walk_parent(&w, base, name, flags);

	if (err)
		return err;
	out->path = w.path;
	path_get(&out->path);
	out->last = w.last;
	out->type = w.last_type;
	out->trailing = w.trailing;
	walk_end(&w);
	return 0;
}

void path_get(const struct path *p)
{
	mount_get(p->mnt);
	d_get(p->dentry);
}

void path_put(const struct path *p)
{
	d_put(p->dentry);
	mount_put(p->mnt);
}

void path_put_unused(const struct path *p)
{
	d_put(p->dentry);
	mount_put_unused(p->mnt);
}
