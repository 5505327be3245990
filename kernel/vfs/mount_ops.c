/*
 * mount_ops.c - mount(2), umount(2), pivot_root(2): checks and order of work; the tree itself is
 * mount.c's.
 *
 * Does not: propagate mounts between trees: every mount is private.
 */
#include "internal.h"
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
	err = mount_attach(m, &top);
	if (err)
		mount_detach_tree(m, &gone);
	mutex_unlock(&mount_mutex);
	mounts_release(&gone);
	path_put(&top);
	return err;
}

int vfs_mount(const char *source, const struct path *at, const char *type, unsigned flags,
	const char *options)
{
	const unsigned propagation = MS_SHARED | MS_SLAVE | MS_PRIVATE | MS_UNBINDABLE;
	struct super *sb;
	struct mount *m;
	int err = may_mount();

	if (err)
		return err;
	if (flags & propagation) /* all mounts are private */
		return is_mount_root(at) && (flags & propagation) == MS_PRIVATE ? 0 : -EINVAL;
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
	if (!(flags & MS_BIND))
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
	struct mount *m;
	int err = may_mount();

	if (err)
		return err;
	mutex_lock(&mount_mutex);
	err = from->mnt->ns ? mount_copy_tree(from, recursive, &m) : -EINVAL;
	mutex_unlock(&mount_mutex);
	return err ? err : attach_new(m, at);
}

int vfs_move_mount(const struct path *from, const struct path *at)
{
	struct path to = *at;
	int err = may_mount();

	if (err)
		return err;
	path_get(&to);
	mutex_lock(&mount_mutex);
	mount_follow(&to);
	if (!is_mount_root(from) || from->mnt->parent == from->mnt || !to.mnt->ns)
		err = -EINVAL;
	else if (d_is_dir(from->dentry) != d_is_dir(to.dentry))
		err = -ENOTDIR;
	else if (mount_is_below(to.mnt, from->mnt))
		err = -ELOOP;
	else if (d_unlinked(to.dentry))
		err = -ENOENT;
	else
		mount_move(from->mnt, &to);
	mutex_unlock(&mount_mutex);
	path_put(&to);
	return err;
}

enum { UMOUNT_FORCE = 1, UMOUNT_DETACH = 2, UMOUNT_EXPIRE = 4, UMOUNT_NOFOLLOW = 8 };

int vfs_umount(const struct path *at, unsigned flags)
{
	struct mount *m = at->mnt;
	LIST_HEAD(gone);
	int err = may_mount();

	if (err)
		return err;
	if (!is_mount_root(at) ||
		flags & ~(unsigned)(UMOUNT_FORCE | UMOUNT_DETACH | UMOUNT_NOFOLLOW))
		return -EINVAL;
	mutex_lock(&mount_mutex);
	if (!m->ns) {
		err = -EINVAL;
	} else if (m->parent == m) { /* the root stays, but goes read-only, as at shutdown */
		err = flags & UMOUNT_DETACH ? -EBUSY
					    : super_remount(m->sb, m->sb->flags | MS_RDONLY, NULL);
	} else if (flags & UMOUNT_DETACH) {
		mount_detach_tree(m, &gone);
	} else if (!mount_detach_unused(m, 2, &gone)) { /* the tree's and the caller's */
		err = -EBUSY;
	}
	mutex_unlock(&mount_mutex);
	mounts_release(&gone);
	return err;
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
	if (new_root->mnt == root.mnt || put_old->mnt == root.mnt)
		err = -EBUSY;
	else if (!is_mount_root(&root) || !is_mount_root(new_root) ||
		 new_root->mnt->parent == new_root->mnt)
		err = -EINVAL;
	else if (!new_root->mnt->ns || !mount_is_below(put_old->mnt, new_root->mnt) ||
		 !mount_is_below(new_root->mnt, root.mnt))
		err = -EINVAL;
	else if (d_unlinked(new_root->dentry) || d_unlinked(put_old->dentry))
		err = -ENOENT;
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
	ns = kzalloc(sizeof(*ns));
	if (!ns) {
		mount_put(m);
		return -ENOMEM;
	}
	refcount_set(&ns->refs, 1);
	list_init(&ns->mounts);
	spin_init(&ns->lock);
	wait_queue_init(&ns->changed);
	ns->root = m;
	m->ns = ns;
	list_add_tail(&m->ns_node, &ns->mounts);
	err = fs_context_boot(m, ns);
	if (err) {
		list_del(&m->ns_node);
		kfree(ns);
		mount_put(m);
	}
	return err;
}

int vfs_for_each_mount(int (*fn)(struct mount *m, void *arg), void *arg)
{
	struct mount_ns *ns = current->fs->ns;
	struct path root;
	struct mount *m;
	int r = 0;

	fs_get_root(&root);
	mutex_lock(&mount_mutex);
	list_for_each_entry (m, &ns->mounts, ns_node) {
		if (!mount_is_below(m, root.mnt))
			continue;
		r = fn(m, arg);
		if (r)
			break;
	}
	mutex_unlock(&mount_mutex);
	path_put(&root);
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
