/*
 * generic.c - the file operations of regular files whose contents live in the page cache.
 *
 * Does not: allocate blocks (mapping ops do) or talk to disks. Writers are serialised by
 * inode->lock, readers are not locked out: they see each page before or after. Sizes grow as bytes
 * become valid.
 */
#include "internal.h"
#include <stat.h>
#include <vm.h>

ssize_t generic_file_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	struct inode *i = f->inode;
	ssize_t n;

	if (!to->count)
		return 0;
	if (!(f->flags & O_NOATIME))
		path_touch_atime(&f->path, i);
	if (*pos >= i_size_read(i))
		return 0;
	n = pagecache_read(f->mapping, &f->ra, to, *pos);
	if (n > 0)
		*pos += n;
	return n;
}

ssize_t generic_file_page(struct file *f, int64_t pos, size_t n, struct page **page)
{
	int64_t size = i_size_read(f->inode);
	int err;

	if (!(f->flags & O_NOATIME))
		path_touch_atime(&f->path, f->inode);
	if (pos >= size)
		return 0;
	n = MIN(n, (size_t)(size - pos));
	err = pagecache_get_read(f->mapping, &f->ra, pos, n, false, page);
	if (err)
		return err;
	f->ra.prev = (uint64_t)pos >> PAGE_SHIFT;
	return (ssize_t)MIN(n, PAGE_SIZE - ((size_t)pos & (PAGE_SIZE - 1)));
}

static void grow(void *host, int64_t size)
{
	struct inode *i = host;

	if (size > i->size)
		i_size_write(i, size);
}

/* Where the write may end by the limits: cuts @from, or -EFBIG. */
static int write_limits(struct file *f, struct iov_iter *from, int64_t pos)
{
	uint64_t max = f->inode->sb->max_size ? (uint64_t)f->inode->sb->max_size : INT64_MAX;
	uint64_t rlim = file_size_limit ? file_size_limit() : UINT64_MAX;

	if ((uint64_t)pos >= rlim) {
		if (file_too_big)
			file_too_big();
		return -EFBIG;
	}
	if ((uint64_t)pos >= max)
		return -EFBIG;
	max = MIN(max, rlim);
	if (from->count > max - (uint64_t)pos)
		from->count = max - (uint64_t)pos;
	return 0;
}

/* inode->lock held */
static ssize_t write_locked(struct file *f, struct iov_iter *from, int64_t *pos)
{
	struct inode *i = f->inode;
	int64_t old_size = i->size;
	ssize_t n;

	if (unlikely(inode_immutable(i)))
		return -EPERM;
	if (unlikely((f->flags | from->flags) & O_APPEND) && !(from->flags & RW_NOAPPEND))
		*pos = old_size;
	n = write_limits(f, from, *pos);
	if (!n)
		n = inode_kill_suid(f->path.dentry);
	if (n)
		return n;
	inode_touch(i, ATTR_MTIME | ATTR_CTIME);
	n = pagecache_write(f->mapping, from, *pos, grow);
	if (n > 0)
		*pos += n;
	if (i->size != old_size)
		inode_mark_dirty(i);
	return n;
}

ssize_t generic_file_write(struct file *f, struct iov_iter *from, int64_t *pos)
{
	struct inode *i = f->inode;
	unsigned flags;
	ssize_t n;
	int err;

	if (!from->count)
		return 0;
	if (unlikely(from->flags & RW_NOWAIT)) /* a write may wait for locks, memory, the disk */
		return -EOPNOTSUPP;
	rwsem_write_lock(&i->lock);
	n = write_locked(f, from, pos);
	rwsem_write_unlock(&i->lock);
	if (n <= 0)
		return n;
	flags = f->flags | from->flags;
	if (unlikely(flags & O_DSYNC) || unlikely(i->iflags & INODE_SYNC) ||
		unlikely((f->path.mnt->flags | i->sb->flags) & MS_SYNCHRONOUS)) {
		err = vfs_fsync(f, *pos - n, *pos, (flags & O_SYNC) != O_SYNC);
		if (err)
			return err;
	}
	return n;
}

int generic_file_mmap(struct file *f, struct vm_map_args *a)
{
	a->mapping = f->mapping;
	path_touch_atime(&f->path, f->inode);
	return 0;
}

int generic_file_fsync(struct file *f, int64_t start, int64_t end, bool datasync)
{
	struct inode *i = f->inode;
	const struct super_ops *ops = i->sb->ops;
	int err = pagecache_sync(f->mapping, start, end);
	int seen = mapping_check_error(f->mapping, &f->wb_seen);
	int meta = 0;

	if (ops->fsync)
		meta = ops->fsync(i, start, end, datasync);
	else if (ops->write_inode && (i->state & I_DIRTY))
		meta = ops->write_inode(i, true);
	return err ? err : seen ? seen : meta;
}

/*
 * lseek(2) SEEK_DATA and SEEK_HOLE. In memory what is not in the cache is a hole; for files on disk
 * the whole file counts as data, which the man page allows.
 */
static int64_t seek_data(struct file *f, int64_t off, bool hole)
{
	int64_t size = i_size_read(f->inode);
	uint64_t index = (uint64_t)off >> PAGE_SHIFT;
	uint64_t last = (uint64_t)(size - 1) >> PAGE_SHIFT;

	if (off < 0 || off >= size)
		return -ENXIO;
	if (!(f->mapping->flags & MAPPING_UNEVICTABLE))
		return hole ? size : off;
	rcu_read_lock();
	if (hole) {
		while (index <= last && xa_load(&f->mapping->pages, index))
			index++;
	} else if (!xa_find(&f->mapping->pages, &index, last)) {
		index = UINT64_MAX;
	}
	rcu_read_unlock();
	if (index == UINT64_MAX)
		return -ENXIO;
	off = MAX(off, (int64_t)(index << PAGE_SHIFT));
	return MIN(off, size);
}

int64_t plain_seek(struct file *f, int64_t off, int whence, int64_t size, int64_t max)
{
	int64_t base = 0;

	if (whence == SEEK_CUR)
		base = f->pos;
	else if (whence == SEEK_END && size >= 0)
		base = size;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (__builtin_add_overflow(off, base, &off) || off < 0 || off > max)
		return -EINVAL;
	f->pos = off;
	return off;
}

int64_t generic_file_seek(struct file *f, int64_t off, int whence)
{
	struct inode *i = f->inode;
	int64_t max = S_ISDIR(i->mode) || !i->sb->max_size ? INT64_MAX : i->sb->max_size;

	if (whence == SEEK_DATA || whence == SEEK_HOLE) {
		off = seek_data(f, off, whence == SEEK_HOLE);
		if (off < 0)
			return off;
		whence = SEEK_SET;
	}
	return plain_seek(f, off, whence, i_size_read(i), max);
}
