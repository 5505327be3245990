/*
 * packet_ring.c - receive rings of packet sockets: packets in memory that the program maps.
 * packet(7), PACKET_RX_RING.
 *
 * The ring is a shared-memory mapping whose pages are all there from the start and mapped into the
 * kernel in one run. Versions 1 and 2 are frames of equal size, each with a status word: 0 the
 * kernel's, non-zero the program's. In version 3 packets of any size fill blocks one after another;
 * a block is the program's when it is full, or when the retire timer finds it begun. The layouts
 * are the program's to read, so they are Linux's. The program may write anything anywhere at any
 * time: of what is in the ring only the status words are read, and only to be compared with 0.
 *
 * Locks: the socket's. The mapping lives as long as the ring; the ring is not replaced while
 * mapped.
 */
#include "packet.h"
#include <arch/mmu.h>
#include <error.h>
#include <pagecache.h>
#include <slab.h>
#include <string.h>
#include <time.h>
#include <vm.h>

enum {
	TP_STATUS_USER = 1,
	TP_STATUS_COPY = 2,
	TP_STATUS_LOSING = 4,
	TP_STATUS_CSUMNOTREADY = 8,
	TP_STATUS_VLAN_VALID = 16,
	TP_STATUS_BLK_TMO = 32,
	TP_STATUS_VLAN_TPID_VALID = 64,
	TP_STATUS_CSUM_VALID = 128
};
enum { RING_MAX_BYTES = 256 << 20, DEFAULT_RETIRE_MS = 8, LL_HEADER_MIN = 16 };
#define TPACKET_ALIGN(n) (((n) + 15u) & ~15u)

struct tpacket_hdr {
	uint64_t status;
	uint32_t len, snaplen;
	uint16_t mac, net;
	uint32_t sec, usec;
};
struct tpacket2_hdr {
	uint32_t status, len, snaplen;
	uint16_t mac, net;
	uint32_t sec, nsec;
	uint16_t vlan_tci, vlan_tpid;
	uint8_t padding[4];
};
struct tpacket3_hdr {
	uint32_t next_offset, sec, nsec, snaplen, len, status;
	uint16_t mac, net;
	uint32_t rxhash, vlan_tci;
	uint16_t vlan_tpid, padding;
	uint8_t more[8];
};
struct tpacket_block {
	uint32_t version, offset_to_private;
	uint32_t status, num_pkts, offset_to_first, len;
	uint64_t seq;
	uint32_t first_sec, first_nsec, last_sec, last_nsec;
};
static_assert(sizeof(struct tpacket_hdr) == 32 && sizeof(struct tpacket2_hdr) == 32 &&
		      sizeof(struct tpacket3_hdr) == 48 && sizeof(struct tpacket_block) == 48,
	"packet(7)");

/* Key: [l] socket lock  [c] constant */
struct packet_ring {
	struct mapping *mapping;    /* [c] shmem */
	uint8_t *base;              /* [c] its pages in the kernel */
	uint32_t pages;             /* [c] */
	struct packet_ring_req req; /* [c] */
	uint32_t head;              /* [l] frame, or block, that is written next */
	/* version 3; what is written into the block is also kept here, as the program may change it
	 */
	bool block_open;         /* [l] */
	uint32_t used, num_pkts; /* [l] of the open block */
	uint8_t *last;           /* [l] its last packet's header */
	uint64_t seq;            /* [l] */
	struct timespec first;   /* [l] */
	bool frozen;             /* [l] no free block: counted once */
	uint64_t retire_ns;      /* [c] */
	struct net_timer retire;
	struct packet_sock *ps; /* [c] */
};

/* The packet's header and its address behind it. */
static uint32_t headers_bytes(uint32_t version)
{
	return TPACKET_ALIGN((uint32_t)packet_ring_header_bytes(version)) +
	       (uint32_t)sizeof(struct sockaddr_ll);
}

/* ---- making ---- */

static bool size_is_sound(const struct packet_ring_req *r, uint32_t version, uint32_t reserve)
{
	uint32_t least = headers_bytes(version) + reserve;

	if (!r->block_size || !IS_ALIGNED(r->block_size, PAGE_SIZE) || !r->frame_size ||
		!IS_ALIGNED(r->frame_size, 16u) || r->frame_size < least ||
		r->frame_size > r->block_size)
		return false;
	if (r->block_nr > RING_MAX_BYTES / r->block_size)
		return false;
	if ((uint64_t)(r->block_size / r->frame_size) * r->block_nr != r->frame_nr)
		return false;
	return version != TPACKET_V3 ||
	       (uint64_t)ALIGN_UP(sizeof(struct tpacket_block), 8) + r->private_size + least <
		       r->block_size;
}

static int map_pages(struct packet_ring *r)
{
	pfn_t *pfns = kcalloc(r->pages, sizeof(*pfns));
	struct page *p;
	int err = pfns ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < r->pages; i++) {
		err = pagecache_get(r->mapping, i, &p);
		if (err)
			break;
		pfns[i] = page_to_pfn(p);
		page_put(p); /* it stays: the mapping cannot be evicted */
	}
	if (!err) {
		r->base = vmap_pages(pfns, r->pages);
		err = r->base ? 0 : -ENOMEM;
	}
	kfree(pfns);
	return err;
}

static void ring_destroy(struct packet_ring *r)
{
	if (!r)
		return;
	if (r->base)
		vunmap(r->base, r->pages);
	if (r->mapping)
		shmem_mapping_put(r->mapping);
	net_mem_uncharge((uint64_t)r->pages * PAGE_SIZE);
	kfree(r);
}

static void retire_timer(struct net_timer *t);

static int ring_create(
	struct packet_sock *ps, const struct packet_ring_req *req, struct packet_ring **out)
{
	uint64_t bytes = (uint64_t)req->block_size * req->block_nr;
	struct packet_ring *r;
	int err = -ENOMEM;

	if (!net_mem_charge(bytes))
		return -ENOMEM;
	r = kzalloc(sizeof(*r));
	if (!r) {
		net_mem_uncharge(bytes);
		return -ENOMEM;
	}
	r->pages = (uint32_t)(bytes / PAGE_SIZE);
	r->req = *req;
	r->ps = ps;
	r->retire_ns = (req->retire_ms ? req->retire_ms : DEFAULT_RETIRE_MS) * NSEC_PER_MSEC;
	net_timer_init(&r->retire, retire_timer);
	r->mapping = shmem_mapping_create((int64_t)bytes);
	if (r->mapping)
		err = map_pages(r);
	if (err) {
		ring_destroy(r);
		return err;
	}
	*out = r;
	return 0;
}

static bool is_mapped(const struct packet_ring *r)
{
	return !list_empty(&r->mapping->vmas);
}

/* The new ring, or none, in the place of the old, which is returned. */
static struct packet_ring *ring_swap(struct packet_sock *ps, struct packet_ring *r)
{
	struct packet_ring *old;

	net_enter();
	spin_lock(&ps->s.lock);
	old = ps->ring;
	ps->ring = r;
	spin_unlock(&ps->s.lock);
	/* An armed timer holds a reference to the socket; one that runs now sees the new ring. */
	if (old && net_timer_cancel(&old->retire))
		socket_put(&ps->s);
	net_exit();
	return old;
}

int packet_ring_set(struct packet_sock *ps, const struct packet_ring_req *req)
{
	struct packet_ring *r = NULL;
	int err = 0;

	mutex_lock(&ps->s.snd_mutex);
	if (ps->ring && is_mapped(ps->ring))
		err = -EBUSY;
	else if (req->block_nr && ps->ring)
		err = -EBUSY;
	else if (req->block_nr && !size_is_sound(req, ps->version, ps->reserve))
		err = -EINVAL;
	else if (!req->block_nr && req->frame_nr)
		err = -EINVAL;
	if (!err && req->block_nr)
		err = ring_create(ps, req, &r);
	if (!err) {
		struct packet_ring *old = ring_swap(ps, r);

		if (old)
			rcu_synchronize(); /* taps and a running timer are through */
		ring_destroy(old);
	}
	mutex_unlock(&ps->s.snd_mutex);
	return err;
}

void packet_ring_free(struct packet_sock *ps)
{
	struct packet_ring *old = ring_swap(ps, NULL);

	if (old)
		rcu_synchronize();
	ring_destroy(old);
}

int packet_ring_mmap(struct packet_sock *ps, struct vm_map_args *a)
{
	int err = 0;

	mutex_lock(&ps->s.snd_mutex);
	if (!ps->ring || a->pgoff || a->length != (uint64_t)ps->ring->pages * PAGE_SIZE ||
		!(a->flags & VM_SHARED))
		err = -EINVAL;
	else
		a->mapping = ps->ring->mapping; /* the VMA's file keeps socket and ring */
	mutex_unlock(&ps->s.snd_mutex);
	return err;
}

int packet_ring_header_bytes(uint32_t version)
{
	switch (version) {
	case TPACKET_V1:
		return sizeof(struct tpacket_hdr);
	case TPACKET_V2:
		return sizeof(struct tpacket2_hdr);
	case TPACKET_V3:
		return sizeof(struct tpacket3_hdr);
	}
	return -EINVAL;
}

/* ---- filling: socket lock held ---- */

/* Where the frame's data begin, from its header on: link header, network header. */
static void data_offsets(
	const struct packet_sock *ps, const struct packet_note *n, uint32_t *mac, uint32_t *net)
{
	uint32_t header = headers_bytes(ps->version);

	if (ps->s.type == SOCK_DGRAM) {
		*mac = *net = TPACKET_ALIGN(header) + LL_HEADER_MIN + ps->reserve;
		return;
	}
	*net = TPACKET_ALIGN(header + MAX((uint32_t)n->net, (uint32_t)LL_HEADER_MIN)) + ps->reserve;
	*mac = *net - n->net;
}

static uint32_t frame_status(const struct packet_note *n, bool losing)
{
	return TP_STATUS_USER | (losing ? TP_STATUS_LOSING : 0u) |
	       (n->csum_not_ready ? TP_STATUS_CSUMNOTREADY : 0u) |
	       (n->csum_valid ? TP_STATUS_CSUM_VALID : 0u) |
	       (n->has_vlan ? TP_STATUS_VLAN_VALID | TP_STATUS_VLAN_TPID_VALID : 0u);
}

static struct timespec stamp(const struct pkt *p)
{
	return ns_to_timespec(p->tstamp_ns ? (int64_t)p->tstamp_ns : realtime_ns());
}

static void put_v1(struct packet_sock *ps, uint8_t *frame, const struct packet_note *n,
	const uint32_t at[3], struct timespec ts)
{
	struct tpacket_hdr *h = (struct tpacket_hdr *)frame;

	h->len = n->len;
	h->snaplen = at[2];
	h->mac = (uint16_t)at[0];
	h->net = (uint16_t)at[1];
	h->sec = (uint32_t)ts.tv_sec;
	h->usec = (uint32_t)(ts.tv_nsec / 1000);
	memcpy(frame + TPACKET_ALIGN(sizeof(*h)), &n->from, sizeof(n->from));
	smp_store_release(&h->status, (uint64_t)frame_status(n, ps->drops));
}

static void put_v2(struct packet_sock *ps, uint8_t *frame, const struct packet_note *n,
	const uint32_t at[3], struct timespec ts)
{
	struct tpacket2_hdr *h = (struct tpacket2_hdr *)frame;

	h->len = n->len;
	h->snaplen = at[2];
	h->mac = (uint16_t)at[0];
	h->net = (uint16_t)at[1];
	h->sec = (uint32_t)ts.tv_sec;
	h->nsec = (uint32_t)ts.tv_nsec;
	h->vlan_tci = n->vlan_tci;
	h->vlan_tpid = n->has_vlan ? ETH_P_8021Q : 0;
	memcpy(frame + TPACKET_ALIGN(sizeof(*h)), &n->from, sizeof(n->from));
	smp_store_release(&h->status, frame_status(n, ps->drops));
}

static uint8_t *frame_at(const struct packet_ring *r, uint32_t i)
{
	uint32_t per_block = r->req.block_size / r->req.frame_size;

	return r->base + (size_t)(i / per_block) * r->req.block_size +
	       (size_t)(i % per_block) * r->req.frame_size;
}

/* Versions 1 and 2: one frame, cut to what fits. */
static bool put_frame(struct packet_sock *ps, const struct pkt *p, const struct packet_note *n)
{
	struct packet_ring *r = ps->ring;
	uint8_t *frame = frame_at(r, r->head);
	uint32_t at[3];
	bool taken = ps->version == TPACKET_V1
			     ? smp_load_acquire(&((struct tpacket_hdr *)frame)->status) != 0
			     : smp_load_acquire(&((struct tpacket2_hdr *)frame)->status) != 0;

	if (taken)
		return false;
	data_offsets(ps, n, &at[0], &at[1]);
	if (at[0] >= r->req.frame_size || at[1] > UINT16_MAX)
		return false;
	at[2] = MIN(n->snaplen, r->req.frame_size - at[0]);
	pkt_copy_bytes(p, 0, frame + at[0], at[2]);
	if (ps->version == TPACKET_V1)
		put_v1(ps, frame, n, at, stamp(p));
	else
		put_v2(ps, frame, n, at, stamp(p));
	r->head = r->head + 1 < r->req.frame_nr ? r->head + 1 : 0;
	return true;
}

static struct tpacket_block *block_at(const struct packet_ring *r)
{
	return (struct tpacket_block *)(r->base + (size_t)r->head * r->req.block_size);
}

static bool open_block(struct packet_ring *r, struct timespec now)
{
	struct tpacket_block *b = block_at(r);
	uint32_t start = (uint32_t)ALIGN_UP(sizeof(*b), 8) + ALIGN_UP(r->req.private_size, 8u);

	if (smp_load_acquire(&b->status)) {
		if (!r->frozen)
			r->ps->freezes++;
		r->frozen = true;
		return false;
	}
	r->frozen = false;
	*b = (struct tpacket_block){.version = TPACKET_V3,
		.offset_to_private = (uint32_t)ALIGN_UP(sizeof(*b), 8),
		.offset_to_first = start,
		.seq = ++r->seq,
		.first_sec = (uint32_t)now.tv_sec,
		.first_nsec = (uint32_t)now.tv_nsec};
	r->used = start;
	r->num_pkts = 0;
	r->last = NULL;
	r->block_open = true;
	return true;
}

/* Hand the open block to the program. */
static void close_block(struct packet_ring *r, struct timespec now, bool by_timer)
{
	struct tpacket_block *b = block_at(r);

	if (r->last)
		((struct tpacket3_hdr *)r->last)->next_offset = 0;
	b->num_pkts = r->num_pkts;
	b->len = r->used;
	b->last_sec = (uint32_t)now.tv_sec;
	b->last_nsec = (uint32_t)now.tv_nsec;
	smp_store_release(&b->status, TP_STATUS_USER | (by_timer ? TP_STATUS_BLK_TMO : 0u) |
					      (r->ps->drops ? TP_STATUS_LOSING : 0u));
	r->head = r->head + 1 < r->req.block_nr ? r->head + 1 : 0;
	r->block_open = false;
}

static void put_v3(struct packet_ring *r, const struct packet_note *n, const uint32_t at[3],
	struct timespec ts, const struct pkt *p)
{
	uint8_t *frame = (uint8_t *)block_at(r) + r->used;
	struct tpacket3_hdr *h = (struct tpacket3_hdr *)frame;
	uint32_t step = ALIGN_UP(at[0] + at[2], 8u);

	*h = (struct tpacket3_hdr){.next_offset = step,
		.sec = (uint32_t)ts.tv_sec,
		.nsec = (uint32_t)ts.tv_nsec,
		.snaplen = at[2],
		.len = n->len,
		.status = frame_status(n, r->ps->drops),
		.mac = (uint16_t)at[0],
		.net = (uint16_t)at[1],
		.rxhash = p->hash,
		.vlan_tci = n->vlan_tci,
		.vlan_tpid = n->has_vlan ? ETH_P_8021Q : 0};
	memcpy(frame + TPACKET_ALIGN(sizeof(*h)), &n->from, sizeof(n->from));
	pkt_copy_bytes(p, 0, frame + at[0], at[2]);
	r->last = frame;
	r->used += step;
	r->num_pkts++;
}

/* Version 3: behind the last packet, in a new block when it does not fit there. */
static bool put_in_block(struct packet_sock *ps, const struct pkt *p, const struct packet_note *n)
{
	struct packet_ring *r = ps->ring;
	struct timespec now = stamp(p);
	uint32_t at[3];

	data_offsets(ps, n, &at[0], &at[1]);
	if (at[1] > UINT16_MAX)
		return false;
	at[2] = n->snaplen;
	if (r->block_open && r->used + ALIGN_UP(at[0] + at[2], 8u) > r->req.block_size &&
		r->num_pkts)
		close_block(r, now, false);
	if (!r->block_open) {
		if (!open_block(r, now))
			return false;
		if (net_timer_arm(&r->retire, clock_ns() + r->retire_ns))
			socket_get(&ps->s);
	}
	if (r->used + at[0] >= r->req.block_size)
		return false;
	at[2] = MIN(at[2], ALIGN_DOWN(r->req.block_size - r->used - at[0], 8u));
	put_v3(r, n, at, now, p);
	return true;
}

bool packet_ring_put(struct packet_sock *ps, const struct pkt *p, const struct packet_note *n)
{
	return ps->version == TPACKET_V3 ? put_in_block(ps, p, n) : put_frame(ps, p, n);
}

/* A begun block has waited long enough. Drops the reference that the armed timer held. */
static void retire_timer(struct net_timer *t)
{
	struct packet_ring *r = container_of(t, struct packet_ring, retire);
	struct packet_sock *ps = r->ps;
	bool wake = false;

	spin_lock(&ps->s.lock);
	if (ps->ring == r && r->block_open && r->num_pkts) {
		close_block(r, ns_to_timespec(realtime_ns()), true);
		wake = true;
	}
	spin_unlock(&ps->s.lock);
	if (wake)
		socket_wake_readers(&ps->s);
	socket_put(&ps->s);
}

/*
 * Is there something that the program has not taken? The one written last tells: the program gives
 * frames and blocks back in order.
 */
bool packet_ring_readable(const struct packet_sock *ps)
{
	const struct packet_ring *r = ps->ring;
	bool is_v3 = ps->version == TPACKET_V3;
	uint32_t count = is_v3 ? r->req.block_nr : r->req.frame_nr;
	uint32_t last = r->head ? r->head - 1 : count - 1;

	if (is_v3)
		return READ_ONCE((
			       (struct tpacket_block *)(r->base + (size_t)last * r->req.block_size))
					 ->status) != 0;
	if (ps->version == TPACKET_V1)
		return READ_ONCE(((struct tpacket_hdr *)frame_at(r, last))->status) != 0;
	return READ_ONCE(((struct tpacket2_hdr *)frame_at(r, last))->status) != 0;
}
