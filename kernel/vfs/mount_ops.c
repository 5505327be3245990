/*
 * mount_ops.c - mount(2), umount(2), pivot_root(2): checks and order of work; the tree itself is
 * mount.c's, who else gets a mount propagate.c's.
 */
#include "mount.h"
#include <stat.h>

static int may_mount(void)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	return policy_sys(current->cred, POLICY_MOUNT);
}

static bool is_mount_root(const struct path *p)
{
	return p->dentry == p->mnt->root;
}

static bool is_ours(const struct path *p)
{
	return p->mnt->ns && p->mnt->ns == current->fs->ns;
}

/* Attach @m, new or moved, to @at, on which nothing is mounted. mount_mutex is held. */
static int attach(struct mount *m, const struct path *at, struct list_head *gone)
{
	if (!is_ours(at))
		return -EINVAL;
	if (d_is_dir(at->dentry) != d_is_dir(m->root))
		return -ENOTDIR;
	if (m->sb->bdev && is_mount_root(at) && at->mnt->sb == m->sb)
		return -EBUSY; /* the disk that is there already */
	return mount_graft(m, at, gone);
}

/* Attach @m, with its one reference, on top of whatever is mounted at @at. On failure it is
 * dropped. */
static int attach_new(struct mount *m, const struct path *at)
{
	struct path top = *at;
	LIST_HEAD(gone);
	int err;

	path_get(&top);
	mutex_lock(&mount_mutex);
	mount_follow(&top);
	err = attach(m, &top, &gone);
	if (err)
		mount_drop(m, &gone);
	mutex_unlock(&mount_mutex);
	mounts_release(&gone);
	path_put(&top);
	return err;
}

int vfs_mount(const char *source, const struct path *at, const char *type, unsigned flags,
	const char *options)
{
	struct super *sb;
	struct mount *m;
	int err = may_mount();

	if (err)
		return err;
	err = super_open(source, type, flags, options, &sb);
	if (err)
		return err;
	m = mount_create(sb, sb->root, source, flags);
	if (!m) {
		super_put(sb);
		return -ENOMEM;
	}
	return attach_new(m, at);
}

/* A mount of which no file is open for writing becomes read-only; with mount_mutex. */
static int mount_forbid_writers(struct mount *m)
{
	uint32_t was = m->flags;

	if (was & MS_RDONLY)
		return 0;
	if (atomic_read(&m->writers))
		return -EBUSY;
	WRITE_ONCE(m->flags, was | MS_RDONLY);
	smp_mb(); /* writer_begin() */
	if (!atomic_read(&m->writers))
		return 0;
	WRITE_ONCE(m->flags, was);
	return -EBUSY;
}

int vfs_remount(const struct path *at, unsigned flags, const char *options)
{
	struct mount *m = at->mnt;
	unsigned mount_flags = flags & MS_OF_MOUNT;
	int err = may_mount();

	if (err)
		return err;
	if (!is_mount_root(at))
		return -EINVAL;
	mutex_lock(&mount_mutex);
	if (flags & MS_BIND)
		err = mount_flags & MS_RDONLY ? mount_forbid_writers(m) : 0;
	else
		err = super_remount(m->sb, flags & MS_OF_SUPER, options);
	if (!err) {
		if (!(mount_flags & (MS_NOATIME | MS_STRICTATIME)))
			mount_flags |= MS_RELATIME;
		WRITE_ONCE(m->flags, mount_flags);
	}
	mutex_unlock(&mount_mutex);
	return err;
}

int vfs_bind_mount(const struct path *from, const struct path *at, bool recursive)
{
	struct path top = *at;
	LIST_HEAD(gone);
	struct mount *m;
	int err = may_mount();

	if (err)
		return err;
	path_get(&top);
	mutex_lock(&mount_mutex);
	mount_follow(&top);
	if (!is_ours(from) || from->mnt->unbindable)
		err = -EINVAL;
	else
		err = mount_copy(from->mnt, from->dentry, recursive ? COPY_TREE : 0, &m, &gone);
	if (!err) {
		if (!is_ours(&top))
			err = -EINVAL;
		else if (d_is_dir(top.dentry) != d_is_dir(m->root))
			err = -ENOTDIR;
		else
			err = mount_graft(m, &top, &gone);
		if (err)
			mount_drop(m, &gone);
	}
	mutex_unlock(&mount_mutex);
	mounts_release(&gone);
	path_put(&top);
	return err;
}

static bool any_unbindable(struct mount *top)
{
	struct mount *m;

	for (m = top; m; m = mount_next(m, top))
		if (m->unbindable)
			return true;
	return false;
}

/* mount_namespaces(7) and sharedsubtree: what must not be moved, and where to. */
static int check_move(struct mount *m, const struct path *to)
{
	if (!is_ours(to) || m->ns != to->mnt->ns)
		return -EINVAL;
	if (d_is_dir(m->root) != d_is_dir(to->dentry))
		return -EINVAL;
	if (m->parent->group || (to->mnt->group && any_unbindable(m)))
		return -EINVAL;
	if (mount_is_below(to->mnt, m))
		return -ELOOP;
	return m->parent == m ? -EINVAL : 0;
}

int vfs_move_mount(const struct path *from, const struct path *at)
{
	struct path to = *at;
	LIST_HEAD(gone);
	int err = may_mount();

	if (err)
		return err;
	path_get(&to);
	mutex_lock(&mount_mutex);
	mount_follow(&to);
	err = is_mount_root(from) ? check_move(from->mnt, &to) : -EINVAL;
	if (!err)
		err = mount_graft(from->mnt, &to, &gone);
	mutex_unlock(&mount_mutex);
	mounts_release(&gone);
	path_put(&to);
	return err;
}

int vfs_set_propagation(const struct path *at, unsigned kind, bool recursive)
{
	struct mount *top = at->mnt;
	LIST_HEAD(fresh);
	struct mount *m;
	int err = may_mount();

	if (err)
		return err;
	if (!is_mount_root(at))
		return -EINVAL;
	mutex_lock(&mount_mutex);
	if (!is_ours(at))
		err = -EINVAL;
	else if (kind == MS_SHARED)
		err = share_tree(top, recursive, &fresh);
	for (m = top; m && !err; m = recursive ? mount_next(m, top) : NULL)
		propagation_set(m, kind);
	share_end(&fresh, true);
	mutex_unlock(&mount_mutex);
	return err;
}

enum { UMOUNT_FORCE = 1, UMOUNT_DETACH = 2, UMOUNT_EXPIRE = 4, UMOUNT_NOFOLLOW = 8 };

/* umount2(2), MNT_EXPIRE: the first call marks a mount that nobody uses, the next one after which
 * it was not used takes it away. */
static int expire_locked(struct mount *m)
{
	if (!list_empty(&m->children) || refcount_read(&m->refs) > 2)
		return -EBUSY;
	if (READ_ONCE(m->expiring))
		return 0;
	WRITE_ONCE(m->expiring, true);
	return -EAGAIN;
}

static int umount_locked(struct mount *m, unsigned flags, struct list_head *gone)
{
	LIST_HEAD(set);

	if (!m->ns || m->ns != current->fs->ns)
		return -EINVAL;
	if (flags & UMOUNT_EXPIRE) {
		int err = m == current->fs->root.mnt ? -EINVAL : expire_locked(m);

		if (err)
			return err;
	}
	if (m->parent == m) /* the root stays, but goes read-only, as at shutdown */
		return flags & UMOUNT_DETACH ? -EBUSY
					     : super_remount(m->sb, m->sb->flags | MS_RDONLY, NULL);
	if (!(flags & UMOUNT_DETACH) && !list_empty(&m->children))
		return -EBUSY;
	mount_set_add(&set, m, flags & UMOUNT_DETACH);
	propagate_umount(&set);
	if (flags & UMOUNT_DETACH)
		mounts_detach(&set, gone);
	else if (!mounts_detach_unused(&set, m, gone))
		return -EBUSY;
	return 0;
}

int vfs_umount(const struct path *at, unsigned flags)
{
	LIST_HEAD(gone);
	int err = may_mount();

	if (err)
		return err;
	if (!is_mount_root(at) ||
		flags & ~(unsigned)(UMOUNT_FORCE | UMOUNT_DETACH | UMOUNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	mutex_lock(&mount_mutex);
	err = umount_locked(at->mnt, flags, &gone);
	mutex_unlock(&mount_mutex);
	mounts_release(&gone);
	return err;
}

/* pivot_root(2), ERRORS */
static int check_pivot(
	const struct path *root, const struct path *new_root, const struct path *put_old)
{
	const struct mount *above = root->mnt->parent;

	if (!is_ours(new_root) || !is_ours(root) || put_old->mnt->group ||
		new_root->mnt->parent->group || (above != root->mnt && above->group))
		return -EINVAL;
	if (d_unlinked(new_root->dentry) || d_unlinked(put_old->dentry))
		return -ENOENT;
	if (new_root->mnt == root->mnt || put_old->mnt == root->mnt)
		return -EBUSY;
	if (!is_mount_root(root) || !is_mount_root(new_root) ||
		new_root->mnt->parent == new_root->mnt)
		return -EINVAL;
	if (!mount_is_below(put_old->mnt, new_root->mnt) ||
		!mount_is_below(new_root->mnt, root->mnt))
		return -EINVAL;
	return 0;
}

int vfs_pivot_root(const struct path *new_root, const struct path *put_old)
{
	struct path root;
	struct path was = {0};
	int err = may_mount();

	if (err)
		return err;
	if (!d_is_dir(new_root->dentry) || !d_is_dir(put_old->dentry))
		return -ENOTDIR;
	fs_get_root(&root);
	mutex_lock(&mount_mutex);
	err = check_pivot(&root, new_root, put_old);
	if (!err) {
		was = root;
		mount_swap_root(new_root->mnt, root.mnt, put_old);
	}
	mutex_unlock(&mount_mutex);
	if (!err)
		fs_contexts_move(&was, new_root);
	path_put(&root);
	return err;
}

int vfs_mount_root(const char *source, const char *type, unsigned flags)
{
	struct mount_ns *ns;
	struct super *sb;
	struct mount *m;
	int err = super_open(source, type, flags, NULL, &sb);

	if (err)
		return err;
	m = mount_create(sb, sb->root, source, flags);
	if (!m) {
		super_put(sb);
		return -ENOMEM;
	}
	ns = mount_ns_create();
	if (!ns) {
		mount_put(m);
		return -ENOMEM;
	}
	mutex_lock(&mount_mutex);
	ns->root = m;
	ns->nr_mounts = 1;
	mount_ns_enter(m, ns);
	mutex_unlock(&mount_mutex);
	err = fs_context_boot(m, ns);
	if (err)
		mount_ns_put(ns);
	return err;
}

int vfs_for_each_mount(struct fs_context *fs,
	int (*fn)(struct mount *m, const struct path *root, void *arg), void *arg)
{
	struct mount_ns *ns;
	struct path root;
	struct mount *m;
	int r = 0;

	spin_lock(&fs->lock);
	ns = fs->ns;
	refcount_inc(&ns->refs);
	root = fs->root;
	path_get(&root);
	spin_unlock(&fs->lock);
	mutex_lock(&mount_mutex);
	list_for_each_entry (m, &ns->mounts, ns_node) {
		if (!mount_is_below(m, root.mnt))
			continue;
		r = fn(m, &root, arg);
		if (r)
			break;
	}
	mutex_unlock(&mount_mutex);
	path_put(&root);
	mount_ns_put(ns);
	return r;
}

struct mount *vfs_kernel_mount(const char *type, const char *options)
{
	struct super *sb;
	struct mount *m;

	if (super_open(NULL, type, 0, options, &sb))
		return NULL;
	m = mount_create(sb, sb->root, type, 0);
	if (!m)
		super_put(sb);
	return m;
}
