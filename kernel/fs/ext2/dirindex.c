/*
 * dirindex.c - an index in memory of a directory of more than one block: where each name is, and
 * which blocks have room.
 *
 * Built when the directory is first used, dropped with the inode. Open addressing over pages of
 * slots: a hash of the name and the entry's place; a hit is compared with the entry itself. When
 * there is no memory for it the directory is scanned instead. room[] holds for each block an upper
 * bound of its largest free stretch in units of 4 bytes.
 *
 * Locks: built under index_lock by anyone with the directory's lock, published with release;
 * changed under the directory's lock held for writing, so readers (shared) see it still.
 */
#include "ext2.h"

#include <error.h>
#include <hash.h>
#include <random.h>
#include <slab.h>
#include <string.h>

struct slot {
	uint32_t hash, place;
}; /* place: byte offset / 4 */
#define EMPTY          0xffffffffu
#define REMOVED        0xfffffffeu
#define SLOTS_PER_PAGE (PAGE_SIZE / sizeof(struct slot))

struct ext2_dir_index {
	uint64_t key;
	uint32_t used, removed, nr_pages; /* slots: nr_pages * SLOTS_PER_PAGE, a power of two */
	struct slot **page;
	uint16_t *room;
	uint32_t room_size, cursor; /* cursor: block of the last success */
	unsigned cursor_off;        /* and the entry that was added there, 0: none any more */
	uint32_t full_need; /* a search over all blocks for this much failed; 0: none since room was
			       made */
};

bool ext2_index_want(const struct inode *dir)
{
	return EXT2_I(dir)->index || dir->size > MAX(EXT2_SB(dir->sb)->bs, 2048u);
}

static uint32_t mask_of(const struct ext2_dir_index *x)
{
	return x->nr_pages * (uint32_t)SLOTS_PER_PAGE - 1;
}

static struct slot *slot_at(const struct ext2_dir_index *x, uint32_t k)
{
	return &x->page[k / SLOTS_PER_PAGE][k % SLOTS_PER_PAGE];
}

static void free_pages(struct slot **page, uint32_t n)
{
	for (uint32_t k = 0; page && k < n; k++)
		kfree(page[k]);
	kfree(page);
}

static struct slot **alloc_pages(uint32_t n)
{
	struct slot **page = kmalloc(n * sizeof(*page), GFP_NOFS | GFP_NORETRY | GFP_ZERO);

	for (uint32_t k = 0; page && k < n; k++) {
		page[k] = kmalloc(PAGE_SIZE, GFP_NOFS | GFP_NORETRY);
		if (!page[k]) {
			free_pages(page, n);
			return NULL;
		}
		memset(page[k], 0xff, PAGE_SIZE);
	}
	return page;
}

static void destroy(struct ext2_dir_index *x)
{
	free_pages(x->page, x->nr_pages);
	kfree(x->room);
	kfree(x);
}

static void put_slot(struct ext2_dir_index *x, uint32_t hash, uint32_t place)
{
	uint32_t k = hash & mask_of(x);

	while (slot_at(x, k)->place < REMOVED)
		k = (k + 1) & mask_of(x);
	if (slot_at(x, k)->place == REMOVED)
		x->removed--;
	*slot_at(x, k) = (struct slot){hash, place};
	x->used++;
}

/* Room for one more: a table of the right size, without removed slots. */
static bool make_room(struct ext2_dir_index *x)
{
	uint32_t old_n = x->nr_pages, n = old_n, slots = n * (uint32_t)SLOTS_PER_PAGE;
	struct slot **old = x->page, **page;

	if ((uint64_t)(x->used + x->removed + 1) * 3 < (uint64_t)slots * 2)
		return true;
	if (x->used * 2 >= slots)
		n *= 2;
	page = alloc_pages(n);
	if (!page)
		return false;
	x->page = page;
	x->nr_pages = n;
	x->used = x->removed = 0;
	for (uint32_t p = 0; p < old_n; p++)
		for (uint32_t k = 0; k < SLOTS_PER_PAGE; k++)
			if (old[p][k].place < REMOVED)
				put_slot(x, old[p][k].hash, old[p][k].place);
	free_pages(old, old_n);
	return true;
}

static bool set_room(struct ext2_dir_index *x, uint32_t lblk, unsigned bytes)
{
	if (lblk >= x->room_size) {
		uint32_t n = MAX(x->room_size * 2, lblk + 16);
		uint16_t *room = kmalloc(n * sizeof(*room), GFP_NOFS | GFP_NORETRY | GFP_ZERO);

		if (!room)
			return false;
		if (x->room_size)
			memcpy(room, x->room, x->room_size * sizeof(*room));
		kfree(x->room);
		x->room = room;
		x->room_size = n;
	}
	x->room[lblk] = (uint16_t)(bytes / 4);
	return true;
}

struct build {
	struct ext2_dir_index *x;
	uint32_t base;
	unsigned largest;
};

static int build_entry(struct ext2_dirent *e, unsigned off, void *arg)
{
	struct build *b = arg;
	unsigned free = le16(e->rec_len) - (e->inode ? ext2_rec_len(e->name_len) : 0);

	if (free <= le16(e->rec_len))
		b->largest = MAX(b->largest, free);
	if (!e->inode)
		return 0;
	if (!make_room(b->x))
		return -ENOMEM;
	put_slot(b->x, hash_name(e->name, e->name_len, b->x->key), (b->base + off) / 4);
	return 0;
}

static int build(struct inode *dir, struct ext2_dir_index *x)
{
	struct ext2_sb *s = EXT2_SB(dir->sb);
	uint32_t n = (uint32_t)(dir->size >> s->bits);
	int err = 0;

	for (uint32_t k = 0; k < n && !err; k++) {
		struct build b = {x, k << s->bits, 0};
		struct ext2_buf buf;

		err = ext2_dir_block(dir, k, &buf);
		if (err)
			return err;
		err = ext2_dir_scan(dir, k, buf.data, 0, build_entry, &b);
		ext2_meta_put(&buf);
		if (!err && !set_room(x, k, b.largest))
			err = -ENOMEM;
	}
	return err;
}

static struct ext2_dir_index *create(struct inode *dir)
{
	struct ext2_dir_index *x = kmalloc(sizeof(*x), GFP_NOFS | GFP_NORETRY | GFP_ZERO);

	if (!x)
		return NULL;
	x->key = random_u64();
	x->nr_pages = 1;
	x->page = alloc_pages(1);
	if (!x->page || build(dir, x)) {
		destroy(x);
		return NULL;
	}
	return x;
}

struct ext2_dir_index *ext2_index_get(struct inode *dir)
{
	struct ext2_inode *ei = EXT2_I(dir);
	struct ext2_dir_index *x = smp_load_acquire(&ei->index);

	if (likely(x))
		return x;
	mutex_lock(&ei->index_lock);
	x = ei->index;
	if (!x) {
		x = create(dir);
		smp_store_release(&ei->index, x);
	}
	mutex_unlock(&ei->index_lock);
	return x;
}

void ext2_index_drop(struct inode *dir)
{
	struct ext2_inode *ei = EXT2_I(dir);

	if (!ei->index)
		return;
	destroy(ei->index);
	ei->index = NULL;
}

/* Is the entry at byte @pos called so? 1 yes (*out filled), 0 no, -errno. */
static int compare(
	struct inode *dir, uint32_t pos, const char *name, unsigned len, struct ext2_slot *out)
{
	struct ext2_sb *s = EXT2_SB(dir->sb);
	const struct ext2_dirent *e;
	struct ext2_buf b;
	int err = ext2_dir_block(dir, pos >> s->bits, &b);
	unsigned off = pos & (s->bs - 1);
	bool same;

	if (err)
		return err;
	e = (const struct ext2_dirent *)((const char *)b.data + off);
	same = off + 8 + len <= s->bs && e->name_len == len && e->inode &&
	       le32(e->inode) <= s->inodes_count && memcmp(e->name, name, len) == 0;
	if (same)
		*out = (struct ext2_slot){pos, le32(e->inode), e->file_type, b};
	else
		ext2_meta_put(&b);
	return same;
}

int ext2_index_find(struct inode *dir, struct ext2_dir_index *x, const char *name, unsigned len,
	struct ext2_slot *out)
{
	uint32_t hash = hash_name(name, len, x->key);

	for (uint32_t k = hash & mask_of(x);; k = (k + 1) & mask_of(x)) {
		const struct slot *sl = slot_at(x, k);
		int r;

		if (sl->place == EMPTY)
			return -ENOENT;
		if (sl->place == REMOVED || sl->hash != hash)
			continue;
		r = compare(dir, sl->place * 4, name, len, out);
		if (r)
			return r < 0 ? r : 0;
	}
}

void ext2_index_add(struct inode *dir, const char *name, unsigned len, uint32_t pos)
{
	struct ext2_dir_index *x = EXT2_I(dir)->index;

	if (!x)
		return;
	if (!make_room(x)) {
		ext2_index_drop(dir);
		return;
	}
	put_slot(x, hash_name(name, len, x->key), pos / 4);
	x->cursor = pos >> EXT2_SB(dir->sb)->bits;
	x->cursor_off = pos & (EXT2_SB(dir->sb)->bs - 1);
}

void ext2_index_remove(struct inode *dir, const char *name, unsigned len, uint32_t pos)
{
	struct ext2_dir_index *x = EXT2_I(dir)->index;

	if (!x)
		return;
	if (pos >> EXT2_SB(dir->sb)->bits == x->cursor)
		x->cursor_off = 0; /* entries merge */
	for (uint32_t k = hash_name(name, len, x->key) & mask_of(x); slot_at(x, k)->place != EMPTY;
		k = (k + 1) & mask_of(x)) {
		if (slot_at(x, k)->place != pos / 4)
			continue;
		slot_at(x, k)->place = REMOVED;
		x->removed++;
		x->used--;
		return;
	}
}

bool ext2_index_space(struct ext2_dir_index *x, unsigned need, uint32_t *lblk, unsigned *from)
{
	*from = x->cursor_off;
	if (x->cursor < x->room_size && x->room[x->cursor] * 4u >= need) {
		*lblk = x->cursor;
		return true;
	}
	if (x->full_need && need >= x->full_need)
		return false;
	for (uint32_t k = 0; k < x->room_size; k++) {
		if (x->room[k] * 4u < need)
			continue;
		*lblk = x->cursor = k;
		*from = x->cursor_off = 0;
		return true;
	}
	x->full_need = need;
	return false;
}

void ext2_index_set_space(struct inode *dir, uint32_t lblk, unsigned largest)
{
	struct ext2_dir_index *x = EXT2_I(dir)->index;

	if (!x)
		return;
	if (lblk >= x->room_size ||
		x->room[lblk] * 4u < largest) { /* a new block, or room that was not known */
		x->full_need = 0;
		x->cursor = lblk;
		x->cursor_off = 0;
	}
	if (!set_room(x, lblk, largest))
		ext2_index_drop(dir);
}

void ext2_index_more_space(struct inode *dir, uint32_t lblk, unsigned at_least)
{
	struct ext2_dir_index *x = EXT2_I(dir)->index;

	if (!x || lblk >= x->room_size || x->room[lblk] * 4u >= at_least)
		return;
	x->room[lblk] = (uint16_t)(at_least / 4);
	x->full_need = 0;
}
