/*
 * file.c - regular files of tmpfs: pages counted against the limit, truncation, allocation.
 *
 * A page counts (PG_PRIVATE) from the moment it gets contents: filled for a reader that maps it, or
 * about to be written. Reading a hole with read(2) makes no page (the page cache knows it of
 * unevictable mappings).
 */
#include "internal.h"
#include <error.h>
#include <file.h>
#include <page.h>
#include <stat.h>
#include <string.h>

/* The page is locked. 0 or -ENOSPC. */
static int count_page(struct inode *i, struct page *p)
{
	struct tmpfs *fs = tmpfs_of(i);
	bool full;

	if (page_test(p, PG_PRIVATE))
		return 0;
	spin_lock(&fs->lock);
	full = fs->max_pages && fs->used_pages >= fs->max_pages;
	if (!full)
		fs->used_pages++;
	spin_unlock(&fs->lock);
	if (full)
		return -ENOSPC;
	spin_lock(&i->spin);
	i->blocks += PAGE_BLOCKS;
	spin_unlock(&i->spin);
	page_set(p, PG_PRIVATE);
	return 0;
}

static int readpage(struct mapping *m, struct page *p)
{
	int err = count_page(m->host, p);

	if (!err)
		page_clear(page_address(p));
	page_end_read(p, err);
	return err;
}

static int prepare_write(struct mapping *m, struct page *p, unsigned offset, unsigned len)
{
	return count_page(m->host, p);
}

static int page_mkwrite(struct mapping *m, struct page *p)
{
	return count_page(m->host, p);
}

static void release(struct mapping *m, struct page *p)
{
	struct inode *i = m->host;
	struct tmpfs *fs = tmpfs_of(i);

	if (!page_test(p, PG_PRIVATE))
		return;
	page_clear_flag(p, PG_PRIVATE);
	spin_lock(&fs->lock);
	fs->used_pages--;
	spin_unlock(&fs->lock);
	spin_lock(&i->spin);
	i->blocks -= PAGE_BLOCKS;
	spin_unlock(&i->spin);
}

static int64_t size(struct mapping *m)
{
	return i_size_read(m->host);
}

const struct mapping_ops tmpfs_mapping_ops = {
	.readpage = readpage,
	.prepare_write = prepare_write,
	.page_mkwrite = page_mkwrite,
	.release = release,
	.size = size,
};

static int tmpfs_setattr(struct dentry *d, struct iattr *a)
{
	struct inode *i = d->inode;

	if (a->valid & ATTR_SIZE) {
		int64_t old = i->size;

		if (!S_ISREG(i->mode))
			return -EINVAL;
		i_size_write(i, a->size);
		pagecache_truncate(&i->data,
			MIN(old, a->size)); /* growing: what was behind the end becomes zeros */
	}
	inode_setattr(i, a);
	return 0;
}

const struct inode_ops tmpfs_file_iops = {.setattr = tmpfs_setattr};
const struct inode_ops tmpfs_node_ops = {.setattr = tmpfs_setattr};

enum { FALLOC_KEEP_SIZE = 1, FALLOC_PUNCH_HOLE = 2 };

static int allocate_page(struct inode *i, uint64_t index)
{
	struct page *p;
	int err = pagecache_get_locked(&i->data, index, GFP_USER, &p);

	if (err)
		return err;
	err = count_page(i, p);
	if (!err && !page_test(p, PG_UPTODATE)) {
		page_clear(page_address(p));
		page_set(p, PG_UPTODATE);
	}
	page_unlock(p);
	page_put(p);
	return err;
}

static bool room_for(struct inode *i, uint64_t pages)
{
	struct tmpfs *fs = tmpfs_of(i);
	uint64_t has = i->data.nr_pages;
	bool ok;

	spin_lock(&fs->lock);
	ok = !fs->max_pages || fs->used_pages + (pages > has ? pages - has : 0) <= fs->max_pages;
	spin_unlock(&fs->lock);
	return ok;
}

static int allocate(struct inode *i, unsigned mode, int64_t off, int64_t len)
{
	uint64_t first = (uint64_t)off >> PAGE_SHIFT;
	uint64_t last = (uint64_t)(off + len - 1) >> PAGE_SHIFT;
	int err = room_for(i, last - first + 1) ? 0 : -ENOSPC;

	for (uint64_t k = first; !err && k <= last; k++)
		err = allocate_page(i, k);
	if (!err && !(mode & FALLOC_KEEP_SIZE) && off + len > i->size)
		i_size_write(i, off + len);
	return err;
}

static int tmpfs_fallocate(struct file *f, unsigned mode, int64_t off, int64_t len)
{
	struct inode *i = f->inode;
	int err = 0;

	if (mode & ~(unsigned)(FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE) || mode == FALLOC_PUNCH_HOLE)
		return -EOPNOTSUPP;
	rwsem_write_lock(&i->lock);
	if (mode & FALLOC_PUNCH_HOLE)
		pagecache_drop_range(&i->data, off, off + len);
	else
		err = allocate(i, mode, off, len);
	inode_touch(i, ATTR_MTIME | ATTR_CTIME);
	rwsem_write_unlock(&i->lock);
	return err;
}

static int tmpfs_fsync(struct file *f, int64_t start, int64_t end, bool datasync)
{
	return 0;
}

const struct file_ops tmpfs_file_fops = {
	.read = generic_file_read,
	.write = generic_file_write,
	.mmap = generic_file_mmap,
	.fsync = tmpfs_fsync,
	.seek = generic_file_seek,
	.fallocate = tmpfs_fallocate,
};
