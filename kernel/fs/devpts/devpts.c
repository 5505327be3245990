/*
 * devpts.c - the folder of the pty slaves in use: /dev/pts.
 *
 * Entries come and go with the ptys (kernel/tty/pty.c), which keep owner and mode; every mount
 * shows the same ones. Options gid=, mode= say what new slaves get, ptmxmode= is accepted:
 * /dev/ptmx is the device that makes them.
 */
#include <dev.h>
#include <error.h>
#include <file.h>
#include <fs.h>
#include <printf.h>
#include <pty.h>
#include <slab.h>
#include <string.h>
#include <task.h>

struct devpts {
	gid_t gid;
	bool has_gid;
	mode_t mode;
};

#define INO_FIRST 3u
static const struct inode_ops dir_ops, node_ops;
static const struct file_ops dir_fops;

static bool parse_index(const struct qstr *q, unsigned *n)
{
	const char *end;
	char name[8];

	if (q->len >= sizeof(name) || (q->len > 1 && q->name[0] == '0'))
		return false;
	memcpy(name, q->name, q->len);
	name[q->len] = '\0';
	*n = (unsigned)strtou64(name, &end, 10);
	return q->len && !*end;
}

static int devpts_lookup(struct inode *dir, struct dentry *d)
{
	const struct devpts *fs = dir->sb->private;
	struct pty_node node;
	struct inode *i;
	unsigned n;

	if (!parse_index(&d->name, &n) || !pty_node_get(n, &node))
		return -ENOENT;
	i = inode_new(dir->sb);
	if (!i)
		return -ENOMEM;
	i->ino = INO_FIRST + n;
	i->private = (void *)(uintptr_t)node.birth;
	i->uid = node.uid;
	i->gid = fs->has_gid && node.gid == current->cred->fsgid ? fs->gid : node.gid;
	i->atime = i->mtime = i->ctime = time_now_coarse();
	inode_init_special(
		i, S_IFCHR | (node.mode == 0620 ? fs->mode : node.mode), MKDEV(PTY_MAJOR, n));
	i->ops = &node_ops;
	d_add(d, i);
	return 0;
}

static int devpts_revalidate(struct inode *i, bool rcu)
{
	struct pty_node node;

	if (rcu)
		return -ECHILD_WALK;
	return pty_node_get(MINOR(i->rdev), &node) && node.birth == (uint64_t)(uintptr_t)i->private;
}

static int devpts_setattr(struct dentry *d, struct iattr *a)
{
	struct inode *i = d->inode;
	struct pty_node node;

	if (a->valid & ATTR_SIZE)
		return 0;
	inode_setattr(i, a);
	node = (struct pty_node){i->uid, i->gid, i->mode & 07777, (uint64_t)(uintptr_t)i->private};
	pty_node_set(MINOR(i->rdev), &node);
	return 0;
}

static int devpts_readdir(struct file *f, struct dir_context *ctx)
{
	unsigned n;
	char name[8];

	if (ctx->pos == 0 && !ctx->emit(ctx, ".", 1, 1, f->inode->ino, DT_DIR))
		return 0;
	ctx->pos = MAX(ctx->pos, (int64_t)1);
	if (ctx->pos == 1 &&
		!ctx->emit(ctx, "..", 2, 2, f->path.dentry->parent->inode->ino, DT_DIR))
		return 0;
	ctx->pos = MAX(ctx->pos, (int64_t)2);
	for (n = (unsigned)ctx->pos - 2; pty_next(&n); n++) {
		int len = snprintf(name, sizeof(name), "%u", n);

		if (!ctx->emit(ctx, name, (unsigned)len, n + 3, INO_FIRST + n, DT_CHR))
			return 0;
		ctx->pos = n + 3;
	}
	return 0;
}

static int64_t dir_seek(struct file *f, int64_t off, int whence)
{
	return plain_seek(f, off, whence, -1, INT64_MAX);
}

static const struct inode_ops dir_ops = {.lookup = devpts_lookup};
static const struct inode_ops node_ops = {
	.revalidate = devpts_revalidate, .setattr = devpts_setattr};
static const struct file_ops dir_fops = {.readdir = devpts_readdir, .seek = dir_seek};

static int devpts_statfs(struct super *sb, struct kstatfs *out)
{
	(void)sb;
	*out = (struct kstatfs){
		.type = 0x1cd1, .bsize = PAGE_SIZE, .frsize = PAGE_SIZE, .namelen = NAME_MAX};
	return 0;
}

static void devpts_options(struct super *sb, char *buf, size_t size)
{
	const struct devpts *fs = sb->private;
	int n = fs->has_gid ? scnprintf(buf, size, ",gid=%u", fs->gid) : 0;

	snprintf(buf + n, size - (size_t)n, ",mode=%03o,ptmxmode=000", fs->mode);
}

static void devpts_unmount(struct super *sb)
{
	kfree(sb->private);
}

static const struct super_ops super_ops = {.evict = inode_clear,
	.statfs = devpts_statfs,
	.show_options = devpts_options,
	.unmount = devpts_unmount};

static int parse_options(struct devpts *fs, const char *s)
{
	while (s && *s) {
		const char *value = strchr(s, '=');
		size_t key = value ? (size_t)(value - s) : 0;

		if (!key)
			return -EINVAL;
		if (key == 3 && !memcmp(s, "gid", 3)) {
			fs->gid = (gid_t)strtou64(value + 1, &s, 10);
			fs->has_gid = true;
		} else if (key == 3 && !memcmp(s, "uid", 3)) {
			strtou64(value + 1, &s, 10);
		} else if (key == 4 && !memcmp(s, "mode", 4)) {
			fs->mode = (mode_t)strtou64(value + 1, &s, 8) & 0777;
		} else if (key == 8 && !memcmp(s, "ptmxmode", 8)) {
			strtou64(value + 1, &s, 8);
		} else {
			return -EINVAL;
		}
		if (*s == ',')
			s++;
		else if (*s)
			return -EINVAL;
	}
	return 0;
}

static int devpts_fill(struct super *sb, const char *options, bool silent)
{
	struct devpts *fs = kzalloc(sizeof(*fs));
	struct inode *i;
	int err;

	(void)silent;
	if (!fs)
		return -ENOMEM;
	fs->mode = 0620;
	err = parse_options(fs, options);
	if (err)
		goto free_fs;
	sb->private = fs;
	sb->ops = &super_ops;
	sb->blksize = PAGE_SIZE;
	err = -ENOMEM;
	i = inode_new(sb);
	if (!i)
		goto free_fs;
	i->ino = 1;
	i->mode = S_IFDIR | 0755;
	i->nlink = 2;
	i->atime = i->mtime = i->ctime = time_now_coarse();
	i->ops = &dir_ops;
	i->fops = &dir_fops;
	sb->root = d_make_root(i);
	if (sb->root)
		return 0;
free_fs:
	kfree(fs);
	return err;
}

static struct fs_type devpts_type = {
	.name = "devpts", .nodev = true, .single = true, .fill_super = devpts_fill};

void devpts_init(void)
{
	fs_register(&devpts_type);
}
