/*
 * tree_test.c - names and files on a tmpfs: walk, create, remove, rename, links, descriptors,
 * pipes, locks, mounts.
 */
/* LINK: kernel/vfs/anon.c kernel/vfs/attr.c kernel/vfs/blkdev.c kernel/vfs/chrdev.c */
/* LINK: kernel/vfs/dcache.c kernel/vfs/fdtable.c kernel/vfs/fifo.c kernel/vfs/file.c */
/* LINK: kernel/vfs/fs_context.c kernel/vfs/generic.c kernel/vfs/inode.c */
/* LINK: kernel/vfs/inotify.c kernel/vfs/notify.c kernel/policy/user.c kernel/lib/rbtree.c */
/* LINK: kernel/vfs/locks.c kernel/vfs/mmap.c kernel/vfs/mount.c kernel/vfs/mount_ops.c
 * kernel/vfs/mount_ns.c kernel/vfs/propagate.c */
/* LINK: kernel/vfs/namei.c kernel/vfs/open.c kernel/vfs/ops.c kernel/vfs/pipe.c */
/* LINK: kernel/vfs/poll.c kernel/vfs/readdir.c kernel/vfs/rename.c kernel/vfs/rw.c */
/* LINK: kernel/vfs/splice.c kernel/vfs/super.c kernel/vfs/vfs.c kernel/fs/tmpfs/dir.c */
/* LINK: kernel/vfs/xattr.c kernel/fs/tmpfs/xattr.c kernel/lib/rbtree.c */
/* LINK: kernel/fs/tmpfs/file.c kernel/fs/tmpfs/super.c kernel/lib/xarray.c */
/* LINK: kernel/lib/hash.c kernel/lib/bitmap.c kernel/mm/iov_iter.c */
/* LINK: kernel/mm/page_wait.c kernel/mm/xarray_nodes.c kernel/mm/pagecache.c */
/* LINK: kernel/mm/filewrite.c kernel/mm/truncate.c kernel/mm/dirty.c */
/* LINK: kernel/mm/readahead.c */
#include <block.h>
#include <error.h>
#include <file.h>
#include <policy.h>
#include <printf.h>
#include <sched.h>
#include <slab.h>
#include <stat.h>
#include <string.h>
#include <task.h>
#include <tmpfs.h>
#include <unit.h>
#include <vm.h>
#include <xattr.h>
#include "kernel/fs/tmpfs/internal.h"
#include "kernel/mm/internal.h"
#include "kernel/vfs/internal.h"

#pragma GCC diagnostic ignored "-Wunused-result" /* preparations; what matters is expected */

/* ---- stand-ins for rooms that these tests do not need ---- */
static struct cred root_cred = {.refs = {1000}, .effective = CAP_ALL};
static struct cred user_cred = {.refs = {1000}, .fsuid = 1000, .euid = 1000, .fsgid = 1000};
bool capable(enum capability cap)
{
	return cred_capable(current->cred, cap);
}
bool cred_in_group(const struct cred *c, gid_t gid)
{
	return c->fsgid == gid;
}
void cred_put(const struct cred *c)
{
	(void)!refcount_dec(&((struct cred *)(uintptr_t)c)->refs);
}
int policy_file(const struct cred *c, const struct path *p, unsigned ops)
{
	return 0;
}
int policy_device(const struct cred *c, const struct path *p, mode_t type, dev_t dev)
{
	return 0;
}
int policy_sys(const struct cred *c, enum policy_sys_op op)
{
	return 0;
}
struct block_device *bdev_by_dev(dev_t dev)
{
	return NULL;
}
struct block_device *bdev_find_spec(const char *spec)
{
	return NULL;
}
int bdev_claim(struct block_device *b, void *holder)
{
	return -EBUSY;
}
void bdev_release(struct block_device *b, void *holder)
{
}
int bdev_open(struct block_device *b)
{
	return 0;
}
void bdev_close(struct block_device *b)
{
}
void bdev_put(struct block_device *b)
{
}
int blk_flush(struct block_device *b)
{
	return 0;
}
int blk_discard(struct block_device *b, uint64_t sector, uint64_t nr, bool zero)
{
	return 0;
}
int disk_rescan(struct block_device *b)
{
	return 0;
}

void sleep_uninterruptible_ns(uint64_t ns)
{
	unit_clock += ns;
}
void (*mm_drop_file)(struct file *f);
void (*writeback_periodic)(void);
struct page_stats page_stats;
atomic64_t stat_dirty, stat_writeback;
void mem_stats(struct mem_stats *m)
{
	*m = (struct mem_stats){.total = 8192};
}
void lru_add(struct page *p)
{
}
void lru_touch(struct page *p)
{
}
void lru_drain(void)
{
}
void mapping_zap(struct mapping *m, uint64_t first, uint64_t last, bool even_cows)
{
}
void writeback_throttle(void)
{
}
void writeback_all(bool wait)
{
}
int pagecache_sync(struct mapping *m, int64_t start, int64_t end)
{
	return 0;
}

static struct fs_context *context;
static struct shrinker *shrinkers[8];

void shrinker_register(struct shrinker *s)
{
	for (unsigned k = 0; k < 8; k++)
		if (!shrinkers[k]) {
			shrinkers[k] = s;
			return;
		}
}

static void shrink_all(void)
{
	for (unsigned k = 0; k < 8 && shrinkers[k]; k++)
		for (int n = 0; n < 4; n++)
			shrinkers[k]->scan(1000);
}

static void setup(void)
{
	current->cred = &root_cred;
	if (!context) {
		xarray_init();
		vfs_init();
		tmpfs_init();
		if (vfs_mount_root("none", "tmpfs", 0))
			panic("no root");
		context = current->fs;
	}
	current->fs = context;
	current->fs->umask = 022;
	current->files = files_create();
}

static void teardown(void)
{
	files_put(current->files);
	current->files = NULL;
	current->cred = &root_cred;
	shrink_all();
}

static int make_file(const char *name, const char *text)
{
	struct file *f;
	int err = vfs_open(NULL, name, O_CREAT | O_RDWR | O_TRUNC, 0644, 0, &f);

	if (err)
		return err;
	err = kernel_write(f, text, strlen(text), 0) == (ssize_t)strlen(text) ? 0 : -EIO;
	file_put(f);
	return err;
}

static int open_err(const char *name, unsigned flags)
{
	struct file *f;
	int err = vfs_open(NULL, name, flags, 0644, 0, &f);

	if (!err)
		file_put(f);
	return err;
}

static int stat_of(const char *name, struct kstat *st)
{
	struct path p;
	int err = path_lookup(NULL, name, 0, &p);

	if (err)
		return err;
	err = vfs_stat(&p, st);
	path_put(&p);
	return err;
}

static int exists(const char *name)
{
	struct kstat st;

	return stat_of(name, &st);
}

static const char *name_of(const char *name)
{
	static char buf[256];
	struct path p;
	char *s;

	if (path_lookup(NULL, name, LOOKUP_FOLLOW, &p))
		return "(error)";
	s = path_name(&p, NULL, buf, sizeof(buf));
	path_put(&p);
	return s ? s : "(null)";
}

TEST(walk_finds_and_refuses_as_the_man_page_says)
{
	char longname[300];

	setup();
	EXPECT_EQ(vfs_mkdir(NULL, "/a", 0755), 0);
	EXPECT_EQ(vfs_mkdir(NULL, "/a/b/", 0755), 0);
	EXPECT_EQ(make_file("/a/b/f", "x"), 0);
	EXPECT_EQ(exists("/a/b/f"), 0);
	EXPECT_EQ(exists("//a/./b/../b//f"), 0);
	EXPECT_EQ(exists("../../a"), 0);
	EXPECT_EQ(exists("/a/b/g"), -ENOENT);
	EXPECT_EQ(exists("/a/b/f/"), -ENOTDIR);
	EXPECT_EQ(exists("/a/b/f/g"), -ENOTDIR);
	EXPECT_EQ(exists("/a/b/f/.."), -ENOTDIR);
	EXPECT_EQ(exists("/a/x/.."), -ENOENT);
	EXPECT_EQ(exists(""), -ENOENT);
	memset(longname, 'n', sizeof(longname));
	longname[0] = '/';
	longname[256] = 0;
	EXPECT_EQ(exists(longname), -ENOENT);
	longname[256] = 'n';
	longname[257] = 0;
	EXPECT_EQ(exists(longname), -ENAMETOOLONG);
	EXPECT_STR(name_of("/a/b/../b/f"), "/a/b/f");
	EXPECT_STR(name_of("/"), "/");
	EXPECT_EQ(vfs_unlink(NULL, "/a/b/f"), 0);
	EXPECT_EQ(vfs_rmdir(NULL, "/a/b"), 0);
	EXPECT_EQ(vfs_rmdir(NULL, "/a"), 0);
	teardown();
}

TEST(symbolic_links_are_followed_where_they_should)
{
	struct path p;

	setup();
	vfs_mkdir(NULL, "/d", 0755);
	make_file("/d/f", "x");
	EXPECT_EQ(vfs_symlink("d", NULL, "/ld"), 0);
	EXPECT_EQ(vfs_symlink("ld/f", NULL, "/lf"), 0);
	EXPECT_EQ(vfs_symlink("/ld/../lf", NULL, "/llf"), 0);
	EXPECT_EQ(vfs_symlink("loop2", NULL, "/loop1"), 0);
	EXPECT_EQ(vfs_symlink("loop1", NULL, "/loop2"), 0);
	EXPECT_EQ(vfs_symlink("nowhere/x", NULL, "/dangling"), 0);
	EXPECT_EQ(vfs_symlink("newfile", NULL, "/tonew"), 0);
	EXPECT_STR(name_of("/ld/f"), "/d/f");
	EXPECT_STR(name_of("/lf"), "/d/f");
	EXPECT_STR(name_of("/llf"), "/d/f");
	EXPECT_STR(name_of("/ld/"), "/d");
	EXPECT_EQ(path_lookup(NULL, "/loop1", LOOKUP_FOLLOW, &p), -ELOOP);
	EXPECT_EQ(path_lookup(NULL, "/loop1/x", 0, &p), -ELOOP);
	EXPECT_EQ(open_err("/lf", O_RDONLY | O_NOFOLLOW), -ELOOP);
	EXPECT_EQ(open_err("/lf", O_RDONLY), 0);
	EXPECT_EQ(open_err("/lf", O_CREAT | O_EXCL | O_RDWR), -EEXIST);
	EXPECT_EQ(open_err("/dangling", O_CREAT | O_RDWR), -ENOENT);
	EXPECT_EQ(open_err("/tonew", O_CREAT | O_RDWR), 0);
	EXPECT_EQ(exists("/newfile"), 0);
	EXPECT_EQ(path_lookup(NULL, "/lf", LOOKUP_FOLLOW | LOOKUP_NO_SYMLINKS, &p), -ELOOP);
	EXPECT_EQ(vfs_rmdir(NULL, "/ld"), -ENOTDIR);
	for (unsigned k = 0; k < 7; k++) {
		static const char *const n[] = {
			"/ld", "/lf", "/llf", "/loop1", "/loop2", "/dangling", "/tonew"};

		EXPECT_EQ(vfs_unlink(NULL, n[k]), 0);
	}
	vfs_unlink(NULL, "/newfile");
	vfs_unlink(NULL, "/d/f");
	vfs_rmdir(NULL, "/d");
	teardown();
}

TEST(open_and_create_errors)
{
	setup();
	vfs_mkdir(NULL, "/d", 0755);
	make_file("/f", "hello");
	EXPECT_EQ(open_err("/d", O_RDWR), -EISDIR);
	EXPECT_EQ(open_err("/d", O_CREAT | O_RDONLY), -EISDIR);
	EXPECT_EQ(open_err("/d/", O_CREAT | O_RDWR), -EISDIR);
	EXPECT_EQ(open_err("/new/", O_CREAT | O_RDWR), -EISDIR);
	EXPECT_EQ(open_err("/f", O_RDONLY | O_DIRECTORY), -ENOTDIR);
	EXPECT_EQ(open_err("/f/", O_RDONLY), -ENOTDIR);
	EXPECT_EQ(open_err("/f", O_CREAT | O_EXCL | O_RDWR), -EEXIST);
	EXPECT_EQ(open_err("/none", O_RDONLY), -ENOENT);
	EXPECT_EQ(vfs_unlink(NULL, "/d"), -EISDIR);
	EXPECT_EQ(vfs_rmdir(NULL, "/f"), -ENOTDIR);
	EXPECT_EQ(vfs_rmdir(NULL, "/d/."), -EINVAL);
	EXPECT_EQ(vfs_rmdir(NULL, "/d/.."), -ENOTEMPTY);
	EXPECT_EQ(vfs_rmdir(NULL, "/"), -EBUSY);
	EXPECT_EQ(vfs_mkdir(NULL, "/d", 0755), -EEXIST);
	EXPECT_EQ(vfs_mkdir(NULL, "/", 0755), -EEXIST);
	EXPECT_EQ(vfs_mknod(NULL, "/x/", S_IFREG | 0644, 0), -ENOENT);
	make_file("/d/g", "");
	EXPECT_EQ(vfs_rmdir(NULL, "/d"), -ENOTEMPTY);
	current->cred = &user_cred;
	EXPECT_EQ(open_err("/f", O_RDWR), -EACCES);
	EXPECT_EQ(open_err("/f", O_RDONLY), 0);
	EXPECT_EQ(open_err("/d/new", O_CREAT | O_RDWR), -EACCES);
	EXPECT_EQ(vfs_unlink(NULL, "/d/g"), -EACCES);
	EXPECT_EQ(vfs_unlink(NULL, "/f"), -EPERM); /* the root is sticky */
	current->cred = &root_cred;
	vfs_unlink(NULL, "/d/g");
	vfs_rmdir(NULL, "/d");
	vfs_unlink(NULL, "/f");
	teardown();
}

TEST(rename_rules)
{
	struct kstat a, b;

	setup();
	vfs_mkdir(NULL, "/d1", 0755);
	vfs_mkdir(NULL, "/d1/s", 0755);
	vfs_mkdir(NULL, "/d2", 0755);
	make_file("/d1/f", "one");
	make_file("/d2/g", "two");
	EXPECT_EQ(vfs_rename(NULL, "/d1/f", NULL, "/d2/g", 0), 0);
	EXPECT_EQ(exists("/d1/f"), -ENOENT);
	stat_of("/d2/g", &a);
	EXPECT_EQ(a.size, 3);
	EXPECT_EQ(vfs_rename(NULL, "/d1", NULL, "/d1/s/x", 0), -EINVAL);
	EXPECT_EQ(vfs_rename(NULL, "/d2", NULL, "/d1", 0), -ENOTEMPTY);
	EXPECT_EQ(vfs_rename(NULL, "/d1/s", NULL, "/d1", 0), -ENOTEMPTY);
	EXPECT_EQ(vfs_rename(NULL, "/d2/g", NULL, "/d1", 0), -EISDIR);
	EXPECT_EQ(vfs_rename(NULL, "/d1/s", NULL, "/d2/g", 0), -ENOTDIR);
	EXPECT_EQ(vfs_rename(NULL, "/d2/g", NULL, "/d2/h/", 0), -ENOTDIR);
	EXPECT_EQ(vfs_rename(NULL, "/d1/.", NULL, "/x", 0), -EBUSY);
	EXPECT_EQ(vfs_rename(NULL, "/d1/s", NULL, "/d2/t/", 0), 0);
	stat_of("/d1", &a);
	stat_of("/d2", &b);
	EXPECT_EQ(a.nlink, 2);
	EXPECT_EQ(b.nlink, 3);
	EXPECT_STR(name_of("/d2/t/."), "/d2/t");
	EXPECT_STR(name_of("/d2/t/.."), "/d2");
	EXPECT_EQ(vfs_rename(NULL, "/d2/g", NULL, "/d2/t", RENAME_NOREPLACE), -EEXIST);
	EXPECT_EQ(vfs_rename(NULL, "/d2/g", NULL, "/d1", RENAME_EXCHANGE), 0);
	EXPECT_EQ(vfs_rename(NULL, "/d1", NULL, "/d2/g", RENAME_EXCHANGE), 0);
	EXPECT_EQ(vfs_rename(NULL, "/d2/g", NULL,
			  "/d2/a-name-that-is-longer-than-forty-characters-1234567890", 0),
		0);
	EXPECT_EQ(vfs_rename(NULL, "/d2/a-name-that-is-longer-than-forty-characters-1234567890",
			  NULL, "/d1/k", 0),
		0);
	EXPECT_EQ(exists("/d1/k"), 0);
	EXPECT_EQ(vfs_unlink(NULL, "/d1/k"), 0);
	EXPECT_EQ(vfs_rmdir(NULL, "/d2/t"), 0);
	EXPECT_EQ(vfs_rmdir(NULL, "/d1"), 0);
	EXPECT_EQ(vfs_rmdir(NULL, "/d2"), 0);
	teardown();
}

TEST(hard_links_and_unlinked_files_keep_their_contents)
{
	struct path p;
	struct file *f;
	struct kstat st;
	char buf[8] = "";

	setup();
	make_file("/f", "data");
	EXPECT_EQ(path_lookup(NULL, "/f", 0, &p), 0);
	EXPECT_EQ(vfs_link(&p, NULL, "/g"), 0);
	EXPECT_EQ(vfs_link(&p, NULL, "/g"), -EEXIST);
	EXPECT_EQ(vfs_rename(NULL, "/f", NULL, "/g", 0), 0); /* the same file: nothing happens */
	EXPECT_EQ(exists("/f"), 0);
	path_put(&p);
	EXPECT_EQ(vfs_open(NULL, "/f", O_RDONLY, 0, 0, &f), 0);
	EXPECT_EQ(vfs_unlink(NULL, "/f"), 0);
	EXPECT_EQ(vfs_unlink(NULL, "/g"), 0);
	vfs_stat(&f->path, &st);
	EXPECT_EQ(st.nlink, 0);
	EXPECT_EQ(kernel_read(f, buf, 8, 0), 4);
	EXPECT_STR(buf, "data");
	EXPECT(d_unlinked(f->path.dentry));
	file_put(f);
	teardown();
}

TEST(a_removed_working_directory_is_empty_and_final)
{
	struct path p;
	struct path root;

	setup();
	vfs_mkdir(NULL, "/gone", 0755);
	path_lookup(NULL, "/gone", 0, &p);
	EXPECT_EQ(fs_set_cwd(&p), 0);
	path_put(&p);
	EXPECT_EQ(vfs_rmdir(NULL, "/gone"), 0);
	EXPECT_EQ(open_err("x", O_CREAT | O_RDWR), -ENOENT);
	EXPECT_EQ(vfs_mkdir(NULL, "x", 0755), -ENOENT);
	EXPECT_EQ(exists("x"), -ENOENT);
	EXPECT_EQ(exists("."), 0);
	fs_get_cwd(&p);
	EXPECT(d_unlinked(p.dentry));
	path_put(&p);
	fs_get_root(&root);
	EXPECT_EQ(fs_set_cwd(&root), 0);
	path_put(&root);
	teardown();
}

static struct {
	char names[4000];
	unsigned count;
} seen;

static bool note(struct dir_context *c, const char *name, unsigned len, int64_t next, ino_t ino,
	unsigned type)
{
	static unsigned room;

	if (!room)
		room = 7;
	if (--room == 0)
		return false; /* a small buffer: the caller comes again */
	seen.count++;
	return true;
}

TEST(readdir_reports_each_entry_once_whatever_happens_meanwhile)
{
	struct dir_context c = {.emit = note};
	struct file *f;
	char name[32];
	int64_t last = -1;

	setup();
	vfs_mkdir(NULL, "/dir", 0755);
	for (int k = 0; k < 100; k++) {
		snprintf(name, sizeof(name), "/dir/%d", k);
		make_file(name, "");
	}
	seen.count = 0;
	EXPECT_EQ(vfs_open(NULL, "/dir", O_RDONLY | O_DIRECTORY, 0, 0, &f), 0);
	for (int k = 0; f->pos != last; k++) {
		last = f->pos;
		EXPECT_EQ(vfs_readdir(f, &c), 0);
		snprintf(name, sizeof(name), "/dir/%d", k);
		if (k < 4)
			vfs_unlink(NULL, name); /* already reported */
		if (f->pos == last && k < 40)
			last = -1;
	}
	EXPECT_EQ(seen.count, 102);
	file_put(f);
	for (int k = 4; k < 100; k++) {
		snprintf(name, sizeof(name), "/dir/%d", k);
		EXPECT_EQ(vfs_unlink(NULL, name), 0);
	}
	EXPECT_EQ(vfs_rmdir(NULL, "/dir"), 0);
	teardown();
}

TEST(sparse_files_blocks_and_truncate)
{
	struct file *f;
	struct kstat st;
	char buf[16];

	setup();
	EXPECT_EQ(vfs_open(NULL, "/s", O_CREAT | O_RDWR, 0644, 0, &f), 0);
	EXPECT_EQ(kernel_write(f, "end", 3, 100 * 4096), 3);
	vfs_stat(&f->path, &st);
	EXPECT_EQ(st.blocks, 8);
	EXPECT_EQ(st.size, 100 * 4096 + 3);
	EXPECT_EQ(kernel_read(f, buf, 16, 4096), 16);
	EXPECT_EQ(buf[0], 0);
	vfs_stat(&f->path, &st);
	EXPECT_EQ(st.blocks, 8); /* reading a hole makes nothing */
	EXPECT_EQ(vfs_seek(f, 0, SEEK_DATA), 100 * 4096);
	EXPECT_EQ(vfs_seek(f, 0, SEEK_HOLE), 0);
	EXPECT_EQ(kernel_write(f, "abcdef", 6, 0), 6);
	EXPECT_EQ(vfs_ftruncate(f, 3), 0);
	EXPECT_EQ(vfs_ftruncate(f, 6), 0);
	EXPECT_EQ(kernel_read(f, buf, 16, 0), 6);
	EXPECT_MEM(buf, "abc\0\0\0", 6);
	vfs_stat(&f->path, &st);
	EXPECT_EQ(st.blocks, 8);
	EXPECT_EQ(vfs_fallocate(f, 0, 0, 3 * 4096), 0);
	vfs_stat(&f->path, &st);
	EXPECT_EQ(st.blocks, 24);
	EXPECT_EQ(vfs_fallocate(f, 3, 0, 4096), 0);
	vfs_stat(&f->path, &st);
	EXPECT_EQ(st.blocks, 16);
	file_put(f);
	vfs_unlink(NULL, "/s");
	teardown();
}

TEST(a_full_tmpfs_says_so)
{
	static char page[4096];
	struct path at;
	struct file *f;
	struct kstatfs sf;
	int n = 0;

	setup();
	vfs_mkdir(NULL, "/m", 0755);
	path_lookup(NULL, "/m", 0, &at);
	EXPECT_EQ(vfs_mount("none", &at, "tmpfs", 0, "size=16k,nr_inodes=3,bad=1"), -EINVAL);
	EXPECT_EQ(vfs_mount("none", &at, "tmpfs", 0, "size=16k,nr_inodes=3"), 0);
	path_put(&at);
	EXPECT_EQ(vfs_open(NULL, "/m/f", O_CREAT | O_RDWR, 0644, 0, &f), 0);
	while (kernel_write(f, page, 4096, n * 4096) == 4096)
		n++;
	EXPECT_EQ(n, 4);
	EXPECT_EQ(kernel_write(f, page, 1, n * 4096), -ENOSPC);
	EXPECT_EQ(vfs_statfs(&f->path, &sf), 0);
	EXPECT_EQ(sf.bfree, 0);
	EXPECT_EQ(open_err("/m/g", O_CREAT | O_RDWR), 0);
	EXPECT_EQ(open_err("/m/h", O_CREAT | O_RDWR), -ENOSPC);
	EXPECT_EQ(exists("/m/.."), 0);
	EXPECT_STR(name_of("/m/f"), "/m/f");
	EXPECT_STR(name_of("/m/.."), "/");
	EXPECT_EQ(vfs_rename(NULL, "/m/f", NULL, "/f", 0), -EXDEV);
	EXPECT_EQ(vfs_rmdir(NULL, "/m"), -EBUSY);
	path_lookup(NULL, "/m", 0, &at);
	EXPECT_EQ(vfs_umount(&at, 0), -EBUSY); /* f is open */
	file_put(f);
	EXPECT_EQ(vfs_umount(&at, 0), 0);
	path_put(&at);
	unit_rcu_flush();
	EXPECT_EQ(vfs_rmdir(NULL, "/m"), 0);
	teardown();
}

TEST(bind_move_and_pivot)
{
	struct path a, b;

	setup();
	vfs_mkdir(NULL, "/x", 0755);
	vfs_mkdir(NULL, "/x/sub", 0755);
	vfs_mkdir(NULL, "/y", 0755);
	vfs_mkdir(NULL, "/z", 0755);
	path_lookup(NULL, "/x", 0, &a);
	path_lookup(NULL, "/y", 0, &b);
	EXPECT_EQ(vfs_bind_mount(&a, &b, false), 0);
	path_put(&a);
	path_put(&b);
	EXPECT_EQ(exists("/y/sub"), 0);
	EXPECT_STR(name_of("/y/sub"), "/y/sub");
	EXPECT_STR(name_of("/y/sub/../.."), "/");
	path_lookup(NULL, "/y", 0, &a);
	path_lookup(NULL, "/z", 0, &b);
	EXPECT_EQ(vfs_move_mount(&a, &b), 0);
	EXPECT_EQ(vfs_move_mount(&b, &b), -EINVAL);
	path_put(&a);
	path_put(&b);
	EXPECT_EQ(exists("/y/sub"), -ENOENT);
	EXPECT_EQ(exists("/z/sub"), 0);
	path_lookup(NULL, "/z", 0, &a);
	EXPECT_EQ(vfs_umount(&a, 2), 0);
	path_put(&a);
	EXPECT_EQ(exists("/z/sub"), -ENOENT);
	vfs_rmdir(NULL, "/x/sub");
	EXPECT_EQ(vfs_rmdir(NULL, "/x"), 0);
	EXPECT_EQ(vfs_rmdir(NULL, "/y"), 0);
	EXPECT_EQ(vfs_rmdir(NULL, "/z"), 0);
	teardown();
}

static int mount_at_name(const char *type, const char *name)
{
	struct path at;
	int err = path_lookup(NULL, name, 0, &at);

	if (err)
		return err;
	err = vfs_mount("none", &at, type, 0, NULL);
	path_put(&at);
	return err;
}

static int umount_name(const char *name, unsigned flags)
{
	struct path at;
	int err = path_lookup(NULL, name, 0, &at);

	if (err)
		return err;
	err = vfs_umount(&at, flags);
	path_put(&at);
	unit_rcu_flush();
	return err;
}

static int bind_names(const char *from, const char *to, unsigned kind)
{
	struct path a, b;
	int err = path_lookup(NULL, from, 0, &a);

	if (err)
		return err;
	err = path_lookup(NULL, to, 0, &b);
	if (!err) {
		err = vfs_bind_mount(&a, &b, false);
		path_put(&b);
	}
	path_put(&a);
	if (!err)
		err = path_lookup(NULL, to, 0, &a);
	if (err)
		return err;
	err = vfs_set_propagation(&a, kind, false);
	path_put(&a);
	return err;
}

/* /a shared, /b its peer, /c a shared slave of both. */
static void make_peers(void)
{
	static const char *const name[] = {"/a", "/b", "/c", "/a/d"};
	struct path at;

	for (unsigned k = 0; k < 3; k++)
		EXPECT_EQ(vfs_mkdir(NULL, name[k], 0755), 0);
	EXPECT_EQ(mount_at_name("tmpfs", "/a"), 0);
	EXPECT_EQ(vfs_mkdir(NULL, "/a/d", 0755), 0);
	path_lookup(NULL, "/a", 0, &at);
	EXPECT_EQ(vfs_set_propagation(&at, MS_SHARED, false), 0);
	path_put(&at);
	EXPECT_EQ(bind_names("/a", "/b", MS_SHARED), 0);
	EXPECT_EQ(bind_names("/a", "/c", MS_SLAVE), 0);
	path_lookup(NULL, "/c", 0, &at);
	EXPECT_EQ(vfs_set_propagation(&at, MS_SHARED, false), 0);
	path_put(&at);
}

static void drop_peers(void)
{
	EXPECT_EQ(umount_name("/c", 0), 0);
	EXPECT_EQ(umount_name("/b", 0), 0);
	EXPECT_EQ(umount_name("/a", 0), 0);
	vfs_rmdir(NULL, "/a");
	vfs_rmdir(NULL, "/b");
	vfs_rmdir(NULL, "/c");
}

TEST(a_mount_that_cannot_be_passed_on_changes_nothing)
{
	uint32_t mounts;
	long before;
	int err = -ENOMEM;

	setup();
	make_peers();
	mounts = current->fs->ns->nr_mounts;
	EXPECT_EQ(mount_at_name("tmpfs", "/a/d"), 0);
	EXPECT_EQ(umount_name("/a/d", 0), 0);
	before = alloc_live();
	for (long n = 0; err == -ENOMEM && n < 100; n++) {
		alloc_fail_after(n);
		err = mount_at_name("tmpfs", "/a/d");
		alloc_fail_after(-1);
		unit_rcu_flush();
		if (!err)
			break;
		EXPECT_EQ(err, -ENOMEM);
		EXPECT_EQ(current->fs->ns->nr_mounts, mounts);
		EXPECT_EQ(alloc_live(), before);
	}
	EXPECT_EQ(err, 0);
	EXPECT_EQ(current->fs->ns->nr_mounts, mounts + 3);
	EXPECT_EQ(umount_name("/b/d", 0), 0);
	EXPECT_EQ(current->fs->ns->nr_mounts, mounts);
	EXPECT_EQ(alloc_live(), before);
	drop_peers();
	teardown();
}

TEST(a_namespace_that_cannot_be_copied_leaves_nothing)
{
	struct fs_context *f;
	uint32_t mounts;
	long before;
	int err = -ENOMEM;

	setup();
	make_peers();
	mounts = current->fs->ns->nr_mounts;
	f = fs_context_copy(current->fs);
	before = alloc_live();
	for (long n = 0; err == -ENOMEM && n < 100; n++) {
		alloc_fail_after(n);
		err = fs_context_unshare_mounts(f);
		alloc_fail_after(-1);
		unit_rcu_flush();
		if (err)
			EXPECT_EQ(alloc_live(), before);
	}
	EXPECT_EQ(err, 0);
	EXPECT_EQ(f->ns->nr_mounts, mounts);
	EXPECT(f->ns != current->fs->ns && f->root.mnt != current->fs->root.mnt);
	EXPECT_EQ(mount_at_name("tmpfs", "/a/d"), 0); /* reaches the copies as well */
	EXPECT_EQ(f->ns->nr_mounts, mounts + 3);
	EXPECT_EQ(umount_name("/a/d", 0), 0);
	EXPECT_EQ(f->ns->nr_mounts, mounts);
	fs_context_put(f);
	unit_rcu_flush();
	EXPECT_EQ(current->fs->ns->nr_mounts, mounts);
	drop_peers();
	teardown();
}

TEST(descriptors_are_lowest_first_and_tables_grow)
{
	struct file *f;
	struct files *copy;

	setup();
	make_file("/f", "x");
	for (int k = 0; k < 200; k++) {
		REQUIRE_EQ(vfs_open(NULL, "/f", O_RDONLY, 0, 0, &f), 0);
		EXPECT_EQ(fd_open(f, k == 5), k);
	}
	EXPECT_EQ(fd_close(3), 0);
	EXPECT_EQ(fd_close(3), -EBADF);
	EXPECT_EQ(fd_get_flags(5), 1);
	EXPECT_EQ(fd_dup_to(7, 3, false), 3);
	EXPECT_EQ(fd_dup_to(7, 500, true), 500);
	EXPECT_EQ(fd_dup_to(900, 2, true), -EBADF);
	copy = files_copy(current->files);
	files_close_on_exec(current->files);
	EXPECT_EQ(fd_get_flags(5), -EBADF);
	EXPECT_EQ(fd_get_flags(500), -EBADF);
	EXPECT_EQ(fd_alloc(0, false), 5);
	fd_cancel(5);
	EXPECT_EQ(fd_close_range(0, UINT32_MAX, false), 0);
	EXPECT_EQ(fd_alloc(0, false), 0);
	fd_cancel(0);
	files_put(copy);
	vfs_unlink(NULL, "/f");
	teardown();
}

TEST(pipes_keep_small_writes_whole)
{
	static char buf[70000];
	struct file *p[2];
	struct iov_iter it;
	struct poll_fd pf;

	setup();
	REQUIRE_EQ(pipe_create(p, O_NONBLOCK), 0);
	pf = (struct poll_fd){p[0], POLLIN, 0};
	EXPECT_EQ(poll_files(&pf, 1, 0), 0);
	EXPECT_EQ(kernel_read(p[0], buf, 10, 0), -EAGAIN);
	EXPECT_EQ(kernel_write(p[1], "hello ", 6, 0), 6);
	EXPECT_EQ(kernel_write(p[1], "world", 5, 0), 5);
	EXPECT_EQ(poll_files(&pf, 1, 0), 1);
	EXPECT_EQ(pf.revents, POLLIN);
	iov_iter_kernel(&it, buf, sizeof(buf));
	EXPECT_EQ(vfs_read(p[0], &it, NULL), 11);
	EXPECT_MEM(buf, "hello world", 11);
	EXPECT_EQ(kernel_write(p[1], buf, 70000, 0), 65536);
	EXPECT_EQ(kernel_write(p[1], buf, 1, 0), -EAGAIN);
	iov_iter_kernel(&it, buf, 100);
	EXPECT_EQ(vfs_read(p[0], &it, NULL), 100);
	EXPECT_EQ(kernel_write(p[1], buf, 1, 0), -EAGAIN); /* no slot is free */
	EXPECT_EQ(pipe_get_size(p[1]), 65536);
	EXPECT_EQ(pipe_set_size(p[1], 4096), -EBUSY);
	EXPECT_EQ(pipe_set_size(p[1], 100000), 131072);
	EXPECT_EQ(kernel_write(p[1], buf, 1, 0), 1);
	file_put(p[1]);
	pf.revents = 0;
	EXPECT_EQ(poll_files(&pf, 1, 0), 1);
	EXPECT_EQ(pf.revents, POLLIN | POLLHUP);
	EXPECT_EQ(kernel_read(p[0], buf, sizeof(buf), 0), 65437);
	EXPECT_EQ(kernel_read(p[0], buf, sizeof(buf), 0), 0);
	file_put(p[0]);
	REQUIRE_EQ(pipe_create(p, O_NONBLOCK), 0);
	file_put(p[0]);
	EXPECT_EQ(kernel_write(p[1], "x", 1, 0), -EPIPE);
	file_put(p[1]);
	teardown();
}

TEST(fifo_open_rules)
{
	struct file *r, *w;

	setup();
	EXPECT_EQ(vfs_mknod(NULL, "/fifo", S_IFIFO | 0644, 0), 0);
	EXPECT_EQ(open_err("/fifo", O_WRONLY | O_NONBLOCK), -ENXIO);
	EXPECT_EQ(vfs_open(NULL, "/fifo", O_RDONLY | O_NONBLOCK, 0, 0, &r), 0);
	EXPECT_EQ(vfs_poll(r, NULL), 0);
	EXPECT_EQ(vfs_open(NULL, "/fifo", O_WRONLY | O_NONBLOCK, 0, 0, &w), 0);
	EXPECT_EQ(kernel_write(w, "x", 1, 0), 1);
	file_put(w);
	EXPECT_EQ(vfs_poll(r, NULL), POLLIN | POLLRDNORM | POLLHUP);
	file_put(r);
	EXPECT_EQ(open_err("/fifo", O_RDWR), 0);
	vfs_unlink(NULL, "/fifo");
	teardown();
}

TEST(record_locks_split_join_and_conflict)
{
	struct file *f;
	struct files *other;
	struct files *me;
	struct posix_lock l = {.type = F_WRLCK, .start = 0, .end = 99, .pid = 1};
	struct posix_lock q;

	setup();
	me = current->files;
	other = files_create();
	vfs_open(NULL, "/l", O_CREAT | O_RDWR, 0644, 0, &f);
	EXPECT_EQ(vfs_posix_lock(f, &l, false), 0);
	l = (struct posix_lock){.type = F_UNLCK, .start = 40, .end = 59, .pid = 1};
	EXPECT_EQ(vfs_posix_lock(f, &l, false), 0);
	current->files = other;
	q = (struct posix_lock){.type = F_RDLCK, .start = 0, .end = INT64_MAX, .pid = 2};
	EXPECT_EQ(vfs_posix_lock_test(f, &q), 0);
	EXPECT_EQ(q.type, F_WRLCK);
	EXPECT_EQ(q.pid, 1);
	l = (struct posix_lock){.type = F_WRLCK, .start = 45, .end = 50, .pid = 2};
	EXPECT_EQ(vfs_posix_lock(f, &l, false), 0);
	l.end = 70;
	EXPECT_EQ(vfs_posix_lock(f, &l, false), -EAGAIN);
	current->files = me;
	l = (struct posix_lock){.type = F_RDLCK, .start = 0, .end = INT64_MAX, .pid = 1};
	EXPECT_EQ(vfs_posix_lock(f, &l, false), -EAGAIN);
	EXPECT_EQ(vfs_flock(f, F_WRLCK, false), 0); /* another kind: they do not meet */
	locks_close(f, other);
	EXPECT_EQ(vfs_posix_lock(f, &l, false), 0);
	locks_close(f, me);
	file_put(f);
	files_put(other);
	vfs_unlink(NULL, "/l");
	teardown();
}

TEST(no_allocation_failure_leaks_or_breaks)
{
	long live;

	setup();
	make_file("/keep", "x");
	vfs_unlink(NULL, "/keep");
	teardown();
	unit_rcu_flush();
	live = alloc_live();
	for (int n = 0; n < 40; n++) {
		setup();
		alloc_fail_after(n);
		(void)!vfs_mkdir(NULL, "/af", 0755);
		(void)!make_file(
			"/af/a-name-that-is-longer-than-forty-characters-1234567890", "text");
		(void)!vfs_symlink("target", NULL, "/af/l");
		(void)!vfs_rename(NULL, "/af/l", NULL, "/m", 0);
		alloc_fail_after(-1);
		(void)!vfs_unlink(
			NULL, "/af/a-name-that-is-longer-than-forty-characters-1234567890");
		(void)!vfs_unlink(NULL, "/af/l");
		(void)!vfs_unlink(NULL, "/m");
		(void)!vfs_rmdir(NULL, "/af");
		teardown();
		unit_rcu_flush();
		EXPECT_EQ(alloc_live(), live);
	}
}

/* ---- extended attributes ---- */

static struct tmpfs *root_tmpfs(void)
{
	return context->root.mnt->sb->private;
}

TEST(attributes_are_counted_while_their_file_exists)
{
	static char big[65536];
	uint64_t before;
	struct path p;

	setup();
	before = root_tmpfs()->attr_bytes;
	EXPECT_EQ(make_file("/attr", "x"), 0);
	REQUIRE_EQ(path_lookup(NULL, "/attr", 0, &p), 0);
	EXPECT_EQ(vfs_setxattr(&p, "user.a", big, sizeof(big), 0), 0);
	EXPECT_EQ(vfs_setxattr(&p, "user.b", big, 1000, 0), 0);
	EXPECT(root_tmpfs()->attr_bytes - before > 66536);
	EXPECT_EQ(vfs_setxattr(&p, "user.a", big, 10, 0), 0);
	EXPECT(root_tmpfs()->attr_bytes - before < 1200);
	EXPECT_EQ(vfs_getxattr(&p, "user.a", NULL, 0), 10);
	EXPECT_EQ(vfs_removexattr(&p, "user.a"), 0);
	EXPECT_EQ(vfs_unlink(NULL, "/attr"), 0);
	EXPECT(root_tmpfs()->attr_bytes > before);
	path_put(&p);
	EXPECT_EQ(root_tmpfs()->attr_bytes, before);
	teardown();
}

TEST(attributes_take_no_more_than_the_room_of_inodes)
{
	struct tmpfs *fs;
	uint64_t most;
	struct path p;
	char name[32];
	int err = 0;

	setup();
	fs = root_tmpfs();
	most = fs->max_inodes;
	EXPECT_EQ(make_file("/attr", "x"), 0);
	REQUIRE_EQ(path_lookup(NULL, "/attr", 0, &p), 0);
	fs->max_inodes = fs->used_inodes + 10;
	for (unsigned k = 0; !err && k < 1000; k++) {
		scnprintf(name, sizeof(name), "user.%u", k);
		err = vfs_setxattr(&p, name, "", 0, 0);
	}
	EXPECT_EQ(err, -ENOSPC);
	EXPECT(fs->attr_bytes <= 10 * 1024);
	EXPECT_EQ(make_file("/another", "x"), -ENOSPC);
	EXPECT_EQ(vfs_unlink(NULL, "/attr"), 0);
	path_put(&p);
	EXPECT_EQ(make_file("/another", "x"), 0);
	EXPECT_EQ(vfs_unlink(NULL, "/another"), 0);
	fs->max_inodes = most;
	teardown();
}

TEST(no_memory_leaves_attributes_as_they_were)
{
	char buf[8];
	struct path p;
	long live;

	setup();
	EXPECT_EQ(make_file("/attr", "x"), 0);
	REQUIRE_EQ(path_lookup(NULL, "/attr", 0, &p), 0);
	EXPECT_EQ(vfs_setxattr(&p, "user.a", "before", 6, 0), 0);
	live = alloc_live();
	alloc_fail_after(0);
	EXPECT_EQ(vfs_setxattr(&p, "user.a", "after", 5, 0), -ENOMEM);
	EXPECT_EQ(vfs_setxattr(&p, "user.b", "after", 5, 0), -ENOMEM);
	alloc_fail_after(-1);
	EXPECT_EQ(alloc_live(), live);
	EXPECT_EQ(vfs_getxattr(&p, "user.a", buf, sizeof(buf)), 6);
	EXPECT_EQ(vfs_listxattr(&p, NULL, 0), 7);
	path_put(&p);
	EXPECT_EQ(vfs_unlink(NULL, "/attr"), 0);
	teardown();
}
