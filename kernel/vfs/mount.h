/*
 * mount.h - the mount tree, its propagation and its namespaces, for the files that change them.
 *
 * Everything here needs mount_mutex. Theory: mount.c (the tree), propagate.c, mount_ns.c
 */
#pragma once
#include "internal.h"

#define MOUNTS_MAX 100000u /* of one namespace: propagation can double a tree with each mount */

/* ---- mount.c ---- */
enum copy_flags { /* 0: as the original: a peer if that is shared, a slave of the same master */
	COPY_TREE = 1,       /* with what is mounted below */
	COPY_SLAVE = 2,      /* slaves of the originals' groups */
	COPY_SHARED = 4,     /* with COPY_SLAVE: each in a new group of its own as well */
	COPY_UNBINDABLE = 8, /* those too */
};
/* A copy of @from, beginning at @root, that is attached nowhere. -ENOMEM: what was made is on
 * @gone.
 */
int mount_copy(struct mount *from, struct dentry *root, unsigned flags, struct mount **out,
	struct list_head *gone);
/* The next of the tree below @top in depth-first order; NULL at the end. */
struct mount *mount_next(struct mount *m, const struct mount *top);
uint32_t mount_count(struct mount *top);
bool mount_is_below(const struct mount *m, const struct mount *top);
/* The mount that covers (parent, point); NULL: none. */
struct mount *mount_at(const struct mount *parent, const struct dentry *point);
/*
 * Show @tree, new or moved, at @at, which nothing covers, and copies of it wherever @at's mount
 * propagates to. -ENOENT (the place was removed), -ENOSPC, -ENOMEM: nothing changed, failed copies
 * are on @gone.
 */
int mount_graft(struct mount *tree, const struct path *at, struct list_head *gone);
/* A tree that is attached nowhere goes to @gone. */
void mount_drop(struct mount *top, struct list_head *gone);
/* The mounts of @set (work_node, ->going) go to @gone; what covers them comes down to their places.
 */
void mounts_detach(struct list_head *set, struct list_head *gone);
/* The same unless one of @set is in use: has references besides the tree's, of @top one more. */
bool mounts_detach_unused(struct list_head *set, const struct mount *top, struct list_head *gone);
/* Drop the tree's references. Without mount_mutex. */
void mounts_release(struct list_head *gone);
/* Put @m, or all below it as well, on @set. */
void mount_set_add(struct list_head *set, struct mount *m, bool recursive);
void mount_swap_root(struct mount *new_root, struct mount *old_root, const struct path *put_old);
void mount_ns_enter(struct mount *top, struct mount_ns *ns); /* all of the tree are @ns's now */
void mount_ns_changed(struct mount_ns *ns);

/* ---- propagate.c ---- */
struct peer_group {
	uint32_t id;
	struct list_head node;    /* all groups, by id */
	struct list_head members; /* mount->peer_node */
	struct list_head slaves;  /* mount->slave_node of those whose master it is */
	struct list_head work;    /* a walk's queue, or new ones that may have to go again */
	struct mount *source;     /* in a walk: what its members are to be copies of */
	uint32_t walk;            /* number of the last walk that reached it */
};
/* Give every mount of the tree (or @top alone) a group; new ones go on @fresh. -ENOMEM: none did.
 */
int share_tree(struct mount *top, bool recursive, struct list_head *fresh);
/* Undo, or (@keep) end the possibility to. */
void share_end(struct list_head *fresh, bool keep);
/* A new mount, @copy, takes the relation of @from to groups that @flags say. -ENOMEM */
int propagation_copy(struct mount *copy, struct mount *from, unsigned flags);
/* MS_SHARED (the mount has a group already), MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE. */
void propagation_set(struct mount *m, unsigned kind);
/*
 * Copies of @tree (of @n mounts, all shared) for all that receive from at->mnt, on @copies with
 * ->receiver set, counted in their namespaces. -ENOMEM, -ENOSPC: @copies has those made so far.
 */
int propagate_mount(struct mount *tree, uint32_t n, const struct path *at, struct list_head *copies,
	struct list_head *gone);
/* Add to @set the mounts that go with those in it. */
void propagate_umount(struct list_head *set);

/* ---- mount_ns.c ---- */
struct mount_ns *mount_ns_create(void) __must_check; /* empty; NULL: no memory */
