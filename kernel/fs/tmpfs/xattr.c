/*
 * xattr.c - extended attributes of tmpfs: a tree of each inode's by namespace and name.
 *
 * What they take is counted in bytes against the room of inodes (nr_inodes=), an inode being
 * INODE_ROOM of them, so nobody makes the kernel hold more than the mount allows. inode->lock
 * guards the tree.
 */
#include "internal.h"
#include <error.h>
#include <sched.h>
#include <slab.h>
#include <string.h>
#include <xattr.h>

struct attr {
	struct rb_node node;
	enum xattr_space space;
	unsigned len; /* of the name, which is behind the value */
	size_t size;
	char value[];
};

static const char *name_of(const struct attr *a)
{
	return a->value + a->size;
}

static uint64_t room_of(const struct attr *a)
{
	return sizeof(*a) + a->size + a->len;
}

static int compare(const struct xattr_name *n, const struct attr *a)
{
	int c;

	if (n->space != a->space)
		return n->space < a->space ? -1 : 1;
	c = memcmp(n->text, name_of(a), MIN(n->len, a->len));
	return c ? c : (int)n->len - (int)a->len;
}

/* The attribute, or NULL and where it would be linked. */
static struct attr *find(struct rb_root *root, const struct xattr_name *n, struct rb_node **parent,
	struct rb_node ***link)
{
	struct rb_node **at = &root->node;

	*parent = NULL;
	while (*at) {
		struct attr *a = rb_entry(*at, struct attr, node);
		int c = compare(n, a);

		if (!c)
			return a;
		*parent = *at;
		at = c < 0 ? &(*at)->left : &(*at)->right;
	}
	*link = at;
	return NULL;
}

static int count(struct tmpfs *fs, uint64_t bytes)
{
	int err = 0;

	spin_lock(&fs->lock);
	fs->attr_bytes += bytes;
	if (!tmpfs_inodes_fit(fs, fs->used_inodes)) {
		fs->attr_bytes -= bytes;
		err = -ENOSPC;
	}
	spin_unlock(&fs->lock);
	return err;
}

static void free_attr(struct tmpfs *fs, struct attr *a)
{
	spin_lock(&fs->lock);
	fs->attr_bytes -= room_of(a);
	spin_unlock(&fs->lock);
	kfree(a);
}

/* Counted. NULL: *err. */
static struct attr *new_attr(
	struct tmpfs *fs, const struct xattr_name *n, const void *value, size_t size, int *err)
{
	struct attr *a = kmalloc(sizeof(*a) + size + n->len, GFP_USER);

	*err = -ENOMEM;
	if (!a)
		return NULL;
	*a = (struct attr){.space = n->space, .len = n->len, .size = size};
	memcpy(a->value, value, size);
	memcpy(a->value + size, n->text, n->len);
	*err = count(fs, room_of(a));
	if (!*err)
		return a;
	kfree(a);
	return NULL;
}

static ssize_t get(struct inode *i, const struct xattr_name *n, void *buf, size_t size)
{
	struct rb_node *parent, **link;
	struct attr *a = find(&tmpfs_i(i)->attrs, n, &parent, &link);

	return a ? xattr_copy(buf, size, a->value, a->size) : -ENODATA;
}

static int set(
	struct inode *i, const struct xattr_name *n, const void *value, size_t size, unsigned flags)
{
	struct rb_root *root = &tmpfs_i(i)->attrs;
	struct rb_node *parent, **link;
	struct attr *old = find(root, n, &parent, &link), *new = NULL;
	int err = xattr_check_flags(old != NULL, flags);

	if (err)
		return err;
	if (value) {
		new = new_attr(tmpfs_of(i), n, value, size, &err);
		if (!new)
			return err;
	}
	if (old) {
		rb_erase(root, &old->node, NULL);
		free_attr(tmpfs_of(i), old);
		find(root, n, &parent, &link);
	}
	if (new)
		rb_insert(root, &new->node, parent, link, NULL);
	if (old || new)
		inode_touch(i, ATTR_CTIME);
	return 0;
}

static int list(struct inode *i, struct xattr_list *l)
{
	struct rb_node *at;
	int err = 0;

	for (at = rb_first(&tmpfs_i(i)->attrs); at && !err; at = rb_next(at)) {
		struct attr *a = rb_entry(at, struct attr, node);

		err = xattr_list_add(l, a->space, name_of(a), a->len);
	}
	return err;
}

const struct xattr_ops tmpfs_xattr_ops = {.get = get, .set = set, .list = list};

void tmpfs_drop_attrs(struct inode *i)
{
	struct rb_root *root = &tmpfs_i(i)->attrs;

	while (root->node) {
		struct attr *a = rb_entry(root->node, struct attr, node);

		rb_erase(root, &a->node, NULL);
		free_attr(tmpfs_of(i), a);
		cond_resched();
	}
}
