/*
 * netctl.h - looking at and changing the network configuration: what netlink, ioctl(2) and /proc
 * need.
 *
 * Changes run in sleeping context with the config lock (netdev.h) held; dumps walk under it or
 * under RCU as each says. Layouts of netlink and ioctl are compat's.
 */
#pragma once
#include <ipaddr.h>
#include <net.h>
#include <netdev.h>
#include <socket.h>

/* ---- addresses ---- */
enum ifa_flags {
	IFA_F_SECONDARY = 0x01,
	IFA_F_NODAD = 0x02,
	IFA_F_DADFAILED = 0x08,
	IFA_F_DEPRECATED = 0x20,
	IFA_F_TENTATIVE = 0x40,
	IFA_F_PERMANENT = 0x80,
	IFA_F_NOPREFIXROUTE = 0x200
};
struct if_addr { /* one address of an interface */
	struct ip_addr addr, peer /* = addr unless point-to-point */, broadcast;
	uint8_t prefix; /* of 128: an IPv4 /24 is 120 */
	uint8_t scope;  /* rtnetlink(7): 0 universe, 253 link, 254 host */
	uint32_t flags, ifindex;
	uint32_t valid_s, preferred_s;   /* left; UINT32_MAX: for ever */
	uint64_t created_ns, updated_ns; /* clock_ns() */
	char label[NETDEV_NAME];
};
int __must_check inet_addr_add(struct net *net, const struct if_addr *a,
	bool replace); /* -EEXIST, -ENODEV, -EINVAL; adds the prefix route */
int __must_check inet_addr_del(struct net *net, const struct if_addr *a); /* -EADDRNOTAVAIL */
/* Each address of the device (NULL: of all), until @fn returns non-zero: that is returned. RCU: fn
 * must not sleep. */
int inet_addr_each(struct net *net, struct netdev *d, int (*fn)(const struct if_addr *a, void *arg),
	void *arg);

/* ---- routes ---- */
enum rt_type {
	RTN_UNICAST = 1,
	RTN_LOCAL = 2,
	RTN_BROADCAST = 3,
	RTN_MULTICAST = 5,
	RTN_BLACKHOLE = 6,
	RTN_UNREACHABLE = 7,
	RTN_PROHIBIT = 8,
	RTN_THROW = 9
};
enum { RT_TABLE_DEFAULT = 253, RT_TABLE_MAIN = 254, RT_TABLE_LOCAL = 255 };
struct rt_hop {
	struct ip_addr gateway; /* any: on link */
	uint32_t ifindex;
	uint8_t weight; /* 1.. */
	bool onlink;
};
struct rt_entry {
	struct ip_addr dst, prefsrc /* any: choose */;
	uint8_t prefix; /* of 128; of IPv4 at least 96 */
	uint8_t type, scope, protocol, tos;
	uint32_t table, priority /* metric */;
	uint32_t mtu, advmss, window, rtt_ms, hop_limit; /* 0: none */
	uint32_t expires_s;                              /* 0: never */
	uint8_t pref;                                    /* RFC 4191 */
	unsigned nr_hops;
	struct rt_hop hop[8];
	bool is_v6;
};
int __must_check route_add(struct net *net, const struct rt_entry *r, bool create, bool replace,
	bool append, bool excl); /* -EEXIST, -ENETUNREACH, -ENODEV, -EINVAL, -ENOENT */
int __must_check route_del(
	struct net *net, const struct rt_entry *r); /* -ESRCH; unset fields match anything */
int route_each(struct net *net, int (*fn)(const struct rt_entry *r, void *arg),
	void *arg); /* config lock held */
int __must_check route_get(struct net *net, const struct ip_addr *dst, const struct ip_addr *src,
	uint32_t ifindex, uint32_t mark, struct rt_entry *out); /* as one packet would go */
/* Rules: which table is asked (ip rule). */
struct rt_rule {
	uint32_t priority, table, mark, mark_mask;
	struct ip_addr src, dst;
	uint8_t src_prefix, dst_prefix, tos,
		action /* 1 table, 6 blackhole, 7 unreachable, 8 prohibit */;
	char iif[NETDEV_NAME], oif[NETDEV_NAME];
	bool is_v6, invert;
};
int __must_check rule_add(struct net *net, const struct rt_rule *r);
int __must_check rule_del(struct net *net, const struct rt_rule *r);
int rule_each(struct net *net, int (*fn)(const struct rt_rule *r, void *arg), void *arg);

/* ---- neighbours ---- */
enum neigh_state {
	NUD_INCOMPLETE = 1,
	NUD_REACHABLE = 2,
	NUD_STALE = 4,
	NUD_DELAY = 8,
	NUD_PROBE = 16,
	NUD_FAILED = 32,
	NUD_NOARP = 64,
	NUD_PERMANENT = 128
};
struct neigh_entry {
	struct ip_addr addr;
	uint32_t ifindex;
	uint8_t lladdr[NETDEV_ADDR], lladdr_len;
	uint16_t state;
	uint8_t flags;                                    /* NTF_PROXY 8, NTF_ROUTER 0x80 */
	uint32_t confirmed_ms, used_ms, updated_ms, refs; /* ago */
};
int __must_check neigh_set(
	struct net *net, const struct neigh_entry *e, bool create, bool replace, bool excl);
int __must_check neigh_del(
	struct net *net, const struct ip_addr *a, uint32_t ifindex); /* -ENOENT */
int neigh_each(struct net *net, int (*fn)(const struct neigh_entry *e, void *arg), void *arg);

/* ---- watchers: netlink multicast. Called in sleeping context with the config lock held, or
 * (neighbours, SLAAC) from a section. ---- */
enum netctl_what { NETCTL_ADDR, NETCTL_ROUTE, NETCTL_NEIGH, NETCTL_RULE };
extern void (*netctl_changed)(struct net *net, enum netctl_what what, bool added,
	const void *entry); /* NULL until set; must not sleep */

/* ---- sockets, for sock_diag and /proc/net/tcp and friends ---- */
struct inet_sock_info {
	uint8_t family, type, proto, state; /* TCP_ESTABLISHED 1 ... TCP_CLOSING 11, tcp(7) */
	struct ip_addr local, remote;
	uint16_t lport, rport;
	uint32_t ifindex, rqueue, wqueue, uid, retransmits,
		timer /* 0 none 1 rto 2 keepalive 3 timewait 4 probe */, timer_ms, drops, refs;
	uint64_t ino, cookie;
	bool v6only;
	const void
		*tcp_info; /* struct tcp_info of tcp sockets or NULL; valid during the callback */
	unsigned tcp_info_len;
};
/* Packets of a family that wait for their missing fragments, and the memory they hold. */
struct ip_frag_usage {
	unsigned queues;
	uint64_t bytes;
};
struct ip_frag_usage ip_frag_usage(bool v6);
int inet_sock_each(struct net *net, uint8_t proto,
	int (*fn)(const struct inet_sock_info *i, void *arg), void *arg); /* fn does not sleep */
struct unix_sock_info {
	uint16_t type;
	uint8_t state; /* socket states of <linux/net.h>: 1 unconnected 2 connecting 3 connected; 10
			  listen for diag */
	bool listening;
	uint64_t ino, peer_ino;
	uint32_t refs, rqueue, wqueue;
	const char *name; /* "@" for the leading zero of an abstract one; NULL: none */
	unsigned name_len;
};
int unix_sock_each(
	struct net *net, int (*fn)(const struct unix_sock_info *i, void *arg), void *arg);

struct packet_sock_info {
	uint16_t type, protocol;
	uint32_t ifindex, rmem, uid;
	bool running;
	uint64_t ino;
};
int packet_sock_each(
	int (*fn)(const struct packet_sock_info *i, void *arg), void *arg); /* fn does not sleep */

/* ---- sysctls: /proc/sys/net. Names as Linux's, "ipv4/ip_forward". ---- */
struct net_sysctl {
	const char *name;
	enum { SYSCTL_BOOL, SYSCTL_U8, SYSCTL_U16, SYSCTL_U32, SYSCTL_U32_ARRAY } kind;
	size_t offset; /* in struct net_inet */
	unsigned count;
	uint32_t min, max;
};
extern const struct net_sysctl net_sysctls[];
extern const unsigned net_sysctl_count;
int __must_check net_sysctl_get(struct net *net, unsigned nth, uint32_t *values);
int __must_check net_sysctl_set(struct net *net, unsigned nth, const uint32_t *values,
	unsigned n); /* -EINVAL out of range */
