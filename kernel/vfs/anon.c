/*
 * anon.c - files that have no name in the tree: pipes, sockets, event descriptors.
 *
 * Each has an inode and a dentry of its own on one internal superblock, whose mount is in no
 * namespace.
 */
#include "internal.h"
#include <hash.h>
#include <printf.h>
#include <stat.h>

static const struct fs_type anon_type = {.name = "anon", .nodev = true};
static struct super *anon_super;
static struct mount *anon_mount;

bool sb_is_anon(const struct super *sb)
{
	return sb == anon_super;
}

static struct inode *anon_inode(void)
{
	static uint64_t next_ino;
	struct inode *i = inode_new(anon_super);

	if (!i)
		return NULL;
	i->ino = __atomic_add_fetch(&next_ino, 1, __ATOMIC_RELAXED);
	i->mode = 0600;
	i->uid = current->cred->fsuid;
	i->gid = current->cred->fsgid;
	i->atime = i->mtime = i->ctime = i->btime = time_now_coarse();
	return i;
}

static struct dentry *anon_dentry(const char *name)
{
	struct qstr q = {name, (uint32_t)strnlen(name, NAME_MAX), 0};
	struct inode *i = anon_inode();
	struct dentry *d;

	if (!i)
		return NULL;
	d = d_alloc(NULL, &q);
	if (!d) {
		inode_put(i);
		return NULL;
	}
	d->sb = anon_super;
	d_instantiate(d, i);
	return d;
}

int file_create_anon(const char *name, const struct file_ops *ops, void *private, unsigned flags,
	struct file **out)
{
	struct file *f = file_alloc(flags & ~(unsigned)O_CLOEXEC);

	if (!f)
		return -ENFILE;
	f->path.dentry = anon_dentry(name);
	if (!f->path.dentry) {
		file_put(f);
		return -ENOMEM;
	}
	f->path.mnt = mount_get(anon_mount);
	f->inode = f->path.dentry->inode;
	f->mapping = f->inode->mapping;
	f->ops = ops;
	f->private = private;
	if (ops->seek && ops->seek != seek_ignored)
		f->mode |= FMODE_SEEK;
	*out = f;
	return 0;
}

int64_t seek_ignored(struct file *f, int64_t off, int whence)
{
	return 0;
}

char *anon_path_name(const struct dentry *d, char *buf, size_t size)
{
	size_t n;

	if (!strncmp(d->name.name, "anon_inode:", 11))
		n = strlcpy(buf, d->name.name, size);
	else if (d->name.name[0] == '[')
		n = (size_t)snprintf(buf, size, "anon_inode:%s", d->name.name);
	else
		n = (size_t)snprintf(
			buf, size, "%s:[%llu]", d->name.name, (unsigned long long)d->inode->ino);
	return n < size ? buf : NULL;
}

void anon_init(void)
{
	struct inode *root;

	anon_super = super_create_pseudo(&anon_type);
	PANIC_ON(!anon_super);
	root = anon_inode();
	PANIC_ON(!root);
	root->mode = S_IFDIR | 0700;
	anon_super->root = d_make_root(root);
	PANIC_ON(!anon_super->root);
	anon_mount = mount_create(anon_super, anon_super->root, "anon", 0);
	PANIC_ON(!anon_mount);
}
