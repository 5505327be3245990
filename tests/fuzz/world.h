/*
 * world.h - the network stack as a fuzz target sees it: up, with a device whose ring is the
 * target's, addresses, sockets of every kind; and reading from the input.
 *
 * The stack is the kernel's own, whole, over tests/unit/host. Each input gets a new device and new
 * sockets; after it everything is closed, time passes, and world_end() checks that nothing is left:
 * memory, charges, timers, locks. An expectation that does not hold ends the process.
 */
#pragma once
#include <netdev.h>
#include <socket.h>
#include <unit.h>
#include "kernel/net/tcp.h"

/* ---- the input; past its end everything is zero ---- */
struct input {
	const uint8_t *at, *end;
};
static inline bool in_more(const struct input *in)
{
	return in->at < in->end;
}
uint8_t in_u8(struct input *in);
uint16_t in_u16(struct input *in);
uint32_t in_u32(struct input *in);
/* At most @max bytes; how many there are is in *n. Valid as long as the input is. */
const uint8_t *in_bytes(struct input *in, unsigned max, unsigned *n);

/* ---- the world ---- */
enum world_flags {             /* world_begin(), mostly chosen by the input's first byte */
	WORLD_FILTER = 1,      /* the packet filter has rules */
	WORLD_FORWARD = 2,     /* packets for others are passed on */
	WORLD_OFFLOAD = 4,     /* the device checks sums, cuts segments, merges, takes tags */
	WORLD_RX_TRUSTS = 8,   /* received sums are not checked (the device did) */
	WORLD_V6_TCP = 16,     /* the connection is an IPv6 one */
	WORLD_RING_FULL = 32,  /* the device's ring takes two frames at a time */
	WORLD_COOKIES = 64,    /* the listener's queue of SYNs is always full */
	WORLD_TENTATIVE = 128, /* the link-local address is still being looked for */
};
enum { WORLD_LISTEN_PORT = 80, WORLD_PEER_PORT = 4000, WORLD_UDP_PORT = 53 };
struct world {
	unsigned flags;
	struct netdev *dev; /* NULL: the target made it go */
	struct ip_addr me4, me6, ll6, peer4, peer6;
	struct socket *listener, *conn; /* conn: accepted, the peer is the target */
	struct socket *udp, *udp6, *raw, *raw6, *ping, *packet;
};
extern struct world world;

void world_begin(unsigned flags);
void world_sockets(void); /* all of struct world's */
void world_end(void);
/* Time passes, in steps; timers, work and grace periods are run. */
void world_wait(uint64_t ns);
/* A frame arrives. */
void world_rx(const void *frame, unsigned n);
/* What was sent since: dropped. */
void world_drop_sent(void);
struct pkt *world_next_sent(void); /* the caller's; NULL: no more */
void world_close(struct socket **s);
/* Read what waits in @s, errors first; a few datagrams, or bytes. */
void world_drain(struct socket *s);
int world_bind(struct socket *s, const struct ip_addr *a, unsigned port);
int world_connect(struct socket *s, const struct ip_addr *a, unsigned port);
ssize_t world_send(struct socket *s, unsigned n, unsigned flags);
ssize_t world_recv(struct socket *s, unsigned n, unsigned flags);

/* What programs can name with a pointer; the rest faults. */
enum { WORLD_USER = 1024 };
extern uint8_t world_user[WORLD_USER];

/* ---- the other end: peer.c ---- */
/* Lengths and sums of the frame are made right, as far as its headers say where they are; a TCP
 * segment of the connection gets numbers relative to it when @is_relative. */
void peer_mend(uint8_t *frame, unsigned n, bool is_relative);
struct peer_seg {
	uint32_t seq, ack;
	uint16_t window, urgent;
	uint8_t flags;
	const uint8_t *opts;
	unsigned nr_opts; /* bytes, padded by the callee */
	unsigned len;     /* of payload, which is made up */
	uint16_t sport, dport;
	uint8_t tos;
};
void peer_tcp(const struct peer_seg *seg, bool v6);
/* A connection from the peer to the listener: accepted, or NULL. */
struct socket *peer_connects(bool v6, uint16_t port);
