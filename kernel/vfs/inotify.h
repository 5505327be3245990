/*
 * inotify.h - between notify.c (what happened, to which inode) and inotify.c (instances, queues).
 */
#pragma once
#include "internal.h"
#include <events.h>
#include <notify.h>
#include <rbtree.h>

/*
 * One instance's interest in one inode. Ended once, by whoever sets ->dead: that one calls
 * watch_end(). Key: [c] constant  [i] inode->spin  [q] group->lock  [e] its ender
 */
struct watch {
	struct hlist_node inode_node; /* [i] inode->watches; RCU readers */
	struct rb_node node;          /* [q] of the instance, by wd */
	struct inotify *group;        /* [c] counted */
	struct inode *inode;          /* [c] referenced */
	uint32_t mask;                /* [q] events and WATCH_*; racy looks */
	int wd;                       /* [c] */
	bool dead;                    /* [q] */
	struct watch *next_dead;      /* [e] */
	struct rcu_head rcu;
};

struct notice {
	uint32_t mask, cookie;
	const struct qstr *name; /* NULL: none */
	bool unlinked;           /* by a file whose name is gone: IN_EXCL_UNLINK */
};

/* ---- inotify.c; in an RCU section ---- */
/* Queue it if @w wants it. True: @w ended with that (IN_ONESHOT) and is the caller's to end. */
bool __must_check watch_post(struct watch *w, const struct notice *n);
/* Queues IN_IGNORED. True: it is the caller's to end. */
bool __must_check watch_kill(struct watch *w);
/* Outside of it: the list of dead ones by ->next_dead. May sleep. */
void watches_end(struct watch *dead);

/* ---- notify.c ---- */
void notify_attach(struct watch *w); /* group->lock held */
void notify_detach(struct watch *w); /* gives back the inode; may sleep */
/* @i's watch of @group, in an RCU section; NULL: none. It may be dead. */
struct watch *notify_find(struct inode *i, const struct inotify *group);
void notify_mask_changed(struct inode *i);
