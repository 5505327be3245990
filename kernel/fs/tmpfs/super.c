/*
 * super.c - tmpfs: files that live in memory. Superblock, options, inodes.
 *
 * Theory
 * There is no store behind the caches: a file's pages are its page cache (MAPPING_UNEVICTABLE:
 * never written, never reclaimed), a name is its dentry, which the file system pins with one
 * reference until unlink. So lookup of an uncached name is always "not there". What the caches
 * cannot give is kept beside them: each directory has its dentries by cookie for readdir (dir.c).
 * Pages are counted when they get contents and uncounted when they leave the cache (file.c);
 * PG_PRIVATE marks the counted ones. Inodes are counted from creation to eviction, and extended
 * attributes in the same room (xattr.c). Limits by the options size= and nr_inodes=; 0: none. The
 * default is half of memory.
 *
 * Does not: swap.
 */
#include "internal.h"
#include <debug.h>
#include <error.h>
#include <file.h>
#include <log.h>
#include <printf.h>
#include <slab.h>
#include <stat.h>
#include <string.h>
#include <task.h>
#include <tmpfs.h>

#define TMPFS_MAGIC 0x01021994u

static struct slab_cache *inode_cache;
static uint64_t default_pages;
static struct mount *internal_mount; /* of memfds */

/* ---- inodes ---- */

static struct inode *alloc_inode(struct super *sb)
{
	struct tmpfs_inode *t = slab_alloc(inode_cache, GFP_KERNEL);

	if (!t)
		return NULL;
	xa_init(&t->entries);
	t->seals = F_SEAL_SEAL;
	t->attrs = (struct rb_root)RB_ROOT;
	t->next_cookie = 2; /* 0 and 1 are "." and ".." */
	return &t->inode;
}

static void free_inode(struct inode *i)
{
	slab_free(inode_cache, tmpfs_i(i));
}

static void evict(struct inode *i)
{
	inode_clear(i);
	if (S_ISDIR(i->mode))
		xa_destroy(&tmpfs_i(i)->entries);
	else if (S_ISLNK(i->mode))
		kfree(i->private);
	tmpfs_drop_attrs(i);
	tmpfs_uncount_name(i);
}

static int count_inode(struct tmpfs *fs, ino_t *ino)
{
	int err = 0;

	spin_lock(&fs->lock);
	if (!tmpfs_inodes_fit(fs, fs->used_inodes + 1)) {
		err = -ENOSPC;
	} else {
		fs->used_inodes++;
		*ino = ++fs->next_ino;
	}
	spin_unlock(&fs->lock);
	return err;
}

int tmpfs_count_name(struct inode *i)
{
	struct tmpfs *fs = tmpfs_of(i);
	int err = 0;

	spin_lock(&fs->lock);
	if (!tmpfs_inodes_fit(fs, fs->used_inodes + 1))
		err = -ENOSPC;
	else
		fs->used_inodes++;
	spin_unlock(&fs->lock);
	return err;
}

void tmpfs_uncount_name(struct inode *i)
{
	struct tmpfs *fs = tmpfs_of(i);

	spin_lock(&fs->lock);
	fs->used_inodes--;
	spin_unlock(&fs->lock);
}

int tmpfs_new_inode(
	struct super *sb, const struct inode *dir, mode_t mode, dev_t dev, struct inode **out)
{
	struct tmpfs *fs = sb->private;
	struct inode *i;
	ino_t ino;
	int err = count_inode(fs, &ino);

	if (err)
		return err;
	i = inode_new(sb);
	if (!i) {
		spin_lock(&fs->lock);
		fs->used_inodes--;
		spin_unlock(&fs->lock);
		return -ENOMEM;
	}
	i->ino = ino;
	inode_init_owner(i, dir, mode);
	mode = i->mode;
	if (S_ISREG(mode)) {
		i->ops = &tmpfs_file_iops;
		i->fops = &tmpfs_file_fops;
		i->data.ops = &tmpfs_mapping_ops;
		i->data.flags = MAPPING_UNEVICTABLE;
	} else if (S_ISDIR(mode)) {
		i->ops = &tmpfs_dir_ops;
		i->fops = &tmpfs_dir_fops;
		i->nlink = 2;
	} else if (S_ISLNK(mode)) {
		i->ops = &tmpfs_symlink_ops;
	} else {
		i->ops = &tmpfs_node_ops;
		inode_init_special(i, mode, dev);
	}
	*out = i;
	return 0;
}

int tmpfs_set_symlink(struct inode *i, const char *target)
{
	i->private = kstrdup(target);
	if (!i->private)
		return -ENOMEM;
	i->size = (int64_t)strlen(target);
	return 0;
}

/* ---- options ---- */

/* "10m", "50%", "4096": in bytes, or -EINVAL. */
static int parse_size(const char *s, const char *end, uint64_t *bytes)
{
	const char *p;
	uint64_t n = strtou64(s, &p, 0);
	unsigned shift = 0;

	if (p == s)
		return -EINVAL;
	if (*p == '%' && p + 1 == end) {
		*bytes = n * (default_pages * 2) / 100 * PAGE_SIZE;
		return 0;
	}
	if (p < end) {
		switch (*p | 0x20) {
		case 'k':
			shift = 10;
			break;
		case 'm':
			shift = 20;
			break;
		case 'g':
			shift = 30;
			break;
		default:
			return -EINVAL;
		}
		p++;
	}
	if (p != end || n > UINT64_MAX >> shift)
		return -EINVAL;
	*bytes = n << shift;
	return 0;
}

static bool key_is(const char *s, const char *eq, const char *key)
{
	return (size_t)(eq - s) == strlen(key) && !memcmp(s, key, strlen(key));
}

static int parse_id(const char *s, const char *end, unsigned base, uint32_t *out)
{
	const char *p;
	uint64_t n = strtou64(s, &p, base);

	if (p == s || p != end || n > UINT32_MAX)
		return -EINVAL;
	*out = (uint32_t)n;
	return 0;
}

static int parse_one(struct tmpfs *fs, const char *s, const char *end)
{
	const char *eq = memchr(s, '=', (size_t)(end - s));
	uint64_t n = 0;
	int err;

	if (!eq)
		return key_is(s, end, "huge") || key_is(s, end, "inode64") ||
				       key_is(s, end, "inode32")
			       ? 0
			       : -EINVAL;
	if (key_is(s, eq, "mode")) {
		err = parse_id(eq + 1, end, 8, &fs->mode);
		fs->mode &= 07777;
		return err;
	}
	if (key_is(s, eq, "uid"))
		return parse_id(eq + 1, end, 10, &fs->uid);
	if (key_is(s, eq, "gid"))
		return parse_id(eq + 1, end, 10, &fs->gid);
	if (key_is(s, eq, "huge"))
		return 0;
	err = parse_size(eq + 1, end, &n);
	if (err)
		return err;
	if (key_is(s, eq, "size"))
		fs->max_pages = (n + PAGE_SIZE - 1) / PAGE_SIZE;
	else if (key_is(s, eq, "nr_blocks"))
		fs->max_pages = n;
	else if (key_is(s, eq, "nr_inodes"))
		fs->max_inodes = n;
	else
		return -EINVAL;
	return 0;
}

static int parse_options(struct tmpfs *fs, const char *s)
{
	while (s && *s) {
		const char *end = strchr(s, ',');
		int err = 0;

		if (!end)
			end = s + strlen(s);
		if (end != s)
			err = parse_one(fs, s, end);
		if (err) {
			log_err("tmpfs: bad option '%.*s'", (int)(end - s), s);
			return err;
		}
		s = *end ? end + 1 : end;
	}
	return 0;
}

static int remount(struct super *sb, unsigned *flags, const char *options)
{
	struct tmpfs *fs = sb->private;
	struct tmpfs want = *fs;
	int err = parse_options(&want, options);

	if (err)
		return err;
	spin_lock(&fs->lock);
	if ((want.max_pages && fs->used_pages > want.max_pages) ||
		!tmpfs_inodes_fit(&want, fs->used_inodes)) {
		err = -EINVAL;
	} else {
		fs->max_pages = want.max_pages;
		fs->max_inodes = want.max_inodes;
	}
	spin_unlock(&fs->lock);
	return err;
}

static void show_options(struct super *sb, char *buf, size_t size)
{
	const struct tmpfs *fs = sb->private;
	int n = 0;

	if (fs->max_pages && fs->max_pages != default_pages)
		n += scnprintf(buf + n, size - (size_t)n, ",size=%lluk",
			(unsigned long long)fs->max_pages * (PAGE_SIZE / 1024));
	if (fs->max_inodes && fs->max_inodes != default_pages)
		n += scnprintf(buf + n, size - (size_t)n, ",nr_inodes=%llu",
			(unsigned long long)fs->max_inodes);
	if (fs->mode != (S_ISVTX | 0777))
		n += scnprintf(buf + n, size - (size_t)n, ",mode=%03o", fs->mode);
	if (fs->uid)
		n += scnprintf(buf + n, size - (size_t)n, ",uid=%u", fs->uid);
	if (fs->gid)
		scnprintf(buf + n, size - (size_t)n, ",gid=%u", fs->gid);
}

/* ---- the superblock ---- */

static int tmpfs_statfs(struct super *sb, struct kstatfs *st)
{
	struct tmpfs *fs = sb->private;

	st->type = TMPFS_MAGIC;
	st->bsize = PAGE_SIZE;
	spin_lock(&fs->lock);
	if (fs->max_pages) {
		st->blocks = fs->max_pages;
		st->bfree = st->bavail = fs->max_pages - fs->used_pages;
	}
	if (fs->max_inodes) {
		st->files = fs->max_inodes;
		st->ffree = fs->max_inodes - fs->used_inodes - tmpfs_attr_inodes(fs);
	}
	spin_unlock(&fs->lock);
	return 0;
}

static void unmount(struct super *sb)
{
	kfree(sb->private);
}

static const struct super_ops super_ops = {
	.alloc_inode = alloc_inode,
	.free_inode = free_inode,
	.evict = evict,
	.statfs = tmpfs_statfs,
	.remount = remount,
	.unmount = unmount,
	.show_options = show_options,
};

int tmpfs_fill_super(struct super *sb, const char *options, bool silent)
{
	struct tmpfs *fs = kzalloc(sizeof(*fs));
	struct inode *root;
	int err;

	if (!fs)
		return -ENOMEM;
	spin_init(&fs->lock);
	fs->max_pages = fs->max_inodes = default_pages;
	fs->mode = S_ISVTX | 0777;
	fs->uid = current->cred->fsuid;
	fs->gid = current->cred->fsgid;
	sb->private = fs;
	sb->ops = &super_ops;
	sb->blksize = PAGE_SIZE;
	sb->max_size = INT64_MAX & (int64_t)PAGE_MASK;
	err = parse_options(fs, options);
	if (!err)
		err = tmpfs_new_inode(sb, NULL, S_IFDIR | fs->mode, 0, &root);
	if (err)
		goto free_fs;
	root->uid = fs->uid;
	root->gid = fs->gid;
	sb->root = d_make_root(root);
	if (sb->root)
		return 0;
	err = -ENOMEM;
free_fs:
	kfree(fs);
	return err;
}

static struct fs_type tmpfs_type = {.name = "tmpfs", .nodev = true, .fill_super = tmpfs_fill_super};
static struct fs_type ramfs_type = {.name = "ramfs", .nodev = true, .fill_super = tmpfs_fill_super};

/* ---- for the kernel itself ---- */

static int make_child(
	struct dentry *parent, const struct qstr *q, mode_t mode, dev_t dev, const char *target)
{
	struct inode *dir = parent->inode;
	struct dentry *d = d_lookup(parent, q);
	struct inode *i;
	int err;

	if (d && d->inode) {
		err = S_ISDIR(mode) && S_ISDIR(d->inode->mode) ? 0 : -EEXIST;
		goto put;
	}
	if (!d) {
		d = d_alloc(parent, q);
		if (!d)
			return -ENOMEM;
		d_add(d, NULL);
	}
	err = tmpfs_new_inode(dir->sb, NULL, mode, dev, &i);
	if (err)
		goto put;
	i->uid = i->gid = 0;
	err = target ? tmpfs_set_symlink(i, target) : 0;
	if (!err)
		err = tmpfs_add(dir, d, i);
	if (err)
		inode_put(i);
put:
	d_put(d);
	return err;
}

/* The component of @name at *s into @q; moves *s behind it and its slash. False at the end. */
static bool next_part(const struct dentry *parent, const char **s, struct qstr *q)
{
	const char *start = *s;
	const char *end = start;

	if (!*start)
		return false;
	while (*end && *end != '/')
		end++;
	q->name = start;
	q->len = (uint32_t)(end - start);
	q->hash = d_hash_name(parent, start, q->len);
	*s = *end ? end + 1 : end;
	return true;
}

int tmpfs_make_node(
	struct dentry *root, const char *name, mode_t mode, dev_t dev, const char *target)
{
	struct dentry *dir = d_get(root);
	struct qstr q;
	int err = 0;

	while (!err && next_part(dir, &name, &q)) {
		struct inode *di = dir->inode;
		struct dentry *next = NULL;

		rwsem_write_lock(&di->lock);
		if (*name) {
			err = make_child(dir, &q, S_IFDIR | 0755, 0, NULL);
			if (!err)
				next = d_lookup(dir, &q);
		} else {
			err = make_child(dir, &q, mode, dev, target);
		}
		rwsem_write_unlock(&di->lock);
		if (next) {
			d_put(dir);
			dir = next;
		}
	}
	d_put(dir);
	return err;
}

void tmpfs_remove_node(struct dentry *root, const char *name)
{
	struct dentry *dir = d_get(root);
	struct qstr q;

	while (next_part(dir, &name, &q)) {
		struct inode *di = dir->inode;
		struct dentry *d;

		rwsem_write_lock(&di->lock);
		d = d_lookup(dir, &q);
		if (d && d->inode && !*name && !S_ISDIR(d->inode->mode) &&
			!tmpfs_dir_ops.unlink(di, d))
			d_drop(d);
		rwsem_write_unlock(&di->lock);
		d_put(dir);
		if (!d || !d->inode || !*name) {
			if (d)
				d_put(d);
			return;
		}
		dir = d;
	}
	d_put(dir);
}

int tmpfs_memfd(const char *name, mode_t mode, uint32_t seals, struct file **out)
{
	char full[NAME_MAX + 1];
	struct path p = {internal_mount, NULL};
	struct inode *i;
	struct qstr q;
	int err;

	q.name = full;
	q.len = (uint32_t)scnprintf(full, sizeof(full), "memfd:%s", name);
	q.hash = 0;
	err = tmpfs_new_inode(internal_mount->sb, NULL, S_IFREG | mode, 0, &i);
	if (err)
		return err;
	i->nlink = 0;
	tmpfs_i(i)->seals = seals;
	p.dentry = d_alloc(internal_mount->root, &q);
	if (!p.dentry) {
		inode_put(i);
		return -ENOMEM;
	}
	d_instantiate(p.dentry, i);
	err = vfs_open_path(&p, O_RDWR | O_LARGEFILE, out);
	d_put(p.dentry);
	return err;
}

void tmpfs_init(void)
{
	struct mem_stats m;

	mem_stats(&m);
	default_pages = m.total / 2;
	inode_cache = slab_cache_create("tmpfs_inode", sizeof(struct tmpfs_inode), 64, NULL);
	fs_register(&tmpfs_type);
	fs_register(&ramfs_type);
	internal_mount = vfs_kernel_mount("tmpfs", "mode=0700");
	if (!internal_mount)
		panic("tmpfs: no memory");
}
