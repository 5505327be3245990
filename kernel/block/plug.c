/*
 * plug.c - plugging: a task's reads and writes held back for a moment, sorted and merged. Theory:
 * bio.c
 */
#include "block_internal.h"

#include <slab.h>
#include <task.h>

#define PLUG_MOST 64u

void blk_plug_start(struct blk_plug *p)
{
	list_init(&p->bios);
	p->outer = current->io_plug;
	p->count = 0;
	p->nested = 0;
	p->on_heap = false;
	current->io_plug = p;
}

void blk_plug_finish(struct blk_plug *p)
{
	plug_flush(p);
	current->io_plug = p->outer;
}

void blk_plug_flush(void)
{
	for (struct blk_plug *p = current->io_plug; p; p = p->outer)
		plug_flush(p);
}

void blk_plug_mapping(struct mapping *m, bool start)
{
	struct blk_plug *p = current->io_plug;

	(void)m;
	if (start && p) {
		p->nested++;
	} else if (start) {
		p = kmalloc(sizeof(*p), GFP_NOFS | GFP_NORETRY);
		if (!p)
			return;
		blk_plug_start(p);
		p->on_heap = true;
	} else if (p && p->nested) {
		p->nested--;
	} else if (p && p->on_heap) {
		blk_plug_finish(p);
		kfree(p);
	}
}

static bool before(const struct bio *a, const struct bio *b)
{
	return a->bdev != b->bdev ? a->bdev < b->bdev : a->sector <= b->sector;
}

void plug_add(struct blk_plug *p, struct bio *b)
{
	struct list_head *at = p->bios.prev;

	while (at != &p->bios && !before(list_entry(at, struct bio, node), b))
		at = at->prev;
	if (at != &p->bios && bio_fold(list_entry(at, struct bio, node), b))
		return;
	list_add(&b->node, at);
	if (++p->count >= PLUG_MOST)
		plug_flush(p);
}

/* Bios that were added out of order may have become neighbours. */
static void fold_followers(struct blk_plug *p, struct bio *b)
{
	while (!list_empty(&p->bios)) {
		struct bio *next = list_first(&p->bios, struct bio, node);

		list_del(&next->node);
		if (bio_fold(b, next))
			continue;
		list_add(&next->node, &p->bios);
		return;
	}
}

void plug_flush(struct blk_plug *p)
{
	struct block_device *disk = NULL;

	if (list_empty(&p->bios))
		return;
	p->count = 0;
	while (!list_empty(&p->bios)) {
		struct bio *b = list_first(&p->bios, struct bio, node);

		list_del(&b->node);
		fold_followers(p, b);
		if (disk && disk != b->bdev && disk->ops->kick)
			disk->ops->kick(disk);
		disk = b->bdev;
		bio_dispatch(b, false);
	}
	if (disk->ops->kick)
		disk->ops->kick(disk);
}
