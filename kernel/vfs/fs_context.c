/*
 * fs_context.c - a process's root, working directory and umask; absolute names of paths.
 *
 * Does not: walk names. Readers under RCU use fs->seq; others copy under fs->lock and take
 * references. All contexts are on one list, so that pivot_root(2) can move those that stand on the
 * old root.
 */
#include "internal.h"
#include <stat.h>

static struct spinlock contexts_lock;
static LIST_HEAD(contexts); /* contexts_lock */

static void context_add(struct fs_context *f)
{
	spin_lock(&contexts_lock);
	list_add_tail(&f->node, &contexts);
	spin_unlock(&contexts_lock);
}

static struct fs_context *context_alloc(void)
{
	struct fs_context *f = kzalloc(sizeof(*f));

	if (!f)
		return NULL;
	refcount_set(&f->refs, 1);
	spin_init(&f->lock);
	list_init(&f->node);
	f->umask = 022;
	return f;
}

struct fs_context *fs_context_copy(struct fs_context *from)
{
	struct fs_context *f = context_alloc();

	if (!f)
		return NULL;
	spin_lock(&from->lock);
	f->root = from->root;
	f->cwd = from->cwd;
	f->umask = from->umask;
	f->ns = from->ns;
	path_get(&f->root);
	path_get(&f->cwd);
	spin_unlock(&from->lock);
	refcount_inc(&f->ns->refs);
	context_add(f);
	return f;
}

void fs_context_put(struct fs_context *f)
{
	if (!refcount_dec(&f->refs))
		return;
	spin_lock(&contexts_lock);
	list_del(&f->node);
	spin_unlock(&contexts_lock);
	path_put(&f->root);
	path_put(&f->cwd);
	mount_ns_put(f->ns);
	kfree(f);
}

int fs_context_boot(struct mount *root, struct mount_ns *ns)
{
	struct fs_context *f = context_alloc();

	if (!f)
		return -ENOMEM;
	f->ns = ns;
	refcount_inc(&ns->refs); /* the kernel's own: the first namespace stays */
	f->root = f->cwd = (struct path){root, root->root};
	path_get(&f->root);
	path_get(&f->cwd);
	context_add(f);
	current->fs = f;
	return 0;
}

void fs_get_root(struct path *out)
{
	struct fs_context *f = current->fs;

	spin_lock(&f->lock);
	*out = f->root;
	path_get(out);
	spin_unlock(&f->lock);
}

void fs_get_cwd(struct path *out)
{
	struct fs_context *f = current->fs;

	spin_lock(&f->lock);
	*out = f->cwd;
	path_get(out);
	spin_unlock(&f->lock);
}

static int may_enter(const struct path *p)
{
	if (!d_is_dir(p->dentry))
		return -ENOTDIR;
	return inode_permission(p->dentry->inode, MAY_EXEC, false);
}

/* Returns the replaced path, whose reference is the caller's. */
static struct path path_replace(struct fs_context *f, struct path *which, const struct path *p)
{
	struct path old;

	path_get(p);
	spin_lock(&f->lock);
	old = *which;
	seq_write_begin(&f->seq);
	*which = *p;
	seq_write_end(&f->seq);
	spin_unlock(&f->lock);
	return old;
}

int fs_set_cwd(const struct path *p)
{
	struct path old;
	int err = may_enter(p);

	if (err)
		return err;
	old = path_replace(current->fs, &current->fs->cwd, p);
	path_put(&old);
	return 0;
}

int fs_set_root(const struct path *p)
{
	struct path old;
	int err = may_enter(p);

	if (err)
		return err;
	if (!capable(CAP_SYS_CHROOT))
		return -EPERM;
	old = path_replace(current->fs, &current->fs->root, p);
	path_put(&old);
	return 0;
}

/* contexts_lock held; the new references were taken, the old ones are to be dropped after it:
 * counted in *moved. */
static void move_one(struct fs_context *f, struct path *which, const struct path *from,
	const struct path *to, unsigned *moved)
{
	if (!path_equal(which, from))
		return;
	path_get(to);
	seq_write_begin(&f->seq);
	*which = *to;
	seq_write_end(&f->seq);
	(*moved)++;
}

void fs_contexts_move(const struct path *from, const struct path *to)
{
	struct fs_context *f;
	unsigned moved = 0;

	spin_lock(&contexts_lock);
	list_for_each_entry (f, &contexts, node) {
		spin_lock(&f->lock);
		move_one(f, &f->root, from, to, &moved);
		move_one(f, &f->cwd, from, to, &moved);
		spin_unlock(&f->lock);
	}
	spin_unlock(&contexts_lock);
	while (moved-- > 0)
		path_put(from);
}

void fs_context_init(void)
{
	spin_init(&contexts_lock);
}

/* ---- names ---- */

static bool prepend(char **at, const char *low, const char *s, size_t n)
{
	if ((size_t)(*at - low) < n)
		return false;
	*at -= n;
	memcpy(*at, s, n);
	return true;
}

/* A name that a rename may be changing: up to its NUL, which is always there. */
static bool prepend_name(char **at, const char *low, const struct dentry *d)
{
	const char *s = READ_ONCE(d->name.name);

	return prepend(at, low, s, strnlen(s, NAME_MAX)) && prepend(at, low, "/", 1);
}

/* Under RCU; checked by the caller's sequence numbers. False: does not fit. */
static bool build_name(
	const struct path *p, const struct path *root, char **at, const char *low, bool *reached)
{
	const struct dentry *d = p->dentry;
	const struct mount *m = p->mnt;

	*reached = true;
	while (!(d == root->dentry && m == root->mnt)) {
		if (d == m->root || d->parent == d) {
			const struct mount *up = READ_ONCE(m->parent);
			const struct dentry *point = READ_ONCE(m->point);

			if (up == m || !point || d != m->root) {
				*reached = !m->ns && !m->detached; /* the kernel's own mounts have
								      no other place */
				return true;
			}
			d = point;
			m = up;
			continue;
		}
		if (!prepend_name(at, low, d))
			return false;
		d = READ_ONCE(d->parent);
	}
	return true;
}

char *path_name(const struct path *p, const struct path *root, char *buf, size_t size)
{
	static const struct seqcount constant; /* a given root does not change */
	const struct seqcount *root_seq = root ? &constant : &current->fs->seq;
	char *at;
	bool reached;
	bool ok;

	if (sb_is_anon(p->mnt->sb))
		return anon_path_name(p->dentry, buf, size);
	for (;;) {
		uint32_t rs = seq_read_begin(&rename_seq);
		uint32_t ms = seq_read_begin(&mount_seq);
		uint32_t fs = seq_read_begin(root_seq);
		struct path from;

		rcu_read_lock();
		from = root ? *root : current->fs->root;
		at = buf + size;
		ok = prepend(&at, buf, "", 1);
		if (ok && d_unlinked(p->dentry))
			ok = prepend(&at, buf, " (deleted)", 10);
		ok = ok && build_name(p, &from, &at, buf, &reached);
		rcu_read_unlock();
		if (!seq_read_retry(&rename_seq, rs) && !seq_read_retry(&mount_seq, ms) &&
			!seq_read_retry(root_seq, fs))
			break;
	}
	if (ok && *at != '/')
		ok = prepend(&at, buf, "/", 1);
	if (ok && !reached)
		ok = prepend(&at, buf, "(unreachable)", 13);
	return ok ? at : NULL;
}

char *dentry_name(const struct dentry *d, char *buf, size_t size)
{
	const struct dentry *k;
	char *at;
	uint32_t rs;
	bool ok;

	do {
		rs = seq_read_begin(&rename_seq);
		rcu_read_lock();
		at = buf + size;
		ok = prepend(&at, buf, "", 1);
		if (ok && d_unlinked(d))
			ok = prepend(&at, buf, "//deleted", 9);
		for (k = d; ok && READ_ONCE(k->parent) != k; k = READ_ONCE(k->parent))
			ok = prepend_name(&at, buf, k);
		rcu_read_unlock();
	} while (seq_read_retry(&rename_seq, rs));
	if (ok && *at != '/')
		ok = prepend(&at, buf, "/", 1);
	return ok ? at : NULL;
}
