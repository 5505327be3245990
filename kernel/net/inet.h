/*
 * inet.h - what the Internet protocols share inside the net room: sockets with addresses and ports,
 * destinations, the way from transport to IP and back.
 *
 * Transports (tcp, udp, raw, ping) register a struct inet_proto; ipv4.c and ipv6.c call its input
 * with the pkt at the transport header and pkt->ip filled. To send, a transport fills a pkt with
 * its header and payload and calls inet_send() with a destination (struct dst) that it looked up
 * once and keeps: dst_check() says whether it still holds.
 */
#pragma once
#include <csum.h>
#include <ipaddr.h>
#include <net_mib.h>
#include <netdev.h>
#include <pkt.h>
#include <socket.h>

enum {
	IPPROTO_IP = 0,
	IPPROTO_ICMP = 1,
	IPPROTO_IGMP = 2,
	IPPROTO_TCP = 6,
	IPPROTO_UDP = 17,
	IPPROTO_IPV6 = 41,
	IPPROTO_ICMPV6 = 58,
	IPPROTO_UDPLITE = 136,
	IPPROTO_RAW = 255,
	IPPROTO_MAX = 256, /* of what fits a header */
	IPPROTO_LIMIT =
		263 /* socket(2) takes Linux's own numbers up to here, and has none of them */
};

/* ---- where a packet goes ---- */
struct nexthop; /* route.c: gateway and device of a route; reference-counted, freed by RCU */
struct neigh;   /* neigh.c: link address of a neighbour */

/* What a route lookup is asked. */
struct flow {
	struct ip_addr src, dst; /* src any: choose one */
	uint32_t ifindex;        /* 0, or must leave here (SO_BINDTODEVICE, scope id, IP_PKTINFO) */
	uint32_t mark;
	uint8_t tos, proto;
	__be16 sport, dport; /* for multipath hashing; may be 0 */
	bool dont_route;     /* on-link only (MSG_DONTROUTE) */
	bool any_src; /* src need not be an address of this host (IP_FREEBIND, transparent) */
};
enum dst_kind { DST_UNICAST, DST_LOCAL, DST_BROADCAST, DST_MULTICAST };
/* The answer, kept by value in a socket. Guarded by the socket's lock. */
struct dst {
	struct nexthop *nh;  /* referenced; NULL: empty */
	struct neigh *neigh; /* referenced, or NULL: looked up at each send */
	struct netdev *dev;  /* held through nh */
	struct ip_addr src;  /* to use as the source */
	struct ip_addr hop;  /* next hop on the link: gateway or the destination */
	uint32_t mtu;        /* of the path: device, route, or learnt (RFC 1191, 8201) */
	uint32_t gen;        /* of routes and addresses when looked up */
	uint8_t kind;        /* dst_kind */
	uint8_t hop_limit;   /* default of route or device */
	uint32_t advmss, window, rtt_ms; /* route metrics, 0: none */
};
/* In a section. 0, -ENETUNREACH, -EHOSTUNREACH (unreachable route), -EACCES (prohibit), -EINVAL
 * (blackhole, bad source), -ENODEV. *out is overwritten: release an old one first. */
int __must_check dst_lookup(struct net *net, const struct flow *f, struct dst *out);
bool dst_check(const struct net *net, const struct dst *d); /* still true? (one compare) */
void dst_release(struct dst *d);                            /* empties; fine on an empty one */
void dst_copy(struct dst *to, const struct dst *from);
/* The peer answered (TCP: new data acknowledged): its neighbour entry is reachable, RFC 4861 7.3.1.
 */
void dst_confirm(struct dst *d);
/* Path MTU learnt for @dst: checked and bounded (RFC 1191: >= 552 here unless locked, RFC 8201: >=
 * 1280); bumps the generation of its users. */
void pmtu_update(struct net *net, const struct ip_addr *dst, uint32_t mtu);
/* What @a is to this host. */
enum addr_type { ADDR_NONE /* not ours */, ADDR_LOCAL, ADDR_BROADCAST, ADDR_MULTICAST, ADDR_ANY };
enum addr_type inet_addr_type(
	struct net *net, const struct ip_addr *a, uint32_t ifindex); /* in a section */

/* ---- sockets with addresses ---- */
struct bind_bucket;
struct inet_sock_info; /* netctl.h */

/* A place in a bind table: who occupies a port, with which address. Key: [b] bucket's lock. */
struct bind_owner {
	struct hlist_node node;     /* [b] the bucket's owners, RCU */
	struct bind_bucket *bucket; /* [b] NULL: not bound */
	struct inet_sock *is;       /* [b] NULL: a connection in TIME_WAIT, which has no socket */
	struct ip_addr addr;        /* [b] the rest is what decides conflicts */
	uint32_t ifindex;
	uid_t uid;
	bool v6only, reuse,
		reuseport; /* of a TIME_WAIT one; a socket is asked for its present ones */
	bool by_connect;   /* chosen by inet_bind_connect() */
	bool listening;    /* inet_bind_may_listen() said yes */
};

/* Key as struct socket. */
struct inet_sock {
	struct socket s;              /* first */
	struct ip_addr local, remote; /* [l] bound (any: wildcard) and connected address; of a v6
					 socket: :: or mapped or v6 */
	__be16 lport, rport;          /* [l] 0: not bound / not connected */
	uint8_t proto;                /* [c] IPPROTO_* */
	uint8_t ttl, mcast_ttl, tos;  /* 0 ttl: default; IP_TTL, IPV6_UNICAST_HOPS ... */
	uint8_t min_ttl;              /* IP_MINTTL, IPV6_MINHOPCOUNT; 0: any */
	bool v6only, is_bound_addr, is_bound_port, freebind, hdrincl, mcast_loop, recverr, recverr6,
		transparent;
	uint8_t pmtu_mode; /* IP_PMTUDISC_* */
	/* Options that a v6 socket has twice: these are for what it sends as IPv6. */
	uint8_t hops6, mcast_hops6, tclass6, pmtu_mode6;
	bool hops6_is_set; /* else the default */
	bool mcast_loop6, mcast_all, mcast_all6, dontfrag6, flowinfo_send, auto_flowlabel, nodefrag,
		bind_no_port /* IP_BIND_ADDRESS_NO_PORT */;
	uint32_t unicast_ifindex, sticky_ifindex6, frag_size6 /* IPV6_MTU */;
	struct ip_addr sticky_src6; /* IPV6_PKTINFO */
	uint32_t cmsg_flags;        /* INET_RECV_* */
	uint32_t mcast_ifindex, mcast_ifindex6;
	struct ip_addr mcast_src;
	uint32_t flow_label, scope_id;
	struct dst dst;               /* [l] */
	struct bind_owner owner;      /* [bind table] */
	struct hlist_node hash_node;  /* protocol's lookup table */
	struct dgram_head *hash_head; /* [snd_mutex] of a datagram socket that is found, or NULL */
	struct list_head groups;      /* [config lock] struct ip_member: multicast memberships */
	uint8_t *ip_options;          /* [l] IPv4 options to send, ip_options_len */
	uint8_t ip_options_len;
};
enum inet_recv { /* ancillary data asked for */
	INET_RECV_PKTINFO = 1,
	INET_RECV_TTL = 2,
	INET_RECV_TOS = 4,
	INET_RECV_OPTS = 8,
	INET_RECV_ORIGDST = 16,
	INET_RECV_PKTINFO6 = 32,
	INET_RECV_HOPLIMIT6 = 64,
	INET_RECV_TCLASS6 = 128,
	INET_RECV_FRAGSIZE = 256,
	INET_RECV_ORIGDST6 = 512,
	INET_RECV_FRAGSIZE6 = 1024,
	INET_RECV_PKTINFO6_OLD = 2048, /* RFC 2292's names for the same */
	INET_RECV_HOPLIMIT6_OLD = 4096
};
static inline struct inet_sock *inet_sk(struct socket *s)
{
	return container_of(s, struct inet_sock, s);
}

/* What an ICMP message said. */
struct inet_error {
	int err;       /* positive errno */
	bool is_hard;  /* RFC 1122: hard errors end connections that are not established */
	uint32_t info; /* MTU for EMSGSIZE */
	uint8_t origin, type, code; /* as sock_extended_err wants */
	struct ip_addr from;        /* who sent the message */
};

/* A transport: how to make its sockets and take its packets. */
struct inet_proto {
	const char *name; /* "TCP" */
	uint8_t proto;
	uint16_t type; /* SOCK_*; the protocol that socket(.., type, 0) means when is_default */
	bool is_default;
	bool needs_raw; /* CAP_NET_RAW */
	size_t size;    /* of its struct, which begins with struct inet_sock; 0: makes no sockets */
	const struct socket_ops *ops;
	int (*init)(struct inet_sock
			*is); /* after the common part; 0 or -errno (undone by the caller) */
	/* In a section. @p at the transport header (p->l4 set, p->ip filled, header not yet
	 * linear); consumes. */
	void (*input)(struct net *net, struct pkt *p);
	/* ICMP error about a packet of ours: @p at OUR transport header (at least 8 bytes, as in
	 * the message), p->ip as we sent it. @err positive errno; @info: new MTU for EMSGSIZE. Does
	 * not consume. */
	void (*error)(struct net *net, struct pkt *p, const struct inet_error *e);
	/* Optional: every socket of it, for inet_sock_each() (netctl.h). */
	int (*each)(
		struct net *net, int (*fn)(const struct inet_sock_info *i, void *arg), void *arg);
};
int __must_check inet_proto_register(
	const struct inet_proto *p); /* boot; unique by (type, proto) and input by proto */

/* Common socket_ops parts, af_inet.c. */
int inet_getname(struct socket *s, bool peer, struct sockaddr_storage *a);
int inet_setsockopt(struct socket *s, int level, int name, const void *val,
	unsigned len); /* IPPROTO_IP, IPPROTO_IPV6; -ENOPROTOOPT */
int inet_getsockopt(struct socket *s, int level, int name, void *val, unsigned *len);
long inet_ioctl(struct socket *s, unsigned cmd, void *arg);
/* accept(2): a child has its listener's options. */
void inet_inherit(struct inet_sock *child, const struct inet_sock *listener);
void inet_release(struct inet_sock *is); /* gives up route and IP options; for destroy */
/* sockaddr <-> address and port by the socket's family. -EINVAL (length), -EAFNOSUPPORT, ... scope
 * id -> *ifindex. */
int __must_check inet_addr_in(struct inet_sock *is, const struct sockaddr_storage *a, unsigned len,
	struct ip_addr *ip, __be16 *port, uint32_t *ifindex);
unsigned inet_addr_out(struct inet_sock *is, const struct ip_addr *ip, __be16 port,
	uint32_t ifindex, struct sockaddr_storage *a); /* length */
/* connect(2) and sends to "any" mean this host: 0.0.0.0 becomes 127.0.0.1, :: becomes ::1. */
void inet_any_to_loopback(struct ip_addr *a);
void inet_flow(const struct inet_sock *is, struct flow *f); /* of a connected (or bound) socket */
/* Is @a of the kind that bind(2) of this socket takes? 0, -EINVAL, -EAFNOSUPPORT. */
int __must_check inet_bind_name(
	const struct inet_sock *is, const struct sockaddr_storage *a, unsigned len);
/* May @is be bound to @a (a family's, device's, this host's address)? *ifindex: of the sockaddr in,
 * to bind to out. 0, -EINVAL, -EADDRNOTAVAIL. */
int __must_check inet_bind_check(struct inet_sock *is, const struct ip_addr *a, uint32_t *ifindex);
/* Route for is->local -> is->remote, kept in is->dst: looks again only when the old one no longer
 * holds. Socket lock held. */
int __must_check inet_route(struct inet_sock *is);

/* ---- ports: bind tables, bind.c. One table for each transport. ---- */
struct bind_table;
struct bind_table *bind_table_create(
	const char *name) __must_check; /* boot; panics without memory */
/*
 * Bind @is to (@addr, @port); port 0 chooses one from ip_local_port_range, spread at random (RFC
 * 6056). Rules of SO_REUSEADDR, SO_REUSEPORT (same user), device and v6only as socket(7), ip(7),
 * ipv6(7). Ports below ip_unprivileged_port_start want CAP_NET_BIND_SERVICE. @listen_conflict:
 * TCP's extra rule with SO_REUSEADDR (a listener excludes). Socket lock NOT held; sets local, lport
 * under it. One task at a time binds or connects a socket: the caller holds snd_mutex or the like.
 * 0, -EADDRINUSE, -EADDRNOTAVAIL, -EACCES.
 */
int __must_check inet_bind(struct bind_table *t, struct inet_sock *is, const struct ip_addr *addr,
	__be16 port, uint32_t ifindex);
/* A port for connect(2): @is_free(arg, port) tells whether the four-tuple is unused in the
 * transport's own table (TCP); the same port may then serve several peers. */
int __must_check inet_bind_connect(struct bind_table *t, struct inet_sock *is,
	bool (*is_free)(void *arg, __be16 port), void *arg);
/* connect(2) gave the socket a local address, or took it: conflicts are judged by it. */
void inet_bind_rename(struct bind_table *t, struct inet_sock *is);
/* The following may be called with the socket's lock held (but not with a hash table's). */
void inet_bind_inherit(struct bind_table *t, struct inet_sock *child,
	struct inet_sock *listener); /* accept: same port */
void inet_unbind(struct bind_table *t, struct inet_sock *is);
/* listen(2): 0 or -EADDRINUSE; from then on the socket excludes others as a listener does. */
int __must_check inet_bind_may_listen(struct bind_table *t, struct inet_sock *is);
void inet_bind_stop_listen(struct bind_table *t, struct inet_sock *is);
/* TIME_WAIT: @tw (zeroed memory of the caller's) takes the place of @is, which is unbound then; and
 * leaves. After inet_unbind_tw() the memory of @tw is kept for a grace period. */
void inet_bind_timewait(struct bind_table *t, struct inet_sock *is, struct bind_owner *tw);
void inet_unbind_tw(struct bind_table *t, struct bind_owner *tw);
uint16_t inet_port_min(struct net *net), inet_port_max(struct net *net);

/* ---- sending ---- */
struct inet_send_args {
	struct ip_addr src, dst;
	uint8_t proto, ttl, tos;
	bool dont_fragment;
	const uint8_t *options; /* IPv4 */
	uint8_t options_len;
	uint32_t flow_label;
	uint8_t pmtu_mode;    /* IP_PMTUDISC_*, for inet_send(): DO and PROBE never fragment */
	bool ttl_is_set;      /* 0 is meant (IP_MULTICAST_TTL, IP_TTL by cmsg) */
	bool mcast_loop;      /* multicast: this host's members get it too */
	struct inet_sock *sk; /* for local error reports; may be NULL */
};
enum ip_pmtudisc {
	IP_PMTUDISC_DONT,
	IP_PMTUDISC_WANT,
	IP_PMTUDISC_DO,
	IP_PMTUDISC_PROBE,
	IP_PMTUDISC_INTERFACE,
	IP_PMTUDISC_OMIT
};
/*
 * Put the IP header in front of @p (at the transport header; p->l4 is set by the caller) and send
 * it along @d: fragments when larger than d->mtu and allowed (GSO packets are judged by their
 * segments). Consumes @p. In a section. 0, -EMSGSIZE, -ENOBUFS, -ENETDOWN, -ENOMEM. Identification:
 * RFC 6864.
 */
int inet_send(struct net *net, const struct dst *d, const struct inet_send_args *a, struct pkt *p);
/* The common case of a connected socket: addresses, ttl, tos from @is and is->dst. Socket lock
 * held. */
int inet_send_sk(struct inet_sock *is, struct pkt *p);
/* Answer without a socket (RST, SYN-ACK of a cookie): looks up the route itself. Consumes. */
int inet_send_reply(
	struct net *net, const struct inet_send_args *a, uint32_t ifindex, struct pkt *p);

/* ICMP about @p (at its IP header, p->l3): rate-limited, never about errors, fragments, multicast
 * (RFC 1122, 3.2.2; RFC 4443, 2.4). Does not consume. */
enum icmp_reason {
	ICMP_PORT_UNREACHABLE,
	ICMP_PROTO_UNREACHABLE,
	ICMP_HOST_UNREACHABLE,
	ICMP_NET_UNREACHABLE,
	ICMP_FRAG_NEEDED /* info: mtu */,
	ICMP_TTL_EXCEEDED,
	ICMP_REASM_EXCEEDED,
	ICMP_PARAM_PROBLEM /* info: pointer */,
	ICMP_ADMIN_PROHIBITED
};
void icmp_send(struct net *net, struct pkt *p, enum icmp_reason why, uint32_t info);

/* Cmsgs of a received datagram by is->cmsg_flags; and of a send: decoded. */
void inet_put_cmsgs(struct inet_sock *is, struct socket_msg *m, struct pkt *p);
struct inet_cmsg {
	struct ip_addr src;
	uint32_t ifindex;
	int ttl, tos; /* -1: not given */
	uint16_t gso_size;
	bool has_src, dont_fragment;
};
int __must_check inet_get_cmsgs(
	struct inet_sock *is, const struct socket_msg *m, struct inet_cmsg *c);
ssize_t inet_recv_error(struct inet_sock *is, struct socket_msg *m, size_t n); /* MSG_ERRQUEUE */

/* Namespace part: sysctls and the tables of this room. */
struct fib;
struct net_inet {
	struct fib *fib;
	uint32_t gen; /* [a] of routes, addresses, path MTUs: see dst_check() */
	bool forward4, forward6;
	uint8_t default_ttl, default_hop_limit;
	uint16_t port_min, port_max, unprivileged_port;
	uint32_t tcp_rmem[3], tcp_wmem[3];
	bool tcp_sack, tcp_timestamps, tcp_window_scaling, tcp_syncookies, tcp_ecn, tcp_rfc1337;
	uint8_t tcp_tw_reuse; /* by ports that connect(2) chooses: 0 no, 1 yes, 2 over loopback */
	uint32_t tcp_fin_timeout_s, tcp_keepalive_time_s, tcp_keepalive_intvl_s,
		tcp_keepalive_probes, tcp_syn_retries, tcp_synack_retries, tcp_retries2,
		tcp_max_syn_backlog, tcp_max_tw_buckets, somaxconn;
	uint32_t udp_rmem_min, udp_wmem_min;
	uint32_t icmp_ratelimit_ms;
	bool icmp_echo_ignore_broadcasts, icmp_echo_ignore_all, icmp6_echo_ignore_all;
	uint32_t ping_group_min, ping_group_max;
	bool bindv6only, nonlocal_bind;
	bool disable_ipv6, accept_ra, autoconf; /* of every interface: inetdev_reconfigure() */
	uint8_t rp_filter;                      /* RFC 3704: 0 no, 1 strict, 2 loose */
	uint32_t frag_high_bytes, frag_low_bytes, frag_time_s;
};

/* Boot order inside net_init(). */
void inet_init(void); /* af_inet.c, routes, neighbours, ipv4, ipv6, icmp, udp, raw */
void tcp_init(void);
void unix_init(void);
void packet_init(void);
