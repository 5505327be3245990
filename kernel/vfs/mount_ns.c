/*
 * mount_ns.c - mount namespaces: each a mount tree of its own; who is in one holds it.
 *
 * A new one begins as a copy of the maker's: shared mounts are peers of the originals, slaves have
 * the same masters, unbindable ones are copied too (mount_namespaces(7)). Root and working
 * directory of the maker move to the same places of the copy. With the last process the tree is
 * unmounted without telling its peers. Does not: enter another one (setns).
 *
 * The first namespace is held by the kernel for ever.
 */
#include "mount.h"

#define FIRST_ID 4026531840u /* /proc/PID/ns/mnt: as Linux numbers its first one */

struct mount_ns *mount_ns_create(void)
{
	static uint32_t made;
	struct mount_ns *ns = kzalloc(sizeof(*ns));

	if (!ns)
		return NULL;
	refcount_set(&ns->refs, 1);
	ns->id = FIRST_ID + __atomic_fetch_add(&made, 1, __ATOMIC_RELAXED);
	list_init(&ns->mounts);
	wait_queue_init(&ns->changed);
	return ns;
}

void mount_ns_put(struct mount_ns *ns)
{
	LIST_HEAD(gone);

	if (!refcount_dec(&ns->refs))
		return;
	if (ns->root) {
		mutex_lock(&mount_mutex);
		mount_drop(ns->root, &gone);
		mutex_unlock(&mount_mutex);
		mounts_release(&gone);
	}
	kfree(ns);
}

/* The mount of the tree at @copy that stands where @m stands in the one at @from; NULL: none. */
static struct mount *counterpart(const struct mount *m, struct mount *from, struct mount *copy)
{
	struct mount *a = from;
	struct mount *b = copy;

	while (a && a != m) {
		a = mount_next(a, from);
		b = mount_next(b, copy);
	}
	return a ? b : NULL;
}

/* Where @p is in the copy, referenced; as it was if it lies in no tree. */
static struct path carried(const struct path *p, struct mount *from, struct mount *copy)
{
	struct mount *m = counterpart(p->mnt, from, copy);
	struct path out = {m ? m : p->mnt, p->dentry};

	path_get(&out);
	return out;
}

/* mount_mutex is held. */
static int copy_into(struct mount_ns *ns, struct fs_context *f, struct list_head *gone)
{
	struct mount *from = f->ns->root;
	struct path old[2] = {f->root, f->cwd};
	struct path to[2];
	int err = mount_copy(from, from->root, COPY_TREE | COPY_UNBINDABLE, &ns->root, gone);

	if (err)
		return err;
	ns->nr_mounts = mount_count(ns->root);
	mount_ns_enter(ns->root, ns);
	to[0] = carried(&f->root, from, ns->root);
	to[1] = carried(&f->cwd, from, ns->root);
	spin_lock(&f->lock);
	seq_write_begin(&f->seq);
	f->root = to[0];
	f->cwd = to[1];
	seq_write_end(&f->seq);
	f->ns = ns;
	spin_unlock(&f->lock);
	path_put(&old[0]); /* not the last references: the mounts are in a tree or held by more */
	path_put(&old[1]);
	return 0;
}

int fs_context_unshare_mounts(struct fs_context *f)
{
	struct mount_ns *old = f->ns;
	struct mount_ns *ns;
	LIST_HEAD(gone);
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	ns = mount_ns_create();
	if (!ns)
		return -ENOMEM;
	mutex_lock(&mount_mutex);
	err = copy_into(ns, f, &gone);
	mutex_unlock(&mount_mutex);
	mounts_release(&gone);
	mount_ns_put(err ? ns : old);
	return err;
}
