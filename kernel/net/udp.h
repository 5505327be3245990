/*
 * udp.h - UDP sockets, between udp.c and udp_send.c.
 */
#pragma once
#include "dgram.h"
#include "ip.h"

/* Key as struct socket; [s] snd_mutex. */
struct udp_sock {
	struct inet_sock is;
	bool gro; /* UDP_GRO */
	bool no_check6_tx, no_check6_rx;
	bool corked;                 /* UDP_CORK */
	uint16_t gso_size;           /* UDP_SEGMENT */
	struct pkt *cork;            /* [s] datagram being collected */
	struct dgram_dest cork_dest; /* [s] */
	uint16_t cork_gso;           /* [s] */
};
static inline struct udp_sock *udp_sk(struct inet_sock *is)
{
	return container_of(is, struct udp_sock, is);
}
int __must_check udp_autobind(struct udp_sock *us); /* a port if it has none; takes snd_mutex */
ssize_t udp_sendmsg(struct socket *s, struct socket_msg *m, size_t n, unsigned file_flags);
int udp_setsockopt(struct socket *s, int level, int name, const void *val, unsigned len);
int udp_getsockopt(struct socket *s, int level, int name, void *val, unsigned *len);
