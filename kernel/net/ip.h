/*
 * ip.h - header formats of the Internet layer, and what its files ask of each other.
 */
#pragma once
#include "inet.h"
#include "wire.h"
#include <netctl.h>

enum {
	IP4_HLEN = 20,
	IP4_DF = 0x4000,
	IP4_MF = 0x2000,
	IP4_OFFSET = 0x1fff,
	IP4_MAX_OPTIONS = 40,
	IP4_MIN_MTU = 68,
	IP_MAX_LEN = 65535
};
static inline unsigned ip4_hlen(const struct ip4_hdr *h)
{
	return (h->ver_ihl & 15u) * 4;
}

enum {
	IP6_HLEN = 40,
	IP6_MIN_MTU = 1280,
	IP6_HOPOPTS = 0,
	IP6_ROUTING = 43,
	IP6_FRAGMENT = 44,
	IP6_AUTH = 51,
	IP6_NONE = 59,
	IP6_DSTOPTS = 60
};
static inline struct ip_addr ip6_addr(const uint8_t *b)
{
	struct ip_addr a;

	memcpy(a.b, b, 16);
	return a;
}

/* Clear the bits behind the first @bits. */
static inline void ip_mask(struct ip_addr *a, unsigned bits)
{
	unsigned i;

	for (i = 0; i < 16; i++)
		a->b[i] &= (uint8_t)(0xff00u >> (bits > i * 8 ? MIN(bits - i * 8, 8u) : 0));
}
/* The group to which neighbours send their questions about @a: RFC 4291, 2.7.1. */
static inline struct ip_addr ip6_solicited_node(const struct ip_addr *a)
{
	struct ip_addr g = {.b = {0xff, 2, [11] = 1, 0xff}};

	memcpy(g.b + 13, a->b + 13, 3);
	return g;
}

struct icmp_hdr { /* RFC 792, RFC 4443: the same frame */
	uint8_t type, code;
	__be16 csum;
	__be32 rest; /* identifier and sequence, MTU, gateway, pointer */
} __packed;
static_assert(sizeof(struct icmp_hdr) == 8, "RFC 792");
enum {
	ICMP4_ECHO_REPLY = 0,
	ICMP4_UNREACHABLE = 3,
	ICMP4_SOURCE_QUENCH = 4,
	ICMP4_REDIRECT = 5,
	ICMP4_ECHO = 8,
	ICMP4_TIME_EXCEEDED = 11,
	ICMP4_PARAM_PROBLEM = 12,
	ICMP4_TIMESTAMP = 13,
	ICMP4_TIMESTAMP_REPLY = 14
};
enum {
	ICMP6_UNREACHABLE = 1,
	ICMP6_TOO_BIG = 2,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_PARAM_PROBLEM = 4,
	ICMP6_ECHO = 128,
	ICMP6_ECHO_REPLY = 129,
	ICMP6_MLD_QUERY = 130,
	ICMP6_MLD_REPORT = 131,
	ICMP6_MLD_DONE = 132,
	ICMP6_RS = 133,
	ICMP6_RA = 134,
	ICMP6_NS = 135,
	ICMP6_NA = 136,
	ICMP6_REDIRECT = 137,
	ICMP6_MLD2_REPORT = 143
};

/* The network header of a pkt that is past it: p->l3 stays valid. */
static inline struct ip4_hdr *ip4_header(struct pkt *p)
{
	return (struct ip4_hdr *)(p->lin + p->l3);
}
static inline struct ip6_hdr *ip6_header(struct pkt *p)
{
	return (struct ip6_hdr *)(p->lin + p->l3);
}

/* The transport header of a GSO packet, p->l4 set: each segment repeats it. */
unsigned gso_header(const struct pkt *p);

/* ---- af_inet.c ---- */
const struct inet_proto *inet_proto_input(uint8_t proto); /* by IP protocol, or NULL */
int __must_check inet_policy(
	struct inet_sock *is, unsigned op, const struct ip_addr *a, __be16 port);
extern struct net_inet net_inet_initial;

/* inet_bind() without the question for privileged ports (identifiers of ping). */
int __must_check inet_bind_any(struct bind_table *t, struct inet_sock *is,
	const struct ip_addr *addr, __be16 port, uint32_t ifindex);

/* ---- cmsg.c: the error queue, ip(7) IP_RECVERR ---- */
/* @p at the quoted transport header, of which @header bytes are not the program's. Not consumed. */
void inet_queue_error(
	struct inet_sock *is, struct pkt *p, const struct inet_error *e, unsigned header);
/* A send of our own failed with EMSGSIZE: told there too, with the MTU. */
void inet_local_error(struct inet_sock *is, const struct ip_addr *dst, __be16 port, uint32_t mtu);
/* inode number and cookie for sock_diag. */
void inet_sock_identity(const struct socket *s, struct inet_sock_info *i);

/* ---- ipv4.c, ipv6.c: output ---- */
/* A finished packet at its IP header, p->l3 set, onto the link of @d: neighbour, multicast and
 * broadcast copies for this host. @loop: multicast copies wanted. Consumes. */
int ip_output(struct net *net, const struct dst *d, struct pkt *p, bool loop);
int ip4_send(struct net *net, const struct dst *d, const struct inet_send_args *a, struct pkt *p);
int ip6_send(struct net *net, const struct dst *d, const struct inet_send_args *a, struct pkt *p);
/* RFC 791, 3.1. False: malformed, *at the offset of what is wrong; or a source route. */
bool ip4_options_ok(const uint8_t *o, unsigned n, unsigned *at);
void ip4_init(void);
void ip6_init(void);
/* The packet filter says no: true; a rejected one is answered. @p at or past its network header. */
bool ip_filtered(struct net *net, unsigned hook, struct pkt *p, const struct netdev *d);
/* Past the IP header(s), p->ip filled: to raw sockets and the transport. Consumes. */
void ip_deliver(struct net *net, struct pkt *p);

/* Before a send along a kept route: its neighbour is looked up once. Its lock held. */
void inet_cache_neighbour(struct dst *d);

/* ---- ip_frag.c ---- */
/* Cut @p (at its IP header, @hlen bytes of headers that each fragment repeats) into fragments for
 * @mtu and send each. Consumes. */
int ip4_fragment(struct net *net, const struct dst *d, struct pkt *p, unsigned mtu, bool loop);
int ip6_fragment(struct net *net, const struct dst *d, struct pkt *p, unsigned mtu, bool loop);
/* A fragment came: @p at its IP header. NULL: kept or dropped; else the whole, at its IP header. */
struct pkt *ip4_reassemble(struct net *net, struct pkt *p);
/* @p at its fragment header, @named the offset from the IPv6 header of the byte that named it.
 * NULL, or the whole at what follows the fragment header, p->ip.proto set. */
struct pkt *ip6_reassemble(struct net *net, struct pkt *p, unsigned named);
void ip_frag_init(void);

/* ---- icmp.c, icmp6.c ---- */
void icmp_init(void);
void icmp6_init(void);
void icmp6_send(struct net *net, struct pkt *p, enum icmp_reason why, uint32_t info);
/* RFC 4443, 3.4: @pointer from the IPv6 header. Does not consume. */
void icmp6_param_problem(struct net *net, struct pkt *p, uint8_t code, unsigned pointer);
void icmp6_sum(struct pkt *p, const struct ip_addr *src, const struct ip_addr *dst);
/* Messages of other files that ICMPv6 carries: @p at the ICMP header, checked. Not consumed. */
void ndisc_input(struct pkt *p);
void mld_input(struct pkt *p);
/* The sender of @p would better use @hop, on the link it came by. */
void ndisc_send_redirect(struct pkt *p, const struct ip_addr *hop);
bool icmp_rate_allow(struct net *net, const struct ip_addr *to);
/* Tell the transport of @proto about an error; @p at the quoted transport header, p->ip as sent. */
void icmp_tell(struct net *net, struct pkt *p, const struct inet_error *e);
/* The sender of @p would better use @gateway, on the link it came by. */
void icmp_redirect(struct net *net, struct pkt *p, const struct ip_addr *gateway);
/* The route that an answer to @p takes, with an address of ours as its source. */
int __must_check icmp_route_back(struct net *net, struct pkt *p, uint8_t tos, struct dst *d);

/* ---- raw.c, ping.c, udp.c ---- */
void udp_init(void);
void raw_init(void);
void ping_init(void);
/* Copies for raw sockets; true: someone got one. */
bool raw_deliver(struct net *net, struct pkt *p);
void raw_error(struct net *net, struct pkt *p, const struct inet_error *e);
void ping_input(struct net *net, struct pkt *p); /* an echo reply, at its ICMP header; consumes */
void ping_error(struct net *net, struct pkt *p, const struct inet_error *e);
/* Is @group, sent by @src, wanted by this socket? (IP_MULTICAST_ALL, source filters) */
bool inet_sock_wants(const struct inet_sock *is, const struct ip_addr *group,
	const struct ip_addr *src, uint32_t ifindex);

void group_sock_release(struct inet_sock *is);

/* ---- igmp.c, mld.c ---- */
void igmp_init(void);
void mld_init(void);
