/*
 * safety_test.c - what ext2 must not lose: over a power cut in a rename, on a full disk, and
 * without memory.
 */
/* LINK: kernel/fs/ext2/super.c kernel/fs/ext2/inode.c kernel/fs/ext2/balloc.c
 * kernel/fs/ext2/ialloc.c kernel/fs/ext2/dir.c */
/* LINK: kernel/fs/ext2/dirindex.c kernel/fs/ext2/namei.c kernel/fs/ext2/file.c
 * kernel/fs/ext2/meta.c kernel/fs/ext2/orphan.c */
/* LINK: kernel/fs/ext2/map.c kernel/fs/ext2/txn.c kernel/fs/ext2/order.c kernel/fs/ext2/rename.c
 * kernel/fs/ext2/xattr.c */
/* LINK: kernel/block/bio.c kernel/block/plug.c kernel/block/cache.c kernel/block/device.c
 * kernel/block/part.c kernel/block/gpt.c */
/* LINK: kernel/block/spec.c */
/* LINK: kernel/vfs/anon.c kernel/vfs/attr.c kernel/vfs/blkdev.c kernel/vfs/chrdev.c
 * kernel/vfs/dcache.c kernel/vfs/fdtable.c */
/* LINK: kernel/vfs/fifo.c kernel/vfs/file.c kernel/vfs/fs_context.c kernel/vfs/generic.c
 * kernel/vfs/inode.c kernel/vfs/inotify.c kernel/vfs/locks.c kernel/vfs/notify.c */
/* LINK: kernel/vfs/mmap.c kernel/vfs/mount.c kernel/vfs/mount_ops.c kernel/vfs/mount_ns.c
 * kernel/vfs/propagate.c kernel/vfs/namei.c kernel/vfs/open.c kernel/vfs/ops.c */
/* LINK: kernel/vfs/pipe.c kernel/vfs/poll.c kernel/vfs/readdir.c kernel/vfs/rename.c
 * kernel/vfs/rw.c kernel/vfs/splice.c */
/* LINK: kernel/vfs/super.c kernel/vfs/vfs.c kernel/vfs/xattr.c */
/* LINK: kernel/policy/user.c kernel/policy/cred.c kernel/policy/policy.c */
/* LINK: kernel/mm/mm.c kernel/mm/vma.c kernel/mm/mmap.c kernel/mm/zap.c kernel/mm/tlb.c */
/* LINK: kernel/mm/protect.c kernel/mm/remap.c kernel/mm/brk.c kernel/mm/advise.c */
/* LINK: kernel/mm/lock.c kernel/mm/access.c kernel/mm/fault.c kernel/mm/cow.c kernel/mm/fork.c */
/* LINK: kernel/mm/shmem.c kernel/mm/rmap.c kernel/mm/pagecache.c kernel/mm/readahead.c */
/* LINK: kernel/mm/filewrite.c kernel/mm/truncate.c kernel/mm/dirty.c kernel/mm/writeback.c */
/* LINK: kernel/mm/lru.c kernel/mm/reclaim.c kernel/mm/lazyfree.c kernel/mm/oom.c kernel/mm/stats.c
 */
/* LINK: kernel/mm/swap.c kernel/mm/swapout.c kernel/mm/swapin.c kernel/mm/mm_list.c */
/* LINK: kernel/mm/iov_iter.c kernel/mm/page_wait.c kernel/mm/xarray_nodes.c */
/* LINK: kernel/lib/xarray.c kernel/lib/rbtree.c kernel/lib/hash.c kernel/lib/crc.c
 * kernel/lib/bitmap.c */
#include "world.h"

static void track_power(void)
{
	md->durable = unit_malloc(md->bytes);
	memcpy(md->durable, md->data, md->bytes);
	md->first = NULL;
	md->last = &md->first;
}

/* The power fails, e2fsck mends; mounted again as @after. */
static void cut_and_mend(const char *name, const char *after)
{
	char command[200];

	settle(md, true);
	memcpy(md->data, md->durable, md->bytes);
	save_image(name);
	scnprintf(command, sizeof(command),
		"/usr/sbin/e2fsck -fy %s >%s.log 2>&1; [ $? -le 1 ] || { cat %s.log; false; }",
		image(name), image(name), image(name));
	EXPECT_EQ(system(command), 0);
	current->fs = NULL;
	make_disk_from(after, image(name));
	REQUIRE_EQ(vfs_mount_root(after, "ext2", 0), 0);
	current->fs->umask = 0;
}

/* ---- renames and power cuts ---- */

#define NAMES 6u
#define MOST  9000u

static uint32_t text_size(unsigned i, unsigned version)
{
	return 1 + (i * 1237 + version * 3571) % MOST;
}

static void make_text(uint8_t *buf, unsigned i, unsigned version)
{
	for (uint32_t k = 0; k < text_size(i, version); k++)
		buf[k] = (uint8_t)(i * 37 + version * 101 + k * 7 + (k >> 8));
}

/* The version that the name holds whole, or 0. */
static unsigned version_of(const char *path, unsigned i, unsigned from, unsigned to)
{
	static uint8_t buf[MOST + 10], want[MOST + 10];
	ssize_t n = get(path, buf, sizeof(buf), 0);

	for (unsigned v = to; v >= from && v > 0; v--) {
		make_text(want, i, v);
		if (n == (ssize_t)text_size(i, v) && !memcmp(buf, want, (size_t)n))
			return v;
	}
	unit_print("%s: %d bytes, of no version between %u and %u\n", path, (int)n, from, to);
	return 0;
}

/* A file that is written beside, and takes over a name. */
struct named {
	unsigned version, settled;
};
/* A file whose name changes. */
struct mover {
	unsigned place, settled;
};

static void name_path(char *path, unsigned i)
{
	scnprintf(path, 40, "/d%u/name%u", i % 3, i);
}

static void mover_path(char *path, unsigned i, unsigned place)
{
	static const char *const filler[] = {"", "abcdefghijklmnopqrstuvwxyz0123456789"};

	scnprintf(path, 80, "/d%u/mover%u-%u%s", (i + place) % 3, i, place, filler[place % 2]);
}

static void sync_one(const char *path)
{
	struct file *f;

	if (vfs_open(NULL, path, O_RDWR, 0, LOOKUP_FOLLOW, &f))
		return;
	EXPECT_EQ(vfs_fsync(f, 0, INT64_MAX, false), 0);
	file_put(f);
}

static void next_version(struct named *n, unsigned i, bool sync)
{
	static uint8_t buf[MOST];
	char path[40], temp[40];

	n->version++;
	make_text(buf, i, n->version);
	name_path(path, i);
	scnprintf(temp, sizeof(temp), "/d%u/temp%u", (unsigned)unit_below(3), i);
	EXPECT_EQ(put(temp, buf, text_size(i, n->version), 0, O_TRUNC), 0);
	if (sync)
		sync_one(temp);
	EXPECT_EQ(vfs_rename(NULL, temp, NULL, path, 0), 0);
}

static void next_place(struct mover *m, unsigned i)
{
	char from[80], to[80];

	mover_path(from, i, m->place);
	mover_path(to, i, m->place + 1);
	EXPECT_EQ(vfs_rename(NULL, from, NULL, to, 0), 0);
	m->place++;
}

/* Some sectors reach the disk by themselves. */
static void flusher(void)
{
	struct path root;

	fs_get_root(&root);
	(void)!pagecache_write_async(&root.mnt->sb->bdev->mapping);
	path_put(&root);
}

static void check_after_cut(const struct named *named, const struct mover *mover)
{
	char path[80];

	for (unsigned i = 0; i < NAMES; i++) {
		unsigned found = 0;

		name_path(path, i);
		EXPECT(version_of(path, i, named[i].settled, named[i].version) != 0);
		for (unsigned p = mover[i].settled; p <= mover[i].place; p++) {
			struct path at;

			mover_path(path, i, p);
			if (path_lookup(NULL, path, 0, &at))
				continue;
			path_put(&at);
			found++;
			EXPECT_EQ(version_of(path, 100 + i, 1, 1), 1);
		}
		EXPECT(found >= 1);
	}
}

static void settled_now(struct named *named, struct mover *mover)
{
	for (unsigned i = 0; i < NAMES; i++) {
		named[i].settled = named[i].version;
		mover[i].settled = mover[i].place;
	}
}

static void rename_round(const char *name, const char *after, const char *options)
{
	static uint8_t buf[MOST];
	struct named named[NAMES] = {0};
	struct mover mover[NAMES] = {0};
	char path[80];

	current->fs = NULL;
	mount_image(name, options);
	for (unsigned i = 0; i < 3; i++) {
		scnprintf(path, sizeof(path), "/d%u", i);
		EXPECT_EQ(vfs_mkdir(NULL, path, 0755), 0);
		for (unsigned k = 0; k < 60; k++) { /* names go into different sectors */
			scnprintf(path, sizeof(path), "/d%u/some-file-that-takes-room-%u", i, k);
			EXPECT_EQ(put(path, "", 0, 0, 0), 0);
		}
	}
	for (unsigned i = 0; i < NAMES; i++) {
		next_version(&named[i], i, true);
		mover_path(path, i, 0);
		make_text(buf, 100 + i, 1);
		EXPECT_EQ(put(path, buf, text_size(100 + i, 1), 0, 0), 0);
		sync_one(path);
	}
	settled_now(named, mover);
	track_power();
	for (unsigned k = 40 + (unsigned)unit_below(60); k > 0; k--) {
		unsigned i = (unsigned)unit_below(NAMES);

		switch (unit_below(8)) {
		case 0:
		case 1:
			next_version(&named[i], i, unit_below(2));
			break;
		case 2:
		case 3:
			next_place(&mover[i], i);
			break;
		case 4:
			scnprintf(path, sizeof(path), "/d%u/some-file-that-takes-room-%u", i % 3,
				(unsigned)unit_below(60));
			if (vfs_unlink(NULL, path))
				EXPECT_EQ(put(path, path, 40, 0, 0), 0);
			break;
		case 5:
		case 6:
			flusher();
			break;
		case 7:
			if (unit_below(4))
				break;
			name_path(path, i);
			sync_one(path);
			settled_now(named, mover);
			break;
		}
		unit_rcu_flush();
	}
	cut_and_mend(name, after);
	check_after_cut(named, mover);
	finish(after);
}

static void rename_cuts(const char *options, unsigned rounds)
{
	static unsigned r;
	char name[20], after[20];

	for (rounds += r; r < rounds; r++) {
		scnprintf(name, sizeof(name), "ren%u", r);
		scnprintf(after, sizeof(after), "renafter%u", r);
		rename_round(name, after, options);
	}
}

TEST(power_cut_leaves_old_or_new_file_under_a_name_1k)
{
	rename_cuts("-b 1024 12M", 25);
}

TEST(power_cut_leaves_old_or_new_file_under_a_name_4k)
{
	rename_cuts("-b 4096 12M", 25);
}

TEST(power_cut_leaves_old_or_new_file_with_large_sectors)
{
	logical_bytes = 4096;
	rename_cuts("-b 4096 12M", 15);
	logical_bytes = 512;
}

/* ---- a full disk ---- */

static void drop_pages(const char *path)
{
	struct path p;

	REQUIRE_EQ(path_lookup(NULL, path, 0, &p), 0);
	(void)!pagecache_sync(p.dentry->inode->mapping, 0, INT64_MAX);
	pagecache_drop_clean(p.dentry->inode->mapping);
	path_put(&p);
}

/* Fill the file system but for @left blocks, with a letter. */
static void fill_up(const char *path, uint32_t block, unsigned left)
{
	static uint8_t buf[65536];
	struct kstatfs sf;
	struct path root;
	int64_t at = 0;
	struct path p;

	memset(buf, 'S', sizeof(buf));
	fs_get_root(&root);
	while (put(path, buf, block, at, 0) == 0)
		at += block;
	REQUIRE_EQ(path_lookup(NULL, path, 0, &p), 0);
	do {
		at -= block;
		EXPECT_EQ(vfs_truncate(&p, at), 0);
		EXPECT_EQ(vfs_sync_all(), 0);
		EXPECT_EQ(vfs_statfs(&root, &sf), 0);
	} while (sf.bfree < left && at > 0);
	EXPECT_EQ(sf.bfree, left);
	path_put(&p);
	path_put(&root);
}

static void enospc_inside_a_page(int64_t hole_at, bool whole)
{
	static uint8_t buf[4096];
	char name[20];
	static unsigned r;
	unsigned bad = 0;

	scnprintf(name, sizeof(name), "half%u", r++);
	current->fs = NULL;
	mount_image(name, "-b 1024 -m 0 3M");
	EXPECT_EQ(put("/sparse", "x", 1, hole_at + 8192, 0), 0);
	fill_up("/fill", 1024, 2);
	memset(buf, 'N', sizeof(buf));
	EXPECT_EQ(put("/sparse", buf, whole ? 4096 : 4000, hole_at + (whole ? 0 : 50), 0), -ENOSPC);
	drop_pages("/sparse");
	EXPECT_EQ(get("/sparse", buf, sizeof(buf), hole_at), 4096);
	for (unsigned k = 0; k < sizeof(buf); k++)
		bad += buf[k] == 'S';
	EXPECT_EQ(bad, 0);
	finish(name);
}

TEST(enospc_in_the_middle_of_a_page_shows_nothing_old)
{
	enospc_inside_a_page(0, true);
	enospc_inside_a_page(0, false);
	enospc_inside_a_page(12 * 1024 - 2048 - 2048, true);
	enospc_inside_a_page(8192, false); /* blocks 8 to 11, and 12 in an indirect block */
}

TEST(a_full_disk_can_replace_files_for_ever)
{
	static uint8_t buf[60000];

	mount_image("replace", "-b 1024 -m 0 1M");
	for (unsigned k = 0; k < 200; k++) {
		memset(buf, 'a' + (int)k % 26, sizeof(buf));
		REQUIRE_EQ(put("/new", buf, sizeof(buf), 0, 0), 0);
		REQUIRE_EQ(vfs_rename(NULL, "/new", NULL, "/name", 0), 0);
		unit_rcu_flush();
	}
	finish("replace");
}

/* ---- no memory ---- */

/* Nothing of the file system stays in memory but what is in use. */
static void forget_all(void)
{
	EXPECT_EQ(vfs_sync_all(), 0);
	unit_rcu_flush();
	for (unsigned k = 0; k < 100 && reclaim_direct(GFP_KERNEL); k++)
		unit_rcu_flush();
}

typedef int (*op_fn)(unsigned k);

static int op_create(unsigned k)
{
	char path[300];

	scnprintf(path, sizeof(path), "/dir/created-%u-%0200u", k, k);
	return put(path, "", 0, 0, O_EXCL);
}

static int op_mkdir(unsigned k)
{
	char path[40];

	scnprintf(path, sizeof(path), "/dir/sub%u", k);
	return vfs_mkdir(NULL, path, 0755);
}

static int op_rmdir(unsigned k)
{
	char path[40];

	scnprintf(path, sizeof(path), "/dir/old%u", k);
	return vfs_rmdir(NULL, path);
}

static int op_symlink(unsigned k)
{
	char path[40], text[200];

	scnprintf(path, sizeof(path), "/dir/link%u", k);
	memset(text, 't', sizeof(text));
	text[199] = 0;
	return vfs_symlink(text, NULL, path);
}

static int op_link(unsigned k)
{
	char path[40];
	struct path p;
	int err = path_lookup(NULL, "/target", 0, &p);

	if (err)
		return err;
	scnprintf(path, sizeof(path), "/dir/hard%u", k);
	err = vfs_link(&p, NULL, path);
	path_put(&p);
	return err;
}

static int op_unlink(unsigned k)
{
	char path[40];

	scnprintf(path, sizeof(path), "/dir/file%u", k);
	return vfs_unlink(NULL, path);
}

static int op_rename(unsigned k)
{
	char from[40], to[40];

	scnprintf(from, sizeof(from), "/dir/file%u", k);
	scnprintf(to, sizeof(to), "/other/moved%u", k);
	return vfs_rename(NULL, from, NULL, to, 0);
}

static int op_replace(unsigned k)
{
	char from[40], to[40];

	scnprintf(from, sizeof(from), "/dir/file%u", k);
	scnprintf(to, sizeof(to), "/other/file%u", k);
	return vfs_rename(NULL, from, NULL, to, 0);
}

static int op_move_dir(unsigned k)
{
	char from[40], to[40];

	scnprintf(from, sizeof(from), "/dir/old%u", k);
	scnprintf(to, sizeof(to), "/other/new%u", k);
	return vfs_rename(NULL, from, NULL, to, 0);
}

static int op_exchange(unsigned k)
{
	char from[40], to[40];

	scnprintf(from, sizeof(from), "/dir/old%u", k);
	scnprintf(to, sizeof(to), "/other/file%u", k);
	return vfs_rename(NULL, from, NULL, to, RENAME_EXCHANGE);
}

static int op_write(unsigned k)
{
	char path[40];

	scnprintf(path, sizeof(path), "/dir/file%u", k);
	return put(path, path, sizeof(path), 20000 + (int64_t)k * 300000, 0);
}

static int op_truncate(unsigned k)
{
	char path[40];
	struct path p;
	int err;

	scnprintf(path, sizeof(path), "/dir/file%u", k);
	err = path_lookup(NULL, path, 0, &p);
	if (err)
		return err;
	err = vfs_truncate(&p, 100);
	path_put(&p);
	return err;
}

static int op_chmod(unsigned k)
{
	char path[40];
	struct path p;
	int err;

	scnprintf(path, sizeof(path), "/dir/file%u", k);
	err = path_lookup(NULL, path, 0, &p);
	if (err)
		return err;
	err = vfs_chmod(&p, 0600);
	path_put(&p);
	return err;
}

static int op_fsync(unsigned k)
{
	char path[40];
	struct file *f;
	int err;

	scnprintf(path, sizeof(path), "/dir/file%u", k);
	err = put(path, path, sizeof(path), 3000, 0);
	if (err)
		return err;
	err = vfs_open(NULL, path, O_RDWR, 0, LOOKUP_FOLLOW, &f);
	if (err)
		return err;
	err = vfs_fsync(f, 0, INT64_MAX, false);
	file_put(f);
	return err;
}

/* The @n-th allocation of the operation and all after it fail, for every n until it succeeds. */
static void starve(const char *what, const char *options, op_fn op)
{
	char name[40], path[40];
	struct path root;
	unsigned failed = 0;
	int err = -ENOMEM;

	scnprintf(name, sizeof(name), "starve-%s", what);
	current->fs = NULL;
	mount_image(name, options);
	EXPECT_EQ(vfs_mkdir(NULL, "/dir", 0755), 0);
	EXPECT_EQ(vfs_mkdir(NULL, "/other", 0755), 0);
	EXPECT_EQ(put("/target", "", 0, 0, 0), 0);
	for (unsigned k = 0; k < 40; k++) {
		scnprintf(path, sizeof(path), "/dir/file%u", k);
		EXPECT_EQ(put(path, path, sizeof(path), k * 1000, 0), 0);
		scnprintf(path, sizeof(path), "/other/file%u", k);
		EXPECT_EQ(put(path, path, sizeof(path), k * 1000, 0), 0);
		scnprintf(path, sizeof(path), "/dir/old%u", k);
		EXPECT_EQ(vfs_mkdir(NULL, path, 0755), 0);
	}
	fs_get_root(&root);
	for (unsigned n = 0; n < 40; n++) {
		forget_all();
		alloc_fail_after((long)n);
		err = op(n);
		alloc_fail_after(-1);
		unit_rcu_flush();
		unit_run_work();
		if (err && err != -ENFILE)
			EXPECT_EQ(err, -ENOMEM);
		failed += err != 0;
		REQUIRE(!sb_rdonly(root.mnt->sb));
		if (err) { /* it can be done afterwards */
			err = op(n);
			EXPECT_EQ(err, 0);
		}
	}
	EXPECT(failed > 0);
	path_put(&root);
	finish(name);
}

#define STARVE(name)                                                                               \
	TEST(name##_without_memory_fails_whole_or_waits)                                           \
	{                                                                                          \
		starve(#name "1k", "-b 1024 -I 128 8M", op_##name);                                \
		starve(#name "4k", "-b 4096 8M", op_##name);                                       \
	}
STARVE(create)
STARVE(mkdir)
STARVE(rmdir)
STARVE(symlink)
STARVE(link)
STARVE(unlink)
STARVE(rename)
STARVE(replace)
STARVE(move_dir)
STARVE(exchange)
STARVE(write)
STARVE(truncate)
STARVE(chmod)
STARVE(fsync)
