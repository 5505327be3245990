/*
 * super.c - the second extended file system: mounting, its superblock, and the theory of the whole.
 *
 * Theory. The disk is groups of blocks, each with a bitmap of its blocks, a bitmap of its inodes
 * and a table of inodes; group descriptors say where these are and how much is free. Metadata
 * (these, directories, indirect blocks, slow symlinks) lives in the page cache of the device
 * (meta.c), pinned while pointed to; contents of files live in the page cache of their inode
 * (file.c).
 *
 *  1. Metadata changes between ext2_begin() and ext2_end() and each changed block is declared
 * (txn.c). A commit puts on media all that ended before: fsync(2) is the inode's record and a
 * commit, so the names and the way to them are durable too.
 *  2. What was freed is not used again before the commit after it (txn.c, balloc.c): the blocks of
 * a synced file are never overwritten while the disk may still show them as that file's. What a
 * rename takes away stays on disk until the new name is there (order.c).
 *  3. Counts on disk are exact after a commit: descriptors change with the bitmaps, the superblock
 * gets the sums.
 *  4. An inode without names that is open is on the orphan list on disk (orphan.c).
 *  5. Whatever is read is checked before use: superblock and descriptors at mount, bitmaps when
 * loaded, inodes when read, each directory entry and block pointer when followed. Nonsense is
 * reported with device and place, and the file system becomes read-only (errors=continue: not).
 *
 * Lock order: inode->lock > page lock > map_lock > load_lock > page lock of the device's cache >
 * group->lock; orphan_lock is taken inside inode->lock and holds nothing but page locks of the
 * device's cache; xattr_lock is inside inode->lock and outside map_lock; commit_lock is outside
 * page locks, never inside a transaction.
 *
 * Does not: journal, extents, quotas, ACLs, blocks bigger than a page, fragments.
 */
#include "ext2.h"

#include <error.h>
#include <fs.h>
#include <log.h>
#include <printf.h>
#include <slab.h>
#include <string.h>
#include <time.h>

struct feature {
	uint32_t bit;
	const char *name;
};
static const struct feature incompat_names[] = {
	{0x1, "compression"},
	{0x2, "filetype"},
	{0x4, "journal recovery"},
	{0x8, "journal device"},
	{0x10, "meta_bg"},
	{0x40, "extents"},
	{0x80, "64bit"},
	{0x100, "mmp"},
	{0x200, "flex_bg"},
	{0x400, "ea_inode"},
	{0x1000, "dirdata"},
	{0x2000, "csum_seed"},
	{0x4000, "largedir"},
	{0x8000, "inline_data"},
	{0x10000, "encrypt"},
	{0x20000, "casefold"},
};
static const struct feature ro_names[] = {
	{0x8, "huge_file"},
	{0x10, "uninit_bg"},
	{0x20, "dir_nlink"},
	{0x40, "extra_isize"},
	{0x100, "quota"},
	{0x200, "bigalloc"},
	{0x400, "metadata_csum"},
	{0x1000, "read-only"},
	{0x2000, "project"},
};

static void features_text(
	uint32_t bits, const struct feature *f, unsigned n, char *buf, size_t size)
{
	size_t at = (size_t)scnprintf(buf, size, "0x%x", bits);

	for (unsigned k = 0; k < n; k++)
		if (bits & f[k].bit)
			at += (size_t)scnprintf(buf + at, size - at, " %s", f[k].name);
}

static int refuse(struct ext2_sb *s, const char *fmt, ...) __printf(2, 3);
static int refuse(struct ext2_sb *s, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_err("ext2: %s: cannot mount: %s", s->sb->id, text);
	return -EINVAL;
}

static bool power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

/* ---- checking ---- */

static int check_features(struct ext2_sb *s)
{
	const struct ext2_super_block *d = s->disk;
	uint32_t incompat = le32(d->feature_incompat) & ~(uint32_t)EXT2_INCOMPAT_KNOWN;
	uint32_t ro = le32(d->feature_ro_compat) & ~(uint32_t)EXT2_ROCOMPAT_KNOWN;
	char text[100];

	if (!le32(d->rev_level))
		return 0;
	if (le32(d->rev_level) > 1)
		return refuse(s, "unknown revision %u", le32(d->rev_level));
	if (incompat) {
		features_text(
			incompat, incompat_names, ARRAY_SIZE(incompat_names), text, sizeof(text));
		return refuse(s, "unknown incompatible features: %s", text);
	}
	if (ro && !sb_rdonly(s->sb)) {
		features_text(ro, ro_names, ARRAY_SIZE(ro_names), text, sizeof(text));
		log_warn("ext2: %s: unknown features: %s: mounted read-only", s->sb->id, text);
		s->sb->flags |= MS_RDONLY;
	}
	return 0;
}

static int check_geometry(struct ext2_sb *s)
{
	const struct ext2_super_block *d = s->disk;
	uint64_t room = s->bdev->nr_sectors >> (s->bits - 9);
	uint32_t groups;

	if (!s->blocks_per_group || s->blocks_per_group > s->bs * 8 || s->blocks_per_group & 7)
		return refuse(s, "bad superblock: %u blocks per group", s->blocks_per_group);
	if (!s->inodes_per_group || s->inodes_per_group > s->bs * 8 || s->inodes_per_group & 7)
		return refuse(s, "bad superblock: %u inodes per group", s->inodes_per_group);
	if (s->inode_size < 128 || s->inode_size > s->bs || !power_of_two(s->inode_size))
		return refuse(s, "bad superblock: inodes of %u bytes", s->inode_size);
	if (s->first_data != (s->bs == 1024 ? 1 : 0))
		return refuse(s, "bad superblock: first data block is %u", s->first_data);
	if (s->blocks_count <= s->first_data + 1)
		return refuse(s, "bad superblock: %u blocks", s->blocks_count);
	if (s->blocks_count > room)
		return refuse(s, "bad superblock: %u blocks, but the device has %llu",
			s->blocks_count, (unsigned long long)room);
	groups = (s->blocks_count - s->first_data - 1) / s->blocks_per_group + 1;
	if ((uint64_t)groups * s->inodes_per_group != s->inodes_count)
		return refuse(s, "bad superblock: %u inodes in %u groups of %u", s->inodes_count,
			groups, s->inodes_per_group);
	if (s->first_ino < 11 || s->first_ino > s->inodes_per_group)
		return refuse(s, "bad superblock: first inode is %u", s->first_ino);
	if (le32(d->r_blocks_count) > s->blocks_count)
		return refuse(s, "bad superblock: %u reserved blocks of %u",
			le32(d->r_blocks_count), s->blocks_count);
	s->nr_groups = groups;
	return 0;
}

/* Numbers of the superblock that the rest works with. */
static int read_geometry(struct ext2_sb *s)
{
	const struct ext2_super_block *d = s->disk;
	bool dynamic = le32(d->rev_level) >= 1;

	if (le16(d->magic) != EXT2_MAGIC)
		return refuse(s, "bad superblock: no ext2 magic number");
	if (le32(d->log_block_size) > 2)
		return refuse(s,
			"bad superblock: block size 2^%u is not supported (1024 to 4096 are)",
			le32(d->log_block_size) < 54 ? le32(d->log_block_size) + 10 : 64);
	s->bits = 10 + le32(d->log_block_size);
	s->bs = 1u << s->bits;
	s->ptr_bits = s->bits - 2;
	s->ptrs = 1u << s->ptr_bits;
	s->inode_size = dynamic ? le16(d->inode_size) : 128;
	s->first_ino = dynamic ? le32(d->first_ino) : 11;
	s->blocks_count = le32(d->blocks_count);
	s->inodes_count = le32(d->inodes_count);
	s->first_data = le32(d->first_data_block);
	s->blocks_per_group = le32(d->blocks_per_group);
	s->inodes_per_group = le32(d->inodes_per_group);
	return 0;
}

static int check_group(struct ext2_sb *s, uint32_t g)
{
	const struct ext2_group_desc *d = s->group[g].desc;
	uint32_t table = le32(d->inode_table);

	if (!ext2_block_valid(s, le32(d->block_bitmap)) ||
		!ext2_block_valid(s, le32(d->inode_bitmap)) || !ext2_block_valid(s, table) ||
		s->itable_blocks > s->blocks_count - table)
		return refuse(s, "bad descriptor of group %u: places outside the disk", g);
	if (le16(d->free_blocks_count) > ext2_group_blocks(s, g) ||
		le16(d->free_inodes_count) > s->inodes_per_group)
		return refuse(s, "bad descriptor of group %u: more free than there is", g);
	return 0;
}

/* ---- reading ---- */

static bool is_power(uint32_t n, uint32_t base)
{
	while (n > 1 && n % base == 0)
		n /= base;
	return n == 1;
}

static bool group_has_super(const struct ext2_sb *s, uint32_t g)
{
	if (!(le32(s->disk->feature_ro_compat) & EXT2_ROCOMPAT_SPARSE_SUPER) || g <= 1)
		return true;
	return is_power(g, 3) || is_power(g, 5) || is_power(g, 7);
}

/* What is free by the descriptors, each of which must make sense. */
static int sum_groups(struct ext2_sb *s)
{
	uint64_t blocks = 0, inodes = 0;

	for (uint32_t g = 0; g < s->nr_groups; g++) {
		int err = check_group(s, g);

		if (err)
			return err;
		blocks += le16(s->group[g].desc->free_blocks_count);
		inodes += le16(s->group[g].desc->free_inodes_count);
	}
	atomic64_set(&s->free_blocks, (int64_t)blocks);
	atomic64_set(&s->free_inodes, (int64_t)inodes);
	return 0;
}

static int read_groups(struct ext2_sb *s)
{
	unsigned per = s->bs / sizeof(struct ext2_group_desc);
	int err = 0;

	s->itable_blocks = (uint32_t)(((uint64_t)s->inodes_per_group * s->inode_size + s->bs - 1) >>
				      s->bits);
	s->nr_desc_blocks = DIV_ROUND_UP(s->nr_groups, per);
	s->group = kcalloc(s->nr_groups, sizeof(*s->group));
	s->desc_buf = kcalloc(s->nr_desc_blocks, sizeof(*s->desc_buf));
	if (!s->group || !s->desc_buf)
		return -ENOMEM;
	for (uint32_t k = 0; k < s->nr_desc_blocks; k++) {
		err = ext2_meta_get(s, s->first_data + 1 + k, &s->desc_buf[k]);
		if (err)
			return refuse(s, "group descriptors cannot be read: error %d", -err);
	}
	s->overhead = s->first_data + s->nr_groups * (2 + s->itable_blocks);
	for (uint32_t g = 0; g < s->nr_groups; g++) {
		spin_init(&s->group[g].lock);
		s->group[g].desc = (struct ext2_group_desc *)s->desc_buf[g / per].data + g % per;
		s->overhead += group_has_super(s, g) ? 1 + s->nr_desc_blocks : 0;
	}
	return sum_groups(s);
}

static void free_groups(struct ext2_sb *s)
{
	for (uint32_t g = 0; s->group && g < s->nr_groups; g++) {
		struct ext2_group *grp = &s->group[g];

		ext2_meta_put(&grp->blocks);
		ext2_meta_put(&grp->inodes);
		kfree(grp->avoid);
		kfree(grp->avoid_ino);
		for (unsigned k = 0; k < 2; k++) {
			kfree(grp->freed[k]);
			kfree(grp->freed_ino[k]);
		}
	}
	for (uint32_t k = 0; s->desc_buf && k < s->nr_desc_blocks; k++)
		ext2_meta_put(&s->desc_buf[k]);
	kfree(s->group);
	kfree(s->desc_buf);
}

static void free_sb(struct ext2_sb *s)
{
	free_groups(s);
	ext2_meta_put(&s->super_buf);
	s->sb->private = NULL;
	kfree(s);
}

static int read_super(struct ext2_sb *s)
{
	struct page *p;
	int err = s->bdev->nr_sectors < 4 ? -ENXIO : pagecache_get(&s->bdev->mapping, 0, &p);

	if (err)
		return refuse(s, "superblock cannot be read: error %d", -err);
	s->super_buf = (struct ext2_buf){p, (char *)page_address(p) + 1024};
	s->disk = s->super_buf.data;
	err = read_geometry(s);
	if (!err)
		err = check_features(s);
	if (!err)
		err = check_geometry(s);
	return err ? err : read_groups(s);
}

/* ---- writing ---- */

static void dirty_super(struct ext2_sb *s)
{
	bdev_mark_dirty(s->super_buf.page, 1024, sizeof(*s->disk));
}

void ext2_super_counts(struct ext2_sb *s)
{
	struct ext2_super_block *d = s->disk;
	uint32_t blocks = (uint32_t)atomic64_read(&s->free_blocks),
		 inodes = (uint32_t)atomic64_read(&s->free_inodes);

	if (sb_rdonly(s->sb) ||
		(le32(d->free_blocks_count) == blocks && le32(d->free_inodes_count) == inodes))
		return;
	d->free_blocks_count = to_le32(blocks);
	d->free_inodes_count = to_le32(inodes);
	d->wtime = to_le32(time_now_coarse().tv_sec);
	dirty_super(s);
}

/* From now on, until unmount or remount read-only, the disk says that it is in use. */
static int mark_in_use(struct ext2_sb *s)
{
	struct ext2_super_block *d = s->disk;

	s->was_valid = (le16(d->state) & EXT2_VALID_FS) && !(le16(d->state) & EXT2_ERROR_FS);
	if (!s->was_valid)
		log_warn("ext2: %s: was not unmounted cleanly or has errors: e2fsck should be run",
			s->sb->id);
	d->state = to_le16(le16(d->state) & ~EXT2_VALID_FS);
	d->mnt_count = to_le16(le16(d->mnt_count) + 1);
	d->mtime = to_le32(time_now_coarse().tv_sec);
	d->wtime = d->mtime;
	dirty_super(s);
	return ext2_commit(s);
}

static int mark_unused(struct ext2_sb *s)
{
	struct ext2_super_block *d = s->disk;

	if (s->was_valid && !s->has_error)
		d->state = to_le16(le16(d->state) | EXT2_VALID_FS);
	d->wtime = to_le32(time_now_coarse().tv_sec);
	dirty_super(s);
	return ext2_commit(s);
}

/*
 * From read-only to writable. A program may have written to the device meanwhile: e2fsck repairs
 * the root so. Superblock and descriptors are in pages of the device's cache, so what it wrote is
 * what we see; what was copied from them at mount must still be true.
 */
static int make_writable(struct ext2_sb *s)
{
	const struct ext2_super_block *d = s->disk;
	int err = 0;

	if (le16(d->magic) != EXT2_MAGIC || le32(d->blocks_count) != s->blocks_count ||
		le32(d->inodes_count) != s->inodes_count)
		err = refuse(s, "its size on disk is not what it was when it was mounted");
	if (!err)
		err = check_features(s);
	if (!err)
		err = sum_groups(s);
	if (!err)
		err = mark_in_use(s);
	if (err)
		return err;
	WRITE_ONCE(s->sb->flags, s->sb->flags & ~(uint32_t)MS_RDONLY);
	if (list_empty(&s->orphans)) /* else those on disk are still open, or wait with them */
		ext2_orphan_recover(s);
	return 0;
}

static void data_error(struct work *w)
{
	ext2_error(container_of(w, struct ext2_sb, error_work),
		"contents of a file could not be written");
}

/* ---- operations ---- */

/* Options: errors=remount-ro (as without), errors=continue, nouser_xattr. Others of ext2 that
 * change nothing here are taken. */
static int parse_options(struct ext2_sb *s, const char *options)
{
	static const char *const ignored[] = {"rw", "ro", "errors=remount-ro", "defaults", "noacl",
		"user_xattr", "nobh", "nogrpid", "nocheck", "check=none"};
	const char *p = options ? options : "";

	while (*p) {
		const char *end = strchr(p, ',');
		size_t n = end ? (size_t)(end - p) : strlen(p);
		bool known = n == 0;

		if (n == 15 && strncmp(p, "errors=continue", n) == 0) {
			s->continue_on_error = true;
			known = true;
		}
		if (n == 12 && strncmp(p, "nouser_xattr", n) == 0) {
			s->no_user_xattr = true;
			known = true;
		}
		for (unsigned k = 0; k < ARRAY_SIZE(ignored) && !known; k++)
			known = strlen(ignored[k]) == n && strncmp(p, ignored[k], n) == 0;
		if (!known)
			return refuse(s, "unknown option \"%.*s\"", (int)n, p);
		p += n + (end != NULL);
	}
	return 0;
}

static int ext2_remount(struct super *sb, unsigned *flags, const char *options)
{
	struct ext2_sb *s = EXT2_SB(sb);
	int err = parse_options(s, options);

	if (err)
		return err;
	if (!sb_rdonly(sb) && (*flags & MS_RDONLY))
		return mark_unused(s);
	if (!sb_rdonly(sb) || (*flags & MS_RDONLY))
		return 0;
	if (s->bdev->disk->limits.read_only)
		return -EROFS;
	if (s->has_error || (le32(s->disk->rev_level) && (le32(s->disk->feature_ro_compat) &
								 ~(uint32_t)EXT2_ROCOMPAT_KNOWN))) {
		log_warn("ext2: %s: stays read-only: it has errors or features that are not known",
			sb->id);
		return -EROFS;
	}
	return make_writable(s);
}

static void ext2_unmount(struct super *sb)
{
	struct ext2_sb *s = EXT2_SB(sb);

	work_flush();
	if (!sb_rdonly(sb) && mark_unused(s))
		log_err("ext2: %s: error at unmount: the last changes may be lost", sb->id);
	free_sb(s);
}

static int ext2_sync(struct super *sb, bool wait)
{
	struct ext2_sb *s = EXT2_SB(sb);

	if (sb_rdonly(sb))
		return 0;
	if (wait || atomic64_read(&s->aside) > 0 || ext2_order_waits(s))
		return ext2_commit(s);
	ext2_super_counts(s);
	return pagecache_write_async(&s->bdev->mapping);
}

static int ext2_fsync(struct inode *i, int64_t start, int64_t end, bool datasync)
{
	int err = sb_rdonly(i->sb) ? -EROFS : ext2_write_inode(i, true);

	(void)start;
	(void)end;
	(void)datasync;
	if (err == -EROFS)
		return EXT2_SB(i->sb)->has_error ? -EIO : 0;
	return err ? err : ext2_commit(EXT2_SB(i->sb));
}

static int ext2_statfs(struct super *sb, struct kstatfs *out)
{
	struct ext2_sb *s = EXT2_SB(sb);
	uint64_t reserved = le32(s->disk->r_blocks_count), id[2];

	memcpy(id, s->disk->uuid, sizeof(id));
	out->type = EXT2_MAGIC;
	out->bsize = out->frsize = s->bs;
	out->blocks = s->blocks_count - s->overhead;
	out->bfree = (uint64_t)MAX(atomic64_read(&s->free_blocks), (int64_t)0);
	out->bavail = out->bfree > reserved ? out->bfree - reserved : 0;
	out->files = s->inodes_count;
	out->ffree = (uint64_t)atomic64_read(&s->free_inodes);
	out->fsid = id[0] ^ id[1];
	out->namelen = NAME_MAX;
	return 0;
}

static void ext2_show_options(struct super *sb, char *buf, size_t size)
{
	scnprintf(buf, size, "%s%s", EXT2_SB(sb)->continue_on_error ? ",errors=continue" : "",
		EXT2_SB(sb)->no_user_xattr ? ",nouser_xattr" : "");
}

const struct super_ops ext2_super_ops = {
	.alloc_inode = ext2_alloc_inode,
	.free_inode = ext2_free_inode,
	.write_inode = ext2_write_inode,
	.evict = ext2_evict,
	.sync = ext2_sync,
	.fsync = ext2_fsync,
	.statfs = ext2_statfs,
	.remount = ext2_remount,
	.unmount = ext2_unmount,
	.show_options = ext2_show_options,
};

static int make_root(struct super *sb)
{
	struct inode *root;
	int err = ext2_iget(sb, EXT2_ROOT_INO, false, &root);

	if (err)
		return refuse(EXT2_SB(sb), "the root directory cannot be read: error %d", -err);
	if (S_ISDIR(root->mode)) {
		sb->root = d_make_root(inode_get(root));
		err = sb->root ? 0 : -ENOMEM;
	} else {
		err = refuse(EXT2_SB(sb), "bad root: it is not a directory");
	}
	if (err) { /* must not stay cached: evicted without touching the disk */
		sb->flags |= MS_RDONLY;
		root->nlink = 0;
	}
	inode_put(root);
	return err;
}

static struct ext2_sb *new_sb(struct super *sb)
{
	struct ext2_sb *s = kzalloc(sizeof(*s));

	if (!s)
		return NULL;
	s->sb = sb;
	s->bdev = sb->bdev;
	mutex_init(&s->load_lock);
	mutex_init(&s->orphan_lock);
	mutex_init(&s->xattr_lock);
	mutex_init(&s->commit_lock);
	list_init(&s->orphans);
	ext2_order_init(s);
	wait_queue_init(&s->gate.idle);
	s->gate.epoch = 1; /* inodes that were there before have epoch 0 */
	work_init(&s->error_work, data_error);
	s->wb_seen = s->bdev->mapping.wb_seq;
	sb->private = s;
	sb->ops = &ext2_super_ops;
	return s;
}

static int ext2_fill_super(struct super *sb, const char *options, bool silent)
{
	struct ext2_sb *s = new_sb(sb);
	int err;

	(void)silent; /* a refusal always says why */
	if (!s)
		return -ENOMEM;
	if (s->bdev->disk->limits.read_only)
		sb->flags |= MS_RDONLY;
	err = parse_options(s, options);
	if (!err)
		err = read_super(s);
	if (err)
		goto free;
	sb->blksize = s->bs;
	sb->max_size = ext2_max_size(s->bits);
	err = make_root(sb);
	if (err)
		goto free;
	if (sb_rdonly(sb))
		return 0;
	err = mark_in_use(s);
	if (!err) {
		ext2_orphan_recover(s);
		return 0;
	}
	log_err("ext2: %s: error %d writing the superblock: mounted read-only", sb->id, -err);
	sb->flags |= MS_RDONLY;
	return 0;
free:
	free_sb(s);
	return err;
}

static struct fs_type ext2_type = {
	.name = "ext2", .needs_dev = true, .fill_super = ext2_fill_super};

void ext2_init(void)
{
	ext2_inode_cache_init();
	fs_register(&ext2_type);
}
