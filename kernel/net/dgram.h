/*
 * dgram.h - what udp, raw and ping sockets have in common: connecting, where one datagram goes.
 */
#pragma once
#include "ip.h"

/* A chain of sockets; readers walk it by RCU. */
struct dgram_head {
	struct spinlock lock; /* level 47 */
	struct hlist_head list;
};

struct dgram_dest {
	struct ip_addr dst;
	__be16 port;
	bool connected; /* no destination given, nothing special asked: the socket's own route */
	bool confirm;   /* MSG_CONFIRM: the peer answered lately */
	uint32_t ifindex;
	struct inet_cmsg c;
};
/*
 * Decode name and control data of a send. 0, -EDESTADDRREQ, -EINVAL, -EAFNOSUPPORT, -EACCES
 * (policy) ... @wants_port: port 0 is refused.
 */
int __must_check dgram_dest(
	struct inet_sock *is, const struct socket_msg *m, bool wants_port, struct dgram_dest *d);
/* Its route. Not for ->connected ones. In a section. 0 or -errno; -EACCES: broadcast not allowed.
 */
int __must_check dgram_route(struct inet_sock *is, const struct dgram_dest *d, struct dst *out);
/* What inet_send() is told. */
void dgram_args(struct inet_sock *is, const struct dgram_dest *d, const struct dst *dst,
	struct inet_send_args *a);
/*
 * connect(2) but for ports and hash tables: remote, route, local address if none. Called without
 * locks. AF_UNSPEC is the caller's. 0 or -errno.
 */
int __must_check dgram_connect(
	struct inet_sock *is, const struct ip_addr *to, __be16 port, uint32_t ifindex);
void dgram_disconnect(struct inet_sock *is); /* remote, route; an address not bound explicitly */
/* recvmsg(2): next datagram, @skip(p) bytes of it are not for the program (0 if NULL). */
ssize_t dgram_recv(struct inet_sock *is, struct socket_msg *m, size_t n,
	unsigned (*skip)(struct inet_sock *is, const struct pkt *p), bool has_port);
/* An ICMP error for @is (RCU): error queue, pending error. @p at the quoted transport header. */
void dgram_error(struct inet_sock *is, struct pkt *p, const struct inet_error *e, unsigned header);
int dgram_shutdown(struct socket *s, int how);
/* For sock_diag and /proc. RCU. */
void dgram_info(const struct inet_sock *is, struct inet_sock_info *i);
/* FIONREAD, SIOCOUTQ. */
long dgram_ioctl(struct socket *s, unsigned cmd, void *arg);
void dgram_heads_init(struct dgram_head *heads, unsigned n);
/* Into and out of a chain; out of none is harmless. snd_mutex held, but while the socket is made or
 * released. */
void dgram_hash(struct inet_sock *is, struct dgram_head *head);
void dgram_unhash(struct inet_sock *is);
/* struct inet_proto's ->each over @n chains. */
int dgram_each(struct dgram_head *heads, unsigned n, struct net *net,
	int (*fn)(const struct inet_sock_info *i, void *arg), void *arg);
void dgram_destroy(struct socket *s);
