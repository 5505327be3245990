/*
 * bridge.h - between bridge.c, ports and the way of a frame, and bridge_fdb.c, the stations known.
 */
#pragma once
#include <netbridge.h>
#include <netdev.h>
#include <random.h>

enum { FDB_BUCKETS = 512, FDB_MAX = 4096 };

/* Key: [c] constant  [m] config lock, RCU readers  [l] ->fdb_lock, RCU readers  [a] racy */
struct bridge_port {
	struct list_head node;   /* [m] */
	struct netdev *dev, *br; /* [c] */
	uint16_t number;         /* [c] */
};
struct fdb_entry {
	struct hlist_node node;   /* [l] */
	uint64_t mac;             /* [c] its six bytes */
	struct bridge_port *port; /* [a] NULL: the bridge itself */
	uint64_t heard_ns;        /* [a] */
	bool is_local;            /* [c] a port's or the bridge's own address */
	struct rcu_head rcu;
};
struct bridge { /* netdev's ->priv */
	struct netdev *dev;
	struct list_head ports;             /* [m] */
	bool own_mac, own_mtu;              /* [m] the administrator's, not the ports' */
	bool is_going;                      /* [m] told that it is unregistered */
	uint64_t ageing_ns;                 /* [a] */
	struct net_timer sweep;             /* while the bridge is up */
	struct spinlock fdb_lock;           /* level 48 */
	uint32_t stations;                  /* [l] in the table */
	uint64_t key[2];                    /* [c] of the hash */
	struct hlist_head fdb[FDB_BUCKETS]; /* [l] */
};
static inline struct bridge *bridge_of(const struct netdev *d)
{
	return d->priv;
}

void fdb_init(struct bridge *b);
/* In a section: where @mac is, if it was heard of lately or is local; else NULL. */
const struct fdb_entry *fdb_find(struct bridge *b, const uint8_t *mac);
/* In a section: @mac, a station's, was heard at @port. */
void fdb_learn(struct bridge *b, const uint8_t *mac, struct bridge_port *port);
/* Forget what was learned at @port; with @local also what is its own. */
void fdb_flush_port(struct bridge *b, const struct bridge_port *port, bool local);
/* Config lock: the local stations become the addresses that bridge and ports have now. 0, -ENOMEM.
 */
int __must_check fdb_sync_local(struct bridge *b);
void fdb_sweep(struct bridge *b); /* forget who has not been heard for long */
void fdb_free(struct bridge *b);  /* nobody looks any more */
