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

/* Its record on the disk: the first that is not reserved. */
static struct ext2_disk_inode *record_of_a(unsigned bytes)
{
	const struct ext2_group_desc *g = (struct ext2_group_desc *)(md->data + 2048);
	uint8_t *table = md->data + le32(g->inode_table) * 1024;

	return (struct ext2_disk_inode *)(table + 11 * bytes);
}

static void finish_well(const char *img)
{
	EXPECT(!EXT2_SB(current->fs->root.mnt->sb)->has_error);
	finish(img);
}

/* Are the entries of its block in the order that others search by? On the disk as it is. */
static bool block_sorted(const char *file)
{
	const uint8_t *at, *last = NULL;
	struct path p;
	uint32_t block;
	bool good = true;

	if (path_lookup(NULL, file, 0, &p))
		return false;
	block = EXT2_I(p.dentry->inode)->file_acl;
	at = md->data + (uint64_t)block * EXT2_SB(p.mnt->sb)->bs + 32;
	path_put(&p);
	for (; block && *(const uint32_t *)at; at += (16 + at[0] + 3) & ~3u) {
		int c = last ? at[1] - last[1] : 1;

		c = c ? c : at[0] - last[0];
		c = c ? c : memcmp(at + 16, last + 16, at[0]);
		good &= c > 0;
		last = at;
	}
	return good;
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
	finish_well(img);
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
	finish_well(img);
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
	finish_well("bytes");
}

/* ---- shared blocks ---- */

/* "b" comes to share the block of "a", as other systems let files with equal attributes. */
static void share(const char *img)
{
	struct ext2_disk_inode *a, *b;

	make_image(img, "-b 1024 -I 128");
	debugfs(img, "ea_set /a user.x shared", "");
	debugfs(img, "ea_set /a trusted.y too", "");
	current->fs = NULL;
	make_disk_from(img, image(img));
	a = record_of_a(128);
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
	finish_well("share");
}

TEST(a_shared_block_is_freed_by_the_last)
{
	share("share2");
	EXPECT_EQ(drop("/a", "user.x"), 0);
	EXPECT_EQ(drop("/a", "trusted.y"), 0);
	expect_text("/b", "user.x", "shared");
	EXPECT_EQ(vfs_unlink(NULL, "/b"), 0);
	finish_well("share2");
	share("share3");
	EXPECT_EQ(vfs_unlink(NULL, "/b"), 0);
	EXPECT_EQ(set_text("/a", "user.x", "in place"), 0);
	expect_text("/a", "user.x", "in place");
	finish_well("share3");
}

/* ---- against a model ---- */

#define FILES 5u
#define NAMES 10u
static struct {
	bool there;
	unsigned size;
	uint8_t value[1200];
} model[FILES][NAMES];
static const char *const file_name[FILES] = {"/f", "/g", "/dir", "/link", "/late"};
static const char *const attr_name[NAMES] = {"trusted.a", "trusted.b", "trusted.overlay.opaque",
	"security.selinux", "trusted.0123456789012345678901234567890123456789012345678901234567890",
	"security.x", "trusted.c", "trusted.d", "trusted.zz", "security.capabilities"};

static void make_file(unsigned f)
{
	if (f == 2)
		EXPECT_EQ(vfs_mkdir(NULL, file_name[f], 0755), 0);
	else if (f == 3)
		EXPECT_EQ(vfs_symlink("somewhere", NULL, file_name[f]), 0);
	else
		EXPECT_EQ(put(file_name[f], "contents", 8, 0, 0), 0);
}

static void remove_file(unsigned f)
{
	EXPECT_EQ(f == 2 ? vfs_rmdir(NULL, file_name[f]) : vfs_unlink(NULL, file_name[f]), 0);
	memset(model[f], 0, sizeof(model[f]));
}

static bool same_as_model(unsigned f)
{
	static char buf[5000];
	ssize_t names = 0;

	for (unsigned k = 0; k < NAMES; k++) {
		ssize_t n = value(file_name[f], attr_name[k], buf, sizeof(buf));

		names += model[f][k].there ? (ssize_t)strlen(attr_name[k]) + 1 : 0;
		if (!EXPECT_EQ(n, model[f][k].there ? (ssize_t)model[f][k].size : -ENODATA) ||
			(n > 0 && !EXPECT_MEM(buf, model[f][k].value, (size_t)n)))
			return false;
	}
	return EXPECT_EQ(list(file_name[f], buf, sizeof(buf)), names);
}

static bool change_model(unsigned f, unsigned k)
{
	unsigned flags = unit_below(4) ? 0 : 1 + (unsigned)unit_below(2),
		 size = (unsigned)unit_below(unit_below(3) ? 40 : sizeof(model[0][0].value));
	uint8_t bytes[sizeof(model[0][0].value)];
	int want = xattr_check_flags(model[f][k].there, flags), err;

	for (unsigned n = 0; n < size; n++)
		bytes[n] = (uint8_t)unit_random();
	err = set(file_name[f], attr_name[k], bytes, size, flags);
	if (err == -ENOSPC && !want)
		return true;
	if (!EXPECT_EQ(err, want))
		return false;
	if (err)
		return true;
	model[f][k].there = true;
	model[f][k].size = size;
	memcpy(model[f][k].value, bytes, size);
	return true;
}

static void storm(const char *img, const char *options)
{
	static char chain[2][32];
	unsigned turn = 0;

	memset(model, 0, sizeof(model));
	mount_image(img, options);
	for (unsigned f = 0; f < FILES; f++)
		make_file(f);
	for (unsigned step = 0; step < 3000; step++) {
		unsigned f = (unsigned)unit_below(FILES), k = (unsigned)unit_below(NAMES);

		if (!unit_below(60)) {
			remove_file(f);
			make_file(f);
		} else if (!unit_below(3)) {
			int err = drop(file_name[f], attr_name[k]);

			EXPECT_EQ(err, model[f][k].there ? 0 : -ENODATA);
			memset(&model[f][k], 0, sizeof(model[f][k]));
		} else if (!change_model(f, k)) {
			break;
		}
		if (!same_as_model(f))
			break;
		if (step % 1000 == 999) {
			EXPECT_EQ(remount(MS_RDONLY), 0);
			for (f = 0; f < FILES; f++)
				EXPECT(block_sorted(file_name[f]));
			fsck(turn ? chain[turn & 1] : img);
			scnprintf(chain[!(turn & 1)], sizeof(chain[0]), "%s-%u", img, turn);
			save_image(chain[!(turn & 1)]);
			mount_again(chain[!(turn & 1)]);
			turn++;
			for (f = 0; f < FILES; f++)
				EXPECT(same_as_model(f));
		}
	}
	finish_well(chain[turn & 1]);
}

TEST(storm_in_blocks_of_1k)
{
	storm("xs1k", "-b 1024 -I 128 4M");
}

TEST(storm_in_inodes_of_256)
{
	storm("xs256", "-b 1024 -I 256 4M");
}

TEST(storm_in_blocks_of_4k)
{
	storm("xs4k", "-b 4096 -I 256 8M");
}

/* ---- no room, no memory, nonsense ---- */

TEST(a_full_disk_refuses_and_changes_nothing)
{
	static char chunk[65536];
	int64_t at = 0;

	mount_image("xfull", "-b 1024 -I 128 -m 0 2M");
	EXPECT_EQ(put("/f", "x", 1, 0, 0), 0);
	EXPECT_EQ(put("/g", "x", 1, 0, 0), 0);
	EXPECT_EQ(set_text("/g", "user.a", "before"), 0);
	while (!put("/big", chunk, sizeof(chunk), at, 0))
		at += sizeof(chunk);
	for (at = 0; !put("/more", chunk, 1024, at, 0);)
		at += 1024;
	EXPECT_EQ(set_text("/f", "user.a", "x"), -ENOSPC);
	EXPECT_EQ(value("/f", "user.a", NULL, 0), -ENODATA);
	EXPECT_EQ(list("/f", NULL, 0), 0);
	EXPECT_EQ(set_text("/g", "user.b", "a block is there"), 0);
	EXPECT_EQ(set("/g", "user.c", chunk, 1000, 0), -ENOSPC);
	EXPECT_EQ(vfs_sync_all(), 0);
	EXPECT_EQ(drop("/g", "user.b"), 0);
	EXPECT_EQ(drop("/g", "user.a"), 0); /* what it gives back waits for a commit */
	EXPECT_EQ(set_text("/f", "user.a", "x"), 0);
	finish_well("xfull");
}

TEST(no_memory_fails_a_change_whole)
{
	char buf[16];
	bool done = false;

	mount_image("xmem", "-b 1024 -I 256 4M");
	EXPECT_EQ(put("/f", "x", 1, 0, 0), 0);
	EXPECT_EQ(set_text("/f", "user.a", "before"), 0);
	for (long n = 0; n < 60 && !done; n++) {
		char big[300] = "after";
		int err;

		alloc_fail_after(n);
		err = set("/f", "user.a", big, sizeof(big), 0);
		alloc_fail_after(-1);
		if (err) {
			EXPECT_EQ(err, -ENOMEM);
			expect_text("/f", "user.a", "before");
		}
		done = !err;
	}
	EXPECT(done);
	for (long n = 0; n < 20; n++) {
		ssize_t len;

		alloc_fail_after(n);
		len = value("/f", "user.a", buf, 0);
		alloc_fail_after(-1);
		EXPECT(len == -ENOMEM || len == 300);
	}
	finish_well("xmem");
}

/* Everything the calls do with a file whose attributes may be anything. */
static void use(const char *file)
{
	static char buf[5000];

	(void)!list(file, buf, sizeof(buf));
	(void)!value(file, "user.one", buf, sizeof(buf));
	(void)!set_text(file, "user.one", "changed");
	(void)!set(file, "user.new", buf, 300, 0);
	(void)!drop(file, "user.two");
	(void)!put(file, "more", 4, 1, 0);
	(void)!list(file, buf, sizeof(buf));
	(void)!vfs_unlink(NULL, file);
}

/* Bytes of an attribute block, or of a record behind its fields, that are anything. */
static void spoil_bytes(bool in_inode, unsigned k)
{
	struct ext2_disk_inode *a = record_of_a(in_inode ? 256 : 128);
	unsigned size = in_inode ? 96 : 256;
	uint8_t *at = in_inode ? (uint8_t *)a + 160 : md->data + le32(a->file_acl) * 1024;

	if (!in_inode && k % 3 == 2)
		at += 1024 - size; /* values */
	for (unsigned n = 0; n < 1 + k % 3; n++)
		at[unit_below(unit_below(2) ? 64 : size)] = (uint8_t)unit_random();
}

static void spoil(const char *img, const char *options, bool in_inode)
{
	make_image(img, options);
	debugfs(img, "ea_set /a user.one first", "");
	debugfs(img, "ea_set /a user.two 2", "");
	for (unsigned k = 0; k < 200; k++) {
		char name[32];

		current->fs = NULL;
		scnprintf(name, sizeof(name), "%sdisk%u", img, k);
		make_disk_from(name, image(img));
		spoil_bytes(in_inode, k);
		pagecache_drop_clean(&bdev_by_name(name)->mapping);
		if (vfs_mount_root(name, "ext2", 0))
			continue;
		use("/a");
		(void)!vfs_sync_all();
		unit_rcu_flush();
		unit_run_work();
		unit_free(md->data);
	}
}

TEST(spoiled_blocks_do_no_harm)
{
	spoil("xbad", "-b 1024 -I 128", false);
}

TEST(spoiled_records_do_no_harm)
{
	spoil("xbadi", "-b 1024 -I 256", true);
}

static uint64_t free_blocks(void)
{
	struct kstatfs st = {0};

	EXPECT_EQ(vfs_statfs(&current->fs->root, &st), 0);
	return st.bfree;
}

/* The attributes of "a" would lie in a block of the contents of "b". */
static void mount_crossed(const char *img)
{
	struct ext2_disk_inode *a, *b;

	make_image(img, "-b 1024 -I 128");
	make_disk_from(img, image(img));
	a = record_of_a(128);
	b = (struct ext2_disk_inode *)((char *)a + 128);
	a->file_acl = b->block[0];
	save_image(img);
	mount_again(img);
}

TEST(a_block_without_the_magic_is_an_error)
{
	mount_crossed("xmagic");
	EXPECT_EQ(value("/a", "user.one", NULL, 0), -EUCLEAN);
	EXPECT_EQ(set_text("/a", "user.one", "x"), -EROFS);
	EXPECT_EQ(list("/a", NULL, 0), -EUCLEAN);
	EXPECT(sb_rdonly(current->fs->root.mnt->sb));
}

TEST(a_block_without_the_magic_is_not_freed)
{
	uint64_t before;

	mount_crossed("xmagic2");
	before = free_blocks();
	EXPECT_EQ(vfs_unlink(NULL, "/a"), 0);
	EXPECT_EQ(free_blocks(), before + 1); /* its contents */
}

/* ---- file capabilities ---- */

TEST(capabilities_go_with_contents_and_owner)
{
	uint8_t set2[20] = {1, 0, 0, 2, 0xff};
	struct path p;

	mount_image("xcap", "-b 1024 -I 256 4M");
	EXPECT_EQ(put("/f", "x", 1, 0, 0), 0);
	EXPECT_EQ(set("/f", "security.capability", set2, 12, 0), -EINVAL);
	EXPECT_EQ(set("/f", "security.capability", set2, 20, 0), 0);
	EXPECT_EQ(value("/f", "security.capability", NULL, 0), 20);
	EXPECT_EQ(put("/f", "y", 1, 0, 0), 0);
	EXPECT_EQ(value("/f", "security.capability", NULL, 0), -ENODATA);
	EXPECT_EQ(set("/f", "security.capability", set2, 20, 0), 0);
	EXPECT_EQ(remount(MS_RDONLY), 0);
	save_image("xcap");
	mount_again("xcap"); /* read from disk: it may have some */
	REQUIRE_EQ(path_lookup(NULL, "/f", 0, &p), 0);
	EXPECT_EQ(vfs_truncate(&p, 0), 0);
	EXPECT_EQ(value("/f", "security.capability", NULL, 0), -ENODATA);
	EXPECT_EQ(set("/f", "security.capability", set2, 20, 0), 0);
	EXPECT_EQ(vfs_chown(&p, 5, 5), 0);
	EXPECT_EQ(value("/f", "security.capability", NULL, 0), -ENODATA);
	path_put(&p);
	finish_well("xcap");
}
