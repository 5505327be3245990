/*
 * xattr.c - extended attributes: behind the fields of big inodes, and in one block of their own.
 *
 * Theory. Both places are areas: entries from the start upwards, ended by a word of zeros, and
 * values from the end downwards. Offsets of values count from the block's start, and in an inode
 * from its first entry. The block has a header, its entries are sorted by namespace, length and
 * name and carry a hash of name and value, from which the header's hash is made. Other systems let
 * inodes with equal attributes share a block: then its reference count says how many, and whoever
 * changes his attributes takes a block of his own. Nobody here begins to share one.
 *
 * An area is copied before it is looked at and the copy checked whole, so that neither the disk
 * nor a program that writes to the device can lead a read astray. A change builds both areas anew:
 * the attribute goes into the inode if it fits there, else into the block, else -ENOSPC. Then one
 * transaction puts them in place: whatever can fail comes first. The block is changed where it is;
 * the disk may show half of a change that a power cut interrupts, as with any block (txn.c).
 *
 * Locks: inode->lock, shared or for writing. xattr_lock, inside it and inside transactions, for
 * reference counts of shared blocks; map_lock inside that for file_acl and i_blocks.
 * Format: the kernel's documentation of ext4, "Extended Attributes".
 * Does not: values in inodes of their own (feature ea_inode), checksums (metadata_csum).
 */
#include "ext2.h"

#include <error.h>
#include <slab.h>
#include <string.h>
#include <xattr.h>

#define XATTR_MAGIC 0xea020000u

struct header { /* of the block; in an inode only the magic */
	__le32 magic, refcount, blocks, hash, checksum, reserved[3];
};
static_assert(sizeof(struct header) == 32, "header of an attribute block");

struct entry {
	uint8_t name_len, index;
	__le16 offset;
	__le32 value_inode, size, hash;
	char name[];
};
static_assert(sizeof(struct entry) == 16, "an attribute entry");

enum { INDEX_USER = 1, INDEX_TRUSTED = 4, INDEX_SECURITY = 6 };
static const uint8_t index_of_space[XATTR_SPACES] = {[XATTR_USER] = INDEX_USER,
	[XATTR_TRUSTED] = INDEX_TRUSTED,
	[XATTR_SECURITY] = INDEX_SECURITY};

/* A private copy of one place. */
struct area {
	char *data;     /* offsets of values count from here */
	unsigned first; /* of entries */
	unsigned size;  /* of data; 0: there is no such place */
};

/* What is to be added. */
struct addition {
	const struct xattr_name *name;
	const void *value; /* NULL: nothing */
	unsigned size;
};

/* Attributes of one inode as they are, and as they will be. */
struct attrs {
	unsigned at; /* of the magic in the record; 0: it has no room for attributes */
	struct area inode, block, new_inode, new_block;
	bool inode_changed, block_changed;
	char room[] __aligned(8);
};

/* ---- areas ---- */

static unsigned entry_bytes(unsigned name_len)
{
	return (sizeof(struct entry) + name_len + 3) & ~3u;
}

static unsigned value_bytes(unsigned size)
{
	return (size + 3) & ~3u;
}

/* Of a checked area: the entry at @off, NULL at the end. */
static struct entry *entry_at(const struct area *a, unsigned off)
{
	uint32_t word;

	memcpy(&word, a->data + off, sizeof(word));
	return word ? (struct entry *)(a->data + off) : NULL;
}

#define for_each_entry(a, e, off)                                                                  \
	for (unsigned off = (a)->first; (a)->size && (e = entry_at(a, off));                       \
		off += entry_bytes(e->name_len))

/* Do all entries and values lie where they may? */
static bool area_valid(const struct area *a)
{
	unsigned off = a->first, lowest = a->size;
	struct entry *e;

	for (;;) {
		if (off + 4 > a->size)
			return false;
		e = entry_at(a, off);
		if (!e)
			return off + 4 <= lowest;
		if (off + sizeof(*e) > a->size || e->value_inode)
			return false;
		off += entry_bytes(e->name_len); /* outside: the next turn sees it */
		if (!e->size)
			continue;
		if (le16(e->offset) > a->size || le32(e->size) > a->size - le16(e->offset))
			return false;
		lowest = MIN(lowest, (unsigned)le16(e->offset));
	}
}

/* Of an entry of a checked area. */
static char *value_of(const struct area *a, const struct entry *e)
{
	return a->data + (e->size ? le16(e->offset) : 0);
}

/* Order of entries: by namespace, length, bytes. */
static int compare(const struct xattr_name *n, const struct entry *e)
{
	int c = index_of_space[n->space] - e->index;

	if (!c)
		c = (int)n->len - e->name_len;
	return c ? c : memcmp(n->text, e->name, n->len);
}

static struct entry *find(const struct area *a, const struct xattr_name *n)
{
	struct entry *e;

	for_each_entry(a, e, off) if (!compare(n, e)) return e;
	return NULL;
}

/* ---- hashes of a block ---- */

static uint32_t hash_entry(const struct area *a, const struct entry *e)
{
	uint32_t hash = 0, words = value_bytes(le32(e->size)) / 4;

	for (unsigned k = 0; k < e->name_len; k++)
		hash = (hash << 5) ^ (hash >> 27) ^ (uint8_t)e->name[k];
	for (uint32_t k = 0; k < words; k++) {
		__le32 word;

		memcpy(&word, value_of(a, e) + 4 * k, sizeof(word));
		hash = (hash << 16) ^ (hash >> 16) ^ le32(word);
	}
	return hash;
}

/* 0: one of them has no hash, the block is not to be shared. */
static uint32_t hash_block(const struct area *a)
{
	uint32_t hash = 0;
	struct entry *e;

	for_each_entry(a, e, off)
	{
		if (!e->hash)
			return 0;
		hash = (hash << 16) ^ (hash >> 16) ^ le32(e->hash);
	}
	return hash;
}

/* ---- building ---- */

/* The next entry of an area that is being filled. */
struct filling {
	struct area *area; /* zeroed */
	unsigned head;     /* behind the entries */
	unsigned tail;     /* where values begin */
	bool with_hash;
};

/* The entry, with its value in place, but its name and hash; NULL: no room. */
static struct entry *put_entry(
	struct filling *f, unsigned name_len, const void *value, unsigned size)
{
	struct entry *e = (struct entry *)(f->area->data + f->head);

	if (f->head + entry_bytes(name_len) + 4 + (uint64_t)value_bytes(size) > f->tail)
		return NULL;
	f->head += entry_bytes(name_len);
	f->tail -= value_bytes(size);
	e->name_len = (uint8_t)name_len;
	e->offset = to_le16(size ? f->tail : 0);
	e->size = to_le32(size);
	memcpy(f->area->data + f->tail, value, size);
	return e;
}

static bool put_new(struct filling *f, const struct addition *add)
{
	struct entry *e = put_entry(f, add->name->len, add->value, add->size);

	if (!e)
		return false;
	e->index = index_of_space[add->name->space];
	memcpy(e->name, add->name->text, e->name_len);
	e->hash = to_le32(f->with_hash ? hash_entry(f->area, e) : 0);
	return true;
}

static bool put_copy(struct filling *f, const struct area *from, const struct entry *old)
{
	struct entry *e = put_entry(f, old->name_len, value_of(from, old), le32(old->size));

	if (!e)
		return false;
	e->index = old->index;
	memcpy(e->name, old->name, e->name_len);
	e->hash = old->hash;
	return true;
}

/* @from without the attribute of that name, and with the new value if @with. 0 or -ENOSPC. */
static int rebuild(const struct area *from, struct area *to, const struct addition *add, bool with)
{
	struct filling f = {to, to->first, to->size, to->first != 0};
	bool to_add = with;
	struct entry *e;

	if (!to->size)
		return -ENOSPC;
	memset(to->data + to->first, 0, to->size - to->first);
	for_each_entry(from, e, off)
	{
		int c = compare(add->name, e);

		if (to_add && c <= 0) {
			if (!put_new(&f, add))
				return -ENOSPC;
			to_add = false;
		}
		if (c && !put_copy(&f, from, e))
			return -ENOSPC;
	}
	return to_add && !put_new(&f, add) ? -ENOSPC : 0;
}

/* Both areas as they will be; 0 or -ENOSPC. */
static int build(struct attrs *x, const struct addition *add)
{
	bool add_any = add->value != NULL;
	int err;

	x->inode_changed = find(&x->inode, add->name) != NULL;
	x->block_changed = find(&x->block, add->name) != NULL;
	if (add_any && !rebuild(&x->inode, &x->new_inode, add, true)) {
		x->inode_changed = true;
		add_any = false;
	} else if (x->inode_changed) {
		err = rebuild(&x->inode, &x->new_inode, add, false);
		if (err)
			return err;
	}
	x->block_changed |= add_any;
	return x->block_changed ? rebuild(&x->block, &x->new_block, add, add_any) : 0;
}

/* ---- reading ---- */

/* Where in a record attributes may begin, 0: nowhere. */
static unsigned inode_room(const struct ext2_sb *s, const struct ext2_disk_inode *d)
{
	unsigned extra = s->inode_size > 128 ? le16(d->extra_isize) : 0;

	if (extra < 4 || extra & 3 || 128 + extra + 8 > s->inode_size)
		return 0;
	return 128 + extra;
}

static bool inode_has_magic(const struct ext2_disk_inode *d, unsigned at)
{
	__le32 magic;

	memcpy(&magic, (const char *)d + at, sizeof(magic));
	return le32(magic) == XATTR_MAGIC;
}

bool ext2_xattr_any(const struct inode *i, const struct ext2_disk_inode *d)
{
	unsigned at = inode_room(EXT2_SB(i->sb), d);

	return EXT2_I(i)->file_acl || (at && inode_has_magic(d, at));
}

static int corrupt(const struct inode *i, const char *where)
{
	ext2_error(EXT2_SB(i->sb), "inode %llu: extended attributes in %s are corrupt",
		(unsigned long long)i->ino, where);
	return -EUCLEAN;
}

static int load_inode(struct inode *i, struct attrs *x)
{
	struct ext2_sb *s = EXT2_SB(i->sb);
	struct ext2_disk_inode *d;
	struct ext2_buf b;
	int err = ext2_itable_get(s, (uint32_t)i->ino, &b, &d);

	if (err)
		return err;
	x->at = inode_room(s, d);
	if (x->at) {
		x->inode.size = x->new_inode.size = s->inode_size - x->at - 4;
		if (inode_has_magic(d, x->at))
			memcpy(x->inode.data, (char *)d + x->at + 4, x->inode.size);
	}
	ext2_meta_put(&b);
	return !x->at || area_valid(&x->inode) ? 0 : corrupt(i, "its record");
}

static int load_block(struct inode *i, struct attrs *x)
{
	struct ext2_sb *s = EXT2_SB(i->sb);
	uint32_t block = EXT2_I(i)->file_acl;
	struct header *h = (struct header *)x->block.data;
	struct ext2_buf b;
	int err;

	x->block.size = x->new_block.size = s->bs;
	x->block.first = x->new_block.first = sizeof(*h);
	if (!block)
		return 0;
	err = ext2_block_valid(s, block) ? ext2_meta_get(s, block, &b) : corrupt(i, "no block");
	if (err)
		return err;
	memcpy(x->block.data, b.data, s->bs);
	ext2_meta_put(&b);
	if (le32(h->magic) != XATTR_MAGIC || le32(h->blocks) != 1 || !area_valid(&x->block))
		return corrupt(i, "their block");
	return 0;
}

/* kfree() gives it back. NULL: *err. */
static struct attrs *load(struct inode *i, int *err)
{
	struct ext2_sb *s = EXT2_SB(i->sb);
	size_t bytes = sizeof(struct attrs) + 2 * ((size_t)s->inode_size + s->bs);
	struct attrs *x = kmalloc(bytes, GFP_NOFS);

	*err = -ENOMEM;
	if (!x)
		return NULL;
	memset(x, 0, bytes);
	x->block.data = x->room;
	x->new_block.data = x->block.data + s->bs;
	x->inode.data = x->new_block.data + s->bs;
	x->new_inode.data = x->inode.data + s->inode_size;
	*err = load_inode(i, x);
	if (!*err)
		*err = load_block(i, x);
	if (!*err)
		return x;
	kfree(x);
	return NULL;
}

/* Is it one whose attributes this mount keeps from programs? */
static bool hidden(const struct inode *i, enum xattr_space space)
{
	return space == XATTR_USER && EXT2_SB(i->sb)->no_user_xattr;
}

static ssize_t ext2_getxattr(struct inode *i, const struct xattr_name *n, void *buf, size_t size)
{
	const struct area *a;
	struct attrs *x;
	struct entry *e;
	ssize_t len = -ENODATA;
	int err;

	if (hidden(i, n->space))
		return -EOPNOTSUPP;
	x = load(i, &err);
	if (!x)
		return err;
	a = &x->inode;
	e = find(a, n);
	if (!e) {
		a = &x->block;
		e = find(a, n);
	}
	if (e)
		len = xattr_copy(buf, size, value_of(a, e), le32(e->size));
	kfree(x);
	return len;
}

static int list_area(const struct inode *i, const struct area *a, struct xattr_list *l)
{
	struct entry *e;

	for_each_entry(a, e, off)
	{
		for (unsigned k = 0; k < XATTR_SPACES; k++) {
			int err;

			if (index_of_space[k] != e->index || !e->name_len || hidden(i, k))
				continue;
			err = xattr_list_add(l, k, e->name, e->name_len);
			if (err)
				return err;
		}
	}
	return 0;
}

static int ext2_listxattr(struct inode *i, struct xattr_list *l)
{
	struct attrs *x;
	int err;

	x = load(i, &err);
	if (!x)
		return err;
	err = list_area(i, &x->inode, l);
	if (!err)
		err = list_area(i, &x->block, l);
	kfree(x);
	return err;
}

/* ---- changing ---- */

/* One user of the block less; xattr_lock is held and @b pinned, which it is no longer afterwards.
 */
static void drop_block(struct ext2_txn *t, struct inode *i, uint32_t block, struct ext2_buf *b)
{
	struct header *h = b->data;
	bool shared = le32(h->refcount) > 1;

	if (shared) {
		h->refcount = to_le32(le32(h->refcount) - 1);
		ext2_dirty(t, b);
	}
	ext2_meta_put(b);
	if (!shared)
		ext2_free_blocks(t, block, 1, EXT2_I(i)->epoch == t->epoch, true);
}

void ext2_xattr_drop(struct ext2_txn *t, struct inode *i)
{
	uint32_t block = EXT2_I(i)->file_acl;
	const struct header *h;
	struct ext2_buf b;
	int err;

	if (likely(!block))
		return;
	EXT2_I(i)->file_acl = 0;
	if (!ext2_block_valid(t->s, block))
		return;
	do {
		err = ext2_meta_get(t->s, block, &b);
	} while (ext2_wait_for_memory(err));
	if (err)
		return;
	h = b.data;
	if (le32(h->magic) != XATTR_MAGIC) { /* whose may it be? e2fsck will see */
		corrupt(i, "their block");
		ext2_meta_put(&b);
		return;
	}
	mutex_lock(&t->s->xattr_lock);
	drop_block(t, i, block, &b);
	mutex_unlock(&t->s->xattr_lock);
}

/* A new block for @i, pinned. 0 or -errno, with nothing taken. */
static int alloc_block(struct ext2_txn *t, struct inode *i, uint32_t *block, struct ext2_buf *b)
{
	struct ext2_inode *ei = EXT2_I(i);
	int n;

	rwsem_write_lock(&ei->map_lock);
	n = ext2_alloc_blocks(t, i, 0, 1, block);
	rwsem_write_unlock(&ei->map_lock);
	if (n < 0)
		return n;
	n = ext2_meta_get_new(t, *block, b);
	if (n)
		ext2_free_blocks(t, *block, 1, true, true);
	return n;
}

static void set_block(struct inode *i, uint32_t block)
{
	struct ext2_inode *ei = EXT2_I(i);
	unsigned unit = EXT2_SB(i->sb)->bs >> 9;

	rwsem_write_lock(&ei->map_lock);
	i->blocks += block ? unit : 0;
	i->blocks -= ei->file_acl ? MIN(i->blocks, (uint64_t)unit) : 0;
	ei->file_acl = block;
	rwsem_write_unlock(&ei->map_lock);
}

/* The header and the contents that were built. */
static void fill_block(struct ext2_txn *t, const struct attrs *x, const struct ext2_buf *b)
{
	struct header *h = (struct header *)x->new_block.data;

	*h = (struct header){.magic = to_le32(XATTR_MAGIC),
		.refcount = to_le32(1),
		.blocks = to_le32(1),
		.hash = to_le32(hash_block(&x->new_block))};
	memcpy(b->data, h, x->new_block.size);
	ext2_dirty(t, b);
}

/* The block as it was built: none, the old one, or another. 0, or -errno with nothing changed. */
static int change_block(struct ext2_txn *t, struct inode *i, const struct attrs *x)
{
	bool any = entry_at(&x->new_block, x->new_block.first) != NULL;
	uint32_t old = EXT2_I(i)->file_acl, block = 0;
	struct ext2_buf was = {NULL, NULL}, b = {NULL, NULL};
	int err = old ? ext2_meta_get(t->s, old, &was) : 0;

	if (err)
		return err;
	if (old && any && le32(((struct header *)was.data)->refcount) <= 1) {
		fill_block(t, x, &was);
		ext2_meta_put(&was);
		return 0;
	}
	if (any) {
		err = alloc_block(t, i, &block, &b);
		if (err) {
			ext2_meta_put(&was);
			return err;
		}
		fill_block(t, x, &b);
		ext2_meta_put(&b);
	}
	set_block(i, block);
	if (old)
		drop_block(t, i, old, &was);
	return 0;
}

static void change_inode(const struct attrs *x, struct ext2_disk_inode *d)
{
	char *at = (char *)d + x->at;
	__le32 magic = to_le32(entry_at(&x->new_inode, 0) ? XATTR_MAGIC : 0);

	memcpy(at, &magic, sizeof(magic));
	memcpy(at + 4, x->new_inode.data, x->new_inode.size);
}

static int apply_in_txn(struct ext2_txn *t, struct inode *i, const struct attrs *x)
{
	struct ext2_sb *s = t->s;
	struct ext2_disk_inode *d;
	struct ext2_buf record;
	int err = ext2_itable_get(s, (uint32_t)i->ino, &record, &d);

	if (err)
		return err;
	if (x->block_changed) {
		mutex_lock(&s->xattr_lock);
		err = change_block(t, i, x);
		mutex_unlock(&s->xattr_lock);
	}
	if (!err) {
		if (x->inode_changed)
			change_inode(x, d);
		ext2_note_features(t, EXT2_COMPAT_EXT_ATTR, 0);
		inode_touch(i, ATTR_CTIME);
		rwsem_read_lock(&EXT2_I(i)->map_lock);
		ext2_inode_store(t, i);
		rwsem_read_unlock(&EXT2_I(i)->map_lock);
	}
	ext2_meta_put(&record); /* it stayed in memory for the store */
	return err;
}

static int apply(struct inode *i, const struct attrs *x)
{
	for (unsigned tries = 0;; tries++) {
		struct ext2_txn t;
		int err = ext2_begin(i->sb, &t);

		if (err)
			return err;
		err = apply_in_txn(&t, i, x);
		ext2_end(&t);
		if (err != -ENOSPC || tries || !ext2_commit_for_space(EXT2_SB(i->sb)))
			return err;
	}
}

static int ext2_setxattr(
	struct inode *i, const struct xattr_name *n, const void *value, size_t size, unsigned flags)
{
	struct addition add = {n, value, (unsigned)size};
	struct attrs *x;
	bool exists;
	int err;

	if (hidden(i, n->space))
		return -EOPNOTSUPP;
	x = load(i, &err);
	if (!x)
		return err;
	exists = find(&x->inode, n) || find(&x->block, n);
	err = xattr_check_flags(exists, flags);
	if (!err && (exists || value))
		err = build(x, &add);
	if (!err && (exists || value))
		err = apply(i, x);
	kfree(x);
	return err;
}

const struct xattr_ops ext2_xattr_ops = {
	.get = ext2_getxattr, .set = ext2_setxattr, .list = ext2_listxattr};
