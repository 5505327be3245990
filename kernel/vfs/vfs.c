/*
 * vfs.c - bringing the room up at boot.
 */
#include "internal.h"
#include <events.h>
#include <page.h>

void vfs_init(void)
{
	struct mem_stats m;

	mem_stats(&m);
	dcache_init(m.total);
	inode_cache_init(m.total);
	file_cache_init(m.total);
	mount_tree_init();
	sync_init();
	locks_init();
	fs_context_init();
	anon_init();
	events_init();
	inotify_init(m.total);
}
