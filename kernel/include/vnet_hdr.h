/*
 * vnet_hdr.h - the header in front of frames that virtio devices (Virtual I/O Device 1.2, 5.1.6)
 * and tun(4)'s IFF_VNET_HDR share: what is left to be done of checksum and segmentation.
 */
#pragma once
#include <pkt.h>

struct vnet_hdr {
	uint8_t flags, gso_type;
	__le16 hdr_len, gso_size, csum_start, csum_offset;
};
static_assert(sizeof(struct vnet_hdr) == 10, "5.1.6");
enum vnet_flags { VNET_NEEDS_CSUM = 1, VNET_DATA_VALID = 2 };
enum vnet_gso {
	VNET_GSO_NONE = 0,
	VNET_GSO_TCP4 = 1,
	VNET_GSO_UDP = 3, /* one datagram, to be cut into IP fragments */
	VNET_GSO_TCP6 = 4,
	VNET_GSO_UDP_L4 = 5,
	VNET_GSO_ECN = 0x80
};

/* What @h says of @p, which begins at its link header (@link bytes of it): csum and gso fields.
 * False: it contradicts itself or the packet (which has come from outside). */
bool __must_check vnet_hdr_in(struct pkt *p, const struct vnet_hdr *h, unsigned link);
/* The header for @p, which begins at its link header. */
void vnet_hdr_out(const struct pkt *p, struct vnet_hdr *h);
