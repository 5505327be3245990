/*
 * world.h - what the tests of ext2 share: a disk in memory that can lose its power, images that
 * mke2fs made, and e2fsck as the judge.
 *
 * A test file brings the LINK lines. submit() completes at once.
 */
#pragma once
#pragma GCC diagnostic ignored "-Wunused-function" /* not every program needs all */
#include <block.h>
#include <error.h>
#include <fs.h>
#include <file.h>
#include <printf.h>
#include <sched.h>
#include <slab.h>
#include <string.h>
#include <unit.h>
#include "tests/unit/mm/pages.h"

int system(const char *command);
struct stream;
struct stream *fopen(const char *name, const char *mode);
size_t fwrite(const void *p, size_t size, size_t n, struct stream *f);
int fclose(struct stream *f);

static unsigned sleeps;
void sleep_uninterruptible_ns(uint64_t ns)
{
	unit_clock += ns;
	sleeps++;
	alloc_fail_after(-1); /* whoever waits for memory gets some */
}

/* ---- the disk ---- */

struct pending {
	struct pending *next;
	uint64_t at;
	uint32_t len;
	uint8_t data[];
};
struct memdisk {
	uint8_t *data, *durable; /* durable: as of the last flush; NULL: nobody wants to know */
	struct pending *first, **last; /* writes since */
	size_t bytes;
	uint64_t fail_write_at;
	unsigned writes, reads, flushes;
};
static struct memdisk *md;
static uint32_t logical_bytes = 512; /* of disks to come; what is never torn */

static void remember(struct memdisk *m, uint64_t at, const void *data, uint32_t len)
{
	struct pending *p = unit_malloc(sizeof(*p) + len);

	*p = (struct pending){NULL, at, len};
	memcpy(p->data, data, len);
	*m->last = p;
	m->last = &p->next;
}

/* The power fails (@cut) or a flush is done: what was written since the last one reaches the
 * medium, or any sectors of it. */
static void settle(struct memdisk *m, bool cut)
{
	struct pending *p, *next;

	for (p = m->first; p; p = next) {
		unsigned luck = cut ? (unsigned)unit_below(3) : 0;

		for (uint32_t off = 0; off < p->len; off += logical_bytes)
			if (luck == 0 || (luck == 1 && unit_below(2)))
				memcpy(m->durable + p->at + off, p->data + off, logical_bytes);
		next = p->next;
		unit_free(p);
	}
	m->first = NULL;
	m->last = &m->first;
}

static void md_submit(struct block_device *disk, struct bio *b)
{
	struct memdisk *m = disk->driver;
	uint64_t at = b->sector << 9;

	m->writes += b->op == BIO_WRITE;
	m->reads += b->op == BIO_READ;
	m->flushes += b->op == BIO_FLUSH;
	for (unsigned i = 0; i < b->nr_vecs; i++) {
		char *p = (char *)page_address(b->vecs[i].page) + b->vecs[i].offset;

		if (b->op == BIO_READ)
			memcpy(p, m->data + at, b->vecs[i].len);
		else
			memcpy(m->data + at, p, b->vecs[i].len);
		if (b->op == BIO_WRITE && m->durable)
			remember(m, at, p, b->vecs[i].len);
		at += b->vecs[i].len;
	}
	if (b->op == BIO_FLUSH && m->durable)
		settle(m, false);
	bio_end(b,
		b->op == BIO_WRITE && m->fail_write_at && b->sector >= m->fail_write_at ? -EIO : 0);
}

static const struct disk_ops md_ops = {.submit = md_submit};

static const char *image(const char *name)
{
	static char text[100];

	scnprintf(text, sizeof(text), "build/unit/ext2-%s.img", name);
	return text;
}

static void make_disk_from(const char *name, const char *file)
{
	struct block_device *d = kzalloc(sizeof(*d));

	md = unit_malloc(sizeof(*md));
	*md = (struct memdisk){0};
	md->data = unit_read_file(file, &md->bytes);
	scnprintf(d->name, sizeof(d->name), "%s", name);
	d->nr_sectors = md->bytes >> 9;
	d->ops = &md_ops;
	d->driver = md;
	d->limits = (struct disk_limits){.logical_bytes = logical_bytes,
		.max_bytes = 512 << 10,
		.max_vecs = 128,
		.volatile_cache = true,
		.vec_boundary_mask = PAGE_SIZE - 1};
	EXPECT_EQ(disk_register(d), 0);
}

static void make_disk(const char *name, const char *mke2fs)
{
	char command[300];

	scnprintf(command, sizeof(command), "rm -f %s; /usr/sbin/mke2fs -q -F -t ext2 %.*s %s %s",
		image(name), (int)(strrchr(mke2fs, ' ') - mke2fs), mke2fs, image(name),
		strrchr(mke2fs, ' ') + 1);
	if (system(command))
		unit_fail(__FILE__, __LINE__, "mke2fs failed");
	make_disk_from(name, image(name));
}

static void save_image(const char *name)
{
	struct stream *f = fopen(image(name), "w");

	EXPECT_EQ(fwrite(md->data, 1, md->bytes, f), md->bytes);
	fclose(f);
}

/* The image as it is now, to e2fsck. */
static void fsck(const char *name)
{
	char command[200];

	save_image(name);
	scnprintf(command, sizeof(command),
		"/usr/sbin/e2fsck -fn %s >%s.log 2>&1 || { cat %s.log; false; }", image(name),
		image(name), image(name));
	EXPECT_EQ(system(command), 0);
}

static void start(void)
{
	static bool done;

	current->cred = &cred_kernel;
	if (done)
		return;
	done = true;
	page_wait_init();
	xarray_init();
	block_init();
	vfs_init();
	ext2_init();
}

static void mount_image(const char *name, const char *options)
{
	start();
	make_disk(name, options);
	REQUIRE_EQ(vfs_mount_root(name, "ext2", 0), 0);
	current->fs->umask = 0;
}

static int remount(unsigned flags)
{
	struct path root;
	int err;

	unit_rcu_flush();
	fs_get_root(&root);
	err = vfs_remount(&root, flags, NULL);
	path_put(&root);
	return err;
}

static void finish(const char *name)
{
	EXPECT_EQ(remount(MS_RDONLY), 0);
	fsck(name);
}

/* ---- helpers ---- */

static int put(const char *name, const void *data, size_t n, int64_t pos, unsigned flags)
{
	struct file *f;
	int err = vfs_open(NULL, name, O_WRONLY | O_CREAT | flags, 0644, LOOKUP_FOLLOW, &f);
	ssize_t done;

	if (err)
		return err;
	done = kernel_write(f, data, n, pos);
	file_put(f);
	return done < 0 ? (int)done : done == (ssize_t)n ? 0 : -ENOSPC;
}

static ssize_t get(const char *name, void *data, size_t n, int64_t pos)
{
	struct file *f;
	int err = vfs_open(NULL, name, O_RDONLY, 0, LOOKUP_FOLLOW, &f);
	ssize_t done;

	if (err)
		return err;
	done = kernel_read(f, data, n, pos);
	file_put(f);
	return done;
}

struct counter {
	struct dir_context c;
	unsigned n, stop;
};
static bool quiet;
static bool count_entry(struct dir_context *c, const char *name, unsigned len, int64_t next,
	ino_t ino, unsigned type)
{
	struct counter *k = container_of(c, struct counter, c);

	if (k->stop && k->n % k->stop == k->stop - 1 && unit_below(2))
		return false;
	k->n++;
	return name && len && next && ino && type != DT_UNKNOWN;
}

static unsigned count(const char *dir)
{
	struct counter k = {.c = {count_entry, 0}, .stop = 7};
	struct file *f;
	int64_t before;

	if (vfs_open(NULL, dir, O_RDONLY | O_DIRECTORY, 0, LOOKUP_FOLLOW, &f))
		return 0;
	do {
		before = f->pos;
		k.c.pos = f->pos;
		k.stop = k.stop ? 0 : 7;
		if (vfs_readdir(f, &k.c) && !EXPECT(quiet))
			break;
		if (quiet && f->pos == k.c.pos)
			break;
		f->pos = k.c.pos;
	} while (f->pos != before || k.stop);
	file_put(f);
	return k.n;
}
