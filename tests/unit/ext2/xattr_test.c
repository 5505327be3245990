/*
 * xattr_test.c - extended attributes on images: written here and judged by e2fsck and debugfs, made
 * by debugfs and read here, against a model, in shared, corrupt and full blocks.
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
 * kernel/vfs/inode.c kernel/vfs/locks.c */
/* LINK: kernel/vfs/mmap.c kernel/vfs/mount.c kernel/vfs/mount_ops.c kernel/vfs/mount_ns.c
 * kernel/vfs/propagate.c kernel/vfs/namei.c kernel/vfs/open.c kernel/vfs/ops.c */
/* LINK: kernel/vfs/pipe.c kernel/vfs/poll.c kernel/vfs/readdir.c kernel/vfs/rename.c
 * kernel/vfs/rw.c kernel/vfs/splice.c */
/* LINK: kernel/vfs/super.c kernel/vfs/vfs.c kernel/vfs/xattr.c */
/* LINK: kernel/policy/cred.c kernel/policy/policy.c */
/* LINK: kernel/mm/mm.c kernel/mm/vma.c kernel/mm/mmap.c kernel/mm/zap.c kernel/mm/tlb.c */
/* LINK: kernel/mm/protect.c kernel/mm/remap.c kernel/mm/brk.c kernel/mm/advise.c */
/* LINK: kernel/mm/lock.c kernel/mm/access.c kernel/mm/fault.c kernel/mm/cow.c kernel/mm/fork.c */
/* LINK: kernel/mm/shmem.c kernel/mm/rmap.c kernel/mm/pagecache.c kernel/mm/readahead.c */
/* LINK: kernel/mm/filewrite.c kernel/mm/truncate.c kernel/mm/dirty.c kernel/mm/writeback.c */
/* LINK: kernel/mm/lru.c kernel/mm/reclaim.c kernel/mm/lazyfree.c kernel/mm/oom.c kernel/mm/stats.c
 */
/* LINK: kernel/mm/iov_iter.c kernel/mm/page_wait.c kernel/mm/xarray_nodes.c */
/* LINK: kernel/lib/xarray.c kernel/lib/rbtree.c kernel/lib/hash.c kernel/lib/crc.c
 * kernel/lib/bitmap.c */
#include "kernel/fs/ext2/ext2.h"
#include "world.h"
#include <xattr.h>

/* ---- the calls, by name of the file; a link itself ---- */

static int set(const char *file, const char *name, const void *value, size_t size, unsigned flags)
{
	struct path p;
	int err = path_lookup(NULL, file, 0, &p);

	if (err)
		return err;
	err = vfs_setxattr(&p, name, value, size, flags);
	path_put(&p);
	return err;
}

static int set_text(const char *file, const char *name, const char *value)
{
	return set(file, name, value, strlen(value), 0);
}

static ssize_t value(const char *file, const char *name, void *buf, size_t size)
{
	struct path p;
	ssize_t n = path_lookup(NULL, file, 0, &p);

	if (n)
		return n;
	n = vfs_getxattr(&p, name, buf, size);
	path_put(&p);
	return n;
}

static int drop(const char *file, const char *name)
{
	struct path p;
	int err = path_lookup(NULL, file, 0, &p);

	if (err)
		return err;
	err = vfs_removexattr(&p, name);
	path_put(&p);
	return err;
}

static ssize_t list(const char *file, char *buf, size_t size)
{
	struct path p;
	ssize_t n = path_lookup(NULL, file, 0, &p);

	if (n)
		return n;
	n = vfs_listxattr(&p, buf, size);
	path_put(&p);
	return n;
}

static void expect_text(const char *file, const char *name, const char *text)
{
	char buf[5000] = "";
	ssize_t n = value(file, name, buf, sizeof(buf) - 1);

	EXPECT_EQ(n, (ssize_t)strlen(text));
	EXPECT_STR(buf, text);
}

static uint64_t blocks_of(const char *file)
{
	struct kstat st = {0};
	struct path p;

	if (!path_lookup(NULL, file, 0, &p)) {
		(void)!vfs_stat(&p, &st);
		path_put(&p);
	}
	return st.blocks;
}

/* A command of debugfs on the image, which must print exactly @text. */
static void debugfs(const char *img, const char *what, const char *text)
{
	char command[600];

	scnprintf(command, sizeof(command),
		"/usr/sbin/debugfs -w -R '%s' %s >%s.out 2>/dev/null; printf '%s' >%s.want; "
		"diff %s.out %s.want >&2",
		what, image(img), image(img), text, image(img), image(img), image(img));
	EXPECT_EQ(system(command), 0);
}

/* The image as it is becomes a new disk and the root. */
static void mount_again(const char *img)
{
	char name[32];

	scnprintf(name, sizeof(name), "%s-again", img);
	current->fs = NULL;
	make_disk_from(name, image(img));
	REQUIRE_EQ(vfs_mount_root(name, "ext2", 0), 0);
	current->fs->umask = 0;
}

/* A file system made by mke2fs with files "a" and "b", not mounted. */
static void make_image(const char *img, const char *options)
{
	char command[400];

	start();
	scnprintf(command, sizeof(command),
		"rm -rf %s %s.d; mkdir %s.d && echo one >%s.d/a && echo two >%s.d/b && "
		"/usr/sbin/mke2fs -q -F -t ext2 -d %s.d %s %s 4M",
		image(img), image(img), image(img), image(img), image(img), image(img), options,
		image(img));
	REQUIRE_EQ(system(command), 0);
}

/* ---- plain ---- */

static void basics(const char *img, const char *options, bool in_inode)
{
	char big[800], buf[1000];

	mount_image(img, options);
	memset(big, 'b', sizeof(big));
	EXPECT_EQ(put("/f", "x", 1, 0, 0), 0);
	uint64_t blocks = blocks_of("/f"), unit = EXT2_SB(current->fs->root.mnt->sb)->bs >> 9;

	EXPECT_EQ(vfs_mkdir(NULL, "/d", 0755), 0);
	EXPECT_EQ(vfs_symlink("f", NULL, "/l"), 0);
	EXPECT_EQ(value("/f", "user.a", NULL, 0), -ENODATA);
	EXPECT_EQ(list("/f", buf, sizeof(buf)), 0);
	EXPECT_EQ(set_text("/f", "user.a", "small"), 0);
	EXPECT_EQ(blocks_of("/f"), blocks + (in_inode ? 0 : unit));
	expect_text("/f", "user.a", "small");
	EXPECT_EQ(value("/f", "user.a", NULL, 0), 5);
	EXPECT_EQ(value("/f", "user.a", buf, 4), -ERANGE);
	EXPECT_EQ(set("/f", "user.a", "x", 1, XATTR_CREATE), -EEXIST);
	EXPECT_EQ(set("/f", "user.b", "x", 1, XATTR_REPLACE), -ENODATA);
	EXPECT_EQ(set("/f", "user.big", big, sizeof(big), 0), 0);
	EXPECT_EQ(blocks_of("/f"), blocks + unit);
	EXPECT_EQ(set("/f", "user.empty", "", 0, 0), 0);
	EXPECT_EQ(value("/f", "user.empty", buf, 10), 0);
	EXPECT_EQ(set_text("/f", "security.s", "sec"), 0);
	EXPECT_EQ(set_text("/f", "trusted.t", "tru"), 0);
	EXPECT_EQ(set_text("/f", "system.t", "tru"), -EOPNOTSUPP);
	EXPECT_EQ(list("/f", NULL, 0), 48);
	EXPECT_EQ(list("/f", buf, 48), 48);
	EXPECT_EQ(list("/f", buf, 47), -ERANGE);
	EXPECT_EQ(set("/f", "user.huge", big, 65536, 0), -ENOSPC);
	EXPECT_EQ(value("/f", "user.big", buf, sizeof(buf)), sizeof(big));
	EXPECT_MEM(buf, big, sizeof(big));
	EXPECT_EQ(set_text("/d", "user.dir", "of a directory"), 0);
	EXPECT_EQ(set_text("/l", "user.x", "no"), -EPERM);
	EXPECT_EQ(set("/l", "trusted.x", big, 300, 0), 0);
	EXPECT_EQ(drop("/f", "user.none"), -ENODATA);
	EXPECT_EQ(remount(MS_RDONLY), 0);
	EXPECT_EQ(set_text("/f", "user.a", "x"), -EROFS);
	fsck(img);
	debugfs(img, "ea_get -V /f user.a", "small\\n");
	debugfs(img, "ea_get -V /f trusted.t", "tru\\n");
	debugfs(img, "ea_get -V /d user.dir", "of a directory\\n");
	EXPECT_EQ(remount(0), 0);
	EXPECT_EQ(drop("/f", "user.big"), 0);
	EXPECT_EQ(drop("/f", "user.empty"), 0);
	EXPECT_EQ(drop("/f", "security.s"), 0);
	EXPECT_EQ(drop("/f", "trusted.t"), 0);
	EXPECT_EQ(drop("/f", "user.a"), 0);
	EXPECT_EQ(blocks_of("/f"), blocks);
	EXPECT_EQ(vfs_unlink(NULL, "/l"), 0);
	EXPECT_EQ(vfs_rmdir(NULL, "/d"), 0);
	finish(img);
}

TEST(basics_in_blocks_of_1k)
{
	basics("x1k", "-b 1024 -I 128 -N 2000 24M", false);
}

TEST(basics_in_inodes_and_blocks_of_4k)
{
	basics("x4k", "-b 4096 -I 256 24M", true);
}

TEST(basics_in_large_inodes)
{
	basics("x1kl", "-b 1024 -I 512 8M", true);
}

TEST(revision_0_learns_the_feature)
{
	basics("xrev0", "-b 1024 -r 0 -O none 16M", false);
	EXPECT(le32(((struct ext2_super_block *)(md->data + 1024))->feature_compat) & 8);
}

/* ---- what the host makes, and what it reads ---- */

static void host_made(const char *img, const char *options)
{
	char name[300] = "user.";

	make_image(img, options);
	debugfs(img, "ea_set /a user.one first", "");
	debugfs(img, "ea_set /a user.two 2", "");
	debugfs(img, "ea_set /a trusted.three third", "");
	debugfs(img, "ea_set /a security.four fourth", "");
	mount_again(img);
	expect_text("/a", "user.one", "first");
	expect_text("/a", "user.two", "2");
	expect_text("/a", "trusted.three", "third");
	expect_text("/a", "security.four", "fourth");
	EXPECT_EQ(list("/a", NULL, 0), 9 + 9 + 14 + 14);
	EXPECT_EQ(set_text("/a", "user.one", "another first"), 0);
	memset(name + 5, 'n', 250);
	EXPECT_EQ(set_text("/a", name, "long name"), 0);
	expect_text("/a", name, "long name");
	EXPECT_EQ(drop("/a", "user.two"), 0);
	finish(img);
	debugfs(img, "ea_get -V /a user.one", "another first\\n");
	debugfs(img, "ea_get -V /a trusted.three", "third\\n");
}

TEST(debugfs_and_ambit_agree_in_a_block)
{
	host_made("host1k", "-b 1024 -I 128");
}

TEST(debugfs_and_ambit_agree_in_an_inode)
{
	host_made("host4k", "-b 4096 -I 256");
}

/* Names above 127: the hash takes their bytes as unsigned. */
TEST(names_of_any_bytes)
{
	mount_image("bytes", "-b 1024 -I 128 8M");
	EXPECT_EQ(put("/f", "x", 1, 0, 0), 0);
	EXPECT_EQ(set_text("/f", "user.gr\xc3\xbc\xc3\x9f", "hallo"), 0);
	expect_text("/f", "user.gr\xc3\xbc\xc3\x9f", "hallo");
	finish("bytes");
}

/* ---- shared blocks ---- */

/* "b" comes to share the block of "a", as other systems let files with equal attributes. */
static void share(const char *img)
{
	struct ext2_disk_inode *a, *b;
	uint32_t table;

	make_image(img, "-b 1024 -I 128");
	debugfs(img, "ea_set /a user.x shared", "");
	debugfs(img, "ea_set /a trusted.y too", "");
	current->fs = NULL;
	make_disk_from(img, image(img));
	table = le32(((struct ext2_group_desc *)(md->data + 2048))->inode_table);
	a = (struct ext2_disk_inode *)(md->data + table * 1024 + 11 * 128);
	b = a + 1;
	b = (struct ext2_disk_inode *)((char *)a + 128);
	b->file_acl = a->file_acl;
	b->blocks = a->blocks;
	*(__le32 *)(md->data + le32(a->file_acl) * 1024 + 4) = to_le32(2);
	fsck(img);
	mount_again(img);
}

TEST(a_shared_block_is_copied_before_it_changes)
{
	share("share");
	expect_text("/a", "user.x", "shared");
	expect_text("/b", "user.x", "shared");
	EXPECT_EQ(set_text("/b", "user.x", "mine"), 0);
	expect_text("/a", "user.x", "shared");
	expect_text("/b", "user.x", "mine");
	expect_text("/b", "trusted.y", "too");
	EXPECT_EQ(set_text("/a", "user.x", "mine"), 0);
	finish("share");
}

TEST(a_shared_block_is_freed_by_the_last)
{
	share("share2");
	EXPECT_EQ(drop("/a", "user.x"), 0);
	EXPECT_EQ(drop("/a", "trusted.y"), 0);
	expect_text("/b", "user.x", "shared");
	EXPECT_EQ(vfs_unlink(NULL, "/b"), 0);
	finish("share2");
	share("share3");
	EXPECT_EQ(vfs_unlink(NULL, "/b"), 0);
	EXPECT_EQ(set_text("/a", "user.x", "in place"), 0);
	expect_text("/a", "user.x", "in place");
	finish("share3");
}
