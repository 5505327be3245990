/*
 * ext2fs.h - the second extended file system registers itself.
 */
#pragma once
void ext2_init(void); /* boot: after vfs_init() */
