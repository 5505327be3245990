/*
 * wire.h - header formats of the Internet's protocols, for the code that cuts up and merges
 * packets of the layers above.
 */
#pragma once
#include <ipaddr.h>

struct ip4_hdr { /* RFC 791 */
	uint8_t ver_ihl, tos;
	__be16 len, id, frag;
	uint8_t ttl, proto;
	__be16 csum;
	__be32 src, dst;
} __packed;
static_assert(sizeof(struct ip4_hdr) == 20, "RFC 791, 3.1");

struct ip6_hdr {     /* RFC 8200 */
	__be32 flow; /* version, traffic class, flow label */
	__be16 plen;
	uint8_t next, hops;
	uint8_t src[16], dst[16];
} __packed;
static_assert(sizeof(struct ip6_hdr) == 40, "RFC 8200, 3");

struct tcp_hdr { /* RFC 9293 */
	__be16 sport, dport;
	__be32 seq, ack;
	uint8_t off; /* header length in words << 4 */
	uint8_t flags;
	__be16 window, check, urgent;
} __packed;
static_assert(sizeof(struct tcp_hdr) == 20, "RFC 9293, 3.1");
enum tcp_flag {
	TH_FIN = 1,
	TH_SYN = 2,
	TH_RST = 4,
	TH_PSH = 8,
	TH_ACK = 16,
	TH_URG = 32,
	TH_ECE = 64,
	TH_CWR = 128
};

struct udp_hdr { /* RFC 768 */
	__be16 sport, dport, len, check;
} __packed;
static_assert(sizeof(struct udp_hdr) == 8, "RFC 768");
