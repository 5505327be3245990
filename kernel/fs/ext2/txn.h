/*
 * txn.h - the one interface through which metadata changes: begin, declare each changed block, end.
 * Theory: txn.c
 */
#pragma once
#include <atomic.h>
#include <mutex.h>

struct super;
struct inode;
struct page;
struct ext2_sb;
/* Part of a page of the device's cache: one metadata block, or none (page NULL). */
struct ext2_buf {
	struct page *page;
	void *data;
};
struct ext2_gate {
	uint32_t epoch;
	atomic_t active[2];
	struct wait_queue idle;
};
#define EXT2_PINS 6u
struct ext2_txn {
	struct ext2_sb *s;
	uint32_t epoch;
	unsigned nr_pins;
	struct ext2_buf pin[EXT2_PINS]; /* blocks that stay in memory until the end */
};

/* Start a change. Never waits; may be nested (each counts by itself). 0, or -EROFS. */
int __must_check ext2_begin(struct super *sb, struct ext2_txn *t);
/* The record of @i is in memory until ext2_end(): storing it cannot fail. 0 or -errno. */
int __must_check ext2_pin_inode(struct ext2_txn *t, const struct inode *i);
/* @b was changed: call after the change. */
void ext2_dirty(struct ext2_txn *t, const struct ext2_buf *b);
void ext2_dirty_part(struct ext2_txn *t, const struct ext2_buf *b, unsigned offset,
	unsigned len); /* only these bytes of it */
void ext2_end(struct ext2_txn *t);
/* Put all changes that have ended on media. Sleeps; not inside a change. 0 or -errno. */
int __must_check ext2_commit(struct ext2_sb *s);
/* No room, but what was freed lately waits for a commit: true when trying again may help. Not
 * inside a change. */
bool ext2_commit_for_space(struct ext2_sb *s);
