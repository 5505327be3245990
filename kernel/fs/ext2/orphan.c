/*
 * orphan.c - inodes without a name that are still open: a list on disk, so that the next mount (or
 * e2fsck) frees them.
 *
 * The superblock's s_last_orphan is the newest; each inode's dtime field holds the number of the
 * next older one. The same list in memory, newest first, under orphan_lock, finds the neighbour to
 * be changed when one leaves from the middle.
 */
#include "ext2.h"

#include <error.h>
#include <log.h>

static void set_head(struct ext2_txn *t, uint32_t ino)
{
	t->s->disk->last_orphan = to_le32(ino);
	ext2_dirty_part(t, &t->s->super_buf, 0, 1024);
}

void ext2_orphan_add(struct ext2_txn *t, struct inode *i)
{
	struct ext2_sb *s = t->s;
	struct ext2_inode *ei = EXT2_I(i);

	mutex_lock(&s->orphan_lock);
	if (!ei->on_orphan_list) {
		ei->dtime = le32(s->disk->last_orphan);
		ext2_inode_store(t, i);
		set_head(t, (uint32_t)i->ino);
		list_add(&ei->orphan_node, &s->orphans);
		ei->on_orphan_list = true;
	}
	mutex_unlock(&s->orphan_lock);
}

int ext2_orphan_del(struct ext2_txn *t, struct inode *i)
{
	struct ext2_sb *s = t->s;
	struct ext2_inode *ei = EXT2_I(i), *newer;
	int err = 0;

	if (!ei->on_orphan_list)
		return 0;
	mutex_lock(&s->orphan_lock);
	if (ei->orphan_node.prev == &s->orphans) {
		set_head(t, ei->dtime);
	} else {
		newer = list_entry(ei->orphan_node.prev, struct ext2_inode, orphan_node);
		err = ext2_pin_inode(t, &newer->vfs);
		if (!err) {
			newer->dtime = ei->dtime;
			ext2_inode_store(t, &newer->vfs);
		}
	}
	if (!err) {
		list_del(&ei->orphan_node);
		ei->on_orphan_list = false;
		ei->dtime = 0;
	}
	mutex_unlock(&s->orphan_lock);
	return err;
}

void ext2_orphan_forget(struct inode *i)
{
	struct ext2_sb *s = EXT2_SB(i->sb);
	struct ext2_inode *ei = EXT2_I(i);

	if (!ei->on_orphan_list)
		return;
	mutex_lock(&s->orphan_lock);
	list_del(&ei->orphan_node);
	ei->on_orphan_list = false;
	mutex_unlock(&s->orphan_lock);
}

/* One inode of the list found at mount; *next: the one after it. */
static int recover_one(struct ext2_sb *s, uint32_t ino, uint32_t *next)
{
	struct inode *i;
	int err;

	if (ino < s->first_ino || ino > s->inodes_count)
		return -EUCLEAN;
	err = ext2_iget(s->sb, ino, true, &i);
	if (err)
		return err;
	*next = i->nlink ? 0 : EXT2_I(i)->dtime;
	if (i->nlink)
		err = -EUCLEAN; /* it has names: the list does not tell the truth from here on */
	inode_put(i);
	return err;
}

void ext2_orphan_recover(struct ext2_sb *s)
{
	uint32_t ino = le32(s->disk->last_orphan), freed = 0;
	struct ext2_txn t;
	int err = 0;

	if (!ino)
		return;
	while (ino && !err && freed < s->inodes_count) {
		err = recover_one(s, ino, &ino);
		freed += !err;
	}
	if (err)
		log_warn("ext2: %s: list of orphaned inodes is broken, the rest is left for e2fsck",
			s->sb->id);
	log_info("ext2: %s: %u orphaned inodes freed", s->sb->id, freed);
	if (ext2_begin(s->sb, &t))
		return;
	set_head(&t, 0);
	ext2_end(&t);
}
