/*
 * file.c - contents of regular files: pages in and out, room for writes; the file operations.
 *
 * Reading looks up runs of blocks and makes one bio of adjacent pages; a page whose blocks are not
 * adjacent (small blocks, holes) is read or written in parts and completed by the last of them.
 * Writing makes a bio per page, which the plug merges. Blocks exist before a page is dirty
 * (prepare_write, page_mkwrite; page->fs_private has a bit for each block that is known to exist,
 * changed under the page lock), so writing back allocates nothing; what lies in a hole of a dirty
 * page is zeros and is not written.
 */
#include "ext2.h"

#include <atomic.h>
#include <error.h>
#include <log.h>
#include <sched.h>
#include <slab.h>
#include <string.h>

static struct inode *host(const struct mapping *m)
{
	return m->host;
}

/* A run of adjacent blocks that was looked up. */
struct run {
	uint32_t lblk, phys, len;
	bool write; /* for writing back: wait for memory that the look-up needs */
};

static int find_in_run(struct inode *i, uint32_t lblk, uint32_t want, struct run *r)
{
	uint32_t skip;
	int err;

	if (r->len && lblk >= r->lblk && lblk - r->lblk < r->len) {
		skip = lblk - r->lblk;
		*r = (struct run){lblk, r->phys ? r->phys + skip : 0, r->len - skip, r->write};
		return 0;
	}
	r->lblk = lblk;
	do {
		err = ext2_map(i, lblk, want, &r->phys, &r->len);
	} while (r->write && ext2_wait_for_memory(err));
	if (err)
		r->len = 0; /* or the next page would be taken from a bad run */
	return err;
}

static void write_done(struct bio *b)
{
	struct ext2_sb *s = b->private;

	if (unlikely(b->error))
		work_queue(&s->error_work);
	bio_pages_done(b);
}

static struct bio *new_bio(struct ext2_sb *s, enum bio_op op, uint32_t block, unsigned vecs)
{
	struct bio *b = bio_alloc(s->bdev, op, (uint64_t)block << (s->bits - 9), vecs, GFP_NOFS);

	if (!b)
		return NULL;
	b->flags = BIO_PER_VEC;
	b->done = op == BIO_READ ? bio_pages_done : write_done;
	b->private = op == BIO_READ ? NULL : s;
	return b;
}

/* ---- a page in parts ---- */

struct parts {
	struct page *page;
	struct ext2_sb *s;
	atomic_t pending;
	int error;
	bool write;
	bool slowly; /* no memory for this record: it is on the stack, and each part is waited for
		      */
};

static void parts_put(struct parts *io)
{
	if (atomic_dec(&io->pending))
		return;
	if (io->write && io->error)
		work_queue(&io->s->error_work);
	if (io->write)
		page_end_writeback(io->page, io->error);
	else
		page_end_read(io->page, io->error);
	if (!io->slowly)
		kfree(io);
}

static void part_done(struct bio *b)
{
	struct parts *io = b->private;

	if (b->error)
		WRITE_ONCE(io->error, b->error);
	bio_put(b);
	parts_put(io);
}

/* One block of the page. */
static int part_block(struct parts *io, unsigned offset, uint32_t phys)
{
	struct bio *b = new_bio(io->s, io->write ? BIO_WRITE : BIO_READ, phys, 1);

	if (!b)
		return -ENOMEM;
	b->flags = 0;
	b->done = part_done;
	b->private = io;
	if (!bio_add(b, io->page, offset, io->s->bs)) {
		bio_put(b);
		return -EIO;
	}
	if (io->slowly) {
		int err = bio_submit_wait(b);

		bio_put(b);
		return err;
	}
	atomic_inc(&io->pending);
	bio_submit(b);
	return 0;
}

/* Read or write the blocks of @p one by one; @bytes of it belong to the file. Completes the page in
 * any case. */
static void page_in_parts(struct inode *i, struct page *p, unsigned bytes, bool write)
{
	struct ext2_sb *s = EXT2_SB(i->sb);
	struct parts *io = kmalloc(sizeof(*io), GFP_NOFS | GFP_NORETRY);
	struct parts local;
	struct run r = {.write = write};
	bool slowly = !io;
	int err = 0;

	if (slowly)
		io = &local;
	*io = (struct parts){
		.page = p, .s = s, .pending = ATOMIC_INIT(1), .write = write, .slowly = slowly};
	for (unsigned off = 0; off < PAGE_SIZE && !err; off += s->bs) {
		if (off < bytes)
			err = find_in_run(
				i, (uint32_t)((p->index << PAGE_SHIFT | off) >> s->bits), 64, &r);
		if (!err && off < bytes && r.phys)
			err = part_block(io, off, r.phys);
		else if (!err && !write)
			memset((char *)page_address(p) + off, 0, s->bs);
	}
	if (err)
		WRITE_ONCE(io->error, err);
	parts_put(io);
}

/* ---- reading ---- */

static unsigned bytes_in_page(const struct inode *i, const struct page *p)
{
	int64_t left = i_size_read(i) - (int64_t)(p->index << PAGE_SHIFT);

	return left <= 0 ? 0 : (unsigned)MIN(left, (int64_t)PAGE_SIZE);
}

struct reader {
	struct inode *i;
	struct bio *bio;
	struct run run;
	uint64_t next_sector;
};

static void submit_reader(struct reader *rd)
{
	if (rd->bio)
		bio_submit(rd->bio);
	rd->bio = NULL;
}

/* Read @p whole from @phys on, in the bio at hand if it goes on there. */
static int add_page(struct reader *rd, struct page *p, uint32_t phys, unsigned vecs)
{
	struct ext2_sb *s = EXT2_SB(rd->i->sb);
	uint64_t sector = (uint64_t)phys << (s->bits - 9);

	if (rd->bio && (rd->next_sector != sector || !bio_add(rd->bio, p, 0, PAGE_SIZE)))
		submit_reader(rd);
	else if (rd->bio)
		goto added;
	rd->bio = new_bio(s, BIO_READ, phys, vecs);
	if (!rd->bio)
		return -ENOMEM;
	if (!bio_add(rd->bio, p, 0, PAGE_SIZE)) {
		bio_put(rd->bio);
		rd->bio = NULL;
		return -EIO;
	}
added:
	rd->next_sector = sector + (PAGE_SIZE >> 9);
	return 0;
}

static void read_one(struct reader *rd, struct page *p, unsigned left)
{
	struct ext2_sb *s = EXT2_SB(rd->i->sb);
	unsigned per_page = PAGE_SIZE >> s->bits, bytes = bytes_in_page(rd->i, p);
	uint32_t lblk = (uint32_t)(p->index << (PAGE_SHIFT - s->bits));
	int err = 0;

	if (!bytes) {
		page_clear(page_address(p));
		page_end_read(p, 0);
		return;
	}
	err = find_in_run(rd->i, lblk, left * per_page, &rd->run);
	if (!err && rd->run.phys && rd->run.len >= per_page) {
		p->fs_private = (1ull << per_page) - 1;
		err = add_page(rd, p, rd->run.phys, left);
	} else if (!err && per_page == 1) {
		page_clear(page_address(p));
		page_end_read(p, 0);
	} else if (!err) {
		page_in_parts(rd->i, p, bytes, false);
	}
	if (err)
		page_end_read(p, err);
}

static void ext2_readpages(struct mapping *m, struct page **pages, unsigned n)
{
	struct reader rd = {.i = host(m)};
	struct blk_plug plug;

	blk_plug_start(&plug);
	for (unsigned k = 0; k < n; k++)
		read_one(&rd, pages[k], n - k);
	submit_reader(&rd);
	blk_plug_finish(&plug);
}

/* The page says by itself whether it could be read. */
static int ext2_readpage(struct mapping *m, struct page *p)
{
	ext2_readpages(m, &p, 1);
	return 0;
}

/* ---- writing ---- */

static int ext2_writepage(struct mapping *m, struct page *p, struct writeback *wb)
{
	struct inode *i = host(m);
	struct ext2_sb *s = EXT2_SB(i->sb);
	unsigned per_page = PAGE_SIZE >> s->bits, bytes = bytes_in_page(i, p);
	struct run r = {.write = true};
	struct bio *b;
	int err;

	page_set(p, PG_WRITEBACK);
	if (bytes < PAGE_SIZE) /* what mapped stores left behind the end of the file */
		memset((char *)page_address(p) + bytes, 0, PAGE_SIZE - bytes);
	page_unlock(p);
	if (!bytes) {
		page_end_writeback(p, 0);
		return 0;
	}
	err = find_in_run(i, (uint32_t)(p->index << (PAGE_SHIFT - s->bits)), per_page, &r);
	if (err) {
		page_end_writeback(p, err);
		return err;
	}
	if (!r.phys || r.len < per_page) {
		page_in_parts(i, p, bytes, true);
		return 0;
	}
	b = new_bio(s, BIO_WRITE, r.phys, 1); /* never without, GFP_NOFS */
	if (!b || !bio_add(b, p, 0, PAGE_SIZE)) {
		if (b)
			bio_put(b);
		page_end_writeback(p, -EIO);
		return -EIO;
	}
	b->flags |= wb->sync ? BIO_SYNC : 0;
	bio_submit(b);
	return 0;
}

/* Blocks for [pos, pos + len) of the file, with one more try after a commit has made room. */
static int make_blocks(struct inode *i, uint64_t pos, unsigned len)
{
	struct ext2_sb *s = EXT2_SB(i->sb);
	uint32_t first = (uint32_t)(pos >> s->bits), last = (uint32_t)((pos + len - 1) >> s->bits);
	int err = 0;

	for (unsigned tries = 0; tries < 2; tries++) {
		struct ext2_txn t;

		err = ext2_begin(i->sb, &t);
		if (err)
			return err;
		err = ext2_map_create(&t, i, first, last - first + 1);
		ext2_end(&t);
		if (err != -ENOSPC || !ext2_commit_for_space(s))
			break;
	}
	return err;
}

static int ext2_prepare_write(struct mapping *m, struct page *p, unsigned offset, unsigned len)
{
	unsigned bits = EXT2_SB(host(m)->sb)->bits;
	uint64_t mask = ((2ull << ((offset + len - 1) >> bits)) - 1) &
			~((1ull << (offset >> bits)) - 1);
	int err;

	if ((p->fs_private & mask) == mask)
		return 0;
	err = make_blocks(host(m), p->index << PAGE_SHIFT | offset, len);
	if (!err)
		p->fs_private |= mask;
	return err;
}

void ext2_forget_blocks(struct inode *i, int64_t size)
{
	struct page *p = pagecache_find(i->mapping, (uint64_t)size >> PAGE_SHIFT);

	if (!p)
		return;
	page_lock(p);
	p->fs_private = 0;
	page_unlock(p);
	page_put(p);
}

static int ext2_page_mkwrite(struct mapping *m, struct page *p)
{
	unsigned bytes = bytes_in_page(host(m), p);

	if (inode_immutable(host(m)))
		return -EPERM;
	return bytes ? ext2_prepare_write(m, p, 0, bytes) : -EFAULT;
}

static int64_t ext2_size(struct mapping *m)
{
	return i_size_read(host(m));
}

const struct mapping_ops ext2_mapping_ops = {
	.readpage = ext2_readpage,
	.readpages = ext2_readpages,
	.writepage = ext2_writepage,
	.plug = blk_plug_mapping,
	.prepare_write = ext2_prepare_write,
	.page_mkwrite = ext2_page_mkwrite,
	.size = ext2_size,
};

int ext2_extent(struct inode *i, uint64_t index, uint64_t *sector, uint64_t *pages)
{
	unsigned bits = EXT2_SB(i->sb)->bits, shift = PAGE_SHIFT - bits;
	uint64_t blocks = (((uint64_t)i_size_read(i) - 1) >> bits) + 1, at = index << shift;
	uint32_t phys, run;
	int err;

	if (at >= blocks)
		return -ENODATA;
	err = ext2_map(i, (uint32_t)at, (uint32_t)(blocks - at), &phys, &run);
	if (err)
		return err;
	*sector = (uint64_t)phys << (bits - 9);
	*pages = run >> shift;
	return phys ? 0 : -ENODATA;
}

/* ---- file operations ---- */

/* lseek(2): data is what has a block; blocks are there from the moment of the write on. */
static int64_t find_blocks(struct inode *i, int64_t off, bool hole)
{
	unsigned bits = EXT2_SB(i->sb)->bits;
	int64_t size = i_size_read(i);
	uint32_t at = (uint32_t)(off >> bits), end = (uint32_t)((size + (1 << bits) - 1) >> bits);

	if (off < 0 || off >= size)
		return -ENXIO;
	while (at < end) {
		uint32_t phys, run;
		int err = ext2_map(i, at, end - at, &phys, &run);

		if (err)
			return err;
		if (hole == !phys)
			return MAX(off, (int64_t)at << bits);
		at += run;
		if (task_interrupted(current, TASK_KILLABLE))
			return -EINTR;
		cond_resched();
	}
	return hole ? size : -ENXIO;
}

static int64_t ext2_seek(struct file *f, int64_t off, int whence)
{
	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return generic_file_seek(f, off, whence);
	off = find_blocks(f->inode, off, whence == SEEK_HOLE);
	return off < 0 ? off : generic_file_seek(f, off, SEEK_SET);
}

static void ext2_release(struct file *f)
{
	struct ext2_inode *ei = EXT2_I(f->inode);

	if (!(f->mode & FMODE_WRITE) || !READ_ONCE(ei->win_len))
		return;
	rwsem_write_lock(&ei->map_lock);
	ext2_discard_window(ei);
	ei->win_next = 0;
	rwsem_write_unlock(&ei->map_lock);
}

#define EXT2_GETFLAGS   0x80086601u
#define EXT2_SETFLAGS   0x40086602u
#define EXT2_GETVERSION 0x80087601u

long ext2_ioctl(struct file *f, unsigned cmd, void *arg)
{
	switch (cmd) {
	case EXT2_GETFLAGS:
		*(int *)arg = (int)(EXT2_I(f->inode)->flags & EXT2_FL_USER_VISIBLE);
		return 0;
	case EXT2_SETFLAGS:
		return ext2_set_flags(&f->path, *(uint32_t *)arg);
	case EXT2_GETVERSION:
		*(int *)arg = (int)f->inode->generation;
		return 0;
	}
	return -ENOTTY;
}

const struct file_ops ext2_file_ops = {
	.read = generic_file_read,
	.write = generic_file_write,
	.ioctl = ext2_ioctl,
	.mmap = generic_file_mmap,
	.release = ext2_release,
	.fsync = generic_file_fsync,
	.seek = ext2_seek,
	.nowait = true,
};
