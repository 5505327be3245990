/*
 * epoll.h - between epoll.c and epoll_nest.c.
 */
#pragma once
#include "internal.h"
#include <events.h>

#define EPOLL_PRIVATE (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)

struct epoll_item;
struct epoll_hook { /* on one wait queue of the file */
	struct wait_entry we;
	struct wait_queue *wq;
	struct epoll_item *item;
	struct epoll_hook *next; /* of those beyond the first */
};
/* Key: [e] ep->lock  [r] ep->ready_lock  [c] constant */
struct epoll_item {
	struct rb_node node;        /* [e] */
	struct epoll *ep;           /* [c] */
	struct file *file;          /* [c] no reference: see forget_file() */
	int fd;                     /* [c] */
	bool is_exclusive;          /* [c] */
	struct epoll_event event;   /* [e] racy reads of events */
	unsigned hooked;            /* [e] events that the hooks are for */
	struct list_head ready;     /* [r] */
	struct list_head file_node; /* [file->lock] RCU */
	unsigned nr_hooks;          /* [e] */
	struct epoll_hook hooks[2]; /* [e] */
	struct epoll_hook *more;    /* [e] */
	struct rcu_head rcu;
};
struct epoll {
	refcount_t refs;
	struct mutex lock;
	struct rb_root items;       /* [e] by file and descriptor */
	struct spinlock ready_lock; /* irq */
	struct list_head ready;     /* [r] racy look whether empty */
	struct wait_queue wait;     /* in epoll_wait() */
	struct wait_queue pollers;  /* of the epoll's own file */
	struct file *file;          /* [c] not a reference */
	uint64_t checked;           /* [nest_mutex] by which check ->depth was found */
	unsigned depth;
	struct rcu_head rcu;
};
struct epoll_queueing {
	struct poll_table pt;
	struct epoll_item *item;
	int err;
};

struct epoll *epoll_of(const struct file *f); /* NULL: not one */

/* ---- epoll_nest.c ---- */
void epoll_nest_lock(void);
void epoll_nest_unlock(void);
/* May @target be watched by @ep? 0, -ELOOP, -EINVAL (too many ways to wake). nest lock held. */
int __must_check epoll_nest_check(struct epoll *ep, struct file *target);
/* Wake those who poll the epoll's own file. Any context, interrupts may be off. */
void epoll_wake_pollers(struct epoll *ep);
void timerfd_init(void);
