/*
 * devfs.c - /dev: a tmpfs in which the kernel makes nodes as devices come and go.
 *
 * There is one tree however often it is mounted; programs may add nodes, links and folders of their
 * own. It is made at boot, before it is mounted anywhere, and stays. Names of character devices
 * come from chrdev_register(), of disks from the block layer.
 */
#include "internal.h"
#include <block.h>
#include <debug.h>
#include <error.h>
#include <file.h>
#include <log.h>
#include <stat.h>
#include <tmpfs.h>

static struct mount *tree; /* keeps the one superblock alive */

static void node(const char *name, mode_t mode, dev_t dev, bool added)
{
	int err;

	if (!added) {
		tmpfs_remove_node(tree->root, name);
		return;
	}
	err = tmpfs_make_node(tree->root, name, mode, dev, NULL);
	if (err && err != -EEXIST)
		log_err("devfs: /dev/%s: error %d", name, err);
}

static void char_device(const char *name, mode_t mode, dev_t dev, bool added)
{
	node(name, S_IFCHR | mode, dev, added);
}

static void block_device(struct block_device *b, bool added)
{
	node(b->name, S_IFBLK | 0660, b->dev, added);
}

static void link_to(const char *name, const char *target)
{
	if (tmpfs_make_node(tree->root, name, S_IFLNK | 0777, 0, target))
		log_err("devfs: /dev/%s: no memory", name);
}

static int devfs_fill_super(struct super *sb, const char *options, bool silent)
{
	return tmpfs_fill_super(sb, "mode=0755", silent);
}

static struct fs_type devfs_type = {
	.name = "devtmpfs", .nodev = true, .single = true, .fill_super = devfs_fill_super};

void devfs_init(void)
{
	struct block_device *b = NULL;

	fs_register(&devfs_type);
	tree = vfs_kernel_mount("devtmpfs", NULL);
	if (!tree)
		panic("devfs: no memory");
	link_to("fd", "/proc/self/fd");
	link_to("stdin", "/proc/self/fd/0");
	link_to("stdout", "/proc/self/fd/1");
	link_to("stderr", "/proc/self/fd/2");
	node("shm", S_IFDIR | S_ISVTX | 0777, 0, true);
	node("pts", S_IFDIR | 0755, 0, true);
	chrdev_named = char_device;
	chrdev_replay();
	bdev_added = block_device;
	while ((b = bdev_next(b)) != NULL)
		block_device(b, true);
	mem_devices_init();
}
