/*
 * dir.c - directories on disk: finding, adding, removing and listing entries.
 *
 * A directory is blocks of variable-sized entries; its blocks are metadata (in the device's cache).
 * Entries never move, so the byte offset of an entry is a stable cursor for readdir. A removed
 * entry is merged into the one before it, or becomes unused when it is the first.
 *
 * A disk may tear a block at sector borders when the power fails. So blocks made here consist of
 * sectors that are whole in themselves: no entry crosses a multiple of 512, and merging stays
 * inside. A block from elsewhere is used as it is, but a new entry is put so that it does not cross
 * either. Every entry is checked before it is used; nonsense gives EUCLEAN and is reported.
 *
 * Locks: directory's inode->lock, shared for find and list, exclusive for changes.
 */
#include "ext2.h"

#include <error.h>
#include <string.h>

#define CHUNK 512u

static uint32_t nr_blocks(const struct inode *dir)
{
	return (uint32_t)(dir->size >> EXT2_SB(dir->sb)->bits);
}

int ext2_dir_block(struct inode *dir, uint32_t lblk, struct ext2_buf *b)
{
	struct ext2_sb *s = EXT2_SB(dir->sb);
	uint32_t phys, run;
	int err = ext2_map(dir, lblk, 1, &phys, &run);

	if (err)
		return err;
	if (!phys) {
		ext2_error(s, "directory %llu has a hole at block %u", (unsigned long long)dir->ino,
			lblk);
		return -EUCLEAN;
	}
	return ext2_meta_get(s, phys, b);
}

static const char *entry_fault(const struct ext2_sb *s, const struct ext2_dirent *e, unsigned off)
{
	unsigned len = le16(e->rec_len);

	if (len < 12 || len & 3)
		return "bad entry length";
	if (len > s->bs - off)
		return "entry crosses the block";
	if (8u + e->name_len > len)
		return "name longer than its entry";
	if (le32(e->inode) > s->inodes_count)
		return "inode number too big";
	return e->inode && !e->name_len ? "empty name" : NULL;
}

static int report(struct inode *dir, uint32_t lblk, unsigned off, const char *why)
{
	ext2_error(EXT2_SB(dir->sb), "directory %llu, block %u, offset %u: %s",
		(unsigned long long)dir->ino, lblk, off, why);
	return -EUCLEAN;
}

static inline struct ext2_dirent *entry_at(const void *block, unsigned off)
{
	return (struct ext2_dirent *)((char *)(uintptr_t)block + off);
}

int ext2_dir_scan(struct inode *dir, uint32_t lblk, const void *block, unsigned off,
	ext2_entry_fn fn, void *arg)
{
	struct ext2_sb *s = EXT2_SB(dir->sb);

	while (off < s->bs) {
		struct ext2_dirent *e = entry_at(block, off);
		const char *fault = entry_fault(s, e, off);
		unsigned len = le16(e->rec_len);
		int r;

		if (unlikely(fault))
			return report(dir, lblk, off, fault);
		r = fn(e, off, arg);
		if (r)
			return r;
		off += len;
	}
	return 0;
}

/* ---- finding ---- */

static bool same_name(const struct ext2_dirent *e, const char *name, unsigned len)
{
	return e->name_len == len && e->inode && memcmp(e->name, name, len) == 0;
}

/* The offset of @name in the block, -ENOENT, -EUCLEAN. */
static int find_in_block(
	struct inode *dir, uint32_t lblk, const void *block, const char *name, unsigned len)
{
	struct ext2_sb *s = EXT2_SB(dir->sb);

	for (unsigned off = 0; off < s->bs;) {
		struct ext2_dirent *e = entry_at(block, off);
		unsigned rec = le16(e->rec_len);

		if (unlikely(rec < 12 || rec & 3 || rec > s->bs - off || 8u + e->name_len > rec))
			return report(dir, lblk, off, entry_fault(s, e, off));
		if (same_name(e, name, len))
			return (int)off;
		off += rec;
	}
	return -ENOENT;
}

/* Takes the reference of @b over. */
static void found(struct ext2_slot *out, const struct ext2_sb *s, const struct ext2_buf *b,
	uint32_t lblk, unsigned off)
{
	const struct ext2_dirent *e = entry_at(b->data, off);

	*out = (struct ext2_slot){(lblk << s->bits) + off, le32(e->inode), e->file_type, *b};
}

static int find_by_scan(struct inode *dir, const char *name, unsigned len, struct ext2_slot *out)
{
	struct ext2_sb *s = EXT2_SB(dir->sb);

	for (uint32_t k = 0; k < nr_blocks(dir); k++) {
		struct ext2_buf b;
		int off, err = ext2_dir_block(dir, k, &b);

		if (err)
			return err;
		off = find_in_block(dir, k, b.data, name, len);
		if (off >= 0) {
			found(out, s, &b, k, (unsigned)off);
			return 0;
		}
		ext2_meta_put(&b);
		if (off != -ENOENT)
			return off;
	}
	return -ENOENT;
}

int ext2_dir_find(struct inode *dir, const char *name, unsigned len, struct ext2_slot *out)
{
	struct ext2_dir_index *x = ext2_index_want(dir) ? ext2_index_get(dir) : NULL;

	return x ? ext2_index_find(dir, x, name, len, out) : find_by_scan(dir, name, len, out);
}

/* ---- adding ---- */

/* A place for @need bytes in the free stretch [at, end) that does not cross a sector, or -1. @own:
 * the stretch has a head at @at that must stay valid when the place is not its beginning. */
static int place_in(unsigned at, unsigned end, unsigned need, bool own)
{
	unsigned p = at;

	if (end - at < need)
		return -1;
	if (p / CHUNK != (p + need - 1) / CHUNK)
		p = ALIGN_UP(p, CHUNK);
	if (p + need > end || (own && p != at && p - at < 12))
		return -1;
	return (int)p;
}

/* Where an entry's free stretch begins: behind its name, or at it when it is unused. */
static unsigned free_from(const struct ext2_dirent *e, unsigned off)
{
	return e->inode ? off + ext2_rec_len(e->name_len) : off;
}

struct room {
	unsigned need;
	int place;
	unsigned owner;
	unsigned largest;
};

static int look_for_room(struct ext2_dirent *e, unsigned off, void *arg)
{
	struct room *r = arg;
	unsigned from = free_from(e, off), end = off + le16(e->rec_len);

	if (from > end)
		return 0;
	r->largest = MAX(r->largest, end - from);
	if (end - from < r->need)
		return 0;
	r->place = place_in(from, end, r->need, !e->inode);
	r->owner = off;
	return r->place >= 0;
}

static uint8_t type_byte(const struct ext2_sb *s, mode_t mode)
{
	static const uint8_t type[16] = {[S_IFREG >> 12] = 1,
		[S_IFDIR >> 12] = 2,
		[S_IFCHR >> 12] = 3,
		[S_IFBLK >> 12] = 4,
		[S_IFIFO >> 12] = 5,
		[S_IFSOCK >> 12] = 6,
		[S_IFLNK >> 12] = 7};

	return le32(s->disk->feature_incompat) & EXT2_INCOMPAT_FILETYPE ? type[mode >> 12 & 15] : 0;
}

struct new_entry {
	const char *name;
	unsigned len;
	uint32_t ino;
	uint8_t type;
};

static void write_entry(struct ext2_dirent *e, unsigned rec_len, const struct new_entry *n)
{
	e->rec_len = to_le16(rec_len);
	e->name_len = (uint8_t)n->len;
	e->file_type = n->type;
	memcpy(e->name, n->name, n->len);
	e->inode = to_le32(n->ino);
}

/* Something in the directory changes: an index of another system (htree) is not kept up. */
static void changed(struct ext2_txn *t, struct inode *dir)
{
	inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
	if (likely(!(EXT2_I(dir)->flags & EXT2_INDEX_FL)))
		return;
	EXT2_I(dir)->flags &= ~(uint32_t)EXT2_INDEX_FL;
	ext2_inode_store(t, dir);
}

/* Put an entry into the place that was found. */
static unsigned insert(
	struct ext2_txn *t, struct ext2_buf *b, const struct room *r, const struct new_entry *n)
{
	struct ext2_dirent *owner = entry_at(b->data, r->owner);
	unsigned end = r->owner + le16(owner->rec_len), at = (unsigned)r->place;

	write_entry(entry_at(b->data, at), end - at, n);
	if (at != r->owner)
		owner->rec_len = to_le16(at - r->owner);
	ext2_dirty_part(t, b, r->owner, at + ext2_rec_len(n->len) - r->owner);
	return at;
}

/* Try block @lblk from the entry at @from on: 0 and the new entry in *out, -ENOSPC, or another
 * error. */
static int add_to_block(struct ext2_txn *t, struct inode *dir, uint32_t lblk, unsigned from,
	const struct new_entry *n, struct ext2_slot *out)
{
	struct room r = {.need = ext2_rec_len(n->len), .place = -1};
	struct ext2_buf b;
	int err = ext2_dir_block(dir, lblk, &b);

	if (err)
		return err;
	err = ext2_dir_scan(dir, lblk, b.data, from, look_for_room, &r);
	if (!err && from)
		err = ext2_dir_scan(dir, lblk, b.data, 0, look_for_room, &r);
	if (err == 1) {
		found(out, t->s, &b, lblk, insert(t, &b, &r, n));
		return 0;
	}
	ext2_meta_put(&b);
	if (err)
		return err;
	ext2_index_set_space(dir, lblk, MIN(r.largest, r.need - 1));
	return -ENOSPC;
}

/* A new block of empty chunks at the end. */
static int append_block(struct ext2_txn *t, struct inode *dir, uint32_t *lblk)
{
	struct ext2_sb *s = t->s;
	uint32_t phys, run, k = nr_blocks(dir);
	struct ext2_buf b;
	int err;

	if (dir->size >= 1ll << 31)
		return -EFBIG;
	err = ext2_map_create(t, dir, k, 1);
	if (err)
		return err;
	do {
		err = ext2_map(dir, k, 1, &phys, &run);
	} while (ext2_wait_for_memory(err));
	if (!err)
		err = ext2_meta_get_new(t, phys, &b);
	if (err) {
		ext2_map_undo(t, dir, k);
		return err;
	}
	for (unsigned off = 0; off < s->bs; off += CHUNK)
		entry_at(b.data, off)->rec_len = to_le16(CHUNK);
	ext2_dirty(t, &b);
	ext2_meta_put(&b);
	i_size_write(dir, dir->size + s->bs);
	ext2_index_set_space(dir, k, CHUNK);
	*lblk = k;
	return 0;
}

/* In an existing block with room, or -ENOSPC. */
static int add_somewhere(
	struct ext2_txn *t, struct inode *dir, const struct new_entry *n, struct ext2_slot *out)
{
	struct ext2_dir_index *x = ext2_index_want(dir) ? ext2_index_get(dir) : NULL;
	uint32_t lblk;
	unsigned from;
	int err = -ENOSPC;

	if (x) {
		while (err == -ENOSPC && ext2_index_space(x, ext2_rec_len(n->len), &lblk, &from))
			err = add_to_block(t, dir, lblk, from, n, out);
		return err;
	}
	for (uint32_t k = 0; k < nr_blocks(dir) && err == -ENOSPC; k++)
		err = add_to_block(t, dir, k, 0, n, out);
	return err;
}

int ext2_dir_add(struct ext2_txn *t, struct inode *dir, const char *name, unsigned len,
	uint32_t ino, mode_t mode, struct ext2_slot *out)
{
	const struct new_entry n = {name, len, ino, type_byte(t->s, mode)};
	struct ext2_slot slot;
	int err = add_somewhere(t, dir, &n, &slot);

	if (err == -ENOSPC) {
		uint32_t lblk;

		err = append_block(t, dir, &lblk);
		if (err)
			return err;
		ext2_inode_store(t, dir);
		err = add_to_block(t, dir, lblk, 0, &n, &slot);
	}
	if (err)
		return err;
	ext2_index_add(dir, name, len, slot.pos);
	changed(t, dir);
	if (out)
		*out = slot;
	else
		ext2_slot_put(&slot);
	return 0;
}

/* ---- removing and changing ---- */

/* The entry before the one at @off; false: there is none. */
static bool any_before(const struct ext2_sb *s, const void *block, unsigned off, unsigned *prev)
{
	unsigned at = 0;
	bool any = false;

	while (at < off) {
		unsigned len = le16(entry_at(block, at)->rec_len);

		if (len < 12 || len > s->bs - at)
			return false;
		*prev = at;
		any = true;
		at += len;
	}
	return any && at == off;
}

/*
 * The entry that the one at @off merges into when it goes: the one before it in the same sector.
 * False: none; it stays as an unused one. In blocks from elsewhere the entry before may begin in
 * another sector; then too. The block was checked when the entry was found in it.
 */
static bool entry_before(const struct ext2_sb *s, const void *block, unsigned off, unsigned *prev)
{
	return any_before(s, block, off, prev) && *prev / CHUNK == off / CHUNK;
}

void ext2_dir_add_range(
	const struct ext2_sb *s, const struct ext2_slot *slot, unsigned *from, unsigned *to)
{
	unsigned off = slot->pos & (s->bs - 1), prev;
	const struct ext2_dirent *e = entry_at(slot->buf.data, off);

	*from = any_before(s, slot->buf.data, off, &prev) ? prev : off;
	*to = off + 8 + e->name_len;
}

void ext2_dir_remove_range(
	const struct ext2_sb *s, const struct ext2_slot *slot, unsigned *from, unsigned *to)
{
	unsigned off = slot->pos & (s->bs - 1), prev;

	*from = entry_before(s, slot->buf.data, off, &prev) ? prev : off;
	*to = off + 8;
}

void ext2_dir_remove(struct ext2_txn *t, struct inode *dir, const char *name, unsigned len,
	const struct ext2_slot *slot)
{
	struct ext2_sb *s = t->s;
	unsigned off = slot->pos & (s->bs - 1), prev, from, to;
	struct ext2_dirent *e = entry_at(slot->buf.data, off);

	ext2_dir_remove_range(s, slot, &from, &to);
	e->inode = to_le32(0);
	if (entry_before(s, slot->buf.data, off, &prev)) {
		struct ext2_dirent *p = entry_at(slot->buf.data, prev);

		p->rec_len = to_le16(le16(p->rec_len) + le16(e->rec_len));
		e = p;
		off = prev;
	}
	ext2_dirty_part(t, &slot->buf, from, to - from);
	ext2_index_more_space(
		dir, slot->pos >> s->bits, off + le16(e->rec_len) - free_from(e, off));
	ext2_index_remove(dir, name, len, slot->pos);
	changed(t, dir);
}

void ext2_dir_set(struct ext2_txn *t, struct inode *dir, const struct ext2_slot *slot, uint32_t ino,
	mode_t mode)
{
	unsigned off = slot->pos & (t->s->bs - 1);
	struct ext2_dirent *e = entry_at(slot->buf.data, off);

	e->inode = to_le32(ino);
	e->file_type = type_byte(t->s, mode);
	ext2_dirty_part(t, &slot->buf, off, 8);
	changed(t, dir);
}

int ext2_dir_make_empty(struct ext2_txn *t, struct inode *dir, uint32_t parent)
{
	struct ext2_buf b;
	uint32_t lblk;
	int err = append_block(t, dir, &lblk);

	if (err)
		return err;
	err = ext2_dir_block(dir, lblk, &b);
	if (err)
		return err;
	write_entry(entry_at(b.data, 0), 12,
		&(struct new_entry){".", 1, (uint32_t)dir->ino, type_byte(t->s, S_IFDIR)});
	write_entry(entry_at(b.data, 12), CHUNK - 12,
		&(struct new_entry){"..", 2, parent, type_byte(t->s, S_IFDIR)});
	ext2_dirty(t, &b);
	ext2_meta_put(&b);
	ext2_inode_store(t, dir);
	return 0;
}

static int is_dots(const struct ext2_dirent *e)
{
	return e->name[0] == '.' && (e->name_len == 1 || (e->name_len == 2 && e->name[1] == '.'));
}

static int real_entry(struct ext2_dirent *e, unsigned off, void *arg)
{
	(void)off;
	(void)arg;
	return e->inode && !is_dots(e) ? -ENOTEMPTY : 0;
}

int ext2_dir_is_empty(struct inode *dir)
{
	int err = 0;

	for (uint32_t k = 0; k < nr_blocks(dir) && !err; k++) {
		struct ext2_buf b;

		err = ext2_dir_block(dir, k, &b);
		if (err)
			return err;
		err = ext2_dir_scan(dir, k, b.data, 0, real_entry, NULL);
		ext2_meta_put(&b);
	}
	return err;
}

int ext2_dir_find_parent(struct inode *dir, struct ext2_slot *out)
{
	return find_by_scan(dir, "..", 2, out);
}

/* ---- listing ---- */

struct lister {
	struct dir_context *ctx;
	const struct ext2_sb *s;
	int64_t base;
};

static int list_entry_out(struct ext2_dirent *e, unsigned off, void *arg)
{
	static const uint8_t type[8] = {
		DT_UNKNOWN, DT_REG, DT_DIR, DT_CHR, DT_BLK, DT_FIFO, DT_SOCK, DT_LNK};
	struct lister *l = arg;
	int64_t pos = l->base + off;
	bool has_type = le32(l->s->disk->feature_incompat) & EXT2_INCOMPAT_FILETYPE;

	if (pos < l->ctx->pos || !e->inode)
		return 0;
	if (!l->ctx->emit(l->ctx, e->name, e->name_len, pos + le16(e->rec_len), le32(e->inode),
		    has_type && e->file_type < 8 ? type[e->file_type] : DT_UNKNOWN))
		return 1;
	l->ctx->pos = pos + le16(e->rec_len);
	return 0;
}

int ext2_readdir(struct file *f, struct dir_context *ctx)
{
	struct inode *dir = f->inode;
	struct ext2_sb *s = EXT2_SB(dir->sb);

	while (ctx->pos >= 0 && ctx->pos < dir->size) {
		uint32_t lblk = (uint32_t)(ctx->pos >> s->bits);
		struct lister l = {ctx, s, (int64_t)lblk << s->bits};
		struct ext2_buf b;
		int r = ext2_dir_block(dir, lblk, &b);

		if (r)
			return r;
		r = ext2_dir_scan(dir, lblk, b.data, 0, list_entry_out, &l);
		ext2_meta_put(&b);
		if (r)
			return r < 0 ? r : 0;
		ctx->pos = l.base + s->bs;
	}
	return 0;
}

const struct file_ops ext2_dir_ops = {
	.readdir = ext2_readdir,
	.ioctl = ext2_ioctl,
	.fsync = generic_file_fsync,
	.seek = generic_file_seek,
};
