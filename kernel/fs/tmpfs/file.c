/*
 * file.c - regular files of tmpfs: pages counted against the limit, truncation, allocation, seals.
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
#include <vm.h>

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

/* fcntl(2), File sealing. inode->lock is held, as it is for adding seals. */
static int check_seals(struct inode *i, int64_t end)
{
	uint32_t seals = tmpfs_i(i)->seals;

	if (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	return seals & F_SEAL_GROW && end > i->size ? -EPERM : 0;
}

static int prepare_write(struct mapping *m, struct page *p, unsigned offset, unsigned len)
{
	int err = check_seals(m->host, (int64_t)((p->index << PAGE_SHIFT) + offset + len));

	return err ? err : count_page(m->host, p);
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

	if (a->valid & ATTR_MODE && S_ISREG(i->mode) && tmpfs_i(i)->seals & F_SEAL_EXEC &&
		(a->mode ^ i->mode) & 0111)
		return -EPERM;
	if (a->valid & ATTR_SIZE) {
		int64_t old = i->size;

		if (!S_ISREG(i->mode))
			return -EINVAL;
		if ((tmpfs_i(i)->seals & F_SEAL_SHRINK && a->size < old) ||
			(tmpfs_i(i)->seals & F_SEAL_GROW && a->size > old))
			return -EPERM;
		i_size_write(i, a->size);
		pagecache_truncate(&i->data,
			MIN(old, a->size)); /* growing: what was behind the end becomes zeros */
	}
	inode_setattr(i, a);
	return 0;
}

const struct inode_ops tmpfs_file_iops = {.setattr = tmpfs_setattr, .xattr = &tmpfs_xattr_ops};
const struct inode_ops tmpfs_node_ops = {.setattr = tmpfs_setattr, .xattr = &tmpfs_xattr_ops};
const struct inode_ops tmpfs_symlink_ops = {.get_link = simple_get_link, .xattr = &tmpfs_xattr_ops};

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

	if (mode & ~(unsigned)(FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE))
		return -EOPNOTSUPP;
	rwsem_write_lock(&i->lock);
	if (mode & FALLOC_PUNCH_HOLE)
		err = check_seals(i, 0);
	else if (tmpfs_i(i)->seals & F_SEAL_GROW && off + len > i->size)
		err = -EPERM;
	if (!err && mode & FALLOC_PUNCH_HOLE)
		pagecache_drop_range(&i->data, off, off + len);
	else if (!err)
		err = allocate(i, mode, off, len);
	inode_touch(i, ATTR_MTIME | ATTR_CTIME);
	rwsem_write_unlock(&i->lock);
	return err;
}

static int tmpfs_mmap(struct file *f, struct vm_map_args *a)
{
	uint32_t seals = READ_ONCE(tmpfs_i(f->inode)->seals);

	if (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE) && a->flags & VM_SHARED) {
		if (a->flags & VM_WRITE)
			return -EPERM;
		a->flags &= ~(uint32_t)VM_MAYWRITE;
	}
	return generic_file_mmap(f, a);
}

/* inode->lock held for writing. */
static int add_seals_locked(struct inode *i, unsigned seals)
{
	struct tmpfs_inode *t = tmpfs_i(i);
	int err = 0;

	if (t->seals & F_SEAL_SEAL)
		return -EPERM;
	if (seals & F_SEAL_EXEC && i->mode & 0111) /* what can run and stays so is not to change */
		seals |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
	if (seals & F_SEAL_WRITE && !(t->seals & F_SEAL_WRITE))
		err = mapping_seal(&i->data);
	if (!err)
		WRITE_ONCE(t->seals, t->seals | seals);
	return err;
}

static int tmpfs_seal(struct file *f, bool add, unsigned seals)
{
	struct inode *i = f->inode;
	int have, err = 0;

	rwsem_write_lock(&i->lock);
	if (add)
		err = add_seals_locked(i, seals);
	have = (int)tmpfs_i(i)->seals;
	rwsem_write_unlock(&i->lock);
	return err ? err : have;
}

static int tmpfs_fsync(struct file *f, int64_t start, int64_t end, bool datasync)
{
	return 0;
}

const struct file_ops tmpfs_file_fops = {
	.read = generic_file_read,
	.write = generic_file_write,
	.mmap = tmpfs_mmap,
	.fsync = tmpfs_fsync,
	.seek = generic_file_seek,
	.fallocate = tmpfs_fallocate,
	.seal = tmpfs_seal,
};
