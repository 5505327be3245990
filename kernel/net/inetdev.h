/*
 * inetdev.h - the Internet side of an interface: addresses, groups, IPv6 parameters. Theory:
 * inetdev.c
 */
#pragma once
#include "ip.h"

struct nexthop;

/* Key: [m] config lock to write, RCU readers  [l] idev->lock */
struct ifaddr {
	struct list_head node;  /* idev->addrs; RCU */
	struct hlist_node hash; /* by address; RCU */
	struct if_addr a;       /* [m]; flags and times are single words, read racily */
	struct inet_dev *idev;  /* [c] */
	bool is_v4;             /* [c] */
	bool gone;              /* [m] off the list */
	refcount_t refs;        /* the list's, and a running timer's */
	struct net_timer dad;   /* RFC 4862, 5.4 */
	uint8_t dad_left;       /* solicitations still to send */
	uint8_t dad_nonce[6];   /* RFC 7527 */
	struct rcu_head rcu;
};

struct inet_dev {
	struct netdev *dev;       /* [c] not a reference: lives with it */
	struct spinlock lock;     /* level 47 */
	struct list_head addrs;   /* [m] IPv4 first, primary before secondary, then IPv6 */
	struct list_head groups;  /* [l] struct ip_group, RCU */
	struct list_head leaving; /* [l] left, to be reported once more */
	struct nexthop *direct;   /* [m] "on this link": of routes that no table holds; RCU */
	uint32_t mtu6;            /* of the link, RFC 4861 6.3.4 */
	bool is_up4, is_up6;      /* [m] */
	bool disable_ipv6, accept_ra, autoconf, accept_redirects;
	uint8_t hop_limit;                 /* 0: default; from advertisements */
	uint32_t reachable_ms, retrans_ms; /* ND parameters */
	uint64_t reachable_ns;             /* randomised */
	uint32_t rs_interval_ms;
	struct net_timer rs;
	struct net_timer group_timer;      /* IGMP and MLD reports */
	uint8_t igmp_version, mld_version; /* of the querier heard last */
	uint64_t igmp_old_until_ns, mld_old_until_ns;
	struct rcu_head rcu;
};

static inline struct inet_dev *inet_dev(const struct netdev *d) /* RCU; NULL: going away */
{
	return rcu_dereference(((struct netdev *)(uintptr_t)d)->inet);
}
void inetdev_init(struct net *net);
/* The namespace's IPv6 settings changed: interfaces follow, in a work item. Any context. */
void inetdev_reconfigure(void);
/* The entry of address @a on @d, or NULL. RCU. */
struct ifaddr *inetdev_find(const struct netdev *d, const struct ip_addr *a);
/* Some interface's entry of @a, one that is not tentative if there is one; or NULL. RCU. */
struct ifaddr *inetdev_lookup(struct net *net, const struct ip_addr *a);
/* Which interface has @a (usable, not tentative)? NULL: none. RCU. */
struct netdev *inetdev_owner(struct net *net, const struct ip_addr *a);
/* Source address for packets to @dst that leave by @d: IPv4: primary, of scope at most @scope, in
 * the subnet of @dst if there is one; IPv6: RFC 6724. False: none. RCU. */
bool inetdev_source4(struct net *net, const struct netdev *d, const struct ip_addr *dst,
	uint8_t scope, struct ip_addr *src);
bool inetdev_source6(
	struct net *net, const struct netdev *d, const struct ip_addr *dst, struct ip_addr *src);
/* A link-local address of @d that may be used. RCU. */
bool inetdev_link_local(const struct netdev *d, struct ip_addr *src);
/* Address added by the kernel itself (SLAAC, link-local, loopback). Config lock held. */
int __must_check inetdev_add(struct netdev *d, const struct if_addr *a, bool replace);
void inetdev_del(struct ifaddr *ia);                 /* config lock held */
void inetdev_changed(struct ifaddr *ia, bool added); /* tell watchers */
void ifaddr_put(struct ifaddr *ia);
/* Is @a a host's own address on @d, its broadcast, ...: by the device's list alone. */
bool inetdev_on_link(const struct netdev *d, const struct ip_addr *a);

/* ---- groups: group.c keeps them, group_sock.c is the sockets' side, igmp.c and mld.c speak ----
 */
struct ip_group {
	struct list_head node; /* idev->groups: [l], RCU */
	struct ip_addr addr;
	struct inet_dev *idev;
	uint32_t users;           /* [l] joins by the kernel itself: all sources */
	struct list_head members; /* [l] struct ip_member: sockets' */
	uint64_t report_ns;       /* [l] when to answer a query; 0: none */
	uint64_t change_ns;       /* [l] when to report a change next; 0: not */
	uint8_t changes_left;     /* [l] how often, RFC 3376 5.1 */
	struct rcu_head rcu;
};
struct ip_sources { /* immutable; RCU */
	uint32_t n;
	struct rcu_head rcu;
	struct ip_addr addr[];
};
/* A socket's membership. Key: [m] config lock, RCU readers  [l] idev->lock too */
struct ip_member {
	struct list_head node;       /* [m] inet_sock.groups */
	struct list_head group_node; /* [l] */
	struct ip_group *group;      /* [m] NULL: the interface went away */
	struct ip_addr addr;
	uint32_t ifindex;
	bool exclude;               /* [l] all sources but these; else these only */
	struct ip_sources *sources; /* [l] NULL: none */
	struct rcu_head rcu;
};
void group_init(void);
void group_lladdr(const struct ip_addr *group, uint8_t *ll); /* its Ethernet address */
/* The kernel's own: counted. Config lock held. */
int __must_check group_join(struct inet_dev *idev, const struct ip_addr *group);
void group_leave(struct inet_dev *idev, const struct ip_addr *group);
/* A socket's: config lock held. */
int __must_check group_add_member(struct inet_dev *idev, struct ip_member *m);
void group_del_member(struct ip_member *m);
/* Its filter becomes this; consumes @sources. Config lock held. */
void group_set_filter(struct ip_member *m, bool exclude, struct ip_sources *sources);
void group_dev_init(struct inet_dev *idev);
void group_dev_up(struct inet_dev *idev);   /* config lock held: groups are told again */
void group_dev_gone(struct inet_dev *idev); /* config lock held */
bool group_joined(const struct inet_dev *idev, const struct ip_addr *group); /* RCU */
/* group_report.c: the interface's filter for a group changed; @gone: it is off the list, nobody
 * wants it any more: takes it over. Config lock held, no other. */
void group_changed(struct ip_group *g, bool gone);
void report_dev_init(struct inet_dev *idev);
void report_dev_gone(struct inet_dev *idev);

/* ---- ndisc.c, autoconf.c: IPv6 of an interface ---- */
void ndisc_init(void);
void autoconf_init(void);
void ndisc_dev_init(struct inet_dev *idev);
void ndisc_up(struct inet_dev *idev);      /* link-local address, routers; config lock held */
void ndisc_down(struct inet_dev *idev);    /* config lock held */
void ndisc_carrier(struct inet_dev *idev); /* it came back: config lock held */
void ndisc_dad_start(struct ifaddr *ia);   /* config lock held */
/* A message from a router or about one, checked: applied later with the config lock. Takes a copy.
 */
void autoconf_router_advert(struct pkt *p);
/* Ask for routers; @first: begin anew. */
void autoconf_solicit(struct inet_dev *idev);
void autoconf_stop(struct inet_dev *idev);
/* The interface identifier: RFC 4291, appendix A; random where there is no link address. */
void autoconf_iid(const struct netdev *d, uint8_t *iid);

/* ND messages (RFC 4861, 4) and how they are sent; hop limit 255. */
struct nd_msg {
	uint8_t type, code;
	__be16 csum;
	__be32 flags;
	uint8_t target[16]; /* not in RS and RA */
} __packed;
enum {
	ND_OPT_SOURCE = 1,
	ND_OPT_TARGET = 2,
	ND_OPT_PREFIX = 3,
	ND_OPT_REDIRECTED = 4,
	ND_OPT_MTU = 5,
	ND_OPT_NONCE = 14
};
/* Begin a message of @bytes (the fixed part), or NULL. */
struct pkt *nd_new(const void *fixed, unsigned bytes) __must_check;
/* Add an option of at most 30 bytes, padded to units of 8. */
void nd_option(struct pkt *p, uint8_t type, const void *data, unsigned n);
void nd_send(struct netdev *d, const struct ip_addr *src, const struct ip_addr *dst, struct pkt *p);
/* Options of a received message behind @fixed bytes, each length checked: the first of @type, or
 * NULL; *len its bytes. The message is linear as far as it is looked at. */
const uint8_t *nd_find(struct pkt *p, unsigned fixed, uint8_t type, unsigned *len);
bool nd_options_ok(struct pkt *p, unsigned fixed);
