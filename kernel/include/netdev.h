/*
 * netdev.h - network interfaces: what a driver registers, and what the stack asks of it.
 *
 * A netdev is reference-counted (netdev_hold/put) and looked up by RCU. Configuration (open, stop,
 * mtu, address, flags) is serialised by one sleeping lock, the "rtnl", as RFC-less as it is old:
 * net_config_lock(). Packets flow without it. States: registered -> up (IFF_UP) -> running
 * (carrier). Sending: netdev_xmit() takes a finished link-layer frame from any net section, applies
 * VLAN tag, segmentation and checksum in software where the device lacks the feature, and queues
 * (bounded FIFO, tx_queue_len) while the device's ring is full. Receiving: a driver's poll function
 * (net.h) calls netdev_rx().
 */
#pragma once
#include <atomic.h>
#include <list.h>
#include <mutex.h>
#include <net.h>
#include <pkt.h>
#include <workqueue.h>

enum { NETDEV_NAME = 16, NETDEV_ADDR = 32, ETH_ALEN = 6, ETH_HLEN = 14 };
enum netdev_flags { /* IFF_*: netdevice(7) */
	IFF_UP = 0x1,
	IFF_BROADCAST = 0x2,
	IFF_LOOPBACK = 0x8,
	IFF_POINTOPOINT = 0x10,
	IFF_RUNNING = 0x40,
	IFF_NOARP = 0x80,
	IFF_PROMISC = 0x100,
	IFF_ALLMULTI = 0x200,
	IFF_MULTICAST = 0x1000,
	IFF_LOWER_UP = 0x10000
};
enum netdev_type { ARPHRD_ETHER = 1, ARPHRD_LOOPBACK = 772, ARPHRD_NONE = 0xfffe /* tun */ };
enum netdev_features {
	NETIF_TX_CSUM = 1, /* completes CSUM_PARTIAL for TCP and UDP over IPv4 and IPv6 */
	NETIF_SG = 2, /* takes frags; without it xmit gets pkts whose bytes one walk reads all the
			 same */
	NETIF_TSO4 = 4,
	NETIF_TSO6 = 8,
	NETIF_GSO_UDP = 16,
	NETIF_RX_CSUM = 32,
	NETIF_VLAN_TX = 64,
	NETIF_LOOPBACK_LIKE =
		128, /* no wire: checksum and segmentation may stay undone (lo, veth) */
	NETIF_GRO = 256
};
enum { /* EtherTypes */
	ETH_P_IP = 0x0800,
	ETH_P_ARP = 0x0806,
	ETH_P_8021Q = 0x8100,
	ETH_P_8021AD = 0x88a8,
	ETH_P_IPV6 = 0x86dd,
	ETH_P_ALL = 0x0003
};

struct eth_hdr {
	uint8_t dst[ETH_ALEN], src[ETH_ALEN];
	__be16 type;
} __packed;
static_assert(sizeof(struct eth_hdr) == ETH_HLEN, "Ethernet II");

struct netdev_stats { /* if_link.h's order: rtnl_link_stats64 */
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped,
		tx_dropped, multicast, collisions, rx_length_errors, rx_over_errors, rx_crc_errors,
		rx_frame_errors, rx_fifo_errors, rx_missed_errors;
};

struct netdev_ops {
	int (*open)(
		struct netdev *d); /* may sleep, config lock held: start DMA, interrupts, polls */
	void (*stop)(struct netdev *d); /* counterpart; afterwards no xmit, no rx runs */
	/*
	 * Put @p on the ring; called with the queue's lock held, in a section. 0: taken. -EBUSY:
	 * full, not taken (the driver calls netdev_tx_wake() when there is room again). Anything
	 * else cannot be sent ever: the caller frees it. The driver frees sent pkts (in its poll,
	 * under the queue's lock). A device without queues (nr_txq 0): no lock is held, @p is
	 * consumed in any case; 0, -ENOBUFS, -ENETDOWN.
	 */
	int (*xmit)(struct netdev *d, unsigned queue, struct pkt *p);
	/* Optional: end of a burst, ring the doorbell. The queue's lock is held. */
	void (*xmit_done)(struct netdev *d, unsigned queue);
	int (*set_mac)(struct netdev *d, const uint8_t *mac); /* NULL: cannot be changed */
	int (*set_mtu)(struct netdev *d,
		unsigned mtu); /* within min_mtu..max_mtu already; NULL: just stored */
	/* flags PROMISC, ALLMULTI or the multicast list changed; d->lock is held. */
	void (*set_rx_mode)(struct netdev *d);
	/* Optional, called every two seconds while the device is up, in a section: true: frames
	 * wait on a ring and none has left since the last call. The device is stopped and opened
	 * again then, without anybody being told. */
	bool (*tx_hangs)(struct netdev *d);
	void (*stats)(struct netdev *d,
		struct netdev_stats *add); /* optional: hardware counters to add */
	void (*free)(struct netdev *d); /* optional: the last reference went; the memory follows */
	/*
	 * Of masters (bridges): @port becomes one of theirs, -EINVAL or -ELOOP (not such a device),
	 * -EBUSY (it has a master), -EXFULL, -ENOMEM; and leaves, -EINVAL (it is none). May sleep,
	 * config lock held. NULL: no master.
	 */
	int (*add_port)(struct netdev *d, struct netdev *port);
	int (*del_port)(struct netdev *d, struct netdev *port);
};

struct netdev_txq {
	struct spinlock lock;   /* level: under socket locks; plain, net sections only */
	struct pkt_queue queue; /* [lock] waits for room */
	bool stopped;           /* [lock] the ring was full */
	bool is_dirty;          /* [lock] on a CPU's list for xmit_done() */
	uint16_t index;
	struct netdev *dev;
};
/* For ops.tx_hangs: what the ring looked like at the last call. */
struct netdev_tx_watch {
	uint32_t done; /* frames or descriptors that had left */
	bool waiting;  /* some were on the ring */
};
static inline bool netdev_tx_stuck(struct netdev_tx_watch *w, uint32_t done, uint32_t in_use)
{
	bool stuck = w->waiting && in_use && w->done == done;

	w->done = done;
	w->waiting = in_use;
	return stuck;
}
struct mcast_addr { /* link-layer groups listened to */
	struct list_head node;
	uint8_t addr[ETH_ALEN];
	uint32_t users;
};
struct inet_dev;

/* Key: [c] constant after registration  [m] config lock to write, racy reads  [l] ->lock */
struct netdev {
	struct list_head node;  /* [net->lock], RCU */
	char name[NETDEV_NAME]; /* [m] */
	uint32_t ifindex;       /* [c] */
	struct net *net;        /* [c] */
	refcount_t refs;
	uint16_t type;        /* [c] ARPHRD_* */
	uint16_t hard_header; /* [c] bytes of link header: 14, 0 for tun */
	uint32_t flags;       /* [m] IFF_*; RUNNING and LOWER_UP follow carrier */
	bool carrier;         /* [a] */
	uint32_t mtu, min_mtu, max_mtu, tx_queue_len; /* [m] */
	uint32_t features;                            /* [m] in use */
	uint32_t hw_features;                         /* [c] what it could */
	uint32_t gso_max;                             /* [c] largest packet it takes, 65536 */
	uint8_t addr_len;
	uint8_t addr[NETDEV_ADDR], perm_addr[NETDEV_ADDR], broadcast[NETDEV_ADDR]; /* [m] */
	const struct netdev_ops *ops;
	const char *kind; /* [c] IFLA_INFO_KIND: "vlan", "bridge", "veth", "tun"; NULL: hardware */
	const char *driver;     /* [c] of hardware */
	unsigned nr_txq;        /* [c] 0: software device that passes on at once */
	struct netdev_txq *txq; /* [c] nr_txq of them */
	/* Instead of the stack: a bridge, for its ports. RCU. Consumes the pkt and returns true, or
	 * leaves it. */
	bool (*rx_handler)(struct netdev *d, struct pkt *p);
	void *rx_handler_data;
	struct netdev *master;  /* [m] bridge it is a port of */
	struct netdev *lower;   /* [m] of a vlan, or a veth's peer */
	struct list_head vlans; /* [m], RCU: vlan devices above it, by their vlan_node */
	struct list_head vlan_node;
	uint16_t vlan_id; /* [c] of a vlan */
	struct spinlock lock;
	struct list_head mcast;                 /* [l] */
	uint32_t promisc_users, allmulti_users; /* [m] counted; flags follow */
	uint32_t user_flags;      /* [m] PROMISC, ALLMULTI as netdev_set_flags() was told */
	uint32_t carrier_changes; /* [a] */
	bool carrier_event;       /* [a] watchers are to be told */
	bool is_registered;       /* [m] */
	struct list_head taps;    /* packet sockets bound to it: [net_taps lock], RCU */
	struct inet_dev *inet; /* addresses, groups, neighbour state: kernel/net/inetdev.c; RCU */
	struct netdev_stats *pcpu; /* [cpu] indexed by CPU */
	struct net_timer watchdog;
	struct work restart;
	void *priv;
	struct rcu_head rcu;
};

/* Everybody who changes configuration holds it; sleeping. Above every spinlock. */
void net_config_lock(void);
void net_config_unlock(void);
void net_config_assert(void);

/*
 * netdev_create() - memory for an interface with @priv_bytes of driver's own (zeroed), @nr_txq
 * queues, Ethernet defaults: then set ops, features, addr, max_mtu; then register. @name may hold
 * one %d. Owns: one reference, which is the registration's from netdev_register() on (which leaves
 * it when it fails) and goes with netdev_unregister(). Returns NULL: no memory, no name.
 */
struct netdev *netdev_create(const char *name, size_t priv_bytes, unsigned nr_txq) __must_check;
int __must_check netdev_register(struct net *net,
	struct netdev *d); /* config lock held; 0, -EEXIST, -EINVAL (name), -ENOMEM */
void netdev_unregister(
	struct netdev *d); /* config lock held: stops it, tells watchers, drops addresses */
static inline struct netdev *netdev_hold(struct netdev *d)
{
	refcount_inc(&d->refs);
	return d;
}
void netdev_put(struct netdev *d);
struct netdev *netdev_by_index_rcu(struct net *net, uint32_t ifindex);
struct netdev *netdev_by_name_rcu(struct net *net, const char *name);
struct netdev *netdev_get_by_index(
	struct net *net, uint32_t ifindex) __must_check; /* held, or NULL */
struct netdev *netdev_get_by_name(struct net *net, const char *name) __must_check;

/* Configuration; config lock held. 0 or -errno as netdevice(7). */
int __must_check netdev_open(struct netdev *d);
void netdev_stop(struct netdev *d);
int __must_check netdev_set_flags(struct netdev *d, uint32_t flags, uint32_t mask);
int __must_check netdev_set_mtu(struct netdev *d, unsigned mtu);
int __must_check netdev_set_mac(struct netdev *d, const uint8_t *mac);
/* Before registering: an address that is no station's (all zero, a group) becomes a random one. */
void netdev_ensure_mac(struct netdev *d);
int netdev_mac_any(struct netdev *d, const uint8_t *mac); /* ops.set_mac of those that need not know
							     it */
int __must_check netdev_rename(struct netdev *d, const char *name);
/* Flags as programs see them: PROMISC and ALLMULTI if they asked for it, not if the kernel did. */
static inline uint32_t netdev_shown_flags(const struct netdev *d)
{
	return (d->flags & ~(uint32_t)(IFF_PROMISC | IFF_ALLMULTI)) | d->user_flags;
}
void netdev_changed(struct netdev *d);            /* its master or the like: watchers are told */
void netdev_promisc(struct netdev *d, int delta); /* counted: +1, -1 */
void netdev_allmulti(struct netdev *d, int delta);
int __must_check netdev_mcast_add(
	struct netdev *d, const uint8_t *addr); /* counted; any net section or config lock */
void netdev_mcast_del(struct netdev *d, const uint8_t *addr);
void netdev_set_carrier(struct netdev *d,
	bool on); /* any context but interrupts: watchers are told from a work item */
void netdev_stats(struct netdev *d, struct netdev_stats *out);

/* Watchers of devices (inet, netlink, packet sockets): called with the config lock held. */
enum netdev_event {
	NETDEV_ADDED,
	NETDEV_GOING,
	NETDEV_UP,
	NETDEV_DOWN,
	NETDEV_CHANGED,
	NETDEV_MTU,
	NETDEV_MAC,
	NETDEV_RENAMED
};
struct netdev_watcher {
	struct list_head node;
	void (*event)(struct netdev *d, enum netdev_event e);
};
void netdev_watch(struct netdev_watcher *w);

/* ---- packets; in a net section ---- */
/* Send a finished frame (link header at pkt_data()) by p->dev. Consumes @p. 0, or
 * -ENOBUFS/-ENETDOWN (dropped). */
int netdev_xmit(struct pkt *p);
/*
 * From a driver's poll: @p begins at the link header, p->dev is set, csum, vlan_tci and gso as far
 * as the device knows (a device without link header sets p->protocol). Tries GRO, then taps,
 * rx_handler, protocols. Consumes.
 */
void netdev_rx(struct pkt *p);
/* The same from a software device's xmit: the frame comes in at @to, through the backlog. The
 * sender's accounting ends here. */
void netdev_loop(struct pkt *p, struct netdev *to);
/*
 * A received frame of @len bytes at @off in @page (the caller's reference is consumed) as a pkt:
 * short ones are copied, of others the headers, so that the payload stays in pages. p->dev is set.
 * NULL: no memory, counted.
 */
enum { NETDEV_RX_COPY = PKT_LINEAR - 32 }; /* up to here they are short */
struct pkt *netdev_rx_copy(struct netdev *d, const void *data, uint32_t len); /* a short one */
struct pkt *netdev_rx_page(struct netdev *d, struct page *page, uint32_t off, uint32_t len);
void netdev_rx_flush(void); /* end of a poll round: hand on what GRO held back (net.c calls it) */
void netdev_tx_wake(struct netdev *d,
	unsigned queue); /* there is room in the ring: poll context or a section */
/* Ethernet header in front of @p; sets l2 and protocol. */
void eth_push(struct pkt *p, const uint8_t *dst, const uint8_t *src, uint16_t type);
/* Cut a GSO packet into finished segments (checksums done unless @keep_partial): a list through
 * pkt->node; frees
 * @p. 0, -ENOMEM (everything freed). */
int __must_check pkt_segment(struct pkt *p, bool keep_partial, struct pkt_queue *out);

/* Protocols by EtherType: registered at boot, never removed. */
struct netdev_proto {
	__be16 type;
	void (*input)(struct pkt *p); /* pkt_data() at the network header, p->l3 set; consumes */
	struct list_head node;
};
void netdev_proto_register(struct netdev_proto *np);
/* Taps see every packet, in and out (packet sockets), from the link header on; p->type says which
 * way. RCU list. @p is not consumed: clone what is kept. */
struct netdev_tap {
	struct list_head node;
	struct netdev *dev; /* NULL: all */
	__be16 type;        /* ETH_P_ALL: all, both directions; else received ones of the type */
	void (*input)(struct netdev_tap *t, struct pkt *p);
};
void netdev_tap_add(struct net *net, struct netdev_tap *t);
void netdev_tap_del(
	struct netdev_tap *t); /* the caller waits for a grace period before it frees @t */

/* Software devices that netlink and ioctl(2) make: by kind. */
struct netdev_kind_arg {
	const char *peer_name; /* veth: of the other end; NULL: a free one */
	struct netdev *lower;  /* vlan: its real device */
	unsigned vlan_id;      /* vlan */
	bool has_vlan_id;
};
struct netdev_kind {
	const char *name; /* as IFLA_INFO_KIND has it */
	struct list_head node;
	/* Config lock held. @arg: struct netdev_kind_arg; NULL: defaults. */
	int (*create)(struct net *net, const char *name, const void *arg, struct netdev **out);
	void (*destroy)(struct netdev *d);
};
void netdev_kind_register(struct netdev_kind *k);
const struct netdev_kind *netdev_kind_find(const char *name);
/* For create(): netdev_create() of a device without queues, with a random address. 0, -EINVAL (the
 * name), -ENOMEM. */
int __must_check netdev_create_kind(const char *kind, const char *name, size_t priv_bytes,
	const struct netdev_ops *ops, struct netdev **out);
/* netdev_set_mac() without ops.set_mac: the address of another device, which it follows. Config
 * lock held. */
void netdev_follow_mac(struct netdev *d, const uint8_t *mac);
