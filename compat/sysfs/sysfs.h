/*
 * sysfs.h - between the files of /sys: entries of an interface's directory.
 */
#pragma once
#include "procfs/procfs.h"
#include <netdev.h>

/* The interface that a node of class/net is of, held; NULL: gone. */
struct netdev *sysfs_dev(const struct proc_node *n);
/* A function that shows a format with arguments taken from the interface "d". */
#define SYSFS_DEV_FILE(fn, ...)                                                                    \
	static int fn(struct text *t, const struct proc_node *n)                                   \
	{                                                                                          \
		struct netdev *d = sysfs_dev(n);                                                   \
                                                                                                   \
		if (!d)                                                                            \
			return -ENODEV;                                                            \
		text_add(t, __VA_ARGS__);                                                          \
		netdev_put(d);                                                                     \
		return 0;                                                                          \
	}
/* The number that is written to a file of an interface: @set with the config lock held. */
ssize_t sysfs_set_number(const struct proc_node *n, const char *s, size_t len,
	int (*set)(struct netdev *d, uint64_t v));
extern const struct proc_dir sysfs_bridge_dir; /* what bridges and ports have besides */
