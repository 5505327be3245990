/*
 * ext2_test.c - the whole way down: vfs, page cache, ext2, block room, on images that mke2fs made,
 * judged by e2fsck.
 *
 * A disk is memory; its submit() completes at once. At the end of each test the file system is
 * remounted read-only, the image written to build/ and checked with `e2fsck -fn`, which must find
 * nothing.
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
#include "kernel/fs/ext2/ext2.h"
#include "world.h"

static void basics(const char *name, const char *options)
{
	char buf[5000], path[300];
	struct kstat st;
	struct path p;

	mount_image(name, options);
	for (unsigned i = 0; i < sizeof(buf); i++)
		buf[i] = (char)(i * 7);
	EXPECT_EQ(put("/a", buf, sizeof(buf), 0, 0), 0);
	EXPECT_EQ(put("/sparse", "end", 3, 70000000, 0), 0);
	EXPECT_EQ(put("/big", "end", 3, 3000000000ll, 0), 0);
	EXPECT_EQ(vfs_mkdir(NULL, "/d", 0755), 0);
	EXPECT_EQ(vfs_mkdir(NULL, "/d/e", 0755), 0);
	EXPECT_EQ(vfs_rmdir(NULL, "/d"), -ENOTEMPTY);
	EXPECT_EQ(vfs_symlink("short", NULL, "/d/s"), 0);
	memset(path, 'x', 200);
	path[200] = 0;
	EXPECT_EQ(vfs_symlink(path, NULL, "/d/long"), 0);
	REQUIRE_EQ(path_lookup(NULL, "/d/long", 0, &p), 0);
	EXPECT_EQ(vfs_readlink(&p, buf, 300), 200);
	path_put(&p);
	EXPECT_EQ(vfs_rename(NULL, "/d/e", NULL, "/e", 0), 0);
	EXPECT_EQ(vfs_rename(NULL, "/a", NULL, "/e/a", 0), 0);
	EXPECT_EQ(get("/a", buf, 10, 0), -ENOENT);
	EXPECT_EQ(get("/e/a", buf, sizeof(buf), 0), sizeof(buf));
	EXPECT_EQ(buf[4999], (char)(4999 * 7));
	EXPECT_EQ(put("/e/b", "bb", 2, 0, 0), 0);
	EXPECT_EQ(vfs_rename(NULL, "/e/a", NULL, "/e/b", RENAME_EXCHANGE), 0);
	EXPECT_EQ(get("/e/a", buf, 10, 0), 2);
	EXPECT_EQ(vfs_rename(NULL, "/e/a", NULL, "/e/b", RENAME_NOREPLACE), -EEXIST);
	EXPECT_EQ(vfs_rename(NULL, "/d", NULL, "/e", RENAME_EXCHANGE), 0);
	REQUIRE_EQ(path_lookup(NULL, "/d/b", 0, &p), 0);
	EXPECT_EQ(vfs_link(&p, NULL, "/link"), 0);
	EXPECT_EQ(vfs_stat(&p, &st), 0);
	EXPECT_EQ(st.nlink, 2);
	EXPECT_EQ(vfs_truncate(&p, 1500), 0);
	EXPECT_EQ(vfs_truncate(&p, 9000), 0);
	EXPECT_EQ(get("/link", buf, sizeof(buf), 0), 5000);
	EXPECT_EQ(buf[1499], (char)(1499 * 7));
	EXPECT_EQ(buf[1500], 0);
	EXPECT_EQ(buf[4999], 0);
	path_put(&p);
	EXPECT_EQ(vfs_mknod(NULL, "/null", S_IFCHR | 0666, MKDEV(1, 3)), 0);
	EXPECT_EQ(vfs_mknod(NULL, "/wide", S_IFBLK | 0600, MKDEV(259, 70000)), 0);
	EXPECT_EQ(vfs_unlink(NULL, "/sparse"), 0);
	EXPECT_EQ(get("/big", buf, 10, 3000000000ll), 3);
	EXPECT_EQ(buf[0], 'e');
	finish(name);
}

TEST(basics_1k_inodes_128)
{
	basics("b1k", "-b 1024 -I 128 -N 2000 24M");
}

TEST(basics_2k)
{
	basics("b2k", "-b 2048 -I 256 24M");
}

TEST(basics_4k)
{
	basics("b4k", "-b 4096 -I 256 24M");
}

TEST(revision_0_without_features)
{
	basics("rev0", "-b 1024 -r 0 -O none 16M");
}

static void many_names(const char *name, const char *options, unsigned n)
{
	char path[300];

	mount_image(name, options);
	EXPECT_EQ(vfs_mkdir(NULL, "/dir", 0755), 0);
	for (unsigned i = 0; i < n; i++) {
		scnprintf(path, sizeof(path), "/dir/file-%u-%.*s", i * 37, (int)(i % 120),
			"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuv"
			"wxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnop");
		if (!EXPECT_EQ(put(path, path, strlen(path), 0, O_EXCL), 0))
			break;
	}
	EXPECT_EQ(count("/dir"), n + 2);
	for (unsigned i = 0; i < n; i += 2) {
		scnprintf(path, sizeof(path), "/dir/file-%u-%.*s", i * 37, (int)(i % 120),
			"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuv"
			"wxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnop");
		if (!EXPECT_EQ(vfs_unlink(NULL, path), 0))
			break;
	}
	EXPECT_EQ(count("/dir"), n / 2 + 2);
	for (unsigned i = 0; i < n / 2; i++) {
		scnprintf(path, sizeof(path), "/dir/again%u", i);
		if (!EXPECT_EQ(put(path, path, strlen(path), 0, O_EXCL), 0))
			break;
	}
	EXPECT_EQ(count("/dir"), n + 2);
	EXPECT_EQ(get("/dir/again77", path, sizeof(path), 0), 12);
	EXPECT_EQ(get("/dir/again777777", path, sizeof(path), 0), -ENOENT);
	finish(name);
}

TEST(many_names_4k)
{
	many_names("n4k", "-b 4096 -N 8000 64M", 4000);
}

TEST(many_names_1k)
{
	many_names("n1k", "-b 1024 -N 8000 32M", 2000);
}

TEST(full_disk_gives_enospc_and_recovers)
{
	static char block[65536];
	struct path root;
	struct kstatfs before, after;
	char path[40];
	unsigned n;
	int err = 0;

	mount_image("full", "-b 1024 -m 0 8M");
	fs_get_root(&root);
	EXPECT_EQ(vfs_statfs(&root, &before), 0);
	for (unsigned round = 0; round < 3; round++) {
		for (n = 0; n < 1000 && !err; n++) {
			scnprintf(path, sizeof(path), "/f%u", n);
			err = put(path, block, sizeof(block), 0, 0);
		}
		EXPECT_EQ(err, -ENOSPC);
		EXPECT_EQ(vfs_statfs(&root, &after), 0);
		EXPECT(after.bfree < 70);
		for (unsigned i = 0; i < n; i++) {
			scnprintf(path, sizeof(path), "/f%u", i);
			EXPECT_EQ(vfs_unlink(NULL, path), 0);
		}
		unit_rcu_flush();
		EXPECT_EQ(vfs_statfs(&root, &after), 0);
		if (round == 0) /* the root directory has grown */
			before = after;
		EXPECT_EQ(after.bfree, before.bfree);
		EXPECT_EQ(after.ffree, before.ffree);
		err = 0;
	}
	path_put(&root);
	finish("full");
}

TEST(no_inodes_left)
{
	char path[40];
	int err = 0;
	unsigned n;

	mount_image("noino", "-b 1024 -N 128 4M");
	for (n = 0; n < 300 && !err; n++) {
		scnprintf(path, sizeof(path), "/i%u", n);
		err = put(path, "", 0, 0, 0);
	}
	EXPECT_EQ(err, -ENOSPC);
	for (unsigned i = 0; i < n - 1; i++) {
		scnprintf(path, sizeof(path), "/i%u", i);
		EXPECT_EQ(vfs_unlink(NULL, path), 0);
	}
	EXPECT_EQ(put("/again", "x", 1, 0, 0), 0);
	finish("noino");
}

TEST(unlinked_open_file_is_an_orphan_on_disk)
{
	struct file *f;
	char buf[8];

	mount_image("orph", "-b 4096 8M");
	EXPECT_EQ(put("/o", "data", 4, 0, 0), 0);
	REQUIRE_EQ(vfs_open(NULL, "/o", O_RDWR, 0, LOOKUP_FOLLOW, &f), 0);
	EXPECT_EQ(vfs_unlink(NULL, "/o"), 0);
	EXPECT_EQ(vfs_sync_all(), 0);
	EXPECT(*(uint32_t *)(md->data + 1024 + 232) != 0);
	EXPECT_EQ(kernel_write(f, "more", 4, 4), 4);
	EXPECT_EQ(kernel_read(f, buf, 8, 0), 8);
	file_put(f);
	unit_rcu_flush();
	finish("orph");
	EXPECT_EQ(*(uint32_t *)(md->data + 1024 + 232), 0);
}

/* What e2fsck(8) goes by: clean unless mounted writable, and how often it was. */
TEST(superblock_says_whether_it_is_in_use)
{
	const struct ext2_super_block *d;

	mount_image("state", "-b 4096 8M");
	d = (void *)(md->data + 1024);
	for (unsigned mounts = 1; mounts < 4; mounts++) {
		EXPECT_EQ(le16(d->state) & EXT2_VALID_FS, 0);
		EXPECT_EQ(le16(d->mnt_count), mounts);
		EXPECT_EQ(remount(MS_RDONLY), 0);
		EXPECT_EQ(le16(d->state), EXT2_VALID_FS);
		EXPECT_EQ(put("/x", "y", 1, 0, 0), -EROFS);
		EXPECT_EQ(remount(0), 0);
	}
	EXPECT_EQ(put("/x", "y", 1, 0, 0), 0);
	finish("state");
}

/* The machine ended while a deleted file was open. */
TEST(orphans_wait_while_read_only_and_are_freed_when_writable_again)
{
	const struct ext2_super_block *d;
	struct file *f;

	mount_image("orph2", "-b 4096 8M");
	EXPECT_EQ(put("/o", "data", 4, 0, 0), 0);
	REQUIRE_EQ(vfs_open(NULL, "/o", O_RDONLY, 0, LOOKUP_FOLLOW, &f), 0);
	EXPECT_EQ(vfs_unlink(NULL, "/o"), 0);
	EXPECT_EQ(remount(MS_RDONLY), -EBUSY);
	EXPECT_EQ(vfs_sync_super(f->inode->sb), 0);
	save_image("orph2");
	file_put(f);
	finish("orph2-closed");

	current->fs = NULL;
	make_disk_from("orph2-after", image("orph2"));
	d = (void *)(md->data + 1024);
	REQUIRE_EQ(vfs_mount_root("orph2-after", "ext2", MS_RDONLY), 0);
	EXPECT(le32(d->last_orphan) != 0);
	EXPECT_EQ(remount(0), 0);
	finish("orph2-after");
	EXPECT_EQ(le32(d->last_orphan), 0);
}

/* A program changes the device below a file system that is mounted read-only. */
static void patch(uint64_t at, uint32_t value)
{
	struct page *p;

	REQUIRE_EQ(pagecache_get(&bdev_by_name("repair")->mapping, at >> PAGE_SHIFT, &p), 0);
	memcpy((char *)page_address(p) + (at & (PAGE_SIZE - 1)), &value, sizeof(value));
	bdev_mark_dirty(p, at & (PAGE_SIZE - 1), sizeof(value));
	page_put(p);
}

TEST(what_a_repair_wrote_is_true_after_the_remount)
{
	enum { BLOCKS = 1024 + 4, FREE_OF_GROUP = 4096 + 12 };
	struct path root;
	struct kstatfs st;
	uint32_t blocks, free;

	mount_image("repair", "-b 4096 8M");
	EXPECT_EQ(remount(MS_RDONLY), 0);
	memcpy(&blocks, md->data + BLOCKS, 4);
	memcpy(&free, md->data + FREE_OF_GROUP, 4);
	patch(FREE_OF_GROUP, free - 5);
	EXPECT_EQ(remount(0), 0);
	fs_get_root(&root);
	EXPECT_EQ(vfs_statfs(&root, &st), 0);
	path_put(&root);
	EXPECT_EQ(st.bfree, (free & 0xffff) - 5);
	EXPECT_EQ(remount(MS_RDONLY), 0);
	patch(FREE_OF_GROUP, 0xffffffff);
	EXPECT_EQ(remount(0), -EINVAL);
	patch(FREE_OF_GROUP, free);
	patch(BLOCKS, blocks + 8);
	EXPECT_EQ(remount(0), -EINVAL);
	patch(BLOCKS, blocks);
	EXPECT_EQ(remount(0), 0);
	finish("repair");
}

TEST(fsync_flushes_and_stays_consistent)
{
	struct file *f;
	unsigned before;

	mount_image("fsync", "-b 4096 8M");
	REQUIRE_EQ(vfs_open(NULL, "/s", O_RDWR | O_CREAT, 0644, LOOKUP_FOLLOW, &f), 0);
	EXPECT_EQ(kernel_write(f, "0123456789", 10, 0), 10);
	before = md->flushes;
	EXPECT_EQ(vfs_fsync(f, 0, INT64_MAX, false), 0);
	EXPECT(md->flushes > before);
	fsck("fsync"); /* in use, but whole */
	file_put(f);
	finish("fsync");
}

TEST(write_error_makes_it_read_only)
{
	struct file *f;

	mount_image("werr", "-b 4096 8M");
	REQUIRE_EQ(vfs_open(NULL, "/w", O_RDWR | O_CREAT, 0644, LOOKUP_FOLLOW, &f), 0);
	EXPECT_EQ(kernel_write(f, "0123456789", 10, 0), 10);
	md->fail_write_at = 64;
	EXPECT_EQ(vfs_fsync(f, 0, INT64_MAX, false), -EIO);
	unit_run_work();
	file_put(f);
	EXPECT_EQ(put("/x", "y", 1, 0, 0), -EROFS);
}

/* Random operations beside a model in memory. */
#define FILES 24
#define MOST  300000u
struct model {
	bool exists;
	uint32_t size;
	uint8_t *data;
};

static void check_file(const char *path, const struct model *m)
{
	static uint8_t buf[MOST + 10];

	if (!EXPECT_EQ(get(path, buf, sizeof(buf), 0), m->exists ? (ssize_t)m->size : -ENOENT) ||
		!m->exists)
		return;
	EXPECT_MEM(buf, m->data, m->size);
}

static void random_op(struct model *m, unsigned i)
{
	static uint8_t buf[40000];
	char path[30];
	uint32_t n = (uint32_t)unit_below(sizeof(buf)),
		 at = (uint32_t)unit_below(MOST - sizeof(buf));
	struct path p;

	scnprintf(path, sizeof(path), "/r%u/f%u", i % 3, i);
	switch (unit_below(6)) {
	case 0:
	case 1:
		for (unsigned k = 0; k < n; k++)
			buf[k] = (uint8_t)unit_random();
		if (unit_below(2))
			at = m->exists ? m->size : 0;
		if (at + n > MOST)
			return;
		if (!EXPECT_EQ(put(path, buf, n, at, 0), 0))
			return;
		if (n && at > m->size)
			memset(m->data + m->size, 0, at - m->size);
		memcpy(m->data + at, buf, n);
		m->size = n ? MAX(m->size, at + n) : m->size;
		m->exists = true;
		break;
	case 2:
		if (!m->exists)
			return;
		REQUIRE_EQ(path_lookup(NULL, path, 0, &p), 0);
		n = (uint32_t)unit_below(MOST);
		EXPECT_EQ(vfs_truncate(&p, n), 0);
		path_put(&p);
		if (n > m->size)
			memset(m->data + m->size, 0, n - m->size);
		m->size = n;
		break;
	case 3:
		EXPECT_EQ(vfs_unlink(NULL, path), m->exists ? 0 : -ENOENT);
		m->exists = false;
		m->size = 0;
		break;
	case 4:
		check_file(path, m);
		break;
	case 5:
		if (unit_below(4) == 0)
			EXPECT_EQ(vfs_sync_all(), 0);
		break;
	}
}

static void storm(const char *name, const char *options)
{
	struct model m[FILES] = {0};
	char path[30];
	struct block_device *b;

	mount_image(name, options);
	for (unsigned i = 0; i < 3; i++) {
		scnprintf(path, sizeof(path), "/r%u", i);
		EXPECT_EQ(vfs_mkdir(NULL, path, 0755), 0);
	}
	for (unsigned i = 0; i < FILES; i++)
		m[i].data = unit_malloc(MOST);
	for (unsigned k = 0; k < 1500; k++) {
		unsigned i = (unsigned)unit_below(FILES);

		random_op(&m[i], i);
		if (k % 100 == 0)
			unit_run_work();
	}
	EXPECT_EQ(vfs_sync_all(), 0);
	b = bdev_by_name(name);
	pagecache_drop_clean(&b->mapping);
	bdev_put(b);
	for (unsigned i = 0; i < FILES; i++) {
		struct path p;

		scnprintf(path, sizeof(path), "/r%u/f%u", i % 3, i);
		if (m[i].exists && !path_lookup(NULL, path, 0, &p)) {
			pagecache_drop_clean(p.dentry->inode->mapping);
			path_put(&p);
		}
		check_file(path, &m[i]);
		unit_free(m[i].data);
	}
	finish(name);
}

TEST(storm_1k)
{
	storm("st1k", "-b 1024 24M");
}

TEST(storm_4k)
{
	storm("st4k", "-b 4096 24M");
}

/* ---- power cuts ---- */

static void noise(void)
{
	static uint8_t buf[40000];
	char path[30], other[30];
	struct path p;

	scnprintf(
		path, sizeof(path), "/d%u/n%u", (unsigned)unit_below(3), (unsigned)unit_below(20));
	scnprintf(other, sizeof(other), "/d%u/n%u", (unsigned)unit_below(3),
		(unsigned)unit_below(20));
	switch (unit_below(7)) {
	case 0:
	case 1:
	case 2:
		memset(buf, 'N', sizeof(buf));
		EXPECT_EQ(
			put(path, buf, unit_below(sizeof(buf)), (int64_t)unit_below(100000), 0), 0);
		break;
	case 3:
		(void)!vfs_unlink(NULL, path);
		break;
	case 4:
		(void)!vfs_rename(NULL, path, NULL, other, 0);
		break;
	case 5:
		if (path_lookup(NULL, path, 0, &p))
			break;
		EXPECT_EQ(vfs_truncate(&p, (int64_t)unit_below(50000)), 0);
		path_put(&p);
		break;
	case 6: { /* the flusher comes by */
		struct path root;

		fs_get_root(&root);
		(void)!pagecache_write_async(&root.mnt->sb->bdev->mapping);
		if (!path_lookup(NULL, path, 0, &p)) {
			(void)!pagecache_write_async(p.dentry->inode->mapping);
			path_put(&p);
		}
		path_put(&root);
		break;
	}
	}
}

static uint8_t kept_byte(unsigned k, uint32_t i)
{
	return (uint8_t)(k * 31 + i * 7 + (i >> 8));
}

static void make_kept(unsigned k)
{
	static uint8_t buf[30000];
	uint32_t n = 1000 + k * 613 % 28000;
	char path[30], temp[30];
	struct file *f;

	for (uint32_t i = 0; i < n; i++)
		buf[i] = kept_byte(k, i);
	scnprintf(path, sizeof(path), "/d%u/kept%u", k % 3, k);
	scnprintf(temp, sizeof(temp), "%s", path);
	EXPECT_EQ(put(temp, buf, n, 0, 0), 0);
	REQUIRE_EQ(vfs_open(NULL, temp, O_RDWR, 0, LOOKUP_FOLLOW, &f), 0);
	EXPECT_EQ(vfs_fsync(f, 0, INT64_MAX, k % 2), 0);
	file_put(f);
}

static void check_kept(unsigned k)
{
	static uint8_t buf[32000];
	uint32_t n = 1000 + k * 613 % 28000;
	char path[30];

	scnprintf(path, sizeof(path), "/d%u/kept%u", k % 3, k);
	if (!EXPECT_EQ(get(path, buf, sizeof(buf), 0), n))
		return;
	for (uint32_t i = 0; i < n; i++)
		if (buf[i] != kept_byte(k, i)) {
			unit_fail(__FILE__, __LINE__, "%s: byte %u is wrong", path, i);
			return;
		}
}

static void power_cuts(const char *options, unsigned rounds)
{
	char name[20], command[200];
	static unsigned r;
	unsigned kept;

	for (rounds += r; r < rounds; r++) {
		kept = 0;
		scnprintf(name, sizeof(name), "cut%u", r);
		current->fs = NULL;
		mount_image(name, options);
		for (unsigned i = 0; i < 3; i++) {
			scnprintf(command, sizeof(command), "/d%u", i);
			EXPECT_EQ(vfs_mkdir(NULL, command, 0755), 0);
		}
		md->durable = unit_malloc(md->bytes);
		memcpy(md->durable, md->data, md->bytes);
		md->last = &md->first;
		for (unsigned k = 0; k < 150; k++) {
			noise();
			if (unit_below(12) == 0)
				make_kept(kept++);
			unit_rcu_flush();
		}
		settle(md, true);
		memcpy(md->data, md->durable, md->bytes);
		scnprintf(command, sizeof(command),
			"/usr/sbin/e2fsck -fy %s >%s.log 2>&1; [ $? -le 1 ]", image(name),
			image(name));
		{
			struct stream *f = fopen(image(name), "w");

			EXPECT_EQ(fwrite(md->data, 1, md->bytes, f), md->bytes);
			fclose(f);
		}
		EXPECT_EQ(system(command), 0);
		current->fs = NULL;
		scnprintf(command, sizeof(command), "after%u", r);
		make_disk_from(command, image(name));
		REQUIRE_EQ(vfs_mount_root(command, "ext2", 0), 0);
		current->fs->umask = 0;
		for (unsigned k = 0; k < kept; k++)
			check_kept(k);
		finish(command);
	}
}

TEST(power_cut_keeps_synced_files_1k)
{
	power_cuts("-b 1024 12M", 5);
}

TEST(power_cut_keeps_synced_files_4k)
{
	power_cuts("-b 4096 12M", 5);
}

TEST(corrupt_images_do_no_harm)
{
	static const unsigned field[] = {0, 4, 20, 24, 32, 40, 76, 84, 88, 96, 100};
	char name[20];

	start();
	for (unsigned k = 0; k < ARRAY_SIZE(field) * 3; k++) {
		static const uint32_t value[] = {0, 0xffffffff, 0x40};
		int err;

		scnprintf(name, sizeof(name), "bad%u", k);
		current->fs = NULL;
		make_disk(name, "-b 1024 1M");
		memcpy(md->data + 1024 + field[k / 3], &value[k % 3], field[k / 3] == 88 ? 2 : 4);
		pagecache_drop_clean(&bdev_by_name(name)->mapping);
		err = vfs_mount_root(name, "ext2", MS_RDONLY);
		EXPECT(err <= 0);
		unit_free(md->data);
	}
	for (unsigned k = 0; k < 60; k++) {
		char path[20];

		scnprintf(name, sizeof(name), "fuzz%u", k);
		current->fs = NULL;
		make_disk(name, "-b 1024 -d kernel/fs/ext2 1M");
		for (unsigned i = 0; i < 40; i++)
			md->data[2048 + unit_below(150000)] = (uint8_t)unit_random();
		pagecache_drop_clean(&bdev_by_name(name)->mapping);
		if (vfs_mount_root(name, "ext2", 0))
			continue;
		quiet = true;
		(void)count("/");
		quiet = false;
		(void)get("/super.c", path, sizeof(path), 5000);
		(void)!vfs_mkdir(NULL, "/newdir", 0755);
		for (unsigned i = 0; i < 20; i++) {
			scnprintf(path, sizeof(path), "/newdir/%u", i);
			(void)put(path, name, sizeof(name), (int64_t)i * 5000, 0);
		}
		(void)!vfs_unlink(NULL, "/dir.c");
		(void)!vfs_unlink(NULL, "/super.c");
		(void)!vfs_rename(NULL, "/txn.c", NULL, "/newdir/txn.c", 0);
		(void)!vfs_sync_all();
		unit_rcu_flush();
		unit_run_work();
	}
}
