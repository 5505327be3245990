/*
 * tmpfs.h - files in memory: the file system, and what is built on it (devfs, memfd).
 */
#pragma once
#include <vfs.h>

void tmpfs_init(void); /* boot: registers "tmpfs" and "ramfs"; after vfs_init() */
void devfs_init(void); /* boot: registers "devtmpfs", makes its tree and the memory devices; after
			  tmpfs_init() */
/* fill_super for a file system that is a tmpfs underneath. Options size= nr_inodes= mode= uid=
 * gid=. */
int __must_check tmpfs_fill_super(struct super *sb, const char *options, bool silent);
/*
 * tmpfs_make_node() - make the node @name (slashes make directories, which may exist) below @root
 * without permission checks.
 * @mode has the type; @target for symlinks. 0, -EEXIST, -ENOMEM, -ENOSPC.
 */
int __must_check tmpfs_make_node(
	struct dentry *root, const char *name, mode_t mode, dev_t dev, const char *target);
void tmpfs_remove_node(struct dentry *root, const char *name); /* a missing one is no error */
/* memfd_create(2): an open regular file without a name, with the F_SEAL_* @seals (file.h) set. */
int __must_check tmpfs_memfd(const char *name, mode_t mode, uint32_t seals, struct file **out);
