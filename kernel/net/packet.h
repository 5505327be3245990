/*
 * packet.h - inside the packet sockets: packet.c (the socket) and packet_ring.c (received packets
 * put where the program maps them).
 */
#pragma once
#include <netdev.h>
#include <socket.h>

enum { TPACKET_V1, TPACKET_V2, TPACKET_V3 };
struct packet_ring;
struct packet_ring_req { /* PACKET_RX_RING; the last three of version 3 */
	uint32_t block_size, block_nr, frame_size, frame_nr;
	uint32_t retire_ms, private_size, features;
};
/* A packet as a socket gets it. */
struct packet_note {
	struct sockaddr_ll from;
	uint32_t len, snaplen; /* on the wire; wanted by the filter */
	uint16_t net;          /* network header's offset in the data given */
	uint16_t vlan_tci;
	bool has_vlan, csum_not_ready, csum_valid;
};

/* Key as struct socket, and [m] configuration lock */
struct packet_sock {
	struct socket s;
	struct netdev_tap tap;
	struct list_head node;     /* packet_socks */
	bool is_attached;          /* [l] the tap is in */
	__be16 proto;              /* [l] */
	uint32_t ifindex;          /* [l] bound to; 0: all */
	struct list_head members;  /* [m] struct packet_member */
	struct packet_ring *ring;  /* [l] NULL: packets are queued */
	uint32_t version, reserve; /* [l] of the ring */
	uint32_t packets, drops;   /* [l] PACKET_STATISTICS, since last asked */
	uint32_t freezes;
	bool auxdata, origdev, ignore_outgoing;
};
static inline struct packet_sock *packet_sk(struct socket *s)
{
	return container_of(s, struct packet_sock, s);
}

/*
 * packet_ring_set() - make the receive ring asked for, or drop it (@req->block_nr 0). May sleep; no
 * lock held. 0, -EINVAL, -EBUSY (mapped, or packets wait), -ENOMEM.
 */
int __must_check packet_ring_set(struct packet_sock *ps, const struct packet_ring_req *req);
void packet_ring_free(struct packet_sock *ps); /* the socket is going */
int packet_ring_mmap(struct packet_sock *ps, struct vm_map_args *a);
/* Put @p's first note->snaplen bytes into the ring; socket lock held, in a section. False: no room.
 */
bool packet_ring_put(struct packet_sock *ps, const struct pkt *p, const struct packet_note *note);
bool packet_ring_readable(const struct packet_sock *ps);
int packet_ring_header_bytes(uint32_t version); /* PACKET_HDRLEN; -EINVAL */
