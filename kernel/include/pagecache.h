/*
 * pagecache.h - the one cache of file contents: files, tmpfs, shared anonymous memory and block
 * devices.
 *
 * struct mapping is the cached contents of one object. A page belongs to at most one mapping at one
 * index. It is read by ops->readpage (page locked; the file system unlocks it when the contents are
 * there), dirtied by write or by mapped stores, and written by ops->writepage(s). Truncation locks
 * each page, removes it, and clears page->mapping. Lock order: mapping->invalidate > page lock >
 * xarray lock.
 */
#pragma once
#include <iov_iter.h>
#include <mutex.h>
#include <page.h>
#include <rbtree.h>
#include <xarray.h>

struct vma;
struct writeback {
	uint64_t start, end; /* pages, inclusive */
	bool sync;           /* wait: for fsync */
	uint64_t nr_to_write;
};
struct mapping_ops {
	/* Start filling a locked page; unlock it when uptodate (set PG_UPTODATE) or failed
	 * (PG_ERROR). 0 or -errno (then already unlocked). */
	int (*readpage)(struct mapping *m, struct page *p);
	/* Optional: read several consecutive new locked pages in one go. */
	void (*readpages)(struct mapping *m, struct page **pages, unsigned n);
	/* Write a locked dirty page (PG_DIRTY was just cleared); sets PG_WRITEBACK, unlocks, and
	 * page_end_writeback() when done. */
	int (*writepage)(struct mapping *m, struct page *p, struct writeback *wb);
	/* Optional: called before and after a batch so that requests can be merged. */
	void (*plug)(struct mapping *m, bool start);
	/*
	 * A write of @len bytes at @pos inside one page: make sure blocks are there (ENOSPC now,
	 * not later). Called with the page locked and, unless the write covers it, uptodate. NULL:
	 * nothing to prepare.
	 */
	int (*prepare_write)(struct mapping *m, struct page *p, unsigned offset, unsigned len);
	/* A store through a shared mapping is about to dirty the page. As prepare_write, whole page
	 * within @size. */
	int (*page_mkwrite)(struct mapping *m, struct page *p);
	/* The page leaves the cache (locked): drop fs_private. */
	void (*release)(struct mapping *m, struct page *p);
	/* Current size in bytes: reads and faults stop there. */
	int64_t (*size)(struct mapping *m);
};
enum mapping_flags {
	MAPPING_UNEVICTABLE = 1 /* no backing store: tmpfs */,
	MAPPING_EXITING = 2,
	MAPPING_BDEV = 4,
	MAPPING_FLUSHING = 8 /* [d] the flusher is at work on it; mapping_fini() waits */,
	MAPPING_SEALED = 16 /* [i] no new shared mapping may be writable */
};

/* Key: [x] xarray lock  [i] i_mmap lock  [d] writeback's list lock  [a] atomic */
struct mapping {
	struct xarray pages; /* [x] */
	uint64_t nr_pages;   /* [x] */
	const struct mapping_ops *ops;
	void *host; /* inode or block device; constant */
	uint32_t flags;
	struct rwsem invalidate; /* readers: fault, read-in; writer: truncate, hole punch */
	struct spinlock mmap_lock;
	struct list_head vmas;       /* [i] all VMAs that map it (vma->map_node) */
	uint32_t nr_writable_shared; /* [i] those, and mm_map()s under way, that may be written */
	struct list_head dirty_node; /* [d] on the list of dirty mappings */
	uint64_t dirtied_ns;         /* [d] */
	int wb_error;    /* [a] last write error, reported once per file by fsync: see wb_seq */
	uint32_t wb_seq; /* [a] bumped with each error */
	void (*dirty_hook)(
		struct mapping *m); /* the first page became dirty: pin the host. Must not sleep.
				       NULL: mapping_fini() is called in time */
	void (*clean_hook)(struct mapping *m); /* counterpart: all pages are clean, unpin; may
						  sleep, the mapping may go. NULL: none */
};
void mapping_init(struct mapping *m, const struct mapping_ops *ops, void *host, uint32_t flags);
/* Drop everything, dirty pages included; nobody else has a reference. Sleeps for I/O in flight. */
void mapping_fini(struct mapping *m);

/* From now on nobody maps it shared and writable: 0, or -EBUSY as somebody has. */
int __must_check mapping_seal(struct mapping *m);

struct readahead {
	uint64_t start;
	uint32_t size, async;
	uint64_t prev;
}; /* per open file, zero at open */
/* Read through the cache. Stops at ops->size. Returns bytes, 0 at the end, or -errno if none. */
ssize_t pagecache_read(struct mapping *m, struct readahead *ra, struct iov_iter *to, int64_t pos);
/* The page that holds byte @pos for who reads @count bytes from there on: uptodate, referenced, not
 * locked. -EAGAIN: @nowait; -ENODATA: a hole of a file without backing store; other errors of
 * reading. */
int __must_check pagecache_get_read(struct mapping *m, struct readahead *ra, int64_t pos,
	size_t count, bool nowait, struct page **out);
/* Write through the cache; the caller holds the inode lock and updates the size by @grow(host,
 * newsize) as bytes become valid. */
ssize_t pagecache_write(struct mapping *m, struct iov_iter *from, int64_t pos,
	void (*grow)(void *host, int64_t size));
/* The page at @index: uptodate, referenced, not locked. 0 or -errno. */
int __must_check pagecache_get(struct mapping *m, uint64_t index, struct page **out);
/* The same without reading: locked, maybe not uptodate (new pages are not zeroed). */
int __must_check pagecache_get_locked(
	struct mapping *m, uint64_t index, unsigned gfp, struct page **out);
struct page *pagecache_find(struct mapping *m, uint64_t index); /* referenced, or NULL; no I/O */
void page_mark_dirty(
	struct page *p); /* the caller holds the page lock or a mapping that keeps it */
void page_end_writeback(struct page *p, int error); /* any context */
void page_end_read(
	struct page *p, int error); /* any context: sets UPTODATE or ERROR, unlocks, wakes */
/* A readpage for mappings without backing store (tmpfs): zeroes, marks PG_SWAPBACKED and unlocks.
 */
int shmem_readpage(struct mapping *m, struct page *p);
/* Cut to @size bytes: unmap, drop whole pages, zero the tail of the last. The size is already
 * changed. */
void pagecache_truncate(struct mapping *m, int64_t size);
/*
 * Hole punch: drops whole pages of [start, end), zeroes partial edges. Takes ->invalidate for
 * writing, as pagecache_truncate() does. A file system that frees blocks calls it before and again
 * after freeing them, as reads in between may bring old contents back.
 */
void pagecache_drop_range(struct mapping *m, int64_t start, int64_t end);
/* Write dirty pages in [start, end] bytes and wait: 0 or the error. */
int __must_check pagecache_sync(struct mapping *m, int64_t start, int64_t end);
int __must_check pagecache_write_async(struct mapping *m); /* start, don't wait */
void pagecache_drop_clean(struct mapping *m);              /* posix_fadvise, drop_caches */
/* The same for the pages of bytes [start, end). */
void pagecache_drop_clean_range(struct mapping *m, int64_t start, int64_t end);
void pagecache_readahead(struct mapping *m, uint64_t index, uint64_t nr); /* start reading */
/* Unmap pages [first, last] from every program. */
void mapping_unmap(struct mapping *m, uint64_t first, uint64_t last);
/* Report a write error to an opened file once: *seen is per file. */
int mapping_check_error(struct mapping *m, uint32_t *seen);
void writeback_init(void);               /* boot: starts the flusher thread */
void writeback_kick(void);               /* too much is dirty */
void writeback_all(bool wait);           /* sync(2): data of all mappings */
void writeback_throttle(void);           /* after dirtying: waits when far above the limit */
extern void (*writeback_periodic)(void); /* vfs: inode metadata and superblocks, every 5 s */
