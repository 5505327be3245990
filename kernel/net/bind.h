/*
 * bind.h - who is bound to a port, for those who deliver to all of them (udp.c). Theory: bind.c
 */
#pragma once
#include "inet.h"

enum { BIND_HEADS = 1024 };
struct bind_bucket {              /* one port in use */
	struct hlist_node node;   /* of its head; RCU */
	uint16_t port;            /* host order */
	uint32_t count;           /* owners */
	uint32_t by_bind;         /* owners that did not get it from inet_bind_connect() */
	struct hlist_head owners; /* newest first; RCU */
	struct rcu_head rcu;
};
struct bind_head {
	struct spinlock lock; /* after the socket's */
	struct hlist_head buckets;
};
struct bind_table {
	const char *name;
	struct bind_head head[BIND_HEADS];
};
/* The bucket of @port (host order) or NULL. RCU. */
struct bind_bucket *bind_bucket_find(struct bind_table *t, uint16_t port);
