/*
 * swapfile.c - devices and files as swap space: what lies where, reading and writing. swapon(2),
 * swapoff(2), mkswap(8).
 *
 * The first page is the header that mkswap(8) wrote. Slots are read and written on the device
 * itself, not through the page cache: a file is a list of runs of its blocks, taken down when it
 * comes into use. So that they stay true, the file cannot be opened for writing or cut meanwhile
 * (ETXTBSY, as for a program that runs), and being open keeps it from being freed. A device is
 * claimed, as for a mount.
 */
#include "internal.h"
#include <block.h>
#include <log.h>
#include <sched.h>
#include <slab.h>
#include <stat.h>
#include <string.h>
#include <swap.h>

#define SECTORS_PER_PAGE (PAGE_SIZE >> 9)
#define MAX_BAD          637u /* as many as the header has room for */

/* The header, from its byte 1024 on; the signature ends the page. */
struct swap_header {
	__le32 version, last_page, nr_bad;
	uint8_t uuid[16], label[16];
	__le32 padding[117], bad[MAX_BAD];
};
static const char signature[10] = {'S', 'W', 'A', 'P', 'S', 'P', 'A', 'C', 'E', '2'};

struct run {
	uint64_t slot, sector, n;
};
struct swapfile {
	struct list_head node; /* [swapfiles_lock] */
	bool leaving;          /* [swapfiles_lock] swapoff(2) is at it */
	struct file *file;
	struct block_device *bdev;
	uint64_t slots;
	unsigned nr_runs, max_runs;
	struct run *runs; /* by slot */
	unsigned nr_bad;
	uint32_t bad[MAX_BAD];
};

static struct mutex swapfiles_lock = MUTEX_INIT(swapfiles_lock);
static LIST_HEAD(swapfiles); /* [swapfiles_lock] */

/* ---- reading and writing ---- */

/* The run that holds @slot, or NULL. */
static const struct run *find_run(const struct swapfile *s, uint64_t slot)
{
	unsigned low = 0, high = s->nr_runs;

	while (low < high) {
		unsigned middle = (low + high) / 2;
		const struct run *r = &s->runs[middle];

		if (slot < r->slot)
			high = middle;
		else if (slot >= r->slot + r->n)
			low = middle + 1;
		else
			return r;
	}
	return NULL;
}

static int transfer_part(
	struct swapfile *s, bool write, uint64_t sector, struct page **pages, unsigned n)
{
	struct bio *b = bio_alloc(s->bdev, write ? BIO_WRITE : BIO_READ, sector, n, GFP_NOFS);
	int err;

	if (!b)
		return -ENOMEM;
	b->flags |= BIO_SYNC;
	for (unsigned i = 0; i < n; i++)
		(void)bio_add(b, pages[i], 0, PAGE_SIZE);
	err = bio_submit_wait(b);
	bio_put(b);
	return err;
}

static int swapfile_transfer(void *host, bool write, uint64_t slot, struct page **pages, unsigned n)
{
	struct swapfile *s = host;
	int err = 0;

	while (n > 0 && !err) {
		const struct run *r = find_run(s, slot);
		uint64_t skip = r ? slot - r->slot : 0;
		unsigned part = r ? (unsigned)MIN((uint64_t)n, r->n - skip) : 0;

		err = r ? transfer_part(s, write, r->sector + skip * SECTORS_PER_PAGE, pages, part)
			: -EIO;
		slot += part;
		pages += part;
		n -= part;
	}
	return err;
}

static bool swapfile_usable(void *host, uint64_t slot)
{
	const struct swapfile *s = host;

	for (unsigned i = 0; i < s->nr_bad; i++)
		if (s->bad[i] == slot)
			return false;
	return find_run(s, slot) != NULL;
}

static const struct swap_io swapfile_io = {
	.transfer = swapfile_transfer,
	.usable = swapfile_usable,
};

/* ---- setting up ---- */

static int header_refused(const struct swapfile *s, const char *why)
{
	log_warn("swapon: %s: %s", s->file->path.dentry->name.name, why);
	return -EINVAL;
}

static int check_header(struct swapfile *s, const uint8_t *page, uint64_t pages)
{
	const struct swap_header *h = (const struct swap_header *)(page + 1024);

	if (memcmp(page + PAGE_SIZE - sizeof(signature), signature, sizeof(signature)))
		return header_refused(s, "no swap space of pages of 4096 bytes");
	if (le32(h->version) != 1)
		return header_refused(s, "unknown version");
	s->slots = (uint64_t)le32(h->last_page) + 1;
	s->nr_bad = le32(h->nr_bad);
	if (s->slots < 2 || s->nr_bad > MAX_BAD)
		return header_refused(s, "damaged header");
	if (s->slots > pages)
		return header_refused(s, "shorter than its header says");
	for (unsigned i = 0; i < s->nr_bad; i++)
		s->bad[i] = le32(h->bad[i]);
	return 0;
}

/* What the cache has of it is written, read, and forgotten: it is not looked at again. */
static int read_header(struct swapfile *s)
{
	struct mapping *m = s->file->mapping;
	uint64_t pages = (uint64_t)m->ops->size(m) >> PAGE_SHIFT;
	struct page *p;
	int err = pagecache_sync(m, 0, INT64_MAX);

	if (!err && !pages)
		err = header_refused(s, "too small");
	if (!err)
		err = pagecache_get(m, 0, &p);
	if (err)
		return err;
	err = check_header(s, page_address(p), pages);
	page_put(p);
	pagecache_drop_clean(m);
	return err;
}

static int add_run(struct swapfile *s, struct run r)
{
	struct run *last = s->nr_runs ? &s->runs[s->nr_runs - 1] : NULL, *more;

	if (last && last->slot + last->n == r.slot &&
		last->sector + last->n * SECTORS_PER_PAGE == r.sector) {
		last->n += r.n;
		return 0;
	}
	if (s->nr_runs == s->max_runs) {
		unsigned max = s->max_runs ? 2 * s->max_runs : 16;

		more = kmalloc(max * sizeof(*more), GFP_KERNEL);
		if (!more)
			return -ENOMEM;
		if (s->nr_runs)
			memcpy(more, s->runs, s->nr_runs * sizeof(*more));
		kfree(s->runs);
		s->runs = more;
		s->max_runs = max;
	}
	s->runs[s->nr_runs++] = r;
	return 0;
}

static int map_file(struct swapfile *s)
{
	struct inode *i = s->file->inode;
	uint64_t slot = 0;

	if (!i->ops->extent || !i->sb->bdev)
		return header_refused(s, "its file system is on no disk");
	s->bdev = i->sb->bdev;
	while (slot < s->slots) {
		struct run r = {.slot = slot};
		int err = i->ops->extent(i, slot, &r.sector, &r.n);

		if (err == -ENODATA)
			return header_refused(s, "it has holes");
		r.n = MIN(r.n, s->slots - slot);
		if (!err && r.n)
			err = add_run(s, r);
		if (err)
			return err;
		slot += MAX(r.n, 1ull);
		cond_resched();
	}
	return 0;
}

static int map_slots(struct swapfile *s)
{
	if (S_ISREG(s->file->inode->mode))
		return map_file(s);
	s->bdev = s->file->private;
	return s->bdev->disk->limits.read_only ? -EROFS : add_run(s, (struct run){.n = s->slots});
}

/* swapon(2): nobody unlinks or renames it meanwhile. */
static void mark_inode(struct inode *i, bool in_use)
{
	spin_lock(&i->spin);
	i->state = in_use ? i->state | I_SWAPFILE : i->state & ~(uint32_t)I_SWAPFILE;
	spin_unlock(&i->spin);
}

static void swapfile_free(struct swapfile *s)
{
	if (s->file)
		file_put(s->file);
	kfree(s->runs);
	kfree(s);
}

/* The one in use that @i, a file or a device's node, stands for. swapfiles_lock held. */
static struct swapfile *find_swapfile(const struct inode *i)
{
	struct swapfile *s;

	list_for_each_entry (s, &swapfiles, node)
		if (s->file->inode == i || (S_ISBLK(i->mode) && S_ISBLK(s->file->inode->mode) &&
						   s->file->inode->rdev == i->rdev))
			return s;
	return NULL;
}

static int open_swapfile(struct swapfile *s, const struct path *p)
{
	const struct inode *i = p->dentry->inode;
	int err;

	if (S_ISDIR(i->mode))
		return -EISDIR;
	if (!S_ISREG(i->mode) && !S_ISBLK(i->mode))
		return -EINVAL;
	if (find_swapfile(i))
		return -EBUSY;
	if (S_ISREG(i->mode)) {
		err = path_want_write(p);
		if (err)
			return err;
	}
	err = vfs_open_path(p, O_RDONLY | O_EXCL | O_LARGEFILE, &s->file);
	if (!err && S_ISREG(i->mode))
		err = file_deny_write(s->file);
	return err;
}

int vfs_swapon(const struct path *p, int priority)
{
	struct swapfile *s = kmalloc(sizeof(*s), GFP_KERNEL | GFP_ZERO);
	int err;

	if (!s)
		return -ENOMEM;
	mutex_lock(&swapfiles_lock);
	err = open_swapfile(s, p);
	if (!err)
		err = read_header(s);
	if (!err)
		err = map_slots(s);
	if (!err)
		err = swap_on(&swapfile_io, s, s->slots, priority);
	if (!err) {
		list_add_tail(&s->node, &swapfiles);
		mark_inode(s->file->inode, true);
	}
	mutex_unlock(&swapfiles_lock);
	if (err)
		swapfile_free(s);
	return err;
}

/* The lock is not held while pages are brought back. */
int vfs_swapoff(const struct path *p)
{
	struct swapfile *s;
	int err;

	mutex_lock(&swapfiles_lock);
	s = find_swapfile(p->dentry->inode);
	if (!s || s->leaving) {
		mutex_unlock(&swapfiles_lock);
		return -EINVAL;
	}
	s->leaving = true;
	mutex_unlock(&swapfiles_lock);
	err = swap_off(s);
	mutex_lock(&swapfiles_lock);
	s->leaving = false;
	if (!err) {
		list_del(&s->node);
		mark_inode(s->file->inode, false);
	}
	mutex_unlock(&swapfiles_lock);
	if (!err)
		swapfile_free(s);
	return err;
}

void vfs_swaps(
	void (*fn)(const struct file *f, const struct swap_area_info *a, void *arg), void *arg)
{
	struct swap_area_info info;
	struct swapfile *s;

	mutex_lock(&swapfiles_lock);
	list_for_each_entry (s, &swapfiles, node)
		if (swap_describe(s, &info))
			fn(s->file, &info, arg);
	mutex_unlock(&swapfiles_lock);
}
