/*
 * pkt.h - packet buffers.
 *
 * A struct pkt is owned by exactly one holder at any time; nothing in it is shared, so whoever
 * holds it may change it. It has a short linear part, which holds protocol headers, and up to
 * PKT_FRAGS pieces of pages, which hold the payload. Sharing is by page references alone: what TCP
 * keeps for retransmission and what the device sends are two pkts that refer to the same pages, and
 * bytes in a page that others may refer to are never changed (a page of which pkt_frag_append()
 * still hands out the unused rest is no exception: only bytes nobody was given are written).
 *
 *	lin[]:  | headroom | headers (lin_len bytes) | tailroom |     len = lin_len + sum of frags
 *	                   ^ off
 *
 * Context: any that may take GFP_ATOMIC memory with interrupts on (net sections, net.h; also
 * sleeping context). Not from interrupt handlers: drivers build pkts in their poll function.
 */
#pragma once
#include <debug.h>
#include <iov_iter.h>
#include <ipaddr.h>
#include <list.h>
#include <page.h>
#include <rbtree.h>

struct netdev;
struct socket;

enum {
	PKT_FRAGS = 18,    /* 64 KiB in 4 KiB pages, and one for a bad start, and one more */
	PKT_LINEAR = 256,  /* all headers of one packet fit */
	PKT_HEADROOM = 144 /* what pkt_alloc_tx() leaves for headers pushed in front: Ethernet,
			      VLAN, IPv4 and TCP with all their options are 138 */
};
struct pkt_frag {
	struct page *page; /* head of its block: a reference is held */
	uint32_t off, len; /* off may go beyond PAGE_SIZE within the block */
};

/*
 * What is known of the transport checksum. CSUM_PARTIAL: the field holds the folded pseudo-header
 * sum; whoever sends sums from csum_start on and stores at csum_start + csum_offset. A received one
 * (loopback, virtio) counts as verified, and must be completed if it leaves by a device without the
 * feature.
 */
enum pkt_csum {
	CSUM_NONE,     /* received: not checked; to send: complete in the packet */
	CSUM_VERIFIED, /* received: right */
	CSUM_PARTIAL
};
enum pkt_gso { /* a packet larger than the MTU, to be cut into segments of gso_size bytes payload */
	GSO_NONE,
	GSO_TCP4,
	GSO_TCP6,
	GSO_UDP /* UDP_SEGMENT: several datagrams */
};
enum pkt_type { /* link-layer destination */
	PKT_HOST,
	PKT_BROADCAST,
	PKT_MULTICAST,
	PKT_OTHERHOST, /* promiscuous: for taps only */
	PKT_OUTGOING,  /* a tap's copy of what we send */
	PKT_LOOPED     /* a copy of our own multicast or broadcast, given to net_backlog() */
};

/*
 * Shared by all pkts that carry pages lent by a program, which may write to them at any time: told
 * once, by last(), when the last of them has gone. last() runs where that pkt is freed: it may take
 * leaf locks alone. is_copied: the bytes of some did not leave from those pages.
 */
struct pkt_note {
	refcount_t refs;
	bool is_copied; /* [a] */
	void (*last)(struct pkt_note *n);
};

/* What the IP layer found in its header, for transports; or what they ask of it. */
struct pkt_ip {
	struct ip_addr src, dst;
	uint8_t proto, ttl, tos;
	bool is_broadcast; /* dst is one of the interface's broadcast addresses or multicast */
	uint16_t opts_len; /* IPv4 options, in the header at l3 */
	uint16_t frag_max; /* largest fragment it came in; 0: it came whole */
	uint32_t ifindex;  /* interface it came in by: ->dev may be gone when a socket reads it */
};

struct pkt {
	union {
		struct list_head node; /* the holder's queue */
		struct rb_node rb;     /* TCP: out-of-order segments */
	};
	uint32_t len;
	uint16_t off, lin_len;
	uint16_t l2, l3,
		l4;      /* offsets in lin[] of the headers; valid once that layer has seen it */
	__be16 protocol; /* ETH_P_* of what is at l3 */
	uint8_t nr_frags;
	uint8_t csum, gso, type; /* pkt_csum, pkt_gso, pkt_type */
	uint16_t csum_start;     /* offset in lin[] */
	uint16_t csum_offset;    /* from csum_start */
	uint16_t gso_size, gso_segs;
	uint16_t vlan_tci; /* tag not in the data (offload); has_vlan */
	bool has_vlan;
	uint8_t priority;
	uint32_t mark;
	uint32_t hash;     /* of the flow, 0: not computed; equal for all packets of a connection */
	uint32_t truesize; /* bytes of memory it pins */
	uint64_t tstamp_ns; /* realtime of reception; 0 unless someone asked for it */
	struct netdev *dev; /* received on, or sent by: valid within the net section, or the holder
			       keeps the device */
	/* Sender's or receiver's memory accounting: run once when the pkt is freed or orphaned. */
	void (*destructor)(struct pkt *p);
	struct socket *owner;  /* destructor's */
	struct pkt_note *note; /* a reference; NULL: the pages are nobody's to write to */
	struct pkt_ip ip;      /* see above: set by ip input, read by transports */
	uint64_t cb[6];        /* the present layer's own; not kept from layer to layer */
	struct pkt_frag frag[PKT_FRAGS];
	uint8_t lin[PKT_LINEAR];
};

/* Empty, with @headroom bytes free in front of the data; NULL: no memory. Never sleeps. */
struct pkt *pkt_alloc(unsigned headroom) __must_check;
static inline struct pkt *__must_check pkt_alloc_tx(void)
{
	return pkt_alloc(PKT_HEADROOM);
}
void pkt_free(struct pkt *p); /* runs the destructor, drops page references and the note */
/* Take the pkt away from the socket that accounts for it (it crosses to another owner). */
void pkt_orphan(struct pkt *p);
/* A second pkt with the same contents (linear part copied, pages shared); no destructor. */
struct pkt *pkt_clone(const struct pkt *p) __must_check;

static inline void pkt_note_put(struct pkt_note *n)
{
	if (refcount_dec(&n->refs))
		n->last(n);
}
/* @p carries pages that @n is about: it has no other note yet. */
static inline void pkt_set_note(struct pkt *p, struct pkt_note *n)
{
	ASSERT(!p->note || p->note == n);
	if (!p->note) {
		refcount_inc(&n->refs);
		p->note = n;
	}
}
/*
 * Before @p waits for a receiver on this machine, who must not see a program's later writes: the
 * pages with a note are replaced by copies, and the note, which says so, is let go. False: no
 * memory, @p is as it was.
 */
bool __must_check pkt_own_pages_slow(struct pkt *p);
static inline bool __must_check pkt_own_pages(struct pkt *p)
{
	return likely(!p->note) || pkt_own_pages_slow(p);
}

static inline uint8_t *pkt_data(struct pkt *p)
{
	return p->lin + p->off;
}
static inline unsigned pkt_headroom(const struct pkt *p)
{
	return p->off;
}
static inline unsigned pkt_tailroom(const struct pkt *p) /* linear; only while there are no frags */
{
	return PKT_LINEAR - p->off - p->lin_len;
}
/* @n bytes more in front; the caller knows there is headroom (headers have bounded sizes). */
static inline void *pkt_push(struct pkt *p, unsigned n)
{
	ASSERT(n <= p->off);
	p->off -= n;
	p->lin_len += n;
	p->len += n;
	return p->lin + p->off;
}
/* @n bytes more behind the linear part, while there are no frags. */
static inline void *pkt_append(struct pkt *p, unsigned n)
{
	void *at = p->lin + p->off + p->lin_len;

	ASSERT(!p->nr_frags && n <= pkt_tailroom(p));
	p->lin_len += n;
	p->len += n;
	return at;
}
/*
 * pkt_need() - make the first @n bytes linear. False: the packet is shorter, or @n more than fits.
 * Call before reading a header; afterwards pkt_data() points to at least @n bytes. Pointers into
 * the linear part taken before become invalid (offsets l2, l3, l4, csum_start are kept right), and
 * there may be no headroom any more.
 */
bool pkt_need_slow(struct pkt *p, unsigned n);
static inline bool __must_check pkt_need(struct pkt *p, unsigned n)
{
	return likely(n <= p->lin_len) || pkt_need_slow(p, n);
}
/* Room for pkt_push(@n) in front of what came from elsewhere (a tag on a forwarded frame); moves
 * the linear part, keeping the offsets right. False: there is none. */
bool __must_check pkt_need_headroom(struct pkt *p, unsigned n);
/* Drop the first @n <= len bytes (a header done with, TCP trimming). */
void pkt_pull_slow(struct pkt *p, unsigned n);
static inline void pkt_pull(struct pkt *p, unsigned n)
{
	if (unlikely(n > p->lin_len)) {
		pkt_pull_slow(p, n);
		return;
	}
	p->off += n;
	p->lin_len -= n;
	p->len -= n;
}
void pkt_trim(struct pkt *p, unsigned len); /* cut to @len <= p->len bytes */

/* Attach a piece of a page: consumes the caller's reference. Merges with the last frag when it is
 * its continuation. False (reference not consumed): all frags are in use. */
bool __must_check pkt_add_frag(struct pkt *p, struct page *page, uint32_t off, uint32_t len);
/*
 * Append @n bytes of payload copied from @from: behind the linear part if all of it fits there,
 * else into page room (per-CPU, large blocks cut up).
 * Sleeping context when @from is user memory, which may fault; the caller holds no spinlock.
 * Returns bytes appended (fewer: frags used up, or no memory and some were done), -EFAULT, -ENOMEM.
 */
ssize_t pkt_append_iter(struct pkt *p, struct iov_iter *from, size_t n);
int __must_check pkt_append_bytes(
	struct pkt *p, const void *src, size_t n); /* 0, -ENOMEM, -EMSGSIZE */
/* @n <= 32 KiB contiguous bytes for payload or a receive buffer, at *off of the page returned,
 * which the caller has a reference to; NULL: no memory. Aligned to 16. Never sleeps. */
struct page *pkt_room_take(size_t n, uint32_t *off) __must_check;
/* Copy out @n bytes at @off; the caller knows off + n <= len. */
void pkt_copy_bytes(const struct pkt *p, unsigned off, void *to, size_t n);
int __must_check pkt_copy_iter(
	const struct pkt *p, unsigned off, struct iov_iter *to, size_t n); /* 0, -EFAULT */
/* Overwrite @n bytes at @off of a pkt whose pages nobody else refers to or of its linear part. */
void pkt_store_bytes(struct pkt *p, unsigned off, const void *from, size_t n);
/* Move @n bytes from @from at @off behind @to's end by page references (linear bytes are copied):
 * segmentation, TCP splitting, fragments. @from is unchanged. 0, -ENOMEM, -EMSGSIZE (frags, or two
 * different notes). */
int __must_check pkt_append_ref(struct pkt *to, const struct pkt *from, unsigned off, size_t n);
/* Append all of @from's data to @to and free @from: reassembly, GRO. False: does not fit, or two
 * different notes; nothing done. */
bool __must_check pkt_merge(struct pkt *to, struct pkt *from);

/* Internet checksum (RFC 1071) over @n bytes at @off, added to @sum; fold with csum_fold(). */
uint32_t pkt_csum(const struct pkt *p, unsigned off, size_t n, uint32_t sum);
/* CSUM_PARTIAL -> CSUM_NONE: compute and store it. Copies the page of the field first if need be.
 */
void pkt_csum_complete(struct pkt *p);

/* Queues: no lock of their own. */
struct pkt_queue {
	struct list_head list;
	uint32_t count;
	uint64_t bytes; /* sum of len at the time of queueing */
};
static inline void pkt_queue_init(struct pkt_queue *q)
{
	list_init(&q->list);
	q->count = 0;
	q->bytes = 0;
}
static inline void pkt_enqueue(struct pkt_queue *q, struct pkt *p)
{
	list_add_tail(&p->node, &q->list);
	q->count++;
	q->bytes += p->len;
}
static inline struct pkt *pkt_peek(const struct pkt_queue *q)
{
	return list_empty(&q->list) ? NULL : list_first(&q->list, struct pkt, node);
}
static inline void pkt_unlink(struct pkt_queue *q, struct pkt *p)
{
	list_del(&p->node);
	q->count--;
	q->bytes -= p->len;
}
static inline struct pkt *pkt_dequeue(struct pkt_queue *q)
{
	struct pkt *p = pkt_peek(q);

	if (p)
		pkt_unlink(q, p);
	return p;
}
void pkt_queue_purge(struct pkt_queue *q); /* frees all */
void pkt_init(void);                       /* boot */
