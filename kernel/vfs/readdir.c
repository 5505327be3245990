/*
 * readdir.c - reading directories: the common part, and that of directories that live in the dentry
 * cache only.
 */
#include "internal.h"
#include <stat.h>

int vfs_readdir(struct file *f, struct dir_context *ctx)
{
	struct inode *i = f->inode;
	int err;

	if (!(f->mode & FMODE_READ))
		return -EBADF;
	if (!f->ops->readdir)
		return -ENOTDIR;
	mutex_lock(&f->pos_lock);
	rwsem_read_lock(&i->lock);
	ctx->pos = f->pos;
	err = i->state & I_DEAD ? -ENOENT : f->ops->readdir(f, ctx);
	f->pos = ctx->pos;
	if (!(i->state & I_DEAD))
		notify_file(f, IN_ACCESS);
	rwsem_read_unlock(&i->lock);
	mutex_unlock(&f->pos_lock);
	if (!err && !(f->flags & O_NOATIME))
		path_touch_atime(&f->path, i);
	return err;
}

static bool emit_dots(struct file *f, struct dir_context *ctx)
{
	struct dentry *parent;
	ino_t ino;

	if (ctx->pos == 0) {
		if (!ctx->emit(ctx, ".", 1, 1, f->inode->ino, DT_DIR))
			return false;
		ctx->pos = 1;
	}
	if (ctx->pos == 1) {
		parent = d_parent_get(f->path.dentry);
		ino = parent->inode->ino;
		d_put(parent);
		if (!ctx->emit(ctx, "..", 2, 2, ino, DT_DIR))
			return false;
		ctx->pos = 2;
	}
	return true;
}

/*
 * The next positive, hashed child with a cookie of at least @cookie, referenced; @prev (consumed)
 * is the one before it, or NULL. The children list is in the order of cookies: new and moved ones
 * go to its end with a higher number, so a position stays right whatever comes and goes. @prev only
 * saves walking there from the start.
 */
static struct dentry *child_from(struct dentry *dir, struct dentry *prev, uint64_t cookie)
{
	struct list_head *at = &dir->children;
	struct dentry *found = NULL;

	spin_lock(&dir->lock);
	if (prev && prev->parent == dir && prev->cookie < cookie && !list_empty(&prev->sibling))
		at = &prev->sibling;
	for (at = at->next; at != &dir->children; at = at->next) {
		struct dentry *c = list_entry(at, struct dentry, sibling);

		if (c->cookie < cookie || !c->inode || (c->flags & D_UNHASHED))
			continue;
		if (d_try_get(c)) {
			found = c;
			break;
		}
	}
	spin_unlock(&dir->lock);
	if (prev)
		d_put(prev);
	return found;
}

int dcache_readdir(struct file *f, struct dir_context *ctx)
{
	struct dentry *dir = f->path.dentry;
	struct dentry *c = NULL;

	if (!emit_dots(f, ctx))
		return 0;
	while ((c = child_from(dir, c, (uint64_t)ctx->pos - 2)) != NULL) {
		int64_t next = (int64_t)c->cookie + 3;

		if (!ctx->emit(ctx, c->name.name, c->name.len, next, c->inode->ino,
			    MODE_TO_DT(c->inode->mode))) {
			d_put(c);
			break;
		}
		ctx->pos = next;
	}
	return 0;
}
